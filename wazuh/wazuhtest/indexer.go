package wazuhtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	window        = 10_000 // index.max_result_window
	defaultSize   = 10
	defaultWindow = 10_000 // hits that are counted unless asked otherwise
	shardsPerDay  = 3
)

// alert is a document.
type alert struct {
	index, id string
	at        time.Time
	source    Object
	flat      map[string][]any    // by path, once asked for
	nested    map[string][]*alert // documents within it, by the path of their object
	outer     *alert              // what this is within
	reference any                 // of a vulnerability, which not all versions have
}

// values returns what the document holds at a path, over lists too.
func (a *alert) values(path string) []any {
	a.flatten()
	return a.flat[path]
}

func (a *alert) flatten() {
	if a.flat == nil {
		a.flat, a.nested = map[string][]any{}, map[string][]*alert{}
		a.add("", a.source)
	}
}

// nestedObjects are those that the template for alerts has the indexer keep as documents
// of their own.
var nestedObjects = fields(`data.ms-graph.configurationManagerClientEnabledFeatures data.ms-graph.deviceActionResults data.ms-graph.deviceHealthAttestationState
	data.ms-graph.evidence data.ms-graph.managedDevices data.ms-graph.resources data.ms-graph.resources.modifiedProperties`)

// add takes in what stands at a path.
func (a *alert) add(path string, v any) {
	switch v := v.(type) {
	case nil:
	case []any:
		for _, e := range v {
			a.add(path, e)
		}
	case map[string]any:
		if nestedObjects[path] && strings.HasPrefix(a.index, "wazuh-alerts-") {
			inner := &alert{index: a.index, id: a.id, at: a.at, outer: a, flat: map[string][]any{}, nested: map[string][]*alert{}}
			a.nested[path] = append(a.nested[path], inner)
			a = inner
		}
		for k, e := range v {
			a.add(strings.TrimPrefix(path+"."+k, "."), e)
		}
	default:
		a.flat[path] = append(a.flat[path], v)
	}
}

// below returns the documents within a at a path.
func (a *alert) below(path string) (list []*alert) {
	a.flatten()
	for p, inner := range a.nested {
		switch {
		case p == path:
			list = append(list, inner...)
		case strings.HasPrefix(path, p+"."):
			for _, i := range inner {
				list = append(list, i.below(path)...)
			}
		}
	}
	return list
}

// first returns the first of the values at a path, or nil.
func (a *alert) first(path string) any {
	if v := a.values(path); len(v) > 0 {
		return v[0]
	}
	return nil
}

// textOf is a value as a keyword is indexed.
func textOf(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

const stamp = "2006-01-02T15:04:05.000-0700"

func (s *Server) addAlert(at time.Time, id string, source Object) string {
	s.next++
	if id == "" {
		id = fmt.Sprintf("bgAlertZ%012d", s.next)
	}
	at = at.UTC()
	o := clone(source)
	if s.types().whyNot(s.alertIndex(at), o) != nil {
		return ""
	}
	o["timestamp"] = at.Format(stamp)
	o["@timestamp"] = at.Format("2006-01-02T15:04:05.000Z")
	if o["id"] == nil {
		o["id"] = fmt.Sprintf("%d.%d", at.Unix(), 10_000+s.next)
	}
	if o["manager"] == nil {
		o["manager"] = Object{"name": managerName}
	}
	s.alerts = append(s.alerts, &alert{index: s.alertIndex(at), id: id, at: at, source: clone(o)})
	return id
}

// maxTerm is how many bytes a keyword can have.
const maxTerm = 32766

// whyNot is why a document isn't taken, or nil: a keyword of the alerts is too
// long, since their template ignores none, or a number isn't one.
func (y types) whyNot(index string, o Object) error {
	var why error
	leaves(o, "", func(path string, v any) {
		t, isText := v.(string)
		switch k := y.of(path); {
		case why != nil:
		case k == keyword && isText && len(t) > maxTerm && !strings.HasPrefix(index, "wazuh-states-"):
			why = bad("illegal_argument_exception", "Document contains at least one immense term in field=%q (whose UTF8 encoding is longer than the max length %d)", path, maxTerm)
		case k == long && isText:
			if _, err := strconv.ParseFloat(t, 64); err != nil {
				why = bad("mapper_parsing_exception", "failed to parse field [%s] of type [long] in document with id ''. Preview of field's value: '%.60s'", path, t)
			}
		}
	})
	return why
}

func (s *Server) alertIndex(at time.Time) string {
	if s.five() {
		return "wazuh-findings-v5-security-" + at.Format("2006.01.02")
	}
	return "wazuh-alerts-4.x-" + at.Format("2006.01.02")
}

// osError is an error in OpenSearch's form; its true reason is at the root.
type osError struct {
	status      int
	typ, reason string
	phase       bool // whether it arose in the shards, which hides it below another
}

func (e *osError) Error() string { return e.reason }

func (e *osError) reply() *reply {
	root := Object{"type": e.typ, "reason": e.reason}
	top := Object{"root_cause": []Object{root}, "type": e.typ, "reason": e.reason}
	if e.phase {
		top["type"], top["reason"] = "search_phase_execution_exception", "all shards failed"
	}
	return &reply{status: e.status, body: Object{"error": top, "status": e.status}}
}

func bad(typ, format string, args ...any) error {
	return &osError{status: http.StatusBadRequest, typ: typ, reason: fmt.Sprintf(format, args...)}
}

// index serves the indexer.
func (s *Server) index(r *http.Request, body []byte) *reply {
	user, password, ok := r.BasicAuth()
	if !ok || user != IndexerUser || password != IndexerPassword {
		return &reply{
			status: http.StatusUnauthorized, kind: "text/plain; charset=utf-8",
			header: map[string]string{"WWW-Authenticate": `Basic realm="OpenSearch Security"`}, body: "Unauthorized",
		}
	}
	s.arrive()
	out, err := s.indexed(r, body)
	var e *osError
	switch {
	case errors.As(err, &e):
		return e.reply()
	case err != nil:
		return (&osError{status: http.StatusBadRequest, typ: "parsing_exception", reason: err.Error()}).reply()
	}
	return &reply{status: http.StatusOK, body: out}
}

// release is what the indexer says of its own: as Wazuh sets it up, that it is an
// older product of another name, so that old clients get on with it.
func (s *Server) release() Object {
	return Object{"number": "7.10.2", "build_type": "rpm", "build_snapshot": false, "lucene_version": "9.12.2", "minimum_wire_compatibility_version": "7.10.0", "minimum_index_compatibility_version": "7.0.0"}
}

// indexed serves what comes with credentials.
func (s *Server) indexed(r *http.Request, body []byte) (Object, error) {
	for name := range r.URL.Query() {
		if !(name == "keep_alive" && strings.HasSuffix(r.URL.Path, "/point_in_time") || name == "fields" && strings.HasSuffix(r.URL.Path, "/_field_caps")) {
			return nil, bad("illegal_argument_exception", "request [%s] contains unrecognized parameter: [%s]", r.URL.Path, name)
		}
	}
	path, search := strings.TrimPrefix(r.URL.Path, "/"), r.Method == http.MethodPost || r.Method == http.MethodGet
	if pattern, rest, several := strings.Cut(path, "/"); several && strings.Contains(pattern, ":") {
		return s.acrossClusters(r, pattern, rest, body)
	}
	switch {
	case path == "" && r.Method == http.MethodGet:
		return Object{"name": "indexer-1", "cluster_name": "wazuh-cluster", "cluster_uuid": "k5b0YXBpZm9ydGVzdHM", "version": s.release(), "tagline": "The OpenSearch Project: https://opensearch.org/"}, nil
	case strings.HasSuffix(path, "/_field_caps") && strings.Count(path, "/") == 1 && search:
		return s.fieldCaps(strings.TrimSuffix(path, "/_field_caps"), r.URL.Query().Get("fields"))
	case strings.HasSuffix(path, "/point_in_time") && s.noPIT:
		return nil, &osError{http.StatusForbidden, "security_exception", "no permissions for [indices:data/read/point_in_time/create] and User [name=" + IndexerUser + "]", false}
	case strings.HasSuffix(path, "/_search/point_in_time") && r.Method == http.MethodPost:
		if r.URL.Query().Get("keep_alive") == "" {
			return nil, bad("action_request_validation_exception", "Validation Failed: 1: keep alive not specified;")
		}
		s.next++
		id := fmt.Sprintf("pit-%d-%s", s.next, strings.TrimSuffix(path, "/_search/point_in_time"))
		s.pits[id] = true
		return Object{"pit_id": id, "_shards": Object{"total": shardsPerDay, "successful": shardsPerDay, "skipped": 0, "failed": 0}, "creation_time": time.Now().UnixMilli()}, nil
	case path == "_search/point_in_time" && r.Method == http.MethodDelete:
		return s.closePITs(body)
	case strings.Contains(path, "/_doc/") && r.Method == http.MethodPost:
		return s.putDocument(path, body)
	case path == "_search" && search:
		return s.search("", body)
	case strings.HasSuffix(path, "/_search") && strings.Count(path, "/") == 1 && !search:
		return nil, &osError{http.StatusMethodNotAllowed, "illegal_argument_exception", "method is not allowed", false}
	case strings.HasSuffix(path, "/_search") && strings.Count(path, "/") == 1:
		return s.search(strings.TrimSuffix(path, "/_search"), body)
	}
	return nil, bad("illegal_argument_exception", "no handler found for uri [%s]", r.URL.Path)
}

// RemoteCluster lets the indexer know another one, which holds the same documents
// and is asked as NAME:wazuh-alerts-*. One that can't be reached is left out of
// answers, as skip_unavailable has it.
func (s *Server) RemoteCluster(name string, reachable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remotes == nil {
		s.remotes = map[string]bool{}
	}
	s.remotes[name] = reachable
}

// acrossClusters serves what is asked of several clusters: those that a part of
// the pattern names, and this one. A name that no cluster has names no index.
func (s *Server) acrossClusters(r *http.Request, pattern, rest string, body []byte) (Object, error) {
	var local []string
	asked, prefix := map[string]bool{}, ""
	for part := range strings.SplitSeq(pattern, ",") {
		alias, index, remote := strings.Cut(part, ":")
		if !remote {
			asked[""], local = true, append(local, part)
			continue
		}
		for name, reachable := range s.remotes {
			if !ok(path.Match(alias, name)) {
				continue
			}
			if asked[name] = reachable; reachable {
				local, prefix = append(local, index), name+":"
			}
		}
	}
	if len(local) == 0 {
		local = []string{"no-such-index-*"}
	}
	plain := r.Clone(r.Context())
	plain.URL.Path = "/" + strings.Join(local, ",") + "/" + rest
	out, err := s.indexed(plain, body)
	if err != nil || len(asked) == 0 || out["_shards"] == nil || out["hits"] == nil {
		return out, err
	}
	skipped := 0
	for _, reachable := range asked {
		if !reachable {
			skipped++
		}
	}
	out["_clusters"] = Object{"total": len(asked), "successful": len(asked) - skipped, "skipped": skipped}
	if list, is := out["hits"].(Object)["hits"].([]Object); is && !asked[""] {
		for _, h := range list {
			h["_index"] = prefix + fmt.Sprint(h["_index"])
		}
	}
	return out, nil
}

// putDocument stores a document, as the manager's senders do.
func (s *Server) putDocument(path string, body []byte) (Object, error) {
	index, id, _ := strings.Cut(path, "/_doc/")
	var o Object
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, bad("mapper_parsing_exception", "failed to parse")
	}
	if err := s.types().whyNot(index, o); err != nil {
		return nil, err
	}
	if strings.HasPrefix(index, "wazuh-states-") && s.strictly(o) != "" {
		return nil, &osError{http.StatusBadRequest, "strict_dynamic_mapping_exception", "mapping set to strict, dynamic introduction of [" + s.strictly(o) + "] within [_doc] is not allowed", false}
	}
	s.states = append(s.states, &alert{index: index, id: id, source: clone(o)})
	return Object{"_index": index, "_id": id, "_version": 1, "result": "created"}, nil
}

// strictly returns a member that the template of a state's index doesn't have, or
// nothing: where the agent is depends on the version, and only Wazuh 5 has sums.
func (s *Server) strictly(o Object) string {
	known := strings.Fields("agent wazuh host package process source destination network interface file registry user group service login browser vulnerability event log error observer")
	if s.five() {
		known = strings.Fields("wazuh checksum state host package process source destination network interface file registry user group service login browser vulnerability event log error observer check policy")
	}
	for _, k := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(known, k) {
			return k
		}
	}
	return ""
}

// fieldCaps tells which fields the indices that match a pattern have: those
// that [Server.MapFields] adds, and those that any document brought with it.
func (s *Server) fieldCaps(pattern, wanted string) (Object, error) {
	if s.noFields {
		return nil, &osError{http.StatusForbidden, "security_exception", "no permissions for [indices:data/read/field_caps] and User [name=" + IndexerUser + "]", false}
	}
	if wanted == "" {
		return nil, bad("action_request_validation_exception", "Validation Failed: 1: no fields specified;")
	}
	fields, y := Object{}, s.types()
	add := func(path string) {
		for outer := path; ; {
			i := strings.LastIndexByte(outer, '.')
			if i < 0 {
				break
			}
			outer = outer[:i]
			if fields[outer] == nil {
				k := "object"
				if nestedObjects[outer] && !y.five {
					k = "nested"
				}
				fields[outer] = Object{k: Object{"type": k, "searchable": false, "aggregatable": false}}
			}
		}
		k := y.of(path)
		fields[path] = Object{k.String(): Object{"type": k.String(), "searchable": k != place, "aggregatable": k != text}}
	}
	indices := map[string]bool{}
	if s.corpus != nil && matchesIndex(pattern, s.corpus.index) {
		indices[s.corpus.index] = true
		for _, m := range generated {
			add(m.path)
		}
	}
	for _, a := range slices.Concat(s.alerts, s.states) {
		if s.corpus == nil && matchesIndex(pattern, a.index) && s.hasIndex(a.index) {
			indices[a.index] = true
			leaves(a.source, "", func(path string, v any) {
				if v != nil {
					add(path)
				}
			})
		}
	}
	if len(indices) > 0 {
		for _, f := range s.extraFields {
			add(f)
		}
	}
	re := wild(wanted, false)
	for path := range fields {
		if !re.MatchString(path) {
			delete(fields, path)
		}
	}
	return Object{"indices": slices.Sorted(maps.Keys(indices)), "fields": fields}, nil
}

// MapFields makes the indices have further fields, as a template does, which no
// document need have. A type behind a colon, keyword, text, date, long, ip or
// boolean, is what a template of one's own makes of the field: data.srcip:ip.
func (s *Server) MapFields(paths ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range paths {
		path, typ, typed := strings.Cut(p, ":")
		s.extraFields = append(s.extraFields, path)
		for k := keyword; typed && k <= truth; k++ {
			if k.String() == typ {
				if s.ownTypes == nil {
					s.ownTypes = map[string]kind{}
				}
				s.ownTypes[path] = k
			}
		}
	}
}

// ForbidFields takes from the indexer's user the permission to ask which fields
// there are.
func (s *Server) ForbidFields() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noFields = true
}

// matchesIndex reports whether an index is one of a comma-separated pattern.
func matchesIndex(pattern, index string) bool {
	return slices.ContainsFunc(strings.Split(pattern, ","), func(p string) bool { return ok(path.Match(p, index)) })
}

// maxClauses is how many clauses a query can have, over all of its parts
// (indices.query.bool.max_clause_count).
const maxClauses = 1024

// clausesOf counts the clauses of a query that look at a field; of a phrase each word is one.
func (y types) clausesOf(q any) int {
	n := 0
	o, _ := q.(map[string]any)
	for name, body := range o {
		switch name {
		case "bool":
			b, _ := body.(map[string]any)
			for _, part := range []string{"must", "filter", "should", "must_not"} {
				list, isList := b[part].([]any)
				if one := b[part]; !isList && one != nil {
					list = []any{one}
				}
				for _, e := range list {
					n += y.clausesOf(e)
				}
			}
		case "nested":
			b, _ := body.(map[string]any)
			n += y.clausesOf(b["query"])
		case "match", "match_phrase":
			b, _ := body.(map[string]any)
			for field, v := range b {
				if how, ok := v.(map[string]any); ok {
					v = how["query"]
				}
				n++
				if y.of(field) == text {
					n += max(0, len(tokens(fmt.Sprint(v)))-1)
				}
			}
		default:
			n++
		}
	}
	return n
}

func (s *Server) closePITs(body []byte) (Object, error) {
	var in struct {
		PitID []string `json:"pit_id"`
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.PitID) == 0 {
		return nil, bad("action_request_validation_exception", "Validation Failed: 1: no pit ids specified;")
	}
	list := []Object{}
	for _, id := range in.PitID {
		list = append(list, Object{"pit_id": id, "successful": s.pits[id]})
		delete(s.pits, id)
	}
	return Object{"pits": list}, nil
}

// Snapshots returns how many states the indexer keeps.
func (s *Server) Snapshots() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pits)
}

type request struct {
	Query       any             `json:"query"`
	From        int             `json:"from"`
	Size        *int            `json:"size"`
	Sort        []any           `json:"sort"`
	SearchAfter []any           `json:"search_after"`
	Track       json.RawMessage `json:"track_total_hits"`
	Source      any             `json:"_source"`
	Aggs        map[string]any  `json:"aggs"`
	PIT         *struct {
		ID        string `json:"id"`
		KeepAlive string `json:"keep_alive"`
	} `json:"pit"`
}

// search runs a search on the documents whose indices match pattern.
func (s *Server) search(pattern string, body []byte) (Object, error) {
	var q request
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); len(body) > 0 && err != nil {
		return nil, bad("parsing_exception", "%v", err)
	}
	size := defaultSize
	if q.Size != nil {
		size = *q.Size
	}
	y := s.types()
	var match predicate // nil: all
	if o, _ := q.Query.(map[string]any); q.Query != nil && (len(o) != 1 || o["match_all"] == nil) {
		var err error
		if match, err = y.compile(q.Query); err != nil {
			return nil, err
		}
		if y.clausesOf(q.Query) > maxClauses {
			return nil, &osError{http.StatusBadRequest, "too_many_nested_clauses", "Query contains too many nested clauses; maxClauseCount is set to 1024", true}
		}
	}
	keys, err := s.sorting(q.Sort)
	if err != nil {
		return nil, err
	}
	switch {
	case q.From < 0:
		return nil, bad("illegal_argument_exception", "[from] parameter cannot be negative, found [%d]", q.From)
	case size < 0:
		return nil, bad("illegal_argument_exception", "[size] parameter cannot be negative, found [%d]", size)
	case q.From+size > window:
		return nil, &osError{http.StatusBadRequest, "illegal_argument_exception", fmt.Sprintf("Result window is too large, from + size must be less than or equal to: [%d] but was [%d]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.", window, q.From+size), true}
	case q.SearchAfter != nil && q.From > 0:
		return nil, &osError{http.StatusInternalServerError, "search_exception", "`from` parameter must be set to 0 when `search_after` is used.", true}
	case q.SearchAfter != nil && len(q.SearchAfter) != len(keys):
		return nil, &osError{http.StatusBadRequest, "illegal_argument_exception", fmt.Sprintf("search_after has %d value(s) but sort has %d.", len(q.SearchAfter), len(keys)), true}
	}
	switch {
	case q.PIT != nil && pattern != "":
		return nil, bad("illegal_argument_exception", "[indices] cannot be used with point in time")
	case q.PIT != nil && !s.pits[q.PIT.ID]:
		return nil, &osError{http.StatusNotFound, "search_context_missing_exception", "No search context found for id [" + q.PIT.ID + "]", true}
	case q.PIT != nil:
		_, pattern, _ = strings.Cut(strings.TrimPrefix(q.PIT.ID, "pit-"), "-")
	}
	if s.corpus != nil && matchesIndex(pattern, s.corpus.index) {
		return s.searchCorpus(q, match, keys, size)
	}
	var hits []*alert
	indices := map[string]bool{}
	for i, a := range slices.Concat(s.alerts, s.states) {
		if !matchesIndex(pattern, a.index) || !s.hasIndex(a.index) {
			continue
		}
		indices[a.index] = true
		if (match == nil || match(a)) && (s.failedShards == 0 || i%2 == 0) {
			hits = append(hits, a)
		}
	}
	for name := range strings.SplitSeq(pattern, ",") { // a pattern may match nothing, a name may not
		if !strings.Contains(name, "*") && !indices[name] {
			return nil, &osError{http.StatusNotFound, "index_not_found_exception", "no such index [" + name + "]", false}
		}
	}
	for i, k := range keys {
		if q.SearchAfter != nil && y.of(k.field) == address {
			q.SearchAfter[i] = y.sortable(k.field, q.SearchAfter[i])
		}
	}
	at := make(map[*alert][]any, len(hits))
	for _, a := range hits {
		at[a] = y.keyValues(keys, a)
	}
	slices.SortStableFunc(hits, func(a, b *alert) int { return compareKeys(keys, at[a], at[b]) })
	all := hits
	if q.SearchAfter != nil {
		hits = slices.DeleteFunc(slices.Clone(hits), func(a *alert) bool { return compareKeys(keys, at[a], q.SearchAfter) <= 0 })
	}
	hits = hits[min(q.From, len(hits)):]
	hits = hits[:min(size, len(hits))]
	list, wanted := []Object{}, filterOf(q.Source)
	for _, a := range hits {
		h := Object{"_index": a.index, "_id": a.id, "_score": nil}
		if len(keys) > 0 {
			h["sort"] = at[a]
		}
		if !wanted.none {
			h["_source"] = wanted.apply(a.source)
		}
		list = append(list, h)
	}
	out := s.found(list, len(all), len(indices), q)
	if len(q.Aggs) > 0 && len(indices) > 0 {
		counted, err := y.aggregate(q.Aggs, all)
		if err != nil {
			return nil, err
		}
		out["aggregations"] = counted
	}
	return out, nil
}

// hasIndex reports whether this version of Wazuh fills an index.
func (s *Server) hasIndex(name string) bool {
	switch {
	case strings.HasPrefix(name, "wazuh-states-vulnerabilities"):
		return !s.before(8)
	case strings.HasPrefix(name, "wazuh-states-sca"):
		return s.five()
	case strings.HasPrefix(name, "wazuh-states-"):
		return !s.before(13)
	}
	return true
}

func ok(matched bool, err error) bool { return matched && err == nil }

// found is the answer to a search.
func (s *Server) found(hits []Object, total, indices int, q request) Object {
	shards := Object{"total": indices * shardsPerDay, "successful": indices*shardsPerDay - s.failedShards, "skipped": 0, "failed": s.failedShards}
	if s.failedShards > 0 {
		shards["failures"] = []Object{{"shard": 0, "index": "wazuh-alerts-4.x-*", "node": "n1", "reason": Object{"type": "circuit_breaking_exception", "reason": s.shardReason}}}
	}
	inner := Object{"max_score": nil, "hits": hits}
	switch track := string(q.Track); {
	case track == "false":
	case track != "true" && total > defaultWindow:
		inner["total"] = Object{"value": defaultWindow, "relation": "gte"}
	default:
		inner["total"] = Object{"value": total, "relation": "eq"}
	}
	out := Object{"took": 3, "timed_out": false, "_shards": shards, "hits": inner}
	if q.PIT != nil {
		out["pit_id"] = q.PIT.ID
	}
	return out
}

// filter is what _source asks for.
type filter struct {
	plain, except      map[string]bool // included and excluded, as they are
	none               bool
	includes, excludes []*regexp.Regexp
}

func filterOf(v any) *filter {
	f := &filter{plain: map[string]bool{}, except: map[string]bool{}}
	include := func(list []string) {
		f.includes = patterns(list)
		for _, p := range list {
			f.plain[p] = true
		}
	}
	switch v := v.(type) {
	case bool:
		f.none = !v
	case string:
		include([]string{v})
	case []any:
		include(texts(v))
	case map[string]any:
		include(texts(v["includes"]))
		f.excludes = patterns(texts(v["excludes"]))
		for _, p := range texts(v["excludes"]) {
			f.except[p] = true
		}
	}
	return f
}

func patterns(list []string) []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, p := range list {
		if strings.ContainsAny(p, "*?") {
			out = append(out, wild(p, false))
		}
	}
	return out
}

// keeps reports whether f asks for the member at a path.
func (f *filter) keeps(path string) bool {
	asked := len(f.plain) == 0
	for p := path; ; { // a path is kept or left out with all that is below it
		if f.except[p] || matchesAny(f.excludes, p) {
			return false
		}
		asked = asked || f.plain[p] || matchesAny(f.includes, p)
		i := strings.LastIndexByte(p, '.')
		if i < 0 {
			return asked
		}
		p = p[:i]
	}
}

// apply keeps of a document what f asks for.
func (f *filter) apply(o Object) Object {
	if len(f.plain) > 0 {
		o = project(o, "", func(p string) bool { return f.plain[p] || matchesAny(f.includes, p) })
	}
	if len(f.except) > 0 {
		o = f.without(o, "")
	}
	return o
}

func (f *filter) without(o Object, at string) Object {
	out := Object{}
	for k, v := range o {
		p := strings.TrimPrefix(at+"."+k, ".")
		if f.except[p] || matchesAny(f.excludes, p) {
			continue
		}
		if inner, ok := v.(map[string]any); ok {
			v = f.without(inner, p)
		}
		out[k] = v
	}
	return out
}

func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, e := range list {
		out = append(out, fmt.Sprint(e))
	}
	return out
}

func matchesAny(patterns []*regexp.Regexp, p string) bool {
	return slices.ContainsFunc(patterns, func(re *regexp.Regexp) bool { return re.MatchString(p) })
}

// sortKey is a field to sort by.
type sortKey struct {
	field string
	down  bool
}

func (s *Server) sorting(list []any) ([]sortKey, error) {
	y := s.types()
	var keys []sortKey
	for _, e := range list {
		if name, ok := e.(string); ok {
			e = map[string]any{name: map[string]any{}}
		}
		o, _ := e.(map[string]any)
		if len(o) != 1 {
			return nil, bad("parsing_exception", "malformed sort")
		}
		for field, v := range o {
			how, _ := v.(map[string]any)
			if dir, ok := v.(string); ok {
				how = map[string]any{"order": dir}
			}
			for k := range how {
				if !slices.Contains([]string{"order", "unmapped_type", "missing"}, k) {
					return nil, bad("x_content_parse_exception", "[field_sort] unknown field [%s]", k)
				}
			}
			switch {
			case y.of(field) == text:
				return nil, textField(field)
			case how["unmapped_type"] == nil && !s.mapped(field):
				return nil, &osError{http.StatusBadRequest, "query_shard_exception", "No mapping found for [" + field + "] in order to sort on", true}
			}
			keys = append(keys, sortKey{field: field, down: how["order"] == "desc"})
		}
	}
	return keys, nil
}

// textField is the refusal to sort or count by what is analysed.
func textField(field string) error {
	return &osError{http.StatusBadRequest, "illegal_argument_exception", "Text fields are not optimised for operations that require per-document field data like aggregations and sorting, " +
		"so these operations are disabled by default. Please use a keyword field instead. Alternatively, set fielddata=true on [" + field + "] in order to load field data by " +
		"uninverting the inverted index. Note that this can use significant memory.", true}
}

// mapped reports whether field has a mapping: any document has it.
func (s *Server) mapped(field string) bool {
	return field == "_id" || field == "_index" || s.corpus != nil || slices.ContainsFunc(slices.Concat(s.alerts, s.states), func(a *alert) bool { return len(a.values(field)) > 0 })
}

func (y types) keyValues(keys []sortKey, a *alert) []any {
	out := make([]any, len(keys))
	for i, k := range keys {
		switch k.field {
		case "_id":
			out[i] = a.id
		case "_index":
			out[i] = a.index
		default:
			out[i] = y.sortable(k.field, a.first(k.field))
		}
	}
	return out
}

// sortable is a value of field as it is sorted by.
func (y types) sortable(field string, v any) any {
	switch y.of(field) {
	case date:
		if t, ok := asTime(v); ok {
			return float64(t.UnixMilli())
		}
	case address:
		if a, err := netip.ParseAddr(fmt.Sprint(v)); err == nil {
			b := a.As16()
			return addressKey(b[:])
		}
	}
	return v
}

// addressKey is an address as it is sorted by; outside it is a text.
type addressKey string

// MarshalJSON writes the address as one writes it.
func (k addressKey) MarshalJSON() ([]byte, error) {
	a, _ := netip.AddrFromSlice([]byte(k))
	return json.Marshal(a.Unmap().String())
}

// compareKeys compares sort values; what is missing is last in either direction.
func compareKeys(keys []sortKey, a, b []any) int {
	for i, k := range keys {
		switch {
		case a[i] == nil && b[i] == nil:
			continue
		case a[i] == nil:
			return 1
		case b[i] == nil:
			return -1
		}
		if c := order1(a[i], b[i]); c != 0 {
			if k.down {
				return -c
			}
			return c
		}
	}
	return 0
}

// kind is how a field is mapped.
type kind int

const (
	keyword kind = iota
	text
	date
	long
	address
	truth
	place
)

// String is the kind's name in a mapping.
func (k kind) String() string {
	return []string{"keyword", "text", "date", "long", "ip", "boolean", "geo_point"}[k]
}

// mapping is what Wazuh's templates of 4.14 map as anything but a keyword: that of
// the alerts, and those of what is known of the hosts. a.{b,c} is a.b and a.c.
var mapping = func() map[string]kind {
	m := map[string]kind{}
	for k, list := range map[kind]string{
		text: `{@version,full_log,message,previous_log,type} GeoLocation.{continent_code,country_code2,country_code3,timezone} data.ms-graph.actor.userPermissions
			data.ms-graph.description data.oscap.check.{description,identifiers,rationale,references} group.description`,
		date: `{@timestamp,timestamp} data.aws.{createdAt,end,start,updatedAt} data.aws.resource.instanceDetails.launchTime data.aws.service.{eventFirstSeen,eventLastSeen}
			data.ms-graph.{activityDateTime,complianceGracePeriodExpirationDateTime,createdDateTime,easActivationDateTime,enrolledDateTime,exchangeLastSuccessfulSyncDateTime,firstActivityDateTime,lastActivityDateTime,lastSyncDateTime,lastUpdateDateTime,managementCertificateExpirationDate,resolvedDateTime}
			data.ms-graph.deviceActionResults.{lastUpdatedDateTime,startDateTime} data.ms-graph.deviceHealthAttestationState.{issuedDateTime,lastUpdateDateTime} data.timestamp
			data.vulnerability.{published,updated} file.mtime package.installed process.start registry.mtime state.modified_at syscheck.{mtime_after,mtime_before}
			user.auth_failures.timestamp user.{created,last_login} user.password.{expiration_date,last_change} vulnerability.{detected_at,published_at}`,
		long: `GeoLocation.{area_code,coordinates,dma_code,latitude,longitude} data.aws.bytes data.aws.service.count data.azureSignInStatus.errorCode
			data.cis.{error,fail,notchecked,pass,score,unknown} data.hardware.{cpu_cores,cpu_mhz,ram_free,ram_total,ram_usage} data.ms-graph.deviceCount
			data.netinfo.iface.ipv4.metric data.netinfo.iface.ipv6.metric data.netinfo.iface.{mtu,rx_bytes,rx_dropped,rx_errors,rx_packets,tx_bytes,tx_dropped,tx_errors,tx_packets}
			data.office365.Actor.Type data.office365.{AzureActiveDirectoryEventType,InternalLogonType,ItemCount,LogonType,RecordType,UserType,Version} data.office365.Target.Type
			data.oscap.scan.{return_code,score} data.port.{inode,local_port,pid,remote_port,rx_queue,tx_queue}
			data.process.{nice,nlwp,pgrp,pid,ppid,priority,processor,resident,session,share,size,start_time,stime,tgid,tty,utime,vm_size} data.program.size
			data.sca.{failed,passed,score} decoder.{accumulate,fts} destination.port file.size group.{id,id_signed} host.cpu.{cores,speed} host.memory.{free,total,usage,used}
			host.network.egress.{bytes,drops,errors,packets,queue} host.network.ingress.{bytes,drops,errors,packets,queue} interface.mtu network.metric package.size
			process.{args_count,pid,stime,utime} process.parent.pid registry.size rule.{firedtimes,frequency,level} service.{exit_code,frequency,win32_exit_code} source.port
			syscheck.{size_after,size_before} user.auth_failures.count user.group.{id,id_signed}
			user.password.{inactive_days,max_days_between_changes,min_days_between_changes,warning_days_before_expiration} user.uid_signed
			vulnerability.score.{base,environmental,temporal}`,
		address: `agent.host.ip data.aws.{dstaddr,source_ip_address,srcaddr} data.aws.resource.instanceDetails.networkInterfaces.{privateIpAddress,publicIp}
			data.aws.service.action.networkConnectionAction.remoteIpDetails.ipAddressV4 data.port.{local_ip,remote_ip} destination.ip host.ip network.{broadcast,gateway,ip,netmask}
			source.ip wazuh.agent.host.ip`,
		truth: `browser.profile.referenced data.office365.{CustomUniqueId,CustomizedDoclib,DoNotDistributeEvent,ExternalAccess,FromApp,HighPriorityMediaProcessing,IsDocLib}
			data.office365.Item.IsRecord group.is_hidden login.status network.dhcp package.{autoupdate,enabled,from_webstore,persistent,visible} rule.mail service.inetd_compatibility
			service.starts.on_mount user.{is_hidden,is_remote} vulnerability.under_evaluation`,
		place: `GeoLocation.location GeoLocation.location.{lat,lon} data.aws.service.action.networkConnectionAction.remoteIpDetails.geoLocation
			data.aws.service.action.networkConnectionAction.remoteIpDetails.geoLocation.{lat,lon}`,
	} {
		for f := range strings.FieldsSeq(list) {
			path, names, several := strings.Cut(strings.TrimSuffix(f, "}"), "{")
			if !several {
				names = ""
			}
			for name := range strings.SplitSeq(names, ",") {
				m[path+name] = k
			}
		}
	}
	return m
}()

// types are how the fields of a server's indices are mapped: nearly all as keyword.
type types struct {
	five bool
	own  map[string]kind // by templates of one's own
}

// mapping5 is what Wazuh 5's templates map otherwise than those before.
var mapping5 = map[string]kind{"message": keyword, "user.password.last_change": long}

func (s *Server) types() types { return types{s.five(), s.ownTypes} }

func (y types) of(field string) kind {
	if k, is := y.own[field]; is {
		return k
	}
	if k, is := mapping5[field]; is && y.five {
		return k
	}
	return mapping[field]
}

type predicate func(*alert) bool

// clauseFields are the members that a clause of each kind may have.
var clauseFields = map[string][]string{
	"bool":         {"must", "filter", "should", "must_not", "minimum_should_match", "boost"},
	"term":         {"value", "case_insensitive", "boost"},
	"wildcard":     {"value", "wildcard", "case_insensitive", "boost", "rewrite"},
	"prefix":       {"value", "case_insensitive", "boost", "rewrite"},
	"regexp":       {"value", "flags", "case_insensitive", "max_determinized_states", "boost", "rewrite"},
	"range":        {"gte", "gt", "lte", "lt", "format", "time_zone", "boost"},
	"match":        {"query", "operator", "lenient", "boost"},
	"match_phrase": {"query", "slop", "boost"},
	"ids":          {"values", "boost"},
	"exists":       {"field", "boost"},
	"match_all":    {"boost"},
	"match_none":   {"boost"},
	"nested":       {"path", "query", "ignore_unmapped", "score_mode", "boost"},
}

// compile makes a predicate of a query. What it doesn't know is an error, as
// it is to OpenSearch.
func (y types) compile(q any) (predicate, error) {
	o, _ := q.(map[string]any)
	if len(o) != 1 {
		return nil, bad("parsing_exception", "[_na] query malformed, must start with start_object and have one clause")
	}
	for name, body := range o {
		b, ok := body.(map[string]any)
		if !ok {
			return nil, bad("parsing_exception", "[%s] query malformed, no start_object after query name", name)
		}
		allowed, ok := clauseFields[name]
		switch {
		case name == "terms":
			return y.compileTerms(b)
		case !ok:
			return nil, bad("parsing_exception", "unknown query [%s]", name)
		}
		switch name {
		case "bool", "ids", "exists", "match_all", "match_none", "nested":
			if err := only(name, b, allowed); err != nil {
				return nil, err
			}
			return y.compilePlain(name, b)
		}
		if len(b) != 1 {
			return nil, bad("parsing_exception", "[%s] query doesn't support multiple fields", name)
		}
		for field, v := range b {
			how, ok := v.(map[string]any)
			if !ok {
				how = map[string]any{map[bool]string{true: "query", false: "value"}[strings.HasPrefix(name, "match")]: v}
			}
			if err := only(name, how, allowed); err != nil {
				return nil, err
			}
			return y.compileField(name, field, how)
		}
	}
	panic("unreachable")
}

func only(name string, o map[string]any, allowed []string) error {
	for k := range o {
		if !slices.Contains(allowed, k) {
			return bad("parsing_exception", "[%s] query does not support [%s]", name, k)
		}
	}
	return nil
}

func (y types) compilePlain(name string, b map[string]any) (predicate, error) {
	switch name {
	case "bool":
		return y.compileBool(b)
	case "ids":
		ids := texts(b["values"])
		return func(a *alert) bool { return slices.Contains(ids, a.id) }, nil
	case "exists":
		field := fmt.Sprint(b["field"])
		return func(a *alert) bool { return a.has(field) }, nil
	case "nested":
		path := fmt.Sprint(b["path"])
		match, err := y.compile(b["query"])
		if err != nil {
			return nil, err
		}
		if (!nestedObjects[path] || y.five) && b["ignore_unmapped"] != true {
			return nil, shardError("[nested] failed to find nested object under path [%s]", path)
		}
		return func(a *alert) bool { return slices.ContainsFunc(a.below(path), match) }, nil
	}
	return func(*alert) bool { return name == "match_all" }, nil
}

// has reports whether the document has anything at a path, or below it.
func (a *alert) has(path string) bool {
	if len(a.values(path)) > 0 {
		return true
	}
	for p := range a.flat {
		if strings.HasPrefix(p, path+".") {
			return true
		}
	}
	return false
}

func (y types) compileBool(b map[string]any) (predicate, error) {
	group := func(name string) ([]predicate, error) {
		list, ok := b[name].([]any)
		if one := b[name]; !ok && one != nil {
			list = []any{one}
		}
		var out []predicate
		for _, q := range list {
			p, err := y.compile(q)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
		return out, nil
	}
	must, err1 := group("must")
	filter, err2 := group("filter")
	should, err3 := group("should")
	not, err4 := group("must_not")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, cmp.Or(err1, err2, err3, err4)
	}
	must = append(must, filter...)
	least := 0
	if len(must) == 0 && len(should) > 0 {
		least = 1
	}
	if n, ok := b["minimum_should_match"].(float64); ok {
		least = int(n)
	}
	return func(a *alert) bool {
		for _, p := range must {
			if !p(a) {
				return false
			}
		}
		for _, p := range not {
			if p(a) {
				return false
			}
		}
		n := 0
		for _, p := range should {
			if p(a) {
				n++
			}
		}
		return n >= least
	}, nil
}

func (y types) compileTerms(b map[string]any) (predicate, error) {
	for field, v := range b {
		list, ok := v.([]any)
		if !ok || len(b) != 1 {
			return nil, bad("parsing_exception", "[terms] query malformed")
		}
		return func(a *alert) bool {
			return slices.ContainsFunc(list, func(want any) bool { return y.hasTerm(a, field, want, false) })
		}, nil
	}
	return nil, bad("parsing_exception", "[terms] query malformed")
}

// hasTerm reports whether a field holds a term: a keyword as a whole, a text as
// one of its tokens.
func (y types) hasTerm(a *alert, field string, want any, fold bool) bool {
	w := fmt.Sprint(want)
	return slices.ContainsFunc(y.terms(a, field), func(t string) bool { return t == w || fold && equalASCII(t, w) })
}

// equalASCII compares in any case, of the letters A to Z alone.
func equalASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// terms are what is in the index for a field. A keyword of the states that is
// longer than 1024 characters isn't there (ignore_above), but before Wazuh 5 for
// the one that holds command lines.
func (y types) terms(a *alert, field string) []string {
	var out []string
	for _, v := range a.values(field) {
		if y.of(field) == text {
			out = append(out, tokens(fmt.Sprint(v))...)
			continue
		}
		t := textOf(v)
		if len(t) > ignoreAbove && (field != "process.command_line" || y.five) && strings.HasPrefix(a.index, "wazuh-states-") && utf8.RuneCountInString(t) > ignoreAbove {
			continue
		}
		out = append(out, t)
	}
	return out
}

const ignoreAbove = 1024

// tokens splits like the standard analyzer: letters, digits and _ hold together; a dot
// or an apostrophe between letters or digits, a colon between letters, and a comma or a
// semicolon between digits do too.
func tokens(s string) []string {
	var out []string
	var b strings.Builder
	r := []rune(strings.ToLower(s))
	word := func(i int) bool {
		return i >= 0 && i < len(r) && (unicode.IsLetter(r[i]) || unicode.IsDigit(r[i]) || r[i] == '_')
	}
	for i, c := range r {
		both := func(is func(rune) bool) bool { return i > 0 && i+1 < len(r) && is(r[i-1]) && is(r[i+1]) }
		switch {
		case word(i), strings.ContainsRune(".'’", c) && (both(unicode.IsLetter) || both(unicode.IsDigit)), strings.ContainsRune(":·", c) && both(unicode.IsLetter), strings.ContainsRune(",;", c) && both(unicode.IsDigit):
			b.WriteRune(c)
		case b.Len() > 0:
			out = append(out, b.String())
			b.Reset()
		}
	}
	if b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}

func (y types) compileField(name, field string, how map[string]any) (predicate, error) {
	fold := how["case_insensitive"] == true
	value := fmt.Sprint(pick(how, "value", "wildcard", "query"))
	switch k, typ := y.of(field), map[kind]string{long: "long", date: "date", address: "ip", truth: "boolean", place: "geo_point"}[y.of(field)]; {
	case typ == "":
	case name == "wildcard" || name == "prefix" || name == "regexp":
		return nil, shardError("Can only use %s queries on keyword and text fields - not on [%s] which is of type [%s]", name, field, typ)
	case fold:
		return nil, shardError("[%s] field which is of type [%s], does not support case insensitive term queries", field, typ)
	case k == address && (name == "term" || name == "match"):
		return within(field, value)
	case k == place:
		return nil, shardError("Geometry fields do not support exact searching, use dedicated geometry queries instead: [%s]", field)
	case k == truth && name == "term" && value != "true" && value != "false":
		return nil, shardError("Can't parse truth value [%s], expected [true] or [false]", value)
	case k == long && (name == "term" || name == "match"):
		want, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, shardError("failed to create query: For input string: %q", value)
		}
		return func(a *alert) bool {
			return slices.ContainsFunc(y.terms(a, field), func(t string) bool {
				have, err := strconv.ParseFloat(t, 64)
				return err == nil && have == want
			})
		}, nil
	}
	switch name {
	case "term":
		return func(a *alert) bool { return y.hasTerm(a, field, value, fold) }, nil
	case "prefix":
		return func(a *alert) bool {
			return slices.ContainsFunc(y.terms(a, field), func(t string) bool {
				return strings.HasPrefix(t, value) || fold && len(t) >= len(value) && equalASCII(t[:len(value)], value)
			})
		}, nil
	case "wildcard":
		match := wildcard(value, fold)
		return func(a *alert) bool { return slices.ContainsFunc(y.terms(a, field), match) }, nil
	case "regexp":
		if n := len(utf16.Encode([]rune(value))); n > maxRegex {
			return nil, &osError{http.StatusBadRequest, "illegal_argument_exception", fmt.Sprintf("The length of regex [%d] used in the Regexp Query request has exceeded the allowed maximum of [%d]. This maximum can be set by changing the [index.max_regex_length] index level setting.", n, maxRegex), true}
		}
		expr, known := expression(value, fold)
		re, err := regexp.Compile("(?s)^(?:" + expr + ")$")
		if err != nil || !known {
			return nil, bad("illegal_argument_exception", "the fake knows no such expression: %s", value)
		}
		return func(a *alert) bool { return slices.ContainsFunc(y.terms(a, field), re.MatchString) }, nil
	case "match", "match_phrase":
		return y.matches(name, field, value, strings.EqualFold(fmt.Sprint(how["operator"]), "and")), nil
	}
	return y.compileRange(field, how)
}

const maxRegex = 1000 // index.max_regex_length

// expression translates an expression of Lucene, of which it knows the parts that mean
// the same here. To fold is to take A to Z for a to z, but not in a range of letters.
func expression(s string, fold bool) (out string, known bool) {
	var b strings.Builder
	r, class := []rune(s), false
	for i := 0; i < len(r); i++ {
		c := r[i]
		switch {
		case c == '\\' && i+1 < len(r):
			i++
			b.WriteString(regexp.QuoteMeta(string(r[i])))
			continue
		case strings.ContainsRune(`~<>&@#"`, c):
			return "", false
		case c == '[' || c == ']':
			class = c == '['
		case fold && c <= unicode.MaxASCII && unicode.IsLetter(c) && !class:
			fmt.Fprintf(&b, "[%c%c]", unicode.ToUpper(c), unicode.ToLower(c))
			continue
		case fold && c <= unicode.MaxASCII && unicode.IsLetter(c) && r[i-1] != '-' && (i+1 == len(r) || r[i+1] != '-'):
			fmt.Fprintf(&b, "%c%c", unicode.ToUpper(c), unicode.ToLower(c))
			continue
		}
		b.WriteRune(c)
	}
	return b.String(), true
}

// shardError is one that arises where the mapping is known.
func shardError(format string, args ...any) error {
	return &osError{http.StatusBadRequest, "query_shard_exception", fmt.Sprintf(format, args...), true}
}

// within matches an address, or one of a network.
func within(field, value string) (predicate, error) {
	network, err := netip.ParsePrefix(value)
	if err != nil {
		a, err := netip.ParseAddr(value)
		if err != nil {
			return nil, shardError("failed to create query: '%s' is not an IP string literal.", value)
		}
		a = a.Unmap()
		network = netip.PrefixFrom(a, a.BitLen())
	}
	return func(a *alert) bool {
		return slices.ContainsFunc(a.values(field), func(v any) bool {
			at, err := netip.ParseAddr(fmt.Sprint(v))
			return err == nil && network.Contains(at.Unmap())
		})
	}, nil
}

// matches is full-text search: on a keyword the whole value must be equal.
func (y types) matches(name, field, value string, all bool) predicate {
	if y.of(field) != text {
		return func(a *alert) bool { return y.hasTerm(a, field, value, false) }
	}
	want := tokens(value)
	return func(a *alert) bool {
		for _, v := range a.values(field) {
			have := tokens(fmt.Sprint(v))
			n := 0
			for _, w := range want {
				if slices.Contains(have, w) {
					n++
				}
			}
			switch {
			case len(want) == 0:
			case name == "match_phrase":
				for i := 0; i+len(want) <= len(have); i++ {
					if slices.Equal(have[i:i+len(want)], want) {
						return true
					}
				}
			case n == len(want) || !all && n > 0:
				return true
			}
		}
		return false
	}
}

// wildcard matches a pattern as [wild] does; one that is only part of a value
// without an expression.
func wildcard(pattern string, fold bool) func(string) bool {
	if inner := strings.TrimSuffix(strings.TrimPrefix(pattern, "*"), "*"); len(inner) == len(pattern)-2 && !strings.ContainsAny(inner, `*?`) && inner != "" {
		var b strings.Builder
		for i := 0; i < len(inner); i++ {
			if inner[i] == '\\' && i+1 < len(inner) {
				i++
			}
			b.WriteByte(inner[i])
		}
		literal := b.String()
		if !fold {
			return func(s string) bool { return strings.Contains(s, literal) }
		}
		literal = lowerASCII(literal)
		return func(s string) bool { return strings.Contains(lowerASCII(s), literal) }
	}
	return wild(pattern, fold).MatchString
}

// lowerASCII is s with a to z for A to Z.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// wild is a pattern with * and ?, and a backslash to take them literally. To
// fold is to take A to Z for a to z.
func wild(pattern string, fold bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?s)^")
	literal := func(c rune) {
		if u := unicode.ToUpper(c); fold && c <= unicode.MaxASCII && unicode.IsLetter(c) {
			fmt.Fprintf(&b, "[%c%c]", u, unicode.ToLower(c))
			return
		}
		b.WriteString(regexp.QuoteMeta(string(c)))
	}
	r := []rune(pattern)
	for i := 0; i < len(r); i++ {
		switch c := r[i]; {
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteString(".")
		case c == '\\' && i+1 < len(r):
			i++
			literal(r[i])
		default:
			literal(c)
		}
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String())
}

func (y types) compileRange(field string, how map[string]any) (predicate, error) {
	zone := time.UTC
	if z, ok := how["time_zone"].(string); ok {
		t, err := time.Parse("-07:00", z)
		if zone = t.Location(); err != nil {
			if zone, err = time.LoadLocation(z); err != nil {
				return nil, bad("parsing_exception", "[range] unknown time zone [%s]", z)
			}
		}
	}
	bound := func(v any, up bool) (any, error) {
		if y.of(field) != date {
			return v, nil
		}
		if day, isText := v.(string); isText {
			if t, err := time.ParseInLocation(time.DateOnly, day, zone); err == nil {
				if up { // to the last of what a date stands for
					t = t.AddDate(0, 0, 1).Add(-time.Millisecond)
				}
				return float64(t.UnixMilli()), nil
			}
		}
		t, ok := asTime(v)
		if !ok {
			format := "date_optional_time||epoch_millis"
			if field == "@timestamp" {
				format = "strict_" + format
			}
			return nil, &osError{http.StatusBadRequest, "parse_exception", fmt.Sprintf("failed to parse date field [%v] with format [%s]: [failed to parse date field [%v] with format [%s]]", v, format, v, format), true}
		}
		return float64(t.UnixMilli()), nil
	}
	limits := map[string]any{}
	for _, k := range []string{"gte", "gt", "lte", "lt"} {
		if v := how[k]; v != nil {
			b, err := bound(v, k == "lte" || k == "gt")
			if err != nil {
				return nil, err
			}
			limits[k] = b
		}
	}
	return func(a *alert) bool {
		return slices.ContainsFunc(a.values(field), func(v any) bool {
			x, err := bound(v, false)
			if err != nil {
				return false
			}
			for k, l := range limits {
				c := order1(x, l)
				if k == "gte" && c < 0 || k == "gt" && c <= 0 || k == "lte" && c > 0 || k == "lt" && c >= 0 {
					return false
				}
			}
			return true
		})
	}, nil
}

func asTime(v any) (time.Time, bool) {
	switch v := v.(type) {
	case float64:
		return time.UnixMilli(int64(v)), true
	case string:
		for _, layout := range []string{stamp, time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

func pick(o map[string]any, names ...string) any {
	for _, n := range names {
		if v := o[n]; v != nil {
			return v
		}
	}
	return ""
}
