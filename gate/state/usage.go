package state

import (
	"slices"
	"time"
)

const (
	// BudgetWindow is the time over which budgets and breaker count.
	BudgetWindow = time.Hour
	burstWindow  = 10 * time.Second
)

// A Count is how much happened within one second.
type Count struct {
	At        int64  `json:"at"`                  // Unix time
	Principal string `json:"principal,omitempty"` // for whom
	Tier      Tier   `json:"tier,omitempty"`      // of which tier
	N         int    `json:"n"`                   // how many
	Calls     int    `json:"calls,omitempty"`     // by how many calls, for things
	Settled   bool   `json:"settled,omitempty"`   // an approver has looked since
}

// add counts c, together with the last one if that is of the same second.
func add(list []Count, c Count) []Count {
	for i := len(list) - 1; i >= 0 && list[i].At >= c.At; i-- {
		if l := &list[i]; l.At == c.At && l.Principal == c.Principal && l.Tier == c.Tier && l.Settled == c.Settled {
			l.N, l.Calls = l.N+c.N, l.Calls+c.Calls
			return list
		}
	}
	return append(list, c)
}

// take takes one away that was counted at that time.
func take(list []Count, at int64, principal string) []Count {
	for i := len(list) - 1; i >= 0; i-- {
		if l := &list[i]; l.At == at && l.Principal == principal {
			if l.N--; l.N == 0 {
				return slices.Delete(list, i, i+1)
			}
			return list
		}
	}
	return list
}

// forget lets go of what doesn't count any more.
func (m *Machine) forget(now time.Time) {
	for _, list := range []*[]Count{&m.Spent, &m.Asked, &m.Denials, &m.Unknowns} {
		n := 0
		for n < len(*list) && old((*list)[n].At, now) {
			n++
		}
		*list = (*list)[n:]
	}
}

func old(at int64, now time.Time) bool { return now.Sub(time.Unix(at, 0)) >= BudgetWindow }

func sum(list []Count, now time.Time, of func(Count) bool) (n int) {
	for _, c := range list {
		if !old(c.At, now) && of(c) {
			n += c.N
		}
	}
	return n
}

func all(Count) bool { return true }

// Done counts the things that principal has done by calls of tier within the hour.
func (m *Machine) Done(principal string, tier Tier, now time.Time) int {
	return sum(m.Spent, now, func(c Count) bool { return c.Principal == principal && c.Tier == tier })
}

// Calls counts those calls.
func (m *Machine) Calls(principal string, tier Tier, now time.Time) (n int) {
	for _, c := range m.Spent {
		if c.Principal == principal && c.Tier == tier && !old(c.At, now) {
			n += c.Calls
		}
	}
	return n
}

// Waiting counts the proposals of principal that wait for an approver or for
// being spent, and those that were put before one within the hour. What an operator
// has authorised beforehand bothers nobody.
func (m *Machine) Waiting(principal string, now time.Time) (pending, asked int) {
	for _, r := range m.Open {
		if r.Principal == principal && (r.State == StatePending || r.State == StateApproved) && now.Before(r.Expires) {
			pending++
		}
	}
	return pending, sum(m.Asked, now, func(c Count) bool { return c.Principal == principal })
}

// Principals are those who have asked for or done something within the hour, or
// wait, sorted.
func (m *Machine) Principals(now time.Time) []string {
	var who []string
	for _, c := range slices.Concat(m.Asked, m.Spent) {
		if !old(c.At, now) {
			who = append(who, c.Principal)
		}
	}
	for _, r := range m.Open {
		who = append(who, r.Principal)
	}
	slices.Sort(who)
	return slices.Compact(who)
}

// Denied counts the denials within the hour since the breaker was closed last.
func (m *Machine) Denied(now time.Time) int { return sum(m.Denials, now, all) }

// Lost counts the unknown outcomes likewise.
func (m *Machine) Lost(now time.Time) int { return sum(m.Unknowns, now, all) }

// Burst counts the destructive calls of the last ten seconds that no approver has
// looked at.
func (m *Machine) Burst(now time.Time) (n int) {
	for _, c := range m.Spent {
		if c.Tier == TierDestructive && !c.Settled && now.Sub(time.Unix(c.At, 0)) < burstWindow {
			n += c.Calls
		}
	}
	return n
}
