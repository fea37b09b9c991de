package thehivetest

import (
	"net/http"
	"slices"
)

var taskAttributes = []attribute{
	{"title", true, "string", 1, 128}, {"group", false, "string", 1, 64}, {"description", false, "text", 0, 1 << 20},
	{"status", false, "string", 1, 16}, {"flag", false, "bool", 0, 0}, {"startDate", false, "date", 0, 0},
	{"endDate", false, "date", 0, 0}, {"order", false, "int", 0, 0}, {"dueDate", false, "date", 0, 0},
	{"assignee", false, "string", 1, 128}, {"mandatory", false, "bool", 0, 0},
}

func (s *Server) taskRoutes() {
	update := s.patch(taskAttributes, s.checkTask)
	s.handle("POST /api/v1/case/{id}/task", true, s.on("Case", s.create("Task", taskAttributes, s.checkTask)))
	s.handle("GET /api/v1/task/{id}", false, s.on("Task", show))
	s.handle("PATCH /api/v1/task/_bulk", true, s.bulk("Task", update))
	s.handle("PATCH /api/v1/task/{id}", true, s.on("Task", update))
	s.handle("DELETE /api/v1/task/{id}", true, s.on("Task", s.drop))
	s.handle("GET /api/v1/task/{id}/actionRequired", false, s.on("Task", func(it *item, _ *caller, _ Object) (int, any, error) {
		required, _ := it.obj["required"].(Object)
		return 200, clone(required), nil
	}))
	for path, value := range map[string]bool{"actionRequired": true, "actionDone": false} {
		s.handle("PUT /api/v1/task/{id}/"+path+"/{org}", true, func(r *http.Request, who *caller, _ Object) (int, any, error) {
			it := s.find("Task", r.PathValue("id"), who)
			if it == nil {
				return 0, nil, notFound("Task")
			}
			required, _ := it.obj["required"].(Object)
			if required = clone(required); required == nil {
				required = Object{}
			}
			required[r.PathValue("org")] = value
			it.obj["required"] = required
			return 204, nil, nil
		})
	}
	s.handle("POST /api/v1/task/{id}/shares", true, s.on("Task", func(*item, *caller, Object) (int, any, error) { return 204, nil, nil }))
	s.handle("GET /api/v1/task/{id}/shares", false, s.on("Task", func(*item, *caller, Object) (int, any, error) { return 200, []any{}, nil }))
	s.handle("POST /api/v1/task/{id}/log", true, s.createLog)
	s.handle("PATCH /api/v1/log/{id}", true, s.on("Log", s.patch(messageAttributes[:2], nil)))
	s.handle("DELETE /api/v1/log/{id}", true, s.on("Log", s.drop))
}

func (s *Server) checkTask(o Object) error {
	if st, ok := o["status"].(string); ok && !slices.Contains([]string{"Waiting", "InProgress", "Completed", "Cancel"}, st) {
		return malformed("status", "TaskStatus", st)
	}
	return s.checkAssignee(o)
}

func (s *Server) createLog(r *http.Request, who *caller, body Object) (int, any, error) {
	it := s.find("Task", r.PathValue("id"), who)
	if it == nil {
		return 0, nil, notFound("Task")
	}
	o, err := take(body, messageAttributes, false)
	if err != nil {
		return 0, nil, err
	}
	delete(o, "startDate")
	l := s.add("Log", it, it.org, who.login, o)
	if err := s.attachToLog(r, l, who); err != nil {
		s.remove(l)
		return 0, nil, err
	}
	return 201, render(l), nil
}

// attachToLog adds the files of a form to a log.
func (s *Server) attachToLog(r *http.Request, l *item, who *caller) error {
	made, err := s.storeFiles(r, l, who)
	if len(made) > 0 {
		l.obj["attachments"] = append(list(l.obj["attachments"]), made...)
	}
	return err
}
