package thehive_test

import (
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func session(t *testing.T, hive *thehivetest.Server) (*mcp.ClientSession, func(tool, args string) *mcp.CallToolResult) {
	t.Helper()
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, hive.Client(func(cfg *thehive.Config) { cfg.Guard = g }).Ops()...)
	return cs, func(tool, args string) *mcp.CallToolResult {
		t.Helper()
		res := mcptest.Call(t, cs, tool, args)
		var waits struct{ Status, Proposal string }
		if !res.IsError && res.StructuredContent != nil {
			mcptest.Structured(t, res, &waits)
		}
		if waits.Status == "pending" {
			mcptest.Approve(t, g, waits.Proposal)
			res = mcptest.Call(t, cs, tool, args)
		}
		return res
	}
}

func TestTools(t *testing.T) {
	cs, _ := session(t, thehivetest.New(t))
	mcptest.Golden(t, "testdata", cs)
}

// TestOwnersCalls makes the calls of the owner's walkthrough as they were written.
func TestOwnersCalls(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	_, call := session(t, hive)
	var made struct {
		Result struct {
			ID string `json:"_id"`
		}
	}
	mcptest.Structured(t, call("thehive_create_case", `{"title": "Brute-force then success on fleet host 007", "description": "Rule 5710 cluster followed by 4624-equivalent success ...", "severity": 2, "tags": ["wazuh", "auth", "lateral-movement-suspect"]}`), &made)
	id := made.Result.ID
	if id == "" {
		t.Fatal("no case was made")
	}
	for _, c := range []struct{ tool, args string }{
		{"thehive_create_task", `{"case_id": "<case>", "title": "Confirm source IP reputation"}`},
		{"thehive_create_task", `{"case_id": "<case>", "title": "Check for lateral movement from 007"}`},
		{"thehive_create_observable_bulk", `{"case_id": "<case>", "data_type": "ip", "observables": ["198.51.100.23"]}`},
		{"thehive_list_case_templates", `{}`},
		{"thehive_case_timeline_summary", `{"caseId": "<case>"}`},
		{"thehive_create_comment", `{"case_id": "<case>", "message": "Contained."}`},
		{"thehive_close_case", `{"caseId": "<case>", "status": "TruePositive", "summary": "Done.", "impactStatus": "WithImpact"}`},
	} {
		if res := call(c.tool, strings.ReplaceAll(c.args, "<case>", id)); res.IsError {
			t.Errorf("%s: %s", c.tool, mcptest.Text(res))
		}
	}
	if o := hive.Get(id); o["status"] != "TruePositive" || o["stage"] != "Closed" || o["impactStatus"] != "WithImpact" {
		t.Errorf("the case is %v", o)
	}
}

func TestRefusedArguments(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	_, call := session(t, hive)
	hive.Requests()
	for _, tt := range []struct{ tool, args, want string }{
		{"thehive_create_case", `{"title":"x","tlp":5}`, "tlp"},
		{"thehive_create_task_log", `{"taskId":"~36864","message":"x","includeInTimeline":1}`, "neither a flag nor in seconds"},
		{"thehive_create_task", `{"caseId":"2","title":"x","status":"Done"}`, "Waiting"},
		{"thehive_create_observable_bulk", `{"caseId":"2","dataType":"ip","data":[]}`, "at least 1 element"},
		{"thehive_get_case", `{"caseId":""}`, "caseId"},
		{"thehive_list_cases", `{"limit":501}`, "500"},
	} {
		if res := call(tt.tool, tt.args); !res.IsError || !strings.Contains(mcptest.Text(res), tt.want) {
			t.Errorf("%s(%s): %s; want an error with %q", tt.tool, tt.args, mcptest.Text(res), tt.want)
		}
	}
	if r := hive.Requests(); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
}
