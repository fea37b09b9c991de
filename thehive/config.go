package thehive

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/settings"
)

// Config configures a [Client]. BaseURL and APIKey are required.
type Config struct {
	BaseURL      string // https://hive.example.org; a base path is kept
	APIKey       string // never printed
	Organisation string // which of the user's organisations; empty: the user's default

	// LocalAnalyzers names the analyzers, by name or id, that show an observable
	// to nobody outside. Every other one is a third party.
	LocalAnalyzers []string
	// InternalSuffixes are domains whose names are internal, such as
	// "example.org", beside those that are so everywhere.
	InternalSuffixes []string
	// FileBaseDir is below what files may be attached from by their path, and
	// saved to. Empty: they go in and out by their content only.
	FileBaseDir string

	connect.Options             // TLS, proxy, time-outs, retries, log
	Guard           *gate.Guard // the gate on the wire; nil: a plain client
}

// String hides the key.
func (c Config) String() string { return fmt.Sprintf("thehive.Config{BaseURL: %q}", c.BaseURL) }

// GoString hides the key.
func (c Config) GoString() string { return c.String() }

// LogValue hides the key.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// The operator's switches that lock operations of this package.
const (
	envDestructive = "THEHIVE_ALLOW_DESTRUCTIVE_TOOLS"
	envRawQuery    = "THEHIVE_ENABLE_RAW_QUERY"
)

// ConfigFromEnv reads THEHIVE_URL, THEHIVE_API_KEY, THEHIVE_ORGANISATION,
// THEHIVE_LOCAL_ANALYZERS and THEHIVE_INTERNAL_SUFFIXES (both separated by
// commas), THEHIVE_FILE_BASE_DIR, and the connection's: THEHIVE_CA_FILE, THEHIVE_TIMEOUT and so on, as
// the pages of the servers list them. The key may be in a file that
// THEHIVE_API_KEY_FILE names. It reports all that is missing or malformed at
// once, and a variable that is nearly one of these; Warnings names the others.
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
	if c.Warnings, err = settings.TheHive().Read(environ, &c); err != nil {
		return Config{}, fmt.Errorf("thehive: %w", err)
	}
	return c, nil
}
