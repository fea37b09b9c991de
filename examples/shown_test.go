package examples_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What each package shows beside its documentation, by the name of the example. What
// begins with a dash says why there is none.
var shown = map[string]map[string]string{
	"wazuh": {"list": "ExampleClient_ListAgents", "walk": "ExampleClient_Alerts", "write": "ExampleClient_RunActiveResponse",
		"gated write": "ExampleClient_Ops", "error switch": "ExampleError", "fake": "wazuhtest.Example"},
	"thehive": {"list": "Example", "walk": "ExampleClient_Cases", "write": "ExampleClient_CreateCase",
		"gated write": "ExampleClient_Ops", "error switch": "ExampleError", "fake": "thehivetest.Example"},
	"cortex": {"list": "ExampleClient_ListAnalyzers", "walk": "ExampleClient_Jobs", "write": "ExampleClient_AnalyzeObservable",
		"gated write": "ExampleClient_Ops", "error switch": "ExampleError", "fake": "cortextest.Example"},
	"misp": {"list": "ExampleClient_SearchEvents", "walk": "ExampleClient_Attributes", "write": "ExampleClient_CreateEvent",
		"gated write": "ExampleClient_Ops", "error switch": "ExampleError", "fake": "misptest.Example"},
	"attack": {"list": "ExampleClient_ListGroups", "walk": "ExampleKB_Techniques", "write": "- ATT&CK is read",
		"gated write": "- ATT&CK is read", "error switch": "ExampleNotFoundError", "fake": "- its data is in the program"},
	"attack/soc": {"list": "ExampleClient_ListCases", "walk": "- the platforms' clients walk", "write": "ExampleClient_EnrichCase",
		"gated write": "ExampleClient_Ops", "error switch": "ExampleErrNotConfigured", "fake": "- those of the platforms"},
	"gate": {"list": "- it has no lists", "walk": "- it has no lists", "write": "- what it gates is anybody's",
		"gated write": "ExampleWrap", "error switch": "ExampleRepeatedError", "fake": "gatetest.Example"},
}

// calls lists what a body calls, such as c.Cases.
func calls(body ast.Node) (list []string) {
	ast.Inspect(body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			if s, ok := c.Fun.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok {
					list = append(list, x.Name+"."+s.Sel.Name)
				}
			}
		}
		return true
	})
	return list
}

// shows are the marks by which a body shows something.
var shows = map[string]func(f *ast.FuncDecl) bool{
	"list": func(f *ast.FuncDecl) bool {
		return slices.ContainsFunc(calls(f.Body), func(c string) bool { return strings.Contains(c, ".List") || strings.Contains(c, ".Search") })
	},
	"walk": func(f *ast.FuncDecl) (walks bool) {
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if r, ok := n.(*ast.RangeStmt); ok {
				_, call := r.X.(*ast.CallExpr)
				walks = walks || call
			}
			return true
		})
		return walks
	},
	"write": func(f *ast.FuncDecl) bool { // calls what it is named after
		_, method, _ := strings.Cut(f.Name.Name, "_")
		return slices.Contains(calls(f.Body), "c."+method)
	},
	"gated write": func(f *ast.FuncDecl) bool { return slices.Contains(calls(f.Body), "gate.Wrap") },
	"error switch": func(f *ast.FuncDecl) (asks bool) {
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if s, ok := n.(*ast.SwitchStmt); ok {
				told := calls(s)
				asks = asks || slices.Contains(told, "errors.Is") || slices.Contains(told, "connect.Kind")
			}
			return true
		})
		return asks
	},
	"fake": func(f *ast.FuncDecl) bool { return f.Doc.Text() != "" },
}

// TestEachPackageShowsItsUse: a reader of pkg.go.dev finds, for each package, a list,
// a walk, a write, a gated write, a switch over errors and the fake in a test. Each is
// run, since it says what it prints.
func TestEachPackageShowsItsUse(t *testing.T) {
	t.Parallel()
	for pkg, parts := range shown {
		for part, isShown := range shows {
			where, name := filepath.Join("..", filepath.FromSlash(pkg)), parts[part]
			if strings.HasPrefix(name, "-") {
				continue
			}
			if sub, inner, ok := strings.Cut(name, "."); ok {
				where, name = filepath.Join(where, sub), inner
			}
			f, file := example(t, where, name)
			switch {
			case f == nil:
				t.Errorf("%s: there is no %q to show a %s", pkg, name, part)
			case !isShown(f):
				t.Errorf("%s: %s doesn't show a %s", pkg, name, part)
			case part != "fake" && !slices.ContainsFunc(file.Comments, func(c *ast.CommentGroup) bool {
				return f.Body.Pos() < c.Pos() && c.End() < f.Body.End() && strings.HasPrefix(c.Text(), "Output:")
			}):
				t.Errorf("%s: %s isn't run: it doesn't say what it prints", pkg, name)
			}
		}
	}
}

// example finds a function among the tests in a folder.
func example(t *testing.T, dir, name string) (*ast.FuncDecl, *ast.File) {
	t.Helper()
	files := token.NewFileSet()
	all, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: no tests: %v", dir, err)
	}
	for _, path := range all {
		f, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Name.Name == name {
				return d, f
			}
		}
	}
	return nil, nil
}
