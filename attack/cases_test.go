package attack_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/internal/behaviour"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

// proofs are the tests of the cases that are collected beside the project, by the names of their files.
var proofs = map[string][]string{
	"coverage-layer-is-whole":      {"TestACoverageLayerIsAFileThatIsWhole"},
	"description-beside-the-title": {"TestToolsGuessWhatWordsMean/description beside the title", "TestLongerTextDoesNotFindLessThanItsTitle"},
	"drawing-with-an-unknown-id":   {"TestLayerWithAnUnknownIDIsDrawnWithoutIt"},
	"everyday-words":               {"TestToolsGuessWhatWordsMean/everyday words", "TestEverydayTitlesLeadToTheTechnique", "TestSearchFindsCompoundsAndSoftware"},
	"id-that-this-version-lacks":   {"TestToolsSayWhatAnIDMeans/id that this version lacks", "TestIDOfALaterVersionIsSaidToBeOne"},
	"ids-as-others-write-them":     {"TestToolsSayWhatAnIDMeans/ids as others write them", "TestTechniqueIsTakenInEveryNotation"},
	"ids-of-other-matrices":        {"TestToolsSayWhatAnIDMeans/ids of other matrices", "TestWhatIsInAnotherMatrixSaysSo"},
	"layer-with-few-members":       {"TestLayersAreReadAsPeopleHaveThem"},
	"more-context-not-less":        {"TestToolsGuessWhatWordsMean/more context, not less", "TestGroupsOfARuleDoNotMakeGuessesVanish"},
	"noise-is-not-a-guess":         {"TestToolsMarkNoiseAsWeak", "TestNoiseIsNoGuessOrAWeakOneWithTheReason"},
	"one-unknown-of-many":          {"TestToolsSayWhatAnIDMeans/one unknown of many", "TestUnknownIDsStandBesideTheAnswer"},
	"rule-that-names-a-tactic":     {"TestToolsSayWhatAnIDMeans/rule that names a tactic", "TestRuleThatNamesATacticAnswersIt"},
	"tactic-that-was-renamed":      {"TestToolsFollowATacticThatWasRenamed", "TestRenamedTacticIsFollowedByOldAndNewName"},
}

// TestEveryCaseOfAttackIsProved holds proofs against the cases that are collected beside the project.
func TestEveryCaseOfAttackIsProved(t *testing.T) {
	t.Parallel()
	behaviour.CasesProved(t, "attack", proofs, "soc")
}

// served is a session with the tools that mitre-mcp has without a platform.
func served(t *testing.T, c *attack.Client) *mcp.ClientSession {
	t.Helper()
	g := mcptest.Guard(t)
	s, err := soc.New(soc.Config{ATTACK: c, Guard: g})
	if err != nil {
		t.Fatal(err)
	}
	return mcptest.Connect(t, g, append(c.Ops(), s.Ops()...)...)
}

// answered is all that an answer says, in text and structure.
func answered(t *testing.T, cs *mcp.ClientSession, tool, args string) (said string, isError bool) {
	t.Helper()
	res := mcptest.Call(t, cs, tool, args)
	structured, err := json.Marshal(res.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	return mcptest.Text(res) + string(structured), res.IsError
}

func TestToolsSayWhatAnIDMeans(t *testing.T) {
	t.Parallel()
	cs := served(t, client(t))
	type call struct {
		tool, args string
		want, not  []string
		fails      bool
	}
	lacks := func(tool, args, id string) call {
		return call{tool, args, []string{"ATT&CK 18.1 doesn't have", id, "mitre_update_data"}, []string{"nearest", "T1185", "TA0002"}, true}
	}
	technique := func(written string) call {
		return call{"mitre_get_technique", `{"techniqueId":` + quoted(written) + `}`, []string{`"id":"T1059.001"`, "PowerShell"}, nil, false}
	}
	beside := func(tool, args string) call {
		return call{tool, args, []string{`"unknown":["T1685"]`, "mitre_update_data"}, nil, false}
	}
	for name, calls := range map[string][]call{
		"id that this version lacks": {
			lacks("mitre_get_technique", `{"techniqueId":"T1685"}`, "T1685"),
			lacks("mitre_get_tactic", `{"tacticId":"TA0112"}`, "TA0112"),
			lacks("mitre_get_group", `{"groupId":"G1999"}`, "G1999"),
			lacks("mitre_get_software", `{"softwareId":"S9876"}`, "S9876"),
			lacks("mitre_get_campaign", `{"campaignId":"C0999"}`, "C0999"),
			lacks("mitre_get_mitigation", `{"mitigationId":"M1999"}`, "M1999"),
			lacks("mitre_mitigations_for_technique", `{"techniqueId":"T1690"}`, "T1690"),
		},
		"ids as others write them": {
			technique("attack.t1059.001"), technique("https://attack.mitre.org/techniques/T1059/001/"), technique("t1059_001"),
			technique(`misp-galaxy:mitre-attack-pattern="PowerShell - T1059.001"`), technique("Command and Scripting Interpreter: PowerShell"),
			technique("attack-pattern--970a3432-3237-47ad-bcca-7d8cbb217736"),
			{"mitre_map_alert_to_technique", `{"alertType":"technique T1562_001"}`, []string{`"matches":[{"id":"T1562.001"`, `"basis":"named"`}, nil, false},
			{"mitre_map_alert_to_technique", `{"alertType":"rule tagged t1059_001"}`, []string{`"matches":[{"id":"T1059.001"`, `"basis":"named"`}, nil, false},
			{"mitre_technique_overlap", `{"techniques":["t1059_001","attack.t1566.001"]}`, []string{"T1059.001", "T1566.001"}, []string{"unknown"}, false},
			{"mitre_search_groups", `{"technique":"attack.t1059.001"}`, []string{"APT29"}, nil, false},
		},
		"ids of other matrices": {
			{"mitre_get_technique", `{"techniqueId":"T0886"}`, []string{"ics", "MITRE_MATRICES"}, []string{"nearest"}, true},
			{"mitre_get_technique", `{"techniqueId":"T1406"}`, []string{"mobile", "MITRE_MATRICES"}, []string{"nearest", "T1006"}, true},
			{"mitre_get_tactic", `{"tacticId":"TA0030"}`, []string{"mobile", "MITRE_MATRICES"}, nil, true},
		},
		"one unknown of many": {
			beside("mitre_campaign_profile", `{"techniques":["T1059.001","T1685","T1566.001"]}`),
			beside("mitre_technique_overlap", `{"techniques":["T1059.001","T1685"]}`),
			beside("mitre_cross_correlate", `{"techniques":["T1059.001","T1685"]}`),
			{"mitre_map_alert_to_technique", `{"alertType":"Security tool stopped (T1685)"}`, []string{`"unknown":["T1685"]`}, []string{`"words":["T1685`}, false},
		},
		"rule that names a tactic": {
			{"mitre_map_wazuh_alert", `{"ruleId":99522}`, []string{`"tactics":[{"id":"TA0011","name":"Command and Control"}]`}, []string{"no rule names", "no words fit", "unknown"}, false},
			{"mitre_map_wazuh_alert", `{"ruleId":99612}`, []string{`"TA0006"`, `"techniques":[{`}, []string{"unknown"}, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range calls {
				said, isError := answered(t, cs, c.tool, c.args)
				if isError != c.fails {
					t.Errorf("%s(%s): error is %v: %.300s", c.tool, c.args, isError, said)
				}
				for _, w := range c.want {
					if !strings.Contains(said, w) {
						t.Errorf("%s(%s): want %q in %.600s", c.tool, c.args, w, said)
					}
				}
				for _, w := range c.not {
					if strings.Contains(said, w) {
						t.Errorf("%s(%s): it has %q: %.600s", c.tool, c.args, w, said)
					}
				}
			}
		})
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}

// mapped are the guesses of an answer of either tool that maps an alert.
type mapped struct {
	Matches, Techniques []struct {
		ID                 string
		Score              int
		Confidence, Reason string
	}
}

// first returns the ids of the first guesses.
func (m mapped) first(n int) (ids []string) {
	for _, g := range append(m.Matches, m.Techniques...) {
		ids = append(ids, g.ID)
	}
	return ids[:min(n, len(ids))]
}

func TestToolsGuessWhatWordsMean(t *testing.T) {
	t.Parallel()
	cs := served(t, client(t))
	type call struct {
		args string
		n    int
		want []string
	}
	groups := `["syslog","sshd","dropbear","authentication_failures","pci_dss_10.2.4","pci_dss_11.4","gdpr_IV_35.7.d","hipaa_164.312.b","nist_800_53_AU.14","gpg13_7.1","tsc_CC6.1"]`
	title := "Scheduled task created by an office program"
	for name, tt := range map[string]struct {
		tool  string
		calls []call
	}{
		"everyday words": {"mitre_map_alert_to_technique", []call{
			{`{"alertType":"Mimikatz detected"}`, 3, []string{"T1003", "T1003.001"}},
			{`{"alertType":"vssadmin delete shadows"}`, 3, []string{"T1490"}},
			{`{"alertType":"Windows Defender disabled"}`, 3, []string{"T1562.001"}},
			{`{"alertType":"webshell upload"}`, 3, []string{"T1505.003"}},
			{`{"alertType":"MFA fatigue"}`, 3, []string{"T1621"}},
			{`{"alertType":"RDP login from the internet"}`, 3, []string{"T1021.001"}},
			{`{"alertType":"certutil download"}`, 3, []string{"T1105", "T1140"}},
			{`{"alertType":"AMSI bypass"}`, 3, []string{"T1562.001"}},
		}},
		"description beside the title": {"mitre_map_alert_to_technique", []call{
			{`{"alertType":` + quoted(title) + `}`, 5, []string{"T1053.005", "T1053"}},
			{`{"alertType":` + quoted(title+". Detects schtasks.exe started by winword.exe or excel.exe with parameters seen in droppers of the Foobaz family (zaqq.dll, qwopx.tmp) to survive reboots; compare vendor advisory EX-2026-0007.") + `}`, 5, []string{"T1053.005", "T1053"}},
		}},
		"more context, not less": {"mitre_map_wazuh_alert", []call{
			{`{"ruleDescription":"Dropbear: brute force attempt."}`, 3, []string{"T1110"}},
			{`{"ruleDescription":"Dropbear: brute force attempt.","ruleGroups":` + groups + `}`, 3, []string{"T1110"}},
			{`{"ruleDescription":"sshd: brute force trying to get access to the system.","ruleGroups":["gdpr_IV_35.7.d","pci_dss_11.4"]}`, 3, []string{"T1110"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range tt.calls {
				var out mapped
				mcptest.Structured(t, mcptest.Call(t, cs, tt.tool, c.args), &out)
				if got := out.first(c.n); !slices.ContainsFunc(c.want, func(id string) bool { return slices.Contains(got, id) }) {
					t.Errorf("%s gives %v, want one of %v among the first %d", c.args, got, c.want, c.n)
				}
			}
		})
	}
}

func TestToolsMarkNoiseAsWeak(t *testing.T) {
	t.Parallel()
	cs := served(t, client(t))
	for _, args := range []string{
		`{"ruleDescription":"Windows application: message from the service.","ruleGroups":["windows","windows_application"]}`,
		`{"ruleDescription":"Nginx warning message.","ruleGroups":["nginx"]}`,
		`{"ruleDescription":"Multiple Sysmon error events.","ruleGroups":["sysmon"]}`,
		`{"ruleDescription":"Low on resources.","ruleGroups":["windows","windows_system","pci_dss_10.6"]}`,
	} {
		var out mapped
		mcptest.Structured(t, mcptest.Call(t, cs, "mitre_map_wazuh_alert", args), &out)
		for _, g := range out.Techniques {
			if g.Confidence != string(attack.Weak) || g.Reason == "" {
				t.Errorf("%s gives %s with %d, %s: %q", args, g.ID, g.Score, g.Confidence, g.Reason)
			}
		}
	}
}

func TestToolsFollowATacticThatWasRenamed(t *testing.T) {
	t.Parallel()
	c, err := attack.New(attack.Config{DataDir: split(t), Domains: []attack.Domain{attack.Enterprise, attack.Mobile}})
	if err != nil {
		t.Fatal(err)
	}
	cs := served(t, c)
	for _, tt := range []struct{ tool, args, want, not string }{
		{"mitre_get_tactic", `{"tacticId":"defense-evasion"}`, `"id":"TA0005"`, `"id":"TA0030"`},
		{"mitre_search_techniques", `{"tactic":"Defense Evasion"}`, `"id":"T1027"`, `"id":"T1406"`},
		{"mitre_get_tactic", `{"tacticId":"Defense Evasion","matrix":"mobile"}`, `"id":"TA0030"`, `"id":"TA0005"`},
	} {
		said, isError := answered(t, cs, tt.tool, tt.args)
		if isError || !strings.Contains(said, tt.want) || strings.Contains(said, tt.not) {
			t.Errorf("%s(%s): %.600s; want %s and not %s", tt.tool, tt.args, said, tt.want, tt.not)
		}
		if !strings.Contains(tt.args, "matrix") && !strings.Contains(said, "TA0112") {
			t.Errorf("%s(%s) says nothing of TA0112: %.600s", tt.tool, tt.args, said)
		}
	}
}

func TestACoverageLayerIsAFileThatIsWhole(t *testing.T) {
	t.Parallel()
	cs := served(t, client(t))
	var out struct {
		File struct {
			Resource string
			Media    string `json:"media_type"`
			Holds    map[string]int
		} `json:"_file"`
	}
	res := mcptest.Call(t, cs, "mitre_navigator_layer", `{"mode":"coverage","dataSources":["Process","Network Traffic"]}`)
	mcptest.Structured(t, res, &out)
	if out.File.Media != "application/json" || out.File.Holds["techniques"] != 650 {
		t.Fatalf("the answer has the file %+v: %.600s", out.File, mcptest.Text(res))
	}
	read, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: out.File.Resource})
	if err != nil {
		t.Fatal(err)
	}
	layer, err := attack.ReadLayer(strings.NewReader(read.Contents[0].Text))
	if err != nil {
		t.Fatal(err)
	}
	if len(layer.Techniques) != 650 || strings.Contains(read.Contents[0].Text, "_truncated") || len(layer.Notes) > 0 {
		t.Errorf("the layer has %d techniques of 650, and the notes %q", len(layer.Techniques), layer.Notes)
	}
}
