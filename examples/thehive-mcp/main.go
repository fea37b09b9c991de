// Command thehive-mcp serves TheHive to an MCP client over stdio or HTTP, behind the
// gate, and calls the same tools from a shell. The environment configures it;
// see the README and thehive-mcp -help.
package main

import (
	"log/slog"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
	"github.com/sallyport-soc/sallyport/thehive"
)

func main() {
	command.Main(command.Server{
		Name:       "thehive-mcp",
		Doc:        "TheHive: cases, alerts, tasks, observables, comments. Reads run at once; writes wait for the operator's approval.",
		StatusTool: "thehive_gate_status",
		Check:      []string{"thehive_get_current_user"},
		Toolsets: []command.Toolset{
			{Name: "tasks", Match: `task`},
			{Name: "comments", Match: `comment|message`},
			{Name: "observables", Match: `observable`},
			{Name: "enrichment", Match: `analyzer|job`},
			{Name: "responders", Match: `responder`},
			{Name: "files", Match: `attachment|file`},
			{Name: "alerts", Match: `alert`},
			{Name: "cases", Match: `case|procedure|timeline|page|part`},
			{Name: "admin", Match: `user|status|query|catalogue`},
		},
		Open: func(g *gate.Guard, log *slog.Logger) ([]command.Client, error) {
			cfg, err := thehive.ConfigFromEnv()
			if err != nil {
				return nil, err
			}
			cfg.Guard, cfg.Logger = g, log
			c, err := thehive.New(cfg)
			return []command.Client{c}, err
		},
	})
}
