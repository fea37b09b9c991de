package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate"
)

func play(t *testing.T, decide func(*gate.Proposal) bool) (narrative string, layer *attack.Layer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "layer.json")
	var out strings.Builder
	if err := run(t.Context(), &out, decide, file); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	layer = new(attack.Layer)
	if err := json.Unmarshal(b, layer); err != nil {
		t.Fatal(err)
	}
	if err := layer.Validate(); err != nil {
		t.Error(err)
	}
	return out.String(), layer
}

func TestApprovedTheLoopGoesFromAlertToATTACK(t *testing.T) {
	t.Parallel()
	var asked []string
	text, layer := play(t, func(p *gate.Proposal) bool {
		asked = append(asked, p.Op)
		return true
	})
	want := "thehive_create_case thehive_create_task thehive_create_observable_bulk mitre_thehive_enrich thehive_create_comment " +
		"wazuh_active_response thehive_create_comment wazuh_undo_response wazuh_apply_tuning wazuh_revert_tuning"
	if got := strings.Join(asked, " "); got != want {
		t.Errorf("the gate asked for %s, want %s", got, want)
	}
	for _, want := range []string{"rule 40112", "T1078", "verdict: malicious", "thehive_delete_case refused (switched_off)", "tags wazuh auth mitre:T1078 mitre:T1110",
		"kept: evidence-", "blocked: 1 of 1 hosts have shown in their own log", "taken back: 1 of 1 hosts have shown", "of which this hides 60:", "verified: the file and the events are as they should be",
		"in force: 119000 on rule 5710, approved by you as P-", "reverted, proven by 3 events; the rule file is absent", "0 tunings and 0 responses in force"} {
		if !strings.Contains(text, want) {
			t.Errorf("the narrative lacks %q:\n%s", want, text)
		}
	}
	if len(layer.Techniques) != 2 {
		t.Errorf("the layer has %d techniques, want 2", len(layer.Techniques))
	}
}

func TestUnapprovedTheLoopReadsOnAndSaysWhatWaits(t *testing.T) {
	t.Parallel()
	text, _ := play(t, func(*gate.Proposal) bool { return false })
	for _, want := range []string{"verdict: malicious", "41 alerts", "still waiting: P-"} {
		if !strings.Contains(text, want) {
			t.Errorf("the narrative lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "executed as") {
		t.Errorf("something was executed without approval:\n%s", text)
	}
}
