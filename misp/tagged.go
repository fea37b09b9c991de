package misp

import (
	"context"

	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// An EventPage is one page of events.
type EventPage struct {
	// The events, without what is in them.
	Events []*Event `json:"events"`
	// How many match in all. Absent when the server doesn't say.
	Total *int `json:"total,omitempty"`
	// Whether there are more than these.
	More bool `json:"more"`
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
	list, total, err := searchEvents[Event](ctx, c, wire.EventSearch{Tags: anyTag(tags...).wire(), Metadata: true, Page: 1, Limit: limit})
	if err != nil {
		return nil, err
	}
	p := &EventPage{Events: list, More: len(list) >= limit}
	if total >= 0 {
		p.Total, p.More = &total, total > len(list)
	}
	return p, nil
}
