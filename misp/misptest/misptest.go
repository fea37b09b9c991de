// Package misptest is MISP 2.5 in memory, for tests and for a lab.
//
// It keeps state, checks keys and permissions, and answers as a recorded MISP
// 2.5.1 did, its quirks included: integers are strings, 403 stands for a wrong
// key and for invalid values, a filter that is unknown or empty filters
// nothing, a search without a limit gives everything, an empty map is a list,
// and a request that doesn't accept JSON is sent to the login page.
//
//	m := misptest.New(t)
//	m.SeedIncident()
//	c := m.Client()
package misptest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/misp"
)

// The keys that a Server accepts.
const (
	Key         = "misptest-publisher-key-00000000000000000" // a publisher of [Organisation], who may not manage feeds
	UserKey     = "misptest-user-key-0000000000000000000000" // of [Organisation], may not publish
	ReadOnlyKey = "misptest-read-only-key-00000000000000000" // of [Organisation], may change nothing
	OtherKey    = "misptest-other-key-000000000000000000000" // a publisher of [OtherOrganisation]
	AdminKey    = "misptest-admin-key-000000000000000000000" // a site administrator of [Organisation]
)

// The organisations.
const (
	Organisation      = "SOC"
	OtherOrganisation = "CERT-EXAMPLE"
)

// object is what MISP writes.
type object = map[string]any

// A Server is MISP in memory: an http.Handler. The zero value isn't usable;
// make one with [New] or [NewServer]. It is safe for concurrent use.
type Server struct {
	// URL is where the server listens. Only [New] sets it.
	URL string
	// NativeInts writes integers as numbers, as servers do whose database driver
	// doesn't make strings of them. Set it before the first request.
	NativeInts bool
	// BackgroundJobs leaves publishing to [Server.RunJobs]. Set it before the
	// first request.
	BackgroundJobs bool
	// RateLimit is how many searches a key may make; 0 is no limit. Set it before
	// the first request.
	RateLimit int

	tb testing.TB

	mu        sync.Mutex
	events    []*event
	lists     []*Warninglist
	groups    []*group
	blocked   map[string]bool // UUIDs of events that were deleted
	jobs      []*event
	next      struct{ event, attribute, object, uuid, sighting, proposal int }
	tagNames  []string // by id, from 1
	feeds     []*feed
	proposals []*proposal
	searched  map[string]int // by key
	uuids     map[string]bool
	requests  []string
	failures  []*failure
}

// failure is an answer instead of the real one; without a status the real one
// is made and lost.
type failure struct {
	status  int
	message string
}

// user is who makes a request.
type user struct {
	key                           string
	org                           int
	write, publish, tagger, admin bool
}

var users = map[string]*user{
	Key:         {key: Key, org: 1, write: true, publish: true},
	UserKey:     {key: UserKey, org: 1, write: true},
	ReadOnlyKey: {key: ReadOnlyKey, org: 1},
	OtherKey:    {key: OtherKey, org: 2, write: true, publish: true},
	AdminKey:    {key: AdminKey, org: 1, write: true, publish: true, tagger: true, admin: true},
}

// New starts an empty Server and stops it when the test ends.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := NewServer()
	s.tb = tb
	h := httptest.NewServer(s)
	tb.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// NewServer returns a Server with warninglists and a sharing group, and without events.
func NewServer() *Server {
	s := &Server{blocked: map[string]bool{}, searched: map[string]int{}, uuids: map[string]bool{}}
	s.basics()
	return s
}

// Client returns a client for s with [Key]. It needs a Server of [New].
func (s *Server) Client(change ...func(*misp.Config)) *misp.Client {
	s.tb.Helper()
	cfg := misp.Config{BaseURL: s.URL, APIKey: Key}
	for _, f := range change {
		f(&cfg)
	}
	c, err := misp.New(cfg)
	if err != nil {
		s.tb.Fatal(err)
	}
	return c
}

// Requests returns the requests since the last call, as "METHOD path".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

// FailNext makes the next request fail in MISP's form. Several calls queue up.
func (s *Server) FailNext(status int, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, &failure{status, message})
}

// LoseNext carries the next request out and drops the connection instead of
// answering.
func (s *Server) LoseNext() { s.FailNext(0, "") }

// RunJobs does what waits for a worker.
func (s *Server) RunJobs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.jobs {
		e.publish()
	}
	s.jobs = nil
}

// request is one call by a user.
type request struct {
	*user
	path string // without /.json and the like
	body []byte
}

// plain is a body that isn't JSON.
type plain struct{ kind, text string }

// An answer is what MISP says to a request.
type answer struct {
	status int
	header http.Header
	body   any
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

// refuse is an exception of MISP.
func refuse(status int, r *request, message string) answer {
	return answer{status: status, body: object{"name": message, "message": message, "url": r.path}}
}

// unsaved is MISP's answer to what it can't save.
func unsaved(name, url string, errors any) answer {
	return answer{status: http.StatusForbidden, body: object{"saved": false, "name": name, "message": name, "url": url, "errors": errors}}
}

// saved is MISP's answer to what it did.
func (s *Server) saved(message, url string, id any) answer {
	return ok(object{"saved": true, "success": true, "name": message, "message": message, "url": url, "id": id})
}

const badKey = "Authentication failed. Please make sure you pass the API key of an API enabled user along in the Authorization header."

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return // the client is gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	path := strings.TrimSuffix(strings.TrimRight(r.URL.Path, "/"), ".json")
	req := &request{user: users[strings.TrimSpace(r.Header.Get("Authorization"))], path: path, body: body}

	var f *failure
	if len(s.failures) > 0 {
		f, s.failures = s.failures[0], s.failures[1:]
	}
	wantsJSON := path != r.URL.Path || strings.Contains(r.Header.Get("Accept"), "application/json") || strings.HasSuffix(path, "/restSearch")
	var a answer
	switch {
	case !wantsJSON:
		http.Redirect(w, r, "/users/login", http.StatusFound)
		return
	case f != nil && f.status != 0:
		a = refuse(f.status, req, f.message)
		if f.status == http.StatusTooManyRequests {
			a.header = http.Header{"X-Rate-Limit-Reset": {"900"}}
		}
	case req.user == nil:
		a = refuse(http.StatusForbidden, req, badKey)
	default:
		a = s.route(r.Method, req)
	}
	if f != nil && f.status == 0 {
		panic(http.ErrAbortHandler)
	}
	write(w, a)
}

func write(w http.ResponseWriter, a answer) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if t, ok := a.body.(plain); ok {
		w.Header().Set("Content-Type", t.kind+"; charset=UTF-8")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, t.text) // the client is gone: nobody to tell
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(a.status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(a.body) // the client is gone: nobody to tell
}

// route finds what answers a request.
func (s *Server) route(method string, r *request) answer {
	parts := strings.Split(strings.Trim(r.path, "/"), "/")
	for len(parts) < 4 {
		parts = append(parts, "")
	}
	post := method == http.MethodPost
	if limit, given := parameters(r.body)["limit"].(string); given && parts[1] == "restSearch" {
		if _, err := strconv.Atoi(limit); err != nil {
			return refuse(http.StatusInternalServerError, r, "An Internal Error Has Occurred.")
		}
	}
	if post && parts[1] == "restSearch" && s.RateLimit > 0 {
		if s.searched[r.key]++; s.searched[r.key] > s.RateLimit {
			a := refuse(http.StatusTooManyRequests, r, "Rate limit exceeded.")
			a.header = http.Header{"X-Rate-Limit-Limit": {strconv.Itoa(s.RateLimit)}, "X-Rate-Limit-Remaining": {"0"}, "X-Rate-Limit-Reset": {"900"}}
			return a
		}
	}
	if a, found := s.routeMore(post, r, parts); found {
		return a
	}
	switch action, id := parts[0]+"/"+parts[1], parts[2]; {
	case action == "events/view" && method == http.MethodGet:
		return s.viewEvent(r, id)
	case action == "events/restSearch" && post:
		return s.searchEvents(r)
	case action == "events/publish" && post:
		return s.publishEvent(r, id)
	case action == "events/publish", action == "events/delete" && method == http.MethodGet:
		return refuse(http.StatusInternalServerError, r, "An Internal Error Has Occurred.")
	case action == "events/delete":
		return s.deleteEvent(r, id)
	case action == "attributes/restSearch" && post:
		return s.searchAttributes(r)
	case action == "attributes/add" && post:
		return s.addAttribute(r, id)
	case action == "warninglists/checkValue" && post:
		return s.checkValue(r)
	case action == "warninglists/index", action == "warninglists/":
		return s.indexWarninglists(r)
	case action == "sharing_groups/view":
		return s.viewGroup(r, id)
	}
	return refuse(http.StatusNotFound, r, "Not Found")
}

// num is n as this server writes integers.
func (s *Server) num(n int) any {
	if s.NativeInts {
		return n
	}
	return strconv.Itoa(n)
}

// parameters reads the body of a request. One that isn't an object is an empty
// one, without a single filter.
func parameters(body []byte) object {
	var o object
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&o) != nil {
		return object{}
	}
	return o
}

// filter is what a parameter asks for: any of, all of, and none of.
type filter struct{ or, and, not []string }

// none reports whether the filter filters nothing.
func (f filter) none() bool { return len(f.or)+len(f.and)+len(f.not) == 0 }

// filterOf reads a filter. exclude is false for values, of which MISP takes !x
// for no filter at all.
func filterOf(v any, exclude bool) (f filter) {
	add := func(words ...string) {
		for _, w := range words {
			switch n, negated := strings.CutPrefix(w, "!"); {
			case w == "", w == "0": // empty to PHP
			case negated && exclude:
				f.not = append(f.not, n)
			case !negated:
				f.or = append(f.or, w)
			}
		}
	}
	switch v := v.(type) {
	case string:
		add(strings.Split(strings.ReplaceAll(v, "||", "&&"), "&&")...)
	case json.Number:
		add(v.String())
	case []any:
		for _, x := range v {
			if w, ok := x.(string); ok {
				add(w)
			} else if n, ok := x.(json.Number); ok {
				add(n.String())
			}
		}
	case object:
		f.or, f.and, f.not = filterOf(v["OR"], exclude).or, filterOf(v["AND"], exclude).or, filterOf(v["NOT"], exclude).or
	}
	return f
}

// matches reports whether have has one of those asked for, all that must be
// there, and none excluded. Case counts unless fold brings both to one.
func (f filter) matches(fold func(string) string, have ...string) bool {
	has := func(w string) bool {
		return slices.ContainsFunc(have, func(h string) bool { return equals(fold(w), fold(h)) })
	}
	return (len(f.or) == 0 || slices.ContainsFunc(f.or, has)) && !slices.ContainsFunc(f.and, func(w string) bool { return !has(w) }) && !slices.ContainsFunc(f.not, has)
}

// matchesFold is matches without regard to case, as MISP compares values.
func (f filter) matchesFold(have ...string) bool { return f.matches(strings.ToLower, have...) }

// matchesCase is matches with its case, as MISP compares tags, titles and organisations.
func (f filter) matchesCase(have ...string) bool {
	return f.matches(func(s string) string { return s }, have...)
}

// equals compares as MISP does: exactly, or with LIKE once a % is in what is
// asked for.
func equals(want, s string) bool {
	if !strings.Contains(want, "%") {
		return want == s
	}
	return like(want, s)
}

// like is SQL's LIKE: % is any text, _ any letter, and a backslash takes the
// next letter as it is.
func like(pattern, s string) bool {
	for len(pattern) > 0 {
		switch pattern[0] {
		case '%':
			for pattern = strings.TrimLeft(pattern, "%"); ; s = s[1:] {
				if like(pattern, s) {
					return true
				}
				if s == "" {
					return false
				}
			}
		case '_':
			_, n := utf8.DecodeRuneInString(s)
			if n == 0 {
				return false
			}
			pattern, s = pattern[1:], s[n:]
			continue
		case '\\':
			if len(pattern) > 1 {
				pattern = pattern[1:]
			}
		}
		if s == "" || pattern[0] != s[0] {
			return false
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}

// flagged reads a filter by a flag: 0 and 1, and true. false filters nothing.
func flagged(v any) (want, given bool) {
	switch v := v.(type) {
	case bool:
		return true, v
	case json.Number:
		return v != "0", v == "0" || v == "1"
	case string:
		return v != "0", v == "0" || v == "1"
	}
	return false, false
}

// paged returns the page of list that p asks for, and whether MISP bounded the
// answer. A page without a limit is everything, and so is a limit of 0.
func paged[T any](p object, list []T) (page []T, limited bool) {
	limit, number := integer(p["limit"]), max(1, integer(p["page"]))
	if limit <= 0 {
		return list, limit < 0
	}
	from := min((number-1)*limit, len(list))
	return list[from:min(from+limit, len(list))], true
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

// since reads a time such as 7d. What MISP can't read matches nothing.
func since(v any) (time.Time, bool) {
	s, _ := v.(string)
	if s == "" {
		return time.Time{}, false
	}
	unit, known := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}[s[len(s)-1]]
	n, err := strconv.Atoi(s[:len(s)-1])
	if !known || err != nil {
		return time.Now().Add(time.Hour), true
	}
	return time.Now().Add(-time.Duration(n) * unit), true
}
