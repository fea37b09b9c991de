package soc_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// Without any platform, the stock ruleset of Wazuh is known.
func ExampleClient_MapWazuhAlert() {
	kb, err := attack.New(attack.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := soc.New(soc.Config{ATTACK: kb})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := c.MapWazuhAlert(context.Background(), soc.MapWazuhAlertInput{RuleID: 5710})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range out.Techniques {
		fmt.Println(t.ID, t.Name, t.Source)
	}
	// Output:
	// T1110.001 Password Guessing stock ruleset
	// T1021.004 SSH stock ruleset
}

// What do the case management and the intelligence know of a technique? Each
// platform says whether it answered.
func ExampleClient_CrossCorrelate() {
	hiveServer, mispServer := thehivetest.NewServer(), misptest.NewServer() // in place of real ones
	hiveServer.SeedIncident()
	mispServer.SeedIncident()
	hiveAddress, mispAddress := httptest.NewServer(hiveServer), httptest.NewServer(mispServer)
	defer hiveAddress.Close()
	defer mispAddress.Close()

	kb, err := attack.New(attack.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	hive, err := thehive.New(thehive.Config{BaseURL: hiveAddress.URL, APIKey: thehivetest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	intelligence, err := misp.New(misp.Config{BaseURL: mispAddress.URL, APIKey: misptest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := soc.New(soc.Config{ATTACK: kb, TheHive: hive, MISP: intelligence})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := c.CrossCorrelate(context.Background(), soc.CrossCorrelateInput{Techniques: []string{"T1110"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range out.Platforms {
		fmt.Println(p.Platform, p.Status)
	}
	fmt.Println(len(out.TheHive.Cases), "cases,", len(out.MISP.Events), "events")
	// Output:
	// wazuh not configured
	// thehive answered
	// misp answered
	// 1 cases, 1 events
}
