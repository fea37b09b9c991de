package cortex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/egress"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/kept"
)

// A Client talks to one Cortex. It is safe for concurrent use.
type Client struct {
	wire     *wire.Client
	files    *wire.Client // the same for what holds a file, which Cortex is slow to store
	super    *wire.Client // as the superadmin; nil: there is no such key
	guard    *gate.Guard
	upstream string
	above    string // upstream, as the superadmin

	fanout int
	local  map[string]bool // lower-case names and ids
	filter egress.Filter
	entity func(ctx context.Context, objectType, objectID string) (json.RawMessage, error)
	slice  time.Duration                   // the longest that one request waits for a job
	kept   kept.Lists[struct{}, []*Worker] // of the enabled analyzers

	fileDir, keyDir, secretsDir string
	maxFile                     int64
	storing                     sync.Mutex // of keys
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
	cfg.Options = cfg.Options.WithDefaults()
	if cfg.MaxFile == 0 {
		cfg.MaxFile = defaultMaxFile
	}
	if cfg.MaxFile < 1 {
		return nil, fmt.Errorf("cortex: a file of at most %d bytes: want at least 1", cfg.MaxFile)
	}
	w, err := cfg.wire(cfg.APIKey, "API_KEY", false)
	if err != nil {
		return nil, err
	}
	slow := cfg
	slow.Timeout += storing(cfg.MaxFile)
	files, err := slow.wire(cfg.APIKey, "API_KEY", true)
	if err != nil {
		return nil, err
	}
	c := &Client{
		wire: w, files: files, guard: cfg.Guard, fanout: cfg.MaxFanout, local: map[string]bool{},
		filter: egress.Filter{Suffixes: cfg.InternalSuffixes}, entity: cfg.Entity,
		slice:    min(maxSlice, cfg.Timeout*2/3),
		upstream: cfg.upstream(cfg.APIKey),
		fileDir:  cfg.FileBaseDir, keyDir: cfg.KeyDir, secretsDir: cfg.SecretsDir, maxFile: cfg.MaxFile,
	}
	if c.fileDir != "" {
		if c.fileDir, err = filepath.Abs(c.fileDir); err != nil {
			return nil, fmt.Errorf("cortex: the directory for files: %w", err)
		}
	}
	if cfg.SuperadminKey != "" {
		if c.super, err = cfg.wire(cfg.SuperadminKey, "SUPERADMIN_KEY", true); err != nil {
			return nil, err
		}
		c.above = cfg.upstream(cfg.SuperadminKey)
	}
	for _, name := range cfg.LocalAnalyzers {
		c.local[strings.ToLower(strings.TrimSpace(name))] = true
	}
	return c, nil
}

func (cfg Config) upstream(key string) string {
	return fmt.Sprintf("Cortex at %s as key %s", cfg.BaseURL, httpx.Fingerprint(key))
}

// wire makes what sends the requests under one key, which a variable holds.
func (cfg Config) wire(key, variable string, quiet bool) (*wire.Client, error) {
	h, err := httpx.New(httpx.Options{
		System: "cortex", Prefix: "CORTEX_", BaseURL: cfg.BaseURL, Connect: cfg.Options, Quiet: quiet, Guard: cfg.Guard, Upstream: cfg.upstream(key), Secrets: []string{cfg.APIKey, cfg.SuperadminKey}, Credentials: []string{variable},
		Auth: func(_ context.Context, r *http.Request, _ int) error {
			r.Header.Set("Authorization", "Bearer "+key)
			return nil
		},
		Fail: fail,
	})
	if err != nil {
		return nil, err
	}
	return &wire.Client{HTTP: h}, nil
}

// superadmin returns what sends requests as the superadmin.
func (c *Client) superadmin() (*wire.Client, error) {
	if c.super == nil {
		return nil, fmt.Errorf("%w: organisations and users are for the superadmin, whose key is not configured", ErrNotConfigured)
	}
	return c.super, nil
}

// String says which Cortex the client talks to and under which credential,
// without giving that away.
func (c *Client) String() string { return c.upstream }
