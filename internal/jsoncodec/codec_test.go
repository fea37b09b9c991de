package jsoncodec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

type event struct {
	ID    string                     `json:"id"`
	Info  string                     `json:"info,omitempty"`
	Parts []*event                   `json:"parts,omitempty"`
	Extra map[string]json.RawMessage `json:"-"`
}

func (e *event) UnmarshalJSON(b []byte) error { return jsoncodec.Unmarshal(b, e) }
func (e event) MarshalJSON() ([]byte, error)  { return jsoncodec.Marshal(&e) }

// loose is an integer that may come as a text.
type loose int

func (n *loose) UnmarshalJSON(b []byte) error {
	_, err := fmt.Sscan(strings.Trim(string(b), `"`), (*int)(n))
	return err
}

type paging struct {
	Total int  `json:"total"`
	More  bool `json:"more,omitempty"`
}

// plain has a field of each kind that the types of the platforms have.
type plain struct {
	Text    string          `json:"text"`
	Count   int             `json:"count,omitempty"`
	Small   int8            `json:"small,omitempty"`
	Size    uint16          `json:"size"`
	Share   float64         `json:"share"`
	Flag    bool            `json:"flag"`
	Maybe   *bool           `json:"maybe,omitempty"`
	Texts   []string        `json:"texts"`
	Numbers map[string]int  `json:"numbers,omitempty"`
	Inner   *plain          `json:"inner,omitempty"`
	List    []*plain        `json:"list,omitempty"`
	Events  []event         `json:"events,omitempty"`
	Raw     json.RawMessage `json:"raw,omitempty"`
	Any     any             `json:"any"`
	Time    time.Time       `json:"time,omitzero"`
	Bytes   []byte          `json:"bytes,omitempty"`
	Loose   loose           `json:"loose"`
	Quoted  int             `json:"quoted,string"`
	By      map[int]string  `json:"by,omitempty"`
	Pair    [2]int          `json:"pair"`
	Kelvin  string          `json:"kelvin,omitempty"`
	Nested  struct{ A, B int }
	_       string // unexported
	Left    string `json:"-"`
	paging
}

func TestUnknownMembersSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"id":"1","new":{"big":9007199254740993},"list":[1,2]}`: `{"id":"1","list":[1,2],"new":{"big":9007199254740993}}`,
		`{"id":"1","info":"x"}`:                                  `{"id":"1","info":"x"}`,
		`{"other":true}`:                                         `{"id":"","other":true}`,
		`{"id":"1","n":1.50E+3,"New":1,"NEW":2,"new":3}`:         `{"id":"1","NEW":2,"New":1,"n":1.50E+3,"new":3}`,
		`{"ID":"1"}`:                                                  `{"id":"1"}`,
		`{"id":"1","ID":"2","Id":"3"}`:                                `{"id":"1","ID":"2","Id":"3"}`,
		`{"ID":"2","id":"1","Id":"3"}`:                                `{"id":"1","ID":"2","Id":"3"}`,
		`{"id":"1","info":"","Info":"x"}`:                             `{"id":"1","info":"","Info":"x"}`,
		`{"id":"1","<script>":"a&b<c>"}`:                              `{"id":"1","\u003cscript\u003e":"a\u0026b\u003cc\u003e"}`,
		"{\"id\":\"1\",\"a\\\"b\" : { \"x\" : [ \"] \\\" \", {} ] }}": `{"id":"1","a\"b":{"x":["] \" ",{}]}}`,
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
			t.Errorf("%s (-want +got):\n%s", in, diff)
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

func TestUnknownMembersThatAreNoJSONAreRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "{", "1 2", `"`, "nul", "01", "{\"a\"}"} {
		if b, err := json.Marshal(event{Extra: map[string]json.RawMessage{"x": json.RawMessage(bad)}}); err == nil {
			t.Errorf("%q was written: %s", bad, b)
		}
	}
}

func TestObjectsWithoutUnknownMembersHaveNone(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`null`, ` { } `, `{"id":""}`} {
		var e event
		if err := json.Unmarshal([]byte(in), &e); err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		if e.Extra != nil {
			t.Errorf("%s: %v", in, e.Extra)
		}
	}
}

func TestANullInAListOfObjectsIsLeftOut(t *testing.T) {
	t.Parallel()
	var e event
	if err := json.Unmarshal([]byte(`{"id":"1","parts":[null,{"id":"2"},null]}`), &e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(event{ID: "1", Parts: []*event{{ID: "2"}}}, e); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestNothingReadSharesMemoryWithTheText(t *testing.T) {
	t.Parallel()
	b := []byte(`{"id":"one","raw":[1,2],"text":"something longer than a short text is"}`)
	var e event
	if err := jsoncodec.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	clear(b)
	want := event{ID: "one", Extra: map[string]json.RawMessage{"raw": json.RawMessage(`[1,2]`), "text": json.RawMessage(`"something longer than a short text is"`)}}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

var texts = []string{
	`{"text":"a","count":-12,"small":127,"size":65535,"share":-1.5e-3,"flag":true,"maybe":false,"texts":["a","b"],"numbers":{"b":1,"a":2},"total":3,"more":true}`,
	`{"inner":{"text":"in","list":[{"text":"x"},null,{"inner":null}]},"events":[{"id":"1","x":1},{}],"raw":{"a":[1, 2]},"any":{"z":[1,"a",null]}}`,
	`{"time":"2026-01-02T03:04:05.678Z","bytes":"aGk=","loose":"12","quoted":"7","by":{"1":"a"},"pair":[1,2,3],"Nested":{"A":1,"b":2},"` + "\u212a" + `elvin":"k"}`,
	`{"text":"\u00e9\ud83d\ude00\ud800x\n\t\"\\\/\b\f\r","texts":["é😀",""],"TEXT":"upper"}`,
	`{"text":null,"count":null,"flag":null,"maybe":null,"texts":null,"numbers":null,"inner":null,"raw":null,"any":null,"time":null,"pair":null,"quoted":null}`,
	`{"texts":[],"list":[],"numbers":{},"events":[]}`,
	"{\"text\":\"\xff\xe2\x80\xa8\"}", `{"text":1}`, `{"count":"1"}`, `{"small":128}`, `{"size":-1}`, `{"count":1.5}`, `{"texts":{}}`, `{"inner":[]}`, `{"numbers":[1]}`,
	`{"inner":{"inner":{"text":[]}}}`, `{"list":[{"flag":"yes"}]}`, `{"share":1e999}`, `{"time":"yesterday"}`, `{"quoted":7}`,
	`{`, `{"text"}`, `{"text":}`, `{"text":"a",}`, `[`, `[1,]`, `{"text":"a"} x`, ``, ` `, `nul`, `{"x":01}`, `{"x":-}`, `{"x":1.}`, `{"x":1e}`, "{\"x\":\"\x01\"}", `{"x":"\u12g4"}`, `{"x":"\q"}`, `{"x":"`, `{1:2}`, `"a"`, `1`, `[]`, `{"x":"\u12`, `{"x":"a\`,
	strings.Repeat(`{"inner":`, 12000), strings.Repeat(`[`, 12000) + strings.Repeat(`]`, 12000),
}

// same compares what jsoncodec and encoding/json make of b.
func same(t *testing.T, b []byte) {
	t.Helper()
	var got, want plain
	err, wantErr := jsoncodec.Unmarshal(b, &got), json.Unmarshal(b, &want)
	if (err == nil) != (wantErr == nil) {
		t.Errorf("%.200q: error %v, want %v", b, err, wantErr)
	}
	if syntax := new(json.SyntaxError); errors.As(wantErr, &syntax) && err != nil && err.Error() != wantErr.Error() {
		t.Errorf("%.200q: error %v, want %v", b, err, wantErr)
	}
	if err != nil || wantErr != nil {
		return
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(plain{})); diff != "" {
		t.Errorf("%.200q (-encoding/json +jsoncodec):\n%s", b, diff)
	}
	out, err := jsoncodec.Marshal(&want)
	if err != nil {
		t.Fatal(err)
	}
	wantOut, err := json.Marshal(&want)
	if err != nil {
		t.Fatal(err)
	}
	escaped, err := json.Marshal(json.RawMessage(out))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(wantOut), string(escaped)); diff != "" {
		t.Errorf("%.200q written (-encoding/json +jsoncodec):\n%s", b, diff)
	}
}

func TestTextsAreReadAndWrittenAsByEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, s := range texts {
		same(t, []byte(s))
	}
}

func TestAValueOfTheWrongTypeIsNamedWithItsPath(t *testing.T) {
	t.Parallel()
	var p plain
	err := jsoncodec.Unmarshal([]byte(`{"list":[{"inner":{"count":"many"}}]}`), &p)
	if diff := cmp.Diff("json: cannot unmarshal string into Go struct field plain.list.inner.count of type int", fmt.Sprint(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestRandomUnknownMembersAreKeptInAnyCase(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		members := map[string]json.RawMessage{}
		for range r.IntN(6) {
			name := []byte([]string{"id", "info", "novel", "a b", "é"}[r.IntN(5)])
			for i := range name {
				if name[i] < 0x80 && r.IntN(2) == 0 {
					name[i] ^= 0x20
				}
			}
			members[string(name)] = json.RawMessage([]string{`1.0`, `"\u0041"`, `{"a":[null]}`, `1e400`, `null`}[r.IntN(5)])
		}
		members["id"], members["info"] = json.RawMessage(`"1"`), json.RawMessage(`"i"`)
		in, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		var e event
		if err := json.Unmarshal(in, &e); err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]json.RawMessage
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatal(err)
		}
		if !maps.EqualFunc(members, back, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
			t.Fatalf("%s came back as %s", in, out)
		}
	}
}

func FuzzSameAsEncodingJSON(f *testing.F) {
	for _, s := range texts {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { same(t, b) })
}

func BenchmarkUnmarshal(b *testing.B) {
	in := []byte(`{"id":"1","info":"some text that is not too long","tags":["a","b"],"nested":{"a":1,"b":[1,2,3]},"n":12345}`)
	b.ReportAllocs()
	for b.Loop() {
		var e event
		if err := json.Unmarshal(in, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLeavesAreTheValuesWithTheirPaths(t *testing.T) {
	t.Parallel()
	var got []string
	err := jsontext.Leaves([]byte(` {"a":{"b":["x\n",1.50,{"c":true}],"d":null},"e":"é","f":{},"g.h":[]} `), func(path, text []byte) {
		got = append(got, string(path)+"="+string(text))
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.b=x\n", "a.b=1.50", "a.b.c=true", "e=é"}, got); diff != "" {
		t.Errorf("leaves (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "{", `{"a":1}}`, `["a",]`} {
		if err := jsontext.Leaves([]byte(bad), func(_, _ []byte) {}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestANumberIsWrittenAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, 1e-6, 9.999999e-7, 1e20, 1e21, -1e21, 1e-9, 1.5e300, 5e-324, math.MaxFloat64, math.Pi} {
		for _, v := range []any{f, float32(f)} {
			want, wantErr := json.Marshal(v)
			got, err := jsoncodec.Marshal(v)
			if string(got) != string(want) || (err == nil) != (wantErr == nil) {
				t.Errorf("%v: %s, %v; want %s, %v", v, got, err, want, wantErr)
			}
		}
	}
	if _, err := jsoncodec.Marshal(math.NaN()); err == nil {
		t.Error("what is no number was written")
	}
}
