package cortextest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
)

// A match says whether an entity is found.
type match func(object) bool

// keywords are the members of a job that the database can search by value. The
// aliases that are made when a job is shown, and data, are not among them.
var keywords = []string{"status", "workerName", "workerId", "workerDefinitionId", "dataType", "organization", "type", "label", "createdBy"}

// parseQuery reads an expression of the query language.
func parseQuery(raw json.RawMessage) (match, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("query is not an object")
	}
	if f, ok := m["_field"]; ok {
		return term(text(f), m["_value"]), nil
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
			err := json.Unmarshal(v, &b)
			return func(o object) bool {
				return slices.ContainsFunc(b.Values, func(v json.RawMessage) bool { return term(b.Field, v)(o) })
			}, err
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
			return nil, fmt.Errorf("unknown operator %s", name)
		}
	}
	return func(object) bool { return true }, nil // the empty query
}

// term compares as it is: no character stands for others.
func term(field string, value json.RawMessage) match {
	return func(o object) bool {
		if !slices.Contains(keywords, field) {
			return false
		}
		s, ok := o[field].(string)
		return ok && s == text(value)
	}
}

func several(and bool, raw json.RawMessage) (match, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
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
	var m map[string]int64
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	return func(o object) bool {
		for field, v := range m {
			n, ok := o[field].(int64)
			c := cmp.Compare(n, v)
			if !ok || !map[string]bool{"_gt": c > 0, "_gte": c >= 0, "_lt": c < 0, "_lte": c <= 0}[how] {
				return false
			}
		}
		return true
	}, nil
}

func (s *Server) searchJobs(w http.ResponseWriter, r *http.Request, u user) {
	in, err := fields(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", "Invalid Json: "+err.Error())
		return
	}
	found := match(func(object) bool { return true })
	if len(in["query"]) > 0 {
		if found, err = parseQuery(in["query"]); err != nil {
			refuse(w, http.StatusBadRequest, "SearchError", "Invalid query: "+err.Error())
			return
		}
	}
	var sort []string
	_ = json.Unmarshal(in["sort"], &sort) // what isn't a list of names sorts nothing
	s.mu.Lock()
	defer s.mu.Unlock()
	var jobs []*job
	for _, j := range s.jobs {
		status := j.status()
		if u.organisation == Organisation && status != "Deleted" && found(object{
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
	rows(w, text(in["range"]), len(jobs), func(i int) object { return jobs[i].json() })
}
