package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-soc/sallyport/internal/testing/lab"
)

// platforms answers as the lab does, and remembers what it answered.
type platforms struct {
	lab     *lab.Lab
	servers []*httptest.Server
	env     []string
	conns   atomic.Int64 // that were made
}

// upstream starts them. Each takes so long for an answer.
func upstream(delay time.Duration) (*platforms, error) {
	l, err := lab.Start(0)
	if err != nil {
		return nil, err
	}
	u := &platforms{lab: l, env: l.Env()}
	for i, kv := range u.env {
		if name, address, _ := strings.Cut(kv, "="); strings.HasSuffix(name, "_URL") {
			s := httptest.NewUnstartedServer(&kept{to: address, delay: delay})
			s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					u.conns.Add(1)
				}
			}
			s.Start()
			u.servers = append(u.servers, s)
			u.env[i] = name + "=" + s.URL
		}
	}
	return u, nil
}

// Close stops all of it.
func (u *platforms) Close() {
	for _, s := range u.servers {
		s.Close()
	}
	_ = u.lab.Close()
}

// kept answers each request as to does, from memory from the second time on: so it costs
// both servers the same, and next to nothing. A request that differs only in the number of
// the call is the same.
type kept struct {
	to      string
	delay   time.Duration
	answers sync.Map // of method, URL, credentials and body
}

// Calls are numbered from firstNumber, so that number tells what is one in a request.
const firstNumber = 5_000_000_000_000

var number = regexp.MustCompile(`\b50000[0-9]{8}\b`)

type stored struct {
	status int
	header http.Header
	body   []byte
}

func (k *kept) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	id := number.ReplaceAllString(strings.Join([]string{r.Method, r.URL.String(), r.Header.Get("Authorization"), string(body)}, "\x00"), "{n}")
	v, ok := k.answers.Load(id)
	if !ok {
		out, err := http.NewRequestWithContext(r.Context(), r.Method, k.to+r.URL.String(), bytes.NewReader(body))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		out.Header = r.Header.Clone()
		out.Header.Set("Accept-Encoding", "identity")
		res, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		v = stored{res.StatusCode, res.Header, b}
		k.answers.Store(id, v)
	}
	time.Sleep(k.delay)
	s, _ := v.(stored)
	for name, values := range s.header {
		w.Header()[name] = values
	}
	w.WriteHeader(s.status)
	_, _ = w.Write(s.body) // the server may be gone
}
