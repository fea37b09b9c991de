package wazuh_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// notified is what the manager's integrator hands on.
const notified = `{"timestamp":"2026-03-02T08:01:00.250+0100","rule":{"level":10,"description":"sshd: brute force","id":"5763","mitre":{"id":["T1110"]},"firedtimes":2,"mail":true,"groups":["syslog","sshd"],"pci_dss":["11.4"],"own":7},
	"agent":{"id":"007","name":"web-7","ip":"192.0.2.7","labels":{"customer":"acme"}},"manager":{"name":"m1"},"id":"1772438460.77","cluster":{"name":"c","node":"n2"},
	"full_log":"sshd[1]: Failed password","predecoder":{"program_name":"sshd"},"decoder":{"parent":"sshd","name":"sshd"},
	"data":{"srcip":"198.51.100.23","srcport":"4711","dstuser":"root","big":12345678901234567890},"location":"/var/log/auth.log","previous_output":"a\nb","input":{"type":"log"},"event":{"kind":"x"}}`

func TestAnAlertIsReadAsItWasHandedOn(t *testing.T) {
	t.Parallel()
	alert, err := wazuh.ParseAlert([]byte(notified))
	if err != nil {
		t.Fatal(err)
	}
	if a := alert; a.ID != "" || a.WazuhID != "1772438460.77" || !a.Timestamp.Equal(time.Date(2026, 3, 2, 7, 1, 0, 250e6, time.UTC)) || a.Rule.ID != "5763" || a.Rule.Level != 10 || a.Agent.Name != "web-7" ||
		a.SourceIP != "198.51.100.23" || a.DestinationUser != "root" || a.FullLog == "" || a.PreviousOutput != "a\nb" || !strings.Contains(string(a.Data), "12345678901234567890") {
		t.Errorf("%+v", a)
	}
	for form, text := range map[string]string{
		"with spaces around": "\n " + notified + "\n", "as an integration posts it": `{"severity":3,"title":"x","all_fields":` + notified + `}`,
	} {
		if got, err := wazuh.ParseAlert([]byte(text)); err != nil || cmp.Diff(alert, got) != "" {
			t.Errorf("%s: %v\n%s", form, err, cmp.Diff(alert, got))
		}
	}
	hit, err := wazuh.ParseAlert([]byte(`{"_index":"wazuh-alerts-4.x-2026.03.02","_id":"one","_source":` + notified + `}`))
	if err != nil || hit.ID != "one" || hit.Index != "wazuh-alerts-4.x-2026.03.02" || hit.WazuhID != alert.WazuhID {
		t.Errorf("a hit: %+v, %v", hit, err)
	}
}

func TestWhatIsNoAlertIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "null", "7", "[]", "{}", `{"rule":`, `{"rule":{}}`, `{"id":"1"}`, notified + notified, `{"rule":[]}`, strings.Repeat("[", 1<<20), `{"a":"` + strings.Repeat("x", 11<<20) + `"}`} {
		if a, err := wazuh.ParseAlert([]byte(text)); !errors.Is(err, wazuh.ErrInvalid) || len(err.Error()) > 1000 {
			t.Errorf("%.60q: %+v, %.200v", text, a, err)
		}
	}
}

// everything is the whole of an alert's JSON, as a tree.
func everything(t *testing.T, v any) (tree any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &tree)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestWhatIsPostedIsTakenOrAnsweredWithTheReason(t *testing.T) {
	t.Parallel()
	var taken []string
	full := false
	h := wazuh.AlertHandler(func(_ context.Context, a *wazuh.Alert) error {
		if full {
			return errors.New("too many alerts are waiting")
		}
		taken = append(taken, a.WazuhID)
		return nil
	})
	post := func(method, body string) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/", strings.NewReader(body)))
		return strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body))
	}
	for _, tt := range []struct{ method, body, want string }{
		{"POST", notified, "202"},
		{"GET", "", "405 want a POST of an alert"},
		{"POST", "{}", "400 wazuh: invalid request: no alert: it names no rule"},
		{"POST", strings.Repeat("x", 2<<20), "413 http: request body too large"},
	} {
		if got := post(tt.method, tt.body); got != tt.want {
			t.Errorf("%s of %.20q was answered with %q, want %q", tt.method, tt.body, got, tt.want)
		}
	}
	full = true
	if got := post("POST", notified); got != "503 too many alerts are waiting" {
		t.Errorf("an alert that wasn't taken was answered with %q", got)
	}
	if diff := cmp.Diff([]string{"1772438460.77"}, taken); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

func TestAlertsAndAgentsGoThroughJSONAndBack(t *testing.T) {
	t.Parallel()
	parsed, err := wazuh.ParseAlert([]byte(notified))
	if err != nil {
		t.Fatal(err)
	}
	s := wazuhtest.New(t)
	s.SeedIncident()
	p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{Limit: 100, IncludeFullLog: true, IncludeRawData: true})
	if err != nil || len(p.Alerts) == 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, a := range append(p.Alerts, parsed) {
		var back wazuh.Alert
		if err := json.Unmarshal(must(json.Marshal(a)), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(everything(t, a), everything(t, back)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", a.WazuhID, diff)
		}
		if a.Extra != nil && len(back.Extra) != len(a.Extra) {
			t.Errorf("%s lost members: %v, %v", a.WazuhID, a.Extra, back.Extra)
		}
	}
	agents, err := s.Client().ListAgents(t.Context(), wazuh.ListAgentsInput{Limit: 100, IncludeIP: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range agents.Agents {
		var back wazuh.Agent
		if err := json.Unmarshal(must(json.Marshal(a)), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(everything(t, a), everything(t, back)); diff != "" {
			t.Errorf("agent %s (-before +after):\n%s", a.ID, diff)
		}
	}
}

func TestAlertsOfAllModulesGoThroughJSONAndBack(t *testing.T) {
	t.Parallel()
	for i, o := range sampleAlerts(t) {
		a, err := wazuh.ParseAlert(must(json.Marshal(o)))
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		var back wazuh.Alert
		if err := json.Unmarshal(must(json.Marshal(a)), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(everything(t, a), everything(t, back)); diff != "" {
			t.Errorf("%d (-before +after):\n%s", i, diff)
		}
		for _, part := range []string{"data", "syscheck", "full_log", "input"} {
			if whole, _ := everything(t, a).(map[string]any); o[part] != nil && cmp.Diff(o[part], whole[part]) != "" {
				t.Errorf("%d: %s: %s", i, part, cmp.Diff(o[part], whole[part]))
			}
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestAListHasTheRawDataIfAskedFor(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", wazuhtest.Object{"rule": wazuhtest.Object{"id": "1", "own": "x"}, "data": wazuhtest.Object{"srcip": "192.0.2.1", "own": map[string]any{"deep": 1}}, "previous_output": "before", "full_log": "log"})
	p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{IncludeRawData: true})
	if err != nil || len(p.Alerts) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if a := p.Alerts[0]; !strings.Contains(string(a.Data), `"deep":1`) || a.PreviousOutput != "before" || a.FullLog != "" || string(a.Rule.Extra["own"]) != `"x"` {
		t.Errorf("%+v", a)
	}
	if p, err = s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{}); err != nil || p.Alerts[0].Data != nil {
		t.Errorf("without: %+v, %v", p, err)
	}
}

func TestATailGivesEachAlertOnce(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	add := func(n, at int, agent string) {
		s.AddAlert(begin.Add(time.Duration(at)*time.Second), fmt.Sprint("a", n), wazuhtest.Object{"agent": wazuhtest.Object{"id": agent}, "rule": wazuhtest.Object{"id": "1", "level": 3}})
	}
	var cursor wazuh.Cursor
	seen := []string{}
	run := func() {
		t.Helper()
		in := wazuh.TailAlertsInput{AlertFilter: wazuh.AlertFilter{AgentID: "007", StartTime: wazuh.At(begin)}, Cursor: cursor, Limit: 3}
		for p, err := range c.TailAlerts(t.Context(), in) {
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range p.Alerts {
				seen = append(seen, a.ID)
			}
			cursor = p.NextCursor
		}
	}
	run() // nothing is there yet, not even an index
	want := []string{}
	for n := range 20 { // many at one moment, some in the page's last
		add(n, n/4, "007")
		add(100+n, n/4, "008")
		want = append(want, fmt.Sprint("a", n))
		if n%5 == 2 && n%4 == 3 || n == 19 {
			run()
		}
	}
	run()
	slices.Sort(seen)
	slices.Sort(want)
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestATailWaitsForWhatMayStillCome(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now().Add(-time.Second), "fresh", wazuhtest.Object{"rule": wazuhtest.Object{"id": "1"}})
	s.AddAlert(time.Now().Add(-time.Minute), "settled", wazuhtest.Object{"rule": wazuhtest.Object{"id": "1"}})
	c := s.Client()
	in := wazuh.TailAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: "1h"}}
	for p, err := range c.TailAlerts(t.Context(), in) {
		if err != nil || len(p.Alerts) != 1 || p.Alerts[0].ID != "settled" || p.NextCursor == "" {
			t.Errorf("%+v, %v", p, err)
		}
		in.Cursor = p.NextCursor
	}
	in.Settle = time.Millisecond
	for p, err := range c.TailAlerts(t.Context(), in) {
		if err != nil || len(p.Alerts) != 1 || p.Alerts[0].ID != "fresh" {
			t.Errorf("later: %+v, %v", p, err)
		}
		in.Cursor = p.NextCursor
	}
	s.FailShards(1, "breaker")
	for p, err := range c.TailAlerts(t.Context(), in) {
		if !errors.Is(err, wazuh.ErrIncomplete) {
			t.Errorf("a shard that failed: %+v, %v", p, err)
		}
	}
	for name, in := range map[string]wazuh.TailAlertsInput{
		"an end": {AlertFilter: wazuh.AlertFilter{EndTime: "now"}}, "another search's cursor": {AlertFilter: wazuh.AlertFilter{Level: 3}, Cursor: in.Cursor}, "no cursor": {Cursor: "x"}, "a negative limit": {Limit: -1},
	} {
		for p, err := range c.TailAlerts(t.Context(), in) {
			if !errors.Is(err, wazuh.ErrInvalid) {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
	}
}

func FuzzParseAlert(f *testing.F) {
	f.Add([]byte(notified))
	f.Add([]byte(`{"_source":{"wazuh":{"rule":{"id":"net-1"}},"event":{"original":"x"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := wazuh.ParseAlert(b)
		if err != nil {
			if !errors.Is(err, wazuh.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		if _, err := json.Marshal(a); err != nil {
			t.Error(err)
		}
	})
}
