package thehivetest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// hops are the steps from one kind of entity to another.
var hops = map[string]map[string]string{
	"Case":       {"tasks": "Task", "observables": "Observable", "comments": "Comment", "procedures": "Procedure", "attachments": "Attachment", "alerts": "Alert"},
	"Alert":      {"observables": "Observable", "comments": "Comment", "procedures": "Procedure", "attachments": "Attachment"},
	"Task":       {"logs": "Log"},
	"Observable": {"jobs": "Job"},
}

// own are the properties that every entity can be filtered and sorted by.
var own = []string{"_id", "_createdBy", "_createdAt", "_updatedBy", "_updatedAt"}

// properties are the others, by kind. Anything else is a bad request.
var properties = map[string][]string{
	"Case": {"number", "title", "description", "severity", "startDate", "endDate", "tags", "flag", "tlp", "pap", "status", "stage",
		"summary", "impactStatus", "assignee", "newDate", "inProgressDate", "closedDate"},
	"Task":         {"title", "group", "description", "status", "flag", "startDate", "endDate", "assignee", "order", "dueDate", "mandatory"},
	"Log":          {"message", "date", "includeInTimeline", "owner"},
	"Comment":      {"message", "createdBy", "createdAt", "updatedBy", "updatedAt", "isEdited"},
	"Observable":   {"dataType", "data", "startDate", "tlp", "pap", "tags", "ioc", "sighted", "sightedAt", "message", "ignoreSimilarity"},
	"Procedure":    {"patternId", "patternName", "occurDate", "tactic", "description"},
	"CaseTemplate": {"name", "displayName", "titlePrefix", "description", "severity", "tags", "flag", "tlp", "pap", "summary"},
	"Alert": {"type", "source", "sourceRef", "externalLink", "title", "description", "severity", "date", "tags", "tlp", "pap", "follow",
		"status", "stage", "assignee", "summary", "caseId", "caseTemplate", "newDate", "importedDate", "closedDate"},
	"Attachment":     {"name", "size", "contentType", "hashes"},
	"Job":            {"analyzerId", "analyzerName", "status", "startDate", "endDate", "cortexId", "cortexJobId"},
	"AlertStatus":    {"value", "stage", "order", "hidden", "description"},
	"CaseStatus":     {"value", "stage", "order", "hidden", "description"},
	"ObservableType": {"name", "isAttachment"},
	"User":           {"login", "name", "locked", "email"},
}

func known(kind, field string) bool {
	return slices.Contains(own, field) && kind != "Comment" || field == "_id" || slices.Contains(properties[kind], field)
}

// query runs the pipeline in the body. All else in the body is ignored.
func (s *Server) query(_ *http.Request, who *caller, body Object) (int, any, error) {
	steps, ok := body["query"].([]any)
	if !ok {
		return 0, nil, missing("query")
	}
	if len(steps) == 0 {
		return 0, nil, badRequest("the query is empty")
	}
	p := &pipeline{s: s, who: who}
	for _, st := range steps {
		step, ok := st.(Object)
		name, _ := step["_name"].(string)
		if !ok || name == "" {
			return 0, nil, malformed("query", "query", st)
		}
		if err := p.run(name, step); err != nil {
			return 0, nil, err
		}
	}
	if p.counted {
		return 200, len(p.items), nil
	}
	out := make([]any, len(p.items))
	for i, it := range p.items {
		o := render(it)
		for _, name := range p.extra {
			if v, ok := s.extraData(it, name); ok {
				o["extraData"].(Object)[name] = v
			}
		}
		out[i] = o
	}
	if drop, ok := body["excludeFields"].([]any); ok {
		for _, o := range out {
			for _, f := range drop {
				delete(o.(Object), fmt.Sprint(f))
			}
		}
	}
	return 200, out, nil
}

type pipeline struct {
	s       *Server
	who     *caller
	kind    string
	items   []*item
	extra   []string
	counted bool
}

func (p *pipeline) run(name string, step Object) error {
	if p.kind == "" {
		return p.start(name, step)
	}
	if p.counted {
		return badRequest("Operation %s cannot follow count", name)
	}
	if to, ok := hops[p.kind][name]; ok {
		var next []*item
		for _, it := range p.items {
			if to == "Alert" { // they aren't in the case: they point to it
				for _, a := range p.s.visible("Alert", p.who) {
					if a.obj["caseId"] == it.id() {
						next = append(next, a)
					}
				}
				continue
			}
			next = append(next, p.s.children(to, it)...)
		}
		p.kind, p.items, p.extra = to, next, nil
		return nil
	}
	switch name {
	case "filter":
		return p.filter(step)
	case "sort":
		return p.sort(step)
	case "page":
		from, ok1 := step["from"].(float64)
		to, ok2 := step["to"].(float64)
		if !ok1 || !ok2 || from < 0 || to < from {
			return malformed("page", "from and to", step)
		}
		n := len(p.items)
		p.items = p.items[min(int(from), n):min(int(to), n)]
		if list, ok := step["extraData"].([]any); ok {
			for _, x := range list {
				p.extra = append(p.extra, fmt.Sprint(x))
			}
		}
		return nil
	case "count":
		p.counted = true
		return nil
	}
	return badRequest("Operation %s is not known for %s", name, p.kind)
}

func (p *pipeline) start(name string, step Object) error {
	if kind, ok := strings.CutPrefix(name, "list"); ok && properties[kind] != nil {
		p.kind, p.items = kind, slices.Clone(p.s.visible(kind, p.who))
		return nil
	}
	if kind, ok := strings.CutPrefix(name, "get"); ok && properties[kind] != nil {
		id := step["idOrName"]
		if id == nil {
			return missing("idOrName")
		}
		p.kind = kind
		if it := p.s.find(kind, fmt.Sprint(id), p.who); it != nil {
			p.items = []*item{it}
		}
		return nil // an unknown one is no error: what follows has nothing to work on
	}
	return badRequest("Operation %s is not known", name)
}

func (p *pipeline) sort(step Object) error {
	fields, ok := step["_fields"].([]any)
	if !ok {
		return missing("_fields")
	}
	type order struct {
		field string
		sign  int
	}
	var orders []order
	for _, f := range fields {
		o, ok := f.(Object)
		if !ok || len(o) != 1 {
			return malformed("_fields", "an object with one member", f)
		}
		for field, dir := range o {
			sign := map[any]int{"asc": 1, "desc": -1}[dir]
			if sign == 0 || !known(p.kind, field) {
				return badRequest("Invalid sort: %s %v", field, dir)
			}
			orders = append(orders, order{field, sign})
		}
	}
	slices.SortStableFunc(p.items, func(a, b *item) int {
		for _, o := range orders {
			if c := compare(a.obj[o.field], b.obj[o.field]); c != 0 {
				return c * o.sign
			}
		}
		return 0
	})
	return nil
}

// compare orders values of one type; nil comes first.
func compare(a, b any) int {
	switch x := a.(type) {
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	case bool:
		if y, ok := b.(bool); ok && x != y {
			if y {
				return -1
			}
			return 1
		}
	case nil:
		if b != nil {
			return -1
		}
		return 0
	}
	if b == nil {
		return 1
	}
	return 0
}

func (p *pipeline) filter(step Object) error {
	test, err := p.predicate(step, true)
	if err != nil {
		return err
	}
	p.items = slices.DeleteFunc(p.items, func(it *item) bool { return !test(it) })
	return nil
}

type test func(*item) bool

// predicate compiles the one condition in o. top says that o is the step itself.
func (p *pipeline) predicate(o Object, top bool) (test, error) {
	var name string
	for k := range o {
		if top && k == "_name" {
			continue
		}
		if name != "" {
			return nil, badRequest("a filter has one condition, got %s and %s", name, k)
		}
		name = k
	}
	arg := o[name]
	switch name {
	case "_and", "_or":
		list, ok := arg.([]any)
		if !ok {
			return nil, malformed(name, "an array", arg)
		}
		var tests []test
		for _, x := range list {
			sub, ok := x.(Object)
			if !ok {
				return nil, malformed(name, "an array of conditions", x)
			}
			t, err := p.predicate(sub, false)
			if err != nil {
				return nil, err
			}
			tests = append(tests, t)
		}
		if name == "_and" {
			return func(it *item) bool {
				return !slices.ContainsFunc(tests, func(t test) bool { return !t(it) })
			}, nil
		}
		return func(it *item) bool { return slices.ContainsFunc(tests, func(t test) bool { return t(it) }) }, nil
	case "_not":
		sub, ok := arg.(Object)
		if !ok {
			return nil, malformed(name, "a condition", arg)
		}
		t, err := p.predicate(sub, false)
		if err != nil {
			return nil, err
		}
		return func(it *item) bool { return !t(it) }, nil
	case "_any":
		return func(*item) bool { return true }, nil
	case "_id":
		return func(it *item) bool { return it.obj["_id"] == arg }, nil
	case "_has":
		return func(it *item) bool { return it.obj[fmt.Sprint(arg)] != nil }, nil
	}
	c, ok := arg.(Object)
	field, _ := c["_field"].(string)
	if !ok || field == "" {
		return nil, badRequest("Filter %s is not known", name)
	}
	if !known(p.kind, field) {
		return nil, badRequest("Property %s not found in %s", field, p.kind)
	}
	match, err := comparison(name, c)
	if err != nil {
		return nil, err
	}
	return func(it *item) bool {
		if list, ok := it.obj[field].([]any); ok {
			if name == "_ne" { // of a list: none of them is the value
				return !slices.ContainsFunc(list, func(v any) bool { return !match(v) })
			}
			return slices.ContainsFunc(list, match)
		}
		return match(it.obj[field])
	}, nil
}

// comparison compiles a condition on one value.
func comparison(name string, c Object) (func(any) bool, error) {
	want := c["_value"]
	same := func(v any) bool { return v != nil && v == want }
	ordered := func(ok func(int) bool) func(any) bool {
		return func(v any) bool { return v != nil && ok(compare(v, want)) }
	}
	text := func(ok func(v, want string) bool) func(any) bool {
		return func(v any) bool {
			s, isString := v.(string)
			return isString && ok(strings.ToLower(s), strings.ToLower(fmt.Sprint(want)))
		}
	}
	switch name {
	case "_eq", "_is":
		return same, nil
	case "_ne":
		return func(v any) bool { return !same(v) }, nil
	case "_in":
		list, ok := c["_values"].([]any)
		if !ok {
			return nil, missing("_values")
		}
		return func(v any) bool { return v != nil && slices.Contains(list, v) }, nil
	case "_gt":
		return ordered(func(c int) bool { return c > 0 }), nil
	case "_gte":
		return ordered(func(c int) bool { return c >= 0 }), nil
	case "_lt":
		return ordered(func(c int) bool { return c < 0 }), nil
	case "_lte":
		return ordered(func(c int) bool { return c <= 0 }), nil
	case "_between":
		return func(v any) bool { return v != nil && compare(v, c["_from"]) >= 0 && compare(v, c["_to"]) < 0 }, nil
	case "_like":
		return text(func(v, want string) bool { return strings.Contains(v, strings.Trim(want, "*")) }), nil
	case "_startsWith":
		return text(strings.HasPrefix), nil
	case "_endsWith":
		return text(strings.HasSuffix), nil
	}
	return nil, badRequest("Filter %s is not known", name)
}

// extraData computes what a page was asked for beside the entity.
func (s *Server) extraData(it *item, name string) (any, bool) {
	switch it.kind + "." + name {
	case "Case.procedureCount":
		return len(s.children("Procedure", it)), true
	case "Case.observableStats":
		return Object{"total": len(s.children("Observable", it))}, true
	case "Case.taskStats":
		stats := Object{"total": 0}
		for _, t := range s.children("Task", it) {
			st := fmt.Sprint(t.obj["status"])
			n, _ := stats[st].(int)
			stats[st], stats["total"] = n+1, stats["total"].(int)+1
		}
		return stats, true
	case "Task.caseId", "Log.taskId":
		return it.parent.id(), true
	case "Observable.links":
		return Object{strings.ToLower(it.parent.kind): render(it.parent)}, true
	case "Task.case", "Log.task":
		return render(it.parent), true
	}
	return nil, false
}
