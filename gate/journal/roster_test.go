package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stat(t *testing.T, name string) os.FileInfo {
	t.Helper()
	fi, err := os.Stat(name)
	check(t, err)
	return fi
}

// Any difference to the list of approvers that was read has it read again.
func TestAChangedListOfApproversIsNoticed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	put := func(name, text string, at time.Time) os.FileInfo {
		check(t, os.WriteFile(name, []byte(text), 0o600))
		check(t, os.Chtimes(name, at, at))
		return stat(t, name)
	}
	was := put(file, "alice", at)
	if !sameFile(was, stat(t, file)) || !sameFile(nil, nil) {
		t.Error("the same isn't the same")
	}
	for name, fi := range map[string]os.FileInfo{
		"another size": put(file, "alice and bob", at), "a later time": put(file, "mally", at.Add(time.Second)),
		"another file": put(filepath.Join(dir, "b"), "alice", at), "none": nil,
	} {
		if sameFile(was, fi) || sameFile(fi, was) {
			t.Errorf("%s is the same", name)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	put(file, "alice", at)
	check(t, os.Chmod(file, 0o666))
	if sameFile(was, stat(t, file)) {
		t.Error("open to others is the same")
	}
}
