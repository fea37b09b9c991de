package misp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/kept"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A Client talks to one MISP. It is safe for concurrent use.
type Client struct {
	wire     *wire.Client
	guard    *gate.Guard
	upstream string
	maxBody  int64  // of an answer
	files    string // the folder of files

	// What the server has, kept for seconds.
	types kept.Lists[struct{}, *attributeTypes]
	tags  kept.Lists[string, bool] // whether it is there
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
	upstream := fmt.Sprintf("MISP at %s as key %s", cfg.BaseURL, httpx.Fingerprint(key))
	c := &Client{guard: cfg.Guard, upstream: upstream, maxBody: cfg.Options.WithDefaults().MaxBody, files: cfg.FileBaseDir}
	h, err := httpx.New(httpx.Options{
		System: "misp", Prefix: "MISP_", BaseURL: cfg.BaseURL, Connect: cfg.Options, Guard: cfg.Guard, Upstream: upstream, Secrets: []string{key}, Credentials: []string{"API_KEY"},
		Auth: func(ctx context.Context, r *http.Request, _ int) error {
			if e, _ := connect.EndpointFrom(ctx); e.Tier > gate.TierRead {
				c.tags.Drop()
			}
			r.Header.Set(name, key)
			return nil
		},
		Fail: fail,
	})
	if err != nil {
		return nil, err
	}
	c.wire = &wire.Client{HTTP: h}
	return c, nil
}

// String says which MISP the client talks to and under which credential,
// without giving that away.
func (c *Client) String() string { return c.upstream }
