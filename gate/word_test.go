package gate

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/postgres"
	"github.com/sallyport-soc/sallyport/internal/clientword"
)

// strike takes an approver off the list, as an operator does.
func (w *world) strike(name string) { must(0, w.roll().StrikeApprover(name)) }

func TestAFreezeHoldsForEveryReaderWhoeverIsEnrolledByThen(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	server := w.guard(host) // runs all the time
	op.do(t, server, comment{Case: "1"})
	must(0, w.journal().Freeze("alice", "drill"))
	must(0, w.journal().Unfreeze(w.signer))
	carol := must(NewSigner("carol"))
	must(0, w.enrol(carol.Approver()))
	w.strike("alice")
	op.do(t, server, comment{Case: "2"})
	if s := must(w.journal().Standing()); s.Frozen {
		t.Errorf("a new reader takes it for frozen: %s", s.FrozenWhy)
	}
	must(0, w.journal().Freeze("carol", "emergency"))
	op.refused(t, server, comment{Case: "3"}, ReasonFrozen)
	op.refused(t, w.guard(host), comment{Case: "3"}, ReasonFrozen)
	must(0, w.journal().Unfreeze(carol))
	op.do(t, server, comment{Case: "3"})
	op.ran(t, 3)
}

func TestAnApproverOfAProgramCanNotMakeAFreezeWithoutEffect(t *testing.T) {
	w := newWorld(t)
	dave := must(NewSigner("dave"))
	program := w.guard(host, func(p *Policy) { p.Approvers = []Approver{dave.Approver()} })
	j := must(program.Journal())
	must(0, j.Freeze("x", ""))
	must(0, j.Unfreeze(dave))
	must(0, w.journal().Freeze("alice", "emergency"))
	if !must(j.Frozen()) {
		t.Error("the program goes on")
	}
	newCounted().refused(t, program, one, ReasonFrozen)
}

func TestAResetHoldsForEveryReader(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	server := w.guard(bounded)
	deny := func(by string) {
		for i := range 3 {
			p := op.pending(t, server, comment{Case: fmt.Sprint(by, i)})
			must(0, w.journal().Deny(p.ID, by, ""))
		}
		op.refused(t, server, comment{Case: "x"}, ReasonBreaker)
	}
	deny("alice")
	must(0, w.journal().Reset(w.signer))
	carol := must(NewSigner("carol"))
	must(0, w.enrol(carol.Approver()))
	w.strike("alice")
	deny("carol")
	must(0, w.journal().Reset(carol))
	op.pending(t, server, comment{Case: "y"})
	if must(w.journal().Standing()).Tripped {
		t.Error("a new reader takes it for open")
	}
}

func TestACopiedFolderWritesNothingUntilItIsTakenOver(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	w.approve(op.pending(t, w.guard(), one))
	copied := &world{t: t, dir: filepath.Join(t.TempDir(), "copy"), signer: w.signer}
	must(0, os.CopyFS(copied.dir, os.DirFS(w.folder())))
	must(0, os.Chmod(copied.dir, 0o700))
	for _, name := range []string{journalFile, approversFile} {
		must(0, os.Chmod(filepath.Join(copied.dir, name), 0o600))
	}
	op.refused(t, copied.guard(), one, ReasonJournal)
	var moved *MovedError
	if s := must(copied.journal().Standing()); !errors.As(s.Moved, &moved) {
		t.Errorf("the status doesn't say so: %v", s.Moved)
	}
	if err := copied.journal().Adopt(must(NewSigner("alice"))); err == nil {
		t.Error("an impostor took it over")
	}
	op.do(t, w.guard(), one)
	must(0, copied.journal().Adopt(w.signer))
	op.pending(t, copied.guard(), one) // the approval isn't spent a second time
	op.ran(t, 1)
}

func TestAClockThatWasAheadIsSetRightByAnApprover(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	w.sleep(365 * 24 * time.Hour)
	op.do(t, w.guard(host), comment{Case: "ahead"})
	w.sleep(-365 * 24 * time.Hour)
	op.refused(t, w.guard(host), one, ReasonJournal)
	if s := must(w.journal().Standing()); s.Ahead < 364*24*time.Hour {
		t.Errorf("ahead by %s", s.Ahead)
	}
	if err := w.journal().SetClock(must(NewSigner("alice"))); err == nil {
		t.Error("an impostor set it")
	}
	must(0, w.journal().SetClock(w.signer))
	op.do(t, w.guard(host), one)
	if s := must(w.journal().Standing()); s.Ahead != 0 || len(s.Used) != 1 || s.Used[0].Writes != 1 {
		t.Errorf("%+v", s)
	}
}

func TestARelativeFolderIsRefused(t *testing.T) {
	if _, err := PolicyFrom([]string{"SALLYPORT_STATE=state"}); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Errorf("%v", err)
	}
}

func TestThingsAreCountedNotCalls(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	op.Plan(func(_ context.Context, in comment) (Plan, error) {
		p := Plan{Summary: "Close cases."}
		for i := range 20 {
			p.Targets = append(p.Targets, Target{Kind: "case", ID: fmt.Sprint(in.Case, i)})
		}
		return p, nil
	})
	g := w.guard(host, bounded, func(p *Policy) { p.Budget.Proposals = -1 })
	op.do(t, g, comment{Case: "a"})
	p := op.pending(t, g, comment{Case: "b"})
	if !strings.Contains(Render(p), "20 of 30") {
		t.Errorf("the screen doesn't say why:\n%s", Render(p))
	}
	w.approve(p)
	op.do(t, g, comment{Case: "b"})
	// Who has used the budget up is asked each time, and after as many calls refused.
	for i := range 28 {
		c := comment{Case: fmt.Sprint("c", i)}
		w.approve(op.pending(t, g, c))
		op.do(t, g, c)
	}
	op.refused(t, g, comment{Case: "d"}, ReasonBudget)
}

func TestWhatIsManyOrCanNotBeUndoneIsAskedForWhereThePolicySaysSo(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	plan := Plan{Summary: "S.", Undo: "Undo it."}
	op.Plan(func(context.Context, comment) (Plan, error) { return plan, nil })
	asks := must(parsePolicy([]byte(`{"bulk": {"over": 2}, "ask_irreversible": true}`)))
	g := w.guard(host, func(p *Policy) { p.Bulk, p.AskIrreversible = asks.Bulk, asks.AskIrreversible })
	op.do(t, g, comment{Case: "one that can be undone"})
	plan.Count = 2
	op.do(t, g, comment{Case: "two"})
	plan.Count = 3
	if p := op.pending(t, g, comment{Case: "three"}); !strings.Contains(Render(p), "3 things at once") {
		t.Errorf("the screen doesn't say why:\n%s", Render(p))
	}
	plan.Count, plan.Undo = 1, ""
	if p := op.pending(t, g, comment{Case: "for good"}); !strings.Contains(Render(p), "nobody can undo it") {
		t.Errorf("the screen doesn't say why:\n%s", Render(p))
	}
}

// event is a thing at a platform that other operations change too.
func onEvent(name string, run func()) *Operation[comment, string] {
	return Write(name, func(context.Context, comment) (string, error) { run(); return name, nil }, "X.").
		Plan(func(_ context.Context, in comment) (Plan, error) {
			return Plan{Summary: "X.", Targets: []Target{{Kind: "event", ID: in.Case}}}, nil
		})
}

func TestARepeatedCallIsANewOneOnceItsTargetWasActedOn(t *testing.T) {
	w := newWorld(t)
	published := 0
	publish, add := onEvent("publish", func() { published++ }), onEvent("add", func() {})
	g := w.guard(host)
	do := func(op *Operation[comment, string], id string) *Result {
		in := comment{Case: id}
		return must(op.Do(t.Context(), g, &in))
	}
	do(publish, "5")
	do(add, "6") // another event
	if res := do(publish, "5"); !res.Repeated {
		t.Error("a retry ran again")
	}
	do(add, "5")
	if res := do(publish, "5"); res.Repeated || !strings.Contains(res.Note, "since then") {
		t.Errorf("%+v", res)
	}
	if res := do(publish, "5"); !res.Repeated || published != 2 {
		t.Errorf("published %d times", published)
	}
}

func TestALostAnswerStopsOnlyWhatIsAboutTheSame(t *testing.T) {
	w := newWorld(t)
	lost := true
	op := Write("run_analyzer", func(context.Context, comment) (string, error) {
		if lost {
			lost = false
			return "", ErrOutcomeUnknown
		}
		return "ok", nil
	}, "Run.", Leaves, About(func(in comment) []string { return []string{in.Text} })).
		Plan(func(context.Context, comment) (Plan, error) {
			return Plan{Summary: "Run.", Targets: []Target{{Kind: "analyzer", ID: "GeoIP"}}}, nil
		}).RunWhen(func(comment) bool { return true })
	g := w.guard(bounded)
	run := func(c, text string) (*Result, error) {
		in := comment{Case: c, Text: text}
		return op.Do(t.Context(), g, &in)
	}
	if _, err := run("1", "203.0.113.20"); !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	if res := must(run("1", "203.0.113.21")); res.State != StateExecuted {
		t.Errorf("another observable: %s", res.State)
	}
	for _, c := range []string{"1", "2"} { // the same call, and the same in other words
		res := must(run(c, "203.0.113.20"))
		if res.State != StatePending || !strings.Contains(Render(res.Proposal), "BEFORE") {
			t.Errorf("the same observable: %s\n%s", res.State, Render(res.Proposal))
		}
	}
}

func TestWhatADeadServerRanIsUnknownAtOnce(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	w.approve(p)
	w.folder()
	w.forge(Event{Kind: EventConsumed, ID: p.ID, Exec: "1-0"}) // by a process that is no more
	s := must(w.journal().Standing())
	if len(s.Unknown) != 1 || s.Unknown[0] != p.ID {
		t.Errorf("unknown: %v", s.Unknown)
	}
	q := op.pending(t, w.guard(host), one) // a human looks first
	if len(q.History) != 1 || !strings.Contains(q.History[0], p.ID) {
		t.Errorf("%q", q.History)
	}
	must(0, w.journal().Resolve(p.ID, StateFailed, w.signer))
	if got := must(w.journal().Proposal(p.ID)); got.State != StateFailed {
		t.Errorf("resolved as %s", got.State)
	}
}

func TestAFileChangesWhatItNames(t *testing.T) {
	p := must(parsePolicy([]byte(`{"approval": {"write": "host"}}`)))
	p.Dir, p.OpenStore = newWorld(t).dir, postgres.Open
	g := must(New(p))
	defer g.Close()
	in := one
	if res := must(Destructive("erase", nothing, "Erase.").Do(t.Context(), g, &in)); res.State != StatePending {
		t.Errorf("a destructive one is %s", res.State)
	}
	if res := must(Write("w", nothing, "W.").Do(t.Context(), g, &in)); res.State != StateExecuted {
		t.Errorf("a write is %s", res.State)
	}
	for tier, want := range map[Tier]string{TierWrite: "host (the policy file)", TierDestructive: "operator (the policy file)"} {
		if got := p.Who(tier); got != want {
			t.Errorf("%s: %q, want %q", tier, got, want)
		}
	}
}

func TestTheStatusSaysWhoApprovesWhichTierAndWhy(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		environ []string
		http    bool
		want    map[Tier]string
	}{
		"nothing said":            {nil, false, map[Tier]string{TierWrite: "operator (the default)", TierDestructive: "operator (the default)"}},
		"client":                  {[]string{"SALLYPORT_APPROVAL=client"}, false, map[Tier]string{TierWrite: "client (SALLYPORT_APPROVAL)", TierDestructive: "operator (a client's word is never enough for them)"}},
		"host":                    {[]string{"SALLYPORT_APPROVAL=host"}, false, map[Tier]string{TierWrite: "host (SALLYPORT_APPROVAL)", TierDestructive: "host (SALLYPORT_APPROVAL)"}},
		"host, asked over HTTP":   {[]string{"SALLYPORT_APPROVAL=host"}, true, map[Tier]string{TierWrite: "operator (over HTTP the word of the host doesn't count: whoever calls could give it)", TierDestructive: "operator (over HTTP the word of the host doesn't count: whoever calls could give it)"}},
		"client, asked over HTTP": {[]string{"SALLYPORT_APPROVAL=client"}, true, map[Tier]string{TierWrite: "operator (over HTTP the word of the client doesn't count: whoever calls could give it)", TierDestructive: "operator (a client's word is never enough for them)"}},
	} {
		p := must(PolicyFrom(append(tt.environ, "SALLYPORT_STATE="+w.dir)))
		p.OpenStore = postgres.Open
		g := must(New(p))
		ctx := t.Context()
		if tt.http {
			ctx = WithHTTP(ctx, true)
		}
		got := must(g.Status(ctx)).Who
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v", name, got)
		}
		must(0, g.Close())
	}
	g := w.guard(host, func(p *Policy) { p.Max = TierWrite })
	if got := must(g.Status(t.Context())).Who[TierDestructive]; !strings.Contains(got, "nobody") {
		t.Errorf("above the highest tier: %s", got)
	}
}

func TestOverHTTPTheCallersOwnWordIsNoApproval(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	for i, tt := range []struct {
		ctx     context.Context
		trusted bool
		want    State
	}{
		{t.Context(), false, StateExecuted},
		{WithHTTP(t.Context(), true), false, StatePending},
		{WithHTTP(t.Context(), false), true, StatePending},
		{WithHTTP(t.Context(), true), true, StateExecuted},
	} {
		in := comment{Case: fmt.Sprint(i)}
		res := must(op.Do(tt.ctx, w.guard(host, func(p *Policy) { p.OverHTTP = tt.trusted }), &in))
		if res.State != tt.want {
			t.Errorf("%d: %s, want %s", i, res.State, tt.want)
		}
	}
	op.Plan(func(context.Context, comment) (Plan, error) { return Plan{Summary: "S.", Undo: "Undo it."}, nil })
	g := w.guard(func(p *Policy) { p.Approval = ApprovalClient })
	p := op.pending(t, g, comment{Case: "form"})
	sealed, _ := asAdapter(g).Seal(p)
	if err := asAdapter(g).Attest(WithHTTP(t.Context(), true), p, sealed, p.Code()); !errors.Is(err, clientword.ErrUnsealed) {
		t.Errorf("attested over HTTP: %v", err)
	}
	must(0, asAdapter(g).Attest(t.Context(), p, sealed, p.Code()))
}

func TestLoweringTheProtectionIsSaidFirstAndNotGranted(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	changes := []Change{Set("title", "New")}
	op.Plan(func(_ context.Context, in comment) (Plan, error) {
		return Plan{Summary: "Change a case.", Targets: []Target{{Kind: "case", ID: in.Case}}, Changes: changes, Undo: "Set it back."}, nil
	})
	g := w.guard()
	title := op.pending(t, g, one)
	must(w.journal().Grant(title.ID, 5, time.Hour, w.signer))
	if res := op.do(t, g, comment{Case: "1", Text: "another title"}); res.State != StateExecuted {
		t.Errorf("what was granted is %s", res.State)
	}
	changes = []Change{Changed("TLP", "RED", "CLEAR"), Changed("PAP", "RED", "CLEAR")}
	p := op.pending(t, g, comment{Case: "1", Text: "levels"})
	screen := Render(p)
	if !strings.Contains(screen, "TLP is lowered: RED -> CLEAR") || !strings.Contains(screen, "PAP is lowered: RED -> CLEAR") ||
		strings.Index(screen, "WARNING") > strings.Index(screen, "TARGET") {
		t.Error(screen)
	}
	changes = []Change{Set("description", "other")}
	op.pending(t, g, comment{Case: "1", Text: "a field that was not granted"})
}

func TestTheScreenShowsAllOfIt(t *testing.T) {
	var list []string
	for i := range 60 {
		list = append(list, fmt.Sprintf("host-%03d.example", i))
	}
	long := strings.Repeat("x", 700) + "Delete all backups tonight." + strings.Repeat("y", 700)
	p := &Proposal{ID: "P-1", Tier: TierWrite, State: StatePending, Plan: Plan{Summary: "S.", Changes: []Change{Set("data", strings.Join(list, ", ")), Set("message", long)}}}
	screen := strings.ReplaceAll(strings.ReplaceAll(Render(p), "\n", ""), "           | ", "")
	for _, want := range append(list, "Delete all backups tonight.") {
		if !strings.Contains(screen, want) {
			t.Errorf("%s isn't on the screen", want)
		}
	}
}

func TestWhatWasDoneBeforeAFailureIsSaid(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	refused := errors.New("HTTP 403")
	runs := 0
	op := Write("create_alert", func(ctx context.Context, _ comment) (string, error) {
		runs++
		must(0, g.Admit(ctx, point(TierWrite)))
		Answered(ctx, Endpoint{ID: "createAlert", Tier: TierWrite})
		must(0, g.Admit(ctx, point(TierWrite)))
		return "", refused
	}, "X.")
	On(g, "https://hive", op)
	in := one
	_, err := op.Do(t.Context(), g, &in)
	var partly *PartlyError
	if !errors.As(err, &partly) || partly.Done != "createAlert" || !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	if e := must(must(g.Journal()).Tail(1))[0]; e.Kind != EventPartly || !strings.Contains(e.Detail, "createAlert") {
		t.Errorf("%s: %s", e.Kind, e.Detail)
	}
	if res := must(op.Do(t.Context(), g, &in)); res.State != StatePending || runs != 1 {
		t.Errorf("repeated: %s, run %d times", res.State, runs)
	}
}

func TestWhatAGoodAnswerDeniesIsNotDone(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	op := Write("tag_event", func(ctx context.Context, _ comment) (string, error) {
		for _, id := range []string{"addEvent", "attachTag", "addEvent"} {
			Answered(ctx, Endpoint{ID: id, Tier: TierWrite})
		}
		Denied(ctx, Endpoint{ID: "attachTag", Tier: TierWrite})
		Denied(ctx, Endpoint{ID: "neverSent", Tier: TierWrite})
		return "", errors.New("HTTP 200: the tag could not be attached")
	}, "X.")
	On(g, "https://hive", op)
	in := one
	_, err := op.Do(t.Context(), g, &in)
	if partly := (*PartlyError)(nil); !errors.As(err, &partly) || partly.Done != "addEvent, addEvent" {
		t.Errorf("%v", err)
	}
}

// tries is an operation that sends each of those requests and says what became of the
// last.
func tries(g *Guard, name string, requests ...Endpoint) *Operation[comment, string] {
	return Write(name, func(ctx context.Context, _ comment) (string, error) {
		var err error
		for _, e := range requests {
			err = g.Admit(ctx, e)
		}
		return "", err
	}, "X.")
}

func TestAPermitIsForTheRequestsOfItsOperation(t *testing.T) {
	w := newWorld(t)
	at := func(system, id, upstream string) Endpoint {
		return Endpoint{System: system, ID: id, Method: "POST", Path: "/" + id, Tier: TierWrite, Upstream: upstream}
	}
	own := at("hive", "createComment", "hive as key a")
	footprint := Footprint{"comment": {"hive createComment", "hive updateCase"}}
	for name, tt := range map[string]struct {
		table    Footprint
		requests []Endpoint
		want     Reason
		says     string
	}{
		"its own":                       {footprint, []Endpoint{own, at("hive", "updateCase", "hive as key a")}, "", ""},
		"what another operation sends":  {footprint, []Endpoint{at("hive", "deleteCase", "hive as key a")}, ReasonFootprint, "not for hive deleteCase"},
		"the same at another platform":  {footprint, []Endpoint{at("misp", "createComment", "hive as key a")}, ReasonFootprint, "not for misp createComment"},
		"the same under another key":    {footprint, []Endpoint{at("hive", "createComment", "hive as key b")}, ReasonFootprint, "is for hive as key a"},
		"an operation nobody listed":    {Footprint{}, []Endpoint{own}, ReasonFootprint, "is for []"},
		"no footprint, one platform":    {nil, []Endpoint{own, at("hive", "deleteCase", "")}, "", ""},
		"no footprint, several of them": {nil, []Endpoint{own, at("misp", "addEvent", "")}, ReasonFootprint, "writes to hive already"},
	} {
		t.Run(name, func(t *testing.T) {
			g := w.guard(host)
			op := tries(g, "comment", tt.requests...)
			On(g, "hive as key a", op)
			if tt.table != nil {
				tt.table.Limit([]Op{op})
			}
			in := comment{Case: name}
			_, err := op.Do(t.Context(), g, &in)
			if reason(err) != tt.want || tt.says != "" && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A halt holds before the journal says so, and whoever comes next writes it down.
func TestAFreezeHoldsWhileAnotherKeepsTheJournal(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	server := w.guard(host)
	op.do(t, server, comment{Case: "1"})
	operator := w.journal()
	w.files(operator).Wait = 50 * time.Millisecond
	release := hold(w.folder())
	if err := operator.Freeze("alice", "now"); !errors.Is(err, ErrJournal) {
		t.Errorf("%v", err)
	}
	release()
	op.refused(t, server, comment{Case: "2"}, ReasonFrozen)
}

func TestASnapshotSparesTheHistory(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard(host)
	for i := range 200 {
		op.do(t, g, comment{Case: fmt.Sprint(i)})
	}
	snapshot := filepath.Join(w.folder(), "snapshot.json")
	if _, err := os.Stat(snapshot); err != nil {
		t.Fatal(err)
	}
	want := must(w.journal().Standing())
	for name, damage := range map[string]func(){
		"as it is":  func() {},
		"forged":    func() { must(0, os.WriteFile(snapshot, []byte("{}\n{}"), 0o600)) },
		"taken off": func() { must(0, os.Remove(snapshot)) },
	} {
		damage()
		got := must(w.journal().Standing())
		if got.Events != want.Events || got.Head != want.Head || fmt.Sprint(got.Used) != fmt.Sprint(want.Used) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if _, err := w.journal().Verify(nil, true); err != nil {
		t.Errorf("replayed: %v", err)
	}
	var _ journal.Store
}

// Another goroutine of the process may read the approval between a waiter's look and its wait.
func TestWhoWaitsMissesNothingThatItsProcessReadMeanwhile(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	in := one
	p := must(newCounted().Do(t.Context(), g, &in)).Proposal
	j := must(g.Journal())
	seen := must(j.Standing()).Events
	w.approve(p)
	must(j.Pending())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if j.Watch(ctx, seen); ctx.Err() != nil {
		t.Error("it waits on")
	}
}

// haltedBy has somebody else come between a freeze and its event.
type haltedBy struct {
	journal.Store
	then func()
}

func (s haltedBy) Halt(why []byte) (bool, error) {
	told, err := s.Store.Halt(why)
	s.then()
	return told, err
}

func TestAFreezeHoldsThoughTheOneBeforeWasEndedMeanwhile(t *testing.T) {
	w := newWorld(t)
	dir := w.folder()
	other := w.journal()
	store := haltedBy{journal.Folder{Store: must(filestore.Open(dir, filestore.Owners{}))}, func() {
		must(other.Standing()) // it writes the freeze down
		must(0, other.Unfreeze(w.signer))
	}}
	j := journal.New(store, journal.Options{Roster: func() ([]Approver, error) { return journal.Approvers(dir) }})
	defer j.Close()
	must(0, j.Freeze("carol", "emergency"))
	if !must(other.Frozen()) {
		t.Error("gate freeze came back, and nothing is frozen")
	}
}

func TestAnApproverWhoWasNotToldOfALostAnswerIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	op.Plan(func(_ context.Context, in comment) (Plan, error) {
		return Plan{Summary: "X.", Targets: []Target{{Kind: "case", ID: in.Case}}}, nil
	})
	ask, free := w.guard(), w.guard(host)
	before := op.pending(t, ask, comment{Case: "1", Text: "a"})
	op.fail = ErrOutcomeUnknown
	in := comment{Case: "1", Text: "b"}
	if _, err := op.Do(t.Context(), free, &in); !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	op.fail = nil
	w.approve(before)
	after := op.pending(t, ask, comment{Case: "1", Text: "a"})
	if after.ID == before.ID || len(after.History) != 1 || !strings.Contains(after.History[0], "unknown outcome") {
		t.Errorf("%s, %q", after.ID, after.History)
	}
	w.approve(after)
	op.do(t, ask, comment{Case: "1", Text: "a"})
	op.ran(t, 2)
}

func TestAReplayOfALostAnswerSaysSoAndRuns(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	w.approve(p)
	op.fail = ErrOutcomeUnknown
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	op.fail = nil
	again := must(w.journal().Replay(p.ID, 0))
	if len(again.History) != 1 || !strings.Contains(again.History[0], p.ID) {
		t.Errorf("the approver isn't told: %q", again.History)
	}
	w.approve(again)
	op.do(t, g, one)
	op.ran(t, 2)
}

func TestALostCreationIsForAHumanWhoeverAsksForItAgain(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard(host)
	op.fail = ErrOutcomeUnknown
	in := one
	if _, err := op.Do(WithPrincipal(t.Context(), "bob"), g, &in); !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	op.fail = nil
	if p := op.pending(t, g, one); !strings.Contains(Render(p), "the same by another") {
		t.Errorf("the screen doesn't say why:\n%s", Render(p))
	}
	op.do(t, g, comment{Case: "2"})
}

func TestWhatIsBehindAnEventIsReadWithoutTheRest(t *testing.T) {
	w := newWorld(t)
	j := w.journal()
	for range 5 {
		must(0, j.Freeze("bob", "drill"))
	}
	var all []Event
	for e, err := range j.Events() {
		all = append(all, must(e, err))
	}
	for i, behind := range all {
		var got []Event
		for e, err := range j.After(behind.Seq, behind.Hash) {
			got = append(got, must(e, err))
		}
		if diff := cmp.Diff(all[i+1:], got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("behind %d (-want +got):\n%s", behind.Seq, diff)
		}
	}
	for e, err := range j.After(2, all[3].Hash) {
		if err == nil || !strings.Contains(err.Error(), "cut or rewritten") {
			t.Errorf("behind an event that isn't there: %v, %v", e, err)
		}
	}
}

// reading counts the lines that are read from a store.
type reading struct {
	journal.Store
	lines int
}

func (s *reading) counted(lines iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for line, err := range lines {
			s.lines++
			if !yield(line, err) {
				return
			}
		}
	}
}

func (s *reading) Ahead(seq uint64, hash string) iter.Seq2[[]byte, error] {
	return s.counted(s.Store.Ahead(seq, hash))
}

func (s *reading) Lines() iter.Seq2[[]byte, error] { return s.counted(s.Store.Lines()) }

func (s *reading) Begin() (journal.Tx, error) {
	tx, err := s.Store.Begin()
	return readingTx{tx, s}, err
}

type readingTx struct {
	journal.Tx
	s *reading
}

func (t readingTx) After(seq uint64, hash string) iter.Seq2[[]byte, error] {
	return t.s.counted(t.Tx.After(seq, hash))
}

// Looking at a journal, proposing and freezing read what follows the last snapshot, and
// no more the older it is.
func TestALongHistoryIsNotReadAgain(t *testing.T) {
	w := newWorld(t)
	dir := w.folder()
	writer := w.journal()
	w.files(writer).Sync = func(*os.File) error { return nil }
	for range 3 {
		for range 2000 {
			must(0, writer.Finish("P-00000000", EventFailed, "long ago"))
		}
		if must(w.journal().Standing()).Frozen {
			must(0, w.journal().Unfreeze(w.signer))
		}
		for name, do := range map[string]func(*Journal) error{
			"status":  func(j *Journal) error { _, err := j.Standing(); return err },
			"pending": func(j *Journal) error { _, err := j.Pending(); return err },
			"freeze":  func(j *Journal) error { return j.Freeze("alice", "test") },
		} {
			s := &reading{Store: journal.Folder{Store: must(filestore.Open(dir, filestore.Owners{}))}}
			j := journal.New(s, journal.Options{Roster: func() ([]Approver, error) { return journal.Approvers(dir) }})
			must(0, do(j))
			must(0, j.Close())
			if s.lines > 600 { // a snapshot is taken each 512
				t.Errorf("%s reads %d lines", name, s.lines)
			}
		}
	}
}
