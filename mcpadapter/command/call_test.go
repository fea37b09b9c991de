package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
)

// archive answers what tables are hard to make of.
type archive struct{}

type finding struct {
	Category string    `json:"category"`
	UUID     string    `json:"uuid"`
	Value    string    `json:"value" untrusted:"true"`
	Type     string    `json:"type"`
	ID       string    `json:"id"`
	Event    *dossier  `json:"event,omitempty"`
	Related  []dossier `json:"related,omitempty"`
}

type dossier struct {
	Stamp int64  `json:"stamp"`
	Info  string `json:"info" untrusted:"true"`
	ID    string `json:"id"`
}

type findings struct {
	Zulu     int64     `json:"zulu"`
	Alpha    string    `json:"alpha"`
	Findings []finding `json:"findings"`
}

type lookInput struct {
	Tags  []string `json:"tags,omitempty" jsonschema:"Tags that it has." maxItems:"9"`
	Words string   `json:"words,omitempty" jsonschema:"Words in it."`
	Limit int      `json:"limit,omitempty" jsonschema:"How many." minimum:"1" maximum:"9000"`
	Case  string   `json:"case" jsonschema:"The case."`
}

func (archive) look(_ context.Context, in lookInput) (*findings, error) {
	out := &findings{Zulu: 9007199254740993, Alpha: strings.Join(in.Tags, "+") + in.Words}
	for i := range max(in.Limit, 1) {
		out.Findings = append(out.Findings, finding{Category: "Network", UUID: "11111111-2222", Value: fmt.Sprintf("198.51.100.%d", i), Type: "ip-src",
			ID: fmt.Sprint(i), Event: &dossier{7, "Guessing of passwords", "42"}, Related: []dossier{{8, "A scan", "43"}, {9, "A mail", "44"}}})
	}
	return out, nil
}

func (archive) close(context.Context, lookInput) (*finding, error) { return &finding{}, nil }

func (archive) plan(_ context.Context, in lookInput) (gate.Plan, error) {
	return gate.Plan{Summary: "Close a case.", Targets: []gate.Target{{Kind: "case", ID: in.Case, Name: "A mail with an invoice"}},
		Changes: []gate.Change{gate.Changed("status", "New", "Closed")}}, nil
}

// A packing is a file of bytes beside what is to be known of it.
type packing struct {
	Sum     string `json:"sum"`
	Archive []byte `json:"archive"`
}

func (*packing) Document() (name, mediaType, member string) {
	return "packed.gz", "application/gzip", "archive"
}

func (archive) pack(_ context.Context, in lookInput) (*packing, error) {
	return &packing{"5e1f", bytes.Repeat([]byte("\x1f\x8b\x00\xff"), max(in.Limit, 1))}, nil
}

func (a archive) Ops() []gate.Op {
	return []gate.Op{gate.Read("archive_look", a.look, "Look into the archive."), gate.Read("archive_pack", a.pack, "Pack the archive."), gate.Write("archive_close", a.close, "Close a case.").Plan(a.plan)}
}

func archives() command.Server {
	return command.Server{Name: "archive-mcp", Doc: "An archive.",
		Open: func(*gate.Guard, *slog.Logger) ([]command.Client, error) { return []command.Client{archive{}}, nil }}
}

func TestHelpTellsTheArgumentsOfATool(t *testing.T) {
	const want = `archive_look (read)
Look into the archive.

  archive-mcp call archive_look case=…

ARGUMENT  TYPE          NEEDED  WHAT IT IS
case      text          yes     The case.
limit     integer               How many. At most 9000.
tags      list of text          Tags that it has.
words     text                  Words in it.
`
	for _, args := range []string{"call archive_look -help", "call archive_look -h", "call -help archive_look", "call archive_look case=1 --help", "-dynamic call archive_look -help"} {
		if code, out, errs := run(t, archives(), strings.Fields(args)...); code != 0 || out != want {
			t.Errorf("%s: exit %d\n%s%s", args, code, out, errs)
		}
	}
	if code, out, _ := run(t, archives(), "call", "-help"); code != 0 || !strings.Contains(out, `key:=["a","b"]`) {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, out, _ := run(t, archives(), "call", "gate_status", "-help"); code != 0 || !strings.Contains(out, "wait_seconds") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestFlagsAfterTheToolAreNotTakenForArguments(t *testing.T) {
	code, _, errs := run(t, archives(), "call", "archive_look", "case=1", "-read-only")
	if code != 2 || !strings.Contains(errs, `"-read-only": after call there are -json, -o FILE and -help; all other flags come before it`) {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestOneTextWithCommasIsNoList(t *testing.T) {
	for _, key := range []string{"tags", "Tags"} {
		code, out, errs := run(t, archives(), "call", "archive_look", "case=1", key+"=a, b")
		if want := key + `: a list is wanted, and "a, b" is one text: give ` + key + `:=["a","b"], or ` + key + `=… once for each, or ` + key + `:=["a, b"] if`; code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("exit %d: %s%s", code, out, errs)
		}
	}
	for args, want := range map[string]string{
		"tags=a tags=b":       "a+b",
		`tags:=["a,c","b"]`:   "a,c+b",
		`tags=["a","b"]`:      "a+b",
		"tags=a":              "a",
		"words=a,b":           "a,b", // is text
		"tags=a,c tags=b":     "a,c+b",
		`tags:="a" tags:="b"`: "a+b",
	} {
		code, out, errs := run(t, archives(), append([]string{"call", "archive_look", "case=1"}, strings.Fields(args)...)...)
		if code != 0 || !strings.Contains(out, "alpha  "+want+"\n") {
			t.Errorf("%s: exit %d\n%s%s", args, code, out, errs)
		}
	}
}

func TestArgumentsMayBeOneJSONObject(t *testing.T) {
	code, out, errs := run(t, archives(), "call", "archive_look", `{"case": "1", "tags": ["a,c", "b"], "words": "x{}"}`)
	if code != 0 || !strings.Contains(out, "alpha  a,c+bx{}\n") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if code, out, errs := run(t, archives(), "call", "archive_look", "-json", `{"case":"1","limit":3}`); code != 0 || strings.Count(out, `"stamp": 7`) != 3 {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	for want, args := range map[string][]string{
		`"{case: 1}" is not a JSON object`:       {"{case: 1}"},
		`"case" is given twice`:                  {`{"case":"1","case":"2"}`},
		"want one JSON object alone":             {`{"case":"1"}`, "limit=3"},
		"limit: want an integer from 1 to 9000":  {`{"case":"1","limit":9001}`},
		`want key=value, key:=JSON, or one JSON`: {`[{"case":"1"}]`},
	} {
		if code, out, errs := run(t, archives(), append([]string{"call", "archive_look"}, args...)...); code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q lacks %q: exit %d\n%s%s", args, want, code, out, errs)
		}
	}
}

func TestAFileOfBytesIsWrittenAsBytesWithTheRestOfTheAnswerOnTheScreen(t *testing.T) {
	for _, args := range []string{"call archive_pack case=1 limit=9000 -o", "-max-response 4096 call archive_pack case=1 limit=9000 -o"} {
		file := filepath.Join(t.TempDir(), "packed.gz")
		code, out, errs := run(t, archives(), append(strings.Fields(args), file)...)
		if code != 0 || !strings.Contains(out, "36000 bytes in "+file+"\nsum  5e1f\n") || strings.Contains(out, "archive") {
			t.Errorf("%s: exit %d\n%.500s%s", args, code, out, errs)
		}
		if b, err := os.ReadFile(file); err != nil || !bytes.Equal(b, bytes.Repeat([]byte("\x1f\x8b\x00\xff"), 9000)) {
			t.Errorf("%s: %d bytes, %v", args, len(b), err)
		}
	}
}

func TestACallsAnswerIsWhole(t *testing.T) {
	code, out, errs := run(t, archives(), "call", "archive_look", "case=1", "limit=2000", "-json")
	var v struct {
		Zulu      json.Number
		Findings  []finding
		Truncated any `json:"_truncated"`
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 || len(v.Findings) != 2000 || v.Truncated != nil || v.Zulu != "9007199254740993" {
		t.Errorf("exit %d, %d of 2000, %v, %v, %s, %s", code, len(v.Findings), v.Truncated, err, v.Zulu, errs)
	}
	if strings.Index(out, "zulu") > strings.Index(out, "alpha") {
		t.Error("the members aren't in their order")
	}
	if _, out, _ := run(t, archives(), "-max-response", "4096", "call", "archive_look", "case=1", "limit=2000", "-json"); len(out) > 16<<10 {
		t.Errorf("%d bytes, where 4096 were asked for", len(out))
	}
}

func TestTablesBeginWithWhatSaysWhichItIs(t *testing.T) {
	_, out, _ := run(t, archives(), "call", "archive_look", "case=1")
	const want = `zulu   9007199254740993
alpha  

findings:
ID  VALUE         TYPE    CATEGORY  UUID           EVENT.ID  EVENT.INFO
0   198.51.100.0  ip-src  Network   11111111-2222  42        Guessing of passwords
`
	if out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func TestAPlanReadsAsLinesAndTables(t *testing.T) {
	code, out, _ := run(t, archives(), "call", "archive_close", "case=7")
	const want = `plan:
  summary  Close a case.
  targets:
    ID  NAME                    KIND
    7   A mail with an invoice  case
  changes:
    FIELD   BEFORE  AFTER
    status  New     Closed
`
	if code != 1 || !strings.Contains(out, want) || strings.ContainsAny(out, "{}") {
		t.Errorf("exit %d\n%s\nwant\n%s", code, out, want)
	}
}

func TestAPersonIsShownAnErrorWithoutTheMarksForAnAgent(t *testing.T) {
	code, _, errs := run(t, server(&shelf{fail: fmt.Errorf("the shelf fell over")}, nil), "call", "shelf_find_books")
	if code != 1 || errs != "the shelf fell over\n" {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestResourcesAndPromptsFollowTheToolsets(t *testing.T) {
	in := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"resources/list"}
{"jsonrpc":"2.0","id":3,"method":"prompts/list"}
`
	s := server(new(shelf), nil)
	s.Open = func(*gate.Guard, *slog.Logger) ([]command.Client, error) {
		return []command.Client{new(shelf), prompter("desk")}, nil
	}
	for toolsets, want := range map[string]struct{ books, desk bool }{"books": {true, false}, "other": {false, true}, "books,other": {true, true}} {
		got := overStdio(t, s, in, "-toolsets", toolsets)
		if strings.Contains(got, "shelf://books") != want.books {
			t.Errorf("%s: resources: %s", toolsets, got)
		}
		if toolsets == "books" && strings.Contains(got, "desk-advise") {
			t.Errorf("%s: prompts: %s", toolsets, got)
		}
	}
}

func TestTheNullDeviceIsNoTerminal(t *testing.T) {
	t.Setenv("SALLYPORT_STATE", t.TempDir())
	nothing(t)
	var errs bytes.Buffer
	if code := command.Run(t.Context(), archives(), nil, os.Stdin, os.Stdout, &errs); code != 0 || strings.Contains(errs.String(), "speaks MCP") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestAnAddressThatIsRefusedIsNotWarnedOf(t *testing.T) {
	for _, addr := range []string{"0.0.0.0", "0.0.0.0:0", "[::]:0"} {
		if code, _, errs := run(t, archives(), "-http", addr); code != 1 || strings.Contains(errs, "no tokens") {
			t.Errorf("%s: exit %d: %s", addr, code, errs)
		}
	}
	t.Setenv("SALLYPORT_STATE", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	errs := &warned{stop: cancel}
	if command.Run(ctx, archives(), []string{"-http", "127.0.0.1:0"}, strings.NewReader(""), new(bytes.Buffer), errs); !errs.seen {
		t.Error("no warning of an address that anybody may call")
	}
}

// warned ends a server once it has warned.
type warned struct {
	stop func()
	seen bool
}

func (w *warned) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("no tokens: whoever reaches the address may call")) {
		w.seen = true
		w.stop()
	}
	return len(b), nil
}

// TestAShellIsToldWhatApprovesAndWhatKeepsItFromThat: the same words as check's.
func TestAShellIsToldWhatApprovesAndWhatKeepsItFromThat(t *testing.T) {
	nothing(t)
	for name, tt := range map[string]struct {
		named, usual bool // whether SALLYPORT_STATE names a folder, and whether somebody is enrolled in the usual one
		calls        int
		hindered     string // the part of the gate of which check warns
	}{
		"nobody is enrolled":               {true, false, 1, "approvers"},
		"nobody, in the usual folder":      {false, false, 1, "approvers"},
		"the operator's folder is another": {true, true, 1, "approvers"},
		"as many wait as may":              {false, true, 10, "proposals"},
		"nothing stands in the way":        {false, true, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			usual := filepath.Join(home, "sallyport")
			t.Setenv("XDG_STATE_HOME", home)
			t.Setenv("SALLYPORT_STATE", "")
			place := ""
			if tt.named {
				dir := filepath.Join(home, "named")
				t.Setenv("SALLYPORT_STATE", dir)
				place = " -state " + dir
			}
			if tt.usual {
				s, err := gate.NewSigner("operator")
				if err == nil {
					err = gate.AddApprover(usual, s.Approver())
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			type said struct {
				Proposal, Next string
				Findings       []connect.Finding
			}
			ask := func(args ...string) (s said) {
				var out bytes.Buffer
				command.Run(t.Context(), server(&shelf{}, nil), args, strings.NewReader(""), &out, &out)
				if err := json.Unmarshal(out.Bytes(), &s); err != nil {
					t.Fatalf("%v: %v: %s", args, err, out.String())
				}
				return s
			}
			var call said
			for n := range tt.calls {
				call = ask("call", "shelf_add_card", fmt.Sprint("name=", n), "-json")
			}
			want := "gate approve " + call.Proposal + place + ", then the same command again"
			if tt.hindered != "" {
				i := slices.IndexFunc(ask("check", "-json").Findings, func(f connect.Finding) bool { return f.Of == "gate" && string(f.Leg) == tt.hindered })
				if i < 0 {
					t.Fatalf("check says nothing of %s", tt.hindered)
				}
				f := ask("check", "-json").Findings[i]
				want = f.Message + ": " + f.Advice + "; then " + want
			}
			if call.Next != want {
				t.Errorf("next is\n%s\nwant\n%s", call.Next, want)
			}
		})
	}
}
