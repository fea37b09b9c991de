package jsontext

import "math/bits"

// The same byte eight times.
const (
	ones      = 0x0101010101010101
	highs     = ones << 7
	blanks    = ones * ' '
	quotes    = ones * '"'
	backslash = ones * '\\'
)

// special marks, by the high bit of its byte, the first of eight bytes that ends or
// escapes a text, or is no character of one. Bytes behind it may be marked that are
// none of these.
func special(x uint64) uint64 {
	q, b := x^quotes, x^backslash
	return ((q-ones)&^q | (b-ones)&^b | (x-blanks)&^x) & highs
}

// skipPlain returns where, from i on, the first byte of a text is that doesn't stand
// for itself: a quote, a backslash, a control character and, if ascii is set, a byte
// beyond ASCII; or the length of b.
func skipPlain[T []byte | string](b T, i int, ascii bool) int {
	also := uint64(0)
	if ascii {
		also = highs
	}
	for ; i+8 <= len(b); i += 8 {
		w := b[i : i+8]
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 | uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		if m := special(x) | x&also; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || ascii && c >= 0x80 {
			break
		}
	}
	return i
}
