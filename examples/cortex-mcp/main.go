// Command cortex-mcp serves Cortex to an MCP client over stdio, behind the gate. The
// environment configures it; see the README.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
)

func main() {
	mcpadapter.Tune()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	policy, err := gate.PolicyFromEnv()
	if err != nil {
		return err
	}
	guard, err := gate.New(policy)
	if err != nil {
		return err
	}
	defer guard.Close()
	cfg, err := cortex.ConfigFromEnv()
	if err != nil {
		return err
	}
	cfg.Guard = guard
	client, err := cortex.New(cfg)
	if err != nil {
		return err
	}
	server := mcpadapter.NewServer("cortex-mcp", mcpadapter.Version(), "Cortex: analyzers and responders. Named analyzers run at once; a fan-out and every responder wait for the operator's approval.")
	if err := mcpadapter.Register(server, guard, client.Ops()...); err != nil {
		return err
	}
	return mcpadapter.Serve(ctx, server)
}
