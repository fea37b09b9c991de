package wazuh_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// withoutOrder is an indexer that doesn't say where a hit stands in its order.
type withoutOrder struct{ http.RoundTripper }

var sortValues = regexp.MustCompile(`,"sort":\[[^\]]*\]`)

func (w withoutOrder) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	b = sortValues.ReplaceAll(b, nil)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return res, err
}

func TestAPageOfAlertsWithoutOrderIsCutWhereItsOffsetGoesOn(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.Generate(60, time.Now().Add(-time.Hour))
	c := s.Client(func(c *wazuh.Config) {
		c.Indexer.Wrap = func(rt http.RoundTripper) http.RoundTripper { return withoutOrder{rt} }
	})
	p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{Limit: 20, Offset: 10})
	if err != nil {
		t.Fatal(err)
	}
	short, next := p.FirstRows(7)
	page, ok := short.(*wazuh.AlertPage)
	if !ok || len(page.Alerts) != 7 || !page.More || page.NextCursor != "" {
		t.Fatalf("%+v", short)
	}
	if diff := cmp.Diff(map[string]any{"offset": 17}, next); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
}
