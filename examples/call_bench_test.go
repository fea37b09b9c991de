package examples_test

import (
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// BenchmarkCallListAgents is one call of a tool from an MCP client through the
// adapter, the gate and the client to a fake Wazuh and back.
func BenchmarkCallListAgents(b *testing.B) {
	guard, err := gate.New(gate.Policy{Max: gate.TierRead, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	client := wazuhtest.New(b).Client(func(c *wazuh.Config) { c.Guard = guard })
	server := mcpadapter.New(guard, mcpadapter.Options{Name: "bench"})
	if err := server.Add(client.Ops()...); err != nil {
		b.Fatal(err)
	}
	near, far := mcp.NewInMemoryTransports()
	if _, err := server.MCP().Connect(b.Context(), far, nil); err != nil {
		b.Fatal(err)
	}
	cs, err := mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "v1"}, nil).Connect(b.Context(), near, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		res, err := cs.CallTool(b.Context(), &mcp.CallToolParams{Name: "list_agents", Arguments: map[string]any{"limit": 10}})
		if err != nil || res.IsError {
			b.Fatal(err, res)
		}
	}
	b.StopTimer()
	cs.Close()
}
