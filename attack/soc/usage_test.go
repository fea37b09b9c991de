package soc_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// autopilot returns a guard that lets every write run unasked. A program for people
// uses gate.ApprovalOperator, the default.
func autopilot() (*gate.Guard, func()) {
	dir, err := os.MkdirTemp("", "soc-example")
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Approval: gate.ApprovalHost, Dir: filepath.Join(dir, "state")})
	if err != nil {
		log.Fatal(err)
	}
	return g, func() { _ = errors.Join(g.Close(), os.RemoveAll(dir)) }
}

// connected returns a client that has ATT&CK and a TheHive in memory, behind guard if
// it isn't nil. Programs have the address of a real one.
func connected(guard *gate.Guard) (c *soc.Client, stop func()) {
	server := thehivetest.NewServer()
	server.SeedIncident()
	s := httptest.NewServer(server)
	hive, err := thehive.New(thehive.Config{BaseURL: s.URL, APIKey: thehivetest.Key, Guard: guard})
	if err != nil {
		log.Fatal(err)
	}
	kb, err := attack.New(attack.Config{})
	if err != nil {
		log.Fatal(err)
	}
	c, err = soc.New(soc.Config{ATTACK: kb, TheHive: hive, Guard: guard})
	if err != nil {
		log.Fatal(err)
	}
	return c, s.Close
}

// The cases of a technique, by their tags and what is recorded with them.
func ExampleClient_ListCases() {
	c, stop := connected(nil)
	defer stop()
	out, err := c.ListCases(context.Background(), soc.ListCasesInput{TechniqueFilter: "T1110"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, cs := range out.Cases {
		fmt.Println(cs.Case.Title, cs.Techniques[0].ID)
	}
	// Output: SSH password guessing against the jump host T1110
}

// A method is a plain call: without a guard it writes at once.
func ExampleClient_EnrichCase() {
	c, stop := connected(nil)
	defer stop()
	out, err := c.EnrichCase(context.Background(), soc.EnrichCaseInput{CaseID: "2", Techniques: []string{"T1566.001"}, AddTags: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.Case.Title, out.TagsAdded)
	// Output: Phishing mail with a fake invoice [mitre:T1566.001]
}

// With a guard on the wire a plain call that writes isn't sent; the same method as
// an operation waits for an approver, unless the policy says otherwise.
func ExampleClient_Ops() {
	guard, end := autopilot()
	defer end()
	c, stop := connected(guard)
	defer stop()
	ctx := context.Background()

	in := soc.EnrichCaseInput{CaseID: "2", Techniques: []string{"T1566.001"}, AddTags: true}
	_, err := c.EnrichCase(ctx, in)
	fmt.Println(errors.Is(err, gate.ErrRefused))

	enrich := gate.Wrap(guard, gate.Of(c.Ops(), c.EnrichCase))
	out, err := enrich(ctx, in)
	fmt.Println(out.TagsAdded, err)
	// Output:
	// true
	// [mitre:T1566.001] <nil>
}

// What went wrong is the same question for all platforms; that one isn't there at all
// is a question of the configuration.
func ExampleErrNotConfigured() {
	c, stop := connected(nil)
	defer stop()
	ctx := context.Background()
	_, noCase := c.EnrichCase(ctx, soc.EnrichCaseInput{CaseID: "4711"})
	_, noMISP := c.ListEvents(ctx, soc.ListEventsInput{})
	for _, err := range []error{noCase, noMISP} {
		switch {
		case errors.Is(err, soc.ErrNotConfigured):
			fmt.Println(err)
		case errors.Is(err, connect.ErrNotFound):
			fmt.Println("there is no such case")
		case errors.Is(err, connect.ErrUnavailable):
			fmt.Println("later perhaps")
		}
	}
	// Output:
	// there is no such case
	// soc: MISP is not configured
}
