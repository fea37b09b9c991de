package misp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
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
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listFeeds(ctx, in)
}

// Feeds returns an iterator over every feed that in matches, by name, from in.Page
// on, as they were when it began: MISP gives all in one answer.
func (c *Client) Feeds(ctx context.Context, in ListFeedsInput) iter.Seq2[*Feed, error] {
	return walkWhole(ctx, in, c.listFeeds, func(p *FeedPage) []*Feed { return p.Feeds }, func(f *Feed) ID { return f.ID })
}

func (c *Client) listFeeds(ctx context.Context, in ListFeedsInput) (*FeedPage, error) {
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

// manageableFeed is a feed, if the role of the key may manage it.
func (c *Client) manageableFeed(ctx context.Context, id NumericID) (*Feed, error) {
	if err := c.checkMay(ctx, nil, mayAdminSite); err != nil {
		return nil, err
	}
	return c.feed(ctx, id)
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
	// The events that are new since it was told to fetch, newest first, 100 at most.
	NewEvents []ID   `json:"newEvents,omitempty"`
	Note      string `json:"note,omitempty"` // what to know about the answer
}

// ToggleFeed switches a feed on or off and looks whether it is so then.
//
// MISP: POST /feeds/enable/{feedId} or /feeds/disable/{feedId}, GET /feeds/view/{feedId}
func (c *Client) ToggleFeed(ctx context.Context, in ToggleFeedInput) (*FeedOutcome, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	send := c.wire.DisableFeed
	if in.Enable {
		send = c.wire.EnableFeed
	}
	res, err := c.has("message")(send(ctx, string(in.FeedID)))
	d, err := httpx.JSON[done](res, err)
	if err != nil {
		return nil, err
	}
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return nil, fmt.Errorf("%w; whether the feed is %s isn't known: %w", err, onOff(in.Enable), gate.ErrOutcomeUnknown)
	}
	if bool(f.Enabled) != in.Enable {
		res.Deny()
		return nil, &Error{Refusal: refusal("toggleFeed", 200, fmt.Sprintf("the feed is still %s; MISP said: %s", onOff(!in.Enable), clip.Text(d.Message, 300)), ErrInvalid)}
	}
	return &FeedOutcome{ID: f.ID, Name: f.Name, Enabled: &in.Enable, Message: d.Message}, nil
}

func (c *Client) planToggleFeed(ctx context.Context, in ToggleFeedInput) (gate.Plan, error) {
	f, err := c.manageableFeed(ctx, in.FeedID)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Switch a feed " + onOff(in.Enable) + " in MISP.",
		Targets: []gate.Target{f.target()},
		Changes: []gate.Change{gate.Changed("enabled", onOff(bool(f.Enabled)), onOff(in.Enable))},
		Undo:    "Switch it " + onOff(!in.Enable) + " again (misp_toggle_feed); what it brought in stays.",
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

// FetchFeed brings in what a feed has, as events, and says which are new since it
// began. A feed that is switched off is an error, and so is one that MISP couldn't
// read, which it sends as a success. Of events that it changed MISP says nothing.
//
// MISP: GET /feeds/view/{feedId}, POST /events/restSearch, POST /feeds/fetchFromFeed/{feedId}
func (c *Client) FetchFeed(ctx context.Context, in FetchFeedInput) (*FeedOutcome, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return nil, err
	}
	if err := f.fetchable(); err != nil {
		return nil, err
	}
	before, err := c.holds(ctx, f)
	if err != nil {
		return nil, err
	}
	type answer struct {
		Result string `json:"result"`
	}
	res, err := c.has("result")(c.wire.FetchFeed(ctx, string(in.FeedID)))
	a, err := httpx.JSON[answer](res, err)
	if err != nil {
		return nil, err
	}
	out := f.outcome(a.Result)
	if out.State == Queued {
		return out, nil
	}
	after, err := c.holds(ctx, f)
	switch {
	case out.State != "" && err != nil:
		out.Note = "which events are new isn't known: " + clip.Text(err.Error(), 300)
		return out, nil
	case err != nil:
		return nil, fmt.Errorf("%w; %w", f.failed("fetchFeed", res.Status, a.Result, "whether it brought something in isn't known"), gate.ErrOutcomeUnknown)
	}
	out.NewEvents = after.since(before)
	same := len(out.NewEvents) == 0 && before.attributes == after.attributes
	switch {
	case out.State == "" && same:
		res.Deny()
		return nil, f.failed("fetchFeed", res.Status, a.Result, "no event is new; "+f.why())
	case out.State == "":
		return nil, f.failed("fetchFeed", res.Status, a.Result, fmt.Sprintf("yet there are %d new events; look at them before it is fetched again", len(out.NewEvents)))
	case same:
		out.Note = "no event is new: the feed had nothing new, or none of it could be brought in, which MISP doesn't tell apart"
	case strings.Contains(a.Result, "Downloaded"):
		out.Note = "the number in MISP's words isn't that of the events: 1 when all or none could be brought in, 2 when some couldn't"
	}
	return out, nil
}

// fetchable refuses a feed that MISP doesn't fetch.
func (f *Feed) fetchable() error {
	if !f.Enabled {
		return invalid("feedId: the feed %s is switched off, and MISP fetches only what is on; misp_toggle_feed switches it on", f.ID)
	}
	return nil
}

// held is what shows whether a feed has brought something in.
type held struct {
	events     []ID // the newest
	attributes Int  // of the event that it always fills
}

// since returns the events that are newer than those of before.
func (h held) since(before held) []ID {
	var last int64
	if len(before.events) > 0 {
		last = idNumber(before.events[0])
	}
	return slices.DeleteFunc(slices.Clone(h.events), func(id ID) bool { return idNumber(id) <= last })
}

func (c *Client) holds(ctx context.Context, f *Feed) (h held, err error) {
	list, _, err := searchEvents[EventSummary](ctx, c, wire.EventSearch{Metadata: true, Page: 1, Limit: 100})
	if err != nil {
		return h, err
	}
	for _, e := range list {
		h.events = append(h.events, e.ID)
	}
	if f.FixedEvent && idNumber(f.EventID) > 0 {
		e, err := c.summary(ctx, EventRef(f.EventID))
		if errors.Is(err, ErrNotFound) { // it was deleted: MISP fails then
			return h, nil
		}
		if err != nil {
			return h, err
		}
		h.attributes = e.AttributeCount
	}
	return h, nil
}

// outcome reads MISP's words about a feed; a failure has no state.
func (f *Feed) outcome(words string) *FeedOutcome {
	out := &FeedOutcome{ID: f.ID, Name: f.Name, State: Accepted, Message: clip.Text(words, 1000)}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(out.Message), w) })
	}
	switch {
	case has("not enabled", "failed", "could not", "couldn't", "invalid", "error", "not allowed", "no valid"):
		out.State = ""
	case has("queued", "initiated", "background", "started"):
		out.State = Queued
	case has("fetching the feed has successfully completed", "successfully", "completed", "pulled", "cached"):
		out.State = Done
	}
	return out
}

// failed is what MISP said, with what is known beside it.
func (f *Feed) failed(op string, status int, words, known string) error {
	return &Error{Refusal: refusal(op, status, strings.TrimSuffix(clip.Text(words, 500), "."), nil), Remediation: known}
}

// why says what may have kept f from being fetched, which MISP writes into its
// log alone.
func (f *Feed) why() string {
	if f.SourceFormat == "misp" {
		return "MISP couldn't read the feed's manifest; its log says why"
	}
	return "MISP couldn't read the feed, or couldn't save what it has; its log says why"
}

func (c *Client) planFetchFeed(ctx context.Context, in FetchFeedInput) (gate.Plan, error) {
	f, err := c.manageableFeed(ctx, in.FeedID)
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary:  "Bring what a feed has into MISP, as events.",
		Targets:  []gate.Target{f.target()},
		Warnings: f.doubts(),
	}, f.fetchable()
}

// CacheFeedInput is the input of [Client.CacheFeed].
type CacheFeedInput struct {
	FeedID NumericID `json:"feedId" alias:"id"` // the feed
}

// Validate refuses what isn't the id of a feed.
func (in CacheFeedInput) Validate() error { return in.FeedID.check() }

// CacheFeed copies what a feed has, so that values can be compared with it.
// No events are made. A feed whose caching is switched off is an error: MISP does
// nothing and says that it did.
//
// MISP: GET /feeds/view/{feedId}, POST /feeds/cacheFeeds/{feedId}
func (c *Client) CacheFeed(ctx context.Context, in CacheFeedInput) (*FeedOutcome, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	f, err := c.feed(ctx, in.FeedID)
	if err != nil {
		return nil, err
	}
	if err := f.cacheable(); err != nil {
		return nil, err
	}
	res, err := c.has("message")(c.wire.CacheFeed(ctx, string(in.FeedID)))
	d, err := httpx.JSON[done](res, err)
	if e := (*Error)(nil); errors.As(err, &e) && e.Status == http.StatusFound { // to the list of feeds, on whose page it says that it failed
		return nil, f.failed("cacheFeed", e.Status, "Caching the feed has failed", f.why())
	}
	if err != nil {
		return nil, err
	}
	out := f.outcome(d.Message)
	if out.State == "" {
		res.Deny()
		return nil, f.failed("cacheFeed", res.Status, d.Message, f.why())
	}
	return out, nil
}

// cacheable refuses a feed that MISP doesn't cache.
func (f *Feed) cacheable() error {
	if !f.CachingEnabled {
		return invalid("feedId: caching is switched off for the feed %s: MISP would cache nothing, and say that it did; it is switched on in MISP itself", f.ID)
	}
	return nil
}

func (c *Client) planCacheFeed(ctx context.Context, in CacheFeedInput) (gate.Plan, error) {
	f, err := c.manageableFeed(ctx, in.FeedID)
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary:  "Copy what a feed has into MISP's cache; no events are made.",
		Targets:  []gate.Target{f.target()},
		Warnings: []string{"no tool here empties the cache: that is done in MISP itself"},
	}, f.cacheable()
}
