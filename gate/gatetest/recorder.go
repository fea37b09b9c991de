package gatetest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
)

// A Recorder is the transport of a client under test: it notes every request
// that leaves, so that a test can say that none did.
type Recorder struct {
	// Next sends the requests. nil: nothing is sent, and 200 with {} comes back.
	Next http.RoundTripper

	mu   sync.Mutex
	sent []Request
}

// A Request is one that left.
type Request struct {
	Method, Path string // Path with its query
	Body         string // what was sent
}

// String returns the request as "METHOD path".
func (r Request) String() string { return r.Method + " " + r.Path }

// RoundTrip notes req and sends it on.
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	note := Request{Method: req.Method, Path: req.URL.RequestURI()}
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err = firstError(err, req.Body.Close()); err != nil {
			return nil, fmt.Errorf("gatetest: %w", err)
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(b))
		note.Body = string(b)
	}
	r.mu.Lock()
	r.sent = append(r.sent, note)
	r.mu.Unlock()
	if r.Next != nil {
		return r.Next.RoundTrip(req)
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte("{}"))), ContentLength: 2}, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Sent returns what has left since the last [Recorder.Forget], in order.
func (r *Recorder) Sent() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

// Forget begins anew.
func (r *Recorder) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = nil
}

// Silent fails the test if anything has left but what only says it is a read.
func (r *Recorder) Silent(tb testing.TB, reads ...string) {
	tb.Helper()
	for _, req := range r.Sent() {
		if !slices.Contains(reads, req.String()) {
			tb.Errorf("%s was sent", req)
		}
	}
}

// Events returns the journal of the guard so far, having checked its chain.
func (g *Gate) Events() []gate.Event {
	g.tb.Helper()
	if _, err := g.Journal(); err != nil { // it is made when it is first needed
		g.tb.Fatal(err)
	}
	var list []gate.Event
	for e, err := range gate.Events(g.Dir()) {
		if err != nil {
			g.tb.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// Kinds returns what kinds of events the journal holds of proposals and of what stops
// them, in order: not where it lies, who was enrolled, and its snapshots.
func (g *Gate) Kinds() []gate.EventKind {
	g.tb.Helper()
	var kinds []gate.EventKind
	for _, e := range g.Events() {
		switch e.Kind {
		case gate.EventBound, gate.EventEnrolled, gate.EventStruck, gate.EventSnapshot, gate.EventGenesis:
		default:
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}
