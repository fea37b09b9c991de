package outlet

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// named is the header in which a request that the library serves names its outlet.
const named = "Sallyport-Outlet"

var outlets sync.Map // of the requests under way, by what is in that header

// Serve lets h, which is the library's, answer the messages in body through an outlet of
// the request's own.
func Serve(h http.Handler, w http.ResponseWriter, r *http.Request, body []byte) {
	o := New(open{w})
	r.Header.Set(named, o.ticket)
	outlets.Store(o.ticket, o)
	defer outlets.Delete(o.ticket)
	h.ServeHTTP(answers{w, o, bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))}, r)
}

// Of returns the outlet of the request that has this header, or nil.
func Of(header http.Header) *Outlet {
	o, _ := outlets.Load(header.Get(named))
	out, _ := o.(*Outlet)
	return out
}

// open is what isn't closed.
type open struct{ io.Writer }

func (open) Close() error { return nil }

// answers are what is written in answer to a request.
type answers struct {
	http.ResponseWriter
	out *Outlet
	one bool // there is one call
}

// Unwrap returns what writes them, for an [http.ResponseController].
func (a answers) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Write writes a message.
func (a answers) Write(message []byte) (int, error) { return a.out.Write(message) }

// FlushError sends what is written, unless that happens at once, since the request has
// its answer.
func (a answers) FlushError() error {
	a.out.mu.Lock()
	ends := a.one && a.out.answered
	a.out.mu.Unlock()
	if ends {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}
