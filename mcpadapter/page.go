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
// An output needs no such method: the operation is then called again with a
// smaller limit. The method saves the platform that second call.
type Pager interface {
	// FirstRows returns the output with its first n rows, of which it has more.
	// What it says of the next page (next_cursor, next, more, …) is so that the
	// next page begins with row n. It leaves the receiver as it is.
	FirstRows(n int) any
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

const maxSmaller = 4 // times that a page is made smaller

// page returns a, the answer with out, or one with fewer rows if it doesn't fit.
// An answer of one row that doesn't fit is left to be cut.
func (t *tool) page(ctx context.Context, in bound, out any, a *answer.Answer) *answer.Answer {
	p := pagingOf(t.in)
	if p == nil || a.Fits(t.opts.MaxResponse) {
		return a
	}
	list, fit, of := a.RoomFor(t.opts.MaxResponse - pageNote)
	how := ""
	for n := 0; n < maxSmaller && list != "" && fit < of && !a.Fits(t.opts.MaxResponse); n++ {
		smaller, next := t.firstRows(ctx, p, in.args, out, fit)
		if smaller == nil {
			break
		}
		b, err := t.answerOf(in, smaller)
		if err != nil {
			break
		}
		rows := b.Get(list)
		if rows == nil || len(rows.Elems) == 0 {
			break
		}
		if how == "" {
			how = t.described().how + t.keep(ctx, a)
		}
		b.SetPage(list, len(rows.Elems), of, how, next)
		a = b
		if _, less, has := a.RoomFor(t.opts.MaxResponse); less < has {
			fit = less
		} else {
			fit--
		}
		fit = max(1, fit)
	}
	return a
}

// pageNote is about what an answer needs to say that it is a smaller page.
const pageNote = 400

// firstRows returns out, the output for args, with its first n rows or fewer, and
// the arguments that bring what comes next, if the output itself doesn't say so.
func (t *tool) firstRows(ctx context.Context, p *paging, args []byte, out any, n int) (smaller any, next map[string]int) {
	again, next := p.smaller(args, n)
	if pager, ok := out.(Pager); ok && p.page == nil {
		return pager.FirstRows(n), next
	}
	if again == nil {
		return nil, nil
	}
	res, err := t.do(ctx, again)
	if err != nil {
		return nil, nil
	}
	return res.Out, next
}

// smaller returns args for a page that begins where that of args does and has at
// most n rows, and where one goes on after it, if the answer itself doesn't say
// so. Pages that are counted have all one size, so the size must divide what is
// before them.
func (p *paging) smaller(args []byte, n int) (again []byte, next map[string]int) {
	v, err := jsontree.Parse(args, jsontree.MaxDepthIn)
	if err != nil {
		return nil, nil
	}
	next = map[string]int{}
	switch {
	case p.cursor != nil:
	case p.offset != nil:
		next[p.offset.Name] = number(v, p.offset, 0) + n
	default:
		page := max(1, number(v, p.page, 1))
		before := (page - 1) * number(v, p.limit, n)
		for before%n != 0 {
			n--
		}
		page = before/n + 1
		set(v, p.page.Name, page)
		next[p.page.Name], next[p.limit.Name] = page+1, n
	}
	set(v, p.limit.Name, n)
	return v.Append(nil), next
}

func set(v *jsontree.Value, name string, n int) {
	e := &jsontree.Value{Kind: jsontree.Number, Text: strconv.Itoa(n)}
	if i := slices.Index(v.Keys, name); i >= 0 {
		v.Elems[i] = e
		return
	}
	v.Keys, v.Elems = append(v.Keys, name), append(v.Elems, e)
}
