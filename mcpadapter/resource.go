package mcpadapter

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
)

// AddResources adds resources. Reading one calls its operation; the answer is
// bounded and marked like that of a tool. If it returns an error it has added
// nothing. Errors are a resource that isn't a read, whose input doesn't fit its
// operation, or whose address is malformed or taken, and what [Server.Add] refuses.
func (s *Server) AddResources(resources ...gate.Resource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := map[string]*resource{}
	var errs []error
	for _, res := range resources {
		one, err := s.newResource(res)
		switch {
		case err != nil:
			errs = append(errs, err)
		case s.resources[res.URI] || added[res.URI] != nil:
			errs = append(errs, fmt.Errorf("mcpadapter: %s: there is another resource of that address", res.URI))
		default:
			added[res.URI] = one
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, res := range resources {
		s.resources[res.URI] = true
		s.mcp.AddResource(&mcp.Resource{URI: res.URI, Name: res.Name, Title: res.Name, Description: res.Doc, MIMEType: "application/json"}, added[res.URI].read)
	}
	s.tell()
	return nil
}

// tell tells a client over stdio that the list of resources has changed, before it gets
// the answer to the call that changed it.
func (s *Server) tell() {
	if l := s.line.Load(); l != nil {
		l.tell()
	}
}

type resource struct {
	tool *tool
	uri  string
	in   any
}

func (s *Server) newResource(res gate.Resource) (*resource, error) {
	u, err := url.Parse(res.URI)
	switch {
	case err != nil || u.Scheme == "" || strings.ContainsAny(res.URI, "{}"):
		return nil, fmt.Errorf("mcpadapter: %q can't be the address of a resource", res.URI)
	case res.Name == "" || res.Doc == "" || res.Op == nil:
		return nil, fmt.Errorf("mcpadapter: %s: a resource needs a name, a doc and an operation", res.URI)
	case res.Op.Tier() != gate.TierRead:
		return nil, fmt.Errorf("mcpadapter: %s: %s is not a read", res.URI, res.Op.Name())
	}
	in := res.In
	if in == nil {
		in = reflect.New(res.Op.In()).Interface()
	}
	if reflect.TypeOf(in) != reflect.PointerTo(res.Op.In()) {
		return nil, fmt.Errorf("mcpadapter: %s: the input is %T, want *%s", res.URI, res.In, res.Op.In())
	}
	t, err := s.newTool(res.Op)
	if err != nil {
		return nil, err
	}
	return &resource{tool: t, uri: res.URI, in: in}, nil
}

// read serves a resources/read request.
func (r *resource) read(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	t := r.tool
	ctx, err := withPrincipal(ctx, req.Extra)
	if err != nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: err.Error()}
	}
	said := t.observe(ctx, 0, func(ctx context.Context) reply {
		in := reflect.New(t.op.In())
		in.Elem().Set(reflect.ValueOf(r.in).Elem()) // an operation may fill in defaults
		out, err := t.op.Do(ctx, t.guard, in.Interface())
		if err != nil {
			return t.failure(ctx, err)
		}
		answer, err := t.outcome(ctx, bound{}, out)
		if err != nil {
			return t.failure(ctx, err)
		}
		return answer
	})
	text := said.result.Content[0].(*mcp.TextContent).Text
	if said.result.IsError {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: text}
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: r.uri, MIMEType: "application/json", Text: text}}}, nil
}

// keptAnswers is how the pieces of answers that were cut are announced.
var keptAnswers = &mcp.ResourceTemplate{
	URITemplate: answer.Scheme + "{id}/{part}",
	Name:        "answer",
	Title:       "A whole answer, in pieces",
	Description: "What was cut from a tool's answer; the answer's _truncated says which address. Kept for 15 minutes.",
	MIMEType:    "text/plain",
}

// readKept serves a piece of an answer that was cut.
func (s *Server) readKept(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	ctx, err := withPrincipal(ctx, req.Extra)
	if err != nil {
		return nil, mcp.ResourceNotFoundError(req.Params.URI)
	}
	text, mediaType, ok, err := s.kept.Read(req.Params.URI, principalOf(ctx))
	if err != nil {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: bounded(err.Error())}
	}
	if !ok {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "not kept (any more): an answer is kept for 15 minutes by the process that gave it; repeat the call, in smaller parts"}
	}
	c := &mcp.ResourceContents{URI: req.Params.URI, MIMEType: mediaType, Text: text}
	if !utf8.ValidString(text) {
		c.Text, c.Blob = "", []byte(text)
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{c}}, nil
}

// maxListed is how many pieces of an answer are listed as resources.
const maxListed = 8

// keep keeps the whole of a, which is cut, and says how to read it: there are
// hosts that read only what is listed as a resource.
func (t *tool) keep(ctx context.Context, a *answer.Answer) (how string) {
	if a.Size() > answer.MaxKept {
		return ""
	}
	kept, again, gone := t.kept.Keep(t.op.Name(), principalOf(ctx), a, t.opts.MaxResponse, func(w *answer.Stored) { t.list(w, 2) })
	t.unlist(gone)
	if kept == nil {
		return ""
	}
	if !again {
		t.list(kept, 1)
	}
	of := ""
	if a.Rest() == 0 {
		of = fmt.Sprintf(" of %d", kept.Parts())
	}
	return fmt.Sprintf("; or, for %.0f minutes where this server goes on running, read the resource %s (part 1%s)", answer.KeptFor.Minutes(), kept.Address(1), of)
}

// list lists the parts of w, from one on, as resources.
func (t *tool) list(w *answer.Stored, from int) {
	for n := from; n <= min(w.Parts(), maxListed); n++ {
		t.mcp.AddResource(&mcp.Resource{URI: w.Address(n), Name: fmt.Sprintf("%s, part %d", t.op.Name(), n), MIMEType: "text/plain",
			Description: "Of an answer that was cut; kept for a while."}, t.readKept)
	}
	t.tell()
}

// unlist takes from the list of resources what isn't kept any more.
func (s *Server) unlist(gone []string) {
	if len(gone) > 0 {
		s.mcp.RemoveResources(gone...)
		s.tell()
	}
}
