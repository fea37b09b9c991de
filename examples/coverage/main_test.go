package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestTheReportIsOfTheRulesOfOnesOwn(t *testing.T) {
	l := lab.ForTest(t)
	for id, techniques := range map[int][]string{100201: {"T1110.001"}, 100202: {"T1110.001", "T1086"}, 100203: {"T9999"}, 100204: nil} {
		l.Wazuh.AddRule(wazuhtest.Object{"id": id, "level": 7, "description": "Ours", "status": "enabled", "mitre": techniques, "filename": "local_rules.xml", "relative_dirname": "etc/rules"})
	}
	dir := t.TempDir()
	layerFile, picture := filepath.Join(dir, "layer.json"), filepath.Join(dir, "picture.svg")
	var out bytes.Buffer
	if err := run(t.Context(), &out, layerFile, picture); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"rule 100202 names T1086, which is T1059.001 now", "rule 100203 names T9999, which ATT&CK", "name 2 techniques"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &out)
		}
	}
	b, err := os.ReadFile(layerFile)
	if err != nil {
		t.Fatal(err)
	}
	var layer attack.Layer
	if err := json.Unmarshal(b, &layer); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, x := range layer.Techniques {
		got[x.TechniqueID] = *x.Score
	}
	if diff := cmp.Diff(map[string]float64{"T1110.001": 2, "T1059.001": 1}, got); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
	if svg, err := os.ReadFile(picture); err != nil || !bytes.Contains(svg, []byte("<svg")) {
		t.Errorf("the picture: %.60s, %v", svg, err)
	}
}
