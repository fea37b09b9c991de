package misp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
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

// maxSighted bounds the attributes that get a sighting one by one, maxCounted
// those that get one in one request.
const (
	maxSighted = 50
	maxCounted = 5000
)

// AddSightingInput is the input of [Client.AddSighting]. It takes either an
// attribute or a value.
type AddSightingInput struct {
	// This or value.
	AttributeID Ref `json:"attributeId,omitempty"`
	// Every attribute that has it gets a sighting. This or attributeId.
	Value string `json:"value,omitempty" refang:"true" maxLength:"4096"`
	// 0 seen, 1 false positive, 2 expired; these weaken it for everybody and need confirm.
	Type SightingType `json:"type"`
	// Such as the name of a sensor.
	Source string `json:"source,omitempty" maxLength:"255"`
	// Default: now.
	Timestamp When `json:"timestamp,omitempty" time:"instant" maxLength:"40"`
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
	s := strings.TrimSpace(string(in.Timestamp))
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
	return 0, invalid("timestamp: %q: want seconds since 1970, or a time such as 2026-01-31T10:00:00Z", clip.Text(s, 60))
}

// AddedSightings says which attributes got a sighting.
type AddedSightings struct {
	// seen, false positive or expired.
	Type   string `json:"type"`
	Added  int    `json:"added"`  // how many are new
	Failed int    `json:"failed"` // how many got none
	// What became of each attribute.
	Sightings []*AddedSighting `json:"sightings"`
	Note      string           `json:"note,omitempty"` // what to know about the answer
}

// An AddedSighting says what became of one attribute.
type AddedSighting struct {
	ID          ID        `json:"id,omitempty"`                      // its id
	AttributeID ID        `json:"attributeId"`                       // the attribute
	EventID     ID        `json:"eventId"`                           // the event
	Value       string    `json:"value" untrusted:"true"`            // its value
	Date        time.Time `json:"date,omitzero,format:unix"`         // when it happened
	Source      string    `json:"source,omitempty" untrusted:"true"` // who saw it
	// Why there is none.
	Error string `json:"error,omitempty" untrusted:"true"`
}

// AddSighting adds a sighting to an attribute, or to each that has a value: with
// one request, unless MISP would then also put some on deleted attributes. It
// doesn't unpublish the event.
//
// MISP: GET /attributes/view/{attributeId} or POST /attributes/restSearch, POST /sightings/add
func (c *Client) AddSighting(ctx context.Context, in AddSightingInput) (*AddedSightings, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	s, err := c.sighted(ctx, in)
	if err != nil {
		return nil, err
	}
	at, err := in.at()
	if err != nil {
		return nil, err
	}
	out := &AddedSightings{Type: in.Type.String(), Sightings: []*AddedSighting{}, Note: s.note()}
	type answer struct {
		Sighting *struct {
			ID          ID        `json:"id"`
			AttributeID ID        `json:"attribute_id"`
			Date        time.Time `json:"date_sighting,format:unix"`
			Source      string    `json:"source"`
		} `json:"Sighting"`
	}
	if s.values != nil {
		got, err := httpx.JSON[answer](c.has("Sighting")(c.wire.AddSighting(ctx, wire.NewSighting{Values: s.values, Type: int(in.Type), Source: in.Source, Timestamp: at})))
		if err != nil {
			return nil, err
		}
		if got.Sighting == nil {
			return nil, fmt.Errorf("misp: addSighting: the answer has no sighting; %w", gate.ErrOutcomeUnknown)
		}
		out.Added = s.total
		for _, a := range s.list { // MISP answers with the last one only
			one := &AddedSighting{AttributeID: a.ID, EventID: a.EventID, Value: a.Value, Date: got.Sighting.Date, Source: got.Sighting.Source}
			if a.ID == got.Sighting.AttributeID {
				one.ID = got.Sighting.ID
			}
			out.Sightings = append(out.Sightings, one)
		}
		return out, nil
	}
	var errs []error
	for _, a := range s.list {
		one := &AddedSighting{AttributeID: a.ID, EventID: a.EventID, Value: a.Value}
		out.Sightings = append(out.Sightings, one)
		got, err := httpx.JSON[answer](c.has("Sighting")(c.wire.AddSighting(ctx, wire.NewSighting{ID: string(a.ID), Type: int(in.Type), Source: in.Source, Timestamp: at})))
		switch {
		case errors.Is(err, gate.ErrOutcomeUnknown):
			return nil, fmt.Errorf("misp: %d of %d sightings were added, then: %w", out.Added, len(s.list), err)
		case err != nil:
			one.Error = reason(err)
			out.Failed++
			errs = append(errs, err)
		case got.Sighting == nil || got.Sighting.AttributeID != a.ID:
			return nil, fmt.Errorf("misp: addSighting: the answer is about another attribute than %s; %w", a.ID, gate.ErrOutcomeUnknown)
		default:
			one.ID, one.Date, one.Source = got.Sighting.ID, got.Sighting.Date, got.Sighting.Source
			out.Added++
		}
	}
	if out.Added == 0 {
		return nil, fmt.Errorf("misp: no sighting was added: %w", errors.Join(errs...))
	}
	return out, nil
}

// A sightedSet is what gets a sighting.
type sightedSet struct {
	list    []*Attribute // the newest of them
	total   int
	values  []string // what to send instead of each one's id; nil: the ids
	deleted int      // attributes that have the value and were deleted
	more    bool     // more have the value than get a sighting
}

func (s *sightedSet) note() string {
	var notes []string
	if s.more {
		notes = append(notes, fmt.Sprintf("more attributes have the value: only the newest %d get a sighting", s.total))
	}
	if s.total > len(s.list) {
		notes = append(notes, fmt.Sprintf("the newest %d of %d attributes are listed", len(s.list), s.total))
	}
	if s.deleted > 0 {
		notes = append(notes, fmt.Sprintf("%s with the value get none", count(s.deleted, "deleted attribute")))
	}
	return strings.Join(notes, "; ")
}

// sighted returns the attributes that get a sighting.
func (c *Client) sighted(ctx context.Context, in AddSightingInput) (*sightedSet, error) {
	if in.AttributeID != "" {
		a, err := c.attribute(ctx, in.AttributeID)
		return &sightedSet{list: []*Attribute{a}, total: 1}, err
	}
	l := find(in.Value)
	s := &sightedSet{}
	matched := map[string]bool{} // parts in which MISP finds the value by itself
	for page := 1; ; page++ {
		p, err := c.searchAttributes(ctx, wire.AttributeSearch{Value: l.ask, Page: page, Limit: maxLimit})
		if err != nil {
			return nil, err
		}
		for _, a := range p.Attributes {
			if a == nil || !l.has(a) {
				continue
			}
			if s.total++; len(s.list) < maxSighted {
				s.list = append(s.list, a)
			}
			for _, part := range a.parts() {
				if slices.ContainsFunc(l.want, func(v string) bool { return strings.EqualFold(v, part.value) }) {
					matched[part.value] = true
				}
			}
		}
		if !p.More {
			break
		}
		if s.total >= maxCounted {
			return nil, invalid("value: more than %d attributes have %s; give an attributeId", maxCounted, clip.Text(in.Value, 80))
		}
	}
	if s.total == 0 {
		return nil, &Error{Refusal: refusal("searchAttributes", 200, fmt.Sprintf("no attribute that the key may see has the value %s", clip.Text(in.Value, 80)), ErrNotFound)}
	}
	gone, err := c.searchAttributes(ctx, wire.AttributeSearch{Value: l.ask, Deleted: wire.AttributeSearchDeletedOnly, Page: 1, Limit: maxLimit})
	if err != nil {
		return nil, err
	}
	for _, a := range gone.Attributes {
		if a != nil && bool(a.Deleted) && l.has(a) {
			s.deleted++
		}
	}
	values := slices.Sorted(maps.Keys(matched))
	plain := l.host == "" && !slices.ContainsFunc(values, func(v string) bool {
		return strings.Contains(v, "|") || checkFilter("value", v) != nil || strings.Contains(v, "%")
	})
	if s.deleted == 0 && plain {
		s.values = values
		return s, nil
	}
	if s.total > len(s.list) { // one by one
		s.more, s.total = true, len(s.list)
	}
	return s, nil
}

func (c *Client) planAddSighting(ctx context.Context, in AddSightingInput) (gate.Plan, error) {
	if err := c.checkMay(ctx, nil, maySight); err != nil {
		return gate.Plan{}, err
	}
	s, err := c.sighted(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  fmt.Sprintf("Say of %s in MISP: %s.", count(s.total, "attribute"), in.Type),
		Count:    s.total,
		Warnings: []string{"no tool here takes a sighting back: that is done in MISP itself"},
	}
	for _, a := range s.list {
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
	if n := s.note(); n != "" {
		p.Warnings = append(p.Warnings, n)
	}
	return p, nil
}
