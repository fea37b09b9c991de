package journal

import (
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
)

const (
	// DefaultTTL is how long a proposal waits.
	DefaultTTL = 30 * time.Minute
	// MinRetention is how long a closed segment is kept at least.
	MinRetention = 48 * time.Hour
)

// A Quorum is how many approvers must sign, by tier; 0 means 1. Nobody counts
// twice, by name or by key.
type Quorum struct {
	Write, Destructive int // for an operation of that tier
}

// A Budget bounds what one principal may do within an hour, over all servers
// that share the journal. Executions count by the things that they change or make: fifty
// cases closed by one call are fifty. What would go beyond it is a human's to decide,
// each time, whatever stands for a yes otherwise; and after that many calls, whatever
// they were about, all others are refused. Zero means the default, a negative number no
// bound.
type Budget struct {
	Writes      int // things changed or made by writes; default 30
	Destructive int // things changed or made by destructive operations; default 5
	Proposals   int // proposals put before an approver; default 20
	Pending     int // proposals that wait at the same time; default 10
}

// A Breaker stops all writes of all servers, until an approver resets it, when
// more happens than this. Zero means the default, a negative number never.
type Breaker struct {
	Burst    int // opens at this many destructive calls within ten seconds; default 3
	Denials  int // opens at this many denials within an hour; default 3
	Unknowns int // opens at this many unknown outcomes within an hour; default 2
}

// Limits are what a process decides by.
type Limits struct {
	Budget    Budget        // how much may run
	Breaker   Breaker       // when all stops
	TTL       time.Duration // how long a proposal waits
	RotateAt  int64         // bytes of a segment, after which the next begins
	Retention time.Duration // of closed segments; zero: for ever
}

// exceeds reports whether n has reached a limit.
func exceeds(n, limit int) bool { return limit >= 0 && n >= limit }

func (b Budget) of(t state.Tier) int {
	if t == state.TierDestructive {
		return b.Destructive
	}
	return b.Writes
}

// checkLimits refuses p while the breaker is open or when its principal has used up
// the budget for executions. It opens the breaker if there is cause.
func (u *update) checkLimits(p *state.Proposal, l Limits) error {
	if u.m.Tripped == nil {
		if why := u.breakerReason(p, l.Breaker); why != "" {
			if err := u.append(state.Event{Kind: state.EventTripped, Detail: why}); err != nil {
				return err
			}
		}
	}
	if u.m.Tripped != nil {
		return &RefusedError{Op: p.Op, Reason: ReasonBreaker}
	}
	if n, limit := u.m.Calls(p.Principal, p.Tier, u.now), l.Budget.of(p.Tier); exceeds(n, limit) {
		return &RefusedError{Op: p.Op, Reason: ReasonBudget, Detail: fmt.Sprintf("%d of %d %s operations within the hour", n, limit, p.Tier)}
	}
	return nil
}

func (u *update) done(p *state.Proposal) int { return u.m.Done(p.Principal, p.Tier, u.now) }

// tooMany says by how much p would go beyond the budget: then a human decides. "": it
// wouldn't.
func (u *update) tooMany(p *state.Proposal, b Budget) string {
	n, limit, count := u.done(p), b.of(p.Tier), p.Things()
	if limit < 0 || n+count <= limit {
		return ""
	}
	return fmt.Sprintf("it is about %s, and %d of %d %s operations are used within the hour: a human decides", things(count), n, limit, p.Tier)
}

func things(n int) string {
	if n == 1 {
		return "one thing"
	}
	return fmt.Sprintf("%d things at once", n)
}

// breakerReason says why the breaker must open before p, or "".
func (u *update) breakerReason(p *state.Proposal, b Breaker) string {
	now := u.now
	if n := u.m.Denied(now); exceeds(n, b.Denials) {
		return fmt.Sprintf("%d denials within an hour", n)
	}
	if n := u.m.Lost(now); exceeds(n, b.Unknowns) {
		return fmt.Sprintf("%d unknown outcomes within an hour", n)
	}
	if n := u.m.Burst(now); p.Tier == state.TierDestructive && exceeds(n, b.Burst) {
		return fmt.Sprintf("more than %d destructive operations within ten seconds", n)
	}
	return ""
}

// checkQuota refuses another proposal for an approver when enough wait or were made.
func (u *update) checkQuota(p *state.Proposal, b Budget) error {
	pending, asked := u.m.Waiting(p.Principal, u.now)
	switch {
	case exceeds(pending, b.Pending):
		return &RefusedError{Op: p.Op, Reason: ReasonPending, Detail: fmt.Sprintf("%d wait", pending)}
	case exceeds(asked, b.Proposals):
		return &RefusedError{Op: p.Op, Reason: ReasonBudget, Detail: fmt.Sprintf("%d proposals within the hour", asked)}
	}
	return nil
}

// budgetUsed says how much of the budget the principal of p has used, for the screen.
func (u *update) budgetUsed(p *state.Proposal, b Budget) string {
	limit := b.of(p.Tier)
	if limit < 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d %s operations used within the hour; this is %d", u.done(p), limit, p.Tier, p.Things())
}
