package state

import (
	"slices"
	"strings"
)

// levels are the names of what protects a thing, from open to closed. A distribution
// is named from closed to open.
var levels = map[string][]string{
	"tlp":          {"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"},
	"pap":          {"CLEAR", "GREEN", "AMBER", "RED"},
	"distribution": {"all communities", "connected communities", "this community only", "your organisation only"},
}

// Warned returns p with a warning first for each level of protection that it lowers.
func (p Plan) Warned() Plan {
	var lowered []string
	for _, c := range p.Changes {
		names, ok := levels[strings.ToLower(c.Field)]
		if !ok {
			continue
		}
		before, after := slices.Index(names, level(c.Before)), slices.Index(names, level(c.After))
		if w := c.Field + " is lowered: " + c.Before + " -> " + c.After; before > after && after >= 0 && !slices.Contains(p.Warnings, w) {
			lowered = append(lowered, w)
		}
	}
	if len(lowered) > 0 {
		p.Warnings = slices.Concat(lowered, p.Warnings)
	}
	return p
}

// level is the name of a level without its number, which may follow it.
func level(s string) string {
	name, _, _ := strings.Cut(s, " (")
	if strings.EqualFold(name, "white") {
		return "CLEAR"
	}
	return name
}
