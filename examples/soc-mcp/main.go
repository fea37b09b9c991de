// Command soc-mcp serves a whole SOC to an MCP client over stdio or HTTP:
// Wazuh, TheHive, Cortex, MISP and ATT&CK behind one gate. It serves those
// platforms whose URL is set. With -dynamic it lists only tools that find,
// describe and call the others.
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

// open returns the clients of the platforms that are configured, each behind g.
func open(g *gate.Guard, log *slog.Logger) ([]command.Client, error) {
	cfg, err := soc.ConfigFromEnv(g, log)
	if err != nil {
		return nil, err
	}
	var clients []command.Client
	if cfg.Wazuh != nil {
		clients = append(clients, cfg.Wazuh)
	}
	if cfg.TheHive != nil {
		clients = append(clients, cfg.TheHive)
	}
	if cfg.Cortex != nil {
		clients = append(clients, cfg.Cortex)
	}
	if cfg.MISP != nil {
		clients = append(clients, cfg.MISP)
	}
	if len(clients) == 0 {
		return nil, errors.New("soc-mcp: no platform is configured: set WAZUH_URL, THEHIVE_URL, CORTEX_URL or MISP_URL, each with its credentials")
	}
	across, err := soc.New(cfg)
	return append(clients, cfg.ATTACK, across, loop{}), err
}
