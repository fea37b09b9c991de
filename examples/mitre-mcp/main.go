// Command mitre-mcp serves MITRE ATT&CK, and what joins it with the platforms
// whose URLs are set, to an MCP client over stdio, behind the gate.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/sallyport-soc/sallyport/attack/soc"
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
	cfg, err := soc.ConfigFromEnv(guard)
	if err != nil {
		return err
	}
	client, err := soc.New(cfg)
	if err != nil {
		return err
	}
	server := mcpadapter.NewServer("mitre-mcp", mcpadapter.Version(), "MITRE ATT&CK, and what Wazuh, TheHive and MISP have on it. Writes wait for the operator's approval.")
	ops := append(cfg.ATTACK.Ops(), client.Ops()...)
	if err := mcpadapter.Register(server, guard, ops...); err != nil {
		return err
	}
	return mcpadapter.Serve(ctx, server)
}
