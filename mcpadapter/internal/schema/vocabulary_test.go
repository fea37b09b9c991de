package schema

import (
	"reflect"
	"testing"
)

func TestWhatToolsLeaveUnsaidIsToldOnce(t *testing.T) {
	type part struct {
		TLP string `json:"tlp,omitempty"`
	}
	type in struct {
		Limit  int    `json:"limit,omitempty"`
		Search string `json:"search,omitempty" jsonschema:"In any field."`
		Odd    string `json:"odd,omitempty"`
		Parts  []part `json:"parts,omitempty"`
	}
	s, err := Input(reflect.TypeFor[in](), Leaves{})
	if err != nil {
		t.Fatal(err)
	}
	want := "Arguments of the tools: limit: how many rows at most; tlp: CLEAR, GREEN, AMBER, AMBER+STRICT (no PAP) or RED, or its number."
	if got := Vocabulary([]*Type{s, s}); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if got := Vocabulary(nil); got != "" {
		t.Errorf("without tools told %q", got)
	}
}
