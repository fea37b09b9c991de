package cortex_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
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
