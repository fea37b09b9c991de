package gate

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestTheScreen(t *testing.T) {
	at := time.Date(2026, 7, 28, 12, 0, 0, 0, time.UTC)
	plain := &Proposal{ID: "P-0123ABCD", Op: "thehive_update_case", Tier: TierWrite, State: StatePending, Principal: "agent",
		Upstream: "https://hive.example.org as key 1f9a33c2", Created: at, Expires: at.Add(30 * time.Minute), Digest: strings.Repeat("0123456789abcdef", 4),
		Plan: Plan{Summary: "Change a case in TheHive.", Targets: []Target{{Kind: "case", ID: "~4", Name: "Phishing at ACME"}},
			Changes: []Change{Changed("severity", 2, 3), Set("tags", "phishing")}, Undo: "Set the severity back to 2."}}
	hostile := *plain
	hostile.Tier, hostile.Op = TierDestructive, "cortex_run_responder"
	hostile.Principal = "agent\nAPPROVED     by alice"
	hostile.Claim = "harmless\nDIGEST       0000 " + strings.Repeat("trust me ", 100)
	hostile.Plan = Plan{
		Summary: "Block an address.\r\x1b[2K\x1b[1AWHAT         Nothing at all.",
		Targets: []Target{{Kind: "host", ID: "10.0.0.1", Name: `gateway" (a test machine) "`},
			{Kind: "host\u200b", ID: "\u202e1.0.0.01\u202c", Name: "a\U000e0041\U000e0042\ufe0f\u2800\u3164b"}},
		Changes: []Change{{Field: "note", After: "short" + strings.Repeat(" ", 90) + "WARNING      none"},
			{Field: "pad", Before: "x", After: strings.Repeat("a", 10_000) + "the end"}, {Field: "bytes", After: "\xff\x00\x7f\u009b31m\u00a0|"}},
		Egress:   []Egress{{To: "VirusTotal", What: "the address", TLP: "amber"}},
		Warnings: []string{"It is the default gateway.", "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07"},
	}
	for name, p := range map[string]*Proposal{"plain": plain, "hostile": &hostile} {
		got := Render(p)
		golden := filepath.Join("testdata", name+".screen")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		checkScreen(t, p)
	}
}

var labels = []string{"PROPOSAL ", "WHAT ", "OPERATION ", "WHERE ", "TARGET ", "CHANGE ", "SET ", "LEAVES TO ", "WARNING ",
	"UNDO ", "ASKED BY ", "EXPIRES ", "DIGEST ", "           | ", "agent's claim, unverified:"}

// checkScreen fails the test if a value got out of its place on the screen.
func checkScreen(t *testing.T, p *Proposal) {
	t.Helper()
	screen := Render(p)
	fixed := 0
	for line := range strings.Lines(screen) {
		line = strings.TrimSuffix(line, "\n")
		known := line == ""
		for _, l := range labels {
			known = known || strings.HasPrefix(line, l)
		}
		if !known {
			t.Errorf("a line that the screen doesn't have: %q", line)
		}
		if n := utf8.RuneCountInString(line); n > 100+20 {
			t.Errorf("a line of %d characters", n)
		}
		if !strings.HasPrefix(line, "           |") && line != "" {
			fixed++
		}
		for _, r := range line {
			if r != ' ' && Escape(string(r)) != string(r) && r != '\\' {
				t.Errorf("%U is on the screen", r)
			}
		}
	}
	want := 8 + len(p.Plan.Targets) + len(p.Plan.Changes) + len(p.Plan.Egress) + len(p.Plan.Warnings)
	if p.Claim != "" {
		want++
	}
	if fixed != want {
		t.Errorf("%d labelled lines, want %d:\n%s", fixed, want, screen)
	}
}

func TestWhatSpeaksAgainstItComesFirst(t *testing.T) {
	p := &Proposal{ID: "P-1", Op: "x", Tier: TierDestructive, State: StatePending, History: []string{"done before"}, Plan: Plan{
		Summary: "Close a case.", Egress: []Egress{{To: "Mailer", What: "the whole case", TLP: "TLP:AMBER"}}, Warnings: []string{"Closing ends 1 open task for good."},
		Targets: []Target{{Kind: "case", ID: "~1", Name: "Phishing", Version: "New, updated 1"}}, Changes: []Change{Changed("TLP", "RED", "CLEAR")}}.Warned()}
	var got []string
	for line := range strings.Lines(Render(p)) {
		got = append(got, strings.TrimSpace(line[:min(12, len(line))]))
	}
	want := []string{"PROPOSAL", "WHAT", "UNDO", "LEAVES TO", "WARNING", "WARNING", "BEFORE", "OPERATION", "WHERE", "TARGET 1/1", "CHANGE", "ASKED BY", "EXPIRES", "DIGEST"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if !strings.Contains(Render(p), `as of "New, updated 1"`) {
		t.Errorf("the state of the target, which is signed, isn't shown:\n%s", Render(p))
	}
}

func TestEscapeShowsWhatCannotBeSeen(t *testing.T) {
	for in, want := range map[string]string{
		"Grüße, 世界 (a-b) <c>":  "Grüße, 世界 (a-b) <c>",
		"a\nb\tc\r":            `a\nb\tc\u{d}`,
		`a\nb`:                 `a\\nb`,
		"\x1b[31m":             `\u{1b}[31m`,
		"\u202eabc\u2066":      `\u{202e}abc\u{2066}`,
		"a\u200b\u200d\ufeffb": `a\u{200b}\u{200d}\u{feff}b`,
		"\U000e0041":           `\u{e0041}`,
		"\u00ad\u034f\u3164":   `\u{ad}\u{34f}\u{3164}`,
		"\u2028\u2029\u0085":   `\u{2028}\u{2029}\u{85}`,
		"a\u00a0b\u3000c":      `a\u{a0}b\u{3000}c`,
		"\u2800":               `\u{2800}`,
		"\ufe0f\U000e0100":     `\u{fe0f}\u{e0100}`,
		"\xff":                 `\u{fffd}`,
		"a   b":                `a \u{20}\u{20}b`,
		"":                     "",
	} {
		if diff := cmp.Diff(want, Escape(in)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\\u{20}", "a  ")
	f.Add("\u202e", "\\u{202e}")
	f.Fuzz(func(t *testing.T, a, b string) {
		got := Escape(a)
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
				t.Errorf("%U is left of %q", r, a)
			}
		}
		if utf8.ValidString(a) && utf8.ValidString(b) && a != b && got == Escape(b) {
			t.Errorf("%q and %q look the same", a, b)
		}
	})
}

func FuzzRender(f *testing.F) {
	f.Add("Delete.", "case", "~1", "Title", "agent", "because")
	f.Add("a\nWARNING none", "\u202e", strings.Repeat("x", 9000), "\xff", " ", "  ")
	f.Fuzz(func(t *testing.T, summary, kind, id, name, who, claim string) {
		checkScreen(t, &Proposal{ID: id, Op: kind, Tier: TierWrite, State: StatePending, Principal: who, Upstream: id, Claim: claim, Plan: Plan{
			Summary: summary, Targets: []Target{{Kind: kind, ID: id, Name: name}}, Changes: []Change{{Field: kind, Before: id, After: name}},
			Egress: []Egress{{To: who, What: id, TLP: name}}, Undo: claim, Warnings: []string{name, who}}})
	})
}
