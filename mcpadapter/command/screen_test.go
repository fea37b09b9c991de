package command_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
)

type sighting struct {
	ID      string `json:"id"`
	Value   string `json:"value"`
	Comment string `json:"comment"`
	At      string `json:"at"`
	Source  string `json:"source"`
}

type sightings struct {
	Note  string     `json:"note"`
	Since string     `json:"since"`
	List  []sighting `json:"list"`
}

func (s *sightings) Ops() []gate.Op {
	return []gate.Op{gate.Read("lab_sightings", func(context.Context, struct{}) (*sightings, error) { return s, nil }, "List sightings, of which there may be many and which are described at some length here.")}
}

func seen() command.Server {
	s := &sightings{Note: strings.Repeat("a long note ", 20), Since: "2026-03-02T10:00:00Z"}
	for i := range 3 {
		s.List = append(s.List, sighting{fmt.Sprint(i), "198.51.100.23", strings.Repeat("many words ", 5), "2026-03-02T10:00:00Z", strings.Repeat("s", 40)})
	}
	return command.Server{Name: "misp-mcp", Doc: "A lab.", Open: func(*gate.Guard, *slog.Logger) ([]command.Client, error) { return []command.Client{s}, nil }}
}

func TestTablesFitTheTerminal(t *testing.T) {
	for _, columns := range []int{40, 60, 80, 200} {
		t.Setenv("COLUMNS", fmt.Sprint(columns))
		for _, args := range [][]string{{"call", "lab_sightings"}, {"tools"}, {"call", "lab_sightings", "-help"}} {
			code, out, errs := run(t, seen(), args...)
			if code != 0 {
				t.Fatal(code, errs)
			}
			for line := range strings.Lines(out) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > columns && !strings.HasPrefix(line, "List sightings") {
					t.Errorf("%v on %d columns: a line of %d:\n%s", args, columns, n, line)
				}
			}
			if args[0] == "call" && len(args) == 2 && (!strings.Contains(out, "198.51.") || !strings.Contains(out, "long note")) {
				t.Errorf("on %d columns:\n%s", columns, out)
			}
		}
	}
	t.Setenv("COLUMNS", "")
	if _, out, _ := run(t, seen(), "call", "lab_sightings"); !strings.Contains(out, strings.Repeat("a long note ", 19)) || !strings.Contains(out, strings.Repeat("s", 40)) {
		t.Errorf("where nobody says how wide, something is missing:\n%s", out)
	}
}

type cautions struct {
	Warnings []string `json:"warnings"`
	Tags     []string `json:"tags"`
}

func (w *cautions) Ops() []gate.Op {
	return []gate.Op{gate.Read("lab_warned", func(context.Context, struct{}) (*cautions, error) { return w, nil }, "Warn.")}
}

func TestEachSentenceOfAListHasALineOfItsOwn(t *testing.T) {
	t.Setenv("COLUMNS", "")
	w := &cautions{[]string{"Rule 5712 counts these alerts, and would no longer see them.", "Short."}, []string{"a", "b"}}
	s := command.Server{Name: "misp-mcp", Doc: "A lab.", Open: func(*gate.Guard, *slog.Logger) ([]command.Client, error) { return []command.Client{w}, nil }}
	want := `warnings  Rule 5712 counts these alerts, and would no longer see them.
          Short.
tags      a, b
`
	if _, out, errs := run(t, s, "call", "lab_warned"); out != want {
		t.Errorf("got\n%s%s", out, errs)
	}
}

func TestTimesAreLocalForPeopleAndRFC3339ForPrograms(t *testing.T) {
	before := time.Local
	t.Cleanup(func() { time.Local = before })
	time.Local = time.FixedZone("lab", 2*3600)
	if _, out, _ := run(t, seen(), "call", "lab_sightings"); !strings.Contains(out, "since  2026-03-02 12:00:00\n") || strings.Contains(out, "10:00:00Z") {
		t.Errorf("for a person:\n%s", out)
	}
	if _, out, _ := run(t, seen(), "call", "lab_sightings", "-json"); !strings.Contains(out, `"since": "2026-03-02T10:00:00Z"`) {
		t.Errorf("for a program:\n%s", out)
	}
}

func TestHelpNamesEverySettingOfTheServer(t *testing.T) {
	_, out, _ := run(t, seen(), "help")
	for _, w := range []string{"misp-mcp [flags] tools", "-read-only", "MISP_URL", "Required. Address of MISP.", "MISP_API_KEY, MISP_API_KEY_FILE", "MISP_MAX_ANSWER", "SALLYPORT_APPROVAL"} {
		if !strings.Contains(out, w) {
			t.Errorf("help lacks %q:\n%s", w, out)
		}
	}
	if strings.Contains(out, "THEHIVE_") {
		t.Error("help tells of another platform")
	}
}

func TestCompletionOffersEveryFlag(t *testing.T) {
	_, out, _ := run(t, seen(), "completion", "bash")
	for _, w := range []string{"-max-response", "-tls-cert", "-read-only", "check", "misp-mcp tools -names"} {
		if !strings.Contains(out, w) {
			t.Errorf("completion lacks %q:\n%s", w, out)
		}
	}
}

type ring struct {
	ID   string `json:"id"`
	At   string `json:"at"`
	Rule struct {
		ID          string   `json:"id"`
		Level       int      `json:"level"`
		Description string   `json:"description"`
		Groups      []string `json:"groups"`
	} `json:"rule"`
	Agent struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"agent"`
	Location string `json:"location"`
}

type rings struct {
	Alerts []ring `json:"alerts"`
}

func (r *rings) Ops() []gate.Op {
	return []gate.Op{gate.Read("lab_rings", func(context.Context, struct{}) (*rings, error) { return r, nil }, "List alerts.")}
}

func TestATableOfAlertsSaysWhenAndWhatInEightyColumns(t *testing.T) {
	before := time.Local
	t.Cleanup(func() { time.Local = before })
	time.Local = time.UTC
	t.Setenv("COLUMNS", "80")
	var a ring
	a.ID, a.At, a.Location = strings.Repeat("x", 20), "2026-03-02T10:00:00.123Z", "/var/log/auth.log"
	a.Rule.ID, a.Rule.Level, a.Rule.Description, a.Rule.Groups = "5712", 10, "sshd: brute force, many attempts", []string{"sshd"}
	a.Agent.ID, a.Agent.Name = "007", "fleet-007"
	s := seen()
	s.Open = func(*gate.Guard, *slog.Logger) ([]command.Client, error) {
		return []command.Client{&rings{[]ring{a, a}}}, nil
	}
	_, out, errs := run(t, s, "call", "lab_rings")
	for _, w := range []string{"2026-03-02 10:00:00", "5712", "  10  ", "sshd: brute"} {
		if strings.Count(out, w) != 2 {
			t.Errorf("lacks %q:\n%s%s", w, out, errs)
		}
	}
}
