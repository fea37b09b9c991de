package yaml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack/internal/yaml"
)

func TestParseReadsWhatRulesAreWrittenIn(t *testing.T) {
	t.Parallel()
	got, err := yaml.Parse(`# a comment
title: 'It''s a test: really' # another
"quoted key": "tab\there"
description: |
    First line

    - not a list
folded: >-
  one
  two
plain: goes on
  in the next line
url: https://example.org/a#b
tags:
- attack.execution
- attack.t1059.001 # PowerShell
empty:
empty list: []
flow: [a, "b, c", {d: e, f:
  [g,
  h]}]
detection:
  selection:
    - Image|endswith: '\a.exe'
      CommandLine|contains:
        - ' -enc '
    - x
  condition: 1 of selection*
...
---
second: document
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		map[string]any{
			"title": "It's a test: really", "quoted key": "tab\there", "description": "First line\n\n- not a list",
			"folded": "one two", "plain": "goes on in the next line", "url": "https://example.org/a#b",
			"tags": []any{"attack.execution", "attack.t1059.001"}, "empty": "", "empty list": []any{},
			"flow": []any{"a", "b, c", map[string]any{"d": "e", "f": []any{"g", "h"}}},
			"detection": map[string]any{
				"selection": []any{map[string]any{`Image|endswith`: `\a.exe`, "CommandLine|contains": []any{" -enc "}}, "x"},
				"condition": "1 of selection*",
			},
		},
		map[string]any{"second": "document"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := yaml.Texts(got[0], "tags"); len(got) != 2 || yaml.Text(want[0], "detection", "condition") != "1 of selection*" {
		t.Errorf("tags are %v", got)
	}
}

func TestParseNamesTheLineOfAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a: 1\nb", "a: [1,\n2", "a: 'x\ny", "a: b\n\t\tc: d\n e: f", strings.Repeat("[", 200), "- a\nb: c\n  d: e"} {
		if docs, err := yaml.Parse(text); err != nil && !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v, %v", text, docs, err)
		}
	}
}

func TestWhatIsNotReadIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a: &x [b]\n", "a: *x\n", "- !!str b\n"} {
		if docs, err := yaml.Parse(text); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v, %v", text, docs, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a: [b, {c: 'd'}]\n- e\n---\n|\n x")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = yaml.Parse(text) })
}
