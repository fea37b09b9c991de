// Package fielddoc lets the schemas of tools say of an argument what the comment
// of its field says: the command fielddocs writes the comments in a package's
// inputs to its fielddoc.gen.go, which hands them over here.
//
// A comment above a field of an input is for agents too. One behind it, on the
// same line, is for those who read Go alone: schemas are short, and many names say
// enough.
//
//	type ListCasesInput struct {
//		// New, InProgress or Closed, whatever the status.
//		Stage Stage  `json:"stage,omitempty"`
//		Owner string `json:"owner,omitempty"` // the login of whom they are assigned to
//	}
package fielddoc

//go:generate go run ./fielddocs -root ../..

import (
	"reflect"
	"strings"
	"sync"
)

var packages sync.Map // of what lookup returns, by path

// Register says what the comments in the package of that path are: a line for
// each field, with its type and name as in Case.Stage, a tab and the comment.
func Register(pkg, comments string) {
	packages.LoadOrStore(pkg, sync.OnceValue(func() map[string]string {
		of := map[string]string{}
		for line := range strings.Lines(comments) {
			field, comment, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			of[field] = comment
		}
		return of
	}))
}

// Of returns the comment above a field that t, a struct, declares, or "".
func Of(t reflect.Type, field string) string {
	comments, ok := packages.Load(t.PkgPath())
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(t.Name(), "[") // the parameters of a generic type
	return comments.(func() map[string]string)()[name+"."+field]
}
