package mcpadapter_test

import (
	"context"
	"fmt"
	"log"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
)

type lookup struct {
	Host string `json:"host" alias:"hostname" jsonschema:"The host's name." maxLength:"253"`
}

type owner struct {
	Team string `json:"team"`
}

// Any function of the shape of an operation becomes a tool.
func Example() {
	ctx := context.Background()
	find := func(_ context.Context, in lookup) (owner, error) { return owner{Team: "fleet of " + in.Host}, nil }

	guard, err := gate.New(gate.Policy{Max: gate.TierRead})
	if err != nil {
		log.Fatal(err)
	}
	server := mcpadapter.New(guard, mcpadapter.Options{Name: "cmdb", Instructions: "Look up who owns a host."})
	if err := server.Add(gate.Read("find_owner", find, "Find who owns a host.")); err != nil {
		log.Fatal(err)
	}

	near, far := mcp.NewInMemoryTransports() // a main calls server.Serve(ctx)
	if _, err := server.MCP().Connect(ctx, far, nil); err != nil {
		log.Fatal(err)
	}
	client, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "v1.0.0"}, nil).Connect(ctx, near, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, args := range []map[string]any{{"hostname": "ws-17"}, {"hots": "ws-17"}} {
		res, err := client.CallTool(ctx, &mcp.CallToolParams{Name: "find_owner", Arguments: args})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(res.Content[0].(*mcp.TextContent).Text)
	}
	// Output:
	// {"team":"fleet of ws-17"}
	// {"status":"invalid","message":"invalid arguments for find_owner:\nhots: unknown argument; did you mean host? allowed: host\nhost: missing; want a string"}
}
