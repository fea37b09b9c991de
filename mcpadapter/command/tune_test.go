package command

import (
	"context"
	"runtime/debug"
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
		rests := 0
		i := newIdler(func() { rests++ })
		after := func(d time.Duration, want int, when string) {
			t.Helper()
			if time.Sleep(d); rests != want {
				t.Errorf("%s it has rested %d times, want %d", when, rests, want)
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
	give := giver()
	give()
	held := make([]byte, 64<<20)
	for i := 0; i < len(held); i += 4 << 10 {
		held[i] = 1
	}
	const released = "/memory/classes/heap/released:bytes"
	before := measured(released)
	held = nil
	if give(); measured(released) < before+60<<20 {
		t.Errorf("of 64 MiB it gave back %d bytes", measured(released)-before)
	}
	before = measured("/gc/cycles/forced:gc-cycles")
	t.Setenv("GOGC", "off")
	garbage = make([]byte, 64<<20)
	if give(); measured("/gc/cycles/forced:gc-cycles") != before {
		t.Error("with GOGC=off it collects")
	}
	garbage = nil
}

var garbage []byte
