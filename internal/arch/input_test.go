package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// The gate checks the input of an operation and tells its function so, by the context. An
// input that the function has changed by then is checked again, but for what it changed in a
// list or a map of it: that would never be.
func TestAFunctionOfAClientPreparesItsInputBeforeItChangesIt(t *testing.T) {
	prepared := 0
	for _, dir := range append([]string{"attack", "attack/soc"}, platforms...) {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files: %v", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Body == nil || !takesInput(fn) {
					continue
				}
				changed, asked := firstChange(fn.Body)
				if asked.IsValid() {
					prepared++
				}
				if changed.IsValid() && (!asked.IsValid() || changed < asked) {
					t.Errorf("%s: %s changes its input before input.Prepare", set.Position(changed), fn.Name.Name)
				}
			}
		}
	}
	if prepared < 150 {
		t.Errorf("found %d functions that prepare their input, want the clients' 150 and more: does this test still see them?", prepared)
	}
}

// takesInput reports whether fn is of the form of an operation: of a context and an input, with an
// answer that is no plan, which the gate asks for an input that it has prepared, and no iterator.
func takesInput(fn *ast.FuncDecl) bool {
	list := fn.Type.Params.List
	if len(list) != 2 || len(list[1].Names) != 1 || list[1].Names[0].Name != "in" {
		return false
	}
	if r := fn.Type.Results; r == nil || len(r.List) != 2 || isSelector(r.List[0].Type, "gate", "Plan") {
		return false
	}
	_, pointer := list[1].Type.(*ast.StarExpr)
	return isSelector(list[0].Type, "context", "Context") && !pointer
}

// firstChange returns where in is first changed, or may be since its address is given away,
// and where it is first prepared.
func firstChange(body *ast.BlockStmt) (changed, asked token.Pos) {
	first := func(at *token.Pos, pos token.Pos) {
		if !at.IsValid() {
			*at = pos
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if of, ok := n.Fun.(*ast.SelectorExpr); ok && isIdent(of.X, "input") && strings.HasPrefix(of.Sel.Name, "Prepare") {
				first(&asked, n.Pos())
				return false
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND && isIdent(n.X, "in") {
				first(&changed, n.Pos())
			}
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if isIdent(root(to), "in") {
					first(&changed, n.Pos())
				}
			}
		case *ast.IncDecStmt:
			if isIdent(root(n.X), "in") {
				first(&changed, n.Pos())
			}
		}
		return true
	})
	return changed, asked
}

// root returns what an expression such as in.Tags[0] begins with.
func root(e ast.Expr) ast.Expr {
	for {
		switch x := e.(type) {
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return e
		}
	}
}

func isSelector(e ast.Expr, of, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && isIdent(s.X, of) && s.Sel.Name == name
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
