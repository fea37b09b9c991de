package thehivetest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) routes() {
	s.handle("POST /api/v1/query", false, s.query)
	s.handle("GET /api/v1/user/current", false, func(_ *http.Request, who *caller, _ Object) (int, any, error) {
		return 200, who.user, nil
	})
	s.handle("POST /api/v1/case", true, s.createCase)
	s.handle("GET /api/v1/case/{id}", false, s.onCase(func(it *item, _ *caller, _ Object) (int, any, error) {
		return 200, render(it), nil
	}))
	s.handle("PATCH /api/v1/case/{id}", true, s.onCase(s.updateCase))
	s.handle("DELETE /api/v1/case/{id}", true, s.onCase(func(it *item, _ *caller, _ Object) (int, any, error) {
		s.remove(it)
		return 204, nil, nil
	}))
	s.handle("POST /api/v1/case/{id}/task", true, s.onCase(s.createTask))
	s.handle("POST /api/v1/case/{id}/comment", true, s.onCase(s.createMessage("Comment")))
	s.handle("POST /api/v1/case/{id}/observable", true, s.onCase(s.createObservable))
	s.handle("GET /api/v1/task/{id}", false, s.on("Task", func(it *item, _ *caller, _ Object) (int, any, error) {
		return 200, render(it), nil
	}))
	s.handle("POST /api/v1/task/{id}/log", true, s.on("Task", s.createMessage("Log")))
	s.moreRoutes()
	s.alertRoutes()
	s.cortexRoutes()
	s.statusRoutes()
}

type entityHandler func(it *item, who *caller, body Object) (int, any, error)

// on finds the entity that the path names.
func (s *Server) on(kind string, h entityHandler) handler {
	return func(r *http.Request, who *caller, body Object) (int, any, error) {
		it := s.find(kind, r.PathValue("id"), who)
		if it == nil {
			return 0, nil, notFound(kind)
		}
		return h(it, who, body)
	}
}

func (s *Server) onCase(h entityHandler) handler { return s.on("Case", h) }

// visible returns the entities of a kind that who may see, in the order in
// which they were made.
func (s *Server) visible(kind string, who *caller) (list []*item) {
	for _, it := range s.items {
		if it.kind == kind && (it.org == "" || it.org == who.org) {
			list = append(list, it)
		}
	}
	return list
}

// find returns an entity by its id or its name, or nil. The name of a case is its number.
func (s *Server) find(kind, idOrName string, who *caller) *item {
	for _, it := range s.visible(kind, who) {
		if it.id() == idOrName || kind == "Case" && fmt.Sprint(it.obj["number"]) == idOrName || idOrName != "" && (it.obj["name"] == idOrName || it.obj["login"] == idOrName) {
			return it
		}
	}
	return nil
}

// named returns what is of that kind and has that name, login or value, or nil.
func (s *Server) named(kind, name string) *item {
	for _, it := range s.items {
		if it.kind == kind && (it.obj["login"] == name || it.obj["name"] == name || it.obj["value"] == name) {
			return it
		}
	}
	return nil
}

// remove deletes it and all that is in it.
func (s *Server) remove(it *item) {
	s.items = slices.DeleteFunc(s.items, func(x *item) bool {
		for ; x != nil; x = x.parent {
			if x == it {
				return true
			}
		}
		return false
	})
}

func (s *Server) children(kind string, parent *item) (list []*item) {
	for _, it := range s.items {
		if it.kind == kind && it.parent == parent {
			list = append(list, it)
		}
	}
	return list
}

// defaults are what TheHive fills in, by kind.
var defaults = map[string]Object{
	"Case":           {"severity": 2, "tlp": 2, "pap": 2, "flag": false, "status": "New", "access": Object{"_kind": "OrganisationAccessKind"}, "timeToDetect": 0, "userPermissions": []string{}, "customFields": []any{}},
	"Task":           {"group": "default", "status": "Waiting", "flag": false, "order": 0, "mandatory": false},
	"Log":            {},
	"Comment":        {"isEdited": false, "external": false},
	"Observable":     {"tlp": 2, "pap": 2, "ioc": false, "sighted": false, "reports": Object{}, "ignoreSimilarity": false, "external": false},
	"Procedure":      {},
	"CaseTemplate":   {"flag": false, "customFields": []any{}, "tasks": []any{}},
	"CaseStatus":     {"hidden": false},
	"AlertStatus":    {"hidden": false},
	"Alert":          {"severity": 2, "tlp": 2, "pap": 2, "follow": true, "status": "New", "observableCount": 0, "timeToDetect": 0, "customFields": []any{}},
	"Attachment":     {"external": false},
	"Job":            {"status": "Waiting", "operations": "[]"},
	"Action":         {"status": "Waiting", "operations": "[]", "report": "{}"},
	"ObservableType": {"isAttachment": false},
	"User":           {"hasKey": true, "hasPassword": true, "hasMFA": false, "locked": false, "type": "Normal"},
}

// add stores an entity. fields win over the defaults.
func (s *Server) add(kind string, parent *item, org, by string, fields Object) *item {
	if defaults[kind] == nil {
		panic("thehivetest: no kind " + kind)
	}
	now := s.now()
	o := clone(defaults[kind])
	o["_type"] = kind
	switch kind {
	case "Case":
		s.number++
		o["number"], o["startDate"], o["newDate"] = s.number, now, now
	case "Log":
		o["date"], o["owner"] = now, by
	case "Observable":
		o["startDate"] = now
	case "Procedure":
		o["occurDate"] = now
	case "Alert":
		o["date"], o["newDate"] = now, now
	case "Job", "Action":
		o["startDate"] = now
	}
	switch kind {
	case "Case", "Task", "Log", "Comment", "Observable", "Procedure", "Alert", "Attachment", "Job", "Action":
		s.next += 4096
		o["_id"] = "~" + strconv.FormatInt(s.next, 10)
	default:
		s.base += 8
		o["_id"] = "~" + strconv.FormatInt(s.base, 10)
	}
	if kind == "Comment" {
		o["createdBy"], o["createdAt"] = by, now
	} else {
		o["_createdBy"], o["_createdAt"] = by, now
	}
	maps.Copy(o, fields)
	it := &item{kind: kind, org: org, parent: parent, obj: clone(o)}
	s.setStage(it)
	if kind == "Observable" && parent != nil && parent.kind == "Alert" {
		n, _ := parent.obj["observableCount"].(float64)
		parent.obj["observableCount"] = n + 1
	}
	s.items = append(s.items, it)
	return it
}

// setStage makes the stage of a case or an alert fit its status.
func (s *Server) setStage(it *item) {
	if it.kind != "Case" && it.kind != "Alert" {
		return
	}
	stage := "New"
	if st := s.named(it.kind+"Status", fmt.Sprint(it.obj["status"])); st != nil {
		stage = fmt.Sprint(st.obj["stage"])
	}
	was := it.obj["stage"]
	it.obj["stage"] = stage
	switch {
	case stage == was:
	case stage == "Imported":
	case stage == "Closed":
		now := float64(s.now())
		for _, name := range []string{"closedDate", "endDate"} {
			if it.obj[name] == nil {
				it.obj[name] = now
			}
		}
	default:
		delete(it.obj, "closedDate")
		delete(it.obj, "endDate")
		if stage == "InProgress" && it.obj["inProgressDate"] == nil {
			it.obj["inProgressDate"] = float64(s.now())
		}
	}
}

var (
	severityLabels = []string{"", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	tlpLabels      = []string{"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"}
	papLabels      = []string{"CLEAR", "GREEN", "AMBER", "RED"}
)

// render returns an entity as TheHive answers it.
func render(it *item) Object {
	o := clone(it.obj)
	for name, labels := range map[string][]string{"severity": severityLabels, "tlp": tlpLabels, "pap": papLabels} {
		if n, ok := o[name].(float64); ok && int(n) < len(labels) {
			o[name+"Label"] = labels[int(n)]
		}
	}
	if it.kind == "Procedure" {
		delete(o, "_type")
		if t, ok := o["tactic"].(string); ok {
			o["tacticLabel"] = strings.ToUpper(t[:1]) + strings.ReplaceAll(t[1:], "-", " ")
		}
	}
	if it.kind == "Job" || it.kind == "Action" {
		o["_type"] = map[string]string{"Job": "case_artifact_job", "Action": "action"}[it.kind]
		return o
	}
	o["extraData"] = Object{}
	return o
}

// attribute is what a body may hold under a name.
type attribute struct {
	name     string
	required bool
	form     string // string, text, level, bool, date, int, strings
	min, max int    // of a level or of a string's length
}

var caseAttributes = []attribute{
	{"title", true, "string", 1, 512}, {"description", true, "text", 0, 1 << 20}, {"severity", false, "level", 1, 4},
	{"startDate", false, "date", 0, 0}, {"endDate", false, "date", 0, 0}, {"tags", false, "strings", 1, 128},
	{"flag", false, "bool", 0, 0}, {"tlp", false, "level", 0, 4}, {"pap", false, "level", 0, 3},
	{"status", false, "string", 1, 64}, {"summary", false, "text", 0, 1 << 20}, {"assignee", false, "string", 1, 128},
	{"impactStatus", false, "string", 1, 128},
}

var taskAttributes = []attribute{
	{"title", true, "string", 1, 128}, {"group", false, "string", 1, 64}, {"description", false, "text", 0, 1 << 20},
	{"status", false, "string", 1, 16}, {"flag", false, "bool", 0, 0}, {"startDate", false, "date", 0, 0},
	{"endDate", false, "date", 0, 0}, {"order", false, "int", 0, 0}, {"dueDate", false, "date", 0, 0},
	{"assignee", false, "string", 1, 128}, {"mandatory", false, "bool", 0, 0},
}

var observableAttributes = []attribute{
	{"dataType", true, "string", 1, 64}, {"message", false, "text", 0, 1 << 20}, {"startDate", false, "date", 0, 0},
	{"tlp", false, "level", 0, 4}, {"pap", false, "level", 0, 3}, {"tags", false, "strings", 1, 128},
	{"ioc", false, "bool", 0, 0}, {"sighted", false, "bool", 0, 0}, {"sightedAt", false, "date", 0, 0},
	{"ignoreSimilarity", false, "bool", 0, 0},
}

var messageAttributes = []attribute{{"message", true, "text", 0, 1 << 20}, {"includeInTimeline", false, "date", 0, 0}, {"startDate", false, "date", 0, 0}}

// take returns those members of body that attrs know; the others are ignored.
// partly says that required ones may be absent.
func take(body Object, attrs []attribute, partly bool) (Object, error) {
	var absent []string
	out := Object{}
	for _, a := range attrs {
		v, ok := body[a.name]
		if !ok || v == nil {
			if a.required && !partly {
				absent = append(absent, a.name)
			}
			continue
		}
		if !a.fits(v) {
			return nil, malformed(a.name, a.form, v)
		}
		out[a.name] = v
	}
	if len(absent) > 0 {
		return nil, missing(absent...)
	}
	return out, nil
}

func (a attribute) fits(v any) bool {
	switch a.form {
	case "string", "text":
		s, ok := v.(string)
		return ok && len([]rune(s)) >= a.min && len([]rune(s)) <= a.max
	case "bool":
		_, ok := v.(bool)
		return ok
	case "level":
		n, ok := v.(float64)
		return ok && n == float64(int(n)) && int(n) >= a.min && int(n) <= a.max
	case "date", "int":
		n, ok := v.(float64)
		return ok && n == float64(int64(n))
	case "strings":
		list, ok := v.([]any)
		seen := map[string]bool{}
		for _, e := range list {
			s, isString := e.(string)
			ok = ok && isString && len([]rune(s)) >= a.min && len([]rune(s)) <= a.max && !seen[s]
			seen[s] = true
		}
		return ok
	}
	return false
}

// checkCase refuses a status or an assignee that isn't there.
func (s *Server) checkCase(o Object) error {
	if st, ok := o["status"].(string); ok && s.named("CaseStatus", st) == nil {
		return badRequest("Case status %s is not valid", st)
	}
	return s.checkAssignee(o)
}

func (s *Server) checkAssignee(o Object) error {
	if a, ok := o["assignee"].(string); ok && s.named("User", a) == nil {
		return notFound("User")
	}
	return nil
}

func (s *Server) createCase(_ *http.Request, who *caller, body Object) (int, any, error) {
	o, err := take(body, caseAttributes, false)
	if err != nil {
		return 0, nil, err
	}
	if err := s.checkCase(o); err != nil {
		return 0, nil, err
	}
	var tasks []any
	if name, ok := body["caseTemplate"].(string); ok {
		t := s.find("CaseTemplate", name, who)
		if t == nil {
			return 0, nil, notFound("CaseTemplate")
		}
		for _, f := range []string{"severity", "tlp", "pap", "flag"} {
			if o[f] == nil && t.obj[f] != nil {
				o[f] = t.obj[f]
			}
		}
		if prefix, ok := t.obj["titlePrefix"].(string); ok {
			o["title"] = strings.TrimSpace(prefix + " " + o["title"].(string))
		}
		o["tags"] = union(t.obj["tags"], o["tags"])
		tasks, _ = t.obj["tasks"].([]any)
	}
	if o["assignee"] == nil {
		o["assignee"] = who.login
	}
	o["customFields"] = customFields(body["customFields"])
	it := s.add("Case", nil, who.org, who.login, o)
	for i, t := range tasks {
		task := clone(t.(Object))
		task["order"] = i
		s.add("Task", it, who.org, who.login, task)
	}
	return 201, render(it), nil
}

// customFields turns the object form into the list that TheHive answers.
func customFields(v any) []any {
	list := []any{}
	o, _ := v.(Object)
	for i, name := range slices.Sorted(maps.Keys(o)) {
		kind := "string"
		switch o[name].(type) {
		case bool:
			kind = "boolean"
		case float64:
			kind = "integer"
		}
		list = append(list, Object{"_id": fmt.Sprintf("~cf%d", i), "name": name, "type": kind, "value": o[name], "order": i})
	}
	return list
}

func union(a, b any) []any {
	out := []any{}
	for _, list := range []any{a, b} {
		l, _ := list.([]any)
		for _, v := range l {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

func (s *Server) updateCase(it *item, who *caller, body Object) (int, any, error) {
	o, err := take(body, caseAttributes, true)
	if err != nil {
		return 0, nil, err
	}
	more, err := take(body, []attribute{{"addTags", false, "strings", 1, 128}, {"removeTags", false, "strings", 1, 128}}, true)
	if err != nil {
		return 0, nil, err
	}
	if err := s.checkCase(o); err != nil {
		return 0, nil, err
	}
	s.change(it, who, o, more)
	if set, ok := body["customFields"].(Object); ok {
		mergeFields(it, set)
	}
	return 204, nil, nil
}

// change sets fields and adds or removes tags.
func (s *Server) change(it *item, who *caller, o, more Object) {
	maps.Copy(it.obj, o)
	if more["addTags"] != nil {
		it.obj["tags"] = union(it.obj["tags"], more["addTags"])
	}
	if gone, ok := more["removeTags"].([]any); ok {
		it.obj["tags"] = slices.DeleteFunc(union(it.obj["tags"], nil), func(t any) bool { return slices.Contains(gone, t) })
	}
	if len(o)+len(more) > 0 {
		it.obj["_updatedBy"], it.obj["_updatedAt"] = who.login, float64(s.now())
		s.setStage(it)
	}
}

// mergeFields sets custom fields and keeps the others.
func mergeFields(it *item, set Object) {
	have, _ := it.obj["customFields"].([]any)
	for _, f := range customFields(set) {
		name := f.(Object)["name"]
		if i := slices.IndexFunc(have, func(h any) bool { return h.(Object)["name"] == name }); i >= 0 {
			have[i].(Object)["value"] = f.(Object)["value"]
			continue
		}
		have = append(have, clone(f.(Object)))
	}
	it.obj["customFields"] = have
}

func (s *Server) createTask(it *item, who *caller, body Object) (int, any, error) {
	o, err := take(body, taskAttributes, false)
	if err != nil {
		return 0, nil, err
	}
	if st, ok := o["status"].(string); ok && !slices.Contains([]string{"Waiting", "InProgress", "Completed", "Cancel"}, st) {
		return 0, nil, malformed("status", "TaskStatus", st)
	}
	if err := s.checkAssignee(o); err != nil {
		return 0, nil, err
	}
	return 201, render(s.add("Task", it, it.org, who.login, o)), nil
}

func (s *Server) createMessage(kind string) entityHandler {
	return func(it *item, who *caller, body Object) (int, any, error) {
		o, err := take(body, messageAttributes, false)
		if err != nil {
			return 0, nil, err
		}
		delete(o, "startDate")
		if kind == "Comment" {
			delete(o, "includeInTimeline")
		}
		return 201, render(s.add(kind, it, it.org, who.login, o)), nil
	}
}

func (s *Server) createObservable(it *item, who *caller, body Object) (int, any, error) {
	o, err := take(body, observableAttributes, false)
	if err != nil {
		return 0, nil, err
	}
	var values []any
	switch d := body["data"].(type) {
	case nil:
		return 0, nil, missing("data")
	case string:
		values = []any{d}
	case []any:
		values = d
	default:
		return 0, nil, malformed("data", "string", d)
	}
	for _, v := range values {
		if text, ok := v.(string); !ok || text == "" || len(text) > 4096 {
			return 0, nil, malformed("data", "string", v)
		}
	}
	created, failed := []any{}, []any{}
	for _, v := range values {
		if typ, message := s.refuseObservable(it, o["dataType"].(string), v.(string)); typ != "" {
			failed = append(failed, Object{"type": typ, "message": message, "object": Object{"data": v, "dataType": o["dataType"]}})
			continue
		}
		o["data"] = v
		created = append(created, render(s.add("Observable", it, it.org, who.login, o)))
	}
	if len(failed) == 0 || s.SilentDuplicates {
		return 201, created, nil
	}
	return 207, Object{"success": created, "failure": failed}, nil
}

func (s *Server) refuseObservable(it *item, dataType, data string) (typ, message string) {
	if s.named("ObservableType", dataType) == nil {
		return "BadRequest", "Observable type " + dataType + " not found"
	}
	for _, o := range s.children("Observable", it) {
		if o.obj["dataType"] == dataType && o.obj["data"] == data {
			return "CreateError", "Observable already exists"
		}
	}
	return "", ""
}
