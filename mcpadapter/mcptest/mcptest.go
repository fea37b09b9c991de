// Package mcptest helps to test operations as an MCP client sees them.
package mcptest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
)

var update = flag.Bool("update", false, "rewrite golden files")

// Updating reports whether the test was started with -update. A package that
// uses mcptest has the flag from here and can't declare it again.
func Updating() bool { return *update }

// schemas holds the tools of the sessions that Connect made, while they last.
var schemas sync.Map // *mcp.ClientSession → map[string]*jsonschema.Resolved

// Guard returns a guard that lets every tier run, with an empty journal of its own.
func Guard(tb testing.TB) *gate.Guard {
	tb.Helper()
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: tb.TempDir(), Getenv: func(string) string { return "" }})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := g.Close(); err != nil {
			tb.Error(err)
		}
	})
	return g
}

// Approve approves the proposal id at g as an operator would: with a key that
// is enrolled in the state directory, through a journal of its own.
func Approve(tb testing.TB, g *gate.Guard, id string) {
	tb.Helper()
	s, err := gate.NewSigner("operator-for-" + id)
	if err != nil {
		tb.Fatal(err)
	}
	if err := gate.AddApprover(g.Dir(), s.Approver()); err != nil {
		tb.Fatal(err)
	}
	j, err := gate.OpenJournal(g.Dir())
	if err != nil {
		tb.Fatal(err)
	}
	defer j.Close()
	p, err := j.Proposal(id)
	if err != nil {
		tb.Fatal(err)
	}
	if err := j.Approve(id, p.Digest, s); err != nil {
		tb.Fatal(err)
	}
}

// Connect serves ops behind g in memory and returns a client's session.
func Connect(tb testing.TB, g *gate.Guard, ops ...gate.Op) *mcp.ClientSession {
	tb.Helper()
	s := mcpadapter.New(g, mcpadapter.Options{Name: "mcptest"})
	if err := s.Add(ops...); err != nil {
		tb.Fatal(err)
	}
	return Dial(tb, s, nil, nil)
}

// Dial connects a client to s in memory. Nil options are the SDK's defaults.
func Dial(tb testing.TB, s *mcpadapter.Server, client *mcp.ClientOptions, session *mcp.ClientSessionOptions) *mcp.ClientSession {
	tb.Helper()
	near, far := mcp.NewInMemoryTransports()
	ss, err := s.MCP().Connect(tb.Context(), far, nil)
	if err != nil {
		tb.Fatal(err)
	}
	cs, err := mcp.NewClient(&mcp.Implementation{Name: "mcptest", Version: "v0.0.0"}, client).Connect(tb.Context(), near, session)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		schemas.Delete(cs)
		_ = cs.Close() // closing twice, or after the server, is fine here
		_ = ss.Wait()
	})
	return cs
}

// Call calls a tool and returns its result. args is JSON as a string, or
// anything that encodes to it; nil is no arguments. A protocol error ends the
// test, and so does structured content that doesn't keep to the output schema
// which the tool advertises.
func Call(tb testing.TB, cs *mcp.ClientSession, name string, args any) *mcp.CallToolResult {
	tb.Helper()
	if s, ok := args.(string); ok {
		args = json.RawMessage(s)
	}
	if args == nil {
		args = json.RawMessage("{}")
	}
	res, err := cs.CallTool(tb.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	if !res.IsError || res.StructuredContent != nil {
		Validate(tb, cs, name, res)
	}
	return res
}

// Validate checks that res keeps to the output schema of the tool.
func Validate(tb testing.TB, cs *mcp.ClientSession, name string, res *mcp.CallToolResult) {
	tb.Helper()
	schema := outputs(tb, cs)[name]
	if schema == nil {
		tb.Fatalf("%s: the tool is not listed, or has no output schema", name)
	}
	if err := schema.Validate(res.StructuredContent); err != nil {
		b, _ := json.Marshal(res.StructuredContent) //nolint:errcheck // it came as JSON
		tb.Fatalf("%s: the result does not keep to its schema: %v\n%s", name, err, b)
	}
}

func outputs(tb testing.TB, cs *mcp.ClientSession) map[string]*jsonschema.Resolved {
	tb.Helper()
	if m, ok := schemas.Load(cs); ok {
		return m.(map[string]*jsonschema.Resolved)
	}
	m := map[string]*jsonschema.Resolved{}
	for tool, err := range cs.Tools(tb.Context(), nil) {
		if err != nil {
			tb.Fatal(err)
		}
		var s jsonschema.Schema
		b, err := json.Marshal(tool.OutputSchema)
		if err == nil {
			err = json.Unmarshal(b, &s)
		}
		if err != nil {
			tb.Fatalf("%s: output schema: %v", tool.Name, err)
		}
		if m[tool.Name], err = s.Resolve(nil); err != nil {
			tb.Fatalf("%s: output schema: %v", tool.Name, err)
		}
	}
	schemas.Store(cs, m)
	return m
}

// Text returns the text of a result.
func Text(res *mcp.CallToolResult) string {
	var b strings.Builder
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			b.WriteString(t.Text)
		}
	}
	return b.String()
}

// Structured decodes the structured content of a result into out.
func Structured(tb testing.TB, res *mcp.CallToolResult, out any) {
	tb.Helper()
	b, err := json.Marshal(res.StructuredContent)
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if err != nil {
		tb.Fatalf("structured content: %v", err)
	}
}

// Golden compares every tool, as the client sees it, with the file
// testdata/tools/<tool>.json, where dir is testdata or testdata/tools. A missing file fails the test, and so does a file
// without a tool; -update rewrites them. The tool gate_status is the same
// everywhere and left out.
func Golden(tb testing.TB, dir string, cs *mcp.ClientSession) {
	tb.Helper()
	if filepath.Base(dir) != "tools" {
		dir = filepath.Join(dir, "tools")
	}
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			tb.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	known := map[string]bool{}
	for tool, err := range cs.Tools(tb.Context(), nil) {
		if err != nil {
			tb.Fatal(err)
		}
		if tool.Name == mcpadapter.StatusTool {
			continue
		}
		known[tool.Name+".json"] = true
		compare(tb, filepath.Join(dir, tool.Name+".json"), tool)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range files {
		if !known[f.Name()] {
			tb.Errorf("%s belongs to no tool; run the test with -update", filepath.Join(dir, f.Name()))
		}
	}
}

func compare(tb testing.TB, file string, tool *mcp.Tool) {
	tb.Helper()
	got, err := json.MarshalIndent(tool, "", "  ")
	if err != nil {
		tb.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			tb.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tb.Errorf("%v; run the test with -update", err)
		return
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
