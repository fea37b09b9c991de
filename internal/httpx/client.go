// Package httpx is the one place that sends HTTP. It authenticates, asks the
// gate, retries what may be retried, bounds what comes back, and turns every
// failure into an error that keeps the platform's reason and no secret.
package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/sallyport-soc/sallyport/gate"
)

// Defaults of [Options].
const (
	DefaultTimeout = 30 * time.Second
	DefaultMaxBody = 10 << 20
)

const (
	maxAttempts = 4
	minWait     = 200 * time.Millisecond
	maxWait     = 5 * time.Second // also caps what a server asks for in Retry-After
)

// Options configures a [Client].
type Options struct {
	System    string        // the platform's package name, first word of each error
	BaseURL   string        // absolute, http or https; its path is kept
	Transport *Transport    // nil: the defaults
	Timeout   time.Duration // of one attempt, connecting and reading included
	MaxBody   int64         // bytes of one answer
	UserAgent string
	Logger    *slog.Logger // nil: silent
	Guard     *gate.Guard  // nil: no gate on the wire
	Secrets   []string     // cut out of every error and every answer

	// Auth puts the credential on a request. again says that the one it put
	// there before was refused with a 401; it is called so at most once.
	Auth func(ctx context.Context, r *http.Request, again bool) error
	// Renewable says that Auth can do better when asked again.
	Renewable bool
	// Fail turns an answer that isn't 2xx into the platform's own error.
	Fail func(*Failure) error
}

// Transport says how to reach a server. The zero value verifies certificates
// against the system's authorities.
type Transport struct {
	TLS           *tls.Config       // nil: a fresh one
	CAFile        string            // PEM file of further authorities
	SkipTLSVerify bool              // accept any certificate, for this client only
	Base          http.RoundTripper // replaces the transport and all of the above
}

// A Client sends the requests of one platform. It is safe for concurrent use.
type Client struct {
	o      Options
	base   *url.URL
	retry  *retryablehttp.Client
	redact *strings.Replacer
	last   atomic.Pointer[credentials]
}

// New returns a Client. It reads the CA file, if there is one, and doesn't dial.
func New(o Options) (*Client, error) {
	base, err := ParseBaseURL(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.System, err)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	tr, err := o.Transport.roundTripper()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.System, err)
	}
	if o.Transport != nil && o.Transport.SkipTLSVerify {
		o.Logger.Warn("certificate verification is off for this client", "system", o.System, "url", base.Redacted())
	}
	c := &Client{o: o, base: base, redact: redactor(o.Secrets)}
	c.retry = &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     &wire{base: tr, guard: o.Guard},
			Timeout:       o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     maxAttempts - 1,
		RetryWaitMin: minWait,
		RetryWaitMax: maxWait,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
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

func (t *Transport) roundTripper() (http.RoundTripper, error) {
	if t == nil {
		t = &Transport{}
	}
	if t.Base != nil {
		return t.Base, nil
	}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig = t.TLS.Clone()
	if tr.TLSClientConfig == nil {
		tr.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	tr.MaxResponseHeaderBytes = 256 << 10
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no PEM certificate", t.CAFile)
		}
		tr.TLSClientConfig.RootCAs = pool
	}
	if t.SkipTLSVerify {
		tr.TLSClientConfig.InsecureSkipVerify = true
	}
	return tr, nil
}

type endpointKey struct{}

// wire is the last step before the network: it asks the gate about every
// attempt, however the request came here.
type wire struct {
	base  http.RoundTripper
	guard *gate.Guard
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	e, ok := r.Context().Value(endpointKey{}).(gate.Endpoint)
	if !ok {
		return nil, &gate.RefusedError{Op: r.Method + " request without an endpoint", Reason: gate.ReasonNoPermit}
	}
	if w.guard != nil {
		if err := w.guard.Admit(r.Context(), e); err != nil {
			return nil, err
		}
	}
	return w.base.RoundTrip(r)
}

// A Response is a 2xx answer, read to its end.
type Response struct {
	Endpoint gate.Endpoint
	Status   int
	Header   http.Header
	Body     []byte

	system string
}

// Send sends r and returns its answer, or the platform's error.
func (c *Client) Send(ctx context.Context, r *Request) (*Response, error) {
	if err := errors.Join(r.errs...); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.o.System, r.endpoint.ID, err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxAttempts*c.o.Timeout)
		defer cancel()
	}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	ctx = context.WithValue(ctx, endpointKey{}, r.endpoint)

	res, err := c.attempt(ctx, r, false)
	if err == nil && res.Status == http.StatusUnauthorized && c.o.Renewable {
		res, err = c.attempt(ctx, r, true)
	}
	if err != nil {
		return nil, c.lost(r, err, sent.Load())
	}
	if res.Status/100 == 2 {
		return res, nil
	}
	err = c.failure(r, res)
	if r.endpoint.Tier > gate.TierRead && (res.Status == http.StatusBadGateway || res.Status == http.StatusGatewayTimeout) {
		err = fmt.Errorf("%w; %w", err, gate.ErrOutcomeUnknown)
	}
	return nil, err
}

// attempt sends r with its retries and reads the answer, whatever its status.
func (c *Client) attempt(ctx context.Context, r *Request, again bool) (*Response, error) {
	var body any
	if r.body != nil {
		body = r.body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.endpoint.Method, r.url(c.base), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", r.accept)
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	if c.o.UserAgent != "" {
		req.Header.Set("User-Agent", c.o.UserAgent)
	}
	if c.o.Auth != nil && !r.bare {
		if err := c.o.Auth(ctx, req.Request, again); err != nil {
			return nil, &authError{err}
		}
	}
	limit := c.o.MaxBody
	if r.maxBody > 0 {
		limit = r.maxBody
	}
	out := &Response{Endpoint: r.endpoint, system: c.o.System}
	req.SetResponseHandler(func(res *http.Response) error {
		body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
		if err == nil && int64(len(body)) > limit {
			err = &tooLarge{limit}
		}
		out.Status, out.Header, out.Body = res.StatusCode, res.Header, body
		return err
	})
	res, err := c.retry.Do(req)
	if res != nil {
		defer res.Body.Close()
		if err == nil && out.Status == 0 { // the last of several refusals: its body is not read yet
			out.Status, out.Header = res.StatusCode, res.Header
			out.Body, _ = io.ReadAll(io.LimitReader(res.Body, maxErrorBody)) // the status alone says enough
		}
	}
	if err != nil {
		return nil, err
	}
	c.credentials(req.Header.Get("Authorization")).cut(out)
	return out, nil
}

// JSON decodes the answer of a generated method. An answer that can't be
// decoded after a write leaves its outcome unknown: the write was accepted.
func JSON[T any](res *Response, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	v := new(T)
	if derr := res.decode(v); derr != nil {
		return nil, derr
	}
	return v, nil
}

// Done drops the answer of a generated method.
func Done(_ *Response, err error) error { return err }

// EndpointOf returns which endpoint the request of ctx calls, for transports
// that watch.
func EndpointOf(ctx context.Context) (gate.Endpoint, bool) {
	e, ok := ctx.Value(endpointKey{}).(gate.Endpoint)
	return e, ok
}
