package misp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A SightingType says what a sighting says.
type SightingType int

// What a sighting can say.
const (
	Seen          SightingType = iota // it was seen
	FalsePositive                     // it was seen where nothing was wrong
	Expired                           // it no longer counts
)

// Enum lists what is allowed.
func (SightingType) Enum() []any { return []any{Seen, FalsePositive, Expired} }

// String says it in words.
func (t SightingType) String() string { return label(int(t), 0, "seen", "false positive", "expired") }

const maxSighted = 50

// AddSightingInput is the input of [Client.AddSighting]. It takes either an
// attribute or a value.
type AddSightingInput struct {
	AttributeID Ref          `json:"attributeId,omitempty" jsonschema:"The attribute: its id or UUID. Either this or value."`
	Value       string       `json:"value,omitempty" jsonschema:"The value: every attribute that has it gets a sighting. Either this or attributeId." maxLength:"4096"`
	Type        SightingType `json:"type" jsonschema:"0 seen, 1 false positive, 2 expired. 1 and 2 weaken the indicator for everybody and need confirm."`
	Source      string       `json:"source,omitempty" jsonschema:"What saw it, such as the name of a sensor." maxLength:"255"`
	Timestamp   string       `json:"timestamp,omitempty" jsonschema:"When: seconds since 1970, or a time such as 2026-01-31T10:00:00Z. Left out: now." maxLength:"40"`
	gate.Confirmation
}

// Confirmed reports whether the call confirms what would weaken an indicator;
// that something was seen needs no confirmation.
func (in AddSightingInput) Confirmed() bool { return in.Type == Seen || in.Confirm }

// Validate refuses a call for both, or for neither, and a value that MISP would
// take for everything.
func (in AddSightingInput) Validate() error {
	if in.Type < Seen || in.Type > Expired {
		return invalid("type: %d: want 0 seen, 1 false positive or 2 expired", int(in.Type))
	}
	if _, err := in.at(); err != nil {
		return err
	}
	if in.Source != "" {
		if err := checkText("source", in.Source, 255); err != nil {
			return err
		}
	}
	switch {
	case (in.AttributeID == "") == (in.Value == ""):
		return invalid("give either attributeId or value")
	case in.AttributeID != "":
		return in.AttributeID.check("attributeId")
	}
	return checkFilter("value", in.Value)
}

// at is the time of the sighting in seconds since 1970, or 0 for now.
func (in AddSightingInput) at() (int64, error) {
	s := strings.TrimSpace(in.Timestamp)
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1<<33 {
		return n, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Unix() > 0 {
			return t.Unix(), nil
		}
	}
	return 0, invalid("timestamp: %q: want seconds since 1970, or a time such as 2026-01-31T10:00:00Z", clip(s, 60))
}

// AddedSightings says which attributes got a sighting.
type AddedSightings struct {
	Type      string           `json:"type" jsonschema:"seen, false positive or expired."`
	Added     int              `json:"added"`
	Failed    int              `json:"failed"`
	Sightings []*AddedSighting `json:"sightings" jsonschema:"What became of each attribute."`
	Note      string           `json:"note,omitempty"`
}

// An AddedSighting says what became of one attribute.
type AddedSighting struct {
	ID          ID     `json:"id,omitempty"`
	AttributeID ID     `json:"attributeId"`
	EventID     ID     `json:"eventId"`
	Value       string `json:"value" untrusted:"true"`
	Date        Int    `json:"date,omitempty" jsonschema:"Seconds since 1970."`
	Source      string `json:"source,omitempty" untrusted:"true"`
	Error       string `json:"error,omitempty" untrusted:"true" jsonschema:"Why there is none."`
}

// AddSighting adds a sighting to an attribute, or to each of up to 50 that have
// a value. It doesn't unpublish the event.
//
// MISP: GET /attributes/view/{attributeId} or POST /attributes/restSearch, POST /sightings/add for each
func (c *Client) AddSighting(ctx context.Context, in AddSightingInput) (*AddedSightings, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	list, more, err := c.sighted(ctx, in)
	if err != nil {
		return nil, err
	}
	at, err := in.at()
	if err != nil {
		return nil, err
	}
	out := &AddedSightings{Type: in.Type.String(), Sightings: []*AddedSighting{}}
	if more {
		out.Note = fmt.Sprintf("more attributes have the value: only the newest %d got a sighting", maxSighted)
	}
	var errs []error
	for _, a := range list {
		type answer struct {
			Sighting *struct {
				ID          ID     `json:"id"`
				AttributeID ID     `json:"attribute_id"`
				Date        Int    `json:"date_sighting"`
				Source      string `json:"source"`
			} `json:"Sighting"`
		}
		s := &AddedSighting{AttributeID: a.ID, EventID: a.EventID, Value: a.Value}
		out.Sightings = append(out.Sightings, s)
		got, err := httpx.JSON[answer](c.has("Sighting")(c.wire.AddSighting(ctx, wire.NewSighting{ID: string(a.ID), Type: int(in.Type), Source: in.Source, Timestamp: at})))
		switch {
		case errors.Is(err, gate.ErrOutcomeUnknown):
			return nil, fmt.Errorf("misp: %d of %d sightings were added, then: %w", out.Added, len(list), err)
		case err != nil:
			s.Error = reason(err)
			out.Failed++
			errs = append(errs, err)
		case got.Sighting == nil || got.Sighting.AttributeID != a.ID:
			return nil, fmt.Errorf("misp: addSighting: the answer is about another attribute than %s; %w", a.ID, gate.ErrOutcomeUnknown)
		default:
			s.ID, s.Date, s.Source = got.Sighting.ID, got.Sighting.Date, got.Sighting.Source
			out.Added++
		}
	}
	if out.Added == 0 {
		return nil, fmt.Errorf("misp: no sighting was added: %w", errors.Join(errs...))
	}
	return out, nil
}

// sighted returns the attributes that get a sighting, and whether there are more.
func (c *Client) sighted(ctx context.Context, in AddSightingInput) ([]*Attribute, bool, error) {
	if in.AttributeID != "" {
		a, err := c.attribute(ctx, in.AttributeID)
		return []*Attribute{a}, false, err
	}
	list, more, err := c.withValue(ctx, in.Value, wire.AttributeSearch{Limit: maxSighted})
	if err == nil && len(list) == 0 {
		err = &Error{Refusal: refusal("searchAttributes", 200, fmt.Sprintf("no attribute that the key may see has the value %s", clip(in.Value, 80)), ErrNotFound)}
	}
	return list, more, err
}

func (c *Client) planAddSighting(ctx context.Context, in AddSightingInput) (gate.Plan, error) {
	list, more, err := c.sighted(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: fmt.Sprintf("Say of %s in MISP: %s.", count(len(list), "attribute"), in.Type),
		Undo:    "Delete the sightings in MISP.",
	}
	for _, a := range list {
		p.Targets = append(p.Targets, gate.Target{Kind: "attribute", ID: string(a.ID), Name: fmt.Sprintf("%s %s (event %s)", a.Type, a.Value, a.EventID)})
	}
	p.Changes = append(p.Changes, gate.Set("sighting", in.Type))
	if in.Source != "" {
		p.Changes = append(p.Changes, gate.Set("source", in.Source))
	}
	if in.Timestamp != "" {
		at, err := in.at()
		if err != nil {
			return gate.Plan{}, err
		}
		p.Changes = append(p.Changes, gate.Set("when", time.Unix(at, 0).UTC().Format(time.RFC3339)))
	}
	if in.Type != Seen {
		p.Warnings = append(p.Warnings, "it weakens the indicator for everybody who can see it: decaying models and detection count it")
	}
	if more {
		p.Warnings = append(p.Warnings, fmt.Sprintf("more attributes have the value: only the newest %d get a sighting", maxSighted))
	}
	return p, nil
}
