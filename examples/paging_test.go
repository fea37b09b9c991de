package examples_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
)

// paged says by which arguments the tools of a server turn pages: the names of
// the size and of the place.
func paged(tool *mcp.Tool) (limit, place string) {
	props, _ := tool.InputSchema.(map[string]any)["properties"].(map[string]any)
	for name := range props {
		switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
		case "limit", "pagesize", "perpage":
			limit = name
		}
	}
	for _, p := range []string{"offset", "page", "cursor"} { // of several, one that always works
		if props[p] != nil && place == "" {
			place = p
		}
	}
	if limit == "" {
		place = ""
	}
	return limit, place
}

// A caller calls tools.
type caller interface {
	CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error)
}

// bridge is a server behind a bridge that starts a process for each call.
type bridge struct {
	r    *results
	args []string
}

func (b bridge) CallTool(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	cs := b.r.connect(nil, b.args...)
	defer cs.Close()
	return cs.CallTool(ctx, params)
}

// turn follows a tool to its end and returns its rows: those of the longest list
// of the first answer, each as the members that tell which it is.
func turn(t *testing.T, cs caller, tool, place, list string, args map[string]any) (rows []string, cut bool, of string) {
	t.Helper()
	for calls := 0; calls < 400; calls++ {
		res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
		if err != nil || res.IsError {
			t.Fatalf("%s(%v): %v %s", tool, args, err, text(res))
		}
		m := res.StructuredContent.(map[string]any)
		if list == "" {
			list = rowsOf(m)
		}
		page, _ := m[list].([]any)
		for _, r := range page {
			rows = append(rows, identity(r))
		}
		cut = cut || m["_next"] != nil || m["_truncated"] != nil
		args = maps.Clone(args)
		next, _ := m["_next"].(map[string]any)
		switch {
		case len(page) == 0 || m["more"] == false && len(next) == 0:
			return rows, cut, list
		case len(next) > 0:
			maps.Copy(args, next)
		case m["next_cursor"] != nil && m["next_cursor"] != "":
			args["cursor"] = m["next_cursor"]
			delete(args, "offset")
		case m["next"] != nil:
			args[place] = m["next"]
		case m["nextOffset"] != nil:
			args[place] = m["nextOffset"]
		case m["more"] != true:
			return rows, cut, list
		case place == "page":
			n, _ := args["page"].(float64)
			args["page"] = max(1, n) + 1
		default:
			args[place] = len(rows)
		}
	}
	t.Fatalf("%s: no end", tool)
	return nil, false, ""
}

// rowsOf returns the name of the list that is paged: the longest one of objects,
// since an answer may have lists of words beside.
func rowsOf(m map[string]any) (list string) {
	objects, longest := false, -1
	for name, v := range m {
		l, ok := v.([]any)
		if !ok || strings.HasPrefix(name, "_") {
			continue
		}
		object := false
		if len(l) > 0 {
			_, object = l[0].(map[string]any)
		}
		if object && !objects || object == objects && len(l) > longest {
			list, objects, longest = name, object, len(l)
		}
	}
	return list
}

// identity returns what tells a row from others, though its texts may be cut.
func identity(row any) string {
	m, ok := row.(map[string]any)
	if !ok {
		return fmt.Sprint(row)
	}
	var parts []string
	for _, k := range []string{"id", "_id", "uuid", "number", "name", "value", "path", "pid", "port", "attackId", "cve", "timestamp", "key", "agent_id", "kind"} {
		if v := m[k]; v != nil {
			parts = append(parts, fmt.Sprint(v))
		}
	}
	if len(parts) == 0 {
		b, _ := json.Marshal(m)
		return string(b)
	}
	return strings.Join(parts, " ")
}

// counted puts a proxy before each platform in env, and returns the environment
// with these and the number of requests so far.
func counted(t *testing.T, env []string) (through []string, requests func() int64) {
	t.Helper()
	var n atomic.Int64
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if to, err := url.Parse(value); strings.HasSuffix(name, "_URL") && err == nil {
			proxy := httputil.NewSingleHostReverseProxy(to)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n.Add(1)
				proxy.ServeHTTP(w, r)
			}))
			t.Cleanup(s.Close)
			kv = name + "=" + s.URL
		}
		through = append(through, kv)
	}
	return through, n.Load
}

// TestWhoFollowsPagesSeesEveryRowWhateverFits walks every paged tool of every
// server with the smallest budget, and with so much that nothing is cut. What
// doesn't fit costs the platform no request more.
func TestWhoFollowsPagesSeesEveryRowWhateverFits(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"wazuh-mcp", "thehive-mcp", "cortex-mcp", "misp-mcp", "mitre-mcp"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			r := newResults(t, server)
			var requests func() int64
			r.env, requests = counted(t, r.env)
			small, whole := r.connect(nil, "-max-response", "2048"), r.connect(nil, "-max-response", "8388608")
			r.list(small)
			tools := map[string]*mcp.Tool{}
			for tool, err := range small.Tools(t.Context(), nil) {
				if err != nil {
					t.Fatal(err)
				}
				tools[tool.Name] = tool
			}
			walked, cuts := map[string]bool{}, 0
			for _, c := range served()[server] {
				tool := tools[c.Op]
				if tool == nil || !tool.Annotations.ReadOnlyHint || walked[c.Op] {
					continue
				}
				limit, place := paged(tool)
				if place == "" {
					continue
				}
				walked[c.Op] = true
				var args map[string]any
				if err := json.Unmarshal([]byte(c.Args), &args); err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{limit, place, "cursor"} {
					delete(args, name)
				}
				spent := func(cs *mcp.ClientSession) int64 {
					before := requests()
					if _, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: c.Op, Arguments: args}); err != nil {
						t.Fatal(err)
					}
					return requests() - before
				}
				want, _, list := turn(t, whole, c.Op, place, "", args)
				tries := 0 // one may be more for a connection that broke
				for tries < 3 && spent(small) > spent(whole) {
					tries++
				}
				if tries == 3 {
					t.Errorf("%s: %d requests where all fits, %d where it doesn't", c.Op, spent(whole), spent(small))
				}
				got, cut, _ := turn(t, small, c.Op, place, list, args)
				if cut {
					cuts++
				}
				if !slices.Equal(want, got) {
					t.Errorf("%s(%v): %d rows, %d when nothing is cut\n%.1500q\n%.1500q", c.Op, args, len(got), len(want), got, want)
				}
			}
			for name, tool := range tools {
				if _, place := paged(tool); place != "" && tool.Annotations.ReadOnlyHint && !walked[name] {
					t.Errorf("%s has pages that weren't walked", name)
				}
			}
			if len(walked) == 0 || cuts == 0 && server != "cortex-mcp" { // the lab has too few jobs for that
				t.Errorf("%d tools have pages, of which %d were made smaller: nothing is tested", len(walked), cuts)
			}
		})
	}
}

// TestWhatWasCutIsReachedThroughABridgeByPlainCalls walks pages with a server that is
// started for each call, as some bridges do; what such a server kept is gone, and the one
// who asks for it is told what to do.
func TestWhatWasCutIsReachedThroughABridgeByPlainCalls(t *testing.T) {
	t.Parallel()
	for server, calls := range map[string][]evidence.Call{
		"wazuh-mcp":   {{Op: "get_alerts", Args: `{"limit":40,"include_full_log":true}`}, {Op: "list_agents", Args: `{}`}},
		"thehive-mcp": {{Op: "thehive_list_cases", Args: `{}`}},
		"misp-mcp":    {{Op: "misp_search_attributes", Args: `{"toIds":true}`}},
		"mitre-mcp":   {{Op: "mitre_list_groups", Args: `{"limit":40}`}},
	} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			r := newResults(t, server)
			whole := r.connect(nil, "-max-response", "8388608")
			tools := listed(t, whole)
			for _, c := range calls {
				_, place := paged(tools[c.Op])
				var args map[string]any
				if err := json.Unmarshal([]byte(c.Args), &args); err != nil {
					t.Fatal(err)
				}
				want, _, list := turn(t, whole, c.Op, place, "", args)
				got, cut, _ := turn(t, bridge{r, []string{"-max-response", "6000"}}, c.Op, place, list, args)
				if !slices.Equal(want, got) || !cut && c.Op == "get_alerts" {
					t.Errorf("%s(%v): %d rows, %d when nothing is cut; cut: %t\n%.1500q\n%.1500q", c.Op, args, len(got), len(want), cut, got, want)
				}
			}
			_, err := whole.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "sallyport://answers/0123456789abcdef/1"})
			if err == nil || !strings.Contains(err.Error(), "by the process that gave it; repeat the call") {
				t.Errorf("what another process kept: %v", err)
			}
		})
	}
}
