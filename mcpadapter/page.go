package mcpadapter

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

// A Pager is an output that lists rows and can end after any of them. A page
// that is too large for an answer is made smaller before it says where the next
// one begins, so that whoever follows it sees every row.
//
// An output whose next page an offset or a page number tells needs no such
// method, if it says in total how many rows there are, or has as many as were asked
// for: by that its rows are found and left out. Any other operation is called again
// with a smaller limit. The method saves the platform that second call.
type Pager interface {
	// FirstRows returns the output with its first n rows, or a few less, of
	// which it has more; or nil, if it can't end there. What it says of the next
	// page (next_cursor, next, more, …) is so that the next page begins behind
	// them. The arguments in next, the others being the same, bring that; there
	// are none if the output says it under the name of the argument or as its
	// next one, or if pages are counted: then n divides the rows before the page.
	// It leaves the receiver as it is.
	FirstRows(n int) (page any, next map[string]any)
}

// A page whose rows are in several lists, one behind the other, is a Pager that
// says how many they are.
type several interface{ Rows() int }

// A Bounded input asks for a page. Bound, before it is run as a tool, makes that
// have at most as many rows as fit an answer, and as many if it says no number. The
// bound is the same for every page, so that who goes on sees every row.
type Bounded interface{ Bound() }

// bounded decodes args into a fresh input and bounds it.
func (t *tool) bounded(args []byte) (any, error) {
	in := reflect.New(t.op.In()).Interface()
	if err := json.Unmarshal(args, in); err != nil {
		return nil, err
	}
	if b, ok := in.(Bounded); ok {
		b.Bound()
	}
	return in, nil
}

// lowered says that args ask for more rows than a page has, if they do.
func (t *tool) lowered(args []byte) []string {
	in := reflect.New(t.op.In()).Interface()
	b, ok := in.(Bounded)
	p := pagingOf(t.in)
	if !ok || p == nil || json.Unmarshal(args, in) != nil {
		return nil
	}
	asked := p.limit.Int(in)
	b.Bound()
	if most := p.limit.Int(in); most < asked {
		return []string{fmt.Sprintf("%s: %d, the most that fit an answer, not %d", p.limit.Name, most, asked)}
	}
	return nil
}

// pages are the names of the arguments by which an input asks for one.
type pages struct {
	limit, offset, page, cursor *schema.Field
}

// pagingOf returns nil if the input can't ask for a page of a size and a place.
func pagingOf(in *schema.Type) *pages {
	var p pages
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

// number returns the integer that args has for f.
func number(args *jsontree.Value, f *schema.Field, otherwise int) int {
	if f == nil {
		return otherwise
	}
	if v := args.Get(f.Name); v != nil {
		if n, err := strconv.Atoi(v.Text); err == nil {
			return n
		}
	}
	return otherwise
}

// asked returns args, in which stands how many rows a page has even where they
// leave it to the tool.
func (t *tool) asked(p *pages, args []byte) (*jsontree.Value, error) {
	v, err := jsontree.Parse(args, jsontree.MaxDepthIn)
	if err != nil {
		return nil, err
	}
	in, err := t.bounded(args)
	if err != nil {
		return nil, err
	}
	input.SetDefaults(in)
	if n := p.limit.Int(in); n > 0 {
		set(v, p.limit.Name, n)
	}
	return v, nil
}

// rows returns the name of the list in the answer a to v that the arguments turn,
// and how many rows come before it. It is known by its length: as many as were
// asked for, or as there are left. If it isn't, it is taken to be the longest, and
// before is -1.
func (p *pages) rows(a *answer.Answer, v *jsontree.Value) (list string, before int) {
	list, before = a.LongestList(), -1
	limit := number(v, p.limit, 0)
	at := 0
	switch {
	case limit < 1 || p.cursor != nil && (v.Get(p.cursor.Name) != nil || a.Has("next_cursor")):
		return list, before
	case p.offset != nil:
		at = number(v, p.offset, 0)
	case p.page != nil:
		at = (max(1, number(v, p.page, 1)) - 1) * limit
	default:
		return list, before
	}
	has := limit
	total, told := a.Number("total")
	if !told {
		total, told = a.Number("clusterCount")
	}
	if told {
		has = min(limit, total-at)
	}
	lists := a.Lists(has)
	if len(lists) != 1 || !told && lists[0] != list {
		return list, before
	}
	return lists[0], at
}

const maxSmaller = 10 // times that another size of a page is tried

// page returns a, the answer with out, or one with fewer rows if it doesn't fit.
// An answer of one row that doesn't fit is left to be cut.
func (t *tool) page(ctx context.Context, in bound, out any, a *answer.Answer) *answer.Answer {
	p := pagingOf(t.in)
	if p == nil || a.Fits(t.opts.MaxResponse) {
		return a
	}
	v, err := t.asked(p, in.args)
	if err != nil {
		return a
	}
	whole := a
	list, before := p.rows(whole, v)
	fit, of := a.RoomFor(list, t.opts.MaxResponse-pageNote)
	lists, inSeveral := out.(several)
	rows := of + whole.Rest()
	if inSeveral {
		rows = lists.Rows()
		fit += rows - of
	}
	how := ""
	for n := 0; n < maxSmaller && rows > 1 && fit < max(rows, number(v, p.limit, 0)) && !a.Fits(t.opts.MaxResponse); n++ {
		b, next := t.firstRows(ctx, p, in, v, out, whole, list, before, fit)
		if b == nil {
			break
		}
		shown, ok := b.Rows(list)
		if inSeveral && shown == 0 {
			list = b.LongestList()
			shown, ok = b.Rows(list)
		}
		if !ok && !inSeveral {
			break
		}
		if shown == 0 && !inSeveral { // what would have been rows was left out of the page
			fit *= 2
			continue
		}
		if how == "" {
			how = t.described().how + t.keep(ctx, whole)
		}
		of, _ = whole.Rows(list)
		b.SetPage(list, shown, of+whole.Rest(), how, next)
		a = b
		less, has := a.RoomFor(list, t.opts.MaxResponse)
		if fit == 1 || has == 1 && !inSeveral {
			break
		}
		fit = max(1, min(fit-(has-less), fit-1))
	}
	return a
}

// pageNote is about what an answer needs to say that it is a smaller page.
const pageNote = 400

// firstRows returns whole, the answer with out to v, with its first n rows or
// fewer, and the arguments that bring what comes next, if it doesn't say so itself.
func (t *tool) firstRows(ctx context.Context, p *pages, in bound, v *jsontree.Value, out any, whole *answer.Answer, list string, before, n int) (a *answer.Answer, next map[string]any) {
	var short any
	pager, ends := out.(Pager)
	if ends {
		if p.page != nil && p.offset == nil && p.cursor == nil {
			n, next = p.next(v, n)
		}
		var said map[string]any
		if short, said = pager.FirstRows(n); said != nil {
			next = said
		}
	}
	if short == nil {
		n, next = p.next(v, n)
		if before >= 0 && !ends {
			said := p.said(before, n)
			if count, ok := whole.Number("count"); ok && slices.Contains(whole.Lists(count), list) {
				said["count"] = strconv.Itoa(n)
			}
			return whole.FirstRows(list, n, said), next
		}
		res, err := t.do(paging.Late(ctx), p.smaller(v, n))
		if err != nil {
			return nil, nil
		}
		short = res.Out
	}
	shown := t.takeRows(out, short, list, whole)
	a, err := t.answerOf(in, short)
	if err != nil {
		return nil, nil
	}
	if shown > 0 {
		a = a.WithRows(list, whole, shown)
	}
	if p.cursor != nil && a.Has("next_cursor") {
		next = nil
	}
	return a, next
}

// takeRows takes out of short, a page, the rows of list if they are the first of those
// in out, whose answer is whole and has them encoded. It returns how many they were, or 0.
func (t *tool) takeRows(out, short any, list string, whole *answer.Answer) int {
	d := t.described()
	f := d.answer.Field(list)
	if f == nil || !f.Required || d.wrapped || reflect.TypeOf(out) != reflect.TypeOf(short) || reflect.TypeOf(out).Kind() != reflect.Pointer {
		return 0
	}
	all, first := f.In(out), f.In(short)
	if first.Kind() != reflect.Slice || first.Len() == 0 || first.Pointer() != all.Pointer() {
		return 0
	}
	if n, _ := whole.Rows(list); n != all.Len() {
		return 0
	}
	n := first.Len()
	first.SetLen(0)
	return n
}

// next returns where one goes on behind the first n rows of the page that v asks
// for, if the answer itself doesn't say so. Pages that are counted have all one
// size, so fewer rows may be left, whose number divides what is before them.
func (p *pages) next(v *jsontree.Value, n int) (rows int, next map[string]any) {
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
func (p *pages) said(before, n int) map[string]string {
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
func (p *pages) smaller(v *jsontree.Value, n int) []byte {
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
