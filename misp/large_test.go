package misp_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	conn "github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

func TestAPageOverTheLimitOfBytesIsReadInParts(t *testing.T) {
	t.Parallel()
	const n = 1000 // of more than a kilobyte each
	c, err := misp.New(misp.Config{BaseURL: serve(t, n), APIKey: misptest.Key, Options: conn.Options{MaxBody: 128 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		page, limit, want int
		more              bool
	}{{1, 400, 400, true}, {3, 400, 200, false}, {2, 450, 450, true}, {1, 90, 90, true}} {
		p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Type: "text", Page: tt.page, Limit: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Attributes) != tt.want || p.More != tt.more || p.Page != tt.page || p.Limit != tt.limit || idOf(p.Attributes[0]) != n-(tt.page-1)*tt.limit {
			t.Errorf("page %d of %d: %d attributes from %s on, page %d of %d, more %t", tt.page, tt.limit, len(p.Attributes), p.Attributes[0].ID, p.Page, p.Limit, p.More)
		}
		e, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.JSONExport, Type: "text", Page: tt.page, Limit: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Response struct{ Attribute []json.RawMessage }
		}
		if err := json.Unmarshal([]byte(e.Content), &doc); err != nil || len(doc.Response.Attribute) != tt.want || e.More != tt.more || e.Page != tt.page || e.Bytes != len(e.Content) {
			t.Errorf("the export of page %d of %d has %d attributes, more %t, %v", tt.page, tt.limit, len(doc.Response.Attribute), e.More, err)
		}
	}
	seen := 0
	for _, err := range c.Attributes(t.Context(), misp.SearchAttributesInput{Type: "text"}) {
		if seen++; err != nil {
			t.Fatal(err)
		}
	}
	if seen != n {
		t.Errorf("walked over %d of %d", seen, n)
	}
	var b strings.Builder
	if out, err := c.WriteExport(t.Context(), &b, misp.ExportIOCsInput{Format: misp.JSONExport, Type: "text", Limit: 1000}, 10<<20); err != nil || out.Attributes != n || out.Truncated || out.Limit >= 1000 {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.JSONExport, Type: "text", Limit: 1000})
	if !errors.Is(err, conn.ErrTooLarge) || !strings.Contains(err.Error(), "limit, ") {
		t.Errorf("an export of more than can be held: %v", err)
	}
	_, err = c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Type: "text", Limit: 499})
	if !errors.Is(err, conn.ErrTooLarge) || !strings.Contains(err.Error(), "ask for less at a time") || !strings.Contains(err.Error(), "MISP_MAX_ANSWER") {
		t.Errorf("a page that has no halves: %v", err)
	}
}

func idOf(a *misp.Attribute) int {
	n, _ := json.Number(a.ID).Int64()
	return int(n)
}
