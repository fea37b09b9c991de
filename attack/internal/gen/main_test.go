package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// sources is where the sources of the tables lie on machines that have them.
const sources = "../../../../shared/data"

func TestGeneratingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(sources); err != nil {
		t.Skip("MITRE's STIX bundles and Wazuh's rules aren't on this machine")
	}
	for name, test := range map[string]struct{ in, table string }{
		"attack": {filepath.Join(sources, "attack"), "../../data/attack.bin"},
		"later":  {filepath.Join(sources, "attack"), "../../data/later.json"},
		"wazuh":  {filepath.Join(sources, "wazuh-rules-4.14.7.json"), "../wazuhrules/rules.bin"},
	} {
		out := filepath.Join(t.TempDir(), name)
		if err := run(t.Context(), []string{name, "-in", test.in, "-out", out}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read(t, out), read(t, test.table)) {
			t.Errorf("%s isn't what gen makes from its source", test.table)
		}
	}
	source := read(t, filepath.Join(sources, "attack-v17.1-datasource-components.json"))
	if !bytes.Equal(bytes.TrimSpace(source), bytes.TrimSpace(read(t, "../../data/datasources-17.1.json"))) {
		t.Error("data/datasources-17.1.json isn't its source")
	}
	if !bytes.Equal(read(t, filepath.Join(sources, "attack/LICENSE.txt")), read(t, "../../data/LICENSE.txt")) {
		t.Error("data/LICENSE.txt isn't MITRE's")
	}
}

func TestWithoutSourceTheTableStays(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "attack.bin")
	if err := run(t.Context(), []string{"attack", "-in", "", "-out", out}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a table was written: %v", err)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"poem"}, {"attack"}, {"wazuh", "-in", "absent", "-out", "x"}} {
		if err := run(context.Background(), args); err == nil {
			t.Errorf("gen %v succeeds", args)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
