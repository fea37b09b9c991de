package soc_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// A meeting holds each request back until one of every platform is under way.
type meeting struct {
	held func(path string) bool

	mu      sync.Mutex
	missing map[string]bool
	all     chan struct{}
}

func meetingOf(held func(path string) bool, platforms ...string) *meeting {
	m := &meeting{held: held, missing: map[string]bool{}, all: make(chan struct{})}
	for _, p := range platforms {
		m.missing[p] = true
	}
	return m
}

func (m *meeting) come(platform string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.missing[platform] {
		return
	}
	if delete(m.missing, platform); len(m.missing) == 0 {
		close(m.all)
	}
}

// failed ends the meeting, and says who didn't come.
func (m *meeting) failed(platform string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	missing := slices.Sorted(maps.Keys(m.missing))
	if clear(m.missing); len(missing) > 0 {
		close(m.all)
	}
	return fmt.Errorf("%s was asked, and while it hadn't answered nobody asked %s", platform, missing)
}

// transport sends the requests to a platform.
func (m *meeting) transport(platform string) http.RoundTripper {
	base := http.DefaultTransport.(*http.Transport).Clone()
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if m.held(r.URL.Path) {
			m.come(platform)
			select {
			case <-m.all:
			case <-r.Context().Done():
				return nil, m.failed(platform)
			}
		}
		return base.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// over sends what the site asks of its platforms through m.
func over(t *testing.T, m *meeting) func(*soc.Config) {
	return func(c *soc.Config) {
		s := newSite(t)
		c.Wazuh = s.wazuh.Client(func(c *wazuh.Config) {
			c.Guard, c.Transport, c.Indexer.Transport = s.gate.Guard, m.transport("wazuh"), m.transport("wazuh")
			c.Retry.Off, c.Indexer.Retry.Off = true, true
		})
		c.TheHive = s.hive.Client(func(c *thehive.Config) {
			c.Guard, c.Transport, c.Retry.Off = s.gate.Guard, m.transport("thehive"), true
		})
		c.Cortex = s.cortex.Client(func(c *cortex.Config) {
			c.Guard, c.Transport, c.Retry.Off = s.gate.Guard, m.transport("cortex"), true
		})
		c.MISP = s.misp.Client(func(c *misp.Config) {
			c.Guard, c.Transport, c.Retry.Off = s.gate.Guard, m.transport("misp"), true
		})
		c.Guard = s.gate.Guard
	}
}

func TestPlatformsAreAskedAtOnceAndEachTellsItsTime(t *testing.T) {
	t.Parallel()
	all := func(string) bool { return true }
	for name, c := range map[string]struct {
		held      func(path string) bool
		platforms []string
		ask       func(t *testing.T, c *soc.Client) ([]soc.PlatformStatus, error)
	}{
		"mitre_cross_correlate": {all, []string{"wazuh", "thehive", "misp"}, func(t *testing.T, c *soc.Client) ([]soc.PlatformStatus, error) {
			out, err := c.CrossCorrelate(t.Context(), soc.CrossCorrelateInput{Techniques: []string{"T1110"}})
			if err != nil {
				return nil, err
			}
			return out.Platforms, nil
		}},
		"mitre_soc_status": {all, []string{"wazuh", "thehive", "cortex", "misp"}, func(t *testing.T, c *soc.Client) ([]soc.PlatformStatus, error) {
			out, err := c.Status(t.Context(), soc.StatusInput{})
			if err != nil {
				return nil, err
			}
			return out.Platforms, nil
		}},
		"soc_handover": {all, []string{"thehive", "wazuh"}, func(t *testing.T, c *soc.Client) ([]soc.PlatformStatus, error) {
			out, err := c.Handover(t.Context(), soc.HandoverInput{})
			if err != nil {
				return nil, err
			}
			return out.Platforms[:2], nil // the third is the gate
		}},
		"mitre_wazuh_rule_coverage": {all, []string{"wazuh", "thehive"}, func(t *testing.T, c *soc.Client) ([]soc.PlatformStatus, error) {
			out, err := c.WazuhRuleCoverage(t.Context(), soc.WazuhRuleCoverageInput{Alerts: true, Cases: true})
			if err != nil {
				return nil, err
			}
			return out.Platforms, nil
		}},
		"soc_evidence_bundle": {func(path string) bool {
			return path != "/security/user/authenticate" && !strings.HasSuffix(path, "/wazuh-alerts-*/_search") && path != "/"
		},
			[]string{"wazuh", "thehive", "misp", "cortex"}, func(t *testing.T, c *soc.Client) ([]soc.PlatformStatus, error) {
				out, err := c.EvidenceBundle(t.Context(), soc.EvidenceBundleInput{AlertID: wazuhtest.AlertFailThenWin, CaseID: thehivetest.BruteForceCase})
				if err != nil {
					return nil, err
				}
				return out.Platforms, nil
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platforms, err := c.ask(t, newSite(t, over(t, meetingOf(c.held, c.platforms...))).soc)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range platforms {
				if got = append(got, p.Platform); p.Status != soc.Answered || p.TookMS < 1 {
					t.Errorf("%+v; want an answer, and how long it took", p)
				}
			}
			if diff := cmp.Diff(c.platforms, got); diff != "" {
				t.Errorf("platforms (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPlatformThatIsNotAskedTookNoTime(t *testing.T) {
	t.Parallel()
	out, err := alone(t).Status(t.Context(), soc.StatusInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Platforms {
		if p.TookMS != 0 {
			t.Errorf("%+v", p)
		}
	}
}

// TestASlowPlatformHoldsBackNoOther lets as many calls of TheHive wait as it is ever asked
// at once, and more.
func TestASlowPlatformHoldsBackNoOther(t *testing.T) {
	t.Parallel()
	const stuck = 2 * 16
	g := mcptest.Guard(t)
	asked, answer := make(chan struct{}, 4*stuck), make(chan struct{})
	s := newSite(t)
	hive := s.hive.Client(func(c *thehive.Config) {
		base := http.DefaultTransport.(*http.Transport).Clone()
		c.Guard, c.Transport = g, roundTrip(func(r *http.Request) (*http.Response, error) {
			asked <- struct{}{}
			select {
			case <-answer:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
			return base.RoundTrip(r)
		})
	})
	w := s.wazuh.Client(func(c *wazuh.Config) { c.Guard = g })
	cs := mcptest.Connect(t, g, append(hive.Ops(), w.Ops()...)...)
	var slow sync.WaitGroup
	for i := range stuck {
		slow.Go(func() {
			if res := mcptest.Call(t, cs, "thehive_list_cases", fmt.Sprintf(`{"limit":%d}`, i+1)); res.IsError {
				t.Error(mcptest.Text(res))
			}
		})
	}
	for range 16 {
		<-asked
	}
	for i := range 20 {
		if res := mcptest.Call(t, cs, "list_agents", fmt.Sprintf(`{"limit":%d}`, i+1)); res.IsError {
			t.Error(mcptest.Text(res))
		}
	}
	close(answer)
	slow.Wait()
}
