package command

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
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
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		if metrics.Read(live); live[0].Value.Kind() == metrics.KindUint64 {
			debug.SetGCPercent(percent(live[0].Value.Uint64()))
		}
		pace(c)
	})
}
