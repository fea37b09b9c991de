package inflight

import (
	"context"
	"sync"
	"time"
)

// joinTime is how long ago a call may have begun for another to share its outcome: what
// was read longer ago may have changed since.
const joinTime = time.Second

// A Joint lets equal reads that are under way at once share the outcome of the first.
type Joint[T any] struct {
	mu    sync.Mutex
	under map[string]*shared[T]
}

type shared[T any] struct {
	began time.Time
	done  chan struct{}
	out   T
	good  bool // nobody cut the call short
}

// Do returns what read gives, or what an equal one that is under way does. Where that was
// cut short by its own caller, read is called all the same.
func (j *Joint[T]) Do(ctx context.Context, key string, read func() T) T {
	j.mu.Lock()
	if s := j.under[key]; s != nil && time.Since(s.began) < joinTime {
		j.mu.Unlock()
		select {
		case <-s.done:
			if s.good {
				return s.out
			}
		case <-ctx.Done(): // which read finds too
		}
		return read()
	}
	s := &shared[T]{began: time.Now(), done: make(chan struct{})}
	if j.under == nil {
		j.under = map[string]*shared[T]{}
	}
	j.under[key] = s
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		if j.under[key] == s {
			delete(j.under, key)
		}
		j.mu.Unlock()
		close(s.done)
	}()
	s.out = read()
	s.good = ctx.Err() == nil
	return s.out
}

// Forget lets no read that begins from now on share what is under way: something may
// have been written.
func (j *Joint[T]) Forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(j.under)
}
