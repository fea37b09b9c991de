package misp

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// A Feed is a source that MISP can bring in. Its headers and settings, and what
// its address may hold of credentials, aren't shown.
type Feed struct {
	ID       ID     `json:"id"`                                  // its id
	Name     string `json:"name" untrusted:"true"`               // its name
	Provider string `json:"provider,omitempty" untrusted:"true"` // who offers it
	// Without user, password and query.
	URL            string       `json:"url,omitempty" untrusted:"true"`
	Enabled        Bool         `json:"enabled"`         // whether it is switched on
	CachingEnabled Bool         `json:"caching_enabled"` // whether it is cached
	Distribution   Distribution `json:"distribution"`    // who may see it
	// misp, csv or freetext.
	SourceFormat string `json:"source_format,omitempty"`
	// network, or local: a file on the server.
	InputSource string `json:"input_source,omitempty"`
	// Whether what it brings in is published at once.
	Publish Bool `json:"publish,omitempty"`
	// Whether it always fills the same event.
	FixedEvent Bool `json:"fixed_event,omitempty"`
	EventID    ID   `json:"event_id,omitempty"` // the one event it goes into, where it is fixed
	// When it was cached last.
	CacheTimestamp time.Time `json:"cache_timestamp,omitzero,format:unix"`
}

// own drops what may be a credential.
func (f *Feed) own() *Feed {
	f.URL = bare(f.URL)
	return f
}

// bare is an address without user, password, query and fragment.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment = nil, "", false, ""
	return u.String()
}

// ListFeedsInput is the input of [Client.ListFeeds].
type ListFeedsInput struct {
	Enabled *bool `json:"enabled,omitempty"` // switched on or not; nil: both
	// In name, provider or address.
	Search string `json:"search,omitempty" maxLength:"255"`
	Paging
}

// A FeedPage is one page of feeds.
type FeedPage struct {
	// The feeds, by name.
	Feeds []*Feed `json:"feeds"`
	// How many match in all.
	Total int    `json:"total"`
	Page  int    `json:"page"`           // which page this is, from 1
	More  bool   `json:"more"`           // whether there are more behind these
	Note  string `json:"note,omitempty"` // what to know about the answer
}

// ListFeeds returns one page of the feeds, by name.
//
// MISP: GET /feeds
func (c *Client) ListFeeds(ctx context.Context, in ListFeedsInput) (*FeedPage, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	res, err := c.wire.ListFeeds(ctx)
	list, err := rows[Feed](c, "Feed", res, err)
	if err != nil {
		return nil, err
	}
	none := len(list) == 0
	for _, f := range list {
		f.own()
	}
	list = slices.DeleteFunc(list, func(f *Feed) bool {
		return in.Enabled != nil && bool(f.Enabled) != *in.Enabled || !mentions(in.Search, f.Name, f.Provider, f.URL)
	})
	slices.SortStableFunc(list, func(a, b *Feed) int { return strings.Compare(a.Name, b.Name) })
	out := &FeedPage{Total: len(list), Page: in.Page}
	out.Feeds, out.More = cut(in.Paging, list)
	if none {
		out.Note = "MISP shows no feed at all: there is none, or the key's role may not see feeds, which MISP doesn't say"
	}
	return out, nil
}

func (c *Client) feed(ctx context.Context, id NumericID) (*Feed, error) {
	type answer struct {
		Feed *Feed `json:"Feed"`
	}
	a, err := httpx.JSON[answer](c.has("Feed")(c.wire.GetFeed(ctx, string(id))))
	if err != nil {
		return nil, err
	}
	if a.Feed == nil || string(a.Feed.ID) != string(id) {
		return nil, fmt.Errorf("misp: getFeed: asked for feed %s and was given another", id)
	}
	return a.Feed.own(), nil
}

func (f *Feed) target() gate.Target {
	return gate.Target{Kind: "feed", ID: string(f.ID), Name: fmt.Sprintf("%s (%s, %s)", f.Name, f.Provider, f.URL)}
}

// onOff is on or off.
func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// ToggleFeedInput is the input of [Client.ToggleFeed].
type ToggleFeedInput struct {
	FeedID NumericID `json:"feedId" alias:"id"` // the feed
	Enable bool      `json:"enable"`            // whether to switch it on
}

// Validate refuses what isn't the id of a feed.
func (in ToggleFeedInput) Validate() error { return in.FeedID.check() }

// A FeedOutcome says what became of a feed.
type FeedOutcome struct {
	ID   ID     `json:"id"`                    // its id
	Name string `json:"name" untrusted:"true"` // its name
	// Whether it is on now, as MISP says when asked again.
	Enabled *bool `json:"enabled,omitempty"`
	// done; queued: a worker of MISP will do it; or accepted, in words that say no more.
	State PublishState `json:"state,omitempty"`
	// MISP's own words.
	Message string `json:"message" untrusted:"true"`
}

// ToggleFeed switches a feed on or off and looks whether it is so then.
//
// MISP: POST /feeds/enable/{feedId} or /feeds/disable/{feedId}, GET /feeds/view/{feedId}
func (c *Client) ToggleFeed(ctx context.Context, in ToggleFeedInput) (*FeedOutcome, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	send := c.wire.DisableFeed
	if in.Enable {
		send = c.wire.EnableFeed
	}
	d, err := httpx.JSON[done](c.has("message")(send(ctx, string(in.FeedID))))
	if err != nil {
		return nil, err
	}
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return nil, fmt.Errorf("%w; whether the feed is %s isn't known: %w", err, onOff(in.Enable), gate.ErrOutcomeUnknown)
	}
	if bool(f.Enabled) != in.Enable {
		return nil, &Error{Refusal: refusal("toggleFeed", 200, fmt.Sprintf("the feed is still %s; MISP said: %s", onOff(!in.Enable), clip.Text(d.Message, 300)), ErrInvalid)}
	}
	return &FeedOutcome{ID: f.ID, Name: f.Name, Enabled: &in.Enable, Message: d.Message}, nil
}

func (c *Client) planToggleFeed(ctx context.Context, in ToggleFeedInput) (gate.Plan, error) {
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Switch a feed " + onOff(in.Enable) + " in MISP.",
		Targets: []gate.Target{f.target()},
		Changes: []gate.Change{gate.Changed("enabled", onOff(bool(f.Enabled)), onOff(in.Enable))},
		Undo:    "Switch it " + onOff(!in.Enable) + " again; what it brought in stays.",
	}
	if bool(f.Enabled) == in.Enable {
		p.Warnings = append(p.Warnings, "the feed is "+onOff(in.Enable)+" already: nothing changes")
	}
	if in.Enable {
		p.Warnings = append(p.Warnings, f.doubts()...)
	}
	return p, nil
}

// doubts are facts that speak against bringing in what f has.
func (f *Feed) doubts() []string {
	list := []string{fmt.Sprintf("what it brings in gets the distribution %q", f.Distribution)}
	if f.Publish {
		list = append(list, "what it brings in is published at once")
	}
	if f.InputSource == "local" {
		list = append(list, "it reads a file on the server")
	}
	return list
}

// FetchFeedInput is the input of [Client.FetchFeed].
type FetchFeedInput struct {
	FeedID NumericID `json:"feedId" alias:"id"` // the feed
}

// Validate refuses what isn't the id of a feed.
func (in FetchFeedInput) Validate() error { return in.FeedID.check() }

// Done is the state of work that was done at once.
const Done PublishState = "done"

// FetchFeed brings in what a feed has, as events. A feed that is switched off is
// an error, which MISP sends as a success.
//
// MISP: POST /feeds/fetchFromFeed/{feedId}
func (c *Client) FetchFeed(ctx context.Context, in FetchFeedInput) (*FeedOutcome, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return nil, err
	}
	type answer struct {
		Result string `json:"result"`
	}
	a, err := httpx.JSON[answer](c.has("result")(c.wire.FetchFeed(ctx, string(in.FeedID))))
	if err != nil {
		return nil, err
	}
	return c.feedOutcome("fetchFeed", f, a.Result)
}

// feedOutcome reads MISP's words about a feed.
func (c *Client) feedOutcome(op string, f *Feed, words string) (*FeedOutcome, error) {
	out := &FeedOutcome{ID: f.ID, Name: f.Name, State: Accepted, Message: clip.Text(words, 1000)}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(out.Message), w) })
	}
	switch {
	case has("not enabled", "failed", "could not", "couldn't", "invalid", "error", "not allowed", "no valid"):
		return nil, &Error{Refusal: refusal(op, 200, clip.Text(words, 500), ErrInvalid)}
	case has("queued", "initiated", "background", "started"):
		out.State = Queued
	case has("fetching the feed has successfully completed", "successfully", "completed", "pulled", "cached"):
		out.State = Done
	}
	return out, nil
}

func (c *Client) planFetchFeed(ctx context.Context, in FetchFeedInput) (gate.Plan, error) {
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  "Bring what a feed has into MISP, as events.",
		Targets:  []gate.Target{f.target()},
		Warnings: f.doubts(),
	}
	if !f.Enabled {
		p.Warnings = append(p.Warnings, "the feed is switched off: MISP will refuse")
	}
	return p, nil
}

// CacheFeedInput is the input of [Client.CacheFeed].
type CacheFeedInput struct {
	FeedID NumericID `json:"feedId" alias:"id"` // the feed
}

// Validate refuses what isn't the id of a feed.
func (in CacheFeedInput) Validate() error { return in.FeedID.check() }

// CacheFeed copies what a feed has, so that values can be compared with it.
// No events are made.
//
// MISP: POST /feeds/cacheFeeds/{feedId}
func (c *Client) CacheFeed(ctx context.Context, in CacheFeedInput) (*FeedOutcome, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return nil, err
	}
	d, err := httpx.JSON[done](c.has("message")(c.wire.CacheFeed(ctx, string(in.FeedID))))
	if err != nil {
		return nil, err
	}
	return c.feedOutcome("cacheFeed", f, d.Message)
}

func (c *Client) planCacheFeed(ctx context.Context, in CacheFeedInput) (gate.Plan, error) {
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  "Copy what a feed has into MISP's cache; no events are made.",
		Targets:  []gate.Target{f.target()},
		Warnings: []string{"no tool here empties the cache: that is done in MISP itself"},
	}
	if !f.CachingEnabled {
		p.Warnings = append(p.Warnings, "caching is switched off for the feed: MISP may do nothing")
	}
	return p, nil
}
