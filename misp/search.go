package misp

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// SearchEventsInput is the input of [Client.SearchEvents]. At least one filter
// is needed; those given must all match. What is left out doesn't filter.
type SearchEventsInput struct {
	// Also defanged or host:port; % stands for any text.
	Value string `json:"value,omitempty" maxLength:"4096"`
	// Such as ip-src.
	Type string `json:"type,omitempty" pattern:"^[A-Za-z0-9][A-Za-z0-9 |/_-]*$" maxLength:"100"`
	// Such as Network activity.
	Category string `json:"category,omitempty" pattern:"^[A-Za-z][A-Za-z -]*$" maxLength:"100"`
	// One of these, on the event or in it; with ! in front: none. % stands for any text.
	Tags []string `json:"tags,omitempty" maxItems:"50" maxLength:"255"`
	// Every one of these.
	AllTags []string `json:"allTags,omitempty" maxItems:"50" maxLength:"255"`
	EventID EventRef `json:"eventId,omitempty"` // only this event
	// The whole title; % stands for any text.
	Info string `json:"info,omitempty" maxLength:"1000"`
	// Name, id or UUID.
	Org      string `json:"org,omitempty" maxLength:"255"`
	DateFrom string `json:"dateFrom,omitempty" time:"day" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"` // of this day or later
	DateTo   string `json:"dateTo,omitempty" time:"day" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`   // of this day or earlier
	// Published within: 7d, 12h, 30m; those never published don't match.
	Last string `json:"last,omitempty" pattern:"^[1-9][0-9]{0,5}[dhms]$"`
	// Changed within, published or not: 7d, 12h.
	Changed   string `json:"changed,omitempty" pattern:"^[1-9][0-9]{0,5}[dhms]$"`
	Published *bool  `json:"published,omitempty"` // published or not; nil: both
	Paging
}

var dateRegexp = lazyregexp.New(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)

// Validate refuses a search that MISP would answer with everything it has, or
// silently with nothing.
func (in SearchEventsInput) Validate() error {
	attributes := SearchAttributesInput{Value: in.Value, Type: in.Type, Category: in.Category, Tags: in.Tags, AllTags: in.AllTags, EventID: in.EventID, Last: in.Last, Changed: in.Changed, ToIDs: new(bool)}
	if err := attributes.Validate(); err != nil {
		return err
	}
	for _, f := range []struct{ name, value string }{{"org", in.Org}, {"info", in.Info}} {
		if f.value != "" {
			if err := checkWhole(f.name, f.value); err != nil {
				return err
			}
		}
	}
	for _, f := range []struct{ name, value string }{{"dateFrom", in.DateFrom}, {"dateTo", in.DateTo}} {
		if f.value != "" && !dateRegexp.MatchString(f.value) {
			return invalid("%s: %q: want YYYY-MM-DD", f.name, clip.Text(f.value, 60))
		}
	}
	switch {
	case in.DateFrom != "" && in.DateTo != "" && in.DateFrom > in.DateTo:
		return invalid("dateFrom: %s is after dateTo, %s", in.DateFrom, in.DateTo)
	case in.Value == "" && in.Type == "" && in.Category == "" && !tagQueryOf(in.Tags, in.AllTags).names() && in.EventID == "" && in.Info == "" && in.Org == "" &&
		in.DateFrom == "" && in.DateTo == "" && in.Last == "" && in.Changed == "" && in.Published == nil:
		return invalid("give at least one of value, type, category, tags, allTags, eventId, info, org, dateFrom, dateTo, last, changed, published: without a filter the answer would be everything")
	}
	return nil
}

// FoundEvents is one page of events, without what is in them.
type FoundEvents struct {
	// The events, newest first.
	Events []*EventSummary `json:"events"`
	// How many match in all. Absent when the server doesn't say.
	Total *int `json:"total,omitempty"`
	Page  int  `json:"page"`  // which page this is, from 1
	Limit int  `json:"limit"` // how many were asked for
	// Whether there may be more on the next page.
	More bool `json:"more"`
	// The values that MISP was asked for, if not just the one given.
	Searched []string `json:"searched,omitempty" untrusted:"true"`
	Note     string   `json:"note,omitempty" untrusted:"true"` // what to know about the answer
}

// SearchEvents returns one page of events, newest first, without what is in them.
// [Client.Events] walks all of them. When nothing is found, Note says which of
// the tags and which organisation the server doesn't have.
//
// MISP: POST /events/restSearch
func (c *Client) SearchEvents(ctx context.Context, in SearchEventsInput) (*FoundEvents, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	tags := tagQueryOf(in.Tags, in.AllTags)
	q := wire.EventSearch{
		Type: in.Type, Category: in.Category, Tags: tags.wire(), EventInfo: like(in.Info), Org: in.Org,
		From: in.DateFrom, To: in.DateTo, Last: in.Last, Timestamp: in.Changed, Published: flag(in.Published), Metadata: true, Page: in.Page, Limit: in.Limit,
	}
	var notes []string
	if in.Value != "" {
		var keep func(*Attribute) bool
		if q.Value, keep, notes = asked(in.Value, false); keep != nil {
			notes = []string{"MISP compares the parts of a composite value one by one: the events have one part of it, not always both; misp_correlate finds the whole"}
		}
	}
	if id := in.EventID.path(); numberRegexp.MatchString(id) {
		q.EventID = id
	} else {
		q.UUID = id
	}
	list, total, err := searchEvents[EventSummary](ctx, c, q)
	if err != nil {
		return nil, err
	}
	p := &FoundEvents{Events: list, Page: in.Page, Limit: in.Limit, More: len(list) >= in.Limit}
	if total >= 0 && (in.Published == nil || *in.Published) { // MISP miscounts those not published
		p.Total, p.More = &total, total > (in.Page-1)*in.Limit+len(list)
	}
	if len(q.Value) > 1 || len(q.Value) == 1 && q.Value[0] != strings.TrimSpace(in.Value) {
		p.Searched = q.Value
	}
	found := len(list) > 0 || in.Page > 1
	notes = append(notes, tags.explain(ctx, c, found)...)
	if !found {
		notes = append(notes, c.explainEvent(ctx, in.EventID)...)
		notes = append(notes, c.explainOrg(ctx, in.Org)...)
		notes = append(notes, c.explainTypes(ctx, []string{in.Type}, in.Category)...)
		if in.Info != "" && !strings.Contains(in.Info, "%") {
			notes = append(notes, "a title is compared whole and with its case: put % around a part of it")
		}
	}
	p.Note = strings.Join(notes, "; ")
	return p, nil
}

// Events returns an iterator over every event that in matches, the newest first, from
// in.Page on, without what is in them, a page at a time; each is yielded once, whoever
// adds or deletes some meanwhile. Without in.Limit it reads 500 at once.
func (c *Client) Events(ctx context.Context, in SearchEventsInput) iter.Seq2[*EventSummary, error] {
	if err := input.PrepareWalk(&in, &in.Limit, maxLimit, ErrInvalid); err != nil {
		return paging.Failed[*EventSummary](err)
	}
	in.Tags, in.AllTags = slices.Clone(in.Tags), slices.Clone(in.AllTags)
	number := func(e *EventSummary) int64 { return idNumber(e.ID) }
	return paging.ByNumber(ctx, in.Page, in.Limit, in.Limit, number, func(ctx context.Context, page, limit int) (p paging.NumberedPage[*EventSummary], err error) {
		next := in
		next.Page, next.Limit = page, limit
		found, err := c.SearchEvents(ctx, next)
		if err != nil {
			return p, err
		}
		p.Items, p.More = found.Events, found.More
		if n := len(p.Items); n > 0 {
			p.High, p.Low = number(p.Items[0]), number(p.Items[n-1])
		}
		return p, nil
	})
}

// searchEvents sends q, whose filters are known to filter, and returns the total
// too, or -1.
func searchEvents[T any](ctx context.Context, c *Client, q wire.EventSearch) ([]*T, int, error) {
	q.ReturnFormat, q.Order = wire.EventSearchReturnFormatJSON, "Event.id DESC" // the one order that is the same for every page
	type row struct {
		Event *T `json:"Event"`
	}
	type answer struct {
		Response List[row] `json:"response"`
	}
	total := -1
	list, _, err := paging.InParts(q.Page, q.Limit, func(page, limit int) ([]*T, bool, error) {
		q.Page, q.Limit = page, limit
		var res *httpx.Response
		a, err := httpx.Listed(ctx, "response", func(a *answer) *[]row { return (*[]row)(&a.Response) }, nil,
			func(ctx context.Context) (_ *httpx.Response, err error) {
				res, err = c.has("response")(c.wire.SearchEvents(ctx, q))
				return res, err
			})
		if err != nil {
			return nil, false, err
		}
		list := []*T{}
		for _, r := range a.Response {
			if r.Event != nil {
				list = append(list, r.Event)
			}
		}
		if n, err := strconv.Atoi(res.Header.Get("X-Result-Count")); err == nil {
			total = n
		}
		return list, len(a.Response) >= limit, nil
	})
	if err != nil {
		return nil, 0, err
	}
	if total < len(list) {
		total = -1
	}
	return list, total, nil
}

// summary returns an event without what is in it.
func (c *Client) summary(ctx context.Context, ref EventRef) (*Event, error) {
	return c.event(ctx, ref, wire.EventSearch{Metadata: true})
}

// event returns the event that ref names, with what q asks for of it.
func (c *Client) event(ctx context.Context, ref EventRef, q wire.EventSearch) (*Event, error) {
	q.Page, q.Limit = 1, 1
	if id := ref.path(); numberRegexp.MatchString(id) {
		q.EventID = id
	} else {
		q.UUID = id
	}
	list, _, err := searchEvents[Event](ctx, c, q)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 || !Ref(ref).is(list[0].ID, list[0].UUID) {
		return nil, &Error{Refusal: refusal("searchEvents", 200, "there is no such event, or the key may not see it", ErrNotFound)}
	}
	if why := list[0].Unread; why != "" {
		return nil, unreadable("event", list[0].ID, why)
	}
	return list[0], nil
}
