package thehive

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// ListLinkedCasesInput is the input of [Client.ListLinkedCases].
type ListLinkedCasesInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	// Those that share most.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
}

// LinkedCases are the cases that share observables with one.
type LinkedCases struct {
	Cases []*Similar `json:"cases"` // the cases
	// How many there are in all.
	Total int `json:"total"`
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
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
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
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
}

// A Timeline is TheHive's own of a case: what people put there.
type Timeline struct {
	// Oldest first.
	Events []TimelineEntry `json:"events"`
	// How many older ones are missing here.
	LeftOut int `json:"leftOut,omitempty"`
}

// A TimelineEntry is one date in it.
type TimelineEntry struct {
	Date    time.Time `json:"date,format:unixmilli"`             // when it happened
	EndDate time.Time `json:"endDate,omitzero,format:unixmilli"` // when it ended
	// The date as RFC 3339.
	At string `json:"at"`
	// Which date of it, such as startDate or includeInTimeline.
	Kind string `json:"kind"`
	// Case, Alert, Log, Procedure, CustomEvent, …
	Entity   string          `json:"entity"`
	EntityID string          `json:"entityId"`                           // what it is about
	Details  json.RawMessage `json:"details,omitempty" untrusted:"true"` // facts of its kind, as TheHive has them
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
	sorting.Stable(got.Events, func(a, b TimelineEntry) int { return a.Date.Compare(b.Date) })
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
	CaseID string `json:"caseId"` // the case, by its id or number
	// What happened.
	Title   string `json:"title" minLength:"1" maxLength:"512"`
	Date    Date   `json:"date"`              // when it happened
	EndDate Date   `json:"endDate,omitempty"` // when it ended
	// Markdown.
	Description string `json:"description,omitempty" maxLength:"1048576"`
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
	ID          string    `json:"_id"`                                    // its id
	Title       string    `json:"title" untrusted:"true"`                 // its title
	Date        time.Time `json:"date,format:unixmilli"`                  // when it happened
	EndDate     time.Time `json:"endDate,omitzero,format:unixmilli"`      // when it ended
	Description string    `json:"description,omitempty" untrusted:"true"` // what happened
}

func (e *CustomEvent) identity() string { return e.ID }

// AddTimelineEvent puts an event into a case's timeline.
//
// TheHive: POST /api/v1/case/{caseId}/customEvent
func (c *Client) AddTimelineEvent(ctx context.Context, in AddTimelineEventInput) (*CustomEvent, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	return entity[CustomEvent](c.wire.CreateCustomEvent(ctx, id, wire.CreateCustomEvent{Title: in.Title, Date: in.Date.ms(), EndDate: in.EndDate.ms(), Description: in.Description}))
}

func (c *Client) planAddTimelineEvent(ctx context.Context, in AddTimelineEventInput) (gate.Plan, error) {
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
	ID        string    `json:"_id"`                                  // its id
	Title     string    `json:"title" untrusted:"true"`               // its title
	Category  string    `json:"category" untrusted:"true"`            // its category
	Content   string    `json:"content" untrusted:"true"`             // its text, in Markdown
	Order     int       `json:"order"`                                // its place among the pages
	CreatedBy string    `json:"_createdBy,omitempty"`                 // the login of who made it
	CreatedAt time.Time `json:"_createdAt,omitzero,format:unixmilli"` // when it was made
	UpdatedBy string    `json:"_updatedBy,omitempty"`                 // the login of who changed it last
	UpdatedAt time.Time `json:"_updatedAt,omitzero,format:unixmilli"` // when it was changed last
}

func (p *Page) identity() string { return p.ID }

// ListPagesInput is the input of [Client.ListPages].
type ListPagesInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
}

// Pages are the pages of a case.
type Pages struct {
	Pages []*Page `json:"pages"` // the pages, in their order
	// How many there are in all; at most 100 are listed.
	Total int `json:"total"`
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
	CaseID string `json:"caseId"` // the case, by its id or number
	// Default: a new one.
	PageID string `json:"pageId,omitempty"`
	// A new page needs it.
	Title string `json:"title,omitempty" maxLength:"512"`
	// A new page needs it.
	Category string `json:"category,omitempty" maxLength:"128"`
	// Markdown, in place of what was there. A new page needs it.
	Content *string `json:"content,omitempty" maxLength:"1048576"`
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
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
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
		p.Summary, p.Undo = "Change a page of a case in TheHive.", "Set the text back (thehive_write_page)."
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
	ObservableID string `json:"observableId,omitempty"` // only on this observable
	CaseID       string `json:"caseId,omitempty"`       // only on observables of this case
	// Its name.
	Analyzer string `json:"analyzer,omitempty" maxLength:"128"`
	Offset   int    `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit    int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"` // how many to return at most
}

// A JobPage is one page of analyzer jobs.
type JobPage struct {
	Jobs []*JobFacts `json:"jobs"` // the jobs
	// How many there are in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are jobs behind this page.
	More bool `json:"more"`
}

// JobFacts are what is known of a job without its report.
type JobFacts struct {
	// For thehive_get_job.
	ID           string `json:"_id"`
	AnalyzerName string `json:"analyzerName"`       // the analyzer's name
	CortexID     string `json:"cortexId,omitempty"` // which Cortex server
	// Waiting, InProgress, Success, Failure or Deleted.
	Status    string    `json:"status"`
	StartDate time.Time `json:"startDate,omitzero,format:unixmilli"` // when it began
	// Of a job that runs, when it was last looked at.
	EndDate   time.Time `json:"endDate,omitzero,format:unixmilli"`
	CreatedBy string    `json:"_createdBy,omitempty"` // the login of who made it
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`
}

// ListJobs returns one page of the analyzer jobs that were run, newest first: of an
// observable, of a case, or of all.
//
// TheHive: POST /api/v1/query, listJob, getObservable or getCase, jobs
func (c *Client) ListJobs(ctx context.Context, in ListJobsInput) (*JobPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, err := c.jobQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	got, total, err := paged[*JobFacts](ctx, c, "jobs", order{"startDate", Desc}, in.Offset, in.Limit, q)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return &JobPage{Jobs: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// Jobs returns an iterator over every analyzer job that in matches, newest first, from
// in.Offset on; each is yielded once, also when others are run on the way. A page of
// requests has in.Limit jobs; left out: 500.
func (c *Client) Jobs(ctx context.Context, in ListJobsInput) iter.Seq2[*JobFacts, error] {
	return unstamped(everything(ctx, c, "jobs", in, all[ListJobsInput, *stamped[JobFacts]](c.jobQuery)))
}

func (c *Client) jobQuery(ctx context.Context, in ListJobsInput) (Query, error) {
	q := All(KindJob)
	switch {
	case in.ObservableID != "" && in.CaseID != "":
		return q, fmt.Errorf("%w: want observableId or caseId, not both", ErrInvalid)
	case in.ObservableID != "":
		o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ObservableID})
		if err != nil {
			return q, err
		}
		q = One(KindObservable, o.ID).To(HopJobs)
	case in.CaseID != "":
		cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
		if err != nil {
			return q, err
		}
		q = inCase(cs.ID, HopObservables, HopJobs)
	}
	return q.having("analyzerName", in.Analyzer), nil
}
