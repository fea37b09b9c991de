package evidence

import "github.com/sallyport-soc/sallyport/cortex/cortextest"

// Cortex returns a call of each operation of package cortex, for the server of
// package cortextest.
func Cortex() []Call {
	return []Call{
		{Op: "cortex_get_status", Args: `{}`},
		{Op: "cortex_list_analyzers", Args: `{"dataType":"ip"}`},
		{Op: "cortex_analyze_observable", Args: `{"data":"198.51.100.23","analyzers":["Abuse_Finder_3_0","MaxMind_GeoIP_4_0"]}`},
		{Op: "cortex_analyze_observable", Args: `{"data":"198.51.100.23","analyzers":["MaxMind"],"timeout":60}`}, // out of the job cache
		{Op: "cortex_wait_and_get_report", Args: `{"jobId":"` + cortextest.SeededJob + `"}`},
		{Op: "cortex_get_job_artifacts", Args: `{"jobId":"` + cortextest.SeededJob + `"}`},
		{Op: "cortex_get_job_artifacts", Args: `{"jobId":"` + cortextest.SeededEmptyJob + `"}`}, // asks whether it has ended
		{
			Op:   "cortex_run_responder",
			Args: `{"responderId":"Mailer_1_0","objectType":"case","objectId":"~4096","data":{"_id":"~4096","_type":"Case","number":1,"title":"Brute force on fleet-007","tlp":2,"pap":2},"confirm":true}`,
			Env:  map[string]string{"CORTEX_ALLOW_DESTRUCTIVE": "1"},
		},
	}
}
