package gate

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestALockThatIsNeverReleasedIsNotWaitedForWithoutEnd(t *testing.T) {
	w := newWorld(t)
	j := w.journal()
	j.wait = 50 * time.Millisecond
	must(0, j.Freeze("a", "b"))
	f := must(os.OpenFile(w.file(), os.O_RDWR, 0))
	defer f.Close()
	must(0, lockFile(f, time.Second))
	start := time.Now()
	_, err := j.Frozen()
	if !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), w.file()) {
		t.Errorf("%v: want an error of the journal that names %s", err, w.file())
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
	must(0, unlockFile(f))
	if frozen := must(j.Frozen()); !frozen {
		t.Error("it isn't read once the lock is released")
	}
}
