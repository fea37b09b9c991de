package mcpadapter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
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
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/internal/trusted"
)

// HTTPOptions say how a server is served over streamable HTTP. The zero
// HTTPOptions serve on a free port of 127.0.0.1, without tokens.
type HTTPOptions struct {
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
	// two, a third if there are three, else a quarter.
	MaxSessions int
	// MaxRequests is how many calls may be in flight at once, with the same part
	// for a user. Default: 256.
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

// Where [ServeHTTP] answers.
const (
	PathMCP    = "/mcp"
	PathHealth = "/healthz"
)

const bodyTime = 30 * time.Second // in which a request's body must arrive

func (o HTTPOptions) withDefaults() HTTPOptions {
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

// ServeHTTP serves s over streamable HTTP at [PathMCP] until ctx ends: clients
// of the protocol version 2026-07-28 without sessions, older ones with them.
// At [PathHealth] it answers 200 to anybody. When ctx ends it takes no new
// request, lets the calls in flight end and closes the sessions. What hasn't
// ended by then is stopped; the journal has a write among it as unknown.
//
// The user of a bearer token is the principal of the calls it makes: the gate
// and its journal name that user, and a session belongs to the one who opened it.
func ServeHTTP(ctx context.Context, s *mcp.Server, opts HTTPOptions) error {
	opts = opts.withDefaults()
	host, loopback, err := listenHost(opts.Addr)
	if err != nil {
		return err
	}
	if !loopback && (opts.Tokens == nil || opts.TLS == nil) {
		return fmt.Errorf("mcpadapter: %s is not on the loopback interface: to listen there, tokens and a TLS certificate are needed", opts.Addr)
	}
	if len(opts.Hosts) == 0 {
		opts.Hosts = defaultHosts(host, loopback, opts.TLS)
	}
	h := newHTTPHandler(s, opts)
	ln, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return fmt.Errorf("mcpadapter: %w", err)
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
		return fmt.Errorf("mcpadapter: %w", err)
	case <-ctx.Done():
	}
	h.stop()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), opts.ShutdownTimeout)
	defer cancel()
	err = srv.Shutdown(wait)
	calls := &registryOf(s).calls
	calls.abort() // whatever still runs has had the time
	calls.settle()
	for session := range s.Sessions() {
		_ = session.Close()
	}
	if err != nil {
		_ = srv.Close()
		return fmt.Errorf("mcpadapter: calls were still in flight after %s: %w", opts.ShutdownTimeout, err)
	}
	return nil
}

// listenHost returns the host of an address to listen on, and whether only this
// machine can reach it.
func listenHost(addr string) (host string, loopback bool, err error) {
	host, _, err = net.SplitHostPort(addr)
	if err != nil {
		return "", false, fmt.Errorf("mcpadapter: %q is not an address to listen on, such as 127.0.0.1:8443: %w", addr, err)
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

// httpHandler checks requests before the SDK sees them.
type httpHandler struct {
	opts     HTTPOptions
	server   *mcp.Server
	known    http.Handler // for requests of those who may call
	mcp      http.Handler
	inFlight *shares
	opening  *shares // requests that may open a session
	stopped  context.Context
	stop     context.CancelFunc

	mu     sync.Mutex
	owners map[string]string // of sessions, by their id
}

// shares counts what there may be a limited number of, by user.
type shares struct {
	mu    sync.Mutex
	most  int // of all users
	each  int // of one
	taken map[string]int
}

func newShares(most, users int) *shares {
	return &shares{most: most, each: max(1, most/min(max(users, 1), 4)), taken: map[string]int{}}
}

// take takes one for user, unless there are too many, with those besides that
// aren't counted here.
func (s *shares) take(user string, besides map[string]int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := 0
	for _, n := range s.taken {
		all += n
	}
	for _, n := range besides {
		all += n
	}
	if all >= s.most || s.taken[user]+besides[user] >= s.each {
		return false
	}
	s.taken[user]++
	return true
}

func (s *shares) give(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[user]--; s.taken[user] == 0 {
		delete(s.taken, user)
	}
}

func newHTTPHandler(s *mcp.Server, opts HTTPOptions) *httpHandler {
	users := opts.Tokens.users()
	h := &httpHandler{opts: opts, server: s, owners: map[string]string{},
		inFlight: newShares(opts.MaxRequests, users), opening: newShares(opts.MaxSessions, users)}
	h.stopped, h.stop = context.WithCancel(context.Background())
	get := func(*http.Request) *mcp.Server { return s }
	sessions := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
		SessionTimeout: opts.SessionTimeout, MaxRequestBodyBytes: opts.MaxBody, Logger: opts.Logger})
	single := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
		Stateless: true, PropagateRequestCancellation: true, MaxRequestBodyBytes: opts.MaxBody, Logger: opts.Logger})
	h.mcp = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stateless(r) {
			single.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodPost && r.Header.Get("Mcp-Session-Id") == "" {
			user := userOf(r)
			if !h.opening.take(user, h.sessions()) {
				h.refuse(w, r, http.StatusServiceUnavailable, "too many sessions")
				return
			}
			defer func() {
				h.own(w.Header().Get("Mcp-Session-Id"), user)
				h.opening.give(user)
			}()
		}
		sessions.ServeHTTP(w, r)
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
// client of such a version names it in each request.
func stateless(r *http.Request) bool {
	return r.Header.Get("Mcp-Session-Id") == "" && r.Header.Get("Mcp-Protocol-Version") >= multiRoundTrip
}

// sessions returns how many sessions each user has.
func (h *httpHandler) sessions() map[string]int {
	live, n := map[string]string{}, map[string]int{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.server.Sessions() {
		user, ok := h.owners[s.ID()]
		if !ok {
			continue // it is being opened
		}
		live[s.ID()] = user
		n[user]++
	}
	h.owners = live
	return n
}

// own notes whose a session is that was opened.
func (h *httpHandler) own(id, user string) {
	if id == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owners[id] = user
}

func (h *httpHandler) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	h.opts.Logger.Warn("turned away", "status", status, "why", why, "from", r.RemoteAddr)
	http.Error(w, why, status)
}

// ServeHTTP answers a request.
func (h *httpHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

// serve answers a request of somebody who may call. Only such a one takes a
// place and has its body read.
func (h *httpHandler) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		user := userOf(r)
		if !h.inFlight.take(user, nil) {
			w.Header().Set("Retry-After", "1")
			h.refuse(w, r, http.StatusServiceUnavailable, "too many requests at once")
			return
		}
		defer h.inFlight.give(user)
		if !h.readBody(w, r) {
			return
		}
	}
	if r.Method == http.MethodGet || r.Header.Get("Mcp-Method") == "subscriptions/listen" {
		// A stream of notifications has no end of its own.
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(h.stopped, cancel)()
		r = r.WithContext(ctx)
	}
	h.mcp.ServeHTTP(w, r)
}

// readBody reads the whole body within the limits of size and, where the
// connection has a deadline, of time.
func (h *httpHandler) readBody(w http.ResponseWriter, r *http.Request) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.opts.MaxBody))
	if err != nil {
		status, why := http.StatusBadRequest, "the body can't be read"
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status, why = http.StatusRequestEntityTooLarge, fmt.Sprintf("a request of more than %d bytes", h.opts.MaxBody)
		}
		h.refuse(w, r, status, why)
		return false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	return true
}

func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func (h *httpHandler) ourHost(hostport string) bool {
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
func (h *httpHandler) ourOrigin(r *http.Request) bool {
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

// Tokens are who may call a server over HTTP: the SHA-256 of a bearer token,
// and whose it is.
type Tokens struct{ names map[[sha256.Size]byte]string }

// Len returns how many there are.
func (t *Tokens) Len() int {
	if t == nil {
		return 0
	}
	return len(t.names)
}

// users returns how many users there are.
func (t *Tokens) users() int {
	if t == nil {
		return 0
	}
	names := map[string]bool{}
	for _, name := range t.names {
		names[name] = true
	}
	return len(names)
}

const maxTokens = 1 << 20 // bytes of the file

// minToken is how long a token must be. Short ones could be found from their hashes.
const minToken = 20

// LoadTokens reads a file of tokens. Each line has the SHA-256 of a token in
// hex and the name of its user; empty lines and those that begin with # don't
// count. All that is wrong is reported at once. A file is refused that others
// may write to or own, that isn't a regular one, or that has more than 1 MiB.
func LoadTokens(path string) (*Tokens, error) {
	b, err := trusted.Read(path, maxTokens)
	if err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return ParseTokens(string(b))
}

// ParseTokens reads what [LoadTokens] finds in a file.
func ParseTokens(text string) (*Tokens, error) {
	t := &Tokens{names: map[[sha256.Size]byte]string{}}
	var errs []error
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		wrong := func(why string) { errs = append(errs, fmt.Errorf("tokens: line %d: %s", i+1, why)) }
		fields := strings.Fields(line)
		var sum [sha256.Size]byte
		n, err := hex.Decode(sum[:], []byte(fields[0][:min(len(fields[0]), 2*sha256.Size)]))
		switch {
		case err != nil || n != sha256.Size || len(fields[0]) != 2*sha256.Size:
			wrong("want the SHA-256 of a token as 64 hex digits, then its user")
		case len(fields) != 2:
			wrong("want one user, without spaces in the name")
		case len(fields[1]) > 64 || strings.ContainsFunc(fields[1], func(r rune) bool { return r < 0x21 || r > 0x7e }):
			wrong("a user's name has at most 64 printable ASCII characters")
		case t.names[sum] != "":
			wrong("the token is there twice")
		default:
			t.names[sum] = fields[1]
		}
	}
	if len(errs) == 0 && len(t.names) == 0 {
		errs = append(errs, errors.New("tokens: there is none"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return t, nil
}

// TokenLine returns the line that lets token in as user.
func TokenLine(token, user string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:]) + " " + user
}

// verify finds the user of a token. What is looked up is a hash, so that the
// time it takes tells nothing about the tokens there are.
func (t *Tokens) verify(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
	if len(token) < minToken {
		return nil, auth.ErrInvalidToken
	}
	user := t.names[sha256.Sum256([]byte(token))]
	if user == "" {
		return nil, auth.ErrInvalidToken
	}
	return &auth.TokenInfo{UserID: user}, nil
}
