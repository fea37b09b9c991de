package wazuh_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// responses is what an operator lets a program ask hosts for; that a host did it shows
// an alert of the rule which Proof names.
var responses = []gate.Response{{Name: "block-address", Command: "firewall-drop180", Takes: gate.TakesAddress, Proof: "651"}}

// autopilot returns a guard that lets every write run unasked. A program for people
// uses gate.ApprovalOperator, the default.
func autopilot() (*gate.Guard, func()) {
	dir, err := os.MkdirTemp("", "wazuh-example")
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Approval: gate.ApprovalHost, Dir: filepath.Join(dir, "state"), Responses: responses})
	if err != nil {
		log.Fatal(err)
	}
	return g, func() { _ = errors.Join(g.Close(), os.RemoveAll(dir)) }
}

// connected returns a client of a Wazuh in memory, behind guard if it isn't nil.
// Programs have the address of a real one.
func connected(guard *gate.Guard) (c *wazuh.Client, stop func()) {
	server := wazuhtest.NewServer()
	server.SeedIncident()
	manager, indexer := httptest.NewServer(server.Manager()), httptest.NewServer(server.Indexer())
	c, err := wazuh.New(wazuh.Config{
		BaseURL: manager.URL, Username: wazuhtest.User, Password: wazuhtest.Password,
		Indexer: wazuh.IndexerConfig{BaseURL: indexer.URL, Username: wazuhtest.IndexerUser, Password: wazuhtest.IndexerPassword},
		Guard:   guard, Responses: responses,
	})
	if err != nil {
		log.Fatal(err)
	}
	return c, func() { manager.Close(); indexer.Close() }
}

// A page of a list.
func ExampleClient_ListAgents() {
	c, stop := connected(nil)
	defer stop()
	p, err := c.ListAgents(context.Background(), wazuh.ListAgentsInput{Status: wazuh.Disconnected})
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range p.Agents {
		fmt.Println(a.ID, a.Name)
	}
	// Output: 010 dev-laptop-3
}

// The rules of one's own, of thousands.
func ExampleClient_Rules() {
	c, stop := connected(nil)
	defer stop()
	n := 0
	for r, err := range c.Rules(context.Background(), wazuh.ListRulesInput{Level: 12}) {
		if err != nil {
			log.Fatal(err)
		}
		if n++; r.ID == 40112 {
			fmt.Println(r.Level, r.MITRE)
		}
	}
	// Output: 12 [T1078 T1110]
}

// What the manager's integrator posts.
func ExampleParseAlert() {
	a, err := wazuh.ParseAlert([]byte(`{"timestamp":"2026-03-02T08:00:00.123+0000","id":"1772438400.7",
		"rule":{"id":"5763","level":10,"description":"sshd: brute force"},"agent":{"id":"007","name":"fleet-007"},"data":{"srcip":"198.51.100.23"}}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Rule.ID, a.Agent.Name, a.SourceIP)
	// Output: 5763 fleet-007 198.51.100.23
}

// A method is a plain call: without a guard it runs at once. Told is not done: the
// host's own log is the proof.
func ExampleClient_RunActiveResponse() {
	c, stop := connected(nil)
	defer stop()
	out, err := c.RunActiveResponse(context.Background(), wazuh.RunActiveResponseInput{
		ResponseTarget: wazuh.ResponseTarget{Response: "block-address", Agents: []wazuh.AgentID{"007"}, Value: "198.51.100.23"},
		Reason:         "it guesses passwords",
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range out.Hosts {
		fmt.Println(out.Command, h.Name, h.State)
	}
	// Output: firewall-drop180 fleet-007 proven
}

// With a guard on the wire a plain call that writes isn't sent; the same method as
// an operation waits for an approver, unless the policy says otherwise.
func ExampleClient_Ops() {
	guard, end := autopilot()
	defer end()
	c, stop := connected(guard)
	defer stop()
	ctx := context.Background()

	in := wazuh.RunActiveResponseInput{
		ResponseTarget: wazuh.ResponseTarget{Response: "block-address", Agents: []wazuh.AgentID{"007"}, Value: "198.51.100.23"},
		Reason:         "it guesses passwords",
	}
	_, err := c.RunActiveResponse(ctx, in)
	fmt.Println(errors.Is(err, gate.ErrRefused))

	block := gate.Wrap(guard, gate.Of(c.Ops(), c.RunActiveResponse))
	out, err := block(ctx, in)
	fmt.Println(out.Sent, out.Proven, err)
	// Output:
	// true
	// 1 1 <nil>
}

// What went wrong is the same question for all platforms.
func ExampleError() {
	c, stop := connected(nil)
	defer stop()
	_, err := c.GetAgent(context.Background(), wazuh.GetAgentInput{AgentID: "999"})
	switch connect.Kind(err) {
	case connect.ErrNotFound:
		fmt.Println("there is no such agent")
	case connect.ErrRateLimited:
		fmt.Println("again in", connect.RetryAfter(err))
	case connect.ErrUnavailable:
		fmt.Println("again later")
	}
	// Output: there is no such agent
}

// The fake has what a test gives it, so a test needs no server.
func TestTheFakeStandsInForWazuh(t *testing.T) {
	server := wazuhtest.New(t)
	server.AddRule(wazuhtest.Object{"id": 100200, "level": 7, "description": "Ours", "relative_dirname": "etc/rules", "filename": "local_rules.xml"})
	r, err := server.Client().GetRule(t.Context(), wazuh.GetRuleInput{RuleID: "100200"})
	if err != nil || r.Description != "Ours" {
		t.Errorf("%+v, %v", r, err)
	}
}
