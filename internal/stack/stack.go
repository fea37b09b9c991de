// Package stack has what a goroutine does that is begun for one deep call.
package stack

// Deepen makes the stack of a goroutine as deep as a call of a platform takes while there
// is little on it: as it grows by and by, all that is on it is copied each time.
//
//go:noinline
func Deepen() (b byte) {
	var room [12 << 10]byte
	for i := 0; i < len(room); i += 4 << 10 {
		b += room[i]
	}
	return b
}
