package cortex_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/marking"
)

const attacker = "198.51.100.23"

func ptr[T any](v T) *T { return &v }

func TestListAnalyzersGetsMoreThanTen(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	list, err := c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{})
	if err != nil || list.Total != 16 || len(list.Analyzers) != 16 {
		t.Fatalf("%+v, %v", list, err)
	}
	if got := s.Requests(); !slices.Equal(got, []string{"GET /api/analyzer?range=all"}) {
		t.Errorf("asked %v", got)
	}
	list, err = c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{DataType: "IP"})
	if err != nil || list.Total != 10 || list.Analyzers[0].Name != "AbuseIPDB_1_0" {
		t.Errorf("%+v, %v", list, err)
	}
	list, err = c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{DataType: "asn"})
	if err != nil || list.Total != 0 || !strings.Contains(list.Note, "user-agent") {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestShortListIsAnError(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-Total", "12")
		fmt.Fprint(w, `[{"id":"a","name":"A","version":"1","dataTypeList":["ip"],"type":"analyzer"}]`)
		return true
	})
	if _, err := s.Client().ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{}); err == nil || !strings.Contains(err.Error(), "1 of 12") {
		t.Errorf("%v", err)
	}
}

func TestAnalyzeObservable(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	a, err := s.Client().AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{
		Data: "198[.]51[.]100[.]23", Analyzers: []string{"virustotal", "AbuseIPDB_1_0", "Shodan", "shodan_host_1_0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := cortex.Verdict{Level: cortex.LevelMalicious, Malicious: 1, Suspicious: 1, Info: 1, Answered: 2, Failed: 1, Note: "2 of 3 analyzers answered"}
	if diff := cmp.Diff(want, a.Verdict); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(cortex.Observable{DataType: "ip", Data: attacker, Note: "refanged; the type was detected"}, a.Observable); diff != "" {
		t.Errorf("observable (-want +got):\n%s", diff)
	}
	var names []string
	for _, r := range a.Results {
		names = append(names, r.Analyzer+" "+string(r.Status)+" "+string(r.Level))
	}
	if diff := cmp.Diff([]string{"AbuseIPDB_1_0 Success malicious", "Shodan_Host_1_0 Failure unknown", "VirusTotal_GetReport_3_1 Success suspicious"}, names); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if !strings.Contains(a.Results[1].ErrorMessage, "Max retries exceeded") {
		t.Errorf("the failure says %q", a.Results[1].ErrorMessage)
	}
	if len(a.JobIDs) != 3 || len(a.Artifacts) != 2 || a.Artifacts[0].Analyzers[0] != "VirusTotal_GetReport_3_1" {
		t.Errorf("jobs %v, artifacts %v", a.JobIDs, a.Artifacts)
	}
	for _, sub := range s.Submissions() {
		if sub.Data != attacker || sub.DataType != "ip" || sub.TLP != 2 || sub.PAP != 2 {
			t.Errorf("submitted %+v", sub)
		}
	}
}

func TestContradictionIsFlagged(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.AddAnalyzer(cortextest.Worker{Name: "Benign_1_0", DataTypes: []string{"ip"}, Answer: func(string, string) cortextest.Answer {
		return cortextest.Answer{Taxonomies: []cortextest.Taxonomy{{Level: "Safe", Namespace: "B", Predicate: "p", Value: 1.5}}}
	}})
	a, err := s.Client().AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"benign", "abuseipdb"}})
	if err != nil || !a.Verdict.Contradiction || a.Verdict.Level != cortex.LevelMalicious || a.Verdict.Safe != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestAnalyzersRunAtTheSameTime(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(400 * time.Millisecond)
	began := time.Now()
	a, err := s.Client().AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, FanOut: true})
	if err != nil || a.Verdict.Unfinished != 0 || len(a.Results) != 10 {
		t.Fatalf("%+v, %v", a, err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("ten jobs of 400 ms took %s", took)
	}
}

func TestUnfinishedJobsAreNoError(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(time.Hour)
	c := s.Client()
	a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind"}, Timeout: 1})
	if err != nil || a.Verdict.Unfinished != 1 || a.Verdict.Complete || len(a.JobIDs) != 1 || a.Note == "" {
		t.Fatalf("%+v, %v", a, err)
	}
	r, err := c.WaitAndGetReport(t.Context(), cortex.WaitAndGetReportInput{JobID: a.JobIDs[0], Timeout: 1})
	if err != nil || r.Finished || r.Note == "" || r.Level != cortex.LevelUnknown {
		t.Errorf("%+v, %v", r, err)
	}
	art, err := c.GetJobArtifacts(t.Context(), cortex.GetJobArtifactsInput{JobID: a.JobIDs[0]})
	if err != nil || art.Status.Ended() || !strings.Contains(art.Note, "not ended") {
		t.Errorf("%+v, %v", art, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if r, err = c.WaitAndGetReport(ctx, cortex.WaitAndGetReportInput{JobID: a.JobIDs[0]}); err != nil || r.Finished {
		t.Errorf("with a deadline: %+v, %v", r, err)
	}
}

func TestCancelledAnalysisKeepsItsJobs(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	var waits atomic.Int32
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/waitreport") && waits.Add(1) == 2 { // both are submitted by then
			cancel()
		}
		return false
	})
	a, err := s.Client().AnalyzeObservable(ctx, cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind", "AbuseIPDB"}})
	if err != nil || len(a.JobIDs) != 2 || a.Verdict.Unfinished != 2 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestWaitingSurvivesABrokenProxy(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(500 * time.Millisecond)
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/waitreport") {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	})
	a, err := s.Client().AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"AbuseIPDB"}, Timeout: 20})
	if err != nil || a.Verdict.Level != cortex.LevelMalicious {
		t.Errorf("%+v, %v", a, err)
	}
	if !slices.Contains(s.Requests(), "POST /api/job/status") {
		t.Error("it did not ask for the status")
	}
}

func TestWaitsInSlices(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(3 * time.Second)
	c := s.Client()
	a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind"}})
	if err != nil || a.Verdict.Answered != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	var asked []string
	for _, r := range s.Requests() {
		if _, q, ok := strings.Cut(r, "/waitreport?"); ok {
			asked = append(asked, q)
		}
	}
	if diff := cmp.Diff([]string{"atMost=2second", "atMost=4second"}, asked); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client(func(cfg *cortex.Config) { cfg.MaxFanout = 9 })
	for _, tc := range []struct {
		in   cortex.AnalyzeObservableInput
		is   error
		want string
	}{
		{cortex.AnalyzeObservableInput{Data: attacker}, cortex.ErrSelection, "MaxMind_GeoIP_4_0"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{""}}, cortex.ErrInvalid, "analyzers[0] is blank"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind", " \t"}}, cortex.ErrInvalid, "analyzers[1] is blank"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"abuse"}}, cortex.ErrSelection, "AbuseIPDB_1_0, Abuse_Finder_3_0"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"nothing"}}, cortex.ErrSelection, `called "nothing"`},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"HashDD_Status_2_0"}}, cortex.ErrSelection, "takes hash and not ip"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"HashDD"}}, cortex.ErrSelection, "take no ip"},
		{cortex.AnalyzeObservableInput{Data: "AS64500", Analyzers: []string{"MISP"}}, cortex.ErrSelection, "autonomous-system"},
		{cortex.AnalyzeObservableInput{Data: attacker, FanOut: true}, cortex.ErrSelection, "at most 9"},
		{cortex.AnalyzeObservableInput{Data: attacker, FanOut: true, MaxAnalyzers: 50}, cortex.ErrSelection, "at most 9"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind", "MISP"}, MaxAnalyzers: 1}, cortex.ErrSelection, "at most 1"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind"}, FanOut: true}, cortex.ErrInvalid, "exclude"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind"}, TLP: ptr(cortex.TLP(marking.TLPAmberStrict))}, cortex.ErrInvalid, "got AMBER+STRICT"},
		{cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind"}, Timeout: 3601}, cortex.ErrInvalid, "timeout"},
		{cortex.AnalyzeObservableInput{Data: "file.zip", Analyzers: []string{"MISP"}}, cortex.ErrInvalid, "file name or a domain"},
		{cortex.AnalyzeObservableInput{Data: "x", DataType: "file", Analyzers: []string{"MISP"}}, cortex.ErrInvalid, "content"},
		{cortex.AnalyzeObservableInput{Data: "x", DataType: "a b", Analyzers: []string{"MISP"}}, cortex.ErrInvalid, "dataType"},
		{cortex.AnalyzeObservableInput{Data: "999.1.1.1", DataType: "ip", Analyzers: []string{"MISP"}}, cortex.ErrInvalid, "no IP address"},
	} {
		_, err := c.AnalyzeObservable(t.Context(), tc.in)
		if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v; want %q", tc.in, err, tc.want)
		}
	}
	if got := s.Submissions(); len(got) != 0 {
		t.Errorf("submitted %v", got)
	}
	for _, in := range []cortex.AnalyzeObservableInput{
		{Data: "curl/8.5.0", DataType: "user-agent", Analyzers: []string{"misp"}},
		{Data: "invoice.exe", DataType: "filename", Analyzers: []string{"misp"}},
		{Data: attacker, Analyzers: []string{"maxmind_geoip_4_0"}},
		{Data: "mail.example.com", Analyzers: []string{"VirusTotal"}},
	} {
		if _, err := c.AnalyzeObservable(t.Context(), in); err != nil {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func TestEgress(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	id := s.AddAnalyzer(cortextest.Worker{Name: "Inside_1_0", DataTypes: []string{"ip", "domain", "url", "other", "hash"}})
	s.AddAnalyzer(cortextest.Worker{Name: "Outside_1_0", DataTypes: []string{"ip", "domain", "fqdn", "url", "mail", "other", "hash", "hostname", "asn", "regexp"}})
	c := s.Client(func(cfg *cortex.Config) {
		cfg.LocalAnalyzers, cfg.InternalSuffixes = []string{"INSIDE_1_0"}, []string{"bank.example"}
	})
	run := func(in cortex.AnalyzeObservableInput) error {
		_, err := c.AnalyzeObservable(t.Context(), in)
		return err
	}
	for _, in := range []cortex.AnalyzeObservableInput{
		{Data: "10.20.0.7"},
		{Data: "10[.]20[.]0[.]7"},
		{Data: "::ffff:10.20.0.7"},
		{Data: "fe80::1%eth0"},
		{Data: "10.0.0.0/8", DataType: "ip"},
		{Data: "0.0.0.0/0", DataType: "ip"},
		{Data: "10.20.0.7", DataType: "other"},
		{Data: "10[.]20[.]0[.]7", DataType: "other"},
		{Data: "10.20.0.7", DataType: "hash"},
		{Data: "fleet-007", DataType: "domain"},
		{Data: "fleet-007", DataType: "hostname"},
		{Data: "dc01.corp"},
		{Data: "www.bank.example"},
		{Data: "svc-backup@dc01.corp"},
		{Data: "http://fleet-007/"},
		{Data: "https://user:pw@example.com/"},
		{Data: "hxxps://example[.]com/?token=abc"},
		{Data: "http://2130706433/"},
		{Data: attacker, TLP: ptr(cortex.TLPRed)},
		{Data: attacker, PAP: ptr(cortex.PAPRed)},
		{Data: attacker, Message: "seen on 10.20.0.7"},
		{Data: attacker, Parameters: map[string]json.RawMessage{"host": json.RawMessage(`"dc01.corp"`)}},
	} {
		in.Analyzers = []string{"Outside_1_0"}
		if err := run(in); !errors.Is(err, cortex.ErrEgress) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if err := run(cortex.AnalyzeObservableInput{Data: "10.20.0.7", Analyzers: []string{"Inside_1_0", "Outside_1_0"}}); !errors.Is(err, cortex.ErrEgress) {
		t.Errorf("inside and outside: %v", err)
	}
	if got := s.Submissions(); len(got) != 0 {
		t.Errorf("submitted %v", got)
	}
	for _, in := range []cortex.AnalyzeObservableInput{
		{Data: "10.20.0.7", Analyzers: []string{"Inside_1_0"}},
		{Data: "http://fleet-007/?a=b", Analyzers: []string{id}},
	} {
		if err := run(in); err != nil {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func TestSecretsComeOutNowhere(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.AddAnalyzer(cortextest.Worker{Name: "Leaky_1_0", DataTypes: []string{"ip"}, Answer: func(string, string) cortextest.Answer {
		return cortextest.Answer{
			Full: map[string]any{
				"input": map[string]any{"config": map[string]any{"key": cortextest.Secret, "max_tlp": 2}}, "kept": "yes", "count": 12345678901234567,
				"called otherwise": map[string]any{"check_tlp": true, "key": cortextest.Secret},
				"deep":             []any{map[string]any{"Api-Key": cortextest.Secret, "config": map[string]any{"key": cortextest.Secret, "c2": "203.0.113.9"}}},
				"text":             `{"config": {"check_tlp": true, "key": "` + cortextest.Secret + `"}}`,
			},
			Operations: []map[string]any{{"type": "x", "password": cortextest.Secret}},
		}
	}})
	for _, key := range []string{cortextest.Key, cortextest.AdminKey} {
		c := s.Client(func(cfg *cortex.Config) { cfg.APIKey = key })
		var out []any
		keep := func(v any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		keep(c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{}))
		keep(c.GetStatus(t.Context(), cortex.GetStatusInput{}))
		a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{cortextest.AlwaysFails, "Leaky_1_0"}})
		keep(a, err)
		for _, id := range a.JobIDs {
			keep(c.WaitAndGetReport(t.Context(), cortex.WaitAndGetReportInput{JobID: id}))
			keep(c.GetJobArtifacts(t.Context(), cortex.GetJobArtifactsInput{JobID: id}))
		}
		b, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b) + fmt.Sprintf("%+v %#v", s.Config(), c)
		for _, secret := range []string{cortextest.Secret, key} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("a secret came out: …%s…", text[max(0, i-200):i+10])
			}
		}
		for _, want := range []string{"203.0.113.9", `"kept":"yes"`, "12345678901234567", "Max retries exceeded"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s was lost", want)
			}
		}
	}
	list, err := s.Client(func(cfg *cortex.Config) { cfg.APIKey = cortextest.AdminKey }).ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{})
	if err != nil || list.Analyzers[0].MaxTLP == nil || *list.Analyzers[0].MaxTLP != 2 {
		t.Errorf("the limits of an analyzer: %+v, %v", list.Analyzers[0], err)
	}
}

func TestCacheAndForce(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	in := cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind"}, Label: "l", Message: "m", Parameters: map[string]json.RawMessage{"a": json.RawMessage("1")}}
	first, err := c.AnalyzeObservable(t.Context(), in)
	if err != nil || first.Results[0].FromCache {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := c.AnalyzeObservable(t.Context(), in)
	if err != nil || !again.Results[0].FromCache || again.JobIDs[0] != first.JobIDs[0] {
		t.Errorf("%+v, %v", again, err)
	}
	in.Force = true
	forced, err := c.AnalyzeObservable(t.Context(), in)
	if err != nil || forced.Results[0].FromCache || forced.JobIDs[0] == first.JobIDs[0] {
		t.Errorf("%+v, %v", forced, err)
	}
	if got := s.Submissions()[0]; got.Label != "l" || got.Message != "m" || got.Parameters != `{"a":1}` {
		t.Errorf("submitted %+v", got)
	}
}

func TestOneRefusalLosesNothing(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.AddAnalyzer(cortextest.Worker{Name: "Limited_1_0", DataTypes: []string{"ip"}, Rate: 1, RateUnit: "Hour"})
	c := s.Client()
	if _, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: "8.8.8.8", Analyzers: []string{"Limited"}}); err != nil {
		t.Fatal(err)
	}
	a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"Limited", "MaxMind"}})
	if err != nil || a.Results[0].Status != cortex.StatusNotSubmitted || !strings.Contains(a.Results[0].ErrorMessage, "Rate limit of 1 per Hour") || a.Results[1].Status != cortex.StatusSuccess {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err = c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"Limited"}}); !errors.Is(err, cortex.ErrRateLimited) {
		t.Errorf("all refused: %v", err)
	}
}

func TestLostAnswerIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	var runs atomic.Int32
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/run") {
			runs.Add(1)
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	})
	_, err := s.Client().AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind"}})
	if !errors.Is(err, gate.ErrOutcomeUnknown) || runs.Load() != 1 {
		t.Errorf("%d submissions, %v", runs.Load(), err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	key := func(k string) *cortex.Client { return s.Client(func(cfg *cortex.Config) { cfg.APIKey = k }) }
	run := cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"MaxMind"}}
	_, unauthorized := key("not-a-key").ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{})
	_, forbidden := key(cortextest.ReadKey).AnalyzeObservable(t.Context(), run)
	_, nothing := s.Client().WaitAndGetReport(t.Context(), cortex.WaitAndGetReportInput{JobID: "nope"})
	_, nothing2 := s.Client().GetJobArtifacts(t.Context(), cortex.GetJobArtifactsInput{JobID: "nope"})
	for _, tc := range []struct {
		err, is error
		want    string
	}{
		{unauthorized, cortex.ErrUnauthorized, "Authentication failure"},
		{forbidden, cortex.ErrForbidden, "Insufficient rights"},
		{nothing, cortex.ErrNotFound, "job nope not found"},
		{nothing2, cortex.ErrNotFound, `job "nope"`},
	} {
		if !errors.Is(tc.err, tc.is) || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%v, want %q", tc.err, tc.want)
		}
	}
	for _, id := range []string{"", ".", "..", "a/b", "a?b", "a%2f"} {
		s.Requests()
		if _, err := s.Client().WaitAndGetReport(t.Context(), cortex.WaitAndGetReportInput{JobID: id}); err == nil || len(s.Requests()) != 0 {
			t.Errorf("job id %q: %v", id, err)
		}
	}
	s.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(520)
		fmt.Fprint(w, "null")
		return true
	})
	if _, err := s.Client().GetStatus(t.Context(), cortex.GetStatusInput{}); err == nil || !strings.Contains(err.Error(), "isn't initialised") {
		t.Errorf("%v", err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	for key, want := range map[string]cortex.Status{
		cortextest.Key:     {Healthy: true, User: "analyst@soc.example", Organisation: "soc", Roles: []string{"read", "analyze"}, Can: []string{"list analyzers, responders and jobs, and read reports", "run analyzers and responders, and delete jobs"}},
		cortextest.ReadKey: {Problem: "the key lacks the role analyze, without which no analyzer can be run", User: "reader@soc.example", Organisation: "soc", Roles: []string{"read"}, Can: []string{"list analyzers, responders and jobs, and read reports"}},
		"another key":      {Problem: "the key is not taken: it is wrong, or its user or organisation is locked", Roles: []string{}, Can: []string{}},
	} {
		got, err := s.Client(func(cfg *cortex.Config) { cfg.APIKey = key }).GetStatus(t.Context(), cortex.GetStatusInput{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Version != "4.1.0-1" || len(got.Versions) != 5 {
			t.Errorf("versions %v", got.Versions)
		}
		got.Version, got.Versions, got.AuthTypes, got.Capabilities = "", nil, nil, nil
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	}
}

func TestResponderInput(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	ok := cortex.RunResponderInput{ResponderID: "Mailer_1_0", ObjectType: cortex.ObjectCase, ObjectID: "~4096", Data: json.RawMessage(thecase)}
	for name, tc := range map[string]struct {
		change func(*cortex.RunResponderInput)
		is     error
		want   string
	}{
		"no data":        {func(in *cortex.RunResponderInput) { in.Data = nil }, cortex.ErrInvalid, "data is needed"},
		"no object":      {func(in *cortex.RunResponderInput) { in.Data = json.RawMessage(`["x"]`) }, cortex.ErrInvalid, "want an object"},
		"empty":          {func(in *cortex.RunResponderInput) { in.Data = json.RawMessage(`{}`) }, cortex.ErrInvalid, "isn't empty"},
		"another":        {func(in *cortex.RunResponderInput) { in.ObjectID = "~1" }, cortex.ErrInvalid, "data is not the case ~1"},
		"another number": {func(in *cortex.RunResponderInput) { in.ObjectID = "13" }, cortex.ErrInvalid, "data is not the case 13"},
		"two ids":        {func(in *cortex.RunResponderInput) { in.Data = json.RawMessage(`{"_id":"~1","_ID":"~4096"}`) }, cortex.ErrInvalid, "data is not the case"},
		"another type":   {func(in *cortex.RunResponderInput) { in.ObjectType = cortex.ObjectAlert }, cortex.ErrInvalid, `_type is "case"`},
		"unknown type":   {func(in *cortex.RunResponderInput) { in.ObjectType = "event" }, cortex.ErrInvalid, "objectType"},
		"a part of name": {func(in *cortex.RunResponderInput) { in.ResponderID = "Mailer" }, cortex.ErrSelection, "Mailer_1_0"},
		"wrong responder": {func(in *cortex.RunResponderInput) { in.ResponderID = "Firewall_Block_1_0" }, cortex.ErrSelection,
			"takes thehive:case_artifact and not thehive:case"},
		"lower tlp": {func(in *cortex.RunResponderInput) { in.TLP = ptr(cortex.TLPClear) }, cortex.ErrInvalid, "lower than that of the entity"},
	} {
		in := ok
		tc.change(&in)
		if _, err := c.RunResponder(t.Context(), in); !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want %q", name, err, tc.want)
		}
	}
	if got := s.Submissions(); len(got) != 0 {
		t.Errorf("submitted %v", got)
	}
	in := ok
	in.ObjectID, in.Message, in.Parameters = "12", "now", map[string]json.RawMessage{"to": json.RawMessage(`"soc"`)}
	job, err := c.RunResponder(t.Context(), in)
	if err != nil || job.ResponderName != "Mailer_1_0" || job.JobID == "" || job.Status != cortex.StatusWaiting {
		t.Fatalf("%+v, %v", job, err)
	}
	rep, err := c.WaitAndGetReport(t.Context(), cortex.WaitAndGetReportInput{JobID: job.JobID})
	if err != nil || rep.Status != cortex.StatusSuccess || rep.Data != "" || !strings.Contains(string(rep.Full), "message sent") {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestConfigFromEnv(t *testing.T) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "CORTEX_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("CORTEX_MAX_FANOUT", "ten")
	t.Setenv("CORTEX_VERFY_SSL", "false")
	t.Setenv("CORTEX_ALLOW_DESTRUCTIVE", "ja")
	_, err := cortex.ConfigFromEnv()
	for _, want := range []string{"CORTEX_URL is not set", "CORTEX_API_KEY is not set", `CORTEX_MAX_FANOUT is "ten"`, `CORTEX_ALLOW_DESTRUCTIVE is "ja": want true or false`, "did you mean CORTEX_VERIFY_SSL?"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	os.Unsetenv("CORTEX_VERFY_SSL")
	for name, value := range map[string]string{
		"CORTEX_URL": "https://cortex.example.org/", "CORTEX_API_KEY": "k", "CORTEX_MAX_FANOUT": "3", "CORTEX_TIMEOUT": "7",
		"CORTEX_VERIFY_SSL": "false", "CORTEX_SUPERADMIN_KEY": "x", "CORTEX_ALLOW_DESTRUCTIVE": "1", "CORTEX_FILE_BASE_DIR": "/x",
		"CORTEX_KEY_DIR": "/k", "CORTEX_SECRETS_DIR": "/s", "CORTEX_LOCAL_ANALYZERS": "Inside_1_0, ,Other_2_0", "CORTEX_INTERNAL_SUFFIXES": "bank.example",
	} {
		t.Setenv(name, value)
	}
	c, err := cortex.ConfigFromEnv()
	if err != nil || c.MaxFanout != 3 || c.Timeout != 7*time.Second || !c.SkipTLSVerify {
		t.Errorf("%+v, %v", c, err)
	}
	got := []string{c.SuperadminKey, c.FileBaseDir, c.KeyDir, c.SecretsDir, strings.Join(c.LocalAnalyzers, "|"), strings.Join(c.InternalSuffixes, "|")}
	if diff := cmp.Diff([]string{"x", "/x", "/k", "/s", "Inside_1_0|Other_2_0", "bank.example"}, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if _, err := cortex.New(c); err != nil {
		t.Error(err)
	}
}
