package thehivetest

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hops are the steps from one kind of entity to another that is in it.
var hops = map[string]map[string]string{
	"Case": {"tasks": "Task", "observables": "Observable", "comments": "Comment", "procedures": "Procedure", "attachments": "Attachment",
		"alerts": "Alert", "pages": "Page", "customEvents": "CustomEvent", "organisations": "Organisation", "shares": "Share"},
	"Alert":        {"observables": "Observable", "comments": "Comment", "procedures": "Procedure", "attachments": "Attachment", "case": "Case"},
	"Task":         {"logs": "Log", "case": "Case"},
	"Log":          {"task": "Task"},
	"Observable":   {"jobs": "Job", "case": "Case", "alert": "Alert"},
	"Comment":      {"case": "Case", "alert": "Alert"},
	"Procedure":    {"case": "Case", "alert": "Alert"},
	"Organisation": {"attachments": "Attachment", "users": "User"},
	"CaseTemplate": {"pageTemplates": "PageTemplate"},
}

// own are the properties that every entity can be filtered and sorted by.
var own = []string{"_id", "_createdBy", "_createdAt", "_updatedBy", "_updatedAt"}

// properties are the others, by kind. Anything else is a bad request.
var properties = map[string][]string{
	"Case": {"number", "title", "description", "severity", "startDate", "endDate", "tags", "flag", "tlp", "pap", "status", "stage",
		"summary", "impactStatus", "assignee", "newDate", "inProgressDate", "closedDate"},
	"Task":         {"title", "group", "description", "status", "flag", "startDate", "endDate", "assignee", "order", "dueDate", "mandatory"},
	"Log":          {"message", "date", "includeInTimeline", "owner"},
	"Comment":      {"message", "isEdited"},
	"Observable":   {"dataType", "data", "startDate", "tlp", "pap", "tags", "ioc", "sighted", "sightedAt", "message", "ignoreSimilarity"},
	"Procedure":    {"patternId", "patternName", "occurDate", "tactic", "description"},
	"Page":         {"title", "content", "category", "order"},
	"CustomEvent":  {"title", "description", "date", "endDate"},
	"CaseTemplate": {"name", "displayName", "titlePrefix", "description", "severity", "tags", "flag", "tlp", "pap", "summary"},
	"PageTemplate": {"title", "content", "category", "order"},
	"Alert": {"type", "source", "sourceRef", "externalLink", "title", "description", "severity", "date", "tags", "tlp", "pap", "follow",
		"status", "stage", "assignee", "summary", "caseId", "caseTemplate", "newDate", "importedDate", "closedDate"},
	"Attachment":     {"name", "size", "contentType", "hashes"},
	"Job":            {"analyzerId", "analyzerName", "status", "startDate", "endDate", "cortexId", "cortexJobId"},
	"AlertStatus":    {"value", "stage", "order", "hidden", "description"},
	"CaseStatus":     {"value", "stage", "order", "hidden", "description"},
	"ObservableType": {"name", "isAttachment"},
	"CustomField":    {"name", "displayName", "group", "type", "mandatory", "description"},
	"Profile":        {"name", "permissions", "editable"},
	"Organisation":   {"name", "description", "locked"},
	"User":           {"login", "name", "locked", "email"},
	// Those of which this server has none.
	"Share": {}, "Pattern": {"patternId", "name"}, "Tag": {"name"}, "Taxonomy": {"name"}, "Dashboard": {"title"}, "Action": {"status"},
	"Audit": {"action"}, "CaseReport": {"title"}, "Catalog": {"name"}, "Function": {"name"}, "AnalyzerTemplate": {"analyzerId"}, "OrganisationPage": {"title"},
}

// texts are the properties that are indexed by word.
var texts = []string{"description", "summary", "message", "content"}

func known(kind, field string) bool {
	return slices.Contains(own, field) || slices.Contains(properties[kind], field) ||
		(kind == "Case" || kind == "Alert") && strings.HasPrefix(field, "customFields.")
}

func unknownProperty(kind, field string) error {
	return badRequest("Property %s not found in %s, the properties are: %s", field, kind, strings.Join(append(slices.Clone(own), properties[kind]...), ", "))
}

// query runs the pipeline in the body. All else in the body but excludeFields is ignored.
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
	if p.answer != nil {
		return 200, p.answer, nil
	}
	out := make([]any, len(p.items))
	for i, it := range p.items {
		o := render(it)
		for _, name := range p.extra {
			if v, ok := s.extraData(it, name); ok {
				o["extraData"].(Object)[name] = v
			}
		}
		for _, f := range list(body["excludeFields"]) {
			delete(o, fmt.Sprint(f))
		}
		out[i] = o
	}
	return 200, out, nil
}

type pipeline struct {
	s      *Server
	who    *caller
	kind   string
	items  []*item
	extra  []string
	answer any // of a step that ends in something else than entities
}

func (p *pipeline) run(name string, step Object) error {
	if p.kind == "" {
		return p.start(name, step)
	}
	if p.answer != nil {
		return badRequest("Operation %s cannot follow count", name)
	}
	if to, ok := hops[p.kind][name]; ok {
		p.hop(to)
		return nil
	}
	switch name {
	case "filter":
		return p.filter(step)
	case "sort":
		return p.sort(step)
	case "page":
		return p.page(step)
	case "count":
		p.answer = len(p.items)
		return nil
	case "limitedCount":
		p.answer = min(len(p.items), 1000)
		return nil
	case "aggregation":
		return p.aggregate(step)
	}
	return badRequest("Operation %s is not known for %s", name, p.kind)
}

// window is how far into a list a page reaches: the index refuses what lies behind.
const window = 10000

func (p *pipeline) page(step Object) error {
	from, ok1 := step["from"].(float64)
	to, ok2 := step["to"].(float64)
	if !ok1 || !ok2 || from < 0 || to < from {
		return malformed("page", "from and to", step)
	}
	if to > window {
		return badRequest("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]", window, int(to))
	}
	n := len(p.items)
	p.items = p.items[min(int(from), n):min(int(to), n)]
	for _, x := range list(step["extraData"]) {
		p.extra = append(p.extra, fmt.Sprint(x))
	}
	return nil
}

// aggregate counts by the values of a field.
func (p *pipeline) aggregate(step Object) error {
	field, _ := step["_field"].(string)
	if !known(p.kind, field) {
		return unknownProperty(p.kind, field)
	}
	counts := Object{}
	for _, it := range p.items {
		values := list(it.obj[field])
		if values == nil && it.obj[field] != nil {
			values = []any{it.obj[field]}
		}
		for _, v := range values {
			n, _ := counts[fmt.Sprint(v)].(int)
			counts[fmt.Sprint(v)] = n + 1
		}
	}
	p.answer = counts
	return nil
}

// hop goes from each entity to what is in it, or to what it is in.
func (p *pipeline) hop(to string) {
	seen := map[*item]bool{}
	var next []*item
	add := func(it *item) {
		if it != nil && !seen[it] {
			seen[it] = true
			next = append(next, it)
		}
	}
	for _, it := range p.items {
		switch {
		case it.kind == "Case" && to == "Alert": // they aren't in the case: they point to it
			for _, a := range p.s.visible("Alert", p.who) {
				if a.obj["caseId"] == it.id() {
					add(a)
				}
			}
		case it.kind == "Alert" && to == "Case":
			id, _ := it.obj["caseId"].(string)
			add(p.s.ids[id])
		case it.kind == "Case" && to == "Organisation":
			add(p.s.find("Organisation", it.org, p.who))
		case it.kind == "CaseTemplate" && to == "PageTemplate":
			for _, id := range list(it.obj["pageTemplateIds"]) {
				add(p.s.ids[fmt.Sprint(id)])
			}
		case it.kind == "Organisation" && to == "User":
			for _, u := range p.s.visible("User", p.who) {
				add(u)
			}
		case it.parent != nil && it.parent.kind == to:
			add(it.parent)
		default:
			for _, c := range p.s.children(to, it) {
				add(c)
			}
		}
	}
	p.kind, p.items, p.extra = to, next, nil
}

func (p *pipeline) start(name string, step Object) error {
	all := func(kind string, is func(*item) bool) {
		p.kind = kind
		for _, it := range p.s.visible(kind, p.who) {
			if is(it) {
				p.items = append(p.items, it)
			}
		}
	}
	switch name {
	case "myTasks":
		all("Task", func(t *item) bool {
			return t.obj["assignee"] == p.who.login && (t.obj["status"] == "Waiting" || t.obj["status"] == "InProgress")
		})
		return nil
	case "waitingTasks":
		all("Task", func(t *item) bool { return t.obj["assignee"] == nil && t.obj["status"] == "Waiting" })
		return nil
	case "currentUser":
		all("User", func(u *item) bool { return u.obj["login"] == p.who.login })
		return nil
	case "listCaseTask":
		all("Task", func(*item) bool { return true })
		return nil
	case "getAny":
		if it := p.s.ids[fmt.Sprint(step["idOrName"])]; it != nil && it.seenBy(p.who) {
			p.kind, p.items = it.kind, []*item{it}
			return nil
		}
		p.kind = "Case" // of nothing
		return nil
	}
	if kind, ok := strings.CutPrefix(name, "list"); ok && properties[kind] != nil {
		p.kind, p.items = kind, slices.Clone(p.s.visible(kind, p.who))
		return nil
	}
	if kind, ok := strings.CutPrefix(name, "get"); ok && properties[kind] != nil {
		id, ok := step["idOrName"].(string)
		switch {
		case step["idOrName"] == nil:
			return missing("idOrName")
		case !ok:
			return malformed("idOrName", "string", step["idOrName"])
		}
		p.kind = kind
		if it := p.s.find(kind, id, p.who); it != nil {
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
			switch {
			case sign == 0:
				return badRequest("Invalid sort: %s %v", field, dir)
			case !known(p.kind, field):
				return unknownProperty(p.kind, field)
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
		return p.join(name, arg)
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
	case "_has", "_contains":
		field := fmt.Sprint(arg)
		if !known(p.kind, field) {
			return nil, unknownProperty(p.kind, field)
		}
		return func(it *item) bool { return len(values(it, field)) > 0 }, nil
	}
	c, ok := arg.(Object)
	field, _ := c["_field"].(string)
	if !ok || field == "" {
		return nil, badRequest("Filter %s is not known", name)
	}
	if !known(p.kind, field) {
		return nil, unknownProperty(p.kind, field)
	}
	match, err := p.comparison(name, field, c)
	if err != nil {
		return nil, err
	}
	return func(it *item) bool {
		have := values(it, field)
		if name == "_ne" { // of a list: none of them is the value; and what has none isn't it either
			return !slices.ContainsFunc(have, func(v any) bool { return !match(v) })
		}
		return slices.ContainsFunc(have, match)
	}, nil
}

func (p *pipeline) join(name string, arg any) (test, error) {
	conditions, ok := arg.([]any)
	if !ok {
		return nil, malformed(name, "an array", arg)
	}
	var tests []test
	for _, x := range conditions {
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
		return func(it *item) bool { return !slices.ContainsFunc(tests, func(t test) bool { return !t(it) }) }, nil
	}
	return func(it *item) bool { return slices.ContainsFunc(tests, func(t test) bool { return t(it) }) }, nil
}

// values are what an entity has in a field, none if it has nothing there.
func values(it *item, field string) []any {
	if name, ok := strings.CutPrefix(field, "customFields."); ok {
		var found []any
		for _, f := range list(it.obj["customFields"]) {
			if f := f.(Object); f["name"] == name && f["value"] != nil {
				found = append(found, f["value"])
			}
		}
		return found
	}
	if l, ok := it.obj[field].([]any); ok {
		return l
	}
	if v := it.obj[field]; v != nil {
		return []any{v}
	}
	return nil
}

// comparison compiles a condition on one value of field.
func (p *pipeline) comparison(name, field string, c Object) (func(any) bool, error) {
	want, err := p.s.moment(field, c["_value"])
	if err != nil {
		return nil, err
	}
	ordered := func(ok func(int) bool) (func(any) bool, error) {
		return func(v any) bool { return ok(compare(v, want)) }, nil
	}
	switch name {
	case "_eq", "_is":
		return func(v any) bool { return v == want }, nil
	case "_ne":
		return func(v any) bool { return v != want }, nil
	case "_in":
		allowed, ok := c["_values"].([]any)
		if !ok {
			return nil, missing("_values")
		}
		return func(v any) bool { return slices.Contains(allowed, v) }, nil
	case "_gt":
		return ordered(func(c int) bool { return c > 0 })
	case "_gte":
		return ordered(func(c int) bool { return c >= 0 })
	case "_lt":
		return ordered(func(c int) bool { return c < 0 })
	case "_lte":
		return ordered(func(c int) bool { return c <= 0 })
	case "_between":
		from, err := p.s.moment(field, c["_from"])
		if err != nil {
			return nil, err
		}
		to, err := p.s.moment(field, c["_to"])
		if err != nil {
			return nil, err
		}
		return func(v any) bool { return compare(v, from) >= 0 && compare(v, to) < 0 }, nil
	}
	text := fmt.Sprint(want)
	var match func(v string) bool
	switch name {
	case "_like":
		match = p.s.like(field, text)
	case "_match":
		match = func(v string) bool {
			return slices.Contains(words(strings.ToLower(v)), strings.ToLower(text)) || v == text
		}
	case "_startsWith":
		match = func(v string) bool { return strings.HasPrefix(strings.ToLower(v), strings.ToLower(text)) }
	case "_endsWith":
		match = func(v string) bool { return strings.HasSuffix(strings.ToLower(v), strings.ToLower(text)) }
	default:
		return nil, badRequest("Filter %s is not known", name)
	}
	return func(v any) bool {
		s, ok := v.(string)
		return ok && match(s)
	}, nil
}

// like compares as the [Reading] of the server has it.
func (s *Server) like(field, want string) func(string) bool {
	long := slices.Contains(texts, field)
	parts := func(v string) []string {
		if long || s.Like == LikeWords {
			return words(v)
		}
		return []string{v}
	}
	if s.Like == LikeSubstring {
		want = strings.ToLower(want)
		return func(v string) bool {
			return slices.ContainsFunc(parts(strings.ToLower(v)), func(w string) bool { return strings.Contains(w, want) })
		}
	}
	if s.Like == LikeWords && !strings.Contains(want, "*") {
		return func(v string) bool { return v == want }
	}
	flags := "(?is)"
	if s.Like == LikeWhole {
		flags = "(?s)"
	}
	re := regexp.MustCompile(flags + "^" + strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, ".*") + "$")
	return func(v string) bool { return slices.ContainsFunc(parts(v), re.MatchString) }
}

// words splits a text as the index does.
func words(s string) []string { return strings.Fields(s) }

// moment turns a relative date into milliseconds, and digits where field is a
// date, which nothing else is; any other value is itself.
func (s *Server) moment(field string, v any) (any, error) {
	o, ok := v.(Object)
	if text, is := v.(string); is && (strings.HasSuffix(field, "Date") || strings.HasSuffix(field, "At") || field == "date") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, malformed(field, "date", v)
		}
		return float64(n), nil
	}
	if !ok {
		return v, nil
	}
	amount, ok := o["amount"].(float64)
	if !ok || amount < 0 {
		return nil, malformed("amount", "int", o["amount"])
	}
	n := int(amount)
	switch o["look"] {
	case "behind":
		n = -n
	case "ahead":
	default:
		return nil, malformed("look", "behind or ahead", o["look"])
	}
	zone := time.UTC
	if name, ok := o["timezone"].(string); ok {
		var err error
		if zone, err = time.LoadLocation(name); err != nil {
			return nil, malformed("timezone", "ZoneId", name)
		}
	}
	t := time.UnixMilli(s.now()).In(zone)
	switch o["unit"] {
	case "minutes":
		t = t.Add(time.Duration(n) * time.Minute)
	case "hours":
		t = t.Add(time.Duration(n) * time.Hour)
	case "days":
		t = t.AddDate(0, 0, n)
	case "weeks":
		t = t.AddDate(0, 0, 7*n)
	case "months":
		t = t.AddDate(0, n, 0)
	case "years":
		t = t.AddDate(n, 0, 0)
	default:
		return nil, malformed("unit", "ChronoUnit", o["unit"])
	}
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	switch o["modifier"] {
	case nil:
	case "startOfDay":
		t = midnight
	case "endOfDay":
		t = midnight.AddDate(0, 0, 1).Add(-time.Millisecond)
	default:
		return nil, malformed("modifier", "startOfDay or endOfDay", o["modifier"])
	}
	return float64(t.UnixMilli()), nil
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
	case "Case.links":
		return Object{"caseLinks": it.obj["caseLinks"], "externalLinks": it.obj["externalLinks"]}, true
	case "Task.caseId", "Log.taskId":
		return it.parent.id(), true
	case "Observable.links":
		return Object{strings.ToLower(it.parent.kind): render(it.parent)}, true
	case "Task.case", "Log.task":
		return render(it.parent), true
	}
	return nil, false
}
