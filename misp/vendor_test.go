package misp_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// The tests here are named after the mistakes of other clients, TestBugN, that
// these operations are not to make again.

// answering returns a client of a server that answers each path with a body.
func answering(t *testing.T, bodies map[string]string) *misp.Client {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		body, ok := bodies[r.URL.Path]
		if e := bodies["/events/view/4"]; !ok && e != "" {
			switch ok = true; {
			case r.URL.Path == "/events/restSearch":
				body = `{"response":[` + e + `]}`
			case r.URL.Path == "/attributes/restSearch":
				body = `{"response":{"Attribute":[]}}`
			case strings.HasPrefix(r.URL.Path, "/objects/view/"):
				w.WriteHeader(http.StatusNotFound)
				body = `{"name":"Invalid object.","message":"Invalid object.","url":""}`
			default:
				ok = false
			}
		}
		if !ok {
			t.Errorf("unexpected %s %s", r.Method, r.URL.Path)
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(h.Close)
	c, err := misp.New(misp.Config{BaseURL: h.URL, APIKey: misptest.Key})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const bareEvent = `{"Event":{"id":"4","uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","info":"x","Attribute":[],"Object":[]}}`

func TestATagThatIsRefusedIsAnError(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	in := misp.TagEventInput{EventID: misptest.DraftEvent, Tag: "made:up"}
	var e *misp.Error
	if _, err := c.TagEvent(t.Context(), in); !errors.As(err, &e) || !strings.Contains(err.Error(), "insufficient privileges to create it") {
		t.Errorf("a tag that the key may not make: %v", err)
	}
	admin := m.Client(func(cfg *misp.Config) { cfg.APIKey = misptest.AdminKey })
	out, err := admin.TagEvent(t.Context(), in)
	if err != nil || out.Status != misp.TagAttached {
		t.Errorf("a tag that the key may make: %+v, %v", out, err)
	}
	if out, err = admin.TagEvent(t.Context(), in); err != nil || out.Status != misp.TagExisting {
		t.Errorf("again: %+v, %v", out, err)
	}
	in.Remove = true
	if out, err = admin.TagEvent(t.Context(), in); err != nil || out.Status != misp.TagRemoved || !strings.Contains(out.Message, "successfully removed") {
		t.Errorf("removed: %+v, %v", out, err)
	}
	if _, err = admin.TagEvent(t.Context(), in); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("removed again: %v, want ErrNotFound", err)
	}
	in.Tag = "no:such:tag"
	if _, err = admin.TagEvent(t.Context(), in); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("an unknown tag removed: %v, want ErrNotFound", err)
	}
	unsaved := answering(t, map[string]string{"/events/view/4": bareEvent, "/tags/attachTagToObject": `{"saved":false,"errors":"Invalid Tag."}`})
	if _, err := unsaved.TagEvent(t.Context(), misp.TagEventInput{EventID: "4", Tag: "x"}); err == nil || !strings.Contains(err.Error(), "Invalid Tag.") {
		t.Errorf("saved: false with HTTP 200: %v", err)
	}
}

func TestTagsAreAttachedByUUID(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	m.Requests()
	if _, err := c.TagEvent(t.Context(), misp.TagEventInput{EventID: misptest.DraftEvent, Tag: "tlp:green"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"POST /events/restSearch", "POST /tags/attachTagToObject"}, m.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestTagsAreFoundByTextWithTheirCounts(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	p, err := c.ListTags(t.Context(), misp.ListTagsInput{Search: "TLP:AM"})
	if err != nil || len(p.Tags) != 2 || p.Total != 2 || p.More {
		t.Fatalf("tags: %+v, %v", p, err)
	}
	if a := p.Tags[0]; a.Name != "tlp:amber" || a.Events == nil || *a.Events != 2 || a.Attributes == nil {
		t.Errorf("first: %+v, want tlp:amber on two events", a)
	}
	if p, err = c.ListTags(t.Context(), misp.ListTagsInput{Search: "tlp", Paging: misp.Paging{Limit: 2, Page: 2}}); err != nil || len(p.Tags) != 2 || !p.More || p.Total != 5 {
		t.Errorf("second page: %+v, %v", p, err)
	}
}

func TestClustersAreSearchedInTheirGalaxy(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	p, err := c.SearchGalaxyClusters(t.Context(), misp.SearchGalaxyClustersInput{Search: "t1110"})
	if err != nil || p.Total != 2 || p.Clusters[0].Value != "Brute Force - T1110" || p.Clusters[0].TagName != incident.CampaignTag {
		t.Errorf("by default in ATT&CK: %+v, %v", p, err)
	}
	if len(p.Searched) != 2 || p.Note == "" {
		t.Errorf("what was searched isn't said: %+v", p)
	}
	if p, err = c.SearchGalaxyClusters(t.Context(), misp.SearchGalaxyClustersInput{Search: "7.62", GalaxyType: "ammunitions"}); err != nil || p.Total != 1 || p.Note != "" {
		t.Errorf("in another: %+v, %v", p, err)
	}
	if _, err = c.SearchGalaxyClusters(t.Context(), misp.SearchGalaxyClustersInput{Search: "7.62", GalaxyType: "nosuch"}); !errors.Is(err, misp.ErrInvalid) {
		t.Errorf("no such galaxy: %v, want ErrInvalid rather than every cluster", err)
	}
}

func TestObjectsFollowTheirTemplate(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	in := misp.AddObjectInput{EventID: misptest.DraftEvent, TemplateName: "Domain-IP", Comment: "pair", Attributes: []misp.NewObjectAttribute{
		{Relation: "domain", Value: "guess.example"}, {Relation: "ip", Type: "ip-dst", Value: incident.AttackerIP},
	}}
	out, err := c.AddObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if o := out.Object; out.Existing || out.Dropped != nil || o.MetaCategory != "network" || o.TemplateVersion != 11 || len(o.Attributes) != 2 || !bool(o.Attributes[0].ToIDs) {
		t.Errorf("object: %+v", o)
	}
	if out.Object.Distribution != misp.Inherit {
		t.Errorf("distribution %s, want that of the event: MISP's default is one's own organisation", out.Object.Distribution)
	}
	again, err := c.AddObject(t.Context(), in)
	if err != nil || !again.Existing || again.Object.ID != out.Object.ID {
		t.Errorf("again: %+v, %v; want the same object", again, err)
	}
	in.Attributes = []misp.NewObjectAttribute{{Relation: "domain", Value: "seen.example"}, {Relation: "port", Value: "22"}, {Relation: "text", Value: "as seen"}}
	if out, err = c.AddObject(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for _, a := range out.Object.Attributes {
		if bool(a.ToIDs) != (a.Type == "domain") {
			t.Errorf("%s %s is for detection: %v", a.Type, a.Value, a.ToIDs)
		}
		if string(a.Extra["disable_correlation"]) != fmt.Sprint(a.Type == "text") {
			t.Errorf("%s %s isn't correlated: %s; want as the template has it", a.Type, a.Value, a.Extra["disable_correlation"])
		}
	}
	m.Requests()
	for want, attributes := range map[string][]misp.NewObjectAttribute{
		"has no \"bogus\"":   {{Relation: "bogus", Value: "x"}},
		"requires one of":    {{Relation: "port", Value: "80"}},
		"takes one hostname": {{Relation: "hostname", Value: "a.example"}, {Relation: "hostname", Value: "b.example"}},
		"is of type domain":  {{Relation: "domain", Type: "url", Value: "x"}},
	} {
		_, err := c.AddObject(t.Context(), misp.AddObjectInput{EventID: misptest.DraftEvent, TemplateName: "domain-ip", Attributes: attributes})
		if !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want ErrInvalid with %q", err, want)
		}
	}
	if _, err := c.AddObject(t.Context(), misp.AddObjectInput{EventID: misptest.DraftEvent, TemplateName: "domain", Attributes: in.Attributes}); !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), "domain-ip") {
		t.Errorf("a name that is nearly right: %v", err)
	}
	if _, err := c.AddObject(t.Context(), misp.AddObjectInput{EventID: misptest.DraftEvent, TemplateName: "ADS", Attributes: []misp.NewObjectAttribute{{Relation: "goal", Value: "x"}}}); err == nil || !strings.Contains(err.Error(), "requires a date") {
		t.Errorf("a required relation missing: %v", err)
	}
	if sent := changing(m.Requests()); len(sent) > 0 {
		t.Errorf("sent %q", sent)
	}
	_, err = c.AddObject(t.Context(), misp.AddObjectInput{EventID: misptest.DraftEvent, TemplateName: "domain-ip", Attributes: []misp.NewObjectAttribute{{Relation: "ip", Value: "nope"}}})
	if !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), "IP address has an invalid format.") {
		t.Errorf("MISP's reason: %v", err)
	}
}

func TestTemplatesHaveTheirElements(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	for _, ref := range []misp.Ref{misptest.DomainIPTemplate, "43B3B146-77eb-4931-b4cc-b66c60f28734"} {
		tp, err := c.GetObjectTemplate(t.Context(), misp.GetObjectTemplateInput{TemplateID: ref})
		if err != nil || len(tp.Elements) != 5 || tp.MetaCategory != "network" || tp.Elements[2].Type != "ip-dst" || len(tp.Requirements["requiredOneOf"]) != 3 {
			t.Errorf("%s: %+v, %v", ref, tp, err)
		}
	}
	empty, err := c.GetObjectTemplate(t.Context(), misp.GetObjectTemplateInput{TemplateID: "2"})
	if err != nil || len(empty.Requirements) != 0 {
		t.Errorf("requirements that are []: %+v, %v", empty, err)
	}
	if _, err := c.GetObjectTemplate(t.Context(), misp.GetObjectTemplateInput{TemplateID: "999"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
	p, err := c.ListObjectTemplates(t.Context(), misp.ListObjectTemplatesInput{Paging: misp.Paging{Limit: 3}})
	if err != nil || len(p.Templates) != 3 || p.Total != 4 || !p.More || p.Templates[0].MetaCategory == "" {
		t.Errorf("list: %+v, %v", p, err)
	}
}

func TestASightingThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	if _, err := c.AddSighting(t.Context(), misp.AddSightingInput{Value: "not-in-misp.example"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("a value nobody has: %v, want ErrNotFound", err)
	}
	if _, err := c.AddSighting(t.Context(), misp.AddSightingInput{AttributeID: "99999"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("no such attribute: %v, want ErrNotFound", err)
	}
	said := answering(t, map[string]string{"/attributes/view/1": `{"Attribute":{"id":"1","type":"ip-src","value":"x"}}`, "/sightings/add": `{"message":"Could not add the Sighting. Reason: Invalid type."}`})
	if _, err := said.AddSighting(t.Context(), misp.AddSightingInput{AttributeID: "1"}); err == nil || !strings.Contains(err.Error(), "Reason: Invalid type.") {
		t.Errorf("a failure with HTTP 200: %v", err)
	}
	// By value each attribute that has it gets one, and all are named.
	out, err := c.AddSighting(t.Context(), misp.AddSightingInput{Value: incident.AttackerIP, Source: "sshd", Timestamp: "2026-01-31T10:00:00Z"})
	if err != nil || out.Added != 2 || len(out.Sightings) != 2 || out.Sightings[0].Date.Unix() != 1769853600 || out.Sightings[0].Source != "sshd" {
		t.Errorf("by value: %+v, %v", out, err)
	}
	if !m.Published(misptest.ScanEvent) {
		t.Error("a sighting unpublished the event")
	}
	found, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: incident.AttackerIP, EventID: misptest.ScanEvent, IncludeSightings: true})
	if err != nil || len(found.Attributes) != 1 || len(found.Attributes[0].Sightings) != 1 {
		t.Errorf("read back: %+v, %v", found, err)
	}
}

func TestAttachingAClusterIsConfirmed(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	const uuid = "a93494bb-4b80-4ea1-8695-3236a49916fd" // begins with a letter; MISP compares ids only
	in := misp.AttachGalaxyClusterInput{TargetType: misp.ToEvent, TargetID: misptest.DraftEvent, GalaxyClusterID: uuid}
	out, err := c.AttachGalaxyCluster(t.Context(), in)
	if err != nil || out.Status != misp.TagAttached || !out.Confirmed || out.Cluster.ID != misptest.BruteForce || out.TargetID != misptest.DraftEvent {
		t.Errorf("to an event: %+v, %v", out, err)
	}
	if out, err = c.AttachGalaxyCluster(t.Context(), in); err != nil || out.Status != misp.TagExisting || !out.Confirmed {
		t.Errorf("again: %+v, %v", out, err)
	}
	e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misptest.DraftEvent})
	if err != nil {
		t.Fatal(err)
	}
	in.TargetType, in.TargetID = misp.ToAttribute, misp.Ref(e.Attributes[0].UUID)
	if out, err = c.AttachGalaxyCluster(t.Context(), in); err != nil || !out.Confirmed || out.TargetID != e.Attributes[0].ID {
		t.Errorf("to an attribute by UUID: %+v, %v", out, err)
	}
	in.GalaxyClusterID = "999999"
	if _, err = c.AttachGalaxyCluster(t.Context(), in); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("no such cluster: %v", err)
	}
	no := answering(t, map[string]string{"/events/view/4": bareEvent, "/galaxy_clusters/view/7": `{"GalaxyCluster":{"id":"7","type":"x","value":"x","tag_name":"x"}}`,
		"/galaxies/attachCluster/4/event": `{"saved":true,"success":"Could not attach the cluster","check_publish":true}`})
	if _, err := no.AttachGalaxyCluster(t.Context(), misp.AttachGalaxyClusterInput{TargetType: misp.ToEvent, TargetID: "4", GalaxyClusterID: "7"}); err == nil || !strings.Contains(err.Error(), "Could not attach the cluster") {
		t.Errorf("a failure that is saved: %v", err)
	}
}

func TestExportsGoThroughRestSearch(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	m.Requests()
	csv, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, EventID: misptest.DraftEvent})
	if err != nil || !strings.HasPrefix(csv.Content, "uuid,event_id,") || strings.Count(csv.Content, "\n") != 4 || *csv.Attributes != 2 || csv.More || csv.Note != "" || !strings.HasPrefix(csv.ContentType, "text/csv") {
		t.Errorf("csv of an unpublished event: %+v, %v", csv, err)
	}
	if r := m.Requests(); !slices.Equal(r, []string{"POST /attributes/restSearch"}) {
		t.Errorf("requests %q", r)
	}
	for _, f := range []misp.ExportFormat{misp.Text, misp.Suricata, misp.Snort, misp.RPZ, misp.Hosts, misp.Hashes} {
		x, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: f, EventID: misptest.DraftEvent})
		if err != nil || !strings.Contains(x.Note, "of published events") || !strings.HasSuffix(x.Note, "Nothing was left.") {
			t.Errorf("%s: %+v, %v; want the rule said aloud", f, x, err)
		}
	}
	text, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.Text, EventID: misptest.BruteForceEvent})
	if err != nil || text.Content != "203.0.113.77\n198.51.100.23\n\n" {
		t.Errorf("text: %+v, %v", text, err)
	}
	snort, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.Snort, EventID: misptest.BruteForceEvent})
	if err != nil || !strings.Contains(snort.Content, "optimized for snort") {
		t.Errorf("snort: %+v, %v", snort, err)
	}
	stix, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.STIX, EventID: misptest.BruteForceEvent})
	if err != nil || !strings.Contains(stix.Content, `"spec_version":"2.1"`) || !strings.Contains(stix.Note, "STIX 2.1") {
		t.Errorf("stix: %+v, %v", stix, err)
	}
	yara, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.YARA, EventID: misptest.GroupEvent})
	if err != nil || strings.Count(yara.Content, ": generated") != 2 || !strings.Contains(yara.Note, "aren't published") {
		t.Errorf("yara: %+v, %v", yara, err)
	}
	if yara, err = c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.YARA, EventID: misptest.DraftEvent}); err != nil || *yara.Attributes != 2 && *yara.Attributes != 0 {
		t.Errorf("yara of nothing: %+v, %v", yara, err)
	}
	m.FailNext(http.StatusInternalServerError, "An Internal Error Has Occurred.")
	if _, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.YARA, EventID: "1"}); err == nil || !strings.Contains(err.Error(), "yara") {
		t.Errorf("a module the server lacks: %v", err)
	}
	wrong := answering(t, map[string]string{"/attributes/restSearch": `{"response":{"Attribute":[]}}`})
	if x, err := wrong.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, EventID: "1"}); err == nil {
		t.Errorf("JSON instead of CSV: %+v", x)
	}
}

func TestExportsPageByPage(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	var all strings.Builder
	pages := 0
	for x, err := range c.Exports(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, Tags: []string{"tlp:%"}, Limit: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(strings.TrimSpace(x.Content) + "\n")
		pages++
	}
	lines := strings.Split(strings.TrimSpace(all.String()), "\n")
	if pages != 4 || len(lines) != 17 || strings.Count(all.String(), "uuid,event_id") != 1 {
		t.Errorf("%d pages with %d lines:\n%s", pages, len(lines), all.String())
	}
}

func TestHashesAreFiltered(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	h, err := c.ExportHashes(t.Context(), misp.ExportHashesInput{Format: misp.SHA256})
	if err != nil || h.Count != 1 || len(h.Hashes[0]) != 64 || h.Note == "" {
		t.Errorf("sha256, of a composite: %+v, %v", h, err)
	}
	for _, in := range []misp.ExportHashesInput{{Format: misp.MD5}, {Format: misp.SHA256, Last: "7d"}, {Format: misp.SHA256, Tags: []string{"tlp:red"}}} {
		if h, err := c.ExportHashes(t.Context(), in); err != nil || h.Count != 0 || h.Hashes == nil {
			t.Errorf("%+v: %+v, %v; want none", in, h, err)
		}
	}
}

func TestValidationErrorsKeepTheirFields(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	var e *misp.Error
	_, err := c.AddAttribute(t.Context(), misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "ip-src", Value: "nope"})
	if !errors.Is(err, misp.ErrInvalid) || errors.Is(err, misp.ErrForbidden) || !errors.As(err, &e) || !cmp.Equal(e.Fields, []misp.FieldError{{Field: "value", Message: "IP address has an invalid format."}}) {
		t.Errorf("%v", err)
	}
}

func TestDiagnosticsAreThoseThatExist(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	s, err := c.ServerStatus(t.Context(), misp.ServerStatusInput{Diagnostics: true})
	if err != nil || s.Version != "2.5.1" || s.Diagnostics != nil || s.Note == "" || !bool(*s.Permissions.Sighting) {
		t.Errorf("not an administrator: %+v, %v", s, err)
	}
	admin := m.Client(func(cfg *misp.Config) { cfg.APIKey = misptest.AdminKey })
	if s, err = admin.ServerStatus(t.Context(), misp.ServerStatusInput{Diagnostics: true}); err != nil || s.Diagnostics["workers"] == nil || s.Diagnostics["finalSettings"] != nil {
		t.Errorf("an administrator: %+v, %v; want the checks without the settings", s, err)
	}
	m.Requests()
	if _, err = admin.ServerStatus(t.Context(), misp.ServerStatusInput{}); err != nil || len(m.Requests()) != 1 {
		t.Errorf("without the checks: %v", err)
	}
}

func TestAFeedThatIsOffIsRefusedBeforeAHumanIsAsked(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t, siteAdmin)
	off := m.AddFeed(misptest.Feed{Name: "not cached", Enabled: true})
	for op, id := range map[string]string{"misp_fetch_feed": misptest.OSINTFeed, "misp_cache_feed": off} {
		o := ops[op]
		if res, err := o.Do(t.Context(), g.Guard, input(t, o, `{"feedId":"`+id+`"}`)); !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), "switched off") {
			t.Errorf("%s: %+v, %v", op, res, err)
		}
	}
	if sent := changing(m.Requests()); len(sent) > 0 {
		t.Errorf("sent %q", sent)
	}
	race := answering(t, map[string]string{"/feeds/view/1": `{"Feed":{"id":"1","name":"x","enabled":true}}`, "/events/restSearch": `{"response":[]}`,
		"/feeds/fetchFromFeed/1": `{"result":"Feed is currently not enabled. Make sure you enable it."}`})
	if _, err := race.FetchFeed(t.Context(), misp.FetchFeedInput{FeedID: "1"}); err == nil || !strings.Contains(err.Error(), "currently not enabled") {
		t.Errorf("switched off meanwhile: %v", err)
	}
}

func TestAFeedIsSwitchedOnFetchedAndCached(t *testing.T) {
	t.Parallel()
	for _, jobs := range []bool{false, true} {
		m := misptest.New(t)
		m.BackgroundJobs = jobs
		c := m.Client(siteAdmin)
		on, err := c.ToggleFeed(t.Context(), misp.ToggleFeedInput{FeedID: misptest.OSINTFeed, Enable: true})
		if err != nil || !*on.Enabled || on.Message != "Feed enabled." {
			t.Errorf("switched on: %+v, %v", on, err)
		}
		want := misp.Done
		if jobs {
			want = misp.Queued
		}
		out, err := c.FetchFeed(t.Context(), misp.FetchFeedInput{FeedID: misptest.OSINTFeed})
		if err != nil || out.State != want || m.Fetched(misptest.OSINTFeed) != 1 {
			t.Errorf("jobs %t: %+v, %v", jobs, out, err)
		}
		if out, err = c.CacheFeed(t.Context(), misp.CacheFeedInput{FeedID: misptest.BlocklistFeed}); err != nil || out.State != want {
			t.Errorf("cached: %+v, %v", out, err)
		}
		if _, err = c.CacheFeed(t.Context(), misp.CacheFeedInput{FeedID: "99"}); !errors.Is(err, misp.ErrNotFound) {
			t.Errorf("no such feed: %v", err)
		}
	}
	still := answering(t, map[string]string{"/feeds/enable/1": `{"name":"x","message":"Feed enabled.","url":"/"}`, "/feeds/view/1": `{"Feed":{"id":"1","name":"x","enabled":false}}`})
	if _, err := still.ToggleFeed(t.Context(), misp.ToggleFeedInput{FeedID: "1", Enable: true}); err == nil || !strings.Contains(err.Error(), "still off") {
		t.Errorf("said to be on, and off: %v", err)
	}
}

// TestWhatAFetchedFeedBroughtInIsTold asks MISP what is new, since the number in its
// own words isn't that of the events.
func TestWhatAFetchedFeedBroughtInIsTold(t *testing.T) {
	t.Parallel()
	three := []misptest.Event{{Info: "one"}, {Info: "two"}, {Info: "three"}}
	for _, tc := range []struct {
		what string
		feed misptest.Feed
		new  int
		note string // in the note
		err  string // or in the error
	}{
		{"all of it", misptest.Feed{Events: three}, 3, "isn't that of the events", ""},
		{"half of it", misptest.Feed{Events: three[:1], Broken: 2}, 1, "isn't that of the events", ""},
		{"none of it", misptest.Feed{Broken: 3}, 0, "no event is new", ""},
		{"nothing new", misptest.Feed{}, 0, "no event is new", ""},
		{"a list", misptest.Feed{FreeText: true, Events: three[:1]}, 1, "", ""},
		{"what can't be read", misptest.Feed{Gone: true}, 0, "", "Fetching the feed has failed (no event is new; MISP couldn't read the feed's manifest"},
		{"a list that can't be read", misptest.Feed{Gone: true, FreeText: true}, 0, "", "couldn't read the feed, or couldn't save"},
	} {
		m := misptest.New(t)
		m.SeedIncident()
		tc.feed.Name, tc.feed.Enabled = tc.what, true
		id := m.AddFeed(tc.feed)
		res, err := byHost(t, m, siteAdmin)("misp_fetch_feed", `{"feedId":"`+id+`"}`)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "done in part") || errors.Is(err, gate.ErrOutcomeUnknown) {
				t.Errorf("%s: %+v, %v", tc.what, res, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.what, err)
			continue
		}
		out := res.Out.(*misp.FeedOutcome)
		if out.State != misp.Done || len(out.NewEvents) != tc.new || !strings.Contains(out.Note, tc.note) || (tc.note == "") != (out.Note == "") {
			t.Errorf("%s: %+v", tc.what, out)
		}
	}
	m := misptest.New(t)
	id := m.AddFeed(misptest.Feed{Name: "x", Caching: true, Gone: true})
	if res, err := byHost(t, m, siteAdmin)("misp_cache_feed", `{"feedId":"`+id+`"}`); err == nil || !strings.Contains(err.Error(), "Caching the feed has failed") || errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("cached: %+v, %v", res, err)
	}
}

// TestAFailedFetchThatBroughtSomethingInIsDoneInPart looks at what MISP holds, before
// it says that nothing was done.
func TestAFailedFetchThatBroughtSomethingInIsDoneInPart(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct{ after, want string }{
		"a new event":  {`{"response":[{"Event":{"id":"9"}},{"Event":{"id":"8"}}]}`, "1 new events"},
		"nobody knows": {`{"name":"x","message":"An Internal Error Has Occurred."}`, "isn't known"},
	} {
		fetched := false
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case r.URL.Path == "/users/view/me":
				fmt.Fprint(w, `{"User":{"id":"1"},"Role":{"perm_site_admin":true}}`)
			case strings.HasPrefix(r.URL.Path, "/feeds/view"):
				fmt.Fprint(w, `{"Feed":{"id":"1","name":"x","enabled":true,"source_format":"csv"}}`)
			case strings.HasPrefix(r.URL.Path, "/feeds/fetchFromFeed"):
				fetched = true
				fmt.Fprint(w, `{"result":"Fetching the feed has failed."}`)
			case fetched:
				fmt.Fprint(w, tc.after)
			default:
				fmt.Fprint(w, `{"response":[{"Event":{"id":"8"}}]}`)
			}
		}))
		defer h.Close()
		g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
		c, err := misp.New(misp.Config{BaseURL: h.URL, APIKey: misptest.Key, Guard: g.Guard})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range c.Ops() {
			if o.Name() != "misp_fetch_feed" {
				continue
			}
			res, err := o.Do(t.Context(), g.Guard, input(t, o, `{"feedId":"1"}`))
			if err == nil || !strings.Contains(err.Error(), "done in part (fetchFeed)") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %+v, %v", what, res, err)
			}
		}
	}
}

func TestFeedsHideTheirCredentials(t *testing.T) {
	t.Parallel()
	m, _ := seeded(t)
	c := m.Client(siteAdmin)
	p, err := c.ListFeeds(t.Context(), misp.ListFeedsInput{})
	if err != nil || p.Total != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	if got := p.Feeds[0].URL; got != "https://feeds.example.org/list.txt" {
		t.Errorf("address %s", got)
	}
	on := true
	if p, err = c.ListFeeds(t.Context(), misp.ListFeedsInput{Enabled: &on}); err != nil || p.Total != 1 || p.Feeds[0].ID != misptest.BlocklistFeed {
		t.Errorf("those on: %+v, %v", p, err)
	}
}

func TestNamespaceIsTheNamespace(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	for in, want := range map[misp.ListGalaxiesInput]int{{Namespace: "mitre-attack"}: 2, {Namespace: "mitre-attack-pattern"}: 0, {Search: "INTRUSION"}: 1, {}: 3} {
		if p, err := c.ListGalaxies(t.Context(), in); err != nil || p.Total != want {
			t.Errorf("%+v: %+v, %v; want %d", in, p, err, want)
		}
	}
}

func TestDistributionNeedsItsSharingGroup(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	in := misp.CreateEventInput{Info: "for partners", Distribution: misp.SharingGroupOnly, SharingGroupID: "1", ThreatLevel: 3}
	out, err := c.CreateEvent(t.Context(), in)
	if err != nil || *out.Event.Distribution != misp.SharingGroupOnly {
		t.Errorf("with its group: %+v, %v", out, err)
	}
	in.Info, in.SharingGroupID = "for nobody", "77"
	if _, err := c.CreateEvent(t.Context(), in); !errors.Is(err, misp.ErrForbidden) || !strings.Contains(err.Error(), "Invalid Sharing Group") {
		t.Errorf("no such group: %v", err)
	}
}

func TestSharingGroupsHaveMembers(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	m.AddSharingGroup("With a stranger", true, 99)
	p, err := c.ListSharingGroups(t.Context(), misp.ListSharingGroupsInput{})
	if err != nil || p.Total != 2 || !cmp.Equal(p.Groups[0].Organisations, []string{"CERT-EXAMPLE", "SOC"}) || *p.Groups[0].OrgCount != 2 {
		t.Fatalf("groups: %+v, %v", p, err)
	}
	if diff := cmp.Diff([]string{"CERT-EXAMPLE", "SOC", "an organisation that this server does not know"}, p.Groups[1].Organisations); diff != "" {
		t.Errorf("with a stranger (-want +got):\n%s", diff)
	}
}

func TestLongListsAreCutAndSaySo(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	g, err := c.GetGalaxy(t.Context(), misp.GetGalaxyInput{GalaxyID: misptest.AttackGalaxy, Paging: misp.Paging{Limit: 3}})
	if err != nil || len(g.Clusters) != 3 || g.ClusterCount != 5 || !g.More || g.Galaxy.Type != "mitre-attack-pattern" {
		t.Errorf("galaxy: %+v, %v", g, err)
	}
	types, err := c.DescribeTypes(t.Context(), misp.DescribeTypesInput{})
	if err != nil || types.Total < 20 || types.Types[0].Also != nil || len(types.Categories) == 0 {
		t.Errorf("types: %+v, %v", types, err)
	}
	if types, err = c.DescribeTypes(t.Context(), misp.DescribeTypesInput{Search: "ip-dst"}); err != nil || types.Total != 2 || len(types.Types[0].Also) != 2 {
		t.Errorf("some types: %+v, %v", types, err)
	}
	if types, err = c.DescribeTypes(t.Context(), misp.DescribeTypesInput{Category: "targeting DATA"}); err != nil || types.Total != 8 {
		t.Errorf("of a category: %+v, %v", types, err)
	}
	if _, err = c.DescribeTypes(t.Context(), misp.DescribeTypesInput{Category: "Nope"}); !errors.Is(err, misp.ErrInvalid) {
		t.Errorf("no such category: %v", err)
	}
}

func TestTagsOfANewEventAreToldOneByOne(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	in := misp.CreateEventInput{Info: "Password guessing", Distribution: 0, ThreatLevel: 2, Date: "2026-01-31", Tags: []string{"tlp:amber", "made:up"}}
	out, err := c.CreateEvent(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if out.Existing || bool(*out.Event.Published) || out.Tags[0].Status != misp.TagAttached || out.Tags[1].Status != misp.TagRefused || out.Tags[1].Error == "" || out.Note == "" {
		t.Errorf("made: %+v, %+v", out, out.Tags[1])
	}
	again, err := c.CreateEvent(t.Context(), in)
	if err != nil || !again.Existing || again.Event.ID != out.Event.ID || again.Tags[0].Status != misp.TagExisting {
		t.Errorf("again: %+v, %v; want the same event", again, err)
	}
	if _, err := c.DeleteEvent(t.Context(), misp.DeleteEventInput{EventID: misp.EventRef(out.Event.ID)}); err != nil {
		t.Fatal(err)
	}
	if second, err := c.CreateEvent(t.Context(), in); err != nil || second.Existing || second.Event.UUID == out.Event.UUID || !strings.Contains(second.Note, "was deleted before") {
		t.Errorf("after it was deleted: %+v, %v; want another event", second, err)
	}
	m.LoseNext()
	in.Info = "another"
	if out, err = c.CreateEvent(t.Context(), in); err != nil || out.Existing || out.Event.Info != "another" {
		t.Errorf("made, answer lost: %+v, %v; want it found", out, err)
	}
}

func TestUpdateEvent(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	done := misp.AnalysisComplete
	out, err := c.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: misptest.ScanEvent, Info: "Scan", ThreatLevel: 1, Analysis: &done})
	if err != nil || out.Info != "Scan" || *out.ThreatLevel != misp.ThreatHigh || *out.Analysis != misp.AnalysisComplete || m.Published(misptest.ScanEvent) {
		t.Errorf("%+v, %v; want it changed and unpublished", out, err)
	}
	if _, err := c.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: misptest.BruteForceEvent, Info: "x"}); !errors.Is(err, misp.ErrForbidden) {
		t.Errorf("of others: %v", err)
	}
	kept := answering(t, map[string]string{"/events/edit/4": bareEvent, "/events/view/4": bareEvent})
	if _, err := kept.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: "4", Info: "new"}); !errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("a value that MISP didn't keep: %v", err)
	}
}

func TestAddAttributeWithTags(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	no, own := false, misp.OrganisationOnly
	in := misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "domain", Value: "Guess[.]example", ToIDs: &no, Distribution: &own, Tags: []string{"tlp:red", "made:up"}}
	out, err := c.AddAttribute(t.Context(), in)
	if err != nil || out.Status != misp.Added || out.Stored != "guess.example" || out.Tags[0].Status != misp.TagAttached || out.Tags[1].Status != misp.TagRefused {
		t.Fatalf("%+v, %v", out, err)
	}
	again, err := c.AddAttribute(t.Context(), in)
	if err != nil || again.Status != misp.Existing || again.ID != out.ID || again.Tags[0].Status != misp.TagExisting {
		t.Errorf("again: %+v, %v", again, err)
	}
	found, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: "guess.example"})
	if err != nil || len(found.Attributes) != 1 || bool(found.Attributes[0].ToIDs) || found.Attributes[0].Distribution != misp.OrganisationOnly {
		t.Errorf("read back: %+v, %v", found, err)
	}
}

func TestDeletions(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	soft, err := c.DeleteAttribute(t.Context(), misp.DeleteAttributeInput{AttributeID: "11"})
	if err != nil || !soft.Deleted || soft.Hard {
		t.Errorf("soft: %+v, %v", soft, err)
	}
	if _, err := c.DeleteAttribute(t.Context(), misp.DeleteAttributeInput{AttributeID: "11"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("soft again: %v, want ErrNotFound", err)
	}
	hard := misp.DeleteAttributeInput{AttributeID: "11", HardDeletion: misp.HardDeletion{Hard: true}}
	if out, err := c.DeleteAttribute(t.Context(), hard); err != nil || !out.Hard {
		t.Errorf("hard after soft: %+v, %v", out, err)
	}
	if _, err := c.DeleteAttribute(t.Context(), misp.DeleteAttributeInput{AttributeID: "1"}); !errors.Is(err, misp.ErrForbidden) {
		t.Errorf("of others: %v", err)
	}
	if out, err := c.DeleteObject(t.Context(), misp.DeleteObjectInput{ObjectID: "1"}); err != nil || out.Hard || out.Message != "Object deleted" {
		t.Errorf("object: %+v, %v", out, err)
	}
	if _, err := c.DeleteObject(t.Context(), misp.DeleteObjectInput{ObjectID: "99"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("no such object: %v", err)
	}
}

func TestSearchEvents(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	yes, no := true, false
	today := time.Now().UTC().Format(time.DateOnly)
	for _, tc := range []struct {
		name string
		in   misp.SearchEventsInput
		want int
	}{
		{"value in an object", misp.SearchEventsInput{Value: incident.AttackerIP}, 2}, {"type", misp.SearchEventsInput{Type: "AS"}, 1}, {"category", misp.SearchEventsInput{Category: "Targeting data"}, 1},
		{"tags", misp.SearchEventsInput{Tags: []string{"tlp:clear", "tlp:green"}}, 3}, {"event", misp.SearchEventsInput{EventID: "3"}, 1}, {"info", misp.SearchEventsInput{Info: "%parcel%"}, 1},
		{"org", misp.SearchEventsInput{Org: misptest.OtherOrganisation}, 3}, {"date", misp.SearchEventsInput{DateFrom: today}, 1}, {"until", misp.SearchEventsInput{DateTo: "2026-01-01"}, 1},
		{"last", misp.SearchEventsInput{Last: "30d"}, 2}, {"published", misp.SearchEventsInput{Published: &yes}, 4}, {"not published", misp.SearchEventsInput{Published: &no}, 2},
	} {
		p, err := c.SearchEvents(t.Context(), tc.in)
		if err != nil || len(p.Events) != tc.want || p.More || (p.Total == nil) != (tc.in.Published == &no) {
			t.Errorf("%s: %+v, %v; want %d, and a total only where MISP counts right", tc.name, p, err, tc.want)
		}
	}
	n := 0
	for e, err := range c.Events(t.Context(), misp.SearchEventsInput{Tags: []string{"tlp:%"}, Paging: misp.Paging{Limit: 4}}) {
		if err != nil || e.Info == "" {
			t.Fatal(e, err)
		}
		n++
	}
	if n != 6 {
		t.Errorf("walked %d events, want 6", n)
	}
}

func TestSearchByTag(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	events, err := c.SearchByTag(t.Context(), misp.SearchByTagInput{Tag: "tlp:amber"})
	if err != nil || len(events.Events) != 2 || *events.Total != 2 || events.Attributes != nil {
		t.Errorf("events: %+v, %v", events, err)
	}
	attributes, err := c.SearchByTag(t.Context(), misp.SearchByTagInput{Tag: "tlp:amber", Type: misp.TaggedAttributes, Paging: misp.Paging{Limit: 5}})
	if err != nil || len(attributes.Attributes) != 5 || attributes.Total != nil || !attributes.More {
		t.Errorf("attributes: %+v, %v", attributes, err)
	}
}

func TestOrganisations(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	for scope, want := range map[misp.OrganisationScope]int{"": 2, misp.LocalOrganisations: 1, misp.ExternalOrganisations: 1, misp.AllOrganisations: 2} {
		if p, err := c.ListOrganisations(t.Context(), misp.ListOrganisationsInput{Scope: scope}); err != nil || p.Total != want {
			t.Errorf("%s: %+v, %v; want %d", scope, p, err, want)
		}
	}
	if o, err := c.GetOrganisation(t.Context(), misp.GetOrganisationInput{OrgID: "2"}); err != nil || o.Name != misptest.OtherOrganisation || o.Extra["date_created"] == nil {
		t.Errorf("one: %+v, %v", o, err)
	}
	if _, err := c.GetOrganisation(t.Context(), misp.GetOrganisationInput{OrgID: "9"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("missing: %v", err)
	}
}
