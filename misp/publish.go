package misp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// PublishEventInput is the input of [Client.PublishEvent].
type PublishEventInput struct {
	EventID EventRef `json:"eventId" alias:"id"` // the event
	gate.Confirmation
}

// Validate refuses what isn't the name of an event.
func (in PublishEventInput) Validate() error { return in.EventID.check() }

// A PublishState says how far publishing has come.
type PublishState string

// The states of publishing.
const (
	Published PublishState = "published" // done
	Queued    PublishState = "queued"    // a worker of MISP will do it; until then the event counts as unpublished
	Accepted  PublishState = "accepted"  // MISP agreed, in words that say no more
)

// A PublishedEvent says what became of publishing an event.
type PublishedEvent struct {
	ID ID `json:"id"` // its id
	// published, or queued: a worker of MISP will do it, and until then the event counts as unpublished.
	State PublishState `json:"state"`
	// MISP's own words.
	Message string `json:"message"`
}

// done is MISP's answer to a change that worked.
type done struct {
	ID      ID     `json:"id"`
	Message string `json:"message"`
}

// PublishEvent passes an event on to everybody whom its distribution allows.
// No e-mails are sent. Nobody can take back what others have received. What is
// TLP:RED and would reach others keeps the event inside: the error is
// [ErrEgress], and nothing is published.
//
// MISP: POST /events/restSearch, /tags/search, /attributes/restSearch, POST /events/publish/{eventId}
func (c *Client) PublishEvent(ctx context.Context, in PublishEventInput) (*PublishedEvent, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return nil, err
	}
	if err := c.checkRed(ctx, e); err != nil {
		return nil, err
	}
	d, err := httpx.JSON[done](c.has("saved")(c.wire.PublishEvent(ctx, in.EventID.path())))
	if err != nil {
		return nil, err
	}
	out := &PublishedEvent{ID: d.ID, State: Accepted, Message: d.Message}
	if out.ID == "" {
		out.ID = ID(in.EventID.path())
	}
	switch m := strings.ToLower(d.Message); {
	case strings.Contains(m, "queued"):
		out.State = Queued
	case strings.Contains(m, "event published"):
		out.State = Published
	}
	return out, nil
}

func (c *Client) planPublishEvent(ctx context.Context, in PublishEventInput) (gate.Plan, error) {
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, e, mayPublish); err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkRed(ctx, e); err != nil {
		return gate.Plan{}, err
	}
	inside, err := c.census(ctx, e)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Publish an event in MISP, without e-mails.",
		Targets: []gate.Target{e.whole()},
		Changes: []gate.Change{
			gate.Changed("published", yes(bool(e.Published)), "yes"),
			gate.Set("content", inside.String()),
			gate.Set("threat level, analysis", fmt.Sprintf("%s, %s", e.ThreatLevel, e.Analysis)),
		},
	}
	tlp := e.tlp()
	if err := c.readers(ctx, e, inside, tlp, &p); err != nil {
		return gate.Plan{}, err
	}
	p.Warnings = append(p.Warnings, "what others have received stays with them: unpublishing doesn't take it back")
	p.Warnings = append(p.Warnings, e.doubts(tlp, inside)...)
	switch open, err := c.openProposals(ctx, e); {
	case ctx.Err() != nil:
		return gate.Plan{}, err
	case err != nil:
		p.Warnings = append(p.Warnings, "whether others propose something for it couldn't be found out: "+reason(err))
	case open > 0:
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s of others not decided on", count(open, "proposal")))
	}
	return p, nil
}

// readers puts into p who receives what of e.
func (c *Client) readers(ctx context.Context, e *Event, in *census, tlp string, p *gate.Plan) error {
	what := in.String()
	if in.withheld > 0 {
		what += fmt.Sprintf("; %s with a narrower distribution of their own", count(in.withheld, "attribute"))
	}
	to := ""
	switch e.Distribution {
	case OrganisationOnly:
		p.Warnings = append(p.Warnings, "its distribution is your organisation only: nobody else receives it")
		return nil
	case CommunityOnly:
		to = "this community: every organisation on this MISP"
	case ConnectedCommunities:
		to = "connected communities: every organisation on this MISP, and on the MISPs connected to it"
	case AllCommunities:
		to = "all communities: every organisation on this MISP and on any that it reaches, over any number of steps"
	case SharingGroupOnly:
		var err error
		var active bool
		if to, active, err = c.groupMembers(ctx, e.SharingGroupID); err != nil {
			return err
		}
		if !active {
			p.Warnings = append(p.Warnings, inactiveGroup)
		}
	default:
		to = e.Distribution.String()
	}
	p.Egress = append(p.Egress, gate.Egress{To: to, What: what, TLP: tlp})
	return c.groupsWithin(ctx, in.groups, tlp, p)
}

const inactiveGroup = "the sharing group is switched off (inactive): who is in it may not be who should be"

const maxGroups = 10

// groupsWithin puts into p the sharing groups that some of what is in an event
// goes to, each with how many attributes.
func (c *Client) groupsWithin(ctx context.Context, counts map[ID]int, tlp string, p *gate.Plan) error {
	for i, id := range slices.Sorted(maps.Keys(counts)) {
		if i == maxGroups {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s more have attributes for them alone", count(len(counts)-i, "sharing group")))
			break
		}
		to, active, err := c.groupMembers(ctx, id)
		if err != nil {
			return err
		}
		if !active {
			p.Warnings = append(p.Warnings, inactiveGroup)
		}
		p.Egress = append(p.Egress, gate.Egress{To: to, What: count(counts[id], "attribute") + " for that group alone", TLP: tlp})
	}
	return nil
}

// groupMembers names a sharing group and the organisations in it, and says
// whether it is in use.
func (c *Client) groupMembers(ctx context.Context, id ID) (to string, active bool, err error) {
	type answer struct {
		SharingGroup *SharingGroup     `json:"SharingGroup"`
		Orgs         List[groupMember] `json:"SharingGroupOrg"`
		Servers      List[struct {
			Server *struct {
				Name string `json:"name"`
			} `json:"Server"`
			AllOrgs Bool `json:"all_orgs"`
		}] `json:"SharingGroupServer"`
	}
	g, err := httpx.JSON[answer](c.has("SharingGroup")(c.wire.GetSharingGroup(ctx, string(id))))
	if err != nil {
		return "", false, fmt.Errorf("misp: who is in the sharing group must be known first: %w", err)
	}
	if g.SharingGroup == nil || g.SharingGroup.ID != id {
		return "", false, fmt.Errorf("misp: getSharingGroup: there is no sharing group %s", id)
	}
	names := memberNames(g.Orgs)
	for _, s := range g.Servers {
		if s.Server != nil && bool(s.AllOrgs) {
			names = append(names, "everybody on "+s.Server.Name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		names = []string{"nobody is named in it"}
	}
	active = g.SharingGroup.Active == nil || bool(*g.SharingGroup.Active)
	return fmt.Sprintf("sharing group %q: %s", g.SharingGroup.Name, strings.Join(names, ", ")), active, nil
}

// A census says what is in an event, which may be of any size.
type census struct {
	attributes int
	types      map[string]int
	objects    map[ID]bool
	withheld   int        // attributes that fewer may read than the event
	groups     map[ID]int // attributes for a sharing group of their own
	warnings   []string   // which values are on warninglists, the first of them
}

const maxListed = 20

// census looks at every attribute of e.
func (c *Client) census(ctx context.Context, e *Event) (*census, error) {
	in := &census{types: map[string]int{}, objects: map[ID]bool{}, groups: map[ID]int{}}
	for a, err := range c.contents(ctx, e, tagQuery{}) {
		if err != nil {
			return nil, err
		}
		in.attributes++
		in.types[a.Type]++
		if idNumber(a.ObjectID) != 0 {
			in.objects[a.ObjectID] = true
		}
		if e.reaches(a) != e.Distribution {
			in.withheld++
		}
		switch {
		case a.Distribution == SharingGroupOnly:
			in.groups[a.SharingGroupID]++
		case a.Object != nil && a.Object.Distribution == SharingGroupOnly:
			in.groups[a.Object.SharingGroupID]++
		}
		for _, w := range a.Warnings {
			if w != nil && len(in.warnings) < maxListed {
				in.warnings = append(in.warnings, fmt.Sprintf("%s is on the warninglist %q", clip.Text(a.Value, 200), w.ListName))
			}
		}
	}
	return in, nil
}

// String says how many attributes of which types there are.
func (in *census) String() string {
	var parts []string
	for _, t := range slices.Sorted(maps.Keys(in.types)) {
		parts = append(parts, fmt.Sprintf("%d %s", in.types[t], t))
	}
	s := count(in.attributes, "attribute")
	if len(parts) > 0 {
		s += " (" + clip.Text(strings.Join(parts, ", "), 500) + ")"
	}
	if n := len(in.objects); n > 0 {
		s += ", " + count(n, "object")
	}
	return s
}

// tlp is the TLP and PAP tags of e.
func (e *Event) tlp() string { return tlp(e.tagNames()) }

// doubts are facts that speak against publishing e.
func (e *Event) doubts(tlp string, in *census) (list []string) {
	reach := e.Distribution > OrganisationOnly
	list = append(list, tlpDoubts(tlp, e.Distribution)...)
	if reach && !strings.Contains(tlp, "tlp:") {
		list = append(list, "the event has no TLP tag")
	}
	if in.attributes == 0 {
		list = append(list, "the event has no attributes")
	}
	if e.Published {
		list = append(list, "the event is published already: it is passed on again")
	}
	return append(list, in.warnings...)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// DeleteEventInput is the input of [Client.DeleteEvent].
type DeleteEventInput struct {
	EventID EventRef `json:"eventId" alias:"id"` // the event
	gate.Confirmation
}

// Validate refuses what isn't the name of an event.
func (in DeleteEventInput) Validate() error { return in.EventID.check() }

// A DeletedEvent confirms a deletion.
type DeletedEvent struct {
	ID      ID   `json:"id"`      // its id
	Deleted bool `json:"deleted"` // whether it was deleted
	// MISP's own words.
	Message string `json:"message,omitempty"`
}

// DeleteEvent deletes an event with all that is in it. MISP then refuses its
// UUID for good, also from other servers. Nobody can undo it.
//
// MISP: POST /events/delete/{eventId}
func (c *Client) DeleteEvent(ctx context.Context, in DeleteEventInput) (*DeletedEvent, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	d, err := httpx.JSON[done](c.has("saved")(c.wire.DeleteEvent(ctx, in.EventID.path())))
	if errors.Is(err, ErrForbidden) { // MISP says the same of an event that doesn't exist
		if _, gone := c.summary(ctx, in.EventID); errors.Is(gone, ErrNotFound) {
			err = gone
		}
	}
	if err != nil {
		return nil, err
	}
	return &DeletedEvent{ID: ID(in.EventID.path()), Deleted: true, Message: d.Message}, nil
}

func (c *Client) planDeleteEvent(ctx context.Context, in DeleteEventInput) (gate.Plan, error) {
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, e, mayModify); err != nil {
		return gate.Plan{}, err
	}
	what := count(int(e.AttributeCount), "attribute")
	if e.AttributeCount <= atOnce { // else the number says enough
		inside, err := c.census(ctx, e)
		if err != nil {
			return gate.Plan{}, err
		}
		what = inside.String()
	}
	p := gate.Plan{
		Summary:  "Delete an event in MISP, with all that is in it.",
		Targets:  []gate.Target{e.whole()},
		Changes:  []gate.Change{gate.Changed("content", what, "nothing")},
		Warnings: []string{"MISP puts the event's UUID " + e.UUID + " on its blocklist: the event can't be made or received again until a site administrator takes it off"},
	}
	if e.Published {
		p.Warnings = append(p.Warnings, "the event was published: what others have received stays with them")
	}
	return p, nil
}
