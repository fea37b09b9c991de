package cortextest

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A match says whether an entity is found.
type match func(object) bool

// errSearch is what the database refuses, and errJSON what Cortex can't read.
var (
	errSearch = errors.New("all shards failed")
	errJSON   = errors.New("JsResultException(errors:List((,List(JsonValidationError(List(query is not an object),List())))))")
)

// keywords are the members of a job that the database can search by value. The
// aliases that are made when a job is shown, and data, are not among them.
var keywords = []string{"name", "status", "workerName", "workerId", "workerDefinitionId", "dataType", "organization", "type", "label", "createdBy"}

// parseQuery reads an expression of the query language.
func parseQuery(raw json.RawMessage) (match, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, errJSON
	}
	if f, ok := m["_field"]; ok {
		return term(text(f), m["_value"])
	}
	for name, v := range m {
		switch name {
		case "_any":
			return func(object) bool { return true }, nil
		case "_and", "_or":
			return several(name == "_and", v)
		case "_not":
			inner, err := parseQuery(v)
			return func(o object) bool { return !inner(o) }, err
		case "_id":
			return func(o object) bool { return o["id"] == text(v) }, nil
		case "_gt", "_gte", "_lt", "_lte":
			return comparison(name, v)
		case "_like", "_string", "_contains":
			return loose(name, v)
		case "_between":
			var b struct {
				Field string `json:"_field"`
				From  int64  `json:"_from"`
				To    int64  `json:"_to"`
			}
			err := json.Unmarshal(v, &b)
			return func(o object) bool { n, ok := o[b.Field].(int64); return ok && n >= b.From && n < b.To }, err
		case "_in":
			var b struct {
				Field  string            `json:"_field"`
				Values []json.RawMessage `json:"_values"`
			}
			if err := json.Unmarshal(v, &b); err != nil {
				return nil, errJSON
			}
			var any []match
			for _, v := range b.Values {
				one, err := term(b.Field, v)
				if err != nil {
					return nil, err
				}
				any = append(any, one)
			}
			return func(o object) bool {
				return slices.ContainsFunc(any, func(m match) bool { return m(o) })
			}, nil
		case "_wildcard":
			var b struct {
				Field string `json:"_field"`
				Value string `json:"_value"`
			}
			err := json.Unmarshal(v, &b)
			return func(o object) bool {
				s, ok := o[b.Field].(string)
				found, _ := path.Match(b.Value, s) // the patterns of tests are well formed
				return ok && slices.Contains(keywords, b.Field) && found
			}, err
		default:
			if !strings.HasPrefix(name, "_") { // the short form {"status":"Success"}
				return term(name, v)
			}
			return nil, errJSON
		}
	}
	return func(object) bool { return true }, nil // the empty query
}

// loose is the search with * that three operators share in Cortex's parser.
func loose(how string, raw json.RawMessage) (match, error) {
	var b struct {
		Field string `json:"_field"`
		Value string `json:"_value"`
	}
	if json.Unmarshal(raw, &b) != nil { // the other two take a text
		field := text(raw)
		if how == "_contains" {
			return func(o object) bool { return o[field] != nil && o[field] != "" }, nil
		}
		b.Field, b.Value, _ = strings.Cut(field, ":")
	}
	return func(o object) bool {
		s, ok := o[b.Field].(string)
		found, _ := path.Match(b.Value, s)
		return ok && slices.Contains(keywords, b.Field) && found
	}, nil
}

// term compares as it is: no character stands for others.
// The observable itself is kept in a form that can't be searched.
func term(field string, value json.RawMessage) (match, error) {
	if field == "data" {
		return nil, errSearch
	}
	return func(o object) bool {
		if !slices.Contains(keywords, field) {
			return false
		}
		s, ok := o[field].(string)
		return ok && s == text(value)
	}, nil
}

func several(and bool, raw json.RawMessage) (match, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, errJSON
	}
	var all []match
	for _, x := range list {
		m, err := parseQuery(x)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return func(o object) bool {
		if and {
			return !slices.ContainsFunc(all, func(m match) bool { return !m(o) })
		}
		return slices.ContainsFunc(all, func(m match) bool { return m(o) })
	}, nil
}

func comparison(how string, raw json.RawMessage) (match, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, errJSON
	}
	than := map[string]int64{}
	for field, v := range m {
		n, err := instant(v)
		if err != nil {
			return nil, err
		}
		than[field] = n
	}
	return func(o object) bool {
		for field, v := range than {
			n, ok := o[field].(int64)
			c := cmp.Compare(n, v)
			if !ok || !map[string]bool{"_gt": c > 0, "_gte": c >= 0, "_lt": c < 0, "_lte": c <= 0}[how] {
				return false
			}
		}
		return true
	}, nil
}

var dateMath = regexp.MustCompile(`^now-(\d{1,6})([smhdwM])$`)

// instant reads a date: milliseconds since 1970, or the database's own form, as
// "now-1d" is.
func instant(v json.RawMessage) (int64, error) {
	var n int64
	if json.Unmarshal(v, &n) == nil {
		return n, nil
	}
	m := dateMath.FindStringSubmatch(text(v))
	if m == nil {
		return 0, errSearch
	}
	count, _ := strconv.Atoi(m[1]) // the pattern lets only numbers through
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "M": 30 * 24 * time.Hour}[m[2]]
	return time.Now().Add(-time.Duration(count) * unit).UnixMilli(), nil
}

// scrolled is how many rows Cortex asks its database for at once: what is more
// is read by scroll, which counts exactly and takes no offset.
const scrolled = 100

// window is how far the database pages, and counts where it doesn't scroll.
const window = 10_000

// sortable are the members of a job that it can be sorted by.
var sortable = append([]string{"createdAt", "updatedAt", "startDate", "endDate", "date", "tlp", "pap"}, keywords...)

func (s *Server) searchJobs(w http.ResponseWriter, r *http.Request, u user) {
	in, ok := body(w, r)
	if !ok {
		return
	}
	found, ok := asked(w, in["query"])
	if !ok {
		return
	}
	var sort []string
	if name := text(in["sort"]); name != "" {
		sort = []string{name}
	} else {
		_ = json.Unmarshal(in["sort"], &sort) // what isn't a list of names sorts nothing
	}
	for _, name := range sort {
		if !slices.Contains(sortable, strings.TrimLeft(name, "+-")) {
			unsearchable(w, errSearch)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var jobs []*job
	for _, j := range slices.Backward(s.jobs) { // unsorted, the last that was indexed comes first
		if status := j.status(); status != "Deleted" && u.organisation == Organisation && found(object{
			"id": j.id, "status": status, "workerName": j.worker.Name, "workerId": j.worker.id(), "workerDefinitionId": j.worker.Name,
			"dataType": j.dataType, "organization": Organisation, "type": j.worker.kind, "label": j.label, "createdBy": j.by,
			"createdAt": j.created.UnixMilli(),
		}) {
			jobs = append(jobs, j)
		}
	}
	for _, name := range sort {
		if field, _ := strings.CutPrefix(name, "+"); field == "createdAt" {
			slices.SortStableFunc(jobs, func(a, b *job) int { return a.created.Compare(b.created) })
		} else if name == "-createdAt" {
			slices.SortStableFunc(jobs, func(a, b *job) int { return b.created.Compare(a.created) })
		}
	}
	from, to := span(text(in["range"]), len(jobs))
	total := len(jobs)
	switch scroll := to-from > scrolled; {
	case scroll && from > 0:
		refuse(w, http.StatusInternalServerError, "InternalError",
			"Unknown error: ElasticError(action_request_validation_exception,Validation Failed: 1: using [from] is not allowed in a scroll context;,None,None,None,List(),None,None,None,List())")
		return
	case !scroll && to > window && text(in["range"]) != "all":
		unsearchable(w, errSearch)
		return
	case !scroll && text(in["range"]) != "all":
		total = min(total, window)
	}
	list(w, from, to, len(jobs), total, func(i int) object { return jobs[i].json() })
}

// asked reads the query of a search, without which everything is found, or
// answers that it can't be searched for.
func asked(w http.ResponseWriter, query json.RawMessage) (match, bool) {
	if len(query) == 0 {
		return func(object) bool { return true }, true
	}
	found, err := parseQuery(query)
	if err != nil {
		unsearchable(w, err)
	}
	return found, err == nil
}

// unsearchable answers why a search can't be done.
func unsearchable(w http.ResponseWriter, err error) {
	if errors.Is(err, errSearch) {
		refuse(w, http.StatusBadRequest, "SearchError", err.Error())
		return
	}
	refuse(w, http.StatusInternalServerError, "play.api.libs.json.JsResultException", err.Error())
}
