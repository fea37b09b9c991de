package cortextest_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

func TestRolesOfEachEndpoint(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	maxMind := "/api/analyzer/" + cortextest.AnalyzerID("MaxMind_GeoIP_4_0")
	for _, tt := range []struct {
		method, path string
		allowed      string // of read, analyze, orgadmin, superadmin: who isn't answered with 403
	}{
		{"GET", maxMind, "rao"},
		{"DELETE", "/api/analyzer/nope", "os"},
		{"DELETE", "/api/responder/nope", "os"},
		{"GET", "/api/analyzerdefinition", "os"},
		{"GET", "/api/responderdefinition", "os"},
		{"POST", "/api/organization/analyzer/nope", "o"},
		{"GET", "/api/organization", "s"},
		{"POST", "/api/organization", "s"},
		{"GET", "/api/organization/soc", "os"},
		{"PATCH", "/api/organization/nope", "s"},
		{"GET", "/api/user", "s"},
		{"POST", "/api/user", "os"},
		{"GET", "/api/user/reader@soc.example", "raos"},
		{"GET", "/api/user/nope/key", "rao"}, // 403 for the superadmin, who is told that no key can be had
		{"POST", "/api/user/nope/key/renew", "os"},
		{"POST", "/api/job/_search", "rao"},
		{"GET", "/api/job/nope", "rao"},
		{"DELETE", "/api/job/nope", "ao"},
		{"GET", "/api/datastore/nope", "rao"},
	} {
		for letter, key := range map[string]string{"r": cortextest.ReadKey, "a": cortextest.Key, "o": cortextest.AdminKey, "s": cortextest.SuperadminKey} {
			res, body := ask(t, s, key, tt.method, tt.path, "{}")
			if (res.StatusCode != http.StatusForbidden) != strings.Contains(tt.allowed, letter) {
				t.Errorf("%s %s as %s: %d %s", tt.method, tt.path, letter, res.StatusCode, body)
			}
		}
	}
}

func TestAnswersOfTheAdministration(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.Define(cortextest.Definition{Name: "Two_1_0", Version: "1.0", DataTypes: []string{"ip"}, Items: []cortextest.Item{
		{Name: "a", Type: "string", Required: true}, {Name: "b", Type: "string", Required: true},
	}})
	for _, tt := range []struct {
		key, method, path, body string
		status                  int
		want                    string
	}{
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/nope", `{}`, 404, "Worker nope not found"},
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/Two_1_0", `{"name":"t","configuration":{"a":"x"}}`, 500, `"type":"org.elastic4play.MissingAttributeError"`},
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/Two_1_0", `{"name":"t","configuration":{}}`, 400, `"type":"AttributeCheckingError"`},
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/Two_1_0", `{"name":"t","configuration":{"a":"x","b":"y","c":"z"}}`, 500, "UnknownAttributeError"},
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/Two_1_0", `{"name":"t","configuration":{"a":"x","b":"y"},"rate":3,"rateUnit":"Second"}`, 201, `"rateUnit":"Second"`},
		{cortextest.AdminKey, "POST", "/api/organization/responder/" + cortextest.ResponderDefinition, `{"name":"t","configuration":{"zone":"z"}}`, 201, `"maxTlp":null`},
		{cortextest.AdminKey, "POST", "/api/organization/responder/" + cortextest.ResponderDefinition, `{"name":"u","configuration":{"zone":"z","auto_extract_artifacts":true}}`, 500, "UnknownAttributeError"},
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/Two_1_0", `{"name":"t","configuration":{"a":"x","b":"y"}}`, 400, "version conflict, document already exists (current version [1])"},
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/Two_1_0", `{"configuration":{"a":"x","b":"y"}}`, 400, "Attribute name is missing"},
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/Two_1_0", `{"name":"v","configuration":{"a":"x","b":"y"},"zzz":1}`, 400, "Unknown attribute worker.zzz"},
		{cortextest.AdminKey, "POST", "/api/organization/analyzer/Two_1_0", `{"name":"v","configuration":{"a":"x","b":"y"},"rateUnit":"Nope"}`, 400, "expected enumeration"},
		{cortextest.SuperadminKey, "PATCH", "/api/organization/soc", `{"status":"Nope"}`, 400, "expected enumeration"},
		{cortextest.SuperadminKey, "PATCH", "/api/organization/soc", `{"zzz":1}`, 400, "Unknown attribute organization.zzz"},
		{cortextest.SuperadminKey, "PATCH", "/api/organization/soc", `{"name":"n"}`, 400, "Unknown attribute name"},
		{cortextest.SuperadminKey, "POST", "/api/user", `{"login":"q","name":"q","roles":["nope"],"organization":"soc"}`, 400, "expected role"},
		{cortextest.SuperadminKey, "POST", "/api/user", `{"login":"r","name":"q","roles":[],"organization":"soc"}`, 201, `"roles":[]`},
		{cortextest.SuperadminKey, "POST", "/api/user", `{"login":"s","name":"q","roles":["read"]}`, 201, `"organization":"cortex"`},
		{cortextest.AdminKey, "POST", "/api/user", `{"login":"t","name":"q","roles":["superadmin"],"organization":"soc"}`, 403, "not authorized"},
		{cortextest.AdminKey, "POST", "/api/user", `{"login":"t","name":"q","roles":["read"],"organization":"cortex"}`, 403, "not authorized"},
		{cortextest.SuperadminKey, "GET", "/api/user/nope/key", "", 403, "Get API key is not supported"},
		{cortextest.Key, "GET", "/api/user/analyst@soc.example/key", "", 200, cortextest.Key},
		{cortextest.SuperadminKey, "DELETE", "/api/user/reader@soc.example", "", 500, "can't be removed"},
		{cortextest.SuperadminKey, "GET", "/api/organization/soc/user?range=all", "", 200, "reader@soc.example"},
		{cortextest.Key, "GET", "/api/nosuch", "", 404, "Resource not found by Assets controller"},
		{cortextest.Key, "GET", "/api/alert", "", 200, "[]"},
		{cortextest.Key, "GET", "/api/analyzer/type/ip", "", 200, "MaxMind_GeoIP_4_0"},
		{cortextest.Key, "POST", "/api/analyzer/_search", `{"query":{"name":"MaxMind_GeoIP_4_0"}}`, 200, "MaxMind_GeoIP_4_0"},
		{cortextest.SuperadminKey, "PATCH", "/api/organization/cortex", `{"status":"Locked"}`, 400, "BadRequest"},
		{cortextest.SuperadminKey, "POST", "/api/organization", `{"name":"soc","description":"x"}`, 400, "ConflictError"},
		{cortextest.SuperadminKey, "POST", "/api/organization", `{"name":"new"}`, 400, "Attribute description is missing"},
		{cortextest.SuperadminKey, "POST", "/api/organization", `{"name":"new","description":"x"}`, 201, `"status":"Active"`},
		{cortextest.SuperadminKey, "POST", "/api/user", `{"login":"a","name":"A","roles":["read"],"organization":"new"}`, 201, `"hasKey":false`},
		{cortextest.SuperadminKey, "GET", "/api/user/a/key", "", 403, "Get API key is not supported"},
		{cortextest.SuperadminKey, "GET", "/api/user/reader@soc.example/key", "", 200, cortextest.ReadKey},
		{cortextest.AdminKey, "GET", "/api/user/a", "", 404, "user a not found"},
		{cortextest.SuperadminKey, "PATCH", "/api/organization/soc", `{"status":"Locked"}`, 200, `"status":"Locked"`},
		{cortextest.Key, "GET", "/api/analyzer", "", 401, "Authentication failure"},
	} {
		res, got := ask(t, s, tt.key, tt.method, tt.path, tt.body)
		if res.StatusCode != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: %d %s; want %d %s", tt.method, tt.path, res.StatusCode, got, tt.status, tt.want)
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	now := time.Now()
	s.AddJobs(
		cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "8.8.8.8", Created: now.Add(-50 * time.Hour)},
		cortextest.Job{Analyzer: cortextest.AlwaysFails, DataType: "ip", Data: "8.8.4.4", Created: now.Add(-49 * time.Hour)},
	)
	before := fmt.Sprint(now.Add(-48 * time.Hour).UnixMilli())
	for query, want := range map[string]int{
		`{}`: 4, `{"_any":"*"}`: 4, `{"_field":"status","_value":"*"}`: 0, `{"_field":"status","_value":"Failure"}`: 1,
		`{"_field":"analyzerName","_value":"MaxMind_GeoIP_4_0"}`: 0, `{"_field":"workerName","_value":"MaxMind_GeoIP_4_0"}`: 2,
		`{"status":"Failure"}`: 1, `{"_string":"status:Failure"}`: 1, `{"_like":{"_field":"workerName","_value":"MaxMind"}}`: 0, `{"_contains":"workerName"}`: 4,
		`{"_gte":{"createdAt":"now-48h"}}`: 2, `{"_wildcard":{"_field":"workerName","_value":"MaxMind*"}}`: 2,
		`{"_lt":{"createdAt":` + before + `}}`: 2, `{"_gte":{"createdAt":` + before + `}}`: 2, `{"_not":{"_field":"status","_value":"Failure"}}`: 3,
		`{"_and":[{"_field":"dataType","_value":"ip"},{"_lt":{"createdAt":` + before + `}}]}`:     2,
		`{"_or":[{"_field":"status","_value":"Failure"},{"_id":"` + cortextest.SeededJob + `"}]}`: 2,
		`{"_in":{"_field":"status","_values":["Failure","Success"]}}`:                             4, `{"_between":{"_field":"createdAt","_from":0,"_to":` + before + `}}`: 2,
		`{"_field":"status","_value":"Deleted"}`: 0,
	} {
		res, body := ask(t, s, cortextest.ReadKey, "POST", "/api/job/_search", `{"query":`+query+`,"range":"all","sort":["-createdAt"]}`)
		if got := len(rows(t, body)); got != want || res.Header.Get("X-Total") != fmt.Sprint(want) {
			t.Errorf("%s: %d rows, want %d", query, got, want)
		}
	}
	for request, want := range map[string]struct {
		status int
		kind   string
	}{
		`{"query":{"_nonsense":1}}`:                      {500, "JsResultException"},
		`{"query":[]}`:                                   {500, "JsResultException"},
		`{"query":{"_and":{}}}`:                          {500, "JsResultException"},
		`{"query":{"_field":"data","_value":"8.8.8.8"}}`: {400, "SearchError"},
		`{"query":{"_gte":{"createdAt":"yesterday"}}}`:   {400, "SearchError"},
		`{"query":{},"sort":["-nosuch"]}`:                {400, "SearchError"},
		`{"query":{},"sort":["data"]}`:                   {400, "SearchError"},
		`{"query":{},"range":"1-102"}`:                   {500, "using [from] is not allowed in a scroll context"},
		`{"query":{},"range":"9990-10040"}`:              {400, "all shards failed"},
	} {
		if res, body := ask(t, s, cortextest.ReadKey, "POST", "/api/job/_search", request); res.StatusCode != want.status || !strings.Contains(body, want.kind) {
			t.Errorf("%s: %d %s", request, res.StatusCode, body)
		}
	}
	_, body := ask(t, s, cortextest.ReadKey, "POST", "/api/job/_search", `{"sort":["+createdAt"]}`)
	if r := rows(t, body); r[0]["data"] != "8.8.8.8" || r[1]["data"] != "8.8.4.4" {
		t.Errorf("the oldest first: %v", r)
	}
	if res, _ := ask(t, s, cortextest.Key, "DELETE", "/api/job/"+cortextest.SeededJob, ""); res.StatusCode != 204 {
		t.Errorf("delete: %d", res.StatusCode)
	}
	if _, body := ask(t, s, cortextest.Key, "GET", "/api/job/"+cortextest.SeededJob+"/report", ""); !strings.Contains(body, `"report":"Deleted"`) {
		t.Errorf("after it was deleted: %s", body)
	}
	if _, body := ask(t, s, cortextest.Key, "POST", "/api/job/_search", `{}`); len(rows(t, body)) != 3 {
		t.Errorf("deleted jobs are found: %s", body)
	}
}

// upload sends a file in a form whose part _json has a file name or hasn't.
func upload(t *testing.T, s *cortextest.Server, named bool, content []byte) (int, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	var part io.Writer
	var err error
	if named {
		part, err = w.CreateFormFile("_json", "blob")
	} else {
		part, err = w.CreateFormField("_json")
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(part, `{"dataType":"file","tlp":2,"pap":2}`)
	if part, err = w.CreateFormFile("attachment", "a.bin"); err != nil {
		t.Fatal(err)
	}
	part.Write(content) //nolint:errcheck // into memory
	w.Close()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/api/analyzer/"+cortextest.AnalyzerID("FileInfo_8_0")+"/run", &b)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+cortextest.Key)
	req.Header.Set("Content-Type", w.FormDataContentType())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestFilesAndTheDatastore(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	if status, body := upload(t, s, true, []byte("content")); status != 400 || !strings.Contains(body, "Field starting with '_' is forbidden") {
		t.Errorf("_json as a file: %d %s", status, body)
	}
	status, body := upload(t, s, false, []byte("content"))
	if status != 200 || !strings.Contains(body, `"name":"a.bin"`) || strings.Contains(body, `"data"`) {
		t.Fatalf("%d %s", status, body)
	}
	const id = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" // SHA-256 of the content
	if res, body := ask(t, s, cortextest.ReadKey, "GET", "/api/datastore/"+id, ""); res.StatusCode != 200 || body != "content" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if _, again := upload(t, s, false, []byte("content")); !strings.Contains(again, `"fromCache":true`) {
		t.Errorf("the same file again: %s", again)
	}
	s.AddAnalyzer(cortextest.Worker{Name: "Unzip_1_0", DataTypes: []string{"ip"}, Answer: func(string, string) cortextest.Answer {
		return cortextest.Answer{Artifacts: []cortextest.Artifact{{DataType: "file", File: &cortextest.File{Name: "in.exe", ContentType: "x/y", Content: []byte("inside")}}}}
	}})
	s.AddJobs(cortextest.Job{Analyzer: "Unzip_1_0", DataType: "ip", Data: "8.8.8.8", Created: time.Now()})
	_, found := ask(t, s, cortextest.Key, "GET", "/api/job/AZsallyport000000004/artifacts", "")
	if r := rows(t, found); len(r) != 1 || r[0]["attachment"] == nil || r[0]["data"] != nil {
		t.Errorf("artifacts %s", found)
	} else if _, body := ask(t, s, cortextest.Key, "GET", "/api/datastore/"+r[0]["attachment"].(map[string]any)["id"].(string), ""); body != "inside" {
		t.Errorf("the file that was found: %s", body)
	}
}

func TestTheWaitRaceTakesAsLongAsItMay(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetWaitRace(true)
	id := s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "8.8.8.8", Created: time.Now(), Delay: 100 * time.Millisecond})[0]
	began := time.Now()
	_, body := ask(t, s, cortextest.Key, "GET", "/api/job/"+id+"/waitreport?atMost=1second", "")
	if took := time.Since(began); took < time.Second || !strings.Contains(body, `"success":true`) {
		t.Errorf("after %s: %s", took, body)
	}
}
