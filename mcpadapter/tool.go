package mcpadapter

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

// tool is an operation as a tool.
type tool struct {
	*Server
	op   gate.Op
	in   *schema.Type
	stub *mcp.Tool // what the server lists before the schemas are put in

	claims bool // takes the agent's reason beside the arguments of the operation

	described func() *described
	patience  patience
}

// described is what only those need who list or call the tool.
type described struct {
	tool      *mcp.Tool
	out       *schema.Type
	wrapped   bool            // a read's output that isn't an object becomes the member result of one
	untrusted []string        // paths in the answer
	ours      map[string]bool // keys that we give to members of the answer
	how       string
}

var toolName = lazyregexp.New(`^[a-zA-Z0-9_.-]{1,64}$`)

func (s *Server) newTool(op gate.Op) (*tool, error) {
	if !toolName.MatchString(op.Name()) {
		return nil, fmt.Errorf("mcpadapter: %q can't be the name of a tool", op.Name())
	}
	if other, wired := op.Guard(); wired && other != s.guard {
		if other == nil {
			return nil, fmt.Errorf("mcpadapter: %s: its client has no guard", op.Name())
		}
		return nil, fmt.Errorf("mcpadapter: %s: its client has another guard", op.Name())
	}
	in, err := schema.Input(op.In(), s.known)
	if err != nil {
		return nil, fmt.Errorf("%w (input of %s)", err, op.Name())
	}
	t := &tool{Server: s, op: op, in: in, stub: &mcp.Tool{Name: op.Name(), InputSchema: &jsonschema.Schema{Type: "object"}}}
	t.claims = op.Tier() != gate.TierRead && takeReason(in)
	t.described = sync.OnceValue(t.describe)
	return t, nil
}

func (t *tool) describe() *described {
	d := &described{out: schema.Output(t.op.Out()), how: t.in.PagingHow(), ours: maps.Clone(envelopeNames())}
	d.out.AddKeys(d.ours)
	read := t.op.Tier() == gate.TierRead
	d.wrapped = read && d.out.Kind != schema.Object && d.out.Kind != schema.Map
	var out []byte
	switch {
	case d.wrapped:
		out = d.out.Wrapped("result").AnswerSchema()
		d.untrusted = d.out.Untrusted("result")
	case read:
		out = d.out.AnswerSchema()
		d.untrusted = d.out.Untrusted("")
	default:
		out = envelopeSchema(d.out.Outline())
		d.untrusted = d.out.Untrusted("result")
	}
	d.tool = &mcp.Tool{
		Name:         t.op.Name(),
		Title:        title(t.op.Name()),
		Description:  t.op.Doc(),
		Annotations:  annotations(t.op),
		InputSchema:  json.RawMessage(t.in.Schema()),
		OutputSchema: json.RawMessage(out),
		Meta:         mcp.Meta{MetaTier: t.op.Tier().String()},
	}
	return d
}

// annotations is the only place where a tier becomes hints.
func annotations(op gate.Op) *mcp.ToolAnnotations {
	destructive := op.Tier() == gate.TierDestructive
	open := op.Facets().OpenWorld || op.Facets().Egress
	return &mcp.ToolAnnotations{
		Title:           title(op.Name()),
		ReadOnlyHint:    op.Tier() == gate.TierRead,
		DestructiveHint: &destructive,
		IdempotentHint:  op.Facets().Idempotent,
		OpenWorldHint:   &open,
	}
}

var systems = map[string]string{"thehive": "TheHive", "cortex": "Cortex", "misp": "MISP", "mitre": "MITRE ATT&CK", "wazuh": "Wazuh", "gate": "Gate"}

// title turns thehive_create_case into "TheHive: create case".
func title(name string) string {
	first, rest, _ := strings.Cut(name, "_")
	words := strings.ReplaceAll(rest, "_", " ")
	if system := systems[first]; system != "" && words != "" {
		return system + ": " + words
	}
	words = strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// call serves a tools/call request.
func (t *tool) call(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	ctx, err := withPrincipal(ctx, req.Extra)
	if err != nil {
		return failed(err.Error()), nil
	}
	defer t.reportProgress(ctx, req)()
	return t.observe(ctx, len(req.Params.Arguments), func(ctx context.Context) (*mcp.CallToolResult, string) {
		return t.serve(ctx, req)
	}), nil
}

// serve binds, runs and answers, and says how the gate decided.
func (t *tool) serve(ctx context.Context, req *mcp.CallToolRequest) (res *mcp.CallToolResult, decision string) {
	args, err := t.in.Bind(req.Params.Arguments)
	if err != nil {
		return failed("invalid arguments for " + t.op.Name() + ":\n" + err.Error()), "invalid"
	}
	ctx = t.withClaim(ctx, args)
	out, err := t.do(ctx, args)
	if err == nil && out.State == gate.StatePending {
		var ask *mcp.CallToolResult
		if ask, out, err = t.askClient(ctx, req, args, out); ask != nil {
			return ask, "asked"
		}
	}
	if err == nil {
		res, err = t.outcome(ctx, out)
	}
	if err != nil {
		return t.failure(ctx, err), decided(err)
	}
	return res, string(out.State)
}

// do runs the operation with a fresh copy of its input.
func (t *tool) do(ctx context.Context, args []byte) (*gate.Result, error) {
	in := reflect.New(t.op.In()).Interface()
	if err := json.Unmarshal(args, in); err != nil {
		return nil, fmt.Errorf("invalid arguments for %s: %w", t.op.Name(), err)
	}
	out, err := t.op.Do(ctx, t.guard, in)
	if err != nil && t.refuses(args, err) {
		return nil, &invalidError{err}
	}
	return out, err
}

// refuses reports whether err is what the input of args has against itself,
// which no platform has seen.
func (t *tool) refuses(args []byte, err error) bool {
	in := reflect.New(t.op.In()).Interface()
	v, ok := in.(interface{ Validate() error })
	if !ok || json.Unmarshal(args, in) != nil {
		return false
	}
	if d, ok := in.(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
	invalid := v.Validate()
	return invalid != nil && invalid.Error() == err.Error()
}
