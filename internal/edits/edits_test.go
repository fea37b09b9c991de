package edits_test

import (
	"testing"

	"github.com/sallyport-soc/sallyport/internal/edits"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"sevrity", "severity", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2}} {
		if got, back := edits.Distance(tt.a, tt.b), edits.Distance(tt.b, tt.a); got != tt.want || back != tt.want {
			t.Errorf("%q and %q are %d and %d apart, want %d", tt.a, tt.b, got, back, tt.want)
		}
	}
}
