package gate

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestALockThatIsNeverReleasedIsNotWaitedForWithoutEnd(t *testing.T) {
	w := newWorld(t)
	j := w.journal()
	w.files(j).Wait = 50 * time.Millisecond
	must(j.Frozen())
	must(0, w.journal().Freeze("a", "b"))
	release := hold(w.folder())
	start := time.Now()
	_, err := j.Frozen()
	if !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), w.file()) {
		t.Errorf("%v: want an error of the journal that names %s", err, w.file())
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
	release()
	if frozen := must(j.Frozen()); !frozen {
		t.Error("it isn't read once the lock is released")
	}
}

func TestWhatWasReadIsKnownWhileAnotherHoldsTheLock(t *testing.T) {
	w := newWorld(t)
	j := w.journal()
	w.files(j).Wait = time.Nanosecond
	must(0, j.Freeze("a", "b"))
	release := hold(w.folder())
	defer release()
	if frozen := must(j.Frozen()); !frozen {
		t.Error("it isn't frozen")
	}
	must(w.files(j).Halt([]byte("{}"))) // which is to be taken note of
	if _, err := j.Frozen(); !errors.Is(err, ErrJournal) {
		t.Errorf("%v: want that it waits for the lock", err)
	}
}
