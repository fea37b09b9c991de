package bm25_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/bm25"
)

func TestTheRarerWordAndTheShorterTextCountMore(t *testing.T) {
	x := bm25.New([]string{"list cases of a platform", "close the case", "list alerts", "list alerts with a caseId and very many other words beside"})
	for query, want := range map[string][]int{
		"alerts": {2, 3}, "close case": {1, 3}, "nothing": nil, "LIST ALERTS": {2, 3, 0},
	} {
		if diff := cmp.Diff(want, x.Rank(query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}
