package guess

import (
	"math"
	"strings"
	"sync"
)

// Text is what is said of an alert or a rule: what it is called, and what else there is, such as a description or groups.
// A title counts twice.
type Text struct{ Title, Body string }

// Split makes a text of one that isn't divided: its first sentence or line is the title.
func Split(text string) Text {
	text = strings.TrimSpace(text)
	if i := strings.IndexByte(text, '\n'); i > 0 {
		return Text{text[:i], text[i+1:]}
	}
	if i := strings.Index(text, ". "); i > 0 {
		return Text{text[:i], text[i+2:]}
	}
	return Text{Title: text}
}

// Features is how often each word, and each pair of words that stand side by side, occurs in a text, by their hash. A pair
// is hashed as if it were one word, so that "web shell" is also "webshell".
type Features map[uint64]float64

// Read counts the words of a text.
func Read(t Text) Features {
	f := Features{}
	f.add(t.Title, 2)
	f.add(t.Body, 1)
	return f
}

// add counts words and pairs.
func (f Features) add(text string, times float64) {
	var before []byte
	var pair [2 * maxWord]byte
	words(text, func(_ string, s []byte) {
		f[hash(s)] += times
		if len(before) > 0 {
			f[hash(append(append(pair[:0], before...), s...))] += times
		}
		before = append(before[:0], s...)
	})
}

// words yields the words of a text as they stand there, with their stem in lower case. Those that say nothing of what
// happens are left out.
func words(text string, yield func(word string, stem []byte)) {
	var word [maxWord]byte
	for i := 0; i < len(text); {
		from, n := i, 0
		for ; i < len(text); i++ {
			c := text[i]
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			if c < '0' || '9' < c && c < 'a' || 'z' < c {
				break
			}
			if n < maxWord {
				word[n] = c
				n++
			}
		}
		if n == 0 {
			i++
			continue
		}
		if !stop()[string(word[:n])] {
			yield(text[from:i], stem(word[:n]))
		}
	}
}

// maxWord is how many letters of a word count.
const maxWord = 40

// Scale turns counts into weights: a word that occurs often counts for more, but less than each time.
func Scale(times float64) float64 { return 1 + math.Log(times) }

// hash is FNV-1a of 64 bits.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// stem cuts the commonest endings, so that "dump" finds "dumping".
func stem(w []byte) []byte {
	for _, ending := range []string{"ing", "ed", "es", "s"} {
		if n := len(w) - len(ending); n >= 4 && string(w[n:]) == ending {
			if w = w[:n]; w[n-1] == 'e' {
				w = w[:n-1]
			}
			return w
		}
	}
	if n := len(w) - 1; n >= 4 && w[n] == 'e' {
		w = w[:n]
	}
	return w
}

// stop are words that say nothing of what happens.
var stop = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq("a an and as at be by can could detect detected detection detects for from has in is it " +
		"its may of on or that the this to use used uses using via was were when which with") {
		m[w] = true
	}
	return m
})

// Groups makes a body of the groups of a rule. Those that say which paragraph of a standard a rule serves are left out: each
// rule has them, whatever it finds.
func Groups(groups []string) string {
	var out []string
	for _, g := range groups {
		if g = strings.ToLower(strings.TrimSpace(g)); g != "" && !standard(g) {
			out = append(out, strings.ReplaceAll(g, "_", " "))
		}
	}
	return strings.Join(out, " ")
}

func standard(group string) bool {
	for _, prefix := range []string{"pci_dss_", "gdpr_", "hipaa_", "nist_", "gpg13_", "gpg_", "tsc_", "cis_", "iso_27001"} {
		if strings.HasPrefix(group, prefix) {
			return true
		}
	}
	return false
}
