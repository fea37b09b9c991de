package attack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
)

// rebuilt is a copy of Enterprise 19 on machines that have it. It isn't MITRE's own file.
const rebuilt = stixDir + "/enterprise-attack-19.0-rebuilt.json.gz"

// nineteen opens Enterprise 19, or skips the test.
func nineteen(t *testing.T) *attack.KB {
	t.Helper()
	if _, err := os.Stat(rebuilt); err != nil {
		t.Skip("a bundle of ATT&CK 19 isn't on this machine")
	}
	from, err := filepath.Abs(rebuilt)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(from, filepath.Join(dir, "enterprise-attack-19.0.json.gz")); err != nil {
		t.Fatal(err)
	}
	kb, err := attack.Load(t.Context(), dir, attack.Enterprise)
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

// split makes a folder with a small Enterprise bundle in which Defense Evasion is Stealth and Defense Impairment, and a
// small Mobile bundle that keeps the name.
func split(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	type object = map[string]any
	write := func(domain, version, chain string, tactics []object, techniques ...object) {
		objects := []object{{"type": "x-mitre-collection", "id": "x-mitre-collection--" + domain, "x_mitre_version": version}}
		var refs []string
		for i, ta := range tactics {
			ta["type"], ta["id"] = "x-mitre-tactic", fmt.Sprintf("x-mitre-tactic--%s%d", domain, i)
			refs = append(refs, ta["id"].(string))
			objects = append(objects, ta)
		}
		for i, te := range techniques {
			te["type"], te["id"] = "attack-pattern", fmt.Sprintf("attack-pattern--%s%d", domain, i)
			te["kill_chain_phases"] = []object{{"kill_chain_name": chain, "phase_name": te["phase"]}}
			objects = append(objects, te)
		}
		objects = append(objects, object{
			"type": "x-mitre-matrix", "id": "x-mitre-matrix--" + domain, "name": domain, "tactic_refs": refs,
			"external_references": []object{{"source_name": "mitre-attack", "external_id": domain + "-attack"}},
		})
		data, err := json.Marshal(object{"type": "bundle", "objects": objects})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, domain+"-attack.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	named := func(id, name, short string) object {
		return object{
			"name": name, "x_mitre_shortname": short, "phase": short,
			"external_references": []object{{"source_name": "mitre-attack", "external_id": id}},
		}
	}
	write("enterprise", "19.0", "mitre-attack",
		[]object{named("TA0005", "Stealth", "stealth"), named("TA0112", "Defense Impairment", "defense-impairment")},
		named("T1027", "Obfuscated Files or Information", "stealth"), named("T1685", "Disable or Modify Tools", "defense-impairment"))
	write("mobile", "18.1", "mitre-mobile-attack",
		[]object{named("TA0030", "Defense Evasion", "defense-evasion")}, named("T1406", "Obfuscated Files or Information", "defense-evasion"))
	return dir
}

func TestIDOfALaterVersionIsSaidToBeOne(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	lookups := map[string]func(string) error{
		"technique": func(id string) error { _, _, err := kb.Resolve(id); return err },
		"tactic":    func(id string) error { _, _, err := kb.ResolveTactic(id); return err },
		"group":     func(id string) error { _, _, err := kb.ResolveGroup(id); return err },
		"software":  func(id string) error { _, _, err := kb.ResolveSoftware(id); return err },
	}
	for _, tt := range []struct {
		kind, id string
		want     []string
	}{
		{"technique", "T1685", []string{"ATT&CK 18.1 doesn't have", "a later version", "19", "mitre_update_data", "T1562.001"}},
		{"technique", "attack.t1685.001", []string{"T1685.001", "T1562.002", "mitre_update_data"}},
		{"technique", "Social Engineering", []string{"T1684", "mitre_update_data"}},
		{"technique", "T1999", []string{"ATT&CK 18.1 doesn't have T1999", "a later version may", "mitre_update_data"}},
		{"tactic", "TA0112", []string{"ATT&CK 18.1 doesn't have", "a later version", "mitre_update_data", "TA0005"}},
		{"tactic", "defense-impairment", []string{"TA0112", "mitre_update_data"}},
		{"tactic", "TA0999", []string{"a later version may"}},
		{"group", "G1999", []string{"ATT&CK 18.1 doesn't have G1999", "a later version may", "mitre_update_data"}},
		{"software", "S9999", []string{"a later version may"}},
	} {
		err := lookups[tt.kind](tt.id)
		if !errors.Is(err, attack.ErrNotFound) {
			t.Errorf("%s: %v, want not found", tt.id, err)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v; want %q", tt.id, err, w)
			}
		}
		for _, w := range []string{"nearest", "T1185", "TA0002"} {
			if strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v; it has %q", tt.id, err, w)
			}
		}
	}
}

func TestTechniqueTellsWhatItIsInALaterVersion(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]*attack.Later{
		"T1562.001": {Version: "19.0", ID: "T1685", Name: "Disable or Modify Tools", Tactics: []string{"TA0112"}},
		"T1211":     {Version: "19.0", ID: "T1211", Name: "Exploitation for Stealth", Tactics: []string{"TA0005"}},
		"T1112":     {Version: "19.0", ID: "T1112", Name: "Modify Registry", Tactics: []string{"TA0003", "TA0112"}},
		"T1110":     nil,
	} {
		out, err := client(t).GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: id})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.Later); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

func TestRenamedTacticIsFollowedByOldAndNewName(t *testing.T) {
	t.Parallel()
	c, err := attack.New(attack.Config{DataDir: split(t), Domains: []attack.Domain{attack.Enterprise, attack.Mobile}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"defense-evasion", "Defense Evasion", "attack.defense_evasion"} {
		out, err := c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: key})
		if err != nil {
			t.Fatal(err)
		}
		if out.ID != "TA0005" || out.Name != "Stealth" {
			t.Errorf("%s is %s %s, want TA0005 Stealth", key, out.ID, out.Name)
		}
		for _, w := range []string{"Defense Evasion", "19", "TA0112", "TA0030 Defense Evasion of mobile"} {
			if !strings.Contains(out.Note, w) {
				t.Errorf("%s: note is %q, want %q", key, out.Note, w)
			}
		}
		page, err := c.SearchTechniques(t.Context(), attack.SearchTechniquesInput{Tactic: key})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) != 1 || page.Items[0].ID != "T1027" || !strings.Contains(page.Note, "TA0112") {
			t.Errorf("techniques of %s are %v (%s), want T1027 and a word of TA0112", key, page.Items, page.Note)
		}
		out, err = c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: key, Matrix: attack.Mobile})
		if err != nil || out.ID != "TA0030" {
			t.Errorf("%s of Mobile is %v: %v", key, out, err)
		}
		page, err = c.SearchTechniques(t.Context(), attack.SearchTechniquesInput{Tactic: key, Domain: attack.Mobile})
		if err != nil || len(page.Items) != 1 || page.Items[0].ID != "T1406" {
			t.Errorf("techniques of %s in Mobile: %v, %v", key, page, err)
		}
	}
	for key, want := range map[string]string{"stealth": "TA0005", "Defense Impairment": "TA0112", "TA0005": "TA0005"} {
		out, err := c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: key})
		if err != nil || out.ID != want || out.Note != "" {
			t.Errorf("%s is %v: %v; want %s without a note", key, out, err, want)
		}
	}
}

func TestNewNameOfATacticLeadsToTheOldOne(t *testing.T) {
	t.Parallel()
	out, err := client(t).GetTactic(t.Context(), attack.GetTacticInput{TacticID: "attack.stealth"})
	if err != nil {
		t.Fatal(err)
	}
	if out.ID != "TA0005" || out.Name != "Defense Evasion" || !strings.Contains(out.Note, "ATT&CK 19.0 calls TA0005") {
		t.Errorf("stealth is %s %s with the note %q", out.ID, out.Name, out.Note)
	}
}

func TestUnknownIDsStandBesideTheAnswer(t *testing.T) {
	t.Parallel()
	c := client(t)
	profile, err := c.CampaignProfile(t.Context(), attack.CampaignProfileInput{Techniques: []string{"T1059.001", "T1685", "T1566.001"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(profile.Techniques) != 2 || !slices.Equal(profile.Unknown, []string{"T1685"}) || !strings.Contains(profile.Note, "mitre_update_data") {
		t.Errorf("profile of %v without %v: %s", profile.Techniques, profile.Unknown, profile.Note)
	}
	overlap, err := c.TechniqueOverlap(t.Context(), attack.TechniqueOverlapInput{Techniques: []string{"T1059.001", "T1685"}})
	if err != nil {
		t.Fatal(err)
	}
	if overlap.Groups.Total == 0 || !slices.Equal(overlap.Unknown, []string{"T1685"}) {
		t.Errorf("overlap of %d groups without %v", overlap.Groups.Total, overlap.Unknown)
	}
	overlap, err = c.TechniqueOverlap(t.Context(), attack.TechniqueOverlapInput{GroupIDs: []string{"APT29", "G9999", "APT28"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(overlap.Pairs) != 1 || !slices.Equal(overlap.Unknown, []string{"G9999"}) {
		t.Errorf("%d pairs without %v", len(overlap.Pairs), overlap.Unknown)
	}
	mapped, err := c.MapAlertToTechnique(t.Context(), attack.MapAlertToTechniqueInput{AlertType: "Security tool stopped (T1685)"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(mapped.Unknown, []string{"T1685"}) || !strings.Contains(mapped.Note, "T1562.001") {
		t.Errorf("unknown is %v, note %q", mapped.Unknown, mapped.Note)
	}
	for _, alert := range []string{"attack.t1685", "T1685"} {
		mapped, err := c.MapAlertToTechnique(t.Context(), attack.MapAlertToTechniqueInput{AlertType: alert})
		if err != nil {
			t.Fatal(err)
		}
		if mapped.Total != 0 || !slices.Equal(mapped.Unknown, []string{"T1685"}) {
			t.Errorf("%s gives %v, unknown %v; an id is no word", alert, mapped.Matches, mapped.Unknown)
		}
	}
}

func TestTechniqueIsTakenInEveryNotation(t *testing.T) {
	t.Parallel()
	c := client(t)
	for _, key := range []string{
		"attack.t1059.001", "https://attack.mitre.org/techniques/T1059/001/", "https://attack.mitre.org/techniques/T1059/001",
		`misp-galaxy:mitre-attack-pattern="PowerShell - T1059.001"`, "t1059_001", "T1059.1", "T1059-001", "mitre:T1059.001",
		"Command and Scripting Interpreter: PowerShell", "attack-pattern--970a3432-3237-47ad-bcca-7d8cbb217736",
		"T1059.001 PowerShell", "PowerShell (T1059.001)", " t1059/001 ",
	} {
		out, err := c.GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: key})
		if err != nil || out.ID != "T1059.001" {
			t.Errorf("%q is %v: %v", key, out, err)
		}
		for name, ask := range map[string]func() (any, error){
			"mitigations": func() (any, error) {
				return c.MitigationsForTechnique(t.Context(), attack.MitigationsForTechniqueInput{TechniqueID: key})
			},
			"overlap": func() (any, error) {
				return c.TechniqueOverlap(t.Context(), attack.TechniqueOverlapInput{Techniques: []string{key}})
			},
			"path": func() (any, error) { return c.AttackPath(t.Context(), attack.AttackPathInput{StartTechnique: key}) },
			"profile": func() (any, error) {
				return c.CampaignProfile(t.Context(), attack.CampaignProfileInput{Techniques: []string{key}})
			},
			"layer": func() (any, error) {
				return c.NavigatorLayer(t.Context(), attack.NavigatorLayerInput{Mode: attack.LayerTechniques, Techniques: []string{key}})
			},
			"groups":   func() (any, error) { return c.SearchGroups(t.Context(), attack.SearchGroupsInput{Technique: key}) },
			"software": func() (any, error) { return c.SearchSoftware(t.Context(), attack.SearchSoftwareInput{Technique: key}) },
			"campaigns": func() (any, error) {
				return c.SearchCampaigns(t.Context(), attack.SearchCampaignsInput{Technique: key})
			},
		} {
			if _, err := ask(); err != nil {
				t.Errorf("%s of %q: %v", name, key, err)
			}
		}
	}
	for text, want := range map[string]string{"technique T1562_001": "T1562.001", "rule tagged t1059_001": "T1059.001"} {
		out, err := c.MapAlertToTechnique(t.Context(), attack.MapAlertToTechniqueInput{AlertType: text})
		if err != nil || len(out.Matches) == 0 || out.Matches[0].ID != want || out.Matches[0].Basis != "named" {
			t.Errorf("%q gives %v: %v; want %s named", text, out, err, want)
		}
	}
	for _, key := range []string{"https://attack.mitre.org/groups/G0016/", `misp-galaxy:mitre-intrusion-set="APT29 - G0016"`, "attack.g0016", "intrusion-set--899ce53f-13a0-479b-a0e4-67d46e241542"} {
		if out, err := c.GetGroup(t.Context(), attack.GetGroupInput{GroupID: key}); err != nil || out.ID != "G0016" {
			t.Errorf("%q is %v: %v", key, out, err)
		}
	}
	for _, key := range []string{"attack.command-and-control", "command_and_control", "Command & Control", "https://attack.mitre.org/tactics/TA0011/", "attack.ta0011"} {
		if out, err := c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: key}); err != nil || out.ID != "TA0011" {
			t.Errorf("%q is %v: %v", key, out, err)
		}
	}
}

func TestNameOfRevokedTechniquesWithOneSuccessorLeadsThere(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for name, want := range map[string]string{"DLL Side-Loading": "T1574.001", "Plist Modification": "T1647"} {
		if got, from, err := kb.Resolve(name); err != nil || got.ID != want || from == "" {
			t.Errorf("%q is %v, redirected from %q: %v; want %s", name, got, from, err, want)
		}
	}
}

func TestWhatIsInAnotherMatrixSaysSo(t *testing.T) {
	t.Parallel()
	c := client(t, attack.Enterprise)
	for key, want := range map[string][]string{
		"T0886": {"belongs to ICS", "MITRE_MATRICES", "Remote Services"},
		"T1406": {"belongs to Mobile", "MITRE_MATRICES"},
		"attack-pattern--e1f9cdd2-9511-4fca-90d7-f3e92cfdd0bf": {"ICS"},
		"Jailbreak": nil,
	} {
		_, err := c.GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: key})
		if !errors.Is(err, attack.ErrNotFound) {
			t.Errorf("%s: %v, want not found", key, err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v; want %q", key, err, w)
			}
		}
	}
	if _, err := c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: "inhibit-response-function"}); err == nil || !strings.Contains(err.Error(), "ICS") {
		t.Errorf("a tactic of ICS: %v", err)
	}
	_, err := client(t, attack.Mobile).GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: "T1059"})
	if err == nil || !strings.Contains(err.Error(), "belongs to Enterprise") {
		t.Errorf("a technique of Enterprise: %v", err)
	}
}

func TestIDOfAnotherKindSaysWhatItIs(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	technique := func(key string) error { _, _, err := kb.Resolve(key); return err }
	group := func(key string) error { _, _, err := kb.ResolveGroup(key); return err }
	software := func(key string) error { _, _, err := kb.ResolveSoftware(key); return err }
	for _, tt := range []struct {
		resolve   func(string) error
		key, want string
	}{
		{technique, "TA0006", "TA0006 is the tactic Credential Access"},
		{technique, "attack.s0002", "S0002 is the software Mimikatz"},
		{technique, "https://attack.mitre.org/groups/G0016/", "G0016 is the group APT29"},
		{technique, "DS0009", "data sources that ATT&CK had until 17"},
		{group, "T1059", "T1059 is the technique Command and Scripting Interpreter"},
		{group, "C0024", "C0024 is the campaign SolarWinds Compromise"},
		{software, "g0016", "G0016 is the group APT29"},
		{software, "T9999", "T9999 has the form of an id of another kind, technique"},
		{group, "G9999", "a later version may"},
	} {
		err := tt.resolve(tt.key)
		if !errors.Is(err, attack.ErrNotFound) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.key, err, tt.want)
			continue
		}
		if strings.Contains(err.Error(), "a later version") != (tt.key == "G9999") {
			t.Errorf("%s: %v: what ATT&CK has is sought in a later version, or the other way round", tt.key, err)
		}
	}
	if got, _, err := kb.ResolveTactic("C2"); err != nil || got.ID != "TA0011" {
		t.Errorf("C2 is %v: %v", got, err)
	}
}

func TestPlatformsOfEarlierVersionsAreTranslated(t *testing.T) {
	t.Parallel()
	c := client(t)
	for was, now := range map[string]string{"Azure AD": "Identity Provider", "office 365": "Office Suite", "Network": "Network Devices", "AWS": "IaaS"} {
		got, err := c.SearchTechniques(t.Context(), attack.SearchTechniquesInput{Platform: was})
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.SearchTechniques(t.Context(), attack.SearchTechniquesInput{Platform: now})
		if err != nil {
			t.Fatal(err)
		}
		if got.Total != want.Total || !strings.Contains(got.Note, now) {
			t.Errorf("%s has %d techniques, %s %d; note %q", was, got.Total, now, want.Total, got.Note)
		}
	}
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerGroup, GroupID: "G0016", Platforms: []string{"azure ad"}})
	if !slices.Equal(l.Filters.Platforms, []string{"Identity Provider"}) || len(l.Techniques) == 0 {
		t.Errorf("layer has %d techniques of %v", len(l.Techniques), l.Filters)
	}
}

func TestAliasThatTwoHaveIsSaid(t *testing.T) {
	t.Parallel()
	g, err := client(t).GetGroup(t.Context(), attack.GetGroupInput{Name: "thrip"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]attack.Ref{{ID: "G0030", Name: "Lotus Blossom"}}, g.AlsoNamed); g.ID != "G0076" || diff != "" {
		t.Errorf("Thrip is %s (-want +got):\n%s", g.ID, diff)
	}
	s, err := client(t).GetSoftware(t.Context(), attack.GetSoftwareInput{Name: "SpicyOmelette"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]attack.Ref{{ID: "S0284", Name: "More_eggs"}}, s.AlsoNamed); s.ID != "S0646" || diff != "" {
		t.Errorf("SpicyOmelette is %s (-want +got):\n%s", s.ID, diff)
	}
}

func TestDeprecatedTacticIsFlagged(t *testing.T) {
	t.Parallel()
	out, err := client(t, attack.Mobile).GetTactic(t.Context(), attack.GetTacticInput{TacticID: "TA0038"})
	if err != nil {
		t.Fatal(err)
	}
	if !out.Deprecated || !strings.Contains(out.Note, "deprecated") {
		t.Errorf("TA0038 is deprecated: %v, note %q", out.Deprecated, out.Note)
	}
}

func TestComparisonOfVersionsHasAnalytics(t *testing.T) {
	t.Parallel()
	d := attack.Compare(fullKB(t), nineteen(t), 5000)
	added, changed := 0, 0
	for _, i := range d.Added.Items {
		if i.Kind == "analytic" {
			added++
		}
	}
	for _, i := range d.Changed.Items {
		if i.Kind == "analytic" {
			changed++
		}
	}
	if added != 19 || changed == 0 {
		t.Errorf("%d analytics added and %d changed, want 19 and some", added, changed)
	}
}

// The table of what a later version has, against the bundle of it: every id, name, tactic and redirect.
func TestEverythingThatVersion19HasIsKnown(t *testing.T) {
	t.Parallel()
	now, before := nineteen(t), embedded(t, attack.Enterprise)
	checked := 0
	for x := range now.Techniques() {
		checked++
		here, _, err := before.Resolve(x.ID)
		if err != nil {
			if !strings.Contains(err.Error(), x.ID+" "+x.Name+";") {
				t.Errorf("%s %s: %v", x.ID, x.Name, err)
			}
			for _, e := range before.Earlier(x.ID) {
				if got, from, err := now.Resolve(e.ID); err != nil || got != x || from != e.ID {
					t.Errorf("%s took the place of %s, which leads to %v: %v", x.ID, e.ID, got, err)
				}
			}
			if _, _, err := before.Resolve(x.Name); err == nil {
				continue // a name that another has in the earlier version
			} else if !strings.Contains(err.Error(), x.ID) && !errors.Is(err, attack.ErrAmbiguous) {
				t.Errorf("%s: %v, want %s", x.Name, err, x.ID)
			}
			continue
		}
		out, err := client(t).GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: x.ID})
		if err != nil {
			t.Fatal(err)
		}
		var tactics []string
		for _, ta := range x.Tactics() {
			tactics = append(tactics, ta.ID)
		}
		slices.Sort(tactics)
		if out.Later != nil {
			if out.Later.ID != x.ID || out.Later.Name != x.Name || !slices.Equal(out.Later.Tactics, tactics) {
				t.Errorf("%s is %+v later, want %s with %v", x.ID, out.Later, x.Name, tactics)
			}
			continue
		}
		var same []string
		for _, ta := range here.Tactics() {
			same = append(same, ta.ID)
		}
		slices.Sort(same)
		if here.Name != x.Name || !slices.Equal(same, tactics) {
			t.Errorf("%s is %s in %v, later %s in %v, and that isn't told", x.ID, here.Name, same, x.Name, tactics)
		}
	}
	for x := range before.Techniques() {
		after, from, err := now.Resolve(x.ID)
		if err != nil {
			t.Errorf("%s: %v", x.ID, err)
			continue
		}
		out, err := client(t).GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: x.ID})
		if err != nil {
			t.Fatal(err)
		}
		if from != "" && (out.Later == nil || out.Later.ID != after.ID) {
			t.Errorf("%s leads to %s in the later version, and here to %+v", x.ID, after.ID, out.Later)
		}
	}
	for _, ta := range now.Tactics() {
		checked++
		got, _, err := before.ResolveTactic(ta.ShortName)
		if err != nil && !strings.Contains(err.Error(), ta.ID) || err == nil && got.ID != ta.ID {
			t.Errorf("%s is %v: %v", ta.ShortName, got, err)
		}
	}
	for x := range now.Groups() {
		checked++
		if got, _, err := before.ResolveGroup(x.ID); err != nil && !strings.Contains(err.Error(), x.Name) || err == nil && got.Name != x.Name {
			t.Errorf("%s is %v: %v", x.ID, got, err)
		}
	}
	for x := range now.Software() {
		checked++
		if got, _, err := before.ResolveSoftware(x.ID); err != nil && !strings.Contains(err.Error(), x.Name) || err == nil && got.Name != x.Name {
			t.Errorf("%s is %v: %v", x.ID, got, err)
		}
	}
	if checked < 697+15+174+800 {
		t.Errorf("only %d objects were compared", checked)
	}
}

func TestATechniqueHasTheIDsOfOtherVersions(t *testing.T) {
	t.Parallel()
	kb, err := attack.Embedded(attack.Enterprise)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][]string{
		"T1574.001": {"T1038", "T1073", "T1574.002"}, // T1038 and T1073 by way of others, too
		"T1059.001": {"T1086"},
		"T1562.001": {"T1089", "T1685"}, // the last from a later version
	} {
		tech, ok := kb.Technique(id)
		if !ok {
			t.Fatal(id)
		}
		got := tech.OtherIDs()
		slices.Sort(got)
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Errorf("%s: %v lacks %s", id, got, w)
			}
		}
		for _, other := range got {
			if now, from, err := kb.Resolve(other); err == nil && (now != tech || from != other) {
				t.Errorf("%s: %s leads to %s", id, other, now.ID)
			}
		}
	}
}

func TestASearchSaysThatThereAreNoDescriptionsToLookIn(t *testing.T) {
	t.Parallel()
	c, err := attack.New(attack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]bool{"a word that only prose has": true, "bear": true, "G0016": false} {
		for kind, note := range map[string]func() (string, error){
			"groups": func() (string, error) {
				p, err := c.SearchGroups(t.Context(), attack.SearchGroupsInput{Query: query})
				if err != nil {
					return "", err
				}
				return p.Note, nil
			},
			"software": func() (string, error) {
				p, err := c.SearchSoftware(t.Context(), attack.SearchSoftwareInput{Query: query})
				if err != nil {
					return "", err
				}
				return p.Note, nil
			},
			"campaigns": func() (string, error) {
				p, err := c.SearchCampaigns(t.Context(), attack.SearchCampaignsInput{Query: query})
				if err != nil {
					return "", err
				}
				return p.Note, nil
			},
			"mitigations": func() (string, error) {
				p, err := c.SearchMitigations(t.Context(), attack.SearchMitigationsInput{Query: query})
				if err != nil {
					return "", err
				}
				return p.Note, nil
			},
		} {
			if got, err := note(); err != nil || strings.Contains(got, "No descriptions were searched") != want {
				t.Errorf("%s of %q: note %q, %v", kind, query, got, err)
			}
		}
	}
	if p, err := c.SearchTechniques(t.Context(), attack.SearchTechniquesInput{Query: "zzyzx"}); err != nil || p.Total != 0 || !strings.Contains(p.Note, "No descriptions were searched") {
		t.Errorf("techniques: %+v, %v", p, err)
	}
}
