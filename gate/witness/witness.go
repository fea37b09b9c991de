// Package witness writes the checkpoints of a gate's journal in the form that witnesses
// of transparency logs cosign, and reads what they have cosigned.
//
// A journal is a log whose entries are the hashes of its events. An approver who vouches
// for it signs a checkpoint of it (c2sp.org/tlog-checkpoint) as part of an event. A
// witness (c2sp.org/tlog-witness) that was shown each checkpoint with a proof cosigns
// only what goes on from what it has cosigned before: whoever has its cosignature knows
// that nobody was shown another history.
package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// ErrNone means that no approver has signed a checkpoint that a witness could take.
var ErrNone = errors.New("gate: no checkpoint: an approver signs one with gate checkpoint")

// A Checkpoint is the one that an approver signed last.
type Checkpoint struct {
	Origin string // which journal
	Size   uint64 // how many events it is about
	Text   string // what is signed

	key  ed25519.PublicKey
	sig  []byte
	tree tree
}

// Latest returns the checkpoint that was signed last in a history, as [journal.Events]
// yields it.
func Latest(events iter.Seq2[state.Event, error]) (*Checkpoint, error) {
	var last *Checkpoint
	var t tree
	all := &state.Tree{}
	keys := map[string]ed25519.PublicKey{}
	for e, err := range events {
		if err != nil {
			return nil, err
		}
		switch e.Kind {
		case state.EventEnrolled:
			keys[e.Approver] = e.Key
		case state.EventStruck:
			delete(keys, e.Approver)
		case state.EventGenesis:
			if all.Size > 0 || e.Seq == 1 || e.State == nil {
				break
			}
			first, err := state.Load(e.State)
			if err != nil {
				return nil, fmt.Errorf("gate: seq %d: %w", e.Seq, err)
			}
			if first.Tree == nil {
				return nil, errors.New("gate: the journal was cut before it kept a tree, so nobody can prove what it goes on from")
			}
			for name, a := range first.Enrolled {
				keys[name] = a.Key
			}
			all = first.Tree
			t.before(all)
		case state.EventCheckpoint:
			if key := keys[e.Approver]; len(key) == ed25519.PublicKeySize && ed25519.Verify(key, all.Checkpoint(), e.Sig) {
				last = &Checkpoint{Origin: all.Origin, Size: all.Size, Text: string(all.Checkpoint()), key: key, sig: e.Sig}
			}
		}
		all.Add(e.Hash)
		t.leaves = append(t.leaves, tlog.Hash(state.Leaf(e.Hash)))
	}
	if last == nil {
		return nil, ErrNone
	}
	last.tree = t
	return last, nil
}

// Key returns the key of the log, as a witness is told it.
func (c *Checkpoint) Key() (string, error) { return note.NewEd25519VerifierKey(c.Origin, c.key) }

// Note returns the checkpoint with the approver's signature.
func (c *Checkpoint) Note() ([]byte, error) {
	v, err := c.verifier()
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: c.Text}, &signed{v, c.sig})
}

func (c *Checkpoint) verifier() (note.Verifier, error) {
	key, err := c.Key()
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(key)
}

// signed is a [note.Signer] of what was signed before.
type signed struct {
	note.Verifier
	sig []byte
}

func (s *signed) Sign([]byte) ([]byte, error) { return s.sig, nil }

// Request returns the body by which a witness that has cosigned the first old events is
// asked to cosign the checkpoint: the proof that it goes on from there, and the note.
func (c *Checkpoint) Request(old uint64) ([]byte, error) {
	if old > c.Size {
		return nil, fmt.Errorf("gate: the checkpoint is about %d events, and the witness has seen %d: it knows more than this journal", c.Size, old)
	}
	signed, err := c.Note()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	if old > 0 && old < c.Size {
		proof, err := tlog.ProveTree(int64(c.Size), int64(old), &c.tree)
		if err != nil {
			return nil, fmt.Errorf("gate: proof from %d events on: %w", old, err)
		}
		for _, h := range proof {
			fmt.Fprintln(&b, h)
		}
	}
	b.WriteByte('\n')
	b.Write(signed)
	return b.Bytes(), nil
}

// tree is a [tlog.HashReader] of a journal whose first events may not be kept: of
// those it has the roots of the perfect subtrees.
type tree struct {
	base   int64 // events that aren't kept
	edge   map[[2]int64]tlog.Hash
	leaves []tlog.Hash
}

// before has the tree begin behind the events of t.
func (r *tree) before(t *state.Tree) {
	r.base, r.edge = int64(t.Size), map[[2]int64]tlog.Hash{}
	at := int64(0)
	for _, h := range t.Edge {
		level := int64(0)
		for level+1 < 63 && at%(2<<level) == 0 && at+2<<level <= r.base {
			level++
		}
		r.edge[[2]int64{level, at >> level}] = tlog.Hash(h)
		at += 1 << level
	}
}

func (r *tree) at(level, n int64) (tlog.Hash, error) {
	if h, ok := r.edge[[2]int64{level, n}]; ok {
		return h, nil
	}
	if level == 0 {
		if i := n - r.base; i >= 0 && i < int64(len(r.leaves)) {
			return r.leaves[i], nil
		}
		return tlog.Hash{}, errors.New("it needs events that aren't kept any more")
	}
	left, err := r.at(level-1, 2*n)
	if err != nil {
		return left, err
	}
	right, err := r.at(level-1, 2*n+1)
	return tlog.NodeHash(left, right), err
}

// ReadHashes returns stored hashes by their indexes.
func (r *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		var err error
		if list[i], err = r.at(int64(level), n); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// maxNote is how large a cosigned checkpoint may be.
const maxNote = 1 << 20

// A Cosignature is that of one witness, which was checked.
type Cosignature struct {
	Witness string    // who signed
	At      time.Time // zero where the witness doesn't say
}

// Is reports whether a file is a signed checkpoint rather than an export.
func Is(b []byte) bool { return bytes.Contains(b, []byte("\n\n\u2014 ")) }

// Open reads a checkpoint that must be cosigned by every one of the witnesses, whose keys
// have the form NAME+HASH+KEY. With no witness named, nobody's cosignature is looked at: the
// checkpoint then proves as much as the place where it was kept. Whether an approver has
// signed it is seen when a journal is held against it.
func Open(b []byte, witnesses []string) (*journal.Anchors, []Cosignature, error) {
	if len(b) > maxNote {
		return nil, nil, fmt.Errorf("gate: anchor: more than %d bytes", maxNote)
	}
	var known []note.Verifier
	for _, key := range witnesses {
		v, err := verifier(key)
		if err != nil {
			return nil, nil, fmt.Errorf("gate: witness %q: %w", key, err)
		}
		known = append(known, v)
	}
	n, err := note.Open(b, note.VerifierList(known...))
	if unknown := (*note.UnverifiedNoteError)(nil); errors.As(err, &unknown) {
		n, err = unknown.Note, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("gate: anchor: %w", err)
	}
	var found []Cosignature
	for _, v := range known {
		i := slices.IndexFunc(n.Sigs, func(s note.Signature) bool { return s.Name == v.Name() && s.Hash == v.KeyHash() })
		if i < 0 {
			return nil, nil, fmt.Errorf("gate: anchor: it is not cosigned by %s", v.Name())
		}
		found = append(found, Cosignature{v.Name(), since(v, n.Sigs[i])})
	}
	lines := strings.Split(n.Text, "\n")
	size, err := strconv.ParseUint(lines[min(1, len(lines)-1)], 10, 63)
	if len(lines) != 4 || err != nil || size == 0 || lines[1] != strconv.FormatUint(size, 10) { // a journal adds no lines
		return nil, nil, errors.New("gate: anchor: not a checkpoint of a journal")
	}
	tree := journal.SignedTree{Text: n.Text}
	for _, s := range slices.Concat(n.Sigs, n.UnverifiedSigs) {
		if raw, err := base64.StdEncoding.DecodeString(s.Base64); err == nil && s.Name == lines[0] {
			tree.Sigs = append(tree.Sigs, raw)
		}
	}
	return &journal.Anchors{Trees: map[uint64]journal.SignedTree{size: tree}}, found, nil
}

const (
	algEd25519   = 1
	algCosigning = 4 // c2sp.org/tlog-cosignature: with the time
)

// verifier reads the key of a witness.
func verifier(key string) (note.Verifier, error) {
	name, rest, _ := strings.Cut(key, "+")
	hash, encoded, ok := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return nil, errors.New("want NAME+HASH+KEY")
	}
	switch raw[0] {
	case algEd25519:
		return note.NewVerifier(key)
	case algCosigning:
	default:
		return nil, fmt.Errorf("a key of type %d: want 1 or 4", raw[0])
	}
	sum := sha256.Sum256(slices.Concat([]byte(name), []byte("\n"), raw))
	c := &cosigner{name, binary.BigEndian.Uint32(sum[:]), raw[1:]}
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsSpace) || hash != fmt.Sprintf("%08x", c.hash) {
		return nil, errors.New("its hash is not that of the key")
	}
	return c, nil
}

// cosigner is a [note.Verifier] of cosignatures, which hold the time.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(msg, sig []byte) bool {
	return len(sig) == 8+ed25519.SignatureSize && binary.BigEndian.Uint64(sig) <= math.MaxInt64 &&
		ed25519.Verify(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg), sig[8:])
}

// since returns when a witness has signed.
func since(v note.Verifier, s note.Signature) time.Time {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if _, ok := v.(*cosigner); !ok || err != nil || len(raw) < 12 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0)
}
