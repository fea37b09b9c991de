package wazuh

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/resume"
)

// pageRows is how many rows an iterator fetches at a time: what the server API
// gives without being asked for a number, and the most that the lists here take.
const pageRows = 500

// walkRows walks a list of the server API, which can only skip rows: all are read
// before the first is handed out. rows are those of a page and where it lies; id
// tells them apart. What Wazuh would not tell of some of them is [ErrIncomplete],
// the last yield.
func walkRows[In, Page, T any, ID comparable](ctx context.Context, in In, most int, list func(context.Context, In) (*Page, error), rows func(*Page) ([]T, Paging), id func(T) ID) iter.Seq2[T, error] {
	limit, offset := input.Place(&in)
	if err := input.PrepareWalk(&in, limit, most, ErrInvalid); err != nil {
		return paging.Failed[T](err)
	}
	if _, from := resume.Asked(ctx); from {
		*offset = 0
	}
	return func(yield func(T, error) bool) {
		var failed []Failure
		for row, err := range paging.Whole(ctx, id, func(ctx context.Context, skipped int) ([]T, bool, error) {
			if skipped == 0 {
				failed = nil
			}
			next := in
			_, offset := input.Place(&next)
			*offset += skipped
			p, err := list(ctx, next)
			if err != nil {
				return nil, false, err
			}
			items, at := rows(p)
			failed = append(failed, at.Failed...)
			return items, at.More, nil
		}) {
			if !yield(row, err) || err != nil {
				return
			}
		}
		if len(failed) > 0 {
			var none T
			yield(none, fmt.Errorf("%w: %s", ErrIncomplete, reasons(failed)))
		}
	}
}

// reasons says what Wazuh would not tell.
func reasons(failed []Failure) string {
	var all []string
	for _, f := range failed[:min(len(failed), 3)] {
		all = append(all, strings.TrimSuffix(f.Message+" ("+strings.Join(f.IDs, ", ")+")", " ()"))
	}
	if n := len(failed) - len(all); n > 0 {
		all = append(all, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(all, "; ")
}

// walkCursor walks a list of the indexer by its cursors, each page from the last
// row of the one before on, however deep. turn sets the cursor of an input, read
// tells what is on a page and where each row ends. When part of the indexer didn't
// answer, the last yield is [ErrIncomplete].
func walkCursor[In, Page, T any](ctx context.Context, in In, turn func(*In, Cursor), list func(context.Context, In) (*Page, error), read func(*Page) (rows []T, next Cursor, behind func(n int) Cursor, incomplete string)) iter.Seq2[T, error] {
	limit, _ := input.Place(&in)
	if err := input.PrepareWalk(&in, limit, pageRows, ErrInvalid); err != nil {
		return paging.Failed[T](err)
	}
	return func(yield func(T, error) bool) {
		missing := ""
		for row, err := range paging.ByCursor(ctx, func(ctx context.Context, from Cursor) ([]T, Cursor, func(int) Cursor, error) {
			asked := in
			if from != "" {
				_, offset := input.Place(&asked)
				*offset = 0
				turn(&asked, from)
			}
			p, err := list(ctx, asked)
			if err != nil {
				return nil, "", nil, err
			}
			rows, next, behind, why := read(p)
			if why != "" {
				missing = why
			}
			return rows, next, behind, nil
		}) {
			if !yield(row, err) || err != nil {
				return
			}
		}
		if missing != "" {
			var none T
			yield(none, fmt.Errorf("%w: %s", ErrIncomplete, missing))
		}
	}
}
