package page_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-soc/sallyport/internal/page"
)

func TestAllWalksPagesAndStopsAfterOneError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	fetch := func(_ context.Context, offset int) ([]int, bool, error) {
		if offset == 4 {
			return nil, false, broken
		}
		return []int{offset, offset + 1}, true, nil
	}
	var items []int
	var errs []error
	for n, err := range page.All(t.Context(), fetch) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		items = append(items, n)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3}, items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]error{broken}, errs, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestAllAsksForNoPageThatNobodyWants(t *testing.T) {
	t.Parallel()
	calls := 0
	fetch := func(_ context.Context, offset int) ([]int, bool, error) {
		calls++
		return []int{offset}, true, nil
	}
	for range page.All(t.Context(), fetch) {
		break
	}
	if calls != 1 {
		t.Errorf("%d pages were fetched", calls)
	}
}
