package cortex_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

func session(t *testing.T, s *cortextest.Server) *mcp.ClientSession {
	t.Helper()
	g := mcptest.Guard(t)
	return mcptest.Connect(t, g, s.Client(func(cfg *cortex.Config) { cfg.Guard = g }).Ops()...)
}

func TestTools(t *testing.T) { mcptest.Golden(t, "testdata", session(t, cortextest.New(t))) }

// TestOwnersCalls makes the calls of the owner's walkthrough as they were written.
func TestOwnersCalls(t *testing.T) {
	t.Parallel()
	cs := session(t, cortextest.New(t))
	call := func(tool, args, want string) *mcp.CallToolResult {
		t.Helper()
		res := mcptest.Call(t, cs, tool, args)
		text, err := json.Marshal(res.StructuredContent)
		if err != nil || res.IsError || !strings.Contains(string(text), want) {
			t.Errorf("%s: %s; want %q", tool, mcptest.Text(res), want)
		}
		return res
	}
	call("cortex_list_analyzers", `{"dataType": "ip"}`, "MaxMind_GeoIP_4_0")
	var done struct {
		Status string
		Result cortex.Analysis
	}
	mcptest.Structured(t, call("cortex_analyze_observable", `{"data": "198.51.100.23", "analyzers": ["Abuse_Finder_3_0", "MaxMind_GeoIP_4_0"]}`, "abuse@isp.example.net"), &done)
	if done.Status != "executed" || len(done.Result.JobIDs) != 2 {
		t.Fatalf("%+v", done)
	}
	call("cortex_wait_and_get_report", `{"jobId": "`+done.Result.JobIDs[0]+`"}`, "ISP Example Net")
	call("cortex_get_job_artifacts", `{"job_id": "`+done.Result.JobIDs[0]+`"}`, "AS64500")
}

// TestPagesOfJobsThatWereMadeToFit follows the jobs by offset, and those on one
// observable by date, with room for a few: none is lost, none comes twice.
func TestPagesOfJobsThatWereMadeToFit(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	var jobs []cortextest.Job
	for i := range 60 {
		jobs = append(jobs, cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: []string{"8.8.8.8", "203.0.113.9"}[i%2], Created: time.Now().Add(-time.Duration(i/3*3) * time.Minute)})
	}
	s.AddJobs(jobs...)
	g := mcptest.Guard(t)
	server := mcpadapter.New(g, mcpadapter.Options{MaxResponse: 2048})
	if err := server.Add(s.Client(func(cfg *cortex.Config) { cfg.Guard = g }).Ops()...); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, server, nil, nil)
	for args, want := range map[string]int{`{"limit":25,"analyzerName":"MaxMind*"}`: 60, `{"data":"8.8.8.8","limit":25}`: 30, `{"data":"8.8.8.8","limit":100}`: 30} {
		seen, pages := map[string]bool{}, 0
		var next map[string]any
		if err := json.Unmarshal([]byte(args), &next); err != nil {
			t.Fatal(err)
		}
		for ; next != nil && pages < 100; pages++ {
			var p struct {
				cortex.JobPage
				Next map[string]any `json:"_next"`
			}
			mcptest.Structured(t, mcptest.Call(t, cs, "cortex_list_jobs", next), &p)
			for _, j := range p.Jobs {
				if seen[j.ID] {
					t.Errorf("%s: job %s comes twice", args, j.ID)
				}
				seen[j.ID] = true
			}
			args := next
			switch {
			case p.Next != nil:
				maps.Copy(args, p.Next)
			case p.JobPage.Next != nil:
				args["offset"], args["before"] = *p.JobPage.Next, p.Before.UnixMilli()
			case !p.Before.IsZero():
				args["before"] = p.Before.UnixMilli()
			default:
				args = nil
			}
			next = args
		}
		if len(seen) < want || pages < 4 {
			t.Errorf("%s: %d jobs in %d pages, want %d", args, len(seen), pages, want)
		}
	}
}

func TestRefusedArguments(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	cs := session(t, s)
	for _, tt := range []struct{ tool, args, want string }{
		{"cortex_analyze_observable", `{}`, "data"},
		{"cortex_analyze_observable", `{"data":"198.51.100.23","analyzers":[""]}`, "selects nothing"},
		{"cortex_analyze_observable", `{"data":"198.51.100.23","analyzers":["MaxMind"],"tlp":4}`, "tlp"},
		{"cortex_analyze_observable", `{"data":"198.51.100.23","analyzers":["MaxMind"],"timeout":0}`, "timeout"},
		{"cortex_analyze_observable", `{"data":"198.51.100.23","analyser":["MaxMind"]}`, "did you mean"},
		{"cortex_analyze_observable", `{"data":"198.51.100.23","dataType":"../x","analyzers":["MaxMind"]}`, "dataType"},
		{"cortex_wait_and_get_report", `{"jobId":"../status"}`, "jobId"},
		{"cortex_get_job_artifacts", `{"jobId":""}`, "jobId"},
		{"cortex_run_responder", `{"responderId":"x","objectType":"event","objectId":"~1"}`, "objectType"},
		{"cortex_get_analyzer", `{"analyzerId":"a/b"}`, "workerId"},
		{"cortex_run_analyzer", `{"analyzerId":"x","dataType":"ip","data":"8.8.8.8"}`, "tlp"},
		{"cortex_run_analyzer", `{"analyzerId":"x","dataType":"ip","data":"8.8.8.8","tlp":2,"pap":5}`, "pap"},
		{"cortex_run_analyzer_by_name", `{"analyzerName":"","dataType":"ip","data":"8.8.8.8"}`, "analyzerName"},
		{"cortex_run_analyzer_file", `{"analyzerId":"x","fileBase64":"!!","filename":"x"}`, "base64"},
		{"cortex_run_analyzer_file", `{"analyzerId":"x","fileBase64":"TVo="}`, "filename is needed"},
		{"cortex_get_job", `{"jobId":"."}`, "jobId"},
		{"cortex_get_job_report", `{"job":"x"}`, "jobId"},
		{"cortex_list_jobs", `{"status":"Deleted"}`, "status"},
		{"cortex_list_jobs", `{"limit":501}`, "limit"},
		{"cortex_delete_job", `{"jobId":"x"}`, "unconfirmed"},
		{"cortex_cleanup_jobs", `{}`, "status or olderThanDays"},
		{"cortex_cleanup_jobs", `{"status":"Failure","dryRun":false,"confirm":true}`, "selection is missing"},
		{"cortex_list_responders", `{"type":"case"}`, "dataType"},
		{"cortex_list_analyzer_definitions", `{"limit":0}`, "limit"},
		{"cortex_list_responder_definitions", `{"freeOnly":"maybe"}`, "freeOnly"},
		{"cortex_enable_analyzer", `{"definitionId":"../x"}`, "definitionId"},
		{"cortex_enable_responder", `{"definitionId":"x","rateUnit":"Week"}`, "rateUnit"},
		{"cortex_disable_analyzer", `{"analyzerId":"x"}`, "unconfirmed"},
		{"cortex_disable_responder", `{"responderId":"x"}`, "unconfirmed"},
		{"cortex_get_organization", `{"orgId":""}`, "orgId"},
		{"cortex_create_organization", `{"name":"x"}`, "description"},
		{"cortex_update_organization", `{"orgId":"x"}`, "description or status"},
		{"cortex_get_user", `{}`, "userId"},
		{"cortex_create_user", `{"login":"x","name":"X","organization":"soc","roles":["admin"]}`, "roles"},
		{"cortex_create_user", `{"login":"x","name":"X","organization":"soc","roles":["read"],"password":"12345678"}`, "password is not taken"},
		{"cortex_renew_user_key", `{"userId":"x"}`, "not_available"},
		{"cortex_get_user_key", `{"userId":"x"}`, "not_available"},
		{"cortex_list_users", `{}`, "not_available"},
		{"cortex_list_organizations", `{}`, "not_available"},
		{"cortex_run_responder", `{"responderId":"any","objectType":"case","objectId":"~1","confirm":true}`, "switched_off"},
	} {
		if res := mcptest.Call(t, cs, tt.tool, tt.args); !res.IsError || !strings.Contains(mcptest.Text(res), tt.want) {
			t.Errorf("%s(%s): %s; want an error with %q", tt.tool, tt.args, mcptest.Text(res), tt.want)
		}
	}
	if r := s.Requests(); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
	for _, tt := range []struct{ args, want string }{
		{`{"data":"198.51.100.23"}`, "AbuseIPDB_1_0"},
		{`{"data":"10.20.0.7","analyzers":["MaxMind"]}`, "an internal address"},
	} {
		if res := mcptest.Call(t, cs, "cortex_analyze_observable", tt.args); !res.IsError || !strings.Contains(mcptest.Text(res), tt.want) {
			t.Errorf("%s: %s; want an error with %q", tt.args, mcptest.Text(res), tt.want)
		}
	}
}
