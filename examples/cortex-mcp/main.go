// Command cortex-mcp serves Cortex to an MCP client over stdio or HTTP, behind the
// gate, and calls the same tools from a shell. The environment configures it;
// see the README and cortex-mcp -help.
package main

import (
	"log/slog"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
)

func main() {
	command.Main(command.Server{
		Name:       "cortex-mcp",
		Doc:        "Cortex: analyzers and responders. Named analyzers run at once; a fan-out and every responder wait for the operator's approval.",
		StatusTool: "cortex_gate_status",
		Check:      []string{"cortex_get_status"},
		Toolsets: []command.Toolset{
			{Name: "admin", Match: `organization|user|definition|enable|disable`},
			{Name: "responders", Match: `responder`},
			{Name: "jobs", Match: `job|report`},
			{Name: "analyzers", Match: `analyze|status`},
		},
		Open: func(g *gate.Guard, log *slog.Logger) ([]command.Client, error) {
			cfg, err := cortex.ConfigFromEnv()
			if err != nil {
				return nil, err
			}
			cfg.Guard, cfg.Logger = g, log
			c, err := cortex.New(cfg)
			return []command.Client{c}, err
		},
	})
}
