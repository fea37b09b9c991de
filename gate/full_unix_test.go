//go:build linux || darwin

package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// onAFullDisk is a process that may not make a file larger than it allows
// itself: a write ends in the middle of a line, as on a full disk.
func onAFullDisk(dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	must(0, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
	room := limit.Cur
	bytes := func(n uint64) {
		limit.Cur = n
		must(0, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	}
	w := &world{dir: dir}
	size := func() uint64 { return uint64(must(os.Stat(w.file())).Size()) }

	g := must(New(Policy{Max: TierDestructive, Dir: dir, Budget: boundless, Breaker: unbreakable}))
	j := must(g.Journal())
	runs := 0
	var during func()
	op := Write("add_comment", func(context.Context, comment) (string, error) {
		runs++
		during()
		return "", nil
	}, "Add a comment.")
	call := func(name string, in comment) {
		before := size()
		res, err := op.Do(context.Background(), g, &in)
		state := State("")
		if err == nil {
			state = res.State
		}
		fmt.Printf("%s: runs %d, state %q, reason %q, journal %t, grew %t\n", name, runs, state, reason(err), errors.Is(err, ErrJournal), size() != before)
	}
	during = func() {}
	must(j.Pending())
	bytes(size() + 100) // a proposal and the spending of an approval are longer
	call("no room to propose", comment{Case: "new"})
	call("no room to spend", one)
	bytes(room)
	call("room again", one)
	during = func() { bytes(size() + 100) }
	call("no room for the outcome", comment{Case: "2"})
	bytes(room)
	during = func() {}
	call("asked again", comment{Case: "2"})
	bytes(0)
	err := j.Freeze("alice", "odd traffic")
	fmt.Printf("frozen without room: %t\n", errors.Is(err, ErrJournal) && strings.Contains(err.Error(), "all writes are frozen"))
	call("frozen, still without room", comment{Case: "3"})
	bytes(room)
	call("frozen, room again", comment{Case: "3"})
	r := must(Verify(dir, nil))
	fmt.Printf("%d events\n", r.Events)
}

func TestAFullDiskLosesNothingAndRunsNothing(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	w.approve(op.pending(t, g, one))
	w.approve(op.pending(t, g, comment{Case: "2"}))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFull+"="+w.folder())
	out, err := cmd.CombinedOutput()
	want := `no room to propose: runs 0, state "", reason "journal_failure", journal true, grew false
no room to spend: runs 0, state "", reason "journal_failure", journal true, grew false
room again: runs 1, state "executed", reason "", journal false, grew true
no room for the outcome: runs 2, state "", reason "", journal true, grew true
asked again: runs 2, state "executed", reason "", journal false, grew true
frozen without room: true
frozen, still without room: runs 2, state "", reason "journal_failure", journal true, grew false
frozen, room again: runs 2, state "", reason "frozen", journal false, grew true
11 events
`
	if got := strings.TrimSpace(string(out)); err != nil || got != strings.TrimSpace(want) {
		t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
	}
}
