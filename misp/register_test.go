package misp_test

import (
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

func TestResourcesAndPromptsCanBeServed(t *testing.T) {
	t.Parallel()
	g := mcptest.Guard(t)
	c := misptest.New(t).Client(func(cfg *misp.Config) { cfg.Guard = g })
	s := mcp.NewServer(&mcp.Implementation{Name: "misp", Version: "test"}, nil)
	if err := mcpadapter.RegisterResources(s, g, c.Resources()...); err != nil {
		t.Error(err)
	}
	if err := mcpadapter.RegisterPrompts(s, c.Prompts()...); err != nil {
		t.Error(err)
	}
}
