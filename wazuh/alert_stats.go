package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
)

// AlertKey is what alerts are counted by.
type AlertKey string

// Enum lists the values for schemas.
func (AlertKey) Enum() []any {
	return []any{"level", "rule", "rule_group", "agent", "technique", "tactic", "source_ip", "destination_ip", "user", "decoder", "location",
		"host", "process", "command", "path", "hash", "url", "domain", "dns_query", "service", "action", "outcome", "country", "threat", "cve"}
}

// alertKey is where a key stands in an alert: its fields, and the field that names it.
type alertKey struct {
	fields []string
	name   string
}

// field returns the fields behind k.
func (k AlertKey) field() (alertKey, bool) {
	switch k {
	case "level":
		return alertKey{[]string{"rule.level", "wazuh.rule.level"}, ""}, true
	case "rule":
		return alertKey{[]string{"rule.id", "wazuh.rule.id"}, "rule.description"}, true
	case "rule_group":
		return alertKey{[]string{"rule.groups", "wazuh.rule.tags"}, ""}, true
	case "agent":
		return alertKey{[]string{"agent.id", "wazuh.agent.id"}, "agent.name"}, true
	case "technique":
		return alertKey{[]string{"rule.mitre.id", "threat.technique.id"}, ""}, true
	case "tactic":
		return alertKey{[]string{"rule.mitre.tactic", "threat.tactic.name"}, ""}, true
	case "decoder":
		return alertKey{[]string{"decoder.name"}, ""}, true
	case "location":
		return alertKey{[]string{"location", "log.file.path"}, ""}, true
	case "user":
		return alertKey{users(), ""}, true
	}
	if !slices.Contains(AlertKey("").Enum(), any(string(k))) {
		return alertKey{}, false
	}
	return alertKey{tellers(Meaning(k)), ""}, true
}

// GetAlertStatsInput is the input of [Client.GetAlertStats].
type GetAlertStatsInput struct {
	// Each on its own. Default: level, rule, agent, technique, source_ip.
	GroupBy []AlertKey `json:"group_by,omitempty" alias:"by" maxItems:"6"`
	// Also count over time in such steps: 5m, 1h, 1d.
	Interval string `json:"interval,omitempty" pattern:"^[0-9]{1,4}[mhd]$"`
	// Most frequent values of each.
	Top int `json:"top,omitempty" minimum:"1" maximum:"100"`
	AlertFilter
}

// SetDefaults fills the fields left at zero.
func (in *GetAlertStatsInput) SetDefaults() {
	if len(in.GroupBy) == 0 {
		in.GroupBy = []AlertKey{"level", "rule", "agent", "technique", "source_ip"}
	}
	if in.Top == 0 {
		in.Top = 10
	}
	if in.StartTime == "" && in.EndTime == "" {
		in.StartTime = "24h"
	}
}

// A Count is how many alerts have a value.
type Count struct {
	Value string `json:"value" untrusted:"true"` // its value
	// What the value stands for: a rule's description, an agent's name.
	Name  string `json:"name,omitempty" untrusted:"true"`
	Count int    `json:"count"` // how many
}

// Counts are the most frequent values of a field.
type Counts struct {
	By AlertKey `json:"by"` // what was counted by
	// Where it stands; several fields when modules and decoders differ. An alert that has the value in two of
	// them is counted twice.
	Field  string  `json:"field"`
	Values []Count `json:"values"` // how many of each
	// How many alerts have values that are not listed.
	Others int `json:"others"`
	// By how much a count may be too low, since shards count on their own.
	Error int `json:"error_bound,omitempty"`
}

// A Moment is how many alerts there were within one step.
type Moment struct {
	// When the step begins.
	Time  time.Time `json:"time"`
	Count int       `json:"count"` // how many
}

// AlertStats are alerts, counted.
type AlertStats struct {
	// How many alerts match in all.
	Total    int       `json:"total"`
	From     time.Time `json:"from,omitzero"`       // the start of the time looked at
	Until    time.Time `json:"until,omitzero"`      // the end of the time looked at
	Counts   []Counts  `json:"counts"`              // how many, by what was asked for
	OverTime []Moment  `json:"over_time,omitempty"` // how many in each step of time
	// What a filter was taken for, and what this Wazuh doesn't have.
	Note string `json:"note,omitempty"`
	// Why alerts may be missing from these counts; absent when none are.
	Incomplete string `json:"incomplete,omitempty"`
	// Where the words were not looked for; absent when everywhere.
	NotSearched string `json:"not_searched,omitempty" untrusted:"true"`
}

const maxSteps = 1000

// GetAlertStats counts alerts by level, rule, agent and so on, and over time.
// The indexer does the counting: no alert travels. Without a time it counts the
// last day.
//
// Wazuh indexer: POST /wazuh-alerts-*/_search, in Wazuh 5 /wazuh-findings-v5-*/_search
func (c *Client) GetAlertStats(ctx context.Context, in GetAlertStatsInput) (*AlertStats, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	now := time.Now().Truncate(time.Millisecond)
	if in.Top < 1 || in.Top > 100 {
		return nil, invalid("top %d: want 1 to 100", in.Top)
	}
	var q alertQuery
	filter, err := c.filtered(ctx, &q, &in.AlertFilter, now, alike)
	if err != nil {
		return nil, err
	}
	out := &AlertStats{Counts: []Counts{}, From: q.asked.from, Until: q.asked.until, Note: q.asked.note, NotSearched: q.missed}
	aggs := clause{}
	if in.Interval != "" {
		if err := in.checkInterval(out.From, out.Until, now); err != nil {
			return nil, err
		}
		steps := clause{"field": timeField, "fixed_interval": in.Interval, "min_doc_count": 0}
		if c.zone != time.UTC { // days begin where the operator is
			steps["time_zone"] = c.zone.String()
			if in.Interval == "1d" {
				delete(steps, "fixed_interval")
				steps["calendar_interval"] = "1d"
			}
		}
		aggs["time"] = clause{"date_histogram": steps}
	}
	var nested nestings
	for _, by := range in.GroupBy {
		if key, _ := by.field(); slices.ContainsFunc(key.fields, func(f string) bool { return templateNestings.over(f) != "" }) {
			nested = c.fields(ctx, q.index).nested
			break
		}
	}
	for _, by := range in.GroupBy {
		key, ok := by.field()
		if !ok {
			return nil, invalid("group_by: %q is none of %v", clip.Text(string(by), shownBytes), AlertKey("").Enum())
		}
		top := in.Top
		if len(key.fields) > 2 {
			top = max(50, 5*top) // their counts are added up, for which more of each must be known
		}
		for i, field := range key.fields {
			a := clause{"terms": clause{"field": field, "size": top}}
			if key.name != "" {
				a["aggs"] = clause{"name": clause{"terms": clause{"field": key.name, "size": 1}}}
			}
			if path := nested.over(field); path != "" {
				a["aggs"] = clause{"alerts": clause{"reverse_nested": clause{}}}
				a = clause{"nested": clause{"path": path}, "aggs": clause{"below": a}}
			}
			aggs[fmt.Sprintf("%s_%d", by, i)] = a
		}
	}
	s, err := newSearch(filter, 0, 0, nil)
	if err != nil {
		return nil, err
	}
	if s.Aggs, err = raw(aggs); err != nil {
		return nil, err
	}
	f, err := c.searchAlerts(ctx, q.index, *s)
	if err != nil {
		return nil, err
	}
	if f.Hits.Total != nil {
		out.Total = f.Hits.Total.Value
	}
	if out.Total == 0 {
		out.Note = c.explain(ctx, &in.AlertFilter, out.Note)
	}
	if out.Incomplete = incomplete(f, q.index); q.five {
		out.Incomplete = notOf4(out.Incomplete, true)
	}
	return out, out.read(f, in.GroupBy, in.Top, c.zone)
}

func (in *GetAlertStatsInput) checkInterval(from, until, now time.Time) error {
	step, err := When(in.Interval).time("interval", now, time.UTC)
	if err != nil || !step.Before(now) {
		return invalid("interval %q: want a length such as 5m, 1h or 1d", clip.Text(in.Interval, shownBytes))
	}
	if until.IsZero() {
		until = now
	}
	if from.IsZero() {
		return invalid("interval: start_time must be given too")
	}
	if n := until.Sub(from) / now.Sub(step); n > maxSteps {
		return invalid("interval %s makes %d steps, at most %d are counted; take a longer one", in.Interval, n, maxSteps)
	}
	return nil
}

type buckets struct {
	Error   int `json:"doc_count_error_upper_bound"`
	Others  int `json:"sum_other_doc_count"`
	Buckets []struct {
		Key   Text     `json:"key"`
		Count int      `json:"doc_count"`
		Name  *buckets `json:"name"`
		// How many alerts they are of, where each alert can have several.
		Alerts *struct {
			Count int `json:"doc_count"`
		} `json:"alerts"`
	} `json:"buckets"`
	Below *buckets `json:"below"` // of documents within alerts
}

// read takes in what the indexer counted: the top values of each key, and the
// steps in their zone.
func (s *AlertStats) read(f *indexer.Found, keys []AlertKey, top int, zone *time.Location) error {
	var counted map[string]buckets
	if len(f.Aggregations) == 0 { // no index, no counts
		return nil
	}
	if err := json.Unmarshal(f.Aggregations, &counted); err != nil {
		return fmt.Errorf("wazuh: the indexer's counts cannot be read: %w", err)
	}
	for _, by := range keys {
		key, _ := by.field()
		c := Counts{By: by, Values: []Count{}}
		at := map[string]int{}
		for i, field := range key.fields {
			b := counted[fmt.Sprintf("%s_%d", by, i)]
			if b.Below != nil {
				b = *b.Below
			}
			if len(b.Buckets) == 0 {
				continue
			}
			c.Field = strings.TrimPrefix(c.Field+", "+field, ", ")
			c.Others, c.Error = c.Others+b.Others, c.Error+b.Error
			for _, x := range b.Buckets {
				v := string(x.Key)
				if len(key.fields) > 2 {
					v = plainly(Meaning(by), escapes(field), v)
				}
				if v == "" { // what says nothing of it
					continue
				}
				n, have := at[v]
				if !have {
					n = len(c.Values)
					at[v] = n
					c.Values = append(c.Values, Count{Value: v})
				}
				if x.Alerts != nil {
					x.Count = x.Alerts.Count
				}
				c.Values[n].Count += x.Count
				if x.Name != nil && len(x.Name.Buckets) > 0 {
					c.Values[n].Name = string(x.Name.Buckets[0].Key)
				}
			}
		}
		if c.Field == "" {
			c.Field = key.fields[0]
		}
		sorting.Stable(c.Values, func(a, b Count) int { return b.Count - a.Count })
		for len(c.Values) > top {
			last := len(c.Values) - 1
			c.Others += c.Values[last].Count
			c.Values = c.Values[:last]
		}
		s.Counts = append(s.Counts, c)
	}
	for _, x := range counted["time"].Buckets {
		var ms Int
		if err := ms.UnmarshalJSON([]byte(x.Key)); err != nil {
			return fmt.Errorf("wazuh: the indexer's counts over time cannot be read: %w", err)
		}
		at := time.UnixMilli(int64(ms)).UTC()
		if at.Year() < 1 || at.Year() > 9999 {
			return fmt.Errorf("wazuh: the indexer's counts over time cannot be read: %d is no time", ms)
		}
		s.OverTime = append(s.OverTime, Moment{Time: at.In(zone), Count: x.Count})
	}
	return nil
}
