package journal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport-soc/sallyport/gate/internal/chain"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// Migrate moves the journal into another, which must be empty and keep a list of
// approvers, and returns how many events it had. The approver s, who is listed, vouches
// that this one isn't used any more: all writes in it are frozen first, and the other is
// taken over by a signed event, so that what waited is void. Servers should have been
// ended before: what one runs ends as unknown. What was begun and broke off is gone on with.
func (j *Journal) Migrate(to *Journal, s *Signer) (uint64, error) {
	roll, ok := to.store.(Roll)
	if !ok || j.o.Roster == nil {
		return 0, errors.New("gate: migrate: no list of approvers")
	}
	list, err := j.o.Roster()
	if err != nil {
		return 0, err
	}
	if !listed(list, s.Approver()) {
		return 0, fmt.Errorf("gate: migrate: %s is no approver of it: nothing was moved", s.Name)
	}
	have, err := roll.Approvers()
	if err != nil {
		return 0, err
	}
	for _, a := range have {
		if !listed(list, a) {
			return 0, fmt.Errorf("gate: migrate: %s isn't empty, it has the approver %s: nothing was moved", to, a.Name)
		}
	}
	at, err := to.end()
	if err != nil {
		return 0, err
	}
	if _, err := j.Verify(at, true); err != nil && at != nil {
		return 0, fmt.Errorf("gate: migrate: %s isn't empty, and holds another history: nothing was moved: %w", to, err)
	} else if err != nil {
		return 0, err
	}
	if err := j.Freeze(s.Name, "moved to "+to.String()); err != nil {
		return 0, err
	}
	for _, a := range list {
		if !listed(have, a) && err == nil {
			err = roll.AddApprover(a)
		}
	}
	if err == nil { // nobody appends to it while it is copied
		err = j.update(func(from *update) error { return to.fill(from, at) })
	}
	if err == nil {
		err = to.Adopt(s)
	}
	if err != nil {
		return 0, fmt.Errorf("gate: migrate: not all was moved, and the freeze stands: run it again: %w", err)
	}
	if err := to.Unfreeze(s); err != nil {
		return 0, err
	}
	return j.count(), to.update((*update).keep)
}

func listed(list []state.Approver, who state.Approver) bool {
	return slices.ContainsFunc(list, func(a state.Approver) bool { return a.Name == who.Name && a.Key.Equal(who.Key) })
}

// end returns the last event that is kept, nil if there is none.
func (j *Journal) end() (*Anchors, error) {
	for line, err := range j.store.Back() {
		var l chain.Link
		if err == nil {
			l, err = state.Format.Parse(line)
		}
		return &Anchors{Events: map[uint64]string{l.Seq: l.Hash}}, err
	}
	return nil, nil
}

func (j *Journal) count() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.m.Seq
}

// fill copies the lines of another journal behind that event, or all, into the store of
// this one, which ends there.
func (j *Journal) fill(from *update, at *Anchors) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	tx, err := j.store.Begin()
	if err != nil {
		return err
	}
	defer tx.End()
	seq, hash := uint64(0), ""
	if at != nil {
		seq = at.Last()
		hash = at.Events[seq]
	}
	for _, err := range tx.After(seq, hash) {
		if err == nil {
			err = errors.New("somebody else is writing to it")
		}
		return err
	}
	made := map[string]uint64{} // the event that proposed an id last
	for l, err := range links(from.String(), from.store.Lines()) {
		if err != nil {
			return err
		}
		e := state.Decode(l)
		if e.Kind == state.EventProposed {
			made[e.ID] = e.Seq
		}
		if l.Seq <= seq {
			continue
		}
		if err := tx.Append(slices.Clone(l.Line), l.Kind, about(e, made[e.ID])); err != nil {
			return err
		}
		hash = l.Hash
	}
	if hash != from.m.Head {
		return errors.New("not all of it could be read")
	}
	return tx.Commit()
}
