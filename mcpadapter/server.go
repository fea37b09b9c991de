package mcpadapter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/bm25"
	"github.com/sallyport-soc/sallyport/internal/version"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/inflight"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

// Options say what a server is called and how operations are served. The zero
// Options are the defaults.
type Options struct {
	// Name and Version are what the server tells clients of itself. Default:
	// "sallyport" and the version of the running program.
	Name, Version string
	// Instructions tell an agent in a sentence or two what the server is for.
	Instructions string
	// StatusTool is the name of the tool that tells how the gate stands, which
	// must differ among servers that are used together. Default: gate_status.
	StatusTool string
	// Dynamic lists three tools that find, describe and call those which are
	// added, instead of all of them. The calls are the same, behind the same gate.
	Dynamic bool
	// SearchHints are words, by the name of a tool, by which a host that loads
	// tools late finds it.
	SearchHints map[string]string
	// SearchWords are words that tools say, by what people say instead: where a
	// query of a server with Dynamic has all words of a key, in any order, it also
	// looks for those of its value.
	SearchWords map[string]string
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

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "sallyport"
	}
	if o.Version == "" {
		o.Version = version.Running()
	}
	if o.StatusTool == "" {
		o.StatusTool = StatusTool
	}
	if o.MaxResponse == 0 {
		o.MaxResponse = answer.DefaultSize
	}
	o.MaxResponse = max(o.MaxResponse, answer.MinSize)
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

// A Server serves gated operations to MCP clients.
type Server struct {
	mcp    *mcp.Server
	guard  *gate.Guard
	opts   Options
	known  schema.Leaves
	inputs map[reflect.Type]*schema.Type // of reads: a resource has that of a tool
	kept   answer.Store
	calls  inflight.Calls
	reads  inflight.Joint[reply]
	line   atomic.Pointer[line] // over stdio

	mu          sync.Mutex
	tools       map[string]*tool
	findable    []*tool     // see Options.Dynamic: those that aren't listed, and that of the gate
	index       *bm25.Index // of findable, once somebody searches
	phrases     []phrase
	resources   map[string]bool
	prompts     map[string]gate.Prompt
	completions []Completion
}

// New returns a server of operations behind guard. It has one tool, which tells
// how the gate stands; [Options.Dynamic] adds three. The server keeps what
// clients cache to themselves and offers nothing that the protocol has
// deprecated. New panics without a guard.
func New(guard *gate.Guard, opts Options) *Server {
	if guard == nil {
		panic("mcpadapter: a guard is needed")
	}
	opts = opts.withDefaults()
	s := &Server{guard: guard, opts: opts, known: schema.Leaves{}, inputs: map[reflect.Type]*schema.Type{}, tools: map[string]*tool{}, resources: map[string]bool{}, prompts: map[string]gate.Prompt{}}
	s.mcp = mcp.NewServer(&mcp.Implementation{Name: opts.Name, Version: opts.Version}, &mcp.ServerOptions{
		Instructions: opts.Instructions,
		Capabilities: &mcp.ServerCapabilities{},
		SetCacheable: func(_ context.Context, _ mcp.Request, c *mcp.Cacheable) { c.CacheScope = "private" },
		CompletionHandler: func(ctx context.Context, req *mcp.CompleteRequest) (*mcp.CompleteResult, error) {
			return s.complete(ctx, req), nil
		},
	})
	s.mcp.AddReceivingMiddleware(s.describe)
	s.mcp.AddResourceTemplate(keptAnswers, s.readKept)
	own := []gate.Op{statusOp(guard, opts.StatusTool)}
	if opts.Dynamic {
		own = append(own, s.findOp(), s.describeOp())
		s.mcp.AddTool(callToolDefinition(), s.dispatch)
	}
	if err := s.add(own, true); err != nil {
		panic(err) // our own operations are in order, whatever the caller says
	}
	return s
}

// MCP returns the server of the SDK below s, for a transport of your own. Add
// nothing to it: s wouldn't know, [Server.Serve] serves most calls of tools without
// asking its middleware, and of those that package mcphttp serves it doesn't see what they
// answer.
func (s *Server) MCP() *mcp.Server { return s.mcp }

// Add adds ops as tools. If it returns an error it has added nothing. Errors
// are an operation whose client isn't guarded by the guard of s, a name that is
// taken, and an input that can't be that of a tool, which is a struct of strings,
// integers, booleans, structs, and lists and string-keyed maps of them, with
// tags that make sense. Floats, interfaces and other maps are errors: the
// digest of a call must not depend on how a value happens to be encoded.
//
// An operation above the tier of the policy is listed all the same; calls of it
// are refused.
func (s *Server) Add(ops ...gate.Op) error { return s.add(ops, false) }

// add adds ops, which are the server's own or else those of a caller.
func (s *Server) add(ops []gate.Op, own bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := make(map[string]*tool, len(ops))
	var errs []error
	for _, op := range ops {
		t, err := s.newTool(op)
		switch {
		case err != nil:
			errs = append(errs, err)
		case s.tools[op.Name()] != nil || added[op.Name()] != nil || s.opts.Dynamic && op.Name() == CallTool:
			errs = append(errs, fmt.Errorf("mcpadapter: %s: there is another tool of that name", op.Name()))
		default:
			t.own = own
			added[op.Name()] = t
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, op := range ops {
		t := added[op.Name()]
		s.tools[op.Name()] = t
		if s.opts.Dynamic && (!own || op.Name() == s.opts.StatusTool) {
			s.findable, s.index = append(s.findable, t), nil
		}
		if s.opts.Dynamic && !own {
			continue
		}
		s.mcp.AddTool(t.stub, t.call)
	}
	return nil
}

// describe puts the schemas into the list of tools: they are written when they
// are first asked for, since most processes start, serve a few calls and end. The
// instructions get what is said once for all tools. In the list of resources it
// leaves to each user what was kept for that user.
func (s *Server) describe(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		res, err := next(ctx, method, req)
		if err != nil {
			return res, err
		}
		switch list := res.(type) {
		case *mcp.InitializeResult:
			list.Instructions = s.instructions()
		case *mcp.DiscoverResult:
			list.Instructions = s.instructions()
		case *mcp.ListToolsResult:
			s.mu.Lock()
			defer s.mu.Unlock()
			for i, stub := range list.Tools {
				if t := s.tools[stub.Name]; t != nil && t.stub == stub {
					list.Tools[i] = t.definition()
				}
			}
		case *mcp.ListResourcesResult:
			ctx, err := withPrincipal(ctx, req.GetExtra())
			list.Resources = slices.DeleteFunc(list.Resources, func(r *mcp.Resource) bool {
				return strings.HasPrefix(r.URI, answer.Scheme) && (err != nil || !s.kept.Owns(r.URI, principalOf(ctx)))
			})
		}
		return res, nil
	}
}

// instructions are those of the options, and what the arguments are of which the
// tools say nothing themselves.
func (s *Server) instructions() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	inputs := make([]*schema.Type, 0, len(s.tools))
	for _, t := range s.tools {
		inputs = append(inputs, t.in)
	}
	return strings.TrimSpace(s.opts.Instructions + "\n" + schema.Vocabulary(inputs))
}

// Stop ends all calls in flight, and returns when the journal has recorded how
// far they got, or after five seconds: a read fails, and a write that may have
// taken effect is unknown. A transport of your own calls it when it stops.
func (s *Server) Stop() {
	s.calls.Abort()
	s.calls.Settle()
}
