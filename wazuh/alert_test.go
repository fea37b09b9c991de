package wazuh_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	start := time.Now().Add(-time.Hour)
	has := func(list []string, v string) bool { return slices.Contains(list, v) }
	for name, tt := range map[string]struct {
		in   wazuh.GetAlertsInput
		want int // -1: some
		ok   func(a *wazuh.Alert) bool
	}{
		"all":          {wazuh.GetAlertsInput{}, -1, func(*wazuh.Alert) bool { return true }},
		"level":        {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: 12}}, 4, func(a *wazuh.Alert) bool { return a.Rule.Level >= 12 }},
		"max level":    {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{MaxLevel: 3}}, -1, func(a *wazuh.Alert) bool { return a.Rule.Level <= 3 }},
		"levels":       {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: 10, MaxLevel: 10}}, -1, func(a *wazuh.Alert) bool { return a.Rule.Level == 10 }},
		"agent":        {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{AgentID: "7"}}, 33, func(a *wazuh.Alert) bool { return a.Agent.ID == "007" }},
		"agent name":   {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{AgentName: "WIN-DC01"}}, -1, func(a *wazuh.Alert) bool { return a.Agent.ID == "003" }},
		"rule":         {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{RuleID: "5710"}}, 24, func(a *wazuh.Alert) bool { return a.Rule.ID == "5710" }},
		"group":        {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{RuleGroup: "authentication_failures"}}, -1, func(a *wazuh.Alert) bool { return has(a.Rule.Groups, "authentication_failures") }},
		"part of one":  {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{RuleGroup: "authentication"}}, 0, nil},
		"technique":    {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"t1110"}}}, 33, func(a *wazuh.Alert) bool { return strings.Contains(fmt.Sprint(a.Rule.MITRE.ID), "T1110") }},
		"techniques":   {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"T1190", "T1105"}}}, 2, func(*wazuh.Alert) bool { return true }},
		"sub":          {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"T1110.001"}}}, 27, func(a *wazuh.Alert) bool { return has(a.Rule.MITRE.ID, "T1110.001") }},
		"not a parent": {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"T1110.002"}}}, 0, nil},
		"source":       {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: "198.51.100.23"}}, 31, func(a *wazuh.Alert) bool { return a.SourceIP == "198.51.100.23" }},
		"windows":      {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: "10.20.3.14"}}, 8, func(a *wazuh.Alert) bool { return a.SourceIP == "10.20.3.14" && a.DestinationUser != "" }},
		"from":         {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: wazuh.At(start)}}, -1, func(a *wazuh.Alert) bool { return a.Timestamp.After(start) }},
		"until":        {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{EndTime: wazuh.At(start)}}, -1, func(a *wazuh.Alert) bool { return a.Timestamp.Before(start) }},
		"none":         {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{AgentID: "42"}}, 0, nil},
		"together":     {wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: 10, AgentID: "007", MITREIDs: []string{"T1078"}, Search: "success"}}, 1, func(a *wazuh.Alert) bool { return a.ID == wazuhtest.AlertFailThenWin }},
	} {
		tt.in.Limit = 100
		p, err := c.GetAlerts(t.Context(), tt.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Total != len(p.Alerts) || tt.want >= 0 && p.Total != tt.want || tt.want < 0 && p.Total == 0 || p.Incomplete != "" {
			t.Errorf("%s: %d of %d alerts, want %d; %s", name, len(p.Alerts), p.Total, tt.want, p.Incomplete)
		}
		for _, a := range p.Alerts {
			if !tt.ok(a) {
				t.Errorf("%s: %+v", name, a)
			}
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	for search, want := range map[string]string{ // a rule that must be among those found; "": none is found
		"authentication":                   "40112",
		"AUTHENTICATION failures":          "5712",
		"authentication_failures":          "5712",
		"brute force":                      "5712",
		"force brute":                      "5712",
		`"force brute"`:                    "",
		"fleet-007":                        "5710",
		"198.51.100.23":                    "5715",
		"198.51.100":                       "5715",
		"svc-backup accepted":              "5715",
		"accept":                           "5715", // part of a word of the log line
		`"Accepted password for"`:          "5715",
		`"password accepted"`:              "",
		`C:\Windows\System32\drivers`:      "550",
		"powershell.exe -EncodedCommand":   "92057",
		"/etc/ssh/sshd_config":             "550",
		"/cgi-bin/test?id=1":               "31101",
		"4625":                             "60122",
		"T1110.001":                        "5710",
		"initial access":                   "5715",
		"sudo*cach":                        "5402",
		"92eb5ffee6ae2fec3ad71c777531578f": "550",
		"authentication nosuchword":        "",
		"-authentication":                  "2502", // nothing is inverted
		"a' OR 1=1; {}|&^":                 "",
	} {
		p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Search: search}, Limit: 100})
		if err != nil {
			t.Errorf("%s: %v", search, err)
			continue
		}
		if want == "" && p.Total != 0 || want != "" && !slices.ContainsFunc(p.Alerts, func(a *wazuh.Alert) bool { return a.Rule.ID == want }) {
			t.Errorf("%s: %d alerts, want rule %q", search, p.Total, want)
		}
		if p.Total > 70 {
			t.Errorf("%s finds everything", search)
		}
	}
}

func TestRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	now := time.Now()
	for _, in := range []wazuh.GetAlertsInput{
		{AlertFilter: wazuh.AlertFilter{Level: -1}}, {AlertFilter: wazuh.AlertFilter{Level: 12, MaxLevel: 3}}, {AlertFilter: wazuh.AlertFilter{AgentID: "all"}}, {AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"T1110", "TA0006"}}}, {AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"T1110*"}}},
		{AlertFilter: wazuh.AlertFilter{SourceIP: "198.51.100.0/99"}}, {AlertFilter: wazuh.AlertFilter{SourceIP: "host"}}, {AlertFilter: wazuh.AlertFilter{StartTime: wazuh.At(now), EndTime: wazuh.At(now.Add(-time.Second))}}, {AlertFilter: wazuh.AlertFilter{Search: " * "}},
		{Sort: "level"}, {Limit: -1}, {Offset: -1},
	} {
		if _, err := c.GetAlerts(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	for _, id := range []string{"", "a b", "a/b", "*", strings.Repeat("a", 257)} {
		if _, err := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: id}); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("alert %q: %v", id, err)
		}
	}
	_, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{Offset: 9_995, Limit: 6})
	if !errors.Is(err, wazuh.ErrWindow) || !strings.Contains(err.Error(), "10000") || !strings.Contains(err.Error(), "10001") {
		t.Errorf("beyond the window: %v", err)
	}
	if r := s.Requests(); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
	if _, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{Offset: 9_995, Limit: 5}); err != nil {
		t.Errorf("at the end of the window: %v", err)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	for in, want := range map[wazuh.AlertSort]wazuh.AlertSort{"": "-timestamp", "-timestamp": "-timestamp", "+timestamp": "+timestamp", "timestamp": "+timestamp"} {
		p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{Sort: in, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		rising := slices.IsSortedFunc(p.Alerts, func(a, b *wazuh.Alert) int { return a.Timestamp.Compare(b.Timestamp) })
		if p.Sort != want || rising != (want == "+timestamp") {
			t.Errorf("%q: sorted %q, rising %v", in, p.Sort, rising)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	var paged, walked []string
	for offset := 0; ; offset += 30 {
		p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{Limit: 30, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Alerts {
			paged = append(paged, a.ID)
		}
		if !p.More {
			break
		}
	}
	for a, err := range c.Alerts(t.Context(), wazuh.GetAlertsInput{Limit: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		walked = append(walked, a.ID)
	}
	if diff := cmp.Diff(paged, walked); diff != "" || len(paged) < 70 {
		t.Errorf("%d alerts (-paged +walked):\n%s", len(paged), diff)
	}
}

func TestAlertsGoesBeyondTheWindow(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	at := time.Now().Add(-time.Hour)
	const n = 10_250
	for i := range n { // a hundred at each moment: only their ids tell them apart
		s.AddAlert(at.Add(time.Duration(i/100)*time.Second), "", wazuhtest.Object{"rule": wazuhtest.Object{"id": "1", "level": 3}, "agent": wazuhtest.Object{"id": "001"}})
	}
	c := s.Client()
	seen := map[string]bool{}
	for a, err := range c.Alerts(t.Context(), wazuh.GetAlertsInput{Limit: 1000}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) == 100 { // what arrives meanwhile moves nothing
			s.AddAlert(time.Now(), "", wazuhtest.Object{"rule": wazuhtest.Object{"id": "2", "level": 3}, "agent": wazuhtest.Object{"id": "001"}})
		}
		if seen[a.ID] {
			t.Fatalf("%s comes twice", a.ID)
		}
		seen[a.ID] = true
	}
	if len(seen) != n {
		t.Errorf("%d alerts, want %d", len(seen), n)
	}
	p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{Limit: 1})
	if err != nil || p.Total != n+100 && p.Total != n+1 || p.AtLeast {
		t.Errorf("total %d, %v", p.Total, err)
	}
}

func TestAlertsStops(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	for range c.Alerts(t.Context(), wazuh.GetAlertsInput{Limit: 5}) {
		break
	}
	r := slices.DeleteFunc(s.Requests(), func(r string) bool { return !strings.HasPrefix(r, wazuhtest.IndexerAPI) })
	if len(r) != 1 {
		t.Errorf("%q for one alert", r)
	}
	s.FailNext(wazuhtest.IndexerAPI, wazuhtest.Fault{Status: 403, Body: `{"error":{"root_cause":[{"type":"security_exception","reason":"no permissions for [indices:data/read/search]"}],"type":"security_exception"},"status":403}`})
	n := 0
	for a, err := range c.Alerts(t.Context(), wazuh.GetAlertsInput{}) {
		n++
		if a != nil || !errors.Is(err, wazuh.ErrForbidden) || !strings.Contains(err.Error(), "no permissions for") {
			t.Errorf("%v, %v", a, err)
		}
	}
	if n != 1 {
		t.Errorf("%d yields, want one error", n)
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	if err != nil || !strings.Contains(p.Incomplete, "no index matches") {
		t.Errorf("without an index: %+v, %v", p, err)
	}
	if _, err := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: "x"}); !errors.Is(err, wazuh.ErrIncomplete) || errors.Is(err, wazuh.ErrNotFound) {
		t.Errorf("an alert without an index: %v", err)
	}
	s.SeedIncident()
	s.FailShards(2, "data too large")
	p, err = c.GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	if err != nil || !strings.Contains(p.Incomplete, "2 of ") || !strings.Contains(p.Incomplete, "data too large") {
		t.Errorf("with failed shards: %+v, %v", p, err)
	}
	var last error
	for _, err := range c.Alerts(t.Context(), wazuh.GetAlertsInput{}) {
		last = err
	}
	if !errors.Is(last, wazuh.ErrIncomplete) {
		t.Errorf("the iterator ends with %v", last)
	}
}

func TestGetAlert(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	a, err := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: wazuhtest.AlertBruteForce})
	if err != nil {
		t.Fatal(err)
	}
	if a.FullLog != "" || a.Data != nil || a.SourceIP != "198.51.100.23" || a.Rule.Frequency != 8 || strings.Count(a.PreviousOutput, "\n") != 7 ||
		len(a.Rule.PCIDSS) == 0 || len(a.Rule.NIST80053) == 0 || a.Rule.MITRE.ID[0] != "T1110" || a.GeoLocation == nil || a.Predecoder == nil || a.Agent.IP != "10.20.0.7" || a.Index == "" {
		t.Errorf("alert %+v", a)
	}
	own, err := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: a.WazuhID, IncludeFullLog: true, IncludeRawData: true})
	if err != nil || own.ID != a.ID || !strings.Contains(own.FullLog, "Invalid user") || !strings.Contains(string(own.Data), "srcport") {
		t.Errorf("by its own id: %+v, %v", own, err)
	}
	fim, err := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: wazuhtest.AlertFileChanged})
	if err != nil || !strings.Contains(string(fim.Syscheck), "sha256_after") || !strings.Contains(string(fim.Syscheck), "PermitRootLogin") {
		t.Errorf("fim: %+v, %v", fim, err)
	}
	if string(fim.Extra["input"]) == "" {
		t.Errorf("what isn't known is lost: %v", fim.Extra)
	}
}

func TestTwoManagersWithTheSameID(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for _, node := range []string{"a", "b"} {
		s.AddAlert(time.Now(), "doc-"+node, wazuhtest.Object{"id": "1735787045.12345", "manager": wazuhtest.Object{"name": node}, "rule": wazuhtest.Object{"id": "1"}})
	}
	_, err := s.Client().GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: "1735787045.12345"})
	if !errors.Is(err, wazuh.ErrInvalid) || !strings.Contains(err.Error(), "doc-a") || !strings.Contains(err.Error(), "doc-b") {
		t.Errorf("got %v", err)
	}
}

func TestAListHoldsNoLogUnlessAsked(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	for _, asked := range []bool{false, true} {
		p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{AgentID: "007"}, Limit: 1, IncludeFullLog: asked})
		if err != nil {
			t.Fatal(err)
		}
		a := p.Alerts[0]
		if (a.FullLog != "") != asked || a.Data != nil || a.PreviousOutput != "" || a.Predecoder != nil || len(a.Extra) > 0 {
			t.Errorf("asked %v: %+v", asked, a)
		}
	}
}

func TestIndexerErrors(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	wrong := s.Client(func(cfg *wazuh.Config) { cfg.Indexer.Password = "wrong-password" })
	_, err := wrong.GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	if !errors.Is(err, wazuh.ErrUnauthorized) || !strings.Contains(err.Error(), "Unauthorized") {
		t.Errorf("wrong password: %v", err)
	}
	s.FailNext(wazuhtest.IndexerAPI, wazuhtest.Fault{Status: 400, Body: `{"error":{"root_cause":[{"type":"query_shard_exception","reason":"the true reason"}],"type":"search_phase_execution_exception","reason":"all shards failed"},"status":400}`})
	_, err = s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	var e *wazuh.Error
	if !errors.As(err, &e) || e.Type != "query_shard_exception" || e.Message != "the true reason" || e.Detail != "all shards failed" {
		t.Errorf("got %+v", err)
	}
}

func TestWithoutAnIndexer(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client(func(cfg *wazuh.Config) { cfg.Indexer = wazuh.IndexerConfig{} })
	_, list := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	_, get := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: "x"})
	var walk error
	for _, err := range c.Alerts(t.Context(), wazuh.GetAlertsInput{}) {
		walk = err
	}
	for _, err := range []error{list, get, walk} {
		if !errors.Is(err, wazuh.ErrNoIndexer) || !strings.Contains(err.Error(), "WAZUH_INDEXER_URL") || !strings.Contains(err.Error(), "WAZUH_INDEXER_PASSWORD") {
			t.Errorf("got %v", err)
		}
	}
	if _, err := c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: "007"}); err != nil {
		t.Errorf("the rest: %v", err)
	}
}

func TestAnAlertThatCannotBeReadIsShownWithTheOthers(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	at := time.Now().Add(-time.Minute)
	s.AddAlert(at, "odd", wazuhtest.Object{"location": wazuhtest.Object{"path": "x"}, "rule": wazuhtest.Object{"id": "100200", "level": 7}, "agent": wazuhtest.Object{"id": "001", "name": 5}})
	for _, in := range []wazuh.GetAlertsInput{{Limit: 100}, {Limit: 100, IncludeRawData: true}} {
		page, err := s.Client().GetAlerts(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		others, odd := 0, ""
		for _, a := range page.Alerts {
			if a.Rule.ID == "100200" {
				odd = a.Unread
			} else if a.Unread == "" {
				others++
			}
		}
		if want := "agent.name: want a string, got number; location: want a string, got object"; odd != want || others != len(page.Alerts)-1 {
			t.Errorf("raw data %t: of the alert can't be read %q, want %q, and %d of %d are whole", in.IncludeRawData, odd, want, others, len(page.Alerts))
		}
	}
}
