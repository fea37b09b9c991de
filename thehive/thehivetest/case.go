package thehivetest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var caseAttributes = []attribute{
	{"title", true, "string", 1, 512}, {"description", true, "text", 0, 1 << 20}, {"severity", false, "level", 1, 4},
	{"startDate", false, "date", 0, 0}, {"endDate", false, "date", 0, 0}, {"tags", false, "strings", 1, 128},
	{"flag", false, "bool", 0, 0}, {"tlp", false, "level", 0, 4}, {"pap", false, "level", 0, 3},
	{"status", false, "string", 1, 64}, {"summary", false, "text", 0, 1 << 20}, {"assignee", false, "string", 1, 128},
	{"impactStatus", false, "string", 1, 128},
}

var pageAttributes = []attribute{{"title", true, "string", 1, 512}, {"content", true, "text", 0, 1 << 20}, {"category", true, "string", 1, 128}, {"order", false, "int", 0, 0}}

var eventAttributes = []attribute{{"date", true, "date", 0, 0}, {"title", true, "string", 1, 512}, {"endDate", false, "date", 0, 0}, {"description", false, "text", 0, 1 << 20}}

func (s *Server) caseRoutes() {
	update := s.patch(caseAttributes, s.checkCase)
	s.handle("POST /api/v1/case", true, s.createCase)
	s.handle("GET /api/v1/case/{id}", false, s.on("Case", show))
	s.handle("PATCH /api/v1/case/_bulk", true, s.bulk("Case", update))
	s.handle("PATCH /api/v1/case/{id}", true, s.on("Case", update))
	s.handle("DELETE /api/v1/case/{id}", true, s.on("Case", s.drop))
	s.handle("POST /api/v1/mergeCases/{ids}", true, s.mergeCases)
	s.handle("POST /api/v1/case/_bulk/caseTemplate", true, s.applyTemplate)
	s.handle("DELETE /api/v1/case/{id}/alert/{alert}", true, s.unlinkAlert)
	s.handle("GET /api/v1/case/{id}/links", false, s.on("Case", s.linkedCases))
	s.handle("GET /api/v1/case/{id}/similar/{other}/observables", false, s.similarObservables("Case"))
	s.handle("GET /api/v1/case/{id}/timeline", false, s.on("Case", s.timeline))
	s.handle("GET /api/v1/case/{id}/shares", false, func(*http.Request, *caller, Object) (int, any, error) { return 200, []any{}, nil })
	s.handle("POST /api/v1/case/{id}/owner", true, s.on("Case", func(*item, *caller, Object) (int, any, error) { return 204, nil, nil }))
	s.handle("POST /api/v1/case/{id}/access", true, s.on("Case", func(it *item, who *caller, body Object) (int, any, error) {
		s.change(it, who, Object{"access": body["access"]}, nil)
		return 204, nil, nil
	}))
	s.handle("GET /api/v1/case/link/types", false, func(*http.Request, *caller, Object) (int, any, error) { return 200, []any{}, nil })
	for path, field := range map[string]string{"case": "caseLinks", "external": "externalLinks"} {
		s.handle("POST /api/v1/case/{id}/link/"+path+"/add", true, s.on("Case", func(it *item, who *caller, body Object) (int, any, error) {
			s.change(it, who, Object{field: append(list(it.obj[field]), body)}, nil)
			return 204, nil, nil
		}))
		s.handle("POST /api/v1/case/{id}/link/"+path+"/remove", true, s.on("Case", func(it *item, who *caller, body Object) (int, any, error) {
			s.change(it, who, Object{field: slices.DeleteFunc(list(it.obj[field]), func(l any) bool { return fmt.Sprint(l) == fmt.Sprint(body) })}, nil)
			return 204, nil, nil
		}))
	}
	s.handle("GET /api/v1/case/{id}/export", false, s.on("Case", func(it *item, _ *caller, _ Object) (int, any, error) { return 200, encoded(it.obj), nil }))
	s.handle("POST /api/v1/case/import", true, s.importCase)

	s.handle("POST /api/v1/case/{id}/comment", true, s.on("Case", s.createComment))
	s.handle("PATCH /api/v1/comment/{id}", true, s.on("Comment", func(it *item, who *caller, body Object) (int, any, error) {
		o, err := take(body, messageAttributes[:1], true)
		if err != nil {
			return 0, nil, err
		}
		o["isEdited"] = true
		s.change(it, who, o, nil)
		return 204, nil, nil
	}))
	s.handle("DELETE /api/v1/comment/{id}", true, s.on("Comment", s.drop))
	for _, kind := range []string{"Case", "Alert"} {
		base := "POST /api/v1/" + strings.ToLower(kind) + "/{id}/"
		s.handle(base+"procedure", true, s.on(kind, s.create("Procedure", procedureAttributes, s.checkPattern)))
		s.handle(base+"procedures", true, s.on(kind, s.createProcedures))
	}
	s.handle("PATCH /api/v1/procedure/{id}", true, s.on("Procedure", s.patch(procedureAttributes, s.checkPattern)))
	s.handle("DELETE /api/v1/procedure/{id}", true, s.on("Procedure", s.drop))
	s.handle("POST /api/v1/procedure/delete/_bulk", true, s.bulk("Procedure", s.drop))
	s.handle("POST /api/v1/case/{id}/page", true, s.on("Case", s.create("Page", pageAttributes, nil)))
	s.handle("PATCH /api/v1/case/{case}/page/{id}", true, s.on("Page", s.patch(pageAttributes, nil)))
	s.handle("DELETE /api/v1/case/{case}/page/{id}", true, s.on("Page", s.drop))
	s.handle("POST /api/v1/case/{id}/customEvent", true, s.on("Case", s.create("CustomEvent", eventAttributes, nil)))
	s.handle("PATCH /api/v1/customEvent/{id}", true, s.on("CustomEvent", s.patch(eventAttributes, nil)))
	s.handle("DELETE /api/v1/customEvent/{id}", true, s.on("CustomEvent", s.drop))
}

// create makes something in what the path names.
func (s *Server) create(kind string, attrs []attribute, check func(Object) error) entityHandler {
	return func(it *item, who *caller, body Object) (int, any, error) {
		o, err := take(body, attrs, false)
		if err == nil && check != nil {
			err = check(o)
		}
		if err != nil {
			return 0, nil, err
		}
		return 201, render(s.add(kind, it, it.org, who.login, o)), nil
	}
}

func (s *Server) createComment(it *item, who *caller, body Object) (int, any, error) {
	return s.create("Comment", messageAttributes[:1], nil)(it, who, body)
}

func (s *Server) createProcedures(it *item, who *caller, body Object) (int, any, error) {
	made := []any{}
	for _, p := range list(body["procedures"]) {
		o, _ := p.(Object)
		_, one, err := s.create("Procedure", procedureAttributes, s.checkPattern)(it, who, o)
		if err != nil {
			return 0, nil, err
		}
		made = append(made, one)
	}
	return 201, made, nil
}

// checkPattern refuses a technique that isn't in the catalogue of the server.
func (s *Server) checkPattern(o Object) error {
	id, ok := o["patternId"].(string)
	if ok && (len(id) < 5 || id[0] != 'T' || strings.Trim(id[1:], "0123456789.") != "" || id == "T9999") {
		return notFound("Pattern")
	}
	return nil
}

// checkCase refuses a status or an assignee that isn't there.
func (s *Server) checkCase(o Object) error {
	if st, ok := o["status"].(string); ok && s.named("CaseStatus", st) == nil {
		return badRequest("Case status %s is not valid", st)
	}
	return s.checkAssignee(o)
}

func (s *Server) createCase(_ *http.Request, who *caller, body Object) (int, any, error) {
	it, err := s.newCase(who, body)
	if err != nil {
		return 0, nil, err
	}
	return 201, render(it), nil
}

func (s *Server) newCase(who *caller, body Object) (*item, error) {
	o, err := take(body, caseAttributes, false)
	if err != nil {
		return nil, err
	}
	if err := s.checkCase(o); err != nil {
		return nil, err
	}
	tasks := list(body["tasks"])
	if name, ok := body["caseTemplate"].(string); ok {
		t := s.find("CaseTemplate", name, who)
		if t == nil {
			return nil, notFound("CaseTemplate")
		}
		for _, f := range []string{"severity", "tlp", "pap", "flag"} {
			if o[f] == nil && t.obj[f] != nil {
				o[f] = t.obj[f]
			}
		}
		if prefix, ok := t.obj["titlePrefix"].(string); ok {
			o["title"] = strings.TrimSpace(prefix + " " + o["title"].(string))
		}
		if o["tags"] == nil || !s.atLeast(7, 1) {
			o["tags"] = union(t.obj["tags"], o["tags"])
		}
		if tasks == nil {
			tasks = list(t.obj["tasks"])
		}
	}
	if o["assignee"] == nil {
		o["assignee"] = who.login
	}
	fields, err := s.fieldValues(nil, body["customFields"])
	if err != nil {
		return nil, err
	}
	if fields != nil {
		o["customFields"] = fields
	}
	it := s.add("Case", nil, who.org, who.login, o)
	for i, t := range tasks {
		task := clone(t.(Object))
		delete(task, "_id")
		task["order"] = i
		s.add("Task", it, who.org, who.login, task)
	}
	for _, p := range list(body["pages"]) {
		if _, _, err := s.create("Page", pageAttributes, nil)(it, who, p.(Object)); err != nil {
			s.remove(it)
			return nil, err
		}
	}
	return it, nil
}

// fieldValues returns the custom fields that a case or an alert has once v was
// sent, or nil if v says nothing. A list replaces all of them; an object adds to
// them on 5.7.1 and later, and sets those that it names before.
func (s *Server) fieldValues(it *item, v any) ([]any, error) {
	have := []any{}
	if it != nil {
		have = list(it.obj["customFields"])
	}
	switch v := v.(type) {
	case []any:
		have = []any{}
		for i, e := range v {
			o, _ := e.(Object)
			name, _ := o["name"].(string)
			f, err := s.fieldValue(name, o["value"], i)
			if err != nil {
				return nil, err
			}
			have = append(have, f)
		}
		return have, nil
	case Object:
		for _, name := range sortedKeys(v) {
			values, isList := v[name].([]any)
			switch {
			case isList && s.atLeast(7, 1):
				return nil, badRequest("Invalid value for custom field %s: an array isn't supported in this format", name)
			case !isList:
				values = []any{v[name]}
			}
			if !s.atLeast(7, 1) {
				have = slices.DeleteFunc(slices.Clone(have), func(h any) bool { return h.(Object)["name"] == name })
			}
			for _, value := range values {
				f, err := s.fieldValue(name, value, len(have))
				if err != nil {
					return nil, err
				}
				have = append(have, f)
			}
		}
		return have, nil
	}
	return nil, nil
}

// fieldValue is one value of a custom field, as TheHive lists it.
func (s *Server) fieldValue(name string, value any, order int) (Object, error) {
	f := s.named("CustomField", name)
	if f == nil {
		return nil, notFound("CustomField " + name)
	}
	ok := value == nil
	switch f.obj["type"] {
	case "string", "url":
		_, isString := value.(string)
		ok = ok || isString
	case "boolean":
		_, isBool := value.(bool)
		ok = ok || isBool
	default: // integer, float, date
		n, isNumber := value.(float64)
		ok = ok || isNumber && (f.obj["type"] == "float" || n == float64(int64(n)))
	}
	if !ok {
		return nil, badRequest("Invalid value type for custom field %s: expected %v", name, f.obj["type"])
	}
	if options := list(f.obj["options"]); len(options) > 0 && value != nil && !slices.Contains(options, value) {
		return nil, badRequest("Invalid value for custom field %s: %v is none of its options", name, value)
	}
	s.values++
	return Object{"_id": fmt.Sprintf("~cf%d", s.values), "name": name, "type": f.obj["type"], "value": value, "order": float64(order)}, nil
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
	fields := []any{}
	for _, it := range cases {
		titles = append(titles, fmt.Sprint(it.obj["title"]))
		descriptions = append(descriptions, fmt.Sprint(it.obj["description"]))
		o["tags"] = union(o["tags"], it.obj["tags"])
		fields = append(fields, list(it.obj["customFields"])...)
		for _, f := range []string{"severity", "tlp", "pap"} {
			o[f] = max(o[f].(float64), it.obj[f].(float64))
		}
		if start, ok := it.obj["startDate"].(float64); ok && (o["startDate"] == nil || start < o["startDate"].(float64)) {
			o["startDate"] = start
		}
	}
	o["title"], o["description"], o["customFields"] = strings.Join(titles, " / "), strings.Join(descriptions, "\n\n"), fields
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

// applyTemplate gives cases what a template has. A task that it doesn't find is
// left out without a word.
func (s *Server) applyTemplate(_ *http.Request, who *caller, body Object) (int, any, error) {
	name, _ := body["caseTemplate"].(string)
	if name == "" {
		return 0, nil, missing("caseTemplate")
	}
	t := s.find("CaseTemplate", name, who)
	if t == nil {
		return 0, nil, notFound("CaseTemplate")
	}
	cases, err := s.all("Case", list(body["ids"]), who)
	if err != nil {
		return 0, nil, err
	}
	wanted := list(body["importTasks"])
	for _, it := range cases {
		o := Object{}
		if body["updateTags"] == true {
			o["tags"] = union(it.obj["tags"], t.obj["tags"])
		}
		for flag, field := range map[string]string{"updateSeverity": "severity", "updateTlp": "tlp", "updatePap": "pap"} {
			if body[flag] == true && t.obj[field] != nil {
				o[field] = t.obj[field]
			}
		}
		s.change(it, who, o, nil)
		for _, task := range list(t.obj["tasks"]) {
			f := clone(task.(Object))
			if slices.Contains(wanted, f["title"]) || slices.Contains(wanted, f["_id"]) && !s.TasksByTitle {
				delete(f, "_id")
				s.add("Task", it, it.org, who.login, f)
			}
		}
	}
	return 204, nil, nil
}

// unlinkAlert takes an alert out of a case. What it brought there stays.
func (s *Server) unlinkAlert(r *http.Request, who *caller, _ Object) (int, any, error) {
	cs, a := s.find("Case", r.PathValue("id"), who), s.find("Alert", r.PathValue("alert"), who)
	if cs == nil || a == nil || a.obj["caseId"] != cs.id() {
		return 0, nil, notFound("Alert")
	}
	s.change(a, who, Object{"status": "New", "caseId": nil, "importedDate": nil}, nil)
	return 204, nil, nil
}

// linkedCases are the cases that share observables with it.
func (s *Server) linkedCases(it *item, who *caller, _ Object) (int, any, error) {
	found := []any{}
	for _, other := range s.visible("Case", who) {
		shared := s.shared(it, other)
		if other == it || len(shared) == 0 {
			continue
		}
		o := render(other)
		o["linkedWith"], o["linksCount"] = shared, len(shared)
		found = append(found, o)
	}
	return 200, found, nil
}

// shared are the observables of it that another one has too.
func (s *Server) shared(it, other *item) []any {
	found := []any{}
	for _, o := range s.children("Observable", it) {
		if slices.ContainsFunc(s.children("Observable", other), func(p *item) bool {
			return o.obj["data"] != nil && p.obj["dataType"] == o.obj["dataType"] && p.obj["data"] == o.obj["data"] && o.obj["ignoreSimilarity"] != true
		}) {
			found = append(found, render(o))
		}
	}
	return found
}

func (s *Server) similarObservables(kind string) handler {
	return func(r *http.Request, who *caller, _ Object) (int, any, error) {
		it, other := s.find(kind, r.PathValue("id"), who), s.find("Alert", r.PathValue("other"), who)
		if other == nil {
			other = s.find("Case", r.PathValue("other"), who)
		}
		if it == nil || other == nil {
			return 0, nil, notFound(kind)
		}
		return 200, s.shared(it, other), nil
	}
}

// timeline is TheHive's own: dates of the case, its alerts, the logs and tasks
// that were put there, procedures, sightings and custom events.
func (s *Server) timeline(it *item, who *caller, _ Object) (int, any, error) {
	events := []any{}
	add := func(x *item, kind string, date any, details Object) {
		if date == nil {
			return
		}
		e := Object{"date": date, "kind": kind, "entity": x.kind, "entityId": x.id(), "details": details}
		if x.kind == "CustomEvent" && x.obj["endDate"] != nil {
			e["endDate"] = x.obj["endDate"]
		}
		events = append(events, e)
	}
	for _, f := range []string{"startDate", "endDate"} {
		add(it, f, it.obj[f], Object{"title": it.obj["title"]})
	}
	for _, t := range s.children("Task", it) {
		for _, l := range s.children("Log", t) {
			add(l, "includeInTimeline", l.obj["includeInTimeline"], Object{"message": l.obj["message"]})
		}
	}
	for _, p := range s.children("Procedure", it) {
		add(p, "occurDate", p.obj["occurDate"], Object{"patternId": p.obj["patternId"], "tactic": p.obj["tactic"]})
	}
	for _, o := range s.children("Observable", it) {
		if o.obj["sighted"] == true {
			add(o, "sightedAt", o.obj["sightedAt"], Object{"data": o.obj["data"], "dataType": o.obj["dataType"]})
		}
	}
	for _, e := range s.children("CustomEvent", it) {
		add(e, "date", e.obj["date"], Object{"title": e.obj["title"], "description": e.obj["description"]})
	}
	for _, a := range s.visible("Alert", who) {
		if a.obj["caseId"] == it.id() {
			add(a, "date", a.obj["date"], Object{"title": a.obj["title"]})
		}
	}
	return 200, Object{"events": events}, nil
}
