package wazuh_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// The worst of what happened to one agent, oldest first.
func ExampleClient_Alerts() {
	server := wazuhtest.NewServer() // in place of a real Wazuh
	server.SeedIncident()
	manager, indexer := httptest.NewServer(server.Manager()), httptest.NewServer(server.Indexer())
	defer manager.Close()
	defer indexer.Close()

	c, err := wazuh.New(wazuh.Config{
		BaseURL: manager.URL, Username: wazuhtest.User, Password: wazuhtest.Password,
		Indexer: wazuh.IndexerConfig{BaseURL: indexer.URL, Username: wazuhtest.IndexerUser, Password: wazuhtest.IndexerPassword},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	in := wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: 10, AgentID: "007", MITREIDs: []string{"T1110"}}, Sort: wazuh.OldestFirst}
	for a, err := range c.Alerts(context.Background(), in) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(a.Rule.Level, a.Rule.ID, a.SourceIP)
	}
	// Output:
	// 10 5712 198.51.100.23
	// 10 5712 198.51.100.23
	// 10 5712 198.51.100.23
	// 12 40112 198.51.100.23
}
