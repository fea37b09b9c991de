package httpx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// exchanges are the ways to send and to read.
var exchanges = map[string]func(ctx context.Context, c *httpx.Client) error{
	"a read":  func(ctx context.Context, c *httpx.Client) error { _, err := get(ctx, c); return err },
	"a write": func(ctx context.Context, c *httpx.Client) error { _, err := post(ctx, c, write); return err },
	"a list":  func(ctx context.Context, c *httpx.Client) error { _, err := rowsIn(ctx, c); return err },
	"into a file": func(ctx context.Context, c *httpx.Client) error {
		r := httpx.NewRequest(read)
		r.Path("id", "1", "")
		r.Into(1<<20, func() (io.Writer, error) { return io.Discard, nil })
		return httpx.Done(c.Send(ctx, r))
	},
	"from a file": func(ctx context.Context, c *httpx.Client) error {
		r := httpx.NewRequest(write)
		r.Stream("text/plain", 100_000, func() (io.Reader, error) { return bytes.NewReader(make([]byte, 100_000)), nil })
		return httpx.Done(c.Send(ctx, r))
	},
}

// TestAnAttemptEndsInTime whatever it waits for, is not repeated, and is said to.
func TestAnAttemptEndsInTime(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	defer all.Wait()
	for name, exchange := range exchanges {
		for _, begun := range []bool{false, true} {
			url, count := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if begun {
					_, _ = io.WriteString(w, `{"hits":{"rows":[1,`)
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			})
			c := client(t, url)
			all.Go(func() {
				err := exchange(t.Context(), c)
				if err == nil || !strings.Contains(err.Error(), "in time (2s an attempt)") || !errors.Is(err, connect.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, its answer begun %t: %v", name, begun, err)
				}
				if writes := name == "a write" || name == "from a file"; errors.Is(err, gate.ErrOutcomeUnknown) != writes || count.Load() != 1 {
					t.Errorf("%s, its answer begun %t: %v, after %d requests", name, begun, err, count.Load())
				}
			})
		}
	}
}

// TestAConnectionIsUsedAgain after each kind of answer that is read whole.
func TestAConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	var dialled, nth atomic.Int32
	var busy atomic.Bool
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch n := nth.Add(1); {
		case r.Method == http.MethodGet && busy.CompareAndSwap(false, true):
			w.WriteHeader(http.StatusServiceUnavailable) // and again
			_, _ = io.WriteString(w, strings.Repeat("busy", 1000))
		case n%2 == 0:
			_, _ = io.WriteString(w, `{"name":"x","hits":{"rows":[1,2]}}`)
		default:
			_ = http.NewResponseController(w).Flush() // in chunks
			_, _ = io.WriteString(w, `{"name":"`+strings.Repeat("x", 300_000)+`","hits":{"rows":[1,2]}}`)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dialled.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := client(t, s.URL)
	for range 5 {
		for name, exchange := range exchanges {
			if err := exchange(t.Context(), c); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if n := dialled.Load(); n != 1 {
		t.Errorf("%d connections for requests one after the other", n)
	}
}

// TestAWriteThatTheJournalKeepsIsSentOnceItMayBe: it has cost an approval.
func TestAWriteThatTheJournalKeepsIsSentOnceItMayBe(t *testing.T) {
	t.Parallel()
	url, count := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"name":"ok"}`) })
	g := gatetest.New(t)
	locked, letGo := make(chan struct{}), make(chan struct{})
	other, err := journal.Open(g.Dir(), journal.Options{Now: func() time.Time { // within a transaction
		select {
		case locked <- struct{}{}:
			<-letGo
		default:
		}
		return time.Now()
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c := client(t, url, func(o *httpx.Options) { o.Guard = g.Guard })
	create := gate.Wrap(g.Guard, gate.Write("demo_create", func(ctx context.Context, _ struct{}) (*thing, error) {
		if err := other.Rotate(0); err != nil { // there is something that a look at the freeze has to wait for
			t.Error(err)
		}
		go other.Deny("P-00000000", "nobody", "") //nolint:errcheck // there is none: it only takes the lock
		<-locked
		time.AfterFunc(2500*time.Millisecond, func() { close(letGo) }) // longer than an attempt may take
		return post(ctx, c, write)
	}, "Create."))
	got, err := gatetest.Approved(g, func() (*thing, error) { return create(t.Context(), struct{}{}) })
	if err != nil || got.Name != "ok" || count.Load() != 1 {
		t.Errorf("%+v, %v, after %d requests", got, err, count.Load())
	}
}
