//go:build windows

package gate

import (
	"os"
	"syscall"
	"unsafe"
)

var (
	kernel32     = syscall.NewLazyDLL("kernel32.dll")
	lockFileEx   = kernel32.NewProc("LockFileEx")
	unlockFileEx = kernel32.NewProc("UnlockFileEx")
)

const exclusive = 2 // LOCKFILE_EXCLUSIVE_LOCK

// lockFile locks one byte far behind the end, so that readers aren't shut out.
func lockFile(f *os.File) error {
	o := syscall.Overlapped{OffsetHigh: 0x7fffffff}
	if ok, _, err := lockFileEx.Call(f.Fd(), exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&o))); ok == 0 {
		return err
	}
	return nil
}

func unlockFile(f *os.File) error {
	o := syscall.Overlapped{OffsetHigh: 0x7fffffff}
	if ok, _, err := unlockFileEx.Call(f.Fd(), 0, 1, 0, uintptr(unsafe.Pointer(&o))); ok == 0 {
		return err
	}
	return nil
}

// checkOwner leaves the question to the access control list of the profile folder.
func checkOwner(string, os.FileInfo) error { return nil }

// checkConfig leaves the question to the access control list of the folder.
func checkConfig(string, os.FileInfo) error { return nil }

// syncDir does nothing: Windows has no way to flush a folder.
func syncDir(string) error { return nil }

// checkPrivate leaves the question to the access control list of the profile folder.
func checkPrivate(string, os.FileInfo) error { return nil }
