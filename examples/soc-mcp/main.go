// Command soc-mcp serves a whole SOC to an MCP client over stdio or HTTP:
// Wazuh, TheHive, Cortex, MISP and ATT&CK behind one gate. All four platforms
// must be configured; the single servers serve one each. With -dynamic it lists
// three tools that find, describe and call the others.
package main

import (
	"errors"
	"log/slog"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
)

func main() {
	command.Main(command.Server{
		Name:  "soc-mcp",
		Doc:   "A SOC: Wazuh alerts, TheHive cases, Cortex analyzers, MISP intelligence, ATT&CK. Reads run at once; writes wait for the operator's approval.",
		Check: []string{"list_agents", "thehive_get_current_user", "cortex_get_status", "misp_describe_types", "mitre_data_version", "mitre_soc_status"},
		Toolsets: []command.Toolset{
			{Name: "thehive", Match: `^thehive_`},
			{Name: "cortex", Match: `^cortex_`},
			{Name: "misp", Match: `^misp_`},
			{Name: "mitre", Match: `^mitre_`},
			{Name: "wazuh", Match: ``},
		},
		Open: open,
	})
}

// open returns the clients of all platforms, each behind g.
func open(g *gate.Guard, log *slog.Logger) ([]command.Client, error) {
	cfg, err := soc.ConfigFromEnv(g, log)
	if err != nil {
		return nil, err
	}
	if cfg.Wazuh == nil || cfg.TheHive == nil || cfg.Cortex == nil || cfg.MISP == nil {
		return nil, errors.New("soc-mcp: WAZUH_URL, THEHIVE_URL, CORTEX_URL and MISP_URL must all be set")
	}
	across, err := soc.New(cfg)
	return []command.Client{cfg.Wazuh, cfg.TheHive, cfg.Cortex, cfg.MISP, cfg.ATTACK, across, loop{}}, err
}
