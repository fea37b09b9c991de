package mcpadapter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
)

// A dialogue is a client that has been greeted and asks one thing after the other.
type dialogue struct {
	t     *testing.T
	w     io.WriteCloser
	sc    *bufio.Scanner
	done  chan error
	bySDK atomic.Int64 // calls of tools that the SDK has served
}

func (d *dialogue) send(line string) {
	d.t.Helper()
	if _, err := fmt.Fprintln(d.w, line); err != nil {
		d.t.Fatal(err)
	}
}

// answer returns the next line.
func (d *dialogue) answer() string {
	d.t.Helper()
	if !d.sc.Scan() {
		d.t.Fatalf("the output ends: %v", d.sc.Err())
	}
	return d.sc.Text()
}

func greet(t *testing.T, ctx context.Context, s *Server) *dialogue {
	t.Helper()
	in, w := io.Pipe()
	out, to := io.Pipe()
	d := &dialogue{t: t, w: w, sc: bufio.NewScanner(out), done: make(chan error, 1)}
	d.sc.Buffer(nil, 1<<20)
	s.mcp.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			if method == "tools/call" {
				d.bySDK.Add(1)
			}
			return next(ctx, method, req)
		}
	})
	go func() {
		d.done <- s.serve(ctx, in, to, time.Minute)
		_ = to.Close()
	}()
	go fmt.Fprint(w, politely)
	for !strings.Contains(d.answer(), "greeted") {
	}
	return d
}

// TestAPlainCallIsAnsweredAsTheSDKAnswersIt asks for everything twice: plainly, and with
// a member beside that has the SDK serve the call.
func TestAPlainCallIsAnsweredAsTheSDKAnswersIt(t *testing.T) {
	for _, dynamic := range []bool{false, true} {
		s := slowServer(t, 0, "")
		s2 := New(s.guard, Options{Name: "test", Dynamic: true})
		if dynamic {
			if err := s2.Add(s.tools["slow"].op, s.tools["write"].op); err != nil {
				t.Fatal(err)
			}
			s = s2
		}
		d := greet(t, t.Context(), s)
		for _, tt := range []struct {
			params string
			plain  bool
		}{
			{`{"name":"slow","arguments":{}`, !dynamic},
			{`{"arguments":{},"name":"slow"`, !dynamic},
			{`{"name":"slow"`, !dynamic},
			{`{"name":"slow","arguments":{"x":1}`, !dynamic},
			{`{"name":"write","arguments":{"reason":"<b> & \"é\""}`, !dynamic},
			{`{"name":"gate_status","arguments":{}`, true},
			{`{"name":"gate_status","arguments":{},"_meta":{"progressToken":7,"of/host":{"a":[1]}}`, true},
			{`{"name":"call_tool","arguments":{"name":"slow"}`, dynamic},
			{`{"name":"slow","arguments":null`, false},
			{`{"name":"slow","arguments":"{}"`, false},
			{`{"name":"sl\u006fw","arguments":{}`, false},
			{`{"name":"slow","name":"slow","arguments":{}`, false},
			{`{"name":"nosuch","arguments":{}`, false},
			{`{"name":7,"arguments":{}`, false},
			{`{"name":"slow","arguments":{},"_meta":[]`, false},
			{`{"arguments":{}`, false},
		} {
			ask := func(params string) (answer map[string]any) {
				d.send(`{"jsonrpc":"2.0","id":"a<b","method":"tools/call","params":` + params + `}`)
				if err := json.Unmarshal([]byte(d.answer()), &answer); err != nil {
					t.Fatal(err)
				}
				return answer
			}
			before := d.bySDK.Load()
			got := ask(tt.params + `}`)
			if plain := d.bySDK.Load() == before && got["error"] == nil; plain != tt.plain {
				t.Errorf("%s: served without the SDK: %t, want %t", tt.params, plain, tt.plain)
			}
			if !tt.plain {
				continue
			}
			if diff := cmp.Diff(ask(tt.params+`,"beside":1}`), got); diff != "" {
				t.Errorf("%s (-by the SDK +plain):\n%s", tt.params, diff)
			}
		}
		_ = d.w.Close()
		if err := <-d.done; err != nil {
			t.Error(err)
		}
	}
}

// held is a server with a tool that waits until it is let go.
func held(t *testing.T) (s *Server, begun chan struct{}, letGo chan struct{}) {
	t.Helper()
	s, begun, letGo = slowServer(t, 0, ""), make(chan struct{}, 9), make(chan struct{})
	hold := func(ctx context.Context, _ struct{}) (string, error) {
		begun <- struct{}{}
		select {
		case <-letGo:
			return "let go", nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	if err := s.Add(gate.Write("hold", hold, "Hold.").ReadWhen(func(struct{}) bool { return true })); err != nil {
		t.Fatal(err)
	}
	return s, begun, letGo
}

const holding = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hold","arguments":{}}}`

func TestASecondCallOfAnIDInUseIsNotServed(t *testing.T) {
	s, begun, letGo := held(t)
	d := greet(t, t.Context(), s)
	d.send(holding)
	<-begun
	d.send(holding)
	d.send(strings.Replace(holding, `"id":2`, `"id":3`, 1))
	<-begun
	close(letGo)
	if a, b := d.answer(), d.answer(); strings.Contains(a, `"id":2`) == strings.Contains(b, `"id":2`) || len(begun) > 0 {
		t.Errorf("answers\n%s\n%s", a, b)
	}
	_ = d.w.Close()
	if d.sc.Scan() {
		t.Errorf("a third answer: %s", d.sc.Text())
	}
}

func TestACallThatComesWhenTheServerStopsIsRefused(t *testing.T) {
	s, begun, letGo := held(t)
	ctx, cancel := context.WithCancel(t.Context())
	d := greet(t, ctx, s)
	d.send(holding)
	<-begun
	cancel()
	for id := 3; ; id++ { // until the server has noticed
		d.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"slow","arguments":{}}}`, id))
		if a := d.answer(); strings.Contains(a, "server is closing") || strings.Contains(a, `"id":2,`) {
			break
		}
	}
	close(letGo)
	for d.sc.Scan() {
	}
	if err := <-d.done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A brokenPipe takes what comes up to the greeting.
type brokenPipe struct {
	io.WriteCloser
	broken atomic.Bool
}

var errBroken = errors.New("broken pipe")

func (p *brokenPipe) Write(b []byte) (int, error) {
	if p.broken.Load() {
		return 0, errBroken
	}
	return p.WriteCloser.Write(b)
}

func TestWhereNothingCanBeWrittenServeEndsAndCallsAreStopped(t *testing.T) {
	s, begun, _ := held(t)
	in, w := io.Pipe()
	out, to := io.Pipe()
	p := &brokenPipe{WriteCloser: to}
	done := make(chan error, 1)
	go func() { done <- s.serve(t.Context(), in, p, time.Minute) }()
	go fmt.Fprint(w, politely)
	for sc := bufio.NewScanner(out); sc.Scan() && !strings.Contains(sc.Text(), "greeted"); {
	}
	fmt.Fprintln(w, holding)
	<-begun
	p.broken.Store(true)
	fmt.Fprintln(w, `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"slow","arguments":{}}}`)
	if err := <-done; !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

// FuzzPlainParamsAreThoseThatTheSDKReads holds plainParams to what the SDK's type says.
func FuzzPlainParamsAreThoseThatTheSDKReads(f *testing.F) {
	for _, p := range []string{`{"name":"a","arguments":{"x":[1]}}`, ` { "arguments" : {} , "name" : "é" , "_meta" : {"progressToken":1.5} } `,
		`{"name":"a","NAME":"b"}`, `{"name":"a","_meta":null}`, `{}`, `{"name":"a","arguments":{}}}`, `null`} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, params string) {
		got := plainParams([]byte(params))
		if got == nil {
			return
		}
		var want mcp.CallToolParamsRaw
		if err := json.Unmarshal([]byte(params), &want); err != nil {
			t.Fatalf("%q: %v", params, err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("%q (-by the SDK's type +plain):\n%s", params, diff)
		}
	})
}

// lateOutput takes its time for an answer.
type lateOutput struct{ io.WriteCloser }

func (o lateOutput) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(`"id":2,`)) {
		time.Sleep(100 * time.Millisecond)
	}
	return o.WriteCloser.Write(b)
}

// TestACallIsLoggedBeforeTheServerEnds: also one that outlasts the time there is for those
// that are under way when the input ends.
func TestACallIsLoggedBeforeTheServerEnds(t *testing.T) {
	s, begun, _ := held(t)
	var log lockedBuffer
	s.opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
	in, w := io.Pipe()
	out, to := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.serve(t.Context(), in, lateOutput{to}, time.Millisecond) }()
	go fmt.Fprint(w, politely)
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "greeted") {
	}
	go func() {
		for lines.Scan() {
		}
	}()
	fmt.Fprintln(w, holding)
	<-begun
	_ = w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := log.String(); !strings.Contains(got, "msg=call tool=hold") {
		t.Errorf("the log when the server has ended:\n%s", got)
	}
}

// TestACallIsLoggedWhoseClientIsGone: the process lives until all has come to its end.
func TestACallIsLoggedWhoseClientIsGone(t *testing.T) {
	const child = "MCPADAPTER_TEST_CHILD"
	if os.Getenv(child) != "" {
		s := slowServer(t, 0, "")
		s.opts.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
		_ = s.Serve(t.Context())
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), child+"=1")
	var log bytes.Buffer
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(in, politely)
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "greeted"); {
	}
	_ = out.Close()
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow","arguments":{}}}`)
	_ = in.Close()
	if err := cmd.Wait(); err != nil || !strings.Contains(log.String(), "msg=call tool=slow") {
		t.Errorf("%v, the log:\n%s", err, &log)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
