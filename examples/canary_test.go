package examples_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/settings"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcphttp"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// mark begins and ends every planted secret, so that a part of one is found too.
const mark = "cAnArY7"

func planted(name string) string { return mark + "-" + strings.ToLower(name) + "/+=<&>-" + mark }

// echoes are answers that hold all that the request held, its credentials in clear
// too, in the forms in which platforms and what stands before them fail.
var echoes = map[string]func(w http.ResponseWriter, echo string){
	"400":       refusal(400, false),
	"401":       refusal(401, false),
	"403":       refusal(403, true),
	"404":       refusal(404, false),
	"409":       refusal(409, true),
	"429":       refusal(429, false),
	"500":       refusal(500, true),
	"a list":    func(w http.ResponseWriter, echo string) { answer(w, 200, "application/json", quote([]string{echo})) },
	"a success": refusal(200, false),
	"a text":    func(w http.ResponseWriter, echo string) { answer(w, 502, "text/plain", echo) },
	"a page": func(w http.ResponseWriter, echo string) {
		answer(w, 503, "text/html", "<html><title>"+echo+"</title><body>"+echo)
	},
	"a page as OK": func(w http.ResponseWriter, echo string) {
		answer(w, 200, "text/html", "<html><title>"+echo+"</title><body>"+echo)
	},
	"a redirect": func(w http.ResponseWriter, echo string) {
		w.Header().Set("Location", "https://sso.example.org/login?for="+strings.ReplaceAll(echo, "\n", "&"))
		w.WriteHeader(http.StatusFound)
	},
	byProxy: refusal(407, false),
}

// byProxy is the failure that the proxy answers itself, before anything reaches the platform.
const byProxy = "the proxy"

// refusal is an error with the members of all platforms.
func refusal(status int, deep bool) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, echo string) {
		m := map[string]any{"type": "AuthenticationError", "message": echo, "title": echo, "detail": echo, "name": echo, "url": echo, "errors": []any{map[string]any{"value": []string{echo}}}, "error": 4000}
		if deep {
			m["error"] = map[string]any{"type": "security_exception", "reason": echo, "root_cause": []any{map[string]any{"reason": echo}}}
			m["errors"] = map[string]any{"Attribute": []string{echo}}
		}
		answer(w, status, "application/json", quote(m))
	}
}

func quote(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func answer(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Request-Id", body[:min(len(body), 400)])
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// front is what stands before all platforms of a lab of its own: a proxy, and behind it a
// server that demands a client certificate. It changes the planted credentials into those
// of the lab, or fails with an echo.
type front struct {
	platforms map[string]http.Handler // by host
	real      *strings.Replacer
	proxy     *httptest.Server
	tls       *httptest.Server
	mu        sync.Mutex
	how       string   // it fails; empty: it doesn't
	via       string   // what the proxy was sent for itself
	tokens    []string // that Wazuh gave out
	shown     int      // how many requests came with a client certificate
}

// hosts are the names of the platforms behind the front by the prefix of their settings.
var hosts = map[string]string{"WAZUH_": "wazuh.canary.example", "WAZUH_INDEXER_": "indexer.canary.example", "THEHIVE_": "hive.canary.example", "CORTEX_": "cortex.canary.example", "MISP_": "misp.canary.example"}

func newFront(t *testing.T) *front {
	t.Helper()
	l, err := lab.Start(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	f := &front{
		platforms: map[string]http.Handler{hosts["MISP_"]: l.MISP, hosts["THEHIVE_"]: l.TheHive, hosts["CORTEX_"]: l.Cortex, hosts["WAZUH_"]: l.Wazuh.Manager(), hosts["WAZUH_INDEXER_"]: l.Wazuh.Indexer()},
		real: strings.NewReplacer(planted("WAZUH_PASSWORD"), wazuhtest.Password, planted("WAZUH_INDEXER_PASSWORD"), wazuhtest.IndexerPassword, planted("THEHIVE_API_KEY"), thehivetest.Key,
			planted("CORTEX_API_KEY"), cortextest.AdminKey, planted("CORTEX_SUPERADMIN_KEY"), cortextest.SuperadminKey, planted("MISP_API_KEY"), misptest.AdminKey),
	}
	f.proxy = httptest.NewServer(http.HandlerFunc(f.relay))
	t.Cleanup(f.proxy.Close)
	return f
}

// fails has everything fail in the way that has the name, or nothing where that is empty.
func (f *front) fails(how string) {
	f.mu.Lock()
	f.how = how
	f.mu.Unlock()
	if f.tls != nil {
		f.tls.CloseClientConnections() // so that the proxy is asked again
	}
}

// relay is the proxy: it connects to the platforms, or asks them itself.
func (f *front) relay(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	how := f.how
	f.via = r.Header.Get("Proxy-Authorization")
	f.mu.Unlock()
	if r.Method != http.MethodConnect {
		f.ServeHTTP(w, r)
		return
	}
	if how == byProxy {
		echoes[how](w, f.echo(r, nil))
		return
	}
	to, err := net.Dial("tcp", f.tls.Listener.Addr().String())
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	_, _ = io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(to, buffered)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
}

// echo is all that came with a request, in clear.
func (f *front) echo(r *http.Request, body []byte) string {
	var echo strings.Builder
	fmt.Fprintf(&echo, "%s %s %s\n", r.Method, r.URL, body)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&echo, "%s: %s\n", name, r.Header.Get(name))
	}
	if user, password, basic := r.BasicAuth(); basic {
		fmt.Fprintf(&echo, "user %s with the password %s\n", user, password)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if via, ok := strings.CutPrefix(f.via, "Basic "); ok {
		b, _ := base64.StdEncoding.DecodeString(via)
		fmt.Fprintf(&echo, "through the proxy as %s, %s\n", b, via)
	}
	return echo.String()
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	fail := echoes[f.how]
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		f.shown++
	}
	f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if fail != nil {
		fail(w, f.echo(r, body))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if user, password, basic := r.BasicAuth(); basic {
		r.SetBasicAuth(user, f.real.Replace(password))
	} else if a := r.Header.Get("Authorization"); a != "" {
		r.Header.Set("Authorization", f.real.Replace(a))
	}
	r.URL.Scheme, r.URL.Host = "", ""
	rec := httptest.NewRecorder()
	f.platforms[r.Host].ServeHTTP(rec, r)
	var issued struct{ Data struct{ Token string } }
	if strings.HasSuffix(r.URL.Path, "/authenticate") && json.Unmarshal(rec.Body.Bytes(), &issued) == nil && issued.Data.Token != "" {
		f.mu.Lock()
		f.tokens = append(f.tokens, issued.Data.Token)
		f.mu.Unlock()
	}
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// open are the settings by the end of their name that could hold no secret: who set
// one there would have to mean something else.
var open = []string{
	"_USERNAME", "_ORGANISATION", "_VERSION", "_TIMEZONE", "_ALERT_INDEX", "_STATE_INDEX", "_LABEL", "_TLS_SERVER_NAME", "_TLS_FINGERPRINT",
	"_FILE_BASE_DIR", "MITRE_DATA_DIR", "MITRE_SIGMA_DIR", "MITRE_UPDATE_FROM", "SALLYPORT_APPROVAL", "SALLYPORT_OTHER_USER",
	"SALLYPORT_STATE_FILE", // in TestNoPasswordOfADatabaseComesOut
}

// A garden is the environment of one server in which every setting that may hold a
// secret does.
type garden struct {
	env     []string
	secrets []string
	keys    string // the folder that keys of users are written to
	state   string
	token   string // of a caller over HTTP
}

func (g *garden) set(name, value string) { g.env = append(g.env, name+"="+value) }

// plant plants a secret in each setting that the server of a system reads, as the
// table of settings has them, and reports those of which it doesn't know how.
func (f *front) plant(t *testing.T, system string) *garden {
	t.Helper()
	dir := t.TempDir()
	g := &garden{keys: t.TempDir(), state: t.TempDir(), token: planted("token-of-a-caller")}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pair, ca, _ := certificate(t)
	_, cert, key := certificate(t)
	f.tls = httptest.NewUnstartedServer(f)
	f.tls.TLS, f.tls.Config.ErrorLog = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}, slog.NewLogLogger(slog.DiscardHandler, 0)
	f.tls.StartTLS()
	t.Cleanup(f.tls.Close)
	pem, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(pem)) {
		if !strings.HasPrefix(line, "-----") {
			g.secrets = append(g.secrets, strings.TrimSpace(line))
		}
	}
	scheme := "https://"
	if system == "soc" { // a proxy sees what is asked for without TLS
		scheme = "http://"
	}
	secret := 0
	for _, group := range settings.Of(system) {
		for _, s := range group.Settings {
			end := strings.TrimPrefix(s.Name, group.Prefix)
			switch {
			case strings.HasSuffix(s.Name, "_PROXY"):
				g.set(s.Name, strings.Replace(f.proxy.URL, "://", "://agent:"+mark+"-proxy-"+mark+"@", 1))
			case s.Secret && secret%2 == 0:
				secret++
				g.set(s.Name, planted(s.Name))
			case s.Secret:
				secret++
				g.set(s.File(), file(s.Name, planted(s.Name)+"\n"))
			case strings.HasSuffix(s.Name, "_HEADERS_FILE"):
				g.set(s.Name, file(s.Name, "X-MISP-AUTH: "+planted(end)+"\nX-Gateway: Bearer "+planted(end+"-bearer")+"\n"))
			case strings.HasSuffix(s.Name, "_CA_FILE"):
				g.set(s.Name, ca)
			case strings.HasSuffix(s.Name, "_CLIENT_CERT_FILE"):
				g.set(s.Name, cert)
			case strings.HasSuffix(s.Name, "_CLIENT_KEY_FILE"):
				g.set(s.Name, key)
			case strings.HasSuffix(s.Name, "_TLS_SERVER_NAME"):
				g.set(s.Name, "localhost")
			case s.Kind == settings.URL:
				g.set(s.Name, scheme+hosts[strings.TrimSuffix(s.Name, "URL")])
			case s.Name == "WAZUH_USERNAME":
				g.set(s.Name, wazuhtest.User)
			case s.Name == "WAZUH_INDEXER_USERNAME":
				g.set(s.Name, wazuhtest.IndexerUser)
			case s.Name == "CORTEX_KEY_DIR":
				g.set(s.Name, g.keys)
			case s.Name == "CORTEX_SECRETS_DIR":
				secrets := filepath.Join(dir, "secrets")
				if err := os.Mkdir(secrets, 0o700); err != nil {
					t.Fatal(err)
				}
				g.set(s.Name, secrets)
				file(filepath.Join("secrets", cortextest.PaidDefinition+".json"), quote(map[string]string{"key": planted("worker")}))
			case s.Name == "SALLYPORT_STATE":
				g.set(s.Name, g.state)
			case s.Name == "SALLYPORT_POLICY":
				g.set(s.Name, file(s.Name, unbounded))
			case s.Name == "SALLYPORT_HTTP_TOKENS":
				g.set(s.Name, file(s.Name, mcphttp.TokenLine(g.token, "caller")+"\n"))
			case s.Kind == settings.Switch && !slices.Contains([]string{"WAZUH_ALLOW_SENSITIVE_CONFIG", "MISP_ALLOW_DESTRUCTIVE", "MITRE_SOC_ALLOW_WRITES"}, s.Name):
				g.set(s.Name, "1") // the last two would approve in advance, so that nobody is asked
			case strings.HasSuffix(s.Name, "_RETRY"):
				g.set(s.Name, "false")
			case s.Kind == settings.Text || s.Kind == settings.File || s.Kind == settings.Folder:
				if !slices.ContainsFunc(open, func(end string) bool { return strings.HasSuffix(s.Name, end) }) {
					t.Errorf("%s is planted nowhere: plant a secret in it, or say that it could hold none", s.Name)
				}
			}
		}
	}
	g.env = append(g.env, "HOME="+t.TempDir(), "PATH="+os.Getenv("PATH"), "SYSTEMROOT="+os.Getenv("SYSTEMROOT"))
	g.secrets = append(g.secrets, append(slices.Clone(wazuhtest.ConfigSecrets), mark, cortextest.Secret)...)
	for _, pair := range []string{wazuhtest.User + ":" + planted("WAZUH_PASSWORD"), wazuhtest.IndexerUser + ":" + planted("WAZUH_INDEXER_PASSWORD"), "agent:" + mark + "-proxy-" + mark} {
		g.secrets = append(g.secrets, base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	return g
}

// leaks keeps all that comes out.
type leaks struct {
	mu  sync.Mutex
	out []struct{ where, text string }
}

func (l *leaks) add(where, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = append(l.out, struct{ where, text string }{where, text})
}

// Write is for logs.
func (l *leaks) Write(b []byte) (int, error) {
	l.add("log", string(b))
	return len(b), nil
}

// has reports whether a text came out.
func (l *leaks) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.out, func(o struct{ where, text string }) bool { return strings.Contains(o.text, text) })
}

// hold reports what holds a secret.
func (l *leaks) hold(t *testing.T, secrets []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	reported := 0
	for _, o := range l.out {
		for _, s := range secrets {
			if i := strings.Index(o.text, s); i >= 0 && reported < 20 {
				reported++
				t.Errorf("%q comes out of %.200s: %s", s, o.where, o.text[max(0, i-120):min(len(o.text), i+120)])
			}
		}
	}
}

// A watched is a server that runs among planted secrets.
type watched struct {
	*leaks
	t       *testing.T
	site    *site
	program string
	garden  *garden
	front   *front
	session *mcp.ClientSession
}

// prints keeps what a program prints.
func (w *watched) prints(program string, args ...string) {
	w.t.Helper()
	out, _ := w.site.ran(w.garden.env, program, args...)
	w.add(program+" "+strings.Join(args, " "), out)
}

// call keeps what a tool answers.
func (w *watched) call(how string, c evidence.Call) map[string]any {
	w.t.Helper()
	res, err := w.session.CallTool(w.t.Context(), &mcp.CallToolParams{Name: c.Op, Arguments: json.RawMessage(c.Args)})
	if err != nil {
		w.t.Fatalf("%s: %v", c.Op, err)
	}
	w.add(how+": "+c.Op, mcptest.Text(res)+quote(res))
	m, _ := res.StructuredContent.(map[string]any)
	return m
}

// TestNoSecretComesOutAnywhere plants a secret in every setting that may hold one
// and in the platforms' objects, calls every tool of every server on platforms that
// work and on platforms that fail and repeat what they were sent, and looks for the
// secrets in every answer, log, plan, journal, page, check and help.
func TestNoSecretComesOutAnywhere(t *testing.T) {
	t.Parallel()
	bin, err := bin()
	if err != nil {
		t.Fatal(err)
	}
	for server, calls := range served() {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			f := newFront(t)
			w := &watched{leaks: &leaks{}, t: t, site: &site{t: t, bin: bin}, program: server, garden: f.plant(t, strings.TrimSuffix(server, "-mcp")), front: f}
			calls = slices.DeleteFunc(calls, func(c evidence.Call) bool {
				return c.Env["WAZUH_ALLOW_SENSITIVE_CONFIG"] != "" // it shows secrets, as its lock says
			})
			w.all(calls)
			secrets := w.garden.secrets
			f.mu.Lock()
			secrets = append(secrets, f.tokens...)
			if strings.Contains(server, "wazuh") && len(f.tokens) == 0 {
				t.Error("Wazuh gave out no token")
			}
			if server != "soc-mcp" && f.shown == 0 {
				t.Error("no client certificate was shown")
			}
			f.mu.Unlock()
			handed := files(t, w.garden.keys)
			for _, text := range handed {
				secrets = append(secrets, strings.TrimSpace(text))
			}
			if strings.Contains(server, "cortex") && len(handed) == 0 {
				t.Error("Cortex gave out no key")
			}
			for file, text := range files(t, w.garden.state) {
				w.add(file, text)
			}
			w.hold(t, secrets)
		})
	}
}

// all has the server say all that it can.
func (w *watched) all(calls []evidence.Call) {
	t := w.t
	t.Helper()
	signer, err := gate.NewSigner("operator")
	if err == nil {
		err = gate.AddApprover(w.garden.state, signer.Approver())
	}
	if err != nil {
		t.Fatal(err)
	}
	j, err := gate.OpenJournal(w.garden.state)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	approve := func(m map[string]any) bool {
		t.Helper()
		id, _ := m["proposal"].(string)
		if m["status"] != string(gate.StatePending) || id == "" {
			return false
		}
		p, err := j.Proposal(id)
		if err == nil {
			err = j.Approve(id, p.Digest, signer)
		}
		if err != nil {
			t.Fatal(err)
		}
		return true
	}
	cmd := exec.Command(w.site.program(w.program), "-log", "debug", "-max-response", "4194304")
	cmd.Env, cmd.Stderr = w.garden.env, w
	w.session, err = mcp.NewClient(&mcp.Implementation{Name: "canary", Version: "v1"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatalf("%v: %v", err, w.out)
	}
	defer func() { _ = w.session.Close() }()

	names := slices.Sorted(maps.Keys(echoes))
	for turn, name := range names {
		w.front.fails(name)
		for i, c := range calls {
			waits := c.Op == "cortex_wait_and_get_report" && name != "401" // until the platform is well again
			if i%3 == turn%3 && !waits {
				w.call(name, c)
			}
		}
		w.prints(w.program, []string{"check", "-json"}[:1+turn%2]...)
	}
	w.front.fails("")
	// What is approved, and fails as it runs: the journal keeps why.
	for i, c := range calls {
		if i%4 == 0 && approve(w.call("before it fails", c)) {
			w.front.fails([]string{"400", "403", "404"}[i/4%3])
			w.call("approved, and fails", c)
			w.front.fails("")
		}
	}
	done, waited := 0, false
	for _, c := range calls {
		m := w.call("all is well", c)
		if id, _ := m["proposal"].(string); m["status"] == string(gate.StatePending) {
			w.prints("gate", "show", id)
			if !waited {
				waited = true
				w.page()
			}
		}
		if approve(m) {
			m = w.call("approved", c)
		}
		if m["message"] == nil {
			done++
		}
	}
	if done < len(calls)*9/10 {
		t.Errorf("only %d of %d calls succeeded: too few answers were seen", done, len(calls))
	}
	for tool, args := range map[string]string{
		"cortex_enable_analyzer":  `{"definitionId":"VirusTotal_GetReport_3_1","configuration":{"key":"` + mark + `"}}`,
		"cortex_enable_responder": `{"definitionId":"` + cortextest.ResponderDefinition + `","configuration":{"zone":"z","api_token":"` + mark + `"}}`,
		"get_manager_config":      `{"include_sensitive_config":true}`,
	} {
		if slices.ContainsFunc(calls, func(c evidence.Call) bool { return c.Op == tool }) {
			w.call("with a secret", evidence.Call{Op: tool, Args: args})
		}
	}
	if !w.has("level=DEBUG msg=request") {
		t.Error("no request is in the log")
	}
	first := calls[0]
	for _, args := range [][]string{
		{"check"}, {"check", "-json"}, {"-help"}, {"help"}, {"tools"}, {"tools", "-json"}, {"completion", "bash"}, {"call", first.Op, "-help"},
		{"-log", "debug", "call", first.Op, first.Args}, {"-log", "debug", "call", first.Op, first.Args, "-json"},
	} {
		w.prints(w.program, args...)
	}
	w.overHTTP()
	for _, args := range [][]string{{"status"}, {"pending"}, {"log"}, {"log", "-json"}, {"verify"}, {"help"}} {
		w.prints("gate", args...)
	}
}

// overHTTP serves a caller with a token, and turns one away with another.
func (w *watched) overHTTP() {
	w.t.Helper()
	cmd := exec.Command(w.site.program(w.program), "-log", "debug", "-http", "127.0.0.1:0")
	cmd.Env, cmd.Stdout = w.garden.env, w
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	address := ""
	for address == "" {
		line, err := lines.ReadString('\n')
		w.add("log", line)
		if m := regexp.MustCompile(`msg=listening url=(\S+)`).FindStringSubmatch(line); m != nil {
			address = m[1]
		}
		if err != nil {
			w.t.Fatalf("it doesn't listen: %v\n%s", err, line)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(w, lines)
	}()
	for token, status := range map[string]int{w.garden.token: 200, planted("another-token"): 401, mark: 401} {
		const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, address, strings.NewReader(hello))
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			w.t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		w.add("over HTTP", fmt.Sprint(res.Header, string(b)))
		if res.StatusCode != status {
			w.t.Errorf("over HTTP: %s, want %d\n%s", res.Status, status, b)
		}
	}
	_ = cmd.Process.Kill()
	<-ended
	_ = cmd.Wait()
}

// page keeps the pages that the approver sees of what waits.
func (w *watched) page() {
	w.t.Helper()
	cmd := exec.Command(w.site.program("gate"), "serve")
	cmd.Env, cmd.Stderr = w.garden.env, w
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	link := ""
	for lines := bufio.NewScanner(out); !strings.HasPrefix(link, "http") && lines.Scan(); {
		link = lines.Text()
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	origin, secret, _ := strings.Cut(link, "/#")
	page := func(res *http.Response, err error) string {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			w.t.Errorf("the page: %s\n%s", res.Status, b)
		}
		w.add("the page of the gate", string(b))
		return string(b)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, origin+"/enter", strings.NewReader(url.Values{"secret": {secret}}.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {origin}}
	front := page(browser.Do(r))
	links := regexp.MustCompile(`href="([^"]*/p/P-[^"]*)"`).FindAllStringSubmatch(front, 5)
	if len(links) == 0 {
		w.t.Errorf("no proposal is on the page:\n%s", front)
	}
	for _, link := range links {
		page(browser.Get(origin + html.UnescapeString(link[1])))
	}
}

// files returns the text of all files below dir by their names.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		m[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestNoPasswordOfADatabaseComesOut keeps the state in a database whose password stands
// in a file, and which isn't there.
func TestNoPasswordOfADatabaseComesOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	file := filepath.Join(t.TempDir(), "state")
	address := "postgres://gate:" + url.QueryEscape(planted("database")) + "@127.0.0.1:1/sallyport"
	if err := os.WriteFile(file, []byte(address+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for how, env := range map[string][]string{
		"in a file":       s.with("SALLYPORT_STATE", "SALLYPORT_STATE_FILE="+file),
		"in the variable": s.with("SALLYPORT_STATE=" + address),
		"in both":         s.with("SALLYPORT_STATE="+address, "SALLYPORT_STATE_FILE="+file),
		"as the file":     s.with("SALLYPORT_STATE", "SALLYPORT_STATE_FILE="+address),
	} {
		w := &watched{leaks: &leaks{}, t: t, site: s, program: "thehive-mcp", garden: &garden{env: env}}
		for _, args := range [][]string{{"check"}, {"check", "-json"}, {"-log", "debug", "call", "thehive_list_cases"}, {"call", "thehive_create_comment", "caseId=2", "message=m"}, {"call", "thehive_gate_status"}} {
			w.prints("thehive-mcp", args...)
		}
		for _, args := range [][]string{{"init"}, {"pending"}, {"status"}, {"log"}, {"verify"}, {"freeze"}, {"serve"}, {"migrate", address}} {
			w.prints("gate", args...)
		}
		if !w.has("SALLYPORT_STATE") && !w.has("127.0.0.1:1") {
			t.Errorf("%s: nothing says what is wrong", how)
		}
		w.hold(t, []string{mark})
	}
}

// TestNoErrorOfASettingHoldsASecret sets each setting of each server wrongly, with a secret in it.
func TestNoErrorOfASettingHoldsASecret(t *testing.T) {
	t.Parallel()
	bin, err := bin()
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range allServers[:5] { // the whole reads what these do
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			system := strings.TrimSuffix(server, "-mcp")
			f := newFront(t)
			w := &watched{leaks: &leaks{}, t: t, site: &site{t: t, bin: bin}, program: server, garden: f.plant(t, system)}
			good := w.garden.env
			dir := t.TempDir()
			file := func(text string) string {
				f, err := os.CreateTemp(dir, "")
				if err == nil {
					_, err = f.WriteString(text)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				return f.Name()
			}
			tried := 0
			wrongly := func(set ...string) {
				t.Helper()
				tried++
				w.garden.env = (&site{env: good}).with(set...)
				w.prints(server, "check")
				w.prints(server, "-http", "127.0.0.1:no-port")
			}
			groups := settings.Of(system)
			if system == "mitre" { // which reads those of all
				groups = []settings.Group{settings.ATTACK(), settings.Gate()}
			}
			for _, g := range groups {
				for _, s := range g.Settings {
					switch {
					case s.Kind == settings.URL, s.Name == "MITRE_UPDATE_FROM":
						wrongly(s.Name + "=https://user:" + mark + "@host.example/")
						wrongly(s.Name + "=https://host.example/?key=" + mark)
						wrongly(s.Name + "=https://user:" + mark + "@host.example:no-port/")
					case strings.HasSuffix(s.Name, "_PROXY"):
						wrongly(s.Name + "=" + mark + "://host.example")
						wrongly(s.Name + "=http://user:" + mark + "@host.example:no-port")
						wrongly(s.Name + "=" + mark)
					case s.Secret:
						wrongly(s.Name, s.File()+"="+mark)
						wrongly(s.Name, s.File()+"="+file(mark+"\n"+mark))
						wrongly(s.Name+"="+mark, s.File()+"="+file(mark))
						wrongly(s.Name+"="+mark+"\n"+mark, s.File())
					case s.Kind == settings.File: // and what should be in the file in its place, or another secret in the file
						wrongly(s.Name + "=" + mark)
						wrongly(s.Name + "=-----BEGIN PRIVATE KEY-----\n" + mark + "\n-----END PRIVATE KEY-----\n")
						wrongly(s.Name + "=X-MISP-AUTH: " + mark)
						wrongly(s.Name + "=" + file(mark))
						wrongly(s.Name + "=" + file("X-Auth: good\n"+mark+" without a colon\n"))
						wrongly(s.Name + "=" + file("Host: "+mark+"\n"))
						wrongly(s.Name + "=" + file("-----BEGIN PRIVATE KEY-----\n"+mark+"\n-----END PRIVATE KEY-----\n"))
					}
				}
			}
			w.hold(t, []string{mark})
			if tried < 10 {
				t.Errorf("only %d settings were tried", tried)
			}
		})
	}
}
