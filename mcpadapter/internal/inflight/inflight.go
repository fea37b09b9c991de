// Package inflight knows the calls that a server is serving.
package inflight

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// settleTime is how long calls that were stopped may take to record how far
// they got.
const settleTime = 5 * time.Second

// Calls are those in flight at a server. The SDK ends a session by waiting for
// them, however long that takes.
type Calls struct {
	mu   sync.Mutex
	last int
	stop map[int]context.CancelFunc
}

// Begin adds a call, which lasts until end is called.
func (c *Calls) Begin(ctx context.Context) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stop == nil {
		c.stop = map[int]context.CancelFunc{}
	}
	c.last++
	id := c.last
	c.stop[id] = cancel
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.stop, id)
	}
}

// Abort stops all calls in flight: a read fails, and the gate records a write
// as unknown if it may have taken effect.
func (c *Calls) Abort() {
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.stop))
	c.mu.Unlock()
	for _, cancel := range all {
		cancel()
	}
}

// Settle waits until no call is in flight, for settleTime at most. A write that
// was stopped isn't in the journal before.
func (c *Calls) Settle() {
	for until := time.Now().Add(settleTime); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		n := len(c.stop)
		c.mu.Unlock()
		if n == 0 {
			return
		}
	}
}
