package state

import (
	"cmp"
	"slices"
	"time"
)

// A Past is a proposal that has ended and still matters: it was done a moment ago,
// done in part, made something that isn't made twice, or was denied.
type Past struct {
	ID      string    `json:"id"`                // its id
	Op      string    `json:"op"`                // the operation
	Made    uint64    `json:"made"`              // the event that proposed it
	Seq     uint64    `json:"seq"`               // the event that ended it
	Call    string    `json:"call"`              // the digest of the call
	Key     string    `json:"key,omitempty"`     // the key of the call, where it has one
	State   State     `json:"state"`             // what became of it
	Changed time.Time `json:"changed"`           // when
	Until   time.Time `json:"until"`             // when it stops to matter
	On      []string  `json:"on,omitempty"`      // what it acted on
	Content string    `json:"content,omitempty"` // of a denied one
	Detail  string    `json:"detail,omitempty"`  // of a denied or partial one
	Redone  bool      `json:"redone,omitempty"`  // done in part, and the same call was executed since
}

// A pastIndex finds among those that have ended. A list in it is in the order in which
// they ended.
type pastIndex struct {
	byID, byCall, byKey map[string][]*Past
	partly              []*Past // done in part
}

func (x *pastIndex) add(p *Past) {
	if x.byID == nil {
		x.byID, x.byCall, x.byKey = map[string][]*Past{}, map[string][]*Past{}, map[string][]*Past{}
	}
	x.byID[p.ID] = append(x.byID[p.ID], p)
	x.byCall[p.Call] = append(x.byCall[p.Call], p)
	if p.Key != "" {
		x.byKey[p.Key] = append(x.byKey[p.Key], p)
	}
	if p.State == StatePartly {
		x.partly = append(x.partly, p)
	}
}

func (x *pastIndex) remove(p *Past) {
	is := func(other *Past) bool { return other == p }
	for _, in := range []struct {
		of map[string][]*Past
		at string
	}{{x.byID, p.ID}, {x.byCall, p.Call}, {x.byKey, p.Key}} {
		if in.of[in.at] = slices.DeleteFunc(in.of[in.at], is); len(in.of[in.at]) == 0 {
			delete(in.of, in.at)
		}
	}
	if p.State == StatePartly {
		x.partly = slices.DeleteFunc(x.partly, is)
	}
}

// Ended returns what is remembered of a proposal that has ended, or nil.
func (m *Machine) Ended(id string) *Past {
	if found := m.past.byID[id]; len(found) > 0 {
		return found[0]
	}
	return nil
}

// Near returns those that have ended of the same call or the same key, unless that is "",
// and those of the same operation that were done in part, in the order in which they ended.
func (m *Machine) Near(call, key, op string) []*Past {
	near := slices.Clone(m.past.byCall[call])
	if key != "" {
		near = append(near, m.past.byKey[key]...)
	}
	for _, p := range m.past.partly {
		if p.Op == op {
			near = append(near, p)
		}
	}
	slices.SortFunc(near, func(a, b *Past) int { return cmp.Compare(a.Seq, b.Seq) })
	return slices.Compact(near)
}
