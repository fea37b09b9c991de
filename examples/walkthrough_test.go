// Package examples_test uses the servers as people do: built, started as
// processes, spoken to over stdio, approved with the gate command.
package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// bin builds all programs when the first test needs them, and returns the
// folder they are in.
var bin = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sallyport-bin-")
	if err != nil {
		return "", err
	}
	built = dir
	out, err := exec.Command("go", "build", "-o", dir, "./...", "../gate/cmd/gate").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// built is that folder, once there is one.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// A site is a lab with servers, and an operator beside them.
type site struct {
	t     *testing.T
	bin   string
	env   []string // of the servers
	state string
	home  string
	whole bool // all tools come from soc-mcp

	sessions map[string]*mcp.ClientSession
}

func newSite(t *testing.T, whole bool) *site {
	t.Helper()
	dir, err := bin()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, bin: dir, state: filepath.Join(t.TempDir(), "state"), home: t.TempDir(), whole: whole, sessions: map[string]*mcp.ClientSession{}}
	s.env = append(s.lab(), "SALLYPORT_STATE="+s.state, "HOME="+s.home, "PATH="+os.Getenv("PATH"))
	if runtime.GOOS == "windows" {
		s.env = append(s.env, "USERPROFILE="+s.home, "SYSTEMROOT="+os.Getenv("SYSTEMROOT"))
	}
	s.gate("init", "-name", "operator", "-no-passphrase")
	return s
}

func (s *site) program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(s.bin, name)
}

// lab starts soc-lab and returns the environment that it prints.
func (s *site) lab() []string {
	s.t.Helper()
	cmd := exec.Command(s.program("soc-lab"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // killed
	})
	var env []string
	lines := bufio.NewScanner(out)
	for len(env) < 12 && lines.Scan() {
		v, ok := strings.CutPrefix(lines.Text(), "export ")
		if !ok {
			s.t.Fatalf("soc-lab printed %q", lines.Text())
		}
		env = append(env, v)
	}
	return env
}

// gate runs the operator's command.
func (s *site) gate(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(s.program("gate"), args...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("gate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// session returns the session with a server, which is started when it is first used.
func (s *site) session(server string) *mcp.ClientSession {
	s.t.Helper()
	if s.whole {
		server = "soc-mcp"
	}
	if s.sessions[server] == nil {
		cmd := exec.Command(s.program(server))
		cmd.Env = s.env
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cs, err := mcp.NewClient(&mcp.Implementation{Name: "walkthrough", Version: "v1"}, nil).
			Connect(s.t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
		if err != nil {
			s.t.Fatalf("%s: %v\n%s", server, err, stderr.String())
		}
		s.t.Cleanup(func() { cs.Close() })
		s.sessions[server] = cs
	}
	return s.sessions[server]
}

// A reply is what a tool answered.
type reply struct {
	failed  bool
	text    string
	content map[string]any
}

func (s *site) call(server, tool string, args any) reply {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	res, err := s.session(server).CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		s.t.Fatalf("%s: %v", tool, err)
	}
	r := reply{failed: res.IsError}
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			r.text += t.Text
		}
	}
	if res.StructuredContent != nil {
		b, err := json.Marshal(res.StructuredContent)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := json.Unmarshal(b, &r.content); err != nil {
			s.t.Fatalf("%s: %v in %s", tool, err, b)
		}
	}
	return r
}

// read calls a tool that only reads.
func (s *site) read(server, tool string, args any) map[string]any {
	s.t.Helper()
	r := s.call(server, tool, args)
	if r.failed {
		s.t.Fatalf("%s: %s", tool, r.text)
	}
	return r.content
}

// approved calls a tool that is gated: it must wait first, run once the
// operator has approved it, and not run again.
func (s *site) approved(server, tool string, args any) map[string]any {
	s.t.Helper()
	first := s.call(server, tool, args)
	if first.failed || first.content["status"] != "pending" {
		s.t.Fatalf("%s before approval: %s", tool, first.text)
	}
	id, _ := first.content["proposal"].(string)
	digest, _ := first.content["digest"].(string)
	if again := s.call(server, tool, args); again.content["proposal"] != id || again.content["status"] != "pending" {
		s.t.Errorf("%s asked twice: %s, want the same pending proposal %s", tool, again.text, id)
	}
	s.gate("approve", "-code", digest[:6], id)
	done := s.call(server, tool, args)
	if done.failed || done.content["status"] != "executed" || done.content["proposal"] != id {
		s.t.Fatalf("%s after approval: %s", tool, done.text)
	}
	if again := s.call(server, tool, args); again.failed || again.content["repeated"] != true || again.content["proposal"] != id {
		s.t.Errorf("%s once more: %s, want the first answer", tool, again.text)
	}
	if again := s.call(server, tool, args); !strings.Contains(fmt.Sprint(again.content["next"]), "This is the first answer") {
		s.t.Errorf("%s once more doesn't say why nothing ran: %s", tool, again.text)
	}
	result, _ := done.content["result"].(map[string]any)
	if result == nil {
		s.t.Fatalf("%s has no result: %s", tool, done.text)
	}
	return result
}

// at walks into v by keys and indices.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for i, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok || m[p] == nil {
				t.Fatalf("no %v in %.600v", path[:i+1], v)
			}
			v = m[p]
		case int:
			l, ok := v.([]any)
			if !ok || p >= len(l) {
				t.Fatalf("no %v in %.600v", path[:i+1], v)
			}
			v = l[p]
		}
	}
	return v
}

// texts returns the member key of every object in list.
func texts(t *testing.T, list any, key string) []string {
	t.Helper()
	l, ok := list.([]any)
	if !ok {
		t.Fatalf("%v is no list", list)
	}
	var out []string
	for _, v := range l {
		out = append(out, fmt.Sprint(at(t, v, key)))
	}
	return out
}

type walkthrough struct {
	Stages []struct {
		Stage, Server string
		Calls         [][2]json.RawMessage
	}
}

// TestWalkthrough makes every call of the owner's walkthrough, verbatim.
func TestWalkthrough(t *testing.T) {
	for name, whole := range map[string]bool{"five servers": false, "soc-mcp": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			walk(t, newSite(t, whole))
		})
	}
}

// gated are the calls of the walkthrough that wait for an approval.
var gated = []string{"thehive_create_case", "thehive_create_task", "thehive_create_observable_bulk", "misp_add_attributes_bulk"}

func walk(t *testing.T, s *site) {
	b, err := os.ReadFile(filepath.Join("testdata", "walkthrough.json"))
	if err != nil {
		t.Fatal(err)
	}
	var w walkthrough
	if err := json.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, stage := range w.Stages {
		for _, c := range stage.Calls {
			var tool string
			if err := json.Unmarshal(c[0], &tool); err != nil {
				t.Fatal(err)
			}
			args := string(c[1])
			if strings.Contains(args, "<event>") {
				ids["event"] = s.draftEvent()
			}
			for name, id := range ids {
				args = strings.ReplaceAll(args, "<"+name+">", id)
			}
			if strings.Contains(args, `"<`) && !strings.Contains(args, "...") {
				t.Fatalf("%s: no id yet for %s", tool, args)
			}
			call := s.read
			if slices.Contains(gated, tool) {
				call = s.approved
			}
			s.check(tool, call(stage.Server, tool, json.RawMessage(args)), ids)
		}
	}
	s.writeBack(ids)
	s.verify(ids)
}

// check holds an answer of the walkthrough against the incident.
func (s *site) check(tool string, got map[string]any, ids map[string]string) {
	t := s.t
	t.Helper()
	equal := func(want any, path ...any) {
		t.Helper()
		if diff := cmp.Diff(want, at(t, got, path...)); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", tool, path, diff)
		}
	}
	some := func(path ...any) {
		t.Helper()
		if l, ok := at(t, got, path...).([]any); !ok || len(l) == 0 {
			t.Errorf("%s: %v is empty", tool, path)
		}
	}
	switch tool {
	case "get_alerts":
		some("alerts")
		ids["alert"] = fmt.Sprint(at(t, got, "alerts", 0, "id"))
		for i := range got["alerts"].([]any) {
			if level := at(t, got, "alerts", i, "rule", "level").(float64); level < 10 {
				t.Errorf("an alert of level %v", level)
			}
		}
	case "get_alert":
		equal("007", "agent", "id")
		equal("198.51.100.23", "source_ip")
	case "get_rule":
		equal(5710.0, "id")
	case "get_agent":
		equal("007", "id")
	case "get_agent_processes":
		some("processes")
		if !slices.ContainsFunc(got["processes"].([]any), func(p any) bool { return p.(map[string]any)["cmd"] != nil }) {
			t.Error("get_agent_processes: no command line")
		}
	case "get_agent_ports":
		some("ports")
		if !strings.Contains(fmt.Sprint(got), "198.51.100.23") {
			t.Errorf("get_agent_ports: the connection is not in %v", got)
		}
	case "get_agent_network":
		some("interfaces")
		if !strings.Contains(fmt.Sprint(got), "10.20.0.7") {
			t.Errorf("get_agent_network: no address in %v", got)
		}
	case "thehive_create_case":
		ids["case"] = fmt.Sprint(at(t, got, "_id"))
		equal([]any{"wazuh", "auth", "lateral-movement-suspect"}, "tags")
	case "thehive_create_task":
		ids["task"] = fmt.Sprint(at(t, got, "_id"))
		equal("Waiting", "status")
	case "thehive_create_observable_bulk":
		equal("198.51.100.23", "created", 0, "data")
	case "thehive_list_case_templates":
		if !strings.Contains(fmt.Sprint(got), "name") {
			t.Errorf("no templates in %v", got)
		}
	case "thehive_case_timeline_summary":
		if text := fmt.Sprint(got); !strings.Contains(text, "Confirm source IP reputation") || !strings.Contains(text, "198.51.100.23") {
			t.Errorf("the timeline lacks the task or the observable: %s", text)
		}
	case "cortex_list_analyzers":
		for _, want := range []string{"Abuse_Finder_3_0", "MaxMind_GeoIP_4_0"} {
			if !strings.Contains(fmt.Sprint(got), want) {
				t.Errorf("no %s in %v", want, got)
			}
		}
	case "cortex_analyze_observable":
		equal("executed", "status")
		equal("ip", "result", "observable", "dataType")
		if n := len(at(t, got, "result", "results").([]any)); n != 2 {
			t.Errorf("%d analyzers ran, want 2", n)
		}
		ids["job"] = fmt.Sprint(at(t, got, "result", "results", 0, "jobId"))
	case "cortex_wait_and_get_report":
		equal("Success", "status")
	case "cortex_get_job_artifacts":
		some("artifacts")
	case "misp_correlate", "misp_search_attributes", "misp_get_related_events":
		if !strings.Contains(fmt.Sprint(got), "198.51.100.23") {
			t.Errorf("%s: nothing on the address in %v", tool, got)
		}
	case "misp_check_warninglists":
		equal("198.51.100.23", "value")
	case "misp_add_attributes_bulk":
		equal(1.0, "added")
	case "mitre_map_wazuh_alert":
		if diff := cmp.Diff([]string{"T1110.001", "T1021.004"}, texts(t, got["techniques"], "id")); diff != "" {
			t.Errorf("techniques (-want +got):\n%s", diff)
		}
	case "mitre_get_technique":
		equal("Brute Force", "name")
	case "mitre_thehive_enrich":
		equal("read", "status")
		if diff := cmp.Diff([]string{"T1110", "T1078"}, texts(t, at(t, got, "result", "techniques"), "id")); diff != "" {
			t.Errorf("techniques (-want +got):\n%s", diff)
		}
	case "mitre_cross_correlate":
		some("wazuh", "alerts")
		some("thehive", "cases")
		some("misp", "events")
		if diff := cmp.Diff([]string{"answered", "answered", "answered"}, texts(t, got["platforms"], "status")); diff != "" {
			t.Errorf("platforms (-want +got):\n%s", diff)
		}
	case "mitre_navigator_layer":
		if diff := cmp.Diff([]string{"T1078", "T1110"}, slices.Sorted(slices.Values(texts(t, got["techniques"], "techniqueID")))); diff != "" {
			t.Errorf("layer (-want +got):\n%s", diff)
		}
	default:
		t.Errorf("nothing is known of the answer of %s", tool)
	}
}

// draftEvent finds the site's own event that isn't published yet.
func (s *site) draftEvent() string {
	s.t.Helper()
	got := s.read("misp-mcp", "misp_search_attributes", map[string]any{"type": "target-user", "limit": 5})
	return fmt.Sprint(at(s.t, got, "attributes", 0, "event_id"))
}

// writeBack records the outcome in the case.
func (s *site) writeBack(ids map[string]string) {
	s.t.Helper()
	s.approved("thehive-mcp", "thehive_create_task_log", map[string]any{"taskId": ids["task"], "message": "The address is known for brute force."})
	s.approved("thehive-mcp", "thehive_create_comment", map[string]any{"case_id": ids["case"], "message": "Contained; see the task."})
	closed := s.approved("thehive-mcp", "thehive_close_case", map[string]any{"caseId": ids["case"], "status": "TruePositive", "summary": "Password guessed, account disabled.", "impactStatus": "WithImpact"})
	if closed["status"] != "TruePositive" {
		s.t.Errorf("the closed case is %v", closed["status"])
	}
}

// verify holds the five points of the walkthrough: the third, that what is asked
// across platforms has hits of all, is in check.
func (s *site) verify(ids map[string]string) {
	t := s.t
	t.Helper()
	for _, server := range []string{"wazuh-mcp", "thehive-mcp", "cortex-mcp", "misp-mcp", "mitre-mcp"} {
		tools, err := s.session(server).ListTools(t.Context(), nil)
		if err != nil || len(tools.Tools) < 2 {
			t.Errorf("%s lists %v, %v", server, tools, err)
		}
	}
	for _, r := range [][2]string{{"wazuh-mcp", "list_agents"}, {"thehive-mcp", "thehive_list_cases"}} {
		if got := s.read(r[0], r[1], map[string]any{"limit": 2}); len(got) == 0 {
			t.Errorf("%s answers nothing", r[1])
		}
	}
	for _, refused := range []struct {
		server, tool string
		args         map[string]any
	}{
		{"thehive-mcp", "thehive_delete_case", map[string]any{"caseId": ids["case"]}},
		{"cortex-mcp", "cortex_run_responder", map[string]any{"responderId": "any", "objectType": "case", "objectId": ids["case"], "confirm": true}},
	} {
		r := s.call(refused.server, refused.tool, refused.args)
		if !r.failed || !strings.Contains(r.text, "refused (switched_off)") || strings.Contains(r.text, "_ALLOW_") {
			t.Errorf("%s while it is off: %s", refused.tool, r.text)
		}
	}
	if out := s.gate("verify"); !strings.Contains(out, "the chain holds") {
		t.Errorf("gate verify: %s", out)
	}
}
