package analysis

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

// The levels that an analyzer can give, from least to most alarming.
var levels = []string{"info", "safe", "suspicious", "malicious"}

// Unknown is the level where no analyzer said anything.
const Unknown = "unknown"

// A Taxonomy is one line of an analyzer's summary.
type Taxonomy struct{ Level, Namespace, Predicate, Value string }

// UnmarshalJSON accepts a value of any type, and a level of any case. A level
// that Cortex doesn't know counts as info.
func (t *Taxonomy) UnmarshalJSON(b []byte) error {
	var raw struct {
		Level, Namespace, Predicate string
		Value                       json.RawMessage
	}
	if err := jsoncodec.UnmarshalHeld(b, &raw); err != nil {
		return err
	}
	*t = Taxonomy{strings.ToLower(raw.Level), raw.Namespace, raw.Predicate, ""}
	if !slices.Contains(levels, t.Level) {
		t.Level = levels[0]
	}
	if jsoncodec.Unmarshal(raw.Value, &t.Value) != nil {
		t.Value = string(Redact(raw.Value))
	}
	return nil
}

// Taxonomies reads a summary, and reports whether it could all be read.
func Taxonomies(summary json.RawMessage) (list []Taxonomy, ok bool) {
	if len(summary) == 0 || string(summary) == "null" {
		return nil, true
	}
	var s struct {
		Taxonomies []json.RawMessage `json:"taxonomies"`
	}
	if jsoncodec.UnmarshalHeld(summary, &s) != nil {
		return nil, false
	}
	ok = true
	for _, raw := range s.Taxonomies {
		var t Taxonomy
		if t.UnmarshalJSON(raw) != nil {
			ok = false
			continue
		}
		list = append(list, t)
	}
	return list, ok
}

// Worst returns the worst of levels, or [Unknown].
func Worst[L ~string](list []L) L {
	worst := L(Unknown)
	for _, l := range list {
		if slices.Index(levels, string(l)) > slices.Index(levels, string(worst)) {
			worst = l
		}
	}
	return worst
}
