// Package answer makes what a tool put out into what a model reads: marked where
// others wrote, cut to fit, and kept whole if it was cut.
package answer

import (
	"encoding/json"
	"strconv"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/untrusted"
)

// The members that an answer begins with, if it has them. Nothing else in it has
// these names.
const (
	keyUntrusted = "_untrusted"
	keyFlags     = "_flags"
	keyTruncated = "_truncated"
	keyNext      = "_next"
	keyRead      = "_understood"
	keyFile      = "_file"
)

// Members are the JSON Schemas of the members that any answer may have.
const Members = `"_untrusted":{},"_flags":{},"_truncated":{},"_next":{},"_understood":{},"_file":{}`

const (
	maxFlags = 20
	maxPath  = 200 // bytes of a path
)

// A Flag says that the text at a path looks like instructions to an agent. It
// is a hint for whoever reads: text without one isn't safer. Nothing is removed.
type Flag struct {
	Path  string `json:"path"`
	Class string `json:"class"`
}

// An Answer is an object on its way to the model.
type Answer struct {
	// Understood says which arguments were read as others, if some were.
	Understood []string

	typ     *schema.Type
	raw     []byte
	members []member
	judged  *judgement
	next    map[string]any
	page    *cut // what made a page smaller
	file    *File

	sent  []json.RawMessage // all rows as they were sent, where some aren't in raw yet
	rest  []json.RawMessage // those
	held  int               // bytes of all rows as they were sent
	whole func() (*Answer, error)
}

// A member is one of the object: where it stands in its text.
type member struct {
	name         string
	at, from, to int   // its name, with the quotes; its value; what follows
	rows         []int // of a list: where each element ends
}

// New reads raw, the encoding of an object of type t, in one pass: what is null
// goes where t promises a list, an object or nothing, and so does what is empty
// or says nothing among the members that t doesn't know, or of any kind and optional;
// a time that is a number becomes one that can be read; a name that is one of ours is changed.
func New(raw []byte, t *schema.Type) (*Answer, error) { return read(raw, t) }

// Texts are the strings in the answer that others wrote, each once.
func (a *Answer) Texts() []string { return a.judge().texts }

// Flags list, in order, the texts in the answer that look like instructions to an
// agent: values and the keys of objects, whoever wrote them.
func (a *Answer) Flags() []Flag { return a.judge().flags }

// member returns the member of that name, or nil.
func (a *Answer) member(name string) *member {
	for i := range a.members {
		if a.members[i].name == name {
			return &a.members[i]
		}
	}
	return nil
}

// Has reports whether there is a member of that name.
func (a *Answer) Has(name string) bool { return a.member(name) != nil }

// Number returns the member of that name, if it is an integer.
func (a *Answer) Number(name string) (int, bool) {
	m := a.member(name)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(string(a.raw[m.from:m.to]))
	return n, err == nil
}

// Text returns the member of that name, if it is a string.
func (a *Answer) Text(name string) (string, bool) {
	m := a.member(name)
	if m == nil || a.raw[m.from] != '"' {
		return "", false
	}
	s := jsontext.Scanner{Data: a.raw, Pos: m.from}
	b, err := s.Text()
	return string(b), err == nil
}

// Rows returns how many elements the member of that name has, if it is a list.
func (a *Answer) Rows(name string) (int, bool) {
	m := a.member(name)
	if m == nil || a.raw[m.from] != '[' {
		return 0, false
	}
	return len(m.rows), true
}

// head returns the members that an answer begins with, as an object without its end.
func (a *Answer) head(cuts []*cut) []byte {
	b := []byte{'{'}
	member := func(name string, v any) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		j, _ := jsontree.Encode(v) //nolint:errcheck // strings and integers always encode
		b = append(append(jsontext.AppendString(b, name), ':'), j...)
	}
	if j := a.judge(); a.Marked() {
		member(keyUntrusted, untrusted.Mark(j.paths, len(j.flags) > 0))
		if len(j.flags) > 0 {
			member(keyFlags, j.flags)
		}
	}
	if len(a.Understood) > 0 {
		member(keyRead, a.Understood)
	}
	if a.file != nil {
		member(keyFile, a.file)
	}
	if len(a.next) > 0 {
		member(keyNext, a.next)
	}
	if a.page != nil {
		cuts = append([]*cut{a.page}, cuts...)
	}
	if len(cuts) > 0 {
		member(keyTruncated, cuts)
	}
	return b
}

// A File is where a file is that an answer doesn't hold.
type File struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Bytes     int    `json:"bytes"`
	Resource  string `json:"resource,omitempty"`
	How       string `json:"how"`

	Holds map[string]int `json:"holds,omitempty"` // how many elements its lists have
}

// SetFile says that what the tool made is a file, and where it is.
func (a *Answer) SetFile(f File) { a.file = &f }

// SetRest says that the list of the answer has the first n of the rows that were sent;
// whole makes the answer that has all.
func (a *Answer) SetRest(sent []json.RawMessage, n int, whole func() (*Answer, error)) {
	a.sent, a.rest, a.whole = sent, sent[n:], whole
	for _, row := range sent {
		a.held += len(row)
	}
}

// Rest returns how many rows there are that aren't in the answer.
func (a *Answer) Rest() int { return len(a.rest) }

// Complete returns the answer with all its rows.
func (a *Answer) Complete() (*Answer, error) {
	if a.whole == nil {
		return a, nil
	}
	return a.whole()
}

// Size returns how many bytes the answer has, without a member of ours.
func (a *Answer) Size() int { return len(a.raw) }

// Body returns the answer as the tool made it, without a member of ours.
func (a *Answer) Body() []byte { return a.raw }

// Summary returns an object of what is small in the answer, and how many elements
// each of its lists has.
func (a *Answer) Summary() (small *Answer, holds map[string]int) {
	holds = map[string]int{}
	small = a.with(func(m *member) (keep bool) {
		if a.raw[m.from] == '[' {
			holds[m.name] = len(m.rows)
			return false
		}
		return m.to-m.from <= 2*maxPath
	}, nil)
	return small, holds
}

// Without returns the answer without the member of that name.
func (a *Answer) Without(name string) *Answer {
	return a.with(func(m *member) bool { return m.name != name }, nil)
}

// with returns the answer with the members that keep lets stay, and with what value
// has for theirs.
func (a *Answer) with(keep func(*member) bool, value func(m *member) (raw []byte, rows []int)) *Answer {
	b := &Answer{Understood: a.Understood, typ: a.typ, raw: make([]byte, 1, len(a.raw)+len("}"))}
	b.raw[0] = '{'
	for i := range a.members {
		m := &a.members[i]
		if keep != nil && !keep(m) {
			continue
		}
		if len(b.members) > 0 {
			b.raw = append(b.raw, ',')
		}
		v, rows := a.raw[m.from:m.to], m.rows
		if value != nil {
			v, rows = value(m)
		}
		c := member{name: m.name, at: len(b.raw)}
		b.raw = append(b.raw, a.raw[m.at:m.from]...)
		c.from = len(b.raw)
		b.raw = append(b.raw, v...)
		c.to, c.rows = len(b.raw), make([]int, len(rows))
		for i, end := range rows {
			c.rows[i] = end - m.from + c.from
		}
		b.members = append(b.members, c)
	}
	b.raw = append(b.raw, '}')
	return b
}

// SetPage says that the answer is a page which was made smaller: it shows so many
// elements of list instead of so many, and how the rest is had. The arguments in
// next, the others being the same, bring what comes next.
func (a *Answer) SetPage(list string, shown, of int, how string, next map[string]any) {
	a.page, a.next = &cut{Path: list, Shown: shown, Total: of, Unit: "elements", How: how}, next
}

// Whole returns the whole answer.
func (a *Answer) Whole() []byte { return join(a.head(nil), a.raw) }

// Marked reports whether others wrote in the answer.
func (a *Answer) Marked() bool { j := a.judge(); return len(j.paths) > 0 || len(j.flags) > 0 }

// join returns the members in head and those of body as one object.
func join(head, body []byte) []byte {
	if len(head) == 1 {
		return body
	}
	out := append(make([]byte, 0, len(head)+len(body)), head...)
	if len(body) > len("{}") {
		out = append(out, ',')
	}
	return append(out, body[1:]...)
}

// Fits reports whether the whole answer has at most budget bytes, and no more
// levels than decoders take.
func (a *Answer) Fits(budget int) bool {
	return len(a.raw) <= budget && a.judge().depth <= maxNesting && len(a.raw)+len(a.head(nil)) <= budget
}

// LongestList returns the name of the member that is a list of several elements,
// of several the one with the most bytes, or "".
func (a *Answer) LongestList() (list string) {
	most := 0
	for _, m := range a.members {
		if len(m.rows) > 1 && m.to-m.from > most {
			list, most = m.name, m.to-m.from
		}
	}
	return list
}

// Lists returns the names of the members that are lists of n elements.
func (a *Answer) Lists(n int) (names []string) {
	for _, m := range a.members {
		if a.raw[m.from] == '[' && len(m.rows) == n {
			names = append(names, m.name)
		}
	}
	return names
}

// aboutHead is about what an answer begins with that has nothing to say but where
// others wrote.
const aboutHead = 300

// RoomFor returns how many elements of list, at least one, fit when budget is all
// there is for the answer, and how many it has. What the answer begins with is
// guessed, unless it is known.
func (a *Answer) RoomFor(list string, budget int) (fit, of int) {
	m := a.member(list)
	if m == nil || a.raw[m.from] != '[' {
		return 0, 0
	}
	head := aboutHead
	if a.judged != nil {
		head = len(a.head(nil))
	}
	room := budget - (len(a.raw) - (m.to - m.from)) - head - aside
	for _, end := range m.rows {
		if end-m.from > room {
			break
		}
		fit++
	}
	return max(1, fit), len(m.rows)
}

// FirstRows returns the answer as its tool would have made it with the first n
// elements of list, and with what said has for literals among its members.
func (a *Answer) FirstRows(list string, n int, said map[string]string) *Answer {
	return a.with(nil, func(m *member) ([]byte, []int) {
		if m.name == list {
			return append(a.raw[m.from:m.rows[n-1]:m.rows[n-1]], ']'), m.rows[:n]
		}
		literal, ok := said[m.name]
		if c := a.raw[m.from]; ok && (c == '-' || '0' <= c && c <= '9' || c == 't' || c == 'f') {
			return []byte(literal), nil
		}
		return a.raw[m.from:m.to], m.rows
	})
}

// WithRows returns the answer with the first n elements of list in other for those of
// its own.
func (a *Answer) WithRows(list string, other *Answer, n int) *Answer {
	from := other.member(list)
	return a.with(nil, func(m *member) ([]byte, []int) {
		if m.name != list {
			return a.raw[m.from:m.to], m.rows
		}
		rows := make([]int, n)
		for i := range rows {
			rows[i] = from.rows[i] - from.from + m.from
		}
		end := from.rows[n-1]
		return append(other.raw[from.from:end:end], ']'), rows
	})
}

// aside is what a page may have beside its rows that it hadn't before it was cut.
const aside = 100
