package cortex_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
)

// many adds n jobs, a minute apart, of which every third is one of an analyzer
// that fails. The first is the oldest.
func many(s *cortextest.Server, n int, newest time.Time) []string {
	jobs := make([]cortextest.Job, n)
	for i := range jobs {
		jobs[i] = cortextest.Job{
			Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: fmt.Sprintf("203.0.%d.%d", i/250%250, i%250),
			Created: newest.Add(-time.Duration(n-i) * time.Minute),
		}
		if i%3 == 0 {
			jobs[i].Analyzer = cortextest.AlwaysFails
		}
	}
	return s.AddJobs(jobs...)
}

func ids(jobs []*cortex.Job) (all []string) {
	for _, j := range jobs {
		all = append(all, j.ID)
	}
	return all
}

func TestListJobsFilters(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	many(s, 30, time.Now().Add(-time.Hour))
	c := s.Client()
	for _, tc := range []struct {
		in    cortex.ListJobsInput
		total int
		note  string
	}{
		{cortex.ListJobsInput{}, 32, ""},
		{cortex.ListJobsInput{Status: "Failure"}, 10, ""},
		{cortex.ListJobsInput{Status: "Success", AnalyzerName: "MaxMind_GeoIP_4_0"}, 21, ""},
		{cortex.ListJobsInput{AnalyzerName: "maxmind"}, 0, "use * for the rest"},
		{cortex.ListJobsInput{AnalyzerName: "MaxMind*"}, 21, ""},
		{cortex.ListJobsInput{AnalyzerName: "Nobody*"}, 0, "no job matches"},
		{cortex.ListJobsInput{DataType: "hash"}, 0, "no job matches"},
		{cortex.ListJobsInput{DataType: "IP", Limit: 32}, 32, ""},
		{cortex.ListJobsInput{DataType: " ip ", Limit: 32}, 32, ""},
		{cortex.ListJobsInput{Status: "Waiting"}, 0, "no job matches"},
		{cortex.ListJobsInput{Offset: 40}, 32, "beyond"},
	} {
		p, err := c.ListJobs(t.Context(), tc.in)
		if err != nil || p.Total == nil || *p.Total != tc.total || !strings.Contains(p.Note, tc.note) || p.Next != nil {
			t.Errorf("%+v: %+v, %v; want %d %q", tc.in, p, err, tc.total, tc.note)
		}
	}
	for _, in := range []cortex.ListJobsInput{{Status: "Deleted"}, {Status: "*"}, {Limit: 501}, {Limit: -1}, {Offset: -1}, {After: time.Now(), Before: time.Now().Add(-time.Hour)}} {
		s.Requests()
		if _, err := c.ListJobs(t.Context(), in); !errors.Is(err, cortex.ErrInvalid) || len(s.Requests()) != 0 {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func TestJobsArePagedWithoutShifting(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	old := many(s, 25, time.Now().Add(-time.Hour))
	c := s.Client()
	var got []string
	in := cortex.ListJobsInput{Limit: 10, AnalyzerName: "*o*"}
	for range 5 {
		p, err := c.ListJobs(t.Context(), in)
		if err != nil || len(p.Jobs) > 10 {
			t.Fatalf("%+v, %v", p, err)
		}
		got = append(got, ids(p.Jobs)...)
		s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "8.8.8.8", Created: time.Now()})
		if p.Next == nil {
			break
		}
		in.Offset, in.Before = *p.Next, p.Before
	}
	slices.Reverse(old)
	var want []string
	for _, id := range got {
		if slices.Contains(old, id) {
			want = append(want, id)
		}
	}
	if diff := cmp.Diff(old, want); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if sorted := slices.Sorted(slices.Values(got)); len(slices.Compact(sorted)) != len(got) {
		t.Errorf("a job came twice: %v", got)
	}
}

func TestTenThousandJobsAreListedCompletelyAndBounded(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	want := len(many(s, 10_000, time.Now().Add(-time.Hour))) + 2
	seen := map[string]bool{}
	for j, err := range s.Client().Jobs(t.Context(), cortex.ListJobsInput{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[j.ID] {
			t.Fatalf("%s came twice", j.ID)
		}
		seen[j.ID] = true
	}
	if len(seen) != want {
		t.Errorf("%d jobs, want %d", len(seen), want)
	}
	if n := len(s.Requests()); n > 110 {
		t.Errorf("%d requests", n)
	}
	n := 0
	for range s.Client().Jobs(t.Context(), cortex.ListJobsInput{}) {
		if n++; n == 101 {
			break
		}
	}
	if asked := s.Requests(); len(asked) != 2 {
		t.Errorf("%d jobs took %v", n, asked)
	}
}

func TestJobsOfTheSameMomentAreAllListed(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	moment := time.Now().Add(-time.Hour)
	var jobs []cortextest.Job
	for i := range 40 {
		jobs = append(jobs, cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "domain", Data: fmt.Sprint(i), Created: moment.Add(-time.Duration(i/25) * time.Second)})
	}
	s.AddJobs(jobs...)
	all := s.Client().Jobs(t.Context(), cortex.ListJobsInput{DataType: "domain", Limit: 7})
	for range 2 { // it begins anew each time
		seen := map[string]bool{}
		for j, err := range all {
			if err != nil || seen[j.ID] {
				t.Fatalf("%+v, %v", j, err)
			}
			seen[j.ID] = true
		}
		if len(seen) != 40 {
			t.Errorf("%d jobs, want 40", len(seen))
		}
	}
}

func TestJobsStopsAfterOneError(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	n := 0
	for j, err := range s.Client(func(cfg *cortex.Config) { cfg.APIKey = "nobody's" }).Jobs(t.Context(), cortex.ListJobsInput{}) {
		if n++; j != nil || !errors.Is(err, cortex.ErrUnauthorized) {
			t.Errorf("%v, %v", j, err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

func TestGetJobAndItsReport(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	j, err := c.GetJob(t.Context(), cortex.GetJobInput{JobID: cortextest.SeededJob})
	if err != nil {
		t.Fatal(err)
	}
	j.CreatedAt, j.StartDate, j.EndDate = time.Time{}, time.Time{}, time.Time{}
	want := &cortex.Job{
		ID: cortextest.SeededJob, Status: cortex.StatusSuccess, Type: "analyzer", WorkerID: cortextest.AnalyzerID("Abuse_Finder_3_0"),
		Worker: "Abuse_Finder_3_0", DataType: "ip", Data: attacker, TLP: 2, PAP: 2, Organisation: "soc", CreatedBy: "analyst@soc.example",
	}
	if diff := cmp.Diff(want, j); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	r, err := c.GetJobReport(t.Context(), cortex.GetJobReportInput{JobID: cortextest.SeededJob})
	if err != nil || !r.Finished || r.Level != cortex.LevelInfo || !strings.Contains(string(r.Full), "ISP Example Net") {
		t.Errorf("%+v, %v", r, err)
	}
	s.SetDelay(time.Hour)
	run, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "MaxMind", DataType: "ip", Data: "8.8.8.8"})
	if err != nil {
		t.Fatal(err)
	}
	if r, err = c.GetJobReport(t.Context(), cortex.GetJobReportInput{JobID: run.JobID}); err != nil || r.Finished || r.Note == "" {
		t.Errorf("a job at work: %+v, %v", r, err)
	}
	for _, id := range []string{"", "..", "a/b", "x?y"} {
		s.Requests()
		_, one := c.GetJob(t.Context(), cortex.GetJobInput{JobID: id})
		_, two := c.GetJobReport(t.Context(), cortex.GetJobReportInput{JobID: id})
		_, three := c.DeleteJob(t.Context(), cortex.DeleteJobInput{JobID: id})
		if one == nil || two == nil || three == nil || len(s.Requests()) != 0 {
			t.Errorf("job id %q: %v, %v, %v", id, one, two, three)
		}
	}
	if _, err := c.GetJob(t.Context(), cortex.GetJobInput{JobID: "nope"}); !errors.Is(err, cortex.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestDeleteJobNeedsConfirmationAndApproval(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	op, args := ops["cortex_delete_job"], `{"jobId":"`+cortextest.SeededJob+`","confirm":true}`
	if _, err := do(t, g, op, `{"jobId":"`+cortextest.SeededJob+`"}`); refusal(err) != gate.ReasonUnconfirmed || len(s.Requests()) != 0 {
		t.Errorf("unconfirmed: %v", err)
	}
	if _, err := do(t, g, op, `{"jobId":"nope","confirm":true}`); !errors.Is(err, cortex.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
	res, err := do(t, g, op, args)
	if err != nil || res.State != gate.StatePending || !strings.Contains(gate.Render(res.Proposal), "Abuse_Finder_3_0 on ip "+attacker) {
		t.Fatalf("%+v, %v", res, err)
	}
	if r := s.Requests(); slices.ContainsFunc(r, func(r string) bool { return strings.HasPrefix(r, "DELETE") }) {
		t.Fatalf("sent before the approval: %v", r)
	}
	g.Approve(res.Proposal.ID)
	for range 2 { // the second time it is not repeated
		if res, err = do(t, g, op, args); err != nil || res.State != gate.StateExecuted {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	if diff := cmp.Diff([]string{"DELETE /api/job/" + cortextest.SeededJob}, deletes(s)); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	p, err := s.Client().ListJobs(t.Context(), cortex.ListJobsInput{})
	if err != nil || *p.Total != 1 {
		t.Errorf("left: %+v, %v", p, err)
	}
}

func deletes(s *cortextest.Server) (all []string) {
	for _, r := range s.Requests() {
		if strings.HasPrefix(r, "DELETE") {
			all = append(all, r)
		}
	}
	return all
}

// refusal is why the gate refused, or "".
func refusal(err error) gate.Reason {
	var r *gate.RefusedError
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func TestCleanupDeletesExactlyWhatItPreviewed(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	all := many(s, 90, time.Now().AddDate(0, 0, -9))
	g, ops := guarded(t, s)
	op := ops["cortex_cleanup_jobs"]
	res, err := do(t, g, op, `{"status":"Failure","olderThanDays":7,"limit":20}`)
	if err != nil || res.State != gate.StateRead {
		t.Fatalf("%+v, %v", res, err)
	}
	preview := res.Out.(*cortex.Cleanup)
	if !preview.DryRun || len(preview.Jobs) != 20 || *preview.Matching != 30 || preview.Deleted != 0 || len(deletes(s)) != 0 {
		t.Fatalf("%+v", preview)
	}
	var want []string
	for i := 0; i < 60; i += 3 { // the twenty oldest failures
		want = append(want, "DELETE /api/job/"+all[i])
		if preview.Jobs[i/3].ID != all[i] {
			t.Fatalf("previewed %+v", preview.Jobs)
		}
	}
	// New failures, old and new, must not change what is deleted.
	s.AddJobs(cortextest.Job{Analyzer: cortextest.AlwaysFails, DataType: "ip", Data: "8.8.8.8", Created: time.Now()})
	args := `{"status":"Failure","olderThanDays":7,"limit":20,"dryRun":false,"confirm":true,"selection":"` + preview.Selection + `"}`
	if _, err = do(t, g, op, strings.Replace(args, `,"confirm":true`, "", 1)); refusal(err) != gate.ReasonUnconfirmed {
		t.Errorf("unconfirmed: %v", err)
	}
	if res, err = do(t, g, op, args); err != nil || res.State != gate.StatePending || len(res.Proposal.Plan.Targets) != 20 {
		t.Fatalf("%+v, %v", res, err)
	}
	if d := deletes(s); len(d) != 0 {
		t.Fatalf("deleted before the approval: %v", d)
	}
	g.Approve(res.Proposal.ID)
	for range 2 {
		if res, err = do(t, g, op, args); err != nil || res.State != gate.StateExecuted {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	got := deletes(s)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deleted (-previewed +deleted):\n%s", diff)
	}
	if out := res.Out.(*cortex.Cleanup); out.Deleted != 20 || out.Failed != 0 {
		t.Errorf("%+v", out)
	}
}

func TestCleanupDeletesNothingWhenTheSelectionChanged(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	many(s, 9, time.Now().Add(-time.Hour))
	c := s.Client()
	no := false
	in := cortex.CleanupJobsInput{Status: "Failure"}
	preview, err := c.CleanupJobs(t.Context(), in)
	if err != nil || len(preview.Jobs) != 3 {
		t.Fatalf("%+v, %v", preview, err)
	}
	s.AddJobs(cortextest.Job{Analyzer: cortextest.AlwaysFails, DataType: "ip", Data: "8.8.8.8", Created: time.Now().Add(-time.Hour)}) // it has just failed
	in.DryRun, in.Selection = &no, preview.Selection
	if _, err := c.CleanupJobs(t.Context(), in); !errors.Is(err, cortex.ErrChanged) || len(deletes(s)) != 0 {
		t.Errorf("a changed selection: %v", err)
	}
	in.OlderThanDays = 1
	if _, err := c.CleanupJobs(t.Context(), in); !errors.Is(err, cortex.ErrInvalid) {
		t.Errorf("a selection of other arguments: %v", err)
	}
	for name, in := range map[string]cortex.CleanupJobsInput{
		"neither is":           {},
		"selection is missing": {Status: "Failure", DryRun: &no},
		"selection":            {Status: "Failure", DryRun: &no, Selection: "all"},
		"status":               {Status: "Deleted"},
		"limit":                {Status: "Failure", Limit: 501},
		"olderThanDays":        {OlderThanDays: -1},
	} {
		s.Requests()
		if _, err := c.CleanupJobs(t.Context(), in); !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), strings.TrimPrefix(name, "neither is")) || len(s.Requests()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCleanupTellsWhatBecameOfEach(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	many(s, 9, time.Now().Add(-time.Hour))
	c := s.Client()
	no := false
	preview, err := c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{Status: "Failure"})
	if err != nil {
		t.Fatal(err)
	}
	var failing atomic.Bool
	refused := "/api/job/" + preview.Jobs[1].ID
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodDelete || r.URL.Path != refused && !failing.Load() {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"type":"AuthorizationError","message":"Insufficient rights to perform this action"}`)
		return true
	})
	out, err := c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{Status: "Failure", DryRun: &no, Selection: preview.Selection})
	if err != nil || out.Deleted != 2 || out.Failed != 1 || out.Jobs[1].Deleted || !strings.Contains(out.Jobs[1].Error, "Insufficient rights") || !out.Jobs[2].Deleted {
		t.Errorf("%+v, %v", out, err)
	}
	failing.Store(true)
	preview, err = c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{Status: "Failure"})
	if err != nil || len(preview.Jobs) != 1 {
		t.Fatalf("%+v, %v", preview, err)
	}
	if _, err = c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{Status: "Failure", DryRun: &no, Selection: preview.Selection}); !errors.Is(err, cortex.ErrForbidden) {
		t.Errorf("all refused: %v", err)
	}
}

func TestTheJobsOfOneObservableAreFoundThoughCortexCannotSearchForIt(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	at := time.Now().Add(-24 * time.Hour)
	var jobs []cortextest.Job
	for i := range 2500 {
		jobs = append(jobs, cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: fmt.Sprintf("203.0.113.%d", i%200), Created: at.Add(time.Duration(i/4) * time.Second)})
	}
	jobs[3].Data, jobs[3].DataType = "Evil[.]Example.org.", "fqdn"
	jobs[2400].Data, jobs[2400].DataType = "evil.example.org", "fqdn"
	jobs[2401].Data, jobs[2401].DataType = "evil.example.org", "fqdn"
	ids := s.AddJobs(jobs...)
	c := s.Client()
	var pages [][]string
	for in := (cortex.ListJobsInput{Data: "evil[.]example[.]org", Before: time.Now(), Limit: 1}); ; {
		p, err := c.ListJobs(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var page []string
		for _, j := range p.Jobs {
			page = append(page, j.ID)
		}
		pages = append(pages, page)
		if in.Before = p.Before; p.Before.IsZero() {
			break
		}
		if !strings.Contains(p.Note, "looked through") {
			t.Errorf("note %q", p.Note)
		}
	}
	// Two of one millisecond are on one page, whatever its limit.
	want := [][]string{{ids[2401], ids[2400]}, nil, {ids[3]}}
	if diff := cmp.Diff(want, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	var walked []string
	for j, err := range c.Jobs(t.Context(), cortex.ListJobsInput{Data: "evil.example.org"}) {
		if err != nil {
			t.Fatal(err)
		}
		walked = append(walked, j.ID)
	}
	if len(walked) != 3 {
		t.Errorf("the library walks %v", walked)
	}
	p, err := c.ListJobs(t.Context(), cortex.ListJobsInput{Data: "nothing.example.org", AnalyzerName: "MaxMind*", After: at.Add(10 * time.Minute)})
	if err != nil || len(p.Jobs) != 0 || p.Total == nil || !strings.Contains(p.Note, "no job is on this observable") {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := c.ListJobs(t.Context(), cortex.ListJobsInput{Data: "x", Offset: 5}); !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "before") {
		t.Errorf("an offset: %v", err)
	}
}
