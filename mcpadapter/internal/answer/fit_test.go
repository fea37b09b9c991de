package answer

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFit(t *testing.T) {
	rows := func(n, width int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"v":%q},`, strings.Repeat("x", width)), n), ",") + "]"
	}
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"key%d":1,`, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}
	for _, tt := range []struct {
		name, raw string
		cuts      []string
	}{
		{"one list", `{"total":1000,"a":` + rows(1000, 20) + `}`, []string{"a elements"}},
		{"the longest of two lists", `{"a":` + rows(500, 20) + `,"b":` + rows(10, 20) + `}`, []string{"a elements"}},
		{"two long lists", `{"a":` + rows(500, 20) + `,"b":` + rows(500, 20) + `}`, []string{"a elements", "b elements"}},
		{"a list in a list of one", `{"a":[{"b":` + rows(500, 20) + `}]}`, []string{"a[].b elements"}},
		{"a long string", `{"a":"` + strings.Repeat(`\n`, 20000) + `"}`, []string{"a bytes"}},
		{"long strings in a list of one", `{"a":[{"x":"` + strings.Repeat("é", 5000) + `","y":"` + strings.Repeat("z", 5000) + `"}]}`, []string{"a[].x bytes", "a[].y bytes"}},
		{"many members", `{"a":` + members(2000) + `}`, []string{"a members"}},
		{"a map of lists", `{"a":{"k":` + rows(300, 20) + `,"l":` + rows(300, 20) + `}}`, []string{"a.k elements", "a.l elements"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const budget = 4 << 10
			got, err := fit([]byte(tt.raw), budget, "ask for less")
			if err != nil {
				t.Fatal(err)
			}
			var v map[string]any
			if err := json.Unmarshal(got, &v); err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if len(got) > budget || len(got) < budget/2 {
				t.Errorf("%d bytes, want nearly %d", len(got), budget)
			}
			var cuts []string
			for _, c := range v["_truncated"].([]any) {
				m := c.(map[string]any)
				cuts = append(cuts, m["path"].(string)+" "+m["unit"].(string))
				if m["shown"].(float64) >= m["total"].(float64) || m["shown"].(float64) < 1 {
					t.Errorf("cut %v", m)
				}
			}
			if diff := cmp.Diff(tt.cuts, cuts); diff != "" {
				t.Errorf("cuts (-want +got):\n%s", diff)
			}
		})
	}
}

// fit cuts raw, which nothing is known of.
func fit(raw []byte, budget int, how string) ([]byte, error) {
	a, err := New(raw, nil)
	if err != nil {
		return nil, err
	}
	return a.Fit(budget, how), nil
}

func fits(t *testing.T, raw []byte, budget int) bool {
	t.Helper()
	a, err := New(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(raw) <= budget && a.judge().depth <= maxNesting
}

func TestFitLeavesWhatFits(t *testing.T) {
	const raw = `{"a":[1,2,3]}`
	if got, err := fit([]byte(raw), 100, ""); err != nil || string(got) != raw {
		t.Errorf("%s, %v", got, err)
	}
}

// Whatever the result, what is left is valid JSON and what is missing is listed.
func FuzzFit(f *testing.F) {
	f.Add([]byte(`{"a":[1,2,3,4,5,6,7,8,9,10],"b":"xxxxxxxxxxxxxxxxxxxxxxxx"}`), 40)
	f.Add([]byte(`{"a":{"b":{"c":[[],[[]],"\u0000"]}}}`), 10)
	f.Fuzz(func(t *testing.T, raw []byte, budget int) {
		if len(raw) == 0 || raw[0] != '{' || !json.Valid(raw) {
			return
		}
		got, err := fit(raw, budget, "how")
		if err != nil {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("%s", got)
		}
		if budget >= 512 && !fits(t, got, budget) {
			t.Errorf("%d bytes for a budget of %d", len(got), budget)
		}
		if len(got) < len(raw)/2 && !strings.Contains(string(got), `"_truncated"`) && len(raw) > math.MaxInt16 {
			t.Errorf("%d of %d bytes and not a word about it", len(got), len(raw))
		}
	})
}

// A foreign answer may have any shape: whatever can't be cut in its usual way is
// left out, and none takes longer than its length.
func TestNoShapeOfAnAnswerIsTooMuch(t *testing.T) {
	list := func(element string, n int) string { return "[" + strings.Repeat(element+",", n-1) + element + "]" }
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"member number %d":"x",`, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	for name, raw := range map[string]string{
		"small lists":     `{"a":{` + members(1000) + `,"l":` + list(list("1", 3), 100_000) + `}}`,
		"strings":         `{"a":` + list(list(`"`+strings.Repeat("x", 300)+`"`, 1), 10_000) + `}`,
		"nested":          `{"a":` + strings.Repeat("[1,", 5000) + "1" + strings.Repeat("]", 5000) + `}`,
		"a little nested": `{"a":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}`,
		"a long key":      `{"` + strings.Repeat("k", 1<<20) + `":1,"b":2}`,
		"a long number":   `{"a":` + strings.Repeat("1", 1<<20) + `,"b":2}`,
		"numbers":         `{"a":` + list(strings.Repeat("1", 5000), 100) + `}`,
		"root members":    `{` + members(10_000) + `}`,
		"long paths":      `{"a":` + strings.Repeat(`{"`+strings.Repeat("k", 60)+`":`, 90) + list(`"x"`, 10_000) + strings.Repeat("}", 90) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, budget := range []int{MinSize, DefaultSize} {
				got, err := fit([]byte(raw), budget, "ask for less")
				if err != nil {
					t.Fatal(err)
				}
				if !json.Valid(got) || !fits(t, got, budget) {
					t.Errorf("%d bytes for a budget of %d: %.200s", len(got), budget, got)
				}
				if !strings.Contains(string(got), `"_truncated":[{`) {
					t.Errorf("not a word about what is left out: %.200s", got)
				}
			}
		})
	}
}

func TestWhatIsSmallStaysBesideWhatCantBeCut(t *testing.T) {
	got, err := fit([]byte(`{"a":`+strings.Repeat("1", 1<<20)+`,"b":2}`), 4096, "ask for less")
	want := `{"_truncated":[{"path":"","shown":1,"total":2,"unit":"members","how":"ask for less"}],"b":2}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

func BenchmarkFit(b *testing.B) {
	raw := []byte(`{"a":[` + strings.TrimSuffix(strings.Repeat(`{"rule":{"id":"5710","level":5},"full_log":"`+strings.Repeat("x", 300)+`"},`, 10_000), ",") + `]}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fit(raw, DefaultSize, "ask for less"); err != nil {
			b.Fatal(err)
		}
	}
}
