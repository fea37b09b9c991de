// Package jsontree holds a JSON value as a tree: its members in the order they
// came in, its numbers as they were written.
package jsontree

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
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

// Delete takes members out of an object.
func (v *Value) Delete(keys ...string) {
	for _, key := range keys {
		if i := slices.Index(v.Keys, key); i >= 0 {
			v.Keys, v.Elems = slices.Delete(v.Keys, i, i+1), slices.Delete(v.Elems, i, i+1)
		}
	}
}

// Duplicate returns the first key that an object below v holds twice, as fold
// spells it.
func (v *Value) Duplicate(fold func(key string) string) (string, bool) {
	seen := make(map[string]bool, len(v.Keys))
	for _, k := range v.Keys {
		if k = fold(k); seen[k] {
			return k, true
		}
		seen[k] = true
	}
	for _, e := range v.Elems {
		if k, ok := e.Duplicate(fold); ok {
			return k, true
		}
	}
	return "", false
}

// Exactly spells a key as it is, for [Value.Duplicate].
func Exactly(key string) string { return key }

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
		return jsontext.AppendString(b, v.Text)
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
			b = append(jsontext.AppendString(b, v.Keys[i]), ':')
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
				v.Size += jsontext.StringSize(v.Keys[i]) + 1
			}
		}
	case String:
		v.Size = jsontext.StringSize(v.Text)
	case Null:
		v.Size = len("null")
	default:
		v.Size = len(v.Text)
	}
	return v.Size
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

const maxLabel = 60 // bytes of a name

// Label returns a name that came from outside as it may stand in an error.
func Label(k string) string {
	q := string(jsontext.AppendString(nil, Clip(k, maxLabel)))
	if plain := q[1 : len(q)-1]; plain == k && k != "" && !strings.ContainsAny(k, " :") {
		return k
	}
	return q
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
