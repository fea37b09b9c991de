package cortex

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/settings"
)

// Config configures a [Client]. BaseURL and APIKey are required.
type Config struct {
	BaseURL string // https://cortex.example.org, without /api; a base path is kept
	APIKey  string // never printed

	// SuperadminKey is for organisations and users, and for the definitions of
	// analyzers and responders. Never printed. Empty: the first two are refused.
	SuperadminKey string
	// KeyDir is where the keys of users are written to. Empty: none is fetched.
	KeyDir string
	// SecretsDir holds what the configurations of workers need and no caller may
	// know: a JSON object in each of <definition id>.json and <base configuration>.json.
	SecretsDir string
	// FileBaseDir is below what files may be submitted from by their path. Empty:
	// by content only.
	FileBaseDir string
	// MaxFile is how many bytes a file may have that is submitted. Default 10 MB, which is what Cortex
	// takes unless its play.http.parser.maxDiskBuffer is larger.
	MaxFile int64

	// MaxFanout is how many analyzers one call may submit an observable to.
	// Default 10; at most 100.
	MaxFanout int
	// LocalAnalyzers names the analyzers, by name or id, that show an observable
	// to nobody outside. Every other one is a third party.
	LocalAnalyzers []string
	// InternalSuffixes are domains whose names are internal, such as
	// "example.org", beside those that are so everywhere.
	InternalSuffixes []string
	// Entity fetches what a responder shall act on: objectType is case, case_task,
	// case_artifact or alert, objectID its id in TheHive. Without it the caller of
	// RunResponder gives the entity.
	Entity func(ctx context.Context, objectType, objectID string) (json.RawMessage, error)

	connect.Options             // TLS, proxy, time-outs, retries, log; waiting for a job takes several attempts
	Guard           *gate.Guard // the gate on the wire; nil: a plain client
}

// String hides the key.
func (c Config) String() string { return fmt.Sprintf("cortex.Config{BaseURL: %q}", c.BaseURL) }

// GoString hides the key.
func (c Config) GoString() string { return c.String() }

// LogValue hides the key.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

const (
	defaultFanout  = 10
	maxFanout      = 100
	defaultMaxFile = 10 << 20
)

// The settings that lock operations of this package.
const (
	envDestructive = "CORTEX_ALLOW_DESTRUCTIVE"
	envSuperadmin  = "CORTEX_SUPERADMIN_KEY"
)

// ConfigFromEnv reads CORTEX_URL, CORTEX_API_KEY, CORTEX_SUPERADMIN_KEY,
// CORTEX_KEY_DIR, CORTEX_SECRETS_DIR, CORTEX_FILE_BASE_DIR, CORTEX_MAX_FANOUT,
// CORTEX_LOCAL_ANALYZERS and CORTEX_INTERNAL_SUFFIXES (both separated by commas),
// and the connection's: CORTEX_CA_FILE, CORTEX_TIMEOUT and so on, as
// the pages of the servers list them. A key may be in a file, as
// CORTEX_API_KEY_FILE names it. It reports all that is missing or malformed at
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
	if c.Warnings, err = settings.Cortex().Read(environ, &c); err != nil {
		return Config{}, fmt.Errorf("cortex: %w", err)
	}
	return c, nil
}
