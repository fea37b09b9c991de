package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
)

// maxRawBody is how many bytes a raw call may send.
const maxRawBody = 8 << 20

// Raw sends a request that no method makes: a path, with its query if it has one,
// and a body as JSON if it isn't nil. What matches one of known is that endpoint,
// with its tier. What anything else does nobody here knows, so that only a permit
// for destructive operations lets it through, a GET too.
func (c *Client) Raw(ctx context.Context, known []gate.Endpoint, method, path string, body any) (json.RawMessage, error) {
	path, query, _ := strings.Cut(path, "?")
	e := rawEndpoint(known, c.o.System, method, path)
	r := &Request{endpoint: e, path: path, accept: "application/json"}
	r.errs = append(r.errs, checkRaw(method, path))
	q, err := url.ParseQuery(query)
	switch {
	case err != nil:
		r.errs = append(r.errs, fmt.Errorf("query: %w", err))
	case q.Has("_method"):
		r.errs = append(r.errs, errors.New("query: _method would make another request of it"))
	case len(q) > 0:
		r.query = append(r.query, q.Encode())
	}
	if body != nil {
		if r.JSON(body); len(r.body) > maxRawBody {
			r.errs = append(r.errs, fmt.Errorf("body: has %d bytes, at most %d are allowed", len(r.body), maxRawBody))
		}
	}
	res, err := c.Send(ctx, r)
	if err != nil || len(bytes.TrimSpace(res.Body)) == 0 {
		return nil, err
	}
	out, err := JSON[json.RawMessage](res, nil)
	if err != nil {
		return nil, err
	}
	return *out, nil
}

// checkRaw refuses what could lead to another place than it says.
func checkRaw(method, path string) error {
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method) {
		return fmt.Errorf("method: %q: want GET, POST, PUT, PATCH or DELETE", clip.Text(method, 20))
	}
	if len(path) > 4096 || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("path: %q: want one that begins with /, without the address of the server", clip.Text(path, 80))
	}
	if path == "/" {
		return nil
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if err := CheckSegment(segment); err != nil {
			return fmt.Errorf("path: a part of %q %w", clip.Text(path, 80), err)
		}
		if unreserved.Replace(url.PathEscape(segment)) != segment {
			return fmt.Errorf("path: %q in it would have to be escaped", clip.Text(segment, 80))
		}
	}
	return nil
}

// rawEndpoint returns the endpoint that a request is for: the one of known with
// the fewest parameters, or one that nobody knows.
func rawEndpoint(known []gate.Endpoint, system, method, path string) gate.Endpoint {
	unknown := gate.Endpoint{System: system, ID: "raw", Method: method, Path: path, Tier: gate.TierDestructive}
	best, fewest := unknown, len(path)+1
	for _, e := range known {
		if n, ok := fits(e.Path, path); ok && e.Method == method && n < fewest {
			best, fewest = e, n
		}
	}
	return best
}

// fits reports whether path is one of the template's, and how many parameters it
// fills in. A parameter never stands for what begins with an underscore: _bulk and
// _search are other endpoints.
func fits(template, path string) (parameters int, ok bool) {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return 0, false
	}
	for i, w := range want {
		switch {
		case w == have[i]:
		case strings.HasPrefix(w, "{") && strings.HasSuffix(w, "}") && !strings.HasPrefix(have[i], "_"):
			parameters++
		default:
			return 0, false
		}
	}
	return parameters, true
}
