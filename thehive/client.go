package thehive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/egress"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/kept"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A Client talks to one TheHive. It is safe for concurrent use.
type Client struct {
	wire     *wire.Client
	guard    *gate.Guard
	upstream string
	files    string // the folder of files

	wanted string // the organisation that is configured
	filter egress.Filter
	local  map[string]bool // the analyzers that show nothing to anybody outside

	organisation atomic.Pointer[string] // of the user, once somebody asked
	version      atomic.Pointer[string] // of the server, once it answered
	legacy       atomic.Bool            // whether Cortex is under the old path
	keys         keyLocks               // of cases that are being opened

	// What an administrator has set up, kept for seconds.
	statuses kept.Lists[Kind, []serverStatus]
	types    kept.Lists[struct{}, []observableType]
	fields   kept.Lists[struct{}, ownFields]
}

// New returns a Client. It doesn't touch the network.
func New(cfg Config) (*Client, error) {
	if cfg.APIKey == "" {
		return nil, errors.New("thehive: the API key is empty")
	}
	c := &Client{guard: cfg.Guard, wanted: cfg.Organisation, files: cfg.FileBaseDir, filter: egress.Filter{Suffixes: cfg.InternalSuffixes}, local: map[string]bool{}}
	for _, name := range cfg.LocalAnalyzers {
		c.local[strings.ToLower(name)] = true
	}
	c.upstream = fmt.Sprintf("TheHive at %s as key %s", cfg.BaseURL, httpx.Fingerprint(cfg.APIKey))
	if cfg.Organisation != "" {
		c.upstream += " in " + cfg.Organisation
	}
	h, err := httpx.New(httpx.Options{
		System: "thehive", Prefix: "THEHIVE_", BaseURL: cfg.BaseURL, Connect: cfg.Options, Guard: cfg.Guard, Upstream: c.upstream, Secrets: []string{cfg.APIKey}, Credentials: []string{"API_KEY"},
		Auth: func(ctx context.Context, r *http.Request, _ int) error {
			if e, _ := connect.EndpointFrom(ctx); e.ID != wire.CreateCaseEndpoint.ID || c.version.Load() != nil {
				if err := c.checkVersion(ctx); err != nil {
					return err
				}
			} // else: the case that is answered tells, so that opening one is one request
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
	c.wire = &wire.Client{HTTP: h}
	return c, nil
}

// String says which TheHive the client talks to and under which credential,
// without giving that away.
func (c *Client) String() string { return c.upstream }
