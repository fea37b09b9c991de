package thehive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
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
	ID          string     `json:"_id"`                                    // its id
	Title       string     `json:"title" untrusted:"true"`                 // its title
	Description string     `json:"description,omitempty" untrusted:"true"` // what is to be done
	Group       string     `json:"group,omitempty"`                        // the group it is shown in
	Status      TaskStatus `json:"status"`                                 // its status
	Flag        bool       `json:"flag,omitempty"`                         // whether it is flagged
	Order       int        `json:"order"`                                  // its place in the list
	// To be done before the case is closed.
	Mandatory bool      `json:"mandatory,omitempty"`
	Assignee  string    `json:"assignee,omitempty"`                   // the login of whom it is assigned to
	StartDate time.Time `json:"startDate,omitzero,format:unixmilli"`  // when it began
	EndDate   time.Time `json:"endDate,omitzero,format:unixmilli"`    // when it ended
	DueDate   time.Time `json:"dueDate,omitzero,format:unixmilli"`    // when it is due
	CreatedBy string    `json:"_createdBy,omitempty"`                 // the login of who made it
	CreatedAt time.Time `json:"_createdAt,omitzero,format:unixmilli"` // when it was made
	UpdatedBy string    `json:"_updatedBy,omitempty"`                 // the login of who changed it last
	UpdatedAt time.Time `json:"_updatedAt,omitzero,format:unixmilli"` // when it was changed last
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true" quiet:"_type,newDate"`
}

func (t *Task) identity() string { return t.ID }

func (t *Task) created() time.Time { return t.CreatedAt }

// target is t as the plan of a change shows it.
func (t *Task) target() gate.Target {
	return gate.Target{Kind: "task", ID: t.ID, Name: t.Title, Version: fmt.Sprintf("%s, updated %d", t.Status, jsoncodec.Milli(t.UpdatedAt))}
}

// ListTasksInput is the input of [Client.ListTasks]. What is left out doesn't filter.
type ListTasksInput struct {
	CaseID   string     `json:"caseId" alias:"id"`                                      // the case, by its id or number
	Status   TaskStatus `json:"status,omitempty"`                                       // only those with this status
	Assignee string     `json:"assignee,omitempty" alias:"owner" maxLength:"128"`       // only those assigned to this login
	Offset   int        `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit    int        `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
}

// A TaskPage is one page of tasks.
type TaskPage struct {
	Tasks []*Task `json:"tasks"` // the tasks
	// How many tasks match in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are tasks behind this page.
	More bool `json:"more"`
}

// ListTasks returns one page of a case's tasks, in their order. An unknown case
// is [ErrNotFound].
//
// TheHive: POST /api/v1/query, getCase, tasks
func (c *Client) ListTasks(ctx context.Context, in ListTasksInput) (*TaskPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, err := c.taskQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	got, total, err := paged[*Task](ctx, c, "case-tasks", order{"order", Asc}, in.Offset, in.Limit, q)
	if err == nil && total == 0 {
		err = c.checkUser(ctx, "assignee", in.Assignee)
	}
	if err != nil {
		return nil, err
	}
	return &TaskPage{Tasks: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// GetTaskInput is the input of [Client.GetTask].
type GetTaskInput struct {
	TaskID string `json:"taskId" alias:"id"` // the task
}

// GetTask returns one task. An unknown one is [ErrNotFound].
//
// TheHive: GET /api/v1/task/{taskId}
func (c *Client) GetTask(ctx context.Context, in GetTaskInput) (*Task, error) {
	return c.task(ctx, in.TaskID)
}

// Tasks returns an iterator over every task that in matches, newest first, from
// in.Offset on; each is yielded once, also when tasks change on the way.
func (c *Client) Tasks(ctx context.Context, in ListTasksInput) iter.Seq2[*Task, error] {
	return everything(ctx, c, "case-tasks", in, all[ListTasksInput, *Task](c.taskQuery))
}

func (c *Client) taskQuery(ctx context.Context, in ListTasksInput) (Query, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return Query{}, err
	}
	return inCase(cs.ID, HopTasks).having("status", string(in.Status)).having("assignee", in.Assignee), nil
}

// Whose says whose tasks are listed.
type Whose string

// Whose tasks.
const (
	Mine      Whose = "mine"      // of the user behind the key
	Nobodys   Whose = "nobody"    // that wait for somebody to take them
	Everybody Whose = "everybody" // all that are open
)

// Enum lists the values for schemas.
func (Whose) Enum() []any { return []any{Mine, Nobodys, Everybody} }

// ListOpenTasksInput is the input of [Client.ListOpenTasks].
type ListOpenTasksInput struct {
	// Default: mine.
	Whose     Whose `json:"whose,omitempty"`
	DueBefore Date  `json:"dueBefore,omitempty"`                       // due before this moment
	Offset    int   `json:"offset,omitempty" minimum:"0"`              // how many to skip
	Limit     int   `json:"limit,omitempty" minimum:"1" maximum:"500"` // how many to return at most
}

// SetDefaults fills the fields left at zero.
func (in *ListOpenTasksInput) SetDefaults() {
	if in.Whose == "" {
		in.Whose = Mine
	}
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// An OpenTask is a task with the case that it is in.
type OpenTask struct {
	Task       *Task  `json:"task"`                                 // the task
	CaseID     string `json:"caseId,omitempty"`                     // the case
	CaseNumber int    `json:"caseNumber,omitempty"`                 // the case's number
	CaseTitle  string `json:"caseTitle,omitempty" untrusted:"true"` // the case's title
	CaseStage  Stage  `json:"caseStage,omitempty"`                  // how far the case is
}

// OpenTaskPage is one page of tasks of all cases.
type OpenTaskPage struct {
	Tasks []*OpenTask `json:"tasks"` // the tasks
	// How many tasks match in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are tasks behind this page.
	More bool `json:"more"`
}

// taskRow is a task as a query gives it with its case beside it.
type taskRow struct{ OpenTask }

// UnmarshalJSON reads the task and its case.
func (r *taskRow) UnmarshalJSON(b []byte) error {
	r.Task = new(Task)
	if err := jsoncodec.UnmarshalRow(b, r.Task); err != nil {
		return err
	}
	var v struct {
		ExtraData struct {
			Case ownerFacts `json:"case"`
		} `json:"extraData"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	cs := v.ExtraData.Case
	r.CaseID, r.CaseNumber, r.CaseTitle, r.CaseStage = cs.ID, cs.Number, cs.Title, cs.Stage
	delete(r.Task.Extra, "extraData") // it is told beside the task
	return nil
}

// ListOpenTasks returns one page of the open tasks of all cases: those of the
// user behind the key, those that nobody has, or all. Newest first.
//
// TheHive: POST /api/v1/query, listTask; GET /api/v1/user/current
func (c *Client) ListOpenTasks(ctx context.Context, in ListOpenTasksInput) (*OpenTaskPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, err := c.openTaskQuery(ctx, in)
	if err = errors.Join(err, inWindow(in.Offset, in.Limit)); err != nil {
		return nil, err
	}
	got, err := list[*taskRow](ctx, c, "open-tasks", q.Sort("_createdAt", Desc).Page(in.Offset, in.Limit, "case"))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	total := in.Offset + got.sent
	if got.sent == in.Limit || got.sent == 0 && in.Offset > 0 {
		if total, err = count(ctx, c, "open-tasks", q); err != nil {
			return nil, err
		}
	}
	if total == 0 {
		if err := c.cannotHaveCases(ctx); err != nil {
			return nil, err
		}
	}
	p := &OpenTaskPage{Tasks: make([]*OpenTask, len(got.items)), Total: total, Offset: in.Offset, More: in.Offset+got.sent < total}
	for i, r := range got.items {
		p.Tasks[i] = &r.OpenTask
	}
	return p, nil
}

// OpenTasks returns an iterator over every open task that in matches, newest first,
// from in.Offset on; each is yielded once, also when tasks change on the way. A page
// of requests has in.Limit tasks; left out: 500.
func (c *Client) OpenTasks(ctx context.Context, in ListOpenTasksInput) iter.Seq2[*OpenTask, error] {
	return func(yield func(*OpenTask, error) bool) {
		for r, err := range everything(ctx, c, "open-tasks", in, all[ListOpenTasksInput, *taskRow](c.openTaskQuery), "case") {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&r.OpenTask, nil) {
				return
			}
		}
	}
}

func (r *taskRow) identity() string { return r.Task.identity() }

func (r *taskRow) created() time.Time { return r.Task.created() }

func (c *Client) openTaskQuery(ctx context.Context, in ListOpenTasksInput) (Query, error) {
	q := All(KindTask).Where(openTasks())
	if err := in.DueBefore.check("dueBefore"); err != nil {
		return q, err
	}
	switch in.Whose {
	case Mine:
		u, err := c.GetCurrentUser(ctx, GetCurrentUserInput{})
		if err != nil {
			return q, err
		}
		q = q.Where(Eq("assignee", u.Login))
	case Nobodys:
		q = q.Where(Not(Has("assignee")))
	case Everybody:
	default:
		return q, fmt.Errorf("%w: whose: %q: want mine, nobody or everybody", ErrInvalid, in.Whose)
	}
	return q.dated("dueDate", 0, in.DueBefore), nil
}

// A TaskField is a field of a task that can be empty.
type TaskField string

// The fields of a task that can be empty.
const (
	TaskAssignee TaskField = "assignee"
	TaskDueDate  TaskField = "dueDate"
)

// Enum lists the values for schemas.
func (TaskField) Enum() []any { return []any{TaskAssignee, TaskDueDate} }

// UpdateTaskInput is the input of [Client.UpdateTask]. What is left out stays.
type UpdateTaskInput struct {
	TaskID string `json:"taskId" alias:"id"` // the task
	// What is to be done.
	Title string `json:"title,omitempty" maxLength:"128"`
	// Markdown.
	Description *string    `json:"description,omitempty" maxLength:"1048576"`
	Status      TaskStatus `json:"status,omitempty"` // the status to set
	Flag        *bool      `json:"flag,omitempty"`   // whether it is flagged; nil stays
	// To be done before the case is closed.
	Mandatory *bool `json:"mandatory,omitempty"`
	Order     *int  `json:"order,omitempty" minimum:"0" maximum:"100000"` // its place in the list; nil stays
	// A heading; empty: default.
	Group *string `json:"group,omitempty" maxLength:"64"`
	// Login; empty: nobody.
	Assignee *string `json:"assignee,omitempty" alias:"owner" maxLength:"128"`
	DueDate  Date    `json:"dueDate,omitempty"` // when it is due
	// Fields to empty.
	Clear []TaskField `json:"clear,omitempty" maxItems:"2"`
	// Refuse if its _updatedAt is another.
	IfUpdatedAt *Date `json:"ifUpdatedAt,omitempty"`
}

// Validate refuses an update of nothing, a field that is set and emptied, and a
// due date that isn't in milliseconds.
func (in *UpdateTaskInput) Validate() error {
	for field, set := range map[TaskField]bool{TaskAssignee: in.Assignee != nil && *in.Assignee != "", TaskDueDate: in.DueDate != 0} {
		if set && slices.Contains(in.Clear, field) {
			return fmt.Errorf("%w: clear: %s is set, too", ErrInvalid, field)
		}
	}
	if in.Title == "" && in.Description == nil && in.Status == "" && in.Flag == nil && in.Mandatory == nil && in.Order == nil && in.Group == nil && in.Assignee == nil && in.DueDate == 0 && len(in.Clear) == 0 {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return errors.Join(in.DueDate.checkFixed("dueDate"), checkUpdatedAt(in.IfUpdatedAt))
}

// check refuses in if the task isn't as it supposes.
func (in *UpdateTaskInput) check(ctx context.Context, c *Client) (*Task, error) {
	t, err := c.task(ctx, in.TaskID)
	if err != nil {
		return nil, err
	}
	return t, unchanged(in.IfUpdatedAt, t.UpdatedAt, t.UpdatedBy)
}

// dueDate is what sets or empties the due date, if anything does.
func (in *UpdateTaskInput) dueDate() json.RawMessage {
	switch {
	case slices.Contains(in.Clear, TaskDueDate):
		return null
	case in.DueDate == 0:
		return nil
	}
	return json.RawMessage(strconv.FormatInt(in.DueDate.ms(), 10))
}

// UpdateTask changes fields of a task, and reads it back.
//
// TheHive: GET and PATCH /api/v1/task/{taskId}
func (c *Client) UpdateTask(ctx context.Context, in UpdateTaskInput) (*Task, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if _, err := in.check(ctx, c); err != nil {
		return nil, err
	}
	body := wire.UpdateTask{Title: in.Title, Description: in.Description, Status: string(in.Status), Flag: in.Flag, Mandatory: in.Mandatory,
		Assignee: text(in.Assignee, slices.Contains(in.Clear, TaskAssignee)), DueDate: in.dueDate()}
	if in.Group != nil {
		body.Group = cmp.Or(*in.Group, "default")
	}
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
	var check readBack
	check.text("title", body.Title, t.Title)
	check.pointer("description", body.Description, t.Description)
	check.text("status", body.Status, string(t.Status))
	check.flag("flag", body.Flag, t.Flag)
	check.flag("mandatory", body.Mandatory, t.Mandatory)
	check.text("group", body.Group, t.Group)
	check.level("order", in.Order, t.Order)
	check.nullable("assignee", body.Assignee, t.Assignee)
	check.date("dueDate", body.DueDate, t.DueDate)
	return t, check.err("task " + t.ID)
}

func (c *Client) planUpdateTask(ctx context.Context, in UpdateTaskInput) (gate.Plan, error) {
	t, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkUser(ctx, "assignee", deref(in.Assignee)); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Change a task in TheHive.", Targets: []gate.Target{t.target()}, Undo: "Set the fields back (thehive_update_task)."}
	d := diff{&p.Changes}
	d.text("title", t.Title, in.Title)
	d.optional("description", t.Description, in.Description)
	d.text("status", string(t.Status), string(in.Status))
	if in.Flag != nil {
		d.add("flag", t.Flag, *in.Flag)
	}
	if in.Mandatory != nil {
		d.add("mandatory", t.Mandatory, *in.Mandatory)
	}
	if in.Order != nil {
		d.add("order", t.Order, *in.Order)
	}
	d.optional("group", t.Group, in.Group)
	d.emptied("assignee", t.Assignee, in.Assignee, slices.Contains(in.Clear, TaskAssignee))
	if in.dueDate() != nil {
		d.add("due", instant(t.DueDate), in.DueDate)
	}
	return p, nil
}

// CreateTaskInput is the input of [Client.CreateTask].
type CreateTaskInput struct {
	CaseID string `json:"caseId"` // the case, by its id or number
	// What is to be done.
	Title string `json:"title" minLength:"1" maxLength:"128"`
	// Markdown.
	Description string `json:"description,omitempty" maxLength:"1048576"`
	// Default: Waiting.
	Status TaskStatus `json:"status,omitempty"`
	Flag   bool       `json:"flag,omitempty"`                               // whether it is flagged
	Order  int        `json:"order,omitempty" minimum:"0" maximum:"100000"` // its place in the list
	// A heading. Default: default.
	Group    string `json:"group,omitempty" maxLength:"64"`
	Assignee string `json:"assignee,omitempty" alias:"owner" maxLength:"128"` // the login of whom it is assigned to
	DueDate  Date   `json:"dueDate,omitempty"`                                // when it is due
	// To be done before the case is closed.
	Mandatory bool `json:"mandatory,omitempty"`
}

// Validate refuses a due date that isn't in milliseconds.
func (in *CreateTaskInput) Validate() error { return in.DueDate.checkFixed("dueDate") }

// CreateTask adds a task to a case.
//
// TheHive: POST /api/v1/case/{caseId}/task
func (c *Client) CreateTask(ctx context.Context, in CreateTaskInput) (*Task, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	return entity[Task](c.wire.CreateTask(ctx, id, wire.CreateTask{
		Title: in.Title, Description: in.Description, Status: string(in.Status), Flag: in.Flag, Order: int32(in.Order),
		Group: in.Group, Assignee: in.Assignee, DueDate: in.DueDate.ms(), Mandatory: in.Mandatory,
	}))
}

func (c *Client) planCreateTask(ctx context.Context, in CreateTaskInput) (gate.Plan, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkUser(ctx, "assignee", in.Assignee); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  "Add a task to a case in TheHive.",
		Targets:  []gate.Target{cs.place()},
		Changes:  []gate.Change{gate.Set("title", in.Title)},
		Undo:     "Cancel the task (thehive_update_task), or delete it (thehive_delete_part).",
		Warnings: cs.closedWarnings(),
	}
	p.Changes = appendSet(p.Changes, "description", in.Description)
	p.Changes = appendSet(p.Changes, "status", in.Status)
	p.Changes = appendSet(p.Changes, "flag", in.Flag)
	p.Changes = appendSet(p.Changes, "order", in.Order)
	p.Changes = appendSet(p.Changes, "group", in.Group)
	p.Changes = appendSet(p.Changes, "assignee", in.Assignee)
	p.Changes = appendSet(p.Changes, "mandatory", in.Mandatory)
	if in.DueDate != 0 {
		p.Changes = append(p.Changes, gate.Set("due", in.DueDate))
	}
	return p, nil
}

// A TaskLog is an entry in a task's log.
type TaskLog struct {
	ID      string    `json:"_id"`                      // its id
	Message string    `json:"message" untrusted:"true"` // its text, in Markdown
	Date    time.Time `json:"date,format:unixmilli"`    // when it happened
	Owner   string    `json:"owner,omitempty"`          // the login of who did the work
	// The date under which the case's timeline shows it.
	IncludeInTimeline time.Time `json:"includeInTimeline,omitzero,format:unixmilli"`
	CreatedBy         string    `json:"_createdBy,omitempty"`                 // the login of who made it
	CreatedAt         time.Time `json:"_createdAt,omitzero,format:unixmilli"` // when it was made
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true" quiet:"_type,newDate"`
}

func (l *TaskLog) identity() string { return l.ID }

func (l *TaskLog) created() time.Time { return l.CreatedAt }

// ListTaskLogsInput is the input of [Client.ListTaskLogs].
type ListTaskLogsInput struct {
	TaskID string `json:"taskId" alias:"id"`                                      // the task
	Offset int    `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
}

// A TaskLogPage is one page of log entries.
type TaskLogPage struct {
	Logs []*TaskLog `json:"logs"` // the entries, newest first
	// How many entries there are in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are entries behind this page.
	More bool `json:"more"`
}

// ListTaskLogs returns one page of a task's log, newest first. An unknown task
// is [ErrNotFound].
//
// TheHive: POST /api/v1/query, getTask, logs
func (c *Client) ListTaskLogs(ctx context.Context, in ListTaskLogsInput) (*TaskLogPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, err := c.taskLogQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	got, total, err := paged[*TaskLog](ctx, c, "task-logs", order{"date", Desc}, in.Offset, in.Limit, q)
	if err != nil {
		return nil, err
	}
	return &TaskLogPage{Logs: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// TaskLogs returns an iterator over every entry of a task's log, newest first, from
// in.Offset on; each is yielded once, also when entries come or go on the way. A page
// of requests has in.Limit entries; left out: 500.
func (c *Client) TaskLogs(ctx context.Context, in ListTaskLogsInput) iter.Seq2[*TaskLog, error] {
	return everything(ctx, c, "task-logs", in, all[ListTaskLogsInput, *TaskLog](c.taskLogQuery))
}

func (c *Client) taskLogQuery(ctx context.Context, in ListTaskLogsInput) (Query, error) {
	t, err := c.task(ctx, in.TaskID)
	if err != nil {
		return Query{}, err
	}
	return One(KindTask, t.ID).To(HopLogs), nil
}

// CreateTaskLogInput is the input of [Client.CreateTaskLog].
type CreateTaskLogInput struct {
	TaskID string `json:"taskId" alias:"id"` // the task
	// Markdown.
	Message string `json:"message" minLength:"1" maxLength:"1048576"`
	// Show it in the case's timeline under this date.
	IncludeInTimeline Date `json:"includeInTimeline,omitempty"`
}

// Validate refuses a date that isn't in milliseconds, such as 1 for true.
func (in *CreateTaskLogInput) Validate() error {
	return in.IncludeInTimeline.checkFixed("includeInTimeline")
}

// CreateTaskLog adds an entry to a task's log.
//
// TheHive: POST /api/v1/task/{taskId}/log
func (c *Client) CreateTaskLog(ctx context.Context, in CreateTaskLogInput) (*TaskLog, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return entity[TaskLog](c.wire.CreateTaskLog(ctx, in.TaskID, wire.CreateTaskLog{Message: in.Message, IncludeInTimeline: in.IncludeInTimeline.ms()}))
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
		Undo:    "Delete the entry (thehive_delete_part).",
	}
	if in.IncludeInTimeline != 0 {
		p.Changes = append(p.Changes, gate.Set("in the timeline at", in.IncludeInTimeline))
	}
	return p, nil
}

// task returns one task. An unknown one is [ErrNotFound].
func (c *Client) task(ctx context.Context, id string) (*Task, error) {
	return entity[Task](c.wire.GetTask(ctx, id))
}

// appendSet adds the change of field to value unless value is the zero value.
func appendSet[T comparable](changes []gate.Change, field string, value T) []gate.Change {
	var zero T
	if value == zero {
		return changes
	}
	return append(changes, gate.Set(field, value))
}
