// Package journal is the gate's memory and its audit log in one: hash-chained events
// in a [Store], which all servers and the gate command share, and the state that they
// add up to. It proposes, decides, spends and records; who asks for what is the
// business of package gate.
//
// What a program needs of it has a name in package gate, whose documentation of a type
// is here; a [Store] of one's own needs the interfaces too.
//
// Experimental: what has no name in package gate may still change after v1.
package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/gate/internal/chain"
	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const (
	// MaxSkew is by how much the clock may be behind the journal.
	MaxSkew = 5 * time.Minute
	// MaxEvent is how many bytes one event may have.
	MaxEvent = chain.MaxLine

	snapshotEvery = 512 // events
)

// A Journal is the store of proposals and the audit log in one. It is safe for
// concurrent use by goroutines and by processes.
//
// Whatever a method has done is on the disk when it returns, and so before
// anybody can act on it: all that one call appends is flushed once, at its end.
// A power cut can therefore take away only what nobody was told yet: a proposal
// whose id no agent has, a decision that the approver still waits for, the spending of
// an approval whose operation has sent nothing. If it comes while an operation sends, its
// outcome is unknown, and nothing repeats it without a new approval.
type Journal struct {
	store Store
	o     Options

	mu       sync.Mutex // the store's lock belongs to the process: it doesn't exclude goroutines
	m        *state.Machine
	unproved string        // the digest of the snapshot that m was begun with, until the chain has confirmed it
	owed     []state.Event // outcomes that could not be written when they came about
	closed   chan struct{}
}

// Options are what a process brings to its journal.
type Options struct {
	// Approvers count beside those who are listed.
	Approvers []state.Approver
	// Roster returns who is listed as an approver outside the journal, which then
	// follows that list. Nil: the list of the store, if it is a [Roll]; otherwise only
	// the journal says who is.
	Roster func() ([]state.Approver, error)
	// Client attests for a client, in this process only.
	Client *Signer
	// Now is the clock. Default: the store's, if it is a [Clock], or else time.Now.
	Now func() time.Time
	// Logger is told what went wrong and stopped nothing. Default: silent.
	Logger *slog.Logger
}

// New returns the journal that store keeps.
func New(store Store, o Options) *Journal {
	if o.Now == nil {
		o.Now = time.Now
		if c, ok := store.(Clock); ok {
			o.Now = c.Now
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if roll, ok := store.(Roll); ok && o.Roster == nil {
		o.Roster = roll.Approvers
	}
	return &Journal{store: store, o: o, closed: make(chan struct{})}
}

// Close lets go of the store. The journal can't be used afterwards.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case <-j.closed:
	default:
		close(j.closed)
	}
	return j.store.Close()
}

// String says where the journal is.
func (j *Journal) String() string { return j.store.String() }

// afterTampering is what to do about a chain that doesn't hold.
const afterTampering = "nothing is written until this is settled: find out who changed it, keep a copy of the folder, and put back a copy that gate verify accepts"

// bare is an error of this package inside another.
type bare struct{ error }

func (b bare) Error() string { return strings.TrimPrefix(b.error.Error(), "gate: ") }
func (b bare) Unwrap() error { return b.error }

// update is one transaction, in which nobody else writes.
type update struct {
	*Journal
	tx    Tx
	now   time.Time // the present, the same throughout
	moved error     // the journal isn't where it belongs: nothing is appended
	look  bool      // it holds no lock, and appends nothing

	settled bool // what was owed is appended
}

// update runs fn with the journal locked against goroutines and processes, after
// taking in what others appended. What fn appends is on the disk when update returns,
// whether fn succeeds or not.
func (j *Journal) update(fn func(*update) error) error { return j.run(j.store.Begin, false, fn) }

func (j *Journal) run(begin func() (Tx, error), look bool, fn func(*update) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.m == nil {
		if err := j.begin(); err != nil {
			return fmt.Errorf("%w: %w", ErrJournal, bare{err})
		}
	}
	tx, err := begin()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, bare{err})
	}
	defer tx.End()
	if err := j.catchUp(tx); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, bare{err})
	}
	u := &update{Journal: j, tx: tx, now: j.o.Now(), look: look}
	owed := len(j.owed)
	if err = u.settle(); err == nil {
		if err = fn(u); err == nil {
			err = u.snapshot()
		}
	}
	if cerr := tx.Commit(); cerr != nil {
		j.m = nil // what it holds may be on no disk
		return errors.Join(fmt.Errorf("%w: %w", ErrJournal, cerr), err)
	}
	if u.settled {
		j.owed = j.owed[owed:]
	}
	return err
}

// owe remembers an outcome that could not be written, for the next transaction. One with
// a database is tried again soon: it comes back by itself, unlike a disk.
func (j *Journal) owe(e state.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.owed = append(j.owed, e)
	if _, folder := j.store.(Folder); !folder && len(j.owed) == 1 {
		go j.pay()
	}
}

func (j *Journal) pay() {
	for left := 1; left > 0; {
		select {
		case <-j.closed:
			return
		case <-time.After(time.Second):
		}
		err := j.update(func(*update) error { return nil })
		j.mu.Lock()
		if left = len(j.owed); left == 0 {
			j.o.Logger.Info("the outcomes that the journal could not take are written")
		} else if err == nil {
			left = 0 // it has moved: they are written once it is adopted
		}
		j.mu.Unlock()
	}
}

// view runs fn on the state as it is now, without the lock if the store can be read so.
// What turns out to append something is run again under the lock.
func (j *Journal) view(fn func(u *update) error) error {
	if l, ok := j.store.(Looker); ok {
		if err := j.run(l.Look, true, fn); !errors.Is(err, ErrLook) {
			return err
		}
	}
	return j.update(fn)
}

// known runs fn on the state as it was when it was read last, without a word to the
// store.
func (j *Journal) known(fn func(u *update) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.m == nil {
		return ErrLook
	}
	return fn(&update{Journal: j, tx: looking{}, now: j.o.Now(), look: true})
}

// looking is a transaction in which nothing can be written.
type looking struct{ Tx }

func (looking) Append([]byte, string, string) error { return ErrLook }
func (looking) Save([]byte) error                   { return ErrLook }
func (looking) Commit() error                       { return nil }
func (looking) End()                                {}

// begin starts from the snapshot, if there is one, and reads what is ahead of it as
// far as that needs no lock.
func (j *Journal) begin() error {
	j.m, j.unproved = state.New(), ""
	if b, seq, hash := j.store.Snapshot(); b != nil {
		if m, err := state.Load(b); err == nil && m.Seq == seq && m.Head == hash {
			j.m, j.unproved = m, state.SnapshotDigest(b)
		}
	}
	err := j.take(j.store.Ahead(j.m.Seq, j.m.Head))
	if errors.Is(err, errUnproved) {
		j.m, j.unproved = state.New(), ""
		err = j.take(j.store.Ahead(0, ""))
	}
	if err != nil {
		j.m = nil
	}
	return err
}

// errUnproved means that the chain says nothing of the snapshot that was begun with.
var errUnproved = errors.New("the snapshot is none")

func (j *Journal) catchUp(tx Tx) error {
	err := j.take(tx.After(j.m.Seq, j.m.Head))
	if err == nil && j.unproved != "" {
		err = errUnproved
	}
	if errors.Is(err, errUnproved) {
		j.m, j.unproved = state.New(), ""
		err = j.take(tx.After(0, ""))
	}
	return err
}

// take applies lines that follow.
func (j *Journal) take(lines iter.Seq2[[]byte, error]) error {
	w := chain.Walk{Format: state.Format, Seq: j.m.Seq, Hash: j.m.Head}
	for line, err := range lines {
		var l chain.Link
		at := w.Seq + 1
		if err == nil {
			l, err = w.Next(line)
		} else if j.m.Seq > 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if err == nil && j.unproved != "" {
			if e := state.Decode(l); e.Kind != state.EventSnapshot || e.Detail != j.unproved {
				return errUnproved
			}
			j.unproved = ""
		}
		if err == nil {
			err = j.m.Apply(state.Decode(l))
		}
		if err != nil {
			return fmt.Errorf("%s: seq %d: %w: %s", j.store, at, err, afterTampering)
		}
	}
	return nil
}

// append writes e and applies it.
func (u *update) append(e state.Event) error {
	if u.moved != nil && e.Kind != state.EventBound {
		return u.moved
	}
	e.Seq, e.Prev = u.m.Seq+1, u.m.Head
	if e.Kind != state.EventClock {
		e.Time = u.now.UTC()
	}
	line, e, err := state.Encode(e)
	if err == nil {
		made := uint64(0)
		if r := u.m.Record(e.ID); r != nil {
			made = r.Seq
		}
		err = u.tx.Append(line, string(e.Kind), about(e, made))
	}
	if err == nil {
		err = u.m.Apply(e)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return nil
}

// about says for the store what e is about. A spending is of the proposal that was made
// by that event: once an id is forgotten, it may be given to another.
func about(e state.Event, made uint64) string {
	if e.Kind == state.EventConsumed {
		return fmt.Sprintf("%s/%d", e.ID, made)
	}
	return e.ID
}

// settle writes what has come about without anybody writing it: where the journal
// lies, who is listed as an approver, that all is to stop, how what ran meanwhile has
// ended, that an executor has died.
func (u *update) settle() error {
	place, err := u.store.Place()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	if place == "" {
		place = "anywhere"
	}
	switch u.m.Place {
	case place:
	case "":
		if err := u.append(state.Event{Kind: state.EventBound, Detail: place}); err != nil {
			return err
		}
	default:
		u.moved = fmt.Errorf("%w: %w", ErrJournal, &MovedError{Was: u.m.Place, Is: place})
		return nil
	}
	if err := u.enrolment(); err != nil {
		return err
	}
	if err := u.halt(); err != nil {
		return err
	}
	for _, e := range u.owed {
		if r := u.m.Record(e.ID); r != nil && r.State == state.StateRunning {
			if err := u.append(e); err != nil {
				return err
			}
		}
	}
	u.settled = true
	return u.dead()
}

// A MovedError means that a journal isn't in the folder, or on the machine, in
// which it was written last: it is a copy, or was put back. Its approvals may have been
// spent elsewhere.
type MovedError struct {
	Was, Is string // where the journal was, and where it is now
}

// Error says what to do about it.
func (e *MovedError) Error() string {
	if strings.HasPrefix(e.Is, "database ") && strings.HasPrefix(e.Was, "database ") {
		return "this database was restored from a copy, or a standby took over, so the last approvals that were spent may be missing in it: nothing is written. Once that is settled, an approver takes it over with gate adopt"
	}
	if strings.HasPrefix(e.Is, "database ") {
		return "this database holds the copy of a folder that wasn't moved to its end: run gate migrate again"
	}
	return "this state folder is a copy, or was moved to another machine, and the original may be in use: nothing is written in it. If it isn't, an approver takes this one over with gate adopt"
}

// enrolment brings the journal up to who is listed.
func (u *update) enrolment() error {
	listed := map[string]bool{}
	if u.o.Roster != nil {
		list, err := u.o.Roster()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrJournal, bare{err})
		}
		for _, a := range list {
			listed[a.Name] = true
			if have := u.m.Enrolled[a.Name]; string(have.Key) != string(a.Key) || have.By != state.ByFile {
				if err := u.append(state.Event{Kind: state.EventEnrolled, Approver: a.Name, Key: a.Key, Detail: state.ByFile}); err != nil {
					return err
				}
			}
		}
		var gone []string
		for name, a := range u.m.Enrolled {
			if a.By == state.ByFile && !listed[name] {
				gone = append(gone, name)
			}
		}
		slices.Sort(gone)
		for _, name := range gone {
			if err := u.append(state.Event{Kind: state.EventStruck, Approver: name}); err != nil {
				return err
			}
		}
	}
	for _, a := range u.o.Approvers {
		_, enrolled := u.m.Enrolled[a.Name]
		if enrolled || string(u.m.Struck[a.Name].Key) == string(a.Key) {
			continue
		}
		if err := u.append(state.Event{Kind: state.EventEnrolled, Approver: a.Name, Key: a.Key, Detail: state.ByProgram}); err != nil {
			return err
		}
	}
	return nil
}

// trusts reports whether the approvals of an approver are spent here: whether the
// list, or else this program, knows the key too. A line that somebody wrote into the
// journal isn't enough.
func (u *update) trusts(name string, key []byte) bool {
	for _, a := range u.o.Approvers {
		if a.Name == name && string(a.Key) == string(key) {
			return true
		}
	}
	if u.o.Roster == nil {
		return string(u.m.Enrolled[name].Key) == string(key)
	}
	list, err := u.o.Roster()
	return err == nil && slices.ContainsFunc(list, func(a state.Approver) bool { return a.Name == name && string(a.Key) == string(key) })
}

// halted is why all writes are to stop.
type halted struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

func (u *update) halt() error {
	b, err := u.store.Halted()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	if b == nil {
		return nil
	}
	var h halted
	if json.Unmarshal(b, &h) != nil {
		h = halted{By: "somebody"}
	}
	if err := u.append(state.Event{Kind: state.EventFrozen, Approver: h.By, Detail: h.Reason}); err != nil {
		return err
	}
	if err := u.tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return u.store.Resume()
}

// dead records that the outcome of what a dead process ran is unknown.
func (u *update) dead() error {
	alive := map[string]bool{} // each process is looked for once, however much it runs
	for _, r := range slices.Clone(u.m.Open) {
		if r.State != state.StateRunning {
			continue
		}
		lives, known := alive[r.Exec]
		if !known && r.Exec != "" {
			lives = u.store.Alive(r.Exec)
			alive[r.Exec] = lives
		}
		why := ""
		switch {
		case r.Exec != "" && !lives:
			why = "the server that ran it ended, or was cut off from the journal, before it could say how it went"
		case u.now.Sub(r.Changed) > state.MaxExecution:
			why = fmt.Sprintf("the server that runs it has not reported for %s", state.MaxExecution)
		default:
			continue
		}
		if r.Detail != "" {
			why += "; the last that it began was to " + r.Detail
		}
		if err := u.append(state.Event{Kind: state.EventUnknown, ID: r.ID, Detail: clip.Bytes(why, 500)}); err != nil {
			return err
		}
	}
	return nil
}

// snapshot keeps the state every so often, so that nobody has to read all that
// led to it. The chain says of which state it is.
func (u *update) snapshot() error {
	if u.moved != nil || u.look || u.m.Seq-u.m.Snapped < snapshotEvery {
		return nil
	}
	return u.keep()
}

func (u *update) keep() error {
	b, err := u.m.Snapshot()
	if err != nil {
		return fmt.Errorf("%w: snapshot: %w", ErrJournal, err)
	}
	if err := u.tx.Save(b); err != nil {
		u.o.Logger.Warn("journal: snapshot", "err", err)
	}
	return u.append(state.Event{Kind: state.EventSnapshot, Detail: state.SnapshotDigest(b)})
}

// clock refuses to go on when the clock is behind what the journal has seen:
// nothing that expires could be trusted to do so.
func (u *update) clock() error {
	if behind := u.m.Last.Sub(u.now); behind > MaxSkew {
		return fmt.Errorf("%w: the clock is %s behind the journal: if the clock is right, an approver says so with gate clock", ErrJournal, behind.Round(time.Second))
	}
	return nil
}

// standing returns where p is at this moment, for this process: what waits expires,
// and a client's word counts for the process that took it.
func (u *update) standing(p *state.Record) state.State {
	switch {
	case p.State != state.StatePending && p.State != state.StateApproved:
		return p.State
	case !u.now.Before(p.Expires):
		return state.StateExpired
	case p.State == state.StatePending && u.attested(p):
		return state.StateApproved
	}
	return p.State
}

// attested reports whether this process took a client's word for p.
func (u *update) attested(p *state.Record) bool {
	c := u.o.Client
	return c != nil && p.Tier == state.TierWrite && p.Needs <= 1 && slices.ContainsFunc(p.Sigs, func(s state.Signature) bool {
		return s.Approver == state.ClientName && ed25519.Verify(c.Approver().Key, state.ApprovalMessage(&p.Proposal, p.Seq), s.Sig)
	})
}

// spendable reports whether p has an approval that counts here: all signatures are
// looked at again, each by a key that is trusted at this moment.
func (u *update) spendable(p *state.Record) bool {
	if u.standing(p) != state.StateApproved {
		return false
	}
	if u.attested(p) {
		return true
	}
	keys := map[string]bool{}
	for _, s := range p.Sigs {
		if u.trusts(s.Approver, s.Key) && ed25519.Verify(s.Key, state.ApprovalMessage(&p.Proposal, p.Seq), s.Sig) {
			keys[string(s.Key)] = true
		}
	}
	return len(keys) >= max(1, p.Needs)
}

// copy returns p as it is at this moment, sharing no memory with it.
func (u *update) copy(p *state.Record) *state.Proposal {
	c := p.Proposal
	if c.State = u.standing(p); c.State == state.StateApproved && p.State == state.StatePending {
		c.Approver = state.ClientName
	}
	c.Input = slices.Clone(c.Input)
	c.Plan.Targets = slices.Clone(c.Plan.Targets)
	c.Plan.Changes = slices.Clone(c.Plan.Changes)
	c.Plan.Claims = slices.Clone(c.Plan.Claims)
	c.Plan.Egress = slices.Clone(c.Plan.Egress)
	c.Plan.Warnings = slices.Clone(c.Plan.Warnings)
	return &c
}

// Watch returns when there may be an event behind that of the number seq, or ctx ends.
func (j *Journal) Watch(ctx context.Context, seq uint64) { j.store.Watch(ctx, seq) }

// Note has all processes know when something was last so, beside the chain. Only a
// store with [Notes] does.
func (j *Journal) Note(name string, at time.Time) error {
	n, ok := j.store.(Notes)
	if !ok {
		return errors.ErrUnsupported
	}
	return n.Note(name, at)
}

// Noted returns what Note was told last.
func (j *Journal) Noted(name string) (time.Time, error) {
	n, ok := j.store.(Notes)
	if !ok {
		return time.Time{}, errors.ErrUnsupported
	}
	return n.Noted(name)
}

// Pending returns the proposals that wait for an approver, oldest first.
func (j *Journal) Pending() ([]*state.Proposal, error) {
	list, _, err := j.in(state.StatePending)
	return list, err
}

// Unsettled returns the proposals that run, or whose outcome nobody knows, oldest first.
// Their Detail says what they began last.
func (j *Journal) Unsettled() ([]*state.Proposal, error) {
	list, _, err := j.in(state.StateRunning, state.StateUnknown)
	return list, err
}

// Again returns the proposals that ask for the same call as p and may still run: they wait
// for an approver, or have one.
func (j *Journal) Again(p *state.Proposal) ([]*state.Proposal, error) {
	list, _, err := j.in(state.StatePending, state.StateApproved)
	return slices.DeleteFunc(list, func(other *state.Proposal) bool { return other.Call != p.Call || other.ID == p.ID }), err
}

// in returns the proposals that stand so, and as of which event that is.
func (j *Journal) in(states ...state.State) (list []*state.Proposal, seq uint64, err error) {
	err = j.view(func(u *update) error {
		list, seq = nil, u.m.Seq
		for _, p := range u.m.Open {
			if slices.Contains(states, u.standing(p)) {
				list = append(list, u.copy(p))
			}
		}
		return nil
	})
	return list, seq, err
}

// ErrNoProposal means that there is no proposal of that id.
var ErrNoProposal = errors.New("gate: no such proposal")

var (
	isID = lazyregexp.New(`^P-[0-9A-Z]{8}$`)
	idIn = lazyregexp.New(`\bP-[0-9A-Z]{8}\b`)
)

// Proposal returns the proposal of that id.
func (j *Journal) Proposal(id string) (*state.Proposal, error) {
	p, _, err := j.proposal(id)
	return p, err
}

// Shown is [Journal.Proposal] for who decides on it: the History of one that waits says too
// what has become, since it was proposed, of the same call and of the calls it speaks of.
func (j *Journal) Shown(id string) (*state.Proposal, error) {
	p, _, err := j.proposal(id)
	if err != nil || !waits(p.State) {
		return p, err
	}
	var named []string
	for _, h := range p.History {
		named = append(named, idIn.FindAllString(h, -1)...)
	}
	err = j.view(func(u *update) error {
		for _, past := range u.m.Near(p.Call, "", "") {
			named = append(named, past.ID)
		}
		return nil
	})
	slices.Sort(named)
	for _, id := range slices.Compact(named) {
		other, err := j.Proposal(id)
		switch {
		case errors.Is(err, ErrNoProposal):
			continue
		case err != nil:
			return nil, err
		case other.Changed.Before(p.Created):
			continue
		}
		which := id
		if other.Call == p.Call {
			which += ", the same call,"
		}
		switch at := other.Changed.UTC().Format(time.RFC3339); other.State {
		case state.StateExecuted:
			which += " was executed at " + at
		case state.StateFailed:
			which += " failed at " + at
		default:
			continue
		}
		if other.Detail != "" {
			which += ": " + other.Detail
		}
		p.History = append(slices.Clip(p.History), which)
	}
	return p, err
}

// proposal is [Journal.Proposal] and as of which event that is.
func (j *Journal) proposal(id string) (out *state.Proposal, seq uint64, err error) {
	var now time.Time
	var past *state.Past
	err = j.view(func(u *update) error {
		if out = nil; u.m.Record(id) != nil {
			out = u.copy(u.m.Record(id))
		}
		now, past, seq = u.time(), u.m.Ended(id), u.m.Seq
		return nil
	})
	if err == nil && out == nil {
		out, err = j.ended(id, now, past)
	}
	return out, seq, err
}

// time is the present, or what the journal has seen of the future.
func (u *update) time() time.Time { return later(u.now, u.m.Last) }

// ended returns a proposal that isn't open any more, from what the journal says of
// it. past is what the state remembers of it, if it does: then the end is enough to read.
func (j *Journal) ended(id string, now time.Time, past *state.Past) (*state.Proposal, error) {
	none := fmt.Errorf("%w: %q", ErrNoProposal, id)
	if !isID.MatchString(id) {
		return nil, none
	}
	t := state.Trace{ID: id}
	if past != nil {
		var list []state.Event
		for line, err := range j.store.Back() {
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrJournal, err)
			}
			if e, ok := event(line, id); ok {
				if list = append(list, e); e.Seq == past.Made {
					break
				}
			}
		}
		for _, e := range slices.Backward(list) {
			t.Take(e)
		}
	} else {
		for line, err := range j.store.Lines() {
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrJournal, err)
			}
			if e, ok := event(line, id); ok || t.Needs(line) {
				if !ok {
					e, _ = event(line, "")
				}
				t.Take(e)
			}
		}
	}
	p := t.Proposal()
	switch {
	case p == nil:
		return nil, none
	case past != nil:
		p.State, p.Changed = past.State, past.Changed
	case p.State == state.StatePending || p.State == state.StateApproved:
		if p.State = state.StateStale; !now.Before(p.Expires) {
			p.State = state.StateExpired
		}
	}
	return p, nil
}

// event returns the event of a line that is about id.
func event(line []byte, id string) (state.Event, bool) {
	if id != "" && !bytes.Contains(line, []byte(`"id":"`+id+`"`)) {
		return state.Event{}, false
	}
	l, err := state.Format.Parse(line)
	if err != nil {
		return state.Event{}, false
	}
	e := state.Decode(l)
	return e, e.ID == id
}

// process returns by what name the others know whether this process is alive.
func (u *update) process() (string, error) {
	name, err := u.store.Process()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return name, nil
}

// Wait returns the proposal once it is no longer pending, or as it is when ctx ends.
func (j *Journal) Wait(ctx context.Context, id string) (*state.Proposal, error) {
	for {
		p, seq, err := j.proposal(id)
		if err != nil || p.State != state.StatePending || ctx.Err() != nil {
			return p, err
		}
		until, cancel := context.WithTimeout(ctx, max(p.Expires.Sub(j.o.Now()), 100*time.Millisecond))
		j.store.Watch(until, seq)
		cancel()
	}
}

// Waiting yields each proposal once it begins to wait for an approver, those
// that wait already first, until ctx ends. It doesn't poll where the store says
// when something was appended. After an error, which it yields once, it ends.
func (j *Journal) Waiting(ctx context.Context) iter.Seq2[*state.Proposal, error] {
	return func(yield func(*state.Proposal, error) bool) {
		told := map[string]bool{}
		for ctx.Err() == nil {
			list, seq, err := j.in(state.StatePending)
			if err != nil {
				yield(nil, err)
				return
			}
			still := map[string]bool{}
			for _, p := range list {
				still[p.ID] = true
				if !told[p.ID] && !yield(p, nil) {
					return
				}
			}
			told = still
			j.store.Watch(ctx, seq)
		}
	}
}

// newID returns an identifier that is short enough to be read aloud.
func newID() string {
	var b [5]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand never fails
	return "P-" + base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(b[:])
}
