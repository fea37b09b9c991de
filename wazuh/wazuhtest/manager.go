package wazuhtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxWrongLogins = 50

func problem(status int, title, detail string) *reply {
	return &reply{status: status, kind: "application/problem+json; charset=utf-8", body: Object{"title": title, "detail": detail}}
}

// refused is the answer to a request with something wrong in it.
func refused(why string) *reply { return problem(http.StatusBadRequest, "Bad Request", why) }

func coded(status int, title string, code int, detail, remediation string) *reply {
	r := problem(status, title, detail)
	o := r.body.(Object)
	o["error"], o["dapi_errors"] = code, Object{"unknown-node": Object{"error": detail}}
	if remediation != "" {
		o["remediation"] = remediation
	}
	return r
}

// forbidden is the answer to who may not do a thing to any resource of a type. It
// doesn't say to which.
func forbidden(resource string) *reply {
	return coded(http.StatusForbidden, "Permission Denied", 4000, "Permission denied: Resource type: "+resource, "Ask for a role that may read the resource")
}

func neverScanned(agent string) *reply {
	return coded(http.StatusBadRequest, "Bad Request", 2007, "Error retrieving data from Wazuh DB: There is no database for agent "+agent+". Please check if the agent has connected to the manager", "")
}

// sees reports whether the user's role reads an agent. To a role for some agents
// there are no others, not even ones that there are not.
func (s *Server) sees(agent string) bool {
	return !s.denied[agent] && (s.only == nil || s.only[agent])
}

// manager serves the server API.
func (s *Server) manager(r *http.Request, body []byte) *reply {
	s.answers = s.led(r.RemoteAddr)
	if s.rate > 0 { // whoever asks, and for a token too
		if now := time.Now(); now.Sub(s.minute) >= time.Minute {
			s.minute, s.asked = now, 0
		}
		if s.asked++; s.asked > s.rate {
			return coded(http.StatusTooManyRequests, "Too Many Requests", 6001, "Maximum number of requests per minute reached", "The limit is a setting of the API")
		}
	}
	if r.URL.Path == "/security/user/authenticate" {
		return s.login(r)
	}
	if a := s.authorized(r); a != nil {
		return a
	}
	if a := s.manages(r, body); a != nil {
		return a
	}
	serve, known := s.route(r.URL.Path)
	switch {
	case serve == nil:
		return problem(http.StatusNotFound, "Not Found", "404: Not Found")
	case r.Method != http.MethodGet:
		return problem(http.StatusMethodNotAllowed, "Method Not Allowed", "405: Method Not Allowed")
	}
	q, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "%3B")) // which separates nothing
	if err != nil {
		return refused(err.Error())
	}
	params := slices.Sorted(maps.Keys(q))
	for _, name := range params {
		if _, ok := known[name]; !ok {
			return refused(fmt.Sprintf("Extra query parameter(s) %s not in spec", name))
		}
	}
	for _, name := range params {
		check := known[name]
		if why := check.refuse(q.Get(name)); why != "" {
			return refused(why)
		}
	}
	if s.only != nil {
		for part, resource := range map[string]string{"/rules": "rule:file", "/decoders": "decoder:file", "/manager": "*:*", "/cluster": "*:*"} {
			if strings.HasPrefix(r.URL.Path, part) {
				return forbidden(resource)
			}
		}
	}
	return serve(q)
}

func (s *Server) login(r *http.Request) *reply {
	if r.Method != http.MethodPost && (r.Method != http.MethodGet || s.five()) {
		return problem(http.StatusMethodNotAllowed, "Method Not Allowed", "405: Method Not Allowed")
	}
	if s.wrong >= maxWrongLogins {
		return coded(http.StatusForbidden, "Maximum login attempts", 6000, "Limit of login attempts reached. The current IP has been blocked", "")
	}
	user, password, ok := r.BasicAuth()
	if !ok || user != User || password != Password {
		s.wrong++
		return problem(http.StatusUnauthorized, "Unauthorized", "Invalid credentials")
	}
	s.wrong = 0
	s.logins++
	now := time.Now()
	end := now.Add(s.lifetime)
	claims, err := json.Marshal(Object{
		"iss": "wazuh", "aud": "Wazuh API REST", "nbf": float64(now.UnixMilli()) / 1000, "exp": float64(end.UnixMilli()) / 1000,
		"sub": user, "run_as": false, "rbac_roles": []int{1}, "rbac_mode": "white",
	})
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 132) // of ES512
	rand.Read(signature)
	enc := base64.RawURLEncoding.EncodeToString
	token := enc([]byte(`{"alg":"ES512","typ":"JWT"}`)) + "." + enc(claims) + "." + enc(signature)
	s.tokens[token], s.signedBy[token] = end, s.answers
	if r.URL.Query().Get("raw") == "true" {
		return &reply{status: http.StatusOK, kind: "text/plain", body: token}
	}
	return &reply{status: http.StatusOK, body: Object{"data": Object{"token": token}, "error": 0}}
}

// authorized returns nil, or why the request isn't.
func (s *Server) authorized(r *http.Request) *reply {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch end, known := s.tokens[token]; {
	case !ok:
		return problem(http.StatusUnauthorized, "Unauthorized", "No authorization token provided")
	case s.revoked[token], !known || time.Now().After(end), s.signedBy[token] != s.answers && !s.five(): // each node has a key of its own
		return problem(http.StatusUnauthorized, "Unauthorized", "Invalid token")
	}
	return nil
}

var (
	paged = checks{
		"pretty": boolean, "wait_for_complete": boolean,
		"offset": integer(0, 0, 0), "limit": integer(1, 100000, 500),
		"sort": formed("sort", `^[`+word+`\-,\s+.]+$`), "search": formed("search", `^[^;|&^*>]+$`), "select": each(names), "distinct": boolean,
	}
	agentChecks = with(paged, checks{
		"agents_list": each(agentNumber), "status": each(oneOf("active", "pending", "never_connected", "disconnected")),
		"older_than": formed("timeframe", `^\d+[dhms]?$`), "q": anything, "group": groupNames, "manager": alphanumeric, "version": alphanumeric, "node_name": alphanumeric,
		"name": alphanumeric, "ip": alphanumeric, "registerIP": alphanumeric, "os.platform": alphanumeric, "os.name": alphanumeric, "os.version": alphanumeric,
	})
	ruleChecks = with(paged, checks{
		"rule_ids": each(integer(1, 0, -1)), "level": formed("range", `^(\d{1,2}|\d{1,2}-\d{1,2})$`), "q": anything, "group": alphanumeric, "mitre": alphanumeric,
		"filename": each(alphanumeric), "relative_dirname": formed("get_dirnames_path", `^[`+word+`\-.\\/:]+$`), "status": oneOf("enabled", "disabled", "all"),
		"pci_dss": alphanumeric, "gpg13": alphanumeric, "gdpr": alphanumeric, "hipaa": alphanumeric, "nist-800-53": alphanumeric, "tsc": alphanumeric,
	})
)

func with(a, b checks) checks {
	c := maps.Clone(a)
	maps.Copy(c, b)
	return c
}

var (
	agentFields = fields("id name ip status os.name os.version os.platform os.arch os.codename os.major os.minor os.uname os.build version manager " +
		"node_name dateAdd group lastKeepAlive registerIP configSum mergedSum group_config_status status_code disconnection_time")
	ruleFields = fields("filename relative_dirname id level status details pci_dss gpg13 gdpr hipaa nist_800_53 tsc mitre groups description")
	scanFields = map[string]map[string]bool{
		"processes": fields("scan.id scan.time pid name state ppid utime stime cmd argvs euser ruser suser egroup rgroup sgroup fgroup priority nice " +
			"size vm_size resident share start_time pgrp session nlwp tgid tty processor"),
		"ports": fields("scan.id scan.time protocol local.ip local.port remote.ip remote.port tx_queue rx_queue inode state pid process"),
		"netiface": fields("scan.id scan.time name adapter type state mtu mac tx.packets rx.packets tx.bytes rx.bytes tx.errors rx.errors " +
			"tx.dropped rx.dropped"),
		"packages": fields("scan.id scan.time name version architecture vendor description format size section priority source multiarch location install_time"),
		"hotfixes": fields("scan.id scan.time hotfix"),
		"os":       fields("scan.id scan.time os architecture hostname release sysname version os_release"),
		"hardware": fields("scan.id scan.time cpu ram board_serial"),
		"netaddr":  fields("scan.id iface proto address netmask broadcast"),
		"netproto": fields("scan.id iface type gateway dhcp"),
	}
)

// scanFilters are the members that must be equal if a parameter says so.
var scanFilters = map[string][]string{
	"processes": strings.Fields("pid state ppid egroup euser fgroup name nlwp pgrp priority rgroup ruser sgroup suser"), "ports": strings.Fields("pid protocol local.ip local.port remote.ip tx_queue state process"),
	"netiface": strings.Fields("name adapter type state mtu mac"), "packages": strings.Fields("vendor name architecture format version"), "hotfixes": {"hotfix"},
	"netaddr": strings.Fields("iface proto address broadcast netmask"), "netproto": strings.Fields("iface type gateway dhcp"),
}

func fields(list string) map[string]bool {
	m := map[string]bool{}
	for f := range strings.FieldsSeq(list) {
		m[f] = true
	}
	return m
}

func (s *Server) route(path string) (func(url.Values) *reply, checks) {
	if path == "/agents" {
		return s.listAgents, agentChecks
	}
	if serve, known := s.endpoint(path); serve != nil || s.five() {
		return serve, known
	}
	if path == "/rules" {
		return s.listRules, ruleChecks
	}
	parts := strings.Split(path, "/")
	if len(parts) == 4 && parts[1] == "syscollector" && scanFields[parts[3]] != nil {
		known := with(paged, checks{"q": anything})
		for _, f := range scanFilters[parts[3]] {
			known[f] = anything
		}
		return func(q url.Values) *reply { return s.scanned(parts[2], parts[3], q) }, known
	}
	return nil, nil
}

func (s *Server) listAgents(q url.Values) *reply {
	named := split(q.Get("agents_list"))
	failed := failures{}
	var list []Object
	for _, a := range s.agents {
		id := a["id"].(string)
		if s.sees(id) && (named == nil || slices.Contains(named, id)) {
			list = append(list, s.shownAgent(a))
		}
	}
	for _, id := range named {
		switch {
		case !s.sees(id):
			failed.add(4000, "Permission denied: Resource type: agent:id", "Ask for a role that may read the resource", id)
		case s.agent(id) == nil:
			failed.noAgent(id)
		}
	}
	if len(named) > 0 && len(list) == 0 && failed.only(4000) {
		return forbidden("agent:id")
	}
	for _, f := range []string{"status", "name", "group", "ip", "os.platform", "os.name", "os.version", "manager", "node_name", "registerIP"} {
		if want := split(strings.ToLower(q.Get(f))); want != nil {
			list = slices.DeleteFunc(slices.Clone(list), func(a Object) bool {
				return !slices.ContainsFunc(values(a, f), func(v any) bool { return slices.Contains(want, strings.ToLower(fmt.Sprint(v))) })
			})
		}
	}
	if age := q.Get("older_than"); age != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(a Object) bool { return !olderThan(a, age) })
	}
	return rows(list, q, s.agentFields(), "id", failed, "All selected agents information was returned", "No agent information was returned")
}

// olderThan reports whether an agent hasn't been heard of for age: since it was
// enrolled if it never connected. The manager itself always has been; an age of
// nothing is no filter.
func olderThan(a Object, age string) bool {
	least := timespan(age)
	since := a["lastKeepAlive"]
	if a["status"] == "never_connected" {
		since = a["dateAdd"]
	}
	t, err := time.Parse("2006-01-02T15:04:05-07:00", fmt.Sprint(since))
	return least == 0 || err == nil && time.Since(t) > least
}

// internalKey is an agent's secret, which a search looks at too.
const internalKey = "internal_key"

func (s *Server) agent(id string) Object {
	for _, a := range s.agents {
		if a["id"] == id {
			return a
		}
	}
	return nil
}

func (s *Server) listRules(q url.Values) *reply {
	named := split(q.Get("rule_ids"))
	failed := failures{}
	list := append(slices.Clone(s.rules), s.ownRules()...)
	if named != nil {
		list = slices.DeleteFunc(list, func(r Object) bool { return !slices.Contains(named, fmt.Sprint(r["id"])) })
		for _, id := range named {
			if !slices.ContainsFunc(list, func(r Object) bool { return fmt.Sprint(r["id"]) == id }) {
				failed.add(1208, "The rule does not exist or you do not have permission to see it", "Check the rule's number", number(id, 0))
			}
		}
	}
	for param, f := range map[string]string{"group": "groups", "mitre": "mitre"} {
		if want := q.Get(param); want != "" {
			list = slices.DeleteFunc(list, func(r Object) bool { return !slices.Contains(values(r, f), any(want)) })
		}
	}
	if level := q.Get("level"); level != "" {
		list = slices.DeleteFunc(list, func(r Object) bool { return !levels(level, r["level"]) })
	}
	return rows(list, q, ruleFields, "id", failed, "All selected rules were returned", "No rule was returned")
}

func (s *Server) scanned(id, kind string, q url.Values) *reply {
	if agentNumber.refuse(id) != "" {
		return refused(agentNumber.refuse(id))
	}
	a := s.agent(id)
	failed := failures{}
	switch {
	case !s.sees(id):
		return forbidden("agent:id")
	case a == nil:
		failed.noAgent(id)
	case a["status"] == "never_connected":
		return neverScanned(id)
	}
	list := slices.Clone(s.inventory[id+"/"+kind])
	for _, f := range scanFilters[kind] {
		if want := q.Get(f); want != "" {
			list = slices.DeleteFunc(list, func(o Object) bool { return !strings.EqualFold(textOf(first(o, f)), want) })
		}
	}
	return rows(list, q, scanFields[kind], "scan.id", failed,
		"All specified syscollector information was returned", "No syscollector information was returned")
}

type failures map[int]*failure

type failure struct {
	message, remediation string
	ids                  []any // numbers of rules are numbers, all else is text
}

func (f failures) noAgent(id string) {
	f.add(1701, "Agent does not exist", "List the agents to see which there are", id)
}

func (f failures) add(code int, message, remediation string, id any) {
	if f[code] == nil {
		f[code] = &failure{message: message, remediation: remediation}
	}
	f[code].ids = append(f[code].ids, id)
}

func (f failures) only(code int) bool { return len(f) == 1 && f[code] != nil }

// odd are the characters that a search takes for any one.
var odd = strings.NewReplacer(`"`, "_", "'", "_", "<", "_", `\`, "_")

// allowed lists fields as the API does.
func allowed(known map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(known)), ", ")
}

// rows searches, sorts, cuts and projects list, and puts it into Wazuh's envelope.
func rows(list []Object, q url.Values, known map[string]bool, order string, failed failures, some, none string) *reply {
	list = slices.Clone(list)
	if cond := q.Get("q"); cond != "" {
		match, refusal := condition(cond, known)
		if refusal != nil {
			return refusal
		}
		list = slices.DeleteFunc(list, func(o Object) bool { return !match(o) })
	}
	if text := strings.ToLower(q.Get("search")); text != "" { // in every member of a row, shown or not
		text, not := strings.CutPrefix(text, "-")
		like := likeSQL(odd.Replace(text))
		list = slices.DeleteFunc(list, func(o Object) bool {
			found := false
			leaves(o, "", func(path string, v any) {
				switch s := strings.ToLower(fmt.Sprint(v)); {
				case known["dateAdd"] && path == "id": // a number in the database, looked for whole
					found = found || number(s, -1) == number(text, -2)
				case known["dateAdd"] && slices.Contains([]string{"lastKeepAlive", "dateAdd", "disconnection_time"}, path): // seconds there
				default:
					found = found || like.MatchString(s)
				}
			})
			return found == not
		})
	}
	for i, o := range list {
		if o[internalKey] != nil { // searched, never shown
			list[i] = maps.Clone(o)
			delete(list[i], internalKey)
		}
	}
	if v := q.Get("sort"); v != "" {
		order = v
	}
	down := strings.HasPrefix(order, "-")
	keys := strings.Split(strings.TrimLeft(order, "+-"), ",") // one sign in front is for all
	for _, k := range keys {
		if !known[k] {
			return coded(http.StatusBadRequest, "Bad Request", 1403, "Not a valid sort field: Allowed sort fields: "+allowed(known)+". Fields: "+k, "Use one of the fields that there are")
		}
	}
	slices.SortStableFunc(list, func(a, b Object) int {
		for _, k := range keys {
			if c := order1(first(a, k), first(b, k)); c != 0 {
				if down {
					return -c
				}
				return c
			}
		}
		return 0
	})
	if picked := split(q.Get("select")); q.Get("distinct") == "true" && picked != nil {
		seen := map[string]bool{}
		list = slices.DeleteFunc(list, func(o Object) bool {
			k := fmt.Sprint(project(o, "", func(p string) bool { return slices.Contains(picked, p) }))
			was := seen[k]
			seen[k] = true
			return was
		})
	}
	total := len(list)
	offset, limit := number(q.Get("offset"), 0), number(q.Get("limit"), 500)
	list = list[min(offset, len(list)):]
	list = list[:min(limit, len(list))]
	if picked := split(q.Get("select")); picked != nil {
		for _, f := range picked {
			if !known[f] {
				return coded(http.StatusBadRequest, "Bad Request", 1724, "Not a valid select field: Allowed select fields: "+allowed(known)+". Fields: "+f, "Use one of the fields that there are")
			}
		}
		if q.Get("distinct") != "true" && (known["dateAdd"] || known["relative_dirname"]) {
			picked = append(picked, "id")
		}
		for i, o := range list {
			list[i] = project(o, "", func(p string) bool { return slices.Contains(picked, p) })
		}
	}
	for i, o := range list {
		list[i] = printed(o).(Object)
	}
	items := []any{}
	for _, f := range slices.Sorted(maps.Keys(failed)) {
		slices.SortFunc(failed[f].ids, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		e := Object{"code": f, "message": failed[f].message}
		if r := failed[f].remediation; r != "" {
			e["remediation"] = r
		}
		items = append(items, Object{"error": e, "id": failed[f].ids})
	}
	n := 0
	for _, f := range failed {
		n += len(f.ids)
	}
	message, code := some, 0
	switch {
	case total == 0 && n > 0:
		message, code = none, 1
	case total == 0:
		message = none
	case n > 0:
		code = 2
	}
	if list == nil {
		list = []Object{}
	}
	return &reply{status: http.StatusOK, body: Object{
		"data": Object{"affected_items": list, "total_affected_items": total, "total_failed_items": n, "failed_items": items}, "message": message, "error": code,
	}}
}

// printed writes whole numbers as the server does, whose database has a printer
// that prefers 15 digits: from 10^15 on some are fractions or powers of ten.
func printed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(Object, len(v))
		for k, e := range v {
			out[k] = printed(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = printed(e)
		}
		return out
	case float64:
		if v < 1e15 && v > -1e15 {
			return v
		}
		s := strconv.FormatFloat(v, 'g', 15, 64)
		if f, err := strconv.ParseFloat(s, 64); err != nil || f != v {
			s = strconv.FormatFloat(v, 'g', 17, 64)
		}
		switch {
		case !strings.Contains(s, "e"):
		case v < 1e16 && v > -1e16:
			s = strconv.FormatFloat(v, 'f', 1, 64)
		default:
			s = strconv.FormatFloat(v, 'e', -1, 64)
		}
		return json.Number(s)
	}
	return v
}

func first(o Object, path string) any {
	if v := values(o, path); len(v) > 0 {
		return v[0]
	}
	return nil
}

// order1 compares two values: what is missing comes first, numbers before texts.
func order1(a, b any) int {
	if a == nil || b == nil {
		switch {
		case a == b:
			return 0
		case a == nil:
			return -1
		}
		return 1
	}
	x, ok1 := a.(float64)
	y, ok2 := b.(float64)
	if ok1 && ok2 {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return otherwise
}
