// Command own-tools serves a tool set of one's own to an MCP client: what to read of
// TheHive, one of its writes, and a function of one's own that blocks an address. The
// agent proposes both writes. You, on the terminal or where standard error goes, read
// what waits, and decide with the gate command.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"os/signal"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/thehive"
)

// A block is the input of the program's own tool.
type block struct {
	Address netip.Addr `json:"address" jsonschema:"The address to block."`
	Reason  string     `json:"reason" jsonschema:"Why, for the firewall's log." minLength:"1" maxLength:"200"`
}

// A firewall blocks addresses. Put the client of yours here.
type firewall struct{ blocked []netip.Addr }

func (f *firewall) Block(_ context.Context, in block) (string, error) {
	f.blocked = append(f.blocked, in.Address)
	return "blocked " + in.Address.String(), nil
}

func (f *firewall) plan(_ context.Context, in block) (gate.Plan, error) {
	return gate.Plan{Summary: "Block an address at the firewall.", Undo: "Take it off the list.",
		Targets: []gate.Target{{Kind: "address", ID: in.Address.String()}}, Changes: []gate.Change{gate.Set("reason", in.Reason)}}, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	server, guard, err := newServer(&firewall{})
	if err != nil {
		log.Fatal(err)
	}
	defer guard.Close()
	go notify(ctx, guard, os.Stderr)
	if err := server.Serve(ctx); err != nil {
		log.Fatal(err)
	}
}

func newServer(fw *firewall) (*mcpadapter.Server, *gate.Guard, error) {
	guard, err := gate.FromEnv()
	if err != nil {
		return nil, nil, err
	}
	hive, err := thehive.FromEnv(guard)
	if err != nil {
		return nil, nil, err
	}
	all := hive.Ops()
	server := mcpadapter.New(guard, mcpadapter.Options{Name: "own-tools", Instructions: "Cases of the SOC, and its firewall."})
	return server, guard, server.Add(
		gate.Of(all, hive.ListCases),
		gate.Of(all, hive.GetCase),
		gate.Of(all, hive.CreateComment),
		gate.Destructive("fw_block", fw.Block, "Block an address at the firewall.",
			gate.ActsOn(func(in block) []string { return []string{in.Address.String()} })).Plan(fw.plan),
	)
}

// notify shows what begins to wait for a decision.
func notify(ctx context.Context, guard *gate.Guard, out io.Writer) {
	journal, err := guard.Journal()
	if err != nil {
		fmt.Fprintln(out, err)
		return
	}
	for p, err := range journal.Waiting(ctx) {
		if err != nil {
			fmt.Fprintln(out, err)
			return
		}
		fmt.Fprintf(out, "%s\ngate approve %s\n", gate.Render(p), p.ID)
	}
}
