package examples_test

import (
	"bufio"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// A walker types what a page says, in a shell, and approves what waits.
type walker struct {
	*site
	dir  string
	env  []string
	said string // assignments that were typed before
}

func newWalker(t *testing.T, policy string) *walker {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the page is written for a shell with the tools of GNU")
	}
	w := &walker{site: newSite(t, false), dir: t.TempDir()}
	// A program goes faster than a person: a breaker and a budget for that.
	var p map[string]any
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		t.Fatalf("the policy of the page: %v\n%s", err, policy)
	}
	p["breaker"], p["budgets"] = map[string]int{"destructive_in_10s": 20}, map[string]int{"destructive_per_hour": 20}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "policy.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = append(w.site.env, "SALLYPORT_POLICY="+file, "PATH="+w.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return w
}

// types runs a command, approves what it proposes and runs it again. It returns what the
// command says in the end.
func (w *walker) types(command string) string {
	w.t.Helper()
	run := func() (string, error) {
		cmd := exec.CommandContext(w.t.Context(), "sh", "-c", w.said+command)
		cmd.Dir, cmd.Env = w.dir, w.env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run()
	if waits := regexp.MustCompile(`(?s)status    pending\nproposal  (P-\w+)\n.*digest    (\w{6})`).FindStringSubmatch(out); waits != nil {
		target := regexp.MustCompile(`(?m)^TARGET 1/\d+ +(?:rule file|host) (\S+)`).FindStringSubmatch(w.gate("show", waits[1]))
		if target == nil {
			w.t.Fatalf("no target on the screen of\n%s", out)
		}
		w.gate("approve", waits[1], "-code", waits[2], "-target", target[1])
		if out, err = run(); !strings.HasPrefix(out, "status    executed\n") {
			w.t.Fatalf("approved, %s says\n%s", command, out)
		}
	}
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

// typedBy is what the page on tuning and response has people type: the policy, and the commands,
// without their comments.
func typedBy(t *testing.T) (policy string, commands []string) {
	t.Helper()
	b, err := os.ReadFile("tuning-and-response.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(b), "```")
	_, policy, _ = strings.Cut(parts[1], "<<'POLICY'\n")
	policy, _, _ = strings.Cut(policy, "\nPOLICY\n")
	for i := 3; i < len(parts); i += 2 {
		text, _ := strings.CutPrefix(parts[i], "sh\n")
		for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
			if line = regexp.MustCompile(`\s+# .*|^\s+#.*`).ReplaceAllString(strings.TrimRight(line, "\n"), ""); strings.TrimSpace(line) != "" {
				commands = append(commands, line)
			}
		}
	}
	return policy, commands
}

func TestThePageOnTuningAndResponseIsTrue(t *testing.T) {
	t.Parallel()
	policy, commands := typedBy(t)
	w := newWalker(t, policy)
	said := map[string]string{}
	for _, c := range commands {
		name := strings.Join(strings.Fields(c)[:min(3, len(strings.Fields(c)))], " ")
		switch {
		case strings.HasPrefix(c, "gate approve"):
		case regexp.MustCompile(`^\w+=`).MatchString(c):
			// Once, as a person's shell does.
			value := strings.TrimSpace(w.types(c + "\necho \"$" + c[:strings.Index(c, "=")] + "\""))
			w.said += c[:strings.Index(c, "=")] + "=" + value + "\n"
		default:
			said[name] = w.types(c)
		}
	}
	for name, want := range map[string]string{
		"wazuh-mcp call wazuh_tune_preview":    "count_on_it:",
		"wazuh-mcp call wazuh_apply_tuning":    "verified        the file and the events are as they should be",
		"wazuh-mcp call wazuh_list_tunings":    "119000     5710     10.20.0.50, nessus",
		"wazuh-mcp call wazuh_revert_tuning":   "sha256     absent",
		"wazuh-mcp call wazuh_active_response": "1 of 1 hosts have shown in their own log that it was done",
		"wazuh-mcp call wazuh_undo_response":   "1 of 1 hosts have shown in their own log that it was done",
		"soc-mcp call soc_evidence_bundle":     "verify",
		"soc-mcp call soc_handover":            "handover.html",
	} {
		if !strings.Contains(said[name], want) {
			t.Errorf("%s lacks %q:\n%s", name, want, said[name])
		}
	}
	verify := regexp.MustCompile(`(?m)^verify +(.*)$`).FindStringSubmatch(said["soc-mcp call soc_evidence_bundle"])
	if verify == nil {
		t.Fatal("the bundle says no command")
	}
	if out := w.types(verify[1]); !strings.Contains(out, "alert.json: OK") {
		t.Errorf("the bundle isn't what it was:\n%s", out)
	}
	if b, err := os.ReadFile(filepath.Join(w.dir, "handover.html")); err != nil || !strings.HasPrefix(string(b), "<!doctype html>") {
		t.Errorf("the page of the hand-over: %.80s, %v", b, err)
	}
}

func TestThePageOfTheGateHasAnUndoProposedByAServer(t *testing.T) {
	t.Parallel()
	policy, commands := typedBy(t)
	w := newWalker(t, policy)
	for _, c := range commands {
		if strings.Contains(c, "wazuh_active_response") {
			w.types(c)
		}
	}
	cmd := exec.CommandContext(t.Context(), w.program("gate"), "serve", "-with", w.program("soc-mcp"))
	cmd.Env, cmd.Dir = w.env, w.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // killed
	})
	link, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	origin, secret, _ := strings.Cut(strings.TrimSpace(link), "/#")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	send := func(path string, form url.Values) (text, at string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", origin+path, nil)
		if form != nil {
			r, err = http.NewRequestWithContext(t.Context(), "POST", origin+path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", origin)
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v\n%s", path, res.Status, err, b)
		}
		return string(b), res.Request.URL.Path
	}
	// form sends the form of a page that leads to a path with this end, and returns what follows.
	form := func(text, end string, more url.Values) (string, string) {
		t.Helper()
		m := regexp.MustCompile(`action="([^"]*/` + end + `)">\s*((?:<input type="hidden"[^>]*>\s*)*)`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no form that leads to %s:\n%s", end, text)
		}
		values := url.Values{}
		for _, f := range regexp.MustCompile(`name="(\w+)" value="([^"]*)"`).FindAllStringSubmatch(m[2], -1) {
			values.Set(f[1], html.UnescapeString(f[2]))
		}
		for k, v := range more {
			values[k] = v
		}
		return send(m[1], values)
	}
	text, _ := send("/enter", url.Values{"secret": {secret}})
	proposal, at := form(text, "undo", nil)
	if !strings.Contains(at, "/p/P-") || !strings.Contains(proposal, "Take the active response block-address back on 1 host(s) of Wazuh.") || !strings.Contains(proposal, "!firewall-allow") {
		t.Fatalf("proposed at %s:\n%s", at, proposal)
	}
	approved, _ := form(proposal, "approve", url.Values{"typed": {"007"}})
	line := regexp.MustCompile(`or a person does: <bdi class="v">([^<]*)</bdi>`).FindStringSubmatch(approved)
	if line == nil {
		t.Fatalf("approved, it says no line:\n%s", approved)
	}
	if out := w.types(html.UnescapeString(line[1])); !strings.HasPrefix(out, "status    executed\n") || !strings.Contains(out, "proven    1") {
		t.Errorf("%s says\n%s", line[1], out)
	}
	if text, _ := send(strings.SplitAfterN(at, "/", 3)[0]+strings.SplitAfterN(at, "/", 3)[1], nil); strings.Contains(text, "Propose the undo") {
		t.Error("what was taken back is still in force")
	}
}
