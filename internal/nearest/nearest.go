// Package nearest finds the word that a mistyped one was probably meant to be,
// for errors that say so.
package nearest

import (
	"iter"
	"strings"
)

// maxTyped is the longest word that is compared: nobody mistypes a longer one,
// and the time grows with its square.
const maxTyped = 80

// Word returns the one of words that is most like typed, the first of several,
// or "" if each is more than most letters away from it. Case and the separators
// - and _ don't count, two letters that have changed places are one, and a word
// that begins or ends with typed is no more than most letters away.
func Word(typed string, most int, words iter.Seq[string]) string {
	if len(typed) > maxTyped || most < 1 {
		return ""
	}
	typed = fold(typed)
	best, least := "", most+1
	for word := range words {
		folded := fold(word)
		part := len(typed) >= 3 && (strings.HasPrefix(folded, typed) || strings.HasSuffix(folded, typed))
		if part && most < least {
			best, least = word, most
		}
		if apart := len(typed) - len(folded); max(apart, -apart) >= least {
			continue
		}
		if d := Distance(typed, folded); d < least {
			best, least = word, d
		}
	}
	return best
}

var separators = strings.NewReplacer("_", "", "-", "")

func fold(word string) string { return separators.Replace(strings.ToLower(word)) }

// Distance is the least number of edits that make b of a: a byte added, left
// out or put for another, or two neighbours that change places.
func Distance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := above[j]
			if a[i] != b[j] {
				cost++
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, before[j-1]+1)
			}
			row[j+1] = min(cost, above[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
