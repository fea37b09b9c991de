package misp_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// gated returns a server with the incident, a gate, and the operations of a
// client behind it.
func gated(t *testing.T, change ...func(*misp.Config)) (*misptest.Server, *gatetest.Gate, map[string]gate.Op) {
	t.Helper()
	m := misptest.New(t)
	m.SeedIncident()
	g := gatetest.New(t)
	ops := map[string]gate.Op{}
	for _, op := range m.Client(append(change, func(cfg *misp.Config) { cfg.Guard = g.Guard })...).Ops() {
		ops[op.Name()] = op
	}
	return m, g, ops
}

// siteAdmin is a client with the key of a site administrator, whom feeds need.
func siteAdmin(cfg *misp.Config) { cfg.APIKey = misptest.AdminKey }

// plan returns the plan of a call that waits for approval.
func plan(t *testing.T, g *gatetest.Gate, op gate.Op, in any) gate.Plan {
	t.Helper()
	res, err := op.Do(t.Context(), g.Guard, in)
	if err != nil {
		t.Fatal(err)
	}
	if res.State != gate.StatePending {
		t.Fatalf("%s: %s, want it to wait", op.Name(), res.State)
	}
	return res.Proposal.Plan
}

// shown is all that p says, a line for each thing.
func shown(p gate.Plan) string {
	lines := []string{p.Summary}
	for _, t := range p.Targets {
		lines = append(lines, t.Kind+" "+t.ID+" "+t.Name)
	}
	for _, c := range p.Changes {
		lines = append(lines, c.Field+": "+c.Before+" -> "+c.After)
	}
	return strings.Join(append(append(lines, p.Warnings...), "undo: "+p.Undo), "\n")
}

func ip(values ...string) (list []misp.NewAttribute) {
	for _, v := range values {
		list = append(list, misp.NewAttribute{Type: "ip-src", Value: v})
	}
	return list
}

func statuses(out *misp.AddedAttributes) (list []string) {
	for _, r := range out.Results {
		list = append(list, string(r.Status))
	}
	return list
}

func TestAddAttributesBulk(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	no := false
	in := misp.AddAttributesBulkInput{EventID: misptest.DraftEvent, Attributes: []misp.NewAttribute{
		{Type: "ip-src", Value: incident.AttackerIP, Category: "Network activity", ToIDs: &no, Comment: "source"},
		{Type: "domain", Value: "Evil[.]example[.]org"},
		{Type: "sha256", Value: "zz"},
		{Type: "ip-src", Value: "192.0.2.1", Category: "Person"},
	}}
	out, err := c.AddAttributesBulk(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if out.EventID != misptest.DraftEvent || out.Total != 4 || out.Added != 2 || out.Existing != 0 || out.Failed != 2 {
		t.Errorf("outcome: %+v", out)
	}
	if diff := cmp.Diff([]string{"added", "added", "refused", "refused"}, statuses(out)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if r := out.Results[1]; r.Stored != "evil.example.org" || r.ID == "" || r.UUID == "" {
		t.Errorf("what MISP normalised: %+v", r)
	}
	if r := out.Results[2]; !strings.HasPrefix(r.Error, "value: Checksum has an invalid length") {
		t.Errorf("what MISP refused: %+v", r)
	}
	if r := out.Results[3]; r.Error != "type: Options depend on the selected category." {
		t.Errorf("what MISP refused: %+v", r)
	}
	e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misptest.DraftEvent})
	if err != nil {
		t.Fatal(err)
	}
	if a := e.Attributes[2]; bool(a.ToIDs) || a.Comment != "source" || a.UUID != out.Results[0].UUID {
		t.Errorf("in the event: %+v", a)
	}

	again, err := c.AddAttributesBulk(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"existing", "existing", "refused", "refused"}, statuses(again)); diff != "" || again.Results[0].ID != out.Results[0].ID || again.Results[1].ID != out.Results[1].ID {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	if n := len(m.Values(misptest.DraftEvent)); n != 4 {
		t.Errorf("%d values in the event, want 4", n)
	}
}

func TestAddAttributesBulkAfterSoftDelete(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	in := misp.AddAttributesBulkInput{EventID: misptest.DraftEvent, Attributes: ip("192.0.2.1")}
	first, err := c.AddAttributesBulk(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	m.SoftDelete(misptest.DraftEvent, "192.0.2.1")
	second, err := c.AddAttributesBulk(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if second.Added != 1 || second.Results[0].UUID == first.Results[0].UUID {
		t.Errorf("after a soft deletion: %+v", second.Results[0])
	}
}

func TestAddAttributesBulkFailsOnlyWhenNothingIsThere(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	add := func(id misp.EventRef, values ...string) (*misp.AddedAttributes, error) {
		return c.AddAttributesBulk(t.Context(), misp.AddAttributesBulkInput{EventID: id, Attributes: ip(values...)})
	}
	var e *misp.Error
	if _, err := add(misptest.DraftEvent, "nonsense", "999.1.1.1"); !errors.Is(err, misp.ErrInvalid) || !errors.As(err, &e) ||
		!cmp.Equal(e.Fields, []misp.FieldError{{Field: "value", Message: "IP address has an invalid format."}}) {
		t.Errorf("nothing valid: %v", err)
	}
	if _, err := add(misptest.BruteForceEvent, "192.0.2.1"); !errors.Is(err, misp.ErrForbidden) {
		t.Errorf("event of others: %v, want ErrForbidden", err)
	}
	if _, err := add("999", "192.0.2.1"); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("no such event: %v, want ErrNotFound", err)
	}
	m.Requests()
	readOnly := m.Client(func(cfg *misp.Config) { cfg.APIKey = misptest.ReadOnlyKey })
	if _, err := readOnly.AddAttributesBulk(t.Context(), misp.AddAttributesBulkInput{EventID: misptest.DraftEvent, Attributes: ip("192.0.2.1", "192.0.2.2")}); !errors.Is(err, misp.ErrForbidden) {
		t.Errorf("read-only: %v, want ErrForbidden", err)
	}
	if sent := changing(m.Requests()); len(sent) != 1 {
		t.Errorf("sent %q, want nothing after the first refusal", sent)
	}
}

func TestAddAttributesBulkInvalid(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	for name, in := range map[string]misp.AddAttributesBulkInput{
		"no event": {Attributes: ip("192.0.2.1")}, "none": {EventID: "4"}, "blank": {EventID: "4", Attributes: ip(" ")},
		"too many": {EventID: "4", Attributes: make([]misp.NewAttribute, 101)}, "twice": {EventID: "4", Attributes: ip("a.example", "A.example ")},
		"type": {EventID: "4", Attributes: []misp.NewAttribute{{Type: "", Value: "x"}}},
	} {
		if _, err := c.AddAttributesBulk(t.Context(), in); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	if r := m.Requests(); r != nil {
		t.Errorf("sent %v", r)
	}
}

func TestAddAttributesBulkLostAnswer(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misptest.DraftEvent})
	if err != nil {
		t.Fatal(err)
	}
	add := func(values ...string) (*misp.AddedAttributes, error) {
		return c.AddAttributesBulk(t.Context(), misp.AddAttributesBulkInput{EventID: misp.EventRef(e.UUID), Attributes: ip(values...)})
	}
	// Carried out, answer lost: found again by its UUID. The first failure in the
	// queue is for the event, which is read again.
	m.LoseNext()
	m.LoseNext()
	out, err := add("192.0.2.1", "192.0.2.2")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"added", "added"}, statuses(out)); diff != "" || len(m.Values(misptest.DraftEvent)) != 4 {
		t.Errorf("lost and found (-want +got):\n%s", diff)
	}
}

func TestAddAttributesBulkUnknownOutcome(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	c := m.Client(func(cfg *misp.Config) { cfg.Transport = &cutting{t: t, path: "/attributes/add/"} })
	m.Requests()
	_, err := c.AddAttributesBulk(t.Context(), misp.AddAttributesBulkInput{EventID: misptest.DraftEvent, Attributes: ip("192.0.2.1", "192.0.2.2")})
	if !errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("got %v, want ErrOutcomeUnknown", err)
	}
	if diff := cmp.Diff([]string{"POST /events/restSearch", "POST /attributes/restSearch", "POST /attributes/restSearch", "POST /attributes/restSearch"}, m.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestAddPlan(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	yes := true
	in := &misp.AddAttributesBulkInput{EventID: misptest.ScanEvent, Attributes: []misp.NewAttribute{
		{Type: "ip-dst", Value: misptest.PublicResolver, ToIDs: &yes}, {Type: "ip-dst|port", Value: "1.1.1.1|53", Category: "Network activity", Comment: "see below"},
	}}
	p := plan(t, g, ops["misp_add_attributes_bulk"], in)
	text := shown(p)
	for _, want := range []string{
		"Add 2 attributes to an event in MISP.", "Scanning of port 22", "by SOC",
		"attribute 1:  -> ip-dst 8.8.8.8 (the type's usual category, for detection)",
		`attribute 2:  -> ip-dst|port 1.1.1.1|53 (Network activity, detection as is usual for the type), comment: see below`,
		"published: yes -> no", "unpublishes it", `8.8.8.8 is on the warninglist "List of known IPv4 public DNS resolvers" (8.8.8.8/32)`, "1.1.1.1 is on the warninglist",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
	if !m.Published(misptest.ScanEvent) {
		t.Error("planning changed the event")
	}
	m.FailNext(500, "An Internal Error Has Occurred.")
	if res, err := ops["misp_add_attributes_bulk"].Do(t.Context(), g.Guard, &misp.AddAttributesBulkInput{EventID: "4", Attributes: ip("192.0.2.1")}); err == nil {
		t.Errorf("planned without the event: %v", res.State)
	}
}

func TestAddIsApprovedThenDoneAndUnpublishes(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	op := ops["misp_add_attributes_bulk"]
	in := &misp.AddAttributesBulkInput{EventID: misptest.ScanEvent, Attributes: ip("192.0.2.1")}
	other := &misp.AddAttributesBulkInput{EventID: misptest.ScanEvent, Attributes: ip("192.0.2.2")}
	res, err := gatetest.Approved(g, func() (*gate.Result, error) {
		res, err := op.Do(t.Context(), g.Guard, in)
		if err == nil && res.State == gate.StatePending {
			return nil, &gate.PendingError{Proposal: res.Proposal}
		}
		return res, err
	})
	if err != nil || res.State != gate.StateExecuted || res.Out.(*misp.AddedAttributes).Added != 1 {
		t.Fatalf("executed: %+v, %v", res, err)
	}
	if m.Published(misptest.ScanEvent) || !slices.Contains(m.Values(misptest.ScanEvent), "ip-src 192.0.2.1") {
		t.Error("the event is still published, or lacks the value")
	}

	// Two that wait for the same event don't spoil each other.
	first, err := op.Do(t.Context(), g.Guard, other)
	if err != nil {
		t.Fatal(err)
	}
	third := &misp.AddAttributesBulkInput{EventID: misptest.ScanEvent, Attributes: ip("192.0.2.3")}
	second, err := op.Do(t.Context(), g.Guard, third)
	if err != nil {
		t.Fatal(err)
	}
	g.Approve(second.Proposal.ID)
	if res, err := op.Do(t.Context(), g.Guard, third); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("second: %+v, %v", res, err)
	}
	g.Approve(first.Proposal.ID)
	if res, err := op.Do(t.Context(), g.Guard, other); err != nil || res.State != gate.StateExecuted {
		t.Errorf("first, afterwards: %+v, %v", res, err)
	}
}

func TestPublishAndDeleteAreLocked(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	m.Requests()
	calls := map[string]any{
		"misp_publish_event": &misp.PublishEventInput{EventID: misptest.DraftEvent},
		"misp_delete_event":  &misp.DeleteEventInput{EventID: misptest.DraftEvent},
	}
	for name, in := range calls {
		if _, err := ops[name].Do(t.Context(), g.Guard, in); !errors.Is(err, gate.ErrRefused) {
			t.Errorf("%s unconfirmed: %v, want a refusal", name, err)
		}
	}
	if r := m.Requests(); r != nil {
		t.Errorf("sent %v", r)
	}
	g.Setenv("MISP_ALLOW_DESTRUCTIVE", "true")
	for _, name := range []string{"misp_publish_event", "misp_delete_event"} {
		if res, err := ops[name].Do(t.Context(), g.Guard, calls[name]); err != nil || res.State != gate.StateExecuted {
			t.Errorf("%s, authorised beforehand: %+v, %v", name, res, err)
		}
	}
}

func TestPublishPlan(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	op := ops["misp_publish_event"]
	publish := func(id string) *misp.PublishEventInput {
		return &misp.PublishEventInput{EventID: misp.EventRef(id), Confirmation: gate.Confirmation{Confirm: true}}
	}
	p := plan(t, g, op, publish(misptest.DraftEvent))
	want := []gate.Egress{{To: "this community: every organisation on this MISP", What: "2 attributes (1 target-machine, 1 target-user)", TLP: "tlp:amber"}}
	if diff := cmp.Diff(want, p.Egress); diff != "" || p.Undo != "" {
		t.Errorf("draft (-want +got):\n%s", diff)
	}

	group := m.AddEvent(misptest.Event{Info: "for partners", Distribution: 4, SharingGroup: misptest.SharingGroup, Tags: []string{"tlp:amber", "tlp:green"},
		Attributes: []misptest.Attribute{{Type: "ip-dst", Value: misptest.PublicResolver, Distribution: 1}}})
	p = plan(t, g, op, publish(group))
	if len(p.Egress) != 1 || p.Egress[0].To != `sharing group "Logistics partners": CERT-EXAMPLE, SOC` {
		t.Errorf("sharing group: %+v", p.Egress)
	}
	warnings := strings.Join(p.Warnings, "\n")
	for _, want := range []string{"8.8.8.8 is on the warninglist", "unpublishing doesn't take it back"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("the warnings lack %q:\n%s", want, warnings)
		}
	}
	ours := m.AddEvent(misptest.Event{Info: "ours"})
	if p = plan(t, g, op, publish(ours)); p.Egress != nil || !strings.Contains(strings.Join(p.Warnings, "\n"), "nobody else receives it") {
		t.Errorf("own organisation only: %+v", p)
	}
}

func TestPublishStaleAfterChange(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	in := &misp.PublishEventInput{EventID: misptest.DraftEvent, Confirmation: gate.Confirmation{Confirm: true}}
	res, err := ops["misp_publish_event"].Do(t.Context(), g.Guard, in)
	if err != nil {
		t.Fatal(err)
	}
	g.Approve(res.Proposal.ID)
	if _, err := m.Client().AddAttributesBulk(t.Context(), misp.AddAttributesBulkInput{EventID: misptest.DraftEvent, Attributes: ip("192.0.2.1")}); err != nil {
		t.Fatal(err)
	}
	if res, err = ops["misp_publish_event"].Do(t.Context(), g.Guard, in); err != nil || res.State != gate.StatePending || m.Published(misptest.DraftEvent) {
		t.Errorf("after a change: %+v, %v; want a new proposal", res, err)
	}
}

func TestPublishEvent(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	in := misp.PublishEventInput{EventID: misptest.DraftEvent}
	got, err := c.PublishEvent(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&misp.PublishedEvent{ID: "4", State: misp.Published, Message: "Event published without alerts"}, got); diff != "" || !m.Published("4") {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	for key, want := range map[string]error{misptest.UserKey: misp.ErrForbidden, misptest.OtherKey: misp.ErrForbidden} {
		if _, err := m.Client(func(cfg *misp.Config) { cfg.APIKey = key }).PublishEvent(t.Context(), in); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", key, err, want)
		}
	}
	if _, err := c.PublishEvent(t.Context(), misp.PublishEventInput{EventID: "999"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("no such event: %v", err)
	}
}

func TestPublishEventQueued(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.BackgroundJobs = true
	m.SeedIncident()
	got, err := m.Client().PublishEvent(t.Context(), misp.PublishEventInput{EventID: misptest.DraftEvent})
	if err != nil || got.State != misp.Queued || m.Published(misptest.DraftEvent) {
		t.Errorf("with background jobs: %+v, %v; want it queued", got, err)
	}
	m.RunJobs()
	if !m.Published(misptest.DraftEvent) {
		t.Error("the job ran, and the event isn't published")
	}
}

func TestDeleteEvent(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	in := misp.DeleteEventInput{EventID: misptest.DraftEvent}
	got, err := c.DeleteEvent(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&misp.DeletedEvent{ID: "4", Deleted: true, Message: "Event deleted."}, got); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if _, err := c.DeleteEvent(t.Context(), in); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("deleted again: %v, want ErrNotFound", err)
	}
	if _, err := c.DeleteEvent(t.Context(), misp.DeleteEventInput{EventID: misptest.BruteForceEvent}); !errors.Is(err, misp.ErrForbidden) {
		t.Errorf("of others: %v, want ErrForbidden", err)
	}
}

func TestDeletePlan(t *testing.T) {
	t.Parallel()
	_, g, ops := gated(t)
	p := plan(t, g, ops["misp_delete_event"], &misp.DeleteEventInput{EventID: misptest.ScanEvent, Confirmation: gate.Confirmation{Confirm: true}})
	if p.Undo != "" {
		t.Errorf("undo: %s", p.Undo)
	}
	text := shown(p)
	for _, want := range []string{"Scanning of port 22", "2 attributes (1 ip-src, 1 port), 1 object -> nothing", "blocklist", "was published"} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
}
