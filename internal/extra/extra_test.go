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
