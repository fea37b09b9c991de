package attack

import (
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

// Object is what all ATT&CK objects have in common.
type Object struct {
	ID          string      // such as T1059.001, G0016, S0154
	Name        string      // its name
	Description string      // as MITRE wrote it, with citations; empty in the embedded facts
	References  []Reference // where it is written about
	Deprecated  bool        // no longer in use, without a successor
	Revoked     bool        // replaced
	RevokedBy   string      // the id of the object that took its place, if one did

	kb      *KB
	uuid    string // of its STIX id, 16 bytes
	n       int32  // place within its kind
	domains facts.Domains
}

// Reference is a work that an object cites.
type Reference struct {
	Source      string `json:"source"`                // who wrote it
	Description string `json:"description,omitempty"` // its title
	URL         string `json:"url"`                   // where it is
}

// Active reports whether the object is in force, that is neither deprecated nor revoked.
func (o *Object) Active() bool { return !o.Deprecated && !o.Revoked }

// Domains returns the domains, of those that the knowledge base holds, which the object belongs to. Groups, software,
// campaigns and data components may be in several.
func (o *Object) Domains() []Domain { return domains[o.domains] }

func (o *Object) base() *Object { return o }

// object is a pointer to one of the types below.
type object[T any] interface {
	*T
	base() *Object
}

// objects are all objects of a kind, whatever their type: what looks at no more than they have in common is compiled once.
type objects struct {
	n  int
	at func(i int) *Object
}

func common[T any, P object[T]](all []T) objects {
	return objects{len(all), func(i int) *Object { return P(&all[i]).base() }}
}

// site is where MITRE describes objects.
const site = "https://attack.mitre.org/"

// pick returns the objects in force among those with the given numbers.
func pick[T any, P object[T]](all []T, numbers []int32) []P {
	out := make([]P, 0, len(numbers))
	for _, n := range numbers {
		if p := P(&all[n]); p.base().Active() {
			out = append(out, p)
		}
	}
	return slices.Compact(out)
}

// sources returns the objects in force that a relation connects to a target.
func sources[T any, P object[T]](all []T, r *relation, target int32) []P {
	edges := r.edgesTo(target)
	numbers := make([]int32, len(edges))
	for i, e := range edges {
		numbers[i] = r.source[e]
	}
	return pick[T, P](all, numbers)
}

// Matrix is the order of tactics of a domain.
type Matrix struct {
	Object
	tactics []int32
}

// Tactics returns the tactics in the order of the matrix.
func (m *Matrix) Tactics() []*Tactic { return pick(m.kb.tactics, m.tactics) }

// Tactic is what an adversary wants to achieve. Two domains may have tactics of the same name.
type Tactic struct {
	Object
	ShortName string // such as initial-access
	order     int
}

// Domain returns the domain of the tactic.
func (t *Tactic) Domain() Domain { return t.Domains()[0] }

// Techniques returns the techniques and sub-techniques of the tactic, in order of their ids.
func (t *Tactic) Techniques() []*Technique {
	return sources(t.kb.techniques, &t.kb.tacticOf, t.n)
}

// URL returns where MITRE describes the tactic.
func (t *Tactic) URL() string { return site + "tactics/" + t.ID }

// Technique is how an adversary achieves a tactic.
type Technique struct {
	Object
	Subtechnique bool     // whether it is a subtechnique
	Platforms    []string // the platforms it runs on
}

// Domain returns the domain of the technique.
func (t *Technique) Domain() Domain { return t.Domains()[0] }

// URL returns where MITRE describes the technique.
func (t *Technique) URL() string { return site + "techniques/" + strings.Replace(t.ID, ".", "/", 1) }

// Tactics returns the tactics of the technique, in the order of the matrix.
func (t *Technique) Tactics() []*Tactic {
	tactics := pick(t.kb.tactics, t.kb.tacticOf.targets(t.n))
	slices.SortFunc(tactics, func(a, b *Tactic) int { return a.order - b.order })
	return tactics
}

// OtherIDs returns the ids under which other versions of ATT&CK have what is in the technique now: those of revoked
// techniques whose place it took, also by way of others, and that of the one which takes its place in a later version.
// Rules and tags name such ids for years.
func (t *Technique) OtherIDs() []string {
	list := slices.Clone(t.kb.replaced()[t.ID])
	if l := t.later(); l != nil && l.ID != t.ID {
		list = append(list, l.ID)
	}
	return list
}

// listReplaced lists the ids of revoked techniques by the id of the one in force that took their place.
func (k *KB) listReplaced() map[string][]string {
	by := map[string][]string{}
	for i := range k.techniques {
		now := &k.techniques[i]
		for steps := 0; now != nil && now.Revoked && steps < len(k.techniques); steps++ {
			now, _ = byID(k.techniques, now.RevokedBy)
		}
		if now != nil && now.Active() && now.ID != k.techniques[i].ID {
			by[now.ID] = append(by[now.ID], k.techniques[i].ID)
		}
	}
	return by
}

// Parent returns the technique that a sub-technique belongs to, else nil.
func (t *Technique) Parent() *Technique {
	parent, _, sub := strings.Cut(t.ID, ".")
	if !sub {
		return nil
	}
	p, _ := t.kb.Technique(parent)
	return p
}

// Subtechniques returns the sub-techniques, in order of their ids.
func (t *Technique) Subtechniques() []*Technique {
	var subs []*Technique
	if t.Subtechnique {
		return nil
	}
	for i := int(t.n) + 1; i < len(t.kb.techniques); i++ {
		s := &t.kb.techniques[i]
		if parent, _, _ := strings.Cut(s.ID, "."); parent != t.ID {
			break
		}
		if s.Active() && s.Subtechnique {
			subs = append(subs, s)
		}
	}
	return subs
}

// Groups returns the groups that used the technique, themselves or in a campaign attributed to them.
func (t *Technique) Groups() []*Group { return sources(t.kb.groups, &t.kb.groupUses, t.n) }

// Software returns the malware and tools that implement the technique.
func (t *Technique) Software() []*Software {
	return sources(t.kb.software, &t.kb.direct[facts.SoftwareUses], t.n)
}

// Campaigns returns the campaigns in which the technique was used.
func (t *Technique) Campaigns() []*Campaign {
	return sources(t.kb.campaigns, &t.kb.direct[facts.CampaignUses], t.n)
}

// Mitigations returns what prevents the technique.
func (t *Technique) Mitigations() []*Mitigation {
	return sources(t.kb.mitigations, &t.kb.direct[facts.Mitigates], t.n)
}

// Assets returns the industrial assets that the technique targets.
func (t *Technique) Assets() []*Asset {
	return pick(t.kb.assets, t.kb.direct[facts.Targets].targets(t.n))
}

// Procedure is one observed use of a technique.
type Procedure struct {
	Actor Object // the group, software or campaign
	Text  string // as MITRE wrote it, with citations
}

// Procedures returns the observed uses of the technique: by groups, then in campaigns, then by software. The embedded
// facts have none, since they have no text; [Technique.Groups] and the like say who.
func (t *Technique) Procedures() []Procedure {
	var out []Procedure
	add := func(v facts.Verb, actor func(n int32) *Object) {
		r := &t.kb.direct[v]
		if r.text == nil {
			return
		}
		for _, e := range r.edgesTo(t.n) {
			if a := actor(r.source[e]); a.Active() && r.text[e] != "" {
				out = append(out, Procedure{Actor: *a, Text: r.text[e]})
			}
		}
	}
	add(facts.GroupUses, func(n int32) *Object { return t.kb.groups[n].base() })
	add(facts.CampaignUses, func(n int32) *Object { return t.kb.campaigns[n].base() })
	add(facts.SoftwareUses, func(n int32) *Object { return t.kb.software[n].base() })
	return out
}

// Group is a set of related intrusions under one name.
type Group struct {
	Object
	Aliases []string // other names
}

// URL returns where MITRE describes the group.
func (g *Group) URL() string { return site + "groups/" + g.ID }

// Techniques returns the techniques that the group used, itself or in a campaign attributed to it.
func (g *Group) Techniques() []*Technique {
	return pick(g.kb.techniques, g.kb.groupUses.targets(g.n))
}

// Uses reports whether ATT&CK attributes a technique to the group itself, not only to a campaign of it.
func (g *Group) Uses(t *Technique) bool { return g.kb.direct[facts.GroupUses].has(g.n, t.n) }

// Software returns the software that the group used, itself or in a campaign attributed to it.
func (g *Group) Software() []*Software { return pick(g.kb.software, g.kb.groupRuns.targets(g.n)) }

// Campaigns returns the campaigns attributed to the group.
func (g *Group) Campaigns() []*Campaign {
	return sources(g.kb.campaigns, &g.kb.direct[facts.AttributedTo], g.n)
}

// Usage returns how the group itself used a technique, as MITRE wrote it. The embedded facts have no text.
func (g *Group) Usage(t *Technique) string { return g.kb.direct[facts.GroupUses].said(g.n, t.n) }

// SoftwareType says what kind of software something is.
type SoftwareType string

// The types of software.
const (
	Malware SoftwareType = "malware" // made for harm
	Tool    SoftwareType = "tool"    // legitimate, open or commercial, and misused
)

// Enum lists the types of software.
func (SoftwareType) Enum() []any { return []any{Malware, Tool} }

// Software is malware or a tool that adversaries use.
type Software struct {
	Object
	Type      SoftwareType // its type
	Aliases   []string     // other names
	Platforms []string     // the platforms it runs on
}

// URL returns where MITRE describes the software.
func (s *Software) URL() string { return site + "software/" + s.ID }

// Techniques returns the techniques that the software implements.
func (s *Software) Techniques() []*Technique {
	return pick(s.kb.techniques, s.kb.direct[facts.SoftwareUses].targets(s.n))
}

// Groups returns the groups that used the software, themselves or in a campaign attributed to them.
func (s *Software) Groups() []*Group { return sources(s.kb.groups, &s.kb.groupRuns, s.n) }

// Campaigns returns the campaigns in which the software was used.
func (s *Software) Campaigns() []*Campaign {
	return sources(s.kb.campaigns, &s.kb.direct[facts.CampaignRuns], s.n)
}

// Usage returns how the software implements a technique, as MITRE wrote it. The embedded facts have no text.
func (s *Software) Usage(t *Technique) string { return s.kb.direct[facts.SoftwareUses].said(s.n, t.n) }

// Campaign is intrusion activity over a certain time with common targets.
type Campaign struct {
	Object
	Aliases             []string // other names
	FirstSeen, LastSeen string   // days, such as 2019-08-01
}

// URL returns where MITRE describes the campaign.
func (c *Campaign) URL() string { return site + "campaigns/" + c.ID }

// Techniques returns the techniques used in the campaign.
func (c *Campaign) Techniques() []*Technique {
	return pick(c.kb.techniques, c.kb.direct[facts.CampaignUses].targets(c.n))
}

// Uses reports whether a technique was used in the campaign.
func (c *Campaign) Uses(t *Technique) bool { return c.kb.direct[facts.CampaignUses].has(c.n, t.n) }

// Usage returns how a technique was used in the campaign, as MITRE wrote it. The embedded facts have no text.
func (c *Campaign) Usage(t *Technique) string { return c.kb.direct[facts.CampaignUses].said(c.n, t.n) }

// Software returns the software used in the campaign.
func (c *Campaign) Software() []*Software {
	return pick(c.kb.software, c.kb.direct[facts.CampaignRuns].targets(c.n))
}

// Groups returns the groups that the campaign is attributed to.
func (c *Campaign) Groups() []*Group {
	return pick(c.kb.groups, c.kb.direct[facts.AttributedTo].targets(c.n))
}

// Mitigation is something that prevents techniques.
type Mitigation struct{ Object }

// URL returns where MITRE describes the mitigation.
func (m *Mitigation) URL() string { return site + "mitigations/" + m.ID }

// Techniques returns the techniques that the mitigation prevents.
func (m *Mitigation) Techniques() []*Technique {
	return pick(m.kb.techniques, m.kb.direct[facts.Mitigates].targets(m.n))
}

// Guidance returns how the mitigation is applied against a technique, as MITRE wrote it. The embedded facts have no text.
func (m *Mitigation) Guidance(t *Technique) string {
	return m.kb.direct[facts.Mitigates].said(m.n, t.n)
}

// Asset is a kind of device in an industrial network.
type Asset struct {
	Object
	Platforms    []string // the platforms it runs on
	RelatedNames []string // what the same kind of device is called elsewhere
}

// URL returns where MITRE describes the asset.
func (a *Asset) URL() string { return site + "assets/" + a.ID }

// Techniques returns the techniques that target the asset.
func (a *Asset) Techniques() []*Technique {
	return sources(a.kb.techniques, &a.kb.direct[facts.Targets], a.n)
}
