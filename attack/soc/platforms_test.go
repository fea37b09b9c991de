package soc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// down makes the site's platforms ones that don't answer.
func down(t *testing.T) func(*soc.Config) {
	t.Helper()
	const nowhere = "http://127.0.0.1:1"
	return func(c *soc.Config) {
		var err1, err2, err3, err4 error
		c.Wazuh, err1 = wazuh.New(wazuh.Config{BaseURL: nowhere, Username: "u", Password: "password", Guard: c.Guard})
		c.TheHive, err2 = thehive.New(thehive.Config{BaseURL: nowhere, APIKey: "key-of-the-hive", Guard: c.Guard})
		c.Cortex, err3 = cortex.New(cortex.Config{BaseURL: nowhere, APIKey: "key-of-cortex", Guard: c.Guard})
		c.MISP, err4 = misp.New(misp.Config{BaseURL: nowhere, APIKey: "key-of-misp", Guard: c.Guard})
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStatusIsOfAllFourAndNamesEachFailure(t *testing.T) {
	t.Parallel()
	out, err := newSite(t).soc.Status(t.Context(), soc.StatusInput{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"wazuh answered", "thehive answered", "cortex answered", "misp answered"}, statuses(out.Platforms)); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	for _, p := range out.Platforms {
		if p.Detail == "" {
			t.Errorf("%s tells nothing of itself", p.Platform)
		}
	}
	if len(out.ATTACK) != 1 || out.ATTACK[0].Version != "18.1" {
		t.Errorf("ATT&CK %+v", out.ATTACK)
	}
	if out, err = newSite(t, down(t)).soc.Status(t.Context(), soc.StatusInput{}); err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Platforms {
		if p.Status != soc.Failed || p.Error == "" {
			t.Errorf("%+v, want it to have failed with a reason", p)
		}
	}
	if out, err = alone(t).Status(t.Context(), soc.StatusInput{}); err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Platforms {
		if p.Status != soc.NotConfigured {
			t.Errorf("%+v, want it not to be configured", p)
		}
	}
}

func TestPlatformsThatAreMissingOrDownAreErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		platform string
		call     func(*soc.Client) error
	}{
		{"Wazuh", func(c *soc.Client) error { _, err := c.WazuhStatus(t.Context(), soc.WazuhStatusInput{}); return err }},
		{"Wazuh", func(c *soc.Client) error { _, err := c.WazuhAlerts(t.Context(), soc.WazuhAlertsInput{}); return err }},
		{"Wazuh", func(c *soc.Client) error {
			_, err := c.WazuhRuleCoverage(t.Context(), soc.WazuhRuleCoverageInput{})
			return err
		}},
		{"TheHive", func(c *soc.Client) error { _, err := c.ListCases(t.Context(), soc.ListCasesInput{}); return err }},
		{"TheHive", func(c *soc.Client) error {
			_, err := c.ListCases(t.Context(), soc.ListCasesInput{TechniqueFilter: "T1110"})
			return err
		}},
		{"Cortex", func(c *soc.Client) error {
			_, err := c.CortexCoverage(t.Context(), soc.CortexCoverageInput{})
			return err
		}},
		{"Cortex", func(c *soc.Client) error {
			_, err := c.RunAnalyzers(t.Context(), soc.RunAnalyzersInput{Data: "198.51.100.23", DataType: "ip", Analyzers: []string{"x"}})
			return err
		}},
		{"MISP", func(c *soc.Client) error {
			_, err := c.EventToAttack(t.Context(), soc.EventToAttackInput{EventID: "1"})
			return err
		}},
		{"MISP", func(c *soc.Client) error { _, err := c.ListEvents(t.Context(), soc.ListEventsInput{}); return err }},
		{"MISP", func(c *soc.Client) error {
			_, err := c.SearchIndicators(t.Context(), soc.SearchIndicatorsInput{TechniqueID: "T1110"})
			return err
		}},
	} {
		if err := tt.call(alone(t)); err == nil || !strings.Contains(err.Error(), tt.platform+" is not configured") {
			t.Errorf("%s is missing: %v", tt.platform, err)
		}
		if err := tt.call(newSite(t, down(t)).soc); err == nil || strings.Contains(err.Error(), "not configured") {
			t.Errorf("%s is down: %v", tt.platform, err)
		}
	}
}

func TestWazuhIsAskedWhatItHas(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status, err := s.soc.WazuhStatus(t.Context(), soc.WazuhStatusInput{})
	if err != nil {
		t.Fatal(err)
	}
	if status.Version == "" || status.Agents == nil || status.Agents.Active == 0 || status.Rules == nil || *status.Rules == 0 || status.Alerts == nil || len(status.Failed) != 0 {
		t.Errorf("status %+v", status)
	}
	alerts, err := s.soc.WazuhAlerts(t.Context(), soc.WazuhAlertsInput{Limit: 5, Level: 7})
	if err != nil {
		t.Fatal(err)
	}
	if len(alerts.Alerts) == 0 || alerts.Total < len(alerts.Alerts) {
		t.Errorf("%d of %d alerts", len(alerts.Alerts), alerts.Total)
	}
	for _, a := range alerts.Alerts {
		if a.Alert.Rule.Level < 7 {
			t.Errorf("alert %s has level %d", a.Alert.ID, a.Alert.Rule.Level)
		}
		if a.Alert.Rule.MITRE != nil && len(a.Techniques) == 0 {
			t.Errorf("alert %s names %v and gets no technique", a.Alert.ID, a.Alert.Rule.MITRE.ID)
		}
	}
}

func TestRuleCoverageReadsAllPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before, err := s.soc.WazuhRuleCoverage(t.Context(), soc.WazuhRuleCoverageInput{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1203 {
		rule := wazuhtest.Object{
			"id": 200000 + i, "level": 3, "description": "Many", "status": "enabled", "filename": "many.xml", "relative_dirname": "etc/rules",
			"groups": []string{"many"}, "mitre": []string{}, "details": wazuhtest.Object{},
		}
		if i == 1202 {
			rule["mitre"] = []string{"T1595.003", "T1086", "T9999"}
		}
		s.wazuh.AddRule(rule)
	}
	out, err := s.soc.WazuhRuleCoverage(t.Context(), soc.WazuhRuleCoverageInput{Alerts: true, Cases: true})
	if err != nil {
		t.Fatal(err)
	}
	if out.Rules != before.Rules+1203 || out.Mapped != before.Mapped+1 || out.Total != 691 || out.Parents.Total != 216 {
		t.Errorf("%d rules, %d mapped, of %d and %d; want %d and %d more of 691 and 216", out.Rules, out.Mapped, out.Total, out.Parents.Total, before.Rules+1203, before.Mapped+1)
	}
	if !slices.Equal(out.Unknown, []string{"T9999"}) {
		t.Errorf("unknown %v", out.Unknown)
	}
	if out.Covered < before.Covered+1 || out.Covered > out.Total || out.Parents.Covered > out.Parents.Total {
		t.Errorf("%d covered after %d", out.Covered, before.Covered)
	}
	if out.AlertsSeen == nil || out.AlertsSeen.Looked == 0 || out.AlertsSeen.Techniques.Total == 0 {
		t.Errorf("alerts seen %+v", out.AlertsSeen)
	}
	if out.CasesSeen == nil || !slices.ContainsFunc(out.CasesSeen.Techniques.Items, func(c soc.RuleCount) bool { return c.ID == "T1110" }) {
		t.Errorf("cases seen %+v", out.CasesSeen)
	}
	only, err := s.soc.WazuhRuleCoverage(t.Context(), soc.WazuhRuleCoverageInput{RuleGroup: "many"})
	if err != nil {
		t.Fatal(err)
	}
	if only.Rules != 1203 || only.Mapped != 1 || only.Covered != 2 || only.Techniques.Total != 2 {
		t.Errorf("of one group: %+v", only)
	}
}

func TestHintsAreTheRulesOwn(t *testing.T) {
	t.Parallel()
	// 60106 and 5501 are logins that succeeded, 5715 is one over SSH.
	for rule, want := range map[int]string{60106: "T1078", 5501: "T1078", 5715: "T1078"} {
		out, err := alone(t).MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{RuleID: rule})
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range out.Techniques {
			if found.Source != soc.FromStock {
				t.Errorf("rule %d: %s is from %s", rule, found.ID, found.Source)
			}
		}
		if !slices.ContainsFunc(out.Techniques, func(x soc.Technique) bool { return strings.HasPrefix(x.ID, want) }) {
			t.Errorf("rule %d is %v, want %s", rule, idsAndSources(out.Techniques), want)
		}
	}
	// 2501 and 80700 are of syslog and auditd and name nothing: their number alone means nothing.
	for _, rule := range []int{2501, 80700} {
		out, err := alone(t).MapWazuhAlert(t.Context(), soc.MapWazuhAlertInput{RuleID: rule})
		if err != nil || len(out.Techniques) != 0 {
			t.Errorf("rule %d is %v, %v", rule, idsAndSources(out.Techniques), err)
		}
	}
}

func TestCasesAreFilteredByTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	all, err := s.soc.ListCases(t.Context(), soc.ListCasesInput{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	of, err := s.soc.ListCases(t.Context(), soc.ListCasesInput{TechniqueFilter: "t1110"})
	if err != nil {
		t.Fatal(err)
	}
	if len(of.Cases) == 0 || len(of.Cases) > len(all.Cases) {
		t.Errorf("%d of %d cases are about T1110", len(of.Cases), len(all.Cases))
	}
	for _, status := range []string{"Closed", "Resolved", "open"} {
		closed, err := s.soc.ListCases(t.Context(), soc.ListCasesInput{Status: status})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(closed.Note, "no status "+status) || len(closed.Cases) == 0 {
			t.Errorf("%d cases, note %q", len(closed.Cases), closed.Note)
		}
		of, err := s.soc.ListCases(t.Context(), soc.ListCasesInput{Status: status, TechniqueFilter: "T1110"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range append(closed.Cases, of.Cases...) {
			if (c.Case.Stage == "Closed") != (status != "open") {
				t.Errorf("case %d is %s", c.Case.Number, c.Case.Stage)
			}
		}
	}
	fresh, err := s.soc.ListCases(t.Context(), soc.ListCasesInput{Status: "New", TechniqueFilter: "T1110"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range fresh.Cases {
		if c.Case.Status != "New" {
			t.Errorf("case %d is %s", c.Case.Number, c.Case.Status)
		}
	}
	if _, err := s.soc.ListCases(t.Context(), soc.ListCasesInput{TechniqueFilter: "T9999"}); !errors.Is(err, attack.ErrNotFound) {
		t.Errorf("an unknown technique: %v", err)
	}
}

func TestDotsAreNoCase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, id := range []string{"..", ".", "", "a/b"} {
		s.rec.Take()
		if _, err := s.soc.EnrichCase(t.Context(), soc.EnrichCaseInput{CaseID: id}); err == nil {
			t.Errorf("case %q is read", id)
		}
		if seen := s.rec.Take(); len(seen) > 0 {
			t.Errorf("case %q: sent %v", id, seen)
		}
	}
}

func TestClearIsClear(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	clear := thehive.TLP(0)
	in := soc.CreateCaseInput{Title: "Clear", Techniques: []string{"T1110"}, TLP: &clear}
	in.Confirm = true
	out := executed[*soc.CreateCaseOutput](t, s, "mitre_thehive_create_case", &in)
	if out.Case.TLP != 0 {
		t.Errorf("TLP is %v, want CLEAR", out.Case.TLP)
	}
}

// executed runs an operation that waits for an approval.
func executed[Out any](t *testing.T, s *site, name string, in any) Out {
	t.Helper()
	op := s.op(t, name)
	res, err := op.Do(t.Context(), s.gate.Guard, in)
	if err != nil || res.State != gate.StatePending {
		t.Fatalf("%s: %+v, %v; want it to wait", name, res, err)
	}
	s.gate.Approve(res.Proposal.ID)
	if res, err = op.Do(t.Context(), s.gate.Guard, in); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%s: %+v, %v; want it done", name, res, err)
	}
	return res.Out.(Out)
}

// dry runs an operation that isn't confirmed and returns its plan. Nothing may
// have been written.
func dry(t *testing.T, s *site, name string, in any) gate.Plan {
	t.Helper()
	s.rec.Take()
	res, err := s.op(t, name).Do(t.Context(), s.gate.Guard, in)
	if err != nil || res.State != gate.StateDryRun {
		t.Fatalf("%s unconfirmed: %+v, %v; want a dry run", name, res, err)
	}
	for _, e := range s.rec.Take() {
		if e.Tier != gate.TierRead {
			t.Errorf("a dry run used %s", e)
		}
	}
	return res.Proposal.Plan
}

func TestCortexCoverageFollowsTheAnalyzers(t *testing.T) {
	t.Parallel()
	out, err := newSite(t).soc.CortexCoverage(t.Context(), soc.CortexCoverageInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Analyzers) == 0 || !slices.Contains(out.DataSources, "Network Traffic") || out.Total != 691 || out.Detectable < 221 || out.Note == "" {
		t.Errorf("coverage %+v", out)
	}
}

func TestAnalyzersRunAsTheDryRunSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := soc.RunAnalyzersInput{Data: "198.51.100.23", DataType: "ip", Analyzers: []string{"abuse_finder_3_0"}}
	plan := dry(t, s, "mitre_cortex_run_analyzers", &in)
	if len(plan.Targets) != 1 || len(plan.Egress) != 1 || len(s.cortex.Submissions()) != 0 {
		t.Errorf("plan %+v, submitted %v", plan, s.cortex.Submissions())
	}
	in.Confirm = true
	out := executed[*soc.RunAnalyzersOutput](t, s, "mitre_cortex_run_analyzers", &in)
	if len(out.Analysis.Results) != 1 || out.Analysis.Results[0].AnalyzerID != plan.Targets[0].ID || len(s.cortex.Submissions()) != 1 {
		t.Errorf("ran %+v, planned %+v", out.Analysis.Results, plan.Targets)
	}
	for _, x := range out.Techniques {
		if x.Source != soc.FromGuess {
			t.Errorf("a hint is from %s", x.Source)
		}
	}
}

func TestWhatMustNotLeaveIsRefusedInTheDryRunToo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	red := cortex.TLPRed
	for name, in := range map[string]soc.RunAnalyzersInput{
		"an internal address": {Data: "10.0.0.5", DataType: "ip", Analyzers: []string{"Abuse_Finder_3_0"}},
		"what is RED":         {Data: "198.51.100.23", DataType: "ip", Analyzers: []string{"Abuse_Finder_3_0"}, TLP: &red},
		"an unknown analyzer": {Data: "198.51.100.23", DataType: "ip", Analyzers: []string{"Nope_1_0"}},
		"no analyzer":         {Data: "198.51.100.23", DataType: "ip"},
		"a file as text":      {Data: "C:/x.exe", DataType: "file", Analyzers: []string{"FileInfo_8_0"}},
	} {
		res, err := s.op(t, "mitre_cortex_run_analyzers").Do(t.Context(), s.gate.Guard, &in)
		if err == nil {
			t.Errorf("%s: %+v", name, res)
		}
		in.Confirm = true
		if _, err := s.op(t, "mitre_cortex_run_analyzers").Do(t.Context(), s.gate.Guard, &in); err == nil {
			t.Errorf("%s, confirmed, is proposed", name)
		}
	}
	if n := len(s.cortex.Submissions()); n != 0 {
		t.Errorf("%d submissions", n)
	}
}

func TestAnEventIsReadDownToItsObjects(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out, err := s.soc.EventToAttack(t.Context(), soc.EventToAttackInput{EventID: misptest.BruteForceEvent})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(idsAndSources(out.Techniques), "T1110 tag") || len(out.Components) == 0 || len(out.Groups) == 0 {
		t.Errorf("techniques %v, components %v", idsAndSources(out.Techniques), out.Components)
	}
	scan, err := s.soc.EventToAttack(t.Context(), soc.EventToAttackInput{EventID: misptest.ScanEvent})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(scan.Indicators.Items, func(i soc.Indicator) bool { return i.Role != "" }) {
		t.Errorf("indicators %+v, want those in objects", scan.Indicators)
	}
	if _, err := s.soc.EventToAttack(t.Context(), soc.EventToAttackInput{EventID: "99999"}); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
}

func TestTagsAreThoseOfTheGalaxy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out, err := s.soc.SearchIndicators(t.Context(), soc.SearchIndicatorsInput{TechniqueID: "T1566"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(out.Tags, `misp-galaxy:%- T1566"`) || !slices.Contains(out.Tags, `misp-galaxy:%- T1566.001"`) || len(out.Indicators) == 0 {
		t.Errorf("tags %v, %d indicators", out.Tags, len(out.Indicators))
	}
	group, err := s.soc.SearchIndicators(t.Context(), soc.SearchIndicatorsInput{GroupName: "Fancy Bear"})
	if err != nil {
		t.Fatal(err)
	}
	if group.Tags[0] != `misp-galaxy:%- G0007"` || !slices.Contains(group.Tags, `misp-galaxy:threat-actor="Sofacy"`) || len(group.Indicators) != 0 {
		t.Errorf("tags %v, %d indicators", group.Tags, len(group.Indicators))
	}
	s.misp.Requests()
	for name, in := range map[string]soc.SearchIndicatorsInput{
		"an unknown technique": {TechniqueID: "T9999"}, "an unknown group": {GroupName: "Nobody at all"},
		"nothing": {}, "both": {TechniqueID: "T1566", GroupName: "APT28"},
	} {
		if out, err := s.soc.SearchIndicators(t.Context(), in); err == nil {
			t.Errorf("%s finds %+v", name, out)
		}
	}
	if r := s.misp.Requests(); len(r) > 0 {
		t.Errorf("sent %v", r)
	}
	events, err := s.soc.ListEvents(t.Context(), soc.ListEventsInput{SearchTag: `misp-galaxy:mitre-attack-pattern="Phishing - T1566"`})
	if err != nil {
		t.Fatal(err)
	}
	if len(events.Events) == 0 || len(events.Events[0].Techniques) == 0 || events.Events[0].Techniques[0].ID != "T1566" {
		t.Errorf("events %+v", events.Events)
	}
}

func TestAnEventSaysWhichTagsWereRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	yes := true
	in := soc.CreateEventInput{Info: "Guessed password", Techniques: []string{"T1110", "T1086"}, ThreatLevel: "high",
		Attributes: []misp.NewAttribute{{Type: "ip-src", Value: "198.51.100.99", ToIDs: &yes}, {Type: "sha256", Value: "not a hash"}}}
	plan := dry(t, s, "mitre_misp_create_event", &in)
	planned := map[string]string{}
	for _, c := range plan.Changes {
		planned[c.Field] = c.After
	}
	want := []string{`misp-galaxy:mitre-attack-pattern="Brute Force - T1110"`} // the fake has no cluster of PowerShell
	if planned["tags"] != strings.Join(want, ", ") || !strings.Contains(planned["attribute 1"], "198.51.100.99") || !strings.Contains(planned["attribute 2"], "not a hash") {
		t.Errorf("planned %v, want the tags %q and both attributes", planned, want)
	}
	in.Confirm = true
	out := executed[*soc.CreateEventOutput](t, s, "mitre_misp_create_event", &in)
	// The fake, as MISP, refuses tags that it doesn't have to a key that may not make any.
	refused := 0
	for i, tag := range out.Event.Tags {
		if tag.Tag != want[i] {
			t.Errorf("tag %+v, want %s", tag, want[i])
		}
		if tag.Status == misp.TagRefused {
			refused++
			if !slices.ContainsFunc(out.Failed, func(f string) bool { return strings.Contains(f, want[i]) }) {
				t.Errorf("%s was refused, and the answer has only %v", want[i], out.Failed)
			}
		}
	}
	if out.Attributes == nil || out.Attributes.Added != 1 || len(out.Failed) != 2+refused || !strings.Contains(out.Failed[0], "T1059.001") || !strings.Contains(out.Failed[1+refused], "not a hash") {
		t.Errorf("attributes %+v, failed %v", out.Attributes, out.Failed)
	}
	if s.misp.Published(string(out.Event.Event.ID)) {
		t.Error("the event is published")
	}
	for name, in := range map[string]soc.CreateEventInput{
		"an unknown technique": {Info: "x", Techniques: []string{"T9999"}},
		"an unknown level":     {Info: "x", Techniques: []string{"T1110"}, ThreatLevel: "awful"},
		"a blank title":        {Info: " ", Techniques: []string{"T1110"}},
		"a sharing group":      {Info: "x", Techniques: []string{"T1110"}, Distribution: 4},
	} {
		in.Confirm = true
		if res, err := s.op(t, "mitre_misp_create_event").Do(t.Context(), s.gate.Guard, &in); err == nil {
			t.Errorf("%s: %s", name, res.State)
		}
	}
}

// The same title on the same day is the same event: it is not made, and what is
// added to it takes it out of circulation.
func TestAPlanForAnEventThatIsThereAlreadyShowsIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := published(t, s, "Phishing wave")
	yes := true
	in := soc.CreateEventInput{Info: "Phishing wave", Techniques: []string{"T1110"}, ThreatLevel: "high", Distribution: 3,
		Attributes: []misp.NewAttribute{{Type: "ip-src", Value: "198.51.100.99", ToIDs: &yes}}}
	plan := dry(t, s, "mitre_misp_create_event", &in)
	if len(plan.Targets) != 1 || plan.Targets[0].ID != id {
		t.Errorf("targets %+v, want event %s", plan.Targets, id)
	}
	if !slices.ContainsFunc(plan.Changes, func(c gate.Change) bool { return c.Field == "published" && c.After == "no" }) {
		t.Errorf("changes %+v, want that it is unpublished", plan.Changes)
	}
	warnings := strings.Join(plan.Warnings, "\n")
	for _, want := range []string{"unpublishes it", "event's distribution is", "event's threat level is low and stays so"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings %q lack %q", plan.Warnings, want)
		}
	}
	if strings.Contains(plan.Summary, "Make") || strings.Contains(plan.Undo, "Delete the event") {
		t.Errorf("summary %q, undo %q; the event is not made by this call", plan.Summary, plan.Undo)
	}
	in.Confirm = true
	out := executed[*soc.CreateEventOutput](t, s, "mitre_misp_create_event", &in)
	if string(out.Event.Event.ID) != id || !out.Event.Existing || s.misp.Published(id) {
		t.Errorf("event %s, existing %t, published %t; want what the plan said", out.Event.Event.ID, out.Event.Existing, s.misp.Published(id))
	}
}

// published makes and publishes an event as a colleague would, and returns its id.
func published(t *testing.T, s *site, title string) string {
	t.Helper()
	c := s.misp.Client()
	e, err := c.CreateEvent(t.Context(), misp.CreateEventInput{Info: title, Distribution: 1, ThreatLevel: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PublishEvent(t.Context(), misp.PublishEventInput{EventID: misp.EventRef(e.Event.ID)}); err != nil {
		t.Fatal(err)
	}
	return string(e.Event.ID)
}

func TestAPlanForAnEventAsksTheWarninglists(t *testing.T) {
	t.Parallel()
	yes := true
	in := soc.CreateEventInput{Info: "x", Techniques: []string{"T1110"}, Attributes: []misp.NewAttribute{{Type: "ip-dst", Value: "8.8.8.8", ToIDs: &yes}}}
	plan := dry(t, newSite(t), "mitre_misp_create_event", &in)
	if !slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, "8.8.8.8 is on the warninglist") }) {
		t.Errorf("warnings %q, want that 8.8.8.8 is on a warninglist", plan.Warnings)
	}
}

func TestWhatIsProtectedBecomesNoIndicatorOfAnEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := soc.CreateEventInput{Info: "x", Techniques: []string{"T1110"}, Attributes: []misp.NewAttribute{{Type: "ip-dst", Value: shielded}}}
	_, err := s.op(t, "mitre_misp_create_event").Do(t.Context(), s.gate.Guard, &in)
	if refused := new(gate.RefusedError); !errors.As(err, &refused) || refused.Reason != gate.ReasonProtected {
		t.Errorf("%v, want it refused because %s is protected", err, shielded)
	}
}

func TestTheOperatorCanAuthoriseTheOtherDryRunsBeforehand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.gate.Setenv("MITRE_SOC_ALLOW_WRITES", "true")
	for name, in := range map[string]any{
		"mitre_misp_create_event":    &soc.CreateEventInput{Info: "Authorised", Techniques: []string{"T1110"}},
		"mitre_cortex_run_analyzers": &soc.RunAnalyzersInput{Data: "198.51.100.23", DataType: "ip", Analyzers: []string{"Abuse_Finder_3_0"}},
	} {
		if res, err := s.op(t, name).Do(t.Context(), s.gate.Guard, in); err != nil || res.State != gate.StateExecuted {
			t.Errorf("%s: %+v, %v; want it to run", name, res, err)
		}
	}
}

func TestFetchTakesWhatIsSafe(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "http://127.0.0.1:1/elsewhere", http.StatusFound)
		case "/missing":
			http.NotFound(w, r)
		default:
			w.Write([]byte("bundle"))
		}
	}))
	defer server.Close()
	r, err := soc.Fetch(t.Context(), server.URL+"/bundle")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for address, want := range map[string]string{
		server.URL + "/moved":                "elsewhere",
		server.URL + "/missing":              "404",
		"http://mirror.example.org/x":        "want https",
		"https://u:p@mirror.example.org/x":   "want https",
		"file:///etc/passwd":                 "want https",
		"https://mirror.example.org\x7f/bad": "malformed",
	} {
		if _, err := soc.Fetch(t.Context(), address); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
}
