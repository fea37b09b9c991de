package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A NewAttribute is a value to add to an event.
type NewAttribute struct {
	Type     string `json:"type" jsonschema:"An attribute type such as ip-src, domain, sha256." pattern:"^[A-Za-z0-9][A-Za-z0-9 |/_-]*$" maxLength:"100"`
	Value    string `json:"value" jsonschema:"The value. MISP brings it into its usual form." minLength:"1" maxLength:"65535"`
	Category string `json:"category,omitempty" jsonschema:"A category such as Network activity. Left out: the usual one of the type." pattern:"^[A-Za-z][A-Za-z -]*$" maxLength:"100"`
	ToIDs    *bool  `json:"toIds,omitempty" jsonschema:"Whether it is meant for detection. Left out: as is usual for the type."`
	Comment  string `json:"comment,omitempty" jsonschema:"What to know about it." maxLength:"65535"`
}

// AddAttributesBulkInput is the input of [Client.AddAttributesBulk].
type AddAttributesBulkInput struct {
	EventID    EventRef       `json:"eventId" jsonschema:"The event to add to: its id or UUID."`
	Attributes []NewAttribute `json:"attributes" jsonschema:"The values to add." minItems:"1" maxItems:"100"`
}

const maxBulk = 100

// Validate refuses what MISP would refuse for its form, and a value given twice.
func (in AddAttributesBulkInput) Validate() error {
	if err := in.EventID.check(); err != nil {
		return err
	}
	if n := len(in.Attributes); n < 1 || n > maxBulk {
		return invalid("attributes: want 1 to %d, got %d", maxBulk, n)
	}
	first := map[[3]string]int{}
	for i, a := range in.Attributes {
		key := [3]string{a.Type, a.Category, strings.ToLower(strings.TrimSpace(a.Value))}
		before, twice := first[key]
		switch {
		case !typeRegexp.MatchString(a.Type):
			return invalid("attributes[%d].type: %q is not an attribute type", i, clip(a.Type, 60))
		case key[2] == "":
			return invalid("attributes[%d].value: is blank", i)
		case a.Category != "" && !categoryRegexp.MatchString(a.Category):
			return invalid("attributes[%d].category: %q is not a category", i, clip(a.Category, 60))
		case twice:
			return invalid("attributes[%d] is the same as attributes[%d]", i, before)
		}
		first[key] = i
	}
	return nil
}

// AddStatus says what became of one value.
type AddStatus string

// What can become of a value.
const (
	Added    AddStatus = "added"     // it is in the event now
	Existing AddStatus = "existing"  // it was in the event before, and was left as it is
	Refused  AddStatus = "refused"   // MISP didn't take it
	NotTried AddStatus = "not_tried" // the work stopped before it
)

// AddedAttributes says what became of each value.
type AddedAttributes struct {
	EventID   ID                `json:"eventId"`
	EventUUID string            `json:"eventUuid"`
	Total     int               `json:"total"`
	Added     int               `json:"added"`
	Existing  int               `json:"existing"`
	Failed    int               `json:"failed" jsonschema:"How many were refused or not tried."`
	Results   []*AddedAttribute `json:"results" jsonschema:"What became of each value, in the order given."`
	Note      string            `json:"note,omitempty" untrusted:"true"`
}

// An AddedAttribute says what became of one value.
type AddedAttribute struct {
	Type   string    `json:"type"`
	Value  string    `json:"value" untrusted:"true"`
	Status AddStatus `json:"status" jsonschema:"added, existing, refused or not_tried."`
	ID     ID        `json:"id,omitempty"`
	UUID   string    `json:"uuid,omitempty"`
	Stored string    `json:"stored,omitempty" untrusted:"true" jsonschema:"The value as MISP keeps it, if that differs."`
	Error  string    `json:"error,omitempty" untrusted:"true" jsonschema:"Why it was refused."`
}

// AddAttributesBulk adds values to an event, one after another, and says what
// became of each. It is an error only if nothing was added and nothing was
// there already. Adding to a published event unpublishes it.
//
// Each value has a UUID that follows from the event, the type and the value, so
// that a repeated call adds nothing twice. If the answer to one is lost and it
// can't be found in the event, the work stops there with
// [gate.ErrOutcomeUnknown].
//
// MISP: GET /events/view/{eventId}, POST /attributes/add/{eventId} for each value
func (c *Client) AddAttributesBulk(ctx context.Context, in AddAttributesBulkInput) (*AddedAttributes, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	e, err := c.GetEvent(ctx, GetEventInput{EventID: in.EventID})
	if err != nil {
		return nil, err
	}
	out := &AddedAttributes{EventID: e.ID, EventUUID: e.UUID, Total: len(in.Attributes)}
	var errs []error
	var stopped error
	for _, a := range in.Attributes {
		r := &AddedAttribute{Type: a.Type, Value: a.Value, Status: NotTried}
		out.Results = append(out.Results, r)
		if stopped != nil {
			out.Failed++
			continue
		}
		err := c.addAttribute(ctx, e, a, r)
		switch {
		case err == nil && r.Status == Added:
			out.Added++
		case err == nil:
			out.Existing++
		default:
			out.Failed++
			r.Error = reason(err)
			if errors.Is(err, ErrInvalid) {
				r.Status = Refused
			} else {
				stopped = err
			}
			errs = append(errs, fmt.Errorf("%s %s: %w", a.Type, clip(a.Value, 80), err))
		}
	}
	switch {
	case errors.Is(stopped, gate.ErrOutcomeUnknown):
		return nil, fmt.Errorf("misp: %d of %d attributes were added, then: %w", out.Added, out.Total, stopped)
	case out.Added+out.Existing == 0:
		return nil, fmt.Errorf("misp: none of %d attributes was added: %w", out.Total, errors.Join(errs...))
	case stopped != nil:
		out.Note = "stopped before the end: " + reason(stopped)
	}
	return out, nil
}

// addAttribute adds one value to e and fills r.
func (c *Client) addAttribute(ctx context.Context, e *Event, a NewAttribute, r *AddedAttribute) error {
	uuid, err := attributeUUID(e.UUID, a.Type, a.Value)
	if err != nil {
		return err
	}
	if old := e.find(a, uuid); old != nil {
		r.from(old, Existing)
		return nil
	}
	body := wire.NewAttribute{Type: a.Type, Value: a.Value, Category: a.Category, ToIDs: flag(a.ToIDs), Comment: a.Comment, UUID: uuid}
	added, err := c.sendAttribute(ctx, e, body)
	if uuidTaken(err) {
		// Taken by the same value in another category, by one that was deleted, or
		// in another event. MISP refused, so nothing was added: let it choose one.
		body.UUID = ""
		added, err = c.sendAttribute(ctx, e, body)
	}
	switch {
	case err == nil:
		r.from(added, Added)
		return nil
	case errors.Is(err, gate.ErrOutcomeUnknown) && body.UUID != "":
		if found := c.probe(ctx, e, body.UUID); found != nil {
			r.from(found, Added)
			return nil
		}
	case errors.Is(err, ErrExists) && !uuidTaken(err): // in a form that MISP made of it
		r.Status = Existing
		return nil
	}
	return err
}

func (c *Client) sendAttribute(ctx context.Context, e *Event, body wire.NewAttribute) (*Attribute, error) {
	type answer struct {
		Attribute List[*Attribute] `json:"Attribute"`
		Errors    json.RawMessage  `json:"errors"`
	}
	a, err := httpx.JSON[answer](c.has("Attribute")(c.wire.AddAttribute(ctx, string(e.ID), body)))
	if err != nil {
		return nil, err
	}
	if len(a.Attribute) != 1 || a.Attribute[0] == nil || a.Attribute[0].ID == "" {
		return nil, fmt.Errorf("misp: addAttribute: the answer has %d attributes instead of one; %w", len(a.Attribute), gate.ErrOutcomeUnknown)
	}
	return a.Attribute[0], nil
}

// probe looks for an attribute whose adding wasn't answered.
func (c *Client) probe(ctx context.Context, e *Event, uuid string) *Attribute {
	p, err := c.searchAttributes(ctx, wire.AttributeSearch{EventID: string(e.ID), UUID: uuid, Page: 1, Limit: 2})
	if err != nil {
		return nil
	}
	for _, a := range p.Attributes {
		if a != nil && a.UUID == uuid && a.EventID == e.ID {
			return a
		}
	}
	return nil
}

func uuidTaken(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.ContainsFunc(e.Fields, func(f FieldError) bool { return f.Field == "uuid" })
}

// find returns the attribute of e, outside its objects, that a would repeat: one
// of the same value, or the one that was made of it, under uuid, in MISP's form.
func (e *Event) find(a NewAttribute, uuid string) *Attribute {
	for _, old := range e.Attributes {
		if old != nil && !bool(old.Deleted) && old.Type == a.Type && (a.Category == "" || old.Category == a.Category) &&
			(old.UUID == uuid || strings.EqualFold(old.Value, strings.TrimSpace(a.Value))) {
			return old
		}
	}
	return nil
}

func (r *AddedAttribute) from(a *Attribute, s AddStatus) {
	r.Status, r.ID, r.UUID = s, a.ID, a.UUID
	if a.Value != r.Value {
		r.Stored = a.Value
	}
}

func (c *Client) planAddAttributesBulk(ctx context.Context, in AddAttributesBulkInput) (gate.Plan, error) {
	e, err := c.GetEvent(ctx, GetEventInput{EventID: in.EventID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: fmt.Sprintf("Add %s to an event in MISP.", count(len(in.Attributes), "attribute")),
		Targets: []gate.Target{e.target()},
		Undo:    "Delete the attributes from the event.",
	}
	var values []string
	for i, a := range in.Attributes {
		p.Changes = append(p.Changes, gate.Set(fmt.Sprintf("attribute %d", i+1), a.describe()))
		for _, part := range (&Attribute{Type: a.Type, Value: strings.TrimSpace(a.Value)}).parts() {
			if part.value != "" && part.typ != "port" && !slices.Contains(values, part.value) {
				values = append(values, part.value)
			}
		}
		uuid, err := attributeUUID(e.UUID, a.Type, a.Value)
		if err != nil {
			return gate.Plan{}, err
		}
		if old := e.find(a, uuid); old != nil {
			p.Warnings = append(p.Warnings, fmt.Sprintf("attribute %d is in the event already, as attribute %s: it is left as it is", i+1, old.ID))
		}
	}
	if e.Published {
		p.Changes = append(p.Changes, gate.Changed("published", "yes", "no"))
		p.Warnings = append(p.Warnings, "the event is published: adding to it unpublishes it until somebody publishes it again")
	}
	hits, err := c.warninglistHits(ctx, values...)
	if err != nil {
		return gate.Plan{}, fmt.Errorf("misp: the warninglists must be asked first: %w", err)
	}
	for _, v := range slices.Sorted(maps.Keys(hits)) {
		for _, h := range hits[v] {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s is on the warninglist %q (%s): it may be no indicator", v, h.Name, h.Matched))
		}
	}
	return p, nil
}

// describe is a as a plan shows it.
func (a NewAttribute) describe() string {
	category, ids := "the type's usual category", "detection as is usual for the type"
	if a.Category != "" {
		category = a.Category
	}
	if a.ToIDs != nil {
		ids = "not for detection"
		if *a.ToIDs {
			ids = "for detection"
		}
	}
	s := fmt.Sprintf("%s %s (%s, %s)", a.Type, a.Value, category, ids)
	if a.Comment != "" {
		s += ", comment: " + a.Comment
	}
	return s
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
