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
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/clip"
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

	system string
}

// Refusal is the failure as the errors of all platforms have it.
func (f *Failure) Refusal() connect.Refusal {
	return connect.Refusal{System: f.system, Op: f.Op, Status: f.Status, Message: f.Text, RequestID: f.RequestID(), RetryAfter: retryAfter(f.Header)}
}

// RequestID returns the identifier that the server gave the request, if any.
func (f *Failure) RequestID() string {
	for _, h := range []string{"X-Request-Id", "X-Correlation-Id", "X-Opaque-Id"} {
		if v := f.Header.Get(h); v != "" {
			return clip.Text(v, 80)
		}
	}
	return ""
}

// system is the Go package of the platform.
func (c *Client) system() string {
	name, _, _ := strings.Cut(c.o.System, " ")
	return name
}

func (c *Client) failure(r *Request, res *Response) error {
	body := res.Body
	if len(body) > maxErrorBody {
		body = body[:maxErrorBody]
	}
	f := &Failure{Op: r.endpoint.ID, Status: res.Status, Header: res.Header, Body: []byte(c.Redact(string(body))), system: c.system()}
	switch {
	case res.Status == http.StatusProxyAuthRequired:
		f.Body, f.Text = nil, "the proxy wants a user and a password"+c.setting(" in its URL", "PROXY")
	case res.Status/100 == 3:
		f.Body, f.Text = nil, "redirects are not followed"+redirected(res.Header.Get("Location"), c.base)+c.setting("", "URL")
	case isHTML(res):
		f.Text = "an HTML page instead of JSON"
		if t := htmlTitle(f.Body); t != "" {
			f.Text += fmt.Sprintf(" (%q)", t)
		}
		f.Text += c.page(r, res, string(f.Body))
		f.Body = nil
	case !json.Valid(f.Body):
		f.Text = firstLine(string(f.Body))
		if res.Status == http.StatusGatewayTimeout {
			f.Text += c.page(r, res, "")
		}
	}
	return c.o.Fail(f)
}

// setting names the variable that helps, if this client has any.
func (c *Client) setting(before string, names ...string) string {
	if c.o.Prefix == "" {
		return before
	}
	for i, n := range names {
		names[i] = c.o.Prefix + n
	}
	return before + " (see " + strings.Join(names, ", ") + ")"
}

// page says what an HTML page in place of an answer probably is.
func (c *Client) page(r *Request, res *Response, body string) string {
	lower := strings.ToLower(body)
	switch {
	case res.Status == http.StatusGatewayTimeout:
		if r.endpoint.Tier == gate.TierRead && r.endpoint.Method != http.MethodGet {
			return "; the gateway in front gave up after its own time: narrow the search, such as by a shorter time or a smaller limit"
		}
		return "; the gateway in front gave up after its own time"
	case strings.Contains(lower, "ssl certificate was sent"), strings.Contains(lower, "ssl certificate error"):
		return "; the other side demands a client certificate" + c.setting("", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE")
	case res.Status == http.StatusNotFound:
		return "; " + Elsewhere(c.base) + c.setting("", "URL")
	case isSignIn(lower):
		return "; it asks to sign in: an authenticating proxy stands in front" + c.setting("", "HEADERS_FILE")
	}
	return ""
}

// Elsewhere says why there may be no API of a platform at its address.
func Elsewhere(address *url.URL) string {
	if path := strings.TrimRight(address.Path, "/"); path != "" {
		return fmt.Sprintf("the path %s of the URL may be wrong", clip.Text(path, 100))
	}
	return "what answers there may be something else than the platform's API, or has it below a path"
}

// isSignIn reports whether a page in lower case has a form for a password, or
// says that one must sign in.
func isSignIn(page string) bool {
	for _, s := range []string{`type="password"`, "type='password'", "type=password", "saml", "single sign", "sign in", "log in", "login"} {
		if strings.Contains(page, s) {
			return true
		}
	}
	return false
}

// redirected says where a redirect leads, without query, in which there may be
// a token.
func redirected(location string, base *url.URL) string {
	to, err := url.Parse(location)
	if err != nil || location == "" {
		return "; the URL may be wrong, or a login page or proxy answers in its place"
	}
	to = base.ResolveReference(to)
	switch {
	case to.Host == base.Host && to.Scheme == "https" && base.Scheme == "http":
		return "; the server wants https"
	case to.Host != base.Host:
		return fmt.Sprintf("; this one leads to %s, which may be a login page that stands in front", clip.Text(to.Host, 100))
	}
	return fmt.Sprintf("; this one leads to %s: the URL may be wrong, or a login page answers in its place", clip.Text(to.Path, 100))
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
func (c *Client) lost(ctx context.Context, r *Request, err error, sent bool) error {
	var auth *authError
	if errors.As(err, &auth) {
		return auth.err
	}
	var refused *gate.RefusedError
	if errors.As(err, &refused) {
		return refused
	}
	where := fmt.Sprintf("%s: %s", c.o.System, r.endpoint.ID)
	leg, why := c.explain(ctx, err)
	text := &lostError{text: c.Redact(why), kind: connect.In(c.system(), connect.ErrUnavailable), leg: leg, err: err}
	var large *tooLarge
	switch {
	case errors.As(err, &large):
		text.kind = connect.In(c.system(), connect.ErrTooLarge)
		text.text += c.setting("; ask for less at a time, or raise the limit", "MAX_ANSWER")
	case ended(ctx): // it was the caller who ended it
		text.kind = nil
	}
	if r.endpoint.Tier > gate.TierRead && sent {
		return fmt.Errorf("%s: %w; %w", where, text, gate.ErrOutcomeUnknown)
	}
	return fmt.Errorf("%s: %w", where, text)
}

// lostError has a text of its own; what it wraps is for errors.Is alone, as its
// text may hold the URL.
type lostError struct {
	text string
	kind error // a sentinel, or nil
	leg  connect.Leg
	err  error
}

// Leg is for [connect.LegOf].
func (e *lostError) Leg() connect.Leg { return e.leg }

func (e *lostError) Error() string { return e.text }
func (e *lostError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.err}
	}
	return []error{e.kind, e.err}
}

// explain says in plain words what went wrong, without the URL.
func (c *Client) explain(ctx context.Context, err error) (connect.Leg, string) {
	var (
		large    *tooLarge
		proxy    *connect.ProxyError
		pin      *connect.FingerprintError
		dns      *net.DNSError
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		hostname x509.HostnameError
		record   tls.RecordHeaderError
		op       *net.OpError
		u        *url.Error
	)
	host := c.base.Host
	switch {
	case errors.As(err, &large):
		return "", large.Error()
	case errors.As(err, &proxy):
		return connect.LegProxy, proxy.Error() + c.setting("", "PROXY")
	case errors.As(err, &pin):
		return connect.LegTLS, pin.Error() + c.setting("", "TLS_FINGERPRINT")
	case errors.As(err, &unknown):
		return connect.LegTLS, fmt.Sprintf("the certificate of %s is not signed by a known authority; give its CA as a file%s", host, c.setting("", "CA_FILE"))
	case errors.As(err, &hostname):
		return connect.LegTLS, fmt.Sprintf("the certificate is not for %s, but for %s%s", host, validFor(hostname.Certificate),
			c.setting("; if the server is the right one, say for which name it is", "TLS_SERVER_NAME", "TLS_FINGERPRINT"))
	case errors.As(err, &invalid):
		return connect.LegTLS, fmt.Sprintf("the certificate of %s is not valid: %s", host, invalid.Error())
	case errors.As(err, &record):
		return connect.LegTLS, fmt.Sprintf("%s does not speak TLS there, but perhaps plain HTTP%s", host, c.setting("", "URL"))
	case isTLSAlert(err):
		return connect.LegTLS, fmt.Sprintf("%s ended the TLS handshake%s", host, c.alert(err))
	case errors.As(err, &dns):
		return connect.LegName, fmt.Sprintf("the name %s cannot be resolved%s", host, c.setting("", "URL"))
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled), errors.Is(err, context.Canceled):
		return "", "the call was cancelled"
	case ended(ctx):
		return connect.LegConnection, fmt.Sprintf("no complete answer from %s before the time of the call was over", host)
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return connect.LegConnection, fmt.Sprintf("no complete answer from %s in time (%s an attempt)%s", host, c.o.Connect.Timeout, c.setting("", "TIMEOUT"))
	case errors.As(err, &op) && op.Op == "dial":
		return connect.LegConnection, fmt.Sprintf("cannot reach %s: %s%s", host, op.Err, c.setting("", "URL"))
	case strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return connect.LegTLS, fmt.Sprintf("%s does not speak TLS there, but perhaps plain HTTP%s", host, c.setting("", "URL"))
	case errors.As(err, &u):
		return connect.LegConnection, fmt.Sprintf("the connection to %s broke: %s", host, u.Err)
	}
	return connect.LegConnection, fmt.Sprintf("the connection to %s broke: %s", host, err)
}

// ended reports whether the caller's time is over. The network knows of a
// deadline a moment before the context does.
func ended(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// alert says what the other side has against the handshake.
func (c *Client) alert(err error) string {
	text := err.Error()
	_, why, _ := strings.Cut(text, "remote error: tls: ")
	if strings.Contains(why, "certificate") {
		return ": it demands a client certificate, or refuses the one it got (" + clip.Text(why, 80) + ")" + c.setting("", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE")
	}
	return ": " + clip.Text(why, 80) + c.setting("; it may demand a client certificate", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE")
}

const maxNames = 5

// validFor lists the names and addresses that a certificate is for.
func validFor(cert *x509.Certificate) string {
	var names []string
	if cert != nil {
		names = append(names, cert.DNSNames...)
		for _, ip := range cert.IPAddresses {
			names = append(names, ip.String())
		}
	}
	if len(names) == 0 {
		return "no name at all"
	}
	more := ""
	if n := len(names) - maxNames; n > 0 {
		names, more = names[:maxNames], fmt.Sprintf(" and %d more", n)
	}
	return clip.Text(strings.Join(names, ", "), 300) + more
}

// decode reads the JSON of a 2xx answer, unless err came instead.
func (res *Response) decode(v any, err error, read func(b []byte, v any) error) error {
	if err != nil {
		return err
	}
	if err = res.broken; err == nil {
		err = read(res.Body, v)
	}
	if err == nil {
		return nil
	}
	c := res.client
	unavailable := connect.In(c.system(), connect.ErrUnavailable)
	where := fmt.Sprintf("%s: %s: HTTP %d", c.o.System, res.Endpoint.ID, res.Status)
	switch {
	case len(res.Body) == 0:
		err = &lostError{where + " with an empty body instead of JSON", unavailable, connect.LegAnswer, err}
	case isHTML(res):
		text := where + " with an HTML page instead of JSON; " + Elsewhere(c.base) + ", or a login page or proxy answers in its place" + c.setting("", "URL", "HEADERS_FILE")
		err = &lostError{text, unavailable, connect.LegAnswer, err}
	default:
		err = fmt.Errorf("%s with an answer that cannot be read: %w", where, err)
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
		return clip.Text(strings.Join(strings.Fields(string(m[1])), " "), 100)
	}
	return ""
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return clip.Text(strings.ToValidUTF8(strings.TrimSpace(line), ""), 200)
}
