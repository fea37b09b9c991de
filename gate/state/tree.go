package state

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// A Tree is what a checkpoint says of all events: the root of the Merkle tree of RFC
// 6962 whose leaves are their hashes, 32 bytes each, in order. It keeps the roots of its
// perfect subtrees only, and so goes on where the events before aren't kept.
type Tree struct {
	Origin string   `json:"origin"` // names the journal, by its first event
	Size   uint64   `json:"size"`   // how many events it has, the number of the last
	Edge   [][]byte `json:"edge"`   // the roots of the perfect subtrees, the largest first
}

// Leaf returns the hash of the leaf for the event of that hash.
func Leaf(hash string) []byte {
	b, err := hex.DecodeString(hash)
	if err != nil { // the chain has only those
		b = []byte(hash)
	}
	sum := sha256.Sum256(append([]byte{0}, b...))
	return sum[:]
}

// Node returns the hash above two others.
func Node(left, right []byte) []byte {
	sum := sha256.Sum256(append(append([]byte{1}, left...), right...))
	return sum[:]
}

// Add adds the event of that hash, which follows.
func (t *Tree) Add(hash string) {
	if t.Size == 0 {
		t.Origin = "sallyport/journal/" + hash[:min(len(hash), 32)]
	}
	h := Leaf(hash)
	for n := t.Size; n&1 == 1; n >>= 1 {
		h = Node(t.Edge[len(t.Edge)-1], h)
		t.Edge = t.Edge[:len(t.Edge)-1]
	}
	t.Edge = append(t.Edge, h)
	t.Size++
}

// Root returns the hash of all events.
func (t *Tree) Root() []byte {
	if len(t.Edge) == 0 {
		sum := sha256.Sum256(nil)
		return sum[:]
	}
	h := t.Edge[len(t.Edge)-1]
	for i := len(t.Edge) - 2; i >= 0; i-- {
		h = Node(t.Edge[i], h)
	}
	return h
}

// Checkpoint is what an approver signs who vouches for all events, in the form of
// c2sp.org/tlog-checkpoint.
func (t *Tree) Checkpoint() []byte {
	return fmt.Appendf(nil, "%s\n%d\n%s\n", t.Origin, t.Size, base64.StdEncoding.EncodeToString(t.Root()))
}

// Signature is the signature of the checkpoint by that key as a line of a signed note
// holds it (c2sp.org/signed-note): behind the four bytes that name the key.
func (t *Tree) Signature(key ed25519.PublicKey, sig []byte) []byte {
	id := sha256.Sum256(append([]byte(t.Origin+"\n\x01"), key...))
	return append(id[:4:4], sig...)
}

// whole reports whether the edge is one of a tree of that size.
func (t *Tree) whole(size uint64) bool {
	n := 0
	for s := size; s > 0; s &= s - 1 {
		n++
	}
	if t.Size != size || len(t.Edge) != n {
		return false
	}
	for _, h := range t.Edge {
		if len(h) != sha256.Size {
			return false
		}
	}
	return true
}
