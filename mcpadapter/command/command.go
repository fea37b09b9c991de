// Package command is the command line of an MCP server: one program that serves
// over stdio or HTTP, and calls the same tools, behind the same gate, from a
// shell.
//
//	misp-mcp                            serve MCP on standard input and output
//	misp-mcp -http 127.0.0.1:8443       serve MCP over HTTP
//	misp-mcp tools                      list the tools
//	misp-mcp call misp_correlate value=198.51.100.23
//	misp-mcp check                      prove the configuration
//	misp-mcp token alice                make a bearer token for -http
//	misp-mcp completion bash            print a script for the shell
//
// Exit codes are 0 when what was asked for was done, 1 when it failed, was
// refused or waits for an approval, and 2 when the command line or the
// configuration is wrong. Only the protocol, or what a command prints, goes to
// standard output; the log goes to standard error.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/postgres"
	"github.com/sallyport-soc/sallyport/internal/completion"
	"github.com/sallyport-soc/sallyport/internal/nearest"
	"github.com/sallyport-soc/sallyport/internal/settings"
	"github.com/sallyport-soc/sallyport/internal/version"
	"github.com/sallyport-soc/sallyport/mcpadapter"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitMisuse = 2
)

// tokensVariable names the file of tokens for HTTP.
const tokensVariable = "SALLYPORT_HTTP_TOKENS"

// A Server is what a program serves.
type Server struct {
	// Name is the program's name, such as "misp-mcp".
	Name string
	// Doc tells an agent in a sentence or two what the server is for.
	Doc string
	// Toolsets are the groups of tools that -toolsets chooses from. A tool
	// belongs to the first that matches its name.
	Toolsets []Toolset
	// StatusTool is the name of the tool that tells how the gate stands, which
	// must differ among servers that are used together. Default: gate_status.
	StatusTool string
	// Check names reads that need no argument, for clients that aren't a
	// connect.Checker: if they succeed, the configuration works.
	Check []string
	// Open returns the clients to serve. Each must have g on its wire. One that
	// has a method Resources() []gate.Resource or Prompts() []gate.Prompt has
	// those served too. log goes where -log says.
	Open func(g *gate.Guard, log *slog.Logger) ([]Client, error)
}

// A Client has operations to serve.
type Client interface{ Ops() []gate.Op }

// A Toolset is a group of tools.
type Toolset struct {
	Name  string // what -toolsets calls it
	Match string // a regular expression for the names of its tools
}

// Main runs s with the arguments of the process, and exits.
func Main(s Server) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Run(ctx, s, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// config is what the flags say.
type config struct {
	http, tokens, cert, key, hosts, origins string
	toolsets, log                           string
	readOnly, dynamic, version, help        bool
	only                                    string // the tool that is served, if not all
	maxResponse                             int
}

func (c *config) flags(name string, stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.http, "http", "", "serve over HTTP at this `address` instead of stdio")
	f.StringVar(&c.tokens, "tokens", "", "`file` of bearer tokens for -http; default: $"+tokensVariable)
	f.StringVar(&c.cert, "tls-cert", "", "PEM `file` of the certificate for -http")
	f.StringVar(&c.key, "tls-key", "", "PEM `file` of the certificate's key")
	f.StringVar(&c.hosts, "hosts", "", "comma-separated host `names` that requests may be addressed to")
	f.StringVar(&c.origins, "origins", "", "comma-separated web `origins` that may call")
	f.StringVar(&c.toolsets, "toolsets", "", "comma-separated `names` of the toolsets to serve; default: all")
	f.BoolVar(&c.readOnly, "read-only", false, "serve reads only, and let nothing else run")
	f.BoolVar(&c.dynamic, "dynamic", false, "list only tools that find, describe and call the others")
	f.IntVar(&c.maxResponse, "max-response", 0, "`bytes` that an answer may have; default: 24576, for call 8388608")
	f.StringVar(&c.log, "log", "text", "log to standard error as `text` or json, as debug with each request to a platform, or off")
	f.BoolVar(&c.version, "version", false, "print the version")
	f.BoolVar(&c.help, "help", false, "print this")
	f.Usage = func() {}
	return f
}

// Run runs s with args and returns the exit code.
func Run(ctx context.Context, s Server, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if s.StatusTool == "" {
		s.StatusTool = mcpadapter.StatusTool
	}
	p := &program{Server: s, in: stdin, out: stdout, err: stderr}
	flags := p.flags(s.Name, stderr)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp): // -h
		p.help = true
	case err != nil:
		if meant := completion.Meant(flags, err); meant != "" {
			fmt.Fprintln(stderr, meant)
		}
		fmt.Fprintf(stderr, "%s -help tells what there is\n", s.Name)
		return exitMisuse
	}
	switch {
	case p.help:
		p.usage(stdout, flags)
		return exitDone
	case p.version:
		fmt.Fprintln(stdout, s.Name, version.Running())
		return exitDone
	}
	if err := p.setLog(); err != nil {
		return p.misuse(err)
	}
	if p.tokens == "" {
		p.tokens = os.Getenv(tokensVariable)
	}
	verb, rest := "", flags.Args()
	if len(rest) > 0 {
		verb, rest = rest[0], rest[1:]
	}
	switch verb {
	case "", "serve":
		if len(rest) > 0 {
			return p.misuse(fmt.Errorf("%q: serving takes no arguments", rest[0]))
		}
		return p.serve(ctx)
	case "tools":
		return p.tools(ctx, rest)
	case "call":
		return p.call(ctx, rest)
	case "check":
		return p.check(ctx, rest)
	case "token":
		return p.token(rest)
	case "completion":
		return p.completion(rest, flags)
	case "help":
		p.manual(flags)
		return exitDone
	}
	near := ""
	if best := nearest.Word(verb, 2, slices.Values(verbs)); best != "" {
		near = fmt.Sprintf(", did you mean %s?", best)
	}
	return p.misuse(fmt.Errorf("%q is not a command%s: want one of %s", verb, near, strings.Join(verbs, ", ")))
}

// verbs are the commands.
var verbs = []string{"serve", "tools", "call", "check", "token", "completion", "help"}

func (p *program) completion(args []string, flags *flag.FlagSet) int {
	if len(args) != 1 || !slices.Contains(completion.Shells, args[0]) {
		return p.misuse(fmt.Errorf("want completion %s", strings.Join(completion.Shells, "|")))
	}
	fmt.Fprint(p.out, completion.Program{Name: p.Name, Flags: completion.Flags(flags), Commands: map[string][]string{
		"tools": {"-json", "-names"}, "call": {"-help", "-json", "-o"}, "check": {"-json"}, "token": nil, "completion": completion.Shells, "help": nil, "serve": nil,
	}, After: "call", List: p.Name + " tools -names"}.Script(args[0]))
	return exitDone
}

// A program is a server with its command line.
type program struct {
	Server
	config
	in       io.Reader
	out, err io.Writer
	logger   *slog.Logger
	trace    mcpadapter.Tracer
}

func (p *program) misuse(err error) int {
	fmt.Fprintf(p.err, "%s: %v\n", p.Name, err)
	return exitMisuse
}

func (p *program) setLog() error {
	switch p.log {
	case "text":
		p.logger = slog.New(slog.NewTextHandler(p.err, nil))
	case "json":
		p.logger = slog.New(slog.NewJSONHandler(p.err, nil))
	case "debug":
		p.logger = slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	case "off":
		p.logger = slog.New(slog.DiscardHandler)
	default:
		return fmt.Errorf("-log %q: want text, json, debug or off", p.log)
	}
	return nil
}

func (p *program) usage(w io.Writer, f *flag.FlagSet) {
	fmt.Fprintf(w, `%s

  %[2]s [flags] [serve]                  serve MCP on standard input and output
  %[2]s -http 127.0.0.1:8443 [flags]     serve MCP over HTTP, at /mcp
  %[2]s [flags] tools                    list the tools
  %[2]s [flags] call NAME key=value ...  call a tool; key:=JSON for other than text
  %[2]s [flags] call NAME -json ...      … and print the answer as JSON
  %[2]s [flags] call NAME -o FILE ...    … and write what it made into a file
  %[2]s call NAME -help                  say what a tool does and takes
  %[2]s [flags] check [-json]            prove every connection, credential and the gate, and say what to fix
  %[2]s token USER                       make a bearer token for -http
  %[2]s completion bash|zsh|fish         print a completion script
  %[2]s help                             print this, and what can be set in the environment

Exit codes: 0 done; 1 failed, refused or waiting for an approval; 2 wrong use or configuration.

Flags:
`, p.Doc, p.Name)
	f.SetOutput(w)
	f.PrintDefaults()
	if len(p.Toolsets) > 0 {
		fmt.Fprintln(w, "\nToolsets:", strings.Join(p.toolsetNames(), ", "))
	}
}

// site is an opened server.
type site struct {
	server *mcpadapter.Server
	guard  *gate.Guard
	ops    []gate.Op

	clients []Client
}

// open reads the configuration and makes the server, without dialling anything.
func (p *program) open() (*site, error) {
	policy, err := gate.PolicyFromEnv()
	if err != nil {
		return nil, err
	}
	policy.Logger, policy.OpenStore = p.logger, postgres.Open
	if warnings, err := settings.Gate().Check(os.Environ()); err == nil {
		for _, w := range warnings {
			p.logger.Warn(w)
		}
	}
	if p.readOnly {
		policy.Max = gate.TierRead
	}
	guard, err := gate.New(policy)
	if err != nil {
		return nil, err
	}
	s, err := p.build(guard)
	if err != nil {
		return nil, errors.Join(err, guard.Close())
	}
	return s, nil
}

func (p *program) build(guard *gate.Guard) (*site, error) {
	chosen, err := p.chosen()
	if err != nil {
		return nil, err
	}
	clients, err := p.Open(guard, p.logger)
	if err != nil {
		return nil, err
	}
	s := &site{guard: guard, clients: clients, server: mcpadapter.New(guard, mcpadapter.Options{
		Name: p.Name, Instructions: p.Doc, StatusTool: p.StatusTool, Dynamic: p.dynamic, MaxResponse: p.maxResponse, Logger: p.logger, SearchHints: searchHints, SearchWords: searchWords, Trace: p.trace})}
	var resources []gate.Resource
	var prompts []gate.Prompt
	served := func(op gate.Op) bool {
		return (!p.readOnly || op.Tier() == gate.TierRead) && (chosen == nil || chosen[p.toolset(op.Name())])
	}
	for _, c := range clients {
		ops := c.Ops()
		for _, op := range ops {
			if served(op) {
				s.ops = append(s.ops, op)
			}
		}
		if r, ok := c.(interface{ Resources() []gate.Resource }); ok {
			for _, r := range r.Resources() {
				if served(r.Op) {
					resources = append(resources, r)
				}
			}
		}
		if r, ok := c.(interface{ Prompts() []gate.Prompt }); ok && (len(ops) == 0 || slices.ContainsFunc(ops, served)) {
			prompts = append(prompts, apart(prompts, ops, r.Prompts())...)
		}
	}
	s.server.AddCompletions(idSources...)
	listed := s.ops
	if p.only != "" {
		listed = slices.DeleteFunc(slices.Clone(listed), func(op gate.Op) bool { return op.Name() != p.only })
	}
	return s, errors.Join(s.server.Add(listed...), s.server.AddResources(resources...), s.server.AddPrompts(prompts...))
}

// apart puts the name of the system of ops before those of its prompts that another
// client has too.
func apart(taken []gate.Prompt, ops []gate.Op, prompts []gate.Prompt) []gate.Prompt {
	names := map[string]bool{}
	for _, p := range taken {
		names[p.Name] = true
	}
	for i, p := range prompts {
		if names[p.Name] && len(ops) > 0 {
			system, _, _ := strings.Cut(ops[0].Name(), "_")
			prompts[i].Name = system + "-" + p.Name
		}
	}
	return prompts
}
