package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestTryShowsAReadAProposalAndItsApproval(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-try"}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, errs.String(), out.String())
	}
	at := 0
	for _, w := range []string{"get_alerts", "level ", "thehive_create_case", "pending, as P-", "types the code", "is approved", "executed: case #", "its chain holds"} {
		i := strings.Index(out.String()[at:], w)
		if i < 0 {
			t.Fatalf("lacks %q after %d:\n%s", w, at, out.String())
		}
		at += i
	}
}

func TestSocLabSaysHowItIsUsed(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-help"}, nil, &out, &errs); code != 0 || !strings.Contains(out.String(), "soc-lab -try") || !strings.Contains(out.String(), "-port") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
	out.Reset()
	if code := run(t.Context(), []string{"-completion", "bash"}, nil, &out, &errs); code != 0 || !strings.Contains(out.String(), "-port") || !strings.Contains(out.String(), "complete -F") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
	for _, args := range [][]string{{"x"}, {"-yes"}, {"-nope"}, {"-completion", "dos"}} {
		if code := run(t.Context(), args, nil, &out, &errs); code != 2 {
			t.Errorf("%v: exit %d, want 2", args, code)
		}
	}
}
