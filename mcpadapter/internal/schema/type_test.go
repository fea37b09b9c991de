package schema

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/jsontree"
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

type tree struct {
	Name string  `json:"name"`
	Kids []*tree `json:"kids"`
}

type outer struct {
	tree

	At     time.Time         `json:"at"`
	Addr   netip.Addr        `json:"addr"`
	Big    big.Int           `json:"big"`
	Tier   gate.Tier         `json:"tier"`
	Score  float64           `json:"score"`
	Any    any               `json:"any"`
	Num    json.Number       `json:"num"`
	Count  int               `json:"count,string"`
	ByID   map[int]string    `json:"byId"`
	Ptr    *int              `json:"ptr"`
	Ptrs   []*int            `json:"ptrs"`
	Fixed  [2]int            `json:"fixed"`
	Bytes  []byte            `json:"bytes"`
	Lists  [][]string        `json:"lists"`
	Nested map[string][]tree `json:"nested" untrusted:"true"`
	Hidden string            `json:"-"`
	self   *outer
}

func TestAnyOutputKeepsToItsSchema(t *testing.T) {
	n := 5
	full := outer{tree: tree{Name: "a", Kids: []*tree{{Name: "b", Kids: []*tree{{Name: "c"}}}, nil}}, At: time.Now(), Addr: netip.MustParseAddr("192.0.2.1"),
		Tier: gate.TierWrite, Score: 1.5, Any: []any{1, "x", nil}, Num: "12.5", ByID: map[int]string{1: "x"}, Ptr: &n, Ptrs: []*int{&n, nil},
		Bytes: []byte("hi"), Lists: [][]string{nil, {"a"}}, Nested: map[string][]tree{"k": nil}, self: nil}
	for _, out := range []any{full, &full, outer{Tier: gate.TierRead}, &outer{Tier: gate.TierRead}, tree{}, map[string]tree{"a": {}}, map[string][]int{"a": nil}} {
		typ := reflect.TypeOf(out)
		s := Output(typ)
		raw, err := jsontree.Encode(out)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsontree.Parse(raw, jsontree.MaxDepthOut)
		if err != nil {
			t.Fatal(err)
		}
		s.WithoutNull(v)
		raw = v.Append(nil)
		var x any
		if err := json.Unmarshal(raw, &x); err != nil {
			t.Fatal(err)
		}
		schema := s.AnswerSchema()
		if err := resolved(t, schema).Validate(x); err != nil {
			t.Errorf("%s: %v\n%s\n%s", typ, err, raw, schema)
		}
	}
}

func TestUntrustedPaths(t *testing.T) {
	type alert struct {
		ID   string   `json:"id"`
		Log  string   `json:"fullLog" untrusted:"true"`
		Tags []string `json:"tags" untrusted:"true"`
	}
	type out struct {
		Alerts []alert          `json:"alerts"`
		ByHost map[string]alert `json:"byHost"`
		First  *alert           `json:"first"`
		Grid   [][]alert        `json:"grid"`
	}
	want := []string{"alerts[].fullLog", "alerts[].tags", "byHost.*.fullLog", "byHost.*.tags", "first.fullLog", "first.tags", "grid[][].fullLog", "grid[][].tags"}
	if diff := cmp.Diff(want, Output(reflect.TypeFor[out]()).Untrusted("")); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"result[].fullLog", "result[].tags"}, Output(reflect.TypeFor[[]alert]()).Untrusted("result")); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestTheInputSchema(t *testing.T) {
	got := string(everythingType(t).schema(nil, "", nil))
	want := `{"type":"object","properties":{"shared":{"type":"string"},"caseId":{"type":"string"},` +
		`"colors":{"type":"array","items":{"type":"string","enum":["Red","Green","green-blue"]}},"level":{"type":"integer","enum":[1,2]},` +
		`"n":{"type":"integer"},"u":{"type":"integer","minimum":0,"maximum":255},"deep":{"type":"boolean"},` +
		`"names":{"type":"array","maxItems":3,"items":{"type":"string","minLength":1,"maxLength":5}},` +
		`"nums":{"type":"array","items":{"type":"integer","minimum":0,"maximum":9}},` +
		`"items":{"type":"array","items":{"type":"object","properties":{"kind":{"type":"string"},"count":{"type":"integer","minimum":-128,"maximum":127}},"required":["kind"],"additionalProperties":false}},` +
		`"one":{"type":"object","properties":{"kind":{"type":"string"},"count":{"type":"integer","minimum":-128,"maximum":127}},"required":["kind"],"additionalProperties":false},` +
		`"query":{"type":"object"},"fields":{"type":"object"},"labels":{"type":"object","additionalProperties":{"type":"string"}},` +
		`"since":{"type":"string","format":"date-time"},"contentBase64":{"type":"string","contentEncoding":"base64"},` +
		`"excludeIDs":{"type":"array","items":{"type":"string"}}},"required":["caseId"],"additionalProperties":false}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
}
