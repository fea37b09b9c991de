package learn

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/guess"
)

// Result is how often the right technique was among the first guesses, of rules that the model hadn't seen.
type Result struct {
	What         string
	Rules        int
	Top1, Top3   int
	Top10        int
	Empty        int
	Guesses      []Guess // each of the first ten
	FirstGuesses []Guess // the first alone
}

// String gives shares in percent.
func (r Result) String() string {
	p := func(n int) float64 { return 100 * float64(n) / float64(max(1, r.Rules)) }
	return fmt.Sprintf("%-32s %5d rules: top-1 %4.1f %%, top-3 %4.1f %%, top-10 %4.1f %%, empty %d", r.What, r.Rules, p(r.Top1), p(r.Top3), p(r.Top10), r.Empty)
}

func (r *Result) add(ranked []guess.Ranked, labels []string) {
	r.Rules++
	if len(ranked) == 0 {
		r.Empty++
	}
	first := len(ranked)
	for i, g := range ranked {
		right := slices.Contains(labels, g.ID)
		if right {
			first = min(first, i)
		}
		r.Guesses = append(r.Guesses, Guess{g.Score, right})
		if i == 0 {
			r.FirstGuesses = append(r.FirstGuesses, Guess{g.Score, right})
		}
	}
	if first < len(ranked) {
		r.Top10++
		if first < 3 {
			r.Top3++
		}
		if first == 0 {
			r.Top1++
		}
	}
}

// Evaluate trains without a part of Sigma's rules, and without all rules of a part of Wazuh's files, and guesses at these;
// folds times, until each had its turn. Rules of Sigma that say nearly the same stay together, or else lie as chance has it,
// like those of a half of the rules that is drawn at random.
func Evaluate(examples []Example, labels []string, o Options, folds, run int, together bool) []Result {
	part := parts(examples, folds, together)
	results := blank()
	for fold := range min(folds, run) {
		var seen []Example
		for i, e := range examples {
			if part[i] != fold {
				seen = append(seen, e)
			}
		}
		m, err := guess.Decode(string(Train(seen, labels, o).Encode()))
		if err != nil {
			panic(err) // what Encode writes, Decode reads
		}
		for i, e := range examples {
			if part[i] == fold {
				put(results, m, e)
			}
		}
	}
	return results
}

// Test puts a model to the rules of Sigma and Wazuh among the examples. What it has learned from tells nothing.
func Test(m *guess.Model, examples []Example) []Result {
	results := blank()
	for _, e := range examples {
		if e.Source == "sigma" || e.Source == "wazuh" {
			put(results, m, e)
		}
	}
	return results
}

func blank() []Result {
	return []Result{
		{What: "Sigma, title and description"}, {What: "Sigma, title alone"},
		{What: "Wazuh, description and groups"}, {What: "Wazuh, description alone"},
	}
}

func put(results []Result, m *guess.Model, e Example) {
	if len(e.Labels) == 0 {
		return
	}
	at := 0
	if e.Source == "wazuh" {
		at = 2
	}
	results[at].add(m.Rank(e.Text, 10), e.Labels)
	results[at+1].add(m.Rank(guess.Text{Title: e.Title}, 10), e.Labels)
}

// parts divides the rules of Sigma and Wazuh; what is in no part is -1.
func parts(examples []Example, folds int, together bool) []int {
	part := make([]int, len(examples))
	var sigma []int
	for i, e := range examples {
		part[i] = -1
		switch e.Source {
		case "sigma":
			sigma = append(sigma, i)
		case "wazuh":
			part[i] = number(e.Group, folds)
		}
	}
	leader := map[int]int{}
	words := map[int]map[string]bool{}
	for n, i := range sigma {
		leader[i] = i
		words[i] = map[string]bool{}
		for w := range strings.FieldsSeq(strings.ToLower(examples[i].Title + " " + examples[i].Body)) {
			words[i][w] = true
		}
		for _, j := range sigma[:n] {
			if together && alike(words[i], words[j]) {
				leader[i] = leader[j]
				break
			}
		}
	}
	for _, i := range sigma {
		part[i] = number(examples[leader[i]].Title, folds)
	}
	return part
}

// alike reports whether two texts share most of their words.
func alike(a, b map[string]bool) bool {
	both := 0
	for w := range a {
		if b[w] {
			both++
		}
	}
	return 10*both > 7*(len(a)+len(b)-both)
}

func number(s string, n int) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() % uint32(n))
}

// ByScore says of guesses, by tenths of their score, how many there were and how many were right.
func ByScore(guesses []Guess) string {
	var out strings.Builder
	var all, right [11]int
	for _, g := range guesses {
		i := min(10, int(10*g.Score))
		all[i]++
		if g.Right {
			right[i]++
		}
	}
	for i := range all {
		if all[i] > 0 {
			fmt.Fprintf(&out, "  score from %.1f: %5d guesses, %3.0f %% right\n", float64(i)/10, all[i], 100*float64(right[i])/float64(all[i]))
		}
	}
	return out.String()
}

// BySource counts the examples of each source.
func BySource(examples []Example) string {
	counts := map[string]int{}
	for _, e := range examples {
		counts[e.Source]++
	}
	var names []string
	for n := range counts {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	for i, n := range names {
		names[i] = fmt.Sprintf("%s %d", n, counts[n])
	}
	return strings.Join(names, ", ")
}
