package extra_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/extra"
)

type event struct {
	ID    string                     `json:"id"`
	Info  string                     `json:"info,omitempty"`
	Extra map[string]json.RawMessage `json:"-"`
}

func (e *event) UnmarshalJSON(b []byte) error {
	type plain event
	return extra.Decode(b, (*plain)(e), &e.Extra)
}

func (e event) MarshalJSON() ([]byte, error) {
	type plain event
	return extra.Encode(plain(e), e.Extra)
}

func TestUnknownMembersSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"id":"1","new":{"big":9007199254740993},"list":[1,2]}`: `{"id":"1","list":[1,2],"new":{"big":9007199254740993}}`,
		`{"id":"1","info":"x"}`:                                  `{"id":"1","info":"x"}`,
		`{"other":true}`:                                         `{"id":"","other":true}`,
	} {
		var e event
		if err := json.Unmarshal([]byte(in), &e); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
	}
}

func TestAKnownMemberIsNeverWrittenTwice(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(event{ID: "1", Extra: map[string]json.RawMessage{"id": json.RawMessage(`"2"`)}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"id":"1"}`, string(b)); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestOddFormsOfObjectsAreRead(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]map[string]json.RawMessage{
		`null`:      nil,
		` { } `:     nil,
		`{"id":""}`: nil,
		"\t{ \"i\\u0064\" : \"1\" ,\n\"a\\\"b\" : { \"x\" : [ \"]\", {} , -1.5e3 ] } , \"t\":true}": {`a"b`: json.RawMessage(`{ "x" : [ "]", {} , -1.5e3 ] }`), "t": json.RawMessage("true")},
	} {
		var e event
		if err := json.Unmarshal([]byte(in), &e); err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, e.Extra); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func FuzzNothingIsLost(f *testing.F) {
	for _, s := range []string{`{"id":"1","x":{"y":[1,"]"]}}`, `{"a":1,"a":2}`, `null`, `[]`, `{"\u0069d":""}`, `{"":"\\"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var known struct {
			ID any `json:"id"`
		}
		var rest, all map[string]json.RawMessage
		err := extra.Decode(b, &known, &rest)
		if json.Unmarshal(b, &all) != nil {
			return // not an object
		}
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		delete(all, "id")
		for k, v := range all {
			if string(rest[k]) != string(v) {
				t.Errorf("%q: %q is %q, want %q", b, k, rest[k], v)
			}
		}
		if len(rest) != len(all) {
			t.Errorf("%q: %d members, want %d", b, len(rest), len(all))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	in := []byte(`{"id":"1","info":"some text that is not too long","tags":["a","b"],"nested":{"a":1,"b":[1,2,3]},"n":12345}`)
	b.ReportAllocs()
	for b.Loop() {
		var e event
		if err := json.Unmarshal(in, &e); err != nil {
			b.Fatal(err)
		}
	}
}
