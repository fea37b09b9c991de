package thehive

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A Procedure is an ATT&CK technique that a case or an alert was seen to use.
type Procedure struct {
	ID string `json:"_id"` // its id
	// ATT&CK id, such as T1110 or T1110.001.
	PatternID   string    `json:"patternId,omitempty"`
	PatternName string    `json:"patternName,omitempty"`                  // the technique's name
	Tactic      string    `json:"tactic,omitempty"`                       // the tactic
	OccurDate   time.Time `json:"occurDate,omitzero,format:unixmilli"`    // when it was seen
	Description string    `json:"description,omitempty" untrusted:"true"` // how it was done
	CreatedBy   string    `json:"_createdBy,omitempty"`                   // the login of who made it
	CreatedAt   time.Time `json:"_createdAt,omitzero,format:unixmilli"`   // when it was made
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true" quiet:"_type,newDate" own:"tacticLabel,_updatedBy,_updatedAt"`
}

func (p *Procedure) identity() string { return p.ID }

func (p *Procedure) created() time.Time { return p.CreatedAt }

// maxProcedures bounds what is read of one case beside other things.
const maxProcedures = 500

func (c *Client) procedures(ctx context.Context, id string) ([]*Procedure, error) {
	return rows[*Procedure](ctx, c, "case-procedures", inCase(id, HopProcedures).Sort("occurDate", Desc).Page(0, maxProcedures))
}

// AddProcedureInput is the input of [Client.AddProcedure].
type AddProcedureInput struct {
	// This or alertId.
	CaseID string `json:"caseId,omitempty"`
	// This or caseId.
	AlertID string `json:"alertId,omitempty"`
	// ATT&CK technique: T1110.001.
	PatternID string `json:"patternId" alias:"technique" pattern:"^T[0-9]{4}(\\.[0-9]{3})?$"`
	// Such as credential-access.
	Tactic    string `json:"tactic,omitempty" pattern:"^[a-z-]{1,32}$"`
	OccurDate Date   `json:"occurDate"` // when it was seen
	// How it was used, in Markdown.
	Description string `json:"description,omitempty" maxLength:"1048576"`
}

// Validate refuses anything but one place, a technique and a date.
func (in *AddProcedureInput) Validate() error {
	switch {
	case (in.CaseID == "") == (in.AlertID == ""):
		return fmt.Errorf("%w: want either caseId or alertId", ErrInvalid)
	case !techniqueID.MatchString(in.PatternID):
		return fmt.Errorf("%w: patternId: %q is not the id of an ATT&CK technique", ErrInvalid, in.PatternID)
	case in.OccurDate == 0:
		return fmt.Errorf("%w: occurDate: is missing", ErrInvalid)
	}
	return in.OccurDate.checkFixed("occurDate")
}

// AddProcedure records an ATT&CK technique with a case or an alert.
//
// TheHive: POST /api/v1/case/{caseId}/procedure, POST /api/v1/alert/{alertId}/procedure
func (c *Client) AddProcedure(ctx context.Context, in AddProcedureInput) (*Procedure, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	body := wire.CreateProcedure{PatternID: in.PatternID, Tactic: in.Tactic, OccurDate: in.OccurDate.ms(), Description: in.Description}
	if in.AlertID != "" {
		id, err := c.alertID(ctx, in.AlertID)
		if err != nil {
			return nil, err
		}
		return entity[Procedure](c.wire.CreateAlertProcedure(ctx, id, body))
	}
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	return entity[Procedure](c.wire.CreateCaseProcedure(ctx, id, body))
}

func (c *Client) planAddProcedure(ctx context.Context, in AddProcedureInput) (gate.Plan, error) {
	p := gate.Plan{Summary: "Record an ATT&CK technique in TheHive.", Undo: "Delete the procedure (thehive_delete_part).", Changes: []gate.Change{gate.Set("technique", in.PatternID)}}
	if in.AlertID != "" {
		a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
		if err != nil {
			return p, err
		}
		p.Targets = []gate.Target{a.place()}
	} else {
		cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
		if err != nil {
			return p, err
		}
		p.Targets, p.Warnings = []gate.Target{cs.place()}, cs.closedWarnings()
	}
	p.Changes = appendSet(p.Changes, "tactic", in.Tactic)
	p.Changes = append(p.Changes, gate.Set("on", in.OccurDate))
	p.Changes = appendSet(p.Changes, "description", in.Description)
	return p, nil
}

// ListProceduresInput is the input of [Client.ListProcedures].
type ListProceduresInput struct {
	// This or alertId.
	CaseID string `json:"caseId,omitempty"`
	// This or caseId.
	AlertID string `json:"alertId,omitempty"`
	Offset  int    `json:"offset,omitempty" minimum:"0"`                            // how many to skip
	Limit   int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"100"` // how many to return at most
}

// A ProcedurePage is one page of procedures.
type ProcedurePage struct {
	Procedures []*Procedure `json:"procedures"` // the techniques
	// How many there are in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are procedures behind this page.
	More bool `json:"more"`
}

// ListProcedures returns one page of the techniques recorded with a case or an
// alert, by when they were used, newest first.
//
// TheHive: POST /api/v1/query, getCase or getAlert, procedures
func (c *Client) ListProcedures(ctx context.Context, in ListProceduresInput) (*ProcedurePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, err := c.procedureQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	got, total, err := paged[*Procedure](ctx, c, "procedures", order{"occurDate", Desc}, in.Offset, in.Limit, q)
	if err != nil {
		return nil, err
	}
	return &ProcedurePage{Procedures: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// Procedures returns an iterator over every technique recorded with a case or an
// alert, the last recorded first, from in.Offset on; each is yielded once, also when
// some are added, changed or deleted on the way. A page of requests has in.Limit of
// them; left out: 500.
func (c *Client) Procedures(ctx context.Context, in ListProceduresInput) iter.Seq2[*Procedure, error] {
	return everything(ctx, c, "procedures", in, all[ListProceduresInput, *Procedure](c.procedureQuery))
}

func (c *Client) procedureQuery(ctx context.Context, in ListProceduresInput) (Query, error) {
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	if err != nil {
		return Query{}, err
	}
	return at.query(HopProcedures), nil
}

// UpdateProcedureInput is the input of [Client.UpdateProcedure]. What is left out stays.
type UpdateProcedureInput struct {
	ProcedureID string `json:"procedureId" alias:"id"` // the record of a technique
	// ATT&CK technique: T1110.001.
	PatternID string `json:"patternId,omitempty" alias:"technique" pattern:"^(T[0-9]{4}(\\.[0-9]{3})?)?$"`
	// Such as credential-access.
	Tactic    string `json:"tactic,omitempty" pattern:"^[a-z-]{0,32}$"`
	OccurDate Date   `json:"occurDate,omitempty"` // when it was seen
	// How it was used, in Markdown.
	Description *string `json:"description,omitempty" maxLength:"1048576"`
}

// Validate refuses an update of nothing.
func (in *UpdateProcedureInput) Validate() error {
	if in.PatternID == "" && in.Tactic == "" && in.OccurDate == 0 && in.Description == nil {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	if in.PatternID != "" && !techniqueID.MatchString(in.PatternID) {
		return fmt.Errorf("%w: patternId: %q is not the id of an ATT&CK technique", ErrInvalid, in.PatternID)
	}
	return in.OccurDate.checkFixed("occurDate")
}

// procedure returns one procedure. An unknown one is [ErrNotFound].
func (c *Client) procedure(ctx context.Context, id string) (*Procedure, error) {
	return one[*Procedure](ctx, c, KindProcedure, id)
}

// UpdateProcedure changes fields of a procedure, and reads it back.
//
// TheHive: PATCH /api/v1/procedure/{procedureId}; POST /api/v1/query, getProcedure
func (c *Client) UpdateProcedure(ctx context.Context, in UpdateProcedureInput) (*Procedure, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	at := in.OccurDate.ms()
	body := wire.UpdateProcedure{PatternID: in.PatternID, Tactic: in.Tactic, OccurDate: at, Description: in.Description}
	if err := httpx.Done(c.wire.UpdateProcedure(ctx, in.ProcedureID, body)); err != nil {
		return nil, err
	}
	p, err := c.procedure(ctx, in.ProcedureID)
	if err != nil {
		return nil, fmt.Errorf("thehive: the procedure was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	var check readBack
	check.text("patternId", in.PatternID, p.PatternID)
	check.text("tactic", in.Tactic, p.Tactic)
	check.pointer("description", in.Description, p.Description)
	if at != 0 && at != jsoncodec.Milli(p.OccurDate) {
		check.differ("occurDate", Date(at), instant(p.OccurDate))
	}
	return p, check.err("procedure " + p.ID)
}

func (c *Client) planUpdateProcedure(ctx context.Context, in UpdateProcedureInput) (gate.Plan, error) {
	have, err := c.procedure(ctx, in.ProcedureID)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Change a technique that is recorded in TheHive.", Undo: "Set the fields back (thehive_update_procedure).",
		Targets: []gate.Target{{Kind: "procedure", ID: have.ID, Name: have.PatternID}}}
	d := diff{&p.Changes}
	d.text("technique", have.PatternID, in.PatternID)
	d.text("tactic", have.Tactic, in.Tactic)
	if in.OccurDate != 0 {
		d.add("on", instant(have.OccurDate), in.OccurDate)
	}
	d.optional("description", have.Description, in.Description)
	return p, nil
}
