// Package jsontext reads and writes the text of JSON: the ground of jsoncodec,
// which knows Go's types, and of jsontree, which knows none.
package jsontext

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrSyntax says that a text isn't JSON. encoding/json says best what is wrong
// with it.
var ErrSyntax = errors.New("not JSON")

// MaxDepth is how deep a value may be nested, as in encoding/json.
const MaxDepth = 10000

// A Scanner steps through a JSON text and finds what breaks its grammar.
type Scanner struct {
	Data  []byte
	Pos   int // of the next byte to read
	Depth int // how many objects and lists are open
}

// Next skips white space and returns the byte there, or 0 at the end.
func (s *Scanner) Next() byte {
	for s.Pos < len(s.Data) {
		switch c := s.Data[s.Pos]; c {
		case ' ', '\n', '\t', '\r':
			s.Pos++
		case 0:
			return 1 // no byte of JSON
		default:
			return c
		}
	}
	return 0
}

// Enter steps over the bracket that opens an object or a list.
func (s *Scanner) Enter() error {
	s.Pos++
	if s.Depth++; s.Depth > MaxDepth {
		return ErrSyntax
	}
	return nil
}

// More steps over a comma, or over the bracket that closes, and says whether
// another element follows.
func (s *Scanner) More(first bool, end byte) (bool, error) {
	switch c := s.Next(); {
	case c == end:
		s.Pos++
		s.Depth--
		return false, nil
	case first:
		return true, nil
	case c == ',':
		s.Pos++
		if s.Next() == end {
			return false, ErrSyntax
		}
		return true, nil
	}
	return false, ErrSyntax
}

// Name reads the name of a member and the colon. What it returns may be a part
// of the text.
func (s *Scanner) Name() ([]byte, error) {
	if s.Next() != '"' {
		return nil, ErrSyntax
	}
	name, err := s.Text()
	if err != nil {
		return nil, err
	}
	if s.Next() != ':' {
		return nil, ErrSyntax
	}
	s.Pos++
	return name, nil
}

// Literal steps over null, true or false.
func (s *Scanner) Literal(word string) error {
	if !bytes.HasPrefix(s.Data[s.Pos:], []byte(word)) {
		return ErrSyntax
	}
	s.Pos += len(word)
	return nil
}

// Number steps over a number and returns it.
func (s *Scanner) Number() ([]byte, error) {
	b, i := s.Data, s.Pos
	digits := func() bool {
		from := i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return nil, ErrSyntax
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return nil, ErrSyntax
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return nil, ErrSyntax
		}
	}
	n := b[s.Pos:i]
	s.Pos = i
	return n, nil
}

// end returns where the text that begins at s.Pos ends, before its quote, and
// whether it is what it stands for as it is.
func (s *Scanner) end() (int, bool, error) {
	plain, ascii := true, true
	for i := s.Pos + 1; ; i++ {
		if i = skipPlain(s.Data, i, ascii); i >= len(s.Data) {
			return 0, false, ErrSyntax
		}
		switch c := s.Data[i]; {
		case c == '"':
			return i, plain && (ascii || utf8.Valid(s.Data[s.Pos+1:i])), nil
		case c == '\\':
			plain = false
			if i++; i == len(s.Data) {
				return 0, false, ErrSyntax
			}
			switch s.Data[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if i+4 >= len(s.Data) || hex(s.Data[i+1:]) < 0 {
					return 0, false, ErrSyntax
				}
				i += 4
			default:
				return 0, false, ErrSyntax
			}
		case c < ' ':
			return 0, false, ErrSyntax
		default:
			ascii = false
		}
	}
}

// Text reads the text at s.Pos. What it returns may be a part of s.Data.
func (s *Scanner) Text() ([]byte, error) {
	end, plain, err := s.end()
	if err != nil {
		return nil, err
	}
	text := s.Data[s.Pos+1 : end]
	s.Pos = end + 1
	if plain {
		return text, nil
	}
	return unquote(text), nil
}

// hex reads four hexadecimal digits; -1 stands for others.
func hex(b []byte) rune {
	n := rune(0)
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		n = n<<4 | rune(c)
	}
	return n
}

// unquote resolves the escapes of s, which are right, and replaces what isn't UTF-8.
func unquote(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(s[i:])
			out = utf8.AppendRune(out, r)
			i += n
			continue
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		i += 2
		switch c = s[i-1]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex(s[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if i+6 <= len(s) && s[i] == '\\' && s[i+1] == 'u' {
					low = hex(s[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, c)
	}
	return out
}

// Skip steps over a value and returns it.
func (s *Scanner) Skip() ([]byte, error) {
	c := s.Next()
	from := s.Pos
	var err error
	switch c {
	case '"':
		var end int
		end, _, err = s.end()
		s.Pos = end + 1
	case 'n':
		err = s.Literal("null")
	case 't':
		err = s.Literal("true")
	case 'f':
		err = s.Literal("false")
	case '{', '[':
		err = s.skipAll(c)
	default:
		_, err = s.Number()
	}
	if err != nil {
		return nil, err
	}
	return s.Data[from:s.Pos], nil
}

func (s *Scanner) skipAll(open byte) error {
	if err := s.Enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if ok, err := s.More(first, open+2); !ok { // ] and } are two behind [ and {
			return err
		}
		if open == '{' {
			if s.Next() != '"' {
				return ErrSyntax
			}
			end, _, err := s.end()
			if err != nil {
				return err
			}
			if s.Pos = end + 1; s.Next() != ':' {
				return ErrSyntax
			}
			s.Pos++
		}
		if _, err := s.Skip(); err != nil {
			return err
		}
	}
}

// Members calls f with the name and the value of each member of the JSON text b, an
// object, in their order. Both may be parts of b.
func Members(b []byte, f func(name, value []byte)) error {
	s := Scanner{Data: b}
	if s.Next() != '{' {
		return ErrSyntax
	}
	if err := s.Enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		ok, err := s.More(first, '}')
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		name, err := s.Name()
		if err != nil {
			return err
		}
		value, err := s.Skip()
		if err != nil {
			return err
		}
		f(name, value)
	}
	if s.Next() != 0 {
		return ErrSyntax
	}
	return nil
}

// Leaves calls f with the path and the text of each value in the JSON text b
// that is neither an object nor a list nor null: source.ip and 10.0.0.1 for
// {"source":{"ip":["10.0.0.1"]}}. A number is as it is written. Path and text
// are good until f returns.
func Leaves(b []byte, f func(path, text []byte)) error { return LeavesOf(b, nil, f) }

// LeavesOf is [Leaves] of the members alone at whose paths there is something, as
// want says, which is good for those above it too.
func LeavesOf(b []byte, want func(path []byte) bool, f func(path, text []byte)) error {
	s := Scanner{Data: b}
	if err := s.leaves(make([]byte, 0, 128), want, f); err != nil || s.Next() != 0 {
		return ErrSyntax
	}
	return nil
}

func (s *Scanner) leaves(path []byte, want func(path []byte) bool, f func(path, text []byte)) error {
	c := s.Next()
	switch c {
	case '"':
		text, err := s.Text()
		if err == nil {
			f(path, text)
		}
		return err
	case '{', '[':
	default:
		text, err := s.Skip()
		if err == nil && c != 'n' {
			f(path, text)
		}
		return err
	}
	if err := s.Enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if ok, err := s.More(first, c+2); !ok {
			return err
		}
		inner := path
		if c == '{' {
			name, err := s.Name()
			if err != nil {
				return err
			}
			if len(path) > 0 {
				inner = append(inner, '.')
			}
			inner = append(inner, name...)
			if want != nil && !want(inner) {
				s.Next()
				if _, err := s.Skip(); err != nil {
					return err
				}
				continue
			}
		}
		if err := s.leaves(inner, want, f); err != nil {
			return err
		}
	}
}

// Strings returns the texts in the JSON text b, if it is a list of nothing else.
// They share one copy of b.
func Strings(b []byte) (list []string, ok bool) {
	s := Scanner{Data: b}
	if s.Next() != '[' || s.Enter() != nil {
		return nil, false
	}
	all := string(b)
	n := bytes.Count(b, []byte(`","`)) + 1
	list = make([]string, 0, n)
	for first := true; ; first = false {
		more, err := s.More(first, ']')
		if err == nil && !more {
			return list, s.Next() == 0
		}
		if err != nil || s.Next() != '"' {
			return nil, false
		}
		from := s.Pos + len(`"`)
		text, err := s.Text()
		if err != nil {
			return nil, false
		}
		one := all[from : s.Pos-len(`"`)]
		if one != string(text) { // it has escapes, or isn't UTF-8
			one = string(text)
		}
		list = append(list, one)
	}
}
