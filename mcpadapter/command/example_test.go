package command_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/command"
)

type asset struct {
	Host string `json:"host" jsonschema:"The host's name." maxLength:"253"`
	Team string `json:"team,omitempty"`
}

// A cmdb stands for a client of your own.
type cmdb struct{ guard *gate.Guard }

func (c cmdb) owner(_ context.Context, in asset) (asset, error) {
	return asset{Host: in.Host, Team: "fleet"}, nil
}

func (c cmdb) Ops() []gate.Op {
	return gate.On(c.guard, "the inventory", gate.Read("find_owner", c.owner, "Find who owns a host."))
}

// A main calls command.Main(server); that is the whole of a server with stdio,
// HTTP and a command line.
func Example() {
	dir, err := os.MkdirTemp("", "command-example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	os.Setenv("SALLYPORT_STATE", dir)
	defer os.Unsetenv("SALLYPORT_STATE")

	server := command.Server{
		Name: "cmdb-mcp",
		Doc:  "Who owns what.",
		Open: func(g *gate.Guard, _ *slog.Logger) ([]command.Client, error) { return []command.Client{cmdb{g}}, nil },
	}
	code := command.Run(context.Background(), server, []string{"-log", "off", "call", "find_owner", "host=ws-17"}, nil, os.Stdout, os.Stderr)
	fmt.Println("exit code", code)
	// Output:
	// host  ws-17
	// team  fleet
	// exit code 0
}
