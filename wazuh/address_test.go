package wazuh_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// TestAnAddressIsFoundWhereATemplateOfOnesOwnMapsItAsIP refuses, as OpenSearch does
// of a field of type ip, every query on data.srcip but an exact one.
func TestAnAddressIsFoundWhereATemplateOfOnesOwnMapsItAsIP(t *testing.T) {
	t.Parallel()
	m := wazuhtest.New(t)
	m.SeedIncident()
	asIP := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		for _, q := range []string{`"wildcard":{"data.srcip"`, `"prefix":{"data.srcip"`, `"term":{"data.srcip":{"case_insensitive":true`} {
			if strings.Contains(string(body), q) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"error":{"root_cause":[{"type":"query_shard_exception","reason":"[data.srcip] is of type [ip]"}],"type":"search_phase_execution_exception","reason":"all shards failed"},"status":400}`)
				return
			}
		}
		on, err := http.NewRequestWithContext(r.Context(), r.Method, m.IndexerURL+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			return
		}
		on.Header = r.Header.Clone()
		res, err := http.DefaultTransport.RoundTrip(on)
		if err != nil {
			return
		}
		defer res.Body.Close()
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	t.Cleanup(asIP.Close)
	c := m.Client(func(cfg *wazuh.Config) { cfg.Indexer.BaseURL = asIP.URL })
	for _, f := range []wazuh.GetAlertsInput{{SourceIP: "198.51.100.23"}, {IP: "::FFFF:198.51.100.23"}} {
		found, err := c.GetAlerts(t.Context(), f)
		if err != nil || len(found.Alerts) == 0 {
			t.Errorf("%+v: %+v, %v", f, found, err)
		}
	}
}
