package command

// searchHints are the words that analysts use, by the tools of an incident that
// they mean. A host that loads tools late searches them beside names and
// descriptions. A server without the tool has no use for its hint.
var searchHints = map[string]string{
	"get_alerts":                     "wazuh alerts list newest wazuh siem alerts detections events",
	"search_alerts":                  "search hunt alerts logs ioc ip hash user process",
	"wazuh_alert_context":            "around alert timeline same host user before after",
	"list_agents":                    "endpoints hosts agents machines online offline",
	"thehive_list_cases":             "incidents cases open queue",
	"thehive_get_case":               "incident case details",
	"thehive_create_case":            "open incident case ticket",
	"thehive_update_case":            "change case severity status assignee tlp",
	"thehive_close_case":             "close resolve incident case",
	"thehive_create_observable":      "add ioc indicator observable to case",
	"thehive_create_observable_bulk": "add many iocs indicators observables to case",
	"thehive_list_observables":       "iocs indicators evidence of case",
	"thehive_create_comment":         "note comment on case",
	"thehive_create_task":            "assign work task in case",
	"thehive_list_alerts":            "inbox alerts triage promote",
	"thehive_promote_alert":          "alert to case import",
	"thehive_run_responder":          "block isolate contain respond on case",
	"cortex_analyze_observable":      "enrich reputation lookup ip domain hash url file scan",
	"cortex_list_analyzers":          "which analyzers enrichment sources",
	"cortex_run_responder":           "block ip isolate host contain disable account respond",
	"cortex_wait_and_get_report":     "analysis result report job",
	"misp_correlate":                 "lookup ioc threat intelligence known bad indicator",
	"misp_search_attributes":         "search iocs indicators threat intel",
	"misp_search_events":             "search threat reports campaigns intel events",
	"misp_add_attribute":             "share ioc add indicator to event",
	"misp_create_event":              "share threat report publish intel",
	"mitre_get_technique":            "att&ck technique ttp details",
	"mitre_search_techniques":        "att&ck technique ttp search",
	"mitre_map_alert_to_technique":   "map behaviour alert to att&ck ttp",
	"mitre_cross_correlate":          "technique across siem cases intel",
	"mitre_soc_status":               "are the platforms up health",
}
