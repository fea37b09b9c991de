package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// defaultGrace is for how long a process on another host may be out of the database's
	// sight: a restart of the database or a short cut of the network isn't its end.
	defaultGrace = 10 * time.Second
	pulse        = time.Second
)

// life is how the others see that this process is alive: a lock of a session of its
// own, which ends with it.
type life struct {
	boot  string // of this machine, or container: "" if it can't be told
	grace time.Duration

	mu    sync.Mutex
	conn  *pgconn.PgConn
	name  string
	stop  chan struct{}
	ended bool
	fresh map[string]time.Time // who was alive when
}

// alone runs fn on the connection that nothing but short questions are asked on.
func (s *store) alone(fn func(context.Context, *pgconn.PgConn) error) error {
	l := &s.life
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.ask(fn)
}

func (s *store) ask(fn func(context.Context, *pgconn.PgConn) error) error {
	l := &s.life
	if l.ended {
		return fmt.Errorf("%s: it was closed", s)
	}
	for {
		ctx, cancel := context.WithTimeout(context.Background(), dialWait)
		used, gone := l.conn != nil, false
		err := s.hold(ctx)
		if err == nil {
			err = fn(ctx, l.conn)
			if gone = l.conn.IsClosed(); gone {
				l.conn = nil
			}
		}
		cancel()
		switch {
		case err == nil:
			return nil
		case !used || !gone:
			return fmt.Errorf("%s: %w", s, plain(err))
		}
	}
}

// hold makes sure that there is a connection, and that it holds the lock of this process.
func (s *store) hold(ctx context.Context) error {
	l := &s.life
	if l.conn != nil && !l.conn.IsClosed() {
		return nil
	}
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	if err := s.claim(ctx, c); err != nil {
		discard(c)
		return err
	}
	l.conn = c
	return nil
}

// claim takes the lock of this process, if it has a name, on c.
func (s *store) claim(ctx context.Context, c *pgconn.PgConn) error {
	if s.life.name == "" {
		return nil
	}
	// Shared, for the session that held it before may not have ended yet.
	_, err := c.ExecParams(ctx, `SELECT pg_advisory_lock_shared($1)`, [][]byte{number(s.key(s.life.name))}, nil, nil, nil).Close()
	if err == nil {
		_, err = c.ExecParams(ctx, s.sql(`DELETE FROM %[1]s.gone WHERE process = $1 OR since < clock_timestamp() - interval '1 day'`),
			[][]byte{[]byte(s.life.name)}, nil, nil, nil).Close()
	}
	return err
}

// Process returns the name of this process, whose lock is held from now on.
func (s *store) Process() (string, error) {
	l := &s.life
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.name == "" {
		var b [8]byte
		rand.Read(b[:]) //nolint:errcheck // crypto/rand never fails
		l.name = fmt.Sprintf("%s.%d.%s.%s", l.boot, os.Getpid(), started(os.Getpid()), hex.EncodeToString(b[:]))
		l.stop = make(chan struct{})
		if l.conn != nil {
			discard(l.conn)
			l.conn = nil
		}
		go s.beat(l.stop)
	}
	return l.name, s.ask(func(context.Context, *pgconn.PgConn) error { return nil })
}

// beat notices when the connection is gone, and makes it anew.
func (s *store) beat(stop chan struct{}) {
	t := time.NewTicker(pulse)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			s.alone(func(ctx context.Context, c *pgconn.PgConn) error { return c.Ping(ctx) }) //nolint:errcheck // the next beat tries again
		}
	}
}

func (s *store) end() {
	l := &s.life
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	if l.stop != nil {
		close(l.stop)
	}
	if l.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		l.conn.Close(ctx) //nolint:errcheck // it ends with the process at the latest
		l.conn = nil
	}
}

// Alive reports whether that process is alive. One of this machine is looked up; of
// another it is known by its lock, and it is dead once that was free for ten seconds.
// What can't be found out is alive.
func (s *store) Alive(process string) bool {
	l := &s.life
	l.mu.Lock()
	defer l.mu.Unlock()
	if process == "" || process == l.name {
		return true
	}
	if parts := strings.Split(process, "."); len(parts) == 4 && parts[0] == l.boot && l.boot != "" {
		if pid, err := strconv.Atoi(parts[1]); err == nil && pid > 0 {
			if alive, known := running(pid, parts[2]); known {
				return alive
			}
		}
	}
	if time.Since(l.fresh[process]) < pulse {
		return true
	}
	dead := false
	err := s.ask(func(ctx context.Context, c *pgconn.PgConn) error {
		// The lock is held until the row is there: whoever comes back takes it and deletes that.
		r := c.ExecParams(ctx, s.sql(`WITH free AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($1) AS it),
				first AS (INSERT INTO %[1]s.gone (process) SELECT $2 FROM free WHERE it ON CONFLICT DO NOTHING)
			SELECT (it AND clock_timestamp() - since > make_interval(secs => $3::float8 / 1000))::text
			FROM free LEFT JOIN %[1]s.gone ON process = $2`),
			[][]byte{number(s.key(process)), []byte(process), number(l.grace.Milliseconds())}, nil, nil, nil).Read()
		dead = r.Err == nil && len(r.Rows) == 1 && string(r.Rows[0][0]) == "true"
		return r.Err
	})
	if err != nil || !dead {
		if l.fresh == nil || len(l.fresh) > 1000 {
			l.fresh = map[string]time.Time{}
		}
		l.fresh[process] = time.Now()
		return true
	}
	return false
}
