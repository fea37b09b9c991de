package wazuh_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestClustersThatCannotBeReachedAreSaid(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.RemoteCluster("site1", true)
	s.RemoteCluster("site2", false)
	for i, id := range []string{"one", "other"} {
		s.AddAlert(time.Now().Add(-time.Duration(i)*time.Minute), id, wazuhtest.Object{"rule": wazuhtest.Object{"id": "5710", "level": 5}, "agent": wazuhtest.Object{"id": "001", "name": "web-01"}, "data": wazuhtest.Object{"srcip": "192.0.2.9"}})
	}
	ctx := t.Context()
	for pattern, whole := range map[string]bool{"site1:wazuh-alerts-*": true, "site*:wazuh-alerts-*": false, "wazuh-alerts-*,site2:wazuh-alerts-*": false, "site1:wazuh-alerts-*,site2:wazuh-alerts-*": false, "site2:wazuh-alerts-*": false, "nowhere:wazuh-alerts-*": false} {
		c := s.Client(func(c *wazuh.Config) { c.AlertIndex = pattern })
		p, err := c.GetAlerts(ctx, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: "192.0.2.0/24", Search: "web-01"}})
		if err != nil {
			t.Fatal(err)
		}
		st, err := c.GetAlertStats(ctx, wazuh.GetAlertStatsInput{})
		if err != nil {
			t.Fatal(err)
		}
		if (p.Incomplete == "") != whole || (st.Incomplete == "") != whole {
			t.Errorf("%s: %q, %q", pattern, p.Incomplete, st.Incomplete)
		}
		if found := !strings.HasPrefix(pattern, "site2") && !strings.HasPrefix(pattern, "nowhere"); found && (p.Total != 2 || st.Total != 2) || !found && p.Total != 0 {
			t.Errorf("%s: %d and %d alerts", pattern, p.Total, st.Total)
		}
		_, err = c.GetAlert(ctx, wazuh.GetAlertInput{AlertID: "none"})
		if errors.Is(err, wazuh.ErrIncomplete) == whole {
			t.Errorf("%s, an alert that isn't there: %v", pattern, err)
		}
		n := 0
		var last error
		for _, err := range c.Alerts(ctx, wazuh.GetAlertsInput{Limit: 1}) {
			if last = err; err == nil {
				n++
			}
		}
		if errors.Is(last, wazuh.ErrIncomplete) == whole {
			t.Errorf("%s: %d walked, then %v", pattern, n, last)
		}
	}
}

// TestAClientCertificateSaysWhoTheClientIs has an indexer that takes certificates
// of clients and no password.
func TestAClientCertificateSaysWhoTheClientIs(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SeedIncident()
	to, err := url.Parse(s.IndexerURL)
	if err != nil {
		t.Fatal(err)
	}
	var passwords atomic.Int32
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if r.In.Header.Get("Authorization") != "" {
			passwords.Add(1)
		}
		r.SetURL(to)
		r.Out.SetBasicAuth(wazuhtest.IndexerUser, wazuhtest.IndexerPassword)
	}})
	front.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	front.StartTLS()
	t.Cleanup(front.Close)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	private, err := x509.MarshalPKCS8PrivateKey(front.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := write("cert.pem", "CERTIFICATE", front.TLS.Certificates[0].Certificate[0]), write("key.pem", "PRIVATE KEY", private)
	c := s.Client(func(c *wazuh.Config) {
		c.Indexer = wazuh.IndexerConfig{BaseURL: front.URL, Options: connect.Options{SkipTLSVerify: true, ClientCertFile: cert, ClientKeyFile: key}}
	})
	p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	if err != nil || p.Total == 0 || passwords.Load() > 0 {
		t.Errorf("%+v, %v, and the indexer saw %d passwords", p, err, passwords.Load())
	}
	if _, err := wazuh.New(wazuh.Config{BaseURL: "https://w", Username: "u", Password: "p", Indexer: wazuh.IndexerConfig{BaseURL: front.URL}}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("neither password nor certificate: %v", err)
	}
}

func TestADomainThatWantsSignedRequestsIsToldAsSuch(t *testing.T) {
	t.Parallel()
	sent := base64.StdEncoding.EncodeToString([]byte(wazuhtest.IndexerUser + ":" + wazuhtest.IndexerPassword))
	for _, body := range []string{
		`{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost because no resource-based policy allows the es:ESHttpPost action"}`,
		`{"message":"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): 'x'. Authorization header requires 'Credential' parameter."}`,
		`{"message":"'` + sent + `' not a valid key=value pair (missing equal-sign) in Authorization header: 'Basic ` + sent + `'."}`,
	} {
		s := wazuhtest.New(t)
		s.FailNext(wazuhtest.IndexerAPI, wazuhtest.Fault{Status: 403, Body: body})
		_, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{})
		if !errors.Is(err, wazuh.ErrForbidden) || !strings.Contains(err.Error(), "SigV4") || strings.Contains(err.Error(), sent) {
			t.Errorf("%v", err)
		}
	}
}

// TestAnIndexerThatOffersOnlySearchesIsEnough refuses all that a managed service or
// a narrow role may refuse beside searches: the version, the fields, kept states.
func TestAnIndexerThatOffersOnlySearchesIsEnough(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SeedIncident()
	to, err := url.Parse(s.IndexerURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "_search") {
			proxy.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"Message":"Your request: '`+r.URL.Path+`' is not allowed."}`)
	}))
	t.Cleanup(front.Close)
	c, ctx := s.Client(func(c *wazuh.Config) { c.Indexer.BaseURL = front.URL }), t.Context()
	p, err := c.SearchAlerts(ctx, wazuh.SearchAlertsInput{Query: "sshd", Limit: 3})
	if err != nil || p.Total == 0 || p.NotSearched == "" {
		t.Errorf("words: %+v, %v", p, err)
	}
	if p, err = c.GetAlerts(ctx, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: "198.51.100.0/24"}}); err != nil || p.Total == 0 {
		t.Errorf("a network: %+v, %v", p, err)
	}
	n := 0
	for _, err := range c.Alerts(ctx, wazuh.GetAlertsInput{Limit: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if st, err := c.GetAlertStats(ctx, wazuh.GetAlertStatsInput{AlertFilter: wazuh.AlertFilter{StartTime: "3650d"}}); err != nil || st.Total != n {
		t.Errorf("%d walked, %+v, %v", n, st, err)
	}
	if d, err := c.DiagnoseConnection(ctx, wazuh.DiagnoseConnectionInput{}); err != nil || d.Status == wazuh.Broken {
		t.Errorf("%+v, %v", d, err)
	}
}

// manyFields gives the indices so many fields that two words can't be looked for
// in all of them at once.
func manyFields(s *wazuhtest.Server) {
	for i := range 700 {
		s.MapFields(fmt.Sprintf("data.template.f%d", i), fmt.Sprintf("data.own%d", i))
	}
}

func TestACursorLeadsOnThoughTheWordsStandInOtherFieldsByThen(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	manyFields(s)
	now := time.Now().Truncate(time.Second)
	for i := range 4 {
		s.AddAlert(now.Add(-time.Duration(i)*time.Minute), fmt.Sprint("a", i), at("data.own1", "needle in the hay"))
	}
	c := s.Client()
	p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: "needle hay", Limit: 2})
	if err != nil || p.Total != 4 || p.NextCursor == "" || p.NotSearched != "" {
		t.Fatalf("%+v, %v", p, err)
	}
	s.AddAlert(now.Add(-time.Hour), "later", at("data.own2", "hay, and a needle"))
	if _, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: "needle", Limit: 9, Cursor: p.NextCursor}); !errors.Is(err, wazuh.ErrInvalid) {
		t.Errorf("a cursor of other words: %v", err)
	}
	p, err = c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: "needle hay", Limit: 9, Cursor: p.NextCursor})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a2", "a3", "later"}, ids(p.Alerts)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestATailFindsWordsInFieldsThatHadNoneBefore(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	manyFields(s)
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	s.AddAlert(begin.Add(time.Minute), "one", at("data.own1", "needle in the hay"))
	c := s.Client()
	in := wazuh.TailAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: wazuh.At(begin), Search: "needle hay"}}
	seen := []string{}
	run := func() {
		t.Helper()
		for p, err := range c.TailAlerts(t.Context(), in) {
			if err != nil || p.NotSearched != "" {
				t.Fatalf("%+v, %v", p, err)
			}
			seen = append(seen, ids(p.Alerts)...)
			in.Cursor = p.NextCursor
		}
	}
	run()
	s.AddAlert(begin.Add(2*time.Minute), "other", at("data.own2", "hay, and a needle"))
	s.AddAlert(begin.Add(3*time.Minute), "neither", at("data.own2", "a needle"))
	run()
	if diff := cmp.Diff([]string{"one", "other"}, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEventsOfTheArchivesAreListedAndSearched(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "alert", at("data.srcip", "192.0.2.7"))
	s.AddState("wazuh-archives-4.x-2026.11.29", "event", wazuhtest.Object{
		"@timestamp": "2026-11-29T10:00:00.000Z", "timestamp": "2026-11-29T10:00:00.000+0000", "full_log": "an event that raised nothing", "agent": wazuhtest.Object{"id": "001"}, "location": "/var/log/syslog", "data": wazuhtest.Object{"srcip": "192.0.2.8"},
	})
	c := s.Client(func(c *wazuh.Config) { c.AlertIndex = "wazuh-alerts-*,wazuh-archives-*" })
	p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: "192.0.2.0/29"}})
	if err != nil || p.Total != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: "192.0.2.0/28"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"alert", "event"}, ids(p.Alerts)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p, err = c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: "raised nothing"}); err != nil || p.Total != 1 || p.Alerts[0].Rule.ID != "" {
		t.Errorf("words: %+v, %v", p, err)
	}
}
