package wazuh_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// noisy is a Wazuh whose scanner raises 60 alerts of rule 5710 in ten days, and others 12.
func noisy(t *testing.T) *wazuhtest.Server {
	t.Helper()
	s := wazuhtest.New(t)
	s.SeedNoise(time.Now(), 60, 12, 20)
	return s
}

func preview(t *testing.T, c *wazuh.Client, in wazuh.TunePreviewInput) *wazuh.TunePreview {
	t.Helper()
	p, err := c.TunePreview(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPreviewProposesTheNarrowestRuleAndMeasuresIt(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	c := s.Client()
	id := "noise" + strings.ReplaceAll(wazuhtest.NoiseIP, ".", "") + "0"
	s.Requests()
	p := preview(t, c, wazuh.TunePreviewInput{AlertID: id})
	asked := 0
	for _, r := range s.Requests() {
		if strings.HasPrefix(r, "indexer ") {
			asked++
		}
	}
	if asked > 6 {
		t.Errorf("%d requests to the indexer", asked)
	}
	want := []wazuh.TuningCondition{{Field: "srcip", Value: wazuhtest.NoiseIP}, {Field: "user", Value: "nessus"}, {Field: "hostname", Value: "web-01"}, {Field: "program_name", Value: "sshd"}}
	if diff := cmp.Diff(want, p.Tuning.Conditions); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if p.Silenced.Alerts != 60 || p.Kept.Alerts != 12 || p.Total != 72 {
		t.Errorf("silenced %d, kept %d, total %d; want 60, 12, 72", p.Silenced.Alerts, p.Kept.Alerts, p.Total)
	}
	if len(p.Silenced.Examples) != 3 || len(p.Kept.Sources) != 1 || p.Kept.Sources[0].Value != "198.51.100.77" || p.Silenced.Hosts[0].Name != "web-01" {
		t.Errorf("silenced %+v\nkept %+v", p.Silenced, p.Kept)
	}
	for _, line := range []string{`<rule id="119000" level="0">`, "<if_sid>5710</if_sid>", "<srcip>" + wazuhtest.NoiseIP + "</srcip>", `<hostname type="pcre2">^web\-01$</hostname>`} {
		if !strings.Contains(p.XML, line+"\n") {
			t.Errorf("the rule lacks %s:\n%s", line, p.XML)
		}
	}
	if len(p.CountOnIt) != 1 || p.CountOnIt[0].ID != 5712 {
		t.Errorf("counted by %+v, want 5712", p.CountOnIt)
	}
	if p.Apply == nil || p.Apply.FileSHA256 != "absent" || p.Apply.Days != 30 {
		t.Errorf("apply: %+v", p.Apply)
	}
	byRule := preview(t, c, wazuh.TunePreviewInput{RuleID: "5710"})
	if diff := cmp.Diff(want, byRule.Tuning.Conditions); diff != "" {
		t.Errorf("by rule (-want +got):\n%s", diff)
	}
}

func TestAPreviewWarns(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	s.SeedIncident()
	c := s.Client(func(cfg *wazuh.Config) {
		cfg.Cases.With = func(_ context.Context, values []string) ([]string, error) {
			if slices.Contains(values, wazuhtest.NoiseIP) {
				return []string{"#7 Break-in at web-01 (TruePositive)"}, nil
			}
			return nil, nil
		}
	})
	for _, tt := range []struct {
		in   wazuh.TunePreviewInput
		want string
	}{
		{wazuh.TunePreviewInput{RuleID: "5710", WholeRule: true}, "a whole rule"},
		{wazuh.TunePreviewInput{RuleID: "5710"}, "#7 Break-in"},
		{wazuh.TunePreviewInput{RuleID: "40112", WholeRule: true}, "level 12"},
		{wazuh.TunePreviewInput{RuleID: "5710", Days: 3}, "only"},
		{wazuh.TunePreviewInput{RuleID: "5710", Conditions: []wazuh.TuningCondition{{Field: "user", Value: "nobody"}}}, "No alert of the last 30 days would"},
		{wazuh.TunePreviewInput{RuleID: "550", WholeRule: true}, "can't prove it"},
		{wazuh.TunePreviewInput{RuleID: "5710"}, "Rule 5712"},
	} {
		p := preview(t, c, tt.in)
		if !strings.Contains(strings.Join(p.Warnings, "\n"), tt.want) {
			t.Errorf("%+v lacks %q: %q", tt.in, tt.want, p.Warnings)
		}
	}
}

func TestAPreviewNamesWhatElseWouldDo(t *testing.T) {
	t.Parallel()
	const level, list, frequency = "level 3", "CDB list", "frequency"
	for _, tt := range []struct {
		what  string
		alter func(s *wazuhtest.Server)
		in    wazuh.TunePreviewInput
		want  []string
	}{
		{"a narrow rule", nil, wazuh.TunePreviewInput{RuleID: "5710"}, []string{level}},
		{"at level 3 already", nil, wazuh.TunePreviewInput{RuleID: "5710", Level: 3}, nil},
		{"many sources", func(s *wazuhtest.Server) {
			for i := range 8 {
				s.AddAlert(time.Now().Add(-time.Hour), "", with(sshdEvent(fmt.Sprint("203.0.113.", i+1), "nessus"), wazuhtest.Object{"rule": wazuhtest.Object{"id": "5710", "level": 5}, "agent": wazuhtest.Object{"id": "001", "name": "web-01"}}))
			}
		}, wazuh.TunePreviewInput{RuleID: "5710"}, []string{level, list}},
		{"many alerts", func(s *wazuhtest.Server) { s.SeedNoise(time.Now(), 300, 1, 1) }, wazuh.TunePreviewInput{RuleID: "5710", Days: 1}, []string{level, frequency}},
	} {
		s := noisy(t)
		if tt.alter != nil {
			tt.alter(s)
		}
		got := preview(t, s.Client(), tt.in).Alternatives
		for _, word := range []string{level, list, frequency} {
			if has := slices.ContainsFunc(got, func(a string) bool { return strings.Contains(a, word) }); has != slices.Contains(tt.want, word) {
				t.Errorf("%s: %q, of which it names %q: %t", tt.what, got, word, has)
			}
		}
	}
}

func with(o, more wazuhtest.Object) wazuhtest.Object {
	for k, v := range more {
		o[k] = v
	}
	return o
}

func TestAPreviewRefusesWhatItCannotMean(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	c := s.Client()
	for _, in := range []wazuh.TunePreviewInput{
		{}, {RuleID: "x"}, {RuleID: "5710", Days: 91}, {RuleID: "5710", Level: 16}, {AlertID: "a b"},
		{RuleID: "5710", WholeRule: true, Conditions: []wazuh.TuningCondition{{Field: "user", Value: "a"}}},
		{RuleID: "5710", Conditions: []wazuh.TuningCondition{{Field: "srcip", Value: "10.0.0.0/8"}}},
		{RuleID: "5710", Conditions: []wazuh.TuningCondition{{Field: "srcuser", Value: "a"}}},
		{RuleID: "5710", Conditions: []wazuh.TuningCondition{{Field: `a"><x`, Value: "a"}}},
		{RuleID: "5710", Conditions: []wazuh.TuningCondition{{Field: "user", Value: "a\nb"}}},
		{RuleID: "5710", Conditions: []wazuh.TuningCondition{{Field: "user", Value: "a"}, {Field: "user", Value: "b"}}},
	} {
		if _, err := c.TunePreview(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if _, err := c.TunePreview(t.Context(), wazuh.TunePreviewInput{RuleID: "99999"}); !errors.Is(err, wazuh.ErrNotFound) {
		t.Errorf("a rule that there isn't: %v", err)
	}
	s.SetVersion("5.1.0")
	if _, err := s.Client().TunePreview(t.Context(), wazuh.TunePreviewInput{RuleID: "5710"}); !errors.Is(err, wazuh.ErrUnsupported) || !strings.Contains(err.Error(), "logtest") {
		t.Errorf("Wazuh 5: %v", err)
	}
	bare := s.Client(func(cfg *wazuh.Config) { cfg.Indexer = wazuh.IndexerConfig{} })
	if _, err := bare.TunePreview(t.Context(), wazuh.TunePreviewInput{RuleID: "5710"}); !errors.Is(err, wazuh.ErrNoIndexer) {
		t.Errorf("without an indexer: %v", err)
	}
}

// A meter counts what an indexer is asked and what it answers.
type meter struct {
	http.RoundTripper
	requests, bytes atomic.Int64
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := m.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	m.requests.Add(1)
	res.Body = metered{res.Body, &m.bytes}
	return res, nil
}

type metered struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b metered) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

// previewed makes a preview of so many alerts, a second apart up to now, and counts.
func previewed(tb testing.TB, alerts int) (requests, bytes int64) {
	tb.Helper()
	s := wazuhtest.New(tb)
	s.Generate(alerts, time.Now().Add(-time.Duration(alerts+100)*time.Second))
	var m meter
	c := s.Client(func(cfg *wazuh.Config) {
		cfg.Indexer.Timeout = 5 * time.Minute
		cfg.Indexer.Wrap = func(rt http.RoundTripper) http.RoundTripper { m.RoundTripper = rt; return &m }
	})
	p, err := c.TunePreview(tb.Context(), wazuh.TunePreviewInput{RuleID: "5710"})
	if err != nil {
		tb.Fatal(err)
	}
	if p.Total < alerts/1000 || p.Silenced.Alerts+p.Kept.Alerts != p.Total {
		tb.Errorf("of %d alerts it counts %d: %d silenced, %d kept", alerts, p.Total, p.Silenced.Alerts, p.Kept.Alerts)
	}
	return m.requests.Load(), m.bytes.Load()
}

func TestAPreviewOfManyAlertsNeedsSixQuestionsWithSmallAnswers(t *testing.T) {
	t.Parallel()
	if requests, bytes := previewed(t, 20_000); requests > 6 || bytes > 128<<10 {
		t.Errorf("%d requests to the indexer, want at most 6, and %d bytes of answers", requests, bytes)
	}
}

func BenchmarkPreviewOfAMillionAlerts(b *testing.B) {
	for b.Loop() {
		requests, bytes := previewed(b, 1_000_000)
		b.ReportMetric(float64(requests), "requests/op")
		b.ReportMetric(float64(bytes), "answer-B/op")
	}
}

// apply returns the arguments that the preview of the noise gives.
func apply(t *testing.T, c *wazuh.Client) wazuh.ApplyTuningInput {
	t.Helper()
	in := *preview(t, c, wazuh.TunePreviewInput{RuleID: "5710"}).Apply
	in.Reason, in.WaitSeconds = "our own scanner -- allowed & wanted <every night>", 2
	return in
}

// approvedTuning returns a client behind a gate in which the tuning in, which s is to carry out,
// is approved as the proposal id: for the rule file as it was in the preview, or anyhow.
func approvedTuning(t *testing.T, s *wazuhtest.Server, anyFile bool) (g *gatetest.Gate, c *wazuh.Client, in wazuh.ApplyTuningInput, id string) {
	t.Helper()
	g = gatetest.New(t)
	c = s.Client(func(cfg *wazuh.Config) { cfg.Guard = g.Guard })
	if in = apply(t, c); anyFile {
		in.FileSHA256 = ""
	}
	res, err := do(t, g, c, "wazuh_apply_tuning", in)
	if err != nil {
		t.Fatal(err)
	}
	g.Approve(res.Proposal.ID)
	return g, c, in, res.Proposal.ID
}

func sshdEvent(from, user string) wazuhtest.Object {
	return wazuhtest.Object{
		"decoder": wazuhtest.Object{"name": "sshd", "parent": "sshd"}, "location": "/var/log/auth.log",
		"data":       wazuhtest.Object{"srcip": from, "srcport": "41000", "srcuser": user},
		"predecoder": wazuhtest.Object{"program_name": "sshd", "hostname": "web-01"},
		"full_log":   fmt.Sprintf("Nov 30 01:02:03 web-01 sshd[1]: Invalid user %s from %s port 41000", user, from),
	}
}

func TestANoisyRuleIsSilencedProvenReviewedAndReverted(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.14.7", "4.9.2"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := noisy(t)
			s.SetVersion(version)
			c := s.Client()
			in := apply(t, c)
			done, err := c.ApplyTuning(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if done.TuningID != 119000 || done.Proven != 6 || done.ByRestart != (version == "4.9.2") {
				t.Errorf("done: %+v", done)
			}
			if s.Raise(time.Now(), 5710, "001", sshdEvent(wazuhtest.NoiseIP, "nessus")) != "" {
				t.Error("the noise still alerts")
			}
			if s.Raise(time.Now(), 5710, "001", sshdEvent("198.51.100.77", "root")) == "" || s.Raise(time.Now(), 5710, "001", sshdEvent(wazuhtest.NoiseIP, "root")) == "" {
				t.Error("others are silent too")
			}
			if n := s.Sessions(); n != 0 {
				t.Errorf("%d sessions of logtest are left open", n)
			}
			l, err := c.ListTunings(t.Context(), wazuh.ListTuningsInput{})
			if err != nil || len(l.Tunings) != 1 {
				t.Fatalf("tunings: %+v, %v", l, err)
			}
			got := l.Tunings[0]
			if diff := cmp.Diff(in.Tuning, got.Tuning); diff != "" {
				t.Errorf("the tuning as it is in the file (-want +got):\n%s", diff)
			}
			if got.Reason != "our own scanner - - allowed + wanted (every night)" || got.Expires != in.Expires || got.Expired || got.PerDayBefore < 2 {
				t.Errorf("listed: %+v", got)
			}
			undone, err := c.RevertTuning(t.Context(), wazuh.RevertTuningInput{TuningID: 119000, WaitSeconds: 2})
			if err != nil {
				t.Fatal(err)
			}
			if _, there := s.RuleFile(wazuh.TuningFile); there || undone.SHA256 != "absent" || undone.Proven != 3 {
				t.Errorf("the file is still there, or it isn't proven: %+v", undone)
			}
			if s.Raise(time.Now(), 5710, "001", sshdEvent(wazuhtest.NoiseIP, "nessus")) == "" {
				t.Error("after the revert it is still silent")
			}
			if _, err := c.RevertTuning(t.Context(), wazuh.RevertTuningInput{TuningID: 119000}); !errors.Is(err, wazuh.ErrNotFound) {
				t.Errorf("reverting twice: %v", err)
			}
		})
	}
}

func TestOneOfSeveralTuningsIsRevertedAndNoOther(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	c := s.Client()
	if _, err := c.ApplyTuning(t.Context(), apply(t, c)); err != nil {
		t.Fatal(err)
	}
	second := preview(t, c, wazuh.TunePreviewInput{RuleID: "5710", Level: 3, Conditions: []wazuh.TuningCondition{{Field: "srcip", Value: "198.51.100.77"}}}).Apply
	second.Reason, second.WaitSeconds = "a partner, to be seen but no more", 2
	if _, err := c.ApplyTuning(t.Context(), *second); err != nil {
		t.Fatal(err)
	}
	before, _ := s.RuleFile(wazuh.TuningFile)
	if diff := cmp.Diff([]int{100001, 119000, 119001}, s.RulesInForce()); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
	if id := s.Raise(time.Now(), 5710, "001", sshdEvent("198.51.100.77", "root")); id == "" || fmt.Sprint(s.Alert(id)["rule"].(map[string]any)["level"]) != "3" {
		t.Errorf("the second is not of level 3: %v", s.Alert(id))
	}
	if _, err := c.RevertTuning(t.Context(), wazuh.RevertTuningInput{TuningID: 119000, WaitSeconds: 2}); err != nil {
		t.Fatal(err)
	}
	after, _ := s.RuleFile(wazuh.TuningFile)
	if strings.Contains(after, "119000") || !strings.Contains(before, after[strings.Index(after, "<!-- sallyport tuning 119001"):]) {
		t.Errorf("what is left:\n%s", after)
	}
	if diff := cmp.Diff([]int{100001, 119001}, s.RulesInForce()); diff != "" {
		t.Errorf("in force (-want +got):\n%s", diff)
	}
}

// What a manager may answer once.
const (
	silentEvent   = `{"error": 0, "data": {"messages": [], "token": "0000000f", "alert": false, "codemsg": 0, "output": {"rule": {"id": "5715", "level": 0}}}}`
	loudEvent     = `{"error": 0, "data": {"messages": [], "token": "0000000f", "alert": true, "codemsg": 0, "output": {"rule": {"id": "5710", "level": 5}}}}`
	uploaded      = `{"data": {"affected_items": ["etc/rules/sallyport_tuning.xml"], "total_affected_items": 1, "total_failed_items": 0, "failed_items": []}, "message": "File was successfully uploaded", "error": 0}`
	refusedUpload = `{"data": {"affected_items": [], "total_affected_items": 0, "total_failed_items": 1, "failed_items": [{"error": {"code": 1113, "message": "XML syntax error"}, "id": ["etc/rules/sallyport_tuning.xml"]}]}, "message": "Could not upload", "error": 1}`
	warned        = `{"data": {"affected_items": [{"name": "manager", "msg": "WARNING: (7617): Signature ID '999999' was not found and will be ignored in the 'if_sid' option of rule '119000'."}], "total_affected_items": 1, "total_failed_items": 0, "failed_items": []}, "message": "Reload request sent to ", "error": 0}`
)

// lies has a manager answer a request once, the first of its kind behind some of them and
// behind another request. A silent event is so for all that are tried before.
func lies(s *wazuhtest.Server, request, behind string, some int, body string) {
	seen, answered := behind == "", false
	s.OnRequest(func(r string) {
		seen = seen || strings.Contains(r, behind)
		if !seen || answered || !strings.Contains(r, request) {
			return
		}
		if some--; some < 0 {
			answered = behind != "" || body != silentEvent
			s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 200, Body: body})
		}
	})
}

// Each failing step leaves the manager as it was, on disk and in force.
func TestWhateverStepFailsTheManagerIsAsItWas(t *testing.T) {
	t.Parallel()
	const other = "<!-- by hand -->\n<group name=\"local,\">\n<rule id=\"100300\" level=\"4\">\n<if_sid>5715</if_sid>\n<description>mine</description>\n</rule>\n</group>\n"
	for name, tt := range map[string]struct {
		breaks func(s *wazuhtest.Server)
		step   string
		says   string
	}{
		"logtest is down":               {func(s *wazuhtest.Server) { s.StopLogtest(true) }, "try the events with the rules as they are", "nothing was changed"},
		"the user may not write":        {func(s *wazuhtest.Server) { s.Forbid("rules:update") }, "write the rule file", "Permission"},
		"the user may not delete":       {func(s *wazuhtest.Server) { s.Forbid("rules:delete") }, "write the rule file", "the old file is back"},
		"the configuration is refused":  {func(s *wazuhtest.Server) { s.RefuseValidation("(1230): Invalid element in the configuration: 'x'.") }, "validate the configuration", "Invalid element"},
		"the rules can't be loaded":     {func(s *wazuhtest.Server) { s.RefuseReload("ERROR: (1220): Error loading the rules") }, "load the rules", "Error loading"},
		"the user may not load":         {func(s *wazuhtest.Server) { s.Forbid("manager:restart") }, "load the rules", "Permission"},
		"an event doesn't alert before": {func(s *wazuhtest.Server) { lies(s, "PUT /logtest", "", 0, silentEvent) }, "try the events with the rules as they are", "is silent by rule"},
		"an event still alerts after":   {func(s *wazuhtest.Server) { lies(s, "PUT /logtest", "PUT /rules/files", 0, loudEvent) }, "try the events with the new rules", "alerts by rule 5710"},
		"a kept event falls silent":     {func(s *wazuhtest.Server) { lies(s, "PUT /logtest", "PUT /rules/files", 3, silentEvent) }, "try the events with the new rules", "is silent by rule"},
		"the upload does nothing":       {func(s *wazuhtest.Server) { lies(s, "PUT /rules/files", "", 0, uploaded) }, "write the rule file", "not the one that was written"},
		"the upload is refused":         {func(s *wazuhtest.Server) { lies(s, "PUT /rules/files", "", 0, refusedUpload) }, "write the rule file", "1113"},
		"the loader warns":              {func(s *wazuhtest.Server) { lies(s, "PUT /manager/analysisd/reload", "", 0, warned) }, "load the rules", "(7617)"},
		"an event alerts at the end":    {func(s *wazuhtest.Server) { lies(s, "PUT /logtest", "PUT /manager/analysisd/reload", 0, loudEvent) }, "verify", "alerts by rule 5710"},
		"the manager stays away":        {func(s *wazuhtest.Server) { s.SetVersion("4.9.2"); s.SlowRestart(0, true) }, "wait for the manager", "analysisd must run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := noisy(t)
			withFile(t, s, wazuh.TuningFile, other)
			in := apply(t, s.Client())
			force := s.RulesInForce()
			tt.breaks(s)
			_, err := s.Client().ApplyTuning(t.Context(), in)
			s.OnRequest(nil)
			var failed *wazuh.RulesetError
			if !errors.As(err, &failed) || failed.Step != tt.step || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error %v; want step %q and %q", err, tt.step, tt.says)
			}
			for _, done := range failed.Past {
				if !strings.Contains(err.Error(), done.Step) {
					t.Errorf("it doesn't say that it had %s: %v", done.Step, err)
				}
			}
			if text, _ := s.RuleFile(wazuh.TuningFile); text != other {
				t.Errorf("the file is not as it was:\n%s", text)
			}
			if diff := cmp.Diff(force, s.RulesInForce()); diff != "" {
				t.Errorf("in force (-want +got):\n%s", diff)
			}
		})
	}
}

func TestANewFileThatFailsIsGoneAgain(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	c := s.Client()
	in := apply(t, c)
	s.RefuseValidation("(1202): Configuration error")
	if _, err := c.ApplyTuning(t.Context(), in); err == nil || !strings.Contains(err.Error(), "the new file is gone again") {
		t.Errorf("error %v", err)
	}
	if _, there := s.RuleFile(wazuh.TuningFile); there {
		t.Error("the new file stays")
	}
}

func TestARuleThatTheLoaderIgnoresIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	// Somebody uses our first number, in a file that is loaded later.
	in := apply(t, s.Client())
	s.SetRuleFile("aaa.xml", "<group name=\"local,\"><rule id=\"119000\" level=\"4\"><if_sid>5715</if_sid><description>theirs</description></rule></group>")
	_, err := s.Client().ApplyTuning(t.Context(), in)
	if err == nil || !strings.Contains(err.Error(), "7612") {
		t.Logf("the list of rules was new enough: %v", err)
		l, lerr := s.Client().ListTunings(t.Context(), wazuh.ListTuningsInput{})
		if lerr != nil || len(l.Tunings) != 1 || l.Tunings[0].TuningID != 119001 {
			t.Errorf("neither refused nor another number: %+v, %v", l, lerr)
		}
		return
	}
	if _, there := s.RuleFile(wazuh.TuningFile); there {
		t.Error("the file stays")
	}
}

func TestAnotherFileThanInThePreviewIsRefused(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	c := s.Client()
	in := apply(t, c)
	s.SetRuleFile(wazuh.TuningFile, "<group name=\"x,\"></group>\n")
	if _, err := c.ApplyTuning(t.Context(), in); !errors.Is(err, wazuh.ErrFileChanged) {
		t.Errorf("error %v", err)
	}
}

func TestATuningWithoutReasonOrEndIsRefused(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	good := apply(t, s.Client())
	for name, change := range map[string]func(in *wazuh.ApplyTuningInput){
		"no reason":     func(in *wazuh.ApplyTuningInput) { in.Reason = "\u202e\u200b" },
		"no conditions": func(in *wazuh.ApplyTuningInput) { in.Conditions = nil },
		"both":          func(in *wazuh.ApplyTuningInput) { in.WholeRule = true },
		"no end":        func(in *wazuh.ApplyTuningInput) { in.Expires = "" },
		"in the past":   func(in *wazuh.ApplyTuningInput) { in.Expires = "2020-01-01" },
		"far away":      func(in *wazuh.ApplyTuningInput) { in.Expires = "2099-01-01" },
		"old figures":   func(in *wazuh.ApplyTuningInput) { in.MeasuredUntil = "2020-01-01T00:00:00Z" },
		"future figures": func(in *wazuh.ApplyTuningInput) {
			in.MeasuredUntil = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		},
		"long wait": func(in *wazuh.ApplyTuningInput) { in.WaitSeconds = 601 },
	} {
		in := good
		change(&in)
		if _, err := s.Client().ApplyTuning(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, there := s.RuleFile(wazuh.TuningFile); there {
		t.Error("something was written")
	}
}

func TestInAClusterTheRulesAreLoadedNodeByNode(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		s := noisy(t)
		s.SetCluster(2, "master", "worker-1", "worker-2")
		if shared {
			s.ShareAddress(false)
		}
		c := s.Client()
		in := apply(t, c)
		s.Requests()
		done, err := c.ApplyTuning(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var loads []string
		for _, r := range s.Requests() {
			if _, at, is := strings.Cut(r, "PUT /cluster/analysisd/reload?nodes_list="); is {
				loads = append(loads, at)
			}
		}
		if diff := cmp.Diff([]string{"master", "worker-1", "worker-2"}, slices.Compact(loads)); diff != "" || len(done.LoadedNodes) != 3 {
			t.Errorf("loaded, one address %v (-want +got):\n%s", shared, diff)
		}
	}
}

// do makes a call of an operation behind a gate.
func do[In any](t *testing.T, g *gatetest.Gate, c *wazuh.Client, name string, in In) (*gate.Result, error) {
	t.Helper()
	for _, op := range c.Ops() {
		if op.Name() == name {
			p := reflect.New(op.In())
			p.Elem().Set(reflect.ValueOf(in))
			return op.Do(t.Context(), g.Guard, p.Interface())
		}
	}
	t.Fatalf("there is no %s", name)
	return nil, nil
}

func TestTheApproverOfATuningSeesDiffFiguresAndWhatIsInterrupted(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	g := gatetest.New(t)
	c := s.Client(func(cfg *wazuh.Config) { cfg.Guard = g.Guard })
	in := apply(t, c)
	res, err := do(t, g, c, "wazuh_apply_tuning", in)
	if err != nil || res.State != gate.StatePending {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, there := s.RuleFile(wazuh.TuningFile); there {
		t.Fatal("written before it was approved")
	}
	screen := gate.Render(res.Proposal)
	for _, want := range []string{"+<if_sid>5710</if_sid>", "@@ -0,0 +1,", "60 of 72", "12; hosts web-01", "without a restart", "as it is now: \"absent\"", "wazuh_revert_tuning with tuning_id 119000", "{proposal}", "3 events that must fall silent"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen lacks %q:\n%s", want, screen)
		}
	}
	// The same call shows the same plan, whatever alerts arrive meanwhile.
	s.Raise(time.Now(), 5710, "001", sshdEvent(wazuhtest.NoiseIP, "nessus"))
	if again, err := do(t, g, c, "wazuh_apply_tuning", in); err != nil || again.Proposal.ID != res.Proposal.ID {
		t.Errorf("another proposal: %+v, %v", again, err)
	}
	g.Approve(res.Proposal.ID)
	if res, err = do(t, g, c, "wazuh_apply_tuning", in); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	text, _ := s.RuleFile(wazuh.TuningFile)
	if want := "proposal " + res.Proposal.ID + "; approved by operator-under-test; on " + time.Now().UTC().Format(time.DateOnly); !strings.Contains(text, want) {
		t.Errorf("the comment lacks %q:\n%s", want, text)
	}
	var steps []string
	for _, e := range g.Events() {
		if e.Kind == gate.EventProgress {
			steps = append(steps, e.Detail)
		}
	}
	if len(steps) != 7 || steps[1] != "write the rule file" {
		t.Errorf("the journal has the steps %q", steps)
	}
}

func TestAFileThatChangesAfterTheApprovalMakesItStale(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	g, c, in, id := approvedTuning(t, s, true)
	s.SetRuleFile(wazuh.TuningFile, "<group name=\"x,\"></group>\n")
	again, err := do(t, g, c, "wazuh_apply_tuning", in)
	if err != nil || again.State != gate.StatePending || again.Proposal.ID == id {
		t.Errorf("%+v, %v; want a new proposal", again, err)
	}
}

func TestATuningThatFailedAndWasTakenBackHasFailed(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	g, c, in, _ := approvedTuning(t, s, false)
	s.RefuseValidation("(1202): Configuration error")
	_, err := do(t, g, c, "wazuh_apply_tuning", in)
	if err == nil {
		t.Fatal("it went well")
	}
	kinds := g.Kinds()
	if last := kinds[len(kinds)-1]; last != gate.EventFailed {
		t.Errorf("the journal says %s: %v", last, err)
	}
}

func TestWhatIsStoppedByAFreezeSaysHowTheRulesStand(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	g, c, in, _ := approvedTuning(t, s, false)
	s.OnRequest(func(r string) {
		if strings.Contains(r, "PUT /manager/analysisd/reload") || strings.Contains(r, "/manager/configuration/validation") {
			j, err := g.Journal()
			if err == nil {
				_ = j.Freeze("alice", "stop")
			}
		}
	})
	_, err := do(t, g, c, "wazuh_apply_tuning", in)
	if err == nil || !strings.Contains(err.Error(), "THE OLD FILE MAY NOT BE BACK") {
		t.Errorf("error %v", err)
	}
	kinds := g.Kinds()
	if last := kinds[len(kinds)-1]; last != gate.EventUnknown {
		t.Errorf("the journal says %s", last)
	}
}
