package wazuh

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// ApplyTuningInput is the input of [Client.ApplyTuning].
type ApplyTuningInput struct {
	Tuning
	// All alerts of the rule, without conditions.
	WholeRule bool `json:"whole_rule,omitempty"`
	// Why they are noise; it stays in the rule file.
	Reason string `json:"reason" minLength:"5" maxLength:"300"`
	// Day to look at it again, as 2026-01-31.
	Expires string `json:"expires" time:"until" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`
	// As in the preview.
	Days int `json:"days,omitempty" minimum:"1" maximum:"90" default:"30"`
	// As in the preview.
	MeasuredUntil string `json:"measured_until" time:"instant"`
	// As in the preview.
	FileSHA256 string `json:"file_sha256,omitempty" maxLength:"64"`
	// For the manager to come back.
	WaitSeconds int `json:"wait_seconds,omitempty" minimum:"1" maximum:"600" default:"120"`
}

// Validate refuses a tuning without a reason or an end, and one of a whole rule by mistake.
func (in *ApplyTuningInput) Validate() error {
	if _, err := in.Tuning.check(); err != nil {
		return err
	}
	switch {
	case len(in.Conditions) == 0 && !in.WholeRule:
		return invalid("conditions are needed; whole_rule takes all alerts of the rule")
	case len(in.Conditions) > 0 && in.WholeRule:
		return invalid("whole_rule and conditions exclude each other")
	case len(inert(in.Reason)) < 5:
		return invalid("reason: say why these alerts are noise, in words")
	}
	now := time.Now()
	day, err := time.Parse(time.DateOnly, in.Expires)
	if err != nil || day.Before(now.AddDate(0, 0, -1)) || day.After(now.AddDate(1, 0, 1)) {
		return invalid("expires %q: want a day within a year, as 2026-01-31", clip.Text(in.Expires, shownBytes))
	}
	until, err := time.Parse(time.RFC3339, in.MeasuredUntil)
	if err != nil || until.Before(now.AddDate(0, 0, -2)) || until.After(now.Add(2*time.Minute)) {
		return invalid("measured_until %q: want the time from the preview, within two days", clip.Text(in.MeasuredUntil, shownBytes))
	}
	return nil
}

// A TuningDone is a change of the manager's rules that was made, and proven.
type TuningDone struct {
	// The number of its rule; wazuh_revert_tuning takes it.
	TuningID int    `json:"tuning_id"`
	File     string `json:"file"` // the file of rules that holds it
	// Of the rule file as it is now; absent if it is gone.
	SHA256 string `json:"sha256"`
	// Whether the manager was restarted, as it can't reload its rules.
	ByRestart bool `json:"by_restart,omitempty"`
	// How many events logtest showed to be as they should be.
	Proven int `json:"proven"`
	// What could not be tried.
	NotProven string       `json:"not_proven,omitempty"`
	Steps     []TuningStep `json:"steps"`          // what was done, in order
	Undo      string       `json:"undo,omitempty"` // how to take it back
	// Of a cluster: the nodes that loaded it.
	LoadedNodes []string `json:"nodes,omitempty"`
}

// a plannedTuning is a tuning made up: what would be in the file, and what is known of it.
type plannedTuning struct {
	preview  *TunePreview
	measured *tuneMeasure
	rule     *Rule
	id       int
	old      string
	was      bool
	restarts bool
	nodes    []string
}

// makeUp reads what a tuning is about.
func (c *Client) makeUp(ctx context.Context, in *ApplyTuningInput) (*plannedTuning, error) {
	if err := c.tunable(ctx); err != nil {
		return nil, err
	}
	until, _ := time.Parse(time.RFC3339, in.MeasuredUntil)
	rule, err := c.GetRule(ctx, GetRuleInput{RuleID: in.RuleID})
	if err != nil {
		return nil, err
	}
	p := &plannedTuning{}
	if p.old, p.was, err = c.tuningFile(ctx); err != nil {
		return nil, err
	}
	if have := textHash(p.old, p.was); in.FileSHA256 != "" && in.FileSHA256 != have {
		return nil, fmt.Errorf("%w: etc/rules/%s is %s, and was %s in the preview; make a new one", ErrFileChanged, TuningFile, have[:min(12, len(have))], in.FileSHA256[:min(12, len(in.FileSHA256))])
	}
	if p.id, err = c.freeNumber(ctx, p.old); err != nil {
		return nil, err
	}
	m := &tuneMeasure{client: c, tuning: in.Tuning, days: in.Days, until: until.UTC()}
	p.measured, p.rule = m, rule
	if p.preview, err = m.measure(ctx, rule); err != nil {
		return nil, err
	}
	if p.restarts, p.nodes, err = c.loading(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// tuningFile reads the file that tunings are in.
func (c *Client) tuningFile(ctx context.Context) (text string, there bool, err error) {
	text, there, err = c.ruleFile(ctx, TuningFile)
	if err == nil && there && text == "" {
		err = invalid("etc/rules/%s on the manager is empty, which its API couldn't put back: delete it first", TuningFile)
	}
	return text, there, err
}

// loading says how rules are taken into use here: by a restart or not, on which nodes.
func (c *Client) loading(ctx context.Context) (restarts bool, nodes []string, err error) {
	if nodes, err = c.nodes(ctx); err != nil {
		return false, nil, err
	}
	_, restarts, err = c.before4(ctx, 14)
	return restarts, nodes, err
}

// freeNumber finds the first number of ours that no rule has.
func (c *Client) freeNumber(ctx context.Context, file string) (int, error) {
	used := map[int]bool{}
	tunings, _ := tuningsIn(file)
	for _, t := range tunings {
		used[t.id] = true
	}
	q := fmt.Sprintf("id>%d;id<%d", firstTuning-1, lastTuning+1)
	r, err := list[*Rule](c.wire.ListRules(withSession(ctx), wire.ListRulesParams{Q: q, Limit: lastTuning - firstTuning + 1, Select: []string{"id", "filename"}}))
	if err != nil {
		return 0, err
	}
	for _, x := range r.items {
		// The list can be older than the file, which was read.
		if x != nil && (x.Filename != TuningFile || strings.Contains(file, fmt.Sprintf(`id="%d"`, x.ID))) {
			used[x.ID] = true
		}
	}
	for id := firstTuning; id <= lastTuning; id++ {
		if !used[id] {
			return id, nil
		}
	}
	return 0, fmt.Errorf("wazuh: all numbers from %d to %d are used by rules: revert tunings that expired", firstTuning, lastTuning)
}

// diff is the change of the file as an approver sees it.
func (p *plannedTuning) diff(in *ApplyTuningInput) []gate.Change {
	note := tuningNote{id: p.id, proposal: proposalBlank, by: approverBlank, on: dayBlank, until: in.Expires, reason: reasonBlank}
	return diffChanges(p.old, withBlock(p.old, note.block(&in.Tuning, p.rule)))
}

// asApproved refuses to go on if the change of the file isn't the one that was approved.
func asApproved(ctx context.Context, diff []gate.Change) error {
	p := gate.Executing(ctx)
	if p == nil {
		return nil
	}
	seen := slices.DeleteFunc(slices.Clone(p.Plan.Changes), func(c gate.Change) bool { return c.Field != diffField })
	if !slices.Equal(seen, diff) {
		return fmt.Errorf("%w: it is not the one in the diff that was approved", ErrFileChanged)
	}
	return nil
}

// planApplyTuning shows the file's diff, the figures and what loading interrupts.
func (c *Client) planApplyTuning(ctx context.Context, in ApplyTuningInput) (gate.Plan, error) {
	p, err := c.makeUp(ctx, &in)
	if err != nil {
		return gate.Plan{}, err
	}
	what := "Silence"
	if in.Level > 0 {
		what = fmt.Sprintf("Take to level %d", in.Level)
	}
	s, k := &p.preview.Silenced, &p.preview.Kept
	plan := gate.Plan{
		Summary: fmt.Sprintf("%s alerts of Wazuh rule %d (%s) by a rule of its own.", what, p.preview.Rule.ID, p.preview.Rule.Description),
		Targets: []gate.Target{{Kind: "rule file", ID: "etc/rules/" + TuningFile, Version: "sha256 " + textHash(p.old, p.was)}},
		Undo:    fmt.Sprintf("wazuh_revert_tuning with tuning_id %d takes exactly this rule out again.", p.id),
		Reverse: &gate.Call{Op: "wazuh_revert_tuning", Input: json.RawMessage(fmt.Sprintf(`{"tuning_id":%d}`, p.id))},
	}
	plan.Changes = append(p.diff(&in),
		gate.Set("SHA-256 of the rule file as it is now", textHash(p.old, p.was)),
		gate.Set(fmt.Sprintf("alerts hidden, of %d days", in.Days), fmt.Sprintf("%d of %d%s", s.Alerts, p.preview.Total, from(s))),
		gate.Set("alerts kept", fmt.Sprintf("%d%s", k.Alerts, from(k))),
		gate.Set("to be proven by logtest", fmt.Sprintf("%d events that must fall silent, %d that must still alert", len(p.measured.hidden), len(p.measured.kept))))
	if len(p.preview.AlsoFires) > 0 {
		var names []string
		for _, x := range p.preview.AlsoFires[:min(5, len(p.preview.AlsoFires))] {
			names = append(names, fmt.Sprintf("%s %s (%d)", x.Value, x.Name, x.Count))
		}
		plan.Changes = append(plan.Changes, gate.Set("the same hosts and sources also raised", strings.Join(names, "; ")))
	}
	plan.Changes = append(plan.Changes, gate.Set("loading", loadingText(p.restarts, p.nodes)))
	plan.IfFails = ifLoadingFails(p.was, p.restarts, p.nodes)
	plan.Claims = []gate.Change{gate.Set("reason, as it stands in the file", inert(in.Reason))}
	plan.Warnings = append(slices.Clone(p.preview.Warnings), fmt.Sprintf("In the diff %s, %s, %s and %s stand for this proposal, who approves it, the day on which it is carried out and the agent's reason.", proposalBlank, approverBlank, dayBlank, reasonBlank))
	if len(p.measured.hidden) == 0 {
		return plan, invalid("none of the silenced alerts holds an event that logtest could be given: it couldn't be proven; write the rule by hand")
	}
	return plan, nil
}

const diffField = "diff"

// diffChanges are the lines of a diff, one below the other as an approver reads them.
func diffChanges(before, after string) (list []gate.Change) {
	for _, line := range unified("etc/rules/"+TuningFile, before, after) {
		list = append(list, gate.Set(diffField, line))
	}
	return list
}

func from(s *TuneShare) string {
	var parts []string
	for _, x := range []struct {
		what string
		list []Count
	}{{"hosts", s.Hosts}, {"users", s.Users}, {"sources", s.Sources}} {
		if len(x.list) == 0 {
			continue
		}
		var some []string
		for _, v := range x.list[:min(3, len(x.list))] {
			some = append(some, fmt.Sprintf("%s (%d)", cmp.Or(v.Name, v.Value), v.Count))
		}
		if n := len(x.list) - len(some); n > 0 {
			some = append(some, fmt.Sprintf("%d more", n))
		}
		parts = append(parts, x.what+" "+strings.Join(some, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + strings.Join(parts, "; ")
}

func loadingText(restarts bool, nodes []string) string {
	where := "the manager"
	if nodes != nil {
		where = "one node after the other: " + strings.Join(nodes, ", ")
	}
	if restarts {
		return "a RESTART of " + where + ": for some seconds no alert is raised and agents reconnect; events of agents wait"
	}
	return "a reload of the rules of " + where + ", without a restart; what rules have counted so far begins anew"
}

// ifLoadingFails says how the rule file is put back when a step fails.
func ifLoadingFails(was, restarts bool, nodes []string) string {
	back := "PUT /rules/files/" + TuningFile + " puts the old file back"
	if !was {
		back = "DELETE /rules/files/" + TuningFile + " takes the new file away again"
	}
	load := map[bool]string{false: "/analysisd/reload", true: "/restart"}[restarts]
	if nodes == nil {
		load = "/manager" + load
	} else {
		load = "/cluster" + load
	}
	return fmt.Sprintf("%s, if what stands there was written by this; and PUT %s loads it again, if it had come to that.", back, load)
}

// ApplyTuning adds a rule of its own to the manager that takes alerts of another one away, or to
// another level: it tries sample events, writes the rule file, validates, tries them again, loads
// the rules, waits and verifies. If a step fails the old file is put back, and the error, a
// [RulesetError], says which, what was done before, and how the rules stand now.
//
// Wazuh: GET, PUT /rules/files/{filename}; PUT /logtest; GET /manager/configuration/validation;
// PUT /manager/analysisd/reload, before 4.14 /manager/restart; of a cluster those of its nodes
func (c *Client) ApplyTuning(ctx context.Context, in ApplyTuningInput) (*TuningDone, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	c.tuning.Lock()
	defer c.tuning.Unlock()
	p, err := c.makeUp(ctx, &in)
	if err != nil {
		return nil, err
	}
	if err := asApproved(ctx, p.diff(&in)); err != nil {
		return nil, err
	}
	note := tuningNote{id: p.id, until: in.Expires, reason: in.Reason}
	note.sign(ctx)
	s := &rulesetChange{client: c, name: TuningFile, old: p.old, was: p.was, new: withBlock(p.old, note.block(&in.Tuning, p.rule)), wait: time.Duration(in.WaitSeconds) * time.Second}
	parent := strconv.Itoa(p.preview.Rule.ID)
	for _, e := range p.measured.hidden {
		s.before = append(s.before, expectation{sampleEvent: e, rule: parent})
		s.after = append(s.after, expectation{sampleEvent: e, rule: strconv.Itoa(p.id), silent: true, level: in.Level})
	}
	if len(s.before) == 0 {
		return nil, invalid("none of the silenced alerts holds an event that logtest could be given: it couldn't be proven; write the rule by hand")
	}
	for _, e := range p.measured.kept {
		s.before = append(s.before, expectation{sampleEvent: e, rule: parent})
		s.after = append(s.after, expectation{sampleEvent: e, rule: parent})
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	done := s.done(p.id, p.restarts, p.nodes)
	done.Undo = fmt.Sprintf("wazuh_revert_tuning with tuning_id %d", p.id)
	if p.preview.Kept.Alerts > 0 && !slices.ContainsFunc(s.after, func(e expectation) bool { return !e.silent }) {
		done.NotProven = "that others still alert: no kept alert holds an event that logtest could be given, or that it sees as it was"
	}
	return done, nil
}

// sign fills in which proposal a tuning comes from, who approved it, and the day.
func (n *tuningNote) sign(ctx context.Context) {
	n.proposal, n.by, n.on = "none", "nobody", time.Now().UTC().Format(time.DateOnly)
	if p := gate.Executing(ctx); p != nil {
		n.proposal, n.by = inert(p.ID), cmp.Or(inert(p.Approver), "the operator's settings")
	}
}

func (s *rulesetChange) done(id int, restarts bool, nodes []string) *TuningDone {
	return &TuningDone{TuningID: id, File: "etc/rules/" + s.name, SHA256: textHash(s.new, s.new != ""), ByRestart: restarts, Proven: len(s.after), Steps: s.steps, LoadedNodes: nodes}
}

// ListTuningsInput is the input of [Client.ListTunings].
type ListTuningsInput struct{}

// A TuningInForce is a tuning that stands in the rule file.
type TuningInForce struct {
	TuningID int `json:"tuning_id"` // the tuning
	Tuning
	Reason string `json:"reason" untrusted:"true"` // why
	// The proposal that it comes from.
	Proposal string `json:"proposal"`
	Approved string `json:"approved_by"` // who approved it
	// The day on which it was made.
	Since   string `json:"since"`
	Expires string `json:"expires"` // the day to look at it again
	// Whether that day is over: it is still in force, and due to be looked at.
	Expired bool `json:"expired,omitempty"`

	// Alerts of the rule since then that meet its conditions: a tuning that works leaves none.
	StillAlerting int `json:"still_alerting"`
	// Alerts at its own level since then.
	Lowered int `json:"lowered,omitempty"`
	// How many alerts a day it would have hidden in the two weeks before; what is silenced leaves no trace to
	// be counted.
	PerDayBefore float64 `json:"per_day_before"`
	// What that makes since then, about.
	HiddenAbout int `json:"hidden_about,omitempty"`
}

// A TuningList is what was silenced here.
type TuningList struct {
	// The oldest first.
	Tunings []*TuningInForce `json:"tunings"`
	File    string           `json:"file"`   // the file of rules that holds them
	SHA256  string           `json:"sha256"` // the SHA-256 of the content, in hex
	// What else is wrong with the file.
	Odd []string `json:"odd,omitempty" untrusted:"true"`
	// Changes of the file that run, or that were broken off: how they stand, and the way back.
	Unfinished []UnfinishedTuning `json:"unfinished,omitempty"`
	// Why the figures are missing or too low.
	Incomplete string `json:"incomplete,omitempty"`
}

// An UnfinishedTuning is a change of the rule file that runs, or whose outcome nobody knows.
type UnfinishedTuning struct {
	TuningID int    `json:"tuning_id"`                // the number of its rule
	Proposal string `json:"proposal"`                 // the proposal that it comes from
	Op       string `json:"op"`                       // the operation
	Summary  string `json:"summary" untrusted:"true"` // of its plan
	// running or unknown.
	State string    `json:"state"`
	Since time.Time `json:"since"` // since when it is so
	// Where it stopped, as the journal has it.
	Detail string `json:"detail" untrusted:"true"`
	// What is in the file now, and how to go back.
	Stands string `json:"stands"`
}

// unfinished are the changes of this Wazuh's tunings that run, or were broken off.
func (c *Client) unfinished(found []fileTuning) ([]UnfinishedTuning, error) {
	if c.guard == nil {
		return nil, nil
	}
	j, err := c.guard.Journal()
	if err != nil {
		return nil, err
	}
	open, err := j.Unsettled()
	if err != nil {
		return nil, err
	}
	var list []UnfinishedTuning
	for _, p := range open {
		if p.Upstream != c.upstream || p.Op != "wazuh_apply_tuning" && p.Op != "wazuh_revert_tuning" {
			continue
		}
		id := tuningOf(p)
		stands := fmt.Sprintf("The rule %d is not in the file, but the manager may still run with it: wazuh_revert_tuning with tuning_id %[1]d loads the file as it is.", id)
		if slices.ContainsFunc(found, func(t fileTuning) bool { return t.id == id }) {
			stands = fmt.Sprintf("The rule %d is in the file, and whether the manager runs with it is not known: wazuh_revert_tuning with tuning_id %[1]d takes it out and loads the file.", id)
		}
		if p.State == gate.StateUnknown {
			stands += fmt.Sprintf(" Then an operator settles %s.", p.ID)
		}
		list = append(list, UnfinishedTuning{id, p.ID, p.Op, p.Plan.Summary, string(p.State), p.Changed, p.Detail, stands})
	}
	return list, nil
}

// tuningOf is the number of the tuning that a proposal is about.
func tuningOf(p *gate.Proposal) int {
	for _, c := range p.Plan.Changes {
		if m := diffedRule.FindStringSubmatch(c.After); c.Field == diffField && m != nil {
			id, _ := strconv.Atoi(m[1])
			return id
		}
	}
	var in RevertTuningInput // of one that only loads the file
	_ = json.Unmarshal(p.Input, &in)
	return in.TuningID
}

var diffedRule = lazyregexp.New(`^[+-]<rule id="([0-9]{6})"`)

// ListTunings lists the tunings that are in the rule file: what, when, why, by whom it was
// approved, how much they hide, and which expired.
//
// Wazuh: GET /rules/files/{filename}. Wazuh indexer: POST /wazuh-alerts-*/_search
func (c *Client) ListTunings(ctx context.Context, _ ListTuningsInput) (*TuningList, error) {
	if err := c.only4(ctx, "rule files, in which tunings would be"); err != nil {
		return nil, err
	}
	if err := c.from4(ctx, 6, "rule files of a folder"); err != nil {
		return nil, err
	}
	file, there, err := c.ruleFile(ctx, TuningFile)
	if err != nil {
		return nil, err
	}
	found, odd := tuningsIn(file)
	out := &TuningList{Tunings: []*TuningInForce{}, File: "etc/rules/" + TuningFile, SHA256: textHash(file, there), Odd: odd}
	now := time.Now().UTC()
	for _, t := range found {
		out.Tunings = append(out.Tunings, &TuningInForce{TuningID: t.id, Tuning: t.Tuning, Reason: t.reason, Proposal: t.proposal, Approved: t.by, Since: t.on, Expires: t.until, Expired: t.expired(now)})
	}
	if out.Unfinished, err = c.unfinished(found); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return out, nil
	}
	if c.indexer == nil {
		out.Incomplete = ErrNoIndexer.Error()
		return out, nil
	}
	out.Incomplete, err = c.countTunings(ctx, out.Tunings, now)
	if err != nil {
		out.Incomplete = "the alerts were not counted: " + err.Error()
	}
	return out, nil
}

const beforeDays = 14

// countTunings counts, in one question, what tunings hide.
func (c *Client) countTunings(ctx context.Context, tunings []*TuningInForce, now time.Time) (string, error) {
	filters := clause{}
	for i, t := range tunings {
		since, err := time.Parse(time.DateOnly, t.Since)
		if err != nil {
			continue
		}
		after, _ := between(since.AddDate(0, 0, 1), now.Add(time.Minute))
		if !since.AddDate(0, 0, 1).Before(now) {
			after, _ = between(now.Add(-time.Second), now.Add(time.Minute))
		}
		before, _ := between(since.AddDate(0, 0, -beforeDays), since)
		id, _ := t.RuleID.number()
		like := append(t.clauses(), term("rule.id", id))
		filters[fmt.Sprintf("after%d", i)] = clause{"bool": clause{"filter": append(slices.Clone(like), after)}}
		filters[fmt.Sprintf("before%d", i)] = clause{"bool": clause{"filter": append(slices.Clone(like), before)}}
		filters[fmt.Sprintf("own%d", i)] = term("rule.id", strconv.Itoa(t.TuningID))
	}
	found, err := c.tuningSearch(ctx, nil, 0, nil, clause{"tunings": clause{"filters": clause{"filters": filters}}})
	if err != nil {
		return "", err
	}
	var counted struct {
		Tunings struct {
			Buckets map[string]struct {
				Count int `json:"doc_count"`
			} `json:"buckets"`
		} `json:"tunings"`
	}
	if len(found.Aggregations) > 0 {
		if err := json.Unmarshal(found.Aggregations, &counted); err != nil {
			return "", fmt.Errorf("wazuh: the indexer's counts cannot be read: %w", err)
		}
	}
	n := func(name string, i int) int { return counted.Tunings.Buckets[fmt.Sprintf("%s%d", name, i)].Count }
	for i, t := range tunings {
		since, err := time.Parse(time.DateOnly, t.Since)
		if err != nil {
			continue
		}
		t.StillAlerting, t.Lowered = n("after", i), n("own", i)
		t.PerDayBefore = float64(n("before", i)*10/beforeDays) / 10
		t.HiddenAbout = int(float64(n("before", i)) / beforeDays * now.Sub(since).Hours() / 24)
	}
	return incomplete(found, alertIndex), nil
}

// RevertTuningInput is the input of [Client.RevertTuning].
type RevertTuningInput struct {
	// As wazuh_list_tunings has it.
	TuningID int `json:"tuning_id" alias:"id" minimum:"119000" maximum:"119999"`
	// Why, for whoever approves.
	Reason string `json:"reason,omitempty" maxLength:"300"`
	// For the manager to come back.
	WaitSeconds int `json:"wait_seconds,omitempty" minimum:"1" maximum:"600" default:"120"`
}

// A reverting is a tuning that is to be taken out of the file. t is nil if it isn't in it, but
// a change of it was broken off, as why says: then the file is only loaded.
type reverting struct {
	file string
	was  bool
	t    *fileTuning
	why  string
}

// without is the file as it is to be.
func (r *reverting) without() string {
	if r.t == nil {
		return r.file
	}
	return r.t.without(r.file)
}

// diff is what an approver sees of that.
func (r *reverting) diff() []gate.Change {
	if r.t == nil {
		return nil
	}
	return diffChanges(r.file, r.without())
}

// reverting reads the file and finds the one tuning in it.
func (c *Client) reverting(ctx context.Context, in *RevertTuningInput) (*reverting, error) {
	if err := c.tunable(ctx); err != nil {
		return nil, err
	}
	r := &reverting{}
	var err error
	if r.file, r.was, err = c.tuningFile(ctx); err != nil {
		return nil, err
	}
	found, odd := tuningsIn(r.file)
	for i := range found {
		if found[i].id == in.TuningID {
			r.t = &found[i]
			break
		}
	}
	if slices.ContainsFunc(odd, func(s string) bool {
		return strings.Contains(s, fmt.Sprintf("tuning %d stands there twice", in.TuningID))
	}) {
		return nil, invalid("etc/rules/%s has the tuning %d twice: somebody changed the file by hand, and must again", TuningFile, in.TuningID)
	}
	if r.t != nil {
		return r, nil
	}
	broken, err := c.unfinished(found)
	if err != nil {
		return nil, err
	}
	for _, u := range broken {
		if u.State == string(gate.StateUnknown) && u.TuningID == in.TuningID {
			r.why = u.Proposal + ": " + u.Detail
			return r, nil
		}
	}
	why := ""
	if len(odd) > 0 {
		why = "; " + strings.Join(odd, "; ")
	}
	return nil, fmt.Errorf("%w: etc/rules/%s has no tuning %d%s", ErrNotFound, TuningFile, in.TuningID, oneLine(why))
}

func (c *Client) planRevertTuning(ctx context.Context, in RevertTuningInput) (gate.Plan, error) {
	r, err := c.reverting(ctx, &in)
	if err != nil {
		return gate.Plan{}, err
	}
	restarts, nodes, err := c.loading(ctx)
	if err != nil {
		return gate.Plan{}, err
	}
	sum := textHash(r.file, r.was)
	plan := gate.Plan{Targets: []gate.Target{{Kind: "rule file", ID: "etc/rules/" + TuningFile, Version: "sha256 " + sum}}, Changes: r.diff()}
	if r.t != nil {
		plan.Summary = fmt.Sprintf("Revert the Wazuh tuning %d: alerts of rule %s are raised again.", r.t.id, r.t.RuleID)
		plan.Undo = "wazuh_apply_tuning with the same rule and conditions."
	} else {
		plan.Summary = fmt.Sprintf("Load the Wazuh rules as they are in the file, in which tuning %d is not.", in.TuningID)
		plan.Warnings = []string{"A change of that tuning was broken off, " + r.why}
		plan.Undo = "Nothing is changed in the file."
	}
	plan.Changes = append(plan.Changes, gate.Set("SHA-256 of the rule file as it is now", sum), gate.Set("loading", loadingText(restarts, nodes)))
	plan.IfFails = ifLoadingFails(r.was, restarts, nodes)
	if in.Reason != "" {
		plan.Claims = []gate.Change{gate.Set("reason", in.Reason)}
	}
	return plan, nil
}

// RevertTuning takes exactly one tuning out of the rule file, by the same steps as
// [Client.ApplyTuning] and with the same way back. If it isn't there because a change of it was
// broken off, the manager loads the file as it is.
//
// Wazuh: as ApplyTuning; DELETE /rules/files/{filename} if nothing is left in the file
func (c *Client) RevertTuning(ctx context.Context, in RevertTuningInput) (*TuningDone, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	c.tuning.Lock()
	defer c.tuning.Unlock()
	r, err := c.reverting(ctx, &in)
	if err != nil {
		return nil, err
	}
	restarts, nodes, err := c.loading(ctx)
	if err != nil {
		return nil, err
	}
	s := &rulesetChange{client: c, name: TuningFile, old: r.file, was: r.was, new: r.without(), wait: time.Duration(in.WaitSeconds) * time.Second, anyway: true}
	var samples []sampleEvent
	if err := asApproved(ctx, r.diff()); err != nil {
		return nil, err
	}
	if r.t != nil {
		if samples, err = c.hiddenBy(ctx, r.t); err != nil {
			return nil, err
		}
	}
	for _, e := range samples {
		s.before = append(s.before, expectation{sampleEvent: e, rule: strconv.Itoa(r.t.id), silent: true, level: r.t.Level})
		s.after = append(s.after, expectation{sampleEvent: e, not: strconv.Itoa(r.t.id)}) // others may have a say in it now
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	done := s.done(in.TuningID, restarts, nodes)
	if len(s.after) == 0 {
		done.NotProven = "there is no alert from before the tuning whose event logtest could be given, or that it hides"
	}
	return done, nil
}

// hiddenBy returns events that a tuning hides, of alerts from before it.
func (c *Client) hiddenBy(ctx context.Context, t *fileTuning) ([]sampleEvent, error) {
	id, err := t.RuleID.number()
	if err != nil {
		return nil, err
	}
	f, err := c.tuningSearch(ctx, append(t.clauses(), term("rule.id", id)), maxShown, nil, nil)
	if err != nil {
		return nil, err
	}
	var list []sampleEvent
	for _, h := range f.Hits.Hits {
		if e, ok := replayable(h); ok {
			list = append(list, e)
		}
	}
	return list, nil
}
