package misp_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// byHost returns the operations of a client of m whose writes the host decides
// on, as SALLYPORT_APPROVAL=host has it.
func byHost(t *testing.T, m *misptest.Server, change ...func(*misp.Config)) func(op, args string) (*gate.Result, error) {
	t.Helper()
	g := gatetest.New(t, func(p *gate.Policy) { p.Approval, p.Destructive = gate.ApprovalHost, gate.ApprovalHost })
	c := m.Client(append(change, func(cfg *misp.Config) { cfg.Guard = g.Guard })...)
	return func(op, args string) (*gate.Result, error) {
		t.Helper()
		for _, o := range c.Ops() {
			if o.Name() == op {
				return o.Do(t.Context(), g.Guard, input(t, o, args))
			}
		}
		t.Fatalf("there is no operation %s", op)
		return nil, nil
	}
}

// answerOf is the output of a call as JSON.
func answerOf(t *testing.T, res *gate.Result, err error) map[string]any {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(res.Out)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAddingATagRunsWhereTheHostDecides(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	call := byHost(t, m)
	res, err := call("misp_tag_event", `{"eventId":"4","tag":"tlp:green"}`)
	if err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	e, err := m.Client().GetEvent(t.Context(), misp.GetEventInput{EventID: "4"})
	if err != nil || !slices.ContainsFunc(e.Tags, func(x *misp.Tag) bool { return x.Name == "tlp:green" }) {
		t.Errorf("%v, %v", e.Tags, err)
	}
	if _, err := call("misp_tag_event", `{"eventId":"4","tag":"tlp:green","remove":true}`); err == nil {
		t.Error("a tag was taken away without confirm")
	}
}
