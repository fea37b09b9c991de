package thehive

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A CaseTemplate is what a new case can begin with.
type CaseTemplate struct {
	ID string `json:"_id"` // its id
	// The name to open a case with.
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName"`           // the name that people see
	TitlePrefix string   `json:"titlePrefix,omitempty"` // what titles of its cases begin with
	Description string   `json:"description,omitempty"` // the description that its cases get
	Severity    Severity `json:"severity,omitempty"`    // how severe it is
	TLP         *TLP     `json:"tlp,omitempty"`         // how far it may be passed on
	PAP         *PAP     `json:"pap,omitempty"`         // what may be done with it
	Tags        []string `json:"tags,omitempty"`        // its tags
	Flag        bool     `json:"flag,omitempty"`        // whether it is flagged
	// The tasks that a case gets from it.
	Tasks []*Task `json:"tasks,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" quiet:"_type,newDate"`
}

// ListCaseTemplatesInput is the input of [Client.ListCaseTemplates].
type ListCaseTemplatesInput struct {
	Offset int `json:"offset,omitempty" minimum:"0"`                            // how many to skip
	Limit  int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"100"` // how many to return at most
}

// A CaseTemplatePage is one page of case templates.
type CaseTemplatePage struct {
	Templates []*CaseTemplate `json:"templates"` // the templates
	// How many there are in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are templates behind this page.
	More bool `json:"more"`
}

// ListCaseTemplates returns one page of the case templates, by name.
//
// TheHive: POST /api/v1/query, listCaseTemplate
func (c *Client) ListCaseTemplates(ctx context.Context, in ListCaseTemplatesInput) (*CaseTemplatePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	got, total, err := paged[*CaseTemplate](ctx, c, "case-templates", order{"name", Asc}, in.Offset, in.Limit, All(KindCaseTemplate))
	if err != nil {
		return nil, err
	}
	return &CaseTemplatePage{Templates: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// CaseTemplates returns an iterator over every case template, the last made first, from
// in.Offset on; each is yielded once, also when some come or go on the way. A page of
// requests has in.Limit of them; left out: 500.
func (c *Client) CaseTemplates(ctx context.Context, in ListCaseTemplatesInput) iter.Seq2[*CaseTemplate, error] {
	return unstamped(everything(ctx, c, "case-templates", in, func(context.Context, ListCaseTemplatesInput) (Query, func(*stamped[CaseTemplate]) bool, error) {
		return All(KindCaseTemplate), nil, nil
	}))
}

// ApplyCaseTemplateInput is the input of [Client.ApplyCaseTemplate].
type ApplyCaseTemplateInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	// Its name.
	Template       string `json:"template" alias:"caseTemplate" minLength:"1" maxLength:"128"`
	UpdateTags     bool   `json:"updateTags,omitempty"`     // take the template's tags too
	UpdateSeverity bool   `json:"updateSeverity,omitempty"` // take the template's severity too
	UpdateTLP      bool   `json:"updateTlp,omitempty"`      // take the template's TLP too
	UpdatePAP      bool   `json:"updatePap,omitempty"`      // take the template's PAP too
}

// template finds a case template by its name.
func (c *Client) template(ctx context.Context, name string) (*CaseTemplate, error) {
	got, err := rows[*CaseTemplate](ctx, c, "case-template", All(KindCaseTemplate).Where(Eq("name", name)).Page(0, 1))
	if err != nil {
		return nil, err
	}
	if len(got) > 0 {
		return got[0], nil
	}
	all, err := rows[*CaseTemplate](ctx, c, "case-templates", All(KindCaseTemplate).Sort("name", Asc).Page(0, maxValues))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	return nil, fmt.Errorf("%w: template: there is none named %q; there are: %s", ErrInvalid, clip.Text(name, 80), orNone(names))
}

// ApplyCaseTemplate gives a case the tasks of a template, and counts what it got:
// TheHive leaves out tasks that it doesn't find without a word. Some servers know
// the tasks by their titles and some by their ids, so that the ids are tried when
// the titles brought none. That no task came is an error.
//
// TheHive: POST /api/v1/case/_bulk/caseTemplate; POST /api/v1/query, getCase with tasks
func (c *Client) ApplyCaseTemplate(ctx context.Context, in ApplyCaseTemplateInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	t, err := c.template(ctx, in.Template)
	if err != nil {
		return nil, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, err
	}
	var titles, ids []string
	for _, task := range t.Tasks {
		titles, ids = append(titles, task.Title), append(ids, task.ID)
	}
	before, err := c.taskTitles(ctx, cs.ID)
	if err != nil {
		return nil, err
	}
	body := wire.ApplyCaseTemplate{Ids: []string{cs.ID}, CaseTemplate: t.Name, UpdateTags: in.UpdateTags, UpdateSeverity: in.UpdateSeverity,
		UpdateTLP: in.UpdateTLP, UpdatePAP: in.UpdatePAP, ImportTasks: unique(titles)}
	var added []string
	for _, tasks := range [][]string{body.ImportTasks, ids} {
		body.ImportTasks = tasks
		if err := httpx.Done(c.wire.ApplyCaseTemplate(ctx, body)); err != nil {
			return nil, err
		}
		after, err := c.taskTitles(ctx, cs.ID)
		if err != nil {
			return nil, fmt.Errorf("thehive: the template was applied, but the case's tasks can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
		}
		if added = gained(before, after); len(added) > 0 || len(titles) == 0 {
			break
		}
	}
	if len(titles) > 0 && len(added) == 0 {
		return nil, fmt.Errorf("thehive: the template was applied, and the case got none of its tasks (%s); %w", strings.Join(titles, ", "), gate.ErrOutcomeUnknown)
	}
	after, err := c.GetCase(ctx, GetCaseInput{CaseID: cs.ID})
	if err != nil {
		return nil, fmt.Errorf("thehive: the template was applied, but the case can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	after.Notes = append(after.Notes, fmt.Sprintf("The case got %d of the template's %s: %s.", len(added), counted(len(titles), "task"), orNone(added)))
	return after, nil
}

// taskTitles counts the tasks of a case by their titles.
func (c *Client) taskTitles(ctx context.Context, caseID string) (map[string]int, error) {
	titles := map[string]int{}
	for t, err := range walk[*Task](ctx, c, "case-tasks", 0, inCase(caseID, HopTasks)) {
		if err != nil {
			return nil, err
		}
		titles[t.Title]++
	}
	return titles, nil
}

// gained are the titles of which there are more after than before.
func gained(before, after map[string]int) (added []string) {
	for _, title := range sortedKeys(after) {
		for range after[title] - before[title] {
			added = append(added, title)
		}
	}
	return added
}

func (c *Client) planApplyCaseTemplate(ctx context.Context, in ApplyCaseTemplateInput) (gate.Plan, error) {
	t, err := c.template(ctx, in.Template)
	if err != nil {
		return gate.Plan{}, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Apply a template to a case in TheHive.", Targets: []gate.Target{cs.target()},
		Changes: []gate.Change{gate.Set("template", t.Name)}, Undo: "Cancel the tasks (thehive_update_task) or delete them (thehive_delete_part); set tags, severity and markings back.", Warnings: cs.closedWarnings(),
	}
	for _, task := range t.Tasks {
		p.Changes = append(p.Changes, gate.Set("task added", task.Title))
	}
	if in.UpdateTags {
		for _, tag := range t.Tags {
			p.Changes = append(p.Changes, gate.Set("tag added", tag))
		}
	}
	if in.UpdateSeverity {
		p.Changes = append(p.Changes, gate.Changed("severity", cs.Severity, t.Severity))
	}
	if in.UpdateTLP && t.TLP != nil {
		p.Changes = append(p.Changes, gate.Changed("TLP", cs.TLP, *t.TLP))
	}
	if in.UpdatePAP && t.PAP != nil {
		p.Changes = append(p.Changes, gate.Changed("PAP", cs.PAP, *t.PAP))
	}
	if p.Count = len(t.Tasks); p.Count == 0 {
		p.Warnings = append(p.Warnings, "The template has no tasks.")
	}
	return p, nil
}
