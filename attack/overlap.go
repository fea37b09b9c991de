package attack

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// weights say how telling each technique is of who uses it.
type weights struct {
	weight []float64 // by technique: the fewer groups use it, the more
	users  []int     // by technique: how many groups in force use it
	groups []float64 // by group: the weight of all it uses
	tools  []float64 // by software, likewise
	acts   []float64 // by campaign, likewise
}

// weigh weighs techniques as information theory does: one that every group uses tells nothing of who it was.
func (k *KB) weigh() *weights {
	u := &weights{weight: make([]float64, len(k.techniques)), users: make([]int, len(k.techniques))}
	groups := 0
	for range k.Groups() {
		groups++
	}
	for t := range k.Techniques() {
		u.users[t.n] = len(t.Groups())
		u.weight[t.n] = math.Log(1 + float64(1+groups)/float64(1+u.users[t.n]))
	}
	u.groups, u.tools, u.acts = make([]float64, len(k.groups)), make([]float64, len(k.software)), make([]float64, len(k.campaigns))
	for g := range k.Groups() {
		u.groups[g.n] = u.sum(g.Techniques())
	}
	for s := range k.Software() {
		u.tools[s.n] = u.sum(s.Techniques())
	}
	for c := range k.Campaigns() {
		u.acts[c.n] = u.sum(c.Techniques())
	}
	return u
}

func (u *weights) sum(list []*Technique) float64 {
	total := 0.0
	for _, t := range list {
		total += u.weight[t.n]
	}
	return total
}

// Match is someone, or something, that uses some of the techniques asked about.
type Match struct {
	ID     string `json:"id"`     // its id
	Name   string `json:"name"`   // its name
	Shared []Ref  `json:"shared"` // the techniques they share
	Uses   int    `json:"uses"`   // techniques it uses in all
	Score  int    `json:"score"`  // 0 to 100: how well it fits. Rare techniques count more; those observed that it lacks count against it, and a tenth of that those it has besides
}

// extra is what a technique costs that only the group has, compared with one that only was observed: a group isn't less
// likely because it was reported on more, but what fits everything tells little.
const extra = 0.1

// alike rates what a user of techniques has of those observed, by the weights of what is shared, of what was observed and
// of all that it uses: 100 if both are the same, 0 if nothing is shared.
func alike(shared, observed, uses float64) int {
	if shared == 0 {
		return 0
	}
	return int(math.Round(100 * shared / (shared + (observed - shared) + extra*(uses-shared))))
}

// match rates those who use techniques, the best first, and describes as many as limit says. uses relates them to
// techniques, and weighs has the weight of all that each uses.
func match[T any, P object[T]](u *weights, all []T, uses *relation, weighs []float64, asked []*Technique, limit int) List[Match] {
	shared, counts := make([]float64, len(all)), make([]int, len(all))
	for _, t := range asked {
		for _, e := range uses.edgesTo(t.n) {
			shared[uses.source[e]] += u.weight[t.n]
			counts[uses.source[e]]++
		}
	}
	type candidate struct {
		n            int32
		score, count int
	}
	own := u.sum(asked)
	var found []candidate
	for n, count := range counts {
		if count > 0 && P(&all[n]).base().Active() {
			found = append(found, candidate{int32(n), alike(shared[n], own, weighs[n]), count})
		}
	}
	sorting.By(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.count, a.count), cmp.Compare(a.n, b.n))
	})
	return first(found, limit, func(c candidate) Match {
		o := P(&all[c.n]).base()
		m := Match{ID: o.ID, Name: o.Name, Shared: make([]Ref, 0, c.count), Score: c.score}
		for _, t := range asked {
			if uses.has(c.n, t.n) {
				m.Shared = append(m.Shared, ref(&t.Object))
			}
		}
		for _, t := range uses.targets(c.n) {
			if o.kb.techniques[t].Active() {
				m.Uses++
			}
		}
		return m
	})
}

// GroupsLike rates the groups that use some of the techniques by how well what they use fits, the best first, and returns
// at most limit. It is a lead, not an attribution.
func (k *KB) GroupsLike(asked []*Technique, limit int) List[Match] {
	u := k.weights()
	return match(u, k.groups, &k.groupUses, u.groups, asked, limit)
}

// TechniqueOverlapInput names two or more groups, or else techniques.
type TechniqueOverlapInput struct {
	// Two at least, by id, name or alias.
	GroupIDs []string `json:"groupIds,omitempty" maxItems:"20"`
	// To compare with all groups. This or groupIds.
	Techniques []string `json:"techniques,omitempty" maxItems:"200"`
	// Groups, and shared techniques of each pair.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"15"`
}

// TechniqueOverlapOutput is the overlap of pairs of groups, or of techniques with groups.
type TechniqueOverlapOutput struct {
	Pairs      []GroupPair  `json:"pairs,omitempty"`      // each two of the groups
	Groups     *List[Match] `json:"groups,omitempty"`     // groups known to use them
	Redirected []Redirect   `json:"redirected,omitempty"` // ids that another took the place of
	Unknown    []string     `json:"unknown,omitempty"`    // what was given and this ATT&CK doesn't have
	Note       string       `json:"note"`                 // what to know about the answer
}

// GroupPair is what two groups have in common.
type GroupPair struct {
	A              Ref       `json:"a"`              // the one group
	B              Ref       `json:"b"`              // the other group
	Shared         List[Ref] `json:"shared"`         // the techniques they share
	OnlyA          int       `json:"onlyA"`          // how many only the one uses
	OnlyB          int       `json:"onlyB"`          // how many only the other uses
	JaccardPercent float64   `json:"jaccardPercent"` // shared of what either uses
}

const leadOnly = "Overlap is a lead, not an attribution: sub-techniques and their parents count apart, and groups that were " +
	"reported on more have more techniques."

// TechniqueOverlap compares groups with each other, pair by pair, or techniques with all groups. What is unknown is listed
// beside the answer for the rest; with too little left, it is the error.
func (c *Client) TechniqueOverlap(ctx context.Context, in TechniqueOverlapInput) (*TechniqueOverlapOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	switch {
	case len(in.GroupIDs) > 0 && len(in.Techniques) > 0:
		return nil, invalid("give groupIds or techniques, not both")
	case len(in.GroupIDs) == 1:
		return nil, invalid("groupIds has one group, want two at least")
	case len(in.GroupIDs) > 20:
		return nil, invalid("groupIds has %d groups, at most 20", len(in.GroupIDs))
	case len(in.GroupIDs) == 0 && len(in.Techniques) == 0:
		return nil, invalid("give groupIds or techniques")
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	if len(in.Techniques) > 0 {
		r, err := kb.ResolveAll(in.Techniques)
		if err != nil {
			return nil, err
		}
		groups := kb.GroupsLike(r.Techniques, in.Limit)
		return &TechniqueOverlapOutput{
			Groups: &groups, Redirected: r.Redirected, Unknown: r.Unknown, Note: r.note(leadOnly),
		}, nil
	}
	groups, redirected, unknown, err := kb.groupsOf(in.GroupIDs)
	if err != nil {
		return nil, err
	}
	out := &TechniqueOverlapOutput{
		Pairs: []GroupPair{}, Redirected: redirected, Unknown: unknown,
		Note: Resolved{Unknown: unknown}.note(leadOnly),
	}
	for i, a := range groups {
		for _, b := range groups[i+1:] {
			out.Pairs = append(out.Pairs, kb.compare(a, b, in.Limit))
		}
	}
	return out, nil
}

// groupsOf resolves groups, each once. With less than two known, the unknown ones are the error.
func (k *KB) groupsOf(keys []string) (groups []*Group, redirected []Redirect, unknown []string, err error) {
	var missing error
	for _, key := range keys {
		g, from, err := k.ResolveGroup(key)
		if errors.Is(err, ErrNotFound) {
			unknown, missing = append(unknown, key), err
			continue
		}
		if err != nil {
			return nil, nil, nil, err
		}
		if from != "" {
			redirected = append(redirected, Redirect{from, g.ID})
		}
		if slices.Contains(groups, g) {
			return nil, nil, nil, invalid("groupIds has %s twice", g.ID)
		}
		groups = append(groups, g)
	}
	switch {
	case len(groups) > 1 || len(unknown) == 0:
		return groups, redirected, unknown, nil
	case len(unknown) == 1:
		return nil, nil, nil, missing
	}
	return nil, nil, nil, &NotFoundError{Kind: "group", Keys: unknown, Domains: k.Domains()}
}

func (k *KB) compare(a, b *Group, limit int) GroupPair {
	left, right := a.Techniques(), b.Techniques()
	shared := make([]*Technique, 0, min(len(left), len(right)))
	for i, j := 0, 0; i < len(left) && j < len(right); {
		switch {
		case left[i].n < right[j].n:
			i++
		case left[i].n > right[j].n:
			j++
		default:
			shared = append(shared, left[i])
			i, j = i+1, j+1
		}
	}
	return GroupPair{
		A: ref(&a.Object), B: ref(&b.Object), Shared: firstRefs(shared, limit),
		OnlyA: len(left) - len(shared), OnlyB: len(right) - len(shared),
		JaccardPercent: percent(len(shared), len(left)+len(right)-len(shared)),
	}
}

// AttackPathInput says where a path begins and ends.
type AttackPathInput struct {
	// Such as T1566.001, or exact name.
	StartTechnique string `json:"startTechnique"`
	// Where the path ends: id, short name or name. Default: the last.
	TargetTactic string `json:"targetTactic,omitempty"`
	// Of each tactic.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"20" default:"3"`
}

// AttackPathOutput is what else those do who use a technique, tactic by tactic.
type AttackPathOutput struct {
	Start          Ref        `json:"start"`                    // where the path begins
	RedirectedFrom string     `json:"redirectedFrom,omitempty"` // the id that was asked for, where another took its place
	StartTactic    Ref        `json:"startTactic"`              // its tactic
	Actors         int        `json:"actors"`                   // groups, and campaigns of no known group, that use the start technique
	Steps          []PathStep `json:"steps"`                    // the tactics behind it
	Note           string     `json:"note"`                     // what to know about the answer
}

// PathStep is one later tactic.
type PathStep struct {
	Tactic     Ref             `json:"tactic"`     // the tactic
	Techniques []PathTechnique `json:"techniques"` // the techniques
}

// PathTechnique is a technique that goes with the start technique.
type PathTechnique struct {
	ID     string  `json:"id"`     // its id
	Name   string  `json:"name"`   // its name
	Actors int     `json:"actors"` // that use both
	Lift   float64 `json:"lift"`   // how many times as likely as among all actors
}

// AttackPath tells what those who use a technique also use, in each tactic that comes later in the matrix. Techniques are
// ranked by how strongly they go with the start technique over all groups and campaigns.
func (c *Client) AttackPath(ctx context.Context, in AttackPathInput) (*AttackPathOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.StartTechnique) == "" {
		return nil, invalid("startTechnique is empty")
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	start, from, err := kb.Resolve(in.StartTechnique)
	if err != nil {
		return nil, err
	}
	tactics := start.Tactics()
	if len(tactics) == 0 {
		return nil, invalid("%s has no tactic in force", start.ID)
	}
	later, err := kb.later(start, tactics[0], in.TargetTactic)
	if err != nil {
		return nil, err
	}
	out := &AttackPathOutput{
		Start: ref(&start.Object), RedirectedFrom: from, StartTactic: ref(&tactics[0].Object), Steps: []PathStep{},
		Note: "From what groups and campaigns used together. ATT&CK doesn't record what came first: the order is that of the matrix.",
	}
	actors := kb.cast()
	with := actors.of[start.n]
	out.Actors = len(with)
	if len(with) == 0 {
		out.Note = "ATT&CK knows no group or campaign that used this technique, so nothing is known of what goes with it."
		return out, nil
	}
	uses := make([]bool, len(kb.groups)+len(kb.campaigns))
	for _, a := range with {
		uses[a] = true
	}
	for _, ta := range later {
		step := PathStep{Tactic: ref(&ta.Object), Techniques: []PathTechnique{}}
		type rated struct {
			PathTechnique
			strength float64
		}
		var candidates []rated
		for _, t := range ta.Techniques() {
			if t == start {
				continue
			}
			both, n := 0, len(actors.of[t.n])
			for _, a := range actors.of[t.n] {
				if uses[a] {
					both++
				}
			}
			if both == 0 {
				continue
			}
			lift := float64(both) * float64(actors.total) / (float64(len(with)) * float64(n))
			candidates = append(candidates, rated{
				PathTechnique{t.ID, t.Name, both, math.Round(lift*10) / 10},
				float64(both) / math.Sqrt(float64(len(with))*float64(n)),
			})
		}
		sorting.By(candidates, func(a, b rated) int {
			return cmp.Or(cmp.Compare(b.strength, a.strength), strings.Compare(a.ID, b.ID))
		})
		for _, r := range candidates[:min(in.Limit, len(candidates))] {
			step.Techniques = append(step.Techniques, r.PathTechnique)
		}
		out.Steps = append(out.Steps, step)
	}
	return out, nil
}

// later returns the tactics after from in the matrix of a technique, up to the target, or to the last without one.
func (k *KB) later(start *Technique, from *Tactic, target string) ([]*Tactic, error) {
	m, ok := k.Matrix(start.Domain())
	if !ok {
		return nil, invalid("%s has no matrix", start.Domain())
	}
	tactics := m.Tactics()
	begin := slices.Index(tactics, from) + 1
	if strings.TrimSpace(target) == "" {
		return tactics[begin:], nil
	}
	t, _, err := k.tactic(target, start.Domain())
	if err != nil {
		return nil, err
	}
	end := slices.Index(tactics, t) + 1
	if end <= begin {
		return nil, invalid("targetTactic %s doesn't come after %s, the first tactic of %s", t.Name, from.Name, start.ID)
	}
	return tactics[begin:end], nil
}

// cast says who uses each technique. An actor is a group, with the campaigns attributed to it, or a campaign of no known
// group, numbered after the groups.
type cast struct {
	of    [][]int32 // by technique, in order
	total int
}

func (k *KB) countActors() *cast {
	c := &cast{of: make([][]int32, len(k.techniques))}
	for g := range k.Groups() {
		if len(k.groupUses.targets(g.n)) > 0 {
			c.total++
		}
	}
	lone := map[int32]bool{}
	for a := range k.Campaigns() {
		if len(a.Groups()) == 0 {
			lone[a.n] = true
			c.total++
		}
	}
	for t := range k.Techniques() {
		for _, g := range t.Groups() {
			c.of[t.n] = append(c.of[t.n], g.n)
		}
		for _, a := range t.Campaigns() {
			if lone[a.n] {
				c.of[t.n] = append(c.of[t.n], int32(len(k.groups))+a.n)
			}
		}
	}
	return c
}

// CampaignProfileInput is what was observed.
type CampaignProfileInput struct {
	// Such as T1566.001.
	Techniques []string `json:"techniques" minItems:"1" maxItems:"200"`
	// Of each list.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"50" default:"10"`
}

// CampaignProfileOutput sets what was observed beside what ATT&CK knows.
type CampaignProfileOutput struct {
	Techniques       []Ref          `json:"techniques"`              // the techniques that were given
	Redirected       []Redirect     `json:"redirected,omitempty"`    // ids that another took the place of
	Unknown          []string       `json:"unknown,omitempty"`       // what was given and this ATT&CK doesn't have
	TacticCoverage   []TacticSeen   `json:"tacticCoverage"`          // what was seen of each tactic
	LikelyGroups     List[Match]    `json:"likelyGroups"`            // groups that work like this
	LikelySoftware   List[Match]    `json:"likelySoftware"`          // software that works like this
	MatchingCampaign List[Match]    `json:"matchingCampaigns"`       // campaigns that went like this
	SuggestedNext    []Suggestion   `json:"suggestedNextTechniques"` // what often comes with it
	Mitigations      List[Priority] `json:"mitigationPriorities"`    // what mitigates it
	Note             string         `json:"note"`                    // what to know about the answer
}

// TacticSeen is a tactic with the observed techniques of it.
type TacticSeen struct {
	Tactic     Ref      `json:"tactic"`     // the tactic
	Techniques []string `json:"techniques"` // the techniques
}

// Suggestion is a technique to look for.
type Suggestion struct {
	ID     string   `json:"id"`     // its id
	Name   string   `json:"name"`   // its name
	Groups []string `json:"groups"` // of the most alike ones, those that use it
}

// Priority is a mitigation and which of the techniques it prevents.
type Priority struct {
	ID         string   `json:"id"`         // its id
	Name       string   `json:"name"`       // its name
	Techniques []string `json:"techniques"` // the techniques
}

// suggestFrom is how many of the most alike groups say what to look for.
const suggestFrom = 5

// CampaignProfile compares observed techniques with groups, software and campaigns, and says what to look for next and
// what would prevent most. Sizes count: a group that uses much is not alike for that.
func (c *Client) CampaignProfile(ctx context.Context, in CampaignProfileInput) (*CampaignProfileOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if n := len(in.Techniques); n == 0 || n > 200 {
		return nil, invalid("techniques has %d entries, want 1 to 200", n)
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	r, err := kb.ResolveAll(in.Techniques)
	if err != nil {
		return nil, err
	}
	asked := r.Techniques
	u := kb.weights()
	groups := kb.GroupsLike(asked, max(in.Limit, suggestFrom))
	out := &CampaignProfileOutput{
		Techniques: refs(asked), Redirected: r.Redirected, Unknown: r.Unknown, TacticCoverage: []TacticSeen{},
		Note:             r.note(leadOnly),
		LikelyGroups:     List[Match]{groups.Total, groups.Items[:min(in.Limit, len(groups.Items))]},
		LikelySoftware:   match(u, kb.software, &kb.direct[facts.SoftwareUses], u.tools, asked, in.Limit),
		MatchingCampaign: match(u, kb.campaigns, &kb.direct[facts.CampaignUses], u.acts, asked, in.Limit),
	}
	seen := map[*Tactic][]string{}
	for _, t := range asked {
		for _, ta := range t.Tactics() {
			seen[ta] = append(seen[ta], t.ID)
		}
	}
	for _, ta := range kb.Tactics() {
		if len(seen[ta]) > 0 {
			out.TacticCoverage = append(out.TacticCoverage, TacticSeen{ref(&ta.Object), seen[ta]})
		}
	}
	out.SuggestedNext = kb.suggest(asked, groups.Items[:min(suggestFrom, len(groups.Items))], in.Limit)
	out.Mitigations = first(prevent(asked), in.Limit, func(p Priority) Priority { return p })
	return out, nil
}

// suggest ranks what the groups use beside the techniques: each group votes with how alike it is, for what is rare with
// more.
func (k *KB) suggest(asked []*Technique, groups []Match, limit int) []Suggestion {
	u := k.weights()
	votes := map[*Technique]float64{}
	by := map[*Technique][]string{}
	for _, m := range groups {
		g, _ := k.Group(m.ID)
		for _, t := range g.Techniques() {
			if !slices.Contains(asked, t) {
				votes[t] += float64(m.Score) * u.weight[t.n]
				by[t] = append(by[t], g.Name)
			}
		}
	}
	all := make([]*Technique, 0, len(votes))
	for t := range votes {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *Technique) int {
		return cmp.Or(cmp.Compare(len(by[b]), len(by[a])), cmp.Compare(votes[b], votes[a]), strings.Compare(a.ID, b.ID))
	})
	out := make([]Suggestion, 0, limit)
	for _, t := range all[:min(limit, len(all))] {
		out = append(out, Suggestion{t.ID, t.Name, by[t]})
	}
	return out
}

// prevent lists the mitigations of techniques, those that prevent most of them first.
func prevent(asked []*Technique) []Priority {
	at := map[*Mitigation]int{}
	var all []Priority
	for _, t := range asked {
		for _, m := range t.Mitigations() {
			i, ok := at[m]
			if !ok {
				i = len(all)
				at[m] = i
				all = append(all, Priority{ID: m.ID, Name: m.Name})
			}
			all[i].Techniques = append(all[i].Techniques, t.ID)
		}
	}
	sorting.By(all, func(a, b Priority) int {
		return cmp.Or(cmp.Compare(len(b.Techniques), len(a.Techniques)), strings.Compare(a.ID, b.ID))
	})
	return all
}
