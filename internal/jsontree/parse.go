package jsontree

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// How deep a value may be nested.
const (
	MaxDepthIn  = 40 // of what comes from outside
	MaxDepthOut = jsontext.MaxDepth
)

// A DeepError says where a value is nested deeper than is taken.
type DeepError struct {
	Path []string // the names of the first members on the way
	Most int      // levels that are taken
}

// Error says so.
func (e *DeepError) Error() string {
	why := fmt.Sprintf("nested too deep: want at most %d levels", e.Most)
	if len(e.Path) == 0 {
		return why
	}
	labels := make([]string, len(e.Path))
	for i, name := range e.Path {
		labels[i] = Label(name)
	}
	return strings.Join(labels, ".") + ": " + why
}

const deepPath = 2 // names that a DeepError has

// Parse reads exactly one JSON value, nested up to depth. It accepts duplicate
// keys: who cares looks at [Value.Duplicate]. The texts of the value are parts of data,
// which must not change any more.
func Parse(data []byte, depth int) (*Value, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	p := parser{Scanner: jsontext.Scanner{Data: data}, s: unsafe.String(unsafe.SliceData(data), len(data)), depth: depth}
	v, err := p.value()
	if deep, ok := err.(*DeepError); ok {
		return nil, deep
	}
	if err == nil && p.Next() == 0 {
		return v, nil
	}
	var raw json.RawMessage // encoding/json says best what is wrong
	why := json.Unmarshal(data, &raw)
	if why == nil {
		why = err
	}
	if strings.HasPrefix(why.Error(), "unexpected end") {
		why = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("not valid JSON: %w", why)
}

// parser reads values. Strings without an escape, and numbers, are parts of s,
// which is Data once more.
type parser struct {
	jsontext.Scanner
	s     string
	depth int // how deep a value may be nested

	slab  []Value // for the next values
	elems []*Value
	keys  []string
	// The children of the values that are being read; a value takes its own off
	// the end when it is complete.
	stack []*Value
	names []string
}

// take returns a copy of list, cut out of the room in slab.
func take[T any](slab *[]T, list []T, more int) []T {
	if len(*slab) < len(list) {
		*slab = make([]T, max(len(list), min(1024, more)))
	}
	part := (*slab)[:len(list):len(list)]
	*slab = (*slab)[len(list):]
	copy(part, list)
	return part
}

func (p *parser) new(k Kind, text string) *Value {
	if len(p.slab) == 0 {
		p.slab = make([]Value, min(256, 8+(len(p.s)-p.Pos)/16))
	}
	v := &p.slab[0]
	p.slab = p.slab[1:]
	v.Kind, v.Text = k, text
	return v
}

func (p *parser) value() (*Value, error) {
	switch p.Next() {
	case '"':
		from := p.Pos + 1
		text, err := p.Text()
		if err != nil {
			return nil, err
		}
		return p.new(String, p.string(from, text)), nil
	case '{':
		return p.children(Object, '}')
	case '[':
		return p.children(Array, ']')
	case 'n':
		return p.new(Null, ""), p.Literal("null")
	case 't':
		return p.new(Bool, "true"), p.Literal("true")
	case 'f':
		return p.new(Bool, "false"), p.Literal("false")
	}
	from := p.Pos
	if _, err := p.Number(); err != nil {
		return nil, err
	}
	return p.new(Number, p.s[from:p.Pos]), nil
}

// string returns a text that begins at from: as a part of s, if it has no escape.
func (p *parser) string(from int, text []byte) string {
	if as := p.s[from : from+len(text)]; as == string(text) {
		return as
	}
	return string(text)
}

// children reads an object or a list, up to end.
func (p *parser) children(k Kind, end byte) (*Value, error) {
	if p.Depth == p.depth {
		return nil, &DeepError{Most: p.depth}
	}
	v, n, m, level := p.new(k, ""), len(p.stack), len(p.names), p.Depth
	if err := p.Enter(); err != nil {
		return nil, err
	}
	var member string
	for first := true; ; first = false {
		if ok, err := p.More(first, end); err != nil {
			return nil, err
		} else if !ok {
			break
		}
		if k == Object {
			p.Next()
			from := p.Pos + 1
			name, err := p.Name()
			if err != nil {
				return nil, err
			}
			member = p.string(from, name)
			p.names = append(p.names, member)
		}
		e, err := p.value()
		if err != nil {
			if deep, ok := err.(*DeepError); ok && k == Object && level < deepPath {
				deep.Path = slices.Insert(deep.Path, 0, member)
			}
			return nil, err
		}
		p.stack = append(p.stack, e)
	}
	more := 8 + (len(p.s)-p.Pos)/16
	v.Elems = take(&p.elems, p.stack[n:], more)
	p.stack = p.stack[:n]
	if k == Object {
		v.Keys = take(&p.keys, p.names[m:], more)
		p.names = p.names[:m]
	}
	return v, nil
}
