package mcpadapter_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcphttp"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

const (
	aliceToken = "alices-token-of-the-test-0123456789"
	bobToken   = "bobs-token-of-the-test-0123456789ab"
)

// overHTTP serves s until the test ends and returns its URL.
func overHTTP(t *testing.T, s *mcpadapter.Server, opts mcphttp.Options) string {
	t.Helper()
	url := make(chan string, 1)
	opts.Listening = func(u string) { url <- u }
	if opts.ShutdownTimeout == 0 {
		opts.ShutdownTimeout = 20 * time.Second // a connection without a request counts as busy for 5
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mcphttp.Serve(ctx, s, opts) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ServeHTTP: %v", err)
		}
	})
	select {
	case u := <-url:
		return u
	case err := <-done:
		t.Fatal(err)
		return ""
	}
}

func tokens(t *testing.T) *mcphttp.Tokens {
	t.Helper()
	toks, err := mcphttp.ParseTokens("# who may call\n\n" + mcphttp.TokenLine(aliceToken, "alice") + "\n" + mcphttp.TokenLine(bobToken, "bob"))
	if err != nil {
		t.Fatal(err)
	}
	return toks
}

// bearer sends a token with each request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func httpSession(t *testing.T, url, token, version string) *mcp.ClientSession {
	t.Helper()
	return httpClient(t, &mcp.StreamableClientTransport{Endpoint: url}, token, version)
}

func httpClient(t *testing.T, transport *mcp.StreamableClientTransport, token, version string) *mcp.ClientSession {
	t.Helper()
	if token != "" {
		transport.HTTPClient = &http.Client{Transport: bearer(token)}
	}
	cs, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "v1"}, nil).Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cs.Close() })
	return cs
}

func TestOverHTTPBothErasCallAndTheUserIsInTheJournal(t *testing.T) {
	g := mcptest.Guard(t)
	d := &desk{titles: []string{"a"}}
	url := overHTTP(t, serverOf(t, g, mcpadapter.Options{}, d.ops()...), mcphttp.Options{Tokens: tokens(t)})
	for i, era := range eras {
		cs := httpSession(t, url, aliceToken, era)
		if text := mcptest.Text(mcptest.Call(t, cs, "desk_count", nil)); !strings.Contains(text, `"open":1`) {
			t.Errorf("%s: %s", era, text)
		}
		mcptest.Call(t, cs, "desk_close_ticket", fmt.Sprintf(`{"ticketId":"~%d"}`, i+1))
	}
	mcptest.Call(t, httpSession(t, url, bobToken, eras[0]), "desk_close_ticket", `{"ticketId":"~1"}`)
	for who, want := range map[string]int{"alice": 2, "bob": 1, "agent": 0} {
		st, err := g.Status(gate.WithPrincipal(t.Context(), who))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range st.Pending {
			if p.Principal == who {
				n++
			}
		}
		if n != want {
			t.Errorf("%d proposals of %s, want %d", n, who, want)
		}
	}
}

func TestACutAnswerIsOnlyForWhoseItIs(t *testing.T) {
	d := &desk{}
	for range 300 {
		d.titles = append(d.titles, strings.Repeat("x", 100))
	}
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{MaxResponse: 4 << 10}, d.ops()...), mcphttp.Options{Tokens: tokens(t)})
	alice := httpSession(t, url, aliceToken, "")
	res := mcptest.Call(t, alice, "desk_list_tickets", `{"limit":300}`)
	uri := keptAt(t, res)
	if _, err := alice.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri}); err != nil {
		t.Error(err)
	}
	bob := httpSession(t, url, bobToken, "")
	if _, err := bob.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri}); err == nil {
		t.Error("bob reads the answer to alice")
	}
	for who, cs := range map[string]*mcp.ClientSession{"alice": alice, "bob": bob} {
		list, err := cs.ListResources(t.Context(), nil)
		if err != nil || (len(list.Resources) > 0) != (who == "alice") {
			t.Errorf("%s is told of %d pieces: %v", who, len(list.Resources), err)
		}
	}
	if again := keptAt(t, mcptest.Call(t, alice, "desk_list_tickets", `{"limit":300}`)); again != uri {
		t.Errorf("the same answer is kept at %s and at %s", uri, again)
	}
	if his := keptAt(t, mcptest.Call(t, bob, "desk_list_tickets", `{"limit":300}`)); his == uri {
		t.Errorf("bob is sent to the answer to alice")
	}
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

func TestRequestsThatAreTurnedAway(t *testing.T) {
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, new(desk).ops()...),
		mcphttp.Options{Tokens: tokens(t), MaxBody: 2000, MaxSessions: 1, Origins: []string{"https://agent.example"}})
	base := strings.TrimSuffix(url, mcphttp.PathMCP)
	send := func(change func(*http.Request)) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(initialize))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Authorization", "Bearer "+aliceToken)
		change(r)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode
	}
	header := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"no token", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"another token", header("Authorization", "Bearer "+aliceToken+"x"), 401},
		{"the hash of a token", header("Authorization", "Bearer "+strings.Fields(mcphttp.TokenLine(aliceToken, "alice"))[0]), 401},
		{"a short token", header("Authorization", "Bearer a"), 401},
		{"another host", func(r *http.Request) { r.Host = "evil.example" }, 403},
		{"a host that begins like ours", func(r *http.Request) { r.Host = "localhost.evil.example" }, 403},
		{"another origin", header("Origin", "https://evil.example"), 403},
		{"origin null", header("Origin", "null"), 403},
		{"a page of another site", header("Sec-Fetch-Site", "cross-site"), 403},
		{"another path", func(r *http.Request) { r.URL.Path = "/" }, 404},
		{"a body that is too large", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat(" ", 3000))), -1
		}, 413},
		{"a known origin, the first session", header("Origin", "https://agent.example"), 200},
		{"one session more, in the place of the idle one", header("Origin", base), 200},
	} {
		if got := send(tt.change); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	res, err := http.Get(base + mcphttp.PathHealth)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); res.StatusCode != 200 || string(b) != "ok\n" {
		t.Errorf("health: %d %q", res.StatusCode, b)
	}
}

func TestBeyondLoopbackThereMustBeTokensAndTLS(t *testing.T) {
	s := serverOf(t, mcptest.Guard(t), mcpadapter.Options{})
	certificate := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, opts := range []mcphttp.Options{
		{Addr: ":0"}, {Addr: "0.0.0.0:0"}, {Addr: "[::]:0"}, {Addr: "192.0.2.1:0"}, {Addr: "example.com:0"},
		{Addr: "0.0.0.0:0", Tokens: tokens(t)}, {Addr: "0.0.0.0:0", TLS: certificate},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := mcphttp.Serve(ctx, s, opts)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "Options.Tokens and Options.TLS") {
			t.Errorf("%s: %v", opts.Addr, err)
		}
	}
	if err := mcphttp.Serve(t.Context(), s, mcphttp.Options{Addr: "8443"}); err == nil {
		t.Error("an address without a port is taken")
	}
}

func TestOverTLS(t *testing.T) {
	fake := httptest.NewTLSServer(nil) // for its certificate
	defer fake.Close()
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, new(desk).ops()...),
		mcphttp.Options{Addr: "0.0.0.0:0", Tokens: tokens(t), TLS: &tls.Config{Certificates: fake.TLS.Certificates, MinVersion: tls.VersionTLS12}})
	url = strings.Replace(strings.Replace(url, "0.0.0.0", "127.0.0.1", 1), "[::]", "127.0.0.1", 1)
	if !strings.HasPrefix(url, "https://") {
		t.Fatal(url)
	}
	client := fake.Client()
	inner := client.Transport
	client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+aliceToken)
		return inner.RoundTrip(r)
	})
	cs, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "v1"}, nil).Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: client}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	mcptest.Call(t, cs, "desk_count", nil)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestASessionBelongsToWhoOpenedIt(t *testing.T) {
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, new(desk).ops()...), mcphttp.Options{Tokens: tokens(t)})
	alice := httpSession(t, url, aliceToken, eras[0])
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"jsonrpc":"2.0","id":9,"method":"tools/list"}`))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Session-Id": alice.ID(), "Mcp-Protocol-Version": eras[0], "Authorization": "Bearer " + bobToken} {
		r.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("bob in the session of alice: %d, want 403", res.StatusCode)
	}
}

func TestWhenItStopsCallsInFlightEnd(t *testing.T) {
	started := make(chan struct{})
	op := gate.Read("desk_slow", func(context.Context, struct{}) (string, error) {
		close(started)
		time.Sleep(200 * time.Millisecond)
		return "finished", nil
	}, "Take a while.")
	s := serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, op)
	url := make(chan string, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- mcphttp.Serve(ctx, s, mcphttp.Options{Listening: func(u string) { url <- u }, ShutdownTimeout: 20 * time.Second})
	}()
	cs := httpSession(t, <-url, "", eras[0])
	answer := make(chan string, 1)
	go func() {
		res, err := cs.CallTool(context.Background(), &mcp.CallToolParams{Name: "desk_slow"})
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- mcptest.Text(res)
	}()
	<-started
	cancel()
	if got := <-answer; !strings.Contains(got, "finished") {
		t.Errorf("the call in flight: %s", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTokensFile(t *testing.T) {
	good := mcphttp.TokenLine(aliceToken, "alice")
	for name, tt := range map[string]struct{ text, want string }{
		"empty":       {"# nobody\n", "there is none"},
		"no user":     {strings.Fields(good)[0], "want one user"},
		"short hash":  {"abcd alice", "64 hex digits"},
		"plain token": {aliceToken + " alice", "64 hex digits"},
		"twice":       {good + "\n" + good, "line 2: the token is there twice"},
		"two names":   {good + " smith", "want one user"},
	} {
		if _, err := mcphttp.ParseTokens(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte(good+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if toks, err := mcphttp.LoadTokens(file); err != nil || toks.Len() != 1 {
		t.Errorf("%v, %v", toks, err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(file, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := mcphttp.LoadTokens(file); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
			t.Errorf("a file that anybody writes to: %v", err)
		}
	}
	if _, err := mcphttp.LoadTokens(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file is taken")
	}
}

func TestATokensFileIsReadAsCarefullyAsAPolicy(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, "long")
	if err := os.WriteFile(long, []byte(strings.Repeat("#\n", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{dir: "not a regular file", long: "more than 1048576 bytes"} {
		if _, err := mcphttp.LoadTokens(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("only root can give a file to somebody else")
	}
	theirs := filepath.Join(dir, "theirs")
	if err := os.WriteFile(theirs, []byte(mcphttp.TokenLine(aliceToken, "alice")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(theirs, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := mcphttp.LoadTokens(theirs); err == nil || !strings.Contains(err.Error(), "uid 12345") {
		t.Errorf("a file of somebody else: %v", err)
	}
}

// halfSent begins n requests whose bodies never come.
func halfSent(t *testing.T, address string, n int, header string) (answers chan string) {
	t.Helper()
	answers = make(chan string, n)
	host := strings.TrimSuffix(strings.TrimPrefix(address, "http://"), mcphttp.PathMCP)
	for range n {
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		fmt.Fprintf(c, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n%s\r\n{", host, header)
		go func() {
			if line, err := bufio.NewReader(c).ReadString('\n'); err == nil {
				answers <- strings.TrimSpace(line)
			}
		}()
	}
	return answers
}

// opened asks for a session and returns the status.
func opened(t *testing.T, address, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(initialize))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func TestWhoHasNoTokenTakesNobodysPlace(t *testing.T) {
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}), mcphttp.Options{Tokens: tokens(t), MaxRequests: 4})
	halfSent(t, url, 12, "")
	halfSent(t, url, 12, "Authorization: Bearer "+aliceToken+"x\r\n")
	time.Sleep(200 * time.Millisecond) // in which they take places, if they can
	if code := opened(t, url, aliceToken); code != http.StatusOK {
		t.Errorf("alice, who has one: %d", code)
	}
}

// givenUp waits until n of the half-sent requests were given up.
func givenUp(t *testing.T, answers chan string, n int) {
	t.Helper()
	for range n {
		if got := <-answers; got != "HTTP/1.1 408 Request Timeout" {
			t.Errorf("half a request is answered with %s", got)
		}
	}
}

// Without tokens all callers are alike: those who send half a request and wait.
func TestWhoSendsHalfARequestKeepsNobodyOut(t *testing.T) {
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}), mcphttp.Options{MaxRequests: 4})
	answers := halfSent(t, url, 600, "")
	givenUp(t, answers, 596)
	if code := opened(t, url, ""); code != http.StatusOK {
		t.Errorf("who sends a whole one: %d", code)
	}
	givenUp(t, answers, 1) // whose place it was
}

func TestOneUserTakesNobodyElsesPlace(t *testing.T) {
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}), mcphttp.Options{Tokens: tokens(t), MaxRequests: 4})
	bobs := halfSent(t, url, 1, "Authorization: Bearer "+bobToken+"\r\n")
	givenUp(t, halfSent(t, url, 12, "Authorization: Bearer "+aliceToken+"\r\n"), 10)
	if len(bobs) > 0 {
		t.Errorf("bob's request was given up for alice's: %s", <-bobs)
	}
	if code := opened(t, url, bobToken); code != http.StatusOK {
		t.Errorf("bob, while alice has many requests: %d", code)
	}
}

func TestOneUserTakesNobodyElsesSession(t *testing.T) {
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}), mcphttp.Options{Tokens: tokens(t), MaxSessions: 6})
	bob := httpSession(t, url, bobToken, eras[0])
	for i := range 20 {
		if code := opened(t, url, aliceToken); code != http.StatusOK {
			t.Fatalf("alice, the %dth time: %d", i+1, code)
		}
	}
	if err := bob.Ping(t.Context(), nil); err != nil {
		t.Errorf("bob's session, after alice opened many: %v", err)
	}
}

// overHTTPWithASlowTool serves desk_wait, which tells started that it is called and
// answers when release lets it, to that many sessions at most.
func overHTTPWithASlowTool(t *testing.T, sessions int) (url string, started, release chan bool) {
	t.Helper()
	started, release = make(chan bool), make(chan bool)
	slow := gate.Read("desk_wait", func(context.Context, struct{}) (string, error) {
		started <- true
		<-release
		return "ok", nil
	}, "Wait.")
	s := mcpadapter.New(mcptest.Guard(t), mcpadapter.Options{})
	if err := s.Add(slow); err != nil {
		t.Fatal(err)
	}
	return overHTTP(t, s, mcphttp.Options{MaxSessions: sessions}), started, release
}

// Many clients leave without ending their session, and don't come back to it.
func TestTheLongestIdleSessionMakesRoomForANewOne(t *testing.T) {
	url, started, release := overHTTPWithASlowTool(t, 3)
	// Each answer is read to its end, behind which the server knows that the request is over.
	type session map[string]string
	ask := func(s session, method, params string) int {
		return posted(t, url, s, `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":`+params+`}`).StatusCode
	}
	open := func() session {
		res := posted(t, url, map[string]string{}, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
		s := session{"Mcp-Session-Id": res.Header.Get("Mcp-Session-Id"), "Mcp-Protocol-Version": "2025-11-25"}
		posted(t, url, s, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
		return s
	}
	busy, idle, lively := open(), open(), open()
	done := make(chan int)
	go func() { done <- ask(busy, "tools/call", `{"name":"desk_wait","arguments":{}}`) }()
	<-started
	if got := ask(lively, "ping", "{}"); got != http.StatusOK {
		t.Fatal(got)
	}
	newest := open()
	got := map[string]int{"idle": ask(idle, "ping", "{}"), "lively": ask(lively, "ping", "{}"), "newest": ask(newest, "ping", "{}")}
	release <- true
	got["busy"] = <-done
	if diff := cmp.Diff(map[string]int{"idle": http.StatusNotFound, "lively": http.StatusOK, "newest": http.StatusOK, "busy": http.StatusOK}, got); diff != "" {
		t.Errorf("the session that was idle for the longest makes room (-want +got):\n%s", diff)
	}
}

func TestWhereEachSessionHasACallInFlightAnotherIsToldToComeLater(t *testing.T) {
	url, started, release := overHTTPWithASlowTool(t, 1)
	busy := httpSession(t, url, "", eras[0])
	go busy.CallTool(context.WithoutCancel(t.Context()), &mcp.CallToolParams{Name: "desk_wait", Arguments: map[string]any{}}) //nolint:errcheck // it is only in the way
	<-started
	defer close(release)
	res := posted(t, url, map[string]string{}, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
}

// posted posts body and returns the answer, read.
func posted(t *testing.T, url string, headers map[string]string, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Body = io.NopCloser(strings.NewReader(string(all)))
	return res
}

func TestAVersionHeaderThatAProxyTookIsNamed(t *testing.T) {
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}), mcphttp.Options{})
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
		`"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`
	for name, headers := range map[string]map[string]string{
		"taken":           {"Mcp-Method": "tools/list"},
		"taken, with all": {},
		"another":         {"Mcp-Method": "tools/list", "Mcp-Protocol-Version": "2025-11-25"},
	} {
		res := posted(t, url, headers, call)
		b, _ := io.ReadAll(res.Body)
		if text := string(b); res.StatusCode != http.StatusBadRequest || !strings.Contains(text, "-32020") || !strings.Contains(strings.ToLower(text), "mcp-protocol-version") {
			t.Errorf("%s: %d %s", name, res.StatusCode, text)
		}
	}
	if res := posted(t, url, map[string]string{"Mcp-Method": "tools/list", "Mcp-Protocol-Version": "2026-07-28"}, call); res.StatusCode != http.StatusOK {
		t.Errorf("with its header: %d", res.StatusCode)
	}
}

func TestASessionThatEndedLeavesRoom(t *testing.T) {
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}), mcphttp.Options{Tokens: tokens(t), MaxSessions: 2})
	for range 3 {
		_ = httpSession(t, url, aliceToken, eras[0]).Close()
	}
}

// Whoever calls over HTTP could answer the form, or let the prompt pass, in the
// human's place.
func TestOverHTTPTheCallersOwnWordIsNoApproval(t *testing.T) {
	for _, tt := range []struct {
		name     string
		approval gate.Approval
		trusted  bool // by the policy
		tokens   bool
		executed bool
	}{
		{"client", gate.ApprovalClient, false, false, false},
		{"client with tokens", gate.ApprovalClient, false, true, false},
		{"client as the policy says, without tokens", gate.ApprovalClient, true, false, false},
		{"client as the policy says, with tokens", gate.ApprovalClient, true, true, true},
		{"host", gate.ApprovalHost, false, false, false},
		{"host with tokens", gate.ApprovalHost, false, true, false},
		{"host as the policy says, with tokens", gate.ApprovalHost, true, true, true},
	} {
		for _, era := range eras {
			t.Run(tt.name+"/"+era, func(t *testing.T) {
				t.Parallel()
				g, err := gate.New(gate.Policy{Max: gate.TierWrite, Approval: tt.approval, OverHTTP: tt.trusted, Dir: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = g.Close() })
				d := new(desk)
				s := mcpadapter.New(g, mcpadapter.Options{Name: "test"})
				if err := s.Add(d.ops()...); err != nil {
					t.Fatal(err)
				}
				var opts mcphttp.Options
				transport := &mcp.StreamableClientTransport{HTTPClient: &http.Client{Transport: http.DefaultTransport}}
				if tt.tokens {
					opts.Tokens, transport.HTTPClient.Transport = tokens(t), bearer(bobToken)
				}
				transport.Endpoint = overHTTP(t, s, opts)
				cs, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "v1"}, &mcp.ClientOptions{ElicitationHandler: answered("accept", right)}).
					Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: era})
				if err != nil {
					t.Fatal(err)
				}
				defer cs.Close()
				var a answer
				mcptest.Structured(t, mcptest.Call(t, cs, "desk_close_ticket", `{"id":"~7"}`), &a)
				if want := map[bool]string{true: "executed", false: "pending"}[tt.executed]; a.Status != want {
					t.Errorf("%s, want %s", a.Status, want)
				}
				var status struct {
					Approval string            `json:"approval"`
					Who      map[string]string `json:"who"`
				}
				mcptest.Structured(t, mcptest.Call(t, cs, "gate_status", `{}`), &status)
				if says := strings.Contains(status.Who["write"], "over HTTP"); says == tt.executed || tt.executed != (status.Approval == string(tt.approval)) {
					t.Errorf("the status says %+v", status)
				}
				if tt.approval == gate.ApprovalClient && !tt.executed && !strings.Contains(a.Next, "over HTTP") {
					t.Errorf("next doesn't say why: %s", a.Next)
				}
			})
		}
	}
}

// TestAnAnswerOverHTTPIsTheSameInBothForms calls a tool that says what its caller gave
// it: many at once in both eras, and in one request as a batch.
func TestAnAnswerOverHTTPIsTheSameInBothForms(t *testing.T) {
	type said struct {
		Text string `json:"text" jsonschema:"What to say."`
	}
	say := func(_ context.Context, in said) (said, error) { return in, nil }
	url := overHTTP(t, serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, gate.Read("say", say, "Say.")), mcphttp.Options{})
	texts := []string{`a "quoted" \ <b> & é` + "\n\t\x01\u2028", "data: x\n\n", `"text":"answer-`, strings.Repeat("long ", 3000), "", "x"}
	same := func(text, structured string) string {
		if text != structured {
			t.Errorf("the text\n%s\nand the structured content\n%s", text, structured)
		}
		var out said
		if err := json.Unmarshal([]byte(structured), &out); err != nil {
			t.Errorf("%v: %s", err, structured)
		}
		return out.Text
	}
	for _, era := range eras {
		cs := httpSession(t, url, "", era)
		var wg sync.WaitGroup
		for i := range 32 {
			text := fmt.Sprint(i, texts[i%len(texts)])
			wg.Go(func() {
				res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: "say", Arguments: said{text}})
				if err != nil {
					t.Error(err)
					return
				}
				structured, err := json.Marshal(res.StructuredContent)
				if err != nil {
					t.Error(err)
				}
				var a, b any
				if err := errors.Join(json.Unmarshal([]byte(mcptest.Text(res)), &a), json.Unmarshal(structured, &b)); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(map[string]any{"text": text}, a); diff != "" || !cmp.Equal(a, b) {
					t.Errorf("%s: text (-want +got):\n%s\nstructured: %v", era, diff, b)
				}
			})
		}
		wg.Wait()
	}

	const version = "2025-03-26" // which has batches
	hello := posted(t, url, nil, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"`+version+`","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	headers := map[string]string{"Mcp-Session-Id": hello.Header.Get("Mcp-Session-Id"), "Mcp-Protocol-Version": version, "Sallyport-Outlet": "answer-"}
	var batch []string
	want := map[string]string{}
	for i, text := range texts {
		args, err := json.Marshal(said{text})
		if err != nil {
			t.Fatal(err)
		}
		want[fmt.Sprint(10+i)] = text
		batch = append(batch, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"say","arguments":%s}}`, 10+i, args))
	}
	body, err := io.ReadAll(posted(t, url, headers, "["+strings.Join(batch, ",")+"]").Body)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.SplitSeq(string(body), "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var r struct {
			ID     int
			Result struct {
				Content           []struct{ Text string }
				StructuredContent json.RawMessage
			}
		}
		if err := json.Unmarshal([]byte(data), &r); err != nil || len(r.Result.Content) != 1 {
			t.Fatalf("%v: %s", err, data)
		}
		got[fmt.Sprint(r.ID)] = same(r.Result.Content[0].Text, string(r.Result.StructuredContent))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers of the batch (-want +got):\n%s", diff)
	}
}
