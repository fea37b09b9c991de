package misp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	conn "github.com/sallyport-soc/sallyport/gate/connect"
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
				in := input(t, o, args)
				if page, ok := in.(interface{ Bound() }); ok { // as a server does
					page.Bound()
				}
				return o.Do(t.Context(), g.Guard, in)
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

func TestValuesAreFoundAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.AddEvent(misptest.Event{Info: "Example", Attributes: []misptest.Attribute{
		{Type: "ip-dst", Value: "198.51.100.40"}, {Type: "domain", Value: "bad.example"}, {Type: "url", Value: "http://bad.example/x"}, {Type: "email-src", Value: "a@bad.example"},
		{Type: "ip-dst|port", Value: "203.0.113.7|8080"}, {Type: "ip-dst", Value: "2001:db8::1"}, {Type: "mac-address", Value: "aa:bb:cc:dd:ee:ff"}, {Type: "target-user", Value: `CORP\alice`},
		{Type: "filename|md5", Value: "a.exe|abababababababababababababababab"}, {Type: "filename|md5", Value: "b.exe|abababababababababababababababab"},
		{Type: "AS", Value: "64500"}, {Type: "AS", Value: "65546"}, {Type: "other", Value: "64500"}, {Type: "domain", Value: "xn--bcher-kva.example"}, {Type: "ip-dst", Value: "198.51.100.41"},
		{Type: "vulnerability", Value: "CVE-2024-12345"}, {Type: "ip-dst", Value: "198.51.100.0/28"},
	}})
	c := m.Client()
	for typed, want := range map[string]string{
		"198[.]51[.]100[.]40": "198.51.100.40", "198(.)51(.)100(.)40": "198.51.100.40", "bad[dot]example": "bad.example", "BAD.example.": "bad.example", "hxxp://bad[.]example/x": "http://bad.example/x",
		"meow://bad.example/x": "http://bad.example/x", "a[at]bad.example": "a@bad.example", "203.0.113.7:8080": "203.0.113.7|8080", "203.0.113.7|8080": "203.0.113.7|8080", "203.0.113.7": "203.0.113.7|8080",
		"2001:DB8:0:0:0:0:0:1": "2001:db8::1", "[2001:db8::1]:443": "2001:db8::1", "AA-BB-CC-DD-EE-FF": "aa:bb:cc:dd:ee:ff", `corp\ALICE`: `CORP\alice`, "a.exe|ABABABABABABABABABABABABABABABAB": "a.exe|abababababababababababababababab",
		"AS64500": "64500", "as64500": "64500", "AS1.10": "65546", "bücher.example": "xn--bcher-kva.example", "BÜCHER[.]example.": "xn--bcher-kva.example", "198.51.100.41/32": "198.51.100.41", "2001:DB8::1/128": "2001:db8::1",
		"aabb.ccdd.eeff": "aa:bb:cc:dd:ee:ff", "AABBCCDDEEFF": "aa:bb:cc:dd:ee:ff", "cve-2024-12345": "CVE-2024-12345", "198.51.100.0/28": "198.51.100.0/28",
	} {
		p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: typed})
		if err != nil || len(p.Attributes) != 1 || p.Attributes[0].Value != want || p.Total == nil || *p.Total != 1 {
			t.Errorf("%s: %+v, %v; want %s", typed, p, err, want)
			continue
		}
		if plain := typed == want && !strings.Contains(typed, "|") || typed == "203.0.113.7" || typed == `corp\ALICE` || typed == "cve-2024-12345"; plain == (p.Searched != nil) {
			t.Errorf("%s: searched %q", typed, p.Searched)
		}
		if r, err := c.Correlate(t.Context(), misp.CorrelateInput{Value: typed}); err != nil || r.TotalAttributes != 1 {
			t.Errorf("correlate %s: %+v, %v", typed, r, err)
		}
	}
}

func TestOnlyThePercentSignIsAWildcard(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.AddEvent(misptest.Event{Info: `C:\Run_1 report`, Attributes: []misptest.Attribute{
		{Type: "regkey", Value: `HKCU\Software\Example\Run\updater`}, {Type: "regkey", Value: `HKLM\Software\Other`}, {Type: "filename", Value: "setup_a.exe"}, {Type: "filename", Value: "setupXa.exe"}}})
	c := m.Client()
	for pattern, want := range map[string]string{`HKCU\Software\Example\%`: `HKCU\Software\Example\Run\updater`, "setup_a%": "setup_a.exe", `%\other`: `HKLM\Software\Other`} {
		if p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: pattern}); err != nil || len(p.Attributes) != 1 || p.Attributes[0].Value != want {
			t.Errorf("%s: %+v, %v; want %s", pattern, p, err, want)
		}
	}
	if p, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{Info: `C:\Run_1%`}); err != nil || len(p.Events) != 1 {
		t.Errorf("a title: %+v, %v", p, err)
	}
}

func TestNetworksAndTheirAddressesAreFoundOnRequest(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "ip-dst", Value: "198.51.100.7"}, {Type: "ip-dst", Value: "198.51.100.0/24"}, {Type: "ip-dst", Value: "198.51.101.9"}}})
	c := m.Client()
	for _, tc := range []struct {
		value    string
		networks bool
		want     int
	}{{"198.51.100.7", false, 1}, {"198.51.100.7", true, 2}, {"198.51.100.0/24", false, 1}, {"198.51.100.0/24", true, 2}, {"198.51.100.0/23", true, 3}} {
		p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: tc.value, Networks: tc.networks})
		if err != nil || len(p.Attributes) != tc.want || tc.networks == (p.Note == "") {
			t.Errorf("%+v: %+v, %v", tc, p, err)
		}
	}
}

func TestWarninglistsAreAskedInTheFormThatTheyHold(t *testing.T) {
	t.Parallel()
	c := misptest.New(t).Client()
	for _, value := range []string{"WWW.GOOGLE.COM", "www[.]google[.]com", "www.google.com|203.0.113.9", "8.8.8.8:53", "8[.]8[.]8[.]8", "www.google.com.", "203.0.113.9|8.8.8.8"} {
		if x, err := c.CheckWarninglists(t.Context(), misp.CheckWarninglistsInput{Value: value}); err != nil || !x.Listed || x.Searched == nil {
			t.Errorf("%s: %+v, %v", value, x, err)
		}
	}
}

func TestNamesThatTheServerLacksAreSaid(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	for _, tc := range []struct {
		in   misp.SearchEventsInput
		want string
	}{
		{misp.SearchEventsInput{Tags: []string{"TLP:AMBER"}}, "there is tlp:amber"}, {misp.SearchEventsInput{Tags: []string{"no:such"}}, `there is no tag "no:such"`},
		{misp.SearchEventsInput{Org: "cert-example"}, `there is "CERT-EXAMPLE"`}, {misp.SearchEventsInput{Org: "Nobody"}, `there is no organisation "Nobody"`},
		{misp.SearchEventsInput{Info: "phishing"}, "put % around"}, {misp.SearchEventsInput{Tags: []string{"tlp:green", "!TLP:AMBER"}}, "there is tlp:amber"},
	} {
		p, err := c.SearchEvents(t.Context(), tc.in)
		if err != nil || !strings.Contains(p.Note, tc.want) {
			t.Errorf("%+v: %+v, %v; want %q", tc.in, p, err, tc.want)
		}
	}
}

func TestTagsAreCombined(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.AddEvent(misptest.Event{Info: "green", Tags: []string{"tlp:green"}})
	m.AddEvent(misptest.Event{Info: "both", Tags: []string{"tlp:green", "tlp:amber"}, Attributes: []misptest.Attribute{{Type: "domain", Value: "x.example"}}})
	c := m.Client()
	if p, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{Tags: []string{"tlp:green", "!tlp:amber"}}); err != nil || len(p.Events) != 1 || p.Events[0].Info != "green" {
		t.Errorf("without: %+v, %v", p, err)
	}
	if p, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{AllTags: []string{"tlp:green", "tlp:amber"}}); err != nil || len(p.Events) != 1 || p.Events[0].Info != "both" {
		t.Errorf("with both: %+v, %v", p, err)
	}
	if p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{AllTags: []string{"tlp:green", "tlp:amber"}}); err != nil || len(p.Attributes) != 1 {
		t.Errorf("attributes: %+v, %v", p, err)
	}
}

func TestEveryRowOfAWalkComesOnce(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	day := time.Unix(1772438400, 0)
	for range 52 {
		m.AddEvent(misptest.Event{Info: "Example wave", Date: day, Attributes: []misptest.Attribute{{Type: "domain", Value: "bad.example", Comment: strings.Repeat("long ", 100)}, {Type: "text", Value: strings.Repeat("x", 3000)}}})
	}
	call := byHost(t, m)
	for _, tc := range []struct {
		op, args, member string
		want             int
	}{
		{"misp_search_events", `"info":"%Example%","limit":3`, "events", 52}, {"misp_search_events", `"info":"%Example%","limit":500`, "events", 52},
		{"misp_search_attributes", `"types":["domain","text"]`, "attributes", 104}, {"misp_search_attributes", `"type":"domain","limit":500,"includeCorrelations":true`, "attributes", 52},
	} {
		seen := map[string]int{}
		for page := 1; page < 50; page++ {
			res, err := call(tc.op, fmt.Sprintf(`{%s,"page":%d}`, tc.args, page))
			out := answerOf(t, res, err)
			b, err := json.Marshal(out)
			if err != nil || len(b) > 24<<10 {
				t.Errorf("%s(%s): a page of %d bytes, %v", tc.op, tc.args, len(b), err)
			}
			for _, row := range out[tc.member].([]any) {
				seen[row.(map[string]any)["id"].(string)]++
			}
			if out["more"] != true {
				break
			}
		}
		for id, n := range seen {
			if n > 1 {
				t.Errorf("%s: %s came %d times", tc.op, id, n)
			}
		}
		if len(seen) != tc.want {
			t.Errorf("%s(%s): %d rows, want %d", tc.op, tc.args, len(seen), tc.want)
		}
	}
}

func TestALoopMayDeleteWhatItWalks(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	var list []misptest.Attribute
	for i := range 120 {
		list = append(list, misptest.Attribute{Type: "domain", Value: fmt.Sprintf("%d.example", i)})
	}
	m.AddEvent(misptest.Event{Info: "x", Attributes: list})
	c := m.Client()
	n := 0
	for a, err := range c.Attributes(t.Context(), misp.SearchAttributesInput{Type: "domain", Limit: 50}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.DeleteAttribute(t.Context(), misp.DeleteAttributeInput{AttributeID: misp.Ref(a.ID)}); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 120 || len(m.Values("1")) != 0 {
		t.Errorf("%d walked, %d left", n, len(m.Values("1")))
	}
}

// TestALargeEventIsReadAndWritten is about events of more bytes than the client
// reads of an answer.
func TestALargeEventIsReadAndWritten(t *testing.T) {
	t.Parallel()
	var plain, tagged []misptest.Attribute
	for i := range 20_000 {
		plain = append(plain, misptest.Attribute{Type: "ip-dst", Value: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), Comment: strings.Repeat("c", 60)})
	}
	for i := range 240 {
		tagged = append(tagged, misptest.Attribute{Type: "ip-dst", Value: fmt.Sprintf("10.9.0.%d", i), Tags: []string{`misp-galaxy:mitre-attack-pattern="Brute Force - T1110"`}})
	}
	for what, list := range map[string][]misptest.Attribute{"many": plain, "heavily tagged": tagged} {
		m := misptest.New(t)
		id := m.AddEvent(misptest.Event{Info: "Feed", Attributes: list})
		narrow := func(cfg *misp.Config) { cfg.MaxBody = 1 << 20 }
		if e, err := m.Client(narrow).GetEvent(t.Context(), misp.GetEventInput{EventID: misp.EventRef(id)}); !errors.Is(err, conn.ErrTooLarge) {
			t.Errorf("%s: the event isn't large: %+v, %v", what, e, err)
		}
		call := byHost(t, m, narrow)
		for op, args := range map[string]string{
			"misp_get_event": `{"eventId":"` + id + `"}`, "misp_get_related_events": `{"eventId":"` + id + `"}`, "misp_search_attributes": `{"eventId":"` + id + `"}`,
			"misp_add_attribute": `{"eventId":"` + id + `","type":"domain","value":"new.example"}`, "misp_tag_event": `{"eventId":"` + id + `","tag":"tlp:green"}`,
			"misp_add_object":            `{"eventId":"` + id + `","templateName":"domain-ip","attributes":[{"object_relation":"domain","value":"one.example"}]}`,
			"misp_attach_galaxy_cluster": `{"targetType":"event","targetId":"` + id + `","galaxyClusterId":"9001"}`, "misp_update_event": `{"eventId":"` + id + `","info":"New title"}`,
			"misp_publish_event": `{"eventId":"` + id + `","confirm":true}`,
		} {
			if res, err := call(op, args); err != nil || res.State != gate.StateExecuted && res.State != gate.StateRead {
				t.Errorf("%s, %s: %+v, %v", what, op, res, err)
			}
		}
	}
}

func TestAnObjectIsAddedAgainAfterItsDeletion(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	c := m.Client()
	in := misp.AddObjectInput{EventID: "4", TemplateName: "domain-ip", Attributes: []misp.NewObjectAttribute{{Relation: "domain", Value: "one.example"}}}
	first, err := c.AddObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.AddObject(t.Context(), in); err != nil || !again.Existing || again.Object.ID != first.Object.ID {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := c.DeleteObject(t.Context(), misp.DeleteObjectInput{ObjectID: misp.Ref(first.Object.ID)}); err != nil {
		t.Fatal(err)
	}
	if third, err := c.AddObject(t.Context(), in); err != nil || third.Existing || bool(third.Object.Deleted) || third.Object.ID == first.Object.ID {
		t.Errorf("after its deletion: %+v, %v", third, err)
	}
}

func TestAnEventThatExistsSaysWhatDiffers(t *testing.T) {
	t.Parallel()
	c := misptest.New(t).Client()
	if _, err := c.CreateEvent(t.Context(), misp.CreateEventInput{Info: "Example wave", ThreatLevel: 3}); err != nil {
		t.Fatal(err)
	}
	out, err := c.CreateEvent(t.Context(), misp.CreateEventInput{Info: "Example wave", Distribution: 3, ThreatLevel: 1, Analysis: 2})
	if want := []string{"threatLevel 3, wanted 1", "distribution 0, wanted 3", "analysis 0, wanted 2"}; err != nil || !out.Existing || !slices.Equal(out.Differs, want) {
		t.Errorf("%+v, %v; want %q", out, err, want)
	}
}

func TestAnAttributeGoesToASharingGroup(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	call := byHost(t, m)
	if res, err := call("misp_add_attribute", `{"eventId":"4","type":"domain","value":"new.example","distribution":4,"sharingGroupId":"1"}`); err != nil || res.State != gate.StateExecuted {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := call("misp_add_attribute", `{"eventId":"4","type":"domain","value":"other.example","distribution":4}`); !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), "Logistics partners") {
		t.Errorf("without a group: %v", err)
	}
	if _, err := call("misp_add_attribute", `{"eventId":"4","type":"domain","value":"other.example","distribution":1,"sharingGroupId":"1"}`); !errors.Is(err, misp.ErrInvalid) {
		t.Errorf("a group without its distribution: %v", err)
	}
}

func TestAnObjectGoesToASharingGroup(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	call := byHost(t, m)
	const object = `{"eventId":"4","templateName":"domain-ip","attributes":[{"object_relation":"domain","value":"shared.example"}],"distribution":4`
	for args, want := range map[string]string{object + `}`: "Logistics partners", strings.TrimSuffix(object, "4") + `1,"sharingGroupId":"1"}`: "sharingGroupId"} {
		if _, err := call("misp_add_object", args); !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", args, err, want)
		}
	}
	if res, err := call("misp_add_object", object+`,"sharingGroupId":"1"}`); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	p, err := m.Client().SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: "shared.example"})
	if err != nil || len(p.Attributes) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	e, err := m.Client().GetEvent(t.Context(), misp.GetEventInput{EventID: "4"})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(e.Objects, func(o *misp.Object) bool { return o.ID == p.Attributes[0].ObjectID })
	if i < 0 || e.Objects[i].Distribution != misp.SharingGroupOnly || e.Objects[i].SharingGroupID != "1" {
		t.Errorf("object %d of %+v", i, e.Objects)
	}
}

func TestRightsAreCheckedBeforeAHumanIsAsked(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{misptest.ReadOnlyKey: "lacks perm_", misptest.Key: "the key is of SOC"} {
		m := misptest.New(t)
		m.SeedIncident()
		g := gatetest.New(t)
		for _, o := range m.Client(func(cfg *misp.Config) { cfg.Guard, cfg.APIKey = g.Guard, key }).Ops() {
			args := map[string]string{
				"misp_add_attribute": `{"eventId":"1","type":"domain","value":"new.example"}`, "misp_publish_event": `{"eventId":"1","confirm":true}`,
				"misp_attach_galaxy_cluster": `{"targetType":"event","targetId":"1","galaxyClusterId":"9001"}`, "misp_update_event": `{"eventId":"1","analysis":1}`,
				"misp_delete_event": `{"eventId":"1","confirm":true}`, "misp_tag_event": `{"eventId":"1","tag":"tlp:green"}`, "misp_delete_attribute": `{"attributeId":"1","confirm":true}`,
				"misp_add_object":  `{"eventId":"1","templateName":"domain-ip","attributes":[{"object_relation":"domain","value":"one.example"}]}`,
				"misp_toggle_feed": `{"feedId":"1","enable":true}`, "misp_fetch_feed": `{"feedId":"2"}`, "misp_cache_feed": `{"feedId":"2"}`,
			}[o.Name()]
			if args == "" {
				continue
			}
			want := want
			if strings.HasSuffix(o.Name(), "_feed") {
				want = "lacks perm_site_admin"
			}
			if res, err := o.Do(t.Context(), g.Guard, input(t, o, args)); !errors.Is(err, misp.ErrForbidden) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %+v, %v; want %q", o.Name(), res, err, want)
			}
		}
	}
}

func TestATagInCapitalsIsToldFromTheOneThatExists(t *testing.T) {
	t.Parallel()
	_, g, ops := gated(t)
	text := shown(plan(t, g, ops["misp_tag_event"], input(t, ops["misp_tag_event"], `{"eventId":"4","tag":"TLP:AMBER"}`)))
	if !strings.Contains(text, "a NEW tag would be made beside it") || strings.Contains(text, "nothing changes") {
		t.Error(text)
	}
}

func TestASearchThatAGatewayGaveUpOnIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	n := 0
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusGatewayTimeout)
		fmt.Fprint(w, "<html><head><title>504 Gateway Time-out</title></head></html>")
	}))
	t.Cleanup(h.Close)
	c, err := misp.New(misp.Config{BaseURL: h.URL, APIKey: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Type: "ip-dst"}); err == nil || n != 1 || !strings.Contains(err.Error(), "gave up after its own time") {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestTheBlocklistLeavesOutWhatIsListed(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.AddEvent(misptest.Event{Info: "x", Published: true, Attributes: []misptest.Attribute{{Type: "ip-dst", Value: misptest.PublicResolver}, {Type: "ip-dst|port", Value: "203.0.113.9|443"}, {Type: "ip-src", Value: "203.0.113.9"}, {Type: "domain", Value: "bad.example"}}})
	m.AddEvent(misptest.Event{Info: "draft", Attributes: []misptest.Attribute{{Type: "ip-dst", Value: "203.0.113.10"}}})
	m.SoftDelete("1", "bad.example")
	c := m.Client()
	b, err := c.Blocklist(t.Context(), misp.BlocklistInput{Kind: misp.BlockAddresses, Since: "1d"})
	if err != nil || !slices.Equal(b.Values, []string{"203.0.113.9"}) || len(b.Dropped) != 1 || !slices.Equal(b.Added, b.Values) {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err = c.Blocklist(t.Context(), misp.BlocklistInput{Kind: misp.BlockDomains, Since: "1d"}); err != nil || b.Total != 0 || !slices.Equal(b.Removed, []string{"bad.example"}) {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestAProposalIsMadeListedAndDecided(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	theirs := m.Client(func(cfg *misp.Config) { cfg.APIKey = misptest.OtherKey })
	in := misp.ProposeAttributeInput{EventID: "4", Type: "domain", Value: "proposed[.]example"}
	made, err := theirs.ProposeAttribute(t.Context(), in)
	if err != nil || made.Proposal.Value != "proposed.example" {
		t.Fatalf("%+v, %v", made, err)
	}
	if again, err := theirs.ProposeAttribute(t.Context(), in); err != nil || !again.Existing {
		t.Errorf("again: %+v, %v", again, err)
	}
	if text, err := theirs.ProposeAttribute(t.Context(), misp.ProposeAttributeInput{EventID: "2", Type: "text", Value: "as seen"}); err != nil || bool(text.Proposal.ToIDs) {
		t.Errorf("a text for detection: %+v, %v", text, err)
	}
	c := m.Client()
	list, err := c.ListProposals(t.Context(), misp.ListProposalsInput{EventID: "4"})
	if err != nil || list.Total != 1 || list.Proposals[0].Org.Name != misptest.OtherOrganisation {
		t.Errorf("%+v, %v", list, err)
	}
	decided := misp.DecideProposalInput{ProposalID: misp.NumericID(list.Proposals[0].ID)}
	if d, err := c.AcceptProposal(t.Context(), decided); err != nil || !strings.HasPrefix(d.Did, "accepted: add domain proposed.example") {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := c.DiscardProposal(t.Context(), decided); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("decided on before: %v", err)
	}
	if !slices.Contains(m.Values("4"), "domain proposed.example") {
		t.Errorf("the event has %q", m.Values("4"))
	}
}

func TestATechniqueHasTheTagOfTheClusterThatTheServerHas(t *testing.T) {
	t.Parallel()
	c := misptest.New(t).Client()
	tags, err := c.TechniqueTags(t.Context(), map[string]string{"T1219": "Remote Access Tools", "T1110": "Brute Force", "T9999": "Nothing"})
	if err != nil || len(tags) != 2 || tags["T1219"] != `misp-galaxy:mitre-attack-pattern="Remote Access Software - T1219"` {
		t.Errorf("%q, %v", tags, err)
	}
}

func TestTypesAndTagsAreKeptForSeconds(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	c := m.Client()
	count := func(path string) (n int) {
		for _, r := range m.Requests() {
			if strings.HasSuffix(r, path) {
				n++
			}
		}
		return n
	}
	for _, value := range []string{"one.example", "two.example"} {
		if _, err := c.AddObject(t.Context(), misp.AddObjectInput{EventID: "4", TemplateName: "domain-ip", Attributes: []misp.NewObjectAttribute{{Relation: "domain", Value: value}}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := count("/attributes/describeTypes"); n != 1 {
		t.Errorf("the types were asked for %d times, want once", n)
	}
	in := misp.CreateEventInput{Info: "x", Tags: []string{"tlp:green"}}
	plan := func(want int) {
		t.Helper()
		if _, err := c.PlanCreateEvent(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if n := count("/tags/search"); n != want {
			t.Errorf("the tag was looked for %d times, want %d", n, want)
		}
	}
	plan(1)
	plan(0)
	if _, err := c.CreateEvent(t.Context(), in); err != nil { // it may make a tag, or have one made
		t.Fatal(err)
	}
	count("")
	plan(1)
}

// TestATypeThatThereIsntIsSaid searches for types and categories that no attribute can have.
func TestATypeThatThereIsntIsSaid(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	attributes := func(in misp.SearchAttributesInput) (n int, note string) {
		p, err := c.SearchAttributes(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return len(p.Attributes), p.Note
	}
	for _, tt := range []struct {
		in   misp.SearchAttributesInput
		note string
	}{
		{misp.SearchAttributesInput{Type: "ip"}, `there is no attribute type "ip" on this server; near are ip-dst, ip-dst|port, ip-src, ip-src|port, domain|ip`},
		{misp.SearchAttributesInput{Type: "ip_dst"}, "near are ip-dst"},
		{misp.SearchAttributesInput{Type: "hash"}, "near are authentihash"},
		{misp.SearchAttributesInput{Type: "qqq"}, "misp_describe_types has them"},
		{misp.SearchAttributesInput{Types: []string{"domian", "sha-256"}}, `there is no attribute type "domian" on this server; near are domain; there is no attribute type "sha-256" on this server; near are sha256`},
		{misp.SearchAttributesInput{Category: "Networking"}, `there is no category "Networking" on this server; there are Internal reference, `},
		{misp.SearchAttributesInput{Type: "md5", Category: "Targeting data"}, "no attribute of type md5 can be of the category Targeting data"},
		{misp.SearchAttributesInput{Type: "sha3-512"}, ""},
		{misp.SearchAttributesInput{Type: "SHA3-512", Category: "payload Delivery"}, ""},
	} {
		if n, note := attributes(tt.in); n != 0 || tt.note == "" && note != "" || !strings.Contains(note, tt.note) {
			t.Errorf("%+v: %d, note %q, want %q", tt.in, n, note, tt.note)
		}
	}
	if n, note := attributes(misp.SearchAttributesInput{Types: []string{"domain", "domian"}}); n == 0 || note != `there is no attribute type "domian" on this server; near are domain` {
		t.Errorf("one of two: %d, note %q", n, note)
	}
	events, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{Type: "ipv4-src", Category: "Nope"})
	if err != nil || !strings.Contains(events.Note, `there is no attribute type "ipv4-src"`) || !strings.Contains(events.Note, `there is no category "Nope"`) {
		t.Errorf("events: %+v, %v", events, err)
	}
	x, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, Type: "ip", Tags: []string{"TLP:AMBER"}})
	if err != nil || !strings.Contains(x.Note, `there is no attribute type "ip"`) || !strings.Contains(x.Note, "there is tlp:amber") {
		t.Errorf("export: %+v, %v", x, err)
	}
	for _, in := range []misp.SearchAttributesInput{{EventID: "999"}, {EventID: "38a47dd0-1fc4-4629-886d-5be502b3c79b", Value: "198.51.100.23"}} {
		if n, note := attributes(in); n != 0 || note != "there is no event "+string(in.EventID)+", or the key may not see it" {
			t.Errorf("event %s: %d, note %q", in.EventID, n, note)
		}
	}
	if n, note := attributes(misp.SearchAttributesInput{EventID: misptest.DraftEvent, Value: "nosuch.example"}); n != 0 || note != "" {
		t.Errorf("an event that there is: %d, note %q", n, note)
	}
	if events, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{EventID: "999"}); err != nil || !strings.Contains(events.Note, "there is no event 999") {
		t.Errorf("events: %+v, %v", events, err)
	}
	if x, err := c.ExportHashes(t.Context(), misp.ExportHashesInput{Format: misp.SHA256, EventID: "999"}); err != nil || !strings.Contains(x.Note, "there is no event 999") {
		t.Errorf("hashes: %+v, %v", x, err)
	}
	if _, err := c.ListProposals(t.Context(), misp.ListProposalsInput{EventID: "999"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("proposals of no event: %v", err)
	}
	if types, err := c.DescribeTypes(t.Context(), misp.DescribeTypesInput{Search: "ip_address"}); err != nil || types.Total != 0 || !strings.HasPrefix(types.Note, "near are ip-dst") {
		t.Errorf("types: %+v, %v", types, err)
	}
	if n, note := attributes(misp.SearchAttributesInput{Value: "198.51.100.23"}); n == 0 || note != "" {
		t.Errorf("without a type: %d, note %q", n, note)
	}
}

// TestATypeThatThereIsntIsNotProposed holds that nobody is asked about what MISP would refuse.
func TestATypeThatThereIsntIsNotProposed(t *testing.T) {
	t.Parallel()
	_, g, ops := gated(t)
	for op, in := range map[string]any{
		"misp_add_attribute":       &misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "ip", Value: "198.51.100.99"},
		"misp_add_attributes_bulk": &misp.AddAttributesBulkInput{EventID: misptest.DraftEvent, Attributes: []misp.NewAttribute{{Type: "domain", Value: "a.example"}, {Type: "ip", Value: "198.51.100.99"}}},
	} {
		_, err := ops[op].Do(t.Context(), g.Guard, in)
		if !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), `type: there is no attribute type "ip" on this server; near are ip-dst, `) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// TestAPlanOfAnEventRefusesATypeThatThereIsnt is the same of the attributes of a new event.
func TestAPlanOfAnEventRefusesATypeThatThereIsnt(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	_, err := c.PlanCreateEvent(t.Context(), misp.CreateEventInput{Info: "x"}, misp.NewAttribute{Type: "domain", Value: "a.example"}, misp.NewAttribute{Type: "ip", Value: "198.51.100.99"})
	if !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), `attributes[1].type: there is no attribute type "ip"`) {
		t.Errorf("%v", err)
	}
}

// TestACategoryThatATypeCantHaveIsNotProposed is the same of categories.
func TestACategoryThatATypeCantHaveIsNotProposed(t *testing.T) {
	t.Parallel()
	_, g, ops := gated(t, func(cfg *misp.Config) { cfg.APIKey = misptest.OtherKey })
	_, own, mine := gated(t)
	for _, tt := range []struct {
		op   gate.Op
		g    *gate.Guard
		in   any
		want string
	}{
		{mine["misp_add_attribute"], own.Guard, &misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "md5", Category: "Targeting data", Value: strings.Repeat("ab", 16)}, `category: an attribute of type md5 can't be of "Targeting data"; it can be of Payload delivery, `},
		{mine["misp_add_attributes_bulk"], own.Guard, &misp.AddAttributesBulkInput{EventID: misptest.DraftEvent, Attributes: []misp.NewAttribute{{Type: "domain", Value: "a.example"}, {Type: "domain", Category: "Network", Value: "b.example"}}}, `attributes[1].category: an attribute of type domain can't be of "Network"`},
		{ops["misp_propose_attribute"], g.Guard, &misp.ProposeAttributeInput{EventID: misptest.DraftEvent, Type: "domain", Category: "Person", Value: "b.example"}, `category: an attribute of type domain can't be of "Person"`},
		{ops["misp_propose_attribute"], g.Guard, &misp.ProposeAttributeInput{AttributeID: "11", Category: "Network activity"}, `category: an attribute of type target-user can't be of "Network activity"; it can be of Targeting data`},
	} {
		if _, err := tt.op.Do(t.Context(), tt.g, tt.in); !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %+v: %v", tt.op.Name(), tt.in, err)
		}
	}
}

// TestANumberIsFoundHoweverItIsWritten adds what MISP keeps in a form of its own and asks
// for it as it was given.
func TestANumberIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	m, c := seeded(t)
	id := m.AddEvent(misptest.Event{Info: "x"})
	for _, v := range [][2]string{
		{"phone-number", "0049 (0)30 555-1234"}, {"phone-number", "+1 (555) 010-9999"}, {"iban", "DE89 3704 0044 0532 0130 00"}, {"cc-number", "4111-1111-1111-1111"},
		{"x509-fingerprint-sha1", strings.TrimSuffix(strings.Repeat("AB:", 20), ":")},
	} {
		if _, err := c.AddAttribute(t.Context(), misp.AddAttributeInput{EventID: misp.EventRef(id), Type: v[0], Value: v[1]}); err != nil {
			t.Fatal(err)
		}
		p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: v[1]})
		if err != nil || len(p.Attributes) != 1 {
			t.Errorf("%q: %+v, %v", v[1], p, err)
		}
		if x, err := c.Correlate(t.Context(), misp.CorrelateInput{Value: v[1]}); err != nil || x.TotalAttributes != 1 {
			t.Errorf("%q: %+v, %v", v[1], x, err)
		}
	}
}
