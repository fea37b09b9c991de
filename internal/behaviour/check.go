package behaviour

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Check fails for each row of table that is incomplete, or whose test isn't in
// the test files of the folder under test or of those in dirs, and when the page
// isn't what the rows give. It writes the page where the test was called with a
// flag -update, which the package under test defines.
func Check(t *testing.T, table Table, page string, dirs ...string) {
	t.Helper()
	tests := testsIn(t, append([]string{"."}, dirs...))
	for _, fault := range table.faults(tests) {
		t.Error(fault)
	}
	want := table.Page()
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("%s isn't what the table gives (-want +have); run the test with -update:\n%s", page, diff)
	}
}

// Proved fails for each of names that proofs has no test for, and for each proof
// that isn't in the test files of the folder under test or of those in dirs.
func Proved(t *testing.T, names []string, proofs map[string][]string, dirs ...string) {
	t.Helper()
	tests := testsIn(t, append([]string{"."}, dirs...))
	for _, name := range names {
		if len(proofs[name]) == 0 {
			t.Errorf("no test holds %q", name)
		}
	}
	for name, list := range proofs {
		for _, proof := range list {
			if why := tests.lacks(proof); why != "" {
				t.Errorf("%s: %s", name, why)
			}
		}
	}
}

// CasesProved is [Proved] for the cases of a kind that are collected beside the project.
// Where they aren't, the test is skipped once its proofs have been looked at.
func CasesProved(t *testing.T, kind string, proofs map[string][]string, dirs ...string) {
	t.Helper()
	names := cases(t, kind)
	Proved(t, names, proofs, dirs...)
	if len(names) == 0 {
		t.Skip("without the cases beside the project, that all of them are held isn't looked at")
	}
}

// Cases returns the names of the cases of a kind that are collected beside the project,
// and skips the test where they aren't.
func Cases(t *testing.T, kind string) []string {
	t.Helper()
	names := cases(t, kind)
	if len(names) == 0 {
		t.Skip("without the cases beside the project")
	}
	return names
}

// cases looks for them from a package that stands right below the root.
func cases(t *testing.T, kind string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "cases", kind, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	return names
}

// faults says what is wrong with the rows, given the tests that there are.
func (t Table) faults(tests tests) (list []string) {
	seen := map[string]bool{}
	for i, r := range t.Rows {
		say := func(format string, args ...any) {
			list = append(list, fmt.Sprintf("row %d (%.60s): ", i, r.Does)+fmt.Sprintf(format, args...))
		}
		for name, value := range map[string]string{"Does": r.Does, "Versions": r.Versions, "Client": r.Client, "Test": r.Test} {
			if strings.TrimSpace(value) == "" || strings.Contains(value, "\n") {
				say("%s: want one line", name)
			}
		}
		if len(r.Known) == 0 {
			say("Known: nobody vouches for it")
		}
		if !slices.Contains(groups, r.Group) {
			say("Group: %q is none", r.Group)
		}
		if seen[r.Does] {
			say("stands twice")
		}
		seen[r.Does] = true
		if why := tests.lacks(r.Test); why != "" {
			say("Test: %s", why)
		}
	}
	return list
}

// tests are the test functions that there are, each with the texts of its file
// and its package, among which are the names of its subtests.
type tests map[string]map[string]bool

// lacks says why name names no test, or nothing.
func (ts tests) lacks(name string) string {
	function, sub, isSub := strings.Cut(name, "/")
	texts, ok := ts[function]
	switch {
	case !ok:
		return fmt.Sprintf("there is no test %q", function)
	case isSub && !texts[sub]:
		return fmt.Sprintf("there is no subtest %q of %s", sub, function)
	}
	return ""
}

// testsIn reads the test files of dirs.
func testsIn(t *testing.T, dirs []string) tests {
	t.Helper()
	found := tests{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			found.read(file)
		}
	}
	return found
}

// read adds the tests of a file.
func (ts tests) read(file *ast.File) {
	texts := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil {
				texts[s] = true
			}
		}
		return true
	})
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
			ts[f.Name.Name] = texts
		}
	}
}
