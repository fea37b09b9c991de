package thehive

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// updateCase changes a case and reads it back, as TheHive answers nothing.
func (c *Client) updateCase(ctx context.Context, id string, body wire.UpdateCase) (*Case, error) {
	if err := httpx.Done(c.wire.UpdateCase(ctx, id, body)); err != nil {
		return nil, c.explain(ctx, err)
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: id})
	if err != nil {
		return nil, fmt.Errorf("thehive: the case was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	return cs, nil
}

// ImpactStatus says whether the incident did harm.
type ImpactStatus string

// The impact statuses.
const (
	NoImpact      ImpactStatus = "NoImpact"
	WithImpact    ImpactStatus = "WithImpact"
	NotApplicable ImpactStatus = "NotApplicable"
)

// Enum lists the values for schemas.
func (ImpactStatus) Enum() []any { return []any{NoImpact, WithImpact, NotApplicable} }

// CloseCaseInput is the input of [Client.CloseCase].
type CloseCaseInput struct {
	CaseID       string       `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Status       string       `json:"status" jsonschema:"TruePositive, FalsePositive, Indeterminate, Duplicated, Other, or another closed status of this server." minLength:"1" maxLength:"64"`
	Summary      string       `json:"summary" jsonschema:"What was found, in Markdown. Empty leaves the summary as it is." maxLength:"1048576"`
	ImpactStatus ImpactStatus `json:"impactStatus,omitempty" jsonschema:"Whether the incident did harm."`
}

// CloseCase closes a case. Its status must be one that closes; tasks that are
// still open don't stop it.
//
// TheHive: PATCH /api/v1/case/{caseId}
func (c *Client) CloseCase(ctx context.Context, in CloseCaseInput) (*Case, error) {
	if err := c.checkClosed(ctx, in.Status); err != nil {
		return nil, err
	}
	cs, err := c.updateCase(ctx, in.CaseID, wire.UpdateCase{Status: in.Status, ImpactStatus: string(in.ImpactStatus), Summary: notEmpty(in.Summary)})
	if err != nil {
		return nil, err
	}
	if cs.Stage != StageClosed {
		return nil, fmt.Errorf("thehive: case #%d is in status %s afterwards, which is stage %s: it isn't closed; %w", cs.Number, cs.Status, cs.Stage, gate.ErrOutcomeUnknown)
	}
	return cs, nil
}

// checkClosed refuses a status that doesn't close a case. It asks the server
// about those that not every server has.
func (c *Client) checkClosed(ctx context.Context, status string) error {
	if statuses[KindCaseStatus][status] == StageClosed {
		return nil
	}
	known, err := c.serverStatuses(ctx, KindCaseStatus)
	if err != nil {
		return err
	}
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
		Summary:  "Close a case in TheHive.",
		Targets:  []gate.Target{cs.target()},
		Changes:  []gate.Change{gate.Changed("status", cs.Status, in.Status)},
		Undo:     "Set the case back to " + cs.Status + ".",
		Warnings: cs.closedWarnings(),
	}
	if in.ImpactStatus != "" {
		p.Changes = append(p.Changes, gate.Changed("impact", cs.ImpactStatus, in.ImpactStatus))
	}
	if in.Summary != "" {
		p.Changes = append(p.Changes, gate.Changed("summary", cs.Summary, in.Summary))
	}
	open, total, err := paged[*Task](ctx, c, "case-open-tasks", order{"_createdAt", Asc}, 0, 10, inCase(cs.ID, HopTasks).Where(openTasks()))
	if err != nil {
		return p, err
	}
	for _, t := range open {
		state := string(t.Status)
		if t.Mandatory {
			state += ", mandatory"
		}
		p.Warnings = append(p.Warnings, fmt.Sprintf("Task is still open (%s): %s", state, t.Title))
	}
	if more := total - len(open); more > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d more tasks are still open.", more))
	}
	return p, nil
}

// AddCaseTagsInput is the input of [Client.AddCaseTags].
type AddCaseTagsInput struct {
	CaseID string   `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Tags   []string `json:"tags" jsonschema:"Tags to add. The others stay." minItems:"1" maxItems:"100" minLength:"1" maxLength:"128"`
}

// AddCaseTags adds tags to those of a case.
//
// TheHive: PATCH /api/v1/case/{caseId}, addTags
func (c *Client) AddCaseTags(ctx context.Context, in AddCaseTagsInput) (*Case, error) {
	if len(in.Tags) == 0 || slices.Contains(in.Tags, "") {
		return nil, fmt.Errorf("%w: tags: want at least one, and none empty", ErrInvalid)
	}
	return c.updateCase(ctx, in.CaseID, wire.UpdateCase{AddTags: unique(in.Tags)})
}

func (c *Client) planAddCaseTags(ctx context.Context, in AddCaseTagsInput) (gate.Plan, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	var fresh []string
	for _, t := range unique(in.Tags) {
		if !slices.Contains(cs.Tags, t) {
			fresh = append(fresh, t)
		}
	}
	p := gate.Plan{
		Summary:  "Add tags to a case in TheHive.",
		Targets:  []gate.Target{cs.place()},
		Changes:  []gate.Change{gate.Changed("tags", strings.Join(cs.Tags, ", "), strings.Join(append(slices.Clone(cs.Tags), fresh...), ", "))},
		Undo:     "Remove the tags.",
		Warnings: cs.closedWarnings(),
	}
	if len(fresh) == 0 {
		p.Warnings = append(p.Warnings, "The case has all of these tags already.")
	}
	return p, nil
}
