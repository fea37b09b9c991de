package examples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A catalogue is what the servers that people use today offer.
type catalogue map[string]struct {
	Tools []struct {
		Name string
		Args []struct {
			Name, Type string
			Required   bool
			Enum       []any
		}
	}
	Resources []string
	Prompts   []struct {
		Name string
		Args []struct {
			Name     string
			Required bool
		}
	}
}

func readCatalogue(t *testing.T) catalogue {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "catalogue.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c catalogue
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

type property struct {
	Type  any
	Enum  []any
	Items *property
}

// tools returns the input schema of each tool that a server lists.
func (s *site) tools(server string) map[string]map[string]property {
	s.t.Helper()
	all := map[string]map[string]property{}
	for tool, err := range s.session(server).Tools(s.t.Context(), nil) {
		if err != nil {
			s.t.Fatal(err)
		}
		b, err := json.Marshal(tool.InputSchema)
		if err != nil {
			s.t.Fatal(err)
		}
		var schema struct{ Properties map[string]property }
		if err := json.Unmarshal(b, &schema); err != nil {
			s.t.Fatal(err)
		}
		all[tool.Name] = schema.Properties
	}
	return all
}

// asBroad are the types that take what a type of the catalogue takes: numbers
// stand for integers there, and ids are strings here.
var asBroad = map[string][]any{
	"string": {"string"}, "number": {"integer", "number", "string"}, "integer": {"integer", "string"}, "boolean": {"boolean"},
	"array": {"array"}, "object": {"object"},
}

// impossible are values of the catalogue that a platform can't serve.
var impossible = map[string]string{
	"cortex_cleanup_jobs status Deleted": "the search of Cortex never finds a deleted job",
}

func TestEveryToolOfTheCatalogueIsServedUnderItsNameAndArguments(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	for server, c := range readCatalogue(t) {
		have := s.tools(server)
		for _, tool := range c.Tools {
			props, ok := have[tool.Name]
			if !ok {
				t.Errorf("%s does not serve %s", server, tool.Name)
				continue
			}
			for _, arg := range tool.Args {
				p, ok := props[arg.Name]
				switch {
				case !ok:
					t.Errorf("%s has no argument %s", tool.Name, arg.Name)
				case p.Type != nil && !slices.Contains(asBroad[arg.Type], p.Type):
					t.Errorf("%s: %s is %v, in the catalogue %s", tool.Name, arg.Name, p.Type, arg.Type)
				}
				for _, v := range arg.Enum {
					if _, ok := impossible[fmt.Sprintf("%s %s %v", tool.Name, arg.Name, v)]; ok {
						continue
					}
					if len(p.Enum) > 0 && !slices.Contains(p.Enum, v) {
						t.Errorf("%s: %s does not take %v", tool.Name, arg.Name, v)
					}
				}
			}
		}
	}
}

func TestEveryResourceAndPromptOfTheCatalogueIsServed(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	for server, c := range readCatalogue(t) {
		var uris []string
		for r, err := range s.session(server).Resources(t.Context(), nil) {
			if err != nil {
				t.Errorf("%s: %v", server, err)
				break
			}
			uris = append(uris, r.URI)
		}
		for _, uri := range c.Resources {
			if !slices.Contains(uris, uri) {
				t.Errorf("%s does not serve %s", server, uri)
			}
		}
		prompts := map[string]*mcp.Prompt{}
		for p, err := range s.session(server).Prompts(t.Context(), nil) {
			if err != nil {
				t.Errorf("%s: %v", server, err)
				break
			}
			prompts[p.Name] = p
		}
		for _, want := range c.Prompts {
			p := prompts[want.Name]
			if p == nil {
				t.Errorf("%s does not serve the prompt %s", server, want.Name)
				continue
			}
			for _, arg := range want.Args {
				if !slices.ContainsFunc(p.Arguments, func(a *mcp.PromptArgument) bool { return a.Name == arg.Name && a.Required == arg.Required }) {
					t.Errorf("the prompt %s lacks the argument %s", want.Name, arg.Name)
				}
			}
		}
	}
}
