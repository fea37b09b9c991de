package thehive

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// updateCase changes a case and reads it back, as TheHive answers nothing.
func (c *Client) updateCase(ctx context.Context, id string, body wire.UpdateCase) (*Case, error) {
	id, err := caseRef("caseId", id)
	if err != nil {
		return nil, err
	}
	if err := httpx.Done(c.wire.UpdateCase(ctx, id, body)); err != nil {
		return nil, c.explain(ctx, err)
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: id})
	if err != nil {
		return nil, fmt.Errorf("thehive: the case was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	var check readBack
	check.text("title", body.Title, cs.Title)
	check.pointer("description", body.Description, cs.Description)
	check.number("severity", body.Severity, int(cs.Severity))
	check.level("TLP", body.TLP, int(cs.TLP))
	check.level("PAP", body.PAP, int(cs.PAP))
	check.text("status", body.Status, cs.Status)
	check.nullable("assignee", body.Assignee, cs.Assignee)
	check.nullable("summary", body.Summary, cs.Summary)
	check.nullable("impactStatus", body.ImpactStatus, cs.ImpactStatus)
	check.flag("flag", body.Flag, cs.Flag)
	check.tags(body.Tags, body.AddTags, body.RemoveTags, cs.Tags)
	if why := fieldsDiffer(body.CustomFields, cs.CustomFields); why != "" {
		check.wrong = append(check.wrong, why)
	}
	return cs, check.err(fmt.Sprintf("case #%d", cs.Number))
}

// readBack holds what was sent against what is there afterwards.
type readBack struct{ wrong []string }

func (r *readBack) differ(field string, want, got any) {
	r.wrong = append(r.wrong, fmt.Sprintf("%s is %s afterwards and not %s", field, clip.Text(fmt.Sprintf("%q", fmt.Sprint(got)), 200), clip.Text(fmt.Sprintf("%q", fmt.Sprint(want)), 200)))
}

// text compares a text that was set, if it was.
func (r *readBack) text(field, want, got string) {
	if want != "" && strings.TrimSpace(want) != strings.TrimSpace(got) {
		r.differ(field, want, got)
	}
}

func (r *readBack) pointer(field string, want *string, got string) {
	if want != nil && strings.TrimSpace(*want) != strings.TrimSpace(got) {
		r.differ(field, *want, got)
	}
}

// nullable compares a text that may have been taken away.
func (r *readBack) nullable(field string, want json.RawMessage, got string) {
	if want == nil {
		return
	}
	var text string
	_ = json.Unmarshal(want, &text) // null is the empty text
	if strings.TrimSpace(text) != strings.TrimSpace(got) {
		r.differ(field, text, got)
	}
}

func (r *readBack) number(field string, want, got int) {
	if want != 0 && want != got {
		r.differ(field, want, got)
	}
}

func (r *readBack) level(field string, want *int, got int) {
	if want != nil && *want != got {
		r.differ(field, *want, got)
	}
}

func (r *readBack) flag(field string, want *bool, got bool) {
	if want != nil && *want != got {
		r.differ(field, *want, got)
	}
}

func (r *readBack) date(field string, want json.RawMessage, got time.Time) {
	if want == nil {
		return
	}
	var ms int64
	_ = json.Unmarshal(want, &ms) // null is 0
	if ms != jsoncodec.Milli(got) {
		r.differ(field, Date(ms), instant(got))
	}
}

// tags compares the tags that were set, added and removed.
func (r *readBack) tags(set *[]string, add, remove, got []string) {
	if set != nil {
		add = *set
		for _, t := range got {
			if !slices.Contains(*set, t) {
				r.wrong = append(r.wrong, fmt.Sprintf("the tag %q is still there", t))
			}
		}
	}
	for _, t := range add {
		if !slices.Contains(got, t) {
			r.wrong = append(r.wrong, fmt.Sprintf("the tag %q isn't there", t))
		}
	}
	for _, t := range remove {
		if slices.Contains(got, t) {
			r.wrong = append(r.wrong, fmt.Sprintf("the tag %q is still there", t))
		}
	}
}

// err says what differs in what. The change was accepted, so its outcome is unknown.
func (r *readBack) err(what string) error {
	if len(r.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("thehive: %s was changed, but not as asked: %s; %w", what, strings.Join(r.wrong, "; "), gate.ErrOutcomeUnknown)
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

// Resolution is how a closed case ended, as TheHive 4 had it. TheHive 5 says it
// with the status.
type Resolution string

// Enum lists the values for schemas.
func (Resolution) Enum() []any {
	return []any{"TruePositive", "FalsePositive", "Indeterminate", "Duplicated", "Other"}
}

// A CaseField is a field of a case that can be empty.
type CaseField string

// The fields of a case that can be empty.
const (
	CaseOwner        CaseField = "owner"
	CaseSummaryField CaseField = "summary"
	CaseImpactStatus CaseField = "impactStatus"
)

// Enum lists the values for schemas.
func (CaseField) Enum() []any { return []any{CaseOwner, CaseSummaryField, CaseImpactStatus} }

// UpdateCaseInput is the input of [Client.UpdateCase]. What is left out stays.
type UpdateCaseInput struct {
	CaseID string `json:"caseId" alias:"id"`               // the case, by its id or number
	Title  string `json:"title,omitempty" maxLength:"512"` // its title
	// Markdown.
	Description *string  `json:"description,omitempty" maxLength:"1048576"`
	Severity    Severity `json:"severity,omitempty"` // how severe it is
	TLP         *TLP     `json:"tlp,omitempty"`      // how far it may be passed on; nil stays
	PAP         *PAP     `json:"pap,omitempty"`      // what may be done with it; nil stays
	// All it shall have.
	Tags *[]string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"`
	// New, InProgress, TruePositive, FalsePositive, Indeterminate, Duplicated, Other, or one of the server's
	// own.
	Status string `json:"status,omitempty" maxLength:"64"`
	// What was found, in Markdown.
	Summary *string `json:"summary,omitempty" maxLength:"1048576"`
	// Login; empty: nobody.
	Owner        *string      `json:"owner,omitempty" alias:"assignee" maxLength:"128"`
	ImpactStatus ImpactStatus `json:"impactStatus,omitempty"` // whether there was an impact
	// The same as status.
	ResolutionStatus Resolution `json:"resolutionStatus,omitempty"`
	Flag             *bool      `json:"flag,omitempty"` // whether it is flagged; nil stays
	// By name; an array for several, null for none. The others stay.
	CustomFields map[string]json.RawMessage `json:"customFields,omitempty"`
	// Fields to empty.
	Clear []CaseField `json:"clear,omitempty" maxItems:"3"`
	// Refuse if its _updatedAt is another.
	IfUpdatedAt *Date `json:"ifUpdatedAt,omitempty"`
}

// Validate refuses an update of nothing, two statuses, and a field that is set
// and emptied.
func (in *UpdateCaseInput) Validate() error {
	if in.ResolutionStatus != "" && in.Status != "" && string(in.ResolutionStatus) != in.Status {
		return fmt.Errorf("%w: status and resolutionStatus: TheHive 5 has one of them; %s and %s differ", ErrInvalid, in.Status, in.ResolutionStatus)
	}
	for field, set := range map[CaseField]bool{CaseOwner: in.Owner != nil && *in.Owner != "", CaseSummaryField: in.Summary != nil, CaseImpactStatus: in.ImpactStatus != ""} {
		if set && slices.Contains(in.Clear, field) {
			return fmt.Errorf("%w: clear: %s is set, too", ErrInvalid, field)
		}
	}
	if in.Title == "" && in.Description == nil && in.Severity == 0 && in.TLP == nil && in.PAP == nil && in.Tags == nil && in.Status == "" &&
		in.Summary == nil && in.Owner == nil && in.ImpactStatus == "" && in.ResolutionStatus == "" && in.Flag == nil && len(in.CustomFields)+len(in.Clear) == 0 {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return checkUpdatedAt(in.IfUpdatedAt)
}

func checkUpdatedAt(d *Date) error {
	if d == nil {
		return nil
	}
	return d.checkFixed("ifUpdatedAt")
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
func unchanged(want *Date, have time.Time, by string) error {
	if want == nil || int64(*want) == jsoncodec.Milli(have) {
		return nil
	}
	return fmt.Errorf("%w: it was changed by %s at %s (_updatedAt %d), after what ifUpdatedAt supposes; look at it again", ErrConflict, by, instant(have), jsoncodec.Milli(have))
}

// null empties a field.
var null = json.RawMessage("null")

// text is what sets a field that can be empty: nil leaves it, empty text and
// clear empty it.
func text(value *string, clear bool) json.RawMessage {
	switch {
	case clear || value != nil && *value == "":
		return null
	case value == nil:
		return nil
	}
	b, err := json.Marshal(*value)
	if err != nil {
		panic(fmt.Sprintf("thehive: a string: %v", err))
	}
	return b
}

// UpdateCase changes fields of a case. A status that closes it ends its open
// tasks for good; Notes of the answer tells what became of them.
//
// TheHive: GET and PATCH /api/v1/case/{caseId}; POST /api/v1/query, getCase with tasks, where it is closed
func (c *Client) UpdateCase(ctx context.Context, in UpdateCaseInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	cs, err := in.check(ctx, c)
	if err != nil {
		return nil, err
	}
	body := wire.UpdateCase{
		Title: in.Title, Description: in.Description, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP),
		Tags: set(in.Tags), Status: in.status(), Flag: in.Flag,
		Summary:      text(in.Summary, slices.Contains(in.Clear, CaseSummaryField)),
		Assignee:     text(in.Owner, slices.Contains(in.Clear, CaseOwner)),
		ImpactStatus: text(notEmpty(string(in.ImpactStatus)), slices.Contains(in.Clear, CaseImpactStatus)),
	}
	if body.CustomFields, err = c.withFields(ctx, cs.CustomFields, in.CustomFields); err != nil {
		return nil, err
	}
	return c.changeCase(ctx, cs, body)
}

// changeCase changes cs; if that closes it, the answer tells of its tasks.
func (c *Client) changeCase(ctx context.Context, cs *Case, body wire.UpdateCase) (*Case, error) {
	open, err := c.endedBy(ctx, body.Status, cs)
	if err != nil {
		return nil, err
	}
	after, err := c.updateCase(ctx, cs.ID, body)
	if err != nil || len(open) == 0 {
		return after, err
	}
	after.Notes = c.endedTasks(ctx, open)
	return after, nil
}

// maxEnded bounds the open tasks that are told by name.
const maxEnded = 100

// endedBy returns the open tasks of the cases that a status closes, at most 100
// in all; none if it doesn't close them.
func (c *Client) endedBy(ctx context.Context, status string, cases ...*Case) ([]*Task, error) {
	if status == "" {
		return nil, nil
	}
	stage, err := c.stage(ctx, KindCaseStatus, status)
	if err != nil || stage != StageClosed {
		return nil, err
	}
	var which []Filter
	for _, cs := range cases {
		if cs.Stage != StageClosed {
			which = append(which, ID(cs.ID))
		}
	}
	switch len(which) {
	case 0:
		return nil, nil
	case 1:
		q := inCase(cases[slices.IndexFunc(cases, func(cs *Case) bool { return cs.Stage != StageClosed })].ID, HopTasks)
		return rows[*Task](ctx, c, "open-tasks", q.Where(openTasks()).Sort("_createdAt", Asc).Page(0, maxEnded))
	}
	return rows[*Task](ctx, c, "open-tasks", All(KindCase).Where(Or(which...)).To(HopTasks).Where(openTasks()).Sort("_createdAt", Asc).Page(0, maxEnded))
}

// closingWarnings tells what closing does to tasks, for a plan.
func closingWarnings(open []*Task) []string {
	if len(open) == 0 {
		return nil
	}
	more := ""
	if len(open) == maxEnded {
		more = "at least "
	}
	w := []string{fmt.Sprintf("Closing ends %s%s for good: what nobody began is cancelled, what was begun counts as completed. Reopening doesn't bring them back.", more, counted(len(open), "open task"))}
	for _, t := range open {
		state := string(t.Status)
		if t.Mandatory {
			state += ", mandatory"
		}
		w = append(w, fmt.Sprintf("Ended for good: %s (%s)", t.Title, state))
	}
	return w
}

// endedTasks tells what became of tasks that were open.
func (c *Client) endedTasks(ctx context.Context, open []*Task) []string {
	var which []Filter
	for _, t := range open {
		which = append(which, ID(t.ID))
	}
	after, err := rows[*Task](context.WithoutCancel(ctx), c, "ended-tasks", All(KindTask).Where(Or(which...)).Page(0, len(open)))
	if err != nil {
		return []string{"What became of the open tasks can't be told: " + err.Error()}
	}
	status := map[string]TaskStatus{}
	for _, t := range after {
		status[t.ID] = t.Status
	}
	var notes []string
	for _, t := range open {
		now, ok := status[t.ID]
		switch {
		case !ok:
			notes = append(notes, fmt.Sprintf("Task %s (%s): can't be read any more.", t.Title, t.ID))
		case now == t.Status:
			notes = append(notes, fmt.Sprintf("Task %s (%s): still %s.", t.Title, t.ID, now))
		default:
			notes = append(notes, fmt.Sprintf("Task %s (%s): was %s and is %s now.", t.Title, t.ID, t.Status, now))
		}
	}
	return notes
}

// reopenWarning tells of the right that opening something again needs.
func (c *Client) reopenWarning(ctx context.Context, right string) string {
	u, err := c.GetCurrentUser(ctx, GetCurrentUserInput{})
	if err == nil && len(u.Permissions) > 0 && !slices.Contains(u.Permissions, right) {
		return fmt.Sprintf("This needs the permission %s, which %s doesn't have.", right, u.Login)
	}
	return fmt.Sprintf("This needs the permission %s.", right)
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
	if _, err := c.withFields(ctx, cs.CustomFields, in.CustomFields); err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkUser(ctx, "owner", deref(in.Owner)); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Change a case in TheHive.", Targets: []gate.Target{cs.target()}, Undo: "Set the fields back (thehive_update_case)."}
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
	d.emptied("summary", cs.Summary, in.Summary, slices.Contains(in.Clear, CaseSummaryField))
	d.emptied("assignee", cs.Assignee, in.Owner, slices.Contains(in.Clear, CaseOwner))
	d.emptied("impact", cs.ImpactStatus, notEmpty(string(in.ImpactStatus)), slices.Contains(in.Clear, CaseImpactStatus))
	if in.Flag != nil {
		d.add("flag", cs.Flag, *in.Flag)
	}
	d.custom(cs.CustomFields, in.CustomFields)
	return p, c.planStatus(ctx, &p, in.status(), cs)
}

// planStatus adds to a plan what a status brings about by itself.
func (c *Client) planStatus(ctx context.Context, p *gate.Plan, status string, cs *Case) error {
	if status == "" {
		p.Warnings = append(p.Warnings, cs.closedWarnings()...)
		return nil
	}
	stage, err := c.stage(ctx, KindCaseStatus, status)
	if err != nil {
		return err
	}
	switch {
	case stage == StageClosed && cs.Stage != StageClosed:
		open, err := c.endedBy(ctx, status, cs)
		if err != nil {
			return err
		}
		p.Warnings = append(p.Warnings, closingWarnings(open)...)
		for _, name := range c.missingMandatory(ctx, cs.CustomFields) {
			p.Warnings = append(p.Warnings, fmt.Sprintf("The mandatory custom field %s has no value: TheHive may refuse to close the case.", name))
		}
		p.Undo = "The case can be opened again (thehive_update_case), which needs the permission manageCase/reopen."
		if len(open) > 0 {
			p.Undo += " Its tasks stay ended."
		}
	case stage != StageClosed && cs.Stage == StageClosed:
		p.Warnings = append(p.Warnings, "The case is closed and is opened again: tasks that ended with it stay ended.", c.reopenWarning(ctx, "manageCase/reopen"))
	default:
		p.Warnings = append(p.Warnings, cs.closedWarnings()...)
	}
	return nil
}

// diff collects the changes of a plan.
type diff struct{ changes *[]gate.Change }

//go:noinline // its many callers would have a copy each
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

// emptied adds a change to a text that may become empty.
func (d diff) emptied(field, before string, after *string, clear bool) {
	if clear {
		after = new(string)
	}
	d.optional(field, before, after)
}

// custom adds the changes of custom fields, by name.
func (d diff) custom(before []json.RawMessage, after map[string]json.RawMessage) {
	have := byField(before)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		d.add("custom field "+name, strings.Join(have[name], ", "), shownValues(several(after[name])))
	}
}

// AssignCaseInput is the input of [Client.AssignCase].
type AssignCaseInput struct {
	CaseID string `json:"caseId" alias:"id"`                                    // the case, by its id or number
	Owner  string `json:"owner" alias:"assignee" minLength:"1" maxLength:"128"` // the login of whom it is assigned to
}

// AssignCase gives a case to a user. [Client.UpdateCase] takes it from everybody.
//
// TheHive: PATCH /api/v1/case/{caseId}, assignee
func (c *Client) AssignCase(ctx context.Context, in AssignCaseInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if in.Owner == "" {
		return nil, fmt.Errorf("%w: owner: is empty", ErrInvalid)
	}
	return c.updateCase(ctx, in.CaseID, wire.UpdateCase{Assignee: text(&in.Owner, false)})
}

func (c *Client) planAssignCase(ctx context.Context, in AssignCaseInput) (gate.Plan, error) {
	return c.planUpdateCase(ctx, UpdateCaseInput{CaseID: in.CaseID, Owner: &in.Owner})
}

// AddCaseTagsInput is the input of [Client.AddCaseTags].
type AddCaseTagsInput struct {
	CaseID string   `json:"caseId" alias:"id"`                                              // the case, by its id or number
	Tags   []string `json:"tags" minItems:"1" maxItems:"100" minLength:"1" maxLength:"128"` // the tags to add
}

// AddCaseTags adds tags to those of a case.
//
// TheHive: PATCH /api/v1/case/{caseId}, addTags
func (c *Client) AddCaseTags(ctx context.Context, in AddCaseTagsInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return c.updateCase(ctx, in.CaseID, wire.UpdateCase{AddTags: unique(in.Tags)})
}

func checkTags(tags []string) error {
	if len(tags) == 0 || slices.Contains(tags, "") {
		return fmt.Errorf("%w: tags: want at least one, and none empty", ErrInvalid)
	}
	return nil
}

func (c *Client) planAddCaseTags(ctx context.Context, in AddCaseTagsInput) (gate.Plan, error) {
	if err := checkTags(in.Tags); err != nil {
		return gate.Plan{}, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  "Add tags to a case in TheHive.",
		Targets:  []gate.Target{cs.place()},
		Changes:  []gate.Change{gate.Changed("tags", strings.Join(cs.Tags, ", "), strings.Join(unique(slices.Concat(cs.Tags, in.Tags)), ", "))},
		Undo:     "Remove the tags (thehive_remove_case_tags).",
		Warnings: cs.closedWarnings(),
	}
	if len(unique(slices.Concat(cs.Tags, in.Tags))) == len(cs.Tags) {
		p.Warnings = append(p.Warnings, "The case has all of these tags already.")
	}
	return p, nil
}

// RemoveCaseTagsInput is the input of [Client.RemoveCaseTags].
type RemoveCaseTagsInput struct {
	CaseID string   `json:"caseId" alias:"id"`                                              // the case, by its id or number
	Tags   []string `json:"tags" minItems:"1" maxItems:"100" minLength:"1" maxLength:"128"` // the tags to take away
}

// RemoveCaseTags takes tags from a case.
//
// TheHive: PATCH /api/v1/case/{caseId}, removeTags
func (c *Client) RemoveCaseTags(ctx context.Context, in RemoveCaseTagsInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return c.updateCase(ctx, in.CaseID, wire.UpdateCase{RemoveTags: unique(in.Tags)})
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
		Undo:     "Add the tags again (thehive_add_case_tags).",
		Warnings: cs.closedWarnings(),
	}
	if len(left) == len(cs.Tags) {
		p.Warnings = append(p.Warnings, "The case has none of these tags.")
	}
	return p, nil
}

// SetCaseFlagInput is the input of [Client.SetCaseFlag].
type SetCaseFlagInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	Flag   bool   `json:"flag"`              // whether it is flagged
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
