package state_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
)

// A writer makes histories as the product does, and as somebody who forges lines.
type writer struct {
	t      *testing.T
	rand   *rand.Rand
	m      *state.Machine
	events []state.Event
	now    time.Time
	keys   map[string]ed25519.PrivateKey
	open   []state.Proposal
	seqs   map[string]uint64
}

func (w *writer) add(e state.Event) {
	w.t.Helper()
	w.now = w.now.Add(time.Duration(w.rand.Int64N(int64(4 * time.Minute))))
	e.Seq, e.Prev = w.m.Seq+1, w.m.Head
	if e.Time.IsZero() {
		e.Time = w.now
	}
	line, e, err := state.Encode(e)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.m.Apply(e); err != nil {
		w.t.Fatal(err)
	}
	l, err := state.Format.Parse(line)
	if err != nil {
		w.t.Fatal(err)
	}
	w.events = append(w.events, state.Decode(l))
}

func (w *writer) who() string { return []string{"alice", "bob", "carol"}[w.rand.IntN(3)] }

// sign signs as somebody, at times with a key that isn't theirs any more.
func (w *writer) sign(who string, message []byte) []byte {
	if w.keys[who] == nil {
		_, w.keys[who], _ = ed25519.GenerateKey(nil)
	}
	return ed25519.Sign(w.keys[who], message)
}

func (w *writer) step(n int) {
	who := w.who()
	switch w.rand.IntN(14) {
	case 0, 1:
		if w.rand.IntN(2) == 0 {
			_, w.keys[who], _ = ed25519.GenerateKey(nil)
		}
		if k := w.keys[who]; k != nil {
			w.add(state.Event{Kind: state.EventEnrolled, Approver: who, Key: k.Public().(ed25519.PublicKey), Detail: []string{state.ByFile, state.ByProgram}[n%2]})
		}
	case 2:
		w.add(state.Event{Kind: state.EventStruck, Approver: who})
	case 3:
		w.add(state.Event{Kind: state.EventFrozen, Approver: who, Detail: "drill"})
	case 4:
		if w.m.Frozen != nil {
			w.add(state.Event{Kind: state.EventUnfrozen, Approver: who, Sig: w.sign(who, state.UnfreezeMessage(w.m.Frozen.By))})
		}
	case 5:
		w.add(state.Event{Kind: state.EventTripped, Detail: "too much"})
	case 6:
		if w.m.Tripped != nil {
			w.add(state.Event{Kind: state.EventReset, Approver: who, Sig: w.sign(who, state.ResetMessage(w.m.Tripped.By))})
		}
	case 7:
		b, err := w.m.Snapshot()
		if err != nil {
			w.t.Fatal(err)
		}
		if n%2 == 0 {
			w.add(state.Event{Kind: state.EventGenesis, State: b})
		} else {
			w.add(state.Event{Kind: state.EventSnapshot, Detail: state.SnapshotDigest(b)})
		}
	case 8:
		g := &state.Grant{ID: fmt.Sprint("G-", n), Op: "op", Principal: "agent", Kind: "case", Target: "1", Max: 3, Expires: w.now.Add(time.Hour)}
		w.add(state.Event{Kind: state.EventGranted, ID: g.ID, Grant: g, Approver: who, Sig: w.sign(who, g.Message())})
	case 9, 10:
		p := state.Proposal{ID: fmt.Sprintf("P-%08d", n), Op: "op", Tier: state.TierWrite, Principal: "agent", Input: []byte(`{}`), Key: []string{"", "k"}[n%2],
			Plan: state.Plan{Summary: "S.", Targets: []state.Target{{Kind: "case", ID: fmt.Sprint(n % 3)}}}, Created: w.now.Truncate(time.Second), Expires: w.now.Add(30 * time.Minute).Truncate(time.Second)}
		odd := []string{"plain", "<b> & é\u2028\"\\", "\xff", "\ufffd", ""}[w.rand.IntN(5)]
		p.Claim, p.Client, p.Untrusted, p.Plan.Warnings = odd, odd, []string{}, []string{odd}
		q, _, err := p.Canonical()
		if err != nil {
			w.t.Fatal(err)
		}
		q.Budget, q.History = odd, []string{odd}
		w.seqs[p.ID] = w.m.Seq + 1
		w.add(state.Event{Kind: state.EventProposed, ID: p.ID, Proposal: q})
		w.open = append(w.open, *q)
	default:
		if len(w.open) == 0 {
			return
		}
		p := w.open[len(w.open)-1-w.rand.IntN(min(3, len(w.open)))]
		kinds := []state.EventKind{state.EventApproved, state.EventAuthorised, state.EventDenied, state.EventStale, state.EventConsumed, state.EventExecuted,
			state.EventPartly, state.EventFailed, state.EventUnknown, state.EventResolved, state.EventApproved, state.EventConsumed}
		e := state.Event{Kind: kinds[w.rand.IntN(len(kinds))], ID: p.ID, Approver: who}
		switch e.Kind {
		case state.EventApproved:
			e.Sig = w.sign(who, state.ApprovalMessage(&p, w.seqs[p.ID]))
		case state.EventResolved:
			e.Detail = string(state.StateExecuted)
			e.Sig = w.sign(who, state.ResolveMessage(&p, e.Detail))
		}
		w.add(e)
	}
}

func read(t *testing.T, m *state.Machine, events []state.Event) []byte {
	t.Helper()
	for _, e := range events {
		if err := m.Apply(e); err != nil {
			t.Fatalf("seq %d: %v", e.Seq, err)
		}
	}
	findsTheEnded(t, m)
	b, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// findsTheEnded holds what a state finds of those that have ended against a look at each.
func findsTheEnded(t *testing.T, m *state.Machine) {
	t.Helper()
	for _, p := range append(m.Past, &state.Past{ID: "P-none", Call: "none", Key: "k", Op: "op"}) {
		var near []*state.Past
		var same *state.Past
		for _, q := range m.Past {
			if q.Call == p.Call || p.Key != "" && q.Key == p.Key || q.State == state.StatePartly && q.Op == p.Op {
				near = append(near, q)
			}
			if same == nil && q.ID == p.ID {
				same = q
			}
		}
		if got := m.Near(p.Call, p.Key, p.Op); !slices.Equal(got, near) {
			t.Errorf("near %+v it finds %d, want %d", p, len(got), len(near))
		}
		if got := m.Ended(p.ID); got != same {
			t.Errorf("of the id %s it finds %+v, want %+v", p.ID, got, same)
		}
	}
}

// Whatever happens, whoever is enrolled and struck off on the way: a reader who began
// with any snapshot holds the same state as one who read it all, and as the one who wrote it.
func TestEveryReaderHoldsTheSameStateWheneverItBegan(t *testing.T) {
	for seed := range uint64(30) {
		w := &writer{t: t, rand: rand.New(rand.NewPCG(seed, 1)), m: state.New(), now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC),
			keys: map[string]ed25519.PrivateKey{}, seqs: map[string]uint64{}}
		if seed%3 > 0 { // the others are journals that were begun before they held their approvers
			w.add(state.Event{Kind: state.EventBound, Detail: "here"})
		}
		var begun [][]byte
		var at []int
		for n := range 150 {
			w.step(n)
			if n == 60 && seed%3 == 0 {
				w.add(state.Event{Kind: state.EventBound, Detail: "here"})
			}
			if n%10 == 0 {
				b, err := w.m.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				begun, at = append(begun, b), append(at, len(w.events))
			}
		}
		want := read(t, w.m, nil)
		if got := read(t, state.New(), w.events); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: who reads all holds\n%s\nwant\n%s", seed, got, want)
		}
		for i, b := range begun {
			m, err := state.Load(b)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, m, w.events[at[i]:]); !bytes.Equal(got, want) {
				t.Fatalf("seed %d: who began behind event %d holds\n%s\nwant\n%s", seed, at[i], got, want)
			}
		}
		for i, e := range w.events {
			if e.Kind != state.EventGenesis || w.m.Legacy() {
				continue
			}
			if got := read(t, state.New(), w.events[i:]); !bytes.Equal(got, want) {
				t.Fatalf("seed %d: who began with the segment of event %d holds\n%s\nwant\n%s", seed, e.Seq, got, want)
			}
		}
	}
}

func TestOfThoseThatHaveEndedTheNewestAreRemembered(t *testing.T) {
	w := &writer{t: t, rand: rand.New(rand.NewPCG(1, 1)), m: state.New(), now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	w.add(state.Event{Kind: state.EventBound, Detail: "here"})
	at := w.now
	for n := range 2100 {
		w.now = at // nothing is over meanwhile
		p := state.Proposal{ID: fmt.Sprintf("P-%08d", n), Op: "op", Tier: state.TierWrite, Principal: "agent", Input: fmt.Appendf(nil, `{"n":%d}`, n%700), Key: []string{"", "k"}[n%2],
			Created: at, Expires: at.Add(time.Hour)}
		q, _, err := p.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		w.add(state.Event{Kind: state.EventProposed, ID: p.ID, Proposal: q})
		w.add(state.Event{Kind: state.EventAuthorised, ID: p.ID, Approver: "operator", Detail: "host"})
		w.add(state.Event{Kind: state.EventConsumed, ID: p.ID})
		w.add(state.Event{Kind: []state.EventKind{state.EventExecuted, state.EventPartly}[n%100/99], ID: p.ID})
	}
	if n := len(w.m.Past); n != 2048 || w.m.Past[0].ID != "P-00000052" || w.m.Ended("P-00000051") != nil {
		t.Errorf("%d are remembered, the first %s", n, w.m.Past[0].ID)
	}
	findsTheEnded(t, w.m)
}

func TestASnapshotOfAnotherHistoryIsRefused(t *testing.T) {
	m := state.New()
	m.Apply(state.Event{Seq: 1, Kind: state.EventBound, Detail: "here", Hash: "a"}) //nolint:errcheck // it is none
	for _, e := range []state.Event{
		{Seq: 2, Kind: state.EventSnapshot, Detail: state.SnapshotDigest([]byte("{}"))},
		{Seq: 2, Kind: state.EventGenesis, State: []byte(`{"format":1}`)},
	} {
		if err := m.Apply(e); err == nil {
			t.Errorf("%s was taken", e.Kind)
		}
	}
	if slices.ContainsFunc(m.Open, func(*state.Record) bool { return true }) {
		t.Error("something is open")
	}
}
