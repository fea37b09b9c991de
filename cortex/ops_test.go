package cortex_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
)

// guarded returns a client behind a gate, with its operations by name.
func guarded(t *testing.T, s *cortextest.Server, change ...func(*cortex.Config)) (*gatetest.Gate, map[string]gate.Op) {
	t.Helper()
	g := gatetest.New(t)
	c := s.Client(append(change, func(cfg *cortex.Config) { cfg.Guard = g.Guard })...)
	ops := map[string]gate.Op{}
	for _, op := range c.Ops() {
		ops[op.Name()] = op
	}
	return g, ops
}

// do calls an operation with arguments as an agent gives them.
func do(t *testing.T, g *gatetest.Gate, op gate.Op, args string) (*gate.Result, error) {
	t.Helper()
	in := reflect.New(op.In())
	if err := json.Unmarshal([]byte(args), in.Interface()); err != nil {
		t.Fatal(err)
	}
	return op.Do(t.Context(), g.Guard, in.Interface())
}

func TestOps(t *testing.T) {
	t.Parallel()
	c := cortextest.New(t).Client()
	gatetest.Complete(t, c, c.Ops(), "PlanAnalyzeObservable")
	gatetest.Lint(t, c.Ops())
}

func TestFootprint(t *testing.T) {
	t.Parallel()
	evidence.Footprint(t)
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g := gatetest.New(t)
	rec := evidence.NewRecorder(nil)
	c := s.Client(func(cfg *cortex.Config) {
		cfg.Guard, cfg.Transport, cfg.APIKey, cfg.KeyDir = g.Guard, rec, cortextest.AdminKey, t.TempDir()
	})
	evidence.Check(t, g, rec, c.Ops(), evidence.Cortex())
}

func TestWireRefusesWithoutPermit(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g := gatetest.New(t)
	c := s.Client(func(cfg *cortex.Config) { cfg.Guard = g.Guard })
	_, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: "198.51.100.23", Analyzers: []string{"MaxMind"}})
	if !errors.Is(err, gate.ErrRefused) {
		t.Errorf("a submission without a permit: %v", err)
	}
	_, err = c.RunResponder(t.Context(), cortex.RunResponderInput{ResponderID: "Mailer_1_0", ObjectType: cortex.ObjectCase, ObjectID: "~1", Data: json.RawMessage(`{"_id":"~1"}`)})
	if !errors.Is(err, gate.ErrRefused) {
		t.Errorf("a responder without a permit: %v", err)
	}
	if got := s.Submissions(); len(got) != 0 {
		t.Errorf("submitted: %v", got)
	}
}

func TestNamedAnalyzersRunUnasked(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	res, err := do(t, g, ops["cortex_analyze_observable"], `{"data":"198.51.100.23","analyzers":["Abuse_Finder_3_0","MaxMind_GeoIP_4_0"]}`)
	if err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	a := res.Out.(*cortex.Analysis)
	if len(a.JobIDs) != 2 || a.Verdict.Level != cortex.LevelInfo || !a.Verdict.Complete {
		t.Errorf("%+v", a)
	}
	p := res.Proposal.Plan
	if len(p.Egress) != 2 || p.Egress[1].To != "MaxMind (MaxMind_GeoIP_4_0)" || p.Egress[1].TLP != "TLP:AMBER PAP:AMBER" || p.Undo != "" {
		t.Errorf("plan: %+v", p)
	}
}

func TestFanOutWaitsForApprovalAndRunsWhatWasApproved(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	op, args := ops["cortex_analyze_observable"], `{"data":"198.51.100.23","fanOut":true}`
	res, err := do(t, g, op, args)
	if err != nil || res.State != gate.StatePending {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := s.Submissions(); len(got) != 0 {
		t.Fatalf("submitted before the approval: %v", got)
	}
	var approved []string
	for _, target := range res.Proposal.Plan.Targets {
		approved = append(approved, target.Name)
	}
	if len(approved) != 10 || len(res.Proposal.Plan.Egress) != 10 {
		t.Errorf("the plan lists %v", approved)
	}
	g.Approve(res.Proposal.ID)
	if res, err = do(t, g, op, args); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	var ran []string
	for _, r := range res.Out.(*cortex.Analysis).Results {
		ran = append(ran, r.Analyzer)
	}
	if !reflect.DeepEqual(ran, approved) {
		t.Errorf("ran %v, approved %v", ran, approved)
	}
}

func TestNewAnalyzerMakesApprovalStale(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s, func(cfg *cortex.Config) { cfg.MaxFanout = 20 })
	op, args := ops["cortex_analyze_observable"], `{"data":"198.51.100.23","fanOut":true}`
	res, err := do(t, g, op, args)
	if err != nil {
		t.Fatal(err)
	}
	g.Approve(res.Proposal.ID)
	s.AddAnalyzer(cortextest.Worker{Name: "Newcomer_1_0", DataTypes: []string{"ip"}})
	if res, err = do(t, g, op, args); err != nil || res.State != gate.StatePending {
		t.Errorf("after a new analyzer: %+v, %v", res, err)
	}
	if got := s.Submissions(); len(got) != 0 {
		t.Errorf("submitted: %v", got)
	}
}

func TestEgressIsRefusedBeforeAProposal(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	res, err := do(t, g, ops["cortex_analyze_observable"], `{"data":"10.20.0.7","fanOut":true}`)
	if !errors.Is(err, cortex.ErrEgress) {
		t.Errorf("%+v, %v", res, err)
	}
}

const thecase = `{"_id":"~4096","_type":"Case","number":12,"title":"Brute force","tlp":1,"pap":0}`

func TestResponderLocks(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	op := ops["cortex_run_responder"]
	args := `{"responderId":"mailer_1_0","objectType":"case","objectId":"~4096","data":` + thecase + `,"confirm":true}`
	refused := func(args string, why gate.Reason) {
		t.Helper()
		_, err := do(t, g, op, args)
		var r *gate.RefusedError
		if !errors.As(err, &r) || r.Reason != why {
			t.Errorf("%s: %v, want refusal %s", args, err, why)
		}
	}
	refused(args, gate.ReasonOff)
	g.Setenv("CORTEX_ALLOW_DESTRUCTIVE", "true")
	refused(strings.Replace(args, `"confirm":true`, `"confirm":false`, 1), gate.ReasonUnconfirmed)
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("a locked operation asked %v", got)
	}
	res, err := do(t, g, op, args)
	if err != nil || res.State != gate.StatePending {
		t.Fatalf("%+v, %v", res, err)
	}
	screen := gate.Render(res.Proposal)
	for _, want := range []string{"Mailer_1_0", "#12 Brute force", "NOT POSSIBLE", "TLP:GREEN PAP:CLEAR", "was not compared"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen lacks %q:\n%s", want, screen)
		}
	}
	g.Approve(res.Proposal.ID)
	if res, err = do(t, g, op, args); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	got := s.Submissions()
	if len(got) != 1 || got[0].DataType != "thehive:case" || got[0].TLP != 1 || got[0].PAP != 0 || got[0].Label != "#12 Brute force" {
		t.Errorf("submitted %+v", got)
	}
}

func TestResponderFetchesEntity(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	title := "Brute force"
	g, ops := guarded(t, s, func(cfg *cortex.Config) {
		cfg.Entity = func(_ context.Context, kind, id string) (json.RawMessage, error) {
			if kind != "case" || id != "~4096" {
				return nil, errors.New("no such case")
			}
			return json.RawMessage(`{"_id":"~4096","_type":"Case","title":"` + title + `"}`), nil
		}
	})
	g.Setenv("CORTEX_ALLOW_DESTRUCTIVE", "1")
	op := ops["cortex_run_responder"]
	args := `{"responderId":"Mailer_1_0","objectType":"case","objectId":"~4096","confirm":true}`
	res, err := do(t, g, op, args)
	if err != nil || res.State != gate.StatePending || res.Proposal.Plan.Targets[1].Name != "Brute force" {
		t.Fatalf("%+v, %v", res, err)
	}
	g.Approve(res.Proposal.ID)
	title = "Another title"
	if res, err = do(t, g, op, args); err != nil || res.State != gate.StatePending {
		t.Errorf("after the case changed: %+v, %v", res, err)
	}
	if _, err := do(t, g, op, strings.Replace(args, `"confirm"`, `"data":{"_id":"~4096"},"confirm"`, 1)); !errors.Is(err, cortex.ErrInvalid) {
		t.Errorf("data beside a fetcher: %v", err)
	}
}
