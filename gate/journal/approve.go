package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/clip"
)

// Approve signs the proposal id with s. digest is what the approver saw; it
// must be that of the stored proposal, which is computed again.
func (j *Journal) Approve(id, digest string, s *Signer) error {
	if !s.Able() {
		return errors.New("gate: approve: no key")
	}
	if s != j.o.Client {
		if err := state.CheckName(s.Name); err != nil {
			return err
		}
	}
	return j.update(func(u *update) error {
		if err := u.clock(); err != nil {
			return err
		}
		p, err := u.in(id, state.StatePending)
		if err != nil {
			return err
		}
		if d, err := p.ComputeDigest(); err != nil || d != digest {
			return fmt.Errorf("gate: %s: the digest is not that of the stored proposal", id)
		}
		for _, have := range p.Sigs {
			if string(have.Key) == string(s.Approver().Key) && string(have.Key) == string(u.m.Enrolled[have.Approver].Key) {
				return fmt.Errorf("gate: %s: %s has signed it already; %d must", id, s.Name, p.Needs)
			}
		}
		sig, err := s.Sign(state.ApprovalMessage(&p.Proposal, p.Seq))
		if err != nil {
			return err
		}
		e := state.Event{Kind: state.EventApproved, ID: id, Approver: s.Name, Time: u.now, Sig: sig}
		if err := u.m.Signed(p, e); err != nil {
			return err
		}
		return u.append(e)
	})
}

// Deny records that approver said no, with a reason for the agent to read. It
// holds for exactly this call until the proposal would have expired. An
// approval that isn't spent yet is taken back.
func (j *Journal) Deny(id, approver, reason string) error {
	return j.update(func(u *update) error {
		if _, err := u.in(id, state.StatePending, state.StateApproved); err != nil {
			return err
		}
		return u.append(state.Event{Kind: state.EventDenied, ID: id, Approver: approver, Detail: clip.Bytes(reason, 500)})
	})
}

// in returns the proposal id if it stands in one of states.
func (u *update) in(id string, states ...state.State) (*state.Record, error) {
	p := u.m.Record(id)
	if p == nil {
		old, err := u.ended(id, u.time(), u.m.Ended(id))
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("gate: %s is %s, not %s", id, old.State, states[0])
	}
	if s := u.standing(p); !slices.Contains(states, s) {
		return nil, fmt.Errorf("gate: %s is %s, not %s", id, s, states[0])
	}
	return p, nil
}

// Freeze stops all writes of all servers that share the journal. Anybody may. It
// appends an event each time, whatever stood before, and holds from the moment in which
// it is called, also where another process keeps the journal locked, or the disk is full:
// then it is an error that says so, and the event follows.
func (j *Journal) Freeze(by, reason string) error {
	b, err := json.Marshal(halted{by, clip.Bytes(reason, 500)})
	if err != nil {
		return fmt.Errorf("gate: freeze: %w", err)
	}
	told, err := j.store.Halt(b)
	if err != nil {
		return fmt.Errorf("%w: freeze: %w", ErrJournal, err)
	}
	err = j.update(func(u *update) error {
		if b, err := u.store.Halted(); told && (err != nil || b == nil && u.m.Frozen != nil) {
			return err // whoever came first has written it down
		}
		if u.moved != nil {
			return u.moved
		}
		return u.append(state.Event{Kind: state.EventFrozen, Approver: by, Detail: clip.Bytes(reason, 500)})
	})
	moved := new(*MovedError)
	if b, unread := j.store.Halted(); err != nil && !errors.As(err, moved) && unread == nil && b != nil {
		return fmt.Errorf("gate: all writes are frozen, but the journal can't say so yet: %w", err)
	}
	return err
}

// Unfreeze ends the freeze. Only an approver can.
func (j *Journal) Unfreeze(s *Signer) error {
	return j.signed(s, func(u *update) (state.Event, []byte, error) {
		if u.m.Frozen == nil {
			return state.Event{}, nil, nil
		}
		return state.Event{Kind: state.EventUnfrozen}, state.UnfreezeMessage(u.m.Frozen.By), nil
	})
}

// Reset closes the breaker and counts anew. Only an approver can.
func (j *Journal) Reset(s *Signer) error {
	return j.signed(s, func(u *update) (state.Event, []byte, error) {
		if u.m.Tripped == nil {
			return state.Event{}, nil, nil
		}
		return state.Event{Kind: state.EventReset}, state.ResetMessage(u.m.Tripped.By), nil
	})
}

// Resolve records how the execution of id, whose outcome is unknown, ended:
// StateExecuted or StateFailed. Only an approver can, who has looked at the platform.
func (j *Journal) Resolve(id string, outcome state.State, s *Signer) error {
	return j.signed(s, func(u *update) (state.Event, []byte, error) {
		p := u.m.Record(id)
		if p == nil {
			_, err := u.in(id, state.StateUnknown)
			return state.Event{}, nil, err
		}
		message := state.ResolveMessage(&p.Proposal, string(outcome))
		sig, err := s.Sign(message)
		e := state.Event{Kind: state.EventResolved, ID: id, Approver: s.Name, Detail: string(outcome), Time: u.now, Sig: sig}
		return e, message, errors.Join(err, u.m.Resolves(p, e))
	})
}

// Checkpoint signs the hash of all events so far: from there on, nobody without
// the key of an approver can write another history up to it.
func (j *Journal) Checkpoint(s *Signer) error {
	return j.signed(s, func(u *update) (state.Event, []byte, error) {
		message := state.CheckpointMessage(u.m.Seq, u.m.Head)
		if u.m.Tree != nil {
			message = u.m.Tree.Checkpoint()
		}
		return state.Event{Kind: state.EventCheckpoint}, message, nil
	})
}

// Adopt takes over a journal that was copied, or moved to another machine. Only an
// approver can, who knows that the original isn't used any more. What waited is void.
func (j *Journal) Adopt(s *Signer) error {
	return j.signed(s, func(u *update) (state.Event, []byte, error) {
		var m *MovedError
		if !errors.As(u.moved, &m) {
			return state.Event{}, nil, nil
		}
		return state.Event{Kind: state.EventBound, Detail: m.Is}, state.BindMessage(u.m.Head, m.Is), nil
	})
}

// SetClock says that the clock of this host is right although the journal has events
// that are later. Only an approver can. What waited is void, and what was counted in the
// future counts no more. It does nothing unless the journal is ahead.
func (j *Journal) SetClock(s *Signer) error {
	return j.signed(s, func(u *update) (state.Event, []byte, error) {
		now := u.now.UTC()
		if !u.m.Last.After(now) {
			return state.Event{}, nil, nil
		}
		return state.Event{Kind: state.EventClock, Time: now}, state.ClockMessage(u.m.Head, now), nil
	})
}

// signed appends the event that make returns, signed by s over the message
// that goes with it. An event without a kind stands for nothing to do.
func (j *Journal) signed(s *Signer, make func(*update) (state.Event, []byte, error)) error {
	if !s.Able() {
		return errors.New("gate: no key")
	}
	return j.update(func(u *update) error {
		e, message, err := make(u)
		if err != nil || e.Kind == "" {
			return err
		}
		e.Approver = s.Name
		if e.Sig, err = s.Sign(message); err != nil {
			return err
		}
		if err := u.m.Verify(s.Name, message, e.Sig); err != nil {
			return err
		}
		return u.append(e)
	})
}

// Replay puts a proposal up again as a new one, with the content of the old,
// for ttl or 30 minutes. It needs approvals of its own; what was approved for
// the old one is worth nothing for it. If the target has changed since, it goes
// stale when the agent makes the call.
func (j *Journal) Replay(id string, ttl time.Duration) (*state.Proposal, error) {
	if ttl <= 0 || ttl > state.MaxTTL {
		ttl = DefaultTTL
	}
	var out *state.Proposal
	err := j.update(func(u *update) error {
		if err := u.clock(); err != nil {
			return err
		}
		var old *state.Proposal
		if r := u.m.Record(id); r != nil {
			old = u.copy(r)
		} else {
			var err error
			if old, err = u.ended(id, u.time(), u.m.Ended(id)); err != nil {
				return err
			}
		}
		for _, r := range u.m.Open {
			if r.Call != old.Call {
				continue
			}
			switch s := u.standing(r); s {
			case state.StatePending, state.StateApproved, state.StateRunning:
				return fmt.Errorf("gate: %s: the same call is %s as %s", id, s, r.ID)
			}
		}
		old.Replays, old.History = id, u.maybe(old, u.relatives(old))
		r, err := u.propose(old, ttl)
		if err != nil {
			return err
		}
		out = u.copy(r)
		return nil
	})
	return out, err
}

// A Standing is how the gate stands for everybody who shares the journal.
type Standing struct {
	Events     uint64        // how many there were
	Head       string        // the hash of the last
	Frozen     bool          // whether an approver has stopped all writes
	FrozenWhy  string        // who froze all writes, and the reason that was given
	Tripped    bool          // the breaker is open
	TrippedWhy string        // why the breaker is open
	Approvers  []string      // by name
	Pending    int           // proposals that wait for an approver
	Denials    int           // within the hour, since the breaker was last reset
	Unknowns   int           // unknown outcomes, likewise
	Unknown    []string      // proposals whose outcome is unknown
	Used       []Used        // by principal
	Grants     []state.Grant // standing approvals that can still be used
	Ahead      time.Duration // by how much the journal is ahead of the clock, if writes stop for it
	Moved      error         // that the folder is a copy, a [*MovedError]
}

// Used is what one principal has done and asked for within the hour.
type Used struct {
	Principal                               string // for whom
	Writes, Destructive, Proposals, Pending int    // in the last hour
}

// Standing returns how the gate stands.
func (j *Journal) Standing() (*Standing, error) {
	s := &Standing{}
	err := j.view(func(u *update) error {
		now, m := u.now, u.m
		s.Events, s.Head, s.Frozen, s.Tripped, s.Moved = m.Seq, m.Head, m.Frozen != nil, m.Tripped != nil, u.moved
		if s.Frozen {
			s.FrozenWhy = m.Frozen.Why
		}
		if s.Tripped {
			s.TrippedWhy = m.Tripped.Why
		}
		if behind := m.Last.Sub(now); behind > MaxSkew {
			s.Ahead = behind
		}
		for name := range m.Enrolled {
			s.Approvers = append(s.Approvers, name)
		}
		slices.Sort(s.Approvers)
		s.Denials, s.Unknowns = m.Denied(now), m.Lost(now)
		for _, r := range m.Open {
			switch u.standing(r) {
			case state.StatePending:
				s.Pending++
			case state.StateUnknown:
				s.Unknown = append(s.Unknown, r.ID)
			}
		}
		for _, who := range m.Principals(now) {
			one := Used{Principal: who, Writes: m.Done(who, state.TierWrite, now), Destructive: m.Done(who, state.TierDestructive, now)}
			one.Pending, one.Proposals = m.Waiting(who, now)
			if one != (Used{Principal: who}) {
				s.Used = append(s.Used, one)
			}
		}
		s.Grants = u.grants()
		return nil
	})
	return s, err
}

// Frozen reports whether all writes are stopped.
func (j *Journal) Frozen() (bool, error) {
	var frozen bool
	err := j.view(func(u *update) error { frozen = u.m.Frozen != nil; return nil })
	return frozen, err
}

// Approvers returns how many can approve.
func (j *Journal) Approvers() (n int, err error) {
	err = j.view(func(u *update) error { n = len(u.m.Enrolled); return nil })
	return n, err
}

// Rotate begins a new segment of the journal. Its first event holds the hash of
// the last one of the old, so that the chain goes on, and the state, so that nobody has to
// read the old. Closed segments that are older than retention, if that isn't zero, are
// deleted. On Windows, where a file that others have open can't change its name, the
// journal stays one file and Rotate returns an error that matches [errors.ErrUnsupported].
func (j *Journal) Rotate(retention time.Duration) error {
	return j.update(func(u *update) error { return u.rotate(retention) })
}

func (u *update) rotate(retention time.Duration) error {
	if u.moved != nil {
		return u.moved
	}
	r, ok := u.tx.(Rotator)
	if !ok {
		return fmt.Errorf("gate: rotate: the journal isn't kept in files: %w", errors.ErrUnsupported)
	}
	b, err := u.m.Snapshot()
	if err != nil {
		return fmt.Errorf("%w: rotate: %w", ErrJournal, err)
	}
	line, e, err := state.Encode(state.Event{Kind: state.EventGenesis, Seq: u.m.Seq + 1, Prev: u.m.Head, Time: u.now.UTC(), State: b})
	if err == nil {
		err = r.Rotate(line)
	}
	if err == nil {
		err = u.m.Apply(e)
	}
	if err == nil && retention > 0 {
		err = r.Discard(u.now.Add(-max(retention, MinRetention)))
	}
	if err != nil {
		return fmt.Errorf("%w: rotate: %w", ErrJournal, err)
	}
	return nil
}
