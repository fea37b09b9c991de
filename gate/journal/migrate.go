package journal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport-soc/sallyport/gate/state"
)

// Migrate moves the journal into another, which must be empty and keep a list of
// approvers, and returns how many events it had. The approver s, who is listed, vouches
// that this one isn't used any more: all writes in it are frozen first, and the other is
// taken over by a signed event, so that what waited is void. Servers should have been
// ended before: what one runs ends as unknown.
func (j *Journal) Migrate(to *Journal, s *Signer) (uint64, error) {
	roll, ok := to.store.(Roll)
	if !ok || j.o.Roster == nil {
		return 0, errors.New("gate: migrate: no list of approvers")
	}
	have, err := roll.Approvers()
	if err != nil {
		return 0, err
	}
	for range to.store.Lines() {
		have = append(have, state.Approver{})
		break
	}
	if len(have) > 0 {
		return 0, fmt.Errorf("gate: migrate: %s isn't empty: nothing was moved", to)
	}
	list, err := j.o.Roster()
	if err != nil {
		return 0, err
	}
	me := s.Approver()
	if !slices.ContainsFunc(list, func(a state.Approver) bool { return a.Name == me.Name && a.Key.Equal(me.Key) }) {
		return 0, fmt.Errorf("gate: migrate: %s is no approver of it: nothing was moved", s.Name)
	}
	if _, err := j.Verify(nil, true); err != nil {
		return 0, err
	}
	if err := j.Freeze(s.Name, "moved to "+to.String()); err != nil {
		return 0, err
	}
	// Nobody appends to it while it is copied.
	err = j.update(func(from *update) error { return to.fill(from) })
	if err != nil {
		return 0, fmt.Errorf("gate: migrate: nothing was moved, and the freeze stands: %w", err)
	}
	for _, a := range list {
		if err := roll.AddApprover(a); err != nil {
			return 0, err
		}
	}
	if err := to.Adopt(s); err != nil {
		return 0, err
	}
	if err := to.Unfreeze(s); err != nil {
		return 0, err
	}
	return j.count(), to.update((*update).keep)
}

func (j *Journal) count() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.m.Seq
}

// fill copies all lines of another journal into the store of this one, which has none.
func (j *Journal) fill(from *update) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	tx, err := j.store.Begin()
	if err != nil {
		return err
	}
	defer tx.End()
	for range tx.After(0, "") {
		return errors.New("somebody else is writing to it")
	}
	last := ""
	for l, err := range links(from.String(), from.store.Lines()) {
		if err != nil {
			return err
		}
		if err := tx.Append(slices.Clone(l.Line), l.Kind, state.Decode(l).ID); err != nil {
			return err
		}
		last = l.Hash
	}
	if last != from.m.Head {
		return errors.New("not all of it could be read")
	}
	return tx.Commit()
}
