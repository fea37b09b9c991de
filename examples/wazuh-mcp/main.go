// Command wazuh-mcp serves Wazuh to an MCP client over stdio or HTTP, behind the
// gate, and calls the same tools from a shell. The environment configures it;
// see the README and wazuh-mcp -help.
package main

import (
	"log/slog"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
	"github.com/sallyport-soc/sallyport/wazuh"
)

func main() {
	command.Main(command.Server{
		Name:       "wazuh-mcp",
		Doc:        "Wazuh: alerts, agents, rules and inventory; on approval noise is silenced and hosts respond.",
		StatusTool: "wazuh_gate_status",
		Check:      []string{"list_agents"},
		Toolsets: []command.Toolset{
			{Name: "tuning", Match: `tun(e|ing)`},
			{Name: "response", Match: `response`},
			{Name: "alerts", Match: `alert`},
			{Name: "vulnerabilities", Match: `vulnerabilit`},
			{Name: "rules", Match: `rule|decoder`},
			{Name: "manager", Match: `manager|version|diagnose`},
			{Name: "agents", Match: `agent|group|sca|rootcheck|fim`},
		},
		Open: func(g *gate.Guard, log *slog.Logger) ([]command.Client, error) {
			cfg, err := wazuh.ConfigFromEnv()
			if err != nil {
				return nil, err
			}
			cfg.Guard, cfg.Logger = g, log
			c, err := wazuh.New(cfg)
			return []command.Client{c}, err
		},
	})
}
