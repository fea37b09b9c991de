package chain

import (
	"strings"
	"testing"
)

func TestLinesAreReadBackwards(t *testing.T) {
	text := strings.Repeat("a", 5000) + "\n" + strings.Repeat("b", 70000) + "\nc\n"
	var got []int
	for line, err := range Back(strings.NewReader(text), int64(len(text))) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, len(line))
	}
	if len(got) != 3 || got[0] != 2 || got[1] != 70001 || got[2] != 5001 {
		t.Errorf("lines of %d bytes", got)
	}
	fails := func(text string, end int64) bool {
		for _, err := range Back(strings.NewReader(text), end) {
			if err != nil {
				return true
			}
		}
		return false
	}
	if !fails(strings.Repeat("x", 8*MaxLine), 8*MaxLine) {
		t.Error("a line without a beginning")
	}
	if !fails("short\n", 100) {
		t.Error("a file that ends before its end")
	}
}
