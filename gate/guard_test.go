package gate

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/internal/clientword"
)

// asAdapter is a guard as the adapter has it.
func asAdapter(g *Guard) word { return word{g} }

func point(t Tier) Endpoint {
	return Endpoint{System: "hive", ID: "x", Method: "POST", Path: "/x", Tier: t}
}

// reason returns why the gate refused, or "" if it didn't.
func reason(err error) Reason {
	var r *RefusedError
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func (c *counted) refused(t *testing.T, g *Guard, in comment, want Reason) {
	t.Helper()
	if res, err := c.Do(t.Context(), g, &in); reason(err) != want {
		t.Fatalf("%+v, %v; want a refusal: %s", res, err, want)
	}
}

func TestTheZeroPolicyDeniesEverything(t *testing.T) {
	g := must(New(Policy{Dir: t.TempDir()}))
	in := one
	for _, tier := range []Tier{TierRead, TierWrite, TierDestructive} {
		op := newOperation(tier, "x", func(context.Context, comment) (int, error) { t.Error("it ran"); return 0, nil }, "X.", nil)
		if _, err := op.Do(t.Context(), g, &in); reason(err) != ReasonTier {
			t.Errorf("%s: %v", tier, err)
		}
		if err := g.Admit(t.Context(), point(tier)); reason(err) == "" {
			t.Errorf("%s request admitted: %v", tier, err)
		}
		var zero Guard
		if err := zero.Admit(t.Context(), point(tier)); !errors.Is(err, ErrRefused) {
			t.Errorf("the zero guard: %v", err)
		}
		var none *Guard
		if err := none.Admit(t.Context(), point(tier)); reason(err) != ReasonUnguarded {
			t.Errorf("no guard: %v", err)
		}
		if _, err := op.Do(t.Context(), nil, &in); reason(err) != ReasonUnguarded {
			t.Errorf("an operation without a guard: %v", err)
		}
	}
}

func TestThePolicyStopsAboveItsTier(t *testing.T) {
	in := one
	for _, top := range []Tier{TierRead, TierWrite, TierDestructive} {
		g := newWorld(t).guard(host, func(p *Policy) { p.Max = top })
		for _, tier := range []Tier{TierRead, TierWrite, TierDestructive} {
			op := newOperation(tier, "x", func(context.Context, comment) (int, error) { return 0, nil }, "X.", nil)
			if _, err := op.Do(t.Context(), g, &in); (reason(err) == ReasonTier) != (tier > top) {
				t.Errorf("policy %s, operation %s: %v", top, tier, err)
			}
		}
	}
}

func TestARequestWithoutAPermitIsNotSent(t *testing.T) {
	g := newWorld(t).guard(host)
	for _, e := range []Endpoint{point(TierWrite), point(TierDestructive), {}, point(77)} {
		if err := g.Admit(t.Context(), e); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", e.Tier, err)
		}
	}
	if err := g.Admit(t.Context(), point(TierRead)); err != nil {
		t.Error(err)
	}
}

func TestAPermitCovers(t *testing.T) {
	w := newWorld(t)
	g, other := w.guard(host), newWorld(t).guard(host)
	var leaked []context.Context
	run := func(op Op, in any) error {
		_, err := op.Do(t.Context(), g, in)
		return err
	}
	admits := func(g *Guard, tier Tier, want Reason) func(context.Context, comment) (int, error) {
		return func(ctx context.Context, _ comment) (int, error) {
			leaked = append(leaked, ctx)
			if got := reason(g.Admit(ctx, point(tier))); got != want {
				t.Errorf("%s request: %q, want %q", tier, got, want)
			}
			return 0, nil
		}
	}
	for name, op := range map[string]Op{
		"a write":                      Write("a", admits(g, TierWrite, ""), "A."),
		"a read":                       Write("b", admits(g, TierRead, ""), "A."),
		"no more than its tier":        Write("c", admits(g, TierDestructive, ReasonNoPermit), "A."),
		"less than its tier":           Destructive("d", admits(g, TierWrite, ""), "A."),
		"its own tier":                 Destructive("e", admits(g, TierDestructive, ""), "A."),
		"no request of another guard":  Write("f", admits(other, TierWrite, ReasonNoPermit), "A."),
		"no undeclared endpoint":       Destructive("g", admits(g, 0, ReasonTier), "A."),
		"nothing in a call that reads": Write("h", admits(g, TierWrite, ReasonNoPermit), "A.").ReadWhen(func(comment) bool { return true }),
		"nothing in a declared read":   Read("i", admits(g, TierWrite, ReasonNoPermit), "A."),
		"nothing in a plan": Write("j", admits(g, TierWrite, ""), "A.").Plan(func(ctx context.Context, in comment) (Plan, error) {
			_, err := admits(g, TierWrite, ReasonNoPermit)(ctx, in)
			return Plan{}, err
		}),
		"nothing in a read inside a write": Write("k", func(ctx context.Context, in comment) (int, error) {
			return Wrap(g, Read("k2", admits(g, TierWrite, ReasonNoPermit), "A."))(ctx, in)
		}, "A."),
		"only itself in a write in a write": Destructive("l", func(ctx context.Context, in comment) (int, error) {
			return Wrap(g, Write("l2", admits(g, TierDestructive, ReasonNoPermit), "A."))(ctx, in)
		}, "A."),
		"nothing in the plan of a nested one": Destructive("m", func(ctx context.Context, in comment) (int, error) {
			return Wrap(g, Write("m2", admits(g, TierWrite, ""), "A.").Plan(func(ctx context.Context, in comment) (Plan, error) {
				_, err := admits(g, TierWrite, ReasonNoPermit)(ctx, in)
				return Plan{}, err
			}))(ctx, in)
		}, "A."),
	} {
		t.Run(name, func(t *testing.T) {
			in := one
			if err := run(op, &in); err != nil {
				t.Error(err)
			}
		})
	}
	for _, ctx := range leaked {
		if err := g.Admit(ctx, point(TierWrite)); reason(err) != ReasonNoPermit {
			t.Errorf("a permit outlived its execution: %v", err)
		}
		nested := Wrap(g, Read("z", func(ctx context.Context, _ comment) (int, error) { return 0, g.Admit(ctx, point(TierWrite)) }, "Z."))
		if _, err := nested(ctx, one); reason(err) != ReasonNoPermit {
			t.Errorf("a leaked context opened another call: %v", err)
		}
	}
}

func TestANestedWriteNeedsItsOwnApproval(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	inner := newCounted()
	outer := Destructive("outer", func(ctx context.Context, in comment) (string, error) { return Wrap(g, inner.Operation)(ctx, in) }, "Outer.")
	in := one
	w.approve(must(outer.Do(t.Context(), g, &in)).Proposal)
	if _, err := outer.Do(t.Context(), g, &in); !errors.Is(err, ErrPending) {
		t.Errorf("%v", err)
	}
	inner.ran(t, 0)
}

func TestAPermitEndsWithAPanicAndTheOutcomeIsUnknown(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	var leaked context.Context
	op := Write("x", func(ctx context.Context, _ comment) (int, error) { leaked = ctx; panic("boom") }, "X.")
	in := one
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = op.Do(t.Context(), g, &in)
	}()
	if err := g.Admit(leaked, point(TierWrite)); reason(err) != ReasonNoPermit {
		t.Error(err)
	}
	res := must(op.Do(t.Context(), g, &in))
	if res.State != StatePending || !strings.Contains(res.Note, "unknown outcome") {
		t.Errorf("after a panic: %s, %q", res.State, res.Note)
	}
}

func TestAPermitEndsWhenItsExecutionCountsAsLost(t *testing.T) {
	g := newWorld(t).guard()
	p := &permit{guard: g, tier: TierWrite, until: time.Now().Add(-time.Second)}
	if err := g.Admit(context.WithValue(t.Context(), permitKey{}, p), point(TierWrite)); reason(err) != ReasonNoPermit {
		t.Error(err)
	}
}

type locked struct {
	Confirmation
	Hard        bool `json:"hard,omitempty"`
	ConfirmHard bool `json:"confirm_hard,omitempty"`
	Secret      bool `json:"secret,omitempty"`
	Dry         bool `json:"dry,omitempty"`
}

func (l locked) ConfirmedHard() (hard, confirmed bool) { return l.Hard, l.ConfirmHard }
func (l locked) WantsSensitive() bool                  { return l.Secret }

func TestEveryLock(t *testing.T) {
	yes := Confirmation{Confirm: true}
	nop := func(context.Context, locked) (int, error) { return 0, nil }
	const sw = "HIVE_ALLOW"
	destructive := func(opts ...Option) func() *Operation[locked, int] {
		return func() *Operation[locked, int] { return Destructive("x", nop, "X.", opts...) }
	}
	read := func(opts ...Option) func() *Operation[locked, int] {
		return func() *Operation[locked, int] { return Read("x", nop, "X.", opts...) }
	}
	hard := destructive(ConfirmOrEnv(sw), ConfirmHard())
	cleanup := func() *Operation[locked, int] {
		return Destructive("x", nop, "X.", Confirm()).ReadWhen(func(in locked) bool { return in.Dry })
	}
	keyed := func() *Operation[locked, int] {
		return Write("x", nop, "X.", EnvSet("HIVE_KEY"), Confirm()).ReadWhen(func(in locked) bool { return in.Dry })
	}
	unasked := func() *Operation[locked, int] {
		return Write("x", nop, "X.", Leaves).RunWhen(func(in locked) bool { return !in.Hard })
	}
	for _, test := range []struct {
		name string
		op   func() *Operation[locked, int]
		env  string // of the switch
		in   locked
		want string // a state, or the reason for a refusal
	}{
		{"no lock", destructive(), "", locked{}, "pending"},
		{"env, unset", destructive(Env(sw)), "", locked{}, "switched_off"},
		{"env, off", destructive(Env(sw)), "false", locked{}, "switched_off"},
		{"env, unclear", destructive(Env(sw)), "maybe", locked{}, "switched_off"},
		{"env, on", destructive(Env(sw)), " True ", locked{}, "pending"},
		{"env on a read, off", read(Env(sw)), "", locked{}, "switched_off"},
		{"env on a read, on", read(Env(sw)), "1", locked{}, "read"},
		{"env and confirm, no env", destructive(Env(sw), Confirm()), "", locked{Confirmation: yes}, "switched_off"},
		{"env and confirm, no confirm", destructive(Env(sw), Confirm()), "1", locked{}, "unconfirmed"},
		{"env and confirm, both", destructive(Env(sw), Confirm()), "1", locked{Confirmation: yes}, "pending"},
		{"envset, unset", destructive(EnvSet(sw)), "", locked{}, "not_available"},
		{"envset, set", destructive(EnvSet(sw)), "0", locked{}, "pending"},
		{"sensitive, not asked for", read(EnvIfSensitive(sw)), "", locked{}, "read"},
		{"sensitive, off", read(EnvIfSensitive(sw)), "no", locked{Secret: true}, "switched_off"},
		{"sensitive, on", read(EnvIfSensitive(sw)), "on", locked{Secret: true}, "read"},
		{"confirm, no", destructive(Confirm()), "1", locked{}, "unconfirmed"},
		{"confirm, yes", destructive(Confirm()), "", locked{Confirmation: yes}, "pending"},
		{"confirm or env, neither", destructive(ConfirmOrEnv(sw)), "", locked{}, "unconfirmed"},
		{"confirm or env, confirm", destructive(ConfirmOrEnv(sw)), "", locked{Confirmation: yes}, "pending"},
		{"confirm or env, env", destructive(ConfirmOrEnv(sw)), "1", locked{}, "executed"},
		{"hard, env but no hard confirmation", hard, "1", locked{Hard: true}, "unconfirmed"},
		{"hard, hard confirmation but neither env nor confirm", hard, "", locked{Hard: true, ConfirmHard: true}, "unconfirmed"},
		{"hard, env and hard confirmation", hard, "1", locked{Hard: true, ConfirmHard: true}, "pending"},
		{"hard, all confirmed", hard, "", locked{Confirmation: yes, Hard: true, ConfirmHard: true}, "pending"},
		{"soft where hard is possible, env", hard, "1", locked{}, "executed"},
		{"soft where hard is possible, confirm", hard, "", locked{Confirmation: yes}, "pending"},
		{"dry run, neither", destructive(DryRunUnless(sw)), "", locked{}, "dry_run"},
		{"dry run, confirm", destructive(DryRunUnless(sw)), "", locked{Confirmation: yes}, "pending"},
		{"dry run, env", destructive(DryRunUnless(sw)), "yes", locked{}, "executed"},
		{"dry run behind a closed env", destructive(DryRunUnless("OTHER"), Env(sw)), "", locked{}, "switched_off"},
		{"read when dry", cleanup, "", locked{Dry: true}, "read"},
		{"not dry, unconfirmed", cleanup, "", locked{}, "unconfirmed"},
		{"not dry, confirmed", cleanup, "", locked{Confirmation: yes}, "pending"},
		{"read when dry doesn't open a switch", keyed, "", locked{Dry: true}, "not_available"},
		{"run when harmless", unasked, "", locked{}, "executed"},
		{"not run when harmful", unasked, "", locked{Hard: true}, "pending"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newWorld(t).guard(func(p *Policy) {
				p.Getenv = func(name string) string {
					if name == sw {
						return test.env
					}
					return ""
				}
			})
			res, err := test.op().Do(t.Context(), g, &test.in)
			got := string(reason(err))
			if err == nil {
				got = string(res.State)
			}
			if got != test.want {
				t.Errorf("%s (%v), want %s", got, err, test.want)
			}
		})
	}
}

func TestALockMustFitItsInput(t *testing.T) {
	for name, declare := range map[string]func(){
		"confirm":       func() { Write("x", nothing, "X.", Confirm()) },
		"confirm hard":  func() { Write("x", nothing, "X.", ConfirmHard()) },
		"sensitive":     func() { Read("x", nothing, "X.", EnvIfSensitive("A")) },
		"dry run":       func() { Write("x", nothing, "X.", DryRunUnless("A")) },
		"no name":       func() { Write("", nothing, "X.") },
		"no doc":        func() { Write("x", nothing, "") },
		"no function":   func() { Write[comment, int]("x", nil, "X.") },
		"not a struct":  func() { Write("x", func(context.Context, string) (int, error) { return 0, nil }, "X.") },
		"hidden field":  func() { Write("x", func(context.Context, hidden) (int, error) { return 0, nil }, "X.") },
		"skipped field": func() { Write("x", func(context.Context, skipped) (int, error) { return 0, nil }, "X.") },
		"nested hidden": func() { Write("x", func(context.Context, nested) (int, error) { return 0, nil }, "X.") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			declare()
		}()
	}
	Read("x", func(context.Context, hidden) (int, error) { return 0, nil }, "A read is nobody's to approve.")
	Write("x", func(context.Context, struct {
		Addr netip.Addr
		At   time.Time
		Loop *recursive
	}) (int, error) {
		return 0, nil
	}, "Types with their own encoding are fine.")
}

type (
	hidden  struct{ id string } //lint:ignore U1000 a field that JSON does not see is what is tested
	skipped struct {
		ID string `json:"-"`
	}
	nested    struct{ List []map[string]*hidden }
	recursive struct{ Next *recursive }
)

func nothing(context.Context, comment) (int, error) { return 0, nil }

func TestARefusalNeverTeachesTheWayIn(t *testing.T) {
	teach := regexp.MustCompile(`[A-Z]{2,}_|(?i)\benv|confirm\s*[:=]|\bflag|-code|--|sallyport_|gate approve|unfreeze|=\s*true`)
	var log strings.Builder
	w := newWorld(t)
	g := w.guard(func(p *Policy) { p.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	nop := func(context.Context, locked) (int, error) { return 0, nil }
	var texts []string
	for _, lock := range []Option{Env("HIVE_ALLOW"), EnvSet("HIVE_KEY"), EnvIfSensitive("HIVE_SECRET"), Confirm(), ConfirmOrEnv("HIVE_ALLOW"), ConfirmHard()} {
		_, err := Write("hive_x", nop, "X.", lock).Do(t.Context(), g, &locked{Secret: true, Hard: true})
		if !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
		texts = append(texts, err.Error())
	}
	for _, r := range []Reason{ReasonOff, ReasonUnconfirmed, ReasonTier, ReasonFrozen, ReasonDenied, ReasonInFlight, ReasonNoPermit, ReasonUnguarded,
		ReasonJournal, ReasonTooLarge, ReasonNotAvailable, ReasonBudget, ReasonPending, ReasonBreaker, ReasonProtected, ReasonDuplicate} {
		if text := (&RefusedError{Reason: r}).Error(); strings.HasSuffix(text, ": ") {
			t.Errorf("%s has no text", r)
		}
		texts = append(texts, (&RefusedError{Op: "hive_x", Reason: r, Lock: "env HIVE_ALLOW", Err: errors.New("/home/SECRET_DIR")}).Error())
	}
	op := newCounted()
	p := op.pending(t, g, one)
	texts = append(texts, (&PendingError{Proposal: p}).Error(), (&DryRunError{Op: "x"}).Error(), clientword.ErrUnsealed.Error())
	for _, text := range texts {
		if m := teach.FindString(text); m != "" {
			t.Errorf("%q says %q", text, m)
		}
	}
	for _, name := range []string{"HIVE_ALLOW", "HIVE_KEY", "HIVE_SECRET", "confirmHard"} {
		if !strings.Contains(log.String(), name) {
			t.Errorf("the operator's log doesn't name %s", name)
		}
	}
	if strings.Contains(log.String(), "<nil>") {
		t.Error("the operator's log names what there isn't")
	}
}

func TestAnOperationOfAnotherOrNoGuardIsRefused(t *testing.T) {
	g, other := newWorld(t).guard(host), newWorld(t).guard(host)
	for name, bound := range map[string]*Guard{"another": other, "none": nil} {
		op := newCounted()
		On(bound, "https://hive", op)
		op.refused(t, g, one, ReasonUnguarded)
		if _, err := Wrap(g, op.Operation)(t.Context(), one); reason(err) != ReasonUnguarded {
			t.Errorf("%s: %v", name, err)
		}
		op.ran(t, 0)
	}
	op := newCounted()
	On(g, "https://hive as key 1", op)
	if res := op.do(t, g, one); res.Proposal.Upstream != "https://hive as key 1" {
		t.Errorf("upstream %q", res.Proposal.Upstream)
	}
}

func TestAnApprovalIsForExactlyOneCall(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	type in struct {
		Case string   `json:"case"`
		Tags []string `json:"tags,omitempty"`
	}
	var got []in
	tag := func(_ context.Context, in in) (int, error) { got = append(got, in); return 0, nil }
	op := Write("tag", tag, "Tag.")
	first := in{Case: "1", Tags: []string{"a", "b"}}
	approved := must(op.Do(t.Context(), g, &first)).Proposal
	w.approve(approved)
	ctx := t.Context()
	other := Write("tag2", tag, "Tag.")
	moved := Write("tag", tag, "Tag.")
	On(g, "https://elsewhere", moved)
	for name, call := range map[string]func() (*Result, error){
		"other arguments":   func() (*Result, error) { return op.Do(ctx, g, &in{Case: "2", Tags: []string{"a", "b"}}) },
		"a moved boundary":  func() (*Result, error) { return op.Do(ctx, g, &in{Case: "1", Tags: []string{"ab"}}) },
		"fewer arguments":   func() (*Result, error) { return op.Do(ctx, g, &in{Case: "1"}) },
		"another operation": func() (*Result, error) { return other.Do(ctx, g, &first) },
		"another tier": func() (*Result, error) {
			return Destructive("tag", tag, "Tag.").Do(ctx, g, &first)
		},
		"another principal": func() (*Result, error) { return op.Do(WithPrincipal(ctx, "bob"), g, &first) },
		"another upstream":  func() (*Result, error) { return moved.Do(ctx, g, &first) },
		"another policy": func() (*Result, error) {
			return op.Do(ctx, w.guard(func(p *Policy) { p.Max = TierWrite }), &in{Case: "1", Tags: []string{"a", "b"}})
		},
	} {
		res, err := call()
		if name == "another upstream" && reason(err) == ReasonUnguarded {
			t.Fatal(err)
		}
		if err != nil || res.State != StatePending || res.Proposal.ID == approved.ID {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	if len(got) > 0 {
		t.Fatalf("ran: %v", got)
	}
	must(op.Do(WithClaim(ctx, "another claim"), g, &first))
	if diff := cmp.Diff([]in{{Case: "1", Tags: []string{"a", "b"}}}, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestWhatRunsIsWhatTheDigestCovers(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	type in struct {
		Tags []string `json:"tags,omitempty"`
	}
	var ran []in
	op := Write("set_tags", func(_ context.Context, in in) (int, error) { ran = append(ran, in); return 0, nil }, "Set tags.")
	w.approve(must(op.Do(t.Context(), g, &in{})).Proposal)
	must(op.Do(t.Context(), g, &in{Tags: []string{}})) // same encoding: must not mean something else
	if diff := cmp.Diff([]in{{}}, ran); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	op.Plan(func(_ context.Context, in in) (Plan, error) { in.Tags[0] = "evil"; return Plan{Summary: "Set."}, nil })
	if _, err := op.Do(t.Context(), w.guard(host), &in{Tags: []string{"a"}}); err == nil || len(ran) > 1 {
		t.Errorf("a plan that changes the input: %v, ran %v", err, ran)
	}
}

func TestATargetThatChangesMakesTheApprovalStale(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	op := newCounted()
	title := "Phishing"
	op.Plan(func(_ context.Context, in comment) (Plan, error) {
		return Plan{Summary: "Add.", Targets: []Target{{Kind: "case", ID: in.Case, Name: title}}}, nil
	})
	p := op.pending(t, g, one)
	w.approve(p)
	title = "Ransomware"
	res := op.do(t, g, one)
	if res.State != StatePending || res.Proposal.ID == p.ID || !strings.Contains(res.Note, p.ID) {
		t.Errorf("%s %s %q", res.State, res.Proposal.ID, res.Note)
	}
	old := must(w.journal().Proposal(p.ID))
	if old.State != StateStale {
		t.Errorf("the old proposal is %s", old.State)
	}
	title = "Phishing" // back again: what is stale stays so
	if again := op.do(t, g, one); again.State != StatePending || again.Proposal.ID == p.ID {
		t.Errorf("a stale approval came back: %s", again.State)
	}
	for e, err := range w.events() {
		if err != nil || e.Kind == EventConsumed {
			t.Errorf("event %s, %v", e.Kind, err)
		}
	}
	op.ran(t, 0)
}

func TestTheSameCallJoinsTheOpenProposal(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	op := newCounted()
	p := op.pending(t, g, one)
	for range 5 {
		if q := op.pending(t, w.guard(), one); q.ID != p.ID {
			t.Errorf("joined %s, want %s", q.ID, p.ID)
		}
	}
	if list := must(w.journal().Pending()); len(list) != 1 {
		t.Errorf("%d proposals are pending", len(list))
	}
}

func TestADenialHoldsForThatCall(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	op := newCounted()
	p := op.pending(t, g, one)
	must(0, w.journal().Deny(p.ID, "alice", "no"))
	op.refused(t, g, one, ReasonDenied)
	in := one
	if _, err := op.Do(WithClaim(t.Context(), "please"), g, &in); reason(err) != ReasonDenied {
		t.Errorf("another claim: %v", err)
	}
	op.refused(t, w.guard(host), one, ReasonDenied) // nor under a policy that asks nobody
	op.refused(t, w.guard(client), one, ReasonDenied)
	if err := w.journal().Approve(p.ID, p.Digest, w.signer); err == nil {
		t.Error("a denied proposal was approved")
	}
	w.sleep(defaultTTL)
	op.pending(t, g, one)
	op.ran(t, 0)
}

func TestADenialTakesBackAnUnspentApproval(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	op := newCounted()
	p := op.pending(t, g, one)
	w.approve(p)
	must(0, w.journal().Deny(p.ID, "alice", "second thoughts"))
	op.refused(t, g, one, ReasonDenied)
	op.ran(t, 0)
}

func TestARepeatedCallGetsTheFirstAnswer(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	op := newCounted()
	w.approve(op.pending(t, g, one))
	first := op.do(t, g, one)
	again := op.do(t, g, one)
	if first.Repeated || !again.Repeated || again.Out != "done 1" || again.Proposal.ID != first.Proposal.ID {
		t.Errorf("first %+v, again %+v", first, again)
	}
	elsewhere := op.do(t, w.guard(), one)
	if !elsewhere.Repeated || elsewhere.Out != nil {
		t.Errorf("another process: %+v", elsewhere)
	}
	if _, err := Wrap(w.guard(), op.Operation)(t.Context(), one); err == nil {
		t.Error("an answer that isn't at hand was made up")
	}
	op.ran(t, 1)
	w.sleep(receiptWindow)
	op.pending(t, g, one)
}

func TestAnUnknownOutcomeIsForAHumanToRepeat(t *testing.T) {
	for name, change := range map[string]func(*Policy){
		"host":          host,
		"operator":      func(*Policy) {},
		"preauthorised": func(p *Policy) { p.Getenv = func(string) string { return "1" } },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g := w.guard(change)
			op := newCounted()
			if name == "preauthorised" {
				op.locks = []lock{{name: "env HIVE_ALLOW", check: func(getenv func(string) string, _ any) verdict { return verdictFree }}}
			}
			if name == "operator" {
				w.approve(op.pending(t, g, one))
			}
			op.fail = fmt.Errorf("hive: %w", ErrOutcomeUnknown)
			in := one
			if _, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrOutcomeUnknown) {
				t.Fatal(err)
			}
			op.fail = nil
			for range 3 {
				op.pending(t, g, one)
			}
			op.pending(t, w.guard(host, func(p *Policy) { p.Max = TierWrite }), one) // nor after a restart under another policy
			w.sleep(24 * time.Hour)
			res := op.do(t, g, one)
			if res.State != StatePending || !strings.Contains(res.Note, "unknown outcome") {
				t.Fatalf("%s %q", res.State, res.Note)
			}
			op.ran(t, 1)
			w.approve(res.Proposal)
			if res := op.do(t, g, one); res.State != StateExecuted {
				t.Errorf("approved again: %s", res.State)
			}
			op.ran(t, 2)
		})
	}
}

func TestAnApprovalFromBeforeAnUnknownOutcomeDoesNotCount(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	ask, free := w.guard(), w.guard(host)
	p := op.pending(t, ask, one)
	w.approve(p)
	op.fail = ErrOutcomeUnknown
	in := one
	if _, err := op.Do(t.Context(), free, &in); !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	op.fail = nil
	if q := op.pending(t, ask, one); q.ID == p.ID {
		t.Error("the old proposal is still open")
	}
	op.ran(t, 1)
}

func TestAnExecutionEndsInTime(t *testing.T) {
	op := Write("x", func(ctx context.Context, _ comment) (context.Context, error) {
		if at, ok := ctx.Deadline(); !ok || time.Until(at) > maxPermit {
			t.Errorf("deadline %v, %v", at, ok)
		}
		return ctx, ctx.Err()
	}, "X.")
	ctx := must(Wrap(newWorld(t).guard(host), op)(t.Context(), one))
	if ctx.Err() == nil {
		t.Error("the context outlived the execution")
	}
}

func TestTheLockThatAuthorisedIsForTheJournalOnly(t *testing.T) {
	w := newWorld(t)
	g := w.guard(func(p *Policy) { p.Getenv = func(string) string { return "1" } })
	op := Write("x", func(ctx context.Context, _ locked) (int, error) {
		for _, e := range must(must(g.Journal()).Tail(100)) {
			if e.Kind != EventProposed {
				continue
			}
			if p := must(g.Proposal(ctx, e.ID)); strings.Contains(p.Detail, "HIVE_ALLOW") {
				t.Errorf("the agent can read %q", p.Detail)
			}
		}
		return 0, nil
	}, "X.", ConfirmOrEnv("HIVE_ALLOW"))
	must(op.Do(t.Context(), g, &locked{}))
	var noted bool
	for e, err := range w.events() {
		noted = noted || err == nil && e.Kind == EventAuthorised && strings.Contains(e.Detail, "HIVE_ALLOW")
	}
	if !noted {
		t.Error("the journal doesn't say by what the call was authorised")
	}
}

type timeout struct{}

func (timeout) Error() string { return "i/o timeout" }
func (timeout) Timeout() bool { return true }

func TestWhichFailuresAreAmbiguous(t *testing.T) {
	refusal := &RefusedError{Reason: ReasonFrozen}
	for _, test := range []struct {
		name  string
		err   error
		wired bool
		sends int
		want  State
	}{
		{"a plain failure", errors.New("400"), true, 1, StateFailed},
		{"one that says so", fmt.Errorf("x: %w", ErrOutcomeUnknown), false, 0, StateUnknown},
		{"a deadline of a foreign function", context.DeadlineExceeded, false, 0, StateUnknown},
		{"a cancelled foreign function", context.Canceled, false, 0, StateUnknown},
		{"a time-out of a foreign function", timeout{}, false, 0, StateUnknown},
		{"a cancelled call that sent nothing", context.Canceled, true, 0, StateFailed},
		{"a cancelled call that sent something", context.Canceled, true, 1, StateUnknown},
		{"stopped before the first request", refusal, true, 0, StateFailed},
		{"stopped after the first request", refusal, true, 1, StateUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			g := w.guard(host)
			op := Write("x", func(ctx context.Context, _ comment) (int, error) {
				for range test.sends {
					must(0, g.Admit(ctx, point(TierWrite)))
				}
				return 0, test.err
			}, "X.")
			if test.wired {
				On(g, "https://hive", op)
			}
			in := one
			_, err := op.Do(t.Context(), g, &in)
			if !errors.Is(err, test.err) || errors.Is(err, ErrOutcomeUnknown) != (test.want == StateUnknown) {
				t.Errorf("error %v", err)
			}
			if got := must(w.journal().Proposal(w.first(EventProposed).ID)).State; got != test.want {
				t.Errorf("state %s, want %s", got, test.want)
			}
		})
	}
}

func TestACrashDuringAnExecutionIsInFlightAndThenUnknown(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	op := newCounted()
	p := op.pending(t, w.guard(), one)
	w.approve(p)
	w.forge(Event{Kind: EventConsumed, ID: p.ID}) // by a process that then died
	op.refused(t, g, one, ReasonInFlight)
	w.sleep(maxExecution + time.Second)
	op.pending(t, g, one)
	op.ran(t, 0)
}

func TestADeadJournalAfterTheExecutionIsReported(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	op := Write("x", func(context.Context, comment) (int, error) {
		must(0, os.Remove(w.file()))
		return 7, nil
	}, "X.")
	in := one
	if res, err := op.Do(t.Context(), g, &in); !errors.Is(err, ErrJournal) || errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "executed") {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestAFreezeStopsWritesAndTheNextRequestOfARunningOne(t *testing.T) {
	w := newWorld(t)
	g := w.guard(host)
	op := Write("x", func(ctx context.Context, _ comment) (int, error) {
		if err := g.Admit(ctx, point(TierWrite)); err != nil {
			t.Errorf("before the freeze: %v", err)
		}
		must(0, w.journal().Freeze("anybody", "stop"))
		if err := g.Admit(ctx, point(TierRead)); err != nil {
			t.Errorf("a read: %v", err)
		}
		return 0, g.Admit(ctx, point(TierWrite))
	}, "X.")
	in := one
	_, err := op.Do(t.Context(), g, &in)
	if reason(err) != ReasonFrozen {
		t.Errorf("the second request: %v", err)
	}
	c := newCounted()
	c.refused(t, g, one, ReasonFrozen)
	c.refused(t, w.guard(), one, ReasonFrozen)
	if status := must(g.Status(t.Context())); !status.Frozen {
		t.Error("the status doesn't say so")
	}
	must(0, w.journal().Unfreeze(w.signer))
	c.do(t, g, one)
	c.ran(t, 1)
}

func TestHostModeRunsAndSaysSoInTheJournal(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	op.do(t, w.guard(host), one)
	var kinds []EventKind
	for e, err := range w.events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.ID != "" {
			kinds = append(kinds, e.Kind)
		}
		if e.Kind == EventAuthorised && e.Detail != "host" {
			t.Errorf("authorised by %q", e.Detail)
		}
	}
	if diff := cmp.Diff([]EventKind{EventProposed, EventAuthorised, EventConsumed, EventExecuted}, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	p := must(w.journal().Proposal(op.do(t, w.guard(host), one).Proposal.ID))
	if p.State != StateExecuted || p.Approver != "operator" {
		t.Errorf("%s by %s", p.State, p.Approver)
	}
}

func TestDecisionsAreInTheJournalBeforeTheirEffect(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	last := func() (kind EventKind) {
		for e, err := range w.events() {
			if err != nil {
				t.Error(err)
			}
			kind = e.Kind
		}
		return kind
	}
	op := Write("x", func(context.Context, comment) (int, error) {
		if k := last(); k != EventConsumed {
			t.Errorf("when it runs the last event is %s", k)
		}
		return 0, nil
	}, "X.")
	in := one
	p := must(op.Do(t.Context(), g, &in)).Proposal
	if k := last(); k != EventProposed {
		t.Errorf("when it is pending the last event is %s", k)
	}
	w.approve(p)
	must(op.Do(t.Context(), g, &in))
	if k := last(); k != EventExecuted {
		t.Errorf("when it is answered the last event is %s", k)
	}
}

func TestAClientMayAttestAWriteWithSealAndCode(t *testing.T) {
	w := newWorld(t)
	g := w.guard(client)
	op := newUndoable()
	p := op.pending(t, g, one)
	state, err := asAdapter(g).Seal(p)
	if err != nil {
		t.Fatal("no seal: ", err)
	}
	ctx := t.Context()
	second := op.pending(t, g, comment{Case: "2"})
	secondState, _ := asAdapter(g).Seal(second)
	other := w.guard(client)
	otherState, _ := asAdapter(other).Seal(p)
	raw := must(base64.RawURLEncoding.DecodeString(state))
	raw[len(raw)-1] ^= 1
	for name, err := range map[string]error{
		"no state":                    asAdapter(g).Attest(ctx, p, "", p.Code()),
		"not base64":                  asAdapter(g).Attest(ctx, p, "%%%", p.Code()),
		"the digest for a state":      asAdapter(g).Attest(ctx, p, p.Digest, p.Code()),
		"a changed state":             asAdapter(g).Attest(ctx, p, base64.RawURLEncoding.EncodeToString(raw), p.Code()),
		"the state of another":        asAdapter(g).Attest(ctx, p, secondState, p.Code()),
		"another with this state":     asAdapter(g).Attest(ctx, second, state, second.Code()),
		"the seal of another server":  asAdapter(g).Attest(ctx, p, otherState, p.Code()),
		"no code":                     asAdapter(g).Attest(ctx, p, state, ""),
		"a wrong code":                asAdapter(g).Attest(ctx, p, state, "zzzzzz"),
		"the whole digest":            asAdapter(g).Attest(ctx, p, state, p.Digest),
		"another principal":           asAdapter(g).Attest(WithPrincipal(ctx, "bob"), p, state, p.Code()),
		"a guard that asks operators": asAdapter(w.guard()).Attest(ctx, p, state, p.Code()),
	} {
		if !errors.Is(err, clientword.ErrUnsealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	op.pending(t, g, one)
	op.ran(t, 0)
	if err := asAdapter(g).Attest(ctx, p, state, " "+strings.ToUpper(p.Code())+" "); err != nil {
		t.Fatal(err)
	}
	op.pending(t, w.guard(), one)       // a server that asks operators doesn't take a client's word
	op.pending(t, w.guard(client), one) // nor that of another server's client
	op.do(t, g, one)
	op.ran(t, 1)
	if err := asAdapter(g).Attest(ctx, p, state, p.Code()); err == nil {
		t.Error("the state approved twice")
	}
}

func TestAClientsWordIsNotEnoughForMore(t *testing.T) {
	w := newWorld(t)
	g := w.guard(client)
	op := Destructive("x", nothing, "X.")
	in := one
	p := must(op.Do(t.Context(), g, &in)).Proposal
	if _, err := asAdapter(g).Seal(p); err == nil {
		t.Error("a seal for a destructive operation")
	}
	lie := *p
	lie.Tier, lie.Plan.Undo = TierWrite, "Take it back."
	state, err := asAdapter(g).Seal(&lie)
	if err != nil {
		t.Fatal("no seal for the lie: ", err)
	}
	if err := asAdapter(g).Attest(t.Context(), p, state, p.Code()); err == nil {
		t.Error("attested")
	}
	if err := asAdapter(g).Attest(t.Context(), &lie, state, p.Code()); err == nil {
		t.Error("attested under a lie")
	}
	j := must(g.Journal())
	if err := j.Approve(p.ID, p.Digest, g.client); err == nil {
		t.Error("the client's key approved a destructive operation")
	}
	if res := must(op.Do(t.Context(), g, &in)); res.State != StatePending {
		t.Errorf("state %s", res.State)
	}
	for _, change := range []func(*Policy){host, func(*Policy) {}} {
		g := newWorld(t).guard(change)
		if _, err := asAdapter(g).Seal(&Proposal{Tier: TierWrite, State: StatePending}); err == nil {
			t.Error("a seal outside client mode")
		}
	}
}

func TestAnExpiredSealIsNothing(t *testing.T) {
	w := newWorld(t)
	g := w.guard(client)
	p := &Proposal{ID: "P", Tier: TierWrite, State: StatePending, Principal: "agent", Digest: strings.Repeat("a", 64), Expires: time.Now().Add(-time.Second)}
	state, _ := asAdapter(g).Seal(p)
	if err := asAdapter(g).Attest(t.Context(), p, state, p.Code()); !errors.Is(err, clientword.ErrUnsealed) {
		t.Error(err)
	}
}

func TestPrincipalsDoNotSeeEachOther(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	op := newCounted()
	bob := WithPrincipal(t.Context(), "bob")
	p := op.pending(t, g, one)
	in := one
	if res := must(op.Do(bob, g, &in)); res.Proposal.ID == p.ID {
		t.Error("bob joined the agent's proposal")
	}
	if _, err := g.Proposal(bob, p.ID); !errors.Is(err, ErrNoProposal) {
		t.Errorf("bob sees it: %v", err)
	}
	for _, q := range must(g.Status(bob)).Pending {
		if q.Principal != "bob" {
			t.Errorf("bob's status lists that of %s", q.Principal)
		}
	}
	w.approve(p)
	if res := must(op.Do(bob, g, &in)); res.State != StatePending {
		t.Errorf("bob spent the agent's approval: %s", res.State)
	}
	op.ran(t, 0)
}

func TestTheRequesterIsNeverTheApprover(t *testing.T) {
	w := newWorld(t)
	for _, who := range []string{"alice", "Alice", " alice "} {
		g := w.guard(func(p *Policy) { p.Principal = who })
		op := newCounted()
		p := op.pending(t, g, one)
		if err := w.journal().Approve(p.ID, p.Digest, w.signer); err == nil {
			t.Errorf("alice approved what %q asks for", who)
		}
	}
}

func TestWaitReturnsOnADecisionOrTheEnd(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	op := newCounted()
	p := op.pending(t, g, one)
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if got, err := g.Wait(short, p.ID); err != nil || got.State != StatePending {
		t.Errorf("%v", err)
	}
	w.approve(p)
	if got := must(g.Wait(t.Context(), p.ID)); got.State != StateApproved || got.Approver != "alice" {
		t.Errorf("%s by %s", got.State, got.Approver)
	}
}

func TestPolicyFromTheEnvironment(t *testing.T) {
	p := must(policyFrom([]string{"HOME=/x", "SALLYPORT_APPROVAL=client", "SALLYPORT_STATE=/s"}))
	if p.Approval != ApprovalClient || p.Dir != "/s" || p.Max != TierDestructive {
		t.Errorf("%+v", p)
	}
	for _, odd := range []string{"SALLYPORT_APROVAL=operator", "sallyport_approval=host", "SALLYPORT_STAT=x"} {
		if _, err := policyFrom([]string{odd}); err == nil {
			t.Errorf("%s was accepted", odd)
		}
	}
	for _, bad := range []Policy{{Approval: "yes"}, {Max: 9}, {TTL: 25 * time.Hour}} {
		if _, err := New(bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	for _, env := range []map[string]string{{"SALLYPORT_STATE": "/a/b"}, {"XDG_STATE_HOME": "/a"}} {
		dir := must(journal.DirFrom(func(k string) string { return env[k] }))
		if want := slices.Collect(maps.Values(env))[0]; !strings.HasPrefix(dir, want) {
			t.Errorf("%v gives %s", env, dir)
		}
	}
}

func TestInputThatCannotBeShownIsRefused(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	op.refused(t, w.guard(host), comment{Text: strings.Repeat("x", maxInput)}, ReasonTooLarge)
	op.Plan(func(context.Context, comment) (Plan, error) { return Plan{Summary: strings.Repeat("x", maxEvent)}, nil })
	op.refused(t, w.guard(host), one, ReasonTooLarge)
	op.ran(t, 0)
	if _, err := op.Do(t.Context(), w.guard(host), one); err == nil {
		t.Error("an input that is no pointer")
	}
	if _, err := op.Do(t.Context(), w.guard(host), (*comment)(nil)); err == nil {
		t.Error("a nil input")
	}
}

func FuzzDigestIsInjective(f *testing.F) {
	f.Add("a", "bc", "ab", "c")
	f.Add("1:a", "", "", "1:a")
	f.Add("", "", "0:", "")
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 string) {
		if (digest(a1, a2) == digest(b1, b2)) != (a1 == b1 && a2 == b2) {
			t.Errorf("%q %q and %q %q", a1, a2, b1, b2)
		}
		if digest(a1, a2) == digest(a1+a2) {
			t.Errorf("%q %q and their concatenation", a1, a2)
		}
		p := Proposal{Op: "x", Tier: TierWrite, Principal: a1, Upstream: a2, Input: []byte("{}")}
		q := Proposal{Op: "x", Tier: TierWrite, Principal: b1, Upstream: b2, Input: []byte("{}")}
		if (must(p.ComputeDigest()) == must(q.ComputeDigest())) != (a1 == b1 && a2 == b2) {
			t.Errorf("proposals of %q %q and %q %q", a1, a2, b1, b2)
		}
	})
}

func TestTheDigestCoversEveryFact(t *testing.T) {
	base := func() *Proposal {
		return &Proposal{Op: "x", Tier: TierWrite, Principal: "p", Upstream: "u", Policy: "v", Input: []byte(`{}`), Plan: Plan{
			Summary: "s", Targets: []Target{{Kind: "k", ID: "i", Name: "n", Version: "v"}}, Changes: []Change{{Field: "f", Before: "b", After: "a"}},
			Egress: []Egress{{To: "t", What: "w", TLP: "l"}}, Undo: "u", Warnings: []string{"w"}}}
	}
	seen := map[string]string{must(base().ComputeDigest()): "none"}
	for name, change := range map[string]func(*Proposal){
		"op": func(p *Proposal) { p.Op = "y" }, "tier": func(p *Proposal) { p.Tier = TierDestructive },
		"principal": func(p *Proposal) { p.Principal = "q" }, "upstream": func(p *Proposal) { p.Upstream = "q" },
		"policy": func(p *Proposal) { p.Policy = "q" }, "input": func(p *Proposal) { p.Input = []byte(`{"a":1}`) },
		"summary": func(p *Proposal) { p.Plan.Summary = "q" }, "kind": func(p *Proposal) { p.Plan.Targets[0].Kind = "q" },
		"id": func(p *Proposal) { p.Plan.Targets[0].ID = "q" }, "name": func(p *Proposal) { p.Plan.Targets[0].Name = "q" },
		"version": func(p *Proposal) { p.Plan.Targets[0].Version = "q" }, "field": func(p *Proposal) { p.Plan.Changes[0].Field = "q" },
		"before": func(p *Proposal) { p.Plan.Changes[0].Before = "q" }, "after": func(p *Proposal) { p.Plan.Changes[0].After = "q" },
		"to": func(p *Proposal) { p.Plan.Egress[0].To = "q" }, "what": func(p *Proposal) { p.Plan.Egress[0].What = "q" },
		"tlp": func(p *Proposal) { p.Plan.Egress[0].TLP = "q" }, "undo": func(p *Proposal) { p.Plan.Undo = "q" },
		"warning": func(p *Proposal) { p.Plan.Warnings[0] = "q" }, "one target less": func(p *Proposal) { p.Plan.Targets = nil },
	} {
		p := base()
		change(p)
		d := must(p.ComputeDigest())
		if twin, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", name, twin)
		}
		seen[d] = name
	}
}
