package mcpadapter

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

type spelled struct{ text string }

func (s spelled) MarshalJSON() ([]byte, error) {
	if s.text == "" {
		return nil, errors.New("nothing")
	}
	return []byte(s.text), nil
}

type dated struct {
	At    time.Time                  `json:"at,omitzero,format:unixmilli"`
	Name  string                     `json:"name,omitempty"`
	List  []*dated                   `json:"list"`
	Other map[string]json.RawMessage `json:"-"`
}

func (d dated) MarshalJSON() ([]byte, error) { return jsoncodec.Marshal(d) }

// TestAnOutputIsShownAlikeEncodedOrNot: the journal needs its encoding too, and it is
// encoded once.
func TestAnOutputIsShownAlikeEncodedOrNot(t *testing.T) {
	s := slowServer(t, 0, "")
	run := func(context.Context, struct{}) (any, error) { return nil, nil }
	if err := s.Add(gate.Write("any", run, "Put out anything.")); err != nil {
		t.Fatal(err)
	}
	tool := s.tools["any"]
	for _, out := range []any{
		nil, (*dated)(nil), []string(nil), []string{}, map[string]any(nil), map[string]any{}, struct{}{}, "", "<b>&\u2028\xff\x00", true, 0, 1e21, 1e-7, float32(0.1), uint64(math.MaxUint64),
		json.RawMessage(nil), json.RawMessage("null"), json.RawMessage(" { \"a\" : [ 1.0 , \"<\\u003c\" ] } "), json.RawMessage("{"), json.RawMessage(""), json.Number("1.50"),
		spelled{`{"b": 1, "b": 2,
		 "_flags": "mine", "result": {"status": "x"}}`}, spelled{"null"}, spelled{"[1"}, spelled{}, &spelled{`"x"`}, math.NaN(), make(chan int),
		&dated{At: time.UnixMilli(1e12), List: []*dated{nil, {Name: "in"}}, Other: map[string]json.RawMessage{"z": []byte(` {"y": null}`), "at": []byte(`"soon"`)}},
		[]any{nil, []byte("x"), time.Unix(0, 0).UTC(), map[string]any{"": nil, "a<b": []int{}}},
	} {
		res := &gate.Result{State: gate.StateExecuted, Proposal: &gate.Proposal{ID: "P-00000000"}, Out: out, Note: "noted"}
		text, _ := jsoncodec.Marshal(out)
		show := func(text json.RawMessage) string {
			a, err := tool.enveloped(bound{}, res, text)
			if err != nil {
				return err.Error()
			}
			return string(a.Whole())
		}
		if d := cmp.Diff(show(nil), show(text)); d != "" {
			t.Errorf("%#v (-not yet +encoded):\n%s", out, d)
		}
	}
}
