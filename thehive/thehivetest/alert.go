package thehivetest

import (
	"crypto/md5"  //nolint:gosec // TheHive lists it among the hashes of a file
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

var alertAttributes = []attribute{
	{"type", true, "string", 1, 32}, {"source", true, "string", 1, 32}, {"sourceRef", true, "string", 1, 128},
	{"title", true, "string", 1, 512}, {"description", true, "text", 0, 1 << 20}, {"externalLink", false, "string", 1, 512},
	{"severity", false, "level", 1, 4}, {"date", false, "date", 0, 0}, {"tags", false, "strings", 1, 128}, {"tlp", false, "level", 0, 4},
	{"pap", false, "level", 0, 3}, {"status", false, "string", 1, 64}, {"summary", false, "text", 0, 1 << 20},
	{"assignee", false, "string", 1, 128}, {"caseTemplate", false, "string", 1, 128},
}

var tagAttributes = []attribute{{"addTags", false, "strings", 1, 128}, {"removeTags", false, "strings", 1, 128}}

// moreRoutes are those of cases, tasks and observables beside the first ones.
func (s *Server) moreRoutes() {
	s.handle("POST /api/v1/mergeCases/{ids}", true, s.mergeCases)
	s.handle("POST /api/v1/case/_bulk/caseTemplate", true, s.applyTemplate)
	s.handle("POST /api/v1/case/{id}/procedure", true, s.onCase(s.createProcedure))
	s.handle("POST /api/v1/case/{id}/attachments", true, s.attach)
	s.handle("GET /api/v1/case/{id}/attachment/{attachment}/download", false, func(r *http.Request, who *caller, _ Object) (int, any, error) {
		it := s.find("Attachment", r.PathValue("attachment"), who)
		if it == nil || it.parent == nil || it.parent.id() != r.PathValue("id") {
			return 0, nil, notFound("Attachment")
		}
		return 200, it.content, nil
	})
	s.handle("PATCH /api/v1/task/{id}", true, s.on("Task", s.patch(taskAttributes, nil)))
	s.handle("GET /api/v1/observable/{id}", false, s.on("Observable", show))
	s.handle("PATCH /api/v1/observable/{id}", true, s.on("Observable", s.patch(observableAttributes, nil)))
}

func (s *Server) alertRoutes() {
	s.handle("POST /api/v1/alert", true, s.createAlert)
	s.handle("GET /api/v1/alert/{id}", false, s.on("Alert", show))
	s.handle("PATCH /api/v1/alert/{id}", true, s.on("Alert", s.patch(append(slices.Clone(alertAttributes), attribute{"follow", false, "bool", 0, 0}), s.checkAlert)))
	s.handle("DELETE /api/v1/alert/{id}", true, s.on("Alert", func(it *item, _ *caller, _ Object) (int, any, error) {
		s.remove(it)
		return 204, nil, nil
	}))
	s.handle("POST /api/v1/alert/{id}/case", true, s.on("Alert", s.promote))
	s.handle("POST /api/v1/alert/{id}/merge/{case}", true, s.mergeAlert)
	s.handle("POST /api/v1/alert/{id}/comment", true, s.on("Alert", s.createMessage("Comment")))
	s.handle("POST /api/v1/alert/{id}/procedure", true, s.on("Alert", s.createProcedure))
}

func show(it *item, _ *caller, _ Object) (int, any, error) { return 200, render(it), nil }

// patch sets those attributes that attrs know; the others are ignored.
func (s *Server) patch(attrs []attribute, check func(Object) error) entityHandler {
	return func(it *item, who *caller, body Object) (int, any, error) {
		o, err := take(body, attrs, true)
		if err != nil {
			return 0, nil, err
		}
		more, err := take(body, tagAttributes, true)
		if err != nil {
			return 0, nil, err
		}
		if check == nil {
			check = s.checkAssignee
		}
		if err := check(o); err != nil {
			return 0, nil, err
		}
		if st, ok := o["status"].(string); ok && it.kind == "Task" && !slices.Contains([]string{"Waiting", "InProgress", "Completed", "Cancel"}, st) {
			return 0, nil, malformed("status", "TaskStatus", st)
		}
		s.change(it, who, o, more)
		return 204, nil, nil
	}
}

// checkAlert refuses a status or an assignee that isn't there.
func (s *Server) checkAlert(o Object) error {
	if st, ok := o["status"].(string); ok && s.named("AlertStatus", st) == nil {
		return badRequest("Alert status %s is not valid", st)
	}
	return s.checkAssignee(o)
}

func (s *Server) createAlert(_ *http.Request, who *caller, body Object) (int, any, error) {
	o, err := take(body, alertAttributes, false)
	if err != nil {
		return 0, nil, err
	}
	if err := s.checkAlert(o); err != nil {
		return 0, nil, err
	}
	for _, a := range s.visible("Alert", who) {
		if a.obj["type"] == o["type"] && a.obj["source"] == o["source"] && a.obj["sourceRef"] == o["sourceRef"] {
			return 0, nil, &refusal{400, "CreateError", fmt.Sprintf("Alert %v:%v:%v already exist in organisation %s", o["type"], o["source"], o["sourceRef"], who.org), nil}
		}
	}
	it := s.add("Alert", nil, who.org, who.login, o)
	list, _ := body["observables"].([]any)
	for _, x := range list {
		f, err := take(x.(Object), append(slices.Clone(observableAttributes), attribute{"data", true, "string", 1, 4096}), false)
		if err != nil {
			s.remove(it)
			return 0, nil, err
		}
		s.add("Observable", it, who.org, who.login, f)
	}
	return 201, render(it), nil
}

// promote opens a case from an alert. Its observables are in both afterwards.
func (s *Server) promote(it *item, who *caller, body Object) (int, any, error) {
	if it.obj["caseId"] != nil {
		return 0, nil, badRequest("Alert is already imported")
	}
	fields := Object{}
	for _, f := range []string{"title", "description", "severity", "tags", "tlp", "pap"} {
		fields[f] = it.obj[f]
	}
	maps.Copy(fields, body)
	if body["caseTemplate"] == nil && it.obj["caseTemplate"] != nil {
		fields["caseTemplate"] = it.obj["caseTemplate"]
	}
	status, _, err := s.createCase(nil, who, fields)
	if err != nil {
		return 0, nil, err
	}
	cs := s.visible("Case", who)
	made := cs[len(cs)-1]
	s.include(it, made, who)
	return status, render(made), nil
}

// include puts an alert into a case.
func (s *Server) include(it, cs *item, who *caller) {
	for _, o := range s.children("Observable", it) {
		if typ, _ := s.refuseObservable(cs, fmt.Sprint(o.obj["dataType"]), fmt.Sprint(o.obj["data"])); typ != "" {
			continue
		}
		f := clone(o.obj)
		delete(f, "_id")
		s.add("Observable", cs, cs.org, who.login, f)
	}
	s.change(it, who, Object{"status": "Imported", "caseId": cs.id(), "importedDate": float64(s.now())}, nil)
}

func (s *Server) mergeAlert(r *http.Request, who *caller, _ Object) (int, any, error) {
	it, cs := s.find("Alert", r.PathValue("id"), who), s.find("Case", r.PathValue("case"), who)
	switch {
	case it == nil:
		return 0, nil, notFound("Alert")
	case cs == nil:
		return 0, nil, notFound("Case")
	case it.obj["caseId"] != nil:
		return 0, nil, badRequest("Alert is already imported")
	}
	s.include(it, cs, who)
	return 200, render(cs), nil
}

// mergeCases makes a new case of several and moves all that is in them there.
func (s *Server) mergeCases(r *http.Request, who *caller, _ Object) (int, any, error) {
	var cases []*item
	for id := range strings.SplitSeq(r.PathValue("ids"), ",") {
		it := s.find("Case", id, who)
		if it == nil {
			return 0, nil, notFound("Case")
		}
		cases = append(cases, it)
	}
	if len(cases) < 2 {
		return 0, nil, badRequest("at least two cases are needed")
	}
	o := Object{"assignee": who.login, "severity": 1.0, "tlp": 0.0, "pap": 0.0}
	var titles, descriptions []string
	for _, it := range cases {
		titles = append(titles, fmt.Sprint(it.obj["title"]))
		descriptions = append(descriptions, fmt.Sprint(it.obj["description"]))
		o["tags"] = union(o["tags"], it.obj["tags"])
		for _, f := range []string{"severity", "tlp", "pap"} {
			o[f] = max(o[f].(float64), it.obj[f].(float64))
		}
	}
	o["title"], o["description"] = strings.Join(titles, " / "), strings.Join(descriptions, "\n\n")
	made := s.add("Case", nil, who.org, who.login, o)
	for _, it := range cases {
		for _, x := range s.items {
			if x.parent == it {
				x.parent = made
			}
			if x.kind == "Alert" && x.obj["caseId"] == it.id() {
				x.obj["caseId"] = made.id()
			}
		}
		s.remove(it)
	}
	return 201, render(made), nil
}

func (s *Server) applyTemplate(_ *http.Request, who *caller, body Object) (int, any, error) {
	ids, ok := body["ids"].([]any)
	name, _ := body["caseTemplate"].(string)
	if !ok || name == "" {
		return 0, nil, missing("ids", "caseTemplate")
	}
	t := s.find("CaseTemplate", name, who)
	if t == nil {
		return 0, nil, notFound("CaseTemplate")
	}
	wanted, _ := body["importTasks"].([]any)
	for _, id := range ids {
		it := s.find("Case", fmt.Sprint(id), who)
		if it == nil {
			return 0, nil, notFound("Case")
		}
		o := Object{}
		if body["updateTags"] == true {
			o["tags"] = union(it.obj["tags"], t.obj["tags"])
		}
		if body["updateSeverity"] == true {
			o["severity"] = t.obj["severity"]
		}
		s.change(it, who, o, nil)
		tasks, _ := t.obj["tasks"].([]any)
		for _, task := range tasks {
			f := clone(task.(Object))
			if slices.Contains(wanted, f["_id"]) {
				delete(f, "_id")
				s.add("Task", it, it.org, who.login, f)
			}
		}
	}
	return 204, nil, nil
}

func (s *Server) createProcedure(it *item, who *caller, body Object) (int, any, error) {
	o, err := take(body, []attribute{{"patternId", true, "string", 1, 128}, {"occurDate", true, "date", 0, 0}, {"tactic", false, "string", 1, 32}, {"description", false, "text", 0, 1 << 20}}, false)
	if err != nil {
		return 0, nil, err
	}
	return 201, render(s.add("Procedure", it, it.org, who.login, o)), nil
}

// attach stores the files of a form.
func (s *Server) attach(r *http.Request, who *caller, _ Object) (int, any, error) {
	it := s.find("Case", r.PathValue("id"), who)
	if it == nil {
		return 0, nil, notFound("Case")
	}
	if err := r.ParseMultipartForm(16 << 20); err != nil || len(r.MultipartForm.File["attachments"]) == 0 {
		return 0, nil, missing("attachments")
	}
	made := []any{}
	for _, h := range r.MultipartForm.File["attachments"] {
		f, err := h.Open()
		if err != nil {
			return 0, nil, badRequest("the file can't be read")
		}
		content, err := io.ReadAll(f)
		if err != nil {
			return 0, nil, badRequest("the file can't be read")
		}
		s256, s1, m5 := sha256.Sum256(content), sha1.Sum(content), md5.Sum(content) //nolint:gosec // see the imports
		a := s.add("Attachment", it, it.org, who.login, Object{"name": h.Filename, "size": len(content), "contentType": h.Header.Get("Content-Type"),
			"hashes": []string{hex.EncodeToString(s256[:]), hex.EncodeToString(s1[:]), hex.EncodeToString(m5[:])}, "id": hex.EncodeToString(s256[:])})
		a.obj["path"] = "case/" + it.id() + "/attachment/" + a.id()
		a.content = content
		made = append(made, render(a))
	}
	return 201, Object{"attachments": made}, nil
}
