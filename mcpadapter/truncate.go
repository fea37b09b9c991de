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
	minString          = 256 // bytes of a string that is cut
	maxCuts            = 40  // entries of _truncated
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

// fit cuts the object in raw to budget bytes: the largest arrays by whole
// elements, then, when no array has more than one, the longest strings, then
// objects by whole members. What is left out is listed in its _truncated.
func fit(raw []byte, budget int, how string) ([]byte, error) {
	if len(raw) <= budget {
		return raw, nil
	}
	root, err := parse(raw, maxDepthOut)
	if err != nil {
		return nil, err
	}
	t := &trimmer{root: root, how: how}
	for goal := budget; goal > 0; {
		t.trim(goal)
		out := t.encode()
		if len(out) <= budget || t.stuck {
			return out, nil
		}
		goal -= max(64, len(out)-budget)
	}
	return t.encode(), nil
}

type trimmer struct {
	root  *value
	how   string
	stuck bool
}

func (t *trimmer) encode() []byte {
	b := t.root.append(nil)
	list := t.cuts()
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

// cuts lists what is left out. A path doesn't tell the elements of an array
// apart: the numbers of several values at one path are sums.
func (t *trimmer) cuts() []*cut {
	var list []*cut
	at := map[string]*cut{}
	t.root.walk("", func(v *value, path string) {
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
		c := at[path+" "+unit]
		if c == nil && len(list) >= maxCuts {
			path = "…" // and all further ones together
			c = at[path+" "+unit]
		}
		if c == nil {
			c = &cut{Path: path, Unit: unit, How: t.how}
			at[path+" "+unit] = c
			list = append(list, c)
		}
		c.Shown += shown
		c.Total += v.total
	})
	return list
}

// walk calls fn for v and all below it.
func (v *value) walk(path string, fn func(v *value, path string)) {
	fn(v, path)
	for i, e := range v.elems {
		p := path + "[]"
		if v.kind == objectKind {
			p = strings.TrimPrefix(path+"."+clip(v.keys[i], 64), ".")
		}
		e.walk(p, fn)
	}
}

// trim cuts until the result has at most goal bytes or nothing is left to cut.
// It takes from the largest, at most half of it at a time, so that no list
// pays for another.
func (t *trimmer) trim(goal int) {
	for {
		over := t.root.measure() - goal
		if over <= 0 {
			return
		}
		c := t.largest()
		if c == nil {
			t.stuck = true
			return
		}
		c.cut(max(c.size-over, c.size/2))
	}
}

// largest returns the largest array that can lose an element, or else string
// that can lose bytes, or else object below the root that can lose a member.
func (t *trimmer) largest() *value {
	var best [3]*value
	t.root.walk("", func(v *value, path string) {
		i := -1
		switch {
		case v.kind == arrayKind && len(v.elems) > 1:
			i = 0
		case v.kind == stringKind && len(v.text) > minString:
			i = 1
		case v.kind == objectKind && len(v.elems) > 1 && path != "":
			i = 2
		}
		if i >= 0 && (best[i] == nil || v.size > best[i].size) {
			best[i] = v
		}
	})
	for _, v := range best {
		if v != nil {
			return v
		}
	}
	return nil
}

// cut shortens v to about want bytes, but never to nothing.
func (v *value) cut(want int) {
	if v.kind == stringKind {
		if v.total == 0 {
			v.total, v.kept = len(v.text), len(v.text)
		}
		n := int(float64(v.kept) * float64(max(0, want-64)) / float64(v.size)) // escapes make the encoding longer
		n = min(max(minString/2, n), v.kept-1)
		for n > 0 && !utf8.RuneStart(v.text[n]) {
			n--
		}
		v.kept = n
		v.text = v.text[:n] + "… [cut: " + strconv.Itoa(n) + " of " + strconv.Itoa(v.total) + " bytes]"
		return
	}
	if v.total == 0 {
		v.total = len(v.elems)
	}
	size, keep := 2, 0
	for keep < len(v.elems) {
		size += v.elems[keep].size + 1
		if v.kind == objectKind {
			size += len(v.keys[keep]) + 3
		}
		if size > want {
			break
		}
		keep++
	}
	keep = max(1, min(keep, len(v.elems)-1))
	v.elems = v.elems[:keep]
	if v.kind == objectKind {
		v.keys = v.keys[:keep]
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
