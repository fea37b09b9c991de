// Command age writes a journal of about so many events into a folder, by what every
// version of package gate has: one approved call a minute, up to the present.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
)

// A version may have no clock of its own that can be set, so the whole program runs by
// that of a test.
func main() {
	dir := os.Args[1]
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	now := time.Now()
	os.Args = os.Args[:1]
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "age", F: func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(now.Add(-time.Duration(n/4) * time.Minute)))
			if err := write(dir, n/4); err != nil {
				t.Fatal(err)
			}
		})
	}}}, nil, nil)
}

type note struct {
	CaseID  string `json:"caseId"`
	Message string `json:"message"`
}

func write(dir string, calls int) error {
	alice, err := gate.NewSigner("alice")
	if err != nil {
		return err
	}
	if err := gate.AddApprover(dir, alice.Approver()); err != nil {
		return err
	}
	g, err := gate.New(gate.Policy{Max: gate.TierWrite, Principal: "somebody", Dir: dir, Budget: gate.Budget{Writes: -1, Destructive: -1, Proposals: -1, Pending: -1},
		Breaker: gate.Breaker{Burst: -1, Denials: -1, Unknowns: -1}})
	if err != nil {
		return err
	}
	j, err := g.Journal()
	if err != nil {
		return err
	}
	op := gate.Write("thehive_create_comment", func(context.Context, note) (string, error) { return "done", nil }, "Comment on a case in TheHive.").
		Plan(func(_ context.Context, in note) (gate.Plan, error) {
			return gate.Plan{Summary: "Comment on a case in TheHive.", Targets: []gate.Target{{Kind: "case", ID: in.CaseID, Name: "Phishing mail with a fake invoice"}},
				Changes: []gate.Change{gate.Set("message", in.Message)}, Undo: "Delete the comment."}, nil
		})
	for i := range calls {
		time.Sleep(time.Minute)
		in := note{fmt.Sprint("~", i%1000), fmt.Sprint("What was seen on the host, and when: ", i)}
		res, err := op.Do(context.Background(), g, &in)
		if err != nil {
			return err
		}
		if err := j.Approve(res.Proposal.ID, res.Proposal.Digest, alice); err != nil {
			return err
		}
		if res, err = op.Do(context.Background(), g, &in); err != nil || res.State != gate.StateExecuted {
			return errors.Join(err, errors.New("it doesn't run"))
		}
	}
	return g.Close()
}
