package gate

import (
	"context"
	"fmt"
)

// A Status is what an agent may know of the gate.
type Status struct {
	Approval    Approval        // who attests a write
	Destructive Approval        // who attests a destructive operation
	Who         map[Tier]string // who attests which tier, and why
	Max         Tier            // the highest tier that may run
	Frozen      bool            // whether all writes are stopped
	Approvers   int             // how many approvers are enrolled
	Pending     []*Proposal     // what the principal waits for, oldest first
	Waiting     int             // how many of the principal's wait, or are approved and not spent
	Full        bool            // whether that is as many as may, so that another is refused
}

// Status returns how the gate stands for the principal in ctx.
func (g *Guard) Status(ctx context.Context) (*Status, error) {
	s := &Status{Max: g.policy.Max, Who: map[Tier]string{}}
	for tier, by := range map[Tier]*Approval{TierWrite: &s.Approval, TierDestructive: &s.Destructive} {
		var why string
		if *by, why = g.Who(ctx, tier); *by == "" {
			*by, s.Who[tier] = g.policy.approval(tier), why
		} else {
			s.Who[tier] = fmt.Sprintf("%s (%s)", *by, why)
		}
	}
	j, err := g.Journal()
	if err != nil {
		return nil, err
	}
	pending, err := j.Pending()
	if err != nil {
		return nil, err
	}
	who := g.principal(ctx)
	for _, p := range pending {
		if p.Principal == who {
			s.Pending = append(s.Pending, p)
		}
	}
	now, err := j.Standing()
	if err != nil {
		return nil, err
	}
	for _, used := range now.Used {
		if used.Principal == who {
			s.Waiting = used.Pending
		}
	}
	s.Full = g.policy.Budget.Pending >= 0 && s.Waiting >= g.policy.Budget.Pending
	s.Frozen, s.Approvers = now.Frozen, len(now.Approvers)
	return s, nil
}

// Proposal returns a proposal of the principal in ctx. That of another is
// [ErrNoProposal].
func (g *Guard) Proposal(ctx context.Context, id string) (*Proposal, error) {
	j, err := g.Journal()
	if err != nil {
		return nil, err
	}
	p, err := j.Proposal(id)
	if err != nil {
		return nil, err
	}
	if p.Principal != g.principal(ctx) {
		return nil, fmt.Errorf("%w: %q", ErrNoProposal, id)
	}
	return p, nil
}

// Wait returns the proposal once it is no longer pending, or as it is when ctx ends.
func (g *Guard) Wait(ctx context.Context, id string) (*Proposal, error) {
	if p, err := g.Proposal(ctx, id); err != nil || p.State != StatePending {
		return p, err
	}
	j, err := g.Journal()
	if err != nil {
		return nil, err
	}
	return j.Wait(ctx, id)
}
