package mcpadapter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// kind is the JSON type of a value.
type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	stringKind
	arrayKind
	objectKind
)

var kindNames = [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}

func (k kind) String() string { return kindNames[k] }

// value is a JSON value with its members in order and its numbers as written.
type value struct {
	kind  kind
	text  string   // the string, or the literal of a number or boolean
	keys  []string // of an object, beside elems
	elems []*value
	size  int // of the encoding; set by measure
	total int // elements or bytes before it was cut; 0 if it wasn't
	kept  int // bytes of a string that was cut
}

// How deep a value may be nested.
const (
	maxDepthIn  = 40
	maxDepthOut = 10000 // of what encoding/json reads too
)

// parse reads exactly one JSON value, nested up to depth. It accepts duplicate
// keys: who cares looks at keys.
func parse(data []byte, depth int) (*value, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := parseValue(d, depth)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not valid JSON: data after the end of the value")
	}
	return v, nil
}

func parseValue(d *json.Decoder, depth int) (*value, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case nil:
		return &value{kind: nullKind}, nil
	case bool:
		return &value{kind: boolKind, text: strconv.FormatBool(t)}, nil
	case json.Number:
		return &value{kind: numberKind, text: string(t)}, nil
	case string:
		return &value{kind: stringKind, text: t}, nil
	}
	if depth == 0 {
		return nil, errors.New("nested too deep")
	}
	v := &value{kind: arrayKind}
	if t == json.Delim('{') {
		v.kind = objectKind
	}
	for d.More() {
		if v.kind == objectKind {
			t, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, ok := t.(string)
			if !ok {
				return nil, fmt.Errorf("object key %v", t)
			}
			v.keys = append(v.keys, key)
		}
		e, err := parseValue(d, depth-1)
		if err != nil {
			return nil, err
		}
		v.elems = append(v.elems, e)
	}
	_, err = d.Token() // the closing delimiter
	return v, err
}

// duplicate returns the first key that an object below v holds twice.
func (v *value) duplicate() (string, bool) {
	seen := make(map[string]bool, len(v.keys))
	for _, k := range v.keys {
		if seen[k] {
			return k, true
		}
		seen[k] = true
	}
	for _, e := range v.elems {
		if k, ok := e.duplicate(); ok {
			return k, true
		}
	}
	return "", false
}

// append adds the encoding of v to b.
func (v *value) append(b []byte) []byte {
	switch v.kind {
	case nullKind:
		return append(b, "null"...)
	case stringKind:
		return appendString(b, v.text)
	case arrayKind:
		b = append(b, '[')
		for i, e := range v.elems {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.append(b)
		}
		return append(b, ']')
	case objectKind:
		b = append(b, '{')
		for i, e := range v.elems {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, v.keys[i]), ':')
			b = e.append(b)
		}
		return append(b, '}')
	}
	return append(b, v.text...)
}

// measure sets the sizes of v and of all below it.
func (v *value) measure() int { return v.measured(new([]byte)) }

// measured does so; scratch is room to encode in.
func (v *value) measured(scratch *[]byte) int {
	encoded := func(s string) int {
		*scratch = appendString((*scratch)[:0], s)
		return len(*scratch)
	}
	switch v.kind {
	case arrayKind, objectKind:
		v.size = 2 + max(0, len(v.elems)-1)
		for i, e := range v.elems {
			v.size += e.measured(scratch)
			if v.kind == objectKind {
				v.size += encoded(v.keys[i]) + 1
			}
		}
	case stringKind:
		v.size = encoded(v.text)
	case nullKind:
		v.size = len("null")
	default:
		v.size = len(v.text)
	}
	return v.size
}

// appendString adds s as a JSON string. Unlike json.Marshal it leaves <, > and
// & as they are: the JSON is for a model, not for a web page.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c == '\n':
				b = append(b, '\\', 'n')
			case c == '\t':
				b = append(b, '\\', 't')
			case c == '\r':
				b = append(b, '\\', 'r')
			case c < 0x20 || c == 0x7f:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			default:
				b = append(b, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			b = append(b, `\u202`...)
			b = append(b, hex[r&15])
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return append(b, '"')
}

// encode returns v as JSON without a line break in it.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// clip cuts s to at most n bytes at a rune's edge and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
