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

	// Codex CLI and HTTP
	URL     string            `json:"url"`
	Type    string            `json:"type"`
	Headers map[string]string `json:"headers"`
	Token   string            `json:"bearer_token_env_var"`
	Timeout int               `json:"tool_timeout_sec"`
}

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
			if !strings.Contains(s, `"mcpServers"`) {
				var other map[string]any
				if err := strictly(s, &other); err != nil {
					t.Errorf("%s: %v in\n%s", page, err, s)
				}
				continue
			}
			var c struct {
				Servers map[string]wired `json:"mcpServers"`
			}
			if err := strictly(s, &c); err != nil {
				t.Errorf("%s: %v in\n%s", page, err, s)
			}
			for _, w := range c.Servers {
				list = append(list, w)
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
