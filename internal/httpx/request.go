package httpx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

// A Request is one call of an endpoint in the making. Its first mistakes are
// kept and reported by [Client.Send], which then sends nothing.
type Request struct {
	endpoint    gate.Endpoint
	path        string
	query       []string
	body        []byte
	open        func() (io.Reader, error)
	size        int64
	into        func() (io.Writer, error)
	contentType string
	accept      string
	header      http.Header
	bare        bool
	maxBody     int64
	errs        []error
}

// NewRequest starts a request of endpoint e.
//
//go:noinline // its many callers would have a copy each
func NewRequest(e gate.Endpoint) *Request {
	return &Request{endpoint: e, path: e.Path, accept: "application/json"}
}

var patterns sync.Map // of string to *regexp.Regexp: each is compiled by its first use

func compiled(pattern string) (*regexp.Regexp, error) {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp), nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	patterns.Store(pattern, re)
	return re, nil
}

// Path sets a path parameter. A value that could lead to another endpoint, or
// that doesn't have the form the specification gives it, is refused.
func (r *Request) Path(name, value, pattern string) {
	if err := CheckSegment(value); err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s: %w", name, err))
		return
	}
	if pattern != "" {
		re, err := compiled(pattern)
		if err != nil {
			r.errs = append(r.errs, fmt.Errorf("%s: %w", name, err))
			return
		}
		if !re.MatchString(value) {
			r.errs = append(r.errs, fmt.Errorf("%s: %q does not have the form %s", name, clip.Text(value, 80), pattern))
			return
		}
	}
	r.path = strings.Replace(r.path, "{"+name+"}", unreserved.Replace(url.PathEscape(value)), 1)
}

// unreserved undoes what may stand in a path as it is: patterns of index names
// have these, and not every proxy decodes them.
var unreserved = strings.NewReplacer("%2A", "*", "%2C", ",")

// CheckSegment refuses what can't be one segment of a URL path: the empty
// string, "." and "..", separators, percent signs and control characters.
func CheckSegment(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("is empty")
	case s == "." || s == "..":
		return fmt.Errorf("%q is not an identifier", s)
	case strings.ContainsAny(s, `/\%?#`):
		return fmt.Errorf("%q holds a separator", clip.Text(s, 80))
	case strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c == 0x7f || c == 0xfffd }):
		return fmt.Errorf("%q holds a control character", clip.Text(s, 80))
	case len(s) > 512:
		return fmt.Errorf("has %d bytes, at most 512 are allowed", len(s))
	}
	return nil
}

// Query adds a parameter unless it is the zero value; a pointer sends its
// target even when that is zero.
func (r *Request) Query(name string, v any, explode bool) {
	x := reflect.ValueOf(v)
	if !x.IsValid() || x.IsZero() {
		return
	}
	if x.Kind() == reflect.Pointer {
		x = x.Elem()
	}
	key := url.QueryEscape(name) + "="
	if x.Kind() != reflect.Slice {
		r.query = append(r.query, key+url.QueryEscape(fmt.Sprint(x.Interface())))
		return
	}
	parts := make([]string, x.Len())
	for i := range parts {
		parts[i] = url.QueryEscape(fmt.Sprint(x.Index(i).Interface()))
	}
	switch {
	case len(parts) == 0:
	case explode:
		r.query = append(r.query, key+strings.Join(parts, "&"+key))
	default:
		r.query = append(r.query, key+strings.Join(parts, ","))
	}
}

// RequireQuery is Query for a parameter that must not be missing or empty.
func (r *Request) RequireQuery(name string, v any, explode bool) {
	x := reflect.ValueOf(v)
	if !x.IsValid() || x.IsZero() || x.Kind() == reflect.Slice && x.Len() == 0 {
		r.errs = append(r.errs, fmt.Errorf("%s: is required", name))
		return
	}
	r.Query(name, v, explode)
}

// JSON sets the body.
func (r *Request) JSON(v any) {
	b, err := jsoncodec.Marshal(v)
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("body: %w", err))
		return
	}
	r.body, r.contentType = b, "application/json"
}

// Body sets a body that isn't JSON.
func (r *Request) Body(contentType string, body []byte) { r.body, r.contentType = body, contentType }

// Stream sets a body that isn't held in memory: open gives it anew for each
// attempt, and size is how many bytes it has. What open gives is closed if it can be.
func (r *Request) Stream(contentType string, size int64, open func() (io.Reader, error)) {
	r.contentType, r.size, r.open = contentType, size, open
}

// Into writes a successful answer to what open gives for each attempt, in place of
// holding it in memory. It may have max bytes.
func (r *Request) Into(max int64, open func() (io.Writer, error)) { r.maxBody, r.into = max, open }

// Header sets a header.
func (r *Request) Header(name, value string) {
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set(name, value)
}

// Bare sends the request without the client's credential.
func (r *Request) Bare() { r.bare = true }

// url joins the base with the path and the query, both escaped already.
func (r *Request) url(base *url.URL) string {
	s := base.String() + r.path
	if len(r.query) > 0 {
		s += "?" + strings.Join(r.query, "&")
	}
	return s
}

// Fingerprint identifies a credential without giving it away: eight hex digits
// of its SHA-256.
func Fingerprint(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:4])
}
