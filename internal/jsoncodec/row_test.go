package jsoncodec_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

type oddRow struct {
	ID     string   `json:"id"`
	N      int      `json:"n"`
	Tags   []string `json:"tags"`
	In     struct{ A, B int }
	Unread string `json:"-"`
}

// FuzzARowIsReadAsFarAsItCanBe holds a row to what is read strictly: it differs by what it
// tells, and is an error only where there is no object.
func FuzzARowIsReadAsFarAsItCanBe(f *testing.F) {
	for _, s := range []string{`{"id":"1","n":2}`, `{"id":7,"n":"x","tags":[1],"In":{"A":"a","B":3}}`, `{"tags":{"a":[1,{"b":2}]},"id":"1"}`, `[]`, `null`, `7`, `{`, `{"n":1e400}`, `{"ID":[],"id":"x"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var strict, row oddRow
		want := jsoncodec.Unmarshal([]byte(text), &strict)
		err := jsoncodec.UnmarshalRow([]byte(text), &row)
		object := json.Valid([]byte(text)) && strings.HasPrefix(strings.TrimSpace(text), "{")
		if (want == nil || object) != (err == nil) {
			t.Fatalf("%s: %v, strictly %v", text, err, want)
		}
		if (want == nil) != (err == nil && row.Unread == "") {
			t.Errorf("%s: can't be read: %q, strictly %v", text, row.Unread, want)
		}
		if diff := cmp.Diff(strict, row); want == nil && diff != "" {
			t.Errorf("%s (-strictly +as a row):\n%s", text, diff)
		}
	})
}

func TestARowSaysWhichOfItsMembersCannotBeRead(t *testing.T) {
	var row oddRow
	if err := jsoncodec.UnmarshalRow([]byte(`{"id":"1","n":"x","In":{"A":"a","B":3}}`), &row); err != nil {
		t.Fatal(err)
	}
	want := oddRow{ID: "1", Unread: "n: want an integer, got string; In.A: want an integer, got string"}
	want.In.B = 3
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARowWithoutAPlaceToTellWhatCannotBeReadIsAnError(t *testing.T) {
	type wrapped struct {
		Row *oddRow `json:"Row"`
	}
	for _, text := range []string{`{"Row":5}`, `{"Row":{"id":"1"},"Row":[]}`} {
		if err := jsoncodec.UnmarshalRow([]byte(text), new(wrapped)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
	var row wrapped
	if err := jsoncodec.UnmarshalRow([]byte(`{"Row":{"id":"1","n":"x"}}`), &row); err != nil || row.Row.Unread != "Row.n: want an integer, got string" {
		t.Errorf("%+v, %v", row.Row, err)
	}
}
