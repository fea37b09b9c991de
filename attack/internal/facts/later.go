package facts

import (
	"cmp"
	"slices"

	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// Later is what a later version of ATT&CK has that an earlier one lacks, as far as it concerns ids, names and tactics. It
// makes the ids of the one known on the data of the other.
type Later struct {
	Version string        `json:"version"` // the later one, such as 19.0
	Added   []LaterObject `json:"added"`   // objects in force that the earlier version doesn't have
	Renamed []LaterObject `json:"renamed"` // objects that both have, under another name
	Revoked []LaterMove   `json:"revoked"` // objects in force that the later version revoked
	Moved   []LaterObject `json:"moved"`   // techniques that are in other tactics
}

// LaterObject is an object as the later version has it.
type LaterObject struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	ShortName string   `json:"shortName,omitempty"` // of a tactic
	Was       string   `json:"was,omitempty"`       // its earlier name
	WasShort  string   `json:"wasShort,omitempty"`  // the earlier short name of a tactic
	Tactics   []string `json:"tactics,omitempty"`   // the ids of a technique's tactics
}

// LaterMove is an object that was revoked, and the one that took its place.
type LaterMove struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Since tells what a later set of one domain has that an earlier one lacks. Analytics are left out: nobody names them.
func Since(before, after *Set, domain Domains) Later {
	out := Later{Version: after.Versions[slices.Index([]Domains{Enterprise, Mobile, ICS}, domain)]}
	type key struct {
		kind Kind
		id   string
	}
	was := map[key]*Object{}
	for i := range before.Objects {
		o := &before.Objects[i]
		if k := (key{o.Kind, o.ID}); was[k] == nil && o.Domains&domain != 0 {
			was[k] = o // of two with the same id the one in force comes first
		}
	}
	seen := map[key]bool{}
	for i := range after.Objects {
		o := &after.Objects[i]
		k := key{o.Kind, o.ID}
		if seen[k] || o.Kind == Analytic || o.Kind == Matrix || o.Domains&domain == 0 {
			continue
		}
		seen[k] = true
		old := was[k]
		active := !o.Deprecated && !o.Revoked
		now := LaterObject{ID: o.ID, Name: o.Name, ShortName: o.ShortName, Tactics: after.tactics(o)}
		switch {
		case old == nil && active:
			out.Added = append(out.Added, now)
		case old == nil || old.Revoked || old.Deprecated:
		case o.Revoked && o.RevokedBy != None:
			out.Revoked = append(out.Revoked, LaterMove{o.ID, after.Objects[o.RevokedBy].ID})
		case active:
			if o.Name != old.Name || o.ShortName != old.ShortName {
				now.Was, now.WasShort = old.Name, old.ShortName
				out.Renamed = append(out.Renamed, now)
			}
			if o.Kind == Technique && !slices.Equal(now.Tactics, before.tactics(old)) {
				out.Moved = append(out.Moved, LaterObject{ID: o.ID, Name: o.Name, Tactics: now.Tactics})
			}
		}
	}
	byID := func(a, b LaterObject) int { return cmp.Compare(a.ID, b.ID) }
	sorting.By(out.Added, byID)
	sorting.By(out.Renamed, byID)
	sorting.By(out.Moved, byID)
	sorting.By(out.Revoked, func(a, b LaterMove) int { return cmp.Compare(a.From, b.From) })
	return out
}

// tactics returns the ids of a technique's tactics, sorted.
func (s *Set) tactics(o *Object) []string {
	if o.Kind != Technique {
		return nil
	}
	var ids []string
	for _, r := range o.Refs {
		ids = append(ids, s.Objects[r].ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
