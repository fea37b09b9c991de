// Package jsontree holds a JSON value as a tree: its members in the order they
// came in, its numbers as they were written.
package jsontree

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

// Kind is the JSON type of a value.
type Kind uint8

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}

// String returns the kind with its article, for an error.
func (k Kind) String() string { return kindNames[k] }

// Value is a JSON value.
type Value struct {
	Kind  Kind
	Text  string   // the string, or the literal of a number or boolean
	Keys  []string // of an object, beside Elems
	Elems []*Value

	// Size is how many bytes the encoding has, as Measure found.
	Size int
	// Total is how many elements, members or bytes there were before the value
	// was cut, and 0 if it wasn't; Kept is how many bytes of a string were left.
	Total, Kept int
}

// StringValue returns s as a value.
func StringValue(s string) *Value { return &Value{Kind: String, Text: s} }

// Get returns the member of an object with that key, or nil.
func (v *Value) Get(key string) *Value {
	for i, k := range v.Keys {
		if k == key {
			return v.Elems[i]
		}
	}
	return nil
}

// Duplicate returns the first key that an object below v holds twice.
func (v *Value) Duplicate() (string, bool) {
	seen := make(map[string]bool, len(v.Keys))
	for _, k := range v.Keys {
		if seen[k] {
			return k, true
		}
		seen[k] = true
	}
	for _, e := range v.Elems {
		if k, ok := e.Duplicate(); ok {
			return k, true
		}
	}
	return "", false
}

// Strings yields every string in v, keys too.
func (v *Value) Strings(yield func(string)) {
	if v.Kind == String {
		yield(v.Text)
	}
	for _, k := range v.Keys {
		yield(k)
	}
	for _, e := range v.Elems {
		e.Strings(yield)
	}
}

// Append adds the encoding of v to b.
func (v *Value) Append(b []byte) []byte {
	switch v.Kind {
	case Null:
		return append(b, "null"...)
	case String:
		return AppendString(b, v.Text)
	case Array:
		b = append(b, '[')
		for i, e := range v.Elems {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.Append(b)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i, e := range v.Elems {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(AppendString(b, v.Keys[i]), ':')
			b = e.Append(b)
		}
		return append(b, '}')
	}
	return append(b, v.Text...)
}

// Measure sets the sizes of v and of all below it, and returns that of v.
func (v *Value) Measure() int {
	switch v.Kind {
	case Array, Object:
		v.Size = 2 + max(0, len(v.Elems)-1)
		for i, e := range v.Elems {
			v.Size += e.Measure()
			if v.Kind == Object {
				v.Size += StringSize(v.Keys[i]) + 1
			}
		}
	case String:
		v.Size = StringSize(v.Text)
	case Null:
		v.Size = len("null")
	default:
		v.Size = len(v.Text)
	}
	return v.Size
}

const hex = "0123456789abcdef"

// AppendString adds s as a JSON string, as JavaScript's JSON.stringify does and
// unlike json.Marshal: <, > and & stay as they are. What ends a line for some
// readers and not in JSON is escaped all the same.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\t':
				b = append(b, '\\', 't')
			case '\r':
				b = append(b, '\\', 'r')
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if esc := runeEscape(r, n); esc != "" {
			b = append(append(b, s[from:i]...), esc...)
			from = i + n
		}
		i += n
	}
	return append(append(b, s[from:]...), '"')
}

// runeEscape returns how a rune of n bytes beyond ASCII is escaped, if it is.
func runeEscape(r rune, n int) string {
	switch {
	case r == utf8.RuneError && n == 1:
		return `\ufffd`
	case r == '\u0085':
		return `\u0085`
	case r == '\u2028':
		return `\u2028`
	case r == '\u2029':
		return `\u2029`
	}
	return ""
}

// StringSize returns how many bytes AppendString would add.
func StringSize(s string) int {
	size := len(s) + 2
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r' || c == '\b' || c == '\f':
				size++
			case c < 0x20:
				size += len(`\u0000`) - 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if esc := runeEscape(r, n); esc != "" {
			size += len(esc) - n
		}
		i += n
	}
	return size
}

// Encode returns v as JSON without a line break in it.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// Clip cuts s to at most n bytes at a rune's edge and says so. Broken bytes stay:
// where they are shown, they are escaped.
func Clip(s string, n int) string {
	if short := clip.Bytes(s, n); len(short) < len(s) {
		return short + "…"
	}
	return s
}

// Walk calls fn for v and all below it. In a path a key stands as name says.
func (v *Value) Walk(path string, name func(key string) string, fn func(v *Value, path string)) {
	fn(v, path)
	for i, e := range v.Elems {
		p := path + "[]"
		if v.Kind == Object {
			p = strings.TrimPrefix(path+"."+name(v.Keys[i]), ".")
		}
		e.Walk(p, name, fn)
	}
}
