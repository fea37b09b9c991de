package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
)

func TestAKeyIsNotEnrolledUnderAnotherName(t *testing.T) {
	d := newDesk(t)
	d.dir = filepath.Join(t.TempDir(), "fresh")
	d.want(exitFailed, []string{"init", "-name", "bob"}, "the key of alice")
	if enrolled, err := gate.Approvers(d.dir); err != nil || len(enrolled) > 0 {
		t.Errorf("%v, %v", enrolled, err)
	}
	d.want(exitOK, []string{"init", "-name", "alice"}, "Kept the key")
}

func TestWhatIsDecidedIsNotAskedFor(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierWrite, "x")).Proposal
	d.want(exitOK, []string{"deny", p.ID})
	code, stdout, stderr := d.typing(p.Code()+"\n", "approve", p.ID)
	if code != exitFailed || strings.Contains(stdout, "Type the") || !strings.Contains(stderr, "is denied, not pending") {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
	d.wants(t, gate.StateDenied, p.ID)
}

func TestARefusedProofSaysWhatIsMissing(t *testing.T) {
	d := newDesk(t)
	p := d.call(d.op(gate.TierDestructive, "x")).Proposal
	for want, args := range map[string][]string{
		"without a terminal give -code": nil, "not the beginning of its digest": {"-code", "000000x"}, "give -target too": {"-code", p.Code()},
		"not its first target": {"-code", p.Code(), "-target", "~2"},
	} {
		d.want(exitFailed, append([]string{"approve", p.ID}, args...), want)
	}
	d.wants(t, gate.StatePending, p.ID)
	q := d.call(d.op(gate.TierWrite, "x")).Proposal
	d.want(exitFailed, []string{"grant", q.ID}, "give -code")
	d.want(exitFailed, []string{"grant", q.ID, "-code", "zzzzzz"}, "not the beginning of its digest")
	if code, _, stderr := d.typing("yes\n", "approve", q.ID); code != exitFailed || !strings.Contains(stderr, "not the beginning of its digest") {
		t.Errorf("%d %s", code, stderr)
	}
	d.wants(t, gate.StatePending, q.ID)
}

func TestArgumentsAreCounted(t *testing.T) {
	d := newDesk(t)
	d.want(exitUsage, []string{"pending", "x"}, "pending takes no argument")
	d.want(exitUsage, []string{"show"}, "show takes P")
	d.want(exitUsage, []string{"resolve", "P-1"}, "resolve takes P OUTCOME")
}

func TestATornExportIsNotGoneOnWith(t *testing.T) {
	d := newDesk(t)
	d.call(d.op(gate.TierWrite, "A case"))
	anchor := filepath.Join(t.TempDir(), "outside.jsonl")
	d.want(exitOK, []string{"log", "-export", anchor})
	b, err := os.ReadFile(anchor)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(anchor, b[:len(b)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	d.want(exitOK, []string{"freeze"})
	d.want(exitFailed, []string{"log", "-export", anchor}, "ends in the middle of a line")
}

// What the help shows as typed can be typed.
func TestTheHelpShowsCommandsAndFlagsThatThereAre(t *testing.T) {
	shown := 0
	for _, cmd := range commands() {
		var help bytes.Buffer
		run([]string{cmd.name, "-h"}, nil, &help, &help, os.Getenv)
		for line := range strings.Lines(help.String()) {
			typed, is := strings.CutPrefix(line, "  gate ")
			if !is {
				continue
			}
			shown++
			words := strings.Fields(typed)
			if words[0] != cmd.name {
				t.Errorf("gate %s -h shows another command: %s", cmd.name, typed)
			}
			fs := flag.NewFlagSet("", flag.ContinueOnError)
			fs.String("state", "", "")
			cmd.flags(&app{}, fs)
			for _, w := range words[1:] {
				if name, is := strings.CutPrefix(w, "-"); is && fs.Lookup(name) == nil {
					t.Errorf("gate %s -h shows a flag that there isn't: %s", cmd.name, typed)
				}
			}
		}
	}
	if shown < 15 {
		t.Errorf("only %d examples", shown)
	}
}

func TestNoErrorOfTheCommandLineShowsAPassword(t *testing.T) {
	const canary = "canary-5f1c"
	for _, args := range [][]string{
		{"postgres://u:" + canary + "@db.example/gate"}, {"pending", "postgres://u:" + canary + "@db.example/gate"},
		{"migrate", "mysql://u:" + canary + "@db.example/gate"}, {"migrate", "postgres://u:12/" + canary + "@db.example/gate"},
		{"status", "-state", "postgres://u:12/" + canary + "@db.example/gate"},
	} {
		var out bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &out, func(string) string { return "" }); code == exitOK || strings.Contains(out.String(), canary) {
			t.Errorf("exit %d: %s", code, out.String())
		}
	}
}
