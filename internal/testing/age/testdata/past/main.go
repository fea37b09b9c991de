// Command age writes a journal of about so many events into a folder: one approved call a
// minute, up to the present.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
)

func main() {
	n, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = write(os.Args[1], n/4)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(dir string, calls int) error {
	alice, err := journal.NewSigner("alice")
	if err != nil {
		return err
	}
	if err := journal.AddApprover(dir, alice.Approver()); err != nil {
		return err
	}
	now := time.Now().Add(-time.Duration(calls) * time.Minute)
	j, err := journal.Open(dir, journal.Options{Now: func() time.Time { return now }})
	if err != nil {
		return err
	}
	none := journal.Limits{Budget: journal.Budget{Writes: -1, Destructive: -1, Proposals: -1, Pending: -1}, Breaker: journal.Breaker{Burst: -1, Denials: -1, Unknowns: -1},
		TTL: journal.DefaultTTL, RotateAt: 64 << 20}
	for i := range calls {
		now = now.Add(time.Minute)
		decide := func() (*journal.Decision, error) {
			p := &state.Proposal{Op: "thehive_create_comment", Tier: state.TierWrite, Principal: "somebody", Upstream: "TheHive at http://127.0.0.1:9000 as key 9a73aee8", Policy: "0123456789abcdef",
				Input: fmt.Appendf(nil, `{"caseId":"~%d","message":"What was seen on the host, and when: %d"}`, i%1000, i),
				Plan: state.Plan{Summary: "Comment on a case in TheHive.", Targets: []state.Target{{Kind: "case", ID: fmt.Sprint("~", i%1000), Name: "Phishing mail with a fake invoice"}},
					Changes: []state.Change{state.Set("message", fmt.Sprint("What was seen on the host, and when: ", i))}, Undo: "Delete the comment."}}
			p, _, err := p.Canonical()
			if err != nil {
				return nil, err
			}
			return j.Decide(p, none, journal.Authority{})
		}
		d, err := decide()
		if err != nil {
			return err
		}
		if err := j.Approve(d.Proposal.ID, d.Proposal.Digest, alice); err != nil {
			return err
		}
		if d, err = decide(); err != nil {
			return err
		}
		if d.State != state.StateRunning {
			return errors.New("it doesn't run: " + string(d.State))
		}
		if err := j.Finish(d.Proposal.ID, state.EventExecuted, "answer sha256:0123456789abcdef"); err != nil {
			return err
		}
	}
	return j.Close()
}
