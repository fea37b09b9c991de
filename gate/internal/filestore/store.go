// Package filestore keeps the lines of a journal in files of one folder, which all
// processes of a host share: a live file that is appended to under a lock, closed ones
// before it, a snapshot, and a file for each process that runs something. It knows
// nothing of what the lines say.
package filestore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/gate/internal/chain"
)

const (
	snapshotFile = "snapshot.json"
	haltFile     = "halt"
	aliveDir     = "alive"
	poll         = 100 * time.Millisecond
	// preload is from how many bytes on a first reading begins without the lock, and
	// how many of the last ones it leaves to the reading under it.
	preload = 4 << 20
)

// Owners are those who may write in the folder.
type Owners struct {
	// Other is the user beside this one, if two share the folder by their group: the
	// one whom the servers run as, and the one who approves.
	Other *int
}

// share lets the other user write what this one made.
func (o Owners) share(f *os.File) error {
	if o.Other == nil {
		return nil
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	mode := os.FileMode(0o660)
	if fi.IsDir() {
		mode = 0o770 | os.ModeSetgid
	}
	return f.Chmod(mode)
}

// PrepareDir makes the folder if it isn't there, and refuses one that others could write.
func (o Owners) PrepareDir(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(o.share(d), d.Close()); err != nil {
			return err
		}
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	return o.CheckOwner(dir, fi)
}

// A Store is one folder. It isn't safe for concurrent use, but for what says so.
type Store struct {
	// Write, Truncate and Sync do so to a file, Probe is told each step, and Wait bounds
	// the wait for the lock: tests replace them.
	Write    func(*os.File, []byte, int64) (int, error)
	Truncate func(*os.File, int64) error
	Sync     func(*os.File) error
	Probe    func(step string)
	Wait     time.Duration

	dir    string
	file   string // the live one
	owners Owners
	live   *os.File
	at     cursor
	broken error                         // it isn't known what is on the disk
	here   struct{ inode, place string } // what Place said last, and of which folder

	own  sync.Mutex
	self *os.File // locked as long as this process is alive
	name string
}

// A cursor is behind the line that was read last.
type cursor struct {
	f    *os.File
	off  int64
	seq  uint64
	hash string
}

// Open opens the folder dir, making it and its live file if they aren't there. A
// folder or file that another user could write, or a link, is refused.
func Open(dir string, owners Owners) (*Store, error) { return OpenOn(remote, dir, owners) }

// OpenOn is [Open] where kind tells network file systems.
func OpenOn(kind func(string) (string, error), dir string, owners Owners) (*Store, error) {
	if err := owners.PrepareDir(dir); err != nil {
		return nil, err
	}
	if kind, err := kind(dir); err != nil || kind != "" {
		return nil, cmp.Or(err, fmt.Errorf("%s lies on %s, where a lock may hold nobody out: use a local disk", dir, kind))
	}
	file := filepath.Join(dir, LiveFile)
	fi, err := os.Lstat(file)
	if err == nil && !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", file)
	}
	made := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &Store{Write: (*os.File).WriteAt, Truncate: (*os.File).Truncate, Sync: (*os.File).Sync, Wait: LockWait, dir: dir, file: file, owners: owners, live: f}
	if made {
		err = owners.share(f)
	}
	if err := errors.Join(err, s.checkOpened(f, file), syncDir(dir)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// checkOpened refuses an open file that isn't the one of that name, or that
// another user could have written.
func (s *Store) checkOpened(f *os.File, name string) error { return s.owners.CheckOpened(f, name) }

// CheckOpened refuses an open file that isn't the one of that name, or that
// another user could have written.
func (o Owners) CheckOpened(f *os.File, name string) error {
	have, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !named.Mode().IsRegular() || !os.SameFile(have, named) {
		return fmt.Errorf("%s is not a regular file", name)
	}
	return o.CheckOwner(name, have)
}

// String returns where the lines are.
func (s *Store) String() string { return s.file }

// Close lets go of all files.
func (s *Store) Close() error {
	s.own.Lock()
	defer s.own.Unlock()
	var errs []error
	if s.self != nil {
		errs = append(errs, os.Remove(s.self.Name()), s.self.Close())
		s.self = nil
	}
	if s.at.f != nil && s.at.f != s.live {
		errs = append(errs, s.at.f.Close())
	}
	return errors.Join(append(errs, s.live.Close())...)
}

func (s *Store) step(name string) {
	if s.Probe != nil {
		s.Probe(name)
	}
}

// use goes on with another live file.
func (s *Store) use(f *os.File) {
	if s.at.f != s.live {
		s.live.Close() //nolint:errcheck // it was only read, or is flushed
	}
	s.live = f
}

// hashOf returns the hash that a line ends with.
func hashOf(line []byte) string {
	const n = 64
	if len(line) < n+3 {
		return ""
	}
	return string(line[len(line)-n-3 : len(line)-3])
}

// firstOf returns the number of the first line of f.
func (s *Store) firstOf(f *os.File) (uint64, error) {
	return number(chain.Lines(io.NewSectionReader(f, 0, chain.MaxLine), chain.MaxLine))
}

// number returns that of the first of lines.
func number(lines iter.Seq2[[]byte, error]) (uint64, error) {
	for line, err := range lines {
		var l struct {
			Seq uint64 `json:"seq"`
		}
		if err == nil {
			err = json.Unmarshal(line, &l)
		}
		return l.Seq, err
	}
	return 0, io.ErrUnexpectedEOF
}

type tx struct {
	s     *Store
	dirty string // the kind of the last line that was written and not flushed yet
}

// A Tx is what can be done while nobody else writes.
type Tx = tx

// Begin locks the journal against all other processes.
func (s *Store) Begin() (*Tx, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	for {
		if err := lockFile(s.live, s.Wait); err != nil {
			return nil, fmt.Errorf("lock %s: %w", s.file, err)
		}
		have, err := s.live.Stat()
		if err == nil {
			var named os.FileInfo
			if named, err = os.Stat(s.file); err == nil && os.SameFile(have, named) {
				return &tx{s: s}, nil
			}
		}
		unlockFile(s.live) //nolint:errcheck // closing it unlocks it too
		if err != nil {
			return nil, errors.New("the file was replaced")
		}
		f, err := os.OpenFile(s.file, os.O_RDWR, 0) // others have rotated
		if err != nil {
			return nil, errors.New("the file was replaced")
		}
		if err := s.checkOpened(f, s.file); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		s.use(f)
	}
}

// End lets others write again.
func (t *tx) End() {
	unlockFile(t.s.live) //nolint:errcheck // closing the file unlocks it too
}

// After yields the lines behind the one of that number and hash, which must still
// be there; behind none for 0. The tail of a writer that died in the middle of a line is
// cut: the lock is ours, so nobody is writing it.
func (t *tx) After(seq uint64, hash string) iter.Seq2[[]byte, error] {
	return t.s.after(seq, hash, true)
}

// Ahead yields the lines behind that one which can't be taken back any more,
// without the lock, if there are so many that others would have to wait for it.
func (s *Store) Ahead(seq uint64, hash string) iter.Seq2[[]byte, error] {
	if fi, err := s.live.Stat(); err != nil || fi.Size() < preload {
		if list, err := Closed(s.dir); err != nil || len(list) == 0 {
			return func(func([]byte, error) bool) {}
		}
	}
	return s.after(seq, hash, false)
}

func (s *Store) after(seq uint64, hash string, locked bool) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := s.seek(seq, hash); err != nil {
			yield(nil, err)
			return
		}
		for {
			last, err := s.isLive()
			if err == nil {
				var more bool
				if more, err = s.read(yield, last, locked); err == nil && (last || !more) {
					return
				}
			}
			if err == nil {
				err = s.follow()
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// isLive reports whether the file that is read is the live one.
func (s *Store) isLive() (bool, error) {
	if s.at.f == s.live {
		return true, nil
	}
	have, err := s.at.f.Stat()
	if err != nil {
		return false, err
	}
	live, err := s.live.Stat()
	return err == nil && os.SameFile(have, live), err
}

// Current reports, without the lock, whether the line of that number and hash, the one
// that was read last, is the last there is. It is a moment's answer, as a reader's is who
// has just let go of the lock.
func (s *Store) Current(seq uint64, hash string) bool {
	if s.broken != nil || s.at.f != s.live || seq == 0 || s.at.seq != seq || s.at.hash != hash {
		return false
	}
	have, err := s.live.Stat()
	if err != nil || have.Size() != s.at.off {
		return false
	}
	named, err := os.Stat(s.String())
	return err == nil && os.SameFile(have, named) && s.seek(seq, hash) == nil
}

// seek puts the cursor behind the line of that number and hash.
func (s *Store) seek(seq uint64, hash string) error {
	switch {
	case s.at.f != nil && s.at.seq == seq && s.at.hash == hash:
	case seq == 0:
		list, err := Closed(s.dir)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			first, err := s.firstOf(s.live)
			if err != nil { // it is empty, or torn
				first = 1
			}
			s.to(cursor{f: s.live, seq: max(first, 1) - 1})
			return nil
		}
		f, err := s.closed(list[0].Name)
		if err != nil {
			return err
		}
		s.to(cursor{f: f, seq: list[0].First - 1})
		return nil
	default:
		return errors.New("the file was cut or rewritten")
	}
	if s.at.off > 0 {
		tail := chain.Tail(s.at.hash)
		got := make([]byte, len(tail))
		if _, err := s.at.f.ReadAt(got, s.at.off-int64(len(tail))); err != nil || !bytes.Equal(got, tail) {
			return errors.New("the file was cut or rewritten")
		}
	}
	return nil
}

func (s *Store) to(c cursor) {
	if s.at.f != nil && s.at.f != s.live && s.at.f != c.f {
		s.at.f.Close() //nolint:errcheck // it was only read
	}
	s.at = c
}

func (s *Store) closed(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if err := s.checkOpened(f, name); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// read yields the lines of the file behind the cursor, and reports whether to go on.
func (s *Store) read(yield func([]byte, error) bool, live, locked bool) (bool, error) {
	fi, err := s.at.f.Stat()
	if err != nil {
		return false, err
	}
	size := fi.Size() - s.at.off
	if !locked && live {
		size -= preload / 4
	}
	if size == 0 || size < 0 && !locked {
		return true, nil
	}
	if size < 0 {
		return false, errors.New("the file was cut or rewritten")
	}
	for line, err := range chain.Lines(io.NewSectionReader(s.at.f, s.at.off, size), size) {
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF) && live:
			if !locked {
				return true, nil
			}
			if err := s.live.Truncate(s.at.off); err != nil { // it may be read through the other name that a rotation gave it before it died
				return false, fmt.Errorf("torn tail: %w", err)
			}
			return true, nil
		case err != nil:
			return false, err
		}
		before := s.at
		s.at.off, s.at.seq, s.at.hash = before.off+int64(len(line)), before.seq+1, hashOf(line)
		if !yield(line, nil) {
			s.at = before
			return false, nil
		}
	}
	return true, nil
}

// follow goes on in the file behind a closed one.
func (s *Store) follow() error {
	name := filepath.Join(s.dir, SegmentName(s.at.seq+1))
	f, err := s.closed(name)
	if errors.Is(err, os.ErrNotExist) {
		first, err := s.firstOf(s.live)
		if err != nil || first != s.at.seq+1 || !s.continues(s.live) {
			if list, lerr := Closed(s.dir); lerr == nil && len(list) > 0 && list[len(list)-1].First > s.at.seq {
				return fmt.Errorf("%s is missing", SegmentName(s.at.seq+1))
			}
			return errors.New("the file was replaced")
		}
		s.to(cursor{f: s.live, seq: s.at.seq, hash: s.at.hash})
		return nil
	}
	if err != nil {
		return err
	}
	if have, err := s.at.f.Stat(); err == nil {
		if next, err := f.Stat(); err != nil || os.SameFile(have, next) {
			return errors.Join(fmt.Errorf("%s holds nothing", filepath.Base(name)), err, f.Close())
		}
	}
	s.to(cursor{f: f, seq: s.at.seq, hash: s.at.hash})
	return nil
}

// continues reports whether f is the file that goes on behind what was read: its first
// line says so.
func (s *Store) continues(f *os.File) bool {
	b := make([]byte, 512)
	n, _ := f.ReadAt(b, 0)
	return bytes.Contains(b[:n], []byte(`"kind":"genesis"`)) && bytes.Contains(b[:n], []byte(`"prev":"`+s.at.hash+`"`))
}

// Append writes a line behind all others. What couldn't be written whole is cut again,
// and if that fails, nothing more is written.
func (t *tx) Append(line []byte, kind, _ string) error {
	s := t.s
	if live, err := s.isLive(); err != nil || !live {
		return errors.Join(errors.New("not all was read"), err)
	}
	s.step("write " + kind)
	_, err := s.Write(s.live, line, s.at.off)
	s.step("written " + kind)
	if err != nil {
		if terr := s.Truncate(s.live, s.at.off); terr != nil {
			err = errors.Join(err, terr)
			s.broken = err
		}
		return err
	}
	s.at.off, s.at.seq, s.at.hash = s.at.off+int64(len(line)), s.at.seq+1, hashOf(line)
	t.dirty = kind
	return nil
}

// Commit makes the disk hold what was appended. If it doesn't say that it does,
// nobody knows what a restart will find: nothing more is written.
func (t *tx) Commit() error {
	if t.dirty == "" {
		return t.s.broken
	}
	if err := t.s.Sync(t.s.live); err != nil {
		t.s.broken = err
		return err
	}
	t.s.step("flushed " + t.dirty)
	t.dirty = ""
	return nil
}

// place says behind which line a snapshot is, and where that ends.
type place struct {
	Seq   uint64 `json:"seq"`
	Hash  string `json:"hash"`
	First uint64 `json:"first"` // of its file
	Off   int64  `json:"off"`
}

// Save keeps a snapshot of the state behind the last line. It isn't flushed: if a
// power cut takes it, all is read again.
func (t *tx) Save(snapshot []byte) error {
	s := t.s
	first, err := s.firstOf(s.live)
	if err != nil {
		return err
	}
	head, err := json.Marshal(place{s.at.seq, s.at.hash, first, s.at.off})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, snapshotFile+".")
	if err != nil {
		return err
	}
	_, err = f.Write(append(append(head, '\n'), snapshot...))
	if err = errors.Join(err, s.owners.share(f), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, snapshotFile))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Snapshot returns the snapshot that was saved last and behind which line it is, if
// that line is still there. The lines behind it can be read then.
func (s *Store) Snapshot() (snapshot []byte, seq uint64, hash string) {
	name := filepath.Join(s.dir, snapshotFile)
	f, err := s.closed(name)
	if err != nil {
		return nil, 0, ""
	}
	b, err := io.ReadAll(io.LimitReader(f, 64<<20))
	f.Close() //nolint:errcheck // it was only read
	head, snapshot, ok := bytes.Cut(b, []byte("\n"))
	var p place
	if err != nil || !ok || json.Unmarshal(head, &p) != nil || p.Seq == 0 {
		return nil, 0, ""
	}
	at := cursor{f: s.live, off: p.Off, seq: p.Seq, hash: p.Hash}
	if first, err := s.firstOf(s.live); err != nil {
		return nil, 0, ""
	} else if first != p.First {
		if at.f, err = s.closed(filepath.Join(s.dir, SegmentName(p.First))); err != nil {
			return nil, 0, ""
		}
	}
	s.to(at)
	if s.seek(p.Seq, p.Hash) != nil {
		s.to(cursor{})
		return nil, 0, ""
	}
	return snapshot, p.Seq, p.Hash
}

// Lines yields all lines that are kept, oldest first, without the lock. It is safe
// for concurrent use. An unfinished last line isn't one.
func (s *Store) Lines() iter.Seq2[[]byte, error] { return Lines(s.dir) }

// Lines yields all lines in dir that are kept, oldest first, without a lock.
func Lines(dir string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		list, live, err := files(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		defer live.Close()
		for i, name := range list {
			if i > 0 && name.First > 0 { // a gap is what the chain sees; say what is missing
				if want := list[i-1]; want.Next > 0 && want.Next != name.First {
					yield(nil, fmt.Errorf("%s is missing", SegmentName(want.Next)))
					return
				}
			}
			f, err := os.Open(name.Name)
			if err != nil {
				yield(nil, err)
				return
			}
			n := uint64(0)
			for line, err := range chain.Lines(f, math.MaxInt64) {
				if err != nil {
					err = fmt.Errorf("%s: %w", filepath.Base(name.Name), err)
				}
				if !yield(line, err) || err != nil {
					f.Close()
					return
				}
				n++
			}
			f.Close()
			if list[i].Next = name.First + n; n == 0 {
				yield(nil, fmt.Errorf("%s holds nothing", filepath.Base(name.Name)))
				return
			}
		}
		// What is appended from here on is for the next reader: a torn tail may
		// be cut and written over while we read.
		fi, err := live.Stat()
		if err != nil {
			yield(nil, err)
			return
		}
		for line, err := range chain.Lines(io.NewSectionReader(live, 0, fi.Size()), fi.Size()) {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

type part struct {
	Segment
	Next uint64
}

// files returns the closed files of dir, and the live one, open.
func files(dir string) ([]part, *os.File, error) {
	live, err := os.Open(filepath.Join(dir, LiveFile))
	if err != nil {
		return nil, nil, err
	}
	fi, err := live.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, live.Close())
	}
	list, err := Closed(dir)
	if err != nil {
		return nil, nil, errors.Join(err, live.Close())
	}
	var parts []part
	for _, s := range list {
		if had, err := os.Stat(s.Name); err == nil && os.SameFile(had, fi) {
			break // rotated since we opened it
		}
		parts = append(parts, part{Segment: s})
	}
	return parts, live, nil
}

// Back yields all lines that are kept, newest first, without the lock. It is safe
// for concurrent use. An unfinished last line isn't one.
func (s *Store) Back() iter.Seq2[[]byte, error] { return Back(s.dir) }

// Back yields all lines in dir that are kept, newest first, without a lock.
func Back(dir string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		list, live, err := files(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		for i := len(list); i >= 0; i-- {
			f := live
			if i < len(list) {
				if f, err = os.Open(list[i].Name); err != nil {
					yield(nil, err)
					return
				}
			}
			fi, err := f.Stat()
			if err != nil {
				yield(nil, errors.Join(err, f.Close()))
				return
			}
			for line, err := range chain.Back(f, fi.Size()) {
				if err == nil && !bytes.HasSuffix(line, []byte("\n")) && f == live {
					continue
				}
				if !yield(line, err) || err != nil {
					f.Close()
					return
				}
			}
			f.Close()
		}
	}
}

// Watch returns when the last line isn't the one of that number, or ctx ends. It is safe
// for concurrent use.
func (s *Store) Watch(ctx context.Context, seq uint64) {
	var was os.FileInfo
	for {
		now, err := os.Stat(s.file)
		if err != nil {
			return
		}
		if was == nil || !os.SameFile(was, now) || now.Size() != was.Size() {
			if last, err := number(s.Back()); last != seq || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				return
			}
			was = now
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(poll):
		}
	}
}

var machine = sync.OnceValue(func() []byte {
	id, _ := os.ReadFile("/etc/machine-id") // not every system has one
	return bytes.TrimSpace(id)
})

// Place tells this folder on this machine from a copy of it.
func (s *Store) Place() (string, error) {
	fi, err := os.Stat(s.dir)
	if err != nil {
		return "", err
	}
	if at := inode(fi, s.dir); at != s.here.inode {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s", at, machine()))
		s.here.inode, s.here.place = at, "folder "+hex.EncodeToString(sum[:8])
	}
	return s.here.place, nil
}

// Halt has every process that looks stop all writes, before the journal can say so.
func (s *Store) Halt(why []byte) (told bool, err error) {
	f, err := os.CreateTemp(s.dir, haltFile+".")
	if err != nil {
		return false, err
	}
	_, _ = f.Write(why) // on a full disk it stops them without a word
	if err = errors.Join(s.owners.share(f), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, haltFile))
	}
	if err != nil {
		return false, errors.Join(err, os.Remove(f.Name()))
	}
	return true, nil
}

// Halted returns why all writes are to be stopped, nil if they aren't.
func (s *Store) Halted() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(s.dir, haltFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return append(b, '\n'), err
}

// Resume forgets a halt that the journal has taken note of.
func (s *Store) Resume() error {
	err := os.Remove(filepath.Join(s.dir, haltFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Process returns a name by which all can find out whether this process is alive.
func (s *Store) Process() (string, error) {
	s.own.Lock()
	defer s.own.Unlock()
	if s.self != nil {
		return s.name, nil
	}
	dir := filepath.Join(s.dir, aliveDir)
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		if err := s.owners.PrepareDir(dir); err != nil {
			return "", err
		}
	}
	f, err := os.CreateTemp(dir, fmt.Sprintf("%d-", os.Getpid()))
	if err != nil {
		return "", err
	}
	if err := errors.Join(s.owners.share(f), lockFile(f, s.Wait)); err != nil {
		return "", errors.Join(err, f.Close())
	}
	s.self, s.name = f, filepath.Base(f.Name())
	return s.name, nil
}

// Alive reports whether the process of that name is alive: whether it still holds
// the lock of its file, which ends with it. A name that was none says that it is.
func (s *Store) Alive(process string) bool {
	s.own.Lock()
	mine := s.self != nil && process == s.name
	s.own.Unlock()
	if mine || process == "" || filepath.Base(process) != process {
		return true
	}
	name := filepath.Join(s.dir, aliveDir, process)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false
	}
	if err != nil {
		return true
	}
	defer f.Close()
	locked, err := tryLock(f)
	if err != nil || !locked {
		return true
	}
	os.Remove(name) //nolint:errcheck // what stays is looked at again
	return false
}

// ListMode is the mode of a list that the other user may read and not change.
func (o Owners) ListMode() os.FileMode {
	if o.Other == nil {
		return 0o600
	}
	return 0o640
}
