package thehive_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func TestAListOverTheLimitOfBytesIsReadInParts(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	const added = 60
	for i := range added {
		hive.Add("Case", "", Object{"title": fmt.Sprint("Case ", i), "description": strings.Repeat("long ", 2000)})
	}
	c := hive.Client(func(c *thehive.Config) { c.MaxBody = 640 << 10 })
	all, err := c.ListCases(t.Context(), thehive.ListCasesInput{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	n := all.Total
	for _, tt := range []struct{ offset, limit, want int }{{0, 50, 50}, {0, 500, n}, {n - 20, 40, 20}} {
		p, err := c.ListCases(t.Context(), thehive.ListCasesInput{Offset: tt.offset, Limit: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, k := range p.Cases {
			seen[k.ID] = true
		}
		if len(seen) != tt.want || p.Total != n || p.More != (tt.offset+tt.want < n) {
			t.Errorf("%+v: %d cases of %d, more %t", tt, len(seen), p.Total, p.More)
		}
	}
	walked := 0
	for _, err := range c.Cases(t.Context(), thehive.ListCasesInput{}) {
		if walked++; err != nil {
			t.Fatal(err)
		}
	}
	if walked != n {
		t.Errorf("walked over %d of %d", walked, n)
	}
}
