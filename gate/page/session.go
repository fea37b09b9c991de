package page

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	invitationTime = 15 * time.Minute
	sessionTime    = 12 * time.Hour
	cookieName     = "gate"
)

// An invitation is a secret that opens one session.
type invitation struct {
	secret string
	until  time.Time
}

// Invite returns a link with a new secret, which works once, for a quarter of
// an hour, and replaces the one before. Opening a session ends the one before.
func (p *Page) Invite() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.invited = invitation{secret: random(), until: p.now().Add(invitationTime)}
	return "http://" + p.cfg.Host + "/#" + p.invited.secret
}

func random() string { return encode(randomBytes()) }

func randomBytes() []byte {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand never fails
	return b[:]
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// A session is one browser whose user had the secret.
type session struct {
	path   string // first segment of the path of all its pages
	cookie string
	key    []byte // of the tokens in its forms
	until  time.Time

	mu   sync.Mutex
	used map[string]bool // nonces of the tokens that were taken
}

// entrance takes the secret: from the fragment by script, or typed.
func (p *Page) entrance(w http.ResponseWriter, _ *http.Request) {
	p.write(w, http.StatusOK, "entrance", &message{Title: "Gate"})
}

func (p *Page) enter(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.fail(w, r, refuse(http.StatusBadRequest, "The form can't be read."))
		return
	}
	// What was copied may be the whole link.
	_, secret, ok := strings.Cut(r.PostForm.Get("secret"), "#")
	if !ok {
		secret = r.PostForm.Get("secret")
	}
	s := p.open(strings.TrimSpace(secret))
	if s == nil {
		p.fail(w, r, refuse(http.StatusForbidden, "That secret is wrong, too old, or was used before. Enter on the terminal of gate serve prints a new link."))
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: s.cookie, Path: "/" + s.path + "/",
		MaxAge: int(sessionTime / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/"+s.path+"/", http.StatusSeeOther)
}

// open spends the secret and returns the session it opens, or nil.
func (p *Page) open(secret string) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !equal(secret, p.invited.secret) || !p.now().Before(p.invited.until) {
		return nil
	}
	p.invited = invitation{}
	p.session = &session{path: random(), cookie: random(), key: randomBytes(), until: p.now().Add(sessionTime), used: map[string]bool{}}
	return p.session
}

// current returns the session of r, or nil.
func (p *Page) current(r *http.Request) *session {
	p.mu.Lock()
	s := p.session
	p.mu.Unlock()
	if s == nil || !p.now().Before(s.until) || !equal(r.PathValue("session"), s.path) {
		return nil
	}
	c := r.CookiesNamed(cookieName)
	if len(c) != 1 || !equal(c[0].Value, s.cookie) {
		return nil
	}
	return s
}

// token returns a token for a form that does act.
func (s *session) token(act string) string {
	nonce := random()
	return nonce + "." + s.sign(nonce, act)
}

func (s *session) sign(nonce, act string) string {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(nonce + "." + act))
	return encode(m.Sum(nil))
}

// take reports whether token was given for act and wasn't taken before.
func (s *session) take(token, act string) bool {
	nonce, sum, _ := strings.Cut(token, ".")
	if !equal(sum, s.sign(nonce, act)) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[nonce] {
		return false
	}
	s.used[nonce] = true
	return true
}
