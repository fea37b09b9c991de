package wazuhtest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The names that only this fake gives.
const (
	NodeName = "node01"
	PolicyID = "cis_ubuntu22-04" // of the configuration assessment on every agent that connected
)

var (
	hash          = formed("hash", `^([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$`)
	decoderChecks = with(paged, checks{
		"decoder_names": each(names), "filename": each(alphanumeric), "relative_dirname": ruleChecks["relative_dirname"], "status": ruleChecks["status"], "q": anything,
	})
	scaChecks  = with(paged, checks{"name": anything, "description": anything, "references": anything, "q": anything})
	checkCheck = with(paged, checks{"title": anything, "result": alphanumeric, "q": anything})
	rootChecks = with(paged, checks{"status": oneOf("all", "outstanding", "solved"), "pci_dss": anything, "cis": anything, "q": anything})
	fimChecks  = with(paged, checks{
		"file": formed("path", `^[`+word+`\-.\\/:]+$`), "arch": oneOf("[x32]", "[x64]"), "type": oneOf("file", "registry_key", "registry_value"),
		"hash": hash, "md5": hash, "sha1": hash, "sha256": hash, "summary": boolean, "q": anything,
	})
	logChecks = with(paged, checks{
		"limit": integer(1, 500, 500), "level": oneOf("critical", "debug", "debug2", "error", "info", "warning"), "tag": anything, "q": anything,
	})
	groupChecks = with(paged, checks{"groups_list": each(groupNames), "q": anything})
	oneChecks   = checks{"pretty": boolean, "wait_for_complete": boolean, "select": each(names)}

	decoderFields = fields("filename relative_dirname status name position details")
	scaFields     = fields("policy_id name description references pass fail score invalid total_checks hash_file end_scan start_scan")
	checkFields   = fields("policy_id id title description rationale remediation file process directory registry command references result reason condition compliance rules")
	rootFields    = fields("status log date_first date_last cis pci_dss")
	fimFields     = fields("file type date mtime size perm uname gname uid gid inode md5 sha1 sha256 changes attributes arch value.name value.type")
	logFields     = fields("timestamp tag level description")
	groupFields   = fields("name count configSum mergedSum")
	nodeFields    = fields("node cluster type")
)

var sections4 = strings.Fields("active-response agentless alerts auth client client_buffer cluster command email_alerts global integration labels localfile logging remote " +
	"reports rootcheck ruleset sca socket syscheck syslog_output vulnerability-detection indexer aws-s3 azure-logs cis-cat docker-listener open-scap osquery syscollector")

var sections5 = strings.Fields("active-response alerts auth client client_buffer cluster command global logging remote reports socket vulnerability-detection indexer syscollector")

func (s *Server) configChecks() checks {
	known := sections4
	if s.five() {
		known = sections5
	}
	return checks{
		"pretty": boolean, "wait_for_complete": boolean, "raw": boolean, "field": anything,
		"section": oneOf(known...),
	}
}

func (s *Server) five() bool { return strings.HasPrefix(s.version, "5") }

// endpoint finds what serves a path in this version, or nothing.
func (s *Server) endpoint(path string) (func(url.Values) *reply, checks) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, p := range parts {
		if u, err := url.PathUnescape(p); err == nil {
			parts[i] = u
		}
	}
	is := func(pattern string) bool {
		want := strings.Split(pattern, "/")
		if len(want) != len(parts) {
			return false
		}
		for i, w := range want {
			if w != "*" && w != parts[i] {
				return false
			}
		}
		return true
	}
	switch {
	case path == "/":
		return s.info, checks{"pretty": boolean}
	case is("groups"):
		return s.listGroups, groupChecks
	case is("groups/*/agents"):
		return func(q url.Values) *reply { return s.groupAgents(parts[1], q) }, with(paged, checks{"status": agentChecks["status"], "q": anything})
	case is("cluster/local/info"):
		return func(q url.Values) *reply {
			return rows([]Object{{"node": NodeName, "cluster": "wazuh", "type": "master"}}, q, nodeFields, "node", failures{}, "All selected information was returned", "")
		}, oneChecks
	case is("cluster/*/logs"):
		return s.atNode(parts[1], s.managerLogs), logChecks
	case is("cluster/*/configuration"):
		return s.atNode(parts[1], s.configuration), s.configChecks()
	case is("cluster/*/configuration/*/*"):
		known := running4
		if s.five() {
			known = running5
		}
		return s.atNode(parts[1], s.running(parts[3], parts[4], known)), checks{"pretty": boolean, "wait_for_complete": boolean}
	}
	if s.five() {
		return nil, nil
	}
	switch {
	case is("decoders"):
		return s.listDecoders, decoderChecks
	case is("manager/logs"):
		if s.before(6) {
			old := maps.Clone(logChecks)
			delete(old, "select")
			delete(old, "distinct")
			return s.managerLogs, old
		}
		return s.managerLogs, logChecks
	case is("manager/configuration"):
		return s.configuration, s.configChecks()
	case is("manager/configuration/*/*"):
		return s.running(parts[2], parts[3], running4), checks{"pretty": boolean, "wait_for_complete": boolean}
	case is("agents/*/stats/agent"):
		return func(q url.Values) *reply { return s.agentStats(parts[1], q) }, oneChecks
	case is("sca/*"):
		return s.ofAgent(parts[1], "sca", scaFields, "-policy_id", "All selected SCA information was returned", "No SCA information was returned"), scaChecks
	case is("sca/*/checks/*"):
		return func(q url.Values) *reply {
			return s.ofAgent(parts[1], "checks/"+parts[3], checkFields, "-policy_id", "All selected SCA/policy information was returned", "No SCA information was returned")(q)
		}, checkCheck
	case is("rootcheck/*"):
		return func(q url.Values) *reply {
			if s.agent(parts[1]) == nil {
				return coded(http.StatusNotFound, "Resource Not Found", 1701, "Agent does not exist", "List the agents to see which there are")
			}
			return s.ofAgent(parts[1], "rootcheck", rootFields, "-date_last", "All selected rootcheck information was returned", "No rootcheck information was returned")(q)
		}, rootChecks
	case is("syscheck/*"):
		if s.agent(parts[1]) == nil && agentNumber.refuse(parts[1]) == "" { // it doesn't say that there is no such agent
			return func(url.Values) *reply {
				return neverScanned(parts[1])
			}, fimChecks
		}
		return s.ofAgent(parts[1], "syscheck", fimFields, "+mtime", "FIM findings of the agent were returned", "No FIM information was returned"), fimChecks
	case is("syscollector/*/hardware"), is("syscollector/*/os"):
		return func(q url.Values) *reply { return s.scanned(parts[1], parts[2], q) }, oneChecks
	}
	return nil, nil
}

func (s *Server) info(url.Values) *reply {
	version := s.version
	if s.five() {
		version = "v" + version
	}
	var revision any = "rc1"
	if s.before(12) {
		revision = 40000 + 100*s.minor() + 17
	}
	return &reply{status: http.StatusOK, body: Object{"data": Object{
		"title": "Wazuh API REST", "api_version": version, "revision": revision, "license_name": "GPL 2.0",
		"license_url": "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html", "hostname": managerName, "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z"),
	}, "error": 0}}
}

// minor is the second number of the version.
func (s *Server) minor() int {
	_, rest, _ := strings.Cut(s.version, ".")
	first, _, _ := strings.Cut(rest, ".")
	return number(first, 0)
}

// before reports whether the server is a Wazuh 4 older than 4.n.
func (s *Server) before(n int) bool { return !s.five() && s.minor() < n }

// atNode serves what one node of the cluster has.
func (s *Server) atNode(node string, serve func(url.Values) *reply) func(url.Values) *reply {
	return func(q url.Values) *reply {
		if node != NodeName && !slices.Contains(s.nodes, node) {
			return coded(http.StatusNotFound, "Resource Not Found", 1730, "Node does not exist", "Look up the nodes of the cluster")
		}
		if len(s.nodes) > 0 {
			s.answers = node
		}
		return serve(q)
	}
}

// ofAgent serves rows that an agent reported.
func (s *Server) ofAgent(id, kind string, known map[string]bool, order, some, none string) func(url.Values) *reply {
	return func(q url.Values) *reply {
		if a := s.reachable(id); a != nil {
			return a
		}
		failed := failures{}
		if s.agent(id) == nil {
			failed.noAgent(id)
		}
		list := s.inventory[id+"/"+kind]
		for param, f := range map[string]string{"status": "status", "type": "type", "result": "result", "file": "file"} {
			if want := strings.ToLower(q.Get(param)); want != "" && want != "all" {
				list = slices.DeleteFunc(slices.Clone(list), func(o Object) bool { return !strings.EqualFold(fmt.Sprint(o[f]), want) })
			}
		}
		if want := q.Get("hash"); want != "" {
			list = slices.DeleteFunc(slices.Clone(list), func(o Object) bool {
				return !slices.ContainsFunc([]string{"md5", "sha1", "sha256"}, func(h string) bool { return strings.EqualFold(fmt.Sprint(o[h]), want) })
			})
		}
		return rows(list, q, known, order, failed, some, none)
	}
}

// reachable returns why an agent's rows can't be read, or nil.
func (s *Server) reachable(id string) *reply {
	if agentNumber.refuse(id) != "" {
		return refused(agentNumber.refuse(id))
	}
	switch a := s.agent(id); {
	case !s.sees(id):
		return forbidden("agent:id")
	case a["status"] == "never_connected":
		return neverScanned(id)
	}
	return nil
}

func (s *Server) agentStats(id string, q url.Values) *reply {
	if agentNumber.refuse(id) != "" {
		return refused(agentNumber.refuse(id))
	}
	failed := failures{}
	var list []Object
	switch a := s.agent(id); {
	case a == nil:
		failed.noAgent(id)
	case !s.sees(id):
		return forbidden("agent:id")
	case a["status"] == "never_connected":
		failed.add(1015, "Agent version is null. Was the agent ever connected?", "", id)
	case id == AgentManager:
		failed.add(1310, "Not valid for the manager", "Ask for another agent", id)
	case a["status"] != "active":
		failed.add(1707, "The agent is not active", "Ask for an agent that is connected", id)
	default:
		now := time.Now().UTC()
		list = []Object{clone(Object{
			"status": "connected", "last_keepalive": now.Add(-8 * time.Second).Format(time.RFC3339), "last_ack": now.Add(-7 * time.Second).Format(time.RFC3339),
			"msg_count": 4182, "msg_sent": 4201, "msg_buffer": 0, "buffer_enabled": true,
		})}
	}
	return rows(list, q, fields("status last_keepalive last_ack msg_count msg_sent msg_buffer buffer_enabled"), "status", failed,
		"Statistical information for each agent was successfully read", "Could not read statistical information for any agent")
}

func (s *Server) listDecoders(q url.Values) *reply {
	named := split(q.Get("decoder_names"))
	failed := failures{}
	list := slices.Clone(s.decoders)
	if named != nil {
		list = slices.DeleteFunc(list, func(d Object) bool { return !slices.Contains(named, fmt.Sprint(d["name"])) })
		for _, n := range named {
			if !slices.ContainsFunc(list, func(d Object) bool { return d["name"] == n }) {
				failed.add(1504, "The decoder does not exist", "Check the decoder's name", n)
			}
		}
	}
	return rows(list, q, decoderFields, "filename,position", failed, "All selected decoders were returned", "No decoder was returned")
}

func (s *Server) managerLogs(q url.Values) *reply {
	list := slices.Clone(s.logs)
	if s.answers != s.master() { // of a worker, which has less to say
		list = list[:1]
	}
	for param, f := range map[string]string{"level": "level", "tag": "tag"} { // the whole of it, in lower case
		if want := strings.ToLower(q.Get(param)); want != "" {
			list = slices.DeleteFunc(list, func(l Object) bool { return l[f] != want })
		}
	}
	return rows(list, q, logFields, "-timestamp", failures{}, "Logs were successfully read", "No logs were read")
}

func (s *Server) configuration(q url.Values) *reply {
	out, failed := Object{}, failures{}
	section := strings.ToLower(q.Get("section"))
	known := sections4
	if s.five() {
		known = sections5
	}
	for k, v := range s.config {
		if (section == "" || k == section) && slices.Contains(known, k) {
			out[k] = v
		}
	}
	var list []Object
	inner, _ := out[section].(Object)
	field := q.Get("field")
	switch {
	case len(out) > 0 && field == "":
		list = []Object{clone(out)}
	case inner[field] != nil:
		list = []Object{clone(Object{section: Object{field: inner[field]}})}
	case len(out) > 0:
		failed.add(1103, "Invalid field in section", "Ask for another field", managerName)
	default:
		failed.add(1106, "Requested section not present in configuration", "Ask for another section", managerName)
	}
	return rows(list, url.Values{}, map[string]bool{"": true}, "", failed, "Configuration was successfully read", "Could not read configuration")
}

// The daemons that tell what they run with, and the parts that each has.
var (
	running4 = map[string]string{
		"agent": "client buffer labels internal anti_tampering", "agentless": "agentless", "analysis": "global active_response alerts command rules decoders internal rule_test", "auth": "auth", "com": "active-response logging internal cluster",
		"csyslog": "csyslog", "integrator": "integration", "logcollector": "localfile socket internal", "mail": "global alerts internal", "monitor": "global internal reports",
		"request": "global remote internal", "syscheck": "syscheck rootcheck internal", "wazuh-db": "internal wdb", "wmodules": "wmodules",
	}
	running5 = map[string]string{"auth": "auth", "monitor": "global internal", "request": "global remote internal", "wazuh-manager-db": "internal wdb", "wmodules": "wmodules"}
)

// running serves what a daemon runs with. Some parts stand alone and not below
// their name, as the cluster's.
func (s *Server) running(daemon, part string, known map[string]string) func(url.Values) *reply {
	return func(url.Values) *reply {
		switch {
		case known[daemon] == "":
			return refused(oneOf(slices.Sorted(maps.Keys(known))...).refuse(daemon))
		case !slices.Contains(strings.Fields(known[daemon]), part):
			return coded(http.StatusBadRequest, "Bad Request", 1128, "The component has no such configuration", "Ask for a configuration that the component has")
		}
		o := Object{part: Object{}}
		switch v := s.config[part].(type) {
		case Object:
			if o[part] = v; daemon == "com" && part == "cluster" {
				o = v
			}
		case []any:
			o[part] = v
		}
		return rows([]Object{clone(o)}, url.Values{}, map[string]bool{"": true}, "", failures{}, "Active configuration was successfully read", "Could not read configuration")
	}
}

func (s *Server) listGroups(q url.Values) *reply {
	counts := map[string]int{"default": 0, "empty-group": 0}
	for _, a := range s.agents {
		for _, g := range values(a, "group") {
			counts[fmt.Sprint(g)]++
		}
	}
	if s.only != nil { // nothing, and not a word of it
		clear(counts)
	}
	failed := failures{}
	named := split(q.Get("groups_list"))
	for _, g := range named {
		if _, is := counts[g]; !is {
			failed.add(1710, "The group does not exist", "List the groups to see which there are", g)
		}
	}
	var list []Object
	for _, g := range slices.Sorted(maps.Keys(counts)) {
		if named != nil && !slices.Contains(named, g) {
			continue
		}
		list = append(list, clone(Object{"name": g, "count": counts[g], "configSum": "ab73af41699f13fdd81903b5f23d8d00", "mergedSum": "f8d49771911ed9d5c45b03a40babd065"}))
	}
	return rows(list, q, groupFields, "name", failed, "All selected groups information was returned", "No group information was returned")
}

func (s *Server) groupAgents(group string, q url.Values) *reply {
	if why := groupNames.refuse(group); why != "" || strings.Trim(group, ".") == "" || group == "all" {
		return refused(cmp.Or(why, repr(group)+" is not a 'group_names'"))
	}
	if s.only != nil {
		return forbidden("group:id")
	}
	var list []Object
	for _, a := range s.agents {
		if slices.Contains(values(a, "group"), any(group)) && s.sees(a["id"].(string)) {
			list = append(list, s.shownAgent(a))
		}
	}
	if list == nil && group != "default" && group != "empty-group" {
		return coded(http.StatusNotFound, "Resource Not Found", 1710, "The group does not exist", "List the groups to see which there are")
	}
	if want := split(q.Get("status")); want != nil {
		list = slices.DeleteFunc(list, func(a Object) bool { return !slices.Contains(want, fmt.Sprint(a["status"])) })
	}
	return rows(list, q, s.agentFields(), "id", failures{}, "All selected agents information was returned", "No agent information was returned")
}

// gone5 are the members of an agent that Wazuh 5 no longer has.
var gone5 = []string{"manager", "node_name", "configSum", "mergedSum", "group_config_status", "disconnection_time"}

// later4 are the members that an agent had not from the beginning, by the second
// number of the first version that has them.
var later4 = map[string]int{"disconnection_time": 3, "group_config_status": 4, "status_code": 7}

// lacks reports whether this version's agents have no such member.
func (s *Server) lacks(member string) bool {
	return s.five() && slices.Contains(gone5, member) || s.before(later4[member])
}

func (s *Server) agentFields() map[string]bool {
	f := maps.Clone(agentFields)
	maps.DeleteFunc(f, func(name string, _ bool) bool { return s.lacks(name) })
	return f
}

func (s *Server) shownAgent(a Object) Object {
	a = maps.Clone(a)
	maps.DeleteFunc(a, func(name string, _ any) bool { return s.lacks(name) })
	return a
}

// levels tells whether level is n, or within a range such as 12-16.
func levels(level string, n any) bool {
	low, high, ranged := strings.Cut(level, "-")
	if !ranged {
		high = low
	}
	v, err := strconv.Atoi(fmt.Sprint(n))
	return err == nil && v >= number(low, 0) && v <= number(high, 16)
}
