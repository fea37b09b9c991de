package cortex_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

// serve starts s on loopback and returns a client of it.
func serve(tb testing.TB, s *cortextest.Server, change ...func(*cortex.Config)) *cortex.Client {
	tb.Helper()
	h := httptest.NewServer(s)
	tb.Cleanup(h.Close)
	cfg := s.Config()
	cfg.BaseURL = h.URL
	for _, f := range change {
		f(&cfg)
	}
	c, err := cortex.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestRunAnalyzerRunsUnasked(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	id := cortextest.AnalyzerID("MaxMind_GeoIP_4_0")
	res, err := do(t, g, ops["cortex_run_analyzer"], `{"analyzerId":"`+id+`","dataType":"ip","data":"198[.]51[.]100[.]23","tlp":1,"pap":0,"message":"m"}`)
	if err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	job := res.Out.(*cortex.StartedJob)
	want := &cortex.StartedJob{
		JobID: job.JobID, Status: cortex.StatusWaiting, AnalyzerID: id, Analyzer: "MaxMind_GeoIP_4_0", Note: job.Note,
		Observable: cortex.Observable{DataType: "ip", Data: attacker, Note: "refanged"},
	}
	if diff := cmp.Diff(want, job); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	if p := res.Proposal.Plan; len(p.Egress) != 1 || p.Egress[0].TLP != "TLP:GREEN PAP:CLEAR" || len(p.Warnings) != 1 {
		t.Errorf("plan %+v", p)
	}
	if res, err = do(t, g, ops["cortex_run_analyzer_by_name"], `{"analyzerName":"maxmind","dataType":"ip","data":"8.8.8.8"}`); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	got := s.Submissions()
	if len(got) != 2 || got[0].Data != attacker || got[0].TLP != 1 || got[0].PAP != 0 || got[0].Message != "m" || got[1].TLP != 2 || got[1].Worker != "MaxMind_GeoIP_4_0" {
		t.Errorf("submitted %+v", got)
	}
}

func TestRunAnalyzerRefusals(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	id, amber, p := cortextest.AnalyzerID("MaxMind_GeoIP_4_0"), ptr(cortex.TLPAmber), ptr(cortex.PAPAmber)
	for _, tc := range []struct {
		in   cortex.RunAnalyzerInput
		is   error
		want string
	}{
		{cortex.RunAnalyzerInput{AnalyzerID: id, DataType: "ip", Data: attacker, PAP: p}, cortex.ErrInvalid, "tlp is missing"},
		{cortex.RunAnalyzerInput{AnalyzerID: id, DataType: "ip", Data: attacker, TLP: amber}, cortex.ErrInvalid, "pap is missing"},
		{cortex.RunAnalyzerInput{AnalyzerID: id, Data: attacker, TLP: amber, PAP: p}, cortex.ErrInvalid, "dataType: is missing"},
		{cortex.RunAnalyzerInput{AnalyzerID: id, DataType: "ip", Data: "999.9.9.9", TLP: amber, PAP: p}, cortex.ErrInvalid, "no IP address"},
		{cortex.RunAnalyzerInput{AnalyzerID: id, DataType: "file", Data: "x", TLP: amber, PAP: p}, cortex.ErrInvalid, "by its content"},
		{cortex.RunAnalyzerInput{AnalyzerID: id, DataType: "hash", Data: "x", TLP: amber, PAP: p}, cortex.ErrSelection, "takes ip and not hash"},
		{cortex.RunAnalyzerInput{AnalyzerID: "MaxMind", DataType: "ip", Data: attacker, TLP: amber, PAP: p}, cortex.ErrNotFound, "not a name"},
		{cortex.RunAnalyzerInput{AnalyzerID: id, DataType: "ip", Data: "10.20.0.7", TLP: amber, PAP: p}, cortex.ErrEgress, "an internal address"},
		{cortex.RunAnalyzerInput{AnalyzerID: id, DataType: "ip", Data: attacker, TLP: ptr(cortex.TLPRed), PAP: p}, cortex.ErrEgress, "TLP:RED"},
	} {
		if _, err := c.RunAnalyzer(t.Context(), tc.in); !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v; want %q", tc.in, err, tc.want)
		}
	}
	for _, tc := range []struct {
		in   cortex.RunAnalyzerByNameInput
		is   error
		want string
	}{
		{cortex.RunAnalyzerByNameInput{AnalyzerName: " ", DataType: "ip", Data: attacker}, cortex.ErrInvalid, "selects nothing"},
		{cortex.RunAnalyzerByNameInput{AnalyzerName: "VirusTotal", DataType: "url", Data: "http://example.com/"}, cortex.ErrSelection, "can mean 2 analyzers"},
		{cortex.RunAnalyzerByNameInput{AnalyzerName: "Nothing", DataType: "ip", Data: attacker}, cortex.ErrSelection, "no enabled analyzer"},
		{cortex.RunAnalyzerByNameInput{AnalyzerName: "MaxMind", DataType: "ip", Data: "fleet-007"}, cortex.ErrInvalid, "no IP address"},
		{cortex.RunAnalyzerByNameInput{AnalyzerName: "MISP", DataType: "filename", Data: `\\fileserver\share\a.exe`}, cortex.ErrEgress, "without a domain"},
		{cortex.RunAnalyzerByNameInput{AnalyzerName: "MaxMind", DataType: "ip", Data: "192.168.1.1"}, cortex.ErrEgress, "an internal address"},
	} {
		if _, err := c.RunAnalyzerByName(t.Context(), tc.in); !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v; want %q", tc.in, err, tc.want)
		}
	}
	if got := s.Submissions(); len(got) != 0 {
		t.Errorf("submitted %v", got)
	}
}

func TestListResponders(t *testing.T) {
	t.Parallel()
	c := cortextest.New(t).Client()
	for in, want := range map[string]int{"": 2, "case": 1, "thehive:case": 1, "case_artifact": 1, "event": 0} {
		list, err := c.ListResponders(t.Context(), cortex.ListRespondersInput{DataType: in})
		if err != nil || list.Total != want || (want == 0) != (list.Note != "") {
			t.Errorf("%q: %+v, %v", in, list, err)
		}
	}
}

// delayed are ten analyzers, of which one takes a second and the others less.
func delayed(tb testing.TB) (*cortex.Client, *cortextest.Server) {
	s := cortextest.NewServer()
	for i := range 10 {
		s.AddAnalyzer(cortextest.Worker{Name: fmt.Sprintf("Delayed_%d_0", i), DataTypes: []string{"slow"}, Delay: time.Duration(i+1) * 100 * time.Millisecond})
	}
	return serve(tb, s), s
}

func TestAFanOutTakesAsLongAsTheSlowest(t *testing.T) {
	c, s := delayed(t)
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/run") {
			time.Sleep(300 * time.Millisecond) // submitting takes its time too
		}
		return false
	})
	began := time.Now()
	a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: "x", DataType: "slow", FanOut: true})
	took := time.Since(began)
	if err != nil || a.Verdict.Answered != 10 {
		t.Fatalf("%+v, %v", a, err)
	}
	if took < time.Second || took > 2500*time.Millisecond { // one after another they take 8.5 s, submitted so 3 s at least
		t.Errorf("it took %s, the slowest 1 s", took)
	}
}

func BenchmarkFanOut(b *testing.B) {
	c, _ := delayed(b)
	for b.Loop() {
		if _, err := c.AnalyzeObservable(b.Context(), cortex.AnalyzeObservableInput{Data: "x", DataType: "slow", FanOut: true, Force: true}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFanIn asks 30 analyzers of 200 observables, all at once over the one
// client, and tells how much the heap grew; then it cancels such a lot, and tells
// how long that took.
func BenchmarkFanIn(b *testing.B) {
	s := cortextest.NewServer()
	for i := range 30 {
		s.AddAnalyzer(cortextest.Worker{Name: fmt.Sprintf("Many_%d_0", i), DataTypes: []string{"many"}, Delay: time.Millisecond})
	}
	c := serve(b, s, func(cfg *cortex.Config) { cfg.MaxFanout = 30 })
	all := func(ctx context.Context, name string) (answered int) {
		var wg sync.WaitGroup
		var n atomic.Int64
		for i := range 200 {
			wg.Go(func() {
				a, err := c.AnalyzeObservable(ctx, cortex.AnalyzeObservableInput{Data: fmt.Sprintf("%s-%d", name, i), DataType: "many", FanOut: true, Force: true})
				if err == nil {
					n.Add(int64(a.Verdict.Answered))
				}
			})
		}
		wg.Wait()
		return int(n.Load())
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	turn := 0
	for b.Loop() {
		turn++
		if n := all(b.Context(), fmt.Sprint(turn)); n != 30*200 {
			b.Fatal(n)
		}
	}
	b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/(1<<20)/float64(turn), "kept-MB/op") // the jobs of the fake, and no more

	s.SetDelay(time.Hour)
	ctx, cancel := context.WithCancel(b.Context())
	var left time.Time
	time.AfterFunc(300*time.Millisecond, func() { left = time.Now(); cancel() })
	all(ctx, "cancelled")
	b.ReportMetric(float64(time.Since(left).Milliseconds()), "cancel-ms")
}

func BenchmarkListAnalyzers(b *testing.B) {
	s := cortextest.NewServer()
	for i := range 234 {
		s.AddAnalyzer(cortextest.Worker{Name: fmt.Sprintf("Another_%d_0", i), DataTypes: []string{"ip"}})
	}
	c := serve(b, s)
	b.ReportAllocs()
	for b.Loop() {
		if list, err := c.ListAnalyzers(b.Context(), cortex.ListAnalyzersInput{}); err != nil || list.Total != 250 {
			b.Fatal(list, err)
		}
	}
}

func BenchmarkDetect(b *testing.B) {
	for b.Loop() {
		for _, s := range []string{attacker, "hxxps://example[.]com/a", "mail.example.com", "d41d8cd98f00b204e9800998ecf8427e", "Mozilla/5.0 (X11; Linux x86_64)"} {
			if _, err := cortex.Detect(s); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func TestARepeatedRunInANewProcessNamesItsJob(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	dir := t.TempDir()
	args := fmt.Sprintf(`{"analyzerId":%q,"dataType":"ip","data":%q,"tlp":2,"pap":2}`, cortextest.AnalyzerID("MaxMind_GeoIP_4_0"), attacker)
	call := func() *gate.Result {
		g := gatetest.New(t, func(p *gate.Policy) { p.Approval, p.Dir = gate.ApprovalHost, dir })
		c := s.Client(func(cfg *cortex.Config) { cfg.Guard = g.Guard })
		res, err := do(t, g, op(t, c, "cortex_run_analyzer"), args)
		if err != nil || res.State != gate.StateExecuted {
			t.Fatalf("%+v, %v", res, err)
		}
		return res
	}
	job := call().Out.(*cortex.StartedJob).JobID
	again := call()
	if !again.Repeated || again.Out != nil || !strings.Contains(string(again.Kept), `"jobId":"`+job+`"`) || len(s.Submissions()) != 1 {
		t.Errorf("%+v keeps %s; want job %s", again, again.Kept, job)
	}
}

func op(t *testing.T, c *cortex.Client, name string) gate.Op {
	t.Helper()
	for _, op := range c.Ops() {
		if op.Name() == name {
			return op
		}
	}
	t.Fatalf("no operation %s", name)
	return nil
}

func TestARefusedURLNamesItsWaysOutOfWhichOneIsAPerson(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.AddAnalyzer(cortextest.Worker{Name: "Pages_1_0", DataTypes: []string{"url"}})
	g, ops := guarded(t, s)
	const phish = "https://login.evil.example/verify?e=amFuZUBleGFtcGxlLm9yZw"
	args := func(whole string) string {
		return `{"analyzerName":"Pages_1_0","dataType":"url","data":"` + phish + `"` + whole + `}`
	}
	op := ops["cortex_run_analyzer_by_name"]
	_, err := do(t, g, op, args(""))
	for _, want := range []string{"a query", "up to its path", "CORTEX_LOCAL_ANALYZERS", "wholeUrl"} {
		if !errors.Is(err, cortex.ErrEgress) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	for _, u := range []string{"https://evil.example/v/amFuZUBleGFtcGxlLm9yZw", "https://evil.example/cb#access_token=x"} {
		if _, err := do(t, g, op, `{"analyzerName":"Pages_1_0","dataType":"url","data":"`+u+`"}`); !errors.Is(err, cortex.ErrEgress) {
			t.Errorf("%s: %v", u, err)
		}
	}
	res, err := do(t, g, op, args(`,"wholeUrl":true`))
	if err != nil || res.State != gate.StatePending || !strings.Contains(gate.Render(res.Proposal), "as it is") || len(s.Submissions()) != 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	g.Approve(res.Proposal.ID)
	if res, err = do(t, g, op, args(`,"wholeUrl":true`)); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := s.Submissions(); len(got) != 1 || got[0].Data != phish {
		t.Errorf("submitted %+v", got)
	}
	if _, err := do(t, g, op, `{"analyzerName":"Pages_1_0","dataType":"url","data":"http://10.0.0.1/?x=1","wholeUrl":true}`); !errors.Is(err, cortex.ErrEgress) || strings.Contains(err.Error(), "wholeUrl") {
		t.Errorf("an internal URL: %v", err)
	}
}

func TestNamedAnalyzersAreLookedUpInAListThatIsKept(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	run := func(name string) error {
		_, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: name, DataType: "ip", Data: attacker, Force: true})
		return err
	}
	listed := func() (n int) {
		for _, r := range s.Requests() {
			if r == "GET /api/analyzer?range=all" {
				n++
			}
		}
		return n
	}
	for range 3 {
		if err := run("MaxMind"); err != nil {
			t.Fatal(err)
		}
	}
	if n := listed(); n != 1 {
		t.Errorf("three runs listed the analyzers %d times", n)
	}
	s.AddAnalyzer(cortextest.Worker{Name: "Newcomer_1_0", DataTypes: []string{"ip"}})
	if err := run("Newcomer_1_0"); err != nil {
		t.Errorf("one that was enabled since: %v", err)
	}
	listed()
	if a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, FanOut: true, MaxAnalyzers: 20}); !errors.Is(err, cortex.ErrSelection) || listed() != 1 {
		t.Errorf("all that are enabled are not asked for anew: %+v, %v", a, err)
	}
	if _, err := s.Client(administrator("")).DisableAnalyzer(t.Context(), cortex.DisableAnalyzerInput{AnalyzerID: cortextest.AnalyzerID("Newcomer_1_0")}); err != nil {
		t.Fatal(err)
	}
	if err := run("Newcomer_1_0"); !errors.Is(err, cortex.ErrNotFound) {
		t.Errorf("one that somebody else disabled: %v", err)
	}
	if err := run("Newcomer_1_0"); !errors.Is(err, cortex.ErrSelection) {
		t.Errorf("one that is known to be disabled: %v", err)
	}
}

func TestAnalyzersAreKeptForSecondsUntilOneIsDisabled(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client(administrator(""))
	run := func(want int) {
		t.Helper()
		s.Requests()
		if _, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"Abuse_Finder_3_0"}}); err != nil {
			t.Fatal(err)
		}
		lists := 0
		for _, r := range s.Requests() {
			if strings.Contains(r, "/api/analyzer") && !strings.Contains(r, "/run") {
				lists++
			}
		}
		if lists != want {
			t.Errorf("the analyzers were asked for %d times, want %d", lists, want)
		}
	}
	run(1)
	run(0)
	if _, err := c.DisableAnalyzer(t.Context(), cortex.DisableAnalyzerInput{AnalyzerID: cortextest.AnalyzerID("MaxMind_GeoIP_4_0")}); err != nil {
		t.Fatal(err)
	}
	run(1)
}

// A server that ends while it waits for reports leaves no outcome that nobody knows: what
// was sent is noted before.
func TestTheJournalSaysThatJobsWereStartedWhileTheirReportsAreWaitedFor(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
	executed := func() (detail string) {
		for _, e := range g.Events() {
			if e.Kind == gate.EventExecuted {
				detail = e.Detail
			}
		}
		return detail
	}
	var mu sync.Mutex
	var meanwhile []string
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/waitreport") {
			mu.Lock()
			defer mu.Unlock()
			for deadline := time.Now().Add(time.Minute); executed() == "" && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			meanwhile = append(meanwhile, executed())
		}
		return false
	})
	c := s.Client(func(cfg *cortex.Config) { cfg.Guard = g.Guard })
	res, err := do(t, g, op(t, c, "cortex_analyze_observable"), fmt.Sprintf(`{"data":%q,"analyzers":["MaxMind_GeoIP_4_0","AbuseIPDB_1_0"]}`, attacker))
	if err != nil {
		t.Fatal(err)
	}
	ids := res.Out.(*cortex.Analysis).JobIDs
	want := fmt.Sprintf(`{"jobIds":[%q,%q]}`, ids[0], ids[1])
	if len(meanwhile) != 2 || !strings.Contains(meanwhile[0], want) {
		t.Errorf("while reports were waited for the journal said %q, want %s", meanwhile, want)
	}
	if diff := cmp.Diff([]gate.EventKind{gate.EventProposed, gate.EventAuthorised, gate.EventConsumed, gate.EventExecuted}, g.Kinds()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheJournalSaysOfWhichAnalyzersNobodyKnowsWhetherTheyWereStarted(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
	var lost string
	var once sync.Once
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) (done bool) {
		if id, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/api/analyzer/"), "/run"); ok {
			once.Do(func() { lost, done = id, true })
		}
		if done {
			panic(http.ErrAbortHandler) // the answer is lost
		}
		return false
	})
	c := s.Client(func(cfg *cortex.Config) { cfg.Guard = g.Guard })
	res, err := do(t, g, op(t, c, "cortex_analyze_observable"), fmt.Sprintf(`{"data":%q,"analyzers":["MaxMind_GeoIP_4_0","AbuseIPDB_1_0"]}`, attacker))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"jobIds":[%q],"unknownAnalyzerIds":[%q]}`, res.Out.(*cortex.Analysis).JobIDs[0], lost)
	if last := g.Events()[len(g.Events())-1]; last.Kind != gate.EventExecuted || !strings.Contains(last.Detail, want) {
		t.Errorf("the journal says %s: %s, want %s", last.Kind, last.Detail, want)
	}
}
