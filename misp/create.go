package misp

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// CreateEventInput is the input of [Client.CreateEvent]. The zero values make an
// event for the own organisation, of undefined threat, in its initial analysis.
type CreateEventInput struct {
	// The title.
	Info string `json:"info" alias:"title" minLength:"1" maxLength:"10000"`
	// Once published: 0 own organisation, 1 this community, 2 connected, 3 all, 4 a sharing group.
	Distribution Distribution `json:"distribution" minimum:"0" maximum:"4"`
	// For distribution 4.
	SharingGroupID NumericID `json:"sharingGroupId,omitempty"`
	// 1 high, 2 medium, 3 low, 4 undefined.
	ThreatLevel ThreatLevel `json:"threatLevel" alias:"threatLevelId" minimum:"1" maximum:"4"`
	// 0 initial, 1 ongoing, 2 complete.
	Analysis Analysis `json:"analysis" minimum:"0" maximum:"2"`
	// Default: today.
	Date string `json:"date,omitempty" time:"day" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`
	// Such as tlp:amber.
	Tags []string `json:"tags,omitempty" maxItems:"50" maxLength:"255"`
}

// Validate refuses what MISP would refuse, and a sharing group that isn't one.
func (in CreateEventInput) Validate() error {
	switch {
	case in.Distribution != SharingGroupOnly && in.SharingGroupID != "":
		return invalid("sharingGroupId: only distribution 4 takes it")
	case in.SharingGroupID != "" && !numberRegexp.MatchString(string(in.SharingGroupID)):
		return invalid("sharingGroupId: %q is not the id of a sharing group", clip.Text(string(in.SharingGroupID), 60))
	case in.Distribution > OrganisationOnly && red(in.Tags):
		return keptInside("the event", in.Distribution)
	}
	if in.Date != "" {
		if _, err := time.Parse(time.DateOnly, in.Date); err != nil {
			return invalid("date: %q: want YYYY-MM-DD", clip.Text(in.Date, 60))
		}
	}
	return errors.Join(checkText("info", in.Info, 10000), checkTags("tags", in.Tags))
}

// threat is the threat level of the event: undefined if none is given.
func (in CreateEventInput) threat() ThreatLevel { return cmp.Or(in.ThreatLevel, ThreatUndefined) }

// A CreatedEvent says what became of a new event.
type CreatedEvent struct {
	Event *EventSummary `json:"event"` // the event
	// Whether it was there before: the same title on the same day. It was left as it is but for its tags.
	Existing bool `json:"existing,omitempty"`
	// What was asked for and isn't so, because the event was there before: threatLevel 3, wanted 1.
	Differs []string `json:"differs,omitempty"`
	// What became of each tag.
	Tags []*TagOutcome `json:"tags,omitempty"`
	Note string        `json:"note,omitempty"` // what to know about the answer
}

// differs says what of in e, which was there before, hasn't.
func (in CreateEventInput) differs(e *Event) (list []string) {
	for _, f := range []struct {
		name      string
		has, want int
	}{
		{"threatLevel", int(e.ThreatLevel), int(in.threat())}, {"distribution", int(e.Distribution), int(in.Distribution)}, {"analysis", int(e.Analysis), int(in.Analysis)},
	} {
		if f.has != f.want {
			list = append(list, fmt.Sprintf("%s %d, wanted %d", f.name, f.has, f.want))
		}
	}
	if in.SharingGroupID != "" && string(e.SharingGroupID) != string(in.SharingGroupID) {
		list = append(list, fmt.Sprintf("sharingGroupId %s, wanted %s", e.SharingGroupID, in.SharingGroupID))
	}
	return list
}

// CreateEvent makes an event, which is not published, and tags it. Its UUID
// follows from the title, the date and who makes it, so that a repeated call
// finds the event instead of making another. An event that is TLP:RED and for
// others is refused with [ErrEgress]: others may see it before it is published.
//
// MISP: POST /events/add, POST /tags/attachTagToObject for each tag
func (c *Client) CreateEvent(ctx context.Context, in CreateEventInput) (*CreatedEvent, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := c.checkGroupGiven(ctx, &in.Distribution, in.SharingGroupID); err != nil {
		return nil, err
	}
	date := in.day()
	out := &CreatedEvent{}
	type answer struct {
		Event *Event `json:"Event"`
	}
	var uuid string
	var a *answer
	var err error
	for life := range maxLives {
		uuid = c.eventUUID(in.Info, date, life)
		a, err = httpx.JSON[answer](c.has("Event")(c.wire.AddEvent(ctx, wire.NewEvent{
			Info: in.Info, Distribution: int(in.Distribution), SharingGroupID: string(in.SharingGroupID),
			ThreatLevel: int(in.threat()), Analysis: int(in.Analysis), Date: date, UUID: uuid,
		})))
		if !blocklisted(err) {
			break
		}
		out.Note = "an event of this title and day was deleted before, and MISP refuses its UUID for good: this one has another"
	}
	var e *Event
	switch {
	case errors.Is(err, ErrExists), errors.Is(err, gate.ErrOutcomeUnknown):
		found, ferr := c.summary(ctx, EventRef(uuid))
		if ferr != nil {
			return nil, err
		}
		e, out.Existing = found, errors.Is(err, ErrExists)
		if out.Existing {
			out.Differs = in.differs(e)
		}
	case err != nil:
		return nil, err
	case a.Event == nil || a.Event.ID == "":
		return nil, fmt.Errorf("misp: addEvent: the answer has no event; %w", gate.ErrOutcomeUnknown)
	default:
		e = a.Event
	}
	out.Event = e.summary()
	var tagErr error
	if out.Tags, tagErr = c.attachAll(ctx, e.UUID, in.Tags); tagErr != nil {
		return nil, fmt.Errorf("misp: event %s was made, then: %w", e.ID, tagErr)
	}
	if n := refusedTags(out.Tags); n > 0 {
		out.Note = strings.TrimPrefix(out.Note+fmt.Sprintf("; the event is there; %s refused", count(n, "tag")), "; ")
	}
	if out.Existing && bool(e.Published) && slices.ContainsFunc(out.Tags, func(t *TagOutcome) bool { return t.Status == TagAttached }) {
		unpublished := Bool(false)
		out.Event.Published = &unpublished
		out.Note = strings.TrimPrefix(out.Note+"; the event was published: its new tags unpublished it", "; ")
	}
	return out, nil
}

// day is the date of the event: the one given, or today.
func (in CreateEventInput) day() string {
	if in.Date != "" {
		return in.Date
	}
	return time.Now().UTC().Format(time.DateOnly)
}

// maxLives is how often an event of one title and day can be made again after it
// was deleted.
const maxLives = 5

// blocklisted reports whether MISP refuses an event because one of its UUID was
// deleted.
func blocklisted(err error) bool {
	var e *Error
	return errors.As(err, &e) && strings.Contains(strings.ToLower(e.Message), "blocklist")
}

// freeUUID is the UUID under which in is made, as far as the key may know which
// are blocked, and a warning if the first one is.
func (c *Client) freeUUID(ctx context.Context, in CreateEventInput) (uuid string, warnings []string, err error) {
	first := c.eventUUID(in.Info, in.day(), 0)
	o, err := c.owner(ctx)
	if err != nil || o == nil || o.lacks(mayAdminSite) {
		return first, []string{"if an event of this title and day was deleted before, MISP refuses its UUID: it is then made under another"}, err
	}
	list, err := httpx.JSON[List[*struct {
		UUID string `json:"event_uuid"`
	}]](c.wire.ListBlockedEvents(ctx))
	if err != nil {
		return "", nil, fmt.Errorf("misp: which events are blocked must be known first: %w", err)
	}
	for life := range maxLives {
		uuid = c.eventUUID(in.Info, in.day(), life)
		blocked := false
		for _, b := range *list {
			blocked = blocked || b != nil && strings.EqualFold(b.UUID, uuid)
		}
		if !blocked {
			return uuid, warnings, nil
		}
		warnings = []string{"an event of this title and day was deleted before, and MISP refuses its UUID: this one is made under another"}
	}
	return "", nil, fmt.Errorf("%w: events of this title and day were deleted %d times, and MISP blocks their UUIDs: choose another title, or have a site administrator take %s off the event blocklist", ErrForbidden, maxLives, first)
}

// eventUUID is the UUID (version 5) under which an event is made; life counts how
// often one was deleted before.
func (c *Client) eventUUID(info, date string, life int) string {
	const space = "6f1f9a0e-0c1d-5e57-9b1c-5a11b0a7e0e1"
	name := date + "\x00" + strings.TrimSpace(info)
	if life > 0 {
		name += fmt.Sprintf("\x00%d", life)
	}
	u, err := attributeUUID(space, c.upstream, name)
	if err != nil {
		panic(err) // the space is a constant
	}
	return u
}

// summary is e without what is in it.
func (e *Event) summary() *EventSummary {
	s := &EventSummary{ID: e.ID, UUID: e.UUID, Info: e.Info, Date: e.Date, PublishTimestamp: e.PublishTimestamp, Orgc: e.Orgc, Tags: e.Tags}
	s.ThreatLevel, s.Analysis, s.Distribution, s.Published, s.AttributeCount = &e.ThreatLevel, &e.Analysis, &e.Distribution, &e.Published, &e.AttributeCount
	return s
}

func (c *Client) planCreateEvent(ctx context.Context, in CreateEventInput) (gate.Plan, error) {
	return c.PlanCreateEvent(ctx, in)
}

// PlanCreateEvent is the plan of [Client.CreateEvent] and, if there are
// attributes, of adding them to that event with [Client.AddAttributesBulk]. It
// asks the warninglists for them. If the event is there already, the plan is
// about that one.
func (c *Client) PlanCreateEvent(ctx context.Context, in CreateEventInput, attributes ...NewAttribute) (gate.Plan, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkGroupGiven(ctx, &in.Distribution, in.SharingGroupID); err != nil {
		return gate.Plan{}, err
	}
	needs := []permission{mayAdd}
	if len(in.Tags) > 0 {
		needs = append(needs, mayTag)
	}
	if err := c.checkMay(ctx, nil, needs...); err != nil {
		return gate.Plan{}, err
	}
	if len(attributes) > 0 {
		if err := c.checkTypes(ctx, attributes...); err != nil {
			return gate.Plan{}, err
		}
	}
	uuid, blocked, err := c.freeUUID(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	e, err := c.summary(ctx, EventRef(uuid))
	var p gate.Plan
	switch {
	case errors.Is(err, ErrNotFound):
		p, err = c.planNewEvent(ctx, in)
		p.Warnings = append(p.Warnings, blocked...)
	case err == nil:
		p, err = c.planExistingEvent(ctx, in, e, attributes)
	}
	if err != nil {
		return gate.Plan{}, err
	}
	p.Count = len(attributes)
	var sent []*Attribute
	for i, a := range attributes {
		p.Changes = append(p.Changes, gate.Set(fmt.Sprintf("attribute %d", i+1), a.describe()))
		sent = append(sent, a.asAttribute())
	}
	notes, err := c.newTags(ctx, in.Tags)
	if err != nil {
		return gate.Plan{}, err
	}
	p.Warnings = append(p.Warnings, notes...)
	return p, c.warn(ctx, &p, indicators(sent...)...)
}

// planNewEvent is what becomes of in if there is no such event.
func (c *Client) planNewEvent(ctx context.Context, in CreateEventInput) (gate.Plan, error) {
	date := in.Date
	if date == "" {
		date = "the day it is made"
	}
	p := gate.Plan{
		Summary: "Make an event in MISP.",
		Changes: []gate.Change{
			gate.Set("title", in.Info), gate.Set("date", date), gate.Set("distribution", in.Distribution),
			gate.Set("threat level, analysis", fmt.Sprintf("%s, %s", in.threat(), in.Analysis)),
		},
		Undo: "Delete the event (misp_delete_event).",
	}
	if in.Distribution == SharingGroupOnly {
		if err := c.toGroup(ctx, in.SharingGroupID, &p); err != nil {
			return gate.Plan{}, err
		}
	}
	if len(in.Tags) > 0 {
		p.Changes = append(p.Changes, gate.Set("tags", strings.Join(in.Tags, ", ")))
	}
	p.Warnings = append(p.Warnings, tlpDoubts(tlp(in.Tags), in.Distribution)...)
	p.Warnings = append(p.Warnings, severalTLP(in.Tags)...)
	return p, nil
}

// planExistingEvent is what becomes of in if e is the event: it gets the tags
// and the attributes that it lacks, and stays as it is for the rest.
func (c *Client) planExistingEvent(ctx context.Context, in CreateEventInput, e *Event, attributes []NewAttribute) (gate.Plan, error) {
	p := gate.Plan{
		Summary:  "Add to an event that is in MISP already: it has this title and this date.",
		Targets:  []gate.Target{e.whole()},
		Warnings: []string{"no event is made: the one with this title and date is taken"},
	}
	kept := func(what string, has, asked fmt.Stringer) {
		if has.String() != asked.String() {
			p.Warnings = append(p.Warnings, fmt.Sprintf("the event's %s is %s and stays so: %s was asked for", what, has, asked))
		}
	}
	kept("distribution", e.Distribution, in.Distribution)
	kept("threat level", e.ThreatLevel, in.ThreatLevel)
	kept("analysis", e.Analysis, in.Analysis)
	if in.SharingGroupID != "" && string(e.SharingGroupID) != string(in.SharingGroupID) {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the event isn't shared with sharing group %s, and stays so", in.SharingGroupID))
	}
	if err := c.repeated(ctx, e, attributes...); err != nil {
		return gate.Plan{}, err
	}
	had := e.tagNames()
	after := slices.Clone(had)
	for _, t := range in.Tags {
		if !slices.Contains(had, t) {
			after = append(after, t)
		}
	}
	var undo []string
	if len(after) > len(had) {
		p.Changes = append(p.Changes, gate.Changed("tags", strings.Join(had, ", "), strings.Join(after, ", ")))
		undo = append(undo, "take the new tags off the event (misp_tag_event)")
	}
	fresh := 0
	for i, a := range attributes {
		uuid, err := attributeUUID(e.UUID, a.Type, a.Value)
		if err != nil {
			return gate.Plan{}, err
		}
		if old := e.find(a, uuid); old != nil {
			p.Warnings = append(p.Warnings, fmt.Sprintf("attribute %d is in the event already, as attribute %s: it is left as it is", i+1, old.ID))
			continue
		}
		fresh++
	}
	if fresh > 0 {
		undo = append(undo, "delete the new attributes from it (misp_delete_attribute)")
	}
	p.Warnings = append(p.Warnings, tlpDoubts(tlp(after), e.Distribution)...)
	p.Warnings = append(p.Warnings, severalTLP(after)...)
	if undo == nil {
		p.Summary, p.Undo = "Find an event that is in MISP already, and change nothing.", "There is nothing to undo."
		return p, nil
	}
	if err := c.checkMay(ctx, e); err != nil {
		return gate.Plan{}, err
	}
	p.Undo = strings.Join(undo, "; ") + "."
	p.Undo = strings.ToUpper(p.Undo[:1]) + p.Undo[1:]
	e.unpublishes(&p)
	if e.Published {
		p.Undo += " Publishing it again is another call."
	}
	return p, nil
}

// UpdateEventInput is the input of [Client.UpdateEvent]. What is left out stays.
type UpdateEventInput struct {
	EventID EventRef `json:"eventId" alias:"id"` // the event
	// The new title.
	Info string `json:"info,omitempty" alias:"title" maxLength:"10000"`
	// 1 high, 2 medium, 3 low, 4 undefined.
	ThreatLevel ThreatLevel `json:"threatLevel,omitempty" alias:"threatLevelId" minimum:"1" maximum:"4"`
	// 0 initial, 1 ongoing, 2 complete.
	Analysis *Analysis `json:"analysis,omitempty" minimum:"0" maximum:"2"`
}

// Validate refuses an update of nothing.
func (in UpdateEventInput) Validate() error {
	if err := in.EventID.check(); err != nil {
		return err
	}
	switch {
	case in.Info == "" && in.ThreatLevel == 0 && in.Analysis == nil:
		return invalid("give at least one of info, threatLevel, analysis")
	case in.Info != "":
		return checkText("info", in.Info, 10000)
	}
	return nil
}

// UpdateEvent changes the title, the threat level or the analysis of an event,
// which unpublishes it.
//
// MISP: POST /events/edit/{eventId}, POST /events/restSearch
func (c *Client) UpdateEvent(ctx context.Context, in UpdateEventInput) (*EventSummary, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	edit := wire.EventEdit{Info: in.Info, ThreatLevel: int(in.ThreatLevel), Analysis: (*int)(in.Analysis)}
	if err := c.edit(ctx, in.EventID, edit); err != nil {
		return nil, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return nil, fmt.Errorf("misp: the event was changed, and can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	switch {
	case in.Info != "" && e.Info != strings.TrimSpace(in.Info) && e.Info != in.Info, in.ThreatLevel != 0 && e.ThreatLevel != in.ThreatLevel, in.Analysis != nil && e.Analysis != *in.Analysis:
		return nil, fmt.Errorf("misp: editEvent: MISP kept other values than it was given: %q, %s, %s; %w", clip.Text(e.Info, 80), e.ThreatLevel, e.Analysis, gate.ErrOutcomeUnknown)
	}
	return e.summary(), nil
}

const (
	maxAnswer = 1 << 30  // bytes of an answer that isn't held in memory
	maxHead   = 64 << 10 // bytes of its beginning that are
)

// A beginning keeps the first bytes of what is written to it.
type beginning struct {
	head []byte
	size int
}

func (b *beginning) Write(p []byte) (int, error) {
	b.size += len(p)
	b.head = append(b.head, p[:min(len(p), maxHead-len(b.head))]...)
	return len(p), nil
}

// edit changes an event. MISP answers with all that is in it, of which only the
// beginning is kept: a refusal is no longer than that.
func (c *Client) edit(ctx context.Context, id EventRef, edit wire.EventEdit) error {
	var answer beginning
	r := httpx.NewRequest(wire.EditEventEndpoint)
	r.Path("eventId", id.path(), "")
	r.JSON(edit)
	r.Into(maxAnswer, func() (io.Writer, error) {
		answer = beginning{}
		return &answer, nil
	})
	res, err := c.wire.HTTP.Send(ctx, r)
	switch {
	case err != nil:
		return err
	case answer.size > len(answer.head):
		if !bytes.HasPrefix(bytes.TrimSpace(answer.head), []byte(`{"Event"`)) {
			return fmt.Errorf("misp: editEvent: the answer is no event; %w", gate.ErrOutcomeUnknown)
		}
		return nil
	}
	res.Body = answer.head
	_, err = httpx.JSON[struct{}](c.has("Event")(res, nil))
	return err
}

func (c *Client) planUpdateEvent(ctx context.Context, in UpdateEventInput) (gate.Plan, error) {
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, e, mayModify); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Change an event in MISP.", Targets: []gate.Target{e.whole()}, Undo: "Set the values that are shown as those before (misp_update_event)."}
	if in.Info != "" {
		p.Changes = append(p.Changes, gate.Changed("title", e.Info, in.Info))
	}
	if in.ThreatLevel != 0 {
		p.Changes = append(p.Changes, gate.Changed("threat level", e.ThreatLevel, in.ThreatLevel))
	}
	if in.Analysis != nil {
		p.Changes = append(p.Changes, gate.Changed("analysis", e.Analysis, *in.Analysis))
	}
	e.unpublishes(&p)
	return p, nil
}
