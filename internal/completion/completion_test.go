package completion_test

import (
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
	p := completion.Program{Name: "lab-mcp", Words: []string{"tools", "call", "-http"}, After: "call", List: "echo lab_read lab_write"}
	for words, want := range map[string]string{`lab-mcp t`: "tools", `lab-mcp -h`: "-http", `lab-mcp call lab_w`: "lab_write", `lab-mcp call ""`: "lab_read lab_write"} {
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
