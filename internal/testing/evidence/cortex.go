package evidence

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

// Cortex returns a call of each operation of package cortex, for the server of
// package cortextest and a client with AdminKey, SuperadminKey and a directory
// for keys, in an order in which all succeed.
func Cortex() []Call {
	superadmin := map[string]string{"CORTEX_SUPERADMIN_KEY": "set"}
	id := func(name string) string { return `"analyzerId":"` + cortextest.AnalyzerID(name) + `"` }
	// What a dry run would tell once the other job of the seed is deleted.
	left := sha256.Sum256([]byte(cortextest.SeededJob + "\n"))
	selection := fmt.Sprintf("%d-%x", time.Now().UnixMilli(), left[:8])
	return []Call{
		{Op: "cortex_get_status", Args: `{}`},
		{Op: "cortex_list_analyzers", Args: `{"dataType":"ip"}`},
		{Op: "cortex_get_analyzer", Args: `{` + id("Abuse_Finder_3_0") + `}`},
		{Op: "cortex_run_analyzer", Args: `{` + id("Abuse_Finder_3_0") + `,"dataType":"domain","data":"example.com","tlp":1,"pap":1,"message":"seen in a mail","force":true}`},
		{Op: "cortex_run_analyzer_by_name", Args: `{"analyzerName":"MISP","dataType":"user-agent","data":"curl/8.5.0","parameters":{"depth":1}}`},
		{Op: "cortex_run_analyzer_file", Args: `{` + id("FileInfo_8_0") + `,"fileBase64":"TVqQAAMAAAA=","filename":"invoice.exe","label":"from the mail"}`},
		{Op: "cortex_analyze_observable", Args: `{"data":"198.51.100.23","analyzers":["Abuse_Finder_3_0","MaxMind_GeoIP_4_0"]}`},
		{Op: "cortex_analyze_observable", Args: `{"data":"198.51.100.23","analyzers":["MaxMind"],"timeout":60}`}, // out of the job cache
		{Op: "cortex_list_jobs", Args: `{}`},
		{Op: "cortex_list_jobs", Args: `{"dataType":"ip","analyzerName":"MaxMind*","status":"Success","limit":5}`},
		{Op: "cortex_get_job", Args: `{"jobId":"` + cortextest.SeededJob + `"}`},
		{Op: "cortex_get_job_report", Args: `{"jobId":"` + cortextest.SeededJob + `"}`},
		{Op: "cortex_wait_and_get_report", Args: `{"jobId":"` + cortextest.SeededJob + `"}`},
		{Op: "cortex_get_job_artifacts", Args: `{"jobId":"` + cortextest.SeededJob + `"}`},
		{Op: "cortex_get_job_artifacts", Args: `{"jobId":"` + cortextest.SeededEmptyJob + `"}`}, // asks whether it has ended
		{Op: "cortex_delete_job", Args: `{"jobId":"` + cortextest.SeededEmptyJob + `","confirm":true}`},
		{Op: "cortex_cleanup_jobs", Args: `{"status":"Success","dryRun":true}`},
		{Op: "cortex_cleanup_jobs", Args: `{"status":"Success","dryRun":false,"confirm":true,"selection":"` + selection + `"}`},
		{Op: "cortex_list_responders", Args: `{"dataType":"case"}`},
		{
			Op:   "cortex_run_responder",
			Args: `{"responderId":"Mailer_1_0","objectType":"case","objectId":"~4096","data":{"_id":"~4096","_type":"Case","number":1,"title":"Brute force on fleet-007","tlp":2,"pap":2},"confirm":true}`,
			Env:  map[string]string{"CORTEX_ALLOW_DESTRUCTIVE": "1"},
		},
		{Op: "cortex_list_analyzer_definitions", Args: `{"dataType":"ip","freeOnly":true,"search":"robtex"}`},
		{Op: "cortex_list_responder_definitions", Args: `{"dataType":"case_artifact"}`},
		{Op: "cortex_enable_analyzer", Args: `{"definitionId":"` + cortextest.FreeDefinition + `","configuration":{"polling":30,"zones":["a"]},"rate":10,"rateUnit":"Month","jobCache":0}`},
		{Op: "cortex_enable_responder", Args: `{"definitionId":"` + cortextest.ResponderDefinition + `","configuration":{"zone":"rpz.example"}}`},
		{Op: "cortex_disable_analyzer", Args: `{` + id("VirusTotal_Scan_3_1") + `,"confirm":true}`},
		{Op: "cortex_disable_responder", Args: `{"responderId":"` + cortextest.ResponderID("Firewall_Block_1_0") + `","confirm":true}`},
		{Op: "cortex_list_organizations", Args: `{}`, Env: superadmin},
		{Op: "cortex_get_organization", Args: `{"orgId":"soc"}`, Env: superadmin},
		{Op: "cortex_create_organization", Args: `{"name":"lab","description":"For trying things out"}`, Env: superadmin},
		{Op: "cortex_update_organization", Args: `{"orgId":"lab","description":"For trying things","status":"Locked"}`, Env: superadmin},
		{Op: "cortex_list_users", Args: `{}`, Env: superadmin},
		{Op: "cortex_get_user", Args: `{"userId":"reader@soc.example"}`, Env: superadmin},
		{Op: "cortex_create_user", Args: `{"login":"bot@soc.example","name":"Bot","organization":"soc","roles":["read","analyze"]}`, Env: superadmin},
		{Op: "cortex_renew_user_key", Args: `{"userId":"bot@soc.example"}`, Env: superadmin},
		{Op: "cortex_get_user_key", Args: `{"userId":"bot@soc.example"}`, Env: superadmin},
	}
}
