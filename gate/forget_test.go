package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatHasEndedAndExpiredIsNotHeldAndReadAgainWhenAskedFor(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	j := must(g.Journal())
	op := newCounted()
	ask := func(c string) *Proposal {
		in := comment{Case: c + strings.Repeat("x", 1000)}
		return must(op.Do(t.Context(), g, &in)).Proposal
	}
	denied, expired := ask("denied"), ask("expired")
	must(0, j.Deny(denied.ID, "alice", "no"))
	was := map[string]*Proposal{denied.ID: must(j.Proposal(denied.ID)), expired.ID: must(j.Proposal(expired.ID))}
	w.sleep(defaultTTL)
	fresh := ask("fresh")
	if list := must(j.Pending()); len(list) != 1 || list[0].ID != fresh.ID {
		t.Errorf("%d proposals are held as open, want the fresh one", len(list))
	}
	other := must(OpenJournal(w.folder())) // with a clock of its own: it holds all
	defer other.Close()
	for id, want := range was {
		got := must(j.Proposal(id))
		want.State = got.State // one has expired since
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s read again (-want +got):\n%s", id, diff)
		}
		if diff := cmp.Diff(must(other.Proposal(id)).Plan, got.Plan); diff != "" {
			t.Errorf("%s in another process (-want +got):\n%s", id, diff)
		}
		again := must(j.Replay(id, time.Hour))
		if d := must(again.ComputeDigest()); d != again.Digest || string(again.Input) != string(want.Input) {
			t.Errorf("%s proposed again: %+v", id, again)
		}
	}
}

func TestAnUnknownOutcomeIsHeldHoweverLongAgoItWas(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	j := must(g.Journal())
	op := newCounted()
	in := comment{Case: "7"}
	p := must(op.Do(t.Context(), g, &in)).Proposal
	must(0, j.Approve(p.ID, p.Digest, w.signer))
	must(0, j.Finish(p.ID, EventConsumed, ""))
	w.sleep(3 * maxTTL)
	if got := must(j.Proposal(p.ID)); got.State != StateUnknown || got.Input == nil {
		t.Errorf("%s is %s", p.ID, got.State)
	}
}
