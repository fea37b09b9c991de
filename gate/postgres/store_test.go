package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/clientword"
)

type comment struct {
	Case string `json:"case"`
}

// a host runs a server whose guard asks nobody, or the operator.
type host struct {
	*gate.Guard
	t *testing.T
}

// on returns a server on a host of that name.
func on(t *testing.T, name, address string, approval gate.Approval) host {
	t.Helper()
	g := must(gate.New(gate.Policy{Max: gate.TierDestructive, Approval: approval, Dir: address, Getenv: func(string) string { return "" },
		OpenStore: func(address string) (gate.Store, error) {
			s, err := open(address)
			if err != nil {
				return nil, err
			}
			s.life.boot, s.life.grace = name, 300*time.Millisecond
			return s, nil
		}}))
	t.Cleanup(func() { g.Close() })
	return host{g, t}
}

var (
	write = gate.Write("add_comment", func(_ context.Context, in comment) (string, error) { return "done " + in.Case, nil }, "Add a comment.")
	read  = gate.Read("get_case", func(_ context.Context, in comment) (string, error) { return "case " + in.Case, nil }, "Get a case.")
)

func (h host) do(op gate.Op, id string) (*gate.Result, error) {
	in := comment{id}
	return op.Do(h.t.Context(), h.Guard, &in)
}

func reason(err error) gate.Reason {
	var r *gate.RefusedError
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

// enrolled lists an approver and returns the key.
func enrolled(t *testing.T, address string) *gate.Signer {
	t.Helper()
	s := must(gate.NewSigner("alice"))
	must(0, opened(t, address).AddApprover(s.Approver()))
	return s
}

func exec1(t *testing.T, s *store, sql string) {
	t.Helper()
	if err := s.with(func(ctx context.Context, c *pgconn.PgConn) error {
		_, err := c.Exec(ctx, s.sql(sql)).ReadAll()
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// chain returns n lines that follow m.
func chain(t testing.TB, m mark, n int) (lines [][]byte) {
	t.Helper()
	for range n {
		b, e, err := state.Encode(state.Event{Seq: m.seq + 1, Prev: m.hash, Kind: state.EventFrozen, Time: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		lines, m = append(lines, b), mark{e.Seq, e.Hash}
	}
	return lines
}

// add appends lines in one transaction, after reading what is there.
func add(s *store, lines ...[]byte) error {
	tx, err := s.Begin()
	if err != nil {
		return err
	}
	defer tx.End()
	for _, err := range tx.After(s.at.seq, s.at.hash) {
		if err != nil {
			return err
		}
	}
	for _, l := range lines {
		if err := tx.Append(l, "frozen", ""); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func TestLinesComeBackInTheirOrder(t *testing.T) {
	address := database.Server(t).State("")
	s := opened(t, address)
	lines := chain(t, mark{}, 2*page+3)
	must(0, add(s, lines[:1]...))
	must(0, add(s, lines[1:]...))
	read := func(seq func(func([]byte, error) bool)) (got []string) {
		for l, err := range seq {
			got = append(got, string(must(l, err)))
		}
		return got
	}
	var want []string
	for _, l := range lines {
		want = append(want, string(l))
	}
	other := opened(t, address)
	tx := must(other.Begin())
	for name, got := range map[string][]string{
		"all": read(s.Lines()), "ahead": read(other.Ahead(0, "")), "under the lock": read(tx.After(0, "")),
	} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff[:min(len(diff), 500)])
		}
	}
	if diff := cmp.Diff(want[page+5:], read(tx.After(page+5, hashOf(lines[page+4])))); diff != "" {
		t.Errorf("behind one: (-want +got):\n%s", diff[:min(len(diff), 500)])
	}
	tx.End()
	slices.Reverse(want)
	if got := read(s.Back()); !slices.Equal(want, got) {
		t.Errorf("%d lines backwards, want %d", len(got), len(want))
	}
	for range s.Lines() {
		s.mu.Lock()
		if len(s.idle) == 0 {
			t.Fatal("a connection waits for whoever looks at a line")
		}
		s.mu.Unlock()
	}
	for l := range s.Back() { // who has enough stops
		if string(l) != want[0] {
			t.Error("not the last one")
		}
		break
	}
}

func TestWhatWasReadMustStillBeThere(t *testing.T) {
	for name, spoil := range map[string]string{
		"deleted":   `DELETE FROM %[1]s.event WHERE seq = 3`,
		"rewritten": `UPDATE %[1]s.event SET hash = repeat('0', 64) WHERE seq = 3`,
	} {
		s := opened(t, database.Server(t).State(""))
		must(0, add(s, chain(t, mark{}, 3)...))
		exec1(t, s, spoil)
		if err := add(s); !errors.Is(err, errCut) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheDatabaseItselfTakesNoFork(t *testing.T) {
	address := database.Server(t).State("")
	a := opened(t, address)
	lines := chain(t, mark{}, 2)
	must(0, add(a, lines[0]))
	put := func(l []byte, prev, kind, id string) error {
		return a.with(func(ctx context.Context, c *pgconn.PgConn) error {
			_, err := c.ExecPrepared(ctx, stmtAppend, [][]byte{number(must(seqOf(l))), []byte(prev), []byte(hashOf(l)), []byte(kind), []byte(id), l},
				[]int16{textual, textual, textual, textual, textual, binary_}, nil).Close()
			return err
		})
	}
	if err := put(lines[1], strings.Repeat("0", 64), "frozen", ""); !refused(err, "23502") {
		t.Errorf("behind another line: %v", err)
	}
	if err := put(lines[0], hashOf(lines[0]), "frozen", ""); !refused(err, "23505") {
		t.Errorf("the same number: %v", err)
	}
	must(0, put(lines[1], hashOf(lines[0]), "consumed", "P-1"))
	third := chain(t, mark{2, hashOf(lines[1])}, 1)[0]
	if err := put(third, hashOf(lines[1]), "consumed", "P-1"); !refused(err, "23505") {
		t.Errorf("spent twice: %v", err)
	}
	must(0, put(third, hashOf(lines[1]), "consumed", "P-2"))
}

func TestASnapshotIsTakenWhileItsLineIsThere(t *testing.T) {
	address := database.Server(t).State("")
	s := opened(t, address)
	lines := chain(t, mark{}, 3)
	tx := must(s.Begin())
	for range tx.After(0, "") {
		t.Error("there is something")
	}
	must(0, tx.Append(lines[0], "frozen", ""))
	must(0, tx.Save([]byte("state")))
	must(0, tx.Append(lines[1], "snapshot", ""))
	must(0, tx.Commit())
	tx.End()
	b, seq, hash := opened(t, address).Snapshot()
	if string(b) != "state" || seq != 1 || hash != hashOf(lines[0]) {
		t.Errorf("%q behind %d %s", b, seq, hash)
	}
	exec1(t, s, `UPDATE %[1]s.snapshot SET hash = 'x'`)
	if b, _, _ := opened(t, address).Snapshot(); b != nil {
		t.Error("a snapshot of another history was taken")
	}
}

func TestACommitThatWasNotAnsweredIsAskedFor(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	s := opened(t, server.State(p.addr()))
	lines := chain(t, mark{}, 2)
	lost := func(l []byte, lose *atomic.Bool) error {
		tx := must(s.Begin())
		defer tx.End()
		for _, err := range tx.After(s.at.seq, s.at.hash) {
			must(0, err)
		}
		must(0, tx.Append(l, "frozen", ""))
		lose.Store(true)
		return tx.Commit()
	}
	if err := lost(lines[0], &p.deaf); err != nil {
		t.Errorf("the answer was lost: %v", err)
	}
	if err := lost(lines[1], &p.mute); err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("the question was lost: %v", err)
	}
	if n := must(s.last()); n != 1 {
		t.Errorf("%d lines", n)
	}
	must(0, add(s, lines[1])) // and it goes on
}

func TestWithoutTheDatabaseWritesAreRefusedAndReadsRun(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	address := server.State(p.addr())
	enrolled(t, address)
	h := on(t, "a", address, gate.ApprovalHost)
	must(h.do(write, "1"))
	p.during(func() {
		if res, err := h.do(read, "1"); err != nil || res.Out != "case 1" {
			t.Errorf("%+v, %v", res, err)
		}
		_, err := h.do(write, "2")
		if reason(err) != gate.ReasonJournal || !strings.Contains(errors.Unwrap(err).Error(), p.addr()) {
			t.Errorf("%v: %v", err, errors.Unwrap(err))
		}
		clientword.Of(h.Guard).Saw("", []string{"text of others"})
		if !clientword.Of(h.Guard).Tainted("agent") {
			t.Error("what was shown meanwhile is forgotten")
		}
	})
	must(h.do(write, "2"))
	none := on(t, "a", strings.Replace(address, p.addr(), "127.0.0.1:1", 1), gate.ApprovalHost)
	must(none.do(read, "1"))
	if _, err := none.do(write, "3"); reason(err) != gate.ReasonJournal {
		t.Errorf("a server that started without it: %v", err)
	}
}

func TestAFreezeTakesEffectOnEveryHost(t *testing.T) {
	address := database.Server(t).State("")
	alice := enrolled(t, address)
	a, b := on(t, "a", address, gate.ApprovalHost), on(t, "b", address, gate.ApprovalHost)
	must(a.do(write, "1"))
	must(b.do(write, "2"))
	j := journal.New(opened(t, address), journal.Options{}) // of the command, on a third
	must(0, j.Freeze("bob", "drill"))
	for _, h := range []host{a, b} {
		if _, err := h.do(write, "3"); reason(err) != gate.ReasonFrozen {
			t.Errorf("%v", err)
		}
	}
	must(0, j.Unfreeze(alice))
	must(b.do(write, "3"))
}

func TestWhoWaitsIsToldByAnotherHost(t *testing.T) {
	address := database.Server(t).State("")
	alice := enrolled(t, address)
	a := on(t, "a", address, gate.ApprovalOperator)
	p := must(a.do(write, "1")).Proposal
	go func() {
		j := journal.New(must(open(address)), journal.Options{})
		defer j.Close()
		must(0, j.Approve(p.ID, p.Digest, alice))
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got := must(a.Wait(ctx, p.ID)); got.State != gate.StateApproved {
		t.Errorf("%s", got.State)
	}
	if res := must(a.do(write, "1")); res.State != gate.StateExecuted {
		t.Errorf("%s", res.State)
	}
}

func TestAProcessOfThisMachineIsKnownToBeDeadAtOnce(t *testing.T) {
	s := opened(t, database.Server(t).State(""))
	if s.life.boot == "" {
		t.Skip("this system doesn't tell which run of it this is")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	must(0, cmd.Start())
	name := fmt.Sprintf("%s.%d.%s.0", s.life.boot, cmd.Process.Pid, started(cmd.Process.Pid))
	if cmd.ProcessState == nil && !s.Alive(fmt.Sprintf("%s.%d.%s.0", s.life.boot, os.Getpid(), started(os.Getpid()))) {
		t.Error("this process is dead")
	}
	cmd.Wait() //nolint:errcheck // how it ended is of no matter
	if s.Alive(name) {
		t.Error("it lives on")
	}
	if s.Alive(fmt.Sprintf("%s.%d.1.0", s.life.boot, os.Getpid())) {
		t.Error("another process of the same number is taken for it")
	}
}

func TestAProcessOfAnotherHostIsDeadOnceItWasGoneForAWhile(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	address := server.State("")
	far := opened(t, strings.Replace(address, server.Addr, p.addr(), 1))
	far.life.boot = "far"
	name := must(far.Process())
	near := opened(t, address)
	near.life.boot, near.life.grace = "near", 300*time.Millisecond
	dead := func() bool {
		near.life.fresh = nil
		return !near.Alive(name)
	}
	if dead() {
		t.Fatal("it is dead while it holds its lock")
	}
	p.during(func() {
		if dead() {
			t.Error("a moment's cut is its end")
		}
	})
	for range 50 { // it takes its lock again
		if must(far.Process()); !free(t, near, name) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(near.life.grace)
	if dead() {
		t.Error("it came back, and is dead")
	}
	must(0, far.Close())
	for start := time.Now(); !dead(); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatal("it never is")
		}
	}
}

// free reports whether nobody holds the lock of a process.
func free(t *testing.T, s *store, name string) (is bool) {
	t.Helper()
	must(0, s.with(func(ctx context.Context, c *pgconn.PgConn) error {
		r := c.ExecParams(ctx, `SELECT pg_try_advisory_xact_lock($1)::text`, [][]byte{number(s.key(name))}, nil, nil, nil).Read()
		is = r.Err == nil && string(r.Rows[0][0]) == "true"
		return r.Err
	}))
	return is
}

func TestARestoredCopyWritesNothingUntilItIsTakenOver(t *testing.T) {
	server := database.Server(t)
	address, copied := server.State(""), server.State("")
	alice := enrolled(t, address)
	p := must(on(t, "a", address, gate.ApprovalOperator).do(write, "1")).Proposal
	j := journal.New(opened(t, address), journal.Options{})
	must(0, j.Approve(p.ID, p.Digest, alice))
	from, to := opened(t, address), opened(t, copied)
	for _, table := range []string{"event", "approver", "snapshot"} {
		exec1(t, from, fmt.Sprintf("INSERT INTO %s.%s SELECT * FROM %%[1]s.%[2]s", to.schema, table))
	}
	h := on(t, "a", copied, gate.ApprovalOperator)
	_, err := h.do(write, "1")
	var moved *gate.MovedError
	if reason(err) != gate.ReasonJournal || !errors.As(err, &moved) || !strings.Contains(moved.Error(), "restored") {
		t.Errorf("%v: %v", err, errors.Unwrap(err))
	}
	must(0, journal.New(to, journal.Options{}).Adopt(alice))
	if res := must(h.do(write, "1")); res.State != gate.StatePending {
		t.Errorf("an approval of before is spent in the copy: %s", res.State)
	}
}

func TestADatabaseThatForgetsIsRefused(t *testing.T) {
	server := database.Server(t)
	s := opened(t, server.State(""))
	set := func(how string, want bool) {
		t.Helper()
		exec1(t, s, "ALTER SYSTEM "+how)
		exec1(t, s, "SELECT pg_reload_conf()")
		for range 6000 {
			o, err := open(server.State(""))
			if err == nil {
				o.Close()
			}
			if refused := err != nil && strings.Contains(err.Error(), "fsync"); refused == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal(how, " has no effect")
	}
	defer set("RESET fsync", false)
	set("SET fsync = off", true)
}

// What a server may is what the page on databases grants it.
func TestAServerCanNeitherForgetNorEnrol(t *testing.T) {
	server := database.Server(t)
	address := server.State("")
	alice := enrolled(t, address)
	owner := opened(t, address)
	role := owner.schema + "_server"
	exec1(t, owner, "CREATE ROLE "+role+" LOGIN")
	_, grants, _ := strings.Cut(string(must(os.ReadFile("README.md"))), "```sql\n")
	grants, _, _ = strings.Cut(grants, "```")
	exec1(t, owner, strings.NewReplacer("DATABASE sallyport", "DATABASE "+owner.config.Database, "SCHEMA sallyport", "SCHEMA "+owner.schema, "sallyport.", owner.schema+".", "gate_server", role).Replace(grants))
	own := strings.Replace(address, "sallyport@", role+"@", 1)
	exec1(t, owner, "CREATE ROLE "+role+"_other LOGIN")
	if s, err := open(strings.Replace(address, "sallyport@", role+"_other@", 1)); !refused(err, "42501") {
		t.Errorf("another role of the server connects: %v, %v", s, err)
	}
	h := on(t, "a", own, gate.ApprovalOperator)
	p := must(h.do(write, "1")).Proposal
	must(0, journal.New(opened(t, address), journal.Options{}).Approve(p.ID, p.Digest, alice))
	if res := must(h.do(write, "1")); res.State != gate.StateExecuted {
		t.Errorf("%s", res.State)
	}
	clientword.Of(h.Guard).Saw("", []string{"text of others"})
	if !clientword.Of(h.Guard).Tainted("agent") {
		t.Error("it can't keep what was shown")
	}
	s := opened(t, own)
	must(s.Process())
	for name, sql := range map[string]string{
		"delete an event":  "DELETE FROM %[1]s.event",
		"change an event":  "UPDATE %[1]s.event SET kind = 'x'",
		"empty the table":  "TRUNCATE %[1]s.event",
		"enrol somebody":   "INSERT INTO %[1]s.approver VALUES ('mallory', '')",
		"strike off":       "DELETE FROM %[1]s.approver",
		"replace somebody": "UPDATE %[1]s.approver SET key = ''",
	} {
		err := s.with(func(ctx context.Context, c *pgconn.PgConn) error {
			_, err := c.Exec(ctx, s.sql(sql)).ReadAll()
			return err
		})
		if !refused(err, "42501") {
			t.Errorf("it can %s: %v", name, err)
		}
	}
	if err := s.AddApprover(must(gate.NewSigner("mallory")).Approver()); err == nil {
		t.Error("it can enrol")
	}
}

func TestWhatAnOperationSettledIsKnownOnEveryHost(t *testing.T) {
	address := database.Server(t).State("")
	a, b := on(t, "a", address, gate.ApprovalHost), on(t, "b", address, gate.ApprovalHost)
	settled, report := make(chan bool), make(chan string)
	op := gate.Write("start_job", func(ctx context.Context, in comment) (string, error) {
		gate.Settled(ctx, map[string]string{"jobId": in.Case})
		close(settled)
		return <-report, nil
	}, "Start a job.", gate.Settles)
	first := make(chan error)
	go func() {
		res, err := a.do(op, "1")
		if err == nil && res.Out != "clean" {
			err = fmt.Errorf("%+v", res)
		}
		first <- err
	}()
	<-settled
	again, err := b.do(op, "1")
	for reason(err) == gate.ReasonInFlight { // the note is on its way
		again, err = b.do(op, "1")
	}
	if err != nil || !again.Repeated || string(again.Kept) != `{"jobId":"1"}` {
		t.Errorf("on another host meanwhile: %+v, %v", again, err)
	}
	must(0, journal.New(opened(t, address), journal.Options{}).Freeze("bob", "drill"))
	report <- "clean"
	if err := <-first; err != nil {
		t.Error(err)
	}
}
