package state

import "bytes"

// A Trace follows one proposal through the events that are about it, and those that
// say who was an approver then.
type Trace struct {
	ID string // its id

	m     *Machine
	found *Record
}

var traced = [][]byte{[]byte(`"kind":"bound"`), []byte(`"kind":"enrolled"`), []byte(`"kind":"struck"`)}

// Needs reports whether a line is needed that isn't about the proposal.
func (t *Trace) Needs(line []byte) bool {
	if t.m == nil && bytes.Contains(line, []byte(`"kind":"genesis"`)) {
		return true
	}
	for _, k := range traced {
		if bytes.Contains(line, k) {
			return true
		}
	}
	return false
}

// Take takes the next event in.
func (t *Trace) Take(e Event) {
	if t.m == nil {
		t.m = New()
		if e.Kind != EventGenesis {
			t.m.Seq = e.Seq - 1
		}
	}
	if t.m.Apply(e) == nil {
		if r := t.m.byID[t.ID]; r != nil {
			t.found = r
		}
	}
}

// Proposal returns the proposal as it is after all of its events, or nil.
func (t *Trace) Proposal() *Proposal {
	if t.found == nil {
		return nil
	}
	return &t.found.Proposal
}
