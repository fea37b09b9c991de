//go:build unix

package gate

import (
	"os"
	"syscall"
	"testing"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
)

// owned is a file of somebody.
type owned struct {
	os.FileInfo
	mode os.FileMode
	uid  uint32
}

func (o owned) Mode() os.FileMode { return o.mode }
func (o owned) Sys() any          { return &syscall.Stat_t{Uid: o.uid} }

func TestWhoMayHaveWrittenAFile(t *testing.T) {
	me := uint32(os.Getuid())
	other := me + 4711
	for _, test := range []struct {
		file          owned
		owner, secret bool
	}{
		{owned{mode: 0o600, uid: me}, true, true},
		{owned{mode: 0o644, uid: me}, true, false},
		{owned{mode: 0o640, uid: me}, true, false},
		{owned{mode: 0o620, uid: me}, false, false},
		{owned{mode: 0o602, uid: me}, false, false},
		{owned{mode: 0o600, uid: other}, false, false},
		{owned{mode: 0o644, uid: other}, false, false},
		{owned{mode: 0o644, uid: 0}, me == 0, false}, // what root wrote isn't ours to write
		{owned{mode: 0o666, uid: 0}, false, false},
	} {
		for name, check := range map[string]struct {
			do   func(string, os.FileInfo) error
			want bool
		}{"a journal": {filestore.Owners{}.CheckOwner, test.owner}, "a key": {filestore.CheckPrivate, test.secret}} {
			if err := check.do("f", test.file); (err == nil) != check.want {
				t.Errorf("%s with mode %s of uid %d: %v", name, test.file.mode, test.file.uid, err)
			}
		}
	}
}
