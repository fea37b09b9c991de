package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/keyring"
)

// want runs a command that must end with code and print all of texts.
func (d *desk) want(code int, args []string, texts ...string) string {
	d.Helper()
	got, stdout, stderr := d.gate(args...)
	if got != code {
		d.Errorf("%v: exit %d, want %d: %s%s", args, got, code, stdout, stderr)
	}
	for _, text := range texts {
		if !strings.Contains(stdout+stderr, text) {
			d.Errorf("%v doesn't say %q:\n%s%s", args, text, stdout, stderr)
		}
	}
	return stdout
}

// secretly runs a command at a terminal where the passphrases are typed.
func (d *desk) secretly(passphrases []string, typed string, args ...string) (code int, said string) {
	d.Helper()
	var out bytes.Buffer
	a := &app{stdin: strings.NewReader(typed), stdout: &out, stderr: &out, env: os.Getenv, terminal: true}
	a.typed = func(question string) ([]byte, error) {
		out.WriteString(question + "\n")
		if len(passphrases) == 0 {
			return nil, errors.New("nobody types")
		}
		next := passphrases[0]
		passphrases = passphrases[1:]
		return []byte(next), nil
	}
	code = a.run(append(args, "-state", d.dir, "-key", d.key))
	return code, out.String()
}

func TestInitAsksForAPassphraseAndApproveNeedsIt(t *testing.T) {
	d := newDesk(t)
	d.key = filepath.Join(t.TempDir(), "carol.key")
	const good = "correct horse battery"
	for name, typed := range map[string][]string{"short": {"short", "short"}, "different": {good, good + "!"}, "nothing": {}, "empty": {"", ""}} {
		if code, said := d.secretly(typed, "", "init", "-name", "carol"); code != exitFailed {
			t.Errorf("%s: %d %s", name, code, said)
		}
		if _, err := os.Stat(d.key); err == nil {
			t.Fatalf("%s: a key was made", name)
		}
	}
	d.want(exitFailed, []string{"init", "-name", "carol"}, "no key was made", "terminal")
	if code, said := d.secretly([]string{good, good}, "", "init", "-name", "carol"); code != exitOK || strings.Contains(said, good) {
		t.Fatalf("%d %s", code, said)
	}
	p := d.call(d.op(gate.TierWrite, "A case")).Proposal
	code := p.Code()
	d.want(exitFailed, []string{"approve", p.ID, "-code", code}, "passphrase")
	if got, said := d.secretly([]string{"wrong guess"}, code+"\n", "approve", p.ID); got != exitFailed {
		t.Errorf("a wrong passphrase: %d %s", got, said)
	}
	d.wants(t, gate.StatePending, p.ID)
	if got, said := d.secretly([]string{good}, code+"\n", "approve", p.ID); got != exitOK || !strings.Contains(said, "as carol") {
		t.Errorf("%d %s", got, said)
	}
	d.wants(t, gate.StateApproved, p.ID)
}

func TestInitWithoutAPassphraseSaysWhatThatMeans(t *testing.T) {
	d := newDesk(t)
	d.key = filepath.Join(t.TempDir(), "dave.key")
	d.want(exitOK, []string{"init", "-name", "dave", "-no-passphrase"}, "no passphrase", "every program")
}

func TestTheKeyIsOneOfOpenSSH(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("there is no ssh-keygen here")
	}
	d := newDesk(t)
	d.key = filepath.Join(t.TempDir(), "erin.key")
	if code, said := d.secretly([]string{"correct horse", "correct horse"}, "", "init", "-name", "erin"); code != exitOK {
		t.Fatal(said)
	}
	public, err := exec.Command(keygen, "-y", "-P", "correct horse", "-f", d.key).Output()
	beside, rerr := os.ReadFile(d.key + ".pub")
	if err != nil || rerr != nil || strings.TrimSpace(string(public)) != strings.TrimSpace(string(beside)) {
		t.Errorf("%s, %v; beside it is %s, %v", public, err, beside, rerr)
	}
	if out, err := exec.Command(keygen, "-y", "-P", "wrong", "-f", d.key).CombinedOutput(); err == nil {
		t.Errorf("it opens without its passphrase: %s", out)
	}
}

func TestAnEnrolledAgentsKeySigns(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the agent is asked over a socket of Unix")
	}
	d := newDesk(t)
	other := filepath.Join(t.TempDir(), "frank.key")
	if _, err := keyring.Create(other, "frank", nil); err != nil {
		t.Fatal(err)
	}
	d.want(exitOK, []string{"enrol", other + ".pub"}, "frank")
	d.want(exitFailed, []string{"enrol", other + ".pub"}, "already")
	d.want(exitFailed, []string{"enrol", other}, "public key")
	d.want(exitFailed, []string{"enrol", other + ".pub", "-name", "(client)"})
	p := d.call(d.op(gate.TierWrite, "A case")).Proposal
	t.Setenv("SSH_AUTH_SOCK", "")
	d.want(exitFailed, []string{"approve", p.ID, "-code", p.Code(), "-agent"}, "ssh-agent")

	ring := agent.NewKeyring()
	raw, err := rawKey(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, conn) //nolint:errcheck // ends with the connection
		}
	}()
	t.Setenv("SSH_AUTH_SOCK", socket)
	d.want(exitOK, []string{"approve", p.ID, "-code", p.Code(), "-agent"}, "as frank")
	d.wants(t, gate.StateApproved, p.ID)
}

func TestTwoApproversSignOneAfterTheOther(t *testing.T) {
	d := newDesk(t)
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: d.dir, Quorum: gate.Quorum{Write: 2}})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	d.guard = guard
	p := d.call(d.op(gate.TierWrite, "A case")).Proposal
	d.want(exitOK, []string{"approve", p.ID, "-code", p.Code()}, "2 approvers must sign; so far: alice")
	d.want(exitFailed, []string{"approve", p.ID, "-code", p.Code()}, "signed it already")
	d.key = filepath.Join(t.TempDir(), "bob.key")
	d.want(exitOK, []string{"init", "-name", "bob", "-no-passphrase"})
	d.want(exitOK, []string{"approve", p.ID, "-code", p.Code()}, "so far: alice", "Approved")
	if res := d.call(d.op(gate.TierWrite, "A case")); res.State != gate.StateExecuted {
		t.Errorf("it is %s", res.State)
	}
}

func TestAStandingApprovalIsGrantedShownAndRevoked(t *testing.T) {
	d := newDesk(t)
	op := d.op(gate.TierWrite, "A case")
	p := d.call(op).Proposal
	d.want(exitFailed, []string{"grant", p.ID}, "-code")
	d.want(exitFailed, []string{"grant", p.ID, "-code", "000000"}, "not approved")
	d.want(exitFailed, []string{"grant", p.ID, "-code", p.Code(), "-for", "25h"})
	d.want(exitOK, []string{"grant", p.ID, "-code", p.Code(), "-count", "2", "-for", "1h"}, "at most 2 calls", "Granted G-", "as alice")
	list, err := func() ([]gate.Grant, error) {
		j, err := d.guard.Journal()
		if err != nil {
			return nil, err
		}
		return j.Grants()
	}()
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	d.want(exitOK, []string{"status"}, list[0].ID, "0 of 2 used", "breaker    closed")
	if res := d.call(op); res.State != gate.StateExecuted || !strings.Contains(res.Note, list[0].ID) {
		t.Errorf("%s %s", res.State, res.Note)
	}
	d.want(exitOK, []string{"log"}, "granted", "hive_update on case ~1")
	d.want(exitOK, []string{"revoke", list[0].ID}, "Revoked")
	d.want(exitFailed, []string{"revoke", "G-NONE"})
	if out := d.want(exitOK, []string{"status"}); strings.Contains(out, list[0].ID) {
		t.Errorf("what was revoked is shown as standing:\n%s", out)
	}
	deletion := d.call(d.op(gate.TierDestructive, "A case")).Proposal
	d.want(exitFailed, []string{"grant", deletion.ID, "-code", deletion.Code()})
}

func TestTheBreakerIsResetByAnApprover(t *testing.T) {
	d := newDesk(t)
	op := d.op(gate.TierWrite, "A case")
	for _, id := range []string{"1", "2", "3"} {
		res, err := op.Do(t.Context(), d.guard, &deletion{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		d.want(exitOK, []string{"deny", res.Proposal.ID})
	}
	if _, err := op.Do(t.Context(), d.guard, &deletion{ID: "4"}); !errors.Is(err, gate.ErrRefused) {
		t.Errorf("%v", err)
	}
	d.want(exitOK, []string{"status"}, "breaker    open", "3 denials")
	d.want(exitOK, []string{"log"}, "tripped", "3 denials")
	key := d.key
	d.key = filepath.Join(t.TempDir(), "none.key")
	d.want(exitFailed, []string{"reset"})
	d.key = key
	d.want(exitOK, []string{"reset"}, "closed")
	if _, err := op.Do(t.Context(), d.guard, &deletion{ID: "4"}); err != nil {
		t.Error(err)
	}
}

func TestReplayAndResolve(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierWrite, "A case")).Proposal
	d.want(exitFailed, []string{"replay", p.ID}, "pending")
	d.want(exitOK, []string{"deny", p.ID})
	d.want(exitOK, []string{"replay", p.ID}, "REPLAYS", "waits for approval as P-")
	d.want(exitUsage, []string{"resolve", p.ID, "maybe"}, "executed or failed")
	d.want(exitUsage, []string{"resolve", p.ID}, "takes P OUTCOME")
	d.want(exitFailed, []string{"resolve", p.ID, "executed"}, "not unknown")

	lost := gate.Write("lost", func(context.Context, deletion) (string, error) { return "", gate.ErrOutcomeUnknown }, "Lose.")
	q := d.call(lost).Proposal
	d.want(exitOK, []string{"approve", q.ID, "-code", q.Code()})
	if _, err := lost.Do(t.Context(), d.guard, &deletion{ID: "~1"}); !errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	d.wants(t, gate.StateUnknown, q.ID)
	d.want(exitOK, []string{"resolve", q.ID, "failed"}, "counts as failed")
	d.wants(t, gate.StateFailed, q.ID)
}

func TestWhoDecidesIsToldWhatBecameOfTheSameCall(t *testing.T) {
	for _, outcome := range []gate.State{gate.StateExecuted, gate.StateFailed} {
		d := newDesk(t)
		lost := gate.Write("lost", func(context.Context, deletion) (string, error) { return "", gate.ErrOutcomeUnknown }, "Lose.")
		first := d.call(lost).Proposal
		d.want(exitOK, []string{"approve", first.ID, "-code", first.Code()})
		if _, err := lost.Do(t.Context(), d.guard, &deletion{ID: "~1"}); !errors.Is(err, gate.ErrOutcomeUnknown) {
			t.Fatal(err)
		}
		again := d.call(lost).Proposal
		d.want(exitOK, []string{"show", again.ID}, first.ID+", ended with an unknown outcome")
		said := map[gate.State]string{
			gate.StateExecuted: "But " + again.ID + ", the same call, is pending: gate deny " + again.ID,
			gate.StateFailed:   first.ID + " counts as failed.",
		}
		d.want(exitOK, []string{"resolve", first.ID, string(outcome)}, said[outcome])
		told := first.ID + ", the same call, " + map[gate.State]string{gate.StateExecuted: "was executed", gate.StateFailed: "failed"}[outcome] + " at 20"
		_, shown, _ := d.gate("show", again.ID)
		_, asked, _ := d.gate("approve", again.ID)
		for where, text := range map[string]string{"show": shown, "approve": asked} {
			if text = strings.ReplaceAll(text, "\n           | ", " "); !strings.Contains(text, told) || !strings.Contains(text, "resolved by alice") {
				t.Errorf("gate %s after the earlier one counts as %s doesn't say %q:\n%s", where, outcome, told, text)
			}
		}
		d.want(exitOK, []string{"deny", again.ID})
		if _, shown, _ := d.gate("show", again.ID); strings.Contains(shown, told) {
			t.Errorf("of a denied one is said what might be done twice:\n%s", shown)
		}
	}
}

func TestAnExportIsAnAnchor(t *testing.T) {
	d := newDesk(t)
	d.call(d.op(gate.TierWrite, "A case"))
	anchor := filepath.Join(t.TempDir(), "outside.jsonl")
	d.want(exitOK, []string{"log", "-export", anchor})
	d.want(exitOK, []string{"verify", "-anchor", anchor}, "3 events are as the anchor knows them")
	before, err := os.ReadFile(filepath.Join(d.dir, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	d.want(exitOK, []string{"freeze"})
	d.want(exitOK, []string{"unfreeze"})
	d.want(exitOK, []string{"checkpoint"}, "as alice")
	if runtime.GOOS != "windows" {
		d.want(exitOK, []string{"rotate"})
	}
	for range 2 { // the second time there is nothing new
		d.want(exitOK, []string{"log", "-export", anchor})
	}
	if b, err := os.ReadFile(anchor); err != nil || runtime.GOOS != "windows" && bytes.Count(b, []byte("\n")) != 7 {
		t.Errorf("the copy has %d lines, %v", bytes.Count(b, []byte("\n")), err)
	}
	d.want(exitOK, []string{"verify", "-anchor", anchor}, "1 checkpoints; an approver vouches for all up to event 5")
	d.want(exitFailed, []string{"verify", "-anchor", anchor + ".none"})

	segments, _ := filepath.Glob(filepath.Join(d.dir, "journal-*.jsonl"))
	for _, s := range segments {
		os.Remove(s) //nolint:errcheck // the check below says so
	}
	if err := os.WriteFile(filepath.Join(d.dir, "journal.jsonl"), before, 0o600); err != nil {
		t.Fatal(err)
	}
	d.want(exitOK, []string{"verify"}, "the chain holds")
	d.want(exitFailed, []string{"verify", "-anchor", anchor}, "rolled back")
	d.want(exitFailed, []string{"log", "-export", anchor}, "rolled back")
}

func TestTheLogIsFollowed(t *testing.T) {
	d := newDesk(t)
	d.call(d.op(gate.TierWrite, "A case"))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	a := &app{stdout: w, stderr: w, env: os.Getenv}
	l := &lister{call: &call{app: a, state: d.dir}, history: &folder{dir: d.dir}, n: 20}
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx, true) }()
	shown := bufio.NewReader(r)
	read := func(want string) {
		t.Helper()
		if err := r.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Skip(err)
		}
		if line, err := shown.ReadString('\n'); err != nil || !strings.Contains(line, want) {
			t.Errorf("%q, %v; want a line with %q", line, err, want)
		}
	}
	for _, kind := range []string{"bound", "enrolled", "proposed"} {
		read(kind)
	}
	d.want(exitOK, []string{"freeze"})
	read("frozen")
	if runtime.GOOS != "windows" {
		d.want(exitOK, []string{"rotate"})
		read("genesis")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func rawKey(file string) (any, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ssh.ParseRawPrivateKey(b)
}
