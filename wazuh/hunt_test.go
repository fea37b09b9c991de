package wazuh_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestFurtherFilters(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	for name, tt := range map[string]struct {
		in   wazuh.GetAlertsInput
		some bool
	}{
		"tactic": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{MITRETactic: "credential access"}}, true}, "decoder": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Decoder: "sshd"}}, true},
		"user": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{User: "SVC-BACKUP"}}, true}, "windows user": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{User: "j.doe"}}, true},
		"hash": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{FileHash: "92EB5FFEE6AE2FEC3AD71C777531578F"}}, true}, "destination": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{DestinationIP: "10.20.0.254"}}, true},
		"location": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Location: "/var/log/*"}}, true}, "part of a location": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Location: "auth.log"}}, false},
		"hour": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: "1h"}}, true}, "week": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: "now-7d", EndTime: "now"}}, true}, "minute": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: "1s"}}, false},
		"epoch": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: wazuh.When(fmt.Sprint(time.Now().Add(-time.Hour).Unix()))}}, true}, "epoch in milliseconds": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: wazuh.When(fmt.Sprint(time.Now().Add(-time.Hour).UnixMilli()))}}, true},
		"epoch to come": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: wazuh.When(fmt.Sprint(time.Now().Add(time.Hour).Unix()))}}, false},
		"date":          {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{EndTime: "2020-01-02"}}, false},
	} {
		p, err := c.GetAlerts(t.Context(), tt.in)
		if err != nil || (p.Total > 0) != tt.some {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for _, in := range []wazuh.GetAlertsInput{{AlertFilter: wazuh.AlertFilter{FileHash: "xyz"}}, {AlertFilter: wazuh.AlertFilter{DestinationIP: "10.0.0.0/99"}}, {AlertFilter: wazuh.AlertFilter{Location: "*"}}, {AlertFilter: wazuh.AlertFilter{StartTime: "yesterday"}}, {AlertFilter: wazuh.AlertFilter{StartTime: "9999999w"}}, {AlertFilter: wazuh.AlertFilter{Level: 17}}} {
		if _, err := c.GetAlerts(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func TestAlertsAreCountedByTheIndexer(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	got, err := c.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{
		GroupBy: []wazuh.AlertKey{"rule", "level", "source_ip", "agent"}, Interval: "1h", Top: 2, AlertFilter: wazuh.AlertFilter{AgentID: "7", StartTime: "2h"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := wazuh.Counts{By: "rule", Field: "rule.id", Others: 6, Values: []wazuh.Count{{Value: "5710", Count: 24}, {Value: "5712", Count: 3}}}
	if got.Total != 33 || len(got.Counts) != 4 || got.Counts[0].Values[0].Name == "" || got.Incomplete != "" {
		t.Fatalf("stats %+v", got)
	}
	for i := range got.Counts[0].Values {
		got.Counts[0].Values[i].Name = ""
	}
	if diff := cmp.Diff(want, got.Counts[0]); diff != "" {
		t.Errorf("by rule (-want +got):\n%s", diff)
	}
	if v := got.Counts[1].Values[0]; v.Value != "5" || v.Count != 26 && v.Count != 24 {
		t.Errorf("by level %+v", got.Counts[1])
	}
	if v := got.Counts[2].Values[0]; v.Value != "198.51.100.23" || v.Count != 31 {
		t.Errorf("by source %+v", got.Counts[2])
	}
	if v := got.Counts[3].Values[0]; v.Value != "007" || v.Name != "fleet-007" {
		t.Errorf("by agent %+v", got.Counts[3])
	}
	n := 0
	for _, m := range got.OverTime {
		n += m.Count
	}
	if n != 33 || !got.OverTime[0].Time.Equal(got.OverTime[0].Time.Truncate(time.Hour)) {
		t.Errorf("over time %+v", got.OverTime)
	}
	for _, in := range []wazuh.GetAlertStatsInput{
		{GroupBy: []wazuh.AlertKey{"colour"}}, {Interval: "1m", AlertFilter: wazuh.AlertFilter{StartTime: "30d"}}, {Interval: "x"}, {Interval: "0m"}, {Top: 101},
		{Interval: "1h", AlertFilter: wazuh.AlertFilter{EndTime: "1h"}},
	} {
		if _, err := c.GetAlertStats(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if p, err := wazuhtest.New(t).Client().GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{}); err != nil || p.Total != 0 || !strings.Contains(p.Incomplete, "no index") {
		t.Errorf("without an index: %+v, %v", p, err)
	}
}

func TestAnAlertIsSeenInItsContext(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	got, err := c.GetAlertContext(t.Context(), wazuh.GetAlertContextInput{AlertID: wazuhtest.AlertLoginSuccess, Limit: 6})
	if err != nil {
		t.Fatal(err)
	}
	totals := map[string]int{}
	for _, p := range got.Pivot {
		totals[p.Relation] = p.Total
		for i, a := range p.Alerts {
			if a.ID == got.Alert.ID || i > 0 && a.Timestamp.Before(p.Alerts[i-1].Timestamp) || a.Timestamp.Before(got.From) || a.Timestamp.After(got.Until) {
				t.Errorf("%s: %+v", p.Relation, a)
			}
		}
		if len(p.Alerts) > 6 || len(p.Alerts) > p.Total {
			t.Errorf("%s: %d alerts of %d", p.Relation, len(p.Alerts), p.Total)
		}
	}
	if totals["same_host"] != 32 || totals["same_source"] != 30 || totals["same_user"] < 3 {
		t.Errorf("totals %v", totals)
	}
	if _, err := c.GetAlertContext(t.Context(), wazuh.GetAlertContextInput{AlertID: "nope"}); !errors.Is(err, wazuh.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestTheFleetIsSearched(t *testing.T) {
	t.Parallel()
	c := wazuhtest.New(t).Client()
	for name, tt := range map[string]struct {
		in     wazuh.SearchInventoryInput
		total  int
		agents int
	}{
		"package": {wazuh.SearchInventoryInput{Kind: "packages", Search: "XZ"}, 1, 1}, "process": {wazuh.SearchInventoryInput{Kind: "processes", Search: "kworkerd 203.0.113.77"}, 1, 1},
		"port": {wazuh.SearchInventoryInput{Kind: "ports", Port: 8443}, 1, 1}, "everywhere": {wazuh.SearchInventoryInput{Kind: "ports", Port: 22, Limit: 100}, 14, 12},
		"hotfix": {wazuh.SearchInventoryInput{Kind: "hotfixes", Search: "kb5031364"}, 2, 2}, "nothing": {wazuh.SearchInventoryInput{Kind: "packages", Search: "nosuch"}, 0, 0},
		"agent": {wazuh.SearchInventoryInput{Kind: "packages", AgentID: "7"}, 5, 1},
	} {
		p, err := c.SearchInventory(t.Context(), tt.in)
		if err != nil || p.Total != tt.total || len(p.Agents) != tt.agents || p.Incomplete != "" {
			t.Errorf("%s: %+v, %v", name, p, err)
			continue
		}
		for _, i := range p.Items {
			if i.AgentID == "" || !json.Valid(i.Item) || strings.Contains(string(i.Item), `"agent"`) {
				t.Errorf("%s: %+v", name, i)
			}
		}
	}
	if p, err := c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "users"}); err != nil || !strings.Contains(p.Incomplete, "no index") {
		t.Errorf("without an index: %+v, %v", p, err)
	}
	for _, in := range []wazuh.SearchInventoryInput{{}, {Kind: "colours"}, {Kind: "packages", Port: 22}, {Kind: "packages", Search: "*"}} {
		if _, err := c.SearchInventory(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func TestAWalkHasItsStateKeptAndLetsGoOfIt(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	n := 0
	for _, err := range c.Alerts(t.Context(), wazuh.GetAlertsInput{Limit: 20}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 30 && s.Snapshots() != 1 {
			t.Errorf("%d states kept on the way", s.Snapshots())
		}
	}
	if n != 72 || s.Snapshots() != 0 {
		t.Errorf("%d alerts, %d states kept", n, s.Snapshots())
	}
	for range c.Alerts(t.Context(), wazuh.GetAlertsInput{Limit: 20}) {
		if n++; n == 72+45 {
			break
		}
	}
	if s.Snapshots() != 0 {
		t.Error("a walk that was broken off lets go of nothing")
	}
	s.ForbidSnapshots()
	n = 0
	for _, err := range c.Alerts(t.Context(), wazuh.GetAlertsInput{Limit: 20}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 72 {
		t.Errorf("%d alerts without a kept state", n)
	}
}

// walk goes over n generated alerts and returns the highest live heap on the way.
func walk(tb testing.TB, n int) uint64 {
	tb.Helper()
	s := wazuhtest.New(tb)
	s.Generate(n, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))
	c := s.Client()
	seen, peak := 0, uint64(0)
	var last time.Time
	for a, err := range c.Alerts(tb.Context(), wazuh.GetAlertsInput{Limit: 2000}) {
		if err != nil {
			tb.Fatal(err)
		}
		if !last.IsZero() && !a.Timestamp.Before(last) {
			tb.Fatalf("%s comes out of order", a.ID)
		}
		last = a.Timestamp
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

func TestAWalkTakesConstantMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("walks 110,000 alerts")
	}
	small, large := walk(t, 10_000), walk(t, 100_000)
	if large > small+16<<20 {
		t.Errorf("%d bytes for 100,000 alerts, %d for 10,000", large, small)
	}
}

// BenchmarkAlerts walks a million alerts; the heap holds one page.
func BenchmarkAlerts(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(float64(walk(b, 1_000_000))/(1<<20), "MiB-heap")
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
}

func TestAddressesAreFoundWholeOrByTheirNetwork(t *testing.T) {
	t.Parallel()
	c := wazuhtest.New(t).Client()
	for search, want := range map[string]int{
		"198.51.100.23": 1, "198.51.100.0/24": 1, "198.51.100": 1, "198.51.*": 1, "198.51.100.": 1, "198.51.1*": 0, "sshd": 14, "sshd 198.51.100.23": 1, "999.1.1.1": 0, "fe80::/10": 0,
	} {
		p, err := c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "ports", Search: search})
		if err != nil || p.Total != want {
			t.Errorf("ports %s: %+v, %v; want %d", search, p, err, want)
		}
	}
	if p, err := c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "networks", Search: "10.20.0.7"}); err != nil || p.Total != 1 || p.Items[0].AgentID != "007" {
		t.Errorf("networks: %+v, %v", p, err)
	}
}

func TestAnyCaseMeansLettersBeyondASCIIToo(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "umlaut", wazuhtest.Object{"rule": wazuhtest.Object{"id": "1", "description": "Änderung"}, "data": wazuhtest.Object{"srcuser": "Jürgen", "dstuser": "GÜNTHER Öztürk", "title": "Äcme [1.0]? (C:\\Ä+b) #1 & <é>", "long": strings.Repeat("Привет, Мир! ", 30)}, "full_log": "Заход Пользователя Élodie-Ö"})
	s.AddAlert(time.Now(), "other", wazuhtest.Object{"rule": wazuhtest.Object{"id": "1"}, "data": wazuhtest.Object{"srcuser": "Jorgen", "title": "Acme 1x0"}})
	c := s.Client()
	for _, in := range []wazuh.GetAlertsInput{
		{AlertFilter: wazuh.AlertFilter{User: "JÜRGEN"}}, {AlertFilter: wazuh.AlertFilter{User: "jürgen"}}, {AlertFilter: wazuh.AlertFilter{Search: "JÜRG"}}, {AlertFilter: wazuh.AlertFilter{Search: "änder"}}, {AlertFilter: wazuh.AlertFilter{Search: "ÄNDER*UNG"}}, {AlertFilter: wazuh.AlertFilter{Search: "öztürk"}}, {AlertFilter: wazuh.AlertFilter{Search: "ÖZTÜRK"}}, {AlertFilter: wazuh.AlertFilter{User: "günther öztürk"}}, {AlertFilter: wazuh.AlertFilter{Search: `"günther öztürk"`}},
		{AlertFilter: wazuh.AlertFilter{Search: `"äcme [1.0]? (c:\ä+B) #1 & <É>"`}}, {AlertFilter: wazuh.AlertFilter{Search: `äcme*#1`}}, {AlertFilter: wazuh.AlertFilter{Search: "привет"}}, {AlertFilter: wazuh.AlertFilter{Search: "ПРИВЕТ мир"}}, {AlertFilter: wazuh.AlertFilter{Search: `"` + strings.Repeat("привет, мир! ", 15) + `"`}}, {AlertFilter: wazuh.AlertFilter{Search: "пользователя"}}, {AlertFilter: wazuh.AlertFilter{Search: "élodie"}},
	} {
		if p, err := c.GetAlerts(t.Context(), in); err != nil || p.Total != 1 || p.Alerts[0].ID != "umlaut" || in.Search != "" && len(p.Alerts[0].FoundIn) == 0 {
			t.Errorf("%+v: %+v, %v", in, p, err)
		}
	}
}
