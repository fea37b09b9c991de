package examples_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/settings"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
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
}

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

// front is a proxy before all platforms. It changes the planted credentials into
// those of the lab, or fails with an echo.
type front struct {
	platforms map[string]http.Handler // by host
	real      *strings.Replacer
	mu        sync.Mutex
	fail      func(http.ResponseWriter, string)
	tokens    []string // that Wazuh gave out
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	fail := f.fail
	f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	user, password, basic := r.BasicAuth()
	if fail != nil {
		var echo strings.Builder
		fmt.Fprintf(&echo, "%s %s %s\n", r.Method, r.URL, body)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&echo, "%s: %s\n", name, r.Header.Get(name))
		}
		if basic {
			fmt.Fprintf(&echo, "user %s with the password %s\n", user, password)
		}
		if via, ok := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "Basic "); ok {
			b, _ := base64.StdEncoding.DecodeString(via)
			fmt.Fprintf(&echo, "through the proxy as %s\n", b)
		}
		fail(w, echo.String())
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if basic {
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

// plant sets every setting of every platform that is a secret or may hold one, and
// returns the proxy before the lab, which is at all addresses.
func plant(t *testing.T) *front {
	t.Helper()
	l, err := lab.Start(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	const misp, hive, cortex, manager, indexer = "misp.canary.example", "hive.canary.example", "cortex.canary.example", "wazuh.canary.example", "indexer.canary.example"
	f := &front{
		platforms: map[string]http.Handler{misp: l.MISP, hive: l.TheHive, cortex: l.Cortex, manager: l.Wazuh.Manager(), indexer: l.Wazuh.Indexer()},
		real: strings.NewReplacer(planted("WAZUH_PASSWORD"), wazuhtest.Password, planted("WAZUH_INDEXER_PASSWORD"), wazuhtest.IndexerPassword, planted("THEHIVE_API_KEY"), thehivetest.Key,
			planted("CORTEX_API_KEY"), cortextest.AdminKey, planted("CORTEX_SUPERADMIN_KEY"), cortextest.SuperadminKey, planted("MISP_API_KEY"), misptest.AdminKey),
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for _, g := range settings.Platforms() {
		for i, s := range g.Settings {
			if !s.Secret || strings.HasSuffix(s.Name, "_PROXY") {
				continue
			}
			if i%2 == 0 {
				t.Setenv(s.Name, planted(s.Name))
				continue
			}
			file := filepath.Join(dir, s.Name)
			if err := os.WriteFile(file, []byte(planted(s.Name)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv(s.File(), file)
		}
	}
	for prefix, host := range map[string]string{"WAZUH_": manager, "WAZUH_INDEXER_": indexer, "THEHIVE_": hive, "CORTEX_": cortex, "MISP_": misp} {
		t.Setenv(prefix+"URL", "http://"+host)
		t.Setenv(prefix+"PROXY", strings.Replace(server.URL, "://", "://agent:"+mark+"-proxy-"+mark+"@", 1))
		t.Setenv(prefix+"RETRY", "false")
		headers := filepath.Join(dir, prefix+"headers")
		if err := os.WriteFile(headers, []byte("X-MISP-AUTH: "+planted(prefix+"header")+"\nX-Gateway: Bearer "+planted(prefix+"bearer")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(prefix+"HEADERS_FILE", headers)
	}
	t.Setenv("WAZUH_USERNAME", wazuhtest.User)
	t.Setenv("WAZUH_INDEXER_USERNAME", wazuhtest.IndexerUser)
	return f
}

// opened opens what soc-mcp serves, which is what all servers do.
func opened(g *gate.Guard, log *slog.Logger) ([]command.Client, error) {
	cfg, err := soc.ConfigFromEnv(g, log)
	if err != nil {
		return nil, err
	}
	across, err := soc.New(cfg)
	return []command.Client{cfg.Wazuh, cfg.TheHive, cfg.Cortex, cfg.MISP, cfg.ATTACK, across}, err
}

// leaks keeps all that comes out.
type leaks struct {
	mu  sync.Mutex
	out []string
}

func (l *leaks) add(where, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out = append(l.out, where+": "+text)
}

// Write is for logs.
func (l *leaks) Write(b []byte) (int, error) {
	l.add("log", string(b))
	return len(b), nil
}

// hold reports what holds a secret.
func (l *leaks) hold(t *testing.T, secrets []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	reported := 0
	for _, text := range l.out {
		for _, s := range secrets {
			if i := strings.Index(text, s); i >= 0 && reported < 20 {
				reported++
				t.Errorf("%q is in %.80s … %s", s, text, text[max(0, i-120):min(len(text), i+120)])
			}
		}
	}
}

// TestNoSecretComesOutAnywhere plants a secret in every setting that may hold one
// and in the platforms' objects, calls every tool of every server on platforms that
// work and on platforms that fail and repeat what they were sent, and looks for the
// secrets in every answer, log, plan, journal and check.
func TestNoSecretComesOutAnywhere(t *testing.T) {
	f := plant(t)
	state, keys := t.TempDir(), t.TempDir()
	policy := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(policy, []byte(unbounded), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"SALLYPORT_STATE": state, "SALLYPORT_POLICY": policy, "CORTEX_KEY_DIR": keys, "CORTEX_ALLOW_DESTRUCTIVE": "1", "THEHIVE_ALLOW_DESTRUCTIVE_TOOLS": "true", "THEHIVE_ENABLE_RAW_QUERY": "true"} {
		t.Setenv(name, value)
	}
	var all leaks
	log := slog.New(slog.NewTextHandler(&all, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p, err := gate.PolicyFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	p.Logger = log
	g, err := gate.New(p)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	signer, err := gate.NewSigner("operator")
	if err == nil {
		err = gate.AddApprover(state, signer.Approver())
	}
	if err != nil {
		t.Fatal(err)
	}
	j, err := gate.OpenJournal(state)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	clients, err := opened(g, log)
	if err != nil {
		t.Fatal(err)
	}
	s := mcpadapter.New(g, mcpadapter.Options{Name: "canary", MaxResponse: 4 << 20, Logger: log})
	for _, c := range clients {
		if err := s.Add(c.Ops()...); err != nil {
			t.Fatal(err)
		}
	}
	cs := mcptest.Dial(t, s, nil, nil)
	call := func(how string, c evidence.Call) map[string]any {
		res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: c.Op, Arguments: json.RawMessage(c.Args)})
		if err != nil {
			t.Fatalf("%s: %v", c.Op, err)
		}
		all.add(how+": "+c.Op, mcptest.Text(res)+quote(res))
		m, _ := res.StructuredContent.(map[string]any)
		return m
	}

	calls := slices.DeleteFunc(served()["soc-mcp"], func(c evidence.Call) bool {
		return c.Env["WAZUH_ALLOW_SENSITIVE_CONFIG"] != "" || c.Op == "gate_status" // the former shows secrets, as its lock says
	})
	for turn, name := range slices.Sorted(maps.Keys(echoes)) {
		f.mu.Lock()
		f.fail = echoes[name]
		f.mu.Unlock()
		for i, c := range calls {
			waits := c.Op == "cortex_wait_and_get_report" && name != "401" // until the platform is well again
			if i%3 == turn%3 && !waits {
				call(name, c)
			}
		}
		all.check()
	}
	f.mu.Lock()
	f.fail = nil
	f.mu.Unlock()
	all.check()
	done := 0
	for _, c := range calls {
		m := call("all is well", c)
		if id, _ := m["proposal"].(string); m["status"] == string(gate.StatePending) {
			p, err := j.Proposal(id)
			if err == nil {
				err = j.Approve(id, p.Digest, signer)
			}
			if err != nil {
				t.Fatal(err)
			}
			m = call("approved", c)
		}
		if m["message"] == nil {
			done++
		}
	}
	if done < len(calls)*9/10 {
		t.Errorf("only %d of %d calls succeeded: too few answers were seen", done, len(calls))
	}
	for _, c := range []evidence.Call{
		{Op: "cortex_enable_analyzer", Args: `{"definitionId":"VirusTotal_GetReport_3_1","configuration":{"key":"` + mark + `"}}`},
		{Op: "cortex_enable_responder", Args: `{"definitionId":"` + cortextest.ResponderDefinition + `","configuration":{"zone":"z","api_token":"` + mark + `"}}`},
		{Op: "get_manager_config", Args: `{"include_sensitive_config":true}`},
		{Op: "gate_status", Args: `{}`},
	} {
		call("with a secret", c)
	}
	secrets := append(slices.Clone(wazuhtest.ConfigSecrets), mark, cortextest.Secret)
	for _, pair := range []string{wazuhtest.User + ":" + planted("WAZUH_PASSWORD"), wazuhtest.IndexerUser + ":" + planted("WAZUH_INDEXER_PASSWORD"), "agent:" + mark + "-proxy-" + mark} {
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	f.mu.Lock()
	if secrets = append(secrets, f.tokens...); len(f.tokens) == 0 {
		t.Error("Wazuh gave out no token")
	}
	f.mu.Unlock()
	handed := files(t, keys)
	for _, text := range handed {
		secrets = append(secrets, strings.TrimSpace(text))
	}
	if len(handed) == 0 {
		t.Error("Cortex gave out no key")
	}
	for file, text := range files(t, state) {
		all.add(file, text)
	}
	all.hold(t, secrets)
}

// check adds what the commands print.
func (l *leaks) check() {
	server := command.Server{Name: "soc-mcp", Open: opened}
	for _, args := range [][]string{{"check"}, {"check", "-json"}} {
		command.Run(context.Background(), server, args, strings.NewReader(""), l, l)
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

// TestNoErrorOfASettingHoldsASecret sets each setting wrongly, with a secret in it.
func TestNoErrorOfASettingHoldsASecret(t *testing.T) {
	plant(t)
	t.Setenv("SALLYPORT_STATE", t.TempDir())
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
	wrongly := func(t *testing.T, set map[string]string) {
		t.Helper()
		tried++
		t.Run(fmt.Sprint(slices.Sorted(maps.Keys(set))), func(t *testing.T) {
			for name, value := range set {
				t.Setenv(name, value)
			}
			var out leaks
			g, err := gate.New(gate.Policy{Dir: t.TempDir(), Getenv: os.Getenv})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			clients, err := opened(g, slog.New(slog.NewTextHandler(&out, nil)))
			if err == nil {
				out.add("clients", fmt.Sprint(clients))
			} else {
				out.add("error", err.Error())
			}
			out.hold(t, []string{mark})
		})
	}
	for _, g := range append(settings.Platforms(), settings.ATTACK()) {
		for _, s := range g.Settings {
			switch {
			case strings.HasSuffix(s.Name, "_URL"), s.Name == "MITRE_UPDATE_FROM":
				wrongly(t, map[string]string{s.Name: "https://user:" + mark + "@host.example/"})
				wrongly(t, map[string]string{s.Name: "https://host.example/?key=" + mark})
				wrongly(t, map[string]string{s.Name: "https://user:" + mark + "@host.example:no-port/"})
			case strings.HasSuffix(s.Name, "_PROXY"):
				wrongly(t, map[string]string{s.Name: mark + "://host.example"})
				wrongly(t, map[string]string{s.Name: "http://user:" + mark + "@host.example:no-port"})
				wrongly(t, map[string]string{s.Name: mark})
			case strings.HasSuffix(s.Name, "_HEADERS_FILE"):
				wrongly(t, map[string]string{s.Name: file("X-Auth: good\n" + mark + " without a colon\n")})
				wrongly(t, map[string]string{s.Name: file("Host: " + mark + "\n")})
				wrongly(t, map[string]string{s.Name: "X-MISP-AUTH: " + mark})
			case s.Secret:
				wrongly(t, map[string]string{s.File(): mark})
				wrongly(t, map[string]string{s.Name: "", s.File(): file(mark + "\n" + mark)})
				wrongly(t, map[string]string{s.Name: mark, s.File(): file(mark)})
				wrongly(t, map[string]string{s.Name: mark + "\n" + mark})
			case strings.HasSuffix(s.Name, "_KEY_FILE"), strings.HasSuffix(s.Name, "_CERT_FILE"), strings.HasSuffix(s.Name, "_CA_FILE"):
				wrongly(t, map[string]string{s.Name: file("-----BEGIN PRIVATE KEY-----\n" + mark + "\n-----END PRIVATE KEY-----\n")})
			}
		}
	}
	if tried < 40 {
		t.Errorf("only %d settings were tried", tried)
	}
}
