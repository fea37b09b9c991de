// Package outlet spares answers the way through the protocol's library. One is encoded
// once, when the tool has it; in the library, which copies and checks what a result holds
// four times, a ticket of a few bytes stands for it. Where the library writes, an outlet
// puts the answer where its ticket is: as it is into the structured content, and as a
// string into the text.
package outlet

import (
	"bytes"
	"crypto/rand"
	"io"
	"strconv"
	"sync"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// An Outlet writes what the library says over one connection, a message at a time.
type Outlet struct {
	io.WriteCloser
	ticket string // what each begins with, which nobody who writes an answer knows

	mu       sync.Mutex
	n        int
	waiting  map[string][]byte // answers by the number of their ticket
	answered bool              // one of them is written
}

// New returns an outlet to w.
func New(w io.WriteCloser) *Outlet {
	return &Outlet{WriteCloser: w, ticket: "answer-" + rand.Text() + "-", waiting: map[string][]byte{}}
}

// messages are those that were written, for the memory of the next.
var messages = sync.Pool{New: func() any { return new([]byte) }}

// keptMessage is how large one may be to be kept.
const keptMessage = 128 << 10

// Put returns a ticket, in quotes, for an answer that is about to be written.
func (o *Outlet) Put(raw []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	n := strconv.Itoa(o.n)
	o.waiting[n] = raw
	return []byte(`"` + o.ticket + n + `"`)
}

// Waiting is how many answers wait to be written.
func (o *Outlet) Waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting)
}

// Write writes a message.
func (o *Outlet) Write(message []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, after, found := bytes.Cut(message, []byte(`"`+o.ticket))
	if !found {
		return o.WriteCloser.Write(message)
	}
	memory, _ := messages.Get().(*[]byte)
	out := (*memory)[:0]
	for ; found; before, after, found = bytes.Cut(after, []byte(`"`+o.ticket)) {
		n, rest, _ := bytes.Cut(after, []byte(`"`))
		raw := o.waiting[string(n)]
		delete(o.waiting, string(n))
		out = append(out, before...)
		if bytes.HasSuffix(before, []byte(`"text":`)) {
			out = jsontext.AppendString(out, string(raw))
		} else {
			out = append(out, raw...)
		}
		after = rest
	}
	out = append(out, before...)
	o.answered = true
	_, err := o.WriteCloser.Write(out)
	if cap(out) <= keptMessage {
		*memory = out
		messages.Put(memory)
	}
	if err != nil {
		return 0, err
	}
	return len(message), nil
}

// Forget drops the answers whose tickets stand in result, which nobody will write.
func (o *Outlet) Forget(result []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		_, after, found := bytes.Cut(result, []byte(`"`+o.ticket))
		if !found {
			return
		}
		n, after, _ := bytes.Cut(after, []byte(`"`))
		delete(o.waiting, string(n))
		result = after
	}
}
