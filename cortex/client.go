package cortex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/egress"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// A Client talks to one Cortex. It is safe for concurrent use.
type Client struct {
	wire     *wire.Client
	guard    *gate.Guard
	upstream string

	fanout int
	local  map[string]bool // lower-case names and ids
	filter egress.Filter
	entity func(ctx context.Context, objectType, objectID string) (json.RawMessage, error)
	slice  time.Duration // the longest that one request waits for a job
}

// New returns a Client. It doesn't touch the network.
func New(cfg Config) (*Client, error) {
	if cfg.APIKey == "" {
		return nil, errors.New("cortex: the API key is empty")
	}
	if cfg.MaxFanout == 0 {
		cfg.MaxFanout = defaultFanout
	}
	if cfg.MaxFanout < 1 || cfg.MaxFanout > maxFanout {
		return nil, fmt.Errorf("cortex: a fan-out of %d: want 1 to %d", cfg.MaxFanout, maxFanout)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = httpx.DefaultTimeout
	}
	h, err := httpx.New(httpx.Options{
		System: "cortex", BaseURL: cfg.BaseURL, Timeout: cfg.Timeout, MaxBody: cfg.MaxBody,
		Transport: &httpx.Transport{TLS: cfg.TLS, CAFile: cfg.CAFile, SkipTLSVerify: cfg.SkipTLSVerify, Base: cfg.Transport},
		UserAgent: cfg.UserAgent, Logger: cfg.Logger, Guard: cfg.Guard, Secrets: []string{cfg.APIKey},
		Auth: func(_ context.Context, r *http.Request, _ bool) error {
			r.Header.Set("Authorization", "Bearer "+cfg.APIKey)
			return nil
		},
		Fail: fail,
	})
	if err != nil {
		return nil, err
	}
	c := &Client{
		wire: &wire.Client{HTTP: h}, guard: cfg.Guard, fanout: cfg.MaxFanout, local: map[string]bool{},
		filter: egress.Filter{Suffixes: cfg.InternalSuffixes}, entity: cfg.Entity,
		slice:    min(maxSlice, cfg.Timeout*2/3),
		upstream: fmt.Sprintf("Cortex at %s as key %s", cfg.BaseURL, httpx.Fingerprint(cfg.APIKey)),
	}
	for _, name := range cfg.LocalAnalyzers {
		c.local[strings.ToLower(strings.TrimSpace(name))] = true
	}
	return c, nil
}
