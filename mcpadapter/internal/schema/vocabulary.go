package schema

import (
	"slices"
	"strings"
)

// vocabulary is what arguments are that mean the same wherever a tool doesn't say
// otherwise. A server tells it once, instead of with each of its tools.
var vocabulary = []struct{ names, doc string }{
	{"limit", "how many rows at most"},
	{"offset", "how many rows to skip"},
	{"page", "which page, from 1"},
	{"cursor", "the next_cursor of the page before; repeat the other arguments"},
	{"search", "text that a row must have, in any case"},
	{"start_time end_time after before createdAfter createdBefore happenedAfter happenedBefore dueBefore firstSeen lastSeen date endDate dueDate occurDate dateFrom dateTo timestamp",
		"2026-01-02T03:04:05Z, a date, or how long ago: 24h, now-7d"},
	{"tlp pap", "CLEAR, GREEN, AMBER, AMBER+STRICT (no PAP) or RED, or its number"},
	{"severity", "low, medium, high, critical, or 1 to 4"},
	{"dataType", "ip, domain, fqdn, url, mail, hash, filename, user-agent, … or one of the server's own"},
	{"owner assignee", "a login"},
	{"agent_id", "a number such as 007"},
	{"caseId", "an id (~4096) or the case's number"},
	{"eventId attributeId objectId", "an id or UUID"},
	{"addTags removeTags", "the other tags stay"},
	{"confirm", "must be true to propose the action, which the operator then decides on"},
	{"reason", "why, in your words, for the approver"},
}

// Common returns what an argument of that name is, if all tools mean the same by
// it, or "".
func Common(name string) string {
	for _, w := range vocabulary {
		if slices.Contains(strings.Fields(w.names), name) {
			return w.doc
		}
	}
	return ""
}

// Vocabulary returns, in a sentence, what those arguments of inputs are of which
// they say nothing themselves, or "".
func Vocabulary(inputs []*Type) string {
	used := map[string]bool{}
	for _, in := range inputs {
		in.silent(used)
	}
	var all []string
	for _, w := range vocabulary {
		var names []string
		for _, name := range strings.Fields(w.names) {
			if used[name] {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			all = append(all, strings.Join(names, ", ")+": "+w.doc)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "Arguments of the tools: " + strings.Join(all, "; ") + "."
}

// silent collects the names of the arguments below s of which nothing is said.
func (s *Type) silent(names map[string]bool) {
	if s.Elem != nil {
		s.Elem.silent(names)
	}
	for _, f := range s.Fields {
		if f.Doc == "" {
			names[f.Name] = true
		}
		f.Type.silent(names)
	}
}
