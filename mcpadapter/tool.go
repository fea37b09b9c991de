package mcpadapter

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clientword"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/recovered"
	"github.com/sallyport-soc/sallyport/internal/stack"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

// tool is an operation as a tool.
type tool struct {
	*Server
	op   gate.Op
	in   *schema.Type
	stub *mcp.Tool // what the server lists before the schemas are put in

	own    bool // is of the server itself
	claims bool // takes the agent's reason beside the arguments of the operation

	definition func() *mcp.Tool // as it is listed
	described  func() *described
	patience   patience
}

// described is what only those need who call the tool.
type described struct {
	answer  *schema.Type // the output of a read, or the envelope around it
	wrapped bool         // a read's output that isn't an object becomes the member result of one
	foreign bool         // the output has what others write
	how     string       // to get what was cut
}

// later stands in for a schema until the tools are listed. It can't be written, having
// two types: so none is listed by mistake, and the protocol's library, which asks no more
// than whether it is of an object, reads none of them, for which it takes 32 KiB each.
var later = &jsonschema.Schema{Type: "object", Types: []string{}}

// isName reports whether name can be that of a tool or a prompt.
func isName(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

func (s *Server) newTool(op gate.Op) (*tool, error) {
	if !isName(op.Name()) {
		return nil, fmt.Errorf("mcpadapter: %q can't be the name of a tool", op.Name())
	}
	if other, wired := op.Guard(); wired && other != s.guard {
		if other == nil {
			return nil, fmt.Errorf("mcpadapter: %s: its client has no guard", op.Name())
		}
		return nil, fmt.Errorf("mcpadapter: %s: its client has another guard", op.Name())
	}
	read := op.Tier() == gate.TierRead
	in := s.inputs[op.In()]
	if in == nil || !read {
		var err error
		if in, err = schema.Input(op.In(), s.known); err != nil {
			return nil, fmt.Errorf("%w (input of %s)", err, op.Name())
		}
	}
	t := &tool{Server: s, op: op, in: in, stub: &mcp.Tool{Name: op.Name(), InputSchema: later}}
	if read {
		s.inputs[op.In()] = in
	} else {
		in.FixedTimes, t.claims = true, takeReason(in)
	}
	t.definition, t.described = sync.OnceValue(t.define), sync.OnceValue(t.describe)
	return t, nil
}

// define writes the definition. It reads no more of the output than is in it.
func (t *tool) define() *mcp.Tool {
	advertised := []byte(envelopeSchema)
	if t.op.Tier() == gate.TierRead {
		out := schema.Members(t.op.Out())
		if !isObject(out) {
			whole := schema.Members(reflect.TypeFor[wrapped]())
			whole.Field("result").Type = out
			out = whole
		}
		advertised = out.AnswerSchema(answer.Members+","+failureMembers, "reason", "error")
	}
	return &mcp.Tool{
		Name:         t.op.Name(),
		Title:        title(t.op.Name()),
		Description:  t.op.Doc(),
		Annotations:  annotations(t.op, t.guard.Approval() == gate.ApprovalHost),
		InputSchema:  json.RawMessage(t.in.Schema()),
		OutputSchema: json.RawMessage(advertised),
		Meta:         t.meta(),
	}
}

// isObject reports whether an output is an object, as an answer is.
func isObject(out *schema.Type) bool { return out.Kind == schema.Object || out.Kind == schema.Map }

func (t *tool) describe() *described {
	out := schema.Output(t.op.Out())
	d := &described{answer: out, foreign: out.Untrusted(), how: t.rest()}
	switch {
	case t.op.Tier() != gate.TierRead:
		d.answer = schema.Output(reflect.TypeFor[envelope]())
		plan := d.answer.Field("plan").Type
		plan.Field("targets").Type.Elem.Field("name").SetUntrusted()
		plan.Field("changes").Type.Elem.Field("before").SetUntrusted()
		d.answer.Field("result").Type = out
	case !isObject(out):
		d.answer, d.wrapped = schema.Output(reflect.TypeFor[wrapped]()), true
		d.answer.Field("result").Type = out
	}
	return d
}

// rest says how to get what was cut from an answer.
func (t *tool) rest() string {
	with := strings.Join(t.in.Paging(), ", ")
	if with == "" {
		with = t.op.Facets().InParts
	}
	switch {
	case t.op.Tier() != gate.TierRead:
		return "only this answer is cut, not what it tells of: don't repeat the call"
	case with == "":
		return "nothing makes this answer smaller"
	}
	return "ask for the rest, in smaller parts, with " + with
}

// inParts names all that gives in parts what is too large for one answer.
func (t *tool) inParts() string {
	with := t.in.Paging()
	if also := t.op.Facets().InParts; also != "" {
		with = append(with, also)
	}
	return strings.Join(with, ", ")
}

// meta is what a tool's definition has for some hosts. Claude Code loads the
// definitions of tools late: by their hints it finds them, and those of a dynamic
// server must be there from the start.
func (t *tool) meta() mcp.Meta {
	m := mcp.Meta{MetaTier: t.op.Tier().String()}
	if hint := t.opts.SearchHints[t.op.Name()]; hint != "" {
		m["anthropic/searchHint"] = hint
	}
	if t.own && t.opts.Dynamic {
		m["anthropic/alwaysLoad"] = true
	}
	return m
}

// annotations is the only place where a tier becomes hints. If nobody but the
// host asks before a write, each write is marked so that the host does.
func annotations(op gate.Op, host bool) *mcp.ToolAnnotations {
	read := op.Tier() == gate.TierRead
	unasked := !read && host // hosts that ask go by these two
	destructive := op.Tier() == gate.TierDestructive || unasked
	open := unasked || op.Facets().OpenWorld || op.Facets().Egress
	return &mcp.ToolAnnotations{
		ReadOnlyHint:    read,
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
	stack.Deepen()
	ctx, err := withPrincipal(ctx, req.Extra)
	if err != nil {
		return t.replied(ctx, failure{Status: statusRefused, Message: err.Error()}).result, nil
	}
	if c := req.ClientInfo(); c != nil {
		ctx = gate.WithClient(ctx, strings.TrimSpace(c.Name+" "+c.Version))
	}
	ctx, stop := t.reportProgress(ctx, req)
	defer stop()
	r := t.observe(ctx, len(req.Params.Arguments), func(ctx context.Context) reply { return t.joined(ctx, req) })
	return t.seal(req, r.result), nil
}

// joined serves a request, a read together with equal ones of the same user that are
// under way. None of them began before a write of this server that has ended since.
func (t *tool) joined(ctx context.Context, req *mcp.CallToolRequest) reply {
	if t.op.Tier() != gate.TierRead {
		t.reads.Forget()
		defer t.reads.Forget()
	}
	if t.op.Tier() != gate.TierRead || t.own {
		return t.serve(ctx, req)
	}
	key := t.op.Name() + "\x00" + principalOf(ctx) + "\x00" + string(req.Params.Arguments)
	r := t.reads.Do(ctx, key, func() reply { return t.serve(ctx, req) })
	own := *r.result
	r.result = &own
	return r
}

// serve binds, runs and answers.
func (t *tool) serve(ctx context.Context, req *mcp.CallToolRequest) reply {
	args, understood, err := t.in.Bind(req.Params.Arguments)
	if err != nil {
		return t.invalid(ctx, t.op.Name(), err)
	}
	ctx = t.withClaim(ctx, args)
	given := bound{args: args, understood: append(understood, t.lowered(args)...)}
	var made *answer.Answer // while the journal took note of what was done
	var r reply             // that says it
	listener := &clientword.Listener{Encode: jsoncodec.Marshal, Executed: func(result any, text []byte) {
		_ = recovered.Do(func() (err error) { // if there is an error, it comes again below
			res, _ := result.(*gate.Result)
			if made, err = t.enveloped(given, res, text); err == nil && made.Fits(t.opts.MaxResponse) { // else more is kept than the reply
				r = t.send(ctx, given, made, string(res.State))
			}
			return err
		})
	}}
	out, err := t.do(clientword.WithListener(paging.Late(ctx), listener), args)
	if err == nil && out.State == gate.StatePending {
		var ask *mcp.CallToolResult
		if ask, out, given.noForm, err = t.askClient(ctx, req, args, out); ask != nil {
			return reply{result: ask, decision: "asked"}
		}
	}
	switch {
	case err != nil || r.result != nil:
	case made != nil:
		r = t.send(ctx, given, made, string(out.State))
	default:
		r, err = t.outcome(ctx, given, out)
	}
	if err != nil {
		return t.failure(ctx, err)
	}
	return r
}

// do runs the operation with a fresh copy of its input.
func (t *tool) do(ctx context.Context, args []byte) (*gate.Result, error) {
	in, err := t.bounded(args)
	if err != nil {
		return nil, &invalidError{err}
	}
	out, err := t.op.Do(ctx, t.guard, in)
	if _, refused := err.(*gate.InvalidError); refused { // and not one below, which another input has against itself
		return nil, &invalidError{err}
	}
	return out, err
}
