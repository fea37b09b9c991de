package connect_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// certificate makes a self-signed certificate for the given names and leaves it
// and its key in files.
func certificate(t *testing.T, usage x509.ExtKeyUsage, names ...string) (tls.Certificate, string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wazuh.com"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

// secure starts a MISP behind TLS.
func secure(t *testing.T, conf *tls.Config) string {
	t.Helper()
	s := httptest.NewUnstartedServer(misptest.NewServer())
	s.TLS, s.Config.ErrorLog = conf, slog.NewLogLogger(slog.DiscardHandler, 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func ask(url string, o connect.Options) error {
	c, err := misp.New(misp.Config{BaseURL: url, APIKey: misptest.Key, Options: o})
	if err != nil {
		return err
	}
	_, err = c.ServerStatus(context.Background(), misp.ServerStatusInput{})
	return err
}

func says(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error %v lacks %q", err, w)
		}
	}
}

func TestACertificateForAnotherNameIsVerifiedUnderThatNameOrByItsFingerprint(t *testing.T) {
	t.Parallel()
	pair, ca, _ := certificate(t, x509.ExtKeyUsageServerAuth, "localhost")
	url := secure(t, &tls.Config{Certificates: []tls.Certificate{pair}})
	sum := sha256.Sum256(pair.Certificate[0])
	pin := hex.EncodeToString(sum[:])
	for name, o := range map[string]connect.Options{
		"by its name":               {CAFile: ca, TLSServerName: "localhost"},
		"by its fingerprint":        {TLSFingerprint: pin},
		"by one as openssl has it":  {TLSFingerprint: strings.ToUpper(pin[:2] + ":" + pin[2:])},
		"by a configuration in Go":  {TLS: &tls.Config{ServerName: "localhost"}, CAFile: ca},
		"not at all, as one wishes": {SkipTLSVerify: true},
	} {
		if err := ask(url, o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	says(t, ask(url, connect.Options{CAFile: ca}), "is not for 127.0.0.1", "but for localhost", "MISP_TLS_SERVER_NAME")
	says(t, ask(url, connect.Options{TLSServerName: "localhost"}), "not signed by a known authority", "MISP_CA_FILE")
	err := ask(url, connect.Options{TLSFingerprint: strings.Repeat("0", 64)})
	says(t, err, pin, "MISP_TLS_FINGERPRINT")
	if connect.LegOf(err) != connect.LegTLS || connect.Kind(err) != connect.ErrUnavailable {
		t.Errorf("leg %q, kind %v", connect.LegOf(err), connect.Kind(err))
	}
}

func TestAClientCertificateIsShown(t *testing.T) {
	t.Parallel()
	server, ca, _ := certificate(t, x509.ExtKeyUsageServerAuth, "localhost")
	mine, cert, key := certificate(t, x509.ExtKeyUsageClientAuth, "me")
	pool := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(mine.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(leaf)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		url := secure(t, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version})
		o := connect.Options{CAFile: ca, TLSServerName: "localhost", ClientCertFile: cert, ClientKeyFile: key}
		if err := ask(url, o); err != nil {
			t.Errorf("with a certificate: %v", err)
		}
		o.ClientCertFile, o.ClientKeyFile = "", ""
		says(t, ask(url, o), "client certificate", "MISP_CLIENT_CERT_FILE", "MISP_CLIENT_KEY_FILE")
	}
	says(t, ask("https://h", connect.Options{ClientCertFile: cert}), "no key")
	says(t, ask("https://h", connect.Options{ClientCertFile: cert, ClientKeyFile: cert}), "client certificate")
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	err = ask("https://h", connect.Options{ClientCertFile: cert, ClientKeyFile: string(text)})
	says(t, err, "key of the client certificate", "want the path of a file")
	if lines := strings.Split(string(text), "\n"); strings.Contains(err.Error(), lines[1]) {
		t.Errorf("the error holds the key: %v", err)
	}
	encrypted := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(encrypted, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, ask("https://h", connect.Options{ClientCertFile: cert, ClientKeyFile: encrypted}), encrypted+" is encrypted with a passphrase", "openssl pkey")
}

func TestHeadersForAProxyGoWithEachRequest(t *testing.T) {
	t.Parallel()
	const token = "canary-token-of-the-proxy"
	file := filepath.Join(t.TempDir(), "headers")
	write := func(text string) connect.Options {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return connect.Options{HeadersFile: file}
	}
	inner := misptest.NewServer()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Access") != token {
			http.Error(w, "no "+r.Header.Get("X-Access"), http.StatusForbidden)
			return
		}
		if r.Header.Get("Authorization") == "Basic "+token { // the proxy's own, which it takes away
			r.Header.Set("Authorization", r.Header.Get("X-MISP-AUTH"))
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	if err := ask(s.URL, write("# for the proxy\nX-Access: "+token+"\n")); err != nil {
		t.Error(err)
	}
	if err := ask(s.URL, write("X-Access: "+token+"\r\nAuthorization: Basic "+token)); err != nil {
		t.Errorf("a proxy that wants Authorization for itself: %v", err)
	}
	if err := ask(s.URL, write("X-Access: "+token+"-wrong")); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("the error holds the header: %v", err)
	}
	for text, want := range map[string]string{"": "no header", "no colon": "line 1", "Content-Length: 3": "belongs to the request", "X: a\x01b": "line 1", "X y: z": "line 1"} {
		err := ask(s.URL, write(text))
		says(t, err, want)
	}
}

func TestAProxyThatRefusesIsNamed(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	t.Cleanup(proxy.Close)
	o := connect.Options{Proxy: strings.Replace(proxy.URL, "http://", "http://user:canary-secret@", 1)}
	for _, url := range []string{"https://misp.example.org", "http://misp.example.org"} {
		err := ask(url, o)
		says(t, err, "proxy", "a user and a password", "MISP_PROXY")
		if strings.Contains(err.Error(), "canary") || connect.LegOf(err) != connect.LegProxy {
			t.Errorf("leg %q: %v", connect.LegOf(err), err)
		}
	}
	says(t, ask("https://h", connect.Options{Proxy: "proxy:3128"}), "Proxy: want the URL")
}

// counted counts the connections of a server.
func counted(t *testing.T, h http.Handler) (url string, n *atomic.Int32) {
	t.Helper()
	n = new(atomic.Int32)
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, n
}

func TestManyCallersShareFewConnections(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, 4} {
		var under, peak atomic.Int32
		hive := thehivetest.NewServer()
		url, connections := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for n := under.Add(1); n > peak.Load(); {
				peak.Store(n)
			}
			defer under.Add(-1)
			time.Sleep(2 * time.Millisecond)
			hive.ServeHTTP(w, r)
		}))
		c, err := thehive.New(thehive.Config{BaseURL: url, APIKey: thehivetest.Key, Options: connect.Options{MaxInFlight: most}})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for range 10 {
					if _, err := c.ListCases(t.Context(), thehive.ListCasesInput{}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		limit := int32(connect.Options{MaxInFlight: most}.WithDefaults().MaxInFlight)
		if peak.Load() > limit || connections.Load() > 2*limit {
			t.Errorf("at most %d at once: %d requests and %d connections", limit, peak.Load(), connections.Load())
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhoWatchesTheTransportIsToldTheOperation(t *testing.T) {
	t.Parallel()
	hive := httptest.NewServer(thehivetest.NewServer())
	t.Cleanup(hive.Close)
	var mu sync.Mutex
	seen := map[string]int{}
	o := connect.Options{Wrap: func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			e, ok := connect.EndpointFrom(r.Context())
			mu.Lock()
			seen[fmt.Sprint(e.ID, ok)]++
			mu.Unlock()
			return next.RoundTrip(r)
		})
	}}
	c, err := thehive.New(thehive.Config{BaseURL: hive.URL, APIKey: thehivetest.Key, Options: o})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListCases(t.Context(), thehive.ListCasesInput{}); err != nil {
		t.Fatal(err)
	}
	if seen["querytrue"] == 0 || seen["false"] > 0 {
		t.Errorf("seen: %v", seen)
	}
}

func TestATransportAndSettingsThatItWouldNotKeepExcludeEachOther(t *testing.T) {
	t.Parallel()
	foreign := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no") })
	for name, o := range map[string]connect.Options{
		"CAFile": {CAFile: "/does/not/exist.pem"}, "SkipTLSVerify": {SkipTLSVerify: true}, "TLS": {TLS: &tls.Config{}}, "Proxy": {Proxy: "none"}, "TLSFingerprint": {TLSFingerprint: "x"},
	} {
		o.Transport = foreign
		says(t, ask("https://h", o), "Transport", name, "Wrap")
	}
	for _, o := range []connect.Options{{TLSFingerprint: strings.Repeat("0", 64), SkipTLSVerify: true}, {TLSFingerprint: "abc"}} {
		says(t, ask("https://h", o), "TLSFingerprint")
	}
}

func TestAForeignDefaultTransportIsUsedUnlessSomethingIsSet(t *testing.T) {
	had := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = had })
	http.DefaultTransport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("the foreign one was here") })
	says(t, ask("https://misp.example.org", connect.Options{Retry: connect.Retry{Off: true}}), "the foreign one was here")
	says(t, ask("http://127.0.0.1:1", connect.Options{Proxy: "none"}), "cannot reach 127.0.0.1:1")
}

func TestTheServersWishToWaitIsKeptToOrReturned(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	wait, status := atomic.Int32{}, atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", fmt.Sprint(wait.Load()))
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(s.Close)
	for _, tt := range []struct {
		status, wait, requests int32
		o                      connect.Options
		min                    time.Duration
		kind                   error
	}{
		{429, 30, 1, connect.Options{}, 0, connect.ErrRateLimited},
		{503, 3600, 1, connect.Options{}, 0, connect.ErrUnavailable},
		{429, 1, 2, connect.Options{Retry: connect.Retry{Attempts: 2}}, time.Second, connect.ErrRateLimited},
		{504, 1, 2, connect.Options{Retry: connect.Retry{Attempts: 2}}, time.Second, connect.ErrUnavailable},
		{503, 1, 1, connect.Options{Retry: connect.Retry{Off: true}}, 0, connect.ErrUnavailable},
	} {
		n.Store(0)
		status.Store(tt.status)
		wait.Store(tt.wait)
		began := time.Now()
		err := ask(s.URL, tt.o)
		if n.Load() != tt.requests || time.Since(began) < tt.min || !errors.Is(err, tt.kind) || connect.RetryAfter(err) != time.Duration(tt.wait)*time.Second {
			t.Errorf("%d after %d s: %d requests in %s, %v, again after %s", tt.status, tt.wait, n.Load(), time.Since(began), err, connect.RetryAfter(err))
		}
		says(t, err, fmt.Sprintf("again in %d seconds", tt.wait))
	}
}

func TestASearchThatAGatewayGaveUpOnIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusGatewayTimeout)
		fmt.Fprint(w, "<html><head><title>504 Gateway Time-out</title></head></html>")
	}))
	t.Cleanup(s.Close)
	c, err := misp.New(misp.Config{BaseURL: s.URL, APIKey: misptest.Key})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Type: "ip-dst"})
	says(t, err, "gateway in front gave up", "narrow the search")
	if n.Load() != 1 {
		t.Errorf("%d requests", n.Load())
	}
}

func TestRequestsAndRetriesAreLoggedAtDebugWithoutSecrets(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	inner := misptest.NewServer()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	var log bytes.Buffer
	o := connect.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if err := ask(s.URL, o); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "msg=retry system=misp") || !strings.Contains(text, "msg=request system=misp") || strings.Contains(text, misptest.Key) {
		t.Error(text)
	}
	log.Reset()
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if err := ask(s.URL, o); err != nil || log.Len() > 0 {
		t.Errorf("%v; at Info: %s", err, log.String())
	}
}

func TestOneVocabularyOfErrors(t *testing.T) {
	t.Parallel()
	hive := httptest.NewServer(thehivetest.NewServer())
	t.Cleanup(hive.Close)
	with := func(url, key string) *thehive.Client {
		c, err := thehive.New(thehive.Config{BaseURL: url, APIKey: key, Options: connect.Options{Retry: connect.Retry{Off: true}}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	get := func(url, key, id string) error {
		_, err := with(url, key).GetCase(t.Context(), thehive.GetCaseInput{CaseID: id})
		return err
	}
	for name, tt := range map[string]struct {
		err          error
		kind, theirs error
	}{
		"not found":     {get(hive.URL, thehivetest.Key, "~404"), connect.ErrNotFound, thehive.ErrNotFound},
		"a wrong key":   {get(hive.URL, "wrong-key", "~1"), connect.ErrUnauthorized, thehive.ErrUnauthorized},
		"an empty id":   {get(hive.URL, thehivetest.Key, ""), connect.ErrInvalid, thehive.ErrInvalid},
		"nobody there":  {get("http://127.0.0.1:1", "k", "~1"), connect.ErrUnavailable, thehive.ErrUnavailable},
		"no such name":  {get("http://nobody.invalid", "k", "~1"), connect.ErrUnavailable, thehive.ErrUnavailable},
		"exists in one": {thehive.ErrExists, connect.ErrExists, thehive.ErrInvalid},
	} {
		if connect.Kind(tt.err) != tt.kind || !errors.Is(tt.err, tt.theirs) || errors.Is(tt.err, misp.ErrNotFound) {
			t.Errorf("%s: %v is %v", name, tt.err, connect.Kind(tt.err))
		}
	}
	var r *connect.Refusal
	if err := get(hive.URL, "wrong-key", "~1"); !errors.As(err, &r) || r.System != "thehive" || r.Status != 401 {
		t.Errorf("%v has %+v", err, r)
	}
}

func TestWhatEndedACallIsSaid(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(s.Close)
	c, err := misp.New(misp.Config{BaseURL: s.URL, APIKey: misptest.Key, Options: connect.Options{Timeout: 50 * time.Millisecond, Retry: connect.Retry{Off: true}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.ServerStatus(t.Context(), misp.ServerStatusInput{})
	says(t, err, "50ms an attempt", "MISP_TIMEOUT")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = c.ServerStatus(ctx, misp.ServerStatusInput{})
	says(t, err, "before the time of the call was over")
}
