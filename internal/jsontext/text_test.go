package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// Texts are looked at eight bytes at a time: what is special must be seen at any of
// them, and behind any other.
func TestWhatIsSpecialIsSeenWhereverItStands(t *testing.T) {
	t.Parallel()
	special := []string{"", `"`, `\`, "\n", "\x1f", "\x7f", "é", "\u2028", "\xff", "\x80", "!", "#", "[", "]"}
	for length := range 20 {
		for at := range length + 1 {
			for _, one := range special {
				for _, other := range special {
					s := strings.Repeat("x", at) + one + other + strings.Repeat("y", length-at)
					b := jsontext.AppendString(nil, s)
					if n := jsontext.StringSize(s); n != len(b) {
						t.Fatalf("%q: %d bytes, said to be %d", s, len(b), n)
					}
					for _, text := range []string{string(b), `"` + s + `"`} { // as it is written, and as it may come
						got, ok := jsontext.Strings([]byte("[" + text + "]"))
						var list []string
						err := json.Unmarshal([]byte("["+text+"]"), &list)
						if ok != (err == nil) || ok && strings.Join(got, "|") != strings.Join(list, "|") {
							t.Fatalf("%s: %q, %v; want %q, %v", text, got, ok, list, err)
						}
					}
				}
			}
		}
	}
}
