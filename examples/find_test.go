package examples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/internal/bm25"
)

// A phrase is what analysts look for, and the tools that do it.
type phrase struct{ words, tools string }

var phrases = []phrase{
	{"newest wazuh alerts", "get_alerts"},
	{"list alerts from the siem", "get_alerts"},
	{"wazuh alerts", "get_alerts"},
	{"list alerts", "get_alerts"},
	{"high severity alerts today", "get_alerts"},
	{"search alerts for a hash", "search_alerts get_alerts"},
	{"hunt for a file hash in logs", "search_alerts"},
	{"find alerts mentioning powershell", "search_alerts"},
	{"what happened around this alert", "wazuh_alert_context"},
	{"events before and after an alert on the same host", "wazuh_alert_context"},
	{"show full alert", "get_alert"},
	{"alert statistics over time", "wazuh_alert_stats"},
	{"top source addresses in alerts", "wazuh_alert_stats"},
	{"which endpoints are offline", "list_agents"},
	{"list agents", "list_agents"},
	{"disconnected hosts", "list_agents"},
	{"agent details", "get_agent"},
	{"open ports on a host", "get_agent_ports wazuh_search_inventory"},
	{"running processes on endpoint", "get_agent_processes wazuh_search_inventory"},
	{"installed software on a host", "get_agent_packages wazuh_search_inventory"},
	{"vulnerabilities of a host", "search_vulnerabilities"},
	{"which hosts have this cve", "search_vulnerabilities"},
	{"changed files on a host", "get_fim_files"},
	{"detection rules", "list_rules search_rules"},
	{"rule by id", "get_rule"},
	{"manager logs", "get_manager_logs"},
	{"wazuh version", "get_wazuh_version"},
	{"silence noisy alerts", "wazuh_tune_preview wazuh_apply_tuning"},
	{"too many false positives of a rule", "wazuh_tune_preview"},
	{"which rules did we silence", "wazuh_list_tunings"},
	{"revert a tuning", "wazuh_revert_tuning"},
	{"block an address on a host", "wazuh_active_response"},
	{"active response", "wazuh_active_response wazuh_undo_response"},
	{"undo a block", "wazuh_undo_response"},
	{"preserve evidence of an alert", "soc_evidence_bundle"},
	{"shift handover", "soc_handover"},
	{"open incident case", "thehive_create_case"},
	{"create a case", "thehive_create_case"},
	{"list open cases", "thehive_list_cases"},
	{"search cases by title", "thehive_search_cases thehive_list_cases"},
	{"case details", "thehive_get_case"},
	{"close a case as false positive", "thehive_close_case"},
	{"change severity of a case", "thehive_update_case"},
	{"assign case to analyst", "thehive_update_case thehive_assign_case"},
	{"merge cases", "thehive_merge_cases"},
	{"add observables to case", "thehive_create_observable thehive_create_observable_bulk"},
	{"add ioc to case", "thehive_create_observable thehive_create_observable_bulk"},
	{"list observables of a case", "thehive_list_observables"},
	{"find an observable in all cases", "thehive_search_observables"},
	{"add comment to case", "thehive_create_comment"},
	{"write a note on a case", "thehive_create_comment thehive_create_task_log"},
	{"create task in case", "thehive_create_task"},
	{"list tasks", "thehive_list_tasks"},
	{"my tasks", "thehive_list_tasks"},
	{"complete a task", "thehive_update_task"},
	{"alert inbox of thehive", "thehive_list_alerts"},
	{"promote alert to case", "thehive_promote_alert"},
	{"merge alert into case", "thehive_merge_alert"},
	{"import alert", "thehive_create_alert thehive_promote_alert"},
	{"case timeline", "thehive_case_timeline_summary"},
	{"cases with this observable", "thehive_search_observables"},
	{"delete a case", "thehive_delete_case"},
	{"case templates", "thehive_list_case_templates"},
	{"tag a case", "thehive_update_case thehive_add_case_tags"},
	{"custom field of a case", "thehive_update_case"},
	{"analyze ip with cortex analyzer", "cortex_analyze_observable"},
	{"check ip reputation", "cortex_analyze_observable misp_correlate"},
	{"enrich an indicator", "cortex_analyze_observable misp_correlate"},
	{"scan url", "cortex_analyze_observable cortex_run_analyzer"},
	{"is this domain malicious", "cortex_analyze_observable misp_correlate"},
	{"list analyzers", "cortex_list_analyzers"},
	{"which analyzers work on hashes", "cortex_list_analyzers"},
	{"run one analyzer", "cortex_run_analyzer cortex_analyze_observable"},
	{"analysis report", "cortex_get_job_report cortex_wait_and_get_report"},
	{"status of analyzer job", "cortex_get_job cortex_list_jobs"},
	{"list jobs", "cortex_list_jobs"},
	{"block ip", "cortex_run_responder thehive_run_responder"},
	{"run responder block firewall", "cortex_run_responder thehive_run_responder"},
	{"isolate host", "cortex_run_responder thehive_run_responder"},
	{"disable user account", "cortex_run_responder thehive_run_responder"},
	{"contain endpoint", "cortex_run_responder thehive_run_responder"},
	{"list responders", "cortex_list_responders"},
	{"analyze a file", "cortex_run_analyzer_file cortex_analyze_observable"},
	{"lookup ioc", "misp_correlate"},
	{"is this ip in threat intelligence", "misp_correlate"},
	{"search indicators", "misp_search_attributes"},
	{"search threat events", "misp_search_events"},
	{"events of a campaign", "misp_search_events mitre_misp_list_events"},
	{"create misp event", "misp_create_event"},
	{"add indicator to event", "misp_add_attribute misp_add_attributes_bulk"},
	{"share an ioc", "misp_add_attribute misp_create_event"},
	{"publish event", "misp_publish_event"},
	{"delete event", "misp_delete_event"},
	{"sighting of an indicator", "misp_add_sighting"},
	{"mark as false positive sighting", "misp_add_sighting"},
	{"warning lists", "misp_check_warninglists"},
	{"is this a known benign value", "misp_check_warninglists"},
	{"export iocs for ids", "misp_export_iocs"},
	{"export hashes", "misp_export_hashes"},
	{"tag an event", "misp_tag_event"},
	{"list tags", "misp_list_tags"},
	{"threat actor galaxies", "misp_list_galaxies misp_search_galaxy_clusters"},
	{"feeds", "misp_list_feeds"},
	{"related events", "misp_get_related_events"},
	{"attack technique details", "mitre_get_technique"},
	{"ttp of powershell", "mitre_search_techniques"},
	{"search techniques", "mitre_search_techniques"},
	{"map alert to attack technique", "mitre_map_alert_to_technique mitre_map_wazuh_alert"},
	{"which groups use a technique", "mitre_get_technique mitre_search_groups"},
	{"threat group profile", "mitre_get_group"},
	{"malware used by a group", "mitre_get_group mitre_search_software"},
	{"mitigations for a technique", "mitre_mitigations_for_technique"},
	{"how to detect a technique", "mitre_detection_coverage mitre_get_technique"},
	{"navigator layer", "mitre_navigator_layer"},
	{"coverage gaps", "mitre_wazuh_rule_coverage mitre_navigator_layer mitre_detection_coverage"},
	{"likely next step of attacker", "mitre_attack_path"},
	{"campaign profile", "mitre_campaign_profile mitre_get_campaign"},
	{"compare two groups", "mitre_technique_overlap"},
	{"correlate technique across siem cases and intel", "mitre_cross_correlate"},
	{"are all platforms up", "mitre_soc_status"},
	{"which approvals wait", "wazuh_gate_status thehive_gate_status cortex_gate_status misp_gate_status mitre_gate_status"},
	{"is my proposal approved", "wazuh_gate_status thehive_gate_status cortex_gate_status misp_gate_status mitre_gate_status"},
	{"pending approvals", "wazuh_gate_status thehive_gate_status cortex_gate_status misp_gate_status mitre_gate_status"},
	{"latest detections", "get_alerts search_alerts"},
	{"failed logins from one address", "get_alerts search_alerts wazuh_alert_stats wazuh_alert_context"},
	{"alerts per rule last week", "wazuh_alert_stats"},
	{"what software runs on the server", "get_agent_packages get_agent_processes wazuh_search_inventory"},
	{"unpatched hosts", "list_vulnerabilities search_vulnerabilities get_agent_hotfixes"},
	{"hardening checks", "get_sca_checks get_sca_policies"},
	{"rootkit findings", "get_rootcheck"},
	{"wazuh manager configuration", "get_manager_config"},
	{"which machines have package openssl", "wazuh_search_inventory get_agent_packages"},
	{"escalate alert to incident", "thehive_promote_alert thehive_create_case"},
	{"assign incident to colleague", "thehive_assign_case thehive_update_case"},
	{"upload evidence file", "thehive_add_attachment thehive_create_file_observable cortex_run_analyzer_file"},
	{"incident report", "thehive_case_report"},
	{"similar cases", "thehive_list_linked_cases"},
	{"overdue tasks", "thehive_list_open_tasks thehive_list_tasks"},
	{"reopen a case", "thehive_update_case"},
	{"record technique on a case", "thehive_add_procedure"},
	{"triage an alert", "thehive_triage_alert thehive_list_alerts"},
	{"comment on alert", "thehive_create_alert_comment"},
	{"reputation of a domain", "cortex_analyze_observable"},
	{"result of an analyzer run", "cortex_get_job_report cortex_wait_and_get_report thehive_summarize_job_report thehive_get_observable thehive_get_job"},
	{"clean up old jobs", "cortex_cleanup_jobs"},
	{"turn on an analyzer", "cortex_enable_analyzer"},
	{"new api key for a user", "cortex_renew_user_key cortex_get_user_key"},
	{"report false positive indicator", "misp_add_sighting misp_check_warninglists"},
	{"blocklist for the firewall", "misp_blocklist"},
	{"events about a malware family", "misp_search_events misp_search_galaxy_clusters"},
	{"link technique to misp event", "misp_attach_galaxy_cluster"},
	{"import stix file", "misp_import_stix"},
	{"who reported this hash", "misp_correlate misp_search_attributes"},
	{"techniques used by a threat group", "mitre_get_group mitre_search_groups"},
	{"heatmap of coverage", "mitre_navigator_layer mitre_soc_coverage mitre_detection_coverage mitre_wazuh_rule_coverage"},
	{"which technique is this alert", "mitre_map_alert_to_technique mitre_map_wazuh_alert"},
	{"detection blind spots", "mitre_soc_coverage mitre_wazuh_rule_coverage mitre_detection_coverage"},
	{"tools used by ransomware actors", "mitre_search_software mitre_get_software mitre_search_groups mitre_get_group"},
	{"take alert out of case", "thehive_unlink_alert"},
	{"delete observable", "thehive_delete_part"},
	{"timeline of the incident", "thehive_case_timeline_summary thehive_get_case_timeline thehive_add_timeline_event"},
	{"custom fields available", "thehive_get_catalogue thehive_update_case_custom_fields"},
	{"reduce alert noise", "wazuh_tune_preview wazuh_apply_tuning"},
	{"how many alerts would a tuning hide", "wazuh_tune_preview"},
	{"tunings in force", "wazuh_list_tunings"},
	{"take back a tuning", "wazuh_revert_tuning"},
	{"unblock an address", "wazuh_undo_response"},
	{"firewall drop on the agent", "wazuh_active_response"},
	{"evidence package for a case", "soc_evidence_bundle"},
	{"collect evidence before the host is changed", "soc_evidence_bundle"},
	{"summary for the next shift", "soc_handover"},
	{"what is open at the end of the shift", "soc_handover"},
	{"report of the case for management", "thehive_case_report"},
	{"add an event to the timeline", "thehive_add_timeline_event"},
	{"has my change been approved", "wazuh_gate_status thehive_gate_status cortex_gate_status misp_gate_status mitre_gate_status"},
}

// heldOut are phrases to which no description was fitted. Keep it so: who adds
// some writes them before the wording.
var heldOut = []phrase{
	{"alerts from the last hour", "get_alerts search_alerts wazuh_alert_stats"},
	{"raw log of an alert", "get_alert"},
	{"is the agent online", "list_agents get_agent"},
	{"local users on a host", "wazuh_search_inventory"},
	{"recently modified files", "get_fim_files"},
	{"rules for ssh brute force", "search_rules list_rules"},
	{"critical cves in the fleet", "list_vulnerabilities search_vulnerabilities"},
	{"network interfaces of a host", "get_agent_network wazuh_search_inventory"},
	{"open cases assigned to me", "thehive_list_cases"},
	{"add ip to case as indicator", "thehive_create_observable thehive_create_observable_bulk"},
	{"close incident as true positive", "thehive_close_case"},
	{"todo list of the investigation", "thehive_list_tasks thehive_list_open_tasks"},
	{"note what i did on a task", "thehive_create_task_log"},
	{"raise an alert", "thehive_create_alert"},
	{"which cases contain this ip", "thehive_search_observables"},
	{"look up hash with virustotal", "cortex_analyze_observable"},
	{"failed jobs", "cortex_list_jobs"},
	{"quarantine machine", "cortex_run_responder thehive_run_responder"},
	{"known bad ip", "misp_correlate cortex_analyze_observable"},
	{"new misp event for phishing campaign", "misp_create_event mitre_misp_create_event"},
	{"indicators of an event", "misp_get_event misp_search_attributes"},
	{"remove tag from event", "misp_tag_event"},
	{"what mitigates a technique", "mitre_mitigations_for_technique mitre_get_mitigation"},
	{"techniques of a tactic", "mitre_get_tactic"},
	{"which software implements a technique", "mitre_search_software"},
	{"proposals waiting for approval", "wazuh_gate_status thehive_gate_status cortex_gate_status misp_gate_status mitre_gate_status"},
	{"suricata rules export", "misp_export_iocs"},
	{"attach pdf to case", "thehive_add_attachment"},
	{"enable feed", "misp_toggle_feed"},
	{"who am i in thehive", "thehive_get_current_user"},
	{"case contents", "thehive_get_case"},
	{"stop a leaked user account", "cortex_run_responder thehive_run_responder"},
}

// searchable returns the text of a tool that hosts search: its name, what it does,
// and its arguments.
func searchable(tool *mcp.Tool) string {
	var b strings.Builder
	fmt.Fprintln(&b, tool.Name, tool.Description)
	var walk func(schema any)
	walk = func(schema any) {
		m, _ := schema.(map[string]any)
		props, _ := m["properties"].(map[string]any)
		for name, p := range props {
			about, _ := p.(map[string]any)
			fmt.Fprintln(&b, name, about["description"])
			walk(about)
			walk(about["items"])
		}
	}
	walk(tool.InputSchema)
	return b.String()
}

// TestAnalystsFindTools searches the definitions of the tools as Codex does, of
// all servers together and of each alone.
func TestAnalystsFindTools(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	var all []*mcp.Tool
	byServer := map[string][]*mcp.Tool{}
	for _, server := range []string{"wazuh-mcp", "thehive-mcp", "cortex-mcp", "misp-mcp", "mitre-mcp"} {
		for tool, err := range s.session(server).Tools(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			byServer[server], all = append(byServer[server], tool), append(all, tool)
		}
	}
	byServer["all"] = all
	for server, tools := range byServer {
		find := finder(tools)
		if missed, of := find(phrases); of == 0 || float64(len(missed)) > 0.05*float64(of) {
			t.Errorf("%s: %d of %d phrases don't find their tool: %s", server, len(missed), of, strings.Join(missed, "; "))
		}
		if missed, of := find(heldOut); of == 0 || float64(len(missed)) > 0.10*float64(of) {
			t.Errorf("%s: %d of %d phrases held out don't find their tool", server, len(missed), of)
		}
	}
	texts := make([]string, len(all))
	for i, tool := range all {
		texts[i] = searchable(tool)
	}
	if first := bm25.New(texts).Rank("block ip"); all[first[0]].Name == "misp_delete_event" {
		t.Error("who wants to block an address is led to delete an event")
	}
	if len(phrases) < 100 {
		t.Errorf("%d phrases", len(phrases))
	}
}

// finder returns a function that tells which phrases, of those that are for one of
// tools, don't find theirs among the first five.
func finder(tools []*mcp.Tool) func([]phrase) (missed []string, of int) {
	names, texts := make([]string, len(tools)), make([]string, len(tools))
	for i, tool := range tools {
		names[i], texts[i] = tool.Name, searchable(tool)
	}
	index := bm25.New(texts)
	return func(list []phrase) (missed []string, of int) {
		for _, p := range list {
			want := strings.Fields(p.tools)
			if !slices.ContainsFunc(want, func(n string) bool { return slices.Contains(names, n) }) {
				continue // of another server
			}
			of++
			rank := index.Rank(p.words)
			if !slices.ContainsFunc(rank[:min(5, len(rank))], func(i int) bool { return slices.Contains(want, names[i]) }) {
				missed = append(missed, p.words)
			}
		}
		return missed, of
	}
}

// TestTheWeightOfTheDefinitions says how much a host sends to a model or keeps of all
// tools of the five servers, of the 198 that testdata/first-tools.txt names, which the
// servers had when a limit was set for them, and of those that the catalogue has, which
// are the ones of the servers that ours stand beside.
func TestTheWeightOfTheDefinitions(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	list, err := os.ReadFile(filepath.Join("testdata", "first-tools.txt"))
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]bool{}
	for _, name := range strings.Fields(string(list)) {
		first[name] = true
	}
	named := map[string]bool{}
	for _, c := range readCatalogue(t) {
		for _, tool := range c.Tools {
			named[tool.Name] = true
		}
	}
	type weight struct{ tools, model, wire int }
	var all, before, catalogue weight
	for _, server := range []string{"wazuh-mcp", "thehive-mcp", "cortex-mcp", "misp-mcp", "mitre-mcp"} {
		for tool, err := range s.session(server).Tools(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			wire, err := json.Marshal(tool)
			if err != nil {
				t.Fatal(err)
			}
			model, err := json.Marshal(map[string]any{"name": tool.Name, "description": tool.Description, "inputSchema": tool.InputSchema})
			if err != nil {
				t.Fatal(err)
			}
			for of, counts := range map[*weight]bool{&all: true, &before: first[tool.Name], &catalogue: named[tool.Name]} {
				if counts {
					of.tools, of.model, of.wire = of.tools+1, of.model+len(model), of.wire+len(wire)
				}
			}
		}
	}
	t.Logf("%d tools: %d bytes for a model, %d in all; of the first %d: %d and %d; of the catalogue's %d: %d and %d",
		all.tools, all.model, all.wire, before.tools, before.model, before.wire, catalogue.tools, catalogue.model, catalogue.wire)
	if before.tools != 198 || before.model > 100_000 || before.wire > 200_000 {
		t.Errorf("the first %d tools: %d bytes for a model, %d in all; want 198 with at most 100000 and 200000", before.tools, before.model, before.wire)
	}
	if all.model > maxModel*all.tools || all.wire > maxWire*all.tools {
		t.Errorf("%d tools: %d bytes for a model, %d in all; want at most %d and %d", all.tools, all.model, all.wire, maxModel*all.tools, maxWire*all.tools)
	}
	if catalogue.model > maxModel*catalogue.tools || catalogue.model > otherServers || catalogue.wire > maxWire*catalogue.tools {
		t.Errorf("the catalogue's %d: %d bytes for a model, %d in all", catalogue.tools, catalogue.model, catalogue.wire)
	}
}

// What a tool may weigh on average, in bytes, of all; and what those of the catalogue may weigh together for a model,
// which is nine tenths of what they do in the servers that have them too.
const (
	maxModel     = 505
	maxWire      = 930
	otherServers = 109149 * 9 / 10
)
