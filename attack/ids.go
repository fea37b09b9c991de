package attack

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// IDs returns the technique ids in a text or tag, upper-case, each once, in order of appearance. It finds T1059.001 in
// "attack.t1059.001", "mitre:T1059.001", "Name - T1059.001", "techniques/T1059/001", "T1059_001" and "T1059.1", and
// nothing in "T10591" or "XT1059". Whether ATT&CK has such a technique is for [KB.Resolve] to say.
func IDs(text string) []string { return idsOf(text, facts.Technique) }

// idsOf returns the ids in a text of some kinds, or of all if none is given, upper-case, each once, in order of
// appearance.
func idsOf(text string, wanted ...facts.Kind) []string {
	var ids []string
	for i := 0; i < len(text); i++ {
		if i > 0 && alphanumeric(text[i-1]) {
			continue
		}
		id, width := idAt(text[i:])
		if id == "" {
			continue
		}
		i += width - 1
		if kind := kinds[strings.TrimRight(id, "0123456789.")]; (len(wanted) == 0 || slices.Contains(wanted, kind)) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Named is what a text names by id.
type Named struct {
	Resolved           // of techniques
	Tactics  []*Tactic // each once
}

// Named returns the techniques and tactics that a text names by id, in any of the notations of the trade, and the tactics
// that a tag names. Ids that have the form of one and that this ATT&CK doesn't have are listed as unknown, with what is
// known of them.
func (k *KB) Named(text string) Named {
	var n Named
	if ids := IDs(text); ids != nil {
		var err error
		var missing *NotFoundError
		if n.Resolved, err = k.ResolveAll(ids); errors.As(err, &missing) {
			n.Unknown, n.Note = missing.Keys, missing.Why
		}
	}
	var unknown []string
	n.Tactics, unknown = k.tacticsIn(text)
	for _, id := range unknown {
		n.Unknown = append(n.Unknown, id)
		n.Note = strings.TrimPrefix(n.Note+"; "+k.why(facts.Tactic, id), "; ")
	}
	return n
}

// tacticsIn returns the tactics that a text names by id, or by name in a tag such as attack.credential-access, each once;
// and the ids that this ATT&CK doesn't have.
func (k *KB) tacticsIn(text string) (tactics []*Tactic, unknown []string) {
	keys := idsOf(text, facts.Tactic)
	for _, tag := range tag.FindAllString(text, -1) {
		keys = append(keys, strings.TrimSpace(tag))
	}
	for _, key := range keys {
		t, _, err := k.ResolveTactic(key)
		switch {
		case err == nil && !slices.Contains(tactics, t):
			tactics = append(tactics, t)
		case err != nil && strings.HasPrefix(key, "TA0"): // TA2541 is a group
			unknown = append(unknown, key)
		}
	}
	return tactics, unknown
}

// tag is what Sigma and others write for a tactic, though not only for one.
var tag = lazyregexp.New(`(?i)\battack\.[a-z]{2}[a-z_-]+`)

// withoutIDs takes the ids out of a text, and the prefixes of tags, so that neither counts as a word.
func withoutIDs(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if i == 0 || !alphanumeric(text[i-1]) {
			if _, width := idAt(text[i:]); width > 0 {
				kept := strings.TrimSuffix(strings.TrimSuffix(out.String(), "attack."), "mitre:")
				out.Reset()
				out.WriteString(kept)
				i += width - 1
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// kinds has the kind of object whose ids begin with a prefix. DS were the data sources of ATT&CK 17 and before, which are
// no kind any more.
var kinds = map[string]facts.Kind{
	"T": facts.Technique, "TA": facts.Tactic, "G": facts.Group, "S": facts.Software, "C": facts.Campaign,
	"M": facts.Mitigation, "DET": facts.Strategy, "AN": facts.Analytic, "DC": facts.Component, "DS": facts.Kinds,
	"A": facts.Asset,
}

// idAt returns the id that s begins with, as ATT&CK writes it, and how many bytes of s that is; or nothing.
func idAt(s string) (id string, width int) {
	letters := 0
	for letters < len(s) && letters < 4 && 'a' <= s[letters]|0x20 && s[letters]|0x20 <= 'z' {
		letters++
	}
	end := letters + 4
	if letters == 0 || letters > 3 || len(s) < end || !digits(s[letters:end]) {
		return "", 0
	}
	prefix := strings.ToUpper(s[:letters])
	if _, ok := kinds[prefix]; !ok || len(s) > end && alphanumeric(s[end]) {
		return "", 0
	}
	id = prefix + s[letters:end]
	if prefix != "T" {
		return id, end
	}
	sub, ok := subAt(s[end:])
	switch {
	case !ok:
		return "", 0
	case sub == "":
		return id, end
	}
	return id + "." + strings.Repeat("0", 3-len(sub)) + sub, end + 1 + len(sub)
}

// subAt returns the number of a sub-technique that stands behind a separator at the beginning of s, or nothing, and false
// where what stands behind a dot or slash can't be one. Behind a dot or an underscore it may have lost its zeros, as in a
// spreadsheet; T1059-1 is a test of the parent.
func subAt(s string) (sub string, ok bool) {
	if s == "" || !strings.ContainsRune("./_-:", rune(s[0])) {
		return "", true
	}
	n := 1
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	ends := n == len(s) || !alphanumeric(s[n])
	short := s[0] == '.' || s[0] == '_'
	if ends && (n == 4 || short && 1 < n && n < 4) {
		return s[1:n], true
	}
	return "", n == 1 || s[0] != '.' && s[0] != '/'
}

// canonical returns the id that a key is in one of the notations of the trade: attack.t1059.001, an address on MITRE's
// site, a galaxy tag, T1059_001, "PowerShell - T1059.001". A key with no id in it, or with several, is returned
// upper-case.
func canonical(key string) string {
	plain := true
	for i := range len(key) {
		c := key[i]
		plain = plain && ('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || c == '.')
	}
	if plain && (!strings.Contains(key, ".") || len(key) == len("T1059.001")) {
		return key
	}
	if ids := idsOf(key); len(ids) == 1 {
		return ids[0]
	}
	return strings.ToUpper(strings.TrimSpace(key))
}

// kindOf returns the kind of object that an id in one of the notations is of, whether ATT&CK has it or not, and false for
// what isn't an id.
func kindOf(key string) (facts.Kind, bool) {
	key = canonical(key)
	if id, width := idAt(key); id == "" || width != len(key) {
		return 0, false
	}
	kind, ok := kinds[strings.TrimRight(key, "0123456789.")]
	return kind, ok
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
