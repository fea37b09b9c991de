package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-soc/sallyport/gate/state"
)

func TestThePolicyFile(t *testing.T) {
	p := must(parsePolicy([]byte(`{
		"max_tier": "write",
		"approval": {"write": "client", "destructive": "operator"},
		"approvers": {"destructive": 2},
		"ttl": "10m",
		"budgets": {"writes_per_hour": 7, "destructive_per_hour": 1, "proposals_per_hour": 9, "pending": 2},
		"breaker": {"destructive_in_10s": 2, "denials": 5, "unknown_outcomes": 1},
		"protected": ["10.0.0.0/8", "dc01.corp.example", "*.core.example", "000"],
		"ask_egress": true,
		"client_after_untrusted": true,
		"retention": "2160h",
		"rotate_mb": 3
	}`)))
	p.file = ""
	want := Policy{Max: TierWrite, Approval: ApprovalClient, Destructive: ApprovalOperator, Quorum: Quorum{Destructive: 2}, TTL: 10 * time.Minute,
		Budget: Budget{Writes: 7, Destructive: 1, Proposals: 9, Pending: 2}, Breaker: Breaker{Burst: 2, Denials: 5, Unknowns: 1}, Protected: []string{"10.0.0.0/8", "dc01.corp.example", "*.core.example", "000"},
		AskEgress: true, ClientAfterUntrusted: true, Retention: 90 * 24 * time.Hour, RotateAt: 3 << 20}
	if diff := cmp.Diff(want, p, cmp.AllowUnexported(Policy{})); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	for _, bad := range []string{
		``, `null`, `[]`, `{} {}`, `{"max_teir": "read"}`, `{"ttl": "10m", "ttl": "24h"}`, `{"ttl": "10m", "TTL": "24h"}`,
		`{"max_tier": "admin"}`, `{"approval": "host"}`, `{"approval": {"read": "host"}}`, `{"approval": {"write": "nobody"}}`,
		`{"approval": {"destructive": "client"}}`, `{"approval": {"write": "host"}, "approvers": {"write": 2}}`, `{"approvers": {"write": -1}}`,
		`{"approvers": {"write": 99}}`, `{"ttl": "25h"}`, `{"ttl": "-1m"}`, `{"ttl": 5}`, `{"budgets": {"writes_per_hour": -1}}`,
		`{"budgets": {"writes_per_hour": 0}}`, `{"budgets": {"writes": 1}}`, `{"breaker": {"denials": 1e9}}`, `{"retention": "1h"}`,
		`{"protected": ["*"]}`, `{"protected": [""]}`, `{"protected": ["10.0.0.0/99"]}`, `{"protected": ["*.*"]}`,
		`{"budgets": {"pending": 1, "pending": 100}}`,
	} {
		if p, err := parsePolicy([]byte(bad)); err == nil {
			t.Errorf("%s is %+v", bad, p)
		}
	}
}

func TestAPolicyFileThatIsWrongSaysWhereAndWhatItMayHold(t *testing.T) {
	for bad, want := range map[string]string{
		`{"ttl": "3x"}`:        `ttl: want a time such as "30m" or "720h", got "3x"`,
		`{"ttl": "-1m"}`:       `ttl: want a time such as "30m" or "720h", got "-1m"`,
		`{"ttl": 30}`:          `ttl: want a time such as "30m" or "720h", got number`,
		`{"ttl": "48h"}`:       "gate: ttl: want at most 24h0m0s, got 48h0m0s",
		`{"retention": "90d"}`: `retention: want a time such as "30m" or "720h", got "90d"`,
		`{"retention": "1h"}`:  "gate: retention: want at least 48h0m0s, got 1h0m0s",
		`{"budgets": {"pending": 1, "writes_per_hour": "60"}}`: `budgets: writes_per_hour: want a whole number from 1 to 100000, got "60"`,
		`{"breaker": {"denials": 1.5}}`:                        "breaker: denials: want a whole number from 1 to 100000, got 1.5",
		`{"bulk": {"over": 0}}`:                                "bulk: over: want a whole number from 1 to 100000, got 0",
		`{"bulk": 3}`:                                          "bulk: want an object, got number",
		`{"rotate_mb": -1}`:                                    "rotate_mb: want a whole number from 1 to 100000, got -1",
		`{"approval": "client"}`:                               "approval: want an object, got string",
		`{"approvers": 2}`:                                     "approvers: want an object, got number",
		`{"protected": "10.0.0.0/24"}`:                         "protected: want a list, got string",
		`{"protected": [10]}`:                                  "protected: want a text, got number",
		`{"ask_egress": "yes"}`:                                "ask_egress: want true or false, got string",
		`{"responses": [{"max_hosts": "five"}]}`:               "responses: want a whole number, got string",
		`{"budgets": {"writes": 1}}`:                           `budgets: writes: json: unknown field "writes"`,
		`{"approval": {"writes": "client"}}`:                   `approval: writes: gate: "writes" is not a tier: use read, write or destructive`,
	} {
		if _, err := parsePolicy([]byte(bad)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", bad, err, want)
		}
	}
}

func TestAPolicyFileThatSaysNothingIsThePolicyWithoutOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.json")
	must(0, os.WriteFile(file, []byte("{}\n"), 0o600))
	with := must(must(policyFrom([]string{"SALLYPORT_POLICY=" + file, "SALLYPORT_STATE=/s"})).complete())
	without := must(must(policyFrom([]string{"SALLYPORT_STATE=/s"})).complete())
	if with.file == "" || with.version() == without.version() {
		t.Error("the file is not in the version")
	}
	with.file, with.Getenv, without.Getenv, with.Logger, without.Logger = "", nil, nil, nil, nil
	if diff := cmp.Diff(without, with, cmp.AllowUnexported(Policy{})); diff != "" {
		t.Errorf("policy (-without +with):\n%s", diff)
	}
	want := Budget{Writes: 30, Destructive: 5, Proposals: 20, Pending: 10}
	if without.Budget != want || without.Breaker != (Breaker{Burst: 3, Denials: 3, Unknowns: 2}) || without.Quorum != (Quorum{Write: 1, Destructive: 1}) {
		t.Errorf("the defaults are %+v %+v", without.Budget, without.Breaker)
	}
}

func TestAPolicyFileThatCannotBeTrustedStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "policy.json")
	start := func() error { _, err := policyFrom([]string{"SALLYPORT_POLICY=" + file}); return err }
	if err := start(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	must(0, os.WriteFile(file, []byte(`{"approval": {"write": "host"}}`), 0o600))
	if err := start(); err != nil {
		t.Error(err)
	}
	if _, err := policyFrom([]string{"SALLYPORT_POLICY=" + file, "SALLYPORT_APPROVAL=operator"}); err == nil {
		t.Error("two truths about who approves")
	}
	if runtime.GOOS != "windows" {
		must(0, os.Chmod(file, 0o666))
		if err := start(); err == nil || !strings.Contains(err.Error(), "writable") {
			t.Errorf("a file that others can write: %v", err)
		}
	}
	file = dir
	if err := start(); err == nil {
		t.Error("a directory")
	}
}

// Every part of the policy that decides is in its version, and so in the digest.
func TestAnotherPolicyIsAnotherDigest(t *testing.T) {
	base := func() Policy { return must(Policy{Max: TierDestructive, Dir: "/s"}.complete()) }
	seen := map[string]string{base().version(): "none"}
	for name, change := range map[string]func(*Policy){
		"max": func(p *Policy) { p.Max = TierWrite }, "approval": func(p *Policy) { p.Approval = ApprovalClient },
		"destructive": func(p *Policy) { p.Destructive = ApprovalHost }, "write quorum": func(p *Policy) { p.Quorum.Write = 2 },
		"destructive quorum": func(p *Policy) { p.Quorum.Destructive = 2 }, "writes": func(p *Policy) { p.Budget.Writes = 31 },
		"destructives": func(p *Policy) { p.Budget.Destructive = 6 }, "proposals": func(p *Policy) { p.Budget.Proposals = 21 },
		"pending": func(p *Policy) { p.Budget.Pending = 11 }, "burst": func(p *Policy) { p.Breaker.Burst = 4 },
		"denials": func(p *Policy) { p.Breaker.Denials = 4 }, "unknowns": func(p *Policy) { p.Breaker.Unknowns = 3 },
		"protected": func(p *Policy) { p.Protected = []string{"a"} }, "protected twice": func(p *Policy) { p.Protected = []string{"a", "b"} },
		"egress": func(p *Policy) { p.AskEgress = true }, "untrusted": func(p *Policy) { p.ClientAfterUntrusted = true },
		"irreversible": func(p *Policy) { p.AskIrreversible = true }, "HTTP": func(p *Policy) { p.OverHTTP = true },
		"file": func(p *Policy) { p.file = "abc" },
	} {
		p := base()
		change(&p)
		if twin, ok := seen[p.version()]; ok {
			t.Errorf("%s has the version of %s", name, twin)
		}
		seen[p.version()] = name
	}
}

func TestApprovalCanDifferByTier(t *testing.T) {
	w := newWorld(t)
	g := w.guard(func(p *Policy) { p.Approval, p.Destructive = ApprovalHost, ApprovalOperator })
	in := one
	if res := must(Write("w", nothing, "W.").Do(t.Context(), g, &in)); res.State != StateExecuted {
		t.Errorf("the write is %s", res.State)
	}
	if res := must(Destructive("d", nothing, "D.").Do(t.Context(), g, &in)); res.State != StatePending {
		t.Errorf("the destructive one is %s", res.State)
	}
}

func TestEgressCanBeAskedFor(t *testing.T) {
	op := func() *Operation[comment, int] {
		return Write("scan", nothing, "Scan.", Leaves).RunWhen(func(comment) bool { return true })
	}
	in := one
	if res := must(op().Do(t.Context(), newWorld(t).guard(), &in)); res.State != StateExecuted {
		t.Errorf("by default it is %s", res.State)
	}
	if res := must(op().Do(t.Context(), newWorld(t).guard(func(p *Policy) { p.AskEgress = true }), &in)); res.State != StatePending {
		t.Errorf("where it is to be asked for it is %s", res.State)
	}
}

type block struct {
	IP string `json:"ip"`
}

func TestAProtectedTargetIsRefusedInEverySpelling(t *testing.T) {
	p := must(newProtection([]string{"10.0.0.0/24", "192.0.2.7", "fd00::/8", "DC01.corp.example", "*.core.example", "007", "gateway"}))
	for target, want := range map[string]bool{
		"10.0.0.1": true, "10.0.1.1": false, " 10.0.0.1 ": true, "10.0.0.0/28": true, "10.0.0.0/8": true, "0.0.0.0/0": true, "::ffff:10.0.0.1": true,
		"::ffff:a00:1": true, "10[.]0[.]0[.]1": true, "10.0.0.1:443": true, "http://10.0.0.1/x": true, "167772161": true, "[fd00::1]": true,
		"fd00::1%eth0": true, "fe80::1": false, "::/0": true, "::ffff:10.0.0.0/120": true, "192.0.2.7": true, "192.0.2.8": false,
		"dc01.corp.example": true, "DC01.CORP.EXAMPLE.": true, "dc01": false, "core.example": true, "a.b.core.example": true,
		"notcore.example": false, "https://x.core.example:8443/": true, "root@gateway": true, "7": true, "007": true, "0007": true, "70": false, "": false,
	} {
		if got := p.covers(target); got != want {
			t.Errorf("%q: %t, want %t", target, got, want)
		}
	}
}

func TestAProtectedTargetIsRefusedInTheSpellingsOfResolversAndReaders(t *testing.T) {
	p := must(newProtection([]string{"10.0.0.5", "192.168.0.0/16", "dc01.corp.example", "*.core.example", "2001:db8::1", "gateway", "007"}))
	for _, s := range []string{
		"10.0.0.5.", "10{.}0{.}0{.}5", "10[dot]0[dot]0[dot]5", "010.0.0.5", "012.0.0.5", "10.0.0.05", "10.0.5", "10.5", "0xa000005", "0x0a.0.0.5", "167772165", "１０.0.0.5", "10。0。0。5", "①⓪.0.0.5", "١٠.٠.٠.٥", "𝟏𝟎.𝟎.𝟎.𝟓",
		"10.0.0.5\u200b", "\u200b10.0.0.5", "10.0.0.5\x00", "10.0.0.5\u00a0", "http://10.0.0.5%2f", "%31%30.0.0.5", `10\.0\.0\.5`, "10&#46;0.0.5",
		"::ffff:10.0.0.5", "::ffff:0a00:0005", "::10.0.0.5", "64:ff9b::10.0.0.5", "2002:0a00:0005::", "64:ff9b::/96", "2001:db8::1%eth0", "2001:0db8:0:0:0:0:0:1", "[2001:db8::1]:443",
		"10.0.0.5:443", "10.0.0.5/24", "10.0.0.5|443", "8.8.8.8,10.0.0.5", "10.0.0.5 8.8.8.8", "8.8.8.8;10.0.0.5", "10.0.0.1-10.0.0.9", "10.0.0.1 - 10.0.0.9", "10.0.0.1-9", "10.0.0.0-255", "10.0.0.*", "192.*.*.*",
		"10.0.0.0/255.255.255.0", "012.0.0.0/24", "10.0.0.5/login", "//10.0.0.5/x", "http://8.8.8.8/10.0.0.5", "hxxp://a@10.0.0.5/x", "http://0xa000005/", "block 10.0.0.5 now", `{"ip":"10.0.0.5"}`, "ip=10.0.0.5",
		"DC01.CORP.EXAMPLE.", "dc01.corp.example:389", "dc01.corp.example/x", "dc01。corp。example", "dc01.corp.example|10.9.9.9", `\\dc01.corp.example\c$`, "dc01.corp.example\u00a0", "ｄc01.corp.example", "smtp:user@dc01.corp.example>",
		"<user@dc01.corp.example>", "https://u:p@a.core.example:8443/", "dc01.xn--corp-.example", "ⓖateway", "gateway|445", "007,008", `\\gateway\c$`,
	} {
		if !p.covers(s) {
			t.Errorf("%q is not recognised", s)
		}
	}
	for _, s := range []string{
		"", "10.0.0.6", "10.0.0.6-10.0.0.9", "10.0.1.*", "8.8.8.8:5", "8.8.8.8|10005", "notcore.example", "dc01.corp.example.evil.test", "https://evil.test/gateway/7", "https://evil.test/?id=7", "8.8.8.7", "fd00::5", "64:ff9b::8.8.8.8",
		"2001:db8::2", "dc-01", "my-gateway", "~4096", "AV3xk-9", "0", "1763", "d41d8cd98f00b204e9800998ecf8427e", "203.0.113.7/32",
	} {
		if p.covers(s) {
			t.Errorf("%q is taken for what is protected", s)
		}
	}
}

func TestTheTitleOfATargetMayMentionWhatIsProtected(t *testing.T) {
	p := must(newProtection([]string{"10.0.0.5", "dc01.corp.example"}))
	for name, want := range map[string]bool{
		"Brute force against 10.0.0.5": false, "#12 Logons on dc01.corp.example": false, "ip-dst 10.0.0.5": false,
		"10.0.0.5": true, "10.0.0.5 8.8.8.8": true, "10.0.0.5, dc01.corp.example": true, "dc01.corp.example": true, "10.0.0.1 - 10.0.0.9": true, "8.8.8.8|10.0.0.5": true,
	} {
		if got := p.coversName(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}

func TestWhatIsProtectedIsRefusedEvenWhenApproved(t *testing.T) {
	w := newWorld(t)
	ran := 0
	fn := func(context.Context, block) (int, error) { ran++; return 0, nil }
	declared := Destructive("fw_block", fn, "Block.", ActsOn(func(in block) []string { return []string{in.IP} }))
	planned := Destructive("fw_block", fn, "Block.").Plan(func(_ context.Context, in block) (Plan, error) {
		return Plan{Summary: "Block.", Targets: []Target{{Kind: "address", ID: "1", Name: in.IP}}}, nil
	})
	protect := func(p *Policy) { p.Protected = []string{"10.0.0.0/24"} }
	for name, op := range map[string]*Operation[block, int]{"declared": declared, "planned": planned} {
		in := block{"10.0.0.5"}
		before := w.guard()
		w.approve(must(op.Do(t.Context(), before, &in)).Proposal)
		for _, g := range []*Guard{w.guard(protect), w.guard(protect, host)} {
			if _, err := op.Do(t.Context(), g, &in); reason(err) != ReasonProtected {
				t.Errorf("%s: %v", name, err)
			}
		}
		other := block{"198.51.100.9"}
		if res := must(op.Do(t.Context(), w.guard(protect), &other)); res.State != StatePending {
			t.Errorf("%s: what isn't protected is %s", name, res.State)
		}
	}
	if ran != 0 {
		t.Errorf("ran %d times", ran)
	}
	dry := Write("dry", func(context.Context, locked) (int, error) { return 0, nil }, "Dry.", DryRunUnless("X"),
		ActsOn(func(locked) []string { return []string{"10.0.0.5"} }))
	if _, err := dry.Do(t.Context(), w.guard(protect), &locked{}); reason(err) != ReasonProtected {
		t.Errorf("a dry run: %v", err)
	}
	for name, declare := range map[string]func(){
		"acts": func() { Write("x", nothing, "X.", ActsOn(func(block) []string { return nil })) },
		"key":  func() { Write("x", nothing, "X.", Key(func(block) string { return "" })) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: an option for another input was taken", name)
				}
			}()
			declare()
		}()
	}
}

func TestWritesAreBudgeted(t *testing.T) {
	w := newWorld(t)
	limit := func(p *Policy) { p.Budget = Budget{Writes: 3, Destructive: 1, Proposals: -1, Pending: -1} }
	op, other := newCounted(), newCounted()
	for i := range 3 { // by three processes
		op.do(t, w.guard(host, limit), comment{Case: fmt.Sprint(i)})
	}
	op.refused(t, w.guard(host, limit), comment{Case: "x"}, ReasonBudget)
	// Neither an approval nor another principal's budget helps.
	g := w.guard()
	w.approve(other.pending(t, g, comment{Case: "y"}))
	other.refused(t, w.guard(limit), comment{Case: "y"}, ReasonBudget)
	if res := must(op.Do(WithPrincipal(t.Context(), "bob"), w.guard(host, limit), &comment{Case: "z"})); res.State != StateExecuted {
		t.Errorf("another principal: %s", res.State)
	}
	in := comment{Case: "d"}
	erase := Destructive("erase", nothing, "Erase.")
	must(erase.Do(t.Context(), w.guard(host, limit), &in))
	in.Case = "e"
	if _, err := erase.Do(t.Context(), w.guard(host, limit), &in); reason(err) != ReasonBudget {
		t.Errorf("a second destructive one: %v", err)
	}
	w.sleep(time.Hour)
	op.do(t, w.guard(host, limit), comment{Case: "x"})
	op.ran(t, 5)
	other.ran(t, 0)
}

func TestApproversAreNotFlooded(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard(func(p *Policy) { p.Budget = Budget{Proposals: 5, Pending: 3} })
	for range 1000 {
		op.pending(t, g, one)
	}
	if n := len(must(w.journal().Pending())); n != 1 {
		t.Errorf("1000 calls made %d proposals", n)
	}
	op.pending(t, g, comment{Case: "2"})
	third := op.pending(t, g, comment{Case: "3"})
	op.refused(t, g, comment{Case: "4"}, ReasonPending)
	must(0, w.journal().Deny(third.ID, "alice", ""))
	op.pending(t, g, comment{Case: "4"})
	w.approve(op.pending(t, g, comment{Case: "2"}))
	op.refused(t, g, comment{Case: "5"}, ReasonPending) // what is approved and unspent waits too
	op.do(t, g, comment{Case: "2"})
	op.pending(t, g, comment{Case: "5"})
	w.sleep(31 * time.Minute) // nothing is pending any more
	op.refused(t, g, comment{Case: "6"}, ReasonBudget)
	w.sleep(30 * time.Minute)
	op.pending(t, g, comment{Case: "6"})
}

func TestWhatNobodyIsAskedForIsNoProposalToBudget(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard(host, func(p *Policy) { p.Budget = Budget{Proposals: 1, Pending: 1} })
	for i := range 5 {
		op.do(t, g, comment{Case: fmt.Sprint(i)})
	}
	op.ran(t, 5)
}

func TestTheBreakerOpensAndOnlyAnApproverClosesIt(t *testing.T) {
	erase := Destructive("erase", nothing, "Erase.")
	for name, cause := range map[string]func(t *testing.T, w *world){
		"the fourth destructive operation in ten seconds": func(t *testing.T, w *world) {
			for i := range 3 { // by processes of their own
				must(erase.Do(t.Context(), w.guard(host, bounded), &comment{Case: fmt.Sprint(i)}))
			}
			if _, err := erase.Do(t.Context(), w.guard(host, bounded), &comment{Case: "4"}); reason(err) != ReasonBreaker {
				t.Errorf("the fourth: %v", err)
			}
		},
		"three denials": func(t *testing.T, w *world) {
			op := newCounted()
			for i := range 3 {
				p := op.pending(t, w.guard(bounded), comment{Case: fmt.Sprint("d", i)})
				must(0, w.journal().Deny(p.ID, "alice", "no"))
			}
		},
		"two unknown outcomes": func(t *testing.T, w *world) {
			op := newCounted()
			op.fail = ErrOutcomeUnknown
			for i := range 2 {
				in := comment{Case: fmt.Sprint("u", i)}
				if _, err := op.Do(t.Context(), w.guard(host, bounded), &in); !errors.Is(err, ErrOutcomeUnknown) {
					t.Fatal(err)
				}
			}
		},
		"two executions that never reported": func(t *testing.T, w *world) {
			op := newCounted()
			for i := range 2 {
				p := op.pending(t, w.guard(bounded), comment{Case: fmt.Sprint("l", i)})
				must(0, w.journal().Finish(p.ID, EventConsumed, ""))
			}
			w.sleep(maxExecution + time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			op := newCounted()
			w.approve(op.pending(t, w.guard(bounded), comment{Case: "approved"}))
			cause(t, w)
			op.refused(t, w.guard(bounded), comment{Case: "approved"}, ReasonBreaker)
			op.refused(t, w.guard(host, bounded), one, ReasonBreaker)
			op.refused(t, w.guard(host), one, ReasonBreaker) // whatever that process's policy
			if s := must(w.journal().Standing()); !s.Tripped {
				t.Error("it doesn't show")
			}
			read := Read("r", nothing, "R.")
			in := one
			if _, err := read.Do(t.Context(), w.guard(bounded), &in); err != nil {
				t.Errorf("a read: %v", err)
			}
			w.sleep(20 * time.Minute)
			op.refused(t, w.guard(bounded), one, ReasonBreaker)
			for _, s := range []*Signer{must(NewSigner("mallory")), must(NewSigner("alice")), nil, {Name: "alice"}} {
				if err := w.journal().Reset(s); err == nil {
					t.Errorf("%v closed it", s)
				}
			}
			w.forge(Event{Kind: EventReset, Approver: "alice", Sig: must(w.signer.Sign(state.ResetMessage("another")))})
			op.refused(t, w.guard(bounded), one, ReasonBreaker)
			must(0, w.journal().Reset(w.signer))
			must(0, w.journal().Reset(w.signer)) // there is nothing to do
			op.pending(t, w.guard(bounded), one)
		})
	}
}

func TestDestructiveOperationsThatTakeTheirTimeDoNotOpenTheBreaker(t *testing.T) {
	w := newWorld(t)
	erase := Destructive("erase", nothing, "Erase.")
	for i := range 5 {
		must(erase.Do(t.Context(), w.guard(host, bounded), &comment{Case: fmt.Sprint(i)}))
		w.sleep(4 * time.Second)
	}
}

func TestTwoServersDoNotDoTheSameThing(t *testing.T) {
	key := Key(func(in comment) string {
		if in.Case == "" {
			return ""
		}
		return "case of alert " + in.Case
	})
	first := On(nil, "hive as 1", Write("hive_create_case", nothing, "Open.", key))[0]
	second := On(nil, "soc as 2", Write("soc_create_case", nothing, "Open.", key))[0]
	w := newWorld(t)
	g := w.guard()
	for _, op := range []Op{first, second} {
		On(g, op.untyped().upstream, op)
	}
	in := one
	p := must(first.Do(t.Context(), g, &in)).Proposal
	again := func(op Op, want Reason) {
		t.Helper()
		in := comment{Case: "1", Text: "other words"}
		res, err := op.Do(WithPrincipal(t.Context(), "bob"), g, &in)
		if reason(err) != want {
			t.Errorf("%+v, %v; want %q", res, err, want)
		}
	}
	again(second, ReasonDuplicate) // while it waits
	w.approve(p)
	must(first.Do(t.Context(), g, &in))
	again(second, ReasonDuplicate) // once it is done
	again(first, ReasonDuplicate)  // by the same operation in other words
	w.sleep(time.Hour)
	if _, err := first.Do(t.Context(), g, &in); reason(err) != ReasonDuplicate { // the very same call, later than its receipt
		t.Errorf("the same call: %v", err)
	}
	w.sleep(24 * time.Hour)
	again(second, "")
	for range 2 { // no key, no twin
		must(second.Do(t.Context(), g, &comment{Text: "x"}))
		must(first.Do(t.Context(), g, &comment{Text: "x"}))
	}
}

func TestTheDigestCoversKeyAndQuorum(t *testing.T) {
	a, b, c, d := Proposal{Tier: TierWrite}, Proposal{Tier: TierWrite, Key: "k"}, Proposal{Tier: TierWrite, Needs: 2}, Proposal{Tier: TierWrite, Key: "k", Needs: 2}
	seen := map[string]bool{}
	for _, p := range []*Proposal{&a, &b, &c, &d} {
		seen[must(p.ComputeDigest())] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d digests of 4 proposals", len(seen))
	}
}

func TestTwoPersonsMustSign(t *testing.T) {
	w := newWorld(t)
	bob, agent := must(NewSigner("bob")), must(NewSigner("agent"))
	must(0, w.enrol(bob.Approver()))
	must(0, w.enrol(agent.Approver()))
	must(0, w.enrol(Approver{Name: "alice2", Key: w.signer.Approver().Key}))
	op := newCounted()
	two := func(p *Policy) { p.Quorum.Write = 2 }
	g := w.guard(two)
	p := op.pending(t, g, one)
	if !strings.Contains(Render(p), "2 must sign; so far: nobody") {
		t.Errorf("the screen doesn't say that two must sign:\n%s", Render(p))
	}
	w.approve(p)
	again := op.pending(t, g, one)
	if !strings.Contains(Render(again), "so far: alice") {
		t.Errorf("the screen doesn't say who has:\n%s", Render(again))
	}
	twice := twin(t, w.signer, "alice2")
	for name, err := range map[string]error{
		"the same person":                w.journal().Approve(p.ID, p.Digest, w.signer),
		"the same key by another name":   w.journal().Approve(p.ID, p.Digest, twice),
		"the one who asks":               w.journal().Approve(p.ID, p.Digest, agent),
		"somebody who can sign anything": w.journal().Approve(p.ID, p.Digest, must(NewSigner("mallory"))),
	} {
		if err == nil {
			t.Errorf("%s signed too", name)
		}
	}
	// Lines that somebody wrote past the command count no more.
	message := state.ApprovalMessage(p, w.place(p))
	for _, e := range []Event{
		{Approver: "alice", Sig: must(w.signer.Sign(message))}, {Approver: "alice2", Sig: must(w.signer.Sign(message))},
		{Approver: "agent", Sig: must(agent.Sign(message))}, {Approver: "bob", Sig: must(w.signer.Sign(message))},
	} {
		e.Kind, e.ID = EventApproved, p.ID
		w.forge(e)
		op.pending(t, g, one)
		op.pending(t, w.guard(two), one)
	}
	op.ran(t, 0)
	must(0, w.journal().Approve(p.ID, p.Digest, bob))
	if got := must(w.journal().Proposal(p.ID)); got.State != StateApproved || got.Approver != "alice, bob" {
		t.Errorf("%s by %s", got.State, got.Approver)
	}
	op.do(t, g, one)
	op.ran(t, 1)
}

func TestAnApprovalForOneIsNoneForTwo(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	w.approve(op.pending(t, w.guard(), one))
	op.pending(t, w.guard(func(p *Policy) { p.Quorum.Write = 2 }), one)
	op.ran(t, 0)
}

func TestStruckOffApproversLeaveTheirQuorum(t *testing.T) {
	w := newWorld(t)
	bob := must(NewSigner("bob"))
	must(0, w.enrol(bob.Approver()))
	op := newCounted()
	g := w.guard(func(p *Policy) { p.Quorum.Write = 2 })
	p := op.pending(t, g, one)
	w.approve(p)
	must(0, w.journal().Approve(p.ID, p.Digest, bob))
	must(0, os.Remove(filepath.Join(w.folder(), approversFile)))
	must(0, w.enrol(w.signer.Approver()))
	op.pending(t, g, one)
	op.ran(t, 0)
}
