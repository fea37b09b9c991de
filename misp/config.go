package misp

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
	BaseURL string // https://misp.example.org; a base path is kept
	APIKey  string // never printed

	FileBaseDir string // folder below which exports are saved; empty: they are in answers only

	connect.Options             // TLS, proxy, time-outs, retries, log
	Guard           *gate.Guard // the gate on the wire; nil: a plain client
}

// String hides the key.
func (c Config) String() string { return fmt.Sprintf("misp.Config{BaseURL: %q}", c.BaseURL) }

// GoString hides the key.
func (c Config) GoString() string { return c.String() }

// LogValue hides the key.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// The operator's switch that authorises operations of this package beforehand.
const envDestructive = "MISP_ALLOW_DESTRUCTIVE"

// ConfigFromEnv reads MISP_URL, MISP_API_KEY, MISP_FILE_BASE_DIR, and the connection's: MISP_CA_FILE,
// MISP_TIMEOUT and so on, as the page of the server lists them. The key may
// be in a file that MISP_API_KEY_FILE names. It reports all that is missing or
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
	if c.Warnings, err = settings.MISP().Read(environ, &c); err != nil {
		return Config{}, fmt.Errorf("misp: %w", err)
	}
	return c, nil
}
