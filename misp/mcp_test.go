package misp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// cutting is a transport that breaks the connection when a path is called, once
// it is made.
type cutting struct {
	t    *testing.T
	path string
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, c.path) {
		return http.DefaultTransport.RoundTrip(r)
	}
	broken := &http.Transport{DialContext: func(_ context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			_, _ = io.ReadAtLeast(far, make([]byte, 64), 64) // whatever comes, it isn't answered
		}()
		return near, nil
	}}
	defer broken.CloseIdleConnections()
	res, err := broken.RoundTrip(r)
	if err == nil {
		c.t.Error("an answer from a broken connection")
		return res, errors.New("broken")
	}
	return nil, err
}

func dial(t *testing.T, m *misptest.Server) (*mcp.ClientSession, func(tool, args string) *mcp.CallToolResult) {
	t.Helper()
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, m.Client(func(cfg *misp.Config) { cfg.Guard = g }).Ops()...)
	return cs, func(tool, args string) *mcp.CallToolResult {
		t.Helper()
		res := mcptest.Call(t, cs, tool, args)
		var waits struct{ Status, Proposal string }
		if !res.IsError && res.StructuredContent != nil {
			mcptest.Structured(t, res, &waits)
		}
		if waits.Status == "pending" {
			mcptest.Approve(t, g, waits.Proposal)
			res = mcptest.Call(t, cs, tool, args)
		}
		return res
	}
}

func TestTools(t *testing.T) {
	cs, _ := dial(t, misptest.New(t))
	mcptest.Golden(t, "testdata", cs)
}

// TestOwnersCalls makes the calls of the owner's walkthrough as they were written.
func TestOwnersCalls(t *testing.T) {
	t.Parallel()
	for _, native := range []bool{false, true} {
		m := misptest.New(t)
		m.NativeInts = native
		m.SeedIncident()
		_, call := dial(t, m)
		for _, c := range []struct{ tool, args, want string }{
			{"misp_correlate", `{"value": "198.51.100.23"}`, "SSH password guessing"},
			{"misp_search_attributes", `{"value": "198.51.100.23", "type": "ip-src"}`, "source of the guessing"},
			{"misp_check_warninglists", `{"value": "198.51.100.23"}`, `"listed":false`},
			{"misp_get_related_events", `{"value": "198.51.100.23"}`, "Scanning of port 22"},
			{"misp_add_attributes_bulk", `{"event_id": "<event>", "attributes": [{"type": "ip-src", "value": "198.51.100.23", "category": "Network activity"}]}`, `"added":1`},
			{"misp_get_event", `{"event_id": <event>}`, "Draft: brute force"},
			{"misp_get_event", `{"id": "<event>"}`, "198.51.100.23"},
		} {
			res := call(c.tool, strings.ReplaceAll(c.args, "<event>", misptest.DraftEvent))
			text, err := json.Marshal(res.StructuredContent)
			if err != nil || res.IsError || !strings.Contains(string(text), c.want) {
				t.Errorf("native=%t: %s: %s; want %q", native, c.tool, mcptest.Text(res), c.want)
			}
		}
	}
}

func TestRefusedArguments(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	_, call := dial(t, m)
	for _, tt := range []struct{ tool, args, want string }{
		{"misp_get_event", `{"eventId":"0"}`, "eventId"},
		{"misp_search_attributes", `{}`, "at least one of"},
		{"misp_search_attributes", `{"comment":"x"}`, "comment"},
		{"misp_search_attributes", `{"value":"x","limit":501}`, "500"},
		{"misp_search_attributes", `{"value":"x","last":"5x"}`, "last"},
		{"misp_correlate", `{"value":"%"}`, "everything"},
		{"misp_get_related_events", `{"value":"x","eventId":"1"}`, "either eventId or value"},
		{"misp_add_attributes_bulk", `{"eventId":"4","attributes":[]}`, "attributes"},
		{"misp_publish_event", `{"eventId":"4"}`, "unconfirmed"},
	} {
		if res := call(tt.tool, tt.args); !res.IsError || !strings.Contains(mcptest.Text(res), tt.want) {
			t.Errorf("%s(%s): %s; want an error with %q", tt.tool, tt.args, mcptest.Text(res), tt.want)
		}
	}
	if r := m.Requests(); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
}

// TestGalaxiesDoNotEatTheAnswer is about events whose galaxies are told at a length
// of tens of kilobytes each, which an answer of 24 KiB doesn't hold twice.
func TestGalaxiesDoNotEatTheAnswer(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	const brute = `misp-galaxy:mitre-attack-pattern="Brute Force - T1110"`
	for i := range 50 {
		m.AddEvent(misptest.Event{Info: fmt.Sprintf("Example mail wave %d", i), Tags: []string{brute},
			Attributes: []misptest.Attribute{{Type: "domain", Value: fmt.Sprintf("wave-%d.example", i), Tags: []string{brute}}}})
	}
	_, call := dial(t, m)
	for _, c := range []struct {
		tool, args, member string
		want               int
	}{
		{"misp_search_events", `{"info":"%Example mail%"}`, "events", 50},
		{"misp_search_by_tag", `{"tag":"misp-galaxy:%T1110%"}`, "events", 50},
		{"misp_search_by_tag", `{"tag":"misp-galaxy:%T1110%","type":"attribute"}`, "attributes", 50},
		{"misp_search_attributes", `{"value":"wave-%"}`, "attributes", 50},
		{"misp_get_event", `{"eventId":"1"}`, "Attribute", 1},
	} {
		res := call(c.tool, c.args)
		var out map[string]json.RawMessage
		mcptest.Structured(t, res, &out)
		var rows []json.RawMessage
		if err := json.Unmarshal(out[c.member], &rows); err != nil || len(rows) != c.want {
			t.Errorf("%s(%s): %d rows are shown, want %d: %v %.300s", c.tool, c.args, len(rows), c.want, err, mcptest.Text(res))
		}
		if text := mcptest.Text(res); !strings.Contains(text, "Brute Force") || strings.Contains(text, "What is known of") {
			t.Errorf("%s(%s): want the names of clusters, and not what is known of them: %.600s", c.tool, c.args, text)
		}
	}
}

// TestALimitThatWasLoweredIsSaid asks for more rows than an answer holds, of
// attributes with many tags and galaxies each.
func TestALimitThatWasLoweredIsSaid(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	const many = 240
	tags := []string{`misp-galaxy:mitre-attack-pattern="Brute Force - T1110"`}
	for i := range 30 {
		tags = append(tags, fmt.Sprintf("example:tag=\"%d\"", i))
	}
	e := misptest.Event{Info: "Heavily tagged"}
	for i := range many {
		e.Attributes = append(e.Attributes, misptest.Attribute{Type: "domain", Value: fmt.Sprintf("heavy-%d.example", i), Tags: tags})
	}
	id := m.AddEvent(e)
	_, call := dial(t, m)
	seen := map[string]bool{}
	var page struct {
		Attributes []*misp.Attribute `json:"attributes"`
		Understood []string          `json:"_understood"`
		Next       map[string]any    `json:"_next"`
		More       bool              `json:"more"`
	}
	args := map[string]any{"eventId": id, "limit": 500}
	for pages := 1; ; pages++ {
		b, err := json.Marshal(args)
		if err != nil || pages > many {
			t.Fatal(pages, err)
		}
		page.Attributes, page.Understood, page.Next, page.More = nil, nil, nil, false
		res := call("misp_search_attributes", string(b))
		mcptest.Structured(t, res, &page)
		if size := len(mcptest.Text(res)); size > 24<<10 {
			t.Errorf("page %d has %d bytes", pages, size)
		}
		if want := []string{"limit: 50, the most that fit an answer, not 500"}; pages == 1 && !slices.Equal(page.Understood, want) {
			t.Errorf("understood %q, want %q", page.Understood, want)
		}
		for _, a := range page.Attributes {
			if seen[a.Value] || len(a.Tags) != len(tags) {
				t.Errorf("%s: %d tags, or again", a.Value, len(a.Tags))
			}
			seen[a.Value] = true
		}
		if len(page.Next) == 0 && !page.More {
			break
		}
		if len(page.Next) == 0 {
			n, _ := args["page"].(float64)
			page.Next = map[string]any{"page": max(n, 1) + 1}
		}
		maps.Copy(args, page.Next)
	}
	if len(seen) != many {
		t.Errorf("%d of %d attributes are seen", len(seen), many)
	}
	for _, args := range []string{`{"eventId":"` + id + `"}`, `{"eventId":"` + id + `","limit":5}`} {
		if text := mcptest.Text(call("misp_search_attributes", args)); strings.Contains(text, "_understood") {
			t.Errorf("%s: %.300s", args, text)
		}
	}
}

// TestPagesThatWereMadeToFit follows pages with room for a few of their rows,
// which have many or large ones: none is lost, none comes twice, and the server is
// asked once for each.
func TestPagesThatWereMadeToFit(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	named := func(kind string, n int) (list []misptest.Attribute) {
		for i := range n {
			list = append(list, misptest.Attribute{Type: "domain", Value: fmt.Sprintf("%s-%d.example", kind, i), Comment: strings.Repeat("word ", i%7)})
		}
		return list
	}
	e := misptest.Event{Info: "Attributes, then objects", Attributes: named("alone", 30)}
	for i := range 12 {
		e.Objects = append(e.Objects, misptest.Object{Name: "domain-ip", Attributes: named(fmt.Sprintf("in-%d", i), 1+3*(i%4))})
	}
	mixed := m.AddEvent(e)
	large := m.AddEvent(misptest.Event{Info: "Many", Attributes: named("many", 310)})
	const smallest, whole = 2048, 8 << 20
	dialed := func(room int) *mcp.ClientSession {
		g := mcptest.Guard(t)
		server := mcpadapter.New(g, mcpadapter.Options{MaxResponse: room})
		if err := server.Add(m.Client(func(cfg *misp.Config) { cfg.Guard = g }).Ops()...); err != nil {
			t.Fatal(err)
		}
		return mcptest.Dial(t, server, nil, nil)
	}
	walk := func(cs *mcp.ClientSession, tool string, args map[string]any) (rows []string, pages, most int) {
		args = maps.Clone(args)
		for ; pages < 500; pages++ {
			var p struct {
				Attributes []*misp.Attribute `json:"Attribute"`
				Found      []*misp.Attribute `json:"attributes"`
				Objects    []*misp.Object    `json:"Object"`
				More       bool              `json:"more"`
				Next       map[string]any    `json:"_next"`
			}
			before := len(m.Requests())
			mcptest.Structured(t, mcptest.Call(t, cs, tool, args), &p)
			most = max(most, len(m.Requests())-before)
			for _, a := range slices.Concat(p.Attributes, p.Found) {
				rows = append(rows, "attribute "+string(a.ID))
			}
			for _, o := range p.Objects {
				rows = append(rows, "object "+string(o.ID))
			}
			switch page, _ := args["page"].(int); {
			case p.Next != nil:
				maps.Copy(args, p.Next)
			case !p.More:
				return rows, pages, most
			default:
				if n, ok := args["page"].(float64); ok {
					page = int(n)
				}
				args["page"] = max(1, page) + 1
			}
		}
		t.Fatalf("%s(%v): no end", tool, args)
		return nil, 0, 0
	}
	few, all := dialed(smallest), dialed(whole)
	for _, tt := range []struct {
		tool string
		args map[string]any
		want int
	}{
		{"misp_get_event", map[string]any{"eventId": mixed}, 42},
		{"misp_get_event", map[string]any{"eventId": mixed, "limit": 7}, 42},
		{"misp_get_event", map[string]any{"eventId": mixed, "limit": 500, "page": 1}, 42},
		{"misp_get_event", map[string]any{"eventId": large}, 310},
		{"misp_search_attributes", map[string]any{"eventId": large, "limit": 500}, 310},
		{"misp_search_attributes", map[string]any{"eventId": large}, 310},
	} {
		want, _, most := walk(all, tt.tool, tt.args)
		got, pages, again := walk(few, tt.tool, tt.args)
		if len(want) != tt.want || pages == 0 {
			t.Errorf("%s(%v): %d rows on %d pages; want %d rows", tt.tool, tt.args, len(want), pages, tt.want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s(%v) (-whole +cut):\n%s", tt.tool, tt.args, diff)
		}
		if again > most {
			t.Errorf("%s(%v): %d requests for a page, %d where all fits", tt.tool, tt.args, again, most)
		}
	}
	// A page behind the first is made smaller from where it begins.
	second, _, _ := walk(few, "misp_search_attributes", map[string]any{"eventId": large, "limit": 100, "page": 2})
	if all, _, _ := walk(all, "misp_search_attributes", map[string]any{"eventId": large}); !slices.Equal(second, all[50:]) {
		t.Errorf("behind the first page are %d rows, want %d", len(second), len(all)-50)
	}
}
