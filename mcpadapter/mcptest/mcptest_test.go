package mcptest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

// recorder is a test that fails without failing.
type recorder struct {
	testing.TB
	errs []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errs = append(r.errs, fmt.Sprintf(format, args...))
}

type written struct {
	N int `json:"n"`
}

func ops() []gate.Op {
	count := func(context.Context, struct{}) (map[string]int, error) { return map[string]int{"a": 1}, nil }
	return []gate.Op{gate.Read("count", count, "Count.")}
}

func TestGoldenFailsForAMissingFileAndForAnOrphan(t *testing.T) {
	if mcptest.Updating() {
		t.Skip("with -update nothing is missing")
	}
	dir := filepath.Join(t.TempDir(), "tools")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "old.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	mcptest.Golden(r, dir, mcptest.Connect(t, mcptest.Guard(t), ops()...))
	got := strings.Join(r.errs, "\n")
	if len(r.errs) != 2 || !strings.Contains(got, "count.json") || !strings.Contains(got, "old.json belongs to no tool") {
		t.Errorf("errors:\n%s", got)
	}
}

func TestCallAndApprove(t *testing.T) {
	runs := 0
	write := func(context.Context, struct{}) (written, error) { runs++; return written{N: runs}, nil }
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, gate.Write("write", write, "Write."))
	var a struct {
		Status, Proposal string
		Result           written
	}
	mcptest.Structured(t, mcptest.Call(t, cs, "write", nil), &a)
	mcptest.Approve(t, g, a.Proposal)
	mcptest.Structured(t, mcptest.Call(t, cs, "write", "{}"), &a)
	if a.Status != "executed" || a.Result.N != 1 || runs != 1 {
		t.Errorf("answer %+v after %d runs", a, runs)
	}
}
