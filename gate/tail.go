package gate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
)

// Tail returns the last n events, newest first, without reading those before
// them. Each is the one that the event after it follows, and the newest is the
// last of the chain that the journal has checked.
func (j *Journal) Tail(n int) ([]Event, error) {
	var list []Event
	err := j.tx(func() error {
		older, err := closed(j.dir)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrJournal, err)
		}
		head := j.head
		for f, end := j.f, j.off; ; {
			found, err := tail(f, end, head, n-len(list))
			if f != j.f {
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				return fmt.Errorf("%w: %w", ErrJournal, err)
			}
			if list = append(list, found...); len(list) == n || len(list) == 0 || len(older) == 0 {
				return nil
			}
			head = list[len(list)-1].Prev
			last := older[len(older)-1]
			older = older[:len(older)-1]
			if f, end, err = openClosed(last.name); err != nil {
				return fmt.Errorf("%w: %w", ErrJournal, err)
			}
		}
	})
	return list, err
}

func openClosed(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	fi, err := f.Stat()
	if err == nil {
		err = checkOpened(f, name)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, fi.Size(), nil
}

// tail returns the last n events in the first end bytes of r, newest first. head
// is the hash of the newest.
func tail(r io.ReaderAt, end int64, head string, n int) ([]Event, error) {
	var list []Event
	for end > 0 && len(list) < n {
		line, err := lineBefore(r, end)
		if err != nil {
			return nil, err
		}
		e, err := decodeEvent(line)
		if err == nil && e.Hash != head {
			err = errors.New("the chain is broken")
		}
		if err != nil {
			return nil, fmt.Errorf("before byte %d: %w", end, err)
		}
		list = append(list, e)
		head, end = e.Prev, end-int64(len(line))
	}
	return list, nil
}

// lineBefore returns the line that ends at end.
func lineBefore(r io.ReaderAt, end int64) ([]byte, error) {
	for size := int64(4 << 10); ; size *= 4 {
		size = min(size, end)
		b := make([]byte, size)
		if n, err := r.ReadAt(b, end-size); int64(n) < size {
			return nil, cmp.Or(err, io.ErrUnexpectedEOF)
		}
		if at := bytes.LastIndexByte(b[:size-1], '\n'); at >= 0 {
			return b[at+1:], nil
		}
		if size == end {
			return b, nil
		}
		if size > maxEvent {
			return nil, fmt.Errorf("line of more than %d bytes", maxEvent)
		}
	}
}
