package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcphttp"
)

type shelf struct{ fail error }

type book struct {
	Name  string `json:"name" untrusted:"true"`
	Pages int    `json:"pages"`
}

type findInput struct {
	Words []string `json:"words,omitempty" jsonschema:"Words in the name."`
	Limit int      `json:"limit,omitempty" minimum:"1" maximum:"9"`
}

type booksOut struct {
	Total int    `json:"total"`
	Books []book `json:"books"`
}

type addInput struct {
	Name string `json:"name"`
}

func (s *shelf) find(_ context.Context, in findInput) (*booksOut, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	out := &booksOut{Total: 2}
	for _, w := range in.Words {
		out.Books = append(out.Books, book{w + "\x1b[2J\u202e", 7})
	}
	return out, nil
}

func (s *shelf) add(context.Context, addInput) (*book, error) { return &book{}, nil }

func (s *shelf) Ops() []gate.Op {
	return []gate.Op{
		gate.Read("shelf_find_books", s.find, "Find books."),
		gate.Write("shelf_add_card", s.add, "Add a card."),
	}
}

func (s *shelf) Resources() []gate.Resource {
	return []gate.Resource{{URI: "shelf://books", Name: "Books", Doc: "All books.", Op: s.Ops()[0], In: new(findInput)}}
}

func (s *shelf) Prompts() []gate.Prompt {
	return []gate.Prompt{{Name: "advise", Doc: "Advise.", Text: func(map[string]string) (string, error) { return "Advise.", nil }}}
}

func server(s *shelf, err error) command.Server {
	return command.Server{Name: "shelf-mcp", Doc: "A shelf.", Check: []string{"shelf_find_books"},
		Toolsets: []command.Toolset{{Name: "books", Match: `book`}},
		Open:     func(*gate.Guard, *slog.Logger) ([]command.Client, error) { return []command.Client{s}, err }}
}

func run(t *testing.T, s command.Server, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("SALLYPORT_STATE", t.TempDir())
	nothing(t)
	var out, errs bytes.Buffer
	code = command.Run(t.Context(), s, args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// nothing is the standard input and output until the test ends: serving closes them.
func nothing(t *testing.T) {
	t.Helper()
	in, out := os.Stdin, os.Stdout
	t.Cleanup(func() { os.Stdin, os.Stdout = in, out })
	for _, f := range []**os.File{&os.Stdin, &os.Stdout} {
		null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = null.Close() })
		*f = null
	}
}

func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		args         string
		code         int
		stdout, errs string // what is in them
	}{
		{"-version", 0, "shelf-mcp ", ""},
		{"-help", 0, "-read-only", ""},
		{"-h", 0, "Toolsets: books, other", ""},
		{"help", 0, "call NAME", ""},
		{"-nonsense", 2, "", "not defined"},
		{"nonsense", 2, "", `"nonsense" is not a command`},
		{"tools", 0, "shelf_find_books  read   books", ""},
		{"tools -names", 0, "shelf_find_books\nshelf_add_card\n", ""},
		{"tools -json", 0, `"inputSchema"`, ""},
		{"tools -xml", 2, "", "want tools"},
		{"-toolsets books tools -names", 0, "shelf_find_books\n", ""},
		{"-toolsets nope tools", 2, "", "want some of books, other"},
		{"-read-only tools -names", 0, "shelf_find_books\n", ""},
		{"call", 2, "", "want call NAME"},
		{"call nope", 2, "", "there is no tool"},
		{"call shelf_find_books words", 2, "", "want key=value"},
		{"call shelf_find_books words:={", 2, "", "not JSON"},
		{"call shelf_find_books limit=77", 2, "", "limit: want an integer from 1 to 9"},
		{"call shelf_find_books words=a words=b limit=3", 0, `a\u001b[2J\u202e`, ""},
		{"call shelf_find_books words:=[\"a\"] -json", 0, `"pages": 7`, ""},
		{"call shelf_add_card name=x", 1, "pending", ""},
		{"-read-only call shelf_add_card name=x", 2, "", "there is no tool"},
		{"-dynamic call shelf_find_books words=a", 0, "PAGES", ""},
		{"-dynamic tools -json", 0, "call_tool", ""},
		{"call gate_status", 0, "approval", ""},
		{"check", 0, "WARN  gate approvers: no approver is enrolled", ""},
		{"-dynamic check", 0, "ok    shelf_find_books", ""},
		{"-log loud tools", 2, "", "want text, json, debug or off"},
		{"completion bash", 0, "complete -F _shelf_mcp shelf-mcp", ""},
		{"completion zsh", 0, "#compdef shelf-mcp", ""},
		{"completion fish", 0, "complete -c shelf-mcp", ""},
		{"completion dos", 2, "", "bash|zsh|fish"},
		{"token", 2, "", "want token USER"},
		{"-tls-cert x", 2, "", "go with -http"},
		{"-http 127.0.0.1:0 -tls-cert x", 2, "", "go together"},
		{"-http 127.0.0.1:0 -tokens /nowhere", 2, "", "tokens:"},
		{"-http 0.0.0.0:0", 1, "", "tokens (-tokens or SALLYPORT_HTTP_TOKENS) and a TLS certificate (-tls-cert with -tls-key) are needed"},
		{"serve now", 2, "", "takes no arguments"},
		{"serve", 0, "", ""}, // the input ends at once
	} {
		code, out, errs := run(t, server(new(shelf), nil), strings.Fields(tt.args)...)
		if code != tt.code || !strings.Contains(out, tt.stdout) || !strings.Contains(errs, tt.errs) {
			t.Errorf("%s: exit %d, want %d\nstdout: %s\nstderr: %s", tt.args, code, tt.code, out, errs)
		}
		if strings.ContainsAny(out+errs, "\x1b\u202e") {
			t.Errorf("%s prints what a terminal obeys: %q", tt.args, out+errs)
		}
	}
}

func TestAFailureIsExitOne(t *testing.T) {
	s := &shelf{fail: errors.New("the shelf fell over\x1b[2J")}
	for _, args := range [][]string{{"call", "shelf_find_books"}, {"check"}} {
		code, out, errs := run(t, server(s, nil), args...)
		if code != 1 || !strings.Contains(out+errs, "fell over") || strings.Contains(out+errs, "\x1b") {
			t.Errorf("%v: exit %d, %s%s", args, code, out, errs)
		}
	}
}

func TestAWrongConfigurationIsExitTwo(t *testing.T) {
	s := server(nil, errors.New("SHELF_URL is not set\nSHELF_KEY is not set"))
	for _, args := range [][]string{nil, {"tools"}, {"call", "x"}, {"check"}} {
		code, out, errs := run(t, s, args...)
		if code != 2 || !strings.Contains(out+errs, "SHELF_URL is not set") || !strings.Contains(out+errs, "SHELF_KEY is not set") {
			t.Errorf("%v: exit %d, %s%s", args, code, out, errs)
		}
	}
}

func TestATokenOpensItsLine(t *testing.T) {
	code, out, errs := run(t, server(new(shelf), nil), "token", "alice")
	if code != 0 {
		t.Fatal(code)
	}
	line := mcphttp.TokenLine(strings.TrimSpace(out), "alice")
	if !strings.Contains(errs, line) {
		t.Errorf("the line of %s is not in %s", out, errs)
	}
	if code, _, _ := run(t, server(new(shelf), nil), "token", "alice smith"); code != 2 {
		t.Errorf("a name with a space: exit %d", code)
	}
}

// TestTheTokensVariableIsNotTheGates shows that the gate, which refuses
// variables it doesn't know, doesn't see it.
func TestTheTokensVariableIsNotTheGates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(mcphttp.TokenLine("a-token-of-twenty-and-more", "alice")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SALLYPORT_HTTP_TOKENS", file)
	if code, _, errs := run(t, server(new(shelf), nil), "tools"); code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestPromptsOfOneNameAreKeptApart(t *testing.T) {
	s := server(nil, nil)
	s.Open = func(*gate.Guard, *slog.Logger) ([]command.Client, error) {
		return []command.Client{prompter("a"), prompter("b")}, nil
	}
	// The command speaks for itself; what it serves is asked for over stdio.
	in := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"prompts/list"}
`
	got := overStdio(t, s, in)
	if !strings.Contains(got, `"name":"advise"`) || !strings.Contains(got, `"name":"b-advise"`) {
		t.Errorf("prompts: %s", got)
	}
}

type prompter string

func (p prompter) Ops() []gate.Op {
	return []gate.Op{gate.Read(string(p)+"_get", func(context.Context, struct{}) (string, error) { return "", nil }, "Get.")}
}

func (p prompter) Prompts() []gate.Prompt { return new(shelf).Prompts() }

// overStdio runs the server with in as its standard input, and returns what it
// writes. All of it is the protocol.
func overStdio(t *testing.T, s command.Server, in string, args ...string) string {
	t.Helper()
	t.Setenv("SALLYPORT_STATE", t.TempDir())
	oldIn, oldOut := os.Stdin, os.Stdout
	defer func() { os.Stdin, os.Stdout = oldIn, oldOut }()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in"), []byte(in), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if os.Stdin, err = os.Open(filepath.Join(dir, "in")); err != nil {
		t.Fatal(err)
	}
	if os.Stdout, err = os.Create(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	if code := command.Run(t.Context(), s, append([]string{"-log", "json"}, args...), os.Stdin, os.Stdout, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	os.Stdin.Close()
	os.Stdout.Close()
	b, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not the protocol: %s", line)
		}
	}
	return string(b)
}
