package command

import (
	"runtime/debug"
	"testing"
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
