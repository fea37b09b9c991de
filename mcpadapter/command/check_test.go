package command_test

import (
	"bytes"
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
	tomorrow := func() time.Time { return time.Now().Add(24 * time.Hour) }
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, state, usual string)
		want    []string // STATE stands for the folder
	}{
		"all is well":    {func(_ *testing.T, state, _ string) { enrolled(state) }, nil},
		"nobody":         {func(*testing.T, string, string) {}, []string{"WARN  gate approvers: no approver is enrolled in STATE", "run gate init -state STATE"}},
		"another folder": {func(_ *testing.T, _, usual string) { enrolled(usual) }, []string{"WARN  gate approvers: no approver is enrolled in STATE", "there are approvers in USUAL", "leave SALLYPORT_STATE out here or set it to that"}},
		"frozen":         {func(_ *testing.T, state, _ string) { enrolled(state); frozen(state, journal.Options{}) }, []string{"WARN  gate freeze: all writes are frozen, by amy", "an exercise", "gate unfreeze -state STATE ends that"}},
		"a clock that went back": {func(_ *testing.T, state, _ string) { enrolled(state); frozen(state, journal.Options{Now: tomorrow}) },
			[]string{"WARN  gate clock: the clock is 24h0m0s behind the journal, so nothing is written", "gate clock -state STATE says so"}},
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
