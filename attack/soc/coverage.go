package soc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// CoverageForm says in what form a coverage is answered.
type CoverageForm string

// The forms of a coverage.
const (
	AsTable   CoverageForm = "table"   // technique by technique
	AsLayer   CoverageForm = "layer"   // a Navigator layer
	AsPicture CoverageForm = "picture" // an SVG
)

// Enum lists the forms.
func (CoverageForm) Enum() []any { return []any{string(AsTable), string(AsLayer), string(AsPicture)} }

// CoverageInput is the input of [Client.Coverage].
type CoverageInput struct {
	// Tested: a rule for it fired in so many days.
	Days int `json:"days,omitempty" minimum:"1" maximum:"365"`
	// Id, name or alias: gaps are what they use most. Default: all.
	Groups []string `json:"groups,omitempty" maxItems:"20"`
	// Table, Navigator layer, or picture (SVG).
	Form CoverageForm `json:"form,omitempty"`
	// Techniques of the table.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"1000"`
}

// SetDefaults fills the fields left at zero.
func (in *CoverageInput) SetDefaults() {
	if in.Days == 0 {
		in.Days = 30
	}
	if in.Form == "" {
		in.Form = AsTable
	}
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// CoverageState says what is known of how a technique is watched.
type CoverageState string

// The states of a technique, from the best.
const (
	Tested  CoverageState = "tested"  // a rule for it fired
	Silent  CoverageState = "silent"  // Wazuh has a rule for it that did not fire
	Written CoverageState = "written" // a Sigma rule names it, and no rule of Wazuh does
	Open    CoverageState = "open"    // no rule names it
)

// Enum lists the states.
func (CoverageState) Enum() []any {
	return []any{string(Tested), string(Silent), string(Written), string(Open)}
}

// CoverageRow is one technique.
type CoverageRow struct {
	ID    string        `json:"id"`    // its id
	Name  string        `json:"name"`  // its name
	State CoverageState `json:"state"` // whether it is covered
	// How many rules of Wazuh name it.
	Wazuh int `json:"wazuhRules"`
	// How many Sigma rules name it.
	Sigma int `json:"sigmaRules"`
	// How many alerts named it.
	Alerts int `json:"alerts"`
}

// CoverageGap is a technique that no rule names, and who uses it.
type CoverageGap struct {
	ID   string `json:"id"`   // its id
	Name string `json:"name"` // its name
	// How many of the groups use it.
	Users int `json:"users"`
	// Some of these.
	Groups []string `json:"groups"`
}

// CoverageOutput is the output of [Client.Coverage].
type CoverageOutput struct {
	Total int `json:"total"` // how many there are
	// What total counts.
	Denominator string `json:"denominator"`
	// Those that a rule names: tested, silent or written.
	Covered int `json:"covered"`
	// Those of which a rule fired.
	Tested int `json:"tested"`
	// Those of which Wazuh has a rule that did not fire.
	Silent int `json:"silent"`
	// Those that Sigma rules alone name.
	Written int     `json:"written"`
	Percent float64 `json:"coveragePercent"` // the share, in percent
	// How many rules of Wazuh were read.
	WazuhRules int `json:"wazuhRules"`
	// How many Sigma rules were read.
	SigmaRules int `json:"sigmaRules"`
	// Tested ones first, then silent and written ones. In the form of a table only.
	Techniques attack.List[CoverageRow] `json:"techniques"`
	// The ten techniques without a rule that most of the groups use.
	Gaps []CoverageGap `json:"gaps"`
	// Whose use decides on the gaps; none: that of all groups.
	Groups []attack.Ref  `json:"groups"`
	Layer  *attack.Layer `json:"layer,omitempty"` // it as a layer for the Navigator
	// SVG.
	Picture string `json:"picture,omitempty"`
	// Ids that rules or alerts name, and groups, that this ATT&CK doesn't have. A technique of a later one
	// counts for those whose place it took.
	Unknown []string `json:"unknown,omitempty"`
	// Sigma files that could not be read, and why.
	Skipped   []string         `json:"skipped,omitempty"`
	Note      string           `json:"note,omitempty"` // what to know about the answer
	Platforms []PlatformStatus `json:"platforms"`      // which platforms answered
}

// maxGaps is how many gaps are named, and maxNamed how many groups of each and how many files that were skipped.
const (
	maxGaps  = 10
	maxNamed = 10
)

// Coverage says which techniques are covered by the rules that Wazuh has loaded and by the Sigma rules of the configured
// folder, which of them proved it by an alert, which stayed silent, and which gaps matter most for the groups named. A
// technique counts for itself: a rule for a sub-technique says nothing of its parent.
//
// Wazuh: GET /rules. Indexer: POST wazuh-alerts-*/_search
func (c *Client) Coverage(ctx context.Context, in CoverageInput) (*CoverageOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	domain := kb.Domains()[0]
	out := &CoverageOutput{
		Denominator: "techniques and sub-techniques in force of " + string(domain), Groups: []attack.Ref{}, Gaps: []CoverageGap{},
		Techniques: attack.List[CoverageRow]{Items: []CoverageRow{}},
	}
	groups, err := out.groups(kb, in.Groups)
	if err != nil {
		return nil, err
	}
	own, written, fired := newTally(kb), newTally(kb), newTally(kb)
	var notes []string
	var (
		sigma    []attack.SigmaRule
		skipped  []string
		hasSigma bool
		note     string
	)
	platforms, errs := together(
		part{"wazuh", c.wazuh != nil, func() (err error) {
			note, err = c.watched(ctx, in.Days, own, fired, &out.WazuhRules)
			return err
		}},
		part{"sigma rules", true, func() (err error) {
			sigma, skipped, hasSigma, err = c.attack.SigmaRules(ctx)
			return err
		}},
	)
	wazuhErr, sigmaErr := errs[0], errs[1]
	if !hasSigma {
		platforms[1] = standing("sigma rules", false, nil, 0)
	}
	if note != "" {
		notes = append(notes, note)
	}
	for _, r := range sigma {
		if r.Status == "deprecated" || r.Status == "unsupported" {
			continue
		}
		out.SigmaRules++
		written.add(r.IDs)
	}
	out.Skipped = skipped[:min(len(skipped), maxNamed)]
	if more := len(skipped) - maxNamed; more > 0 {
		out.Skipped = append(slices.Clip(out.Skipped), fmt.Sprintf("and %d more", more))
	}
	if c.wazuh == nil && !hasSigma {
		return nil, fmt.Errorf("soc: there are no rules to look at: set WAZUH_URL, or MITRE_SIGMA_DIR to a folder with Sigma rules")
	}
	if (c.wazuh == nil || wazuhErr != nil) && (!hasSigma || sigmaErr != nil) {
		return nil, errors.Join(wazuhErr, sigmaErr)
	}
	if sigmaErr != nil {
		notes = append(notes, "the Sigma rules were not read, so that what is open may be written")
	}
	out.Platforms = platforms
	if wazuhErr != nil {
		notes = append(notes, "Wazuh was not read to the end, so that what is open, silent or written may be covered")
	}
	rows := out.rows(kb, domain, own, written, fired)
	out.gaps(kb, rows, groups)
	for _, t := range []*tally{own, written, fired} {
		for id := range t.unknown {
			out.Unknown = appendNew(out.Unknown, id)
		}
	}
	slices.Sort(out.Unknown)
	out.Note = strings.Join(notes, "; ")
	return out, out.show(kb, domain, in, rows)
}

// groups resolves the groups whose use decides.
func (out *CoverageOutput) groups(kb *attack.KB, keys []string) ([]*attack.Group, error) {
	var groups []*attack.Group
	var missing error
	for _, key := range keys {
		g, _, err := kb.ResolveGroup(key)
		if err != nil {
			out.Unknown, missing = appendNew(out.Unknown, key), err
			continue
		}
		if !slices.Contains(groups, g) {
			groups = append(groups, g)
			out.Groups = append(out.Groups, attack.Ref{ID: g.ID, Name: g.Name})
		}
	}
	if len(keys) > 0 && len(groups) == 0 {
		return nil, missing
	}
	return groups, nil
}

// watched counts what the rules of Wazuh name, and what alerts of the last days did. A technique fired when an alert names
// it, or when a rule that names it fired.
func (c *Client) watched(ctx context.Context, days int, own, fired *tally, rules *int) (note string, err error) {
	named := map[string][]string{}
	if err := c.eachRule(ctx, WazuhRuleCoverageInput{}, func(id int, ids []string) {
		*rules++
		own.add(ids)
		named[strconv.Itoa(id)] = ids
	}); err != nil {
		return "", err
	}
	stats, err := c.wazuh.GetAlertStats(ctx, wazuh.GetAlertStatsInput{
		GroupBy: []wazuh.AlertKey{"technique", "rule"}, Top: 100,
		AlertFilter: wazuh.AlertFilter{StartTime: wazuh.When(strconv.Itoa(24*days) + "h")},
	})
	if err != nil {
		return "", fmt.Errorf("alerts: %w", err)
	}
	var cut []string
	for _, counts := range stats.Counts {
		for _, v := range counts.Values {
			switch counts.By {
			case "technique":
				fired.count([]string{v.Value}, v.Count)
			case "rule":
				fired.count(named[v.Value], 0)
			}
		}
		if counts.Others > 0 {
			cut = append(cut, string(counts.By))
		}
	}
	if cut != nil {
		note = "only the 100 most frequent of each " + strings.Join(cut, " and ") + " were looked at, so that some that fired rarely may seem silent"
	}
	if stats.Incomplete != "" {
		note = strings.TrimPrefix(note+"; "+stats.Incomplete, "; ")
	}
	return note, nil
}

// rows says of each technique how it is watched.
func (out *CoverageOutput) rows(kb *attack.KB, domain attack.Domain, own, written, fired *tally) []CoverageRow {
	var rows []CoverageRow
	for t := range kb.Techniques() {
		if t.Domain() != domain {
			continue
		}
		r := CoverageRow{ID: t.ID, Name: t.Name, State: Open, Wazuh: own.counts[t], Sigma: written.counts[t], Alerts: fired.counts[t]}
		_, didFire := fired.counts[t]
		switch {
		case didFire:
			r.State = Tested
			out.Tested++
		case r.Wazuh > 0:
			r.State = Silent
			out.Silent++
		case r.Sigma > 0:
			r.State = Written
			out.Written++
		}
		rows = append(rows, r)
	}
	out.Total, out.Covered = len(rows), out.Tested+out.Silent+out.Written
	out.Percent = percent(out.Covered, out.Total)
	return rows
}

// gaps names the techniques without a rule that most groups use.
func (out *CoverageOutput) gaps(kb *attack.KB, rows []CoverageRow, groups []*attack.Group) {
	for _, r := range rows {
		if r.State != Open {
			continue
		}
		t, _ := kb.Technique(r.ID)
		g := CoverageGap{ID: r.ID, Name: r.Name, Groups: []string{}}
		for _, user := range t.Groups() {
			if len(groups) > 0 && !slices.Contains(groups, user) {
				continue
			}
			if g.Users++; len(g.Groups) < maxNamed {
				g.Groups = append(g.Groups, user.ID+" "+user.Name)
			}
		}
		if g.Users > 0 {
			out.Gaps = append(out.Gaps, g)
		}
	}
	sorting.Stable(out.Gaps, func(a, b CoverageGap) int { return cmp.Compare(b.Users, a.Users) })
	out.Gaps = out.Gaps[:min(maxGaps, len(out.Gaps))]
}

// states has how each state is shown: its place, its score in a layer, and its colour.
var states = map[CoverageState]struct {
	order, score int
	color, means string
}{
	Tested:  {0, 100, "#8ec843", "tested: a rule fired"},
	Silent:  {1, 60, "#ffe766", "silent: a rule of Wazuh did not fire"},
	Written: {2, 30, "#9ecae1", "written: a Sigma rule alone"},
	Open:    {3, 0, "#ff6666", "open: no rule"},
}

// show fills in the form that is asked for.
func (out *CoverageOutput) show(kb *attack.KB, domain attack.Domain, in CoverageInput, rows []CoverageRow) error {
	if in.Form == AsTable {
		rows = slices.Clone(rows)
		sorting.Stable(rows, func(a, b CoverageRow) int {
			return cmp.Or(cmp.Compare(states[a.State].order, states[b.State].order), cmp.Compare(b.Alerts, a.Alerts))
		})
		out.Techniques = attack.List[CoverageRow]{Total: len(rows), Items: rows[:min(in.Limit, len(rows))]}
		return nil
	}
	l := attack.NewLayer("Coverage by rules", domain, kb.Version(domain))
	l.Description = fmt.Sprintf("%d of %d techniques have a rule; %d were tested by an alert in %d days.", out.Covered, out.Total, out.Tested, in.Days)
	for _, state := range []CoverageState{Tested, Silent, Written, Open} {
		l.LegendItems = append(l.LegendItems, attack.LegendItem{Label: states[state].means, Color: states[state].color})
	}
	for _, r := range rows {
		score := float64(states[r.State].score)
		e := attack.LayerTechnique{TechniqueID: r.ID, Score: &score, Color: states[r.State].color}
		if r.State != Open {
			e.Comment = fmt.Sprintf("%s; rules: %d of Wazuh, %d of Sigma; alerts: %d", r.State, r.Wazuh, r.Sigma, r.Alerts)
		}
		l.Techniques = append(l.Techniques, e)
	}
	if in.Form == AsLayer {
		out.Layer = l
		return l.Validate()
	}
	svg, err := kb.SVG(l)
	out.Picture = string(svg)
	return err
}
