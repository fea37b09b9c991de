package misp_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

func TestWhichValuesArePutToWork(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	got := misp.PutToWork(
		misp.NewAttribute{Type: "ip-dst", Value: " 192.0.2.1 "},
		misp.NewAttribute{Type: "ip-dst", Value: "192.0.2.2", ToIDs: &no},
		misp.NewAttribute{Type: "ip-src|port", Value: "192.0.2.3|443"},
		misp.NewAttribute{Type: "target-machine", Value: "dc01"},
		misp.NewAttribute{Type: "target-machine", Value: "dc02", ToIDs: &yes},
		misp.NewAttribute{Type: "text", Value: "seen by 192.0.2.4"},
		misp.NewAttribute{Type: "counter", Value: "001", ToIDs: &yes},
		misp.NewAttribute{Type: "ip-dst", Value: "3221225985"},
		misp.NewAttribute{Type: "domain|ip", Value: "guess.example|192.0.2.1"},
	)
	want := []string{"192.0.2.1", "192.0.2.3|443", "192.0.2.3", "dc02", "3221225985", "guess.example|192.0.2.1", "guess.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("put to work (-want +got):\n%s", diff)
	}
	if got := misp.PutToWork(); got != nil {
		t.Errorf("nothing: %q", got)
	}
}

// TestWhatIsProtectedBecomesNoIndicator keeps our own gateway out of what others
// block: a source address can be forged.
func TestWhatIsProtectedBecomesNoIndicator(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	g := gatetest.New(t, func(p *gate.Policy) { p.Protected = []string{"203.0.113.66", "10.20.0.0/16", "*.bank.example", "001"} })
	ops := map[string]gate.Op{}
	for _, op := range m.Client(func(cfg *misp.Config) { cfg.Guard = g.Guard }).Ops() {
		ops[op.Name()] = op
	}
	m.Requests()
	for _, tc := range []struct{ op, args string }{
		{"misp_add_attribute", `{"eventId":"4","type":"ip-src","value":"203.0.113.66"}`},
		{"misp_add_attribute", `{"eventId":"4","type":"ip-src","value":"203.0.113[.]66","toIds":true}`},
		{"misp_add_attribute", `{"eventId":"4","type":"ip-dst|port","value":"203.0.113.66|443"}`},
		{"misp_add_attribute", `{"eventId":"4","type":"ip-dst","value":"10.20.0.0/24"}`},
		{"misp_add_attribute", `{"eventId":"4","type":"url","value":"https://dc01.bank.example/login"}`},
		{"misp_add_attribute", `{"eventId":"4","type":"text","value":"10.20.0.7","toIds":true}`},
		{"misp_add_attributes_bulk", `{"eventId":"4","attributes":[{"type":"domain","value":"guess.example"},{"type":"domain","value":"DC01.bank.example"}]}`},
		{"misp_add_object", `{"eventId":"4","templateName":"domain-ip","attributes":[{"object_relation":"domain","value":"guess.example"},{"object_relation":"ip","value":"203.0.113.66"}]}`},
	} {
		_, err := ops[tc.op].Do(t.Context(), g.Guard, input(t, ops[tc.op], tc.args))
		var refused *gate.RefusedError
		if !errors.As(err, &refused) || refused.Reason != gate.ReasonProtected {
			t.Errorf("%s(%s): %v, want a refusal of what is protected", tc.op, tc.args, err)
		}
	}
	if c := changing(m.Requests()); len(c) > 0 {
		t.Errorf("sent %q", c)
	}
	for _, tc := range []struct {
		op, args string
		want     gate.State
	}{
		{"misp_add_attribute", `{"eventId":"4","type":"ip-src","value":"203.0.113.66","toIds":false}`, gate.StatePending},
		{"misp_add_attribute", `{"eventId":"4","type":"ip-src","value":"203.0.113.67"}`, gate.StatePending},
		{"misp_add_attribute", `{"eventId":"4","type":"counter","value":"1"}`, gate.StatePending},
		{"misp_add_object", `{"eventId":"4","templateName":"domain-ip","attributes":[{"object_relation":"domain","value":"guess.example"},{"object_relation":"ip","value":"203.0.113.66","to_ids":false}]}`, gate.StatePending},
		{"misp_search_attributes", `{"value":"203.0.113.66"}`, gate.StateRead},
		{"misp_search_events", `{"value":"dc01.bank.example"}`, gate.StateRead},
		{"misp_correlate", `{"value":"10.20.0.7"}`, gate.StateRead},
		{"misp_get_related_events", `{"value":"203.0.113.66"}`, gate.StateRead},
		{"misp_check_warninglists", `{"value":"10.20.0.7"}`, gate.StateRead},
	} {
		if res, err := ops[tc.op].Do(t.Context(), g.Guard, input(t, ops[tc.op], tc.args)); err != nil || res.State != tc.want {
			t.Errorf("%s(%s): %+v, %v; want %s", tc.op, tc.args, res, err, tc.want)
		}
	}
}

// TestAnIndicatorOfOursCanBeTakenBack lets what is protected be removed, called
// false and written about: only making it an indicator is refused.
func TestAnIndicatorOfOursCanBeTakenBack(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	id := m.AddEvent(misptest.Event{Info: "Guessing against dc01.bank.example", Attributes: []misptest.Attribute{{Type: "ip-src", Value: "203.0.113.66"}}})
	e, err := m.Client().GetEvent(t.Context(), misp.GetEventInput{EventID: misp.EventRef(id)})
	if err != nil {
		t.Fatal(err)
	}
	g := gatetest.New(t, func(p *gate.Policy) { p.Protected = []string{"203.0.113.66", "*.bank.example"} })
	calls := map[string]string{
		"misp_delete_attribute": `{"attributeId":"` + string(e.Attributes[0].ID) + `","confirm":true}`,
		"misp_add_sighting":     `{"value":"203.0.113.66","type":1,"confirm":true}`,
		"misp_update_event":     `{"eventId":"` + id + `","analysis":1}`,
		"misp_add_attribute":    `{"eventId":"` + id + `","type":"ip-src","value":"198.51.100.99"}`,
		"misp_create_event":     `{"info":"Guessing against dc01.bank.example","distribution":0,"threatLevel":2,"analysis":0}`,
	}
	for _, op := range m.Client(func(cfg *misp.Config) { cfg.Guard = g.Guard }).Ops() {
		args, ok := calls[op.Name()]
		if !ok {
			continue
		}
		if res, err := op.Do(t.Context(), g.Guard, input(t, op, args)); err != nil || res.State != gate.StatePending {
			t.Errorf("%s(%s): %+v, %v", op.Name(), args, res, err)
		}
	}
}
