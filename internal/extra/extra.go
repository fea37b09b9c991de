// Package extra keeps the members of a JSON object that a Go type doesn't know,
// so that nothing a platform says is lost.
package extra

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"
)

// Decode decodes the object b into known, a pointer to a struct without an
// UnmarshalJSON method, and puts the members it has no field for into rest.
// rest stays nil when there are none.
func Decode(b []byte, known any, rest *map[string]json.RawMessage) error {
	if err := json.Unmarshal(b, known); err != nil {
		return err
	}
	have := names(reflect.TypeOf(known).Elem())
	var more map[string]json.RawMessage
	err := members(b, func(name, value []byte) {
		if !have[string(name)] {
			if more == nil {
				more = map[string]json.RawMessage{}
			}
			more[string(name)] = bytes.Clone(value)
		}
	})
	if err != nil {
		return err
	}
	*rest = more
	return nil
}

// members calls f with the name and the value of each member of b, which is
// valid JSON. It does nothing for what is no object.
func members(b []byte, f func(name, value []byte)) error {
	i := space(b, 0)
	if i == len(b) || b[i] != '{' {
		return nil
	}
	for i = space(b, i+1); b[i] != '}'; {
		end := text(b, i)
		name := b[i+1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name) {
			var s string
			if err := json.Unmarshal(b[i:end], &s); err != nil {
				return err
			}
			name = []byte(s)
		}
		i = space(b, space(b, end)+1) // over the colon
		end = value(b, i)
		f(name, b[i:end])
		if i = space(b, end); b[i] == ',' {
			i = space(b, i+1)
		}
	}
	return nil
}

// space returns where the white space at i ends.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// text returns where the string that begins at i ends.
func text(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// value returns where the value that begins at i ends.
func value(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = text(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			i++
			continue
		default:
			for i < len(b) && !bytes.ContainsRune([]byte(",:]} \n\t\r"), rune(b[i])) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// Encode encodes known, a struct without a MarshalJSON method, and adds the
// members of rest that it has no field for.
func Encode(known any, rest map[string]json.RawMessage) ([]byte, error) {
	b, err := json.Marshal(known)
	if err != nil || len(rest) == 0 {
		return b, err
	}
	have := names(reflect.TypeOf(known))
	more := make(map[string]json.RawMessage, len(rest))
	for name, v := range rest {
		if !have[name] {
			more[name] = v
		}
	}
	if len(more) == 0 {
		return b, nil
	}
	m, err := json.Marshal(more)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(b, []byte("{}")) {
		return m, nil
	}
	b[len(b)-1] = ','
	return append(b, m[1:]...), nil
}

var cache sync.Map // of reflect.Type to map[string]bool

// names returns the JSON names of the fields of struct t.
func names(t reflect.Type) map[string]bool {
	if m, ok := cache.Load(t); ok {
		return m.(map[string]bool)
	}
	m := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() || f.Anonymous && name == "":
			continue
		case name == "":
			name = f.Name
		}
		m[name] = true
	}
	cache.Store(t, m)
	return m
}
