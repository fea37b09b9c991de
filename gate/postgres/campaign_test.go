package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
)

// What makes the test binary a process that spends approvals.
const (
	childState = "POSTGRES_TEST_STATE"
	childHost  = "POSTGRES_TEST_HOST"
	childCalls = "POSTGRES_TEST_CALLS"
	childPace  = "POSTGRES_TEST_PACE" // milliseconds between calls, twice their mean
	atOnce     = 4                    // calls of one process
)

var boundless = gate.Policy{Max: gate.TierDestructive,
	Budget:  gate.Budget{Writes: -1, Destructive: -1, Proposals: -1, Pending: -1},
	Breaker: gate.Breaker{Burst: -1, Denials: -1, Unknowns: -1}}

// spendAll makes all calls, in an order of its own, until each is decided.
func spendAll(address string) {
	alone := make(chan struct{}) // whoever started this has ended, or has seen enough
	done := false
	var mu sync.Mutex
	go func() {
		io.Copy(io.Discard, os.Stdin) //nolint:errcheck // it ends, how doesn't matter
		mu.Lock()
		defer mu.Unlock()
		if !done {
			os.Exit(1)
		}
		close(alone)
	}()
	policy := boundless
	policy.Dir = address
	policy.OpenStore = func(address string) (gate.Store, error) {
		s, err := open(address)
		if err != nil {
			return nil, err
		}
		s.life.boot = os.Getenv(childHost)
		return s, nil
	}
	g := must(gate.New(policy))
	ops := operations(g)
	pace := must(strconv.Atoi(os.Getenv(childPace)))
	var all sync.WaitGroup
	calls := make(chan int)
	for range atOnce {
		all.Go(func() {
			for i := range calls {
				time.Sleep(time.Duration(rand.IntN(pace)) * time.Millisecond)
				for {
					in := comment{strconv.Itoa(i)}
					_, err := ops[i%len(ops)].Do(context.Background(), g, &in)
					if err == nil || reason(err) == gate.ReasonInFlight {
						break
					}
					var r *gate.RefusedError
					if !errors.As(err, &r) || r.Reason != gate.ReasonJournal && !errors.Is(err, gate.ErrJournal) {
						if !errors.Is(err, gate.ErrOutcomeUnknown) && !errors.Is(err, gate.ErrJournal) {
							fmt.Println("ERR", err)
						}
						break
					}
					if !passing(err) {
						fmt.Println("ERR", err, errors.Unwrap(err))
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	for _, i := range rand.Perm(must(strconv.Atoi(os.Getenv(childCalls)))) {
		calls <- i
	}
	close(calls)
	all.Wait()
	mu.Lock()
	done = true
	mu.Unlock()
	fmt.Println("DONE")
	<-alone
	must(0, g.Close())
}

// operations are two: of that of a client with a footprint, which begins while its approval is
// spent, a request counts.
func operations(g *gate.Guard) []gate.Op {
	sent := gate.Endpoint{System: "hive", ID: "addComment", Method: "POST", Path: "/comment", Tier: gate.TierWrite}
	comments := gate.Write("add_comment", func(_ context.Context, in comment) (string, error) {
		fmt.Println("RAN", in.Case)
		return "", nil
	}, "Add a comment.").Op()
	sends := gate.Write("send_comment", func(ctx context.Context, in comment) (string, error) {
		for g.Admit(ctx, sent) != nil { // the journal has to be asked for a freeze
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			time.Sleep(20 * time.Millisecond)
		}
		fmt.Println("RAN", in.Case)
		return "", nil
	}, "Send a comment.").Op()
	gate.Footprint{"send_comment": {"hive addComment"}}.Limit(gate.On(g, "https://hive", sends))
	return []gate.Op{comments, sends}
}

// passing reports whether the journal failed for a reason that passes.
func passing(err error) bool {
	for _, grave := range []string{"changed", "chain", "cut or rewritten", "against the lock", "another history", "clock"} {
		if strings.Contains(fmt.Sprint(err, errors.Unwrap(err)), grave) {
			return false
		}
	}
	return true
}

// A scene is a journal that processes of two hosts go for, and what befalls it.
type scene struct {
	address [2]string // of each host
	blows   []func() error
}

// Processes on two hosts go for the same approvals while processes are killed, the
// database crashes and the network of one host is cut.
func TestAnApprovalIsSpentOnceOverTwoHostsWhateverFails(t *testing.T) {
	server := database.Server(t)
	p := newProxy(t, server.Addr)
	address := server.State("")
	campaign(t, scene{[2]string{address, strings.Replace(address, server.Addr, p.addr(), 1)}, []func() error{
		func() error {
			p.during(func() { time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond) })
			return nil
		},
		func() error { return errors.Join(server.Kill(), server.Restart()) },
	}})
}

// The same in a folder, whose processes are all of one host, and which only they can harm.
func TestAnApprovalIsSpentOnceInAFolderWhoeverIsKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	campaign(t, scene{address: [2]string{dir, dir}})
}

func campaign(t *testing.T, at scene) {
	approvals, processes, blows, pace := 40, 4, 3, 600
	if os.Getenv("CAMPAIGN") != "" { // .ci/campaign sets it
		approvals, processes, blows, pace = 1000, 8, 60, 600
	}
	alice := must(gate.NewSigner("alice"))
	prepare := boundless
	prepare.Dir, prepare.OpenStore = at.address[0], Open
	if journal.IsAddress(prepare.Dir) {
		must(0, opened(t, prepare.Dir).AddApprover(alice.Approver()))
	} else {
		must(0, gate.AddApprover(prepare.Dir, alice.Approver()))
	}
	g := must(gate.New(prepare))
	defer g.Close()
	j := must(g.Journal())
	ops := operations(g)
	for i := range approvals {
		in := comment{strconv.Itoa(i)}
		res := must(ops[i%len(ops)].Do(t.Context(), g, &in))
		must(0, j.Approve(res.Proposal.ID, res.Proposal.Digest, alice))
	}

	var mu sync.Mutex
	ran := map[string]int{}
	var said []string
	running := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(ran)
	}
	var left atomic.Int32 // processes that aren't done
	type child struct {
		cmd *exec.Cmd
		in  io.Closer
		end chan error
	}
	run := func(n int) *child {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childState+"="+at.address[n%2], childHost+"=host"+strconv.Itoa(n%2), childCalls+"="+strconv.Itoa(approvals), childPace+"="+strconv.Itoa(pace))
		c := &child{cmd: cmd, in: must(cmd.StdinPipe()), end: make(chan error, 1)}
		out := must(cmd.StdoutPipe())
		cmd.Stderr = os.Stderr
		must(0, cmd.Start())
		left.Add(1)
		go func() {
			done := false
			for lines := bufio.NewScanner(out); lines.Scan(); {
				mu.Lock()
				switch word, rest, _ := strings.Cut(lines.Text(), " "); word {
				case "RAN":
					ran[rest]++
				case "ERR":
					said = append(said, rest)
				case "DONE":
					done = true
					left.Add(-1)
				}
				mu.Unlock()
			}
			if !done {
				left.Add(-1)
			}
			c.end <- cmd.Wait()
		}()
		return c
	}
	children := make([]*child, processes)
	for n := range children {
		children[n] = run(n)
	}
	killed := 0
	kinds := append([]func() error{func() error {
		n := rand.IntN(processes)
		err := children[n].cmd.Process.Kill()
		<-children[n].end
		killed++
		children[n] = run(n)
		return err
	}}, at.blows...)
	struck := 0
	for ; struck < blows || running() < approvals*9/10; struck++ { // until there is little left to be lost
		if left.Load() == 0 {
			break
		}
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		if err := kinds[struck%len(kinds)](); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d calls had run at the last of %d blows", running(), approvals, struck)
	for start := time.Now(); left.Load() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > 8*time.Minute {
			t.Fatal("they don't come to an end")
		}
	}
	for _, c := range children {
		must(0, c.in.Close())
		if err := <-c.end; err != nil {
			t.Error(err)
		}
	}
	for _, line := range said {
		t.Error(line)
	}
	for id, n := range ran {
		if n != 1 {
			t.Errorf("call %s ran %d times", id, n)
		}
	}
	consumed := map[string]int{}
	for e, err := range j.Events() {
		if must(e, err).Kind == gate.EventConsumed {
			consumed[e.ID]++
		}
	}
	for id, n := range consumed {
		if n != 1 {
			t.Errorf("%s was spent %d times", id, n)
		}
	}
	if len(consumed) != approvals {
		t.Errorf("%d approvals were spent, want %d", len(consumed), approvals)
	}
	r := must(j.Verify(nil, true))
	t.Logf("%d approvals, %d ran, %d processes killed, %d events", approvals, len(ran), killed, r.Events)
	// Each call of one that was killed may have been spent and not begun.
	if len(ran) < approvals-atOnce*killed {
		t.Errorf("only %d of %d ran", len(ran), approvals)
	}
}
