package misp

import (
	"context"
	"strconv"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// An EventPage is one page of events.
type EventPage struct {
	Events []*Event `json:"events" jsonschema:"The events, without what is in them."`
	Total  *int     `json:"total,omitempty" jsonschema:"How many match in all. Absent when the server doesn't say."`
	More   bool     `json:"more" jsonschema:"Whether there are more than these."`
}

// EventsByTags returns the newest events that have one of tags, or an attribute
// that has, without what is in them. The tag of an ATT&CK technique is
//
//	misp-galaxy:mitre-attack-pattern="Brute Force - T1110"
//
// in which % stands for any text. limit goes from 1 to 500; 0 means 50.
//
// MISP: POST /events/restSearch
func (c *Client) EventsByTags(ctx context.Context, tags []string, limit int) (*EventPage, error) {
	switch {
	case limit == 0:
		limit = 50
	case limit < 0 || limit > maxLimit:
		return nil, invalid("limit: want 1 to %d", maxLimit)
	}
	if len(tags) == 0 {
		return nil, invalid("tags: without a tag the answer would be everything")
	}
	for _, t := range tags {
		if err := checkFilter("tags", t); err != nil {
			return nil, err
		}
	}
	res, err := c.has("response")(c.wire.SearchEvents(ctx, wire.EventSearch{
		ReturnFormat: wire.EventSearchReturnFormatJSON, Tags: anyOf(tags...), Metadata: 1,
		Order: "Event.timestamp DESC", Page: 1, Limit: limit,
	}))
	type answer struct {
		Response List[struct {
			Event *Event `json:"Event"`
		}] `json:"response"`
	}
	a, err := httpx.JSON[answer](res, err)
	if err != nil {
		return nil, err
	}
	p := &EventPage{Events: []*Event{}}
	for _, r := range a.Response {
		if r.Event != nil {
			p.Events = append(p.Events, r.Event)
		}
	}
	p.More = len(p.Events) >= limit
	if n, err := strconv.Atoi(res.Header.Get("X-Result-Count")); err == nil && n >= len(p.Events) {
		p.Total, p.More = &n, n > len(p.Events)
	}
	return p, nil
}
