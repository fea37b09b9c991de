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

func connect(t *testing.T, s *cortextest.Server) *mcp.ClientSession {
	t.Helper()
	g := mcptest.Guard(t)
	return mcptest.Connect(t, g, s.Client(func(cfg *cortex.Config) { cfg.Guard = g }).Ops()...)
}

func TestTools(t *testing.T) { mcptest.Golden(t, "testdata", connect(t, cortextest.New(t))) }

// TestOwnersCalls makes the calls of the owner's walkthrough as they were written.
func TestOwnersCalls(t *testing.T) {
	t.Parallel()
	cs := connect(t, cortextest.New(t))
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
	cs := connect(t, s)
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
