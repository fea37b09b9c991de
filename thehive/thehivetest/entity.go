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
	s.caseRoutes()
	s.taskRoutes()
	s.observableRoutes()
	s.alertRoutes()
	s.fileRoutes()
	s.catalogueRoutes()
	s.userRoutes()
	s.cortexRoutes()
	s.mispRoutes()
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

func show(it *item, _ *caller, _ Object) (int, any, error) { return 200, render(it), nil }

// drop deletes an entity and all that is in it.
func (s *Server) drop(it *item, _ *caller, _ Object) (int, any, error) {
	s.remove(it)
	return 204, nil, nil
}

// bulk does to each of the entities that the body names what h does to one. That
// one isn't there, or is refused, stops it before anything is changed.
func (s *Server) bulk(kind string, h entityHandler) handler {
	return func(_ *http.Request, who *caller, body Object) (int, any, error) {
		items, err := s.all(kind, list(body["ids"]), who)
		if err != nil {
			return 0, nil, err
		}
		for _, it := range items {
			if _, _, err := h(it, who, body); err != nil {
				return 0, nil, err
			}
		}
		return 204, nil, nil
	}
}

// all finds every entity of ids.
func (s *Server) all(kind string, ids []any, who *caller) ([]*item, error) {
	if len(ids) == 0 {
		return nil, missing("ids")
	}
	items := make([]*item, len(ids))
	for i, id := range ids {
		if items[i] = s.find(kind, fmt.Sprint(id), who); items[i] == nil {
			return nil, notFound(kind)
		}
	}
	return items, nil
}

// list returns the elements of v, which may be none.
func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// visible returns the entities of a kind that who may see, in the order in
// which they were made.
func (s *Server) visible(kind string, who *caller) (seen []*item) {
	for _, it := range s.items {
		if it.kind == kind && it.seenBy(who) {
			seen = append(seen, it)
		}
	}
	return seen
}

// seenBy reports whether who may see it. Users are seen by those of their
// organisations, and by administrators.
func (it *item) seenBy(who *caller) bool {
	if it.kind == "User" && who.org != "admin" {
		return slices.ContainsFunc(list(it.obj["organisations"]), func(m any) bool { return m.(Object)["organisation"] == who.org })
	}
	return it.org == "" || it.org == who.org
}

// find returns an entity by its id or its name, or nil. The name of a case is
// its number, that of an alert its type, source and reference.
func (s *Server) find(kind, idOrName string, who *caller) *item {
	if it := s.ids[idOrName]; it != nil && it.kind == kind && it.seenBy(who) {
		return it
	}
	if kind == "Case" {
		if n, err := strconv.Atoi(idOrName); err == nil {
			idOrName = strconv.Itoa(n) // "01" is 1
		}
	}
	for _, it := range s.items {
		if it.kind == kind && it.seenBy(who) && idOrName != "" && it.name() == idOrName {
			return it
		}
	}
	return nil
}

// name is by what it is found beside its id.
func (it *item) name() string {
	switch it.kind {
	case "Case":
		return fmt.Sprint(it.obj["number"])
	case "Alert":
		return fmt.Sprintf("%v;%v;%v", it.obj["type"], it.obj["source"], it.obj["sourceRef"])
	}
	for _, f := range []string{"login", "name", "value", "patternId"} {
		if v, ok := it.obj[f].(string); ok && it.kind != "Attachment" && it.kind != "Procedure" {
			return v
		}
	}
	return ""
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
		for p := x; p != nil; p = p.parent {
			if p == it {
				delete(s.ids, x.id())
				return true
			}
		}
		return false
	})
	if it.kind == "Observable" {
		s.countObservables(it.parent, -1)
	}
}

// countObservables keeps the number of observables that an alert tells.
func (s *Server) countObservables(parent *item, more float64) {
	if parent != nil && parent.kind == "Alert" {
		n, _ := parent.obj["observableCount"].(float64)
		parent.obj["observableCount"] = n + more
	}
}

func (s *Server) children(kind string, parent *item) (found []*item) {
	for _, it := range s.items {
		if it.kind == kind && it.parent == parent {
			found = append(found, it)
		}
	}
	return found
}

// defaults are what TheHive fills in, by kind.
var defaults = map[string]Object{
	"Case": {"severity": 2, "tlp": 2, "pap": 2, "flag": false, "status": "New", "access": Object{"_kind": "OrganisationAccessKind"}, "timeToDetect": 0,
		"userPermissions": []string{}, "customFields": []any{}, "caseLinks": []any{}, "externalLinks": []any{}},
	"Task":           {"group": "default", "status": "Waiting", "flag": false, "order": 0, "mandatory": false},
	"Log":            {},
	"Comment":        {"isEdited": false, "external": false},
	"Observable":     {"tlp": 2, "pap": 2, "ioc": false, "sighted": false, "reports": Object{}, "ignoreSimilarity": false, "external": false},
	"Procedure":      {},
	"Page":           {"order": 0},
	"CustomEvent":    {},
	"CaseTemplate":   {"flag": false, "customFields": []any{}, "tasks": []any{}},
	"PageTemplate":   {"order": 0},
	"CaseStatus":     {"hidden": false},
	"AlertStatus":    {"hidden": false},
	"Alert":          {"severity": 2, "tlp": 2, "pap": 2, "follow": true, "status": "New", "observableCount": 0, "timeToDetect": 0, "customFields": []any{}},
	"Attachment":     {"external": false},
	"Job":            {"status": "Waiting", "operations": "[]"},
	"Action":         {"status": "Waiting", "operations": "[]", "report": "{}"},
	"ObservableType": {"isAttachment": false},
	"CustomField":    {"group": "default", "description": "", "type": "string", "options": []any{}, "mandatory": false},
	"Profile":        {"permissions": []string{}, "editable": true, "forAdmin": false, "forOrg": true, "forExternal": false, "consumesLicense": true, "type": "User"},
	"Organisation":   {"locked": false, "taskRule": "manual", "observableRule": "manual"},
	"User":           {"hasKey": true, "hasPassword": true, "hasMFA": false, "locked": false, "type": "Normal"},
}

// byNumber are the kinds whose ids are in a row of their own, so that what an
// administrator sets up doesn't shift those of cases.
var byNumber = []string{"Case", "Task", "Log", "Comment", "Observable", "Procedure", "Alert", "Attachment", "Job", "Action", "Page", "CustomEvent"}

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
	case "CustomField":
		o["displayName"] = fields["name"]
	case "CaseTemplate":
		o["displayName"] = fields["name"]
	}
	if slices.Contains(byNumber, kind) {
		s.next += 4096
		o["_id"] = "~" + strconv.FormatInt(s.next, 10)
	} else {
		s.base += 8
		o["_id"] = "~" + strconv.FormatInt(s.base, 10)
	}
	o["_createdBy"], o["_createdAt"] = by, now
	maps.Copy(o, fields)
	it := &item{kind: kind, org: org, parent: parent, obj: clone(o)}
	if kind == "Comment" { // its own names for the same, which a caller may have given
		for _, f := range []string{"createdBy", "createdAt"} {
			if v, ok := it.obj[f]; ok {
				it.obj["_"+f] = v
				delete(it.obj, f)
			}
		}
	}
	s.setStage(it)
	if kind == "Observable" {
		s.countObservables(parent, 1)
	}
	s.store(it)
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
		if was != nil && it.kind == "Case" {
			s.endTasks(it)
		}
	default:
		delete(it.obj, "closedDate")
		delete(it.obj, "endDate")
		if stage == "InProgress" && it.obj["inProgressDate"] == nil {
			it.obj["inProgressDate"] = float64(s.now())
		}
	}
}

// endTasks ends the open tasks of a case that is closed: those that nobody began
// are cancelled, the others completed. Opening it again doesn't bring them back.
func (s *Server) endTasks(it *item) {
	for _, t := range s.children("Task", it) {
		switch t.obj["status"] {
		case "Waiting":
			t.obj["status"] = "Cancel"
		case "InProgress":
			t.obj["status"] = "Completed"
		default:
			continue
		}
		t.obj["endDate"] = float64(s.now())
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
	switch it.kind {
	case "Case":
		delete(o, "caseLinks")
		delete(o, "externalLinks")
	case "Comment":
		for _, f := range []string{"createdBy", "createdAt", "updatedBy", "updatedAt"} {
			if v, ok := o["_"+f]; ok {
				o[f] = v
				delete(o, "_"+f)
			}
		}
	case "Procedure":
		delete(o, "_type")
		if t, ok := o["tactic"].(string); ok && t != "" {
			o["tacticLabel"] = strings.ToUpper(t[:1]) + strings.ReplaceAll(t[1:], "-", " ")
		}
	case "Job", "Action":
		o["_type"] = map[string]string{"Job": "case_artifact_job", "Action": "action"}[it.kind]
		return o
	case "Profile", "CustomEvent":
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

var procedureAttributes = []attribute{{"patternId", true, "string", 1, 128}, {"occurDate", true, "date", 0, 0}, {"tactic", false, "string", 1, 32}, {"description", false, "text", 0, 1 << 20}}

var messageAttributes = []attribute{{"message", true, "text", 0, 1 << 20}, {"includeInTimeline", false, "date", 0, 0}, {"startDate", false, "date", 0, 0}}

var tagAttributes = []attribute{{"addTags", false, "strings", 1, 128}, {"removeTags", false, "strings", 1, 128}}

// take returns those members of body that attrs know; the others are ignored.
// partly says that required ones may be absent, and that null takes a value away.
func take(body Object, attrs []attribute, partly bool) (Object, error) {
	var absent []string
	out := Object{}
	for _, a := range attrs {
		v, ok := body[a.name]
		switch {
		case !ok || v == nil && !partly:
			if a.required && !partly {
				absent = append(absent, a.name)
			}
			continue
		case v == nil && !a.required:
			out[a.name] = nil
			continue
		case !a.fits(v):
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
		l, ok := v.([]any)
		seen := map[string]bool{}
		for _, e := range l {
			s, isString := e.(string)
			ok = ok && isString && len([]rune(s)) >= a.min && len([]rune(s)) <= a.max && !seen[s]
			seen[s] = true
		}
		return ok
	}
	return false
}

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
		if check != nil {
			if err := check(o); err != nil {
				return 0, nil, err
			}
		}
		fields, err := s.fieldValues(it, body["customFields"])
		if err != nil {
			return 0, nil, err
		}
		if fields != nil {
			o["customFields"] = fields
		}
		s.change(it, who, o, more)
		return 204, nil, nil
	}
}

// checkAssignee refuses an assignee who isn't there.
func (s *Server) checkAssignee(o Object) error {
	if a, ok := o["assignee"].(string); ok && s.named("User", a) == nil {
		return notFound("User")
	}
	return nil
}

// change sets fields, takes away those that are nil, and adds or removes tags.
func (s *Server) change(it *item, who *caller, o, more Object) {
	for name, v := range o {
		if it.obj[name] = v; v == nil {
			delete(it.obj, name)
		}
	}
	if more["addTags"] != nil {
		it.obj["tags"] = union(it.obj["tags"], more["addTags"])
	}
	if gone := list(more["removeTags"]); gone != nil {
		it.obj["tags"] = slices.DeleteFunc(union(it.obj["tags"], nil), func(t any) bool { return slices.Contains(gone, t) })
	}
	if len(o)+len(more) > 0 {
		it.obj["_updatedBy"], it.obj["_updatedAt"] = who.login, float64(s.now())
		s.setStage(it)
	}
}

// union returns what is in a or in b, once.
func union(a, b any) []any {
	out := []any{}
	for _, v := range append(list(a)[:len(list(a)):len(list(a))], list(b)...) {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
