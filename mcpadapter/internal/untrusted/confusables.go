package untrusted

import (
	"html"
	"strconv"
	"strings"
	"unicode"
)

// looksLike are letters of other scripts that a reader takes for Latin ones.
var looksLike = map[rune]rune{
	'а': 'a', 'А': 'A', 'В': 'B', 'Ь': 'b', 'с': 'c', 'С': 'C', 'ԁ': 'd', 'е': 'e', 'Е': 'E', 'ё': 'e', 'ѐ': 'e', 'һ': 'h', 'Н': 'H',
	'і': 'i', 'І': 'I', 'ї': 'i', 'ј': 'j', 'Ј': 'J', 'к': 'k', 'К': 'K', 'ӏ': 'l', 'м': 'm', 'М': 'M', 'п': 'n', 'о': 'o', 'О': 'O',
	'р': 'p', 'Р': 'P', 'ԛ': 'q', 'г': 'r', 'ѕ': 's', 'Ѕ': 'S', 'т': 't', 'Т': 'T', 'ս': 'u', 'ѵ': 'v', 'ԝ': 'w', 'х': 'x', 'Х': 'X', 'у': 'y', 'У': 'Y',
	'α': 'a', 'Α': 'A', 'Β': 'B', 'ϲ': 'c', 'ε': 'e', 'Ε': 'E', 'Η': 'H', 'ι': 'i', 'Ι': 'I', 'κ': 'k', 'Κ': 'K', 'Μ': 'M', 'Ν': 'N', 'ο': 'o', 'Ο': 'O',
	'ρ': 'p', 'Ρ': 'P', 'τ': 't', 'Τ': 'T', 'υ': 'u', 'ν': 'v', 'χ': 'x', 'Χ': 'X', 'γ': 'y', 'Υ': 'Y', 'Ζ': 'Z',
	'ı': 'i', 'ɡ': 'g', 'ɩ': 'i', 'ʟ': 'L', 'ɴ': 'N', 'ʀ': 'R', 'ᴏ': 'o', 'ᴜ': 'u', 'ᴠ': 'v', 'ᴡ': 'w', 'ꜱ': 's',
}

// asciiOf returns the ASCII character that r is a style of, or looks like.
func asciiOf(r rune) rune {
	switch {
	case r >= 0xff01 && r <= 0xff5e: // fullwidth
		return r - 0xff01 + '!'
	case r >= 0x24b6 && r <= 0x24cf: // circled
		return r - 0x24b6 + 'A'
	case r >= 0x24d0 && r <= 0x24e9:
		return r - 0x24d0 + 'a'
	case r >= 0x1d400 && r <= 0x1d6a3: // mathematical: thirteen alphabets
		if n := (r - 0x1d400) % 52; n >= 26 {
			return n - 26 + 'a'
		} else {
			return n + 'A'
		}
	}
	if a, ok := looksLike[r]; ok {
		return a
	}
	return r
}

// fold returns text as a reader takes it: without what isn't seen and without
// emphasis, escapes undone, other alphabets by the Latin letters that they look
// like.
func fold(text string) string {
	for range 3 { // JSON in a string in JSON
		plain := unescape(text)
		if strings.Contains(plain, "&") {
			plain = html.UnescapeString(plain)
		}
		if plain == text {
			break
		}
		text = plain
	}
	return strings.Map(func(r rune) rune {
		switch {
		case hidden(r), unicode.Is(unicode.Mn, r), r == '*', r == '`', r == '~':
			return -1
		case r != '\n' && unicode.IsSpace(r):
			return ' '
		case r < 0x80:
			return r
		}
		return asciiOf(r)
	}, text)
}

// unescape undoes the escapes of JSON, and leaves alone what isn't one.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		switch c := s[i+1]; c {
		case 'n', 'r':
			b.WriteByte('\n')
		case 't':
			b.WriteByte(' ')
		case '"', '/', '\\':
			b.WriteByte(c)
		case 'u':
			n, err := strconv.ParseUint(s[i+2:min(i+6, len(s))], 16, 16)
			if err != nil || i+6 > len(s) {
				b.WriteByte('\\')
				continue
			}
			b.WriteRune(rune(n))
			i += 4
		default:
			b.WriteByte('\\')
			continue
		}
		i++
	}
	return b.String()
}
