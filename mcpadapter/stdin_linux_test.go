package mcpadapter

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestAnInputThatIsWaitedForIsLeftToOthersAsItWas(t *testing.T) {
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	other, err := syscall.Dup(ends[0]) // as another process has it
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(other)
	write := os.NewFile(uintptr(ends[1]), "write end")
	defer write.Close()
	stdin := os.NewFile(uintptr(ends[0]), "stdin")
	in := parked(stdin)
	b := make([]byte, 10)
	if _, err := syscall.Read(other, b); !errors.Is(err, syscall.EAGAIN) {
		t.Fatalf("its reader holds a thread: %v", err)
	}
	time.AfterFunc(10*time.Millisecond, func() { write.WriteString("a line\n") })
	if n, err := in.Read(b); err != nil || string(b[:n]) != "a line\n" {
		t.Errorf("%q, %v", b[:n], err)
	}
	read := make(chan error)
	go func() {
		_, err := in.Read(make([]byte, 10))
		read <- err
	}()
	time.Sleep(10 * time.Millisecond) // mostly it waits then
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := <-read; !errors.Is(err, os.ErrClosed) {
		t.Errorf("who waited hears %v", err)
	}
	time.AfterFunc(10*time.Millisecond, func() { write.WriteString("another\n") })
	if n, err := syscall.Read(other, b); err != nil || string(b[:n]) != "another\n" {
		t.Errorf("the other reads %q, %v", b[:max(n, 0)], err)
	}
}

// As inetd, systemd and socat give it.
func TestAWriterOfTheSocketThatIsReadWaitsForRoom(t *testing.T) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := syscall.Dup(ends[0])
	if err != nil {
		t.Fatal(err)
	}
	stdin, stdout, client := os.NewFile(uintptr(ends[0]), "stdin"), os.NewFile(uintptr(out), "stdout"), os.NewFile(uintptr(ends[1]), "client")
	in := parked(stdin, stdout)
	defer in.Close()
	const size = 8 << 20
	got := make(chan int64, 1)
	time.AfterFunc(10*time.Millisecond, func() {
		n, _ := io.CopyN(io.Discard, client, size)
		got <- n
	})
	n, err := stdout.Write(make([]byte, size))
	stdout.Close()
	if err != nil || n != size {
		t.Errorf("%d bytes of a long answer are written: %v", n, err)
		in.Close()
		syscall.Shutdown(ends[1], syscall.SHUT_RD)
		client.Close()
	}
	if n := <-got; n != size {
		t.Errorf("the client has %d bytes", n)
	}
	client.Close()
}

func TestWhatIsNoPipeIsReadAsItIs(t *testing.T) {
	name := filepath.Join(t.TempDir(), "calls")
	if err := os.WriteFile(name, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if in := parked(file); in != file {
		t.Errorf("a file is %T", in)
	}
	r, w, err := os.Pipe() // which Go reads so already
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	if in := parked(r); in != r {
		t.Errorf("a pipe of Go's is %T", in)
	}
}
