package examples_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const canary = "canary-4f1d9c-do-not-print"

// hive returns a site whose thehive-mcp talks to url.
func hive(t *testing.T, url string) *site {
	t.Helper()
	dir, err := bin()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, bin: dir, state: t.TempDir(), home: t.TempDir(), sessions: map[string]*mcp.ClientSession{}}
	s.env = []string{"THEHIVE_URL=" + url, "THEHIVE_API_KEY=" + canary, "SALLYPORT_STATE=" + s.state, "HOME=" + s.home, "PATH=" + os.Getenv("PATH")}
	return s
}

func TestBadArgumentsAreRefusedByName(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) }))
	t.Cleanup(up.Close)
	s := hive(t, up.URL)
	for _, tt := range []struct {
		name, tool, args string
		want             []string
	}{
		{"unknown argument", "thehive_get_case", `{"caseId":"~1","verbose":true}`, []string{"verbose", "caseId"}},
		{"near miss", "thehive_list_cases", `{"sevrity":2}`, []string{"sevrity", "severity"}},
		{"missing argument", "thehive_get_case", `{}`, []string{"caseId"}},
		{"wrong type", "thehive_list_cases", `{"limit":"many"}`, []string{"limit", "integer"}},
		{"out of bounds", "thehive_list_cases", `{"limit":5000}`, []string{"limit", "500"}},
		{"not in the list", "thehive_list_cases", `{"severity":9}`, []string{"severity", "1"}},
		{"an id that leads elsewhere", "thehive_get_case", `{"caseId":".."}`, []string{"caseId"}},
		{"an empty id", "thehive_get_case", `{"caseId":""}`, []string{"caseId"}},
		{"an id with a path", "thehive_get_case", `{"caseId":"~1/force"}`, []string{"caseId"}},
		{"bad input to a write", "thehive_create_case", `{"title":""}`, []string{"title"}},
	} {
		r := s.call("thehive-mcp", tt.tool, json.RawMessage(tt.args))
		if !r.failed {
			t.Errorf("%s: %s", tt.name, r.text)
		}
		for _, want := range tt.want {
			if !strings.Contains(r.text, want) {
				t.Errorf("%s: %q doesn't name %s", tt.name, r.text, want)
			}
		}
	}
	if n.Load() != 0 {
		t.Errorf("%d requests were sent", n.Load())
	}
}

func TestEveryUpstreamFailureIsAClearErrorWithoutSecrets(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string) string {
		up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(up.Close)
		return up.URL
	}
	selfSigned := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(selfSigned.Close)
	for _, tt := range []struct{ name, url, want string }{
		{"unreachable host", "http://127.0.0.1:1", "cannot reach 127.0.0.1:1"},
		{"self-signed certificate", selfSigned.URL, "not signed by a known authority"},
		{"401", answer(401, "application/json", `{"type":"AuthenticationError","message":"Authentication failure for `+canary+`"}`), "AuthenticationError"},
		{"403", answer(403, "application/json", `{"type":"AuthorizationError","message":"Insufficient rights"}`), "Insufficient rights"},
		{"an HTML error page", answer(502, "text/html", "<html><title>nginx</title>"+canary+"</html>"), "an HTML page instead of JSON"},
		{"an answer of 11 MB", answer(200, "application/json", `{"_id":"~1","title":"`+strings.Repeat("x", 11<<20)+`"}`), "more than 10485760 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := hive(t, tt.url).call("thehive-mcp", "thehive_get_case", map[string]any{"caseId": "~1"})
			if !r.failed || !strings.Contains(r.text, tt.want) {
				t.Errorf("%.400s, want an error that says %q", r.text, tt.want)
			}
			if strings.Contains(r.text, canary) {
				t.Errorf("the key is in %s", r.text)
			}
		})
	}
}

func TestAWriteWhoseAnswerIsLostIsNeitherRepeatedNorForgotten(t *testing.T) {
	t.Parallel()
	var created atomic.Int32
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		created.Add(1)
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}))
	t.Cleanup(up.Close)
	s := hive(t, up.URL)
	s.gate("init", "-name", "operator", "-no-passphrase")
	args := map[string]any{"title": "Once"}
	first := s.call("thehive-mcp", "thehive_create_case", args)
	id, digest := fmt.Sprint(first.content["proposal"]), fmt.Sprint(first.content["digest"])
	s.gate("approve", "-code", digest[:6], id)
	if r := s.call("thehive-mcp", "thehive_create_case", args); !r.failed || !strings.Contains(r.text, "unknown") {
		t.Errorf("after the cut: %s, want an unknown outcome", r.text)
	}
	if r := s.call("thehive-mcp", "thehive_create_case", args); r.content["status"] != "pending" || r.content["proposal"] == id {
		t.Errorf("the same call again: %s, want a new proposal", r.text)
	}
	if n := created.Load(); n != 1 {
		t.Errorf("%d requests were sent, want 1", n)
	}
}

func TestAMissingEnvironmentIsReportedWhole(t *testing.T) {
	t.Parallel()
	dir, err := bin()
	if err != nil {
		t.Fatal(err)
	}
	for server, want := range map[string][]string{
		"wazuh-mcp":   {"WAZUH_URL is not set", "WAZUH_USERNAME is not set", "WAZUH_PASSWORD is not set"},
		"thehive-mcp": {"THEHIVE_URL is not set", "THEHIVE_API_KEY is not set"},
		"cortex-mcp":  {"CORTEX_URL is not set", "CORTEX_API_KEY is not set"},
		"misp-mcp":    {"MISP_URL is not set", "MISP_API_KEY is not set"},
	} {
		cmd := exec.Command(filepath.Join(dir, server))
		cmd.Env = []string{"HOME=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("%s starts without its environment", server)
		}
		for _, w := range want {
			if !strings.Contains(string(out), w) {
				t.Errorf("%s says %q, want %q in it", server, out, w)
			}
		}
	}
}

func TestAPipedServerAnswersEverythingBeforeItEnds(t *testing.T) {
	t.Parallel()
	dir, err := bin()
	if err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	in.WriteString(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"pipe","version":"1"}}}` + "\n")
	in.WriteString(`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n")
	for id := 2; id < 8; id++ {
		fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"mitre_get_technique","arguments":{"id":"T1110"}}}`+"\n", id)
	}
	cmd := exec.Command(filepath.Join(dir, "mitre-mcp"))
	cmd.Env = []string{"HOME=" + t.TempDir()}
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), `"jsonrpc"`); n != 7 {
		t.Errorf("%d answers, want 7:\n%.600s", n, out)
	}
	if n := strings.Count(string(out), "Brute Force"); n < 6 {
		t.Errorf("the technique is in %d answers, want 6", n)
	}
}

func BenchmarkStartToToolsList(b *testing.B) {
	dir, err := bin()
	if err != nil {
		b.Fatal(err)
	}
	for _, server := range []string{"thehive-mcp", "mitre-mcp"} {
		b.Run(server, func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(filepath.Join(dir, server))
				cmd.Env = []string{"THEHIVE_URL=http://127.0.0.1:1", "THEHIVE_API_KEY=" + canary, "HOME=" + b.TempDir()}
				cs, err := mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "v1"}, nil).Connect(b.Context(), &mcp.CommandTransport{Command: cmd}, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := cs.ListTools(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
				cs.Close()
			}
		})
	}
}
