package soc

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/internal/wazuhrules"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/recovered"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

var errNoWazuh = connect.Like(ErrNotConfigured, "soc: Wazuh is not configured")

// WazuhStatusInput is the input of [Client.WazuhStatus].
type WazuhStatusInput struct{}

// WazuhStatusOutput is the output of [Client.WazuhStatus].
type WazuhStatusOutput struct {
	Version  string  `json:"version,omitempty"`  // the manager's version
	Hostname string  `json:"hostname,omitempty"` // the manager's name
	Agents   *Agents `json:"agents,omitempty"`   // how many agents there are
	// How many rules are loaded.
	Rules *int `json:"rules,omitempty"`
	// How many alerts the indexer has of the last 24 hours.
	Alerts *int `json:"alertsLastDay,omitempty"`
	// What could not be read, and why.
	Failed []string `json:"failed"`
}

// Agents counts agents by state.
type Agents struct {
	Active         int `json:"active"`         // connected
	Disconnected   int `json:"disconnected"`   // lost
	Pending        int `json:"pending"`        // connecting
	NeverConnected int `json:"neverConnected"` // enrolled, and never seen
}

// WazuhStatus says how the configured Wazuh is: its version, agents, rules and
// alerts. What can't be read is named with its reason; it is an error only if
// nothing can.
//
// Wazuh: GET /, GET /agents, GET /rules. Indexer: POST wazuh-alerts-*/_search
func (c *Client) WazuhStatus(ctx context.Context, _ WazuhStatusInput) (*WazuhStatusOutput, error) {
	if c.wazuh == nil {
		return nil, errNoWazuh
	}
	out := &WazuhStatusOutput{Failed: []string{}}
	states := []wazuh.AgentStatus{wazuh.Active, wazuh.Disconnected, wazuh.Pending, wazuh.NeverConnected}
	counts := make([]int, len(states))
	errs := recovered.Together(
		func() error {
			v, err := c.wazuh.GetWazuhVersion(ctx, wazuh.GetWazuhVersionInput{})
			if err == nil {
				out.Version, out.Hostname = v.APIVersion, v.Hostname
			}
			return err
		},
		func() error {
			for i, s := range states {
				p, err := c.wazuh.ListAgents(ctx, wazuh.ListAgentsInput{Status: s, Limit: 1})
				if err != nil {
					return err
				}
				counts[i] = p.Total
			}
			out.Agents = &Agents{counts[0], counts[1], counts[2], counts[3]}
			return nil
		},
		func() error {
			p, err := c.wazuh.ListRules(ctx, wazuh.ListRulesInput{Limit: 1})
			if err == nil {
				out.Rules = &p.Total
			}
			return err
		},
		func() error {
			p, err := c.wazuh.GetAlerts(ctx, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: "24h"}, Limit: 1})
			if err == nil {
				out.Alerts = &p.Total
			}
			return err
		},
	)
	for i, what := range []string{"version", "agents", "rules", "alerts"} {
		if errs[i] != nil {
			out.Failed = append(out.Failed, what+": "+errs[i].Error())
		}
	}
	if len(out.Failed) == len(errs) {
		return nil, errs[0]
	}
	return out, nil
}

// WazuhAlertsInput is the input of [Client.WazuhAlerts].
type WazuhAlertsInput struct {
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"` // how many to return at most
	// At least.
	Level int `json:"level,omitempty" minimum:"0" maximum:"16"`
	// Such as 007.
	AgentID wazuh.AgentID `json:"agentId,omitempty"`
	// Words.
	Search string `json:"search,omitempty" refang:"true" maxLength:"256"`
}

// WazuhAlertsOutput is the output of [Client.WazuhAlerts].
type WazuhAlertsOutput struct {
	// How many alerts match in all.
	Total int  `json:"total"`
	More  bool `json:"more"` // whether there are more behind these
	// Newest first.
	Alerts []AlertInATTACK `json:"alerts"`
	// What a filter was taken for, what this Wazuh doesn't have, where words were not looked for, and why alerts
	// may be missing.
	Note string `json:"note,omitempty" untrusted:"true"`
}

// AlertInATTACK is an alert with what it means.
type AlertInATTACK struct {
	Alert *wazuh.Alert `json:"alert"` // the alert
	// Those the alert names, else those its stock rule names.
	Techniques []Technique `json:"techniques"`
	// Those the alert names by id.
	Tactics []attack.Ref `json:"tactics,omitempty"`
	// Ids that the alert names and this ATT&CK doesn't have.
	Unknown []string `json:"unknown,omitempty"`
}

// WazuhAlerts returns the newest alerts with the techniques that they name. It
// doesn't guess: an alert whose rule names none has none.
//
// Indexer: POST wazuh-alerts-*/_search
func (c *Client) WazuhAlerts(ctx context.Context, in WazuhAlertsInput) (*WazuhAlertsOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	if c.wazuh == nil {
		return nil, errNoWazuh
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	page, err := c.wazuh.GetAlerts(ctx, wazuh.GetAlertsInput{Limit: in.Limit, AlertFilter: wazuh.AlertFilter{Level: in.Level, AgentID: in.AgentID, Search: in.Search}})
	if err != nil {
		return nil, err
	}
	out := &WazuhAlertsOutput{Total: page.Total, More: page.Total > len(page.Alerts), Alerts: []AlertInATTACK{}}
	said := []string{page.Note, page.NotSearched, page.Incomplete}
	out.Note = strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), "; ")
	for _, a := range page.Alerts {
		ids, source := alertIDs(a)
		named := lookup(kb, ids, source)
		out.Alerts = append(out.Alerts, AlertInATTACK{
			Alert: a, Techniques: append([]Technique{}, named.techniques...), Tactics: named.tactics, Unknown: named.unknown,
		})
	}
	return out, nil
}

// alertIDs returns the technique ids that an alert names, else its stock rule.
func alertIDs(a *wazuh.Alert) ([]string, Source) {
	if a.Rule.MITRE != nil && len(a.Rule.MITRE.ID) > 0 {
		return a.Rule.MITRE.ID, FromAlert
	}
	n, err := strconv.Atoi(a.Rule.ID)
	if err != nil {
		return nil, FromAlert
	}
	ids, _ := wazuhrules.IDs(n)
	return ids, FromStock
}

// WazuhRuleCoverageInput is the input of [Client.WazuhRuleCoverage].
type WazuhRuleCoverageInput struct {
	// Such as authentication_failed.
	RuleGroup string `json:"ruleGroup,omitempty" maxLength:"128"`
	// At least.
	Level int `json:"level,omitempty" minimum:"0" maximum:"16"`
	// With techniques of the newest 1000 alerts.
	Alerts bool `json:"alerts,omitempty"`
	// With techniques of the newest 50 cases' procedures.
	Cases bool `json:"cases,omitempty"`
	// Techniques and gaps.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"200" default:"20"`
}

// WazuhRuleCoverageOutput is the output of [Client.WazuhRuleCoverage].
type WazuhRuleCoverageOutput struct {
	// How many different rules were read: all that match, over all pages.
	Rules int `json:"rules"`
	// How many of them name a technique or a tactic.
	Mapped int `json:"mapped"`
	// What total counts.
	Denominator string `json:"denominator"`
	Total       int    `json:"total"` // how many there are
	// Of total, those that a rule names.
	Covered         int     `json:"covered"`
	CoveragePercent float64 `json:"coveragePercent"` // the share that is covered, in percent
	// The same for techniques alone, where a rule for a sub-technique counts for its parent.
	Parents Share         `json:"parents"`
	Tactics []TacticShare `json:"tactics"` // its tactics
	// Those named by most rules first.
	Techniques attack.List[RuleCount] `json:"techniques"`
	// Those named by no rule, the ones most groups use first.
	Gaps attack.List[attack.Gap] `json:"gaps"`
	// Tactics that rules name by id. They count for no technique.
	TacticsNamed []RuleCount `json:"tacticsNamed,omitempty"`
	// Ids that rules name and this ATT&CK doesn't have. One of a later ATT&CK counts for the techniques whose
	// place it took.
	Unknown    []string         `json:"unknown,omitempty"`
	Note       string           `json:"note,omitempty"`       // why there are no rules
	AlertsSeen *SeenTechniques  `json:"alertsSeen,omitempty"` // techniques of alerts that were raised
	CasesSeen  *SeenTechniques  `json:"casesSeen,omitempty"`  // techniques recorded with cases
	Platforms  []PlatformStatus `json:"platforms"`            // which platforms answered
}

// Share is a part of a whole.
type Share struct {
	Covered int     `json:"covered"` // how many are covered
	Total   int     `json:"total"`   // how many there are
	Percent float64 `json:"percent"` // the share, in percent
}

// TacticShare is a share of one tactic.
type TacticShare struct {
	ID   string `json:"id"`   // its id
	Name string `json:"name"` // its name
	Share
}

// RuleCount is a technique and how many rules, alerts or cases name it.
type RuleCount struct {
	ID    string `json:"id"`    // its id
	Name  string `json:"name"`  // its name
	Count int    `json:"count"` // how many
}

// SeenTechniques is what was seen besides rules.
type SeenTechniques struct {
	// How many alerts or cases were looked at.
	Looked int `json:"looked"`
	// Whether there are more that were not.
	More       bool                   `json:"more"`
	Techniques attack.List[RuleCount] `json:"techniques"` // the techniques
}

// Bounds of a look at what was seen.
const (
	rulePage   = 100
	maxRules   = 100000
	seenAlerts = 1000
	seenCases  = 50
)

// tally counts techniques by their resolved id.
type tally struct {
	kb      *attack.KB
	counts  map[*attack.Technique]int
	tactics map[*attack.Tactic]int
	unknown map[string]bool
}

func newTally(kb *attack.KB) *tally {
	return &tally{kb, map[*attack.Technique]int{}, map[*attack.Tactic]int{}, map[string]bool{}}
}

// add counts each technique and tactic of one rule, alert or case once, and
// reports whether there was any id. An id of a later ATT&CK is unknown, and
// counts for the techniques whose place it took.
func (t *tally) add(ids []string) bool { return t.count(ids, 1) }

// count is add for several rules, alerts or cases at once.
func (t *tally) count(ids []string, times int) bool {
	techniques, tactics := map[*attack.Technique]bool{}, map[*attack.Tactic]bool{}
	for _, id := range ids {
		if technique, _, err := t.kb.Resolve(id); err == nil {
			techniques[technique] = true
			continue
		}
		if tactic, _, err := t.kb.ResolveTactic(id); err == nil {
			tactics[tactic] = true
			continue
		}
		t.unknown[id] = true
		for _, earlier := range t.kb.Earlier(id) {
			techniques[earlier] = true
		}
	}
	for technique := range techniques {
		t.counts[technique] += times
	}
	for tactic := range tactics {
		t.tactics[tactic] += times
	}
	return len(ids) > 0
}

// top lists those counted most.
func (t *tally) top(limit int) attack.List[RuleCount] {
	all := make([]RuleCount, 0, len(t.counts))
	for technique, n := range t.counts {
		all = append(all, RuleCount{technique.ID, technique.Name, n})
	}
	sorting.By(all, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.ID, b.ID))
	})
	return attack.List[RuleCount]{Total: len(all), Items: all[:min(limit, len(all))]}
}

// WazuhRuleCoverage says which techniques the rules that Wazuh has loaded name,
// over all pages, and on request which ones alerts and cases named.
//
// Wazuh: GET /rules. Indexer: POST wazuh-alerts-*/_search. TheHive: POST /api/v1/query
func (c *Client) WazuhRuleCoverage(ctx context.Context, in WazuhRuleCoverageInput) (*WazuhRuleCoverageOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	if c.wazuh == nil {
		return nil, errNoWazuh
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	domain := kb.Domains()[0]
	out := &WazuhRuleCoverageOutput{
		Denominator: "techniques and sub-techniques in force of " + string(domain), Tactics: []TacticShare{},
	}
	named := newTally(kb)
	parts := []part{{"wazuh", true, func() error {
		return c.eachRule(ctx, in, func(_ int, ids []string) {
			out.Rules++
			if named.add(ids) {
				out.Mapped++
			}
		})
	}}}
	if in.Alerts {
		parts = append(parts, part{"wazuh", true, func() (err error) {
			out.AlertsSeen, err = c.alertsSeen(ctx, kb, in.Limit)
			return err
		}})
	}
	if in.Cases {
		parts = append(parts, part{"thehive", c.hive != nil, func() (err error) {
			out.CasesSeen, err = c.casesSeen(ctx, kb, in.Limit)
			return err
		}})
	}
	platforms, errs := together(parts...)
	if errs[0] != nil {
		return nil, errs[0]
	}
	if out.Platforms = platforms; platforms[0].Status == Failed {
		platforms[0].Detail = "the rules were read, the alerts were not"
	}
	if out.Rules == 0 {
		out.Note = "no loaded rule matches, so that nothing is said of what Wazuh covers"
	}
	out.summarise(kb, domain, named, in.Limit)
	return out, nil
}

// eachRule reads the rules page by page and yields each rule once, with the ids that it names.
func (c *Client) eachRule(ctx context.Context, in WazuhRuleCoverageInput, yield func(rule int, ids []string)) error {
	seen := map[int]bool{}
	for offset := 0; offset <= maxRules; offset += rulePage {
		p, err := c.wazuh.ListRules(ctx, wazuh.ListRulesInput{Group: in.RuleGroup, Level: in.Level, Limit: rulePage, Offset: offset})
		if err != nil {
			return err
		}
		for _, r := range p.Rules {
			if !seen[r.ID] {
				seen[r.ID] = true
				yield(r.ID, r.MITRE)
			}
		}
		if !p.More || len(p.Rules) == 0 {
			return nil
		}
	}
	return nil
}

func (out *WazuhRuleCoverageOutput) summarise(kb *attack.KB, domain attack.Domain, named *tally, limit int) {
	covered := func(t *attack.Technique) bool { return named.counts[t] > 0 }
	var gaps []attack.Gap
	for t := range kb.Techniques() {
		if t.Domain() != domain {
			continue
		}
		out.Total++
		if covered(t) {
			out.Covered++
		} else {
			gaps = append(gaps, attack.Gap{ID: t.ID, Name: t.Name, Groups: len(t.Groups())})
		}
		if !t.Subtechnique {
			out.Parents.Total++
			if covered(t) || slices.ContainsFunc(t.Subtechniques(), covered) {
				out.Parents.Covered++
			}
		}
	}
	out.CoveragePercent = percent(out.Covered, out.Total)
	out.Parents.Percent = percent(out.Parents.Covered, out.Parents.Total)
	for _, ta := range kb.Tactics() {
		if ta.Domain() != domain {
			continue
		}
		row := TacticShare{ID: ta.ID, Name: ta.Name}
		for _, t := range ta.Techniques() {
			row.Total++
			if covered(t) {
				row.Covered++
			}
		}
		row.Percent = percent(row.Covered, row.Total)
		out.Tactics = append(out.Tactics, row)
	}
	sorting.Stable(gaps, func(a, b attack.Gap) int { return cmp.Compare(b.Groups, a.Groups) })
	out.Gaps = attack.List[attack.Gap]{Total: len(gaps), Items: gaps[:min(limit, len(gaps))]}
	out.Techniques = named.top(limit)
	for _, ta := range kb.Tactics() {
		if n := named.tactics[ta]; n > 0 {
			out.TacticsNamed = append(out.TacticsNamed, RuleCount{ta.ID, ta.Name, n})
		}
	}
	for id := range named.unknown {
		out.Unknown = append(out.Unknown, id)
	}
	slices.Sort(out.Unknown)
}

func percent(part, total int) float64 {
	if total == 0 {
		return 0
	}
	return math.Round(1000*float64(part)/float64(total)) / 10
}

// alertsSeen counts the techniques of the newest alerts.
func (c *Client) alertsSeen(ctx context.Context, kb *attack.KB, limit int) (*SeenTechniques, error) {
	out := &SeenTechniques{}
	named := newTally(kb)
	for a, err := range c.wazuh.Alerts(ctx, wazuh.GetAlertsInput{Limit: 100}) {
		if err != nil {
			return nil, err
		}
		if out.Looked == seenAlerts {
			out.More = true
			break
		}
		out.Looked++
		ids, _ := alertIDs(a)
		named.add(ids)
	}
	out.Techniques = named.top(limit)
	return out, nil
}

// casesSeen counts the techniques of the newest cases' procedures.
func (c *Client) casesSeen(ctx context.Context, kb *attack.KB, limit int) (*SeenTechniques, error) {
	page, err := c.hive.ListCases(ctx, thehive.ListCasesInput{Limit: seenCases})
	if err != nil {
		return nil, err
	}
	out := &SeenTechniques{Looked: len(page.Cases), More: page.More}
	named := newTally(kb)
	for _, cs := range page.Cases {
		procedures, err := c.procedures(ctx, cs.ID)
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, p := range procedures {
			if p.PatternID != "" {
				ids = append(ids, p.PatternID)
			}
		}
		named.add(ids)
	}
	out.Techniques = named.top(limit)
	return out, nil
}
