//go:build windows

package filestore

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

var (
	kernel32     = syscall.NewLazyDLL("kernel32.dll")
	lockFileEx   = kernel32.NewProc("LockFileEx")
	unlockFileEx = kernel32.NewProc("UnlockFileEx")
)

// Rotates reports whether the journal's file can be renamed while others have it open.
const Rotates = false

const (
	exclusive     = 3                 // LOCKFILE_EXCLUSIVE_LOCK and LOCKFILE_FAIL_IMMEDIATELY
	lockViolation = syscall.Errno(33) // ERROR_LOCK_VIOLATION
)

// tryLock locks f unless another has: one byte far behind the end, so that
// readers aren't shut out.
func tryLock(f *os.File) (bool, error) {
	o := syscall.Overlapped{OffsetHigh: 0x7fffffff}
	ok, _, err := lockFileEx.Call(f.Fd(), exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&o)))
	switch {
	case ok != 0:
		return true, nil
	case errors.Is(err, lockViolation):
		return false, nil
	}
	return false, err
}

func unlockFile(f *os.File) error {
	o := syscall.Overlapped{OffsetHigh: 0x7fffffff}
	if ok, _, err := unlockFileEx.Call(f.Fd(), 0, 1, 0, uintptr(unsafe.Pointer(&o))); ok == 0 {
		return err
	}
	return nil
}

// CheckOwner leaves the question to the access control list of the profile folder.
func (Owners) CheckOwner(string, os.FileInfo) error { return nil }

// inode returns what tells a folder from a copy of it: here, its place.
func inode(_ os.FileInfo, dir string) string { return dir }

// syncDir does nothing: Windows has no way to flush a folder.
func syncDir(string) error { return nil }

// CheckPrivate leaves the question to the access control list of the profile folder.
func CheckPrivate(string, os.FileInfo) error { return nil }
