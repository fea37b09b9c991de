package wazuh_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// sampleAlerts reads alerts as real ones are shaped, or skips.
func sampleAlerts(tb testing.TB) []wazuhtest.Object {
	tb.Helper()
	var list []wazuhtest.Object
	for _, line := range linesOf(tb, "../../shared/vendor/recordings/alerts-sample.ndjson.gz") {
		var x struct {
			Source wazuhtest.Object `json:"_source"`
		}
		if err := json.Unmarshal(line, &x); err != nil {
			tb.Fatal(err)
		}
		list = append(list, x.Source)
	}
	return list
}

// linesOf reads the lines of a recording, or skips.
func linesOf(tb testing.TB, name string) (list [][]byte) {
	tb.Helper()
	f, err := os.Open(name)
	if err != nil {
		tb.Skip("a recording is not at hand:", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(make([]byte, 1<<20), 1<<26)
	for s.Scan() {
		list = append(list, bytes.Clone(s.Bytes()))
	}
	if err := s.Err(); err != nil {
		tb.Fatal(err)
	}
	return list
}

// eachLeaf calls f for every value of a document that isn't an object.
func eachLeaf(v any, path string, f func(path, value string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			eachLeaf(e, strings.TrimPrefix(path+"."+k, "."), f)
		}
	case []any:
		for _, e := range v {
			eachLeaf(e, path, f)
		}
	case nil:
	case float64:
		f(path, fmt.Sprintf("%.0f", v))
	default:
		f(path, fmt.Sprint(v))
	}
}

// find searches for a value of an alert and tells whether the alert is among the
// hits, and how many there are.
func find(tb testing.TB, c *wazuh.Client, id, value string) (is bool, total int) {
	tb.Helper()
	p, err := c.SearchAlerts(tb.Context(), wazuh.SearchAlertsInput{Query: value, Limit: 100})
	if err != nil {
		tb.Logf("%.80q: %v", value, err)
		return false, 0
	}
	if p.Total > len(p.Alerts) { // the rest
		q, err := c.SearchAlerts(tb.Context(), wazuh.SearchAlertsInput{Query: value, Limit: 100, Offset: 100})
		if err != nil {
			tb.Fatal(err)
		}
		p.Alerts = append(p.Alerts, q.Alerts...)
	}
	return slices.ContainsFunc(p.Alerts, func(a *wazuh.Alert) bool { return a.ID == id }), p.Total
}

// asTyped are a value as it stands in an alert, and as a person would type it.
func asTyped(value string) []string {
	forms := []string{value}
	if plain := strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(value); plain != value {
		forms = append(forms, plain)
	}
	return slices.DeleteFunc(forms, func(s string) bool { return strings.Trim(s, " *-") == "" })
}

// TestRecall takes every value that real-shaped alerts hold, of all modules, and
// searches for it, among a few alerts at a time. Each must find its alert.
func TestRecall(t *testing.T) {
	t.Parallel()
	alerts := sampleAlerts(t)
	asked, found, missed := 0, 0, []string{}
	const few = 4
	for from := 0; from < len(alerts); from += few {
		s := wazuhtest.New(t)
		for i := from; i < min(from+few, len(alerts)); i++ {
			s.AddAlert(time.Date(2026, 11, 29, 0, 0, i, 0, time.UTC), fmt.Sprint("n", i), alerts[i])
		}
		c, seen := s.Client(), map[string]bool{}
		for i := from; i < min(from+few, len(alerts)); i++ {
			id := fmt.Sprint("n", i)
			eachLeaf(alerts[i], "", func(path, value string) {
				for _, q := range asTyped(value) {
					if path == "timestamp" || path == "@timestamp" || seen[id+q] { // times are made by the fake
						continue
					}
					seen[id+q] = true
					asked++
					if is, _ := find(t, c, id, q); is {
						found++
					} else {
						missed = append(missed, fmt.Sprintf("%s %s %.80q", id, path, q))
					}
				}
			})
		}
	}
	recall := float64(found) / float64(asked)
	t.Logf("recall %.4f: %d of %d values find their alert", recall, found, asked)
	for _, m := range missed[:min(len(missed), 60)] {
		t.Log("missed:", m)
	}
	if recall < 0.98 {
		t.Errorf("recall %.4f, want at least 0.98", recall)
	}
}

// TestRecallBeyondTheClauseLimit has the alerts of all modules, and so many
// fields that no query has room for all of them at once.
func TestRecallBeyondTheClauseLimit(t *testing.T) {
	t.Parallel()
	alerts := sampleAlerts(t)
	s := wazuhtest.New(t)
	for i, a := range alerts {
		s.AddAlert(time.Date(2026, 11, 29, 0, 0, i, 0, time.UTC), fmt.Sprint("n", i), a)
	}
	for i := range 400 { // a template's, which no alert has
		s.MapFields(fmt.Sprintf("data.unused.field%d", i))
	}
	c := s.Client()
	asked, found, hits, n := 0, 0, 0, 0
	for i, a := range alerts {
		paths := map[string]string{}
		eachLeaf(a, "", func(path, value string) { paths[path] = value })
		for _, path := range slices.Sorted(maps.Keys(paths)) {
			if n++; n%40 != 0 || path == "timestamp" || path == "@timestamp" {
				continue
			}
			for _, q := range asTyped(paths[path]) {
				asked++
				is, total := find(t, c, fmt.Sprint("n", i), q)
				hits += total
				if is {
					found++
				} else {
					t.Logf("missed: n%d %s %.80q", i, path, q)
				}
			}
		}
	}
	t.Logf("%d of %d values find their alert; each finds %.1f of %d alerts", found, asked, float64(hits)/float64(asked), len(alerts))
	if float64(found) < 0.98*float64(asked) {
		t.Errorf("%d of %d found", found, asked)
	}
}
