package command_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
)

func TestCheckWarnsOfWhatStopsWritesWithTheCommandThatMendsIt(t *testing.T) {
	nothing(t)
	enrolled := func(dir string) {
		t.Helper()
		s, err := gate.NewSigner("operator")
		if err == nil {
			err = gate.AddApprover(dir, s.Approver())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	frozen := func(dir string, o journal.Options) {
		t.Helper()
		j, err := journal.Open(dir, o)
		if err == nil {
			err = j.Freeze("amy", "an exercise")
		}
		if err == nil {
			err = j.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// lost has a write's answer lost, and another asked for where one such is enough to stop all.
	lost := func(dir string, calls int) {
		t.Helper()
		g, err := gate.New(gate.Policy{Dir: dir, Max: gate.TierWrite, Approval: gate.ApprovalHost, Getenv: func(string) string { return "" }, Breaker: gate.Breaker{Unknowns: 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		op := gate.Write("shelve", func(context.Context, struct{}) (string, error) { return "", gate.ErrOutcomeUnknown }, "Shelve.")
		for range calls {
			if _, err := op.Do(t.Context(), g, &struct{}{}); err == nil {
				t.Fatal("its outcome is known")
			}
		}
	}
	tomorrow := func() time.Time { return time.Now().Add(24 * time.Hour) }
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, state, usual string)
		want    []string // STATE stands for the folder
	}{
		"all is well":    {func(_ *testing.T, state, _ string) { enrolled(state) }, nil},
		"nobody":         {func(*testing.T, string, string) {}, []string{"WARN  gate approvers: no approver is enrolled in STATE", "run gate init -state STATE"}},
		"another folder": {func(_ *testing.T, _, usual string) { enrolled(usual) }, []string{"WARN  gate approvers: no approver is enrolled in STATE", "there are approvers in USUAL", "leave SALLYPORT_STATE out here or set it to that"}},
		"frozen":         {func(_ *testing.T, state, _ string) { enrolled(state); frozen(state, journal.Options{}) }, []string{"WARN  gate freeze: all writes are frozen, by amy", "an exercise", "gate unfreeze -state STATE ends that"}},
		"a lost answer": {func(_ *testing.T, state, _ string) { enrolled(state); lost(state, 1) },
			[]string{"WARN  gate outcomes: of 1 writes it isn't known whether they took effect: P-", "look at the platform, then say so with gate resolve P executed|failed -state STATE"}},
		"an open breaker": {func(_ *testing.T, state, _ string) { enrolled(state); lost(state, 2) },
			[]string{"WARN  gate breaker: the breaker stops all writes, after 1 unknown outcomes within an hour", "gate reset -state STATE closes it", "gate resolve P executed|failed -state STATE"}},
		"a clock that went back": {func(_ *testing.T, state, _ string) { enrolled(state); frozen(state, journal.Options{Now: tomorrow}) },
			[]string{"WARN  gate clock: the clock is 24h0m0s behind the journal, so nothing is written", "gate clock -state STATE says so"}},
		"as many wait as may": {func(t *testing.T, state, _ string) {
			enrolled(state)
			g, err := gate.New(gate.Policy{Dir: state, Max: gate.TierWrite, Getenv: func(string) string { return "" }})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			op := gate.Write("shelve", func(context.Context, struct{ N int }) (string, error) { return "", nil }, "Shelve.")
			for n := range 10 {
				if _, err := op.Do(t.Context(), g, &struct{ N int }{n}); err != nil {
					t.Fatal(err)
				}
			}
		}, []string{"WARN  gate proposals: 10 proposals wait, which is as many as may, so each further one is refused", "gate pending -state STATE lists them"}},
		"a copy": {func(t *testing.T, state, _ string) {
			original := t.TempDir()
			enrolled(original)
			frozen(original, journal.Options{})
			if err := os.CopyFS(state, os.DirFS(original)); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"journal.jsonl", "approvers"} { // as a copy that keeps modes
				if err := os.Chmod(filepath.Join(state, name), 0o600); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
		}, []string{"WARN  gate folder: ", "gate adopt -state STATE takes it over"}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			state, usual := filepath.Join(home, "state"), filepath.Join(home, "xdg", "sallyport")
			t.Setenv("XDG_STATE_HOME", filepath.Join(home, "xdg"))
			t.Setenv("SALLYPORT_STATE", state)
			tt.prepare(t, state, usual)
			var out bytes.Buffer
			if code := command.Run(t.Context(), server(&shelf{}, nil), []string{"check"}, strings.NewReader(""), &out, &out); code != 0 {
				t.Errorf("exit %d", code)
			}
			for _, w := range tt.want {
				if w = strings.NewReplacer("STATE", state, "USUAL", usual, "SALLYPORT_STATE", "SALLYPORT_STATE").Replace(w); !strings.Contains(out.String(), w) {
					t.Errorf("lacks %q:\n%s", w, out.String())
				}
			}
			if len(tt.want) == 0 && strings.Contains(out.String(), "WARN") {
				t.Errorf("warns:\n%s", out.String())
			}
		})
	}
}

func TestCheckOfADatabaseThatDoesNotAnswerSaysWhatGoesOn(t *testing.T) {
	nothing(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	const canary = "canary-5f1c"
	t.Setenv("SALLYPORT_STATE", "postgres://u:"+canary+"@"+ln.Addr().String()+"/gate?sslmode=disable")
	var out bytes.Buffer
	if code := command.Run(t.Context(), server(&shelf{}, nil), []string{"check"}, strings.NewReader(""), &out, &out); code != 1 {
		t.Errorf("exit %d", code)
	}
	for _, w := range []string{"gate journal: ", ln.Addr().String(), "writes are refused and reads run", "gate verify, with the same SALLYPORT_STATE,"} {
		if !strings.Contains(out.String(), w) {
			t.Errorf("lacks %q:\n%s", w, out.String())
		}
	}
	if strings.Contains(out.String(), canary) {
		t.Errorf("shows the password:\n%s", out.String())
	}
}
