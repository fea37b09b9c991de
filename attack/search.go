package attack

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

// Hit is a technique that a search found.
type Hit struct {
	Technique *Technique
	Score     int      // comparable within one search only; more is better
	Fit       int      // 0 to 100, comparable between searches: how much of the query the technique's name accounts for
	Words     []string // the words of the query that were found, in their order
}

// How much a word is worth by where it is found.
const (
	inName    = 8.0
	inParent  = 3.0
	inMention = 1.0
)

// Search ranks techniques by how well they fit a query of words or an id, best first. Words in a name count more than
// those in the name of the parent, and these more than mentions in detection strategies and descriptions; rare words
// count more than common ones. It returns at most limit hits, and how many there are.
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
		if slices.Contains(asked, s) {
			continue
		}
		asked = append(asked, s)
		posts := index.posts[s]
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
	for n, t := range found {
		// A name that the query covers wholly is what was meant; one of which it covers a part, perhaps.
		t.score *= 1 + float64(t.named)/float64(max(1, index.length[n]))
		hits = append(hits, Hit{Technique: &k.techniques[n], Score: int(t.score * 10), Fit: int(100 * t.score / most), Words: t.words})
	}
	slices.SortFunc(hits, func(a, b Hit) int {
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
		add := func(text string, weight float64) {
			for _, w := range split(text) {
				s := stem(w)
				posts := x.posts[s]
				if n := len(posts); n > 0 && posts[n-1].technique == t.n {
					posts[n-1].weight = max(posts[n-1].weight, weight)
					continue
				}
				x.posts[s] = append(posts, post{t.n, weight})
			}
		}
		add(t.Name, inName)
		x.length[t.n] = len(split(t.Name))
		if p := t.Parent(); p != nil {
			add(p.Name, inParent)
		}
		for _, s := range t.Detection().Strategies {
			add(s.Name, inMention)
		}
		add(plain(t.Description), inMention)
	}
	return x
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

// plain takes citations and link targets out of MITRE's prose: "[Mimikatz](https://…) (Citation: X)" becomes "Mimikatz".
func plain(text string) string {
	var out strings.Builder
	for text != "" {
		next := strings.IndexAny(text, "[(")
		if next < 0 {
			out.WriteString(text)
			break
		}
		out.WriteString(text[:next])
		text = text[next:]
		if strings.HasPrefix(text, "(Citation:") {
			if end := strings.IndexByte(text, ')'); end >= 0 {
				text = text[end+1:]
				continue
			}
		}
		if text[0] == '[' {
			label, rest, ok := strings.Cut(text[1:], "](")
			if _, after, closed := strings.Cut(rest, ")"); ok && closed && !strings.ContainsAny(label, "[]\n") {
				out.WriteString(label)
				text = after
				continue
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return strings.TrimSpace(out.String())
}
