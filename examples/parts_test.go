package examples_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
)

// whole are tools that fetch what no platform makes large: one thing with a few fields, or what
// is there a few times.
var whole = []string{
	"get_agent", "get_agent_os", "get_agent_stats", "get_rule", "get_sca_policies", "get_wazuh_version", "wazuh_list_tunings",
	"thehive_get_current_user", "thehive_list_pages", "thehive_list_responders", "thehive_status",
	"cortex_get_analyzer", "cortex_get_job", "cortex_get_job_artifacts", "cortex_get_organization", "cortex_get_status", "cortex_get_user",
	"misp_check_warninglists", "misp_get_object_template", "misp_get_organisation", "misp_server_status",
	"mitre_cortex_analyzer_coverage", "mitre_wazuh_status",
}

// TestAnAnswerOverTheLimitNamesWhatGivesItInParts lets no answer of a platform be small enough
// and calls every tool that reads.
func TestAnAnswerOverTheLimitNamesWhatGivesItInParts(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	env := s.env
	for _, prefix := range []string{"WAZUH_", "WAZUH_INDEXER_", "THEHIVE_", "CORTEX_", "MISP_"} {
		env = (&site{env: env}).with(prefix+"URL="+s.padded(s.get(prefix+"URL")), prefix+"MAX_ANSWER=64KiB")
	}
	env = append((&site{env: env}).with("CORTEX_API_KEY="+cortextest.AdminKey), "CORTEX_SUPERADMIN_KEY="+cortextest.SuperadminKey, "THEHIVE_ENABLE_RAW_QUERY=true")
	failed := map[string]bool{}
	for server, calls := range served() {
		if server == "soc-mcp" { // all of the others
			continue
		}
		r := &results{t: t, server: server, site: s, env: env}
		cs := r.connect(nil)
		tools := map[string]*mcp.Tool{}
		for tool, err := range cs.Tools(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			tools[tool.Name] = tool
		}
		for _, c := range calls {
			if !tools[c.Op].Annotations.ReadOnlyHint {
				continue
			}
			res, _, _ := r.once(cs, c)
			said := text(res)
			if !res.IsError || !strings.Contains(said, "_MAX_ANSWER") {
				continue // it asks nobody, or says inside an answer what failed
			}
			failed[c.Op] = true
			_, with, ok := strings.Cut(said, "over the limit. Ask for it in smaller parts, with ")
			switch {
			case ok == slices.Contains(whole, c.Op):
				t.Errorf("%s names what gives its answer in parts: %v\n%s", c.Op, ok, said)
			case ok:
				names(t, tools, c.Op, with[:strings.Index(with, ".\"")])
			}
		}
	}
	if len(failed) < 90 {
		t.Errorf("only %d tools met the limit: %v", len(failed), slices.Sorted(maps.Keys(failed)))
	}
	for _, name := range whole {
		if !failed[name] {
			t.Errorf("%s didn't meet the limit: it needs no exception", name)
		}
	}
}

// names holds what gives the answer of a tool in parts against the tools that there are: at least
// one argument of the tool, or another tool with one of its own, and nothing that isn't there.
func names(t *testing.T, tools map[string]*mcp.Tool, tool, with string) {
	t.Helper()
	takes := func(tool, argument string) bool {
		in, _ := tools[tool].InputSchema.(map[string]any)
		properties, _ := in["properties"].(map[string]any)
		return properties[argument] != nil
	}
	own, others := 0, []string(nil)
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(with, -1) {
		switch {
		case tools[word] != nil:
			others = append(others, word)
		case strings.Contains(word, "_") && !takes(tool, word):
			t.Errorf("%s says %q, where %s is neither a tool nor its argument", tool, with, word)
		case len(others) > 0 && slices.ContainsFunc(others, func(other string) bool { return takes(other, word) }):
			own++
		case takes(tool, word):
			own++
		}
	}
	if own == 0 {
		t.Errorf("%s says %q, which names no argument", tool, with)
	}
}

// padded puts before a platform what makes each of its answers larger than 64 KiB.
func (s *site) padded(address string) string {
	s.t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		s.t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, ModifyResponse: func(r *http.Response) error {
		if r.StatusCode/100 != 2 || strings.HasSuffix(r.Request.URL.Path, "/authenticate") {
			return nil
		}
		r.Body = io.NopCloser(io.MultiReader(r.Body, bytes.NewReader(bytes.Repeat([]byte(" "), 64<<10))))
		r.ContentLength = -1
		r.Header.Del("Content-Length")
		return nil
	}})
	s.t.Cleanup(front.Close)
	return front.URL
}

// TestACutAnswerNamesWhatGivesTheRest holds it for answers that came and are too large for an agent.
func TestACutAnswerNamesWhatGivesTheRest(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprint(i, strings.Repeat("x", 200)))
	}
	for _, v := range []struct {
		server string
		call   evidence.Call
		says   string
	}{
		{"misp-mcp", evidence.Call{Op: "misp_get_event", Args: `{"eventId":"1"}`}, "in smaller parts, with limit, page"},
		{"cortex-mcp", evidence.Call{Op: "cortex_list_analyzers", Args: `{}`}, "in smaller parts, with one dataType"},
		{"thehive-mcp", evidence.Call{Op: "thehive_create_observable_bulk", Args: `{"caseId":"2","dataType":"other","observables":["` + strings.Join(many, `","`) + `"]}`}, "only this answer is cut, not what it tells of"},
	} {
		r := newResults(t, v.server)
		res, _, _ := r.once(r.connect(nil, "-max-response", "2048"), v.call)
		if !strings.Contains(text(res), v.says) || strings.Contains(text(res), "ask for less") {
			t.Errorf("%s lacks %q:\n%s", v.call.Op, v.says, text(res))
		}
	}
}
