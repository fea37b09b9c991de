package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/gate"
)

var readme = filepath.Join("..", "README.md")

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// pages are the README and the pages of the servers, in one text.
func pages(t *testing.T) []byte {
	t.Helper()
	list, err := filepath.Glob(filepath.Join("*-mcp", "README.md"))
	if err != nil || len(list) < 5 {
		t.Fatal("the servers have no pages", list, err)
	}
	var all []byte
	for _, page := range append(list, readme, "README.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// blocks returns the snippets of a language in a page.
func blocks(t *testing.T, file, language string) (list []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(strings.ReplaceAll(string(b), "\r\n", "\n"), -1) {
		if m[1] == language {
			list = append(list, m[2])
		}
	}
	return list
}

// A wired is a server as a host starts it.
type wired struct {
	Command string            `json:"command"`
	Args    []string          `json:"args"`
	Env     map[string]string `json:"env"`

	// Gemini CLI, qwen-code, Cline
	Patience int `json:"timeout"`

	// VS Code
	Tools []string `json:"tools"`

	// Codex CLI and HTTP
	URL     string            `json:"url"`
	Type    string            `json:"type"`
	Headers map[string]string `json:"headers"`
	Token   string            `json:"bearer_token_env_var"`
	Timeout int               `json:"tool_timeout_sec"`
}

// wiredOpen is a server as opencode starts it.
type wiredOpen struct {
	Type        string
	Command     []string
	Environment map[string]string
	Enabled     bool
	Timeout     int
}

// pythonic finds a server in a call of Python.
var pythonic = regexp.MustCompile(`"(\w+-mcp)", (?:"args": |args=)(\[[^\]]*\])`)

// commands are the commands of a block of a shell, each in words.
func commands(block string) (list [][]string) {
	for line := range strings.Lines(block) {
		var words []string
		word, within, any := "", rune(0), false
		end := func() {
			if any {
				words = append(words, word)
			}
			word, any = "", false
		}
		next := func() {
			end()
			for len(words) > 0 && assigned.MatchString(words[0]) {
				words = words[1:]
			}
			if len(words) > 0 {
				list = append(list, words)
			}
			words = nil
		}
		for i, c := range line {
			switch {
			case within != 0 && c == within:
				within = 0
			case within != 0:
				word += string(c)
			case c == '\'' || c == '"':
				within, any = c, true
			case c == '#' && !any:
				goto done
			case c == ' ' || c == '\n':
				end()
			case c == '|' || c == ';' || c == '&' && strings.HasPrefix(line[i+1:], "&") || c == '&' && strings.HasPrefix(line[i+1:], " "):
				next()
			case c == '&':
			default:
				word, any = word+string(c), true
			}
		}
	done:
		next()
	}
	return list
}

var assigned = regexp.MustCompile(`^[A-Z_]+=`)

func strictly(s string, into any) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("something follows the value: %v", err)
	}
	return nil
}

var (
	header  = regexp.MustCompile(`^\[mcp_servers\.([a-z]+)(\.env)?\]$`)
	setting = regexp.MustCompile(`^(\w+) = (.*)$`)
	member  = regexp.MustCompile(`([{,]\s*)(\w+) = `)
	literal = regexp.MustCompile(`'[^'"]*'`)
	comment = regexp.MustCompile(`\s+#[^"']*$`)
)

// tomlServers reads the part of TOML that our pages use: tables of strings, numbers,
// lists and tables in a line.
func tomlServers(s string) (map[string]wired, error) {
	servers := map[string]map[string]any{}
	var current map[string]any
	for line := range strings.Lines(s) {
		line = comment.ReplaceAllString(strings.TrimSpace(line), "")
		if line == "" || line[0] == '#' {
			continue
		}
		if m := header.FindStringSubmatch(line); m != nil {
			server := servers[m[1]]
			switch {
			case m[2] == "" && server == nil:
				current = map[string]any{}
				servers[m[1]] = current
			case m[2] != "" && server != nil && server["env"] == nil:
				current = map[string]any{}
				server["env"] = current
			default:
				return nil, fmt.Errorf("this table is there twice, or before its server: %s", line)
			}
			continue
		}
		m := setting.FindStringSubmatch(line)
		if m == nil || current == nil || current[m[1]] != nil {
			return nil, fmt.Errorf("neither a table nor a new setting of one: %s", line)
		}
		value := literal.ReplaceAllStringFunc(m[2], func(q string) string {
			b, _ := json.Marshal(q[1 : len(q)-1])
			return string(b)
		})
		current[m[1]] = json.RawMessage(member.ReplaceAllString(value, `$1"$2": `))
	}
	b, err := json.Marshal(servers)
	if err != nil {
		return nil, err
	}
	var out map[string]wired
	return out, strictly(string(b), &out)
}

// wirings returns the servers of every configuration in the README and the pages.
func wirings(t *testing.T) (list []wired) {
	t.Helper()
	hosts, err := filepath.Glob(filepath.Join("wiring", "*.md"))
	if err != nil || len(hosts) == 0 {
		t.Fatal("no pages", err)
	}
	for _, page := range append(hosts, readme, "README.md", filepath.Join("packaging", "README.md")) {
		for _, s := range blocks(t, page, "json") {
			if !strings.Contains(s, `"mcp`) && !strings.Contains(s, `"servers"`) {
				var other map[string]any // such as a policy
				if err := strictly(s, &other); err != nil {
					t.Errorf("%s: %v in\n%s", page, err, s)
				}
				continue
			}
			var c struct {
				Servers map[string]wired     `json:"mcpServers"`
				Code    map[string]wired     `json:"servers"` // VS Code
				Inputs  []map[string]any     `json:"inputs"`
				Open    map[string]wiredOpen `json:"mcp"` // opencode
			}
			if err := strictly(s, &c); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, s)
			}
			for _, w := range c.Open {
				list = append(list, wired{Command: w.Command[0], Args: w.Command[1:], Env: w.Environment})
			}
			list = slices.AppendSeq(slices.AppendSeq(list, maps.Values(c.Servers)), maps.Values(c.Code))
		}
		for _, s := range blocks(t, page, "python") {
			for _, m := range pythonic.FindAllStringSubmatch(s, -1) {
				var args []string
				if err := strictly(m[2], &args); err != nil {
					t.Errorf("%s: %v in\n%s", page, err, s)
				}
				list = append(list, wired{Command: m[1], Args: args})
			}
		}
		for _, s := range blocks(t, page, "sh") {
			for _, words := range commands(s) {
				if i := slices.Index(words, "--"); i > 3 && words[1] == "mcp" && words[2] == "add" { // Claude Code, Codex
					w := wired{Command: words[i+1], Args: words[i+2:], Env: map[string]string{}}
					for n, flag := range words[:i] {
						if name, _, ok := strings.Cut(words[n+1], "="); ok && (flag == "-e" || flag == "--env") {
							w.Env[name] = ""
						}
					}
					list = append(list, w)
				}
			}
		}
		for _, s := range blocks(t, page, "toml") {
			servers, err := tomlServers(s)
			if err != nil {
				t.Errorf("%s: %v in\n%s", page, err, s)
			}
			for _, w := range servers {
				list = append(list, w)
			}
		}
	}
	return list
}

var program = regexp.MustCompile(`(?:^|[/\\])(\w+-mcp)(?:\.exe)?$`)

func TestEveryWiringStartsAServerWithVariablesThatItKnows(t *testing.T) {
	servers, err := filepath.Glob("*-mcp")
	if err != nil {
		t.Fatal(err)
	}
	list := wirings(t)
	if len(list) < 10 {
		t.Errorf("only %d servers are wired", len(list))
	}
	for _, w := range list {
		if w.URL != "" {
			continue
		}
		if m := program.FindStringSubmatch(w.Command); m == nil || !slices.Contains(servers, m[1]) {
			t.Errorf("the command %q is no server: %v", w.Command, servers)
		}
		known(t, w.Command, slices.Sorted(maps.Keys(w.Env)))
	}
}

// TestEveryServerOfThePagesTakesItsArguments starts each with the flags and toolsets that
// a page gives it.
func TestEveryServerOfThePagesTakesItsArguments(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	for _, w := range wirings(t) {
		m := program.FindStringSubmatch(w.Command)
		if w.URL != "" || m == nil {
			continue
		}
		if out, code := s.ran(s.env, m[1], append(slices.Clone(w.Args), "tools", "-names")...); code != 0 || out == "" {
			t.Errorf("%s %q: exit %d: %s", w.Command, w.Args, code, out)
		}
	}
}

// TestTheConfigurationsThatNoHostHereReadsKeepToTheRulesOfTheirReaders: Claude Desktop's
// file has a full path, arguments and texts; that of VS Code's Local harness what its
// published schema has, and every input is asked for.
func TestTheConfigurationsThatNoHostHereReadsKeepToTheRulesOfTheirReaders(t *testing.T) {
	desktop := blocks(t, filepath.Join("wiring", "claude-desktop.md"), "json")
	for _, block := range desktop {
		var c struct {
			Servers map[string]struct {
				Command string            `json:"command"`
				Args    []string          `json:"args"`
				Env     map[string]string `json:"env"`
			} `json:"mcpServers"`
		}
		if err := strictly(block, &c); err != nil || len(c.Servers) == 0 {
			t.Errorf("%v in\n%s", err, block)
		}
		for name, s := range c.Servers {
			if !strings.HasPrefix(s.Command, "/") && !strings.HasPrefix(s.Command, `C:\`) || s.Env["SALLYPORT_STATE"] == "" {
				t.Errorf("%s: no full path or no folder of the gate: %+v", name, s)
			}
		}
	}
	local := 0
	for _, block := range blocks(t, filepath.Join("wiring", "vs-code.md"), "json") {
		if !strings.Contains(block, `"servers"`) {
			continue
		}
		local++
		var c struct {
			Servers map[string]struct {
				Type    string            `json:"type"`
				Command string            `json:"command"`
				Args    []string          `json:"args"`
				Env     map[string]string `json:"env"`
			} `json:"servers"`
			Inputs []struct {
				Type        string `json:"type"`
				ID          string `json:"id"`
				Description string `json:"description"`
				Password    bool   `json:"password"`
			} `json:"inputs"`
		}
		if err := strictly(block, &c); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
		asked := map[string]bool{}
		for _, in := range c.Inputs {
			asked["${input:"+in.ID+"}"] = in.Type == "promptString" && in.Description != "" && in.Password
		}
		for name, s := range c.Servers {
			if s.Type != "stdio" || s.Command == "" {
				t.Errorf("%s: %+v", name, s)
			}
			for variable, value := range s.Env {
				if strings.HasPrefix(value, "${input:") && !asked[value] {
					t.Errorf("%s: nobody is asked for %s, as a secret", variable, value)
				}
			}
		}
	}
	if len(desktop) < 2 || local != 1 {
		t.Errorf("%d configurations of Claude Desktop, %d of VS Code's Local harness", len(desktop), local)
	}
}

// TestEveryCommandOnThePagesIsTaken types the commands of ours that stand on the pages:
// calls as they are, what serves or decides by its help.
func TestEveryCommandOnThePagesIsTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	var list []string
	for _, pattern := range []string{"README.md", filepath.Join("*", "*.md"), readme, filepath.Join("..", "gate", "*", "*.md")} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, files...)
	}
	count := map[string]int{}
	for _, page := range list {
		for _, block := range blocks(t, page, "sh") {
			for _, words := range commands(block) {
				words = slices.DeleteFunc(words, func(w string) bool {
					return strings.HasPrefix(w, ">") || strings.HasPrefix(w, "2>") || strings.HasPrefix(w, "<")
				})
				what := page + ": " + strings.Join(words, " ")
				name, args := words[0], words[1:]
				switch {
				case program.MatchString(name) && slices.Contains(args, "call"):
					if out, code := s.ran(s.env, name, args...); code != 0 && (code != 1 || !strings.Contains(out, "pending")) {
						t.Errorf("%s: exit %d: %s", what, code, out)
					}
				case program.MatchString(name) && !strings.HasPrefix(strings.Join(args, " "), "-"):
					if out, code := s.ran(s.env, name, args...); code != 0 {
						t.Errorf("%s: exit %d: %s", what, code, out)
					}
				case program.MatchString(name):
					help, _ := s.ran(s.env, name, "-help")
					s.flagsIn(what, help, args)
				case name == "gate" && len(args) > 0:
					help, code := s.ran(s.env, name, args[0], "-h")
					if code != 0 {
						t.Errorf("%s: exit %d: %s", what, code, help)
					}
					s.flagsIn(what, help, args)
				case name == "soc-lab" || name == "go" && len(args) > 1 && args[0] == "run" && args[1] == "./examples/soc-lab":
					help, _ := s.ran(s.env, "soc-lab", "-help")
					s.flagsIn(what, help, args)
				default:
					continue
				}
				count[strings.TrimSuffix(name, "-mcp")]++
			}
		}
	}
	for _, name := range []string{"gate", "misp", "thehive", "wazuh", "cortex", "mitre", "soc"} {
		if count[name] == 0 {
			t.Errorf("no page has a command of %s: %v", name, count)
		}
	}
}

// TestThePageShowsWhatCheckPrints holds what stands on the page of all hosts to a server
// whose platform has a name that nobody knows.
func TestThePageShowsWhatCheckPrints(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the page shows a folder of Linux")
	}
	t.Parallel()
	s := newSite(t, false)
	printed, _ := s.ran(s.with("MISP_URL=https://misp.invalid", "MISP_RETRY=false", "SALLYPORT_STATE", "XDG_STATE_HOME=/home/me/.local/state"), "misp-mcp", "check")
	b, err := os.ReadFile(filepath.Join("wiring", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(b), "\n```\n")
	shown, _, _ = strings.Cut(shown, "```")
	for line := range strings.Lines(shown) {
		head, _, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if strings.HasPrefix(line, "FAIL") {
			head = "FAIL  MISP " // how a name isn't found depends on the machine
		}
		if head == "" || !strings.Contains(printed, head) {
			t.Errorf("check doesn't print %q but\n%s", line, printed)
		}
	}
	if !strings.HasPrefix(shown, strings.SplitAfter(printed, "tools\n")[0]) {
		t.Errorf("the page begins with\n%.60s\nand check with\n%.60s", shown, printed)
	}
}

// flagsIn fails for a flag among args that help doesn't tell of.
func (s *site) flagsIn(what, help string, args []string) {
	s.t.Helper()
	for _, a := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if strings.HasPrefix(a, "-") && name != "" && name != "h" && !regexp.MustCompile(`(?m)^\s+--?`+regexp.QuoteMeta(name)+`\b`).MatchString(help) {
			s.t.Errorf("%s: the help tells of no %s:\n%s", what, a, help)
		}
	}
}

// TestThePagesNameToolsAndResourcesThatThereAre looks at what stands as code on the pages
// of the hosts, of the programs and in the README.
func TestThePagesNameToolsAndResourcesThatThereAre(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	var there []string // also with what Claude Code puts before
	for server := range readCatalogue(t) {
		short := strings.TrimSuffix(server, "-mcp")
		cs := s.session(server)
		for name := range listed(t, cs) {
			there = append(there, name)
		}
		for p, err := range cs.Prompts(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			there = append(there, "/mcp__"+short+"__"+p.Name)
		}
		for r, err := range cs.Resources(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			there = append(there, "@"+short+":"+r.URI)
		}
	}
	count := 0
	files, err := filepath.Glob(filepath.Join("wiring", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(files, readme, "README.md", "tuning-and-response.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asCode.FindAllStringSubmatch(string(b), -1) {
			count++
			start, wild := strings.CutSuffix(m[1], "*")
			if !slices.ContainsFunc(there, func(name string) bool { return name == m[1] || wild && strings.HasPrefix(name, start) }) {
				t.Errorf("%s names %s, which there isn't", page, m[1])
			}
		}
	}
	if count < 15 {
		t.Errorf("only %d names were found", count)
	}
}

var asCode = regexp.MustCompile("`((?:wazuh|thehive|cortex|misp|mitre|get|list|search|soc)_[a-z_]+\\*?|/mcp__[a-z_-]+|@[a-z]+:[a-z]+://[a-z/-]+)`")

// TestThePageOfEachHostSaysWhatAReaderMustKnow: permissions, time-outs, cuts, approval.
func TestThePageOfEachHostSaysWhatAReaderMustKnow(t *testing.T) {
	for _, host := range []string{"claude-code", "claude-desktop", "codex-cli", "gemini-cli", "opencode", "qwen-code", "cline", "vs-code", "python", "http"} {
		b, err := os.ReadFile(filepath.Join("wiring", host+".md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Permissions", "ime-outs", "uts", "pproval"} {
			if !regexp.MustCompile(`(?m)^- \*\*[^*]*` + want).Match(b) {
				t.Errorf("%s.md says nothing of %q", host, want)
			}
		}
	}
}

// known fails for a variable that no server has.
func known(t *testing.T, whose string, names []string) {
	t.Helper()
	t.Run(whose, func(t *testing.T) {
		t.Setenv("SALLYPORT_STATE", t.TempDir())
		for _, p := range []string{"WAZUH", "THEHIVE", "CORTEX", "MISP"} {
			t.Setenv(p+"_URL", "https://platform.example")
		}
		for _, name := range []string{"WAZUH_USERNAME", "WAZUH_PASSWORD", "THEHIVE_API_KEY", "CORTEX_API_KEY", "MISP_API_KEY"} {
			t.Setenv(name, "x")
		}
		for _, name := range names {
			if os.Getenv(name) == "" {
				t.Setenv(name, "") // a name without a value is a name still
			}
		}
		if _, err := soc.ConfigFromEnv(nil, nil); err != nil {
			t.Error(err)
		}
		if _, err := gate.PolicyFromEnv(); err != nil {
			t.Error(err)
		}
	})
}

// TestTheOwnersEnvironmentIsDocumented finds each variable of the walkthrough in
// the README or a server's page, and knows it.
func TestTheOwnersEnvironmentIsDocumented(t *testing.T) {
	var w struct {
		Environment map[string][]string
	}
	b, err := os.ReadFile(filepath.Join("testdata", "walkthrough.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &w); err != nil || len(w.Environment) == 0 {
		t.Fatal("no environment", err)
	}
	page := pages(t)
	var names []string
	for _, list := range w.Environment {
		for _, name := range list {
			if variable.MatchString(name) { // the last of mitre-mcp is a sentence
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		if !bytes.Contains(page, []byte("`"+name+"`")) && !common.MatchString(name) {
			t.Errorf("no page names %s", name)
		}
	}
	known(t, "all", names)
}

var (
	variable = regexp.MustCompile(`^(WAZUH|THEHIVE|CORTEX|MISP|MITRE|SALLYPORT)_[A-Z_]+$`)
	quoted   = regexp.MustCompile(`"((?:WAZUH|THEHIVE|CORTEX|MISP|MITRE|SALLYPORT)_[A-Z_]*[A-Z])"`)
	common   = regexp.MustCompile(`_(CA_FILE|VERIFY_SSL|TIMEOUT)$`) // the page of the servers names them once, for all
)

// TestThePagesNameEverySetting compares it with the variables that the code reads.
func TestThePagesNameEverySetting(t *testing.T) {
	page := pages(t)
	read := map[string]bool{"WAZUH_USER": true, "WAZUH_BASE_URL": true} // other spellings of two that they name
	for _, pattern := range []string{"wazuh", "thehive", "cortex", "misp", "attack", filepath.Join("attack", "soc"), "gate", filepath.Join("mcpadapter", "command")} {
		files, err := filepath.Glob(filepath.Join("..", pattern, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range quoted.FindAllSubmatch(b, -1) {
				name := string(m[1])
				prefix := bytes.Contains(page, []byte("`"+name+"_")) // of variables
				if !read[name] && !prefix && !common.MatchString(name) && !bytes.Contains(page, []byte("`"+name+"`")) {
					t.Errorf("no page names %s of %s", name, filepath.Base(file))
				}
				read[name] = true
			}
		}
	}
}
