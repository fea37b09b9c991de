package evidence

import "github.com/sallyport-soc/sallyport/thehive/thehivetest"

// TheHive returns a call of each operation of package thehive, for a
// thehivetest.Server that holds the incident, in an order in which all succeed.
func TheHive() []Call {
	const (
		phishing = `"caseId":"` + thehivetest.PhishingCase + `"`
		task     = `"taskId":"` + thehivetest.PhishingTask + `"`
		oldest   = `"caseId":"` + thehivetest.OldestCase + `"`
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
		{Op: "thehive_close_case", Args: `{` + phishing + `,"status":"TruePositive","summary":"Two accounts, no login.","impactStatus":"NoImpact"}`},
		{Op: "thehive_delete_case", Args: `{` + oldest + `}`, Env: destructive},
	}
}
