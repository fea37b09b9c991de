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

// withSession returns a context for one request, in which the session notes
// the token it used. Thus a 401 that comes late renews nothing when another
// request has renewed the token already.
func withSession(ctx context.Context) context.Context {
	return context.WithValue(ctx, usedKey{}, new(string))
}

// authorize puts the token on r.
func (s *session) authorize(ctx context.Context, r *http.Request, again bool) error {
	used, _ := ctx.Value(usedKey{}).(*string)
	if used == nil {
		return errors.New("wazuh: a request without a session")
	}
	refused := ""
	if again {
		refused = *used
	}
	t, err := s.get(ctx, refused)
	if err != nil {
		return err
	}
	*used = t
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
