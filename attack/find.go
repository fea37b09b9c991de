package attack

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// Paging says which part of a list to return.
type Paging struct {
	Limit  int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many were asked for
	Offset int `json:"offset,omitempty" minimum:"0"`                           // how many were skipped
}

// Page is a part of a list, with how long the whole is.
type Page[T any] struct {
	Total      int    `json:"total"`                // how many there are
	NextOffset int    `json:"nextOffset,omitempty"` // where the next page begins; absent on the last
	Items      []T    `json:"items"`                // these of them
	Note       string `json:"note,omitempty"`       // what to know about the answer
}

// page converts a part of a list.
func page[From, To any](all []From, p Paging, convert func(From) To) *Page[To] {
	from := min(p.Offset, len(all))
	end := min(from+p.Limit, len(all))
	out := &Page[To]{Total: len(all), Items: make([]To, 0, end-from)}
	for _, f := range all[from:end] {
		out.Items = append(out.Items, convert(f))
	}
	if end < len(all) {
		out.NextOffset = end
	}
	return out
}

// namesOnly is what to say of a search for words where there are no descriptions to look in.
func (k *KB) namesOnly(query string) string {
	if _, id := kindOf(query); id || strings.TrimSpace(query) == "" || k.source != FromTable {
		return ""
	}
	return "No descriptions were searched. " + noProse
}

// ranked returns the objects that a query fits, best first: those of that id, name or alias, then those with all its
// words in a name, then those that only mention them. An empty query fits all. Objects that fit equally well stay in order.
func ranked[T any, P object[T]](all iter.Seq[P], query string, aliases func(P) []string) []P {
	query = strings.ToLower(strings.TrimSpace(query))
	if query == "" {
		return slices.Collect(all)
	}
	type hit struct {
		p    P
		fits int
	}
	words := split(query)
	var hits []hit
	for p := range all {
		if n := fit(p.base(), aliases(p), query, words); n > 0 {
			hits = append(hits, hit{p, n})
		}
	}
	sorting.Stable(hits, func(a, b hit) int { return cmp.Compare(b.fits, a.fits) })
	out := make([]P, len(hits))
	for i, h := range hits {
		out[i] = h.p
	}
	return out
}

// How well an object fits a query, from not at all.
const (
	fitsNot = iota
	fitsText
	fitsAlias
	fitsName
	isAlias
	isName
)

func fit(o *Object, aliases []string, query string, words []string) int {
	name := strings.ToLower(o.Name)
	if name == query || strings.EqualFold(o.ID, query) {
		return isName
	}
	best := fitsNot
	if contains(name, query, words) {
		best = fitsName
	}
	for _, a := range aliases {
		a = strings.ToLower(a)
		if a == query {
			return isAlias
		}
		if best < fitsAlias && contains(a, query, words) {
			best = fitsAlias
		}
	}
	if best == fitsNot && contains(strings.ToLower(o.Description), query, words) {
		best = fitsText
	}
	return best
}

// contains reports whether a text has the query as a whole, or else each of its words.
func contains(text, query string, words []string) bool {
	if strings.Contains(text, query) {
		return true
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return len(words) > 0
}

// one returns the one of two arguments that is given, such as an id or a name.
func one(first, a, second, b string) (string, error) {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	switch {
	case a == "" && b == "":
		return "", invalid("give %s or %s", first, second)
	case a != "" && b != "":
		return "", invalid("give %s or %s, not both", first, second)
	}
	return a + b, nil
}

// Redirect says that a revoked object was asked for, and which one took its place.
type Redirect struct {
	From string `json:"from"` // the id that was given
	To   string `json:"to"`   // the id that took its place
}

// Resolved is what became of a list of ids or names of techniques.
type Resolved struct {
	Techniques []*Technique // each once
	Redirected []Redirect   // ids that another took the place of
	Unknown    []string     // those that this ATT&CK doesn't have, as they were given
	Note       string       // what is known of the unknown ones
}

// ResolveAll resolves techniques as [KB.Resolve] does. What is unknown is listed beside the others; only where nothing is
// known, that is the error, which is [ErrNotFound].
func (k *KB) ResolveAll(keys []string) (Resolved, error) {
	var r Resolved
	var missing *NotFoundError
	var why []string
	for _, key := range keys {
		t, from, err := k.Resolve(key)
		if errors.As(err, &missing) {
			r.Unknown = append(r.Unknown, key)
			if w := missing.hint(); w != "" && !slices.Contains(why, w) {
				why = append(why, w)
			}
			continue
		}
		if err != nil {
			return Resolved{}, err
		}
		if from != "" {
			r.Redirected = append(r.Redirected, Redirect{from, t.ID})
		}
		if !slices.Contains(r.Techniques, t) {
			r.Techniques = append(r.Techniques, t)
		}
	}
	if len(why) > maxHints {
		why = append(why[:maxHints], "and so on")
	}
	r.Note = strings.Join(why, "; ")
	if len(r.Techniques) == 0 && r.Unknown != nil {
		return Resolved{}, r.Missing(k)
	}
	return r, nil
}

// Missing returns the unknown ones as an error, or nil if there are none. A write, which would lose them, ends with it.
func (r Resolved) Missing(k *KB) error {
	if r.Unknown == nil {
		return nil
	}
	return &NotFoundError{Kind: words[facts.Technique], Keys: r.Unknown, Why: r.Note, Domains: k.Domains()}
}

// note adds what is known of the unknown ones to a note.
func (r Resolved) note(text string) string {
	if r.Unknown == nil {
		return text
	}
	if r.Note != "" {
		return strings.TrimSpace(text + " Not counted: " + r.Note + ".")
	}
	return strings.TrimSpace(text + " Not counted: " + strings.Join(r.Unknown, ", ") + ".")
}

// maxHints is of how many unknown ids an answer says what is known.
const maxHints = 5

// using returns a filter for those that use a technique; without an id everything passes.
func using[P any](kb *KB, id string, users func(*Technique) []P) (func(P) bool, *Redirect, error) {
	if strings.TrimSpace(id) == "" {
		return func(P) bool { return true }, nil, nil
	}
	t, from, err := kb.Resolve(id)
	if err != nil {
		return nil, nil, err
	}
	all := users(t)
	var redirect *Redirect
	if from != "" {
		redirect = &Redirect{from, t.ID}
	}
	return func(p P) bool {
		return slices.ContainsFunc(all, func(q P) bool { return any(q) == any(p) })
	}, redirect, nil
}

// filter yields what passes.
func filter[P any](all iter.Seq[P], pass func(P) bool) iter.Seq[P] {
	return func(yield func(P) bool) {
		for p := range all {
			if pass(p) && !yield(p) {
				return
			}
		}
	}
}

// excerpt returns the beginning of a description, without citations.
func excerpt(description string) string { return clip.Text(plain(description), 300) }
