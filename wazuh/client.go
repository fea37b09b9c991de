package wazuh

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A Client talks to one Wazuh server and, when there is one, its indexer. It is
// safe for concurrent use.
type Client struct {
	wire     *wire.Client
	indexer  *indexer.Client // nil: none is configured
	guard    *gate.Guard
	upstream string
	session  *session

	settings [2]Settings // of the server API and of the indexer

	zone  *time.Location // in which times without one are meant
	cache fieldCache

	alerts string   // patterns of the alerts' indices, if not Wazuh's own
	states []string // what the names of the states' indices begin with, if not as Wazuh's own
	cases  CaseBook
	allows []gate.Response // responses that the operator allows
	tuning sync.Mutex      // held by who changes the manager's rules

	label clause // what every alert must match, or nil

	pinned  string        // the version that the settings name
	version string        // the server's, once known
	asking  chan struct{} // held by who reads or writes version
}

// New returns a Client. It doesn't touch the network.
func New(cfg Config) (*Client, error) {
	var errs []error
	if cfg.Username == "" {
		errs = append(errs, errors.New("wazuh: the user name is empty"))
	}
	if cfg.Password == "" {
		errs = append(errs, errors.New("wazuh: the password is empty"))
	}
	c := &Client{zone: time.UTC, guard: cfg.Guard, pinned: cfg.Version, version: cfg.Version, asking: make(chan struct{}, 1)}
	var err error
	if cfg.Version != "" {
		if _, err := major(cfg.Version); err != nil {
			errs = append(errs, err)
		}
	}
	if cfg.TimeZone != "" {
		if c.zone, err = time.LoadLocation(cfg.TimeZone); err != nil {
			errs = append(errs, fmt.Errorf("wazuh: the time zone %q is not known here: %w", cfg.TimeZone, err))
		}
	}
	if cfg.AlertIndex != "" && !indexPatterns.MatchString(cfg.AlertIndex) {
		errs = append(errs, fmt.Errorf("wazuh: the alert indices %q: want patterns such as wazuh-alerts-*, with commas between, a remote cluster's as site1:wazuh-alerts-*", cfg.AlertIndex))
	}
	c.alerts, c.cases, c.allows = cfg.AlertIndex, cfg.Cases, cfg.Responses
	if cfg.Guard != nil {
		c.allows = cfg.Guard.Responses()
	}
	if c.states, err = beginnings(cfg.StateIndex); err != nil {
		errs = append(errs, err)
	}
	if cfg.Label != "" {
		if c.label, err = labelled(cfg.Label, termFold); err != nil {
			errs = append(errs, err)
		}
	}
	if c.wire, c.session, err = newManager(cfg); err != nil {
		errs = append(errs, err)
	}
	c.upstream = fmt.Sprintf("Wazuh at %s as %s", redacted(cfg.BaseURL), cfg.Username)

	ix := cfg.Indexer
	c.settings = [2]Settings{settingsOf(cfg.BaseURL, cfg.SkipTLSVerify, cfg.Timeout), settingsOf(ix.BaseURL, ix.SkipTLSVerify, ix.Timeout)}
	switch {
	case ix.BaseURL != "":
		if ix.Username == "" {
			ix.Username = defaultIndexerUser
		}
		if ix.Password == "" && ix.ClientCertFile == "" {
			errs = append(errs, errors.New("wazuh: the indexer's password is empty, and there is no client certificate"))
		}
		if c.indexer, err = newIndexer(cfg, ix); err != nil {
			errs = append(errs, err)
		}
		c.upstream += fmt.Sprintf(", its indexer at %s as %s", redacted(ix.BaseURL), ix.Username)
	case ix.Password != "":
		errs = append(errs, errors.New("wazuh: there is a password for the indexer and no URL"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

func newManager(cfg Config) (*wire.Client, *session, error) {
	o := httpx.Options{
		System: "wazuh", Prefix: "WAZUH_", BaseURL: cfg.BaseURL, Connect: cfg.Options, Guard: cfg.Guard,
		Secrets: secrets(cfg.Username, cfg.Password), Credentials: []string{"USERNAME", "PASSWORD"}, Fail: fail,
	}
	var login *httpx.Client
	s := newSession(func(ctx context.Context) (string, error) {
		return token((&wire.Client{HTTP: login}).Authenticate(ctx))
	})
	o.Auth, o.Renewals = s.authorize, maxRefusals
	o.Fail = func(f *httpx.Failure) error {
		err := fail(f)
		var e *Error
		if f.Status == http.StatusUnauthorized && s.several() && errors.As(err, &e) {
			e.Remediation = strings.TrimPrefix(e.Remediation+"; tokens that were just given are refused: if nodes of a cluster share the address, name the master's own in WAZUH_URL", "; ")
		}
		return err
	}
	h, err := httpx.New(o)
	if err != nil {
		return nil, nil, err
	}
	// Logging in has a client of its own: a 401 there is final, and a second attempt
	// would only count towards the lock-out. It goes over the same connections, each of
	// which may lead to another node.
	o.Quiet = true
	o.Fail, o.Over, o.Auth, o.Renewals = fail, h, basic(cfg.Username, cfg.Password), 0
	if login, err = httpx.New(o); err != nil {
		return nil, nil, err
	}
	return &wire.Client{HTTP: h}, s, nil
}

func newIndexer(cfg Config, ix IndexerConfig) (*indexer.Client, error) {
	if ix.Logger == nil {
		ix.Logger = cfg.Logger
	}
	if ix.UserAgent == "" {
		ix.UserAgent = cfg.UserAgent
	}
	if ix.Wrap == nil {
		ix.Wrap = cfg.Wrap
	}
	var auth func(context.Context, *http.Request, int) error
	if ix.Password != "" { // else the client's certificate says who it is
		auth = basic(ix.Username, ix.Password)
	}
	h, err := httpx.New(httpx.Options{
		System: "wazuh indexer", Prefix: "WAZUH_INDEXER_", BaseURL: ix.BaseURL, Connect: ix.Options, Guard: cfg.Guard,
		Secrets: secrets(ix.Username, ix.Password), Credentials: []string{"USERNAME", "PASSWORD"}, Auth: auth, Fail: failIndexer,
	})
	if err != nil {
		return nil, err
	}
	return &indexer.Client{HTTP: h}, nil
}

func basic(user, password string) func(context.Context, *http.Request, int) error {
	return func(_ context.Context, r *http.Request, _ int) error {
		r.SetBasicAuth(user, password)
		return nil
	}
}

func secrets(user, password string) []string {
	return []string{base64.StdEncoding.EncodeToString([]byte(user + ":" + password)), password}
}

// String says which Wazuh the client talks to and as whom.
func (c *Client) String() string { return c.upstream }

// GoString is String.
func (c *Client) GoString() string { return c.upstream }

func settingsOf(url string, skip bool, timeout time.Duration) Settings {
	if timeout == 0 {
		timeout = connect.DefaultTimeout
	}
	return Settings{URL: redacted(url), VerifySSL: !skip, TimeoutMS: timeout.Milliseconds()}
}
