package mcpadapter

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

// A Completion says which tool lists the ids that an argument of a prompt may
// have, so that a client can offer them while its user types.
type Completion struct {
	Args []string       // the names of the arguments, in either case style
	Tool string         // a read
	In   map[string]any // its arguments
	List string         // the member of its answer that is the list
	ID   string         // the member of an element that is the id
}

const completionTime = 3 * time.Second

// AddCompletions adds completions. One whose tool isn't there, or isn't a read,
// offers nothing. A completion costs one call of its tool, behind the gate like
// any other; a call that fails or takes longer than three seconds offers nothing.
func (s *Server) AddCompletions(list ...Completion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.completions = append(s.completions, list...)
}

// complete serves completion/complete: the values of a prompt's argument that
// begin with what was typed.
func (s *Server) complete(ctx context.Context, req *mcp.CompleteRequest) *mcp.CompleteResult {
	res := &mcp.CompleteResult{Completion: mcp.CompletionResultDetails{Values: []string{}}}
	if req.Params.Ref == nil || req.Params.Ref.Type != "ref/prompt" {
		return res
	}
	typed := req.Params.Argument.Value
	s.mu.Lock()
	args := s.prompts[req.Params.Ref.Name].Args
	i := slices.IndexFunc(args, func(a gate.PromptArg) bool { return a.Name == req.Params.Argument.Name })
	var source Completion
	var t *tool
	if i >= 0 && args[i].Values == nil {
		source, t = s.completion(args[i].Name)
	}
	s.mu.Unlock()
	before := ""
	var values []string
	switch {
	case i < 0:
		return res
	case t != nil:
		if c := strings.LastIndexByte(typed, ',') + 1; c > 0 { // a list: the last is completed
			before, typed = typed[:c], strings.TrimLeft(typed[c:], " ")
		}
		ctx, err := withPrincipal(ctx, req.Extra)
		if err != nil {
			return res
		}
		values = t.ids(ctx, source)
	default:
		values = args[i].Values
	}
	for _, v := range values {
		if len(v) < len(typed) || !strings.EqualFold(v[:len(typed)], typed) {
			continue
		}
		res.Completion.Total++
		if len(res.Completion.Values) < maxCompletions {
			res.Completion.Values = append(res.Completion.Values, before+v)
		}
	}
	res.Completion.HasMore = res.Completion.Total > len(res.Completion.Values)
	return res
}

// completion returns the source of an argument's values, and its tool. Callers
// hold the lock.
func (s *Server) completion(arg string) (Completion, *tool) {
	for _, c := range s.completions {
		if t := s.tools[c.Tool]; t != nil && t.op.Tier() == gate.TierRead && slices.ContainsFunc(c.Args, func(a string) bool { return schema.Snake(a) == schema.Snake(arg) }) {
			return c, t
		}
	}
	return Completion{}, nil
}

// idText is what an id may look like: nobody's sentence.
var idText = lazyregexp.New(`^~?[A-Za-z0-9._-]{1,63}$`)

// ids calls the tool for the ids that c names, in order.
func (t *tool) ids(ctx context.Context, c Completion) []string {
	ctx, end := t.calls.Begin(ctx)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	raw, err := jsontree.Encode(c.In)
	if err == nil {
		raw, _, err = t.in.Bind(raw)
	}
	if err != nil {
		return nil
	}
	res, err := t.do(ctx, raw)
	if err == nil {
		raw, err = jsontree.Encode(res.Out)
	}
	var lists map[string]json.RawMessage
	var elements []map[string]any
	if err != nil || json.Unmarshal(raw, &lists) != nil || json.Unmarshal(lists[c.List], &elements) != nil {
		return nil
	}
	var list []string
	for _, e := range elements {
		id := ""
		switch v := e[c.ID].(type) {
		case string:
			id = v
		case float64:
			if n, err := json.Marshal(v); err == nil {
				id = string(n)
			}
		}
		if idText.MatchString(id) && !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}
