package kept_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-soc/sallyport/internal/kept"
)

func TestAListIsReadOnceInSecondsAndAgainForWhatIsNotInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lists kept.Lists[string, []string]
		server, reads := []string{"New"}, 0
		read := func(context.Context) ([]string, error) {
			reads++
			return slices.Clone(server), nil
		}
		unknown := errors.New("unknown")
		look := func(name string, want error, wantReads int) {
			t.Helper()
			reads = 0
			err := lists.Look(t.Context(), "statuses", read, func(list []string) error {
				if !slices.Contains(list, name) {
					return unknown
				}
				return nil
			})
			if !errors.Is(err, want) || reads != wantReads {
				t.Errorf("%s: %v after %d reads, want %v after %d", name, err, reads, want, wantReads)
			}
		}
		look("New", nil, 1)
		look("New", nil, 0)
		look("Ours", unknown, 1) // it could have been made since
		server = append(server, "Ours")
		look("Ours", nil, 1)
		look("Ours", nil, 0)
		time.Sleep(kept.For)
		look("Ours", nil, 1)
		lists.Drop() // a write
		look("Ours", nil, 1)
	})
}

func TestAListThatWasReadBeforeAWriteIsNotKept(t *testing.T) {
	t.Parallel()
	var lists kept.Lists[int, int]
	reads := 0
	ask := func(meanwhile func()) {
		if err := lists.Look(t.Context(), 1, func(context.Context) (int, error) {
			reads++
			meanwhile()
			return reads, nil
		}, func(int) error { return nil }); err != nil {
			t.Error(err)
		}
	}
	ask(lists.Drop)
	ask(func() {})
	ask(func() {})
	if reads != 2 {
		t.Errorf("%d reads, want 2: the first is of before the write", reads)
	}
}

func TestFewListsAreKept(t *testing.T) {
	t.Parallel()
	var lists kept.Lists[int, int]
	reads := 0
	for range 2 {
		for n := range 200 {
			if err := lists.Look(t.Context(), n, func(context.Context) (int, error) { reads++; return n, nil }, func(int) error { return nil }); err != nil {
				t.Error(err)
			}
		}
	}
	if reads != 400 {
		t.Errorf("%d of 400 lists were read: the others were kept", reads)
	}
}
