package cortex_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

// What Cortex 4.1 does where one would think otherwise, and what the client
// makes of it.

func TestEveryPageOfALargePageOfJobsIsAnswered(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{500, 200, 101, 100, 37} {
		s := cortextest.New(t)
		want := len(many(s, 700, time.Now().Add(-time.Hour))) + 2
		c := s.Client()
		seen := map[string]bool{}
		in := cortex.ListJobsInput{Limit: limit}
		for {
			p, err := c.ListJobs(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if *p.Total > want || p.AtLeast {
				t.Errorf("total %d of %d", *p.Total, want)
			}
			for _, j := range p.Jobs {
				if seen[j.ID] {
					t.Fatalf("limit %d: %s came twice", limit, j.ID)
				}
				seen[j.ID] = true
			}
			if p.Next == nil {
				break
			}
			in.Offset = *p.Next
		}
		if len(seen) != want {
			t.Errorf("limit %d: %d jobs, want %d", limit, len(seen), want)
		}
	}
}

func TestJobsBeyondTheWindowOfTheDatabaseAreReached(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	want := len(many(s, 12_013, time.Now().Add(-time.Hour))) + 2
	c := s.Client()

	p, err := c.ListJobs(t.Context(), cortex.ListJobsInput{Offset: 9900, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if !p.AtLeast || *p.Total != 10_000 || p.Next != nil || !strings.Contains(p.Note, fmt.Sprintf("before=%d", p.Jobs[99].CreatedAt.UnixMilli())) {
		t.Errorf("the last page that there is: total %d, at least: %t, next %v, %q", *p.Total, p.AtLeast, p.Next, p.Note)
	}
	s.Requests()
	_, err = c.ListJobs(t.Context(), cortex.ListJobsInput{Offset: 9950, Limit: 100})
	if !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "before=") || len(s.Requests()) != 0 {
		t.Errorf("a page across the window: %v", err)
	}

	seen := map[string]bool{}
	for j, err := range c.Jobs(t.Context(), cortex.ListJobsInput{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[j.ID] = true
	}
	if len(seen) != want {
		t.Errorf("walked over %d jobs, want %d", len(seen), want)
	}
	clean, err := c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{OlderThanDays: 1, Limit: 50})
	if err != nil || !clean.AtLeast {
		t.Errorf("%+v, %v", clean, err)
	}
}

func TestAWalkHoldsWhileJobsAreDeleted(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	same := time.Now().Add(-time.Hour)
	jobs := make([]cortextest.Job, 400)
	for i := range jobs { // 250 of one millisecond in their middle
		at := same.Add(-time.Duration(i) * time.Minute)
		if i >= 75 && i < 325 {
			at = same.Add(-75 * time.Minute)
		}
		jobs[i] = cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: fmt.Sprintf("203.0.113.%d", i%250), Created: at}
	}
	want := len(s.AddJobs(jobs...)) + 2
	c := s.Client()
	seen := map[string]bool{}
	for j, err := range c.Jobs(t.Context(), cortex.ListJobsInput{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[j.ID] {
			t.Fatalf("%s came twice", j.ID)
		}
		seen[j.ID] = true
		if len(seen) > 330 || len(seen) < 70 { // within the millisecond offsets are all that there is
			if _, err := c.DeleteJob(t.Context(), cortex.DeleteJobInput{JobID: j.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != want {
		t.Errorf("%d jobs, want %d", len(seen), want)
	}
}

func TestADeletedRunningJobIsToldToComeBack(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(4 * time.Second) // longer than two requests take on busy cores
	c := s.Client()
	j, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "MaxMind", DataType: "ip", Data: attacker, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	ended := time.Now().Add(4 * time.Second)
	d, err := c.DeleteJob(t.Context(), cortex.DeleteJobInput{JobID: j.JobID})
	if err != nil || d.Deleted || !strings.Contains(d.Note, "back with its report") {
		t.Errorf("%+v, %v", d, err)
	}
	if got, err := c.GetJob(t.Context(), cortex.GetJobInput{JobID: j.JobID}); err != nil || got.Status != cortex.StatusDeleted {
		t.Errorf("%+v, %v", got, err)
	}
	time.Sleep(time.Until(ended))
	if got, err := c.GetJob(t.Context(), cortex.GetJobInput{JobID: j.JobID}); err != nil || got.Status != cortex.StatusSuccess {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
	if d, err := c.DeleteJob(t.Context(), cortex.DeleteJobInput{JobID: j.JobID}); err != nil || !d.Deleted || d.Note != "" {
		t.Errorf("one that has ended: %+v, %v", d, err)
	}
}

func TestTheArtifactsOfADeletedJobRemain(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	if _, err := c.DeleteJob(t.Context(), cortex.DeleteJobInput{JobID: cortextest.SeededJob}); err != nil {
		t.Fatal(err)
	}
	l, err := c.GetJobArtifacts(t.Context(), cortex.GetJobArtifactsInput{JobID: cortextest.SeededJob})
	if err != nil || l.Total == 0 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestAJobThatCannotEndIsToldAndNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	id := s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "203.0.113.30", Created: time.Now().Add(-2*time.Hour - time.Minute), Dead: true})[0]
	c := s.Client()
	began := time.Now()
	r, err := c.WaitAndGetReport(t.Context(), cortex.WaitAndGetReportInput{JobID: id, Timeout: 60})
	if err != nil || r.Finished || !r.Dead || !strings.Contains(r.Note, "started 2 hours ago") || !strings.Contains(r.Note, "30 minutes") || !strings.Contains(r.Note, "force") {
		t.Errorf("%+v, %v", r, err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("waited %s for it", took)
	}
	if r, err := c.GetJobReport(t.Context(), cortex.GetJobReportInput{JobID: id}); err != nil || !r.Dead {
		t.Errorf("%+v, %v", r, err)
	}

	// Within the time of the cache Cortex gives such a job again.
	cache := 600
	s.AddAnalyzer(cortextest.Worker{Name: "Lost_1_0", DataTypes: []string{"ip"}, JobCache: &cache, JobTimeout: 45})
	s.AddJobs(cortextest.Job{Analyzer: "Lost_1_0", DataType: "ip", Data: "203.0.113.31", Created: time.Now().Add(-3 * time.Hour), Dead: true})
	run, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "Lost_1_0", DataType: "ip", Data: "203.0.113.31"})
	if err != nil || !run.FromCache || !strings.Contains(run.Note, "45 minutes") || !strings.Contains(run.Note, "force") || strings.Contains(run.Note, "fetch its report") {
		t.Errorf("%+v, %v", run, err)
	}
	began = time.Now()
	a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: "203.0.113.31", Analyzers: []string{"Lost_1_0", "MaxMind"}, Timeout: 60})
	if err != nil || a.Verdict.Unfinished != 1 || !strings.Contains(a.Note, "Lost_1_0") {
		t.Errorf("%+v, %v", a, err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("waited %s for it", took)
	}
}

func TestHowLongAJobMayTakeIsAskedOnce(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	id := s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "203.0.113.32", Created: time.Now().Add(-20 * time.Minute), Delay: time.Hour})[0]
	c := s.Client(func(cfg *cortex.Config) { cfg.Timeout = 300 * time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reports, workers := 0, 0
	seen := make(chan struct{})
	go func() { // whoever waits leaves when the report was asked for several times
		defer close(seen)
		for ; reports < 3 && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			for _, r := range s.Requests() {
				switch {
				case strings.Contains(r, "/report"):
					reports++
				case strings.Contains(r, "/api/analyzer/"):
					workers++
				}
			}
		}
		cancel()
	}()
	if r, err := c.WaitAndGetReport(ctx, cortex.WaitAndGetReportInput{JobID: id}); err == nil && (r.Finished || r.Dead) {
		t.Fatalf("%+v", r)
	}
	cancel()
	<-seen
	if reports < 3 || workers != 1 {
		t.Errorf("%d questions for the report, %d for the analyzer", reports, workers)
	}
}

func TestAJobThatStillRunsIsNoReportFromTheCache(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(time.Second)
	c := s.Client()
	in := cortex.RunAnalyzerByNameInput{AnalyzerName: "MaxMind", DataType: "ip", Data: "203.0.113.40"}
	first, err := c.RunAnalyzerByName(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := c.RunAnalyzerByName(t.Context(), in); err != nil || second.FromCache || second.JobID == first.JobID {
		t.Errorf("while the first waits there are two jobs: %+v, %v", second, err)
	}
	time.Sleep(400 * time.Millisecond)
	third, err := c.RunAnalyzerByName(t.Context(), in)
	if err != nil || !third.FromCache || !strings.Contains(third.Note, "wait for it") {
		t.Errorf("%+v, %v", third, err)
	}
}

func TestEnablingWhatIsEnabledIsRefusedBeforeItIsProposed(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s, administrator(""))
	for tool, definition := range map[string]string{"cortex_enable_analyzer": "MaxMind_GeoIP_4_0", "cortex_enable_responder": "Mailer_1_0"} {
		if tool == "cortex_enable_responder" {
			s.AddResponder(cortextest.Worker{Name: definition, DataTypes: []string{"thehive:case"}})
		}
		res, err := do(t, g, ops[tool], `{"definitionId":"`+definition+`"}`)
		if !errors.Is(err, cortex.ErrExists) || !strings.Contains(err.Error(), "enabled already, with the id") {
			t.Errorf("%s: %+v, %v", tool, res, err)
		}
	}
}

func TestSettingsThatCortexTakesAreTakenAndThoseItRefusesAreRefused(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s, administrator(""))
	if res, err := do(t, g, ops["cortex_enable_analyzer"], `{"definitionId":"`+cortextest.FreeDefinition+`","configuration":{"jobCache":5,"polling":null,"auto_extract_artifacts":true}}`); err != nil || res.Proposal == nil {
		t.Errorf("%+v, %v", res, err)
	}
	for _, setting := range []string{"auto_extract_artifacts", "jobCache"} {
		_, err := do(t, g, ops["cortex_enable_responder"], `{"definitionId":"`+cortextest.ResponderDefinition+`","configuration":{"zone":"z","`+setting+`":true}}`)
		if !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "no such setting") {
			t.Errorf("%s of a responder: %v", setting, err)
		}
	}
}

func TestAFileThatCortexRefusesIsRefusedBeforeItIsProposed(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sample.bin"), make([]byte, 11_000_000), 0o600); err != nil {
		t.Fatal(err)
	}
	g, ops := guarded(t, s, func(cfg *cortex.Config) { cfg.FileBaseDir = dir })
	s.Requests()
	res, err := do(t, g, ops["cortex_run_analyzer_file"], `{"analyzerId":"`+cortextest.AnalyzerID("VirusTotal_Scan_3_1")+`","filePath":"sample.bin"}`)
	if !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "11000000 bytes") || !strings.Contains(err.Error(), "play.http.parser.maxDiskBuffer") || len(s.Requests()) != 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestTooLargeARequestNamesTheSetting(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	big, err := json.Marshal(strings.Repeat("x", 110<<10))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Client().RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{
		AnalyzerName: "MaxMind", DataType: "ip", Data: attacker, Parameters: map[string]json.RawMessage{"p": big},
	})
	var e *cortex.Error
	if !errors.As(err, &e) || e.Status != http.StatusRequestEntityTooLarge || !strings.Contains(err.Error(), "play.http.parser.maxMemoryBuffer") {
		t.Errorf("%v", err)
	}
	_, err = s.Client().RunResponder(t.Context(), cortex.RunResponderInput{
		ResponderID: "Wazuh_1_0", ObjectType: cortex.ObjectCase, ObjectID: "~1", Data: json.RawMessage(`{"_id":"~1","title":` + string(big) + `}`),
	})
	if !errors.Is(err, cortex.ErrInvalid) && !errors.Is(err, cortex.ErrSelection) {
		t.Errorf("an entity of 110 KB: %v", err)
	}
}

func TestTheStatusNamesTheRolesThatAreMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		roles   []string
		healthy bool
		says    []string
	}{
		{[]string{"read", "analyze"}, true, nil},
		{[]string{"analyze"}, false, []string{"lacks the role read", "can't be listed"}},
		{[]string{"read"}, false, []string{"lacks the role analyze"}},
		{[]string{"orgadmin"}, false, []string{"lacks the role analyze", "lacks the role read"}},
	} {
		s := cortextest.New(t)
		s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/api/user/current" {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"id": "bot@example.org", "name": "bot", "roles": tt.roles, "organization": "soc", "status": "Ok"})
			return true
		})
		st, err := s.Client().GetStatus(t.Context(), cortex.GetStatusInput{})
		if err != nil {
			t.Fatal(err)
		}
		if st.Healthy != tt.healthy || len(st.Can) != len(tt.roles) {
			t.Errorf("%v: %+v", tt.roles, st)
		}
		for _, text := range tt.says {
			if !strings.Contains(st.Problem, text) {
				t.Errorf("%v: %q lacks %q", tt.roles, st.Problem, text)
			}
		}
	}
}

func TestARefusedURLNamesTheWayOut(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	_, err := s.Client().AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: "https://login.example.net/verify?id=42", Analyzers: []string{"VirusTotal_GetReport_3_1"}})
	for _, text := range []string{"without query", "CORTEX_LOCAL_ANALYZERS"} {
		if !errors.Is(err, cortex.ErrEgress) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v lacks %q", err, text)
		}
	}
}

func TestASuperadminIsMadeWhereOneWorks(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	g.Setenv("CORTEX_SUPERADMIN_KEY", "set")
	for args, want := range map[string]string{
		`{"login":"a@soc.example","name":"A","organization":"soc","roles":["superadmin"]}`: "only in the organisation cortex",
		`{"login":"b@soc.example","name":"B","organization":"cortex","roles":["read"]}`:    "superadmins alone",
	} {
		if res, err := do(t, g, ops["cortex_create_user"], args); !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v", args, res, err)
		}
	}
}

func TestWhatAnAnalyzerTakesForAnObservableIsJudged(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	found := []cortextest.Artifact{
		{DataType: "ip", Data: "203.0.113.9"}, {DataType: "domain", Data: "evil.example.org"}, {DataType: "url", Data: "http://evil.example.org/x"},
		{DataType: "mail", Data: "a@evil.example.org"}, {DataType: "hash", Data: "44d88612fea8a8f36de82e1278abb02f"}, {DataType: "other", Data: "AS64500 of somebody"},
	}
	odd := []cortextest.Artifact{
		{DataType: "ip", Data: "8.8.8.8 is a resolver"}, {DataType: "ip", Data: "999.999.999.999"}, {DataType: "ip", Data: "1.2.3.4.evil.example"},
		{DataType: "domain", Data: "report.pdf"}, {DataType: "domain", Data: "setup.exe"}, {DataType: "domain", Data: "Node.js"},
		{DataType: "mail", Data: "a@b.example and more"}, {DataType: "url", Data: "http://"},
	}
	s.AddAnalyzer(cortextest.Worker{Name: "Extracting_1_0", DataTypes: []string{"ip"}, Answer: func(_, _ string) cortextest.Answer {
		return cortextest.Answer{Artifacts: append(odd, found...)}
	}})
	a, err := s.Client().AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"Extracting_1_0"}})
	if err != nil {
		t.Fatal(err)
	}
	values := func(list []cortex.Finding) (all []string) {
		for _, f := range list {
			all = append(all, f.Data)
		}
		return all
	}
	given := func(list []cortextest.Artifact) (all []string) {
		for _, f := range list {
			all = append(all, f.Data)
		}
		return all
	}
	if diff := cmp.Diff(given(found), values(a.Artifacts)); diff != "" {
		t.Errorf("observables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(given(odd), values(a.Texts)); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
}
