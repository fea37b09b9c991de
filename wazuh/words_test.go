package wazuh_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestNamesInFiltersAreTakenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", wazuhtest.Object{
		"agent": wazuhtest.Object{"id": "003", "name": "win-dc01", "labels": wazuhtest.Object{"customer": "acme-eu"}}, "location": "EventChannel", "decoder": wazuhtest.Object{"name": "windows_eventchannel"},
		"rule": wazuhtest.Object{"id": "1", "level": 5, "groups": []string{"windows", "authentication_failed"}, "mitre": wazuhtest.Object{"tactic": []string{"Command and Control"}}},
		"data": wazuhtest.Object{"win": wazuhtest.Object{"eventdata": wazuhtest.Object{"targetUserName": "svc-backup", "image": `C:\\Windows\\cmd.exe`, "queryName": "a.evil.example"}}},
	})
	s.AddAlert(time.Now(), "other", wazuhtest.Object{"agent": wazuhtest.Object{"id": "001", "name": "web-01"}, "rule": wazuhtest.Object{"id": "2", "level": 5}})
	c := s.Client()
	for _, f := range []wazuh.AlertFilter{
		{AgentName: "WIN-*"}, {AgentName: "*dc*"}, {AgentName: " win-dc01 "}, {RuleGroup: "authentication_*"}, {RuleGroup: "windows "}, {Decoder: "windows*"}, {Location: " eventchannel"},
		{MITRETactic: "command-and-control"}, {MITRETactic: "Command_And_Control"}, {MITRETactic: "command*"},
		{User: "svc-*"}, {User: "*BACKUP"}, {Process: `c:\windows\c*.exe`}, {Process: "cmd*"}, {Domain: "*.evil.example"}, {Domain: "e*.example"}, {Label: "customer=acme*"},
	} {
		if p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: f}); err != nil || !cmp.Equal(ids(p.Alerts), []string{"one"}) {
			t.Errorf("%+v: %+v, %v", f, p, err)
		}
	}
	for _, f := range []wazuh.AlertFilter{{AgentName: "*"}, {User: " * "}, {Process: "**"}, {RuleGroup: "windows,sysmon"}, {MITRETactic: "TA0011"}, {MITRETactic: "ta0011 "}} {
		if p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: f}); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%+v: %+v, %v", f, p, err)
		}
	}
}

func TestTheContextTakesAnAccountWithAStarForThatAccount(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	now := time.Now().Truncate(time.Second)
	for id, user := range map[string]string{"one": "ad*", "same": "AD*", "other": "admin"} {
		s.AddAlert(now, id, wazuhtest.Object{"agent": wazuhtest.Object{"id": "000"}, "rule": wazuhtest.Object{"id": "1", "level": 5}, "data": wazuhtest.Object{"win": wazuhtest.Object{"eventdata": wazuhtest.Object{"targetUserName": user}}}})
	}
	got, err := s.Client().GetAlertContext(t.Context(), wazuh.GetAlertContextInput{AlertID: "one"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Pivot {
		if p.Relation == "same_user" && !cmp.Equal(ids(p.Alerts), []string{"same"}) {
			t.Errorf("%+v", p)
		}
	}
}

func TestASearchFindsTheAddressesOfANetwork(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for id, address := range map[string]string{"one": "198.51.100.23", "mapped": "::ffff:198.51.100.9", "other": "198.51.101.23"} {
		s.AddAlert(time.Now(), id, wazuhtest.Object{"agent": wazuhtest.Object{"id": "000"}, "rule": wazuhtest.Object{"id": "1", "level": 5}, "data": wazuhtest.Object{"srcip": address}})
	}
	for query, want := range map[string]int{"198.51.100.0/24": 2, "198.51.100.7/24": 2, "198.51.100.0/28": 1, "198.51.0.0/16": 3, "2001:db8::/32": 0} {
		if p, err := s.Client().SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query}); err != nil || p.Total != want {
			t.Errorf("%s: %+v, %v, want %d", query, p, err, want)
		}
	}
}

func TestASearchSaysThatOperatorsAreWords(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	for query, want := range map[string]string{
		"sudo OR sshd": "OR is no operator", "sshd AND root": "AND is no operator", "sshd NOT root": "NOT is no operator", "rule.id:5402": "names no fields", "data.srcip:198.51.100.23": "names no fields", `agent.name:"web 01"`: "names no fields",
		"sudo": "", "sudo or sshd": "", "https://evil.example:8080/x": "", "evil.example:8080": "", "::1": "", `"sudo OR sshd"`: "",
	} {
		p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query})
		if err != nil || want == "" && p.Note != "" || !strings.Contains(p.Note, want) {
			t.Errorf("%s: %+v, %v", query, p, err)
		}
		n, err := c.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{AlertFilter: wazuh.AlertFilter{Search: query}})
		if err != nil || n.Note != p.Note {
			t.Errorf("counts of %s: %+v, %v", query, n, err)
		}
	}
}

func TestAnAnswerAboutAHostThatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	for id, want := range map[wazuh.AgentID]string{"999": "this Wazuh has no agent 999", "11": "has never connected", "8": ""} {
		p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{AgentID: id, Search: "nothing has this"}})
		if err != nil || p.Total != 0 || want == "" && p.Note != "" || !strings.Contains(p.Note, want) {
			t.Errorf("alerts of %s: %+v, %v", id, p, err)
		}
		n, err := c.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{AlertFilter: wazuh.AlertFilter{AgentID: id, Search: "nothing has this"}})
		if err != nil || n.Note != p.Note {
			t.Errorf("counts of %s: %+v, %v", id, n, err)
		}
	}
	for name, rows := range map[string]func(wazuh.AgentID) (int, string, error){
		"vulnerabilities": func(id wazuh.AgentID) (int, string, error) {
			p, err := c.ListVulnerabilities(t.Context(), wazuh.ListVulnerabilitiesInput{AgentID: id})
			if err != nil {
				return 0, "", err
			}
			return p.Total, p.Incomplete, nil
		},
		"words in vulnerabilities": func(id wazuh.AgentID) (int, string, error) {
			p, err := c.SearchVulnerabilities(t.Context(), wazuh.SearchVulnerabilitiesInput{Query: "CVE", AgentID: id})
			if err != nil {
				return 0, "", err
			}
			return p.Total, p.Incomplete, nil
		},
		"inventory": func(id wazuh.AgentID) (int, string, error) {
			p, err := c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "packages", AgentID: id})
			if err != nil {
				return 0, "", err
			}
			return p.Total, p.Incomplete, nil
		},
	} {
		if _, _, err := rows("999"); !errors.Is(err, wazuh.ErrNotFound) {
			t.Errorf("%s of an agent that there isn't: %v", name, err)
		}
		if n, why, err := rows("11"); err != nil || n != 0 || !strings.Contains(why, "has never connected") {
			t.Errorf("%s of one that never connected: %d, %q, %v", name, n, why, err)
		}
		if n, why, err := rows("7"); err != nil || n == 0 || why != "" {
			t.Errorf("%s of one that has some: %d, %q, %v", name, n, why, err)
		}
	}
}

func TestRulesAreFoundByWordsAndGroups(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	all, err := c.SearchRules(t.Context(), wazuh.SearchRulesInput{Description: "sshd", Limit: 100})
	if err != nil || all.Total == 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	for query, some := range map[string]bool{"ssh brute force": true, "force ssh brute": true, `"brute force" SSH`: true, "5710 sshd": true, `"force brute"`: false, "sshd nothinglikeit": false} {
		if p, err := c.SearchRules(t.Context(), wazuh.SearchRulesInput{Description: query}); err != nil || p.Total > 0 != some {
			t.Errorf("%s: %+v, %v", query, p, err)
		}
	}
	whole, err := c.SearchRules(t.Context(), wazuh.SearchRulesInput{Description: "s h", Limit: 100})
	if err != nil || whole.Total != len(whole.Rules) || whole.More {
		t.Fatalf("%+v, %v", whole, err)
	}
	var walked []int
	for r, err := range c.RulesMatching(t.Context(), wazuh.SearchRulesInput{Description: "s h", Limit: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		walked = append(walked, r.ID)
	}
	want := make([]int, len(whole.Rules))
	for i, r := range whole.Rules {
		want[i] = r.ID
	}
	if diff := cmp.Diff(want, walked); diff != "" {
		t.Error(diff)
	}
	for _, g := range []string{"sshd", "SSHD", "Sshd"} {
		if p, err := c.ListRules(t.Context(), wazuh.ListRulesInput{Group: g}); err != nil || p.Total == 0 {
			t.Errorf("%s: %+v, %v", g, p, err)
		}
	}
	if p, err := c.ListRules(t.Context(), wazuh.ListRulesInput{Group: "SSHD", Level: 16}); err != nil || p.Total != 0 {
		t.Errorf("a group without such a rule: %+v, %v", p, err)
	}
	if p, err := c.ListRules(t.Context(), wazuh.ListRulesInput{Group: "ssh"}); !errors.Is(err, wazuh.ErrNotFound) {
		t.Errorf("a group that no rule has: %+v, %v", p, err)
	}
}

func TestLinuxIsAPlatformOfAgents(t *testing.T) {
	t.Parallel()
	c := seeded(t).Client()
	for platform, want := range map[string][]string{"linux": {"ubuntu", "rhel", "debian"}, "Linux": {"ubuntu", "rhel", "debian"}, "macos": {"darwin"}, "darwin": {"darwin"}, "windows": {"windows"}, "rhel": {"rhel"}} {
		p, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Platform: platform, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, a := range p.Agents {
			got[a.OS.Platform] = true
		}
		wanted := map[string]bool{}
		for _, w := range want {
			wanted[w] = true
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s: %s", platform, diff)
		}
	}
	if p, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Platform: "linux", Search: "fleet-007"}); err != nil || p.Total != 1 {
		t.Errorf("with a text: %+v, %v", p, err)
	}
	if p, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Platform: "linux", Search: "win-dc01"}); err != nil || p.Total != 0 {
		t.Errorf("with the text of another: %+v, %v", p, err)
	}
}
