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
}

// lookedAt is how many events are looked at for what is in force, the newest.
const lookedAt = 2000

// InForce returns what was done by the newest 2,000 events and not taken back since, the
// oldest first. What has ended by itself isn't in it.
func (j *Journal) InForce() ([]InForce, error) {
	events, err := j.Tail(lookedAt)
	if err != nil {
		return nil, err
	}
	proposed := map[string]*state.Proposal{}
	var list []InForce
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		if e.Proposal != nil {
			proposed[e.ID] = e.Proposal
		}
		p := proposed[e.ID]
		done := e.Kind == state.EventExecuted || e.Kind == state.EventResolved && e.Detail == string(state.StateExecuted)
		if p == nil || !done {
			continue
		}
		list = slices.DeleteFunc(list, func(f InForce) bool {
			return f.Proposal.Upstream == p.Upstream && (f.Proposal.Plan.Reverse.Is(p) || f.Proposal.Plan.Reverse.Same(p.Plan.Reverse))
		})
		if p.Plan.Reverse == nil {
			continue
		}
		f := InForce{Proposal: p, Since: e.Time}
		if p.Plan.Lasts > 0 {
			f.Until = e.Time.Add(time.Duration(p.Plan.Lasts) * time.Second)
		}
		list = append(list, f)
	}
	now := j.o.Now()
	return slices.DeleteFunc(list, func(f InForce) bool { return !f.Until.IsZero() && f.Until.Before(now) }), nil
}
