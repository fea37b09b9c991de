package mcpadapter

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/mcpadapter/internal/outlet"
)

const (
	drainTime = 30 * time.Second
	stopTime  = time.Second // in which a call may end when ctx does
	maxLine   = 4 << 20
)

// Serve serves s over standard input and output until the input ends or ctx
// does. When the input ends, calls in flight are answered before Serve returns,
// for up to 30 seconds. When ctx ends, they may go on for a second and are then
// stopped; the journal has a write among them as unknown. A line of the input
// may have 4 MiB.
func (s *Server) Serve(ctx context.Context) error {
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE) // else it ends the process where an answer is written to a client that is gone
	defer signal.Stop(pipe)
	return s.serve(ctx, parked(os.Stdin, os.Stdout, os.Stderr), standardOutput{os.Stdout}, drainTime)
}

// standardOutput isn't closed: the SDK closes what it writes to.
type standardOutput struct{ io.Writer }

func (standardOutput) Close() error { return nil }

func (s *Server) serve(ctx context.Context, in io.ReadCloser, out io.WriteCloser, limit time.Duration) error {
	defer context.AfterFunc(ctx, func() {
		time.Sleep(stopTime)
		s.calls.Abort()
	})()
	err := s.run(ctx, in, outlet.New(out), limit)
	s.calls.Settle()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// run is that of the SDK's server for one client, whose answers out writes.
func (s *Server) run(ctx context.Context, in io.ReadCloser, out *outlet.Outlet, limit time.Duration) error {
	c := &stdioConn{lines: newLines(in, out), server: s, outlet: out, limit: limit, base: context.WithoutCancel(ctx), changed: make(chan struct{}, 1),
		incoming: map[jsonrpc.ID]*jsonrpc.Request{}, outgoing: map[jsonrpc.ID]*jsonrpc.Request{},
		cancelled: map[jsonrpc.ID]any{}, own: map[jsonrpc.ID]ownCall{}}
	session, err := s.mcp.Connect(ctx, c, nil)
	if err != nil {
		return err
	}
	c.session = session
	s.line.Store(&line{session, out, c.tell})
	defer s.line.Store(nil)
	go c.scan(bufio.NewReaderSize(in, 16<<10), c.take)
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	select {
	case <-ctx.Done():
		c.finish()
		_ = session.Close()
		<-ended
		return ctx.Err()
	case err := <-ended:
		return err
	}
}

// A stdioConn is a client over stdio. It delays the end of the input until what came
// before it is answered: the SDK drops every answer that isn't written when the input
// ends. And it writes nothing of a call that the client has cancelled, which expects no
// more of it. Calls of tools that come in the plain way it serves itself.
type stdioConn struct {
	*lines
	server  *Server
	session *mcp.ServerSession
	outlet  *outlet.Outlet
	limit   time.Duration
	base    context.Context // of calls
	changed chan struct{}   // has a token when the fields below may have changed
	calls   sync.WaitGroup  // that it serves itself
	told    atomic.Bool     // it tells itself that the list of resources has changed

	mu        sync.Mutex
	incoming  map[jsonrpc.ID]*jsonrpc.Request // calls that the SDK serves and has not answered yet
	own       map[jsonrpc.ID]ownCall          // calls that it serves itself
	writing   int                             // answers to those that aren't out yet
	outgoing  map[jsonrpc.ID]*jsonrpc.Request // questions to the client that it hasn't answered
	cancelled map[jsonrpc.ID]any              // of incoming and own, with the token of their progress
	greeted   bool                            // the client knows the answer to its initialize
	finishing bool
	over      bool
	ended     error     // why the input ended
	deadline  time.Time // of the draining
}

// Connect returns c, which is its own transport.
func (c *stdioConn) Connect(context.Context) (mcp.Connection, error) { return c, nil }

var errInputEnded = &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "the client's input has ended"}

// Read returns the next message. When there is none any more it waits for the
// calls in flight. Questions that the client can't answer any more fail at once.
func (c *stdioConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	if c.ended == nil {
		msg, err := c.lines.Read(ctx)
		if err == nil {
			c.note(msg, true)
			return msg, nil
		}
		c.ended, c.deadline = err, time.Now().Add(c.limit)
	}
	timeout := time.NewTimer(time.Until(c.deadline))
	defer timeout.Stop()
	for {
		c.mu.Lock()
		var id jsonrpc.ID
		for id = range c.outgoing {
			break
		}
		asked := c.outgoing[id] != nil
		delete(c.outgoing, id)
		done := c.over || len(c.incoming)+len(c.own)+c.writing == 0
		c.mu.Unlock()
		switch {
		case asked:
			return &jsonrpc.Response{ID: id, Error: errInputEnded}, nil
		case done:
			return nil, c.ended
		}
		select {
		case <-c.changed:
		case <-timeout.C:
			return nil, c.ended
		case <-ctx.Done():
			return nil, c.ended
		}
	}
}

// Write sends msg.
func (c *stdioConn) Write(ctx context.Context, msg jsonrpc.Message) error {
	if req, ok := msg.(*jsonrpc.Request); ok && req.IsCall() {
		c.note(msg, false) // before it is sent: the answer may come at once
	}
	if req, ok := msg.(*jsonrpc.Request); ok && req.Method == resourcesChanged && c.told.Load() {
		return nil
	}
	if c.unwanted(msg) {
		c.note(msg, false)
		return nil
	}
	err := c.lines.Write(ctx, msg)
	if _, ok := msg.(*jsonrpc.Response); ok {
		c.note(msg, false)
	}
	return err
}

const resourcesChanged = "notifications/resources/list_changed"

// tell tells a client of the protocols with a greeting that the list of resources has
// changed. The SDK does so a moment later, which is after the answer to the call that
// changed it: a client that ends its server with that answer then takes the call for a
// failed one.
func (c *stdioConn) tell() {
	c.mu.Lock()
	greeted := c.greeted
	c.mu.Unlock()
	if greeted {
		c.told.Store(true)
		_ = c.lines.Write(c.base, &jsonrpc.Request{Method: resourcesChanged, Params: json.RawMessage("{}")}) // that of the answer fails too
	}
}

// Close closes the connection, and stops the calls that it serves itself.
func (c *stdioConn) Close() error {
	c.stop()
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.wake()
	return c.lines.Close()
}

// unwanted reports whether msg is of a call that was cancelled.
func (c *stdioConn) unwanted(msg jsonrpc.Message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cancelled) == 0 {
		return false
	}
	switch m := msg.(type) {
	case *jsonrpc.Response:
		if _, ok := c.cancelled[m.ID]; ok {
			delete(c.cancelled, m.ID)
			c.outlet.Forget(m.Result)
			return true
		}
	case *jsonrpc.Request:
		var p mcp.ProgressNotificationParams
		if m.Method != "notifications/progress" || json.Unmarshal(m.Params, &p) != nil {
			return false
		}
		for _, token := range c.cancelled {
			if token != nil && token == p.ProgressToken {
				return true
			}
		}
	}
	return false
}

// cancel notes which call the client has no more use for. An unknown one, or one that is
// answered, is nothing.
func (c *stdioConn) cancel(params json.RawMessage) {
	var p struct {
		RequestID any `json:"requestId"`
	}
	if json.Unmarshal(params, &p) != nil {
		return
	}
	id, err := jsonrpc.MakeID(p.RequestID)
	call, own := c.incoming[id], c.own[id]
	if own.stop != nil {
		call = own.req
		own.stop()
	}
	if err != nil || call == nil {
		return
	}
	var of struct {
		Meta struct {
			ProgressToken any `json:"progressToken"`
		} `json:"_meta"`
	}
	_ = json.Unmarshal(call.Params, &of) // else it has no token
	switch of.Meta.ProgressToken.(type) {
	case string, float64:
		c.cancelled[id] = of.Meta.ProgressToken
	default:
		c.cancelled[id] = nil
	}
}

// note keeps the books of who waits for an answer.
func (c *stdioConn) note(msg jsonrpc.Message, read bool) {
	c.mu.Lock()
	defer c.wake()
	defer c.mu.Unlock()
	waiting, answered := c.incoming, c.outgoing
	if !read {
		waiting, answered = c.outgoing, c.incoming
	}
	switch m := msg.(type) {
	case *jsonrpc.Request:
		// A subscription is a call that is never answered.
		if m.IsCall() && m.Method != "subscriptions/listen" {
			waiting[m.ID] = m
		}
		if read && m.Method == "notifications/cancelled" {
			c.cancel(m.Params)
		}
	case *jsonrpc.Response:
		if call := answered[m.ID]; !read && call != nil && call.Method == "initialize" {
			c.greeted = true
		}
		delete(answered, m.ID)
	}
}

func (c *stdioConn) wake() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}
