package journal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"path/filepath"
	"slices"

	"github.com/sallyport-soc/sallyport/gate/internal/chain"
	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// Anchors are what is known outside of a journal, on another host, which whoever
// rewrites or cuts the journal can't rewrite too: an export, a system log, a checkpoint
// that a witness has cosigned.
type Anchors struct {
	Events map[uint64]string     // hashes of events by their numbers
	Trees  map[uint64]SignedTree // by their sizes
}

// A SignedTree is a checkpoint that was taken out of a journal.
type SignedTree struct {
	Text string   // as [state.Tree.Checkpoint] writes it
	Sigs [][]byte // by its origin, as [state.Tree.Signature] writes them
}

// Last returns the last event that the anchors know of.
func (a *Anchors) Last() uint64 {
	last := uint64(0)
	for seq := range a.Events {
		last = max(last, seq)
	}
	for size := range a.Trees {
		last = max(last, size)
	}
	return last
}

var anchorStart = []byte(`{"seq":`)

// ReadAnchors reads every line of r that holds an exported event, whatever
// stands before it in the line, as in a system log. Two that contradict each
// other are an error.
func ReadAnchors(r io.Reader) (*Anchors, error) {
	a := &Anchors{Events: map[uint64]string{}}
	for line, err := range chain.Lines(r, math.MaxInt64) {
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("gate: anchor: %w", err)
		}
		if at := bytes.Index(line, anchorStart); at >= 0 {
			var e struct {
				Seq  uint64 `json:"seq"`
				Hash string `json:"hash"`
			}
			if json.NewDecoder(bytes.NewReader(line[at:])).Decode(&e) == nil && e.Seq > 0 && e.Hash != "" {
				if had := a.Events[e.Seq]; had != "" && had != e.Hash {
					return nil, fmt.Errorf("gate: anchor: it knows two histories from seq %d on", e.Seq)
				}
				a.Events[e.Seq] = e.Hash
			}
		}
	}
	return a, nil
}

// Events returns the events of the journal, oldest first, checking the chain on
// the way, over all segments that are kept; it needs no lock and writes nothing. It ends
// after one error. An unfinished last line is not an event.
func (j *Journal) Events() iter.Seq2[state.Event, error] {
	return events(j.store.String(), j.store.Lines())
}

// Events is [Journal.Events] of the folder dir, which need not be opened.
func Events(dir string) iter.Seq2[state.Event, error] {
	if err := isFolder(dir); err != nil {
		return func(yield func(state.Event, error) bool) { yield(state.Event{}, err) }
	}
	return events(filepath.Join(dir, filestore.LiveFile), filestore.Lines(dir))
}

// After returns the events behind that of the number seq, which must still have that
// hash, oldest first, checking the chain on the way. It reads no more than those; 0 is
// before the first. It needs no lock and ends after one error.
func (j *Journal) After(seq uint64, hash string) iter.Seq2[state.Event, error] {
	if seq == 0 {
		return j.Events()
	}
	return after(j.store.String(), j.store.Back(), seq, hash)
}

// EventsAfter is [Journal.After] of the folder dir, which need not be opened.
func EventsAfter(dir string, seq uint64, hash string) iter.Seq2[state.Event, error] {
	if seq == 0 || isFolder(dir) != nil {
		return Events(dir)
	}
	return after(filepath.Join(dir, filestore.LiveFile), filestore.Back(dir), seq, hash)
}

func after(where string, back iter.Seq2[[]byte, error], seq uint64, hash string) iter.Seq2[state.Event, error] {
	return func(yield func(state.Event, error) bool) {
		fail := func(err error) {
			yield(state.Event{}, fmt.Errorf("%w: %s: %w: %s", ErrJournal, where, err, afterTampering))
		}
		var list [][]byte
		there := false
		for line, err := range back {
			var l chain.Link
			if err == nil {
				l, err = state.Format.Parse(line)
			}
			if err != nil {
				fail(err)
				return
			}
			if there = l.Seq == seq && l.Hash == hash; l.Seq <= seq {
				break
			}
			list = append(list, slices.Clone(line))
		}
		if !there {
			fail(fmt.Errorf("it was cut or rewritten at seq %d", seq))
			return
		}
		w := chain.Walk{Format: state.Format, Seq: seq, Hash: hash}
		for _, line := range slices.Backward(list) {
			l, err := w.Next(line)
			if err != nil {
				fail(err)
				return
			}
			if !yield(state.Decode(l), nil) {
				return
			}
		}
	}
}

func events(where string, lines iter.Seq2[[]byte, error]) iter.Seq2[state.Event, error] {
	return func(yield func(state.Event, error) bool) {
		for l, err := range links(where, lines) {
			if err != nil {
				yield(state.Event{}, err)
				return
			}
			if !yield(state.Decode(l), nil) {
				return
			}
		}
	}
}

// links checks the chain.
func links(where string, lines iter.Seq2[[]byte, error]) iter.Seq2[chain.Link, error] {
	return func(yield func(chain.Link, error) bool) {
		w := chain.Walk{Format: state.Format}
		for line, err := range lines {
			var l chain.Link
			if err == nil {
				l, err = w.Next(line)
			}
			if err != nil {
				yield(l, broken(fmt.Sprintf("%s: seq %d", where, w.Seq+1), err))
				return
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// broken is an error of the chain with what to do about it, or of the way to it.
func broken(where string, err error) error {
	var far *UnreachableError
	if errors.As(err, &far) {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return fmt.Errorf("%w: %s: %w: %s", ErrJournal, where, err, afterTampering)
}

// Tail returns the last n events, newest first, without reading those before
// them. Each is the one that the event after it follows, and the newest is the
// last of the chain that the journal has checked.
func (j *Journal) Tail(n int) ([]state.Event, error) {
	var list []state.Event
	var seq uint64
	var head string
	err := j.view(func(u *update) error { seq, head = u.m.Seq, u.m.Head; return nil })
	if err != nil || n <= 0 || seq == 0 {
		return nil, err
	}
	for line, err := range j.store.Back() {
		var l chain.Link
		if err == nil {
			l, err = state.Format.Parse(line)
		}
		if err == nil && l.Seq > seq {
			continue // appended since
		}
		if err == nil && l.Hash != head {
			err = errors.New("the chain is broken")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %d events from the end: %w", ErrJournal, len(list), err)
		}
		e := state.Decode(l)
		if list, head = append(list, e), l.Prev; len(list) == n {
			break
		}
	}
	return list, nil
}

// A Report is what [Verify] found.
type Report struct {
	First, Events uint64 // the first event that is kept, the last there is
	Head          string // the hash of the last
	Checkpoints   int    // that an approver signed who was enrolled at that place
	Vouched       uint64 // the last event that such a checkpoint covers
	Anchored      int    // events and checkpoints that an anchor knows too
	Replayed      bool   // whether the state was made anew from the first event on
}

// Verify walks the chain of the journal in dir, checks the checkpoints of those
// who were enrolled at their place, and compares it with what anchors say, if they
// aren't nil.
func Verify(dir string, anchors *Anchors) (*Report, error) {
	if err := isFolder(dir); err != nil {
		return nil, err
	}
	return verify(filepath.Join(dir, filestore.LiveFile), filestore.Lines(dir), anchors, false)
}

// Verify is [Verify] of this journal. With replay, all events are applied again, every
// signature and every snapshot judged on the way: whoever can write the journal can write
// a snapshot of another state into it, and new processes begin with the newest.
func (j *Journal) Verify(anchors *Anchors, replay bool) (*Report, error) {
	return verify(j.store.String(), j.store.Lines(), anchors, replay)
}

func verify(where string, lines iter.Seq2[[]byte, error], anchors *Anchors, replay bool) (*Report, error) {
	r := &Report{Replayed: replay}
	known := anchors != nil
	if !known {
		anchors = &Anchors{}
	}
	tree := &state.Tree{}
	var signed *SignedTree // by the next event
	keys := map[string]ed25519.PublicKey{}
	m := state.New()
	for l, err := range links(where, lines) {
		if err != nil {
			return r, err
		}
		if r.First == 0 {
			r.First = l.Seq
		}
		r.Events, r.Head = l.Seq, l.Hash
		if want := anchors.Events[l.Seq]; want != "" {
			if want != l.Hash {
				return r, fmt.Errorf("%w: seq %d is not what the anchor knows: the history was rewritten", ErrJournal, l.Seq)
			}
			r.Anchored++
		}
		if replay {
			if err := m.Apply(state.Decode(l)); err != nil {
				return r, fmt.Errorf("%w: %s: seq %d: %w: %s", ErrJournal, where, l.Seq, err, afterTampering)
			}
		}
		switch state.EventKind(l.Kind) {
		case state.EventEnrolled:
			if e := state.Decode(l); len(e.Key) == ed25519.PublicKeySize {
				keys[e.Approver] = e.Key
			}
		case state.EventStruck:
			delete(keys, state.Decode(l).Approver)
		case state.EventGenesis:
			if e := state.Decode(l); l.Seq == r.First && e.State != nil {
				first, err := state.Load(e.State)
				if err != nil {
					return r, fmt.Errorf("%w: %s: seq %d: %w", ErrJournal, where, l.Seq, err)
				}
				for name, a := range first.Enrolled {
					keys[name] = a.Key
				}
				tree = first.Tree
			}
		case state.EventCheckpoint:
			e := state.Decode(l)
			if key := keys[e.Approver]; key != nil {
				if !(tree != nil && ed25519.Verify(key, tree.Checkpoint(), e.Sig)) && !ed25519.Verify(key, state.CheckpointMessage(e.Seq-1, e.Prev), e.Sig) {
					return r, fmt.Errorf("%w: seq %d is not a checkpoint that %s signed", ErrJournal, e.Seq, e.Approver)
				}
				r.Checkpoints, r.Vouched = r.Checkpoints+1, e.Seq-1
				if signed != nil && slices.ContainsFunc(signed.Sigs, func(sig []byte) bool { return bytes.Equal(sig, tree.Signature(key, e.Sig)) }) {
					signed = nil
					r.Anchored++
				}
			}
		}
		if signed != nil {
			return r, fmt.Errorf("%w: the anchor's checkpoint has not the signature that an approver gave in seq %d", ErrJournal, l.Seq)
		}
		if tree == nil {
			continue
		}
		tree.Add(l.Hash)
		if want, ok := anchors.Trees[l.Seq]; ok {
			if want.Text != string(tree.Checkpoint()) {
				return r, fmt.Errorf("%w: the first %d events are not those of the anchor's checkpoint: the history was rewritten, or it is that of another journal", ErrJournal, l.Seq)
			}
			signed = &want
		}
	}
	last := anchors.Last()
	switch {
	case last > r.Events || signed != nil:
		return r, fmt.Errorf("%w: it ends at seq %d, the anchor at %d: it was cut or rolled back", ErrJournal, r.Events, last)
	case known && r.Anchored == 0:
		return r, fmt.Errorf("%w: the anchor knows none of its events", ErrJournal)
	}
	return r, nil
}
