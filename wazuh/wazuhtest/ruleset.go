package wazuhtest

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// staleRules is for how long the server API goes on listing the rules of the files
// that it saw last. The files themselves it reads each time.
const staleRules = 10 * time.Second

// management is the part of a manager that can be written: its own rule files, what
// analysisd made of them when it loaded them last, and logtest, which loads them anew
// for each session.
type management struct {
	files    map[string]string // of etc/rules, by name
	listed   map[string]string // as GET /rules knows them
	listedAt time.Time
	inForce  map[string][]ownRule // by node; "": of a manager without a cluster
	sessions map[string][]ownRule
	bases    map[string]int // the rule of the ruleset behind an event, by its text
	nodes    []string       // of a cluster; nil: there is none
	unsynced int            // how often a worker still says that it lacks the files
	shared   bool           // whether the nodes share the address
	sticky   bool           // whether each connection stays with a node
	turns    int            // of the nodes
	answers  string         // the node that answers
	lead     map[string]int // the node to which a connection leads

	onRequest   func(string)
	onAnswer    func(string)
	forbidden   map[string]bool
	noLogtest   bool
	reloadCause string
	validation  string
	restartDies bool
	starting    int // answers that a restart still takes
	dead        bool
	stopped     map[string]bool // nodes on which analysisd doesn't run

	conf    map[string]bool     // commands of ar.conf
	scripts map[string]string   // what scripts of the agents do, by !name: block, allow, nothing
	blocked map[string][]string // addresses, by agent
	refuses map[string]int      // code by agent
	delay   time.Duration       // until the agents' logs are indexed
	mute    bool                // whether they never are
	late    []lateAlert
}

func newManagement() management {
	return management{
		files:     map[string]string{"local_rules.xml": localRules},
		inForce:   map[string][]ownRule{},
		stopped:   map[string]bool{},
		sessions:  map[string][]ownRule{},
		bases:     map[string]int{},
		forbidden: map[string]bool{},
		conf:      map[string]bool{"restart-wazuh0": true, "firewall-drop180": true, "host-deny600": true, "disable-account300": true},
		scripts:   map[string]string{"!firewall-drop": "block", "!firewall-allow": "allow"},
		blocked:   map[string][]string{},
		refuses:   map[string]int{},
	}
}

const localRules = `<!-- Rules of our own -->
<group name="local,sshd,">
  <rule id="100001" level="5">
    <if_sid>5760</if_sid>
    <srcip>192.0.2.1</srcip>
    <description>sshd: authentication failed from an address that we watch</description>
  </rule>
</group>
`

// SetRuleFile lays a file into etc/rules, as somebody on the host does: nothing looks at it.
func (s *Server) SetRuleFile(name, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = text
}

// LoadRules has analysisd load what is on disk, as when somebody on the host restarts it.
func (s *Server) LoadRules() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comeBack()
}

// RuleFile returns a file of etc/rules, and whether it is there.
func (s *Server) RuleFile(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, there := s.files[name]
	return text, there
}

// RulesInForce returns the numbers of those rules of etc/rules that analysisd loaded
// last, in a cluster on its master, or on the node that is named.
func (s *Server) RulesInForce(node ...string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	on := s.master()
	if len(node) > 0 {
		on = node[0]
	}
	list := []int{}
	for _, r := range s.inForce[on] {
		list = append(list, r.id)
	}
	slices.Sort(list)
	return list
}

// Forbid takes permissions from the user, such as rules:update or rules:delete.
func (s *Server) Forbid(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range actions {
		s.forbidden[a] = true
	}
}

// master is the node that the server API runs on; "" where there is no cluster.
func (s *Server) master() string {
	if len(s.nodes) == 0 {
		return ""
	}
	return s.nodes[0]
}

// OnRequest has f called with each request, as [Server.Requests] has them, before
// anything comes of it. If f panics with [http.ErrAbortHandler] the connection is cut.
func (s *Server) OnRequest(f func(request string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRequest = f
}

// OnAnswer has f called with each request that was carried out, before the answer
// has left whole. If f panics with [http.ErrAbortHandler] the answer is lost.
func (s *Server) OnAnswer(f func(request string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onAnswer = f
}

// StopNode takes analysisd of a node of the cluster down, or lets it run again.
func (s *Server) StopNode(node string, stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped[node] = stopped
}

// StopLogtest takes the socket of logtest away, or gives it back.
func (s *Server) StopLogtest(stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noLogtest = stopped
}

// RefuseReload makes analysisd refuse to load the rules, for cause; "" ends it.
func (s *Server) RefuseReload(cause string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reloadCause = cause
}

// RefuseValidation makes the validation of the configuration fail, for cause; "" ends it.
func (s *Server) RefuseValidation(cause string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.validation = cause
}

// SlowRestart makes a restart take so many answers; dies says that analysisd doesn't
// come back from it until the next one.
func (s *Server) SlowRestart(answers int, dies bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starting, s.restartDies = answers, dies
}

// SetCluster makes the server a cluster of these nodes, the first one the master.
// The workers get its files only after they were asked for so many times.
func (s *Server) SetCluster(unsynced int, nodes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes, s.unsynced = nodes, unsynced
	for _, n := range nodes {
		s.inForce[n], _, _ = s.load(s.files)
	}
}

// ShareAddress puts the nodes of the cluster behind the one address, as what balances
// loads does: each request goes to the next of them or, if connections stay, each
// connection. Before Wazuh 5 a node refuses the tokens of the others; logs and
// configuration are those of the node that answers.
func (s *Server) ShareAddress(connectionsStay bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared, s.sticky, s.lead = true, connectionsStay, map[string]int{}
}

// led is the node that answers a request.
func (s *Server) led(connection string) string {
	if !s.shared {
		return s.master()
	}
	turn, known := s.lead[connection]
	if !known || !s.sticky {
		turn = s.turns
		s.turns++
		s.lead[connection] = turn
	}
	return s.nodes[turn%len(s.nodes)]
}

// Raise has an event happen that a rule of the ruleset matches, through the rules of
// etc/rules that are in force. It returns the id of the alert's document, or nothing when no
// alert comes of it: one below level 3 isn't kept. more is merged into the document.
func (s *Server) Raise(at time.Time, rule int, agent string, more Object) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &seeder{s: s, now: at.UTC(), fired: map[int]int{}}
	own := judge(s.inForce[s.master()], rule, clone(more))
	if text, ok := more["full_log"].(string); ok {
		s.bases[text] = rule
	}
	if own != nil && own.level < 3 {
		return ""
	}
	d.alert(at, fmt.Sprintf("raised%d", s.next+1), rule, agent, more)
	a := s.alerts[len(s.alerts)-1]
	if own != nil {
		a.source["rule"] = clone(Object{"id": fmt.Sprint(own.id), "level": own.level, "description": own.description, "groups": own.groups, "firedtimes": 1, "mail": false})
		a.flat = nil
	}
	return a.id
}

// SeedNoise stores n alerts of the days before now, of a scanner of one's own that tries
// users that don't exist on a host, and as many as kept of others on it.
func (s *Server) SeedNoise(now time.Time, n, kept, days int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &seeder{s: s, now: now.UTC(), fired: map[int]int{}}
	put := func(i, of int, from, user string) {
		at := now.UTC().Add(-time.Duration(i+1) * time.Duration(days) * 24 * time.Hour / time.Duration(of+1))
		o := sshd(at, "web-01", fmt.Sprintf("Invalid user %s from %s port %d", user, from, 40000+i), Object{"srcip": from, "srcport": fmt.Sprint(40000 + i), "srcuser": user})
		d.alert(at, fmt.Sprintf("noise%s%d", strings.ReplaceAll(from, ".", ""), i), 5710, "001", o)
	}
	for i := range n {
		put(i, n, NoiseIP, "nessus")
	}
	for i := range kept {
		put(i, kept, "198.51.100.77", []string{"admin", "oracle", "test"}[i%3])
	}
}

// NoiseIP is the scanner of [Server.SeedNoise].
const NoiseIP = "10.20.0.50"

// An ownRule is a rule of etc/rules as analysisd loads it.
type ownRule struct {
	id, level   int
	file        string
	parents     []int
	when        []func(doc Object) bool
	description string
	groups      []string
	details     Object
}

// judge returns the rule of list that an event ends at which matched base, or nil. Of the
// children of a rule those of level 0 come first, then the others from the highest level on.
func judge(list []ownRule, base int, doc Object) *ownRule {
	var at *ownRule
	for id, again := base, true; again; {
		again = false
		for i, r := range list {
			if slices.Contains(r.parents, id) && !slices.ContainsFunc(r.when, func(holds func(Object) bool) bool { return !holds(doc) }) {
				at, id, again = &list[i], r.id, true
				break
			}
		}
	}
	return at
}

type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Elements []element  `xml:",any"`
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// parseRules reads a file as the server API does, which takes several roots and text
// beside them.
func parseRules(text string) ([]element, error) {
	var root element
	d := xml.NewDecoder(strings.NewReader("<root>" + text + "</root>"))
	if err := d.Decode(&root); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows")
	}
	return root.Elements, nil
}

// Where the options of a rule stand in an alert.
var optionFields = map[string][]string{
	"user": {"data.dstuser", "data.srcuser"}, "hostname": {"predecoder.hostname"}, "program_name": {"predecoder.program_name"}, "location": {"location"},
	"url": {"data.url"}, "id": {"data.id"}, "action": {"data.action"}, "status": {"data.status"}, "protocol": {"data.protocol"},
	"srcport": {"data.srcport"}, "dstport": {"data.dstport"}, "match": {"full_log"}, "regex": {"full_log"},
}

var staticFields = strings.Fields("user srcuser dstuser srcip dstip srcport dstport protocol id url action status data extra_data system_name")

// load makes rules of the files of etc/rules as analysisd does, and says what it logs about
// them. ok says that it could load them at all: one element that it doesn't know and it can't.
func (s *Server) load(files map[string]string) (list []ownRule, messages []string, ok bool) {
	known := map[int]bool{}
	for _, r := range s.rules {
		n, _ := strconv.Atoi(fmt.Sprint(r["id"]))
		known[n] = true
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		roots, err := parseRules(files[name])
		if err != nil {
			return nil, []string{"ERROR: (1226): Error reading XML file 'etc/rules/" + name + "': " + err.Error() + ".", "ERROR: (1220): Error loading the rules: 'etc/rules/" + name + "'."}, false
		}
		for _, group := range roots {
			if group.XMLName.Local != "group" {
				continue
			}
			for _, e := range group.Elements {
				r, cause := readRule(e, name, group.attr("name"))
				if cause != "" {
					return nil, []string{cause, "ERROR: (1220): Error loading the rules: 'etc/rules/" + name + "'."}, false
				}
				if r.id == 0 {
					continue
				}
				if known[r.id] && e.attr("overwrite") != "yes" {
					messages = append(messages, fmt.Sprintf("WARNING: (7612): Rule ID '%d' is duplicated. Only the first occurrence will be considered.", r.id))
					continue
				}
				parents := r.parents[:0:0]
				for _, p := range r.parents {
					if known[p] {
						parents = append(parents, p)
						continue
					}
					messages = append(messages, fmt.Sprintf("WARNING: (7617): Signature ID '%d' was not found and will be ignored in the 'if_sid' option of rule '%d'.", p, r.id))
				}
				r.parents = parents
				if known[r.id] = true; len(parents) > 0 {
					list = append(list, *r)
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b ownRule) int {
		order := func(r ownRule) int {
			if r.level == 0 {
				return -100
			}
			return -r.level
		}
		return order(a) - order(b)
	})
	return list, messages, true
}

func readRule(e element, file, groups string) (*ownRule, string) {
	r := &ownRule{file: file, details: Object{}}
	r.id, _ = strconv.Atoi(e.attr("id"))
	r.level, _ = strconv.Atoi(e.attr("level"))
	for _, o := range e.Elements {
		name, text := o.XMLName.Local, strings.TrimSpace(o.Text)
		switch {
		case name == "description":
			r.description = text
			continue
		case name == "group":
			groups += "," + text
			continue
		case name == "options", name == "mitre", name == "info":
			continue
		case name == "if_sid":
			for p := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || c == ' ' }) {
				n, _ := strconv.Atoi(p)
				r.parents = append(r.parents, n)
			}
		case name == "srcip" || name == "dstip":
			net, err := netip.ParsePrefix(text)
			if a, aerr := netip.ParseAddr(text); aerr == nil {
				net, err = netip.PrefixFrom(a, a.BitLen()), nil
			}
			if err != nil {
				return nil, "ERROR: (1238): Invalid IP address: '" + text + "'."
			}
			r.when = append(r.when, func(doc Object) bool {
				a, err := netip.ParseAddr(fmt.Sprint(first(doc, "data."+name)))
				return err == nil && net.Contains(a.Unmap())
			})
		case name == "field" && slices.Contains(staticFields, o.attr("name")):
			return nil, "ERROR: Failure to read rule " + e.attr("id") + ". Field '" + o.attr("name") + "' is static."
		case name == "field" || optionFields[name] != nil:
			paths := optionFields[name]
			if name == "field" {
				paths = []string{"data." + o.attr("name")}
			}
			pattern := bytewise(text)
			if o.attr("type") != "pcre2" {
				pattern = regexp.QuoteMeta(pattern)
			}
			re, err := regexp.Compile(pattern)
			if err != nil {
				return nil, "ERROR: (1452): Syntax error on regex: '" + text + "'."
			}
			r.when = append(r.when, func(doc Object) bool {
				for _, p := range paths {
					if v := first(doc, p); v != nil {
						return re.MatchString(bytewise(fmt.Sprint(v))) != (o.attr("negate") == "yes")
					}
				}
				return false
			})
		default:
			return nil, "ERROR: (1230): Invalid element in the configuration: '" + name + "'."
		}
		r.details[name] = text
	}
	for g := range strings.SplitSeq(groups, ",") {
		if g = strings.TrimSpace(g); g != "" {
			r.groups = append(r.groups, g)
		}
	}
	return r, ""
}

// bytewise makes a character of each byte, since that is what analysisd matches.
func bytewise(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

// ownRules are the rules of etc/rules as GET /rules lists them, which may be old.
func (s *Server) ownRules() (list []Object) {
	if s.listed == nil || time.Since(s.listedAt) >= staleRules {
		s.listed, s.listedAt = maps.Clone(s.files), time.Now()
	}
	for _, name := range slices.Sorted(maps.Keys(s.listed)) {
		roots, err := parseRules(s.listed[name])
		if err != nil {
			continue
		}
		for _, group := range roots {
			for _, e := range group.Elements {
				r, cause := readRule(e, name, group.attr("name"))
				if cause != "" || r.id == 0 {
					continue
				}
				list = append(list, clone(Object{"id": r.id, "level": r.level, "description": r.description, "filename": name, "relative_dirname": "etc/rules", "status": "enabled",
					"groups": r.groups, "details": r.details, "mitre": []string{}, "pci_dss": []string{}, "gpg13": []string{}, "gdpr": []string{}, "hipaa": []string{}, "nist_800_53": []string{}, "tsc": []string{}}))
			}
		}
	}
	return list
}

// manages serves the endpoints that change a manager or check what would; nil: it
// isn't one of them.
func (s *Server) manages(r *http.Request, body []byte) *reply {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	_, isFile := strings.CutPrefix(path, "rules/files/")
	managed := []string{"logtest", "manager/configuration/validation", "manager/analysisd/reload", "manager/restart", "manager/status", "cluster/status",
		"cluster/nodes", "cluster/configuration/validation", "cluster/analysisd/reload", "cluster/restart", "cluster/ruleset/synchronization", "active-response"}
	isSession := strings.HasPrefix(path, "logtest/sessions/")
	isNode := strings.HasPrefix(path, "cluster/") && strings.HasSuffix(path, "/status") && strings.Count(path, "/") == 2
	if !isFile && !isSession && !isNode && !slices.Contains(managed, path) {
		if s.starting > 0 || s.dead && s.starting == 0 && s.restartDies {
			return s.notReady()
		}
		return nil
	}
	if s.five() && path != "cluster/restart" && path != "cluster/configuration/validation" {
		return problem(http.StatusNotFound, "Not Found", "404: Not Found")
	}
	if (strings.HasSuffix(path, "analysisd/reload")) && s.minor() < 14 {
		return problem(http.StatusNotFound, "Not Found", "404: Not Found")
	}
	if s.starting > 0 {
		return s.notReady()
	}
	name, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return problem(http.StatusNotFound, "Not Found", "404: Not Found")
	}
	q := r.URL.Query()
	is := func(method string) bool { return r.Method == method }
	switch {
	case isFile && is(http.MethodGet):
		return s.readRuleFile(name, q)
	case isFile && is(http.MethodPut):
		return s.putRuleFile(name, q, r.Header.Get("Content-Type"), string(body))
	case isFile && is(http.MethodDelete):
		return s.deleteRuleFile(name)
	case path == "logtest" && is(http.MethodPut):
		return s.logtest(body)
	case isSession && is(http.MethodDelete):
		return s.endSession(name)
	case path == "manager/configuration/validation" && is(http.MethodGet):
		return s.validates([]string{"manager"})
	case path == "manager/analysisd/reload" && is(http.MethodPut):
		return s.reloads([]string{"manager"})
	case path == "manager/restart" && is(http.MethodPut):
		return s.restarts([]string{"manager"})
	case path == "manager/status" && is(http.MethodGet):
		return s.daemons(s.master())
	case isNode && is(http.MethodGet):
		return s.daemons(strings.Split(path, "/")[1])
	case path == "cluster/status" && is(http.MethodGet):
		on := map[bool]string{true: "yes", false: "no"}[s.nodes != nil]
		return &reply{status: http.StatusOK, body: Object{"data": Object{"enabled": on, "running": on}, "error": 0}}
	case path == "active-response" && is(http.MethodPut):
		return s.respond(q, body)
	case strings.HasPrefix(path, "cluster/"):
		return s.cluster(r.Method, path, q)
	}
	return problem(http.StatusMethodNotAllowed, "Method Not Allowed", "405: Method Not Allowed")
}

func (s *Server) notReady() *reply {
	if s.starting > 0 {
		if s.starting--; s.starting == 0 {
			s.comeBack()
		}
	}
	return coded(http.StatusInternalServerError, "Wazuh Internal Error", 1017, "Some Wazuh daemons are not ready yet in node "+NodeName+" (wazuh-analysisd->stopped)", "")
}

// comeBack loads the rules that are on disk, as a start does; with broken ones analysisd
// stays away.
func (s *Server) comeBack(nodes ...string) {
	list, _, ok := s.load(s.files)
	if s.dead = !ok || s.restartDies; s.dead {
		return
	}
	if nodes == nil {
		nodes = append([]string{""}, s.nodes...)
	}
	for _, n := range nodes {
		s.inForce[s.named(n)] = list
	}
}

func refusedAs(code int, message, id, none string) *reply {
	f := failures{}
	f.add(code, message, "Look into the documentation of Wazuh", id)
	return rows(nil, url.Values{}, map[string]bool{"": true}, "", f, "", none)
}

func done(message string, items ...any) *reply {
	return &reply{status: http.StatusOK, body: Object{"data": Object{"affected_items": items, "total_affected_items": len(items), "total_failed_items": 0, "failed_items": []any{}}, "message": message, "error": 0}}
}

var ruleFileName = regexp.MustCompile(`^[\p{L}\p{N}_\-.]+\.xml$`)

func (s *Server) mayNot(action string) *reply {
	if !s.forbidden[action] {
		return nil
	}
	return coded(http.StatusForbidden, "Permission Denied", 4000, "Permission denied: Resource type: *:*", "Ask for a role that may do it")
}

func (s *Server) readRuleFile(name string, q url.Values) *reply {
	if !ruleFileName.MatchString(name) {
		return problem(http.StatusBadRequest, "Bad Request", fmt.Sprintf("%q is not a 'xml_filename_path'", name))
	}
	if a := s.mayNot("rules:read"); a != nil {
		return a
	}
	text, there := s.files[name]
	if !there {
		return refusedAs(1415, "Rules file not found: "+name, name, "No rule was returned")
	}
	if q.Get("raw") == "true" {
		return &reply{status: http.StatusOK, kind: "application/xml; charset=utf-8", body: text}
	}
	if _, err := parseRules(text); err != nil {
		return refusedAs(1413, "Error reading rules file: "+name+": "+err.Error(), name, "No rule was returned")
	}
	return done("Selected rule was returned", Object{})
}

// formula is how the API changes a text that a spreadsheet would take for one.
var formula = regexp.MustCompile(`>([=+\-@][^<]*"[^<]*)<`)

func (s *Server) putRuleFile(name string, q url.Values, kind, text string) *reply {
	id := "etc/rules/" + name
	overwrite := q.Get("overwrite") == "true"
	old, there := s.files[name]
	internal := coded(http.StatusInternalServerError, "Wazuh Internal Error", 1000, "Wazuh Internal Error", "Look into the logs")
	switch {
	case !ruleFileName.MatchString(name):
		return problem(http.StatusBadRequest, "Bad Request", fmt.Sprintf("%q is not a 'xml_filename_path'", name))
	case kind != "" && !strings.HasPrefix(kind, "application/octet-stream"):
		return problem(http.StatusUnsupportedMediaType, "Unsupported Media Type", "Invalid Content-type ("+kind+"), expected ['application/octet-stream']")
	case s.mayNot("rules:update") != nil:
		return s.mayNot("rules:update")
	case text == "":
		return coded(http.StatusBadRequest, "Bad Request", 1912, "Body is empty", "Check the file")
	case q.Get("relative_dirname") == "ruleset/rules":
		return refusedAs(1210, "Uploading, updating or deleting default rules is not allowed.", "ruleset/rules/"+name, "Could not upload rule")
	case strings.HasPrefix(strings.TrimSpace(text), "<?xml"):
		return refusedAs(1113, "XML syntax error", id, "Could not upload rule")
	}
	if _, err := parseRules(text); err != nil {
		if strings.Contains(err.Error(), "comments") || strings.Contains(err.Error(), "entity") {
			return internal // XML that Wazuh itself would take
		}
		return refusedAs(1113, "XML syntax error", id, "Could not upload rule")
	}
	switch {
	case there && !overwrite:
		return refusedAs(1905, "File could not be updated, it already exists", id, "Could not upload rule")
	case there && s.mayNot("rules:delete") != nil:
		return s.mayNot("rules:delete")
	}
	s.files[name] = formula.ReplaceAllString(text, ">'$1<")
	back := func() {
		if s.files[name] = old; !there {
			delete(s.files, name)
		}
	}
	if s.noLogtest {
		if there {
			back()
		} // a new file stays
		return coded(http.StatusInternalServerError, "Wazuh Internal Error", 1013, "Unable to connect with socket: logtest", "Restart Wazuh")
	}
	if _, _, ok := s.load(s.files); !ok {
		back()
		return refusedAs(1113, "XML syntax error", id, "Could not upload rule")
	}
	return done("Rule was successfully uploaded", id)
}

func (s *Server) deleteRuleFile(name string) *reply {
	switch _, there := s.files[name]; {
	case s.mayNot("rules:delete") != nil:
		return s.mayNot("rules:delete")
	case !there:
		return refusedAs(1906, "File does not exist", "etc/rules/"+name, "Could not delete rule")
	}
	delete(s.files, name)
	return done("Rule was successfully deleted", "etc/rules/"+name)
}

var logFormats = strings.Fields("syslog json snort-full squid eventlog eventchannel audit mysql_log postgresql_log nmapg iis command full_command djb-multilog multi-line")

// logtest answers as the daemon does: each session loads the files that are on disk, and
// success says nothing of the warnings among its messages.
func (s *Server) logtest(body []byte) *reply {
	var in map[string]string
	if err := json.Unmarshal(body, &in); err != nil {
		return problem(http.StatusBadRequest, "Bad Request", "a body of texts is wanted")
	}
	for _, k := range []string{"event", "log_format", "location"} {
		if _, there := in[k]; !there {
			return problem(http.StatusBadRequest, "Bad Request", "'"+k+"' is a required property")
		}
	}
	switch {
	case s.mayNot("logtest:run") != nil:
		return s.mayNot("logtest:run")
	case s.noLogtest:
		return coded(http.StatusInternalServerError, "Wazuh Internal Error", 1013, "Unable to connect with socket: logtest", "Restart Wazuh")
	case !slices.Contains(logFormats, in["log_format"]):
		return coded(http.StatusBadRequest, "Bad Request", 7000, "Error trying to get logtest response: ERROR: (7317): 'log_format' JSON field value is not valid", "")
	}
	var messages []string
	code := 0
	list, known := s.sessions[in["token"]]
	token := in["token"]
	if !known {
		if token != "" {
			messages, code = append(messages, fmt.Sprintf("WARNING: (7309): '%s' is not a valid token", token)), 1
		}
		var said []string
		var ok bool
		if list, said, ok = s.load(s.files); !ok {
			said = append(said, "ERROR: (7311): Failure to initializing session", "ERROR: (7312): Failed to process the event")
			return &reply{status: http.StatusOK, body: Object{"error": 0, "data": Object{"messages": append(messages, said...), "codemsg": -1}}}
		}
		if len(said) > 0 {
			code = 1
		}
		s.next++
		token = fmt.Sprintf("%08x", s.next)
		s.sessions[token] = list
		messages = append(append(messages, said...), fmt.Sprintf("INFO: (7202): Session initialized with token '%s'", token))
	}
	output := Object{"timestamp": time.Now().UTC().Format(stamp), "agent": Object{"id": "000", "name": managerName}, "manager": Object{"name": managerName}, "full_log": in["event"], "decoder": Object{}, "location": in["location"]}
	alert := false
	if doc, base := s.decode(in["event"], in["log_format"]); base != 0 {
		for _, k := range []string{"predecoder", "decoder", "data"} {
			if doc[k] != nil {
				output[k] = doc[k]
			}
		}
		id, level, description := base, 0, ""
		if i := slices.IndexFunc(stock, func(r stockRule) bool { return r.id == base }); i >= 0 {
			level, description = stock[i].level, stock[i].description
		}
		doc["location"] = in["location"]
		if own := judge(list, base, doc); own != nil {
			id, level, description = own.id, own.level, own.description
		}
		output["rule"] = Object{"id": fmt.Sprint(id), "level": level, "description": description, "firedtimes": 1, "mail": false, "groups": []string{"syslog"}}
		alert = level >= 3
	}
	if messages == nil {
		messages = []string{}
	}
	return &reply{status: http.StatusOK, body: Object{"error": 0, "data": Object{"messages": messages, "token": token, "output": output, "alert": alert, "codemsg": code}}}
}

func (s *Server) endSession(token string) *reply {
	if s.sessions[token] == nil && !slices.Contains(slices.Collect(maps.Keys(s.sessions)), token) {
		return coded(http.StatusBadRequest, "Bad Request", 7000, "Error trying to get logtest response: ERROR: (7316): Failure to remove session. token JSON field must be a string", "")
	}
	delete(s.sessions, token)
	return &reply{status: http.StatusOK, body: Object{"error": 0, "data": Object{"messages": []string{"INFO: (7206): The session '" + token + "' was closed successfully"}, "codemsg": 0}}}
}

// Sessions is how many sessions of logtest are open.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

var invalidUser = regexp.MustCompile(`^(\w+ +\d+ [\d:]+) (\S+) sshd\[\d+\]: (?:Invalid user (\S+)|Failed password for (\S+)|Accepted \w+ for (\S+)) from (\S+) port (\d+)`)

// decode takes an event apart as the alert did that is stored of it, or as a line of
// sshd, and says which rule of the ruleset it matches.
func (s *Server) decode(event, format string) (Object, int) {
	for _, a := range s.alerts {
		same := a.source["full_log"] == event && event != ""
		if !same && format != "syslog" {
			data, _ := a.source["data"].(map[string]any)
			same = len(data) > 0 && (sameJSON(event, data) || format == "eventchannel" && sameJSON(event, Object{"win": data["win"]}))
		}
		if same {
			base := s.bases[event]
			if base == 0 {
				base, _ = strconv.Atoi(fmt.Sprint(first(a.source, "rule.id")))
			}
			return clone(a.source), base
		}
	}
	m := invalidUser.FindStringSubmatch(event)
	if m == nil {
		return Object{}, 0
	}
	doc := sshd(time.Now(), m[2], "", Object{"srcip": m[6], "srcport": m[7]})
	data, base := doc["data"].(Object), 5710
	switch {
	case m[3] != "":
		data["srcuser"] = m[3]
	case m[4] != "":
		data["dstuser"], base = m[4], 5760
	default:
		data["dstuser"], base = m[5], 5715
	}
	return clone(doc), base
}

func sameJSON(text string, v any) bool {
	var x any
	if json.Unmarshal([]byte(text), &x) != nil {
		return false
	}
	a, _ := json.Marshal(x)
	b, _ := json.Marshal(v)
	return string(a) == string(b)
}

func (s *Server) validates(nodes []string) *reply {
	_, said, ok := s.load(s.files)
	cause := s.validation
	if !ok {
		var causes []string
		for _, m := range said {
			causes = append(causes, strings.TrimPrefix(m, "ERROR: "))
		}
		cause = strings.Join(append(causes, "(1202): Configuration error at 'etc/ossec.conf'."), ", ")
	}
	if cause != "" {
		return refusedAs(1908, "Error validating configuration: "+cause, nodes[0], "Could not check validation")
	}
	var items []any
	for _, n := range nodes {
		items = append(items, Object{"name": n, "status": "OK"})
	}
	return done("Validation was successfully checked", items...)
}

func (s *Server) reloads(nodes []string) *reply {
	if a := s.mayNot("manager:restart"); a != nil {
		return a
	}
	list, said, ok := s.load(s.files)
	cause := s.reloadCause
	if !ok {
		cause = strings.Join(said, ", ")
	}
	if cause != "" {
		return refusedAs(1914, "Failed to reload ruleset: "+cause, nodes[0], "Could not send reload request to any node")
	}
	var items []any
	for _, n := range nodes {
		if s.stopped[n] {
			return refusedAs(1000, "Unable to connect with socket: [Errno 111] Connection refused", n, "Could not send reload request to any node")
		}
		s.inForce[s.named(n)] = list
		msg := "Ruleset reload request sent successfully."
		if len(said) > 0 {
			msg = strings.Join(said, ", ")
		}
		items = append(items, Object{"name": n, "msg": msg})
	}
	return done("Reload request sent to ", items...)
}

func (s *Server) restarts(nodes []string) *reply {
	if a := s.mayNot("manager:restart"); a != nil {
		return a
	}
	var items []any
	for _, n := range nodes {
		items = append(items, n)
	}
	if s.starting == 0 {
		s.comeBack(nodes...)
	}
	a := done("Restart request sent to ", items...)
	a.status = http.StatusAccepted
	return a
}

// named is a node as [Server.inForce] has it.
func (s *Server) named(node string) string {
	if s.nodes == nil {
		return ""
	}
	return node
}

func (s *Server) daemons(node string) *reply {
	state := map[bool]string{true: "stopped", false: "running"}[s.dead || s.stopped[node]]
	return done("Processes status was successfully read in specified node", Object{"wazuh-analysisd": state, "wazuh-apid": "running", "wazuh-db": "running", "wazuh-execd": "running", "wazuh-remoted": "running", "wazuh-modulesd": "running"})
}

func (s *Server) cluster(method, path string, q url.Values) *reply {
	if s.nodes == nil {
		return coded(http.StatusBadRequest, "Bad Request", 3013, "Cluster is not running, it might be disabled in `WAZUH_HOME/etc/ossec.conf`", "")
	}
	nodes := split(q.Get("nodes_list"))
	for _, n := range nodes {
		if !slices.Contains(s.nodes, n) {
			return refusedAs(1730, "Node does not exist", n, "Could not send the request to any node")
		}
	}
	if nodes == nil {
		nodes = s.nodes
	}
	switch {
	case path == "cluster/nodes" && method == http.MethodGet:
		var items []any
		for i, n := range s.nodes {
			items = append(items, Object{"name": n, "type": map[bool]string{true: "master", false: "worker"}[i == 0], "version": s.version, "ip": "10.0.0." + strconv.Itoa(i+1)})
		}
		return done("All selected nodes information was returned", items...)
	case path == "cluster/ruleset/synchronization" && method == http.MethodGet:
		var items []any
		for i, n := range s.nodes {
			items = append(items, Object{"name": n, "synced": i == 0 || s.unsynced == 0})
		}
		s.unsynced = max(0, s.unsynced-1)
		return done("Nodes ruleset synchronization status was successfully read", items...)
	case path == "cluster/configuration/validation" && method == http.MethodGet:
		return s.validates(nodes)
	case path == "cluster/analysisd/reload" && method == http.MethodPut:
		return s.reloads(nodes)
	case path == "cluster/restart" && method == http.MethodPut:
		return s.restarts(nodes)
	}
	return problem(http.StatusMethodNotAllowed, "Method Not Allowed", "405: Method Not Allowed")
}
