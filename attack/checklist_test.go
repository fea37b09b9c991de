package attack_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
)

var everywhere = []attack.Domain{attack.Enterprise, attack.Mobile, attack.ICS}

// must fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestDetectionWorksOnTheModelOf18(t *testing.T) {
	t.Parallel()
	c := client(t)
	for _, tt := range []struct {
		sources                 []string
		detectable, full, means int
	}{
		{[]string{"Process"}, 476, 56, 6},
		{[]string{"Network Traffic"}, 221, 45, 3},
		{[]string{"Process", "File", "Network Traffic", "Command"}, 560, 326, -1},
		{[]string{"process creation"}, 452, 25, 1},
		{[]string{"Process: Process Creation"}, 452, 25, 1},
		{nil, 0, 0, 0},
	} {
		out := must[*attack.CoverageOutput](t)(c.DetectionCoverage(t.Context(), attack.DetectionCoverageInput{AvailableDataSources: tt.sources}))
		if out.Total != 691 || out.Observable != 650 || out.Detectable != tt.detectable || out.FullyCovered != tt.full {
			t.Errorf("%v: %d detectable and %d fully of %d, %d observable; want %d and %d of 691, 650 observable",
				tt.sources, out.Detectable, out.FullyCovered, out.Total, out.Observable, tt.detectable, tt.full)
		}
		if len(out.Understood) < len(tt.sources) || out.Denominator == "" {
			t.Errorf("%v: understood %v of %q", tt.sources, out.Understood, out.Denominator)
		}
		if tt.means >= 0 && len(tt.sources) > 0 && len(out.Understood[0].Components) != tt.means {
			t.Errorf("%v was taken for %v, want %d components", tt.sources, out.Understood[0].Components, tt.means)
		}
		sum := 0
		for _, ta := range out.Tactics {
			sum += ta.Gaps.Total
			if ta.Detectable+ta.Gaps.Total != ta.Total {
				t.Errorf("%s: %d detectable and %d gaps of %d", ta.Name, ta.Detectable, ta.Gaps.Total, ta.Total)
			}
		}
		if len(out.Tactics) != 14 || sum < out.Total-out.Detectable {
			t.Errorf("%d tactics with %d gaps", len(out.Tactics), sum)
		}
	}
	found := must[*attack.Page[attack.TechniqueLine]](t)(c.SearchTechniques(t.Context(), attack.SearchTechniquesInput{DataSource: "Process"}))
	if found.Total != 476 || len(found.Items) != 50 || found.NextOffset != 50 {
		t.Errorf("%d techniques by data source, page of %d, next %d; want 476, 50, 50", found.Total, len(found.Items), found.NextOffset)
	}
	source := must[*attack.DatasourceOutput](t)(c.GetDatasource(t.Context(), attack.GetDatasourceInput{Name: "Process"}))
	if source.Detects != 476 || len(source.Components) != 6 || source.Meanings[0].ID != "DS0009" || !strings.Contains(source.Note, "translated") {
		t.Errorf("Process detects %d by %d components, meaning %v, note %q", source.Detects, len(source.Components), source.Meanings, source.Note)
	}
	for _, s := range source.Components {
		if s.ID == "DC0032" && (s.Techniques.Total != 452 || s.LogSources.Total == 0) {
			t.Errorf("Process Creation has %d techniques and %d log sources", s.Techniques.Total, s.LogSources.Total)
		}
	}
	if sysmon := must[*attack.DatasourceOutput](t)(c.GetDatasource(t.Context(), attack.GetDatasourceInput{Name: "wineventlog:sysmon"})); sysmon.Detects == 0 || sysmon.Meanings[0].As != attack.AsLogSource {
		t.Errorf("Sysmon is %+v", sysmon.Meanings)
	}
	if n := len(embedded(t, attack.Enterprise).LogSources()); n != 263 {
		t.Errorf("%d log sources, want 263", n)
	}
	_, err := c.DetectionCoverage(t.Context(), attack.DetectionCoverageInput{AvailableDataSources: []string{"Proces", "Telepathy"}})
	if !errors.Is(err, attack.ErrNotFound) || !strings.Contains(err.Error(), "Telepathy") || !strings.Contains(err.Error(), "nearest: Process") {
		t.Errorf("unknown data sources: %v", err)
	}
}

func TestCampaignsCountInEveryTool(t *testing.T) {
	t.Parallel()
	c := client(t)
	for _, tt := range []struct {
		name       string
		techniques int
	}{{"APT29", 119}, {"Lazarus Group", 119}, {"TEMP.Veles", 22}, {"AppleJeus", 24}} {
		out := must[*attack.GroupOutput](t)(c.GetGroup(t.Context(), attack.GetGroupInput{Name: tt.name}))
		if out.Techniques.Total != tt.techniques {
			t.Errorf("%s has %d techniques, want %d", tt.name, out.Techniques.Total, tt.techniques)
		}
	}
	if hexane := must[*attack.GroupOutput](t)(c.GetGroup(t.Context(), attack.GetGroupInput{Name: "HEXANE"})); hexane.Software.Total != 18 {
		t.Errorf("HEXANE has %d software, want 18", hexane.Software.Total)
	}
	veles := must[*attack.GroupOutput](t)(c.GetGroup(t.Context(), attack.GetGroupInput{Name: "TEMP.Veles"}))
	for _, used := range veles.Techniques.Items {
		if len(used.Via) == 0 {
			t.Errorf("%s doesn't say through which campaign", used.ID)
		}
	}
	id := veles.Techniques.Items[0].ID
	found := must[*attack.Page[attack.Summary]](t)(c.SearchGroups(t.Context(), attack.SearchGroupsInput{Technique: id, Paging: attack.Paging{Limit: 500}}))
	if !slices.ContainsFunc(found.Items, func(s attack.Summary) bool { return s.ID == veles.ID }) {
		t.Errorf("a search by %s doesn't find TEMP.Veles", id)
	}
	overlap := must[*attack.TechniqueOverlapOutput](t)(c.TechniqueOverlap(t.Context(), attack.TechniqueOverlapInput{GroupIDs: []string{"APT29", "TEMP.Veles"}}))
	if p := overlap.Pairs[0]; p.Shared.Total+p.OnlyA != 119 || p.Shared.Total+p.OnlyB != 22 {
		t.Errorf("overlap has %d shared, %d and %d apart", p.Shared.Total, p.OnlyA, p.OnlyB)
	}
}

func TestRevokedGroupsDoNotShadowCurrentOnes(t *testing.T) {
	t.Parallel()
	c := client(t)
	for name, want := range map[string]string{"Nobelium": "G0016", "APT34": "G0049", "G0118": "G0016"} {
		in := attack.GetGroupInput{Name: name}
		if name[0] == 'G' {
			in = attack.GetGroupInput{GroupID: name}
		}
		out := must[*attack.GroupOutput](t)(c.GetGroup(t.Context(), in))
		if out.ID != want || out.Techniques.Total == 0 {
			t.Errorf("%s is %s with %d techniques, want %s", name, out.ID, out.Techniques.Total, want)
		}
	}
}

func TestSoftwareIsFoundByAliasInEveryTool(t *testing.T) {
	t.Parallel()
	c := client(t)
	out := must[*attack.SoftwareOutput](t)(c.GetSoftware(t.Context(), attack.GetSoftwareInput{Name: "Qbot"}))
	if out.ID != "S0650" || len(out.Aliases) == 0 {
		t.Errorf("Qbot is %s with aliases %v", out.ID, out.Aliases)
	}
	found := must[*attack.Page[attack.SoftwareSummary]](t)(c.SearchSoftware(t.Context(), attack.SearchSoftwareInput{Query: "qbot"}))
	if found.Total == 0 || found.Items[0].ID != "S0650" {
		t.Errorf("a search for qbot finds %+v", found.Items)
	}
}

func TestDomainsStayApartInEveryTool(t *testing.T) {
	t.Parallel()
	c := client(t, everywhere...)
	_, err := c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: "initial-access"})
	if !errors.Is(err, attack.ErrAmbiguous) || !strings.Contains(err.Error(), "TA0001") || !strings.Contains(err.Error(), "TA0108") {
		t.Errorf("initial-access in three domains: %v", err)
	}
	for domain, want := range map[attack.Domain]string{attack.Enterprise: "TA0001", attack.Mobile: "TA0027", attack.ICS: "TA0108"} {
		out := must[*attack.GetTacticOutput](t)(c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: "initial-access", Matrix: domain}))
		if out.ID != want || out.Domain != domain {
			t.Errorf("initial-access of %s is %s of %s, want %s", domain, out.ID, out.Domain, want)
		}
		for _, l := range out.List.Items {
			tech := must[*attack.GetTechniqueOutput](t)(c.GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: l.ID}))
			if tech.Domain != domain {
				t.Errorf("%s is of %s, and listed in %s", l.ID, tech.Domain, want)
			}
		}
		list := must[*attack.ListTacticsOutput](t)(c.ListTactics(t.Context(), attack.ListTacticsInput{Matrix: domain}))
		if n := map[attack.Domain]int{attack.Enterprise: 14, attack.Mobile: 12, attack.ICS: 12}[domain]; list.Total != n || list.Tactics[0].Domain != domain {
			t.Errorf("%s has %d tactics, want %d", domain, list.Total, n)
		}
	}
	if _, err := c.GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: ""}); !errors.Is(err, attack.ErrInvalid) {
		t.Errorf("the empty id: %v", err)
	}
	if _, err := client(t).ListTactics(t.Context(), attack.ListTacticsInput{Matrix: attack.ICS}); !errors.Is(err, attack.ErrInvalid) {
		t.Errorf("a matrix that isn't loaded: %v", err)
	}
	path := must[*attack.AttackPathOutput](t)(c.AttackPath(t.Context(), attack.AttackPathInput{StartTechnique: "T0865"}))
	for _, s := range path.Steps {
		if !strings.HasPrefix(s.Tactic.ID, "TA010") && !strings.HasPrefix(s.Tactic.ID, "TA011") {
			t.Errorf("a path in ICS goes through %v", s.Tactic)
		}
	}
}

func TestNonsenseGivesNothingAndPowerShellComesFirst(t *testing.T) {
	t.Parallel()
	c := client(t)
	alert := func(text, platform string) *attack.MapAlertToTechniqueOutput {
		return must[*attack.MapAlertToTechniqueOutput](t)(c.MapAlertToTechnique(t.Context(), attack.MapAlertToTechniqueInput{AlertType: text, Platform: platform}))
	}
	out := alert("PowerShell encoded command execution", "Windows")
	if len(out.Matches) == 0 || out.Matches[0].ID != "T1059.001" || out.Matches[0].Basis != "guess" || out.Matches[0].Score >= 100 {
		t.Errorf("PowerShell is %+v", out.Matches)
	}
	if out := alert("xyzzy plugh frobnicate", "Windows"); out.Total != 0 || out.Note == "" {
		t.Errorf("nonsense gives %+v", out.Matches)
	}
	if exact := alert("PowerShell", ""); exact.Matches[0].ID != "T1059.001" || exact.Matches[0].Score < 90 || exact.Matches[0].Score <= out.Matches[0].Score {
		t.Errorf("the score of the exact name is %d, of a part %d: not absolute", exact.Matches[0].Score, out.Matches[0].Score)
	}
	if out := alert("acmd cmdlet scheme", ""); slices.ContainsFunc(out.Matches, func(m attack.AlertMapping) bool { return m.ID == "T1059.003" }) {
		t.Errorf("a part of a word matches: %+v", out.Matches)
	}
	if out := alert("Sigma hit attack.t1086 on host", ""); out.Matches[0].ID != "T1059.001" || out.Matches[0].Basis != "named" {
		t.Errorf("a named technique is %+v", out.Matches)
	}
	for _, in := range []attack.MapAlertToTechniqueInput{{}, {AlertType: "x", Platform: "Amiga"}, {AlertType: "x", Limit: 51}} {
		if _, err := c.MapAlertToTechnique(t.Context(), in); !errors.Is(err, attack.ErrInvalid) {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func TestPathsComeFromWhatWasUsedTogether(t *testing.T) {
	t.Parallel()
	c := client(t)
	out := must[*attack.AttackPathOutput](t)(c.AttackPath(t.Context(), attack.AttackPathInput{StartTechnique: "T1566.001", TargetTactic: "TA0002"}))
	if out.Actors < 50 || len(out.Steps) != 1 || out.Steps[0].Techniques[0].ID != "T1204.002" {
		t.Errorf("after a spearphishing attachment %+v, want a malicious file to be opened", out.Steps)
	}
	full := must[*attack.AttackPathOutput](t)(c.AttackPath(t.Context(), attack.AttackPathInput{StartTechnique: "T1566.001"}))
	if len(full.Steps) != 11 || full.Steps[10].Tactic.ID != "TA0040" {
		t.Errorf("%d steps to %v, want 11 to Impact", len(full.Steps), full.Steps[len(full.Steps)-1].Tactic)
	}
	for target, want := range map[string]error{"reconnaissance": attack.ErrInvalid, "initial-access": attack.ErrInvalid, "lunch": attack.ErrNotFound} {
		if _, err := c.AttackPath(t.Context(), attack.AttackPathInput{StartTechnique: "T1566.001", TargetTactic: target}); !errors.Is(err, want) {
			t.Errorf("target %s: %v, want %v", target, err, want)
		}
	}
}

func TestProfilesTakeSizesIntoAccount(t *testing.T) {
	t.Parallel()
	c := client(t)
	kb := embedded(t, attack.Enterprise)
	for _, name := range []string{"FIN6", "OilRig", "Orangeworm", "APT29"} {
		g, _, err := kb.ResolveGroup(name)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, technique := range g.Techniques() {
			ids = append(ids, technique.ID)
		}
		out := must[*attack.CampaignProfileOutput](t)(c.CampaignProfile(t.Context(), attack.CampaignProfileInput{Techniques: ids}))
		if best := out.LikelyGroups.Items[0]; best.ID != g.ID || best.Score != 100 {
			t.Errorf("all that %s does fits %s best, at %d", name, best.Name, best.Score)
		}
		// Half of what it does must still point to it, though larger groups share more.
		half := must[*attack.CampaignProfileOutput](t)(c.CampaignProfile(t.Context(), attack.CampaignProfileInput{Techniques: ids[:(len(ids)+1)/2]}))
		if best := half.LikelyGroups.Items[0]; best.ID != g.ID && name != "Orangeworm" {
			t.Errorf("half of what %s does fits %s best, at %d", name, best.Name, best.Score)
		}
		for _, s := range half.SuggestedNext {
			if slices.Contains(ids[:(len(ids)+1)/2], s.ID) || len(s.Groups) == 0 {
				t.Errorf("suggestion %+v", s)
			}
		}
	}
}

func TestRecommendationsSayWhatTheyAdd(t *testing.T) {
	t.Parallel()
	c := client(t)
	before := must[*attack.CoverageOutput](t)(c.DetectionCoverage(t.Context(), attack.DetectionCoverageInput{AvailableDataSources: []string{"Network Traffic"}}))
	sources := []string{"Network Traffic"}
	covered := before.Detectable
	last := before.Total
	for _, r := range before.Recommendations {
		sources = append(sources, r.ID)
		after := must[*attack.CoverageOutput](t)(c.DetectionCoverage(t.Context(), attack.DetectionCoverageInput{AvailableDataSources: sources}))
		if after.Detectable != covered+r.Adds || r.Adds > last || r.Adds == 0 {
			t.Errorf("%s adds %d, said to add %d after %d", r.Name, after.Detectable-covered, r.Adds, last)
		}
		covered, last = after.Detectable, r.Adds
	}
	for i, g := range before.TopGaps[1:] {
		if g.Groups > before.TopGaps[i].Groups {
			t.Errorf("gap %s of %d groups comes after one of %d", g.ID, g.Groups, before.TopGaps[i].Groups)
		}
	}
}

func TestUnknownGroupsAreAllNamed(t *testing.T) {
	t.Parallel()
	c := client(t)
	for _, tt := range []struct {
		in    attack.TechniqueOverlapInput
		want  error
		names []string
	}{
		{attack.TechniqueOverlapInput{GroupIDs: []string{"APT29", "G9998", "Nobody"}}, attack.ErrNotFound, []string{"G9998", "Nobody"}},
		{attack.TechniqueOverlapInput{GroupIDs: []string{"APT29"}}, attack.ErrInvalid, []string{"two"}},
		{attack.TechniqueOverlapInput{GroupIDs: []string{"APT29", "Nobelium"}}, attack.ErrInvalid, []string{"twice"}},
		{attack.TechniqueOverlapInput{}, attack.ErrInvalid, []string{"groupIds or techniques"}},
		{attack.TechniqueOverlapInput{GroupIDs: []string{"a", "b"}, Techniques: []string{"T1110"}}, attack.ErrInvalid, []string{"not both"}},
		{attack.TechniqueOverlapInput{Techniques: []string{"T9998", "T9999"}}, attack.ErrNotFound, []string{"T9998", "T9999"}},
	} {
		_, err := c.TechniqueOverlap(t.Context(), tt.in)
		if !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.in, err, tt.want)
			continue
		}
		for _, n := range tt.names {
			if !strings.Contains(err.Error(), n) {
				t.Errorf("%+v: %v lacks %s", tt.in, err, n)
			}
		}
	}
	out := must[*attack.TechniqueOverlapOutput](t)(c.TechniqueOverlap(t.Context(), attack.TechniqueOverlapInput{Techniques: []string{"T1086", "T1110"}}))
	if diff := cmp.Diff([]attack.Redirect{{From: "T1086", To: "T1059.001"}}, out.Redirected); diff != "" || out.Groups.Total == 0 {
		t.Errorf("redirects (-want +got):\n%s", diff)
	}
	if _, err := c.GetGroup(t.Context(), attack.GetGroupInput{Name: "Lazarus"}); err == nil || !strings.Contains(err.Error(), "Lazarus Group") {
		t.Errorf("the beginning of a name: %v", err)
	}
}

func TestListsAreBoundedAndSayHowToGoOn(t *testing.T) {
	t.Parallel()
	c := client(t)
	var ids []string
	for offset, more := 0, true; more; {
		out := must[*attack.Page[attack.Summary]](t)(c.ListGroups(t.Context(), attack.ListGroupsInput{Paging: attack.Paging{Limit: 60, Offset: offset}}))
		if out.Total != 172 || len(out.Items) > 60 {
			t.Fatalf("%d of %d groups", len(out.Items), out.Total)
		}
		for _, g := range out.Items {
			ids = append(ids, g.ID)
		}
		offset, more = out.NextOffset, out.NextOffset > 0
	}
	if len(ids) != 172 || !slices.IsSorted(ids) {
		t.Errorf("%d groups over all pages", len(ids))
	}
	campaigns := must[*attack.Page[attack.CampaignSummary]](t)(c.ListCampaigns(t.Context(), attack.ListCampaignsInput{}))
	if campaigns.Total != 52 || campaigns.Items[0].FirstSeen == "" {
		t.Errorf("%d campaigns, the first %+v", campaigns.Total, campaigns.Items[0])
	}
	for _, p := range []attack.Paging{{Limit: 501}, {Limit: -1}, {Offset: -1}} {
		if _, err := c.ListGroups(t.Context(), attack.ListGroupsInput{Paging: p}); !errors.Is(err, attack.ErrInvalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestSearchesFilterAndRank(t *testing.T) {
	t.Parallel()
	c := client(t)
	yes := true
	techniques := must[*attack.Page[attack.TechniqueLine]](t)(c.SearchTechniques(t.Context(), attack.SearchTechniquesInput{
		Query: "brute force", Tactic: "Credential Access", Platform: "linux", IsSubtechnique: &yes}))
	if techniques.Total == 0 || !strings.HasPrefix(techniques.Items[0].ID, "T1110.") {
		t.Errorf("techniques %+v", techniques.Items)
	}
	for _, l := range techniques.Items {
		if !l.Subtechnique || !slices.Contains(l.Tactics, "credential-access") || !slices.Contains(l.Platforms, "Linux") {
			t.Errorf("%+v passes the filter", l)
		}
	}
	for _, in := range []attack.SearchTechniquesInput{{Tactic: "lunch"}, {Platform: "Amiga"}, {DataSource: "Telepathy"}, {Domain: "cloud"}} {
		if _, err := c.SearchTechniques(t.Context(), in); !errors.Is(err, attack.ErrInvalid) && !errors.Is(err, attack.ErrNotFound) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	groups := must[*attack.Page[attack.Summary]](t)(c.SearchGroups(t.Context(), attack.SearchGroupsInput{Query: "cozy bear"}))
	if groups.Total != 1 || groups.Items[0].ID != "G0016" {
		t.Errorf("cozy bear is %+v", groups.Items)
	}
	if _, err := c.SearchGroups(t.Context(), attack.SearchGroupsInput{Technique: "T9999"}); !errors.Is(err, attack.ErrNotFound) {
		t.Errorf("groups of an unknown technique: %v", err)
	}
	tools := must[*attack.Page[attack.SoftwareSummary]](t)(c.SearchSoftware(t.Context(), attack.SearchSoftwareInput{Technique: "T1003.001", Type: attack.Tool}))
	if tools.Total == 0 || slices.ContainsFunc(tools.Items, func(s attack.SoftwareSummary) bool { return s.Type != attack.Tool }) {
		t.Errorf("tools %+v", tools.Items)
	}
	if _, err := c.SearchSoftware(t.Context(), attack.SearchSoftwareInput{Type: "virus"}); !errors.Is(err, attack.ErrInvalid) {
		t.Errorf("type virus: %v", err)
	}
	mitigations := must[*attack.Page[attack.Summary]](t)(c.SearchMitigations(t.Context(), attack.SearchMitigationsInput{Query: "password"}))
	if mitigations.Total == 0 || mitigations.Items[0].ID != "M1027" {
		t.Errorf("mitigations %+v", mitigations.Items)
	}
	if _, err := c.SearchMitigations(t.Context(), attack.SearchMitigationsInput{Query: " "}); !errors.Is(err, attack.ErrInvalid) {
		t.Errorf("mitigations without a query: %v", err)
	}
	campaigns := must[*attack.Page[attack.CampaignSummary]](t)(c.SearchCampaigns(t.Context(), attack.SearchCampaignsInput{Query: "SolarWinds"}))
	if campaigns.Total == 0 || campaigns.Items[0].ID != "C0024" || campaigns.Items[0].Groups[0].ID != "G0016" {
		t.Errorf("campaigns %+v", campaigns.Items)
	}
}

func TestOneObjectIsDescribedOrRefused(t *testing.T) {
	t.Parallel()
	c := client(t)
	campaign := must[*attack.CampaignOutput](t)(c.GetCampaign(t.Context(), attack.GetCampaignInput{CampaignID: "c0024"}))
	if campaign.Name != "SolarWinds Compromise" || campaign.Groups[0].ID != "G0016" || campaign.Techniques.Total == 0 {
		t.Errorf("campaign %+v", campaign)
	}
	mitigation := must[*attack.MitigationOutput](t)(c.GetMitigation(t.Context(), attack.GetMitigationInput{MitigationID: "M1032"}))
	if mitigation.Name != "Multi-factor Authentication" || mitigation.Techniques.Total < 20 {
		t.Errorf("mitigation %+v", mitigation)
	}
	prevent := must[*attack.MitigationsForTechniqueOutput](t)(c.MitigationsForTechnique(t.Context(), attack.MitigationsForTechniqueInput{TechniqueID: "T1110"}))
	if prevent.Total != 4 || prevent.Mitigations[0].ID != "M1018" {
		t.Errorf("mitigations of T1110 %+v", prevent)
	}
	for name, call := range map[string]func() error{
		"group without a name": func() error { _, err := c.GetGroup(t.Context(), attack.GetGroupInput{}); return err },
		"group by id and name": func() error {
			_, err := c.GetGroup(t.Context(), attack.GetGroupInput{GroupID: "G0016", Name: "APT28"})
			return err
		},
		"software without a name": func() error { _, err := c.GetSoftware(t.Context(), attack.GetSoftwareInput{}); return err },
		"campaign with a limit": func() error {
			_, err := c.GetCampaign(t.Context(), attack.GetCampaignInput{Name: "x", Limit: 501})
			return err
		},
		"mitigation without an id": func() error { _, err := c.GetMitigation(t.Context(), attack.GetMitigationInput{}); return err },
		"technique without an id": func() error {
			_, err := c.MitigationsForTechnique(t.Context(), attack.MitigationsForTechniqueInput{})
			return err
		},
		"source without a name": func() error { _, err := c.GetDatasource(t.Context(), attack.GetDatasourceInput{}); return err },
		"tactic without an id":  func() error { _, err := c.GetTactic(t.Context(), attack.GetTacticInput{}); return err },
		"path without a start":  func() error { _, err := c.AttackPath(t.Context(), attack.AttackPathInput{}); return err },
		"profile of nothing":    func() error { _, err := c.CampaignProfile(t.Context(), attack.CampaignProfileInput{}); return err },
	} {
		if err := call(); !errors.Is(err, attack.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, call := range map[string]func() error{
		"group": func() error { _, err := c.GetGroup(t.Context(), attack.GetGroupInput{GroupID: "G9999"}); return err },
		"software": func() error {
			_, err := c.GetSoftware(t.Context(), attack.GetSoftwareInput{Name: "Notepad"})
			return err
		},
		"campaign": func() error {
			_, err := c.GetCampaign(t.Context(), attack.GetCampaignInput{Name: "Picnic"})
			return err
		},
		"mitigation": func() error {
			_, err := c.GetMitigation(t.Context(), attack.GetMitigationInput{MitigationID: "M9999"})
			return err
		},
		"technique": func() error {
			_, err := c.MitigationsForTechnique(t.Context(), attack.MitigationsForTechniqueInput{TechniqueID: "T9999"})
			return err
		},
		"source": func() error {
			_, err := c.GetDatasource(t.Context(), attack.GetDatasourceInput{Name: "Telepathy"})
			return err
		},
		"tactic": func() error {
			_, err := c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: "TA9999"})
			return err
		},
		"path": func() error {
			_, err := c.AttackPath(t.Context(), attack.AttackPathInput{StartTechnique: "T9999"})
			return err
		},
		"profile": func() error {
			_, err := c.CampaignProfile(t.Context(), attack.CampaignProfileInput{Techniques: []string{"T9999"}})
			return err
		},
	} {
		if err := call(); !errors.Is(err, attack.ErrNotFound) {
			t.Errorf("unknown %s: %v", name, err)
		}
	}
}
