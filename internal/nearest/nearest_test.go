package nearest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/nearest"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"sevrity", "severity", 1}, {"kitten", "sitting", 3},
		{"ab", "ba", 1}, {"statsu", "status", 1}, {"abcd", "badc", 2},
	} {
		if got, back := nearest.Distance(tt.a, tt.b), nearest.Distance(tt.b, tt.a); got != tt.want || back != tt.want {
			t.Errorf("%q and %q are %d and %d apart, want %d", tt.a, tt.b, got, back, tt.want)
		}
	}
}

func TestTheNearestWordIsTheOneThatWasMeant(t *testing.T) {
	t.Parallel()
	words := []string{"severity", "title", "external_reference", "tlp", "tags"}
	for typed, want := range map[string]string{
		"sevrity": "severity", "SEVERITY": "severity", "titel": "title", "externalReference": "external_reference",
		"reference": "external_reference", "ext": "external_reference", "tag": "tags",
		"owner": "", "": "", strings.Repeat("severity", 20): "",
	} {
		if got := nearest.Word(typed, 2, slices.Values(words)); got != want {
			t.Errorf("%q was taken for %q, want %q", typed, got, want)
		}
	}
}
