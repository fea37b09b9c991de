// The command prune takes the types, constants and methods that nobody uses out
// of a generated client:
//
//	prune FILE PACKAGE
//
// FILE is the generated file, PACKAGE the directory of the package that uses it.
// The client's own methods stay.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"log"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: prune FILE PACKAGE")
	}
	file, dir := os.Args[1], os.Args[2]
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	used, err := names(dir, filepath.Base(filepath.Dir(file)))
	if err != nil {
		log.Fatal(err)
	}
	if text, err = prune(text, used); err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// names returns what the package in dir uses of pkg, and the names of the
// methods that it calls, each behind a dot.
func names(dir, pkg string) (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				used["."+s.Sel.Name] = true
				if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
					used[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	return used, nil
}

// A unit is a declaration that stays or goes as a whole.
type unit struct {
	name     string // "" stays if any of a constant's group does
	of       string // the type whose method it is
	from, to token.Pos
	node     ast.Node
	keep     bool
}

// prune returns the generated file text with what used reaches.
func prune(text []byte, used map[string]bool) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	units := unitsOf(file)
	wanted := map[string]bool{"Client": true}
	for name := range used {
		wanted[name] = true
	}
	for again := true; again; {
		again = false
		for _, u := range units {
			if u.keep || !u.wanted(wanted) {
				continue
			}
			u.keep, again = true, true
			for _, name := range mentioned(u.node) {
				wanted[name] = true
			}
		}
	}
	tokens := fset.File(file.Pos())
	var body bytes.Buffer
	for _, u := range units {
		if u.keep {
			fmt.Fprintf(&body, "\n%s\n", text[tokens.Offset(u.from):tokens.Offset(u.to)])
		}
	}
	var out bytes.Buffer
	out.Write(text[:tokens.Offset(file.Name.End())])
	out.WriteString("\n\nimport (\n")
	for _, i := range file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		if i.Name != nil || bytes.Contains(body.Bytes(), []byte(path.Base(p)+".")) {
			if strings.Contains(p, ".") && !strings.Contains(out.String(), ".com/sallyport") {
				out.WriteString("\n")
			}
			fmt.Fprintf(&out, "\t%s\n", i.Path.Value)
		}
	}
	out.WriteString(")\n")
	out.Write(body.Bytes())
	return format.Source(out.Bytes())
}

func (u *unit) wanted(wanted map[string]bool) bool {
	switch {
	case u.of == "":
		return wanted[u.name]
	case u.of == "Client" || strings.HasSuffix(u.name, "JSON"):
		return wanted[u.of]
	}
	return wanted[u.of] && wanted["."+u.name]
}

// mentioned returns the names in n that may be those of types, values and functions.
func mentioned(n ast.Node) (names []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			names = append(names, mentioned(n.Type)...)
			return false
		case *ast.SelectorExpr:
			names = append(names, mentioned(n.X)...)
			return false
		case *ast.Ident:
			names = append(names, n.Name)
		}
		return true
	})
	return names
}

// unitsOf returns the declarations of file, apart from its imports.
func unitsOf(file *ast.File) []*unit {
	var units []*unit
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			u := &unit{name: d.Name.Name, from: start(d.Doc, d.Pos()), to: d.End(), node: d}
			if d.Recv != nil {
				t := d.Recv.List[0].Type
				if p, ok := t.(*ast.StarExpr); ok {
					t = p.X
				}
				u.of = t.(*ast.Ident).Name
			}
			units = append(units, u)
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				continue
			}
			u := &unit{from: start(d.Doc, d.Pos()), to: d.End(), node: d}
			switch s := d.Specs[0].(type) {
			case *ast.TypeSpec:
				u.name = s.Name.Name
			case *ast.ValueSpec:
				u.name = s.Names[0].Name
				if t, ok := s.Type.(*ast.Ident); ok && d.Tok == token.CONST {
					u.name = t.Name // the values of a type stay as long as the type does
				}
			}
			units = append(units, u)
		}
	}
	return units
}

func start(doc *ast.CommentGroup, pos token.Pos) token.Pos {
	if doc != nil {
		return doc.Pos()
	}
	return pos
}
