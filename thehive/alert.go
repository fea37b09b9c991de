package thehive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/spelling"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// An Alert is something that a source reports. Type, source and reference
// together occur once.
type Alert struct {
	ID           string   `json:"_id"`                                     // its id
	Type         string   `json:"type"`                                    // the kind of source it came from
	Source       string   `json:"source"`                                  // which source it came from
	SourceRef    string   `json:"sourceRef" untrusted:"true"`              // its id at the source, once per type and source
	ExternalLink string   `json:"externalLink,omitempty" untrusted:"true"` // its page at the source
	Title        string   `json:"title" untrusted:"true"`                  // its title
	Description  string   `json:"description" untrusted:"true"`            // what happened, in Markdown
	Severity     Severity `json:"severity"`                                // how severe it is
	// When it happened.
	Date time.Time `json:"date,format:unixmilli"`
	Tags []string  `json:"tags,omitempty" untrusted:"true"` // its tags
	TLP  TLP       `json:"tlp"`                             // how far it may be passed on
	PAP  PAP       `json:"pap"`                             // what may be done with it
	// New, InProgress, Imported, … or a status of this server's own.
	Status string `json:"status"`
	// New, InProgress, Closed or Imported.
	Stage Stage `json:"stage"`
	// Take updates of the source.
	Follow   bool   `json:"follow"`
	Assignee string `json:"assignee,omitempty"`                 // the login of whom it is assigned to
	Summary  string `json:"summary,omitempty" untrusted:"true"` // what came of it
	// The case that it is in.
	CaseID string `json:"caseId,omitempty"`
	// When it came into the case.
	ImportedDate    time.Time         `json:"importedDate,omitzero,format:unixmilli"`
	CaseTemplate    string            `json:"caseTemplate,omitempty"`                  // the template of a case that is made of it
	ObservableCount int               `json:"observableCount"`                         // how many observables it has
	CustomFields    []json.RawMessage `json:"customFields,omitempty" untrusted:"true"` // its custom fields, as TheHive has them
	CreatedBy       string            `json:"_createdBy,omitempty"`                    // the login of who made it
	CreatedAt       time.Time         `json:"_createdAt,omitzero,format:unixmilli"`    // when it was made
	UpdatedBy       string            `json:"_updatedBy,omitempty"`                    // the login of who changed it last
	UpdatedAt       time.Time         `json:"_updatedAt,omitzero,format:unixmilli"`    // when it was changed last
	// Whether it was there before, so that nothing was created.
	Existing bool `json:"existing,omitempty"`
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true" quiet:"_type,newDate,timeToDetect=0" own:"papLabel,severityLabel,tlpLabel,inProgressDate,closedDate,timeToDetect,timeToTriage,timeToQualify,timeToAcknowledge"`
}

func (a *Alert) identity() string { return a.ID }

func (a *Alert) created() time.Time { return a.CreatedAt }

// place is a as the plan of an addition shows it.
func (a *Alert) place() gate.Target {
	return gate.Target{Kind: "alert", ID: a.ID, Name: a.Title}
}

// target is a as the plan of a change shows it.
func (a *Alert) target() gate.Target {
	t := a.place()
	t.Version = fmt.Sprintf("%s, updated %d", a.Status, jsoncodec.Milli(a.UpdatedAt))
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
	// open, closed, New, InProgress, Imported, Ignored, … or one of the server's own.
	Status string `json:"status,omitempty" maxLength:"64"`
	// New, InProgress, Closed or Imported, whatever the status.
	Stage    Stage    `json:"stage,omitempty" pattern:"^(New|InProgress|Closed|Imported)$"`
	Severity Severity `json:"severity,omitempty"` // this severity
	// All of these.
	Tags   []string `json:"tags,omitempty" maxItems:"20" maxLength:"128"`
	Source string   `json:"source,omitempty" maxLength:"32"` // only from this source
	Type   string   `json:"type,omitempty" maxLength:"32"`   // only of this type
	// Words or parts of words, all in title, description, reference or a tag; "in quotes": as it is.
	Query    string `json:"query,omitempty" maxLength:"512"`
	Assignee string `json:"assignee,omitempty" maxLength:"128"`                     // only those assigned to this login
	CaseID   string `json:"caseId,omitempty"`                                       // only those in this case
	After    Date   `json:"createdAfter,omitempty"`                                 // made after this moment
	Before   Date   `json:"createdBefore,omitempty"`                                // made before this moment
	Since    Date   `json:"happenedAfter,omitempty"`                                // happened after this moment
	Until    Date   `json:"happenedBefore,omitempty"`                               // happened before this moment
	Offset   int    `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit    int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
}

// Validate refuses dates that aren't in milliseconds.
func (in *ListAlertsInput) Validate() error {
	return errors.Join(in.Severity.check(), in.After.check("createdAfter"), in.Before.check("createdBefore"), in.Since.check("happenedAfter"), in.Until.check("happenedBefore"))
}

// An AlertPage is one page of alerts.
type AlertPage struct {
	Alerts []*Alert `json:"alerts"` // the alerts
	// How many alerts match in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are alerts behind this page.
	More bool `json:"more"`
	// What wasn't looked at.
	Note string `json:"note,omitempty"`
}

// ListAlerts returns one page of alerts, newest first. [Client.Alerts] walks all of them.
//
// TheHive: POST /api/v1/query, listAlert
func (c *Client) ListAlerts(ctx context.Context, in ListAlertsInput) (*AlertPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, s, err := c.alertQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	f, err := searched(ctx, c, "alerts", s, in.Offset, in.Limit, q, (*Alert).texts)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if f.total == 0 { // nothing, or nothing for this user?
		if err := errors.Join(c.cannotHaveCases(ctx), c.checkUser(ctx, "assignee", in.Assignee)); err != nil {
			return nil, err
		}
	}
	return &AlertPage{Alerts: f.items, Total: f.total, Offset: in.Offset, More: in.Offset+len(f.items) < f.total, Note: f.note}, nil
}

// texts are what is searched.
func (a *Alert) texts() []string {
	return append([]string{a.Title, a.Description, a.SourceRef}, a.Tags...)
}

// alertQuery is what lists the alerts that in matches, and what is searched for.
func (c *Client) alertQuery(ctx context.Context, in ListAlertsInput) (q Query, s search, err error) {
	q = All(KindAlert)
	if in.CaseID != "" {
		cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
		if err != nil {
			return q, s, err
		}
		q = inCase(cs.ID, HopAlerts)
	}
	if q, err = c.inStatus(ctx, q, KindAlertStatus, in.Status); err != nil {
		return q, s, err
	}
	q = q.having("stage", string(in.Stage)).having("source", in.Source).having("type", in.Type).having("assignee", in.Assignee)
	if in.Severity != 0 {
		q = q.Where(Eq("severity", in.Severity))
	}
	if strings.TrimSpace(in.Query) != "" {
		if s, err = parseSearch("query", in.Query); err != nil {
			return q, s, err
		}
		q = q.Where(s.filter("title", "description", "sourceRef", "tags"))
	}
	return q.tagged(in.Tags).dated("_createdAt", in.After, in.Before).dated("date", in.Since, in.Until), s, nil
}

// Alerts returns an iterator over every alert that in matches, newest first, from
// in.Offset on. Each is yielded once, also when alerts come, change or go on the
// way. A page of requests has in.Limit alerts; left out: 500.
func (c *Client) Alerts(ctx context.Context, in ListAlertsInput) iter.Seq2[*Alert, error] {
	return everything(ctx, c, "alerts", in, func(ctx context.Context, in ListAlertsInput) (Query, func(*Alert) bool, error) {
		q, s, err := c.alertQuery(ctx, in)
		return q, func(a *Alert) bool { return s.holds(a.texts()...) }, err
	})
}

// GetAlertInput is the input of [Client.GetAlert].
type GetAlertInput struct {
	// Or type;source;sourceRef.
	AlertID string `json:"alertId" alias:"id"`
}

// GetAlert returns one alert. An unknown one is [ErrNotFound].
//
// TheHive: GET /api/v1/alert/{alertId}
func (c *Client) GetAlert(ctx context.Context, in GetAlertInput) (*Alert, error) {
	id := strings.TrimSpace(in.AlertID)
	if strings.Count(id, ";") >= 2 { // type, source and reference
		return c.alertByName(ctx, id)
	}
	a, err := entity[Alert](c.wire.GetAlert(ctx, id))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return a, nil
}

// alertByName returns the alert of that type, source and reference.
func (c *Client) alertByName(ctx context.Context, name string) (*Alert, error) {
	got, err := rows[*Alert](ctx, c, "alert-by-name", One(KindAlert, name).Page(0, 1))
	if err == nil && len(got) == 0 {
		err = missing("Alert", name)
	}
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return got[0], nil
}

// alertID returns the id of an alert that is named by it, or otherwise.
func (c *Client) alertID(ctx context.Context, name string) (string, error) {
	if !strings.Contains(name, ";") {
		return strings.TrimSpace(name), nil
	}
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: name})
	if err != nil {
		return "", err
	}
	return a.ID, nil
}

// AlertObservable is an observable that an alert is raised with.
type AlertObservable struct {
	DataType string `json:"dataType" minLength:"1" maxLength:"64"` // the type of the observable
	// The value.
	Data string `json:"data" minLength:"1" maxLength:"4096"`
	// Where it was seen.
	Message          string   `json:"message,omitempty" maxLength:"4096"`
	Tags             []string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // its tags
	TLP              *TLP     `json:"tlp,omitempty"`                                               // how far it may be passed on
	PAP              *PAP     `json:"pap,omitempty"`                                               // what may be done with it
	IOC              bool     `json:"ioc,omitempty"`                                               // whether it is an indicator of compromise
	Sighted          bool     `json:"sighted,omitempty"`                                           // in one's own systems
	IgnoreSimilarity bool     `json:"ignoreSimilarity,omitempty"`                                  // whether it doesn't make cases similar
}

// AlertProcedure is a technique that an alert is raised with.
type AlertProcedure struct {
	// ATT&CK technique: T1110.001.
	PatternID string `json:"patternId" pattern:"^T[0-9]{4}(\\.[0-9]{3})?$"`
	// Such as credential-access.
	Tactic string `json:"tactic,omitempty" pattern:"^[a-z-]{1,32}$"`
	// Default: the alert's date.
	OccurDate Date `json:"occurDate,omitempty"`
	// Markdown.
	Description string `json:"description,omitempty" maxLength:"4096"`
}

// CreateAlertInput is the input of [Client.CreateAlert].
type CreateAlertInput struct {
	Title string `json:"title" minLength:"1" maxLength:"512"` // its title
	// Such as siem.
	Type string `json:"type" minLength:"1" maxLength:"32"`
	// Who reports it, such as wazuh.
	Source string `json:"source" minLength:"1" maxLength:"32"`
	// The source's own id; of the same type and source one alert only.
	SourceRef string `json:"sourceRef" minLength:"1" maxLength:"128"`
	// Markdown. Empty: the title.
	Description string `json:"description,omitempty" maxLength:"1048576"`
	// When it happened. Default: now.
	Date Date `json:"date,omitempty"`
	// URL at the source.
	ExternalLink string   `json:"externalLink,omitempty" maxLength:"512"`
	Severity     Severity `json:"severity,omitempty"`                                          // how severe it is; default: medium
	TLP          *TLP     `json:"tlp,omitempty"`                                               // how far it may be passed on; nil: the default
	PAP          *PAP     `json:"pap,omitempty"`                                               // what may be done with it; nil: the default
	Tags         []string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // its tags
	// Default: New.
	Status string `json:"status,omitempty" maxLength:"64"`
	// What was found, in Markdown.
	Summary  string `json:"summary,omitempty" maxLength:"1048576"`
	Assignee string `json:"assignee,omitempty" alias:"owner" maxLength:"128"` // the login of whom it is assigned to
	// Take updates of the source.
	Follow *bool `json:"follow,omitempty"`
	// For a case made of it.
	CaseTemplate string `json:"caseTemplate,omitempty" alias:"template" maxLength:"128"`
	// By name; an array for several.
	CustomFields map[string]json.RawMessage `json:"customFields,omitempty"`
	Observables  []AlertObservable          `json:"observables,omitempty" maxItems:"100"` // what it comes with
	// ATT&CK techniques.
	Procedures []AlertProcedure `json:"procedures,omitempty" maxItems:"50"`
}

// Validate refuses dates that aren't any, and a link that is none.
func (in *CreateAlertInput) Validate() error {
	errs := []error{in.Date.checkFixed("date"), checkLink(in.ExternalLink)}
	for i, p := range in.Procedures {
		errs = append(errs, p.OccurDate.checkFixed(fmt.Sprintf("procedures[%d].occurDate", i)))
		if !techniqueID.MatchString(p.PatternID) {
			errs = append(errs, fmt.Errorf("%w: procedures[%d].patternId: %q is not the id of an ATT&CK technique", ErrInvalid, i, p.PatternID))
		}
	}
	return errors.Join(errs...)
}

// checkLink refuses what a browser shouldn't follow.
func checkLink(link string) error {
	if link == "" {
		return nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%w: externalLink: %q is no http or https URL", ErrInvalid, clip.Text(link, 80))
	}
	return nil
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

// check refuses in if the server doesn't have what it names.
func (in *CreateAlertInput) check(ctx context.Context, c *Client) error {
	if err := c.settable(ctx, KindAlertStatus, in.Status); err != nil {
		return err
	}
	for _, o := range in.Observables {
		if err := c.CheckDataType(ctx, o.DataType); err != nil {
			return err
		}
	}
	_, err := c.withFields(ctx, nil, in.CustomFields)
	return err
}

// observables are those of in, each once: TheHive before 4.1 refused an alert
// that has one twice. Of one that is given twice the tags are united.
func (in *CreateAlertInput) observables() []AlertObservable {
	var list []AlertObservable
	for _, o := range in.Observables {
		o.Data = spelling.PlainOf(o.DataType, o.Data)
		i := slices.IndexFunc(list, func(h AlertObservable) bool { return h.DataType == o.DataType && h.Data == o.Data })
		if i < 0 {
			o.Tags = unique(o.Tags)
			list = append(list, o)
			continue
		}
		h := &list[i]
		h.Tags, h.IOC, h.Sighted = unique(slices.Concat(h.Tags, o.Tags)), h.IOC || o.IOC, h.Sighted || o.Sighted
		h.Message = cmp.Or(h.Message, o.Message)
	}
	return list
}

// CreateAlert raises an alert, or returns the one that is there already.
//
// TheHive: POST /api/v1/query, listAlert; POST /api/v1/alert
func (c *Client) CreateAlert(ctx context.Context, in CreateAlertInput) (*Alert, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	switch have, err := c.byReference(ctx, in); {
	case err != nil:
		return nil, err
	case have != nil:
		have.Existing = true
		return have, nil
	}
	if err := in.check(ctx, c); err != nil {
		return nil, err
	}
	body := wire.CreateAlert{
		Title: in.Title, Type: in.Type, Source: in.Source, SourceRef: in.SourceRef, Description: cmp.Or(in.Description, in.Title), Severity: int(cmp.Or(in.Severity, Medium)),
		TLP: (*int)(in.TLP), PAP: (*int)(in.PAP), Tags: unique(in.Tags), CaseTemplate: in.CaseTemplate,
		Date: in.Date.ms(), ExternalLink: in.ExternalLink, Status: in.Status, Summary: in.Summary, Assignee: in.Assignee,
	}
	fields, err := c.withFields(ctx, nil, in.CustomFields)
	if err != nil {
		return nil, err
	}
	if fields != nil {
		body.CustomFields = *fields
	}
	for _, o := range in.observables() {
		body.Observables = append(body.Observables, wire.AlertObservable{DataType: o.DataType, Data: o.Data, Message: o.Message, Tags: o.Tags,
			TLP: (*int)(o.TLP), PAP: (*int)(o.PAP), IOC: o.IOC, Sighted: o.Sighted, IgnoreSimilarity: o.IgnoreSimilarity})
	}
	for _, p := range in.Procedures {
		at := cmp.Or(p.OccurDate.ms(), body.Date, time.Now().UnixMilli())
		body.Procedures = append(body.Procedures, wire.CreateProcedure{PatternID: p.PatternID, Tactic: p.Tactic, OccurDate: at, Description: p.Description})
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
	if err := errors.Join(in.check(ctx, c), c.checkUser(ctx, "assignee", in.Assignee)); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Raise an alert in TheHive.",
		Changes: []gate.Change{gate.Set("title", in.Title), gate.Set("type", in.Type), gate.Set("source", in.Source), gate.Set("reference", in.SourceRef), gate.Set("severity", cmp.Or(in.Severity, Medium))},
		Undo:    "Close the alert (thehive_update_alert), or delete it (thehive_delete_alert).",
	}
	p.Changes = appendSet(p.Changes, "description", in.Description)
	if in.Date != 0 {
		p.Changes = append(p.Changes, gate.Set("date", in.Date))
	}
	p.Changes = appendSet(p.Changes, "link", in.ExternalLink)
	p.Changes = appendMarking(p.Changes, in.TLP, in.PAP)
	p.Changes = appendSet(p.Changes, "tags", strings.Join(unique(in.Tags), ", "))
	p.Changes = appendSet(p.Changes, "status", in.Status)
	p.Changes = appendSet(p.Changes, "summary", in.Summary)
	p.Changes = appendSet(p.Changes, "assignee", in.Assignee)
	if in.Follow != nil {
		p.Changes = append(p.Changes, gate.Set("follow", *in.Follow))
	}
	p.Changes = appendSet(p.Changes, "template", in.CaseTemplate)
	diff{&p.Changes}.custom(nil, in.CustomFields)
	for _, o := range in.observables() {
		p.Changes = append(p.Changes, gate.Set("observable "+o.DataType, o.describe()))
	}
	for _, t := range in.Procedures {
		p.Changes = append(p.Changes, gate.Set("technique", strings.Join(slices.DeleteFunc([]string{t.PatternID, t.Tactic, t.OccurDate.String(), t.Description}, func(s string) bool { return s == "" }), ", ")))
	}
	return p, nil
}

// describe shows all of an observable in a line.
func (o AlertObservable) describe() string {
	s := o.Data
	if o.IOC {
		s += " (IOC)"
	}
	if o.Sighted {
		s += " (sighted)"
	}
	if o.TLP != nil {
		s += " TLP:" + o.TLP.String()
	}
	if o.PAP != nil {
		s += " PAP:" + o.PAP.String()
	}
	if o.IgnoreSimilarity {
		s += " (not for similarity)"
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
	return a, a.differs(body)
}

// differs says what of a isn't as it was sent.
func (a *Alert) differs(body wire.UpdateAlert) error {
	var check readBack
	check.text("title", body.Title, a.Title)
	check.pointer("description", body.Description, a.Description)
	check.number("severity", body.Severity, int(a.Severity))
	check.level("TLP", body.TLP, int(a.TLP))
	check.level("PAP", body.PAP, int(a.PAP))
	check.text("status", body.Status, a.Status)
	check.nullable("assignee", body.Assignee, a.Assignee)
	check.nullable("summary", body.Summary, a.Summary)
	check.nullable("externalLink", body.ExternalLink, a.ExternalLink)
	check.flag("follow", body.Follow, a.Follow)
	if body.Date != 0 && body.Date != jsoncodec.Milli(a.Date) {
		check.differ("date", Date(body.Date), instant(a.Date))
	}
	check.tags(body.Tags, body.AddTags, body.RemoveTags, a.Tags)
	if why := fieldsDiffer(body.CustomFields, a.CustomFields); why != "" {
		check.wrong = append(check.wrong, why)
	}
	return check.err("alert " + a.ID)
}

// An AlertField is a field of an alert that can be empty.
type AlertField string

// The fields of an alert that can be empty.
const (
	AlertAssignee     AlertField = "assignee"
	AlertSummary      AlertField = "summary"
	AlertExternalLink AlertField = "externalLink"
)

// Enum lists the values for schemas.
func (AlertField) Enum() []any { return []any{AlertAssignee, AlertSummary, AlertExternalLink} }

// UpdateAlertInput is the input of [Client.UpdateAlert]. What is left out stays.
type UpdateAlertInput struct {
	// Or type;source;sourceRef.
	AlertID string `json:"alertId" alias:"id"`
	Title   string `json:"title,omitempty" maxLength:"512"` // its title
	// Markdown.
	Description *string `json:"description,omitempty" maxLength:"1048576"`
	// When it happened.
	Date Date `json:"date,omitempty"`
	// URL at the source; empty: none.
	ExternalLink *string  `json:"externalLink,omitempty" maxLength:"512"`
	Severity     Severity `json:"severity,omitempty"` // how severe it is
	TLP          *TLP     `json:"tlp,omitempty"`      // how far it may be passed on; nil stays
	PAP          *PAP     `json:"pap,omitempty"`      // what may be done with it; nil stays
	// All it shall have.
	Tags       *[]string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"`
	AddTags    []string  `json:"addTags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"`    // tags to add to those it has
	RemoveTags []string  `json:"removeTags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // tags to take away
	// New, InProgress, Ignored, FalsePositive, … or one of the server's own, but not Imported.
	Status string `json:"status,omitempty" maxLength:"64"`
	// What was found, in Markdown.
	Summary *string `json:"summary,omitempty" maxLength:"1048576"`
	// Login; empty: nobody.
	Assignee *string `json:"assignee,omitempty" alias:"owner" maxLength:"128"`
	// Take updates of the source.
	Follow *bool `json:"follow,omitempty"`
	// By name; an array for several, null for none. The others stay.
	CustomFields map[string]json.RawMessage `json:"customFields,omitempty"`
	// Fields to empty.
	Clear []AlertField `json:"clear,omitempty" maxItems:"3"`
	// Refuse if its _updatedAt is another.
	IfUpdatedAt *Date `json:"ifUpdatedAt,omitempty"`
}

// Validate refuses an update of nothing, and what contradicts itself.
func (in *UpdateAlertInput) Validate() error {
	given := func(s *string) bool { return s != nil && *s != "" }
	for field, set := range map[AlertField]bool{AlertAssignee: given(in.Assignee), AlertSummary: given(in.Summary), AlertExternalLink: given(in.ExternalLink)} {
		if set && slices.Contains(in.Clear, field) {
			return fmt.Errorf("%w: clear: %s is set, too", ErrInvalid, field)
		}
	}
	if in.Title == "" && in.Description == nil && in.Date == 0 && in.ExternalLink == nil && in.Severity == 0 && in.TLP == nil && in.PAP == nil && in.Tags == nil && len(in.AddTags) == 0 &&
		len(in.RemoveTags) == 0 && in.Status == "" && in.Summary == nil && in.Assignee == nil && in.Follow == nil && len(in.CustomFields)+len(in.Clear) == 0 {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	if in.Tags != nil && len(in.AddTags)+len(in.RemoveTags) > 0 {
		return fmt.Errorf("%w: tags sets all tags; it doesn't go with addTags and removeTags", ErrInvalid)
	}
	if in.ExternalLink != nil {
		if err := checkLink(*in.ExternalLink); err != nil {
			return err
		}
	}
	return errors.Join(in.Date.checkFixed("date"), checkUpdatedAt(in.IfUpdatedAt))
}

// check refuses in if the alert, or the server, isn't as it supposes.
func (in *UpdateAlertInput) check(ctx context.Context, c *Client) (*Alert, error) {
	if err := c.settable(ctx, KindAlertStatus, in.Status); err != nil {
		return nil, err
	}
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return nil, err
	}
	return a, unchanged(in.IfUpdatedAt, a.UpdatedAt, a.UpdatedBy)
}

// UpdateAlert changes fields of an alert, and reads it back.
//
// TheHive: GET and PATCH /api/v1/alert/{alertId}
func (c *Client) UpdateAlert(ctx context.Context, in UpdateAlertInput) (*Alert, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	a, err := in.check(ctx, c)
	if err != nil {
		return nil, err
	}
	body := wire.UpdateAlert{
		Title: in.Title, Description: in.Description, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP), Tags: set(in.Tags),
		AddTags: unique(in.AddTags), RemoveTags: unique(in.RemoveTags), Status: in.Status, Follow: in.Follow, Date: in.Date.ms(),
		Summary:      text(in.Summary, slices.Contains(in.Clear, AlertSummary)),
		Assignee:     text(in.Assignee, slices.Contains(in.Clear, AlertAssignee)),
		ExternalLink: text(in.ExternalLink, slices.Contains(in.Clear, AlertExternalLink)),
	}
	if body.CustomFields, err = c.withFields(ctx, a.CustomFields, in.CustomFields); err != nil {
		return nil, err
	}
	return c.updateAlert(ctx, a.ID, body)
}

func (c *Client) planUpdateAlert(ctx context.Context, in UpdateAlertInput) (gate.Plan, error) {
	a, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	if _, err := c.withFields(ctx, a.CustomFields, in.CustomFields); err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkUser(ctx, "assignee", deref(in.Assignee)); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Change an alert in TheHive.", Targets: []gate.Target{a.target()}, Undo: "Set the fields back (thehive_update_alert).", Warnings: a.importedWarnings()}
	d := diff{&p.Changes}
	d.text("title", a.Title, in.Title)
	d.optional("description", a.Description, in.Description)
	if in.Date != 0 {
		d.add("date", instant(a.Date), in.Date)
	}
	d.emptied("link", a.ExternalLink, in.ExternalLink, slices.Contains(in.Clear, AlertExternalLink))
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
	d.emptied("summary", a.Summary, in.Summary, slices.Contains(in.Clear, AlertSummary))
	d.emptied("assignee", a.Assignee, in.Assignee, slices.Contains(in.Clear, AlertAssignee))
	if in.Follow != nil {
		d.add("follow", a.Follow, *in.Follow)
	}
	d.custom(a.CustomFields, in.CustomFields)
	return p, c.planReopenAlert(ctx, &p, in.Status, a)
}

// planReopenAlert tells of the right that a status needs which goes back.
func (c *Client) planReopenAlert(ctx context.Context, p *gate.Plan, status string, a *Alert) error {
	if status == "" {
		return nil
	}
	stage, err := c.stage(ctx, KindAlertStatus, status)
	if err != nil {
		return err
	}
	if a.Stage == StageClosed && stage != StageClosed || a.Stage == StageInProgress && stage == StageNew {
		p.Warnings = append(p.Warnings, c.reopenWarning(ctx, "manageAlert/reopen"))
	}
	if stage == StageClosed {
		p.Undo = "Set the fields back (thehive_update_alert); to open the alert again needs the permission manageAlert/reopen."
	}
	return nil
}

// DeleteAlertInput is the input of [Client.DeleteAlert].
type DeleteAlertInput struct {
	AlertID string `json:"alertId" alias:"id"` // the alert, by its id
}

// DeleteAlert deletes an alert with its observables and comments. Nobody can
// undo it.
//
// TheHive: DELETE /api/v1/alert/{alertId}
func (c *Client) DeleteAlert(ctx context.Context, in DeleteAlertInput) (*Deleted, error) {
	id, err := c.alertID(ctx, in.AlertID)
	if err != nil {
		return nil, err
	}
	if err := httpx.Done(c.wire.DeleteAlert(ctx, id)); err != nil {
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
	at := place{a: a}
	for _, part := range []Hop{HopObservables, HopComments, HopProcedures, HopAttachments} {
		if err := c.planLoss(ctx, &p, string(part), at.query(part)); err != nil {
			return p, err
		}
	}
	return p, nil
}
