package journal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/clip"
)

// A Decision is where a call stands.
type Decision struct {
	State    state.State     // pending, running: its approval is spent, or executed before
	Proposal *state.Proposal // what waits, runs or was executed
	Repeated bool            // this very call was executed a moment ago
	Note     string          // for whoever called

	Approvers int  // how many are enrolled, where it waits for one
	Waiting   int  // how many of the principal's wait then, or are approved and not spent
	Full      bool // which is as many as may
}

// Authority is what may stand for an approver's yes to a call.
type Authority struct {
	Choice    string // the operator's standing choice, if any
	Grantable bool   // whether a standing approval may
	Asks      string // why neither may for this very call; "" if they may

	Left func() error // why nobody waits any more for what is decided; nil, as without it: somebody does
}

// A relation is how an earlier call stands to a new one.
type relation int

// The relations, in the order in which they are judged: the first that fits is it.
const (
	inFlight  relation = iota // the same call runs
	done                      // the same call was executed a moment ago
	duplicate                 // another call for the same key waits, runs, was done, or may have been
	joined                    // the same call, of the same content, waits
	outdated                  // the same call waits, and its target has changed since
	denied                    // the same content was denied
	maybeDone                 // the same call, or one that does the same to the same thing, may have taken effect
	unrelated
)

// An earlier call is open, or has ended and still matters.
type earlier struct {
	id, op, call, key string
	state             state.State
	changed           time.Time
	seq               uint64 // when it began to take effect
	on                []string
	record            *state.Record
	past              *state.Past
}

// ofPast is a call that has ended.
func ofPast(p *state.Past) earlier {
	return earlier{p.ID, p.Op, p.Call, p.Key, p.State, p.Changed, p.Seq, p.On, nil, p}
}

// ofOpen is one that is open.
func (u *update) ofOpen(r *state.Record) earlier {
	return earlier{r.ID, r.Op, r.Call, r.Key, u.standing(r), r.Changed, r.Ran, nil, r, nil}
}

// A relative is an earlier call that stands in a relation to a new one.
type relative struct {
	relation
	earlier
}

// relatives returns those of p, oldest first within those that have ended and those that
// are open.
func (u *update) relatives(p *state.Proposal) (list []relative) {
	take := func(e earlier) {
		if r := u.relate(&e, p); r != unrelated {
			list = append(list, relative{r, e})
		}
	}
	for _, past := range u.m.Near(p.Call, p.Key, p.Op) {
		if u.now.Before(past.Until) {
			take(ofPast(past))
		}
	}
	for _, r := range u.m.Open {
		if r.Call == p.Call || p.Key != "" && r.Key == p.Key || lost(r.State) && r.Op == p.Op {
			take(u.ofOpen(r))
		}
	}
	return list
}

// since returns the first call that acted on what e acted on after it, or nil.
func (u *update) since(e *earlier) *earlier {
	after := func(other earlier) bool { return other.seq > e.seq && other.id != e.id && other.acted(e.on) }
	for _, past := range u.m.Past {
		if other := ofPast(past); u.now.Before(past.Until) && after(other) {
			return &other
		}
	}
	for _, r := range u.m.Open {
		if other := u.ofOpen(r); !waits(r.State) && after(other) {
			return &other
		}
	}
	return nil
}

// acted reports whether e has changed, or may have, one of those things.
func (e *earlier) acted(on []string) bool {
	switch e.state {
	case state.StateRunning, state.StateUnknown, state.StateExecuted, state.StatePartly:
	default:
		return false
	}
	have := e.on
	if e.record != nil {
		have = e.record.On()
	}
	return slices.ContainsFunc(have, func(o string) bool { return slices.Contains(on, o) })
}

// asks reports whether e asks for what p does, by another principal, of nothing that is
// there already.
func (e *earlier) asks(p *state.Proposal) bool {
	return e.record != nil && len(p.On()) == 0 && e.record.Upstream == p.Upstream && bytes.Equal(e.record.Input, p.Input)
}

// waits reports whether nothing of a call in this state can have been done yet.
func waits(s state.State) bool { return s == state.StatePending || s == state.StateApproved }

// lost reports whether a call in this state may have been done, without anybody knowing.
func lost(s state.State) bool { return s == state.StateUnknown || s == state.StatePartly }

// relate says how e stands to p. It is the one notion of the same call.
func (u *update) relate(e *earlier, p *state.Proposal) relation {
	same := e.call == p.Call
	waits := waits(e.state)
	lost := lost(e.state) && !(e.record != nil && e.record.Redone || e.past != nil && e.past.Redone)
	switch {
	case same && e.state == state.StateRunning:
		return inFlight
	case same && e.state == state.StateExecuted && u.now.Sub(e.changed) < state.ReceiptWindow:
		return done
	case p.Key != "" && e.key == p.Key && (e.state == state.StateExecuted || !same && (waits || lost || e.state == state.StateRunning)):
		return duplicate
	case same && waits && e.record.Digest == p.Digest:
		return joined
	case same && waits && e.record.Policy == p.Policy:
		return outdated
	case same && e.state == state.StateDenied && e.past.Content == p.Content():
		return denied
	case lost && (same || e.op == p.Op && (e.acted(p.On()) || e.asks(p))):
		return maybeDone
	}
	return unrelated
}

// before answers a call that was executed a moment ago, if nothing was done to its
// target since, refuses one that runs or is done already, and stops all others while
// writes are frozen. note says why a repeated call is a new one.
func (u *update) before(p *state.Proposal, all []relative) (d *Decision, note string, err error) {
	var last, twin *earlier
	for _, e := range all {
		switch e.relation {
		case inFlight:
			return nil, "", &RefusedError{Op: p.Op, Reason: ReasonInFlight}
		case done:
			last = &e.earlier
		case duplicate:
			twin = &e.earlier
		}
	}
	if last != nil {
		since := u.since(last)
		if since == nil {
			whole, err := u.ended(last.id, u.time(), last.past)
			if err != nil {
				return nil, "", err
			}
			return &Decision{State: state.StateExecuted, Proposal: whole, Repeated: true,
				Note: "this exact call was executed before and is not repeated"}, "", nil
		}
		note = fmt.Sprintf("this exact call was executed before, as %s; since then %s has acted on the same target, so this is a new call", last.id, since.id)
	}
	switch {
	case u.m.Frozen != nil:
		return nil, "", &RefusedError{Op: p.Op, Reason: ReasonFrozen}
	case twin != nil:
		return nil, "", &RefusedError{Op: p.Op, Reason: ReasonDuplicate, Lock: fmt.Sprintf("%s, %s as %s", twin.op, twin.state, twin.id)}
	case last != nil && p.Key != "":
		return nil, "", &RefusedError{Op: p.Op, Reason: ReasonDuplicate, Lock: fmt.Sprintf("%s, %s as %s", last.op, last.state, last.id)}
	}
	return nil, note, nil
}

// Before spares a call its plan if it can be answered without one: it returns a
// decision, an error, or neither.
func (j *Journal) Before(p *state.Proposal, l Limits) (*Decision, error) {
	var d *Decision
	answer := func(u *update) (err error) {
		if d, _, err = u.before(p, u.relatives(p)); d != nil || err != nil {
			return err
		}
		return u.checkLimits(p, l)
	}
	if j.known(answer) == nil && d == nil {
		return nil, nil // Decide asks again
	}
	err := j.view(answer)
	return d, err
}

// history is what earlier calls mean for a new one.
type history struct {
	open    *state.Record // to join
	notes   []string
	unknown bool // an earlier execution may have happened
}

func (h *history) note(format string, args ...any) {
	h.notes = append(h.notes, fmt.Sprintf(format, args...))
}

// maybe are the earlier calls that may have done what p asks for, as its approver is told.
func (u *update) maybe(p *state.Proposal, all []relative) (notes []string) {
	for _, e := range all {
		switch {
		case e.relation != maybeDone:
		case e.state == state.StatePartly:
			notes = append(notes, fmt.Sprintf("an earlier attempt, %s, was done in part (%s); check the platform before approving again", e.id, e.past.Detail))
		case e.call == p.Call:
			notes = append(notes, fmt.Sprintf("an earlier attempt, %s, ended with an unknown outcome; check the platform before approving again", e.id))
		case len(p.On()) == 0:
			notes = append(notes, fmt.Sprintf("%s, the same by another, ended with an unknown outcome; check the platform before approving", e.id))
		default:
			notes = append(notes, fmt.Sprintf("%s, on the same target, ended with an unknown outcome; check the platform before approving", e.id))
		}
	}
	return notes
}

// find returns what earlier calls mean for p. A waiting one whose target has changed
// since, or whose approver wasn't told of one that may have done the same, is marked
// stale and not used. A denial of the same content refuses, whatever policy it was
// proposed under; an open proposal of another policy is left to whoever runs under that.
func (u *update) find(p *state.Proposal, all []relative) (history, error) {
	var h history
	var no error
	var stale []string
	for _, e := range all {
		switch e.relation {
		case denied:
			no = &RefusedError{Op: p.Op, Reason: ReasonDenied, Err: deniedBecause(e.past.Detail)}
		case joined:
			if h.open = e.record; e.record.Replays != "" {
				no = nil // the operator has put it up again
			}
		case outdated:
			stale = append(stale, e.id)
			h.note("the target changed since %s was proposed; that proposal is stale", e.id)
		}
	}
	maybe := u.maybe(p, all)
	h.unknown = len(maybe) > 0
	h.notes = append(h.notes, maybe...)
	if h.open != nil && slices.ContainsFunc(maybe, func(n string) bool { return !slices.Contains(h.open.History, n) }) {
		stale, h.open = append(stale, h.open.ID), nil
	}
	for _, id := range stale {
		if err := u.append(state.Event{Kind: state.EventStale, ID: id}); err != nil {
			return h, err
		}
	}
	return h, no
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

type deniedBecause string

func (d deniedBecause) Error() string { return "reason given: " + string(d) }

// Decide proposes p, or joins the open proposal of the same digest, and spends
// its approval if there is one, or what stands for it: in one transaction. Of an approval
// that is spent, spending, if it isn't nil, hears before the disk holds it, with the journal
// locked: until Decide returns, and unless it does so without an error, nothing may be done.
func (j *Journal) Decide(p *state.Proposal, l Limits, by Authority, spending func(*Decision)) (*Decision, error) {
	var d *Decision
	err := j.update(func(u *update) (err error) {
		if err := u.clock(); err != nil {
			return err
		}
		if r, ok := u.tx.(Rotator); ok && l.RotateAt > 0 && r.Size() >= l.RotateAt {
			if err := u.rotate(l.Retention); err != nil && !errors.Is(err, errors.ErrUnsupported) {
				u.o.Logger.Warn("journal: rotate", "err", err)
				if err := u.tx.Commit(); err != nil {
					return fmt.Errorf("%w: %w", ErrJournal, err)
				}
			}
		}
		// Again, since the plan was made without the lock.
		var note string
		all := u.relatives(p)
		if d, note, err = u.before(p, all); d != nil || err != nil {
			return err
		}
		if by.Left != nil && by.Left() != nil {
			return fmt.Errorf("gate: %s: the caller left: nothing was proposed, and no approval spent: %w", p.Op, by.Left())
		}
		if err := u.checkLimits(p, l); err != nil {
			return err
		}
		h, err := u.find(p, all)
		if err != nil {
			return err
		}
		if note != "" {
			h.note("%s", note)
		}
		for _, why := range []string{u.tooMany(p, l.Budget), by.Asks} {
			if why != "" {
				by = Authority{}
				h.note("%s", why)
			}
		}
		if d, err = u.decide(p, l, by, &h); err == nil && d.State == state.StateRunning && spending != nil {
			spending(d)
		}
		return err
	})
	return d, err
}

func (u *update) decide(p *state.Proposal, l Limits, by Authority, h *history) (*Decision, error) {
	var grant *state.Standing
	switch {
	case h.unknown:
		by.Choice = "" // what may have happened already is for a human to repeat
	case by.Choice == "" && by.Grantable:
		grant = u.m.Covering(p, u.now)
	}
	open := h.open
	if open == nil {
		if by.Choice == "" && grant == nil {
			if err := u.checkQuota(p, l.Budget); err != nil {
				return nil, err
			}
		}
		p.Budget = u.budgetUsed(p, l.Budget)
		p.History = h.notes
		var err error
		if open, err = u.propose(p, l.TTL); err != nil {
			return nil, err
		}
	}
	text := strings.Join(h.notes, ". ")
	var e *state.Event
	switch {
	case u.spendable(open):
	case by.Choice != "":
		e = &state.Event{Kind: state.EventAuthorised, ID: open.ID, Approver: "operator", Detail: by.Choice}
	case grant != nil:
		e = &state.Event{Kind: state.EventAuthorised, ID: open.ID, Approver: grant.Approver, Ref: grant.ID, Detail: "standing approval " + grant.ID}
		text = fmt.Sprintf("ran under standing approval %s of %s: %d of %d calls used", grant.ID, grant.Approver, grant.Used+1, grant.Max)
		u.o.Logger.Info("standing approval used", "op", p.Op, "grant", grant.ID, "approver", grant.Approver, "used", grant.Used+1, "max", grant.Max)
	default:
		c := u.copy(open)
		c.State = state.StatePending // also where it is approved by whom nobody trusts here
		waiting, _ := u.m.Waiting(p.Principal, u.now)
		return &Decision{State: state.StatePending, Proposal: c, Note: text,
			Approvers: len(u.m.Enrolled), Waiting: waiting, Full: exceeds(waiting, l.Budget.Pending)}, nil
	}
	if e != nil {
		if err := u.append(*e); err != nil {
			return nil, err
		}
	}
	exec, err := u.process()
	if err != nil {
		return nil, err
	}
	if err := u.append(state.Event{Kind: state.EventConsumed, ID: open.ID, Exec: exec}); err != nil {
		return nil, err
	}
	if open.State != state.StateRunning {
		return nil, fmt.Errorf("%w: the approval of %s was not spent", ErrJournal, open.ID)
	}
	return &Decision{State: state.StateRunning, Proposal: u.copy(open), Note: text}, nil
}

// propose adds p to the journal under a new id.
func (u *update) propose(p *state.Proposal, ttl time.Duration) (*state.Record, error) {
	for p.ID = newID(); u.m.Record(p.ID) != nil; p.ID = newID() {
	}
	p.Created = u.now.UTC().Truncate(time.Second)
	p.Expires = p.Created.Add(ttl)
	if err := u.append(state.Event{Kind: state.EventProposed, ID: p.ID, Proposal: p}); err != nil {
		return nil, err
	}
	r := u.m.Record(p.ID)
	if r == nil {
		return nil, fmt.Errorf("%w: the proposal was not taken", ErrJournal)
	}
	return r, nil
}

// Finish records how the execution of id went, or with [state.EventProgress] how far it
// is. An outcome that can't be recorded is kept for when the journal can be written again.
func (j *Journal) Finish(id string, kind state.EventKind, detail string) error {
	e := state.Event{Kind: kind, ID: id, Detail: clip.Bytes(detail, 500)}
	err := j.update(func(u *update) error { return u.append(e) })
	if errors.Is(err, ErrJournal) && kind != state.EventProgress {
		j.owe(e)
	}
	return err
}
