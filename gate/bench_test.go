package gate

import (
	"context"
	"fmt"
	"testing"
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

func BenchmarkProposeToConsume(b *testing.B) {
	w := newWorld(b)
	g := w.guard()
	j := must(g.Journal())
	op := newCounted()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		in := comment{Case: fmt.Sprint(i)}
		p := must(op.Do(b.Context(), g, &in)).Proposal
		must(0, j.Approve(p.ID, p.Digest, w.signer))
		if res := must(op.Do(b.Context(), g, &in)); res.State != StateExecuted {
			b.Fatal(res.State)
		}
	}
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
		must(0, j.tx(func() error { return j.append(Event{Kind: EventDenied, ID: "P-NONE", Detail: "a reason"}) }))
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
		j := must(OpenJournal(w.dir))
		must(j.Frozen())
		must(0, j.Close())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(calls*4), "ns/event")
}
