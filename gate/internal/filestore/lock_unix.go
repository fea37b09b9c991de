//go:build unix

package filestore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Rotates reports whether the journal's file can be renamed while others have it open.
const Rotates = true

// tryLock locks f unless another has.
func tryLock(f *os.File) (bool, error) {
	err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func unlockFile(f *os.File) error { return flock(f, syscall.LOCK_UN) }

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}

// CheckOwner refuses what anybody could have written but the owners of the state
// folder: this user, and the other that shares it, if there is one.
func (o Owners) CheckOwner(name string, fi os.FileInfo) error {
	const shared = "; two users can share a folder: see SALLYPORT_OTHER_USER"
	mode := fi.Mode().Perm()
	switch {
	case mode&0o002 != 0:
		return fmt.Errorf("%s is writable by others (%s)", name, mode)
	case mode&0o020 != 0 && o.Other == nil: // the two share it by their group
		return fmt.Errorf("%s is writable by its group (%s)%s", name, mode, shared)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	switch {
	case !ok || int(st.Uid) == os.Getuid() || o.Other != nil && int(st.Uid) == *o.Other:
		return nil
	case o.Other != nil:
		return fmt.Errorf("%s belongs to uid %d, neither to you nor to the other user of the folder, uid %d", name, st.Uid, *o.Other)
	}
	return fmt.Errorf("%s belongs to uid %d, not to you%s", name, st.Uid, shared)
}

// inode returns what tells a folder from a copy of it.
func inode(fi os.FileInfo, _ string) string {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(st.Ino)
	}
	return ""
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// CheckPrivate refuses a secret that others can read.
func CheckPrivate(name string, fi os.FileInfo) error {
	if fi.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by group or others (%s)", name, fi.Mode().Perm())
	}
	return Owners{}.CheckOwner(name, fi)
}
