package examples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestAnotherModuleGatesAndServesItsOwnFunction builds testdata/firewall as a
// module of its own, as a user would write it, and speaks to it.
func TestAnotherModuleGatesAndServesItsOwnFunction(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join("testdata", "firewall", "main.go.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), "\n"); n >= 40 {
		t.Errorf("the program has %d lines, want under 40", n)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.go", source)
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, requires, _ := strings.Cut(string(ours), "\n\n")
	write("go.mod", fmt.Appendf(nil, "module example.com/firewall\n\n%s\nrequire github.com/sallyport-soc/sallyport v0.0.0\nreplace github.com/sallyport-soc/sallyport => %s\n", requires, root))
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", sums)
	build := exec.Command("go", "build", "-mod=mod", "-o", "firewall-mcp", ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}

	all, err := bin()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, bin: dir, state: t.TempDir(), home: t.TempDir(), sessions: map[string]*mcp.ClientSession{}}
	s.env = []string{"SALLYPORT_STATE=" + s.state, "HOME=" + s.home}
	operator := &site{t: t, bin: all, env: s.env}
	operator.gate("init", "-name", "operator", "-no-passphrase")

	args := map[string]any{"ip": "198.51.100.23"}
	first := s.call("firewall-mcp", "fw_block", args)
	if first.content["status"] != "pending" {
		t.Fatalf("before approval: %s", first.text)
	}
	id, digest := fmt.Sprint(first.content["proposal"]), fmt.Sprint(first.content["digest"])
	operator.gate("approve", "-code", digest[:6], id)
	if r := s.call("firewall-mcp", "fw_block", json.RawMessage(`{"ip":"198.51.100.24"}`)); r.content["status"] != "pending" {
		t.Errorf("another address under the same approval: %s", r.text)
	}
	if r := s.call("firewall-mcp", "fw_block", args); r.content["status"] != "executed" {
		t.Errorf("after approval: %s", r.text)
	}
}
