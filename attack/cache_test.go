package attack_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

func TestTheCacheGivesWhatTheBundleGives(t *testing.T) {
	t.Parallel()
	dir := linked(t, "ics")
	first, err := attack.Open(t.Context(), dir, attack.ICS)
	if err != nil {
		t.Fatal(err)
	}
	again, err := attack.Open(t.Context(), dir, attack.ICS)
	if err != nil {
		t.Fatal(err)
	}
	if first.Cache() != "written" || again.Cache() != "read" {
		t.Errorf("cache is %q, then %q", first.Cache(), again.Cache())
	}
	if diff := cmp.Diff(first.Bundles(), again.Bundles()); diff != "" || len(again.Bundles()[0].SHA256) != 64 || again.Bundles()[0].Version != "18.1" {
		t.Errorf("bundles (-parsed +cached):\n%s", diff)
	}
	if diff := cmp.Diff(first.Stats(), again.Stats()); diff != "" {
		t.Errorf("statistics (-parsed +cached):\n%s", diff)
	}
	for _, kb := range []*attack.KB{first, again} {
		technique, _, err := kb.Resolve("T0886")
		if err != nil || technique.Description == "" || len(technique.References) == 0 || len(technique.Procedures()) == 0 {
			t.Errorf("T0886 is %+v, %v", technique, err)
		}
	}
	a, _ := first.Technique("T0886")
	b, _ := again.Technique("T0886")
	if a.Description != b.Description || !cmp.Equal(a.References, b.References) || a.Procedures()[0].Text != b.Procedures()[0].Text {
		t.Error("prose differs between bundle and cache")
	}
	if d := attack.Compare(first, again, 10); d.Changed.Total+d.Added.Total+d.Removed.Total > 0 || d.Note != "" {
		t.Errorf("difference %+v", d)
	}
}

func TestADamagedOrStaleCacheIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "ics-attack.json", bundle)
	open := func() *attack.KB {
		t.Helper()
		kb, err := attack.Open(t.Context(), dir, attack.ICS)
		if err != nil {
			t.Fatal(err)
		}
		return kb
	}
	open()
	path := filepath.Join(dir, "attack-ics.cache")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"cut": whole[:len(whole)-1], "empty": {}, "longer": append(slices.Clone(whole), 0),
		"changed": append(append(slices.Clone(whole[:len(whole)/2]), whole[len(whole)/2]^1), whole[len(whole)/2+1:]...),
	} {
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if kb := open(); kb.Cache() != "written" {
			t.Errorf("%s cache was %s", name, kb.Cache())
		}
	}
	if kb := open(); kb.Cache() != "read" {
		t.Errorf("a whole cache was %s", kb.Cache())
	}
	write(t, dir, "ics-attack.json", strings.Replace(bundle, `"17.1"`, `"17.2"`, 1)+" ")
	if kb := open(); kb.Cache() != "written" || kb.Version(attack.ICS) != "17.2" {
		t.Errorf("after a change of the bundle the cache was %s, of version %s", kb.Cache(), kb.Version(attack.ICS))
	}
}

func TestASumBesideTheBundleMustBeRight(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "ics-attack.json", bundle)
	kb, err := attack.Open(t.Context(), dir, attack.ICS)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "ics-attack.json.sha256", kb.Bundles()[0].SHA256+"  ics-attack.json\n")
	if _, err := attack.Open(t.Context(), dir, attack.ICS); err != nil {
		t.Error(err)
	}
	for want, sum := range map[string]string{"its SHA-256 is": strings.Repeat("0", 64), "has no SHA-256": "abc"} {
		write(t, dir, "ics-attack.json.sha256", sum)
		if _, err := attack.Open(t.Context(), dir, attack.ICS); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("sum %s: %v, want %q", sum, err, want)
		}
	}
}

// newer is the small bundle as its next version: a technique is renamed, and so is the tactic; another technique is new.
var newer = strings.NewReplacer(
	`"17.1"`, `"99.0"`, `"name":"Impact","x_mitre_shortname":"impact"`, `"name":"Havoc","x_mitre_shortname":"havoc"`,
	`"phase_name":"impact"`, `"phase_name":"havoc"`, `"name":"New"`, `"name":"Newer"`,
	`{"type":"relationship","id":"relationship--1"`, `{"type":"attack-pattern","id":"attack-pattern--3","name":"Third",
 "kill_chain_phases":[{"kill_chain_name":"mitre-ics-attack","phase_name":"havoc"}],
 "external_references":[{"source_name":"mitre-attack","external_id":"T0803"}]},
{"type":"relationship","id":"relationship--1"`,
).Replace(bundle)

func updating(t *testing.T, from string, fetch func(context.Context, string) (io.ReadCloser, error)) (*attack.Client, string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "ics-attack.json", bundle)
	c, err := attack.New(attack.Config{DataDir: dir, UpdateFrom: from, Fetch: fetch, Domains: []attack.Domain{attack.ICS}})
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func op(t *testing.T, c *attack.Client, name string) gate.Op {
	t.Helper()
	for _, op := range c.Ops() {
		if op.Name() == name {
			return op
		}
	}
	t.Fatalf("no operation %s", name)
	return nil
}

func TestAnUpdateFromAFolderWaitsForApprovalAndReplacesAll(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	write(t, source, "ics-attack-99.0.json", newer)
	c, dir := updating(t, source, nil)
	g := gatetest.New(t)
	update := op(t, c, "mitre_update_data")

	res, err := update.Do(t.Context(), g.Guard, &attack.UpdateDataInput{})
	if err != nil || res.State != gate.StatePending {
		t.Fatalf("%+v, %v; want it to wait", res, err)
	}
	if p := res.Proposal.Plan; len(p.Changes) != 1 || !strings.Contains(p.Changes[0].After, "SHA-256") || p.Targets[0].Name != "stix bundle 17.1" {
		t.Errorf("plan %+v", p)
	}
	if got := names(t, dir); slices.Contains(got, "ics-attack-99.0.json") {
		t.Errorf("before approval the folder has %v", got)
	}
	g.Approve(res.Proposal.ID)
	res, err = update.Do(t.Context(), g.Guard, &attack.UpdateDataInput{})
	if err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v; want it done", res, err)
	}
	out := res.Out.(*attack.UpdateDataOutput)
	if out.Before[0].Version != "17.1" || out.After[0].Version != "99.0" || out.Note != "" {
		t.Errorf("update %+v", out)
	}
	want := map[string]int{"added": 1, "changed": 2, "revoked": 0, "deprecated": 0, "removed": 0, "renamedTactics": 1}
	if diff := cmp.Diff(want, out.Changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"attack-ics.cache", "ics-attack-17.1.json", "ics-attack-99.0.json", "ics-attack-99.0.json.sha256"}, names(t, dir)); diff != "" {
		t.Errorf("folder (-want +got):\n%s", diff)
	}
	// What an update counts twice, as the reference server does, would show here.
	for range 2 {
		if _, err := c.UpdateData(t.Context(), attack.UpdateDataInput{}); err != nil {
			t.Fatal(err)
		}
	}
	kb, err := c.KB(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := attack.Load(t.Context(), source, attack.ICS)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fresh.Stats(), kb.Stats()); diff != "" {
		t.Errorf("after three updates (-fresh +updated):\n%s", diff)
	}
	version := must[*attack.DataVersionOutput](t)(c.DataVersion(t.Context(), attack.DataVersionInput{Compare: "17.1"}))
	d := version.Difference
	if d == nil || d.Added.Items[0].ID != "T0803" || d.RenamedTactics.Items[0].Was != "Impact" || d.RenamedTactics.Items[0].Name != "Havoc" || d.From[0].Version != "17.1" {
		t.Errorf("difference %+v", d)
	}
	// A tactic that no program has heard of is one like any other.
	tactic := must[*attack.GetTacticOutput](t)(c.GetTactic(t.Context(), attack.GetTacticInput{TacticID: "havoc"}))
	if tactic.List.Total != 2 {
		t.Errorf("tactic %+v", tactic)
	}
}

func TestAnUpdateThatFailsReplacesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		source, sum string
		in          attack.UpdateDataInput
		want        string
	}{
		"cut off":                     {source: newer[:len(newer)/2], want: "unexpected EOF"},
		"no version":                  {source: strings.Replace(newer, "x-mitre-collection", "x-other", 2), want: "doesn't tell its version"},
		"a version with a path in it": {source: strings.Replace(newer, `"x_mitre_version":"`, `"x_mitre_version":"/../../../`, 1), want: "want numbers with dots"},
		"another sum":                 {source: newer, in: attack.UpdateDataInput{SHA256: []string{strings.Repeat("0", 64)}}, want: "none of those given"},
		"a sum beside it":             {source: newer, sum: strings.Repeat("0", 64), want: "its SHA-256 is"},
		"a sum that is none":          {source: newer, in: attack.UpdateDataInput{SHA256: []string{"abc"}}, want: "64 hexadecimal digits"},
	} {
		source := t.TempDir()
		write(t, source, "ics-attack.json", tt.source)
		if tt.sum != "" {
			write(t, source, "ics-attack.json.sha256", tt.sum)
		}
		c, dir := updating(t, source, nil)
		_, err := c.UpdateData(t.Context(), tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if got := names(t, dir); !slices.Contains(got, "ics-attack.json") || len(got) > 2 {
			t.Errorf("%s: the folder has %v", name, got)
		}
		if kb, err := c.KB(t.Context()); err != nil || kb.Version(attack.ICS) != "17.1" {
			t.Errorf("%s: in use is %v, %v", name, kb, err)
		}
	}
	for want, config := range map[string]attack.Config{
		"no data folder": {UpdateFrom: t.TempDir()},
		"no source":      {DataDir: t.TempDir()},
		"can't fetch":    {DataDir: t.TempDir(), UpdateFrom: "https://mirror.example.org/attack"},
	} {
		c, err := attack.New(config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UpdateData(t.Context(), attack.UpdateDataInput{}); !errors.Is(err, attack.ErrInvalid) || !strings.Contains(err.Error(), strings.TrimPrefix(want, "no ")) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestAnUpdateFromAnAddressFetchesOnlyWhatItNeeds(t *testing.T) {
	t.Parallel()
	var asked []string
	c, _ := updating(t, "https://mirror.example.org/attack/", func(_ context.Context, url string) (io.ReadCloser, error) {
		asked = append(asked, url)
		return io.NopCloser(strings.NewReader(newer)), nil
	})
	out := must[*attack.UpdateDataOutput](t)(c.UpdateData(t.Context(), attack.UpdateDataInput{}))
	if diff := cmp.Diff([]string{"https://mirror.example.org/attack/ics-attack/ics-attack.json"}, asked); diff != "" || out.After[0].Version != "99.0" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestUpdatesComeFromMITREUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	var asked []string
	fetch := func(_ context.Context, url string) (io.ReadCloser, error) {
		asked = append(asked, url)
		return io.NopCloser(strings.NewReader(newer)), nil
	}
	c, _ := updating(t, "", fetch)
	must[*attack.UpdateDataOutput](t)(c.UpdateData(t.Context(), attack.UpdateDataInput{}))
	if want := attack.Published + "/ics-attack/ics-attack.json"; !slices.Equal(asked, []string{want}) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	c, _ = updating(t, "off", fetch)
	if _, err := c.UpdateData(t.Context(), attack.UpdateDataInput{}); !errors.Is(err, attack.ErrInvalid) || len(asked) != 1 {
		t.Errorf("with updates off: %v, asked %q", err, asked)
	}
}

func TestAnEarlierVersionIsKeptAndNotUsed(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	write(t, source, "ics-attack.json", strings.Replace(bundle, `"17.1"`, `"16.0"`, 1))
	c, dir := updating(t, source, nil)
	out := must[*attack.UpdateDataOutput](t)(c.UpdateData(t.Context(), attack.UpdateDataInput{}))
	if out.After[0].Version != "17.1" || !strings.Contains(out.Note, "higher version") || !slices.Contains(names(t, dir), "ics-attack-16.0.json") {
		t.Errorf("update %+v, folder %v", out, names(t, dir))
	}
}

func TestDataVersionNamesVersionFilesAndSums(t *testing.T) {
	t.Parallel()
	table := must[*attack.DataVersionOutput](t)(client(t, everywhere...).DataVersion(t.Context(), attack.DataVersionInput{}))
	if table.Source != attack.FromTable || len(table.Domains) != 3 || table.Domains[0].Version != "18.1" || len(table.Files) != 0 || table.Note == "" {
		t.Errorf("embedded facts: %+v", table)
	}
	c, _ := updating(t, "", nil)
	out := must[*attack.DataVersionOutput](t)(c.DataVersion(t.Context(), attack.DataVersionInput{}))
	if out.Source != attack.FromSTIX || out.Domains[0].Version != "17.1" || len(out.Files[0].SHA256) != 64 || out.Cache != "written" || out.Held[0] != "ics-attack.json" {
		t.Errorf("bundle: %+v", out)
	}
	if _, err := c.DataVersion(t.Context(), attack.DataVersionInput{Compare: "3.0"}); !errors.Is(err, attack.ErrNotFound) || !strings.Contains(err.Error(), "embedded 18.1") {
		t.Errorf("a version that isn't there: %v", err)
	}
	against := must[*attack.DataVersionOutput](t)(c.DataVersion(t.Context(), attack.DataVersionInput{Compare: "18.1", Limit: 3}))
	if d := against.Difference; d == nil || len(d.Removed.Items) != 3 || d.Removed.Total < 100 || d.Note == "" {
		t.Errorf("against the embedded facts: %+v", d)
	}
}

func TestLayersAreReadAndMerged(t *testing.T) {
	t.Parallel()
	c := client(t)
	var layers []*attack.Layer
	for _, g := range []string{"APT28", "APT29"} {
		l := must[*attack.Layer](t)(c.NavigatorLayer(t.Context(), attack.NavigatorLayerInput{Mode: attack.LayerGroup, GroupID: g}))
		one := 1.0
		for i := range l.Techniques {
			l.Techniques[i].Score, l.Techniques[i].Color = &one, ""
		}
		layers = append(layers, l)
	}
	merged := must[*attack.Layer](t)(attack.MergeLayers("Both", layers...))
	if len(merged.Techniques) != 99+119-48 || merged.Gradient == nil || merged.Gradient.MaxValue != 2 {
		t.Errorf("%d techniques, gradient %+v", len(merged.Techniques), merged.Gradient)
	}
	if *layers[0].Techniques[0].Score != 1 {
		t.Error("merging changed a layer")
	}
	var text bytes.Buffer
	if err := merged.Write(&text); err != nil {
		t.Fatal(err)
	}
	again := must[*attack.Layer](t)(attack.ReadLayer(&text))
	if diff := cmp.Diff(merged, again); diff != "" {
		t.Errorf("layer (-written +read):\n%s", diff)
	}
	ics := attack.NewLayer("ICS", attack.ICS, "18.1")
	if _, err := attack.MergeLayers("Mixed", merged, ics); !errors.Is(err, attack.ErrInvalid) {
		t.Errorf("layers of two domains: %v", err)
	}
	for _, bad := range []string{"", "{}", `[]`, `[{}]`, text.String() + "{}", `{"name":1}`} {
		if _, err := attack.ReadLayer(strings.NewReader(bad)); err == nil {
			t.Errorf("%.20q is read", bad)
		}
	}
}

func TestALayerIsDrawn(t *testing.T) {
	t.Parallel()
	c := client(t)
	kb := embedded(t, attack.Enterprise)
	for _, in := range []attack.NavigatorLayerInput{
		{Mode: attack.LayerDiff, CompareGroupIDs: []string{"APT28", "APT29"}},
		{Mode: attack.LayerCoverage, DataSources: []string{"Process", "File"}},
	} {
		l := must[*attack.Layer](t)(c.NavigatorLayer(t.Context(), in))
		l.Name = `<script>alert("x")</script> & co`
		svg := must[[]byte](t)(kb.SVG(l))
		texts := 0
		for dec := xml.NewDecoder(bytes.NewReader(svg)); ; {
			token, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok {
				switch e.Name.Local {
				case "text":
					texts++
				case "script":
					t.Error("a name became an element")
				}
			}
		}
		if texts < 14+216 {
			t.Errorf("%d texts, want at least the tactics and techniques", texts)
		}
		if dir := os.Getenv("ATTACK_SVG_DIR"); dir != "" {
			l.Name = string(in.Mode)
			write(t, dir, string(in.Mode)+".svg", string(must[[]byte](t)(kb.SVG(l))))
		}
	}
}
