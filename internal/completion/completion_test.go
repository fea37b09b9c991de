package completion_test

import (
	"flag"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/completion"
)

func TestBashOffersWordsAndWhatFollowsACommand(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	offered := func(p completion.Program, words string) string {
		t.Helper()
		script := p.Script("bash") + `COMP_WORDS=(` + words + `); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _lab_mcp; echo "${COMPREPLY[@]}"`
		out, err := exec.Command(bash, "-c", script).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	p := completion.Program{Name: "lab-mcp", Flags: []string{"-http"}, Commands: map[string][]string{"tools": {"-json"}, "call": {"-o"}, "help": nil}, After: "call", List: "echo lab_read lab_write"}
	for words, want := range map[string]string{
		`lab-mcp t`: "tools", `lab-mcp -h`: "-http", `lab-mcp call lab_w`: "lab_write", `lab-mcp call ""`: "lab_read lab_write -o",
		`lab-mcp call lab_write ""`: "-o", `lab-mcp -http x tools ""`: "-json", `lab-mcp -http x c`: "call", `lab-mcp call tools -`: "-o",
	} {
		if got := offered(p, words); got != want {
			t.Errorf("%s: %q, want %q", words, got, want)
		}
	}
	p.After, p.List = "", ""
	if got := offered(p, `lab-mcp c`); got != "call" {
		t.Errorf("without what follows: %q", got)
	}
	for _, shell := range completion.Shells {
		if s := p.Script(shell); !strings.Contains(s, "lab-mcp") || strings.ContainsAny(s, "\x00") || strings.Contains(s, "WORDS}") {
			t.Errorf("%s: %s", shell, s)
		}
	}
	if p.Script("dos") != "" {
		t.Error("a script for a shell that isn't known")
	}
}

func TestAFlagThatIsMistypedIsNamed(t *testing.T) {
	t.Parallel()
	f := flag.NewFlagSet("lab-mcp", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Bool("read-only", false, "")
	f.Int("max-response", 0, "")
	for typed, want := range map[string]string{"-readonly": "did you mean -read-only?", "--max-respnse=3": "did you mean -max-response?", "-quiet": "", "-max-response=x": ""} {
		if got := completion.Meant(f, f.Parse([]string{typed})); got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
}
