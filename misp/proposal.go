package misp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A Proposal is what an organisation proposes for an event of another: a new
// attribute, or a change or the deletion of one.
type Proposal struct {
	ID      ID     `json:"id"`             // its id
	UUID    string `json:"uuid,omitempty"` // its UUID
	EventID ID     `json:"event_id"`       // the event
	// The attribute that it would change; 0 for a new one.
	AttributeID ID     `json:"old_id,omitempty"`
	Type        string `json:"type"`                               // its type
	Category    string `json:"category,omitempty"`                 // its category
	Value       string `json:"value" untrusted:"true"`             // its value
	ToIDs       Bool   `json:"to_ids"`                             // whether it is for detection
	Comment     string `json:"comment,omitempty" untrusted:"true"` // a comment on it
	// When it was made.
	Timestamp time.Time `json:"timestamp,omitzero,format:unix"`
	// Whether it proposes to delete the attribute.
	ToDelete Bool `json:"proposal_to_delete,omitempty"`
	// Whether it was decided on.
	Deleted Bool `json:"deleted,omitempty"`
	// Who proposes it.
	Org *Organisation `json:"Org,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

func (p *Proposal) brief() {
	p.Extra, p.UUID, p.AttributeID = nil, "", given(p.AttributeID)
	if p.Org != nil {
		p.Org.brief()
	}
}

// does says what accepting p would do.
func (p *Proposal) does() string {
	switch {
	case bool(p.ToDelete):
		return fmt.Sprintf("delete attribute %s, %s %s", p.AttributeID, p.Type, p.Value)
	case given(p.AttributeID) != "":
		return fmt.Sprintf("change attribute %s to %s", p.AttributeID, p.describe())
	}
	return "add " + p.describe()
}

func (p *Proposal) describe() string {
	ids := bool(p.ToIDs)
	return NewAttribute{Type: p.Type, Value: p.Value, Category: p.Category, ToIDs: &ids, Comment: p.Comment}.describe()
}

func (p *Proposal) target() gate.Target {
	by := ""
	if p.Org != nil {
		by = " by " + p.Org.Name
	}
	return gate.Target{Kind: "proposal", ID: string(p.ID), Name: p.Type + " " + p.Value + by, Version: fmt.Sprintf("made %d", jsoncodec.Unix(p.Timestamp))}
}

// ListProposalsInput is the input of [Client.ListProposals].
type ListProposalsInput struct {
	EventID EventRef `json:"eventId,omitempty"` // the event
	// With those accepted or discarded.
	Decided bool `json:"decided,omitempty"`
	Paging
}

// Validate refuses what isn't the name of an event.
func (in ListProposalsInput) Validate() error {
	if in.EventID == "" {
		return nil
	}
	return in.EventID.check()
}

// A ProposalPage is one page of proposals.
type ProposalPage struct {
	// The proposals, newest first.
	Proposals []*Proposal `json:"proposals"`
	// How many match in all.
	Total int  `json:"total"`
	Page  int  `json:"page"` // which page this is, from 1
	More  bool `json:"more"` // whether there are more behind these
}

func (p *ProposalPage) brief() { each(p.Proposals) }

// ListProposals returns one page of the proposals that the key may see, newest
// first: those for events of its organisation, and those that it made. No search
// finds the value of a proposal. An unknown event is [ErrNotFound].
//
// MISP: GET /shadow_attributes/index, with /{eventId} for one event
func (c *Client) ListProposals(ctx context.Context, in ListProposalsInput) (*ProposalPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listProposals(ctx, in)
}

// Proposals returns an iterator over every proposal that in matches, newest first, from in.Page
// on, as they were when it began: MISP gives all in one answer.
func (c *Client) Proposals(ctx context.Context, in ListProposalsInput) iter.Seq2[*Proposal, error] {
	return walkWhole(ctx, in, c.listProposals, func(p *ProposalPage) []*Proposal { return p.Proposals }, func(p *Proposal) ID { return p.ID })
}

func (c *Client) listProposals(ctx context.Context, in ListProposalsInput) (*ProposalPage, error) {
	list, err := c.proposals(ctx, in.EventID)
	if err == nil && len(list) == 0 && in.EventID != "" {
		_, err = c.summary(ctx, in.EventID)
	}
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(p *Proposal) bool { return bool(p.Deleted) && !in.Decided })
	slices.SortStableFunc(list, func(a, b *Proposal) int { return int(idNumber(b.ID) - idNumber(a.ID)) })
	out := &ProposalPage{Total: len(list), Page: in.Page}
	out.Proposals, out.More = cut(in.Paging, list)
	return out, nil
}

// proposals lists those for an event, or all, the decided ones included.
func (c *Client) proposals(ctx context.Context, event EventRef) ([]*Proposal, error) {
	var res *httpx.Response
	var err error
	if event == "" {
		res, err = c.wire.ListProposals(ctx)
	} else {
		res, err = c.wire.ListEventProposals(ctx, event.path())
	}
	return rows[Proposal](c, "ShadowAttribute", res, err)
}

// openProposals counts the proposals for e that nobody has decided on.
func (c *Client) openProposals(ctx context.Context, e *Event) (n int, err error) {
	list, err := c.proposals(ctx, EventRef(e.ID))
	for _, p := range list {
		if !p.Deleted {
			n++
		}
	}
	return n, err
}

// ProposeAttributeInput is the input of [Client.ProposeAttribute]: for a new
// attribute an event, for a change an attribute.
type ProposeAttributeInput struct {
	// For a new attribute. This or attributeId.
	EventID EventRef `json:"eventId,omitempty"`
	// For a change. This or eventId.
	AttributeID Ref `json:"attributeId,omitempty"`
	// Such as ip-src. Default for a change: as it is.
	Type string `json:"type,omitempty" pattern:"^[A-Za-z0-9][A-Za-z0-9 |/_-]*$" maxLength:"100"`
	// Default for a change: as it is.
	Value string `json:"value,omitempty" maxLength:"65535"`
	// Such as Network activity. Default: the usual one of the type.
	Category string `json:"category,omitempty" pattern:"^[A-Za-z][A-Za-z -]*$" maxLength:"100"`
	// For detection. Default: as is usual for the type, or as it is.
	ToIDs *bool `json:"toIds,omitempty"`
	// Why, for those who decide.
	Comment string `json:"comment,omitempty" maxLength:"65535"`
}

// Validate refuses a proposal for both, for neither, and of nothing.
func (in ProposeAttributeInput) Validate() error {
	if (in.EventID == "") == (in.AttributeID == "") {
		return invalid("give either eventId or attributeId")
	}
	if in.EventID != "" {
		return errors.Join(in.EventID.check(), in.attribute().check(""))
	}
	if in.Type == "" && in.Value == "" && in.Category == "" && in.ToIDs == nil && in.Comment == "" {
		return invalid("give at least one of type, value, category, toIds, comment")
	}
	return in.AttributeID.check("attributeId")
}

func (in ProposeAttributeInput) attribute() NewAttribute {
	return NewAttribute{Type: in.Type, Value: in.Value, Category: in.Category, ToIDs: in.ToIDs, Comment: in.Comment}
}

// A MadeProposal says what became of a proposal.
type MadeProposal struct {
	Proposal *Proposal `json:"proposal"` // the proposal
	// Whether the same was proposed before and waits: no second one was made.
	Existing bool   `json:"existing,omitempty"`
	Note     string `json:"note,omitempty"` // what to know about the answer
}

// ProposeAttribute proposes a new attribute for an event, or a change of one, to
// the organisation that made the event. Others don't see it in a search until it
// is accepted. The same is not proposed twice while the first waits, which MISP
// would do.
//
// MISP: POST /events/restSearch, GET /attributes/describeTypes, /shadow_attributes/index/{eventId}, POST /shadow_attributes/add/{eventId} or /shadow_attributes/edit/{attributeId}
func (c *Client) ProposeAttribute(ctx context.Context, in ProposeAttributeInput) (*MadeProposal, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := c.complete(ctx, &in); err != nil {
		return nil, err
	}
	e, a, old, err := c.proposed(ctx, in)
	if err != nil {
		return nil, err
	}
	if old != nil {
		return &MadeProposal{Proposal: old, Existing: true}, nil
	}
	body := wire.NewProposal{Type: in.Type, Category: in.Category, Value: in.Value, ToIDs: in.ToIDs, Comment: in.Comment}
	type answer struct {
		Proposal *Proposal `json:"ShadowAttribute"`
	}
	var res *httpx.Response
	if a == nil {
		res, err = c.has("ShadowAttribute")(c.wire.ProposeAttribute(ctx, string(e.ID), body))
	} else {
		if body.Value == "" {
			body.Value = a.Value
		}
		if body.Type == "" {
			body.Type = a.Type
		}
		if body.Category == "" {
			body.Category = a.Category
		}
		res, err = c.has("ShadowAttribute")(c.wire.ProposeEdit(ctx, string(a.ID), body))
	}
	got, err := httpx.JSON[answer](res, err)
	if err != nil {
		return nil, err
	}
	if got.Proposal == nil || got.Proposal.ID == "" {
		return nil, fmt.Errorf("misp: proposeAttribute: the answer has no proposal; %w", gate.ErrOutcomeUnknown)
	}
	return &MadeProposal{Proposal: got.Proposal}, nil
}

// complete says of a new attribute what is usual for its type: here MISP wants a
// category, and takes everything for detection unless it is told.
func (c *Client) complete(ctx context.Context, in *ProposeAttributeInput) error {
	if in.EventID == "" || in.Category != "" && in.ToIDs != nil {
		return nil
	}
	return c.lookTypes(ctx, func(t *attributeTypes) error {
		if no := t.noType(in.Type, func(a, b string) bool { return a == b }); no != "" {
			return invalid("type: %s", no)
		}
		usual := t.Defaults[in.Type]
		in.Category = cmp.Or(in.Category, usual.Category)
		if ids := bool(usual.ToIDs); in.ToIDs == nil {
			in.ToIDs = &ids
		}
		return nil
	})
}

// proposed reads what a proposal is about, and the same one if it waits.
func (c *Client) proposed(ctx context.Context, in ProposeAttributeInput) (e *Event, a *Attribute, old *Proposal, err error) {
	ref := in.EventID
	if in.AttributeID != "" {
		if a, err = c.attribute(ctx, in.AttributeID); err != nil {
			return nil, nil, nil, err
		}
		ref = EventRef(a.EventID)
	}
	if e, err = c.summary(ctx, ref); err != nil {
		return nil, nil, nil, err
	}
	list, err := c.proposals(ctx, EventRef(e.ID))
	if err != nil {
		return nil, nil, nil, err
	}
	for _, p := range list {
		same := !bool(p.Deleted) && !bool(p.ToDelete) && (a == nil) == (given(p.AttributeID) == "") && (a == nil || p.AttributeID == a.ID)
		want := in.Value
		if want == "" && a != nil {
			want = a.Value
		}
		if same && (in.Type == "" || p.Type == in.Type) && slices.ContainsFunc(spellings(want), func(v string) bool { return strings.EqualFold(p.Value, v) }) &&
			(in.ToIDs == nil || bool(p.ToIDs) == *in.ToIDs) && (in.Comment == "" || p.Comment == in.Comment) {
			return e, a, p, nil
		}
	}
	return e, a, nil, nil
}

func (c *Client) planProposeAttribute(ctx context.Context, in ProposeAttributeInput) (gate.Plan, error) {
	if err := c.complete(ctx, &in); err != nil {
		return gate.Plan{}, err
	}
	e, a, old, err := c.proposed(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, nil, mayAdd); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Propose an attribute to the organisation that made an event in MISP.",
		Targets: []gate.Target{e.target()},
		Undo:    "Discard the proposal, which the organisation that made the event can (misp_discard_proposal).",
	}
	then := in.attribute()
	if a != nil {
		then.Type, then.Category = cmp.Or(in.Type, a.Type), cmp.Or(in.Category, a.Category)
	}
	if err := c.checkTypes(ctx, then); err != nil {
		return gate.Plan{}, err
	}
	if a == nil {
		p.Changes = append(p.Changes, gate.Set("proposal", "add "+in.attribute().describe()))
		if err := c.repeated(ctx, e, in.attribute()); err != nil {
			return gate.Plan{}, err
		}
		if has := e.find(in.attribute(), ""); has != nil {
			p.Warnings = append(p.Warnings, fmt.Sprintf("the event has it already, as attribute %s", has.ID))
		}
	} else {
		p.Summary = "Propose a change of an attribute to the organisation that made an event in MISP."
		p.Targets = append([]gate.Target{a.target()}, p.Targets...)
		changed := func(name, before, after string) {
			if after != "" && after != before {
				p.Changes = append(p.Changes, gate.Changed(name, before, after))
			}
		}
		changed("type", a.Type, in.Type)
		changed("value", a.Value, in.Value)
		changed("category", a.Category, in.Category)
		changed("comment", a.Comment, in.Comment)
		if in.ToIDs != nil {
			changed("for detection", yes(bool(a.ToIDs)), yes(*in.ToIDs))
		}
	}
	if old != nil {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the same is proposed already and waits, as proposal %s: no second one is made", old.ID))
	}
	return p, c.warn(ctx, &p, indicators(in.attribute().asAttribute())...)
}

// DecideProposalInput is the input of [Client.AcceptProposal] and
// [Client.DiscardProposal].
type DecideProposalInput struct {
	// From misp_list_proposals.
	ProposalID NumericID `json:"proposalId" alias:"id"`
}

// Validate refuses what isn't the id of a proposal.
func (in DecideProposalInput) Validate() error {
	if !numberRegexp.MatchString(string(in.ProposalID)) {
		return invalid("proposalId: %q is not the id of a proposal", clip.Text(string(in.ProposalID), 60))
	}
	return nil
}

// A DecidedProposal says what became of a proposal.
type DecidedProposal struct {
	ID      ID `json:"id"`      // its id
	EventID ID `json:"eventId"` // the event
	// What was done, or wasn't.
	Did string `json:"did" untrusted:"true"`
	// MISP's own words.
	Message string `json:"message" untrusted:"true"`
}

// AcceptProposal does what a proposal proposes: it adds, changes or deletes an
// attribute, which unpublishes the event. Only the organisation that made the
// event can.
//
// MISP: GET /shadow_attributes/view/{proposalId}, POST /shadow_attributes/accept/{proposalId}
func (c *Client) AcceptProposal(ctx context.Context, in DecideProposalInput) (*DecidedProposal, error) {
	return c.decide(ctx, in, "acceptProposal", "accepted", c.wire.AcceptProposal)
}

// DiscardProposal turns a proposal down. Nobody can undo it. Only the
// organisation that made the event can.
//
// MISP: GET /shadow_attributes/view/{proposalId}, POST /shadow_attributes/discard/{proposalId}
func (c *Client) DiscardProposal(ctx context.Context, in DecideProposalInput) (*DecidedProposal, error) {
	return c.decide(ctx, in, "discardProposal", "discarded", c.wire.DiscardProposal)
}

func (c *Client) decide(ctx context.Context, in DecideProposalInput, op, word string, send func(context.Context, string) (*httpx.Response, error)) (*DecidedProposal, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	p, err := c.proposal(ctx, in.ProposalID)
	if err != nil {
		return nil, err
	}
	d, err := httpx.JSON[done](send(ctx, string(in.ProposalID)))
	if err != nil {
		return nil, err
	}
	if !strings.Contains(d.Message, word) {
		return nil, &Error{Refusal: refusal(op, 200, clip.Text(d.Message, 500), ErrInvalid)}
	}
	return &DecidedProposal{ID: p.ID, EventID: p.EventID, Did: word + ": " + p.does(), Message: d.Message}, nil
}

// proposal returns one that waits. MISP answers a decided one with an internal error.
func (c *Client) proposal(ctx context.Context, id NumericID) (*Proposal, error) {
	type answer struct {
		Proposal *Proposal `json:"ShadowAttribute"`
	}
	a, err := httpx.JSON[answer](c.has("ShadowAttribute")(c.wire.GetProposal(ctx, string(id))))
	if err != nil {
		return nil, err
	}
	switch p := a.Proposal; {
	case p == nil || string(p.ID) != string(id):
		return nil, fmt.Errorf("misp: getProposal: asked for proposal %s and was given another", id)
	case bool(p.Deleted):
		return nil, &Error{Refusal: refusal("getProposal", 200, "the proposal was decided on before", ErrNotFound)}
	}
	return a.Proposal, nil
}

// planDecision is the plan of what is the same for both decisions.
func (c *Client) planDecision(ctx context.Context, in DecideProposalInput) (*Proposal, *Event, error) {
	p, err := c.proposal(ctx, in.ProposalID)
	if err != nil {
		return nil, nil, err
	}
	e, err := c.summary(ctx, EventRef(p.EventID))
	if err != nil {
		return nil, nil, err
	}
	return p, e, c.checkMay(ctx, e, mayModify)
}

func (c *Client) planAcceptProposal(ctx context.Context, in DecideProposalInput) (gate.Plan, error) {
	p, e, err := c.planDecision(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	plan := gate.Plan{
		Summary: "Accept a proposal in MISP: " + p.does() + ".",
		Targets: []gate.Target{p.target(), e.target()},
		Changes: []gate.Change{gate.Set("does", p.does())},
		Undo:    "Delete the attribute (misp_delete_attribute) and add it as it was (misp_add_attribute).",
	}
	if bool(p.ToDelete) {
		plan.Undo = "Add the attribute again (misp_add_attribute)."
	}
	e.unpublishes(&plan)
	return plan, c.warn(ctx, &plan, indicators(&Attribute{Type: p.Type, Value: p.Value})...)
}

func (c *Client) planDiscardProposal(ctx context.Context, in DecideProposalInput) (gate.Plan, error) {
	p, e, err := c.planDecision(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary:  "Discard a proposal in MISP, which was to " + p.does() + ".",
		Targets:  []gate.Target{p.target(), e.target()},
		Changes:  []gate.Change{gate.Changed("proposal", "waits", "discarded")},
		Warnings: []string{"nobody can bring it back: whoever made it would have to propose it again"},
	}, nil
}
