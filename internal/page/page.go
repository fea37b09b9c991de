// Package page turns page-at-a-time methods into iterators.
package page

import (
	"context"
	"iter"
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
