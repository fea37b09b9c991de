//go:build unix

package trusted

import (
	"fmt"
	"os"
	"syscall"
)

// Check refuses what anybody but root and this user could have written.
func Check(name string, fi os.FileInfo) error {
	if fi.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is writable by group or others (%s): chmod go-w it", name, fi.Mode().Perm())
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Getuid() {
		return fmt.Errorf("%s belongs to uid %d, neither to you nor to root", name, st.Uid)
	}
	return nil
}
