package wazuh

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/settings"
)

// Config configures a [Client]. BaseURL, Username and Password are required.
type Config struct {
	BaseURL  string // of the server API, https://wazuh.example.org:55000; a base path is kept
	Username string // the API's user
	Password string // never printed
	Version  string // of Wazuh, such as "4.14" or "5"; empty: the server is asked, once

	connect.Options // of the server API: TLS, proxy, time-outs, retries, log

	TimeZone   string // in which times without one are meant and days are counted, such as Europe/Berlin; empty: UTC
	AlertIndex string // patterns of the indices that hold the alerts, with commas between; empty: those of Wazuh's own name
	StateIndex string // the same of the states: vulnerabilities, inventory, files; each pattern ends in *, and a kind's name takes its place
	Label      string // name=value: only alerts of agents with this label are seen; empty: all

	Cases     CaseBook        // where alerts are worked on, such as TheHive; the zero value: nowhere
	Responses []gate.Response // active responses that may be asked for; with a Guard those of its policy

	Indexer IndexerConfig // where the alerts are; the zero value: none
	Guard   *gate.Guard   // the gate on the wire; nil: a plain client
}

// IndexerConfig says how to reach the indexer. It shares nothing with the
// server API: neither credentials nor TLS settings nor time-outs. Log, user agent
// and wrapper are those of the server API unless it has its own.
type IndexerConfig struct {
	BaseURL  string // https://wazuh.example.org:9200; empty: there is no indexer
	Username string // default: admin
	Password string // required with BaseURL, unless a client certificate says who the client is; never printed

	connect.Options
}

const defaultIndexerUser = "admin"

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
// (of Wazuh; asked for unless given), for the indexer, which is optional,
// WAZUH_INDEXER_URL, WAZUH_INDEXER_USERNAME (default admin) and
// WAZUH_INDEXER_PASSWORD, and the connections': WAZUH_CA_FILE,
// WAZUH_INDEXER_CA_FILE and so on, as the page of the server lists them. A
// password may be in a file, as WAZUH_PASSWORD_FILE names it. WAZUH_BASE_URL and
// WAZUH_USER are other names of the first two. It reports all that is missing or
// malformed at once, and a variable that is nearly one of these; Warnings names
// the others.
func ConfigFromEnv() (Config, error) { return configFrom(os.Environ()) }

// FromEnv makes a client of what [ConfigFromEnv] reads, with g as the gate on the
// wire; nil: a plain client.
func FromEnv(g *gate.Guard) (*Client, error) {
	cfg, err := ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	cfg.Guard = g
	return New(cfg)
}

func configFrom(environ []string) (c Config, err error) {
	if c.Warnings, err = settings.Wazuh().Read(environ, &c); err != nil {
		return Config{}, fmt.Errorf("wazuh: %w", err)
	}
	if c.Version != "" {
		if _, err := major(c.Version); err != nil { // of an image, such as latest
			c.Warnings = append(c.Warnings, fmt.Sprintf("WAZUH_VERSION: %v; the server is asked", err))
			c.Version = ""
		}
	}
	if c.Indexer.BaseURL == "" {
		c.Indexer = IndexerConfig{}
	}
	return c, nil
}
