package wazuhtest_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// In a test, wazuhtest.New(t) does all of this and ends with the test.
func Example() {
	server := wazuhtest.NewServer()
	server.AddRule(wazuhtest.Object{"id": 100200, "level": 7, "description": "Ours", "relative_dirname": "etc/rules", "filename": "local_rules.xml"})
	manager := httptest.NewServer(server.Manager())
	defer manager.Close()
	c, err := wazuh.New(wazuh.Config{BaseURL: manager.URL, Username: wazuhtest.User, Password: wazuhtest.Password})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := c.GetRule(context.Background(), wazuh.GetRuleInput{RuleID: "100200"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Level, r.Description)
	// Output: 7 Ours
}
