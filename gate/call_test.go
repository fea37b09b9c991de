package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/screen"
)

func TestAClientsWordIsNoneOfTwo(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	p := op.pending(t, w.guard(func(p *Policy) { p.Quorum.Write = 2 }), one)
	g := w.guard(client)
	if err := must(g.Journal()).Approve(p.ID, p.Digest, g.client); err == nil {
		t.Error("a client signed as one of two")
	}
	w.approve(p)
	op.pending(t, w.guard(func(p *Policy) { p.Quorum.Write = 2 }), one)
	op.ran(t, 0)
}

// The irreversible form asks for approval whatever else says that a call runs.
func TestTheIrreversibleFormIsAskedForInEveryMode(t *testing.T) {
	run := func(context.Context, locked) (int, error) { t.Error("it ran"); return 0, nil }
	for name, op := range map[string]*Operation[locked, int]{
		"host":           Write("w", run, "W.", ConfirmHard()),
		"destructive":    Destructive("d", run, "D.", ConfirmHard()),
		"unasked":        Write("u", run, "U.", ConfirmHard()).RunWhen(func(locked) bool { return true }),
		"pre-authorised": Write("p", run, "P.", ConfirmHard(), ConfirmOrEnv("OPEN")),
	} {
		g := newWorld(t).guard(host, func(p *Policy) { p.Getenv = func(string) string { return "true" } })
		res, err := op.Do(t.Context(), g, &locked{Hard: true, ConfirmHard: true})
		if err != nil || res.State != StatePending {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
}

func TestARequestWithoutAPermitDoesNotEvenOpenTheJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	g := must(New(Policy{Max: TierDestructive, Dir: dir}))
	if err := g.Admit(t.Context(), point(TierWrite)); reason(err) != ReasonNoPermit {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A permit that ends while the request waits for the journal doesn't let it through.
func TestAPermitThatEndsWhileTheJournalIsBusyCoversNothing(t *testing.T) {
	w := newWorld(t)
	dir, g := w.folder(), w.guard()
	pm := &permit{guard: g, tier: TierWrite, until: time.Now().Add(time.Minute), frozen: must(g.Journal()).Frozen}
	ctx := context.WithValue(t.Context(), permitKey{}, pm)
	must(0, g.Admit(ctx, point(TierWrite)))
	must(0, w.journal().Rotate(0)) // there is something to read
	release := hold(dir)
	said := make(chan error)
	go func() { said <- g.Admit(ctx, point(TierWrite)) }()
	time.Sleep(20 * time.Millisecond)
	pm.ended.Store(true)
	release()
	if err := <-said; reason(err) != ReasonNoPermit {
		t.Errorf("%v", err)
	}
	if n := pm.sent.Load(); n != 1 {
		t.Errorf("%d requests count as sent", n)
	}
}

func TestAnEmptyPrincipalIsThePolicys(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	in := one
	p := must(op.Do(WithPrincipal(t.Context(), ""), w.guard(), &in)).Proposal
	if p.Principal != "agent" {
		t.Errorf("%q asks", p.Principal)
	}
}

func TestAnInputThatIsTooLargeIsNotEvenPlanned(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	op.Plan(func(context.Context, comment) (Plan, error) { t.Error("planned"); return Plan{Summary: "X."}, nil })
	op.refused(t, w.guard(), comment{Text: strings.Repeat("x", maxInput)}, ReasonTooLarge)
}

func TestAnInputOfAnotherTypeIsRefused(t *testing.T) {
	g := newWorld(t).guard(host)
	op := newCounted()
	for _, in := range []any{nil, one, &checked{}, (*comment)(nil), "x"} {
		if res, err := op.Do(t.Context(), g, in); err == nil {
			t.Errorf("%T: %+v", in, res)
		}
	}
	op.ran(t, 0)
}

// The receipt of an older execution isn't the answer of a newer one.
func TestAReceiptIsThatOfItsExecution(t *testing.T) {
	w := newWorld(t)
	n := 0
	op := Write("x", func(context.Context, comment) (int, error) { n++; return n, nil }, "X.")
	a, b := w.guard(host), w.guard(host)
	in := one
	must(op.Do(t.Context(), a, &in))
	w.sleep(receiptWindow)
	must(op.Do(t.Context(), b, &in))
	if res := must(op.Do(t.Context(), a, &in)); !res.Repeated || res.Out != nil {
		t.Errorf("%+v", res)
	}
	if res := must(op.Do(t.Context(), b, &in)); !res.Repeated || res.Out != 2 {
		t.Errorf("%+v", res)
	}
}

func TestWhatMustBeRetyped(t *testing.T) {
	code := "abc123"
	p := Proposal{Tier: TierDestructive, Digest: code + strings.Repeat("0", 58)}
	taken := func(typed string) bool { return p.Retyped(typed) }
	expect := func(name string, yes, no []string) {
		t.Helper()
		for _, s := range yes {
			if !taken(s) {
				t.Errorf("%s: %q isn't taken", name, s)
			}
		}
		for _, s := range append(no, "", " ", "yes") {
			if taken(s) {
				t.Errorf("%s: %q is taken", name, s)
			}
		}
	}
	expect("without a target", []string{code, "ABC123 "}, []string{"abc12", p.Digest})
	p.Plan.Targets = []Target{{Kind: "case"}}
	expect("with a target without a name", []string{code}, nil)
	p.Plan.Targets = []Target{{Kind: "case", ID: "~1"}, {ID: "~2"}}
	expect("by id", []string{"~1", " ~1"}, []string{code, "~2", "case"})
	p.Plan.Targets = []Target{{ID: "~1", Name: " Größe\t\u202e "}}
	expect("by name", []string{"~1", "Größe\t\u202e", `Größe\t\u{202e}`}, []string{"größe"})
	p.Tier = TierWrite
	expect("a write", []string{code}, []string{"~1"})
	p.Digest = ""
	expect("without a digest", nil, nil)
}

func TestTheScreenIsCutAtARune(t *testing.T) {
	for n := range 8 {
		if got := clip.Bytes("añ日x", n); !strings.HasPrefix("añ日x", got) || strings.ContainsRune(got, '\ufffd') || len(got) > n {
			t.Errorf("%d: %q", n, got)
		}
	}
	if s := screen.Shown(strings.Repeat("日", 500)); strings.Contains(s, fmt.Sprintf(`\u{%x}`, '\ufffd')) {
		t.Errorf("%s", s)
	}
}

// What can't be planned is neither shown nor proposed.
func TestACallThatCannotBePlannedIsNotProposed(t *testing.T) {
	w := newWorld(t)
	gone := errors.New("no such case")
	op := newCounted()
	op.Plan(func(context.Context, comment) (Plan, error) { return Plan{}, gone })
	dry := Write("dry", func(context.Context, locked) (int, error) { t.Error("it ran"); return 0, nil }, "D.", DryRunUnless("X")).
		Plan(func(context.Context, locked) (Plan, error) { return Plan{}, gone })
	g := w.guard(host)
	in := one
	if res, err := op.Do(t.Context(), g, &in); !errors.Is(err, gone) {
		t.Errorf("%+v, %v", res, err)
	}
	if res, err := dry.Do(t.Context(), g, &locked{}); !errors.Is(err, gone) {
		t.Errorf("a dry run: %+v, %v", res, err)
	}
	op.ran(t, 0)
	for e := range w.events() {
		if e.ID != "" {
			t.Errorf("%s is in the journal", e.Kind)
		}
	}
}

func TestADryRunShowsNothingOnAProtectedTarget(t *testing.T) {
	g := newWorld(t).guard(func(p *Policy) { p.Protected = []string{"dc01"} })
	dry := Write("dry", func(context.Context, locked) (int, error) { return 0, nil }, "D.", DryRunUnless("X")).
		Plan(func(context.Context, locked) (Plan, error) {
			return Plan{Summary: "Isolate.", Targets: []Target{{Kind: "host", ID: "7", Name: "DC01"}}}, nil
		})
	if res, err := dry.Do(t.Context(), g, &locked{}); reason(err) != ReasonProtected {
		t.Errorf("%+v, %v", res, err)
	}
}

type unspeakable struct {
	Word odd `json:"word"`
}

type odd string

func (o odd) MarshalText() ([]byte, error) {
	if o == "" {
		return nil, errors.New("no word")
	}
	return []byte(o), nil
}

func TestAnInputThatCannotBeEncodedIsNotProposed(t *testing.T) {
	w := newWorld(t)
	op := Write("say", func(context.Context, unspeakable) (int, error) { t.Error("it ran"); return 0, nil }, "S.")
	if res, err := op.Do(t.Context(), w.guard(host), &unspeakable{}); err == nil || !strings.Contains(err.Error(), "no word") {
		t.Errorf("%+v, %v", res, err)
	}
	for e := range w.events() {
		if e.ID != "" {
			t.Errorf("%s is in the journal", e.Kind)
		}
	}
}

// A call is judged again when its plan is made, which takes its time.
func TestWhatHappensWhileACallIsPlannedCounts(t *testing.T) {
	for want, meanwhile := range map[Reason]func(*world, *Guard){
		ReasonBudget: func(w *world, g *Guard) { newCounted().do(w.t, g, comment{Case: "other"}) },
		ReasonFrozen: func(w *world, _ *Guard) { must(0, w.journal().Freeze("alice", "")) },
		ReasonInFlight: func(w *world, _ *Guard) {
			p := newCounted().pending(w.t, w.guard(), one)
			w.forge(Event{Kind: EventConsumed, ID: p.ID})
		},
	} {
		w := newWorld(t)
		g := w.guard(host, func(p *Policy) { p.Budget.Writes = 1 })
		op := newCounted()
		op.Plan(func(context.Context, comment) (Plan, error) {
			meanwhile(w, g)
			return Plan{Summary: "Add a comment."}, nil
		})
		op.refused(t, g, one, want)
		op.ran(t, 0)
	}
}
