package httpx_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

const secret = "s3cr3t-canary-key"

var (
	read  = gate.Endpoint{System: "demo", ID: "getThing", Method: "GET", Path: "/things/{id}", Tier: gate.TierRead, Idempotent: true}
	query = gate.Endpoint{System: "demo", ID: "query", Method: "POST", Path: "/query", Tier: gate.TierRead, Idempotent: true}
	write = gate.Endpoint{System: "demo", ID: "createThing", Method: "POST", Path: "/things", Tier: gate.TierWrite}
	patch = gate.Endpoint{System: "demo", ID: "updateThing", Method: "PATCH", Path: "/things/1", Tier: gate.TierWrite, Idempotent: true}
	erase = gate.Endpoint{System: "demo", ID: "deleteThing", Method: "DELETE", Path: "/things/1", Tier: gate.TierDestructive, Idempotent: true}
)

type thing struct{ Name string }

type refusal struct {
	Status     int
	Text, Body string
}

func (r *refusal) Error() string { return fmt.Sprintf("demo: HTTP %d %s %s", r.Status, r.Text, r.Body) }

func client(t *testing.T, url string, change ...func(*httpx.Options)) *httpx.Client {
	t.Helper()
	o := httpx.Options{
		System: "demo", BaseURL: url, Connect: connect.Options{Timeout: 2 * time.Second}, Secrets: []string{secret},
		Auth: func(_ context.Context, r *http.Request, _ int) error {
			r.Header.Set("Authorization", "Bearer "+secret)
			return nil
		},
		Fail: func(f *httpx.Failure) error {
			return &refusal{Status: f.Status, Text: f.Text, Body: string(f.Body)}
		},
	}
	for _, f := range change {
		f(&o)
	}
	c, err := httpx.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve starts a server whose handler is called with the number of the request.
func serve(t *testing.T, h func(n int, w http.ResponseWriter, r *http.Request)) (url string, count *atomic.Int32) {
	t.Helper()
	count = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(int(count.Add(1)), w, r) }))
	t.Cleanup(s.Close)
	return s.URL, count
}

func get(ctx context.Context, c *httpx.Client) (*thing, error) {
	r := httpx.NewRequest(read)
	r.Path("id", "1", "")
	return httpx.JSON[thing](c.Send(ctx, r))
}

func post(ctx context.Context, c *httpx.Client, e gate.Endpoint) (*thing, error) {
	r := httpx.NewRequest(e)
	r.JSON(thing{Name: "new"})
	return httpx.JSON[thing](c.Send(ctx, r))
}

func cut(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		c.Close()
	}
}

func TestOnlyWhatMayBeRepeatedIsRepeated(t *testing.T) {
	t.Parallel()
	status := func(code int) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
			fmt.Fprint(w, `{"reason":"because"}`)
		}
	}
	for _, tt := range []struct {
		name     string
		endpoint gate.Endpoint
		handler  func(int, http.ResponseWriter, *http.Request)
		requests int32
		unknown  bool
	}{
		{"a read after 503", read, status(503), 4, false},
		{"a read by POST after 503", query, status(503), 4, false},
		{"a read after 502", read, status(502), 4, false},
		{"a read after 504", read, status(504), 4, false},
		{"a read by POST after 504, where we are asked to come again", query, status(504), 4, false},
		{"a read by POST after 504", query, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(504) }, 1, false},
		{"a read after 500", read, status(500), 1, false},
		{"a read after 404", read, status(404), 1, false},
		{"a read after a redirect", read, status(302), 1, false},
		{"a write after 503", write, status(503), 1, true},
		{"a write after 500", write, status(500), 1, true},
		{"a write after 408", write, status(408), 1, true},
		{"a write after 409", write, status(409), 1, false},
		{"a write after 520", write, status(520), 1, true},
		{"a write after a redirect", write, status(303), 1, true},
		{"a write after 429", write, status(429), 4, false},
		{"a write after 502", write, status(502), 1, true},
		{"a write after 504", write, status(504), 1, true},
		{"a read after a cut connection", read, func(_ int, w http.ResponseWriter, _ *http.Request) { cut(w) }, 4, false},
		{"a write after a cut connection", write, func(_ int, w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			cut(w)
		}, 1, true},
		{"an idempotent write after 429", patch, status(429), 4, false},
		{"an idempotent write after 502", patch, status(502), 1, true},
		{"an idempotent write after 503", patch, status(503), 1, true},
		{"an idempotent write after 504", erase, status(504), 1, true},
		{"an idempotent write after a cut connection", erase, func(_ int, w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			cut(w)
		}, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, n := serve(t, tt.handler)
			var err error
			if c := client(t, url); tt.endpoint.Method == "GET" {
				_, err = get(t.Context(), c)
			} else {
				_, err = post(t.Context(), c, tt.endpoint)
			}
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.requests, n.Load()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if got := errors.Is(err, gate.ErrOutcomeUnknown); got != tt.unknown {
				t.Errorf("outcome unknown = %v, want %v: %v", got, tt.unknown, err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
}

func TestWhatAnotherTryWouldNotMendIsTriedOnce(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	if _, err := get(t.Context(), client(t, server.URL)); err == nil || connections.Load() != 1 {
		t.Errorf("an untrusted certificate: %v after %d connections", err, connections.Load())
	}
	var log bytes.Buffer
	c := client(t, server.URL, func(o *httpx.Options) {
		o.Connect.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Auth = func(_ context.Context, r *http.Request, _ int) error {
			r.Header.Set("Authorization", "Bearer with\na line break")
			return nil
		}
	})
	if _, err := get(t.Context(), c); err == nil || strings.Contains(log.String(), "msg=retry") {
		t.Errorf("a header that can't be sent: %v, log %s", err, log.String())
	}
}

func TestARetriedRequestKeepsItsBody(t *testing.T) {
	t.Parallel()
	var bodies [3]string
	url, _ := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies[n-1] = string(b)
		if n < 3 {
			w.WriteHeader(503)
			return
		}
		fmt.Fprint(w, `{"name":"ok"}`)
	})
	got, err := post(t.Context(), client(t, url), query)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&thing{Name: "ok"}, got); diff != "" {
		t.Errorf("thing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([3]string{`{"Name":"new"}`, `{"Name":"new"}`, `{"Name":"new"}`}, bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}

func TestAnAnswerCutInTheMiddleIsReadAgainForReadsOnly(t *testing.T) {
	t.Parallel()
	half := func(n int, w http.ResponseWriter, _ *http.Request) {
		if n < 3 {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"name":`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, `{"name":"whole"}`)
	}
	url, n := serve(t, half)
	if got, err := get(t.Context(), client(t, url)); err != nil || got.Name != "whole" {
		t.Errorf("read: %v, %v", got, err)
	}
	n.Store(0)
	if _, err := post(t.Context(), client(t, url), write); !errors.Is(err, gate.ErrOutcomeUnknown) || n.Load() != 1 {
		t.Errorf("write: %v after %d requests; want an unknown outcome after one", err, n.Load())
	}
}

func TestAServerCannotMakeUsWaitForLong(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 502, 503, 504} {
		for _, wait := range []string{"99999999999", "50"} { // for ever, and longer than the caller has
			url, n := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", wait)
				w.WriteHeader(status)
				fmt.Fprint(w, `{"reason":"slow down"}`)
			})
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
			_, err := get(ctx, client(t, url, func(o *httpx.Options) { o.Connect.Retry.MaxWait = time.Minute }))
			cancel()
			var r *refusal
			if !errors.As(err, &r) || r.Status != status || n.Load() != 1 {
				t.Errorf("%d, Retry-After %s: %v after %d requests, want the answer that was in hand", status, wait, err, n.Load())
			}
		}
	}
}

func TestAGatewayIsGivenMoreTimeWithEachTry(t *testing.T) {
	second := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	for status, want := range map[int][]time.Duration{
		502: {second(0.5), second(1), second(2), second(4), second(5)},
		503: {second(0.5), second(1), second(2), second(4), second(5)},
		504: {second(2), second(4), second(5), second(5), second(5)},
		429: {second(0.2), second(0.4), second(0.8), second(1.6), second(3.2)},
	} {
		for try, wait := range want {
			if got := httpx.Backoff(try, 5*time.Second, &http.Response{StatusCode: status}); got != wait {
				t.Errorf("after %d, try %d: %s, want %s", status, try, got, wait)
			}
		}
		asked := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"3"}}}
		if got := httpx.Backoff(0, 5*time.Second, asked); got != second(3) {
			t.Errorf("after %d and Retry-After 3: %s", status, got)
		}
	}
}

func TestEveryFailureIsAClearErrorWithoutSecrets(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string) string {
		url, _ := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
		return url
	}
	tlsServer := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tlsServer.Close)
	for _, tt := range []struct{ name, url, want string }{
		{"nobody listens", "http://127.0.0.1:1", "cannot reach 127.0.0.1:1"},
		{"unknown host", "http://nobody.invalid", "the name nobody.invalid cannot be resolved"},
		{"self-signed certificate", tlsServer.URL, "not signed by a known authority"},
		{"401", answer(401, "application/json", `{"message":"bad key `+secret+`"}`), "HTTP 401"},
		{"403", answer(403, "application/json", `{"message":"no right"}`), "no right"},
		{"an HTML error page", answer(500, "text/html", "<html><title>Bad  Gateway</title>"+secret+"</html>"), `an HTML page instead of JSON ("Bad Gateway")`},
		{"an HTML page in place of an answer", answer(200, "text/html", "<!DOCTYPE html><html>login</html>"), "an HTML page instead of JSON"},
		{"a redirect", answer(302, "", ""), "redirects are not followed"},
		{"plain text", answer(500, "text/plain", "database is down\nstack "+secret), "database is down"},
		{"an empty answer", answer(200, "application/json", ""), "empty body"},
		{"broken JSON", answer(200, "application/json", `{"name":`), "cannot be read"},
		{"an answer that is too large", answer(200, "application/json", `{"name":"`+strings.Repeat("x", connect.DefaultMaxBody)+`"}`), "more than 10485760 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := get(t.Context(), client(t, tt.url))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want it to say %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
}

func TestAWriteWhoseAnswerCannotBeReadHasAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"broken JSON": `{"name":`,
		"too large":   `{"name":"` + strings.Repeat("x", 100) + `"}`,
	} {
		url, _ := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
		_, err := post(t.Context(), client(t, url, func(o *httpx.Options) { o.Connect.MaxBody = 64 }), write)
		if !errors.Is(err, gate.ErrOutcomeUnknown) {
			t.Errorf("%s: %v, want an unknown outcome", name, err)
		}
	}
}

func TestNothingThatIsNotAReadLeavesWithoutAPermit(t *testing.T) {
	t.Parallel()
	url, n := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"name":"ok"}`) })
	g := gatetest.New(t)
	c := client(t, url, func(o *httpx.Options) { o.Guard = g.Guard })

	if _, err := post(t.Context(), c, write); !errors.Is(err, gate.ErrRefused) {
		t.Errorf("write without a permit: %v, want a refusal", err)
	}
	unmarked := write
	unmarked.Tier = 0
	if _, err := post(t.Context(), c, unmarked); !errors.Is(err, gate.ErrRefused) {
		t.Errorf("endpoint without a tier: %v, want a refusal", err)
	}
	if n.Load() != 0 {
		t.Errorf("%d requests were sent", n.Load())
	}
	if _, err := get(t.Context(), c); err != nil {
		t.Errorf("read: %v", err)
	}
	create := gate.Wrap(g.Guard, gate.Write("demo_create", func(ctx context.Context, _ struct{}) (*thing, error) { return post(ctx, c, write) }, "Create."))
	got, err := gatetest.Approved(g, func() (*thing, error) { return create(t.Context(), struct{}{}) })
	if err != nil || got.Name != "ok" {
		t.Errorf("approved write: %v, %v", got, err)
	}
}

func TestIdentifiersCannotLeadElsewhere(t *testing.T) {
	t.Parallel()
	url, n := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	c := client(t, url)
	for _, id := range []string{"", ".", "..", "a/b", `a\b`, "%2e%2e", "a?b", "a#b", "a\nb", "a\x00", strings.Repeat("a", 600)} {
		r := httpx.NewRequest(read)
		r.Path("id", id, "")
		if _, err := c.Send(t.Context(), r); err == nil || !strings.Contains(err.Error(), "id: ") {
			t.Errorf("id %q: %v, want an error that names the parameter", id, err)
		}
	}
	r := httpx.NewRequest(read)
	r.Path("id", "x1", "^[0-9]+$")
	if _, err := c.Send(t.Context(), r); err == nil || !strings.Contains(err.Error(), "does not have the form") {
		t.Errorf("pattern: %v", err)
	}
	if n.Load() != 0 {
		t.Errorf("%d requests were sent", n.Load())
	}
}

func FuzzPathStaysInItsPlace(f *testing.F) {
	for _, s := range []string{"~1", "..", "a/b", "%2e%2e", "?x", "", "a\x00b", ".%00.", "#", `\..\`, "ä ö", "a;b"} {
		f.Add(s)
	}
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.Path
		fmt.Fprint(w, `{}`)
	}))
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, id string) {
		r := httpx.NewRequest(read)
		r.Path("id", id, "")
		if _, err := client(t, s.URL+"/base/").Send(t.Context(), r); err != nil {
			return
		}
		if want := "/base/things/" + id; got != want {
			t.Errorf("%q went to %q", id, got)
		}
	})
}

func TestTheCredentialIsRenewedOnceAfterA401(t *testing.T) {
	t.Parallel()
	url, n := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer fresh" {
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, `{"name":"ok"}`)
	})
	c := client(t, url, func(o *httpx.Options) {
		o.Renewals = 1
		o.Auth = func(_ context.Context, r *http.Request, refused int) error {
			token := "stale"
			if refused > 0 {
				token = "fresh"
			}
			r.Header.Set("Authorization", "Bearer "+token)
			return nil
		}
	})
	if got, err := get(t.Context(), c); err != nil || got.Name != "ok" || n.Load() != 2 {
		t.Errorf("%v, %v after %d requests", got, err, n.Load())
	}
}

func TestTLSSettingsBelongToOneClient(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"name":"ok"}`) }))
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tr := range map[string]connect.Options{"skipping": {SkipTLSVerify: true}, "with the CA": {CAFile: ca}} {
		if _, err := get(t.Context(), client(t, s.URL, func(o *httpx.Options) { o.Connect = tr })); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := get(t.Context(), client(t, s.URL)); err == nil {
		t.Error("another client accepts the certificate too")
	}
	for name, file := range map[string]string{"missing": "/nowhere/ca.pem", "without a certificate": os.Args[0]} {
		if _, err := httpx.New(httpx.Options{System: "demo", BaseURL: s.URL, Connect: connect.Options{CAFile: file}}); err == nil {
			t.Errorf("CA file %s is accepted", name)
		}
	}
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"": "empty", "hive": "absolute", "ftp://h": "absolute", "https://u:p@h": "credentials",
		"https://h?x=1": "query", "https://h#x": "query", "://": "absolute",
	} {
		if _, err := httpx.ParseBaseURL(url); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", url, err, want)
		}
	}
	u, err := httpx.ParseBaseURL("https://h/base//")
	if err != nil || u.String() != "https://h/base" {
		t.Errorf("%v, %v", u, err)
	}
}

func TestQueriesSendWhatWasSetAndNothingElse(t *testing.T) {
	t.Parallel()
	var got string
	url, _ := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		got = r.URL.RawQuery
		fmt.Fprint(w, `{}`)
	})
	no := false
	r := httpx.NewRequest(query)
	r.Query("zero", 0, true)
	r.Query("empty", "", true)
	r.Query("none", []string{}, false)
	r.Query("said", &no, true)
	r.Query("list", []string{"a,b", "c"}, false)
	r.Query("each", []string{"x", "y z"}, true)
	if _, err := client(t, url).Send(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("said=false&list=a%2Cb,c&each=x&each=y+z", got); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	r = httpx.NewRequest(query)
	r.RequireQuery("agents", []string{}, false)
	if _, err := client(t, url).Send(t.Context(), r); err == nil || !strings.Contains(err.Error(), "agents: is required") {
		t.Errorf("an empty required list: %v", err)
	}
}

func BenchmarkRead(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"name":"ok"}`) }))
	defer s.Close()
	c, err := httpx.New(httpx.Options{System: "demo", BaseURL: s.URL, Fail: func(f *httpx.Failure) error { return errors.New(f.Text) }})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := get(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

func TestABodyIsReadWholeUpToTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	for _, size := range []int{20, 8<<10 - 1, 8 << 10, 8<<10 + 1, 24 << 10, limit - 1, limit, limit + 1, 10 * limit} {
		for _, said := range []bool{true, false} {
			want := thing{strings.Repeat("x", size-len(`{"Name":""}`))}
			url, _ := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
				if said {
					w.Header().Set("Content-Length", strconv.Itoa(size))
				} else {
					w.(http.Flusher).Flush()
				}
				fmt.Fprintf(w, `{"Name":%q}`, want.Name)
			})
			got, err := get(t.Context(), client(t, url, func(o *httpx.Options) { o.Connect.MaxBody = limit }))
			switch {
			case size > limit && !errors.Is(err, connect.ErrTooLarge):
				t.Errorf("%d bytes, length said %t: %v, want that it is too large", size, said, err)
			case size <= limit && (err != nil || *got != want):
				t.Errorf("%d bytes, length said %t: %v", size, said, err)
			}
		}
	}
}
