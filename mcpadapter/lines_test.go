package mcpadapter

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

var messages = []string{
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":[1,"2"]}}}`,
	` { "method" : "ping", "id" : "a\"b\u00e9", "jsonrpc" : "2.0" } `,
	`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
	`{"jsonrpc":"2.0","id":null,"method":"ping"}`,
	`{"jsonrpc":"2.0","id":1.5,"method":"ping"}`, `{"jsonrpc":"2.0","id":-1e3,"method":"ping"}`, `{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}`,
	`{"jsonrpc":"2.0","id":1,"method":"a\/b","extra":{}}`,
	`{"jsonrpc":"2.0","id":1,"id":2,"method":"ping","method":"pong"}`,
	`{"jsonrpc":"2.0","id":1,"Method":"ping","method":"pong","PARAMS":{}}`,
	`{"jsonrpc":"2.0","id":7,"result":{"a":1}}`, `{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"no"}}`,
	`{"jsonrpc":"2.0","id":7,"method":"ping","params":null}`, `{"jsonrpc":"2.0","id":7,"method":null}`, `{"jsonrpc":"2.0","id":7,"method":""}`,
	`{"jsonrpc":"1.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":true,"method":"ping"}`, `{"jsonrpc":"2.0","id":{},"method":"ping"}`,
	`{"id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1}`, `{}`, `[]`, `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, `null`, `1`, `"x"`, `{`, `{"jsonrpc":"2.0","id":1,"method":"ping"}}`, `no JSON`,
}

// encodedAs is a message as JSON, or nothing.
func encodedAs(msg jsonrpc.Message, err error) string {
	if err != nil || msg == nil {
		return ""
	}
	b, err := jsonrpc.EncodeMessage(msg)
	return fmt.Sprintf("%T %s %v", msg, b, err)
}

// FuzzALineIsTheMessageThatTheSDKReads holds message to jsonrpc.DecodeMessage: what it
// takes for a message is that message.
func FuzzALineIsTheMessageThatTheSDKReads(f *testing.F) {
	for _, m := range messages {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, line string) {
		want := encodedAs(jsonrpc.DecodeMessage([]byte(line)))
		got := encodedAs(message([]byte(line)), nil)
		if got != want && (got != "" || json.Valid([]byte(line)) && strings.HasPrefix(strings.TrimSpace(line), "{")) {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	})
}

// What comes in other lines than one a message is for the SDK, which reads a batch and
// a message over several lines, and ends the session at what is no JSON. It would at what
// is nested too deep as well.
func TestInputThatIsNotAMessageALineIsReadAsTheSDKReadsIt(t *testing.T) {
	call := func(id int) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"slow","arguments":{}}}`, id)
	}
	deep := func(n int) string {
		return strings.Replace(call(3), `{}`, `{"x":`+strings.Repeat("[", n)+`"]\"["`+strings.Repeat("]", n)+`}`, 1)
	}
	older := strings.Replace(hello, "2025-11-25", "2025-03-26", 1)
	for name, tt := range map[string]struct {
		in       string
		answered int
		fails    bool
	}{
		"lines":                         {call(2) + "\n" + call(3) + "\n", 2, false},
		"lines of another system":       {call(2) + "\r\n\r\n" + call(3) + "\r\n", 2, false},
		"no end of the last line":       {call(2) + "\n\n  \n" + call(3), 2, false},
		"a batch between":               {call(2) + "\n[" + call(3) + "," + call(4) + "]\n" + call(5) + "\n", 4, false},
		"a message over several lines":  {call(2) + "\n" + strings.ReplaceAll(call(3), ",", ",\n") + "\n" + call(4) + "\n", 3, false},
		"two messages in a line":        {call(2) + "\n" + call(3) + call(4) + "\n", 1, true},
		"no JSON":                       {call(2) + "\nno JSON\n" + call(3) + "\n", 1, true},
		"a message of no version":       {call(2) + "\n" + `{"id":3,"method":"ping"}` + "\n" + call(4) + "\n", 1, true},
		"a line too deep for JSON":      {call(2) + "\n" + deep(10_001) + "\n" + call(4) + "\n", 3, false},
		"a deep line behind a batch":    {"[" + call(2) + "]\n" + deep(1001) + "\n" + call(4) + "\n" + strings.ReplaceAll(deep(1001), ",", ",\n") + "\n" + call(5) + "\n", 5, false},
		"a deep batch":                  {call(2) + "\n[" + deep(1001) + "]\n" + call(4) + "\n", 3, false},
		"a deep answer behind a batch":  {"[" + call(2) + "]\n" + `{"jsonrpc":"2.0","id":9,"result":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + "}\n" + call(4) + "\n", 3, false},
		"a line longer than its buffer": {strings.Replace(call(2), `{}`, `{"x":"`+strings.Repeat("x", 100_000)+`"}`, 1) + "\n" + call(3) + "\n", 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w := io.Pipe()
			got := make(chan string)
			go func() {
				b, _ := io.ReadAll(r) //nolint:errcheck // what has come counts
				got <- string(b)
			}()
			err := slowServer(t, 0, "").serve(t.Context(), io.NopCloser(strings.NewReader(older+tt.in)), nopCloser{w}, time.Minute)
			_ = w.Close()
			out := <-got
			if n := strings.Count(out, `"jsonrpc"`) - 1; n != tt.answered || (err != nil) != tt.fails {
				t.Errorf("%d answers, want %d; %v\n%.2000s", n, tt.answered, err, out)
			}
		})
	}
}

func TestAnAnswerIsWrittenAsTheSDKWritesIt(t *testing.T) {
	for _, id := range []any{7.0, "seven \"7\"", nil} {
		for _, res := range []*jsonrpc.Response{{Result: json.RawMessage(`{"a":"<b> é"}`)}, {Error: fmt.Errorf("failed")}, {}} {
			res.ID, _ = jsonrpc.MakeID(id)
			want, err := jsonrpc.EncodeMessage(res)
			if err != nil {
				t.Fatal(err)
			}
			got, err := encoded(res)
			if diff := cmp.Diff(string(want), string(got)); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
	}
}
