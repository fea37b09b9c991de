package attack

import (
	"slices"
	"sync"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

// build indexes the part of a set that belongs to the wanted domains. The knowledge base takes the set over.
func build(set *facts.Set, want facts.Domains, source Source) *KB {
	kb := &KB{source: source, license: license, domains: want, versions: set.Versions}
	b := builder{kb: kb, set: set, want: want, local: make([]int32, len(set.Objects))}

	fill(b, facts.Matrix, &kb.matrices, func(m *Matrix, o *facts.Object) { m.tactics = slices.Clone(o.Refs) })
	fill(b, facts.Tactic, &kb.tactics, func(t *Tactic, o *facts.Object) { t.ShortName = o.ShortName })
	fill(b, facts.Technique, &kb.techniques, func(t *Technique, o *facts.Object) {
		t.Subtechnique, t.Platforms = o.Subtechnique, o.Platforms
	})
	fill(b, facts.Group, &kb.groups, func(g *Group, o *facts.Object) { g.Aliases = o.Aliases })
	fill(b, facts.Software, &kb.software, func(s *Software, o *facts.Object) {
		s.Aliases, s.Platforms, s.Type = o.Aliases, o.Platforms, Malware
		if o.Tool {
			s.Type = Tool
		}
	})
	fill(b, facts.Campaign, &kb.campaigns, func(c *Campaign, o *facts.Object) {
		c.Aliases, c.FirstSeen, c.LastSeen = o.Aliases, o.First, o.Last
	})
	fill(b, facts.Mitigation, &kb.mitigations, func(*Mitigation, *facts.Object) {})
	fill(b, facts.Strategy, &kb.strategies, func(*DetectionStrategy, *facts.Object) {})
	fill(b, facts.Component, &kb.components, func(c *DataComponent, o *facts.Object) { c.logs = o.Logs })
	fill(b, facts.Analytic, &kb.analytics, func(a *Analytic, o *facts.Object) {
		a.Platforms, a.logs = o.Platforms, o.Logs
	})
	fill(b, facts.Asset, &kb.assets, func(a *Asset, o *facts.Object) {
		a.Platforms, a.RelatedNames = o.Platforms, o.Aliases
	})

	b.matrixOrder()
	b.logs()
	b.relations()
	kb.tacticOf = b.refRelation(facts.Technique, facts.Tactic)
	kb.analyticOf = b.refRelation(facts.Strategy, facts.Analytic)
	kb.groupUses = attributed(kb.direct[facts.GroupUses], kb.direct[facts.CampaignUses], kb.direct[facts.AttributedTo],
		len(kb.groups), len(kb.techniques))
	kb.groupRuns = attributed(kb.direct[facts.GroupRuns], kb.direct[facts.CampaignRuns], kb.direct[facts.AttributedTo],
		len(kb.groups), len(kb.software))
	kb.componentFeeds = sync.OnceValue(kb.feeds)
	kb.logNames = sync.OnceValue(kb.sortLogNames)
	kb.search = sync.OnceValue(kb.indexWords)
	kb.weights = sync.OnceValue(kb.weigh)
	kb.cast = sync.OnceValue(kb.countActors)
	kb.replaced = sync.OnceValue(kb.listReplaced)
	kb.needs = sync.OnceValue(kb.listNeeds)
	lazyNames(kb)
	return kb
}

// builder turns facts into objects. local has the index of each object of the set within its kind, or [facts.None].
type builder struct {
	kb    *KB
	set   *facts.Set
	want  facts.Domains
	local []int32
}

// fill makes the objects of one kind. Indices that point to the kind must be translated after that.
func fill[T any, P object[T]](b builder, kind facts.Kind, to *[]T, set func(P, *facts.Object)) {
	from, end := b.set.Range(kind)
	all := make([]T, 0, end-from)
	for i := from; i < end; i++ {
		o := &b.set.Objects[i]
		b.local[i] = facts.None
		if o.Domains&b.want == 0 {
			continue
		}
		b.local[i] = int32(len(all))
		all = all[:len(all)+1]
		made := P(&all[len(all)-1])
		b.fill(made.base(), o, b.local[i])
		set(made, o)
	}
	*to = all
}

// fill sets what all objects have.
func (b builder) fill(to *Object, o *facts.Object, n int32) {
	*to = Object{
		ID: o.ID, Name: o.Name, Deprecated: o.Deprecated, Revoked: o.Revoked,
		Description: o.Description, kb: b.kb, uuid: o.STIX, n: n, domains: o.Domains & b.want,
	}
	if o.RevokedBy != facts.None {
		to.RevokedBy = b.set.Objects[o.RevokedBy].ID
	}
	for _, r := range o.References {
		to.References = append(to.References, Reference(r))
	}
}

// relation connects objects of one kind with objects of another, both given by their number within their kind. Its edges
// are in order of source, then target.
type relation struct {
	source, target []int32
	text           []string // what a bundle says of an edge, nil without prose
	forth          []int32  // the edges of source s are forth[s] to forth[s+1]
	back           []int32  // the edges to target t are edges[back[t]] to edges[back[t+1]]
	edges          []int32
}

// newRelation indexes edges that are in order.
func newRelation(source, target []int32, text []string, sources, targets int) relation {
	r := relation{source: source, target: target, text: text}
	r.forth = offsets(source, sources)
	r.back = offsets(target, targets)
	r.edges = make([]int32, len(target))
	next := slices.Clone(r.back)
	for e, t := range target {
		r.edges[next[t]] = int32(e)
		next[t]++
	}
	return r
}

// offsets counts how many of the edges end before each of n objects.
func offsets(ends []int32, n int) []int32 {
	at := make([]int32, n+1)
	for _, e := range ends {
		at[e+1]++
	}
	for i := range n {
		at[i+1] += at[i]
	}
	return at
}

// targets returns the targets of a source, in order.
func (r *relation) targets(source int32) []int32 {
	return r.target[r.forth[source]:r.forth[source+1]]
}

// edgesTo returns the edges that end in a target, in order of source.
func (r *relation) edgesTo(target int32) []int32 {
	return r.edges[r.back[target]:r.back[target+1]]
}

// has reports whether an edge from source to target exists.
func (r *relation) has(source, target int32) bool {
	_, ok := slices.BinarySearch(r.targets(source), target)
	return ok
}

// said returns what a bundle says of the edge from source to target.
func (r *relation) said(source, target int32) string {
	at, ok := slices.BinarySearch(r.targets(source), target)
	if !ok || r.text == nil {
		return ""
	}
	return r.text[int(r.forth[source])+at]
}

// relations indexes what ATT&CK states.
func (b builder) relations() {
	at := 0
	for v := range facts.Verbs {
		start := at
		for at < len(b.set.Relations) && b.set.Relations[at].Verb == v {
			at++
		}
		source, target := make([]int32, 0, at-start), make([]int32, 0, at-start)
		var text []string
		for i, r := range b.set.Relations[start:at] {
			s, t := b.local[r.Source], b.local[r.Target]
			if r.Domains&b.want == 0 || s == facts.None || t == facts.None {
				continue
			}
			source, target = append(source, s), append(target, t)
			if b.set.Texts != nil {
				text = append(text, b.set.Texts[start+i])
			}
		}
		from, to := v.Ends()
		b.kb.direct[v] = newRelation(source, target, text, b.kb.len(from), b.kb.len(to))
	}
}

// refRelation indexes the references of one kind to another.
func (b builder) refRelation(kind, to facts.Kind) relation {
	from, end := b.set.Range(kind)
	var source, target []int32
	for i := from; i < end; i++ {
		if b.local[i] == facts.None {
			continue
		}
		start := len(target)
		for _, r := range b.set.Objects[i].Refs {
			if t := b.local[r]; t != facts.None {
				source, target = append(source, b.local[i]), append(target, t)
			}
		}
		slices.Sort(target[start:])
	}
	return newRelation(source, target, nil, b.kb.len(kind), b.kb.len(to))
}

// attributed adds to what groups use what the campaigns use that are attributed to them.
func attributed(own, campaign, to relation, groups, targets int) relation {
	source := make([]int32, 0, len(own.source)+len(campaign.source))
	target := make([]int32, 0, cap(source))
	var mine []int32
	for g := range int32(groups) {
		mine = append(mine[:0], own.targets(g)...)
		for _, e := range to.edgesTo(g) {
			mine = append(mine, campaign.targets(to.source[e])...)
		}
		slices.Sort(mine)
		for _, t := range slices.Compact(mine) {
			source, target = append(source, g), append(target, t)
		}
	}
	return newRelation(source, target, nil, groups, targets)
}

// matrixOrder makes the tactics of matrices local and gives them their place in the matrix of their domain.
func (b builder) matrixOrder() {
	for i := range b.kb.tactics {
		b.kb.tactics[i].order = len(b.kb.tactics)
	}
	for i := range b.kb.matrices {
		m := &b.kb.matrices[i]
		kept := m.tactics[:0]
		for _, t := range m.tactics {
			if at := b.local[t]; at != facts.None {
				kept = append(kept, at)
			}
		}
		m.tactics = kept
		if m.Active() {
			for place, t := range kept {
				b.kb.tactics[t].order = place
			}
		}
	}
}

// logs makes the components of log sources local, in place: nobody else has the set.
func (b builder) logs() {
	for i := range b.kb.analytics {
		a := &b.kb.analytics[i]
		kept := a.logs[:0]
		for _, l := range a.logs {
			if l.Component = b.local[l.Component]; l.Component != facts.None {
				kept = append(kept, l)
			}
		}
		a.logs = kept
	}
}

// feeds relates data components to the techniques whose analytics need them.
func (k *KB) feeds() relation {
	type edge struct{ source, target int32 }
	var edges []edge
	for t := range k.Techniques() {
		for _, c := range t.Detection().Components {
			edges = append(edges, edge{c.n, t.n})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.source != b.source {
			return int(a.source - b.source)
		}
		return int(a.target - b.target)
	})
	source, target := make([]int32, len(edges)), make([]int32, len(edges))
	for i, e := range edges {
		source[i], target[i] = e.source, e.target
	}
	return newRelation(source, target, nil, len(k.components), len(k.techniques))
}
