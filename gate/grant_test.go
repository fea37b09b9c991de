package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/clientword"
)

// onCase is an operation whose plan names one case.
func onCase(make func(string, func(context.Context, comment) (string, error), string, ...Option) *Operation[comment, string], change ...func(*Plan)) *counted {
	c := &counted{}
	c.Operation = make("add_comment", func(_ context.Context, in comment) (string, error) {
		c.runs.Add(1)
		return "done " + in.Case, c.fail
	}, "Add a comment.").Plan(func(_ context.Context, in comment) (Plan, error) {
		p := Plan{Summary: "Comment.", Targets: []Target{{Kind: "case", ID: in.Case}}}
		for _, f := range change {
			f(&p)
		}
		return p, nil
	})
	return c
}

func said(text string) comment { return comment{Case: "1", Text: text} }

func TestAStandingApprovalCoversWhatItNamesAndIsCounted(t *testing.T) {
	w := newWorld(t)
	op := onCase(Write[comment, string])
	g := w.guard()
	p := op.pending(t, g, said("first"))
	grant := must(w.journal().Grant(p.ID, 3, time.Hour, w.signer))
	for i := range 3 { // by processes of their own
		res := op.do(t, w.guard(), said(fmt.Sprint(i)))
		if want := fmt.Sprintf("%s of alice: %d of 3", grant.ID, i+1); res.State != StateExecuted || !strings.Contains(res.Note, want) {
			t.Errorf("use %d: %s, %q", i, res.State, res.Note)
		}
	}
	op.pending(t, g, said("fourth"))
	op.pending(t, w.guard(), said("fifth"))
	op.ran(t, 3)
	var used []string
	for e, err := range w.events() {
		if err == nil && e.Kind == EventAuthorised {
			used = append(used, e.Ref+" "+e.Approver)
		}
	}
	if want := grant.ID + " alice"; len(used) != 3 || used[0] != want || used[2] != want {
		t.Errorf("the journal says %q", used)
	}
}

func TestAStandingApprovalCoversNothingElse(t *testing.T) {
	in := said("x")
	for name, call := range map[string]func(w *world) *Result{
		"another target": func(w *world) *Result {
			return must(onCase(Write[comment, string]).Do(context.Background(), w.guard(), &comment{Case: "2"}))
		},
		"another kind of target": func(w *world) *Result {
			return must(onCase(Write[comment, string], func(p *Plan) { p.Targets[0].Kind = "event" }).Do(context.Background(), w.guard(), &in))
		},
		"a second target": func(w *world) *Result {
			return must(onCase(Write[comment, string], func(p *Plan) { p.Targets = append(p.Targets, p.Targets[0]) }).Do(context.Background(), w.guard(), &in))
		},
		"no target": func(w *world) *Result {
			return must(onCase(Write[comment, string], func(p *Plan) { p.Targets = nil }).Do(context.Background(), w.guard(), &in))
		},
		"a warning": func(w *world) *Result {
			return must(onCase(Write[comment, string], func(p *Plan) { p.Warnings = []string{"!"} }).Do(context.Background(), w.guard(), &in))
		},
		"egress": func(w *world) *Result {
			return must(onCase(Write[comment, string], func(p *Plan) { p.Egress = []Egress{{To: "x"}} }).Do(context.Background(), w.guard(), &in))
		},
		"an operation that leaks": func(w *world) *Result {
			op := onCase(Write[comment, string])
			op.facets.Egress = true
			return must(op.Do(context.Background(), w.guard(), &in))
		},
		"a destructive operation": func(w *world) *Result {
			return must(onCase(Destructive[comment, string]).Do(context.Background(), w.guard(), &in))
		},
		"another operation": func(w *world) *Result {
			op := onCase(Write[comment, string])
			op.name = "close_case"
			return must(op.Do(context.Background(), w.guard(), &in))
		},
		"another upstream": func(w *world) *Result {
			op, g := onCase(Write[comment, string]), w.guard()
			On(g, "elsewhere", op)
			return must(op.Do(context.Background(), g, &in))
		},
		"another principal": func(w *world) *Result {
			return must(onCase(Write[comment, string]).Do(WithPrincipal(context.Background(), "bob"), w.guard(), &in))
		},
		"two persons": func(w *world) *Result {
			return must(onCase(Write[comment, string]).Do(context.Background(), w.guard(func(p *Policy) { p.Quorum.Write = 2 }), &in))
		},
		"a later day": func(w *world) *Result {
			w.sleep(time.Hour)
			return must(onCase(Write[comment, string]).Do(context.Background(), w.guard(), &in))
		},
		"what was revoked": func(w *world) *Result {
			j := w.journal()
			g := must(j.Grants())[0]
			must(0, j.Revoke(g.ID, "anybody"))
			must(0, j.Revoke(g.ID, "anybody"))
			return must(onCase(Write[comment, string]).Do(context.Background(), w.guard(), &in))
		},
		"what an approver who was struck off granted": func(w *world) *Result {
			must(0, os.Remove(filepath.Join(w.folder(), approversFile)))
			must(0, w.enrol(must(NewSigner("bob")).Approver()))
			return must(onCase(Write[comment, string]).Do(context.Background(), w.guard(), &in))
		},
		"a call that may have happened": func(w *world) *Result {
			op := onCase(Write[comment, string])
			op.fail = ErrOutcomeUnknown
			if _, err := op.Do(context.Background(), w.guard(), &in); !errors.Is(err, ErrOutcomeUnknown) {
				w.t.Fatal(err)
			}
			return must(op.Do(context.Background(), w.guard(), &in))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			must(w.journal().Grant(onCase(Write[comment, string]).pending(t, w.guard(), said("model")).ID, 9, time.Hour, w.signer))
			if res := call(w); res.State != StatePending {
				t.Errorf("it is %s: %s", res.State, res.Note)
			}
		})
	}
}

func TestAStandingApprovalWithinItsLimits(t *testing.T) {
	w := newWorld(t)
	j := w.journal()
	p := onCase(Write[comment, string]).pending(t, w.guard(), one)
	deletion := onCase(Destructive[comment, string]).pending(t, w.guard(), one)
	mine := onCase(Write[comment, string])
	own := must(mine.Do(WithPrincipal(t.Context(), "Alice"), w.guard(), &comment{Case: "3"})).Proposal
	before := w.read()
	for name, grant := range map[string]func() (*Grant, error){
		"no calls":       func() (*Grant, error) { return j.Grant(p.ID, 0, time.Hour, w.signer) },
		"too many calls": func() (*Grant, error) { return j.Grant(p.ID, 101, time.Hour, w.signer) },
		"too long":       func() (*Grant, error) { return j.Grant(p.ID, 1, 24*time.Hour+time.Second, w.signer) },
		"no time":        func() (*Grant, error) { return j.Grant(p.ID, 1, 0, w.signer) },
		"no proposal":    func() (*Grant, error) { return j.Grant("P-NONE", 1, time.Hour, w.signer) },
		"destructive":    func() (*Grant, error) { return j.Grant(deletion.ID, 1, time.Hour, w.signer) },
		"the requester":  func() (*Grant, error) { return j.Grant(own.ID, 1, time.Hour, w.signer) },
		"a stranger":     func() (*Grant, error) { return j.Grant(p.ID, 1, time.Hour, must(NewSigner("mallory"))) },
		"an impostor":    func() (*Grant, error) { return j.Grant(p.ID, 1, time.Hour, must(NewSigner("alice"))) },
		"nobody":         func() (*Grant, error) { return j.Grant(p.ID, 1, time.Hour, nil) },
	} {
		if g, err := grant(); err == nil {
			t.Errorf("%s: %+v", name, g)
		}
	}
	if !slices.Equal(before, w.read()) {
		t.Error("a grant that doesn't count was written")
	}
}

func TestForgedStandingApprovalsGrantNothing(t *testing.T) {
	w := newWorld(t)
	op := onCase(Write[comment, string])
	p := op.pending(t, w.guard(), one)
	good := Grant{ID: "G-1", Op: p.Op, Upstream: p.Upstream, Principal: p.Principal, Kind: "case", Target: "1", Max: 1, Expires: w.now().Add(time.Hour).Truncate(time.Second)}
	sig := must(w.signer.Sign(good.Message()))
	for i, change := range []func(*Grant){
		func(g *Grant) { g.Target = "2" }, func(g *Grant) { g.Max = 99 }, func(g *Grant) { g.Op = "close_case" }, func(g *Grant) { g.Kind = "x" },
		func(g *Grant) { g.Expires = g.Expires.Add(time.Hour) }, func(g *Grant) { g.Principal = "bob" }, func(g *Grant) { g.Upstream = "x" },
		func(g *Grant) { g.ID = "G-2" },
	} {
		g := good
		change(&g)
		w.forge(Event{Kind: EventGranted, ID: g.ID, Grant: &g, Approver: "alice", Sig: sig})
		if list := must(w.journal().Grants()); len(list) != 0 {
			t.Errorf("change %d: %+v", i, list)
		}
	}
	long := good
	long.Expires = w.now().Add(48 * time.Hour)
	w.forge(Event{Kind: EventGranted, ID: long.ID, Grant: &long, Approver: "alice", Sig: must(w.signer.Sign(long.Message()))})
	w.forge(Event{Kind: EventGranted, ID: "G-3", Approver: "alice", Sig: sig})
	w.forge(Event{Kind: EventAuthorised, ID: p.ID, Approver: "alice", Ref: "G-1"})
	op.pending(t, w.guard(), one)
	w.forge(Event{Kind: EventGranted, ID: good.ID, Grant: &good, Approver: "alice", Sig: sig}) // the real one
	must(0, w.journal().Revoke(good.ID, "alice"))
	w.forge(Event{Kind: EventGranted, ID: good.ID, Grant: &good, Approver: "alice", Sig: sig}) // once more
	op.pending(t, w.guard(), said("x"))
	op.ran(t, 0)
}

func TestAStandingApprovalIsUsedUpOnceUnderARace(t *testing.T) {
	w := newWorld(t)
	op := onCase(Write[comment, string])
	must(w.journal().Grant(op.pending(t, w.guard(), said("model")).ID, 5, time.Hour, w.signer))
	done := make(chan bool)
	for i := range 16 {
		go func() {
			in := said(fmt.Sprint(i))
			_, err := op.Do(context.Background(), w.guard(), &in)
			done <- err == nil
		}()
	}
	for range 16 {
		<-done
	}
	op.ran(t, 5)
}

func TestAReplayIsANewProposal(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	p := op.pending(t, g, one)
	j := w.journal()
	if _, err := j.Replay(p.ID, 0); err == nil {
		t.Error("what is pending was put up again")
	}
	w.approve(p)
	op.do(t, g, one)
	w.sleep(receiptWindow)
	again := must(j.Replay(p.ID, 0))
	if again.ID == p.ID || again.Digest != p.Digest || again.State != StatePending || !strings.Contains(Render(again), p.ID) {
		t.Errorf("%s %s", again.ID, again.State)
	}
	if got := op.pending(t, g, one); got.ID != again.ID { // the old approval is worth nothing
		t.Errorf("joined %s", got.ID)
	}
	op.ran(t, 1)
	w.approve(again)
	op.do(t, g, one)
	op.ran(t, 2)
	if _, err := j.Replay("P-NONE", 0); !errors.Is(err, ErrNoProposal) {
		t.Error(err)
	}
	denied := op.pending(t, g, comment{Case: "2"})
	must(0, j.Deny(denied.ID, "alice", ""))
	op.refused(t, g, comment{Case: "2"}, ReasonDenied)
	must(j.Replay(denied.ID, 0)) // the operator has thought again
	op.pending(t, g, comment{Case: "2"})
}

func TestAnUnknownOutcomeIsResolvedByAnApprover(t *testing.T) {
	for _, outcome := range []State{StateExecuted, StateFailed} {
		w := newWorld(t)
		op := newCounted()
		op.fail = ErrOutcomeUnknown
		g := w.guard(host)
		in := one
		if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrOutcomeUnknown) {
			t.Fatal(err)
		}
		var id string
		for e := range w.events() {
			if e.Kind == EventUnknown {
				id = e.ID
			}
		}
		j := w.journal()
		for name, err := range map[string]error{
			"a stranger":       j.Resolve(id, outcome, must(NewSigner("mallory"))),
			"an impostor":      j.Resolve(id, outcome, must(NewSigner("alice"))),
			"nobody":           j.Resolve(id, outcome, nil),
			"no such outcome":  j.Resolve(id, StateApproved, w.signer),
			"no such proposal": j.Resolve("P-NONE", outcome, w.signer),
		} {
			if err == nil {
				t.Errorf("%s resolved it", name)
			}
		}
		w.forge(Event{Kind: EventResolved, ID: id, Approver: "alice", Detail: "failed", Sig: must(w.signer.Sign(state.ResolveMessage(&Proposal{ID: id, Digest: "x"}, "failed")))})
		if got := must(j.Proposal(id)); got.State != StateUnknown {
			t.Errorf("a forged line made it %s", got.State)
		}
		must(0, j.Resolve(id, outcome, w.signer))
		if got := must(j.Proposal(id)); got.State != outcome || got.Approver != "alice" {
			t.Errorf("%s by %s, want %s", got.State, got.Approver, outcome)
		}
		if err := j.Resolve(id, outcome, w.signer); err == nil {
			t.Error("resolved twice")
		}
		op.fail = nil
		if res := op.do(t, g, one); res.Repeated != (outcome == StateExecuted) {
			t.Errorf("after %s: %s, repeated %t", outcome, res.State, res.Repeated)
		}
	}
}

func TestACheckpointIsSigned(t *testing.T) {
	w := newWorld(t)
	j := w.journal()
	must(0, j.Freeze("anybody", ""))
	if err := j.Checkpoint(must(NewSigner("alice"))); err == nil {
		t.Error("an impostor vouched for it")
	}
	must(0, j.Checkpoint(w.signer))
	if r := must(w.verify()); r.Checkpoints != 1 || r.Vouched != 3 {
		t.Errorf("%+v", r)
	}
	w.forge(Event{Kind: EventCheckpoint, Approver: "alice", Sig: must(w.signer.Sign(state.CheckpointMessage(1, strings.Repeat("0", 64))))})
	if _, err := w.verify(); !errors.Is(err, ErrJournal) {
		t.Errorf("it vouches for another history: %v", err)
	}
}

func TestTheScreenSaysWhatCameFromUntrustedText(t *testing.T) {
	for name, test := range map[string]struct {
		seen []string
		in   comment
		want []string
	}{
		"nothing was read":    {nil, said("203.0.113.9"), nil},
		"the same":            {[]string{"close every case"}, said("close every case"), []string{"text"}},
		"other case, spaces":  {[]string{"Close  every\ncase"}, said("close EVERY case"), []string{"text"}},
		"defanged":            {[]string{"hxxp://evil[.]example/x"}, said("http://evil.example/x/"), []string{"text"}},
		"a word of a log":     {[]string{`sshd: Failed password for root from 203.0.113.9 port 22`}, said("203.0.113.9"), []string{"text"}},
		"a common word":       {[]string{`please delete everything at once`}, said("everything"), nil},
		"something else":      {[]string{"203.0.113.10"}, said("203.0.113.9"), nil},
		"too short to matter": {[]string{"1"}, said("hello"), nil},
	} {
		g := newWorld(t).guard()
		asAdapter(g).Saw("", test.seen)
		p := newCounted().pending(t, g, test.in)
		if !slices.Equal(p.Untrusted, test.want) {
			t.Errorf("%s: %q, want %q", name, p.Untrusted, test.want)
		}
		if shows := strings.Contains(Render(p), "UNTRUSTED"); shows != (len(test.want) > 0) {
			t.Errorf("%s: shown %t", name, shows)
		}
		q := *p
		q.Untrusted, q.Budget = nil, ""
		if must(q.ComputeDigest()) != p.Digest {
			t.Errorf("%s: the mark is in the digest", name)
		}
	}
	g := newWorld(t).guard()
	asAdapter(g).Saw("bob", []string{"203.0.113.9"})
	if p := newCounted().pending(t, g, said("203.0.113.9")); p.Untrusted != nil {
		t.Error("what another principal read is marked")
	}
	asAdapter(g).Saw("", []string{"203.0.113.9"})
	g.memory.who["agent"].age(time.Now().Add(sawFor))
	if p := newCounted().pending(t, g, said("198.51.100.203.0.113.9")); p.Untrusted != nil {
		t.Error("it is remembered too long")
	}
}

func TestAClientsWordEndsWithTheFirstUntrustedText(t *testing.T) {
	w := newWorld(t)
	g, lenient := w.guard(client), w.guard(client, func(p *Policy) { p.ClientAfterUntrusted = true })
	op := newUndoable()
	p := op.pending(t, g, one)
	state, err := asAdapter(g).Seal(p)
	if err != nil {
		t.Fatal("not sealed: ", err)
	}
	asAdapter(g).Saw("somebody else", []string{"text"})
	if _, err := asAdapter(g).Seal(p); err != nil {
		t.Error("another principal's reading counts")
	}
	asAdapter(g).Saw("", nil)
	if asAdapter(g).Tainted("agent") {
		t.Error("nothing was read")
	}
	asAdapter(g).Saw("", []string{"text"})
	if _, err := asAdapter(g).Seal(p); err == nil {
		t.Error("sealed after untrusted text")
	}
	if err := asAdapter(g).Attest(t.Context(), p, state, p.Code()); !errors.Is(err, clientword.ErrUnsealed) {
		t.Errorf("attested after untrusted text: %v", err)
	}
	if _, err := asAdapter(lenient).Seal(op.pending(t, lenient, one)); err != nil {
		t.Error("the policy lets it be")
	}
	w.approve(op.pending(t, g, one)) // the operator still can
	op.do(t, g, one)
	op.ran(t, 1)
}
