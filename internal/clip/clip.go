// Package clip shortens texts: foreign ones for an error, our own for where room
// is bounded.
package clip

import "strings"

// Text returns s if it has at most n bytes, or else as many whole characters as
// fit into n bytes, with … behind them. Bytes that are no UTF-8 are left out of
// what is shortened.
func Text(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// Bytes returns at most n bytes of s, cut at the edge of a character and without
// a sign of it.
func Bytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
