// Package extra keeps the members of a JSON object that a Go type doesn't know,
// so that nothing a platform says is lost.
package extra

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// Decode decodes the object b into known, a pointer to a struct without an
// UnmarshalJSON method, and puts the members it has no field for into rest.
// rest stays nil when there are none.
func Decode(b []byte, known any, rest *map[string]json.RawMessage) error {
	if err := json.Unmarshal(b, known); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for name := range names(reflect.TypeOf(known).Elem()) {
		delete(all, name)
	}
	if len(all) > 0 {
		*rest = all
	}
	return nil
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
