package cortex_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/internal/progress"
)

// Each of 200 observables that 30 analyzers are asked for, all at once over the one
// client, says after every analyzer how many are done.
func TestAFanInSaysAfterEachAnalyzerHowFarItIs(t *testing.T) {
	t.Parallel()
	const analyzers, observables = 30, 200
	s := cortextest.NewServer()
	for i := range analyzers {
		s.AddAnalyzer(cortextest.Worker{Name: fmt.Sprintf("Many_%d_0", i), DataTypes: []string{"many"}})
	}
	c := serve(t, s, func(cfg *cortex.Config) { cfg.MaxFanout = analyzers })
	want := map[string]int{} // each step once
	for n := 1; n <= analyzers; n++ {
		want[fmt.Sprintf("%d of %d analyzers are done with", n, analyzers)] = 1
	}
	var all sync.WaitGroup
	for i := range observables {
		all.Go(func() {
			var mu sync.Mutex
			steps := map[string]int{}
			ctx := progress.With(t.Context(), func(s progress.Step) {
				mu.Lock()
				defer mu.Unlock()
				steps[s.String()]++
			})
			a, err := c.AnalyzeObservable(ctx, cortex.AnalyzeObservableInput{Data: fmt.Sprint("one of many ", i), DataType: "many", FanOut: true})
			if err != nil || a.Verdict.Answered != analyzers {
				t.Errorf("observable %d: %+v, %v", i, a, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, steps); diff != "" {
				t.Errorf("observable %d says (-want +got):\n%s", i, diff)
			}
		})
	}
	all.Wait()
}
