package examples_test

import (
	"strings"
	"testing"
)

// TestEveryToolRefusesWhatItDoesNotTake gives every tool of every server an
// argument that it doesn't have and each of its own in a wrong type.
func TestEveryToolRefusesWhatItDoesNotTake(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	wrong := map[any]any{
		"integer": map[string]any{"a": "map"}, "boolean": "perhaps", "array": map[string]any{"a": "map"}, "object": 7, "string": map[string]any{"a": "map"},
	}
	count := 0
	for server := range readCatalogue(t) {
		for tool, props := range s.tools(server) {
			if r := s.call(server, tool, map[string]any{"no_such_argument": 1}); !r.failed || !strings.Contains(r.text, "no_such_argument") {
				t.Errorf("%s takes an argument it doesn't have: %.300s", tool, r.text)
			}
			for name, p := range props {
				value, ok := wrong[p.Type]
				if !ok {
					continue
				}
				count++
				if r := s.call(server, tool, map[string]any{name: value}); !r.failed || !strings.Contains(r.text, name) {
					t.Errorf("%s takes %v for %s: %.300s", tool, value, name, r.text)
				}
			}
		}
	}
	if count < 500 {
		t.Errorf("only %d arguments were tried", count)
	}
}
