package clip_test

import (
	"testing"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

func TestATextIsCutBetweenItsCharacters(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s           string
		n           int
		text, bytes string
	}{
		{"", 0, "", ""}, {"abc", 3, "abc", "abc"}, {"abcd", 3, "abc…", "abc"}, {"aéb", 2, "a…", "a"}, {"aéb", 3, "aé…", "aé"}, {"é", 1, "…", ""},
		{"a\xffbcd", 3, "ab…", "a\xffb"}, {"a\xff", 2, "a\xff", "a\xff"},
	} {
		if text, bytes := clip.Text(tt.s, tt.n), clip.Bytes(tt.s, tt.n); text != tt.text || bytes != tt.bytes {
			t.Errorf("%q to %d: %q and %q, want %q and %q", tt.s, tt.n, text, bytes, tt.text, tt.bytes)
		}
	}
}
