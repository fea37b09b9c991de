package wazuh

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// TunePreviewInput is the input of [Client.TunePreview].
type TunePreviewInput struct {
	// One of too many.
	AlertID string `json:"alert_id,omitempty" alias:"id" pattern:"^[A-Za-z0-9._:-]{1,256}$"`
	// Or the rule: its most frequent source.
	RuleID RuleID `json:"rule_id,omitempty"`
	// Default: what the alerts have in common.
	Conditions []TuningCondition `json:"conditions,omitempty" maxItems:"8"`
	// Their new level; 0: no alert.
	Level int `json:"level,omitempty" minimum:"0" maximum:"15"`
	// Days back to measure.
	Days int `json:"days,omitempty" minimum:"1" maximum:"90" default:"30"`
	// The whole rule, without conditions.
	WholeRule bool `json:"whole_rule,omitempty"`
}

// A TuneShare is a part of a rule's alerts, and where it comes from.
type TuneShare struct {
	// How many.
	Alerts int `json:"alerts"`
	// The ten agents with most of them.
	Hosts []Count `json:"hosts"`
	// The ten accounts with most of them.
	Users []Count `json:"users"`
	// The ten source addresses with most of them.
	Sources []Count   `json:"sources"`
	Newest  time.Time `json:"newest,omitzero"` // the newest alert of these
	// The newest three.
	Examples []TuneExample `json:"examples"`
}

// A TuneExample is one alert of a share.
type TuneExample struct {
	ID    string    `json:"id"`                     // the alert
	Time  time.Time `json:"time,omitzero"`          // when it was raised
	Agent string    `json:"agent" untrusted:"true"` // the host it is of
	// The beginning of the event.
	Event string `json:"event,omitempty" untrusted:"true"`
}

// A TunedRule is the rule that a tuning is about.
type TunedRule struct {
	ID          int    `json:"id"`             // its id
	Level       int    `json:"level"`          // its level
	Description string `json:"description"`    // what it finds
	File        string `json:"file,omitempty"` // the file it stands in

	// Further files that define a rule of this number.
	AlsoIn []string `json:"also_defined_in,omitempty"`
}

// A RelatedRule is a rule that stands on another one.
type RelatedRule struct {
	ID          int    `json:"id"`          // its id
	Level       int    `json:"level"`       // its level
	Description string `json:"description"` // what it finds
	// if_matched_sid or if_matched_group; if_sid, if_group or if_level.
	By string `json:"by"`
	// Of its own in that time that meet the conditions.
	Alerts int `json:"alerts,omitempty"`
}

// A TunePreview is what a tuning would do, measured on the alerts there are.
type TunePreview struct {
	// The rule whose alerts are too many.
	Rule TunedRule `json:"rule"`
	// What is proposed.
	Tuning Tuning `json:"tuning"`
	// How the conditions were chosen.
	Chosen string `json:"chosen,omitempty"`
	// The rule as it would stand in the file.
	XML   string    `json:"xml" untrusted:"true"`
	From  time.Time `json:"from"`  // the start of the time looked at
	Until time.Time `json:"until"` // the end of the time looked at
	// How many alerts of the rule there are in that time.
	Total int `json:"total"`
	// Those that the tuning would take away, or to its level.
	Silenced TuneShare `json:"silenced"`
	// Those that would stay.
	Kept TuneShare `json:"kept"`
	// What else the hosts and sources of the silenced ones raised: rules by how often.
	AlsoFires []Count `json:"also_fires"`
	// Rules that count these alerts and would miss the silenced ones.
	CountOnIt []RelatedRule `json:"count_on_it"`
	// Rules below this one that events which meet the conditions would no longer reach:
	// their alerts are silenced too.
	Unreached []RelatedRule `json:"unreached,omitempty"`
	// That mention the same values.
	Cases        []string `json:"cases,omitempty" untrusted:"true"`
	Warnings     []string `json:"warnings" untrusted:"true"` // what speaks against it
	Alternatives []string `json:"alternatives"`              // what else would do
	// Arguments for wazuh_apply_tuning; add a reason, and another expiry if this one doesn't fit.
	Apply *ApplyTuningInput `json:"apply,omitempty"`
	// Why alerts may be missing from the figures; absent when none are.
	Incomplete string `json:"incomplete,omitempty"`
}

// TunePreview proposes the narrowest rule that takes alerts like one away, or measures given
// conditions: how many alerts of the last days it would have hidden and kept, over which hosts,
// accounts and sources, what else the same hosts raised, and what speaks against it. It asks
// the indexer at most six times, whatever there is, and changes nothing.
//
// Wazuh: GET /rules, /rules/files/{filename}. Wazuh indexer: POST /wazuh-alerts-*/_search
func (c *Client) TunePreview(ctx context.Context, in TunePreviewInput) (*TunePreview, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	m := &tuneMeasure{client: c, days: in.Days, tuning: Tuning{RuleID: in.RuleID, Level: in.Level, Conditions: in.Conditions}}
	switch {
	case in.Days < 1 || in.Days > 90:
		return nil, invalid("days %d: want 1 to 90", in.Days)
	case in.AlertID == "" && in.RuleID == "":
		return nil, invalid("alert_id or rule_id is needed: what there is too much of")
	case in.WholeRule && len(in.Conditions) > 0:
		return nil, invalid("whole_rule and conditions exclude each other")
	}
	if _, err := (&Tuning{RuleID: cmp.Or(in.RuleID, "1"), Level: in.Level, Conditions: in.Conditions}).check(); err != nil {
		return nil, err
	}
	if err := c.tunable(ctx); err != nil {
		return nil, err
	}
	m.until = time.Now().UTC().Add(-time.Minute).Truncate(time.Minute)
	var like leafTexts
	if in.AlertID != "" {
		h, err := c.alertHit(ctx, in.AlertID)
		if err != nil {
			return nil, err
		}
		a, err := alertOf(*h, false)
		if err != nil {
			return nil, err
		}
		if in.RuleID != "" && string(in.RuleID) != a.Rule.ID {
			return nil, invalid("alert %s is of rule %s, not %s", in.AlertID, a.Rule.ID, clip.Text(string(in.RuleID), shownBytes))
		}
		m.tuning.RuleID = RuleID(a.Rule.ID)
		if like, err = textsOf(h.Source); err != nil {
			return nil, err
		}
		if end := a.Timestamp.Add(time.Minute).UTC(); end.After(m.until) { // it is one of those to measure
			m.until = end.Truncate(time.Second)
		}
	}
	if _, err := m.tuning.check(); err != nil {
		return nil, err
	}
	rule, err := c.GetRule(ctx, GetRuleInput{RuleID: m.tuning.RuleID})
	if err != nil {
		return nil, err
	}
	chosen := ""
	if len(in.Conditions) == 0 && !in.WholeRule {
		if m.tuning.Conditions, chosen, err = m.choose(ctx, like); err != nil {
			return nil, err
		}
	}
	p, err := m.measure(ctx, rule)
	if err != nil {
		return nil, err
	}
	p.Chosen = chosen
	file, there, err := c.tuningFile(ctx)
	if err != nil {
		return nil, err
	}
	id, err := c.freeNumber(ctx, file)
	if err != nil {
		return nil, err
	}
	until := m.until.AddDate(0, 0, 30).Format(time.DateOnly)
	note := tuningNote{id: id, proposal: proposalBlank, by: approverBlank, on: dayBlank, until: until, reason: "..."}
	p.XML = strings.Join(note.block(&m.tuning, rule), "\n")
	if len(m.tuning.Conditions) > 0 || in.WholeRule {
		p.Apply = &ApplyTuningInput{Tuning: m.tuning, WholeRule: in.WholeRule, Expires: until, Days: m.days, MeasuredUntil: m.until.Format(time.RFC3339), FileSHA256: textHash(file, there)}
	}
	return p, nil
}

// tunable says whether this Wazuh has what tunings need.
func (c *Client) tunable(ctx context.Context) error {
	if c.indexer == nil {
		return ErrNoIndexer
	}
	if err := c.only4(ctx, "rule files, logtest and validation of a configuration, which a tuning needs: its detections are made otherwise"); err != nil {
		return err
	}
	return c.from4(ctx, 6, "rule files of a folder")
}

// alertHit fetches the document of an alert.
func (c *Client) alertHit(ctx context.Context, id string) (*indexer.Hit, error) {
	if !alertID.MatchString(id) {
		return nil, invalid("alert_id %q is not an alert's id", clip.Text(id, shownBytes))
	}
	some := []clause{anyOf(clause{"ids": clause{"values": []string{id}}}, term("id", id))}
	f, err := c.tuningSearch(ctx, some, 2, nil, nil)
	if err != nil {
		return nil, err
	}
	switch n := len(f.Hits.Hits); {
	case n == 0:
		return nil, fmt.Errorf("%w: there is no alert %s", ErrNotFound, id)
	case n > 1 && f.Hits.Hits[0].ID != id && f.Hits.Hits[1].ID != id:
		return nil, invalid("several alerts have the id %s; take that of a document", id)
	case n > 1 && f.Hits.Hits[1].ID == id:
		return &f.Hits.Hits[1], nil
	}
	return &f.Hits.Hits[0], nil
}

// tuningSearch asks the indexer once.
func (c *Client) tuningSearch(ctx context.Context, filter []clause, limit int, source []string, aggs clause) (*indexer.Found, error) {
	index, _, err := c.alertIndex(ctx)
	if err != nil {
		return nil, err
	}
	if c.label != nil {
		filter = append(slices.Clone(filter), c.label)
	}
	s, err := newSearch(filter, limit, 0, []order{{timeField, "desc", "date"}, {"id", "desc", "keyword"}})
	if err != nil {
		return nil, err
	}
	if source != nil {
		s.Source = &indexer.Source{Includes: source}
	}
	if aggs != nil {
		if s.Aggs, err = raw(aggs); err != nil {
			return nil, err
		}
	}
	return c.searchAlerts(ctx, index, *s)
}

// leafTexts are the values in a document, by their paths; of several the first.
type leafTexts map[string]string

func textsOf(source []byte) (leafTexts, error) {
	t := leafTexts{}
	err := jsontext.Leaves(source, func(path, text []byte) {
		if _, have := t[string(path)]; !have {
			t[string(path)] = string(text)
		}
	})
	return t, err
}

// value is what a condition's field has in a document.
func (t leafTexts) value(field string) string {
	for _, p := range (TuningCondition{Field: field}).paths() {
		if v := t[p]; v != "" {
			return v
		}
	}
	return ""
}

// candidates are the fields that a condition may be about, the most telling first: those of
// which it is known what they tell of an event.
func (t leafTexts) candidates() []string {
	list := []string{"srcip", "user", "hostname", "program_name", "url"}
	rank := map[string]int{}
	for _, m := range []Meaning{MeaningSourceAddress, MeaningActingUser, MeaningTargetUser, MeaningHost, MeaningProcess, MeaningCommand, MeaningPath, MeaningURL, MeaningDomain,
		MeaningDNSQuery, MeaningService, MeaningAction, MeaningParentProcess, MeaningDestinationAddress} {
		for _, f := range tellers(m) {
			if _, have := rank[f]; !have {
				rank[f] = len(rank) + 1
			}
		}
	}
	var decoded []string
	for path := range t {
		if field, below := strings.CutPrefix(path, "data."); below && rank[path] > 0 && fixedOptions[field] == nil && !slices.Contains(static, field) {
			decoded = append(decoded, field)
		}
	}
	slices.SortFunc(decoded, func(a, b string) int { return cmp.Compare(rank["data."+a], rank["data."+b]) })
	list = append(list, decoded...)
	return slices.DeleteFunc(append(list, "dstip", "action"), func(f string) bool { return !t.usable(f) })
}

// usable reports whether a document has a value in a field that a condition can hold.
func (t leafTexts) usable(field string) bool {
	v := t.value(field)
	return v != "" && v != "-" && len(v) <= 256 && !strings.ContainsFunc(v, unicode.IsControl) && (TuningCondition{field, v}).check() == nil
}

// anchors are the fields by which alerts are alike, the surest first.
func (t leafTexts) anchor() string {
	for _, f := range t.candidates() {
		if f == "srcip" {
			if a, err := netip.ParseAddr(t.value(f)); err == nil && !a.IsUnspecified() {
				return f
			}
			continue
		}
		return f
	}
	return ""
}

const (
	maxSample = 200 // alerts that are looked at for what they have in common
	maxShown  = 3   // examples of each share
	maxTop    = 10  // values of each
)

// A tuneMeasure measures a tuning over a span of time.
type tuneMeasure struct {
	client *Client
	tuning Tuning
	days   int
	until  time.Time

	hidden, kept []sampleEvent // of the newest alerts of each share, those that logtest can be given
}

func (m *tuneMeasure) from() time.Time { return m.until.AddDate(0, 0, -m.days) }

// span are the alerts of the rule in that time.
func (m *tuneMeasure) span() []clause {
	when, _ := between(m.from(), m.until)
	id, _ := m.tuning.RuleID.number()
	return []clause{term("rule.id", id), when}
}

// choose finds what the alerts like one have in common: the conditions that all of them meet.
func (m *tuneMeasure) choose(ctx context.Context, like leafTexts) ([]TuningCondition, string, error) {
	filter := m.span()
	by := like.anchor()
	if by != "" {
		filter = append(filter, TuningCondition{by, like.value(by)}.clause())
	}
	f, err := m.client.tuningSearch(ctx, filter, maxSample, []string{"data", "predecoder", "agent.id"}, nil)
	if err != nil {
		return nil, "", err
	}
	sample := make([]leafTexts, 0, len(f.Hits.Hits))
	for _, h := range f.Hits.Hits {
		if t, err := textsOf(h.Source); err == nil {
			sample = append(sample, t)
		}
	}
	if like == nil { // the most frequent ones of the rule
		like, by = mostAlike(sample)
		if by != "" {
			sample = slices.DeleteFunc(sample, func(t leafTexts) bool { return t.value(by) != like.value(by) })
		}
	}
	if len(sample) == 0 || by == "" {
		return nil, "the alerts have nothing in common by which a rule could tell them apart; give conditions", nil
	}
	var list []TuningCondition
	for _, field := range like.candidates() {
		v := like.value(field)
		if len(list) < maxConditions && !slices.ContainsFunc(sample, func(t leafTexts) bool { return t.value(field) != v }) {
			list = append(list, TuningCondition{field, v})
		}
	}
	why := fmt.Sprintf("what the newest %d alerts of the rule with the same %s all have", len(sample), by)
	return list, why, nil
}

// mostAlike is one of those alerts that are most often alike, and by what.
func mostAlike(sample []leafTexts) (leafTexts, string) {
	var best leafTexts
	bestBy, most := "", 0
	for _, by := range []string{"srcip", "user", "hostname", "program_name"} {
		counts := map[string]int{}
		for _, t := range sample {
			if t.usable(by) {
				if counts[t.value(by)]++; counts[t.value(by)] > most {
					best, bestBy, most = t, by, counts[t.value(by)]
				}
			}
		}
		if most > 0 {
			return best, bestBy
		}
	}
	for _, t := range sample {
		if by := t.anchor(); by != "" {
			return t, by
		}
	}
	return nil, ""
}

var shareKeys = map[string][]string{"hosts": {"agent.id"}, "users": {"data.dstuser", "data.srcuser", "data.win.eventdata.targetUserName"}, "sources": {"data.srcip", "data.win.eventdata.ipAddress"}}

// share measures a part of the rule's alerts.
func (m *tuneMeasure) share(ctx context.Context, filter []clause, samples *[]sampleEvent) (*TuneShare, string, error) {
	aggs := clause{}
	for name, fields := range shareKeys {
		for i, f := range fields {
			t := clause{"terms": clause{"field": f, "size": maxTop}}
			if f == "agent.id" {
				t["aggs"] = clause{"name": clause{"terms": clause{"field": "agent.name", "size": 1}}}
			}
			aggs[fmt.Sprintf("%s_%d", name, i)] = t
		}
	}
	found, err := m.client.tuningSearch(ctx, filter, maxShown, nil, aggs)
	if err != nil {
		return nil, "", err
	}
	s := &TuneShare{Examples: []TuneExample{}}
	if found.Hits.Total != nil {
		s.Alerts = found.Hits.Total.Value
	}
	counted := map[string]buckets{}
	if len(found.Aggregations) > 0 {
		if err := json.Unmarshal(found.Aggregations, &counted); err != nil {
			return nil, "", fmt.Errorf("wazuh: the indexer's counts cannot be read: %w", err)
		}
	}
	top := func(name string) []Count {
		list := []Count{}
		for i := range shareKeys[name] {
			for _, b := range counted[fmt.Sprintf("%s_%d", name, i)].Buckets {
				x := Count{Value: string(b.Key), Count: b.Count}
				if b.Name != nil && len(b.Name.Buckets) > 0 {
					x.Name = string(b.Name.Buckets[0].Key)
				}
				if x.Value != "" && x.Value != "-" {
					list = append(list, x)
				}
			}
		}
		sorting.Stable(list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value)) })
		return list[:min(len(list), maxTop)]
	}
	s.Hosts, s.Users, s.Sources = top("hosts"), top("users"), top("sources")
	for _, h := range found.Hits.Hits {
		a, err := alertOf(h, false)
		if err != nil {
			return nil, "", err
		}
		if s.Newest.IsZero() {
			s.Newest = a.Timestamp
		}
		if e, ok := replayable(h); ok {
			*samples = append(*samples, e)
		}
		s.Examples = append(s.Examples, TuneExample{a.ID, a.Timestamp, a.Agent.Name, shortened(a.FullLog)})
	}
	return s, incomplete(found, alertIndex), nil
}

// replayable makes of an alert's document the event as logtest takes it. What agents' modules
// report, of which no line is left, can't be tried.
func replayable(h indexer.Hit) (sampleEvent, bool) {
	var d document
	if jsoncodec.Unmarshal(h.Source, &d) != nil {
		return sampleEvent{}, false
	}
	e := sampleEvent{alert: h.ID, event: string(d.FullLog), location: d.Location}
	decoder := ""
	if d.Decoder != nil {
		decoder = d.Decoder.Name
	}
	switch {
	case decoder == "windows_eventchannel":
		var data struct {
			Win json.RawMessage `json:"win"`
		}
		if json.Unmarshal(d.Data, &data) != nil || len(data.Win) == 0 {
			return e, false
		}
		e.event, e.format, e.location, e.rebuilt = `{"win":`+string(data.Win)+`}`, "eventchannel", "EventChannel", true
	case strings.HasPrefix(decoder, "syscheck"), len(d.Syscheck) > 0, decoder == "rootcheck", decoder == "sca", decoder == "syscollector", strings.HasPrefix(decoder, "wazuh"):
		return e, false
	case strings.HasPrefix(e.event, "{"):
		e.format = "json"
	case e.event != "":
		e.format = "syslog"
	case decoder == "json" && len(d.Data) > 2:
		e.event, e.format, e.rebuilt = string(d.Data), "json", true
	default:
		return e, false
	}
	return e, len(e.event) < 64<<10
}

// measure counts what the tuning would have hidden and kept, and looks at what speaks
// against it: at most four questions to the indexer.
func (m *tuneMeasure) measure(ctx context.Context, rule *Rule) (*TunePreview, error) {
	c, all, ours := m.client, m.span(), m.tuning.clauses()
	p := &TunePreview{Rule: TunedRule{rule.ID, rule.Level, rule.Description, rule.Filename, rule.AlsoIn}, Tuning: m.tuning, From: m.from(), Until: m.until, AlsoFires: []Count{}, CountOnIt: []RelatedRule{}, Warnings: []string{}}
	hidden, why, err := m.share(ctx, slices.Concat(all, ours), &m.hidden)
	if err != nil {
		return nil, err
	}
	p.Silenced, p.Incomplete, p.Kept = *hidden, why, TuneShare{Hosts: []Count{}, Users: []Count{}, Sources: []Count{}, Examples: []TuneExample{}}
	if len(ours) > 0 {
		kept, why, err := m.share(ctx, append(slices.Clone(all), clause{"bool": clause{"must_not": []clause{{"bool": clause{"filter": ours}}}}}), &m.kept)
		if err != nil {
			return nil, err
		}
		p.Kept = *kept
		if p.Incomplete == "" {
			p.Incomplete = why
		}
	}
	p.Total = p.Silenced.Alerts + p.Kept.Alerts
	if err := m.relatives(ctx, p, rule); err != nil {
		return nil, err
	}
	first, err := m.alsoFires(ctx, p)
	if err != nil {
		return nil, err
	}
	if c.cases.With != nil {
		var values []string
		for _, x := range m.tuning.Conditions {
			values = append(values, x.Value)
		}
		for _, x := range p.Silenced.Sources {
			values = append(values, x.Value)
		}
		cases, err := c.cases.With(ctx, values)
		if err != nil {
			p.Warnings = append(p.Warnings, "whether cases mention the same values could not be looked up: "+oneLine(err.Error()))
		}
		p.Cases = cases
	}
	m.warn(p, first)
	return p, nil
}

// alsoFires counts, in one question, what else the hosts and sources of the silenced alerts
// raised, and the alerts of related rules that meet the conditions. It says how old the
// oldest alert is that there is.
func (m *tuneMeasure) alsoFires(ctx context.Context, p *TunePreview) (oldest time.Time, err error) {
	when, _ := between(m.from(), m.until)
	var where []clause
	for _, x := range p.Silenced.Sources {
		for _, f := range shareKeys["sources"] {
			where = append(where, term(f, x.Value))
		}
	}
	if len(where) == 0 {
		for _, x := range p.Silenced.Hosts {
			where = append(where, term("agent.id", x.Value))
		}
	}
	filters := clause{}
	if len(where) > 0 {
		id, _ := m.tuning.RuleID.number()
		filters["also"] = clause{"bool": clause{"filter": []clause{anyOf(where...)}, "must_not": []clause{term("rule.id", id)}}}
	}
	var related []string
	for _, r := range slices.Concat(p.CountOnIt, p.Unreached) {
		related = append(related, strconv.Itoa(r.ID))
	}
	if len(related) > 0 {
		filters["related"] = clause{"bool": clause{"filter": append(m.tuning.clauses(), clause{"terms": clause{"rule.id": related}})}}
	}
	index, _, err := m.client.alertIndex(ctx)
	if err != nil {
		return oldest, err
	}
	filter := []clause{when}
	if m.client.label != nil {
		filter = append(filter, m.client.label)
	}
	s, err := newSearch(filter, 1, 0, []order{{timeField, "asc", "date"}})
	if err != nil {
		return oldest, err
	}
	s.Source, s.TrackTotalHits = &indexer.Source{Includes: []string{timeField, "timestamp"}}, false
	if len(filters) > 0 {
		byRule := func(size int) clause {
			return clause{"terms": clause{"field": "rule.id", "size": size}, "aggs": clause{"name": clause{"terms": clause{"field": "rule.description", "size": 1}}}}
		}
		if s.Aggs, err = raw(clause{"near": clause{"filters": clause{"filters": filters}, "aggs": clause{"rules": byRule(max(maxTop, len(related)))}}}); err != nil {
			return oldest, err
		}
	}
	f, err := m.client.searchAlerts(ctx, index, *s)
	if err != nil {
		return oldest, err
	}
	var counted struct {
		Near struct {
			Buckets map[string]struct {
				Rules buckets `json:"rules"`
			} `json:"buckets"`
		} `json:"near"`
	}
	if len(f.Aggregations) > 0 {
		if err := json.Unmarshal(f.Aggregations, &counted); err != nil {
			return oldest, fmt.Errorf("wazuh: the indexer's counts cannot be read: %w", err)
		}
	}
	also := counted.Near.Buckets["also"].Rules.Buckets
	for _, b := range also[:min(len(also), maxTop)] {
		x := Count{Value: string(b.Key), Count: b.Count}
		if b.Name != nil && len(b.Name.Buckets) > 0 {
			x.Name = string(b.Name.Buckets[0].Key)
		}
		p.AlsoFires = append(p.AlsoFires, x)
	}
	for _, b := range counted.Near.Buckets["related"].Rules.Buckets {
		for _, list := range [][]RelatedRule{p.CountOnIt, p.Unreached} {
			for i := range list {
				if strconv.Itoa(list[i].ID) == string(b.Key) {
					list[i].Alerts = b.Count
				}
			}
		}
	}
	if len(f.Hits.Hits) == 0 {
		return oldest, nil
	}
	a, err := alertOf(f.Hits.Hits[0], false)
	if err != nil {
		return oldest, err
	}
	return a.Timestamp, nil
}

const rulesAtOnce = 2000

// relatives finds the rules that count alerts of a rule, by its number or its groups, and
// those that are reached through it but no longer from a tuned event: of the children
// of a rule Wazuh tries those of level 0 first, then the others from the highest level on.
func (m *tuneMeasure) relatives(ctx context.Context, p *TunePreview, rule *Rule) error {
	type known struct {
		*Rule
		names map[string][]string // by option
	}
	var all []known
	for offset := 0; ; {
		r, err := list[*Rule](m.client.wire.ListRules(withSession(ctx), wire.ListRulesParams{Offset: offset, Limit: rulesAtOnce, Sort: "id", Select: []string{"id", "level", "description", "groups", "filename", "details"}}))
		if err != nil {
			return err
		}
		for _, x := range r.items {
			if x == nil || x.Filename == TuningFile {
				continue
			}
			var details map[string]json.RawMessage
			k := known{x, map[string][]string{}}
			if json.Unmarshal(x.Details, &details) == nil {
				for _, option := range []string{"if_sid", "if_group", "if_level", "if_matched_sid", "if_matched_group"} {
					if d := details[option]; d != nil {
						k.names[option] = strings.FieldsFunc(optionText(d), func(r rune) bool { return r == '|' || r == ',' || r == ' ' })
					}
				}
			}
			all = append(all, k)
			if x.ID == rule.ID { // defined more than once, and nothing says which is in force
				p.Rule.Level = max(p.Rule.Level, x.Level)
			}
		}
		if offset += r.sent; r.sent == 0 || offset >= r.total {
			break
		}
	}
	through := func(x known, parent *Rule) string {
		at := func(n string) bool { level, err := strconv.Atoi(n); return err == nil && parent.Level >= level }
		switch {
		case slices.Contains(x.names["if_sid"], strconv.Itoa(parent.ID)):
			return "if_sid"
		case slices.ContainsFunc(x.names["if_group"], func(g string) bool { return slices.Contains(parent.Groups, g) }):
			return "if_group"
		case slices.ContainsFunc(x.names["if_level"], at):
			return "if_level"
		}
		return ""
	}
	seen := map[int]bool{rule.ID: true}
	var below func(parent *Rule)
	below = func(parent *Rule) {
		for _, x := range all {
			by := through(x, parent)
			first := parent.ID == rule.ID && (x.Level == 0 || m.tuning.Level > 0 && x.Level >= m.tuning.Level)
			if by == "" || first || seen[x.ID] {
				continue
			}
			seen[x.ID] = true
			p.Unreached = append(p.Unreached, RelatedRule{ID: x.ID, Level: x.Level, Description: x.Description, By: by})
			below(x.Rule)
		}
	}
	below(rule)
	for _, x := range all {
		by := ""
		switch {
		case slices.Contains(x.names["if_matched_sid"], strconv.Itoa(rule.ID)):
			by = "if_matched_sid"
		case m.tuning.Level == 0 && slices.ContainsFunc(x.names["if_matched_group"], func(g string) bool { return slices.Contains(rule.Groups, g) }):
			by = "if_matched_group" // one of another level keeps its groups
		}
		if by != "" && !slices.ContainsFunc(p.CountOnIt, func(r RelatedRule) bool { return r.ID == x.ID }) {
			p.CountOnIt = append(p.CountOnIt, RelatedRule{ID: x.ID, Level: x.Level, Description: x.Description, By: by})
		}
	}
	for _, list := range [][]RelatedRule{p.CountOnIt, p.Unreached} {
		sorting.By(list, func(a, b RelatedRule) int { return cmp.Compare(a.ID, b.ID) })
	}
	return nil
}

// optionText is a condition of a rule, which is a text or an object with the text as its pattern.
func optionText(b json.RawMessage) string {
	var o struct {
		Pattern string `json:"pattern"`
	}
	if json.Unmarshal(b, &o) == nil && o.Pattern != "" {
		return o.Pattern
	}
	return text(b)
}

// warn says what speaks against the tuning, and what could be done in its place.
func (m *tuneMeasure) warn(p *TunePreview, oldest time.Time) {
	add := func(format string, args ...any) { p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...)) }
	if len(m.tuning.Conditions) == 0 {
		add("It is a whole rule: every alert of it goes, on all hosts.")
	}
	if p.Rule.Level >= 12 {
		add("The rule is of level %d: Wazuh takes such alerts for grave.", p.Rule.Level)
	}
	if p.Silenced.Alerts == 0 {
		add("No alert of the last %d days would have been silenced.", m.days)
	}
	if len(m.tuning.Conditions) > 0 && p.Kept.Alerts == 0 && p.Silenced.Alerts > 0 {
		add("No alert of the rule would have been kept: for these %d days it is the whole rule.", m.days)
	}
	switch span := m.until.Sub(oldest); {
	case oldest.IsZero():
		add("There are no alerts of the last %d days: nothing was measured.", m.days)
	case span < 8*24*time.Hour:
		add("There are alerts of only %.1f days: what happens once a month isn't among them.", span.Hours()/24)
	}
	for _, r := range p.CountOnIt {
		add("Rule %d (level %d) counts these alerts (%s) and would no longer see the silenced ones, though %d alerts of its own meet the conditions: %s", r.ID, r.Level, r.By, r.Alerts, r.Description)
	}
	few := slices.Clone(p.Unreached)
	sorting.Stable(few, func(a, b RelatedRule) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(b.Level, a.Level))
	})
	for _, r := range few[:min(len(few), maxTop)] {
		add("Rule %d (level %d) stands below this one (%s) and would no longer be reached by events that meet the conditions: %d alerts of it are silenced too: %s", r.ID, r.Level, r.By, r.Alerts, r.Description)
	}
	if n := len(few) - maxTop; n > 0 {
		add("So would %d more rules below it.", n)
	}
	if len(p.Rule.AlsoIn) > 0 {
		add("The rule is defined in %s as well, and nothing says which is in force.", strings.Join(p.Rule.AlsoIn, ", "))
	}
	for _, x := range p.Cases {
		add("A case mentions the same values: %s", x)
	}
	if p.Rule.ID >= 100_000 && p.Rule.File > TuningFile {
		add("The rule is in %s, which is loaded after %s: the loader won't find it.", p.Rule.File, TuningFile)
	}
	if len(m.hidden) == 0 && p.Silenced.Alerts > 0 {
		add("None of the newest silenced alerts holds an event that logtest could be given, so that wazuh_apply_tuning can't prove it and will refuse.")
	}
	if p.Incomplete != "" {
		add("The figures are incomplete: %s", p.Incomplete)
	}
	p.Alternatives = []string{}
	if m.tuning.Level == 0 && p.Rule.Level > 3 {
		p.Alternatives = append(p.Alternatives, "The same with level 3: the alerts stay searchable.")
	}
	if n := len(p.Silenced.Sources) + len(p.Kept.Sources); n > 3 {
		p.Alternatives = append(p.Alternatives, "Many sources: a CDB list of their addresses in etc/lists that one rule looks up, <list field=\"srcip\" lookup=\"address_match_key\">, is easier to keep than a rule for each.")
	}
	if p.Total > 100*m.days {
		p.Alternatives = append(p.Alternatives, "If only bursts matter: a rule with frequency, timeframe and if_matched_sid on top, and this one at level 3.")
	}
}
