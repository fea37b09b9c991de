package evidence_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// malformations are the ways in which an answer is spoilt.
var malformations = []struct {
	name  string
	spoil func(any) any
}{
	{"a null before the rows of every list", func(v any) any {
		return everywhere(v, func(v any) any {
			if list, ok := v.([]any); ok {
				return append([]any{nil}, list...)
			}
			return v
		})
	}},
	{"nothing but a null in every list", func(v any) any {
		return everywhere(v, func(v any) any {
			if _, ok := v.([]any); ok {
				return []any{nil}
			}
			return v
		})
	}},
	{"every list empty", func(v any) any {
		return everywhere(v, func(v any) any {
			if _, ok := v.([]any); ok {
				return []any{}
			}
			return v
		})
	}},
	{"every member null", func(v any) any {
		return everywhere(v, func(v any) any {
			if members, ok := v.(map[string]any); ok {
				for name := range members {
					members[name] = nil
				}
			}
			return v
		})
	}},
	{"every text empty and every number 0", func(v any) any {
		return everywhere(v, func(v any) any {
			switch v.(type) {
			case string:
				return ""
			case json.Number:
				return json.Number("0")
			}
			return v
		})
	}},
	{"texts for numbers and numbers for texts", func(v any) any {
		return everywhere(v, func(v any) any {
			switch v.(type) {
			case string:
				return json.Number("-1")
			case json.Number:
				return "x"
			}
			return v
		})
	}},
	{"an empty object", func(any) any { return map[string]any{} }},
	{"an empty list", func(any) any { return []any{} }},
	{"a list of a null", func(any) any { return []any{nil} }},
	{"null", func(any) any { return nil }},
	{"a text", func(any) any { return "x" }},
}

// everywhere applies f to v and to all in it, the innermost first.
func everywhere(v any, f func(any) any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = everywhere(v[i], f)
		}
	case map[string]any:
		for name := range v {
			v[name] = everywhere(v[name], f)
		}
	}
	return f(v)
}

// A spoiler is a transport that spoils one answer of each call, or all.
type spoiler struct {
	spoil func(any) any
	nth   int64 // from 0; below 0: all
	seen  atomic.Int64
	last  atomic.Pointer[string]
}

func (s *spoiler) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if strings.Contains(r.URL.Path, "/authenticate") { // Wazuh's, where every call begins
		return res, nil
	}
	if n := s.seen.Add(1) - 1; s.nth >= 0 && n != s.nth {
		return res, nil
	}
	b, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		if b, err = json.Marshal(s.spoil(v)); err != nil {
			return nil, err
		}
		what := fmt.Sprintf("%s %s answered %.300s", r.Method, r.URL.Path, b)
		s.last.Store(&what)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	res.Header.Del("Content-Length")
	return res, nil
}

// socCalls are calls of package soc, whose platforms' answers are spoilt.
var socCalls = []evidence.Call{
	{Op: "mitre_wazuh_status", Args: `{}`},
	{Op: "mitre_wazuh_alerts", Args: `{"limit":3}`},
	{Op: "mitre_wazuh_rule_coverage", Args: `{"alerts":true,"cases":true}`},
	{Op: "mitre_map_wazuh_alert", Args: `{"ruleId":5710}`},
	{Op: "mitre_thehive_list_cases", Args: `{"techniqueFilter":"T1110"}`},
	{Op: "mitre_cortex_analyzer_coverage", Args: `{}`},
	{Op: "mitre_cortex_run_analyzers", Args: `{"data":"198.51.100.23","dataType":"ip","analyzers":["AbuseIPDB_1_0"],"confirm":true}`},
	{Op: "mitre_misp_event_to_attack", Args: `{"eventId":"1"}`},
	{Op: "mitre_misp_search_indicators", Args: `{"techniqueId":"T1110"}`},
	{Op: "mitre_misp_list_events", Args: `{}`},
	{Op: "mitre_soc_status", Args: `{}`},
	{Op: "soc_handover", Args: `{"page":"html"}`},
	{Op: "soc_evidence_bundle", Args: `{"alertId":"` + wazuhtest.AlertFailThenWin + `","caseId":"` + thehivetest.BruteForceCase + `"}`},
	{Op: "mitre_cross_correlate", Args: `{"techniques":["T1110","T1078"]}`},
	{Op: "mitre_thehive_enrich", Args: `{"caseId":"` + thehivetest.BruteForceCase + `","techniques":["T1078"],"addTags":true}`},
	{Op: "mitre_misp_create_event", Args: `{"info":"Evidence","techniques":["T1110"],"attributes":[{"type":"ip-src","value":"198.51.100.77"}],"confirm":true}`},
	{Op: "mitre_thehive_create_case", Args: `{"title":"Evidence","techniques":["T1110"],"observables":[{"dataType":"ip","data":"198.51.100.23"}],"confirm":true}`},
}

// An answer that isn't what the platform's API promises may be an error. It
// must neither panic nor make an answer that can't be encoded.
func TestMalformedAnswersEndNoCall(t *testing.T) {
	t.Parallel()
	keys := t.TempDir()
	kb, err := attack.New(attack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	onHive := func(t *testing.T, g *gate.Guard, tr http.RoundTripper) *thehive.Client {
		return thehivetest.New(t).Client(func(c *thehive.Config) { c.Guard, c.Transport = g, tr })
	}
	onCortex := func(t *testing.T, g *gate.Guard, tr http.RoundTripper) *cortex.Client {
		return cortextest.New(t).Client(func(c *cortex.Config) {
			c.Guard, c.Transport, c.APIKey, c.KeyDir = g, tr, cortextest.AdminKey, keys
		})
	}
	onMISP := func(t *testing.T, g *gate.Guard, tr http.RoundTripper) *misp.Client {
		s := misptest.New(t)
		s.SeedIncident()
		return s.Client(func(c *misp.Config) { c.Guard, c.Transport, c.APIKey = g, tr, misptest.AdminKey })
	}
	onWazuh := func(t *testing.T, g *gate.Guard, tr http.RoundTripper) *wazuh.Client {
		s := wazuhtest.New(t)
		s.SeedIncident()
		return s.Client(func(c *wazuh.Config) { c.Guard, c.Transport, c.Indexer.Transport = g, tr, tr })
	}
	for _, p := range []struct {
		name  string
		calls []evidence.Call
		ops   func(*testing.T, *gate.Guard, http.RoundTripper) []gate.Op
	}{
		{"thehive", evidence.TheHive(), func(t *testing.T, g *gate.Guard, tr http.RoundTripper) []gate.Op { return onHive(t, g, tr).Ops() }},
		{"cortex", evidence.Cortex(), func(t *testing.T, g *gate.Guard, tr http.RoundTripper) []gate.Op { return onCortex(t, g, tr).Ops() }},
		{"misp", evidence.MISP(), func(t *testing.T, g *gate.Guard, tr http.RoundTripper) []gate.Op { return onMISP(t, g, tr).Ops() }},
		{"wazuh", evidence.Wazuh(), func(t *testing.T, g *gate.Guard, tr http.RoundTripper) []gate.Op { return onWazuh(t, g, tr).Ops() }},
		{"soc", socCalls, func(t *testing.T, g *gate.Guard, tr http.RoundTripper) []gate.Op {
			c, err := soc.New(soc.Config{ATTACK: kb, Guard: g, Wazuh: onWazuh(t, g, tr), TheHive: onHive(t, g, tr), Cortex: onCortex(t, g, tr), MISP: onMISP(t, g, tr)})
			if err != nil {
				t.Fatal(err)
			}
			return c.Ops()
		}},
	} {
		for _, m := range malformations {
			for _, nth := range []int64{-1, 0, 1, 2} {
				if testing.Short() && nth > 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d", p.name, m.name, nth), func(t *testing.T) {
					t.Parallel()
					g, err := gate.New(gate.Policy{
						Max: gate.TierDestructive, Approval: gate.ApprovalHost, Dir: t.TempDir(), Getenv: func(string) string { return "1" }, Responses: evidence.Responses,
						Budget:  gate.Budget{Writes: -1, Destructive: -1, Proposals: -1, Pending: -1},
						Breaker: gate.Breaker{Burst: -1, Denials: -1, Unknowns: -1},
					})
					if err != nil {
						t.Fatal(err)
					}
					defer g.Close()
					tr := &spoiler{spoil: m.spoil, nth: nth}
					ops := map[string]gate.Op{}
					for _, op := range p.ops(t, g, tr) {
						ops[op.Name()] = op
					}
					for _, call := range p.calls {
						callSpoilt(t, g, ops[call.Op], call, tr)
					}
				})
			}
		}
	}
}

func callSpoilt(t *testing.T, g *gate.Guard, op gate.Op, call evidence.Call, tr *spoiler) {
	t.Helper()
	if op == nil {
		t.Fatalf("there is no operation %s", call.Op)
	}
	tr.seen.Store(0)
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s panics: %v\n%s\n%s", call.Op, p, *tr.last.Load(), ownFrames(debug.Stack()))
		}
	}()
	in := reflect.New(op.In())
	if err := json.Unmarshal([]byte(call.Args), in.Interface()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	res, err := op.Do(ctx, g, in.Interface())
	if err != nil {
		return
	}
	b, err := json.Marshal(res.Out)
	if err != nil {
		t.Errorf("%s: its answer can't be encoded: %v\n%s", call.Op, err, *tr.last.Load())
	}
	if strings.Contains(string(b), "failed inside the client") {
		t.Errorf("%s panicked in a goroutine: %s", call.Op, b)
	}
}

// ownFrames are the first lines of a stack that are in this module's packages.
func ownFrames(stack []byte) string {
	var own []string
	for line := range strings.Lines(string(stack)) {
		if strings.Contains(line, ".go:") && !strings.Contains(line, "/runtime/") && !strings.Contains(line, "malformed_test.go") {
			own = append(own, line)
		}
	}
	return strings.Join(own[:min(len(own), 6)], "")
}
