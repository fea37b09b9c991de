// Package python runs the vendors' Python clients against the fakes.
package python

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// An Environment is one of Python's, in a folder of the test.
type Environment struct {
	Dir    string
	Python string // the interpreter
	t      *testing.T
}

// Open makes an environment with packages, each pinned. It skips the test where
// there is no python3 or no registry, and in a short run.
func Open(t *testing.T, packages ...string) *Environment {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: it installs Python packages")
	}
	dir, err := os.MkdirTemp("", "python")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what a killed program started may still write there
	e := &Environment{Dir: dir, Python: filepath.Join(dir, "venv", "bin", "python"), t: t}
	if out, err := e.Run(5*time.Minute, "python3", "-m", "venv", "venv"); err != nil {
		t.Skipf("skipped: there is no python3 with venv: %v %s", err, out)
	}
	e.Pip(append([]string{"install"}, packages...)...)
	return e
}

// Run runs a program in the environment's folder and returns what it says.
func (e *Environment) Run(timeout time.Duration, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(e.t.Context(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = e.Dir
	cmd.WaitDelay = 10 * time.Second // what it started holds its output open
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Pip fetches what the test can't run without, or skips it.
func (e *Environment) Pip(args ...string) {
	e.t.Helper()
	pip := []string{"-m", "pip", "--disable-pip-version-check", "--timeout", "15", "--retries", "1", "--quiet"}
	if out, err := e.Run(5*time.Minute, e.Python, append(pip, args...)...); err != nil {
		e.t.Skipf("skipped: pip %v: %v %s", args, err, out)
	}
}
