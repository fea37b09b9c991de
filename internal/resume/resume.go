// Package resume lets a walk over a list begin where another one ended: it takes the
// place from who walks to the list that is walked, and back.
package resume

import (
	"context"
	"encoding/json"
	"fmt"
)

// A Walk is one walk over a list, whichever that is.
type Walk struct {
	from json.RawMessage
	at   func() any
}

type key struct{}

// With returns a context for an iterator, and the walk that it will be. It begins at
// from, which is a place of an earlier walk of the same list, or at the beginning for
// none.
func With(ctx context.Context, from json.RawMessage) (context.Context, *Walk) {
	w := &Walk{from: from}
	return context.WithValue(ctx, key{}, w), w
}

// Taken reports whether the list knows of the walk. One that doesn't can't be walked
// from a place.
func (w *Walk) Taken() bool { return w.at != nil }

// Place is where the walk is: behind the row that was yielded last, or at the end.
func (w *Walk) Place() (json.RawMessage, error) { return json.Marshal(w.at()) }

// Asked reports whether ctx is that of a walk, and whether this begins at a place.
func Asked(ctx context.Context) (asked, from bool) {
	w, _ := ctx.Value(key{}).(*Walk)
	return w != nil, w != nil && len(w.from) > 0
}

// Take is called by the list, before it asks for its first page. at tells where the
// walk is. It returns the place to begin at, or nil for the beginning, and a context
// for requests: another list that is walked on the way knows nothing of the walk.
func Take[P any](ctx context.Context, at func() P) (context.Context, *P, error) {
	w, _ := ctx.Value(key{}).(*Walk)
	if w == nil {
		return ctx, nil, nil
	}
	w.at = func() any { return at() }
	ctx = context.WithValue(ctx, key{}, (*Walk)(nil))
	if len(w.from) == 0 {
		return ctx, nil, nil
	}
	from := new(P)
	if err := json.Unmarshal(w.from, from); err != nil {
		return ctx, nil, fmt.Errorf("cursor: %w", err)
	}
	return ctx, from, nil
}
