package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport-soc/sallyport/gate/journal"
)

const (
	poll = 200 * time.Millisecond
	page = 256 // lines asked for at once
)

// A store is the journal in one schema of one database. See [journal.Store].
type store struct {
	config *pgconn.Config
	schema string
	shown  string
	pooled bool  // each client has a session to itself, though not a connection
	lock   int64 // the number of the journal's lock

	stuckFor time.Duration
	clock    func() time.Time       // of this host
	ahead    atomic.Int64           // by how many nanoseconds the database's is ahead of it
	place    atomic.Pointer[string] // where the last transaction is

	mu     sync.Mutex
	idle   []*pgconn.PgConn
	closed bool
	down   error // why nothing is dialed until then
	until  time.Time
	listed []approver // while a transaction is under way

	at mark // what was read last, by the one who writes

	life life
}

// mark is behind one line.
type mark struct {
	seq  uint64
	hash string
}

// Open opens the journal in the database at address, making its tables if they aren't
// there and the user may. The address is
//
//	postgres://USER@HOST:PORT/DATABASE?schema=NAME&sslmode=verify-full&sslrootcert=FILE
//
// where everything behind the database may be left out. The password is best taken from
// the file that PGPASSFILE names, or the address from the one that SALLYPORT_STATE_FILE
// names. Unless the database is on this machine, its certificate is verified; any other
// sslmode than verify-full and verify-ca needs unverified=allow.
func Open(address string) (journal.Store, error) {
	s, err := open(address)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func open(raw string) (*store, error) {
	s, err := at(raw)
	if err != nil {
		return nil, err
	}
	return s, s.connect()
}

// at returns the journal at an address, of which only the address was looked at.
func at(raw string) (*store, error) {
	a, err := parse(raw)
	if err != nil {
		return nil, err
	}
	s := &store{config: a.config, schema: a.schema, shown: a.shown, pooled: a.pooled, stuckFor: stuckFor, clock: time.Now}
	s.lock = s.key("journal")
	s.life.boot, s.life.grace = boot(), defaultGrace
	return s, nil
}

func (s *store) connect() error {
	if err := s.with(func(context.Context, *pgconn.PgConn) error { return nil }); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	return nil
}

// String says where the journal is, without a secret.
func (s *store) String() string { return s.shown }

// Close ends all connections, and with them this process's life as the others see it.
func (s *store) Close() error {
	s.mu.Lock()
	idle := s.idle
	s.idle, s.closed = nil, true
	s.mu.Unlock()
	for _, c := range idle {
		discard(c)
	}
	s.end()
	return nil
}

// Now is the time by the clock of the database, which is one for all hosts.
func (s *store) Now() time.Time { return s.clock().Add(time.Duration(s.ahead.Load())) }

// Place tells this table from a restored copy of it.
func (s *store) Place() (string, error) {
	if p := s.place.Load(); p != nil {
		return *p, nil
	}
	return "", errors.New("the database was not reached yet")
}

// Halt does nothing: nobody holds the lock for long, and who waits for it writes nothing.
func (s *store) Halt([]byte) (told bool, err error) { return false, nil }

// Halted returns nil.
func (s *store) Halted() ([]byte, error) { return nil, nil }

// Resume does nothing.
func (s *store) Resume() error { return nil }

// number and bytes in the form in which parameters are sent.
func number[T int | int64 | uint64](n T) []byte { return strconv.AppendInt(nil, int64(n), 10) }

// Formats of parameters and results.
const (
	textual = 0
	binary_ = 1
)

// rows yields what comes back, each row until the next one is asked for.
func rows(r *pgconn.ResultReader) iter.Seq2[[][]byte, error] {
	return func(yield func([][]byte, error) bool) {
		for r.NextRow() {
			if !yield(r.Values(), nil) {
				r.Close() //nolint:errcheck // what is left isn't wanted
				return
			}
		}
		if _, err := r.Close(); err != nil {
			yield(nil, err)
		}
	}
}

// part yields the lines behind m, which must still be there, a page at most, and moves
// m. It returns whether there may be more.
func (s *store) part(ctx context.Context, c *pgconn.PgConn, m *mark, yield func([]byte) error) (more bool, err error) {
	n := 0
	for row, err := range rows(c.ExecPrepared(ctx, stmtLines, [][]byte{number(m.seq), number(page)}, nil, []int16{textual, binary_})) {
		if err == nil {
			err = m.take(row, n == 0, yield)
		}
		if err != nil {
			return false, err
		}
		n++
	}
	if n == 0 && m.seq > 0 {
		return false, errCut
	}
	return n == page, nil
}

// take moves m behind a row and yields its line. The first row is that of m itself, if
// it is behind one.
func (m *mark) take(row [][]byte, first bool, yield func([]byte) error) error {
	hash, line := string(row[0]), row[1]
	if first && m.seq > 0 {
		if hash != m.hash || len(line) > 0 {
			return errCut
		}
		return nil
	}
	seq, err := m.seq+1, error(nil)
	if m.seq == 0 { // what was before may not be kept
		seq, err = seqOf(line)
	}
	if err == nil {
		err = yield(line)
	}
	if err == nil {
		*m = mark{seq, hash}
	}
	return err
}

var errCut = errors.New("the table was cut or rewritten")

// seqOf reads the number that a line begins with.
func seqOf(line []byte) (uint64, error) {
	const start = `{"seq":`
	n := uint64(0)
	if len(line) < len(start) || string(line[:len(start)]) != start {
		return 0, errors.New("not an event")
	}
	for _, b := range line[len(start):] {
		if b < '0' || b > '9' {
			break
		}
		n = n*10 + uint64(b-'0')
	}
	return n, nil
}

// Ahead yields the lines behind that one, without the lock.
func (s *store) Ahead(seq uint64, hash string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		m := mark{seq, hash}
		s.pages(yield, &m)
		s.at = m
	}
}

// Snapshot returns the snapshot that was saved last, if its line is still there.
func (s *store) Snapshot() (snapshot []byte, seq uint64, hash string) {
	err := s.with(func(ctx context.Context, c *pgconn.PgConn) error {
		r := c.ExecParams(ctx, s.sql(`SELECT s.seq, s.hash, s.state FROM %[1]s.snapshot s JOIN %[1]s.event e ON e.seq = s.seq AND e.hash = s.hash`),
			nil, nil, nil, []int16{binary_, textual, binary_}).Read()
		if r.Err == nil && len(r.Rows) == 1 {
			seq, hash, snapshot = binary.BigEndian.Uint64(r.Rows[0][0]), string(r.Rows[0][1]), r.Rows[0][2]
		}
		return r.Err
	})
	if err != nil {
		return nil, 0, ""
	}
	return snapshot, seq, hash
}

// Lines yields all lines, oldest first, without the lock.
func (s *store) Lines() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var m mark
		s.pages(yield, &m)
	}
}

// pages yields the lines behind m, and moves it by whole pages.
func (s *store) pages(yield func([]byte, error) bool, m *mark) {
	s.each(yield, func(ctx context.Context, c *pgconn.PgConn) (lines [][]byte, more bool, err error) {
		to := *m
		more, err = s.part(ctx, c, &to, func(line []byte) error {
			lines = append(lines, slices.Clone(line))
			return nil
		})
		if err == nil {
			*m = to
		}
		return lines, more, err
	})
}

// Back yields them newest first.
func (s *store) Back() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		before := uint64(math.MaxInt64)
		s.each(yield, func(ctx context.Context, c *pgconn.PgConn) (lines [][]byte, more bool, err error) {
			r := c.ExecPrepared(ctx, stmtBack, [][]byte{number(before), number(page)}, nil, []int16{binary_, binary_}).Read()
			if r.Err != nil {
				return nil, false, r.Err
			}
			for _, row := range r.Rows {
				before = binary.BigEndian.Uint64(row[0])
				lines = append(lines, row[1])
			}
			return lines, len(r.Rows) == page, nil
		})
	}
}

// each yields one page after the other. No connection waits for whoever looks at a line.
func (s *store) each(yield func([]byte, error) bool, read func(context.Context, *pgconn.PgConn) (lines [][]byte, more bool, err error)) {
	for more := true; more; {
		var lines [][]byte
		err := s.with(func(ctx context.Context, c *pgconn.PgConn) (err error) {
			lines, more, err = read(ctx, c)
			return err
		})
		if err != nil {
			yield(nil, s.unread(err))
			return
		}
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

// unread is why lines could not be read: the table doesn't hold what it did, or else it
// wasn't reached.
func (s *store) unread(err error) error {
	err = fmt.Errorf("%s: %w", s, plain(err))
	if !errors.Is(err, errCut) {
		err = &journal.UnreachableError{Err: err}
	}
	return err
}

// Watch returns when the last line isn't the one of that number, or ctx ends.
func (s *store) Watch(ctx context.Context, seq uint64) {
	for {
		last, err := s.last()
		if err == nil && last != seq {
			return
		}
		wait := poll
		if err != nil {
			wait = 5 * poll
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err != nil {
			return
		}
	}
}

// last returns the number of the last line.
func (s *store) last() (n uint64, err error) {
	err = s.alone(func(ctx context.Context, c *pgconn.PgConn) error {
		r := c.ExecParams(ctx, s.sql(`SELECT coalesce(max(seq), 0) FROM %[1]s.event`), nil, nil, nil, []int16{binary_}).Read()
		if r.Err == nil {
			n = binary.BigEndian.Uint64(r.Rows[0][0])
		}
		return r.Err
	})
	return n, err
}
