package thehive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/recovered"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// bulkWorkers is how many changes of a bulk are under way at a time.
const bulkWorkers = 4

// A BulkOutcome says how a bulk went, item by item.
type BulkOutcome struct {
	Succeeded int `json:"succeeded"` // how many were changed
	// How many failed or have an unknown outcome.
	Failed int `json:"failed"`
	// One for each, in the order of the call; what is named twice counts once.
	Results []BulkResult `json:"results"`
	// What else the call brought about.
	Notes []string `json:"notes,omitempty" untrusted:"true"`
}

// A BulkResult is the outcome for one item.
type BulkResult struct {
	// As the call named it.
	ID    string `json:"id"`
	Title string `json:"title,omitempty" untrusted:"true"` // the title of the case or alert
	OK    bool   `json:"ok"`                               // whether it was changed
	// The status afterwards.
	Status string `json:"status,omitempty"`
	// Why it failed.
	Error string `json:"error,omitempty"`
	// Whether it may have happened all the same: look before trying again.
	Unknown bool `json:"unknown,omitempty"`
}

// each runs do for 0 to n-1, some at a time, and returns its errors. Once ctx
// is done nothing further is begun. do writes: should it panic, the outcome of
// that one is unknown.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, bulkWorkers) {
		workers.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					errs[i] = errNothingSent
					continue
				}
				errs[i] = recovered.Write(func() error { return do(ctx, i) })
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
	return errs
}

// outcome counts what became of each item. That every one failed is an error,
// unless some of them may have happened.
func outcome(results []BulkResult, errs []error) (*BulkOutcome, error) {
	out := &BulkOutcome{Results: results}
	unknown := false
	for i, err := range errs {
		r := &results[i]
		if r.OK = err == nil; r.OK {
			out.Succeeded++
			continue
		}
		out.Failed++
		r.Error, r.Unknown = err.Error(), errors.Is(err, gate.ErrOutcomeUnknown)
		unknown = unknown || r.Unknown
	}
	if out.Succeeded > 0 || unknown {
		return out, nil
	}
	return nil, fmt.Errorf("thehive: none of the %d was changed: %w", len(errs), errs[0])
}

// bulkCases changes each of the cases and reads all back by one query. A case
// that is named twice, by its id and its number, counts once. wrong says what a
// case lacks afterwards, or "".
func (c *Client) bulkCases(ctx context.Context, ids []string, body wire.UpdateCase, wrong func(*Case) string) (*BulkOutcome, error) {
	ids, cases, err := c.distinctCases(ctx, ids)
	if err != nil {
		return nil, err
	}
	errs := each(ctx, len(cases), func(ctx context.Context, i int) error {
		return httpx.Done(c.wire.UpdateCase(ctx, cases[i].ID, body))
	})
	results := make([]BulkResult, len(ids))
	for i, cs := range cases {
		results[i] = BulkResult{ID: ids[i], Title: cs.Title, Status: cs.Status}
	}
	after, err := c.casesByID(context.WithoutCancel(ctx), ids)
	for i := range errs {
		switch {
		case errs[i] != nil:
		case err != nil:
			errs[i] = fmt.Errorf("thehive: it was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
		default:
			results[i].Status = after[i].Status
			if why := wrong(after[i]); why != "" {
				errs[i] = fmt.Errorf("thehive: %s; %w", why, gate.ErrOutcomeUnknown)
			}
		}
	}
	return outcome(results, errs)
}

// distinctCases returns the cases that ids name, each once, with the name that
// came first.
func (c *Client) distinctCases(ctx context.Context, ids []string) ([]string, []*Case, error) {
	cases, err := c.casesByID(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	var distinct []*Case
	for i, cs := range cases {
		if !slices.ContainsFunc(distinct, func(d *Case) bool { return d.ID == cs.ID }) {
			names, distinct = append(names, ids[i]), append(distinct, cs)
		}
	}
	return names, distinct, nil
}

// planBulk names every case that a bulk would change.
func (c *Client) planBulk(ctx context.Context, ids []string, summary string) (gate.Plan, []*Case, error) {
	if err := checkIDs("caseIds", ids); err != nil {
		return gate.Plan{}, nil, err
	}
	_, cases, err := c.distinctCases(ctx, ids)
	if err != nil {
		return gate.Plan{}, nil, err
	}
	p := gate.Plan{Summary: fmt.Sprintf(summary, len(cases)), Undo: "Set each case back (thehive_update_case, thehive_assign_case)."}
	for _, cs := range cases {
		p.Targets = append(p.Targets, cs.target())
		if cs.Stage == StageClosed {
			p.Warnings = append(p.Warnings, fmt.Sprintf("#%d is closed: %s.", cs.Number, cs.Status))
		}
	}
	return p, cases, nil
}

func checkIDs(name string, ids []string) error {
	if len(ids) == 0 || len(ids) > 50 || len(unique(ids)) != len(ids) {
		return fmt.Errorf("%w: %s: want 1 to 50, and none twice", ErrInvalid, name)
	}
	return nil
}

// BulkAssignCasesInput is the input of [Client.BulkAssignCases].
type BulkAssignCasesInput struct {
	// Ids or numbers.
	CaseIDs []string `json:"caseIds" alias:"ids" minItems:"1" maxItems:"50"`
	Owner   string   `json:"owner" alias:"assignee" minLength:"1" maxLength:"128"` // the login of whom to give them to
}

// Validate refuses repeated ids.
func (in *BulkAssignCasesInput) Validate() error {
	if in.Owner == "" {
		return fmt.Errorf("%w: owner: is empty", ErrInvalid)
	}
	return checkIDs("caseIds", in.CaseIDs)
}

// BulkAssignCases gives cases to a user. What became of each is in the outcome.
//
// TheHive: POST /api/v1/query; PATCH /api/v1/case/{caseId}
func (c *Client) BulkAssignCases(ctx context.Context, in BulkAssignCasesInput) (*BulkOutcome, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.bulkCases(ctx, in.CaseIDs, wire.UpdateCase{Assignee: text(&in.Owner, false)}, func(cs *Case) string {
		if cs.Assignee == in.Owner {
			return ""
		}
		return fmt.Sprintf("it is assigned to %q afterwards", cs.Assignee)
	})
}

func (c *Client) planBulkAssignCases(ctx context.Context, in BulkAssignCasesInput) (gate.Plan, error) {
	if err := c.checkUser(ctx, "owner", in.Owner); err != nil {
		return gate.Plan{}, err
	}
	p, cases, err := c.planBulk(ctx, in.CaseIDs, "Assign %d cases in TheHive.")
	if err != nil {
		return p, err
	}
	p.Changes = append(p.Changes, gate.Changed("assignee", former(cases, func(cs *Case) string { return cs.Assignee }), in.Owner))
	return p, nil
}

// former lists the different values that cases have now.
func former(cases []*Case, value func(*Case) string) string {
	var list []string
	for _, cs := range cases {
		list = append(list, value(cs))
	}
	return strings.Join(unique(list), ", ")
}

// BulkCloseCasesInput is the input of [Client.BulkCloseCases].
type BulkCloseCasesInput struct {
	// Ids or numbers.
	CaseIDs []string `json:"caseIds" alias:"ids" minItems:"1" maxItems:"50"`
	// TruePositive, FalsePositive, Indeterminate, Duplicated, Other, or another closed one.
	Status string `json:"status" minLength:"1" maxLength:"64"`
	// What was found, in Markdown.
	Summary      string       `json:"summary" minLength:"1" maxLength:"1048576"`
	ImpactStatus ImpactStatus `json:"impactStatus,omitempty"` // whether there was an impact
}

// Validate refuses repeated ids and an empty summary.
func (in *BulkCloseCasesInput) Validate() error {
	if strings.TrimSpace(in.Summary) == "" {
		return fmt.Errorf("%w: summary: is empty", ErrInvalid)
	}
	return checkIDs("caseIds", in.CaseIDs)
}

// BulkCloseCases closes cases with one status and summary. What became of each
// is in the outcome.
//
// TheHive: POST /api/v1/query; PATCH /api/v1/case/{caseId}
func (c *Client) BulkCloseCases(ctx context.Context, in BulkCloseCasesInput) (*BulkOutcome, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := c.checkClosed(ctx, in.Status); err != nil {
		return nil, err
	}
	_, cases, err := c.distinctCases(ctx, in.CaseIDs)
	if err != nil {
		return nil, err
	}
	open, err := c.endedBy(ctx, in.Status, cases...)
	if err != nil {
		return nil, err
	}
	out, err := c.bulkCases(ctx, in.CaseIDs, closing(in.Status, in.Summary, in.ImpactStatus), func(cs *Case) string {
		if cs.Stage == StageClosed {
			return ""
		}
		return fmt.Sprintf("it is in status %s afterwards, which isn't closed", cs.Status)
	})
	if err == nil && len(open) > 0 {
		out.Notes = c.endedTasks(ctx, open)
	}
	return out, err
}

func (c *Client) planBulkCloseCases(ctx context.Context, in BulkCloseCasesInput) (gate.Plan, error) {
	if err := c.checkClosed(ctx, in.Status); err != nil {
		return gate.Plan{}, err
	}
	p, cases, err := c.planBulk(ctx, in.CaseIDs, "Close %d cases in TheHive.")
	if err != nil {
		return p, err
	}
	p.Changes = append(p.Changes, gate.Changed("status", former(cases, func(cs *Case) string { return cs.Status }), in.Status), gate.Set("summary", in.Summary))
	p.Changes = appendSet(p.Changes, "impact", in.ImpactStatus)
	open, err := c.endedBy(ctx, in.Status, cases...)
	if err != nil {
		return p, err
	}
	p.Warnings = append(p.Warnings, closingWarnings(open)...)
	p.Undo = "The cases can be opened again one by one (thehive_update_case), which needs the permission manageCase/reopen."
	if len(open) > 0 {
		p.Undo += " Their tasks stay ended."
	}
	return p, nil
}

// BulkUpdateAlertsInput is the input of [Client.BulkUpdateAlerts].
type BulkUpdateAlertsInput struct {
	AlertIDs []string `json:"alertIds" alias:"ids" minItems:"1" maxItems:"50"` // the alerts, by their ids
	// New, InProgress, Ignored, FalsePositive, … or one of the server's own.
	Status   string   `json:"status,omitempty" maxLength:"64"`
	Severity Severity `json:"severity,omitempty"` // how severe they are
	TLP      *TLP     `json:"tlp,omitempty"`      // how far they may be passed on; nil stays
	PAP      *PAP     `json:"pap,omitempty"`      // what may be done with them; nil stays
	// Login; empty: nobody.
	Assignee   *string  `json:"assignee,omitempty" alias:"owner" maxLength:"128"`
	AddTags    []string `json:"addTags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"`    // tags to add to those it has
	RemoveTags []string `json:"removeTags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // tags to take away
	// Take updates of the source.
	Follow *bool `json:"follow,omitempty"`
}

// Validate refuses repeated ids and an update of nothing.
func (in *BulkUpdateAlertsInput) Validate() error {
	if in.Status == "" && in.Severity == 0 && in.Assignee == nil && in.TLP == nil && in.PAP == nil && len(in.AddTags)+len(in.RemoveTags) == 0 && in.Follow == nil {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return checkIDs("alertIds", in.AlertIDs)
}

// alertsByID returns the alerts with those ids, or of that type, source and
// reference, in their order. All must be there, and none may be named twice.
func (c *Client) alertsByID(ctx context.Context, ids []string) ([]*Alert, error) {
	list := make([]*Alert, len(ids))
	place := map[string]int{}
	var plain []string
	for i, id := range ids {
		id, err := c.alertID(ctx, id)
		if err != nil {
			return nil, err
		}
		if _, twice := place[id]; twice {
			return nil, fmt.Errorf("%w: alertIds: names alert %s twice", ErrInvalid, id)
		}
		place[id], plain = i, append(plain, id)
	}
	for part := range slices.Chunk(plain, maxPage) {
		var which []Filter
		for _, id := range part {
			which = append(which, ID(id))
		}
		got, err := rows[*Alert](ctx, c, "alerts-by-id", All(KindAlert).Where(Or(which...)).Page(0, len(part)))
		if err != nil {
			return nil, c.explain(ctx, err)
		}
		for _, a := range got {
			if i, ok := place[a.ID]; ok {
				list[i] = a
			}
		}
	}
	if i := slices.Index(list, nil); i >= 0 {
		return nil, missing("Alert", ids[i])
	}
	return list, nil
}

// BulkUpdateAlerts changes several alerts in the same way. What became of each
// is in the outcome.
//
// TheHive: POST /api/v1/query; PATCH /api/v1/alert/{alertId}
func (c *Client) BulkUpdateAlerts(ctx context.Context, in BulkUpdateAlertsInput) (*BulkOutcome, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := c.settable(ctx, KindAlertStatus, in.Status); err != nil {
		return nil, err
	}
	alerts, err := c.alertsByID(ctx, in.AlertIDs)
	if err != nil {
		return nil, err
	}
	body := wire.UpdateAlert{Status: in.Status, Severity: int(in.Severity), Assignee: text(in.Assignee, false), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP),
		AddTags: unique(in.AddTags), RemoveTags: unique(in.RemoveTags), Follow: in.Follow}
	errs := each(ctx, len(alerts), func(ctx context.Context, i int) error {
		return httpx.Done(c.wire.UpdateAlert(ctx, alerts[i].ID, body))
	})
	ids := make([]string, len(alerts))
	results := make([]BulkResult, len(alerts))
	for i, a := range alerts {
		ids[i], results[i] = a.ID, BulkResult{ID: in.AlertIDs[i], Title: a.Title, Status: a.Status}
	}
	after, err := c.alertsByID(context.WithoutCancel(ctx), ids)
	for i := range errs {
		switch {
		case errs[i] != nil:
		case err != nil:
			errs[i] = fmt.Errorf("thehive: it was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
		default:
			results[i].Status = after[i].Status
			errs[i] = after[i].differs(body)
		}
	}
	return outcome(results, errs)
}

func (c *Client) planBulkUpdateAlerts(ctx context.Context, in BulkUpdateAlertsInput) (gate.Plan, error) {
	if err := errors.Join(c.settable(ctx, KindAlertStatus, in.Status), c.checkUser(ctx, "assignee", deref(in.Assignee))); err != nil {
		return gate.Plan{}, err
	}
	alerts, err := c.alertsByID(ctx, in.AlertIDs)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: fmt.Sprintf("Change %d alerts in TheHive.", len(alerts)), Undo: "Set each alert back (thehive_update_alert)."}
	for _, a := range alerts {
		p.Targets = append(p.Targets, a.target())
		if a.CaseID != "" {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s is in case %s.", a.ID, a.CaseID))
		}
	}
	p.Changes = appendSet(p.Changes, "status", in.Status)
	if in.Severity != 0 {
		p.Changes = append(p.Changes, gate.Set("severity", in.Severity))
	}
	for _, a := range alerts {
		p.Changes = appendRemarking(p.Changes, a.TLP, a.PAP, in.TLP, in.PAP)
	}
	if in.Assignee != nil {
		p.Changes = append(p.Changes, gate.Set("assignee", *in.Assignee))
	}
	for _, tag := range unique(in.AddTags) {
		p.Changes = append(p.Changes, gate.Set("tag added", tag))
	}
	for _, tag := range unique(in.RemoveTags) {
		p.Changes = append(p.Changes, gate.Set("tag removed", tag))
	}
	if in.Follow != nil {
		p.Changes = append(p.Changes, gate.Set("follow", *in.Follow))
	}
	if in.Status == "" {
		return p, nil
	}
	for _, a := range alerts {
		if err := c.planReopenAlert(ctx, &p, in.Status, a); err != nil {
			return p, err
		}
	}
	p.Warnings = unique(p.Warnings)
	return p, nil
}
