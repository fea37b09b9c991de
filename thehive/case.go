package thehive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// Stage is what a status means. Each server has statuses of its own; the stages are fixed.
type Stage string

// The stages.
const (
	StageNew        Stage = "New"
	StageInProgress Stage = "InProgress"
	StageClosed     Stage = "Closed"
	StageImported   Stage = "Imported" // of alerts alone: it is in a case
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
	Existing     bool              `json:"existing,omitempty" jsonschema:"Whether it was there before, so that nothing was created."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-"`
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
	Stage    Stage    `json:"stage,omitempty" jsonschema:"Only cases of this stage, whatever their status: New, InProgress or Closed." pattern:"^(New|InProgress|Closed)$"`
	After    int64    `json:"createdAfter,omitempty" jsonschema:"Only cases made at or after this date, in milliseconds since 1970." minimum:"0"`
	Before   int64    `json:"createdBefore,omitempty" jsonschema:"Only cases made before this date, in milliseconds since 1970." minimum:"0"`
	Offset   int      `json:"offset,omitempty" jsonschema:"How many cases to skip." minimum:"0"`
	Limit    int      `json:"limit,omitempty" jsonschema:"How many cases to return." minimum:"1" maximum:"500"`
}

// Validate refuses dates that aren't in milliseconds.
func (in *ListCasesInput) Validate() error {
	return errors.Join(checkDate("createdAfter", in.After), checkDate("createdBefore", in.Before))
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
	if err := in.Validate(); err != nil {
		return nil, err
	}
	q := All(KindCase)
	if in.Status != "" {
		if _, err := c.stage(ctx, KindCaseStatus, in.Status); err != nil {
			return nil, c.explain(ctx, err)
		}
	}
	if in.Severity != 0 {
		q = q.Where(Eq("severity", in.Severity))
	}
	q = q.having("status", in.Status).having("stage", string(in.Stage)).having("assignee", in.Owner)
	q = q.tagged(in.Tags).dated("_createdAt", in.After, in.Before)
	return c.casePage(ctx, q, in.Offset, in.Limit)
}

// tagged keeps what has all of tags.
func (q Query) tagged(tags []string) Query {
	for _, t := range tags {
		q = q.Where(Eq("tags", t))
	}
	return q
}

// dated keeps what has a date in field between two; zero is no bound.
func (q Query) dated(field string, after, before int64) Query {
	if after != 0 {
		q = q.Where(Gte(field, after))
	}
	if before != 0 {
		q = q.Where(Lt(field, before))
	}
	return q
}

// casePage returns one page of what q gives, newest first.
func (c *Client) casePage(ctx context.Context, q Query, offset, limit int) (*CasePage, error) {
	cases, total, err := paged[*Case](ctx, c, "cases", order{"_createdAt", Desc}, offset, limit, q)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if total == 0 { // nothing, or nothing for this user?
		if err := c.cannotHaveCases(ctx); err != nil {
			return nil, err
		}
	}
	return &CasePage{Cases: cases, Total: total, Offset: offset, More: offset+len(cases) < total}, nil
}

// Cases returns an iterator over every case that in matches, from in.Offset on.
func (c *Client) Cases(ctx context.Context, in ListCasesInput) iter.Seq2[*Case, error] {
	return paging.All(ctx, func(ctx context.Context, offset int) ([]*Case, bool, error) {
		next := in
		next.Offset += offset
		p, err := c.ListCases(ctx, next)
		if err != nil {
			return nil, false, err
		}
		return p.Cases, p.More, nil
	})
}

// SearchCasesInput is the input of [Client.SearchCases].
type SearchCasesInput struct {
	Query  string `json:"query" jsonschema:"What to look for: a case number, or words of the title, description, summary or a tag." minLength:"1" maxLength:"512"`
	Offset int    `json:"offset,omitempty" jsonschema:"How many cases to skip." minimum:"0"`
	Limit  int    `json:"limit,omitempty" jsonschema:"How many cases to return." minimum:"1" maximum:"500"`
}

// SetDefaults fills the fields left at zero.
func (in *SearchCasesInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// SearchCases returns one page of the cases that hold a text in their title,
// description, summary or tags, or that have it for a number; newest first.
//
// TheHive: POST /api/v1/query, listCase
func (c *Client) SearchCases(ctx context.Context, in SearchCasesInput) (*CasePage, error) {
	in.SetDefaults()
	text := strings.TrimSpace(in.Query)
	if text == "" {
		return nil, fmt.Errorf("%w: query: is empty", ErrInvalid)
	}
	parts := []Filter{Like("title", text), Like("description", text), Like("summary", text), Like("tags", text)}
	if n, err := strconv.Atoi(strings.TrimPrefix(text, "#")); err == nil {
		parts = append(parts, Eq("number", n))
	}
	return c.casePage(ctx, All(KindCase).Where(Or(parts...)), in.Offset, in.Limit)
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
	Key          string                     `json:"key,omitempty" jsonschema:"What the case is about, in a word of your own, such as the id of the alert. A case that has the key is returned instead of a second one." pattern:"^[0-9A-Za-z_.:-]{1,100}$"`
	IfClosed     IfClosed                   `json:"ifClosed,omitempty" jsonschema:"What to do when the case with that key is closed: refuse, reuse it as it is, or create another. Left out: refuse."`
}

// IfClosed says what becomes of a creation when the case that has its key is closed.
type IfClosed string

// What to do with a closed case.
const (
	ClosedRefuse IfClosed = "refuse"
	ClosedReuse  IfClosed = "reuse"
	ClosedCreate IfClosed = "create"
)

// Enum lists the values for schemas.
func (IfClosed) Enum() []any { return []any{ClosedRefuse, ClosedReuse, ClosedCreate} }

// keyTag is the tag by which a case with a key is found again.
func keyTag(key string) string { return "key:" + key }

// byKey returns the newest case with the key of in, or nil if one shall be made.
func (c *Client) byKey(ctx context.Context, in CreateCaseInput) (*Case, error) {
	if in.Key == "" {
		return nil, nil
	}
	p, err := c.casePage(ctx, All(KindCase).Where(Eq("tags", keyTag(in.Key))), 0, 50)
	if err != nil {
		return nil, err
	}
	for _, cs := range p.Cases { // one that is open comes first
		if cs.Stage != StageClosed {
			return cs, nil
		}
	}
	switch {
	case len(p.Cases) == 0 || in.IfClosed == ClosedCreate:
		return nil, nil
	case in.IfClosed == ClosedReuse:
		return p.Cases[0], nil
	}
	cs := p.Cases[0]
	return nil, fmt.Errorf("%w: case #%d (%s) has the key %q and is closed as %s; say by ifClosed whether to reuse it or to create another", ErrInvalid, cs.Number, cs.ID, in.Key, cs.Status)
}

// SetDefaults fills the fields left at zero.
func (in *CreateCaseInput) SetDefaults() {
	if in.Severity == 0 {
		in.Severity = Medium
	}
}

// CreateCase opens a case, or returns the one that has in.Key already.
//
// TheHive: POST /api/v1/query, listCase; POST /api/v1/case
func (c *Client) CreateCase(ctx context.Context, in CreateCaseInput) (*Case, error) {
	in.SetDefaults()
	if in.Description == "" {
		in.Description = in.Title
	}
	switch have, err := c.byKey(ctx, in); {
	case err != nil:
		return nil, err
	case have != nil:
		have.Existing = true
		return have, nil
	}
	if in.Key != "" {
		in.Tags = append(slices.Clone(in.Tags), keyTag(in.Key))
	}
	cs, err := entity[Case](c.wire.CreateCase(ctx, wire.CreateCase{
		Title: in.Title, Description: in.Description, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP),
		Tags: unique(in.Tags), Flag: in.Flag, Assignee: in.Owner, CaseTemplate: in.Template, CustomFields: in.CustomFields,
	}))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if cs.Stage == "" { // cases have stages since TheHive 5
		return nil, fmt.Errorf("%w; case %s was opened, and what its server doesn't know is missing from it; %w", &VersionError{Version: "4 or older"}, cs.ID, gate.ErrOutcomeUnknown)
	}
	return cs, nil
}

func (c *Client) planCreateCase(ctx context.Context, in CreateCaseInput) (gate.Plan, error) {
	switch have, err := c.byKey(ctx, in); {
	case err != nil:
		return gate.Plan{}, err
	case have != nil:
		return gate.Plan{
			Summary: "Open no case in TheHive: there is one with this key.", Targets: []gate.Target{have.place()},
			Undo: "Nothing is changed.", Warnings: have.closedWarnings(),
		}, nil
	}
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
	p.Changes = appendSet(p.Changes, "key", in.Key)
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
	for _, what := range []Hop{HopTasks, HopObservables, HopComments} {
		n, err := count(ctx, c, "case-"+string(what), inCase(cs.ID, what))
		if err != nil {
			return p, err
		}
		if n > 0 {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%d %s are deleted with it.", n, what))
		}
	}
	return p, nil
}
