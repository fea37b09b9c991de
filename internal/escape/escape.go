// Package escape makes text safe to be shown to a person who decides on it.
package escape

import (
	"fmt"
	"strings"
	"unicode"
)

// Text makes every character that a person can't see, or that moves others
// about, visible: controls, line breaks, bidirectional marks, zero-width and
// tag characters, variation selectors, blanks that aren't a space, a space
// after a space, broken UTF-8. What can be seen stays as it is: letters of two
// scripts that look alike, and an accent that is part of a letter or follows it,
// aren't told apart, so that a name may still pass for another.
func Text(s string) string {
	if !strings.Contains(s, "  ") && strings.IndexFunc(s, func(r rune) bool { return !plain(r) || r == '\\' }) < 0 {
		return s
	}
	var b strings.Builder
	var before rune
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == ' ' && before == ' ':
			b.WriteString(`\u{20}`)
		case plain(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
		before = r
	}
	return b.String()
}

const brailleBlank = '\u2800'

func plain(r rune) bool {
	return r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r) && r != unicode.ReplacementChar && r != brailleBlank &&
		!unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}
