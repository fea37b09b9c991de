package command

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/term"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/version"
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
		fmt.Fprintln(p.out, p.StatusTool)
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
	rows := [][]string{{"TOOL", "TIER", "TOOLSET", "WHAT IT DOES"}}
	for _, op := range s.ops {
		rows = append(rows, []string{op.Name(), op.Tier().String(), p.toolset(op.Name()), op.Doc()})
	}
	status, _, err := p.find(ctx, s, p.StatusTool)
	if err != nil {
		return p.fail(err)
	}
	rows = append(rows, []string{status.Name, gate.TierRead.String(), "all", status.Description})
	p.screen().grid(rows, make([]bool, len(rows[0])), "")
	return exitDone
}

func (p *program) fail(err error) int {
	fmt.Fprintf(p.err, "%s: %s\n", p.Name, visible(err.Error()))
	return exitFailed
}

// screen is where answers go.
func (p *program) screen() screen { return screen{p.out, width(p.out)} }

// client runs do with a client of s in this process, so that a call takes the
// same way as an agent's.
func (p *program) client(ctx context.Context, s *site, do func(*mcp.ClientSession) int) int {
	near, far := mcp.NewInMemoryTransports()
	ss, err := s.server.MCP().Connect(ctx, far, nil)
	if err != nil {
		return p.fail(err)
	}
	cs, err := mcp.NewClient(&mcp.Implementation{Name: p.Name + " call", Version: version.Running()}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			fmt.Fprint(p.err, over(fmt.Sprintf("%.0f s  %s", r.Params.Progress, r.Params.Message), width(p.err)))
		},
	}).Connect(ctx, near, nil)
	if err != nil {
		return p.fail(err)
	}
	code := do(cs)
	_ = cs.Close()
	_ = ss.Wait()
	return code
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// over is a line of a terminal that takes the place of the one before.
func over(line string, width int) string {
	if line = visible(line); width > 0 {
		line = clipped(line, width-1)
	}
	return "\r\x1b[K" + line
}

// wholeAnswer is how many bytes an answer to a person may have: it goes to a
// screen or into a file, not into the context of a model.
const wholeAnswer = 8 << 20

// call calls a tool.
func (p *program) call(ctx context.Context, args []string) int {
	var asJSON, help bool
	var words []string
	file := ""
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "-o" || a == "--o":
			if i++; i == len(args) {
				return p.misuse(errors.New("-o: want the name of a file"))
			}
			file = args[i]
		case a == "-json" || a == "--json":
			asJSON = true
		case a == "-help" || a == "--help" || a == "-h":
			help = true
		case strings.HasPrefix(a, "-"):
			return p.misuse(fmt.Errorf("%q: after call there are -json, -o FILE and -help; all other flags come before it", a))
		default:
			words = append(words, a)
		}
	}
	if len(words) == 0 && help {
		fmt.Fprintf(p.out, callUsage, p.Name)
		return exitDone
	}
	if len(words) == 0 {
		return p.misuse(errors.New("want call NAME key=value …; tools lists the names, call -help says more"))
	}
	name := words[0]
	in, err := arguments(words[1:])
	if err != nil {
		return p.misuse(err)
	}
	p.logger = quiet(p.log, p.logger)
	p.dynamic = false // which is about the list of tools: the call is the same
	p.only = name     // the other tools' schemas cost more than most calls
	if p.maxResponse == 0 {
		p.maxResponse = wholeAnswer
	}
	s, err := p.open()
	if err != nil {
		return p.misuse(err)
	}
	defer s.guard.Close()
	if !slices.ContainsFunc(s.ops, func(op gate.Op) bool { return op.Name() == name }) && name != p.StatusTool {
		return p.misuse(fmt.Errorf("there is no tool %q; %s tools lists them", name, p.Name))
	}
	if help || slices.ContainsFunc(slices.Collect(maps.Values(in)), commas) {
		tool, takes, err := p.find(ctx, s, name)
		switch {
		case err != nil:
			return p.fail(err)
		case help:
			return p.describe(tool, takes)
		}
		if err := ambiguous(in, takes); err != nil {
			return p.misuse(err)
		}
	}
	return p.client(ctx, s, func(cs *mcp.ClientSession) int {
		params := &mcp.CallToolParams{Name: name, Arguments: in}
		if isTerminal(p.err) {
			params.SetProgressToken(name)
		}
		res, err := cs.CallTool(ctx, params)
		if isTerminal(p.err) {
			fmt.Fprint(p.err, over("", 0))
		}
		if err != nil {
			return p.fail(err)
		}
		if res.IsError {
			words, invalid := failureOf(res)
			fmt.Fprintln(p.err, visible(words))
			if invalid {
				return exitMisuse
			}
			return exitFailed
		}
		if file != "" && !waits(res) {
			return p.write(ctx, cs, res, file)
		}
		text, v := answerOf(res)
		if v == nil {
			fmt.Fprintln(p.out, visible(text))
			return exitOf(res)
		}
		if forAPerson(ctx, s.guard, v); asJSON {
			p.print(json.RawMessage(v.Append(nil)))
		} else {
			p.screen().table(v)
		}
		return exitOf(res)
	})
}

// write writes what a result holds into a file that isn't there yet: the file that
// the tool made, with the rest of the answer on the screen, or else the answer.
func (p *program) write(ctx context.Context, cs *mcp.ClientSession, res *mcp.CallToolResult, file string) int {
	text, rest := answerOf(res)
	content := []byte(text)
	m, _ := res.StructuredContent.(map[string]any)
	member, _ := res.Meta[mcpadapter.MetaDocument].(string)
	about, _ := m["_file"].(map[string]any)
	switch held, ok := m[member].(string); {
	case about["resource"] != nil:
		uri, _ := about["resource"].(string)
		r, err := cs.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
		if err != nil {
			return p.fail(err)
		}
		if content = r.Contents[0].Blob; content == nil {
			content = []byte(r.Contents[0].Text)
		}
	case about != nil:
		return p.fail(errors.New("the file is too large"))
	case ok && res.Meta[mcpadapter.MetaBase64] == true:
		var err error
		if content, err = base64.StdEncoding.DecodeString(held); err != nil {
			return p.fail(err)
		}
	case ok:
		content = []byte(held)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return p.fail(err)
	}
	if _, err := f.Write(content); err != nil {
		return p.fail(errors.Join(err, f.Close()))
	}
	if err := f.Close(); err != nil {
		return p.fail(err)
	}
	fmt.Fprintf(p.out, "%d bytes in %s\n", len(content), visible(file))
	if rest != nil && member != "" {
		rest.Delete(member, "_file")
		p.screen().table(rest)
	}
	return exitDone
}

// exitOf tells a call that was done from one that waits.
func exitOf(res *mcp.CallToolResult) int {
	if waits(res) {
		return exitFailed
	}
	return exitDone
}

// waits reports whether what was called waits for an approval.
func waits(res *mcp.CallToolResult) bool {
	m, _ := res.StructuredContent.(map[string]any)
	return m["status"] == string(gate.StatePending) && m["proposal"] != nil
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

// arguments reads key=value and key:=JSON, or one JSON object that holds them all. A
// key that is given twice is a list.
func arguments(args []string) (map[string]any, error) {
	if len(args) == 1 && strings.HasPrefix(args[0], "{") {
		return object(args[0])
	}
	in := map[string]any{}
	for _, a := range args {
		if strings.HasPrefix(a, "{") {
			return nil, errors.New("want one JSON object alone, or key=value and key:=JSON without one")
		}
		key, value, ok := strings.Cut(a, "=")
		if !ok || key == "" || key == ":" {
			return nil, fmt.Errorf("%q: want key=value, key:=JSON, or one JSON object", a)
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

// object reads the arguments as an agent gives them.
func object(text string) (map[string]any, error) {
	v, err := jsontree.Parse([]byte(text), jsontree.MaxDepthOut)
	if err != nil {
		return nil, fmt.Errorf("%q is not a JSON object: %w", text, err)
	}
	if key, twice := v.Duplicate(jsontree.Exactly); twice {
		return nil, fmt.Errorf("%q is given twice in the JSON object", key)
	}
	in := make(map[string]any, len(v.Keys))
	for i, key := range v.Keys {
		in[key] = json.RawMessage(v.Elems[i].Append(nil))
	}
	return in, nil
}
