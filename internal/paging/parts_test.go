package paging_test

import (
	"errors"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/paging"
)

func TestAPageThatIsTooLargeIsFetchedInParts(t *testing.T) {
	t.Parallel()
	const all = 1000
	broken := errors.New("broken")
	for _, tt := range []struct {
		page, limit, most int // items that fit into an answer
		want              int
		more              bool
		err               error
	}{
		{1, 500, 500, 500, true, nil},
		{2, 500, 499, 500, false, nil},
		{2, 300, 80, 300, true, nil}, // 300, 150, 100, 75 at a time
		{4, 300, 299, 100, false, nil},
		{1, 7, 1, 7, true, nil},
		{1, 499, 400, 0, false, connect.ErrTooLarge}, // nothing divides it
		{1, 1, 0, 0, false, connect.ErrTooLarge},
		{1, 500, -1, 0, false, broken},
	} {
		items, more, err := paging.InParts(tt.page, tt.limit, func(page, limit int) (list []int, more bool, err error) {
			switch {
			case tt.most < 0:
				return nil, false, broken
			case limit > tt.most:
				return nil, false, connect.In("lab", connect.ErrTooLarge)
			}
			for i := (page - 1) * limit; i < min(page*limit, all); i++ {
				list = append(list, i)
			}
			return list, page*limit < all, nil
		})
		var want []int
		for i := range tt.want {
			want = append(want, (tt.page-1)*tt.limit+i)
		}
		if diff := gocmp.Diff(want, items); diff != "" || more != tt.more || !errors.Is(err, tt.err) {
			t.Errorf("%+v: more %t, %v, items (-want +got):\n%s", tt, more, err, diff)
		}
	}
}
