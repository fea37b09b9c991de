package paging_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/resume"
)

// A row is one of a list that is sorted by when it was made, the newest first.
type row struct {
	when int64
	id   int
}

// list is a platform's, from which items go and to which items come.
type list struct {
	mu     sync.Mutex // a page is read while the loop changes the list
	rows   []row
	limit  int           // rows a page
	window int           // rows that can be asked for: offset and limit together
	slow   time.Duration // is what a page takes
	broken map[int]error // what the n'th page is
	asked  int
	under  int // pages that are on their way
}

// read is called for each page, which f takes.
func (l *list) read(ctx context.Context, f func()) error {
	l.mu.Lock()
	l.asked++
	l.under++
	err := l.broken[l.asked]
	l.mu.Unlock()
	if l.slow > 0 {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(l.slow):
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under--; err == nil {
		f()
	}
	return err
}

func (l *list) remove(id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = slices.DeleteFunc(l.rows, func(r row) bool { return r.id == id })
}

func (l *list) add(r row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, r)
	slices.SortFunc(l.rows, func(a, b row) int { return cmp.Or(cmp.Compare(b.when, a.when), cmp.Compare(b.id, a.id)) })
}

func (l *list) page(ctx context.Context, from *int64, offset int) (items []row, more bool, err error) {
	if offset+l.limit > l.window {
		return nil, false, errors.New("beyond the window")
	}
	err = l.read(ctx, func() {
		rows := l.rows
		if from != nil {
			rows = rows[slices.IndexFunc(append(slices.Clone(rows), row{when: *from}), func(r row) bool { return r.when <= *from }):]
		}
		rows = rows[min(offset, len(rows)):]
		items, more = slices.Clone(rows[:min(l.limit, len(rows))]), len(rows) > l.limit
	})
	return items, more, err
}

func key(r row) (made int64, id string) { return r.when, fmt.Sprint(r.id) }

// numbered is the list sorted by id alone, of which MISP gives pages.
func (l *list) numbered(ctx context.Context, page, size int) (p paging.NumberedPage[row], err error) {
	var rows []row
	if err := l.read(ctx, func() { rows = slices.Clone(l.rows) }); err != nil {
		return p, err
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.id, a.id) })
	p.Items = rows[min((page-1)*size, len(rows)):min(page*size, len(rows))]
	if p.More = len(p.Items) == size; len(p.Items) > 0 {
		p.High, p.Low = number(p.Items[0]), number(p.Items[len(p.Items)-1])
	}
	return p, nil
}

func number(r row) int64 { return int64(r.id) + 1 }

// A kind of list is walked by one of the ways there are.
type kind struct {
	walk func(ctx context.Context, l *list) iter.Seq2[row, error]
	// late is whether a row can be added below the newest, and newest whether what is
	// added above is what a walk from the end of another gives.
	late, newest bool
}

var kinds = map[string]kind{
	"by key": {func(ctx context.Context, l *list) iter.Seq2[row, error] { return paging.ByKey(ctx, key, l.page) }, true, true},
	"by number": {func(ctx context.Context, l *list) iter.Seq2[row, error] {
		return paging.ByNumber(ctx, 1, l.limit, 4*l.limit, number, l.numbered)
	}, false, true},
	"whole": {func(ctx context.Context, l *list) iter.Seq2[row, error] {
		return paging.Whole(ctx, func(r row) int { return r.id }, func(ctx context.Context, offset int) ([]row, bool, error) { return l.page(ctx, nil, offset) })
	}, true, false},
	"by cursor": {func(ctx context.Context, l *list) iter.Seq2[row, error] {
		return paging.ByCursor(ctx, func(ctx context.Context, from string) (items []row, end string, behind func(int) string, err error) {
			after := row{id: 1 << 30, when: 1 << 60}
			if from != "" {
				if _, err := fmt.Sscan(from, &after.when, &after.id); err != nil {
					return nil, "", nil, err
				}
			}
			if err := l.read(ctx, func() {
				for _, r := range l.rows {
					if (r.when < after.when || r.when == after.when && r.id < after.id) && len(items) < l.limit {
						items = append(items, r)
					}
				}
			}); err != nil {
				return nil, "", nil, err
			}
			behind = func(n int) string { return fmt.Sprint(items[n-1].when, " ", items[n-1].id) }
			if len(items) == l.limit {
				end = behind(len(items))
			}
			return items, end, behind, nil
		})
	}, true, false},
}

// The loop removes what it sees with some probability, and others add and remove rows
// anywhere, now and then many at once; what nobody touched is seen once, whatever happens.
func TestAWalkByKeySeesEachRowOnceWhileTheListChanges(t *testing.T) {
	t.Parallel()
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for seed := range uint64(1500) {
					walkChanging(t, k, seed, func(*rand.Rand) bool { return false })
				}
			})
		})
	}
}

// The same, where each walk ends after some row and another goes on from its place.
func TestAWalkGoesOnFromAnyRow(t *testing.T) {
	t.Parallel()
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for seed := range uint64(700) {
					walkChanging(t, k, seed, func(r *rand.Rand) bool { return r.IntN(6) == 0 })
					walkChanging(t, k, seed, func(*rand.Rand) bool { return true })
				}
			})
		})
	}
}

func walkChanging(t *testing.T, k kind, seed uint64, stop func(*rand.Rand) bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the same each time
	l := &list{limit: 1 + r.IntN(7), window: 60}
	n, values := r.IntN(150), 1+r.IntN(40)
	if n/values > 15 {
		values = n
	}
	if !k.newest { // pages are by rows alone
		l.window = 1000
	}
	made := func(id int) row {
		if !k.late {
			return row{int64(id), id}
		}
		return row{int64(r.IntN(values+1)) * 100_000, id}
	}
	for id := range n {
		l.add(made(id))
	}
	due := map[int]bool{} // rows that have to be seen
	for _, r := range l.rows {
		due[r.id] = true
	}
	seen, top := map[int]int{}, int64(-1)
	next := n
	var place json.RawMessage
	for ended := false; !ended; {
		ctx, w := resume.With(t.Context(), place)
		ended = true
		for x, err := range k.walk(ctx, l) {
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if seen[x.id]++; seen[x.id] > 1 {
				t.Fatalf("seed %d: row %d came %d times", seed, x.id, seen[x.id])
			}
			top = max(top, x.when)
			if r.IntN(2) == 0 { // the page ahead comes before the change
				synctest.Wait()
			}
			if r.IntN(4) < 2 { // as a loop that closes what it sees
				l.remove(x.id)
			}
			for r.IntN(10) == 0 && next < 2*n {
				l.add(made(next))
				next++
			}
			for many := r.IntN(30) == 0; (many || r.IntN(10) == 0) && len(l.rows) > 0 && r.IntN(20) > 0; { // somebody else's change
				gone := l.rows[r.IntN(len(l.rows))].id
				l.remove(gone)
				delete(due, gone)
			}
			if stop(r) {
				ended = false
				break
			}
		}
		var err error
		if place, err = w.Place(); err != nil {
			t.Fatal(err)
		}
	}
	for id := range due {
		if seen[id] == 0 {
			t.Fatalf("seed %d: row %d of %d was skipped", seed, id, n)
		}
	}
	if !k.newest {
		return
	}
	// What was made since is what the next walks give, and nothing else.
	for round := range 3 {
		newest := top // that was given
		for range r.IntN(20) {
			x := row{int64(values+1+round) * 100_000, next}
			if !k.late {
				x.when = int64(next)
			}
			l.add(x)
			next++
		}
		var want, got []int
		for _, x := range l.rows {
			if seen[x.id] == 0 && x.when >= newest {
				want = append(want, x.id)
			}
		}
		for ended := false; !ended; {
			ctx, w := resume.With(t.Context(), place)
			ended = true
			for x, err := range k.walk(ctx, l) {
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				got = append(got, x.id)
				seen[x.id]++
				top = max(top, x.when)
				if stop(r) {
					ended = false
					break
				}
			}
			var err error
			if place, err = w.Place(); err != nil {
				t.Fatal(err)
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, round %d: what was made since (-want +got):\n%s", seed, round, diff)
		}
	}
}

func TestWhatShowsInTheListAMinuteLaterIsGivenByTheNextWalk(t *testing.T) {
	t.Parallel()
	l := &list{limit: 100, window: 1000}
	for id := range 1500 { // a flood among them
		l.add(row{int64(10_000_000 + 10*id), id})
	}
	var place json.RawMessage
	walk := func() (ids []int) {
		ctx, w := resume.With(t.Context(), place)
		for x, err := range paging.ByKey(ctx, key, l.page) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, x.id)
		}
		place, _ = w.Place()
		return ids
	}
	if got := walk(); len(got) != 1500 {
		t.Errorf("%d rows", len(got))
	}
	l.add(row{10_000_000 + 1400*10 + 1, 5000}) // made a second before the newest
	l.add(row{10_000_000 + 10*1500, 5001})
	if diff := gocmp.Diff([]int{5001, 5000}, walk()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := walk(); got != nil {
		t.Errorf("again: %v", got)
	}
	for _, gone := range []int{5001, 1499} { // the newest leave the list: what is older isn't given again
		l.remove(gone)
		if got := walk(); got != nil {
			t.Errorf("without %d: %v", gone, got)
		}
	}
}

func TestAWalkStopsAfterOneErrorAndAsksForNoPageThatNobodyWants(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, k := range kinds {
		l := &list{limit: 2, window: 1000}
		for id := range 10 {
			l.add(row{int64(id), id})
		}
		if name != "whole" { // which reads all first
			for range k.walk(t.Context(), l) {
				break
			}
			if l.asked > 1 {
				t.Errorf("%s: %d pages were fetched", name, l.asked)
			}
		}
		ended, cancel := context.WithCancelCause(t.Context())
		cancel(broken)
		var errs []error
		for _, err := range k.walk(ended, l) {
			errs = append(errs, err)
		}
		if len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
			t.Errorf("%s: %v", name, errs)
		}
	}
	var errs []error
	n := 0
	for _, err := range paging.ByKey(t.Context(), key, func(_ context.Context, from *int64, _ int) ([]row, bool, error) {
		if from != nil {
			return nil, false, broken
		}
		return []row{{2, 2}, {1, 1}}, true, nil
	}) {
		if n++; err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) != 1 || n != 3 {
		t.Errorf("%d rows, %v", n, errs)
	}
}

func TestAWalkByKeyGoesBeyondTheWindow(t *testing.T) {
	t.Parallel()
	l := &list{limit: 100, window: 1000}
	for id := range 5000 {
		l.add(row{when: int64(id / 300), id: id})
	}
	n := 5000
	for x, err := range paging.ByKey(t.Context(), key, l.page) {
		if err != nil {
			t.Fatal(err)
		}
		if n--; x.id != n {
			t.Fatalf("row %d came, want %d", x.id, n)
		}
	}
	if n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestAWalkSaysSoWhenTheOrderIsNeverTheSame(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	l := &list{limit: 5, window: 1000}
	for id := range 100 {
		l.add(row{id: id})
	}
	shuffled := func(ctx context.Context, offset int) ([]row, bool, error) {
		r.Shuffle(len(l.rows), func(i, j int) { l.rows[i], l.rows[j] = l.rows[j], l.rows[i] })
		return l.page(ctx, nil, offset)
	}
	for name, walk := range map[string]iter.Seq2[row, error]{
		"by key": paging.ByKey(t.Context(), key, func(ctx context.Context, _ *int64, offset int) ([]row, bool, error) { return shuffled(ctx, offset) }),
		"whole":  paging.Whole(t.Context(), func(r row) int { return r.id }, shuffled),
	} {
		var failed error
		for _, err := range walk {
			failed = err
		}
		if failed == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAWholeListIsReadBeforeTheLoopChangesItAndAgainWhereOthersDo(t *testing.T) {
	t.Parallel()
	l := &list{limit: 3, window: 1000}
	for id := range 20 {
		l.add(row{when: int64(id), id: id})
	}
	got := map[int]bool{}
	for x, err := range paging.Whole(t.Context(), func(r row) int { return r.id }, func(ctx context.Context, offset int) ([]row, bool, error) {
		switch l.asked {
		case 2:
			l.remove(18)
			l.remove(19)
		case 4:
			l.add(row{when: 50, id: 50})
		}
		return l.page(ctx, nil, offset)
	}) {
		if err != nil {
			t.Fatal(err)
		}
		l.remove(x.id)
		got[x.id] = true
	}
	for id := range 18 {
		if !got[id] {
			t.Errorf("row %d was skipped", id)
		}
	}
	if delete(got, 50); len(got) != 18 {
		t.Errorf("rows %v", slices.Sorted(maps.Keys(got)))
	}
}

// Rows that the platform leaves out of pages, their ends among them, hide nothing else.
func TestAWalkByNumberGoesOverPagesWithGaps(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // the same each time
		l := &list{}
		for id := range 1 + r.IntN(700) {
			l.add(row{id: id + 1})
		}
		from := r.IntN(len(l.rows))
		to := from + r.IntN(200)
		hidden := func(x row) bool { return x.id >= from && x.id < to || x.id%7 == 0 }
		want := len(slices.DeleteFunc(slices.Clone(l.rows), hidden))
		n := 0
		for _, err := range paging.ByNumber(t.Context(), 1, 20+r.IntN(60), 100, number, func(ctx context.Context, page, size int) (paging.NumberedPage[row], error) {
			p, err := l.numbered(ctx, page, size)
			p.Items, p.High, p.Low, p.Gaps = slices.DeleteFunc(p.Items, hidden), 0, 0, true
			if len(p.Items) > 0 {
				p.High, p.Low = number(p.Items[0]), number(p.Items[len(p.Items)-1])
			}
			return p, err
		}) {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != want || l.asked > 20+len(l.rows)/5 {
			t.Fatalf("seed %d: %d of %d rows came, in %d requests for %d", seed, n, want, l.asked, len(l.rows))
		}
	}
}

func TestAPlaceThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for name, k := range kinds {
		ctx, _ := resume.With(t.Context(), json.RawMessage(`[1]`))
		var errs []error
		for _, err := range k.walk(ctx, &list{limit: 5, window: 100}) {
			errs = append(errs, err)
		}
		if len(errs) != 1 || errs[0] == nil {
			t.Errorf("%s: %v", name, errs)
		}
	}
}
