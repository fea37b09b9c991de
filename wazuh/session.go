package wazuh

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

const (
	defaultLifetime = 900 * time.Second // of a token that doesn't say, which is Wazuh's default
	renewAhead      = 30 * time.Second  // of its end; less for one that is short-lived
)

// session keeps one token for all requests. Whoever finds it missing, near its
// end or refused has it renewed; all others who come meanwhile wait for that
// one login.
type session struct {
	login func(context.Context) (string, error)
	now   func() time.Time

	// patience is how often a token that is refused is sent again before it is renewed:
	// so often one that was just given was refused, by nodes with keys of their own.
	patience atomic.Int32

	mu      sync.Mutex
	token   string
	renewAt time.Time
	flight  *flight
}

type flight struct {
	done  chan struct{}
	token string
	err   error
}

func newSession(login func(context.Context) (string, error)) *session {
	return &session{login: login, now: time.Now}
}

type usedKey struct{}

type used struct {
	token    string
	patience int // of the session when the request began
}

// withSession returns a context for one request, in which the session notes
// the token it used. Thus a 401 that comes late renews nothing when another
// request has renewed the token already.
func withSession(ctx context.Context) context.Context {
	return context.WithValue(ctx, usedKey{}, new(used))
}

// maxRefusals is how often a token may be refused for one request. Where nodes are drawn,
// as they are for many calls at once, of two one has a token's key, and a call in two million
// fails; of five one in five has, and a call in a hundred fails.
const maxRefusals = 20

const maxPatience = 4

// several reports whether nodes with keys of their own were seen to share the address.
func (s *session) several() bool { return s.patience.Load() > 0 }

// authorize puts the token on r. A token that was refused is renewed. Where several
// nodes share the address, one that was refused may be good for another of them: it is
// sent again as it is, renewed only then, and after that sent over new connections.
func (s *session) authorize(ctx context.Context, r *http.Request, refused int) error {
	u, _ := ctx.Value(usedKey{}).(*used)
	if u == nil {
		return errors.New("wazuh: a request without a session")
	}
	if refused == 0 {
		u.patience = int(s.patience.Load())
	}
	old := ""
	switch sinceRenewal := refused - u.patience - 1; {
	case sinceRenewal == 0:
		old = u.token
	case sinceRenewal > 0:
		s.patience.Store(max(s.patience.Load(), int32(min(sinceRenewal, maxPatience))))
		r.Close = true
	}
	t, err := s.get(ctx, old)
	if err != nil {
		return err
	}
	u.token = t
	r.Header.Set("Authorization", "Bearer "+t)
	return nil
}

// get returns a token other than refused.
func (s *session) get(ctx context.Context, refused string) (string, error) {
	s.mu.Lock()
	if s.token != "" && s.token != refused && s.now().Before(s.renewAt) {
		defer s.mu.Unlock()
		return s.token, nil
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		go s.renew(f)
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return "", fmt.Errorf("wazuh: authenticate: %w", ctx.Err())
	}
}

// renew logs in, for everyone who waits for f: no caller's context ends it.
func (s *session) renew(f *flight) {
	f.token, f.err = s.login(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight, s.token = nil, f.token
	if f.err == nil {
		now := s.now()
		life := lifetime(f.token, now)
		s.renewAt = now.Add(life - min(renewAhead, life/4))
	}
	close(f.done)
}

// token reads the answer to a login.
func token(res *httpx.Response, err error) (string, error) {
	a, err := httpx.JSON[wire.TokenAnswer](res, err)
	if err != nil {
		return "", err
	}
	if a.Data.Token == "" {
		return "", errors.New("wazuh: authenticate: the answer holds no token")
	}
	if strings.ContainsFunc(a.Data.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("wazuh: authenticate: the answer holds something that is not a token")
	}
	return a.Data.Token, nil
}

// lifetime returns how long a token is good from now on. Its signature is the
// server's concern. The server's clock may differ from ours, so that its own
// dates are compared with each other where they can be.
func lifetime(token string, now time.Time) time.Duration {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return defaultLifetime
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return defaultLifetime
	}
	var claims struct {
		Exp float64 `json:"exp"`
		Iat float64 `json:"iat"`
		Nbf float64 `json:"nbf"`
	}
	if json.Unmarshal(b, &claims) != nil || claims.Exp <= 0 {
		return defaultLifetime
	}
	begin := max(claims.Iat, claims.Nbf)
	if begin <= 0 {
		begin = float64(now.Unix())
	}
	seconds := claims.Exp - begin
	if seconds <= 0 || seconds > float64(365*24*time.Hour/time.Second) {
		return defaultLifetime
	}
	return time.Duration(seconds * float64(time.Second))
}
