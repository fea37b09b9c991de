package misp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// unrecorded are the requests, and members of their bodies, that the client
// sends and the recordings lack, with the reason to believe that MISP takes them:
// what the vendor's own description of its API, or its source, says, and what its
// own client, PyMISP 2.5.34, sends.
var unrecorded = map[string]string{
	"POST /attributes/delete/{uuid}/1":                     "by id it is recorded as POST, by UUID as DELETE; PyMISP sends POST by either, with hard in the body",
	"GET /sharing_groups/index/page:2":                     "the list is paged by sixty, and pages of other lists are recorded by name; asked for only when the first is full",
	"GET /sharing_groups/view/{id}":                        "PyMISP sends the same; the recorded server had no group",
	"GET /feeds/view/{id}":                                 "PyMISP sends the same",
	"POST /feeds/enable/{id}":                              "the API description has it; PyMISP edits the feed instead",
	"POST /feeds/disable/{id}":                             "the API description has it; PyMISP edits the feed instead",
	"POST /feeds/fetchFromFeed/{id}":                       "PyMISP sends the same",
	"POST /feeds/cacheFeeds/{id}":                          "PyMISP sends the same",
	"GET /servers/serverSettings":                          "PyMISP sends the same",
	"GET /organisations/index/scope:all":                   "recorded with a limit as well, which changed nothing",
	"GET /organisations/view/{uuid}":                       "PyMISP sends the same",
	"GET /galaxies/view/{uuid}":                            "PyMISP sends the same",
	"POST /galaxies/attachCluster/{id}/attribute":          "recorded for an event; the API description and PyMISP have both",
	"POST /events/add sharing_group_id:string":             "the API description has it, and the recorded refusal of distribution 4 without it asks for it",
	"POST /attributes/add/{id} uuid:string":                "recorded with events; the API description has it",
	"POST /events/delete/{id}":                             "PyMISP sends the same; recorded as POST by UUID, and as DELETE by id",
	"POST /events/edit/{id} threat_level_id:number":        "PyMISP sends an event by POST; recorded as PUT, and as a number with events/add",
	"POST /objects/add/{id}/{id} Attribute.comment:string": "recorded with attributes; the API description has it",
	"POST /objects/add/{id}/{id} Attribute.to_ids:bool":    "recorded with attributes; the API description has it",
	"POST /objects/add/{id}/{id} distribution:number":      "the API description has it, and recorded objects carry one",
	"POST /events/restSearch category:string":              "PyMISP sends the same; recorded with attributes",
	"POST /objects/add/{id}/{id} uuid:string":              "the API description has it, and recorded objects carry one",
	"POST /attributes/restSearch uuid[]:string":            "as above",
	"POST /events/restSearch value[]:string":               "as above",
	"POST /attributes/restSearch uuid:list":                "recorded with one; all filters of MISP take lists, as is recorded of value, type, tags and eventid",
	"POST /events/restSearch value:list":                   "recorded with one, and with attributes in a list",
	"POST /events/upload_stix/2":                           "seen running on MISP 2.5.1",
	"GET /eventBlocklists/index":                           "seen running on MISP 2.5.1",
	"GET /shadow_attributes/index/{id}":                    "seen running on MISP 2.5.1",
	"GET /shadow_attributes/view/{id}":                     "seen running on MISP 2.5.1",
	"POST /shadow_attributes/accept/{id}":                  "seen running on MISP 2.5.1",
	"POST /shadow_attributes/discard/{id}":                 "seen running on MISP 2.5.1",
	"POST /shadow_attributes/edit/{id}":                    "seen running on MISP 2.5.1, in an envelope",
	"POST /shadow_attributes/add/{id} comment:string":      "seen running on MISP 2.5.1, in an envelope",
	"POST /shadow_attributes/add/{id} to_ids:bool":         "seen running on MISP 2.5.1",
}

// shapes are requests by method and path, each with the members of its bodies
// and of what kind they are.
type shapes map[string]map[string]bool

var (
	idSegment   = regexp.MustCompile(`^[0-9]+$`)
	uuidSegment = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// add notes a request.
func (s shapes) add(method, path string, body []byte) {
	var parts []string
	for i, p := range strings.Split(strings.Trim(path, "/"), "/") {
		switch {
		case idSegment.MatchString(p) && i > 2 && p == "1": // for good
			parts = append(parts, p)
		case idSegment.MatchString(p) && i > 0 && parts[i-1] == "upload_stix": // the version of STIX
			parts = append(parts, p)
		case idSegment.MatchString(p):
			p = "{id}"
			parts = append(parts, p)
		case uuidSegment.MatchString(p):
			parts = append(parts, "{uuid}")
		default:
			parts = append(parts, p)
		}
	}
	key := method + " /" + strings.Join(parts, "/")
	if s[key] == nil {
		s[key] = map[string]bool{}
	}
	var v any
	if len(body) > 0 && json.Unmarshal(body, &v) == nil {
		members(v, "", s[key])
	}
}

// members notes the members of a body. What MISP takes wrapped or not, alone or
// in a list, is the same.
func members(v any, path string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if inner, ok := x.(map[string]any); ok && path == "" && slices.Contains([]string{"Event", "Attribute", "Object"}, k) {
				members(inner, "", into)
				continue
			}
			p := strings.TrimPrefix(path+"."+k, ".")
			into[p+":"+kind(x)] = true
			members(x, p, into)
		}
	case []any:
		for _, x := range v {
			if _, ok := x.(map[string]any); !ok {
				into[path+"[]:"+kind(x)] = true
			}
			members(x, path, into)
		}
	}
}

func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "list"
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "bool"
	}
	return "null"
}

var recordedRequest = regexp.MustCompile("(?m)^`(GET|POST|PUT|DELETE) (/[^` ]*)`.*\n(?:\nRequest body:\n```[a-z]*\n((?s:.*?))\n```\n)?")

// recordedShapes reads the record.
func recordedShapes(t *testing.T) shapes {
	t.Helper()
	text, err := os.ReadFile(recordings + ".md")
	if err != nil {
		t.Skip("the recordings are not at hand: ", err)
	}
	s := shapes{}
	n := 0
	for _, m := range recordedRequest.FindAllSubmatch(text, -1) {
		s.add(string(m[1]), string(m[2]), m[3])
		n++
	}
	if n < 700 {
		t.Fatalf("only %d requests were found in the record", n)
	}
	return s
}

// capture is a transport that notes each request.
type capture struct {
	mu   sync.Mutex
	sent shapes
}

func (c *capture) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	c.mu.Lock()
	c.sent.add(r.Method, r.URL.Path, body)
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// allRequests makes every call that the client has, with every argument that
// changes what is sent, and returns the requests.
func allRequests(t *testing.T) shapes {
	t.Helper()
	m := misptest.New(t)
	m.SeedIncident()
	rec := &capture{sent: shapes{}}
	g := gatetest.New(t)
	guarded := map[string]gate.Op{}
	gc := m.Client(siteAdmin, func(cfg *misp.Config) { cfg.Guard, cfg.Transport = g.Guard, rec })
	for _, op := range gc.Ops() {
		guarded[op.Name()] = op
	}
	for _, call := range evidence.MISP() {
		op := guarded[call.Op]
		do := func() (*gate.Result, error) { return op.Do(t.Context(), g.Guard, input(t, op, call.Args)) }
		res, err := do()
		if err == nil && res.State == gate.StatePending {
			g.Approve(res.Proposal.ID)
			_, err = do()
		}
		if err != nil {
			t.Errorf("%s(%s): %v", call.Op, call.Args, err)
		}
	}
	for _, r := range gc.Resources() {
		if _, err := r.Op.Do(t.Context(), g.Guard, r.In); err != nil {
			t.Errorf("%s: %v", r.URI, err)
		}
	}

	for range 60 {
		m.AddSharingGroup("Partners", true)
	}
	ours := misp.EventRef(m.AddEvent(misptest.Event{Info: "ours", Published: true, Objects: []misptest.Object{{Name: "x", Attributes: []misptest.Attribute{{Type: "text", Value: "y"}}}},
		Attributes: []misptest.Attribute{{Type: "domain", Value: "one.example"}, {Type: "domain", Value: "two.example"}}}))
	c := m.Client(func(cfg *misp.Config) { cfg.Transport = rec })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: ours})
	must(err)
	uuid := misp.EventRef(e.UUID)
	_, err = c.GetEvent(t.Context(), misp.GetEventInput{EventID: uuid})
	must(err)
	yes, no, own := true, false, misp.OrganisationOnly
	_, err = c.SearchAttributes(t.Context(), misp.SearchAttributesInput{EventID: uuid, Category: "Network activity", Tags: []string{"x"}, ToIDs: &no, Last: "7d", IncludeCorrelations: true})
	must(err)
	for _, in := range []misp.SearchEventsInput{{EventID: uuid}, {Value: "x", Type: "domain", Category: "Network activity", Tags: []string{"x"}, EventID: "1", Info: "x", Org: "1", DateFrom: "2026-01-01", DateTo: "2026-01-02", Last: "7d", Published: &no}} {
		_, err = c.SearchEvents(t.Context(), in)
		must(err)
	}
	_, err = c.EventsByTags(t.Context(), []string{incident.CampaignTag}, 5)
	must(err)
	_, err = c.WriteExport(t.Context(), io.Discard, misp.ExportIOCsInput{Format: misp.CSV, Tags: []string{"tlp:%"}, ToIDs: &yes, Limit: 2}, 1<<20)
	must(err)
	_, err = c.ListSharingGroups(t.Context(), misp.ListSharingGroupsInput{})
	must(err)
	for _, in := range []misp.AddAttributeInput{
		{EventID: ours, Type: "domain", Value: "one.example", Comment: "there already", Distribution: &own},
		{EventID: uuid, Type: "domain", Value: "Three[.]example", Category: "Network activity", Comment: "x", ToIDs: &yes, Distribution: &own},
	} {
		_, err = c.AddAttribute(t.Context(), in)
		must(err)
	}
	m.SoftDelete(string(ours), "three.example") // adding again searches by UUIDs
	for _, err := range c.AddAttributes(t.Context(), uuid, slices.Values([]misp.NewAttribute{{Type: "domain", Value: "three.example"}, {Type: "domain", Value: "Three[.]example"}, {Type: "domain", Value: "one.example"}})) {
		must(err)
	}
	_, err = c.CreateEvent(t.Context(), misp.CreateEventInput{Info: "x", Distribution: 4, SharingGroupID: "1", ThreatLevel: 1})
	must(err)
	_, err = c.CreateEvent(t.Context(), misp.CreateEventInput{Info: "x", Distribution: 4, SharingGroupID: "1", ThreatLevel: 1})
	must(err)
	done := misp.AnalysisComplete
	_, err = c.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: ours, Info: "y", ThreatLevel: 2, Analysis: &done})
	must(err)
	_, err = c.AddSighting(t.Context(), misp.AddSightingInput{AttributeID: misp.Ref(e.Attributes[0].UUID), Type: misp.FalsePositive, Source: "x", Timestamp: "1700000000"})
	must(err)
	for _, id := range []misp.Ref{"55f6ea5e-0000-4000-8000-000000000001"} {
		_, err = c.GetOrganisation(t.Context(), misp.GetOrganisationInput{OrgID: id})
		must(err)
	}
	galaxy, err := c.GetGalaxy(t.Context(), misp.GetGalaxyInput{GalaxyID: misptest.AttackGalaxy})
	must(err)
	_, err = c.GetGalaxy(t.Context(), misp.GetGalaxyInput{GalaxyID: misp.Ref(galaxy.Galaxy.UUID)})
	must(err)
	_, err = c.AttachGalaxyCluster(t.Context(), misp.AttachGalaxyClusterInput{TargetType: misp.ToEvent, TargetID: misp.Ref(uuid), GalaxyClusterID: misp.Ref(galaxy.Clusters[0].UUID)})
	must(err)
	_, err = c.TechniqueTags(t.Context(), map[string]string{"T1110": "Brute Force", "T1219": "Remote Access Tools", "T9999": "Nothing"})
	must(err)
	_, err = c.GetObjectTemplate(t.Context(), misp.GetObjectTemplateInput{TemplateID: "43b3b146-77eb-4931-b4cc-b66c60f28734"})
	must(err)
	_, err = c.AddObject(t.Context(), misp.AddObjectInput{EventID: ours, TemplateName: "domain-ip", Comment: "x", Distribution: &own, Attributes: []misp.NewObjectAttribute{{Relation: "domain", Value: "four.example", ToIDs: &no, Comment: "x"}}})
	must(err)
	_, err = c.DeleteObject(t.Context(), misp.DeleteObjectInput{ObjectID: misp.Ref(e.Objects[0].UUID)})
	must(err)
	for _, hard := range []bool{false, true} {
		_, err = c.DeleteAttribute(t.Context(), misp.DeleteAttributeInput{AttributeID: misp.Ref(e.Attributes[1].UUID), HardDeletion: misp.HardDeletion{Hard: hard}})
		must(err)
	}
	_, err = m.Client(func(cfg *misp.Config) { cfg.Transport, cfg.APIKey = rec, misptest.AdminKey }).PlanCreateEvent(t.Context(), misp.CreateEventInput{Info: "plan", ThreatLevel: 4})
	must(err)
	_, err = c.PublishEvent(t.Context(), misp.PublishEventInput{EventID: uuid})
	must(err)
	_, err = c.DeleteEvent(t.Context(), misp.DeleteEventInput{EventID: uuid})
	must(err)
	return rec.sent
}

// TestWhatIsSentWasRecorded compares every request with those that a real MISP
// answered.
func TestWhatIsSentWasRecorded(t *testing.T) {
	t.Parallel()
	known := recordedShapes(t)
	missing := map[string]bool{}
	for key, sent := range allRequests(t) {
		if known[key] == nil {
			missing[key] = true
			continue
		}
		for m := range sent {
			if !known[key][m] {
				missing[key+" "+m] = true
			}
		}
	}
	for _, m := range slices.Sorted(maps.Keys(missing)) {
		if unrecorded[m] == "" {
			t.Errorf("sent, never recorded, and no reason is given to believe in it: %s", m)
		}
	}
	for _, m := range slices.Sorted(maps.Keys(unrecorded)) {
		if !missing[m] {
			t.Errorf("%s needs no reason any more", m)
		}
	}
}

// TestEveryEndpointIsAmongTheRequests keeps [allRequests] complete.
func TestEveryEndpointIsAmongTheRequests(t *testing.T) {
	t.Parallel()
	sent := allRequests(t)
	parameter := regexp.MustCompile(`\\\{[a-zA-Z]+\\\}`)
	for _, e := range wire.Endpoints {
		form := regexp.MustCompile("^" + e.Method + " " + parameter.ReplaceAllString(regexp.QuoteMeta(e.Path), "[^/]+") + "$")
		if !slices.ContainsFunc(slices.Collect(maps.Keys(sent)), form.MatchString) {
			t.Errorf("%s is never called: %s", e.ID, fmt.Sprint(e.Method, " ", e.Path))
		}
	}
}
