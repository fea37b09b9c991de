// Package chain is the form of a journal's lines: JSON objects of known members
// in a fixed order, the last of which is the SHA-256 of the line without it, and
// one the hash of the line before. It knows nothing of what they say.
package chain

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxLine is how many bytes a line may have, with its newline.
const MaxLine = 1 << 20

// A Format says which members a line may have, in their order, and which kinds
// of lines there are. A line of Genesis may begin a file whose beginning isn't kept.
type Format struct {
	Members []string
	Kinds   []string
	Genesis string
}

// A Link is what the chain knows of a line.
type Link struct {
	Seq              uint64
	Time             time.Time
	Prev, Hash, Kind string
	Line             []byte // with its newline; valid until the next one is read
}

// The hash is the last member of a line, so that it can be checked on the bytes.
var (
	hashStart = []byte(`"hash":"`)
	hashEnd   = []byte(`"}`)
)

// Tail is how a line ends whose hash is hash.
func Tail(hash string) []byte {
	return slices.Concat(hashStart, []byte(hash), hashEnd, []byte("\n"))
}

// Seal returns the line of body, a JSON object that ends in an empty hash.
func Seal(body []byte) (line []byte, hash string, err error) {
	at, ok := bytes.CutSuffix(body, hashEnd)
	if !ok || !bytes.HasSuffix(at, hashStart) {
		return nil, "", errors.New("its last member isn't an empty hash")
	}
	sum := sha256.Sum256(body)
	hash = hex.EncodeToString(sum[:])
	line = slices.Concat(at, []byte(hash), hashEnd, []byte("\n"))
	if len(line) > MaxLine {
		return nil, "", fmt.Errorf("event of %d bytes, at most %d fit", len(line), MaxLine)
	}
	return line, hash, nil
}

// Parse checks a line for itself: its form, its members, its hash.
func (f *Format) Parse(line []byte) (Link, error) {
	l := Link{Line: line}
	body, ended := bytes.CutSuffix(line, []byte("\n"))
	body, ended2 := bytes.CutSuffix(body, hashEnd)
	at := len(body) - hex.EncodedLen(sha256.Size)
	if !ended || !ended2 || at < 0 || !bytes.HasSuffix(body[:at], hashStart) {
		return l, errors.New("not an event")
	}
	h := sha256.New()
	h.Write(body[:at])
	h.Write(hashEnd)
	var sum [2 * sha256.Size]byte
	hex.Encode(sum[:], h.Sum(make([]byte, 0, sha256.Size)))
	if !bytes.Equal(sum[:], body[at:]) {
		return l, errors.New("the line was changed")
	}
	l.Hash = string(body[at:])
	return l, f.members(&l, line[:len(line)-1])
}

// members walks the members of an object, which must be known ones in their order.
func (f *Format) members(l *Link, b []byte) error {
	if len(b) == 0 || b[0] != '{' {
		return errors.New("not an event")
	}
	next, i := 0, 1
	for {
		end := value(b, i)
		if end < 0 || b[i] != '"' || end >= len(b) || b[end] != ':' {
			return errors.New("not an event")
		}
		name := b[i+1 : end-1]
		at := slices.IndexFunc(f.Members[next:], func(m string) bool { return m == string(name) })
		if at < 0 {
			return fmt.Errorf("member %q is unknown, or not in its place", name)
		}
		next += at + 1
		i = end + 1
		if end = value(b, i); end < 0 || end >= len(b) {
			return errors.New("not an event")
		}
		if err := f.read(l, string(name), b[i:end]); err != nil {
			return err
		}
		if i = end + 1; b[end] == '}' {
			if i != len(b) {
				return errors.New("more than one event in a line")
			}
			if !slices.Contains(f.Kinds, l.Kind) {
				return fmt.Errorf("unknown kind of event %q", l.Kind)
			}
			return nil
		}
		if b[end] != ',' || i >= len(b) {
			return errors.New("not an event")
		}
	}
}

// read takes what the chain needs of a member.
func (f *Format) read(l *Link, name string, v []byte) (err error) {
	text := func() string {
		if len(v) < 2 || v[0] != '"' || bytes.IndexByte(v, '\\') >= 0 {
			err = fmt.Errorf("%s: not a plain text", name)
			return ""
		}
		return string(v[1 : len(v)-1])
	}
	switch name {
	case "seq":
		l.Seq, err = strconv.ParseUint(string(v), 10, 64)
	case "time":
		if s := text(); err == nil {
			l.Time, err = time.Parse(time.RFC3339Nano, s)
		}
	case "prev":
		l.Prev = text()
	case "kind":
		l.Kind = text()
	}
	return err
}

// value returns the end of the JSON value that begins at i, or -1. It finds where
// a value ends, not whether all within is well formed.
func value(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch c := b[i]; c {
		case '"':
			for i++; ; i++ {
				n := bytes.IndexByte(b[i:], '"')
				if n < 0 {
					return -1
				}
				i += n
				back := i
				for b[back-1] == '\\' {
					back--
				}
				if (i-back)%2 == 0 {
					break
				}
			}
			i++
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return -1
			}
			i++
		case ',', ':':
			if depth == 0 {
				return -1
			}
			i++
			continue
		default:
			start := i
			for i < len(b) && strings.IndexByte(`,:{}[]"`, b[i]) < 0 {
				i++
			}
			if i == start {
				return -1
			}
		}
		if depth == 0 {
			return i
		}
	}
	return -1
}

// A Walk checks that each line follows the one before.
type Walk struct {
	Format *Format
	Seq    uint64 // of the line that was read last
	Hash   string // of that line
}

// Next returns the link of a line that follows.
func (w *Walk) Next(line []byte) (Link, error) {
	l, err := w.Format.Parse(line)
	if err == nil && w.Seq == 0 && l.Kind == w.Format.Genesis && l.Seq > 0 { // what was before isn't kept
		w.Seq, w.Hash = l.Seq-1, l.Prev
	}
	if err == nil && (l.Seq != w.Seq+1 || l.Prev != w.Hash) {
		err = errors.New("the chain is broken")
	}
	if err != nil {
		return l, err
	}
	w.Seq, w.Hash = l.Seq, l.Hash
	return l, nil
}

// Lines yields the lines of r, each until the next is asked for. What isn't ended
// by a newline is yielded with [io.ErrUnexpectedEOF].
func Lines(r io.Reader, size int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		b := bufio.NewReaderSize(r, int(min(max(size, 4<<10), 64<<10)))
		var long []byte
		for {
			part, err := b.ReadSlice('\n')
			line := part
			if len(long) > 0 || errors.Is(err, bufio.ErrBufferFull) {
				long = append(long, part...)
				line = long
			}
			switch {
			case len(line) > MaxLine:
				yield(nil, fmt.Errorf("line of more than %d bytes", MaxLine))
				return
			case errors.Is(err, bufio.ErrBufferFull):
				continue
			case errors.Is(err, io.EOF):
				if len(line) > 0 {
					yield(line, io.ErrUnexpectedEOF)
				}
				return
			case err != nil:
				yield(nil, err)
				return
			}
			if !yield(line, nil) {
				return
			}
			long = long[:0]
		}
	}
}

// Back yields the lines in the first end bytes of r, the last one first.
func Back(r io.ReaderAt, end int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		block := int64(64 << 10)
		var held []byte // the bytes before end that were read
		for end > 0 {
			at := -1
			if n := len(held); n > 1 {
				at = bytes.LastIndexByte(held[:n-1], '\n')
			}
			if start := end - int64(len(held)); at < 0 && start > 0 {
				if len(held) > MaxLine {
					yield(nil, fmt.Errorf("line of more than %d bytes", MaxLine))
					return
				}
				size := min(block, start)
				more := make([]byte, size, size+int64(len(held)))
				if n, err := r.ReadAt(more, start-size); int64(n) < size {
					if err == nil || errors.Is(err, io.EOF) {
						err = io.ErrUnexpectedEOF
					}
					yield(nil, err)
					return
				}
				held = append(more, held...)
				continue
			}
			line := held[at+1:]
			if !yield(line, nil) {
				return
			}
			end -= int64(len(line))
			held = held[:at+1]
		}
	}
}
