// Package wazuhtest is Wazuh 4 or 5 in memory, its server API and its indexer, for
// tests and for a lab.
//
// It keeps state, checks credentials and answers in Wazuh's own forms, its
// quirks included: a query parameter that isn't known is a 400, a failure can
// have status 200, numbers of agents have three digits, and in the indexer a
// keyword is matched whole or by a wildcard, never by one of its words.
//
//	s := wazuhtest.New(t)
//	s.SeedIncident()
//	c := s.Client()
package wazuhtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh"
)

// The credentials that a Server accepts.
const (
	User            = "wazuhtest-analyst"
	Password        = "wazuhtest-password"
	IndexerUser     = "wazuhtest-reader"
	IndexerPassword = "wazuhtest-indexer-password"
)

// The two halves of a Server, for [Server.FailNext].
const (
	ManagerAPI = "wazuh"
	IndexerAPI = "indexer"
)

// Object is a thing as Wazuh writes it.
type Object = map[string]any

// A Server is Wazuh in memory. The zero value isn't usable; make one with [New]
// or [NewServer]. It is safe for concurrent use.
type Server struct {
	// URL and IndexerURL are where the server listens. Only [New] sets them.
	URL, IndexerURL string

	tb testing.TB

	mu          sync.Mutex
	agents      []Object
	rules       []Object
	inventory   map[string][]Object // by "007/ports"
	decoders    []Object
	logs        []Object
	config      Object
	version     string
	states      []*alert // documents of other indices than the alerts'
	seeded      int      // how many of them were there from the beginning
	corpus      *corpus
	pits        map[string]bool
	noPIT       bool
	noFields    bool
	extraFields []string        // mapped, whether any document has them or not
	remotes     map[string]bool // clusters that the indexer knows, and whether it reaches them
	ownTypes    map[string]kind // how a template of one's own maps fields
	denied      map[string]bool // agents that the user may not see
	only        map[string]bool // agents beside which it may see nothing; nil: it may see all
	rate, asked int             // requests a minute, 0: as many as one likes; those of this minute
	minute      time.Time       // when it began
	alerts      []*alert
	next        int // of alerts' ids

	lifetime     time.Duration // of tokens
	tokens       map[string]time.Time
	signedBy     map[string]string // the node that gave a token
	revoked      map[string]bool
	logins       int
	wrong        int // failed logins
	failedShards int
	shardReason  string
	requests     []string
	faults       map[string][]Fault

	management
}

// A Fault is an answer that a Server gives in place of its own.
type Fault struct {
	Status int               // its status
	Header map[string]string // headers of the answer
	Body   string            // its body
}

// New starts a Server without alerts and stops it when the test ends.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := NewServer()
	s.tb = tb
	m, i := httptest.NewServer(s.Manager()), httptest.NewServer(s.Indexer())
	tb.Cleanup(m.Close)
	tb.Cleanup(i.Close)
	s.URL, s.IndexerURL = m.URL, i.URL
	return s
}

// NewServer returns a Server with agents, rules and inventories, and without alerts.
func NewServer() *Server {
	s := &Server{
		inventory: map[string][]Object{}, denied: map[string]bool{}, lifetime: 900 * time.Second,
		version: "4.14.7", pits: map[string]bool{}, tokens: map[string]time.Time{}, signedBy: map[string]string{}, revoked: map[string]bool{}, faults: map[string][]Fault{},
		management: newManagement(),
	}
	s.fleet()
	s.ruleset()
	s.inventories()
	s.surroundings()
	s.index5()
	s.seeded = len(s.states)
	s.inForce[""], _, _ = s.load(s.files)
	return s
}

// SetVersion makes the server another version of Wazuh, such as "4.13.1" or
// "5.0.0". One of 5 has fewer endpoints, and findings in place of alerts.
func (s *Server) SetVersion(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = version
	for _, a := range s.alerts {
		a.index = s.alertIndex(a.at)
	}
	for _, a := range s.states[:s.seeded] { // Wazuh 5 has the agent elsewhere
		outer, inner := a.source, a.source["wazuh"].(Object)
		if s.five() {
			outer, inner = inner, outer
		}
		if agent := inner["agent"]; agent != nil {
			outer["agent"] = agent
			delete(inner, "agent")
			a.flat = nil
		}
		if v, is := a.source["vulnerability"].(Object); is { // which has no reference there
			if a.reference == nil {
				a.reference = v["reference"]
			}
			if delete(v, "reference"); !s.five() {
				v["reference"] = a.reference
			}
		}
	}
}

// ForbidSnapshots takes from the indexer's user the permission to have states kept.
func (s *Server) ForbidSnapshots() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noPIT = true
}

// SetConfig replaces the manager's configuration file.
func (s *Server) SetConfig(config Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = clone(config)
}

// AddState stores a document in an index other than the alerts', such as
// wazuh-states-vulnerabilities-cluster.
func (s *Server) AddState(index, id string, source Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states = append(s.states, &alert{index: index, id: id, source: clone(source)})
}

// Manager returns the server API.
func (s *Server) Manager() http.Handler { return s.handler(ManagerAPI, s.manager) }

// Indexer returns the indexer.
func (s *Server) Indexer() http.Handler { return s.handler(IndexerAPI, s.index) }

// reply is an answer in the making.
type reply struct {
	status int
	kind   string // content type
	header map[string]string
	body   any // encoded as JSON unless it is a string
}

func (s *Server) handler(system string, serve func(r *http.Request, body []byte) *reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 10<<20))
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		said := system + " " + r.Method + " " + r.URL.RequestURI()
		s.mu.Lock()
		before, after := s.onRequest, s.onAnswer
		s.mu.Unlock()
		if before != nil {
			before(said)
		}
		if after != nil {
			defer after(said)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests = append(s.requests, said)
		var a *reply
		if list := s.faults[system]; len(list) > 0 {
			f := list[0]
			s.faults[system] = list[1:]
			a = &reply{status: f.Status, header: f.Header, body: f.Body}
		} else {
			a = serve(r, body)
		}
		a.write(w)
	})
}

func (a *reply) write(w http.ResponseWriter) {
	text, plain := a.body.(string)
	b := []byte(text)
	if !plain {
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if err := e.Encode(a.body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		b = bytes.TrimSpace(out.Bytes())
	}
	if a.kind == "" {
		a.kind = "text/plain; charset=utf-8"
		if json.Valid(b) {
			a.kind = "application/json; charset=utf-8"
		}
	}
	w.Header().Set("Content-Type", a.kind)
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	w.Write(b) //nolint:errcheck // the client has gone
}

// Config returns the configuration of a client for s. It needs a Server of [New].
func (s *Server) Config() wazuh.Config {
	return wazuh.Config{
		BaseURL: s.URL, Username: User, Password: Password,
		Indexer: wazuh.IndexerConfig{BaseURL: s.IndexerURL, Username: IndexerUser, Password: IndexerPassword},
	}
}

// Client returns a client for s. It needs a Server of [New].
func (s *Server) Client(change ...func(*wazuh.Config)) *wazuh.Client {
	s.tb.Helper()
	cfg := s.Config()
	for _, f := range change {
		f(&cfg)
	}
	c, err := wazuh.New(cfg)
	if err != nil {
		s.tb.Fatal(err)
	}
	return c
}

// Requests returns the requests since the last call, as "system METHOD uri";
// system is "wazuh" or "indexer".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

// Logins returns how many tokens were given out.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// FailNext makes the next request to system, [ManagerAPI] or [IndexerAPI], be
// answered by f. Several calls queue up. Logging in is a request too.
func (s *Server) FailNext(system string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[system] = append(s.faults[system], f)
}

// FailShards makes n shards fail in each search from now on, for reason, and
// the alerts of every other document be missing. 0 ends it.
func (s *Server) FailShards(n int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failedShards, s.shardReason = n, reason
}

// TokenLifetime sets for how long the tokens of future logins are good.
func (s *Server) TokenLifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// ExpireTokens ends all tokens given out, as time does.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// RevokeTokens ends all tokens given out, as a change of the security settings does.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := range s.tokens {
		s.revoked[t] = true
	}
}

// Deny takes from the user the permission to read these agents.
func (s *Server) Deny(agents ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range agents {
		s.denied[id] = true
	}
}

// RestrictTo gives the user a role for some agents alone: no other agent, rule,
// decoder, group or setting of the manager.
func (s *Server) RestrictTo(agents ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.only = map[string]bool{}
	for _, id := range agents {
		s.only[id] = true
	}
}

// LimitRequests lets the server API answer n requests in a minute, logins among
// them; 0 ends it.
func (s *Server) LimitRequests(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate, s.asked, s.minute = n, 0, time.Now()
}

// AddAgent stores an agent. Its id must be there.
func (s *Server) AddAgent(agent Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agents = append(s.agents, clone(agent))
}

// AddRule stores a rule. Its id must be there.
func (s *Server) AddRule(rule Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, clone(rule))
}

// SetInventory stores what an inventory scan of an agent found. kind is
// processes, ports, netiface, netaddr or netproto.
func (s *Server) SetInventory(agent, kind string, rows ...Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setInventory(agent, kind, rows...)
}

func (s *Server) setInventory(agent, kind string, rows ...Object) {
	list := make([]Object, len(rows))
	for i, r := range rows {
		list[i] = clone(r)
		list[i]["agent_id"] = agent
	}
	s.inventory[agent+"/"+kind] = list
}

// AddAlert stores an alert at time at and returns the id of its document, which
// is id unless that is empty. An own id and a manager are added if they are missing.
// The id is empty if the indexer doesn't take the alert.
func (s *Server) AddAlert(at time.Time, id string, source Object) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addAlert(at, id, source)
}

// Alert returns a copy of the document of an alert, or nil.
func (s *Server) Alert(id string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.alerts {
		if a.id == id {
			return clone(a.source)
		}
	}
	return nil
}

// clone copies o as JSON has it.
func clone(o Object) Object {
	b, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("wazuhtest: %v", err)) // a member that JSON has no form for
	}
	var c Object
	if err := json.Unmarshal(b, &c); err != nil {
		panic(fmt.Sprintf("wazuhtest: %v", err))
	}
	return c
}

// values returns what o holds at a dotted path, over lists too.
func values(o any, path string) []any {
	switch v := o.(type) {
	case nil:
		return nil
	case []any:
		var all []any
		for _, e := range v {
			all = append(all, values(e, path)...)
		}
		return all
	case map[string]any:
		if path == "" {
			return nil
		}
		head, rest, _ := strings.Cut(path, ".")
		all := values(v[head], rest)
		for k, e := range v { // a dot within a name is as good as one between names
			if strings.Contains(k, ".") && (path == k || strings.HasPrefix(path, k+".")) {
				all = append(all, values(e, strings.TrimPrefix(strings.TrimPrefix(path, k), "."))...)
			}
		}
		return all
	}
	if path != "" {
		return nil
	}
	return []any{o}
}

// leaves calls f with every path and value of o that isn't an object.
func leaves(o any, path string, f func(path string, v any)) {
	switch v := o.(type) {
	case map[string]any:
		for k, e := range v {
			p := k
			if path != "" {
				p = path + "." + k
			}
			leaves(e, p, f)
		}
	case []any:
		for _, e := range v {
			leaves(e, path, f)
		}
	default:
		f(path, v)
	}
}

// project keeps the members of o whose paths keep accepts; a path is kept with
// all that is below it.
func project(o Object, path string, keep func(path string) bool) Object {
	out := Object{}
	for k, v := range o {
		p := k
		if path != "" {
			p = path + "." + k
		}
		if keep(p) {
			out[k] = v
			continue
		}
		if inner, ok := v.(map[string]any); ok {
			if part := project(inner, p, keep); len(part) > 0 {
				out[k] = part
			}
		}
	}
	return out
}
