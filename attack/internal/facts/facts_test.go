package facts_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

// embedded is the table that package attack embeds.
const embedded = "../../data/attack.bin"

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTableAndBundlesAgreeOnEveryFact(t *testing.T) {
	t.Parallel()
	const dir = "../../../../shared/data/attack"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("MITRE's STIX bundles aren't on this machine")
	}
	want, err := facts.Load(t.Context(), dir, facts.All)
	if err != nil {
		t.Fatal(err)
	}
	got, err := facts.Decode(read(t, embedded))
	if err != nil {
		t.Fatal(err)
	}
	want = want.WithoutProse()
	if diff := cmp.Diff(want.Versions, got.Versions); diff != "" {
		t.Errorf("versions (-bundles +table):\n%s", diff)
	}
	if diff := cmp.Diff(want.Objects, got.Objects, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("objects (-bundles +table):\n%s", diff)
	}
	if diff := cmp.Diff(want.Relations, got.Relations); diff != "" {
		t.Errorf("relations (-bundles +table):\n%s", diff)
	}
	if got.Texts != nil {
		t.Error("the table has texts")
	}
}

func TestEncodedTableIsTheSameAgain(t *testing.T) {
	t.Parallel()
	table := read(t, embedded)
	set, err := facts.Decode(table)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(facts.Encode(set), []byte(table)) {
		t.Error("decoding and encoding changes the table")
	}
}

func TestTableStaysSmall(t *testing.T) {
	t.Parallel()
	if n := len(read(t, embedded)); n > 1_500_000 {
		t.Errorf("table has %d bytes, at most 1500000 may be embedded", n)
	}
}

func TestDamagedTableIsRefused(t *testing.T) {
	t.Parallel()
	table := read(t, embedded)
	for name, damaged := range map[string]string{
		"empty":   "",
		"header":  table[:10],
		"cut":     table[:len(table)-1],
		"longer":  table + "\x00",
		"changed": table[:1000] + string(table[1000]^1) + table[1001:],
	} {
		if _, err := facts.Decode(damaged); !errors.Is(err, facts.ErrCorrupt) {
			t.Errorf("%s: error is %v, want ErrCorrupt", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("ATT&CK facts 1\n\x00\x00\x00\x00")
	f.Fuzz(func(t *testing.T, table string) {
		if _, err := facts.Decode(table); err != nil && !errors.Is(err, facts.ErrCorrupt) {
			t.Error(err)
		}
	})
}

func FuzzReadBundle(f *testing.F) {
	f.Add(`{"type":"bundle","objects":[{"type":"tool","id":"tool--1","name":"x","external_references":[{"source_name":"mitre-attack","external_id":"S1"}]},{"type":"relationship","id":"r","relationship_type":"uses","source_ref":"tool--1","target_ref":"tool--1"}]}`)
	f.Add(`{"type":"bundle","objects":[{"type":"x-mitre-tactic","id":"x-mitre-tactic--1","x_mitre_shortname":"a","external_references":[{"source_name":"mitre-attack","external_id":"TA1"}]},{"type":"attack-pattern","id":"attack-pattern--1","kill_chain_phases":[{"kill_chain_name":"mitre-attack","phase_name":"a"}],"external_references":[{"source_name":"mitre-attack","external_id":"T1"}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := facts.ReadBundle(t.Context(), strings.NewReader(text), facts.Enterprise)
		if err != nil {
			return
		}
		set, err := facts.Merge(b)
		if err != nil {
			return
		}
		again, err := facts.Decode(string(facts.Encode(set)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(set.WithoutProse().Objects, again.Objects, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("objects (-read +table):\n%s", diff)
		}
	})
}
