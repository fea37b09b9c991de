package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sallyport-soc/sallyport/internal/jsontree"
)

type color string

func (color) Enum() []any { return []any{color("Red"), color("Green"), color("green-blue")} }

type level int

func (level) Enum() []any { return []any{level(1), level(2)} }

type base struct {
	Shared string `json:"shared,omitempty"`
}

type item struct {
	Kind  string `json:"kind"`
	Count int8   `json:"count,omitempty"`
}

type everything struct {
	base

	CaseID  string                     `json:"caseId" alias:"id"`
	Colors  []color                    `json:"colors,omitempty"`
	Level   level                      `json:"level,omitempty"`
	N       int64                      `json:"n,omitempty"`
	U       uint8                      `json:"u,omitempty"`
	Deep    *bool                      `json:"deep,omitempty"`
	Names   []string                   `json:"names,omitempty" maxItems:"3" minLength:"1" maxLength:"5"`
	Nums    []int                      `json:"nums,omitempty" minimum:"0" maximum:"9"`
	Items   []item                     `json:"items,omitempty"`
	One     *item                      `json:"one,omitempty"`
	Query   json.RawMessage            `json:"query,omitempty"`
	Fields  map[string]json.RawMessage `json:"fields,omitempty"`
	Labels  map[string]string          `json:"labels,omitempty"`
	Since   time.Time                  `json:"since,omitzero"`
	Content []byte                     `json:"contentBase64,omitempty"`
	IDs     []string                   `json:"excludeIDs,omitempty"`
}

func everythingType(tb testing.TB) *Type {
	tb.Helper()
	s, err := Input(reflect.TypeFor[everything](), Leaves{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestArgumentsAreAccepted(t *testing.T) {
	s := everythingType(t)
	for _, tt := range []struct{ args, want string }{
		{`{"caseId":"x"}`, `{"caseId":"x"}`},
		{`{"case_id":"x"}`, `{"caseId":"x"}`},
		{`{"id":"x"}`, `{"caseId":"x"}`},
		{`{"id":"x","caseId":"x"}`, `{"caseId":"x"}`},
		{`{"id":5710,"case_id":"5710"}`, `{"caseId":"5710"}`},
		{`{"id":90071992547409931234567}`, `{"caseId":"90071992547409931234567"}`},
		{`{"id":"x","shared":"y"}`, `{"shared":"y","caseId":"x"}`},
		{`{"id":"x","colors":"red"}`, `{"caseId":"x","colors":["Red"]}`},
		{`{"id":"x","colors":[" GREEN "]}`, `{"caseId":"x","colors":["Green"]}`},
		{`{"id":"x","level":"2"}`, `{"caseId":"x","level":2}`},
		{`{"id":"x","n":9007199254740993}`, `{"caseId":"x","n":9007199254740993}`},
		{`{"id":"x","n":"-12"}`, `{"caseId":"x","n":-12}`},
		{`{"id":"x","deep":"true"}`, `{"caseId":"x","deep":true}`},
		{`{"id":"x","names":"[\"a\",\"b\"]"}`, `{"caseId":"x","names":["a","b"]}`},
		{`{"id":"x","names":"[a"}`, `{"caseId":"x","names":["[a"]}`},
		{`{"id":"x","names":7}`, `{"caseId":"x","names":["7"]}`},
		{`{"id":"x","nums":"[1,\"2\"]"}`, `{"caseId":"x","nums":[1,2]}`},
		{`{"id":"x","items":"[{\"kind\":\"k\"}]"}`, `{"caseId":"x","items":[{"kind":"k"}]}`},
		{`{"id":"x","query":{"a":[1.50,{"b":null}]}}`, `{"caseId":"x","query":{"a":[1.50,{"b":null}]}}`},
		{`{"id":"x","fields":{"a":1.5,"b":null}}`, `{"caseId":"x","fields":{"a":1.5,"b":null}}`},
		{`{"id":"x","since":"2026-01-02T03:04:05Z"}`, `{"caseId":"x","since":"2026-01-02T03:04:05Z"}`},
		{`{"id":"x","content_base64":"aGk="}`, `{"caseId":"x","contentBase64":"aGk="}`},
		{`{"id":"x","exclude_ids":["1"]}`, `{"caseId":"x","excludeIDs":["1"]}`},
	} {
		got, _, err := s.Bind([]byte(tt.args))
		if err != nil {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.args, diff)
		}
		if err := json.Unmarshal(got, new(everything)); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func TestArgumentsAreRefused(t *testing.T) {
	s := everythingType(t)
	const names = "shared, caseId, colors, level, n, u, deep, names, nums, items, one, query, fields, labels, since, contentBase64, excludeIDs"
	for _, tt := range []struct{ args, want string }{
		{`{`, "not valid JSON: unexpected EOF"},
		{`{"id":"x"} {}`, "not valid JSON: invalid character '{' after top-level value"},
		{`[]`, "want an object of arguments, got an array"},
		{"{\"id\":\"\xff\"}", "not valid UTF-8"},
		{`{}`, "caseId: missing; want a string"},
		{`{"id":"x","cas_id":"y"}`, "cas_id: unknown argument; did you mean caseId? allowed: " + names},
		{`{"id":"x","wholly":"y"}`, "wholly: unknown argument; allowed: " + names},
		{`{"id":"x","label":{}}`, "label: unknown argument; did you mean labels? allowed: " + names},
		{`{"id":"x","CASE_ID":"x"}`, "CASE_ID: unknown argument; did you mean caseId? allowed: " + names},
		{`{"id":"x","id":"x"}`, "id: given twice"},
		{`{"id":"x","caseId":"y"}`, "caseId: means the same as id, which has another value"},
		{`{"id":null}`, "id: want a string, got null"},
		{`{"id":"x","wait_for_next":true}`, "wait_for_next: unknown argument; allowed: " + names},
		{`{"id":1.5}`, "id: want a string, got 1.5"},
		{`{"id":true}`, "id: want a string, got true"},
		{`{"id":["x"]}`, "id: want a string, got an array"},
		{`{"id":"x","n":1.5}`, "n: want an integer, got 1.5"},
		{`{"id":"x","n":"0x1p4"}`, `n: want an integer, got "0x1p4"`},
		{`{"id":"x","n":1e300}`, "n: want an integer, got 1e300"},
		{`{"id":"x","n":"0x1f"}`, `n: want an integer, got "0x1f"`},
		{`{"id":"x","n":"007"}`, `n: want an integer, got "007"`},
		{`{"id":"x","n":9223372036854775808}`, "n: want an integer, got 9223372036854775808"},
		{`{"id":"x","u":256}`, "u: want an integer from 0 to 255, got 256"},
		{`{"id":"x","deep":"yes"}`, `deep: want true or false, got "yes"`},
		{`{"id":"x","deep":1}`, "deep: want true or false, got 1"},
		{`{"id":"x","colors":["blue"]}`, `colors[0]: want one of "Red", "Green", "green-blue", got "blue"`},
		{`{"id":"x","level":3}`, "level: want one of 1, 2, got 3"},
		{`{"id":"x","names":["a","b","c","d"]}`, "names: want at most 3 elements, got 4"},
		{`{"id":"x","names":[""]}`, `names[0]: want at least 1 character, got ""`},
		{`{"id":"x","names":["äöüäöü"]}`, `names[0]: want at most 5 characters, got 6: "äöüäöü"`},
		{`{"id":"x","nums":[10]}`, "nums[0]: want an integer from 0 to 9, got 10"},
		{`{"id":"x","names":{}}`, "names: want an array of strings, got an object"},
		{`{"id":"x","items":{"kind":"k"}}`, "items: want an array of objects, got an object"},
		{`{"id":"x","items":[{"knd":"k"}]}`, "items[0].knd: unknown argument; did you mean kind? allowed: kind, count\nitems[0].kind: missing; want a string"},
		{`{"id":"x","one":{"kind":"k","count":128}}`, "one.count: want an integer from -128 to 127, got 128"},
		{`{"id":"x","query":[]}`, "query: want an object, got an array"},
		{`{"id":"x","query":{"a":{"b":1,"b":2}}}`, `query: "b" is given twice`},
		{`{"id":"x","fields":{"a":1,"a":2}}`, "fields.a: given twice"},
		{`{"id":"x","labels":{"a":{}}}`, "labels.a: want a string, got an object"},
		{`{"id":"x","since":"yesterday"}`, `since: want a time such as 2026-01-02T15:04:05Z, got "yesterday"`},
		{`{"id":"x","contentBase64":"%"}`, `contentBase64: want standard base64, got "%"`},
		{`{"id":"x","a\nb":1}`, `"a\nb": unknown argument; allowed: ` + names},
		{`{"id":"x","u":"` + strings.Repeat("9", 100) + `"}`, `u: want an integer from 0 to 255, got "` + strings.Repeat("9", 60) + `…"`},
		{`{"id":"x","query":` + strings.Repeat(`{"a":`, 60) + `1` + strings.Repeat("}", 60) + `}`, "query.a: nested too deep: want at most 40 levels"},
		{`{"id":"` + strings.Repeat("x", maxArguments) + `"}`, fmt.Sprintf("arguments of %d bytes; at most %d are taken", maxArguments+9, maxArguments)},
	} {
		_, _, err := s.Bind([]byte(tt.args))
		if err == nil {
			t.Errorf("%s is accepted", jsontree.Clip(tt.args, 200))
			continue
		}
		if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", jsontree.Clip(tt.args, 200), diff)
		}
	}
}

func TestErrorsOfOneCallAreBounded(t *testing.T) {
	var args strings.Builder
	args.WriteString(`{"id":"x"`)
	for i := range 5000 {
		fmt.Fprintf(&args, `,"unknown%d":1`, i)
	}
	_, _, err := everythingType(t).Bind([]byte(args.String() + "}"))
	if err == nil || !strings.HasSuffix(err.Error(), "\nand 4980 more") {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

func TestTheSchemaSaysWhatTheBinderAccepts(t *testing.T) {
	s := everythingType(t)
	schema := resolved(t, s.schema(nil, "", nil))
	for _, args := range []string{
		`{"caseId":"x","colors":["Red"],"level":1,"n":5,"u":3,"deep":false,"names":["a"],"nums":[3],"items":[{"kind":"k"}],"one":{"kind":"k"},"query":{},"fields":{"a":[1]},"labels":{"a":"b"},"since":"2026-01-02T03:04:05Z","contentBase64":"aGk="}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(args), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("the schema refuses %s: %v", args, err)
		}
		if _, _, err := s.Bind([]byte(args)); err != nil {
			t.Errorf("the binder refuses %s: %v", args, err)
		}
	}
}

func resolved(tb testing.TB, schema []byte) *jsonschema.Resolved {
	tb.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(schema, &s); err != nil {
		tb.Fatalf("%v\n%s", err, schema)
	}
	r, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// Whatever the binder accepts decodes into the input, and what that encodes to
// keeps to the schema and is accepted again unchanged.
func FuzzBind(f *testing.F) {
	for _, seed := range []string{
		`{"id":"x"}`, `{"case_id":5710,"colors":"red","level":"1","names":"[\"a\"]"}`, `{"id":"x","items":[{"kind":"k","count":-1}],"one":{"kind":""}}`,
		`{"id":"x","query":{"a":[1.5]},"fields":{"x":null},"labels":{"a":1}}`, `{"id":"x","since":"2026-01-02T03:04:05Z","contentBase64":"aGk="}`,
		`{"id":"\ud800","shared":"\u2028"}`, `null`, `[`, `{"id":1e400}`, "{\"id\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	s := everythingType(f)
	schema := resolved(f, s.schema(nil, "", nil))
	f.Fuzz(func(t *testing.T, args []byte) {
		got, _, err := s.Bind(args)
		if err != nil {
			if err.Error() == "" || strings.Count(err.Error(), "\n") > maxErrors {
				t.Errorf("error %q", err)
			}
			return
		}
		var in everything
		if err := json.Unmarshal(got, &in); err != nil {
			t.Fatalf("%s is bound as %s, which does not decode: %v", args, got, err)
		}
		var v any
		if err := json.Unmarshal(got, &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil && !tooPrecise(v) {
			t.Errorf("%s is bound as %s, which the schema refuses: %v", args, got, err)
		}
		again, _, err := s.Bind(got)
		if err != nil || string(again) != string(got) {
			t.Errorf("%s is bound as %s, and that as %s (%v)", args, got, again, err)
		}
	})
}

// tooPrecise reports whether a number in v is not what was written, because
// decoding into any makes floats.
func tooPrecise(v any) bool {
	switch v := v.(type) {
	case float64:
		return math.Abs(v) > 1<<53
	case []any:
		for _, e := range v {
			if tooPrecise(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if tooPrecise(e) {
				return true
			}
		}
	}
	return false
}

func TestWhatHostsSendForAnArgumentThatIsLeftOut(t *testing.T) {
	s := everythingType(t)
	for _, args := range []string{
		`{"id":"x","colors":null,"level":null,"n":null,"deep":null,"names":null,"items":null,"one":null,"query":null,"labels":null,"since":null,"contentBase64":null}`,
		`{"id":"x","colors":"","level":"","n":"","deep":" ","names":"","items":"","one":"","query":"","labels":"","since":""}`,
		`{"id":"x","wait_for_previous":true}`,
		`{"id":"x","case_id":"x"}`,
	} {
		got, notes, err := s.Bind([]byte(args))
		if err != nil || string(got) != `{"caseId":"x"}` || len(notes) > 0 {
			t.Errorf("%s: bound as %s, %v, %v", args, got, notes, err)
		}
	}
	// An empty text that has a meaning stays.
	if got, _, err := s.Bind([]byte(`{"id":"x","shared":"","one":{"kind":"","count":null}}`)); err != nil || string(got) != `{"shared":"","caseId":"x","one":{"kind":""}}` {
		t.Errorf("bound as %s, %v", got, err)
	}
}

type strictness int

func (strictness) Enum() []any { return []any{0, 1, 2, 4} }

func (s strictness) String() string {
	return map[strictness]string{0: "CLEAR", 1: "GREEN", 2: "AMBER+STRICT", 4: "RED"}[s]
}

func TestWhatPeopleWriteIsUnderstoodAndSaid(t *testing.T) {
	type in struct {
		TLP    strictness `json:"tlp,omitempty"`
		Limit  int        `json:"limit,omitempty"`
		Value  string     `json:"value,omitempty" refang:"true"`
		Values []string   `json:"values,omitempty" refang:"true"`
		Since  time.Time  `json:"since,omitzero"`
	}
	s, err := Input(reflect.TypeFor[in](), Leaves{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want, note string }{
		{`{"limit":5.0}`, `{"limit":5}`, ""},
		{`{"limit":"1e2"}`, `{"limit":100}`, ""},
		{`{"tlp":"amber_strict"}`, `{"tlp":2}`, `tlp: "amber_strict" read as 2`},
		{`{"tlp":"TLP:RED"}`, `{"tlp":4}`, `tlp: "TLP:RED" read as 4`},
		{`{"tlp":"white"}`, `{"tlp":0}`, `tlp: "white" read as 0`},
		{`{"tlp":"4"}`, `{"tlp":4}`, ""},
		{`{"value":"hxxps://evil[.]example/a"}`, `{"value":"https://evil.example/a"}`, `value: "hxxps://evil[.]example/a" read as https://evil.example/a`},
		{`{"values":["a(dot)example","198.51.100[.]7","plain.example"]}`, `{"values":["a.example","198.51.100.7","plain.example"]}`, `values[0]: "a(dot)example" read as a.example` + "\n" + `values[1]: "198.51.100[.]7" read as 198.51.100.7`},
		{`{"value":"meow://x.example"}`, `{"value":"http://x.example"}`, `value: "meow://x.example" read as http://x.example`},
		{`{"since":"2026-03-02"}`, `{"since":"2026-03-02T00:00:00Z"}`, `since: "2026-03-02" read as 2026-03-02T00:00:00Z`},
		{`{"since":1772438400}`, `{"since":"2026-03-02T08:00:00Z"}`, `since: 1772438400 read as 2026-03-02T08:00:00Z`},
		{`{"since":"1772438400000"}`, `{"since":"2026-03-02T08:00:00Z"}`, `since: "1772438400000" read as 2026-03-02T08:00:00Z`},
	} {
		got, notes, err := s.Bind([]byte(tt.args))
		if err != nil || string(got) != tt.want || strings.Join(notes, "\n") != tt.note {
			t.Errorf("%s: bound as %s, noted %q, %v", tt.args, got, notes, err)
		}
	}
	for written, plain := range map[string]string{
		"evil[.]example": "evil.example", "evil(.)example": "evil.example", "evil[dot]example": "evil.example", "evil(dot)example": "evil.example",
		"http[:]//evil.example": "http://evil.example", "who[@]evil.example": "who@evil.example", "who[at]evil.example": "who@evil.example",
		"hxxp://evil.example": "http://evil.example", "htxp://evil.example": "http://evil.example", "meow://evil.example": "http://evil.example",
	} {
		got, notes, err := s.Bind([]byte(`{"value":"` + written + `"}`))
		if err != nil || string(got) != `{"value":"`+plain+`"}` || len(notes) != 1 {
			t.Errorf("%s: bound as %s, noted %q, %v", written, got, notes, err)
		}
	}
	if _, _, err := s.Bind([]byte(`{"tlp":"purple"}`)); err == nil || err.Error() != `tlp: want one of 0 CLEAR, 1 GREEN, 2 AMBER+STRICT, 4 RED, got "purple"` {
		t.Errorf("purple: %v", err)
	}
	if strings.Contains(string(s.Schema()), `"enum"`) {
		t.Errorf("integers are enumerated: %s", s.Schema())
	}
}

func TestATimeIsTakenByHowLongAgoUnlessTheCallWaitsForAnApproval(t *testing.T) {
	type in struct {
		Since time.Time `json:"since,omitzero"`
		Seen  string    `json:"seen,omitempty" time:"instant"`
		Day   string    `json:"day,omitempty" time:"day"`
		Until string    `json:"until,omitempty" time:"until"`
	}
	s, err := Input(reflect.TypeFor[in](), Leaves{})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"24h", "now-24h", "1d", "24 h ago", "-1d", "1440min"} {
		got, notes, err := s.Bind([]byte(`{"since":"` + form + `","seen":"` + form + `","day":"` + form + `"}`))
		var v in
		if err != nil || json.Unmarshal(got, &v) != nil || len(notes) != 3 {
			t.Errorf("%s: bound as %s, noted %q, %v", form, got, notes, err)
			continue
		}
		if d := time.Since(v.Since); d < 24*time.Hour || d > 24*time.Hour+time.Minute || v.Seen != v.Since.Format(time.RFC3339) || v.Day != v.Since.Format(time.DateOnly) {
			t.Errorf("%s: %+v", form, v)
		}
	}
	if got, _, err := s.Bind([]byte(`{"day":1772438400,"seen":"2026-03-02 08:00"}`)); err != nil || string(got) != `{"seen":"2026-03-02T08:00:00Z","day":"2026-03-02"}` {
		t.Errorf("bound as %s, %v", got, err)
	}
	s.FixedTimes = true
	if _, _, err := s.Bind([]byte(`{"since":"24h"}`)); err == nil || !strings.Contains(err.Error(), "since: say the time itself, such as 20") {
		t.Errorf("a relative time of a write: %v", err)
	}
	in30 := func() string {
		return "until: say the time itself, such as " + time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly)
	}
	before := in30()
	if _, _, err := s.Bind([]byte(`{"until":"30d"}`)); err == nil || !strings.Contains(err.Error(), before) && !strings.Contains(err.Error(), in30()) {
		t.Errorf("a day to come of a write: %v", err)
	}
	if _, _, err := s.Bind([]byte(`{"until":"soon"}`)); err == nil || !strings.Contains(err.Error(), "until: want a day such as 2026-01-02, got \"soon\"") {
		t.Errorf("no day: %v", err)
	}
}
