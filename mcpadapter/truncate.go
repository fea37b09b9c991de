package mcpadapter

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	defaultMaxResponse = 24 << 10
	minMaxResponse     = 2 << 10
	maxNesting         = 100 // levels of an answer: decoders refuse more
	minMember          = 40  // bytes that a member of an object is left at least, unless it has less
	maxCuts            = 40  // entries of _truncated
	maxPath            = 200 // bytes of a path in them
)

// cut says which part of a result is left out.
type cut struct {
	Path  string `json:"path"`
	Shown int    `json:"shown"`
	Total int    `json:"total"`
	Unit  string `json:"unit"`
	How   string `json:"how"`
}

// truncatedSchema describes the member that fit adds.
const truncatedSchema = `{"type":"array","description":"What was left out, and how to get it.","items":{"type":"object"}}`

// fits reports whether an answer can be given as it is.
func fits(raw []byte, budget int) bool { return len(raw) <= budget && nesting(raw) <= maxNesting }

// fit cuts the object in raw to budget bytes and to maxNesting levels: lists by
// whole elements, strings at their end, objects by members when there are too
// many. What is small stays whole, and what is large shares the room that is
// left. What is left out is listed in the object's _truncated.
func fit(raw []byte, budget int, how string) ([]byte, error) {
	if fits(raw, budget) {
		return raw, nil
	}
	root, err := parse(raw, maxDepthOut)
	if err != nil {
		return nil, err
	}
	root.flatten(maxNesting - 1)
	goal := budget
	for range 8 { // _truncated needs room too, and how much is known afterwards
		root.measure()
		root.shrink(goal)
		out := withCuts(root, budget, how)
		if len(out) <= budget {
			return out, nil
		}
		goal -= max(64, len(out)-budget)
	}
	none := &value{kind: objectKind, total: max(1, len(root.elems), root.total)}
	return withCuts(none, budget, how), nil
}

// nesting returns how many levels of lists and objects the JSON in raw has.
func nesting(raw []byte) (most int) {
	level, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			most = max(most, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return most
}

// flatten empties the lists and objects that many levels below v.
func (v *value) flatten(levels int) {
	if levels == 0 {
		v.keep(0)
	}
	for _, e := range v.elems {
		e.flatten(levels - 1)
	}
}

// withCuts returns the encoding of root, with the list of what is left out.
func withCuts(root *value, budget int, how string) []byte {
	b := root.append(nil)
	list := root.cuts(min(maxCuts, max(1, budget/512)), how)
	if len(list) == 0 {
		return b
	}
	j, _ := encode(list) //nolint:errcheck // strings and integers always encode
	b = b[:len(b)-1]
	if len(b) > 1 {
		b = append(b, ',')
	}
	return append(append(append(b, `"_truncated":`...), j...), '}')
}

// cuts lists what is left out below v in at most about most entries. A path
// doesn't tell the elements of an array apart: the numbers of several values at
// one path are sums.
func (v *value) cuts(most int, how string) []*cut {
	var list []*cut
	at := map[string]*cut{}
	v.walk("", anyName, func(v *value, path string) {
		if v.total == 0 {
			return
		}
		shown, unit := len(v.elems), "elements"
		switch v.kind {
		case stringKind:
			shown, unit = v.kept, "bytes"
		case objectKind:
			unit = "members"
		}
		path = clip(path, maxPath)
		c := at[path+" "+unit]
		if c == nil && len(list) >= most {
			path = "…" // and all further ones together
			c = at[path+" "+unit]
		}
		if c == nil {
			c = &cut{Path: path, Unit: unit, How: how}
			at[path+" "+unit] = c
			list = append(list, c)
		}
		c.Shown += shown
		c.Total += v.total
	})
	return list
}

// walk calls fn for v and all below it. In a path a key stands as name says.
func (v *value) walk(path string, name func(key string) string, fn func(v *value, path string)) {
	fn(v, path)
	for i, e := range v.elems {
		p := path + "[]"
		if v.kind == objectKind {
			p = strings.TrimPrefix(path+"."+name(v.keys[i]), ".")
		}
		e.walk(p, name, fn)
	}
}

// anyName lets every key stand in a path, if it isn't too long.
func anyName(key string) string { return clip(key, 64) }

// shrink cuts v, which was measured, to want bytes, or as far as it can be cut,
// and keeps the sizes true.
func (v *value) shrink(want int) {
	if v.size <= want || v.size <= len("[]") {
		return
	}
	switch v.kind {
	case stringKind:
		v.shrinkString(want)
	case arrayKind:
		v.shrinkArray(want)
	case objectKind:
		v.shrinkObject(want)
	}
}

func (v *value) shrinkString(want int) {
	if v.total == 0 {
		v.total, v.kept = len(v.text), len(v.text)
	}
	mark := func(n int) string { return "… [cut: " + strconv.Itoa(n) + " of " + strconv.Itoa(v.total) + " bytes]" }
	room := max(0, want-len(mark(v.total))-len(`""`))
	n := min(room, v.kept)
	for n > 0 {
		for n > 0 && !utf8.RuneStart(v.text[n]) {
			n--
		}
		long := len(appendString(nil, v.text[:n])) - len(`""`) // escapes make it longer
		if long <= room {
			break
		}
		n = min(n-1, int(int64(n)*int64(room)/int64(long)))
	}
	v.kept = n
	v.text = v.text[:n] + mark(n)
	v.measure()
}

// shrinkArray keeps whole elements from the start. A first one that takes the
// place of all others is cut.
func (v *value) shrinkArray(want int) {
	room := want - len("[]")
	if first := v.elems[0]; first.size > room && len(v.elems) > 1 {
		first.shrink(room / 2)
	} else {
		first.shrink(room)
	}
	n, size := 0, len("[]")
	for _, e := range v.elems {
		if n > 0 {
			size += len(",")
		}
		if size += e.size; size > want {
			break
		}
		n++
	}
	v.keep(n)
	v.size = min(size, want)
}

// shrinkObject keeps members from the start as far as each can be left a little,
// leaves out those that can't be made to fit, and shares the room among the rest.
func (v *value) shrinkObject(want int) {
	room := want - len("{}")
	overhead := func(i int) int { return len(appendString(nil, v.keys[i])) + len(":,") }
	var kept []int
	for i, e := range v.elems {
		if least := overhead(i) + min(e.size, minMember); overhead(i) <= max(minMember, want/4) && least <= room {
			kept = append(kept, i)
			room -= least
		}
	}
	for _, i := range kept {
		room += min(v.elems[i].size, minMember)
	}
	bySize := slices.Clone(kept)
	slices.SortStableFunc(bySize, func(a, b int) int { return v.elems[a].size - v.elems[b].size })
	left := map[int]bool{}
	for k, i := range bySize {
		share := room / (len(bySize) - k)
		e := v.elems[i]
		e.shrink(share)
		if e.size > share { // a long number
			left[i] = true
			continue
		}
		room -= e.size
	}
	n, size := 0, len("{}")
	for _, i := range kept {
		if !left[i] {
			size += overhead(i) + v.elems[i].size
			v.keys[n], v.elems[n] = v.keys[i], v.elems[i]
			n++
		}
	}
	v.keep(n)
	v.size = size
}

// keep leaves the first n elements or members.
func (v *value) keep(n int) {
	if n == len(v.elems) {
		return
	}
	v.total = max(v.total, len(v.elems))
	v.elems = v.elems[:n]
	if v.kind == objectKind {
		v.keys = v.keys[:n]
	}
}

// pagingHow says how to get what was cut, by the paging arguments of an input.
func pagingHow(in *shape) string {
	var names []string
	for _, f := range in.fields {
		switch strings.ToLower(strings.ReplaceAll(f.name, "_", "")) {
		case "limit", "offset", "page", "cursor", "pagesize", "perpage", "size", "from":
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return "ask for less: this tool has no paging arguments"
	}
	slices.Sort(names)
	return "ask for the rest, in smaller parts, with " + strings.Join(names, ", ")
}
