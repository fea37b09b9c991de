package wazuh

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	return gate.On(c.guard, c.upstream,
		gate.Read("list_agents", c.ListAgents, "List Wazuh agents, a page at a time, with the true total. 000 is the manager itself."),
		gate.Read("get_agent", c.GetAgent, "Fetch one Wazuh agent by its number."),
		gate.Read("get_alerts", c.GetAlerts, "Search Wazuh alerts, newest first, a page at a time, with the true total. Filters are combined with and."),
		gate.Read("get_alert", c.GetAlert, "Fetch one Wazuh alert by the id of its document or by its own."),
		gate.Read("get_rule", c.GetRule, "Fetch one Wazuh detection rule by its number: level, groups, ATT&CK techniques, compliance, conditions."),
		gate.Read("get_agent_processes", c.GetAgentProcesses, "List the processes that an agent's last inventory scan saw, a page at a time."),
		gate.Read("get_agent_ports", c.GetAgentPorts, "List the open and connected ports that an agent's last inventory scan saw, a page at a time."),
		gate.Read("get_agent_network", c.GetAgentNetwork, "List an agent's network interfaces, with their addresses and gateways if asked for."),
	)
}
