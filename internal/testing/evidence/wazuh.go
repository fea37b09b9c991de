package evidence

import (
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// Responses are what the policy must allow for the calls of [Wazuh], and ResponsesJSON is
// the same in a policy file.
var Responses = []gate.Response{{Name: "block-address", Command: "firewall-drop180", Takes: gate.TakesAddress, Reverse: "!firewall-allow", Proof: "651", Undone: "652", OS: []string{"linux"}, MaxHosts: 3}}

// ResponsesJSON is [Responses] as a policy file has it.
const ResponsesJSON = `"responses": [{"name": "block-address", "command": "firewall-drop180", "takes": "address", "reverse": "!firewall-allow", "proof": "651", "undone": "652", "os": ["linux"], "max_hosts": 3}]`

// Wazuh returns a call of each operation of package wazuh, for a
// wazuhtest.Server after SeedIncident.
func Wazuh() []Call {
	now := time.Now().UTC()
	tuning := fmt.Sprintf(`"rule_id":"31101","conditions":[{"field":"srcip","value":"203.0.113.45"}],"reason":"our own scan of the web","expires":%q,"measured_until":%q,"wait_seconds":1`,
		now.AddDate(0, 0, 30).Format(time.DateOnly), now.Truncate(time.Minute).Format(time.RFC3339))
	return []Call{
		{Op: "list_agents", Args: `{"status":"active","sort":"-name","limit":5,"offset":2,"include_ip":true}`},
		{Op: "list_agents", Args: `{"group":"fleet","os_platform":"ubuntu","search":"fleet"}`},
		{Op: "get_agent", Args: `{"agent_id":"007","include_ip":true}`},
		{Op: "get_agent_stats", Args: `{"agent_id":"007"}`},
		{Op: "get_alerts", Args: `{"level":10,"limit":5,"search":"authentication"}`},
		{Op: "get_alert", Args: `{"alert_id":"` + wazuhtest.AlertFailThenWin + `","include_full_log":true,"include_raw_data":true}`},
		{Op: "search_alerts", Args: `{"query":"accepted password","start_time":"24h"}`},
		{Op: "wazuh_alert_stats", Args: `{"interval":"1h"}`},
		{Op: "wazuh_alert_context", Args: `{"alert_id":"` + wazuhtest.AlertFailThenWin + `"}`},
		{Op: "list_rules", Args: `{"level":10,"sort":"-level"}`},
		{Op: "get_rule", Args: `{"rule_id":"5710"}`},
		{Op: "search_rules", Args: `{"description":"sshd","level":5}`},
		{Op: "list_decoders", Args: `{"name":"ssh","sort":"-name"}`},
		{Op: "get_wazuh_version", Args: `{}`},
		{Op: "get_sca_policies", Args: `{"agent_id":"007"}`},
		{Op: "get_sca_checks", Args: `{"agent_id":"007","policy_id":"` + wazuhtest.PolicyID + `","result":"failed"}`},
		{Op: "get_agent_os", Args: `{"agent_id":"007"}`},
		{Op: "get_agent_packages", Args: `{"agent_id":"007","search":"ssh"}`},
		{Op: "get_agent_processes", Args: `{"agent_id":"007","search":"sshd","include_command":true}`},
		{Op: "get_agent_ports", Args: `{"agent_id":"007"}`},
		{Op: "get_agent_network", Args: `{"agent_id":"007","include_ip":true}`},
		{Op: "get_agent_hotfixes", Args: `{"agent_id":"003"}`},
		{Op: "wazuh_search_inventory", Args: `{"kind":"packages","search":"xz-utils"}`},
		{Op: "get_rootcheck", Args: `{"agent_id":"007","status":"outstanding"}`},
		{Op: "get_fim_files", Args: `{"agent_id":"003","include_hashes":true}`},
		{Op: "get_manager_logs", Args: `{"tag":"wazuh-modulesd","include_description":true}`},
		{Op: "get_manager_config", Args: `{"section":"integration"}`},
		{Op: "get_manager_config", Args: `{"section":"ruleset","field":"rule_dir"}`},
		{Op: "get_manager_config", Args: `{"running":"com/cluster"}`},
		{Op: "get_manager_config", Args: `{"include_sensitive_config":true}`, Env: map[string]string{"WAZUH_ALLOW_SENSITIVE_CONFIG": "1"}},
		{Op: "list_groups", Args: `{}`},
		{Op: "get_group_agents", Args: `{"group_id":"fleet","include_ip":true}`},
		{Op: "diagnose_wazuh_connection", Args: `{}`},
		{Op: "list_vulnerabilities", Args: `{"severity":"Critical","package_name":"xz*"}`},
		{Op: "wazuh_tune_preview", Args: `{"rule_id":"31101"}`},
		{Op: "wazuh_apply_tuning", Args: `{` + tuning + `}`},
		{Op: "wazuh_list_tunings", Args: `{}`},
		{Op: "wazuh_revert_tuning", Args: `{"tuning_id":119000,"wait_seconds":1}`},
		{Op: "wazuh_active_response", Args: `{"response":"block-address","agents":["007"],"value":"198.51.100.23","reason":"it guesses passwords","wait_seconds":2}`},
		{Op: "wazuh_undo_response", Args: `{"response":"block-address","agents":["007"],"value":"198.51.100.23","wait_seconds":2}`},
		{Op: "search_vulnerabilities", Args: `{"query":"back door","include_description":true}`},
	}
}
