package attack

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// Versions of the layer format and of the Navigator that [NewLayer] writes for.
const (
	LayerFormat      = "4.5"
	NavigatorVersion = "5.1.0"
)

// Layer is an ATT&CK Navigator layer of format 4.5. Its JSON is a file that the Navigator opens.
type Layer struct {
	Name                          string           `json:"name"`                          // its name
	Versions                      LayerVersions    `json:"versions"`                      // the versions it was made for
	Domain                        string           `json:"domain"`                        // such as enterprise-attack
	Description                   string           `json:"description,omitempty"`         // what it shows
	Filters                       *LayerFilters    `json:"filters,omitempty"`             // what the Navigator shows of it
	Sorting                       int              `json:"sorting"`                       // by name 0 or 1 (descending), by score 2 or 3 (descending)
	Layout                        LayerLayout      `json:"layout"`                        // how the matrix is laid out
	HideDisabled                  bool             `json:"hideDisabled"`                  // leave out techniques that are not enabled
	Techniques                    []LayerTechnique `json:"techniques"`                    // the techniques
	Gradient                      *LayerGradient   `json:"gradient,omitempty"`            // the colours of scores
	LegendItems                   []LegendItem     `json:"legendItems,omitempty"`         // what the colours mean
	Metadata                      []LayerMetadata  `json:"metadata,omitempty"`            // facts beside it, by name
	Links                         []LayerLink      `json:"links,omitempty"`               // links shown with it
	ShowTacticRowBackground       bool             `json:"showTacticRowBackground"`       // colour the row of tactics
	TacticRowBackground           string           `json:"tacticRowBackground,omitempty"` // that colour, as #rrggbb
	SelectTechniquesAcrossTactics bool             `json:"selectTechniquesAcrossTactics"` // select a technique in all its tactics
	SelectSubtechniquesWithParent bool             `json:"selectSubtechniquesWithParent"` // select subtechniques with theirs
	SelectVisibleTechniques       bool             `json:"selectVisibleTechniques"`       // select none that are hidden
	CustomDataURL                 string           `json:"customDataURL,omitempty"`       // of the data that the layer was made for, where it isn't MITRE's

	// Notes say what [ReadLayer] changed to read the layer. They aren't part of the file.
	Notes []string `json:"-"`
}

// Document says that a layer is a file for the ATT&CK Navigator.
func (*Layer) Document() (name, mediaType, member string) {
	return "layer.json", "application/json", ""
}

// LayerVersions says what a layer was made for.
type LayerVersions struct {
	ATTACK    string `json:"attack,omitempty"`    // the major version of ATT&CK, such as 18
	Navigator string `json:"navigator,omitempty"` // the version of the Navigator
	Layer     string `json:"layer"`               // 4.5
}

// LayerFilters limits a layer to platforms.
type LayerFilters struct {
	Platforms []string `json:"platforms"` // the platforms it runs on
}

// LayerLayout says how a layer is drawn.
type LayerLayout struct {
	Layout                string `json:"layout"`                          // side, flat or mini
	AggregateFunction     string `json:"aggregateFunction"`               // average, min, max or sum
	ShowID                bool   `json:"showID"`                          // show ids
	ShowName              bool   `json:"showName"`                        // show names
	ShowAggregateScores   bool   `json:"showAggregateScores"`             // show scores over subtechniques
	CountUnscored         bool   `json:"countUnscored"`                   // count those without a score as 0
	ExpandedSubtechniques string `json:"expandedSubtechniques,omitempty"` // none, annotated or all
}

// LayerTechnique is what a layer says of one technique.
type LayerTechnique struct {
	TechniqueID       string          `json:"techniqueID"`                 // the technique
	Tactic            string          `json:"tactic,omitempty"`            // short name; empty for all tactics of the technique
	Score             *float64        `json:"score,omitempty"`             // its score; nil: none
	Color             string          `json:"color,omitempty"`             // #rrggbb or #rrggbbaa; empty to colour by score
	Comment           string          `json:"comment,omitempty"`           // a comment on it
	Enabled           *bool           `json:"enabled,omitempty"`           // nil means true
	Metadata          []LayerMetadata `json:"metadata,omitempty"`          // facts beside it, by name
	Links             []LayerLink     `json:"links,omitempty"`             // links shown with it
	ShowSubtechniques bool            `json:"showSubtechniques,omitempty"` // whether its subtechniques are unfolded
}

// LayerGradient maps scores to colours.
type LayerGradient struct {
	Colors   []string `json:"colors"`   // #rrggbb or #rrggbbaa, at least two
	MinValue float64  `json:"minValue"` // the score of the first colour
	MaxValue float64  `json:"maxValue"` // the score of the last colour
}

// LegendItem explains a colour.
type LegendItem struct {
	Label string `json:"label"` // the text
	Color string `json:"color"` // the colour, as #rrggbb
}

// LayerMetadata is a name with a value, or else a divider.
type LayerMetadata struct {
	Name    string `json:"name,omitempty"`    // its name
	Value   string `json:"value,omitempty"`   // its value
	Divider bool   `json:"divider,omitempty"` // a line instead
}

// LayerLink is a label with an address, or else a divider.
type LayerLink struct {
	Label   string `json:"label,omitempty"`   // the text
	URL     string `json:"url,omitempty"`     // its page at MITRE
	Divider bool   `json:"divider,omitempty"` // a line instead
}

// NewLayer returns an empty layer for a domain and a version of ATT&CK such as 18.1, which may be empty if unknown.
func NewLayer(name string, domain Domain, version string) *Layer {
	major, _, _ := strings.Cut(version, ".")
	return &Layer{
		Name:     name,
		Versions: LayerVersions{ATTACK: major, Navigator: NavigatorVersion, Layer: LayerFormat},
		Domain:   domain.STIX(),
		Layout: LayerLayout{
			Layout: "side", AggregateFunction: "average", ShowName: true, ExpandedSubtechniques: "annotated",
		},
		Techniques:                    []LayerTechnique{},
		SelectTechniquesAcrossTactics: true,
	}
}

var (
	layerColor   = lazyregexp.New(`^#[0-9A-Fa-f]{6}$`)
	layerAlpha   = lazyregexp.New(`^#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?$`)
	layerVersion = lazyregexp.New(`^[0-9]+(\.[0-9]+)*$`)
	layerTactic  = lazyregexp.New(`^[a-z]+(-[a-z]+)*$`)
)

// Validate checks a layer against the rules of the format and returns all breaches at once. Whether ATT&CK has the
// techniques is not its concern.
func (l *Layer) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("attack: layer: "+format, args...))
		}
	}
	check(l.Name != "", "no name")
	check(l.Versions.Layer == LayerFormat, "format is %q, want %q", l.Versions.Layer, LayerFormat)
	check(l.Versions.Navigator == "" || layerVersion.MatchString(l.Versions.Navigator), "navigator version %q", l.Versions.Navigator)
	check(l.Versions.ATTACK == "" || layerVersion.MatchString(l.Versions.ATTACK), "ATT&CK version %q", l.Versions.ATTACK)
	check(slices.ContainsFunc(domains[len(domains)-1], func(d Domain) bool { return d.STIX() == l.Domain }),
		"domain %q, want enterprise-attack, mobile-attack or ics-attack", l.Domain)
	check(0 <= l.Sorting && l.Sorting <= 3, "sorting %d, want 0 to 3", l.Sorting)
	check(slices.Contains([]string{"side", "flat", "mini"}, l.Layout.Layout), "layout %q, want side, flat or mini", l.Layout.Layout)
	check(slices.Contains([]string{"average", "min", "max", "sum"}, l.Layout.AggregateFunction),
		"aggregate function %q, want average, min, max or sum", l.Layout.AggregateFunction)
	check(slices.Contains([]string{"", "none", "annotated", "all"}, l.Layout.ExpandedSubtechniques),
		"expanded sub-techniques %q", l.Layout.ExpandedSubtechniques)
	check(l.TacticRowBackground == "" || layerColor.MatchString(l.TacticRowBackground),
		"tactic row colour %q", l.TacticRowBackground)
	if g := l.Gradient; g != nil {
		check(len(g.Colors) >= 2, "gradient needs two colours")
		check(g.MinValue < g.MaxValue, "gradient from %g to %g, want more at its end", g.MinValue, g.MaxValue)
		for _, c := range g.Colors {
			check(layerAlpha.MatchString(c), "gradient colour %q, want one such as #ff6666", c)
		}
	}
	for _, i := range l.LegendItems {
		check(i.Label != "" && layerAlpha.MatchString(i.Color), "legend item %q with colour %q", i.Label, i.Color)
	}
	check(l.Techniques != nil, "techniques are missing: an empty layer has an empty list")
	seen := make(map[[2]string]bool, len(l.Techniques))
	for _, t := range l.Techniques {
		key := [2]string{t.TechniqueID, t.Tactic}
		if !isTechniqueID(t.TechniqueID) { // what is wrong is written only where it is: there are many
			check(false, "technique id %q, want one such as T1059 or T1059.001", t.TechniqueID)
		}
		if seen[key] {
			check(false, "technique %s occurs twice", t.TechniqueID)
		}
		if t.Tactic != "" && !layerTactic.MatchString(t.Tactic) {
			check(false, "%s: tactic %q, want one such as initial-access", t.TechniqueID, t.Tactic)
		}
		if t.Color != "" && !layerAlpha.MatchString(t.Color) {
			check(false, "%s: colour %q, want one such as #ff6666", t.TechniqueID, t.Color)
		}
		checkNotes(check, t.TechniqueID, t.Metadata, t.Links)
		seen[key] = true
	}
	checkNotes(check, "layer", l.Metadata, l.Links)
	return errors.Join(errs...)
}

// isTechniqueID reports whether id is one such as T1059 or T1059.001.
func isTechniqueID(id string) bool {
	if len(id) != len("T1059") && len(id) != len("T1059.001") {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case i == 0 && c != 'T', i == 5 && c != '.', i != 0 && i != 5 && (c < '0' || c > '9'):
			return false
		}
	}
	return true
}

// checkNotes checks metadata and links, each a pair or a divider.
func checkNotes(check func(bool, string, ...any), of string, metadata []LayerMetadata, links []LayerLink) {
	for _, m := range metadata {
		check(m.Divider == (m.Name == "") && m.Divider == (m.Value == ""), "%s: metadata %q without name or value", of, m.Name)
	}
	for _, k := range links {
		check(k.Divider == (k.Label == "") && k.Divider == (k.URL == ""), "%s: link %q without label or URL", of, k.Label)
	}
}
