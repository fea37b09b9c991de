package thehive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/spelling"
)

// longTexts are the fields that TheHive indexes by word.
var longTexts = []string{"description", "summary", "message", "content"}

// Words holds where each word of text is part of one of fields, on every server
// that is known: a word is looked for with wildcards, in the spellings of case
// that occur, as it is, and in a long field as a word of its own too. A word that
// holds anything but letters and digits is looked for by its parts as well, as
// some servers split at the rest; so more may be found than holds it.
func Words(text string, fields ...string) Filter {
	var all []Filter
	for _, w := range strings.Fields(text) {
		if bare := strings.Trim(strings.TrimRight(w, ",.;:!?)]}>"), "([{<>}])"); bare != "" { // as in a sentence
			w = bare
		}
		all = append(all, word(w, fields))
	}
	return And(all...)
}

// word holds where w is part of one of fields, also where it is written so that nobody
// clicks on it.
func word(w string, fields []string) Filter {
	found := forms(w, fields)
	plain := spelling.Refang(w)
	if plain != w {
		found = append(found, forms(plain, fields)...)
	}
	if _, rest, ok := strings.Cut(plain, "://"); ok { // the scheme is what differs
		plain = rest
	}
	if parts := split(plain); len(parts) > 1 {
		var all []Filter
		for _, p := range parts {
			all = append(all, Or(forms(p, fields)...))
		}
		found = append(found, And(all...))
	}
	return Or(found...)
}

// forms are the conditions of which some server is known to take each for "w is
// part of the field".
func forms(w string, fields []string) (list []Filter) {
	lower, upper := strings.ToLower(w), strings.ToUpper(w)
	title := lower
	for _, r := range lower { // the first letter in capitals
		title = string(unicode.ToUpper(r)) + strings.TrimPrefix(lower, string(r))
		break
	}
	for _, f := range fields {
		for _, spelling := range unique([]string{w, lower, title, upper}) {
			list = append(list, Like(f, "*"+strings.Trim(spelling, "*")+"*"))
		}
		list = append(list, Like(f, w))
		if slices.Contains(longTexts, f) {
			list = append(list, Match(f, w))
		}
	}
	return list
}

// split returns the runs of letters and digits in w.
func split(w string) []string {
	return strings.FieldsFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '*' })
}

// How much of a text is searched for, and how far.
const (
	maxWords  = 12
	maxHeldUp = 2000 // entities that are held against a phrase
)

// A search is what a person typed: words, and phrases that must be there as they
// are, which are those in quotes and words that hold more than letters and digits.
type search struct {
	words   []string
	phrases []string // in lower case
}

// parseSearch reads text. Quotes that aren't closed end with it.
func parseSearch(name, text string) (search, error) {
	var s search
	for i, part := range strings.Split(text, `"`) {
		for _, w := range strings.Fields(part) {
			s.words = append(s.words, w)
			if i%2 == 0 && len(split(w)) > 1 && !strings.Contains(w, "*") {
				s.phrases = append(s.phrases, strings.ToLower(w))
			}
		}
		if i%2 == 1 {
			s.phrases = append(s.phrases, strings.ToLower(strings.Join(strings.Fields(part), " ")))
		}
	}
	switch {
	case len(s.words) == 0:
		return s, fmt.Errorf("%w: %s: is empty", ErrInvalid, name)
	case len(s.words) > maxWords:
		return s, fmt.Errorf("%w: %s: has %d words; at most %d are looked for", ErrInvalid, name, len(s.words), maxWords)
	}
	return s, nil
}

// filter holds for all that may be meant.
func (s search) filter(fields ...string) Filter { return Words(strings.Join(s.words, " "), fields...) }

// holds reports whether each phrase is in one of texts, as it is or once both are
// written plainly: hxxp://evil[.]example is http://evil.example.
func (s search) holds(texts ...string) bool {
	for i, t := range texts {
		texts[i] = strings.ToLower(strings.Join(strings.Fields(t), " "))
	}
	return !slices.ContainsFunc(s.phrases, func(p string) bool {
		plain := spelling.Refang(p)
		return !slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, p) || strings.Contains(spelling.Refang(t), plain) })
	})
}

// found is one page of a search.
type found[T any] struct {
	items []T
	total int
	note  string // what wasn't looked at; empty: nothing
}

// searched returns one page of what q gives, newest first. Where s has phrases,
// TheHive can only narrow the search down, so that the newest of what it gives
// are held against them here.
func searched[T walked](ctx context.Context, c *Client, name string, s search, offset, limit int, q Query, texts func(T) []string) (*found[T], error) {
	if len(s.phrases) == 0 {
		items, total, err := paged[T](ctx, c, name, order{"_createdAt", Desc}, offset, limit, q)
		return &found[T]{items: items, total: total}, err
	}
	out := &found[T]{}
	looked := 0
	for v, err := range walk[T](ctx, c, name, 0, q) {
		if err != nil {
			return nil, err
		}
		if looked++; looked > maxHeldUp {
			out.note = fmt.Sprintf("Only the newest %d that may match were held against %q: there may be more. Narrow the search by a date or a further word.", maxHeldUp, strings.Join(s.phrases, ", "))
			break
		}
		if !s.holds(texts(v)...) {
			continue
		}
		if out.total >= offset && len(out.items) < limit {
			out.items = append(out.items, v)
		}
		out.total++
	}
	return out, nil
}
