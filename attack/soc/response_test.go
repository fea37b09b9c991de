package soc_test

import (
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// The record of a response goes to the case as it is, behind the gate as any comment, and
// what an attacker wrote into it stands there as code.
func TestTheRecordOfAResponseStandsOnTheCase(t *testing.T) {
	t.Parallel()
	g := gatetest.New(t, func(p *gate.Policy) {
		p.Responses = []gate.Response{{Name: "block-address", Command: "firewall-drop180", Takes: gate.TakesAddress, Proof: "651"}}
	})
	w, h := wazuhtest.New(t), thehivetest.New(t)
	clients := []interface{ Ops() []gate.Op }{w.Client(func(c *wazuh.Config) { c.Guard = g.Guard }), h.Client(func(c *thehive.Config) { c.Guard = g.Guard })}
	call := func(name string, in any) any {
		t.Helper()
		for _, c := range clients {
			for _, op := range c.Ops() {
				if op.Name() != name {
					continue
				}
				res, err := op.Do(t.Context(), g.Guard, in)
				if err != nil {
					t.Fatal(err)
				}
				if res.State != gate.StatePending {
					t.Fatalf("%s is %s before anybody approved it", name, res.State)
				}
				g.Approve(res.Proposal.ID)
				if res, err = op.Do(t.Context(), g.Guard, in); err != nil {
					t.Fatal(err)
				}
				return res.Out
			}
		}
		t.Fatalf("there is no %s", name)
		return nil
	}
	in := wazuh.RunActiveResponseInput{Reason: "it guesses `x` **bold** [a](http://evil.example)", ResponseTarget: wazuh.ResponseTarget{Response: "block-address", Agents: []wazuh.AgentID{"007"}, Value: "198.51.100.23", WaitSeconds: 2}}
	done, ok := call("wazuh_active_response", &in).(*wazuh.ResponseDone)
	if !ok || done.Proven != 1 {
		t.Fatalf("%+v", done)
	}
	call("thehive_create_comment", &thehive.CreateCommentInput{CaseID: thehivetest.BruteForceCase, Message: done.Record})
	comments, err := h.Client().ListComments(t.Context(), thehive.ListCommentsInput{CaseID: thehivetest.BruteForceCase})
	if err != nil {
		t.Fatal(err)
	}
	var found string
	for _, c := range comments.Comments {
		if strings.HasPrefix(c.Message, "**Active response: block-address**") {
			found = c.Message
		}
	}
	for _, want := range []string{"- command: `firewall-drop180`", "- on: `198.51.100.23`", "- host 007 `fleet-007`: proven, shown by alert `" + done.Hosts[0].Proof + "`", "- reason given: `it guesses 'x' **bold** [a](http://evil.example)`"} {
		if !strings.Contains(found, want) {
			t.Errorf("the case's comment lacks %q:\n%s", want, found)
		}
	}
}
