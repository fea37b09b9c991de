package misp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// CorrelateInput is the input of [Client.Correlate].
type CorrelateInput struct {
	// Address, domain, hash, …: exactly this, in any case.
	Value            string `json:"value" minLength:"1" maxLength:"4096"`
	IncludeSightings bool   `json:"includeSightings,omitempty"` // with the sightings of each
	// Newest first.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"100"`
}

// Validate refuses a value that MISP would take for everything.
func (in CorrelateInput) Validate() error {
	return checkFilter("value", in.Value)
}

// A Correlation says where a value was found.
type Correlation struct {
	Value string `json:"value" untrusted:"true"` // its value
	// The events that have the value, newest first, each once.
	Events []*CorrelatedEvent `json:"events"`
	// The values that MISP was asked for, if not just the one given.
	Searched []string `json:"searched,omitempty" untrusted:"true"`
	// How many events are listed.
	TotalEvents int `json:"totalEvents"`
	// How many attributes of theirs have the value.
	TotalAttributes int `json:"totalAttributes"`
	// Attributes that MISP correlates with it, and of an address the networks it is in, of a network its
	// addresses.
	Related []*RelatedAttribute `json:"related,omitempty"`
	// Whether there may be more than is listed.
	Truncated bool `json:"truncated"`
	// What was left out.
	Reason string `json:"truncationReason,omitempty"`
}

// A CorrelatedEvent is an event that has a value, with the attributes that have it.
type CorrelatedEvent struct {
	Event      EventSummary `json:"event"`      // the event
	Attributes []*Attribute `json:"attributes"` // the attributes
}

// Correlate finds the events that have a value, alone, in a composite attribute
// or in an object.
//
// MISP: POST /attributes/restSearch
func (c *Client) Correlate(ctx context.Context, in CorrelateInput) (*Correlation, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	list, more, err := c.withValue(ctx, in.Value, wire.AttributeSearch{
		IncludeCorrelations: 1, IncludeContext: 1, IncludeSightings: number(in.IncludeSightings), Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := &Correlation{Value: strings.TrimSpace(in.Value), Events: []*CorrelatedEvent{}, TotalAttributes: len(list), Truncated: more}
	if more {
		out.Reason = fmt.Sprintf("only the newest %d attributes were looked at; ask for more with limit, or page through misp_search_attributes", in.Limit)
	}
	if out.Searched = find(in.Value).ask; len(out.Searched) == 1 && out.Searched[0] == out.Value {
		out.Searched = nil
	}
	at := map[ID]*CorrelatedEvent{}
	direct := map[ID]bool{}
	for _, a := range list {
		e := at[a.EventID]
		if e == nil {
			e = &CorrelatedEvent{Event: EventSummary{ID: a.EventID}}
			if a.Event != nil {
				e.Event = *a.Event.summary()
			}
			at[a.EventID] = e
			out.Events = append(out.Events, e)
		}
		e.Attributes = append(e.Attributes, a)
		direct[a.ID] = true
	}
	for _, a := range list {
		for _, r := range a.Related {
			if r != nil && !direct[r.ID] {
				direct[r.ID] = true
				out.Related = append(out.Related, r)
			}
		}
		a.Event, a.Related = nil, nil // said once, above
	}
	near, more, err := c.network(ctx, in)
	if err != nil {
		return nil, err
	}
	for _, a := range near {
		if !direct[a.ID] {
			direct[a.ID] = true
			ids := a.ToIDs
			out.Related = append(out.Related, &RelatedAttribute{ID: a.ID, UUID: a.UUID, EventID: a.EventID, Type: a.Type, Category: a.Category, Value: a.Value, ToIDs: &ids, Event: a.Event})
		}
	}
	if more {
		out.Truncated = true
		out.Reason = strings.TrimPrefix(out.Reason+fmt.Sprintf("; only the newest %d attributes of the network were looked at", in.Limit), "; ")
	}
	out.TotalEvents = len(out.Events)
	slices.SortStableFunc(out.Events, func(a, b *CorrelatedEvent) int { return newer(&a.Event, &b.Event) })
	return out, nil
}

// network returns the attributes that are a network in which in.Value, an address,
// is, or that are in it, if it is a network. MISP doesn't link them by default.
func (c *Client) network(ctx context.Context, in CorrelateInput) ([]*Attribute, bool, error) {
	a, p, ok := network(in.Value)
	if !ok {
		return nil, false, nil
	}
	ask, keep := networksOf(a), func(*Attribute) bool { return true }
	if !a.IsValid() {
		pattern := addressesOf(p)
		if pattern == "" {
			return nil, false, nil
		}
		ask, keep = []string{like(pattern)}, func(x *Attribute) bool { return x.within(p) }
	}
	found, err := c.searchAttributes(ctx, wire.AttributeSearch{Value: ask, Page: 1, Limit: in.Limit})
	if err != nil {
		return nil, false, err
	}
	return slices.DeleteFunc(found.Attributes, func(x *Attribute) bool { return x == nil || !keep(x) }), found.More, nil
}

// withValue returns the attributes that have exactly value, whole or as a part,
// and whether MISP may have more.
func (c *Client) withValue(ctx context.Context, value string, q wire.AttributeSearch) ([]*Attribute, bool, error) {
	l := find(value)
	q.Value, q.Page = l.ask, 1
	p, err := c.searchAttributes(ctx, q)
	if err != nil {
		return nil, false, err
	}
	// A wildcard in the value, or only one of its parts, finds more than it.
	list := slices.DeleteFunc(p.Attributes, func(a *Attribute) bool { return a == nil || !l.has(a) })
	return list, p.More, nil
}

// newer orders events by date and id, the newest first.
func newer(a, b *EventSummary) int {
	return cmp.Or(cmp.Compare(b.Date, a.Date), cmp.Compare(idNumber(b.ID), idNumber(a.ID)))
}

func idNumber(id ID) int64 {
	n, err := strconv.ParseInt(string(id), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// GetRelatedEventsInput is the input of [Client.GetRelatedEvents]. It takes
// either an event or a value.
type GetRelatedEventsInput struct {
	// This or value.
	EventID EventRef `json:"eventId,omitempty"`
	// This or eventId.
	Value             string `json:"value,omitempty" refang:"true" maxLength:"4096"`
	MaxAttributes     int    `json:"maxAttributes,omitempty" minimum:"1" maximum:"100" default:"20"`      // how many of its attributes to go by
	PerAttributeLimit int    `json:"perAttributeLimit,omitempty" minimum:"1" maximum:"500" default:"100"` // how many events to find by each
}

// Validate refuses a call for both, or for neither, and a value that MISP would
// take for everything.
func (in GetRelatedEventsInput) Validate() error {
	switch {
	case (in.EventID == "") == (in.Value == ""):
		return invalid("give either eventId or value")
	case in.EventID != "":
		return in.EventID.check()
	}
	return checkFilter("value", in.Value)
}

// RelatedEvents are the events that share values with an event, or have one.
type RelatedEvents struct {
	// The event that was asked about.
	EventID   ID     `json:"eventId,omitempty"`
	EventInfo string `json:"eventInfo,omitempty" untrusted:"true"` // what the event itself is about
	// The value that was asked about.
	Value string `json:"value,omitempty" untrusted:"true"`
	// The related events, those that share most first.
	Events []*RelatedEvent `json:"events"`
	// How many are listed.
	Total int `json:"total"`
	// Whether there may be more than is listed.
	Truncated bool `json:"truncated"`
	// What was left out.
	Reason string `json:"truncationReason,omitempty" untrusted:"true"`
}

// A RelatedEvent is an event that shares values with another.
type RelatedEvent struct {
	Event EventSummary `json:"event"` // the event
	// The values that were found in it.
	Shared []string `json:"sharedValues" untrusted:"true"`
	// How many those are.
	Count int `json:"count"`
	// Whether MISP itself correlates it with the event.
	Correlated bool `json:"correlated,omitempty"`
}

// maxSeeded bounds the attributes that are looked at of an event too large to be read
// whole.
const maxSeeded = 500

// GetRelatedEvents finds the events that share values with an event, by MISP's
// own correlation and by the values meant for detection, or those that have a
// value. The event itself isn't among them. It takes two requests, however many values
// there are, unless the event is very large or one of them is in very many events.
//
// MISP: POST /events/restSearch, /attributes/restSearch
func (c *Client) GetRelatedEvents(ctx context.Context, in GetRelatedEventsInput) (*RelatedEvents, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	out := &RelatedEvents{}
	found := relatives{}
	var values, reasons []string
	if in.Value != "" {
		out.Value = strings.TrimSpace(in.Value)
		values = []string{out.Value}
	} else {
		e, cut, err := c.withAttributes(ctx, in.EventID)
		if err != nil {
			return nil, err
		}
		out.EventID, out.EventInfo = e.ID, e.Info
		if cut {
			reasons = append(reasons, fmt.Sprintf("only the newest %d attributes of the event were looked at", maxSeeded))
		}
		for _, r := range e.Correlated {
			if r != nil && r.Event.ID != e.ID && r.Event.ID != "" {
				found[r.Event.ID] = &RelatedEvent{Event: r.Event, Shared: []string{}, Correlated: true}
			}
		}
		values = seeds(e.Attributes)
		if n := len(values); n > in.MaxAttributes {
			values = values[:in.MaxAttributes]
			reasons = append(reasons, fmt.Sprintf("only %d of the event's %d values for detection were looked up (maxAttributes)", in.MaxAttributes, n))
		}
	}
	more, err := c.sharing(ctx, in, values, out.EventID, found)
	if err != nil {
		return nil, err
	}
	out.Events = found.sorted()
	out.Total = len(out.Events)
	reasons = append(reasons, more...)
	out.Truncated, out.Reason = len(reasons) > 0, clip.Text(strings.Join(reasons, "; "), 1000)
	return out, nil
}

// withAttributes returns an event with its attributes as they were added, those in objects
// among them. To MISP a request costs more than what is in most events, since each time
// it hashes the key anew: so it is one, unless the answer is too large. Then the
// attributes are the newest, and cut reports whether there are more.
func (c *Client) withAttributes(ctx context.Context, ref EventRef) (e *Event, cut bool, err error) {
	e, err = c.event(ctx, ref, wire.EventSearch{Flatten: 1, ExcludeGalaxy: 1, NoEventReports: 1, NoShadowAttributes: 1, SgReferenceOnly: 1})
	if tooLarge(err) {
		if e, err = c.summary(ctx, ref); err != nil {
			return nil, false, err
		}
		var p *AttributePage
		if p, err = c.searchAttributes(ctx, wire.AttributeSearch{EventID: string(e.ID), Page: 1, Limit: maxSeeded}); err == nil {
			e.Attributes, cut = p.Attributes, p.More
		}
	}
	if err != nil {
		return nil, false, err
	}
	e.Attributes = slices.DeleteFunc(e.Attributes, func(a *Attribute) bool { return a == nil || bool(a.Deleted) })
	slices.SortFunc(e.Attributes, func(a, b *Attribute) int { return cmp.Compare(idNumber(a.ID), idNumber(b.ID)) })
	return e, cut, nil
}

// sharing puts into found the events, other than one, that have one of values,
// and says what was left out.
func (c *Client) sharing(ctx context.Context, in GetRelatedEventsInput, values []string, except ID, found relatives) (reasons []string, err error) {
	if len(values) == 0 {
		return nil, nil
	}
	add := func(v string, l lookup, list []*Attribute) {
		for _, a := range list {
			if a != nil && a.EventID != except && l.has(a) {
				found.at(a.EventID, a.Event).share(v)
			}
		}
	}
	var asks []string
	lookups := make([]lookup, len(values))
	for i, v := range values {
		lookups[i] = find(v)
		asks = append(asks, lookups[i].ask...)
	}
	if len(values) > 1 {
		all, err := c.searchAttributes(ctx, wire.AttributeSearch{Value: asks, IncludeContext: 1, Page: 1, Limit: maxAtOnce})
		if err != nil {
			return nil, err
		}
		if !all.More {
			for i, v := range values {
				list := all.Attributes
				n := 0
				list = slices.DeleteFunc(slices.Clone(list), func(a *Attribute) bool {
					if a == nil || !lookups[i].has(a) {
						return true
					}
					n++
					return n > in.PerAttributeLimit
				})
				if n >= in.PerAttributeLimit {
					reasons = append(reasons, fmt.Sprintf("only the newest %d attributes with %s were looked at (perAttributeLimit)", in.PerAttributeLimit, clip.Text(v, 80)))
				}
				add(v, lookups[i], list)
			}
			return reasons, nil
		}
	}
	for i, v := range values { // one of them is in very many: each by itself
		p, err := c.searchAttributes(ctx, wire.AttributeSearch{Value: lookups[i].ask, IncludeContext: 1, Page: 1, Limit: in.PerAttributeLimit})
		if err != nil {
			return nil, err
		}
		if p.More {
			reasons = append(reasons, fmt.Sprintf("only the newest %d attributes with %s were looked at (perAttributeLimit)", in.PerAttributeLimit, clip.Text(v, 80)))
		}
		add(v, lookups[i], p.Attributes)
	}
	return reasons, nil
}

// maxAtOnce bounds the attributes that are read to find several values at once.
const maxAtOnce = 2000

// seeds returns the values among list that are meant for detection, each once. Of
// a composite value the telling parts count: not a file's name, not a port.
func seeds(attributes []*Attribute) []string {
	var list []string
	seen := map[string]bool{}
	add := func(v string) {
		if k := strings.ToLower(v); !seen[k] && checkFilter("", v) == nil {
			seen[k] = true
			list = append(list, v)
		}
	}
	for _, a := range attributes {
		if a == nil || !bool(a.ToIDs) {
			continue
		}
		parts := a.parts()
		if len(parts) == 1 {
			add(a.Value)
			continue
		}
		for _, p := range parts[1:] {
			switch p.typ {
			case "filename", "port", "value":
			default:
				add(p.value)
			}
		}
	}
	return list
}

// relatives are events by their id.
type relatives map[ID]*RelatedEvent

func (r relatives) at(id ID, e *EventHead) *RelatedEvent {
	if r[id] == nil {
		r[id] = &RelatedEvent{Event: EventSummary{ID: id}, Shared: []string{}}
		if e != nil {
			r[id].Event = *e.summary()
		}
	}
	return r[id]
}

func (r *RelatedEvent) share(v string) {
	if !slices.Contains(r.Shared, v) {
		r.Shared = append(r.Shared, v)
		r.Count++
	}
}

func (r relatives) sorted() []*RelatedEvent {
	list := make([]*RelatedEvent, 0, len(r))
	for _, e := range r {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *RelatedEvent) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), newer(&a.Event, &b.Event), cmp.Compare(a.Event.ID, b.Event.ID))
	})
	return list
}
