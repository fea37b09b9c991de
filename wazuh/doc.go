// Package wazuh is a client for Wazuh 4 and 5: the server's API, and the
// indexer where the alerts are.
//
//	c, err := wazuh.New(wazuh.Config{
//		BaseURL: "https://wazuh.example.org:55000", Username: "soc", Password: password,
//		Indexer: wazuh.IndexerConfig{BaseURL: "https://wazuh.example.org:9200", Username: "soc", Password: other},
//	})
//	...
//	page, err := c.GetAlerts(ctx, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: 10, Search: "authentication"}})
//
// Each operation is a method with one input struct and one output.
// [Client.Ops] lists them with their tiers, for a gate or an MCP server. The
// plural nouns, [Client.Agents] and [Client.Alerts], are iterators;
// [Client.TailAlerts] gives the alerts as they arrive, each once. [ParseAlert]
// reads what the manager's integrator hands on.
//
// Without an indexer everything works but alerts, vulnerabilities and the
// fleet's inventory; they answer [ErrNoIndexer].
//
// The server is asked for its version once, unless [Config] names it. A Wazuh 5
// answers the same operations from what it has: alerts are findings there, and
// what is on a host is in the indexer. What it doesn't offer is [ErrUnsupported].
//
// An agent's id has at least three digits: "7" means "007", and "000" is the
// manager itself. An answer of Wazuh with status 200 can be a failure: one that
// failed as a whole is an [Error], and what failed beside things that worked is
// listed in the page. What the user's role may not see is missing from lists
// without a word from Wazuh. What else the server and its indexer do where their
// documentation doesn't say is in behaviour.md beside this file, and in their
// fake, package wazuhtest.
package wazuh

//go:generate go run ../internal/jsoncodec/jsonmethods
