package postgres

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// left returns a folder with an approver in which something waits.
func left(t *testing.T) (*gate.Journal, *gate.Signer) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	alice := must(gate.NewSigner("alice"))
	must(0, gate.AddApprover(dir, alice.Approver()))
	g := must(gate.New(gate.Policy{Max: gate.TierDestructive, Dir: dir}))
	t.Cleanup(func() { g.Close() })
	in := comment{"1"}
	must(write.Do(t.Context(), g, &in))
	j := must(gate.OpenJournal(dir))
	t.Cleanup(func() { j.Close() })
	return j, alice
}

// breaking is a store that is lost at its nth transaction.
type breaking struct {
	*store
	left int
}

func (b *breaking) Begin() (journal.Tx, error) {
	if b.left--; b.left < 0 {
		return nil, errors.New("the network is cut")
	}
	return b.store.Begin()
}

func TestAMoveThatBrokeOffIsGoneOnWith(t *testing.T) {
	server := database.Server(t)
	for broke := range 2 { // before all was copied, before it was taken over
		from, alice := left(t)
		address := server.State("")
		if _, err := from.Migrate(journal.New(&breaking{opened(t, address), broke}, journal.Options{}), alice); err == nil || !strings.Contains(err.Error(), "run it again") {
			t.Fatalf("%d: %v", broke, err)
		}
		to := journal.New(opened(t, address), journal.Options{})
		must(from.Migrate(to, alice))
		must(to.Verify(nil, true))
		if s := must(to.Standing()); s.Frozen || s.Moved != nil || s.Pending != 0 || strings.Join(s.Approvers, " ") != "alice" {
			t.Errorf("%d: %+v", broke, s)
		}
		other, bob := left(t)
		if _, err := other.Migrate(to, bob); err == nil || !strings.Contains(err.Error(), "isn't empty") {
			t.Errorf("%d: another journal: %v", broke, err)
		}
		if s := must(other.Standing()); s.Frozen {
			t.Error("what wasn't moved is frozen")
		}
	}
}

// An id is short, to be read aloud: in a long life one comes again, after the first was
// forgotten.
func TestAnIDThatCameTwiceMovesToo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	alice := must(gate.NewSigner("alice"))
	must(0, gate.AddApprover(dir, alice.Approver()))
	f := must(filestore.Open(dir, filestore.Owners{}))
	tx := must(f.Begin())
	for _, err := range tx.After(0, "") {
		must(0, err)
	}
	m := state.New()
	put := func(e state.Event) {
		e.Seq, e.Prev = m.Seq+1, m.Head
		line, e, err := state.Encode(e)
		must(0, errors.Join(err, tx.Append(line, string(e.Kind), e.ID), m.Apply(e)))
	}
	for _, days := range []time.Duration{5, 3} {
		at := time.Now().Add(-days * 24 * time.Hour).UTC()
		if m.Seq == 0 {
			put(state.Event{Kind: state.EventBound, Detail: must(f.Place()), Time: at})
		}
		p, _, err := (&gate.Proposal{ID: "P-AAAAAAAA", Op: "x", Tier: gate.TierWrite, Principal: "agent", Input: []byte(`{}`), Created: at, Expires: at.Add(time.Hour)}).Canonical()
		must(0, err)
		put(state.Event{Kind: state.EventProposed, ID: p.ID, Proposal: p, Time: at})
		for _, kind := range []gate.EventKind{state.EventAuthorised, state.EventConsumed, state.EventExecuted} {
			put(state.Event{Kind: kind, ID: p.ID, Approver: "operator", Time: at})
		}
		if m.Ended(p.ID) == nil {
			t.Fatal("it wasn't executed")
		}
	}
	must(0, tx.Commit())
	tx.End()
	must(0, f.Close())
	from := must(gate.OpenJournal(dir))
	defer from.Close()
	to := journal.New(opened(t, database.Server(t).State("")), journal.Options{})
	must(from.Migrate(to, alice))
	consumed := 0
	for e, err := range to.Events() {
		if must(e, err).Kind == gate.EventConsumed {
			consumed++
		}
	}
	if consumed != 2 {
		t.Errorf("%d spendings, want 2", consumed)
	}
}
