package examples_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

var allServers = []string{"wazuh-mcp", "thehive-mcp", "cortex-mcp", "misp-mcp", "mitre-mcp", "soc-mcp"}

// with returns the site's environment with changes, NAME=value; a name alone is
// taken away.
func (s *site) with(changes ...string) []string {
	env := slices.Clone(s.env)
	for _, c := range changes {
		name, _, set := strings.Cut(c, "=")
		env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
		if set {
			env = append(env, c)
		}
	}
	return env
}

func (s *site) get(name string) string {
	for _, kv := range s.env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	s.t.Fatalf("the lab has no %s", name)
	return ""
}

// ran is what a program printed, and its exit status.
func (s *site) ran(env []string, program string, args ...string) (string, int) {
	s.t.Helper()
	cmd := exec.Command(s.program(program), args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// checked runs check and reports what differs from the exit status and the words.
func (s *site) checked(env []string, server string, exit int, words ...string) {
	s.t.Helper()
	out, code := s.ran(env, server, "check")
	if code != exit {
		s.t.Errorf("%s check: exit %d, want %d\n%s", server, code, exit, out)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			s.t.Errorf("%s check lacks %q\n%s", server, w, out)
		}
	}
}

func TestEveryServerProvesAllThatItIsConfiguredWith(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	for _, server := range allServers {
		s.checked(s.env, server, 0, "gate approval: operator approves")
	}
	s.env = append(s.env, "WAZUH_RETRY=false", "WAZUH_INDEXER_RETRY=false", "THEHIVE_RETRY=false", "CORTEX_RETRY=false", "MISP_RETRY=false")
	for _, server := range []string{"wazuh-mcp", "soc-mcp", "mitre-mcp"} {
		s.checked(s.with("WAZUH_INDEXER_PASSWORD=wrong"), server, 1, "FAIL  Wazuh indexer", "WAZUH_INDEXER_PASSWORD")
		s.checked(s.with("WAZUH_INDEXER_URL=http://127.0.0.1:9"), server, 1, "FAIL  Wazuh indexer", "WAZUH_INDEXER_URL", "connection refused")
		s.checked(s.with("WAZUH_INDEXER_URL="+s.get("WAZUH_INDEXER_URL")+"/wazuh-alerts-*"), server, 1, "WAZUH_INDEXER_URL is the address alone")
		s.checked(s.with("WAZUH_PASSWORD=wrong"), server, 1, "FAIL  Wazuh manager", "WAZUH_PASSWORD")
	}
	for _, v := range []struct {
		server, change string
		words          []string
	}{
		{"thehive-mcp", "THEHIVE_API_KEY=wrong-key", []string{"FAIL  TheHive credentials", "check THEHIVE_API_KEY"}},
		{"thehive-mcp", "THEHIVE_ORGANISATION=no-such-organisation", []string{"FAIL  TheHive organisation", "THEHIVE_ORGANISATION", "no-such-organisation"}},
		{"thehive-mcp", "THEHIVE_URL=http://nobody.invalid", []string{"FAIL  TheHive name", "THEHIVE_URL"}},
		{"cortex-mcp", "CORTEX_API_KEY=wrong-key", []string{"FAIL  Cortex credentials", "CORTEX_API_KEY"}},
		{"cortex-mcp", "CORTEX_SUPERADMIN_KEY=a-key-that-is-refused", []string{"FAIL  Cortex superadmin", "CORTEX_SUPERADMIN_KEY is refused"}},
		{"cortex-mcp", "CORTEX_URL=" + s.get("CORTEX_URL") + "/api", []string{"FAIL  Cortex", "CORTEX_URL"}},
		{"misp-mcp", "MISP_API_KEY=wrong-key", []string{"FAIL  MISP credentials", "MISP_API_KEY"}},
		{"misp-mcp", "MISP_URL=https://127.0.0.1:9", []string{"FAIL  MISP connection", "MISP_URL"}},
		{"misp-mcp", "MISP_URL=" + strings.Replace(s.get("MISP_URL"), "http:", "https:", 1), []string{"FAIL  MISP TLS", "plain HTTP"}},
	} {
		for _, server := range []string{v.server, "soc-mcp", "mitre-mcp"} {
			s.checked(s.with(v.change), server, 1, v.words...)
		}
	}
	out, code := s.ran(s.with("WAZUH_INDEXER_PASSWORD=wrong"), "wazuh-mcp", "-toolsets", "rules", "check", "-json")
	var r struct {
		OK       bool
		Findings []struct{ Of, Leg, Status, Message, Advice string }
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.OK || !slices.ContainsFunc(r.Findings, func(f struct{ Of, Leg, Status, Message, Advice string }) bool {
		return f.Of == "Wazuh indexer" && f.Status == "error" && strings.Contains(f.Advice, "WAZUH_INDEXER_PASSWORD")
	}) {
		t.Errorf("as JSON: exit %d, %v, %s", code, err, out)
	}
	nobody := s.with("SALLYPORT_STATE=" + t.TempDir())
	s.checked(nobody, "misp-mcp", 0, "WARN  gate approvers", "gate init")
}

func TestANamespaceWithAllServicesStartsAllServers(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	env := slices.Clone(s.env)
	for _, service := range []string{ // as charts call them
		"WAZUH", "WAZUH_INDEXER", "WAZUH_INDEXER_API", "WAZUH_MANAGER_MASTER", "WAZUH_WORKERS", "WAZUH_CLUSTER", "WAZUH_DASHBOARD", "WAZUH_REGISTRATION",
		"THEHIVE", "THEHIVE_CASSANDRA", "THEHIVE_ELASTICSEARCH", "THEHIVE_MINIO", "CORTEX", "CORTEX_ELASTICSEARCH", "CORTEX_API", "MISP", "MISP_REDIS", "MISP_MYSQL", "MISP_MODULES", "MISP_CORE",
		"MITRE", "MITRE_MCP", "SALLYPORT", "SALLYPORT_POSTGRESQL_HL",
	} {
		for _, link := range []string{"SERVICE_HOST=192.0.2.20", "SERVICE_PORT=55000", "SERVICE_PORT_API=55000", "SERVICE_PORT_HTTP_1514=1514", "PORT=tcp://192.0.2.20:55000", "PORT_55000_TCP=tcp://192.0.2.20:55000",
			"PORT_55000_TCP_PROTO=tcp", "PORT_55000_TCP_PORT=55000", "PORT_55000_TCP_ADDR=192.0.2.20", "PORT_514_UDP=udp://192.0.2.20:514", "PORT_514_UDP_ADDR=192.0.2.20", "PORT_9300_TCP=tcp://[2001:db8::20]:9300"} {
			env = append(env, service+"_"+link)
		}
	}
	for _, server := range allServers {
		out, code := s.ran(env, server, "check")
		if code != 0 || strings.Contains(out, "SERVICE") || strings.Contains(out, "55000_TCP") {
			t.Errorf("%s: exit %d\n%s", server, code, out)
		}
	}
	n := &site{t: t, bin: s.bin, env: env, sessions: map[string]*mcp.ClientSession{}}
	for _, server := range allServers {
		list, err := n.session(server).ListTools(t.Context(), nil)
		if err != nil || len(list.Tools) < 30 {
			t.Errorf("%s serves %v, %v", server, list, err)
		}
	}
	for _, server := range allServers { // what the platforms' own images take, of an env_file for all
		s.checked(append(slices.Clone(env), "WAZUH_API_USER=x", "WAZUH_API_PASSWORD=x", "WAZUH_MANAGER=wazuh", "WAZUH_HOST=wazuh", "WAZUH_CLUSTER_KEY=x", "WAZUH_NODE_NAME=m", "THEHIVE_HOST=thehive", "THEHIVE_SECRET=x", "THEHIVE_VERSION=5.6",
			"CORTEX_HOST=cortex", "CORTEX_PORT=9001", "CORTEX_SECRET=x", "MISP_HOST=misp", "MISP_ADMIN_EMAIL=x", "MISP_ADMIN_PASSPHRASE=x", "MISP_DB_PASSWORD=x", "MISP_ORG=x", "MISP_NAME=/mcp/misp", "MISP_ENV_TZ=UTC"), server, 0)
	}
	env = append(env, "WAZUH_VERSION=4.14.7", "WAZUH_IMAGE_VERSION=4.14.7", "WAZUH_REGISTRY=registry.example.org", "WAZUH_TAG_REVISION=1", "MISP_TAG=v2.5.1",
		"MISP_BASEURL=https://misp", "WAZUH_MCP_MAX_RESPONSE_BYTES=250000", "MITRE_UPDATE_INTERVAL=86400")
	s.checked(env, "wazuh-mcp", 0, "WARN  wazuh-mcp settings", "WAZUH_IMAGE_VERSION, WAZUH_REGISTRY, WAZUH_TAG_REVISION", "WAZUH_MCP_MAX_RESPONSE_BYTES is not needed")
	s.checked(env, "soc-mcp", 0, "MISP_BASEURL, MISP_TAG", "MITRE_UPDATE_INTERVAL is not needed")
	for _, server := range allServers {
		out, code := s.ran(append(slices.Clone(env), "CORTEX_TAG=v4", "THEHIVE_TAG=v5", "CORTEX_SUPERADMIN_KEY=k-of-the-superadmin", "CORTEX_VERIFY_SSL=false", "WAZUH_VERIFY_SSL=false"), server) // it serves until its input ends
		said := map[string]int{}
		for line := range strings.Lines(out) {
			if _, msg, ok := strings.Cut(line, " level=WARN "); ok {
				said[msg]++
			}
		}
		for msg, times := range said {
			if times > 1 {
				t.Errorf("%s says %d times: %s", server, times, msg)
			}
		}
		if code != 0 || len(said) == 0 && server != "misp-mcp" {
			t.Errorf("%s: exit %d\n%s", server, code, out)
		}
	}
	s.checked(append(env, "WAZUH_PASWORD=x"), "wazuh-mcp", 2, "WAZUH_PASWORD is not a known setting; did you mean WAZUH_PASSWORD?")
	s.checked(append(env, "SALLYPORT_APROVAL=host"), "misp-mcp", 2, "did you mean SALLYPORT_APPROVAL?")
}

func TestAPlaceholderThatAHostLeftIsNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	env := s.with("WAZUH_INDEXER_URL=${WAZUH_INDEXER_URL}", "WAZUH_INDEXER_USERNAME=${WAZUH_INDEXER_USERNAME}", "WAZUH_INDEXER_PASSWORD=${WAZUH_INDEXER_PASSWORD}")
	want := "WAZUH_INDEXER_URL is \"${WAZUH_INDEXER_URL}\": your host didn't fill it in; leave it out or write ${WAZUH_INDEXER_URL:-}"
	s.checked(env, "wazuh-mcp", 2, want, "WAZUH_INDEXER_PASSWORD is")
	if out, code := s.ran(env, "wazuh-mcp"); code != 2 || !strings.Contains(out, want) {
		t.Errorf("as a server: exit %d\n%s", code, out)
	}
}

func TestTheWholeServesThePlatformsThatAreConfigured(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	env := s.with("CORTEX_URL", "CORTEX_API_KEY", "MISP_URL", "MISP_API_KEY")
	s.checked(env, "soc-mcp", 0)
	out, code := s.ran(env, "soc-mcp", "tools", "-names")
	if code != 0 || !strings.Contains(out, "get_alerts\n") || !strings.Contains(out, "thehive_list_cases\n") || !strings.Contains(out, "mitre_get_technique\n") || strings.Contains(out, "\nmisp_") {
		t.Errorf("exit %d\n%s", code, out)
	}
	s.checked(s.with("CORTEX_URL"), "soc-mcp", 0, "CORTEX_API_KEY is set and CORTEX_URL is not: Cortex is left out")
	s.checked(s.with("WAZUH_URL", "THEHIVE_URL", "CORTEX_URL", "MISP_URL"), "soc-mcp", 2, "no platform is configured")
}

func TestSecretsFromFilesOpenEveryServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	dir, env := t.TempDir(), slices.Clone(s.env)
	for i, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "_PASSWORD") {
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(value+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			env[i] = name + "_FILE=" + file
		}
	}
	for _, server := range allServers {
		s.checked(env, server, 0)
	}
	s.checked(append(slices.Clone(env), "MISP_API_KEY=k"), "misp-mcp", 2, "MISP_API_KEY and MISP_API_KEY_FILE are both set")
	if err := os.Chmod(filepath.Join(dir, "MISP_API_KEY"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.checked(env, "misp-mcp", 0, "WARN", "can be read by others")
}

// certificate makes one for localhost, signed by itself, and writes it and its key
// into files.
func certificate(t *testing.T) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret)
}

// connections are the prefixes of the settings of each server's connections.
var connections = map[string][]string{"wazuh-mcp": {"WAZUH_", "WAZUH_INDEXER_"}, "thehive-mcp": {"THEHIVE_"}, "cortex-mcp": {"CORTEX_"}, "misp-mcp": {"MISP_"}}

// secured puts TLS before the platform with the prefix and returns its new address.
func (s *site) secured(prefix string, conf *tls.Config) string {
	s.t.Helper()
	to, err := url.Parse(s.get(prefix + "URL"))
	if err != nil {
		s.t.Fatal(err)
	}
	silent := slog.NewLogLogger(slog.DiscardHandler, 0)
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, ErrorLog: silent})
	front.TLS, front.Config.ErrorLog = conf, silent
	front.StartTLS()
	s.t.Cleanup(front.Close)
	return front.URL
}

func TestAStockCertificateIsVerifiedWithoutSwitchingThatOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	pair, ca, _ := certificate(t)
	for server, prefixes := range connections {
		for _, prefix := range prefixes {
			env := s.with(prefix+"URL="+s.secured(prefix, &tls.Config{Certificates: []tls.Certificate{pair}}), prefix+"CA_FILE="+ca)
			s.checked(append(env, prefix+"TLS_SERVER_NAME=localhost"), server, 0, "the certificate is good")
			s.checked(env, server, 1, "but for localhost", prefix+"TLS_SERVER_NAME")
		}
	}
}

func TestAClientCertificateIsASetting(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	pair, ca, _ := certificate(t)
	_, cert, key := certificate(t)
	for server, prefixes := range connections {
		for _, prefix := range prefixes {
			env := s.with(prefix+"URL="+s.secured(prefix, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}), prefix+"CA_FILE="+ca, prefix+"TLS_SERVER_NAME=localhost")
			s.checked(append(env, prefix+"CLIENT_CERT_FILE="+cert, prefix+"CLIENT_KEY_FILE="+key), server, 0, "the certificate is good")
			s.checked(env, server, 1, "it demands a client certificate", prefix+"CLIENT_CERT_FILE", prefix+"CLIENT_KEY_FILE")
			s.checked(append(env, prefix+"CLIENT_CERT_FILE="+cert), server, 2, prefix+"CLIENT_KEY_FILE is not set")
		}
	}
}

func TestAPageInPlaceOfAnAnswerIsSaidForWhatItIs(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	for words, h := range map[string]http.HandlerFunc{
		"asks to sign in": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`<html><title>Company SSO</title><form><input type="password"></form></html>`))
		},
		"leads to sso.example.org": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sso.example.org/login?token=canary-of-the-redirect", http.StatusFound)
		},
		"the proxy wants a user and a password": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) },
		"demands a client certificate": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`<html><head><title>400 No required SSL certificate was sent</title></head></html>`))
		},
	} {
		front := httptest.NewServer(h)
		t.Cleanup(front.Close)
		for server, name := range map[string]string{"wazuh-mcp": "WAZUH_URL", "thehive-mcp": "THEHIVE_URL", "cortex-mcp": "CORTEX_URL", "misp-mcp": "MISP_URL"} {
			out, code := s.ran(s.with(name+"="+front.URL), server, "check")
			if code != 1 || !strings.Contains(out, words) || strings.Contains(out, "canary") {
				t.Errorf("%s lacks %q: exit %d\n%s", server, words, code, out)
			}
		}
	}
}

func TestAPathTooManyOrTooFewInAnAddressIsSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	elsewhere := map[string]http.HandlerFunc{
		"a page that isn't there": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<html><head><title>404 Not Found</title></head></html>"))
		},
		"a portal": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html><head><title>Our SOC</title></head><body>Wazuh, TheHive</body></html>"))
		},
		"another API": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error":"no route"}`))
		},
		"a line": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "404 page not found", http.StatusNotFound) },
	}
	for server, prefixes := range connections {
		for _, prefix := range prefixes {
			to, err := url.Parse(s.get(prefix + "URL"))
			if err != nil {
				t.Fatal(err)
			}
			platform := http.StripPrefix("/soc", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
			for what, h := range elsewhere {
				mux := http.NewServeMux()
				mux.Handle("/soc/", platform)
				mux.Handle("/", h)
				front := httptest.NewServer(mux)
				t.Cleanup(front.Close)
				s.checked(s.with(prefix+"URL="+front.URL+"/soc/"), server, 0)
				for address, words := range map[string]string{front.URL: "or has it below a path", front.URL + "/sok": "the path /sok of the URL may be wrong"} {
					out, code := s.ran(s.with(prefix+"URL="+address, prefix+"RETRY=false"), server, "check")
					if code != 1 || !strings.Contains(out, prefix+"URL") || !strings.Contains(out, words) {
						t.Errorf("%s%s at %s, where %s answers: exit %d, want %q\n%s", prefix, "URL", address, what, code, words, out)
					}
				}
			}
		}
	}
}

func TestTheDataFolderOfATTACKMayBeEmpty(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	dir := t.TempDir()
	env := s.with("MITRE_DATA_DIR=" + dir)
	s.checked(env, "mitre-mcp", 0, "WARN  ATT&CK data", "has no bundle", "embedded facts")
	out, code := s.ran(env, "mitre-mcp", "call", "mitre_get_technique", "techniqueId=T1110", "-json")
	if code != 0 || !strings.Contains(out, "Brute Force") || !strings.Contains(out, "has no bundle") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestEveryToolIsInAToolsetWithAName(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	for _, server := range []string{"thehive-mcp", "cortex-mcp", "misp-mcp"} {
		out, code := s.ran(s.env, server, "-toolsets", "other", "tools", "-names")
		if names := strings.Fields(out); code != 0 || len(names) > 1 { // how the gate stands is for all
			t.Errorf("%s: exit %d, in no toolset: %q", server, code, names)
		}
	}
}
