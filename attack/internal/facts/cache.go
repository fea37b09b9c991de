package facts

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// A cache file is the magic, the CRC-32 (little endian) of what follows it, and then: the stamp and the table of a set,
// each behind its length; the strings of the prose, as in a table; and for each object the number of its description, how
// many references it has and the three numbers of each; then for each relation the number of its text. All numbers are
// unsigned varints. Decoding copies no text.
const cacheMagic = "ATT&CK cache 2\n"

// EncodeCache writes a whole set, prose included, with a stamp that says what it was made from.
func EncodeCache(s *Set, stamp string) []byte {
	w := &writer{strings: []string{""}, number: map[string]uint64{"": 0}}
	for i := range s.Objects {
		o := &s.Objects[i]
		w.string(o.Description)
		w.uint(uint64(len(o.References)))
		for _, r := range o.References {
			w.string(r.Source)
			w.string(r.Description)
			w.string(r.URL)
		}
	}
	for i := range s.Relations {
		text := ""
		if s.Texts != nil {
			text = s.Texts[i]
		}
		w.string(text)
	}
	head := &writer{}
	table := Encode(s)
	head.uint(uint64(len(stamp)))
	head.buf = append(head.buf, stamp...)
	head.uint(uint64(len(table)))
	head.buf = append(head.buf, table...)
	head.uint(uint64(len(w.strings)))
	for _, s := range w.strings {
		head.uint(uint64(len(s)))
	}
	size := len(head.buf) + len(w.buf)
	for _, s := range w.strings {
		size += len(s)
	}
	out := make([]byte, len(cacheMagic)+4, len(cacheMagic)+4+size)
	copy(out, cacheMagic)
	out = append(out, head.buf...)
	for _, s := range w.strings {
		out = append(out, s...)
	}
	out = append(out, w.buf...)
	binary.LittleEndian.PutUint32(out[len(cacheMagic):], crc32.ChecksumIEEE(out[len(cacheMagic)+4:]))
	return out
}

// DecodeCache reads a cache file. The set shares its memory. Anything but a whole, intact file is [ErrCorrupt].
func DecodeCache(file string) (s *Set, stamp string, err error) {
	sum, ok := strings.CutPrefix(file, cacheMagic)
	if !ok || len(sum) < 4 {
		return nil, "", fmt.Errorf("%w: no header", ErrCorrupt)
	}
	body := sum[4:]
	want := uint32(sum[0]) | uint32(sum[1])<<8 | uint32(sum[2])<<16 | uint32(sum[3])<<24
	if checksum(body) != want {
		return nil, "", fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	r := &reader{body: body}
	stamp = r.bytes()
	table := r.bytes()
	if r.bad {
		return nil, "", fmt.Errorf("%w: its parts don't fit", ErrCorrupt)
	}
	if s, err = Decode(table); err != nil {
		return nil, "", err
	}
	if !r.texts() {
		return nil, "", fmt.Errorf("%w: its parts don't fit", ErrCorrupt)
	}
	for i := range s.Objects {
		o := &s.Objects[i]
		o.Description = r.string()
		if n := r.count(); n > 0 {
			o.References = make([]Reference, n)
			for j := range o.References {
				o.References[j] = Reference{Source: r.string(), Description: r.string(), URL: r.string()}
			}
		}
	}
	s.Texts = make([]string, len(s.Relations))
	for i := range s.Texts {
		s.Texts[i] = r.string()
	}
	if r.bad || r.left() > 0 {
		return nil, "", fmt.Errorf("%w: its parts don't fit", ErrCorrupt)
	}
	return s, stamp, nil
}

// bytes reads a text that stands behind its length.
func (r *reader) bytes() string {
	return r.take(r.count())
}
