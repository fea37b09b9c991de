//go:build unix

package trusted_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/internal/trusted"
)

// owned is a file of somebody.
type owned struct {
	os.FileInfo
	mode os.FileMode
	uid  uint32
}

func (o owned) Mode() os.FileMode { return o.mode }
func (o owned) Sys() any          { return &syscall.Stat_t{Uid: o.uid} }

func TestOnlyTheUserAndRootMayHaveWrittenIt(t *testing.T) {
	me := uint32(os.Getuid())
	for _, tt := range []struct {
		file owned
		want bool
	}{
		{owned{mode: 0o600, uid: me}, true},
		{owned{mode: 0o644, uid: me}, true},
		{owned{mode: 0o620, uid: me}, false},
		{owned{mode: 0o602, uid: me}, false},
		{owned{mode: 0o600, uid: me + 4711}, false},
		{owned{mode: 0o644, uid: 0}, true},
		{owned{mode: 0o666, uid: 0}, false},
	} {
		if err := trusted.Check("f", tt.file); (err == nil) != tt.want {
			t.Errorf("mode %s of uid %d: %v", tt.file.mode, tt.file.uid, err)
		}
	}
}

func TestOnlyARegularFileWithinTheLimitIsRead(t *testing.T) {
	dir := t.TempDir()
	file, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(file, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := trusted.Read(file, 5); err != nil || string(b) != "12345" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := trusted.Read(file, 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Errorf("5 bytes where 4 are the limit: %v", err)
	}
	if _, err := trusted.Read(filepath.Join(dir, "none"), 5); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		for _, name := range []string{dir, pipe, "/dev/null"} {
			if _, err := trusted.Read(name, 5); err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%s: %v", name, err)
			}
		}
		done <- nil
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("a pipe is waited for")
	}
}
