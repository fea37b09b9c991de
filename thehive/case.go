package thehive

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/extra"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/page"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// Stage is what a status means. Each server has statuses of its own; the stages are fixed.
type Stage string

// The stages.
const (
	StageNew        Stage = "New"
	StageInProgress Stage = "InProgress"
	StageClosed     Stage = "Closed"
)

// A Case is an investigation.
type Case struct {
	ID           string            `json:"_id"`
	Number       int               `json:"number"`
	Title        string            `json:"title" untrusted:"true"`
	Description  string            `json:"description" untrusted:"true"`
	Severity     Severity          `json:"severity"`
	TLP          TLP               `json:"tlp"`
	PAP          PAP               `json:"pap"`
	Status       string            `json:"status" jsonschema:"New, InProgress, TruePositive, … or a status of this server's own."`
	Stage        Stage             `json:"stage" jsonschema:"New, InProgress or Closed."`
	Tags         []string          `json:"tags,omitempty" untrusted:"true"`
	Flag         bool              `json:"flag,omitempty"`
	Assignee     string            `json:"assignee,omitempty"`
	Summary      string            `json:"summary,omitempty" untrusted:"true"`
	ImpactStatus string            `json:"impactStatus,omitempty"`
	CustomFields []json.RawMessage `json:"customFields,omitempty" untrusted:"true"`
	CreatedBy    string            `json:"_createdBy,omitempty"`
	CreatedAt    int64             `json:"_createdAt,omitempty" jsonschema:"Milliseconds since 1970."`
	UpdatedBy    string            `json:"_updatedBy,omitempty"`
	UpdatedAt    int64             `json:"_updatedAt,omitempty" jsonschema:"Milliseconds since 1970."`
	StartDate    int64             `json:"startDate,omitempty" jsonschema:"Milliseconds since 1970."`
	EndDate      int64             `json:"endDate,omitempty" jsonschema:"Milliseconds since 1970."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps unknown members in Extra.
func (c *Case) UnmarshalJSON(b []byte) error {
	type plain Case
	return extra.Decode(b, (*plain)(c), &c.Extra)
}

// MarshalJSON writes the known members, then those in Extra.
func (c Case) MarshalJSON() ([]byte, error) {
	type plain Case
	return extra.Encode(plain(c), c.Extra)
}

func (c *Case) identity() string { return c.ID }

// place is c as the plan of an addition shows it: whatever else happens to the
// case doesn't make the addition a different one.
func (c *Case) place() gate.Target {
	return gate.Target{Kind: "case", ID: c.ID, Name: fmt.Sprintf("#%d %s", c.Number, c.Title)}
}

// target is c as the plan of a change shows it.
func (c *Case) target() gate.Target {
	t := c.place()
	t.Version = fmt.Sprintf("%s, updated %d", c.Status, c.UpdatedAt)
	return t
}

// closedWarnings says that c is closed, for plans that add to it.
func (c *Case) closedWarnings() []string {
	if c.Stage != StageClosed {
		return nil
	}
	return []string{fmt.Sprintf("The case is closed: %s.", c.Status)}
}

// GetCaseInput is the input of [Client.GetCase].
type GetCaseInput struct {
	CaseID string `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
}

// GetCase returns one case. An unknown one is [ErrNotFound].
//
// TheHive: GET /api/v1/case/{caseId}
func (c *Client) GetCase(ctx context.Context, in GetCaseInput) (*Case, error) {
	cs, err := entity[Case](c.wire.GetCase(ctx, in.CaseID))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return cs, nil
}

// ListCasesInput is the input of [Client.ListCases]. What is left out doesn't filter.
type ListCasesInput struct {
	Status   string   `json:"status,omitempty" jsonschema:"Only cases of this status: New, InProgress, TruePositive, FalsePositive, Indeterminate, Duplicated, Other, or one of the server's own." maxLength:"64"`
	Severity Severity `json:"severity,omitempty" jsonschema:"Only cases of this severity: 1 low to 4 critical."`
	Tags     []string `json:"tags,omitempty" jsonschema:"Only cases that have all of these tags." maxItems:"20" maxLength:"128"`
	Owner    string   `json:"owner,omitempty" jsonschema:"Only cases assigned to this user's login." alias:"assignee" maxLength:"128"`
	Offset   int      `json:"offset,omitempty" jsonschema:"How many cases to skip." minimum:"0"`
	Limit    int      `json:"limit,omitempty" jsonschema:"How many cases to return." minimum:"1" maximum:"500"`
}

// SetDefaults fills the fields left at zero.
func (in *ListCasesInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// A CasePage is one page of cases.
type CasePage struct {
	Cases  []*Case `json:"cases"`
	Total  int     `json:"total" jsonschema:"How many cases match in all."`
	Offset int     `json:"offset"`
	More   bool    `json:"more" jsonschema:"Whether there are cases behind this page."`
}

// ListCases returns one page of cases, newest first. [Client.Cases] walks all of them.
//
// TheHive: POST /api/v1/query, listCase
func (c *Client) ListCases(ctx context.Context, in ListCasesInput) (*CasePage, error) {
	in.SetDefaults()
	steps := list("Case")
	if in.Status != "" {
		steps = append(steps, where(eq("status", in.Status)))
	}
	if in.Severity != 0 {
		steps = append(steps, where(eq("severity", in.Severity)))
	}
	if in.Owner != "" {
		steps = append(steps, where(eq("assignee", in.Owner)))
	}
	for _, tag := range in.Tags {
		steps = append(steps, where(eq("tags", tag)))
	}
	cases, total, err := paged[*Case](ctx, c, "cases", sortBy("_createdAt", "desc"), in.Offset, in.Limit, steps)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if total == 0 { // nothing, or nothing for this user?
		if err := c.cannotHaveCases(ctx); err != nil {
			return nil, err
		}
	}
	return &CasePage{Cases: cases, Total: total, Offset: in.Offset, More: in.Offset+len(cases) < total}, nil
}

// Cases returns an iterator over every case that in matches, from in.Offset on.
func (c *Client) Cases(ctx context.Context, in ListCasesInput) iter.Seq2[*Case, error] {
	return page.All(ctx, func(ctx context.Context, offset int) ([]*Case, bool, error) {
		next := in
		next.Offset += offset
		p, err := c.ListCases(ctx, next)
		if err != nil {
			return nil, false, err
		}
		return p.Cases, p.More, nil
	})
}

// CreateCaseInput is the input of [Client.CreateCase].
type CreateCaseInput struct {
	Title        string                     `json:"title" jsonschema:"One-line summary." minLength:"1" maxLength:"512"`
	Description  string                     `json:"description,omitempty" jsonschema:"Markdown. Empty: the title is used, as TheHive wants one." maxLength:"1048576"`
	Severity     Severity                   `json:"severity,omitempty" jsonschema:"Impact: 1 low, 2 medium, 3 high, 4 critical."`
	TLP          *TLP                       `json:"tlp,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 AMBER+STRICT, 4 RED. Left out: the server's default, AMBER."`
	PAP          *PAP                       `json:"pap,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 RED. Left out: the server's default, AMBER."`
	Tags         []string                   `json:"tags,omitempty" jsonschema:"Free-form labels." maxItems:"100" minLength:"1" maxLength:"128"`
	Flag         bool                       `json:"flag,omitempty" jsonschema:"Whether to flag the case."`
	Owner        string                     `json:"owner,omitempty" jsonschema:"Login of the user to assign it to." alias:"assignee" maxLength:"128"`
	Template     string                     `json:"template,omitempty" jsonschema:"Name of a case template. What is set here wins over it." alias:"caseTemplate" maxLength:"128"`
	CustomFields map[string]json.RawMessage `json:"customFields,omitempty" jsonschema:"Values of custom fields, by name."`
}

// SetDefaults fills the fields left at zero.
func (in *CreateCaseInput) SetDefaults() {
	if in.Severity == 0 {
		in.Severity = Medium
	}
}

// CreateCase opens a case.
//
// TheHive: POST /api/v1/case
func (c *Client) CreateCase(ctx context.Context, in CreateCaseInput) (*Case, error) {
	in.SetDefaults()
	if in.Description == "" {
		in.Description = in.Title
	}
	cs, err := entity[Case](c.wire.CreateCase(ctx, wire.CreateCase{
		Title: in.Title, Description: in.Description, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP),
		Tags: unique(in.Tags), Flag: in.Flag, Assignee: in.Owner, CaseTemplate: in.Template, CustomFields: in.CustomFields,
	}))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return cs, nil
}

func (c *Client) planCreateCase(_ context.Context, in CreateCaseInput) (gate.Plan, error) {
	p := gate.Plan{
		Summary: "Open a case in TheHive.",
		Changes: []gate.Change{gate.Set("title", in.Title), gate.Set("severity", in.Severity)},
		Undo:    "Close the case, or delete it.",
	}
	if in.Description != "" {
		p.Changes = append(p.Changes, gate.Set("description", in.Description))
	}
	if in.TLP != nil {
		p.Changes = append(p.Changes, gate.Set("TLP", *in.TLP))
	}
	if in.PAP != nil {
		p.Changes = append(p.Changes, gate.Set("PAP", *in.PAP))
	}
	if len(in.Tags) > 0 {
		p.Changes = append(p.Changes, gate.Set("tags", strings.Join(in.Tags, ", ")))
	}
	if in.Flag {
		p.Changes = append(p.Changes, gate.Set("flag", true))
	}
	if in.Owner != "" {
		p.Changes = append(p.Changes, gate.Set("assignee", in.Owner))
	}
	if in.Template != "" {
		p.Changes = append(p.Changes, gate.Set("template", in.Template))
	}
	if len(in.CustomFields) > 0 {
		b, err := json.Marshal(in.CustomFields)
		if err != nil {
			return p, fmt.Errorf("thehive: customFields: %w", err)
		}
		p.Changes = append(p.Changes, gate.Set("custom fields", string(b)))
	}
	return p, nil
}

// DeleteCaseInput is the input of [Client.DeleteCase].
type DeleteCaseInput struct {
	CaseID string `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Force  bool   `json:"force,omitempty" jsonschema:"Changes nothing: TheHive 5 deletes a case whether or not it holds something."`
}

// Deleted confirms a deletion.
type Deleted struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// DeleteCase deletes a case with its tasks, observables and comments. Nobody
// can undo it.
//
// TheHive: DELETE /api/v1/case/{caseId}
func (c *Client) DeleteCase(ctx context.Context, in DeleteCaseInput) (*Deleted, error) {
	if err := httpx.Done(c.wire.DeleteCase(ctx, in.CaseID)); err != nil {
		return nil, err
	}
	return &Deleted{ID: in.CaseID, Deleted: true}, nil
}

func (c *Client) planDeleteCase(ctx context.Context, in DeleteCaseInput) (gate.Plan, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Delete a case in TheHive, with all that is in it.", Targets: []gate.Target{cs.target()}}
	for _, what := range []string{"tasks", "observables", "comments"} {
		n, err := count(ctx, c, "case-"+what, inCase(cs.ID, what))
		if err != nil {
			return p, err
		}
		if n > 0 {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%d %s are deleted with it.", n, what))
		}
	}
	return p, nil
}
