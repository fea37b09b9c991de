package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
)

// tools lists what is served; with -names, the names alone; with -json, the
// definitions as a client sees them.
func (p *program) tools(ctx context.Context, args []string) int {
	how := ""
	if len(args) == 1 && (args[0] == "-names" || args[0] == "-json") {
		how = args[0]
	} else if len(args) > 0 {
		return p.misuse(errors.New("want tools, tools -names or tools -json"))
	}
	s, err := p.open()
	if err != nil {
		return p.misuse(err)
	}
	defer s.guard.Close()
	switch how {
	case "-names":
		for _, op := range s.ops {
			fmt.Fprintln(p.out, op.Name())
		}
		return exitDone
	case "-json":
		return p.client(ctx, s, func(cs *mcp.ClientSession) int {
			res, err := cs.ListTools(ctx, nil)
			if err != nil {
				return p.fail(err)
			}
			return p.print(res.Tools)
		})
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOOL\tTIER\tTOOLSET\tWHAT IT DOES")
	for _, op := range s.ops {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", op.Name(), op.Tier(), p.toolset(op.Name()), op.Doc())
	}
	_ = w.Flush() // a writer that fails has said so already
	return exitDone
}

func (p *program) fail(err error) int {
	fmt.Fprintf(p.err, "%s: %s\n", p.Name, visible(err.Error()))
	return exitFailed
}

// client runs do with a client of s in this process, so that a call takes the
// same way as an agent's.
func (p *program) client(ctx context.Context, s *site, do func(*mcp.ClientSession) int) int {
	near, far := mcp.NewInMemoryTransports()
	ss, err := s.server.Connect(ctx, far, nil)
	if err != nil {
		return p.fail(err)
	}
	cs, err := mcp.NewClient(&mcp.Implementation{Name: p.Name + " call", Version: mcpadapter.Version()}, nil).Connect(ctx, near, nil)
	if err != nil {
		return p.fail(err)
	}
	code := do(cs)
	_ = cs.Close()
	_ = ss.Wait()
	return code
}

// call calls a tool.
func (p *program) call(ctx context.Context, args []string) int {
	asJSON := false
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool {
		if a == "-json" || a == "--json" {
			asJSON = true
			return true
		}
		return false
	})
	if len(args) == 0 {
		return p.misuse(errors.New("want call NAME key=value …; tools lists the names"))
	}
	in, err := arguments(args[1:])
	if err != nil {
		return p.misuse(err)
	}
	p.logger = quiet(p.log, p.logger)
	s, err := p.open()
	if err != nil {
		return p.misuse(err)
	}
	defer s.guard.Close()
	if !slices.ContainsFunc(s.ops, func(op gate.Op) bool { return op.Name() == args[0] }) && args[0] != mcpadapter.StatusTool {
		return p.misuse(fmt.Errorf("there is no tool %q; %s tools lists them", args[0], p.Name))
	}
	name := args[0]
	if p.dynamic && name != mcpadapter.StatusTool {
		in = map[string]any{"name": name, "arguments": in}
		name = mcpadapter.CallTool
	}
	return p.client(ctx, s, func(cs *mcp.ClientSession) int {
		res, err := cs.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: in})
		if err != nil {
			return p.fail(err)
		}
		if res.IsError {
			text := text(res)
			fmt.Fprintln(p.err, visible(text))
			if strings.HasPrefix(text, "invalid arguments for ") {
				return exitMisuse
			}
			return exitFailed
		}
		if asJSON {
			p.print(res.StructuredContent)
		} else {
			table(p.out, res.StructuredContent)
		}
		return exitOf(res)
	})
}

// exitOf tells a call that was done from one that waits.
func exitOf(res *mcp.CallToolResult) int {
	m, _ := res.StructuredContent.(map[string]any)
	if m["status"] == string(gate.StatePending) && m["proposal"] != nil {
		return exitFailed
	}
	return exitDone
}

func text(res *mcp.CallToolResult) string {
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			return t.Text
		}
	}
	return ""
}

// print writes v as JSON.
func (p *program) print(v any) int {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return p.fail(err)
	}
	fmt.Fprintln(p.out, escaped(string(b)))
	return exitDone
}

// arguments reads key=value and key:=JSON. A key that is given twice is a list.
func arguments(args []string) (map[string]any, error) {
	in := map[string]any{}
	for _, a := range args {
		key, value, ok := strings.Cut(a, "=")
		if !ok || key == "" || key == ":" {
			return nil, fmt.Errorf("%q: want key=value, or key:=JSON", a)
		}
		var v any = value
		if k, raw := strings.CutSuffix(key, ":"); raw {
			if !json.Valid([]byte(value)) {
				return nil, fmt.Errorf("%q is not JSON", value)
			}
			key, v = k, json.RawMessage(value)
		}
		switch had := in[key].(type) {
		case nil:
			in[key] = v
		case []any:
			in[key] = append(had, v)
		default:
			in[key] = []any{had, v}
		}
	}
	return in, nil
}

// check proves the configuration, a line for each thing.
func (p *program) check(ctx context.Context) int {
	p.logger = quiet(p.log, p.logger)
	s, err := p.open()
	if err != nil {
		fmt.Fprintln(p.out, "FAIL  configuration")
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintln(p.out, "      "+visible(line))
		}
		return exitMisuse
	}
	defer s.guard.Close()
	fmt.Fprintf(p.out, "ok    configuration: %d tools\n", len(s.ops))
	direct := *p
	direct.dynamic = false
	if p.dynamic {
		if s, err = direct.open(); err != nil {
			return p.misuse(err)
		}
		defer s.guard.Close()
	}
	return p.client(ctx, s, func(cs *mcp.ClientSession) int {
		code := exitDone
		for _, name := range append(slices.Clone(p.Check), mcpadapter.StatusTool) {
			if name != mcpadapter.StatusTool && !slices.ContainsFunc(s.ops, func(op gate.Op) bool { return op.Name() == name }) {
				continue // not in the chosen toolsets
			}
			res, err := cs.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: map[string]any{}})
			switch {
			case err != nil:
				fmt.Fprintf(p.out, "FAIL  %s: %s\n", name, visible(err.Error()))
				code = exitFailed
			case res.IsError:
				fmt.Fprintf(p.out, "FAIL  %s: %s\n", name, visible(text(res)))
				code = exitFailed
			default:
				fmt.Fprintf(p.out, "ok    %s%s\n", name, remark(name, res))
			}
		}
		return code
	})
}

// remark says what an operator should know about the gate.
func remark(name string, res *mcp.CallToolResult) string {
	m, ok := res.StructuredContent.(map[string]any)
	if name != mcpadapter.StatusTool || !ok {
		return ""
	}
	out := fmt.Sprintf(": %v approves", m["approval"])
	if n, _ := m["approvers"].(float64); n == 0 && m["approval"] == string(gate.ApprovalOperator) {
		out += "; no approver is enrolled, so no write can be approved: run gate init"
	}
	if m["frozen"] == true {
		out += "; all writes are frozen: gate thaw ends that"
	}
	return out
}

// keysOf returns the keys of m, those that say which object it is first.
func keysOf(m map[string]any) []string {
	first := func(k string) int {
		switch k {
		case "id", "number", "name", "title", "status", "summary":
			return 0
		}
		return 1
	}
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		if d := first(a) - first(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}
