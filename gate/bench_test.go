package gate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func BenchmarkReadDecision(b *testing.B) {
	g := newWorld(b).guard()
	e := point(TierRead)
	ctx := context.WithValue(b.Context(), principalKey{}, "agent")
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Admit(ctx, e); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAReadIsAdmittedWithoutAllocating(t *testing.T) {
	g := newWorld(t).guard()
	ctx := t.Context()
	e := point(TierRead)
	if n := testing.AllocsPerRun(100, func() {
		if err := g.Admit(ctx, e); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The time and the flushes of a proposal, its approval by an operator and the
// spending of it, up to the moment in which the operation begins. Recording
// its outcome is beside it.
func BenchmarkProposeToConsume(b *testing.B) {
	w := newWorld(b)
	g := w.guard()
	j, operator := must(g.Journal()), w.journal()
	flushes, before := 0, 0
	for _, j := range []*Journal{j, operator} {
		if onDatabase {
			break
		}
		w.files(j).Sync = func(f *os.File) error { flushes++; return f.Sync() }
	}
	var outcome time.Duration
	var asked, begun time.Time
	var each []time.Duration // a disk that others use too is slow at times
	op := Write("add_comment", func(context.Context, comment) (string, error) {
		b.StopTimer()
		before, begun = before+flushes, time.Now()
		each = append(each, begun.Sub(asked))
		return "done", nil
	}, "Add a comment.")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		flushes, asked = 0, time.Now()
		in := comment{Case: fmt.Sprint(n)}
		p := must(op.Do(b.Context(), g, &in)).Proposal
		must(0, operator.Approve(p.ID, p.Digest, w.signer))
		res := must(op.Do(b.Context(), g, &in))
		outcome += time.Since(begun)
		if res.State != StateExecuted {
			b.Fatal(res.State)
		}
		n++
		b.StartTimer()
	}
	slices.Sort(each)
	b.ReportMetric(float64(each[n/2].Nanoseconds()), "median-ns/op")
	b.ReportMetric(float64(before)/float64(n), "fsyncs/op")
	b.ReportMetric(float64(outcome.Nanoseconds())/float64(n), "outcome-ns/op")
}

// The same time, from the proposal to the moment in which the operation begins, in a
// folder and in a database on the same disk, in turn: what else the machine does is as
// slow for the one as for the other.
func BenchmarkFolderAndDatabase(b *testing.B) {
	var begun time.Time
	var took [2][]time.Duration
	at := 0
	op := Write("add_comment", func(context.Context, comment) (string, error) {
		took[at] = append(took[at], time.Since(begun))
		return "done", nil
	}, "Add a comment.")
	var guards [2]*Guard
	var operators [2]*Journal
	signer := must(NewSigner("alice"))
	for i, dir := range []string{filepath.Join(b.TempDir(), "state"), database.Server(b).Socket()} {
		w := &world{t: b, dir: dir, signer: signer}
		must(0, w.enrol(signer.Approver()))
		guards[i], operators[i] = w.guard(), w.journal()
	}
	n := 0
	for b.Loop() {
		for at = range guards {
			begun = time.Now()
			in := comment{Case: fmt.Sprint(n)}
			p := must(op.Do(b.Context(), guards[at], &in)).Proposal
			must(0, operators[at].Approve(p.ID, p.Digest, signer))
			must(op.Do(b.Context(), guards[at], &in))
		}
		n++
	}
	for i := range took {
		slices.Sort(took[i])
	}
	folder, database := took[0][n/2], took[1][n/2]
	b.ReportMetric(float64(folder.Microseconds()), "folder-µs")
	b.ReportMetric(float64(database.Microseconds()), "database-µs")
	b.ReportMetric(float64(database)/float64(folder), "times")
}

func BenchmarkAdmitWrite(b *testing.B) {
	g := newWorld(b).guard(host)
	op := Write("x", func(ctx context.Context, _ comment) (int, error) {
		for b.Loop() {
			if err := g.Admit(ctx, point(TierWrite)); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}, "X.")
	b.ReportAllocs()
	in := one
	must(op.Do(b.Context(), g, &in))
}

func BenchmarkJournalAppend(b *testing.B) {
	j := newWorld(b).journal()
	b.ReportAllocs()
	for b.Loop() {
		must(0, j.Finish("P-NONE", EventFailed, "a reason"))
	}
}

func BenchmarkReplay(b *testing.B) {
	w := newWorld(b)
	g := w.guard(host)
	op := newCounted()
	const calls = 250 // of four events each
	for i := range calls {
		in := comment{Case: fmt.Sprint(i)}
		must(op.Do(b.Context(), g, &in))
	}
	b.ReportAllocs()
	for b.Loop() {
		j := must(OpenJournal(w.folder()))
		must(j.Frozen())
		must(0, j.Close())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(calls*4), "ns/event")
}
