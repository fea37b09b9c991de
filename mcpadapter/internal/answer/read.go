package answer

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/untrusted"
)

// A reader reads what a tool made and writes what is to be shown of it, which is
// mostly the same: what it leaves alone it copies in long pieces.
type reader struct {
	jsontext.Scanner
	out     []byte
	from    int // up to where Data is in out
	members []member
}

func read(raw []byte, t *schema.Type) (*Answer, error) {
	r := reader{Scanner: jsontext.Scanner{Data: raw}}
	err := jsontext.ErrSyntax
	if utf8.Valid(raw) {
		if err = r.value(t, nil); err == nil && r.Next() != 0 {
			err = jsontext.ErrSyntax
		}
	}
	if err != nil {
		if _, why := jsontree.Parse(raw, jsontree.MaxDepthOut); why != nil { // which says best what is wrong
			err = why
		}
		return nil, err
	}
	if r.out != nil {
		r.flush(len(raw))
		raw = r.out
	}
	return &Answer{typ: t, raw: raw, members: r.members}, nil
}

// place returns where what stands at pos of Data, which isn't in out yet, will be.
func (r *reader) place(pos int) int { return len(r.out) + pos - r.from }

// flush copies what is left of Data before pos.
func (r *reader) flush(pos int) {
	if r.out == nil {
		r.out = make([]byte, 0, len(r.Data)+len(r.Data)/8)
	}
	r.out = append(r.out, r.Data[r.from:pos]...)
	r.from = pos
}

// replace writes text for what stands from pos to the scanner's place.
func (r *reader) replace(pos int, text string) {
	r.flush(pos)
	r.out = append(r.out, text...)
	r.from = r.Pos
}

// value reads a value of type t, if that is known, which is that of a member of the
// answer itself, if m isn't nil.
func (r *reader) value(t *schema.Type, m *member) error {
	switch c := r.Next(); {
	case c == '{':
		return r.object(t)
	case c == '[':
		return r.list(t, m)
	case c == 'n' && t != nil && (t.Kind == schema.Array || t.Kind == schema.Map || t.Kind == schema.Object):
		at := r.Pos
		if err := r.Literal("null"); err != nil {
			return err
		}
		if t.Kind == schema.Array {
			r.replace(at, "[]")
		} else {
			r.replace(at, "{}")
		}
		return nil
	}
	_, err := r.Skip()
	return err
}

func (r *reader) list(t *schema.Type, m *member) error {
	var elem *schema.Type
	if t != nil && t.Kind == schema.Array {
		elem = t.Elem
	}
	if err := r.Enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if ok, err := r.More(first, ']'); !ok {
			return err
		}
		if err := r.value(elem, nil); err != nil {
			return err
		}
		if m != nil {
			m.rows = append(m.rows, r.place(r.Pos))
		}
	}
}

func (r *reader) object(t *schema.Type) error {
	if err := r.Enter(); err != nil {
		return err
	}
	begin, kept := r.Pos, 0
	dated := false // it holds a value of the type date, as a custom field of TheHive does
	for first := true; ; first = false {
		end := r.Pos // of the member before
		if ok, err := r.More(first, '}'); !ok {
			return err
		}
		r.Next()
		at := r.Pos
		key, err := r.Name()
		if err != nil {
			return err
		}
		f, below := fieldOf(t, key)
		c := r.Next()
		from := r.Pos
		leave, text := false, ""
		switch {
		case f == nil && t != nil && t.Kind == schema.Object && (r.empty(c) || r.quiet(t, key)):
			leave = true
		case f == nil:
			if '1' <= c && c <= '9' && (below == nil || below.Kind == schema.Any) && (saysWhen(key) || dated && string(key) == "value") {
				number, err := r.Number()
				if err != nil {
					return err
				}
				text, r.Pos = schema.Milliseconds(string(number)), from
			}
		case !f.Required && below.Kind == schema.Any && r.empty(c):
			leave = true
		case c == 'n':
			leave = below.Kind != schema.Array && below.Kind != schema.Map && below.Kind != schema.Any
		case below.Counted() && (c == '-' || '0' <= c && c <= '9'):
			number, err := r.Number()
			if err != nil {
				return err
			}
			var ok bool
			text, ok = below.Time(string(number))
			leave = ok && text == ""
			r.Pos = from
		}
		if leave {
			r.flush(end)
			if _, err := r.Skip(); err != nil {
				return err
			}
			r.from = r.Pos
			continue
		}
		if kept == 0 && end > begin { // nothing was kept before the comma
			r.from = at
		}
		kept++
		var m *member
		if r.Depth == 1 {
			r.members = append(r.members, member{name: string(key), at: r.place(at)})
			m = &r.members[len(r.members)-1]
		}
		if f == nil && reserved(key) {
			r.flush(at + 1)
			r.out = append(r.out, their...)
			if m != nil {
				m.name = their + m.name
			}
		}
		if m != nil {
			m.from = r.place(from)
		}
		if text != "" {
			if _, err := r.Number(); err != nil {
				return err
			}
			r.replace(from, `"`+text+`"`)
		} else if err := r.value(below, m); err != nil {
			return err
		}
		if m != nil {
			m.to = r.place(r.Pos)
		}
		dated = dated || f == nil && c == '"' && string(key) == "type" && string(r.Data[from:r.Pos]) == `"date"`
	}
}

// saysWhen reports whether the name of a member which no type knows is that of a time.
func saysWhen(key []byte) bool {
	name := string(key)
	for _, end := range []string{"Date", "At", "Time", "Timestamp"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	last := name[strings.LastIndexByte(name, '_')+1:]
	return last == "date" || last == "at" || last == "time" || last == "timestamp"
}

// empty reports whether the value that begins with c has nothing in it.
func (r *reader) empty(c byte) bool {
	switch c {
	case 'n':
		return true
	case '"':
		return r.Pos+1 < len(r.Data) && r.Data[r.Pos+1] == '"'
	case '{', '[':
		inner := jsontext.Scanner{Data: r.Data, Pos: r.Pos + 1}
		return inner.Next() == c+2 // ] and } are two behind [ and {
	}
	return false
}

// quiet reports whether a member that t doesn't know says nothing to a model: the
// value stands at r.Pos.
func (r *reader) quiet(t *schema.Type, key []byte) bool {
	return slices.ContainsFunc(t.Quiet, func(q string) bool {
		name, value, one := strings.Cut(q, "=")
		if name != string(key) || !one {
			return name == string(key)
		}
		rest, ok := bytes.CutPrefix(r.Data[r.Pos:], []byte(value))
		return ok && len(rest) > 0 && (rest[0] == ',' || rest[0] == '}')
	})
}

// fieldOf returns the field of an object of type t for a key, if t has one, and of
// which type the member is, if that is known.
func fieldOf(t *schema.Type, key []byte) (*schema.Field, *schema.Type) {
	if t == nil {
		return nil, nil
	}
	switch t.Kind {
	case schema.Map:
		return nil, t.Elem
	case schema.Object:
		for _, f := range t.Fields {
			if f.Name == string(key) {
				return f, f.Type
			}
		}
	}
	return nil, nil
}

const their = "their"

func reserved(key []byte) bool {
	if len(key) == 0 || key[0] != '_' {
		return false
	}
	switch string(key) {
	case keyUntrusted, keyFlags, keyTruncated, keyNext, keyRead, keyFile:
		return true
	}
	return false
}

// A judgement is what is to be known of the texts in an answer.
type judgement struct {
	jsontext.Scanner
	texts []string
	flags []Flag
	paths []string // where others wrote
	depth int      // of lists and objects

	path   []string
	theirs int                 // strings of others so far
	seen   map[string]struct{} // texts
	noted  map[any]struct{}    // fields and types whose path is noted
}

// judge looks at each text of the answer, once.
func (a *Answer) judge() *judgement {
	if a.judged == nil {
		j := &judgement{Scanner: jsontext.Scanner{Data: a.raw}, seen: map[string]struct{}{}, noted: map[any]struct{}{}}
		_ = j.value(a.typ, false) // it was read before
		j.path, j.seen, j.noted = nil, nil, nil
		a.judged = j
	}
	return a.judged
}

// at returns the path of the value being read, with name below it.
func (j *judgement) at(name string) string {
	var b strings.Builder
	for _, p := range append(j.path, name) {
		if p != "[]" && p != "" && b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return jsontree.Clip(b.String(), maxPath)
}

// text takes in a string or a key.
func (j *judgement) text(b []byte, theirs bool, name string) {
	s := unsafe.String(unsafe.SliceData(b), len(b)) // nobody writes there any more
	if theirs && s != "" {
		j.theirs++
		if _, ok := j.seen[s]; !ok {
			j.seen[s] = struct{}{}
			j.texts = append(j.texts, s)
		}
	}
	for _, class := range untrusted.Classes(s) {
		if len(j.flags) >= maxFlags {
			return
		}
		if flag := (Flag{j.at(name), class}); !slices.Contains(j.flags, flag) {
			j.flags = append(j.flags, flag)
		}
	}
}

// value looks at a value of type t, if that is known.
func (j *judgement) value(t *schema.Type, theirs bool) error {
	c := j.Next()
	switch c {
	case '"':
		text, err := j.Text()
		if err == nil {
			j.text(text, theirs, "")
		}
		return err
	case '{', '[':
	default:
		_, err := j.Skip()
		return err
	}
	if err := j.Enter(); err != nil {
		return err
	}
	j.depth = max(j.depth, j.Depth)
	if c == '{' {
		return j.object(t, theirs)
	}
	var elem *schema.Type
	if t != nil && t.Kind == schema.Array {
		elem = t.Elem
	}
	j.path = append(j.path, "[]")
	defer func() { j.path = j.path[:len(j.path)-1] }()
	for first := true; ; first = false {
		if ok, err := j.More(first, ']'); !ok {
			return err
		}
		if err := j.value(elem, theirs); err != nil {
			return err
		}
	}
}

// object looks at the members of an object. In a path only the names of its type
// stand: any other key may be a text of others.
func (j *judgement) object(t *schema.Type, theirs bool) error {
	for first := true; ; first = false {
		if ok, err := j.More(first, '}'); !ok {
			return err
		}
		key, err := j.Name()
		if err != nil {
			return err
		}
		f, below := fieldOf(t, key)
		name, inner := "*", theirs
		var noted any
		switch {
		case f != nil:
			if name = f.Name; !theirs && f.Untrusted() {
				inner, noted = true, f
			}
		case t != nil && t.Kind == schema.Object && t.Open && !theirs && !slices.Contains(t.Own, string(key)):
			inner, noted = true, t
		}
		before := j.theirs
		if f == nil {
			j.text(key, inner, "*")
		}
		j.path = append(j.path, name)
		if err := j.value(below, inner); err != nil {
			return err
		}
		j.path = j.path[:len(j.path)-1]
		if noted != nil && j.theirs > before {
			if _, ok := j.noted[noted]; !ok {
				j.noted[noted] = struct{}{}
				j.paths = append(j.paths, j.at(name))
			}
		}
	}
}
