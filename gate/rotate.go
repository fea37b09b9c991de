package gate

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A segment is one file of the journal. The last is the one that is written.
type segment struct {
	first uint64 // the sequence number of its first event
	name  string
}

const segmentPrefix, segmentSuffix = "journal-", ".jsonl"

func segmentName(first uint64) string {
	return fmt.Sprintf("%s%016d%s", segmentPrefix, first, segmentSuffix)
}

// segments returns the closed files of the journal in dir, oldest first.
func segments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []segment
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
		list = append(list, segment{first, filepath.Join(dir, e.Name())})
	}
	slices.SortFunc(list, func(a, b segment) int { return cmp.Compare(a.first, b.first) })
	return list, nil
}

// closed returns the segments before the live file: one that is that very file
// was left by a process that died while it rotated.
func closed(dir string) ([]segment, error) {
	list, err := segments(dir)
	if err != nil || len(list) == 0 {
		return list, err
	}
	live, err := os.Stat(filepath.Join(dir, journalFile))
	if err != nil {
		return nil, err
	}
	last := list[len(list)-1]
	fi, err := os.Stat(last.name)
	if err != nil {
		return nil, err
	}
	if os.SameFile(live, fi) {
		list = list[:len(list)-1]
	}
	return list, nil
}

// Rotate begins a new segment of the journal. Its first event holds the hash of
// the last one of the old, so that the chain goes on. Closed segments that are
// older than retention, if that isn't zero, and that nothing depends on any
// more, are deleted. On Windows, where a file that others have open can't change
// its name, the journal stays one file and Rotate returns an error that matches
// [errors.ErrUnsupported].
func (j *Journal) Rotate(retention time.Duration) error {
	return j.tx(func() error {
		if err := j.rotate(); err != nil {
			return fmt.Errorf("%w: rotate: %w", ErrJournal, err)
		}
		return j.discard(retention)
	})
}

const nextFile = "journal.next"

func (j *Journal) rotate() error {
	switch {
	case !rotates:
		return fmt.Errorf("a file that others have open can't be renamed on this system: %w", errors.ErrUnsupported)
	case j.seq == 0:
		return errors.New("there is nothing in it")
	}
	live, next := filepath.Join(j.dir, journalFile), filepath.Join(j.dir, nextFile)
	e := Event{Kind: EventGenesis, Seq: j.seq + 1, Prev: j.head, Time: j.now().UTC()}
	line, e, err := encodeEvent(e)
	if err != nil {
		return err
	}
	os.Remove(next) //nolint:errcheck // what a rotation that died has left; if it stays, the next line fails
	f, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	undo := func(err error) error { return errors.Join(err, f.Close(), os.Remove(next)) }
	if _, err := f.Write(line); err != nil {
		return undo(err)
	}
	// The old file too: another process may have died before it flushed its last event.
	if err := j.sync(j.f); err != nil {
		j.broken = fmt.Errorf("%w: %w", ErrJournal, err)
		return undo(j.broken)
	}
	j.dirty = ""
	if err := errors.Join(j.sync(f), lockFile(f, lockWait)); err != nil {
		return undo(err)
	}
	j.step("rotate: written")
	old := filepath.Join(j.dir, segmentName(j.first))
	if err := os.Link(live, old); err != nil {
		left, _ := os.Stat(old) // by a rotation that died half-way
		have, _ := j.f.Stat()
		if !os.SameFile(left, have) {
			return undo(err)
		}
	}
	j.step("rotate: linked")
	if err := os.Rename(next, live); err != nil {
		return undo(errors.Join(err, os.Remove(old)))
	}
	j.step("rotate: renamed")
	err = syncDir(j.dir)
	j.f.Close() //nolint:errcheck // it is flushed
	j.f, j.off, j.first = f, int64(len(line)), e.Seq
	j.apply(e)
	if err != nil {
		j.broken = fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return err
}

// follow goes on in the file that others have rotated to, once the old one is
// read to its end. What was put there without that is a replacement.
func (j *Journal) follow() error {
	if err := j.replay(); err != nil {
		return err
	}
	name := filepath.Join(j.dir, segmentName(j.seq+1))
	if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
		name = filepath.Join(j.dir, journalFile)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return errors.New("the file was replaced")
	}
	if err := errors.Join(checkOpened(f, name), lockFile(f, lockWait)); err != nil {
		return errors.Join(err, f.Close())
	}
	line, err := readLine(bufio.NewReader(io.NewSectionReader(f, 0, maxEvent)))
	var e Event
	if err == nil {
		e, err = decodeEvent(line)
	}
	if err != nil || e.Kind != EventGenesis || e.Seq != j.seq+1 || e.Prev != j.head {
		return errors.Join(errors.New("the file was replaced"), f.Close())
	}
	old := j.f
	j.f, j.off, j.first = f, 0, e.Seq
	return errors.Join(old.Close(), j.replay())
}

// reopen takes the file that is there instead of the one that was opened, which
// others have closed since.
func (j *Journal) reopen() error {
	name := filepath.Join(j.dir, journalFile)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(checkOpened(f, name), lockFile(f, lockWait)); err != nil {
		return errors.Join(err, f.Close())
	}
	old := j.f
	j.f = f
	return old.Close()
}

// load replays the closed segments, before the live file is read for the first time.
func (j *Journal) load() error {
	list, err := closed(j.dir)
	if err != nil {
		return err
	}
	live := j.f
	defer func() { j.f, j.off = live, 0 }()
	for i, s := range list {
		f, err := os.Open(s.name)
		if err != nil {
			return err
		}
		if err := checkOpened(f, s.name); err != nil {
			return errors.Join(err, f.Close())
		}
		if i > 0 && j.seq+1 != s.first {
			return errors.Join(fmt.Errorf("%s is missing", segmentName(j.seq+1)), f.Close())
		}
		j.f, j.off, j.first = f, 0, s.first
		if err := errors.Join(j.replay(), f.Close()); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(s.name), err)
		}
	}
	j.first = j.seq + 1
	return nil
}

// discard deletes closed segments that are older than retention and end before
// whatever is still open.
func (j *Journal) discard(retention time.Duration) error {
	if retention <= 0 {
		return nil
	}
	list, err := closed(j.dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	needed := j.needed()
	for i, s := range list {
		end := j.first
		if i+1 < len(list) {
			end = list[i+1].first
		}
		fi, err := os.Stat(s.name)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrJournal, err)
		}
		if end > needed || j.now().Sub(fi.ModTime()) < max(retention, minRetention) {
			break
		}
		if err := os.Remove(s.name); err != nil {
			return fmt.Errorf("%w: %w", ErrJournal, err)
		}
	}
	return nil
}

// needed returns the first event that says something about how things stand.
func (j *Journal) needed() uint64 {
	first := j.seq
	for _, seq := range []uint64{j.frozenSeq, j.trippedSeq} {
		if seq > 0 {
			first = min(first, seq)
		}
	}
	for _, r := range j.open {
		if j.state(r) != StateExpired {
			first = min(first, r.seq)
		}
	}
	return first
}
