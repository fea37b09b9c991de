package gate

import (
	"fmt"
	"slices"
	"time"
)

const (
	budgetWindow    = time.Hour
	burstWindow     = 10 * time.Second
	duplicateWindow = 24 * time.Hour
)

// usage is what the journal counts for budgets and breaker.
type usage struct {
	spent    []spend     // executions begun, within the window
	asked    []*record   // proposals made, within the window
	denials  []time.Time // since the last reset
	unknowns []time.Time // since the last reset
}

type spend struct {
	at        time.Time
	principal string
	tier      Tier
}

func (u *usage) prune(now time.Time) {
	old := func(t time.Time) bool { return now.Sub(t) >= budgetWindow }
	u.spent = slices.DeleteFunc(u.spent, func(s spend) bool { return old(s.at) })
	u.asked = slices.DeleteFunc(u.asked, func(r *record) bool { return old(r.Created) })
	u.denials = slices.DeleteFunc(u.denials, old)
	u.unknowns = slices.DeleteFunc(u.unknowns, old)
}

// executions counts what principal has begun of tier within the window.
func (j *Journal) executions(principal string, tier Tier) (n int) {
	now := j.now()
	for _, s := range j.used.spent {
		if s.tier == tier && s.principal == principal && now.Sub(s.at) < budgetWindow {
			n++
		}
	}
	return n
}

// waiting counts the proposals of principal that wait for an approver, and
// those that were put before one within the window. What an operator has
// authorised beforehand bothers nobody.
func (j *Journal) waiting(principal string) (pending, asked int) {
	for _, r := range j.used.asked {
		if r.Principal == principal && r.Replays == "" && !r.authorised && j.now().Sub(r.Created) < budgetWindow {
			asked++
		}
	}
	for _, r := range j.open {
		if s := j.state(r); r.Principal == principal && (s == StatePending || s == StateApproved) {
			pending++
		}
	}
	return pending, asked
}

// over reports whether n has reached a limit.
func over(n, limit int) bool { return limit >= 0 && n >= limit }

func (b Budget) of(t Tier) int {
	if t == TierDestructive {
		return b.Destructive
	}
	return b.Writes
}

// within refuses p while the breaker is open or when its principal has used up
// the budget for executions. It opens the breaker if there is cause.
func (j *Journal) within(p *Proposal, policy *Policy) error {
	if j.trippedBy == "" {
		if why := j.alarm(p, policy.Breaker); why != "" {
			if err := j.append(Event{Kind: EventTripped, Detail: why}); err != nil {
				return err
			}
		}
	}
	if j.trippedBy != "" {
		return &RefusedError{Op: p.Op, Reason: ReasonBreaker}
	}
	if n := j.executions(p.Principal, p.Tier); over(n, policy.Budget.of(p.Tier)) {
		return &RefusedError{Op: p.Op, Reason: ReasonBudget, Lock: fmt.Sprintf("%d %s executions in an hour", n, p.Tier)}
	}
	return nil
}

// alarm says why the breaker must open before p, or "".
func (j *Journal) alarm(p *Proposal, b Breaker) string {
	recent := func(list []time.Time) (n int) {
		for _, t := range list {
			if j.now().Sub(t) < budgetWindow {
				n++
			}
		}
		return n
	}
	if n := recent(j.used.denials); over(n, b.Denials) {
		return fmt.Sprintf("%d denials within an hour", n)
	}
	if n := recent(j.used.unknowns) + j.lost(); over(n, b.Unknowns) {
		return fmt.Sprintf("%d unknown outcomes within an hour", n)
	}
	if p.Tier != TierDestructive {
		return ""
	}
	n := 0
	for _, s := range j.used.spent {
		if s.tier == TierDestructive && j.now().Sub(s.at) < burstWindow && s.at.After(j.resetAt) {
			n++
		}
	}
	if over(n, b.Burst) {
		return fmt.Sprintf("more than %d destructive operations within ten seconds", n)
	}
	return ""
}

// lost counts the executions that were never reported and weren't resolved, and
// became unknown within the window and since the last reset.
func (j *Journal) lost() (n int) {
	for _, r := range j.open {
		end := r.Changed.Add(maxExecution)
		if r.State == StateRunning && j.state(r) == StateUnknown && j.now().Sub(end) < budgetWindow && end.After(j.resetAt) {
			n++
		}
	}
	return n
}

// asks refuses another proposal for an approver when enough wait or were made.
func (j *Journal) asks(p *Proposal, b Budget) error {
	pending, asked := j.waiting(p.Principal)
	switch {
	case over(pending, b.Pending):
		return &RefusedError{Op: p.Op, Reason: ReasonBudget, Lock: fmt.Sprintf("%d proposals pending", pending)}
	case over(asked, b.Proposals):
		return &RefusedError{Op: p.Op, Reason: ReasonBudget, Lock: fmt.Sprintf("%d proposals in an hour", asked)}
	}
	return nil
}

// twin refuses p while another call of its key waits, runs, was executed within
// a day, or ended nobody knows how.
func (j *Journal) twin(p *Proposal) error {
	for _, id := range j.keys[p.Key] {
		r := j.props[id]
		s := j.state(r)
		if r.Call == p.Call && s != StateExecuted {
			continue // joined or refused as the same call
		}
		if s == StatePending || s == StateApproved || s == StateRunning || s == StateUnknown ||
			s == StateExecuted && j.now().Sub(r.Changed) < duplicateWindow {
			return &RefusedError{Op: p.Op, Reason: ReasonDuplicate, Lock: fmt.Sprintf("%s, %s as %s", r.Op, s, id)}
		}
	}
	return nil
}

// left says how much of the budget the principal of p has used, for the screen.
func (j *Journal) left(p *Proposal, b Budget) string {
	limit := b.of(p.Tier)
	if limit < 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d %s operations used within the hour", j.executions(p.Principal, p.Tier), limit, p.Tier)
}
