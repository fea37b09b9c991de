package schema

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCaseStyles(t *testing.T) {
	for _, tt := range []struct{ in, snake, camel string }{
		{"caseId", "case_id", "caseId"},
		{"case_id", "case_id", "caseId"},
		{"excludeIDs", "exclude_ids", "excludeIDs"},
		{"fileBase64", "file_base64", "fileBase64"},
		{"tlp", "tlp", "tlp"},
		{"includeHTTPBody", "include_http_body", "includeHTTPBody"},
		{"_id", "_id", "_id"},
	} {
		if got := Snake(tt.in); got != tt.snake {
			t.Errorf("Snake(%q) = %q, want %q", tt.in, got, tt.snake)
		}
		if got := Camel(tt.in); got != tt.camel {
			t.Errorf("Camel(%q) = %q, want %q", tt.in, got, tt.camel)
		}
	}
}

func TestTheInputSchema(t *testing.T) {
	got := string(everythingType(t).schema(nil, "", nil))
	want := `{"type":"object","properties":{"shared":{"type":"string"},"caseId":{"type":"string"},` +
		`"colors":{"type":"array","items":{"type":"string","enum":["Red","Green","green-blue"]}},"level":{"type":"integer","maximum":2},` +
		`"n":{"type":"integer"},"u":{"type":"integer","maximum":255},"deep":{"type":"boolean"},` +
		`"names":{"type":"array","items":{"type":"string"}},` +
		`"nums":{"type":"array","items":{"type":"integer","maximum":9}},` +
		`"items":{"type":"array","items":{"type":"object","properties":{"kind":{"type":"string"},"count":{"type":"integer","minimum":-128,"maximum":127}},"required":["kind"]}},` +
		`"one":{"type":"object","properties":{"kind":{"type":"string"},"count":{"type":"integer","minimum":-128,"maximum":127}},"required":["kind"]},` +
		`"query":{"type":"object"},"fields":{"type":"object"},"labels":{"type":"object","additionalProperties":{"type":"string"}},` +
		`"since":{"type":"string"},"contentBase64":{"type":"string","contentEncoding":"base64"},` +
		`"excludeIDs":{"type":"array","items":{"type":"string"}}},"required":["caseId"]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}
