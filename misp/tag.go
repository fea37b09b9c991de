package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A TagStatus says what became of a tag.
type TagStatus string

// What can become of a tag.
const (
	TagAttached TagStatus = "attached"
	TagExisting TagStatus = "existing" // it was there before
	TagRemoved  TagStatus = "removed"
	TagRefused  TagStatus = "refused"
)

// A TagOutcome says what became of one tag.
type TagOutcome struct {
	Tag string `json:"tag" untrusted:"true"` // the tag
	// attached, existing, removed or refused.
	Status TagStatus `json:"status"`
	// Why it was refused.
	Error string `json:"error,omitempty" untrusted:"true"`
}

// attach tags what has uuid. MISP makes a tag that it doesn't have yet, if the
// key may.
func (c *Client) attach(ctx context.Context, uuid, tag string) (status TagStatus, words string, err error) {
	d, err := httpx.JSON[done](c.has("saved")(c.wire.AttachTag(ctx, wire.TagTarget{UUID: strings.ToLower(uuid), Tag: tag})))
	if err != nil {
		return TagRefused, "", err
	}
	if strings.Contains(d.Message, "already has") {
		return TagExisting, d.Message, nil
	}
	return TagAttached, d.Message, nil
}

// attachAll tags what has uuid with each of tags and says what became of each.
// It stops with an error only if it isn't known what became of one.
func (c *Client) attachAll(ctx context.Context, uuid string, tags []string) ([]*TagOutcome, error) {
	list := []*TagOutcome{}
	for _, t := range tags {
		status, _, err := c.attach(ctx, uuid, t)
		o := &TagOutcome{Tag: t, Status: status}
		if err != nil {
			o.Error = reason(err)
		}
		list = append(list, o)
		if errors.Is(err, gate.ErrOutcomeUnknown) {
			return list, err
		}
	}
	return list, nil
}

func refusedTags(list []*TagOutcome) (n int) {
	for _, o := range list {
		if o.Status == TagRefused {
			n++
		}
	}
	return n
}

const maxTags = 50

func checkTags(name string, tags []string) error {
	if len(tags) > maxTags {
		return invalid("%s: want at most %d, got %d", name, maxTags, len(tags))
	}
	for i, t := range tags {
		if err := checkTag(fmt.Sprintf("%s[%d]", name, i), t); err != nil {
			return err
		}
	}
	return nil
}

// checkTag refuses what is no name of a tag. A number would be taken for the id
// of one, whichever that is.
func checkTag(name, t string) error {
	if digits := strings.TrimSpace(t); digits != "" && strings.Trim(digits, "0123456789") == "" {
		return invalid("%s: %q: MISP would take a number for the id of a tag; give its name", name, clip.Text(t, 60))
	}
	return checkText(name, t, 255)
}

// TagEventInput is the input of [Client.TagEvent].
type TagEventInput struct {
	EventID EventRef `json:"eventId" alias:"id"` // the event
	// Such as tlp:amber.
	Tag    string `json:"tag" minLength:"1" maxLength:"255"`
	Remove bool   `json:"remove,omitempty"` // take the tag away
	gate.Confirmation
}

// Validate refuses what isn't the name of an event or of a tag.
func (in TagEventInput) Validate() error {
	return errors.Join(in.EventID.check(), checkTag("tag", in.Tag))
}

// ExemptFromConfirmation reports whether a tag is added: only taking one away
// is confirmed, or authorised by the operator's switch.
func (in TagEventInput) ExemptFromConfirmation() bool { return !in.Remove }

// A TaggedEvent says what became of a tag of an event.
type TaggedEvent struct {
	EventID ID `json:"eventId"` // the event
	TagOutcome
	// MISP's own words.
	Message string `json:"message,omitempty" untrusted:"true"`
}

// TagEvent tags an event, or takes a tag from it. Either unpublishes it.
//
// MISP: POST /events/restSearch, POST /tags/attachTagToObject or /tags/removeTagFromObject
func (c *Client) TagEvent(ctx context.Context, in TagEventInput) (*TaggedEvent, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return nil, err
	}
	out := &TaggedEvent{EventID: e.ID, TagOutcome: TagOutcome{Tag: in.Tag}}
	if !in.Remove {
		out.Status, out.Message, err = c.attach(ctx, e.UUID, in.Tag)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	d, err := httpx.JSON[done](c.has("saved")(c.wire.RemoveTag(ctx, wire.TagTarget{UUID: strings.ToLower(e.UUID), Tag: in.Tag})))
	if err != nil {
		return nil, err
	}
	out.Status, out.Message = TagRemoved, d.Message
	return out, nil
}

func (c *Client) planTagEvent(ctx context.Context, in TagEventInput) (gate.Plan, error) {
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, e, mayTag); err != nil {
		return gate.Plan{}, err
	}
	has := e.hasTag(in.Tag)
	p := gate.Plan{Targets: []gate.Target{e.target()}}
	after := slices.DeleteFunc(e.tagNames(), func(t string) bool { return in.Remove && t == in.Tag })
	switch {
	case in.Remove:
		p.Summary, p.Undo = "Take a tag from an event in MISP.", "Tag the event again (misp_tag_event)."
		if !has {
			p.Warnings = append(p.Warnings, "the event doesn't have the tag: MISP will refuse")
		}
	default:
		p.Summary, p.Undo = "Tag an event in MISP.", "Take the tag from the event (misp_tag_event)."
		if has {
			p.Warnings = append(p.Warnings, "the event has the tag already: nothing changes")
		} else {
			after = append(after, in.Tag)
		}
		notes, err := c.newTags(ctx, []string{in.Tag})
		if err != nil {
			return gate.Plan{}, err
		}
		if len(notes) > 0 {
			switch err := c.checkMay(ctx, nil, mayMakeTags); {
			case errors.Is(err, ErrForbidden) && strings.Contains(notes[0], "NEW tag"):
				notes = append(notes, "the key's role may not make tags: MISP will refuse this one")
			case err != nil:
				return gate.Plan{}, fmt.Errorf("%w; %s", err, strings.Join(notes, "; "))
			}
		}
		p.Warnings = append(p.Warnings, notes...)
	}
	p.Changes = append(p.Changes, gate.Changed("tags", strings.Join(e.tagNames(), ", "), strings.Join(after, ", ")))
	p.Warnings = append(loweredMarking(e.tagNames(), after), p.Warnings...)
	p.Warnings = append(p.Warnings, tlpDoubts(tlp(after), e.Distribution)...)
	p.Warnings = append(p.Warnings, severalTLP(after)...)
	e.unpublishes(&p)
	return p, nil
}

// unpublishes puts into p that a change to e takes it out of circulation.
func (e *Event) unpublishes(p *gate.Plan) {
	if e.Published {
		p.Changes = append(p.Changes, gate.Changed("published", "yes", "no"))
		p.Warnings = append(p.Warnings, "the event is published: a change unpublishes it until somebody publishes it again")
	}
}

// tagNames returns the names of the tags of e, sorted.
func (e *Event) tagNames() []string {
	list := []string{}
	for _, t := range e.Tags {
		if t != nil {
			list = append(list, t.Name)
		}
	}
	slices.Sort(list)
	return list
}

// hasTag reports whether e has a tag of exactly that name: MISP tells tags apart
// by case.
func (e *Event) hasTag(name string) bool { return slices.Contains(e.tagNames(), name) }

var errNoTag = errors.New("there is no such tag")

// newTags warns of those of tags that MISP would have to make, and says which it
// has that differ by case.
func (c *Client) newTags(ctx context.Context, tags []string) (warnings []string, err error) {
	for _, t := range tags {
		var near []string
		read := func(ctx context.Context) (bool, error) {
			var known bool
			var err error
			near, known, err = c.nearTags(ctx, t)
			return known, err
		}
		err := c.tags.Look(ctx, t, read, func(known bool) error {
			if !known {
				return errNoTag
			}
			return nil
		})
		switch {
		case err == nil:
		case err != errNoTag:
			return nil, err
		case len(near) > 0 && strings.EqualFold(near[0], t):
			warnings = append(warnings, fmt.Sprintf("MISP doesn't have the tag %q, but %s: a NEW tag would be made beside it, which no search for the other finds", t, strings.Join(near, ", ")))
		default:
			warnings = append(warnings, fmt.Sprintf("MISP doesn't have the tag %q yet: it is made, if the key may", t))
		}
	}
	return warnings, nil
}

// A TagUse is a tag with how often it is used.
type TagUse struct {
	ID     ID     `json:"id"`                    // its id
	Name   string `json:"name" untrusted:"true"` // its name
	Colour string `json:"colour,omitempty"`      // its colour, as #RRGGBB
	// Whether other servers receive it.
	Exportable *Bool `json:"exportable,omitempty"`
	Hidden     Bool  `json:"hide_tag,omitempty"` // whether it isn't offered
	// Whether it stands for a galaxy cluster.
	IsGalaxy  Bool `json:"is_galaxy,omitempty"`
	LocalOnly Bool `json:"local_only,omitempty"` // whether it never leaves the server
	// How many events have it.
	Events *Int `json:"count,omitempty"`
	// How many attributes have it.
	Attributes *Int `json:"attribute_count,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// ListTagsInput is the input of [Client.ListTags].
type ListTagsInput struct {
	Search string `json:"search,omitempty" maxLength:"255"` // only those that this is in
	Paging
}

// A TagPage is one page of tags.
type TagPage struct {
	// The tags, by name.
	Tags []*TagUse `json:"tags"`
	// How many match in all.
	Total int  `json:"total"`
	Page  int  `json:"page"` // which page this is, from 1
	More  bool `json:"more"` // whether there are more behind these
}

// ListTags returns one page of the tags, by name, with how often each is used.
//
// MISP: GET /tags, POST /tags/index with a search
func (c *Client) ListTags(ctx context.Context, in ListTagsInput) (*TagPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listTags(ctx, in)
}

// Tags returns an iterator over every tag that in matches, by name, from in.Page
// on, as they were when it began: MISP gives all in one answer.
func (c *Client) Tags(ctx context.Context, in ListTagsInput) iter.Seq2[*TagUse, error] {
	return walkWhole(ctx, in, c.listTags, func(p *TagPage) []*TagUse { return p.Tags }, func(t *TagUse) string { return t.Name })
}

func (c *Client) listTags(ctx context.Context, in ListTagsInput) (*TagPage, error) {
	type answer struct {
		Tags List[*TagUse] `json:"Tag"`
	}
	send := c.wire.ListTags
	if text := strings.TrimSpace(in.Search); text != "" {
		send = func(ctx context.Context) (*httpx.Response, error) {
			return c.wire.FilterTags(ctx, wire.TagFilter{SearchAll: text})
		}
	}
	a, err := httpx.JSON[answer](c.has("Tag")(send(ctx)))
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(a.Tags, func(t *TagUse) bool { return t == nil || !mentions(in.Search, t.Name) })
	slices.SortStableFunc(list, func(a, b *TagUse) int { return strings.Compare(a.Name, b.Name) })
	out := &TagPage{Total: len(list), Page: in.Page}
	out.Tags, out.More = cut(in.Paging, list)
	return out, nil
}

// A Tagged says what can have a tag.
type Tagged string

// What can have a tag.
const (
	TaggedEvents     Tagged = "event"
	TaggedAttributes Tagged = "attribute"
)

// Enum lists what is allowed.
func (Tagged) Enum() []any { return []any{TaggedEvents, TaggedAttributes} }

// SearchByTagInput is the input of [Client.SearchByTag].
type SearchByTagInput struct {
	// % stands for any text.
	Tag  string `json:"tag" minLength:"1" maxLength:"255"`
	Type Tagged `json:"type,omitempty" default:"event"` // whether events or attributes
	Paging
}

// Validate refuses a tag that MISP would take for everything.
func (in SearchByTagInput) Validate() error {
	return checkFilter("tag", in.Tag)
}

// WithTag is one page of what has a tag.
type WithTag struct {
	Tag    string          `json:"tag" untrusted:"true"` // the tag
	Events []*EventSummary `json:"events,omitempty"`     // the events
	// Those of tagged events included.
	Attributes []*Attribute `json:"attributes,omitempty"`
	// How many there are in all. Absent when that isn't known.
	Total *int `json:"total,omitempty"`
	Page  int  `json:"page"` // which page this is, from 1
	// Whether there may be more on the next page.
	More bool   `json:"more"`
	Note string `json:"note,omitempty" untrusted:"true"` // what to know about the answer
}

// SearchByTag returns the events, or the attributes, that have a tag. An
// attribute has those of its event too.
//
// MISP: POST /events/restSearch or /attributes/restSearch
func (c *Client) SearchByTag(ctx context.Context, in SearchByTagInput) (*WithTag, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	out := &WithTag{Tag: in.Tag, Page: in.Page}
	if in.Type == TaggedEvents {
		p, err := c.SearchEvents(ctx, SearchEventsInput{Tags: []string{in.Tag}, Paging: in.Paging})
		if err != nil {
			return nil, err
		}
		out.Events, out.Total, out.More, out.Note = p.Events, p.Total, p.More, p.Note
		return out, nil
	}
	p, err := c.SearchAttributes(ctx, SearchAttributesInput{Tags: []string{in.Tag}, Page: in.Page, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out.Attributes, out.Total, out.More, out.Note = p.Attributes, p.Total, p.More, p.Note
	return out, nil
}
