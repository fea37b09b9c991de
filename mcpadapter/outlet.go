package mcpadapter

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"strconv"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// An outlet writes the lines of a connection. An answer is encoded once, when the tool
// has it; on its way through the SDK, which copies what a result holds four times, a
// ticket of a few bytes stands for it. The outlet puts the answer where its ticket is:
// as it is into the structured content, and as a string into the text.
type outlet struct {
	io.WriteCloser
	ticket string // what each begins with, which nobody who writes an answer knows

	mu      sync.Mutex
	n       int
	waiting map[string][]byte // answers by the number of their ticket
	line    []byte
}

func newOutlet(w io.WriteCloser) *outlet {
	return &outlet{WriteCloser: w, ticket: "answer-" + rand.Text() + "-", waiting: map[string][]byte{}}
}

// keptLine is how large a line may be for its memory to be kept for the next.
const keptLine = 128 << 10

// put returns a ticket, in quotes, for an answer that is about to be written.
func (o *outlet) put(raw []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	n := strconv.Itoa(o.n)
	o.waiting[n] = raw
	return []byte(`"` + o.ticket + n + `"`)
}

// Write writes a line.
func (o *outlet) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := o.line[:0]
	rest := line
	for {
		before, after, found := bytes.Cut(rest, []byte(`"`+o.ticket))
		if !found {
			break
		}
		n, after, _ := bytes.Cut(after, []byte(`"`))
		raw := o.waiting[string(n)]
		delete(o.waiting, string(n))
		out = append(out, before...)
		if bytes.HasSuffix(before, []byte(`"text":`)) {
			out = jsontext.AppendString(out, string(raw))
		} else {
			out = append(out, raw...)
		}
		rest = after
	}
	if len(out) == 0 {
		return o.WriteCloser.Write(line)
	}
	out = append(out, rest...)
	if o.line = nil; cap(out) <= keptLine {
		o.line = out
	}
	if _, err := o.WriteCloser.Write(out); err != nil {
		return 0, err
	}
	return len(line), nil
}

// forget drops the answers whose tickets stand in result, which nobody will write.
func (o *outlet) forget(result []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		_, after, found := bytes.Cut(result, []byte(`"`+o.ticket))
		if !found {
			return
		}
		n, after, _ := bytes.Cut(after, []byte(`"`))
		delete(o.waiting, string(n))
		result = after
	}
}

// sealed is an answer on its way to an outlet.
type sealed struct {
	to  *outlet
	raw []byte
}

// MarshalJSON returns a ticket. The SDK calls it when it writes.
func (s sealed) MarshalJSON() ([]byte, error) { return s.to.put(s.raw), nil }

// sealedText is the text of an answer on its way to an outlet.
type sealedText struct {
	*mcp.TextContent // for the methods of the interface that others can't have
	sealed
}

// MarshalJSON returns the content with a ticket for its text.
func (s sealedText) MarshalJSON() ([]byte, error) {
	return append(append([]byte(`{"type":"text","text":`), s.to.put(s.raw)...), '}'), nil
}

// A line is a connection whose answers an outlet writes.
type line struct {
	session *mcp.ServerSession
	out     *outlet
	tell    func() // that the list of resources has changed
}

// seal prepares r, what a tool says, for the outlet of the session, if it has one.
func (s *Server) seal(session *mcp.ServerSession, r *mcp.CallToolResult) *mcp.CallToolResult {
	l := s.line.Load()
	raw, ok := r.StructuredContent.(json.RawMessage)
	if l == nil || l.session != session || !ok || len(r.Content) != 1 {
		return r
	}
	if text, ok := r.Content[0].(*mcp.TextContent); !ok || text.Text != string(raw) {
		return r
	}
	r.StructuredContent = sealed{l.out, raw}
	r.Content = []mcp.Content{sealedText{sealed: sealed{l.out, raw}}}
	return r
}
