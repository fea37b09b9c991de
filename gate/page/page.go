// Package page is the gate in a browser: it shows an approver what waits and what the
// next shift must know, takes an approval or a denial, has undos proposed, follows the
// journal and freezes all writes. Command gate serves it on the loopback interface with
// "gate serve".
//
// A page in a browser is reachable by every other page in it, so the handler
// trusts nothing that it can check:
//
//   - Only loopback connections to the exact host it was made for are answered,
//     so a name that is rebound to 127.0.0.1 gets nowhere.
//   - Nothing but the entrance is answered without a session. The session is
//     opened with a secret that works once; it travels in the fragment of a link
//     and so is never part of a request line, a log or a Referer.
//   - Cookies don't know ports. The session's cookie is therefore bound to a path
//     that nobody can guess, and no other server on this host is sent it.
//   - Only a POST changes anything. It must come from a page of this origin, and
//     carry a token that this session was given for this one act and that works once.
//   - A destructive operation is approved by retyping its target, a write by
//     retyping the beginning of its digest: a click alone approves nothing.
//   - No other page may frame it, and it may load nothing: its two small scripts
//     are allowed by hash, and without them it works as well.
//   - It executes nothing. What takes back what is in force is proposed by the tools of a
//     server, and waits for an approver as any other call.
//   - Every value is shown as [gate.Escape] shows it, and cut where it is long.
//
// Experimental: what it exports may still change after v1.
package page

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
)

// Config says what a [Page] shows and in whose name it decides.
type Config struct {
	// Journal is what is shown and where the decisions go.
	Journal *gate.Journal
	// Host is the address that the page is served at, as in "127.0.0.1:43127".
	// Requests to any other are refused.
	Host string
	// Signer approves, and ends a freeze. Without one the page can only deny and freeze.
	Signer *gate.Signer
	// Name is who denies and freezes. Default: the name of Signer.
	Name string
	// Tools are asked for the hand-over and propose undos. Without them the page tells
	// of the journal alone, and of an undo the call.
	Tools Tools
	// Logger is told of refused requests. Default: silent.
	Logger *slog.Logger
}

const (
	maxBody  = 16 << 10
	lastSeen = 25  // events on the overview
	maxSeen  = 500 // events on the page of the journal
)

// A Page serves one approver. It is safe for concurrent use.
type Page struct {
	cfg Config
	mux *http.ServeMux
	now func() time.Time

	mu      sync.Mutex
	invited invitation
	session *session
	shift   shift
}

// New returns a Page for c.
func New(c Config) (*Page, error) {
	host, err := netip.ParseAddrPort(c.Host)
	switch {
	case err != nil:
		return nil, fmt.Errorf("gate page: host %q: want address and port, such as 127.0.0.1:8443", c.Host)
	case !host.Addr().IsLoopback() || host.Port() == 0:
		return nil, fmt.Errorf("gate page: %s is not a port of the loopback interface", c.Host)
	case c.Journal == nil:
		return nil, errors.New("gate page: no journal")
	}
	if c.Signer != nil {
		c.Name = cmp.Or(c.Name, c.Signer.Name)
	}
	c.Name = cmp.Or(c.Name, "operator")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Page{cfg: c, mux: http.NewServeMux(), now: time.Now}
	p.mux.HandleFunc("GET /{$}", p.entrance)
	p.mux.HandleFunc("POST /enter", p.enter)
	for pattern, h := range map[string]func(*visit) error{
		"GET /{session}/{$}":             p.overview,
		"GET /{session}/state":           p.state,
		"GET /{session}/journal":         p.journal,
		"GET /{session}/p/{id}":          p.proposal,
		"POST /{session}/p/{id}/approve": p.approve,
		"POST /{session}/p/{id}/deny":    p.deny,
		"POST /{session}/freeze":         p.freeze,
		"POST /{session}/unfreeze":       p.unfreeze,
		"POST /{session}/reset":          p.reset,
		"POST /{session}/g/{id}/revoke":  p.revoke,
		"POST /{session}/p/{id}/undo":    p.undo,
		"POST /{session}/handover":       p.again,
	} {
		p.mux.Handle(pattern, p.visited(h))
	}
	return p, nil
}

// Listen listens on addr, which must be an address of the loopback interface
// such as "127.0.0.1:0"; port 0 stands for a free one.
func Listen(addr string) (net.Listener, error) {
	a, err := netip.ParseAddrPort(addr)
	if err != nil || !a.Addr().IsLoopback() {
		return nil, fmt.Errorf("gate page: %q is not an address and port of the loopback interface, such as 127.0.0.1:0", addr)
	}
	return net.Listen("tcp", addr)
}

// Server returns an HTTP server for p with time limits.
func (p *Page) Server() *http.Server {
	return &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
}

// ServeHTTP answers one request.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Not no-referrer: with that, a browser sends forms with the origin "null".
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if err := p.check(r); err != nil {
		p.fail(w, r, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	p.mux.ServeHTTP(w, r)
}

// A refusal is an error with its HTTP status and a text for the approver.
type refusal struct {
	status int
	text   string
}

func (e *refusal) Error() string { return e.text }

func refuse(status int, text string) error { return &refusal{status, text} }

// check refuses whatever doesn't come from this page, or from a person who
// opened it.
func (p *Page) check(r *http.Request) error {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return refuse(http.StatusForbidden, "Only this host is answered.")
	}
	if r.Host != p.cfg.Host {
		return refuse(http.StatusForbidden, "This page has another address.")
	}
	origin, sent := r.Header["Origin"]
	if sent && !slices.Equal(origin, []string{"http://" + p.cfg.Host}) {
		return refuse(http.StatusForbidden, "The request came from another page.")
	}
	site := strings.Join(r.Header["Sec-Fetch-Site"], ",")
	dest := strings.Join(r.Header["Sec-Fetch-Dest"], ",")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		// A link in another page must not lead here, not even to look.
		if site != "" && site != "none" && site != "same-origin" {
			return refuse(http.StatusForbidden, "Another page led here. Copy the link into the address bar instead.")
		}
		if dest != "" && dest != "document" && dest != "empty" {
			return refuse(http.StatusForbidden, "This page isn't shown inside another.")
		}
	case http.MethodPost:
		if !sent || site != "" && site != "same-origin" {
			return refuse(http.StatusForbidden, "The request came from another page.")
		}
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/x-www-form-urlencoded" {
			return refuse(http.StatusUnsupportedMediaType, "That is not a form of this page.")
		}
	default:
		return refuse(http.StatusMethodNotAllowed, "That method isn't known here.")
	}
	return nil
}

// A visit is one request within a session.
type visit struct {
	w http.ResponseWriter
	r *http.Request
	s *session
}

// visited wraps h so that it runs within a session only, and, if it changes
// something, with a body that could be read.
func (p *Page) visited(h func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := p.current(r)
		if s == nil {
			p.fail(w, r, refuse(http.StatusForbidden, noSession))
			return
		}
		if err := r.ParseForm(); err != nil {
			p.fail(w, r, refuse(http.StatusBadRequest, "The form can't be read."))
			return
		}
		if err := h(&visit{w, r, s}); err != nil {
			p.fail(w, r, err)
		}
	})
}

const noSession = "There is no session here. Open the link that gate serve printed; Enter on its terminal prints a new one."

func (p *Page) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := &refusal{http.StatusInternalServerError, ""}
	switch {
	case errors.As(err, &e):
	case errors.Is(err, gate.ErrNoProposal):
		e = &refusal{http.StatusNotFound, "There is no such proposal."}
	default:
		e.text = gate.Escape(strings.TrimPrefix(err.Error(), "gate: "))
	}
	p.cfg.Logger.Warn("refused", "method", r.Method, "status", e.status, "reason", e.text)
	p.write(w, e.status, "message", &message{Title: "Refused", Text: e.text})
}

// write renders a template, whole or not at all.
func (p *Page) write(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		p.cfg.Logger.Error("render", "page", name, "err", err)
		http.Error(w, "The page can't be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // nobody is left to be told
}

func (v *visit) redirect(path string) error {
	http.Redirect(v.w, v.r, "/"+v.s.path+"/"+path, http.StatusSeeOther)
	return nil
}
