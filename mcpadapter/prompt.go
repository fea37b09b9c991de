package mcpadapter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

const (
	maxPromptValue = 8 << 10  // bytes of one argument
	maxPromptText  = 64 << 10 // bytes of a rendered prompt
	maxCompletions = 100      // of one argument, as the protocol allows
)

// AddPrompts adds prompts. If it returns an error it has added nothing.
// Arguments are checked before a prompt is rendered: an unknown one, a missing
// one and one that isn't among the allowed values are errors that name it.
// Clients can complete the values.
func (s *Server) AddPrompts(prompts ...gate.Prompt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := map[string]bool{}
	var errs []error
	for _, p := range prompts {
		switch {
		case !isName(p.Name):
			errs = append(errs, fmt.Errorf("mcpadapter: %q can't be the name of a prompt", p.Name))
		case p.Doc == "" || p.Text == nil:
			errs = append(errs, fmt.Errorf("mcpadapter: prompt %s: it needs a doc and a text", p.Name))
		case added[p.Name] || s.prompts[p.Name].Text != nil:
			errs = append(errs, fmt.Errorf("mcpadapter: prompt %s: there is another of that name", p.Name))
		}
		added[p.Name] = true
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, p := range prompts {
		s.prompts[p.Name] = p
		args := make([]*mcp.PromptArgument, len(p.Args))
		for i, a := range p.Args {
			doc := a.Doc
			if len(a.Values) > 0 {
				doc = strings.TrimSpace(doc + " One of " + strings.Join(a.Values, ", ") + ".")
			}
			args[i] = &mcp.PromptArgument{Name: a.Name, Description: doc, Required: a.Required}
		}
		s.mcp.AddPrompt(&mcp.Prompt{Name: p.Name, Title: promptTitle(p.Name), Description: p.Doc, Arguments: args}, getPrompt(p))
	}
	return nil
}

// promptTitle turns investigate-alert into "Investigate alert".
func promptTitle(name string) string {
	words := strings.NewReplacer("-", " ", "_", " ").Replace(name)
	return strings.ToUpper(words[:1]) + words[1:]
}

func getPrompt(p gate.Prompt) mcp.PromptHandler {
	return func(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		args, err := promptArgs(p, req.Params.Arguments)
		if err != nil {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: bounded(err.Error())}
		}
		text, err := p.Text(args)
		if err != nil {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: bounded(p.Name + ": " + err.Error())}
		}
		return &mcp.GetPromptResult{Description: p.Doc, Messages: []*mcp.PromptMessage{
			{Role: "user", Content: &mcp.TextContent{Text: jsontree.Clip(text, maxPromptText)}},
		}}, nil
	}
}

// promptArgs checks what was given for the arguments of p. Names may be in the
// other case style, as for tools; an empty value is one that was left out.
func promptArgs(p gate.Prompt, given map[string]string) (map[string]string, error) {
	args := map[string]string{}
	var errs []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(p.Args, func(a gate.PromptArg) bool {
			return name == a.Name || name == schema.Snake(a.Name) || name == schema.Camel(a.Name)
		})
		text := strings.TrimSpace(given[name])
		switch {
		case i < 0:
			names := make([]string, len(p.Args))
			for i, a := range p.Args {
				names[i] = a.Name
			}
			allowed := "none is allowed"
			if len(names) > 0 {
				allowed = "allowed: " + strings.Join(names, ", ")
			}
			errs = append(errs, jsontree.Label(name)+": unknown argument; "+allowed)
			continue
		case text == "":
			continue
		case len(text) > maxPromptValue || !utf8.ValidString(text):
			errs = append(errs, fmt.Sprintf("%s: want at most %d bytes of UTF-8", p.Args[i].Name, maxPromptValue))
			continue
		case len(p.Args[i].Values) > 0:
			at := slices.IndexFunc(p.Args[i].Values, func(v string) bool { return strings.EqualFold(v, text) })
			if at < 0 {
				errs = append(errs, fmt.Sprintf("%s: want one of %s, got %s", p.Args[i].Name, schema.Listed(p.Args[i].Values), schema.Shown(jsontree.StringValue(text))))
				continue
			}
			text = p.Args[i].Values[at]
		}
		args[p.Args[i].Name] = text
	}
	for _, a := range p.Args {
		if a.Required && args[a.Name] == "" && !slices.ContainsFunc(errs, func(e string) bool { return strings.HasPrefix(e, a.Name+":") }) {
			errs = append(errs, a.Name+": missing")
		}
	}
	if len(errs) > 0 {
		return nil, errors.New("invalid arguments for " + p.Name + ":\n" + strings.Join(errs, "\n"))
	}
	return args, nil
}
