package mcpadapter_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcphttp"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

type noteInput struct {
	Text string `json:"text"`
}

// A ledger has a read and a write that last until they are let go or stopped.
type ledger struct {
	started chan string
	free    chan struct{}
	stopped atomic.Int32 // how many saw the end of their context
	written atomic.Int32
}

func newLedger() *ledger {
	return &ledger{started: make(chan string, 100), free: make(chan struct{})}
}

func (l *ledger) last(ctx context.Context, what string) error {
	l.started <- what
	select {
	case <-l.free:
		return nil
	case <-ctx.Done():
		time.Sleep(50 * time.Millisecond) // an answer from the platform takes its time
		l.stopped.Add(1)
		return ctx.Err()
	}
}

// lookInput tells one look from another: equal ones share an answer.
type lookInput struct {
	N int `json:"n,omitempty"`
}

func (l *ledger) look(ctx context.Context, _ lookInput) (string, error) {
	return "looked", l.last(ctx, "look")
}

func (l *ledger) note(ctx context.Context, in noteInput) (string, error) {
	if err := l.last(ctx, "note"); err != nil {
		return "", err
	}
	l.written.Add(1)
	return in.Text, nil
}

func (l *ledger) ops() []gate.Op {
	return []gate.Op{gate.Read("ledger_look", l.look, "Look."), gate.Write("ledger_note", l.note, "Note.")}
}

// stoppable serves s and returns its URL, what stops it, and how that ended.
func stoppable(t *testing.T, s *mcpadapter.Server, opts mcphttp.Options) (url string, stop func(), done chan error) {
	t.Helper()
	at := make(chan string, 1)
	opts.Listening = func(u string) { at <- u }
	ctx, cancel := context.WithCancel(t.Context())
	done = make(chan error, 1)
	go func() { done <- mcphttp.Serve(ctx, s, opts) }()
	return <-at, cancel, done
}

// approvedNote proposes a note and approves it.
func approvedNote(t *testing.T, g *gatetest.Gate, cs *mcp.ClientSession, text string) string {
	t.Helper()
	var env struct{ Status, Proposal string }
	mcptest.Structured(t, mcptest.Call(t, cs, "ledger_note", fmt.Sprintf(`{"text":%q}`, text)), &env)
	if env.Status != "pending" {
		t.Fatalf("%+v", env)
	}
	g.Approve(env.Proposal)
	return env.Proposal
}

func stateOf(t *testing.T, g *gate.Guard, id string) gate.State {
	t.Helper()
	j, err := g.Journal()
	if err != nil {
		t.Fatal(err)
	}
	p, err := j.Proposal(id)
	if err != nil {
		t.Fatal(err)
	}
	return p.State
}

func TestWhenItStopsAWriteInFlightFinishesAndItsReceiptIsWritten(t *testing.T) {
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			l, g := newLedger(), gatetest.New(t)
			url, stop, done := stoppable(t, serverOf(t, g.Guard, mcpadapter.Options{}, l.ops()...), mcphttp.Options{ShutdownTimeout: 20 * time.Second})
			cs := httpSession(t, url, "", era)
			id := approvedNote(t, g, cs, "finish me")
			answer := make(chan string, 1)
			go func() {
				res, err := cs.CallTool(context.Background(), &mcp.CallToolParams{Name: "ledger_note", Arguments: rawJSON(`{"text":"finish me"}`)})
				if err != nil {
					answer <- err.Error()
					return
				}
				answer <- mcptest.Text(res)
			}()
			<-l.started
			stop()
			time.Sleep(50 * time.Millisecond)
			close(l.free)
			if got := <-answer; !strings.Contains(got, `"executed"`) {
				t.Errorf("the write in flight: %s", got)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if s := stateOf(t, g.Guard, id); s != gate.StateExecuted || l.stopped.Load() != 0 {
				t.Errorf("%s is %s; %d were stopped", id, s, l.stopped.Load())
			}
		})
	}
}

func TestWhatDoesNotEndInTimeIsStoppedAndAWriteIsJournalledAsUnknown(t *testing.T) {
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			l, g := newLedger(), gatetest.New(t)
			url, stop, done := stoppable(t, serverOf(t, g.Guard, mcpadapter.Options{}, l.ops()...), mcphttp.Options{ShutdownTimeout: 200 * time.Millisecond})
			cs := httpSession(t, url, "", era)
			id := approvedNote(t, g, cs, "too slow")
			for name, args := range map[string]string{"ledger_note": `{"text":"too slow"}`, "ledger_look": `{}`} {
				go cs.CallTool(context.Background(), &mcp.CallToolParams{Name: name, Arguments: rawJSON(args)}) //nolint:errcheck // cut off
			}
			<-l.started
			<-l.started
			stop()
			if err := <-done; err == nil || !strings.Contains(err.Error(), "still in flight") {
				t.Errorf("%v, want an error that says what was cut off", err)
			}
			// From here on the process may end, and the journal must be complete.
			if s := stateOf(t, g.Guard, id); s != gate.StateUnknown || l.stopped.Load() != 2 || l.written.Load() != 0 {
				t.Errorf("%s is %s; %d were stopped, %d written", id, s, l.stopped.Load(), l.written.Load())
			}
		})
	}
}

func TestAClientThatGoesAwayStopsItsReads(t *testing.T) {
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			l := newLedger()
			url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, l.ops()...), mcphttp.Options{})
			cs := httpSession(t, url, "", era)
			ctx, cancel := context.WithCancel(t.Context())
			go cs.CallTool(ctx, &mcp.CallToolParams{Name: "ledger_look"}) //nolint:errcheck // cancelled
			<-l.started
			cancel()
			for range 100 {
				if l.stopped.Load() == 1 {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
			t.Error("the read goes on")
		})
	}
}

// TestManySessionsAtOnce calls from many sessions of two users and both eras at
// once, reads and writes, while the limits hold and the server stops under load.
func TestManySessionsAtOnce(t *testing.T) {
	g := gatetest.New(t)
	d := &desk{titles: []string{"a", "b"}}
	url, stop, done := stoppable(t, serverOf(t, g.Guard, mcpadapter.Options{}, d.ops()...),
		mcphttp.Options{Tokens: tokens(t), MaxSessions: 12, ShutdownTimeout: 20 * time.Second})
	var wg sync.WaitGroup
	var calls, refused atomic.Int32
	for i := range 24 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			token, era := []string{aliceToken, bobToken}[i%2], eras[i/2%2]
			cs, err := mcp.NewClient(&mcp.Implementation{Name: "load", Version: "v1"}, nil).Connect(t.Context(),
				&mcp.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearer(token)}, MaxRetries: -1}, &mcp.ClientSessionOptions{ProtocolVersion: era})
			if err != nil {
				refused.Add(1) // one session too many
				return
			}
			defer cs.Close()
			for n := range 8 {
				name, args := "desk_list_tickets", `{"limit":1}`
				if n == 3 {
					name, args = "desk_close_ticket", fmt.Sprintf(`{"ticketId":"~%d","reason":"load %d"}`, i%6+1, i)
				}
				res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: rawJSON(args)})
				if err != nil || res.IsError {
					t.Errorf("session %d, call %d: %v, %v", i, n, res, err)
					return
				}
				calls.Add(1)
			}
		}()
	}
	wg.Wait()
	t.Logf("%d calls, %d sessions refused", calls.Load(), refused.Load())
	if calls.Load() < 12*8 || d.closed.Load() != 0 {
		t.Errorf("%d calls succeeded, %d writes", calls.Load(), d.closed.Load())
	}
	for _, who := range []string{"alice", "bob"} {
		st, err := g.Status(gate.WithPrincipal(t.Context(), who))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, p := range st.Pending {
			if seen[p.Digest] || p.Principal != who {
				t.Errorf("%s of %s is there twice, or isn't theirs", p.ID, p.Principal)
			}
			seen[p.Digest] = true
		}
		if len(st.Pending) == 0 || len(st.Pending) > 6 {
			t.Errorf("%s has %d proposals, want one for each ticket at most", who, len(st.Pending))
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMoreRequestsAtOnceThanThereMayBeAreTurnedAway(t *testing.T) {
	l := newLedger()
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, l.ops()...), mcphttp.Options{MaxRequests: 2})
	cs := httpSession(t, url, "", eras[1])
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: "ledger_look", Arguments: lookInput{n + 1}})
			for err != nil && strings.Contains(err.Error(), http.StatusText(http.StatusServiceUnavailable)) {
				// The request before it is answered, and may still have its place.
				res, err = cs.CallTool(t.Context(), &mcp.CallToolParams{Name: "ledger_look", Arguments: lookInput{n + 1}})
			}
			if err != nil || res.IsError {
				t.Errorf("%v, %v", res, err)
			}
		}()
		<-l.started
	}
	res, err := http.Post(url, "application/json", strings.NewReader(initialize))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("the third at once: %d %s", res.StatusCode, b)
	}
	close(l.free)
	wg.Wait()
}

func TestNoMoreSessionsThanThereMayBeHoweverManyComeAtOnce(t *testing.T) {
	s := serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, new(desk).ops()...)
	url := overHTTP(t, s, mcphttp.Options{MaxSessions: 3})
	var wg sync.WaitGroup
	var opened atomic.Int32
	for range 30 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(initialize))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json, text/event-stream")
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			_, _ = io.Copy(io.Discard, res.Body)
			if res.StatusCode == http.StatusOK {
				opened.Add(1)
			}
		}()
	}
	wg.Wait()
	n := 0
	for range s.MCP().Sessions() {
		n++
	}
	if n < 1 || n > 3 || opened.Load() < 3 {
		t.Errorf("%d sessions of %d that were opened, want 1 to 3", n, opened.Load())
	}
}
