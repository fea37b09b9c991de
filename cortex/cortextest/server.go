// Package cortextest provides an in-memory Cortex, as net/http/httptest
// provides servers: it checks keys and roles, keeps jobs, takes its time, and
// answers in Cortex's own shapes with Cortex's own quirks.
//
// A list without a range has ten rows. A job starts as Waiting and ends after
// [Server.SetDelay]. A configuration is shown to administrators of the
// organisation, and in the input of a job whose analyzer crashed.
package cortextest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex"
)

// The keys that a [Server] takes, by what they may do.
const (
	Key           = "c2FsbHlwb3J0LWFuYWx5c3Qta2V5LTAx" // reads and analyzes
	ReadKey       = "c2FsbHlwb3J0LXJlYWRlci1rZXktMDAx" // reads
	AdminKey      = "c2FsbHlwb3J0LW9yZ2FkbWluLWtleS0x" // administers the organisation too
	SuperadminKey = "c2FsbHlwb3J0LXN1cGVyYWRtaW4ta2V5" // administers the server; has no analyzers
)

// Organisation is where the analyzers are enabled.
const Organisation = "soc"

// Secret stands in the configuration of every analyzer and responder. It must
// come out nowhere.
const Secret = "canary-5f0e7ab1c9d24c6e"

// A user as a key identifies it.
type user struct {
	id, name, organisation string
	roles                  []string
}

func (u user) has(role string) bool { return slices.Contains(u.roles, role) }

// A Server is a fake Cortex. Its methods are safe for concurrent use.
type Server struct {
	URL string // of a server made by New

	tb        testing.TB
	mux       *http.ServeMux
	mu        sync.Mutex
	delay     time.Duration
	workers   []*Worker
	jobs      []*job
	log       []string
	intercept func(http.ResponseWriter, *http.Request) bool
	race      bool

	definitions   []*Definition
	accounts      []*account
	organisations []*organisation
	files         map[string]*File
}

// NewServer returns a Server with the analyzers, the responders and the jobs of
// the incident, for use as an [http.Handler].
func NewServer() *Server {
	s := &Server{mux: http.NewServeMux(), files: map[string]*File{}}
	s.mux.HandleFunc("GET /api/status", s.status)
	s.route("GET /api/user/current", s.currentUser)
	s.route("GET /api/analyzer", func(w http.ResponseWriter, r *http.Request, u user) { s.listWorkers(w, r, u, "analyzer") }, "read")
	s.route("GET /api/responder", func(w http.ResponseWriter, r *http.Request, u user) { s.listWorkers(w, r, u, "responder") }, "read")
	s.route("POST /api/analyzer/{id}/run", func(w http.ResponseWriter, r *http.Request, u user) { s.run(w, r, u, "analyzer") }, "analyze")
	s.route("POST /api/responder/{id}/run", func(w http.ResponseWriter, r *http.Request, u user) { s.run(w, r, u, "responder") }, "analyze")
	for _, kind := range []string{"analyzer", "responder"} {
		s.route("GET /api/"+kind+"/{id}", s.getWorker(kind), "read")
		s.route("DELETE /api/"+kind+"/{id}", s.deleteWorker(kind), "orgadmin", "superadmin")
		s.route("GET /api/"+kind+"definition", s.listDefinitions(kind), "orgadmin", "superadmin")
		s.route("POST /api/organization/"+kind+"/{id}", s.enableDefinition(kind), "orgadmin")
	}
	s.route("GET /api/organization", s.listOrganisations, "superadmin")
	s.route("POST /api/organization", s.createOrganisation, "superadmin")
	s.route("GET /api/organization/{id}", s.getOrganisation, "superadmin", "orgadmin")
	s.route("PATCH /api/organization/{id}", s.updateOrganisation, "superadmin")
	s.route("GET /api/user", s.listUsers, "superadmin")
	s.route("POST /api/user", s.createUser, "superadmin", "orgadmin")
	s.route("GET /api/user/{id}", s.getUser, "superadmin", "read")
	s.route("GET /api/user/{id}/key", s.keyOf(func(*account) {}))
	s.route("POST /api/user/{id}/key/renew", s.keyOf(renew), "superadmin", "orgadmin")
	s.route("GET /api/datastore/{id}", s.download, "read")
	s.route("POST /api/job/_search", s.searchJobs, "read")
	s.route("GET /api/job/{id}", s.getJob, "read")
	s.route("DELETE /api/job/{id}", s.deleteJob, "analyze", "orgadmin")
	s.route("GET /api/job/{id}/report", s.report, "read")
	s.route("GET /api/job/{id}/waitreport", s.waitReport, "read")
	s.route("GET /api/job/{id}/artifacts", s.artifacts, "read")
	s.route("POST /api/job/status", s.statuses, "read")
	s.more()
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		message := r.Method + " " + r.URL.Path
		if r.Method == http.MethodGet {
			message = "Resource not found by Assets controller"
		}
		refuse(w, http.StatusNotFound, "NotFound", message)
	})
	s.seedAccounts()
	s.seed()
	return s
}

// New starts a Server on loopback and stops it when the test ends.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := NewServer()
	s.tb = tb
	h := httptest.NewServer(s)
	tb.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// Config returns what a client of s needs.
func (s *Server) Config() cortex.Config {
	return cortex.Config{BaseURL: s.URL, APIKey: Key, SuperadminKey: SuperadminKey}
}

// Client returns a client of s, whose configuration can be changed first.
func (s *Server) Client(change ...func(*cortex.Config)) *cortex.Client {
	s.tb.Helper()
	cfg := s.Config()
	for _, f := range change {
		f(&cfg)
	}
	c, err := cortex.New(cfg)
	if err != nil {
		s.tb.Fatal(err)
	}
	return c
}

// SetDelay sets how long a job takes that is submitted from now on. Without it
// a job has ended when it is first asked for.
func (s *Server) SetDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// SetWaitRace makes s as slow as Cortex is when a job ends while it begins to
// wait for it: it then waits as long as it was asked to at most.
func (s *Server) SetWaitRace(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.race = on
}

// Intercept lets f answer a request in the place of s; it returns whether it did.
func (s *Server) Intercept(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Requests returns the method, path and query of every request since it was
// last called.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.log
	s.log = nil
	return log
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.log = append(s.log, r.Method+" "+r.URL.RequestURI())
	intercept := s.intercept
	s.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	s.mux.ServeHTTP(w, r)
}

// route serves pattern to those who have one of roles, or to everyone with a key.
func (s *Server) route(pattern string, h func(http.ResponseWriter, *http.Request, user), roles ...string) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		u, why := s.authenticate(key)
		if why != "" {
			refuse(w, http.StatusUnauthorized, "AuthenticationError", why)
			return
		}
		if len(roles) > 0 && !slices.ContainsFunc(roles, u.has) {
			refuse(w, http.StatusForbidden, "AuthorizationError", "Insufficient rights to perform this action")
			return
		}
		h(w, r, u)
	})
}

type object = map[string]any

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever asked may be gone
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	answer(w, status, object{"type": kind, "message": message})
}

func notFound(w http.ResponseWriter, kind, id string) {
	refuse(w, http.StatusNotFound, "NotFoundError", kind+" "+id+" not found")
}

// rows answers with those of n rows that a range asks for.
func rows(w http.ResponseWriter, q string, n int, row func(i int) object) {
	from, to := span(q, n)
	list(w, from, to, n, n, row)
}

// span is what a range means: ten rows where it is none.
func span(q string, n int) (from, to int) {
	from, to = 0, 10
	if q == "all" {
		to = n
	} else if m := rangeForm.FindStringSubmatch(q); m != nil {
		from, _ = strconv.Atoi(m[1])
		if to, _ = strconv.Atoi(m[2]); to <= from {
			to = from + 10
		}
	}
	return from, to
}

// list answers with some of n rows, and with the total that Cortex tells.
func list(w http.ResponseWriter, from, to, n, total int, row func(i int) object) {
	w.Header().Set("X-Total", strconv.Itoa(total))
	page := []object{}
	for i := min(from, n); i < min(to, n); i++ {
		page = append(page, row(i))
	}
	answer(w, http.StatusOK, page)
}

var rangeForm = regexp.MustCompile(`^(\d{1,9})-(\d{1,9})$`)

// stored are the members that each entity of the database has.
func stored(kind, id string, parent any, created time.Time, by string) object {
	return object{
		"_id": id, "id": id, "_type": kind, "_routing": id, "_parent": parent, "_seqNo": 1, "_primaryTerm": 1,
		"createdAt": created.UnixMilli(), "createdBy": by,
	}
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, object{
		"versions": object{"Cortex": "4.1.0-1", "Elastic4Play": "1.13.6", "Play": "2.9.5", "Elastic4s": "8.15.4", "ElasticSearch client": "8.15.1"},
		"config": object{
			"protectDownloadsWith": "malware", "authType": []string{"key", "local"},
			"capabilities": []string{"authByKey", "changePassword", "setPassword"}, "ssoAutoLogin": false,
		},
	})
}

func (s *Server) currentUser(w http.ResponseWriter, _ *http.Request, u user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(u.id).json()
	a["preferences"], a["updatedAt"], a["updatedBy"] = "{}", seeded.UnixMilli(), u.id
	answer(w, http.StatusOK, a)
}

func (s *Server) listWorkers(w http.ResponseWriter, r *http.Request, u user, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*Worker
	for _, k := range s.workers {
		if k.kind == kind && u.organisation == Organisation {
			list = append(list, k)
		}
	}
	rows(w, r.URL.Query().Get("range"), len(list), func(i int) object { return list[i].json(u) })
}

// fields returns the members of a request's query and body: Cortex mixes them.
func fields(r *http.Request) (map[string]json.RawMessage, error) {
	m := map[string]json.RawMessage{}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	for name := range q {
		b, _ := json.Marshal(q.Get(name)) // a string always encodes
		m[name] = b
	}
	return m, err
}

// body returns the fields of a request, or answers that they can't be read.
func body(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, bool) {
	in, err := fields(r)
	if err != nil {
		notJSON(w, err)
	}
	return in, err == nil
}

func notJSON(w http.ResponseWriter, err error) {
	refuse(w, http.StatusBadRequest, "BadRequest", "Invalid Json: "+err.Error())
}

func text(v json.RawMessage) (s string) {
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return s
}

// number reads a whole number; a text is none, and what stands behind a point is cut.
func number(v json.RawMessage, otherwise int) int {
	var n *float64
	if json.Unmarshal(v, &n) != nil || n == nil {
		return otherwise
	}
	return int(*n)
}

// What Play takes in a request unless Cortex is configured otherwise: that much
// of JSON, and of a form with a file.
const (
	maxJSON = 100 << 10
	maxForm = 10 << 20
)

func (s *Server) run(w http.ResponseWriter, r *http.Request, u user, kind string) {
	in, file, err := form(w, r)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, "Unknown", "Request Entity Too Large")
		return
	case errors.Is(err, errUnderscore):
		refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	case errors.Is(err, errJSONPart):
		refuse(w, http.StatusInternalServerError, "com.fasterxml.jackson.core.JsonParseException", err.Error())
		return
	case err != nil:
		notJSON(w, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.worker(r.PathValue("id"), kind, u)
	if k == nil {
		notFound(w, "worker", r.PathValue("id"))
		return
	}
	var missing []object
	attribute := func(name string) {
		missing = append(missing, object{"name": name, "type": "MissingAttributeError", "message": "Attribute " + name + " is missing"})
	}
	if !isString(in["dataType"]) {
		attribute("dataType")
	}
	if file == nil && (len(in["data"]) == 0 || kind == "analyzer" && !isString(in["data"])) {
		attribute("data/attachment")
	}
	for _, name := range []string{"tlp", "pap"} {
		if n := number(in[name], 2); n < 0 || n > 3 {
			missing = append(missing, object{
				"name": name, "format": "number", "type": "InvalidFormatAttributeError",
				"message": fmt.Sprintf("Invalid format for %s: JsonInputValue(%s), expected number", name, in[name]),
			})
		}
	}
	if len(missing) > 0 {
		answer(w, http.StatusBadRequest, object{"tableName": "job", "type": "AttributeCheckingError", "errors": missing})
		return
	}
	j := &job{
		worker: k, dataType: text(in["dataType"]), data: in["data"], tlp: number(in["tlp"], 2), pap: number(in["pap"], 2),
		message: text(in["message"]), label: text(in["label"]), parameters: in["parameters"], by: u.id,
		created: time.Now(), delay: s.delay, file: file,
	}
	if k.Delay > 0 {
		j.delay = k.Delay
	}
	if k.Answer != nil { // a report that isn't an object is never read
		_, j.dead = k.Answer(j.dataType, j.text()).Full.([]any)
	}
	if file != nil {
		s.files[file.id()] = file
	}
	if !strings.HasPrefix(string(j.parameters), "{") { // what is no object is none
		j.parameters = json.RawMessage("{}")
	}
	if !slices.Contains([]string{`"1"`, `"true"`, "1", "true"}, string(in["force"])) {
		if old := s.cached(j); old != nil {
			v := old.json()
			v["fromCache"] = true
			answer(w, http.StatusOK, v)
			return
		}
	}
	if k.Rate > 0 && s.recent(k) >= k.Rate {
		refuse(w, http.StatusTooManyRequests, "RateLimitExceeded",
			fmt.Sprintf("Rate limit of %d per %s reached for the analyzer %s. Job cannot be started", k.Rate, k.RateUnit, k.Name))
		return
	}
	s.add(j)
	v := j.json()
	v["status"] = "Waiting" // it has just been created
	for _, name := range []string{"errorMessage", "input", "startDate", "endDate", "updatedAt", "updatedBy"} {
		delete(v, name)
	}
	answer(w, http.StatusOK, v)
}

func (s *Server) add(j *job) {
	s.jobs = append(s.jobs, j)
	j.id = fmt.Sprintf("AZsallyport%09d", len(s.jobs))
}

// cached returns the earlier job that Cortex gives again, if there is one: not
// one that waits, failed or was deleted.
func (s *Server) cached(j *job) *job {
	for _, old := range slices.Backward(s.jobs) {
		age := 10 * time.Minute
		if old.worker.JobCache != nil {
			age = time.Duration(*old.worker.JobCache) * time.Minute
		}
		if old.worker == j.worker && old.dataType == j.dataType && old.tlp == j.tlp && string(old.data) == string(j.data) && old.hash() == j.hash() &&
			string(old.parameters) == string(j.parameters) && time.Since(old.created) < age && slices.Contains([]string{"InProgress", "Success"}, old.status()) {
			return old
		}
	}
	return nil
}

// recent counts the jobs of k in its rate window.
func (s *Server) recent(k *Worker) (n int) {
	window := map[string]time.Duration{"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour, "Day": 24 * time.Hour}[k.RateUnit]
	for _, j := range s.jobs {
		if j.worker == k && time.Since(j.created) < window {
			n++
		}
	}
	return n
}

// find returns the job that a request names, or answers that there is none.
func (s *Server) find(w http.ResponseWriter, r *http.Request, u user) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.job(r.PathValue("id"), u)
	if j == nil {
		notFound(w, "job", r.PathValue("id"))
	}
	return j
}

// job returns the job of this id. The caller holds the lock.
func (s *Server) job(id string, u user) *job {
	i := slices.IndexFunc(s.jobs, func(j *job) bool { return j.id == id })
	if i < 0 || u.organisation != Organisation {
		return nil
	}
	return s.jobs[i]
}

func (s *Server) getJob(w http.ResponseWriter, r *http.Request, u user) {
	if j := s.find(w, r, u); j != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		answer(w, http.StatusOK, j.json())
	}
}

func (s *Server) deleteJob(w http.ResponseWriter, r *http.Request, u user) {
	if j := s.find(w, r, u); j != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		j.deleted = time.Now()
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) report(w http.ResponseWriter, r *http.Request, u user) {
	if j := s.find(w, r, u); j != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		answer(w, http.StatusOK, j.withReport())
	}
}

var durationForm = regexp.MustCompile(`^(\d{1,9}) ?(second|seconds|s|minute|minutes|m|milli|millis|milliseconds|ms)$`)

func (s *Server) waitReport(w http.ResponseWriter, r *http.Request, u user) {
	j := s.find(w, r, u)
	if j == nil {
		return
	}
	atMost := r.URL.Query().Get("atMost")
	if atMost == "" {
		atMost = "1minute"
	}
	m := durationForm.FindStringSubmatch(atMost)
	s.mu.Lock()
	ended := j.ended()
	s.mu.Unlock()
	switch {
	case ended: // then atMost isn't looked at
		m = durationForm.FindStringSubmatch("0second")
	case m == nil:
		refuse(w, http.StatusBadRequest, "NumberFormatException", "Invalid format format error "+atMost)
		return
	}
	n, _ := strconv.Atoi(m[1]) // the pattern lets only numbers through
	unit := time.Second
	switch {
	case strings.HasPrefix(m[2], "mil") || m[2] == "ms":
		unit = time.Millisecond
	case m[2][0] == 'm':
		unit = time.Minute
	}
	left := min(time.Until(j.created.Add(j.delay)), time.Duration(n)*unit)
	if j.dead {
		left = time.Duration(n) * unit
	}
	s.mu.Lock()
	if s.race && left > 0 {
		left = time.Duration(n) * unit
	}
	s.mu.Unlock()
	if left > 0 {
		t := time.NewTimer(left)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, j.withReport())
}

func (s *Server) artifacts(w http.ResponseWriter, r *http.Request, u user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.job(r.PathValue("id"), u)
	if j == nil { // an unknown job has none
		rows(w, "", 0, nil)
		return
	}
	var found []Artifact
	if j.ended() && j.answer().Error == "" { // also of a deleted job
		found = j.answer().Artifacts
	}
	for _, a := range found {
		if a.File != nil {
			s.files[a.File.id()] = a.File
		}
	}
	rows(w, r.URL.Query().Get("range"), len(found), func(i int) object {
		row := stored("artifact", fmt.Sprintf("%s-%d", j.id, i), j.id, j.created, j.by)
		maps.Copy(row, found[i].json())
		return row
	})
}

func (s *Server) statuses(w http.ResponseWriter, r *http.Request, u user) {
	var in struct {
		JobIDs []string `json:"jobIds"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		notJSON(w, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := object{}
	for _, id := range in.JobIDs {
		out[id] = "NotFound"
		for _, j := range s.jobs {
			if j.id == id && u.organisation == Organisation {
				out[id] = j.status()
			}
		}
	}
	answer(w, http.StatusOK, out)
}

// A Submission is an observable, or an entity, as the server got it.
type Submission struct {
	JobID      string // the job it became
	Worker     string // what was started
	DataType   string // the type of the observable
	Data       string // of an entity, its JSON
	File       *File  // instead of Data
	TLP, PAP   int    // how far it may be passed on
	Message    string // what is said of it
	Label      string // the label it came with
	Parameters string // JSON
}

// Submissions returns what was submitted since the server was seeded.
func (s *Server) Submissions() []Submission {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Submission
	for _, j := range s.jobs {
		if !j.seeded {
			all = append(all, Submission{j.id, j.worker.Name, j.dataType, j.text(), j.file, j.tlp, j.pap, j.message, j.label, string(j.parameters)})
		}
	}
	return all
}

// A Job is a job to be added to a [Server] as if it had been submitted earlier.
type Job struct {
	Analyzer       string        // its name
	DataType, Data string        // the type of the observable
	Created        time.Time     // when it was made
	Delay          time.Duration // how long it takes, from Created
	Dead           bool          // it stays InProgress for ever, as after a restart of Cortex
}

// AddJobs adds jobs and returns their ids.
func (s *Server) AddJobs(jobs ...Job) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, len(jobs))
	for i, x := range jobs {
		at := slices.IndexFunc(s.workers, func(k *Worker) bool { return k.Name == x.Analyzer })
		data, _ := json.Marshal(x.Data) // a string always encodes
		j := &job{
			worker: s.workers[at], dataType: x.DataType, data: data, tlp: 2, pap: 2, parameters: json.RawMessage("{}"),
			by: "analyst@soc.example", created: x.Created, delay: x.Delay, dead: x.Dead, seeded: true,
		}
		s.add(j)
		ids[i] = j.id
	}
	return ids
}

// isString reports whether a member was given and is a text.
func isString(b json.RawMessage) bool { return strings.HasPrefix(string(b), `"`) }
