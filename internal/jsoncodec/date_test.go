package jsoncodec_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

type dates struct {
	Created time.Time                  `json:"created,format:unixmilli"`
	Changed time.Time                  `json:"changed,omitzero,format:unix"`
	Seen    time.Time                  `json:"seen,omitzero,format:'2006-01-02T15:04:05.000000-07:00'"`
	Extra   map[string]json.RawMessage `json:"-"`
}

func (d *dates) UnmarshalJSON(b []byte) error { return jsoncodec.Unmarshal(b, d) }
func (d dates) MarshalJSON() ([]byte, error)  { return jsoncodec.Marshal(&d) }

func TestADateIsATimeInGoAndInJSONWhatThePlatformWrites(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for text, want := range map[string]struct {
		dates
		json string
	}{
		`{"created":1772438400000,"changed":1772438400,"seen":"2026-03-02T08:00:00.000000+00:00"}`: {dates: dates{Created: at, Changed: at, Seen: at}},
		`{"created":0}`: {},
		`{"created":null,"changed":"0","seen":""}`:    {json: `{"created":0}`},
		`{"created":0,"changed":"1772438400"}`:        {dates: dates{Changed: at}, json: `{"created":0,"changed":1772438400}`},
		`{"created":-1}`:                              {dates: dates{Created: time.UnixMilli(-1)}},
		`{"created":0,"changed":"yesterday"}`:         {dates: dates{Extra: map[string]json.RawMessage{"changed": json.RawMessage(`"yesterday"`)}}},
		`{"created":0,"seen":"2026-03-02"}`:           {dates: dates{Extra: map[string]json.RawMessage{"seen": json.RawMessage(`"2026-03-02"`)}}},
		`{"created":0,"seen":"2026-03-02T08:00:00Z"}`: {dates: dates{Seen: at}, json: `{"created":0,"seen":"2026-03-02T08:00:00.000000+00:00"}`},
	} {
		if want.json == "" {
			want.json = text
		}
		var got dates
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want.dates, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if b, err := json.Marshal(got); err != nil || string(b) != want.json {
			t.Errorf("%s is written as %s, %v", text, b, err)
		}
	}
}

func TestADateThatCanNotBeReadAndKeptIsAnError(t *testing.T) {
	var got struct {
		Created time.Time `json:"created,format:unixmilli"`
	}
	if err := jsoncodec.Unmarshal([]byte(`{"created":"yesterday"}`), &got); err == nil {
		t.Errorf("yesterday is %s", got.Created)
	}
}
