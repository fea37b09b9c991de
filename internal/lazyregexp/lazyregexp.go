// Package lazyregexp has regular expressions that are compiled by their first
// use, so that a program doesn't pay at its start for those it never needs.
package lazyregexp

import (
	"regexp"
	"regexp/syntax"
	"sync"
)

// A Regexp is a regular expression that is compiled by its first use. It is
// safe for concurrent use.
type Regexp struct {
	expr string
	once sync.Once
	re   *regexp.Regexp
}

// New returns the Regexp of expr. Its first use panics if expr is none. It is so
// small that the compiler makes a variable of a package of it when it is built.
func New(expr string) *Regexp { return &Regexp{expr: expr} }

// Parse returns the Regexp of expr, or why it is none.
func Parse(expr string) (*Regexp, error) {
	if _, err := syntax.Parse(expr, syntax.Perl); err != nil {
		return nil, err
	}
	return New(expr), nil
}

// String returns the expression.
func (r *Regexp) String() string { return r.expr }

// Compiled returns the compiled expression, for what has no method here.
func (r *Regexp) Compiled() *regexp.Regexp {
	r.once.Do(func() { r.re = regexp.MustCompile(r.expr) })
	return r.re
}

// MatchString is that of [regexp.Regexp].
func (r *Regexp) MatchString(s string) bool { return r.Compiled().MatchString(s) }

// FindStringSubmatch is that of [regexp.Regexp].
func (r *Regexp) FindStringSubmatch(s string) []string { return r.Compiled().FindStringSubmatch(s) }

// FindAllString is that of [regexp.Regexp].
func (r *Regexp) FindAllString(s string, n int) []string { return r.Compiled().FindAllString(s, n) }

// ReplaceAllString is that of [regexp.Regexp].
func (r *Regexp) ReplaceAllString(s, with string) string {
	return r.Compiled().ReplaceAllString(s, with)
}
