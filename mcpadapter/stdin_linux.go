package mcpadapter

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// parked returns in as a file whose reader waits without a thread of its own, if it is a
// pipe or a socket: a thread that waits in a read keeps from others what it could run, and
// has the scheduler look after it every few microseconds. A socket that is one of out, too,
// stays as it is: to write there would no longer wait for room.
func parked(in *os.File, out ...*os.File) io.ReadCloser {
	fi, err := in.Stat()
	if err != nil || fi.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 || in.SetReadDeadline(time.Time{}) == nil { // it waits so already
		return in
	}
	for _, f := range out {
		if other, err := f.Stat(); err == nil && os.SameFile(fi, other) {
			return in
		}
	}
	raw, err := in.SyscallConn()
	if err != nil {
		return in
	}
	var file *os.File
	err = raw.Control(func(fd uintptr) {
		syscall.ForkLock.RLock()
		own, err := syscall.Dup(int(fd))
		if err == nil {
			syscall.CloseOnExec(own)
		}
		syscall.ForkLock.RUnlock()
		if err == nil && syscall.SetNonblock(own, true) == nil {
			file = os.NewFile(uintptr(own), in.Name())
		}
	})
	if err != nil || file == nil {
		return in
	}
	return &parkedFile{file, sync.OnceValue(func() error {
		restored := raw.Control(func(fd uintptr) { _ = syscall.SetNonblock(int(fd), false) }) // for other processes that have it too
		return errors.Join(restored, in.Close(), file.Close())
	})}
}

type parkedFile struct {
	io.Reader
	close func() error
}

// Close closes the file.
func (p *parkedFile) Close() error { return p.close() }
