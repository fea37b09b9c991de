package cortextest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/internal/behaviour"
)

// differences are the requests that the fake once answered otherwise than a Cortex
// 4.1.0 beside it did, with the tests that hold it to what Cortex does.
var differences = map[string][]string{
	"_search more than 100 rows with offset":                                            {"TestWhatCortexDoes/a large page with an offset is a 500"},
	"_search offset+size>10000; X-Total":                                                {"TestWhatCortexDoes/a page beyond the window is refused", "TestTheTotalIsCutAtTenThousand"},
	"_search sort by unknown field or data; query on data":                              {"TestWhatCortexDoes/a sort by an unknown field is refused", "TestWhatCortexDoes/data is not searchable", "TestSearch"},
	"_search without sort":                                                              {"TestWhatCortexDoes/unsorted jobs come in the order of the index"},
	"unknown operator / query no object":                                                {"TestWhatCortexDoes/an unknown operator is a 500", "TestSearch"},
	`_like _string _contains {"status":"Success"} short form, dates as text ("now-1d")`: {"TestSearch"},
	"run: tlp 4 / data 5 / data {…}":                                                    {"TestRoles", "TestAnObjectIsNoObservable"},
	"run: body >100 KB / file >10 MB":                                                   {"TestWhatCortexDoes/a request over 100 KB is refused", "TestAFileOverTenMegabytesIsRefused"},
	"run twice while the first is Waiting":                                              {"TestTheCache/a waiting job is not given"},
	"run: fresh job":                                                                    {"TestAFreshJobHasNotBegun"},
	"run as a form (urlencoded)":                                                        {"TestAnObservableMayComeAsAForm"},
	"delete a running job":                                                              {"TestADeletedRunningJobComesBack"},
	"artifacts of a deleted job":                                                        {"TestWhatCortexDoes/artifacts of a deleted job"},
	"artifacts of an unknown job":                                                       {"TestWhatCortexDoes/artifacts of no job"},
	"waitreport without atMost; bad atMost":                                             {"TestWaitingWithoutALimitOutlastsTheJob", "TestWhatCortexDoes/atMost without a unit", "TestWhatCortexDoes/waiting for what has ended"},
	"429 of a responder":                                                                {"TestTheRateLimit/a responder is called an analyzer"},
	"locked user / organisation":                                                        {"TestALockedUserHasAWrongKey", "TestWhatCortexDoes/a locked organisation is a wrong key"},
	"key of a user without one, or unknown (superadmin)":                                {"TestWhatCortexDoes/the key of nobody", "TestAnswersOfTheAdministration"},
	"GET user key as its own user with role analyze":                                    {"TestWhatCortexDoes/one may fetch the own key"},
	`PATCH organization status "Nope", unknown field, name`:                             {"TestAnswersOfTheAdministration"},
	"POST user: unknown role":                                                           {"TestAnswersOfTheAdministration"},
	"POST user: roles [] ; no organization":                                             {"TestWhatCortexDoes/a user without roles", "TestAnswersOfTheAdministration"},
	"orgadmin creates a superadmin; in another organisation":                            {"TestAnswersOfTheAdministration"},
	"job rows":                          {"TestRowsHaveTheMembersOfCortex"},
	"user/current":                      {"TestRowsHaveTheMembersOfCortex"},
	"worker rows":                       {"TestRowsHaveTheMembersOfCortex"},
	"missing routes":                    {"TestRoutesThatOurClientDoesNotUse"},
	"404 of an unknown GET":             {"TestAnswersOfTheAdministration"},
	"conflict text":                     {"TestAnswersOfTheAdministration", "TestWhatCortexDoes/enabling twice is a conflict"},
	"Failure of a cortexutils analyzer": {"TestAFailedJobHoldsItsInput"},
}

// TestEveryDifferenceIsHeld holds differences against the table that was written
// beside the project.
func TestEveryDifferenceIsHeld(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "field", "cortex.md"))
	var rows []string
	if _, table, ok := strings.Cut(string(b), "| request | real | fake |\n|---|---|---|\n"); ok {
		for line := range strings.Lines(table) {
			cell, found := strings.CutPrefix(line, "| ")
			if !found {
				break
			}
			cell, _, _ = strings.Cut(cell, " | ")
			rows = append(rows, cell)
		}
	}
	behaviour.Proved(t, rows, differences)
	switch {
	case err != nil:
		t.Skip("without the table beside the project, that all of its rows are held isn't looked at: ", err)
	case len(rows) < 25:
		t.Errorf("the table has %d rows", len(rows))
	}
}

func TestAnObjectIsNoObservable(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	if status, j := run(t, s, "analyzer", cortextest.AnalyzerID("MaxMind_GeoIP_4_0"), `{"dataType":"ip","data":{"a":1}}`); status != 400 || j["type"] != "AttributeCheckingError" {
		t.Errorf("%d %v", status, j)
	}
}

func TestAFileOverTenMegabytesIsRefused(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	for size, want := range map[int]int{1 << 20: 200, 10<<20 + 1: 413} {
		status, body := upload(t, s, false, make([]byte, size))
		if status != want || want == 413 && !strings.Contains(body, `"type":"Unknown"`) {
			t.Errorf("%d bytes: %d %s", size, status, body)
		}
	}
}

func TestAFreshJobHasNotBegun(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	if _, j := run(t, s, "analyzer", cortextest.AnalyzerID("MaxMind_GeoIP_4_0"), `{"dataType":"ip","data":"8.8.8.8"}`); j["status"] != "Waiting" || j["startDate"] != nil {
		t.Errorf("%v", j)
	}
}

func TestAnObservableMayComeAsAForm(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/api/analyzer/"+cortextest.AnalyzerID("MaxMind_GeoIP_4_0")+"/run", strings.NewReader("dataType=ip&data=8.8.8.8"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+cortextest.Key)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := s.Submissions(); res.StatusCode != 200 || len(got) != 1 || got[0].Data != "8.8.8.8" {
		t.Errorf("%d %+v", res.StatusCode, got)
	}
}

func TestWaitingWithoutALimitOutlastsTheJob(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	id := s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "8.8.8.8", Created: time.Now(), Delay: 2 * time.Second})[0]
	if res, body := ask(t, s, cortextest.ReadKey, "GET", "/api/job/"+id+"/waitreport", ""); res.StatusCode != 200 || !strings.Contains(body, `"status":"Success"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestALockedUserHasAWrongKey(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	if res, body := ask(t, s, cortextest.SuperadminKey, "PATCH", "/api/user/reader@soc.example", `{"status":"Locked"}`); res.StatusCode != 200 {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if res, body := ask(t, s, cortextest.ReadKey, "GET", "/api/analyzer", ""); res.StatusCode != 401 || !strings.Contains(body, `"message":"Authentication failure"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestRowsHaveTheMembersOfCortex(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	cache := 5
	s.AddAnalyzer(cortextest.Worker{Name: "Bounded_1_0", DataTypes: []string{"ip"}, JobCache: &cache, JobTimeout: 7, Rate: 3, RateUnit: "Day"})
	has := func(path string, id string, want map[string]bool) {
		t.Helper()
		_, body := ask(t, s, cortextest.ReadKey, "GET", path, "")
		list := []map[string]any{{}}
		if id == "" {
			if err := json.Unmarshal([]byte(body), &list[0]); err != nil {
				t.Fatal(err)
			}
		} else {
			list = rows(t, body)
		}
		for _, r := range list {
			if id != "" && r["name"] != id && r["id"] != id {
				continue
			}
			for member, there := range want {
				if _, ok := r[member]; ok != there {
					t.Errorf("%s %s: %s is there: %t, want %t", path, id, member, ok, there)
				}
			}
			return
		}
		t.Errorf("%s lists no %s", path, id)
	}
	has("/api/job?range=all", cortextest.SeededJob, map[string]bool{"updatedAt": true, "updatedBy": true})
	has("/api/user/current", "", map[string]bool{"preferences": true, "updatedAt": true, "updatedBy": true})
	unset := map[string]bool{"jobCache": false, "jobTimeout": false, "rate": false, "rateUnit": false}
	has("/api/analyzer?range=all", "MaxMind_GeoIP_4_0", unset)
	for member := range unset {
		unset[member] = true
	}
	has("/api/analyzer?range=all", "Bounded_1_0", unset)
}

func TestRoutesThatOurClientDoesNotUse(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	for _, tt := range []struct{ key, method, path, body string }{
		{cortextest.ReadKey, "GET", "/api/job", ""},
		{cortextest.ReadKey, "GET", "/api/alert", ""},
		{cortextest.ReadKey, "GET", "/api/analyzer/type/ip", ""},
		{cortextest.ReadKey, "POST", "/api/analyzer/_search", `{}`},
		{cortextest.ReadKey, "POST", "/api/responder/_search", `{}`},
		{cortextest.SuperadminKey, "GET", "/api/organization/soc/user", ""},
		{cortextest.SuperadminKey, "PATCH", "/api/user/reader@soc.example", `{"name":"R"}`},
		{cortextest.AdminKey, "GET", "/api/analyzerconfig", ""},
		{cortextest.SuperadminKey, "DELETE", "/api/organization/soc", ""}, // last: it locks what the others are in
	} {
		if res, body := ask(t, s, tt.key, tt.method, tt.path, tt.body); res.StatusCode/100 != 2 {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, res.StatusCode, body)
		}
	}
}
