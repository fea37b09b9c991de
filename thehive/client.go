package thehive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A Client talks to one TheHive. It is safe for concurrent use.
type Client struct {
	wire     *wire.Client
	guard    *gate.Guard
	upstream string

	organisation atomic.Pointer[string] // of the user, once somebody asked
}

// New returns a Client. It doesn't touch the network.
func New(cfg Config) (*Client, error) {
	if cfg.APIKey == "" {
		return nil, errors.New("thehive: the API key is empty")
	}
	h, err := httpx.New(httpx.Options{
		System: "thehive", BaseURL: cfg.BaseURL, Timeout: cfg.Timeout, MaxBody: cfg.MaxBody,
		Transport: &httpx.Transport{TLS: cfg.TLS, CAFile: cfg.CAFile, SkipTLSVerify: cfg.SkipTLSVerify, Base: cfg.Transport},
		UserAgent: cfg.UserAgent, Logger: cfg.Logger, Guard: cfg.Guard, Secrets: []string{cfg.APIKey},
		Auth: func(_ context.Context, r *http.Request, _ bool) error {
			r.Header.Set("Authorization", "Bearer "+cfg.APIKey)
			if cfg.Organisation != "" {
				r.Header.Set("X-Organisation", cfg.Organisation)
			}
			return nil
		},
		Fail: fail,
	})
	if err != nil {
		return nil, err
	}
	upstream := fmt.Sprintf("TheHive at %s as key %s", cfg.BaseURL, httpx.Fingerprint(cfg.APIKey))
	if cfg.Organisation != "" {
		upstream += " in " + cfg.Organisation
	}
	return &Client{wire: &wire.Client{HTTP: h}, guard: cfg.Guard, upstream: upstream}, nil
}

// String says which TheHive the client talks to and under which credential,
// without giving that away.
func (c *Client) String() string { return c.upstream }
