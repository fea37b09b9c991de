package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/settings"
)

// Config says which part of ATT&CK a [Client] knows, and from where.
type Config struct {
	// DataDir is a folder with MITRE's STIX bundles, as [Open] reads them. Empty means the embedded facts, and so
	// does a folder without any, which answers then say.
	DataDir string
	// SigmaDir is a folder with Sigma rules of one's own, for [Client.SigmaRules]. It may be empty.
	SigmaDir string
	// UpdateFrom is where [Client.UpdateData] gets bundles: a folder with bundles, or an address below which they lie as
	// MITRE publishes them, <domain>-attack/<domain>-attack.json. Empty means [Published], off that there are no updates.
	UpdateFrom string
	// Fetch gets what lies at an address. It is needed where UpdateFrom is one.
	Fetch func(ctx context.Context, url string) (io.ReadCloser, error)
	// Domains are the domains to know. None means Enterprise only.
	Domains []Domain
	// Logger hears what is odd. Nil: nobody does.
	Logger *slog.Logger
	// Warnings are what ConfigFromEnv found odd. New logs them.
	Warnings []string
}

// ConfigFromEnv reads MITRE_DATA_DIR, MITRE_UPDATE_FROM and MITRE_MATRICES, a list of enterprise, mobile and ics separated
// by commas. All are optional. Everything that is malformed is in the error, and so is a variable that is nearly one of these; Warnings
// names the others that begin with MITRE_.
func ConfigFromEnv() (Config, error) { return configFrom(os.Environ()) }

func configFrom(environ []string) (Config, error) {
	var read struct {
		Config
		Matrices []string
	}
	warnings, err := settings.ATTACK().Read(environ, &read)
	errs := []error{err}
	c := read.Config
	c.Warnings = warnings
	for _, name := range read.Matrices {
		d := Domain(strings.ToLower(name))
		switch {
		case slices.Contains(c.Domains, d):
		case slices.Contains(domains[len(domains)-1], d):
			c.Domains = append(c.Domains, d)
		default:
			errs = append(errs, fmt.Errorf("MITRE_MATRICES: no matrix %q: choose from %s", clip.Text(name, 40), join(domains[len(domains)-1])))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("attack: %w", err)
	}
	return c, nil
}

// Client offers a knowledge base as operations, each with one input and one output. It is safe for concurrent use.
type Client struct {
	config Config
	kb     atomic.Pointer[KB]
	turn   chan struct{} // held while loading
}

// New makes a client. It touches neither disk nor network: the knowledge base is opened by the first call that needs it.
func New(c Config) (*Client, error) {
	if len(c.Domains) == 0 {
		c.Domains = []Domain{Enterprise}
	}
	if _, err := domainSet(c.Domains); err != nil {
		return nil, err
	}
	c.Domains = slices.Clone(c.Domains)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for _, w := range c.Warnings {
		c.Logger.Warn(w, "system", "attack")
	}
	return &Client{config: c, turn: make(chan struct{}, 1)}, nil
}

// KB returns the knowledge base of the client, and opens it if need be. A failure isn't remembered: the next call tries
// again.
func (c *Client) KB(ctx context.Context) (*KB, error) {
	if kb := c.kb.Load(); kb != nil && !c.filled(kb) {
		return kb, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("attack: %w", context.Cause(ctx))
	}
	if kb := c.kb.Load(); kb != nil && !c.filled(kb) {
		return kb, nil
	}
	kb, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	c.kb.Store(kb)
	return kb, nil
}

func (c *Client) open(ctx context.Context) (*KB, error) {
	if c.config.DataDir == "" {
		return Embedded(c.config.Domains...)
	}
	kb, err := Open(ctx, c.config.DataDir, c.config.Domains...)
	if !errors.Is(err, errNoBundle) {
		return kb, err
	}
	if kb, err = Embedded(c.config.Domains...); err != nil {
		return nil, err
	}
	kb.fallback = fmt.Sprintf("The data folder %s has no bundle of these matrices, so these are the embedded facts, without descriptions, procedures or references; mitre_update_data can fill it.", c.config.DataDir)
	c.config.Logger.Warn(kb.fallback, "system", "attack")
	return kb, nil
}

// filled reports whether kb was taken because there were no bundles, and there
// are some now.
func (c *Client) filled(kb *KB) bool {
	if kb.fallback == "" {
		return false
	}
	_, err := facts.Find(c.config.DataDir, kb.domains, "")
	return err == nil
}
