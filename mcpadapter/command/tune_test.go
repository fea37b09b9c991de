package command

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-soc/sallyport/mcpadapter"
)

func TestTuneLeavesTheEnvironmentItsWay(t *testing.T) {
	gc, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	t.Cleanup(func() {
		debug.SetGCPercent(gc)
		debug.SetMemoryLimit(limit)
	})
	t.Setenv("GOGC", "100")
	t.Setenv("GOMEMLIMIT", "1GiB")
	tune()
	if got := debug.SetGCPercent(100); got != 100 || debug.SetMemoryLimit(-1) != limit {
		t.Errorf("GC percent %d, memory limit %d", got, debug.SetMemoryLimit(-1))
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	debug.SetGCPercent(1000)
	tune()
	if got := debug.SetGCPercent(100); got < 25 || got > 400 || debug.SetMemoryLimit(-1) != 512<<20 {
		t.Errorf("GC percent %d, memory limit %d", got, debug.SetMemoryLimit(-1))
	}
	for live, want := range map[uint64]int{0: 400, 2 << 20: 400, 8 << 20: 100, 16 << 20: 50, 1 << 30: 25} {
		if got := percent(live); got != want {
			t.Errorf("with %d bytes live the heap may grow by %d%%, want %d%%", live, got, want)
		}
	}
}

func TestAServerRestsOnceASecondAfterItsLastCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rests atomic.Int64
		i := newIdler(func() { rests.Add(1) })
		after := func(d time.Duration, want int64, when string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := rests.Load(); got != want {
				t.Errorf("%s it has rested %d times, want %d", when, got, want)
			}
		}
		after(999*time.Millisecond, 0, "before it is idle")
		after(2*time.Second, 1, "without a call")
		_, first := i.trace(context.Background(), "a")
		_, second := i.trace(context.Background(), "b")
		first(mcpadapter.Call{})
		after(time.Minute, 1, "during a call")
		second(mcpadapter.Call{})
		after(500*time.Millisecond, 1, "right after a call")
		_, third := i.trace(context.Background(), "c")
		after(time.Minute, 1, "during the next call")
		third(mcpadapter.Call{})
		after(time.Minute, 2, "after the last call")
	})
}

func TestAServerGivesBackWhatItsCallsLeft(t *testing.T) {
	t.Setenv("GOGC", "")
	give := giver(debug.FreeOSMemory)
	give()
	held := filled(64 << 20)
	const released = "/memory/classes/heap/released:bytes"
	before := measured(released)
	runtime.KeepAlive(held)
	if give(); measured(released) < before+60<<20 {
		t.Errorf("of 64 MiB it gave back %d bytes", measured(released)-before)
	}
}

func TestAServerGivesBackWhatIsWorthIt(t *testing.T) {
	t.Setenv("GOGC", "")
	freed := 0
	give := giver(func() { freed++ })
	held := [][]byte{filled(64 << 20)}
	for range 3 { // the heap is as it was before
		if give(); freed != 1 {
			t.Errorf("it has freed memory %d times, want once", freed)
		}
	}
	held = append(held, filled(64<<20))
	if give(); freed != 2 {
		t.Errorf("of 64 MiB more it freed nothing")
	}
	t.Setenv("GOGC", "off")
	held = append(held, filled(128<<20))
	if give(); freed != 2 {
		t.Error("GOGC is set, and it frees memory")
	}
	runtime.KeepAlive(held)
}

// filled returns n bytes that are in memory.
func filled(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 4 << 10 {
		b[i] = 1
	}
	return b
}
