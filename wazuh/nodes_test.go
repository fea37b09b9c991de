package wazuh_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// clustered has nodes behind one address, each with tokens of its own.
func clustered(t *testing.T, connectionsStay bool, nodes ...string) *wazuhtest.Server {
	t.Helper()
	s := wazuhtest.New(t)
	s.SetCluster(0, nodes...)
	s.ShareAddress(connectionsStay)
	return s
}

func TestNodesThatShareAnAddressAreReadThoughEachHasTokensOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, nodes := range [][]string{{"master", "worker-1"}, {"master", "worker-1", "worker-2"}} {
		for _, stay := range []bool{false, true} {
			s := clustered(t, stay, nodes...)
			c := s.Client()
			const calls = 30
			for range calls {
				if p, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Limit: 1}); err != nil || p.Total != 13 {
					t.Fatalf("%d nodes, connections stay %v: %+v, %v", len(nodes), stay, p, err)
				}
			}
			// A token that is refused by one node is not thrown away: the others take it.
			if n := s.Logins(); n > calls/2 {
				t.Errorf("%d nodes, connections stay %v: %d logins for %d calls", len(nodes), stay, n, calls)
			}
			if n := len(s.Requests()); n > 4*calls {
				t.Errorf("%d nodes, connections stay %v: %d requests for %d calls", len(nodes), stay, n, calls)
			}
			s.RevokeTokens()
			if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Limit: 1}); err != nil {
				t.Errorf("%d nodes, connections stay %v, after all tokens have ended: %v", len(nodes), stay, err)
			}
		}
	}
}

func TestManyCallsAtOnceReachNodesThatShareAnAddress(t *testing.T) {
	t.Parallel()
	for _, stay := range []bool{false, true} {
		c := clustered(t, stay, "master", "worker-1").Client()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					if _, err := c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: "007"}); err != nil {
						t.Errorf("connections stay %v: %v", stay, err)
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestLogsAndConfigurationAreTheMastersWhereNodesShareAnAddress(t *testing.T) {
	t.Parallel()
	alone, err := wazuhtest.New(t).Client().GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	s := clustered(t, false, "master", "worker-1")
	c := s.Client()
	for range 4 {
		if p, err := c.GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{Limit: 100}); err != nil || p.Node != "master" || p.Total != alone.Total {
			t.Errorf("%+v, %v", p, err)
		}
		for _, in := range []wazuh.GetManagerConfigInput{{Section: "global"}, {Section: "ruleset"}, {Section: "analysis"}, {Running: "com/cluster"}} {
			if m, err := c.GetManagerConfig(t.Context(), in); err != nil || m.Node != "master" || len(m.Configuration) == 0 {
				t.Errorf("%+v: %+v, %v", in, m, err)
			}
		}
	}
	if p, err := c.GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{Node: "worker-1"}); err != nil || p.Node != "worker-1" || p.Total != 1 {
		t.Errorf("a worker's: %+v, %v", p, err)
	}
	if p, err := wazuhtest.New(t).Client().GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{}); err != nil || p.Node != "" {
		t.Errorf("without a cluster: %+v, %v", p, err)
	}
}

func TestADiagnosisSaysThatNodesShareTheAddress(t *testing.T) {
	t.Parallel()
	d, err := clustered(t, false, "master", "worker-1").Client().DiagnoseConnection(t.Context(), wazuh.DiagnoseConnectionInput{})
	if err != nil || d.Status != wazuh.Warning {
		t.Fatalf("%+v, %v", d, err)
	}
	said := false
	for _, k := range d.Checks {
		said = said || k.Name == "manager nodes" && k.Status == wazuh.Warning && strings.Contains(k.Advice, "WAZUH_URL")
	}
	if !said {
		t.Errorf("%+v", d.Checks)
	}
}

func TestATokenThatNobodyTakesIsAnError(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Limit: 1}); err != nil {
		t.Fatal(err)
	}
	refused := wazuhtest.Fault{Status: 401, Body: `{"title":"Unauthorized","detail":"Invalid token"}`}
	s.FailNext(wazuhtest.ManagerAPI, refused)
	s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 200, Body: `{"data":{"token":"eyJhbGciOiJFUzUxMiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"},"error":0}`})
	for range 30 {
		s.FailNext(wazuhtest.ManagerAPI, refused)
	}
	s.Requests()
	_, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Limit: 1})
	if !errors.Is(err, wazuh.ErrUnauthorized) || !strings.Contains(err.Error(), "nodes") || !strings.Contains(err.Error(), "WAZUH_URL") {
		t.Errorf("%v", err)
	}
	if n := len(s.Requests()); n > 25 {
		t.Errorf("%d requests", n)
	}
}
