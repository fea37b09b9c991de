package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/thehive"
)

func TestEachAlertGoesIntoACaseOnce(t *testing.T) {
	l := lab.ForTest(t)
	_, cfg, _, _ := l.Configs()
	hive, err := thehive.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cases := func() (n, observables int) {
		for c, err := range hive.Cases(t.Context(), thehive.ListCasesInput{Tags: []string{"wazuh"}}) {
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(strings.Join(c.Tags, " "), "key:wazuh:") && !strings.Contains(strings.Join(c.Tags, " "), " key:wazuh:") {
				continue
			}
			n++
			for _, err := range hive.Observables(t.Context(), thehive.ListObservablesInput{CaseID: c.ID}) {
				if err != nil {
					t.Fatal(err)
				}
				observables++
			}
		}
		return n, observables
	}
	state := filepath.Join(t.TempDir(), "cursor")
	alerts, err := run(t.Context(), state, 5)
	if err != nil || alerts == 0 {
		t.Fatalf("the first run: %d alerts, %v", alerts, err)
	}
	n, observables := cases()
	if n == 0 || n >= alerts || observables == 0 {
		t.Errorf("%d alerts made %d cases with %d observables", alerts, n, observables)
	}
	if again, err := run(t.Context(), state, 5); err != nil || again != 0 {
		t.Errorf("the second run: %d alerts, %v", again, err)
	}
	if _, err := run(t.Context(), filepath.Join(t.TempDir(), "lost"), 5); err != nil { // the place was lost
		t.Fatal(err)
	}
	if after, more := cases(); after != n || more != observables {
		t.Errorf("a run without its place made %d cases of %d and %d observables of %d", after, n, more, observables)
	}
}
