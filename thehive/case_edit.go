package thehive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// Resolution is how a closed case ended, as TheHive 4 had it. TheHive 5 says it
// with the status.
type Resolution string

// Enum lists the values for schemas.
func (Resolution) Enum() []any {
	return []any{"TruePositive", "FalsePositive", "Indeterminate", "Duplicated", "Other"}
}

// UpdateCaseInput is the input of [Client.UpdateCase]. What is left out stays.
type UpdateCaseInput struct {
	CaseID           string                     `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Title            string                     `json:"title,omitempty" jsonschema:"One-line summary." maxLength:"512"`
	Description      *string                    `json:"description,omitempty" jsonschema:"Markdown." maxLength:"1048576"`
	Severity         Severity                   `json:"severity,omitempty" jsonschema:"Impact: 1 low, 2 medium, 3 high, 4 critical."`
	TLP              *TLP                       `json:"tlp,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 AMBER+STRICT, 4 RED."`
	PAP              *PAP                       `json:"pap,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 RED."`
	Tags             *[]string                  `json:"tags,omitempty" jsonschema:"All tags that it shall have; the others go. To add or remove some use the tools for that." maxItems:"100" minLength:"1" maxLength:"128"`
	Status           string                     `json:"status,omitempty" jsonschema:"New, InProgress, TruePositive, FalsePositive, Indeterminate, Duplicated, Other, or one of the server's own." maxLength:"64"`
	Summary          *string                    `json:"summary,omitempty" jsonschema:"What was found, in Markdown." maxLength:"1048576"`
	Owner            string                     `json:"owner,omitempty" jsonschema:"Login of the user to assign it to." alias:"assignee" maxLength:"128"`
	ImpactStatus     ImpactStatus               `json:"impactStatus,omitempty" jsonschema:"Whether the incident did harm."`
	ResolutionStatus Resolution                 `json:"resolutionStatus,omitempty" jsonschema:"The same as status, which says in TheHive 5 how a case was resolved."`
	Flag             *bool                      `json:"flag,omitempty" jsonschema:"Whether it is flagged."`
	CustomFields     map[string]json.RawMessage `json:"customFields,omitempty" jsonschema:"Values of custom fields, by name. The others stay."`
	IfUpdatedAt      *int64                     `json:"ifUpdatedAt,omitempty" jsonschema:"Refuse unless this is still the _updatedAt of the case (0: never updated)." minimum:"0"`
}

// Validate refuses an update of nothing, and two statuses.
func (in *UpdateCaseInput) Validate() error {
	if in.ResolutionStatus != "" && in.Status != "" && string(in.ResolutionStatus) != in.Status {
		return fmt.Errorf("%w: status and resolutionStatus: TheHive 5 has one of them; %s and %s differ", ErrInvalid, in.Status, in.ResolutionStatus)
	}
	if in.Title == "" && in.Description == nil && in.Severity == 0 && in.TLP == nil && in.PAP == nil && in.Tags == nil && in.Status == "" &&
		in.Summary == nil && in.Owner == "" && in.ImpactStatus == "" && in.ResolutionStatus == "" && in.Flag == nil && len(in.CustomFields) == 0 {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return nil
}

// status is the one to set, if any.
func (in *UpdateCaseInput) status() string {
	if in.Status == "" {
		return string(in.ResolutionStatus)
	}
	return in.Status
}

// check refuses in if the case, or the server, isn't as it supposes.
func (in *UpdateCaseInput) check(ctx context.Context, c *Client) (*Case, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if err := c.settable(ctx, KindCaseStatus, in.status()); err != nil {
		return nil, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, err
	}
	return cs, unchanged(in.IfUpdatedAt, cs.UpdatedAt, cs.UpdatedBy)
}

// unchanged refuses a change of what somebody else changed since want.
func unchanged(want *int64, have int64, by string) error {
	if want == nil || *want == have {
		return nil
	}
	return fmt.Errorf("%w: it was changed by %s at %s (_updatedAt %d), after what ifUpdatedAt supposes; look at it again", ErrConflict, by, instant(have), have)
}

// UpdateCase changes fields of a case.
//
// TheHive: GET and PATCH /api/v1/case/{caseId}
func (c *Client) UpdateCase(ctx context.Context, in UpdateCaseInput) (*Case, error) {
	if _, err := in.check(ctx, c); err != nil {
		return nil, err
	}
	return c.updateCase(ctx, in.CaseID, wire.UpdateCase{
		Title: in.Title, Description: in.Description, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP),
		Tags: set(in.Tags), Status: in.status(), Summary: in.Summary, Assignee: in.Owner, ImpactStatus: string(in.ImpactStatus),
		Flag: in.Flag, CustomFields: in.CustomFields,
	})
}

// set returns tags without repetitions, never null.
func set(tags *[]string) *[]string {
	if tags == nil {
		return nil
	}
	list := append([]string{}, unique(*tags)...)
	return &list
}

func (c *Client) planUpdateCase(ctx context.Context, in UpdateCaseInput) (gate.Plan, error) {
	cs, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Change a case in TheHive.", Targets: []gate.Target{cs.target()}, Undo: "Set the fields back.", Warnings: cs.closedWarnings()}
	d := diff{&p.Changes}
	d.text("title", cs.Title, in.Title)
	d.optional("description", cs.Description, in.Description)
	if in.Severity != 0 {
		d.add("severity", cs.Severity, in.Severity)
	}
	if in.TLP != nil {
		d.add("TLP", cs.TLP, *in.TLP)
	}
	if in.PAP != nil {
		d.add("PAP", cs.PAP, *in.PAP)
	}
	if in.Tags != nil {
		d.add("tags", strings.Join(cs.Tags, ", "), strings.Join(unique(*in.Tags), ", "))
	}
	d.text("status", cs.Status, in.status())
	d.optional("summary", cs.Summary, in.Summary)
	d.text("assignee", cs.Assignee, in.Owner)
	d.text("impact", cs.ImpactStatus, string(in.ImpactStatus))
	if in.Flag != nil {
		d.add("flag", cs.Flag, *in.Flag)
	}
	d.custom(cs.CustomFields, in.CustomFields)
	return p, nil
}

// diff collects the changes of a plan.
type diff struct{ changes *[]gate.Change }

func (d diff) add(field string, before, after any) {
	*d.changes = append(*d.changes, gate.Changed(field, before, after))
}

// text adds a change to a text that can't become empty.
func (d diff) text(field, before, after string) {
	if after != "" {
		d.add(field, before, after)
	}
}

func (d diff) optional(field, before string, after *string) {
	if after != nil {
		d.add(field, before, *after)
	}
}

// custom adds the changes of custom fields, by name.
func (d diff) custom(before []json.RawMessage, after map[string]json.RawMessage) {
	have := map[string]string{}
	for _, b := range before {
		var f struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		}
		if json.Unmarshal(b, &f) == nil {
			have[f.Name] = string(f.Value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		d.add("custom field "+name, have[name], string(after[name]))
	}
}

// AssignCaseInput is the input of [Client.AssignCase].
type AssignCaseInput struct {
	CaseID string `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Owner  string `json:"owner" jsonschema:"Login of the user to assign it to." alias:"assignee" minLength:"1" maxLength:"128"`
}

// AssignCase gives a case to a user.
//
// TheHive: PATCH /api/v1/case/{caseId}, assignee
func (c *Client) AssignCase(ctx context.Context, in AssignCaseInput) (*Case, error) {
	if in.Owner == "" {
		return nil, fmt.Errorf("%w: owner: is empty", ErrInvalid)
	}
	cs, err := c.updateCase(ctx, in.CaseID, wire.UpdateCase{Assignee: in.Owner})
	if err != nil {
		return nil, err
	}
	if cs.Assignee != in.Owner {
		return nil, fmt.Errorf("thehive: case #%d is assigned to %q afterwards and not to %q; %w", cs.Number, cs.Assignee, in.Owner, gate.ErrOutcomeUnknown)
	}
	return cs, nil
}

func (c *Client) planAssignCase(ctx context.Context, in AssignCaseInput) (gate.Plan, error) {
	return c.planUpdateCase(ctx, UpdateCaseInput{CaseID: in.CaseID, Owner: in.Owner})
}

// UpdateCaseCustomFieldsInput is the input of [Client.UpdateCaseCustomFields].
type UpdateCaseCustomFieldsInput struct {
	CaseID       string                     `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	CustomFields map[string]json.RawMessage `json:"customFields" jsonschema:"Values by name. The other fields stay."`
}

// Validate refuses an update of nothing.
func (in *UpdateCaseCustomFieldsInput) Validate() error {
	if len(in.CustomFields) == 0 {
		return fmt.Errorf("%w: customFields: want at least one", ErrInvalid)
	}
	return nil
}

// UpdateCaseCustomFields sets custom fields of a case and leaves the others.
//
// TheHive: PATCH /api/v1/case/{caseId}, customFields
func (c *Client) UpdateCaseCustomFields(ctx context.Context, in UpdateCaseCustomFieldsInput) (*Case, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	return c.updateCase(ctx, in.CaseID, wire.UpdateCase{CustomFields: in.CustomFields})
}

func (c *Client) planUpdateCaseCustomFields(ctx context.Context, in UpdateCaseCustomFieldsInput) (gate.Plan, error) {
	if err := in.Validate(); err != nil {
		return gate.Plan{}, err
	}
	return c.planUpdateCase(ctx, UpdateCaseInput{CaseID: in.CaseID, CustomFields: in.CustomFields})
}

// RemoveCaseTagsInput is the input of [Client.RemoveCaseTags].
type RemoveCaseTagsInput struct {
	CaseID string   `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Tags   []string `json:"tags" jsonschema:"Tags to remove. The others stay." minItems:"1" maxItems:"100" minLength:"1" maxLength:"128"`
}

// RemoveCaseTags takes tags from a case.
//
// TheHive: PATCH /api/v1/case/{caseId}, removeTags
func (c *Client) RemoveCaseTags(ctx context.Context, in RemoveCaseTagsInput) (*Case, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return c.updateCase(ctx, in.CaseID, wire.UpdateCase{RemoveTags: unique(in.Tags)})
}

func checkTags(tags []string) error {
	if len(tags) == 0 || slices.Contains(tags, "") {
		return fmt.Errorf("%w: tags: want at least one, and none empty", ErrInvalid)
	}
	return nil
}

func (c *Client) planRemoveCaseTags(ctx context.Context, in RemoveCaseTagsInput) (gate.Plan, error) {
	if err := checkTags(in.Tags); err != nil {
		return gate.Plan{}, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	left := slices.DeleteFunc(slices.Clone(cs.Tags), func(t string) bool { return slices.Contains(in.Tags, t) })
	p := gate.Plan{
		Summary:  "Remove tags from a case in TheHive.",
		Targets:  []gate.Target{cs.place()},
		Changes:  []gate.Change{gate.Changed("tags", strings.Join(cs.Tags, ", "), strings.Join(left, ", "))},
		Undo:     "Add the tags again.",
		Warnings: cs.closedWarnings(),
	}
	if len(left) == len(cs.Tags) {
		p.Warnings = append(p.Warnings, "The case has none of these tags.")
	}
	return p, nil
}

// SetCaseFlagInput is the input of [Client.SetCaseFlag].
type SetCaseFlagInput struct {
	CaseID string `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Flag   bool   `json:"flag" jsonschema:"Whether it is flagged."`
}

// SetCaseFlag flags a case, or takes its flag.
//
// TheHive: PATCH /api/v1/case/{caseId}, flag
func (c *Client) SetCaseFlag(ctx context.Context, in SetCaseFlagInput) (*Case, error) {
	return c.updateCase(ctx, in.CaseID, wire.UpdateCase{Flag: &in.Flag})
}

func (c *Client) planSetCaseFlag(ctx context.Context, in SetCaseFlagInput) (gate.Plan, error) {
	return c.planUpdateCase(ctx, UpdateCaseInput{CaseID: in.CaseID, Flag: &in.Flag})
}

// MergeCasesInput is the input of [Client.MergeCases].
type MergeCasesInput struct {
	CaseIDs []string `json:"caseIds" jsonschema:"Ids or numbers of the cases, which are gone afterwards." alias:"ids" minItems:"2" maxItems:"50"`
}

// Validate refuses what isn't several cases.
func (in *MergeCasesInput) Validate() error {
	if len(unique(in.CaseIDs)) != len(in.CaseIDs) || len(in.CaseIDs) < 2 {
		return fmt.Errorf("%w: caseIds: want at least two, and none twice", ErrInvalid)
	}
	return nil
}

// MergeCases makes one new case of several, which disappear. Nobody can undo it.
//
// TheHive: POST /api/v1/case/_merge/{ids}
func (c *Client) MergeCases(ctx context.Context, in MergeCasesInput) (*Case, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	return entity[Case](c.wire.MergeCases(ctx, strings.Join(in.CaseIDs, ",")))
}

func (c *Client) planMergeCases(ctx context.Context, in MergeCasesInput) (gate.Plan, error) {
	if err := in.Validate(); err != nil {
		return gate.Plan{}, err
	}
	cases, err := c.casesByID(ctx, in.CaseIDs)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: fmt.Sprintf("Merge %d cases in TheHive into a new one. They are gone afterwards.", len(cases))}
	seen := map[string]bool{}
	for _, cs := range cases {
		if seen[cs.ID] {
			return p, fmt.Errorf("%w: caseIds: names case #%d twice", ErrInvalid, cs.Number)
		}
		seen[cs.ID] = true
		p.Targets = append(p.Targets, cs.target())
		for _, w := range cs.closedWarnings() {
			p.Warnings = append(p.Warnings, fmt.Sprintf("#%d: %s", cs.Number, w))
		}
	}
	return p, nil
}

// casesByID returns the cases with those ids or numbers, in their order, by one
// query. All must be there.
func (c *Client) casesByID(ctx context.Context, ids []string) ([]*Case, error) {
	var which []Filter
	for _, id := range ids {
		number, ok := caseNumber(id)
		switch {
		case ok:
			which = append(which, Eq("number", number))
		case strings.HasPrefix(id, "~"):
			which = append(which, ID(id))
		default:
			return nil, fmt.Errorf("%w: caseIds: %q is neither an id (~4096) nor a number", ErrInvalid, id)
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
	var missing []string
	for i, id := range ids {
		if list[i] = byID[id]; list[i] == nil {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		err := &Error{Refusal: connect.Refusal{System: "thehive", Op: "query", Status: 404, Message: "Case not found"}, Code: "NotFoundError", Detail: strings.Join(missing, ", ")}
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
