package wazuhtest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAGeneratedAlertIsTheSameWrittenOrMade(t *testing.T) {
	t.Parallel()
	c := &corpus{n: 1000, start: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range c.n {
		var written Object
		if err := json.Unmarshal(c.write(i, generated), &written); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.at(i).source, written); diff != "" {
			t.Fatalf("alert %d (-made +written):\n%s", i, diff)
		}
	}
	some := []member{generated[0], generated[3], generated[4], generated[11], generated[13]}
	if got, want := string(c.write(0, some)), `{"timestamp":"2025-01-01T00:00:00.000+0000","rule":{"id":"502","level":3},"location":"generated","data":{"srcip":"203.0.113.0"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(c.write(0, nil)); got != "{}" {
		t.Errorf("of nothing: %s", got)
	}
}

// TestAHundredThousandGeneratedAlertsNeverDiffer pins their bytes.
func TestAHundredThousandGeneratedAlertsNeverDiffer(t *testing.T) {
	t.Parallel()
	c := &corpus{n: 100_000, start: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
	h := sha256.New()
	for i := range c.n {
		h.Write(c.write(i, generated))
	}
	if got, want := fmt.Sprintf("%x", h.Sum(nil)[:8]), "1bd59465381cfca5"; got != want {
		t.Errorf("sum %s, want %s", got, want)
	}
}
