package attack

import (
	"slices"
	"strings"
)

// IDs returns the technique ids in a text or tag, upper-case, each once, in order of appearance. It finds T1059.001 in
// "attack.t1059.001", "mitre:T1059.001", "Name - T1059.001" and "techniques/T1059/001", and nothing in "T10591" or
// "XT1059". Whether ATT&CK has such a technique is for [KB.Resolve] to say.
func IDs(text string) []string {
	var ids []string
	for i := 0; i < len(text); i++ {
		if i > 0 && alphanumeric(text[i-1]) {
			continue
		}
		id := idAt(text[i:])
		if id == "" {
			continue
		}
		i += len(id) - 1
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// idAt returns the technique id that s begins with, in its usual form, or nothing.
func idAt(s string) string {
	if len(s) < 5 || s[0]|0x20 != 't' || !digits(s[1:5]) {
		return ""
	}
	if len(s) >= 9 && (s[5] == '.' || s[5] == '/') && digits(s[6:9]) {
		if len(s) > 9 && alphanumeric(s[9]) {
			return ""
		}
		return "T" + s[1:5] + "." + s[6:9]
	}
	if len(s) > 5 && alphanumeric(s[5]) {
		return ""
	}
	return "T" + s[1:5]
}

// canonical returns an id as ATT&CK writes it: upper-case, with a dot.
func canonical(id string) string {
	id = strings.TrimSpace(id)
	if !strings.ContainsFunc(id, func(c rune) bool { return c == '/' || 'a' <= c && c <= 'z' }) {
		return id
	}
	if t := idAt(id); len(t) == len(id) {
		return t
	}
	return strings.ToUpper(id)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
