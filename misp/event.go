package misp

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// An EventRef names an event: its id ("42") or its UUID.
type EventRef string

const eventPattern = `^([1-9][0-9]{0,9}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$`

var eventRegexp = lazyregexp.New(eventPattern)

// Pattern is the form of an EventRef, for schemas. The id 0 isn't one: MISP
// would answer with the first event it has.
func (EventRef) Pattern() string { return eventPattern }

func (r EventRef) check() error {
	if !eventRegexp.MatchString(string(r)) {
		return invalid("eventId: %q is neither an event's id nor its UUID", clip.Text(string(r), 60))
	}
	return nil
}

// path is r as MISP wants it: it takes UUIDs in lower case only.
func (r EventRef) path() string { return strings.ToLower(string(r)) }

// An Event is a report: attributes and objects that belong together, with
// their context.
type Event struct {
	ID   ID     `json:"id"`                    // its id
	UUID string `json:"uuid"`                  // its UUID
	Info string `json:"info" untrusted:"true"` // what the event is about
	// YYYY-MM-DD.
	Date string `json:"date,omitempty"`
	// 1 high, 2 medium, 3 low, 4 undefined.
	ThreatLevel ThreatLevel `json:"threat_level_id"`
	// 0 initial, 1 ongoing, 2 complete.
	Analysis Analysis `json:"analysis"`
	// 0 own organisation, 1 this community, 2 connected communities, 3 all communities, 4 a sharing group.
	Distribution   Distribution `json:"distribution"`
	SharingGroupID ID           `json:"sharing_group_id,omitempty"` // the sharing group that sees it, where its distribution says so
	Published      Bool         `json:"published"`                  // whether it is published
	// How many attributes the event has, those in objects included.
	AttributeCount Int `json:"attribute_count"`
	// When it was changed last.
	Timestamp time.Time `json:"timestamp,format:unix"`
	// When it was published last.
	PublishTimestamp time.Time `json:"publish_timestamp,omitzero,format:unix"`
	OrgID            ID        `json:"org_id,omitempty"`  // the organisation that has it here
	OrgcID           ID        `json:"orgc_id,omitempty"` // the organisation that made it
	// Whose event it is on this server.
	Org *Organisation `json:"Org,omitempty"`
	// Who made it.
	Orgc         *Organisation    `json:"Orgc,omitempty"`
	SharingGroup *SharingGroup    `json:"SharingGroup,omitempty"` // the sharing group that sees it
	Tags         List[*Tag]       `json:"Tag,omitempty"`          // its tags
	Attributes   List[*Attribute] `json:"Attribute,omitempty"`    // the attributes
	Objects      List[*Object]    `json:"Object,omitempty"`       // the objects
	// Events that MISP correlates with this one.
	Correlated List[*Correlated] `json:"RelatedEvent,omitempty"`
	// What the galaxy tags stand for.
	Galaxies List[json.RawMessage] `json:"Galaxy,omitempty" untrusted:"true"`
	// Attributes that others propose.
	Proposals List[json.RawMessage] `json:"ShadowAttribute,omitempty" untrusted:"true"`
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// atOnce is how many attributes of an event are read at once.
const atOnce = 1000

// contents walks the attributes of e that have tags, all for none, a page at a
// time, so that an event of any size takes the memory of one page.
func (c *Client) contents(ctx context.Context, e *Event, tags tagQuery) iter.Seq2[*Attribute, error] {
	return paging.ByNumber(ctx, 1, atOnce, maxWalked, func(a *Attribute) int64 { return idNumber(a.ID) }, func(ctx context.Context, page, limit int) (paging.NumberedPage[*Attribute], error) {
		p, err := c.searchAttributes(ctx, wire.AttributeSearch{EventID: string(e.ID), Tags: tags.wire(), IncludeWarninglistHits: 1, Page: page, Limit: limit})
		if err != nil {
			return paging.NumberedPage[*Attribute]{}, fmt.Errorf("misp: what is in event %s: %w", e.ID, err)
		}
		rows := slices.DeleteFunc(p.Attributes, func(a *Attribute) bool { return a == nil || bool(a.Deleted) || a.EventID != e.ID })
		return paging.NumberedPage[*Attribute]{Items: rows, High: p.high, Low: p.low, More: p.More, Room: p.part}, nil
	})
}

// maker is the name of the organisation that made e.
func (e *Event) maker() string {
	if e.Orgc != nil && e.Orgc.Name != "" {
		return e.Orgc.Name
	}
	return "organisation " + string(e.OrgcID)
}

// target is e as a plan shows it.
func (e *Event) target() gate.Target {
	return gate.Target{Kind: "event", ID: string(e.ID), Name: fmt.Sprintf("%s (by %s, %s)", e.Info, e.maker(), e.Date)}
}

// whole is e as a plan shows it that is about all that is in it: any
// change to it makes an approval stale.
func (e *Event) whole() gate.Target {
	t := e.target()
	t.Version = fmt.Sprintf("changed %d, published %s, for %s", jsoncodec.Unix(e.Timestamp), yes(bool(e.Published)), e.Distribution)
	return t
}

// An EventSummary is what other answers say of an event. What they leave out is
// nil or empty.
type EventSummary struct {
	ID   ID     `json:"id"`                    // its id
	UUID string `json:"uuid,omitempty"`        // its UUID
	Info string `json:"info" untrusted:"true"` // what the event is about
	Date string `json:"date,omitempty"`        // the day it is of, as 2006-01-02
	// 1 high, 2 medium, 3 low, 4 undefined.
	ThreatLevel      *ThreatLevel  `json:"threat_level_id,omitempty"`
	Analysis         *Analysis     `json:"analysis,omitempty"`                     // how far its analysis is
	Distribution     *Distribution `json:"distribution,omitempty"`                 // who may see it
	Published        *Bool         `json:"published,omitempty"`                    // whether it is published; nil: it was not told
	AttributeCount   *Int          `json:"attribute_count,omitempty"`              // how many attributes it has
	PublishTimestamp time.Time     `json:"publish_timestamp,omitzero,format:unix"` // when it was published last
	Orgc             *Organisation `json:"Orgc,omitempty"`                         // the organisation that made it
	Tags             List[*Tag]    `json:"Tag,omitempty"`                          // its tags
	// Galaxy clusters that it has no tag of.
	Galaxies List[json.RawMessage] `json:"Galaxy,omitempty" untrusted:"true"`
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An EventHead is what an attribute says of an event. The rest of it is in Extra.
type EventHead struct {
	ID   ID     `json:"id"`                    // its id
	UUID string `json:"uuid,omitempty"`        // its UUID
	Info string `json:"info" untrusted:"true"` // what the event is about
	Date string `json:"date,omitempty"`        // the day it is of, as 2006-01-02

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// summary is e with what its Extra has of a summary.
func (e *EventHead) summary() *EventSummary {
	s := &EventSummary{}
	if b, err := json.Marshal(e); err != nil || json.Unmarshal(b, s) != nil {
		return &EventSummary{ID: e.ID, UUID: e.UUID, Info: e.Info, Date: e.Date}
	}
	return s
}

// Correlated is an event that MISP itself correlates with another.
type Correlated struct {
	Event EventSummary `json:"Event"` // the event

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An Organisation owns events or makes them.
type Organisation struct {
	ID    ID     `json:"id"`                    // its id
	Name  string `json:"name" untrusted:"true"` // its name
	UUID  string `json:"uuid,omitempty"`        // its UUID
	Local *Bool  `json:"local,omitempty"`       // whether it has users on this server

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A SharingGroup is a closed circle of organisations.
type SharingGroup struct {
	ID            ID     `json:"id"`                                       // its id
	Name          string `json:"name" untrusted:"true"`                    // its name
	Releasability string `json:"releasability,omitempty" untrusted:"true"` // to whom it may be passed on
	UUID          string `json:"uuid,omitempty"`                           // its UUID
	Active        *Bool  `json:"active,omitempty"`                         // whether it is in use

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Tag is a label of an event or an attribute.
type Tag struct {
	Name      string `json:"name" untrusted:"true"` // its name
	Local     Bool   `json:"local,omitempty"`       // whether it stays on this server
	Inherited Bool   `json:"inherited,omitempty"`   // whether an attribute has it from its event

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetEventInput is the input of [Client.GetEvent].
type GetEventInput struct {
	EventID EventRef `json:"eventId" alias:"id,uuid"` // the event
}

// Validate refuses what isn't the name of an event.
func (in GetEventInput) Validate() error { return in.EventID.check() }

// GetEvent returns one event with all that is in it. One that doesn't exist,
// or that the key may not see, is [ErrNotFound].
//
// MISP: GET /events/view/{eventId}
func (c *Client) GetEvent(ctx context.Context, in GetEventInput) (*Event, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	type answer struct {
		Event *Event `json:"Event"`
	}
	ref := in.EventID.path()
	a, err := httpx.JSON[answer](c.has("Event")(c.wire.GetEvent(ctx, ref)))
	if err != nil {
		return nil, err
	}
	if e := a.Event; e == nil || string(e.ID) != ref && !strings.EqualFold(e.UUID, ref) {
		return nil, fmt.Errorf("misp: getEvent: asked for event %s and was given another", ref)
	}
	return a.Event, nil
}
