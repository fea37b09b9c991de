package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const maxErrorBody = 64 << 10

// A Failure is an answer that isn't 2xx, for a platform's own decoder.
type Failure struct {
	Op     string      // the endpoint's operationId
	Status int         // HTTP status code
	Header http.Header // never to be shown whole
	Body   []byte      // bounded; secrets are cut out; nil when it is an HTML page
	// Text is a bounded, one-line form of a body that isn't JSON: the title of an
	// HTML page, the first line of plain text.
	Text string
}

// RequestID returns the identifier that the server gave the request, if any.
func (f *Failure) RequestID() string {
	for _, h := range []string{"X-Request-Id", "X-Correlation-Id", "X-Opaque-Id"} {
		if v := f.Header.Get(h); v != "" {
			return clip(v, 80)
		}
	}
	return ""
}

func (c *Client) failure(r *Request, res *Response) error {
	body := res.Body
	if len(body) > maxErrorBody {
		body = body[:maxErrorBody]
	}
	f := &Failure{Op: r.endpoint.ID, Status: res.Status, Header: res.Header, Body: []byte(c.Redact(string(body)))}
	switch {
	case res.Status/100 == 3:
		f.Body, f.Text = nil, "redirects are not followed; the URL may be wrong, or a login page or proxy answers in its place"
	case isHTML(res):
		f.Text = "an HTML page instead of JSON"
		if t := htmlTitle(f.Body); t != "" {
			f.Text += fmt.Sprintf(" (%q)", t)
		}
		f.Body = nil
	case !json.Valid(f.Body):
		f.Text = firstLine(string(f.Body))
	}
	return c.o.Fail(f)
}

type tooLarge struct{ limit int64 }

func (e *tooLarge) Error() string {
	return fmt.Sprintf("the answer has more than %d bytes, which is the limit", e.limit)
}

type authError struct{ err error }

func (e *authError) Error() string { return e.err.Error() }
func (e *authError) Unwrap() error { return e.err }

// lost explains why there is no answer. For a write that may have reached the
// server the error is [gate.ErrOutcomeUnknown].
func (c *Client) lost(r *Request, err error, sent bool) error {
	var auth *authError
	if errors.As(err, &auth) {
		return auth.err
	}
	var refused *gate.RefusedError
	if errors.As(err, &refused) {
		return refused
	}
	where := fmt.Sprintf("%s: %s", c.o.System, r.endpoint.ID)
	text := &lostError{text: c.Redact(explain(err, c.base.Host, c.o.Timeout.String())), err: err}
	if r.endpoint.Tier > gate.TierRead && sent {
		return fmt.Errorf("%s: %w; %w", where, text, gate.ErrOutcomeUnknown)
	}
	return fmt.Errorf("%s: %w", where, text)
}

// lostError has a text of its own; what it wraps is for errors.Is alone, as its
// text may hold the URL.
type lostError struct {
	text string
	err  error
}

func (e *lostError) Error() string { return e.text }
func (e *lostError) Unwrap() error { return e.err }

// explain says in plain words what went wrong, without the URL.
func explain(err error, host, timeout string) string {
	var (
		large    *tooLarge
		dns      *net.DNSError
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		hostname x509.HostnameError
		record   tls.RecordHeaderError
		op       *net.OpError
		u        *url.Error
	)
	switch {
	case errors.As(err, &large):
		return large.Error()
	case errors.As(err, &unknown):
		return fmt.Sprintf("the certificate of %s is not signed by a known authority; give its CA as a file", host)
	case errors.As(err, &hostname):
		return fmt.Sprintf("the certificate is not for %s", host)
	case errors.As(err, &invalid):
		return fmt.Sprintf("the certificate of %s is not valid: %s", host, invalid.Error())
	case errors.As(err, &record):
		return fmt.Sprintf("%s does not speak TLS there; is it http?", host)
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s cannot be resolved", host)
	case errors.Is(err, context.Canceled):
		return "the call was cancelled"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return fmt.Sprintf("no complete answer from %s in time (%s an attempt)", host, timeout)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Sprintf("cannot reach %s: %s", host, op.Err)
	case errors.As(err, &u):
		return fmt.Sprintf("the connection to %s broke: %s", host, u.Err)
	}
	return fmt.Sprintf("the connection to %s broke: %s", host, err)
}

// decode reads the JSON of a 2xx answer.
func (res *Response) decode(v any) error {
	err := jsoncodec.Unmarshal(res.Body, v)
	if err == nil {
		return nil
	}
	where := fmt.Sprintf("%s: %s", res.system, res.Endpoint.ID)
	switch {
	case len(res.Body) == 0:
		err = fmt.Errorf("%s: HTTP %d with an empty body instead of JSON", where, res.Status)
	case isHTML(res):
		err = fmt.Errorf("%s: HTTP %d with an HTML page instead of JSON; the URL may be wrong, or a login page or proxy answers in its place", where, res.Status)
	default:
		err = fmt.Errorf("%s: HTTP %d with an answer that cannot be read: %w", where, res.Status, err)
	}
	if res.Endpoint.Tier > gate.TierRead {
		return fmt.Errorf("%w; %w", err, gate.ErrOutcomeUnknown)
	}
	return err
}

func isHTML(res *Response) bool {
	if t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && (t == "text/html" || t == "application/xhtml+xml") {
		return true
	}
	head := strings.ToLower(strings.TrimSpace(string(res.Body[:min(len(res.Body), 64)])))
	return strings.HasPrefix(head, "<!doctype html") || strings.HasPrefix(head, "<html")
}

var title = lazyregexp.New(`(?is)<title[^>]*>([^<]{1,200})`)

func htmlTitle(body []byte) string {
	if m := title.Compiled().FindSubmatch(body); m != nil {
		return clip(strings.Join(strings.Fields(string(m[1])), " "), 100)
	}
	return ""
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return clip(strings.ToValidUTF8(strings.TrimSpace(line), ""), 200)
}
