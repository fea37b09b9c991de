// Command misp-mcp serves MISP to an MCP client over stdio or HTTP, behind the
// gate, and calls the same tools from a shell. The environment configures it;
// see the README and misp-mcp -help.
package main

import (
	"log/slog"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
	"github.com/sallyport-soc/sallyport/misp"
)

func main() {
	command.Main(command.Server{
		Name:       "misp-mcp",
		Doc:        "MISP: events, attributes, correlation, warninglists. Reads run at once; writes wait for the operator's approval.",
		StatusTool: "misp_gate_status",
		Check:      []string{"misp_describe_types", "misp_server_status"},
		Toolsets: []command.Toolset{
			{Name: "attributes", Match: `attribute|ioc|hash|sighting|correlate|warninglist|proposal|blocklist`},
			{Name: "objects", Match: `object`},
			{Name: "galaxies", Match: `galax`},
			{Name: "feeds", Match: `feed`},
			{Name: "events", Match: `event|tag|import`},
			{Name: "server", Match: `organisation|server|sharing|types`},
		},
		Open: func(g *gate.Guard, log *slog.Logger) ([]command.Client, error) {
			cfg, err := misp.ConfigFromEnv()
			if err != nil {
				return nil, err
			}
			cfg.Guard, cfg.Logger = g, log
			c, err := misp.New(cfg)
			return []command.Client{c}, err
		},
	})
}
