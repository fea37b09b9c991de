package wazuh

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	return gate.InvalidAs(ErrInvalid, footprint.Limit(gate.On(c.guard, c.upstream,
		gate.Read("list_agents", c.ListAgents, "List Wazuh agents: endpoints, hosts and machines, active, online, offline or disconnected. 000 is the manager."),
		gate.Read("get_agent", c.GetAgent, "Details of one Wazuh agent (endpoint, host): is it online, system, version."),
		gate.Read("get_alerts", c.GetAlerts, "List Wazuh alerts: the newest, latest alerts of the SIEM (alerts are detections), high severity, today, failed logins. Wazuh alerts by level, rule, agent, address, user, time."),
		gate.Read("get_alert", c.GetAlert, "Show one full Wazuh alert, with its raw log, by its id."),
		gate.Read("get_rule", c.GetRule, "Fetch one Wazuh detection rule by its number."),
		gate.Read("get_agent_processes", c.GetAgentProcesses, "Processes running on a host (endpoint, server)."),
		gate.Read("get_agent_ports", c.GetAgentPorts, "Open ports and connections of a host (endpoint, server)."),
		gate.Read("get_agent_network", c.GetAgentNetwork, "Network interfaces of a host, with addresses and gateways if asked for."),
		gate.Read("get_agent_stats", c.GetAgentStats, "Tell an agent's processor, memory and message counters. Wazuh knows nothing of disks."),
		gate.Read("search_alerts", c.SearchAlerts, "Find, search Wazuh alerts and logs by words: hunt for alerts mentioning an IP, hash, user, file, process or command. All words must match."),
		gate.Read("wazuh_alert_stats", c.GetAlertStats, "Alert statistics: count Wazuh alerts over time and by level, rule, agent, technique, source; top addresses. Default: the last day."),
		gate.Read("wazuh_alert_context", c.GetAlertContext, "What happened around an alert: events before and after on the same host, source address, account or rule."),
		gate.Read("list_rules", c.ListRules, "List Wazuh detection rules by level, group or ATT&CK technique."),
		gate.Read("search_rules", c.SearchRules, "Search Wazuh detection rules by text, such as ssh brute force."),
		gate.Read("list_decoders", c.ListDecoders, "List Wazuh log decoders."),
		gate.Read("get_wazuh_version", c.GetWazuhVersion, "Tell the version of the Wazuh server API."),
		gate.Read("get_sca_policies", c.GetSCAPolicies, "Hardening: how a host fares under each policy of the security configuration assessment (CIS benchmarks)."),
		gate.Read("get_sca_checks", c.GetSCAChecks, "Hardening: checks of one security configuration policy (CIS benchmark) on a host, with outcome and remedy."),
		gate.Read("get_agent_os", c.GetAgentOS, "Operating system of a host."),
		gate.Read("get_agent_packages", c.GetAgentPackages, "Software and packages installed on a host (endpoint, server)."),
		gate.Read("get_agent_hotfixes", c.GetAgentHotfixes, "Windows updates and patches of a host."),
		gate.Read("wazuh_search_inventory", c.SearchInventory, "Which hosts or machines of the fleet have a package, software, process, port, local user, service and so on."),
		gate.Read("get_rootcheck", c.GetRootcheck, "List what the rootkit detection found on an agent's host, the latest first."),
		gate.Read("get_fim_files", c.GetFIMFiles, "File integrity monitoring: files and registry entries changed or modified on a host, the last changed first."),
		gate.Read("get_manager_logs", c.GetManagerLogs, "Read the newest 2000 lines of the Wazuh manager's own log."),
		gate.Read("get_manager_config", c.GetManagerConfig, "Read the configuration of the Wazuh manager (ossec.conf), or a part, without secrets.", gate.EnvIfSensitive(envSensitive)),
		gate.Read("list_groups", c.ListGroups, "List the groups of Wazuh agents."),
		gate.Read("get_group_agents", c.GetGroupAgents, "List the agents in a group."),
		gate.Read("diagnose_wazuh_connection", c.DiagnoseConnection, "Check the connection to Wazuh and its indexer, with advice."),
		gate.Read("list_vulnerabilities", c.ListVulnerabilities, "List vulnerabilities (CVEs) of hosts: unpatched, critical, by agent, severity or package."),
		gate.Read("search_vulnerabilities", c.SearchVulnerabilities, "Search vulnerabilities of the hosts by words: which hosts have a CVE."),
	))...)
}
