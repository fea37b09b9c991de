package main

import (
	"bytes"
	"errors"
	"flag"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestAServerWithoutAGateIsFoundOut(t *testing.T) {
	server := filepath.Join(t.TempDir(), "ungated")
	if runtime.GOOS == "windows" {
		server += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", server, "../../testdata/ungated").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var out bytes.Buffer
	found, err := run(t.Context(), []string{"-server", server, "-fake", "THEHIVE_URL", "-env", "THEHIVE_API_KEY=x", "-threats", "T1,T2,T9", "-era", "2026-07-28"}, &out, &out)
	if err != nil || found == 0 || !strings.Contains(out.String(), "POST /api/v1/case") {
		t.Errorf("%d found, %v\n%s", found, err, &out)
	}
	out.Reset()
	found, err = run(t.Context(), []string{"-server", server, "-fake", "THEHIVE_URL", "-threats", "T14", "-era", "2025-11-25"}, &out, &out)
	if err != nil || found != 0 || !strings.Contains(out.String(), "score 0") {
		t.Errorf("%d found, %v\n%s", found, err, &out)
	}
}

func TestAWrongCommandLineIsNoResult(t *testing.T) {
	for _, args := range [][]string{{}, {"-server", "x", "more"}, {"-server", "x", "-transport", "tcp"}, {"-server", "x", "-reads", "("}, {"-server", "x", "-env", "X"},
		{"-server", "x", "-calls", "none.json"}, {"-server", "/nowhere/server", "-era", "2025-11-25"}, {"-server", "x", "-nonsense"}} {
		var out bytes.Buffer
		if _, err := run(t.Context(), args, &out, &out); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
