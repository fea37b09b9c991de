package attack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// DataVersionInput says what to compare the loaded version with.
type DataVersionInput struct {
	// Another version in the data folder, such as 17.1, and the difference.
	Compare string `json:"compare,omitempty" pattern:"^[0-9]+(\\.[0-9]+)*$" maxLength:"20"`
	// Of each list.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"`
}

// DataVersionOutput says what is loaded.
type DataVersionOutput struct {
	Source     Source          `json:"source"`               // where the facts come from
	Domains    []DomainVersion `json:"domains"`              // the domains of ATT&CK that have it
	Files      []Bundle        `json:"files"`                // the files read
	Cache      string          `json:"cache,omitempty"`      // the folder of the files
	Held       []string        `json:"held"`                 // bundles in the data folder, of all versions
	Stats      Stats           `json:"stats"`                // how much there is
	Difference *Difference     `json:"difference,omitempty"` // from the compared version to the loaded one
	Note       string          `json:"note,omitempty"`       // what to know about the answer
	Fallback   string          `json:"fallback,omitempty"`   // why these are the embedded facts although a folder is set
}

// DomainVersion is the version of one domain.
type DomainVersion struct {
	Domain  Domain `json:"domain"`            // the domain of ATT&CK
	Version string `json:"version,omitempty"` // its version
}

// DataVersion says which version of ATT&CK is loaded and from where, and how it differs from another that the data folder
// has.
func (c *Client) DataVersion(ctx context.Context, in DataVersionInput) (*DataVersionOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	out := &DataVersionOutput{
		Source: kb.Source(), Domains: kb.versionList(), Files: append([]Bundle{}, kb.bundles...), Cache: kb.cache,
		Held: []string{}, Stats: kb.Stats(),
	}
	out.Note, out.Fallback = kb.note(), kb.fallback
	if l := kb.behind(); l != nil {
		out.Note = strings.TrimSpace(fmt.Sprintf("%s Of ATT&CK %s the ids, names, tactics and what took the place of what are known beside, from a copy that isn't MITRE's own file; mitre_update_data gets the whole.", out.Note, l.Version))
	}
	if l := kb.behind(); l != nil {
		out.Note = strings.TrimSpace(fmt.Sprintf("%s Of ATT&CK %s the ids, names, tactics and what took the place of what are known beside, from a copy that isn't MITRE's own file; mitre_update_data gets the whole.", out.Note, l.Version))
	}
	if c.config.DataDir != "" {
		for _, d := range kb.domains.Each() {
			files, err := facts.List(c.config.DataDir, d)
			if err != nil {
				return nil, invalid("data folder: %v", err)
			}
			for _, f := range files {
				out.Held = append(out.Held, f.Name)
			}
		}
	}
	if in.Compare != "" {
		other, err := c.otherVersion(ctx, kb, in.Compare, out.Held)
		if err != nil {
			return nil, err
		}
		d := Compare(other, kb, in.Limit)
		out.Difference = &d
	}
	return out, nil
}

func (k *KB) versionList() []DomainVersion {
	out := []DomainVersion{}
	for _, d := range k.Domains() {
		out = append(out, DomainVersion{d, k.Version(d)})
	}
	return out
}

// otherVersion opens another version of what is loaded.
func (c *Client) otherVersion(ctx context.Context, kb *KB, version string, held []string) (*KB, error) {
	if c.config.DataDir != "" {
		files, err := facts.Find(c.config.DataDir, kb.domains, version)
		if err == nil {
			return read(ctx, files, kb.domains)
		}
	}
	table, err := Embedded(kb.Domains()...)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(table.versionList(), func(d DomainVersion) bool { return d.Version != version }) {
		return table, nil
	}
	have := append([]string{"the embedded " + table.Version(kb.Domains()[0])}, held...)
	return nil, &NotFoundError{Kind: "version of ATT&CK", Keys: []string{version}, Nearest: strings.Join(have, ", "), Domains: kb.Domains()}
}

// Difference is how two versions of ATT&CK differ. Each list is cut and says how long it is.
type Difference struct {
	From           []DomainVersion `json:"from"`           // the version before
	To             []DomainVersion `json:"to"`             // the version after
	Added          List[Item]      `json:"added"`          // what is new
	Changed        List[Item]      `json:"changed"`        // what changed
	Revoked        List[Item]      `json:"revoked"`        // whether another took its place
	Deprecated     List[Item]      `json:"deprecated"`     // whether MITRE has deprecated it
	Removed        List[Item]      `json:"removed"`        // what is gone
	RenamedTactics List[Item]      `json:"renamedTactics"` // tactics with another name
	Note           string          `json:"note,omitempty"` // what to know about the answer
}

// Item is an object that differs.
type Item struct {
	Kind    string   `json:"kind"`              // of which kind it is
	ID      string   `json:"id"`                // its id
	Name    string   `json:"name"`              // its name
	Was     string   `json:"was,omitempty"`     // the earlier name
	By      string   `json:"by,omitempty"`      // the id that took the place of a revoked one
	Changed []string `json:"changed,omitempty"` // which of its fields
}

// Compare tells how one version of ATT&CK differs from an earlier one. Descriptions are compared where both have them.
func Compare(from, to *KB, limit int) Difference {
	var d differ
	d.prose = from.source == FromSTIX && to.source == FromSTIX
	compareKind(&d, "tactic", from.tactics, to.tactics, func(t *Tactic) []string { return []string{"shortName", t.ShortName} })
	compareKind(&d, "technique", from.techniques, to.techniques, func(t *Technique) []string {
		return []string{"platforms", sorted(t.Platforms), "tactics", idList(t.Tactics())}
	})
	compareKind(&d, "group", from.groups, to.groups, func(g *Group) []string {
		return []string{"aliases", sorted(g.Aliases), "techniques", idList(g.Techniques()), "software", idList(g.Software())}
	})
	compareKind(&d, "software", from.software, to.software, func(s *Software) []string {
		return []string{"aliases", sorted(s.Aliases), "platforms", sorted(s.Platforms), "techniques", idList(s.Techniques())}
	})
	compareKind(&d, "campaign", from.campaigns, to.campaigns, func(c *Campaign) []string {
		return []string{"techniques", idList(c.Techniques()), "groups", idList(c.Groups())}
	})
	compareKind(&d, "mitigation", from.mitigations, to.mitigations, func(m *Mitigation) []string {
		return []string{"techniques", idList(m.Techniques())}
	})
	compareKind(&d, "detection strategy", from.strategies, to.strategies, func(s *DetectionStrategy) []string {
		return []string{"analytics", idList(s.Analytics())}
	})
	compareKind(&d, "analytic", from.analytics, to.analytics, func(a *Analytic) []string {
		return []string{"platforms", sorted(a.Platforms), "logSources", logList(a.LogSources())}
	})
	compareKind(&d, "data component", from.components, to.components, func(c *DataComponent) []string {
		return []string{"logSources", logList(c.LogSources())}
	})
	compareKind(&d, "asset", from.assets, to.assets, func(*Asset) []string { return nil })

	same := func(i Item) Item { return i }
	out := Difference{
		From: from.versionList(), To: to.versionList(),
		Added: first(d.added, limit, same), Changed: first(d.changed, limit, same), Revoked: first(d.revoked, limit, same),
		Deprecated: first(d.deprecated, limit, same), Removed: first(d.removed, limit, same), RenamedTactics: first(d.renamed, limit, same),
	}
	if !d.prose {
		out.Note = "Descriptions weren't compared: one of the two has none."
	}
	return out
}

type differ struct {
	prose                                                 bool
	added, changed, revoked, deprecated, removed, renamed []Item
}

// compareKind compares the objects of one kind by id. traits lists what to compare beside name and description, as pairs.
func compareKind[T any, P object[T]](d *differ, kind string, from, to []T, traits func(P) []string) {
	d.compare(kind, common[T, P](from), common[T, P](to), func(i, j int) (before, now []string) { return traits(&from[i]), traits(&to[j]) })
}

func (d *differ) compare(kind string, from, to objects, traits func(i, j int) (before, now []string)) {
	for i := range to.n {
		o := to.at(i)
		if i > 0 && to.at(i-1).ID == o.ID {
			continue // of two with the same id the one in force comes first
		}
		item := Item{Kind: kind, ID: o.ID, Name: o.Name}
		before, known := from.byID(o.ID)
		if !known {
			if o.Active() {
				d.added = append(d.added, item)
			}
			continue
		}
		was := from.at(before)
		switch {
		case o.Revoked && !was.Revoked:
			item.By = o.RevokedBy
			d.revoked = append(d.revoked, item)
			continue
		case o.Deprecated && !was.Deprecated && !o.Revoked:
			d.deprecated = append(d.deprecated, item)
			continue
		case !o.Active():
			continue
		case !was.Active():
			item.Changed = append(item.Changed, "in force again")
		}
		if was.Name != o.Name {
			item.Was = was.Name
			item.Changed = append(item.Changed, "name")
		}
		if d.prose && was.Description != o.Description {
			item.Changed = append(item.Changed, "description")
		}
		a, b := traits(before, i)
		for j := 0; j < len(a); j += 2 {
			if a[j+1] != b[j+1] {
				item.Changed = append(item.Changed, a[j])
			}
		}
		if len(item.Changed) > 0 {
			d.changed = append(d.changed, item)
		}
		if kind == "tactic" && (item.Was != "" || slices.Contains(item.Changed, "shortName")) {
			d.renamed = append(d.renamed, item)
		}
	}
	for i := range from.n {
		was := from.at(i)
		if _, kept := to.byID(was.ID); !kept && was.Active() {
			d.removed = append(d.removed, Item{Kind: kind, ID: was.ID, Name: was.Name})
		}
	}
}

func logList(logs []LogSource) string {
	out := make([]string, len(logs))
	for i, l := range logs {
		out[i] = l.Name + "\x00" + l.Channel + "\x00" + l.Component.ID
	}
	return sorted(out)
}

func sorted(words []string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	return strings.Join(words, "\n")
}

func idList[T any, P object[T]](all []P) string {
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.base().ID
	}
	slices.Sort(ids)
	return strings.Join(ids, "\n")
}
