package jsontext

import "unicode/utf8"

const digits = "0123456789abcdef"

// AppendString adds s as a JSON string, as JavaScript's JSON.stringify does and
// unlike json.Marshal: <, > and & stay as they are. What ends a line for some
// readers and not in JSON is escaped all the same.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; ; {
		if i = skipPlain(s, i, true); i >= len(s) {
			break
		}
		c := s[i]
		if c < utf8.RuneSelf {
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
				b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
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
	for i := 0; ; {
		if i = skipPlain(s, i, true); i >= len(s) {
			break
		}
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
