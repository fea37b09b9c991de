package attack

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/guess"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// GetDatasourceInput says which source of data to describe.
type GetDatasourceInput struct {
	// Such as DC0032 or DS0009.
	DataSourceID string `json:"dataSourceId,omitempty" alias:"id"`
	// Data component, log source (WinEventLog:Sysmon) or data source.
	Name string `json:"name,omitempty"`
	// Of each component.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"20"`
}

// DatasourceOutput says what a source of data is good for.
type DatasourceOutput struct {
	Meanings   []Meaning          `json:"meanings"`       // what the name was taken for
	Detects    int                `json:"detects"`        // techniques of which it shows something
	Components []ComponentSummary `json:"components"`     // the data components
	Note       string             `json:"note,omitempty"` // what to know about the answer
}

// ComponentSummary describes a data component.
type ComponentSummary struct {
	ID          string               `json:"id"`                    // its id
	Name        string               `json:"name"`                  // its name
	URL         string               `json:"url"`                   // its page at MITRE
	DataSources []string             `json:"dataSources"`           // of ATT&CK 17, to which it belonged
	Description string               `json:"description,omitempty"` // what it is, in words of the platform
	LogSources  List[LogSourceEntry] `json:"logSources"`            // where it is logged
	Techniques  List[Ref]            `json:"techniques"`            // of which an analytic needs it
}

const noDataSources = "ATT&CK 18 has no data sources: detection strategies have analytics, these need log sources, and log " +
	"sources show data components. The name was translated to the components it stood for in ATT&CK 17.1."

// GetDatasource describes a data component, a log source or a data source of ATT&CK 17 and before, which is translated to
// its components.
func (c *Client) GetDatasource(ctx context.Context, in GetDatasourceInput) (*DatasourceOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, key, err := c.open1(ctx, "dataSourceId", in.DataSourceID, in.Name)
	if err != nil {
		return nil, err
	}
	sensors, meanings, err := kb.Understand(key)
	if err != nil {
		return nil, err
	}
	out := &DatasourceOutput{Meanings: meanings, Components: []ComponentSummary{}}
	for t := range kb.Techniques() {
		if t.Coverage(sensors) >= Partial {
			out.Detects++
		}
	}
	seen := map[string]bool{}
	for _, m := range meanings {
		if m.As == AsLegacy {
			out.Note = noDataSources
		}
		for _, r := range m.Components {
			if c, ok := kb.DataComponent(r.ID); ok && !seen[r.ID] {
				seen[r.ID] = true
				out.Components = append(out.Components, summariseComponent(c, in.Limit))
			}
		}
	}
	return out, nil
}

func summariseComponent(c *DataComponent, limit int) ComponentSummary {
	return ComponentSummary{
		ID: c.ID, Name: c.Name, URL: c.URL(), DataSources: nonNil(c.DataSources()), Description: excerpt(c.Description),
		LogSources: first(c.LogSources(), limit, func(l LogSource) LogSourceEntry {
			return LogSourceEntry{l.Name, l.Channel, ref(&l.Component.Object)}
		}),
		Techniques: firstRefs(c.Techniques(), limit),
	}
}

// DetectionCoverageInput says what a site collects.
type DetectionCoverageInput struct {
	// What the site collects: data components (Process Creation, DC0032), log sources (WinEventLog:Sysmon),
	// or data sources of ATT&CK 17 (Process, DS0009).
	AvailableDataSources []string `json:"availableDataSources" alias:"dataSources" maxItems:"500"`
	// Default: the first that is loaded.
	Domain Domain `json:"domain,omitempty"`
	// Such as Windows.
	Platform string `json:"platform,omitempty"`
	// Gaps, of each tactic and in all.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"`
}

// CoverageOutput says what can be detected.
type CoverageOutput struct {
	Domain          Domain           `json:"domain"`                  // the domain of ATT&CK
	AttackVersion   string           `json:"attackVersion,omitempty"` // the version of ATT&CK behind the answer
	Denominator     string           `json:"denominator"`             // what total counts
	Total           int              `json:"total"`                   // how many there are
	Observable      int              `json:"observable"`              // of which ATT&CK names any log source
	Detectable      int              `json:"detectable"`              // of which something would be seen
	FullyCovered    int              `json:"fullyCovered"`            // of which one analytic has all that it needs
	CoveragePercent float64          `json:"coveragePercent"`         // detectable of total
	Understood      []Meaning        `json:"understood"`              // what each given name was taken for
	Tactics         []TacticCoverage `json:"tactics"`                 // its tactics
	TopGaps         []Gap            `json:"topGaps"`                 // undetectable ones, those that most groups use first
	Recommendations []Recommendation `json:"recommendations"`         // what to collect next, by what it would add
	Note            string           `json:"note,omitempty"`          // what to know about the answer
}

// TacticCoverage is the coverage of one tactic.
type TacticCoverage struct {
	ID         string    `json:"id"`         // its id
	Name       string    `json:"name"`       // its name
	Total      int       `json:"total"`      // how many there are
	Detectable int       `json:"detectable"` // how many can be detected
	Gaps       List[Ref] `json:"gaps"`       // those that can't
}

// Gap is a technique that isn't covered.
type Gap struct {
	ID     string `json:"id"`     // its id
	Name   string `json:"name"`   // its name
	Groups int    `json:"groups"` // that used it
}

// Recommendation is a data component that is worth collecting.
type Recommendation struct {
	ID         string   `json:"id"`         // its id
	Name       string   `json:"name"`       // its name
	Adds       int      `json:"adds"`       // techniques that become detectable, after the recommendations above it
	LogSources []string `json:"logSources"` // where it is logged
}

// DetectionCoverage tells which techniques a site can detect with what it collects, and what to collect next. A technique
// is detectable if any data component that its analytics need is collected, and fully covered if one analytic has all it
// needs.
func (c *Client) DetectionCoverage(ctx context.Context, in DetectionCoverageInput) (*CoverageOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	if in.Domain == "" {
		in.Domain = c.config.Domains[0]
	}
	platform, note, err := kb.platform(in.Platform)
	if err := errorsFirst(kb.holds("domain", in.Domain), err); err != nil {
		return nil, err
	}
	in.Platform = platform
	sensors, meanings, err := kb.Understand(in.AvailableDataSources...)
	if err != nil {
		return nil, err
	}
	out := &CoverageOutput{
		Domain: in.Domain, AttackVersion: kb.Version(in.Domain), Understood: append([]Meaning{}, meanings...),
		Denominator: "techniques and sub-techniques in force of " + string(in.Domain),
		Tactics:     []TacticCoverage{}, TopGaps: []Gap{}, Recommendations: []Recommendation{}, Note: note,
	}
	if in.Platform != "" {
		out.Denominator += " on " + in.Platform
	}
	degree := map[*Technique]Coverage{}
	var gaps []*Technique
	for t := range kb.Techniques() {
		if t.Domain() != in.Domain || in.Platform != "" && !t.On(in.Platform) {
			continue
		}
		d := t.Coverage(sensors)
		degree[t] = d
		out.Total++
		if d != Unobservable {
			out.Observable++
		}
		switch {
		case d == Covered:
			out.FullyCovered++
			fallthrough
		case d == Partial:
			out.Detectable++
		default:
			gaps = append(gaps, t)
		}
	}
	out.CoveragePercent = percent(out.Detectable, out.Total)
	for _, ta := range kb.Tactics() {
		if ta.Domain() != in.Domain {
			continue
		}
		row := TacticCoverage{ID: ta.ID, Name: ta.Name}
		var missing []*Technique
		for _, t := range ta.Techniques() {
			d, counted := degree[t]
			if !counted {
				continue
			}
			row.Total++
			if d >= Partial {
				row.Detectable++
			} else {
				missing = append(missing, t)
			}
		}
		row.Gaps = firstRefs(kb.byUse(missing), in.Limit)
		out.Tactics = append(out.Tactics, row)
	}
	for _, t := range kb.byUse(gaps)[:min(in.Limit, len(gaps))] {
		out.TopGaps = append(out.TopGaps, Gap{t.ID, t.Name, kb.weights().users[t.n]})
	}
	out.Recommendations = append(out.Recommendations, kb.recommend(gaps)...)
	return out, nil
}

// guessNote says what guesses are.
const guessNote = "Guesses are from words, not facts: the score is how many of 100 such guesses were right on rules not learned from."

// errorsFirst returns the first error that isn't nil.
func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// percent returns part of total in hundredths, to one decimal. None of nothing is 0.
func percent(part, total int) float64 {
	if total == 0 {
		return 0
	}
	return math.Round(1000*float64(part)/float64(total)) / 10
}

// byUse orders techniques by how many groups used them, the most first.
func (k *KB) byUse(list []*Technique) []*Technique {
	users := k.weights().users
	slices.SortStableFunc(list, func(a, b *Technique) int { return cmp.Compare(users[b.n], users[a.n]) })
	return list
}

// Bounds of recommendations.
const (
	maxRecommendations = 5
	maxSuggestedLogs   = 5
)

// recommend returns the data components that would make most of the gaps detectable, each counted after those before it.
func (k *KB) recommend(gaps []*Technique) []Recommendation {
	open := map[int32][]*DataComponent{}
	gain := map[*DataComponent]int{}
	for _, t := range gaps {
		components := t.Detection().Components
		if len(components) == 0 {
			continue
		}
		open[t.n] = components
		for _, c := range components {
			gain[c]++
		}
	}
	var out []Recommendation
	for len(out) < maxRecommendations {
		var best *DataComponent
		for c, n := range gain {
			if n > 0 && (best == nil || n > gain[best] || n == gain[best] && c.ID < best.ID) {
				best = c
			}
		}
		if best == nil {
			break
		}
		r := Recommendation{ID: best.ID, Name: best.Name, Adds: gain[best], LogSources: []string{}}
		for _, l := range best.logs {
			if name := strings.TrimSpace(l.Name); len(r.LogSources) < maxSuggestedLogs && !slices.Contains(r.LogSources, name) {
				r.LogSources = append(r.LogSources, name)
			}
		}
		out = append(out, r)
		for n, components := range open {
			if !slices.Contains(components, best) {
				continue
			}
			for _, c := range components {
				gain[c]--
			}
			delete(open, n)
		}
	}
	return out
}

// MapAlertToTechniqueInput is an alert in words.
type MapAlertToTechniqueInput struct {
	// What the alert says, in words.
	AlertType string `json:"alertType" minLength:"1" maxLength:"2000"`
	// What was seen: commands, process names, tools.
	Indicators []string `json:"indicators,omitempty" maxItems:"100"`
	// Such as Windows.
	Platform string `json:"platform,omitempty"`
	// Techniques.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"50" default:"10"`
}

// MapAlertToTechniqueOutput is what an alert may mean.
type MapAlertToTechniqueOutput struct {
	Total   int            `json:"total"`             // how many there are
	Matches []AlertMapping `json:"matches"`           // what each alert may mean
	Tactics []Ref          `json:"tactics,omitempty"` // that the alert names by id
	Unknown []string       `json:"unknown,omitempty"` // ids that the alert names and this ATT&CK doesn't have
	Note    string         `json:"note"`              // what to know about the answer
}

// AlertMapping is a technique that an alert names, or may mean.
type AlertMapping struct {
	TechniqueLine
	Basis      string     `json:"basis"`                // named: the alert has the id; guess: words that fit
	Score      int        `json:"score"`                // 0 to 100: how many of 100 guesses like this were right, on rules not learned from
	Confidence Confidence `json:"confidence,omitempty"` // of a guess
	Reason     string     `json:"reason,omitempty"`     // what to know of a weak guess
	Words      []string   `json:"words,omitempty"`      // that led to the guess
	Later      *Later     `json:"later,omitempty"`      // in a later version of ATT&CK, where it has another id there
}

// MapAlertToTechnique says which techniques the words of an alert may mean. Ids that the alert names come first; the rest
// are guesses with how often such a guess is right, so that nonsense gives nothing, and the platform alone gives nothing
// either.
func (c *Client) MapAlertToTechnique(ctx context.Context, in MapAlertToTechniqueInput) (*MapAlertToTechniqueOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.AlertType) == "" {
		return nil, invalid("alertType is empty")
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	platform, note, err := kb.platform(in.Platform)
	if err != nil {
		return nil, err
	}
	in.Platform = platform
	out := &MapAlertToTechniqueOutput{Matches: []AlertMapping{}}
	text := in.AlertType + "\n" + strings.Join(in.Indicators, "\n")
	ids := kb.Named(text)
	out.Tactics, out.Unknown = refs(ids.Tactics), ids.Unknown
	named := map[string]bool{}
	for _, t := range ids.Techniques {
		named[t.ID] = true
		out.Matches = append(out.Matches, AlertMapping{TechniqueLine: line(t), Basis: "named", Score: 100})
	}
	t := guess.Split(in.AlertType)
	for _, g := range kb.Guess(t.Title, t.Body+"\n"+strings.Join(in.Indicators, "\n"), maxRanked) {
		if named[g.Technique.ID] || in.Platform != "" && !g.Technique.On(in.Platform) {
			continue
		}
		m := AlertMapping{line(g.Technique), "guess", g.Score, g.Confidence, g.Reason, g.Words, nil}
		if l := g.Technique.later(); l != nil && l.ID != g.Technique.ID {
			m.Later = l
		}
		out.Matches = append(out.Matches, m)
	}
	out.Total = len(out.Matches)
	out.Matches = out.Matches[:min(in.Limit, out.Total)]
	switch {
	case out.Total == 0 && len(out.Tactics) > 0:
		out.Note = "The alert names a tactic and no technique, and its words fit none well enough for a guess."
	case out.Total == 0:
		out.Note = "No technique is named, and the words fit none well enough for a guess."
	case len(named) == 0:
		out.Note = guessNote
	default:
		out.Note = "Techniques that the alert names come first; guesses from words follow. " + guessNote
	}
	out.Note = strings.TrimSpace(ids.note(out.Note) + " " + note)
	return out, nil
}
