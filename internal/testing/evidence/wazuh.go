package evidence

import "github.com/sallyport-soc/sallyport/wazuh/wazuhtest"

// Wazuh returns a call of each operation of package wazuh, for a
// wazuhtest.Server after SeedIncident.
func Wazuh() []Call {
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
		{Op: "search_vulnerabilities", Args: `{"query":"back door","include_description":true}`},
	}
}
