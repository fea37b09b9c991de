package facts

import (
	"strconv"
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

// The version of a bundle is a part of the name that it is kept under.
func TestAVersionIsNumbersWithDots(t *testing.T) {
	t.Parallel()
	read := func(v string) error {
		text := `{"type":"bundle","objects":[{"type":"x-mitre-collection","x_mitre_version":` + strconv.Quote(v) + `}]}`
		b, err := readBundle(t.Context(), strings.NewReader(text), ICS, MaxBundle)
		if err == nil && b.Version != v {
			t.Errorf("version %q was read as %q", v, b.Version)
		}
		return err
	}
	for _, v := range []string{"", "18", "18.1", "1.2.3.4"} {
		if err := read(v); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
	for _, v := range []string{"/../../../victim", "18.1/../x", "..", ".", "18.", "v18", "+18", "-1", "1.2.3.4.5", "18.1\n", " 18", `18\1`, "99999999999"} {
		if err := read(v); err == nil || !strings.Contains(err.Error(), "object 0") || !strings.Contains(err.Error(), "want numbers with dots") {
			t.Errorf("%q: error %v", v, err)
		}
	}
}
