package gate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

func policyOf(t *testing.T, text string) (gate.Policy, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return gate.LoadPolicy(file)
}

func TestThePolicyNamesTheResponsesThatTheOperatorAllows(t *testing.T) {
	p, err := policyOf(t, `{"bulk": {"over": 3, "approvers": 2}, "responses": [
		{"name": "block-address", "command": "firewall-drop180", "takes": "address", "proof": "651", "undone": "652", "os": ["linux"], "max_hosts": 5},
		{"name": "isolate", "command": "!isolate", "takes": "nothing", "reverse": "!rejoin"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(p)
	if err != nil {
		t.Fatal(err)
	}
	want := []gate.Response{
		{Name: "block-address", Command: "firewall-drop180", Takes: "address", Proof: "651", Undone: "652", OS: []string{"linux"}, MaxHosts: 5},
		{Name: "isolate", Command: "!isolate", Takes: "nothing", Reverse: "!rejoin"},
	}
	if diff := cmp.Diff(want, g.Responses()); diff != "" {
		t.Errorf("responses (-want +got):\n%s", diff)
	}
	if n := want[0].Hosts() + want[1].Hosts(); n != 6 {
		t.Errorf("%d hosts, want 5 and 1", n)
	}
	for text, says := range map[string]string{
		`{"responses": [{"name": "Block", "command": "x", "takes": "nothing"}]}`:                                                "want a name",
		`{"responses": [{"name": "b", "command": "x y", "takes": "nothing"}]}`:                                                  "command",
		`{"responses": [{"name": "b", "command": "../x", "takes": "nothing"}]}`:                                                 "command",
		`{"responses": [{"name": "b", "command": "x", "takes": "host"}]}`:                                                       "address, user or nothing",
		`{"responses": [{"name": "b", "command": "x", "takes": "nothing", "reverse": "!"}]}`:                                    "reverse",
		`{"responses": [{"name": "b", "command": "x", "takes": "nothing", "proof": "the log"}]}`:                                "numbers of rules",
		`{"responses": [{"name": "b", "command": "x", "takes": "nothing", "os": ["vms"]}]}`:                                     "linux, windows or darwin",
		`{"responses": [{"name": "b", "command": "x", "takes": "nothing", "max_hosts": 5000}]}`:                                 "max_hosts",
		`{"responses": [{"name": "b", "command": "x", "takes": "nothing"}, {"name": "b", "command": "y", "takes": "nothing"}]}`: "twice",
		`{"responses": [{"name": "b", "command": "x", "takes": "nothing", "all": true}]}`:                                       "unknown field",
		`{"bulk": {"approvers": 2}}`: "bulk",
		`{"bulk": {"over": 3, "approvers": 2}, "approval": {"write": "host"}}`: "bulk",
	} {
		if _, err := policyOf(t, text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

type hosts struct {
	Names []string `json:"names"`
}

func TestACallAboutManyThingsNeedsMoreApprovers(t *testing.T) {
	second, err := gate.NewSigner("second")
	if err != nil {
		t.Fatal(err)
	}
	g := gatetest.New(t, func(p *gate.Policy) {
		p.Bulk = gate.Bulk{Over: 2, Approvers: 2}
		p.Approvers = []gate.Approver{second.Approver()}
	})
	op := gate.Destructive("stop_hosts", func(_ context.Context, in hosts) (int, error) { return len(in.Names), nil }, "Stop hosts.").
		Plan(func(_ context.Context, in hosts) (p gate.Plan, err error) {
			p.Summary = "Stop hosts."
			for _, n := range in.Names {
				p.Targets = append(p.Targets, gate.Target{Kind: "host", ID: n})
			}
			return p, nil
		})
	do := func(in hosts) *gate.Result {
		t.Helper()
		res, err := op.Do(t.Context(), g.Guard, &in)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	few, many := hosts{[]string{"a", "b"}}, hosts{[]string{"a", "b", "c"}}
	g.Approve(do(few).Proposal.ID)
	if res := do(few); res.State != gate.StateExecuted {
		t.Errorf("two hosts, one approver: %s", res.State)
	}
	p := do(many).Proposal
	if p.Needs != 2 {
		t.Errorf("three hosts need %d approvers, want 2", p.Needs)
	}
	g.Approve(p.ID)
	if res := do(many); res.State != gate.StatePending {
		t.Errorf("three hosts, one approver: %s", res.State)
	}
	j, err := g.Journal()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Approve(p.ID, p.Digest, second); err != nil {
		t.Fatal(err)
	}
	if res := do(many); res.State != gate.StateExecuted {
		t.Errorf("three hosts, two approvers: %s", res.State)
	}
}

func TestTheJournalSaysHowFarAnOperationOfSeveralStepsIs(t *testing.T) {
	g := gatetest.New(t)
	var seen *gate.Proposal
	op := gate.Write("in_steps", func(ctx context.Context, _ hosts) (int, error) {
		seen = gate.Executing(ctx)
		if err := gate.Progress(ctx, "write the file"); err != nil {
			return 0, err
		}
		j, err := g.Journal()
		if err != nil {
			return 0, err
		}
		now, err := j.Proposal(seen.ID)
		if err != nil || now.State != gate.StateRunning || now.Detail != "write the file" {
			return 0, errors.Join(err, errors.New("the journal says "+string(now.State)+": "+now.Detail))
		}
		return 1, gate.Progress(ctx, "load it")
	}, "Do it in steps.")
	if err := gate.Progress(t.Context(), "nothing"); err != nil || gate.Executing(t.Context()) != nil {
		t.Errorf("outside of an execution: %v", err)
	}
	in := hosts{}
	res, err := op.Do(t.Context(), g.Guard, &in)
	if err != nil {
		t.Fatal(err)
	}
	g.Approve(res.Proposal.ID)
	if res, err = op.Do(t.Context(), g.Guard, &in); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	if seen.ID != res.Proposal.ID || seen.Approver != "operator-under-test" {
		t.Errorf("the operation saw %s approved by %q", seen.ID, seen.Approver)
	}
	want := []gate.EventKind{gate.EventProposed, gate.EventApproved, gate.EventConsumed, gate.EventProgress, gate.EventProgress, gate.EventExecuted}
	if diff := cmp.Diff(want, g.Kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
