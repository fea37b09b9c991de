package filestore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// A Segment is one closed file of the journal. The live one is written.
type Segment struct {
	First uint64 // the number of its first line
	Name  string
}

const (
	// LiveFile is the name of the file that is written.
	LiveFile = "journal.jsonl"
	// NextFile is the name of a file that is about to be the live one.
	NextFile                     = "journal.next"
	segmentPrefix, segmentSuffix = "journal-", ".jsonl"
)

// SegmentName is the name of the closed file whose first line has that number.
func SegmentName(first uint64) string {
	return fmt.Sprintf("%s%016d%s", segmentPrefix, first, segmentSuffix)
}

// Segments returns the closed files of the journal in dir, oldest first.
func Segments(dir string) ([]Segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []Segment
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), segmentPrefix)
		name, ok2 := strings.CutSuffix(name, segmentSuffix)
		if !ok || !ok2 || !e.Type().IsRegular() {
			continue
		}
		first, err := strconv.ParseUint(name, 10, 64)
		if err != nil || first == 0 {
			return nil, fmt.Errorf("%s is no segment of a journal", e.Name())
		}
		list = append(list, Segment{first, filepath.Join(dir, e.Name())})
	}
	sorting.By(list, func(a, b Segment) int { return cmp.Compare(a.First, b.First) })
	return list, nil
}

// Closed returns the segments before the live file: one that is that very file
// was left by a process that died while it rotated.
func Closed(dir string) ([]Segment, error) {
	list, err := Segments(dir)
	if err != nil || len(list) == 0 {
		return list, err
	}
	live, err := os.Stat(filepath.Join(dir, LiveFile))
	if err != nil {
		return nil, err
	}
	last := list[len(list)-1]
	fi, err := os.Stat(last.Name)
	if err != nil {
		return nil, err
	}
	if os.SameFile(live, fi) {
		list = list[:len(list)-1]
	}
	return list, nil
}

// Size is how many bytes the live file has.
func (t *tx) Size() int64 { return t.s.at.off }

// Rotate begins a new file with the line genesis, and closes the live one.
func (t *tx) Rotate(genesis []byte) error {
	s := t.s
	switch {
	case !Rotates:
		return fmt.Errorf("a file that others have open can't be renamed on this system: %w", errors.ErrUnsupported)
	case s.at.seq == 0:
		return errors.New("there is nothing in it")
	}
	first, err := s.firstOf(s.live)
	if err != nil {
		return err
	}
	live, next := s.file, filepath.Join(s.dir, NextFile)
	os.Remove(next) //nolint:errcheck // what a rotation that died has left; if it stays, the next line fails
	f, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	undo := func(err error) error { return errors.Join(err, f.Close(), os.Remove(next)) }
	if err := s.owners.share(f); err != nil {
		return undo(err)
	}
	if _, err := f.Write(genesis); err != nil {
		return undo(err)
	}
	// The old file too: another process may have died before it flushed its last event.
	if err := s.Sync(s.live); err != nil {
		s.broken = err
		return undo(err)
	}
	t.dirty = ""
	if err := errors.Join(s.Sync(f), lockFile(f, LockWait)); err != nil {
		return undo(err)
	}
	s.step("rotate: written")
	old := filepath.Join(s.dir, SegmentName(first))
	if err := os.Link(live, old); err != nil {
		left, _ := os.Stat(old) // by a rotation that died half-way
		have, _ := s.live.Stat()
		if !os.SameFile(left, have) {
			return undo(err)
		}
	}
	s.step("rotate: linked")
	if err := os.Rename(next, live); err != nil {
		return undo(errors.Join(err, os.Remove(old)))
	}
	s.step("rotate: renamed")
	err = syncDir(s.dir)
	closing := s.live
	s.live, s.at = f, cursor{f: f, off: int64(len(genesis)), seq: s.at.seq + 1, hash: hashOf(genesis)}
	closing.Close() //nolint:errcheck // it is flushed
	if err != nil {
		s.broken = err
	}
	return err
}

// Discard deletes the closed files that were written last before that time.
func (t *tx) Discard(before time.Time) error {
	list, err := Closed(t.s.dir)
	if err != nil {
		return err
	}
	for _, s := range list {
		fi, err := os.Stat(s.Name)
		if err != nil {
			return err
		}
		if fi.ModTime().After(before) {
			return nil
		}
		if err := os.Remove(s.Name); err != nil {
			return err
		}
	}
	return nil
}
