package cortex_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

// responding returns cortex_run_responder behind a gate that protects the network.
func responding(t *testing.T, change ...func(*cortex.Config)) (*gatetest.Gate, gate.Op) {
	t.Helper()
	g := gatetest.New(t, func(p *gate.Policy) { p.Protected = []string{"192.0.2.0/24"} })
	g.Setenv("CORTEX_ALLOW_DESTRUCTIVE", "1")
	change = append(change, func(cfg *cortex.Config) { cfg.Guard = g.Guard })
	for _, op := range cortextest.New(t).Client(change...).Ops() {
		if op.Name() == "cortex_run_responder" {
			return g, op
		}
	}
	t.Fatal("there is no cortex_run_responder")
	return nil, nil
}

func fetched(entity string) func(*cortex.Config) {
	return func(cfg *cortex.Config) {
		cfg.Entity = func(context.Context, string, string) (json.RawMessage, error) { return json.RawMessage(entity), nil }
	}
}

func TestAResponderIsRefusedOnWhatThePolicyProtects(t *testing.T) {
	t.Parallel()
	const (
		inAlert    = `{"_id":"~1","_type":"alert","title":"x","artifacts":[{"dataType":"ip","data":"192.0.2.1"}]}`
		observable = `{"_id":"~1","_type":"observable","dataType":"url","data":"http://192.0.2.1/x"}`
		harmless   = `{"_id":"~1","_type":"alert","title":"x","artifacts":[{"dataType":"ip","data":"198.51.100.1"}]}`
	)
	mail := cortex.RunResponderInput{ResponderID: "Mailer_1_0", ObjectType: cortex.ObjectAlert, ObjectID: "~1", Confirmation: gate.Confirmation{Confirm: true}}
	block := mail
	block.ResponderID, block.ObjectType = "Firewall_Block_1_0", cortex.ObjectArtifact
	with := func(in cortex.RunResponderInput, data, parameter string) *cortex.RunResponderInput {
		in.Data = json.RawMessage(data)
		if parameter != "" {
			in.Parameters = map[string]json.RawMessage{"p": json.RawMessage(parameter)}
		}
		return &in
	}
	for name, tc := range map[string]struct {
		fetch string
		in    *cortex.RunResponderInput
	}{
		"in an alert of TheHive":   {inAlert, with(mail, "", "")},
		"an observable of TheHive": {observable, with(block, "", "")},
		"in an alert of the agent": {"", with(mail, inAlert, "")},
		"observable of the agent":  {"", with(block, observable, "")},
		"in a parameter":           {harmless, with(mail, "", `{"hosts":["192.0.2.9"]}`)},
	} {
		var change []func(*cortex.Config)
		if tc.fetch != "" {
			change = append(change, fetched(tc.fetch))
		}
		g, op := responding(t, change...)
		_, err := op.Do(t.Context(), g.Guard, tc.in)
		if refused := new(gate.RefusedError); !errors.As(err, &refused) || refused.Reason != gate.ReasonProtected {
			t.Errorf("%s: %v", name, err)
		}
	}
	g, op := responding(t, fetched(harmless))
	res, err := op.Do(t.Context(), g.Guard, with(mail, "", ""))
	if err != nil {
		t.Fatal(err)
	}
	if plan := res.Proposal.Plan; !strings.Contains(fmt.Sprint(plan.Targets), "198.51.100.1") || len(plan.Warnings) != 0 {
		t.Errorf("plan %+v", plan)
	}
}

func TestAPlanSaysWhichObservablesItDoesntName(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"dataType":"ip","data":"198.51.100.1"},`, 101)
	for entity, want := range map[string]string{
		`{"_id":"~1","title":"x"}`: "no observable is in",
		`{"_id":"~1","title":"x","artifacts":[` + strings.TrimSuffix(many, ",") + `]}`: "1 further observable",
	} {
		g, op := responding(t, fetched(entity))
		in := &cortex.RunResponderInput{ResponderID: "Mailer_1_0", ObjectType: cortex.ObjectAlert, ObjectID: "~1", Confirmation: gate.Confirmation{Confirm: true}}
		res, err := op.Do(t.Context(), g.Guard, in)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(res.Proposal.Plan.Warnings); !strings.Contains(got, want) {
			t.Errorf("warnings %s, want one with %q", got, want)
		}
	}
}
