package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/postgres"
)

// openJournal opens the journal in a folder, or in the database at an address.
func openJournal(state string) (*gate.Journal, error) {
	if !journal.IsAddress(state) {
		return gate.OpenJournal(state)
	}
	s, err := postgres.Open(state)
	if err != nil {
		return nil, err
	}
	return journal.New(s, journal.Options{}), nil
}

// withJournal opens the journal for do.
func (c *call) withJournal(do func(*gate.Journal) error) error {
	j, err := openJournal(c.state)
	if err != nil {
		return err
	}
	err = do(j)
	if errors.Is(err, gate.ErrNoProposal) {
		err = fmt.Errorf("%w in %s", err, c.where())
	}
	return errors.Join(err, j.Close())
}

// withRoll opens the list of approvers for do.
func (c *call) withRoll(do func(journal.Roll) error) error {
	if !journal.IsAddress(c.state) {
		return do(journal.List(c.state))
	}
	s, err := postgres.Open(c.state)
	if err != nil {
		return err
	}
	return errors.Join(do(s.(journal.Roll)), s.Close())
}

// where is the state, for a person.
func (c *call) where() string { return journal.Shown(c.state) }

// history is what has happened: it is read without the lock, and without writing anything.
type history interface {
	// After returns the events behind that of the number seq and that hash, 0 is before the first.
	After(seq uint64, hash string) iter.Seq2[gate.Event, error]
	// Tail returns the last n events, newest first.
	Tail(n int) ([]gate.Event, error)
	Verify(anchors *gate.Anchors, replay bool) (*gate.Report, error)
	// Watch returns when there may be an event behind that of the number seq, or ctx ends.
	Watch(ctx context.Context, seq uint64)
	String() string
	Close() error
}

// history opens what has happened.
func (c *call) history() (history, error) {
	if journal.IsAddress(c.state) {
		return openJournal(c.state)
	}
	_, err := os.Stat(filepath.Join(c.state, journalFile))
	return &folder{dir: c.state}, err
}

const (
	journalFile = "journal.jsonl"
	pollJournal = 300 * time.Millisecond
)

// folder is the history in a folder, which need not be one's own.
type folder struct {
	dir string
	was os.FileInfo // as it was before it was read last
}

func (f *folder) String() string { return filepath.Join(f.dir, journalFile) }

func (f *folder) After(seq uint64, hash string) iter.Seq2[gate.Event, error] {
	f.was, _ = os.Stat(f.String())
	return journal.EventsAfter(f.dir, seq, hash)
}

// Tail walks the whole chain, for nobody else has checked it.
func (f *folder) Tail(n int) ([]gate.Event, error) {
	var last []gate.Event
	for e, err := range f.After(0, "") {
		if err != nil {
			return nil, err
		}
		if last = append(last, e); len(last) > n {
			last = last[1:]
		}
	}
	slices.Reverse(last)
	return last, nil
}

func (f *folder) Verify(anchors *gate.Anchors, replay bool) (*gate.Report, error) {
	r, err := gate.Verify(f.dir, anchors)
	if err != nil || !replay {
		return r, err
	}
	j, err := gate.OpenJournal(f.dir)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return j.Verify(anchors, true)
}

func (f *folder) Watch(ctx context.Context, _ uint64) {
	for ctx.Err() == nil {
		now, err := os.Stat(f.String())
		if err != nil || f.was == nil || now.Size() != f.was.Size() || !os.SameFile(now, f.was) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollJournal):
		}
	}
}

func (f *folder) Close() error { return nil }
