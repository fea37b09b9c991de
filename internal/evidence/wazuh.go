package evidence

import "github.com/sallyport-soc/sallyport/wazuh/wazuhtest"

// Wazuh returns a call of each operation of package wazuh, for a
// wazuhtest.Server after SeedIncident.
func Wazuh() []Call {
	return []Call{
		{Op: "list_agents", Args: `{"status":"active","sort":"-name","limit":5,"offset":2,"include_ip":true}`},
		{Op: "get_agent", Args: `{"agent_id":"007","include_ip":true}`},
		{Op: "get_alerts", Args: `{"level":10,"limit":5,"search":"authentication"}`},
		{Op: "get_alert", Args: `{"alert_id":"` + wazuhtest.AlertFailThenWin + `","include_full_log":true,"include_raw_data":true}`},
		{Op: "get_rule", Args: `{"rule_id":"5710"}`},
		{Op: "get_agent_processes", Args: `{"agent_id":"007","search":"sshd","include_command":true}`},
		{Op: "get_agent_ports", Args: `{"agent_id":"007"}`},
		{Op: "get_agent_network", Args: `{"agent_id":"007","include_ip":true}`},
	}
}
