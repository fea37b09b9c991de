package httpx_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// raw sends a read and returns its answer as it was handed back.
func raw(t *testing.T, c *httpx.Client, e gate.Endpoint) *httpx.Response {
	t.Helper()
	r := httpx.NewRequest(e)
	r.Path("id", "1", "")
	res, err := c.Send(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func authorized(value string) func(*httpx.Options) {
	return func(o *httpx.Options) {
		o.Auth = func(_ context.Context, r *http.Request, _ int) error {
			r.Header.Set("Authorization", value)
			return nil
		}
	}
}

func TestASuccessfulAnswerHoldsNoCredential(t *testing.T) {
	t.Parallel()
	const key, password = "kA7/x+9=<canary>&key", "p4ss/w0rd"
	pair := base64.StdEncoding.EncodeToString([]byte("soc:" + password))
	for name, tt := range map[string]struct {
		auth    string
		secrets []string
		body    string
	}{
		"the key":                       {"Bearer x", []string{key}, key},
		"the key twice":                 {"Bearer x", []string{key}, key + " " + key + key},
		"the key in JSON":               {"Bearer x", []string{key}, `kA7/x+9=\u003ccanary\u003e\u0026key`},
		"the key in the JSON of PHP":    {"Bearer x", []string{key}, `kA7\/x+9=<canary>&key`},
		"the key in a query":            {"Bearer x", []string{key}, url.QueryEscape(key)},
		"the key in a path":             {"Bearer x", []string{key}, url.PathEscape(key)},
		"the key in HTML":               {"Bearer x", []string{key}, html.EscapeString(key)},
		"a long password of words":      {"Bearer x", []string{"correct-horse-battery"}, "correct-horse-battery"},
		"a token that nobody named":     {"Bearer " + key, nil, "Bearer " + key},
		"a key without a scheme":        {key, nil, key},
		"basic credentials":             {"Basic " + pair, nil, "Basic " + pair},
		"basic credentials in a URL":    {"Basic " + pair, nil, strings.TrimRight(pair, "=")},
		"the password of the basic one": {"Basic " + pair, nil, "soc:" + password},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"name":"before ` + tt.body + ` after"}`
			url, _ := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-Id", tt.body)
				// In pieces, so that the credential comes in several reads.
				for i := range len(body) {
					fmt.Fprint(w, body[i:i+1])
					w.(http.Flusher).Flush()
				}
			})
			res := raw(t, client(t, url, authorized(tt.auth), func(o *httpx.Options) { o.Secrets = tt.secrets }), read)
			got := strings.ReplaceAll(string(res.Body)+res.Header.Get("X-Request-Id"), "[REDACTED]", "")
			if strings.Contains(got, tt.body) || strings.Contains(got, "canary") || strings.Contains(got, password) || !strings.Contains(got, "before ") || !strings.Contains(got, " after") {
				t.Errorf("the answer is %s", got)
			}
		})
	}
}

// What a weak password has in common with the data stays: to cut it out would
// falsify the answer, or break its JSON.
func TestWordsAndNumbersOfTheDataStay(t *testing.T) {
	t.Parallel()
	const body = `{"name":"cortex","number":123456789012345678901,"user":"wazuh-wui","label":"thehive4"}`
	url, _ := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	for _, weak := range []string{"", "cortex", "wazuh-wui", "12345678", "123456789012345678901", "name"} {
		res := raw(t, client(t, url, authorized("Bearer x"), func(o *httpx.Options) { o.Secrets = []string{weak} }), read)
		if diff := cmp.Diff(body, string(res.Body)); diff != "" {
			t.Errorf("secret %q (-want +got):\n%s", weak, diff)
		}
	}
}

// The key of an account that a write asks for may be the client's own.
func TestACredentialThatWasAskedForIsHandedOut(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, secret) })
	c := client(t, url)
	if got := strings.TrimSpace(string(raw(t, c, write).Body)); got != secret {
		t.Errorf("the write was answered %q", got)
	}
	if got := strings.TrimSpace(string(raw(t, c, read).Body)); got != "[REDACTED]" {
		t.Errorf("the read was answered %q", got)
	}
}

func TestARenewedTokenIsCutTooAndTheOldOneNoMore(t *testing.T) {
	t.Parallel()
	token := "first-T0ken-of-the-session"
	url, _ := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"name":%q}`, r.Header.Get("Authorization"))
	})
	c := client(t, url, func(o *httpx.Options) {
		o.Auth = func(_ context.Context, r *http.Request, _ int) error {
			r.Header.Set("Authorization", "Bearer "+token)
			return nil
		}
	})
	for _, token = range []string{token, "second-T0ken-of-the-session"} {
		if got := string(raw(t, c, read).Body); got != `{"name":"Bearer [REDACTED]"}` {
			t.Errorf("the answer is %s", got)
		}
	}
}

func FuzzNoCredentialIsHandedBack(f *testing.F) {
	f.Add("a", "b")
	f.Add(`{"name":"`, `"}`)
	f.Add("s3cr3t-", "-key")
	f.Fuzz(func(t *testing.T, before, after string) {
		const key = "s3cr3t-canary-key"
		body := []byte(before + key + after)
		got := string(httpx.Cut(body, key))
		if strings.Contains(got, key) {
			t.Errorf("%q holds the key", got)
		}
		if !strings.Contains(before+after, key) && !strings.Contains(got, "[REDACTED]") {
			t.Errorf("%q says nothing of what was cut", got)
		}
	})
}

// BenchmarkCut looks through an answer of a megabyte that holds no credential.
func BenchmarkCut(b *testing.B) {
	body := []byte(strings.Repeat(`{"_id":"~40964248","title":"SSH brute force on fleet-007","eyes":"only"},`, 1<<20/72))
	token := "eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCJ9." + strings.Repeat("eyJpc3MiOiJ3YXp1aCIs", 15)
	for name, secrets := range map[string][]string{"key": {"kA7x9canary0123456789abcdef01234"}, "token and password": {token, "S3cret-Passw0rd"}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				httpx.Cut(body, secrets...)
			}
		})
	}
}
