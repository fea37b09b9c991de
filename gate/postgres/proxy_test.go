package postgres

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A proxy is the network between a host and the database.
type proxy struct {
	ln     net.Listener
	target string
	down   atomic.Bool // nobody gets through
	deaf   atomic.Bool // the next question arrives, and its answer doesn't
	hold   atomic.Bool // nothing passes, and nobody says so
	calls  atomic.Int64
	mute   atomic.Bool // the next question doesn't arrive
	pool   atomic.Bool // clients are given another session's name than the one they have

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newProxy(t testing.TB, target string) *proxy {
	p := &proxy{ln: must(net.Listen("tcp", "127.0.0.1:0")), target: target, conns: map[net.Conn]bool{}}
	go p.serve()
	t.Cleanup(func() { p.ln.Close(); p.cut() })
	return p
}

func (p *proxy) addr() string { return p.ln.Addr().String() }

func (p *proxy) serve() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.calls.Add(1)
		if p.down.Load() {
			c.Close()
			continue
		}
		up, err := net.Dial("tcp", p.target)
		if err != nil {
			c.Close()
			continue
		}
		p.keep(c, up)
		go p.pipe(up, c, &p.mute)
		go p.pipe(c, up, &p.deaf)
	}
}

func (p *proxy) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
}

// pipe copies until the end, or until something is to be lost.
func (p *proxy) pipe(to, from net.Conn, lost *atomic.Bool) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		for p.hold.Load() {
			time.Sleep(5 * time.Millisecond)
		}
		if n > 0 && lost.CompareAndSwap(true, false) {
			return
		}
		if n > 0 {
			if key := bytes.Index(b[:n], []byte("K\x00\x00\x00\x0c")); p.pool.Load() && key >= 0 && key+9 <= n {
				b[key+8]++ // as a pool does, which answers a request to cancel itself
			}
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

// during keeps the network cut while fn runs.
func (p *proxy) during(fn func()) {
	p.down.Store(true)
	p.cut()
	fn()
	p.down.Store(false)
}
