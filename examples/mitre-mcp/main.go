// Command mitre-mcp serves MITRE ATT&CK, and what joins it with the platforms
// whose URLs are set, to an MCP client over stdio or HTTP, behind the gate, and
// calls the same tools from a shell. See the README and mitre-mcp -help.
package main

import (
	"log/slog"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
)

func main() {
	command.Main(command.Server{
		Name:       "mitre-mcp",
		Doc:        "MITRE ATT&CK, and what Wazuh, TheHive and MISP have on it. Writes wait for the operator's approval.",
		StatusTool: "mitre_gate_status",
		Check:      []string{"mitre_data_version", "mitre_soc_status"},
		Toolsets: []command.Toolset{
			{Name: "soc", Match: `wazuh|thehive|cortex|misp|soc|cross`},
			{Name: "actors", Match: `group|software|campaign|overlap`},
			{Name: "defence", Match: `mitigation|detection|datasource|navigator`},
			{Name: "techniques", Match: `technique|tactic|attack_path|data`},
		},
		Open: func(g *gate.Guard, log *slog.Logger) ([]command.Client, error) {
			cfg, err := soc.ConfigFromEnv(g, log)
			if err != nil {
				return nil, err
			}
			c, err := soc.New(cfg)
			return []command.Client{cfg.ATTACK, c}, err
		},
	})
}
