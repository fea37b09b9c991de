package thehive

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// CloseCaseInput is the input of [Client.CloseCase].
type CloseCaseInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	// TruePositive, FalsePositive, Indeterminate, Duplicated, Other, or another closed one.
	Status string `json:"status" maxLength:"64"`
	// What was found, in Markdown. Empty: stays.
	Summary      string       `json:"summary" maxLength:"1048576"`
	ImpactStatus ImpactStatus `json:"impactStatus,omitempty"` // whether there was an impact
}

// CloseCase closes a case. Its status must be one that closes. TheHive ends the
// open tasks with it, for good; Notes of the answer tells what became of them.
//
// TheHive: GET and PATCH /api/v1/case/{caseId}; POST /api/v1/query, getCase with tasks
func (c *Client) CloseCase(ctx context.Context, in CloseCaseInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := c.checkClosed(ctx, in.Status); err != nil {
		return nil, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, err
	}
	after, err := c.changeCase(ctx, cs, closing(in.Status, in.Summary, in.ImpactStatus))
	if err != nil {
		return nil, err
	}
	if after.Stage != StageClosed {
		return nil, fmt.Errorf("thehive: case #%d is in status %s afterwards, which is stage %s: it isn't closed; %w", after.Number, after.Status, after.Stage, gate.ErrOutcomeUnknown)
	}
	return after, nil
}

// closing is what closes a case.
func closing(status, summary string, impact ImpactStatus) wire.UpdateCase {
	return wire.UpdateCase{Status: status, Summary: text(notEmpty(summary), false), ImpactStatus: text(notEmpty(string(impact)), false)}
}

// checkClosed refuses a status that doesn't close a case. It asks the server
// about those that not every server has.
func (c *Client) checkClosed(ctx context.Context, status string) error {
	if statuses[KindCaseStatus][status] == StageClosed {
		return nil
	}
	return c.knownStatuses(ctx, KindCaseStatus, func(known []serverStatus) error {
		var closed []string
		for _, s := range known {
			switch {
			case s.Stage != StageClosed:
			case s.Value == status:
				return nil
			default:
				closed = append(closed, s.Value)
			}
		}
		return fmt.Errorf("%w: status %q doesn't close a case here; these do: %s", ErrInvalid, status, strings.Join(closed, ", "))
	})
}

func (c *Client) planCloseCase(ctx context.Context, in CloseCaseInput) (gate.Plan, error) {
	if err := c.checkClosed(ctx, in.Status); err != nil {
		return gate.Plan{}, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Close a case in TheHive.",
		Targets: []gate.Target{cs.target()},
		Changes: []gate.Change{gate.Changed("status", cs.Status, in.Status)},
		Undo:    "Set the status back (thehive_update_case).",
	}
	if in.ImpactStatus != "" {
		p.Changes = append(p.Changes, gate.Changed("impact", cs.ImpactStatus, in.ImpactStatus))
	}
	if in.Summary != "" {
		p.Changes = append(p.Changes, gate.Changed("summary", cs.Summary, in.Summary))
	}
	return p, c.planStatus(ctx, &p, in.Status, cs)
}

// MergeCasesInput is the input of [Client.MergeCases].
type MergeCasesInput struct {
	// They are gone afterwards.
	CaseIDs []string `json:"caseIds" alias:"ids" minItems:"2" maxItems:"50"`
}

// Validate refuses what isn't several cases.
func (in *MergeCasesInput) Validate() error {
	if len(unique(in.CaseIDs)) != len(in.CaseIDs) || len(in.CaseIDs) < 2 {
		return fmt.Errorf("%w: caseIds: want at least two, and none twice", ErrInvalid)
	}
	return nil
}

// distinct returns the cases, none of which may be named twice.
func (in *MergeCasesInput) distinct(ctx context.Context, c *Client) ([]*Case, error) {
	cases, err := c.casesByID(ctx, in.CaseIDs)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, cs := range cases {
		if seen[cs.ID] {
			return nil, fmt.Errorf("%w: caseIds: names case #%d twice", ErrInvalid, cs.Number)
		}
		seen[cs.ID] = true
	}
	return cases, nil
}

// MergeCases makes one new case of several, which disappear. Nobody can undo it.
//
// TheHive: POST /api/v1/query, listCase; POST /api/v1/case/_merge/{ids}
func (c *Client) MergeCases(ctx context.Context, in MergeCasesInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	cases, err := in.distinct(ctx, c)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(cases))
	for i, cs := range cases {
		ids[i] = cs.ID
	}
	made, err := entity[Case](c.wire.MergeCases(ctx, strings.Join(ids, ",")))
	if err != nil {
		return nil, err
	}
	var which []Filter
	for _, id := range ids {
		which = append(which, ID(id))
	}
	left, err := rows[*Case](context.WithoutCancel(ctx), c, "merged-cases", All(KindCase).Where(Or(which...)).Page(0, len(ids)))
	if err != nil {
		made.Notes = append(made.Notes, "Whether the cases are gone can't be told: "+err.Error())
	}
	for _, cs := range left {
		made.Notes = append(made.Notes, fmt.Sprintf("Case #%d is still there.", cs.Number))
	}
	return made, nil
}

func (c *Client) planMergeCases(ctx context.Context, in MergeCasesInput) (gate.Plan, error) {
	cases, err := in.distinct(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: fmt.Sprintf("Merge %d cases in TheHive into a new one. They are gone afterwards, with their numbers and the links to them.", len(cases))}
	var titles, tags []string
	var severity Severity
	var tlp TLP
	var pap PAP
	fields := map[string][]string{}
	for _, cs := range cases {
		p.Targets = append(p.Targets, cs.target())
		for _, w := range cs.closedWarnings() {
			p.Warnings = append(p.Warnings, fmt.Sprintf("#%d: %s", cs.Number, w))
		}
		titles, tags = append(titles, cs.Title), append(tags, cs.Tags...)
		severity, tlp, pap = max(severity, cs.Severity), max(tlp, cs.TLP), max(pap, cs.PAP)
		for name, values := range byField(cs.CustomFields) {
			fields[name] = append(fields[name], values...)
		}
	}
	p.Changes = []gate.Change{
		gate.Set("title", strings.Join(titles, " / ")), gate.Set("severity, the highest", severity), gate.Set("TLP, the highest", tlp), gate.Set("PAP, the highest", pap),
		gate.Set("tags, united", strings.Join(unique(tags), ", ")),
		gate.Set("moves along", "tasks with their logs, observables, comments, techniques, attachments, pages, alerts and custom fields of all of them"),
	}
	for _, name := range sortedKeys(fields) {
		if values := unique(fields[name]); len(values) > 1 {
			p.Warnings = append(p.Warnings, fmt.Sprintf("The cases differ in the custom field %s: %s.", name, strings.Join(values, ", ")))
		}
	}
	return p, nil
}

// casesByID returns the cases with those ids or numbers, in their order, by one
// query. All must be there.
func (c *Client) casesByID(ctx context.Context, ids []string) ([]*Case, error) {
	var which []Filter
	refs := make([]string, len(ids))
	for i, id := range ids {
		ref, err := caseRef("caseIds", id)
		if err != nil {
			return nil, err
		}
		refs[i] = ref
		number, ok := caseNumber(ref)
		switch {
		case ok:
			which = append(which, Eq("number", number))
		case strings.HasPrefix(ref, "~"):
			which = append(which, ID(ref))
		default:
			return nil, fmt.Errorf("%w: caseIds: %q is neither an id (~4096) nor a number", ErrInvalid, clip.Text(id, 80))
		}
	}
	got, err := rows[*Case](ctx, c, "cases-by-id", All(KindCase).Where(Or(which...)).Page(0, len(ids)))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	byID := map[string]*Case{}
	for _, cs := range got {
		byID[cs.ID], byID[fmt.Sprint(cs.Number)] = cs, cs
	}
	list := make([]*Case, len(ids))
	var absent []string
	for i, ref := range refs {
		if list[i] = byID[ref]; list[i] == nil {
			absent = append(absent, ids[i])
		}
	}
	if len(absent) > 0 {
		err := missing("Case", strings.Join(absent, ", "))
		return nil, c.explain(ctx, err)
	}
	return list, nil
}

// caseNumber reads a case number in its one spelling.
func caseNumber(id string) (int, bool) {
	n := 0
	if _, err := fmt.Sscanf(id, "%d", &n); err != nil || fmt.Sprint(n) != id || n < 1 {
		return 0, false
	}
	return n, true
}

var errNothingSent = errors.New("not sent, as the call was cancelled")
