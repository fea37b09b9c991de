package misp_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// seeded returns a server with the incident and a plain client for it.
func seeded(t *testing.T) (*misptest.Server, *misp.Client) {
	t.Helper()
	m := misptest.New(t)
	m.SeedIncident()
	return m, m.Client()
}

func TestOps(t *testing.T) {
	t.Parallel()
	g := gatetest.New(t)
	m := misptest.New(t)
	m.SeedIncident()
	rec := evidence.NewRecorder(nil)
	c := m.Client(siteAdmin, func(cfg *misp.Config) { cfg.Guard, cfg.Transport = g.Guard, rec })

	gatetest.Complete(t, c, c.Ops(), "GetEvent", "EventWithoutContent") // misp_get_event shows it by page
	gatetest.Lint(t, c.Ops())
	evidence.Check(t, g, rec, c.Ops(), evidence.MISP())
}

func TestFootprint(t *testing.T) {
	t.Parallel()
	evidence.Footprint(t)
}

func TestPlainClientNeedsNoGateGuardedOneDoes(t *testing.T) {
	t.Parallel()
	g := gatetest.New(t)
	m := misptest.New(t)
	m.SeedIncident()
	c := m.Client(func(cfg *misp.Config) { cfg.Guard = g.Guard })

	_, err := c.DeleteEvent(t.Context(), misp.DeleteEventInput{EventID: misptest.DraftEvent})
	if !errors.Is(err, gate.ErrRefused) {
		t.Errorf("delete without a permit: %v, want a refusal", err)
	}
	if m.Requests() != nil {
		t.Error("a request was sent")
	}
	if _, err := m.Client().DeleteEvent(t.Context(), misp.DeleteEventInput{EventID: misptest.DraftEvent}); err != nil {
		t.Errorf("delete by a plain client: %v", err)
	}
}

func TestGetEvent(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		t.Run(fmt.Sprintf("native=%t", native), func(t *testing.T) {
			t.Parallel()
			m := misptest.New(t)
			m.NativeInts = native
			m.SeedIncident()
			c := m.Client()

			e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misptest.BruteForceEvent})
			if err != nil {
				t.Fatal(err)
			}
			if e.ID != "1" || e.Orgc.Name != misptest.OtherOrganisation || e.AttributeCount != 4 || !e.Published || e.Distribution != misp.AllCommunities {
				t.Errorf("event: %+v", e)
			}
			if a := e.Attributes[0]; a.Value != incident.AttackerIP || !bool(a.ToIDs) || a.EventID != "1" || len(a.Sightings) != 2 {
				t.Errorf("first attribute: %+v", a)
			}
			// The scan, by object, and not the network: MISP links text with text. What we may not see isn't there.
			var related []string
			for _, r := range e.Correlated {
				related = append(related, string(r.Event.ID))
			}
			if diff := cmp.Diff([]string{misptest.ScanEvent}, related); diff != "" {
				t.Errorf("related (-want +got):\n%s", diff)
			}
			same, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misp.EventRef(strings.ToUpper(e.UUID))})
			if err != nil || same.ID != e.ID {
				t.Errorf("by UUID in upper case: %v, %v", same, err)
			}
		})
	}
}

func TestGetEventRefuses(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	for _, id := range []misp.EventRef{"", "0", "-1", "abc", "1/extended:1", "..", "01", "1 ", "99999999999"} {
		if _, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: id}); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("event %q: %v, want ErrInvalid", id, err)
		}
	}
	if r := m.Requests(); r != nil {
		t.Errorf("sent %v", r)
	}
	for _, id := range []misp.EventRef{"999", misptest.HiddenEvent} {
		if _, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: id}); !errors.Is(err, misp.ErrNotFound) {
			t.Errorf("event %q: %v, want ErrNotFound", id, err)
		}
	}
}

func TestGetEventThatIsAnother(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"Event":{"id":"1","uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","info":"x"}}`)
	}))
	defer h.Close()
	c, err := misp.New(misp.Config{BaseURL: h.URL, APIKey: misptest.Key})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: "7"}); err == nil {
		t.Errorf("asked for event 7, got %v", e)
	}
}

func TestSearchAttributes(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	yes, no := true, false
	for _, tc := range []struct {
		name string
		in   misp.SearchAttributesInput
		want int
	}{
		{"value", misp.SearchAttributesInput{Value: incident.AttackerIP}, 2},
		{"value and type", misp.SearchAttributesInput{Value: incident.AttackerIP, Type: "ip-src"}, 2},
		{"another type", misp.SearchAttributesInput{Value: incident.AttackerIP, Type: "ip-dst"}, 0},
		{"wildcard", misp.SearchAttributesInput{Value: "198.51.100.%"}, 3},
		{"part of a composite", misp.SearchAttributesInput{Value: "NOTICE.ISO"}, 1},
		{"category", misp.SearchAttributesInput{Category: "Targeting data"}, 2},
		{"tag of the event", misp.SearchAttributesInput{Tags: []string{incident.CampaignTag}}, 4},
		{"either tag", misp.SearchAttributesInput{Tags: []string{"tlp:clear", "tlp:green"}}, 8},
		{"event", misp.SearchAttributesInput{EventID: misptest.DraftEvent}, 2},
		{"for detection", misp.SearchAttributesInput{EventID: misptest.BruteForceEvent, ToIDs: &yes}, 2},
		{"not for detection", misp.SearchAttributesInput{EventID: misptest.BruteForceEvent, ToIDs: &no}, 2},
		{"last", misp.SearchAttributesInput{Value: "198.51.100.%", Last: "30d"}, 2},
		{"last in minutes", misp.SearchAttributesInput{Value: "198.51.100.%", Last: "30m"}, 0},
		{"operators are text", misp.SearchAttributesInput{Value: "198.51.100.23||203.0.113.77"}, 0},
	} {
		p, err := c.SearchAttributes(t.Context(), tc.in)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if len(p.Attributes) != tc.want || p.More || p.Total == nil || *p.Total != tc.want || p.Limit != 50 || p.Page != 1 {
			t.Errorf("%s: %d attributes, page %+v; want %d", tc.name, len(p.Attributes), p, tc.want)
		}
	}
}

func TestSearchAttributesNeverEverything(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	for _, in := range []misp.SearchAttributesInput{
		{}, {Limit: 10}, {IncludeCorrelations: true}, {Value: " "}, {Value: "%"}, {Value: " %% "}, {Value: "!198.51.100.23"},
		{Tags: []string{}}, {Tags: []string{""}}, {Tags: []string{"tlp:amber", "%"}}, {Tags: []string{"!tlp:amber"}}, {Type: " "}, {Type: "!ip-src"}, {Category: "a&&b"},
		{Value: "x", Last: "5x"}, {Value: "x", Last: "0d"}, {Value: "x", Last: "junk"}, {Value: "x", Limit: 501}, {Value: "x", Limit: -1}, {Value: "x", Page: -1}, {EventID: "0"},
	} {
		if p, err := c.SearchAttributes(t.Context(), in); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("%+v: %v, %v; want ErrInvalid", in, p, err)
		}
	}
	if r := m.Requests(); r != nil {
		t.Errorf("sent %v", r)
	}
}

func TestAttributesPages(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	in := misp.SearchAttributesInput{Tags: []string{"tlp:%"}, Limit: 5}
	first, err := c.SearchAttributes(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if !first.More || first.Total != nil || len(first.Attributes) != 5 {
		t.Errorf("first page: %+v, want a full one without a total", first)
	}
	m.Requests()
	all := c.Attributes(t.Context(), in)
	for range 2 { // ranging twice starts anew
		var ids []string
		for a, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, string(a.ID))
		}
		if n := len(ids); n != 16 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != n {
			t.Errorf("attributes %v, want 16 different ones", ids)
		}
	}
	if n := len(m.Requests()); n != 4 {
		t.Errorf("%d requests, want 2 for each walk: a page, and those behind it", n)
	}
}

func TestCorrelate(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	got, err := c.Correlate(t.Context(), misp.CorrelateInput{Value: incident.AttackerIP, IncludeSightings: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.TotalEvents != 2 || got.TotalAttributes != 2 || got.Truncated || len(got.Events) != 2 {
		t.Errorf("correlation: %+v", got)
	}
	newest, inObject := got.Events[0], got.Events[1]
	if newest.Event.ID != misptest.BruteForceEvent || newest.Event.Date == "" || len(newest.Event.Tags) != 3 || len(newest.Attributes[0].Sightings) != 2 {
		t.Errorf("newest: %+v", newest)
	}
	if inObject.Event.ID != misptest.ScanEvent || inObject.Attributes[0].ObjectID == "0" || inObject.Attributes[0].ObjectRelation != "ip-src" {
		t.Errorf("in an object: %+v", inObject.Attributes[0])
	}
	if len(got.Related) != 1 || got.Related[0].Value != "198.51.100.0/24" || got.Related[0].Event.ID != misptest.NetworkEvent {
		t.Errorf("related: %+v", got.Related)
	}
}

func TestCorrelateIsExact(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	m.AddEvent(misptest.Event{Info: "percent", Attributes: []misptest.Attribute{
		{Type: "url", Value: "http://a.example/%41"}, {Type: "url", Value: "http://a.example/x%41"}, {Type: "url", Value: "http://a.example/zz41"},
		{Type: "domain", Value: "evil.example.org"}, {Type: "ip-dst|port", Value: "192.0.2.9|443"}, {Type: "ip-dst|port", Value: "192.0.2.9|80"},
	}})
	for value, want := range map[string]int{
		"http://a.example/%41": 1, "evil[.]example[.]org": 1, "EVIL.example.ORG": 1, "hxxp://a.example/zz41": 1, "192.0.2.9|443": 1, "192.0.2.9": 2, "443": 1,
		"evil.example.org||192.0.2.9": 0, "203.0.113.1": 0,
	} {
		got, err := c.Correlate(t.Context(), misp.CorrelateInput{Value: value})
		if err != nil || got.TotalAttributes != want {
			t.Errorf("%s: %+v, %v; want %d attributes", value, got, err, want)
		}
	}
	for _, blank := range []string{"", " ", "%", "!x"} {
		if _, err := c.Correlate(t.Context(), misp.CorrelateInput{Value: blank}); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", blank, err)
		}
	}
	cut, err := c.Correlate(t.Context(), misp.CorrelateInput{Value: "192.0.2.9", Limit: 1})
	if err != nil || !cut.Truncated || cut.Reason == "" {
		t.Errorf("one of two: %+v, %v; want it to say so", cut, err)
	}
}

func TestGetRelatedEvents(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	ids := func(r *misp.RelatedEvents) (list []string) {
		for _, e := range r.Events {
			list = append(list, fmt.Sprintf("%s:%d:%t", e.Event.ID, e.Count, e.Correlated))
		}
		return list
	}
	byValue, err := c.GetRelatedEvents(t.Context(), misp.GetRelatedEventsInput{Value: incident.AttackerIP})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1:1:false", "2:1:false"}, ids(byValue)); diff != "" {
		t.Errorf("by value (-want +got):\n%s", diff)
	}
	// The scan's only address is in an object.
	byEvent, err := c.GetRelatedEvents(t.Context(), misp.GetRelatedEventsInput{EventID: misptest.ScanEvent})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1:1:true"}, ids(byEvent)); diff != "" {
		t.Errorf("by event (-want +got):\n%s", diff)
	}
	e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misptest.ScanEvent})
	if err != nil {
		t.Fatal(err)
	}
	byUUID, err := c.GetRelatedEvents(t.Context(), misp.GetRelatedEventsInput{EventID: misp.EventRef(e.UUID)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids(byEvent), ids(byUUID)); diff != "" {
		t.Errorf("by UUID, the event itself must be left out too (-want +got):\n%s", diff)
	}
	m.Requests()
	cut, err := c.GetRelatedEvents(t.Context(), misp.GetRelatedEventsInput{EventID: misptest.BruteForceEvent, MaxAttributes: 1, PerAttributeLimit: 1})
	if err != nil || !cut.Truncated || !strings.Contains(cut.Reason, "maxAttributes") || !strings.Contains(cut.Reason, "perAttributeLimit") {
		t.Errorf("bounded: %+v, %v", cut, err)
	}
	if n := len(m.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	many := []misptest.Attribute{{Type: "ip-src", Value: incident.AttackerIP}}
	for i := range 600 {
		many = append(many, misptest.Attribute{Type: "comment", Value: fmt.Sprintf("line %d", i)})
	}
	many = append(many, misptest.Attribute{Type: "ip-dst", Value: incident.AttackerIP})
	large := misp.GetRelatedEventsInput{EventID: misp.EventRef(m.AddEvent(misptest.Event{Info: "large", Attributes: many}))}
	whole, err := c.GetRelatedEvents(t.Context(), large)
	if err != nil || whole.Truncated {
		t.Fatalf("a large event: %+v, %v", whole, err)
	}
	parts, err := m.Client(func(cfg *misp.Config) { cfg.MaxBody = 64 << 10 }).GetRelatedEvents(t.Context(), large)
	if err != nil || !parts.Truncated || !strings.Contains(parts.Reason, "newest 500 attributes") {
		t.Fatalf("one that is too large for an answer: %+v, %v", parts, err)
	}
	if diff := cmp.Diff(ids(whole), ids(parts)); diff != "" || len(ids(parts)) == 0 {
		t.Errorf("read in parts (-whole +parts):\n%s", diff)
	}
	for _, in := range []misp.GetRelatedEventsInput{{}, {EventID: "1", Value: "x"}, {Value: "%"}, {Value: "x", MaxAttributes: 101}} {
		if _, err := c.GetRelatedEvents(t.Context(), in); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", in, err)
		}
	}
}

func TestCheckWarninglists(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	hit, err := c.CheckWarninglists(t.Context(), misp.CheckWarninglistsInput{Value: " " + misptest.PublicResolver})
	if err != nil {
		t.Fatal(err)
	}
	two := 2
	name := "List of known IPv4 public DNS resolvers"
	want := &misp.WarninglistCheck{Value: "8.8.8.8", Listed: true, ListsEnabled: &two, Hits: []*misp.WarninglistHit{
		{ID: "58", Name: name, Matched: "8.8.8.8/32", Category: "false_positive", Type: "cidr", Description: name}}}
	if diff := cmp.Diff(want, hit); diff != "" {
		t.Errorf("hit (-want +got):\n%s", diff)
	}
	miss, err := c.CheckWarninglists(t.Context(), misp.CheckWarninglistsInput{Value: incident.AttackerIP})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&misp.WarninglistCheck{Value: incident.AttackerIP, ListsEnabled: &two, Hits: []*misp.WarninglistHit{}}, miss); diff != "" {
		t.Errorf("miss (-want +got):\n%s", diff)
	}
	m.Requests()
	if _, err := c.CheckWarninglists(t.Context(), misp.CheckWarninglistsInput{Value: " "}); !errors.Is(err, misp.ErrInvalid) || m.Requests() != nil {
		t.Errorf("blank: %v, want ErrInvalid and nothing sent", err)
	}
}

func TestWireErrors(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	in := misp.GetEventInput{EventID: "1"}
	for _, tc := range []struct {
		status  int
		message string
		want    error
	}{
		{403, "Authentication failed. Please make sure you pass the API key of an API enabled user along in the Authorization header.", misp.ErrUnauthorized},
		{403, "Authentication failed. Your user account has been disabled.", misp.ErrUnauthorized},
		{403, "It is not possible to use this Auth key from your IP address", misp.ErrUnauthorized},
		{403, "You do not have permission to use this functionality.", misp.ErrForbidden},
		{405, "You do not have the permission to do that.", misp.ErrForbidden},
		{405, "Invalid attribute", misp.ErrNotFound},
		{404, "Invalid event", misp.ErrNotFound},
		{404, "No valid data received.", misp.ErrInvalid},
		{405, "No event ID set.", misp.ErrInvalid},
		{400, "Missing parameters", misp.ErrInvalid},
	} {
		m.FailNext(tc.status, tc.message)
		_, err := c.GetEvent(t.Context(), in)
		var e *misp.Error
		if !errors.Is(err, tc.want) || !errors.As(err, &e) || e.Message != tc.message || e.Status != tc.status {
			t.Errorf("%d %s: %v, want %v", tc.status, tc.message, err, tc.want)
		}
	}
	wrong := m.Client(func(cfg *misp.Config) { cfg.APIKey = "not-a-key-at-all" })
	if _, err := wrong.GetEvent(t.Context(), in); !errors.Is(err, misp.ErrUnauthorized) || errors.Is(err, misp.ErrForbidden) || strings.Contains(err.Error(), "not-a-key") {
		t.Errorf("wrong key: %v, want ErrUnauthorized", err)
	}
}

// TestSuccessThatIsAFailure checks answers with 200 that say otherwise.
func TestSuccessThatIsAFailure(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ body, want string }{
		{`{"saved":false,"errors":"Invalid Tag."}`, "Invalid Tag."},
		{`{"saved":"0","success":"Event deleted."}`, ""},
		{`{"message":"Could not add the Sighting. Reason: x"}`, "Could not add the Sighting. Reason: x"},
		{`{"name":"/events/delete API description","description":"DELETE …"}`, "API description"},
		{`{"errors":{"value":["no"]}}`, "value: no"},
		{`{}`, "no saved"}, {`[]`, ""}, {`<html>`, "HTML"}, {``, "empty"}, {`true`, ""},
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, tc.body)
		}))
		c, err := misp.New(misp.Config{BaseURL: h.URL, APIKey: misptest.Key})
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.DeleteEvent(t.Context(), misp.DeleteEventInput{EventID: "1"})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, %v; want an error with %q", tc.body, out, err, tc.want)
		}
		h.Close()
	}
}

func TestRedirectIsAnError(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(http.RedirectHandler("/users/login", http.StatusFound))
	defer h.Close()
	c, err := misp.New(misp.Config{BaseURL: h.URL, APIKey: misptest.Key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: "1"}); err == nil || !strings.Contains(err.Error(), "redirects are not followed") {
		t.Errorf("redirect: %v", err)
	}
}

func TestEventsByTags(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	p, err := c.EventsByTags(t.Context(), []string{incident.CampaignTag, incident.AccountsTag}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Events) != 1 || p.Events[0].ID != misptest.BruteForceEvent || p.Events[0].Attributes != nil || p.Total == nil || *p.Total != 1 || p.More {
		t.Errorf("events: %+v", p)
	}
	if p, err = c.EventsByTags(t.Context(), []string{"tlp:%"}, 2); err != nil || len(p.Events) != 2 || *p.Total != 6 || !p.More {
		t.Errorf("two of six: %+v, %v", p, err)
	}
	m.Requests()
	for _, tags := range [][]string{nil, {""}, {"%"}, {"!tlp:red"}} {
		if _, err := c.EventsByTags(t.Context(), tags, 0); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", tags, err)
		}
	}
	if r := m.Requests(); r != nil {
		t.Errorf("sent %v", r)
	}
}
