package jsontree

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// How deep a value may be nested.
const (
	MaxDepthIn  = 40    // of what comes from outside
	MaxDepthOut = 10000 // of what encoding/json reads too
)

var errTooDeep = errors.New("nested too deep")

// Parse reads exactly one JSON value, nested up to depth. It accepts duplicate
// keys: who cares looks at [Value.Duplicate].
func Parse(data []byte, depth int) (*Value, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	p := parser{s: string(data)}
	v, err := p.value(depth)
	if err == errTooDeep {
		return nil, err
	}
	p.space()
	if err == nil && p.i == len(p.s) {
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

// parser reads s from byte i on. Strings without an escape are parts of s.
type parser struct {
	s string
	i int

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

// close gives v the children that were read since the stack had n, m of them.
func (p *parser) close(v *Value, n, m int) *Value {
	p.i++
	more := 8 + (len(p.s)-p.i)/16
	v.Elems = take(&p.elems, p.stack[n:], more)
	p.stack = p.stack[:n]
	if v.Kind == Object {
		v.Keys = take(&p.keys, p.names[m:], more)
		p.names = p.names[:m]
	}
	return v
}

var errSyntax = errors.New("syntax error")

func (p *parser) new(k Kind) *Value {
	if len(p.slab) == 0 {
		p.slab = make([]Value, min(256, 8+(len(p.s)-p.i)/16))
	}
	v := &p.slab[0]
	p.slab = p.slab[1:]
	v.Kind = k
	return v
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// next returns the first byte that isn't space, or 0.
func (p *parser) next() byte {
	p.space()
	if p.i == len(p.s) {
		return 0
	}
	return p.s[p.i]
}

func (p *parser) literal(k Kind, word, text string) (*Value, error) {
	if !strings.HasPrefix(p.s[p.i:], word) {
		return nil, errSyntax
	}
	p.i += len(word)
	v := p.new(k)
	v.Text = text
	return v, nil
}

func (p *parser) value(depth int) (*Value, error) {
	switch c := p.next(); {
	case c == '"':
		text, err := p.string()
		if err != nil {
			return nil, err
		}
		v := p.new(String)
		v.Text = text
		return v, nil
	case c == '{' || c == '[':
		if depth == 0 {
			return nil, errTooDeep
		}
		if c == '[' {
			return p.array(depth - 1)
		}
		return p.object(depth - 1)
	case c == 'n':
		return p.literal(Null, "null", "")
	case c == 't':
		return p.literal(Bool, "true", "true")
	case c == 'f':
		return p.literal(Bool, "false", "false")
	}
	return p.number()
}

func (p *parser) array(depth int) (*Value, error) {
	v, n := p.new(Array), len(p.stack)
	p.i++
	if p.next() == ']' {
		p.i++
		return v, nil
	}
	for {
		e, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		p.stack = append(p.stack, e)
		switch p.next() {
		case ',':
			p.i++
		case ']':
			return p.close(v, n, 0), nil
		default:
			return nil, errSyntax
		}
	}
}

func (p *parser) object(depth int) (*Value, error) {
	v, n, m := p.new(Object), len(p.stack), len(p.names)
	p.i++
	if p.next() == '}' {
		p.i++
		return v, nil
	}
	for {
		if p.next() != '"' {
			return nil, errSyntax
		}
		key, err := p.string()
		if err != nil {
			return nil, err
		}
		if p.next() != ':' {
			return nil, errSyntax
		}
		p.i++
		e, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		p.stack, p.names = append(p.stack, e), append(p.names, key)
		switch p.next() {
		case ',':
			p.i++
		case '}':
			return p.close(v, n, m), nil
		default:
			return nil, errSyntax
		}
	}
}

func (p *parser) number() (*Value, error) {
	start := p.i
	digits := func() bool {
		from := p.i
		for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i > from
	}
	at := func(chars string) bool {
		if p.i < len(p.s) && strings.IndexByte(chars, p.s[p.i]) >= 0 {
			p.i++
			return true
		}
		return false
	}
	at("-")
	if !at("0") && !digits() || at(".") && !digits() {
		return nil, errSyntax
	}
	if at("eE") {
		at("+-")
		if !digits() {
			return nil, errSyntax
		}
	}
	v := p.new(Number)
	v.Text = p.s[start:p.i]
	return v, nil
}

// string reads a string, whose opening quote is next.
func (p *parser) string() (string, error) {
	p.i++
	start := p.i
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return p.s[start : p.i-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", errSyntax
		}
		p.i++
	}
	return "", errSyntax
}

// escaped reads the rest of a string that began at start, from its first escape on.
func (p *parser) escaped(start int) (string, error) {
	b := append(make([]byte, 0, p.i-start+32), p.s[start:p.i]...)
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		switch {
		case c == '"':
			return string(b), nil
		case c < 0x20:
			return "", errSyntax
		case c != '\\':
			b = append(b, c)
			continue
		case p.i == len(p.s):
			return "", errSyntax
		}
		c = p.s[p.i]
		p.i++
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, ok := p.hex4()
			if !ok {
				return "", errSyntax
			}
			if utf16.IsSurrogate(r) {
				before := p.i
				second := rune(utf8.RuneError)
				if strings.HasPrefix(p.s[p.i:], `\u`) {
					p.i += 2
					if second, ok = p.hex4(); !ok {
						return "", errSyntax
					}
				}
				if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
					p.i = before // what follows stands for itself
				}
			}
			b = utf8.AppendRune(b, r)
		default:
			return "", errSyntax
		}
	}
	return "", errSyntax
}

func (p *parser) hex4() (rune, bool) {
	if p.i+4 > len(p.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[p.i:p.i+4], 16, 16)
	p.i += 4
	return rune(n), err == nil
}
