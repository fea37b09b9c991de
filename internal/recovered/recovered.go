// Package recovered turns panics into errors where one goroutine of many asks a
// server: there a panic would end the process and not only the call.
package recovered

import (
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/gate"
)

// Do calls f and returns its error. A panic in it is an error too, which says
// where it was.
func Do(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it failed inside the client, at %s: %v", panicSite(), p)
		}
	}()
	return f()
}

// Together calls all fs at once, each as [Do] does, and returns their errors when the last
// has ended.
func Together(fs ...func() error) []error {
	errs := make([]error, len(fs))
	var wg sync.WaitGroup
	for i, f := range fs {
		wg.Go(func() { errs[i] = Do(f) })
	}
	wg.Wait()
	return errs
}

// Write is [Do] for what changes something. After a panic the outcome is
// unknown.
func Write(f func() error) error {
	ended := false
	err := Do(func() error {
		err := f()
		ended = true
		return err
	})
	if !ended {
		err = fmt.Errorf("%w; %w", err, gate.ErrOutcomeUnknown)
	}
	return err
}

// panicSite returns the file and line that panicked, without the folders above its
// package. It is for a deferred function.
func panicSite() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	for panicking := false; ; {
		f, more := frames.Next()
		switch own := strings.HasPrefix(f.Function, "runtime."); {
		case own:
			panicking = true
		case panicking:
			folders := strings.Split(f.File, "/")
			return fmt.Sprintf("%s:%d", strings.Join(folders[max(0, len(folders)-2):], "/"), f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
