package wazuh_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// A crowd is an engine with the vendor's template and many alerts as real ones
// are shaped.
type crowd struct {
	*twin
	api    *wazuhtest.Server
	alerts []wazuhtest.Object // those that the others were made of
	n      int
}

// crowded loads SALLYPORT_TEST_ALERTS alerts, 200,000 unless given. With
// SALLYPORT_TEST_KEEP they stay, and are there the next time.
func crowded(t *testing.T) *crowd {
	t.Helper()
	n, _ := strconv.Atoi(cmp.Or(os.Getenv("SALLYPORT_TEST_ALERTS"), "200000"))
	c := &crowd{twin: &twin{engine: realEngine(t), prefix: fmt.Sprintf("sallyport-test-crowd%d-", n)}, api: wazuhtest.New(t), alerts: sampleAlerts(t), n: n}
	proxy := httptest.NewServer(http.HandlerFunc(c.forward))
	t.Cleanup(proxy.Close)
	c.url = proxy.URL
	c.real = c.api.Client(func(cfg *wazuh.Config) { cfg.Indexer.BaseURL, cfg.Indexer.Timeout = proxy.URL, 5*time.Minute })
	if os.Getenv("SALLYPORT_TEST_KEEP") != "" && c.count(t) >= n*99/100 {
		return c
	}
	clear := func() {
		c.engine.send(t, http.MethodDelete, "/"+c.prefix+"*", nil)
		c.engine.do(t.Context(), http.MethodDelete, "/_template/"+c.prefix+"alerts", nil) //nolint:errcheck // there is none at first
	}
	clear()
	if os.Getenv("SALLYPORT_TEST_KEEP") == "" {
		t.Cleanup(clear)
	}
	c.vendorTemplate(t)
	var bulk bytes.Buffer
	for i := range n {
		at, a := c.alert(i)
		fmt.Fprintf(&bulk, "{\"index\":{\"_index\":\"%swazuh-alerts-4.x-%s\",\"_id\":\"n%d\"}}\n%s\n", c.prefix, at.Format("2006.01.02"), i, must(json.Marshal(a)))
		if bulk.Len() > 8<<20 || i == n-1 {
			c.bulk(t, bulk.Bytes())
			bulk.Reset()
		}
	}
	c.engine.send(t, http.MethodPost, "/"+c.prefix+"*/_forcemerge?max_num_segments=3", nil)
	c.engine.send(t, http.MethodPost, "/"+c.prefix+"*/_refresh", nil)
	return c
}

func (c *crowd) count(t *testing.T) int {
	t.Helper()
	var a struct{ Count int }
	if err := json.Unmarshal(c.engine.send(t, http.MethodGet, "/"+c.prefix+"*/_count", nil), &a); err != nil {
		t.Fatal(err)
	}
	return a.Count
}

// vendorTemplate makes the indices what the vendor's template makes them.
func (c *twin) vendorTemplate(t *testing.T) {
	t.Helper()
	var mappings, settings json.RawMessage
	for _, x := range recordings(t, "opensearch-2.19.4-wazuh.ndjson.gz") {
		switch {
		case strings.HasPrefix(x.Path, "/wazuh-alerts-") && strings.HasSuffix(x.Path, "/_mapping"):
			for _, index := range x.body(t) {
				mappings = index.Mappings
			}
		case strings.HasPrefix(x.Path, "/_template/wazuh"):
			for _, template := range x.body(t) {
				settings = template.Settings
			}
		}
	}
	c.engine.send(t, http.MethodPut, "/_template/"+c.prefix+"alerts", fmt.Appendf(nil, `{"index_patterns":["%swazuh-alerts-*"],"settings":%s,"mappings":%s}`, c.prefix, settings, mappings))
}

type exchange struct {
	Path string
	Body json.RawMessage
}

func (x exchange) body(t *testing.T) map[string]struct{ Mappings, Settings json.RawMessage } {
	t.Helper()
	var body map[string]struct{ Mappings, Settings json.RawMessage }
	if err := json.Unmarshal(x.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func recordings(t *testing.T, name string) (list []exchange) {
	t.Helper()
	for _, line := range linesOf(t, "../../shared/vendor/recordings/"+name) {
		var x exchange
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

// alert is the i-th alert and its time: one of the samples, in which a third of
// the texts are different from alert to alert, so that there are as many values
// as a fleet has.
func (c *crowd) alert(i int) (time.Time, wazuhtest.Object) {
	r := rand.New(rand.NewPCG(1, uint64(i))) //nolint:gosec // the same each time
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).Add(8 * 24 * time.Hour / time.Duration(c.n) * time.Duration(i)).Truncate(time.Millisecond)
	a := varied(map[string]any(c.alerts[i%len(c.alerts)]), "", r).(map[string]any)
	a["id"], a["timestamp"], a["@timestamp"] = fmt.Sprintf("%d.%d", at.Unix(), i), at.Format("2006-01-02T15:04:05.000-0700"), at.Format("2006-01-02T15:04:05.000Z")
	return at, a
}

var isDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`)

func varied(v any, path string, r *rand.Rand) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = varied(v[k], strings.TrimPrefix(path+"."+k, "."), r)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = varied(e, path, r)
		}
		return out
	case string:
		if strings.HasPrefix(path, "rule.") || strings.HasPrefix(path, "decoder.") || r.IntN(3) > 0 {
			return v
		}
		digit := func(c rune) bool { return c >= '0' && c <= '9' }
		if i := strings.LastIndexFunc(v, digit); i >= 0 && !strings.ContainsAny(v, ":/ ") && !isDate.MatchString(v) { // numbers, addresses, hashes
			return v[:i] + strconv.Itoa(r.IntN(10)) + v[i+1:]
		}
		if path == "full_log" || strings.HasPrefix(path, "data.win.") && len(v) > 12 {
			return v + " " + strconv.Itoa(r.IntN(5000))
		}
	}
	return v
}

// direct are ways to ask the indexer itself for the alerts that hold a text.
// by is what a person types where one looks for alerts: a pattern in the fields
// that the vendor's template looks into unless told otherwise.
func (c *crowd) direct(t *testing.T, text string) (time.Duration, int) {
	t.Helper()
	var parts []string
	for _, w := range strings.Fields(text) {
		parts = append(parts, "*"+strings.NewReplacer(`\`, `\\`, `:`, `\:`, `/`, `\/`, `"`, `\"`, `-`, `\-`, `=`, `\=`, `(`, `\(`, `)`, `\)`).Replace(w)+"*")
	}
	return c.timed(t, map[string]any{"query_string": map[string]any{"query": strings.Join(parts, " AND "), "analyze_wildcard": true, "lenient": true}})
}

func (c *crowd) timed(t *testing.T, query any) (time.Duration, int) {
	t.Helper()
	b := must(json.Marshal(map[string]any{"size": 10, "track_total_hits": true, "query": query, "sort": []any{map[string]any{"@timestamp": "desc"}}}))
	began := time.Now()
	status, answer := ask(t, c.url, http.MethodPost, "/wazuh-alerts-*/_search", string(b))
	took := time.Since(began)
	var a struct {
		Hits struct{ Total struct{ Value int } }
	}
	if err := json.Unmarshal(answer, &a); err != nil || status != http.StatusOK {
		t.Fatalf("HTTP %d: %.300s", status, answer)
	}
	return took, a.Hits.Total.Value
}

// cpu is how much of it the engine's nodes have taken so far.
func (e *engine) cpu(t *testing.T) time.Duration {
	t.Helper()
	var stats struct {
		Nodes map[string]struct {
			Process struct {
				CPU struct {
					Total int64 `json:"total_in_millis"`
				}
			}
		}
	}
	if err := json.Unmarshal(e.send(t, http.MethodGet, "/_nodes/stats/process", nil), &stats); err != nil {
		t.Fatal(err)
	}
	var sum time.Duration
	for _, n := range stats.Nodes {
		sum += time.Duration(n.Process.CPU.Total) * time.Millisecond
	}
	return sum
}

// TestRealIndexerIsSearchedInTime searches many alerts, side by side with one
// direct query for the same text, and compares what both take of the nodes' CPU, which
// says the same on a busy machine. It needs what [TestRealIndexer] needs.
func TestRealIndexerIsSearchedInTime(t *testing.T) {
	c := crowded(t)
	ctx := t.Context()
	if _, err := c.real.SearchAlerts(ctx, wazuh.SearchAlertsInput{Query: "warm"}); err != nil { // which fields there are is asked once
		t.Fatal(err)
	}
	const times = 3
	worst := 0.0
	var ours, theirs struct{ all, cpu, clock time.Duration }
	for _, text := range []string{
		"nowhere-to-be-found", "192.168.1", "sshd", `C:\Windows\System32`, "williams@wazuh.com", "d41d8cd98f00b204e9800998ecf8427e",
	} {
		ours.cpu, ours.clock, theirs.cpu, theirs.clock = 0, 0, 0, 0
		total, other := 0, 0
		for range times {
			cpu, began := c.engine.cpu(t), time.Now()
			p, err := c.real.SearchAlerts(ctx, wazuh.SearchAlertsInput{Query: text})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			ours.clock += time.Since(began)
			between := c.engine.cpu(t)
			var took time.Duration
			took, other = c.direct(t, text)
			theirs.clock += took
			ours.cpu, theirs.cpu, total = ours.cpu+between-cpu, theirs.cpu+c.engine.cpu(t)-between, p.Total
		}
		ours.all, theirs.all = ours.all+ours.cpu, theirs.all+theirs.cpu
		ratio := float64(ours.cpu) / float64(theirs.cpu)
		worst = max(worst, ratio)
		t.Logf("%-34s %6d alerts, CPU %8s, clock %8s; direct %6d, %8s, %8s; CPU %.2f, clock %.2f", text, total, ours.cpu/times, (ours.clock / times).Round(time.Millisecond),
			other, theirs.cpu/times, (theirs.clock / times).Round(time.Millisecond), ratio, float64(ours.clock)/float64(theirs.clock))
	}
	// To ask for several words directly takes more clauses than the indexer takes.
	if p, err := c.real.SearchAlerts(ctx, wazuh.SearchAlertsInput{Query: "authentication failure user"}); err != nil || p.NotSearched != "" {
		t.Errorf("three words: %+v, %v", p, err)
	}
	t.Logf("over all %.2f of the CPU of direct queries", float64(ours.all)/float64(theirs.all))
	if worst > 1.5 {
		t.Errorf("the dearest search takes %.2f of the CPU of a direct query, want at most 1.5", worst)
	}
}

// TestRealIndexerFindsWhatAlertsHold takes values of many alerts, most of which no
// sample has, and searches for each around the time of its alert.
func TestRealIndexerFindsWhatAlertsHold(t *testing.T) {
	c := crowded(t)
	r := rand.New(rand.NewPCG(2, 3)) //nolint:gosec // the same each time
	asked, found := 0, 0
	for range 25 {
		i := r.IntN(c.n)
		at, a := c.alert(i)
		values := map[string]string{}
		eachLeaf(map[string]any(a), "", func(path, value string) { values[path] = value })
		paths := slices.Sorted(maps.Keys(values))
		for range 4 {
			path := paths[r.IntN(len(paths))]
			if path == "timestamp" || path == "@timestamp" {
				continue
			}
			for _, q := range asTyped(values[path]) {
				p, err := c.real.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: q, StartTime: wazuh.At(at), EndTime: wazuh.At(at), Limit: 100})
				if err != nil {
					t.Fatalf("%s %.80q: %v", path, q, err)
				}
				if asked++; slices.ContainsFunc(p.Alerts, func(a *wazuh.Alert) bool { return a.ID == fmt.Sprint("n", i) }) {
					found++
				} else {
					t.Logf("missed: n%d %s %.80q", i, path, q)
				}
			}
		}
	}
	t.Logf("%d of %d values find their alert", found, asked)
	if float64(found) < 0.98*float64(asked) {
		t.Errorf("%d of %d found", found, asked)
	}
}

// TestRealIndexerFindsWhatTheFakeFinds searches for values of alerts of all modules, as
// they stand there and as a person types them, in an OpenSearch with the vendor's
// template and in the fake: both must find the same alerts. It needs what
// [TestRealIndexer] needs; every SALLYPORT_TEST_EACH-th value is taken, each seventh
// unless given.
func TestRealIndexerFindsWhatTheFakeFinds(t *testing.T) {
	tw := &twin{fake: wazuhtest.New(t), engine: realEngine(t), prefix: fmt.Sprintf("sallyport-test-%d-", time.Now().UnixNano())}
	alerts := sampleAlerts(t)
	for i, a := range alerts {
		tw.fake.AddAlert(time.Date(2026, 11, 29, 0, 0, i, 0, time.UTC), fmt.Sprint("n", i), a)
	}
	tw.vendorTemplate(t)
	t.Cleanup(func() {
		tw.engine.send(t, http.MethodDelete, "/"+tw.prefix+"*", nil)
		tw.engine.send(t, http.MethodDelete, "/_template/"+tw.prefix+"alerts", nil)
	})
	tw.load(t)
	proxy := httptest.NewServer(http.HandlerFunc(tw.forward))
	t.Cleanup(proxy.Close)
	tw.url, tw.of = proxy.URL, tw.fake.Client()
	tw.real = tw.fake.Client(func(c *wazuh.Config) { c.Indexer.BaseURL, c.Timeout = proxy.URL, time.Minute })
	each, _ := strconv.Atoi(cmp.Or(os.Getenv("SALLYPORT_TEST_EACH"), "7"))
	asked, found, hits, right, n := 0, 0, 0, 0, 0
	for i := range alerts {
		stored := tw.fake.Alert(fmt.Sprint("n", i))
		eachLeafInOrder(stored, func(path, value string) {
			for _, q := range asTyped(value) {
				if n++; n%each != 0 {
					continue
				}
				asked++
				p, err := tw.real.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: q, Limit: 100})
				if err != nil {
					t.Errorf("%s %.80q: %v", path, q, err)
					return
				}
				theirs, err := tw.of.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: q, Limit: 100})
				if err != nil {
					t.Errorf("%s %.80q, of the fake: %v", path, q, err)
					return
				}
				if diff := gocmp.Diff(ids(theirs.Alerts), ids(p.Alerts)); diff != "" || p.Total != theirs.Total {
					t.Errorf("%s %.120q: %d hits and %d of the fake (-fake +engine):\n%s", path, q, p.Total, theirs.Total, diff)
				}
				is := slices.Contains(ids(p.Alerts), fmt.Sprint("n", i))
				if !is && p.Total > len(p.Alerts) {
					is, _ = find(t, tw.real, fmt.Sprint("n", i), q)
				}
				if is {
					found++
				} else {
					t.Logf("missed: n%d %s %.120q", i, path, q)
				}
				for _, a := range p.Alerts {
					if hits++; len(a.FoundIn) > 0 {
						right++
					}
				}
			}
		})
	}
	t.Logf("%d of %d values find their alert: %.4f; the words stand in %.4f of %d hits as they were typed", found, asked, float64(found)/float64(asked), float64(right)/float64(hits), hits)
	if float64(found) < 0.98*float64(asked) {
		t.Errorf("%d of %d found", found, asked)
	}
}

// eachLeafInOrder is [eachLeaf] in the same order each time.
func eachLeafInOrder(v any, f func(path, value string)) {
	values := map[string][]string{}
	eachLeaf(v, "", func(path, value string) { values[path] = append(values[path], value) })
	for _, path := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[path] {
			f(path, value)
		}
	}
}
