package attack_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
)

// embedded opens the embedded facts of some domains.
func embedded(t testing.TB, domains ...attack.Domain) *attack.KB {
	t.Helper()
	kb, err := attack.Embedded(domains...)
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

func TestEmbeddedHoldsAllOfATTACK18(t *testing.T) {
	t.Parallel()
	type count = attack.Count
	for domain, want := range map[attack.Domain]attack.Stats{
		attack.Enterprise: {
			Techniques: count{691, 835}, Subtechniques: count{475, 479}, Tactics: count{14, 14}, Groups: count{172, 187},
			Malware: count{693, 696}, Tools: count{91, 91}, Campaigns: count{52, 52}, Mitigations: count{44, 268},
			Strategies: count{691, 691}, Analytics: count{1739, 1739}, DataComponents: count{106, 109},
			Relations: 20048 - 140 - 477, // all but revoked-by and subtechnique-of
		},
		attack.Mobile: {
			Techniques: count{124, 190}, Subtechniques: count{47, 47}, Tactics: count{12, 14}, Groups: count{17, 17},
			Malware: count{120, 121}, Tools: count{2, 2}, Campaigns: count{3, 3}, Mitigations: count{13, 15},
			Strategies: count{124, 124}, Analytics: count{211, 211}, DataComponents: count{17, 17},
			Relations: 1811 - 52 - 47,
		},
		attack.ICS: {
			Techniques: count{83, 95}, Tactics: count{12, 12}, Groups: count{14, 16},
			Malware: count{23, 30}, Campaigns: count{7, 8}, Mitigations: count{52, 52},
			Strategies: count{83, 83}, Analytics: count{82, 82}, DataComponents: count{36, 36}, Assets: count{18, 18},
			Relations: 1373 - 2,
		},
	} {
		kb := embedded(t, domain)
		if diff := cmp.Diff(want, kb.Stats()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", domain, diff)
		}
		if got := kb.Version(domain); got != "18.1" {
			t.Errorf("%s is version %q, want 18.1", domain, got)
		}
	}
}

func TestSharedRelationsCountOnce(t *testing.T) {
	t.Parallel()
	apart := 0
	for _, d := range []attack.Domain{attack.Enterprise, attack.Mobile, attack.ICS} {
		apart += embedded(t, d).Stats().Relations
	}
	// 20 uses and 5 attributed-to are in two bundles; 2 revoked-by are too, but aren't relations here.
	if got, want := embedded(t).Stats().Relations, apart-25; got != want {
		t.Errorf("all domains together have %d relations, want %d", got, want)
	}
}

func TestRevokedTechniqueLeadsToItsSuccessor(t *testing.T) {
	t.Parallel()
	kb := embedded(t)
	for _, id := range []string{"T1086", "t1086", " T1086 "} {
		got, from, err := kb.Resolve(id)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != "T1059.001" || from != "T1086" {
			t.Errorf("%q resolves to %s from %q, want T1059.001 from T1086", id, got.ID, from)
		}
	}
	old, ok := kb.Technique("T1086")
	if !ok || !old.Revoked || old.RevokedBy != "T1059.001" {
		t.Errorf("T1086 itself is %+v, want revoked by T1059.001", old)
	}
}

func TestEveryRevocationEndsAtAnObjectThatIsNotRevoked(t *testing.T) {
	t.Parallel()
	kb := embedded(t)
	seen := 0
	for n := range 10000 {
		id := "T" + string([]byte{byte('0' + n/1000), byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)})
		old, ok := kb.Technique(id)
		if !ok || !old.Revoked || old.RevokedBy == "" {
			continue
		}
		seen++
		if got, from, err := kb.Resolve(id); err != nil || got.Revoked || from != id {
			t.Errorf("%s resolves to %v from %q: %v", id, got, from, err)
		}
	}
	if seen < 100 {
		t.Errorf("only %d revoked techniques were seen", seen)
	}
}

func TestTechniqueIsFoundInAnySpelling(t *testing.T) {
	t.Parallel()
	kb := embedded(t)
	for _, key := range []string{"T1059.001", "t1059.001", "T1059/001", "PowerShell", "powershell"} {
		if got, from, err := kb.Resolve(key); err != nil || got.ID != "T1059.001" || from != "" {
			t.Errorf("%q resolves to %v from %q: %v", key, got, from, err)
		}
	}
}

func TestUnknownTechniqueNamesTheNearestName(t *testing.T) {
	t.Parallel()
	_, _, err := embedded(t, attack.Enterprise).Resolve("PowerShel")
	if !errors.Is(err, attack.ErrNotFound) {
		t.Fatalf("error is %v, want ErrNotFound", err)
	}
	if want := `attack: no technique "PowerShel" in enterprise (nearest: PowerShell)`; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}

func TestNameOfSeveralTechniquesIsAmbiguous(t *testing.T) {
	t.Parallel()
	_, _, err := embedded(t, attack.Enterprise).Resolve("DNS")
	if !errors.Is(err, attack.ErrAmbiguous) || !strings.Contains(err.Error(), "T1071.004 DNS, T1590.002 DNS") {
		t.Errorf("error is %v, want ErrAmbiguous with both ids", err)
	}
}

func TestRevokedGroupsDoNotHideCurrentOnes(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for name, want := range map[string]string{
		"Nobelium": "G0016", "APT34": "G0049", "UNC2452": "G0016", "Charming Kitten": "G0059", "MONSOON": "G0040",
	} {
		got, _, err := kb.ResolveGroup(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got.ID != want {
			t.Errorf("%s is %s, want %s", name, got.ID, want)
		}
	}
}

func TestNameOfARevokedGroupOnlyIsRedirected(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for _, key := range []string{"Dragonfly 2.0", "G0074"} {
		got, from, err := kb.ResolveGroup(key)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != "G0035" || from != "G0074" {
			t.Errorf("%q is %s from %q, want G0035 from G0074", key, got.ID, from)
		}
	}
}

func TestAliasOfTwoGroupsIsAmbiguous(t *testing.T) {
	t.Parallel()
	_, _, err := embedded(t).ResolveGroup("UAC-0056")
	if !errors.Is(err, attack.ErrAmbiguous) {
		t.Errorf("error is %v, want ErrAmbiguous", err)
	}
	// A group's own name wins over an alias of another.
	if g, _, err := embedded(t).ResolveGroup("Thrip"); err != nil || g.ID != "G0076" {
		t.Errorf("Thrip is %v, %v; want G0076", g, err)
	}
}

func TestNamesAreFoundHoweverTheirPartsAreJoined(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for key, want := range map[string]string{"APT 29": "G0016", "apt-29": "G0016", "ＡＰＴ29": "G0016", "cozybear": "G0016", "Lotus_Blossom": "G0030", "FIN 7": "G0046"} {
		if g, _, err := kb.ResolveGroup(key); err != nil || g.ID != want {
			t.Errorf("%q is %v, %v; want %s", key, g, err, want)
		}
	}
	for _, key := range []string{"uac 0056", "UAC0056"} {
		if _, _, err := kb.ResolveGroup(key); !errors.Is(err, attack.ErrAmbiguous) {
			t.Errorf("%q: %v, want ErrAmbiguous", key, err)
		}
	}
	if s, _, err := kb.ResolveSoftware("Cobalt-Strike"); err != nil || s.ID != "S0154" {
		t.Errorf("Cobalt-Strike is %v, %v", s, err)
	}
	if _, _, err := kb.ResolveGroup("APT 2900"); !errors.Is(err, attack.ErrNotFound) {
		t.Errorf("a group that there isn't: %v", err)
	}
}

func TestSoftwareIsFoundByAlias(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	got, _, err := kb.ResolveSoftware("Poison Ivy")
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "S0012" || got.Type != attack.Malware || len(got.Aliases) == 0 {
		t.Errorf("Poison Ivy is %+v", got)
	}
	with := 0
	for s := range kb.Software() {
		if len(s.Aliases) > 0 {
			with++
		}
	}
	if with != 158 {
		t.Errorf("%d pieces of software have other names, want 158", with)
	}
}

func TestCampaignTechniquesCountForTheirGroups(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for name, want := range map[string]int{"APT29": 119, "TEMP.Veles": 22, "Lazarus Group": 119, "AppleJeus": 24} {
		g, _, err := kb.ResolveGroup(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := len(g.Techniques()); got != want {
			t.Errorf("%s uses %d techniques, want %d", name, got, want)
		}
		for _, technique := range g.Techniques() {
			if !slices.Contains(technique.Groups(), g) {
				t.Errorf("%s uses %s, but isn't among its groups", name, technique.ID)
			}
		}
	}
	hexane, _, err := kb.ResolveGroup("HEXANE")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(hexane.Software()); got != 18 {
		t.Errorf("HEXANE uses %d pieces of software, want 18", got)
	}
	// What only campaigns add: 278 pairs of 17 groups.
	pairs, groups := 0, 0
	for g := range kb.Groups() {
		before := pairs
		for _, technique := range g.Techniques() {
			if !g.Uses(technique) {
				pairs++
			}
		}
		if pairs > before {
			groups++
		}
	}
	if pairs != 278 || groups != 17 {
		t.Errorf("campaigns add %d pairs to %d groups, want 278 to 17", pairs, groups)
	}
}

func TestDomainsStayApart(t *testing.T) {
	t.Parallel()
	kb := embedded(t)
	for id, want := range map[string]attack.Domain{
		"TA0001": attack.Enterprise, "TA0027": attack.Mobile, "TA0108": attack.ICS,
	} {
		tactic, ok := kb.Tactic(id)
		if !ok || tactic.Name != "Initial Access" || tactic.Domain() != want {
			t.Fatalf("%s is %+v, want Initial Access of %s", id, tactic, want)
		}
		techniques := tactic.Techniques()
		if len(techniques) == 0 {
			t.Errorf("%s has no techniques", id)
		}
		for _, technique := range techniques {
			if technique.Domain() != want {
				t.Errorf("%s of %s is in %s of %s", technique.ID, technique.Domain(), id, want)
			}
		}
	}
	if _, _, err := kb.ResolveTactic("initial-access"); !errors.Is(err, attack.ErrAmbiguous) {
		t.Errorf("initial-access in all domains: %v, want ErrAmbiguous", err)
	}
	tactic, _, err := embedded(t, attack.ICS).ResolveTactic("initial-access")
	if err != nil || tactic.ID != "TA0108" {
		t.Errorf("initial-access in ICS is %v, %v; want TA0108", tactic, err)
	}
}

func TestTacticsAreInTheOrderOfTheirMatrix(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	want := []string{
		"TA0043", "TA0042", "TA0001", "TA0002", "TA0003", "TA0004", "TA0005", "TA0006", "TA0007", "TA0008", "TA0009",
		"TA0011", "TA0010", "TA0040",
	}
	var got []string
	for _, tactic := range kb.Tactics() {
		got = append(got, tactic.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tactics (-want +got):\n%s", diff)
	}
	m, ok := kb.Matrix(attack.Enterprise)
	if !ok {
		t.Fatal("no matrix")
	}
	if diff := cmp.Diff(kb.Tactics(), m.Tactics(), cmp.Comparer(func(a, b *attack.Tactic) bool { return a == b })); diff != "" {
		t.Errorf("matrix (-want +got):\n%s", diff)
	}
	if n := len(slices.Collect(embedded(t).Matrices())); n != 3 {
		t.Errorf("%d matrices in force, want 3", n)
	}
}

func TestEveryTechniqueHasATacticAndItsParent(t *testing.T) {
	t.Parallel()
	for technique := range embedded(t).Techniques() {
		if len(technique.Tactics()) == 0 {
			t.Errorf("%s has no tactic", technique.ID)
		}
		parent := technique.Parent()
		if technique.Subtechnique != (parent != nil) {
			t.Errorf("%s: sub-technique %v, parent %v", technique.ID, technique.Subtechnique, parent)
		}
		if parent != nil && !slices.Contains(parent.Subtechniques(), technique) {
			t.Errorf("%s isn't among the sub-techniques of %s", technique.ID, parent.ID)
		}
	}
}

func TestDetectionGoesFromStrategiesToLogSources(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	technique, _, err := kb.Resolve("T1059.001")
	if err != nil {
		t.Fatal(err)
	}
	d := technique.Detection()
	if len(d.Strategies) != 1 || len(d.Analytics) == 0 || len(d.LogSources) == 0 || len(d.Components) == 0 {
		t.Fatalf("PowerShell has %d strategies, %d analytics, %d log sources, %d components",
			len(d.Strategies), len(d.Analytics), len(d.LogSources), len(d.Components))
	}
	if a := d.Analytics[0]; a.Strategy() != d.Strategies[0] {
		t.Errorf("analytic %s belongs to %v, want %s", a.ID, a.Strategy(), d.Strategies[0].ID)
	}
	for _, c := range d.Components {
		if !slices.Contains(c.Techniques(), technique) {
			t.Errorf("%s isn't among the techniques of %s", technique.ID, c.Name)
		}
	}
	without := 0
	for technique := range kb.Techniques() {
		d := technique.Detection()
		if len(d.Strategies) != 1 {
			t.Errorf("%s has %d detection strategies, want 1", technique.ID, len(d.Strategies))
		}
		if len(d.LogSources) == 0 {
			without++
		}
	}
	if without != 41 {
		t.Errorf("%d techniques have no log source, want 41", without)
	}
	if n := len(kb.LogSources()); n != 263 {
		t.Errorf("%d log sources, want 263", n)
	}
}

func TestCoverageFollowsAnalytics(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for _, test := range []struct {
		sources       []string
		some, covered int
	}{
		{[]string{"Process"}, 476, 56},
		{[]string{"ds0009"}, 476, 56},
		{[]string{"Network Traffic"}, 221, 0},
		{[]string{"Process", "File", "Network Traffic", "Command"}, 560, 326},
		{[]string{"Process Creation"}, 452, 25},
		{[]string{"DC0032"}, 452, 25},
		{[]string{"Process: Process Creation"}, 452, 25},
		{nil, 0, 0},
	} {
		sensors, err := kb.Sensors(test.sources...)
		if err != nil {
			t.Error(err)
			continue
		}
		some, covered := 0, 0
		for technique := range kb.Techniques() {
			c := technique.Coverage(sensors)
			if c >= attack.Partial {
				some++
			}
			if c == attack.Covered {
				covered++
			}
		}
		if some != test.some || test.covered > 0 && covered != test.covered {
			t.Errorf("%v: some for %d and all for %d techniques, want %d and %d",
				test.sources, some, covered, test.some, test.covered)
		}
	}
}

func TestLogSourceIsASensor(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for _, name := range kb.LogSources() {
		if _, err := kb.Sensors(strings.ToUpper(name)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range attack.DataSources() {
		if _, err := kb.Sensors(name); err != nil {
			t.Error(err)
		}
	}
	_, err := kb.Sensors("Process", "Proces", "Tea leaves")
	if want := `attack: no data source "Proces", "Tea leaves" (nearest: Process)`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestICSTechniquesTargetAssets(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.ICS)
	pairs := 0
	for technique := range kb.Techniques() {
		for _, a := range technique.Assets() {
			pairs++
			if !slices.Contains(a.Techniques(), technique) {
				t.Errorf("%s isn't among the techniques of %s", technique.ID, a.ID)
			}
		}
	}
	if pairs != 685 {
		t.Errorf("%d pairs, want 685", pairs)
	}
}

func TestOneIDForTwoObjectsMeansTheOneInForce(t *testing.T) {
	t.Parallel()
	s, ok := embedded(t).SoftwareByID("S0017")
	if !ok || s.Name != "BISCUIT" {
		t.Errorf("S0017 is %+v, want BISCUIT, not the deprecated EKANS of ICS", s)
	}
}

func TestMitigationsAreRelatedBothWays(t *testing.T) {
	t.Parallel()
	pairs := 0
	for m := range embedded(t, attack.Enterprise).Mitigations() {
		for _, technique := range m.Techniques() {
			pairs++
			if !slices.Contains(technique.Mitigations(), m) {
				t.Errorf("%s isn't among the mitigations of %s", m.ID, technique.ID)
			}
		}
	}
	if pairs != 1445 {
		t.Errorf("%d pairs, want 1445", pairs)
	}
}

func TestSearchPutsNamesBeforeMentions(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for query, want := range map[string]string{
		"PowerShell encoded command execution": "T1059.001",
		"brute force ssh login":                "T1110",
		"t1086":                                "T1059.001",
		"credential dumping":                   "T1003",
		"dump lsass memory":                    "T1003.001",
		"scheduled task":                       "T1053.005",
		"kerberoasting":                        "T1558.003",
	} {
		hits, total := kb.Search(query, 5)
		if len(hits) == 0 || total < len(hits) {
			t.Errorf("%q: %d of %d hits", query, len(hits), total)
			continue
		}
		if got := hits[0].Technique.ID; got != want {
			t.Errorf("%q finds %s first, want %s", query, got, want)
		}
	}
	if hits, total := kb.Search("zxcvb qwrtp", 5); len(hits) != 0 || total != 0 {
		t.Errorf("nonsense finds %d of %d", len(hits), total)
	}
	if hits, total := kb.Search("remote", 1); len(hits) != 1 || total < 2 {
		t.Errorf("a limit of 1 gives %d of %d hits", len(hits), total)
	}
}

func TestIDsAreFoundInTextAndTags(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                 nil,
		"T1110":            {"T1110"},
		"attack.t1059.001": {"T1059.001"},
		"mitre:T1110":      {"T1110"},
		`misp-galaxy:mitre-attack-pattern="Brute Force - T1110"`: {"T1110"},
		"https://attack.mitre.org/techniques/T1059/001/":         {"T1059.001"},
		"T1110, t1110 and T1021.004; then T1110.001.":            {"T1110", "T1021.004", "T1110.001"},
		"T1110.":              {"T1110"},
		"T1110.1":             {"T1110.001"},
		"t1110_001, T1021_4":  {"T1110.001", "T1021.004"},
		"T1110-1 T1059-001":   {"T1110", "T1059.001"},
		"T1110_20260302.json": {"T1110"},
		"mitre_t1110_x":       {"T1110"},
		"XT1110 T11101 T111":  nil,
		"T1110.0012":          nil,
		"TA0001 G0016 DC0032": nil,
		"é T1110 é":           {"T1110"},
	} {
		if diff := cmp.Diff(want, attack.IDs(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestUnknownDomainIsAnError(t *testing.T) {
	t.Parallel()
	_, err := attack.Embedded("cloud")
	if want := `attack: no domain "cloud": choose from enterprise, mobile, ics`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestLicenceIsReproduced(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"The MITRE Corporation", "royalty-free license", "DISCLAIM ALL WARRANTIES"} {
		if !strings.Contains(embedded(t).License(), want) {
			t.Errorf("licence lacks %q", want)
		}
	}
}
