// Package answer makes what a tool put out into what a model reads: marked where
// others wrote, cut to fit, and kept whole if it was cut.
package answer

import (
	"slices"
	"strings"

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
	// Texts are the strings in it that others wrote, each once.
	Texts []string
	// Flags list, in order, the texts in it that look like instructions to an
	// agent: values and the keys of objects, whoever wrote them.
	Flags []Flag

	root  *jsontree.Value
	paths []string // where others wrote
	raw   []byte   // the encoding of root, unless it has changed
	depth int      // of lists and objects
	next  map[string]any
	page  *cut // what made a page smaller
	file  *File
}

// New reads raw, the encoding of an object of type t, in one pass: what is null
// goes where t promises a list, an object or nothing, and so does what is empty
// or says nothing among the members that t doesn't know; a time that is a number becomes one that
// can be read; what others wrote and what looks like instructions is noted; sizes
// are measured.
func New(raw []byte, t *schema.Type) (*Answer, error) {
	root, err := jsontree.Parse(raw, jsontree.MaxDepthOut)
	if err != nil {
		return nil, err
	}
	a := &Answer{root: root, raw: raw}
	r := reader{a: a, seen: map[string]struct{}{}, noted: map[any]struct{}{}}
	r.value(root, t, false, 1)
	return a, nil
}

// Get returns the member of that name, or nil.
func (a *Answer) Get(name string) *jsontree.Value { return a.root.Get(name) }

type reader struct {
	a      *Answer
	path   []string
	theirs int                 // strings of others so far
	seen   map[string]struct{} // texts
	noted  map[any]struct{}    // fields and types whose path is noted
}

// at returns the path of the value being read, with name below it.
func (r *reader) at(name string) string {
	var b strings.Builder
	for _, p := range append(r.path, name) {
		if p != "[]" && p != "" && b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return jsontree.Clip(b.String(), maxPath)
}

// text takes in a string or a key.
func (r *reader) text(s string, theirs bool, name string) {
	if theirs && s != "" {
		r.theirs++
		if _, ok := r.seen[s]; !ok {
			r.seen[s] = struct{}{}
			r.a.Texts = append(r.a.Texts, s)
		}
	}
	for _, class := range untrusted.Classes(s) {
		if len(r.a.Flags) >= maxFlags {
			return
		}
		flag := Flag{r.at(name), class}
		known := false
		for _, f := range r.a.Flags {
			known = known || f == flag
		}
		if !known {
			r.a.Flags = append(r.a.Flags, flag)
		}
	}
}

// value reads v, which is of type t, if that is known, and below depth-1 lists
// and objects.
func (r *reader) value(v *jsontree.Value, t *schema.Type, theirs bool, depth int) {
	if v.Kind == jsontree.Null && t != nil {
		switch t.Kind {
		case schema.Array:
			v.Kind, r.a.raw = jsontree.Array, nil
		case schema.Map, schema.Object:
			v.Kind, r.a.raw = jsontree.Object, nil
		}
	}
	switch v.Kind {
	case jsontree.Null:
		v.Size = len("null")
	case jsontree.String:
		r.text(v.Text, theirs, "")
		v.Size = jsontext.StringSize(v.Text)
	case jsontree.Array:
		r.a.depth = max(r.a.depth, depth)
		var elem *schema.Type
		if t != nil && t.Kind == schema.Array {
			elem = t.Elem
		}
		r.path = append(r.path, "[]")
		v.Size = len("[]") + max(0, len(v.Elems)-1)
		for _, e := range v.Elems {
			r.value(e, elem, theirs, depth+1)
			v.Size += e.Size
		}
		r.path = r.path[:len(r.path)-1]
	case jsontree.Object:
		r.a.depth = max(r.a.depth, depth)
		r.object(v, t, theirs, depth)
	default:
		v.Size = len(v.Text)
	}
}

// object reads an object. In a path only the names of its type stand: any other
// key may be a text of others.
func (r *reader) object(v *jsontree.Value, t *schema.Type, theirs bool, depth int) {
	n := 0
	v.Size = len("{}")
	for i, e := range v.Elems {
		key := v.Keys[i]
		var f *schema.Field
		var below *schema.Type
		var noted any
		name, inner := "*", theirs
		switch {
		case t == nil:
		case t.Kind == schema.Map:
			below = t.Elem
		case t.Kind == schema.Object:
			if f = t.Field(key); f != nil {
				name, below = f.Name, f.Type
				if !theirs && f.Untrusted() {
					inner, noted = true, f
				}
			} else if t.Open && !theirs {
				inner, noted = true, t
			}
		}
		if f != nil && e.Kind == jsontree.Number {
			if at, ok := below.Time(e.Text); ok {
				e.Kind, e.Text, r.a.raw = jsontree.String, at, nil
				if at == "" {
					e.Kind = jsontree.Null
				}
			}
		}
		if f != nil && e.Kind == jsontree.Null && below.Kind != schema.Array && below.Kind != schema.Map && below.Kind != schema.Any {
			r.a.raw = nil
			continue
		}
		if f == nil && t != nil && t.Kind == schema.Object && (slices.Contains(t.Quiet, key) || len(e.Elems) == 0 && e.Text == "") {
			r.a.raw = nil
			continue
		}
		before := r.theirs
		if f == nil {
			r.text(key, inner, "*")
			if reserved(key) {
				key, r.a.raw = "their"+key, nil
			}
		}
		r.path = append(r.path, name)
		r.value(e, below, inner, depth+1)
		r.path = r.path[:len(r.path)-1]
		if noted != nil && r.theirs > before {
			if _, ok := r.noted[noted]; !ok {
				r.noted[noted] = struct{}{}
				r.a.paths = append(r.a.paths, r.at(name))
			}
		}
		v.Keys[n], v.Elems[n] = key, e
		v.Size += jsontext.StringSize(key) + len(":,") + e.Size
		n++
	}
	if n > 0 {
		v.Size-- // one comma less than members
	}
	v.Keys, v.Elems = v.Keys[:n], v.Elems[:n]
}

func reserved(key string) bool {
	return len(key) > 0 && key[0] == '_' && (key == keyUntrusted || key == keyFlags || key == keyTruncated || key == keyNext || key == keyRead || key == keyFile)
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
	if len(a.paths) > 0 || len(a.Flags) > 0 {
		member(keyUntrusted, untrusted.Mark(a.paths, len(a.Flags) > 0))
	}
	if len(a.Flags) > 0 {
		member(keyFlags, a.Flags)
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

// Size returns how many bytes the answer has, without a member of ours.
func (a *Answer) Size() int { return a.root.Size }

// Body returns the answer as the tool made it, without a member of ours.
func (a *Answer) Body() []byte {
	if a.raw == nil {
		a.raw = a.root.Append(make([]byte, 0, a.root.Size))
	}
	return a.raw
}

// Summary returns an object of what is small in the answer, and how many elements
// each of its lists has.
func (a *Answer) Summary() (small []byte, holds map[string]int) {
	s := &jsontree.Value{Kind: jsontree.Object}
	holds = map[string]int{}
	for i, e := range a.root.Elems {
		switch {
		case e.Kind == jsontree.Array:
			holds[a.root.Keys[i]] = len(e.Elems)
		case e.Size <= 2*maxPath:
			s.Keys, s.Elems = append(s.Keys, a.root.Keys[i]), append(s.Elems, e)
		}
	}
	return s.Append(nil), holds
}

// Without returns the encoding of the answer without the member of that name.
func (a *Answer) Without(name string) []byte {
	s := &jsontree.Value{Kind: jsontree.Object}
	for i, e := range a.root.Elems {
		if a.root.Keys[i] != name {
			s.Keys, s.Elems = append(s.Keys, a.root.Keys[i]), append(s.Elems, e)
		}
	}
	return s.Append(nil)
}

// SetPage says that the answer is a page which was made smaller: it shows so many
// elements of list instead of so many, and how the rest is had. The arguments in
// next, the others being the same, bring what comes next.
func (a *Answer) SetPage(list string, shown, of int, how string, next map[string]any) {
	a.page, a.next = &cut{Path: list, Shown: shown, Total: of, Unit: "elements", How: how}, next
}

// Whole returns the whole answer.
func (a *Answer) Whole() []byte { return a.join(a.head(nil), a.root) }

// Marked reports whether others wrote in the answer.
func (a *Answer) Marked() bool { return len(a.paths) > 0 || len(a.Flags) > 0 }

// join returns the members in head and those of root as one object.
func (a *Answer) join(head []byte, root *jsontree.Value) []byte {
	body := a.raw
	if root != a.root || body == nil {
		body = root.Append(make([]byte, 0, root.Size))
		if root == a.root {
			a.raw = body
		}
	}
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
	return a.depth <= maxNesting && a.root.Size+len(a.head(nil)) <= budget
}

// LongestList returns the name of the member that is a list of several elements,
// of several the one with the most bytes, or "".
func (a *Answer) LongestList() (list string) {
	most := 0
	for i, e := range a.root.Elems {
		if e.Kind == jsontree.Array && len(e.Elems) > 1 && e.Size > most {
			list, most = a.root.Keys[i], e.Size
		}
	}
	return list
}

// Lists returns the names of the members that are lists of n elements.
func (a *Answer) Lists(n int) (names []string) {
	for i, e := range a.root.Elems {
		if e.Kind == jsontree.Array && len(e.Elems) == n {
			names = append(names, a.root.Keys[i])
		}
	}
	return names
}

// RoomFor returns how many elements of list, at least one, fit when budget is all
// there is for the answer, and how many it has.
func (a *Answer) RoomFor(list string, budget int) (fit, of int) {
	rows := a.root.Get(list)
	if rows == nil || rows.Kind != jsontree.Array {
		return 0, 0
	}
	room := budget - (a.root.Size - rows.Size) - len(a.head(nil)) - aside
	for _, e := range rows.Elems {
		if room -= e.Size + len(","); room < 0 {
			break
		}
		fit++
	}
	return max(1, fit), len(rows.Elems)
}

// FirstRows returns the encoding of the answer as its tool would have made it with
// the first n elements of list, and with what said has for literals among its members.
func (a *Answer) FirstRows(list string, n int, said map[string]string) []byte {
	s := &jsontree.Value{Kind: jsontree.Object, Keys: a.root.Keys, Elems: slices.Clone(a.root.Elems)}
	for i, key := range s.Keys {
		e := *s.Elems[i]
		switch literal, ok := said[key]; {
		case key == list:
			e.Elems = e.Elems[:n]
		case ok && (e.Kind == jsontree.Number || e.Kind == jsontree.Bool):
			e.Text = literal
		default:
			continue
		}
		s.Elems[i] = &e
	}
	return s.Append(nil)
}

// aside is what a page may have beside its rows that it hadn't before it was cut.
const aside = 100
