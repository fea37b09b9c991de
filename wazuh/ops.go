package wazuh

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	return gate.InvalidAs(ErrInvalid, footprint.Limit(gate.On(c.guard, c.upstream,
		gate.Read("list_agents", c.ListAgents, "List Wazuh agents, the endpoints and hosts, active, offline or disconnected, a page at a time, with the true total. 000 is the manager itself."),
		gate.Read("get_agent", c.GetAgent, "Fetch one Wazuh agent by its number."),
		gate.Read("get_alerts", c.GetAlerts, "Wazuh alerts: list or search the alerts (detections) of the SIEM, newest first, a page at a time, with the true total. Filters are combined with and."),
		gate.Read("get_alert", c.GetAlert, "Fetch one Wazuh alert by the id of its document or by its own."),
		gate.Read("get_rule", c.GetRule, "Fetch one Wazuh detection rule by its number: level, groups, ATT&CK techniques, compliance, conditions."),
		gate.Read("get_agent_processes", c.GetAgentProcesses, "List the processes that an agent's last inventory scan saw, a page at a time."),
		gate.Read("get_agent_ports", c.GetAgentPorts, "List the open and connected ports that an agent's last inventory scan saw, a page at a time."),
		gate.Read("get_agent_network", c.GetAgentNetwork, "List an agent's network interfaces, with their addresses and gateways if asked for."),
		gate.Read("get_agent_stats", c.GetAgentStats, "Tell an agent's processor, memory and message counters. Wazuh knows nothing of disks."),
		gate.Read("search_alerts", c.SearchAlerts, "Find Wazuh alerts and logs by words: hunt for an address, hash, user, file or process, newest first, a page at a time. All words must match, in any case."),
		gate.Read("wazuh_alert_stats", c.GetAlertStats, "Count Wazuh alerts by level, rule, agent, technique, source and so on, and over time. The last day unless a time is given."),
		gate.Read("wazuh_alert_context", c.GetAlertContext, "Fetch an alert and what happened around it: same host, same source address, same account, same rule."),
		gate.Read("list_rules", c.ListRules, "List Wazuh detection rules by level, group or ATT&CK technique, a page at a time."),
		gate.Read("search_rules", c.SearchRules, "Find Wazuh detection rules by a text, a page at a time."),
		gate.Read("list_decoders", c.ListDecoders, "List Wazuh log decoders, a page at a time."),
		gate.Read("get_wazuh_version", c.GetWazuhVersion, "Tell the version of the Wazuh server API."),
		gate.Read("get_sca_policies", c.GetSCAPolicies, "List how an agent's host fares under each policy of the security configuration assessment."),
		gate.Read("get_sca_checks", c.GetSCAChecks, "List the checks of one policy on an agent's host with outcome, reason and remedy, a page at a time."),
		gate.Read("get_agent_os", c.GetAgentOS, "Tell the operating system that an agent's last inventory scan saw."),
		gate.Read("get_agent_packages", c.GetAgentPackages, "List the software that an agent's last inventory scan saw, a page at a time."),
		gate.Read("get_agent_hotfixes", c.GetAgentHotfixes, "List the Windows updates that an agent's last inventory scan saw, a page at a time."),
		gate.Read("wazuh_search_inventory", c.SearchInventory, "Say which hosts of the whole fleet have a package, process, port, user, service and so on, a page at a time."),
		gate.Read("get_rootcheck", c.GetRootcheck, "List what the rootkit detection found on an agent's host, the latest first, a page at a time."),
		gate.Read("get_fim_files", c.GetFIMFiles, "List the files and registry entries that file integrity monitoring watches on an agent's host, the last changed first, a page at a time."),
		gate.Read("get_manager_logs", c.GetManagerLogs, "Read the newest lines of the Wazuh manager's own log, a page at a time. Wazuh reads no further back than 2000 lines."),
		gate.Read("get_manager_config", c.GetManagerConfig, "Read the Wazuh manager's configuration file, or a part of it, without its secrets.", gate.EnvIfSensitive(envSensitive)),
		gate.Read("list_groups", c.ListGroups, "List the groups of Wazuh agents, a page at a time."),
		gate.Read("get_group_agents", c.GetGroupAgents, "List the agents in a group, a page at a time."),
		gate.Read("diagnose_wazuh_connection", c.DiagnoseConnection, "Check the connection to Wazuh and its indexer: settings, TLS, credentials, permissions, indices; with advice."),
		gate.Read("list_vulnerabilities", c.ListVulnerabilities, "List the vulnerabilities of the hosts by CVE, agent, severity or package, a page at a time, with the true total."),
		gate.Read("search_vulnerabilities", c.SearchVulnerabilities, "Find vulnerabilities of the hosts by words, a page at a time, with the true total."),
	))...)
}
