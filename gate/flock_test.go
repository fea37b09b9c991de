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
	must(0, j.Freeze("a", "b"))
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
