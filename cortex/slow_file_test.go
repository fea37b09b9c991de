package cortex_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

func TestAFileIsWaitedForLongerThanAnythingElse(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/run") {
			time.Sleep(700 * time.Millisecond) // Cortex stores a file in small chunks
		}
		return false
	})
	c := s.Client(func(cfg *cortex.Config) { cfg.Timeout = 300 * time.Millisecond })
	j, err := c.RunAnalyzerFile(t.Context(), cortex.RunAnalyzerFileInput{
		AnalyzerID: cortextest.AnalyzerID("VirusTotal_GetReport_3_1"), FileBase64: []byte("content"), Filename: "a.bin",
	})
	if err != nil || j.JobID == "" {
		t.Errorf("%+v, %v", j, err)
	}
	if _, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "MaxMind", DataType: "ip", Data: attacker}); err == nil {
		t.Error("an address is waited for as long")
	}
}
