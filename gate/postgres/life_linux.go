package postgres

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// boot names this run of this machine, and the container in it: within it a number of
// a process means the same to all.
func boot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append(bytes.TrimSpace(id), space...))
	return hex.EncodeToString(sum[:6])
}

// impatient has a connection fail once what was sent isn't acknowledged for six seconds.
func impatient(_, _ string, c syscall.RawConn) error {
	const userTimeout = 18 // TCP_USER_TIMEOUT
	return c.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, 6000) //nolint:errcheck // a socket of this machine has none
	})
}

// started returns when, since the boot, that process was started, or "".
func started(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "-"
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // a name may hold anything
	if len(f) < 20 {
		return "-"
	}
	return string(f[19])
}

// running reports whether the process that was started then is running, if that can be known.
func running(pid int, then string) (alive, known bool) {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false, true
	}
	now := started(pid)
	return now == then, now != "-" && then != "-"
}
