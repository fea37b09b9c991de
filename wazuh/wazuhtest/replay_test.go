package wazuhtest_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// recording reads what a real platform answered, or skips.
func recording[T any](t *testing.T, name string) (list []T) {
	t.Helper()
	f, err := os.Open("../../../shared/vendor/recordings/" + name)
	if err != nil {
		t.Skip("the recorded answers are not at hand:", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(make([]byte, 1<<20), 1<<26)
	for s.Scan() {
		var line T
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		list = append(list, line)
	}
	return list
}

// outcome is what of an answer doesn't depend on what the platform holds.
type outcome struct {
	Status int
	Title  string
	Error  string
	Codes  []string // of what failed
	Detail string   // up to what it lists
}

func outcomeOf(status int, body []byte) outcome {
	var a struct {
		Title, Detail string
		Error         json.Number
		Data          json.RawMessage
	}
	if json.Unmarshal(body, &a) != nil {
		return outcome{Status: status, Title: "text"}
	}
	o := outcome{Status: status, Title: a.Title, Error: a.Error.String(), Detail: a.Detail}
	if o.Error != "" {
		o.Detail, _, _ = strings.Cut(o.Detail, ":")
	}
	o.Detail, _, _ = strings.Cut(o.Detail, "in schema")
	var d struct {
		Failed []struct {
			Error struct{ Code json.Number }
			ID    []any
		} `json:"failed_items"`
	}
	if json.Unmarshal(a.Data, &d) == nil {
		for _, f := range d.Failed {
			o.Codes = append(o.Codes, fmt.Sprintf("%s %T", f.Error.Code, f.ID[0]))
		}
	}
	return o
}

// notHeld are the parts of the server API that the fake doesn't have, and what a
// recording says of the server on which it was made alone: it had no cluster, no
// daemons, other rules and groups.
var notHeld = []string{
	"/security/users", "/security/roles", "/security/config", "/agents/summary", "/agents/outdated", "/agents/no_group", "/overview", "/agents/001/stats/agent", "/agents/005/stats/agent", "/agents/001/stats/nope",
	"/agents/001/config", "/agents/005/config", "/agents/999/config", "/groups/default/files", "/groups/default/configuration", "/groups/nope/configuration", "/groups/team-", "k8s.prod-1", "/groups/web/agents?select",
	"/experimental", "/last_scan", "/rules/", "/rules?rule_ids=100", "/rules?filename=", "/lists", "/manager/info", "/manager/status", "/manager/stats", "/manager/daemons", "/manager/api", "/manager/version", "/manager/logs/summary",
	"/manager/configuration?section=active-response", "/manager/configuration?raw", "/manager/configuration/analysis", "/manager/configuration/com", "/manager/configuration/validation", "/cluster/", "/mitre", "/ciscat", "/tasks",
	"/decoders/", "/syscollector/001/users", "/syscollector/001/groups", "/syscollector/001/services", "/syscollector/001/browser_extensions", "/logtest",
}

// TestRecordedRequestsAreAnsweredAsTheServerDid sends what was asked of a real
// server to the fake, and compares what of the answers doesn't depend on what
// either holds.
func TestRecordedRequestsAreAnsweredAsTheServerDid(t *testing.T) {
	t.Parallel()
	type exchange struct {
		N            int
		As, Why      string
		Method, Path string
		Status       int
		Artefact     any
		Body         json.RawMessage
	}
	admin, narrow := wazuhtest.New(t), wazuhtest.New(t)
	narrow.RestrictTo("002", "003", "1001", "1002")
	for _, s := range []*wazuhtest.Server{admin, narrow} {
		s.AddAgent(wazuhtest.Object{"id": "1001", "name": "k8s-node-1001", "status": "active", "group": []string{"k8s"}})
	}
	tokens := map[*wazuhtest.Server]string{admin: login(t, admin), narrow: login(t, narrow)}
	held := 0
replay:
	for _, x := range recording[exchange](t, "wazuh-api-4.14.7.ndjson.gz") {
		s := admin
		switch {
		case x.Method != http.MethodGet || x.Status == 0 || x.Artefact != nil || x.Status == http.StatusTooManyRequests:
			continue
		case strings.HasPrefix(x.As, "narrow role"):
			s = narrow
		case x.As != "admin" || x.N > 420:
			continue // of tokens that came and went
		}
		for _, part := range notHeld {
			if strings.Contains(x.Path, part) {
				continue replay
			}
		}
		status, _, body := ask(t, x.Method, s.URL+x.Path, "", "", tokens[s], "")
		held++
		if diff := cmp.Diff(outcomeOf(x.Status, x.Body), outcomeOf(status, []byte(body))); diff != "" {
			t.Errorf("%d, %s: GET %s (-server +fake):\n%s", x.N, x.Why, x.Path, diff)
		}
	}
	if held < 100 {
		t.Errorf("only %d requests were compared", held)
	}
	t.Logf("%d requests", held)
}

// fieldsOf lists what a recorded mapping has, with its type.
func fieldsOf(properties map[string]json.RawMessage, path string, f func(path, kind string)) {
	for name, raw := range properties {
		var p struct {
			Type       string
			Properties map[string]json.RawMessage
		}
		if json.Unmarshal(raw, &p) != nil {
			continue
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		if p.Type != "" {
			f(at, p.Type)
		}
		fieldsOf(p.Properties, at, f)
	}
}

// TestFieldsAreMappedAsByTheTemplates holds the types of the fake's fields to the
// mappings that a real indexer made from the templates of 4.14.
func TestFieldsAreMappedAsByTheTemplates(t *testing.T) {
	t.Parallel()
	type exchange struct {
		N            int
		Method, Path string
		Body         json.RawMessage
	}
	alike := map[string]string{
		"integer": "long", "short": "long", "unsigned_long": "long", "byte": "long", "double": "long", "float": "long", "half_float": "long", "scaled_float": "long", "match_only_text": "text", "": "object",
	}
	want := map[string]string{}
	for _, x := range recording[exchange](t, "opensearch-2.19.4-wazuh.ndjson.gz") {
		if !strings.HasSuffix(x.Path, "/_mapping") || x.N > 157 {
			continue
		}
		var body map[string]struct {
			Mappings struct{ Properties map[string]json.RawMessage }
		}
		if err := json.Unmarshal(x.Body, &body); err != nil {
			t.Fatal(err)
		}
		for _, index := range body {
			fieldsOf(index.Mappings.Properties, "", func(path, kind string) {
				if k := alike[kind]; k != "" {
					kind = k
				}
				want[path] = kind
			})
		}
	}
	s := wazuhtest.New(t)
	for path := range want {
		s.MapFields(path)
	}
	s.AddAlert(time.Now(), "one", wazuhtest.Object{"rule": wazuhtest.Object{"id": "1"}})
	_, _, body := ask(t, http.MethodGet, s.IndexerURL+"/wazuh-alerts-*/_field_caps?fields=*", wazuhtest.IndexerUser, wazuhtest.IndexerPassword, "", "")
	var have struct{ Fields map[string]map[string]any }
	if err := json.Unmarshal([]byte(body), &have); err != nil {
		t.Fatal(err)
	}
	for path, kind := range want {
		if have.Fields[path][kind] == nil && kind != "object" && kind != "nested" && kind != "flat_object" {
			t.Errorf("%s is %s, and to the fake %v", path, kind, have.Fields[path])
		}
	}
	t.Logf("%d fields", len(want))
}

// TestStatesHaveWhatTheirTemplatesHave holds the documents of the fake, of 4.14
// and of 5.1, to the strict mappings that a real indexer made of the templates.
func TestStatesHaveWhatTheirTemplatesHave(t *testing.T) {
	t.Parallel()
	type exchange struct {
		N    int
		Path string
		Body json.RawMessage
	}
	kindOf := func(index string) string {
		kind := strings.TrimPrefix(index, "wazuh-states-")
		for _, suffix := range []string{"-wazuh-cluster", "-wazuh"} {
			kind = strings.TrimSuffix(kind, suffix)
		}
		return strings.Replace(kind, "fim-registries", "fim-registry", 1)
	}
	known := map[string]map[string]map[string]bool{"4.14.7": {}, "5.1.0": {}}
	for _, x := range recording[exchange](t, "opensearch-2.19.4-wazuh.ndjson.gz") {
		if !strings.HasPrefix(x.Path, "/wazuh-states-") || !strings.HasSuffix(x.Path, "/_mapping") {
			continue
		}
		version := "4.14.7"
		if x.N > 157 {
			version = "5.1.0"
		}
		var body map[string]struct {
			Mappings struct{ Properties map[string]json.RawMessage }
		}
		if err := json.Unmarshal(x.Body, &body); err != nil {
			t.Fatal(err)
		}
		for index, b := range body {
			fields := map[string]bool{}
			fieldsOf(b.Mappings.Properties, "", func(path, _ string) { fields[path] = true })
			known[version][kindOf(index)] = fields
		}
	}
	for version, kinds := range known {
		s := wazuhtest.New(t)
		s.SetVersion(version)
		_, _, body := ask(t, http.MethodPost, s.IndexerURL+"/wazuh-states-*/_search", wazuhtest.IndexerUser, wazuhtest.IndexerPassword, "", `{"size":5000}`)
		var found struct {
			Hits struct {
				Hits []struct {
					Index  string           `json:"_index"`
					Source wazuhtest.Object `json:"_source"`
				}
			}
		}
		if err := json.Unmarshal([]byte(body), &found); err != nil || len(found.Hits.Hits) == 0 {
			t.Fatalf("%s: %v", version, err)
		}
		odd := map[string]bool{}
		for _, h := range found.Hits.Hits {
			kind := kindOf(h.Index)
			fields := kinds[kind]
			if fields == nil && strings.HasPrefix(kind, "fim-registry") {
				fields = kinds["fim-registry"]
			}
			if fields == nil {
				odd["no template of "+kind] = true
				continue
			}
			pathsOf(h.Source, "", func(path string) {
				if !fields[path] {
					odd[kind+" has no "+path] = true
				}
			})
		}
		for o := range odd {
			t.Errorf("%s: %s", version, o)
		}
	}
}

// pathsOf lists what stands in a document.
func pathsOf(v any, path string, f func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			pathsOf(e, strings.TrimPrefix(path+"."+k, "."), f)
		}
	case []any:
		for _, e := range v {
			pathsOf(e, path, f)
		}
	case nil:
	default:
		f(path)
	}
}

// TestRecordedSearchesAreAnsweredAsTheIndexerDid sends what was asked of a real
// indexer to the fake, and compares status, error and whether hits came sorted;
// how many they are depends on what either holds.
func TestRecordedSearchesAreAnsweredAsTheIndexerDid(t *testing.T) {
	t.Parallel()
	type exchange struct {
		N            int
		As, Why      string
		Method, Path string
		Request      json.RawMessage
		Status       int
		Body         json.RawMessage
	}
	type result struct {
		Status     int
		Type, Root string
		Aggs       int
	}
	resultOf := func(status int, body []byte) result {
		var a struct {
			Error struct {
				Type string
				Root []struct{ Type string } `json:"root_cause"`
			}
			Aggregations map[string]any
		}
		if err := json.Unmarshal(body, &a); err != nil {
			return result{Status: status}
		}
		r := result{Status: status, Type: a.Error.Type, Aggs: len(a.Aggregations)}
		if len(a.Error.Root) > 0 {
			r.Root = a.Error.Root[0].Type
		}
		return r
	}
	s := wazuhtest.New(t)
	s.SeedIncident()
	s.MapFields("data.aws.source_ip_address")
	for kind, name := range map[string]string{"users": "user", "services": "service", "browser-extensions": "package"} {
		s.AddState("wazuh-states-inventory-"+kind+"-x", kind, wazuhtest.Object{"agent": wazuhtest.Object{"id": "001"}, name: wazuhtest.Object{"name": "x"}})
	}
	held := 0
	for _, x := range recording[exchange](t, "opensearch-2.19.4-wazuh.ndjson.gz") {
		path := strings.ReplaceAll(x.Path, "wazuh-alerts-4.x-2026.11.30/", "wazuh-alerts-*/")
		text := string(x.Request)
		switch {
		case !strings.HasSuffix(x.Path, "/_search") || x.Method != http.MethodPost:
			continue
		case strings.Contains(text, "multi_match") || strings.Contains(text, "query_string") || strings.Contains(text, "now-1d/d") || strings.Contains(text, "top_hits") || strings.Contains(text, "cardinality") || strings.Contains(text, "composite") || strings.Contains(x.Path, "2026.11.28"):
			continue // which the client never asks
		}
		status, _, body := ask(t, x.Method, s.IndexerURL+path, wazuhtest.IndexerUser, wazuhtest.IndexerPassword, "", text)
		held++
		if diff := cmp.Diff(resultOf(x.Status, x.Body), resultOf(status, []byte(body))); diff != "" {
			t.Errorf("%d, %s: %s %.300s (-indexer +fake):\n%s", x.N, x.Why, path, text, diff)
		}
	}
	if held < 60 {
		t.Errorf("only %d searches were compared", held)
	}
	t.Logf("%d searches", held)
}
