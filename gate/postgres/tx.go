package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport-soc/sallyport/gate/journal"
)

// sendAt is how many bytes of lines are kept at most before they are sent.
const sendAt = 1 << 20

// tx is a transaction: it holds the journal's lock, has read what is behind the last
// line that this process knew, and writes at its end.
type tx struct {
	s    *store
	c    *pgconn.PgConn
	look bool

	from mark       // what rows are behind
	rows [][][]byte // the first page
	put  []line
	snap []byte
	at   mark // what snap is behind
	size int  // bytes in put
	sent mark // the last line that was sent before the commit
	done bool
}

// line is a row to be.
type line struct {
	mark
	prev, kind, id string
	bytes          []byte
}

// Begin locks the journal, in the exchange that also brings what was appended since.
func (s *store) Begin() (journal.Tx, error) { return s.start(false) }

// Look reads what was appended since, without the lock.
func (s *store) Look() (journal.Tx, error) { return s.start(true) }

func (s *store) start(look bool) (journal.Tx, error) {
	for anew := false; ; anew = true {
		ctx, cancel := context.WithTimeout(context.Background(), callWait)
		c, used, err := s.get(ctx, anew)
		gone := false
		if err == nil {
			var t *tx
			if t, err = s.begin(c, look); err == nil {
				cancel()
				return t, nil
			}
			gone = c.IsClosed()
			discard(c)
		}
		cancel()
		if !used || !gone {
			return nil, fmt.Errorf("%s: %w", s, plain(err))
		}
	}
}

func (s *store) begin(c *pgconn.PgConn, look bool) (*tx, error) {
	var b pgconn.Batch
	if look {
		b.ExecPrepared(stmtNow, nil, nil, []int16{binary_})
	} else {
		b.ExecPrepared(stmtBegin, nil, nil, nil)
		b.ExecPrepared(stmtLock, [][]byte{number(s.lock)}, nil, []int16{binary_})
	}
	b.ExecPrepared(stmtList, nil, nil, []int16{textual, binary_})
	b.ExecPrepared(stmtLines, [][]byte{number(s.at.seq), number(page)}, nil, []int16{textual, binary_})
	results, err := ask(c, &b)
	if err != nil {
		return nil, err
	}
	results = results[len(results)-3:]
	now := time.UnixMicro(int64(binary.BigEndian.Uint64(results[0].Rows[0][0])))
	s.ahead.Store(int64(now.Sub(s.clock())))
	place := c.CustomData()[placeOf].(string)
	s.place.Store(&place)
	s.mu.Lock()
	s.listed = approvers(results[1].Rows)
	s.mu.Unlock()
	return &tx{s: s, c: c, look: look, from: s.at, rows: results[2].Rows}, nil
}

// ask has a batch answered within callWait. A context would do that too, by a goroutine
// for each exchange, which takes longer than what is asked for.
func ask(c *pgconn.PgConn, b *pgconn.Batch) ([]*pgconn.Result, error) {
	c.Conn().SetDeadline(time.Now().Add(callWait)) //nolint:errcheck // a closed connection says so below
	defer c.Conn().SetDeadline(time.Time{})        //nolint:errcheck // likewise
	return c.ExecBatch(context.Background(), b).ReadAll()
}

var errStopped = errors.New("stopped")

// After yields the lines behind that one.
func (t *tx) After(seq uint64, hash string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		m := mark{seq, hash}
		defer func() { t.s.at = m }()
		if err := t.after(&m, func(line []byte) error {
			if !yield(line, nil) {
				return errStopped
			}
			return nil
		}); err != nil && !errors.Is(err, errStopped) {
			yield(nil, t.s.unread(err))
		}
	}
}

func (t *tx) after(m *mark, yield func([]byte) error) error {
	more := true
	if *m == t.from {
		if m.seq > 0 && len(t.rows) == 0 {
			return errCut
		}
		for i, row := range t.rows {
			if err := m.take(row, i == 0, yield); err != nil {
				return err
			}
		}
		more = len(t.rows) == page
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*callWait)
	defer cancel()
	for err := error(nil); more; {
		if more, err = t.s.part(ctx, t.c, m, yield); err != nil {
			return err
		}
	}
	return nil
}

// Append keeps the line until Commit sends it.
func (t *tx) Append(b []byte, kind, id string) error {
	switch {
	case t.look:
		return journal.ErrLook
	case t.done:
		return errors.New("the transaction has ended")
	}
	last, hash := t.last(), hashOf(b)
	seq, err := seqOf(b)
	if err == nil && (hash == "" || last.seq > 0 && seq != last.seq+1) {
		err = errors.New("not the event that follows")
	}
	if err != nil {
		return err
	}
	t.put = append(t.put, line{mark{seq, hash}, last.hash, kind, id, b})
	if t.size += len(b); t.size > sendAt {
		return t.send()
	}
	return nil
}

// send sends what was appended, so that little of it is kept here. It is committed with
// the rest.
func (t *tx) send() error {
	if _, err := ask(t.c, t.batch("")); err != nil {
		return fmt.Errorf("%s: %w", t.s, plain(err))
	}
	t.sent, t.put, t.snap, t.size = t.last(), nil, nil, 0
	return nil
}

// last is what everything is behind.
func (t *tx) last() mark {
	switch n := len(t.put); {
	case n > 0:
		return t.put[n-1].mark
	case t.sent.seq > 0:
		return t.sent
	}
	return t.s.at
}

// hashOf returns the hash that a line ends with.
func hashOf(b []byte) string {
	const n = 64
	if len(b) < n+3 {
		return ""
	}
	return string(b[len(b)-n-3 : len(b)-3])
}

// Save keeps the snapshot until Commit sends it: it is one of the state behind what was
// appended so far.
func (t *tx) Save(snapshot []byte) error {
	if t.look {
		return journal.ErrLook
	}
	t.snap, t.at = snapshot, t.last()
	return nil
}

// Commit sends what was appended and returns once it can't be lost. If the database
// doesn't answer, it is asked again, behind the lock that this transaction held, whether
// it has it.
func (t *tx) Commit() error {
	if t.done {
		return nil
	}
	t.done = true
	if len(t.put) == 0 && t.sent.seq == 0 {
		t.rest("COMMIT")
		return nil
	}
	results, err := ask(t.c, t.batch(stmtCommit))
	if n := len(results); err == nil && results[n-1].CommandTag.String() != "COMMIT" {
		err = errors.New("the transaction was given up")
	}
	last := t.last()
	switch {
	case err == nil:
		t.s.put(t.c)
	case !t.c.IsClosed():
		discard(t.c)
		if refused(err, "23505") || refused(err, "23502") {
			err = fmt.Errorf("somebody has appended to it, or spent the same approval, against the lock: %w", err)
		}
		return fmt.Errorf("%s: %w", t.s, plain(err))
	default:
		discard(t.c)
		if err := t.s.has(last, err); err != nil {
			return fmt.Errorf("%s: %w", t.s, err)
		}
	}
	t.s.at = last
	return nil
}

func (t *tx) batch(end string) *pgconn.Batch {
	var b pgconn.Batch
	if t.snap != nil {
		b.ExecParams(t.s.sql(`INSERT INTO %[1]s.snapshot (seq, hash, state) VALUES ($1, $2, $3)
			ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, state = excluded.state`),
			[][]byte{number(t.at.seq), []byte(t.at.hash), t.snap}, nil, []int16{textual, textual, binary_}, nil)
	}
	for _, l := range t.put {
		b.ExecPrepared(stmtAppend, [][]byte{number(l.seq), []byte(l.prev), []byte(l.hash), []byte(l.kind), []byte(l.id), l.bytes},
			[]int16{textual, textual, textual, textual, textual, binary_}, nil)
	}
	if end != "" {
		b.ExecPrepared(end, nil, nil, nil)
	}
	return &b
}

// has finds out whether a line whose commit wasn't answered is there. The lock of the
// transaction that wrote it lasts until its end: whoever gets the lock sees what came of it.
func (s *store) has(m mark, unanswered error) error {
	deadline := time.Now().Add(callWait)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		var there bool
		err := s.with(func(ctx context.Context, c *pgconn.PgConn) error {
			var b pgconn.Batch
			b.ExecPrepared(stmtBegin, nil, nil, nil)
			b.ExecPrepared(stmtLock, [][]byte{number(s.lock)}, nil, nil)
			b.ExecParams(s.sql(`SELECT 1 FROM %[1]s.event WHERE seq = $1 AND hash = $2`), [][]byte{number(m.seq), []byte(m.hash)}, nil, nil, nil)
			b.ExecPrepared(stmtCommit, nil, nil, nil)
			r, err := c.ExecBatch(ctx, &b).ReadAll()
			there = err == nil && len(r[2].Rows) == 1
			return err
		})
		switch {
		case err == nil && there:
			return nil
		case err == nil:
			return fmt.Errorf("nothing was written: %w", plain(unanswered))
		case time.Now().After(deadline):
			return fmt.Errorf("it isn't known whether the last event was written: %w; then %w", plain(unanswered), plain(err))
		}
		time.Sleep(pause)
	}
}

// End lets others write, if Commit hasn't.
func (t *tx) End() {
	if !t.done {
		t.done = true
		t.rest("ROLLBACK")
	}
	t.s.mu.Lock()
	t.s.listed = nil
	t.s.mu.Unlock()
}

// rest ends a transaction that has written nothing.
func (t *tx) rest(how string) {
	if t.look {
		t.s.put(t.c)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialWait)
	defer cancel()
	if _, err := t.c.Exec(ctx, how).ReadAll(); err != nil {
		discard(t.c)
		return
	}
	t.s.put(t.c)
}
