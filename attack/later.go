package attack

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

//go:embed data/later.json
var laterJSON []byte

// laterFacts is what the newest version of Enterprise that the program knows of has beyond the embedded one: ids, names,
// tactics and what took the place of what. It was made from a copy of that version that isn't MITRE's own file, which is
// why the embedded facts don't have it.
type laterFacts struct {
	facts.Later
	added   map[string]facts.LaterObject   // by id
	named   map[string]facts.LaterObject   // what was added or renamed, by kind and lower-case name
	revoked map[string]string              // successors, by id
	was     map[string][]string            // the ids whose place an id took
	tactics map[string]facts.LaterObject   // renamed ones, by each lower-case name they had or have
	split   map[string][]facts.LaterObject // tactics that were added, by the id of the one whose techniques they got
}

// later reads the table on first use.
var later = sync.OnceValue(func() *laterFacts {
	l := &laterFacts{
		added: map[string]facts.LaterObject{}, named: map[string]facts.LaterObject{}, revoked: map[string]string{},
		was: map[string][]string{}, tactics: map[string]facts.LaterObject{}, split: map[string][]facts.LaterObject{},
	}
	if err := json.Unmarshal(laterJSON, &l.Later); err != nil {
		panic(err) // the table is part of the program and a test reads it
	}
	for _, o := range l.Added {
		kind, _ := kindOf(o.ID)
		l.added[o.ID] = o
		l.named[nameKey(kind, o.Name)] = o
		if kind == facts.Tactic {
			l.named[nameKey(kind, o.ShortName)] = o
		}
	}
	for _, o := range l.Renamed {
		kind, _ := kindOf(o.ID)
		l.named[nameKey(kind, o.Name)] = o
		if kind == facts.Tactic {
			for _, name := range []string{o.Name, o.ShortName, o.Was, o.WasShort} {
				l.tactics[tacticKey(name)] = o
			}
		}
	}
	for _, m := range l.Revoked {
		l.revoked[m.From] = m.To
		l.was[m.To] = append(l.was[m.To], m.From)
	}
	// A tactic that was added got its techniques from the renamed one.
	for _, o := range l.Renamed {
		for _, added := range l.Added {
			if o.ShortName != "" && added.ShortName != "" {
				l.split[o.ID] = append(l.split[o.ID], added)
			}
		}
	}
	return l
})

func nameKey(kind facts.Kind, name string) string {
	return strconv.Itoa(int(kind)) + " " + nameOf(kind, strings.TrimSpace(name))
}

// tacticKey returns a name or short name of a tactic in one form: "attack.defense_evasion" and "Defense Evasion" give
// defense-evasion.
func tacticKey(name string) string {
	name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "attack.")
	if name == "c2" || name == "c&c" {
		return "command-and-control"
	}
	return strings.NewReplacer("_", "-", " ", "-", "&", "and").Replace(name)
}

// behind returns what a later version of ATT&CK than the one that is held has; nothing if none is known.
func (k *KB) behind() *laterFacts {
	if k.domains&facts.Enterprise == 0 || !older(k.versions[0], later().Version) {
		return nil
	}
	return later()
}

// older reports whether a version of ATT&CK, such as 18.1, comes before another.
func older(a, b string) bool {
	major := func(v string) int {
		first, _, _ := strings.Cut(v, ".")
		n, _ := strconv.Atoi(first)
		return n
	}
	return a != "" && major(a) < major(b)
}

// Later is what a technique is called in a later version of ATT&CK than the one that is held.
type Later struct {
	Version string   `json:"attackVersion"`     // its version
	ID      string   `json:"id"`                // its id
	Name    string   `json:"name"`              // its name
	Tactics []string `json:"tactics,omitempty"` // ids
}

// later returns how a later version has a technique, if it has another id, name or tactics there.
func (t *Technique) later() *Later {
	l := t.kb.behind()
	if l == nil || t.domains&facts.Enterprise == 0 {
		return nil
	}
	if to, ok := l.revoked[t.ID]; ok {
		if o, ok := l.added[to]; ok {
			return &Later{l.Version, o.ID, o.Name, o.Tactics}
		}
		return &Later{Version: l.Version, ID: to}
	}
	for _, list := range [][]facts.LaterObject{l.Moved, l.Renamed} {
		if i := slices.IndexFunc(list, func(o facts.LaterObject) bool { return o.ID == t.ID }); i >= 0 {
			return &Later{l.Version, list[i].ID, list[i].Name, list[i].Tactics}
		}
	}
	return nil
}

// Earlier returns the techniques in force whose place a later version of ATT&CK gave to the technique of an id, such as
// T1562.001 for T1685; none if the id is known here, or nobody's successor.
func (k *KB) Earlier(id string) []*Technique {
	l := k.behind()
	if l == nil {
		return nil
	}
	var list []*Technique
	for _, was := range l.was[canonical(id)] {
		if t, ok := byID(k.techniques, was); ok && t.Active() {
			list = append(list, t)
		}
	}
	return list
}

// has names the version of ATT&CK that is held.
func (k *KB) has() string {
	var versions []string
	for _, d := range k.Domains() {
		if v := k.Version(d); v != "" && !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	return strings.TrimSpace("ATT&CK " + strings.Join(versions, "/"))
}

// updateHint ends what is said of an id that is missing.
const updateHint = "a later version may (mitre_update_data gets it)"

// why says what is known of an id or name that the knowledge base doesn't have: that a later version has it, or another
// domain. It is empty for a name of which nothing is known.
func (k *KB) why(kind facts.Kind, key string) string {
	id := canonical(key)
	if l := k.behind(); l != nil {
		o, ok := l.added[id]
		if !ok {
			o, ok = l.named[nameKey(kind, key)]
		}
		if ok {
			return k.cameWith(l, o)
		}
	}
	if text := k.elsewhere(kind, key); text != "" {
		return text
	}
	of, ok := kindOf(id)
	if !ok {
		return ""
	}
	if of == facts.Kinds {
		return id + " is of the data sources that ATT&CK had until 17"
	}
	if of != kind {
		if o := k.anyOf(of, id); o != nil {
			return fmt.Sprintf("%s is the %s %s", o.ID, words[of], o.Name)
		}
		return fmt.Sprintf("%s has the form of an id of another kind, %s", id, words[of])
	}
	return fmt.Sprintf("%s doesn't have %s; %s", k.has(), id, updateHint)
}

// cameWith says of an object that a later version added it.
func (k *KB) cameWith(l *laterFacts, o facts.LaterObject) string {
	text := fmt.Sprintf("%s doesn't have %s %s; a later version, %s, does", k.has(), o.ID, o.Name, l.Version)
	if was := k.Earlier(o.ID); was != nil {
		names := make([]string, len(was))
		for i, t := range was {
			names[i] = t.ID + " " + t.Name
		}
		text += ", where it takes the place of " + strings.Join(names, ", ")
	}
	for id, added := range l.split {
		if from, ok := k.Tactic(id); ok && slices.ContainsFunc(added, func(a facts.LaterObject) bool { return a.ID == o.ID }) {
			text += fmt.Sprintf(", with techniques that are in %s %s here", from.ID, from.Name)
		}
	}
	return text + " (mitre_update_data gets it)"
}

// elsewhere says which domain that isn't held has an object.
func (k *KB) elsewhere(kind facts.Kind, key string) string {
	if k.domains == facts.All || kind >= facts.Kinds {
		return ""
	}
	all, err := Embedded()
	if err != nil {
		return ""
	}
	o := all.anyOf(kind, key)
	if o == nil || o.domains&k.domains != 0 {
		return ""
	}
	names := map[Domain]string{Enterprise: "Enterprise", Mobile: "Mobile", ICS: "ICS"}
	d := o.Domains()[0]
	return fmt.Sprintf("%s %s belongs to %s, which isn't loaded: MITRE_MATRICES has to name %s", o.ID, o.Name, names[d], d)
}

// anyOf finds an object of a kind by id or by a name that one alone has.
func (k *KB) anyOf(kind facts.Kind, key string) *Object {
	switch kind {
	case facts.Tactic:
		return found(find(k, kind, k.tactics, key))
	case facts.Technique:
		return found(find(k, kind, k.techniques, key))
	case facts.Group:
		return found(find(k, kind, k.groups, key))
	case facts.Software:
		return found(find(k, kind, k.software, key))
	case facts.Campaign:
		return found(find(k, kind, k.campaigns, key))
	case facts.Mitigation:
		return found(find(k, kind, k.mitigations, key))
	case facts.Component:
		return found(find(k, kind, k.components, key))
	case facts.Asset:
		return found(find(k, kind, k.assets, key))
	}
	return nil
}

func found[T any, P object[T]](p P, _ string, err error) *Object {
	if err != nil {
		return nil
	}
	return p.base()
}

// former resolves a tactic by a name that it had before or has in a later version, and says so. It is for Enterprise
// alone, whose tactics were renamed.
func (k *KB) former(key string) (*Tactic, string) {
	if k.domains&facts.Enterprise == 0 {
		return nil, ""
	}
	l := later()
	o, ok := l.tactics[tacticKey(key)]
	if !ok {
		return nil, ""
	}
	t, ok := byID(k.tactics, o.ID)
	if !ok || !t.Active() {
		return nil, ""
	}
	key = strings.TrimSpace(key)
	if tacticKey(key) == t.ShortName || tacticKey(key) == tacticKey(t.Name) {
		return t, "" // the name that it has
	}
	if k.behind() != nil {
		return t, fmt.Sprintf("%s is what ATT&CK %s calls %s %s.", o.Name, l.Version, t.ID, t.Name)
	}
	note := fmt.Sprintf("%s was the name of %s %s before ATT&CK %s", o.Was, t.ID, t.Name, l.Version)
	for _, added := range l.split[o.ID] {
		note += fmt.Sprintf("; %s %s has what left it", added.ID, added.Name)
	}
	for i := range k.tactics {
		if m := &k.tactics[i]; m.Active() && m.ID != t.ID && tacticKey(m.Name) == tacticKey(key) {
			note += fmt.Sprintf("; %s %s of %s still has that name", m.ID, m.Name, m.Domain())
		}
	}
	return t, note + "."
}
