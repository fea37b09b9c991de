package misp

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/env"
)

// Config configures a [Client]. BaseURL and APIKey are required.
type Config struct {
	BaseURL string // https://misp.example.org; a base path is kept
	APIKey  string // never printed

	TLS           *tls.Config       // of this client alone; nil: the defaults
	CAFile        string            // PEM file of further certificate authorities
	SkipTLSVerify bool              // accept any certificate; logged as a warning
	Transport     http.RoundTripper // replaces the transport and the TLS settings

	Timeout   time.Duration // of one attempt; default 30 s
	MaxBody   int64         // bytes of one answer; default 10 MiB
	UserAgent string        // default: Go's
	Logger    *slog.Logger  // default: silent
	Guard     *gate.Guard   // the gate on the wire; nil: a plain client
}

// String hides the key.
func (c Config) String() string { return fmt.Sprintf("misp.Config{BaseURL: %q}", c.BaseURL) }

// GoString hides the key.
func (c Config) GoString() string { return c.String() }

// LogValue hides the key.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// The operator's switch that authorises operations of this package beforehand.
const envDestructive = "MISP_ALLOW_DESTRUCTIVE"

// ConfigFromEnv reads MISP_URL, MISP_API_KEY, MISP_CA_FILE, MISP_VERIFY_SSL
// (default true) and MISP_TIMEOUT (seconds). It reports all that is missing or
// malformed at once; a variable that begins with MISP_ and isn't known is an
// error.
func ConfigFromEnv() (Config, error) { return configFrom(os.Environ()) }

func configFrom(environ []string) (Config, error) {
	r := env.New("MISP_", environ)
	c := Config{
		BaseURL:       r.Required("MISP_URL"),
		APIKey:        r.Required("MISP_API_KEY"),
		CAFile:        r.String("MISP_CA_FILE"),
		SkipTLSVerify: !r.Bool("MISP_VERIFY_SSL", true),
		Timeout:       r.Seconds("MISP_TIMEOUT"),
	}
	r.Known(envDestructive)
	if err := r.Err(); err != nil {
		return Config{}, fmt.Errorf("misp: %w", err)
	}
	return c, nil
}
