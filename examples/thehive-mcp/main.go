// Command thehive-mcp serves TheHive to an MCP client over stdio, behind the gate. The
// environment configures it; see the README.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/thehive"
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
	cfg, err := thehive.ConfigFromEnv()
	if err != nil {
		return err
	}
	cfg.Guard = guard
	client, err := thehive.New(cfg)
	if err != nil {
		return err
	}
	server := mcpadapter.NewServer("thehive-mcp", mcpadapter.Version(), "TheHive: cases, tasks, observables, comments. Reads run at once; writes wait for the operator's approval.")
	if err := mcpadapter.Register(server, guard, client.Ops()...); err != nil {
		return err
	}
	return mcpadapter.Serve(ctx, server)
}
