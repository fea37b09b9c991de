package gate

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/postgres"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// childDir makes the test binary a process that spends approvals, and childFull
// one whose disk is full; see TestMain.
const (
	childDir  = "GATE_TEST_CHILD_DIR"
	childFull = "GATE_TEST_CHILD_FULL"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		spendAll(dir)
		return
	}
	if dir := os.Getenv(childFull); dir != "" {
		onAFullDisk(dir)
		return
	}
	code := m.Run()
	if err := database.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

type comment struct {
	Case string `json:"case"`
	Text string `json:"text"`
}

// world is one state with an enrolled approver, and a clock.
type world struct {
	t      testing.TB
	dir    string
	signer *Signer
	skew   atomic.Int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: newState(t)}
	var err error
	if w.signer, err = NewSigner("alice"); err != nil {
		t.Fatal(err)
	}
	if err := w.enrol(w.signer.Approver()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) now() time.Time        { return time.Now().Add(time.Duration(w.skew.Load())) }
func (w *world) sleep(d time.Duration) { w.skew.Add(int64(d)) }
func (w *world) file() string          { return filepath.Join(w.folder(), journalFile) }
func (w *world) read() []byte          { return must(os.ReadFile(w.file())) }
func (w *world) write(b []byte)        { must(0, os.WriteFile(w.file(), b, 0o600)) }
func (w *world) lines() [][]byte {
	return bytes.SplitAfter(bytes.TrimSuffix(w.read(), []byte("\n")), []byte("\n"))
}
func (w *world) rewrite(lines ...[]byte) {
	w.write(append(bytes.TrimSuffix(bytes.Join(lines, nil), []byte("\n")), '\n'))
}
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Most tests are not about budgets.
var (
	boundless   = Budget{Writes: -1, Destructive: -1, Proposals: -1, Pending: -1}
	unbreakable = Breaker{Burst: -1, Denials: -1, Unknowns: -1}
)

// bounded puts the default limits back.
func bounded(p *Policy) { p.Budget, p.Breaker = Budget{}, Breaker{} }

// journal opens the journal as another process would.
func (w *world) journal() *Journal {
	w.t.Helper()
	j, err := openJournal(w.dir, nil, nil, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { j.Close() })
	return j
}

// guard returns the guard of another process, on the world's clock.
func (w *world) guard(change ...func(*Policy)) *Guard {
	w.t.Helper()
	p := Policy{Max: TierDestructive, Dir: w.dir, OpenStore: postgres.Open, Getenv: func(string) string { return "" }, Budget: boundless, Breaker: unbreakable}
	for _, f := range change {
		f(&p)
	}
	g, err := New(p)
	if err != nil {
		w.t.Fatal(err)
	}
	g.open = func() (*Journal, error) {
		j, err := openJournal(g.policy.Dir, g.policy.Approvers, g.client, w.now)
		if err == nil {
		}
		return j, err
	}
	if _, err := g.Journal(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { g.Close() })
	return g
}

func host(p *Policy)   { p.Approval = ApprovalHost }
func client(p *Policy) { p.Approval = ApprovalClient }

func (w *world) approve(p *Proposal) {
	w.t.Helper()
	if err := w.journal().Approve(p.ID, p.Digest, w.signer); err != nil {
		w.t.Fatal(err)
	}
}

// counted is a write that counts its executions.
type counted struct {
	*Operation[comment, string]
	runs atomic.Int32
	fail error
}

func newCounted() *counted {
	c := &counted{}
	c.Operation = Write("add_comment", func(_ context.Context, in comment) (string, error) {
		c.runs.Add(1)
		return "done " + in.Case, c.fail
	}, "Add a comment.")
	return c
}

// on makes c one of a client behind g that has a footprint: it counts what is let through.
func (c *counted) on(g *Guard) {
	run := c.fn
	c.fn = func(ctx context.Context, in any) (any, error) {
		if err := g.Admit(ctx, point(TierWrite)); err != nil {
			return "", err
		}
		return run(ctx, in)
	}
	Footprint{c.name: {"hive x"}}.Limit(On(g, "https://hive", c.Op()))
}

// newUndoable is a counted that a client's word can be enough for.
func newUndoable() *counted {
	c := newCounted()
	c.Plan(func(_ context.Context, in comment) (Plan, error) {
		return Plan{Summary: "Add a comment.", Targets: []Target{{Kind: "case", ID: in.Case}}, Undo: "Delete the comment."}, nil
	})
	return c
}

func (c *counted) do(t testing.TB, g *Guard, in comment) *Result {
	t.Helper()
	res, err := c.Do(t.Context(), g, &in)
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	return res
}

func (c *counted) pending(t testing.TB, g *Guard, in comment) *Proposal {
	t.Helper()
	res := c.do(t, g, in)
	if res.State != StatePending {
		t.Fatalf("state %s, want pending", res.State)
	}
	return res.Proposal
}

func (c *counted) ran(t testing.TB, want int32) {
	t.Helper()
	if got := c.runs.Load(); got != want {
		t.Fatalf("the operation ran %d times, want %d", got, want)
	}
}

var one = comment{Case: "1", Text: "hello"}

// place returns the number of the event that proposed p.
func (w *world) place(p *Proposal) uint64 {
	for e, err := range w.events() {
		if must(e, err).ID == p.ID && e.Kind == EventProposed {
			return e.Seq
		}
	}
	return 0
}

// first returns the first event of that kind.
func (w *world) first(kind EventKind) Event {
	w.t.Helper()
	for e, err := range w.events() {
		if err != nil {
			w.t.Fatal(err)
		}
		if e.Kind == kind {
			return e
		}
	}
	w.t.Fatalf("no event %s", kind)
	return Event{}
}

// forge appends an event as somebody who can write the file would: well formed
// and well chained.
func (w *world) forge(e Event) {
	w.t.Helper()
	var last Event
	for got, err := range w.events() {
		if err != nil {
			w.t.Fatal(err)
		}
		last = got
	}
	e.Seq, e.Prev = last.Seq+1, last.Hash
	if e.Time.IsZero() {
		e.Time = w.now().UTC()
	}
	line, _, err := encodeEvent(e)
	if err != nil {
		w.t.Fatal(err)
	}
	if onDatabase {
		w.insert(line, string(e.Kind), e.ID)
		return
	}
	f := must(os.OpenFile(w.file(), os.O_APPEND|os.O_WRONLY, 0))
	must(f.Write(line))
	must(0, f.Close())
}

func TestAnApprovalIsSpentOnceByManyGoroutines(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	w.approve(op.pending(t, g, one))
	var first atomic.Int32
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			in := one
			res, err := op.Do(t.Context(), g, &in)
			switch {
			case errors.Is(err, ErrRefused): // in flight
			case err != nil:
				t.Error(err)
			case res.State == StateExecuted && !res.Repeated:
				first.Add(1)
			case !res.Repeated:
				t.Errorf("state %s", res.State)
			}
		})
	}
	all.Wait()
	op.ran(t, 1)
	if first.Load() != 1 {
		t.Errorf("%d calls were told that they executed, want 1", first.Load())
	}
}

func TestACallThatNeedsNoApprovalRunsOnceUnderARace(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	// A slow plan lets a call pass the first look at the journal before another
	// has executed.
	op.Plan(func(context.Context, comment) (Plan, error) {
		time.Sleep(time.Millisecond)
		return Plan{Summary: "Add a comment."}, nil
	})
	g := w.guard(host)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			in := one
			if _, err := op.Do(t.Context(), g, &in); err != nil && !errors.Is(err, ErrRefused) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	op.ran(t, 1)
}

func childCall(i int) comment { return comment{Case: fmt.Sprint(i), Text: "x"} }

// Where a child is killed, and how many approvals there are for all.
const (
	childStep  = "GATE_TEST_CHILD_STEP"
	childCalls = "GATE_TEST_CHILD_CALLS"
)

// killSteps are all the steps from a proposal to an outcome that the disk can
// be left at, in the middle of a line too, and those of a rotation.
var killSteps = []string{
	"write proposed", "tear proposed", "written proposed", "flushed proposed", "write approved", "tear approved", "written approved", "flushed approved",
	"write consumed", "tear consumed", "written consumed", "flushed consumed", "write executed", "tear executed", "written executed", "flushed executed",
	"rotate: written", "rotate: linked", "rotate: renamed",
}

// askedLive is how many calls the children propose and approve themselves,
// beside those that are approved when they start.
const askedLive = 100

const childKey = "key" // the file of the approver's key, beside the state directory

// die ends the process as a power cut would.
func die() {
	must(0, must(os.FindProcess(os.Getpid())).Kill())
	select {}
}

// killedOps are the two operations that children call by turns. That of a client with a
// footprint begins while its approval is spent.
func killedOps(g *Guard) [2]*counted {
	ops := [2]*counted{newCounted(), newCounted()}
	ops[1].on(g)
	return ops
}

// spendAll makes every call, in an order of its own and by eight goroutines,
// once its standard input is closed. What isn't approved yet it approves first.
func spendAll(dir string) {
	g, err := New(Policy{Max: TierDestructive, Dir: dir, Budget: boundless, Breaker: unbreakable, RotateAt: 128 << 10})
	if err != nil {
		panic(err)
	}
	ops := killedOps(g)
	for _, op := range ops {
		run := op.fn
		op.fn = func(ctx context.Context, in any) (any, error) {
			out, err := run(ctx, in)
			if err == nil {
				fmt.Println("RAN", in.(*comment).Case)
			}
			return out, err
		}
	}
	g.open = func() (*Journal, error) { return openJournal(dir, nil, nil, time.Now) }
	signer := must(LoadSigner(filepath.Join(filepath.Dir(dir), childKey)))
	j := must(g.Journal())
	must(j.Pending())
	step, tear := os.Getenv(childStep), false
	if rest, ok := strings.CutPrefix(step, "tear"); ok {
		step, tear = "write"+rest, true
	}
	left := 1
	files(j).Probe = func(at string) {
		if at != step {
			return
		}
		if left--; left > 0 && !strings.HasPrefix(step, "rotate") {
			return
		}
		if tear {
			f := must(os.OpenFile(filepath.Join(dir, journalFile), os.O_APPEND|os.O_WRONLY, 0))
			must(f.WriteString(`{"seq":1,"time":"2026`))
		}
		die()
	}
	fmt.Println("READY")
	must(io.Copy(io.Discard, os.Stdin))
	var all sync.WaitGroup
	calls := make(chan int)
	for range 8 {
		all.Go(func() {
			for i := range calls {
				op, in := ops[i%2], childCall(i)
				res, err := op.Do(context.Background(), g, &in)
				if err == nil && res.State == StatePending && len(res.Proposal.History) == 0 { // else it may have happened: a person looks first
					p := res.Proposal
					if err := j.Approve(p.ID, p.Digest, signer); errors.Is(err, ErrJournal) { // else another was faster
						fmt.Println("ERR", err)
					}
					_, err = op.Do(context.Background(), g, &in)
				}
				if err != nil && reason(err) != ReasonInFlight {
					fmt.Println("ERR", err, errors.Unwrap(err))
				}
			}
		})
	}
	for _, i := range rand.Perm(must(strconv.Atoi(os.Getenv(childCalls)))) {
		calls <- i
	}
	close(calls)
	all.Wait()
}

// Nineteen processes that are killed, one at each step, and two that aren't, with
// eight goroutines each, go for the same approvals.
func TestAnApprovalIsSpentOnceByManyProcessesThatAreKilledAtEachStep(t *testing.T) {
	approvals := 150
	campaign := os.Getenv("CAMPAIGN") != "" // .ci/campaign sets it
	switch {
	case campaign:
		approvals = 1000
	case testing.Short(): // .ci/run has it so under the race detector, and in full without
		approvals = 40
	}
	steps := append(slices.Clone(killSteps), "", "")
	if runtime.GOOS == "windows" {
		steps = slices.DeleteFunc(steps, func(s string) bool { return strings.HasPrefix(s, "rotate") })
	}
	w := newWorld(t)
	must(0, w.signer.Save(filepath.Join(filepath.Dir(w.folder()), childKey)))
	g, j := w.guard(), w.journal()
	ops := killedOps(g)
	for i := range approvals {
		p := ops[i%2].pending(t, g, childCall(i))
		must(0, j.Approve(p.ID, p.Digest, w.signer))
	}
	type child struct {
		step string
		cmd  *exec.Cmd
		out  *bufio.Reader
		in   io.Closer
	}
	var children []child
	for _, step := range steps {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+w.folder(), childStep+"="+step, childCalls+"="+strconv.Itoa(approvals+askedLive))
		c := child{step: step, cmd: cmd, in: must(cmd.StdinPipe()), out: bufio.NewReader(must(cmd.StdoutPipe()))}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, c)
	}
	for _, c := range children {
		if line, err := c.out.ReadString('\n'); line != "READY\n" {
			t.Fatalf("a child says %q, %v", line, err)
		}
	}
	said := make([]string, len(children))
	var all sync.WaitGroup
	for i, c := range children {
		all.Go(func() { said[i] = string(must(io.ReadAll(c.out))) })
	}
	for _, c := range children {
		must(0, c.in.Close())
	}
	all.Wait()
	killed := 0
	ran := map[string]int{}
	for i, c := range children {
		err := c.cmd.Wait()
		switch {
		case c.step == "" && err != nil:
			t.Error(err)
		case err != nil:
			killed++
		}
		for line := range strings.Lines(said[i]) {
			switch word, id, _ := strings.Cut(strings.TrimSpace(line), " "); word {
			case "RAN":
				ran[id]++
			case "ERR":
				t.Errorf("%q: %s", c.step, line)
			}
		}
	}
	t.Logf("%d of %d processes died at their step", killed, len(killSteps))
	enough := len(killSteps) / 2
	if !campaign { // fewer calls: some processes find nothing left at their step
		enough = 1
	}
	if killed < enough {
		t.Errorf("only %d processes came to their step", killed)
	}
	for id, n := range ran {
		if n != 1 {
			t.Errorf("call %s ran %d times", id, n)
		}
	}
	// Each goroutine of one that was killed may have died between spending and running.
	if len(ran) < approvals+askedLive-8*killed {
		t.Errorf("%d of %d calls ran", len(ran), approvals+askedLive)
	}
	consumed := map[string]int{}
	for e, err := range w.events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == EventConsumed {
			consumed[e.ID]++
		}
	}
	if len(consumed) != approvals+askedLive {
		t.Errorf("%d approvals were spent, want %d", len(consumed), approvals+askedLive)
	}
	for id, n := range consumed {
		if n != 1 {
			t.Errorf("%s was spent %d times", id, n)
		}
	}
	must(w.verify())
	for i := range approvals + askedLive { // what the killed ones left is not run again
		in := childCall(i)
		if _, err := ops[i%2].Do(t.Context(), g, &in); err != nil && !errors.Is(err, ErrRefused) {
			t.Error(err)
		}
	}
	for _, op := range ops {
		op.ran(t, 0)
	}
}

func TestATornTailIsCut(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	whole := w.read()
	for _, torn := range []string{`{`, `{"seq":2,"time":"2026-`, strings.Repeat("\x00", 5000), string(w.lines()[2][:20])} {
		w.write(append(bytes.Clone(whole), torn...))
		for e, err := range w.events() {
			if err != nil || e.Seq > 3 {
				t.Errorf("torn %.10q: offline: seq %d, %v", torn, e.Seq, err)
			}
		}
		if got, err := w.journal().Proposal(p.ID); err != nil || got.State != StatePending {
			t.Errorf("torn %.10q: %v", torn, err)
		}
		if !bytes.Equal(w.read(), whole) {
			t.Errorf("torn %.10q: not cut", torn)
		}
	}
	w.approve(p)
	if res := op.do(t, g, one); res.State != StateExecuted {
		t.Errorf("state %s", res.State)
	}
}

// A rotation that dies half-way leaves the live file a second name, under which a reader
// comes upon it.
func TestATornTailIsCutOfAFileThatARotationWasToClose(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	op.pending(t, g, one)
	must(0, w.journal().Rotate(0))
	p := op.pending(t, g, comment{Case: "2", Text: "hello"})
	whole := w.read()
	must(0, os.Link(w.file(), filepath.Join(w.folder(), segmentName(must(w.verify()).Events+1-uint64(len(w.lines()))))))
	w.write(append(bytes.Clone(whole), `{"seq":`...))
	if got, err := w.journal().Proposal(p.ID); err != nil || got.State != StatePending {
		t.Errorf("%v", err)
	}
	if !bytes.Equal(w.read(), whole) {
		t.Error("not cut")
	}
	must(0, w.journal().Rotate(0))
	must(w.verify())
}

func TestAChangedJournalIsDetected(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	w.approve(op.pending(t, g, one))
	op.do(t, g, one)
	op.pending(t, g, comment{Case: "2"})
	lines := w.lines()
	if len(lines) != 7 {
		t.Fatalf("%d lines, want 7", len(lines))
	}
	head, lines := lines[:2:2], lines[2:] // where it lies and who approves
	swap := func(i int, old, new string) [][]byte {
		out := append([][]byte(nil), lines...)
		out[i] = bytes.Replace(out[i], []byte(old), []byte(new), 1)
		if bytes.Equal(out[i], lines[i]) {
			t.Fatalf("nothing to change in line %d", i)
		}
		return out
	}
	for name, tampered := range map[string][][]byte{
		"a changed word":         swap(2, "consumed", "proposed"),
		"a changed hash":         swap(1, `"hash":"`, `"hash":"0`),
		"a changed signature":    swap(1, `"sig":"`, `"sig":"AAAA`),
		"an added field":         swap(3, `"kind"`, `"more":1,"kind"`),
		"white space":            swap(3, `"kind":`, `"kind": `),
		"two lines exchanged":    {lines[0], lines[2], lines[1], lines[3], lines[4]},
		"a line missing":         {lines[0], lines[1], lines[3], lines[4]},
		"a line twice":           {lines[0], lines[1], lines[1], lines[2], lines[3], lines[4]},
		"an empty line":          {lines[0], []byte("\n"), lines[1], lines[2], lines[3], lines[4]},
		"the first line missing": lines[1:],
	} {
		t.Run(name, func(t *testing.T) {
			w.rewrite(append(head, tampered...)...)
			if _, err := w.journal().Pending(); !errors.Is(err, ErrJournal) {
				t.Errorf("journal: %v", err)
			}
			var failed error
			for _, err := range w.events() {
				failed = err
			}
			if !errors.Is(failed, ErrJournal) {
				t.Errorf("offline: %v", failed)
			}
			in := comment{Case: "3"}
			var refused *RefusedError
			if _, err := op.Do(t.Context(), w.guard(host), &in); !errors.As(err, &refused) || refused.Reason != ReasonJournal {
				t.Errorf("a write on a broken journal: %v", err)
			}
		})
	}
	op.ran(t, 1)
}

// rehash gives a changed line a hash of its own.
func rehash(t *testing.T, line []byte) []byte {
	t.Helper()
	at := bytes.LastIndex(line, []byte(`"hash":"`)) + len(`"hash":"`)
	sum := sha256.Sum256(append(bytes.Clone(line[:at]), `"}`...))
	return fmt.Appendf(nil, "%s%s\"}\n", line[:at], hex.EncodeToString(sum[:]))
}

func TestARehashedLineBreaksTheChain(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	w.approve(op.pending(t, g, one))
	lines := w.lines()
	lines[2] = rehash(t, bytes.Replace(lines[2], []byte("add_comment"), []byte("del_comment"), 1))
	w.rewrite(lines...)
	if _, err := w.journal().Pending(); !errors.Is(err, ErrJournal) {
		t.Error(err)
	}
}

func TestAnUnknownKindOfEventStopsWrites(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	op.pending(t, g, one)
	lines := w.lines()
	e := must(decodeEvent(append(bytes.TrimSuffix(lines[2], []byte("\n")), '\n')))
	e.Seq, e.Prev, e.Hash, e.Proposal, e.Kind = 4, e.Hash, strings.Repeat("0", 64), nil, "annulled"
	w.write(append(w.read(), rehash(t, append(must(json.Marshal(e)), '\n'))...))
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) || !strings.Contains(fmt.Sprint(errors.Unwrap(err)), "unknown kind") {
		t.Errorf("%v: %v", err, errors.Unwrap(err))
	}
}

func TestALiveProcessNoticesTheFileBeing(t *testing.T) {
	for name, attack := range map[string]func(w *world, before []byte){
		"rolled back": func(w *world, before []byte) { w.write(before) },
		"removed":     func(w *world, _ []byte) { must(0, os.Remove(w.file())) },
		"replaced by a copy": func(w *world, _ []byte) {
			b := w.read()
			must(0, os.Remove(w.file()))
			w.write(b)
		},
		"emptied": func(w *world, _ []byte) { must(0, os.Truncate(w.file(), 0)) },
		"cut and filled up again": func(w *world, before []byte) {
			size := len(w.read())
			w.write(append(bytes.Clone(before), bytes.Repeat([]byte("x"), size-len(before))...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.HasPrefix(name, "re") {
				t.Skip("an open file can't be removed")
			}
			w := newWorld(t)
			op := newCounted()
			g := w.guard()
			w.approve(op.pending(t, g, one))
			before := w.read()
			op.do(t, g, one)
			attack(w, before)
			w.sleep(time.Hour) // past the receipt
			in := one
			if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrRefused) || !errors.Is(err, ErrJournal) {
				t.Errorf("unnoticed: %v", err)
			}
			op.ran(t, 1)
		})
	}
}

// A limit that the documentation names: nobody remembers what isn't in the file.
func TestAFreshProcessCannotSeeARollback(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	w.approve(op.pending(t, g, one))
	before := w.read()
	op.do(t, g, one)
	w.write(before)
	op.do(t, w.guard(), one)
	op.ran(t, 2)
}

func TestForgedLinesGrantNothing(t *testing.T) {
	mallory := must(NewSigner("mallory"))
	sign := func(w *world, s *Signer, p *Proposal) []byte {
		return must(s.Sign(state.ApprovalMessage(p, w.place(p))))
	}
	for name, forge := range map[string]func(w *world, p *Proposal){
		"approved without a signature": func(w *world, p *Proposal) {
			w.forge(Event{Kind: EventApproved, ID: p.ID, Approver: "alice"})
		},
		"approved with the wrong key": func(w *world, p *Proposal) {
			w.forge(Event{Kind: EventApproved, ID: p.ID, Approver: "alice", Sig: sign(w, mallory, p)})
		},
		"approved by somebody unknown": func(w *world, p *Proposal) {
			w.forge(Event{Kind: EventApproved, ID: p.ID, Approver: "mallory", Sig: sign(w, mallory, p)})
		},
		"approved as a client": func(w *world, p *Proposal) {
			w.forge(Event{Kind: EventApproved, ID: p.ID, Approver: clientName, Sig: sign(w, mallory, p)})
		},
		"approved with the signature of another proposal": func(w *world, p *Proposal) {
			q := *p
			q.ID = "P-OTHER"
			w.forge(Event{Kind: EventApproved, ID: p.ID, Approver: "alice", Sig: sign(w, w.signer, &q)})
		},
		"approved with a signature over another expiry": func(w *world, p *Proposal) {
			q := *p
			q.Expires = q.Expires.Add(time.Hour)
			w.forge(Event{Kind: EventApproved, ID: p.ID, Approver: "alice", Sig: sign(w, w.signer, &q)})
		},
		"authorised": func(w *world, p *Proposal) {
			w.forge(Event{Kind: EventAuthorised, ID: p.ID, Approver: "operator", Detail: "host"})
		},
		"unfrozen, executed and failed out of turn": func(w *world, p *Proposal) {
			w.forge(Event{Kind: EventUnfrozen, Approver: "alice"})
			w.forge(Event{Kind: EventExecuted, ID: p.ID})
			w.forge(Event{Kind: EventFailed, ID: p.ID})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			op := newCounted()
			g := w.guard()
			p := op.pending(t, g, one)
			forge(w, p)
			if again := op.pending(t, g, one); again.ID != p.ID { // a live process
				t.Errorf("joined %s, want %s", again.ID, p.ID)
			}
			if got := must(w.journal().Proposal(p.ID)); got.State != StatePending {
				t.Errorf("it is shown as %s", got.State)
			}
			op.pending(t, w.guard(client), one) // processes started later
			op.pending(t, w.guard(), one)
			op.ran(t, 0)
		})
	}
}

func TestAnApprovedIDCannotBePointedElsewhere(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	w.approve(p)
	evil := *p
	evil.Input = json.RawMessage(`{"case":"666","text":"hello"}`)
	evil.Plan.Changes[0].After = "666"
	evil.Call = evil.CallKey()
	evil.Digest = must(evil.ComputeDigest())
	w.forge(Event{Kind: EventProposed, ID: p.ID, Proposal: &evil})
	op.pending(t, g, comment{Case: "666", Text: "hello"})
	op.pending(t, w.guard(), comment{Case: "666", Text: "hello"})
	op.ran(t, 0)
	if res := op.do(t, g, one); res.State != StateExecuted {
		t.Errorf("the approved call is %s", res.State)
	}
}

func TestAForgedProposalCannotShowOnePlanAndRunAnother(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	real := op.pending(t, g, one)
	must(0, w.journal().Deny(real.ID, "alice", ""))
	fake := *real
	fake.ID, fake.Plan = "P-FAKE", Plan{Summary: "Harmless."}
	fake.Digest = must(fake.ComputeDigest())
	w.forge(Event{Kind: EventProposed, ID: fake.ID, Proposal: &fake})
	w.approve(&fake)
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrRefused) {
		t.Errorf("the denial should still hold: %v", err)
	}
	w.sleep(time.Hour)
	op.pending(t, g, one)
	op.ran(t, 0)
}

func TestAProposalThatDoesNotMatchItsDigestOrWaitsTooLongIsIgnored(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	p := op.pending(t, w.guard(), one)
	for name, change := range map[string]func(*Proposal){
		"changed plan":      func(q *Proposal) { q.Plan.Summary = "Harmless." },
		"changed principal": func(q *Proposal) { q.Principal = "bob" },
		"a year to live": func(q *Proposal) {
			q.Expires = q.Expires.AddDate(1, 0, 0)
		},
		"a read": func(q *Proposal) {
			q.Tier = TierRead
			q.Call = q.CallKey()
			q.Digest = must(q.ComputeDigest())
		},
	} {
		q := *p
		q.ID = "P-FORGED"
		change(&q)
		w.forge(Event{Kind: EventProposed, ID: q.ID, Proposal: &q})
		if _, err := w.journal().Proposal(q.ID); !errors.Is(err, ErrNoProposal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnExpiredApprovalCannotBeSpent(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	w.approve(p)
	w.sleep(defaultTTL)
	if again := op.pending(t, g, one); again.ID == p.ID {
		t.Error("joined an expired proposal")
	}
	if got := must(w.journal().Proposal(p.ID)); got.State != StateExpired {
		t.Errorf("state %s, want expired", got.State)
	}
	op.ran(t, 0)
}

func TestAnApprovalWithABackdatedLineDoesNotRevive(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	sig := must(w.signer.Sign(state.ApprovalMessage(p, w.place(p))))
	w.sleep(defaultTTL)
	w.forge(Event{Kind: EventApproved, ID: p.ID, Approver: "alice", Sig: sig, Time: p.Created})
	op.pending(t, g, one)
	op.pending(t, w.guard(), one)
	op.ran(t, 0)
}

func TestAClockBehindTheJournalStopsWrites(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	w.approve(p)
	w.sleep(-time.Hour)
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) {
		t.Errorf("spent: %v", err)
	}
	if err := w.journal().Approve(p.ID, p.Digest, w.signer); !errors.Is(err, ErrJournal) {
		t.Errorf("approved: %v", err)
	}
	if err := w.journal().Freeze("alice", "clock"); err != nil {
		t.Errorf("a freeze must work on any clock: %v", err)
	}
	op.ran(t, 0)
}

func TestWhoIsStruckOffNoLongerCounts(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	w.approve(p)
	if got := must(must(g.Journal()).Proposal(p.ID)); got.State != StateApproved {
		t.Fatalf("state %s", got.State)
	}
	bob := must(NewSigner("bob"))
	must(0, os.Remove(filepath.Join(w.folder(), approversFile)))
	must(0, w.enrol(bob.Approver()))
	op.pending(t, g, one)
	op.ran(t, 0)
	must(0, must(g.Journal()).Approve(p.ID, p.Digest, bob))
	op.do(t, g, one)
	op.ran(t, 1)
}

func TestApproveValidatesBeforeItWrites(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	p := op.pending(t, w.guard(func(p *Policy) { p.Principal = "ALICE" }), one)
	mallory := must(NewSigner("mallory"))
	impostor := must(NewSigner("alice"))
	j := w.journal()
	before := w.read()
	for name, err := range map[string]error{
		"the requester":     j.Approve(p.ID, p.Digest, w.signer),
		"a wrong digest":    j.Approve(p.ID, strings.Repeat("0", 64), mallory),
		"an unknown signer": j.Approve(p.ID, p.Digest, mallory),
		"a known name":      j.Approve(p.ID, p.Digest, impostor),
		"the client's name": j.Approve(p.ID, p.Digest, must(journal.ClientSigner())),
		"no key":            j.Approve(p.ID, p.Digest, &Signer{Name: "alice"}),
		"nobody":            j.Approve(p.ID, p.Digest, nil),
		"an unknown id":     j.Approve("P-NONE", p.Digest, w.signer),
		"unfreeze without a key": func() error {
			return j.Unfreeze(&Signer{Name: "alice"})
		}(),
	} {
		if err == nil {
			t.Errorf("%s could approve", name)
		}
	}
	if !bytes.Equal(before, w.read()) {
		t.Error("an approval that doesn't count was written")
	}
}

func TestNamesThatCannotBeEnrolled(t *testing.T) {
	key := must(NewSigner("alice")).Approver().Key
	for _, name := range []string{"", clientName, "two words", "line\nbreak", "a:b", "(client", strings.Repeat("x", 65), "\u202eecila"} {
		if _, err := NewSigner(name); err == nil {
			t.Errorf("NewSigner(%q) works", name)
		}
		if err := AddApprover(t.TempDir(), Approver{Name: name, Key: key}); err == nil {
			t.Errorf("AddApprover(%q) works", name)
		}
	}
	if err := AddApprover(t.TempDir(), Approver{Name: "short", Key: key[:31]}); err == nil {
		t.Error("a short key was enrolled")
	}
}

func TestTheListOfApprovers(t *testing.T) {
	key := "ed25519 " + strings.Repeat("A", 43) + "= "
	for text, ok := range map[string]bool{
		"":                                true,
		"# nobody\n\n":                    true,
		key + "alice\n":                   true,
		key + "alice\n" + key + "alice\n": false,
		key + "alice extra\n":             false,
		key + "(client)\n":                false,
		"rsa " + key[8:] + "alice\n":      false,
		"ed25519 AAAA alice\n":            false,
		"ed25519 " + strings.Repeat("?", 44) + " alice\n": false,
	} {
		if _, err := journal.ParseApprovers("f", []byte(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	op.pending(t, g, one)
	must(0, os.WriteFile(filepath.Join(w.folder(), approversFile), []byte("what"), 0o600))
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) {
		t.Errorf("with an unreadable list: %v", err)
	}
}

func TestAStrangeStateDirectoryIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("access control lists are the profile folder's")
	}
	for name, prepare := range map[string]func(dir string){
		"a directory that others can write": func(dir string) { must(0, os.Mkdir(dir, 0o700)); must(0, os.Chmod(dir, 0o777)) },
		"a link to a directory": func(dir string) {
			must(0, os.Mkdir(dir+".real", 0o700))
			must(0, os.Symlink(dir+".real", dir))
		},
		"a file for a directory": func(dir string) { must(0, os.WriteFile(dir, nil, 0o600)) },
		"a journal that others can write": func(dir string) {
			must(0, os.Mkdir(dir, 0o700))
			must(0, os.WriteFile(filepath.Join(dir, journalFile), nil, 0o600))
			must(0, os.Chmod(filepath.Join(dir, journalFile), 0o666))
		},
		"a link to a journal": func(dir string) {
			must(0, os.Mkdir(dir, 0o700))
			must(0, os.WriteFile(dir+".other", nil, 0o600))
			must(0, os.Symlink(dir+".other", filepath.Join(dir, journalFile)))
		},
		"a directory for a journal": func(dir string) { must(0, os.MkdirAll(filepath.Join(dir, journalFile), 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			prepare(dir)
			if j, err := OpenJournal(dir); !errors.Is(err, ErrJournal) {
				j.Close()
				t.Errorf("opened: %v", err)
			}
			op := newCounted()
			g := must(New(Policy{Max: TierWrite, Approval: ApprovalHost, Dir: dir}))
			in := one
			if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrRefused) {
				t.Errorf("a write: %v", err)
			}
			op.ran(t, 0)
		})
	}
	w := newWorld(t)
	w.journal()
	for file, want := range map[string]os.FileMode{w.folder(): 0o700, w.file(): 0o600, filepath.Join(w.folder(), approversFile): 0o600} {
		if got := must(os.Stat(file)).Mode().Perm(); got != want {
			t.Errorf("%s has mode %s, want %s", filepath.Base(file), got, want)
		}
	}
	list := filepath.Join(w.folder(), approversFile)
	must(0, os.Chmod(list, 0o666))
	if _, err := Approvers(w.folder()); err == nil {
		t.Error("a list of approvers that others can write was read")
	}
	must(0, os.Rename(list, list+".x"))
	must(0, os.Symlink(list+".x", list))
	if _, err := Approvers(w.folder()); err == nil {
		t.Error("a link was read as the list of approvers")
	}
}

func TestAKeyIsSavedOnceAndForItsOwnerOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "approver.key")
	s := must(NewSigner("alice"))
	must(0, s.Save(file))
	if err := s.Save(file); err == nil {
		t.Error("an existing key was replaced")
	}
	got := must(LoadSigner(file))
	if got.Name != "alice" || !got.Approver().Key.Equal(s.Approver().Key) {
		t.Error("the key that was read isn't the one that was saved")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", got, got, got, got); !strings.Contains(text, "gate.Signer(alice)") || strings.Contains(text, fmt.Sprint([]byte(got.Approver().Key)[:4])[1:]) {
		t.Errorf("the key is printed: %s", text)
	}
	if runtime.GOOS != "windows" {
		must(0, os.Chmod(file, 0o640))
		if _, err := LoadSigner(file); err == nil {
			t.Error("a key that others can read was loaded")
		}
	}
	for name, text := range map[string]string{"empty": "", "text": "hello", "pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		f := filepath.Join(t.TempDir(), name)
		must(0, os.WriteFile(f, []byte(text), 0o600))
		if _, err := LoadSigner(f); err == nil {
			t.Errorf("%s was loaded as a key", name)
		}
	}
}

func TestUnfreezeNeedsAnEnrolledKeyAndThisFreeze(t *testing.T) {
	w := newWorld(t)
	j := w.journal()
	must(0, j.Freeze("anybody", "first"))
	old := w.first(EventFrozen).Hash
	for _, s := range []*Signer{must(NewSigner("mallory")), must(NewSigner("alice"))} {
		if err := j.Unfreeze(s); err == nil {
			t.Errorf("%s unfroze with another key", s.Name)
		}
	}
	must(0, j.Unfreeze(w.signer))
	must(0, j.Freeze("anybody", "second"))
	w.forge(Event{Kind: EventUnfrozen, Approver: "alice", Sig: must(w.signer.Sign(state.UnfreezeMessage(old)))})
	if !must(j.Frozen()) || !must(w.journal().Frozen()) {
		t.Error("an old signature ended a later freeze")
	}
}

func TestTextThatIsNotUTF8DoesNotBreakTheJournal(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	op.fail = errors.New("upstream said \xff\xfe")
	op.Plan(func(_ context.Context, in comment) (Plan, error) {
		return Plan{Summary: "Title \xc3\x28", Targets: []Target{{Kind: "case", ID: in.Case, Name: "\xff"}}}, nil
	})
	g := w.guard()
	ctx := WithClaim(WithPrincipal(t.Context(), "agent\xff"), "because \xff")
	in := comment{Case: "1", Text: "\xff"}
	res := must(op.Do(ctx, g, &in))
	w.approve(res.Proposal)
	if _, err := op.Do(ctx, g, &in); !errors.Is(err, op.fail) {
		t.Fatal(err)
	}
	got := must(w.journal().Proposal(res.Proposal.ID))
	if got.State != StateFailed || got.Digest != res.Proposal.Digest {
		t.Errorf("another process sees %s, digest %s", got.State, got.Digest)
	}
}

func TestSnapshotsAreCopies(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	p.Plan.Changes[0].After = "harmless"
	p.Input[2] = 'X'
	if again := op.pending(t, g, one); again.ID != p.ID || again.Plan.Changes[0].After == "harmless" {
		t.Error("a caller changed the journal's memory")
	}
	if err := must(g.Journal()).Approve(p.ID, p.Digest, w.signer); err != nil {
		t.Error(err)
	}
}

func TestAFullDiskStopsTheWrite(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	w.approve(p)
	j := must(g.Journal())
	full := errors.New("no space left on device")
	w.files(j).Write = func(*os.File, []byte, int64) (int, error) { return 0, full }
	w.files(j).Truncate = func(*os.File, int64) error { return full }
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) || !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
	op.ran(t, 0)
	w.files(j).Write, w.files(j).Truncate = (*os.File).WriteAt, (*os.File).Truncate
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) {
		t.Errorf("a journal that can't say what is on the disk goes on: %v", err)
	}
	if res := op.do(t, w.guard(), one); res.State != StateExecuted { // the approval wasn't lost
		t.Errorf("state %s", res.State)
	}
}

func TestEventsStopAtTheFirstError(t *testing.T) {
	if n := 0; true {
		for _, err := range Events(t.TempDir()) {
			if n++; !errors.Is(err, ErrJournal) {
				t.Error(err)
			}
		}
		if n != 1 {
			t.Errorf("%d errors for a missing journal", n)
		}
	}
	w := newWorld(t)
	j := w.journal()
	must(0, j.Freeze("a", ""))
	for range w.events() { // holding an iteration locks nobody out
		must(0, w.journal().Unfreeze(w.signer))
		break
	}
}

func FuzzReadJournal(f *testing.F) {
	w := newWorld(f)
	op := newCounted()
	g := w.guard()
	p := op.pending(f, g, one)
	must(0, must(g.Journal()).Approve(p.ID, p.Digest, w.signer))
	f.Add(w.read())
	f.Add([]byte("{}\n"))
	f.Add([]byte("{\"seq\":1"))
	f.Add([]byte("\n\n\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := filepath.Join(t.TempDir(), "state")
		must(0, os.Mkdir(dir, 0o700))
		must(0, os.WriteFile(filepath.Join(dir, journalFile), b, 0o600))
		var offline error
		var hashes []string
		for e, err := range Events(dir) {
			if offline = err; err == nil {
				hashes = append(hashes, e.Hash)
			}
		}
		j := must(OpenJournal(dir))
		defer j.Close()
		if _, err := j.Pending(); (err == nil) != (offline == nil) {
			t.Errorf("offline %v, live %v", offline, err)
		}
		if offline == nil && len(hashes) > 0 {
			hashes = nil
			for e := range Events(dir) {
				hashes = append(hashes, e.Hash)
			}
			tail := must(j.Tail(len(hashes) + 1))
			if len(tail) != len(hashes) {
				t.Fatalf("%d events in the tail, %d in all", len(tail), len(hashes))
			}
			for i, e := range tail {
				if e.Hash != hashes[len(hashes)-1-i] {
					t.Errorf("event %d of the tail is another", i)
				}
			}
		}
	})
}
