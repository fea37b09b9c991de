// Package bm25 ranks short texts by words, as hosts that load tools late do.
package bm25

import (
	"math"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// An Index is of texts, which are known by their numbers.
type Index struct {
	words  []map[string]float64 // how often each word stands in a text
	length []float64
	mean   float64
	in     map[string]float64 // in how many texts a word stands
}

// New returns an index of texts.
func New(texts []string) *Index {
	x := &Index{in: map[string]float64{}}
	for _, text := range texts {
		count := map[string]float64{}
		words := Words(text)
		for _, w := range words {
			count[w]++
		}
		for w := range count {
			x.in[w]++
		}
		x.words, x.length = append(x.words, count), append(x.length, float64(len(words)))
		x.mean += float64(len(words)) / float64(len(texts))
	}
	return x
}

// The usual parameters.
const (
	k = 1.2
	b = 0.75
)

// Has reports whether a text has the word.
func (x *Index) Has(word string) bool { return x.in[word] > 0 }

// Rank returns the numbers of the texts that have a word of query, best first; of
// equals the first.
func (x *Index) Rank(query string) []int {
	score := make([]float64, len(x.words))
	var hits []int
	for i, count := range x.words {
		for _, w := range Words(query) {
			if f := count[w]; f > 0 {
				n := float64(len(x.words))
				score[i] += math.Log(1+(n-x.in[w]+0.5)/(x.in[w]+0.5)) * f * (k + 1) / (f + k*(1-b+b*x.length[i]/x.mean))
			}
		}
		if score[i] > 0 {
			hits = append(hits, i)
		}
	}
	sorting.Stable(hits, func(i, j int) int {
		switch {
		case score[i] > score[j]:
			return -1
		case score[i] < score[j]:
			return 1
		}
		return 0
	})
	return hits
}

// Words returns the words of text in small letters; caseId is two.
func Words(text string) []string {
	var spaced strings.Builder
	var before rune
	for _, r := range text {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(r)
		before = r
	}
	return strings.FieldsFunc(strings.ToLower(spaced.String()), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '&' })
}
