package wazuhtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// ask sends a request and returns status, content type and body.
func ask(t *testing.T, method, url, user, password, bearer, body string) (int, string, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), string(b)
}

func login(t *testing.T, s *wazuhtest.Server) string {
	t.Helper()
	_, _, body := ask(t, http.MethodPost, s.URL+"/security/user/authenticate", wazuhtest.User, wazuhtest.Password, "", "")
	var a struct{ Data struct{ Token string } }
	if err := json.Unmarshal([]byte(body), &a); err != nil || a.Data.Token == "" {
		t.Fatalf("login: %s", body)
	}
	return a.Data.Token
}

func TestManagerIsAsStrictAsWazuh(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.Deny("005")
	token := login(t, s)
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/agents?name_like=x", 400, "Extra query parameter(s) name_like not in spec"},
		{"/agents?agents_list=7", 400, "'7' is too short"},
		{"/agents?status=gone", 400, "'gone' is not one of"},
		{"/agents?limit=100001", 400, "greater than the maximum of 100000"},
		{"/agents?sort=colour", 400, `"error":1403`},
		{"/agents?select=colour", 400, `"error":1724`},
		{"/agents?search=a%7Cb", 400, "search"},
		{"/agents?agents_list=999", 200, `"error":1,`},
		{"/agents?agents_list=007,999", 200, `"error":2,`},
		{"/agents?agents_list=007,005", 200, `"code":4000`},
		{"/agents?agents_list=005", 403, `"error":4000`},
		{"/agents?search=-fleet&select=name", 200, `"total_affected_items":8,`},
		{"/agents?limit=2", 200, `"total_affected_items":12,`},
		{"/agents?search=nosuch", 200, `"error":0,`},
		{"/rules?rule_ids=5710,1", 200, `"code":1208`},
		{"/syscollector/7/ports", 400, "'7' is too short"},
		{"/syscollector/011/ports", 400, `"error":2007`},
		{"/syscollector/999/ports", 200, `"code":1701`},
		{"/syscollector/007/ports?name=x", 400, "not in spec"},
		{"/alerts", 404, "Not Found"},
	} {
		status, kind, body := ask(t, http.MethodGet, s.URL+tt.path, "", "", token, "")
		if status != tt.status || !strings.Contains(body, tt.want) || strings.Contains(kind, "problem") != (status != 200) {
			t.Errorf("%s: HTTP %d %s %s, want %d with %s", tt.path, status, kind, body, tt.status, tt.want)
		}
	}
	if status, _, body := ask(t, http.MethodGet, s.URL+"/agents", "", "", "", ""); status != 401 || !strings.Contains(body, "No authorization token provided") {
		t.Errorf("without a token: %d %s", status, body)
	}
	s.RevokeTokens()
	if status, _, body := ask(t, http.MethodGet, s.URL+"/agents", "", "", token, ""); status != 401 || !strings.Contains(body, "Invalid token") {
		t.Errorf("revoked: %d %s", status, body)
	}
	for range 50 {
		ask(t, http.MethodPost, s.URL+"/security/user/authenticate", wazuhtest.User, "wrong", "", "")
	}
	if status, _, body := ask(t, http.MethodPost, s.URL+"/security/user/authenticate", wazuhtest.User, wazuhtest.Password, "", ""); status != 403 || !strings.Contains(body, `"error":6000`) {
		t.Errorf("after 50 wrong passwords: %d %s", status, body)
	}
}

func TestIndexerIsAsStrictAsOpenSearch(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", wazuhtest.Object{
		"rule": wazuhtest.Object{"id": "5710", "level": 5, "description": "Brute Force", "groups": []string{"authentication_failures", "sshd"}}, "full_log": "Failed password for root from 198.51.100.23 port 22",
	})
	query := func(q string) string { return `{"query":` + q + `,"track_total_hits":true}` }
	for _, tt := range []struct {
		body   string
		status int
		want   string
	}{
		{query(`{"term":{"rule.groups":"authentication_failures"}}`), 200, `"value":1`},
		{query(`{"term":{"rule.groups":"authentication"}}`), 200, `"value":0`}, // a keyword is matched whole …
		{query(`{"match":{"rule.description":"brute"}}`), 200, `"value":0`},
		{query(`{"match":{"rule.description":"brute force"}}`), 200, `"value":0`}, // … and in its case
		{query(`{"match":{"rule.description":"Brute Force"}}`), 200, `"value":1`},
		{query(`{"wildcard":{"rule.groups":{"value":"*AUTH*"}}}`), 200, `"value":0`},
		{query(`{"wildcard":{"rule.groups":{"value":"*AUTH*","case_insensitive":true}}}`), 200, `"value":1`},
		{query(`{"match":{"full_log":"accepted password"}}`), 200, `"value":1`}, // any word
		{query(`{"match":{"full_log":{"query":"accepted password","operator":"and"}}}`), 200, `"value":0`},
		{query(`{"match_phrase":{"full_log":"PASSWORD for"}}`), 200, `"value":1`},
		{query(`{"term":{"full_log":"password"}}`), 200, `"value":1`},
		{query(`{"term":{"full_log":"Failed password"}}`), 200, `"value":0`},
		{query(`{"prefix":{"rule.id":"57"}}`), 200, `"value":1`},
		{query(`{"range":{"rule.level":{"gte":5,"lt":6}}}`), 200, `"value":1`},
		{query(`{"range":{"timestamp":{"gte":"soon"}}}`), 400, "failed to parse date field"},
		{query(`{"bool":{"should":[{"match_none":{}}]}}`), 200, `"value":0`},
		{query(`{"bool":{"filter":[{"match_all":{}}],"should":[{"match_none":{}}]}}`), 200, `"value":1`},
		{query(`{"bool":{"must_not":{"ids":{"values":["one"]}}}}`), 200, `"value":0`},
		{query(`{"bool":{"filter":{"exists":{"field":"full_log"}}}}`), 200, `"value":1`},
		{query(`{"terms":{"rule.id":["1","5710"]}}`), 200, `"value":1`},
		{query(`{"fuzzy":{"rule.id":"1"}}`), 400, "unknown query [fuzzy]"},
		{query(`{"term":{"a":"1","b":"2"}}`), 400, "multiple fields"},
		{query(`{"wildcard":{"rule.id":{"value":"1","fuzziness":1}}}`), 400, "does not support [fuzziness]"},
		{`{"nosuch":{}}`, 400, "parsing_exception"},
		{`{"from":9999,"size":2}`, 400, `"all shards failed"`},
		{`{"from":9999,"size":2}`, 400, "Result window is too large"},
		{`{"sort":[{"nosuch":{"order":"asc"}}]}`, 400, "No mapping found for [nosuch]"},
		{`{"sort":[{"nosuch":{"order":"asc","unmapped_type":"keyword"}}]}`, 200, `"sort":[null]`},
		{`{"sort":["full_log"]}`, 400, "Text fields are not optimised"},
		{`{"sort":["timestamp"],"search_after":[1,2]}`, 400, "search_after has 2 value(s) but sort has 1"},
		{`{"_source":{"includes":["rule.id"]}}`, 200, `"_source":{"rule":{"id":"5710"}}`},
		{`{"_source":false}`, 200, `"_id":"one"`},
	} {
		status, _, body := ask(t, http.MethodPost, s.IndexerURL+"/wazuh-alerts-*/_search", wazuhtest.IndexerUser, wazuhtest.IndexerPassword, "", tt.body)
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: HTTP %d %s, want %d with %s", tt.body, status, body, tt.status, tt.want)
		}
	}
	status, kind, body := ask(t, http.MethodPost, s.IndexerURL+"/wazuh-alerts-*/_search", "", "", "", "{}")
	if status != 401 || body != "Unauthorized" || !strings.HasPrefix(kind, "text/plain") {
		t.Errorf("without credentials: %d %s %q", status, kind, body)
	}
	if status, _, body := ask(t, http.MethodPost, s.IndexerURL+"/other-*/_search", wazuhtest.IndexerUser, wazuhtest.IndexerPassword, "", "{}"); status != 200 || !strings.Contains(body, `"total":0`) {
		t.Errorf("a pattern without an index: %d %s", status, body)
	}
	if status, _, body := ask(t, http.MethodPost, s.IndexerURL+"/other/_search", wazuhtest.IndexerUser, wazuhtest.IndexerPassword, "", "{}"); status != 404 || !strings.Contains(body, "index_not_found_exception") {
		t.Errorf("no such index: %d %s", status, body)
	}
}

// TestSeed holds the incident against what the other platforms know of it.
func TestSeed(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SeedIncident()
	count := func(q string) string {
		_, _, body := ask(t, http.MethodPost, s.IndexerURL+"/wazuh-alerts-*/_search", wazuhtest.IndexerUser, wazuhtest.IndexerPassword, "", `{"size":0,"track_total_hits":true,"query":`+q+`}`)
		var a struct {
			Hits struct{ Total struct{ Value json.Number } }
		}
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			t.Error(err)
		}
		return a.Hits.Total.Value.String()
	}
	for q, want := range map[string]string{
		`{"term":{"rule.id":"5710"}}`: "24", `{"term":{"rule.id":"5712"}}`: "3", `{"term":{"rule.id":"40112"}}`: "1",
		`{"term":{"agent.id":"007"}}`: "33", `{"bool":{"must_not":[{"term":{"agent.id":"007"}}]}}`: "39",
	} {
		if got := count(q); got != want {
			t.Errorf("%s: %s alerts, want %s", q, got, want)
		}
	}
}
