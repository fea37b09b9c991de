package facts

import (
	"strings"
	"testing"
)

func TestOversizedBundleIsRefused(t *testing.T) {
	t.Parallel()
	const text = `{"type":"bundle","objects":[]}`
	if _, err := readBundle(t.Context(), strings.NewReader(text), ICS, int64(len(text))); err != nil {
		t.Errorf("a bundle as large as allowed: %v", err)
	}
	for _, more := range []string{" ", text, strings.Repeat(" ", 1<<20)} {
		_, err := readBundle(t.Context(), strings.NewReader(text+more), ICS, int64(len(text)))
		if err == nil || err.Error() != "bundle is larger than 30 bytes" {
			t.Errorf("error is %v, want that the bundle is too large", err)
		}
	}
}
