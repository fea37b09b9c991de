package thehive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// PromoteAlertInput is the input of [Client.PromoteAlert]. What is left out is
// taken from the alert.
type PromoteAlertInput struct {
	// Or type;source;sourceRef.
	AlertID string `json:"alertId" alias:"id"`
	// Its name.
	CaseTemplate string `json:"caseTemplate,omitempty" alias:"template" maxLength:"128"`
	// Of the case.
	Title    string   `json:"title,omitempty" maxLength:"512"`
	Severity Severity `json:"severity,omitempty"` // the case's severity; default: the alert's
	TLP      *TLP     `json:"tlp,omitempty"`      // how far it may be passed on; nil: the default
	PAP      *PAP     `json:"pap,omitempty"`      // what may be done with it; nil: the default
	// Beside the template's. Default: the alert's.
	Tags []string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"`
	// Default: New.
	Status   string `json:"status,omitempty" maxLength:"64"`
	Assignee string `json:"assignee,omitempty" alias:"owner" maxLength:"128"` // the login of whom it is assigned to
}

// check returns the alert, which must be in no case, and the tags to send: those
// of the template with the others, which TheHive doesn't unite since 5.7.1.
func (in *PromoteAlertInput) check(ctx context.Context, c *Client) (*Alert, []string, error) {
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(a.mustBeFree(), c.settable(ctx, KindCaseStatus, in.Status)); err != nil {
		return nil, nil, err
	}
	tags := in.Tags
	template := in.CaseTemplate
	if template == "" {
		template = a.CaseTemplate
	}
	if len(tags) == 0 && template != "" {
		tags = a.Tags
	}
	tags, err = c.withTemplateTags(ctx, template, tags)
	return a, tags, err
}

// mustBeFree refuses an alert that is in a case.
func (a *Alert) mustBeFree() error {
	if a.CaseID == "" {
		return nil
	}
	return fmt.Errorf("%w: alert %s is in case %s already; nothing was made", ErrInvalid, a.ID, a.CaseID)
}

// PromoteAlert opens a case from an alert, with all that is in it.
//
// TheHive: POST /api/v1/alert/{alertId}/case
func (c *Client) PromoteAlert(ctx context.Context, in PromoteAlertInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	a, tags, err := in.check(ctx, c)
	if err != nil {
		return nil, err
	}
	cs, err := entity[Case](c.wire.PromoteAlert(ctx, a.ID, wire.PromoteAlert{
		CaseTemplate: in.CaseTemplate, Title: in.Title, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP),
		Tags: tags, Status: in.Status, Assignee: in.Assignee,
	}))
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		if !slices.Contains(cs.Tags, t) {
			cs.Notes = append(cs.Notes, fmt.Sprintf("The case was opened without the tag %q.", t))
		}
	}
	return cs, nil
}

// alertParts are what goes along when an alert comes into a case.
type alertParts struct {
	observables []*Observable
	counts      map[Hop]int
}

// parts counts what is in an alert.
func (c *Client) parts(ctx context.Context, a *Alert) (*alertParts, error) {
	p := &alertParts{counts: map[Hop]int{}}
	alert := One(KindAlert, a.ID)
	var err error
	if p.observables, p.counts[HopObservables], err = paged[*Observable](ctx, c, "alert-observables", order{"_createdAt", Desc}, 0, maxPage, alert.To(HopObservables)); err != nil {
		return nil, err
	}
	if err = whole(p.observables); err != nil {
		return nil, err
	}
	for _, hop := range []Hop{HopProcedures, HopComments, HopAttachments} {
		if p.counts[hop], err = count(ctx, c, "alert-"+string(hop), alert.To(hop)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// along says what goes along, in words.
func (p *alertParts) along(a *Alert) string {
	list := []string{counted(p.counts[HopProcedures], "technique"), counted(p.counts[HopComments], "comment"), counted(p.counts[HopAttachments], "attachment")}
	return strings.Join(append(list, counted(len(byField(a.CustomFields)), "custom field")), ", ")
}

func (c *Client) planPromoteAlert(ctx context.Context, in PromoteAlertInput) (gate.Plan, error) {
	a, tags, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkUser(ctx, "assignee", in.Assignee); err != nil {
		return gate.Plan{}, err
	}
	parts, err := c.parts(ctx, a)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: fmt.Sprintf("Open a case in TheHive from an alert with %s.", counted(parts.counts[HopObservables], "observable")),
		Targets: []gate.Target{a.target()},
		Changes: []gate.Change{gate.Changed("status of the alert", a.Status, "Imported"), gate.Set("goes along", counted(parts.counts[HopObservables], "observable")+", "+parts.along(a))},
		Undo:    "Delete the case (thehive_delete_case); the alert stays.",
	}
	p.Changes = appendSet(p.Changes, "template", in.CaseTemplate)
	p.Changes = appendSet(p.Changes, "title", in.Title)
	if in.Severity != 0 {
		p.Changes = append(p.Changes, gate.Set("severity", in.Severity))
	}
	p.Changes = appendMarking(p.Changes, in.TLP, in.PAP)
	p.Changes = appendSet(p.Changes, "tags", strings.Join(tags, ", "))
	p.Changes = appendSet(p.Changes, "status", in.Status)
	p.Changes = appendSet(p.Changes, "assignee", in.Assignee)
	return p, nil
}

// MergeAlertInput is the input of [Client.MergeAlert].
type MergeAlertInput struct {
	// Or type;source;sourceRef. In no case yet.
	AlertID string `json:"alertId"`
	CaseID  string `json:"caseId"` // the case, by its id or number
}

// MergeAlert adds an alert with all that is in it to a case. TheHive unites their
// tags and appends the alert's title and description to the case's description.
//
// TheHive: POST /api/v1/alert/{alertId}/merge/{caseId}
func (c *Client) MergeAlert(ctx context.Context, in MergeAlertInput) (*Case, error) {
	a, cs, err := c.alertAndCase(ctx, in)
	if err != nil {
		return nil, err
	}
	return entity[Case](c.wire.MergeAlert(ctx, a.ID, cs.ID))
}

func (c *Client) alertAndCase(ctx context.Context, in MergeAlertInput) (*Alert, *Case, error) {
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return nil, nil, err
	}
	if err := a.mustBeFree(); err != nil {
		return nil, nil, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	return a, cs, err
}

// undoMerge says what can be taken back of a merge.
const undoMerge = "thehive_unlink_alert takes the alert out of the case again; observables, tags, text and all else that it brought stay there."

// mergedTags are the tags of a case once alerts are merged into it.
func mergedTags(cs *Case, alerts ...*Alert) string {
	tags := slices.Clone(cs.Tags)
	for _, a := range alerts {
		tags = append(tags, a.Tags...)
	}
	tags = unique(tags)
	slices.Sort(tags)
	return strings.Join(tags, ", ")
}

func (c *Client) planMergeAlert(ctx context.Context, in MergeAlertInput) (gate.Plan, error) {
	a, cs, err := c.alertAndCase(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	parts, err := c.parts(ctx, a)
	if err != nil {
		return gate.Plan{}, err
	}
	n := parts.counts[HopObservables]
	p := gate.Plan{
		Summary: fmt.Sprintf("Add an alert with %s to a case in TheHive.", counted(n, "observable")),
		Targets: []gate.Target{a.target(), cs.place()},
		Changes: []gate.Change{
			gate.Set("observables", areAdded(n, "observable")+" to the case; of those that it has already the tags are united"),
			gate.Changed("tags of the case", strings.Join(cs.Tags, ", "), mergedTags(cs, a)),
			gate.Set("description of the case", "gets appended the alert's title and text: "+clip.Text(a.Title+": "+a.Description, 300)),
			gate.Set("goes along", parts.along(a)),
			gate.Changed("status of the alert", a.Status, "Imported"),
		},
		Undo:     undoMerge,
		Warnings: cs.closedWarnings(),
	}
	have, err := c.sameObservables(ctx, inCase(cs.ID, HopObservables), valuesOf(parts.observables))
	if err != nil {
		return p, err
	}
	for _, o := range have {
		p.Warnings = append(p.Warnings, fmt.Sprintf("The case has %s %s already.", o.DataType, o.Data))
	}
	return p, nil
}

// areAdded is "1 observable is added" and so on.
func areAdded(n int, thing string) string {
	if n == 1 {
		return counted(n, thing) + " is added"
	}
	return counted(n, thing) + " are added"
}

// sameObservables returns the observables that q gives which have the type and value of
// one of list, however it is written.
func (c *Client) sameObservables(ctx context.Context, q Query, list []valued) ([]*Observable, error) {
	if len(list) == 0 {
		return nil, nil
	}
	is, values := spelled(list)
	got, err := rows[*Observable](ctx, c, "same-observables", q.Where(In("data", values)).Sort("_createdAt", Asc).Page(0, maxPage))
	return slices.DeleteFunc(got, func(o *Observable) bool { return !is[o.valued()] }), err
}

// valuesOf are those that observables have.
func valuesOf(list []*Observable) (values []valued) {
	for _, o := range list {
		if o.Data != "" {
			values = append(values, o.valued())
		}
	}
	return values
}

// BulkMergeAlertsInput is the input of [Client.BulkMergeAlerts].
type BulkMergeAlertsInput struct {
	// In no case yet.
	AlertIDs []string `json:"alertIds" alias:"ids" minItems:"1" maxItems:"1000"`
	CaseID   string   `json:"caseId"` // the case, by its id or number
}

// maxMergeAlerts is how many alerts one call merges; mergeAtOnce is how many
// TheHive takes in one request, as it is set up.
const (
	maxMergeAlerts = 1000
	mergeAtOnce    = 50
)

// check returns the alerts, each once, and the case.
func (in *BulkMergeAlertsInput) check(ctx context.Context, c *Client) ([]*Alert, *Case, error) {
	if n := len(in.AlertIDs); n == 0 || n > maxMergeAlerts || len(unique(in.AlertIDs)) != n {
		return nil, nil, fmt.Errorf("%w: alertIds: want 1 to %d, and none twice", ErrInvalid, maxMergeAlerts)
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, nil, err
	}
	alerts, err := c.alertsByID(ctx, in.AlertIDs)
	if err != nil {
		return nil, nil, err
	}
	var taken []string
	for _, a := range alerts {
		if a.CaseID != "" {
			taken = append(taken, fmt.Sprintf("%s in %s", a.ID, a.CaseID))
		}
	}
	if len(taken) > 0 {
		return nil, nil, fmt.Errorf("%w: alertIds: %s in a case already: %s; nothing was merged", ErrInvalid, counted(len(taken), "alert"), strings.Join(taken[:min(len(taken), 20)], ", "))
	}
	return alerts, cs, nil
}

// BulkMergeAlerts adds alerts to a case, some at a time, and looks afterwards
// which are in it. What became of each is in the outcome.
//
// TheHive: POST /api/v1/query; POST /api/v1/alert/merge/_bulk
func (c *Client) BulkMergeAlerts(ctx context.Context, in BulkMergeAlertsInput) (*BulkOutcome, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	alerts, cs, err := in.check(ctx, c)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(alerts))
	results := make([]BulkResult, len(alerts))
	errs := make([]error, len(alerts))
	for i, a := range alerts {
		ids[i], results[i] = a.ID, BulkResult{ID: in.AlertIDs[i], Title: a.Title, Status: a.Status}
	}
	for from := 0; from < len(ids); from += mergeAtOnce {
		to := min(from+mergeAtOnce, len(ids))
		err := ctx.Err()
		if err != nil {
			err = errNothingSent
		} else {
			err = httpx.Done(c.wire.MergeAlerts(ctx, wire.MergeAlerts{CaseID: cs.ID, AlertIds: ids[from:to]}))
		}
		for i := from; i < to; i++ {
			errs[i] = err
		}
		progress.Report(ctx, to, len(ids), "alerts were sent to be merged")
	}
	after, err := c.alertsByID(context.WithoutCancel(ctx), ids)
	for i := range errs {
		switch {
		case err != nil:
			errs[i] = errors.Join(errs[i], fmt.Errorf("thehive: whether it is in the case can't be told: %w; %w", err, gate.ErrOutcomeUnknown))
		case after[i].CaseID == cs.ID:
			errs[i], results[i].Status = nil, after[i].Status
		case errs[i] == nil:
			errs[i] = fmt.Errorf("thehive: TheHive said nothing against it, and it isn't in the case; %w", gate.ErrOutcomeUnknown)
		}
	}
	return outcome(results, errs)
}

func (c *Client) planBulkMergeAlerts(ctx context.Context, in BulkMergeAlertsInput) (gate.Plan, error) {
	alerts, cs, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  fmt.Sprintf("Add %s to case #%d in TheHive.", counted(len(alerts), "alert"), cs.Number),
		Targets:  []gate.Target{cs.place()},
		Count:    len(alerts),
		Undo:     undoMerge,
		Warnings: cs.closedWarnings(),
	}
	observables := 0
	for _, a := range alerts {
		p.Targets = append(p.Targets, a.target())
		observables += a.ObservableCount
	}
	p.Changes = []gate.Change{
		gate.Set("observables", areAdded(observables, "observable")+" to the case; of those that it has already the tags are united"),
		gate.Changed("tags of the case", strings.Join(cs.Tags, ", "), mergedTags(cs, alerts...)),
		gate.Set("description of the case", "gets appended the title and the text of each alert"),
		gate.Set("goes along", "techniques, comments, attachments and custom fields of the alerts"),
	}
	return p, nil
}

// UnlinkAlertInput is the input of [Client.UnlinkAlert].
type UnlinkAlertInput struct {
	// Or type;source;sourceRef.
	AlertID string `json:"alertId"`
	// Default: whichever it is in.
	CaseID string `json:"caseId,omitempty"`
}

// check returns the alert and the case that it is in.
func (in *UnlinkAlertInput) check(ctx context.Context, c *Client) (*Alert, *Case, error) {
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return nil, nil, err
	}
	if a.CaseID == "" {
		return nil, nil, fmt.Errorf("%w: alert %s is in no case", ErrInvalid, a.ID)
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: a.CaseID})
	if err != nil {
		return nil, nil, err
	}
	if in.CaseID != "" {
		want, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
		if err != nil {
			return nil, nil, err
		}
		if want.ID != cs.ID {
			return nil, nil, fmt.Errorf("%w: alert %s is in case #%d and not in #%d", ErrInvalid, a.ID, cs.Number, want.Number)
		}
	}
	return a, cs, nil
}

// UnlinkAlert takes an alert out of its case. What it brought there stays.
//
// TheHive: DELETE /api/v1/case/{caseId}/alert/{alertId}
func (c *Client) UnlinkAlert(ctx context.Context, in UnlinkAlertInput) (*Alert, error) {
	a, cs, err := in.check(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := httpx.Done(c.wire.UnlinkAlert(ctx, cs.ID, a.ID)); err != nil {
		return nil, err
	}
	after, err := c.GetAlert(ctx, GetAlertInput{AlertID: a.ID})
	switch {
	case err != nil:
		return nil, fmt.Errorf("thehive: the alert was taken out of the case, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	case after.CaseID != "":
		return nil, fmt.Errorf("thehive: alert %s is in case %s afterwards; %w", a.ID, after.CaseID, gate.ErrOutcomeUnknown)
	}
	return after, nil
}

func (c *Client) planUnlinkAlert(ctx context.Context, in UnlinkAlertInput) (gate.Plan, error) {
	a, cs, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary:  fmt.Sprintf("Take an alert out of case #%d in TheHive.", cs.Number),
		Targets:  []gate.Target{a.target(), cs.place()},
		Changes:  []gate.Change{gate.Changed("case", fmt.Sprintf("#%d", cs.Number), "none")},
		Undo:     "Merge the alert into the case again (thehive_merge_alert).",
		Warnings: append(cs.closedWarnings(), "What the alert brought into the case stays there: observables, tags, text, techniques and comments."),
	}, nil
}
