package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// ShowEventInput is the input of [Client.ShowEvent].
type ShowEventInput struct {
	EventID EventRef `json:"eventId" alias:"id,uuid"` // the event
	Paging
}

// SetDefaults asks for fewer attributes than other pages have rows.
func (in *ShowEventInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = shownAtOnce
	}
}

// Validate refuses what isn't the name of an event.
func (in ShowEventInput) Validate() error { return in.EventID.check() }

const (
	shownAtOnce  = 40  // attributes of an event on a page
	wholeUpTo    = 300 // attributes of an event that is read whole
	maxRelations = 20  // correlated events that are shown with an event
)

// A ShownEvent is an event with a page of what is in it.
type ShownEvent struct {
	plainEvent
	Page  int `json:"page"`  // which page this is, from 1
	Limit int `json:"limit"` // how many were asked for
	// Whether the event has more attributes, on the next page.
	More bool   `json:"more"`
	Note string `json:"note,omitempty" untrusted:"true"` // what to know about the answer
}

// plainEvent is an Event to embed.
type plainEvent Event

// EventWithoutContent returns one event without what is in it, which is small
// however large the event is. One that doesn't exist, or that the key may not
// see, is [ErrNotFound].
//
// MISP: POST /events/restSearch
func (c *Client) EventWithoutContent(ctx context.Context, in GetEventInput) (*Event, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.summary(ctx, in.EventID)
}

// ShowEvent returns one event with a page of its attributes, those in objects
// included. An event of any size can be shown: a large one is not read whole, and
// the objects of it are then named with each attribute only.
//
// MISP: POST /events/restSearch, then GET /events/view/{eventId} or POST /attributes/restSearch
func (c *Client) ShowEvent(ctx context.Context, in ShowEventInput) (*ShownEvent, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return nil, err
	}
	if e.AttributeCount <= wholeUpTo {
		whole, err := c.GetEvent(ctx, GetEventInput{EventID: EventRef(e.ID)})
		switch {
		case err == nil:
			return whole.page(in.Paging), nil
		case !tooLarge(err): // a few attributes with large galaxies
			return nil, err
		}
	}
	p, err := c.listAttributes(ctx, wire.AttributeSearch{EventID: string(e.ID), IncludeWarninglistHits: 1, IncludeSightings: 1, Page: in.Page, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	e.Attributes = p.Attributes
	out := &ShownEvent{plainEvent: plainEvent(*e), Page: in.Page, Limit: in.Limit, More: p.More}
	for _, a := range out.Attributes {
		if a != nil {
			a.Event = nil
		}
	}
	out.Note = fmt.Sprintf("the event is large: its %d attributes are given by page, newest first, those in objects among them; misp_search_attributes with eventId filters them, misp_get_related_events has the events that share values", e.AttributeCount)
	return out, nil
}

// Rows returns how many attributes, of none but the event, and objects the page has.
func (e *ShownEvent) Rows() int { return len(e.Attributes) + len(e.Objects) }

// FirstRows returns the page with its first n rows, for an answer without room for
// all.
func (e *ShownEvent) FirstRows(n int) (page any, next map[string]any) {
	if n >= e.Rows() {
		return nil, nil
	}
	short := *e
	short.Page, short.Limit, short.More = (e.Page-1)*e.Limit/n+1, n, true
	short.Attributes = e.Attributes[:min(n, len(e.Attributes))]
	short.Objects = e.Objects[:n-len(short.Attributes)]
	return &short, nil
}

// page is e, whole, with one page of what is in it: attributes first, then objects
// with all of theirs.
func (e *Event) page(p Paging) *ShownEvent {
	out := &ShownEvent{plainEvent: plainEvent(*e), Page: p.Page, Limit: p.Limit}
	attributes := slices.DeleteFunc(slices.Clone(e.Attributes), func(a *Attribute) bool { return a == nil || bool(a.Deleted) })
	objects := slices.DeleteFunc(slices.Clone(e.Objects), func(o *Object) bool { return o == nil || bool(o.Deleted) })
	out.Attributes, _ = cut(p, attributes)
	from := (p.Page-1)*p.Limit - len(attributes)
	to := min(from+p.Limit, len(objects))
	out.Objects = objects[min(max(0, from), len(objects)):max(0, to)]
	out.More = to < len(objects)
	var notes []string
	if n := len(e.Correlated); n > maxRelations {
		out.Correlated = e.Correlated[:maxRelations]
		notes = append(notes, fmt.Sprintf("%d of %d correlated events are shown: misp_get_related_events has all", maxRelations, n))
	}
	if p.Page > 1 { // said on the first
		out.Correlated = nil
	}
	if n := len(e.Proposals); n > 0 {
		notes = append(notes, count(n, "proposal")+" of others: misp_list_proposals has them")
		out.Proposals = nil
	}
	var reports []json.RawMessage
	if json.Unmarshal(e.Extra["EventReport"], &reports) == nil && len(reports) > 0 {
		notes = append(notes, count(len(reports), "event report")+", which no tool shows")
	}
	out.Note = strings.Join(notes, "; ")
	return out
}

// tooLarge reports whether an answer was over the limit of the client.
func tooLarge(err error) bool { return errors.Is(err, connect.ErrTooLarge) }
