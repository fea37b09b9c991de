package answer

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

const (
	DefaultSize = 24 << 10
	MinSize     = 2 << 10
	maxNesting  = 100 // levels of an answer: decoders refuse more
	minMember   = 40  // bytes that a member of an object is left at least, unless it has less
	maxCuts     = 40  // entries of _truncated
)

// cut says which part of a result is left out.
type cut struct {
	Path  string `json:"path"`
	Shown int    `json:"shown"`
	Total int    `json:"total"`
	Unit  string `json:"unit"`
	How   string `json:"how,omitempty"`
}

// Fit returns the answer cut to budget bytes and to as many levels as decoders
// take: lists by whole elements, strings at their end, objects by members when
// there are too many. What is small stays whole, and what is large shares the room
// that is left. What is left out is listed, with how to get it.
func (a *Answer) Fit(budget int, how string) []byte {
	if a.Fits(budget) {
		return a.Whole()
	}
	root, err := jsontree.Parse(a.raw, jsontree.MaxDepthOut)
	if err != nil {
		root = &jsontree.Value{Kind: jsontree.Object} // it was read before
	}
	flatten(root, maxNesting-1)
	goal := budget - len(a.head(nil))
	for range 8 { // the list of cuts needs room too, and how much is known afterwards
		root.Measure()
		shrink(root, goal)
		out := a.withCuts(root, budget, how)
		if len(out) <= budget {
			return out
		}
		goal -= max(64, len(out)-budget)
	}
	none := &jsontree.Value{Kind: jsontree.Object, Total: max(1, len(root.Elems), root.Total)}
	return a.withCuts(none, budget, how)
}

func (a *Answer) withCuts(root *jsontree.Value, budget int, how string) []byte {
	return join(a.head(cuts(root, min(maxCuts, max(1, budget/512)), how)), root.Append(make([]byte, 0, root.Size)))
}

// flatten empties the lists and objects that many levels below v.
func flatten(v *jsontree.Value, levels int) {
	if levels == 0 {
		keep(v, 0)
	}
	for _, e := range v.Elems {
		flatten(e, levels-1)
	}
}

// cuts lists what is left out below v in at most about most entries. A path
// doesn't tell the elements of an array apart: the numbers of several values at
// one path are sums.
func cuts(v *jsontree.Value, most int, how string) []*cut {
	var list []*cut
	at := map[string]*cut{}
	v.Walk("", anyName, func(v *jsontree.Value, path string) {
		if v.Total == 0 {
			return
		}
		shown, unit := len(v.Elems), "elements"
		switch v.Kind {
		case jsontree.String:
			shown, unit = v.Kept, "bytes"
		case jsontree.Object:
			unit = "members"
		}
		path = jsontree.Clip(path, maxPath)
		c := at[path+" "+unit]
		if c == nil && len(list) >= most {
			path = "…" // and all further ones together
			c = at[path+" "+unit]
		}
		if c == nil {
			c = &cut{Path: path, Unit: unit}
			if len(list) == 0 {
				c.How = how // it is the same for all
			}
			at[path+" "+unit] = c
			list = append(list, c)
		}
		c.Shown += shown
		c.Total += v.Total
	})
	return list
}

// anyName lets every key stand in a path, if it isn't too long.
func anyName(key string) string { return jsontree.Clip(key, 64) }

// shrink cuts v, which was measured, to want bytes, or as far as it can be cut,
// and keeps the sizes true.
func shrink(v *jsontree.Value, want int) {
	if v.Size <= want || v.Size <= len("[]") {
		return
	}
	switch v.Kind {
	case jsontree.String:
		shrinkString(v, want)
	case jsontree.Array:
		shrinkArray(v, want)
	case jsontree.Object:
		shrinkObject(v, want)
	}
}

func shrinkString(v *jsontree.Value, want int) {
	if v.Total == 0 {
		v.Total, v.Kept = len(v.Text), len(v.Text)
	}
	mark := func(n int) string { return "… [cut: " + strconv.Itoa(n) + " of " + strconv.Itoa(v.Total) + " bytes]" }
	room := max(0, want-len(mark(v.Total))-len(`""`))
	n := min(room, v.Kept)
	for n > 0 {
		for n > 0 && !utf8.RuneStart(v.Text[n]) {
			n--
		}
		long := len(jsontext.AppendString(nil, v.Text[:n])) - len(`""`) // escapes make it longer
		if long <= room {
			break
		}
		n = min(n-1, int(int64(n)*int64(room)/int64(long)))
	}
	v.Kept = n
	v.Text = v.Text[:n] + mark(n)
	v.Measure()
}

// shrinkArray keeps whole elements from the start. A first one that takes the
// place of all others is cut.
func shrinkArray(v *jsontree.Value, want int) {
	room := want - len("[]")
	if first := v.Elems[0]; first.Size > room && len(v.Elems) > 1 {
		shrink(first, room/2)
	} else {
		shrink(first, room)
	}
	n, size := 0, len("[]")
	for _, e := range v.Elems {
		if n > 0 {
			size += len(",")
		}
		if size += e.Size; size > want {
			break
		}
		n++
	}
	keep(v, n)
	v.Size = min(size, want)
}

// shrinkObject keeps members from the start as far as each can be left a little,
// leaves out those that can't be made to fit, and shares the room among the rest.
func shrinkObject(v *jsontree.Value, want int) {
	room := want - len("{}")
	overhead := func(i int) int { return len(jsontext.AppendString(nil, v.Keys[i])) + len(":,") }
	var kept []int
	for i, e := range v.Elems {
		if least := overhead(i) + min(e.Size, minMember); overhead(i) <= max(minMember, want/4) && least <= room {
			kept = append(kept, i)
			room -= least
		}
	}
	for _, i := range kept {
		room += min(v.Elems[i].Size, minMember)
	}
	bySize := slices.Clone(kept)
	sorting.Stable(bySize, func(a, b int) int { return v.Elems[a].Size - v.Elems[b].Size })
	left := map[int]bool{}
	for k, i := range bySize {
		share := room / (len(bySize) - k)
		e := v.Elems[i]
		shrink(e, share)
		if e.Size > share { // a long number
			left[i] = true
			continue
		}
		room -= e.Size
	}
	n, size := 0, len("{}")
	for _, i := range kept {
		if !left[i] {
			size += overhead(i) + v.Elems[i].Size
			v.Keys[n], v.Elems[n] = v.Keys[i], v.Elems[i]
			n++
		}
	}
	keep(v, n)
	v.Size = size
}

// keep leaves the first n elements or members.
func keep(v *jsontree.Value, n int) {
	if n == len(v.Elems) {
		return
	}
	v.Total = max(v.Total, len(v.Elems))
	v.Elems = v.Elems[:n]
	if v.Kind == jsontree.Object {
		v.Keys = v.Keys[:n]
	}
}
