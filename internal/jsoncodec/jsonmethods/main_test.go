package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEachTypeWithExtraHasItsMethods(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"wazuh", "thehive", "cortex", "misp"} {
		dir := filepath.Join("..", "..", "..", pkg)
		want, err := methods(dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, output))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("run go generate ./%s (-want +got):\n%s", pkg, diff)
		}
	}
}
