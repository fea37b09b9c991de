// Package guess ranks ATT&CK's techniques by the words of an alert. What it knows was learned from the texts of public
// detection rules and of ATT&CK itself (package learn); the table has hashes of words and weights, and no text.
package guess

import (
	"cmp"
	_ "embed"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/internal/sorting"
)

//go:embed guess.bin
var table string

// Embedded is the model that is compiled into the program.
var Embedded = sync.OnceValue(func() *Model {
	m, err := Decode(table)
	if err != nil {
		panic(err) // the table is part of the program and a test decodes it
	}
	return m
})

// A table is the magic; the labels, as their number and then each behind its length, with its bias in millionths behind it;
// the calibration, as the number of points and then each a score in 16384ths and how often a guess of that score was right
// in 65535ths; 4096 offsets of buckets, and where the last ends; and the buckets. All numbers of fixed size are
// little-endian. A bucket has the words of which the hash ends in the same 12 bits, each as 16 bits more of the hash, the
// rarity of the word in sixteenths, the length of its weights in bytes as a varint, and the weights: for each label that it
// speaks for or against, the distance to the label before as a varint, and the weight as one byte.
const (
	million   = 1e6
	scoreUnit = 1 << 14
	magic     = "ATT&CK guesses 2\n"
	buckets   = 1 << 12
)

// Model ranks labels, which are ids of techniques. It never changes and may be used by any number of goroutines.
type Model struct {
	labels  []string
	biases  []float64
	points  []Point
	offsets string
	body    string
}

// Point says how often guesses of a score, or a little more, were right on texts that the model had not seen.
type Point struct{ Score, Right float64 }

// errCorrupt is what [Decode] returns for anything but a whole table.
var errCorrupt = errors.New("guess: table is corrupt")

// Decode opens a table. It reads its head only, and the model shares its memory.
func Decode(table string) (*Model, error) {
	rest, ok := strings.CutPrefix(table, magic)
	r := reader{s: rest, bad: !ok}
	m := &Model{}
	for range r.count() {
		m.labels = append(m.labels, r.take(r.count()))
		m.biases = append(m.biases, float64(r.short())/million)
	}
	for range r.count() {
		m.points = append(m.points, Point{float64(r.short()) / scoreUnit, float64(r.short()) / math.MaxUint16})
	}
	m.offsets = r.take(4 * (buckets + 1))
	m.body = r.s
	if r.bad || m.offset(buckets) != len(m.body) {
		return nil, errCorrupt
	}
	for i := range buckets {
		if m.offset(i) > m.offset(i+1) {
			return nil, errCorrupt
		}
	}
	return m, nil
}

func (m *Model) offset(bucket int) int {
	at := m.offsets[4*bucket:]
	return int(uint32(at[0]) | uint32(at[1])<<8 | uint32(at[2])<<16 | uint32(at[3])<<24)
}

// reader takes numbers off a table. After the first that makes no sense it is bad and yields zeros.
type reader struct {
	s   string
	bad bool
}

func (r *reader) take(n int) string {
	if n > len(r.s) {
		r.bad, r.s = true, ""
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) count() int {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		if r.s == "" {
			break
		}
		b := r.s[0]
		r.s = r.s[1:]
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			if n > len(r.s) {
				break
			}
			return n
		}
	}
	r.bad, r.s = true, ""
	return 0
}

func (r *reader) short() int {
	s := r.take(2)
	if s == "" {
		return 0
	}
	return int(s[0]) | int(s[1])<<8
}

// Labels returns the ids that the model knows, sorted.
func (m *Model) Labels() []string { return slices.Clone(m.labels) }

// Ranked is a label with how well it fits.
type Ranked struct {
	ID    string
	Score float64  // about 1 for a text like those of the label, 0 for one that has nothing of it
	Right float64  // the share of guesses of this score that were right on texts not seen before
	Words []string // of the text, those that spoke for the label, the strongest first

	label int
}

// titleShare is what a title alone counts for beside the whole text: a longer text doesn't find less than its title.
const titleShare = 0.7

// Rank returns the labels that fit a text best, at most so many, the best first. One that scores nothing isn't among them.
func (m *Model) Rank(t Text, limit int) []Ranked {
	scores := m.score(Read(t))
	if t.Title != "" && t.Body != "" {
		for i, s := range m.score(Read(Text{Title: t.Title})) {
			scores[i] = max(scores[i], titleShare*s)
		}
	}
	m.relate(scores)
	var all []Ranked
	for i, s := range scores {
		if s > 0 {
			all = append(all, Ranked{ID: m.labels[i], Score: s, label: i})
		}
	}
	slices.SortFunc(all, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID))
	})
	all = all[:min(limit, len(all))]
	for i := range all {
		all[i].Right = m.right(all[i].Score)
	}
	m.explain(t, all)
	return all
}

// familyShare is what a technique's score adds to its sub-techniques, and the highest of these to it: rules on one are
// written much like rules on the other.
const familyShare = 0.2

// relate adds what a family says of its members. Labels are sorted, so that sub-techniques stand behind their technique.
func (m *Model) relate(scores []float64) {
	for i := 0; i < len(scores); {
		end, highest := i+1, 0.0
		for ; end < len(scores) && strings.HasPrefix(m.labels[end], m.labels[i]+"."); end++ {
			highest = max(highest, scores[end])
			scores[end] += familyShare * max(0, scores[i])
		}
		scores[i] += familyShare * highest
		i = end
	}
}

// maxWords is how many words a guess is explained by.
const maxWords = 5

// explain says which words spoke for each label.
func (m *Model) explain(t Text, all []Ranked) {
	type vote struct {
		word   string
		weight float64
	}
	votes := make([][]vote, len(all))
	weight := weightOf()
	seen := map[string]bool{}
	words(t.Title+" "+t.Body, func(word string, stem []byte) {
		if seen[string(stem)] {
			return
		}
		seen[string(stem)] = true
		rarity, weights, ok := m.find(hash(stem))
		if !ok {
			return
		}
		r := reader{s: weights}
		for label := 0; r.s != ""; {
			label += r.gap()
			b := r.take(1)
			if r.bad {
				return
			}
			for i := range all {
				if w := weight[b[0]]; all[i].label == label && w > 0 {
					votes[i] = append(votes[i], vote{word, w * rarity})
				}
			}
		}
	})
	for i, v := range votes {
		sorting.Stable(v, func(a, b vote) int { return cmp.Compare(b.weight, a.weight) })
		for _, x := range v[:min(maxWords, len(v))] {
			all[i].Words = append(all[i].Words, x.word)
		}
	}
}

// score adds up what the words of a text say of each label.
func (m *Model) score(f Features) []float64 {
	scores := make([]float64, len(m.labels))
	weight := weightOf()
	norm, sum := 0.0, 0.0
	for _, h := range f.sorted() {
		rarity, weights, ok := m.find(h)
		if !ok {
			continue
		}
		x := Scale(f[h]) * rarity
		norm += x * x
		sum += x
		r := reader{s: weights}
		for label := 0; r.s != ""; {
			label += r.gap()
			w := r.take(1)
			if r.bad || label >= len(scores) {
				break
			}
			scores[label] += x * weight[w[0]]
		}
	}
	if norm > 0 {
		norm = 1 / math.Sqrt(norm)
	}
	for i := range scores {
		scores[i] = (scores[i] - m.biases[i]*sum) * norm
	}
	return scores
}

// gap reads a varint that is no count.
func (r *reader) gap() int {
	n := 0
	for shift := 0; shift < 28 && r.s != ""; shift += 7 {
		b := r.s[0]
		r.s = r.s[1:]
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.bad, r.s = true, ""
	return 0
}

// sorted returns the hashes in order, so that sums come out the same each time.
func (f Features) sorted() []uint64 {
	all := make([]uint64, 0, len(f))
	for h := range f {
		all = append(all, h)
	}
	slices.Sort(all)
	return all
}

// find returns the rarity and weights of a word.
func (m *Model) find(h uint64) (rarity float64, weights string, ok bool) {
	bucket := int(h % buckets)
	rest := h / buckets % (1 << 16)
	r := reader{s: m.body[m.offset(bucket):m.offset(bucket+1)]}
	for r.s != "" {
		head := r.take(3)
		size := r.gap()
		body := r.take(size)
		if r.bad {
			return 0, "", false
		}
		if uint64(head[0])|uint64(head[1])<<8 == rest {
			return float64(head[2]) / 16, body, true
		}
	}
	return 0, "", false
}

// The bytes of weights: the sign, and 6 bits of a logarithm. Finer ones would cost more than the weights they leave no room for.
const (
	least = 1.0 / (1 << 11)
	most  = 1 << 3
	step  = 14 * math.Ln2 / 63 // the logarithm of most/least, in 63 parts
)

// weightOf has what each byte means.
var weightOf = sync.OnceValue(func() *[256]float64 {
	t := new([256]float64)
	for b := range t {
		t[b] = least * math.Exp(step*float64(b&0x7f))
		if b >= 0x80 {
			t[b] = -t[b]
		}
	}
	return t
})

func byteOf(w float64) byte {
	b := byte(0)
	if w < 0 {
		b, w = 0x80, -w
	}
	n := math.Round(math.Log(min(max(w, least), most)/least) / step)
	return b | byte(n)
}

// right returns how often guesses of a score were right.
func (m *Model) right(score float64) float64 {
	i, found := slices.BinarySearchFunc(m.points, score, func(p Point, s float64) int { return cmp.Compare(p.Score, s) })
	switch {
	case len(m.points) == 0:
		return 0
	case found:
		return m.points[i].Right
	case i == 0:
		return m.points[0].Right
	case i == len(m.points):
		return m.points[i-1].Right
	}
	a, b := m.points[i-1], m.points[i]
	return a.Right + (b.Right-a.Right)*(score-a.Score)/(b.Score-a.Score)
}

// Word is what a model knows of a word: how rare it is, and what it says of labels.
type Word struct {
	Hash    uint64
	Rarity  float64
	Weights []Weight // in order of labels
}

// Weight is what a word says of a label, given by its number: for it, or if negative against it.
type Weight struct {
	Label int
	Value float64
}

// Learned is what a [Model] is made of.
type Learned struct {
	Labels []string
	Biases []float64 // by label: what a word that no text of the label has speaks against it
	Words  []Word
	Points []Point // how often guesses are right, in order of their scores; may be left out
}

// Encode writes a table for [Decode]. The same model gives the same bytes.
func (l Learned) Encode() []byte {
	out := []byte(magic)
	uint := func(n int) { out = binary.AppendUvarint(out, uint64(n)) }
	short := func(v float64) {
		out = binary.LittleEndian.AppendUint16(out, uint16(math.Round(min(max(v, 0), math.MaxUint16))))
	}
	uint(len(l.Labels))
	for i, label := range l.Labels {
		uint(len(label))
		out = append(out, label...)
		short(l.Biases[i] * million)
	}
	uint(len(l.Points))
	for _, p := range l.Points {
		short(p.Score * scoreUnit)
		short(p.Right * math.MaxUint16)
	}
	words := l.Words
	words = slices.Clone(words)
	slices.SortFunc(words, func(a, b Word) int {
		return cmp.Or(cmp.Compare(a.Hash%buckets, b.Hash%buckets), cmp.Compare(a.Hash/buckets%(1<<16), b.Hash/buckets%(1<<16)), cmp.Compare(a.Hash, b.Hash))
	})
	var body []byte
	for bucket := range buckets {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
		for len(words) > 0 && int(words[0].Hash%buckets) == bucket {
			w := words[0]
			words = words[1:]
			rest := w.Hash / buckets
			body = append(body, byte(rest), byte(rest>>8), byte(min(255, math.Round(w.Rarity*16))))
			var weights []byte
			label := 0
			for _, x := range w.Weights {
				weights = binary.AppendUvarint(weights, uint64(x.Label-label))
				weights = append(weights, byteOf(x.Value))
				label = x.Label
			}
			body = binary.AppendUvarint(body, uint64(len(weights)))
			body = append(body, weights...)
		}
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
	return append(out, body...)
}
