package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/gate/journal"
)

const (
	taintDir   = "untrusted"
	taintTouch = time.Minute // how often at most a principal's file is touched
	noteAgain  = 2 * time.Second
	noteWait   = time.Second
)

// A taint tells all servers of a state directory which principals were shown
// untrusted text, lest it be read through one and acted on through another. For
// each there is an empty file, whose time is that of the last showing, or a note in the
// database that the journal is in.
type taint struct {
	dir     string
	journal func() (*Journal, error) // if it is in a database
	ended   context.Context
	stop    context.CancelFunc
	mu      sync.Mutex
	touched map[string]time.Time
	owed    map[string]time.Time // what the database has to be told
	pruned  time.Time
}

func newTaint(dir string, open func() (*Journal, error)) *taint {
	t := &taint{dir: filepath.Join(dir, taintDir), touched: map[string]time.Time{}, owed: map[string]time.Time{}}
	t.ended, t.stop = context.WithCancel(context.Background())
	if journal.IsAddress(dir) {
		t.journal = open
	}
	return t
}

// note tells the database. A read doesn't need that, and so waits for it no longer than a
// moment; until it is told, somebody goes on trying.
func (t *taint) note(principal string, now time.Time) error {
	t.mu.Lock()
	_, trying := t.owed[principal]
	t.owed[principal] = now
	t.mu.Unlock()
	first := make(chan error, 1)
	if !trying {
		go t.tell(principal, first)
	}
	select {
	case err := <-first:
		return err
	case <-time.After(noteWait):
		return errors.New("the database doesn't answer")
	}
}

// tell goes on until the database knows what is owed to it.
func (t *taint) tell(principal string, first chan<- error) {
	for {
		t.mu.Lock()
		at := t.owed[principal]
		t.mu.Unlock()
		j, err := t.journal()
		if err == nil {
			err = j.Note(noteOf(principal), at)
		}
		t.mu.Lock()
		done := err == nil && t.owed[principal].Equal(at)
		if done {
			delete(t.owed, principal)
		}
		t.mu.Unlock()
		select {
		case first <- err:
		default:
		}
		if done {
			return
		}
		select {
		case <-t.ended.Done():
			return
		case <-time.After(noteAgain):
		}
	}
}

func noteOf(principal string) string {
	sum := sha256.Sum256([]byte(principal))
	return taintDir + "/" + hex.EncodeToString(sum[:16])
}

func (t *taint) file(principal string) string {
	return filepath.Join(filepath.Dir(t.dir), filepath.FromSlash(noteOf(principal)))
}

// touch notes that principal was shown untrusted text just now.
func (t *taint) touch(principal string, now time.Time) error {
	t.mu.Lock()
	if since := now.Sub(t.touched[principal]); since >= 0 && since < taintTouch {
		t.mu.Unlock()
		return nil
	}
	if t.journal != nil {
		t.touched[principal] = now
		t.mu.Unlock()
		return t.note(principal, now)
	}
	defer t.mu.Unlock()
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return err
	}
	if now.Sub(t.pruned) >= sawFor {
		t.prune(now)
		t.pruned = now
	}
	name := t.file(principal)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Chtimes(name, now, now)); err != nil {
		return err
	}
	t.touched[principal] = now
	return nil
}

// prune forgets the principals who were shown nothing for long.
func (t *taint) prune(now time.Time) {
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if fi, err := e.Info(); err == nil && fi.Mode().IsRegular() && now.Sub(fi.ModTime()) > 2*sawFor {
			os.Remove(filepath.Join(t.dir, e.Name())) //nolint:errcheck // the next one tries again
		}
	}
	clear(t.touched)
}

// of returns until when principal counts as one who was shown untrusted text by any
// server. What can't be read says that it was just now.
func (t *taint) of(principal string, now time.Time) (until time.Time) {
	const counts = sawFor + taintTouch
	if t.journal != nil {
		j, err := t.journal()
		if err != nil {
			return now.Add(counts)
		}
		at, err := j.Noted(noteOf(principal))
		if err != nil {
			return now.Add(counts)
		}
		return at.Add(counts)
	}
	for _, name := range []string{t.dir, t.file(principal)} {
		fi, err := os.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return time.Time{}
		case err != nil || fi.IsDir() != (name == t.dir) || !fi.IsDir() && !fi.Mode().IsRegular() || journal.CheckOwner(name, fi) != nil:
			return now.Add(counts)
		case name != t.dir:
			return fi.ModTime().Add(counts)
		}
	}
	return now.Add(counts)
}
