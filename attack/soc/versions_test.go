package soc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestATechniqueIsFoundUnderTheIDsOfOtherVersions(t *testing.T) {
	t.Parallel()
	for asked, tagged := range map[string]string{"T1574.001": "T1574.002", "T1574.002": "T1073", "T1574": "T1073", "T1562.001": "T1685"} {
		s := newSite(t)
		s.wazuh.AddAlert(time.Now(), "older", wazuhtest.Object{"agent": wazuhtest.Object{"id": "000"}, "rule": wazuhtest.Object{"id": "99999", "level": 5, "mitre": wazuhtest.Object{"id": []string{tagged}}}})
		s.hive.AddCases(1, thehivetest.Object{"title": "older", "description": "x", "tags": []string{"attack." + strings.ToLower(tagged)}})
		s.misp.AddEvent(misptest.Event{Info: "older", Tags: []string{`misp-galaxy:mitre-attack-pattern="Its older name - ` + tagged + `"`}, Attributes: []misptest.Attribute{{Type: "domain", Value: "older.example"}}})
		out, err := s.soc.CrossCorrelate(t.Context(), soc.CrossCorrelateInput{Techniques: []string{asked}, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		some := map[string]bool{}
		for _, a := range out.Wazuh.Alerts {
			some["alert "+a.ID] = true
		}
		for _, c := range out.TheHive.Cases {
			some["case "+c.Case.Title] = true
		}
		for _, e := range out.MISP.Events {
			some["event "+e.Info] = true
		}
		for _, want := range []string{"alert older", "case older", "event older"} {
			if !some[want] {
				t.Errorf("%s lacks what has %s: %s; it has %v", asked, tagged, want, some)
			}
		}
		if !strings.Contains(out.Note, tagged) {
			t.Errorf("%s: note %q doesn't name %s", asked, out.Note, tagged)
		}
		found, err := s.soc.SearchIndicators(t.Context(), soc.SearchIndicatorsInput{TechniqueID: asked})
		if err != nil || len(found.Indicators) != 1 {
			t.Errorf("indicators of %s: %+v, %v", asked, found, err)
		}
		cases, err := s.soc.ListCases(t.Context(), soc.ListCasesInput{TechniqueFilter: asked, Status: "open"})
		if err != nil || len(cases.Cases) != 1 || !strings.Contains(cases.Note, tagged) || !strings.Contains(cases.Note, "stage") {
			t.Errorf("cases of %s: %+v, %v", asked, cases, err)
		}
	}
}

func TestTheAlertsOfATTACKSayWhatTheAlertsOfWazuhDo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for in, want := range map[soc.WazuhAlertsInput]string{
		{AgentID: "999"}: "no agent 999", {AgentID: "011"}: "never connected", {Search: "sudo OR sshd"}: "OR is no operator", {}: "",
	} {
		out, err := s.soc.WazuhAlerts(t.Context(), in)
		if err != nil || want == "" && out.Note != "" || !strings.Contains(out.Note, want) {
			t.Errorf("%+v: %+v, %v", in, out, err)
		}
	}
}
