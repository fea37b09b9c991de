package jsontree_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/jsontree"
)

func TestAValueIsEncodedAsItCame(t *testing.T) {
	for _, in := range []string{
		`{"b":1,"a":[true,null,-0.5e+10,"x"],"b":{}}`, `"\" \\ \n é <&> \u0085"`, `[]`, `12345678901234567890123`, `"😀"`,
	} {
		v, err := jsontree.Parse([]byte(in), 5)
		if err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		if got := string(v.Append(nil)); got != in || v.Measure() != len(in) {
			t.Errorf("%s: encoded as %s, measured as %d", in, got, v.Size)
		}
	}
}

func TestWhatIsNotOneValueIsAnError(t *testing.T) {
	for in, want := range map[string]string{
		``:                                   "not valid JSON: unexpected EOF",
		`{"a":`:                              "not valid JSON: unexpected EOF",
		`{} x`:                               "not valid JSON: invalid character 'x' after top-level value",
		`[1,]`:                               "not valid JSON: invalid character ']' looking for beginning of value",
		"\"\xff\"":                           "not valid UTF-8",
		`[[[[[[1]]]]]]`:                      "nested too deep: want at most 5 levels",
		`{"q":[],"a b":[[[[[1]]]]]}`:         `"a b": nested too deep: want at most 5 levels`,
		`{"q":{"x":1,"y":[{"z":{"z":{}}}]}}`: "q.y: nested too deep: want at most 5 levels",
	} {
		_, err := jsontree.Parse([]byte(in), 5)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

// FuzzParse holds the parser to encoding/json.
func FuzzParse(f *testing.F) {
	for _, in := range []string{`{"a":[1,2.5e3,"\ud83d\ude00\ud800x",true,null]}`, `"\u12"`, `01`, `-`, `1.`, `{"a" 1}`, `[1 2]`, "\"\n\"", `tru`} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := jsontree.Parse(in, jsontree.MaxDepthIn)
		if err != nil {
			var deep *jsontree.DeepError
			if json.Valid(in) && err.Error() != "not valid UTF-8" && !errors.As(err, &deep) {
				t.Fatalf("%q is valid: %v", in, err)
			}
			return
		}
		decode := func(b []byte) (x any) {
			d := json.NewDecoder(bytes.NewReader(b))
			d.UseNumber()
			if err := d.Decode(&x); err != nil {
				t.Fatalf("%q: %v", b, err)
			}
			return x
		}
		out := v.Append(nil)
		if diff := cmp.Diff(decode(in), decode(out)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
		if v.Measure() != len(out) {
			t.Errorf("%q: measured as %d, has %d", out, v.Size, len(out))
		}
	})
}
