package attack

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// Hit is a technique that a search found.
type Hit struct {
	Technique *Technique // the technique
	Score     int        // comparable within one search only; more is better
	Fit       int        // 0 to 100, comparable between searches: how much of the query the technique's name accounts for
	Words     []string   // the words of the query that were found, in their order
}

// How much a word is worth by where it is found.
const (
	inName    = 8.0
	inParent  = 3.0
	inMention = 1.0
)

// Search ranks techniques by how well they fit a query of words or an id, best first. Words in a name count more than
// those in the name of the parent, and these more than mentions in detection strategies and descriptions; rare words
// count more than common ones. "webshell" finds what "web shell" does, and a name of software or a group what it uses. It returns at most limit hits, and how many there are.
func (k *KB) Search(query string, limit int) (hits []Hit, total int) {
	query = strings.TrimSpace(query)
	if kind, ok := kindOf(query); ok && kind == facts.Technique {
		if t, _, err := k.Resolve(query); err == nil && limit > 0 {
			return []Hit{{Technique: t, Score: math.MaxInt32, Fit: 100, Words: []string{query}}}, 1
		}
		return nil, 0
	}
	index := k.search()
	type tally struct {
		score float64
		named int // words found in the name
		words []string
	}
	found := map[int32]*tally{}
	var asked []string
	most := 0.0 // what a technique would have whose name is the query
	for _, w := range split(query) {
		s := stem(w)
		posts := index.posts[s]
		if len(posts) == 0 || slices.Contains(asked, s) {
			continue // a word that ATT&CK never uses says nothing of what fits
		}
		asked = append(asked, s)
		rarity := math.Log(1 + float64(index.size)/float64(1+len(posts)))
		most += rarity * inName * 2
		for _, p := range posts {
			t := found[p.technique]
			if t == nil {
				t = &tally{}
				found[p.technique] = t
			}
			t.score += rarity * p.weight
			t.words = append(t.words, w)
			if p.weight >= inName {
				t.named++
			}
		}
	}
	for _, u := range k.mentioned(query) {
		for _, t := range u.techniques {
			if t.Active() && found[t.n] == nil {
				found[t.n] = &tally{score: inMention, words: []string{u.name}}
			}
		}
	}
	most = max(most, 2*inName)
	for n, t := range found {
		// A name that the query covers wholly is what was meant; one of which it covers a part, perhaps.
		t.score *= 1 + float64(t.named)/float64(max(1, index.length[n]))
		hits = append(hits, Hit{Technique: &k.techniques[n], Score: int(t.score * 10), Fit: int(100 * t.score / most), Words: t.words})
	}
	sorting.By(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.Technique.ID, b.Technique.ID))
	})
	return hits[:min(len(hits), max(limit, 0))], len(hits)
}

// searchIndex says where words occur.
type searchIndex struct {
	size   int
	posts  map[string][]post // by stem
	length map[int32]int     // how many words the name of a technique has
}

// post is an occurrence of a word, with the greatest weight it has there.
type post struct {
	technique int32
	weight    float64
}

func (k *KB) indexWords() *searchIndex {
	x := &searchIndex{posts: map[string][]post{}, length: map[int32]int{}}
	for t := range k.Techniques() {
		x.size++
		add := func(words []string, weight float64) {
			for _, w := range words {
				s := stem(w)
				posts := x.posts[s]
				if n := len(posts); n > 0 && posts[n-1].technique == t.n {
					posts[n-1].weight = max(posts[n-1].weight, weight)
					continue
				}
				x.posts[s] = append(posts, post{t.n, weight})
			}
		}
		add(paired(split(t.Name)), inName)
		x.length[t.n] = len(split(t.Name))
		if p := t.Parent(); p != nil {
			add(split(p.Name), inParent)
		}
		for _, s := range t.Detection().Strategies {
			add(split(s.Name), inMention)
		}
		add(split(plain(t.Description)), inMention)
	}
	return x
}

// paired adds to words each two that stand side by side, as one word.
func paired(words []string) []string {
	out := slices.Clone(words)
	for i := 1; i < len(words); i++ {
		out = append(out, words[i-1]+words[i])
	}
	return out
}

// split cuts a text into words, lower-case, without those that say nothing.
func split(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
	return slices.DeleteFunc(words, func(w string) bool {
		switch w {
		case "a", "an", "and", "as", "at", "by", "detect", "detection", "for", "from", "in", "is", "of", "on", "or",
			"over", "strategy", "the", "through", "to", "using", "via", "with":
			return true
		}
		return false
	})
}

// stem cuts the commonest endings, so that "dump" finds "dumping".
func stem(w string) string {
	for _, ending := range []string{"ing", "ed", "es", "s"} {
		if short, ok := strings.CutSuffix(w, ending); ok && len(short) >= 4 {
			return strings.TrimSuffix(short, "e")
		}
	}
	if len(w) > 4 {
		return strings.TrimSuffix(w, "e")
	}
	return w
}

var plain = facts.Plain
