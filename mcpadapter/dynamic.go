package mcpadapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/bm25"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/nearest"
)

// The tools of a server with [Options.Dynamic].
const (
	FindTool     = "find_tool"
	DescribeTool = "describe_tool"
	CallTool     = "call_tool"
)

func (s *Server) findOp() gate.Op {
	find := func(_ context.Context, in findInput) (*found, error) { return s.find(in), nil }
	return gate.Read(FindTool, find, "Find tools of this server by words, such as \"thehive create case\" or \"correlate ip\".").Op()
}

func (s *Server) describeOp() gate.Op {
	describe := func(_ context.Context, in describeInput) (*description, error) {
		t, err := s.named(in.Name)
		if err != nil {
			return nil, err
		}
		return &description{Name: in.Name, Tier: t.op.Tier(), Doc: t.op.Doc(), Arguments: t.in.Schema()}, nil
	}
	return gate.Read(DescribeTool, describe, "Tell what a tool does, its tier and its arguments.").Op()
}

func callToolDefinition() *mcp.Tool {
	yes := true
	return &mcp.Tool{
		Name:        CallTool,
		Title:       title(CallTool),
		Meta:        mcp.Meta{"anthropic/alwaysLoad": true},
		Description: "Call a tool that find_tool found. Tools that write wait for the operator's approval, as if they were called directly.",
		Annotations: &mcp.ToolAnnotations{Title: title(CallTool), DestructiveHint: &yes, OpenWorldHint: &yes},
		InputSchema: &jsonschema.Schema{Type: "object", Required: []string{"name"},
			Properties: map[string]*jsonschema.Schema{
				"name":      {Type: "string", Description: "The tool's name."},
				"arguments": {Type: "object", Description: "Its arguments, as describe_tool tells them."},
			},
			AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
		},
	}
}

type findInput struct {
	Query string `json:"query" alias:"q,search" jsonschema:"Words in a tool's name or description." minLength:"1" maxLength:"200"`
	Limit int    `json:"limit,omitempty" minimum:"1" maximum:"50"`
}

// SetDefaults asks for ten.
func (in *findInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 10
	}
}

type describeInput struct {
	Name string `json:"name" alias:"tool" jsonschema:"The tool's name." maxLength:"64"`
}

type description struct {
	Name      string          `json:"name"`
	Tier      gate.Tier       `json:"tier"`
	Doc       string          `json:"doc"`
	Arguments json.RawMessage `json:"arguments" untrusted:"false" jsonschema:"The JSON Schema of its arguments."`
}

type found struct {
	Total int     `json:"total" jsonschema:"How many tools fit."`
	Note  string  `json:"note,omitempty"`
	Tools []match `json:"tools"`
}

type match struct {
	Name string    `json:"name"`
	Tier gate.Tier `json:"tier"`
	Doc  string    `json:"doc"`
}

// hintCounts is how often a hint counts, which is what analysts say, beside the many words
// of the arguments.
const hintCounts = 4

// find ranks tools by the words of their names, descriptions, hints and arguments.
func (s *Server) find(in findInput) *found {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		texts := make([]string, len(s.findable))
		for i, t := range s.findable {
			hint := strings.Repeat(" "+s.opts.SearchHints[t.op.Name()], hintCounts)
			texts[i] = t.op.Name() + " " + t.op.Doc() + hint + " " + t.in.Words()
		}
		s.index, s.phrases = bm25.New(texts), phrases(s.opts.SearchWords)
	}
	rank := s.index.Rank(s.meant(in.Query))
	out := &found{Total: len(rank)}
	if len(rank) == 0 {
		rank = s.index.Rank("search find")
		out.Note = "No tool says it. These search what the platforms have; there may be none for what is asked."
	}
	for _, i := range rank[:min(len(rank), in.Limit)] {
		op := s.findable[i].op
		out.Tools = append(out.Tools, match{op.Name(), op.Tier(), op.Doc()})
	}
	return out
}

// meant returns the words of a query without those that say nothing, in the other number
// where no tool has them, and twice the words of tools for what people say, which are surer.
func (s *Server) meant(query string) string {
	said := map[string]bool{}
	var words []string
	for _, w := range bm25.Words(query) {
		if strings.Contains(fillers, " "+w+" ") {
			said[w] = true // though a phrase may have it
			continue
		}
		said[w], words = true, append(words, w)
		one, plural := strings.CutSuffix(w, "s")
		if !plural {
			one += "s"
		}
		if said[one] = true; !s.index.Has(w) {
			words = append(words, one)
		}
	}
	for _, p := range s.phrases {
		if !slices.ContainsFunc(p.said, func(w string) bool { return !said[w] }) {
			words = append(append(words, p.meant...), p.meant...)
		}
	}
	return strings.Join(words, " ")
}

// fillers are words that say nothing of a tool.
const fillers = " a all an and any are by did do does for from has have how i in is it my me of on or our that the this to was we what which who with "

// A phrase is what people say, and what tools say for it.
type phrase struct{ said, meant []string }

// phrases are those of [Options.SearchWords], in the order of what is said.
func phrases(words map[string]string) []phrase {
	var list []phrase
	for _, said := range slices.Sorted(maps.Keys(words)) {
		list = append(list, phrase{bm25.Words(said), bm25.Words(words[said])})
	}
	return list
}

// named returns the findable tool of that name, or an error that names near ones.
func (s *Server) named(name string) (*tool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, len(s.findable))
	for i, t := range s.findable {
		if t.op.Name() == name {
			return t, nil
		}
		names[i] = t.op.Name()
	}
	if near := nearest.Word(name, 2+len(name)/4, slices.Values(names)); near != "" {
		return nil, fmt.Errorf("there is no tool %s; did you mean %s?", jsontree.Label(name), near)
	}
	return nil, fmt.Errorf("there is no tool %s; find one with %s", jsontree.Label(name), FindTool)
}

// dispatch serves call_tool: the call of another tool, as if it were made directly.
func (s *Server) dispatch(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	wrong := func(why string) (*mcp.CallToolResult, error) {
		return s.invalid(ctx, CallTool, errors.New(why)).result, nil
	}
	v, err := jsontree.Parse(orEmpty(req.Params.Arguments), jsontree.MaxDepthIn+1)
	if err != nil {
		return wrong(err.Error())
	}
	var name string
	args := json.RawMessage("{}")
	seen := map[string]bool{}
	for i, k := range v.Keys {
		e := v.Elems[i]
		switch {
		case seen[k]:
			return wrong(jsontree.Label(k) + ": given twice")
		case k == "name" && e.Kind == jsontree.String:
			name = e.Text
		case k == "arguments" && e.Kind == jsontree.Object:
			args = e.Append(nil)
		case k == "arguments" && e.Kind == jsontree.String:
			args = json.RawMessage(e.Text) // bound, or refused, by the tool itself
		case k == "name" || k == "arguments":
			return wrong(k + ": want name, a string, and arguments, an object")
		default:
			return wrong(jsontree.Label(k) + ": unknown argument; allowed: name, arguments")
		}
		seen[k] = true
	}
	t, err := s.named(name)
	if err != nil {
		return s.replied(ctx, failure{Status: statusInvalid, Message: err.Error()}).result, nil
	}
	inner := *req
	params := *req.Params
	params.Name, params.Arguments = t.op.Name(), args
	inner.Params = &params
	return t.call(ctx, &inner)
}

func orEmpty(args json.RawMessage) json.RawMessage {
	if len(args) == 0 {
		return json.RawMessage("{}")
	}
	return args
}
