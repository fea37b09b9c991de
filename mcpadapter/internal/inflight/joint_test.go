package inflight_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-soc/sallyport/mcpadapter/internal/inflight"
)

func TestEqualReadsThatAreUnderWayAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j inflight.Joint[int]
		read := 0
		slow := func(n int) func() int {
			return func() int {
				read++
				time.Sleep(3 * time.Second)
				return n
			}
		}
		var wg sync.WaitGroup
		var got [6]int
		do := func(i int, ctx context.Context, key string) {
			wg.Go(func() { got[i] = j.Do(ctx, key, slow(i)) })
			synctest.Wait()
		}
		cut, cancel := context.WithCancel(t.Context())
		do(1, t.Context(), "a")
		do(2, t.Context(), "a") // joins
		do(3, t.Context(), "b") // another
		j.Forget()
		do(4, t.Context(), "a") // after a write
		time.Sleep(2 * time.Second)
		do(5, t.Context(), "a") // too late
		wg.Wait()
		if want := [6]int{0, 1, 1, 3, 4, 5}; got != want || read != 4 {
			t.Errorf("%v of %d reads, want %v", got, read, want)
		}
		do(1, cut, "a")
		do(2, t.Context(), "a")
		cancel()
		wg.Wait()
		if got[2] != 2 {
			t.Errorf("the outcome of a call that its caller cut short was shared: %v", got)
		}
	})
}
