package thehive

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// ListLinkedCasesInput is the input of [Client.ListLinkedCases].
type ListLinkedCasesInput struct {
	CaseID string `json:"caseId" alias:"id"`
	Limit  int    `json:"limit,omitempty" jsonschema:"Those that share most." minimum:"1" maximum:"100" default:"20"`
}

// LinkedCases are the cases that share observables with one.
type LinkedCases struct {
	Cases []*Similar `json:"cases"`
	Total int        `json:"total" jsonschema:"How many there are in all."`
}

// linkedCase is one as TheHive tells it.
type linkedCase struct {
	ownerFacts
	LinksCount int           `json:"linksCount"`
	LinkedWith []*Observable `json:"linkedWith"`
}

// ListLinkedCases returns the cases that share observables with one, those that
// share most first: "seen before?".
//
// TheHive: GET /api/v1/case/{caseId}/links
func (c *Client) ListLinkedCases(ctx context.Context, in ListLinkedCasesInput) (*LinkedCases, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	got, err := listed[*linkedCase](c.wire.ListLinkedCases(ctx, id))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	out := &LinkedCases{Cases: []*Similar{}, Total: len(got)}
	for _, l := range got {
		if l == nil { // a null is no case
			continue
		}
		l.LinkedWith = slices.DeleteFunc(l.LinkedWith, func(o *Observable) bool { return o == nil })
		s := &Similar{Kind: "case", ID: l.ID, Number: l.Number, Title: l.Title, Status: l.Status, Stage: l.Stage, Shared: cmp.Or(l.LinksCount, len(l.LinkedWith))}
		for _, o := range l.LinkedWith[:min(len(l.LinkedWith), 5)] {
			s.Examples = append(s.Examples, o.DataType+" "+o.value())
		}
		out.Cases = append(out.Cases, s)
	}
	slices.SortStableFunc(out.Cases, func(a, b *Similar) int {
		return cmp.Or(cmp.Compare(b.Shared, a.Shared), cmp.Compare(b.Number, a.Number))
	})
	out.Cases = out.Cases[:min(len(out.Cases), in.Limit)]
	return out, nil
}

// GetCaseTimelineInput is the input of [Client.GetCaseTimeline].
type GetCaseTimelineInput struct {
	CaseID string `json:"caseId" alias:"id"`
}

// A Timeline is TheHive's own of a case: what people put there.
type Timeline struct {
	Events  []TimelineEntry `json:"events" jsonschema:"Oldest first."`
	LeftOut int             `json:"leftOut,omitempty" jsonschema:"How many older ones are missing here."`
}

// A TimelineEntry is one date in it.
type TimelineEntry struct {
	Date     time.Time       `json:"date,format:unixmilli" jsonschema:"Milliseconds since 1970."`
	EndDate  time.Time       `json:"endDate,omitzero,format:unixmilli" jsonschema:"Milliseconds since 1970."`
	At       string          `json:"at" jsonschema:"The date as RFC 3339."`
	Kind     string          `json:"kind" jsonschema:"Which date of it, such as startDate or includeInTimeline."`
	Entity   string          `json:"entity" jsonschema:"Case, Alert, Log, Procedure, CustomEvent, …"`
	EntityID string          `json:"entityId"`
	Details  json.RawMessage `json:"details,omitempty" untrusted:"true"`
}

// maxTimeline bounds the entries of a timeline.
const maxTimeline = 500

// GetCaseTimeline returns TheHive's own timeline of a case: its dates, alerts,
// techniques, sightings, the log entries that were put there, and custom events.
// [Client.CaseTimelineSummary] tells all that happened.
//
// TheHive: GET /api/v1/case/{caseId}/timeline
func (c *Client) GetCaseTimeline(ctx context.Context, in GetCaseTimelineInput) (*Timeline, error) {
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	got, err := httpx.JSON[Timeline](c.wire.GetTimeline(ctx, id))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	slices.SortStableFunc(got.Events, func(a, b TimelineEntry) int { return a.Date.Compare(b.Date) })
	if more := len(got.Events) - maxTimeline; more > 0 {
		got.Events, got.LeftOut = slices.Clone(got.Events[more:]), more
	}
	for i := range got.Events {
		got.Events[i].At = instant(got.Events[i].Date)
	}
	return got, nil
}

// AddTimelineEventInput is the input of [Client.AddTimelineEvent].
type AddTimelineEventInput struct {
	CaseID      string `json:"caseId"`
	Title       string `json:"title" jsonschema:"What happened." minLength:"1" maxLength:"512"`
	Date        Date   `json:"date"`
	EndDate     Date   `json:"endDate,omitempty"`
	Description string `json:"description,omitempty" jsonschema:"Markdown." maxLength:"1048576"`
}

// Validate refuses what has no date, or ends before it begins.
func (in *AddTimelineEventInput) Validate() error {
	for name, d := range map[string]Date{"date": in.Date, "endDate": in.EndDate} {
		if err := d.checkFixed(name); err != nil {
			return err
		}
	}
	switch {
	case in.Date == 0:
		return fmt.Errorf("%w: date: is missing", ErrInvalid)
	case in.EndDate != 0 && in.EndDate < in.Date:
		return fmt.Errorf("%w: endDate: lies before date", ErrInvalid)
	}
	return nil
}

// A CustomEvent is an event that somebody put into a case's timeline.
type CustomEvent struct {
	ID          string    `json:"_id"`
	Title       string    `json:"title" untrusted:"true"`
	Date        time.Time `json:"date,format:unixmilli" jsonschema:"Milliseconds since 1970."`
	EndDate     time.Time `json:"endDate,omitzero,format:unixmilli" jsonschema:"Milliseconds since 1970."`
	Description string    `json:"description,omitempty" untrusted:"true"`
}

func (e *CustomEvent) identity() string { return e.ID }

// AddTimelineEvent puts an event into a case's timeline.
//
// TheHive: POST /api/v1/case/{caseId}/customEvent
func (c *Client) AddTimelineEvent(ctx context.Context, in AddTimelineEventInput) (*CustomEvent, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	return entity[CustomEvent](c.wire.CreateCustomEvent(ctx, id, wire.CreateCustomEvent{Title: in.Title, Date: in.Date.ms(), EndDate: in.EndDate.ms(), Description: in.Description}))
}

func (c *Client) planAddTimelineEvent(ctx context.Context, in AddTimelineEventInput) (gate.Plan, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return gate.Plan{}, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Put an event into the timeline of a case in TheHive.", Targets: []gate.Target{cs.place()},
		Changes: []gate.Change{gate.Set("title", in.Title), gate.Set("on", in.Date)}, Undo: "Delete the event (thehive_delete_part).", Warnings: cs.closedWarnings()}
	if in.EndDate != 0 {
		p.Changes = append(p.Changes, gate.Set("until", in.EndDate))
	}
	p.Changes = appendSet(p.Changes, "description", in.Description)
	return p, nil
}

// A Page is a page of notes in a case.
type Page struct {
	ID        string    `json:"_id"`
	Title     string    `json:"title" untrusted:"true"`
	Category  string    `json:"category" untrusted:"true"`
	Content   string    `json:"content" untrusted:"true"`
	Order     int       `json:"order"`
	CreatedBy string    `json:"_createdBy,omitempty"`
	CreatedAt time.Time `json:"_createdAt,omitzero,format:unixmilli" jsonschema:"Milliseconds since 1970."`
	UpdatedBy string    `json:"_updatedBy,omitempty"`
	UpdatedAt time.Time `json:"_updatedAt,omitzero,format:unixmilli" jsonschema:"Milliseconds since 1970."`
}

func (p *Page) identity() string { return p.ID }

// ListPagesInput is the input of [Client.ListPages].
type ListPagesInput struct {
	CaseID string `json:"caseId" alias:"id"`
}

// Pages are the pages of a case.
type Pages struct {
	Pages []*Page `json:"pages"`
	Total int     `json:"total" jsonschema:"How many there are in all; at most 100 are listed."`
}

// ListPages returns the pages of a case, at most 100.
//
// TheHive: POST /api/v1/query, getCase, pages
func (c *Client) ListPages(ctx context.Context, in ListPagesInput) (*Pages, error) {
	cs, err := c.GetCase(ctx, GetCaseInput(in))
	if err != nil {
		return nil, err
	}
	got, total, err := paged[*Page](ctx, c, "case-pages", order{"order", Asc}, 0, 100, inCase(cs.ID, HopPages))
	if err != nil {
		return nil, err
	}
	return &Pages{Pages: got, Total: total}, nil
}

// WritePageInput is the input of [Client.WritePage].
type WritePageInput struct {
	CaseID   string  `json:"caseId"`
	PageID   string  `json:"pageId,omitempty" jsonschema:"Default: a new one."`
	Title    string  `json:"title,omitempty" jsonschema:"A new page needs it." maxLength:"512"`
	Category string  `json:"category,omitempty" jsonschema:"A new page needs it." maxLength:"128"`
	Content  *string `json:"content,omitempty" jsonschema:"Markdown, in place of what was there. A new page needs it." maxLength:"1048576"`
}

// Validate refuses a new page without its parts, and a change of nothing.
func (in *WritePageInput) Validate() error {
	switch {
	case in.PageID == "" && (in.Title == "" || in.Category == "" || in.Content == nil):
		return fmt.Errorf("%w: a new page needs title, category and content", ErrInvalid)
	case in.Title == "" && in.Category == "" && in.Content == nil:
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return nil
}

// page returns a page of a case.
func (c *Client) page(ctx context.Context, caseID, id string) (*Page, error) {
	got, err := rows[*Page](ctx, c, "page", inCase(caseID, HopPages).Where(ID(id)).Page(0, 1))
	if err == nil && len(got) == 0 {
		err = missing("Page", id)
	}
	if err != nil {
		return nil, err
	}
	return got[0], nil
}

// WritePage adds a page to a case, or changes one and reads it back.
//
// TheHive: POST /api/v1/case/{caseId}/page, PATCH /api/v1/case/{caseId}/page/{pageId}
func (c *Client) WritePage(ctx context.Context, in WritePageInput) (*Page, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, err
	}
	body := wire.WritePage{Title: in.Title, Category: in.Category, Content: in.Content}
	if in.PageID == "" {
		return entity[Page](c.wire.CreatePage(ctx, cs.ID, body))
	}
	if err := httpx.Done(c.wire.UpdatePage(ctx, cs.ID, in.PageID, body)); err != nil {
		return nil, err
	}
	p, err := c.page(ctx, cs.ID, in.PageID)
	if err != nil {
		return nil, fmt.Errorf("thehive: the page was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	var check readBack
	check.text("title", in.Title, p.Title)
	check.text("category", in.Category, p.Category)
	check.pointer("content", in.Content, p.Content)
	return p, check.err("page " + p.ID)
}

func (c *Client) planWritePage(ctx context.Context, in WritePageInput) (gate.Plan, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return gate.Plan{}, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Add a page to a case in TheHive.", Targets: []gate.Target{cs.place()}, Undo: "Delete the page (thehive_delete_part).", Warnings: cs.closedWarnings()}
	have := &Page{}
	if in.PageID != "" {
		if have, err = c.page(ctx, cs.ID, in.PageID); err != nil {
			return p, err
		}
		p.Summary, p.Undo = "Change a page of a case in TheHive.", "Set the text back."
		p.Targets = append(p.Targets, gate.Target{Kind: "page", ID: have.ID, Name: have.Title, Version: fmt.Sprintf("updated %d", jsoncodec.Milli(have.UpdatedAt))})
	}
	d := diff{&p.Changes}
	d.text("title", have.Title, in.Title)
	d.text("category", have.Category, in.Category)
	d.optional("content", have.Content, in.Content)
	return p, nil
}

// ListJobsInput is the input of [Client.ListJobs].
type ListJobsInput struct {
	ObservableID string `json:"observableId,omitempty"`
	CaseID       string `json:"caseId,omitempty"`
	Analyzer     string `json:"analyzer,omitempty" jsonschema:"Its name." maxLength:"128"`
	Offset       int    `json:"offset,omitempty" minimum:"0"`
	Limit        int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"`
}

// A JobPage is one page of analyzer jobs.
type JobPage struct {
	Jobs   []*JobFacts `json:"jobs"`
	Total  int         `json:"total" jsonschema:"How many there are in all."`
	Offset int         `json:"offset"`
	More   bool        `json:"more" jsonschema:"Whether there are jobs behind this page."`
}

// JobFacts are what is known of a job without its report.
type JobFacts struct {
	ID           string    `json:"_id" jsonschema:"For thehive_get_job."`
	AnalyzerName string    `json:"analyzerName"`
	CortexID     string    `json:"cortexId,omitempty"`
	Status       string    `json:"status" jsonschema:"Waiting, InProgress, Success, Failure or Deleted."`
	StartDate    time.Time `json:"startDate,omitzero,format:unixmilli" jsonschema:"Milliseconds since 1970."`
	EndDate      time.Time `json:"endDate,omitzero,format:unixmilli" jsonschema:"Milliseconds since 1970; of a job that runs, when it was last looked at."`
	CreatedBy    string    `json:"_createdBy,omitempty"`
}

// ListJobs returns one page of the analyzer jobs that were run, newest first: of an
// observable, of a case, or of all.
//
// TheHive: POST /api/v1/query, listJob, getObservable or getCase, jobs
func (c *Client) ListJobs(ctx context.Context, in ListJobsInput) (*JobPage, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	q := All(KindJob)
	switch {
	case in.ObservableID != "" && in.CaseID != "":
		return nil, fmt.Errorf("%w: want observableId or caseId, not both", ErrInvalid)
	case in.ObservableID != "":
		o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ObservableID})
		if err != nil {
			return nil, err
		}
		q = One(KindObservable, o.ID).To(HopJobs)
	case in.CaseID != "":
		cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
		if err != nil {
			return nil, err
		}
		q = inCase(cs.ID, HopObservables, HopJobs)
	}
	got, total, err := paged[*JobFacts](ctx, c, "jobs", order{"startDate", Desc}, in.Offset, in.Limit, q.having("analyzerName", in.Analyzer))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return &JobPage{Jobs: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}
