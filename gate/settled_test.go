package gate

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/clientword"
)

type started struct {
	Jobs []string `json:"jobIds"`
}

// settling is an operation that has started a job, says so, and goes on as then does.
func settling(then func(ctx context.Context) (string, error)) *Operation[comment, string] {
	return Write("x_analyze", func(ctx context.Context, _ comment) (string, error) {
		Settled(ctx, started{[]string{"~1"}})
		return then(ctx)
	}, "Analyze.", Settles)
}

// settled waits until the journal says that what g runs was executed.
func settled(t *testing.T, w *world, id string) *Proposal {
	t.Helper()
	j := w.journal()
	for range 10_000 {
		if p := must(j.Proposal(id)); p.State != StateRunning {
			return p
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s still runs", id)
	return nil
}

func TestWhatIsDoneIsNotedWhileTheRestIsStillRead(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	report := make(chan string)
	running := make(chan string, 1)
	op := settling(func(ctx context.Context) (string, error) {
		running <- Executing(ctx).ID
		return <-report, nil
	})
	first := make(chan *Result, 1)
	go func() {
		in := one
		first <- must(op.Do(t.Context(), g, &in))
	}()
	id := <-running
	if p := settled(t, w, id); p.State != StateExecuted || !strings.Contains(p.Detail, `{"jobIds":["~1"]}`) {
		t.Errorf("%s is %s: %s", id, p.State, p.Detail)
	}
	// Who repeats the call meanwhile is told what it started.
	in := one
	again := must(op.Do(t.Context(), g, &in))
	if !again.Repeated || again.Out != nil || string(again.Kept) != `{"jobIds":["~1"]}` {
		t.Errorf("a repetition meanwhile: %+v", again)
	}
	report <- "clean"
	if res := <-first; res.State != StateExecuted || res.Out != "clean" || res.Repeated {
		t.Errorf("the call itself: %+v", res)
	}
	in = one
	if again = must(op.Do(t.Context(), g, &in)); !again.Repeated || again.Out != "clean" {
		t.Errorf("a repetition afterwards: %+v", again)
	}
	var kinds []EventKind
	for e, err := range w.events() {
		if must(e, err).ID == id {
			kinds = append(kinds, e.Kind)
		}
	}
	if diff := cmp.Diff([]EventKind{EventProposed, EventAuthorised, EventConsumed, EventExecuted}, kinds); diff != "" {
		t.Errorf("the journal has of it (-want +got):\n%s", diff)
	}
}

func TestNothingGatedIsSentAfterWhatIsDoneWasNoted(t *testing.T) {
	g := newWorld(t).guard(host)
	var before, after, read error
	op := Write("x_analyze", func(ctx context.Context, _ comment) (string, error) {
		before = g.Admit(ctx, Endpoint{ID: "start", Tier: TierWrite})
		Settled(ctx, started{})
		after = g.Admit(ctx, Endpoint{ID: "start", Tier: TierWrite})
		read = g.Admit(ctx, Endpoint{ID: "report", Tier: TierRead})
		Settled(ctx, started{[]string{"another"}}) // once is enough
		return "done", nil
	}, "Analyze.", Settles)
	in := one
	must(op.Do(t.Context(), g, &in))
	var refused *RefusedError
	if before != nil || read != nil || !errors.As(after, &refused) || refused.Reason != ReasonNoPermit {
		t.Errorf("before: %v, after: %v, a read: %v", before, after, read)
	}
}

func TestHoweverTheRestEndsTheOperationWasExecuted(t *testing.T) {
	broken := errors.New("the reports are gone")
	for name, then := range map[string]func(context.Context) (string, error){
		"it fails":     func(context.Context) (string, error) { return "", broken },
		"it panics":    func(context.Context) (string, error) { panic(broken) },
		"time is over": func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.guard(host)
			var id string
			op := settling(func(ctx context.Context) (string, error) { id = Executing(ctx).ID; return then(ctx) })
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if name != "time is over" {
				ctx = t.Context()
			}
			in := one
			var err error
			func() {
				defer func() {
					if v := recover(); v != nil {
						err = v.(error)
					}
				}()
				_, err = op.Do(ctx, g, &in)
			}()
			if err == nil || errors.Is(err, ErrOutcomeUnknown) || name == "it fails" && (!errors.Is(err, broken) || !strings.Contains(err.Error(), "executed, then: ")) {
				t.Errorf("the caller hears %v", err)
			}
			if p := settled(t, w, id); p.State != StateExecuted {
				t.Errorf("it is %s: %s", p.State, p.Detail)
			}
			if s := must(w.journal().Standing()); s.Unknowns != 0 {
				t.Errorf("%d unknown outcomes count", s.Unknowns)
			}
		})
	}
}

func TestACallIsAnsweredOnceTheDiskHoldsWhatItDid(t *testing.T) {
	w := newWorld(t)
	w.folder()
	g := w.guard(host)
	j := must(g.Journal())
	release := make(chan error, 1)
	var id string
	op := Write("x_analyze", func(ctx context.Context, _ comment) (string, error) {
		id = Executing(ctx).ID
		w.files(j).Sync = func(f *os.File) error { return errors.Join(<-release, f.Sync()) }
		Settled(ctx, started{[]string{"~1"}})
		return "clean", nil
	}, "Analyze.", Settles)
	call := func() (answered chan error, told chan bool) {
		answered, told = make(chan error, 1), make(chan bool, 1)
		ctx := clientword.WithListener(t.Context(), &clientword.Listener{Encode: func(any) ([]byte, error) { return []byte("1"), nil }, Executed: func(any, []byte) { told <- true }})
		go func() {
			in := one
			_, err := op.Do(ctx, g, &in)
			answered <- err
		}()
		return answered, told
	}
	answered, told := call()
	select {
	case err := <-answered:
		t.Errorf("it is answered with %v before the outcome is on the disk", err)
	case <-time.After(20 * time.Millisecond):
	}
	release <- nil
	if err := <-answered; err != nil || !<-told {
		t.Error(err)
	}
	w.files(j).Sync = (*os.File).Sync
	w.sleep(2 * receiptWindow) // the same call is a new one
	answered, _ = call()
	release <- errors.New("the disk is gone")
	if err := <-answered; !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), id) {
		t.Errorf("with a broken disk the caller hears %v", err)
	}
}

func TestOutsideOfAnExecutionNothingIsNoted(t *testing.T) {
	Settled(t.Context(), started{})
	w := newWorld(t)
	g := w.guard(host)
	later := make(chan context.Context, 1)
	op := Write("x_run", func(ctx context.Context, _ comment) (string, error) { later <- ctx; return "done", nil }, "Run.", Settles)
	in := one
	must(op.Do(t.Context(), g, &in))
	events := len(w.lines())
	Settled(<-later, started{})
	if n := len(w.lines()); n != events {
		t.Errorf("%d events, want %d", n, events)
	}
}

// A composed operation calls methods that are operations of their own elsewhere.
func TestAnOperationIsNotDoneWhenTheFirstThatItCallsIs(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	start := func(ctx context.Context, id string) error {
		if err := g.Admit(ctx, Endpoint{ID: "start", Tier: TierWrite}); err != nil {
			return err
		}
		Settled(ctx, started{[]string{id}})
		return nil
	}
	var id string
	op := Write("x_analyze_all", func(ctx context.Context, _ comment) (started, error) {
		id = Executing(ctx).ID
		return started{[]string{"~1", "~2"}}, errors.Join(start(ctx, "~1"), start(ctx, "~2"))
	}, "Analyze all.")
	in := one
	if _, err := op.Do(t.Context(), g, &in); err != nil {
		t.Error(err)
	}
	if p := must(w.journal().Proposal(id)); !strings.Contains(p.Detail, `{"jobIds":["~1","~2"]}`) {
		t.Errorf("the journal says %s", p.Detail)
	}
}

// A slow value tells when it is encoded, and waits then.
type slow struct{ begun, release chan struct{} }

func (s slow) MarshalJSON() ([]byte, error) {
	close(s.begun)
	<-s.release
	return []byte("{}"), nil
}

func TestWhoSettlesWhenTheOperationHasEndedChangesNothing(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	out, over := slow{make(chan struct{}), make(chan struct{})}, make(chan struct{})
	var p *permit
	op := Write("x_analyze", func(ctx context.Context, _ comment) (string, error) {
		p = ctx.Value(permitKey{}).(*permit)
		go func() {
			defer close(over)
			Settled(ctx, out)
		}()
		<-out.begun
		return "", errors.New("it was refused")
	}, "Analyze.", Settles)
	in := one
	if _, err := op.Do(t.Context(), g, &in); err == nil {
		t.Error("it did not fail")
	}
	events := len(w.lines())
	close(out.release)
	<-over
	if told, err := p.noted(); told || err != nil || len(w.lines()) != events {
		t.Errorf("it settled all the same: %v, %v", told, err)
	}
}

func TestAJournalThatPanicsWhereAnOperationSettlesIsNoJournal(t *testing.T) {
	w := newWorld(t)
	w.folder()
	g := w.guard(host)
	j := must(g.Journal())
	op := Write("x_analyze", func(ctx context.Context, _ comment) (string, error) {
		w.files(j).Sync = func(*os.File) error { panic("the disk is gone") }
		Settled(ctx, started{[]string{"~1"}})
		return "clean", nil
	}, "Analyze.", Settles)
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) {
		t.Errorf("the caller hears %v", err)
	}
}
