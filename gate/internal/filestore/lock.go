package filestore

import (
	"fmt"
	"os"
	"time"
)

// LockWait is how long a process waits for another to let go of a file. A
// transaction takes milliseconds, reading a long journal at the start seconds, and
// several servers may start at once: who holds the lock for longer was stopped.
const LockWait = time.Minute

func lockFile(f *os.File, wait time.Duration) error {
	start := time.Now()
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 2*time.Millisecond) {
		locked, err := tryLock(f)
		switch {
		case locked || err != nil:
			return err
		case time.Since(start) >= wait:
			return fmt.Errorf("another process has held it for %s: find out which one, and end or continue it", wait)
		}
		time.Sleep(pause)
	}
}
