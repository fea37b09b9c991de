package cortextest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

// ask sends a request as somebody who knows nothing of our client would.
func ask(t *testing.T, s *cortextest.Server, key, method, path, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func rows(t *testing.T, body string) (list []map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return list
}

func TestRanges(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	for query, want := range map[string]int{
		"": 10, "?range=all": 16, "?range=0-3": 3, "?range=10-20": 6, "?range=5-5": 10, "?range=nonsense": 10, "?range=90-99": 0,
	} {
		res, body := ask(t, s, cortextest.Key, "GET", "/api/analyzer"+query, "")
		if got := len(rows(t, body)); got != want || res.Header.Get("X-Total") != "16" {
			t.Errorf("%q: %d rows of %s, want %d of 16", query, got, res.Header.Get("X-Total"), want)
		}
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	id := rows(t, func() string { _, b := ask(t, s, cortextest.Key, "GET", "/api/analyzer", ""); return b }())[0]["id"].(string)
	run := "/api/analyzer/" + id + "/run"
	const body = `{"data":"8.8.8.8","dataType":"ip","tlp":2,"pap":2}`
	for _, tt := range []struct {
		key, method, path, body string
		status                  int
		want                    string
	}{
		{"", "GET", "/api/status", "", 200, `"Cortex":"4.1.0-1"`},
		{"", "GET", "/api/analyzer", "", 401, `{"message":"Authentication failure","type":"AuthenticationError"}`},
		{"x", "GET", "/api/job/x/report", "", 401, "Authentication failure"},
		{cortextest.ReadKey, "POST", run, body, 403, `{"message":"Insufficient rights to perform this action","type":"AuthorizationError"}`},
		{cortextest.SuperadminKey, "GET", "/api/analyzer", "", 403, "AuthorizationError"},
		{cortextest.Key, "POST", run, body, 200, `"status":"Waiting"`},
		{cortextest.Key, "POST", "/api/analyzer/nope/run", body, 404, "worker nope not found"},
		{cortextest.Key, "POST", run, `{"objectType":"case"}`, 400, `"Attribute data/attachment is missing"`},
		{cortextest.Key, "POST", run, `{"objectType":"case"}`, 400, `"type":"AttributeCheckingError"`},
		{cortextest.Key, "POST", run, `{"data":"8.8.8.8","dataType":"ip","tlp":4}`, 400, "InvalidFormatAttributeError"},
		{cortextest.Key, "POST", run, `{"data":"8.8.8.8","dataType":"ip","tlp":"4"}`, 200, `"tlp":2`}, // a text is none at all
		{cortextest.Key, "POST", run, `{"data":5,"dataType":"ip"}`, 400, "MissingAttributeError"},
		{cortextest.Key, "POST", run, `{"data":"` + strings.Repeat("x", 110<<10) + `","dataType":"ip"}`, 413, "Request Entity Too Large"},
		{cortextest.Key, "GET", "/api/job/nope/artifacts", "", 200, "[]"},
		{cortextest.Key, "GET", "/api/job/nope/waitreport?atMost=1second", "", 404, "job nope not found"},
		{cortextest.Key, "GET", "/api/job/" + cortextest.SeededJob + "/waitreport?atMost=soon", "", 200, `"status":"Success"`}, // not looked at when the job has ended
		{cortextest.Key, "GET", "/api/analyzerdefinition/x", "", 404, `"type":"NotFound"`},
		{cortextest.Key, "POST", "/api/job/status", `{"jobIds":["nope","` + cortextest.SeededJob + `"]}`, 200, `{"` + cortextest.SeededJob + `":"Success","nope":"NotFound"}`},
	} {
		res, got := ask(t, s, tt.key, tt.method, tt.path, tt.body)
		if res.StatusCode != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %d %s; want %d %s", tt.method, tt.path, res.StatusCode, got, tt.status, tt.want)
		}
	}
	for key, shown := range map[string]bool{cortextest.Key: false, cortextest.AdminKey: true} {
		if _, got := ask(t, s, key, "GET", "/api/analyzer", ""); strings.Contains(got, cortextest.Secret) != shown {
			t.Errorf("the configuration is shown: %t, want %t", !shown, shown)
		}
	}
}

func TestJobsTakeTime(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(1500 * time.Millisecond)
	id := s.AddAnalyzer(cortextest.Worker{Name: "Slow_1_0", DataTypes: []string{"ip"}})
	_, body := ask(t, s, cortextest.Key, "POST", "/api/analyzer/"+id+"/run", `{"data":"8.8.8.8","dataType":"ip"}`)
	var job struct{ ID, Status string }
	if err := json.Unmarshal([]byte(body), &job); err != nil || job.Status != "Waiting" {
		t.Fatalf("%+v, %v", job, err)
	}
	path := "/api/job/" + job.ID
	if _, got := ask(t, s, cortextest.Key, "GET", path+"/report", ""); !strings.Contains(got, `"report":"Waiting"`) {
		t.Errorf("at once: %s", got)
	}
	if _, got := ask(t, s, cortextest.Key, "GET", path+"/waitreport?atMost=1second", ""); !strings.Contains(got, `"report":"Running"`) {
		t.Errorf("after a second: %s", got)
	}
	if _, got := ask(t, s, cortextest.Key, "GET", path+"/waitreport?atMost=1minute", ""); !strings.Contains(got, `"success":true`) {
		t.Errorf("at the end: %s", got)
	}
}
