package mcpadapter

import (
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/mcpadapter/internal/outlet"
)

// sealed is an answer on its way to an outlet.
type sealed struct {
	to  *outlet.Outlet
	raw []byte
}

// MarshalJSON returns a ticket. The SDK calls it when it writes.
func (s sealed) MarshalJSON() ([]byte, error) { return s.to.Put(s.raw), nil }

// sealedText is the text of an answer on its way to an outlet.
type sealedText struct {
	*mcp.TextContent // for the methods of the interface that others can't have
	sealed
}

// MarshalJSON returns the content with a ticket for its text.
func (s sealedText) MarshalJSON() ([]byte, error) {
	return append(append([]byte(`{"type":"text","text":`), s.to.Put(s.raw)...), '}'), nil
}

// A line is a connection whose answers an outlet writes.
type line struct {
	session *mcp.ServerSession
	out     *outlet.Outlet
	tell    func() // that the list of resources has changed
}

// seal prepares r, what a tool says, for the outlet of the session, or of the request
// over HTTP that the call came with, if there is one.
func (s *Server) seal(req *mcp.CallToolRequest, r *mcp.CallToolResult) *mcp.CallToolResult {
	var to *outlet.Outlet
	if l := s.line.Load(); l != nil && l.session == req.Session {
		to = l.out
	} else if req.Extra != nil {
		to = outlet.Of(req.Extra.Header)
	}
	raw, ok := r.StructuredContent.(json.RawMessage)
	if to == nil || !ok || len(r.Content) != 1 {
		return r
	}
	if text, ok := r.Content[0].(*mcp.TextContent); !ok || text.Text != string(raw) {
		return r
	}
	r.StructuredContent = sealed{to, raw}
	r.Content = []mcp.Content{sealedText{sealed: sealed{to, raw}}}
	return r
}
