package examples_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// offered is what a shell offers for the last of the words, after it has read the script of a program.
func offered(t *testing.T, script, words string) []string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	name := "_" + strings.ReplaceAll(strings.Fields(words)[0], "-", "_")
	out, err := exec.Command(bash, "-c", script+"\nCOMP_WORDS=("+words+"); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); "+name+`; echo "${COMPREPLY[@]}"`).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list := strings.Fields(string(out))
	slices.Sort(list)
	return list
}

// found are what a pattern finds in a text, each once.
func found(text, pattern string) []string {
	var list []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// flags are those that a help lists.
func flags(help string) []string { return found(help, `(?m)^  (-[\w-]+)`) }

// TestWhatAShellOffersIsWhatTheProgramsTake holds the script, the help and the command line of
// each program against each other.
func TestWhatAShellOffersIsWhatTheProgramsTake(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	same := func(what string, shell, help []string) {
		t.Helper()
		if diff := cmp.Diff(help, shell); diff != "" {
			t.Errorf("%s (-help +shell):\n%s", what, diff)
		}
	}
	takes := func(program string, args ...string) {
		t.Helper()
		if out, _ := s.ran(s.env, program, args...); strings.Contains(out, "not defined") || strings.Contains(out, "is not a command") || strings.Contains(out, "no command") {
			t.Errorf("%s %s: %s", program, strings.Join(args, " "), out)
		}
	}
	for _, program := range append(slices.Clone(allServers), "soc-lab") {
		help, code := s.ran(s.env, program, "-help")
		shell := []string{"completion"}
		if program == "soc-lab" {
			shell[0] = "-completion"
		}
		script, scriptCode := s.ran(s.env, program, append(shell, "bash")...)
		if code != 0 || scriptCode != 0 {
			t.Fatalf("%s: exit %d and %d", program, code, scriptCode)
		}
		commands := found(help, `(?m)^  `+program+` (?:\[flags\] )?(?:call )?\[?([a-z]+)\]?\b`)
		if program == "soc-lab" {
			commands = nil
		}
		same(program, offered(t, script, program+` ""`), slices.Sorted(slices.Values(slices.Concat(commands, flags(help)))))
		for _, f := range flags(help) {
			takes(program, f+"=1", "-help")
		}
		for _, other := range []string{"zsh", "fish"} {
			text, _ := s.ran(s.env, program, append(shell, other)...)
			for _, word := range slices.Concat(commands, flags(help)) {
				if !slices.Contains(regexp.MustCompile(`[\w-]+`).FindAllString(text, -1), word) {
					t.Errorf("%s: %s isn't offered %s", program, other, word)
				}
			}
		}
		if program == "soc-lab" {
			continue
		}
		tools, _ := s.ran(s.env, program, "tools", "-names")
		listed := strings.ReplaceAll(script, "$("+program, "$("+s.program(program))
		for _, kv := range s.env {
			listed = "export " + kv + "\n" + listed
		}
		same(program+" call", offered(t, listed, program+` call ""`), slices.Sorted(slices.Values(append(strings.Fields(tools), "-help", "-json", "-o"))))
		for command, words := range map[string][]string{"tools": {"-json", "-names"}, "check": {"-json"}, "completion": {"bash", "fish", "zsh"}} {
			same(program+" "+command, offered(t, script, program+" -read-only "+command+` ""`), words)
			for _, w := range words {
				takes(program, command, w)
			}
		}
	}
	help, _ := s.ran(s.env, "gate", "help")
	script, _ := s.ran(s.env, "gate", "completion", "bash")
	commands := found(help, `(?m)^  gate ([a-z]+)`)
	same("gate", offered(t, script, `gate ""`), slices.Sorted(slices.Values(append(commands, "help"))))
	for _, c := range commands {
		about, code := s.ran(s.env, "gate", c, "-h")
		want := flags(about)
		if code != 0 || len(want) < 3 {
			t.Errorf("gate %s -h: exit %d, %q", c, code, want)
		}
		for _, f := range want {
			takes("gate", c, f+"=1", "-h")
		}
		if c == "completion" {
			want = append(want, "bash", "fish", "zsh")
		}
		same("gate "+c, offered(t, script, "gate "+c+` ""`), slices.Sorted(slices.Values(want)))
	}
	for _, v := range [][]string{
		{"misp-mcp", "-toolset=x", "did you mean -toolsets?"}, {"wazuh-mcp", "-readonly", "did you mean -read-only?"}, {"soc-mcp", "chek", "did you mean check?"},
		{"gate", "aprove", `did you mean "approve"?`}, {"gate approve", "-cod=1", "did you mean -code?"}, {"soc-lab", "-prot=1", "did you mean -port?"},
	} {
		program := strings.Fields(v[0])
		if out, code := s.ran(s.env, program[0], append(program[1:], v[1])...); code != 2 || !strings.Contains(out, v[2]) {
			t.Errorf("%s %s: exit %d, want %s\n%s", v[0], v[1], code, v[2], out)
		}
	}
}
