// Package httpx is the one place that sends HTTP. It authenticates, asks the
// gate, retries what may be retried, bounds what comes back, and turns every
// failure into an error that keeps the platform's reason and no secret.
package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/progress"
)

// Options configures a [Client].
type Options struct {
	System  string          // the platform's package name, first word of each error
	Prefix  string          // of its variables, such as "WAZUH_": errors name the one that helps
	BaseURL string          // absolute, http or https; its path is kept
	Connect connect.Options // how to reach it
	Quiet   bool            // another client of the same platform has said what is odd about that
	Over    *Client         // whose connections are used; nil: its own
	Guard   *gate.Guard     // nil: no gate on the wire
	// Upstream is what [gate.On] is told of the client, so that a permit for it is for
	// no other.
	Upstream string
	Secrets  []string // cut out of every error and every answer
	// Credentials are the variables that hold the credential, without Prefix.
	Credentials []string

	// Auth puts the credential on a request. refused is how often what it put there
	// before was refused with a 401.
	Auth func(ctx context.Context, r *http.Request, refused int) error
	// Renewals is how often Auth is asked to do better for one request.
	Renewals int
	// Fail turns an answer that isn't 2xx into the platform's own error.
	Fail func(*Failure) error
}

// A Client sends the requests of one platform. It is safe for concurrent use.
type Client struct {
	o      Options
	base   *url.URL
	http   *http.Client
	slots  chan struct{} // held by requests under way
	redact *strings.Replacer
	last   atomic.Pointer[credentials]

	dialled http.RoundTripper // what Connect gives, and what it knows of secrets
	known   []string
}

// New returns a Client. It reads the files that the options name, and doesn't
// dial.
func New(o Options) (*Client, error) {
	o.Connect = o.Connect.WithDefaults()
	base, err := ParseBaseURL(o.BaseURL)
	if err != nil {
		if o.Prefix != "" {
			err = fmt.Errorf("%sURL: %w", o.Prefix, err)
		}
		return nil, fmt.Errorf("%s: %w", o.System, err)
	}
	var dialled http.RoundTripper
	var secrets []string
	if o.Over != nil {
		dialled, secrets = o.Over.dialled, o.Over.known
	} else if dialled, secrets, err = o.Connect.RoundTripper(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.System, err)
	}
	var rt http.RoundTripper = &wire{base: dialled, guard: o.Guard, upstream: o.Upstream}
	if o.Connect.Wrap != nil {
		rt = o.Connect.Wrap(rt)
	}
	o.Secrets = append(slices.Clone(o.Secrets), secrets...)
	if !o.Quiet {
		for _, w := range o.Connect.Warnings {
			o.Connect.Logger.Warn(w, "system", o.System)
		}
	}
	if o.Connect.SkipTLSVerify && !o.Quiet {
		o.Connect.Logger.Warn("certificate verification is off for this client", "system", o.System, "url", base.Redacted())
	}
	c := &Client{o: o, base: base, dialled: dialled, known: secrets, redact: redactor(o.Secrets), slots: make(chan struct{}, o.Connect.MaxInFlight)}
	c.http = &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// ParseBaseURL checks the address of a server: absolute, http or https, without
// credentials, query or fragment. Trailing slashes are cut.
func ParseBaseURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("the URL is empty")
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the URL is not an absolute http or https address")
	}
	if u.User != nil {
		return nil, errors.New("the URL holds credentials; give them apart")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the URL holds a query or fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// wire is the last step before the network: it asks the gate about every
// attempt, however the request came here.
type wire struct {
	base     http.RoundTripper
	guard    *gate.Guard
	upstream string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	e, ok := connect.EndpointFrom(r.Context())
	if !ok {
		return nil, &gate.RefusedError{Op: r.Method + " request without an endpoint", Reason: gate.ReasonNoPermit}
	}
	e.Upstream = w.upstream
	if w.guard != nil {
		if err := w.guard.Admit(r.Context(), e); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				err = &kept{err}
			}
			return nil, err
		}
	}
	res, err := w.base.RoundTrip(r)
	if err == nil && res.StatusCode/100 == 2 {
		gate.Answered(r.Context(), e)
	}
	return res, err
}

// kept is why a request wasn't sent that the gate would let through: it waited for the journal
// for as long as an attempt may take.
type kept struct{ error }

func (e *kept) Unwrap() error { return e.error }

// definite reports whether an answer says for certain that a write wasn't done: it is
// what the platform itself says to a request that it refuses. Everything else may come from
// what stands in front of it, after it has acted.
func definite(res *Response) bool {
	switch res.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusConflict,
		http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests:
		return len(res.Body) == 0 || json.Valid(res.Body)
	}
	return false
}

// A Response is a 2xx answer, read to its end.
type Response struct {
	Endpoint gate.Endpoint
	Status   int
	Header   http.Header
	Body     []byte

	client *Client
	deny   func()
	listed bool  // the rows of its list aren't in Body
	broken error // what is wrong with the text of one that isn't in Body as a whole
}

// Deny tells the gate that the answer, good by its status, says that what was
// asked for wasn't done.
func (r *Response) Deny() {
	if r.deny != nil {
		r.deny()
	}
}

// Send sends r and returns its answer, or the platform's error.
func (c *Client) Send(ctx context.Context, r *Request) (*Response, error) {
	if err := errors.Join(r.errs...); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.o.System, r.endpoint.ID, &lostError{text: err.Error(), kind: connect.In(c.system(), connect.ErrInvalid), err: err})
	}
	caller := ctx
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, connect.DefaultAttempts*c.o.Connect.Timeout)
		defer cancel()
	}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	ctx = connect.WithEndpoint(ctx, r.endpoint)

	res, err := c.attempt(ctx, r, 0)
	for refused := 1; err == nil && res.Status == http.StatusUnauthorized && refused <= c.o.Renewals; refused++ {
		res, err = c.attempt(ctx, r, refused)
	}
	if err != nil {
		return nil, c.lost(caller, r, err, sent.Load())
	}
	if res.Status/100 == 2 {
		if r.endpoint.Tier > gate.TierRead {
			res.deny = func() { gate.Denied(caller, r.endpoint) }
		}
		return res, nil
	}
	err = c.failure(r, res)
	if r.endpoint.Tier > gate.TierRead && !definite(res) {
		err = fmt.Errorf("%w; %w", err, gate.ErrOutcomeUnknown)
	}
	return nil, err
}

// attempt sends r with its retries and reads the answer, whatever its status. refused
// is how often its credential was refused before.
func (c *Client) attempt(ctx context.Context, r *Request, refused int) (*Response, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.endpoint.Method, r.url(c.base), body)
	if err != nil {
		return nil, err
	}
	if r.open != nil {
		req.ContentLength = r.size
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := r.open()
			if rc, ok := body.(io.ReadCloser); ok || err != nil {
				return rc, err
			}
			return io.NopCloser(body), nil
		}
	}
	req.Header.Set("Accept", r.accept)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	if c.o.Connect.UserAgent != "" {
		req.Header.Set("User-Agent", c.o.Connect.UserAgent)
	}
	if c.o.Auth != nil && !r.bare {
		if err := c.o.Auth(ctx, req, refused); err != nil {
			return nil, &authError{err}
		}
	}
	if r.endpoint.Tier > gate.TierRead {
		gate.AwaitSpending(ctx)
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	limit := c.o.Connect.MaxBody
	if r.maxBody > 0 {
		limit = r.maxBody
	}
	out := &Response{Endpoint: r.endpoint, client: c}
	began := time.Now()
	err = c.exchange(req, func(res *http.Response, whole bool) (err error) {
		out.Status, out.Header = res.StatusCode, res.Header
		out.Body, out.listed, out.broken = nil, false, nil
		l, listed := ctx.Value(listKey{}).(*list)
		switch body := progress.Reader(ctx, res.Body); {
		case !whole:
			out.Body, _ = io.ReadAll(io.LimitReader(res.Body, maxErrorBody)) // the status alone says enough
		case r.into != nil && res.StatusCode/100 == 2:
			err = save(body, r.into, limit)
		case listed && res.StatusCode/100 == 2:
			err = l.read(out, body, res.ContentLength, limit, c.credentials(req.Header.Get("Authorization")))
		default:
			out.Body, err = readBody(body, res.ContentLength, limit)
		}
		return err
	})
	c.o.Connect.Logger.DebugContext(ctx, "request", "system", c.o.System, "op", r.endpoint.ID, "method", r.endpoint.Method,
		"status", out.Status, "bytes", len(out.Body), "took", time.Since(began), "answered", err == nil)
	if err != nil {
		return nil, err
	}
	c.credentials(req.Header.Get("Authorization")).cut(out)
	return out, nil
}

// readBody reads a body of at most limit bytes. length is how many it is said to have,
// or less than none. Where that isn't known it is read in pieces, which are put
// together once: what grows by copying is held several times over.
func readBody(body io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		return nil, &tooLarge{limit}
	}
	size := int64(pieceOfBody)
	if length >= 0 {
		size = length + 1 // to see the end
	}
	var pieces [][]byte
	for read := int64(0); read <= limit; size = min(2*size, maxPieceOfBody) {
		piece := make([]byte, 0, min(size, limit+1-read))
		var err error
		for n := 0; err == nil && len(piece) < cap(piece); piece = piece[:len(piece)+n] {
			n, err = body.Read(piece[len(piece):cap(piece)])
		}
		read += int64(len(piece))
		if pieces = append(pieces, piece); err == nil || read > limit {
			continue
		}
		if err == io.EOF {
			err = nil
		}
		if len(pieces) == 1 {
			return piece, err
		}
		return slices.Concat(pieces...), err
	}
	return nil, &tooLarge{limit}
}

const (
	pieceOfBody    = 8 << 10
	maxPieceOfBody = 1 << 20
)

// save writes a body to what open gives.
func save(body io.Reader, open func() (io.Writer, error), limit int64) error {
	w, err := open()
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(body, limit+1))
	if err == nil && n > limit {
		err = &tooLarge{limit}
	}
	return err
}

// JSON decodes the answer of a generated method. An answer that can't be
// decoded after a write leaves its outcome unknown: the write was accepted.
func JSON[T any](res *Response, err error) (*T, error) {
	v := new(T)
	if err := res.decode(v, err, jsoncodec.Unmarshal); err != nil {
		return nil, err
	}
	return v, nil
}

// Done drops the answer of a generated method.
func Done(_ *Response, err error) error { return err }
