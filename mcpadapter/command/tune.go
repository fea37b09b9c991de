package command

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-soc/sallyport/mcpadapter"
)

// tune sets how the garbage collector works in a server, whose decoders allocate much
// and keep little: it lets the heap grow to five times what is live while that is
// little, and by heapRoom or a quarter while it is more, within 512 MiB. GOGC and
// GOMEMLIMIT, if set, have their way.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent(0))
		paced.Do(func() { pace(new(cycle)) })
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(512 << 20)
	}
}

const heapRoom = 8 << 20

// percent returns by how much a heap may grow of which so many bytes are live.
func percent(live uint64) int {
	return int(min(400, max(25, 100*heapRoom/max(1, live))))
}

var paced sync.Once

// A cycle is garbage at once, so that it is finalized after each collection.
type cycle struct{ _ *cycle }

func pace(c *cycle) {
	runtime.SetFinalizer(c, func(c *cycle) {
		debug.SetGCPercent(percent(measured("/gc/heap/live:bytes")))
		pace(c)
	})
}

// measured returns the sum of some metrics of the runtime.
func measured(names ...string) (sum uint64) {
	for _, name := range names {
		s := []metrics.Sample{{Name: name}}
		if metrics.Read(s); s[0].Value.Kind() == metrics.KindUint64 {
			sum += s[0].Value.Uint64()
		}
	}
	return sum
}

// idleTime is how long nothing is called until a server counts as idle.
const idleTime = time.Second

// An idler does rest when no call was under way for idleTime, once until the next one
// has ended.
type idler struct {
	rest  func()
	calls atomic.Int64 // under way
	timer *time.Timer
}

// newIdler returns an idler that has no call yet.
func newIdler(rest func()) *idler {
	i := &idler{rest: rest}
	i.timer = time.AfterFunc(idleTime, func() {
		if i.calls.Load() == 0 {
			i.rest()
		}
	})
	return i
}

// trace is the tracer of a server.
func (i *idler) trace(ctx context.Context, _ string) (context.Context, func(mcpadapter.Call)) {
	i.calls.Add(1)
	return ctx, i.ended
}

func (i *idler) ended(mcpadapter.Call) {
	if i.calls.Add(-1) == 0 {
		i.timer.Reset(idleTime)
	}
}

// giver returns what gives the system back the memory that calls have left, by free:
// most servers idle for most of the day, and an agent's host runs several. It does so
// where the heap has grown by 4 MiB and a quarter since it last did, so that a call now
// and then costs no collection. GOGC, if set, has its way.
func giver(free func()) func() {
	var alone sync.Mutex
	var before uint64
	return func() {
		heap := func() uint64 {
			return measured("/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes", "/memory/classes/heap/free:bytes")
		}
		alone.Lock()
		defer alone.Unlock()
		if os.Getenv("GOGC") != "" || heap() < before+max(4<<20, before/4) {
			return
		}
		free()
		before = heap()
	}
}
