package main

import (
	"go/ast"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

func TestSchemasSayWhatTheCommentsOfFieldsSay(t *testing.T) {
	t.Parallel()
	for _, pkg := range packages {
		dir := filepath.Join(root, pkg)
		want, err := comments(root, pkg)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, output))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: run go generate ./internal/fielddoc (-want +got):\n%s", pkg, diff)
		}
		_, structs, err := structsOf(dir)
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range structs {
			for _, f := range s.Fields.List {
				if f.Tag != nil && strings.Contains(f.Tag.Value, "jsonschema:") {
					t.Errorf("%s: %s.%s: say it in a comment above the field, not in the tag jsonschema", pkg, name, f.Names[0])
				}
			}
		}
	}
}

func TestEveryExportedFieldHasAComment(t *testing.T) {
	t.Parallel()
	fields := 0
	err := filepath.WalkDir(root, func(dir string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch d.Name() {
		case "internal", "testdata", "cmd", "api", "examples", ".git", "gatebench":
			return filepath.SkipDir
		}
		_, structs, err := structsOf(dir)
		for name, s := range structs {
			for _, f := range s.Fields.List {
				if !ast.IsExported(name) || f.Doc.Text() != "" || f.Comment.Text() != "" {
					continue
				}
				for _, field := range f.Names {
					if field.IsExported() {
						t.Errorf("%s: %s.%s has no comment", strings.TrimPrefix(dir, root+"/"), name, field.Name)
					}
				}
			}
			fields += len(s.Fields.List)
		}
		return err
	})
	if err != nil || fields < 3000 {
		t.Errorf("%d fields looked at, %v", fields, err)
	}
}
