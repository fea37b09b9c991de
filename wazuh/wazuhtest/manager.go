package wazuhtest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxWrongLogins = 50

func problem(status int, title, detail string) *reply {
	return &reply{status: status, kind: "application/problem+json; charset=utf-8", body: Object{"title": title, "detail": detail}}
}

func coded(status int, title string, code int, detail, remediation string) *reply {
	r := problem(status, title, detail)
	o := r.body.(Object)
	o["error"], o["dapi_errors"] = code, Object{"unknown-node": Object{"error": detail}}
	if remediation != "" {
		o["remediation"] = remediation
	}
	return r
}

func denial(agent string) *reply {
	return coded(http.StatusForbidden, "Permission Denied", 4000, "Permission denied: Resource type: agent:id:"+agent,
		"Ask for a role that may read the resource")
}

// manager serves the server API.
func (s *Server) manager(r *http.Request, _ []byte) *reply {
	if r.URL.Path == "/security/user/authenticate" {
		return s.login(r)
	}
	if a := s.authorized(r); a != nil {
		return a
	}
	serve, known := s.route(r.URL.Path)
	switch {
	case serve == nil:
		return problem(http.StatusNotFound, "Not Found", "404: Not Found")
	case r.Method != http.MethodGet:
		return problem(http.StatusMethodNotAllowed, "Method Not Allowed", "Specified method is invalid for this resource")
	}
	q := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(q)) {
		check, ok := known[name]
		if !ok {
			return problem(http.StatusBadRequest, "Bad Request", fmt.Sprintf("Extra query parameter(s) %s not in spec", name))
		}
		if !check(q.Get(name)) || len(q[name]) > 1 {
			return problem(http.StatusBadRequest, "Bad Request", fmt.Sprintf("%q is not valid for parameter %s", q.Get(name), name))
		}
	}
	return serve(q)
}

func (s *Server) login(r *http.Request) *reply {
	if r.Method != http.MethodPost && (r.Method != http.MethodGet || s.five()) {
		return problem(http.StatusMethodNotAllowed, "Method Not Allowed", "Specified method is invalid for this resource")
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
	s.tokens[token] = end
	return &reply{status: http.StatusOK, body: Object{"data": Object{"token": token}, "error": 0}}
}

// authorized returns nil, or why the request isn't.
func (s *Server) authorized(r *http.Request) *reply {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch end, known := s.tokens[token]; {
	case !ok:
		return problem(http.StatusUnauthorized, "Unauthorized", "No authorization token provided")
	case s.revoked[token]:
		return problem(http.StatusUnauthorized, "Unauthorized", "Token expired")
	case !known || time.Now().After(end):
		return problem(http.StatusUnauthorized, "Unauthorized", "Invalid token")
	}
	return nil
}

type checks map[string]func(string) bool

func matching(expr string) func(string) bool { return regexp.MustCompile(expr).MatchString }

func each(check func(string) bool) func(string) bool {
	return func(s string) bool {
		for part := range strings.SplitSeq(s, ",") {
			if !check(part) {
				return false
			}
		}
		return true
	}
}

func between(lo, hi int) func(string) bool {
	return func(s string) bool {
		n, err := strconv.Atoi(s)
		return err == nil && n >= lo && n <= hi
	}
}

var (
	boolean = matching(`^(true|false)$`)
	paged   = checks{
		"pretty": boolean, "wait_for_complete": boolean,
		"offset": between(0, 1<<31-1), "limit": between(1, 100000),
		"sort": matching(`^[\w_\-,\s+.]+$`), "search": matching(`^[^;|&^*>]+$`), "select": each(matching(`^[\w\-.%]+$`)),
	}
	agentChecks = with(paged, checks{
		"agents_list": each(matching(`^\d{3,}$`)),
		"status":      each(matching(`^(?i:active|pending|never_connected|disconnected)$`)),
		"os.platform": matching(`^[\w,\-.+\s:]+$`), "older_than": matching(`^\d+[dhms]?$`), "q": anything,
		"name": matching(`^[\w,\-.+\s:]+$`), "group": matching(`^[\w.\-]+$`), "ip": matching(`^[\w,\-.+\s:]+$`),
	})
	ruleChecks = with(paged, checks{
		"rule_ids": each(between(1, 1<<31-1)), "level": matching(`^(\d{1,2}|\d{1,2}-\d{1,2})$`), "q": anything, "group": matching(`^[\w,\-.+\s:]+$`), "mitre": matching(`^[\w,\-.+\s:]+$`),
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
		return func(q url.Values) *reply { return s.scanned(parts[2], parts[3], q) }, paged
	}
	return nil, nil
}

func (s *Server) listAgents(q url.Values) *reply {
	named := split(q.Get("agents_list"))
	failed := failures{}
	var list []Object
	for _, a := range s.agents {
		id := a["id"].(string)
		switch {
		case named != nil && !slices.Contains(named, id), named == nil && s.denied[id]:
		case s.denied[id]:
			failed.add(4000, "Permission denied: Resource type: agent:id:"+id, "Ask for a role that may read the resource", id)
		default:
			list = append(list, s.shownAgent(a))
		}
	}
	for _, id := range named {
		if s.agent(id) == nil {
			failed.add(1701, "Agent does not exist", "List the agents to see which there are", id)
		}
	}
	if len(named) > 0 && len(list) == 0 && failed.only(4000) {
		return denial(strings.Join(named, ","))
	}
	for _, f := range []string{"status", "name", "group", "ip", "os.platform"} {
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

// olderThan reports whether an agent hasn't been heard of for age.
func olderThan(a Object, age string) bool {
	t, err := time.Parse("2006-01-02T15:04:05-07:00", fmt.Sprint(a["lastKeepAlive"]))
	if err != nil {
		return false
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute}[age[len(age)-1]]
	if unit == 0 {
		unit = time.Second
	}
	return time.Since(t) > time.Duration(number(strings.TrimRight(age, "dhms"), 0))*unit
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
	list := slices.Clone(s.rules)
	if named != nil {
		list = slices.DeleteFunc(list, func(r Object) bool { return !slices.Contains(named, fmt.Sprint(r["id"])) })
		for _, id := range named {
			if !slices.ContainsFunc(list, func(r Object) bool { return fmt.Sprint(r["id"]) == id }) {
				failed.add(1208, "The rule does not exist", "Check the rule's number", id)
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
	if !matching(`^\d{3,}$`)(id) {
		return problem(http.StatusBadRequest, "Bad Request", fmt.Sprintf("%q is not valid for parameter agent_id", id))
	}
	a := s.agent(id)
	failed := failures{}
	switch {
	case a == nil:
		failed.add(1701, "Agent does not exist", "List the agents to see which there are", id)
	case s.denied[id]:
		return denial(id)
	case a["status"] == "never_connected":
		return coded(http.StatusBadRequest, "Bad Request", 2007, "There is no database for agent "+id, "Make sure that the agent has connected to the manager once")
	}
	return rows(s.inventory[id+"/"+kind], q, scanFields[kind], "scan.id", failed,
		"All specified syscollector information was returned", "No syscollector information was returned")
}

type failures map[int]*failure

type failure struct {
	message, remediation string
	ids                  []string
}

func (f failures) add(code int, message, remediation, id string) {
	if f[code] == nil {
		f[code] = &failure{message: message, remediation: remediation}
	}
	f[code].ids = append(f[code].ids, id)
}

func (f failures) only(code int) bool { return len(f) == 1 && f[code] != nil }

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
	if text := strings.ToLower(q.Get("search")); text != "" {
		text, not := strings.CutPrefix(text, "-")
		list = slices.DeleteFunc(list, func(o Object) bool {
			found := false
			leaves(o, "", func(_ string, v any) { found = found || strings.Contains(strings.ToLower(fmt.Sprint(v)), text) })
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
	keys := strings.Split(strings.TrimLeft(order, "+-"), ",")
	for _, k := range keys {
		if !known[k] {
			return coded(http.StatusBadRequest, "Bad Request", 1403, "Not a valid sort field: "+k, "")
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
	total := len(list)
	offset, limit := number(q.Get("offset"), 0), number(q.Get("limit"), 500)
	list = list[min(offset, len(list)):]
	list = list[:min(limit, len(list))]
	if picked := split(q.Get("select")); picked != nil {
		for _, f := range picked {
			if !known[f] {
				return coded(http.StatusBadRequest, "Bad Request", 1724, "Not a valid select field: "+f, "")
			}
		}
		if known["dateAdd"] || known["relative_dirname"] {
			picked = append(picked, "id")
		}
		for i, o := range list {
			list[i] = project(o, "", func(p string) bool { return slices.Contains(picked, p) })
		}
	}
	items := []any{}
	for _, f := range slices.Sorted(maps.Keys(failed)) {
		slices.Sort(failed[f].ids)
		items = append(items, Object{"error": Object{"code": f, "message": failed[f].message, "remediation": failed[f].remediation}, "id": failed[f].ids})
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
