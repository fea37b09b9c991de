package mcpadapter

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
)

var errFinishing = &jsonrpc.Error{Code: -32004, Message: "server is closing"} // as the SDK says it

// An ownCall is a call of a tool that a connection serves itself.
type ownCall struct {
	req  *jsonrpc.Request
	stop context.CancelFunc
}

// take takes msg, to be served by what it returns, if it is a call of a tool that can be
// served without the SDK: there it would pass three goroutines and be read twice more,
// which is a third of what a short call costs.
func (c *stdioConn) take(msg jsonrpc.Message) (serve func(), taken bool) {
	req, ok := msg.(*jsonrpc.Request)
	switch {
	case !ok:
		return nil, false
	case req.Method == "notifications/cancelled":
		c.note(msg, true) // before a later call is served
		return nil, false
	case req.Method != "tools/call" || !req.IsCall():
		return nil, false
	}
	call := c.server.plainCall(c.session, req.Params)
	if call == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.greeted || c.over { // it could be answered before the greeting is
		return nil, false
	}
	if _, used := c.own[req.ID]; used { // nor does the SDK answer a second call of an id
		return nil, true
	}
	if c.finishing {
		call = func(context.Context) (*mcp.CallToolResult, error) { return nil, errFinishing }
	}
	ctx, stop := context.WithCancel(c.base)
	c.own[req.ID] = ownCall{req, stop}
	c.calls.Add(1)
	return func() {
		defer c.calls.Done()
		defer stop()
		var left leftovers
		out, err := call(context.WithValue(ctx, leftoversKey{}, &left))
		c.answer(req.ID, out, err, left)
	}, true
}

// leftovers are what is left to do of a call when its answer is written.
type leftovers []func()

type leftoversKey struct{}

// afterAnswer does f once the answer to the call under ctx is written, where that can be
// told, or else now.
func afterAnswer(ctx context.Context, f func()) {
	if l, ok := ctx.Value(leftoversKey{}).(*leftovers); ok {
		*l = append(*l, f)
		return
	}
	f()
}

// answer writes what a call of the connection's own came to, and does what was left.
func (c *stdioConn) answer(id jsonrpc.ID, out *mcp.CallToolResult, err error, left leftovers) {
	res := &jsonrpc.Response{ID: id}
	if err == nil {
		res.Result, err = jsontree.Encode(out)
	}
	res.Error = err
	c.mu.Lock()
	delete(c.own, id) // the client may use it again as soon as it has the answer
	c.writing++
	c.mu.Unlock()
	if err := c.Write(c.base, res); err != nil {
		c.stop()
		_ = c.end(err)
	}
	for _, do := range left {
		do()
	}
	c.mu.Lock()
	c.writing--
	c.mu.Unlock()
	c.wake()
}

// finish lets no further call begin, and returns when those under way have ended.
func (c *stdioConn) finish() {
	c.mu.Lock()
	c.finishing = true
	c.mu.Unlock()
	c.calls.Wait()
}

// stop stops the calls of its own, for which there is nobody any more.
func (c *stdioConn) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.own {
		call.stop()
	}
}

// plainCall returns what serves a call of a tool with these params, if it needs nothing
// of the SDK: it is of the session that began with initialize, and the tool is one of ours.
func (s *Server) plainCall(session *mcp.ServerSession, params []byte) func(context.Context) (*mcp.CallToolResult, error) {
	if p := session.InitializeParams(); p == nil || p.ProtocolVersion >= multiRoundTrip {
		return nil
	}
	p := plainParams(params)
	if p == nil {
		return nil
	}
	serve := s.listed(p.Name)
	if serve == nil {
		return nil
	}
	return func(ctx context.Context) (*mcp.CallToolResult, error) {
		return serve(ctx, &mcp.CallToolRequest{Session: session, Params: p})
	}
}

// listed returns what serves the listed tool of that name, or nil.
func (s *Server) listed(name string) mcp.ToolHandler {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tools[name]
	switch {
	case s.opts.Dynamic && name == CallTool:
		return s.dispatch
	case t == nil || s.opts.Dynamic && !t.own:
		return nil
	}
	return t.call
}

// plainParams reads params that have a name, arguments and metadata of no other protocol
// version; of others it returns nil.
func plainParams(params []byte) *mcp.CallToolParamsRaw {
	p := &mcp.CallToolParamsRaw{}
	seen, plain := 0, true
	err := jsontext.Members(params, func(name, value []byte) {
		member := 0
		switch c := value[0]; {
		case string(name) == "name" && c == '"' && bytes.IndexByte(value, '\\') < 0:
			member, p.Name = 1, string(value[1:len(value)-1])
		case string(name) == "arguments" && c == '{':
			member, p.Arguments = 2, value
		case string(name) == "_meta" && c == '{':
			member, plain = 4, plain && json.Unmarshal(value, &p.Meta) == nil
		}
		plain = plain && member&^seen != 0
		seen |= member
	})
	if _, other := p.Meta[mcp.MetaKeyProtocolVersion]; err != nil || !plain || other {
		return nil
	}
	return p
}
