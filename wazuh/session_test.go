package wazuh

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func jwtWith(claims string) string {
	return "eyJhbGciOiJFUzUxMiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for token, want := range map[string]time.Duration{
		jwtWith(`{"exp":1800000300}`):                        300 * time.Second,
		jwtWith(`{"nbf":1700000000,"exp":1700000060}`):       time.Minute, // their clock is years behind
		jwtWith(`{"nbf":1800000000.25,"exp":1800000000.75}`): 500 * time.Millisecond,
		jwtWith(`{"exp":1700000000}`):                        defaultLifetime,
		jwtWith(`{"exp":-1}`):                                defaultLifetime,
		jwtWith(`{"exp":1e300}`):                             defaultLifetime,
		jwtWith(`{"exp":"soon"}`):                            defaultLifetime,
		jwtWith(`not json`):                                  defaultLifetime,
		"opaque":                                             defaultLifetime,
		"a.b.c":                                              defaultLifetime,
		"eyJhbGciOiJFUzUxMiJ9." + "!!" + ".c2ln":             defaultLifetime,
		jwtWith(`{"iat":1800000000,"nbf":1799999999,"exp":1800000010}`):      10 * time.Second,
		jwtWith(fmt.Sprintf(`{"exp":%d}`, now.Add(400*24*time.Hour).Unix())): defaultLifetime,
	} {
		if got := lifetime(token, now); got != want {
			t.Errorf("%s: %s, want %s", token, got, want)
		}
	}
}

// counting returns a session whose n-th login takes a second and gives token n,
// good for a minute.
func counting(logins *atomic.Int64) *session {
	return newSession(func(context.Context) (string, error) {
		time.Sleep(time.Second)
		now := time.Now().Unix()
		return jwtWith(fmt.Sprintf(`{"n":%d,"nbf":%d,"exp":%d}`, logins.Add(1), now, now+60)), nil
	})
}

func TestManyWaitForOneLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logins atomic.Int64
		s := counting(&logins)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := s.get(t.Context(), ""); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := logins.Load(); n != 1 {
			t.Errorf("%d logins, want 1", n)
		}
	})
}

func TestATokenIsRenewedBeforeItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logins atomic.Int64
		s := counting(&logins)
		first, err := s.get(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(40 * time.Second)
		if again, _ := s.get(t.Context(), ""); again != first {
			t.Error("renewed with 20 of 60 seconds left")
		}
		time.Sleep(6 * time.Second)
		if again, _ := s.get(t.Context(), ""); again == first {
			t.Error("not renewed with 14 of 60 seconds left")
		}
	})
}

func TestALateRefusalRenewsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logins atomic.Int64
		s := counting(&logins)
		first, _ := s.get(t.Context(), "")
		second, _ := s.get(t.Context(), first)
		third, _ := s.get(t.Context(), first) // refused too, and late
		if second == first || third != second || logins.Load() != 2 {
			t.Errorf("%d logins, want 2", logins.Load())
		}
	})
}

func TestACallerWhoLeavesEndsNobodysLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logins atomic.Int64
		s := counting(&logins)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.get(ctx, ""); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who left: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := s.get(t.Context(), ""); err != nil {
				t.Errorf("the one who stayed: %v", err)
			}
		})
		time.Sleep(time.Millisecond)
		cancel()
		wg.Wait()
		if n := logins.Load(); n != 1 {
			t.Errorf("%d logins, want 1", n)
		}
	})
}

func TestWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`failed password`: `[failed password]`, `"failed password" sshd`: `[failed password sshd]`, ` a  b `: `[a b]`, `"open`: `["open]`,
		`* ** "*"`: `[]`, `C:\Windows\x.exe`: `[C:\Windows\x.exe]`, "": `[]`, `""`: `[]`,
	} {
		if got := fmt.Sprint(words(in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := words(`"failed password" sshd`); len(got) != 2 {
		t.Errorf("%q, want two", got)
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range []string{"authentication", `C:\x?*`, `"a b" c`, `"`, "-x", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := wordsOf("search", s)
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
		for _, w := range list {
			if len(w.clauses(indexField{path: "data.win.eventdata.image"})) == 0 || w.cost([]indexField{{path: "location"}}) == 0 {
				t.Errorf("%q gives no query", s)
			}
		}
	})
}

func FuzzAgentID(f *testing.F) {
	f.Add("7")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := AgentID(s).padded()
		if err != nil {
			return
		}
		if again, err := AgentID(id).padded(); err != nil || again != id || len(id) < 3 {
			t.Errorf("%q becomes %q, then %q, %v", s, id, again, err)
		}
	})
}
