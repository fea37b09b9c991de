// Package kept holds for seconds what a platform lists and seldom changes: its
// analyzers, statuses, types, tags.
package kept

import (
	"context"
	"sync"
	"time"
)

// For is how long a list is kept: for a plan, its execution, and the calls after it.
const For = 30 * time.Second

// most is how many lists of one kind are kept.
const most = 64

// Lists are the lists of one kind, each under its key. What they hold is for reading.
type Lists[K comparable, V any] struct {
	mu    sync.Mutex
	kept  map[K]list[V]
	drops int
}

type list[V any] struct {
	of V
	at time.Time
}

// Look calls look with the list that is kept under key. Where there is none, or look
// returns an error, since what it looks for may be new, read gets the list anew, and
// look is called with that. Errors are those of read, and the last of look.
func (l *Lists[K, V]) Look(ctx context.Context, key K, read func(context.Context) (V, error), look func(V) error) error {
	l.mu.Lock()
	have, ok := l.kept[key]
	drops := l.drops
	l.mu.Unlock()
	if ok && time.Since(have.at) < For && look(have.of) == nil {
		return nil
	}
	began := time.Now()
	of, err := read(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	if l.drops == drops { // else it may be of before a change
		if l.kept == nil || len(l.kept) >= most {
			l.kept = map[K]list[V]{}
		}
		l.kept[key] = list[V]{of, began}
	}
	l.mu.Unlock()
	return look(of)
}

// Drop lets go of all lists: something was changed that may be in them.
func (l *Lists[K, V]) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = nil
	l.drops++
}
