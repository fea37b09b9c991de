package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// platforms returns the clients of each server, connected to a lab.
func platforms(t *testing.T, g *gate.Guard) map[string][]command.Client {
	t.Helper()
	l, err := lab.Start(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w, h, c, m := l.Configs()
	w.Guard, h.Guard, c.Guard, m.Guard = g, g, g, g
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	wc, err := wazuh.New(w)
	must(err)
	hc, err := thehive.New(h)
	must(err)
	cc, err := cortex.New(c)
	must(err)
	mc, err := misp.New(m)
	must(err)
	ac, err := attack.New(attack.Config{})
	must(err)
	sc, err := soc.New(soc.Config{Guard: g, ATTACK: ac, Wazuh: wc, TheHive: hc, MISP: mc})
	must(err)
	return map[string][]command.Client{"wazuh": {wc}, "thehive": {hc}, "cortex": {cc}, "misp": {mc}, "mitre": {ac, sc}}
}

func opsOf(clients []command.Client) []gate.Op {
	var ops []gate.Op
	for _, c := range clients {
		ops = append(ops, c.Ops()...)
	}
	return ops
}

func toolsOf(t *testing.T, cs *mcp.ClientSession) []*mcp.Tool {
	t.Helper()
	var tools []*mcp.Tool
	for tool, err := range cs.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		tools = append(tools, tool)
	}
	return tools
}

func sizeOf(t *testing.T, v any) int {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}

// What the definitions of tools may cost, in bytes of JSON. Four bytes are
// about a token.
const (
	maxTool    = 5200 // one tool
	maxAverage = 2300 // all tools of a server, on average
	maxDynamic = 8000 // all that a dynamic server lists: 2000 tokens
)

func TestToolDefinitionsKeepToTheirBudget(t *testing.T) {
	g := mcptest.Guard(t)
	for name, clients := range platforms(t, g) {
		ops := opsOf(clients)
		tools := toolsOf(t, mcptest.Connect(t, g, ops...))
		sum := 0
		for _, tool := range tools {
			n := sizeOf(t, tool)
			sum += n
			if n > maxTool {
				t.Errorf("%s: the definition has %d bytes, want at most %d", tool.Name, n, maxTool)
			}
		}
		average := sum / len(tools)
		t.Logf("%s: %d tools, %d bytes, %d each", name, len(tools), sum, average)
		if average > maxAverage {
			t.Errorf("%s: a definition has %d bytes on average, want at most %d", name, average, maxAverage)
		}
	}
}

func TestADynamicSOCFitsIntoTwoThousandTokens(t *testing.T) {
	g := mcptest.Guard(t)
	var ops []gate.Op
	for _, clients := range platforms(t, g) {
		ops = append(ops, opsOf(clients)...)
	}
	s := mcpadapter.New(g, mcpadapter.Options{Name: "soc-mcp", Dynamic: true})
	if err := s.Add(ops...); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, nil, nil)
	tools := toolsOf(t, cs)
	if n := sizeOf(t, tools); n > maxDynamic {
		t.Errorf("%d tools of %d bytes, want at most %d", len(tools), n, maxDynamic)
	}
	for query, want := range map[string]string{
		"create case": "thehive_create_case", "correlate": "misp_correlate", "wazuh alerts": "get_alerts", "run responder": "cortex_run_responder",
	} {
		if text := mcptest.Text(mcptest.Call(t, cs, mcpadapter.FindTool, map[string]any{"query": query})); !strings.Contains(text, `"`+want+`"`) {
			t.Errorf("%q doesn't find %s: %s", query, want, text)
		}
	}
}

func TestTheListOfToolsIsTheSameEachTime(t *testing.T) {
	g := mcptest.Guard(t)
	clients := platforms(t, g)
	list := func(reverse bool) string {
		ops := opsOf(clients["misp"])
		if reverse {
			slices.Reverse(ops)
		}
		b, err := json.Marshal(toolsOf(t, mcptest.Connect(t, g, ops...)))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if list(false) != list(true) {
		t.Error("the list depends on the order of registration")
	}
}

// catalogue has the names that agents of the reference servers know.
type catalogue struct {
	Tools, Resources, Prompts map[string][]string
}

func TestTheCatalogueIsServed(t *testing.T) {
	b, err := os.ReadFile("testdata/catalogue.json")
	if err != nil {
		t.Fatal(err)
	}
	var want catalogue
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for name, clients := range platforms(t, mcptest.Guard(t)) {
		have := map[string]bool{}
		for _, op := range opsOf(clients) {
			have[op.Name()] = true
		}
		for _, c := range clients {
			if r, ok := c.(interface{ Resources() []gate.Resource }); ok {
				for _, one := range r.Resources() {
					have[one.URI] = true
				}
			}
			if p, ok := c.(interface{ Prompts() []gate.Prompt }); ok {
				for _, one := range p.Prompts() {
					have["prompt "+name+" "+one.Name] = true
				}
			}
		}
		all := slices.Concat(want.Tools[name], want.Resources[name])
		for _, p := range want.Prompts[name] {
			all = append(all, "prompt "+name+" "+p)
		}
		for _, w := range all {
			if !have[w] {
				t.Errorf("%s: %s is not served", name, w)
			}
		}
	}
}
