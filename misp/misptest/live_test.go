package misptest_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/live"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// anywhere are the behaviours that one request which only reads shows at any MISP.
var anywhere = []string{
	"a time that isn't one", "a limit that is a word", "warninglists take a bare list", "an unknown format", "date of events is a beginning",
	"a whole composite finds nothing", "a defanged value finds nothing", "a title with its case", "an organisation with its case",
}

// report compares the server s with the fake: all behaviours that can be seen, and
// all tools.
func report(t *testing.T, s live.Server) (rows, tools int) {
	t.Helper()
	var list []live.Row
	all := traits()
	for _, name := range anywhere {
		x := all[name].steps[0]
		list = append(list, live.Row{Name: name, Method: x.method, Path: x.path, Body: x.body, Status: all[name].status, Want: all[name].want})
	}
	rows = live.Rows(t, s, "Authorization", "", list)

	side := func(cfg misp.Config) live.Side {
		g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
		cfg.Guard = g.Guard
		c, err := misp.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return live.Side{Gate: g, Ops: c.Ops()}
	}
	m := misptest.New(t)
	m.SeedIncident()
	c, err := misp.New(misp.Config{BaseURL: s.URL, APIKey: s.Key})
	if err != nil {
		t.Fatal(err)
	}
	here := &there{t: t, c: c, fake: m, ids: map[string]string{}}
	here.seed(s.Write)
	return rows, live.Tools(t, s, evidence.MISP(), side(misp.Config{BaseURL: s.URL, APIKey: s.Key}), side(misp.Config{BaseURL: m.URL, APIKey: misptest.AdminKey}), here.args, own)
}

// own says why a member comes of what a MISP holds, or "".
func own(op, member string) string {
	for _, x := range []struct{ ops, members, why string }{
		{"get_event search_attributes check_warninglists blocklist", `warnings|^hits|^dropped`, "MISP's warninglists have the networks of documentation, those of the fake don't"},
		{"search_attributes correlate", `attributes\[\]\.(Tag|Object)`, "other events have the value, tagged or in an object"},
		{"search_attributes", `decay_score`, "decaying models score what they are told to, and a new MISP has none enabled"},
		{"get_object_template", `elements\[\]`, "MISP's templates describe their elements"},
		{"get_galaxy", `kill_chain_order`, "of MISP's galaxies some have one"},
		{"list_feeds", `^feeds\[\]\.`, "feeds differ in what is set"},
		{"list_organisations get_organisation", `description|type|landingpage|created_by`, "organisations differ in what is set"},
		{"server_status", `^diagnostics`, "diagnostics tell of the machine"},
	} {
		if slices.Contains(strings.Fields(x.ops), strings.TrimPrefix(op, "misp_")) && regexp.MustCompile(x.members).MatchString(member) {
			return x.why
		}
	}
	return ""
}

// there is a server of one's own, at which the calls that are made at the fake are
// made with its own ids.
type there struct {
	t    *testing.T
	c    *misp.Client
	fake *misptest.Server
	ids  map[string]string // by what the fake calls it, such as "event 4"
}

// do sends a request that no method is for, and puts the answer into out.
func (s *there) do(c *misp.Client, method, path string, body, out any) error {
	raw, err := c.Do(context.WithoutCancel(s.t.Context()), method, path, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, out)
}

// seed finds what the calls are about, and makes the events and feeds of them where
// it may: they are deleted afterwards.
func (s *there) seed(write bool) {
	t := s.t
	if p, err := s.c.SearchGalaxyClusters(t.Context(), misp.SearchGalaxyClustersInput{Search: "T1110"}); err == nil && len(p.Clusters) > 0 {
		s.ids["cluster 9001"] = string(p.Clusters[0].ID)
	}
	if p, err := s.c.ListGalaxies(t.Context(), misp.ListGalaxiesInput{}); err == nil {
		for _, g := range p.Galaxies {
			if g.Type == "mitre-attack-pattern" {
				s.ids["galaxy 36"] = string(g.ID)
			}
		}
	}
	if p, err := s.c.ListObjectTemplates(t.Context(), misp.ListObjectTemplatesInput{Search: "domain"}); err == nil {
		for _, x := range p.Templates {
			if x.Name == "domain-ip" {
				s.ids["template 70"] = string(x.ID)
			}
		}
	}
	if !write {
		if p, err := s.c.SearchEvents(t.Context(), misp.SearchEventsInput{DateFrom: "2000-01-01", Paging: misp.Paging{Limit: 1}}); err == nil && len(p.Events) > 0 {
			s.ids["event 1"] = string(p.Events[0].ID)
		}
		return
	}
	for _, id := range []string{"1", "4", "7"} {
		s.event(id)
	}
	lists := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "manifest.json") {
			fmt.Fprint(w, "{}")
			return
		}
		fmt.Fprintln(w, "192.0.2.77")
	}))
	t.Cleanup(lists.Close)
	for id, f := range map[string]map[string]any{
		"1": {"name": "Without events", "provider": "test", "url": lists.URL, "source_format": "misp", "distribution": 0},
		"2": {"name": "Of one address", "provider": "test", "url": lists.URL + "/list.txt", "source_format": "freetext", "distribution": 0, "enabled": true, "caching_enabled": true},
	} {
		var made struct{ Feed struct{ ID string } }
		if err := s.do(s.c, "POST", "/feeds/add", f, &made); err != nil || made.Feed.ID == "" {
			t.Logf("no feed was made, those of the server are used: %v", err)
			continue
		}
		s.ids["feed "+id] = made.Feed.ID
		t.Cleanup(func() {
			if err := s.do(s.c, "POST", "/feeds/delete/"+made.Feed.ID, nil, new(any)); err != nil {
				t.Logf("feed %s is left: %v", made.Feed.ID, err)
			}
		})
	}
}

// event makes the fake's event with that id at the server.
func (s *there) event(id string) {
	type attribute struct {
		ID       string           `json:"id,omitempty"`
		Type     string           `json:"type"`
		Category string           `json:"category"`
		Value    string           `json:"value"`
		ToIDs    bool             `json:"to_ids"`
		Comment  string           `json:"comment,omitempty"`
		Tags     []map[string]any `json:"Tag,omitempty"`
		Sighted  []map[string]any `json:"Sighting,omitempty"`
	}
	type event struct {
		ID           string           `json:"id,omitempty"`
		Info         string           `json:"info"`
		Date         string           `json:"date"`
		ThreatLevel  string           `json:"threat_level_id"`
		Analysis     string           `json:"analysis"`
		Distribution string           `json:"distribution"`
		Tags         []map[string]any `json:"Tag,omitempty"`
		Attributes   []attribute      `json:"Attribute"`
		Published    bool             `json:"published,omitempty"`
	}
	var was, made struct{ Event event }
	if err := s.do(s.fake.Client(func(c *misp.Config) { c.APIKey = misptest.AdminKey }), "GET", "/events/view/"+id, nil, &was); err != nil {
		s.t.Fatal(err)
	}
	e := was.Event
	e.ID, e.Published, e.Distribution = "", false, "0" // nobody else is to see it
	e.Attributes = slices.Clone(e.Attributes)
	for i := range e.Attributes {
		e.Attributes[i].ID, e.Attributes[i].Sighted = "", nil
	}
	if err := s.do(s.c, "POST", "/events/add", e, &made); err != nil {
		s.t.Fatalf("event %s: %v", e.Info, err)
	}
	own := made.Event.ID
	s.ids["event "+id] = own
	for _, a := range was.Event.Attributes {
		for _, b := range made.Event.Attributes {
			if a.Type == b.Type && a.Value == b.Value {
				s.ids["attribute "+a.ID] = b.ID
				for range a.Sighted {
					if err := s.do(s.c, "POST", "/sightings/add", map[string]string{"id": b.ID, "type": "0"}, new(any)); err != nil {
						s.t.Logf("%s isn't sighted: %v", b.Value, err)
					}
				}
			}
		}
	}
	s.t.Cleanup(func() { // one of them is deleted by the calls
		_, err := s.c.DeleteEvent(context.WithoutCancel(s.t.Context()), misp.DeleteEventInput{EventID: misp.EventRef(own)})
		if err != nil && !errors.Is(err, misp.ErrNotFound) {
			s.t.Logf("event %s is left: %v", own, err)
		}
	})
	if was.Event.Published {
		if _, err := s.c.PublishEvent(s.t.Context(), misp.PublishEventInput{EventID: misp.EventRef(own)}); err != nil {
			s.t.Logf("event %s isn't published: %v", own, err)
		}
	}
}

// later are the ids that the calls make themselves.
func (s *there) later(name string) (id string) {
	draft := misp.EventRef(s.ids["event 4"])
	switch name {
	case "attribute 16", "object 2":
		value := map[string]string{"attribute 16": "203.0.113.77", "object 2": "guess.example"}[name]
		p, err := s.c.SearchAttributes(s.t.Context(), misp.SearchAttributesInput{EventID: draft, Value: value})
		for i := 0; err == nil && i < len(p.Attributes); i++ {
			a := p.Attributes[i]
			if name == "attribute 16" && a.ObjectID == "0" {
				id = string(a.ID)
			}
			if name == "object 2" && a.ObjectID != "0" {
				id = string(a.ObjectID)
			}
		}
	case "proposal 1", "proposal 2":
		p, err := s.c.ListProposals(s.t.Context(), misp.ListProposalsInput{EventID: draft})
		for i := 0; err == nil && i < len(p.Proposals); i++ {
			if x := p.Proposals[i]; (x.Value == "proposed.example") == (name == "proposal 1") {
				id = string(x.ID)
			}
		}
	}
	return id
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // which never fails
	b[6], b[8] = b[6]&15|0x40, b[8]&63|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// args puts the server's ids into arguments that have those of the fake.
func (s *there) args(text string) string {
	var in map[string]any
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		s.t.Fatal(err)
	}
	kinds := map[string]string{"eventId": "event", "attributeId": "attribute", "objectId": "object", "proposalId": "proposal", "feedId": "feed", "galaxyId": "galaxy",
		"galaxyClusterId": "cluster", "templateId": "template", "targetId": fmt.Sprint(in["targetType"])}
	for member, kind := range kinds {
		id, ok := in[member].(string)
		if !ok {
			continue
		}
		name := kind + " " + id
		if s.ids[name] == "" {
			s.ids[name] = s.later(name)
		}
		if s.ids[name] != "" {
			in[member] = s.ids[name]
		}
	}
	if info, ok := in["info"].(string); ok {
		in["info"] = info + " " + newUUID() // a title is taken for that day
	}
	if bundle, ok := in["bundle"].(string); ok { // what was imported once isn't taken again
		in["bundle"] = strings.NewReplacer("275f869e-b769-44de-8bf8-7122a79714b7", newUUID(), "7bd6d25f-5c48-4d46-ba72-341c317cdeda", newUUID()).Replace(bundle)
	}
	b, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// TestLive prints what holds at a MISP of one's own, for a report.
func TestLive(t *testing.T) { report(t, live.Open(t, "MISP")) }

func TestTheReportOnAMISPDrivesEveryTool(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	rows, tools := report(t, live.Server{URL: m.URL, Key: misptest.AdminKey, Write: true})
	if rows != len(anywhere) || tools != len(evidence.MISP()) {
		t.Errorf("%d of %d rows, %d of %d calls", rows, len(anywhere), tools, len(evidence.MISP()))
	}
}
