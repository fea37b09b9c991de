package wazuh_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// mapping is the part of Wazuh's template for alerts that searches depend on.
const mapping = `{"mappings":{"date_detection":false,"dynamic_templates":[{"strings":{"match_mapping_type":"string","mapping":{"type":"keyword"}}}],
"properties":{"timestamp":{"type":"date","format":"date_optional_time||epoch_millis"},"@timestamp":{"type":"date"},"full_log":{"type":"text"},
"rule":{"properties":{"level":{"type":"long"}}}}}}`

// realIndexer copies the incident into an OpenSearch and holds its answers
// against those of the fake.
func realIndexer(t *testing.T, target string) {
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	user, password := "admin", "admin"
	if u.User != nil {
		user = u.User.Username()
		password, _ = u.User.Password()
		u.User = nil
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // a test instance signs for itself
	send := func(method, path string, body []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, u.String()+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(user, password)
		r.Header.Set("Content-Type", "application/json")
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
			t.Fatalf("%s %s: HTTP %d %s", method, path, res.StatusCode, b)
		}
	}
	s := seeded(t)
	fake := s.Client()
	index := fmt.Sprintf("/wazuh-alerts-4.x-sallyport-%d", time.Now().UnixNano())
	send(http.MethodPut, index, []byte(mapping))
	defer send(http.MethodDelete, index, nil)
	for a, err := range fake.Alerts(t.Context(), wazuh.GetAlertsInput{}) {
		if err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(s.Alert(a.ID))
		if err != nil {
			t.Fatal(err)
		}
		send(http.MethodPut, index+"/_doc/"+url.PathEscape(a.ID), doc)
	}
	send(http.MethodPost, index+"/_refresh", nil)
	live := s.Client(func(c *wazuh.Config) {
		c.Indexer = wazuh.IndexerConfig{BaseURL: u.String(), Username: user, Password: password, SkipTLSVerify: true}
	})
	for _, in := range []wazuh.GetAlertsInput{
		{}, {Level: 10}, {AgentID: "7"}, {MITREIDs: []string{"T1110"}}, {SourceIP: "198.51.100.23"}, {User: "svc-backup"}, {StartTime: "1h"}, {Location: "/var/log/*"},
		{Search: "accepted password"}, {Search: `C:\Windows\System32`}, {Search: "force brute"}, {Search: "POWERSHELL encoded"}, {Search: "/cgi-bin/test?id=1"},
	} {
		want, err1 := fake.GetAlerts(t.Context(), in)
		got, err2 := live.GetAlerts(t.Context(), in)
		if err1 != nil || err2 != nil || got.Total != want.Total || len(got.Alerts) > 0 && got.Alerts[0].ID != want.Alerts[0].ID {
			t.Errorf("%+v: %+v, %v; the fake %+v, %v", in, got, err2, want, err1)
		}
	}
	n := 0
	for _, err := range live.Alerts(t.Context(), wazuh.GetAlertsInput{Limit: 10}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 72 {
		t.Errorf("walked %d alerts", n)
	}
	if stats, err := live.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{Interval: "1h"}); err != nil || stats.Total == 0 || len(stats.OverTime) == 0 {
		t.Errorf("stats %+v, %v", stats, err)
	}
	if a, err := live.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: wazuhtest.AlertFailThenWin}); err != nil || a.Rule.ID != "40112" {
		t.Errorf("alert %+v, %v", a, err)
	}
}
