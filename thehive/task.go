package thehive

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// TaskStatus is how far a task is. TheHive has these and no others.
type TaskStatus string

// The task statuses.
const (
	TaskWaiting    TaskStatus = "Waiting"
	TaskInProgress TaskStatus = "InProgress"
	TaskCompleted  TaskStatus = "Completed"
	TaskCancelled  TaskStatus = "Cancel"
)

// Enum lists the values for schemas.
func (TaskStatus) Enum() []any {
	return []any{TaskWaiting, TaskInProgress, TaskCompleted, TaskCancelled}
}

// openTasks keeps the tasks that are neither done nor cancelled.
func openTasks() Filter { return In("status", []TaskStatus{TaskWaiting, TaskInProgress}) }

// A Task is a piece of work in a case.
type Task struct {
	ID          string     `json:"_id"`
	Title       string     `json:"title" untrusted:"true"`
	Description string     `json:"description,omitempty" untrusted:"true"`
	Group       string     `json:"group,omitempty"`
	Status      TaskStatus `json:"status"`
	Flag        bool       `json:"flag,omitempty"`
	Order       int        `json:"order"`
	Mandatory   bool       `json:"mandatory,omitempty" jsonschema:"Whether the case shouldn't be closed before it is done."`
	Assignee    string     `json:"assignee,omitempty"`
	StartDate   int64      `json:"startDate,omitempty" jsonschema:"Milliseconds since 1970."`
	EndDate     int64      `json:"endDate,omitempty" jsonschema:"Milliseconds since 1970."`
	DueDate     int64      `json:"dueDate,omitempty" jsonschema:"Milliseconds since 1970."`
	CreatedBy   string     `json:"_createdBy,omitempty"`
	CreatedAt   int64      `json:"_createdAt,omitempty" jsonschema:"Milliseconds since 1970."`
	UpdatedBy   string     `json:"_updatedBy,omitempty"`
	UpdatedAt   int64      `json:"_updatedAt,omitempty" jsonschema:"Milliseconds since 1970."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

func (t *Task) identity() string { return t.ID }

// target is t as the plan of a change shows it.
func (t *Task) target() gate.Target {
	return gate.Target{Kind: "task", ID: t.ID, Name: t.Title, Version: fmt.Sprintf("%s, updated %d", t.Status, t.UpdatedAt)}
}

// ListTasksInput is the input of [Client.ListTasks]. What is left out doesn't filter.
type ListTasksInput struct {
	CaseID   string     `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Status   TaskStatus `json:"status,omitempty" jsonschema:"Only tasks of this status."`
	Assignee string     `json:"assignee,omitempty" jsonschema:"Only tasks of this user's login." alias:"owner" maxLength:"128"`
	Offset   int        `json:"offset,omitempty" jsonschema:"How many tasks to skip." minimum:"0"`
	Limit    int        `json:"limit,omitempty" jsonschema:"How many tasks to return." minimum:"1" maximum:"500"`
}

// SetDefaults fills the fields left at zero.
func (in *ListTasksInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// A TaskPage is one page of tasks.
type TaskPage struct {
	Tasks  []*Task `json:"tasks"`
	Total  int     `json:"total" jsonschema:"How many tasks match in all."`
	Offset int     `json:"offset"`
	More   bool    `json:"more" jsonschema:"Whether there are tasks behind this page."`
}

// ListTasks returns one page of a case's tasks, in their order. An unknown case
// is [ErrNotFound].
//
// TheHive: POST /api/v1/query, getCase, tasks
func (c *Client) ListTasks(ctx context.Context, in ListTasksInput) (*TaskPage, error) {
	in.SetDefaults()
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, err
	}
	q := inCase(cs.ID, HopTasks)
	if in.Status != "" {
		q = q.Where(Eq("status", in.Status))
	}
	if in.Assignee != "" {
		q = q.Where(Eq("assignee", in.Assignee))
	}
	got, total, err := paged[*Task](ctx, c, "case-tasks", order{"order", Asc}, in.Offset, in.Limit, q)
	if err != nil {
		return nil, err
	}
	return &TaskPage{Tasks: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// GetTaskInput is the input of [Client.GetTask].
type GetTaskInput struct {
	TaskID string `json:"taskId" jsonschema:"Task id (~8192)." alias:"id"`
}

// GetTask returns one task. An unknown one is [ErrNotFound].
//
// TheHive: GET /api/v1/task/{taskId}
func (c *Client) GetTask(ctx context.Context, in GetTaskInput) (*Task, error) {
	return c.task(ctx, in.TaskID)
}

// UpdateTaskInput is the input of [Client.UpdateTask]. What is left out stays.
type UpdateTaskInput struct {
	TaskID      string     `json:"taskId" jsonschema:"Task id (~8192)." alias:"id"`
	Title       string     `json:"title,omitempty" jsonschema:"What is to be done." maxLength:"128"`
	Description *string    `json:"description,omitempty" jsonschema:"Markdown." maxLength:"1048576"`
	Status      TaskStatus `json:"status,omitempty" jsonschema:"How far it is."`
	Flag        *bool      `json:"flag,omitempty" jsonschema:"Whether it is flagged."`
	Order       *int       `json:"order,omitempty" jsonschema:"Place in the list of tasks." minimum:"0" maximum:"100000"`
	Group       string     `json:"group,omitempty" jsonschema:"Heading that it stands under." maxLength:"64"`
	Assignee    string     `json:"assignee,omitempty" jsonschema:"Login of the user who is to do it." alias:"owner" maxLength:"128"`
	DueDate     int64      `json:"dueDate,omitempty" jsonschema:"When it is due, in milliseconds since 1970." minimum:"0"`
	IfUpdatedAt *int64     `json:"ifUpdatedAt,omitempty" jsonschema:"Refuse unless this is still the _updatedAt of the task (0: never updated)." minimum:"0"`
}

// Validate refuses an update of nothing, and a due date that isn't in milliseconds.
func (in *UpdateTaskInput) Validate() error {
	if in.Title == "" && in.Description == nil && in.Status == "" && in.Flag == nil && in.Order == nil && in.Group == "" && in.Assignee == "" && in.DueDate == 0 {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return checkDate("dueDate", in.DueDate)
}

// check refuses in if the task isn't as it supposes.
func (in *UpdateTaskInput) check(ctx context.Context, c *Client) (*Task, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	t, err := c.task(ctx, in.TaskID)
	if err != nil {
		return nil, err
	}
	return t, unchanged(in.IfUpdatedAt, t.UpdatedAt, t.UpdatedBy)
}

// UpdateTask changes fields of a task.
//
// TheHive: GET and PATCH /api/v1/task/{taskId}
func (c *Client) UpdateTask(ctx context.Context, in UpdateTaskInput) (*Task, error) {
	if _, err := in.check(ctx, c); err != nil {
		return nil, err
	}
	body := wire.UpdateTask{Title: in.Title, Description: in.Description, Status: string(in.Status), Flag: in.Flag, Group: in.Group, Assignee: in.Assignee, DueDate: in.DueDate}
	if in.Order != nil {
		n := int32(*in.Order)
		body.Order = &n
	}
	if err := httpx.Done(c.wire.UpdateTask(ctx, in.TaskID, body)); err != nil {
		return nil, err
	}
	t, err := c.task(ctx, in.TaskID)
	if err != nil {
		return nil, fmt.Errorf("thehive: the task was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	return t, nil
}

func (c *Client) planUpdateTask(ctx context.Context, in UpdateTaskInput) (gate.Plan, error) {
	t, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Change a task in TheHive.", Targets: []gate.Target{t.target()}, Undo: "Set the fields back."}
	d := diff{&p.Changes}
	d.text("title", t.Title, in.Title)
	d.optional("description", t.Description, in.Description)
	d.text("status", string(t.Status), string(in.Status))
	if in.Flag != nil {
		d.add("flag", t.Flag, *in.Flag)
	}
	if in.Order != nil {
		d.add("order", t.Order, *in.Order)
	}
	d.text("group", t.Group, in.Group)
	d.text("assignee", t.Assignee, in.Assignee)
	if in.DueDate != 0 {
		before := ""
		if t.DueDate != 0 {
			before = instant(t.DueDate)
		}
		d.add("due", before, instant(in.DueDate))
	}
	return p, nil
}

// CreateTaskInput is the input of [Client.CreateTask].
type CreateTaskInput struct {
	CaseID      string     `json:"caseId" jsonschema:"Case id (~4096) or case number."`
	Title       string     `json:"title" jsonschema:"What is to be done." minLength:"1" maxLength:"128"`
	Description string     `json:"description,omitempty" jsonschema:"Markdown." maxLength:"1048576"`
	Status      TaskStatus `json:"status,omitempty" jsonschema:"How far it is. Left out: Waiting."`
	Flag        bool       `json:"flag,omitempty" jsonschema:"Whether to flag the task."`
	Order       int        `json:"order,omitempty" jsonschema:"Place in the list of tasks." minimum:"0" maximum:"100000"`
	Group       string     `json:"group,omitempty" jsonschema:"Heading that it stands under. Left out: default." maxLength:"64"`
	Assignee    string     `json:"assignee,omitempty" jsonschema:"Login of the user who is to do it." alias:"owner" maxLength:"128"`
	DueDate     int64      `json:"dueDate,omitempty" jsonschema:"When it is due, in milliseconds since 1970." minimum:"0"`
}

// Validate refuses a due date that isn't in milliseconds.
func (in *CreateTaskInput) Validate() error { return checkDate("dueDate", in.DueDate) }

// CreateTask adds a task to a case.
//
// TheHive: POST /api/v1/case/{caseId}/task
func (c *Client) CreateTask(ctx context.Context, in CreateTaskInput) (*Task, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	return entity[Task](c.wire.CreateTask(ctx, in.CaseID, wire.CreateTask{
		Title: in.Title, Description: in.Description, Status: string(in.Status), Flag: in.Flag, Order: int32(in.Order),
		Group: in.Group, Assignee: in.Assignee, DueDate: in.DueDate,
	}))
}

func (c *Client) planCreateTask(ctx context.Context, in CreateTaskInput) (gate.Plan, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  "Add a task to a case in TheHive.",
		Targets:  []gate.Target{cs.place()},
		Changes:  []gate.Change{gate.Set("title", in.Title)},
		Undo:     "Delete or cancel the task.",
		Warnings: cs.closedWarnings(),
	}
	p.Changes = appendSet(p.Changes, "description", in.Description)
	p.Changes = appendSet(p.Changes, "status", in.Status)
	p.Changes = appendSet(p.Changes, "flag", in.Flag)
	p.Changes = appendSet(p.Changes, "order", in.Order)
	p.Changes = appendSet(p.Changes, "group", in.Group)
	p.Changes = appendSet(p.Changes, "assignee", in.Assignee)
	if in.DueDate != 0 {
		p.Changes = append(p.Changes, gate.Set("due", instant(in.DueDate)))
	}
	return p, nil
}

// A TaskLog is an entry in a task's log.
type TaskLog struct {
	ID                string `json:"_id"`
	Message           string `json:"message" untrusted:"true"`
	Date              int64  `json:"date" jsonschema:"Milliseconds since 1970."`
	Owner             string `json:"owner,omitempty"`
	IncludeInTimeline int64  `json:"includeInTimeline,omitempty" jsonschema:"The date under which the case's timeline shows it, in milliseconds since 1970."`
	CreatedBy         string `json:"_createdBy,omitempty"`
	CreatedAt         int64  `json:"_createdAt,omitempty" jsonschema:"Milliseconds since 1970."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

func (l *TaskLog) identity() string { return l.ID }

// ListTaskLogsInput is the input of [Client.ListTaskLogs].
type ListTaskLogsInput struct {
	TaskID string `json:"taskId" jsonschema:"Task id (~8192)." alias:"id"`
	Offset int    `json:"offset,omitempty" jsonschema:"How many entries to skip." minimum:"0"`
	Limit  int    `json:"limit,omitempty" jsonschema:"How many entries to return." minimum:"1" maximum:"500"`
}

// SetDefaults fills the fields left at zero.
func (in *ListTaskLogsInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// A TaskLogPage is one page of log entries.
type TaskLogPage struct {
	Logs   []*TaskLog `json:"logs"`
	Total  int        `json:"total" jsonschema:"How many entries there are in all."`
	Offset int        `json:"offset"`
	More   bool       `json:"more" jsonschema:"Whether there are entries behind this page."`
}

// ListTaskLogs returns one page of a task's log, newest first. An unknown task
// is [ErrNotFound].
//
// TheHive: POST /api/v1/query, getTask, logs
func (c *Client) ListTaskLogs(ctx context.Context, in ListTaskLogsInput) (*TaskLogPage, error) {
	in.SetDefaults()
	t, err := c.task(ctx, in.TaskID)
	if err != nil {
		return nil, err
	}
	got, total, err := paged[*TaskLog](ctx, c, "task-logs", order{"date", Desc}, in.Offset, in.Limit, One(KindTask, t.ID).To(HopLogs))
	if err != nil {
		return nil, err
	}
	return &TaskLogPage{Logs: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// CreateTaskLogInput is the input of [Client.CreateTaskLog].
type CreateTaskLogInput struct {
	TaskID            string `json:"taskId" jsonschema:"Task id (~8192)." alias:"id"`
	Message           string `json:"message" jsonschema:"Markdown." minLength:"1" maxLength:"1048576"`
	IncludeInTimeline int64  `json:"includeInTimeline,omitempty" jsonschema:"Show it in the case's timeline under this date, in milliseconds since 1970. Left out: don't show it."`
}

// Validate refuses a date that isn't in milliseconds, such as 1 for true.
func (in *CreateTaskLogInput) Validate() error {
	return checkDate("includeInTimeline", in.IncludeInTimeline)
}

// CreateTaskLog adds an entry to a task's log.
//
// TheHive: POST /api/v1/task/{taskId}/log
func (c *Client) CreateTaskLog(ctx context.Context, in CreateTaskLogInput) (*TaskLog, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	return entity[TaskLog](c.wire.CreateTaskLog(ctx, in.TaskID, wire.CreateTaskLog{Message: in.Message, IncludeInTimeline: in.IncludeInTimeline}))
}

func (c *Client) planCreateTaskLog(ctx context.Context, in CreateTaskLogInput) (gate.Plan, error) {
	t, err := c.task(ctx, in.TaskID)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Add an entry to a task's log in TheHive.",
		Targets: []gate.Target{{Kind: "task", ID: t.ID, Name: t.Title}},
		Changes: []gate.Change{gate.Set("message", in.Message)},
		Undo:    "Delete the entry.",
	}
	if in.IncludeInTimeline != 0 {
		p.Changes = append(p.Changes, gate.Set("in the timeline at", instant(in.IncludeInTimeline)))
	}
	return p, nil
}

// task returns one task. An unknown one is [ErrNotFound].
func (c *Client) task(ctx context.Context, id string) (*Task, error) {
	return entity[Task](c.wire.GetTask(ctx, id))
}

// firstDate is a day in 1973: what lies before it was meant as a flag, or in seconds.
const firstDate = 100_000_000_000

// checkDate refuses what isn't a date in milliseconds. Zero is no date.
func checkDate(name string, ms int64) error {
	if ms == 0 || ms >= firstDate {
		return nil
	}
	return fmt.Errorf("%w: %s is a date in milliseconds since 1970, such as 1767225600000 for 2026-01-01, and %d isn't one; it is neither a flag nor in seconds", ErrInvalid, name, ms)
}

// instant is a date of TheHive as a person reads it.
func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// appendSet adds the change of field to value unless value is the zero value.
func appendSet[T comparable](changes []gate.Change, field string, value T) []gate.Change {
	var zero T
	if value == zero {
		return changes
	}
	return append(changes, gate.Set(field, value))
}
