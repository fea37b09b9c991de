package thehivetest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// send makes one request with the analyst's key and returns status and body.
func send(t *testing.T, s *thehivetest.Server, method, path, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+thehivetest.Key)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
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
	return res.StatusCode, string(b)
}

func TestSeedKeepsItsIDs(t *testing.T) {
	t.Parallel()
	s := thehivetest.New(t)
	for id, want := range map[string]string{
		thehivetest.BruteForceCase: "SSH password guessing against the jump host",
		thehivetest.BruteForceTask: "Confirm that no login succeeded",
		thehivetest.PhishingCase:   "Phishing mail with a fake invoice",
		thehivetest.PhishingTask:   "Reset the passwords of those who clicked",
		thehivetest.OldestCase:     "Unknown USB device on a reception PC",
	} {
		if o := s.Get(id); o["title"] != want {
			t.Errorf("%s is %v, want %q", id, o["title"], want)
		}
	}
}

// A trait is what is known of TheHive's answer to one request.
type trait struct {
	name, method, path, body string
	status                   int
	want                     string
	header                   []string
}

func traits() []trait {
	query := func(steps string) string { return `{"query":[` + steps + `]}` }
	const q = "/api/v1/query"
	return []trait{
		{"wrong key", "GET", "/api/v1/user/current", "", 401, `{"message":"Authentication failure","type":"AuthenticationError"}`, []string{"Authorization", "Bearer x"}},
		{"unknown route", "GET", "/api/v1/nothing", "", 404, `{"message":"/api/v1/nothing","type":"NotFoundError"}`, nil},
		{"no force", "DELETE", "/api/v1/case/1/force", "", 404, `NotFoundError`, nil},
		{"unknown case", "GET", "/api/v1/case/999", "", 404, `{"message":"Case not found","type":"NotFoundError"}`, nil},
		{"case by number", "GET", "/api/v1/case/1", "", 200, `"_id":"~4096"`, nil},
		{"labels", "GET", "/api/v1/case/~4096", "", 200, `"severityLabel":"MEDIUM"`, nil},
		{"no description", "POST", "/api/v1/case", `{"title":"x"}`, 400, `{"errors":[{"name":"description","type":"MissingAttributeError"}],"message":"[Attribute description is missing]","type":"AttributeCheckingError"}`, nil},
		{"unknown member of a PATCH", "PATCH", "/api/v1/case/1", `{"owner":"lead@soc.example","resolutionStatus":"Other"}`, 204, "", nil},
		{"unknown status", "PATCH", "/api/v1/case/1", `{"status":"Resolved"}`, 400, "Resolved", nil},
		{"TLP 5", "PATCH", "/api/v1/case/1", `{"tlp":5}`, 400, "InvalidFormatAttributeError", nil},
		{"repeated tags", "PATCH", "/api/v1/case/1", `{"addTags":["a","a"]}`, 400, "addTags", nil},
		{"delete", "DELETE", "/api/v1/case/3", "", 204, "", nil},
		{"comment", "POST", "/api/v1/case/1/comment", `{"message":"x"}`, 201, `"createdBy":"analyst@soc.example"`, nil},
		{"one observable is an array", "POST", "/api/v1/case/1/observable", `{"dataType":"ip","data":"192.0.2.1"}`, 201, `[{"_createdAt"`, nil},
		{"duplicate", "POST", "/api/v1/case/1/observable", `{"dataType":"ip","data":["198.51.100.23"]}`, 207, `"success":[]`, nil},
		{"unknown type", "POST", "/api/v1/case/1/observable", `{"dataType":"imei","data":["1"]}`, 404, `ObservableType imei not found`, nil},
		{"a blank is dropped", "POST", "/api/v1/case/1/observable", `{"dataType":"ip","data":["192.0.2.1"," "]}`, 201, `"data":"192.0.2.1"`, nil},
		{"a blank alone", "POST", "/api/v1/case/1/observable", `{"dataType":"ip","data":" "}`, 201, "[]\n", nil},
		{"an unseen case", "POST", "/api/v1/case/999/observable", `{"dataType":"ip","data":"203.0.113.5"}`, 403, `Operation not permitted`, nil},
		{"unknown custom field", "PATCH", "/api/v1/case/1", `{"customFields":{"nosuch":1}}`, 404, "CustomField nosuch not found", nil},
		{"array in the object form", "PATCH", "/api/v1/case/1", `{"customFields":{"site":["a","b"]}}`, 400, "array", nil},
		{"value of another type", "PATCH", "/api/v1/case/1", `{"customFields":[{"name":"hosts","value":"three"}]}`, 400, "hosts", nil},
		{"unknown technique", "POST", "/api/v1/case/1/procedure", `{"patternId":"T9999","occurDate":1}`, 404, "Pattern", nil},
		{"not a member", "GET", "/api/v1/user/current", "", 403, `AuthorizationError`, []string{"X-Organisation", "elsewhere"}},
		{"read-only key", "POST", "/api/v1/case", `{"title":"x","description":"y"}`, 403, `AuthorizationError`, []string{"Authorization", "Bearer " + thehivetest.ReadOnlyKey}},
		{"wrong content type", "POST", q, query(`{"_name":"listCase"}`), 400, `[Attribute query is missing]`, []string{"Content-Type", "text/plain"}},
		{"count is bare", "POST", q, query(`{"_name":"listCase"},{"_name":"count"}`), 200, "20\n", nil},
		{"unknown case in a query", "POST", q, query(`{"_name":"getCase","idOrName":"~9"},{"_name":"observables"}`), 200, "[]\n", nil},
		{"number in a query", "POST", q, query(`{"_name":"getCase","idOrName":1},{"_name":"procedures"},{"_name":"count"}`), 400, "expected string", nil},
		{"number as a text", "POST", q, query(`{"_name":"getCase","idOrName":"01"},{"_name":"procedures"},{"_name":"count"}`), 200, "1\n", nil},
		{"number with a hash", "POST", q, query(`{"_name":"getCase","idOrName":"#1"}`), 200, "[]\n", nil},
		{"alert by its name", "POST", q, query(`{"_name":"getAlert","idOrName":"siem;wazuh;1700000000.4711"},{"_name":"count"}`), 200, "1\n", nil},
		{"beyond the window", "POST", q, query(`{"_name":"listCase"},{"_name":"page","from":9990,"to":10001}`), 400, "10000", nil},
		{"property of the answer alone", "POST", q, query(`{"_name":"getCase","idOrName":"1"},{"_name":"comments"},{"_name":"sort","_fields":[{"createdAt":"desc"}]}`), 400, "createdAt", nil},
		{"a date that is a text", "POST", q, query(`{"_name":"listCase"},{"_name":"filter","_gt":{"_field":"_createdAt","_value":"2020-01-01"}}`), 400, "expected date", nil},
		{"a date in digits", "POST", q, query(`{"_name":"listCase"},{"_name":"filter","_gt":{"_field":"_createdAt","_value":"1"}},{"_name":"count"}`), 200, "20\n", nil},
		{"my tasks", "POST", q, query(`{"_name":"myTasks"},{"_name":"count"}`), 200, "1\n", nil},
		{"users of the organisation", "POST", q, query(`{"_name":"listUser"},{"_name":"count"}`), 200, "3\n", nil},
		{"logs of a task", "POST", q, query(`{"_name":"getTask","idOrName":"~8192"},{"_name":"logs"},{"_name":"count"}`), 200, "1\n", nil},
		{"logs of a case", "POST", q, query(`{"_name":"getCase","idOrName":"2"},{"_name":"tasks"},{"_name":"logs"},{"_name":"count"}`), 200, "1\n", nil},
		{"unknown step", "POST", q, query(`{"_name":"listCase"},{"_name":"explode"}`), 400, "BadRequest", nil},
		{"unknown start", "POST", q, query(`{"_name":"listNothing"}`), 400, "BadRequest", nil},
		{"unknown filter", "POST", q, query(`{"_name":"listCase"},{"_name":"filter","_fuzzy":{"_field":"title","_value":"x"}}`), 400, "BadRequest", nil},
		{"unknown property", "POST", q, query(`{"_name":"listCase"},{"_name":"filter","_eq":{"_field":"owner","_value":"x"}}`), 400, "owner", nil},
		{"underscore of a comment", "POST", q, query(`{"_name":"getCase","idOrName":"1"},{"_name":"comments"},{"_name":"sort","_fields":[{"_createdAt":"desc"}]}`), 200, `"createdBy"`, nil},
	}
}

// TestAnswers holds the fake to what is known of TheHive.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range traits() {
		s := thehivetest.New(t)
		status, body := send(t, s, tt.method, tt.path, tt.body, tt.header...)
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: HTTP %d %s; want %d and %q", tt.name, status, body, tt.status, tt.want)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	s := thehivetest.New(t)
	for _, tt := range []struct {
		filter string
		want   int
	}{
		{`"_eq":{"_field":"tags","_value":"T1110"}`, 1},
		{`"_in":{"_field":"status","_values":["New","InProgress"]}`, 4},
		{`"_and":[{"_eq":{"_field":"severity","_value":3}},{"_ne":{"_field":"status","_value":"TruePositive"}}]`, 1},
		{`"_or":[{"_eq":{"_field":"number","_value":1}},{"_id":"~32768"}]`, 2},
		{`"_not":{"_eq":{"_field":"stage","_value":"Closed"}}`, 4},
		{`"_ne":{"_field":"tags","_value":"malware"}`, 17},
		{`"_like":{"_field":"title","_value":"phish"}`, 0},
		{`"_like":{"_field":"title","_value":"*phish*"}`, 2},
		{`"_like":{"_field":"title","_value":"*phishing mail*"}`, 0},
		{`"_like":{"_field":"title","_value":"Phishing mail with a fake invoice"}`, 1},
		{`"_like":{"_field":"description","_value":"*fake login*"}`, 0},
		{`"_match":{"_field":"description","_value":"fake"}`, 1},
		{`"_gt":{"_field":"_createdAt","_value":{"amount":10,"unit":"days","look":"behind"}}`, 1},
		{`"_contains":"impactStatus"`, 1},
		{`"_ne":{"_field":"impactStatus","_value":"NoImpact"}`, 19},
		{`"_like":{"_field":"tags","_value":"T1110"}`, 1},
		{`"_startsWith":{"_field":"title","_value":"Phishing"}`, 2},
		{`"_gte":{"_field":"severity","_value":3}`, 4},
		{`"_between":{"_field":"number","_from":1,"_to":3}`, 2},
		{`"_has":"impactStatus"`, 1},
	} {
		status, body := send(t, s, "POST", "/api/v1/query", `{"query":[{"_name":"listCase"},{"_name":"filter",`+tt.filter+`},{"_name":"count"}]}`)
		if want := fmt.Sprintf("%d\n", tt.want); status != 200 || body != want {
			t.Errorf("%s: HTTP %d %s; want %s", tt.filter, status, body, want)
		}
	}
}

func TestOnlyStepsLimitAndSort(t *testing.T) {
	t.Parallel()
	s := thehivetest.New(t)
	numbers := func(body string) (list []int) {
		t.Helper()
		status, answer := send(t, s, "POST", "/api/v1/query?name=x", body)
		var cases []struct{ Number int }
		if err := json.Unmarshal([]byte(answer), &cases); err != nil || status != 200 {
			t.Fatalf("HTTP %d %s: %v", status, answer, err)
		}
		for _, c := range cases {
			list = append(list, c.Number)
		}
		return list
	}
	if got := numbers(`{"query":[{"_name":"listCase"}],"range":"0-2","sort":["-number"]}`); len(got) != 20 || got[0] != 1 {
		t.Errorf("range and sort beside the query: %v, want them ignored", got)
	}
	if got := numbers(`{"query":[{"_name":"listCase"},{"_name":"sort","_fields":[{"number":"desc"}]},{"_name":"page","from":1,"to":3}]}`); fmt.Sprint(got) != "[19 18]" {
		t.Errorf("as steps: %v", got)
	}
}

func TestUnknownMembersChangeNothing(t *testing.T) {
	t.Parallel()
	s := thehivetest.New(t)
	before := s.Get(thehivetest.BruteForceCase)
	send(t, s, "PATCH", "/api/v1/case/1", `{"owner":"lead@soc.example"}`)
	if after := s.Get(thehivetest.BruteForceCase); after["assignee"] != before["assignee"] || after["owner"] != nil || after["_updatedAt"] != before["_updatedAt"] {
		t.Errorf("the case became %v", after)
	}
}

func TestPromotingAgainGivesTheCase(t *testing.T) {
	t.Parallel()
	s := thehivetest.New(t)
	path := "/api/v1/alert/" + thehivetest.NewAlert + "/case"
	_, first := send(t, s, "POST", path, "{}")
	status, again := send(t, s, "POST", path, "{}")
	var a, b struct {
		ID string `json:"_id"`
	}
	if err := json.Unmarshal([]byte(first), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(again), &b); err != nil || status != 201 || a.ID == "" || a.ID != b.ID {
		t.Errorf("HTTP %d, %s and %s, %v", status, a.ID, b.ID, err)
	}
}

func TestAnAlertIsMergedOnce(t *testing.T) {
	t.Parallel()
	s := thehivetest.New(t)
	_, made := send(t, s, "POST", "/api/v1/alert", `{"type":"t","source":"s","sourceRef":"once","title":"x","description":"y"}`)
	var alert struct {
		ID string `json:"_id"`
	}
	if err := json.Unmarshal([]byte(made), &alert); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{200, 400} {
		status, body := send(t, s, "POST", "/api/v1/alert/"+alert.ID+"/merge/1", "")
		if status != want || want == 400 && !strings.Contains(body, "Alert is already imported") {
			t.Errorf("HTTP %d %.200s; want %d", status, body, want)
		}
	}
}

func TestABasicLoginIsTaken(t *testing.T) {
	t.Parallel()
	s := thehivetest.New(t)
	if status, body := send(t, s, "POST", "/api/v1/user/analyst@soc.example/password/set", `{"password":"EXAMPLE-PASSWORD"}`, "Authorization", "Bearer "+thehivetest.AdminKey); status != 204 {
		t.Fatalf("setting a password: %d %s", status, body)
	}
	for password, want := range map[string]int{"EXAMPLE-PASSWORD": 200, "another": 401, "": 401} {
		login := "Basic " + base64.StdEncoding.EncodeToString([]byte("analyst@soc.example:"+password))
		if status, body := send(t, s, "GET", "/api/v1/user/current", "", "Authorization", login); status != want {
			t.Errorf("%q: %d %s, want %d", password, status, body, want)
		}
	}
}
