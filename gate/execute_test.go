package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clientword"
)

func TestACallThatWasBegunRunsToItsEndWhoeverLeaves(t *testing.T) {
	w := newWorld(t)
	g := w.guard(func(p *Policy) { p.Breaker = Breaker{} }, host)
	started, finish := make(chan struct{}), make(chan struct{})
	op := Write("x_run", func(ctx context.Context, in comment) (string, error) {
		close(started)
		<-finish
		return "done " + in.Case, ctx.Err()
	}, "Run.")
	ctx, cancel := context.WithCancel(WithPrincipal(t.Context(), "mallory"))
	in := one
	answered := make(chan error)
	go func() {
		_, err := op.Do(ctx, g, &in)
		answered <- err
	}()
	<-started
	cancel()
	close(finish)
	if err := <-answered; err != nil {
		t.Errorf("the call ended with %v", err)
	}
	again := one
	res, err := op.Do(WithPrincipal(t.Context(), "mallory"), g, &again)
	if err != nil || !res.Repeated || res.Out != "done "+one.Case {
		t.Errorf("the answer is lost: %+v, %v", res, err)
	}
	if s := must(w.journal().Standing()); s.Unknowns != 0 || s.Tripped {
		t.Errorf("the call that was cancelled counts as unknown: %+v", s)
	}
}

func TestTheDeadlineOfACallHolds(t *testing.T) {
	g := newWorld(t).guard(host)
	op := Write("x_run", func(ctx context.Context, _ comment) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}, "Run.")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	in := one
	if _, err := op.Do(ctx, g, &in); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrOutcomeUnknown) {
		t.Error(err)
	}
}

func TestOldAndLargeAnswersAreNotKept(t *testing.T) {
	g := newWorld(t).guard(host)
	size := 10
	op := Write("x_run", func(context.Context, comment) (string, error) { return strings.Repeat("x", size), nil }, "Run.")
	do := func(id string) *Result {
		t.Helper()
		return must(op.Do(t.Context(), g, &comment{Case: id}))
	}
	do("1")
	for k, r := range g.receipts {
		r.at = r.at.Add(-2 * receiptWindow)
		g.receipts[k] = r
	}
	size = maxReceipt + 1
	do("2")
	if res := do("2"); !res.Repeated || res.Out != nil {
		t.Errorf("repeated %t with an answer of %d bytes", res.Repeated, len(res.Out.(string)))
	}
	size = 20
	do("3")
	if n := len(g.receipts); n != 1 {
		t.Errorf("%d answers are kept, of three of which one is old and one large", n)
	}
}

func TestWhoLeavesOwnCallsStopsNobodyElse(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host, func(p *Policy) { p.Breaker = Breaker{} })
	g.grace = time.Millisecond
	started := make(chan struct{}, 1)
	op := Write("x_run", func(ctx context.Context, _ comment) (string, error) {
		started <- struct{}{}
		<-ctx.Done()
		return "", ctx.Err()
	}, "Run.")
	for _, id := range []string{"1", "2", "3"} {
		ctx, cancel := context.WithCancel(WithPrincipal(t.Context(), "mallory"))
		go func() { <-started; cancel() }()
		if _, err := op.Do(ctx, g, &comment{Case: id}); !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("a call that was cut off ended with %v", err)
		}
	}
	other := newCounted()
	if _, err := other.Do(WithPrincipal(t.Context(), "alice"), g, &comment{Case: "9"}); err != nil {
		t.Errorf("alice: %v", err)
	}
	if s := must(w.journal().Standing()); s.Unknowns != 0 {
		t.Errorf("%d unknown outcomes count", s.Unknowns)
	}
}

func TestAnUnknownOutcomeIsNotRepeatedUnaskedInOtherWords(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	op := newUndoable()
	op.fail = ErrOutcomeUnknown
	if _, err := op.Do(t.Context(), g, &comment{Case: "1", Text: "hello"}); !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	op.fail = nil
	p := op.pending(t, g, comment{Case: "1", Text: "hello "})
	op.ran(t, 1)
	op.do(t, g, comment{Case: "2", Text: "hello"}) // another target
	op.ran(t, 2)
	w.approve(p)
	if res := op.do(t, g, comment{Case: "1", Text: "hello "}); res.State != StateExecuted {
		t.Errorf("a human's approval is not enough: %s", res.State)
	}
	op.ran(t, 3)
	for _, id := range must(must(g.Journal()).Standing()).Unknown {
		must(0, w.journal().Resolve(id, StateFailed, w.signer))
	}
	if res := op.do(t, g, comment{Case: "1", Text: "hello!"}); res.State != StateExecuted {
		t.Errorf("after the outcome was resolved the call is %s", res.State)
	}
}

func TestWhoAsksTogetherSharesALookAndNobodySharesAnOlderOne(t *testing.T) {
	var looks atomic.Int64
	var frozen atomic.Bool
	began, goOn := make(chan struct{}, 10), make(chan struct{})
	ask := shared(func() error { return nil }, func() (bool, error) {
		looks.Add(1)
		is := frozen.Load() // what this look sees
		began <- struct{}{}
		<-goOn
		return is, nil
	})
	answers := make(chan bool, 10)
	asked := func() { is, _ := ask(); answers <- is }
	go asked()
	<-began
	frozen.Store(true) // while the first look is under way: it has seen otherwise
	for range 9 {
		go asked()
	}
	goOn <- struct{}{}
	if <-answers {
		t.Error("the first look saw what came later")
	}
	close(goOn)
	for range 9 {
		if !<-answers {
			t.Error("who asked after the freeze was given a look from before it")
		}
	}
	if n := looks.Load(); n < 2 || n > 10 {
		t.Errorf("%d looks", n)
	}
}

// What an operation with a footprint has to prepare it prepares meanwhile.
func TestAnOperationWithAFootprintSendsNothingBeforeItsApprovalIsSpentOnTheDisk(t *testing.T) {
	type call struct {
		begun, admitted chan struct{}
		op              Op
	}
	w := newWorld(t)
	w.folder()
	g := w.guard(func(p *Policy) { p.Breaker = Breaker{} }, host)
	j := must(g.Journal())
	operation := func(name string) *call {
		c := &call{begun: make(chan struct{}), admitted: make(chan struct{})}
		c.op = Write(name, func(ctx context.Context, _ comment) (string, error) {
			close(c.begun)
			if err := Progress(ctx, "send it"); err != nil {
				return "", err
			}
			if err := g.Admit(ctx, point(TierWrite)); err != nil {
				return "", err
			}
			close(c.admitted)
			return "sent", nil
		}, "Run.").Op()
		return c
	}
	must(j.Pending()) // the first transaction takes note of where the journal is
	closed := func(c chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	footprint := Footprint{"x_limited": {"hive x"}, "x_failing": {"hive x"}, "x_unwired": {"hive x"}}
	limited, failing, unwired, unlimited := operation("x_limited"), operation("x_failing"), operation("x_unwired"), operation("x_unlimited")
	footprint.Limit(On(g, "https://hive", limited.op, failing.op))
	footprint.Limit([]Op{unwired.op})
	On(g, "https://hive", unlimited.op)
	flush := func(f func() error) {
		first := true
		w.files(j).Sync = func(file *os.File) error {
			if !first {
				return file.Sync()
			}
			first = false
			if err := f(); err != nil {
				return err
			}
			return file.Sync()
		}
	}

	flush(func() error {
		select {
		case <-limited.begun:
		case <-time.After(time.Minute):
			return errors.New("it doesn't begin before its approval is on the disk")
		}
		time.Sleep(20 * time.Millisecond)
		if closed(limited.admitted) {
			t.Error("it sends before its approval is on the disk")
		}
		return nil
	})
	in := one
	if res, err := limited.op.Do(t.Context(), g, &in); err != nil || res.Out != "sent" {
		t.Errorf("%+v, %v", res, err)
	}

	for name, c := range map[string]*call{"not of a client": unwired, "without a footprint": unlimited} {
		flush(func() error {
			time.Sleep(20 * time.Millisecond)
			if closed(c.begun) {
				t.Errorf("one %s begins before its approval is on the disk", name)
			}
			return nil
		})
		in := one
		if _, err := c.op.Do(t.Context(), g, &in); err != nil {
			t.Errorf("one %s: %v", name, err)
		}
	}

	flush(func() error { <-failing.begun; return errors.New("the disk is gone") })
	in = one
	_, err := failing.op.Do(t.Context(), g, &in)
	if r := (*RefusedError)(nil); !errors.As(err, &r) || r.Reason != ReasonJournal || closed(failing.admitted) {
		t.Errorf("with an approval that the disk doesn't hold: %v, sent: %t", err, closed(failing.admitted))
	}
}

// Those who ask before the approval is spent share one look at the freeze, which comes after.
func TestAPermitIsClosedUntilItsApprovalIsSpent(t *testing.T) {
	g := newWorld(t).guard(host)
	const many = 10
	for _, refused := range []error{nil, ErrJournal} {
		pm := &permit{guard: g, tier: TierWrite, until: time.Now().Add(time.Minute), spent: make(chan struct{}), runs: &Proposal{ID: "P-00000000"}}
		var looks atomic.Int64
		pm.frozen = shared(pm.open, func() (bool, error) { looks.Add(1); return false, nil })
		ctx := context.WithValue(t.Context(), permitKey{}, pm)
		answers := make(chan error, many)
		var asking sync.WaitGroup
		for range many {
			asking.Add(1)
			go func() { asking.Done(); answers <- g.Admit(ctx, point(TierWrite)) }()
		}
		step := make(chan error, 1)
		go func() { step <- Progress(ctx, "go on") }()
		asking.Wait()
		time.Sleep(20 * time.Millisecond)
		if len(answers) != 0 || len(step) != 0 || looks.Load() != 0 {
			t.Errorf("before the approval is spent %d requests are answered, %d steps, after %d looks", len(answers), len(step), looks.Load())
		}
		pm.refused = refused
		close(pm.spent)
		sent := int64(0)
		for range many {
			if err := <-answers; !errors.Is(err, refused) {
				t.Errorf("with %v: %v", refused, err)
			} else if err == nil {
				sent++
			}
		}
		if refused == nil && (sent != many || pm.sent.Load() != many || looks.Load() > 2) { // one, or two where one of them is late
			t.Errorf("%d of %d sent, after %d looks", pm.sent.Load(), many, looks.Load())
		}
		if refused != nil && (pm.sent.Load() != 0 || !errors.Is(<-step, refused)) {
			t.Errorf("with %v %d are sent, or a step begins", refused, pm.sent.Load())
		}
	}
}

// However the journal fails, what was begun meanwhile is let go, and what it called for, too,
// is refused.
func TestAnOperationThatWasBegunInVainEndsAndBringsNothingAbout(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error": func() error { return errors.New("the disk is gone") },
		"a panic":  func() error { panic("the store") },
		"its end":  func() error { runtime.Goexit(); return nil },
	} {
		w := newWorld(t)
		g := w.guard(host)
		inner := newCounted()
		begun, ended := make(chan struct{}), make(chan error, 1)
		op := Write("x_outer", func(ctx context.Context, in comment) (string, error) {
			close(begun)
			_, err := inner.Do(ctx, g, &in)
			ended <- err
			return "", err
		}, "Run.").Op()
		Footprint{"x_outer": {"hive x"}}.Limit(On(g, "https://hive", op))
		j := must(g.Journal())
		must(j.Pending())
		files := w.files(j)
		files.Sync = func(*os.File) error {
			files.Sync = (*os.File).Sync
			<-begun
			return fail()
		}
		called := make(chan struct{})
		go func() {
			defer close(called)
			defer func() { _ = recover() }()
			in := one
			if res, err := op.Do(t.Context(), g, &in); reason(err) != ReasonJournal {
				t.Errorf("%s: %+v, %v", name, res, err)
			}
		}()
		<-called
		if err := <-ended; reason(err) != ReasonJournal {
			t.Errorf("%s: what it calls for ends with %v", name, err)
		}
		inner.ran(t, 0)
	}
}

// It has failed, and nobody needs to look at the platform for what it did.
func TestARequestWhoseTimeIsOverWhenTheApprovalIsSpentIsNotSent(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	over := make(chan struct{})
	op := Write("x_run", func(ctx context.Context, _ comment) (string, error) {
		attempt, cancel := context.WithCancel(ctx)
		go func() { cancel(); close(over) }()
		return "sent", g.Admit(attempt, point(TierWrite))
	}, "Run.").Op()
	Footprint{"x_run": {"hive x"}}.Limit(On(g, "https://hive", op))
	j := must(g.Journal())
	must(j.Pending())
	files := w.files(j)
	files.Sync = func(f *os.File) error {
		files.Sync = (*os.File).Sync
		<-over
		return f.Sync()
	}
	in := one
	if res, err := op.Do(t.Context(), g, &in); !errors.Is(err, context.Canceled) || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestWhoLeavesBeforeTheApprovalIsSpentIsToldThatNothingWasSent(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	g.grace = time.Millisecond
	begun, over := make(chan struct{}), make(chan struct{})
	op := Write("x_run", func(ctx context.Context, _ comment) (string, error) {
		close(begun)
		<-ctx.Done()
		close(over)
		return "sent", g.Admit(ctx, point(TierWrite))
	}, "Run.").Op()
	Footprint{"x_run": {"hive x"}}.Limit(On(g, "https://hive", op))
	j := must(g.Journal())
	must(j.Pending())
	files := w.files(j)
	files.Sync = func(f *os.File) error {
		files.Sync = (*os.File).Sync
		<-over
		return f.Sync()
	}
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-begun; leave() }()
	in := one
	_, err := op.Do(ctx, g, &in)
	if err == nil || errors.Is(err, ErrOutcomeUnknown) || !strings.Contains(err.Error(), "approval spent): nothing was sent: ") {
		t.Fatalf("the caller is told %v", err)
	}
	id := regexp.MustCompile(`P-[0-9A-Z]{8}`).FindString(err.Error())
	if p := must(j.Proposal(id)); p.State != StateFailed || !strings.HasPrefix(p.Detail, "nothing was sent: ") {
		t.Errorf("the operator is told that %s is %s: %s", id, p.State, p.Detail)
	}
	if s := must(j.Standing()); s.Unknowns != 0 || len(s.Unknown) != 0 {
		t.Errorf("an outcome counts as unknown: %+v", s)
	}
}

var consumed = regexp.MustCompile(`"kind":"consumed".*"id":"(P-[^"]*)"`)

// Whatever is appended beside the spending, nothing is let through that isn't in what the
// disk was told to hold.
func TestEveryRequestIsOfAnApprovalThatTheDiskHolds(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host, func(p *Policy) { p.RotateAt = 16 << 10 })
	j := must(g.Journal())
	must(j.Pending())
	files := w.files(j)
	var held sync.Map // the ids of proposals whose spending is in what was flushed
	files.Sync = func(f *os.File) error {
		for line := range bytes.Lines(must(io.ReadAll(io.NewSectionReader(f, 0, must(f.Stat()).Size())))) {
			if id := consumed.FindSubmatch(line); id != nil {
				held.Store(string(id[1]), true)
			}
		}
		return nil
	}
	op := newCounted()
	op.fn = func(ctx context.Context, _ any) (any, error) {
		if _, spent := held.Load(Executing(ctx).ID); !spent {
			t.Errorf("%s sends before the disk holds that its approval is spent", Executing(ctx).ID)
		}
		return "sent", nil
	}
	op.on(g)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 60 { // so that there are snapshots and rotations too
				must(op.Do(t.Context(), g, &comment{Case: fmt.Sprint(i, ".", n)}))
			}
		})
	}
	all.Wait()
}

// What is done is done, whether or not its answer can be shown.
func TestAnAnswerWhoseEncodingPanicsIsOfAnExecution(t *testing.T) {
	w := newWorld(t)
	op := Write("x_run", func(context.Context, comment) (unencodable, error) { return unencodable{}, nil }, "Run.")
	in := one
	if res, err := op.Do(t.Context(), w.guard(host), &in); err != nil || res.State != StateExecuted {
		t.Errorf("%+v, %v", res, err)
	}
	if list := must(w.journal().Unsettled()); len(list) != 0 {
		t.Errorf("%s is %s", list[0].ID, list[0].State)
	}
}

type unencodable struct{}

func (unencodable) MarshalJSON() ([]byte, error) { panic("boom") }

// A panic ends the call and not the process, and says where it was, also where it isn't on
// the goroutine of the caller.
func TestAnOperationThatPanicsLeavesItsOutcomeUnknown(t *testing.T) {
	for _, beside := range []bool{false, true} {
		for want, end := range map[string]func(){"boom": func() { panic("boom") }, "it ended its goroutine": runtime.Goexit} {
			w := newWorld(t)
			g := w.guard(host)
			op := Write("x_run", func(context.Context, comment) (string, error) { end(); return "done", nil }, "Run.").Op()
			if beside {
				Footprint{}.Limit(On(g, "https://hive", op))
			}
			var got, place string
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				defer func() { got, place = fmt.Sprint(recover()), string(debug.Stack()) }()
				in := one
				res, err := op.Do(t.Context(), g, &in)
				t.Errorf("%+v, %v", res, err)
			}()
			<-ended
			if !beside && want != "boom" {
				want = "<nil>" // the test's goroutine ended
			}
			if !strings.Contains(got, want) || want == "boom" && !strings.Contains(got+place, "execute_test.go") {
				t.Errorf("beside the caller %t: it panicked with %q, want %q and the place", beside, got, want)
			}
			if s := must(w.journal().Standing()); s.Unknowns != 1 {
				t.Errorf("%s: %d unknown outcomes, want 1", want, s.Unknowns)
			}
		}
	}
}

// The adapter makes its answer meanwhile, and keeps it to itself until the call returns.
func TestTheAdapterIsToldOfAnExecutionWhileItIsNoted(t *testing.T) {
	w := newWorld(t)
	w.folder()
	g := w.guard(host)
	j := must(g.Journal())
	told := make(chan struct{})
	inner := Write("x_inner", func(context.Context, comment) (string, error) { return "inner", nil }, "Run.")
	op := Write("x_run", func(ctx context.Context, in comment) (string, error) {
		if _, err := Wrap(g, inner)(ctx, in); err != nil {
			return "", err
		}
		w.files(j).Sync = func(f *os.File) error { // of the outcome
			select {
			case <-told:
				return f.Sync()
			case <-time.After(time.Minute):
				return errors.New("the adapter isn't told before the outcome is on the disk")
			}
		}
		return "outer", nil
	}, "Run.")
	var results []any
	ctx := clientword.WithListener(t.Context(), &clientword.Listener{Encode: json.Marshal, Executed: func(r any, text []byte) {
		results = append(results, r, string(text))
		close(told)
	}})
	in := one
	res, err := op.Do(ctx, g, &in)
	if err != nil || res.Out != "outer" || len(results) != 2 || results[0] != any(res) || results[1] != `"outer"` {
		t.Errorf("%+v, %v; told of %d", res, err, len(results))
	}
	w.files(j).Sync = (*os.File).Sync

	failing := Write("x_fail", func(context.Context, comment) (string, error) { return "", ErrNotFound }, "Run.")
	in.Text = "another"
	if _, err := failing.Do(clientword.WithListener(t.Context(), &clientword.Listener{Executed: func(any, []byte) { t.Error("it is told of a call that failed") }}), g, &in); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
