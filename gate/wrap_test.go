package gate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

type note struct {
	Text string `json:"text" maxLength:"100"`
}

type other struct {
	Text string `json:"text" maxLength:"100"`
}

func TestARepeatedCallOfAProgramIsATypedErrorBesideTheFirstAnswer(t *testing.T) {
	t.Parallel()
	g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
	n := 0
	add := gate.Wrap(g.Guard, gate.Write("add", func(context.Context, note) (int, error) { n++; return n, nil }, "Add."))
	if out, err := add(t.Context(), note{"a"}); err != nil || out != 1 {
		t.Fatalf("%d, %v", out, err)
	}
	out, err := add(t.Context(), note{"a"})
	var repeated *gate.RepeatedError
	if !errors.Is(err, gate.ErrRepeated) || !errors.As(err, &repeated) || repeated.Out != 1 || repeated.Proposal.ID == "" || out != 1 || n != 1 {
		t.Errorf("%d, %v after %d executions", out, err, n)
	}
}

func TestARepeatedCallOfAnotherProcessIsGivenTheIDs(t *testing.T) {
	t.Parallel()
	type made struct {
		JobID  string   `json:"jobId"`
		JobIDs []string `json:"jobIds"`
		Status string   `json:"status"`
		Key    string   `json:"key"`
		Name   string   `json:"nameOrId"`
	}
	type event struct {
		Event made   `json:"event"`
		Note  string `json:"note"`
	}
	dir, runs := t.TempDir(), 0
	whole := made{JobID: "AZ-1_a", JobIDs: []string{"AZ-1_a", "~12"}, Status: "Waiting", Key: "hunter2", Name: "a text, and no id"}
	process := func() (func(context.Context, note) (made, error), func(context.Context, note) (event, error)) {
		g := gatetest.New(t, func(p *gate.Policy) { p.Approval, p.Dir = gate.ApprovalHost, dir })
		return gate.Wrap(g.Guard, gate.Write("run", func(context.Context, note) (made, error) { runs++; return whole, nil }, "Run.")),
			gate.Wrap(g.Guard, gate.Write("open", func(context.Context, note) (event, error) { runs++; return event{whole, "n"}, nil }, "Open."))
	}
	run, open := process()
	if out, err := run(t.Context(), note{"a"}); err != nil || !cmp.Equal(out, whole) {
		t.Fatalf("%+v, %v", out, err)
	}
	if _, err := open(t.Context(), note{"a"}); err != nil {
		t.Fatal(err)
	}
	run, open = process()
	out, err := run(t.Context(), note{"a"})
	ids := made{JobID: whole.JobID, JobIDs: whole.JobIDs}
	var repeated *gate.RepeatedError
	if !errors.As(err, &repeated) || !cmp.Equal(out, ids) || repeated.Out != nil || string(repeated.Kept) != `{"jobId":"AZ-1_a","jobIds":["AZ-1_a","~12"]}` {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := open(t.Context(), note{"a"}); !errors.Is(err, gate.ErrRepeated) || !cmp.Equal(out, event{Event: ids}) || runs != 2 {
		t.Errorf("%+v, %v after %d runs", out, err, runs)
	}
	journal, err := os.ReadFile(filepath.Join(dir, "journal.jsonl"))
	if err != nil || strings.Contains(string(journal), whole.Key) || strings.Contains(string(journal), whole.Name) {
		t.Errorf("more than the ids in the journal, %v:\n%s", err, journal)
	}
}

func TestTheTypesOfAMethodFindItsOperation(t *testing.T) {
	t.Parallel()
	write := func(context.Context, note) (int, error) { return 0, nil }
	read := func(context.Context, other) (string, error) { return "", nil }
	ops := []gate.Op{gate.Read("read", read, "Read."), gate.Write("write", write, "Write.").Op()} // with types and without
	if r, w := gate.Of(ops, read).Name(), gate.Of(ops, write).Name(); r != "read" || w != "write" {
		t.Errorf("found %q and %q", r, w)
	}
	for name, f := range map[string]func(){
		"none of 2 operations": func() { gate.Of(ops, func(context.Context, int) (int, error) { return 0, nil }) },
		"read and again":       func() { gate.Of(append(ops, gate.Read("again", read, "Read.")), read) },
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(r.(string), name) {
					t.Errorf("%s: %v", name, r)
				}
			}()
			f()
		}()
	}
}

func TestAwaitCallsAgainOnceItIsApproved(t *testing.T) {
	t.Parallel()
	g := gatetest.New(t)
	add := gate.Wrap(g.Guard, gate.Write("add", func(_ context.Context, in note) (string, error) { return in.Text + " added", nil }, "Add."))
	j, err := gate.OpenJournal(g.Dir()) // as another process would
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	told := make(chan string, 3)
	go func() { // an approver that is told what waits
		for p, err := range j.Waiting(ctx) {
			if err != nil {
				t.Error(err)
				return
			}
			told <- p.ID
			switch {
			case strings.Contains(string(p.Input), "never"):
				err = j.Deny(p.ID, "operator", "no")
			default:
				g.Approve(p.ID)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	if out, err := gate.Await(ctx, g.Guard, add, note{"a"}); err != nil || out != "a added" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := gate.Await(ctx, g.Guard, add, note{"never"}); err == nil || out != "" {
		t.Errorf("denied: %q, %v", out, err)
	}
	soon, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	g2 := gatetest.New(t)
	unheard := gate.Wrap(g2.Guard, gate.Write("add", func(context.Context, note) (int, error) { return 1, nil }, "Add."))
	if _, err := gate.Await(soon, g2.Guard, unheard, note{"b"}); !errors.Is(err, gate.ErrPending) {
		t.Errorf("nobody approves: %v", err)
	}
	if n := len(told); n < 2 {
		t.Errorf("told of %d", n)
	}
}
