package thehive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// CaseTimelineSummaryInput is the input of [Client.CaseTimelineSummary].
type CaseTimelineSummaryInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	// The newest.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"`
}

// A CaseTimeline is what happened in a case so far.
type CaseTimeline struct {
	Case CaseSummary `json:"case"` // the case
	// How much there is in the case in all.
	Counts CaseCounts `json:"counts"`
	// What happened, oldest first.
	Events []TimelineEvent `json:"events"`
	// How many events there are in all.
	Total int `json:"total"`
	// How many events are missing here, all older than those shown.
	LeftOut int `json:"leftOut"`
}

// A CaseSummary holds the facts of a case.
type CaseSummary struct {
	ID           string    `json:"_id"`                                 // its id
	Number       int       `json:"number"`                              // the number a person calls it by
	Title        string    `json:"title" untrusted:"true"`              // its title
	Severity     Severity  `json:"severity"`                            // how severe it is
	TLP          TLP       `json:"tlp"`                                 // how far it may be passed on
	PAP          PAP       `json:"pap"`                                 // what may be done with it
	Status       string    `json:"status"`                              // its status
	Stage        Stage     `json:"stage"`                               // how far it is
	ImpactStatus string    `json:"impactStatus,omitempty"`              // whether there was an impact
	Assignee     string    `json:"assignee,omitempty"`                  // the login of whom it is assigned to
	Tags         []string  `json:"tags,omitempty" untrusted:"true"`     // its tags
	Summary      string    `json:"summary,omitempty" untrusted:"true"`  // what came of it
	CreatedBy    string    `json:"createdBy,omitempty"`                 // the login of who made it
	CreatedAt    time.Time `json:"createdAt,format:unixmilli"`          // when it was made
	UpdatedAt    time.Time `json:"updatedAt,omitzero,format:unixmilli"` // when it was changed last
	EndDate      time.Time `json:"endDate,omitzero,format:unixmilli"`   // when it ended
}

// CaseCounts says how much there is in a case.
type CaseCounts struct {
	Tasks       int `json:"tasks"`       // tasks
	OpenTasks   int `json:"openTasks"`   // tasks that have not ended
	TaskLogs    int `json:"taskLogs"`    // entries in the logs of tasks
	Observables int `json:"observables"` // observables
	Comments    int `json:"comments"`    // comments
	Alerts      int `json:"alerts"`      // alerts that were merged into it
}

// EventKind says what a [TimelineEvent] is.
type EventKind string

// The kinds of events.
const (
	EventCaseCreated EventKind = "caseCreated"
	EventCaseClosed  EventKind = "caseClosed"
	EventTask        EventKind = "taskCreated"
	EventTaskEnded   EventKind = "taskEnded"
	EventTaskLog     EventKind = "taskLog"
	EventObservable  EventKind = "observableAdded"
	EventComment     EventKind = "comment"
	EventAlert       EventKind = "alertAdded"
)

// A TimelineEvent is one thing that happened in a case.
type TimelineEvent struct {
	Date time.Time `json:"date,format:unixmilli"` // when it happened
	// caseCreated, caseClosed, taskCreated, taskEnded, taskLog, observableAdded, comment or alertAdded.
	Kind EventKind `json:"kind"`
	// Id of the case, task, log entry, observable, comment or alert.
	ID string `json:"id"`
	// Login of who did it.
	By string `json:"by,omitempty"`
	// Present status of the case or task.
	Status string `json:"status,omitempty"`
	// Type of the observable.
	Type string `json:"dataType,omitempty"`
	IOC  bool   `json:"ioc,omitempty"`         // whether it is an indicator of compromise
	Text string `json:"text" untrusted:"true"` // what happened
	// Whether the text is longer than shown.
	Cut bool `json:"cut,omitempty"`
	// Whether the user behind this key did it.
	Ours bool `json:"ours,omitempty"`
}

// eventText is how many bytes of a text an event shows.
const eventText = 1000

// maxTimelineTasks bounds the tasks that are looked at. Each beyond them counts
// as one event.
const maxTimelineTasks = 500

// CaseTimelineSummary returns the facts of a case and what happened in it: its
// tasks, their logs, observables, comments and alerts in the order of time. Of a long
// history it returns the newest part and says how much is left out. What the
// user behind the key did is marked.
//
// TheHive: GET /api/v1/case/{caseId}, GET /api/v1/user/current; POST /api/v1/query, getCase with tasks, logs, observables, comments, alerts
func (c *Client) CaseTimelineSummary(ctx context.Context, in CaseTimelineSummaryInput) (*CaseTimeline, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, err
	}
	t := &CaseTimeline{Case: CaseSummary{
		ID: cs.ID, Number: cs.Number, Title: cs.Title, Severity: cs.Severity, TLP: cs.TLP, PAP: cs.PAP,
		Status: cs.Status, Stage: cs.Stage, ImpactStatus: cs.ImpactStatus, Assignee: cs.Assignee, Tags: cs.Tags, Summary: cs.Summary,
		CreatedBy: cs.CreatedBy, CreatedAt: cs.CreatedAt, UpdatedAt: cs.UpdatedAt, EndDate: cs.EndDate,
	}}
	t.add(TimelineEvent{Date: cs.CreatedAt, Kind: EventCaseCreated, ID: cs.ID, By: cs.CreatedBy}, cs.Title)
	if cs.Stage == StageClosed && !cs.EndDate.IsZero() {
		t.add(TimelineEvent{Date: cs.EndDate, Kind: EventCaseClosed, ID: cs.ID, Status: cs.Status}, cs.Summary)
	}
	beyond, err := c.timelineTasks(ctx, t, cs.ID)
	if err != nil {
		return nil, err
	}
	older, err := c.timelineRest(ctx, t, cs.ID, in.Limit)
	if err != nil {
		return nil, err
	}
	sorting.Stable(t.Events, func(a, b TimelineEvent) int { return a.Date.Compare(b.Date) })
	t.Total = len(t.Events) + beyond + older
	if cut := len(t.Events) - in.Limit; cut > 0 {
		t.Events = slices.Clone(t.Events[cut:])
	}
	t.LeftOut = t.Total - len(t.Events)
	u, err := c.GetCurrentUser(ctx, GetCurrentUserInput{})
	if err != nil {
		return nil, err
	}
	for i := range t.Events {
		t.Events[i].Ours = t.Events[i].By == u.Login
	}
	return t, nil
}

// timelineTasks adds the tasks: each when it was made and, if so, when it
// ended. It returns how many weren't looked at, which are older.
func (c *Client) timelineTasks(ctx context.Context, t *CaseTimeline, id string) (beyond int, err error) {
	tasks, total, err := paged[*Task](ctx, c, "timeline-tasks", order{"_createdAt", Desc}, 0, maxTimelineTasks, inCase(id, HopTasks))
	if err != nil {
		return 0, err
	}
	t.Counts.Tasks = total
	for _, k := range tasks {
		e := TimelineEvent{Date: k.CreatedAt, Kind: EventTask, ID: k.ID, By: k.CreatedBy, Status: string(k.Status)}
		t.add(e, k.Title)
		switch {
		case k.Status == TaskWaiting || k.Status == TaskInProgress:
			t.Counts.OpenTasks++
		case !k.EndDate.IsZero():
			e.Date, e.Kind, e.By = k.EndDate, EventTaskEnded, k.Assignee
			t.add(e, k.Title)
		}
	}
	if beyond = total - len(tasks); beyond > 0 {
		t.Counts.OpenTasks, err = count(ctx, c, "timeline-open-tasks", inCase(id, HopTasks).Where(openTasks()))
	}
	return beyond, err
}

// timelineRest adds the newest limit of everything else. It returns how much
// there is beyond that, all older.
func (c *Client) timelineRest(ctx context.Context, t *CaseTimeline, id string, limit int) (older int, err error) {
	logs, n, err := paged[*TaskLog](ctx, c, "timeline-logs", order{"date", Desc}, 0, limit, inCase(id, HopTasks, HopLogs))
	if err != nil {
		return 0, err
	}
	t.Counts.TaskLogs, older = n, older+n-len(logs)
	for _, l := range logs {
		t.add(TimelineEvent{Date: l.Date, Kind: EventTaskLog, ID: l.ID, By: cmp.Or(l.Owner, l.CreatedBy)}, l.Message)
	}
	observables, n, err := paged[*Observable](ctx, c, "timeline-observables", order{"_createdAt", Desc}, 0, limit, inCase(id, HopObservables))
	if err != nil {
		return 0, err
	}
	t.Counts.Observables, older = n, older+n-len(observables)
	for _, o := range observables {
		text := cmp.Or(o.Data, "a file")
		if o.Message != "" {
			text += ": " + o.Message
		}
		t.add(TimelineEvent{Date: o.CreatedAt, Kind: EventObservable, ID: o.ID, By: o.CreatedBy, Type: o.DataType, IOC: o.IOC}, text)
	}
	comments, n, err := paged[*Comment](ctx, c, "timeline-comments", order{"_createdAt", Desc}, 0, limit, inCase(id, HopComments))
	if err != nil {
		return 0, err
	}
	t.Counts.Comments, older = n, older+n-len(comments)
	for _, m := range comments {
		t.add(TimelineEvent{Date: m.CreatedAt, Kind: EventComment, ID: m.ID, By: m.CreatedBy}, m.Message)
	}
	alerts, n, err := paged[*Alert](ctx, c, "timeline-alerts", order{"_createdAt", Desc}, 0, limit, inCase(id, HopAlerts))
	if err != nil {
		return 0, err
	}
	t.Counts.Alerts, older = n, older+n-len(alerts)
	for _, a := range alerts {
		t.add(TimelineEvent{Date: cmp.Or(a.ImportedDate, a.CreatedAt), Kind: EventAlert, ID: a.ID, By: a.Source, Status: a.Status}, a.Title)
	}
	return older, nil
}

// add appends e with as much of text as fits.
func (t *CaseTimeline) add(e TimelineEvent, text string) {
	e.Text = strings.TrimSpace(text)
	if n := eventText; len(e.Text) > n {
		for n > 0 && !utf8.RuneStart(e.Text[n]) {
			n--
		}
		e.Text, e.Cut = e.Text[:n], true
	}
	t.Events = append(t.Events, e)
}

// String returns e in one line.
func (e TimelineEvent) String() string {
	return fmt.Sprintf("%s %s %s %s", instant(e.Date), e.Kind, e.ID, e.Text)
}
