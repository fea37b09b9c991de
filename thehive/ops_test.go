package thehive_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func TestOps(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	gatetest.Complete(t, c, c.Ops())
	gatetest.Lint(t, c.Ops())
}

func TestFootprint(t *testing.T) {
	t.Parallel()
	evidence.Footprint(t)
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g := gatetest.New(t)
	rec := evidence.NewRecorder(nil)
	c := hive.Client(func(cfg *thehive.Config) { cfg.Guard, cfg.Transport = g.Guard, rec })
	evidence.Check(t, g, rec, c.Ops(), evidence.TheHive())
}

// gated returns a client behind a gate, with its operations by name.
func gated(t *testing.T, hive *thehivetest.Server) (*gatetest.Gate, *thehive.Client, map[string]gate.Op) {
	t.Helper()
	g := gatetest.New(t)
	c := hive.Client(func(cfg *thehive.Config) { cfg.Guard = g.Guard })
	ops := map[string]gate.Op{}
	for _, op := range c.Ops() {
		ops[op.Name()] = op
	}
	return g, c, ops
}

// propose returns the proposal that a call leaves.
func propose(t *testing.T, g *gatetest.Gate, op gate.Op, in any) *gate.Proposal {
	t.Helper()
	res, err := op.Do(t.Context(), g.Guard, in)
	if err != nil {
		t.Fatal(err)
	}
	if res.State != gate.StatePending {
		t.Fatalf("%s: %s, want it to wait", op.Name(), res.State)
	}
	return res.Proposal
}

var lost = regexp.MustCompile(`^\d+ [a-z ]+ are deleted with it, the newest of \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.$`)

func TestDeleteCaseIsLocked(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	in := &thehive.DeleteCaseInput{CaseID: thehivetest.PhishingCase, Force: true}

	hive.Requests()
	if _, err := ops["thehive_delete_case"].Do(t.Context(), g.Guard, in); !errors.Is(err, gate.ErrRefused) {
		t.Errorf("with the switch off: %v, want a refusal", err)
	}
	if r := hive.Requests(); len(r) > 0 {
		t.Errorf("requests %q, want none", r)
	}
	g.Setenv("THEHIVE_ALLOW_DESTRUCTIVE_TOOLS", "true")
	p := propose(t, g, ops["thehive_delete_case"], in)
	want := []string{"2 tasks", "1 log entries", "4 observables", "1 comments"}
	for i, w := range p.Plan.Warnings {
		if i >= len(want) || !lost.MatchString(w) || !strings.HasPrefix(w, want[i]+" ") {
			t.Errorf("warnings: %q", p.Plan.Warnings)
		}
	}
	g.Approve(p.ID)
	if _, err := ops["thehive_delete_case"].Do(t.Context(), g.Guard, in); err != nil {
		t.Fatal(err)
	}
	if hive.Get(thehivetest.PhishingCase) != nil || hive.Get(thehivetest.PhishingTask) != nil {
		t.Error("the case or its task is still there")
	}
}

func TestGuardedClientWritesNothingUnasked(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	_, c, _ := gated(t, hive)
	_, err := c.CreateComment(t.Context(), thehive.CreateCommentInput{CaseID: thehivetest.PhishingCase, Message: "x"})
	if !errors.Is(err, gate.ErrRefused) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestClosePlan(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, c, ops := gated(t, hive)
	in := &thehive.CloseCaseInput{CaseID: "2", Status: "TruePositive", Summary: "Done."}

	p := propose(t, g, ops["thehive_close_case"], in)
	if got, want := p.Plan.Changes[0], (gate.Change{Field: "status", Before: "InProgress", After: "TruePositive"}); got != want {
		t.Errorf("change %+v, want %+v", got, want)
	}
	if got, want := p.Plan.Warnings[len(p.Plan.Warnings)-1], "Ended for good: Reset the passwords of those who clicked (Waiting)"; got != want || len(p.Plan.Warnings) != 2 {
		t.Errorf("warnings: %s", got)
	}
	g.Approve(p.ID)
	hive.Add("Task", thehivetest.PhishingCase, thehivetest.Object{"title": "Warn the bank", "status": "InProgress"})
	again := propose(t, g, ops["thehive_close_case"], in)
	if again.ID == p.ID || len(again.Plan.Warnings) != 3 {
		t.Errorf("a new open task left the approval as it was: %+v", again.Plan.Warnings)
	}
	g.Approve(again.ID)
	if _, err := ops["thehive_close_case"].Do(t.Context(), g.Guard, in); err != nil {
		t.Fatal(err)
	}
	cs, err := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: "2"})
	if err != nil || cs.Stage != thehive.StageClosed || cs.Summary != "Done." {
		t.Errorf("afterwards: %+v, %v", cs, err)
	}
}

func TestClosingAnotherStateIsAskedForAgain(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	in := &thehive.CloseCaseInput{CaseID: "2", Status: "TruePositive", Summary: "Done."}

	p := propose(t, g, ops["thehive_close_case"], in)
	g.Approve(p.ID)
	hive.Set(thehivetest.PhishingCase, thehivetest.Object{"severity": 4})
	if again := propose(t, g, ops["thehive_close_case"], in); again.ID == p.ID {
		t.Error("the approval still counts, though the case was changed since")
	}
}

func TestDeletionsAreDestructive(t *testing.T) {
	t.Parallel()
	for _, e := range wire.Endpoints {
		harms := e.Method == http.MethodDelete && e.ID != "unlinkAlert" || e.ID == "mergeCases" || e.ID == "createAction"
		if harms != (e.Tier == gate.TierDestructive) {
			t.Errorf("%s is %s", e, e.Tier)
		}
	}
}

func TestAdditionsDoNotMakeEachOtherStale(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	task := &thehive.CreateTaskInput{CaseID: thehivetest.PhishingCase, Title: "Warn the bank"}
	tags := &thehive.AddCaseTagsInput{CaseID: thehivetest.PhishingCase, Tags: []string{"finance"}}

	first := propose(t, g, ops["thehive_create_task"], task)
	g.Approve(propose(t, g, ops["thehive_add_case_tags"], tags).ID)
	if _, err := ops["thehive_add_case_tags"].Do(t.Context(), g.Guard, tags); err != nil {
		t.Fatal(err)
	}
	g.Approve(first.ID)
	res, err := ops["thehive_create_task"].Do(t.Context(), g.Guard, task)
	if err != nil || res.State != gate.StateExecuted {
		t.Errorf("the approval went stale: %+v, %v", res, err)
	}
}

func TestPlansShowWhatIsSent(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	red := thehive.TLPRed
	p := propose(t, g, ops["thehive_create_observable_bulk"], &thehive.CreateObservableBulkInput{CaseID: "2", DataType: "domain",
		Data: []string{"login-invoice.example", "evil.example"}, TLP: &red, Tags: []string{"a", "b"}, IOC: true})
	var got []string
	for _, c := range p.Plan.Changes {
		got = append(got, c.Field+"="+c.After)
	}
	if g, want := strings.Join(got, " "), "domain=login-invoice.example, evil.example tags=a, b TLP=RED IOC=true"; g != want {
		t.Errorf("changes %s, want %s", g, want)
	}
	if w := strings.Join(p.Plan.Warnings, "\n"); w != "The case has domain login-invoice.example already." {
		t.Errorf("warnings: %s", w)
	}
}
