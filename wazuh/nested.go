package wazuh

import (
	"slices"
	"strings"
)

// nestings are the paths of the objects that the indexer keeps as documents of their
// own, as Wazuh's template has it keep parts of the alerts of Microsoft Graph: what
// stands below one is found only by a clause that names the path, though the list of
// fields says of it what it says of all others.
type nestings []string

// templateNestings are those of Wazuh's template for alerts, for when the indexer
// doesn't tell.
var templateNestings = nestings(fieldsIn([]branch{{"data.ms-graph", names{"configurationManagerClientEnabledFeatures", "deviceActionResults", "deviceHealthAttestationState",
	"evidence", "managedDevices", "resources", "resources.modifiedProperties"}}}))

// over returns the innermost of the paths that a field stands below, or nothing.
func (n nestings) over(field string) (path string) {
	for _, p := range n {
		if len(p) > len(path) && len(p) < len(field) && field[len(p)] == '.' && strings.HasPrefix(field, p) {
			path = p
		}
	}
	return path
}

// of returns the path that a clause about a field has to name, or nothing.
func (n nestings) of(c clause) string {
	for kind, body := range c {
		if b, is := body.(clause); is && kind != "bool" {
			return n.over(fieldIn(kind, b))
		}
	}
	return ""
}

// reach reports whether clauses look at a field below any of the paths.
func (n nestings) reach(clauses []clause) bool {
	return slices.ContainsFunc(clauses, func(c clause) bool {
		parts, _ := c["bool"].(clause)
		for _, part := range parts {
			if inner, is := part.([]clause); is && n.reach(inner) {
				return true
			}
		}
		return n.of(c) != ""
	})
}

// in returns clauses that find what stands below the paths too.
func (n nestings) in(clauses []clause) []clause {
	if !n.reach(clauses) {
		return clauses
	}
	out := make([]clause, len(clauses))
	for i, c := range clauses {
		out[i] = n.within(c)
	}
	return out
}

func (n nestings) within(c clause) clause {
	if path := n.of(c); path != "" {
		return nested(path, c)
	}
	of, is := c["bool"].(clause)
	if !is {
		return c
	}
	parts := clause{}
	for name, part := range of {
		list, is := part.([]clause)
		switch {
		case is && name == "should":
			parts[name] = n.any(list)
		case is:
			parts[name] = n.in(list)
		default:
			parts[name] = part
		}
	}
	return clause{"bool": parts}
}

// any is in for clauses of which one is enough: those below the same path are one.
func (n nestings) any(list []clause) (out []clause) {
	below := map[string][]clause{}
	for _, c := range list {
		path := n.of(c)
		if path == "" {
			out = append(out, n.within(c))
			continue
		}
		below[path] = append(below[path], c)
	}
	for _, path := range n {
		if some := below[path]; len(some) > 0 {
			out = append(out, nested(path, anyOf(some...)))
		}
	}
	return out
}

func nested(path string, query clause) clause {
	return clause{"nested": clause{"path": path, "query": query, "ignore_unmapped": true}}
}

// fieldIn is the field that a clause looks at.
func fieldIn(kind string, body clause) string {
	switch kind {
	case "nested", "ids", "match_all", "match_none":
		return ""
	case "exists":
		field, _ := body["field"].(string)
		return field
	}
	for field := range body {
		return field
	}
	return ""
}
