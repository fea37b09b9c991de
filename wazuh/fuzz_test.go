package wazuh

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
)

func FuzzCursor(f *testing.F) {
	good, _ := json.Marshal(map[string]any{"s": "0123456789abcdef", "a": []any{1735787045678, "1735787045.1", nil}, "n": 1735787045678})
	f.Add(base64.RawURLEncoding.EncodeToString(good))
	for _, s := range []string{"", "e30", "bnVsbA", "W10", "\x00", "eyJhIjpbbnVsbF19"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := GetAlertsInput{Cursor: Cursor(s), AlertFilter: AlertFilter{StartTime: "24h"}}
		now, err := in.Cursor.now()
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		q, err := in.AlertFilter.ask(now, time.UTC, false, func(string) fieldKind { return keywordField }, alike)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		b, err := newSearch(q.clauses, 10, 0, []order{{timeField, "desc", "date"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := goOn(in.Cursor, 0, fingerprint(alertIndex, b), b); err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if s != "" && len(b.SearchAfter) != len(b.Sort) {
			t.Errorf("%q leads to %v", s, b.SearchAfter)
		}
		if s != "" { // what is accepted comes back as it was
			hits := []indexer.Hit{{Sort: b.SearchAfter}}
			one := 1
			b.Size = &one
			c := (&turning{fingerprint(alertIndex, b), b, &indexer.Found{Hits: indexer.Hits{Hits: hits}}, now}).next()
			if again, err := c.position(); err != nil || again.Now != now.UnixMilli() {
				t.Errorf("%q becomes %q: %v", s, c, err)
			}
		}
	})
}

func FuzzWhen(f *testing.F) {
	for _, s := range []string{"24h", "now-7d", "now", "2025-01-02T03:04:05Z", "2025-01-02", "2025-01-02 03:04:05", "999999999w", "now-", "-0s", "2025-13-41T99:99:99Z"} {
		f.Add(s)
	}
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	pattern := regexp.MustCompile(When("").Pattern())
	f.Fuzz(func(t *testing.T, s string) {
		at, err := When(s).time("start_time", now, time.UTC)
		switch {
		case err != nil && !errors.Is(err, ErrInvalid):
			t.Errorf("%q: %v", s, err)
		case err == nil && s != "" && !pattern.MatchString(s):
			t.Errorf("%q is taken and not in the pattern", s)
		case err == nil && strings.ContainsAny(s, "smhdw") && at.After(now):
			t.Errorf("%q is in the future: %s", s, at)
		}
		if err == nil && s != "" {
			if again, err := At(at).time("start_time", now, time.UTC); err != nil || !again.Equal(at) {
				t.Errorf("%q is %s, then %s, %v", s, at, again, err)
			}
		}
	})
}

func FuzzRedaction(f *testing.F) {
	for _, s := range []string{"https://u:@h/", "curl -u a:", "mysql -p", `{"a":"`, "--token=", "Authorization: Bearer ", "\xff", " -p"} {
		f.Add(s, "hook_url")
	}
	const secret = "S3cr3tV4lue9876"
	f.Fuzz(func(t *testing.T, noise, key string) {
		noise = strings.ReplaceAll(noise, secret, "")
		for name, v := range map[string]any{
			"password": noise + secret, "api_key": []any{secret + noise},
			"hosts": "https://admin:" + secret + "@10.20.0.3:9200/" + noise, "command": "curl --token " + secret + " " + noise,
		} {
			b, err := json.Marshal(map[string]any{name: v, key + "_x": noise})
			if err != nil {
				t.Fatal(err)
			}
			m := &ManagerConfig{}
			out, err := m.redact("integration", "", b)
			if err != nil || !json.Valid(out) {
				t.Fatalf("%s: %v", b, err)
			}
			if strings.Contains(string(out), secret) || len(m.Redacted) == 0 {
				t.Errorf("%s leaks in %s; redacted %q", b, out, m.Redacted)
			}
			m = &ManagerConfig{}
			if again, err := m.redact("integration", "", out); err != nil || len(again) == 0 {
				t.Errorf("%s cannot be redacted again: %v", out, err)
			}
		}
	})
}
