package attack_test

import (
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
)

// stixDir is where MITRE's bundles lie on machines that have them. They are too large to keep in this repository.
const stixDir = "../../shared/data/attack"

// bundles returns the folder of MITRE's bundles, or skips the test.
func bundles(t testing.TB) string {
	t.Helper()
	if _, err := os.Stat(stixDir); err != nil {
		t.Skip("MITRE's STIX bundles aren't on this machine")
	}
	return stixDir
}

// linked returns a folder of its own that has the bundles of some domains: opening a folder writes a cache into it.
func linked(t testing.TB, domains ...string) string {
	t.Helper()
	from, err := filepath.Abs(bundles(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, d := range domains {
		name := d + "-attack-18.1.json.gz"
		if err := os.Symlink(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// loaded loads all bundles once for all tests.
var loaded = sync.OnceValues(func() (*attack.KB, error) { return attack.Load(context.Background(), stixDir) })

func fullKB(t testing.TB) *attack.KB {
	t.Helper()
	bundles(t)
	kb, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

func TestBundlesAndEmbeddedFactsGiveTheSameAnswers(t *testing.T) {
	t.Parallel()
	full, table := fullKB(t), embedded(t)
	if diff := cmp.Diff(table.Stats(), full.Stats()); diff != "" {
		t.Errorf("statistics (-table +bundle):\n%s", diff)
	}
	described := func(kb *attack.KB) map[string][]string {
		out := map[string][]string{}
		note := func(key, value string) { out[key] = append(out[key], value) }
		for x := range kb.Techniques() {
			for _, y := range x.Tactics() {
				note(x.ID, y.ID)
			}
			for _, y := range x.Groups() {
				note(x.ID, y.ID)
			}
			for _, y := range x.Software() {
				note(x.ID, y.ID)
			}
			for _, y := range x.Campaigns() {
				note(x.ID, y.ID)
			}
			for _, y := range x.Mitigations() {
				note(x.ID, y.ID)
			}
			d := x.Detection()
			for _, y := range d.Analytics {
				note(x.ID, y.ID)
			}
			for _, y := range d.LogSources {
				note(x.ID, y.Component.ID+y.Name+y.Channel)
			}
		}
		for x := range kb.Groups() {
			for _, y := range x.Software() {
				note(x.ID, y.ID)
			}
		}
		return out
	}
	if diff := cmp.Diff(described(table), described(full)); diff != "" {
		t.Errorf("relations (-table +bundle):\n%s", diff)
	}
}

func TestBundlesAddProse(t *testing.T) {
	t.Parallel()
	c, err := attack.New(attack.Config{DataDir: linked(t, "ics"), Domains: []attack.Domain{attack.ICS}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: "T0886", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got.Source != attack.FromSTIX || got.Note != "" {
		t.Errorf("source is %q, note %q", got.Source, got.Note)
	}
	if got.Description == "" || strings.Contains(got.Description, "(Citation:") || strings.Contains(got.Description, "](") {
		t.Errorf("description is %q", got.Description)
	}
	if p := got.Procedures; p == nil || p.Total == 0 || len(p.Items) != 1 || p.Items[0].Actor.ID == "" || p.Items[0].Text == "" {
		t.Errorf("procedures are %+v", got.Procedures)
	}
	if r := got.References; r == nil || r.Total == 0 || len(r.Items) != 1 || r.Items[0].URL == "" {
		t.Errorf("references are %+v", got.References)
	}
	if len(got.Assets) == 0 || got.Mitigations[0].Guidance == "" {
		t.Errorf("assets are %v, mitigations %v", got.Assets, got.Mitigations)
	}
}

func TestEveryProcedureHasAnActorAndText(t *testing.T) {
	t.Parallel()
	n := 0
	for technique := range fullKB(t).Techniques() {
		for _, p := range technique.Procedures() {
			n++
			if p.Actor.ID == "" || p.Text == "" {
				t.Errorf("%s has a procedure %+v", technique.ID, p)
			}
		}
	}
	if n < 15000 {
		t.Errorf("only %d procedures", n)
	}
}

func TestSearchReadsDescriptions(t *testing.T) {
	t.Parallel()
	hits, _ := fullKB(t).Search("lsass memory dump", 3)
	if len(hits) == 0 || hits[0].Technique.ID != "T1003.001" {
		t.Errorf("hits are %v, want T1003.001 first", hits)
	}
}

// bundle is a small bundle of ICS: a technique, its successor, a tactic, and a component that detects as in ATT&CK 17.
const bundle = `{"type":"bundle","id":"bundle--1","objects":[
{"type":"x-mitre-collection","id":"x-mitre-collection--1","x_mitre_version":"17.1"},
{"type":"x-mitre-tactic","id":"x-mitre-tactic--1","name":"Impact","x_mitre_shortname":"impact",
 "external_references":[{"source_name":"mitre-attack","external_id":"TA0105"}]},
{"type":"attack-pattern","id":"attack-pattern--1","name":"Old","revoked":true,
 "external_references":[{"source_name":"mitre-ics-attack","external_id":"T0801"}]},
{"type":"attack-pattern","id":"attack-pattern--2","name":"New","x_mitre_platforms":["Field"],"description":"See [X](https://x).(Citation: Y)",
 "kill_chain_phases":[{"kill_chain_name":"mitre-ics-attack","phase_name":"impact"},{"kill_chain_name":"mitre-attack","phase_name":"impact"}],
 "external_references":[{"source_name":"mitre-attack","external_id":"T0802"},{"source_name":"Y","url":"https://y","description":"Why"}]},
{"type":"x-mitre-data-component","id":"x-mitre-data-component--1","name":"Process Creation",
 "external_references":[{"source_name":"mitre-attack","external_id":"DC0032"}]},
{"type":"relationship","id":"relationship--1","relationship_type":"revoked-by","source_ref":"attack-pattern--1","target_ref":"attack-pattern--2"},
{"type":"relationship","id":"relationship--2","relationship_type":"detects","source_ref":"x-mitre-data-component--1","target_ref":"attack-pattern--2"},
{"type":"relationship","id":"relationship--3","relationship_type":"detects","source_ref":"x-mitre-data-source--1","target_ref":"attack-pattern--2"}
]}`

func TestSmallBundleIsUnderstood(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "ics-attack.json", bundle)
	write(t, dir, "ics-attack-18.1.json", "broken, but not the current one")
	kb, err := attack.Load(t.Context(), dir, attack.ICS)
	if err != nil {
		t.Fatal(err)
	}
	if kb.Version(attack.ICS) != "17.1" || kb.Source() != attack.FromSTIX {
		t.Errorf("version is %q, source %q", kb.Version(attack.ICS), kb.Source())
	}
	technique, from, err := kb.Resolve("T0801")
	if err != nil {
		t.Fatal(err)
	}
	if technique.ID != "T0802" || from != "T0801" || len(technique.Tactics()) != 1 {
		t.Errorf("T0801 is %s from %q with tactics %v", technique.ID, from, technique.Tactics())
	}
	want := []attack.Reference{{Source: "Y", Description: "Why", URL: "https://y"}}
	if diff := cmp.Diff(want, technique.References); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	sensors, err := kb.Sensors("Process")
	if err != nil {
		t.Fatal(err)
	}
	if got := technique.Coverage(sensors); got != attack.Covered {
		t.Errorf("coverage by a component as in ATT&CK 17 is %v, want covered", got)
	}
	if got := technique.Coverage(attack.Sensors{}); got != attack.Uncovered {
		t.Errorf("coverage by nothing is %v, want uncovered", got)
	}
}

func TestHighestVersionIsLoaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "ics-attack-9.0.json", "broken")
	write(t, dir, "ics-attack-beta.json", "broken")
	f, err := os.Create(filepath.Join(dir, "ics-attack-17.1.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(f)
	if _, err := zip.Write([]byte(bundle)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(zip.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := attack.Load(t.Context(), dir, attack.ICS); err != nil {
		t.Error(err)
	}
}

func TestBrokenBundleIsAClearError(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"unexpected EOF":                         bundle[:len(bundle)/2],
		"at byte 0: unexpected EOF":              "",
		"found [":                                "[]",
		`type is "grouping"`:                     `{"type":"grouping","objects":[]}`,
		"not a STIX bundle":                      `{"objects":[]}`,
		"objects given twice":                    `{"type":"bundle","objects":[],"objects":[]}`,
		"more data after the bundle":             `{"type":"bundle","objects":[]}{}`,
		"object 0 tool--1":                       `{"type":"bundle","objects":[{"type":"tool","id":"tool--1","name":7}]}`,
		`tool "tool--1" has no ATT&CK id`:        `{"type":"bundle","objects":[{"type":"tool","id":"tool--1"}]}`,
		"of which one is missing":                `{"type":"bundle","objects":[{"type":"relationship","id":"r","source_ref":"tool--1","target_ref":"tool--2"}]}`,
		"refers to an unknown object":            strings.Replace(bundle, `"type":"x-mitre-tactic"`, `"tactic_refs":["a"],"type":"x-mitre-matrix"`, 1),
		"names an unknown data component \"zz\"": strings.Replace(bundle, `"type":"x-mitre-tactic"`, `"x_mitre_log_source_references":[{"x_mitre_data_component_ref":"zz"}],"type":"x-mitre-analytic"`, 1),
		"invalid character":                      `{"type":"bundle","objects":[{]}`,
	} {
		dir := t.TempDir()
		write(t, dir, "ics-attack.json", text)
		_, err := attack.Load(t.Context(), dir, attack.ICS)
		if err == nil || !strings.HasPrefix(err.Error(), "attack: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
	dir := t.TempDir()
	write(t, dir, "ics-attack.json.gz", "not compressed")
	if _, err := attack.Load(t.Context(), dir, attack.ICS); err == nil || !strings.Contains(err.Error(), "ics-attack.json.gz: gzip") {
		t.Errorf("error is %v, want one that names the file", err)
	}
}
