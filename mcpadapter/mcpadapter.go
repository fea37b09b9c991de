package mcpadapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"weak"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
)

// Options change how operations are served. The zero Options are the defaults.
type Options struct {
	// MaxResponse is how many bytes of JSON an answer may have. Default: 64 KiB;
	// at least 2 KiB.
	MaxResponse int
	// AskTimeout is how long a client's form may stay open. Default: 2 minutes.
	AskTimeout time.Duration
	// Logger receives what the agent isn't told. Default: silent.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.MaxResponse == 0 {
		o.MaxResponse = defaultMaxResponse
	}
	o.MaxResponse = max(o.MaxResponse, minMaxResponse)
	if o.AskTimeout <= 0 {
		o.AskTimeout = 2 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// NewServer returns a server without tools. It keeps what clients cache to
// themselves and offers nothing that the protocol has deprecated.
func NewServer(name, version, instructions string) *mcp.Server {
	return mcp.NewServer(&mcp.Implementation{Name: name, Version: version}, &mcp.ServerOptions{
		Instructions: instructions,
		Capabilities: &mcp.ServerCapabilities{},
		SetCacheable: func(_ context.Context, _ mcp.Request, c *mcp.Cacheable) { c.CacheScope = "private" },
	})
}

// Register adds ops as tools behind g to s, with the default [Options].
func Register(s *mcp.Server, g *gate.Guard, ops ...gate.Op) error {
	return RegisterWith(s, g, Options{}, ops...)
}

// RegisterWith adds ops as tools behind g to s and, the first time, the tool
// gate_status. If it returns an error it has added nothing. Errors are an
// operation whose client isn't guarded by g, a name that is taken, an input
// that [CheckInput] refuses, and a server that has another guard already.
//
// An operation above the tier of the policy is listed all the same; calls of it
// are refused.
func RegisterWith(s *mcp.Server, g *gate.Guard, opts Options, ops ...gate.Op) error {
	if s == nil || g == nil {
		return errors.New("mcpadapter: a server and a guard are needed")
	}
	opts = opts.withDefaults()
	r := registryOf(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.guard != nil && r.guard != g {
		return errors.New("mcpadapter: the server has another guard already")
	}
	if r.guard == nil {
		ops = append([]gate.Op{statusOp(g)}, ops...)
	}
	added := make(map[string]*tool, len(ops))
	known := leaves{}
	var errs []error
	for _, op := range ops {
		t, err := newTool(op, g, opts, known)
		switch {
		case err != nil:
			errs = append(errs, err)
		case r.tools[op.Name()] != nil || added[op.Name()] != nil:
			errs = append(errs, fmt.Errorf("mcpadapter: %s: there is another tool of that name", op.Name()))
		default:
			added[op.Name()] = t
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if r.guard == nil {
		r.guard = g
		s.AddReceivingMiddleware(r.describe)
	}
	for _, op := range ops {
		t := added[op.Name()]
		r.tools[op.Name()] = t
		s.AddTool(t.stub, t.call)
	}
	return nil
}

// registry is what mcpadapter knows of a server.
type registry struct {
	mu    sync.Mutex
	guard *gate.Guard
	tools map[string]*tool
}

// registries belong to servers and go with them. A server tells nobody which
// tools it has, and adding a second one of a name silently replaces the first.
var registries = struct {
	sync.Mutex
	of map[weak.Pointer[mcp.Server]]*registry
}{of: map[weak.Pointer[mcp.Server]]*registry{}}

func registryOf(s *mcp.Server) *registry {
	registries.Lock()
	defer registries.Unlock()
	key := weak.Make(s)
	r := registries.of[key]
	if r == nil {
		r = &registry{tools: map[string]*tool{}}
		registries.of[key] = r
		runtime.AddCleanup(s, func(key weak.Pointer[mcp.Server]) {
			registries.Lock()
			defer registries.Unlock()
			delete(registries.of, key)
		}, key)
	}
	return r
}

// describe puts the schemas into the list of tools. They are written when they
// are first asked for: most processes start, serve a few calls and end.
func (r *registry) describe(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		res, err := next(ctx, method, req)
		list, ok := res.(*mcp.ListToolsResult)
		if err != nil || !ok {
			return res, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for i, stub := range list.Tools {
			if t := r.tools[stub.Name]; t != nil && t.stub == stub {
				list.Tools[i] = t.described().tool
			}
		}
		return list, nil
	}
}

// tool is an operation as a tool.
type tool struct {
	op   gate.Op
	g    *gate.Guard
	opts Options
	in   *shape
	stub *mcp.Tool // what the server lists before the schemas are put in

	described func() *described
	patience  patience
}

// described is what only those need who list or call the tool.
type described struct {
	tool      *mcp.Tool
	out       *shape
	wrapped   bool     // a read's output that isn't an object becomes the member result of one
	untrusted []string // paths in the answer
	how       string
}

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

func newTool(op gate.Op, g *gate.Guard, opts Options, known leaves) (*tool, error) {
	if !toolName.MatchString(op.Name()) {
		return nil, fmt.Errorf("mcpadapter: %q can't be the name of a tool", op.Name())
	}
	if other, wired := op.Guard(); wired && other != g {
		if other == nil {
			return nil, fmt.Errorf("mcpadapter: %s: its client has no guard", op.Name())
		}
		return nil, fmt.Errorf("mcpadapter: %s: its client has another guard", op.Name())
	}
	in, err := inputShape(op.In(), known)
	if err != nil {
		return nil, fmt.Errorf("%w (input of %s)", err, op.Name())
	}
	t := &tool{op: op, g: g, opts: opts, in: in,
		stub: &mcp.Tool{Name: op.Name(), InputSchema: &jsonschema.Schema{Type: "object"}}}
	t.described = sync.OnceValue(t.describe)
	return t, nil
}

func (t *tool) describe() *described {
	d := &described{out: outputShape(t.op.Out()), how: pagingHow(t.in)}
	read := t.op.Tier() == gate.TierRead
	d.wrapped = read && d.out.what != isObject && d.out.what != isMap
	var schema []byte
	switch {
	case d.wrapped:
		schema = (&shape{what: isObject, fields: []*field{{name: "result", shape: d.out}}}).answerSchema()
		d.untrusted = d.out.untrusted("result")
	case read:
		schema = d.out.answerSchema()
		d.untrusted = d.out.untrusted("")
	default:
		schema = envelopeSchema(d.out.schema(nil, "", nil, false))
		d.untrusted = d.out.untrusted("result")
	}
	d.tool = &mcp.Tool{
		Name:         t.op.Name(),
		Title:        title(t.op.Name()),
		Description:  t.op.Doc(),
		Annotations:  annotations(t.op),
		InputSchema:  json.RawMessage(t.in.schema(nil, "", nil, true)),
		OutputSchema: json.RawMessage(schema),
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
func (t *tool) call(ctx context.Context, req *mcp.CallToolRequest) (res *mcp.CallToolResult, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.opts.Logger.Error("panic", "op", t.op.Name(), "value", fmt.Sprint(p), "stack", string(debug.Stack()))
			res, err = failed(t.op.Name()+" failed inside the server. Check at the platform what it did before repeating it.", refusal{Status: "unknown"}), nil
		}
	}()
	ctx, err = withPrincipal(ctx, req)
	if err != nil {
		return failed(err.Error(), nil), nil
	}
	args, err := t.in.bind(req.Params.Arguments)
	if err != nil {
		return failed("invalid arguments for "+t.op.Name()+":\n"+err.Error(), nil), nil
	}
	out, err := t.do(ctx, args)
	if err == nil && out.State == gate.StatePending {
		var ask *mcp.CallToolResult
		if ask, out, err = t.askClient(ctx, req, args, out); ask != nil {
			return ask, nil
		}
	}
	if err == nil {
		res, err = t.outcome(out)
	}
	if err != nil {
		return t.failure(err), nil
	}
	return res, nil
}

// do runs the operation with a fresh copy of its input.
func (t *tool) do(ctx context.Context, args []byte) (*gate.Result, error) {
	in := reflect.New(t.op.In()).Interface()
	if err := json.Unmarshal(args, in); err != nil {
		return nil, fmt.Errorf("invalid arguments for %s: %w", t.op.Name(), err)
	}
	return t.op.Do(ctx, t.g, in)
}

// withPrincipal makes the authenticated user, if the transport knows one, the
// principal of the call.
func withPrincipal(ctx context.Context, req *mcp.CallToolRequest) (context.Context, error) {
	if req.Extra == nil || req.Extra.TokenInfo == nil {
		return ctx, nil
	}
	if req.Extra.TokenInfo.UserID == "" {
		return ctx, errors.New("the access token names no user, so nobody could be held to this call")
	}
	return gate.WithPrincipal(ctx, req.Extra.TokenInfo.UserID), nil
}
