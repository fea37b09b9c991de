package mcpadapter

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/outlet"
)

func slowServer(t *testing.T, delay time.Duration, approval gate.Approval) *Server {
	t.Helper()
	g, err := gate.New(gate.Policy{Max: gate.TierWrite, Approval: approval, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	slow := func(ctx context.Context, _ struct{}) (string, error) {
		select {
		case <-time.After(delay):
			return "done", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	s := New(g, Options{Name: "test"})
	write := gate.Write("write", slow, "Write slowly.").Plan(func(context.Context, struct{}) (gate.Plan, error) {
		return gate.Plan{Summary: "Write.", Undo: "Write it back."}, nil
	})
	if err := s.Add(gate.Read("slow", slow, "Be slow."), write); err != nil {
		t.Fatal(err)
	}
	return s
}

const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"pipe","version":"0"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
`

// pipe serves input as "printf … | server" would, and returns the lines of the answer.
func pipe(t *testing.T, s *Server, input string, limit time.Duration) []string {
	t.Helper()
	return talk(t, s, strings.NewReader(input), func(string) {}, limit)
}

// politely is hello with a ping, the answer to which comes when that to hello has.
const politely = hello + `{"jsonrpc":"2.0","id":"greeted","method":"ping"}` + "\n"

// polite is pipe for a client that waits for the answer to its hello.
func polite(t *testing.T, s *Server, input string, limit time.Duration) []string {
	t.Helper()
	in, w := io.Pipe()
	go fmt.Fprint(w, politely)
	return talk(t, s, in, func(line string) {
		if strings.Contains(line, `"greeted"`) {
			go func() {
				fmt.Fprint(w, strings.TrimPrefix(input, hello))
				_ = w.Close()
			}()
		}
	}, limit)
}

type piping func(t *testing.T, s *Server, input string, limit time.Duration) []string

// eitherWay runs test with a client that waits for the answer to its hello, whose calls
// the server serves itself, and with one whose calls the SDK serves.
func eitherWay(t *testing.T, test func(*testing.T, piping)) {
	t.Run("by ourselves", func(t *testing.T) { test(t, polite) })
	t.Run("by the SDK", func(t *testing.T) { test(t, pipe) })
}

// talk serves what in has, and returns the lines of the answer, of which it tells each.
func talk(t *testing.T, s *Server, in io.Reader, tell func(line string), limit time.Duration) []string {
	t.Helper()
	r, w := io.Pipe()
	lines := make(chan []string)
	go func() {
		var got []string
		for sc := bufio.NewScanner(r); sc.Scan(); {
			tell(sc.Text())
			got = append(got, sc.Text())
		}
		lines <- got
	}()
	if err := s.serve(t.Context(), io.NopCloser(in), w, limit); err != nil {
		t.Errorf("serve: %v", err)
	}
	_ = w.Close()
	return <-lines
}

func TestCallsInFlightAreAnsweredWhenTheInputEnds(t *testing.T) {
	eitherWay(t, testInFlight)
}

func testInFlight(t *testing.T, pipe piping) {
	var in strings.Builder
	in.WriteString(hello)
	for id := 2; id < 6; id++ {
		fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"slow","arguments":{}}}`+"\n", id)
	}
	got := strings.Join(pipe(t, slowServer(t, 200*time.Millisecond, ""), in.String(), 10*time.Second), "\n")
	for id := 2; id < 6; id++ {
		if !strings.Contains(got, fmt.Sprintf(`"id":%d,`, id)) {
			t.Errorf("call %d is not answered", id)
		}
	}
	if n := strings.Count(got, `{\"result\":\"done\"}`); n != 4 {
		t.Errorf("%d calls succeeded, want 4:\n%s", n, got)
	}
}

// TestNothingOfACallFollowsItsAnswer: there are clients that start a server for a call,
// end it with the answer, and take the call for a failed one if something comes then.
func TestNothingOfACallFollowsItsAnswer(t *testing.T) {
	g := gatetest.New(t, func(*gate.Policy) {})
	s := New(g.Guard, Options{Name: "test", MaxResponse: 4096})
	long := func(context.Context, struct{}) (string, error) { return strings.Repeat("x", 20000), nil }
	if err := s.Add(gate.Read("long", long, "Be long.")); err != nil {
		t.Fatal(err)
	}
	in, w := io.Pipe()
	go fmt.Fprint(w, politely)
	changed, early := 0, 0
	talk(t, s, in, func(line string) {
		switch {
		case strings.Contains(line, `"greeted"`):
			go fmt.Fprint(w, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"long","arguments":{}}}`+"\n")
		case strings.Contains(line, "list_changed"):
			changed++
		case strings.Contains(line, `"id":2,`):
			early = changed
			go func() {
				time.Sleep(100 * time.Millisecond) // in which the SDK would have told it
				fmt.Fprint(w, `{"jsonrpc":"2.0","id":3,"method":"ping"}`+"\n")
				_ = w.Close()
			}()
		}
	}, time.Minute)
	if early == 0 || changed != early {
		t.Errorf("that there is a resource was told %d times, %d of them before the answer", changed, early)
	}
}

// TestNothingOfACallFollowsItsCancellation: no answer and no progress, but for one that was
// about to be written, though the call goes on until its platform has answered, and none of
// another call is lost.
func TestNothingOfACallFollowsItsCancellation(t *testing.T) {
	for _, tt := range []struct{ id, greeting string }{{"2", ""}, {`"two"`, ""}, {"2", politely}, {`"two"`, politely}} {
		id := tt.id
		g := gatetest.New(t, func(*gate.Policy) {})
		started, release := make(chan struct{}), make(chan struct{})
		s := New(g.Guard, Options{Name: "test", Progress: time.Millisecond})
		wait := func(context.Context, struct{}) (string, error) {
			close(started)
			<-release
			return "done", nil
		}
		quick := func(context.Context, struct{}) (string, error) { return "quick", nil }
		if err := s.Add(gate.Read("wait", wait, "Wait."), gate.Read("quick", quick, "Be quick.")); err != nil {
			t.Fatal(err)
		}
		r, w := io.Pipe()
		back, to := io.Pipe()
		out := outlet.New(to)
		done := make(chan error, 1)
		go func() {
			done <- s.run(t.Context(), r, out, time.Minute)
			_ = to.Close()
		}()
		lines := make(chan string, 1<<20)
		go func() {
			for sc := bufio.NewScanner(back); sc.Scan(); {
				lines <- sc.Text()
			}
			close(lines)
		}()
		until := func(want string) (seen string) {
			for line := range lines {
				if seen += line + "\n"; strings.Contains(line, want) {
					return seen
				}
			}
			t.Errorf("there is no %s in\n%s", want, seen)
			return seen
		}
		greeting := hello
		if tt.greeting != "" {
			go fmt.Fprint(w, tt.greeting)
			until("greeted")
			greeting = ""
		}
		go fmt.Fprint(w, greeting+`{"jsonrpc":"2.0","id":`+id+`,"method":"tools/call","params":{"name":"wait","arguments":{},"_meta":{"progressToken":"of-wait"}}}`+"\n")
		<-started
		until(`"progressToken":"of-wait"`)
		go fmt.Fprint(w, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":`+id+`}}
{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"quick","arguments":{}}}
`)
		until(`"id":3`) // what came before that may have been on its way
		if err := s.line.Load().session.NotifyProgress(t.Context(), &mcp.ProgressNotificationParams{ProgressToken: "of-wait", Message: "it goes on", Progress: 1}); err != nil {
			t.Error(err)
		}
		close(release)
		go fmt.Fprint(w, `{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"quick","arguments":{}}}`+"\n")
		seen := until(`"id":4`)
		_ = w.Close()
		for line := range lines {
			seen += line + "\n"
		}
		if err := <-done; err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		if strings.Count(seen, "of-wait") > 1 || strings.Contains(seen, "it goes on") || strings.Contains(seen, `"id":`+id+`,`) || strings.Contains(seen, "done") {
			t.Errorf("after the cancellation there came\n%s", seen)
		}
		if out.Waiting() > 0 {
			t.Errorf("%d answers are held", out.Waiting())
		}
	}
}

func TestDrainingEnds(t *testing.T) { eitherWay(t, testDraining) }

func testDraining(t *testing.T, pipe piping) {
	start := time.Now()
	in := hello + `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow","arguments":{}}}` + "\n"
	pipe(t, slowServer(t, time.Minute, ""), in, 100*time.Millisecond)
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %s", d)
	}
}

func TestAWriteInFlightIsJournalledWhenTheServerIsStopped(t *testing.T) {
	g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
	started := make(chan struct{})
	s := New(g.Guard, Options{Name: "test"})
	if err := s.Add(gate.Write("write", func(ctx context.Context, _ struct{}) (string, error) {
		close(started)
		<-ctx.Done()
		return "", ctx.Err()
	}, "Write slowly.")); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.serve(ctx, r, nopCloser{io.Discard}, time.Minute)
	}()
	fmt.Fprint(w, hello+`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"write","arguments":{}}}`+"\n")
	<-started
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server doesn't stop")
	}
	j, err := g.Journal()
	if err != nil {
		t.Fatal(err)
	}
	if list, err := j.Tail(1); err != nil || len(list) != 1 || list[0].Kind != gate.EventUnknown {
		t.Errorf("the journal ends with %+v, %v; want an unknown outcome", list, err)
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestASubscriptionDoesNotDelayTheEnd(t *testing.T) {
	start := time.Now()
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"pipe","version":"0"},"io.modelcontextprotocol/clientCapabilities":{}}`
	in := `{"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{` + meta + `,"notifications":{"toolsListChanged":true}}}
{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{` + meta + `,"name":"slow","arguments":{}}}
`
	got := strings.Join(pipe(t, slowServer(t, 50*time.Millisecond, ""), in, 30*time.Second), "\n")
	if !strings.Contains(got, `done`) || time.Since(start) > 10*time.Second {
		t.Errorf("after %s:\n%s", time.Since(start), got)
	}
}

func TestAQuestionNobodyCanAnswerAnyMoreLeavesTheCallPending(t *testing.T) {
	eitherWay(t, testQuestion)
}

func testQuestion(t *testing.T, pipe piping) {
	start := time.Now()
	in := hello + `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"write","arguments":{}}}` + "\n"
	got := strings.Join(pipe(t, slowServer(t, 0, gate.ApprovalClient), in, 30*time.Second), "\n")
	if !strings.Contains(got, "elicitation/create") || !strings.Contains(got, `"status":"pending"`) || time.Since(start) > 10*time.Second {
		t.Errorf("after %s:\n%s", time.Since(start), got)
	}
}

func TestALineThatIsTooLongEndsTheSession(t *testing.T) {
	in := hello + `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow","arguments":{"x":"` + strings.Repeat("x", 2*maxLine) + `"}}}` + "\n"
	r, w := io.Pipe()
	go func() { _, _ = io.Copy(io.Discard, r) }()
	err := slowServer(t, 0, "").serve(t.Context(), io.NopCloser(strings.NewReader(in)), w, time.Second)
	if err == nil {
		t.Error("it was read")
	}
}

func TestCancellingServeEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, _ := io.Pipe()
	out, w := io.Pipe()
	go func() { _, _ = io.Copy(io.Discard, out) }()
	done := make(chan error, 1)
	go func() {
		done <- slowServer(t, 0, "").serve(ctx, in, w, time.Minute)
	}()
	cancel()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("serve goes on")
	}
}

func TestTitles(t *testing.T) {
	for name, want := range map[string]string{
		"thehive_create_case": "TheHive: create case",
		"misp_search_events":  "MISP: search events",
		"mitre_get_technique": "MITRE ATT&CK: get technique",
		"get_alerts":          "Get alerts",
		"gate_status":         "Gate: status",
		"wazuh":               "Wazuh",
	} {
		if got := title(name); got != want {
			t.Errorf("title(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestErrorsAreValidText(t *testing.T) {
	if got := bounded("a\xffb"); got != "a\ufffdb" {
		t.Errorf("%q", got)
	}
	if got := bounded(strings.Repeat("é", 5000)); len(got) > maxErrorText || !strings.HasSuffix(got, "é…") {
		t.Errorf("%d bytes, ends %q", len(got), got[len(got)-6:])
	}
}

// TestAnAnswerOverStdioIsTheSameInBothForms calls a tool that says what its caller
// gave it, in a request each and in a batch.
func TestAnAnswerOverStdioIsTheSameInBothForms(t *testing.T) {
	g, err := gate.New(gate.Policy{Max: gate.TierRead, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	type said struct {
		Text string `json:"text" jsonschema:"What to say."`
	}
	s := New(g, Options{Name: "test"})
	if err := s.Add(gate.Read("say", func(_ context.Context, in said) (said, error) { return in, nil }, "Say.")); err != nil {
		t.Fatal(err)
	}
	texts := []string{`a "quoted" \ <b> & é` + "\n\t\x01\u2028", `"text":"answer-`, strings.Repeat("long ", 3000), "", "x"}
	var in, batch []string
	for i, text := range texts {
		args, err := json.Marshal(said{text})
		if err != nil {
			t.Fatal(err)
		}
		call := `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"say","arguments":` + string(args) + `}}`
		in = append(in, fmt.Sprintf(call, 10+i))
		batch = append(batch, fmt.Sprintf(call, 20+i))
	}
	before := strings.Replace(hello, "2025-11-25", "2025-03-26", 1) // which has batches
	lines := pipe(t, s, before+strings.Join(in, "\n")+"\n["+strings.Join(batch, ",")+"]\n", time.Minute)
	type response struct {
		ID     int
		Result struct {
			Content           []struct{ Text string }
			StructuredContent json.RawMessage
		}
	}
	got := map[int]string{}
	for _, line := range lines {
		var all []response
		if !strings.HasPrefix(line, "[") {
			line = "[" + line + "]"
		}
		if err := json.Unmarshal([]byte(line), &all); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		for _, r := range all {
			if len(r.Result.Content) == 0 {
				continue
			}
			if r.Result.Content[0].Text != string(r.Result.StructuredContent) {
				t.Errorf("call %d has the text\n%s\nand the structured content\n%s", r.ID, r.Result.Content[0].Text, r.Result.StructuredContent)
			}
			var out said
			if err := json.Unmarshal(r.Result.StructuredContent, &out); err != nil {
				t.Fatal(err)
			}
			got[r.ID] = out.Text
		}
	}
	want := map[int]string{}
	for i, text := range texts {
		want[10+i], want[20+i] = text, text
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}
