package misp_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// TestTLPRedNeverLeaves tries each way out for what is TLP:RED: there is no
// plan that could be approved, and nothing is sent.
func TestTLPRedNeverLeaves(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	redEvent := func(d misp.Distribution, e misptest.Event) string {
		e.Info, e.Distribution = fmt.Sprintf("red %d", d), int(d)
		if d == 4 {
			e.SharingGroup = misptest.SharingGroup
		}
		return m.AddEvent(e)
	}
	refused := map[string]string{}
	for d := misp.CommunityOnly; d <= misp.SharingGroupOnly; d++ {
		refused[redEvent(d, misptest.Event{Tags: []string{"TLP:RED"}})] = "the event is TLP:RED"
		refused[redEvent(d, misptest.Event{Attributes: []misptest.Attribute{{Type: "ip-dst", Value: "192.0.2.1", Tags: []string{"tlp:red"}}}})] = "(ip-dst) is TLP:RED"
	}
	allowed := []string{redEvent(0, misptest.Event{Tags: []string{"tlp:red"}})}
	m.Requests()
	for id, want := range refused {
		in := &misp.PublishEventInput{EventID: misp.EventRef(id), Confirmation: gate.Confirmation{Confirm: true}}
		if res, err := ops["misp_publish_event"].Do(t.Context(), g.Guard, in); !errors.Is(err, misp.ErrEgress) || !strings.Contains(err.Error(), want) {
			t.Errorf("publishing %s through the gate: %+v, %v; want ErrEgress with %q", id, res, err, want)
		}
		if _, err := m.Client().PublishEvent(t.Context(), *in); !errors.Is(err, misp.ErrEgress) {
			t.Errorf("publishing %s: %v, want ErrEgress", id, err)
		}
	}
	for d := misp.CommunityOnly; d <= misp.SharingGroupOnly; d++ {
		in := misp.CreateEventInput{Info: "x", Distribution: d, ThreatLevel: 4, Tags: []string{"x:y", "Tlp:Red"}}
		if d == 4 {
			in.SharingGroupID = "1"
		}
		if _, err := m.Client().CreateEvent(t.Context(), in); !errors.Is(err, misp.ErrEgress) {
			t.Errorf("an event for distribution %d: %v, want ErrEgress", d, err)
		}
	}
	for _, d := range []misp.Distribution{1, 2, 3, 5} {
		in := misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "ip-dst", Value: "192.0.2.1", Distribution: &d, Tags: []string{"tlp:red"}}
		if _, err := m.Client().AddAttribute(t.Context(), in); !errors.Is(err, misp.ErrEgress) {
			t.Errorf("a value for distribution %d: %v, want ErrEgress", d, err)
		}
		if _, err := ops["misp_add_attribute"].Do(t.Context(), g.Guard, &in); !errors.Is(err, misp.ErrEgress) {
			t.Errorf("a value for distribution %d through the gate: %v, want ErrEgress", d, err)
		}
	}
	if sent := changing(m.Requests()); len(sent) > 0 {
		t.Errorf("sent %q", sent)
	}
	for _, id := range allowed {
		if _, err := m.Client().PublishEvent(t.Context(), misp.PublishEventInput{EventID: misp.EventRef(id)}); err != nil {
			t.Errorf("one that stays inside: %v", err)
		}
	}
	own := misp.OrganisationOnly
	if _, err := m.Client().AddAttribute(t.Context(), misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "ip-dst", Value: "192.0.2.1", Distribution: &own, Tags: []string{"tlp:red"}}); err != nil {
		t.Errorf("a value that stays inside: %v", err)
	}
}

// TestSharingGroupsAreNamedInThePlan checks that the plan names who is in a
// group, for the event and for single values, and doubts one that is inactive.
func TestSharingGroupsAreNamedInThePlan(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	off := m.AddSharingGroup("Old partners", false)
	publish := func(e misptest.Event) gate.Plan {
		in := &misp.PublishEventInput{EventID: misp.EventRef(m.AddEvent(e)), Confirmation: gate.Confirmation{Confirm: true}}
		return plan(t, g, ops["misp_publish_event"], in)
	}
	p := publish(misptest.Event{Info: "inactive", Distribution: 4, SharingGroup: off, Tags: []string{"tlp:green"}, Attributes: []misptest.Attribute{{Type: "ip-dst", Value: "192.0.2.1"}}})
	if len(p.Egress) != 1 || p.Egress[0].To != `sharing group "Old partners": CERT-EXAMPLE, SOC` || !strings.Contains(shown(p), "switched off (inactive)") {
		t.Errorf("a group that is switched off: %+v\n%s", p.Egress, shown(p))
	}
	p = publish(misptest.Event{Info: "some for a group", Distribution: 1, Tags: []string{"tlp:green"}, Attributes: []misptest.Attribute{
		{Type: "ip-dst", Value: "192.0.2.1", Distribution: 4, SharingGroup: misptest.SharingGroup}, {Type: "ip-dst", Value: "192.0.2.2", Distribution: 4, SharingGroup: misptest.SharingGroup}, {Type: "ip-dst", Value: "192.0.2.3"}}})
	want := []gate.Egress{
		{To: "this community: every organisation on this MISP", What: "3 attributes (3 ip-dst); 2 attributes with a narrower distribution of their own", TLP: "tlp:green"},
		{To: `sharing group "Logistics partners": CERT-EXAMPLE, SOC`, What: "2 attributes for that group alone", TLP: "tlp:green"},
	}
	if diff := cmp.Diff(want, p.Egress); diff != "" {
		t.Errorf("egress (-want +got):\n%s", diff)
	}
	args := fmt.Sprintf(`{"info":"x","distribution":4,"sharingGroupId":"%d","threatLevel":1,"analysis":0}`, off)
	if text := shown(plan(t, g, ops["misp_create_event"], input(t, ops["misp_create_event"], args))); !strings.Contains(text, "switched off (inactive)") {
		t.Errorf("an event for a group that is switched off:\n%s", text)
	}
}

func TestAllSharingGroupsAreListed(t *testing.T) {
	t.Parallel()
	for _, more := range []int{0, 58, 59, 60, 130} { // one is there already; a page has 60
		m, c := seeded(t)
		for range more {
			m.AddSharingGroup("Partners", true)
		}
		m.AddSharingGroup("Old partners", false)
		m.Requests()
		p, err := c.ListSharingGroups(t.Context(), misp.ListSharingGroupsInput{Paging: misp.Paging{Limit: 10}})
		if err != nil || p.Total != more+1 || p.More != (more+1 > 10) {
			t.Errorf("%d groups: %+v, %v", more+1, p, err)
		}
		if n := len(m.Requests()); n != (more+1)/60+1 {
			t.Errorf("%d groups took %d requests", more+1, n)
		}
	}
	same := `{"SharingGroup":{"id":"1","name":"x"}}`
	all := strings.Repeat(same+",", 59) + same
	stuck := answering(t, map[string]string{"/sharing_groups": `{"response":[` + all + `]}`, "/sharing_groups/index/page:2": `{"response":[` + all + `]}`})
	if p, err := stuck.ListSharingGroups(t.Context(), misp.ListSharingGroupsInput{}); err != nil || p.Total != 1 {
		t.Errorf("a server that doesn't page: %+v, %v", p, err)
	}
}
