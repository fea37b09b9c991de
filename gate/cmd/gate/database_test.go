package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/internal/pgtest"
	"github.com/sallyport-soc/sallyport/gate/postgres"
)

func TestAFolderMovesIntoADatabase(t *testing.T) {
	const canary = "canary-5f1c"
	var database pgtest.Shared
	defer database.Stop()
	address := strings.Replace(database.Server(t).State(""), "sallyport@", "sallyport:"+canary+"@", 1)
	d := newDesk(t)
	op := d.op(gate.TierWrite, "A case")
	done := d.call(op).Proposal
	d.approve(done)
	d.call(op)
	left := d.call(d.op(gate.TierDestructive, "A case")).Proposal // still waits

	var said strings.Builder
	run := func(want int, args ...string) string {
		t.Helper()
		code, out, errs := d.gate(args...)
		if code != want {
			t.Fatalf("gate %s: %d, %s%s", args[0], code, out, errs)
		}
		said.WriteString(out + errs)
		return out + errs
	}
	run(exitUsage, "migrate", t.TempDir())
	if out := run(exitOK, "migrate", address); !strings.Contains(out, "Moved ") {
		t.Error(out)
	}
	if _, err := op.Do(t.Context(), d.guard, &deletion{ID: "~2"}); err == nil {
		t.Error("the folder is written to as before")
	}
	folder := d.dir
	if out := run(exitFailed, "migrate", address); !strings.Contains(out, "isn't empty") {
		t.Error(out)
	}

	d.dir = address
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: address, OpenStore: postgres.Open})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	d.guard = guard
	if out := run(exitOK, "status"); !strings.Contains(out, "frozen     false") || !strings.Contains(out, "approvers  1 alice") {
		t.Error(out)
	}
	if out := run(exitOK, "show", done.ID); !strings.Contains(out, "A case") {
		t.Error(out)
	}
	d.wants(t, gate.StateStale, left.ID)
	if res := d.call(op); res.State != gate.StateExecuted || !res.Repeated {
		t.Errorf("what was done before the move is %s", res.State)
	}
	p := d.call(d.op(gate.TierDestructive, "A case")).Proposal
	run(exitOK, "approve", p.ID, "-code", p.Code(), "-target", "A case")
	if res := d.call(d.op(gate.TierDestructive, "A case")); res.State != gate.StateExecuted {
		t.Errorf("%s", res.State)
	}
	run(exitOK, "verify", "-replay")
	if out := run(exitOK, "log", "-n", "0"); !strings.Contains(out, "executed") {
		t.Error(out)
	}
	run(exitFailed, "rotate")
	run(exitFailed, "strike", "nobody")
	if out := run(exitFailed, "enrol", filepath.Join(folder, "approvers")); out == "" {
		t.Error("a list is no key")
	}
	export := filepath.Join(t.TempDir(), "export")
	run(exitOK, "log", "-export", export)
	run(exitOK, "verify", "-anchor", export)
	if strings.Contains(said.String(), canary) {
		t.Errorf("the password is in:\n%s", said.String())
	}
}

func (d *desk) approve(p *gate.Proposal) {
	d.Helper()
	if code, out, errs := d.gate("approve", p.ID, "-code", p.Code()); code != exitOK {
		d.Fatal(out, errs)
	}
}

func TestACheckpointIsExportedForAWitnessAndIsAnAnchor(t *testing.T) {
	d := newDesk(t)
	run := func(want int, args ...string) string {
		t.Helper()
		code, out, errs := d.gate(args...)
		if code != want {
			t.Fatalf("gate %v: %d, %s%s", args, code, out, errs)
		}
		return out + errs
	}
	run(exitOK, "freeze")
	if out := run(exitFailed, "log", "-export", "checkpoint"); !strings.Contains(out, "gate checkpoint") {
		t.Error(out)
	}
	out := run(exitOK, "checkpoint")
	_, key, _ := strings.Cut(out, "by this key: ")
	key = strings.TrimSpace(key)
	note := run(exitOK, "log", "-export", "checkpoint")
	lines := strings.Split(note, "\n")
	if len(lines) != 6 || !strings.HasPrefix(lines[0], "sallyport/journal/") || lines[1] != "3" || lines[3] != "" || !strings.HasPrefix(lines[4], "\u2014 "+lines[0]+" ") {
		t.Fatalf("%q", note)
	}
	if raw, err := base64.StdEncoding.DecodeString(lines[2]); err != nil || len(raw) != 32 {
		t.Errorf("a root of %d bytes, %v", len(raw), err)
	}
	file := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(file, []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(exitOK, "verify", "-anchor", file); !strings.Contains(out, "The first 3 events are") || !strings.Contains(out, "Nobody's cosignature") {
		t.Error(out)
	}
	if out := run(exitOK, "verify", "-anchor", file, "-witness", key); !strings.Contains(out, "Cosigned by sallyport/journal/") {
		t.Error(out)
	}
	run(exitUsage, "verify", "-witness", key)
	run(exitOK, "unfreeze")
	run(exitOK, "checkpoint")
	if out := run(exitOK, "log", "-export", "checkpoint", "-old", "3"); !strings.HasPrefix(out, "old 3\n") || !strings.Contains(out, "\n\nsallyport/journal/") {
		t.Error(out)
	}
	run(exitFailed, "log", "-export", "checkpoint", "-old", "99")
	other := newDesk(t)
	other.gate("freeze")
	other.gate("freeze")
	if code, _, errs := other.gate("verify", "-anchor", file); code != exitFailed || !strings.Contains(errs, "another journal") {
		t.Errorf("%d, %s", code, errs)
	}
}
