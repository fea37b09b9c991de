package wazuh_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// templates are the parts of Wazuh's index templates that searches depend on: a
// text is a keyword unless it is said here to be something else.
var templates = map[string]struct {
	indices    []string
	properties string
}{
	"alerts": {[]string{"wazuh-alerts-*", "wazuh-findings-*"}, `
		"timestamp":{"type":"date","format":"date_optional_time||epoch_millis"},"@timestamp":{"type":"date"},
		"full_log":{"type":"text"},"previous_log":{"type":"text"},"message":{"type":"text"},"type":{"type":"text"},"@version":{"type":"text"},
		"rule":{"properties":{"level":{"type":"long"},"firedtimes":{"type":"long"},"frequency":{"type":"long"},"mail":{"type":"boolean"}}},
		"GeoLocation":{"properties":{"location":{"type":"geo_point"}}}`},
	"states": {[]string{"wazuh-states-*"}, `
		"agent":{"properties":{"host":{"properties":{"ip":{"type":"ip"}}}}},
		"source":{"properties":{"ip":{"type":"ip"},"port":{"type":"long"}}},"destination":{"properties":{"ip":{"type":"ip"},"port":{"type":"long"}}},
		"network":{"properties":{"ip":{"type":"ip"},"gateway":{"type":"ip"},"netmask":{"type":"ip"},"broadcast":{"type":"ip"}}},
		"process":{"properties":{"pid":{"type":"long"},"start":{"type":"date"},"parent":{"properties":{"pid":{"type":"long"}}}}},
		"package":{"properties":{"size":{"type":"long"},"installed":{"type":"date"}}},
		"file":{"properties":{"mtime":{"type":"date"},"size":{"type":"long"}}},"registry":{"properties":{"mtime":{"type":"date"},"size":{"type":"long"}}},
		"vulnerability":{"properties":{"detected_at":{"type":"date"},"published_at":{"type":"date"},"under_evaluation":{"type":"boolean"},"score":{"properties":{"base":{"type":"float"}}}}}`},
}

const template = `{"index_patterns":[%s],"priority":1000,"template":{"settings":{"number_of_shards":3,"number_of_replicas":0,"refresh_interval":"5s"},
	"mappings":{"date_detection":false,"dynamic_templates":[{"texts":{"match_mapping_type":"string","mapping":{"type":"keyword"}}}],"properties":{%s}}}}`

// An engine is an OpenSearch that is not the fake.
type engine struct {
	base           *url.URL
	user, password string
	http           http.Client
}

// realEngine returns the OpenSearch that the environment names, or skips.
func realEngine(tb testing.TB) *engine {
	tb.Helper()
	target := os.Getenv("SALLYPORT_TEST_OPENSEARCH")
	if target == "" {
		tb.Skip("SALLYPORT_TEST_OPENSEARCH is not set: https://user:password@host:9200 of an OpenSearch that may be written to")
	}
	u, err := url.Parse(target)
	if err != nil {
		tb.Fatal(err)
	}
	e := &engine{base: u, user: "admin", password: "admin"}
	if u.User != nil {
		e.user = u.User.Username()
		e.password, _ = u.User.Password()
		u.User = nil
	}
	e.http = http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // a test instance signs for itself
	return e
}

func (e *engine) do(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(e.base.String(), "/")+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.SetBasicAuth(e.user, e.password)
	r.Header.Set("Content-Type", "application/json")
	res, err := e.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}

// send is do for what must succeed.
func (e *engine) send(tb testing.TB, method, path string, body []byte) []byte {
	tb.Helper()
	status, b, err := e.do(context.WithoutCancel(tb.Context()), method, path, body)
	if err != nil || status >= 300 {
		tb.Fatalf("%s %s: HTTP %d %.600s, %v", method, path, status, b, err)
	}
	return b
}

// A twin is a fake and, with the same documents, an OpenSearch. In the latter
// all names of indices begin with a prefix of the test's own, so that nothing
// else that it holds is read or written.
type twin struct {
	fake     *wazuhtest.Server
	engine   *engine
	prefix   string
	url      string // where the engine is reached without the prefix
	of, real *wazuh.Client
	kept     atomic.Int32 // states that the engine was asked to keep and not yet to let go of
}

// newTwin loads what s holds into the engine, and clears it away in the end.
func newTwin(tb testing.TB, s *wazuhtest.Server) *twin {
	tb.Helper()
	t := &twin{fake: s, engine: realEngine(tb), prefix: fmt.Sprintf("sallyport-test-%d-", time.Now().UnixNano())}
	for name, of := range templates {
		patterns := make([]string, len(of.indices))
		for i, p := range of.indices {
			patterns[i] = fmt.Sprintf("%q", t.prefix+p)
		}
		t.engine.send(tb, http.MethodPut, "/_index_template/"+t.prefix+name, fmt.Appendf(nil, template, strings.Join(patterns, ","), of.properties))
	}
	tb.Cleanup(func() { t.clear(tb) })
	t.load(tb)
	proxy := httptest.NewServer(http.HandlerFunc(t.forward))
	tb.Cleanup(proxy.Close)
	t.url, t.of = proxy.URL, s.Client()
	t.real = s.Client(func(c *wazuh.Config) { c.Indexer.BaseURL, c.Timeout = proxy.URL, time.Minute })
	return t
}

func (t *twin) clear(tb testing.TB) {
	tb.Helper()
	var list []struct {
		Index string `json:"index"`
	}
	if err := json.Unmarshal(t.engine.send(tb, http.MethodGet, "/_cat/indices/"+t.prefix+"*?format=json", nil), &list); err != nil {
		tb.Error(err)
	}
	for _, i := range list {
		t.engine.send(tb, http.MethodDelete, "/"+i.Index, nil)
	}
	for name := range templates {
		t.engine.send(tb, http.MethodDelete, "/_index_template/"+t.prefix+name, nil)
	}
}

// forward passes a request on to the engine, with the prefix, and its answer
// back without.
func (t *twin) forward(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	path := r.URL.RequestURI()
	if strings.HasPrefix(path, "/wazuh-") {
		path = "/" + t.prefix + path[1:]
	}
	status, b, err := t.engine.do(r.Context(), r.Method, path, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if strings.Contains(path, "/point_in_time") && status == http.StatusOK {
		t.kept.Add(map[string]int32{http.MethodPost: 1, http.MethodDelete: -1}[r.Method])
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(bytes.ReplaceAll(b, []byte(t.prefix), nil)) //nolint:errcheck // the client has gone
}

// ask sends a request to the fake or, without its credentials, to where at is.
func ask(tb testing.TB, at, method, path, body string) (int, []byte) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, at+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	r.SetBasicAuth(wazuhtest.IndexerUser, wazuhtest.IndexerPassword)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, []byte("no answer") // the fake has panicked
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, b
}

// load copies each document of the fake into the engine. No more than a page of
// them may have the same time or none.
func (t *twin) load(tb testing.TB) {
	tb.Helper()
	for _, pattern := range []string{"wazuh-alerts-*", "wazuh-findings-*", "wazuh-states-*"} {
		after, size := "", 10_000
		for done := false; !done; {
			_, b := ask(tb, t.fake.IndexerURL, http.MethodPost, "/"+pattern+"/_search", fmt.Sprintf(`{"size":%d,"sort":[{"@timestamp":{"order":"asc","unmapped_type":"date"}}]%s}`, size, after))
			var found struct {
				Hits struct {
					Hits []struct {
						Index  string          `json:"_index"`
						ID     string          `json:"_id"`
						Source json.RawMessage `json:"_source"`
						Sort   json.RawMessage `json:"sort"`
					} `json:"hits"`
				} `json:"hits"`
			}
			if err := json.Unmarshal(b, &found); err != nil {
				tb.Fatal(err)
			}
			hits := found.Hits.Hits
			var bulk bytes.Buffer
			for _, h := range hits {
				fmt.Fprintf(&bulk, "{\"index\":{\"_index\":%q,\"_id\":%q}}\n%s\n", t.prefix+h.Index, h.ID, h.Source)
				after = `,"search_after":` + string(h.Sort)
			}
			if done = len(hits) < size; len(hits) > 0 {
				t.bulk(tb, bulk.Bytes())
			}
		}
	}
	t.engine.send(tb, http.MethodPost, "/"+t.prefix+"*/_refresh", nil)
}

func (t *twin) bulk(tb testing.TB, body []byte) {
	tb.Helper()
	var out struct {
		Items []map[string]struct {
			Error json.RawMessage `json:"error"`
		} `json:"items"`
	}
	if err := json.Unmarshal(t.engine.send(tb, http.MethodPost, "/_bulk", body), &out); err != nil {
		tb.Fatal(err)
	}
	for _, i := range out.Items {
		if e := i["index"].Error; e != nil {
			tb.Errorf("a document is refused: %s", e)
		}
	}
}

// question is a call of a client.
type question struct {
	name string
	ask  func(context.Context, *wazuh.Client) (any, error)
}

func call[In, Out any](f func(*wazuh.Client, context.Context, In) (Out, error), in In) question {
	b, _ := json.Marshal(in)
	return question{fmt.Sprintf("%T %s", in, b), func(ctx context.Context, c *wazuh.Client) (any, error) { return f(c, ctx, in) }}
}

var (
	// Cursors differ in how numbers are written, which is the indexer's own business.
	cursors = regexp.MustCompile(`"next_cursor": "[^"]+"`)
	// Times that are relative to now, which passes between two calls.
	spans = regexp.MustCompile(`"(from|until)": "[^"]+",?\n`)
	// The engine's version is its own, and only Wazuh's has another said.
	versions = regexp.MustCompile(`opensearch [0-9.]+|it says that its version is 7\.10\.2, which Wazuh has it say whatever it is`)
)

func answer(v any, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	text := cursors.ReplaceAllString(indented(b), `"next_cursor": "…"`)
	return versions.ReplaceAllString(spans.ReplaceAllString(text, ""), "opensearch")
}

// indented is JSON with its members in the order of their names.
func indented(b []byte) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return string(b)
	}
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// agree demands the same answers from both.
func (t *twin) agree(tt *testing.T, questions []question) {
	tt.Helper()
	for _, q := range questions {
		want := strings.ReplaceAll(answer(q.ask(tt.Context(), t.of)), t.fake.IndexerURL, t.url)
		got := answer(q.ask(tt.Context(), t.real))
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
			tt.Errorf("%s\n(-fake +engine):\n%s", q.name, diff)
		}
	}
}

// oddities adds alerts that hold what searches trip over.
func oddities(s *wazuhtest.Server) {
	at := time.Date(2025, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for i, o := range []wazuhtest.Object{
		{"data": wazuhtest.Object{"win": wazuhtest.Object{"eventdata": wazuhtest.Object{"commandLine": `"C:\Program Files\x y\z.exe" /c "echo a=b & whoami" | findstr /i "what?*"`, "targetUserName": `CORP\Administrator`, "ipAddress": "::ffff:198.51.100.9"}}}},
		{"location": `C:\logs\app*.log?`, "full_log": `user="O'Brien" key=value path=C:\Temp\a b.txt can't mail=j.doe@example.org 10.0.0.1:8080 fe80::1 1,234.5 7;8 foo.bar x:y a_b e-mail`},
		{"data": wazuhtest.Object{"srcuser": "Jürgen", "srcip": "2001:DB8::1"}, "full_log": "Zugriff für JÜRGEN verweigert 日本語 ログイン straße"},
		{"data": wazuhtest.Object{"srcip": "10.1.2.3", "url": `/a?b=c&d=%22x%22;e='f'|g<h>`}, "full_log": "GET " + `/a?b=c&d=%22x%22;e='f'|g<h>`},
		{"data": wazuhtest.Object{"srcip": []string{"10.1.2.3", "10.1.2.4"}, "command": strings.Repeat("long ", 2000) + "end"}, "full_log": strings.Repeat("x", 300) + " tail"},
		{"rule": wazuhtest.Object{"level": 3, "id": "5710", "description": "", "groups": []string{}}, "full_log": ""},
		{"data": wazuhtest.Object{"srcuser": "o\"quote", "dstuser": "tab\there", "file": "/tmp/new\nline"}},
	} {
		if o["rule"] == nil {
			o["rule"] = wazuhtest.Object{"level": 4 + i, "id": fmt.Sprint(100_000 + i), "description": fmt.Sprintf("Oddity %d (100%%)", i), "groups": []string{"odd", "Odd"}}
		}
		o["agent"] = wazuhtest.Object{"id": "001", "name": "web-01"}
		s.AddAlert(at.Add(time.Duration(i/2)*time.Millisecond), fmt.Sprintf("odd%d", i), o)
	}
	// The same own id at two managers, and one without a time.
	for i, m := range []string{"m-b", "m-a"} {
		s.AddAlert(at, fmt.Sprintf("same%d", i), wazuhtest.Object{"id": "1735787045.1", "manager": wazuhtest.Object{"name": m}, "rule": wazuhtest.Object{"level": 3, "id": "7", "description": "same"}, "agent": wazuhtest.Object{"id": "001", "name": "web-01"}})
	}
	s.AddState("wazuh-alerts-4.x-2025.01.03", "timeless", wazuhtest.Object{"id": "1.1", "rule": wazuhtest.Object{"level": 5, "id": "8", "description": "timeless"}, "manager": wazuhtest.Object{"name": "m-a"}, "agent": wazuhtest.Object{"id": "002", "name": "db-01"}})
}

// TestRealIndexer holds the answers of an OpenSearch against those of the fake,
// tool by tool, with the same documents in both. It needs SALLYPORT_TEST_OPENSEARCH,
// the URL of an OpenSearch 2 or 3, with user and password in it unless they are
// admin and admin or none are asked for. The user must be allowed to make, fill,
// search and delete indices and index templates; the names of all of them begin
// with sallyport-test-, and none is left behind. Plugins aren't needed.
func TestRealIndexer(t *testing.T) {
	realEngine(t)
	t.Run("alerts", func(t *testing.T) {
		s := seeded(t)
		oddities(s)
		tw := newTwin(t, s)
		tw.agree(t, alertQuestions())
		tw.pages(t)
		tw.refusals(t)
	})
	t.Run("the live script", func(t *testing.T) {
		s := seeded(t)
		liveOf(t, s, newTwin(t, s).url)
	})
	t.Run("states", func(t *testing.T) {
		newTwin(t, wazuhtest.New(t)).agree(t, stateQuestions())
	})
	t.Run("Wazuh 5", func(t *testing.T) {
		s := seeded(t)
		s.SetVersion("5.0.0")
		newTwin(t, s).agree(t, fiveQuestions())
	})
	t.Run("many", func(t *testing.T) {
		n := 30_000
		if testing.Short() {
			n = 11_000
		}
		s := wazuhtest.New(t)
		s.Generate(n, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
		newTwin(t, s).many(t, n)
	})
}

func alertQuestions() []question {
	var list []question
	for _, in := range []wazuh.GetAlertsInput{
		{}, {Limit: 100}, {Sort: "+timestamp", Limit: 100}, {Limit: 7, Offset: 30}, {Offset: 9_995, Limit: 5}, {Offset: 9_995, Limit: 6}, {Offset: 500}, {Limit: 3, IncludeFullLog: true},
		{AlertFilter: wazuh.AlertFilter{Level: 10}}, {AlertFilter: wazuh.AlertFilter{MaxLevel: 3}}, {AlertFilter: wazuh.AlertFilter{Level: 5, MaxLevel: 7}}, {AlertFilter: wazuh.AlertFilter{AgentID: "7"}}, {AlertFilter: wazuh.AlertFilter{AgentName: "FLEET-007"}}, {AlertFilter: wazuh.AlertFilter{RuleID: "05710"}}, {AlertFilter: wazuh.AlertFilter{RuleGroup: "Authentication_Failed"}}, {AlertFilter: wazuh.AlertFilter{RuleGroup: "odd"}},
		{AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"T1110"}}}, {AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"t1110.001", "T1078"}}}, {AlertFilter: wazuh.AlertFilter{MITRETactic: "credential access"}}, {AlertFilter: wazuh.AlertFilter{Decoder: "SSHD"}},
		{AlertFilter: wazuh.AlertFilter{SourceIP: "198.51.100.23"}}, {AlertFilter: wazuh.AlertFilter{SourceIP: "198.51.100.9"}}, {AlertFilter: wazuh.AlertFilter{SourceIP: "2001:db8::1"}}, {AlertFilter: wazuh.AlertFilter{SourceIP: "10.1.2.4"}}, {AlertFilter: wazuh.AlertFilter{DestinationIP: "10.20.0.254"}}, {AlertFilter: wazuh.AlertFilter{SourceIP: "10.0.0.0/8"}},
		{AlertFilter: wazuh.AlertFilter{User: "svc-backup"}}, {AlertFilter: wazuh.AlertFilter{User: `corp\administrator`}}, {AlertFilter: wazuh.AlertFilter{User: "Jürgen"}}, {AlertFilter: wazuh.AlertFilter{User: "JÜRGEN"}}, {AlertFilter: wazuh.AlertFilter{User: `o"QUOTE`}}, {AlertFilter: wazuh.AlertFilter{FileHash: "92EB5FFEE6AE2FEC3AD71C777531578F"}},
		{AlertFilter: wazuh.AlertFilter{Location: "/var/log/*"}}, {AlertFilter: wazuh.AlertFilter{Location: "/VAR/LOG/AUTH.LOG"}}, {AlertFilter: wazuh.AlertFilter{Location: `c:\logs\app*.log?`}}, {AlertFilter: wazuh.AlertFilter{Location: `C:\logs\*`}}, {AlertFilter: wazuh.AlertFilter{Location: "auth.log"}},
		{AlertFilter: wazuh.AlertFilter{StartTime: "1h"}}, {AlertFilter: wazuh.AlertFilter{StartTime: "24h"}}, {AlertFilter: wazuh.AlertFilter{StartTime: "now-7d", EndTime: "now"}}, {AlertFilter: wazuh.AlertFilter{EndTime: "2025-01-02T03:04:05.678Z"}}, {AlertFilter: wazuh.AlertFilter{StartTime: "2025-01-02T03:04:05.679Z", EndTime: "2025-01-02T03:04:05.680Z"}},
		{AlertFilter: wazuh.AlertFilter{StartTime: "2025-01-02", EndTime: "2025-01-03"}}, {AlertFilter: wazuh.AlertFilter{StartTime: "2025-01-02T04:04:05.678+01:00", EndTime: "2025-01-02T04:04:05.678+01:00"}}, {AlertFilter: wazuh.AlertFilter{EndTime: "2020-01-01"}},
	} {
		list = append(list, call((*wazuh.Client).GetAlerts, in))
	}
	for _, q := range []string{
		"accepted password", `C:\Windows\System32`, "force brute", "POWERSHELL encoded", "/cgi-bin/test?id=1", `"invalid user"`, `"user invalid"`, "inv*user", "*", `C:\Temp\a`, `"C:\Temp\a b.txt"`,
		`"program files\x y"`, "a=b", "key=value", "value", "what?*", `what\?`, `"echo a=b & whoami"`, "|", "O'Brien", "brien", "can't", "j.doe@example.org", "10.0.0.1:8080", "fe80::1", "1,234.5", "7;8", "foo.bar", "e-mail",
		"jürgen", "JÜRGEN", "straße", "日本", "ログイン", "/a?b=c", "%22x%22", "e='f'", "<h>", strings.Repeat("x", 64), "(100%)", "WEB", "10.1.2.*", "10.1.2.0/24", "T1110", "198.51.100", "2001:db8", `o"quote`, "newline", `\`, "?", ".", "a OR b", "{}", "~", "win*ps*",
	} {
		list = append(list, call((*wazuh.Client).SearchAlerts, wazuh.SearchAlertsInput{Query: q}))
	}
	for _, id := range []string{wazuhtest.AlertFailThenWin, "1735787045.1", "1.1", "timeless", "odd0", "odd4", "nope", "same0", "a b"} {
		list = append(list, call((*wazuh.Client).GetAlert, wazuh.GetAlertInput{AlertID: id, IncludeFullLog: true, IncludeRawData: true}))
	}
	for _, in := range []wazuh.GetAlertStatsInput{
		{}, {Interval: "1h"}, {Interval: "1d", AlertFilter: wazuh.AlertFilter{StartTime: "2024-12-30", EndTime: "2025-01-05"}}, {Top: 2}, {AlertFilter: wazuh.AlertFilter{Search: "nothing like it"}},
		{GroupBy: []wazuh.AlertKey{"level", "rule", "rule_group", "agent", "technique", "tactic"}, Top: 100, AlertFilter: wazuh.AlertFilter{StartTime: "2020-01-01"}},
		{GroupBy: []wazuh.AlertKey{"source_ip", "destination_ip", "user", "decoder", "location"}, Top: 100, AlertFilter: wazuh.AlertFilter{StartTime: "2020-01-01"}},
		{Interval: "7m", AlertFilter: wazuh.AlertFilter{StartTime: "1d", AgentID: "7"}}, {Interval: "1h", AlertFilter: wazuh.AlertFilter{StartTime: "24h", Search: "nothing like it"}},
	} {
		list = append(list, call((*wazuh.Client).GetAlertStats, in))
	}
	for _, in := range []wazuh.GetAlertContextInput{{AlertID: wazuhtest.AlertLoginSuccess}, {AlertID: wazuhtest.AlertBruteForce, Limit: 3, Minutes: 5, Level: 5}, {AlertID: "odd0"}, {AlertID: "odd2", Minutes: 1440}, {AlertID: "timeless"}, {AlertID: "odd6"}} {
		list = append(list, call((*wazuh.Client).GetAlertContext, in))
	}
	return list
}

// stateQuestions ask for vulnerabilities and the inventory of the fleet.
func stateQuestions() []question {
	list := []question{{"diagnosis", func(ctx context.Context, c *wazuh.Client) (any, error) {
		d, err := c.DiagnoseConnection(ctx, wazuh.DiagnoseConnectionInput{})
		if err != nil {
			return nil, err
		}
		return d.Checks, nil
	}}}
	for _, in := range []wazuh.ListVulnerabilitiesInput{
		{}, {Limit: 2}, {Limit: 2, Offset: 3}, {CVEID: "cve-2024-3094"}, {AgentID: "7", IncludeDescription: true}, {Severity: "High"}, {Severity: "None"}, {PackageName: "OPENSSH*"}, {PackageName: "ssh"}, {Offset: 10_000},
	} {
		list = append(list, call((*wazuh.Client).ListVulnerabilities, in))
	}
	for _, in := range []wazuh.SearchVulnerabilitiesInput{{}, {Query: "back door"}, {Query: `"signal handler"`}, {Query: "fleet-007"}, {Query: "CVE-2024"}, {Query: "1:8.9p1"}, {Query: "openssh", AgentID: "1", Severity: "High"}} {
		list = append(list, call((*wazuh.Client).SearchVulnerabilities, in))
	}
	for _, kind := range wazuh.InventoryKind("").Enum() {
		k := wazuh.InventoryKind(fmt.Sprint(kind))
		for _, in := range []wazuh.SearchInventoryInput{{Kind: k}, {Kind: k, Limit: 3, Offset: 2}, {Kind: k, Search: "ssh"}, {Kind: k, AgentID: "7", Limit: 100}} {
			list = append(list, call((*wazuh.Client).SearchInventory, in))
		}
	}
	for _, in := range []wazuh.SearchInventoryInput{
		{Kind: "ports", Port: 22}, {Kind: "ports", Search: "203.0.113.77"}, {Kind: "ports", Search: "sshd 22"}, {Kind: "ports", Search: "10.20.*"}, {Kind: "ports", Search: "10.20"}, {Kind: "ports", Search: "10.20.0.2 wazuh"}, {Kind: "ports", Search: "::"},
		{Kind: "networks", Search: "10.20.0.0/16"}, {Kind: "networks", Search: "eth0"}, {Kind: "networks", Search: "10.20.0.7"}, {Kind: "networks", Search: "FE80::42:AFF:FE14:7"}, {Kind: "networks", Search: "fe80"},
		{Kind: "packages", Search: "xz"}, {Kind: "processes", Search: "kworkerd 203.0.113.77"}, {Kind: "hotfixes", Search: "kb50*64"},
	} {
		list = append(list, call((*wazuh.Client).SearchInventory, in))
	}
	return list
}

// fiveQuestions are for what Wazuh 5 keeps in the indexer alone.
func fiveQuestions() []question {
	list := []question{
		call((*wazuh.Client).GetAlerts, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: 12}}), call((*wazuh.Client).GetAlerts, wazuh.GetAlertsInput{Limit: 100, AlertFilter: wazuh.AlertFilter{Search: "sshd"}}), call((*wazuh.Client).GetAlert, wazuh.GetAlertInput{AlertID: wazuhtest.AlertFailThenWin}),
		call((*wazuh.Client).GetAlertStats, wazuh.GetAlertStatsInput{Interval: "1h"}), call((*wazuh.Client).GetAlertContext, wazuh.GetAlertContextInput{AlertID: wazuhtest.AlertLoginSuccess}),
	}
	for _, id := range []wazuh.AgentID{"7", "3", "1"} {
		list = append(list,
			call((*wazuh.Client).GetAgentProcesses, wazuh.GetAgentProcessesInput{AgentID: id, IncludeCommand: true}), call((*wazuh.Client).GetAgentProcesses, wazuh.GetAgentProcessesInput{AgentID: id, Search: "KWORKERD"}),
			call((*wazuh.Client).GetAgentPorts, wazuh.GetAgentPortsInput{AgentID: id}), call((*wazuh.Client).GetAgentPorts, wazuh.GetAgentPortsInput{AgentID: id, Limit: 2, Offset: 1}),
			call((*wazuh.Client).GetAgentNetwork, wazuh.GetAgentNetworkInput{AgentID: id, IncludeIP: true}), call((*wazuh.Client).GetAgentPackages, wazuh.GetAgentPackagesInput{AgentID: id}), call((*wazuh.Client).GetAgentPackages, wazuh.GetAgentPackagesInput{AgentID: id, Search: "7-zip (x64)"}),
			call((*wazuh.Client).GetAgentHotfixes, wazuh.GetAgentHotfixesInput{AgentID: id}), call((*wazuh.Client).GetAgentOS, wazuh.GetAgentOSInput{AgentID: id}), call((*wazuh.Client).GetAgentStats, wazuh.GetAgentStatsInput{AgentID: id}),
			call((*wazuh.Client).GetSCAPolicies, wazuh.GetSCAPoliciesInput{AgentID: id}), call((*wazuh.Client).GetSCAChecks, wazuh.GetSCAChecksInput{AgentID: id, PolicyID: wazuhtest.PolicyID}), call((*wazuh.Client).GetSCAChecks, wazuh.GetSCAChecksInput{AgentID: id, PolicyID: wazuhtest.PolicyID, Result: "not applicable", Search: "apparmor"}),
		)
		for _, in := range []wazuh.GetFIMFilesInput{{IncludeHashes: true}, {Sort: "-mtime"}, {Sort: "+mtime"}, {Search: "SSHD"}, {Search: `C:\Windows`}, {Hash: strings.Repeat("B", 32)}, {Hash: strings.Repeat("e", 64), Type: "registry_value"}, {Type: "registry_key"}, {Type: "registry_value", Search: "updater"}} {
			in.AgentID = id
			list = append(list, call((*wazuh.Client).GetFIMFiles, in))
		}
	}
	return list
}

// pages demands that cursors and walks lead both over the same alerts.
func (t *twin) pages(tt *testing.T) {
	tt.Helper()
	for _, in := range []wazuh.GetAlertsInput{{Limit: 7}, {Limit: 7, Sort: "+timestamp"}, {Limit: 1, AlertFilter: wazuh.AlertFilter{EndTime: "2025-01-02T03:04:05.678Z"}}, {Limit: 3, AlertFilter: wazuh.AlertFilter{RuleID: "5710"}}} {
		var paged, walked [2][]string
		for i, c := range []*wazuh.Client{t.of, t.real} {
			in := in
			for more := true; more; {
				p, err := c.GetAlerts(tt.Context(), in)
				if err != nil {
					tt.Fatalf("%+v: %v", in, err)
				}
				for _, a := range p.Alerts {
					paged[i] = append(paged[i], a.ID)
				}
				in.Cursor, more = p.NextCursor, p.More
			}
			in.Cursor = ""
			for a, err := range c.Alerts(tt.Context(), in) {
				if err != nil {
					tt.Fatal(err)
				}
				walked[i] = append(walked[i], a.ID)
			}
		}
		if diff := cmp.Diff(paged[0], paged[1]); diff != "" {
			tt.Errorf("pages %+v (-fake +engine):\n%s", in, diff)
		}
		if diff := cmp.Diff(walked[0], walked[1]); diff != "" {
			tt.Errorf("walk %+v (-fake +engine):\n%s", in, diff)
		}
	}
	if n := t.kept.Load(); n != 0 {
		tt.Errorf("the walks haven't let go of %d states", n)
	}
}

// many goes beyond the first 10,000 of n generated alerts.
func (t *twin) many(tt *testing.T, n int) {
	tt.Helper()
	t.agree(tt, []question{
		call((*wazuh.Client).GetAlerts, wazuh.GetAlertsInput{}), call((*wazuh.Client).GetAlerts, wazuh.GetAlertsInput{Offset: 9_990, AlertFilter: wazuh.AlertFilter{User: "USER123"}}), call((*wazuh.Client).GetAlerts, wazuh.GetAlertsInput{Offset: 9_990, Sort: "+timestamp"}),
		call((*wazuh.Client).GetAlerts, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: "203.0.113.7"}, Limit: 20}), call((*wazuh.Client).SearchAlerts, wazuh.SearchAlertsInput{Query: "user99", Limit: 30}), call((*wazuh.Client).GetAlert, wazuh.GetAlertInput{AlertID: "generated000010500"}),
		call((*wazuh.Client).GetAlertStats, wazuh.GetAlertStatsInput{Interval: "1h", Top: 100, GroupBy: []wazuh.AlertKey{"level", "rule", "agent"}, AlertFilter: wazuh.AlertFilter{StartTime: "2025-01-01"}}),
		call((*wazuh.Client).GetAlertContext, wazuh.GetAlertContextInput{AlertID: "generated000010500", Minutes: 10080}),
	})
	// Behind the window there is the cursor.
	in := wazuh.GetAlertsInput{Offset: 9_900, Limit: 100, Sort: "+timestamp"}
	for page := range 4 {
		p, err := t.real.GetAlerts(tt.Context(), in)
		if err != nil || len(p.Alerts) != 100 || p.Total != n || p.Alerts[0].ID != fmt.Sprintf("generated%09d", 9_900+100*page) {
			tt.Fatalf("page %d: %+v, %v", page, p, err)
		}
		in.Offset, in.Cursor = 0, p.NextCursor
	}
	peak := t.walk(tt, n)
	tt.Logf("%d alerts walked, %d MiB of heap", n, peak>>20)
}

// walk goes over all n alerts of the engine and returns the highest live heap on the way.
func (t *twin) walk(tb testing.TB, n int) uint64 {
	tb.Helper()
	seen, peak := 0, uint64(0)
	for a, err := range t.real.Alerts(tb.Context(), wazuh.GetAlertsInput{Limit: 2000, Sort: "+timestamp"}) {
		if err != nil {
			tb.Fatal(err)
		}
		if want := fmt.Sprintf("generated%09d", seen); a.ID != want {
			tb.Fatalf("alert %s, want %s", a.ID, want)
		}
		if seen++; seen%(n/10) == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
	if seen != n {
		tb.Fatalf("%d alerts, want %d", seen, n)
	}
	return peak
}

// BenchmarkRealIndexer walks a million alerts of the engine that [TestRealIndexer] needs.
func BenchmarkRealIndexer(b *testing.B) {
	const n = 1_000_000
	realEngine(b)
	s := wazuhtest.New(b)
	s.Generate(n, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
	t := newTwin(b, s)
	for b.Loop() {
		b.ReportMetric(float64(t.walk(b, n))/(1<<20), "MiB-heap")
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
}

// refusals demands of the fake the engine's status and types of errors; their
// texts are the engine's own.
func (t *twin) refusals(tt *testing.T) {
	tt.Helper()
	const alerts, ports = "/wazuh-alerts-*/_search", "/wazuh-states-inventory-ports*/_search"
	closed := map[string]string{}
	for _, at := range []string{t.fake.IndexerURL, t.url} {
		_, b := ask(tt, at, http.MethodPost, alerts+"/point_in_time?keep_alive=1m", "")
		var p struct {
			ID string `json:"pit_id"`
		}
		if err := json.Unmarshal(b, &p); err != nil || p.ID == "" {
			tt.Fatalf("%s", b)
		}
		if status, b := ask(tt, at, http.MethodDelete, "/_search/point_in_time", `{"pit_id":["`+p.ID+`"]}`); status != http.StatusOK {
			tt.Fatalf("%s", b)
		}
		closed[at] = p.ID
	}
	for _, p := range []struct{ method, path, body string }{
		{http.MethodPost, "/wazuh-alerts-4.x-1999.01.01/_search", `{}`}, {http.MethodPost, alerts, `{"from":9995,"size":10}`}, {http.MethodPost, alerts, `{"size":10001}`}, {http.MethodPost, alerts, `{"size":-1}`},
		{http.MethodPost, alerts, `{"sort":["full_log"]}`}, {http.MethodPost, alerts, `{"sort":["nosuch"]}`}, {http.MethodPost, alerts, `{"aggs":{"x":{"terms":{"field":"full_log"}}}}`},
		{http.MethodPost, alerts, `{"sort":["id"],"search_after":["1",2]}`}, {http.MethodPost, alerts, `{"query":{"range":{"@timestamp":{"gte":"junk"}}}}`}, {http.MethodPost, alerts, `{"query":{"colour":{}}}`},
		{http.MethodPost, alerts, `{"query":{"wildcard":{"rule.level":{"value":"*1*"}}}}`}, {http.MethodPost, ports, `{"query":{"wildcard":{"source.ip":{"value":"*ssh*"}}}}`},
		{http.MethodPost, ports, `{"query":{"term":{"source.ip":{"value":"ssh"}}}}`}, {http.MethodPost, ports, `{"query":{"term":{"source.port":{"value":"22","case_insensitive":true}}}}`},
		{http.MethodPost, "/_search", `{"pit":{"id":"PIT"}}`}, {http.MethodPost, alerts + "/point_in_time", ""}, {http.MethodDelete, "/_search/point_in_time", `{"pit_id":[]}`},
	} {
		var said [2]string
		for i, at := range []string{t.fake.IndexerURL, t.url} {
			status, b := ask(tt, at, p.method, p.path, strings.ReplaceAll(p.body, "PIT", closed[at]))
			var f struct {
				Error struct {
					Type string `json:"type"`
					Root []struct {
						Type string `json:"type"`
					} `json:"root_cause"`
				} `json:"error"`
			}
			if err := json.Unmarshal(b, &f); err != nil || len(f.Error.Root) == 0 {
				tt.Errorf("%s %s %s: no root cause in HTTP %d %.300s", p.method, p.path, p.body, status, b)
				continue
			}
			said[i] = fmt.Sprintf("%d %s: %s", status, f.Error.Type, f.Error.Root[0].Type)
		}
		if said[0] != said[1] {
			tt.Errorf("%s %s %s\n- fake   %s\n+ engine %s", p.method, p.path, p.body, said[0], said[1])
		}
	}
}
