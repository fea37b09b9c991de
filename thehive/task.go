package thehive

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/extra"
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
func openTasks() step { return where(among("status", []TaskStatus{TaskWaiting, TaskInProgress})) }

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

// UnmarshalJSON keeps unknown members in Extra.
func (t *Task) UnmarshalJSON(b []byte) error {
	type plain Task
	return extra.Decode(b, (*plain)(t), &t.Extra)
}

// MarshalJSON writes the known members, then those in Extra.
func (t Task) MarshalJSON() ([]byte, error) {
	type plain Task
	return extra.Encode(plain(t), t.Extra)
}

func (t *Task) identity() string { return t.ID }

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

// UnmarshalJSON keeps unknown members in Extra.
func (l *TaskLog) UnmarshalJSON(b []byte) error {
	type plain TaskLog
	return extra.Decode(b, (*plain)(l), &l.Extra)
}

// MarshalJSON writes the known members, then those in Extra.
func (l TaskLog) MarshalJSON() ([]byte, error) {
	type plain TaskLog
	return extra.Encode(plain(l), l.Extra)
}

func (l *TaskLog) identity() string { return l.ID }

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
