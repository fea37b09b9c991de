// Package paging turns page-at-a-time methods into iterators.
//
// A loop over a list often changes what it walks: it closes the new cases one
// after another. By number of rows such a walk goes wrong without a word: each
// closed case leaves the list, so the next page begins too far behind. Choose by
// what the platform offers:
//
//   - [ByKey], when it can sort by when something was made and begin at a given time.
//     Nothing is skipped, nothing comes twice, memory is that of one page and the
//     keys, and no request goes beyond the number of rows that a platform lets
//     one skip (10,000 at an OpenSearch or an Elasticsearch).
//   - [ByCursor], when a page says where it ends.
//   - [ByNumber], when rows are sorted by their numbers and can only be skipped.
//   - [Whole], when it can only skip rows of another order. All is read before the first
//     item is handed out.
//   - [AtOnce], when a platform gives all in one answer.
//
// Each tells where it is and can begin there, see package resume. From the second page on
// [ByKey], [ByCursor] and [ByNumber] ask for the next one while the loop is at the rows of
// this one; two pages are in memory then. What a loop does to rows of a page that has come
// doesn't show in them. A page that comes ahead is as right as one that comes late: it
// begins at a place in the list's order, or is looked at for whether it begins where the one
// before ended.
package paging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/internal/resume"
)

// Failed yields err alone: a walk that can't begin.
func Failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// Whole yields every item once, after it has read all pages: what the loop changes
// then can't shift the rows that are still to be read. What others change while the
// pages are read can: each page is asked for from the last row of the one before on, and
// where that is gone all is read again. id is what tells items apart, and what a walk
// from a cursor goes along.
func Whole[T any, ID comparable](ctx context.Context, id func(T) ID, fetch func(ctx context.Context, offset int) (items []T, more bool, err error)) iter.Seq2[T, error] {
	return AtOnce(ctx, id, func(ctx context.Context) (all []T, err error) {
		for range maxMoves {
			seen, whole, come := map[ID]bool{}, true, 0
			all = nil
			for more := true; more && whole; {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				var items []T
				items, more, err = fetch(ctx, max(0, come-1))
				if err == nil && come > 0 {
					switch whole = len(items) > 0 && seen[id(items[0])]; {
					case whole && len(items) == 1 && more: // pages of one row
						items, more, err = fetch(ctx, come)
					case whole:
						items = items[1:]
					}
				}
				if err != nil {
					return nil, err
				}
				for _, item := range items {
					if k := id(item); !seen[k] {
						seen[k] = true
						all = append(all, item)
					}
				}
				come += len(items)
				more = more && len(items) > 0
				progress.Report(ctx, len(all), 0, "rows have come")
			}
			if whole {
				return all, nil
			}
		}
		return nil, errUnstable
	})
}

// AtOnce yields every item of a list that read gives at once. A walk that can go on from
// a cursor goes along the ids, the shorter first.
func AtOnce[T any, ID comparable](ctx context.Context, id func(T) ID, read func(context.Context) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		after := ""
		asked, _ := resume.Asked(ctx)
		ctx, from, err := resume.Take(ctx, func() string { return after })
		if err != nil {
			yield(none, err)
			return
		}
		all, err := read(ctx)
		if err != nil {
			yield(none, err)
			return
		}
		if !asked {
			for _, item := range all {
				if !yield(item, nil) {
					return
				}
			}
			return
		}
		names := make(map[string]T, len(all))
		for _, item := range all {
			names[name(id(item))] = item
		}
		if from != nil {
			after = *from
		}
		for _, n := range slices.SortedFunc(maps.Keys(names), byLength) {
			if byLength(n, after) <= 0 {
				continue
			}
			if after = n; !yield(names[n], nil) {
				return
			}
		}
	}
}

// byLength orders texts so that numbers stand as numbers do.
func byLength(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// name is an id as text.
func name[ID comparable](id ID) string {
	if s, ok := any(id).(string); ok {
		return s
	}
	return fmt.Sprintf("%#v", id)
}

// ByCursor yields every item, asking fetch for one page after another, each from
// where the one before ended, the first from the zero value of C, which is also where
// the last page ends. Where a page ends must be a place in the list's order and no
// number of rows; behind is the place behind the first n items. It stops after the first error,
// which it yields once, and when ctx ends.
func ByCursor[T any, C comparable](ctx context.Context, fetch func(ctx context.Context, from C) (items []T, end C, behind func(n int) C, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		var from, at, none C
		asked, _ := resume.Asked(ctx)
		ctx, place, err := resume.Take(ctx, func() C { return at })
		if err != nil {
			yield(zero, err)
			return
		}
		if place != nil {
			from, at = *place, *place
		}
		var next struct {
			items  []T
			end    C
			behind func(n int) C
		}
		pages := ahead{fetch: func(ctx context.Context) (err error) {
			next.items, next.end, next.behind, err = fetch(ctx, from)
			return err
		}}
		defer pages.end()
		for come, more := 0, true; more; {
			if err := ctx.Err(); err != nil {
				yield(zero, err)
				return
			}
			if err := pages.next(ctx); err != nil {
				yield(zero, err)
				return
			}
			p := next
			come += len(p.items)
			progress.Report(ctx, come, 0, "rows have come")
			more, from = p.end != none && p.end != from, p.end
			for i, item := range p.items {
				if asked {
					if at = p.behind(i + 1); at == none {
						yield(zero, errors.New("the platform doesn't say where a row stands in the list, to go on from it"))
						return
					}
				}
				if !yield(item, nil) {
					return
				}
				if more {
					pages.begin(ctx)
				}
			}
		}
	}
}

// maxMoves is how often in a row items of one value may be in another order
// than before, without a new one among them.
const maxMoves = 8

var errUnstable = errors.New("the list is in another order each time it is asked for, so items could be missed")

// lateness is for how long what was made may take to show in a list, and maxRecent how
// many items of that time are told from each other.
const (
	lateness  = time.Minute
	maxRecent = 1000
)

// A keyPlace is where a walk by key is.
type keyPlace struct {
	Top   *made `json:"t,omitempty"` // the newest of this walk
	At    *made `json:"a,omitempty"` // where it is
	Since *made `json:"s,omitempty"` // what is older, and these, were given by a walk before
}

// made are the items that were made at a time, or from then on.
type made struct {
	At  int64    `json:"m"`
	IDs []string `json:"i"`
}

func (m *made) has(id string) bool { return m != nil && slices.Contains(m.IDs, id) }

// ByKey yields every item once, walking a list that is sorted by when its items were
// made, the newest first. key returns that time, in milliseconds, and what tells the
// item apart; neither ever changes.
//
// fetch returns one page, from the first item on that was made at the time from or
// before; the first time from is nil: from the newest. It skips offset items, which is 0
// unless more items than a page holds were made at the same time.
//
// Items that leave the list meanwhile, such as those that the loop itself
// changes, make no other be skipped. An item that enters it behind the place
// where the walk is may be yielded.
//
// It stops after the first error, which it yields once, and when ctx ends. A list
// whose items of one time come in another order each time is an error, if there
// are more of them than a page holds.
func ByKey[T any](ctx context.Context, key func(T) (made int64, id string), fetch func(ctx context.Context, from *int64, offset int) (items []T, more bool, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var (
			zero   T
			from   *int64
			offset int
			last   *string // the item at offset, if nothing has moved
			moves  int     // how often something had, since an item was new
			seen   = map[string]bool{}
			place  keyPlace
		)
		ctx, begin, err := resume.Take(ctx, func() keyPlace { return place })
		if err != nil {
			yield(zero, err)
			return
		}
		if begin != nil {
			place = *begin
		}
		if at := place.At; at != nil {
			from = &at.At
			for _, id := range at.IDs {
				seen[id] = true
			}
		}
		var items []T
		var more bool
		pages := ahead{fetch: func(ctx context.Context) (err error) {
			items, more, err = fetch(ctx, from, offset)
			return err
		}}
		defer pages.end()
		for ended := false; !ended; {
			if err := ctx.Err(); err != nil {
				yield(zero, err)
				return
			}
			if err := pages.next(ctx); err != nil {
				yield(zero, err)
				return
			}
			if last != nil {
				moved := len(items) == 0
				if !moved {
					_, id := key(items[0])
					moved = id != *last
				}
				if moves++; moved && moves > maxMoves {
					yield(zero, errUnstable)
					return
				}
				if moved { // items before it have left: look again from the time's first
					offset, last = 0, nil
					continue
				}
			}
			ended = !more || len(items) == 0
			var fresh []T
			for _, item := range items {
				at, id := key(item)
				if s := place.Since; s != nil && at < s.At {
					ended = true
					break
				}
				if !seen[id] {
					seen[id], moves = true, 0
					fresh = append(fresh, item)
				}
			}
			progress.Report(ctx, len(seen), 0, "rows have come")
			if !ended {
				at, id := key(items[len(items)-1])
				switch {
				case from == nil || *from != at:
					from, offset, last = &at, 0, nil
				case len(items) > 1: // the last one again, to see whether it is still there
					offset, last = offset+len(items)-1, &id
				case len(fresh) > 0:
					offset, last = 0, nil
				default:
					offset, last = offset+1, nil
				}
			}
			for _, item := range fresh {
				at, id := key(item)
				if place.pass(at, id); place.Since.has(id) {
					continue
				}
				if !yield(item, nil) {
					return
				}
				if !ended {
					pages.begin(ctx)
				}
			}
		}
		place.end()
	}
}

// pass notes that the walk has come to an item.
func (p *keyPlace) pass(at int64, id string) {
	if p.At == nil || p.At.At != at {
		p.At = &made{At: at}
	}
	p.At.IDs = append(p.At.IDs, id)
	if p.Top == nil {
		p.Top = &made{At: at - lateness.Milliseconds()}
	}
	if at < p.Top.At {
		return
	}
	if len(p.Top.IDs) == maxRecent { // of a flood the oldest are as old as the others
		p.Top.At = at + 1
		return
	}
	p.Top.IDs = append(p.Top.IDs, id)
}

// end notes that the walk has come to the end of the list, or to what one before has
// given.
func (p *keyPlace) end() {
	top, since := p.Top, p.Since
	p.Top, p.At = nil, nil
	if top == nil {
		return
	}
	if since == nil || since.At < top.At {
		p.Since = top
		return
	}
	for _, id := range top.IDs {
		if !since.has(id) {
			since.IDs = append(since.IDs, id)
		}
	}
}

// A NumberedPage is a page of a list that is sorted by numbers, the highest first.
type NumberedPage[T any] struct {
	Items     []T
	High, Low int64 // the numbers of its first and last row, also of one that isn't among Items; 0: it has none
	More      bool
	Room      int  // how many rows an answer had room for, if fewer than were asked for; 0: enough
	Gaps      bool // rows of it may be left out, also its first and its last
}

// A numberPlace is where a walk by number is.
type numberPlace struct {
	Top   int64 `json:"t,omitempty"` // the highest of this walk
	At    int64 `json:"a,omitempty"` // where it is, and
	Row   int   `json:"r,omitempty"` // how many rows there were up to it
	Since int64 `json:"s,omitempty"` // this and all below were given by a walk before
}

var errNoNumber = errors.New("a row has no number that can be read, and nobody knows where to go on")

// ByNumber yields every item once, walking a list that is sorted by the numbers of its
// items, the highest first, and of which only pages can be had: the page'th of size rows,
// counted from 1. Each page is taken so that the last row of the one before is on it;
// where that has gone, other rows may have moved onto pages that were read, and the walk
// goes back for them. Further pages grow up to most rows. An item without a number is an
// error. It stops after the first error, which it yields once, and when ctx ends.
func ByNumber[T any](ctx context.Context, page, size, most int, number func(T) int64, fetch func(ctx context.Context, page, size int) (NumberedPage[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var place numberPlace
		ctx, begin, err := resume.Take(ctx, func() numberPlace { return place })
		if err != nil {
			yield(none, err)
			return
		}
		last, row, back := int64(math.MaxInt64), 0, 0 // the lowest number so far, how many rows there were up to it
		page, size, next, most, verified := page, size, max(size, fewest), max(most, fewest), int64(0)
		reach := func(to int) { // the next page is one with that row
			row = to
			page, size = reaching(row, next)
		}
		if begin != nil {
			place, page = *begin, 1
			if place.At > 0 {
				last = place.At
				reach(max(1, place.Row))
			}
		}
		var came NumberedPage[T]
		pages := ahead{fetch: func(ctx context.Context) (err error) {
			came, err = fetch(ctx, page, size)
			return err
		}}
		defer pages.end()
		for come := 0; ; {
			if err := ctx.Err(); err != nil {
				yield(none, err)
				return
			}
			err := pages.next(ctx)
			if row > 0 && size > fewest && errors.Is(err, connect.ErrTooLarge) {
				next, most = size/2, size/2
				reach(row)
				continue
			}
			if err != nil {
				yield(none, err)
				return
			}
			p, skipped := came, (page-1)*size
			if row > 0 && skipped > 0 && p.High < last && (!p.Gaps || verified != last) {
				back = max(next, 2*back)
				reach(max(1, row-back))
				continue
			}
			if back > 0 {
				back, verified = 0, last // what a page behind lacks of it is left out
			}
			come += len(p.Items)
			progress.Report(ctx, come, 0, "rows have come")
			more := p.More && (p.Low == 0 || p.Low > place.Since)
			if more {
				if row > 0 {
					next = min(2*next, most)
				}
				if p.Room > 0 && p.Room < size {
					next, most = p.Room, p.Room
				}
				reach(page * size)
			}
			for i, item := range p.Items {
				n := number(item)
				if n >= last {
					continue
				}
				if n <= 0 {
					yield(none, errNoNumber)
					return
				}
				if n <= place.Since {
					more = false
					break
				}
				last = n
				place.Top, place.At, place.Row = max(place.Top, n), n, skipped+i+1
				if !yield(item, nil) {
					return
				}
				if more {
					pages.begin(ctx)
				}
			}
			if !more {
				place = numberPlace{Since: max(place.Top, place.Since)}
				return
			}
			if p.Low > 0 {
				last = min(last, p.Low)
			}
		}
	}
}

// fewest is of how many rows pages are at least, behind the first: of small pages none may
// begin at a given row or before and reach behind it.
const fewest = 32

// reaching returns a page of about that many rows at most that has the row'th row and
// those behind it: with few before it, and many behind.
func reaching(row, most int) (page, rows int) {
	best := math.MinInt
	for n := most; n > most/4; n-- {
		p := (row-1)/n + 1
		if ahead := (2*p-1)*n - 2*row; p*n > row && ahead > best {
			best, page, rows = ahead, p, n
		}
	}
	for n := most + 1; page == 0; n++ {
		if p := (row-1)/n + 1; p*n > row {
			page, rows = p, n
		}
	}
	return page, rows
}

// maxParts is into how many parts a page is cut at most.
const maxParts = 16

// InParts fetches a page of limit items, the first page being 1. Where its answer is
// over the limit of its bytes ([connect.ErrTooLarge]) it fetches smaller pages with
// the same items instead: halves, or whatever smaller part divides the page.
func InParts[T any](page, limit int, fetch func(page, limit int) (items []T, more bool, err error)) (items []T, more bool, err error) {
	for n := 1; n <= min(limit, maxParts); n++ {
		if limit%n != 0 {
			continue
		}
		items = []T{} // none is a list too
		for i := range n {
			var part []T
			if part, more, err = fetch((page-1)*n+i+1, limit/n); err != nil {
				break
			}
			if items = append(items, part...); !more {
				break
			}
		}
		if !errors.Is(err, connect.ErrTooLarge) {
			break
		}
	}
	if err != nil {
		return nil, false, err
	}
	return items, more, nil
}
