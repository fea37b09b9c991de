package misp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A Client talks to one MISP. It is safe for concurrent use.
type Client struct {
	wire     *wire.Client
	guard    *gate.Guard
	upstream string
	changes  *atomic.Int64 // how many requests were sent that aren't known to read
	maxBody  int64         // of an answer
	files    string        // the folder of files
}

// New returns a Client. It doesn't touch the network.
func New(cfg Config) (*Client, error) {
	key := strings.TrimSpace(cfg.APIKey)
	if key == "" {
		return nil, errors.New("misp: the API key is empty")
	}
	// A proxy in front that wants Authorization for itself leaves MISP this one.
	name := "Authorization"
	if extra, _ := cfg.Headers(); extra.Get(name) != "" { // an error is New's to report
		name = "X-Misp-Auth"
	}
	changes := new(atomic.Int64)
	upstream := fmt.Sprintf("MISP at %s as key %s", cfg.BaseURL, httpx.Fingerprint(key))
	h, err := httpx.New(httpx.Options{
		System: "misp", Prefix: "MISP_", BaseURL: cfg.BaseURL, Connect: cfg.Options, Guard: cfg.Guard, Upstream: upstream, Secrets: []string{key}, Credentials: []string{"API_KEY"},
		Auth: func(_ context.Context, r *http.Request, _ int) error {
			r.Header.Set(name, key)
			if r.Method != http.MethodGet && !reading(r.URL.Path) {
				changes.Add(1)
			}
			return nil
		},
		Fail: fail,
	})
	if err != nil {
		return nil, err
	}
	return &Client{wire: &wire.Client{HTTP: h}, guard: cfg.Guard, upstream: upstream, changes: changes, maxBody: cfg.Options.WithDefaults().MaxBody, files: cfg.FileBaseDir}, nil
}

// reading reports whether a POST to path changes nothing.
func reading(path string) bool {
	for _, end := range []string{"/restSearch", "/tags/search", "/tags/index", "/warninglists/index", "/warninglists/checkValue"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return strings.Contains(path, "/galaxy_clusters/index/")
}

// String says which MISP the client talks to and under which credential,
// without giving that away.
func (c *Client) String() string { return c.upstream }
