// Package paging turns page-at-a-time methods into iterators.
//
// A loop over a list often changes what it walks: it closes the new cases one
// after another. By number of rows such a walk goes wrong without a word: each
// closed case leaves the list, so the next page begins too far behind. Choose by
// what the platform offers:
//
//   - [ByKey], when it can sort by something and begin at a given value of it.
//     Nothing is skipped, nothing comes twice, memory is that of one page and the
//     keys, and no request goes beyond the number of rows that a platform lets
//     one skip (10,000 at an OpenSearch or an Elasticsearch).
//   - [ByCursor], when a page says where it ends.
//   - [Whole], when it can only skip rows. All is read before the first item is
//     handed out.
//   - [All], when nothing can leave or enter the list, as in a snapshot.
package paging

import (
	"context"
	"errors"
	"iter"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/progress"
)

// All yields every item, asking fetch for one page after another, each from the
// given offset. It stops after the first error, which it yields once, and when
// ctx ends.
func All[T any](ctx context.Context, fetch func(ctx context.Context, offset int) (items []T, more bool, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for offset := 0; ; {
			if err := ctx.Err(); err != nil {
				yield(zero, err)
				return
			}
			items, more, err := fetch(ctx, offset)
			if err != nil {
				yield(zero, err)
				return
			}
			progress.Report(ctx, offset+len(items), 0, "rows have come")
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if !more || len(items) == 0 {
				return
			}
			offset += len(items)
		}
	}
}

// Failed yields err alone: a walk that can't begin.
func Failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// Whole yields every item once, after it has read all pages as [All] does: what
// the loop changes then can't shift the rows that are still to be read. id is
// what tells items apart; one that others push onto a second page while the
// pages are read isn't yielded again.
func Whole[T any, ID comparable](ctx context.Context, id func(T) ID, fetch func(ctx context.Context, offset int) (items []T, more bool, err error)) iter.Seq2[T, error] {
	return Gathered(All(ctx, fetch), id)
}

// Gathered yields what walk does, each item once, after it has walked to the end.
func Gathered[T any, ID comparable](walk iter.Seq2[T, error], id func(T) ID) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var all []T
		seen := map[ID]bool{}
		for item, err := range walk {
			if err != nil {
				yield(item, err)
				return
			}
			if k := id(item); !seen[k] {
				seen[k] = true
				all = append(all, item)
			}
		}
		for _, item := range all {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// ByCursor yields every item, asking fetch for one page after another, each from
// where the one before ended, the first from the zero value of C, which is also where
// the last page ends. Where a page ends must be a place in the list's order and no
// number of rows. It stops after the first error, which it yields once, and when ctx
// ends.
func ByCursor[T any, C comparable](ctx context.Context, fetch func(ctx context.Context, from C) (items []T, end C, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		var from, none C
		for come := 0; ; {
			if err := ctx.Err(); err != nil {
				yield(zero, err)
				return
			}
			items, end, err := fetch(ctx, from)
			if err != nil {
				yield(zero, err)
				return
			}
			come += len(items)
			progress.Report(ctx, come, 0, "rows have come")
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if end == none || end == from {
				return
			}
			from = end
		}
	}
}

// maxMoves is how often in a row items of one value may be in another order
// than before, without a new one among them.
const maxMoves = 8

var errUnstable = errors.New("the list is in another order each time it is asked for, so items could be missed")

// ByKey yields every item once, walking the list along a value that it is sorted
// by. key returns that value of an item and what tells the item apart. It should
// be one that stays, such as when an item was made; one that grows when an item
// is changed is right too if the list is sorted upward: what was changed comes
// again at the end, and is left out there.
//
// fetch returns one page, sorted by the value, from the first item on that has
// the value from or one behind it; the first time from is nil: from the
// beginning. It skips offset items, which is 0 unless more items than a page
// holds have the same value. Which end the list begins at is up to fetch.
//
// Items that leave the list meanwhile, such as those that the loop itself
// changes, make no other be skipped. An item that enters it behind the place
// where the walk is may be yielded.
//
// It stops after the first error, which it yields once, and when ctx ends. A list
// whose items of one value come in another order each time is an error, if there
// are more of them than a page holds.
func ByKey[T any, V, ID comparable](ctx context.Context, key func(T) (V, ID), fetch func(ctx context.Context, from *V, offset int) (items []T, more bool, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var (
			zero   T
			from   *V
			offset int
			last   *ID // the item at offset, if nothing has moved
			moves  int // how often something had, since an item was new
			seen   = map[ID]bool{}
		)
		for {
			if err := ctx.Err(); err != nil {
				yield(zero, err)
				return
			}
			items, more, err := fetch(ctx, from, offset)
			if err != nil {
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
				if moved { // items before it have left: look again from the value's first
					offset, last = 0, nil
					continue
				}
			}
			if len(items) == 0 {
				return
			}
			fresh := false
			for _, item := range items {
				if _, id := key(item); !seen[id] {
					seen[id], fresh, moves = true, true, 0
					if !yield(item, nil) {
						return
					}
				}
			}
			progress.Report(ctx, len(seen), 0, "rows have come")
			if !more {
				return
			}
			value, id := key(items[len(items)-1])
			switch {
			case from == nil || *from != value:
				from, offset, last = &value, 0, nil
			case len(items) > 1: // the last one again, to see whether it is still there
				offset, last = offset+len(items)-1, &id
			case fresh:
				offset, last = 0, nil
			default:
				offset, last = offset+1, nil
			}
		}
	}
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
