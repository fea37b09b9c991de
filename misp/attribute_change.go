package misp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// AddAttributeInput is the input of [Client.AddAttribute].
type AddAttributeInput struct {
	EventID EventRef `json:"eventId"` // the event
	// Such as ip-src, domain, sha256.
	Type  string `json:"type" pattern:"^[A-Za-z0-9][A-Za-z0-9 |/_-]*$" maxLength:"100"`
	Value string `json:"value" minLength:"1" maxLength:"65535"` // its value
	// Such as Network activity. Default: the usual one of the type.
	Category string `json:"category,omitempty" pattern:"^[A-Za-z][A-Za-z -]*$" maxLength:"100"`
	// For detection. Default: as is usual for the type.
	ToIDs   *bool  `json:"toIds,omitempty"`
	Comment string `json:"comment,omitempty" maxLength:"65535"` // a comment on it
	// 0 own organisation, 1 this community, 2 connected, 3 all, 4 a sharing group, 5 as the event.
	Distribution *Distribution `json:"distribution,omitempty" minimum:"0" maximum:"5"`
	// For distribution 4.
	SharingGroupID NumericID `json:"sharingGroupId,omitempty"`
	// 2026-01-31 or a time.
	FirstSeen When     `json:"firstSeen,omitempty" time:"instant" maxLength:"40"`
	LastSeen  When     `json:"lastSeen,omitempty" time:"instant" maxLength:"40"` // when it was last seen
	Tags      []string `json:"tags,omitempty" maxItems:"50" maxLength:"255"`     // its tags
}

func (in AddAttributeInput) attribute() NewAttribute {
	return NewAttribute{Type: in.Type, Value: in.Value, Category: in.Category, ToIDs: in.ToIDs, Comment: in.Comment}
}

// Validate refuses what MISP would refuse for its form.
func (in AddAttributeInput) Validate() error {
	first, err := seen("firstSeen", in.FirstSeen)
	last, lastErr := seen("lastSeen", in.LastSeen)
	if first != "" && last != "" && last < first {
		lastErr = invalid("lastSeen: %s is before firstSeen, %s", last, first)
	}
	return errors.Join(in.EventID.check(), in.attribute().check(""), checkOwn("distribution", in.Distribution), checkGroup(in.Distribution, in.SharingGroupID),
		err, lastErr, checkTags("tags", in.Tags))
}

// OneAddedAttribute says what became of one value and its tags.
type OneAddedAttribute struct {
	EventID ID `json:"eventId"` // the event
	AddedAttribute
	// What became of each tag.
	Tags []*TagOutcome `json:"tags,omitempty"`
	Note string        `json:"note,omitempty"` // what to know about the answer
}

// AddAttribute adds a value to an event and tags it. Adding to a published
// event unpublishes it. A value that is there already is left as it is but for
// its tags. One that is TLP:RED and would reach others is refused with
// [ErrEgress].
//
// MISP: POST /events/restSearch, /attributes/restSearch, POST /attributes/add/{eventId}, POST /tags/attachTagToObject for each tag
func (c *Client) AddAttribute(ctx context.Context, in AddAttributeInput) (*OneAddedAttribute, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := c.checkGroupGiven(ctx, in.Distribution, in.SharingGroupID); err != nil {
		return nil, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return nil, err
	}
	if err := in.checkRed(e); err != nil {
		return nil, err
	}
	a := in.attribute()
	if err := c.repeated(ctx, e, a); err != nil {
		return nil, err
	}
	out := &OneAddedAttribute{EventID: e.ID, AddedAttribute: AddedAttribute{Type: a.Type, Value: a.Value, Status: NotTried}}
	body, err := a.wire(e.UUID)
	if err != nil {
		return nil, err
	}
	body.Distribution, body.SharingGroupID = (*int)(in.Distribution), string(in.SharingGroupID)
	body.FirstSeen, _ = seen("firstSeen", in.FirstSeen) // Validate has read it
	body.LastSeen, _ = seen("lastSeen", in.LastSeen)
	if old := e.find(a, body.UUID); old != nil {
		out.from(old, Existing)
	} else {
		one, bodies := []*AddedAttribute{&out.AddedAttribute}, []wire.NewAttribute{body}
		err := c.sendAttributes(ctx, e.ID, bodies, one)
		if errors.Is(err, gate.ErrOutcomeUnknown) {
			err = c.recover(ctx, e.ID, bodies, one, err)
		} else if err == nil {
			err = c.settle(ctx, e.ID, bodies, one)
		}
		if err == nil {
			err = out.err
		}
		if err != nil {
			return nil, err
		}
	}
	if len(in.Tags) == 0 {
		return out, nil
	}
	if out.UUID == "" {
		out.Note = "the value is there in another form, under an id that isn't known: the tags were not attached"
		return out, nil
	}
	if out.Tags, err = c.attachAll(ctx, out.UUID, in.Tags); err != nil {
		return nil, fmt.Errorf("misp: attribute %s is in the event, then: %w", out.ID, err)
	}
	if n := refusedTags(out.Tags); n > 0 {
		out.Note = fmt.Sprintf("the attribute is there; %s refused", count(n, "tag"))
	}
	return out, nil
}

func (c *Client) planAddAttribute(ctx context.Context, in AddAttributeInput) (gate.Plan, error) {
	if err := c.checkGroupGiven(ctx, in.Distribution, in.SharingGroupID); err != nil {
		return gate.Plan{}, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := in.checkRed(e); err != nil {
		return gate.Plan{}, err
	}
	needs := []permission{mayAdd}
	if len(in.Tags) > 0 {
		needs = append(needs, mayTag)
	}
	if err := c.checkMay(ctx, e, needs...); err != nil {
		return gate.Plan{}, err
	}
	a := in.attribute()
	if err := c.checkTypes(ctx, a); err != nil {
		return gate.Plan{}, err
	}
	if err := c.repeated(ctx, e, a); err != nil {
		return gate.Plan{}, err
	}
	uuid, err := attributeUUID(e.UUID, a.Type, a.Value)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Add an attribute to an event in MISP.",
		Targets: []gate.Target{e.target()},
		Changes: []gate.Change{gate.Set("attribute", a.describe())},
		Undo:    "Delete the attribute from the event (misp_delete_attribute).",
	}
	if in.Distribution != nil {
		p.Changes = append(p.Changes, gate.Set("distribution", *in.Distribution))
		p.Warnings = append(p.Warnings, wider("the attribute", e.Distribution, in.Distribution)...)
	}
	if in.SharingGroupID != "" {
		if err := c.toGroup(ctx, in.SharingGroupID, &p); err != nil {
			return gate.Plan{}, err
		}
	}
	if in.FirstSeen != "" || in.LastSeen != "" {
		p.Changes = append(p.Changes, gate.Set("seen", strings.TrimSpace(string(in.FirstSeen+" to "+in.LastSeen))))
	}
	if len(in.Tags) > 0 {
		p.Changes = append(p.Changes, gate.Set("tags", strings.Join(in.Tags, ", ")))
		p.Warnings = append(p.Warnings, tlpDoubts(tlp(in.Tags), e.effective(in.Distribution))...)
	}
	if old := e.find(a, uuid); old != nil {
		p.Warnings = append(p.Warnings, fmt.Sprintf("it is in the event already, as attribute %s: it is left as it is", old.ID))
	}
	notes, err := c.newTags(ctx, in.Tags)
	if err != nil {
		return gate.Plan{}, err
	}
	p.Warnings = append(p.Warnings, notes...)
	e.unpublishes(&p)
	return p, c.warn(ctx, &p, indicators(a.asAttribute())...)
}

// checkRed refuses to put a value that is TLP:RED where others get it.
func (in AddAttributeInput) checkRed(e *Event) error {
	if to := e.effective(in.Distribution); to > OrganisationOnly && red(in.Tags) {
		return keptInside("the attribute", to)
	}
	return nil
}

// DeleteAttributeInput is the input of [Client.DeleteAttribute].
type DeleteAttributeInput struct {
	AttributeID Ref `json:"attributeId" alias:"id"` // the attribute, by its id or UUID
	HardDeletion
}

// HardDeletion is what deletions have in common that can be for good.
type HardDeletion struct {
	// For good.
	Hard bool `json:"hard,omitempty"`
	gate.Confirmation
	// Needed for a hard deletion.
	ConfirmHard bool `json:"confirmHard,omitempty"`
}

// ConfirmedHard reports whether a hard deletion is asked for and confirmed.
func (d HardDeletion) ConfirmedHard() (hard, confirmed bool) { return d.Hard, d.ConfirmHard }

// Validate refuses what isn't the name of an attribute.
func (in DeleteAttributeInput) Validate() error { return in.AttributeID.check("attributeId") }

// A Deletion confirms that something was deleted.
type Deletion struct {
	ID      ID   `json:"id"`      // its id
	Deleted bool `json:"deleted"` // whether it was deleted
	// Whether for good; else it can be restored in MISP.
	Hard bool `json:"hard"`
	// MISP's own words.
	Message string `json:"message,omitempty" untrusted:"true"`
}

// DeleteAttribute deletes an attribute: so that it can be restored, or for good.
// Either unpublishes the event.
//
// MISP: POST /attributes/delete/{attributeId}, with /1 for good
func (c *Client) DeleteAttribute(ctx context.Context, in DeleteAttributeInput) (*Deletion, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	send := c.wire.DeleteAttribute
	if in.Hard {
		send = c.wire.HardDeleteAttribute
	}
	d, err := httpx.JSON[done](send(ctx, in.AttributeID.path()))
	if err != nil {
		return nil, err
	}
	if d.Message != "Attribute deleted." {
		return nil, &Error{Refusal: refusal("deleteAttribute", 200, clip.Text(d.Message, 500), ErrInvalid)}
	}
	return &Deletion{ID: ID(in.AttributeID.path()), Deleted: true, Hard: in.Hard, Message: d.Message}, nil
}

// attribute returns one attribute. MISP shows none that was deleted.
func (c *Client) attribute(ctx context.Context, ref Ref) (*Attribute, error) {
	type answer struct {
		Attribute *Attribute `json:"Attribute"`
	}
	a, err := httpx.JSON[answer](c.has("Attribute")(c.wire.GetAttribute(ctx, ref.path())))
	if err != nil {
		return nil, err
	}
	if x := a.Attribute; x == nil || !ref.is(x.ID, x.UUID) {
		return nil, fmt.Errorf("misp: getAttribute: asked for attribute %s and was given another", ref)
	}
	return a.Attribute, nil
}

func (a *Attribute) target() gate.Target {
	return gate.Target{Kind: "attribute", ID: string(a.ID), Name: a.Type + " " + a.Value, Version: fmt.Sprintf("changed %d", jsoncodec.Unix(a.Timestamp))}
}

func (c *Client) planDeleteAttribute(ctx context.Context, in DeleteAttributeInput) (gate.Plan, error) {
	a, err := c.attribute(ctx, in.AttributeID)
	if errors.Is(err, ErrNotFound) && in.Hard {
		return gate.Plan{
			Summary:  "Delete an attribute in MISP for good.",
			Targets:  []gate.Target{{Kind: "attribute", ID: in.AttributeID.path()}},
			Warnings: []string{"the attribute can't be seen: it was deleted before, or it doesn't exist; what it holds isn't known"},
		}, nil
	}
	if err != nil {
		return gate.Plan{}, err
	}
	e, err := c.summary(ctx, EventRef(a.EventID))
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, e, mayModify); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Delete an attribute in MISP; it can be restored.",
		Targets: []gate.Target{a.target(), e.target()},
		Undo:    "Add the attribute again (misp_add_attribute).",
	}
	if in.Hard {
		p.Summary, p.Undo = "Delete an attribute in MISP for good.", ""
	}
	if idNumber(a.ObjectID) != 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("it is the %s of object %s", a.ObjectRelation, a.ObjectID))
	}
	e.unpublishes(&p)
	return p, nil
}
