package sorting_test

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/sorting"
)

type row struct {
	key  int
	name string
}

func FuzzListsAreSortedAsSlicesDoes(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{3, 1, 2, 1, 3, 3, 0})
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, keys []byte) {
		var list []row
		for i, k := range keys {
			list = append(list, row{int(k), string(rune('a' + i%26))})
		}
		byKey := func(a, b row) int { return cmp.Compare(a.key, b.key) }
		byAll := func(a, b row) int { return cmp.Or(byKey(a, b), cmp.Compare(a.name, b.name)) }
		for name, sorts := range map[string]struct {
			ours, theirs func([]row, func(a, b row) int)
			compare      func(a, b row) int
		}{
			"stable": {sorting.Stable[row], slices.SortStableFunc[[]row], byKey},
			"by":     {sorting.By[row], slices.SortFunc[[]row], byAll},
		} {
			got, want := slices.Clone(list), slices.Clone(list)
			sorts.ours(got, sorts.compare)
			sorts.theirs(want, sorts.compare)
			if diff := gocmp.Diff(want, got, gocmp.AllowUnexported(row{})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}
