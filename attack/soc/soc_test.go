package soc_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// A site is four platforms with the incident, and a client that joins them.
type site struct {
	gate   *gatetest.Gate
	wazuh  *wazuhtest.Server
	hive   *thehivetest.Server
	cortex *cortextest.Server
	misp   *misptest.Server
	rec    *evidence.Recorder
	soc    *soc.Client
}

// shielded is what the policy of a site protects.
const shielded = "192.0.2.250"

func newSite(t *testing.T, change ...func(*soc.Config)) *site {
	t.Helper()
	s := &site{gate: gatetest.New(t, func(p *gate.Policy) { p.Protected = []string{shielded} }), wazuh: wazuhtest.New(t), hive: thehivetest.New(t), cortex: cortextest.New(t), misp: misptest.New(t), rec: evidence.NewRecorder(nil)}
	s.wazuh.SeedIncident()
	s.misp.SeedIncident()
	cfg := soc.Config{ATTACK: kb(t), Guard: s.gate.Guard,
		Wazuh: s.wazuh.Client(func(c *wazuh.Config) {
			c.Guard, c.Transport, c.Indexer.Transport = s.gate.Guard, s.rec, s.rec
		}),
		TheHive: s.hive.Client(func(c *thehive.Config) { c.Guard, c.Transport = s.gate.Guard, s.rec }),
		Cortex:  s.cortex.Client(func(c *cortex.Config) { c.Guard, c.Transport = s.gate.Guard, s.rec }),
		MISP:    s.misp.Client(func(c *misp.Config) { c.Guard, c.Transport = s.gate.Guard, s.rec }),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := soc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.soc = c
	return s
}

func kb(t *testing.T) *attack.Client {
	t.Helper()
	c, err := attack.New(attack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// alone is a client that knows ATT&CK and no platform.
func alone(t *testing.T) *soc.Client {
	t.Helper()
	c, err := soc.New(soc.Config{ATTACK: kb(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *site) op(t *testing.T, name string) gate.Op {
	t.Helper()
	for _, op := range s.soc.Ops() {
		if op.Name() == name {
			return op
		}
	}
	t.Fatalf("no operation %s", name)
	return nil
}

func idsAndSources(list []soc.Technique) []string {
	out := []string{}
	for _, t := range list {
		out = append(out, t.ID+" "+string(t.Source))
	}
	return out
}

func statuses(list []soc.PlatformStatus) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.Platform+" "+string(p.Status))
	}
	return out
}

func TestFootprint(t *testing.T) {
	t.Parallel()
	evidence.Footprint(t)
}

func TestARulesOwnTechniquesComeFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.wazuh.AddRule(wazuhtest.Object{
		"id": 100200, "level": 12, "description": "Our own rule", "status": "enabled", "filename": "local_rules.xml", "relative_dirname": "etc/rules",
		"groups": []string{"local"}, "mitre": []string{"T1486", "T1086"}, "details": wazuhtest.Object{},
	})
	for _, tt := range []struct {
		name string
		in   soc.MapWazuhAlertInput
		want []string
	}{
		{"a rule of this Wazuh alone", soc.MapWazuhAlertInput{RuleID: 100200}, []string{"T1486 rule", "T1059.001 rule"}},
		{"the owner's call", soc.MapWazuhAlertInput{RuleID: 5710, RuleGroups: []string{"authentication_failed", "sshd"}}, []string{"T1110.001 rule", "T1021.004 rule"}},
		{"an alert", soc.MapWazuhAlertInput{AlertID: wazuhtest.AlertFailThenWin}, []string{"T1078 alert", "T1110 alert"}},
	} {
		out, err := s.soc.MapWazuhAlert(t.Context(), tt.in)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, idsAndSources(out.Techniques)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestWithoutWazuhTheStockRulesetAnswers(t *testing.T) {
	t.Parallel()
	for rule, want := range map[int][]string{
		5710:  {"T1110.001 stock ruleset", "T1021.004 stock ruleset"},
		60106: {"T1078 stock ruleset"},
	} {
		out, err := alone(t).MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{RuleID: rule})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, idsAndSources(out.Techniques)); diff != "" {
			t.Errorf("rule %d (-want +got):\n%s", rule, diff)
		}
		if diff := cmp.Diff([]string{"wazuh not configured"}, statuses(out.Platforms)); diff != "" {
			t.Errorf("platforms (-want +got):\n%s", diff)
		}
	}
}

func TestAGuessIsLabelledAndNonsenseGivesNothing(t *testing.T) {
	t.Parallel()
	c := alone(t)
	out, err := c.MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{RuleDescription: "Scheduled task was created", AgentPlatform: "windows"})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Techniques) < 2 || out.Techniques[0].ID != "T1053.005" && out.Techniques[1].ID != "T1053.005" || !strings.Contains(out.Note, "guesses") {
		t.Errorf("guesses %v, note %q", idsAndSources(out.Techniques), out.Note)
	}
	for _, g := range out.Techniques {
		if g.Source != soc.FromGuess || g.Score == 0 || len(g.Words) == 0 || g.Confidence == "" || g.Confidence == attack.Weak && g.Reason == "" {
			t.Errorf("%s is no labelled guess: %+v", g.ID, g)
		}
	}
	if out, err = c.MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{RuleDescription: "xyzzy plugh", AgentPlatform: "windows"}); err != nil || len(out.Techniques) != 0 {
		t.Errorf("nonsense gives %v, %v", out, err)
	}
	if _, err := c.MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{}); err == nil || !strings.Contains(err.Error(), "ruleId") {
		t.Errorf("nothing to go by: %v", err)
	}
}

func TestAWazuhThatFailsIsNamedAndTheStockRulesetAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *soc.Config) {
		down, err := wazuh.New(wazuh.Config{BaseURL: "http://127.0.0.1:1", Username: "u", Password: "password", Guard: c.Guard})
		if err != nil {
			t.Fatal(err)
		}
		c.Wazuh = down
	})
	out, err := s.soc.MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{RuleID: 5710})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"T1110.001 stock ruleset", "T1021.004 stock ruleset"}, idsAndSources(out.Techniques)); diff != "" {
		t.Errorf("techniques (-want +got):\n%s", diff)
	}
	if p := out.Platforms[0]; p.Status != soc.Failed || !strings.Contains(p.Error, "cannot reach") {
		t.Errorf("wazuh is %+v, want it to have failed with a reason", p)
	}
}

func TestCrossCorrelateAsksAllPlatforms(t *testing.T) {
	t.Parallel()
	out, err := newSite(t).soc.CrossCorrelate(t.Context(), soc.CrossCorrelateInput{Techniques: []string{"T1110", "t1078", "T1110"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"T1110 input", "T1078 input"}, idsAndSources(out.Techniques)); diff != "" {
		t.Errorf("techniques (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"wazuh answered", "thehive answered", "misp answered"}, statuses(out.Platforms)); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	if len(out.Wazuh.Alerts) != 10 || out.Wazuh.Total <= 10 || len(out.TheHive.Cases) == 0 || len(out.MISP.Events) == 0 {
		t.Errorf("%d of %d alerts, %d cases, %d events; want ten of more, and some of each", len(out.Wazuh.Alerts), out.Wazuh.Total, len(out.TheHive.Cases), len(out.MISP.Events))
	}
	for _, g := range out.Groups {
		if len(g.Shared) == 0 || g.Uses < 1 || g.Score == 0 {
			t.Errorf("group %+v", g)
		}
	}
}

func TestCrossCorrelateNamesWhoDidNotAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *soc.Config) {
		c.MISP = nil
		down, err := thehive.New(thehive.Config{BaseURL: "http://127.0.0.1:1", APIKey: "key", Guard: c.Guard})
		if err != nil {
			t.Fatal(err)
		}
		c.TheHive = down
	})
	out, err := s.soc.CrossCorrelate(t.Context(), soc.CrossCorrelateInput{Techniques: []string{"T1110"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"wazuh answered", "thehive failed", "misp not configured"}, statuses(out.Platforms)); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	if len(out.Wazuh.Alerts) == 0 || out.Platforms[1].Error == "" {
		t.Errorf("the others' hits must stand, and the reason be told: %+v", out.Platforms)
	}
	out, err = s.soc.CrossCorrelate(t.Context(), soc.CrossCorrelateInput{Techniques: []string{"T1685", "T1110"}})
	if err != nil || len(out.Techniques) != 1 || !slices.Equal(out.Unknown, []string{"T1685"}) || !strings.Contains(out.Note, "mitre_update_data") {
		t.Errorf("with an unknown technique: %+v, %v", out, err)
	}
	if _, err := s.soc.CrossCorrelate(t.Context(), soc.CrossCorrelateInput{Techniques: []string{"T9999"}}); !errors.Is(err, attack.ErrNotFound) || !strings.Contains(err.Error(), "T9999") {
		t.Errorf("an unknown technique: %v", err)
	}
}

func TestEnrichReadsFreelyAndTagsOnceApproved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	op := s.op(t, "mitre_thehive_enrich")
	in := soc.EnrichCaseInput{CaseID: thehivetest.BruteForceCase, Techniques: []string{"T1021.004"}}

	res, err := op.Do(t.Context(), s.gate.Guard, &in)
	if err != nil || res.State != gate.StateRead {
		t.Fatalf("without addTags: %+v, %v; want a read", res, err)
	}
	out := res.Out.(*soc.EnrichCaseOutput)
	if sources := idsAndSources(out.Techniques); sources[0] != "T1021.004 input" || !slices.Contains(sources, "T1110 procedure") {
		t.Errorf("techniques are %v", sources)
	}
	for _, e := range s.rec.Take() {
		if e.Tier != gate.TierRead {
			t.Errorf("a read used %s", e)
		}
	}

	in.AddTags = true
	if res, err = op.Do(t.Context(), s.gate.Guard, &in); err != nil || res.State != gate.StatePending {
		t.Fatalf("with addTags: %+v, %v; want it to wait", res, err)
	}
	s.gate.Approve(res.Proposal.ID)
	if res, err = op.Do(t.Context(), s.gate.Guard, &in); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("once approved: %+v, %v", res, err)
	}
	if out := res.Out.(*soc.EnrichCaseOutput); !slices.Contains(out.TagsAdded, "mitre:T1021.004") || !slices.Contains(out.Case.Tags, "mitre:T1021.004") {
		t.Errorf("tags added %v, now %v", out.TagsAdded, out.Case.Tags)
	}
}

func TestAGuessedTechniqueIsNeverWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.hive.Add("Case", "", thehivetest.Object{"title": "Scheduled task on a server", "description": "Nothing known yet."})
	res, err := s.op(t, "mitre_thehive_enrich").Do(t.Context(), s.gate.Guard, &soc.EnrichCaseInput{CaseID: id, AddTags: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range res.Proposal.Plan.Changes {
		t.Errorf("the plan has %+v; want none", c)
	}
}

func TestCreateCaseIsADryRunUntilConfirmedAndRunsAsPlanned(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	op := s.op(t, "mitre_thehive_create_case")
	in := soc.CreateCaseInput{
		Title: "Guessed password", Techniques: []string{"T1110", "T1078"},
		Observables: []soc.Observable{{DataType: "ip", Data: "198.51.100.23", IOC: true}},
	}
	dry, err := op.Do(t.Context(), s.gate.Guard, &in)
	if err != nil || dry.State != gate.StateDryRun || dry.Proposal.ID != "" {
		t.Fatalf("unconfirmed: %+v, %v; want a dry run", dry, err)
	}
	in.Confirm = true
	pending, err := op.Do(t.Context(), s.gate.Guard, &in)
	if err != nil || pending.State != gate.StatePending {
		t.Fatalf("confirmed: %+v, %v; want it to wait", pending, err)
	}
	if diff := cmp.Diff(dry.Proposal.Plan, pending.Proposal.Plan); diff != "" {
		t.Errorf("dry run and proposal differ (-dry +proposal):\n%s", diff)
	}
	for _, e := range s.rec.Take() {
		if e.Tier != gate.TierRead {
			t.Errorf("before approval %s was used", e)
		}
	}
	s.gate.Approve(pending.Proposal.ID)
	done, err := op.Do(t.Context(), s.gate.Guard, &in)
	if err != nil || done.State != gate.StateExecuted {
		t.Fatalf("approved: %+v, %v", done, err)
	}
	out := done.Out.(*soc.CreateCaseOutput)
	planned := map[string][]string{}
	for _, c := range pending.Proposal.Plan.Changes {
		planned[c.Field] = append(planned[c.Field], c.After)
	}
	var tasks []string
	for _, task := range out.Tasks {
		tasks = append(tasks, task.Title)
	}
	if diff := cmp.Diff(planned["task"], tasks); diff != "" {
		t.Errorf("tasks (-planned +made):\n%s", diff)
	}
	if diff := cmp.Diff(planned["tags"], []string{strings.Join(out.Case.Tags, ", ")}); diff != "" {
		t.Errorf("tags (-planned +made):\n%s", diff)
	}
	if diff := cmp.Diff(planned["description"], []string{out.Case.Description}); diff != "" {
		t.Errorf("description (-planned +made):\n%s", diff)
	}
	if len(out.Observables) != 1 || out.Observables[0].Data != "198.51.100.23" || len(out.Failed) != 0 {
		t.Errorf("observables %v, failed %v", out.Observables, out.Failed)
	}
}

func TestTheOperatorCanAuthoriseCreateCaseBeforehand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.gate.Setenv("MITRE_SOC_ALLOW_WRITES", "true")
	res, err := s.op(t, "mitre_thehive_create_case").Do(t.Context(), s.gate.Guard, &soc.CreateCaseInput{Title: "Authorised", Techniques: []string{"T1110"}})
	if err != nil || res.State != gate.StateExecuted {
		t.Errorf("%+v, %v; want it to run", res, err)
	}
}

func TestWithoutTheHiveItsOperationsSaySo(t *testing.T) {
	t.Parallel()
	if _, err := alone(t).EnrichCase(t.Context(), soc.EnrichCaseInput{CaseID: "~1"}); err == nil || !strings.Contains(err.Error(), "TheHive is not configured") {
		t.Errorf("err = %v", err)
	}
}

func TestTheTableIsTrue(t *testing.T) {
	s := newSite(t)
	gatetest.Complete(t, s.soc, s.soc.Ops())
	gatetest.Lint(t, s.soc.Ops())
	beside := slices.Concat(s.hive.Client().Ops(), s.cortex.Client().Ops(), s.misp.Client().Ops())
	evidence.Check(t, s.gate, s.rec, s.soc.Ops(), []evidence.Call{
		{Op: "mitre_wazuh_status", Args: `{}`},
		{Op: "mitre_wazuh_alerts", Args: `{"limit":3}`},
		{Op: "mitre_wazuh_rule_coverage", Args: `{"alerts":true,"cases":true}`},
		{Op: "mitre_soc_coverage", Args: `{"groups":["APT29"]}`},
		{Op: "mitre_thehive_list_cases", Args: `{"techniqueFilter":"T1110"}`},
		{Op: "mitre_cortex_analyzer_coverage", Args: `{}`},
		{Op: "mitre_cortex_run_analyzers", Args: `{"data":"198.51.100.23","dataType":"ip","analyzers":["Abuse_Finder_3_0"],"confirm":true}`},
		{Op: "mitre_misp_event_to_attack", Args: `{"eventId":"1"}`},
		{Op: "mitre_misp_search_indicators", Args: `{"techniqueId":"T1110"}`},
		{Op: "mitre_misp_list_events", Args: `{}`},
		{Op: "mitre_misp_create_event", Args: `{"info":"Evidence","techniques":["T1110"],"attributes":[{"type":"ip-src","value":"198.51.100.77"}],"confirm":true}`},
		{Op: "mitre_soc_status", Args: `{}`},
		{Op: "soc_handover", Args: `{"page":"markdown"}`},
		{Op: "soc_evidence_bundle", Args: `{"alertId":"` + wazuhtest.AlertFailThenWin + `","caseId":"` + thehivetest.BruteForceCase + `"}`},
		{Op: "mitre_map_wazuh_alert", Args: `{"ruleId":5710}`},
		{Op: "mitre_cross_correlate", Args: `{"techniques":["T1110","T1078"]}`},
		{Op: "mitre_thehive_enrich", Args: `{"caseId":"` + thehivetest.BruteForceCase + `","techniques":["T1078"],"addTags":true}`},
		{Op: "mitre_thehive_create_case", Args: `{"title":"Evidence","techniques":["T1110"],"observables":[{"dataType":"ip","data":"198.51.100.23"}],"confirm":true}`},
	}, beside...)
}

func TestRuleThatNamesATacticAnswersIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *soc.Config) { c.Wazuh = nil })
	for rule, want := range map[int]struct {
		tactics    []attack.Ref
		techniques int
		note       string
	}{
		99522: {[]attack.Ref{{ID: "TA0011", Name: "Command and Control"}}, 0, "the rule names a tactic and no technique"},
		99612: {[]attack.Ref{{ID: "TA0006", Name: "Credential Access"}}, -1, ""},
		99701: {nil, 0, "$(threat.software.id) is a variable"},
		1:     {nil, 0, "there are no words to guess from"},
	} {
		out, err := s.soc.MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{RuleID: rule})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.tactics, out.Tactics); diff != "" {
			t.Errorf("%d: tactics (-want +got):\n%s", rule, diff)
		}
		if want.techniques >= 0 && len(out.Techniques) != want.techniques || want.techniques < 0 && len(out.Techniques) == 0 || len(out.Unknown) > 0 {
			t.Errorf("%d: techniques %v, unknown %v", rule, out.Techniques, out.Unknown)
		}
		if !strings.Contains(out.Note, want.note) || want.note == "" && out.Note != "" {
			t.Errorf("%d: note is %q, want %q", rule, out.Note, want.note)
		}
	}
}

func TestARuleThatThereIsntIsSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	down := newSite(t, func(c *soc.Config) {
		w, err := wazuh.New(wazuh.Config{BaseURL: "http://127.0.0.1:1", Username: "u", Password: "password", Guard: c.Guard})
		if err != nil {
			t.Fatal(err)
		}
		c.Wazuh = w
	})
	for _, tt := range []struct {
		name       string
		c          *soc.Client
		in         soc.MapWazuhAlertInput
		note       string
		techniques int
	}{
		{"neither here nor shipped", s.soc, soc.MapWazuhAlertInput{RuleID: 999999}, "this Wazuh has no rule 999999; no rule names a technique for this, and there are no words to guess from; Wazuh ships no rule 999999", 0},
		{"shipped and not here", s.soc, soc.MapWazuhAlertInput{RuleID: 99612}, "this Wazuh has no rule 99612; what is known of rule 99612 is of the one that Wazuh ships", 3},
		{"without a Wazuh", alone(t), soc.MapWazuhAlertInput{RuleID: 999999}, "Wazuh ships no rule 999999", 0},
		{"with a Wazuh that is down", down.soc, soc.MapWazuhAlertInput{RuleID: 999999}, "Wazuh ships no rule 999999", 0},
		{"no such alert", s.soc, soc.MapWazuhAlertInput{AlertID: "1700000000.1"}, "this Wazuh has no alert 1700000000.1; no rule names a technique", 0},
		{"no such alert of no such rule", s.soc, soc.MapWazuhAlertInput{AlertID: "1700000000.1", RuleID: 999999}, "this Wazuh has no alert 1700000000.1 and no rule 999999; ", 0},
	} {
		out, err := tt.c.MapWazuhAlert(t.Context(), tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.Note, tt.note) || len(out.Techniques) != tt.techniques {
			t.Errorf("%s: note %q with %v, want %q", tt.name, out.Note, idsAndSources(out.Techniques), tt.note)
		}
	}
	if out, err := s.soc.MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{RuleID: 5710}); err != nil || out.Note != "" {
		t.Errorf("a rule that there is: %+v, %v", out, err)
	}
	if out, err := s.soc.WazuhRuleCoverage(t.Context(), soc.WazuhRuleCoverageInput{RuleGroup: "no_such"}); !errors.Is(err, wazuh.ErrNotFound) || !strings.Contains(err.Error(), "no_such") {
		t.Errorf("a group that there isn't: %+v, %v", out, err)
	}
	if out, err := s.soc.WazuhRuleCoverage(t.Context(), soc.WazuhRuleCoverageInput{RuleGroup: "SSHD"}); err != nil || out.Rules == 0 {
		t.Errorf("a group in capitals: %+v, %v", out, err)
	}
	if out, err := s.soc.WazuhRuleCoverage(t.Context(), soc.WazuhRuleCoverageInput{RuleGroup: "sshd", Level: 16}); err != nil || out.Rules != 0 || !strings.Contains(out.Note, "no loaded rule matches") {
		t.Errorf("a level that none has: %+v, %v", out, err)
	}
}

// TestWhatIsNamedWrongIsSaidAcrossPlatforms holds what the platforms' own clients say of a
// name that there isn't.
func TestWhatIsNamedWrongIsSaidAcrossPlatforms(t *testing.T) {
	t.Parallel()
	c := newSite(t).soc
	if out, err := c.SearchIndicators(t.Context(), soc.SearchIndicatorsInput{IndicatorType: "ip"}); err != nil || !strings.Contains(out.Note, `there is no attribute type "ip"`) {
		t.Errorf("indicators: %+v, %v", out, err)
	}
	if out, err := c.ListEvents(t.Context(), soc.ListEventsInput{SearchTag: "TLP:AMBER"}); err != nil || !strings.Contains(out.Note, "there is tlp:amber") {
		t.Errorf("events: %+v, %v", out, err)
	}
	if out, err := c.WazuhAlerts(t.Context(), soc.WazuhAlertsInput{AgentID: "999"}); err != nil || !strings.Contains(out.Note, "no agent 999") {
		t.Errorf("alerts: %+v, %v", out, err)
	}
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, guarded(t, g).Ops()...)
	res := mcptest.Call(t, cs, "mitre_thehive_create_case", `{"title":"x","techniques":["T1110"],"observables":[{"dataType":"ipv4","data":"198.51.100.1"}],"confirm":true}`)
	if text := mcptest.Text(res); !res.IsError || !strings.Contains(text, "observables[0]: ") || !strings.Contains(text, "isn't one of this server") || strings.Contains(text, "platform said") {
		t.Errorf("case: %s", text)
	}
}
