// Command conformance serves what the official conformance suite asks for, so
// that .ci/conformance can run it: operations, resources and prompts that are
// registered through mcpadapter, served by its HTTP handler, and beside them
// the kinds of content that no operation of ours answers with.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcphttp"
)

func main() {
	addr := flag.String("http", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *addr, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It prints the URL to connect to.
func run(ctx context.Context, addr string, out io.Writer) error {
	guard, err := gate.New(gate.Policy{Max: gate.TierRead, Dir: os.TempDir()})
	if err != nil {
		return err
	}
	defer guard.Close()
	s := mcpadapter.New(guard, mcpadapter.Options{Name: "conformance", Progress: 40 * time.Millisecond})
	if err := register(s); err != nil {
		return err
	}
	beside(s.MCP())
	return mcphttp.Serve(ctx, s, mcphttp.Options{Addr: addr, ShutdownTimeout: time.Second,
		Listening: func(url string) { fmt.Fprintln(out, url) }})
}

type none struct{}

type text struct {
	Text string `json:"text"`
}

// register adds what mcpadapter serves.
func register(s *mcpadapter.Server) error {
	say := func(t string, after time.Duration) func(context.Context, none) (text, error) {
		return func(ctx context.Context, _ none) (text, error) {
			select {
			case <-time.After(after):
				return text{t}, nil
			case <-ctx.Done():
				return text{}, ctx.Err()
			}
		}
	}
	simple := gate.Read("test_simple_text", say("This is a simple text response for testing.", 0), "Answer with a text.")
	ops := []gate.Op{
		simple,
		gate.Read("test_tool_with_progress", say("done", 200*time.Millisecond), "Take a while, and say so."),
		gate.Read("test_error_handling", func(context.Context, none) (text, error) {
			return text{}, fmt.Errorf("this tool fails on purpose")
		}, "Fail."),
	}
	if err := s.Add(ops...); err != nil {
		return err
	}
	if err := s.AddResources(gate.Resource{URI: "test://static-text", Name: "static text", Doc: "A text.", Op: simple}); err != nil {
		return err
	}
	return s.AddPrompts(
		gate.Prompt{Name: "test_simple_prompt", Doc: "A prompt without arguments.",
			Text: func(map[string]string) (string, error) { return "This is a simple prompt for testing.", nil }},
		gate.Prompt{Name: "test_prompt_with_arguments", Doc: "A prompt with arguments.",
			Args: []gate.PromptArg{{Name: "arg1", Doc: "The first.", Required: true}, {Name: "arg2", Doc: "The second.", Required: true}},
			Text: func(args map[string]string) (string, error) {
				return fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", args["arg1"], args["arg2"]), nil
			}})
}
