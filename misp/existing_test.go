package misp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// published makes an event of ours and publishes it.
func published(t *testing.T, m *misptest.Server, in misp.CreateEventInput) *misp.EventSummary {
	t.Helper()
	c := m.Client()
	made, err := c.CreateEvent(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PublishEvent(t.Context(), misp.PublishEventInput{EventID: misp.EventRef(made.Event.ID)}); err != nil {
		t.Fatal(err)
	}
	return made.Event
}

func TestThePlanOfATakenTitleIsAboutTheEventThatHasIt(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	e := published(t, m, misp.CreateEventInput{Info: "Phishing wave", Distribution: 1, ThreatLevel: 3, Tags: []string{"tlp:green"}})
	op := ops["misp_create_event"]
	args := `{"info":"Phishing wave","distribution":3,"threatLevel":1,"analysis":2,"tags":["tlp:green","workflow:todo"]}`
	p := plan(t, g, op, input(t, op, args))
	if len(p.Targets) != 1 || p.Targets[0].ID != string(e.ID) || !strings.Contains(p.Targets[0].Name, "Phishing wave (by SOC") || p.Targets[0].Version == "" {
		t.Errorf("the target is %+v, want event %s", p.Targets, e.ID)
	}
	text := shown(p)
	for _, want := range []string{
		"Add to an event that is in MISP already", "tags: tlp:green -> tlp:green, workflow:todo\n", "published: yes -> no", "a change unpublishes it", "no event is made",
		"distribution is this community only and stays so: all communities was asked for", "threat level is low and stays so: high was asked for", "analysis is initial and stays so: complete",
		"undo: Take the new tags off the event (misp_tag_event). Publishing it again is another call.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
	for _, not := range []string{"Make an event", "Delete the event", "title:", "date:"} {
		if strings.Contains(text, not) {
			t.Errorf("the plan says %q:\n%s", not, text)
		}
	}
	res, err := op.Do(t.Context(), g.Guard, input(t, op, args))
	if err != nil {
		t.Fatal(err)
	}
	g.Approve(res.Proposal.ID)
	if res, err = op.Do(t.Context(), g.Guard, input(t, op, args)); err != nil {
		t.Fatal(err)
	}
	out := res.Out.(*misp.CreatedEvent)
	if !out.Existing || out.Event.ID != e.ID || m.Published(string(e.ID)) || bool(*out.Event.Published) {
		t.Errorf("%+v, published %v", out, m.Published(string(e.ID)))
	}
}

func TestWhatWouldChangeNothingIsPlannedAsThat(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	e := published(t, m, misp.CreateEventInput{Info: "Phishing wave", Distribution: 1, ThreatLevel: 3, Tags: []string{"tlp:green"}})
	op := ops["misp_create_event"]
	args := `{"info":"Phishing wave","distribution":1,"threatLevel":3,"analysis":0,"tags":["tlp:green"]}`
	p := plan(t, g, op, input(t, op, args))
	if len(p.Changes) != 0 || len(p.Targets) != 1 || p.Targets[0].ID != string(e.ID) || !strings.Contains(p.Summary, "change nothing") || p.Undo == "" || strings.Contains(shown(p), "unpublish") {
		t.Errorf("%s", shown(p))
	}
	out, err := m.Client().CreateEvent(t.Context(), misp.CreateEventInput{Info: "Phishing wave", Distribution: 1, ThreatLevel: 3, Tags: []string{"tlp:green"}})
	if err != nil || !out.Existing || !bool(*out.Event.Published) || out.Note != "" || !m.Published(string(e.ID)) {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestAnEventThatAppearsMakesTheApprovalStale makes the event while its making
// waits: what was approved isn't what would happen any more.
func TestAnEventThatAppearsMakesTheApprovalStale(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	op := ops["misp_create_event"]
	args := `{"info":"Phishing wave","distribution":1,"threatLevel":1,"analysis":0,"tags":["tlp:green"]}`
	res, err := op.Do(t.Context(), g.Guard, input(t, op, args))
	if err != nil || !strings.Contains(shown(res.Proposal.Plan), "undo: Delete the event (misp_delete_event).") {
		t.Fatalf("%+v, %v", res, err)
	}
	g.Approve(res.Proposal.ID)
	e := published(t, m, misp.CreateEventInput{Info: "Phishing wave", Distribution: 1, ThreatLevel: 3})
	res, err = op.Do(t.Context(), g.Guard, input(t, op, args))
	if err == nil && res.State == gate.StateExecuted || !m.Published(string(e.ID)) {
		t.Errorf("%+v, %v; published %v", res, err, m.Published(string(e.ID)))
	}
}

func TestThePlanOfAnEventWithAttributes(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	c := m.Client()
	ctx := t.Context()
	in := misp.CreateEventInput{Info: "Phishing wave", Distribution: 1, ThreatLevel: 3}
	values := []misp.NewAttribute{{Type: "ip-dst", Value: "8.8.8.8"}, {Type: "domain", Value: "guess.example"}}
	p, err := c.PlanCreateEvent(ctx, in, values...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Make an event", "attribute 1:  -> ip-dst 8.8.8.8", "attribute 2:  -> domain guess.example", "8.8.8.8 is on the warninglist", "undo: Delete the event (misp_delete_event)."} {
		if !strings.Contains(shown(p), want) {
			t.Errorf("new: the plan lacks %q:\n%s", want, shown(p))
		}
	}
	e := published(t, m, in)
	if p, err = c.PlanCreateEvent(ctx, in, values...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"event " + string(e.ID) + " Phishing wave", "attribute 1:  -> ip-dst 8.8.8.8", "8.8.8.8 is on the warninglist", "published: yes -> no", "undo: Delete the new attributes from it (misp_delete_attribute). "} {
		if !strings.Contains(shown(p), want) {
			t.Errorf("existing: the plan lacks %q:\n%s", want, shown(p))
		}
	}
	if _, err := c.AddAttributesBulk(ctx, misp.AddAttributesBulkInput{EventID: misp.EventRef(e.ID), Attributes: values[:1]}); err != nil {
		t.Fatal(err)
	}
	if p, err = c.PlanCreateEvent(ctx, in, values[:1]...); err != nil || !strings.Contains(p.Summary, "change nothing") || !strings.Contains(shown(p), "attribute 1 is in the event already") {
		t.Errorf("%s, %v", shown(p), err)
	}
	if p, err = c.PlanCreateEvent(ctx, misp.CreateEventInput{Info: in.Info, Distribution: 1, ThreatLevel: 3, Tags: []string{"a:b"}}, values...); err != nil || !strings.Contains(p.Undo, "Take the new tags off the event (misp_tag_event); delete the new attributes from it (misp_delete_attribute).") {
		t.Errorf("%q, %v", p.Undo, err)
	}
	if _, err := c.PlanCreateEvent(ctx, misp.CreateEventInput{Info: "x", Distribution: 3, ThreatLevel: 1, Tags: []string{"tlp:red"}}); !errors.Is(err, misp.ErrEgress) {
		t.Errorf("TLP:RED for all: %v", err)
	}
	if p, err = c.PlanCreateEvent(ctx, misp.CreateEventInput{Info: in.Info, Distribution: 4, SharingGroupID: "1", ThreatLevel: 3}); err != nil || !strings.Contains(shown(p), "isn't shared with sharing group 1") {
		t.Errorf("%s, %v", shown(p), err)
	}
	day := time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly)
	if p, err = c.PlanCreateEvent(ctx, misp.CreateEventInput{Info: in.Info, Date: day, Distribution: 1, ThreatLevel: 3}); err != nil || len(p.Targets) != 0 || !strings.Contains(shown(p), "date:  -> "+day) {
		t.Errorf("another day is another event: %s, %v", shown(p), err)
	}
}

func TestNoEventIsPlannedBlindly(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	m.FailNext(500, "An Internal Error Has Occurred.")
	m.FailNext(500, "An Internal Error Has Occurred.")
	m.FailNext(500, "An Internal Error Has Occurred.")
	m.FailNext(500, "An Internal Error Has Occurred.")
	if p, err := m.Client().PlanCreateEvent(t.Context(), misp.CreateEventInput{Info: "x", ThreatLevel: 1}); err == nil {
		t.Errorf("planned without knowing whether the event is there: %s", shown(p))
	}
}

// TestNoApprovalIsSpentOnTheEventOfAnother refuses at planning what MISP would
// refuse once it is approved.
func TestNoApprovalIsSpentOnTheEventOfAnother(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	theirs, ours := misptest.BruteForceEvent, misptest.DraftEvent
	calls := map[string]string{
		"misp_add_attribute":       `{"eventId":"EVENT","type":"ip-dst","value":"192.0.2.1"}`,
		"misp_add_attributes_bulk": `{"eventId":"EVENT","attributes":[{"type":"ip-dst","value":"192.0.2.1"}]}`,
		"misp_add_object":          `{"eventId":"EVENT","templateName":"domain-ip","attributes":[{"object_relation":"domain","value":"x.example"},{"object_relation":"ip","value":"192.0.2.1"}]}`,
		"misp_update_event":        `{"eventId":"EVENT","analysis":2}`,
		"misp_tag_event":           `{"eventId":"EVENT","tag":"workflow:todo"}`,
		"misp_publish_event":       `{"eventId":"EVENT","confirm":true}`,
		"misp_delete_event":        `{"eventId":"EVENT","confirm":true}`,
	}
	for name, args := range calls {
		op := ops[name]
		_, err := op.Do(t.Context(), g.Guard, input(t, op, strings.ReplaceAll(args, "EVENT", theirs)))
		if !errors.Is(err, misp.ErrForbidden) || !strings.Contains(err.Error(), "is by CERT-EXAMPLE, and the key is of SOC") {
			t.Errorf("%s on an event of another: %v", name, err)
		}
		if res, err := op.Do(t.Context(), g.Guard, input(t, op, strings.ReplaceAll(args, "EVENT", ours))); err != nil || res.State != gate.StatePending {
			t.Errorf("%s on an event of ours: %+v, %v", name, res, err)
		}
	}
	if c := changing(m.Requests()); len(c) > 0 {
		t.Errorf("sent %q", c)
	}

	admin := gatetest.New(t)
	c := m.Client(func(cfg *misp.Config) { cfg.Guard, cfg.APIKey = admin.Guard, misptest.AdminKey })
	for _, op := range c.Ops() {
		if args, ok := calls[op.Name()]; ok {
			if res, err := op.Do(t.Context(), admin.Guard, input(t, op, strings.ReplaceAll(args, "EVENT", theirs))); err != nil || res.State != gate.StatePending {
				t.Errorf("%s by a site administrator: %+v, %v", op.Name(), res, err)
			}
		}
	}
}

// TestTheSwitchDoesNotLetTLPRedOut publishes with the operator's leave to do so
// unasked: what is TLP:RED stays inside all the same.
func TestTheSwitchDoesNotLetTLPRedOut(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	g.Setenv("MISP_ALLOW_DESTRUCTIVE", "1")
	op := ops["misp_publish_event"]
	for _, e := range []misptest.Event{
		{Info: "red", Distribution: 3, Tags: []string{"tlp:red"}},
		{Info: "a red value", Distribution: 3, Tags: []string{"tlp:green"}, Attributes: []misptest.Attribute{{Type: "ip-dst", Value: "192.0.2.1", Tags: []string{"tlp:red"}}}},
	} {
		id := m.AddEvent(e)
		res, err := op.Do(t.Context(), g.Guard, input(t, op, `{"eventId":"`+id+`"}`))
		if !errors.Is(err, misp.ErrEgress) || m.Published(id) {
			t.Errorf("%s: %+v, %v; published %v", e.Info, res, err, m.Published(id))
		}
	}
	if c := changing(m.Requests()); len(c) > 0 {
		t.Errorf("sent %q", c)
	}
	id := m.AddEvent(misptest.Event{Info: "green", Distribution: 3, Tags: []string{"tlp:green"}})
	if res, err := op.Do(t.Context(), g.Guard, input(t, op, `{"eventId":"`+id+`"}`)); err != nil || res.State != gate.StateExecuted || !m.Published(id) {
		t.Errorf("what may leave: %+v, %v", res, err)
	}
}

// TestAKeyThatMayNotSayWhoseItIsPlans leaves the decision to MISP where it
// doesn't say whose the key is, and plans nothing where that can't be asked.
func TestAKeyThatMayNotSayWhoseItIsPlans(t *testing.T) {
	t.Parallel()
	m, g, _ := gated(t)
	for status, planned := range map[int]bool{403: true, 404: true, 405: true, 500: false} {
		c := m.Client(func(cfg *misp.Config) {
			cfg.Guard, cfg.Transport = g.Guard, answersFor{"/users/view/me", status, `{"name":"No.","message":"No.","url":"/users/view/me"}`}
		})
		for _, op := range c.Ops() {
			if op.Name() != "misp_add_attribute" {
				continue
			}
			res, err := op.Do(t.Context(), g.Guard, input(t, op, `{"eventId":"`+misptest.BruteForceEvent+`","type":"ip-dst","value":"192.0.2.1"}`))
			if (err == nil && res.State == gate.StatePending) != planned {
				t.Errorf("%d: %+v, %v; want a plan: %v", status, res, err, planned)
			}
		}
	}
}

// answersFor is a transport that gives one answer for a path and passes on the rest.
type answersFor struct {
	path   string
	status int
	body   string
}

func (a answersFor) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != a.path {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// serving is a transport that has a handler answer, whatever the address.
type serving struct{ h http.Handler }

func (s serving) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	s.h.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func TestATakenTitleOfAnotherIsNotPlanned(t *testing.T) {
	t.Parallel()
	at := func(m *misptest.Server) *misp.Client { // the address is part of the UUID of an event
		return m.Client(func(cfg *misp.Config) { cfg.BaseURL, cfg.Transport = "http://misp.example", serving{m} })
	}
	m := misptest.New(t)
	m.SeedIncident()
	c := at(m)
	in := misp.CreateEventInput{Info: "Phishing wave", Distribution: 1, ThreatLevel: 3, Tags: []string{"tlp:green"}}
	made, err := c.CreateEvent(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	uuid := made.Event.UUID
	m = misptest.New(t)
	m.SeedIncident()
	c = at(m)
	m.AddEvent(misptest.Event{Info: in.Info, UUID: uuid, Org: misptest.OtherOrganisation, Published: true, Distribution: 1})
	if p, err := c.PlanCreateEvent(t.Context(), in); !errors.Is(err, misp.ErrForbidden) {
		t.Errorf("tags: %v\n%s", err, shown(p))
	}
	in.Tags = nil
	if p, err := c.PlanCreateEvent(t.Context(), in, misp.NewAttribute{Type: "domain", Value: "guess.example"}); !errors.Is(err, misp.ErrForbidden) {
		t.Errorf("attributes: %v\n%s", err, shown(p))
	}
	if p, err := c.PlanCreateEvent(t.Context(), in); err != nil || !strings.Contains(p.Summary, "change nothing") {
		t.Errorf("nothing to change: %v\n%s", err, shown(p))
	}
}
