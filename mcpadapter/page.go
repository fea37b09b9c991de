package mcpadapter

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

// A Pager is an output that lists rows and can end after any of them. A page
// that is too large for an answer is made smaller before it says where the next
// one begins, so that whoever follows it sees every row.
//
// An output whose next page an offset or a page number tells needs no such
// method, if it says in total how many rows there are: by that, and by what was
// asked for, its rows are found and left out. Any other operation is called again
// with a smaller limit. The method saves the platform that second call.
type Pager interface {
	// FirstRows returns the output with its first n rows, or a few less, of
	// which it has more; or nil, if it can't end there. What it says of the next
	// page (next_cursor, next, more, …) is so that the next page begins behind
	// them. The arguments in next, the others being the same, bring that; there
	// are none if the output says it under the name of the argument or as its
	// next one. It leaves the receiver as it is.
	FirstRows(n int) (page any, next map[string]any)
}

// paging is how an input asks for a page: by the names of its arguments.
type paging struct {
	limit, offset, page, cursor *schema.Field
}

// pagingOf returns nil if the input can't ask for a page of a size and a place.
func pagingOf(in *schema.Type) *paging {
	var p paging
	for _, f := range in.Fields {
		switch strings.ToLower(strings.ReplaceAll(f.Name, "_", "")) {
		case "limit", "pagesize", "perpage":
			p.limit = f
		case "offset", "from":
			p.offset = f
		case "page":
			p.page = f
		case "cursor":
			p.cursor = f
		}
	}
	if p.limit == nil || p.offset == nil && p.page == nil && p.cursor == nil {
		return nil
	}
	return &p
}

// number returns the integer that args, or the default, has for f.
func number(args *jsontree.Value, f *schema.Field, otherwise int) int {
	if f == nil {
		return otherwise
	}
	if v := args.Get(f.Name); v != nil {
		if n, err := strconv.Atoi(v.Text); err == nil {
			return n
		}
	}
	if n, err := strconv.Atoi(string(f.Default)); err == nil {
		return n
	}
	return otherwise
}

// rows returns the name of the list in the answer a to v that the arguments turn,
// and how many rows come before it. It is known by its length: as many as were
// asked for, or as there are left. If it isn't, it is taken to be the longest, and
// before is -1.
func (p *paging) rows(a *answer.Answer, v *jsontree.Value) (list string, before int) {
	total, ok := a.Number("total")
	limit := number(v, p.limit, 0)
	switch {
	case !ok || limit < 1 || p.cursor != nil && (v.Get(p.cursor.Name) != nil || a.Has("next_cursor")):
		return a.LongestList(), -1
	case p.offset != nil:
		before = number(v, p.offset, 0)
	case p.page != nil:
		before = (max(1, number(v, p.page, 1)) - 1) * limit
	default:
		return a.LongestList(), -1
	}
	lists := a.Lists(min(limit, total-before))
	if len(lists) != 1 {
		return a.LongestList(), -1
	}
	return lists[0], before
}

const maxSmaller = 10 // times that another size of a page is tried

// page returns a, the answer with out, or one with fewer rows if it doesn't fit.
// An answer of one row that doesn't fit is left to be cut.
func (t *tool) page(ctx context.Context, in bound, out any, a *answer.Answer) *answer.Answer {
	p := pagingOf(t.in)
	if p == nil || a.Fits(t.opts.MaxResponse) {
		return a
	}
	v, err := jsontree.Parse(in.args, jsontree.MaxDepthIn)
	if err != nil {
		return a
	}
	whole := a
	list, before := p.rows(whole, v)
	fit, of := a.RoomFor(list, t.opts.MaxResponse-pageNote)
	how := ""
	for n := 0; n < maxSmaller && of > 1 && fit < max(of, number(v, p.limit, 0)) && !a.Fits(t.opts.MaxResponse); n++ {
		b, next := t.firstRows(ctx, p, in, v, out, whole, list, before, fit)
		if b == nil {
			break
		}
		rows, ok := b.Rows(list)
		if !ok {
			break
		}
		if rows == 0 { // what would have been rows was left out of the page
			fit *= 2
			continue
		}
		if how == "" {
			how = t.described().how + t.keep(ctx, whole)
		}
		b.SetPage(list, rows, of, how, next)
		a = b
		less, has := a.RoomFor(list, t.opts.MaxResponse)
		if has == 1 {
			break
		}
		fit = max(1, min(less, fit-1))
	}
	return a
}

// pageNote is about what an answer needs to say that it is a smaller page.
const pageNote = 400

// firstRows returns whole, the answer with out to v, with its first n rows or
// fewer, and the arguments that bring what comes next, if it doesn't say so itself.
func (t *tool) firstRows(ctx context.Context, p *paging, in bound, v *jsontree.Value, out any, whole *answer.Answer, list string, before, n int) (a *answer.Answer, next map[string]any) {
	var short any
	pager, ends := out.(Pager)
	if ends {
		short, next = pager.FirstRows(n)
	}
	if short == nil {
		n, next = p.next(v, n)
		if before >= 0 && !ends {
			return whole.FirstRows(list, n, p.said(before, n)), next
		}
		res, err := t.do(ctx, p.smaller(v, n))
		if err != nil {
			return nil, nil
		}
		short = res.Out
	}
	a, err := t.answerOf(in, short)
	if err != nil {
		return nil, nil
	}
	if p.cursor != nil && a.Has("next_cursor") {
		next = nil
	}
	return a, next
}

// next returns where one goes on behind the first n rows of the page that v asks
// for, if the answer itself doesn't say so. Pages that are counted have all one
// size, so fewer rows may be left, whose number divides what is before them.
func (p *paging) next(v *jsontree.Value, n int) (rows int, next map[string]any) {
	switch {
	case p.cursor != nil && p.offset == nil, p.cursor != nil && v.Get(p.cursor.Name) != nil:
		return n, nil
	case p.offset != nil:
		return n, map[string]any{p.offset.Name: number(v, p.offset, 0) + n}
	}
	before := (max(1, number(v, p.page, 1)) - 1) * number(v, p.limit, n)
	for before%n != 0 {
		n--
	}
	return n, map[string]any{p.page.Name: before/n + 2, p.limit.Name: n}
}

// said is what an answer with n rows, behind so many, says of its page.
func (p *paging) said(before, n int) map[string]string {
	m := map[string]string{"more": "true"}
	if p.offset != nil {
		m["next"] = strconv.Itoa(before + n)
		m["nextOffset"] = m["next"]
	} else {
		m["page"], m["limit"] = strconv.Itoa(before/n+1), strconv.Itoa(n)
	}
	return m
}

// smaller returns v for a page that begins where that of v does and has n rows.
func (p *paging) smaller(v *jsontree.Value, n int) []byte {
	again := &jsontree.Value{Kind: jsontree.Object, Keys: slices.Clone(v.Keys), Elems: slices.Clone(v.Elems)}
	if p.offset == nil && p.page != nil && p.cursor == nil {
		before := (max(1, number(v, p.page, 1)) - 1) * number(v, p.limit, n)
		set(again, p.page.Name, before/n+1)
	}
	set(again, p.limit.Name, n)
	return again.Append(nil)
}

func set(v *jsontree.Value, name string, n int) {
	e := &jsontree.Value{Kind: jsontree.Number, Text: strconv.Itoa(n)}
	if i := slices.Index(v.Keys, name); i >= 0 {
		v.Elems[i] = e
		return
	}
	v.Keys, v.Elems = append(v.Keys, name), append(v.Elems, e)
}
