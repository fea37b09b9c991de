package cortex_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

func TestAListOfJobsOverTheLimitOfBytesIsReadInParts(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	const n = 150
	for i := range n {
		s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", Data: strings.Repeat("long", 1000), DataType: "other", Created: time.Now().Add(time.Duration(i-n) * time.Minute)})
	}
	c := s.Client(func(c *cortex.Config) { c.MaxBody = 64 << 10 })
	p, err := c.ListJobs(t.Context(), cortex.ListJobsInput{Limit: 120})
	if err != nil || len(p.Jobs) != 120 {
		t.Fatalf("%v, %v", p, err)
	}
	seen := map[string]bool{}
	for j, err := range c.Jobs(t.Context(), cortex.ListJobsInput{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[j.ID] = true
	}
	if len(seen) < n {
		t.Errorf("walked over %d of %d", len(seen), n)
	}
}
