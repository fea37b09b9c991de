package wazuh

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/env"
)

// Config configures a [Client]. BaseURL, Username and Password are required.
type Config struct {
	BaseURL  string // of the server API, https://wazuh.example.org:55000; a base path is kept
	Username string
	Password string // never printed
	Version  string // of Wazuh, such as "4.14" or "5"; empty: the server is asked, once

	TLS           *tls.Config       // of the server API alone; nil: the defaults
	CAFile        string            // PEM file of further certificate authorities
	SkipTLSVerify bool              // accept any certificate; logged as a warning
	Transport     http.RoundTripper // replaces the transport and the TLS settings
	Timeout       time.Duration     // of one attempt; default 30 s
	MaxBody       int64             // bytes of one answer; default 10 MiB

	Indexer IndexerConfig // where the alerts are; the zero value: none

	UserAgent string       // default: Go's
	Logger    *slog.Logger // default: silent
	Guard     *gate.Guard  // the gate on the wire; nil: a plain client
}

// IndexerConfig says how to reach the indexer. It shares nothing with the
// server API: neither credentials nor TLS settings nor timeouts.
type IndexerConfig struct {
	BaseURL  string // https://wazuh.example.org:9200; empty: there is no indexer
	Username string // default: admin
	Password string // required with BaseURL; never printed

	TLS           *tls.Config
	CAFile        string
	SkipTLSVerify bool
	Transport     http.RoundTripper
	Timeout       time.Duration // of one attempt; default 30 s
	MaxBody       int64         // bytes of one answer; default 10 MiB
}

const (
	defaultIndexerUser = "admin"
	defaultTimeout     = 30 * time.Second
)

// String hides the passwords.
func (c Config) String() string {
	return fmt.Sprintf("wazuh.Config{BaseURL: %q, Username: %q, Indexer: %v}", redacted(c.BaseURL), c.Username, c.Indexer)
}

// GoString hides the passwords.
func (c Config) GoString() string { return c.String() }

// LogValue hides the passwords.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String hides the password.
func (c IndexerConfig) String() string {
	return fmt.Sprintf("wazuh.IndexerConfig{BaseURL: %q, Username: %q}", redacted(c.BaseURL), c.Username)
}

// GoString hides the password.
func (c IndexerConfig) GoString() string { return c.String() }

// LogValue hides the password.
func (c IndexerConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

func redacted(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

// envSensitive is the operator's switch for the unredacted manager configuration.
const envSensitive = "WAZUH_ALLOW_SENSITIVE_CONFIG"

// ConfigFromEnv reads WAZUH_URL, WAZUH_USERNAME, WAZUH_PASSWORD, WAZUH_VERSION
// (of Wazuh; asked for unless given), WAZUH_CA_FILE, WAZUH_VERIFY_SSL (default true) and WAZUH_TIMEOUT (seconds), and for the
// indexer, which is optional, WAZUH_INDEXER_URL, WAZUH_INDEXER_USERNAME (default
// admin), WAZUH_INDEXER_PASSWORD, WAZUH_INDEXER_CA_FILE,
// WAZUH_INDEXER_VERIFY_SSL (default true) and WAZUH_INDEXER_TIMEOUT.
// WAZUH_BASE_URL and WAZUH_USER are other names of the first two. It reports all
// that is missing or malformed at once; a variable that begins with WAZUH_ and
// isn't known is an error.
func ConfigFromEnv() (Config, error) { return configFrom(os.Environ()) }

func configFrom(environ []string) (Config, error) {
	r := env.New("WAZUH_", environ)
	var errs []error
	required := func(name, alias string) string {
		other := r.String(alias)
		if other == "" {
			return r.Required(name)
		}
		if v := r.String(name); v != "" && v != other {
			errs = append(errs, fmt.Errorf("%s and %s, which mean the same, differ", name, alias))
		}
		return other
	}
	c := Config{
		BaseURL:       required("WAZUH_URL", "WAZUH_BASE_URL"),
		Username:      required("WAZUH_USERNAME", "WAZUH_USER"),
		Password:      r.Required("WAZUH_PASSWORD"),
		Version:       r.String("WAZUH_VERSION"),
		CAFile:        r.String("WAZUH_CA_FILE"),
		SkipTLSVerify: !r.Bool("WAZUH_VERIFY_SSL", true),
		Timeout:       r.Seconds("WAZUH_TIMEOUT"),
		Indexer: IndexerConfig{
			BaseURL:       r.String("WAZUH_INDEXER_URL"),
			Username:      r.String("WAZUH_INDEXER_USERNAME"),
			Password:      r.String("WAZUH_INDEXER_PASSWORD"),
			CAFile:        r.String("WAZUH_INDEXER_CA_FILE"),
			SkipTLSVerify: !r.Bool("WAZUH_INDEXER_VERIFY_SSL", true),
			Timeout:       r.Seconds("WAZUH_INDEXER_TIMEOUT"),
		},
	}
	if c.Version != "" {
		if _, err := major(c.Version); err != nil {
			errs = append(errs, fmt.Errorf("WAZUH_VERSION: %w", err))
		}
	}
	switch {
	case c.Indexer.BaseURL != "":
		r.Required("WAZUH_INDEXER_PASSWORD")
	case c.Indexer.Password != "":
		errs = append(errs, errors.New("WAZUH_INDEXER_PASSWORD is set and WAZUH_INDEXER_URL is not"))
	}
	if c.Indexer.Username == "" {
		c.Indexer.Username = defaultIndexerUser
	}
	r.Known(envSensitive)
	if err := errors.Join(append(errs, r.Err())...); err != nil {
		return Config{}, fmt.Errorf("wazuh: %w", err)
	}
	return c, nil
}
