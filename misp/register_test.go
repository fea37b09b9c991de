package misp_test

import (
	"testing"

	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

func TestResourcesAndPromptsCanBeServed(t *testing.T) {
	t.Parallel()
	g := mcptest.Guard(t)
	c := misptest.New(t).Client(func(cfg *misp.Config) { cfg.Guard = g })
	s := mcpadapter.New(g, mcpadapter.Options{Name: "misp"})
	if err := s.AddResources(c.Resources()...); err != nil {
		t.Error(err)
	}
	if err := s.AddPrompts(c.Prompts()...); err != nil {
		t.Error(err)
	}
}
