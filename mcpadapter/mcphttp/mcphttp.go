// Package mcphttp serves a server over streamable HTTP: who may call, how much
// at once, and which sessions there are.
package mcphttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/outlet"
)

// Options say how a server is served over streamable HTTP. The zero
// Options serve on a free port of 127.0.0.1, without tokens.
type Options struct {
	// Addr is the address to listen on. Beyond the loopback interface Tokens and
	// TLS must be set. Default: 127.0.0.1:0.
	Addr string
	// Tokens are who may call. With none, whoever reaches Addr may.
	Tokens *Tokens
	// TLS, if set, has the server's certificate.
	TLS *tls.Config
	// Hosts are the names that a request may be addressed to, without a port.
	// Default: localhost and the loopback addresses when Addr is on loopback,
	// else the host of Addr and the names in the certificate.
	Hosts []string
	// Origins are the web origins that may call, such as https://agent.example.
	// Default: none but those whose host the request is addressed to.
	Origins []string
	// MaxBody is how many bytes a request may have. Default: 4 MiB.
	MaxBody int64
	// MaxSessions is how many sessions there may be at once. Default: 100. Where
	// Tokens name several users, one may have a part of them: half if there are
	// two, a third if there are three, else a quarter. Who opens another ends the one
	// of their own, without a call in flight, that was idle for the longest.
	MaxSessions int
	// MaxRequests is how many calls may be in flight at once, and how many of which
	// the body hasn't arrived yet, each with the same part for a user. Default: 256.
	MaxRequests int
	// SessionTimeout ends a session without requests. Default: 30 minutes.
	SessionTimeout time.Duration
	// ShutdownTimeout is how long calls in flight may go on when the server
	// stops. Default: 30 seconds.
	ShutdownTimeout time.Duration
	// Logger receives where the server listens and whom it turned away.
	// Default: silent.
	Logger *slog.Logger
	// Listening, if set, is told the URL that clients connect to.
	Listening func(url string)
}

// Where [Serve] answers.
const (
	PathMCP    = "/mcp"
	PathHealth = "/healthz"
)

// noSessions is the protocol version since which there are no sessions.
const noSessions = "2026-07-28"

const bodyTime = 30 * time.Second // in which a request's body must arrive

func (o Options) withDefaults() Options {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 4 << 20
	}
	if o.MaxSessions <= 0 {
		o.MaxSessions = 100
	}
	if o.MaxRequests <= 0 {
		o.MaxRequests = 256
	}
	if o.SessionTimeout <= 0 {
		o.SessionTimeout = 30 * time.Minute
	}
	if o.ShutdownTimeout <= 0 {
		o.ShutdownTimeout = 30 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// An ExposedError says that a server would listen beyond the loopback interface without
// tokens or without TLS.
type ExposedError struct {
	Addr string // where it would listen
}

// Error names the options that are needed.
func (e *ExposedError) Error() string {
	return fmt.Sprintf("mcphttp: %s is not on the loopback interface: to listen there, Options.Tokens and Options.TLS are needed", e.Addr)
}

// Serve serves s over streamable HTTP at [PathMCP] until ctx ends: clients
// of the protocol version 2026-07-28 without sessions, older ones with them.
// At [PathHealth] it answers 200 to anybody. When ctx ends it takes no new
// request, lets the calls in flight end and closes the sessions. What hasn't
// ended by then is stopped; the journal has a write among it as unknown.
//
// The user of a bearer token is the principal of the calls it makes: the gate
// and its journal name that user, and a session belongs to the one who opened it.
// Beyond the loopback interface it serves no server that has no tokens or no TLS: see
// [ExposedError].
func Serve(ctx context.Context, s *mcpadapter.Server, opts Options) error {
	opts = opts.withDefaults()
	host, loopback, err := listenHost(opts.Addr)
	if err != nil {
		return err
	}
	if !loopback && (opts.Tokens == nil || opts.TLS == nil) {
		return &ExposedError{opts.Addr}
	}
	if len(opts.Hosts) == 0 {
		opts.Hosts = defaultHosts(host, loopback, opts.TLS)
	}
	h := newHandler(s.MCP(), opts)
	ln, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return fmt.Errorf("mcphttp: %w", err)
	}
	scheme := "http"
	if opts.TLS != nil {
		scheme = "https"
		conf := opts.TLS.Clone()
		conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
		if !slices.Contains(conf.NextProtos, "h2") {
			conf.NextProtos = append(conf.NextProtos, "h2", "http/1.1")
		}
		ln = tls.NewListener(ln, conf)
	}
	address := scheme + "://" + ln.Addr().String() + PathMCP
	opts.Logger.Info("listening", "url", address, "tokens", opts.Tokens.Len())
	if opts.Listening != nil {
		opts.Listening(address)
	}
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(opts.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("mcphttp: %w", err)
	case <-ctx.Done():
	}
	h.stop()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), opts.ShutdownTimeout)
	defer cancel()
	err = srv.Shutdown(wait)
	s.Stop() // whatever still runs has had the time
	for session := range s.MCP().Sessions() {
		_ = session.Close()
	}
	if err != nil {
		_ = srv.Close()
		return fmt.Errorf("mcphttp: calls were still in flight after %s: %w", opts.ShutdownTimeout, err)
	}
	return nil
}

// listenHost returns the host of an address to listen on, and whether only this
// machine can reach it.
func listenHost(addr string) (host string, loopback bool, err error) {
	host, _, err = net.SplitHostPort(addr)
	if err != nil {
		return "", false, fmt.Errorf("mcphttp: %q is not an address to listen on, such as 127.0.0.1:8443: %w", addr, err)
	}
	return host, isLoopback(host), nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func defaultHosts(host string, loopback bool, conf *tls.Config) []string {
	if loopback {
		return []string{"localhost", "127.0.0.1", "::1"}
	}
	var hosts []string
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		hosts = append(hosts, host)
	}
	for _, c := range conf.Certificates {
		if c.Leaf == nil {
			continue
		}
		hosts = append(hosts, c.Leaf.DNSNames...)
		for _, ip := range c.Leaf.IPAddresses {
			hosts = append(hosts, ip.String())
		}
	}
	return hosts
}

// handler checks requests before the SDK sees them.
type handler struct {
	opts     Options
	known    http.Handler // for requests of those who may call
	mcp      http.Handler
	inFlight *shares
	reading  *reading
	sessions *sessions
	stopped  context.Context
	stop     context.CancelFunc
}

func newHandler(s *mcp.Server, opts Options) *handler {
	users := opts.Tokens.users()
	h := &handler{opts: opts, inFlight: newShares(opts.MaxRequests, users), reading: newReading(opts.MaxRequests, users), sessions: newSessions(s, opts.MaxSessions, users)}
	h.stopped, h.stop = context.WithCancel(context.Background())
	get := func(*http.Request) *mcp.Server { return s }
	stateful := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
		SessionTimeout: opts.SessionTimeout, MaxRequestBodyBytes: opts.MaxBody, Logger: opts.Logger})
	single := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
		Stateless: true, PropagateRequestCancellation: true, MaxRequestBodyBytes: opts.MaxBody, Logger: opts.Logger})
	h.mcp = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Mcp-Session-Id")
		switch {
		case stateless(r):
			single.ServeHTTP(w, r)
			return
		case id != "":
			defer h.sessions.use(id, r.Method == http.MethodGet)()
		case r.Method == http.MethodPost:
			user := userOf(r)
			if !h.sessions.take(user) {
				w.Header().Set("Retry-After", "5")
				h.refuse(w, r, http.StatusServiceUnavailable, "too many sessions, with a call in flight each")
				return
			}
			defer func() { h.sessions.give(w.Header().Get("Mcp-Session-Id"), user) }()
		}
		stateful.ServeHTTP(w, r)
	})
	h.known = http.HandlerFunc(h.serve)
	if opts.Tokens != nil {
		h.known = auth.RequireBearerToken(opts.Tokens.verify, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})(h.known)
	}
	return h
}

// userOf returns the user of a request's token, or "" if there are no tokens.
func userOf(r *http.Request) string {
	if t := auth.TokenInfoFromContext(r.Context()); t != nil {
		return t.UserID
	}
	return ""
}

// stateless reports whether r is of a protocol version that has no sessions. A
// client of such a version names it in each request, in a header and in the body: where
// the header is missing, since a proxy took it, the body's word leads to the error that
// says so.
func stateless(r *http.Request) bool {
	if r.Header.Get("Mcp-Session-Id") != "" {
		return false
	}
	return r.Header.Get("Mcp-Protocol-Version") >= noSessions || versionInBody(r) >= noSessions
}

// versionInBody returns the protocol version that a request's body names, or "".
func versionInBody(r *http.Request) string {
	b, ok := r.Body.(*body)
	if !ok || !bytes.Contains(b.all, []byte(mcp.MetaKeyProtocolVersion)) {
		return ""
	}
	var call struct {
		Params struct {
			Meta map[string]json.RawMessage `json:"_meta"`
		} `json:"params"`
	}
	var version string
	if json.Unmarshal(b.all, &call) != nil || json.Unmarshal(call.Params.Meta[mcp.MetaKeyProtocolVersion], &version) != nil {
		return ""
	}
	return version
}

// A body is one that has been read.
type body struct {
	*bytes.Reader
	all []byte
}

// Close does nothing.
func (*body) Close() error { return nil }

func (h *handler) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	h.opts.Logger.Warn("turned away", "status", status, "why", why, "from", r.RemoteAddr)
	http.Error(w, why, status)
}

// ServeHTTP answers a request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Path == PathHealth && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	switch {
	case h.stopped.Err() != nil:
		h.refuse(w, r, http.StatusServiceUnavailable, "the server stops")
		return
	case !h.ourHost(r.Host):
		h.refuse(w, r, http.StatusForbidden, "this server isn't known under that host name")
		return
	case !h.ourOrigin(r):
		h.refuse(w, r, http.StatusForbidden, "that web origin may not call this server")
		return
	case r.URL.Path != PathMCP:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet {
		// For whoever is turned away below too: the rest of the body is waited for.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	}
	h.known.ServeHTTP(w, r)
}

// serve answers a request of somebody who may call. Only such a one has its body
// read, and takes a place once it is there.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		user := userOf(r)
		if !h.readBody(w, r, user) {
			return
		}
		if !h.inFlight.take(user, nil) {
			w.Header().Set("Retry-After", "1")
			h.refuse(w, r, http.StatusServiceUnavailable, "too many requests at once")
			return
		}
		defer h.inFlight.give(user)
	}
	if r.Method == http.MethodGet || r.Header.Get("Mcp-Method") == "subscriptions/listen" {
		// A stream of notifications has no end of its own.
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(h.stopped, cancel)()
		r = r.WithContext(ctx)
	}
	if b, ok := r.Body.(*body); ok && r.Method == http.MethodPost {
		outlet.Serve(h.mcp, w, r, b.all)
		return
	}
	h.mcp.ServeHTTP(w, r)
}

// readBody reads the whole body within the limits of size and, where the
// connection has a deadline, of time. Where as many are read as may be, the one that
// was begun first is given up: who sends half of one and waits keeps nobody out.
func (h *handler) readBody(w http.ResponseWriter, r *http.Request, user string) bool {
	c := http.NewResponseController(w)
	end := h.reading.begin(user, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	all, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.opts.MaxBody))
	givenUp := end()
	if err != nil {
		status, why := http.StatusBadRequest, "the body can't be read"
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status, why = http.StatusRequestEntityTooLarge, fmt.Sprintf("a request of more than %d bytes", h.opts.MaxBody)
		} else if givenUp {
			status, why = http.StatusRequestTimeout, "the body took too long to arrive, and others want to send theirs"
		}
		h.refuse(w, r, status, why)
		return false
	}
	_ = c.SetReadDeadline(time.Time{})
	r.Body = &body{bytes.NewReader(all), all}
	return true
}

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func (h *handler) ourHost(hostport string) bool {
	host := strings.TrimSuffix(hostOnly(hostport), ".")
	return slices.ContainsFunc(h.opts.Hosts, func(ours string) bool {
		if rest, ok := strings.CutPrefix(ours, "*."); ok { // as certificates have them
			_, domain, _ := strings.Cut(host, ".")
			return strings.EqualFold(domain, rest)
		}
		return strings.EqualFold(host, ours)
	})
}

// ourOrigin reports whether a request comes from no web page, or from one that may.
func (h *handler) ourOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		site := r.Header.Get("Sec-Fetch-Site")
		return site == "" || site == "same-origin" || site == "none"
	}
	if len(origins) > 1 {
		return false
	}
	if slices.ContainsFunc(h.opts.Origins, func(o string) bool { return strings.EqualFold(o, origins[0]) }) {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}
