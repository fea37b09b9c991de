package thehive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// An Alert is something that a source reports. Type, source and reference
// together occur once.
type Alert struct {
	ID              string            `json:"_id"`
	Type            string            `json:"type"`
	Source          string            `json:"source"`
	SourceRef       string            `json:"sourceRef" untrusted:"true"`
	ExternalLink    string            `json:"externalLink,omitempty" untrusted:"true"`
	Title           string            `json:"title" untrusted:"true"`
	Description     string            `json:"description" untrusted:"true"`
	Severity        Severity          `json:"severity"`
	Date            int64             `json:"date" jsonschema:"When it happened, in milliseconds since 1970."`
	Tags            []string          `json:"tags,omitempty" untrusted:"true"`
	TLP             TLP               `json:"tlp"`
	PAP             PAP               `json:"pap"`
	Status          string            `json:"status" jsonschema:"New, InProgress, Imported, … or a status of this server's own."`
	Stage           Stage             `json:"stage" jsonschema:"New, InProgress, Closed or Imported."`
	Follow          bool              `json:"follow" jsonschema:"Whether updates of the source are taken."`
	Assignee        string            `json:"assignee,omitempty"`
	Summary         string            `json:"summary,omitempty" untrusted:"true"`
	CaseID          string            `json:"caseId,omitempty" jsonschema:"The case that it is in."`
	ImportedDate    int64             `json:"importedDate,omitempty" jsonschema:"When it came into the case, in milliseconds since 1970."`
	CaseTemplate    string            `json:"caseTemplate,omitempty"`
	ObservableCount int               `json:"observableCount"`
	CustomFields    []json.RawMessage `json:"customFields,omitempty" untrusted:"true"`
	CreatedBy       string            `json:"_createdBy,omitempty"`
	CreatedAt       int64             `json:"_createdAt,omitempty" jsonschema:"Milliseconds since 1970."`
	UpdatedBy       string            `json:"_updatedBy,omitempty"`
	UpdatedAt       int64             `json:"_updatedAt,omitempty" jsonschema:"Milliseconds since 1970."`
	Existing        bool              `json:"existing,omitempty" jsonschema:"Whether it was there before, so that nothing was created."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

func (a *Alert) identity() string { return a.ID }

// place is a as the plan of an addition shows it.
func (a *Alert) place() gate.Target {
	return gate.Target{Kind: "alert", ID: a.ID, Name: a.Title}
}

// target is a as the plan of a change shows it.
func (a *Alert) target() gate.Target {
	t := a.place()
	t.Version = fmt.Sprintf("%s, updated %d", a.Status, a.UpdatedAt)
	return t
}

// importedWarnings says that a is in a case already.
func (a *Alert) importedWarnings() []string {
	if a.CaseID == "" {
		return nil
	}
	return []string{"The alert is in case " + a.CaseID + " already."}
}

// ListAlertsInput is the input of [Client.ListAlerts]. What is left out doesn't filter.
type ListAlertsInput struct {
	Status   string   `json:"status,omitempty" jsonschema:"Only alerts of this status: New, InProgress, Imported, Ignored, … or one of the server's own." maxLength:"64"`
	Stage    Stage    `json:"stage,omitempty" jsonschema:"Only alerts of this stage, whatever their status: New, InProgress, Closed or Imported." pattern:"^(New|InProgress|Closed|Imported)$"`
	Severity Severity `json:"severity,omitempty" jsonschema:"Only alerts of this severity: 1 low to 4 critical."`
	Tags     []string `json:"tags,omitempty" jsonschema:"Only alerts that have all of these tags." maxItems:"20" maxLength:"128"`
	Source   string   `json:"source,omitempty" jsonschema:"Only alerts of this source." maxLength:"32"`
	Type     string   `json:"type,omitempty" jsonschema:"Only alerts of this type." maxLength:"32"`
	Query    string   `json:"query,omitempty" jsonschema:"Only alerts that hold this in title, description, reference or a tag." maxLength:"512"`
	Assignee string   `json:"assignee,omitempty" jsonschema:"Only alerts assigned to this user's login." maxLength:"128"`
	After    int64    `json:"createdAfter,omitempty" jsonschema:"Only alerts made at or after this date, in milliseconds since 1970." minimum:"0"`
	Before   int64    `json:"createdBefore,omitempty" jsonschema:"Only alerts made before this date, in milliseconds since 1970." minimum:"0"`
	Offset   int      `json:"offset,omitempty" jsonschema:"How many alerts to skip." minimum:"0"`
	Limit    int      `json:"limit,omitempty" jsonschema:"How many alerts to return." minimum:"1" maximum:"500"`
}

// SetDefaults fills the fields left at zero.
func (in *ListAlertsInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// Validate refuses dates that aren't in milliseconds.
func (in *ListAlertsInput) Validate() error {
	return errors.Join(checkDate("createdAfter", in.After), checkDate("createdBefore", in.Before))
}

// An AlertPage is one page of alerts.
type AlertPage struct {
	Alerts []*Alert `json:"alerts"`
	Total  int      `json:"total" jsonschema:"How many alerts match in all."`
	Offset int      `json:"offset"`
	More   bool     `json:"more" jsonschema:"Whether there are alerts behind this page."`
}

// ListAlerts returns one page of alerts, newest first. [Client.Alerts] walks all of them.
//
// TheHive: POST /api/v1/query, listAlert
func (c *Client) ListAlerts(ctx context.Context, in ListAlertsInput) (*AlertPage, error) {
	in.SetDefaults()
	if err := in.Validate(); err != nil {
		return nil, err
	}
	q := All(KindAlert)
	if in.Status != "" {
		if _, err := c.stage(ctx, KindAlertStatus, in.Status); err != nil {
			return nil, c.explain(ctx, err)
		}
	}
	q = q.having("status", in.Status).having("stage", string(in.Stage)).having("source", in.Source).having("type", in.Type).having("assignee", in.Assignee)
	if in.Severity != 0 {
		q = q.Where(Eq("severity", in.Severity))
	}
	if text := strings.TrimSpace(in.Query); text != "" {
		q = q.Where(Or(Like("title", text), Like("description", text), Like("sourceRef", text), Like("tags", text)))
	}
	q = q.tagged(in.Tags).dated("_createdAt", in.After, in.Before)
	alerts, total, err := paged[*Alert](ctx, c, "alerts", order{"_createdAt", Desc}, in.Offset, in.Limit, q)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if total == 0 { // nothing, or nothing for this user?
		if err := c.cannotHaveCases(ctx); err != nil {
			return nil, err
		}
	}
	return &AlertPage{Alerts: alerts, Total: total, Offset: in.Offset, More: in.Offset+len(alerts) < total}, nil
}

// Alerts returns an iterator over every alert that in matches, from in.Offset on.
func (c *Client) Alerts(ctx context.Context, in ListAlertsInput) iter.Seq2[*Alert, error] {
	return paging.All(ctx, func(ctx context.Context, offset int) ([]*Alert, bool, error) {
		next := in
		next.Offset += offset
		p, err := c.ListAlerts(ctx, next)
		if err != nil {
			return nil, false, err
		}
		return p.Alerts, p.More, nil
	})
}

// GetAlertInput is the input of [Client.GetAlert].
type GetAlertInput struct {
	AlertID string `json:"alertId" jsonschema:"Alert id (~4096)." alias:"id"`
}

// GetAlert returns one alert. An unknown one is [ErrNotFound].
//
// TheHive: GET /api/v1/alert/{alertId}
func (c *Client) GetAlert(ctx context.Context, in GetAlertInput) (*Alert, error) {
	a, err := entity[Alert](c.wire.GetAlert(ctx, in.AlertID))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return a, nil
}

// AlertObservable is an observable that an alert is raised with.
type AlertObservable struct {
	DataType string   `json:"dataType" jsonschema:"ip, domain, url, hash, … or a type of the server's own." minLength:"1" maxLength:"64"`
	Data     string   `json:"data" jsonschema:"The value." minLength:"1" maxLength:"4096"`
	Message  string   `json:"message,omitempty" jsonschema:"Where it was seen." maxLength:"4096"`
	Tags     []string `json:"tags,omitempty" jsonschema:"Free-form labels." maxItems:"100" minLength:"1" maxLength:"128"`
	IOC      bool     `json:"ioc,omitempty" jsonschema:"Whether it is an indicator of compromise."`
}

// CreateAlertInput is the input of [Client.CreateAlert].
type CreateAlertInput struct {
	Title        string            `json:"title" jsonschema:"One-line summary." minLength:"1" maxLength:"512"`
	Type         string            `json:"type" jsonschema:"What sort of alert, such as siem." minLength:"1" maxLength:"32"`
	Source       string            `json:"source" jsonschema:"Who reports it, such as wazuh." minLength:"1" maxLength:"32"`
	SourceRef    string            `json:"sourceRef" jsonschema:"The source's own id of it. An alert of the same type, source and sourceRef is returned instead of a second one." minLength:"1" maxLength:"128"`
	Description  string            `json:"description,omitempty" jsonschema:"Markdown. Empty: the title is used, as TheHive wants one." maxLength:"1048576"`
	Severity     Severity          `json:"severity,omitempty" jsonschema:"Impact: 1 low, 2 medium, 3 high, 4 critical."`
	TLP          *TLP              `json:"tlp,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 AMBER+STRICT, 4 RED. Left out: the server's default, AMBER."`
	PAP          *PAP              `json:"pap,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 RED. Left out: the server's default, AMBER."`
	Tags         []string          `json:"tags,omitempty" jsonschema:"Free-form labels." maxItems:"100" minLength:"1" maxLength:"128"`
	Follow       *bool             `json:"follow,omitempty" jsonschema:"Whether updates of the source are taken. Left out: yes."`
	CaseTemplate string            `json:"caseTemplate,omitempty" jsonschema:"Name of the template for a case made of it." alias:"template" maxLength:"128"`
	Observables  []AlertObservable `json:"observables,omitempty" jsonschema:"What was seen." maxItems:"100"`
}

// SetDefaults fills the fields left at zero.
func (in *CreateAlertInput) SetDefaults() {
	if in.Severity == 0 {
		in.Severity = Medium
	}
}

// byReference returns the alert with that type, source and reference, or nil.
func (c *Client) byReference(ctx context.Context, in CreateAlertInput) (*Alert, error) {
	got, err := rows[*Alert](ctx, c, "alert-by-reference",
		All(KindAlert).Where(Eq("type", in.Type), Eq("source", in.Source), Eq("sourceRef", in.SourceRef)).Page(0, 1))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if len(got) == 0 {
		return nil, nil
	}
	return got[0], nil
}

// CreateAlert raises an alert, or returns the one that is there already.
//
// TheHive: POST /api/v1/query, listAlert; POST /api/v1/alert
func (c *Client) CreateAlert(ctx context.Context, in CreateAlertInput) (*Alert, error) {
	in.SetDefaults()
	switch have, err := c.byReference(ctx, in); {
	case err != nil:
		return nil, err
	case have != nil:
		have.Existing = true
		return have, nil
	}
	if in.Description == "" {
		in.Description = in.Title
	}
	body := wire.CreateAlert{
		Title: in.Title, Type: in.Type, Source: in.Source, SourceRef: in.SourceRef, Description: in.Description, Severity: int(in.Severity),
		TLP: (*int)(in.TLP), PAP: (*int)(in.PAP), Tags: unique(in.Tags), CaseTemplate: in.CaseTemplate,
	}
	for _, o := range in.Observables {
		if err := c.checkDataType(ctx, o.DataType); err != nil {
			return nil, err
		}
		body.Observables = append(body.Observables, wire.AlertObservable{DataType: o.DataType, Data: o.Data, Message: o.Message, Tags: unique(o.Tags), IOC: o.IOC})
	}
	a, err := entity[Alert](c.wire.CreateAlert(ctx, body))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if in.Follow == nil || *in.Follow == a.Follow { // a new alert is followed, and creation doesn't take the field
		return a, nil
	}
	return c.updateAlert(ctx, a.ID, wire.UpdateAlert{Follow: in.Follow})
}

func (c *Client) planCreateAlert(ctx context.Context, in CreateAlertInput) (gate.Plan, error) {
	switch have, err := c.byReference(ctx, in); {
	case err != nil:
		return gate.Plan{}, err
	case have != nil:
		return gate.Plan{Summary: "Raise no alert in TheHive: it is there already.", Targets: []gate.Target{have.place()}, Undo: "Nothing is changed."}, nil
	}
	p := gate.Plan{
		Summary: "Raise an alert in TheHive.",
		Changes: []gate.Change{gate.Set("title", in.Title), gate.Set("type", in.Type), gate.Set("source", in.Source), gate.Set("reference", in.SourceRef), gate.Set("severity", in.Severity)},
		Undo:    "Close the alert, or delete it.",
	}
	p.Changes = appendSet(p.Changes, "description", in.Description)
	if in.TLP != nil {
		p.Changes = append(p.Changes, gate.Set("TLP", *in.TLP))
	}
	if in.PAP != nil {
		p.Changes = append(p.Changes, gate.Set("PAP", *in.PAP))
	}
	p.Changes = appendSet(p.Changes, "tags", strings.Join(unique(in.Tags), ", "))
	if in.Follow != nil {
		p.Changes = append(p.Changes, gate.Set("follow", *in.Follow))
	}
	p.Changes = appendSet(p.Changes, "template", in.CaseTemplate)
	for _, o := range in.Observables {
		if err := c.checkDataType(ctx, o.DataType); err != nil {
			return p, err
		}
		p.Changes = append(p.Changes, gate.Set("observable "+o.DataType, o.describe()))
	}
	return p, nil
}

// describe shows all of an observable in a line.
func (o AlertObservable) describe() string {
	s := o.Data
	if o.IOC {
		s += " (IOC)"
	}
	if len(o.Tags) > 0 {
		s += " [" + strings.Join(o.Tags, ", ") + "]"
	}
	if o.Message != "" {
		s += ": " + o.Message
	}
	return s
}

// updateAlert changes an alert and reads it back, as TheHive answers nothing.
func (c *Client) updateAlert(ctx context.Context, id string, body wire.UpdateAlert) (*Alert, error) {
	if err := httpx.Done(c.wire.UpdateAlert(ctx, id, body)); err != nil {
		return nil, c.explain(ctx, err)
	}
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: id})
	if err != nil {
		return nil, fmt.Errorf("thehive: the alert was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	return a, nil
}

// UpdateAlertInput is the input of [Client.UpdateAlert]. What is left out stays.
type UpdateAlertInput struct {
	AlertID     string    `json:"alertId" jsonschema:"Alert id (~4096)." alias:"id"`
	Title       string    `json:"title,omitempty" jsonschema:"One-line summary." maxLength:"512"`
	Description *string   `json:"description,omitempty" jsonschema:"Markdown." maxLength:"1048576"`
	Severity    Severity  `json:"severity,omitempty" jsonschema:"Impact: 1 low, 2 medium, 3 high, 4 critical."`
	TLP         *TLP      `json:"tlp,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 AMBER+STRICT, 4 RED."`
	PAP         *PAP      `json:"pap,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 RED."`
	Tags        *[]string `json:"tags,omitempty" jsonschema:"All tags that it shall have; the others go." maxItems:"100" minLength:"1" maxLength:"128"`
	AddTags     []string  `json:"addTags,omitempty" jsonschema:"Tags to add. The others stay." maxItems:"100" minLength:"1" maxLength:"128"`
	RemoveTags  []string  `json:"removeTags,omitempty" jsonschema:"Tags to remove. The others stay." maxItems:"100" minLength:"1" maxLength:"128"`
	Status      string    `json:"status,omitempty" jsonschema:"New, InProgress, Ignored, FalsePositive, … or one of the server's own. Imported is set by TheHive alone." maxLength:"64"`
	Summary     *string   `json:"summary,omitempty" jsonschema:"What was found, in Markdown." maxLength:"1048576"`
	Assignee    string    `json:"assignee,omitempty" jsonschema:"Login of the user to assign it to." alias:"owner" maxLength:"128"`
	Follow      *bool     `json:"follow,omitempty" jsonschema:"Whether updates of the source are taken."`
	IfUpdatedAt *int64    `json:"ifUpdatedAt,omitempty" jsonschema:"Refuse unless this is still the _updatedAt of the alert (0: never updated)." minimum:"0"`
}

// Validate refuses an update of nothing.
func (in *UpdateAlertInput) Validate() error {
	if in.Title == "" && in.Description == nil && in.Severity == 0 && in.TLP == nil && in.PAP == nil && in.Tags == nil && len(in.AddTags) == 0 &&
		len(in.RemoveTags) == 0 && in.Status == "" && in.Summary == nil && in.Assignee == "" && in.Follow == nil {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	if in.Tags != nil && len(in.AddTags)+len(in.RemoveTags) > 0 {
		return fmt.Errorf("%w: tags sets all tags; it doesn't go with addTags and removeTags", ErrInvalid)
	}
	return nil
}

// check refuses in if the alert, or the server, isn't as it supposes.
func (in *UpdateAlertInput) check(ctx context.Context, c *Client) (*Alert, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if err := c.settable(ctx, KindAlertStatus, in.Status); err != nil {
		return nil, err
	}
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return nil, err
	}
	return a, unchanged(in.IfUpdatedAt, a.UpdatedAt, a.UpdatedBy)
}

// UpdateAlert changes fields of an alert.
//
// TheHive: GET and PATCH /api/v1/alert/{alertId}
func (c *Client) UpdateAlert(ctx context.Context, in UpdateAlertInput) (*Alert, error) {
	if _, err := in.check(ctx, c); err != nil {
		return nil, err
	}
	return c.updateAlert(ctx, in.AlertID, wire.UpdateAlert{
		Title: in.Title, Description: in.Description, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP), Tags: set(in.Tags),
		AddTags: unique(in.AddTags), RemoveTags: unique(in.RemoveTags), Status: in.Status, Summary: in.Summary, Assignee: in.Assignee, Follow: in.Follow,
	})
}

func (c *Client) planUpdateAlert(ctx context.Context, in UpdateAlertInput) (gate.Plan, error) {
	a, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Change an alert in TheHive.", Targets: []gate.Target{a.target()}, Undo: "Set the fields back.", Warnings: a.importedWarnings()}
	d := diff{&p.Changes}
	d.text("title", a.Title, in.Title)
	d.optional("description", a.Description, in.Description)
	if in.Severity != 0 {
		d.add("severity", a.Severity, in.Severity)
	}
	if in.TLP != nil {
		d.add("TLP", a.TLP, *in.TLP)
	}
	if in.PAP != nil {
		d.add("PAP", a.PAP, *in.PAP)
	}
	have := strings.Join(a.Tags, ", ")
	if in.Tags != nil {
		d.add("tags", have, strings.Join(unique(*in.Tags), ", "))
	}
	if len(in.AddTags) > 0 {
		d.add("tags added", have, strings.Join(unique(in.AddTags), ", "))
	}
	if len(in.RemoveTags) > 0 {
		d.add("tags removed", have, strings.Join(unique(in.RemoveTags), ", "))
	}
	d.text("status", a.Status, in.Status)
	d.optional("summary", a.Summary, in.Summary)
	d.text("assignee", a.Assignee, in.Assignee)
	if in.Follow != nil {
		d.add("follow", a.Follow, *in.Follow)
	}
	return p, nil
}

// PromoteAlertInput is the input of [Client.PromoteAlert]. What is left out is
// taken from the alert.
type PromoteAlertInput struct {
	AlertID      string   `json:"alertId" jsonschema:"Alert id (~4096)." alias:"id"`
	CaseTemplate string   `json:"caseTemplate,omitempty" jsonschema:"Name of the template for the case." alias:"template" maxLength:"128"`
	Title        string   `json:"title,omitempty" jsonschema:"Title of the case." maxLength:"512"`
	Severity     Severity `json:"severity,omitempty" jsonschema:"Severity of the case: 1 low to 4 critical."`
	TLP          *TLP     `json:"tlp,omitempty" jsonschema:"TLP of the case: 0 CLEAR to 4 RED."`
	PAP          *PAP     `json:"pap,omitempty" jsonschema:"PAP of the case: 0 CLEAR to 3 RED."`
	Tags         []string `json:"tags,omitempty" jsonschema:"Tags of the case." maxItems:"100" minLength:"1" maxLength:"128"`
	Status       string   `json:"status,omitempty" jsonschema:"Status of the case. Left out: New." maxLength:"64"`
	Assignee     string   `json:"assignee,omitempty" jsonschema:"Login of the user to assign the case to." alias:"owner" maxLength:"128"`
}

// PromoteAlert opens a case from an alert, with its observables.
//
// TheHive: POST /api/v1/alert/{alertId}/case
func (c *Client) PromoteAlert(ctx context.Context, in PromoteAlertInput) (*Case, error) {
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return nil, err
	}
	if err := a.mustBeFree(); err != nil {
		return nil, err
	}
	if err := c.settable(ctx, KindCaseStatus, in.Status); err != nil {
		return nil, err
	}
	return entity[Case](c.wire.PromoteAlert(ctx, in.AlertID, wire.PromoteAlert{
		CaseTemplate: in.CaseTemplate, Title: in.Title, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP),
		Tags: unique(in.Tags), Status: in.Status, Assignee: in.Assignee,
	}))
}

// mustBeFree refuses an alert that is in a case.
func (a *Alert) mustBeFree() error {
	if a.CaseID == "" {
		return nil
	}
	return fmt.Errorf("%w: alert %s is in case %s already; nothing was made", ErrInvalid, a.ID, a.CaseID)
}

func (c *Client) planPromoteAlert(ctx context.Context, in PromoteAlertInput) (gate.Plan, error) {
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return gate.Plan{}, err
	}
	if err := errors.Join(a.mustBeFree(), c.settable(ctx, KindCaseStatus, in.Status)); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: fmt.Sprintf("Open a case in TheHive from an alert with %d observables.", a.ObservableCount),
		Targets: []gate.Target{a.target()},
	}
	p.Changes = appendSet(p.Changes, "template", in.CaseTemplate)
	p.Changes = appendSet(p.Changes, "title", in.Title)
	if in.Severity != 0 {
		p.Changes = append(p.Changes, gate.Set("severity", in.Severity))
	}
	if in.TLP != nil {
		p.Changes = append(p.Changes, gate.Set("TLP", *in.TLP))
	}
	if in.PAP != nil {
		p.Changes = append(p.Changes, gate.Set("PAP", *in.PAP))
	}
	p.Changes = appendSet(p.Changes, "tags", strings.Join(unique(in.Tags), ", "))
	p.Changes = appendSet(p.Changes, "status", in.Status)
	p.Changes = appendSet(p.Changes, "assignee", in.Assignee)
	return p, nil
}

// DeleteAlertInput is the input of [Client.DeleteAlert].
type DeleteAlertInput struct {
	AlertID string `json:"alertId" jsonschema:"Alert id (~4096)." alias:"id"`
}

// DeleteAlert deletes an alert with its observables and comments. Nobody can
// undo it.
//
// TheHive: DELETE /api/v1/alert/{alertId}
func (c *Client) DeleteAlert(ctx context.Context, in DeleteAlertInput) (*Deleted, error) {
	if err := httpx.Done(c.wire.DeleteAlert(ctx, in.AlertID)); err != nil {
		return nil, err
	}
	return &Deleted{ID: in.AlertID, Deleted: true}, nil
}

func (c *Client) planDeleteAlert(ctx context.Context, in DeleteAlertInput) (gate.Plan, error) {
	a, err := c.GetAlert(ctx, GetAlertInput(in))
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Delete an alert in TheHive, with all that is in it.", Targets: []gate.Target{a.target()}, Warnings: a.importedWarnings()}
	if a.ObservableCount > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d observables are deleted with it.", a.ObservableCount))
	}
	return p, nil
}
