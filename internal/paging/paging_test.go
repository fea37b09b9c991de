package paging_test

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-soc/sallyport/internal/paging"
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
	for n, err := range paging.All(t.Context(), fetch) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		items = append(items, n)
	}
	if diff := gocmp.Diff([]int{0, 1, 2, 3}, items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]error{broken}, errs, cmpopts.EquateErrors()); diff != "" {
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
	for range paging.All(t.Context(), fetch) {
		break
	}
	if calls != 1 {
		t.Errorf("%d pages were fetched", calls)
	}
}

// A row is one of a list that is sorted by when, then by id.
type row struct{ when, id int }

// list is a platform's, from which items go and to which items come.
type list struct {
	rows   []row
	limit  int // rows a page
	window int // rows that can be asked for: offset and limit together
}

func (l *list) remove(id int) {
	l.rows = slices.DeleteFunc(l.rows, func(r row) bool { return r.id == id })
}

func (l *list) add(r row) {
	l.rows = append(l.rows, r)
	slices.SortFunc(l.rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.when, b.when), cmp.Compare(a.id, b.id)) })
}

func (l *list) page(_ context.Context, from *int, offset int) ([]row, bool, error) {
	if offset+l.limit > l.window {
		return nil, false, errors.New("beyond the window")
	}
	rows := l.rows
	if from != nil {
		rows = rows[slices.IndexFunc(append(slices.Clone(rows), row{when: math.MaxInt}), func(r row) bool { return r.when >= *from }):]
	}
	rows = rows[min(offset, len(rows)):]
	return slices.Clone(rows[:min(l.limit, len(rows))]), len(rows) > l.limit, nil
}

func key(r row) (when, id int) { return r.when, r.id }

// The loop removes what it sees with some probability, moves it to the end, or
// adds something anywhere; what nobody touched is seen once, whatever happens.
func TestAWalkByKeySeesEachRowOnceWhileTheListChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := &list{limit: 1 + r.IntN(7), window: 60}
		n, values := r.IntN(150), 1+r.IntN(40)
		if n/values > 15 {
			values = n
		}
		for id := range n {
			l.add(row{when: r.IntN(values + 1), id: id})
		}
		due := map[int]bool{} // rows that have to be seen
		for _, r := range l.rows {
			due[r.id] = true
		}
		seen := map[int]int{}
		next := n
		for x, err := range paging.ByKey(t.Context(), key, l.page) {
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if seen[x.id]++; seen[x.id] > 1 {
				t.Fatalf("seed %d: row %d came %d times", seed, x.id, seen[x.id])
			}
			switch r.IntN(4) {
			case 0, 1: // as a loop that closes what it sees
				l.remove(x.id)
			case 2: // as a list by time of change
				l.remove(x.id)
				l.add(row{when: values + 1 + next, id: x.id})
			}
			if r.IntN(10) == 0 && next < 2*n {
				l.add(row{when: r.IntN(2*values) - values, id: next})
				next++
			}
			if r.IntN(10) == 0 && len(l.rows) > 0 { // somebody else's change
				gone := l.rows[r.IntN(len(l.rows))].id
				l.remove(gone)
				delete(due, gone)
			}
		}
		for id := range due {
			if seen[id] == 0 {
				t.Fatalf("seed %d: row %d of %d was skipped", seed, id, n)
			}
		}
	}
}

func TestAWalkByKeyGoesBeyondTheWindow(t *testing.T) {
	t.Parallel()
	l := &list{limit: 100, window: 1000}
	for id := range 5000 {
		l.add(row{when: id / 300, id: id})
	}
	n := 0
	for x, err := range paging.ByKey(t.Context(), key, l.page) {
		if err != nil {
			t.Fatal(err)
		}
		if x.id != n {
			t.Fatalf("row %d came as number %d", x.id, n)
		}
		n++
	}
	if n != 5000 {
		t.Errorf("%d rows came, want 5000", n)
	}
}

func TestAWalkByKeySaysSoWhenTheOrderIsNeverTheSame(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	l := &list{limit: 5, window: 1000}
	for id := range 100 {
		l.add(row{id: id})
	}
	var failed error
	for _, err := range paging.ByKey(t.Context(), key, func(ctx context.Context, from *int, offset int) ([]row, bool, error) {
		r.Shuffle(len(l.rows), func(i, j int) { l.rows[i], l.rows[j] = l.rows[j], l.rows[i] })
		return l.page(ctx, nil, offset)
	}) {
		failed = err
	}
	if failed == nil {
		t.Error("no error")
	}
}

func TestAWholeListIsReadBeforeTheLoopChangesIt(t *testing.T) {
	t.Parallel()
	l := &list{limit: 3, window: 1000}
	for id := range 20 {
		l.add(row{id: id})
	}
	var got []int
	for x, err := range paging.Whole(t.Context(), func(r row) int { return r.id }, func(ctx context.Context, offset int) ([]row, bool, error) {
		return l.page(ctx, nil, offset)
	}) {
		if err != nil {
			t.Fatal(err)
		}
		l.remove(x.id)
		got = append(got, x.id)
	}
	if len(got) != 20 || len(l.rows) != 0 {
		t.Errorf("%d of 20 rows came, %d are left", len(got), len(l.rows))
	}
}
