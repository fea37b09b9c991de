package connect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/settings"
)

// Defaults of [Options].
const (
	DefaultTimeout     = 30 * time.Second
	DefaultMaxBody     = 10 << 20
	DefaultMaxInFlight = 16
	DefaultAttempts    = 4
	DefaultMaxWait     = 10 * time.Second
)

// Options say how to reach one server. The zero value verifies its certificate
// against the system's authorities and goes through the proxy that the
// environment names.
type Options struct {
	// CAFile is a PEM file of certificate authorities beside the system's.
	CAFile string
	// TLSServerName is the name that the server's certificate is for, where that
	// isn't the one in the URL.
	TLSServerName string
	// TLSFingerprint is the SHA-256 of the server's certificate in hexadecimal,
	// with or without colons. No other is accepted then, and this one whoever
	// signed it, whatever name it is for.
	TLSFingerprint string
	// SkipTLSVerify accepts any certificate. It is logged as a warning.
	SkipTLSVerify bool
	// ClientCertFile and ClientKeyFile are PEM files of the certificate that this
	// side shows, and of its key. They're read anew for each connection.
	ClientCertFile, ClientKeyFile string
	// TLS is the base of all of the above. Nil: the defaults, from TLS 1.2.
	TLS *tls.Config

	// HeadersFile is a file of headers that go with each request, such as those
	// for an authenticating proxy: "Name: value", one a line.
	HeadersFile string
	// Proxy is the URL of a proxy, which may hold credentials; "none" is none.
	// Empty: HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
	Proxy string

	// Transport sends the requests, instead of one made of all of the above, which
	// must then be unset. Nil where http.DefaultTransport was replaced by a type of
	// somebody else's: that one, unless something above is set.
	Transport http.RoundTripper
	// Wrap is called once with what sends the requests, and returns what does so
	// instead: for metrics, traces and recordings. [EndpointFrom] tells which
	// operation a request is for. The gate stays below it.
	Wrap func(http.RoundTripper) http.RoundTripper

	// Timeout is that of one attempt, connecting and reading included. Default 30 s.
	Timeout time.Duration
	// MaxBody is how many bytes an answer may have. Default 10 MiB.
	MaxBody int64
	// MaxInFlight is how many requests are under way at once; more wait. Default
	// 16. As many connections are kept.
	MaxInFlight int
	// Retry says when a request is repeated.
	Retry Retry

	UserAgent string       // default: Go's
	Logger    *slog.Logger // requests and retries at Debug, what is odd as Warn; default: silent

	// Warnings are what ConfigFromEnv found odd. New logs them.
	Warnings []string
}

// Retry says when a request is repeated: a read after 429, 502, 503 and lost
// connections, and after 504 unless it is a search that the platform may still
// be busy with; a write after 429 and when nobody was reached. The server's
// Retry-After is kept to; otherwise the waits grow.
type Retry struct {
	Off      bool          // never
	Attempts int           // in all; default 4
	MaxWait  time.Duration // one that the server wants longer isn't waited: the error has it as RetryAfter; default 10 s
}

// WithDefaults returns o with what isn't set as it will be.
func (o Options) WithDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.Retry.Attempts <= 0 {
		o.Retry.Attempts = DefaultAttempts
	}
	if o.Retry.Off {
		o.Retry.Attempts = 1
	}
	if o.Retry.MaxWait <= 0 {
		o.Retry.MaxWait = DefaultMaxWait
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// String names what is set and could not be a secret.
func (o Options) String() string {
	var parts []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"TLS", o.TLS != nil}, {"CAFile", o.CAFile != ""}, {"TLSServerName", o.TLSServerName != ""}, {"TLSFingerprint", o.TLSFingerprint != ""},
		{"SkipTLSVerify", o.SkipTLSVerify}, {"ClientCertFile", o.ClientCertFile != ""}, {"HeadersFile", o.HeadersFile != ""},
		{"Proxy", o.Proxy != ""}, {"Transport", o.Transport != nil}, {"Wrap", o.Wrap != nil},
	} {
		if f.set {
			parts = append(parts, f.name)
		}
	}
	return "connect.Options{" + strings.Join(parts, ", ") + "}"
}

// GoString is String.
func (o Options) GoString() string { return o.String() }

// LogValue is String.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// RoundTripper returns what sends the requests, without Wrap, and the secrets
// that it knows. It reads the files and doesn't dial.
func (o Options) RoundTripper() (rt http.RoundTripper, secrets []string, err error) {
	own := o.own()
	rt = o.Transport
	if rt == nil && len(own) == 0 {
		if _, ours := http.DefaultTransport.(*http.Transport); !ours {
			rt = http.DefaultTransport
		}
	}
	switch {
	case rt == nil:
		if rt, secrets, err = o.transport(); err != nil {
			return nil, nil, err
		}
	case len(own) > 0:
		return nil, nil, fmt.Errorf("the Transport and %s exclude each other: use Wrap to watch the transport that these make", strings.Join(own, ", "))
	}
	if o.HeadersFile == "" {
		return rt, secrets, nil
	}
	h, err := readHeaders(o.HeadersFile)
	if err != nil {
		return nil, nil, fmt.Errorf("HeadersFile: %w", err)
	}
	for _, values := range h {
		secrets = append(secrets, values...)
	}
	return &headed{rt, h}, secrets, nil
}

// own names the settings that a foreign transport would not keep to.
func (o Options) own() (names []string) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"TLS", o.TLS != nil}, {"CAFile", o.CAFile != ""}, {"TLSServerName", o.TLSServerName != ""}, {"TLSFingerprint", o.TLSFingerprint != ""},
		{"SkipTLSVerify", o.SkipTLSVerify}, {"ClientCertFile", o.ClientCertFile != ""}, {"ClientKeyFile", o.ClientKeyFile != ""}, {"Proxy", o.Proxy != ""},
	} {
		if f.set {
			names = append(names, f.name)
		}
	}
	return names
}

const (
	maxHeaderBytes = 256 << 10 // of an answer
	maxPEM         = 8 << 20
	maxHeaders     = 64 << 10 // of the file
)

func (o Options) transport() (*http.Transport, []string, error) {
	o = o.WithDefaults()
	conf, err := o.tls()
	if err != nil {
		return nil, nil, err
	}
	tr := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           o.MaxInFlight,
		MaxIdleConnsPerHost:    o.MaxInFlight,
		MaxConnsPerHost:        2 * o.MaxInFlight,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		TLSClientConfig:        conf,
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
			if res.StatusCode != http.StatusOK {
				return &ProxyError{Host: proxy.Host, Status: res.StatusCode}
			}
			return nil
		},
	}
	if o.Proxy == "" {
		return tr, fromEnvironment(), nil
	}
	if o.Proxy == "none" {
		tr.Proxy = nil
		return tr, nil, nil
	}
	u, err := url.Parse(o.Proxy)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		return nil, nil, errors.New("the Proxy: want the URL of a proxy (http, https or socks5), or none")
	}
	tr.Proxy = http.ProxyURL(u)
	return tr, append(proxySecrets(u), o.Proxy), nil
}

// proxySecrets returns the credentials in the URL of a proxy, also as they go over
// the wire.
func proxySecrets(u *url.URL) []string {
	password, ok := u.User.Password()
	if !ok {
		return nil
	}
	return []string{password, base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))}
}

// fromEnvironment returns the credentials of the proxies that the environment names.
func fromEnvironment() (secrets []string) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if u, err := url.Parse(os.Getenv(name)); err == nil {
			secrets = append(secrets, proxySecrets(u)...)
		}
	}
	return secrets
}

// tls makes the TLS settings.
func (o Options) tls() (*tls.Config, error) {
	conf := o.TLS.Clone()
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if o.TLSServerName != "" {
		conf.ServerName = o.TLSServerName
	}
	if o.SkipTLSVerify {
		conf.InsecureSkipVerify = true
	}
	if o.CAFile != "" {
		pem, err := readFile(o.CAFile, maxPEM)
		if err != nil {
			return nil, fmt.Errorf("CA file: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA file %s holds no PEM certificate", o.CAFile)
		}
		conf.RootCAs = pool
	}
	if err := o.pin(conf); err != nil {
		return nil, err
	}
	switch {
	case o.ClientCertFile == "" && o.ClientKeyFile == "":
		return conf, nil
	case o.ClientCertFile == "":
		return nil, errors.New("there is a key for a client certificate and no certificate")
	case o.ClientKeyFile == "":
		return nil, errors.New("there is a client certificate and no key for it")
	}
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert, err := readFile(o.ClientCertFile, maxPEM)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		key, err := readFile(o.ClientKeyFile, maxPEM)
		if err != nil {
			return nil, fmt.Errorf("key of the client certificate: %w", err)
		}
		if isEncrypted(key) {
			return nil, fmt.Errorf("key of the client certificate: %s is encrypted with a passphrase, which nobody is here to type: openssl pkey -in %[1]s -out FILE writes it without one", o.ClientKeyFile)
		}
		c, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		return &c, nil
	}
	if _, err := load(nil); err != nil {
		return nil, err
	}
	conf.GetClientCertificate = load
	return conf, nil
}

// isEncrypted reports whether a key in PEM needs a passphrase.
func isEncrypted(key []byte) bool {
	return bytes.Contains(key, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----")) || bytes.Contains(key, []byte("Proc-Type: 4,ENCRYPTED"))
}

// pin has conf accept the one certificate that is named by its fingerprint.
func (o Options) pin(conf *tls.Config) error {
	if o.TLSFingerprint == "" {
		return nil
	}
	want, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(o.TLSFingerprint), ":", ""))
	if err != nil || len(want) != sha256.Size {
		return errors.New("TLSFingerprint: want the SHA-256 of the certificate, 64 hexadecimal digits with or without colons")
	}
	if o.SkipTLSVerify || o.CAFile != "" || o.TLSServerName != "" {
		return errors.New("TLSFingerprint and SkipTLSVerify, CAFile or TLSServerName exclude each other: the fingerprint alone says which certificate is right")
	}
	conf.InsecureSkipVerify = true // what follows is stricter
	conf.VerifyConnection = func(s tls.ConnectionState) error {
		have := sha256.Sum256(s.PeerCertificates[0].Raw)
		if !bytes.Equal(have[:], want) {
			return &FingerprintError{Have: hex.EncodeToString(have[:])}
		}
		return nil
	}
	return nil
}

// A FingerprintError says that the server's certificate isn't the pinned one.
type FingerprintError struct {
	Have string // the SHA-256 of the one that the server showed
}

// Error says which certificate there is.
func (e *FingerprintError) Error() string {
	return "the server's certificate has the fingerprint " + e.Have + ", which is not the one that is set"
}

// A ProxyError says that a proxy didn't connect to the server.
type ProxyError struct {
	Host   string // of the proxy
	Status int    // the status of the proxy's answer
}

// Error says what the proxy answered.
func (e *ProxyError) Error() string {
	text := fmt.Sprintf("the proxy %s refuses to connect: HTTP %d %s", e.Host, e.Status, http.StatusText(e.Status))
	if e.Status == http.StatusProxyAuthRequired {
		text += "; it wants a user and a password, in its URL"
	}
	return text
}

// headed adds headers to each request.
type headed struct {
	base   http.RoundTripper
	header http.Header
}

func (t *headed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, values := range t.header {
		r.Header[name] = values
	}
	return t.base.RoundTrip(r)
}

// Headers returns what is in HeadersFile.
func (o Options) Headers() (http.Header, error) {
	if o.HeadersFile == "" {
		return nil, nil
	}
	return readHeaders(o.HeadersFile)
}

// readHeaders reads a file of headers. What belongs to a request itself can't be
// set so.
func readHeaders(file string) (http.Header, error) {
	b, err := readFile(file, maxHeaders)
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || !isToken(name) || value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("%s, line %d: want Name: value", file, n)
		}
		name = http.CanonicalHeaderKey(name)
		switch name {
		case "Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Accept", "Accept-Encoding", "Upgrade":
			return nil, fmt.Errorf("%s, line %d: %s belongs to the request and can't be set", file, n, name)
		}
		h[name] = append(h[name], value)
	}
	if len(h) == 0 {
		return nil, fmt.Errorf("%s holds no header", file)
	}
	return h, nil
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

func readFile(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, settings.FileError(file, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", file, limit)
	}
	return b, err
}

type endpointKey struct{}

// WithEndpoint returns a context for a request of endpoint e.
func WithEndpoint(ctx context.Context, e gate.Endpoint) context.Context {
	return context.WithValue(ctx, endpointKey{}, e)
}

// EndpointFrom returns which endpoint a request with this context calls, for
// transports that watch: its ID is the operation's name.
func EndpointFrom(ctx context.Context) (gate.Endpoint, bool) {
	e, ok := ctx.Value(endpointKey{}).(gate.Endpoint)
	return e, ok
}

// Ptr returns a pointer to v, for the fields that tell false and 0 from nothing:
//
//	thehive.CreateCaseInput{TLP: connect.Ptr(thehive.TLPRed)}
func Ptr[T any](v T) *T { return &v }
