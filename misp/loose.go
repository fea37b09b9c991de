package misp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

// An Int is an integer that MISP writes as a number, as a string, or, when
// there is none, as null or an empty string.
type Int int64

// UnmarshalJSON reads any of these forms.
func (n *Int) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	switch s {
	case "", "false":
		*n = 0
		return nil
	case "true":
		*n = 1
		return nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not an integer", clip.Text(string(b), 40))
	}
	*n = Int(v)
	return nil
}

// A Bool is a flag that MISP writes as a boolean, as a number, or as a string.
type Bool bool

// UnmarshalJSON reads any of these forms.
func (f *Bool) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	switch strings.ToLower(s) {
	case "", "0", "false":
		*f = false
	case "1", "true":
		*f = true
	default:
		return fmt.Errorf("%s is not a flag", clip.Text(string(b), 40))
	}
	return nil
}

// An ID is an identifier that MISP writes as a string or as a number.
type ID string

// UnmarshalJSON reads either form.
func (id *ID) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	if s == "false" { // PHP for "there is none"
		s = ""
	}
	*id = ID(s)
	return nil
}

// scalar returns the text of a string, a number or a boolean; that of null is empty.
func scalar(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || string(b) == "null":
		return "", nil
	case b[0] == '"':
		if end := len(b) - 1; bytes.IndexByte(b[1:], '"') == end-1 && bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b) {
			return string(bytes.TrimSpace(b[1:end])), nil
		}
		var s string
		err := json.Unmarshal(b, &s)
		return strings.TrimSpace(s), err
	case b[0] == '{' || b[0] == '[':
		return "", fmt.Errorf("%s is not a single value", clip.Text(string(b), 40))
	}
	return string(b), nil
}

// A Map is an object that MISP writes as [] when it is empty.
type Map[T any] map[string]T

// UnmarshalJSON reads an object, an empty list or null.
func (m *Map[T]) UnmarshalJSON(b []byte) error {
	*m = nil
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '[' {
		var list []json.RawMessage
		if err := jsoncodec.Unmarshal(b, &list); err != nil {
			return err
		}
		if len(list) > 0 {
			return fmt.Errorf("a list of %d where an object belongs", len(list))
		}
		return nil
	}
	var plain map[string]T
	if err := jsoncodec.Unmarshal(b, &plain); err != nil {
		return err
	}
	*m = plain
	return nil
}

// A List is an array that MISP writes as an object when its indexes have gaps,
// or as its only element.
type List[T any] []T

// UnmarshalJSON reads any of these forms.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	b, err := asArray(bytes.TrimSpace(b))
	if err != nil || b == nil {
		return err
	}
	var plain []T
	if err := jsoncodec.Unmarshal(b, &plain); err != nil {
		return err
	}
	*l = plain
	return nil
}

// asArray returns the elements of an object as an array, in the order of its indexes, or
// the object as the only one; nil of an empty one. What is no object stays as it is.
func asArray(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != '{' {
		return b, nil
	}
	var members map[string]json.RawMessage
	if err := jsoncodec.Unmarshal(b, &members); err != nil || len(members) == 0 {
		return nil, err
	}
	at := make(map[int][]byte, len(members))
	for k, v := range members {
		n, err := strconv.Atoi(k)
		if err != nil || n < 0 {
			break
		}
		at[n] = v
	}
	elements := [][]byte{b}
	if len(at) == len(members) { // all are indexes
		elements = elements[:0]
		for _, n := range slices.Sorted(maps.Keys(at)) {
			elements = append(elements, at[n])
		}
	}
	return slices.Concat([]byte{'['}, bytes.Join(elements, []byte{','}), []byte{']'}), nil
}
