package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A disk remembers what was flushed to it, which is what a power cut leaves.
type disk struct {
	w       *world
	flushed int64
	flushes int
}

func (d *disk) under(j *Journal) {
	d.w.files(j).Sync = func(f *os.File) error {
		d.flushed, d.flushes = must(f.Stat()).Size(), d.flushes+1
		return f.Sync()
	}
}

// whole fails the test unless all that was written is on the disk, and returns
// how many flushes that took since it was called last.
func (d *disk) whole(what string) int {
	d.w.t.Helper()
	if size := must(os.Stat(d.w.file())).Size(); size != d.flushed {
		d.w.t.Errorf("%s shows while %d of %d bytes are on the disk", what, d.flushed, size)
	}
	n := d.flushes
	d.flushes = 0
	return n
}

func TestNothingShowsBeforeItIsOnTheDisk(t *testing.T) {
	w := newWorld(t)
	d := &disk{w: w}
	g := w.guard()
	j := must(g.Journal())
	d.under(j)
	op := newCounted()
	op.Plan(func(_ context.Context, in comment) (Plan, error) {
		return Plan{Summary: "Add a comment.", Targets: []Target{{Kind: "case", ID: in.Case}}}, nil
	})
	running := 0
	op.fn = func(context.Context, any) (any, error) {
		running = d.whole("the operation")
		return "", op.fail
	}
	got := map[string]int{}
	must(j.Frozen())
	d.whole("where it lies and who approves")
	p := op.pending(t, g, one)
	got["proposed"] = d.whole("a proposal")
	op.pending(t, g, one)
	got["joined"] = d.whole("a proposal that is joined")
	must(0, j.Approve(p.ID, p.Digest, w.signer))
	got["approved"] = d.whole("an approval")
	op.do(t, g, one)
	got["consumed"], got["executed"] = running, d.whole("an outcome")

	q := op.pending(t, g, comment{Case: "2"})
	d.whole("a proposal")
	grant := must(j.Grant(q.ID, 2, time.Hour, w.signer))
	got["granted"] = d.whole("a standing approval")
	must(0, j.Revoke(grant.ID, "alice"))
	got["revoked"] = d.whole("its end")
	must(0, j.Deny(q.ID, "alice", ""))
	got["denied"] = d.whole("a denial")
	must(0, j.Freeze("alice", ""))
	got["frozen"] = d.whole("a freeze")
	must(0, j.Unfreeze(w.signer))
	got["unfrozen"] = d.whole("its end")
	must(0, j.Checkpoint(w.signer))
	got["checkpoint"] = d.whole("a checkpoint")
	must(j.Standing())
	got["read"] = d.whole("a look")

	unasked := w.guard(host)
	d.under(must(unasked.Journal()))
	op.fail = ErrOutcomeUnknown
	in := comment{Case: "3"}
	if _, err := op.Do(t.Context(), unasked, &in); !errors.Is(err, ErrOutcomeUnknown) {
		t.Error(err)
	}
	got["proposed, authorised and consumed"], got["unknown"] = running, d.whole("an unknown outcome")

	want := map[string]int{"proposed": 1, "joined": 0, "approved": 1, "consumed": 1, "executed": 1, "granted": 1, "revoked": 1, "denied": 1,
		"frozen": 1, "unfrozen": 1, "checkpoint": 1, "read": 0, "proposed, authorised and consumed": 1, "unknown": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flushes (-want +got):\n%s", diff)
	}
}

// The power is cut at every step of every event from a proposal to its outcome.
// What is on the disk then is all that another process finds.
func TestAPowerCutAtAnyStepSpendsNothingTwice(t *testing.T) {
	var steps []string
	life := func(w *world, at string, on bool) (ran int) {
		d := &disk{w: w}
		g, operator := w.guard(), w.journal()
		j := must(g.Journal())
		for _, j := range []*Journal{j, operator} {
			d.under(j)
			w.files(j).Probe = func(step string) {
				if at == "" {
					steps = append(steps, step)
				}
				if step == at {
					panic("power cut")
				}
			}
		}
		op := newCounted()
		if on {
			op.on(g)
		}
		defer func() {
			if r := recover(); r != nil && r != "power cut" {
				panic(r)
			}
			ran = int(op.runs.Load())
			must(0, os.Truncate(w.file(), d.flushed))
		}()
		p := op.pending(t, g, one)
		must(0, operator.Approve(p.ID, p.Digest, w.signer))
		op.do(t, g, one)
		return 0
	}
	life(newWorld(t), "", false)
	if len(steps) < 12 || !slices.Contains(steps, "flushed consumed") {
		t.Fatalf("%q", steps)
	}
	test := func(at string, on bool) func(*testing.T) {
		return func(t *testing.T) {
			w := newWorld(t)
			ran := life(w, at, on)
			must(w.verify())
			op := newCounted()
			g := w.guard()
			if on {
				op.on(g)
			}
			for range 2 { // the agent asks again, an operator says yes again
				in := one
				res, err := op.Do(t.Context(), g, &in)
				switch {
				case reason(err) == ReasonInFlight:
				case err != nil:
					t.Fatal(err)
				case res.State == StatePending:
					w.approve(res.Proposal)
				}
			}
			if n := ran + int(op.runs.Load()); n > 1 {
				t.Errorf("it ran %d times", n)
			}
			consumed := 0
			for _, e := range must(w.journal().Tail(100)) {
				if e.Kind == EventConsumed {
					consumed++
				}
			}
			if ran+int(op.runs.Load()) > consumed {
				t.Error("it ran, and the journal doesn't know")
			}
		}
	}
	for _, at := range steps {
		t.Run(at, test(at, false))
		t.Run(at+", begun before", test(at, true))
	}
}

// A disk that doesn't say that it holds an event ends the journal: what a
// restart finds is unknown.
func TestADiskThatDoesNotFlushStopsAllWrites(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	w.approve(op.pending(t, g, one))
	j := must(g.Journal())
	w.files(j).Sync = func(*os.File) error { return errors.New("input/output error") }
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) {
		t.Errorf("%v", err)
	}
	w.files(j).Sync = (*os.File).Sync
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) {
		t.Errorf("it goes on: %v", err)
	}
	if err := j.Rotate(0); !errors.Is(err, ErrJournal) {
		t.Errorf("it rotates: %v", err)
	}
	op.ran(t, 0)
}

func TestTheTailIsTheEndOfTheChain(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	var all []string
	look := func(name string) {
		t.Helper()
		all = nil
		for e, err := range w.events() {
			if err != nil {
				t.Fatal(err)
			}
			all = append([]string{e.Hash}, all...)
		}
		for _, n := range []int{-1, 0, 1, 2, len(all) - 1, len(all), len(all) + 1, 1000} {
			got := []string{}
			for _, e := range must(must(g.Journal()).Tail(n)) {
				got = append(got, e.Hash)
			}
			if diff := cmp.Diff(all[:min(max(n, 0), len(all))], got); diff != "" {
				t.Errorf("%s: the last %d (-want +got):\n%s", name, n, diff)
			}
		}
	}
	if got := must(must(g.Journal()).Tail(5)); len(got) != 2 {
		t.Errorf("a new journal, that knows its place and its approver, has %d events", len(got))
	}
	for i := range 3 {
		op.pending(t, g, comment{Case: fmt.Sprint(i), Text: string(make([]byte, 3000*(1+i*i)))})
		look(fmt.Sprint(i))
		if rotates && i < 2 {
			must(0, w.journal().Rotate(0))
			look(fmt.Sprint(i, ", rotated"))
		}
	}
	// What was read before must still be there when it is shown.
	last := w.lines()
	_, e, err := encodeEvent(Event{Seq: 4, Prev: all[0], Kind: EventFrozen})
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := encodeEvent(e)
	if err != nil {
		t.Fatal(err)
	}
	older := must(closed(w.folder()))
	name := w.file()
	if rotates {
		name = older[len(older)-1].Name
	}
	must(0, os.WriteFile(name, append(other, last[0]...), 0o600))
	if list, err := must(g.Journal()).Tail(100); !errors.Is(err, ErrJournal) {
		t.Errorf("another history: %d events, %v", len(list), err)
	}
}
