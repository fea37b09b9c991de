package thehive

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	return gate.On(c.guard, c.upstream,
		gate.Read("thehive_list_cases", c.ListCases, "List cases, newest first, a page at a time, with the true total."),
		gate.Read("thehive_get_case", c.GetCase, "Fetch one case by its id or number."),
		gate.Read("thehive_case_timeline_summary", c.CaseTimelineSummary, "Tell what happened in a case: its facts, then tasks, logs, observables and comments in the order of time."),
		gate.Write("thehive_create_case", c.CreateCase, "Open a case.").Plan(c.planCreateCase),
		gate.Write("thehive_add_case_tags", c.AddCaseTags, "Add tags to a case; those it has stay.",
			gate.Idempotent).Plan(c.planAddCaseTags),
		gate.Write("thehive_close_case", c.CloseCase, "Close a case with a status and a summary.",
			gate.Idempotent).Plan(c.planCloseCase),
		gate.Destructive("thehive_delete_case", c.DeleteCase, "Delete a case and all that is in it.",
			gate.Env(envDestructive)).Plan(c.planDeleteCase),

		gate.Write("thehive_create_task", c.CreateTask, "Add a task to a case.").Plan(c.planCreateTask),
		gate.Write("thehive_create_task_log", c.CreateTaskLog, "Add an entry to a task's log.").Plan(c.planCreateTaskLog),
		gate.Write("thehive_create_comment", c.CreateComment, "Comment on a case.").Plan(c.planCreateComment),

		gate.Read("thehive_list_observables", c.ListObservables, "List a case's observables, newest first, a page at a time."),
		gate.Write("thehive_create_observable_bulk", c.CreateObservableBulk, "Add observables of one type to a case; says of each value whether it was taken.").Plan(c.planCreateObservableBulk),

		gate.Read("thehive_list_case_templates", c.ListCaseTemplates, "List the templates that a case can be opened with."),
		gate.Read("thehive_get_current_user", c.GetCurrentUser, "Describe the user behind the key: organisation, profile, permissions."),
	)
}
