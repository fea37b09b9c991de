package wazuh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/resume"
	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
)

// An Alert is an event that a rule matched. In a list it holds what triage
// needs, unless its IncludeRawData says otherwise; [Client.GetAlert] returns all
// but the event itself and what was decoded from it, which are asked for by its
// input. Of the JSON of an alert nothing is lost: a member of its document that
// has the name of one of its own fields has an underscore in front.
type Alert struct {
	// The id of its document, which get_alert takes.
	ID string `json:"id"`
	// The index its document is in.
	Index string `json:"index,omitempty"`
	// Its own id, as in alerts.json and notifications; get_alert takes it too.
	WazuhID   string    `json:"wazuh_id,omitempty"`
	Timestamp time.Time `json:"timestamp,omitzero"` // when the manager raised it
	Rule      AlertRule `json:"rule"`               // the rule that fired
	Agent     HostRef   `json:"agent"`              // the host it is of
	Manager   HostRef   `json:"manager,omitzero"`   // the manager that raised it
	Cluster   *Cluster  `json:"cluster,omitempty"`  // the cluster of that manager
	// Where the event came from: a log file, a channel, a module.
	Location string   `json:"location,omitempty" untrusted:"true"`
	Decoder  *Decoder `json:"decoder,omitempty"` // what read the log line

	SourceIP      string `json:"source_ip,omitempty" untrusted:"true"`      // the source address
	DestinationIP string `json:"destination_ip,omitempty" untrusted:"true"` // the destination address
	// Who acted, or tried to.
	SourceUser string `json:"source_user,omitempty" untrusted:"true"`
	// The account that was acted on.
	DestinationUser string `json:"destination_user,omitempty" untrusted:"true"`

	// What else it is about: process, command, path, hash, url, domain, action, outcome and so on, as far as it has them.
	Event map[Meaning]string `json:"event,omitempty" untrusted:"true"`

	// In which of its fields the words of the search stand.
	FoundIn []string `json:"found_in,omitempty" untrusted:"true"`

	// What file integrity monitoring saw; in a list only path and event.
	Syscheck   json.RawMessage `json:"syscheck,omitempty" untrusted:"true"`
	Predecoder json.RawMessage `json:"predecoder,omitempty" untrusted:"true"` // what the line's header said
	// Where the source address is thought to be.
	GeoLocation json.RawMessage `json:"geo_location,omitempty"`
	// The events before this one that the rule counted.
	PreviousOutput string `json:"previous_output,omitempty" untrusted:"true"`
	// The event itself. Absent unless asked for; some alerts have none.
	FullLog string `json:"full_log,omitempty" untrusted:"true"`
	// All that was decoded from the event. Absent unless asked for.
	Data json.RawMessage `json:"data,omitempty" untrusted:"true"`
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An AlertRule is the rule that matched, as it was then.
type AlertRule struct {
	ID string `json:"id"` // its id
	// 0 to 16.
	Level Int `json:"level"`
	// Wazuh 5's word for it; level is then the least number that it stands for.
	LevelName   string       `json:"level_name,omitempty" untrusted:"true"`
	Description string       `json:"description" untrusted:"true"` // what it finds
	Groups      Strings      `json:"groups,omitempty"`             // its groups
	MITRE       *AlertATTACK `json:"mitre,omitempty"`              // the techniques of ATT&CK it is about
	// How often the rule has matched since the manager was started.
	FiredTimes Int `json:"firedtimes,omitempty"`
	// How many events within its time frame the rule needs.
	Frequency Int     `json:"frequency,omitempty"`
	Mail      bool    `json:"mail,omitempty"`        // whether a mail was sent
	PCIDSS    Strings `json:"pci_dss,omitempty"`     // requirements of PCI DSS
	GDPR      Strings `json:"gdpr,omitempty"`        // articles of the GDPR
	GPG13     Strings `json:"gpg13,omitempty"`       // requirements of GPG 13
	HIPAA     Strings `json:"hipaa,omitempty"`       // requirements of HIPAA
	NIST80053 Strings `json:"nist_800_53,omitempty"` // controls of NIST 800-53
	TSC       Strings `json:"tsc,omitempty"`         // trust services criteria

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An AlertATTACK says which ATT&CK techniques the rule stands for.
type AlertATTACK struct {
	ID        Strings `json:"id,omitempty"`        // ids of techniques
	Tactic    Strings `json:"tactic,omitempty"`    // names of tactics
	Technique Strings `json:"technique,omitempty"` // names of techniques

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A HostRef names an agent or a manager.
type HostRef struct {
	ID   string `json:"id,omitempty"`                    // its id
	Name string `json:"name,omitempty" untrusted:"true"` // its name
	IP   string `json:"ip,omitempty"`                    // its address

	// Extra holds the members that this version doesn't know, such as an agent's labels.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Cluster says which node of which cluster raised an alert.
type Cluster struct {
	Name string `json:"name,omitempty"` // its name
	Node string `json:"node,omitempty"` // the node

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Decoder is what took an event apart.
type Decoder struct {
	Name   string `json:"name,omitempty"`   // its name
	Parent string `json:"parent,omitempty"` // the decoder before it

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// document is an alert as it is indexed.
type document struct {
	ID             string          `json:"id"`
	Timestamp      string          `json:"timestamp"`
	Ingested       string          `json:"@timestamp"`
	Rule           AlertRule       `json:"rule"`
	Agent          HostRef         `json:"agent"`
	Manager        HostRef         `json:"manager"`
	Cluster        *Cluster        `json:"cluster"`
	Location       string          `json:"location"`
	Decoder        *Decoder        `json:"decoder"`
	Syscheck       json.RawMessage `json:"syscheck"`
	Predecoder     json.RawMessage `json:"predecoder"`
	GeoLocation    json.RawMessage `json:"GeoLocation"`
	PreviousOutput Text            `json:"previous_output"`
	FullLog        Text            `json:"full_log"`
	Data           json.RawMessage `json:"data"`
	Unread         string          `json:"-"`

	Extra map[string]json.RawMessage `json:"-"`
}

// summary is what a list says of an alert of Wazuh 4, as it is indexed.
type summary struct {
	ID        string          `json:"id"`
	Timestamp string          `json:"timestamp"`
	Ingested  string          `json:"@timestamp"`
	Rule      AlertRule       `json:"rule"`
	Agent     HostRef         `json:"agent"`
	Manager   HostRef         `json:"manager"`
	Cluster   *Cluster        `json:"cluster"`
	Location  string          `json:"location"`
	Decoder   *Decoder        `json:"decoder"`
	Syscheck  json.RawMessage `json:"syscheck"`
	FullLog   Text            `json:"full_log"`
	Unread    string          `json:"-"`
}

// listedAlert reads a hit for a list of alerts of Wazuh 4, and in which of its
// fields words stand.
func listedAlert(h indexer.Hit, log bool, words []word) (*Alert, error) {
	var d summary
	if err := jsoncodec.UnmarshalRow(h.Source, &d); err != nil {
		return nil, fmt.Errorf("wazuh: alert %s in %s cannot be read: %w", h.ID, h.Index, err)
	}
	d.Rule.Extra = nil
	a := &Alert{
		ID: h.ID, Index: h.Index, WazuhID: d.ID, Rule: d.Rule, Agent: d.Agent, Manager: d.Manager, Cluster: d.Cluster,
		Location: d.Location, Decoder: d.Decoder, Syscheck: listedPart(d.Syscheck), Timestamp: firstTime(d.Timestamp, d.Ingested),
		Unread: d.Unread,
	}
	if log {
		a.FullLog = string(d.FullLog)
	}
	if err := a.describe(h.Source, words); err != nil {
		return nil, fmt.Errorf("wazuh: alert %s in %s cannot be read: %w", h.ID, h.Index, err)
	}
	for m, v := range a.Event {
		if len(v) > maxTold {
			a.Event[m] = shortened(v)
		}
	}
	return a, nil
}

// firstTime is the first of texts that is a time.
func firstTime(texts ...string) time.Time {
	for _, s := range texts {
		if t, ok := parseTime(s); ok {
			return t
		}
	}
	return time.Time{}
}

// alertOf reads a hit, all of which must be as it should. data says whether to keep all
// that was decoded.
func alertOf(h indexer.Hit, data bool) (*Alert, error) {
	a, err := wholeAlert(h, data, nil)
	if err == nil && a.Unread != "" {
		return nil, fmt.Errorf("wazuh: alert %s in %s cannot be read: %s", h.ID, h.Index, a.Unread)
	}
	return a, err
}

// wholeAlert reads a hit for a list with all that there is of alerts, and in which of its
// fields words stand.
func wholeAlert(h indexer.Hit, data bool, words []word) (*Alert, error) {
	var d document
	if err := jsoncodec.UnmarshalRow(h.Source, &d); err != nil {
		return nil, fmt.Errorf("wazuh: alert %s in %s cannot be read: %w", h.ID, h.Index, err)
	}
	a := &Alert{
		ID: h.ID, Index: h.Index, WazuhID: d.ID, Rule: d.Rule, Agent: d.Agent, Manager: d.Manager, Cluster: d.Cluster,
		Location: d.Location, Decoder: d.Decoder, Syscheck: d.Syscheck, Predecoder: d.Predecoder, GeoLocation: d.GeoLocation,
		PreviousOutput: string(d.PreviousOutput), FullLog: string(d.FullLog), Extra: d.Extra, Timestamp: firstTime(d.Timestamp, d.Ingested),
		Unread: d.Unread,
	}
	if err := a.describe(h.Source, words); err != nil {
		return nil, fmt.Errorf("wazuh: alert %s in %s cannot be read: %w", h.ID, h.Index, err)
	}
	if data {
		a.Data = d.Data
	}
	if a.ofFive(); len(a.Event) > 0 && !data {
		for m, v := range a.Event {
			a.Event[m] = shortened(v)
		}
	}
	for name, v := range a.Extra {
		if ownName[name] {
			a.Extra["_"+name] = v
			delete(a.Extra, name)
		}
	}
	return a, nil
}

// ownName are the names that the JSON of an [Alert] has besides those of its
// document.
var ownName = map[string]bool{
	"index": true, "wazuh_id": true, "source_ip": true, "destination_ip": true, "source_user": true, "destination_user": true,
	"event": true, "found_in": true, "geo_location": true, "unread": true,
}

// maxAlert is how long the text of an alert can be. The manager's own are 64 KiB.
const maxAlert = 10 << 20

// ParseAlert reads an alert as others hand it on: a line of alerts.json, the file
// that the manager's integrator gives to an integration, what such an integration
// posts with the alert in all_fields, or a hit of the indexer with the alert in
// _source. The alert has all that the text holds; what [Alert] has no field for
// is in Extra. Only a hit names a document, so that ID is empty else; WazuhID is
// the alert's own id, which [Client.GetAlert] takes too. A text that is no alert
// is [ErrInvalid].
func ParseAlert(b []byte) (*Alert, error) {
	if len(b) > maxAlert {
		return nil, invalid("a text of %d bytes is no alert: want at most %d", len(b), maxAlert)
	}
	var outer struct {
		ID     string          `json:"_id"`
		Index  string          `json:"_index"`
		Source json.RawMessage `json:"_source"`
		All    json.RawMessage `json:"all_fields"`
	}
	if err := jsoncodec.Unmarshal(b, &outer); err != nil {
		return nil, invalid("no alert: %v", err)
	}
	h := indexer.Hit{Source: b}
	switch {
	case len(outer.Source) > 0:
		h = indexer.Hit{ID: outer.ID, Index: outer.Index, Source: outer.Source}
	case len(outer.All) > 0:
		h.Source = outer.All
	}
	a, err := alertOf(h, true)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if a.Rule.ID == "" {
		return nil, invalid("no alert: it names no rule")
	}
	return a, nil
}

// maxPosted is how long what is posted to [AlertHandler] can be.
const maxPosted = 1 << 20

// AlertHandler returns a handler for what the manager's integrator posts, one alert
// a request as [ParseAlert] reads it. What take takes is answered with 202, what it
// returns an error for with 503 and that error, so that it is posted again; what is no
// alert with 400, and what has more than 1 MiB with 413. Who may post is for what
// stands before the handler.
func AlertHandler(take func(ctx context.Context, a *Alert) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "want a POST of an alert", http.StatusMethodNotAllowed)
			return
		}
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPosted))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		a, err := ParseAlert(b)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := take(r.Context(), a); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
}

// maxTold is how much of a value stands among what an alert is about.
const maxTold = 300

func shortened(s string) string {
	if len(s) <= maxTold {
		return s
	}
	return strings.ToValidUTF8(s[:maxTold], "") + "…"
}

// describe fills in what the alert's document tells by its meanings, and in which
// of its fields words stand.
func (a *Alert) describe(source []byte, words []word) error {
	type best struct {
		rank int
		text string
	}
	tells := tellsOf()
	told := make([]best, len(meanings()))
	want := func(path []byte) bool { _, ok := tells[string(path)]; return ok }
	if len(words) > 0 {
		want = nil
	}
	err := jsontext.LeavesOf(source, want, func(path, text []byte) {
		for _, t := range tells[string(path)] {
			if b := told[t.row]; b.text != "" && b.rank <= t.rank {
				continue
			}
			if v := plainly(meanings()[t.row].tells, t.escaped, string(text)); v != "" {
				told[t.row] = best{t.rank, v}
			}
		}
		if len(words) > 0 && standsIn(words, string(path), string(text)) {
			a.FoundIn = append(a.FoundIn, string(path))
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(a.FoundIn)
	a.FoundIn = slices.Compact(a.FoundIn)
	a.FoundIn = a.FoundIn[:min(len(a.FoundIn), maxFoundIn)]
	for i, b := range told {
		if b.text == "" {
			continue
		}
		switch m := meanings()[i].tells; m {
		case MeaningSourceAddress:
			a.SourceIP = b.text
		case MeaningDestinationAddress:
			a.DestinationIP = b.text
		case MeaningActingUser:
			a.SourceUser = b.text
		case MeaningTargetUser:
			a.DestinationUser = b.text
		case MeaningOtherAddress:
		case MeaningHost:
			if b.text == a.Agent.Name {
				continue
			}
			fallthrough
		default:
			if a.Event == nil {
				a.Event = map[Meaning]string{}
			}
			a.Event[m] = b.text
		}
	}
	return nil
}

// plainly returns the value of a field, in which backslashes may be escaped, as a
// person writes it, or nothing when it says nothing.
func plainly(m Meaning, escaped bool, text string) string {
	s := strings.TrimSpace(text)
	if s == "" || s == "-" {
		return ""
	}
	switch {
	case m == MeaningSourceAddress || m == MeaningDestinationAddress:
		addr, ok := addressOf(s)
		if !ok {
			return ""
		}
		return addr.String()
	case escaped:
		return unescape(s)
	}
	return s
}

// addressOf reads an address, also one with a port or in its IPv6 form.
func addressOf(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap(), true
	}
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap(), true
	}
	return netip.Addr{}, false
}

// ofFive completes a finding of Wazuh 5, which has in wazuh what is outside of
// it in an alert of Wazuh 4.
func (a *Alert) ofFive() {
	if a.Rule.ID != "" || a.Extra["wazuh"] == nil && a.Extra["event"] == nil && a.Extra["log"] == nil {
		return
	}
	var w struct {
		Agent HostRef `json:"agent"`
		Rule  struct {
			ID    Text            `json:"id"`
			Level Text            `json:"level"`
			Title string          `json:"title"`
			MITRE json.RawMessage `json:"mitre"`
			Tags  Strings         `json:"tags"`
		} `json:"rule"`
		Cluster *Cluster `json:"cluster"`
	}
	_ = json.Unmarshal(a.Extra["wazuh"], &w) // what isn't as expected stays where it is
	a.Rule.ID, a.Rule.LevelName = string(w.Rule.ID), string(w.Rule.Level)
	for _, l := range levelWords {
		if strings.EqualFold(l.word, a.Rule.LevelName) {
			a.Rule.Level = Int(l.from)
		}
	}
	if a.Rule.Description == "" {
		a.Rule.Description = w.Rule.Title
	}
	if a.Rule.Groups == nil {
		a.Rule.Groups = w.Rule.Tags
	}
	if a.Agent.ID == "" {
		a.Agent.ID, a.Agent.Name = w.Agent.ID, w.Agent.Name
	}
	if a.Cluster == nil {
		a.Cluster = w.Cluster
	}
	part := func(member string, path ...string) string {
		var v any
		if json.Unmarshal(a.Extra[member], &v) != nil {
			return ""
		}
		for _, p := range path {
			m, _ := v.(map[string]any)
			v = m[p]
		}
		s, _ := v.(string)
		return s
	}
	if a.Location == "" {
		a.Location = part("log", "file", "path")
	}
	if a.FullLog == "" {
		a.FullLog = part("event", "original")
	}
	if a.Rule.Description == "" {
		var r struct {
			Name string `json:"name"`
		}
		_ = json.Unmarshal(a.Rule.Extra["name"], &r.Name) // a rule as the Elastic Common Schema has it
		a.Rule.Description = r.Name
	}
}

// parseTime reads 2025-01-02T03:04:05.678+0000 and RFC 3339.
func parseTime(s string) (time.Time, bool) {
	layout := "2006-01-02T15:04:05.999999999-0700"
	if n := len(s); n > 0 && s[n-1] == 'Z' || n > 3 && s[n-3] == ':' {
		layout = time.RFC3339Nano
	}
	t, err := time.Parse(layout, s)
	return t.UTC(), err == nil
}

// AlertSort is an order of alerts.
type AlertSort string

// The orders of alerts.
const (
	NewestFirst AlertSort = "-timestamp"
	OldestFirst AlertSort = "+timestamp"
)

// Enum lists the values for schemas.
func (AlertSort) Enum() []any { return []any{"-timestamp", "+timestamp", "timestamp"} }

func (s AlertSort) direction() (string, error) {
	switch s {
	case NewestFirst, "":
		return "desc", nil
	case OldestFirst, "timestamp":
		return "asc", nil
	}
	return "", invalid("sort %q: want -timestamp or +timestamp", clip.Text(string(s), shownBytes))
}

// GetAlertsInput is the input of [Client.GetAlerts]. What is left out doesn't filter.
type GetAlertsInput struct {
	AlertFilter

	// -timestamp: newest first.
	Sort  AlertSort `json:"sort,omitempty"`
	Limit int       `json:"limit,omitempty" minimum:"1" maximum:"100"` // how many to return at most
	// At most 10000 with limit; cursor goes on.
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`
	Cursor Cursor `json:"cursor,omitempty"` // where the page before ended

	// The events themselves.
	IncludeFullLog bool `json:"include_full_log,omitempty"`
	// All that was decoded from them.
	IncludeRawData bool `json:"include_raw_data,omitempty"`
}

// SetDefaults fills the fields left at zero.
func (in *GetAlertsInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 10
	}
	if in.Sort == "" {
		in.Sort = NewestFirst
	}
}

// An AlertPage is one page of alerts.
type AlertPage struct {
	Alerts []*Alert `json:"alerts"` // the alerts
	// How many alerts match in all.
	Total int    `json:"total"`
	Query string `json:"query,omitempty"` // the words that were looked for
	// Whether total is only a lower bound.
	AtLeast bool `json:"total_at_least,omitempty"`
	Offset  int  `json:"offset"` // how many were skipped
	// Whether there are alerts behind this page.
	More bool `json:"more"`
	// Give it as cursor for the next page.
	NextCursor Cursor    `json:"next_cursor,omitempty"`
	Sort       AlertSort `json:"sort"` // the order
	// The first moment that start_time stands for.
	From time.Time `json:"from,omitzero"`
	// The last moment that end_time stands for.
	Until time.Time `json:"until,omitzero"`
	// What a filter was taken for, and what this Wazuh doesn't have.
	Note string `json:"note,omitempty"`
	// Why alerts may be missing from this answer; absent when none are.
	Incomplete string `json:"incomplete,omitempty"`
	// Where the words were not looked for; absent when everywhere.
	NotSearched string `json:"not_searched,omitempty" untrusted:"true"`

	ends   *turning
	unread *paging.Rows[*Alert]
}

// window is how far into its hits the indexer lets one look.
const window = 10_000

// GetAlerts returns one page of alerts, newest first unless in.Sort says
// otherwise. A page that ends beyond the first 10,000 alerts is [ErrWindow]
// unless in.Cursor leads there; [Client.Alerts] walks all of them.
//
// Wazuh indexer: POST /wazuh-alerts-*/_search, in Wazuh 5 /wazuh-findings-v5-*/_search
func (c *Client) GetAlerts(ctx context.Context, in GetAlertsInput) (*AlertPage, error) {
	return paging.Complete(c.listAlerts(ctx, in))
}

// listAlerts is GetAlerts with rows that aren't read.
func (c *Client) listAlerts(ctx context.Context, in GetAlertsInput) (*AlertPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	p, err := c.getAlerts(ctx, in, alike)
	if err == nil && p.Total == 0 {
		p.Note = c.explain(ctx, &in.AlertFilter, p.Note)
	}
	return p, err
}

// getAlerts is listAlerts for values however long they are, which match compares.
func (c *Client) getAlerts(ctx context.Context, in GetAlertsInput, match matching) (*AlertPage, error) {
	now, err := in.Cursor.now()
	if err != nil {
		return nil, err
	}
	q, err := c.alertQuery(ctx, in, now, match)
	if err != nil {
		return nil, err
	}
	return c.alertPage(ctx, q, in, now)
}

// SearchAlertsInput is the input of [Client.SearchAlerts].
type SearchAlertsInput struct {
	// Words that must all be in the alert: addresses, users, hashes, paths, commands, domains, the log line;
	// * stands for anything, "quotes" keep words together.
	Query string `json:"query" refang:"true" alias:"search" minLength:"1" maxLength:"4096"`
	// At least.
	Level int `json:"level,omitempty" minimum:"0" maximum:"16" alias:"min_level"`
	// Such as 007.
	AgentID   AgentID `json:"agent_id,omitempty"`
	StartTime When    `json:"start_time,omitempty"`                                   // from this time on
	EndTime   When    `json:"end_time,omitempty"`                                     // until this time
	Limit     int     `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"` // how many to return at most
	// At most 10000 with limit; cursor goes on.
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`
	Cursor Cursor `json:"cursor,omitempty"` // where the page before ended
	// The events themselves.
	IncludeFullLog bool `json:"include_full_log,omitempty"`
}

// SearchAlerts returns one page of the alerts that have a text, newest first.
// [Client.Alerts] walks all of them, with the text as in.Search.
//
// Wazuh indexer: POST /wazuh-alerts-*/_search, in Wazuh 5 /wazuh-findings-v5-*/_search
func (c *Client) SearchAlerts(ctx context.Context, in SearchAlertsInput) (*AlertPage, error) {
	return paging.Complete(c.findAlerts(ctx, in))
}

// findAlerts is SearchAlerts with rows that aren't read.
func (c *Client) findAlerts(ctx context.Context, in SearchAlertsInput) (*AlertPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Query) == "" {
		return nil, invalid("query is empty")
	}
	p, err := c.listAlerts(ctx, GetAlertsInput{
		AlertFilter: AlertFilter{Search: in.Query, Level: in.Level, AgentID: in.AgentID, StartTime: in.StartTime, EndTime: in.EndTime},
		Limit:       in.Limit, Offset: in.Offset, Cursor: in.Cursor, IncludeFullLog: in.IncludeFullLog,
	})
	if err != nil {
		return nil, err
	}
	p.Query = in.Query
	return p, nil
}

func (c *Client) alertPage(ctx context.Context, q *alertQuery, in GetAlertsInput, now time.Time) (*AlertPage, error) {
	s := q.search
	s.From, s.TrackTotalHits = in.Offset, true
	if err := goOn(in.Cursor, in.Offset, q.print, s); err != nil {
		return nil, err
	}
	f, err := c.searchAlerts(ctx, q.index, *s)
	if err != nil {
		return nil, q.slow(err)
	}
	p := &AlertPage{
		ends: &turning{q.print, s, f, now}, Offset: in.Offset, Sort: in.Sort, From: q.asked.from, Until: q.asked.until,
		Note: q.asked.note, Incomplete: incomplete(f, q.index), NotSearched: q.missed,
	}
	if in.Sort == "timestamp" {
		p.Sort = OldestFirst
	}
	if q.five {
		p.Incomplete = notOf4(p.Incomplete, !reflect.ValueOf(in.AlertFilter).IsZero())
	}
	hits := f.Hits.Hits
	sent := make([]json.RawMessage, len(hits))
	for i := range hits {
		sent[i], hits[i].Source = hits[i].Source, nil
	}
	paging.Where(func(p *AlertPage) *paging.Rows[*Alert] { return p.unread })
	p.unread = paging.NewRows(&p.Alerts, sent, func(i int, text json.RawMessage) (*Alert, error) {
		h := hits[i]
		h.Source = text
		return q.alert(h)
	}, func() {
		p.ends = nil
		for i := range hits {
			hits[i].Sort, hits[i].Score = nil, nil // which are parts of the body, too
		}
	})
	if t := f.Hits.Total; t != nil {
		p.Total, p.AtLeast = t.Value, t.Relation != "eq"
	}
	cursor := p.ends.next()
	if p.More = cursor != "" && (in.Cursor != "" || p.AtLeast || more(in.Offset, len(hits), p.Total)); p.More {
		p.NextCursor = cursor
	}
	return p, nil
}

// notOf4 adds to why, which may be empty, what is true of every answer about the
// findings of a Wazuh 5.
func notOf4(why string, filtered bool) string {
	s := "these are findings of Wazuh 5: what they don't call as the alerts of Wazuh 4 do is passed on as it came, and fields such as rule and agent can be empty"
	if filtered {
		s = "these are findings of Wazuh 5; filters and counts look at the names that Wazuh 4 gives to fields and at a few of the Elastic Common Schema, so that findings can be missing"
	}
	return strings.TrimPrefix(why+"; "+s, "; ")
}

// keepAlive is for how long the indexer is to keep a state between two pages.
const keepAlive = "5m"

// Alerts returns an iterator over every alert that in matches, from in.Offset
// on, however many there are, in constant memory. in.Limit is how many it
// fetches at a time, 500 unless given. It walks the alerts as they are when it
// begins, if the user may have the indexer keep that state; if not, it walks
// what there is by then, in which what arrives shifts nothing either. When part
// of the indexer didn't answer, its last yield is [ErrIncomplete].
func (c *Client) Alerts(ctx context.Context, in GetAlertsInput) iter.Seq2[*Alert, error] {
	in.MITREIDs = append([]string(nil), in.MITREIDs...)
	if err := input.PrepareWalk(&in, &in.Limit, 500, ErrInvalid); err != nil {
		return paging.Failed[*Alert](err)
	}
	_, resumed := resume.Asked(ctx)
	if resumed {
		in.Offset = 0
	}
	return func(yield func(*Alert, error) bool) {
		if in.Offset+in.Limit > window {
			yield(nil, fmt.Errorf("%w: the iterator can begin at most %d alerts from the first", ErrWindow, window-in.Limit))
			return
		}
		var (
			q       *alertQuery
			now     time.Time
			page    int
			kept    *indexer.Pit // of all pages but the first
			missing string
		)
		defer func() {
			if kept != nil {
				c.letGo(ctx, kept.ID)
			}
		}()
		for h, err := range paging.ByCursor(ctx, func(ctx context.Context, from Cursor) ([]indexer.Hit, Cursor, func(int) Cursor, error) {
			var err error
			offset := 0
			switch page++; {
			case page == 1:
				if from == "" {
					from, offset = in.Cursor, in.Offset
				}
				if now, err = from.now(); err != nil {
					return nil, "", nil, err
				}
				if q, err = c.alertQuery(ctx, in, now, alike); err != nil {
					return nil, "", nil, err
				}
			case page == 2:
				kept = c.snapshot(ctx, q.index)
			}
			s := *q.search
			s.From, s.Pit = offset, kept
			if err := goOn(from, offset, q.print, &s); err != nil {
				return nil, "", nil, err
			}
			f, err := c.searchAlerts(ctx, q.index, s)
			if err != nil {
				return nil, "", nil, err
			}
			if f.PitID != "" && kept != nil {
				kept.ID = f.PitID
			}
			if why := incomplete(f, q.index); why != "" {
				missing = why
			}
			ends := &turning{q.print, &s, f, now}
			end := ends.next()
			if end == "" && len(f.Hits.Hits) == in.Limit {
				err = errors.New("wazuh: alerts: the indexer's hits have no sort values to go on from")
			}
			return f.Hits.Hits, end, ends.behind, err
		}) {
			var a *Alert
			if err == nil {
				a, err = q.alert(h)
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
		if missing != "" {
			yield(nil, fmt.Errorf("%w: %s", ErrIncomplete, missing))
		}
	}
}

// snapshot has the indexer keep the present state of the alerts. It returns nil
// when the user may not, or the indexer can't.
func (c *Client) snapshot(ctx context.Context, index string) *indexer.Pit {
	kept, err := httpx.JSON[indexer.Snapshot](c.indexer.OpenSnapshot(ctx, index, indexer.OpenSnapshotParams{KeepAlive: keepAlive}))
	if err != nil || kept.PitID == "" {
		return nil
	}
	return &indexer.Pit{ID: kept.PitID, KeepAlive: keepAlive}
}

// letGo lets go of a kept state, even if the caller has left. If that fails
// the indexer does it after [keepAlive].
func (c *Client) letGo(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = c.indexer.CloseSnapshots(ctx, indexer.ClosedSnapshots{PitID: []string{id}})
}

// listed are the members of an alert that a list returns.
var listed = sync.OnceValue(func() []string {
	return slices.Concat([]string{
		"id", "timestamp", "@timestamp", "rule.id", "rule.level", "rule.description", "rule.groups", "rule.mitre", "rule.firedtimes", "rule.frequency",
		"agent.id", "agent.name", "agent.labels", "manager.name", "cluster", "location", "decoder.name", "decoder.parent", "syscheck.path", "syscheck.event",
	}, tellersOfAll())
})

// An alertQuery is a search for alerts, without its total and where it begins.
type alertQuery struct {
	index  string
	five   bool
	asked  *asked
	search *indexer.Search
	print  string   // says what is searched for, wherever the words are looked for
	others []clause // what must match beside the words
	words  []word
	missed string // where the words were not looked for
	log    bool   // whether the events themselves are wanted
	data   bool
}

// alertQuery returns the search for in, whose names match compares.
func (c *Client) alertQuery(ctx context.Context, in GetAlertsInput, now time.Time, match matching) (*alertQuery, error) {
	direction, err := in.Sort.direction()
	if err != nil {
		return nil, err
	}
	offset := in.Offset
	if in.Cursor != "" {
		offset = 0
	}
	if err := checkWindow(in.Limit, offset); err != nil { // before the indexer is asked for its fields
		return nil, err
	}
	q := &alertQuery{log: in.IncludeFullLog, data: in.IncludeRawData}
	clauses, err := c.filtered(ctx, q, &in.AlertFilter, now, match)
	if err != nil {
		return nil, err
	}
	// An alert's own id is its manager's: with it and the manager no two are alike.
	q.search, err = newSearch(clauses, in.Limit, offset, []order{{timeField, direction, "date"}, {"id", direction, "keyword"}, {"manager.name", direction, "keyword"}})
	if err != nil {
		return nil, err
	}
	q.search.TrackTotalHits = false
	same, err := raw([]any{q.others, in.Search})
	if err != nil {
		return nil, err
	}
	q.print = fingerprint(q.index, &indexer.Search{Query: same, Sort: q.search.Sort})
	switch {
	case len(q.words) > 0 || q.five || q.data: // to tell where they stand; of findings little is known of the names they have
		q.search.Source = nil
		if !q.log && len(q.words) == 0 {
			q.search.Source = &indexer.Source{Excludes: []string{"full_log", "event.original"}}
		}
	default:
		q.search.Source = &indexer.Source{Includes: listed()}
		if q.log {
			q.search.Source.Includes = append(slices.Clone(listed()), "full_log")
		}
	}
	return q, nil
}

// slow adds to the error of a search for words that took too long what makes it
// shorter.
func (q *alertQuery) slow(err error) error {
	var late net.Error
	if len(q.words) == 0 || !errors.As(err, &late) || !late.Timeout() {
		return err
	}
	what := "words are looked for in all alerts; give start_time"
	if !q.asked.from.IsZero() {
		what = "give a later start_time, or fewer words"
	}
	return fmt.Errorf("%w; %s", err, what)
}

// filtered makes the clauses of a filter, whose names match compares, and notes in
// q what they mean.
func (c *Client) filtered(ctx context.Context, q *alertQuery, f *AlertFilter, now time.Time, match matching) ([]clause, error) {
	// What is wrong in a filter is told before anything is asked for.
	kind := func(path string) fieldKind { return templated()[path] }
	if _, err := f.ask(now, c.zone, true, kind, match); err != nil {
		return nil, err
	}
	if f.Search != "" {
		if _, err := wordsOf("search", f.Search); err != nil {
			return nil, err
		}
	}
	var err error
	if q.index, q.five, err = c.alertIndex(ctx); err != nil {
		return nil, err
	}
	if f.hasNetwork() {
		kind = c.fields(ctx, q.index).kind
	}
	if q.asked, err = f.ask(now.Truncate(time.Millisecond), c.zone, q.five, kind, match); err != nil {
		return nil, err
	}
	clauses := q.asked.clauses
	if templateNestings.reach(clauses) {
		clauses = c.fields(ctx, q.index).nested.in(clauses)
	}
	if c.label != nil {
		clauses = append(clauses, c.label)
	}
	q.others = slices.Clip(clauses)
	if f.Search != "" {
		t, err := c.textIn(ctx, q.index, "search", f.Search, clauses)
		if err != nil {
			return nil, err
		}
		clauses = append(clauses, t.clauses...)
		q.words, q.missed = t.words, t.missed
		q.asked.note = strings.Trim(q.asked.note+"; "+notOperators(t.words), "; ")
	}
	return clauses, nil
}

// maxFoundIn is how many fields are named in which the words stand.
const maxFoundIn = 8

// alert reads a hit for a list.
func (q *alertQuery) alert(h indexer.Hit) (*Alert, error) {
	if !q.five && !q.data {
		return listedAlert(h, q.log, q.words)
	}
	a, err := wholeAlert(h, q.data, q.words)
	if err == nil && !q.log {
		a.FullLog = ""
	}
	return a, err
}

// listedPart is what a list says of file integrity monitoring.
func listedPart(syscheck json.RawMessage) json.RawMessage {
	var s struct {
		Path  json.RawMessage `json:"path,omitempty"`
		Event json.RawMessage `json:"event,omitempty"`
	}
	if len(syscheck) == 0 || json.Unmarshal(syscheck, &s) != nil {
		return nil
	}
	b, err := raw(s)
	if err != nil {
		return nil
	}
	return b
}

const (
	alertIndex   = "wazuh-alerts-*"
	findingIndex = "wazuh-findings-v5-*" // of Wazuh 5
)

// alertIndex returns the pattern of the indices that hold alerts, and whether
// they are findings of Wazuh 5.
func (c *Client) alertIndex(ctx context.Context) (string, bool, error) {
	if c.indexer == nil {
		return "", false, ErrNoIndexer
	}
	five, err := c.five(ctx)
	switch {
	case err != nil:
		return "", false, err
	case c.alerts != "":
		return c.alerts, five, nil
	case five:
		return findingIndex, true, nil
	}
	return alertIndex, false, nil
}

func (c *Client) searchAlerts(ctx context.Context, index string, s indexer.Search) (*indexer.Found, error) {
	if s.Pit == nil && index != alertIndex {
		return c.searchIndex(ctx, index, s)
	}
	return found(ctx, s, func(ctx context.Context, s indexer.Search) (*httpx.Response, error) {
		if s.Pit != nil {
			return c.indexer.SearchSnapshot(ctx, s)
		}
		return c.indexer.SearchAlerts(ctx, s)
	})
}

// incomplete says why hits may be missing from f, or nothing.
func incomplete(f *indexer.Found, index string) string {
	switch n := f.Shards.Failed; {
	case n > 0:
		s := fmt.Sprintf("%d of %d shards failed", n, f.Shards.Total)
		for _, x := range f.Shards.Failures {
			if x.Reason.Reason != "" {
				return s + ": " + oneLine(x.Reason.Reason)
			}
		}
		return s
	case f.TimedOut:
		return "the search ran out of time"
	case f.Clusters != nil && f.Clusters.Skipped > 0:
		return fmt.Sprintf("%d of %d clusters that %s names could not be reached and were left out", f.Clusters.Skipped, f.Clusters.Total, index)
	case f.Shards.Total == 0:
		return "no index matches " + index + ": nothing has been indexed yet, or this user may not see it"
	}
	return ""
}

// GetAlertInput is the input of [Client.GetAlert].
type GetAlertInput struct {
	// Of its document, or its own, such as 1735787045.12345.
	AlertID string `json:"alert_id" alias:"id" pattern:"^[A-Za-z0-9._:-]{1,256}$"`
	// The event itself.
	IncludeFullLog bool `json:"include_full_log,omitempty"`
	// What was decoded from the event.
	IncludeRawData bool `json:"include_raw_data,omitempty"`
}

var alertID = lazyregexp.New(`^[A-Za-z0-9._:-]{1,256}$`)

// GetAlert returns one alert, found by the id of its document or by its own.
// An unknown one is [ErrNotFound]; an own id that alerts of several managers
// have is [ErrInvalid].
//
// Wazuh indexer: POST /wazuh-alerts-*/_search
func (c *Client) GetAlert(ctx context.Context, in GetAlertInput) (*Alert, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if !alertID.MatchString(in.AlertID) {
		return nil, invalid("alert_id %q is not an alert's id", clip.Text(in.AlertID, shownBytes))
	}
	match := anyOf(clause{"ids": clause{"values": []string{in.AlertID}}}, term("id", in.AlertID))
	if c.label != nil {
		match = clause{"bool": clause{"filter": []clause{match, c.label}}}
	}
	query, err := raw(match)
	if err != nil {
		return nil, err
	}
	s := indexer.Search{Query: query, Size: size(10)}
	if !in.IncludeFullLog {
		s.Source = &indexer.Source{Excludes: []string{"full_log", "event.original"}}
	}
	index, _, err := c.alertIndex(ctx)
	if err != nil {
		return nil, err
	}
	f, err := c.searchAlerts(ctx, index, s)
	if err != nil {
		return nil, err
	}
	hits := f.Hits.Hits
	for i, h := range hits {
		if h.ID == in.AlertID {
			hits = hits[i : i+1]
			break
		}
	}
	switch why := incomplete(f, index); {
	case len(hits) == 0 && why != "":
		return nil, fmt.Errorf("%w, so that alert %s may or may not exist: %s", ErrIncomplete, in.AlertID, why)
	case len(hits) == 0:
		return nil, fmt.Errorf("%w: there is no alert %s", ErrNotFound, in.AlertID)
	case len(hits) > 1:
		ids := make([]string, len(hits))
		for i, h := range hits {
			ids[i] = h.ID
		}
		slices.Sort(ids)
		return nil, invalid("%d alerts have the id %s; take one of their documents': %s", len(hits), in.AlertID, strings.Join(ids, ", "))
	}
	return alertOf(hits[0], in.IncludeRawData)
}
