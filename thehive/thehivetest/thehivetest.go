// Package thehivetest is TheHive in memory, for tests and for a lab.
//
// It keeps state, checks keys, runs the query language and answers in TheHive's
// own forms, its quirks included. What it does as TheHive does, and who saw it
// there, is told in behaviour.md beside the package thehive.
//
//	hive := thehivetest.New(t)
//	c := hive.Client()
package thehivetest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/thehive"
)

// The keys that a Server accepts.
const (
	Key         = "thehivetest-analyst-key"   // an analyst of [Organisation]
	ReadOnlyKey = "thehivetest-read-only-key" // may change nothing
	AdminKey    = "thehivetest-admin-key"     // of the organisation admin, which has no cases
)

// Password is that of every user.
const Password = "secret"

// The organisations of the analyst: the default one, and one without cases.
const (
	Organisation      = "soc"
	OtherOrganisation = "training"
)

// Object is an entity as TheHive writes it.
type Object = map[string]any

// A Server is TheHive in memory: an http.Handler. The zero value isn't usable;
// make one with [New] or [NewServer]. It is safe for concurrent use.
type Server struct {
	// URL is where the server listens. Only [New] sets it.
	URL string
	// SilentDuplicates answers a creation of observables with 201 and those that
	// were taken, where TheHive may say 207 and name the others too. Set it
	// before the first request.
	SilentDuplicates bool
	// Version is the server's. One of 4 answers under the path of that version.
	// Set it before the first request.
	Version string
	// LegacyCortex offers Cortex under the older path alone. Set it before the
	// first request.
	LegacyCortex bool
	// Like is how the filter _like compares. Set it before the first request.
	Like Reading
	// TasksByTitle takes the tasks of a template by their titles alone, as the
	// vendor's own client gives them, and drops ids without a word. Set it before
	// the first request.
	TasksByTitle bool

	tb  testing.TB
	mux *http.ServeMux

	mu       sync.Mutex
	items    []*item
	ids      map[string]*item
	next     int64 // of ids
	base     int64 // of ids of what isn't a case or in one
	number   int
	values   int   // of custom fields, for their ids
	clock    int64 // the last date given out, in milliseconds
	requests []string
	failures []failure
	seeded   bool
}

// A Reading is a way in which the vendor's texts and servers take _like.
type Reading int

// The readings.
const (
	// LikeWords: * stands for any text; the pattern is held against each word of
	// a text, whatever its case, and without * against the whole value. So
	// TheHive 4.1.24 does it, seen running.
	LikeWords Reading = iota
	// LikeWhole: * stands for any text; the pattern is held against the whole
	// value of a short field and against each word of a long one; case counts. So
	// the vendor's pages on filters and Elasticsearch have it.
	LikeWhole
	// LikeSubstring: the value, in which * is nothing special, is held to be a
	// part of a short field or of a word of a long one, whatever its case. So the
	// vendor's OpenAPI has it.
	LikeSubstring
)

// item is a stored entity.
type item struct {
	kind    string // Case, Task, Log …
	org     string // empty: everyone's
	parent  *item
	obj     Object
	content []byte            // of an attachment
	secret  map[string]string // password and key of a user
	lost    bool              // of a job: Cortex doesn't know any more that it runs
}

func (it *item) id() string { return it.obj["_id"].(string) }

type failure struct {
	status       int
	typ, message string
}

// caller is who makes a request.
type caller struct {
	login, org, profile string
	user                Object
}

// New starts a Server that holds what [Server.SeedIncident] stores, and stops it
// when the test ends.
func New(tb testing.TB) *Server {
	tb.Helper()
	return start(tb, func(s *Server) { s.SeedIncident() })
}

// NewEmpty starts a Server without cases, as change makes it, and stops it when
// the test ends.
func NewEmpty(tb testing.TB, change ...func(*Server)) *Server {
	tb.Helper()
	return start(tb, change...)
}

func start(tb testing.TB, change ...func(*Server)) *Server {
	tb.Helper()
	s := NewServer()
	for _, f := range change {
		f(s)
	}
	s.tb = tb
	h := httptest.NewServer(s)
	tb.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// NewServer returns a Server with users, statuses and types, and without cases.
func NewServer() *Server {
	s := &Server{mux: http.NewServeMux(), Version: "5.8.0-1", ids: map[string]*item{}}
	s.routes()
	s.basics()
	return s
}

// Client returns a client for s with [Key]. It needs a Server of [New].
func (s *Server) Client(change ...func(*thehive.Config)) *thehive.Client {
	s.tb.Helper()
	cfg := thehive.Config{BaseURL: s.URL, APIKey: Key}
	for _, f := range change {
		f(&cfg)
	}
	c, err := thehive.New(cfg)
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

// FailNext makes the next request fail, unless it asks for the version. Several calls queue up.
func (s *Server) FailNext(status int, typ, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, failure{status, typ, message})
}

// Add stores an entity and returns its id. kind is Case, Task, Log, Comment,
// Observable, Procedure, Attachment, Alert, Job, CaseTemplate, CaseStatus,
// AlertStatus or ObservableType; parent is the id of the case, task, alert or
// observable that it belongs to, or empty. What fields leave
// out gets TheHive's defaults.
func (s *Server) Add(kind, parent string, fields Object) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(kind, s.byID(parent), Organisation, analyst, fields).id()
}

// AddCases stores n cases with the same fields.
func (s *Server) AddCases(n int, fields Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 1 {
		return
	}
	first := s.add("Case", nil, Organisation, analyst, fields)
	for range n - 1 {
		it := &item{kind: "Case", org: first.org, obj: maps.Clone(first.obj)}
		s.next += 4096
		s.number++
		it.obj["_id"], it.obj["number"], it.obj["_createdAt"] = "~"+strconv.FormatInt(s.next, 10), float64(s.number), float64(s.now())
		s.store(it)
	}
}

// Set changes fields of an entity, as somebody else would at the same time.
func (s *Server) Set(id string, fields Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.byID(id)
	if it == nil {
		panic("thehivetest: no entity " + id)
	}
	maps.Copy(it.obj, clone(fields))
	it.obj["_updatedAt"] = float64(s.now())
	s.setStage(it)
}

// LoseJob makes a job one that Cortex lost, by a restart or by a report that it
// couldn't read: it was started so long ago and is InProgress for ever.
func (s *Server) LoseJob(id string, ago time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.byID(id)
	it.lost, it.obj["status"], it.obj["startDate"] = true, "InProgress", float64(s.now()-ago.Milliseconds())
}

// Get returns a copy of the entity with that id, or nil.
func (s *Server) Get(id string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.byID(id); it != nil {
		return clone(it.obj)
	}
	return nil
}

func (s *Server) byID(id string) *item { return s.ids[id] }

// store keeps a new entity.
func (s *Server) store(it *item) {
	s.items = append(s.items, it)
	s.ids[it.id()] = it
}

// atLeast reports whether the server is of that version or a later one.
func (s *Server) atLeast(minor, patch int) bool {
	var major, m, p int
	_, _ = fmt.Sscanf(s.Version, "%d.%d.%d", &major, &m, &p) // what isn't there is 0
	return major > 5 || major == 5 && (m > minor || m == minor && p >= patch)
}

// now returns a date that is later than every other one it returned.
func (s *Server) now() int64 {
	s.clock = max(s.clock+1, time.Now().UnixMilli())
	return s.clock
}

// clone copies o as JSON has it.
func clone(o Object) Object {
	b, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("thehivetest: %v", err)) // a field that JSON has no form for
	}
	var c Object
	if err := json.Unmarshal(b, &c); err != nil {
		panic(fmt.Sprintf("thehivetest: %v", err))
	}
	return c
}

// A refusal is an answer that isn't 2xx.
type refusal struct {
	status       int
	typ, message string
	errors       []Object
}

func (r *refusal) Error() string { return r.typ + ": " + r.message }

func notFound(what string) error { return &refusal{404, "NotFoundError", what + " not found", nil} }

func badRequest(format string, args ...any) error {
	return &refusal{400, "BadRequest", fmt.Sprintf(format, args...), nil}
}

var (
	errForbidden = &refusal{403, "AuthorizationError", "You are not authorized to perform this action", nil}
	errNotYours  = &refusal{403, "AuthorizationError", "Operation not permitted", nil}
	errNobody    = &refusal{401, "AuthenticationError", "Authentication failure", nil}
)

// missing is the refusal of a body without required attributes.
func missing(names ...string) error {
	r := &refusal{status: 400, typ: "AttributeCheckingError"}
	var parts []string
	for _, n := range names {
		parts = append(parts, "Attribute "+n+" is missing")
		r.errors = append(r.errors, Object{"name": n, "type": "MissingAttributeError"})
	}
	r.message = "[" + strings.Join(parts, "],[") + "]"
	return r
}

// malformed is the refusal of an attribute with the wrong form.
func malformed(name, format string, got any) error {
	return &refusal{400, "AttributeCheckingError", fmt.Sprintf("[Invalid format for %s: %v, expected %s]", name, got, format),
		[]Object{{"name": name, "type": "InvalidFormatAttributeError", "format": format, "acceptedInput": []string{}, "field": Object{"value": got}}}}
}

// handler answers one request: an answer of nil is an empty body.
type handler func(r *http.Request, who *caller, body Object) (status int, answer any, err error)

// handle adds a route. One that writes is for those who may change cases.
func (s *Server) handle(pattern string, writes bool, h handler) {
	s.route(pattern, func(who *caller) bool { return !writes || who.profile != "read-only" && who.org != "admin" }, h)
}

// manage adds a route that is for the administrators of an organisation.
func (s *Server) manage(pattern string, h handler) {
	s.route(pattern, func(who *caller) bool { return who.profile == "admin" || who.profile == "org-admin" }, h)
}

func (s *Server) route(pattern string, may func(*caller) bool, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		status, answer, err := func() (int, any, error) {
			who, err := s.authenticate(r)
			switch {
			case err != nil:
				return 0, nil, err
			case !may(who):
				return 0, nil, errForbidden
			}
			body, err := readBody(r)
			if err != nil {
				return 0, nil, err
			}
			return h(r, who, body)
		}()
		if err != nil {
			writeError(w, err)
			return
		}
		write(w, status, answer)
	})
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	if ids, ok := strings.CutPrefix(r.URL.Path, "/api/v1/case/_merge/"); ok {
		r.URL.Path = "/api/v1/mergeCases/" + ids // two patterns would both match some paths
	}
	if len(s.failures) > 0 && !strings.HasSuffix(r.URL.Path, "/status/public") {
		f := s.failures[0]
		s.failures = s.failures[1:]
		writeError(w, &refusal{f.status, f.typ, f.message, nil})
		return
	}
	connector := strings.HasPrefix(r.URL.Path, "/api/v1/connector/")
	if _, pattern := s.mux.Handler(r); pattern == "" || connector && s.LegacyCortex {
		writeError(w, &refusal{404, "NotFoundError", r.URL.Path, nil})
		return
	}
	s.mux.ServeHTTP(w, r)
}

// authenticate finds the user by a key, or by login and password.
func (s *Server) authenticate(r *http.Request) (*caller, error) {
	var u *item
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		u = s.user(func(u *item) bool { return key != "" && u.secret["key"] == key })
	} else if login, password, ok := r.BasicAuth(); ok {
		u = s.user(func(u *item) bool {
			return u.obj["login"] == login && password != "" && u.secret["password"] == password
		})
	}
	if u == nil || u.obj["locked"] == true {
		return nil, errNobody
	}
	who := &caller{login: u.obj["login"].(string), org: fmt.Sprint(u.obj["defaultOrganisation"])}
	if org := r.Header.Get("X-Organisation"); org != "" {
		who.org = org
	}
	for _, m := range list(u.obj["organisations"]) {
		if m.(Object)["organisation"] == who.org {
			who.profile = fmt.Sprint(m.(Object)["profile"])
		}
	}
	if who.profile == "" {
		return nil, errForbidden
	}
	who.user = render(u)
	who.user["organisation"], who.user["profile"] = who.org, who.profile
	return who, nil
}

func (s *Server) user(is func(*item) bool) *item {
	for _, it := range s.items {
		if it.kind == "User" && is(it) {
			return it
		}
	}
	return nil
}

// readBody returns the JSON object of a request. Anything else is an empty one,
// so that each of its attributes is missing.
func readBody(r *http.Request) (Object, error) {
	body := Object{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		if err := r.ParseMultipartForm(32 << 20); err != nil {
			return nil, badRequest("the form can't be read")
		}
		return formBody(r.MultipartForm)
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return body, nil
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return nil, badRequest("the body can't be read")
	}
	if len(b) > 0 && json.Unmarshal(b, &body) != nil {
		return nil, badRequest("Invalid Json")
	}
	return body, nil
}

func writeError(w http.ResponseWriter, err error) {
	f, ok := err.(*refusal)
	if !ok {
		f = &refusal{500, "InternalError", err.Error(), nil}
	}
	o := Object{"type": f.typ, "message": f.message}
	if f.errors != nil {
		o["errors"] = f.errors
	}
	write(w, f.status, o)
}

func write(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	if content, ok := answer.([]byte); ok {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.WriteHeader(status)
		_, _ = w.Write(content) // the client is gone: nobody to tell
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client is gone: nobody to tell
}
