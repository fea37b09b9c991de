package attack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/spelling"
)

// Technique returns the technique of an id, revoked or not. Case doesn't matter. [KB.Resolve] follows revocations.
func (k *KB) Technique(id string) (*Technique, bool) { return byID(k.techniques, id) }

// Tactic returns the tactic of an id, such as TA0001.
func (k *KB) Tactic(id string) (*Tactic, bool) { return byID(k.tactics, id) }

// Group returns the group of an id, revoked or not. [KB.ResolveGroup] also takes names and follows revocations.
func (k *KB) Group(id string) (*Group, bool) { return byID(k.groups, id) }

// SoftwareByID returns the software of an id, revoked or not. [KB.ResolveSoftware] also takes names and follows
// revocations.
func (k *KB) SoftwareByID(id string) (*Software, bool) { return byID(k.software, id) }

// Campaign returns the campaign of an id.
func (k *KB) Campaign(id string) (*Campaign, bool) { return byID(k.campaigns, id) }

// Mitigation returns the mitigation of an id.
func (k *KB) Mitigation(id string) (*Mitigation, bool) { return byID(k.mitigations, id) }

// DetectionStrategy returns the detection strategy of an id.
func (k *KB) DetectionStrategy(id string) (*DetectionStrategy, bool) { return byID(k.strategies, id) }

// Analytic returns the analytic of an id.
func (k *KB) Analytic(id string) (*Analytic, bool) { return byID(k.analytics, id) }

// DataComponent returns the data component of an id.
func (k *KB) DataComponent(id string) (*DataComponent, bool) { return byID(k.components, id) }

// Asset returns the asset of an id.
func (k *KB) Asset(id string) (*Asset, bool) { return byID(k.assets, id) }

// Matrix returns the matrix of a domain.
func (k *KB) Matrix(d Domain) (*Matrix, bool) {
	for m := range k.Matrices() {
		if slices.Contains(m.Domains(), d) {
			return m, true
		}
	}
	return nil, false
}

// Resolve finds a technique by id or, failing that, by name, and follows revocations. If it did, redirectedFrom is the id
// of the revoked technique: T1086 gives T1059.001, redirected from T1086. A deprecated technique has no successor and is
// returned as it is. The error is [ErrNotFound] or, for a name that several techniques have, [ErrAmbiguous].
func (k *KB) Resolve(id string) (t *Technique, redirectedFrom string, err error) {
	return resolve(k, facts.Technique, k.techniques, id)
}

// ResolveGroup finds a group by id, name or alias, and follows revocations, as [KB.Resolve] does.
func (k *KB) ResolveGroup(key string) (g *Group, redirectedFrom string, err error) {
	return resolve(k, facts.Group, k.groups, key)
}

// ResolveSoftware finds software by id, name or alias, and follows revocations, as [KB.Resolve] does.
func (k *KB) ResolveSoftware(key string) (s *Software, redirectedFrom string, err error) {
	return resolve(k, facts.Software, k.software, key)
}

// ResolveCampaign finds a campaign by id, name or alias, as [KB.Resolve] does.
func (k *KB) ResolveCampaign(key string) (c *Campaign, redirectedFrom string, err error) {
	return resolve(k, facts.Campaign, k.campaigns, key)
}

// ResolveMitigation finds a mitigation by id or name, as [KB.Resolve] does.
func (k *KB) ResolveMitigation(key string) (m *Mitigation, redirectedFrom string, err error) {
	return resolve(k, facts.Mitigation, k.mitigations, key)
}

// ResolveTactic finds a tactic by id, name or short name, also by a name that it had in an earlier version of ATT&CK or has
// in a later one. A name that tactics of several domains have is [ErrAmbiguous] unless the knowledge base holds only one of
// them.
func (k *KB) ResolveTactic(key string) (t *Tactic, redirectedFrom string, err error) {
	if t, note := k.former(key); note != "" {
		return t, "", nil
	}
	return resolve(k, facts.Tactic, k.tactics, key)
}

// ResolveDataComponent finds a data component by id or name, as [KB.Resolve] does.
func (k *KB) ResolveDataComponent(key string) (c *DataComponent, redirectedFrom string, err error) {
	return resolve(k, facts.Component, k.components, key)
}

// ResolveAsset finds an asset by id, name or related name, as [KB.Resolve] does.
func (k *KB) ResolveAsset(key string) (a *Asset, redirectedFrom string, err error) {
	return resolve(k, facts.Asset, k.assets, key)
}

// byID finds an object by id. Of two with the same id, the one in force comes first.
func byID[T any, P object[T]](all []T, id string) (P, bool) {
	i, ok := common[T, P](all).byID(id)
	if !ok {
		return nil, false
	}
	return &all[i], true
}

func (all objects) byID(id string) (int, bool) {
	id = canonical(id)
	low, high := 0, all.n
	for low < high {
		middle := (low + high) / 2
		if all.at(middle).ID < id {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < all.n && all.at(low).ID == id
}

// resolve finds an object by id, name or alias, follows revocations, and says what is known of it if there is none: that a
// later version has it or another domain, else for a name the nearest one. No id is near another.
func resolve[T any, P object[T]](kb *KB, kind facts.Kind, all []T, key string) (P, string, error) {
	p, from, err := find[T, P](kb, kind, all, key)
	if err != nil {
		return nil, "", kb.missing(kind, common[T, P](all), key, err)
	}
	return p, from, nil
}

// missing is err with what is known of an object that there isn't.
func (k *KB) missing(kind facts.Kind, all objects, key string, err error) error {
	var missing *NotFoundError
	if !errors.As(err, &missing) {
		return err
	}
	if missing.Why = k.why(kind, key); missing.Why == "" {
		missing.Nearest = closest(missing.Keys, func(yield func(string) bool) {
			for i := range all.n {
				if o := all.at(i); o.Active() && !yield(o.Name) {
					return
				}
			}
		})
	}
	return err
}

// find is resolve without what is known of the missing.
func find[T any, P object[T]](kb *KB, kind facts.Kind, all []T, key string) (P, string, error) {
	i, from, err := kb.find(kind, common[T, P](all), key)
	if err != nil {
		return nil, "", err
	}
	return &all[i], from, nil
}

func (k *KB) find(kind facts.Kind, all objects, key string) (int, string, error) {
	key = strings.TrimSpace(key)
	if i, ok := all.byID(key); ok {
		i, from := all.follow(i)
		return i, from, nil
	}
	if uuid := facts.UUID(key); uuid != "" {
		for i := range all.n {
			if all.at(i).uuid == uuid {
				i, from := all.follow(i)
				return i, from, nil
			}
		}
	}
	entry, known := k.names[kind]()[nameOf(kind, key)]
	if !known {
		entry, known = k.loosely(kind, key)
	}
	if !known {
		return 0, "", &NotFoundError{Kind: words[kind], Keys: []string{key}, Domains: k.Domains()}
	}
	// Several revoked objects of a name may lead to one in force.
	var list []int
	from := ""
	for _, n := range entry.numbers {
		i, redirected := all.follow(int(n))
		if !slices.Contains(list, i) {
			list = append(list, i)
		}
		if from == "" {
			from = redirected
		}
	}
	if len(list) > 1 {
		var ids []string
		for _, i := range list {
			ids = append(ids, all.at(i).ID+" "+all.at(i).Name)
		}
		return 0, "", fmt.Errorf("attack: %s %q is %w: give the id of %s", words[kind], key, ErrAmbiguous,
			strings.Join(ids, ", "))
	}
	return list[0], from, nil
}

// follow follows revocations, and returns the id of the revoked object if it did.
func (all objects) follow(i int) (int, string) {
	from := ""
	for range 8 { // successors may be revoked in turn; a loop of them ends here
		o := all.at(i)
		if !o.Revoked {
			break
		}
		next, ok := all.byID(o.RevokedBy)
		if !ok {
			break
		}
		if from == "" {
			from = o.ID
		}
		i = next
	}
	return i, from
}

// loosely looks a name up by its letters and digits alone: APT 29, apt-29, UAC0056.
func (k *KB) loosely(kind facts.Kind, key string) (found named, ok bool) {
	bare := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, spelling.Fold(s))
	}
	want := bare(key)
	if len(want) < 3 {
		return found, false
	}
	for name, entry := range k.names[kind]() {
		if bare(name) == want {
			found.numbers = append(found.numbers, entry.numbers...)
		}
	}
	slices.Sort(found.numbers) // a map has no order
	return found, len(found.numbers) > 0
}

// nameOf returns a name as the index of names has it.
func nameOf(kind facts.Kind, name string) string {
	if kind == facts.Tactic {
		return tacticKey(name)
	}
	return strings.ToLower(name)
}

// words names the kinds in errors.
var words = [facts.Kinds]string{
	facts.Matrix: "matrix", facts.Tactic: "tactic", facts.Technique: "technique", facts.Group: "group",
	facts.Software: "software", facts.Campaign: "campaign", facts.Mitigation: "mitigation",
	facts.Strategy: "detection strategy", facts.Analytic: "analytic", facts.Component: "data component",
	facts.Asset: "asset",
}

// named is what a name stands for: the objects of the best rank that have it, and those in force that have it too, but
// only as an alias.
type named struct {
	rank    int
	numbers []int32
	others  []int32
}

// lazyNames indexes names on first use: names before aliases, and objects in force before retired ones.
func lazyNames(kb *KB) {
	kb.names[facts.Technique] = names(facts.Technique, kb.techniques, func(t *Technique) []string {
		if p := t.Parent(); p != nil {
			return []string{p.Name + ": " + t.Name} // as MITRE writes it
		}
		return nil
	})
	kb.names[facts.Tactic] = names(facts.Tactic, kb.tactics, func(t *Tactic) []string { return []string{t.ShortName} })
	kb.names[facts.Group] = names(facts.Group, kb.groups, func(g *Group) []string { return g.Aliases })
	kb.names[facts.Software] = names(facts.Software, kb.software, func(s *Software) []string { return s.Aliases })
	kb.names[facts.Campaign] = names(facts.Campaign, kb.campaigns, func(c *Campaign) []string { return c.Aliases })
	kb.names[facts.Mitigation] = names(facts.Mitigation, kb.mitigations, func(*Mitigation) []string { return nil })
	kb.names[facts.Component] = names(facts.Component, kb.components, func(*DataComponent) []string { return nil })
	kb.names[facts.Asset] = names(facts.Asset, kb.assets, func(a *Asset) []string { return a.RelatedNames })
}

func names[T any, P object[T]](kind facts.Kind, all []T, aliases func(P) []string) func() map[string]named {
	return sync.OnceValue(func() map[string]named {
		return common[T, P](all).names(kind, func(i int) []string { return aliases(&all[i]) })
	})
}

func (all objects) names(kind facts.Kind, aliases func(i int) []string) map[string]named {
	index := make(map[string]named, all.n)
	add := func(name string, n int32, rank int) {
		name = nameOf(kind, name)
		have, ok := index[name]
		switch {
		case !ok:
			index[name] = named{rank, []int32{n}, nil}
		case slices.Contains(have.numbers, n):
		case rank < have.rank:
			if have.rank == inForceAlias {
				have.others = append(have.others, have.numbers...)
			}
			index[name] = named{rank, []int32{n}, have.others}
		case rank == have.rank:
			have.numbers = append(have.numbers, n)
			index[name] = have
		case rank == inForceAlias:
			have.others = append(have.others, n)
			index[name] = have
		}
	}
	for i := range all.n {
		o := all.at(i)
		rank := inForceName
		if !o.Active() {
			rank = retiredName
		}
		add(o.Name, int32(i), rank)
		for _, a := range aliases(i) {
			add(a, int32(i), rank+1)
		}
	}
	return index
}

// The ranks of a [named], from the best. An alias comes one after the name.
const (
	inForceName = iota
	inForceAlias
	retiredName
)

// alsoNamed returns those in force that have a name as an alias, which is the name of another.
func alsoNamed[T any, P object[T]](kb *KB, kind facts.Kind, all []T, key string) []Ref {
	return refs(pick[T, P](all, kb.names[kind]()[nameOf(kind, strings.TrimSpace(key))].others))
}
