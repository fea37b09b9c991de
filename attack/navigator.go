package attack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// LayerMode says what a Navigator layer shows.
type LayerMode string

// The modes of [Client.NavigatorLayer].
const (
	LayerCoverage   LayerMode = "coverage"   // what can be detected with the given data sources
	LayerGroup      LayerMode = "group"      // what a group uses
	LayerCampaign   LayerMode = "campaign"   // what was used in a campaign
	LayerTechniques LayerMode = "techniques" // the given techniques
	LayerDiff       LayerMode = "diff"       // what two groups use, and share
)

// Enum lists the modes.
func (LayerMode) Enum() []any {
	return []any{LayerCoverage, LayerGroup, LayerCampaign, LayerTechniques, LayerDiff}
}

// Colours of layers.
const (
	layerRed    = "#ff6666"
	layerBlue   = "#6666ff"
	layerViolet = "#ff66ff"
	layerYellow = "#ffe766"
	layerGreen  = "#8ec843"
)

// maxLayerItems bounds each list of a [NavigatorLayerInput].
const maxLayerItems = 2000

// NavigatorLayerInput says what layer to make. Which fields a mode needs is in their descriptions.
type NavigatorLayerInput struct {
	// coverage by dataSources, a group, a campaign, techniques, or the diff of two groups.
	Mode LayerMode `json:"mode"`
	// Of the layer.
	Name string `json:"name,omitempty"`
	// For coverage, what the site collects: data components (Process Creation, DC0032), log sources
	// (WinEventLog:Sysmon) or data sources of ATT&CK 17 (Process, DS0009).
	DataSources []string `json:"dataSources,omitempty"`
	// For group: id, name or alias, such as APT29.
	GroupID string `json:"groupId,omitempty"`
	// For campaign: such as C0024. Default: techniques.
	CampaignID string `json:"campaignId,omitempty"`
	// For techniques, and campaign without campaignId.
	Techniques []string `json:"techniques,omitempty"`
	// For diff: two groups.
	CompareGroupIDs []string `json:"compareGroupIds,omitempty"`
	// #rrggbb.
	Color             string `json:"color,omitempty"`
	ShowSubtechniques *bool  `json:"showSubtechniques,omitempty"` // unfold subtechniques; nil: as it fits
	// Such as Windows.
	Platforms []string `json:"platforms,omitempty" maxItems:"30"`
	// Default: that of the first technique.
	Domain Domain `json:"domain,omitempty"`
}

// SetDefaults sets the colour to #ff6666 and unfolds sub-techniques.
func (in *NavigatorLayerInput) SetDefaults() {
	if in.Color == "" {
		in.Color = layerRed
	}
	if in.ShowSubtechniques == nil {
		yes := true
		in.ShowSubtechniques = &yes
	}
}

// NavigatorLayer makes a layer of one domain for the version of ATT&CK that is loaded.
//
// Ids of revoked techniques, groups and campaigns are translated, and techniques that this ATT&CK doesn't have are left out;
// the metadata of the layer says so. Where no technique is known, that is [ErrNotFound]; an argument that the mode needs and lacks is [ErrInvalid].
func (c *Client) NavigatorLayer(ctx context.Context, in NavigatorLayerInput) (*Layer, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	for name, list := range map[string][]string{
		"dataSources": in.DataSources, "techniques": in.Techniques, "compareGroupIds": in.CompareGroupIDs,
	} {
		if len(list) > maxLayerItems {
			return nil, invalid("%s has %d entries, at most %d", name, len(list), maxLayerItems)
		}
	}
	if !layerColor.MatchString(in.Color) {
		return nil, invalid("color %q, want #rrggbb", clip.Text(in.Color, 40))
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	d := painter{kb: kb, in: in, domain: c.config.Domains[0]}
	if in.Domain != "" {
		d.domain = in.Domain
	}
	if err := kb.holds("domain", in.Domain); err != nil {
		return nil, err
	}
	d.in.Platforms = nil
	for _, name := range in.Platforms {
		p, note, err := kb.platform(name)
		if err != nil {
			return nil, err
		}
		d.in.Platforms = append(d.in.Platforms, p)
		if note != "" {
			d.translated = append(d.translated, name+" to "+p)
		}
	}
	paint, ok := map[LayerMode]func() error{
		LayerCoverage: d.coverage, LayerGroup: d.group, LayerCampaign: d.campaign, LayerTechniques: d.techniques,
		LayerDiff: d.diff,
	}[in.Mode]
	if !ok {
		return nil, invalid("mode %q, want coverage, group, campaign, techniques or diff", clip.Text(string(in.Mode), 40))
	}
	if err := paint(); err != nil {
		return nil, err
	}
	return d.layer, d.layer.Validate()
}

// painter makes one layer.
type painter struct {
	kb     *KB
	in     NavigatorLayerInput
	domain Domain
	layer  *Layer

	translated []string // platforms of earlier versions
}

// start makes the empty layer.
func (p *painter) start(name, description string) {
	if p.in.Name != "" {
		name = p.in.Name
	}
	p.layer = NewLayer(name, p.domain, p.kb.Version(p.domain))
	p.layer.Description = description
	if len(p.in.Platforms) > 0 {
		p.layer.Filters = &LayerFilters{Platforms: p.in.Platforms}
	}
	for _, t := range p.translated {
		p.layer.Metadata = append(p.layer.Metadata, LayerMetadata{Name: "translated", Value: t})
	}
	if !*p.in.ShowSubtechniques {
		p.layer.Layout.ExpandedSubtechniques = "none"
	}
}

// mark adds a technique if it belongs to the domain of the layer.
func (p *painter) mark(t *Technique, entry LayerTechnique) {
	if t.Domain() != p.domain || len(p.in.Platforms) > 0 && !slices.ContainsFunc(p.in.Platforms, t.On) {
		return
	}
	entry.TechniqueID = t.ID
	entry.ShowSubtechniques = *p.in.ShowSubtechniques && !t.Subtechnique
	p.layer.Techniques = append(p.layer.Techniques, entry)
}

// redirected notes that an id was translated.
func (p *painter) redirected(from, to string) {
	if from != "" {
		p.layer.Metadata = append(p.layer.Metadata, LayerMetadata{Name: "redirected", Value: from + " is now " + to})
	}
}

func (p *painter) coverage() error {
	if len(p.in.DataSources) == 0 {
		return invalid("mode coverage needs dataSources")
	}
	sensors, meanings, err := p.kb.Understand(p.in.DataSources...)
	if err != nil {
		return err
	}
	p.start("Detection coverage", "What can be detected with "+strings.Join(p.in.DataSources, ", ")+
		". 100: all log sources of at least one analytic; 50: some of them; 0: none. Without score: ATT&CK names no log source.")
	p.layer.Gradient = &LayerGradient{Colors: []string{layerRed, layerYellow, layerGreen}, MinValue: 0, MaxValue: 100}
	p.layer.LegendItems = []LegendItem{
		{"all that an analytic needs", layerGreen}, {"part of what an analytic needs", layerYellow}, {"nothing", layerRed},
		{"ATT&CK names no log source", "#ffffff"},
	}
	p.layer.Techniques = slices.Grow(p.layer.Techniques, len(p.kb.techniques))
	scores := map[Coverage]float64{Uncovered: 0, Partial: 50, Covered: 100}
	totals := map[Coverage]int{}
	for t := range p.kb.Techniques() {
		if t.Domain() != p.domain {
			continue
		}
		if len(p.in.Platforms) > 0 && !slices.ContainsFunc(p.in.Platforms, t.On) {
			continue
		}
		level := t.Coverage(sensors)
		totals[level]++
		if score, ok := scores[level]; ok {
			p.mark(t, LayerTechnique{Score: &score})
		}
	}
	for level := Covered; level >= Unobservable; level-- {
		p.layer.Metadata = append(p.layer.Metadata, LayerMetadata{Name: level.String(), Value: fmt.Sprint(totals[level])})
	}
	for _, m := range meanings {
		if m.As != AsLegacy {
			continue
		}
		names := make([]string, len(m.Components))
		for i, c := range m.Components {
			names[i] = c.Name
		}
		p.layer.Metadata = append(p.layer.Metadata, LayerMetadata{Name: "translated", Value: m.Given + " to " + strings.Join(names, ", ")})
	}
	return nil
}

func (p *painter) group() error {
	if p.in.GroupID == "" {
		return invalid("mode group needs groupId")
	}
	g, from, err := p.kb.ResolveGroup(p.in.GroupID)
	if err != nil {
		return err
	}
	p.start(g.Name+" ("+g.ID+")", "Techniques used by "+g.Name+", itself or in campaigns attributed to it.")
	p.redirected(from, g.ID)
	p.layer.LegendItems = []LegendItem{{"used by " + g.Name, p.in.Color}}
	p.layer.Links = []LayerLink{{Label: g.Name, URL: g.URL()}}
	for _, t := range g.Techniques() {
		p.mark(t, LayerTechnique{Color: p.in.Color, Comment: usage(g, t)})
	}
	return nil
}

// usage says how a technique is attributed to a group.
func usage(g *Group, t *Technique) string {
	if g.Uses(t) {
		return "used by " + g.Name
	}
	var names []string
	for _, c := range g.Campaigns() {
		if c.Uses(t) {
			names = append(names, c.Name)
		}
	}
	return "used by " + g.Name + " in " + strings.Join(names, ", ")
}

func (p *painter) campaign() error {
	if p.in.CampaignID == "" {
		if len(p.in.Techniques) == 0 {
			return invalid("mode campaign needs campaignId or techniques")
		}
		return p.given("Campaign", "Techniques observed in a campaign.")
	}
	if len(p.in.Techniques) > 0 {
		return invalid("mode campaign takes campaignId or techniques, not both")
	}
	c, from, err := p.kb.ResolveCampaign(p.in.CampaignID)
	if err != nil {
		return err
	}
	p.start(c.Name+" ("+c.ID+")", "Techniques used in "+c.Name+".")
	p.redirected(from, c.ID)
	p.layer.LegendItems = []LegendItem{{"used in " + c.Name, p.in.Color}}
	p.layer.Links = []LayerLink{{Label: c.Name, URL: c.URL()}}
	for _, t := range c.Techniques() {
		p.mark(t, LayerTechnique{Color: p.in.Color, Comment: "used in " + c.Name})
	}
	return nil
}

func (p *painter) techniques() error {
	if len(p.in.Techniques) == 0 {
		return invalid("mode techniques needs techniques")
	}
	return p.given("Techniques", "Chosen techniques.")
}

// given marks the techniques of the input, each once. Those that this ATT&CK doesn't have are named in the metadata.
func (p *painter) given(name, description string) error {
	r, err := p.kb.ResolveAll(p.in.Techniques)
	if err != nil {
		return err
	}
	if p.in.Domain == "" {
		p.domain = r.Techniques[0].Domain()
	}
	var elsewhere []string
	for _, t := range r.Techniques {
		if t.Domain() != p.domain {
			elsewhere = append(elsewhere, t.ID)
		}
	}
	if elsewhere != nil {
		return invalid("a layer shows one domain, and %s isn't in %s", strings.Join(elsewhere, ", "), p.domain)
	}
	p.start(name, r.note(description))
	for _, m := range r.Redirected {
		p.redirected(m.From, m.To)
	}
	for _, id := range r.Unknown {
		p.layer.Metadata = append(p.layer.Metadata, LayerMetadata{Name: "unknown", Value: id})
	}
	for _, t := range r.Techniques {
		comment := t.Name
		if t.Deprecated {
			comment += " (deprecated)"
		}
		p.mark(t, LayerTechnique{Color: p.in.Color, Comment: comment})
	}
	return nil
}

func (p *painter) diff() error {
	if len(p.in.CompareGroupIDs) != 2 {
		return invalid("mode diff needs exactly two compareGroupIds, not %d", len(p.in.CompareGroupIDs))
	}
	a, fromA, err := p.kb.ResolveGroup(p.in.CompareGroupIDs[0])
	if err != nil {
		return err
	}
	b, fromB, err := p.kb.ResolveGroup(p.in.CompareGroupIDs[1])
	if err != nil {
		return err
	}
	if a == b {
		return invalid("compareGroupIds are both %s", a.ID)
	}
	p.start(a.Name+" and "+b.Name, "Techniques of "+a.Name+" ("+a.ID+") and "+b.Name+" ("+b.ID+").")
	p.redirected(fromA, a.ID)
	p.redirected(fromB, b.ID)
	p.layer.LegendItems = []LegendItem{
		{"only " + a.Name, layerRed}, {"only " + b.Name, layerBlue}, {"both", layerViolet},
	}
	p.layer.Links = []LayerLink{{Label: a.Name, URL: a.URL()}, {Label: b.Name, URL: b.URL()}}
	left, right := a.Techniques(), b.Techniques()
	all := slices.Concat(left, right)
	slices.SortFunc(all, func(x, y *Technique) int { return strings.Compare(x.ID, y.ID) })
	for _, t := range slices.Compact(all) {
		color, comment := layerRed, usage(a, t)
		switch inA, inB := slices.Contains(left, t), slices.Contains(right, t); {
		case inA && inB:
			color, comment = layerViolet, usage(a, t)+"; "+usage(b, t)
		case inB:
			color, comment = layerBlue, usage(b, t)
		}
		p.mark(t, LayerTechnique{Color: color, Comment: comment})
	}
	return nil
}
