package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
)

// AlertKey is what alerts are counted by.
type AlertKey string

// Enum lists the values for schemas.
func (AlertKey) Enum() []any {
	return []any{"level", "rule", "rule_group", "agent", "technique", "tactic", "source_ip", "destination_ip", "user", "decoder", "location"}
}

// alertKeys are the fields behind each key, and the field that names it. Where
// decoders differ, an alert is counted under each field that it has.
var alertKeys = map[AlertKey]struct {
	fields []string
	name   string
}{
	"level": {[]string{"rule.level"}, ""}, "rule": {[]string{"rule.id"}, "rule.description"}, "rule_group": {[]string{"rule.groups"}, ""},
	"agent": {[]string{"agent.id"}, "agent.name"}, "technique": {[]string{"rule.mitre.id"}, ""}, "tactic": {[]string{"rule.mitre.tactic"}, ""},
	"source_ip": {sources, ""}, "destination_ip": {destinations, ""},
	"user":    {[]string{"data.dstuser", "data.srcuser", "data.win.eventdata.targetUserName", "user.name"}, ""},
	"decoder": {[]string{"decoder.name"}, ""}, "location": {[]string{"location"}, ""},
}

// GetAlertStatsInput is the input of [Client.GetAlertStats].
type GetAlertStatsInput struct {
	GroupBy  []AlertKey `json:"group_by,omitempty" jsonschema:"What to count by, each on its own. Left out: level, rule, agent, technique and source_ip." alias:"by" maxItems:"6"`
	Interval string     `json:"interval,omitempty" jsonschema:"Also count over time, in steps of this length, such as 5m, 1h or 1d." pattern:"^[0-9]{1,4}[mhd]$"`
	Top      int        `json:"top,omitempty" jsonschema:"How many of the most frequent values to return of each." minimum:"1" maximum:"100"`
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
	Value string `json:"value" untrusted:"true"`
	Name  string `json:"name,omitempty" jsonschema:"What the value stands for: a rule's description, an agent's name." untrusted:"true"`
	Count int    `json:"count"`
}

// Counts are the most frequent values of a field.
type Counts struct {
	By     AlertKey `json:"by"`
	Field  string   `json:"field"`
	Values []Count  `json:"values"`
	Others int      `json:"others" jsonschema:"How many alerts have values that are not listed."`
	Error  int      `json:"error_bound,omitempty" jsonschema:"By how much a count may be too low, since shards count on their own."`
}

// A Moment is how many alerts there were within one step.
type Moment struct {
	Time  time.Time `json:"time" jsonschema:"When the step begins."`
	Count int       `json:"count"`
}

// AlertStats are alerts, counted.
type AlertStats struct {
	Total      int       `json:"total" jsonschema:"How many alerts match in all."`
	From       time.Time `json:"from,omitzero"`
	Until      time.Time `json:"until,omitzero"`
	Counts     []Counts  `json:"counts"`
	OverTime   []Moment  `json:"over_time,omitempty"`
	Incomplete string    `json:"incomplete,omitempty" jsonschema:"Why alerts may be missing from these counts; absent when none are."`
}

const maxSteps = 1000

// GetAlertStats counts alerts by level, rule, agent and so on, and over time.
// The indexer does the counting: no alert travels. Without a time it counts the
// last day.
//
// Wazuh indexer: POST /wazuh-alerts-*/_search, in Wazuh 5 /wazuh-findings-v5-*/_search
func (c *Client) GetAlertStats(ctx context.Context, in GetAlertStatsInput) (*AlertStats, error) {
	in.SetDefaults()
	now := time.Now().Truncate(time.Millisecond)
	filter, err := in.clauses(now)
	if err != nil {
		return nil, err
	}
	out := &AlertStats{Counts: []Counts{}}
	if out.From, err = in.StartTime.time("start_time", now); err != nil {
		return nil, err
	}
	if out.Until, err = in.EndTime.time("end_time", now); err != nil {
		return nil, err
	}
	if in.Top < 1 || in.Top > 100 {
		return nil, invalid("top %d: want 1 to 100", in.Top)
	}
	aggs := clause{}
	if in.Interval != "" {
		if err := in.checkInterval(out.From, out.Until, now); err != nil {
			return nil, err
		}
		aggs["time"] = clause{"date_histogram": clause{"field": timeField, "fixed_interval": in.Interval, "min_doc_count": 0}}
	}
	for _, by := range in.GroupBy {
		key, ok := alertKeys[by]
		if !ok {
			return nil, invalid("group_by: %q is none of %v", clip(string(by)), AlertKey("").Enum())
		}
		for i, field := range key.fields {
			a := clause{"terms": clause{"field": field, "size": in.Top}}
			if key.name != "" {
				a["aggs"] = clause{"name": clause{"terms": clause{"field": key.name, "size": 1}}}
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
	index, err := c.alertIndex(ctx)
	if err != nil {
		return nil, err
	}
	f, err := c.searchAlerts(ctx, index, *s)
	if err != nil {
		return nil, err
	}
	if f.Hits.Total != nil {
		out.Total = f.Hits.Total.Value
	}
	if out.Incomplete = incomplete(f, index); index == findingIndex {
		out.Incomplete = notOf4(out.Incomplete, true)
	}
	return out, out.read(f, in.GroupBy)
}

func (in *GetAlertStatsInput) checkInterval(from, until, now time.Time) error {
	step, err := When(in.Interval).time("interval", now)
	if err != nil || !step.Before(now) {
		return invalid("interval %q: want a length such as 5m, 1h or 1d", clip(in.Interval))
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
	} `json:"buckets"`
}

// read takes in what the indexer counted.
func (s *AlertStats) read(f *indexer.Found, keys []AlertKey) error {
	var counted map[string]buckets
	if len(f.Aggregations) == 0 { // no index, no counts
		return nil
	}
	if err := json.Unmarshal(f.Aggregations, &counted); err != nil {
		return fmt.Errorf("wazuh: the indexer's counts cannot be read: %w", err)
	}
	for _, by := range keys {
		for i, field := range alertKeys[by].fields {
			b := counted[fmt.Sprintf("%s_%d", by, i)]
			if i > 0 && len(b.Buckets) == 0 {
				continue
			}
			c := Counts{By: by, Field: field, Values: make([]Count, len(b.Buckets)), Others: b.Others, Error: b.Error}
			for j, x := range b.Buckets {
				c.Values[j] = Count{Value: string(x.Key), Count: x.Count}
				if x.Name != nil && len(x.Name.Buckets) > 0 {
					c.Values[j].Name = string(x.Name.Buckets[0].Key)
				}
			}
			s.Counts = append(s.Counts, c)
		}
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
		s.OverTime = append(s.OverTime, Moment{Time: at, Count: x.Count})
	}
	return nil
}
