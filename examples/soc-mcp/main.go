// Command soc-mcp serves a whole SOC to an MCP client over stdio: Wazuh,
// TheHive, Cortex, MISP and ATT&CK behind one gate. All four platforms must be
// configured; the single servers serve one each.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/sallyport-soc/sallyport/attack/soc"
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
	ops, err := operations(guard)
	if err != nil {
		return err
	}
	server := mcpadapter.NewServer("soc-mcp", mcpadapter.Version(), "A SOC: Wazuh alerts, TheHive cases, Cortex analyzers, MISP intelligence, ATT&CK. Reads run at once; writes wait for the operator's approval.")
	if err := mcpadapter.Register(server, guard, ops...); err != nil {
		return err
	}
	return mcpadapter.Serve(ctx, server)
}

// operations returns every operation of all platforms, each behind guard.
func operations(guard *gate.Guard) ([]gate.Op, error) {
	joined, err := soc.ConfigFromEnv(guard)
	cfg, cerr := cortex.ConfigFromEnv()
	if err := errors.Join(err, cerr); err != nil {
		return nil, err
	}
	if joined.Wazuh == nil || joined.TheHive == nil || joined.MISP == nil {
		return nil, errors.New("soc-mcp: WAZUH_URL, THEHIVE_URL, CORTEX_URL and MISP_URL must all be set")
	}
	cfg.Guard = guard
	analyzers, err := cortex.New(cfg)
	if err != nil {
		return nil, err
	}
	across, err := soc.New(joined)
	if err != nil {
		return nil, err
	}
	ops := joined.Wazuh.Ops()
	ops = append(ops, joined.TheHive.Ops()...)
	ops = append(ops, analyzers.Ops()...)
	ops = append(ops, joined.MISP.Ops()...)
	ops = append(ops, joined.ATTACK.Ops()...)
	return append(ops, across.Ops()...), nil
}
