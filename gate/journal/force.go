package journal

import (
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
)

// An InForce is something that was done and stays until it is taken back: its plan names the
// call for that.
type InForce struct {
	Proposal *state.Proposal // what was done, with the call that takes it back in its plan
	Since    time.Time       // when it was done
	Until    time.Time       // when it ends by itself; zero: it doesn't
	Undo     *state.Proposal // the proposal of that call, if it waits, is approved, runs or is unknown
}

// taken reports whether p takes f back, or does it anew.
func (f *InForce) taken(p *state.Proposal) bool {
	return f.Proposal.Upstream == p.Upstream && (f.Proposal.Plan.Reverse.Is(p) || f.Proposal.Plan.Reverse.Same(p.Plan.Reverse))
}

// lookedAt is how many events are looked at for what is in force, the newest.
const lookedAt = 2000

// InForce returns what was done by the newest 2,000 events, or as one of the older
// proposals named, and not taken back since, the oldest first. What has ended by itself
// isn't in it.
func (j *Journal) InForce(older ...string) ([]InForce, error) {
	events, err := j.Tail(lookedAt)
	if err != nil {
		return nil, err
	}
	var list []InForce
	add := func(p *state.Proposal, done time.Time) {
		list = slices.DeleteFunc(list, func(f InForce) bool { return f.taken(p) })
		if p.Plan.Reverse == nil {
			return
		}
		f := InForce{Proposal: p, Since: done}
		if p.Plan.Lasts > 0 {
			f.Until = done.Add(time.Duration(p.Plan.Lasts) * time.Second)
		}
		list = append(list, f)
	}
	for _, id := range older {
		if p, err := j.Proposal(id); err == nil && p.State == state.StateExecuted {
			add(p, p.Changed)
		}
	}
	proposed := map[string]*state.Proposal{}
	for _, e := range slices.Backward(events) {
		if e.Proposal != nil {
			proposed[e.ID] = e.Proposal
		}
		done := e.Kind == state.EventExecuted || e.Kind == state.EventResolved && e.Detail == string(state.StateExecuted)
		if p := proposed[e.ID]; p != nil && done {
			add(p, e.Time)
		}
	}
	now := j.o.Now()
	list = slices.DeleteFunc(list, func(f InForce) bool { return !f.Until.IsZero() && f.Until.Before(now) })
	open, _, err := j.in(state.StatePending, state.StateApproved, state.StateRunning, state.StateUnknown)
	if err != nil {
		return nil, err
	}
	for i := range list {
		for _, p := range open {
			if list[i].Proposal.Upstream == p.Upstream && list[i].Proposal.Plan.Reverse.Is(p) {
				list[i].Undo = p
			}
		}
	}
	return list, nil
}
