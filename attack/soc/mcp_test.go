package soc_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// guarded makes the site's clients ones of another guard.
func guarded(t *testing.T, g *gate.Guard) *soc.Client {
	t.Helper()
	return newSite(t, func(c *soc.Config) {
		s := newSite(t)
		c.Guard = g
		c.Wazuh = s.wazuh.Client(func(c *wazuh.Config) { c.Guard = g })
		c.TheHive = s.hive.Client(func(c *thehive.Config) { c.Guard = g })
		c.Cortex = s.cortex.Client(func(c *cortex.Config) { c.Guard = g })
		c.MISP = s.misp.Client(func(c *misp.Config) { c.Guard = g })
	}).soc
}

func TestTools(t *testing.T) {
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, guarded(t, g).Ops()...)
	mcptest.Golden(t, "testdata", cs)
}

func TestToolsTakeTheArgumentsOfTheCatalogue(t *testing.T) {
	t.Parallel()
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, guarded(t, g).Ops()...)
	for _, c := range []struct{ tool, args, want string }{
		{"mitre_wazuh_status", `{}`, `"agents"`},
		{"mitre_map_wazuh_alert", `{"ruleId":5710,"ruleDescription":"sshd","ruleGroups":["sshd"],"agentPlatform":"linux"}`, "T1110.001"},
		{"mitre_wazuh_rule_coverage", `{"ruleGroup":"sshd","level":5}`, `"denominator"`},
		{"mitre_wazuh_alerts", `{"limit":2,"level":3,"agentId":"007","search":"sshd"}`, `"alerts"`},
		{"mitre_thehive_enrich", `{"caseId":"1","addTags":false}`, `"techniques"`},
		{"mitre_thehive_create_case", `{"title":"x","techniques":["T1110"],"description":"d","severity":1,"tlp":0,"observables":[{"dataType":"ip","data":"198.51.100.1","ioc":true,"message":"m"}],"confirm":false}`, "Investigate: Credential Access"},
		{"mitre_thehive_list_cases", `{"limit":2,"techniqueFilter":"T1110","status":"New"}`, `"cases"`},
		{"mitre_cortex_analyzer_coverage", `{}`, `"detectable"`},
		{"mitre_cortex_run_analyzers", `{"data":"198.51.100.23","dataType":"ip","analyzers":["Abuse_Finder_3_0"],"tlp":1,"confirm":false}`, "Abuse_Finder"},
		{"mitre_misp_event_to_attack", `{"eventId":"1"}`, "T1110"},
		{"mitre_misp_search_indicators", `{"techniqueId":"T1566","indicatorType":"url","limit":5}`, `"tags"`},
		{"mitre_misp_create_event", `{"info":"x","techniques":["T1110"],"threatLevel":"low","distribution":0,"attributes":[{"type":"ip-src","value":"198.51.100.1","category":"Network activity","toIds":true,"comment":"c"}],"confirm":false}`, "Brute Force - T1110"},
		{"mitre_misp_list_events", `{"limit":2,"searchTag":"tlp:%"}`, `"events"`},
		{"mitre_soc_status", `{}`, "cortex"},
		{"mitre_cross_correlate", `{"techniques":["T1110"]}`, `"platforms"`},
	} {
		res := mcptest.Call(t, cs, c.tool, c.args)
		structured, err := json.Marshal(res.StructuredContent)
		if err != nil {
			t.Fatal(err)
		}
		if res.IsError || !strings.Contains(mcptest.Text(res)+string(structured), c.want) {
			t.Errorf("%s(%s): %.400s; want %s", c.tool, c.args, mcptest.Text(res), c.want)
		}
	}
	for _, c := range []struct{ tool, args, want string }{
		{"mitre_map_wazuh_alert", `{}`, "ruleId"},
		{"mitre_wazuh_rule_coverage", `{"level":17}`, "level"},
		{"mitre_wazuh_alerts", `{"limit":101}`, "limit"},
		{"mitre_thehive_enrich", `{"caseId":".."}`, "caseId"},
		{"mitre_thehive_create_case", `{"title":"x","techniques":[]}`, "techniques"},
		{"mitre_thehive_list_cases", `{"limit":0}`, "limit"},
		{"mitre_cortex_run_analyzers", `{"data":"x","dataType":"soup"}`, "dataType"},
		{"mitre_misp_event_to_attack", `{"eventId":".."}`, "eventId"},
		{"mitre_misp_search_indicators", `{}`, "techniqueId"},
		{"mitre_misp_create_event", `{"info":"x","techniques":["T1110"],"threatLevel":"awful"}`, "threatLevel"},
		{"mitre_misp_list_events", `{"limit":101}`, "limit"},
		{"mitre_cross_correlate", `{"techniques":[]}`, "techniques"},
	} {
		if res := mcptest.Call(t, cs, c.tool, c.args); !res.IsError || !strings.Contains(mcptest.Text(res), c.want) {
			t.Errorf("%s(%s): %.400s; want an error with %s", c.tool, c.args, mcptest.Text(res), c.want)
		}
	}
}

// TestGalaxiesDoNotEatTheList is about events whose galaxies are longer than an answer.
func TestGalaxiesDoNotEatTheList(t *testing.T) {
	t.Parallel()
	g := mcptest.Guard(t)
	s := newSite(t)
	for i := range 50 {
		s.misp.AddEvent(misptest.Event{Info: fmt.Sprintf("Example mail wave %d", i), Tags: []string{`misp-galaxy:mitre-attack-pattern="Phishing - T1566"`, "wave:one"}})
	}
	site := newSite(t, func(c *soc.Config) {
		c.Guard = g
		c.MISP = s.misp.Client(func(c *misp.Config) { c.Guard = g })
		c.Wazuh, c.TheHive, c.Cortex = nil, nil, nil
	})
	cs := mcptest.Connect(t, g, site.soc.Ops()...)
	res := mcptest.Call(t, cs, "mitre_misp_list_events", map[string]any{"limit": 50, "searchTag": "wave:one"})
	var out struct {
		Events []json.RawMessage `json:"events"`
	}
	mcptest.Structured(t, res, &out)
	if len(out.Events) != 50 {
		t.Errorf("%d of 50 events are shown: %.400s", len(out.Events), mcptest.Text(res))
	}
}
