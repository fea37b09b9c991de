package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/internal/clientword"
)

func TestAPoolThatSharesSessionsIsRefused(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	p.pool.Store(true)
	address := server.State(p.addr())
	if _, err := open(address); err == nil || !strings.Contains(err.Error(), "pool=session") {
		t.Errorf("%v", err)
	}
	must(0, add(opened(t, address+"&pool=session"), chain(t, mark{}, 1)...))
	if _, err := open(address + "&pool=transaction"); err == nil || !strings.Contains(err.Error(), "want session") {
		t.Errorf("%v", err)
	}
}

func TestNoFunctionOfAnotherSchemaIsCalled(t *testing.T) {
	server := database.Server(t)
	address := server.State("")
	owner := opened(t, address)
	role := owner.schema + "_role"
	exec1(t, owner, "CREATE SCHEMA "+role)
	exec1(t, owner, "CREATE FUNCTION "+role+`.pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'not the lock'; END $$`)
	exec1(t, owner, "CREATE ROLE "+role+" SUPERUSER LOGIN")
	exec1(t, owner, "ALTER ROLE "+role+" SET search_path = "+role+", pg_catalog")
	must(0, add(opened(t, strings.Replace(address, "sallyport@", role+"@", 1))))
}

// A process may be stopped, or its machine, while it holds the journal's lock.
func TestAProcessThatHangsKeepsNobodyFromAFreeze(t *testing.T) {
	if stuckFor >= lockWait {
		t.Errorf("the database waits for %s for a process that hangs, the others only %s", stuckFor, lockWait)
	}
	address := database.Server(t).State("")
	s := must(at(address))
	s.stuckFor = 300 * time.Millisecond
	must(0, s.connect())
	defer s.Close()
	tx := must(s.Begin())
	for range tx.After(0, "") {
		t.Error("there is something")
	}
	j := journal.New(opened(t, address), journal.Options{})
	must(0, j.Freeze("bob", "it hangs"))
	must(0, tx.Append(chain(t, mark{}, 1)[0], "frozen", ""))
	if err := tx.Commit(); err == nil {
		t.Error("it woke up and has written")
	}
	if !must(j.Frozen()) {
		t.Error("the freeze is gone")
	}
}

// Who looks whether a process is alive, and who that is, may do so at the same moment.
func TestWhoComesBackWhileItIsLookedForLeavesNoNoteOfItsEnd(t *testing.T) {
	address := database.Server(t).State("")
	near, far, test := opened(t, address), opened(t, address), opened(t, address)
	near.life.boot, far.life.boot, near.life.grace = "near", "far", 10*time.Millisecond
	name := must(far.Process())
	must(0, far.Close())
	exec1(t, test, `CREATE FUNCTION %[1]s.wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END';
		CREATE TRIGGER wait BEFORE INSERT ON %[1]s.gone FOR EACH ROW EXECUTE FUNCTION %[1]s.wait()`)
	for !free(t, test, name) {
		time.Sleep(10 * time.Millisecond)
	}
	exec1(t, test, "SELECT pg_advisory_lock(4711)") // on the connection that test has
	looked := make(chan bool)
	go func() { looked <- near.Alive(name) }()
	waits := func(n int) {
		t.Helper()
		for range 500 {
			if count(t, test, fmt.Sprintf("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND (objid = 4711 OR (classid::bigint << 32 | objid::bigint) = %d)", near.key(name))) == n {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("never were there %d who wait", n)
	}
	waits(1) // it has found the lock free
	back := opened(t, address)
	back.life.boot, back.life.name = "far", name
	came := make(chan error)
	go func() { came <- back.alone(func(context.Context, *pgconn.PgConn) error { return nil }) }()
	waits(2) // it can't come back in between
	exec1(t, test, "SELECT pg_advisory_unlock(4711)")
	if !<-looked {
		t.Error("it is dead at the first look")
	}
	must(0, <-came)
	if n := count(t, test, "SELECT count(*) FROM %[1]s.gone"); n != 0 {
		t.Error("it is back, and there is a note that it isn't")
	}
}

func count(t *testing.T, s *store, sql string) (n int) {
	t.Helper()
	must(0, s.with(func(ctx context.Context, c *pgconn.PgConn) error {
		r := c.ExecParams(ctx, s.sql(sql), nil, nil, nil, nil).Read()
		if r.Err == nil {
			fmt.Sscan(string(r.Rows[0][0]), &n)
		}
		return r.Err
	}))
	return n
}

// elsewhere returns the address of a journal of the same name in another database of the
// server, which is made of a template, or of nothing.
func elsewhere(t *testing.T, admin *store, address, database, template string) string {
	t.Helper()
	if template != "" {
		template = " TEMPLATE " + template
	}
	exec1(t, admin, "CREATE DATABASE "+database+template)
	return strings.Replace(address, "/postgres?", "/"+database+"?", 1)
}

func TestATransactionKnowsWhereItIs(t *testing.T) {
	server := database.Server(t)
	address := server.State("")
	s := opened(t, address)
	must(0, add(s))
	here := must(s.Place())
	other := must(at(elsewhere(t, s, address, s.schema+"_other", "")))
	first := s.config
	s.config = other.config // the name leads to another server from now on
	must(s.Process())
	must(0, add(s))
	if p := must(s.Place()); p != here {
		t.Error("it is where another connection leads to")
	}
	s.config = first
}

func TestACopyUnderTheOldNameIsAnotherPlace(t *testing.T) {
	server := database.Server(t)
	admin := opened(t, server.State(""))
	db := admin.schema + "_db"
	address := elsewhere(t, admin, server.State(""), db, "")
	place := func() string {
		s := must(open(address))
		must(0, add(s))
		p := must(s.Place())
		must(0, s.Close())
		for count(t, admin, "SELECT count(*) FROM pg_stat_activity WHERE datname = '"+db+"'") > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		return p
	}
	was := place()
	if place() != was {
		t.Error("it moves by itself")
	}
	elsewhere(t, admin, address, db+"_copy", db)
	exec1(t, admin, "ALTER DATABASE "+db+" RENAME TO "+db+"_old")
	exec1(t, admin, "ALTER DATABASE "+db+"_copy RENAME TO "+db)
	if place() == was {
		t.Error("the copy is taken for the original")
	}
}

func TestAllHostsGoByTheClockOfTheDatabase(t *testing.T) {
	address := database.Server(t).State("")
	enrolled(t, address)
	begun := time.Now()
	var hosts []host
	for i, off := range []time.Duration{time.Hour, 0, -time.Hour} {
		g := must(gate.New(gate.Policy{Max: gate.TierDestructive, Approval: gate.ApprovalHost, Dir: address, Getenv: func(string) string { return "" },
			OpenStore: func(address string) (gate.Store, error) {
				s, err := open(address)
				if err == nil {
					s.clock = func() time.Time { return time.Now().Add(off) }
				}
				return s, err
			}}))
		t.Cleanup(func() { g.Close() })
		hosts = append(hosts, host{g, t})
		if _, err := hosts[i].do(write, fmt.Sprint(i)); err != nil {
			t.Errorf("a clock that is %s off: %v", off, err)
		}
	}
	for e, err := range journal.New(opened(t, address), journal.Options{}).Events() {
		if at := must(e, err).Time; at.Before(begun.Add(-time.Minute)) || at.After(time.Now().Add(time.Minute)) {
			t.Errorf("%s at %s", e.Kind, at)
		}
	}
}

func TestAReadWaitsForNoDatabase(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	address := server.State(p.addr())
	enrolled(t, address)
	h := on(t, "a", address, gate.ApprovalHost)
	must(h.do(write, "1"))
	p.hold.Store(true)
	read := make(chan bool)
	go func() {
		for _, who := range []string{"one", "two", "one"} {
			clientword.Of(h.Guard).Saw(who, []string{"text of others"})
		}
		close(read)
	}()
	select {
	case <-read:
	case <-time.After(callWait - 5*time.Second):
		t.Error("they wait")
	}
	p.hold.Store(false)
	other := on(t, "b", server.State(""), gate.ApprovalHost)
	other.Guard = must(gate.New(gate.Policy{Dir: strings.Replace(address, p.addr(), server.Addr, 1), OpenStore: Open}))
	defer other.Close()
	for _, who := range []string{"one", "two"} {
		for range 6000 {
			if clientword.Of(other.Guard).Tainted(who) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if !clientword.Of(other.Guard).Tainted(who) {
			t.Errorf("others never hear of %s", who)
		}
	}
}

func TestADatabaseThatDoesNotAnswerIsNotAskedByEachInTurn(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	s := must(at(server.State(p.addr())))
	p.hold.Store(true)
	if _, err := s.Begin(); err == nil {
		t.Fatal("it answers")
	}
	asked, failed := p.calls.Load(), time.Now()
	if _, err := s.Begin(); err == nil || p.calls.Load() != asked && time.Since(failed) < downFor {
		t.Errorf("%v, asked again", err)
	}
	p.hold.Store(false)
	for range 6000 {
		if tx, err := s.Begin(); err == nil {
			tx.End()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("it is never asked again")
}

func TestWhoHasEnoughIsAskedNoMoreThoughTheNetworkIsCut(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	s := opened(t, server.State(p.addr()))
	must(0, add(s, chain(t, mark{}, page)...))
	for _, lines := range []func(func([]byte, error) bool){s.Lines(), s.Back(), s.Ahead(0, "")} {
		for range lines {
			p.cut()
			break
		}
	}
	must(0, add(s))
}

func TestAnOutcomeThatCouldNotBeRecordedIsOnceTheDatabaseIsBack(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	address := server.State(p.addr())
	enrolled(t, address)
	h := on(t, "a", address, gate.ApprovalHost)
	op := gate.Write("add_comment", func(context.Context, comment) (string, error) {
		p.down.Store(true)
		p.cut()
		return "done", nil
	}, "Add a comment.")
	if _, err := h.do(op, "1"); err == nil || !strings.Contains(err.Error(), "executed, but the journal could not record it") {
		t.Errorf("%v", err)
	}
	p.down.Store(false)
	j := journal.New(opened(t, strings.Replace(address, p.addr(), server.Addr, 1)), journal.Options{})
	for range 6000 {
		for e, err := range j.Events() {
			if must(e, err).Kind == gate.EventExecuted {
				if res := must(h.do(op, "1")); !res.Repeated || res.Out != "done" {
					t.Errorf("%+v", res)
				}
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("it is never recorded")
}

// A database that restarts ends connections in the middle, as a file may end that somebody cut.
func TestAConnectionThatEndsIsNoTornJournal(t *testing.T) {
	ln := must(net.Listen("tcp", "127.0.0.1:0"))
	defer ln.Close()
	go func() {
		for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
			io.ReadFull(c, make([]byte, 8))
			c.Close()
		}
	}()
	s := must(at("postgres://u@" + ln.Addr().String() + "/gate?sslmode=disable"))
	defer s.Close()
	j := journal.New(s, journal.Options{})
	_, pending := j.Pending()
	_, verify := j.Verify(nil, false)
	_, tail := j.Tail(1)
	for name, err := range map[string]error{"pending": pending, "verify": verify, "tail": tail} {
		if !errors.Is(err, gate.ErrJournal) || strings.Contains(err.Error(), "who changed it") || !strings.Contains(err.Error(), ln.Addr().String()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
