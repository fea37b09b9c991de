//go:build unix

package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
)

// collect reads what a system log is sent, a line each, until n are there.
func collect(t *testing.T, n int, read func() (string, error)) string {
	t.Helper()
	var all strings.Builder
	for range n {
		line, err := read()
		if err != nil {
			t.Fatalf("%v after %q", err, all.String())
		}
		all.WriteString(strings.TrimSuffix(line, "\n") + "\n")
	}
	return all.String()
}

func TestASystemLogElsewhereIsAnAnchor(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	end := time.Now().Add(20 * time.Second)
	var in *bufio.Reader
	logs := map[string]func() (string, error){
		"syslog+udp://" + udp.LocalAddr().String(): func() (string, error) {
			b := make([]byte, 4096)
			if err := udp.SetReadDeadline(end); err != nil {
				return "", err
			}
			n, _, err := udp.ReadFrom(b)
			return string(b[:n]), err
		},
		"syslog+tcp://" + tcp.Addr().String(): func() (string, error) {
			if in == nil {
				conn, err := tcp.Accept()
				if err != nil {
					return "", err
				}
				t.Cleanup(func() { conn.Close() })
				in = bufio.NewReader(io.LimitReader(conn, 64<<10))
			}
			return in.ReadString('\n')
		},
	}
	for to, read := range logs {
		network, _, _ := strings.Cut(to, "://")
		t.Run(network, func(t *testing.T) {
			d := newDesk(t)
			p := d.call(d.op(gate.TierWrite, "secret plan\x1b[2J")).Proposal
			d.want(exitOK, []string{"freeze"})
			d.want(exitOK, []string{"log", "-export", to})
			text := collect(t, 4, read)
			if !strings.Contains(text, "sallyport") || !strings.Contains(text, p.ID) || strings.Contains(text, "secret plan") {
				t.Errorf("%q", text)
			}
			anchor := filepath.Join(t.TempDir(), "auth.log")
			if err := os.WriteFile(anchor, []byte("Jan  2 an other line\n"+text), 0o600); err != nil {
				t.Fatal(err)
			}
			d.want(exitOK, []string{"verify", "-anchor", anchor}, "4 events are as the anchor knows them")
			journal := filepath.Join(d.dir, "journal.jsonl")
			b, err := os.ReadFile(journal)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(b), "\n")
			if err := os.WriteFile(journal, []byte(first+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			d.want(exitOK, []string{"verify"}, "the chain holds")
			d.want(exitFailed, []string{"verify", "-anchor", anchor}, "rolled back")
		})
	}
	d := newDesk(t)
	d.call(d.op(gate.TierWrite, "x"))
	for _, bad := range []string{"syslog+quic://127.0.0.1:1", "syslog+tcp://127.0.0.1:1", "syslog+://x", "syslog+tcp://"} {
		d.want(exitFailed, []string{"log", "-export", bad})
	}
}
