package gate

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Nothing that a server offers to an agent takes a signer or decides; what is
// listed here was looked at.
func TestAGuardOffersNoWayToApprove(t *testing.T) {
	var got []string
	guard := reflect.TypeFor[*Guard]()
	for i := range guard.NumMethod() {
		m := guard.Method(i)
		got = append(got, m.Name)
		for k := range m.Type.NumIn() {
			if m.Type.In(k) == reflect.TypeFor[*Signer]() {
				t.Errorf("%s takes a signer", m.Name)
			}
		}
	}
	want := []string{"Admit", "Approval", "Close", "Dir", "Journal", "Principal", "Proposal", "Protected", "Protects", "Responses", "Status", "Wait", "Who"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
}

func TestAskingAgainExtendsNothing(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	op := newCounted()
	p := op.pending(t, g, one)
	w.sleep(defaultTTL - time.Minute)
	in := one
	again := must(op.Do(WithClaim(t.Context(), "urgent"), w.guard(func(p *Policy) { p.TTL = maxTTL }), &in))
	if !again.Proposal.Expires.Equal(p.Expires) || again.Proposal.Claim != p.Claim {
		t.Errorf("expires %s and claims %q, was %s and %q", again.Proposal.Expires, again.Proposal.Claim, p.Expires, p.Claim)
	}
	w.approve(p)
	w.sleep(time.Minute)
	op.pending(t, g, one)
	op.ran(t, 0)
}

func TestSecretsOfTheGateAreNowhere(t *testing.T) {
	const canary = "canary-5f1c"
	var log strings.Builder
	w := newWorld(t)
	g := w.guard(client, func(p *Policy) {
		p.Getenv = func(string) string { return canary }
		p.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	op := newUndoable()
	op.locks = []lock{{name: "env HIVE_KEY set", reason: ReasonNotAvailable, check: func(getenv func(string) string, _ any) verdict {
		if getenv("HIVE_KEY") == canary {
			return verdictOpen
		}
		return verdictClosed
	}}}
	p := op.pending(t, g, one)
	state, _ := asAdapter(g).Seal(p)
	must(0, asAdapter(g).Attest(t.Context(), p, state, p.Code()))
	res := op.do(t, g, one)
	q := op.pending(t, g, comment{Case: "2"})
	w.approve(q)
	op.do(t, g, comment{Case: "2"})
	closed := Write("closed", nothing, "X.", Env("HIVE_ALLOW"))
	in := one
	_, refusal := closed.Do(t.Context(), g, &in)

	everything := strings.Join([]string{log.String(), string(w.read()), Render(p), Render(q), state, fmt.Sprintf("%+v %#v", res, res), string(must(json.Marshal(p))),
		refusal.Error(), fmt.Sprintf("%+v %#v %v %v", w.signer, w.signer, g.client, g.client), string(must(os.ReadFile(filepath.Join(w.folder(), approversFile))))}, "\n")
	secrets := []string{canary}
	for _, s := range []*Signer{w.signer, g.client} {
		seed := seed(s)
		secrets = append(secrets, string(seed), hex.EncodeToString(seed), base64.StdEncoding.EncodeToString(seed)[:40], strings.Trim(fmt.Sprint([]byte(seed)), "[]"))
	}
	for _, secret := range secrets {
		if strings.Contains(everything, secret) {
			t.Errorf("found %q", secret)
		}
	}
}

func TestTheSealedStateHidesWhatItHolds(t *testing.T) {
	g := newWorld(t).guard(client)
	p := newUndoable().pending(t, g, one)
	a, _ := asAdapter(g).Seal(p)
	b, _ := asAdapter(g).Seal(p)
	raw := string(must(base64.RawURLEncoding.DecodeString(a)))
	if a == b || strings.Contains(raw, p.ID) || strings.Contains(raw, p.Digest) {
		t.Error("the state can be read or foreseen")
	}
}

func TestTiersAreWords(t *testing.T) {
	for _, tier := range []Tier{TierRead, TierWrite, TierDestructive} {
		var back Tier
		if err := back.UnmarshalText(must(tier.MarshalText())); err != nil || back != tier {
			t.Errorf("%s comes back as %s, %v", tier, back, err)
		}
	}
	var unset Tier
	if _, err := unset.MarshalText(); err == nil || unset.Valid() {
		t.Error("the zero tier is one")
	}
	for _, odd := range []string{"", "Read", "admin", "writes"} {
		if err := unset.UnmarshalText([]byte(odd)); err == nil {
			t.Errorf("%q is a tier", odd)
		}
	}
}

func TestWrapHandsTheOutcomeThrough(t *testing.T) {
	g := newWorld(t).guard(host)
	ctx := t.Context()
	read := Wrap(g, Read("r", func(_ context.Context, in comment) (string, error) { return in.Case, nil }, "R."))
	if got, err := read(ctx, one); got != "1" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	dry := Wrap(g, Write("d", func(context.Context, locked) (int, error) { t.Error("it ran"); return 0, nil }, "D.", DryRunUnless("X")))
	var shown *DryRunError
	if _, err := dry(ctx, locked{}); !asDryRun(err, &shown) || shown.Plan.Summary != "D." {
		t.Errorf("%v", err)
	}
}

func asDryRun(err error, target **DryRunError) bool {
	d, ok := err.(*DryRunError)
	*target = d
	return ok && d.Is(ErrDryRun)
}

type checked struct {
	N int `json:"n"`
}

func (c *checked) SetDefaults() {
	if c.N == 0 {
		c.N = 20
	}
}

func (c checked) Validate() error {
	if c.N > 100 {
		return fmt.Errorf("n is %d, at most 100", c.N)
	}
	return nil
}

func TestWhatIsProposedIsDefaultedAndValid(t *testing.T) {
	w := newWorld(t)
	op := Write("x", func(_ context.Context, in checked) (int, error) { return in.N, nil }, "X.")
	if _, err := op.Do(t.Context(), w.guard(), &checked{N: 101}); err == nil {
		t.Error("an invalid input was proposed")
	}
	p := must(op.Do(t.Context(), w.guard(), &checked{})).Proposal
	if diff := cmp.Diff(`{"n":20}`, string(p.Input)); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	w.approve(p)
	if res := must(op.Do(t.Context(), w.guard(), &checked{N: 20})); res.Out != 20 {
		t.Errorf("%+v", res)
	}
}

func TestTheJournalIsThere(t *testing.T) {
	w := newWorld(t)
	g := w.guard()
	if g.Dir() != shown(w.dir) || g.Principal() != "agent" || g.Approval() != ApprovalOperator {
		t.Errorf("%s %s %s", g.Dir(), g.Principal(), g.Approval())
	}
	must(0, g.Close())
	must(0, g.Close())
	newCounted().pending(t, g, one) // opened again
	s := must(g.Status(t.Context()))
	if s.Approvers != 1 || len(s.Pending) != 1 || s.Frozen {
		t.Errorf("%+v", s)
	}
}
