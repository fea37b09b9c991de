package gate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/sallyport-soc/sallyport/gate"
)

// A rule and block stand for somebody else's firewall client.
type rule struct {
	Address string `json:"address"`
}

func block(_ context.Context, r rule) (string, error) { return "blocked " + r.Address, nil }

// newGuard returns a guard with its journal in a directory of its own, and the
// approver who is enrolled there.
func newGuard(approval gate.Approval) (*gate.Guard, *gate.Signer) {
	tmp, err := os.MkdirTemp("", "gate-example")
	if err != nil {
		log.Fatal(err)
	}
	dir := filepath.Join(tmp, "state")
	alice, err := gate.NewSigner("alice")
	if err != nil {
		log.Fatal(err)
	}
	if err := gate.AddApprover(dir, alice.Approver()); err != nil {
		log.Fatal(err)
	}
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive, Approval: approval, Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	return guard, alice
}

func clean(g *gate.Guard) {
	if err := errors.Join(g.Close(), os.RemoveAll(filepath.Dir(g.Dir()))); err != nil {
		log.Fatal(err)
	}
}

// Any function with one input struct can be gated.
func ExampleWrap() {
	guard, _ := newGuard(gate.ApprovalOperator)
	defer clean(guard)

	guarded := gate.Wrap(guard, gate.Destructive("fw_block", block, "Block an address at the firewall."))
	_, err := guarded(context.Background(), rule{Address: "192.0.2.7"})
	fmt.Println(errors.Is(err, gate.ErrPending))
	// Output: true
}

// A write waits until an approver has signed it, and runs once when the same
// call is made again.
func Example_pending() {
	guard, alice := newGuard(gate.ApprovalOperator)
	defer clean(guard)
	ctx := context.Background()
	guarded := gate.Wrap(guard, gate.Destructive("fw_block", block, "Block an address at the firewall."))

	_, err := guarded(ctx, rule{Address: "192.0.2.7"})
	var pending *gate.PendingError
	if errors.As(err, &pending) {
		fmt.Println(pending.Proposal.Op, "is", pending.Proposal.State)
	}

	// The operator, with "gate approve" or a program of theirs:
	journal, err := gate.OpenJournal(guard.Dir())
	if err != nil {
		log.Fatal(err)
	}
	defer journal.Close()
	if err := journal.Approve(pending.Proposal.ID, pending.Proposal.Digest, alice); err != nil {
		log.Fatal(err)
	}

	fmt.Println(guarded(ctx, rule{Address: "192.0.2.7"}))
	_, err = guarded(ctx, rule{Address: "192.0.2.8"})
	fmt.Println(errors.Is(err, gate.ErrPending))
	// Output:
	// fw_block is pending
	// blocked 192.0.2.7 <nil>
	// true
}

// An approver of one's own shows what begins to wait, asks, and signs the decision. The
// key of the person who decides is not where the agent could read it.
func ExampleRender_approver() {
	guard, alice := newGuard(gate.ApprovalOperator)
	defer clean(guard)
	guarded := gate.Wrap(guard, gate.Destructive("fw_block", block, "Block an address at the firewall."))
	_, _ = guarded(context.Background(), rule{Address: "192.0.2.7"}) // the agent proposes
	agrees := func(string) bool { return true }                      // what asks the person

	journal, err := gate.OpenJournal(guard.Dir())
	if err != nil {
		log.Fatal(err)
	}
	defer journal.Close()
	for p, err := range journal.Waiting(context.Background()) {
		switch {
		case err != nil:
			log.Fatal(err)
		case agrees(gate.Render(p)):
			fmt.Println(p.Op, "approved:", journal.Approve(p.ID, p.Digest, alice))
		default:
			fmt.Println(p.Op, "denied:", journal.Deny(p.ID, "alice", "not today"))
		}
		break // an approver that stays goes on
	}
	// Output: fw_block approved: <nil>
}

// A gated call ends in one of few ways.
func ExampleRepeatedError() {
	guard, _ := newGuard(gate.ApprovalHost)
	defer clean(guard)
	ctx := context.Background()
	guarded := gate.Wrap(guard, gate.Destructive("fw_block", block, "Block an address at the firewall."))
	for range 2 {
		out, err := guarded(ctx, rule{Address: "192.0.2.7"})
		var repeated *gate.RepeatedError
		switch {
		case err == nil:
			fmt.Println("done:", out)
		case errors.As(err, &repeated):
			fmt.Println("done a moment ago, not again:", out)
		case errors.Is(err, gate.ErrPending):
			fmt.Println("waits for an approver")
		case errors.Is(err, gate.ErrRefused):
			fmt.Println("the policy doesn't allow it")
		case errors.Is(err, gate.ErrOutcomeUnknown):
			fmt.Println("look before you do it again")
		}
	}
	// Output:
	// done: blocked 192.0.2.7
	// done a moment ago, not again: blocked 192.0.2.7
}

// A plan is what the approver sees, made by the server from what it finds.
func ExampleOperation_Plan() {
	guard, _ := newGuard(gate.ApprovalOperator)
	defer clean(guard)

	op := gate.Destructive("fw_block", block, "Block an address at the firewall.").
		Plan(func(_ context.Context, r rule) (gate.Plan, error) {
			return gate.Plan{
				Summary: "Block an address at the firewall.",
				Targets: []gate.Target{{Kind: "address", ID: r.Address, Name: "mail.example.org"}},
				Changes: []gate.Change{gate.Changed("policy", "accept", "drop")},
				Undo:    "Remove the rule.",
			}, nil
		})
	res, err := op.Do(context.Background(), guard, &rule{Address: "192.0.2.7"})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range res.Proposal.Plan.Targets {
		fmt.Println(res.State, t.Kind, t.ID, t.Name)
	}
	// Output: pending address 192.0.2.7 mail.example.org
}

// On the wire a client asks before it sends: a read goes through, and anything
// else needs the permit that only an approved operation has in its context.
func ExampleGuard_Admit() {
	guard, _ := newGuard(gate.ApprovalHost)
	defer clean(guard)
	del := gate.Endpoint{System: "fw", ID: "deleteRule", Method: "DELETE", Path: "/rules/{id}", Tier: gate.TierDestructive}

	fmt.Println(guard.Admit(context.Background(), del))
	op := gate.Destructive("fw_delete", func(ctx context.Context, _ rule) (string, error) {
		return "sent", guard.Admit(ctx, del)
	}, "Delete a rule.")
	fmt.Println(gate.Wrap(guard, op)(context.Background(), rule{Address: "192.0.2.7"}))
	// Output:
	// fw DELETE /rules/{id} refused (no_permit): the request is not covered by an approved proposal and was not sent; a program gets there by gate.Wrap(guard, gate.Of(client.Ops(), client.Method)), an agent by the tool
	// sent <nil>
}
