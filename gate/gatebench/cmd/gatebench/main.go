// Command gatebench tries to make an MCP server write without an approval, and
// reports what it wrote.
//
//	gatebench -server './misp-mcp' -env MISP_URL=http://127.0.0.1:8080 -env MISP_API_KEY=… -gate
//	gatebench -server 'npx some-mcp' -fake TICKETS_URL -transport http -http 'npx some-mcp --port {port}'
//
// Each -env whose value is an http or https address is led through a recorder,
// where the requests are counted: point it at a platform for tests, as a server
// without a gate does write to it. With -fake there is no platform at all: every
// request is answered with an empty JSON object. A server gets the environment of
// the -env and -fake flags and no other.
//
// It exits with 0 if nothing was found, 1 if something was, and 2 if it could not
// be tried.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/gatebench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	found, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "gatebench:", err)
		os.Exit(2)
	case found > 0:
		os.Exit(1)
	}
}

// list is a flag that can be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// run tries one server and returns how many writes and faults were found.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (found int, err error) {
	fs := flag.NewFlagSet("gatebench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var env, fake list
	server := fs.String("server", "", "the `command` of the server, with its arguments")
	overHTTP := fs.String("http", "", "the `command` that serves HTTP, with {addr} or {port}; else -http {addr} behind the other one")
	transport := fs.String("transport", "stdio", "stdio or http")
	era := fs.String("era", "", "the protocol `version`, 2025-11-25 or 2026-07-28; else both")
	calls := fs.String("calls", "", "a JSON `file` with [{\"tool\":…,\"args\":{…}}]; else calls are made up from the schemas")
	threats := fs.String("threats", "", "only these, such as `T1,T5`")
	reads := fs.String("reads", "^(GET|HEAD|OPTIONS) ", "what changes nothing, as a `pattern` of \"METHOD /path\", at a platform that isn't known")
	gated := fs.Bool("gate", false, "the server is built on package gate: enrol an approver in its SALLYPORT_STATE")
	fs.Var(&env, "env", "`NAME=VALUE` for the server; repeat it")
	fs.Var(&fake, "fake", "`NAME` of a variable that gets the address of an empty platform; repeat it")
	if err := fs.Parse(args); err != nil {
		return 0, err
	}
	if *server == "" || fs.NArg() > 0 || *transport != "stdio" && *transport != "http" {
		fs.Usage()
		return 0, errors.New("want -server, -transport stdio or http, and nothing behind the flags")
	}
	s := gatebench.Server{Name: strings.Fields(*server)[0], Command: strings.Fields(*server)}
	if s.Reads, err = regexp.Compile(*reads); err != nil {
		return 0, fmt.Errorf("-reads: %w", err)
	}
	if *overHTTP == "" {
		*overHTTP = *server + " -http {addr}"
	}
	s.HTTP = func(addr string) []string {
		_, port, _ := net.SplitHostPort(addr) // it is one of ours
		return strings.Fields(strings.NewReplacer("{addr}", addr, "{port}", port).Replace(*overHTTP))
	}
	if *threats != "" {
		s.Threats = strings.Split(*threats, ",")
	}
	if *gated {
		s.Operator = gatebench.Approver
	}
	if *calls != "" {
		b, err := os.ReadFile(*calls)
		if err == nil {
			err = json.Unmarshal(b, &s.Calls)
		}
		if err != nil {
			return 0, fmt.Errorf("-calls: %w", err)
		}
	}
	for _, kv := range env {
		if !strings.Contains(kv, "=") {
			return 0, fmt.Errorf("-env %s: want NAME=VALUE", kv)
		}
	}
	if len(fake) > 0 {
		address, stop, err := empty()
		if err != nil {
			return 0, err
		}
		defer stop()
		for _, name := range fake {
			env = append(env, name+"="+address)
		}
	}
	s.Upstream = func() ([]string, func(), error) { return env, func() {}, nil }

	dir, err := os.MkdirTemp("", "gatebench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	eras := []string{gatebench.EraSession, gatebench.EraStateless}
	if *era != "" {
		eras = []string{*era}
	}
	for _, era := range eras {
		results, err := gatebench.Run(ctx, s, era, *transport, dir)
		if err != nil {
			return found, err
		}
		fmt.Fprintf(stdout, "%s, %s over %s\n", s.Name, era, *transport)
		gatebench.Report(stdout, results)
		for _, r := range results {
			found += r.Writes + len(r.Faults)
		}
	}
	return found, nil
}

// empty starts a platform that answers everything with nothing.
func empty() (address string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}") //nolint:errcheck // the server may have gone
	})}
	go s.Serve(ln) //nolint:errcheck // it ends with http.ErrServerClosed
	return "http://" + ln.Addr().String(), func() { s.Close() }, nil
}
