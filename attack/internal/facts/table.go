package facts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// A table is the magic, the CRC-32 (little endian) of what follows it, and then unsigned varints: the strings (count,
// lengths, bytes), the versions, the objects of each kind, the relations of each verb. Strings are referred to by
// number, objects by their number within their kind. Decoding copies no text.
const magic = "ATT&CK facts 2\n"

// ErrCorrupt is what [Decode] returns, wrapped, for anything that [Encode] didn't write.
var ErrCorrupt = errors.New("fact table is corrupt")

// Bits that say what an encoded object has.
const (
	hasSTIX = 1 << iota
	hasDeprecated
	hasRevoked
	hasSubtechnique
	hasTool
	hasRevokedBy
	hasShortName
	hasAliases
	hasPlatforms
	hasRefs
	hasLogs
	hasDates
)

// Encode writes the facts of a set, without prose, as a table. The same set gives the same bytes.
func Encode(s *Set) []byte {
	w := &writer{strings: []string{""}, number: map[string]uint64{"": 0}}
	for _, v := range s.Versions {
		w.string(v)
	}
	var first [Kinds + 1]int32
	for k := range Kinds {
		first[k], first[k+1] = s.Range(k)
		w.uint(uint64(first[k+1] - first[k]))
	}
	for i := range s.Objects {
		w.object(&s.Objects[i], &first)
	}
	rest := s.Relations
	for v := range Verbs {
		n := 0
		for n < len(rest) && rest[n].Verb == v {
			n++
		}
		w.relations(rest[:n], &first)
		rest = rest[n:]
	}

	head := &writer{}
	head.uint(uint64(len(w.strings)))
	for _, s := range w.strings {
		head.uint(uint64(len(s)))
	}
	body := append(head.buf, strings.Join(w.strings, "")...)
	body = append(body, w.buf...)
	out := binary.LittleEndian.AppendUint32([]byte(magic), crc32.ChecksumIEEE(body))
	return append(out, body...)
}

// writer appends numbers, and numbers strings.
type writer struct {
	buf     []byte
	strings []string
	number  map[string]uint64
}

func (w *writer) uint(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

func (w *writer) string(s string) {
	n, ok := w.number[s]
	if !ok {
		n = uint64(len(w.strings))
		w.number[s] = n
		w.strings = append(w.strings, s)
	}
	w.uint(n)
}

func (w *writer) list(l []string) {
	w.uint(uint64(len(l)))
	for _, s := range l {
		w.string(s)
	}
}

func (w *writer) object(o *Object, first *[Kinds + 1]int32) {
	var has uint64
	for bit, set := range map[uint64]bool{
		hasSTIX:       len(o.STIX) == uuidSize,
		hasDeprecated: o.Deprecated, hasRevoked: o.Revoked, hasSubtechnique: o.Subtechnique, hasTool: o.Tool,
		hasRevokedBy: o.RevokedBy != None, hasShortName: o.ShortName != "", hasAliases: len(o.Aliases) > 0,
		hasPlatforms: len(o.Platforms) > 0, hasRefs: len(o.Refs) > 0, hasLogs: len(o.Logs) > 0,
		hasDates: o.First != "" || o.Last != "",
	} {
		if set {
			has |= bit
		}
	}
	w.uint(has<<3 | uint64(o.Domains))
	if has&hasSTIX != 0 {
		w.buf = append(w.buf, o.STIX...)
	}
	w.string(o.ID)
	w.string(o.Name)
	if has&hasRevokedBy != 0 {
		w.uint(uint64(o.RevokedBy - first[o.Kind]))
	}
	if has&hasShortName != 0 {
		w.string(o.ShortName)
	}
	if has&hasAliases != 0 {
		w.list(o.Aliases)
	}
	if has&hasPlatforms != 0 {
		w.list(o.Platforms)
	}
	if has&hasRefs != 0 {
		w.uint(uint64(len(o.Refs)))
		for _, r := range o.Refs {
			w.uint(uint64(r - first[refKind(o.Kind)]))
		}
	}
	if has&hasLogs != 0 {
		w.uint(uint64(len(o.Logs)))
		for _, l := range o.Logs {
			if o.Kind == Analytic {
				w.uint(uint64(l.Component - first[Component]))
			}
			w.string(l.Name)
			w.string(l.Channel)
		}
	}
	if has&hasDates != 0 {
		w.string(o.First)
		w.string(o.Last)
	}
}

// relations writes the relations of one verb as differences, since they are in order.
func (w *writer) relations(rs []Relation, first *[Kinds + 1]int32) {
	w.uint(uint64(len(rs)))
	var source, target int32
	for _, r := range rs {
		from, to := r.Verb.Ends()
		s, t := r.Source-first[from], r.Target-first[to]
		if s != source {
			target = 0
		}
		w.uint(uint64(s - source))
		w.uint(uint64(t-target)<<3 | uint64(r.Domains))
		source, target = s, t
	}
}

// refKind returns what the Refs of a kind point to.
func refKind(k Kind) Kind {
	if k == Strategy {
		return Analytic
	}
	return Tactic
}

// Decode reads a table. The set shares its memory. Anything but a whole, intact table is [ErrCorrupt]; what is allocated
// is bounded by the length of the table.
func Decode(table string) (*Set, error) {
	sum, ok := strings.CutPrefix(table, magic)
	if !ok || len(sum) < 4 {
		return nil, fmt.Errorf("%w: no header", ErrCorrupt)
	}
	body := sum[4:]
	want := uint32(sum[0]) | uint32(sum[1])<<8 | uint32(sum[2])<<16 | uint32(sum[3])<<24
	if checksum(body) != want {
		return nil, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	r := &reader{body: body}
	set := r.set()
	if r.bad || r.left() > 0 {
		return nil, fmt.Errorf("%w: its parts don't fit", ErrCorrupt)
	}
	return set, nil
}

// checksum computes the CRC-32 of a string without copying it as a whole.
func checksum(s string) uint32 {
	var buf [4096]byte
	var sum uint32
	for s != "" {
		n := copy(buf[:], s)
		sum = crc32.Update(sum, crc32.IEEETable, buf[:n])
		s = s[n:]
	}
	return sum
}

// reader takes numbers off a table. After the first that makes no sense it is bad and yields zeros.
type reader struct {
	body    string
	at      int
	bad     bool
	strings []string
	first   [Kinds + 1]int32
	names   slab[string]
	refs    slab[int32]
	logs    slab[Log]
}

func (r *reader) fail() { r.bad, r.at = true, len(r.body) }

// left returns how many bytes are unread.
func (r *reader) left() int { return len(r.body) - r.at }

func (r *reader) uint() uint64 {
	if r.at < len(r.body) && r.body[r.at] < 0x80 {
		r.at++
		return uint64(r.body[r.at-1])
	}
	return r.longUint()
}

func (r *reader) longUint() uint64 {
	var n uint64
	for i := 0; i < 5 && r.at+i < len(r.body); i++ {
		b := r.body[r.at+i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.at += i + 1
			return n
		}
	}
	r.fail()
	return 0
}

// count reads how many elements follow. Each takes at least a byte.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(r.left()) {
		r.fail()
		return 0
	}
	return int(n)
}

// take takes n bytes as they are.
func (r *reader) take(n int) string {
	if n > r.left() {
		r.fail()
		return ""
	}
	r.at += n
	return r.body[r.at-n : r.at]
}

func (r *reader) string() string {
	n := r.uint()
	if n >= uint64(len(r.strings)) {
		r.fail()
		return ""
	}
	return r.strings[n]
}

func (r *reader) list() []string {
	l := r.names.take(r.count())
	for i := range l {
		l[i] = r.string()
	}
	return l
}

// index reads the number of an object of a kind.
func (r *reader) index(k Kind) int32 { return r.check(r.uint(), k) }

func (r *reader) check(n uint64, k Kind) int32 {
	if n >= uint64(r.first[k+1]-r.first[k]) {
		r.fail()
		return 0
	}
	return r.first[k] + int32(n)
}

// texts reads the strings that are referred to by number, and reports whether they make sense.
func (r *reader) texts() bool {
	r.strings = make([]string, r.count())
	total := uint64(0)
	lengths := r.at
	for range r.strings {
		total += r.uint()
	}
	if r.bad || total > uint64(r.left()) {
		r.fail()
		return false
	}
	text, after := r.body[r.at:r.at+int(total)], r.at+int(total)
	r.at = lengths
	for i := range r.strings {
		n := r.uint()
		r.strings[i], text = text[:n], text[n:]
	}
	r.at = after
	return true
}

func (r *reader) set() *Set {
	if !r.texts() {
		return nil
	}
	set := &Set{}
	for i := range set.Versions {
		set.Versions[i] = r.string()
	}
	for k := range Kinds {
		r.first[k+1] = r.first[k] + int32(r.count())
	}
	if int(r.first[Kinds]) > r.left() {
		r.fail()
		return nil
	}
	set.Objects = make([]Object, r.first[Kinds])
	for k := range Kinds {
		for i := r.first[k]; i < r.first[k+1]; i++ {
			r.object(&set.Objects[i], k)
		}
	}
	for v := range Verbs {
		r.relations(set, v)
	}
	return set
}

func (r *reader) object(o *Object, kind Kind) {
	head := r.uint()
	has := head >> 3
	o.Kind, o.Domains, o.RevokedBy = kind, Domains(head&uint64(All)), None
	o.Deprecated, o.Revoked = has&hasDeprecated != 0, has&hasRevoked != 0
	o.Subtechnique, o.Tool = has&hasSubtechnique != 0, has&hasTool != 0
	if has&hasSTIX != 0 {
		o.STIX = r.take(uuidSize)
	}
	o.ID, o.Name = r.string(), r.string()
	if has&hasRevokedBy != 0 {
		o.RevokedBy = r.index(kind)
	}
	if has&hasShortName != 0 {
		o.ShortName = r.string()
	}
	if has&hasAliases != 0 {
		o.Aliases = r.list()
	}
	if has&hasPlatforms != 0 {
		o.Platforms = r.list()
	}
	if has&hasRefs != 0 {
		o.Refs = r.refs.take(r.count())
		for i := range o.Refs {
			o.Refs[i] = r.index(refKind(kind))
		}
	}
	if has&hasLogs != 0 {
		o.Logs = r.logs.take(r.count())
		for i := range o.Logs {
			component := None
			if kind == Analytic {
				component = r.index(Component)
			}
			o.Logs[i] = Log{Component: component, Name: r.string(), Channel: r.string()}
		}
	}
	if has&hasDates != 0 {
		o.First, o.Last = r.string(), r.string()
	}
}

func (r *reader) relations(set *Set, v Verb) {
	n := r.count()
	from, to := v.Ends()
	if set.Relations == nil {
		set.Relations = make([]Relation, 0, r.left()/2)
	}
	var source, target uint64
	for range n {
		if step := r.uint(); step != 0 {
			source, target = source+step, 0
		}
		step := r.uint()
		target += step >> 3
		rel := Relation{
			Verb: v, Domains: Domains(step & uint64(All)),
			Source: r.check(source, from), Target: r.check(target, to),
		}
		if r.bad {
			return
		}
		set.Relations = append(set.Relations, rel)
	}
}

// slab hands out short slices from long ones.
type slab[T any] struct{ free []T }

func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		s.free = make([]T, max(n, 1024))
	}
	t := s.free[:n:n]
	s.free = s.free[n:]
	return t
}
