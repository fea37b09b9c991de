package wazuh

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/paging"
)

// GetAlertContextInput is the input of [Client.GetAlertContext].
type GetAlertContextInput struct {
	// Of its document, or its own.
	AlertID string `json:"alert_id" alias:"id" pattern:"^[A-Za-z0-9._:-]{1,256}$"`
	// Before and after it.
	Minutes int `json:"minutes,omitempty" minimum:"1" maximum:"10080" default:"30"`
	// At least.
	Level int `json:"level,omitempty" minimum:"0" maximum:"16" alias:"min_level"`
	// Of each relation.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"50" default:"10"`
}

// AlertsAround are the alerts around another that share something with it.
type AlertsAround struct {
	// What they share: same_host, same_source (it came from there), same_destination (it went there),
	// to_source (it went to where the alert came from), from_destination (it came from where the alert went),
	// same_user, same_hash, same_process or same_rule.
	Relation string `json:"relation"`
	// The host, address, account or rule.
	Value string `json:"value" untrusted:"true"`
	// In the order of time, the alert itself left out. Of many, those nearest before it and after it.
	Alerts []*Alert `json:"alerts"`
	// How many there are in all, the alert itself left out.
	Total      int    `json:"total"`
	Incomplete string `json:"incomplete,omitempty"` // why not all were found
}

// AlertContext is what happened around an alert.
type AlertContext struct {
	Alert *Alert         `json:"alert"`   // the alert itself
	From  time.Time      `json:"from"`    // the start of the time looked at
	Until time.Time      `json:"until"`   // the end of the time looked at
	Pivot []AlertsAround `json:"related"` // the alerts that share something with it
}

// GetAlertContext returns an alert with what happened around it: on the same
// host, from or to its addresses, by or to its accounts, of the same file and
// process, by the same rule elsewhere.
//
// Wazuh indexer: POST /wazuh-alerts-*/_search, in Wazuh 5 /wazuh-findings-v5-*/_search
func (c *Client) GetAlertContext(ctx context.Context, in GetAlertContextInput) (*AlertContext, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if in.Minutes < 1 || in.Minutes > 7*24*60 || in.Limit < 1 {
		return nil, invalid("minutes %d and limit %d: want at most 10080 minutes and at least one alert", in.Minutes, in.Limit)
	}
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return nil, err
	}
	if a.Timestamp.IsZero() {
		return nil, fmt.Errorf("wazuh: alert %s has no time that can be read", a.ID)
	}
	span := time.Duration(in.Minutes) * time.Minute
	out := &AlertContext{Alert: a, From: a.Timestamp.Add(-span), Until: a.Timestamp.Add(span), Pivot: []AlertsAround{}}
	for _, p := range a.pivots() {
		if p.value == "" {
			continue
		}
		p.shares.Level = in.Level
		around, err := c.around(ctx, a, p.shares, out.From, out.Until, in.Limit)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.relation, err)
		}
		if around.Total == 0 && p.quiet {
			continue
		}
		around.Relation, around.Value = p.relation, p.value
		out.Pivot = append(out.Pivot, *around)
	}
	return out, nil
}

// A pivot is a question about what shares something with an alert.
type pivot struct {
	relation, value string
	shares          AlertFilter
	quiet           bool // whether nothing is said when there is nothing
}

// pivots are what to ask about what happened around a.
func (a *Alert) pivots() []pivot {
	user := func(name string) pivot {
		return pivot{relation: "same_user", value: name, shares: AlertFilter{User: name}}
	}
	list := []pivot{
		{"same_host", a.Agent.ID, AlertFilter{AgentID: AgentID(a.Agent.ID)}, false},
		{"same_source", a.SourceIP, AlertFilter{SourceIP: a.SourceIP}, false},
		{"to_source", a.SourceIP, AlertFilter{DestinationIP: a.SourceIP}, true},
		{"same_destination", a.DestinationIP, AlertFilter{DestinationIP: a.DestinationIP}, false},
		{"from_destination", a.DestinationIP, AlertFilter{SourceIP: a.DestinationIP}, true},
		user(a.DestinationUser),
	}
	if a.SourceUser != a.DestinationUser {
		list = append(list, user(a.SourceUser))
	}
	if hash := bestHash(a.Event[MeaningHash]); hash != "" {
		list = append(list, pivot{"same_hash", hash, AlertFilter{FileHash: hash}, false})
	}
	if p := a.Event[MeaningProcess]; p != "" {
		list = append(list, pivot{"same_process", p, AlertFilter{Process: p}, false})
	}
	return append(list, pivot{"same_rule", a.Rule.ID, AlertFilter{RuleID: RuleID(a.Rule.ID)}, false})
}

// bestHash is the longest of the hashes in a list such as MD5=…,SHA256=…
func bestHash(list string) string {
	best := ""
	for part := range strings.SplitSeq(list, ",") {
		name, hash, named := strings.Cut(part, "=")
		if !named {
			hash = name
		}
		if !strings.EqualFold(name, "IMPHASH") && namedHash.MatchString(hash) && len(hash) > len(best) {
			best = hash
		}
	}
	return best
}

// around returns the alerts nearest to a, half of them before it if there are
// as many.
func (c *Client) around(ctx context.Context, a *Alert, shares AlertFilter, from, until time.Time, limit int) (*AlertsAround, error) {
	in := GetAlertsInput{AlertFilter: shares, Limit: limit + 1} // a itself is among them
	before, after := in, in
	before.StartTime, before.EndTime, before.Sort = At(from), At(a.Timestamp), NewestFirst
	after.StartTime, after.EndTime, after.Sort = At(a.Timestamp.Add(time.Millisecond)), At(until), OldestFirst
	b, err := paging.Complete(c.getAlerts(ctx, before, termFold))
	if err != nil {
		return nil, err
	}
	f, err := paging.Complete(c.getAlerts(ctx, after, termFold))
	if err != nil {
		return nil, err
	}
	out := &AlertsAround{Alerts: []*Alert{}, Total: b.Total + f.Total, Incomplete: b.Incomplete}
	if out.Incomplete == "" {
		out.Incomplete = f.Incomplete
	}
	past := make([]*Alert, 0, len(b.Alerts))
	for _, x := range b.Alerts {
		if x.ID == a.ID {
			out.Total--
			continue
		}
		past = append(past, x)
	}
	if len(past) == len(b.Alerts) && in.Level <= int(a.Rule.Level) && len(b.Alerts) < b.Total {
		out.Total-- // it is among those that were not fetched
	}
	future := f.Alerts
	half := max(limit/2, limit-len(future))
	past = past[:min(len(past), half)]
	future = future[:min(len(future), limit-len(past))]
	for i := len(past) - 1; i >= 0; i-- {
		out.Alerts = append(out.Alerts, past[i])
	}
	out.Alerts = append(out.Alerts, future...)
	return out, nil
}
