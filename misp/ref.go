package misp

import (
	"context"
	"iter"
	"math"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/resume"
)

// A Ref names an attribute, an object, a template, a galaxy, a cluster or an
// organisation: its id ("42") or its UUID.
type Ref string

// Pattern is the form of a Ref, for schemas.
func (Ref) Pattern() string { return eventPattern }

func (r Ref) check(name string) error {
	if !eventRegexp.MatchString(string(r)) {
		return invalid("%s: %q is neither an id nor a UUID", name, clip.Text(string(r), 60))
	}
	return nil
}

// path is r as MISP wants it: it takes UUIDs in lower case only.
func (r Ref) path() string { return strings.ToLower(string(r)) }

// is reports whether r names what has this id and UUID.
func (r Ref) is(id ID, uuid string) bool {
	return r.path() == string(id) || strings.EqualFold(string(r), uuid)
}

// A NumericID is the id of a feed or of a sharing group: a number, never a UUID.
type NumericID string

const numberPattern = `^[1-9][0-9]{0,9}$`

var numberRegexp = lazyregexp.New(numberPattern)

// Pattern is the form of a NumericID, for schemas.
func (NumericID) Pattern() string { return numberPattern }

func (id NumericID) check() error {
	if !numberRegexp.MatchString(string(id)) {
		return invalid("feedId: %q is not the id of a feed", clip.Text(string(id), 60))
	}
	return nil
}

// Paging asks for one page of a list.
type Paging struct {
	Page  int `json:"page,omitempty" minimum:"1" maximum:"100000" default:"1"` // which page this is, from 1
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"`  // how many were asked for
}

// cut returns the page of list that p asks for, and whether there is more.
func cut[T any](p Paging, list []T) ([]T, bool) {
	from := min((p.Page-1)*p.Limit, len(list))
	to := from + min(p.Limit, len(list)-from)
	return append([]T{}, list[from:to]...), to < len(list)
}

// walkWhole is an iterator over a list that MISP gives in one answer: list's page of
// all. in.Page and in.Limit say how many rows are left out before it, and id tells rows
// apart.
func walkWhole[In, Page, T any, ID comparable, P interface {
	*In
	paging() *Paging
}](ctx context.Context, in In, list func(context.Context, In) (*Page, error), rows func(*Page) []T, id func(T) ID) iter.Seq2[T, error] {
	p := P(&in).paging()
	if err := input.PrepareWalk(&in, &p.Limit, maxLimit, ErrInvalid); err != nil {
		return paging.Failed[T](err)
	}
	skipped := (p.Page - 1) * p.Limit
	if _, from := resume.Asked(ctx); from {
		skipped = 0
	}
	p.Page, p.Limit = 1, math.MaxInt
	return paging.AtOnce(ctx, id, func(ctx context.Context) ([]T, error) {
		all, err := list(ctx, in)
		if err != nil {
			return nil, err
		}
		items := rows(all)
		return items[min(skipped, len(items)):], nil
	})
}

func (p *Paging) paging() *Paging { return p }

// mentions reports whether one of texts holds what, in any case.
func mentions(what string, texts ...string) bool {
	what = strings.ToLower(strings.TrimSpace(what))
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), what) {
			return true
		}
	}
	return false
}

// checkText refuses a text that is blank, too long, or has control characters.
func checkText(name, s string, most int) error {
	switch {
	case strings.TrimSpace(s) == "":
		return invalid("%s: is blank", name)
	case len(s) > most:
		return invalid("%s: has %d bytes, at most %d are allowed", name, len(s), most)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }):
		return invalid("%s: holds a control character", name)
	}
	return nil
}
