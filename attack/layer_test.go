package attack_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
)

// layer makes a layer, which must be valid.
func layer(t testing.TB, in attack.NavigatorLayerInput, domains ...attack.Domain) *attack.Layer {
	t.Helper()
	l, err := client(t, domains...).NavigatorLayer(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Validate(); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTechniquesLayerIsWhatTheNavigatorOpens(t *testing.T) {
	t.Parallel()
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerTechniques, Techniques: []string{"T1110", "t1078", "T1110"}})
	got, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
 "name": "Techniques",
 "versions": {
  "attack": "18",
  "navigator": "5.1.0",
  "layer": "4.5"
 },
 "domain": "enterprise-attack",
 "description": "Chosen techniques.",
 "sorting": 0,
 "layout": {
  "layout": "side",
  "aggregateFunction": "average",
  "showID": false,
  "showName": true,
  "showAggregateScores": false,
  "countUnscored": false,
  "expandedSubtechniques": "annotated"
 },
 "hideDisabled": false,
 "techniques": [
  {
   "techniqueID": "T1110",
   "color": "#ff6666",
   "comment": "Brute Force",
   "showSubtechniques": true
  },
  {
   "techniqueID": "T1078",
   "color": "#ff6666",
   "comment": "Valid Accounts",
   "showSubtechniques": true
  }
 ],
 "showTacticRowBackground": false,
 "selectTechniquesAcrossTactics": true,
 "selectSubtechniquesWithParent": false,
 "selectVisibleTechniques": false
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
}

func TestLayerSaysWhichIDsWereTranslated(t *testing.T) {
	t.Parallel()
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerTechniques, Techniques: []string{"T1086"}})
	if l.Techniques[0].TechniqueID != "T1059.001" {
		t.Errorf("T1086 is marked as %s", l.Techniques[0].TechniqueID)
	}
	want := []attack.LayerMetadata{{Name: "redirected", Value: "T1086 is now T1059.001"}}
	if diff := cmp.Diff(want, l.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestLayerIsMadeWithoutUnknownIDsAndNamesThem(t *testing.T) {
	t.Parallel()
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerTechniques, Techniques: []string{"NOTATECH", "T1110", "T9999"}})
	if len(l.Techniques) != 1 || l.Techniques[0].TechniqueID != "T1110" {
		t.Errorf("techniques %v, want T1110", l.Techniques)
	}
	want := []attack.LayerMetadata{{Name: "unknown", Value: "NOTATECH"}, {Name: "unknown", Value: "T9999"}}
	if diff := cmp.Diff(want, l.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	_, err := client(t).NavigatorLayer(t.Context(), attack.NavigatorLayerInput{
		Mode: attack.LayerTechniques, Techniques: []string{"NOTATECH", "T9999"},
	})
	var missing *attack.NotFoundError
	if !errors.As(err, &missing) || !errors.Is(err, attack.ErrNotFound) {
		t.Fatalf("error is %v, want NotFoundError", err)
	}
	if diff := cmp.Diff([]string{"NOTATECH", "T9999"}, missing.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestGroupLayerCountsCampaigns(t *testing.T) {
	t.Parallel()
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerGroup, GroupID: "G0118", Color: "#00ff00"})
	if l.Name != "APT29 (G0016)" || len(l.Techniques) != 119 {
		t.Errorf("layer %q has %d techniques, want APT29 (G0016) and 119", l.Name, len(l.Techniques))
	}
	if !strings.Contains(l.Metadata[0].Value, "G0118 is now G0016") {
		t.Errorf("metadata is %v", l.Metadata)
	}
	own, inCampaign := 0, 0
	for _, technique := range l.Techniques {
		if technique.Color != "#00ff00" {
			t.Errorf("%s is %s", technique.TechniqueID, technique.Color)
		}
		switch {
		case technique.Comment == "used by APT29":
			own++
		case strings.HasPrefix(technique.Comment, "used by APT29 in "):
			inCampaign++
		}
	}
	if own != 66 || inCampaign != 53 {
		t.Errorf("%d techniques of its own and %d of campaigns, want 66 and 53", own, inCampaign)
	}
}

func TestCampaignLayer(t *testing.T) {
	t.Parallel()
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerCampaign, CampaignID: "SolarWinds Compromise", Name: "Mine"})
	if l.Name != "Mine" || len(l.Techniques) == 0 {
		t.Errorf("layer %q has %d techniques", l.Name, len(l.Techniques))
	}
	l = layer(t, attack.NavigatorLayerInput{Mode: attack.LayerCampaign, Techniques: []string{"T1110"}})
	if len(l.Techniques) != 1 {
		t.Errorf("%d techniques, want 1", len(l.Techniques))
	}
}

func TestDiffLayerTellsWhoUsesWhat(t *testing.T) {
	t.Parallel()
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerDiff, CompareGroupIDs: []string{"APT29", "APT28"}})
	kb := embedded(t, attack.Enterprise)
	used := map[string]string{}
	for name, color := range map[string]string{"APT29": "#ff6666", "APT28": "#6666ff"} {
		g, _, err := kb.ResolveGroup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, technique := range g.Techniques() {
			if used[technique.ID] != "" {
				color := "#ff66ff"
				used[technique.ID] = color
				continue
			}
			used[technique.ID] = color
		}
	}
	got := map[string]string{}
	for _, technique := range l.Techniques {
		got[technique.TechniqueID] = technique.Color
	}
	if diff := cmp.Diff(used, got); diff != "" {
		t.Errorf("colours (-want +got):\n%s", diff)
	}
}

func TestCoverageLayerScores(t *testing.T) {
	t.Parallel()
	l := layer(t, attack.NavigatorLayerInput{
		Mode: attack.LayerCoverage, DataSources: []string{"Process", "File", "Network Traffic", "Command"},
	})
	scores := map[int]int{}
	for _, technique := range l.Techniques {
		scores[int(*technique.Score)]++
	}
	if diff := cmp.Diff(map[int]int{100: 326, 50: 560 - 326, 0: 691 - 41 - 560}, scores); diff != "" {
		t.Errorf("techniques by score (-want +got):\n%s", diff)
	}
	want := []attack.LayerMetadata{
		{Name: "covered", Value: "326"}, {Name: "partial", Value: "234"}, {Name: "uncovered", Value: "90"},
		{Name: "unobservable", Value: "41"},
	}
	if diff := cmp.Diff(want, l.Metadata[:len(want)]); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	translated := attack.LayerMetadata{Name: "translated", Value: "Command to Command Execution"}
	if !slices.Contains(l.Metadata, translated) {
		t.Errorf("metadata %v doesn't say what was translated", l.Metadata)
	}
}

func TestCoverageLayerOfEveryDomain(t *testing.T) {
	t.Parallel()
	for domain, n := range map[attack.Domain]int{attack.Enterprise: 650, attack.Mobile: 104, attack.ICS: 70} {
		l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerCoverage, DataSources: []string{"Application Log"}}, domain)
		if l.Domain != domain.STIX() || len(l.Techniques) != n {
			t.Errorf("layer of %s has %d techniques, want %s and %d", l.Domain, len(l.Techniques), domain.STIX(), n)
		}
	}
}

func TestLayerIsOfOneDomain(t *testing.T) {
	t.Parallel()
	both := []attack.Domain{attack.Enterprise, attack.ICS}
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerTechniques, Techniques: []string{"T0800"}}, both...)
	if l.Domain != "ics-attack" {
		t.Errorf("domain is %s, want ics-attack", l.Domain)
	}
	group := attack.NavigatorLayerInput{Mode: attack.LayerGroup, GroupID: "TEMP.Veles"}
	if l := layer(t, group, both...); l.Domain != "enterprise-attack" || len(l.Techniques) != 22 {
		t.Errorf("layer of %s has %d techniques, want enterprise-attack and 22", l.Domain, len(l.Techniques))
	}
	group.Domain = attack.ICS
	for _, technique := range layer(t, group, both...).Techniques {
		if !strings.HasPrefix(technique.TechniqueID, "T0") {
			t.Errorf("%s isn't of ICS", technique.TechniqueID)
		}
	}
	_, err := client(t, both...).NavigatorLayer(t.Context(), attack.NavigatorLayerInput{
		Mode: attack.LayerTechniques, Techniques: []string{"T1110", "T0800"},
	})
	if !errors.Is(err, attack.ErrInvalid) || !strings.Contains(err.Error(), "T0800 isn't in enterprise") {
		t.Errorf("error is %v", err)
	}
}

func TestSubtechniquesUnfoldUnlessToldNotTo(t *testing.T) {
	t.Parallel()
	no := false
	l := layer(t, attack.NavigatorLayerInput{Mode: attack.LayerGroup, GroupID: "APT29", ShowSubtechniques: &no})
	if l.Layout.ExpandedSubtechniques != "none" {
		t.Errorf("expandedSubtechniques is %q, want none", l.Layout.ExpandedSubtechniques)
	}
	for _, technique := range l.Techniques {
		if technique.ShowSubtechniques {
			t.Errorf("%s unfolds", technique.TechniqueID)
		}
	}
}

func TestLayerArgumentsAreChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in   attack.NavigatorLayerInput
		want error
	}{
		"no mode":           {attack.NavigatorLayerInput{}, attack.ErrInvalid},
		"unknown mode":      {attack.NavigatorLayerInput{Mode: "heat"}, attack.ErrInvalid},
		"coverage of what":  {attack.NavigatorLayerInput{Mode: attack.LayerCoverage}, attack.ErrInvalid},
		"unknown source":    {attack.NavigatorLayerInput{Mode: attack.LayerCoverage, DataSources: []string{"Tea"}}, attack.ErrNotFound},
		"which group":       {attack.NavigatorLayerInput{Mode: attack.LayerGroup}, attack.ErrInvalid},
		"unknown group":     {attack.NavigatorLayerInput{Mode: attack.LayerGroup, GroupID: "G9999"}, attack.ErrNotFound},
		"which campaign":    {attack.NavigatorLayerInput{Mode: attack.LayerCampaign}, attack.ErrInvalid},
		"two campaigns":     {attack.NavigatorLayerInput{Mode: attack.LayerCampaign, CampaignID: "C0024", Techniques: []string{"T1110"}}, attack.ErrInvalid},
		"no techniques":     {attack.NavigatorLayerInput{Mode: attack.LayerTechniques}, attack.ErrInvalid},
		"one group to diff": {attack.NavigatorLayerInput{Mode: attack.LayerDiff, CompareGroupIDs: []string{"APT29"}}, attack.ErrInvalid},
		"same group twice":  {attack.NavigatorLayerInput{Mode: attack.LayerDiff, CompareGroupIDs: []string{"APT29", "Nobelium"}}, attack.ErrInvalid},
		"not a colour":      {attack.NavigatorLayerInput{Mode: attack.LayerTechniques, Techniques: []string{"T1110"}, Color: "red"}, attack.ErrInvalid},
		"domain not loaded": {attack.NavigatorLayerInput{Mode: attack.LayerTechniques, Techniques: []string{"T1110"}, Domain: attack.ICS}, attack.ErrInvalid},
		"ambiguous":         {attack.NavigatorLayerInput{Mode: attack.LayerTechniques, Techniques: []string{"DNS"}}, attack.ErrAmbiguous},
	} {
		if _, err := client(t).NavigatorLayer(t.Context(), test.in); !errors.Is(err, test.want) {
			t.Errorf("%s: error is %v, want %v", name, err, test.want)
		}
	}
}

func TestValidateFindsEveryBreach(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*attack.Layer){
		"no name":               func(l *attack.Layer) { l.Name = "" },
		"format is":             func(l *attack.Layer) { l.Versions.Layer = "4.4" },
		"navigator version":     func(l *attack.Layer) { l.Versions.Navigator = "x" },
		"ATT&CK version":        func(l *attack.Layer) { l.Versions.ATTACK = "v18" },
		"domain":                func(l *attack.Layer) { l.Domain = "enterprise" },
		"sorting":               func(l *attack.Layer) { l.Sorting = 4 },
		"layout":                func(l *attack.Layer) { l.Layout.Layout = "round" },
		"aggregate function":    func(l *attack.Layer) { l.Layout.AggregateFunction = "median" },
		"expanded":              func(l *attack.Layer) { l.Layout.ExpandedSubtechniques = "some" },
		"tactic row":            func(l *attack.Layer) { l.TacticRowBackground = "grey" },
		"two colours":           func(l *attack.Layer) { l.Gradient = &attack.LayerGradient{Colors: []string{"#000000"}, MaxValue: 1} },
		"gradient from":         func(l *attack.Layer) { l.Gradient = &attack.LayerGradient{Colors: []string{"#000000", "#ffffff"}} },
		"gradient colour":       func(l *attack.Layer) { l.Gradient = &attack.LayerGradient{Colors: []string{"a", "b"}, MaxValue: 1} },
		"legend":                func(l *attack.Layer) { l.LegendItems = []attack.LegendItem{{Label: "x"}} },
		"techniques are":        func(l *attack.Layer) { l.Techniques = nil },
		"technique id":          func(l *attack.Layer) { l.Techniques[0].TechniqueID = "X1110" },
		"occurs twice":          func(l *attack.Layer) { l.Techniques = append(l.Techniques, l.Techniques[0]) },
		`tactic "Initial`:       func(l *attack.Layer) { l.Techniques[0].Tactic = "Initial Access" },
		"colour":                func(l *attack.Layer) { l.Techniques[0].Color = "#fff" },
		"metadata":              func(l *attack.Layer) { l.Metadata = []attack.LayerMetadata{{Name: "a"}} },
		"link":                  func(l *attack.Layer) { l.Links = []attack.LayerLink{{Divider: true, URL: "x"}} },
		"T1110: metadata \"a\"": func(l *attack.Layer) { l.Techniques[0].Metadata = []attack.LayerMetadata{{Name: "a"}} },
	} {
		l := attack.NewLayer("test", attack.Enterprise, "18.1")
		l.Techniques = append(l.Techniques, attack.LayerTechnique{TechniqueID: "T1110"})
		if err := l.Validate(); err != nil {
			t.Fatalf("untouched: %v", err)
		}
		change(l)
		if err := l.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
}

func TestALayerTakesIDsOfTechniquesAlone(t *testing.T) {
	t.Parallel()
	for id, good := range map[string]bool{
		"T1059": true, "T1059.001": true, "T0800": true,
		"": false, "T": false, "T105": false, "T10591": false, "T1059.": false, "T1059.1": false, "T1059.0011": false, "T1059.001.001": false,
		"t1059": false, "TT1059": false, "TA0001": false, "G0016": false, "T١٢٣٤": false, "T1059 ": false, "T10a9": false, "T1059.00a": false, "1059": false,
	} {
		l := attack.NewLayer("test", attack.Enterprise, "18.1")
		l.Techniques = append(l.Techniques, attack.LayerTechnique{TechniqueID: id})
		if err := l.Validate(); (err == nil) != good {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestLayersAreReadAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file  string
		check func(*attack.Layer) bool
		note  string
	}{
		"name and domain alone": {
			`{"name":"Example","domain":"enterprise-attack"}`,
			func(l *attack.Layer) bool { return l.Versions.Layer == "4.5" && l.Techniques != nil }, "doesn't tell its format",
		},
		"scores with fractions": {
			`{"name":"E","domain":"enterprise-attack","techniques":[{"techniqueID":"T1059","score":1.5}],"gradient":{"colors":["#ffffff","#66b1ff"],"minValue":0,"maxValue":1.5}}`,
			func(l *attack.Layer) bool { return *l.Techniques[0].Score == 1.5 && l.Gradient.MaxValue == 1.5 }, "",
		},
		"several layers": {
			`[{"name":"One","domain":"enterprise-attack","versions":{"layer":"4.5"},"techniques":[]},{"name":"Two","domain":"enterprise-attack","versions":{"layer":"4.5"},"techniques":[]}]`,
			func(l *attack.Layer) bool { return l.Name == "One" }, "2 layers",
		},
		"format 4.4": {
			`{"name":"Old","domain":"enterprise-attack","versions":{"layer":"4.4","navigator":"4.9.1","attack":"14"},"techniques":[{"techniqueID":"T1059","score":1}]}`,
			func(l *attack.Layer) bool { return l.Versions.Layer == "4.5" && l.Versions.ATTACK == "14" }, "format 4.4",
		},
		"format 3": {
			`{"name":"Old","domain":"mitre-enterprise","version":"3.0","techniques":[]}`,
			func(l *attack.Layer) bool { return l.Domain == "enterprise-attack" }, "format 3.0",
		},
		"ids and tactics as people write them, behind a mark of Windows": {
			"\ufeff" + `{"name":"E","domain":"enterprise-attack","techniques":[{"techniqueID":"t1562_001","tactic":"Defense Evasion"},{"techniqueID":"attack.t1078","tactic":"initial_access"}]}`,
			func(l *attack.Layer) bool {
				return l.Techniques[0].TechniqueID == "T1562.001" && l.Techniques[0].Tactic == "defense-evasion" && l.Techniques[1].TechniqueID == "T1078" && l.Techniques[1].Tactic == "initial-access"
			}, "",
		},
		"format 4.2": {
			`{"name":"Old","domain":"enterprise-attack","versions":{"layer":"4.2","navigator":"4.3","attack":"9"},"techniques":[{"techniqueID":"T1059","score":null,"color":"","metadata":[],"links":[]}],"metadata":[{"divider":true}]}`,
			func(l *attack.Layer) bool { return l.Techniques[0].Score == nil && l.Metadata[0].Divider }, "format 4.2",
		},
		"data of its own": {
			`{"name":"E","domain":"enterprise-attack","versions":{"layer":"4.5"},"customDataURL":"https://example.org/attack.json"}`,
			func(l *attack.Layer) bool { return l.CustomDataURL == "https://example.org/attack.json" }, "",
		},
		"empty metadata": {
			`{"name":"E","domain":"enterprise-attack","versions":{"layer":"4.5"},"techniques":[{"techniqueID":"T1059","metadata":[{"name":"a","value":""}],"links":[]}]}`,
			func(l *attack.Layer) bool { return len(l.Techniques[0].Metadata) == 0 }, "left out",
		},
	} {
		l, err := attack.ReadLayer(strings.NewReader(tt.file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !tt.check(l) || !strings.Contains(strings.Join(l.Notes, "; "), tt.note) {
			t.Errorf("%s: %+v with the notes %q", name, l, l.Notes)
		}
		var again strings.Builder
		if err := l.Write(&again); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	layers, err := attack.ReadLayers(strings.NewReader(`[{"name":"One","domain":"ics-attack"},{"name":"Two","domain":"ics-attack"}]`))
	if err != nil || len(layers) != 2 || layers[1].Name != "Two" {
		t.Errorf("two layers: %v, %v", layers, err)
	}
	for _, bad := range []string{`{"name":"E","domain":"enterprise-attack","versions":{"layer":"7.0"}}`, `{"name":"E","domain":"moon-attack"}`, `[]`, ``, `null`, `{"name":"E","domain":"ics-attack"} x`,
		`{"name":"E","domain":"enterprise-attack","techniques":[{"techniqueID":"TA0001"}]}`, `{"name":"E","domain":"enterprise-attack","techniques":[{"techniqueID":"T1059","color":"javascript:x"}]}`,
	} {
		if _, err := attack.ReadLayer(strings.NewReader(bad)); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func TestLayersOfPointReleasesMerge(t *testing.T) {
	t.Parallel()
	read := func(version string) *attack.Layer {
		l, err := attack.ReadLayer(strings.NewReader(`{"name":"L","domain":"enterprise-attack","versions":{"layer":"4.5","attack":"` + version + `"},"techniques":[{"techniqueID":"T1059","score":0.5}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	merged, err := attack.MergeLayers("Both", read("19"), read("19.1"))
	if err != nil || merged.Versions.ATTACK != "19" || *merged.Techniques[0].Score != 1 {
		t.Errorf("merged: %+v, %v", merged, err)
	}
	if _, err := attack.MergeLayers("Both", read("18"), read("19.1")); !errors.Is(err, attack.ErrInvalid) {
		t.Errorf("of two versions: %v", err)
	}
}

func TestLayerWithAnUnknownIDIsDrawnWithoutIt(t *testing.T) {
	t.Parallel()
	l, err := attack.ReadLayer(strings.NewReader(`{"name":"Example","domain":"enterprise-attack","versions":{"layer":"4.5"},"techniques":[{"techniqueID":"T1059","score":1},{"techniqueID":"T1685","score":1.5,"comment":"tool stopped"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	kb := embedded(t, attack.Enterprise)
	svg, err := kb.SVG(l)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"T1685"}, kb.LeftOut(l)); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	for _, want := range []string{"T1059 Command and Scripting Interpreter, score 1<", "Not in ATT&amp;CK 18.1", "T1685, score 1.5: tool stopped", "the layer says nothing of it"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("the drawing has no %q", want)
		}
	}
}
