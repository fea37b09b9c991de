package attack_test

import (
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

func TestTools(t *testing.T) {
	mcptest.Golden(t, "testdata", mcptest.Connect(t, mcptest.Guard(t), client(t).Ops()...))
}

func TestToolsTakeTheArgumentsOfTheCatalogue(t *testing.T) {
	t.Parallel()
	cs := mcptest.Connect(t, mcptest.Guard(t), client(t).Ops()...)
	for _, c := range []struct{ tool, args, want string }{
		{"mitre_get_technique", `{"techniqueId":"T1110"}`, "Brute Force"},
		{"mitre_search_techniques", `{"query":"brute","tactic":"credential-access","platform":"Linux","dataSource":"Process","isSubtechnique":true}`, "T1110."},
		{"mitre_list_tactics", `{"matrix":"enterprise"}`, "TA0043"},
		{"mitre_get_tactic", `{"tacticId":"TA0006"}`, "Brute Force"},
		{"mitre_get_group", `{"groupId":"G0016"}`, "APT29"},
		{"mitre_get_group", `{"name":"Cozy Bear"}`, "APT29"},
		{"mitre_search_groups", `{"query":"bear","technique":"T1566.001"}`, "G0007"},
		{"mitre_list_groups", `{}`, "172"},
		{"mitre_get_software", `{"softwareId":"S0154"}`, "Cobalt Strike"},
		{"mitre_search_software", `{"query":"cobalt","technique":"T1059.001","type":"malware"}`, "S0154"},
		{"mitre_get_mitigation", `{"mitigationId":"M1032"}`, "Multi-factor"},
		{"mitre_mitigations_for_technique", `{"techniqueId":"T1110"}`, "M1032"},
		{"mitre_search_mitigations", `{"query":"password"}`, "M1027"},
		{"mitre_get_datasource", `{"dataSourceId":"DS0009"}`, "Process Creation"},
		{"mitre_get_datasource", `{"name":"Process Creation"}`, "DC0032"},
		{"mitre_detection_coverage", `{"availableDataSources":["Process"]}`, "476"},
		{"mitre_map_alert_to_technique", `{"alertType":"PowerShell encoded command","indicators":["powershell.exe -enc"],"platform":"Windows"}`, "T1059.001"},
		{"mitre_technique_overlap", `{"groupIds":["G0007","G0016"]}`, "jaccardPercent"},
		{"mitre_technique_overlap", `{"techniques":["T1110","T1078"]}`, "score"},
		{"mitre_attack_path", `{"startTechnique":"T1566.001","targetTactic":"execution"}`, "T1204.002"},
		{"mitre_campaign_profile", `{"techniques":["T1566.001","T1059.001"]}`, "likelyGroups"},
		{"mitre_get_campaign", `{"campaignId":"C0024"}`, "SolarWinds"},
		{"mitre_list_campaigns", `{}`, "52"},
		{"mitre_search_campaigns", `{"query":"solar","technique":"T1078"}`, "C0024"},
		{"mitre_navigator_layer", `{"mode":"diff","compareGroupIds":["G0007","G0016"],"name":"Two bears","color":"#112233","showSubtechniques":false}`, "Two bears"},
		{"mitre_data_version", `{}`, "18.1"},
	} {
		if res := mcptest.Call(t, cs, c.tool, c.args); res.IsError || !strings.Contains(mcptest.Text(res), c.want) {
			t.Errorf("%s(%s): %.400s; want %s", c.tool, c.args, mcptest.Text(res), c.want)
		}
	}
	for _, c := range []struct{ tool, args, want string }{
		{"mitre_list_tactics", `{"matrix":"cloud"}`, "matrix"},
		{"mitre_search_techniques", `{"platform":"Amiga"}`, "Windows"},
		{"mitre_list_groups", `{"limit":501}`, "limit"},
		{"mitre_search_software", `{"type":"virus"}`, "malware"},
		{"mitre_detection_coverage", `{}`, "availableDataSources"},
		{"mitre_campaign_profile", `{"techniques":[]}`, "techniques"},
		{"mitre_navigator_layer", `{"mode":"pie"}`, "mode"},
		{"mitre_data_version", `{"compare":"newest"}`, "compare"},
		{"mitre_update_data", `{}`, "data folder"},
		{"mitre_get_technique", `{"techniqueId":"T9999"}`, "T9999"},
	} {
		if res := mcptest.Call(t, cs, c.tool, c.args); !res.IsError || !strings.Contains(mcptest.Text(res), c.want) {
			t.Errorf("%s(%s): %.400s; want an error with %s", c.tool, c.args, mcptest.Text(res), c.want)
		}
	}
}
