package mcpadapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"weak"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// Options change how operations are served. The zero Options are the defaults.
type Options struct {
	// MaxResponse is how many bytes of JSON an answer may have. Default: 24 KiB,
	// which is about 8000 tokens; at least 2 KiB.
	MaxResponse int
	// AskTimeout is how long a client's form may stay open. Default: 2 minutes.
	AskTimeout time.Duration
	// Progress is how often a call that takes long says so to a client that
	// asked for it. Default: 2 seconds.
	Progress time.Duration
	// Logger receives what the agent isn't told, and one line per call, without
	// a value of its arguments or of its answer. Default: silent.
	Logger *slog.Logger
	// Trace follows calls. Default: nobody does.
	Trace Tracer
}

// A Tracer is told when a call of a tool begins. The context it returns is that
// of the call, and the function it returns, if any, is told how the call ended.
// It is the place for spans, such as those of OpenTelemetry.
type Tracer func(ctx context.Context, tool string) (context.Context, func(Call))

// A Call is what is known of a call when it has ended.
type Call struct {
	Tool      string
	Tier      gate.Tier
	Principal string // the authenticated user, if the transport knows one
	// Decision is the state that the gate answered with, such as "read" or
	// "pending", or "invalid", "failed", "unknown" or "refused: " and the reason.
	Decision string
	Duration time.Duration
	In, Out  int // bytes of the arguments and of the answer
	Flags    int // texts in the answer that look like instructions
}

func (o Options) withDefaults() Options {
	if o.MaxResponse == 0 {
		o.MaxResponse = defaultMaxResponse
	}
	o.MaxResponse = max(o.MaxResponse, minMaxResponse)
	if o.AskTimeout <= 0 {
		o.AskTimeout = 2 * time.Minute
	}
	if o.Progress <= 0 {
		o.Progress = 2 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// NewServer returns a server without tools. It keeps what clients cache to
// themselves and offers nothing that the protocol has deprecated.
func NewServer(name, version, instructions string) *mcp.Server {
	var s *mcp.Server
	s = mcp.NewServer(&mcp.Implementation{Name: name, Version: version}, &mcp.ServerOptions{
		Instructions: instructions,
		Capabilities: &mcp.ServerCapabilities{},
		SetCacheable: func(_ context.Context, _ mcp.Request, c *mcp.Cacheable) { c.CacheScope = "private" },
		CompletionHandler: func(ctx context.Context, req *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			return complete(ctx, registryOf(s), req), nil
		},
	})
	return s
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
	return register(s, g, opts, false, ops)
}

func register(s *mcp.Server, g *gate.Guard, opts Options, indirect bool, ops []gate.Op) error {
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
		t, err := newTool(op, g, opts, r, known)
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
		s.AddResourceTemplate(template, r.rest.read)
	}
	for _, op := range ops {
		t := added[op.Name()]
		r.tools[op.Name()] = t
		if indirect && op.Name() != StatusTool {
			r.indirect = append(r.indirect, t)
			continue
		}
		s.AddTool(t.stub, t.call)
	}
	return nil
}

// registry is what mcpadapter knows of a server.
type registry struct {
	mu    sync.Mutex
	guard *gate.Guard
	tools map[string]*tool

	indirect  []*tool // not listed; see RegisterDynamic
	resources map[string]bool
	prompts   map[string]gate.Prompt
	rest      rest
	calls     calls

	completions []Completion
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
		r = &registry{tools: map[string]*tool{}, resources: map[string]bool{}, prompts: map[string]gate.Prompt{}}
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
	op      gate.Op
	g       *gate.Guard
	opts    Options
	in      *shape
	rest    *rest
	running *calls
	stub    *mcp.Tool // what the server lists before the schemas are put in

	claims bool // takes the agent's reason beside the arguments of the operation

	described func() *described
	patience  patience
}

// described is what only those need who list or call the tool.
type described struct {
	tool      *mcp.Tool
	out       *shape
	wrapped   bool            // a read's output that isn't an object becomes the member result of one
	untrusted []string        // paths in the answer
	ours      map[string]bool // keys that we give to members of the answer
	how       string
}

var toolName = lazyregexp.New(`^[a-zA-Z0-9_.-]{1,64}$`)

func newTool(op gate.Op, g *gate.Guard, opts Options, r *registry, known leaves) (*tool, error) {
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
	t := &tool{op: op, g: g, opts: opts, in: in, rest: &r.rest, running: &r.calls,
		stub: &mcp.Tool{Name: op.Name(), InputSchema: &jsonschema.Schema{Type: "object"}}}
	t.claims = op.Tier() != gate.TierRead && in.takeReason()
	t.described = sync.OnceValue(t.describe)
	return t, nil
}

func (t *tool) describe() *described {
	d := &described{out: outputShape(t.op.Out()), how: pagingHow(t.in), ours: maps.Clone(envelopeNames())}
	d.out.keys(d.ours)
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
		schema = envelopeSchema(d.out.outline("", docDepth+1))
		d.untrusted = d.out.untrusted("result")
	}
	d.tool = &mcp.Tool{
		Name:         t.op.Name(),
		Title:        title(t.op.Name()),
		Description:  t.op.Doc(),
		Annotations:  annotations(t.op),
		InputSchema:  json.RawMessage(t.in.schema(nil, "", nil)),
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
	args, err := t.in.bind(req.Params.Arguments)
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

// observe runs do, which is one call, and tells the log and the tracer of it. A
// panic in it is an answer too.
func (t *tool) observe(ctx context.Context, in int, do func(context.Context) (*mcp.CallToolResult, string)) (res *mcp.CallToolResult) {
	ctx, end := t.running.begin(ctx)
	defer end()
	c := Call{Tool: t.op.Name(), Tier: t.op.Tier(), Principal: principalOf(ctx), In: in}
	began := time.Now()
	var ended func(Call)
	if t.opts.Trace != nil {
		ctx, ended = t.opts.Trace(ctx, c.Tool)
	}
	defer func() {
		if p := recover(); p != nil {
			t.opts.Logger.Error("panic", "op", t.op.Name(), "value", fmt.Sprint(p), "stack", string(debug.Stack()))
			c.Decision = "failed"
			res = t.failed(t.op.Name()+" failed inside the server. Check at the platform what it did before repeating it.", refusal{Status: "unknown"})
		}
		c.Duration, c.Out = time.Since(began), len(plain(res))
		if f, ok := res.Meta[MetaFlags].([]Flag); ok {
			c.Flags = len(f)
		}
		t.opts.Logger.Info("call", "tool", c.Tool, "tier", c.Tier.String(), "principal", c.Principal, "decision", c.Decision,
			"duration", c.Duration.Round(time.Microsecond), "in", c.In, "out", c.Out, "flags", c.Flags)
		if ended != nil {
			ended(c)
		}
	}()
	res, c.Decision = do(ctx)
	return res
}

// decided names an error for the log.
func decided(err error) string {
	var refused *gate.RefusedError
	switch {
	case errors.Is(err, gate.ErrOutcomeUnknown):
		return "unknown"
	case errors.As(err, &refused):
		return "refused: " + string(refused.Reason)
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return "failed"
}

// reportProgress tells a client that asked for it that the call still runs,
// until the function it returns is called.
func (t *tool) reportProgress(ctx context.Context, req *mcp.CallToolRequest) (stop func()) {
	token := req.Params.GetProgressToken()
	if token == nil || req.Session == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		began := time.Now()
		tick := time.NewTicker(t.opts.Progress)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			p := &mcp.ProgressNotificationParams{ProgressToken: token, Progress: time.Since(began).Seconds(),
				Message: t.op.Name() + " is running"}
			if req.Session.NotifyProgress(ctx, p) != nil {
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done // nothing of a call may follow its answer
	}
}

// do runs the operation with a fresh copy of its input.
func (t *tool) do(ctx context.Context, args []byte) (*gate.Result, error) {
	in := reflect.New(t.op.In()).Interface()
	if err := json.Unmarshal(args, in); err != nil {
		return nil, fmt.Errorf("invalid arguments for %s: %w", t.op.Name(), err)
	}
	out, err := t.op.Do(ctx, t.g, in)
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

type principalKey struct{}

// withPrincipal makes the authenticated user, if the transport knows one, the
// principal of the call.
func withPrincipal(ctx context.Context, extra *mcp.RequestExtra) (context.Context, error) {
	if extra == nil || extra.TokenInfo == nil {
		return ctx, nil
	}
	user := extra.TokenInfo.UserID
	if user == "" {
		return ctx, errors.New("the access token names no user, so nobody could be held to this call")
	}
	return gate.WithPrincipal(context.WithValue(ctx, principalKey{}, user), user), nil
}

// principalOf returns the authenticated user, or "".
func principalOf(ctx context.Context) string {
	user, _ := ctx.Value(principalKey{}).(string)
	return user
}
