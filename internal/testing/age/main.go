// Command age measures what the age of a journal costs: how much CPU and memory it takes
// to look at it, to propose, to verify and to freeze, where there are so many events
// already, and how long eight servers take that are started together.
//
//	go run ./internal/testing/age
//	go run ./internal/testing/age -vs ../old -events 1000,20000,200000,1000000
//
// With -vs the programs of another tree are measured beside those of this one, each on a
// journal that its own code has written, in turn. A million events take some minutes and
// half a gigabyte in TMPDIR, which may be in memory.
//
// Where an event cost 32 µs of each start, on two busy cores (here, before, times less):
//
//	 events  what                      CPU      CPU before  times  MB    MB before
//	  1,000  gate status               19 ms    32 ms         1.7  14.4       15.6
//	  1,000  a server that proposes    38 ms    43 ms         1.1  21.9       21.6
//	  1,000  gate verify              7.3 ms    14 ms         1.9  12.5       14.4
//	  1,000  gate freeze               20 ms    32 ms         1.6  14.8       15.0
//	 20,000  gate status              9.6 ms    592 ms         62  12.5       26.9
//	 20,000  a server that proposes    29 ms    629 ms         22  21.5       32.9
//	 20,000  eight servers at once    662 ms    10.3 s         16  21.2       32.9
//	 20,000  gate verify               48 ms    191 ms        4.0  17.9       17.8
//	 20,000  gate freeze              8.7 ms    602 ms         69  12.7       27.9
//	200,000  gate status               11 ms    6.30 s        576  12.9      161.4
//	200,000  a server that proposes    31 ms    6.51 s        214  22.1      177.8
//	200,000  eight servers at once    263 ms    69.0 s        263  21.0      159.9
//	200,000  gate verify              470 ms    2.02 s        4.3  18.5       21.8
//	200,000  gate freeze               12 ms    6.61 s        552  13.3      156.4
//
// One of the eight gave up before, after a minute; what is shown of them is the time on
// the clock until the last was ready.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "age:", err)
		os.Exit(1)
	}
}

// A tree is a working tree with its programs.
type tree struct {
	root, bin string
}

// A cost is what one run took.
type cost struct {
	cpu, wall time.Duration
	bytes     int64 // the most that was resident
	failed    int   // processes of those that were started together
}

func run() error {
	vs := flag.String("vs", "", "another `tree` to measure beside this one")
	sizes := flag.String("events", "1000,20000,200000", "how many `events` the journals have")
	runs := flag.Int("runs", 3, "how often each is measured; the median is shown")
	flag.Parse()
	dir, err := os.MkdirTemp("", "age-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	roots := []string{"."}
	if *vs != "" {
		roots = append(roots, *vs)
	}
	var trees []*tree
	for i, root := range roots {
		t := &tree{root, filepath.Join(dir, fmt.Sprint("bin", i))}
		if err := t.build(); err != nil {
			return err
		}
		trees = append(trees, t)
	}
	env, stop, err := trees[0].lab()
	if err != nil {
		return err
	}
	defer stop()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	head := "events\twhat\tCPU\tMB\t"
	if len(trees) > 1 {
		head += "CPU of the other\tMB\ttimes less CPU\t"
	}
	fmt.Fprintln(w, head)
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			return fmt.Errorf("-events: %w", err)
		}
		var states []string
		for i, t := range trees {
			state := filepath.Join(dir, fmt.Sprint("state", i, "-", n))
			if err := t.write(state, n); err != nil {
				return err
			}
			states = append(states, state)
		}
		for _, what := range measured {
			costs := make([][]cost, len(trees))
			n0 := max(*runs, 1)
			if what.once {
				n0 = 1
			}
			for range n0 {
				for i, t := range trees {
					c, err := what.do(t, states[i], env)
					if err != nil {
						return fmt.Errorf("%s of %d events in %s: %w", what.name, n, t.root, err)
					}
					costs[i] = append(costs[i], c)
				}
			}
			fmt.Fprintf(w, "%d\t%s\t", n, what.name)
			var cpu []time.Duration
			for _, of := range costs {
				c := median(of)
				cpu = append(cpu, c.cpu)
				failed := ""
				if c.failed > 0 {
					failed = fmt.Sprintf(", %d gave up", c.failed)
				}
				fmt.Fprintf(w, "%s%s\t%.1f\t", c.cpu.Round(100*time.Microsecond), failed, float64(c.bytes)/1e6)
			}
			if len(cpu) > 1 {
				fmt.Fprintf(w, "%.1f\t", float64(cpu[1])/float64(cpu[0]))
			}
			fmt.Fprintln(w)
			w.Flush()
		}
		for _, state := range states {
			os.RemoveAll(state)
		}
	}
	return nil
}

func median(list []cost) cost {
	slices.SortFunc(list, func(a, b cost) int { return cmp.Compare(a.cpu, b.cpu) })
	return list[len(list)/2]
}

// build builds the programs of a tree, and one that writes journals, which is laid over it.
func (t *tree) build() error {
	if err := os.MkdirAll(t.bin, 0o700); err != nil {
		return err
	}
	source, err := filepath.Abs(filepath.Join("internal", "testing", "age", "testdata", "main.go"))
	if err != nil {
		return err
	}
	root, err := filepath.Abs(t.root)
	if err != nil {
		return err
	}
	overlay := filepath.Join(t.bin, "overlay.json")
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "gate", "cmd", "age", "main.go"): source}})
	if err == nil {
		err = os.WriteFile(overlay, b, 0o600)
	}
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-overlay", overlay, "-o", t.bin+string(filepath.Separator), "./gate/cmd/gate", "./gate/cmd/age", "./examples/thehive-mcp", "./examples/soc-lab")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", t.root, err, out)
	}
	return nil
}

// lab starts the simulation and returns the environment that leads to it. It is another
// process: what this one has resident counts for each that it starts.
func (t *tree) lab() (env []string, stop func(), err error) {
	cmd := exec.Command(filepath.Join(t.bin, "soc-lab"))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // killed
	}
	env = os.Environ()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		kv, ok := strings.CutPrefix(lines.Text(), "export ")
		if !ok {
			continue
		}
		if env = append(env, kv); strings.HasPrefix(kv, "MISP_API_KEY=") {
			return env, stop, nil
		}
	}
	stop()
	return nil, nil, errors.New("soc-lab doesn't say where it is")
}

// write writes a journal of about n events.
func (t *tree) write(state string, n int) error {
	out, err := exec.Command(filepath.Join(t.bin, "age"), state, strconv.Itoa(n)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("writing %d events in %s: %w\n%s", n, t.root, err, out)
	}
	return nil
}

// program runs a program of a tree on a state.
func (t *tree) program(state string, env []string, name string, args ...string) (cost, error) {
	cmd := exec.Command(filepath.Join(t.bin, name), args...)
	cmd.Env = append(env, "SALLYPORT_STATE="+state)
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("pending")) { // what waits is said so by the exit code too
		return cost{wall: time.Since(begun)}, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	p := cmd.ProcessState
	return cost{cpu: p.UserTime() + p.SystemTime(), wall: time.Since(begun), bytes: resident(p)}, nil
}

var proposals int

// propose has a server propose a call that was never made before, which isn't an error.
func propose(t *tree, state string, env []string, n int) (cost, error) {
	return t.program(state, env, "thehive-mcp", "call", "thehive_create_comment", "caseId=2", fmt.Sprintf("message=note %d", n))
}

// measured is done in this order: nothing can be proposed after a freeze.
var measured = []struct {
	name string
	do   func(t *tree, state string, env []string) (cost, error)
	once bool // it takes long
}{
	{"begin alone (gate help)", command("gate", "help"), false},
	{"gate status", command("gate", "status"), false},
	{"a server that reads", command("thehive-mcp", "call", "thehive_get_case", "caseId=2"), false},
	{"a server that proposes", func(t *tree, state string, env []string) (cost, error) {
		proposals++
		return propose(t, state, env, proposals)
	}, false},
	{"eight servers at once, until the last", eight, true},
	{"gate verify", command("gate", "verify"), false},
	{"a freeze, until a running server refuses", reach, true},
	{"gate freeze", command("gate", "freeze"), false},
}

// reach has a server propose, freezes all writes, and lets the server propose on. What it
// takes as CPU is the time from the end of the command until the first refusal.
func reach(t *tree, state string, env []string) (took cost, err error) {
	server := exec.Command(filepath.Join(t.bin, "thehive-mcp"))
	server.Env = append(env, "SALLYPORT_STATE="+state)
	in, err1 := server.StdinPipe()
	out, err2 := server.StdoutPipe()
	if err := errors.Join(err1, err2, server.Start()); err != nil {
		return cost{}, err
	}
	defer func() {
		in.Close()
		server.Wait() //nolint:errcheck // its answers have been read
		took.bytes = resident(server.ProcessState)
	}()
	answers := bufio.NewReader(out)
	call := func() (string, error) {
		proposals++
		fmt.Fprintf(in, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"thehive_create_comment","arguments":{"caseId":"2","message":"note %d"}}}`+"\n", proposals)
		return answers.ReadString('\n')
	}
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"age","version":"1"}}}`)
	if _, err := answers.ReadString('\n'); err != nil {
		return cost{}, err
	}
	fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	if answer, err := call(); err != nil || strings.Contains(answer, "frozen") {
		return cost{}, fmt.Errorf("before the freeze: %s %w", answer, err)
	}
	if _, err := t.program(state, env, "gate", "freeze"); err != nil {
		return cost{}, err
	}
	for frozen := time.Now(); ; {
		answer, err := call()
		if took.cpu = time.Since(frozen); err != nil || strings.Contains(answer, "frozen") {
			return took, err
		}
		if took.cpu > time.Minute {
			return took, errors.New("a running server goes on after a freeze")
		}
	}
}

func command(name string, args ...string) func(*tree, string, []string) (cost, error) {
	return func(t *tree, state string, env []string) (cost, error) { return t.program(state, env, name, args...) }
}

// eight has eight servers propose the same at once. What it takes as CPU is the time
// until the last one has.
func eight(t *tree, state string, env []string) (cost, error) {
	proposals++
	n := proposals
	costs, errs := make([]cost, 8), make([]error, 8)
	var wg sync.WaitGroup
	for i := range costs {
		wg.Go(func() { costs[i], errs[i] = propose(t, state, env, n) })
	}
	wg.Wait()
	last := slices.MaxFunc(costs, func(a, b cost) int { return cmp.Compare(a.wall, b.wall) })
	together := cost{cpu: last.wall, bytes: last.bytes}
	for _, err := range errs {
		if err != nil {
			together.failed++
		}
	}
	return together, nil
}
