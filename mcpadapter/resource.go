package mcpadapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/untrusted"
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
	return nil
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
	var res *mcp.CallToolResult
	ctx, err := withPrincipal(ctx, req.Extra)
	if err != nil {
		res = failed(err.Error())
	} else {
		res = t.observe(ctx, 0, func(ctx context.Context) (*mcp.CallToolResult, string) {
			in := reflect.New(t.op.In())
			in.Elem().Set(reflect.ValueOf(r.in).Elem()) // an operation may fill in defaults
			out, err := t.op.Do(ctx, t.guard, in.Interface())
			if err != nil {
				return t.failure(ctx, err), decided(err)
			}
			answer, err := t.outcome(ctx, out)
			if err != nil {
				return t.failure(ctx, err), decided(err)
			}
			return answer, string(out.State)
		})
	}
	if res.IsError {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: plain(res)}
	}
	raw, ok := res.StructuredContent.(json.RawMessage)
	if !ok {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: r.uri + ": no answer"}
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{
		{URI: r.uri, MIMEType: "application/json", Text: string(labelled(raw, res.Meta)), Meta: res.Meta},
	}}, nil
}

// labelled puts a first member _untrusted into the object raw if it holds what
// others wrote. The text of a resource has to stay JSON, so it has no fence.
func labelled(raw []byte, meta mcp.Meta) []byte {
	paths, _ := meta[MetaUntrusted].([]string)
	flags, _ := meta[MetaFlags].([]untrusted.Flag)
	if len(paths) == 0 && len(flags) == 0 || len(raw) < 2 || raw[0] != '{' {
		return raw
	}
	out := append([]byte(`{"_untrusted":`), jsontree.AppendString(nil, untrusted.Notice(paths, flags))...)
	if len(raw) > 2 {
		out = append(out, ',')
	}
	return append(out, raw[1:]...)
}

// plain returns the text of a result.
func plain(res *mcp.CallToolResult) string {
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			return t.Text
		}
	}
	return ""
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
	text, ok := s.kept.Read(req.Params.URI, principalOf(ctx))
	if !ok {
		return nil, mcp.ResourceNotFoundError(req.Params.URI)
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: req.Params.URI, MIMEType: "text/plain", Text: text}}}, nil
}
