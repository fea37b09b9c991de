// Package progress lets work that takes long say how far it is, to whoever waits
// for it.
package progress

import (
	"context"
	"fmt"
	"io"
)

// A Step is how far work is.
type Step struct {
	Done, Total int    // Total 0: how much there is isn't known
	What        string // is counted, such as "analyzers have ended"
}

// String is a line for a person.
func (s Step) String() string {
	if s.Total > 0 {
		return fmt.Sprintf("%d of %d %s", s.Done, s.Total, s.What)
	}
	return fmt.Sprintf("%d %s", s.Done, s.What)
}

type key struct{}

// With returns a context under which told gets the steps of the work. It is called
// from the work's goroutines and must not block.
func With(ctx context.Context, told func(Step)) context.Context {
	return context.WithValue(ctx, key{}, told)
}

// Report tells how far the work of ctx is.
func Report(ctx context.Context, done, total int, what string) {
	if told, ok := ctx.Value(key{}).(func(Step)); ok {
		told(Step{done, total, what})
	}
}

// Reader reports each MiB that is read from r.
func Reader(ctx context.Context, r io.Reader) io.Reader {
	if ctx.Value(key{}) == nil {
		return r
	}
	return &reader{ctx: ctx, r: r, what: "MiB have come"}
}

// Sent reports each MiB that is read, to be sent, from what open gives: size bytes
// in all.
func Sent(ctx context.Context, size int64, open func() (io.Reader, error)) func() (io.Reader, error) {
	if ctx.Value(key{}) == nil {
		return open
	}
	return func() (io.Reader, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		counted := &reader{ctx: ctx, r: r, total: int(size >> 20), what: "MiB are sent"}
		if c, ok := r.(io.Closer); ok {
			return struct {
				io.Reader
				io.Closer
			}{counted, c}, nil
		}
		return counted, nil
	}
}

type reader struct {
	ctx   context.Context
	r     io.Reader
	n     int64
	total int // MiB
	what  string
}

func (r *reader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if before := r.n >> 20; before != (r.n+int64(n))>>20 {
		Report(r.ctx, int((r.n+int64(n))>>20), r.total, r.what)
	}
	r.n += int64(n)
	return n, err
}
