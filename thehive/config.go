package thehive

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/env"
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
// THEHIVE_CA_FILE, THEHIVE_VERIFY_SSL (default true), THEHIVE_TIMEOUT (seconds),
// THEHIVE_LOCAL_ANALYZERS and THEHIVE_INTERNAL_SUFFIXES (both separated by
// commas). It reports all that is missing or malformed at once; a variable
// that begins with THEHIVE_ and isn't known is an error.
func ConfigFromEnv() (Config, error) { return configFrom(os.Environ()) }

func configFrom(environ []string) (Config, error) {
	r := env.New("THEHIVE_", environ)
	c := Config{
		BaseURL:       r.Required("THEHIVE_URL"),
		APIKey:        r.Required("THEHIVE_API_KEY"),
		Organisation:  r.String("THEHIVE_ORGANISATION"),
		CAFile:        r.String("THEHIVE_CA_FILE"),
		SkipTLSVerify: !r.Bool("THEHIVE_VERIFY_SSL", true),
		Timeout:       r.Seconds("THEHIVE_TIMEOUT"),

		LocalAnalyzers:   commas(r.String("THEHIVE_LOCAL_ANALYZERS")),
		InternalSuffixes: commas(r.String("THEHIVE_INTERNAL_SUFFIXES")),
	}
	r.Known(envDestructive, envRawQuery)
	if err := r.Err(); err != nil {
		return Config{}, fmt.Errorf("thehive: %w", err)
	}
	return c, nil
}

// commas splits a list, without empty parts.
func commas(s string) (list []string) {
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}
