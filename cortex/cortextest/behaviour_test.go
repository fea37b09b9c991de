package cortextest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

type step struct{ key, method, path, body string }

// A trait is what the real one was seen to do. Each step is one request; the last
// one's answer is compared.
type trait struct {
	steps  []step
	status int
	want   string // in the body; rows=N: how many
}

func traits() map[string]trait {
	const read, key, admin, super = cortextest.ReadKey, cortextest.Key, cortextest.AdminKey, cortextest.SuperadminKey
	geoip := "/api/analyzer/" + cortextest.AnalyzerID("MaxMind_GeoIP_4_0")
	job := "/api/job/" + cortextest.SeededJob
	search := func(body string) []step { return []step{{read, "POST", "/api/job/_search", body}} }
	return map[string]trait{
		"ten rows without a range":                     {[]step{{read, "GET", "/api/analyzer", ""}}, 200, "rows=10"},
		"range ends before its end":                    {[]step{{read, "GET", "/api/analyzer?range=0-3", ""}}, 200, "rows=3"},
		"nonsense as a range is ten rows":              {[]step{{read, "GET", "/api/analyzer?range=abc", ""}}, 200, "rows=10"},
		"unsorted jobs come in the order of the index": {search(`{"range":"0-1"}`), 200, cortextest.SeededEmptyJob},
		"the plain list has deleted jobs":              {[]step{{key, "DELETE", job, ""}, {read, "GET", "/api/job?range=all", ""}}, 200, cortextest.SeededJob},
		"deleted jobs are not found":                   {[]step{{key, "DELETE", job, ""}, {read, "POST", "/api/job/_search", `{"query":{"_field":"status","_value":"Deleted"}}`}}, 200, "rows=0"},
		"a large page with an offset is a 500":         {search(`{"range":"1-102"}`), 500, "using [from] is not allowed in a scroll context"},
		"a page beyond the window is refused":          {search(`{"range":"9990-10040"}`), 400, "all shards failed"},
		"a request over 100 KB is refused":             {[]step{{key, "POST", geoip + "/run", `{"dataType":"ip","data":"` + strings.Repeat("x", 110<<10) + `"}`}}, 413, `{"message":"Request Entity Too Large","type":"Unknown"}`},
		"data is not searchable":                       {search(`{"query":{"_field":"data","_value":"x"}}`), 400, "SearchError"},
		"a sort by an unknown field is refused":        {search(`{"sort":["-nosuch"]}`), 400, "SearchError"},
		"an unknown field finds nothing":               {search(`{"query":{"_field":"nosuch","_value":"x"}}`), 200, "rows=0"},
		"analyzerName is not searchable":               {search(`{"query":{"_field":"analyzerName","_value":"MaxMind_GeoIP_4_0"}}`), 200, "rows=0"},
		"a star in an exact comparison":                {search(`{"query":{"_field":"workerName","_value":"MaxMind*"}}`), 200, "rows=0"},
		"like compares the whole":                      {search(`{"query":{"_like":{"_field":"workerName","_value":"MaxMind"}}}`), 200, "rows=0"},
		"an unknown operator is a 500":                 {search(`{"query":{"_zzz":{"a":1}}}`), 500, "JsResultException"},
		"a date as the database writes it":             {search(`{"query":{"_gte":{"createdAt":"now-1d"}}}`), 200, "rows=2"},
		"any type is taken":                            {[]step{{key, "POST", geoip + "/run", `{"dataType":"no-such-type","data":"x"}`}}, 200, `"dataType":"no-such-type"`},
		"a level as a text is amber":                   {[]step{{key, "POST", geoip + "/run", `{"dataType":"ip","data":"x","tlp":"4"}`}}, 200, `"tlp":2`},
		"data that is a number is missing":             {[]step{{key, "POST", geoip + "/run", `{"dataType":"ip","data":5}`}}, 400, "Attribute data/attachment is missing"},
		"data that is null is missing":                 {[]step{{key, "POST", geoip + "/run", `{"dataType":"ip","data":null}`}}, 400, "Attribute data/attachment is missing"},
		"a type without a letter":                      {[]step{{key, "POST", geoip + "/run", `{"dataType":"","data":"x"}`}}, 200, `"dataType":""`},
		"parameters that are no object":                {[]step{{key, "POST", geoip + "/run", `{"dataType":"ip","data":"x","parameters":"p"}`}}, 200, `"parameters":{}`},
		"a superadmin in any organisation":             {[]step{{super, "POST", "/api/user", `{"login":"x","name":"X","roles":["superadmin"],"organization":"soc"}`}}, 201, `"organization":"soc"`},
		"a user without roles":                         {[]step{{super, "POST", "/api/user", `{"login":"x","name":"X","roles":[]}`}}, 201, `"organization":"cortex"`},
		"an analyzer needs a name":                     {[]step{{admin, "POST", "/api/organization/analyzer/" + cortextest.FreeDefinition, `{"configuration":{}}`}}, 400, "Attribute name is missing"},
		"enabling twice is a conflict":                 {[]step{{admin, "POST", "/api/organization/analyzer/" + cortextest.FreeDefinition, `{"name":"MaxMind_GeoIP_4_0","configuration":{}}`}}, 400, "[" + cortextest.AnalyzerID("MaxMind_GeoIP_4_0") + "]: version conflict"},
		"a responder extracts nothing":                 {[]step{{admin, "POST", "/api/organization/responder/" + cortextest.ResponderDefinition, `{"name":"r","configuration":{"zone":"z","auto_extract_artifacts":true}}`}}, 500, "UnknownAttributeError"},
		"one wrong setting is a 500":                   {[]step{{admin, "POST", "/api/organization/analyzer/" + cortextest.FreeDefinition, `{"name":"r","configuration":{"zzz":1}}`}}, 500, "org.elastic4play.UnknownAttributeError"},
		"atMost without a unit":                        {[]step{{admin, "GET", "/api/job/RUNNING/waitreport?atMost=2", ""}}, 400, "NumberFormatException"},
		"waiting for what has ended":                   {[]step{{read, "GET", job + "/waitreport?atMost=2", ""}}, 200, `"success":true`},
		"the report of a running job is a text":        {[]step{{read, "GET", "/api/job/RUNNING/report", ""}}, 200, `"report":"Running"`},
		"artifacts of a deleted job":                   {[]step{{key, "DELETE", job, ""}, {read, "GET", job + "/artifacts", ""}}, 200, "abuse@isp.example.net"},
		"artifacts of no job":                          {[]step{{read, "GET", "/api/job/nosuch/artifacts", ""}}, 200, "rows=0"},
		"deleting twice":                               {[]step{{key, "DELETE", job, ""}, {key, "DELETE", job, ""}}, 204, ""},
		"a user cannot be removed":                     {[]step{{super, "DELETE", "/api/user/reader@soc.example", ""}}, 500, "user can't be removed"},
		"the superadmin lists no analyzers":            {[]step{{super, "GET", "/api/analyzer", ""}}, 403, "Insufficient rights"},
		"a locked organisation is a wrong key":         {[]step{{super, "DELETE", "/api/organization/soc", ""}, {read, "GET", "/api/analyzer", ""}}, 401, "Authentication failure"},
		"one may fetch the own key":                    {[]step{{key, "GET", "/api/user/analyst@soc.example/key", ""}}, 200, key},
		"the key of nobody":                            {[]step{{super, "GET", "/api/user/nosuch/key", ""}}, 403, "Get API key is not supported"},
		"a file that is not there":                     {[]step{{read, "GET", "/api/datastore/nosuch", ""}}, 200, ""},
		"no route for one definition":                  {[]step{{admin, "GET", "/api/analyzerdefinition/" + cortextest.FreeDefinition, ""}}, 404, "Resource not found by Assets controller"},
	}
}

// TestWhatCortexDoes holds the fake to what the real one was seen to do.
func TestWhatCortexDoes(t *testing.T) {
	t.Parallel()
	for name, tt := range traits() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cortextest.New(t)
			var status int
			var got string
			for _, x := range tt.steps {
				if strings.Contains(x.path, "RUNNING") {
					id := s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "8.8.8.8", Created: time.Now().Add(-time.Minute), Delay: time.Hour / 4 * 3, Dead: true})[0]
					x.path = strings.ReplaceAll(x.path, "RUNNING", id)
				}
				res, body := ask(t, s, x.key, x.method, x.path, x.body)
				status, got = res.StatusCode, body
			}
			if status != tt.status {
				t.Fatalf("%d, want %d: %s", status, tt.status, got)
			}
			if n, ok := strings.CutPrefix(tt.want, "rows="); ok {
				if fmt.Sprint(len(rows(t, got))) != n {
					t.Errorf("%d rows, want %s", len(rows(t, got)), n)
				}
			} else if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("%q in %s", tt.want, got)
			}
		})
	}
}

func TestTheTotalIsCutAtTenThousand(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	jobs := make([]cortextest.Job, 10_100)
	for i := range jobs {
		jobs[i] = cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "8.8.8.8", Created: time.Now()}
	}
	s.AddJobs(jobs...)
	for asked, want := range map[string]string{"0-2": "10000", "0-100": "10000", "0-101": "10102"} {
		if res, _ := ask(t, s, cortextest.ReadKey, "POST", "/api/job/_search", `{"range":"`+asked+`"}`); res.Header.Get("X-Total") != want {
			t.Errorf("%s: %s in all, want %s", asked, res.Header.Get("X-Total"), want)
		}
	}
}

// run submits an observable and returns the status and the job.
func run(t *testing.T, s *cortextest.Server, kind, id, body string) (int, map[string]any) {
	t.Helper()
	res, got := ask(t, s, cortextest.Key, "POST", "/api/"+kind+"/"+id+"/run", body)
	var j map[string]any
	if err := json.Unmarshal([]byte(got), &j); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, j
}

func TestTheRateLimit(t *testing.T) {
	t.Parallel()
	for name, responder := range map[string]bool{"over the limit": false, "a deleted job counts": false, "a responder is called an analyzer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cortextest.New(t)
			w := cortextest.Worker{Name: "Rare_1_0", DataTypes: []string{"ip", "thehive:case"}, Rate: 2, RateUnit: "Minute"}
			kind, add := "analyzer", s.AddAnalyzer
			if responder {
				kind, add = "responder", s.AddResponder
			}
			id := add(w)
			for i := range 2 {
				status, j := run(t, s, kind, id, fmt.Sprintf(`{"dataType":"ip","data":"8.8.8.%d"}`, i))
				if status != 200 {
					t.Fatalf("%d %v", status, j)
				}
				if name == "a deleted job counts" {
					ask(t, s, cortextest.Key, "DELETE", "/api/job/"+j["id"].(string), "")
				}
			}
			status, j := run(t, s, kind, id, `{"dataType":"ip","data":"8.8.8.9"}`)
			if want := "Rate limit of 2 per Minute reached for the analyzer Rare_1_0. Job cannot be started"; status != 429 || j["message"] != want {
				t.Errorf("%d %v", status, j)
			}
		})
	}
}

func TestTheCache(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		delay, pause time.Duration
		second       string
		remove, hit  bool
	}{
		"the earlier job":            {0, 0, `{"dataType":"ip","data":"8.8.8.8","tlp":2}`, false, true},
		"another PAP is the same":    {0, 0, `{"dataType":"ip","data":"8.8.8.8","tlp":2,"pap":1,"message":"m","label":"l"}`, false, true},
		"another TLP is not":         {0, 0, `{"dataType":"ip","data":"8.8.8.8","tlp":1}`, false, false},
		"a waiting job is not given": {time.Hour, 0, `{"dataType":"ip","data":"8.8.8.8","tlp":2}`, false, false},
		"a job at work is given":     {2 * time.Second, 600 * time.Millisecond, `{"dataType":"ip","data":"8.8.8.8","tlp":2}`, false, true},
		"a deleted job is not given": {0, 0, `{"dataType":"ip","data":"8.8.8.8","tlp":2}`, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cortextest.New(t)
			s.SetDelay(tt.delay)
			id := cortextest.AnalyzerID("MaxMind_GeoIP_4_0")
			_, first := run(t, s, "analyzer", id, `{"dataType":"ip","data":"8.8.8.8","tlp":2}`)
			time.Sleep(tt.pause)
			if tt.remove {
				ask(t, s, cortextest.Key, "DELETE", "/api/job/"+first["id"].(string), "")
			}
			_, second := run(t, s, "analyzer", id, tt.second)
			if hit := second["fromCache"] == true; hit != tt.hit || hit != (first["id"] == second["id"]) {
				t.Errorf("first %v, second %v", first, second)
			}
			if _, later := ask(t, s, cortextest.ReadKey, "GET", "/api/job/"+second["id"].(string), ""); strings.Contains(later, "fromCache") {
				t.Errorf("fromCache stays: %s", later)
			}
		})
	}
}

func TestAJobThatNeverEnds(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	id := s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "8.8.8.8", Created: time.Now().Add(-5 * time.Hour), Dead: true})[0]
	if _, body := ask(t, s, cortextest.ReadKey, "GET", "/api/job/"+id+"/waitreport?atMost=100ms", ""); !strings.Contains(body, `"report":"Running"`) || strings.Contains(body, "endDate") {
		t.Errorf("%s", body)
	}
}

func TestADeletedRunningJobComesBack(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetDelay(400 * time.Millisecond)
	_, j := run(t, s, "analyzer", cortextest.AnalyzerID("MaxMind_GeoIP_4_0"), `{"dataType":"ip","data":"8.8.8.8"}`)
	path := "/api/job/" + j["id"].(string)
	if res, _ := ask(t, s, cortextest.Key, "DELETE", path, ""); res.StatusCode != 204 {
		t.Errorf("%d", res.StatusCode)
	}
	if _, body := ask(t, s, cortextest.ReadKey, "GET", path, ""); !strings.Contains(body, `"status":"Deleted"`) {
		t.Errorf("at once: %s", body)
	}
	time.Sleep(500 * time.Millisecond)
	if _, body := ask(t, s, cortextest.ReadKey, "GET", path+"/report", ""); !strings.Contains(body, `"status":"Success"`) || !strings.Contains(body, `"success":true`) {
		t.Errorf("when its worker has ended: %s", body)
	}
}

func TestAFailedJobHoldsItsInput(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	_, j := run(t, s, "analyzer", cortextest.AnalyzerID(cortextest.AlwaysFails), `{"dataType":"ip","data":"8.8.8.8"}`)
	if _, body := ask(t, s, cortextest.ReadKey, "GET", "/api/job/"+j["id"].(string)+"/report", ""); !strings.Contains(body, `"status":"Failure"`) || !strings.Contains(body, cortextest.Secret) {
		t.Errorf("%s", body)
	}
}
