package paging_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-soc/sallyport/internal/paging"
)

// paged calls f for each kind of list that is read page by page: one of 200 rows, 40 on a
// page, which takes a second to come. A goroutine that outlives the walk fails the test.
func paged(t *testing.T, f func(t *testing.T, k kind, l *list)) {
	t.Helper()
	for name, k := range kinds {
		if name == "whole" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &list{limit: 40, window: 1000, slow: time.Second}
				for id := range 200 {
					l.add(row{int64(id), id})
				}
				f(t, k, l)
			})
		})
	}
}

func TestTheNextPageComesWhileTheLoopIsAtThisOne(t *testing.T) {
	t.Parallel()
	paged(t, func(t *testing.T, k kind, l *list) {
		began, rows := time.Now(), 0
		for x, err := range k.walk(t.Context(), l) {
			if err != nil || x.id != 199-rows {
				t.Fatalf("row %d is %d, %v", rows, x.id, err)
			}
			rows++
			time.Sleep(50 * time.Millisecond)
		}
		// The loop waits for the first page and, when it has shown that it wants more, for the second.
		if took, want := time.Since(began), 200*50*time.Millisecond+2*time.Second; rows != 200 || took != want {
			t.Errorf("%d rows took %s, want %s", rows, took, want)
		}
	})
}

func TestNoMoreThanOnePageIsAskedForAhead(t *testing.T) {
	t.Parallel()
	paged(t, func(t *testing.T, k kind, l *list) {
		rows := 0
		for range k.walk(t.Context(), l) {
			time.Sleep(time.Minute) // however long the loop takes
			synctest.Wait()
			rows++
			if most := (rows-1)/37 + 2; l.asked > most || l.under > 0 { // pages by number overlap
				t.Fatalf("%d pages were asked for, and %d of them are on their way, at row %d", l.asked, l.under, rows)
			}
		}
	})
}

func TestWhoWantsNoMoreThanAPageAsksForNoOther(t *testing.T) {
	t.Parallel()
	paged(t, func(t *testing.T, k kind, l *list) {
		for end, want := range map[int]int{1: 1, 2: 1, 20: 1, 40: 1, 41: 2} {
			l.asked = 0
			rows := 0
			for range k.walk(t.Context(), l) {
				time.Sleep(time.Second)
				if rows++; rows == end {
					break
				}
			}
			if l.asked != want {
				t.Errorf("%d pages were asked for by a loop of %d rows, want %d", l.asked, end, want)
			}
		}
		l.rows = l.rows[:39]
		l.asked = 0
		for range k.walk(t.Context(), l) {
			time.Sleep(time.Second)
		}
		if l.asked != 1 {
			t.Errorf("%d pages were asked for of a list of one", l.asked)
		}
	})
}

func TestNothingIsUnderWayWhenALoopHasEnded(t *testing.T) {
	t.Parallel()
	paged(t, func(t *testing.T, k kind, l *list) {
		for how, end := range map[string]func() bool{
			"break": func() bool { return true },
			"panic": func() bool { panic("in the loop") },
		} {
			began, rows := time.Now(), 0
			func() {
				defer func() { _ = recover() }()
				for range k.walk(t.Context(), l) {
					if rows++; rows == 43 {
						if synctest.Wait(); l.under != 1 {
							t.Errorf("%s: %d pages are on their way before it", how, l.under)
						}
						if end() {
							break
						}
					}
				}
			}()
			if took := time.Since(began); l.under != 0 || took != 2*time.Second {
				t.Errorf("%s: %d pages are on their way after %s; the page ahead is to be called off", how, l.under, took)
			}
		}
	})
}

func TestAnErrorOfThePageAheadComesBehindTheRowsBefore(t *testing.T) {
	t.Parallel()
	paged(t, func(t *testing.T, k kind, l *list) {
		l.broken = map[int]error{3: errors.New("broken")}
		rows := 0
		var errs []error
		for _, err := range k.walk(t.Context(), l) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			rows++
			time.Sleep(time.Second)
		}
		if rows < 70 || rows > 80 || len(errs) != 1 || !errors.Is(errs[0], l.broken[3]) {
			t.Errorf("%d rows, %v, want those of two pages and the error of the third", rows, errs)
		}
	})
}

func TestAWalkWhoseContextEndsGivesTheRestOfThePageAndThatError(t *testing.T) {
	t.Parallel()
	paged(t, func(t *testing.T, k kind, l *list) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		rows := 0
		var failed error
		for _, err := range k.walk(ctx, l) {
			if failed = err; err == nil {
				rows++
			}
			if rows == 50 {
				cancel()
			}
		}
		if rows < 70 || rows > 80 || !errors.Is(failed, context.Canceled) || l.under != 0 {
			t.Errorf("%d rows, %v, %d pages on their way", rows, failed, l.under)
		}
	})
}

func TestAPageAheadThatDoesNotComeIsAnError(t *testing.T) {
	t.Parallel()
	for how, end := range map[string]func(){
		"it panics":           func() { panic("no such page") },
		"its goroutine exits": runtime.Goexit, // as t.FailNow does
	} {
		synctest.Test(t, func(t *testing.T) {
			var failed error
			for _, err := range paging.ByCursor(t.Context(), func(_ context.Context, from int) ([]int, int, func(int) int, error) {
				if from == 2 {
					end()
				}
				return []int{1, 2}, from + 1, nil, nil
			}) {
				failed = err
			}
			if failed == nil {
				t.Errorf("%s: no error", how)
			}
		})
	}
}

// BenchmarkWalk walks 20 pages, each of which takes 5 ms to come and the loop as long.
func BenchmarkWalk(b *testing.B) {
	for name, k := range kinds {
		b.Run(name, func(b *testing.B) {
			l := &list{limit: 100, window: 10_000, slow: 5 * time.Millisecond}
			for id := range 2000 {
				l.add(row{int64(id), id})
			}
			for b.Loop() {
				rows := 0
				for _, err := range k.walk(b.Context(), l) {
					if rows++; err != nil {
						b.Fatal(err)
					}
					if rows%100 == 50 {
						time.Sleep(5 * time.Millisecond)
					}
				}
			}
			b.ReportMetric(float64(l.asked)/float64(b.N), "pages/op")
		})
	}
}
