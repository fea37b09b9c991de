package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
)

// desk is an operator at work: a state directory, a key and a guard that
// proposes into the same journal.
type desk struct {
	*testing.T
	dir, key string
	guard    *gate.Guard
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	tmp := t.TempDir()
	d := &desk{T: t, dir: filepath.Join(tmp, "state"), key: filepath.Join(tmp, "config", "approver.key")}
	if code, _, stderr := d.gate("init", "-name", "alice", "-no-passphrase"); code != exitOK {
		t.Fatalf("init: %d, %s", code, stderr)
	}
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: d.dir})
	if err != nil {
		t.Fatal(err)
	}
	d.guard = guard
	t.Cleanup(func() { guard.Close() })
	return d
}

// gate runs a command without a terminal.
func (d *desk) gate(args ...string) (code int, stdout, stderr string) {
	d.Helper()
	return d.at(false, "", args...)
}

// typing runs a command on a terminal where typed is typed.
func (d *desk) typing(typed string, args ...string) (code int, stdout, stderr string) {
	d.Helper()
	return d.at(true, typed, args...)
}

func (d *desk) at(terminal bool, typed string, args ...string) (code int, stdout, stderr string) {
	d.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(typed), stdout: &out, stderr: &errs, env: os.Getenv, terminal: terminal}
	code = a.run(append(args, "-state", d.dir, "-key", d.key))
	for _, r := range out.String() + errs.String() {
		if r != '\n' && !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) {
			d.Errorf("%v printed %U", args, r)
		}
	}
	return code, out.String(), errs.String()
}

type deletion struct {
	ID string `json:"id"`
}

func (d *desk) op(tier gate.Tier, title string) *gate.Operation[deletion, string] {
	run := func(_ context.Context, in deletion) (string, error) { return "did " + in.ID, nil }
	plan := func(_ context.Context, in deletion) (gate.Plan, error) {
		return gate.Plan{Summary: "Touch a case.", Targets: []gate.Target{{Kind: "case", ID: in.ID, Name: title}}}, nil
	}
	if tier == gate.TierWrite {
		return gate.Write("hive_update", run, "Update.").Plan(plan)
	}
	return gate.Destructive("hive_delete", run, "Delete.").Plan(plan)
}

func (d *desk) call(op *gate.Operation[deletion, string]) *gate.Result {
	d.Helper()
	res, err := op.Do(d.Context(), d.guard, &deletion{ID: "~1"})
	if err != nil {
		d.Fatal(err)
	}
	return res
}

func (d *desk) wants(t *testing.T, state gate.State, id string) {
	t.Helper()
	p, err := d.guard.Proposal(d.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if p.State != state {
		t.Errorf("%s is %s, want %s", id, p.State, state)
	}
}

func TestInitMakesAKeyOnceAndEnrolsIt(t *testing.T) {
	d := newDesk(t)
	before, err := os.ReadFile(d.key)
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(d.key); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", fi.Mode(), err)
	}
	enrolled, err := gate.Approvers(d.dir)
	if err != nil || len(enrolled) != 1 || enrolled[0].Name != "alice" {
		t.Errorf("enrolled: %v, %v", enrolled, err)
	}
	for _, args := range [][]string{{"init"}, {"init", "-name", "alice"}, {"init", "-name", "bob"}} {
		if code, _, stderr := d.gate(args...); code != exitFailed || stderr == "" {
			t.Errorf("%v again: %d %s", args, code, stderr)
		}
	}
	if after, _ := os.ReadFile(d.key); !bytes.Equal(before, after) {
		t.Error("the key was replaced")
	}
	d.dir = filepath.Join(t.TempDir(), "second") // the same key for another state directory
	if code, stdout, stderr := d.gate("init"); code != exitOK || !strings.Contains(stdout, "Kept") {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
	d.key = filepath.Join(t.TempDir(), "other.key")
	if code, _, _ := d.gate("init", "-name", "alice", "-no-passphrase"); code != exitFailed {
		t.Error("a name was enrolled twice")
	}
	if _, err := os.Stat(d.key); err == nil {
		t.Error("a key was left that nobody enrolled")
	}
	if code, _, _ := d.gate("init", "-name", "(client)"); code != exitFailed {
		t.Error("a name that can't be was enrolled")
	}
}

func TestTheDefaultKeyIsInTheConfigurationDirectory(t *testing.T) {
	dir := t.TempDir()
	got, err := defaultKey(func(string) string { return dir })
	if want := filepath.Join(dir, "sallyport", "approver.key"); err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if got, err := defaultKey(func(string) string { return "" }); err == nil && !strings.HasSuffix(filepath.ToSlash(got), ".config/sallyport/approver.key") {
		t.Error(got)
	}
}

func TestPendingAndShow(t *testing.T) {
	d := newDesk(t)
	if _, stdout, _ := d.gate("pending"); stdout != "Nothing is pending in "+d.dir+".\n" {
		t.Errorf("%q", stdout)
	}
	p := d.call(d.op(gate.TierWrite, "evil\x1b[2J\u202e\nWARNING none")).Proposal
	_, stdout, _ := d.gate("pending")
	if strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, p.ID) || !strings.Contains(stdout, "hive_update") {
		t.Errorf("%q", stdout)
	}
	_, stdout, _ = d.gate("show", p.ID)
	if diff := cmp.Diff(gate.Render(p), stdout); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
	if _, stdout, _ = d.gate("show", "-input", p.ID); !strings.Contains(stdout, `{"id":"~1"}`) {
		t.Errorf("%q", stdout)
	}
	if code, _, stderr := d.gate("show", "P-\x1bNONE"); code != exitFailed || !strings.Contains(stderr, "no such proposal") || !strings.Contains(stderr, " in "+d.dir) {
		t.Errorf("%d %q", code, stderr)
	}
}

// Two proposals of one kind differ by what they are about, and each says who asks.
func TestWhatWaitsIsToldApart(t *testing.T) {
	d := newDesk(t)
	open := gate.Write("hive_open", func(_ context.Context, in deletion) (string, error) { return in.ID, nil }, "Open.").Plan(
		func(_ context.Context, in deletion) (gate.Plan, error) {
			return gate.Plan{Summary: "Open a case.", Changes: []gate.Change{{Field: "title", After: in.ID}}}, nil
		})
	ctx := gate.WithClient(t.Context(), "claude-code\x1b[2J 2.1")
	for _, title := range []string{"Phishing at the front desk", "Printer on\nfire"} {
		if _, err := open.Do(ctx, d.guard, &deletion{ID: title}); err != nil {
			t.Fatal(err)
		}
	}
	p := d.call(d.op(gate.TierDestructive, "Fleet host 007")).Proposal
	for _, command := range []string{"pending", "log"} {
		_, stdout, _ := d.gate(command)
		for _, want := range []string{"title: Phishing at the front desk", `title: Printer on\nfire`, "case Fleet host 007", "by agent"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s lacks %q:\n%s", command, want, stdout)
			}
		}
		if strings.ContainsRune(stdout, '\x1b') {
			t.Errorf("%s: %q", command, stdout)
		}
		if command == "pending" && (strings.Count(stdout, "by agent (by its own word claude-code") != 2 || strings.Count(stdout, "\n") != 3) {
			t.Errorf("%s", stdout)
		}
	}
	list, err := d.guard.Status(t.Context())
	if err != nil || len(list.Pending) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	screen := gate.Render(list.Pending[0])
	facts, claim, _ := strings.Cut(screen, "agent's claim")
	if strings.Contains(facts, "claude-code") || !strings.Contains(claim, `asked through "claude-code`) || strings.Contains(gate.Render(p), "claim") {
		t.Errorf("%s", screen)
	}
}

func TestApproveOnATerminal(t *testing.T) {
	for _, tier := range []gate.Tier{gate.TierWrite, gate.TierDestructive} {
		t.Run(tier.String(), func(t *testing.T) {
			d := newDesk(t)
			op := d.op(tier, "Phishing at ACME")
			p := d.call(op).Proposal
			right := []string{p.Code(), "~1"}[tier-gate.TierWrite]
			for _, typed := range []string{"", "\n", "yes\n", "y\n", p.ID + "\n", []string{"~1", p.Code()}[tier-gate.TierWrite] + "\n"} {
				if code, _, stderr := d.typing(typed, "approve", p.ID); code != exitFailed || !strings.Contains(stderr, "not approved") {
					t.Errorf("%q: %d %s", typed, code, stderr)
				}
			}
			d.wants(t, gate.StatePending, p.ID)
			code, stdout, stderr := d.typing(right+"\n", "approve", p.ID)
			if code != exitOK || !strings.HasPrefix(stdout, gate.Render(p)) {
				t.Fatalf("%d %s %s", code, stdout, stderr)
			}
			d.wants(t, gate.StateApproved, p.ID)
			if code, _, _ := d.typing(right+"\n", "approve", p.ID); code != exitFailed {
				t.Error("approved twice")
			}
			if res := d.call(op); res.Out != "did ~1" {
				t.Errorf("%+v", res)
			}
		})
	}
}

func TestADestructiveTargetMayBeNamed(t *testing.T) {
	for _, name := range []string{"Phishing at ACME", "tab\there"} {
		d := newDesk(t)
		p := d.call(d.op(gate.TierDestructive, name)).Proposal
		if code, _, stderr := d.typing(gate.Escape(name)+"\n", "approve", p.ID); code != exitOK {
			t.Errorf("%q: %d %s", name, code, stderr)
		}
	}
	d := newDesk(t)
	op := gate.Destructive("x", func(context.Context, deletion) (string, error) { return "", nil }, "X.")
	p := d.call(op).Proposal // without a target the code is asked for
	if code, _, stderr := d.typing(p.Code()+"\n", "approve", p.ID); code != exitOK {
		t.Errorf("%d %s", code, stderr)
	}
}

func TestApproveWithoutATerminalNeedsProofInFlags(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierWrite, "x")).Proposal
	for _, args := range [][]string{nil, {"-code", "000000x"}, {"-code", p.Digest}, {"-target", "~1"}} {
		if code, _, _ := d.at(false, p.Code()+"\n", append([]string{"approve", p.ID}, args...)...); code != exitFailed {
			t.Errorf("%v approved", args)
		}
	}
	d.wants(t, gate.StatePending, p.ID)
	if code, _, stderr := d.gate("approve", p.ID, "-code", p.Code()); code != exitOK {
		t.Errorf("%d %s", code, stderr)
	}

	p = d.call(d.op(gate.TierDestructive, "x")).Proposal
	for _, args := range [][]string{{"-code", p.Code()}, {"-target", "~1"}, {"-code", p.Code(), "-target", "~2"}, {"-code", "zzzzzz", "-target", "~1"}} {
		if code, _, _ := d.gate(append([]string{"approve", p.ID}, args...)...); code != exitFailed {
			t.Errorf("%v approved", args)
		}
	}
	d.wants(t, gate.StatePending, p.ID)
	if code, _, stderr := d.gate("approve", "-code", p.Code(), p.ID, "-target", "x"); code != exitOK {
		t.Errorf("%d %s", code, stderr)
	}
}

func TestAPipeIsNoTerminal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if isTerminal(r) || isTerminal(strings.NewReader("")) {
		t.Error("taken for a terminal")
	}
}

func TestApproveNeedsAnEnrolledKey(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierWrite, "x")).Proposal
	d.key = filepath.Join(t.TempDir(), "none.key")
	if code, _, _ := d.gate("approve", p.ID, "-code", p.Code()); code != exitFailed {
		t.Error("approved without a key")
	}
	mallory, err := gate.NewSigner("alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := mallory.Save(d.key); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := d.gate("approve", p.ID, "-code", p.Code()); code != exitFailed {
		t.Error("approved with another key of that name")
	}
	d.wants(t, gate.StatePending, p.ID)
}

func TestDeny(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierWrite, "x")).Proposal
	if code, _, stderr := d.gate("deny", p.ID, "-reason", "not now"); code != exitOK {
		t.Errorf("%d %s", code, stderr)
	}
	got, err := d.guard.Proposal(t.Context(), p.ID)
	if err != nil || got.State != gate.StateDenied || got.Approver != "alice" || got.Detail != "not now" {
		t.Errorf("%+v, %v", got, err)
	}
	if code, _, _ := d.gate("deny", p.ID); code != exitFailed {
		t.Error("denied twice")
	}
}

func TestAnApprovalSaysThatNothingRunsDuringAFreeze(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierWrite, "Phishing")).Proposal
	approve := func(p *gate.Proposal) string {
		t.Helper()
		code, stdout, stderr := d.gate("approve", p.ID, "-code", p.Code())
		if code != exitOK {
			t.Fatalf("%d %s", code, stderr)
		}
		_, said, _ := strings.Cut(stdout, "Approved ")
		return said
	}
	d.want(exitOK, []string{"freeze", "-reason", "odd traffic"})
	if said := approve(p); !strings.Contains(said, "not while all writes are frozen, by alice: odd traffic; gate unfreeze ends it") {
		t.Error(said)
	}
	d.want(exitOK, []string{"unfreeze"})
	if said := approve(d.call(d.op(gate.TierWrite, "Another")).Proposal); strings.Contains(said, "frozen") {
		t.Error(said)
	}
}

func TestShowSaysWhatBecameOfAProposalAndWhatToDo(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierWrite, "Phishing")).Proposal
	if said := d.want(exitOK, []string{"show", p.ID}); strings.Contains(said, "It is") {
		t.Error(said)
	}
	d.want(exitOK, []string{"deny", p.ID, "-reason", "wrong host"})
	d.want(exitOK, []string{"show", p.ID}, "It is denied since ", ", by alice: wrong host")
	for state, want := range map[gate.State]string{
		gate.StateExpired: "gate replay P-1",
		gate.StateUnknown: "gate resolve P-1 executed, or failed",
	} {
		if said := became(&gate.Proposal{ID: "P-1", State: state}); !strings.HasSuffix(said, want) {
			t.Errorf("%s: %s", state, said)
		}
	}
}

func TestAFolderThatWasntMovedIsNotAdopted(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierWrite, "Phishing")).Proposal
	d.want(exitOK, []string{"adopt"}, "Nothing was changed")
	d.wants(t, gate.StatePending, p.ID)
}

func TestFreezeAndUnfreeze(t *testing.T) {
	d := newDesk(t)
	frozen := func() bool {
		s, err := d.guard.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Frozen
	}
	if code, _, stderr := d.gate("freeze", "-reason", "odd traffic"); code != exitOK || !frozen() {
		t.Errorf("%d %s", code, stderr)
	}
	key := d.key
	d.key = filepath.Join(t.TempDir(), "none.key")
	if code, _, _ := d.gate("unfreeze"); code != exitFailed || !frozen() {
		t.Error("unfrozen without a key")
	}
	d.key = key
	if code, _, stderr := d.gate("unfreeze"); code != exitOK || frozen() {
		t.Errorf("%d %s", code, stderr)
	}
}

func TestLogStatusAndVerify(t *testing.T) {
	d := newDesk(t)
	op := d.op(gate.TierWrite, "Größe\x1b[2J\u202e😀")
	p := d.call(op).Proposal
	if code, _, stderr := d.gate("approve", p.ID, "-code", p.Code()); code != exitOK {
		t.Fatal(stderr)
	}
	d.call(op)
	_, stdout, _ := d.gate("log")
	var kinds []string
	for line := range strings.Lines(stdout) {
		kinds = append(kinds, strings.Fields(line)[3])
	}
	if diff := cmp.Diff([]string{"bound", "enrolled", "proposed", "approved", "consumed", "executed"}, kinds); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if _, stdout, _ = d.gate("log", "-n", "1"); strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, "executed") {
		t.Errorf("%q", stdout)
	}
	_, stdout, _ = d.gate("log", "-json", "-n", "0")
	first := strings.Split(stdout, "\n")[2]
	var e gate.Event
	if err := json.Unmarshal([]byte(first), &e); err != nil || e.Proposal.Plan.Targets[0].Name != "Größe\x1b[2J\u202e😀" {
		t.Errorf("%v: %s", err, first)
	}
	if strings.ContainsFunc(stdout, func(r rune) bool { return r > unicode.MaxASCII }) {
		t.Error("JSON beyond ASCII")
	}
	if _, stdout, _ = d.gate("status"); !regexp.MustCompile(`(?s)events +6\nhead +[0-9a-f]{64}\napprovers +1 alice\npending +0\nfrozen +false`).MatchString(stdout) {
		t.Errorf("status:\n%s", stdout)
	}
	code, stdout, _ := d.gate("verify")
	if code != exitOK || !strings.HasPrefix(stdout, "6 events") {
		t.Errorf("%d %s", code, stdout)
	}
	file := filepath.Join(d.dir, "journal.jsonl")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(b, []byte(`"consumed"`), []byte(`"approved"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{"verify", "log", "pending", "status"} {
		if code, _, stderr := d.gate(cmd); code != exitFailed || !strings.Contains(stderr, "seq 5") {
			t.Errorf("%s: %d %s", cmd, code, stderr)
		}
	}
	d.dir = t.TempDir()
	if code, _, _ := d.gate("verify"); code != exitFailed {
		t.Error("a missing journal was verified")
	}
}

func TestStatusSaysWhenNobodyCanApprove(t *testing.T) {
	d := newDesk(t)
	d.dir = filepath.Join(t.TempDir(), "fresh")
	if code, stdout, _ := d.gate("status"); code != exitOK || !strings.Contains(stdout, "Nobody can approve") {
		t.Errorf("%d %s", code, stdout)
	}
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{
		{nil, exitUsage}, {[]string{"help"}, exitOK}, {[]string{"-h"}, exitOK}, {[]string{"approve", "-h"}, exitOK},
		{[]string{"aprove"}, exitUsage}, {[]string{"approve"}, exitUsage}, {[]string{"approve", "a", "b"}, exitUsage},
		{[]string{"pending", "x"}, exitUsage}, {[]string{"pending", "-all"}, exitUsage}, {[]string{"log", "-n", "many"}, exitUsage},
	} {
		var stdout, stderr bytes.Buffer
		got := run(test.args, strings.NewReader(""), &stdout, &stderr, os.Getenv)
		if got != test.want {
			t.Errorf("%v: %d, want %d", test.args, got, test.want)
		}
		if stdout.Len()+stderr.Len() == 0 {
			t.Errorf("%v: silent", test.args)
		}
	}
	var help bytes.Buffer
	run([]string{"help"}, nil, &help, nil, os.Getenv)
	for _, cmd := range commands() {
		if !strings.Contains(help.String(), "gate "+cmd.name) {
			t.Errorf("help doesn't name %s", cmd.name)
		}
	}
}

func TestHelpAndCompletionTellWhatThereIs(t *testing.T) {
	for args, want := range map[string][]string{
		"help":            {"gate approve", "SALLYPORT_STATE", "Exit codes"},
		"help approve":    {"gate approve P: show a proposal", "-code", "-state"},
		"approve -h":      {"gate approve P: show a proposal"},
		"completion bash": {"complete -F _gate gate", "unfreeze"},
		"completion fish": {"complete -c gate", "pending"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(strings.Fields(args), strings.NewReader(""), &stdout, &stderr, os.Getenv); code != exitOK || stderr.Len() > 0 {
			t.Errorf("gate %s: exit %d, %s", args, code, stderr.String())
		}
		for _, w := range want {
			if !strings.Contains(stdout.String(), w) {
				t.Errorf("gate %s lacks %q:\n%s", args, w, stdout.String())
			}
		}
	}
	if code := run([]string{"completion", "dos"}, nil, io.Discard, io.Discard, os.Getenv); code != exitUsage {
		t.Errorf("an unknown shell: exit %d", code)
	}
}

func TestOnlyATerminalIsTakenForOne(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) || isTerminal(strings.NewReader("")) {
		t.Error("what no person sits at is taken for a terminal")
	}
}

func TestWhatNeedsNoKeyNeedsNoPlaceForOne(t *testing.T) {
	for _, name := range []string{"HOME", "home", "USERPROFILE", "XDG_CONFIG_HOME"} {
		t.Setenv(name, "")
	}
	d := newDesk(t)
	for cmd, want := range map[string]int{"pending": exitOK, "status": exitOK, "init": exitFailed, "unfreeze": exitFailed} {
		var out, stderr strings.Builder
		code := run([]string{cmd, "-state", d.dir}, strings.NewReader(""), &out, &stderr, func(string) string { return "" })
		if code != want || want == exitFailed && !strings.Contains(stderr.String(), "no place for the key") {
			t.Errorf("gate %s: exit %d, want %d: %s", cmd, code, want, stderr.String())
		}
	}
}

func TestAMistypedCommandIsAskedAbout(t *testing.T) {
	for typed, want := range map[string]string{"freze": `did you mean "freeze"?`, "aprove": `did you mean "approve"?`, "xyzzy": `no command "xyzzy": run gate help`} {
		var stderr strings.Builder
		if code := run([]string{typed}, strings.NewReader(""), io.Discard, &stderr, os.Getenv); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("gate %s: exit %d: %s", typed, code, stderr.String())
		}
	}
}

func TestTheHelpIsAligned(t *testing.T) {
	var out strings.Builder
	run([]string{"help"}, strings.NewReader(""), &out, io.Discard, os.Getenv)
	for _, cmd := range commands() {
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(line, "  gate "+cmd.name+" ") && strings.Index(line, cmd.doc) != 25 {
				t.Errorf("%q begins at %d", cmd.doc, strings.Index(line, cmd.doc))
			}
		}
	}
}

func TestABrokenChainNamesItsFileAndWhatToDo(t *testing.T) {
	d := newDesk(t)
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.dir, "journal.jsonl")
	if err := os.WriteFile(file, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{"pending", "verify"} {
		var stderr strings.Builder
		if code := run([]string{cmd, "-state", d.dir, "-key", d.key}, strings.NewReader(""), io.Discard, &stderr, os.Getenv); code != exitFailed ||
			!strings.Contains(stderr.String(), gate.Escape(file)+": seq 1") || !strings.Contains(stderr.String(), "keep a copy") || strings.Count(stderr.String(), "gate:") != 1 {
			t.Errorf("gate %s: exit %d: %s", cmd, code, stderr.String())
		}
	}
}
