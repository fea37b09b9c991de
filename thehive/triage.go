package thehive

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// How much of an alert's surroundings a triage shows.
const (
	triageObservables = 100
	triageRest        = 20
	triageLinks       = 500 // observables elsewhere that are looked at
)

// TriageAlertInput is the input of [Client.TriageAlert].
type TriageAlertInput struct {
	AlertID string `json:"alertId" jsonschema:"Alert id (~4096)." alias:"id"`
}

// A Triage is an alert with what is needed to judge it.
type Triage struct {
	Alert       *Alert        `json:"alert"`
	Observables []*Observable `json:"observables" jsonschema:"At most 100, newest first; observableCount of the alert is how many there are."`
	Comments    []*Comment    `json:"comments" jsonschema:"The newest 20."`
	Procedures  []*Procedure  `json:"procedures"`
	Similar     []*Similar    `json:"similar" jsonschema:"The 20 cases and alerts that share most observables with it."`
	LeftOut     []string      `json:"leftOut,omitempty" jsonschema:"What isn't shown here."`
}

// Similar is a case or an alert that shares observables with another one.
type Similar struct {
	Kind     string   `json:"kind" jsonschema:"case or alert."`
	ID       string   `json:"id"`
	Number   int      `json:"number,omitempty"`
	Title    string   `json:"title" untrusted:"true"`
	Status   string   `json:"status"`
	Stage    Stage    `json:"stage,omitempty"`
	Shared   int      `json:"shared" jsonschema:"How many observables they share."`
	Examples []string `json:"examples" jsonschema:"Some of these." untrusted:"true"`
}

// TriageAlert returns an alert with its observables, comments and procedures,
// and with the cases and alerts that share observables with it.
//
// TheHive: GET /api/v1/alert/{alertId}; POST /api/v1/query, getAlert with observables, comments, procedures; listObservable
func (c *Client) TriageAlert(ctx context.Context, in TriageAlertInput) (*Triage, error) {
	a, err := c.GetAlert(ctx, GetAlertInput(in))
	if err != nil {
		return nil, err
	}
	t := &Triage{Alert: a, Similar: []*Similar{}}
	alert := One(KindAlert, a.ID)
	var total int
	if t.Observables, total, err = paged[*Observable](ctx, c, "alert-observables", order{"_createdAt", Desc}, 0, triageObservables, alert.To(HopObservables)); err != nil {
		return nil, err
	}
	t.beyond(total, len(t.Observables), "observables")
	if t.Comments, total, err = paged[*Comment](ctx, c, "alert-comments", order{"createdAt", Desc}, 0, triageRest, alert.To(HopComments)); err != nil {
		return nil, err
	}
	t.beyond(total, len(t.Comments), "comments")
	if t.Procedures, total, err = paged[*Procedure](ctx, c, "alert-procedures", order{"occurDate", Desc}, 0, triageRest, alert.To(HopProcedures)); err != nil {
		return nil, err
	}
	t.beyond(total, len(t.Procedures), "procedures")
	return t, c.addSimilar(ctx, t)
}

func (t *Triage) beyond(total, shown int, what string) {
	if total > shown {
		t.LeftOut = append(t.LeftOut, fmt.Sprintf("%d more %s", total-shown, what))
	}
}

// linked is an observable with what it belongs to.
type linked struct {
	Observable
	owner
}

type owner struct {
	Case, Alert *ownerFacts
}

type ownerFacts struct {
	ID     string `json:"_id"`
	Number int    `json:"number"`
	Title  string `json:"title"`
	Status string `json:"status"`
	Stage  Stage  `json:"stage"`
}

// UnmarshalJSON reads the observable and its links.
func (l *linked) UnmarshalJSON(b []byte) error {
	if err := jsoncodec.Unmarshal(b, &l.Observable); err != nil {
		return err
	}
	var v struct {
		ExtraData struct {
			Links owner `json:"links"`
		} `json:"extraData"`
	}
	if err := jsoncodec.Unmarshal(b, &v); err != nil {
		return err
	}
	l.owner = v.ExtraData.Links
	return nil
}

// addSimilar looks where else the values of t's observables are.
func (c *Client) addSimilar(ctx context.Context, t *Triage) error {
	var values []string
	types := map[string]bool{}
	for _, o := range t.Observables {
		if o.Data != "" && !o.IgnoreSimilarity {
			values = append(values, o.Data)
			types[o.DataType+" "+o.Data] = true
		}
	}
	if len(values) == 0 {
		return nil
	}
	got, err := rows[*linked](ctx, c, "similar", All(KindObservable).Where(In("data", unique(values))).
		Sort("_createdAt", Desc).Page(0, triageLinks, "links"))
	if err != nil {
		return err
	}
	if len(got) == triageLinks {
		t.LeftOut = append(t.LeftOut, fmt.Sprintf("what is similar by observables beyond the newest %d", triageLinks))
	}
	byID := map[string]*Similar{}
	for _, l := range got {
		kind, of := "case", l.Case
		if of == nil {
			kind, of = "alert", l.Alert
		}
		if of == nil || of.ID == "" || of.ID == t.Alert.ID || l.IgnoreSimilarity || !types[l.DataType+" "+l.Data] {
			continue
		}
		s := byID[of.ID]
		if s == nil {
			s = &Similar{Kind: kind, ID: of.ID, Number: of.Number, Title: of.Title, Status: of.Status, Stage: of.Stage}
			byID[of.ID] = s
			t.Similar = append(t.Similar, s)
		}
		if s.Shared++; s.Shared <= 5 {
			s.Examples = append(s.Examples, l.DataType+" "+l.Data)
		}
	}
	slices.SortStableFunc(t.Similar, func(a, b *Similar) int { return cmp.Compare(b.Shared, a.Shared) })
	if more := len(t.Similar) - triageRest; more > 0 {
		t.Similar = t.Similar[:triageRest]
		t.LeftOut = append(t.LeftOut, fmt.Sprintf("%d more similar cases and alerts", more))
	}
	return nil
}

// MergeAlertInput is the input of [Client.MergeAlert].
type MergeAlertInput struct {
	AlertID string `json:"alertId" jsonschema:"Alert id (~4096), which must be in no case."`
	CaseID  string `json:"caseId" jsonschema:"Id or number of the case to add it to."`
}

// MergeAlert adds an alert with its observables to a case.
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

func (c *Client) planMergeAlert(ctx context.Context, in MergeAlertInput) (gate.Plan, error) {
	a, cs, err := c.alertAndCase(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary:  fmt.Sprintf("Add an alert with %s to a case in TheHive.", counted(a.ObservableCount, "observable")),
		Targets:  []gate.Target{a.target(), cs.place()},
		Warnings: cs.closedWarnings(),
	}, nil
}

// BulkUpdateAlertsInput is the input of [Client.BulkUpdateAlerts].
type BulkUpdateAlertsInput struct {
	AlertIDs []string `json:"alertIds" jsonschema:"Ids of the alerts." alias:"ids" minItems:"1" maxItems:"50"`
	Status   string   `json:"status,omitempty" jsonschema:"New, InProgress, Ignored, FalsePositive, … or one of the server's own." maxLength:"64"`
	Severity Severity `json:"severity,omitempty" jsonschema:"Impact: 1 low, 2 medium, 3 high, 4 critical."`
	Assignee string   `json:"assignee,omitempty" jsonschema:"Login of the user to assign them to." alias:"owner" maxLength:"128"`
	AddTags  []string `json:"addTags,omitempty" jsonschema:"Tags to add. The others stay." maxItems:"100" minLength:"1" maxLength:"128"`
	Follow   *bool    `json:"follow,omitempty" jsonschema:"Whether updates of the source are taken."`
}

// Validate refuses repeated ids and an update of nothing.
func (in *BulkUpdateAlertsInput) Validate() error {
	if in.Status == "" && in.Severity == 0 && in.Assignee == "" && len(in.AddTags) == 0 && in.Follow == nil {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return checkIDs("alertIds", in.AlertIDs)
}

// alertsByID returns the alerts with those ids, in their order. All must be there.
func (c *Client) alertsByID(ctx context.Context, ids []string) ([]*Alert, error) {
	var which []Filter
	for _, id := range ids {
		which = append(which, ID(id))
	}
	got, err := rows[*Alert](ctx, c, "alerts-by-id", All(KindAlert).Where(Or(which...)).Page(0, len(ids)))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	list := make([]*Alert, len(ids))
	for _, a := range got {
		if i := slices.Index(ids, a.ID); i >= 0 {
			list[i] = a
		}
	}
	if i := slices.Index(list, nil); i >= 0 {
		return nil, &Error{Refusal: connect.Refusal{System: "thehive", Op: "query", Status: 404, Message: "Alert not found"}, Code: "NotFoundError", Detail: ids[i]}
	}
	return list, nil
}

// BulkUpdateAlerts changes several alerts in the same way. What became of each
// is in the outcome.
//
// TheHive: POST /api/v1/query; PATCH /api/v1/alert/{alertId}
func (c *Client) BulkUpdateAlerts(ctx context.Context, in BulkUpdateAlertsInput) (*BulkOutcome, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if err := c.settable(ctx, KindAlertStatus, in.Status); err != nil {
		return nil, err
	}
	alerts, err := c.alertsByID(ctx, in.AlertIDs)
	if err != nil {
		return nil, err
	}
	body := wire.UpdateAlert{Status: in.Status, Severity: int(in.Severity), Assignee: in.Assignee, AddTags: unique(in.AddTags), Follow: in.Follow}
	errs := each(ctx, len(alerts), func(ctx context.Context, i int) error {
		return httpx.Done(c.wire.UpdateAlert(ctx, alerts[i].ID, body))
	})
	results := make([]BulkResult, len(alerts))
	for i, a := range alerts {
		results[i] = BulkResult{ID: a.ID, Title: a.Title, Status: a.Status}
		if errs[i] == nil && in.Status != "" {
			results[i].Status = in.Status
		}
	}
	return outcome(results, errs)
}

func (c *Client) planBulkUpdateAlerts(ctx context.Context, in BulkUpdateAlertsInput) (gate.Plan, error) {
	if err := in.Validate(); err != nil {
		return gate.Plan{}, err
	}
	if err := c.settable(ctx, KindAlertStatus, in.Status); err != nil {
		return gate.Plan{}, err
	}
	alerts, err := c.alertsByID(ctx, in.AlertIDs)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: fmt.Sprintf("Change %d alerts in TheHive.", len(alerts)), Undo: "Set each alert back."}
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
	p.Changes = appendSet(p.Changes, "assignee", in.Assignee)
	for _, tag := range unique(in.AddTags) {
		p.Changes = append(p.Changes, gate.Set("tag added", tag))
	}
	if in.Follow != nil {
		p.Changes = append(p.Changes, gate.Set("follow", *in.Follow))
	}
	return p, nil
}

// CreateAlertCommentInput is the input of [Client.CreateAlertComment].
type CreateAlertCommentInput struct {
	AlertID string `json:"alertId" jsonschema:"Alert id (~4096)." alias:"id"`
	Message string `json:"message" jsonschema:"Markdown." minLength:"1" maxLength:"1048576"`
}

// CreateAlertComment comments on an alert.
//
// TheHive: POST /api/v1/alert/{alertId}/comment
func (c *Client) CreateAlertComment(ctx context.Context, in CreateAlertCommentInput) (*Comment, error) {
	return entity[Comment](c.wire.CreateAlertComment(ctx, in.AlertID, wire.CreateComment{Message: in.Message}))
}

func (c *Client) planCreateAlertComment(ctx context.Context, in CreateAlertCommentInput) (gate.Plan, error) {
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary: "Comment on an alert in TheHive.", Targets: []gate.Target{a.place()},
		Changes: []gate.Change{gate.Set("message", in.Message)}, Undo: "Delete the comment.", Warnings: a.importedWarnings(),
	}, nil
}

// AddProcedureInput is the input of [Client.AddProcedure].
type AddProcedureInput struct {
	CaseID      string `json:"caseId,omitempty" jsonschema:"Id or number of the case. This or alertId."`
	AlertID     string `json:"alertId,omitempty" jsonschema:"Id of the alert. This or caseId."`
	PatternID   string `json:"patternId" jsonschema:"ATT&CK technique: T1110 or T1110.001." alias:"technique" pattern:"^T[0-9]{4}(\\.[0-9]{3})?$"`
	Tactic      string `json:"tactic,omitempty" jsonschema:"ATT&CK tactic, such as credential-access." pattern:"^[a-z-]{1,32}$"`
	OccurDate   int64  `json:"occurDate" jsonschema:"When it was used, in milliseconds since 1970." minimum:"0"`
	Description string `json:"description,omitempty" jsonschema:"How it was used, in Markdown." maxLength:"1048576"`
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
	return checkDate("occurDate", in.OccurDate)
}

func (p *Procedure) identity() string { return p.ID }

// AddProcedure records an ATT&CK technique with a case or an alert.
//
// TheHive: POST /api/v1/case/{caseId}/procedure, POST /api/v1/alert/{alertId}/procedure
func (c *Client) AddProcedure(ctx context.Context, in AddProcedureInput) (*Procedure, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	body := wire.CreateProcedure{PatternID: in.PatternID, Tactic: in.Tactic, OccurDate: in.OccurDate, Description: in.Description}
	if in.AlertID != "" {
		return entity[Procedure](c.wire.CreateAlertProcedure(ctx, in.AlertID, body))
	}
	return entity[Procedure](c.wire.CreateCaseProcedure(ctx, in.CaseID, body))
}

func (c *Client) planAddProcedure(ctx context.Context, in AddProcedureInput) (gate.Plan, error) {
	if err := in.Validate(); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Record an ATT&CK technique in TheHive.", Undo: "Delete the procedure.", Changes: []gate.Change{gate.Set("technique", in.PatternID)}}
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
	p.Changes = append(p.Changes, gate.Set("on", instant(in.OccurDate)))
	p.Changes = appendSet(p.Changes, "description", in.Description)
	return p, nil
}

// ApplyCaseTemplateInput is the input of [Client.ApplyCaseTemplate].
type ApplyCaseTemplateInput struct {
	CaseID         string `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Template       string `json:"template" jsonschema:"Name of the case template." alias:"caseTemplate" minLength:"1" maxLength:"128"`
	UpdateTags     bool   `json:"updateTags,omitempty" jsonschema:"Whether to add its tags too."`
	UpdateSeverity bool   `json:"updateSeverity,omitempty" jsonschema:"Whether to take its severity too."`
}

// template finds a case template by its name.
func (c *Client) template(ctx context.Context, name string) (*CaseTemplate, error) {
	got, err := rows[*CaseTemplate](ctx, c, "case-template", All(KindCaseTemplate).Where(Eq("name", name)).Page(0, 1))
	if err != nil {
		return nil, err
	}
	if len(got) == 0 {
		return nil, fmt.Errorf("%w: template: there is none named %q; thehive_list_case_templates has the names", ErrInvalid, name)
	}
	return got[0], nil
}

// ApplyCaseTemplate gives a case the tasks of a template.
//
// TheHive: POST /api/v1/case/_bulk/caseTemplate
func (c *Client) ApplyCaseTemplate(ctx context.Context, in ApplyCaseTemplateInput) (*Case, error) {
	t, err := c.template(ctx, in.Template)
	if err != nil {
		return nil, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, err
	}
	body := wire.ApplyCaseTemplate{Ids: []string{cs.ID}, CaseTemplate: t.Name, UpdateTags: in.UpdateTags, UpdateSeverity: in.UpdateSeverity}
	for _, task := range t.Tasks {
		body.ImportTasks = append(body.ImportTasks, task.ID)
	}
	if err := httpx.Done(c.wire.ApplyCaseTemplate(ctx, body)); err != nil {
		return nil, err
	}
	after, err := c.GetCase(ctx, GetCaseInput{CaseID: cs.ID})
	if err != nil {
		return nil, fmt.Errorf("thehive: the template was applied, but the case can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	return after, nil
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
		Changes: []gate.Change{gate.Set("template", t.Name)}, Undo: "Cancel the tasks; set tags and severity back.", Warnings: cs.closedWarnings(),
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
	return p, nil
}
