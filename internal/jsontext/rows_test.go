package jsontext_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// apart takes the list at path out of a text, as it is read whole: its rows, if there is
// such a list, and the rest.
func apart(v any, path []string) (rows []any, rest any, found bool) {
	if len(path) == 0 {
		list, ok := v.([]any)
		if !ok {
			return nil, v, false
		}
		return list, []any{}, true
	}
	o, ok := v.(map[string]any)
	if !ok || o[path[0]] == nil {
		return nil, v, false
	}
	rows, o[path[0]], found = apart(o[path[0]], path[1:])
	return rows, o, found
}

// arrive reads text as it arrives and says whether that is what it holds as a whole.
func arrive(t *testing.T, text []byte, path []string, r io.Reader) {
	t.Helper()
	var rows []any
	began := false
	rest, err := jsontext.Rows(r, path, func() func([]byte) error {
		rows, began = nil, true
		return func(b []byte) error {
			var row any
			defer clear(b) // they were good until now
			if err := json.Unmarshal(b, &row); err != nil {
				t.Errorf("row %.100s: %v", b, err)
			}
			rows = append(rows, row)
			return nil
		}
	})
	var whole any
	if json.Unmarshal(text, &whole) != nil {
		if !errors.Is(err, jsontext.ErrSyntax) {
			t.Errorf("%.200q: %v; want %v", text, err, jsontext.ErrSyntax)
		}
		return
	}
	if err != nil {
		t.Errorf("%.200q: %v", text, err)
		return
	}
	wantRows, want, found := apart(whole, path)
	var got any
	if err := json.Unmarshal(rest, &got); err != nil {
		t.Errorf("the rest of %.200q is %.200q: %v", text, rest, err)
	}
	if !reflect.DeepEqual(got, want) || found != began || len(rows)+len(wantRows) > 0 && !reflect.DeepEqual(rows, wantRows) {
		t.Errorf("%.200q at %q: rows %.200v beside %.200s, want %.200v beside %.200v", text, path, rows, rest, wantRows, want)
	}
}

func TestRowsThatArriveAreThoseOfTheWholeText(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var list []string
		for range r.IntN(40) {
			list = append(list, []string{
				"null", "-1.5e+7", "12", `"` + strings.Repeat(`\"é\u00e9\\ `, r.IntN(6000)) + `"`, `{"a":{"list":[1,2]},"b":"]}"}`, "[[]]", `""`,
				`{"x":"` + strings.Repeat("y", r.IntN(40_000)) + `"}`,
			}[r.IntN(8)])
		}
		space := strings.Repeat(" \n\t", r.IntN(3))
		rows := space + "[" + space + strings.Join(list, space+","+space) + space + "]" + space
		for _, c := range []struct{ text, path string }{
			{rows, ""},
			{fmt.Sprintf(`%s{"took":%d,"a":{"n":{"list":[7]},"list":%s,"z":[true]}, "list":[8]}%s`, space, r.IntN(99), rows, space), "a.list"},
		} {
			var path []string
			if c.path != "" {
				path = strings.Split(c.path, ".")
			}
			arrive(t, []byte(c.text), path, strings.NewReader(c.text))
			arrive(t, []byte(c.text), path, iotest.HalfReader(strings.NewReader(c.text)))
			arrive(t, []byte(c.text), path, iotest.DataErrReader(strings.NewReader(c.text)))
			broken := c.text[:r.IntN(len(c.text))] // or whole, but for space
			arrive(t, []byte(broken), path, strings.NewReader(broken))
		}
	}
}

func TestAReaderThatFailsAndARowThatIsRefusedEndTheReading(t *testing.T) {
	t.Parallel()
	failed, refused := errors.New("failed"), errors.New("refused")
	none := func() func([]byte) error { return func([]byte) error { return nil } }
	if _, err := jsontext.Rows(io.MultiReader(strings.NewReader("[1,"), iotest.ErrReader(failed)), nil, none); !errors.Is(err, failed) {
		t.Errorf("%v, want %v", err, failed)
	}
	n := 0
	if _, err := jsontext.Rows(strings.NewReader("[1,2,3]"), nil, func() func([]byte) error {
		return func([]byte) error {
			if n++; n == 2 {
				return refused
			}
			return nil
		}
	}); !errors.Is(err, refused) || n != 2 {
		t.Errorf("%v after %d rows, want %v", err, n, refused)
	}
}

func FuzzRows(f *testing.F) {
	for _, text := range []string{`{"a":{"list":[1,{"b":2}]},"c":3}`, `{"a":[]}`, `{"a":null}`, `[1,2]`, `{"a":{"list":1},"a":{"list":[2]}}`, `{"a" :{"list": [ ] }} x`, "{\x00}", ""} {
		f.Add([]byte(text), byte(2))
	}
	f.Fuzz(func(t *testing.T, text []byte, depth byte) {
		if !bytes.Contains(text, []byte(`"a":{`)) || bytes.Count(text, []byte(`"a"`)) > 1 || bytes.Count(text, []byte(`"list"`)) > 1 {
			depth = 0 // of members that come twice the last one counts, which the test's own way doesn't say
		}
		arrive(t, text, []string{"a", "list"}[:int(depth)%3], iotest.OneByteReader(bytes.NewReader(text)))
	})
}
