package misp

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
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
	ID               ID                    `json:"id"`
	UUID             string                `json:"uuid"`
	Info             string                `json:"info" untrusted:"true"`
	Date             string                `json:"date,omitempty" jsonschema:"YYYY-MM-DD."`
	ThreatLevel      ThreatLevel           `json:"threat_level_id" jsonschema:"1 high, 2 medium, 3 low, 4 undefined."`
	Analysis         Analysis              `json:"analysis" jsonschema:"0 initial, 1 ongoing, 2 complete."`
	Distribution     Distribution          `json:"distribution" jsonschema:"0 own organisation, 1 this community, 2 connected communities, 3 all communities, 4 a sharing group."`
	SharingGroupID   ID                    `json:"sharing_group_id,omitempty"`
	Published        Bool                  `json:"published"`
	AttributeCount   Int                   `json:"attribute_count" jsonschema:"How many attributes the event has, those in objects included."`
	Timestamp        time.Time             `json:"timestamp,format:unix" jsonschema:"When it was changed last, in seconds since 1970."`
	PublishTimestamp time.Time             `json:"publish_timestamp,omitzero,format:unix" jsonschema:"When it was published last, in seconds since 1970."`
	OrgID            ID                    `json:"org_id,omitempty"`
	OrgcID           ID                    `json:"orgc_id,omitempty"`
	Org              *Organisation         `json:"Org,omitempty" jsonschema:"Whose event it is on this server."`
	Orgc             *Organisation         `json:"Orgc,omitempty" jsonschema:"Who made it."`
	SharingGroup     *SharingGroup         `json:"SharingGroup,omitempty"`
	Tags             List[*Tag]            `json:"Tag,omitempty"`
	Attributes       List[*Attribute]      `json:"Attribute,omitempty"`
	Objects          List[*Object]         `json:"Object,omitempty"`
	Correlated       List[*Correlated]     `json:"RelatedEvent,omitempty" jsonschema:"Events that MISP correlates with this one."`
	Galaxies         List[json.RawMessage] `json:"Galaxy,omitempty" untrusted:"true" jsonschema:"What the galaxy tags stand for."`
	Proposals        List[json.RawMessage] `json:"ShadowAttribute,omitempty" jsonschema:"Attributes that others propose." untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// atOnce is how many attributes of an event are read at once.
const atOnce = 1000

// contents walks the attributes of e that have tags, all for none, a page at a
// time, so that an event of any size takes the memory of one page.
func (c *Client) contents(ctx context.Context, e *Event, tags tagQuery) iter.Seq2[*Attribute, error] {
	return func(yield func(*Attribute, error) bool) {
		for page := 1; ; page++ {
			p, err := c.searchAttributes(ctx, wire.AttributeSearch{EventID: string(e.ID), Tags: tags.wire(), IncludeWarninglistHits: 1, Page: page, Limit: atOnce})
			if err != nil {
				yield(nil, fmt.Errorf("misp: what is in event %s: %w", e.ID, err))
				return
			}
			for _, a := range p.Attributes {
				if a != nil && !bool(a.Deleted) && a.EventID == e.ID && !yield(a, nil) {
					return
				}
			}
			if !p.More {
				return
			}
		}
	}
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
	ID               ID                    `json:"id"`
	UUID             string                `json:"uuid,omitempty"`
	Info             string                `json:"info" untrusted:"true"`
	Date             string                `json:"date,omitempty"`
	ThreatLevel      *ThreatLevel          `json:"threat_level_id,omitempty" jsonschema:"1 high, 2 medium, 3 low, 4 undefined."`
	Analysis         *Analysis             `json:"analysis,omitempty"`
	Distribution     *Distribution         `json:"distribution,omitempty"`
	Published        *Bool                 `json:"published,omitempty"`
	AttributeCount   *Int                  `json:"attribute_count,omitempty"`
	PublishTimestamp time.Time             `json:"publish_timestamp,omitzero,format:unix"`
	Orgc             *Organisation         `json:"Orgc,omitempty"`
	Tags             List[*Tag]            `json:"Tag,omitempty"`
	Galaxies         List[json.RawMessage] `json:"Galaxy,omitempty" untrusted:"true" jsonschema:"Galaxy clusters that it has no tag of."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An EventHead is what an attribute says of an event. The rest of it is in Extra.
type EventHead struct {
	ID   ID     `json:"id"`
	UUID string `json:"uuid,omitempty"`
	Info string `json:"info" untrusted:"true"`
	Date string `json:"date,omitempty"`

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
	Event EventSummary `json:"Event"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An Organisation owns events or makes them.
type Organisation struct {
	ID    ID     `json:"id"`
	Name  string `json:"name" untrusted:"true"`
	UUID  string `json:"uuid,omitempty"`
	Local *Bool  `json:"local,omitempty"` // whether it has users on this server

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A SharingGroup is a closed circle of organisations.
type SharingGroup struct {
	ID            ID     `json:"id"`
	Name          string `json:"name" untrusted:"true"`
	Releasability string `json:"releasability,omitempty" untrusted:"true"`
	UUID          string `json:"uuid,omitempty"`
	Active        *Bool  `json:"active,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Tag is a label of an event or an attribute.
type Tag struct {
	Name      string `json:"name" untrusted:"true"`
	Local     Bool   `json:"local,omitempty"`     // whether it stays on this server
	Inherited Bool   `json:"inherited,omitempty"` // whether an attribute has it from its event

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetEventInput is the input of [Client.GetEvent].
type GetEventInput struct {
	EventID EventRef `json:"eventId" alias:"id,uuid"`
}

// Validate refuses what isn't the name of an event.
func (in GetEventInput) Validate() error { return in.EventID.check() }

// GetEvent returns one event with all that is in it. One that doesn't exist,
// or that the key may not see, is [ErrNotFound].
//
// MISP: GET /events/view/{eventId}
func (c *Client) GetEvent(ctx context.Context, in GetEventInput) (*Event, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
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
