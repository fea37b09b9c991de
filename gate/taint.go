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
	pruned  time.Time
}

func newTaint(dir string, open func() (*Journal, error)) *taint {
	t := &taint{dir: filepath.Join(dir, taintDir), touched: map[string]time.Time{}}
	t.ended, t.stop = context.WithCancel(context.Background())
	if journal.IsAddress(dir) {
		t.journal = open
	}
	return t
}

// note tells the database, and while that can't be reached goes on trying: reads run
// without it.
func (t *taint) note(principal string, now time.Time) error {
	try := func() error {
		j, err := t.journal()
		if err == nil {
			err = j.Note(noteOf(principal), now)
		}
		return err
	}
	err := try()
	if err != nil {
		go func() {
			for err := err; err != nil; err = try() {
				select {
				case <-t.ended.Done():
					return
				case <-time.After(noteAgain):
				}
			}
		}()
	}
	return err
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
	defer t.mu.Unlock()
	if since := now.Sub(t.touched[principal]); since >= 0 && since < taintTouch {
		return nil
	}
	if t.journal != nil {
		t.touched[principal] = now
		return t.note(principal, now)
	}
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

// of reports whether any server showed principal untrusted text within two
// hours. What can't be read says that one did.
func (t *taint) of(principal string, now time.Time) bool {
	if t.journal != nil {
		j, err := t.journal()
		if err != nil {
			return true
		}
		at, err := j.Noted(noteOf(principal))
		return err != nil || now.Sub(at) < sawFor+taintTouch
	}
	for _, name := range []string{t.dir, t.file(principal)} {
		fi, err := os.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false
		case err != nil || fi.IsDir() != (name == t.dir) || !fi.IsDir() && !fi.Mode().IsRegular() || journal.CheckOwner(name, fi) != nil:
			return true
		case name != t.dir:
			return now.Sub(fi.ModTime()) < sawFor+taintTouch
		}
	}
	return true
}
