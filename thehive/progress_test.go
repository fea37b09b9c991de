package thehive_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func TestLongWorkSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	var mu sync.Mutex // a file is read by who sends it
	var steps []string
	ctx := progress.With(t.Context(), func(s progress.Step) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, s.String())
	})
	said := func(want ...string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff(want, steps); diff != "" {
			t.Errorf("it says (-want +got):\n%s", diff)
		}
		steps = nil
	}
	dir := t.TempDir()
	c := hive.Client(func(cfg *thehive.Config) { cfg.FileBaseDir = dir })

	var ids []string
	for i := range 120 {
		ids = append(ids, hive.Add("Alert", "", Object{"type": "siem", "source": "wazuh", "sourceRef": fmt.Sprint("many-", i), "title": "Noise", "description": "x"}))
	}
	if _, err := c.BulkMergeAlerts(ctx, thehive.BulkMergeAlertsInput{AlertIDs: ids, CaseID: "1"}); err != nil {
		t.Fatal(err)
	}
	said("50 of 120 alerts were sent to be merged", "100 of 120 alerts were sent to be merged", "120 of 120 alerts were sent to be merged")

	cs := hive.Add("Case", "", Object{"title": "Large", "description": "x"})
	for i := range 700 {
		hive.Add("Observable", cs, Object{"dataType": "ip", "data": fmt.Sprintf("203.0.%d.%d", i/250, i%250)})
	}
	n := 0
	for _, err := range c.Observables(ctx, thehive.ListObservablesInput{CaseID: cs, Limit: 400}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 700 || len(steps) < 2 || steps[0] != "400 rows have come" {
		t.Errorf("%d rows: %q", n, steps)
	}
	steps = nil

	if err := os.WriteFile(filepath.Join(dir, "disk.img"), bytes.Repeat([]byte("x"), 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddAttachment(ctx, thehive.AddAttachmentInput{CaseID: cs, FileSource: thehive.FileSource{FilePath: "disk.img"}}); err != nil {
		t.Fatal(err)
	}
	said("1 of 3 MiB are sent", "2 of 3 MiB are sent", "3 of 3 MiB are sent")
}
