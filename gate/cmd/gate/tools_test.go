package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
)

// program writes a program that stands for a server's.
func program(t *testing.T, script string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the program of this test is a shell script")
	}
	file := filepath.Join(t.TempDir(), "soc-mcp")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestACallIsMadeAsAPersonMakesIt(t *testing.T) {
	file := program(t, `echo "{\"state\":\"$SALLYPORT_STATE\",\"args\":\"$*\"}"; exit 1`)
	s, err := newTools(t.Context(), file+" -read-only", "/var/lib/sallyport")
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Call(t.Context(), gate.Call{Op: "wazuh_undo_response", Input: []byte(`{"response":"block-address","value":"198.51.100.23","wait":60}`)})
	want := `{"state":"/var/lib/sallyport","args":"-read-only call wazuh_undo_response response=block-address value=198.51.100.23 wait:=60 -json"}`
	if err != nil || strings.TrimSpace(string(b)) != want {
		t.Errorf("%s, %v", b, err)
	}
}

func TestTheLineOfACallIsOneForAShellWhateverIsInIt(t *testing.T) {
	s := &tools{command: []string{"soc-mcp"}}
	for input, want := range map[string]string{
		`{"value":"198.51.100.23","agents":["007"]}`:     `soc-mcp call undo agents:='["007"]' value=198.51.100.23`,
		`{"tuning_id":119000}`:                           `soc-mcp call undo tuning_id:='119000'`,
		`{"value":"$(reboot)"}`:                          `soc-mcp call undo value:='"$(reboot)"'`,
		`{"value":"a'; reboot; '"}`:                      `soc-mcp call undo value:='"a\u0027; reboot; \u0027"'`,
		"{\"value\":\"caf\u00e9\u202e\U0001F600\"}":      `soc-mcp call undo value:='"caf\u00e9\u202e\ud83d\ude00"'`,
		`{"value":"-o"}`:                                 `soc-mcp call undo value:='"-o"'`,
		`{"value":"a,b","reason":"two words","none":""}`: `soc-mcp call undo none:='""' reason:='"two words"' value:='"a,b"'`,
	} {
		if got := s.Line(gate.Call{Op: "undo", Input: []byte(input)}); got != want {
			t.Errorf("%s:\n got %s\nwant %s", input, got, want)
		}
	}
}

func TestWhatAProgramCannotAnswerIsSaid(t *testing.T) {
	for script, want := range map[string]string{
		"echo 'THEHIVE_URL is missing' >&2; exit 2": "THEHIVE_URL is missing (",
		"echo hello":     "isn't JSON",
		"cat /dev/zero":  "answered more than",
		"exec sleep 600": "no answer in time",
	} {
		s, err := newTools(t.Context(), program(t, script), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if strings.Contains(script, "sleep") {
			cancel()
		}
		if b, err := s.Call(ctx, gate.Call{Op: "soc_handover", Input: []byte(`{}`)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %.80s, %v", script, b, err)
		}
		cancel()
	}
	for _, command := range []string{" ", "no-such-program-here"} {
		if s, err := newTools(t.Context(), command, ""); err == nil {
			t.Errorf("%q is a program: %+v", command, s)
		}
	}
	d := newDesk(t)
	if code, _, stderr := d.gate("serve", "-with", "no-such-program-here"); code != exitFailed || !strings.Contains(stderr, "no-such-program-here") {
		t.Errorf("serve: %d %s", code, stderr)
	}
}

func TestEscapesInALineAreThoseOfJSON(t *testing.T) {
	s := &tools{command: []string{"x"}}
	args, err := s.arguments(gate.Call{Op: "o", Input: []byte(`{"a" : [ "b" , {"c":"\u0027"} ] }`)})
	if diff := cmp.Diff([]string{"call", "o", `a:=["b",{"c":"\u0027"}]`}, args); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
