// Package learn makes the table of package guess from texts, over words and pairs of words: a text is a vector of how often
// each occurs, weighed by how rare it is and made one long. The weights of a technique are the sum of three: a ridge
// regression, which comes as near as it can to 1 on texts of the technique and to 0 on all others; the mean of its texts,
// which holds where few texts tell it from others, as among the later of ten guesses; and naive Bayes, how much oftener its
// texts have a word than all texts have. What little the smallest weights add is left out.
package learn

import (
	"cmp"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/sallyport-soc/sallyport/attack/internal/guess"
)

// Example is a text with what it is about.
type Example struct {
	guess.Text
	Labels []string // none: it is about no technique
	Source string
	Group  string  // such as the file it is from
	Weight float64 // how much it counts
}

// Options of a training. The zero value isn't useful; see [Defaults].
type Options struct {
	Ridge float64 // how much large weights cost
	Mean  float64 // how much the mean counts
	Bayes float64 // how much naive Bayes counts
	Keep  int     // how many weights stay
}

// Defaults are what the embedded table was made with.
var Defaults = Options{Ridge: 0.5, Mean: 0.15, Bayes: 0.004, Keep: 345_000}

// column is a word in the texts.
type column struct {
	hash   uint64
	texts  int
	rarity float64
}

// cell is a word of a text.
type cell struct {
	column int32
	value  float32
}

// Train learns from examples. The same examples give the same words.
func Train(examples []Example, labels []string, o Options) guess.Learned {
	features := make([]guess.Features, len(examples))
	for i, e := range examples {
		features[i] = guess.Read(e.Text)
	}
	counts := map[uint64]int{}
	for _, f := range features {
		for h := range f {
			counts[h]++
		}
	}
	var columns []column
	for h, n := range counts {
		if n > 1 {
			columns = append(columns, column{h, n, math.Log(float64(1+len(examples))/float64(1+n)) + 1})
		}
	}
	slices.SortFunc(columns, func(a, b column) int { return cmp.Compare(a.hash, b.hash) })
	at := make(map[uint64]int32, len(columns))
	for i, c := range columns {
		at[c.hash] = int32(i)
	}
	rows := make([][]cell, len(examples))
	for i, f := range features {
		norm := 0.0
		for h, times := range f {
			if c, ok := at[h]; ok {
				rows[i] = append(rows[i], cell{c, float32(guess.Scale(times) * columns[c].rarity)})
			}
		}
		slices.SortFunc(rows[i], func(a, b cell) int { return cmp.Compare(a.column, b.column) })
		for _, c := range rows[i] {
			norm += float64(c.value) * float64(c.value)
		}
		if norm > 0 {
			norm = 1 / math.Sqrt(norm)
		}
		for j := range rows[i] {
			rows[i][j].value *= float32(norm)
		}
	}
	about := numbers(examples, labels)
	weights := solve(rows, len(columns), examples, about, len(labels), o.Ridge)
	biases := add(weights, rows, len(columns), examples, about, len(labels), o)
	return guess.Learned{Labels: labels, Biases: biases, Words: prune(weights, columns, len(labels), o.Keep)}
}

// numbers returns the numbers of the labels of each example.
func numbers(examples []Example, labels []string) [][]int {
	number := map[string]int{}
	for i, l := range labels {
		number[l] = i
	}
	about := make([][]int, len(examples))
	for i, e := range examples {
		for _, l := range e.Labels {
			if n, ok := number[l]; ok {
				about[i] = append(about[i], n)
			}
		}
	}
	return about
}

// The smoothing of naive Bayes: how many words of any kind each label is taken to have beside its own, and how often each
// word is taken to occur at least.
const (
	smooth = 5
	rarest = 0.01
)

// add adds the mean and naive Bayes to the weights, and returns what naive Bayes says against each label by a word that its
// texts don't have.
func add(weights []float32, rows [][]cell, columns int, examples []Example, about [][]int, labels int, o Options) []float64 {
	sums := make([]float32, columns*labels) // of the texts of each label
	everywhere, all := make([]float64, columns), rarest*float64(columns)
	for i, row := range rows {
		weight := examples[i].Weight
		for _, c := range row {
			v := weight * float64(c.value)
			everywhere[c.column] += v
			all += v
			for _, n := range about[i] {
				sums[int(c.column)*labels+n] += float32(v)
			}
		}
	}
	lengths, words := make([]float64, labels), make([]float64, labels)
	for i, s := range sums {
		lengths[i%labels] += float64(s) * float64(s)
		words[i%labels] += float64(s)
	}
	for i, s := range sums {
		if s == 0 {
			continue
		}
		often := smooth * (everywhere[i/labels] + rarest) / all
		mean := float64(s) / (math.Sqrt(math.Sqrt(lengths[i%labels])) + 0.5) // the more texts a label has, the more it is expected
		weights[i] += float32(o.Mean*mean + o.Bayes*math.Log1p(float64(s)/often))
	}
	biases := make([]float64, labels)
	for l, n := range words {
		biases[l] = o.Bayes * math.Log1p(n/smooth)
	}
	return biases
}

// block is how many labels are solved for at once.
const block = 16

// solve returns the weights of each label for each word, word by word: those that minimise the squared error of each text,
// times its weight, plus ridge times the squares of the weights. It solves the dual problem by conjugate gradients.
func solve(rows [][]cell, columns int, examples []Example, about [][]int, labels int, ridge float64) []float32 {
	cost := make([]float32, len(examples))
	for i, e := range examples {
		cost[i] = float32(ridge / e.Weight)
	}
	out := make([]float32, columns*labels)
	var wg sync.WaitGroup
	turn := make(chan int)
	for range min(2, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			s := newSolver(rows, columns, cost)
			for from := range turn {
				w := s.run(about, from)
				for c := range columns {
					copy(out[c*labels+from:min(c*labels+from+block, (c+1)*labels)], w[c*block:(c+1)*block])
				}
			}
		})
	}
	for from := 0; from < labels; from += block {
		turn <- from
	}
	close(turn)
	wg.Wait()
	return out
}

type vector = [block]float32

type solver struct {
	rows       [][]cell
	cost       []float32
	a, r, p, q []vector  // by text
	w          []float32 // by word
}

func newSolver(rows [][]cell, columns int, cost []float32) *solver {
	n := len(rows)
	return &solver{rows, cost, make([]vector, n), make([]vector, n), make([]vector, n), make([]vector, n), make([]float32, columns*block)}
}

// project sets w to the sum of texts, each times its part of v.
func (s *solver) project(v []vector) {
	clear(s.w)
	for i, row := range s.rows {
		x := &v[i]
		for _, c := range row {
			w := (*vector)(s.w[int(c.column)*block:])
			for j := range w {
				w[j] += c.value * x[j]
			}
		}
	}
}

// steps bounds the iterations, and near says when they end: the error is this share of what it was.
const (
	steps = 60
	near  = 5e-3
)

func (s *solver) run(about [][]int, from int) []float32 {
	var rz, first [block]float64
	for i := range s.rows {
		s.a[i], s.r[i] = vector{}, vector{}
		for _, n := range about[i] {
			if from <= n && n < from+block {
				s.r[i][n-from] = 1
			}
		}
		for j, r := range s.r[i] {
			s.p[i][j] = r / (1 + s.cost[i])
			rz[j] += float64(r) * float64(s.p[i][j])
		}
	}
	first = rz
	for range steps {
		s.project(s.p)
		var pq [block]float64
		for i, row := range s.rows {
			var q vector
			for _, c := range row {
				w := (*vector)(s.w[int(c.column)*block:])
				for j := range q {
					q[j] += c.value * w[j]
				}
			}
			for j := range q {
				q[j] += s.cost[i] * s.p[i][j]
				pq[j] += float64(q[j]) * float64(s.p[i][j])
			}
			s.q[i] = q
		}
		var alpha [block]float32
		for j := range alpha {
			if pq[j] > 0 {
				alpha[j] = float32(rz[j] / pq[j])
			}
		}
		var next [block]float64
		for i := range s.rows {
			scale := 1 / (1 + s.cost[i])
			for j := range alpha {
				s.a[i][j] += alpha[j] * s.p[i][j]
				s.r[i][j] -= alpha[j] * s.q[i][j]
				next[j] += float64(s.r[i][j]) * float64(s.r[i][j]*scale)
			}
		}
		done := true
		var beta [block]float32
		for j := range beta {
			if rz[j] > 0 {
				beta[j] = float32(next[j] / rz[j])
			}
			done = done && next[j] <= near*near*first[j]
		}
		if done {
			break
		}
		rz = next
		for i := range s.rows {
			scale := 1 / (1 + s.cost[i])
			for j := range beta {
				s.p[i][j] = s.r[i][j]*scale + beta[j]*s.p[i][j]
			}
		}
	}
	s.project(s.a)
	return s.w
}

// prune keeps the weights that matter most over the texts: large ones, of words that are rare, since these count for more
// where they occur, and yet occur often.
func prune(weights []float32, columns []column, labels, keep int) []guess.Word {
	matter := make([]float32, 0, len(weights)/8)
	often := make([]float64, len(columns))
	for c, col := range columns {
		often[c] = col.rarity * math.Pow(float64(col.texts), 0.35)
	}
	of := func(c, l int) float32 { return float32(math.Abs(float64(weights[c*labels+l])) * often[c]) }
	for c := range columns {
		for l := range labels {
			if m := of(c, l); m > minMatter {
				matter = append(matter, m)
			}
		}
	}
	slices.Sort(matter)
	cut := float32(minMatter)
	if len(matter) > keep {
		cut = matter[len(matter)-keep]
	}
	var words []guess.Word
	for c, col := range columns {
		w := guess.Word{Hash: col.hash, Rarity: col.rarity}
		for l := range labels {
			if of(c, l) >= cut {
				w.Weights = append(w.Weights, guess.Weight{Label: l, Value: float64(weights[c*labels+l])})
			}
		}
		if w.Weights != nil {
			words = append(words, w)
		}
	}
	return words
}

// minMatter is what no weight that is kept falls below.
const minMatter = 0.02

// Calibrate returns how often guesses of each score were right, from guesses on texts that the model hadn't seen. Guesses
// are pooled so that a higher score is never right less often.
func Calibrate(guesses []Guess) []guess.Point {
	guesses = slices.Clone(guesses)
	slices.SortStableFunc(guesses, func(a, b Guess) int { return cmp.Compare(a.Score, b.Score) })
	const each = 200 // guesses of a point, at least
	type pool struct{ score, right, n float64 }
	var pools []pool
	for from := 0; from < len(guesses); from += each {
		end := min(from+each, len(guesses))
		p := pool{n: float64(end - from)}
		for _, g := range guesses[from:end] {
			p.score += g.Score
			if g.Right {
				p.right++
			}
		}
		pools = append(pools, p)
		for len(pools) > 1 {
			a, b := pools[len(pools)-2], pools[len(pools)-1]
			if a.right/a.n < b.right/b.n {
				break
			}
			pools = append(pools[:len(pools)-2], pool{a.score + b.score, a.right + b.right, a.n + b.n})
		}
	}
	var points []guess.Point
	for _, p := range pools {
		points = append(points, guess.Point{Score: p.score / p.n, Right: p.right / p.n})
	}
	return points
}

// Guess is a guess with whether it was right.
type Guess struct {
	Score float64
	Right bool
}
