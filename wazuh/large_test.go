package wazuh_test

import (
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestAPageOfAlertsOverTheLimitOfBytesIsShorterAndGoesOn(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.Generate(600, time.Now().Add(-time.Hour))
	c := s.Client(func(c *wazuh.Config) { c.Indexer.MaxBody = 64 << 10 })
	seen := map[string]bool{}
	in := wazuh.GetAlertsInput{Limit: 100}
	for pages := 1; ; pages++ {
		p, err := c.GetAlerts(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Alerts {
			seen[a.ID] = true
		}
		if in.Cursor = p.NextCursor; in.Cursor == "" {
			if pages < 3 || len(seen) != p.Total || p.Total < 600 {
				t.Errorf("%d of %d alerts in %d pages", len(seen), p.Total, pages)
			}
			break
		}
		if !p.More {
			t.Fatal("a cursor, and nothing behind it")
		}
	}
}
