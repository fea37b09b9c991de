package wazuh_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func seeded(t *testing.T) *wazuhtest.Server {
	t.Helper()
	s := wazuhtest.New(t)
	s.SeedIncident()
	return s
}

func TestOps(t *testing.T) {
	t.Parallel()
	c := wazuhtest.New(t).Client()
	gatetest.Complete(t, c, c.Ops())
	gatetest.Lint(t, c.Ops())
	for _, op := range c.Ops() {
		changes := slices.Contains([]string{"wazuh_apply_tuning", "wazuh_revert_tuning", "wazuh_active_response", "wazuh_undo_response"}, op.Name())
		if changes != (op.Tier() == gate.TierDestructive) || !changes && op.Tier() != gate.TierRead {
			t.Errorf("%s is %s", op.Name(), op.Tier())
		}
	}
}

func TestFootprint(t *testing.T) {
	t.Parallel()
	evidence.Footprint(t)
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	g := gatetest.New(t, func(p *gate.Policy) { p.Responses = evidence.Responses })
	rec := evidence.NewRecorder(nil)
	c := seeded(t).Client(func(cfg *wazuh.Config) {
		cfg.Guard, cfg.Transport, cfg.Indexer.Transport = g.Guard, rec, rec
	})
	evidence.Check(t, g, rec, c.Ops(), evidence.Wazuh())
}

func TestTools(t *testing.T) {
	g := mcptest.Guard(t)
	c := wazuhtest.New(t).Client(func(cfg *wazuh.Config) { cfg.Guard = g })
	mcptest.Golden(t, "testdata", mcptest.Connect(t, g, c.Ops()...))
}

// TestOwnersCalls makes the calls of the owner's walkthrough as they were written.
func TestOwnersCalls(t *testing.T) {
	t.Parallel()
	g := mcptest.Guard(t)
	c := seeded(t).Client(func(cfg *wazuh.Config) { cfg.Guard = g })
	cs := mcptest.Connect(t, g, c.Ops()...)
	var found struct {
		Alerts []struct{ ID string }
	}
	res := mcptest.Call(t, cs, "get_alerts", `{"level": 10, "limit": 5, "search": "authentication"}`)
	mcptest.Structured(t, res, &found)
	if len(found.Alerts) != 5 || found.Alerts[0].ID != wazuhtest.AlertFailThenWin {
		t.Fatalf("get_alerts: %+v, want the incident first", found)
	}
	for _, call := range []struct{ tool, args, want string }{
		{"get_alert", fmt.Sprintf(`{"alert_id": %q}`, found.Alerts[0].ID), "198.51.100.23"},
		{"get_rule", `{"rule_id": "5710"}`, "T1110.001"},
		{"get_rule", `{"ruleId": 5710}`, "T1110.001"},
		{"get_agent", `{"agent_id": "007"}`, "fleet-007"},
		{"get_agent", `{"agentId": 7}`, "fleet-007"},
		{"get_agent_processes", `{"agent_id": "007", "include_command": true}`, "/dev/shm/.x/kworkerd"},
		{"get_agent_ports", `{"agent_id": "007"}`, "198.51.100.23"},
		{"get_agent_network", `{"agent_id": "007", "include_ip": true}`, "10.20.0.7"},
		{"get_alerts", `{"mitreIds": ["T1078"], "start_time": "2020-01-02T03:04:05Z", "srcip": "198.51.100.23"}`, "198.51.100.23"},
	} {
		if r := mcptest.Call(t, cs, call.tool, call.args); r.IsError || !strings.Contains(mcptest.Text(r), call.want) {
			t.Errorf("%s(%s) lacks %q:\n%s", call.tool, call.args, call.want, mcptest.Text(r))
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	for _, id := range []wazuh.AgentID{"7", "07", "007", "0007"} {
		a, err := c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: id})
		if err != nil || a.ID != "007" {
			t.Errorf("%s: %+v, %v", id, a, err)
		}
	}
	if a, err := c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: "0"}); err != nil || a.ID != "000" {
		t.Errorf("0: %+v, %v", a, err)
	}
	s.Requests()
	for _, id := range []wazuh.AgentID{"", ".", "..", "7/..", "all", "-7", "7,8", "0x7", "99999999999", "７"} {
		if _, err := c.GetAgentPorts(t.Context(), wazuh.GetAgentPortsInput{AgentID: id}); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("agent %q: %v", id, err)
		}
	}
	for _, id := range []wazuh.RuleID{"", "0", "000", "57 10", "5710,1", "-1", "T1110"} {
		if _, err := c.GetRule(t.Context(), wazuh.GetRuleInput{RuleID: id}); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("rule %q: %v", id, err)
		}
	}
	if r := s.Requests(); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
}
