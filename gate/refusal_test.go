package gate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
)

func TestADecisionThatFitsNothingIsNotWritten(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	p := op.pending(t, w.guard(func(p *Policy) { p.Principal = "bob" }), one)
	j := w.journal()
	bob := must(NewSigner("bob"))
	must(0, w.enrol(bob.Approver()))
	must(j.Frozen())
	before := w.read()
	for name, err := range map[string]error{
		"another digest":        j.Approve(p.ID, strings.Repeat("0", 64), w.signer),
		"the code for a digest": j.Approve(p.ID, p.Code(), w.signer),
		"no key":                j.Approve(p.ID, p.Digest, nil),
		"an empty key":          j.Approve(p.ID, p.Digest, &Signer{Name: "alice"}),
		"no key to unfreeze":    j.Unfreeze(nil),
		"no such proposal":      j.Deny("P-NONE", "alice", ""),
		"no such grant":         j.Revoke("G-NONE", "alice"),
		"nothing to resolve":    j.Resolve(p.ID, StateFailed, w.signer),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	must(0, j.Unfreeze(w.signer)) // nothing is frozen, nothing tripped: nothing to sign
	must(0, j.Reset(w.signer))
	if !bytes.Equal(before, w.read()) {
		t.Error("something was written")
	}
}

// Whoever freezes may know better than what was read so far: it is written each time.
func TestEachFreezeIsWritten(t *testing.T) {
	w := newWorld(t)
	j := w.journal()
	for range 2 {
		must(0, j.Freeze("a", "drill"))
	}
	n := 0
	for _, e := range must(j.Tail(10)) {
		if e.Kind == EventFrozen {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	must(0, j.Unfreeze(w.signer))
	if must(w.journal().Frozen()) {
		t.Error("one unfreezing doesn't end it")
	}
}

func TestWhoAskedCannotResolve(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	op.fail = ErrOutcomeUnknown
	g := w.guard(host, func(p *Policy) { p.Principal = "Alice" })
	in := one
	if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	p := must(w.journal().Tail(1))[0]
	if err := w.journal().Resolve(p.ID, StateFailed, w.signer); err == nil || !strings.Contains(err.Error(), "asked for it") {
		t.Errorf("%v", err)
	}
	for _, outcome := range []State{StatePending, StateApproved, StateUnknown, ""} {
		bob := must(NewSigner("bob"))
		if err := w.journal().Resolve(p.ID, outcome, bob); err == nil {
			t.Errorf("resolved as %q", outcome)
		}
	}
}

func TestAPolicyThatCannotBeKeptIsRefused(t *testing.T) {
	for name, p := range map[string]Policy{
		"an approval": {Approval: "nobody"}, "destructive by a client": {Destructive: ApprovalClient}, "a tier": {Max: 9}, "a negative quorum": {Quorum: Quorum{Write: -1}},
		"nine persons": {Quorum: Quorum{Destructive: 9}}, "two persons by a client": {Approval: ApprovalClient, Quorum: Quorum{Write: 2}},
		"two days": {TTL: 48 * time.Hour}, "a negative retention": {Retention: -time.Hour}, "a short retention": {Retention: time.Hour},
		"everything protected": {Protected: []string{"*"}},
	} {
		p.Dir = t.TempDir()
		if _, err := New(p); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for _, bad := range []string{`{"approvers": {"read": 2}}`, `{"budgets": {"pending": 200000}}`, `{"protected": [{"a": 1, "a": 2}]}`} {
		if p, err := parsePolicy([]byte(bad)); err == nil {
			t.Errorf("%s is %+v", bad, p)
		}
	}
	if _, err := LoadPolicy(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	large := filepath.Join(t.TempDir(), "p")
	must(0, os.WriteFile(large, append([]byte("{}"), bytes.Repeat([]byte(" "), maxPolicy)...), 0o600))
	if _, err := LoadPolicy(large); err == nil {
		t.Error("a policy of a megabyte")
	}
}

func TestAVariableThatIsNearlyASettingStopsTheStart(t *testing.T) {
	for _, name := range []string{"SALLYPORT_APPROVALS", "sallyport_approval", "SALLYPORT_APPROVE"} {
		if _, err := policyFrom([]string{name + "=host"}); err == nil {
			t.Errorf("%s was passed over", name)
		}
	}
	if _, err := policyFrom([]string{"SALLYPORT_PORT=tcp://192.0.2.20:80", "SALLYPORT_SERVICE_HOST=192.0.2.20", "SALLYPORT_CHART_VERSION=1"}); err != nil {
		t.Errorf("a Service of that name: %v", err)
	}
}

func TestEachTierHasItsOwnQuorum(t *testing.T) {
	for _, q := range []Quorum{{Write: 1, Destructive: 2}, {Write: 2, Destructive: 1}} {
		g := newWorld(t).guard(func(p *Policy) { p.Quorum = q })
		in := one
		w := must(Write("w", nothing, "W.").Do(t.Context(), g, &in)).Proposal
		d := must(Destructive("d", nothing, "D.").Do(t.Context(), g, &in)).Proposal
		if max(1, w.Needs) != q.Write || max(1, d.Needs) != q.Destructive {
			t.Errorf("%+v: a write needs %d, a destructive operation %d", q, w.Needs, d.Needs)
		}
	}
}

func TestTheBudgetOfOneIsNotUsedByAnother(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard(func(p *Policy) { p.Budget = Budget{Pending: 2, Proposals: 2} })
	ask := func(who, what string) error {
		in := comment{Case: what}
		_, err := op.Do(WithPrincipal(t.Context(), who), g, &in)
		return err
	}
	for i := range 2 {
		must(0, ask("mallory", fmt.Sprint(i)))
	}
	if err := ask("mallory", "x"); reason(err) != ReasonPending {
		t.Errorf("%v", err)
	}
	must(0, ask("agent", "x"))
}

// One thing is made once, whatever has become of the call that asked for it first.
func TestATwinIsRefusedInEveryStateThatMayMakeIt(t *testing.T) {
	op := func(name string, err error) *counted {
		c := newCounted()
		c.fail, c.name = err, name
		c.key = func(any) string { return "case of alert 1" }
		return c
	}
	for name, test := range map[string]struct {
		fail    error
		prepare func(*world, *Guard, *Proposal, *counted)
		want    Reason
	}{
		"approved": {nil, func(w *world, _ *Guard, p *Proposal, _ *counted) { w.approve(p) }, ReasonDuplicate},
		"running": {nil, func(w *world, _ *Guard, p *Proposal, _ *counted) {
			w.approve(p)
			w.forge(Event{Kind: EventConsumed, ID: p.ID})
		}, ReasonDuplicate},
		"unknown": {ErrOutcomeUnknown, func(w *world, g *Guard, p *Proposal, op *counted) {
			w.approve(p)
			in := one
			op.Do(w.t.Context(), g, &in)
		}, ReasonDuplicate},
		"executed": {nil, func(w *world, g *Guard, p *Proposal, op *counted) { w.approve(p); op.do(w.t, g, one) }, ReasonDuplicate},
		"failed": {errors.New("no"), func(w *world, g *Guard, p *Proposal, op *counted) {
			w.approve(p)
			in := one
			op.Do(w.t.Context(), g, &in)
		}, ""},
		"denied": {nil, func(w *world, _ *Guard, p *Proposal, _ *counted) { must(0, w.journal().Deny(p.ID, "alice", "")) }, ""},
	} {
		w := newWorld(t)
		g := w.guard()
		first, second := op("first", test.fail), op("second", nil)
		p := first.pending(t, g, one)
		test.prepare(w, g, p, first)
		in := one
		if _, err := second.Do(t.Context(), g, &in); reason(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A signature isn't enough: a standing approval must be within its limits too.
func TestASignedGrantBeyondItsLimitsGrantsNothing(t *testing.T) {
	w := newWorld(t)
	op := onCase(Write[comment, string])
	p := op.pending(t, w.guard(), one)
	good := Grant{ID: "G-1", Op: p.Op, Upstream: p.Upstream, Principal: p.Principal, Kind: "case", Target: "1", Max: 1, Expires: w.now().Add(time.Hour).Truncate(time.Second)}
	put := func(id string, g Grant) int {
		w.forge(Event{Kind: EventGranted, ID: id, Grant: &g, Approver: "alice", Sig: must(w.signer.Sign(g.Message()))})
		return len(must(w.journal().Grants()))
	}
	for name, change := range map[string]func(*Grant){
		"no call": func(g *Grant) { g.Max = 0 }, "fewer than none": func(g *Grant) { g.Max = -1 }, "a thousand calls": func(g *Grant) { g.Max = 1000 },
		"two days": func(g *Grant) { g.Expires = g.Expires.Add(48 * time.Hour) }, "no operation": func(g *Grant) { g.Op = "" },
		"no target": func(g *Grant) { g.Target = "" }, "for the approver": func(g *Grant) { g.Principal = "ALICE" },
	} {
		g := good
		change(&g)
		if n := put(g.ID, g); n != 0 {
			t.Errorf("%s was granted", name)
		}
	}
	if put("G-2", good) != 0 {
		t.Error("a grant under another id")
	}
	if put(good.ID, good) != 1 {
		t.Error("what is within its limits isn't taken")
	}
	j := w.journal()
	for name, err := range map[string]error{
		"no call": second(j.Grant(p.ID, 0, time.Hour, w.signer)), "a thousand": second(j.Grant(p.ID, 1000, time.Hour, w.signer)),
		"a second": second(j.Grant(p.ID, 1, time.Second, w.signer)), "two days": second(j.Grant(p.ID, 1, 48*time.Hour, w.signer)),
	} {
		if err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%s: %v", name, err)
		}
	}
	nameless := onCase(Write[comment, string])
	q := nameless.pending(t, w.guard(), comment{})
	if _, err := j.Grant(q.ID, 1, time.Hour, w.signer); err == nil || !strings.Contains(err.Error(), "exactly one") {
		t.Errorf("a target without an id: %v", err)
	}
	must(0, j.Revoke(good.ID, "alice"))
	before := w.read()
	must(0, j.Revoke(good.ID, "alice"))
	if !bytes.Equal(before, w.read()) {
		t.Error("what is revoked was revoked again")
	}
}

func second[T any](_ T, err error) error { return err }

func TestAGrantEndsWithItsApprover(t *testing.T) {
	w := newWorld(t)
	op := onCase(Write[comment, string])
	g := w.guard()
	j := must(g.Journal())
	must(j.Grant(op.pending(t, g, one).ID, 5, time.Hour, w.signer))
	must(0, os.Remove(filepath.Join(w.folder(), approversFile)))
	must(0, w.enrol(must(NewSigner("bob")).Approver()))
	if list := must(j.Grants()); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	op.pending(t, g, said("more"))
	op.ran(t, 0)
}

func TestOnlyWhatIsPendingIsSealed(t *testing.T) {
	w := newWorld(t)
	g := w.guard(client)
	p := newCounted().pending(t, g, one)
	for _, s := range []State{StateApproved, StateDenied, StateExpired, StateStale, StateRunning, StateExecuted, StateUnknown} {
		q := *p
		q.State = s
		if _, err := asAdapter(g).Seal(&q); err == nil {
			t.Errorf("what is %s was sealed", s)
		}
	}
}

func TestWhatIsNoSegmentIsNotReadAsOne(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	op.pending(t, w.guard(), one)
	must(0, os.WriteFile(filepath.Join(w.folder(), segmentName(7)+".old"), []byte("x"), 0o600))
	must(0, os.Mkdir(filepath.Join(w.folder(), segmentName(8)), 0o700))
	must(w.journal().Frozen())
	must(w.verify())
	for _, name := range []string{"journal-0.jsonl", "journal-x.jsonl"} {
		file := filepath.Join(w.folder(), name)
		must(0, os.WriteFile(file, nil, 0o600))
		if _, err := w.journal().Frozen(); !errors.Is(err, ErrJournal) {
			t.Errorf("%s: %v", name, err)
		}
		must(0, os.Remove(file))
	}
	// A segment that is a link is none: what it held is missing.
	must(0, w.journal().Rotate(0))
	must(0, w.journal().Rotate(0))
	list := must(closed(w.folder()))
	last := list[len(list)-1].Name
	must(0, os.Rename(last, filepath.Join(w.folder(), "aside")))
	must(0, os.Symlink(filepath.Join(w.folder(), "aside"), last))
	if n := len(must(closed(w.folder()))); n != len(list)-1 {
		t.Errorf("%d segments", n)
	}
}

func TestAMissingSegmentIsNamed(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	newCounted().pending(t, w.guard(), one)
	for range 3 {
		must(0, w.journal().Rotate(0))
	}
	list := must(closed(w.folder()))
	must(0, os.Remove(list[1].Name))
	for name, err := range map[string]error{"live": second(w.journal().Frozen()), "offline": second(w.verify())} {
		if err == nil || !strings.Contains(err.Error(), filepath.Base(list[1].Name)+" is missing") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARotationOverwritesNothing(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	j := w.journal()
	newCounted().pending(t, w.guard(), one)
	must(j.Frozen())
	other := filepath.Join(w.folder(), segmentName(1))
	must(0, os.WriteFile(other, []byte("not ours"), 0o600))
	if err := j.Rotate(0); !errors.Is(err, ErrJournal) {
		t.Errorf("%v", err)
	}
	if string(must(os.ReadFile(other))) != "not ours" {
		t.Error("it was overwritten")
	}
	must(0, os.Remove(other))
	must(0, os.Link(w.file(), other)) // as a rotation that died half-way leaves it
	must(0, os.WriteFile(filepath.Join(w.folder(), nextFile), []byte("half"), 0o600))
	must(0, j.Rotate(0))
	must(w.verify())
}

func TestWithoutARetentionNothingIsDeleted(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	op.do(t, w.guard(host), one)
	must(0, w.journal().Rotate(0))
	w.sleep(365 * 24 * time.Hour)
	must(0, w.journal().Rotate(0))
	if list := must(closed(w.folder())); len(list) != 2 || list[0].First != 1 {
		t.Errorf("%+v", list)
	}
}

func TestOnlyAnEd25519KeySigns(t *testing.T) {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	if s, err := SignerFrom("alice", nil); err == nil {
		t.Errorf("no key: %v", s)
	}
	if s, err := SignerFrom("alice", other); err == nil {
		t.Errorf("another kind of key: %v", s)
	}
	if s, err := SignerFrom("two words", ed25519.NewKeyFromSeed(make([]byte, 32))); err == nil {
		t.Errorf("no name: %v", s)
	}
	held := must(SignerFrom("alice", ed25519.NewKeyFromSeed(make([]byte, 32))))
	if err := held.Save(filepath.Join(t.TempDir(), "k")); err == nil {
		t.Error("a key that is held elsewhere was saved")
	}
	der := must(x509.MarshalPKCS8PrivateKey(other))
	mine := must(x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, 32))))
	for name, block := range map[string]*pem.Block{
		"another kind of key": {Type: "PRIVATE KEY", Headers: map[string]string{"Approver": "alice"}, Bytes: der},
		"another type":        {Type: "EC PRIVATE KEY", Headers: map[string]string{"Approver": "alice"}, Bytes: mine},
		"no name":             {Type: "PRIVATE KEY", Bytes: mine},
		"a client's name":     {Type: "PRIVATE KEY", Headers: map[string]string{"Approver": clientName}, Bytes: mine},
	} {
		file := filepath.Join(t.TempDir(), "k")
		must(0, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
		if s, err := LoadSigner(file); err == nil {
			t.Errorf("%s was loaded: %v", name, s)
		}
	}
	if _, err := LoadSigner(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

func TestANameIsEnrolledOnce(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.folder(), approversFile)
	before := must(os.ReadFile(file))
	if err := w.enrol(Approver{Name: "alice", Key: must(NewSigner("alice")).Approver().Key}); err == nil {
		t.Error("a name was enrolled again with another key")
	}
	if !bytes.Equal(before, must(os.ReadFile(file))) {
		t.Error("the list was changed")
	}
	if runtime.GOOS == "windows" {
		return
	}
	must(0, os.Rename(file, file+".x"))
	must(0, os.Symlink(file+".x", file))
	if _, err := Approvers(w.folder()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a link: %v", err)
	}
}

func TestAnAnchorThatCannotBeReadIsNone(t *testing.T) {
	gone := errors.New("gone")
	if a, err := ReadAnchors(io.MultiReader(strings.NewReader("x\n"), iotest.ErrReader(gone))); !errors.Is(err, gone) {
		t.Errorf("%v, %v", a, err)
	}
	if _, err := ReadAnchors(strings.NewReader(strings.Repeat("x", maxEvent+2))); err == nil {
		t.Error("a line without an end")
	}
	line := `{"seq":1,"hash":"a"}` + "\n"
	if a, err := ReadAnchors(strings.NewReader(line + line + `{"seq":0,"hash":"b"} {"seq":2}` + "\n")); err != nil || len(a.Events) != 1 || a.Events[1] != "a" {
		t.Errorf("what is said twice: %v, %v", a, err)
	}
	if _, err := ReadAnchors(strings.NewReader(line + `{"seq":1,"hash":"b"}`)); err == nil {
		t.Error("two histories")
	}
}

func TestWhoIsStruckOffVouchesForNothingMore(t *testing.T) {
	w := newWorld(t)
	newCounted().pending(t, w.guard(), one)
	must(0, w.journal().Checkpoint(w.signer))
	must(0, os.Remove(filepath.Join(w.folder(), approversFile)))
	j := w.journal()
	must(j.Frozen())
	if err := j.Checkpoint(w.signer); err == nil {
		t.Error("who was struck off vouched for it")
	}
	head := must(j.Tail(1))[0]
	w.forge(Event{Kind: EventCheckpoint, Approver: "alice", Sig: must(w.signer.Sign(state.CheckpointMessage(head.Seq, head.Hash)))})
	if r := must(w.verify()); r.Checkpoints != 1 || r.Vouched != 3 { // what she signed in her time counts
		t.Errorf("%+v", r)
	}
}

// What an agent can make the gate remember has an end.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	op := newCounted()
	for i := range maxReceipts + 20 {
		op.do(t, g, comment{Case: fmt.Sprint(i)})
	}
	if n := len(g.receipts); n > maxReceipts {
		t.Errorf("%d receipts", n)
	}
	var values []string
	for i := range maxSaw + 100 {
		values = append(values, fmt.Sprint("value ", i))
	}
	asAdapter(g).Saw("", values)
	if n := len(g.memory.who["agent"].new); n > maxSaw {
		t.Errorf("%d values", n)
	}
	type many struct{ List []string }
	in := must(json.Marshal(many{values[:100]}))
	if marks := g.memory.marks("agent", in); len(marks) != maxMarked {
		t.Errorf("%d marks", len(marks))
	}
}
