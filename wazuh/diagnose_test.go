package wazuh_test

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// secured serves h over TLS and returns its URL and a file with its authority.
func secured(t *testing.T, h http.Handler) (url, ca string) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.URL, ca
}

// TestADiagnosisNamesTheLegThatFailsAndWhatToDo breaks one leg at a time.
func TestADiagnosisNamesTheLegThatFailsAndWhatToDo(t *testing.T) {
	t.Parallel()
	const nobody = "http://127.0.0.1:1" // no port that another test's server could be given
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<html><title>Router</title></html>") //nolint:errcheck // the client reads what there is
	}))
	t.Cleanup(page.Close)
	denied := wazuhtest.Fault{Status: 403, Body: `{"title":"Permission Denied","detail":"Permission denied: Resource type: agent:id","remediation":"Ask","error":4000}`}
	unreadable := wazuhtest.Fault{Status: 403, Body: `{"error":{"root_cause":[{"type":"security_exception","reason":"no permissions for [indices:data/read/search]"}],"type":"security_exception"},"status":403}`}
	token := wazuhtest.Fault{Status: 200, Body: `{"data":{"token":"a.b.c"},"error":0}`}
	info := wazuhtest.Fault{Status: 200, Body: `{"data":{"api_version":"4.14.7"},"error":0}`}
	ready := wazuhtest.Fault{Status: 200, Body: `{"name":"n","cluster_name":"c","version":{"distribution":"opensearch","number":"2.19.4"}}`}

	for name, tt := range map[string]struct {
		prepare func(s *wazuhtest.Server)
		change  func(c *wazuh.Config)
		check   string // that is not ok, and its status
		text    string // in its message
		advice  string
	}{
		"manager, nobody listens": {change: func(c *wazuh.Config) { c.BaseURL = nobody }, check: "manager connection error", text: "refused", advice: "port in WAZUH_URL"},
		"manager, no such name":   {change: func(c *wazuh.Config) { c.BaseURL = "https://nosuch.invalid:55000" }, check: "manager connection error", text: "nosuch.invalid", advice: "name and port"},
		"manager, no answer":      {change: func(c *wazuh.Config) { c.BaseURL, c.Timeout = silent.URL, 50*time.Millisecond }, check: "manager connection error", text: "", advice: "blocks it"},
		"manager, http on https":  {change: func(c *wazuh.Config) { c.BaseURL = strings.Replace(c.BaseURL, "http:", "https:", 1) }, check: "manager TLS error", text: "HTTP", advice: "https in WAZUH_URL only where"},
		"manager, another page":   {change: func(c *wazuh.Config) { c.BaseURL = page.URL }, check: "manager login error", text: "HTML", advice: "something else"},
		"manager, wrong password": {change: func(c *wazuh.Config) { c.Password = "wrong-password" }, check: "manager login error", text: "Invalid credentials", advice: "WAZUH_USERNAME and WAZUH_PASSWORD"},
		"manager, locked out": {prepare: func(s *wazuhtest.Server) {
			s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 403, Body: `{"title":"Maximum login attempts","detail":"Limit of login attempts reached","error":6000}`})
		}, check: "manager login error", text: "6000", advice: "wait"},
		"manager, may not log in": {prepare: func(s *wazuhtest.Server) { s.FailNext(wazuhtest.ManagerAPI, denied) }, check: "manager login error", text: "4000", advice: "may log in"},
		"manager, old version":    {prepare: func(s *wazuhtest.Server) { s.SetVersion("3.13.6") }, check: "manager version error", text: "3.13.6", advice: "version 4 or 5"},
		"manager, may not read": {prepare: func(s *wazuhtest.Server) {
			for _, f := range []wazuhtest.Fault{token, info, denied} {
				s.FailNext(wazuhtest.ManagerAPI, f)
			}
		}, check: "manager permissions error", text: "4000", advice: "may read agents"},
		"manager, sees nobody": {prepare: func(s *wazuhtest.Server) {
			s.Deny("000", "001", "002", "003", "004", "005", "006", "007", "008", "009", "010", "011", "012")
		}, check: "manager permissions warning", text: "no agent", advice: "may read agents"},
		"indexer, nobody listens": {change: func(c *wazuh.Config) { c.Indexer.BaseURL = nobody }, check: "indexer connection error", text: "refused", advice: "port in WAZUH_INDEXER_URL"},
		"indexer, http on https":  {change: func(c *wazuh.Config) { c.Indexer.BaseURL = strings.Replace(c.Indexer.BaseURL, "http:", "https:", 1) }, check: "indexer TLS error", text: "HTTP", advice: "WAZUH_INDEXER_URL"},
		"indexer, wrong password": {change: func(c *wazuh.Config) { c.Indexer.Password = "wrong-password" }, check: "indexer login error", text: "Unauthorized", advice: "WAZUH_INDEXER_USERNAME and WAZUH_INDEXER_PASSWORD"},
		"indexer, may not read": {prepare: func(s *wazuhtest.Server) {
			s.FailNext(wazuhtest.IndexerAPI, ready)
			s.FailNext(wazuhtest.IndexerAPI, unreadable)
		}, check: "indexer alerts error", text: "no permissions", advice: "may read wazuh-alerts-*"},
		"indexer, broken shards": {prepare: func(s *wazuhtest.Server) { s.FailShards(1, "disk is full") }, check: "indexer alerts warning", text: "disk is full", advice: "health of the indexer"},
		"indexer, broken": {prepare: func(s *wazuhtest.Server) {
			s.FailNext(wazuhtest.IndexerAPI, ready)
			s.FailNext(wazuhtest.IndexerAPI, wazuhtest.Fault{Status: 500, Body: `{"error":{"root_cause":[{"type":"x","reason":"all is lost"}],"type":"x"},"status":500}`})
		}, check: "indexer alerts error", text: "all is lost", advice: "health of the indexer"},
		"indexer, none": {change: func(c *wazuh.Config) { c.Indexer = wazuh.IndexerConfig{} }, check: "indexer settings warning", text: "no indexer", advice: "WAZUH_INDEXER_PASSWORD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := seeded(t)
			if tt.prepare != nil {
				tt.prepare(s)
			}
			var change []func(*wazuh.Config)
			if tt.change != nil {
				change = append(change, tt.change)
			}
			d, err := s.Client(change...).DiagnoseConnection(t.Context(), wazuh.DiagnoseConnectionInput{})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, k := range d.Checks {
				if k.Name+" "+string(k.Status) == tt.check {
					found = true
					if !strings.Contains(k.Message, tt.text) || !strings.Contains(k.Advice, tt.advice) {
						t.Errorf("%s: %s\n%s", k.Name, k.Message, k.Advice)
					}
				}
				if k.Status != wazuh.Healthy && k.Advice == "" {
					t.Errorf("%s has no advice", k.Name)
				}
			}
			if want := wazuh.Health(tt.check[strings.LastIndexByte(tt.check, ' ')+1:]); !found || d.Status != want {
				t.Errorf("no %s; status %s of %+v", tt.check, d.Status, d.Checks)
			}
		})
	}
}

func TestADiagnosisProvesTLS(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	manager, ca := secured(t, s.Manager())
	searcher, ca2 := secured(t, s.Indexer())
	for name, tt := range map[string]struct {
		change func(c *wazuh.Config)
		want   string
		status wazuh.Health
	}{
		"known authorities": {func(c *wazuh.Config) { c.CAFile, c.Indexer.CAFile = ca, ca2 }, "manager TLS ok; indexer TLS ok; ", wazuh.Healthy},
		"unknown ones":      {func(*wazuh.Config) {}, "manager TLS error; indexer TLS error; ", wazuh.Broken},
		"another name": {func(c *wazuh.Config) {
			c.CAFile, c.Indexer.CAFile = ca, ca2
			c.BaseURL = strings.Replace(c.BaseURL, "127.0.0.1", "localhost", 1)
		}, "manager TLS error; indexer TLS ok; ", wazuh.Broken},
		"not verified": {func(c *wazuh.Config) { c.SkipTLSVerify, c.Indexer.SkipTLSVerify = true, true }, "manager TLS warning; indexer TLS warning; ", wazuh.Warning},
	} {
		c := s.Client(func(c *wazuh.Config) { c.BaseURL, c.Indexer.BaseURL = manager, searcher }, tt.change)
		d, err := c.DiagnoseConnection(t.Context(), wazuh.DiagnoseConnectionInput{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, k := range d.Checks {
			if strings.HasSuffix(k.Name, " TLS") {
				got += k.Name + " " + string(k.Status) + "; "
				if k.Status == wazuh.Broken && !strings.Contains(k.Advice, "CA_FILE") {
					t.Errorf("%s: %s", name, k.Advice)
				}
			}
		}
		if got != tt.want || d.Status != tt.status {
			t.Errorf("%s: %s%s; want %s%s\n%+v", name, got, d.Status, tt.want, tt.status, d.Checks)
		}
	}
}

func TestADiagnosisLooksIntoTheIndicesOfTheVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][2]string{"4.14.7": {"wazuh-alerts-*", "Filebeat"}, "5.0.0": {"wazuh-findings-v5-*", "the manager's connection"}} {
		s := wazuhtest.New(t)
		s.SetVersion(version)
		d, err := s.Client().DiagnoseConnection(t.Context(), wazuh.DiagnoseConnectionInput{})
		if err != nil || !slices.ContainsFunc(d.Checks, func(k wazuh.ConnectionCheck) bool {
			return k.Name == "indexer alerts" && k.Status == wazuh.Warning && strings.Contains(k.Message, want[0]) && strings.Contains(k.Advice, want[1])
		}) {
			t.Errorf("%s: %+v, %v", version, d, err)
		}
	}
}
