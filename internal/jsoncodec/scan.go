package jsoncodec

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner steps through a JSON text and finds what breaks its grammar.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

// next skips white space and returns the byte there, or 0 at the end.
func (s *scanner) next() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\n', '\t', '\r':
			s.pos++
		case 0:
			return 1 // no byte of JSON
		default:
			return c
		}
	}
	return 0
}

// enter steps over the bracket that opens an object or a list.
func (s *scanner) enter() error {
	s.pos++
	if s.depth++; s.depth > maxDepth {
		return errSyntax
	}
	return nil
}

// more steps over a comma, or over the bracket that closes, and says whether
// another element follows.
func (s *scanner) more(first bool, end byte) (bool, error) {
	switch c := s.next(); {
	case c == end:
		s.pos++
		s.depth--
		return false, nil
	case first:
		return true, nil
	case c == ',':
		s.pos++
		if s.next() == end {
			return false, errSyntax
		}
		return true, nil
	}
	return false, errSyntax
}

// name reads the name of a member and the colon. What it returns may be a part
// of the text.
func (s *scanner) name() ([]byte, error) {
	if s.next() != '"' {
		return nil, errSyntax
	}
	name, err := s.text()
	if err != nil {
		return nil, err
	}
	if s.next() != ':' {
		return nil, errSyntax
	}
	s.pos++
	return name, nil
}

// literal steps over null, true or false.
func (s *scanner) literal(word string) error {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
		return errSyntax
	}
	s.pos += len(word)
	return nil
}

// number steps over a number and returns it.
func (s *scanner) number() ([]byte, error) {
	b, i := s.data, s.pos
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
		return nil, errSyntax
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return nil, errSyntax
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return nil, errSyntax
		}
	}
	n := b[s.pos:i]
	s.pos = i
	return n, nil
}

// end returns where the text that begins at s.pos ends, before its quote, and
// whether it is what it stands for as it is.
func (s *scanner) end() (int, bool, error) {
	plain, ascii := true, true
	for i := s.pos + 1; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			return i, plain && (ascii || utf8.Valid(s.data[s.pos+1:i])), nil
		case c == '\\':
			plain = false
			if i++; i == len(s.data) {
				return 0, false, errSyntax
			}
			switch s.data[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if i+4 >= len(s.data) || hex(s.data[i+1:]) < 0 {
					return 0, false, errSyntax
				}
				i += 4
			default:
				return 0, false, errSyntax
			}
		case c < ' ':
			return 0, false, errSyntax
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return 0, false, errSyntax
}

// text reads the text at s.pos. What it returns may be a part of s.data.
func (s *scanner) text() ([]byte, error) {
	end, plain, err := s.end()
	if err != nil {
		return nil, err
	}
	text := s.data[s.pos+1 : end]
	s.pos = end + 1
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

// skip steps over a value and returns it.
func (s *scanner) skip() ([]byte, error) {
	c := s.next()
	from := s.pos
	var err error
	switch c {
	case '"':
		var end int
		end, _, err = s.end()
		s.pos = end + 1
	case 'n':
		err = s.literal("null")
	case 't':
		err = s.literal("true")
	case 'f':
		err = s.literal("false")
	case '{', '[':
		err = s.skipAll(c)
	default:
		_, err = s.number()
	}
	if err != nil {
		return nil, err
	}
	return s.data[from:s.pos], nil
}

func (s *scanner) skipAll(open byte) error {
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if ok, err := s.more(first, open+2); !ok { // ] and } are two behind [ and {
			return err
		}
		if open == '{' {
			if s.next() != '"' {
				return errSyntax
			}
			end, _, err := s.end()
			if err != nil {
				return err
			}
			if s.pos = end + 1; s.next() != ':' {
				return errSyntax
			}
			s.pos++
		}
		if _, err := s.skip(); err != nil {
			return err
		}
	}
}

// Leaves calls f with the path and the text of each value in the JSON text b
// that is neither an object nor a list nor null: source.ip and 10.0.0.1 for
// {"source":{"ip":["10.0.0.1"]}}. A number is as it is written. Path and text
// are good until f returns.
func Leaves(b []byte, f func(path, text []byte)) error {
	s := scanner{data: b}
	if err := s.leaves(make([]byte, 0, 128), f); err != nil || s.next() != 0 {
		return errSyntax
	}
	return nil
}

func (s *scanner) leaves(path []byte, f func(path, text []byte)) error {
	c := s.next()
	switch c {
	case '"':
		text, err := s.text()
		if err == nil {
			f(path, text)
		}
		return err
	case '{', '[':
	default:
		text, err := s.skip()
		if err == nil && c != 'n' {
			f(path, text)
		}
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if ok, err := s.more(first, c+2); !ok {
			return err
		}
		inner := path
		if c == '{' {
			name, err := s.name()
			if err != nil {
				return err
			}
			if len(path) > 0 {
				inner = append(inner, '.')
			}
			inner = append(inner, name...)
		}
		if err := s.leaves(inner, f); err != nil {
			return err
		}
	}
}
