package contract_test

import (
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/contract"
	"github.com/sallyport-soc/sallyport/internal/evidence"
	"github.com/sallyport-soc/sallyport/internal/incident"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestWazuh(t *testing.T) {
	s := wazuhtest.New(t)
	s.SeedIncident()
	check(t, []string{"wazuh", "indexer"}, evidence.Wazuh(), func(g *gatetest.Gate, v *contract.Validator) []gate.Op {
		return s.Client(func(c *wazuh.Config) { c.Guard, c.Transport, c.Indexer.Transport = g.Guard, v, v }).Ops()
	})
}

func TestTheHive(t *testing.T) {
	s := thehivetest.New(t)
	s.SeedIncident()
	check(t, []string{"thehive"}, evidence.TheHive(), func(g *gatetest.Gate, v *contract.Validator) []gate.Op {
		return s.Client(func(c *thehive.Config) { c.Guard, c.Transport = g.Guard, v }).Ops()
	})
}

func TestCortex(t *testing.T) {
	s := cortextest.New(t)
	check(t, []string{"cortex"}, evidence.Cortex(), func(g *gatetest.Gate, v *contract.Validator) []gate.Op {
		return s.Client(func(c *cortex.Config) { c.Guard, c.Transport = g.Guard, v }).Ops()
	})
}

func TestMISP(t *testing.T) {
	s := misptest.New(t)
	s.SeedIncident()
	check(t, []string{"misp"}, evidence.MISP(), func(g *gatetest.Gate, v *contract.Validator) []gate.Op {
		c := s.Client(func(c *misp.Config) { c.Guard, c.Transport = g.Guard, v })
		if _, err := c.EventsByTags(t.Context(), []string{incident.CampaignTag}, 5); err != nil {
			t.Error(err)
		}
		return c.Ops()
	})
}
