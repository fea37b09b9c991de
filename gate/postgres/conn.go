package postgres

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// lockWait is how long a process waits for another to let go of the journal. A
	// transaction takes milliseconds.
	lockWait = 20 * time.Second
	// stuckFor is after what time without a word the database ends a transaction: shorter
	// than lockWait, so that a process that hangs in one doesn't keep others from a freeze.
	stuckFor = 10 * time.Second
	// callWait bounds one exchange with the database, a wait for the lock included.
	callWait = lockWait + 5*time.Second
	// downFor is for how long a database that didn't answer isn't asked again, so that
	// those who wait in a queue don't each wait for it.
	downFor = time.Second
	maxIdle = 2 // connections kept
)

// setup makes a connection one by which others don't wait for long when this host or
// the network between is gone, whose commits are on the disk, and in which the names of
// functions are those of PostgreSQL, whatever the role or the database is set to. What it
// prepares is planned once, by the index, however few rows there are at that time.
const setup = `SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;
SET lock_timeout = %d;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = %d;
SET tcp_keepalives_idle = 3;
SET tcp_keepalives_interval = 1;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 6000;
SET jit = off;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false);
`

// identity says which database this is, by what session of it, and whether what it
// commits lasts.
const identity = `SELECT pg_is_in_recovery()::text, current_setting('fsync'), current_setting('full_page_writes'),
	(SELECT system_identifier::text FROM pg_control_system()),
	CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) END,
	coalesce(to_regclass('%[1]s.event')::oid::text, ''), (SELECT oid::text FROM pg_database WHERE datname = current_database()), pg_backend_pid()::text`

//go:embed schema.sql
var schema string

// The statements that every connection has prepared.
const (
	stmtBegin  = "begin"
	stmtCommit = "commit"
	stmtLock   = "lock"
	stmtList   = "list"
	stmtLines  = "lines"
	stmtBack   = "back"
	stmtAppend = "append"
	stmtNow    = "now"
)

func (s *store) statements() map[string]string {
	return map[string]string{
		stmtBegin:  `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`,
		stmtCommit: `COMMIT`,
		stmtLock:   `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM (SELECT pg_advisory_xact_lock($1) OFFSET 0) AS locked`,
		stmtNow:    `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`,
		stmtList:   `SELECT name, key FROM %[1]s.approver ORDER BY name`,
		// The line of that number was read before: its hash is enough.
		stmtLines: `SELECT hash, CASE WHEN seq = $1 THEN ''::bytea ELSE line END FROM %[1]s.event WHERE seq >= $1 ORDER BY seq LIMIT $2`,
		stmtBack:  `SELECT seq, line FROM %[1]s.event WHERE seq < $1 ORDER BY seq DESC LIMIT $2`,
		// It fails where the row isn't behind the last one.
		stmtAppend: `INSERT INTO %[1]s.event (seq, prev, hash, kind, id, line) VALUES ($1,
			CASE WHEN coalesce((SELECT hash FROM %[1]s.event ORDER BY seq DESC LIMIT 1), $2) = $2 THEN $2 END, $3, $4, $5, $6)`,
	}
}

// dial opens a connection, and makes sure that it leads to where writes belong.
func (s *store) dial(ctx context.Context) (*pgconn.PgConn, error) {
	c, err := pgconn.ConnectConfig(ctx, s.config)
	if err != nil {
		return nil, plain(err)
	}
	err = s.ready(ctx, c)
	if err != nil {
		discard(c)
		return nil, plain(err)
	}
	return c, nil
}

func (s *store) ready(ctx context.Context, c *pgconn.PgConn) error {
	results, err := c.Exec(ctx, fmt.Sprintf(setup, lockWait.Milliseconds(), s.stuckFor.Milliseconds())+s.sql(identity)).ReadAll()
	if err != nil {
		return err
	}
	row := results[len(results)-1].Rows[0]
	text := func(i int) string { return string(row[i]) }
	switch {
	case !s.pooled && text(7) != strconv.FormatUint(uint64(c.PID()), 10):
		return errors.New("something between shares connections among clients, such as PgBouncer, by which locks are lost: connect to the database itself, or, if each client has a session to itself, add pool=session to the address")
	case text(0) == "true":
		return errors.New("the database is a standby, which takes no writes: name its primary")
	case text(1) != "on" || text(2) != "on":
		return errors.New("the database runs with fsync or full_page_writes off: a power cut there could bring back an approval that was spent")
	}
	if text(5) == "" {
		if err := s.create(ctx, c); err != nil {
			return err
		}
		return s.ready(ctx, c)
	}
	p := c.StartPipeline(ctx)
	for name, sql := range s.statements() {
		p.SendPrepare(name, s.sql(sql), nil)
	}
	if err := p.Sync(); err != nil {
		return errors.Join(err, p.Close())
	}
	for range s.statements() {
		if _, err := p.GetResults(); err != nil {
			p.Close() //nolint:errcheck // it says the same
			return err
		}
	}
	if err := p.Close(); err != nil {
		return err
	}
	// A dump that is restored has another table, what goes on from a backup or a
	// standby another timeline.
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s", text(3), text(4), text(5), text(6)))
	c.CustomData()[placeOf] = "database " + hex.EncodeToString(sum[:8])
	return nil
}

// placeOf is where a connection keeps to which place it leads: a name may lead elsewhere
// when it is asked for the next time.
const placeOf = "place"

// create makes the tables, if this user may.
func (s *store) create(ctx context.Context, c *pgconn.PgConn) error {
	_, err := c.Exec(ctx, fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d);\n%s\nCOMMIT;", s.key("create"), s.sql(schema))).ReadAll()
	if err != nil {
		return fmt.Errorf("the schema %s holds no journal and can't be made: run gate init as a user who may make tables: %w", s.schema, err)
	}
	return nil
}

// sql puts the schema into a statement.
func (s *store) sql(text string) string { return strings.ReplaceAll(text, "%[1]s", s.schema) }

// key returns the number of an advisory lock.
func (s *store) key(name string) int64 {
	sum := sha256.Sum256([]byte("sallyport\x00" + s.schema + "\x00" + name))
	var n int64
	for _, b := range sum[:8] {
		n = n<<8 | int64(b)
	}
	return n
}

// get takes a connection: one that was used before, if there is one and it isn't to be new.
func (s *store) get(ctx context.Context, anew bool) (c *pgconn.PgConn, used bool, err error) {
	s.mu.Lock()
	if n := len(s.idle); n > 0 && !s.closed {
		c = s.idle[n-1]
		s.idle = s.idle[:n-1]
	}
	closed, down := s.closed, s.down
	if !s.until.After(time.Now()) {
		down = nil
	}
	s.mu.Unlock()
	switch {
	case closed:
		return nil, false, errors.New("it was closed")
	case c != nil && !anew && !c.IsClosed():
		return c, true, nil
	case c != nil:
		discard(c)
	}
	if down != nil {
		return nil, false, down
	}
	begun := time.Now()
	if c, err = s.dial(ctx); err != nil && time.Since(begun) > downFor {
		s.mu.Lock()
		s.down, s.until = err, time.Now().Add(downFor)
		s.mu.Unlock()
	}
	return c, false, err
}

// put gives a connection back.
func (s *store) put(c *pgconn.PgConn) {
	s.mu.Lock()
	keep := !s.closed && len(s.idle) < maxIdle && !c.IsClosed() && c.TxStatus() == 'I'
	if keep {
		s.idle = append(s.idle, c)
	}
	s.mu.Unlock()
	if !keep {
		discard(c)
	}
}

// discard closes a connection without waiting for anybody.
func discard(c *pgconn.PgConn) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c.Close(ctx) //nolint:errcheck // nobody needs it any more
}

// with runs fn, which changes nothing that may not be done twice, on a connection: on a
// new one, if the one that was used before turns out to be gone.
func (s *store) with(fn func(context.Context, *pgconn.PgConn) error) error {
	for anew := false; ; anew = true {
		ctx, cancel := context.WithTimeout(context.Background(), callWait)
		c, used, err := s.get(ctx, anew)
		gone := false
		if err == nil {
			err = fn(ctx, c)
			gone = c.IsClosed()
			s.put(c)
		}
		cancel()
		if err == nil || !used || !gone {
			return plain(err)
		}
	}
}

// refused reports whether the database said no with that code.
func refused(err error, code string) bool {
	var p *pgconn.PgError
	return errors.As(err, &p) && p.Code == code
}

// plain is err as one line, in words for whom they concern.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if refused(err, "55P03") {
		return fmt.Errorf("another process has held the journal for %s: find out which one, and end it: %w", lockWait, err)
	}
	if text := err.Error(); strings.ContainsAny(text, "\n\t") {
		return &oneLine{err}
	}
	return err
}

type oneLine struct{ error }

func (e *oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e *oneLine) Unwrap() error { return e.error }
