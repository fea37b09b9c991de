package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// loop is the analyst: it proposes through ops, and what it proposes waits
// until decide says yes and the approver signs.
type loop struct {
	out    io.Writer
	guard  *gate.Guard
	ops    map[string]gate.Op
	decide func(*gate.Proposal) bool
	signer *gate.Signer
	alerts *wazuh.Client

	platforms *lab.Lab
}

// blockAddress is what the operator of this program allows to be done on hosts.
var blockAddress = gate.Response{Name: "block-address", Command: "firewall-drop180", Takes: gate.TakesAddress, Reverse: "!firewall-allow", Proof: "651", Undone: "652", OS: []string{"linux"}}

func run(ctx context.Context, out io.Writer, decide func(*gate.Proposal) bool, layerFile string) error {
	platforms, err := lab.Start(0)
	if err != nil {
		return err
	}
	defer platforms.Close()
	state, err := os.MkdirTemp("", "incident-loop-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	l, err := newLoop(out, platforms, state, decide)
	if err != nil {
		return err
	}
	defer l.guard.Close()
	return l.incident(ctx, layerFile)
}

func newLoop(out io.Writer, platforms *lab.Lab, state string, decide func(*gate.Proposal) bool) (*loop, error) {
	signer, err := gate.NewSigner("you")
	if err != nil {
		return nil, err
	}
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: state, Principal: "incident-loop", Approvers: []gate.Approver{signer.Approver()},
		Responses: []gate.Response{blockAddress}, Breaker: gate.Breaker{Burst: 5}}) // -approve is quicker than a person
	if err != nil {
		return nil, err
	}
	l := &loop{out: out, guard: guard, ops: map[string]gate.Op{}, decide: decide, signer: signer, platforms: platforms}
	return l, l.connect(platforms)
}

// connect makes the clients, each with the guard on its wire.
func (l *loop) connect(platforms *lab.Lab) error {
	wcfg, hcfg, ccfg, mcfg := platforms.Configs()
	wcfg.Guard, hcfg.Guard, ccfg.Guard, mcfg.Guard = l.guard, l.guard, l.guard, l.guard
	alerts, werr := wazuh.New(wcfg)
	hive, herr := thehive.New(hcfg)
	analyzers, cerr := cortex.New(ccfg)
	intel, merr := misp.New(mcfg)
	kb, kerr := attack.New(attack.Config{})
	if err := errors.Join(werr, herr, cerr, merr, kerr); err != nil {
		return err
	}
	l.alerts = alerts
	across, err := soc.New(soc.Config{ATTACK: kb, Wazuh: alerts, TheHive: hive, MISP: intel, Cortex: analyzers, Guard: l.guard})
	if err != nil {
		return err
	}
	for _, ops := range [][]gate.Op{alerts.Ops(), hive.Ops(), analyzers.Ops(), intel.Ops(), kb.Ops(), across.Ops()} {
		for _, op := range ops {
			l.ops[op.Name()] = op
		}
	}
	return nil
}

// say prints a line. Texts from the platforms can't act on the terminal.
func (l *loop) say(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = gate.Escape(s)
		}
	}
	fmt.Fprintf(l.out, format+"\n", args...)
}

func (l *loop) stage(title string) { l.say("\n=== %s", title) }

// errWaits means that a proposal waits and the step wasn't done.
var errWaits = errors.New("waits for approval")

// call runs one operation. If the gate holds it, the plan is shown and the
// operator decides; approved, the very same call runs once.
func call[Out any](ctx context.Context, l *loop, name string, in any) (Out, error) {
	var zero Out
	op := l.ops[name]
	res, err := op.Do(ctx, l.guard, in)
	if err != nil {
		return zero, err
	}
	if res.State == gate.StatePending {
		l.say("\n  The gate holds %s:\n", name)
		for line := range strings.Lines(gate.Render(res.Proposal)) {
			fmt.Fprint(l.out, "  | "+line)
		}
		if !l.decide(res.Proposal) {
			return zero, errWaits
		}
		journal, err := l.guard.Journal()
		if err != nil {
			return zero, err
		}
		if err := journal.Approve(res.Proposal.ID, res.Proposal.Digest, l.signer); err != nil {
			return zero, err
		}
		if res, err = op.Do(ctx, l.guard, in); err != nil {
			return zero, err
		}
		l.say("  %s as %s", res.State, res.Proposal.ID)
	}
	out, ok := res.Out.(Out)
	if !ok {
		return zero, fmt.Errorf("%s answered %T", name, res.Out)
	}
	return out, nil
}

func (l *loop) saveLayer(layer *attack.Layer, file string) error {
	b, err := json.MarshalIndent(layer, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o600)
}
