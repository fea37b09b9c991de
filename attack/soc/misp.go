package soc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/misp"
)

var errNoMISP = connect.Like(ErrNotConfigured, "soc: MISP is not configured")

// groupTags are the tags under which the galaxies of MISP know a group: those of
// ATT&CK of any age by its id, and that of threat actors, which most have, by its
// names.
func groupTags(g *attack.Group) []string {
	tags := []string{`misp-galaxy:%- ` + g.ID + `"`}
	for _, name := range append([]string{g.Name}, g.Aliases...) {
		tag := `misp-galaxy:threat-actor="` + name + `"`
		if !slices.Contains(tags, tag) && len(tags) < maxTags {
			tags = append(tags, tag)
		}
	}
	return tags
}

// maxTags is how many tags a search of MISP takes.
const maxTags = 50

// EventToAttackInput is the input of [Client.EventToAttack].
type EventToAttackInput struct {
	EventID misp.EventRef `json:"eventId"`                                                // the event
	Limit   int           `json:"limit,omitempty" minimum:"1" maximum:"200" default:"20"` // how many to return at most
}

// EventToAttackOutput is the output of [Client.EventToAttack].
type EventToAttackOutput struct {
	Event EventHead `json:"event"` // the event
	// From the tags of the event, of its attributes and of those in objects, then from its title.
	Techniques []Technique `json:"techniques"`
	// Ids that the event names and this ATT&CK doesn't have.
	Unknown []string `json:"unknown,omitempty"`
	// Groups that the event's tags name.
	Tagged []attack.Ref `json:"taggedGroups"`
	// Groups known to use most of the techniques. A lead, not an attribution.
	Groups []GroupOverlap `json:"groups"`
	// What shows most of the techniques.
	Components []attack.Ref `json:"dataComponents"`
	// Attributes meant for detection, those in objects included.
	Indicators attack.List[Indicator] `json:"indicators"`
}

// EventHead is an event without what is in it.
type EventHead struct {
	ID          misp.ID          `json:"id"`                    // its id
	UUID        string           `json:"uuid"`                  // its UUID
	Info        string           `json:"info" untrusted:"true"` // what the event is about
	Date        string           `json:"date,omitempty"`        // the day it is of, as 2006-01-02
	ThreatLevel misp.ThreatLevel `json:"threatLevel"`           // how bad it is
	Published   bool             `json:"published"`             // whether it is published
}

// Indicator is an attribute that is meant for detection.
type Indicator struct {
	Type    string `json:"type"`                               // its type
	Value   string `json:"value" untrusted:"true"`             // its value
	Comment string `json:"comment,omitempty" untrusted:"true"` // a comment on it
	// What it is in its object, if it is in one.
	Role string `json:"objectRelation,omitempty"`
}

var groupID = lazyregexp.New(`mitre-(?:intrusion-set|enterprise-attack-intrusion-set|ics-groups)="[^"]*(G[0-9]{4})"`)

// maxComponents is how many data components an answer names.
const maxComponents = 5

// EventToAttack says what an event of MISP means in ATT&CK.
//
// MISP: POST /events/restSearch, /attributes/restSearch
func (c *Client) EventToAttack(ctx context.Context, in EventToAttackInput) (*EventToAttackOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	if c.misp == nil {
		return nil, errNoMISP
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	e, err := c.misp.EventWithoutContent(ctx, misp.GetEventInput{EventID: in.EventID})
	if err != nil {
		return nil, err
	}
	out := &EventToAttackOutput{
		Event:      EventHead{e.ID, e.UUID, e.Info, e.Date, e.ThreatLevel, bool(e.Published)},
		Techniques: []Technique{}, Tagged: []attack.Ref{},
	}
	tags := tagNames(e.Tags)
	var indicators []Indicator
	for a, err := range c.misp.Attributes(ctx, misp.SearchAttributesInput{EventID: misp.EventRef(e.ID)}) {
		if err != nil {
			return nil, err
		}
		if a == nil || bool(a.Deleted) {
			continue
		}
		tags = append(tags, tagNames(a.Tags)...)
		if bool(a.ToIDs) {
			indicators = append(indicators, Indicator{a.Type, a.Value, a.Comment, a.ObjectRelation})
		}
	}
	named := mapped{kb: kb}
	for _, tag := range tags {
		named.add(attack.IDs(tag), FromTag)
		if m := groupID.FindStringSubmatch(tag); m != nil {
			if g, _, err := kb.ResolveGroup(m[1]); err == nil {
				r := attack.Ref{ID: g.ID, Name: g.Name}
				if !slices.Contains(out.Tagged, r) {
					out.Tagged = append(out.Tagged, r)
				}
			}
		}
	}
	named.add(attack.IDs(e.Info), FromText)
	out.Techniques, out.Unknown = append(out.Techniques, named.techniques...), named.unknown
	var sure []*attack.Technique
	for _, t := range out.Techniques {
		if technique, ok := kb.Technique(t.ID); ok {
			sure = append(sure, technique)
		}
	}
	out.Groups, out.Components = overlap(kb, sure), components(sure)
	out.Indicators = attack.List[Indicator]{Total: len(indicators), Items: append([]Indicator{}, indicators[:min(in.Limit, len(indicators))]...)}
	return out, nil
}

func tagNames(tags []*misp.Tag) []string {
	var out []string
	for _, t := range tags {
		if t != nil {
			out = append(out, t.Name)
		}
	}
	return out
}

// components returns the data components that show most of the techniques.
func components(techniques []*attack.Technique) []attack.Ref {
	counts := map[attack.Ref]int{}
	for _, t := range techniques {
		for _, c := range t.Detection().Components {
			counts[attack.Ref{ID: c.ID, Name: c.Name}]++
		}
	}
	all := make([]attack.Ref, 0, len(counts))
	for r := range counts {
		all = append(all, r)
	}
	sorting.By(all, func(a, b attack.Ref) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a.ID, b.ID))
	})
	return all[:min(len(all), maxComponents)]
}

// SearchIndicatorsInput is the input of [Client.SearchIndicators].
type SearchIndicatorsInput struct {
	// With its sub-techniques, on indicator or event.
	TechniqueID string `json:"techniqueId,omitempty" maxLength:"100"`
	// Name, alias or id. This or techniqueId.
	GroupName string `json:"groupName,omitempty" maxLength:"100"`
	// Such as ip-dst.
	IndicatorType string `json:"indicatorType,omitempty" maxLength:"100"`
	Limit         int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"` // how many to return at most
}

// SearchIndicatorsOutput is the output of [Client.SearchIndicators].
type SearchIndicatorsOutput struct {
	// The tags that were searched for.
	Tags       []string          `json:"tags"`
	Indicators []*misp.Attribute `json:"indicators"`                      // the attributes
	More       bool              `json:"more"`                            // whether there are more behind these
	Note       string            `json:"note,omitempty" untrusted:"true"` // what to know about the answer
}

// SearchIndicators finds indicators of a technique, a group or a type. A
// technique or group that ATT&CK doesn't have is an error, since a search
// without it would find what has nothing to do with it.
//
// MISP: POST /attributes/restSearch
func (c *Client) SearchIndicators(ctx context.Context, in SearchIndicatorsInput) (*SearchIndicatorsOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	switch {
	case c.misp == nil:
		return nil, errNoMISP
	case in.TechniqueID != "" && in.GroupName != "":
		return nil, errors.New("soc: give techniqueId or groupName, not both: MISP would answer with what has either")
	case in.TechniqueID == "" && in.GroupName == "" && in.IndicatorType == "":
		return nil, errors.New("soc: give at least one of techniqueId, groupName, indicatorType")
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	out := &SearchIndicatorsOutput{Tags: []string{}, Indicators: []*misp.Attribute{}}
	if in.TechniqueID != "" {
		asked, err := known(kb, []string{in.TechniqueID})
		if err != nil {
			return nil, err
		}
		other, _ := otherIDs(asked) // the tags tell
		out.Tags = append(out.Tags, techniqueTags(append(ids(withSubtechniques(asked)), other...))...)
	}
	if in.GroupName != "" {
		g, _, err := kb.ResolveGroup(in.GroupName)
		if err != nil {
			return nil, fmt.Errorf("groupName: %w", err)
		}
		out.Tags = append(out.Tags, groupTags(g)...)
	}
	page, err := c.misp.SearchAttributes(ctx, misp.SearchAttributesInput{Tags: out.Tags, Type: in.IndicatorType, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out.Indicators, out.More = append(out.Indicators, misp.InBrief(page.Attributes)...), page.More
	out.Note = page.Note
	return out, nil
}

// ListEventsInput is the input of [Client.ListEvents].
type ListEventsInput struct {
	Page  int `json:"page,omitempty" minimum:"1" maximum:"100000"`            // which page, from 1
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"` // how many to return at most
	// On the event or an attribute; % stands for any text.
	SearchTag string `json:"searchTag,omitempty" maxLength:"255"`
}

// ListEventsOutput is the output of [Client.ListEvents].
type ListEventsOutput struct {
	// How many match in all, where the server says.
	Total *int `json:"total,omitempty"`
	More  bool `json:"more"` // whether there are more behind these
	// Those changed last first.
	Events []EventInATTACK `json:"events"`
	Note   string          `json:"note,omitempty" untrusted:"true"` // what to know about the answer
}

// EventInATTACK is an event and which techniques its tags name.
type EventInATTACK struct {
	Event      *misp.EventSummary `json:"event"`      // the event
	Techniques []attack.Ref       `json:"techniques"` // the techniques
	// Ids that the tags name and this ATT&CK doesn't have.
	Unknown []string `json:"unknown,omitempty"`
}

// firstDay is before every event: a search needs a filter.
const firstDay = "1970-01-01"

// ListEvents lists events with the techniques that their tags name.
//
// MISP: POST /events/restSearch
func (c *Client) ListEvents(ctx context.Context, in ListEventsInput) (*ListEventsOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	if c.misp == nil {
		return nil, errNoMISP
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	search := misp.SearchEventsInput{DateFrom: firstDay, Paging: misp.Paging{Page: max(1, in.Page), Limit: in.Limit}}
	if in.SearchTag != "" {
		search.Tags = []string{in.SearchTag}
	}
	page, err := c.misp.SearchEvents(ctx, search)
	if err != nil {
		return nil, err
	}
	out := &ListEventsOutput{Total: page.Total, More: page.More, Events: []EventInATTACK{}, Note: page.Note}
	for _, e := range misp.InBrief(page.Events) {
		row := EventInATTACK{Event: e, Techniques: []attack.Ref{}}
		var named []string
		for _, tag := range tagNames(e.Tags) {
			named = append(named, attack.IDs(tag)...)
		}
		found := lookup(kb, named, FromTag)
		row.Techniques, row.Unknown = append(row.Techniques, found.refs()...), found.unknown
		out.Events = append(out.Events, row)
	}
	return out, nil
}

// ThreatLevel is how dangerous an event is.
type ThreatLevel string

// Enum lists the levels.
func (ThreatLevel) Enum() []any { return []any{"high", "medium", "low"} }

var threatLevels = map[ThreatLevel]misp.ThreatLevel{"high": misp.ThreatHigh, "medium": misp.ThreatMedium, "low": misp.ThreatLow}

// CreateEventInput is the input of [Client.CreateEvent].
type CreateEventInput struct {
	// The title.
	Info string `json:"info" minLength:"1" maxLength:"10000"`
	// Such as T1110.
	Techniques  []string    `json:"techniques" minItems:"1" maxItems:"50"`
	ThreatLevel ThreatLevel `json:"threatLevel,omitempty" default:"medium"` // how bad it is
	// Once published: 0 own organisation, 1 this community, 2 connected, 3 all.
	Distribution misp.Distribution   `json:"distribution,omitempty" minimum:"0" maximum:"3"`
	Attributes   []misp.NewAttribute `json:"attributes,omitempty" maxItems:"100"` // what it comes with
	gate.Confirmation
}

func (in CreateEventInput) actsOn() []string { return misp.PutToWork(in.Attributes...) }

// CreateEventOutput is the output of [Client.CreateEvent].
type CreateEventOutput struct {
	// The event, with what became of each tag.
	Event *misp.CreatedEvent `json:"event"`
	// What became of each value.
	Attributes *misp.AddedAttributes `json:"attributes,omitempty"`
	// What could not be done, and why.
	Failed []string `json:"failed"`
}

// event returns what one CreateEvent makes. Plan and execution are both made
// from it.
func (c *Client) event(ctx context.Context, in CreateEventInput) (e misp.CreateEventInput, failed []string, err error) {
	e = misp.CreateEventInput{Info: in.Info, Distribution: in.Distribution, ThreatLevel: threatLevels[in.ThreatLevel], Tags: []string{}}
	if c.misp == nil {
		return e, nil, errNoMISP
	}
	if e.ThreatLevel == 0 {
		return e, nil, fmt.Errorf("soc: threatLevel %q, want high, medium or low", in.ThreatLevel)
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return e, nil, err
	}
	techniques, err := known(kb, in.Techniques)
	if err != nil {
		return e, nil, err
	}
	if err := e.Validate(); err != nil {
		return e, nil, err
	}
	if len(in.Attributes) > 0 { // the event has no id yet; any will do to check the values
		if err := (misp.AddAttributesBulkInput{EventID: "1", Attributes: in.Attributes}).Validate(); err != nil {
			return e, nil, err
		}
	}
	names := map[string]string{}
	for _, t := range techniques {
		names[t.ID] = t.Name
	}
	tags, err := c.misp.TechniqueTags(ctx, names)
	if err != nil {
		return e, nil, fmt.Errorf("soc: which clusters MISP has for the techniques must be known first: %w", err)
	}
	for _, t := range techniques {
		if tag := tags[t.ID]; tag != "" {
			e.Tags = append(e.Tags, tag)
		} else {
			failed = append(failed, fmt.Sprintf("technique %s (%s): this MISP has no cluster for it, so that a tag would stand for nothing", t.ID, t.Name))
		}
	}
	return e, failed, nil
}

func (c *Client) planCreateEvent(ctx context.Context, in CreateEventInput) (gate.Plan, error) {
	e, failed, err := c.event(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	p, err := c.misp.PlanCreateEvent(ctx, e, in.Attributes...)
	p.Warnings = append(p.Warnings, failed...)
	if err == nil && len(p.Targets) == 0 {
		p.Summary = fmt.Sprintf("Make an event in MISP with %d techniques and %d values. It is not published.", len(e.Tags), len(in.Attributes))
	}
	return p, err
}

// CreateEvent makes an event for techniques and puts values into it. Once the
// event is there, what can't be put into it is listed and doesn't undo the rest.
//
// MISP: POST /events/add, POST /tags/attachTagToObject, POST /attributes/add/{eventId}
func (c *Client) CreateEvent(ctx context.Context, in CreateEventInput) (*CreateEventOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	e, failed, err := c.event(ctx, in)
	if err != nil {
		return nil, err
	}
	made, err := c.misp.CreateEvent(ctx, e)
	if err != nil {
		return nil, err
	}
	out := &CreateEventOutput{Event: made, Failed: append([]string{}, failed...)}
	for _, t := range made.Tags {
		if t.Status == misp.TagRefused {
			out.Failed = append(out.Failed, "tag "+t.Tag+": "+t.Error)
		}
	}
	if len(in.Attributes) == 0 {
		return out, nil
	}
	added, err := c.misp.AddAttributesBulk(ctx, misp.AddAttributesBulkInput{EventID: misp.EventRef(made.Event.ID), Attributes: in.Attributes})
	if err != nil {
		out.Failed = append(out.Failed, "attributes: "+because(err))
		return out, nil
	}
	out.Attributes = added
	for _, a := range added.Results {
		if a.Error != "" {
			out.Failed = append(out.Failed, a.Type+" "+a.Value+": "+a.Error)
		}
	}
	return out, nil
}
