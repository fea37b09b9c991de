package evidence

import "github.com/sallyport-soc/sallyport/thehive/thehivetest"

// TheHive returns a call of each operation of package thehive, for a
// thehivetest.Server that holds the incident, in an order in which all succeed.
func TheHive() []Call {
	const (
		phishing = `"caseId":"` + thehivetest.PhishingCase + `"`
		task     = `"taskId":"` + thehivetest.PhishingTask + `"`
		oldest   = `"caseId":"` + thehivetest.OldestCase + `"`
		alert    = `"alertId":"` + thehivetest.NewAlert + `"`
		attacker = `"observableId":"` + thehivetest.AttackerObservable + `"`
		domain   = `"observableId":"` + thehivetest.DomainObservable + `"`
		job      = `"jobId":"` + thehivetest.SeededJob + `"`
	)
	destructive := map[string]string{"THEHIVE_ALLOW_DESTRUCTIVE_TOOLS": "true"}
	return []Call{
		{Op: "thehive_get_current_user", Args: `{}`},
		{Op: "thehive_list_case_templates", Args: `{}`},
		{Op: "thehive_list_cases", Args: `{"status":"InProgress","severity":3,"tags":["phishing"],"owner":"analyst@soc.example","limit":2}`},
		{Op: "thehive_get_case", Args: `{"caseId":"2"}`},
		{Op: "thehive_list_observables", Args: `{` + phishing + `,"dataType":"domain","ioc":true}`},
		{Op: "thehive_create_case", Args: `{"title":"Brute-force then success on fleet host 007","severity":2,"tlp":4,"tags":["wazuh","auth"],"template":"brute-force"}`},
		{Op: "thehive_add_case_tags", Args: `{` + phishing + `,"tags":["mitre:T1078"]}`},
		{Op: "thehive_create_task", Args: `{` + phishing + `,"title":"Confirm source IP reputation"}`},
		{Op: "thehive_create_task_log", Args: `{` + task + `,"message":"Both have new passwords.","includeInTimeline":1767225600000}`},
		{Op: "thehive_create_comment", Args: `{` + phishing + `,"message":"The page is gone."}`},
		{Op: "thehive_create_observable_bulk", Args: `{` + phishing + `,"dataType":"ip","data":["198.51.100.23"],"ioc":true}`},
		{Op: "thehive_case_timeline_summary", Args: `{` + phishing + `}`},
		{Op: "thehive_search_cases", Args: `{"query":"invoice"}`},
		{Op: "thehive_update_case", Args: `{` + phishing + `,"severity":4,"owner":"lead@soc.example","customFields":{"site":"north"}}`},
		{Op: "thehive_assign_case", Args: `{` + phishing + `,"owner":"analyst@soc.example"}`},
		{Op: "thehive_update_case_custom_fields", Args: `{` + phishing + `,"customFields":{"hosts":2}}`},
		{Op: "thehive_remove_case_tags", Args: `{` + phishing + `,"tags":["mitre:T1078"]}`},
		{Op: "thehive_set_case_flag", Args: `{` + phishing + `,"flag":true}`},
		{Op: "thehive_apply_case_template", Args: `{` + phishing + `,"template":"phishing","updateTags":true}`},
		{Op: "thehive_add_procedure", Args: `{` + phishing + `,"patternId":"T1566.002","tactic":"initial-access","occurDate":1767225600000}`},
		{Op: "thehive_add_procedure", Args: `{` + alert + `,"patternId":"T1110","occurDate":1767225600000}`},
		{Op: "thehive_list_tasks", Args: `{` + phishing + `,"status":"Waiting"}`},
		{Op: "thehive_get_task", Args: `{` + task + `}`},
		{Op: "thehive_update_task", Args: `{` + task + `,"status":"InProgress","order":3}`},
		{Op: "thehive_list_task_logs", Args: `{` + task + `}`},
		{Op: "thehive_list_comments", Args: `{` + phishing + `}`},
		{Op: "thehive_get_observable", Args: `{` + domain + `}`},
		{Op: "thehive_search_observables", Args: `{"dataType":"ip","data":"198.51.100.23","ioc":true}`},
		{Op: "thehive_create_observable", Args: `{` + phishing + `,"dataType":"url","data":"https://evil.example/","ignoreSimilarity":true}`},
		{Op: "thehive_update_observable", Args: `{` + domain + `,"sighted":true,"addTags":["seen"]}`},

		{Op: "thehive_bulk_update_observables", Args: `{"observableIds":["` + thehivetest.AttackerObservable + `","` + thehivetest.HostObservable + `"],"sighted":true}`},
		{Op: "thehive_create_file_observable", Args: `{` + phishing + `,"fileBase64":"TVqQAAM=","filename":"invoice.exe","ioc":true}`},
		{Op: "thehive_create_observable", Args: `{` + alert + `,"dataType":"ip","data":"203.0.113.77"}`},
		{Op: "thehive_add_attachment", Args: `{` + phishing + `,"fileBase64":"U3ViamVjdA==","filename":"mail.eml"}`},
		{Op: "thehive_list_attachments", Args: `{` + phishing + `}`},
		{Op: "thehive_get_file", Args: `{` + phishing + `,"attachmentId":"mail.eml"}`},
		{Op: "thehive_list_open_tasks", Args: `{"whose":"mine"}`},
		{Op: "thehive_list_procedures", Args: `{` + phishing + `}`},
		{Op: "thehive_update_procedure", Args: `{"procedureId":"` + thehivetest.BruteForceProcedure + `","description":"Over SSH."}`},
		{Op: "thehive_update_message", Args: `{"kind":"comment","id":"` + thehivetest.BruteForceComment + `","message":"Known scanner range."}`},
		{Op: "thehive_update_message", Args: `{"kind":"taskLog","id":"` + thehivetest.BruteForceLog + `","message":"No accepted login."}`},
		{Op: "thehive_write_page", Args: `{` + phishing + `,"title":"Notes","category":"work","content":"What we know."}`},
		{Op: "thehive_list_pages", Args: `{` + phishing + `}`},
		{Op: "thehive_add_timeline_event", Args: `{` + phishing + `,"title":"The page went online","date":"2026-03-02T08:00:00Z"}`},
		{Op: "thehive_get_case_timeline", Args: `{` + phishing + `}`},
		{Op: "thehive_list_linked_cases", Args: `{` + phishing + `}`},
		{Op: "thehive_list_jobs", Args: `{"caseId":"1"}`},
		{Op: "thehive_get_catalogue", Args: `{}`},
		{Op: "thehive_case_report", Args: `{` + phishing + `,"format":"html"}`},
		{Op: "thehive_delete_part", Args: `{"kind":"comment","id":"` + thehivetest.BruteForceComment + `"}`, Env: destructive},

		{Op: "thehive_list_alerts", Args: `{"stage":"New","source":"wazuh","limit":5}`},
		{Op: "thehive_get_alert", Args: `{` + alert + `}`},
		{Op: "thehive_triage_alert", Args: `{` + alert + `}`},
		{Op: "thehive_create_alert", Args: `{"title":"Web shell","type":"siem","source":"wazuh","sourceRef":"1700000000.9","follow":false,"observables":[{"dataType":"hash","data":"d41d8cd98f00b204e9800998ecf8427e"}]}`},
		{Op: "thehive_update_alert", Args: `{` + alert + `,"status":"InProgress","addTags":["looked-at"]}`},
		{Op: "thehive_bulk_update_alerts", Args: `{"alertIds":["` + thehivetest.NewAlert + `","` + thehivetest.OldAlert + `"],"assignee":"analyst@soc.example"}`},
		{Op: "thehive_create_alert_comment", Args: `{` + alert + `,"message":"It is real."}`},
		{Op: "thehive_merge_alert", Args: `{"alertId":"` + thehivetest.OldAlert + `",` + phishing + `}`, Env: destructive},
		{Op: "thehive_unlink_alert", Args: `{"alertId":"` + thehivetest.OldAlert + `"}`},
		{Op: "thehive_bulk_merge_alerts", Args: `{"alertIds":["` + thehivetest.OldAlert + `"],` + phishing + `}`, Env: destructive},
		{Op: "thehive_promote_alert", Args: `{` + alert + `,"caseTemplate":"brute-force"}`, Env: destructive},
		{Op: "thehive_delete_alert", Args: `{"alertId":"` + thehivetest.OldAlert + `"}`, Env: destructive},

		{Op: "thehive_list_analyzers", Args: `{}`},
		{Op: "thehive_list_analyzers", Args: `{"dataType":"ip"}`},
		{Op: "thehive_get_observable_enrichment_options", Args: `{` + domain + `}`},
		{Op: "thehive_run_analyzer", Args: `{"analyzerId":"d4e5f6","cortexId":"cortex-main",` + domain + `}`},
		{Op: "thehive_run_analyzer_and_wait", Args: `{"analyzerId":"VirusTotal_GetReport_3_1","cortexId":"cortex-main",` + attacker + `,"intervalMs":100}`},
		{Op: "thehive_get_job", Args: `{` + job + `}`},
		{Op: "thehive_wait_for_job", Args: `{` + job + `}`},
		{Op: "thehive_summarize_job_report", Args: `{` + job + `,"includeRawReport":true}`},
		{Op: "thehive_list_responders", Args: `{"objectType":"case_artifact","objectId":"` + thehivetest.AttackerObservable + `"}`},
		{Op: "thehive_run_responder", Args: `{"responderId":"Block_IP_1_0","objectType":"case_artifact","objectId":"` + thehivetest.AttackerObservable + `"}`, Env: destructive},

		{Op: "thehive_list_users", Args: `{}`},
		{Op: "thehive_status", Args: `{}`},
		{Op: "thehive_query", Args: `{"query":"[{\"_name\":\"listCase\"},{\"_name\":\"count\"}]"}`, Env: map[string]string{"THEHIVE_ENABLE_RAW_QUERY": "true"}},
		{Op: "thehive_bulk_assign_cases", Args: `{"caseIds":["3","4"],"owner":"lead@soc.example"}`},
		{Op: "thehive_bulk_close_cases", Args: `{"caseIds":["18","19"],"status":"Other","summary":"Reviewed."}`},
		{Op: "thehive_close_case", Args: `{` + phishing + `,"status":"TruePositive","summary":"Two accounts, no login.","impactStatus":"NoImpact"}`},
		{Op: "thehive_merge_cases", Args: `{"caseIds":["5","6"]}`, Env: destructive},
		{Op: "thehive_delete_case", Args: `{` + oldest + `}`, Env: destructive},
	}
}
