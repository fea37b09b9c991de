package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// spec is one of the vendor's API files.
type spec struct{ root *yaml.Node }

func vendorSpec(t *testing.T, name string) *spec {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "vendor", "specs", name))
	if err != nil {
		t.Skip("the vendor's API file is not here: " + name)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	return &spec{root: doc.Content[0]}
}

// at walks down from n, through references.
func (s *spec) at(n *yaml.Node, path ...string) *yaml.Node {
	for n != nil {
		switch {
		case n.Kind == yaml.AliasNode:
			n = n.Alias
			continue
		case n.Kind != yaml.MappingNode:
			return map[bool]*yaml.Node{true: n}[len(path) == 0]
		}
		if ref := member(n, "$ref"); ref != nil {
			n = s.at(s.root, strings.Split(strings.TrimPrefix(ref.Value, "#/"), "/")...)
			continue
		}
		if len(path) == 0 {
			return n
		}
		n, path = member(n, path[0]), path[1:]
	}
	return nil
}

func member(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// examples are the bodies that the file shows for the successful answers to
// the GETs and to logging in, by path.
func (s *spec) examples(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	paths := s.at(s.root, "paths")
	for i := 0; i < len(paths.Content); i += 2 {
		path, method := paths.Content[i].Value, "get"
		if path == "/security/user/authenticate" {
			method = "post"
		}
		content := s.at(paths.Content[i+1], method, "responses", "200", "content")
		for j := 1; content != nil && j < len(content.Content); j += 2 {
			if e := s.at(content.Content[j], "example"); e != nil && out[path] == nil {
				out[path] = verbatim(t, e)
			}
		}
	}
	return out
}

// verbatim is n as JSON has it; what merely looks like a date stays a text.
func verbatim(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.AliasNode:
		return verbatim(t, n.Alias)
	case yaml.MappingNode:
		o := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			o[n.Content[i].Value] = verbatim(t, n.Content[i+1])
		}
		return o
	case yaml.SequenceNode:
		l := make([]any, len(n.Content))
		for i, e := range n.Content {
			l[i] = verbatim(t, e)
		}
		return l
	}
	if n.Tag == "!!timestamp" || n.Tag == "!!str" {
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// example is a tool and the vendor's example that it is run over.
type example struct {
	tool, args, path string
	list             string            // where the output has the rows; "": it is one row
	inner            string            // where a row of the output has the example's row; "": it is the same
	names            map[string]string // what the output calls otherwise; "": it leaves that out
	want             map[string]string // what the output has beside, by path
	more             []part            // further examples that are in the output
	has              string            // what the reference's output names, in our words, as far as the example has it
}

// part is an example whose first row is at a place in the output.
type part struct {
	path, at string
	names    map[string]string
}

var agentNames = map[string]string{
	"lastKeepAlive": "last_keepalive", "dateAdd": "date_add", "registerIP": "register_ip", "configSum": "config_sum", "mergedSum": "merged_sum",
}

// listedNames are those of an agent in a list, of whom get_agent says more.
var listedNames = map[string]string{"lastKeepAlive": "last_keepalive", "registerIP": "register_ip", "manager": "", "dateAdd": "", "configSum": "", "mergedSum": ""}

var examples4 = []example{
	{tool: "list_agents", args: `{"include_ip":true}`, path: "/agents", list: "agents", names: listedNames, want: map[string]string{"total": "3", "ip_included": "true"},
		has: "id name status group os.name os.version os.platform version node_name last_keepalive ip"},
	{tool: "get_agent", args: `{"agent_id":"2","include_ip":true}`, path: "/agents", names: agentNames,
		has: "id name status group os.name os.version os.platform version manager node_name date_add last_keepalive ip register_ip"},
	{tool: "get_group_agents", args: `{"group_id":"default","include_ip":true}`, path: "/groups/{group_id}/agents", list: "agents", names: listedNames,
		want: map[string]string{"total": "3", "ip_included": "true"}, has: "id name status os.name os.platform version last_keepalive ip"},
	{tool: "list_groups", args: `{}`, path: "/groups", list: "groups", names: agentNames, want: map[string]string{"total": "3"}, has: "name count config_sum merged_sum"},
	{tool: "list_rules", args: `{}`, path: "/rules", list: "rules", want: map[string]string{"total": "1"},
		has: "id description level groups pci_dss gdpr gpg13 hipaa nist_800_53 tsc details"},
	{tool: "search_rules", args: `{"description":"securetty"}`, path: "/rules", list: "rules", want: map[string]string{"total": "1"}, has: "id description level groups"},
	{tool: "get_rule", args: `{"rule_id":"1001"}`, path: "/rules", has: "id description level groups filename relative_dirname status details"},
	{tool: "list_decoders", args: `{}`, path: "/decoders", list: "decoders", want: map[string]string{"total": "2"}, has: "name filename relative_dirname status position details"},
	{tool: "get_wazuh_version", args: `{}`, path: "/", names: map[string]string{"license_name": "license", "license_url": ""}, has: "title api_version revision license hostname timestamp"},
	{tool: "get_sca_policies", args: `{"agent_id":"001"}`, path: "/sca/{agent_id}", list: "policies", want: map[string]string{"total": "1", "agent_id": "001"},
		has: "policy_id name description score pass fail invalid total_checks hash_file end_scan"},
	{tool: "get_sca_checks", args: `{"agent_id":"001","policy_id":"cis_ubuntu20-04","limit":1}`, path: "/sca/{agent_id}/checks/{policy_id}", list: "checks",
		want: map[string]string{"total": "191", "agent_id": "001", "policy_id": "cis_ubuntu20-04", "more": "true"},
		has:  "id title description rationale remediation result condition command compliance reason rules"},
	{tool: "get_agent_os", args: `{"agent_id":"001"}`, path: "/syscollector/{agent_id}/os", list: "", inner: "os", names: map[string]string{"agent_id": "", "scan.id": ""},
		want: map[string]string{"agent_id": "001"}, has: "os.name os.platform os.version sysname release version architecture hostname scan.time"},
	{tool: "get_agent_packages", args: `{"agent_id":"001"}`, path: "/syscollector/{agent_id}/packages", list: "packages", names: map[string]string{"scan.id": ""},
		want: map[string]string{"total": "307", "agent_id": "001", "more": "true"}, has: "name version architecture description format vendor size"},
	{tool: "get_agent_processes", args: `{"agent_id":"001","include_command":true}`, path: "/syscollector/{agent_id}/processes", list: "processes", names: map[string]string{"scan.id": ""},
		want: map[string]string{"total": "1", "agent_id": "001", "command_included": "true"}, has: "pid name state ppid euser vm_size cmd argvs"},
	{tool: "get_agent_ports", args: `{"agent_id":"001"}`, path: "/syscollector/{agent_id}/ports", list: "ports",
		want: map[string]string{"total": "3", "agent_id": "001"}, has: "protocol local.ip local.port remote.ip remote.port state pid process"},
	{tool: "get_agent_network", args: `{"agent_id":"001","include_ip":true}`, path: "/syscollector/{agent_id}/netiface", list: "interfaces",
		names: map[string]string{"scan.id": "", "agent_id": ""}, want: map[string]string{"agent_id": "001", "ip_included": "true"}, more: []part{
			{"/syscollector/{agent_id}/netaddr", "interfaces[0].addresses[0]", map[string]string{"proto": "family", "iface": "", "scan": "", "agent_id": ""}},
			{"/syscollector/{agent_id}/netproto", "interfaces[0].gateways[0]", map[string]string{"type": "family", "gateway": "address", "iface": "", "scan": "", "agent_id": ""}},
		}, has: "name type state mac mtu rx.packets tx.packets addresses[0].address"},
	{tool: "get_agent_stats", args: `{"agent_id":"001"}`, path: "/syscollector/{agent_id}/hardware", names: map[string]string{
		"ram.total": "memory.total_kb", "ram.free": "memory.free_kb", "ram.usage": "memory.usage_percent", "scan.time": "scan_time", "scan.id": "", "board_serial": "", "agent_id": "",
	}, want: map[string]string{"agent_id": "001", "agent_name": "ac7cb188d538", "agent_status": "active", "disk": "not collected by Wazuh"},
		more: []part{{agentCounters, "agent_daemon", nil}}, has: "cpu.name cpu.cores cpu.mhz memory.total_kb agent_daemon.msg_count"},
	{tool: "get_agent_hotfixes", args: `{"agent_id":"001"}`, path: "/syscollector/{agent_id}/hotfixes", list: "hotfixes",
		names: map[string]string{"hotfix": ".", "scan.id": "", "scan.time": ""}, want: map[string]string{"total": "1", "agent_id": "001"}},
	{tool: "get_rootcheck", args: `{"agent_id":"001"}`, path: "/rootcheck/{agent_id}", list: "findings", want: map[string]string{"total": "2", "agent_id": "001"}, has: "status log date_first date_last"},
	{tool: "get_fim_files", args: `{"agent_id":"001","include_hashes":true,"limit":2}`, path: "/syscheck/{agent_id}", list: "files",
		want: map[string]string{"total": "1433", "agent_id": "001", "hashes_included": "true", "more": "true"}, has: "file type date mtime size perm uname gname changes md5 sha1 sha256 inode"},
	{tool: "get_manager_logs", args: `{"include_description":true}`, path: "/manager/logs", list: "logs",
		want: map[string]string{"total": "3", "description_included": "true"}, has: "timestamp tag level description"},
	{tool: "get_manager_config", args: `{}`, path: "/manager/configuration", inner: "configuration", has: "global.smtp_server global.white_list[0] alerts.log_alert_level command[0].name"},
}

// agentCounters is where an agent's counters are. The file's example there is
// of another daemon; this is what the server answers for the agent itself.
const agentCounters = "/agents/{agent_id}/stats/{component}"

func withCounters(bodies map[string]any) map[string]any {
	bodies[agentCounters] = map[string]any{"data": map[string]any{
		"affected_items": []any{map[string]any{
			"status": "connected", "last_keepalive": "2021-05-27T08:08:08Z", "last_ack": "2021-05-27T08:08:09Z",
			"msg_count": 4182, "msg_sent": 4201, "msg_buffer": 7, "buffer_enabled": true,
		}},
		"total_affected_items": 1, "total_failed_items": 0, "failed_items": []any{},
	}, "message": "Statistical information for each agent was successfully read", "error": 0}
	return bodies
}

// examples5 are the tools that Wazuh 5's server API answers.
var examples5 = []example{
	{tool: "list_agents", args: `{"include_ip":true}`, path: "/agents", list: "agents", names: listedNames, want: map[string]string{"total": "3", "ip_included": "true"},
		has: "id name status group os.name os.version os.platform os.type version last_keepalive ip"},
	{tool: "get_agent", args: `{"agent_id":"2","include_ip":true}`, path: "/agents", names: agentNames, has: "id name status group os.name version ip register_ip"},
	{tool: "get_group_agents", args: `{"group_id":"default","include_ip":true}`, path: "/groups/{group_id}/agents", list: "agents", names: listedNames,
		want: map[string]string{"total": "3", "ip_included": "true"}, has: "id name status os.name version last_keepalive ip"},
	{tool: "list_groups", args: `{}`, path: "/groups", list: "groups", names: agentNames, want: map[string]string{"total": "3"}, has: "name count config_sum merged_sum"},
	{tool: "get_manager_logs", args: `{"include_description":true}`, path: "/cluster/{node_id}/logs", list: "logs",
		want: map[string]string{"total": "3", "description_included": "true", "node": "master-node"}, has: "timestamp tag level description"},
	{tool: "get_manager_config", args: `{}`, path: "/cluster/{node_id}/configuration", inner: "configuration",
		want: map[string]string{"node": "master-node", "configuration.cluster.key": "[REDACTED]", "redacted[0]": "cluster.key"},
		has:  "alerts.log_alert_level command[0].name remote.https.key"},
}

func TestEveryFieldOfTheVendorsExamplesOfWazuh5(t *testing.T) {
	runExamples(t, vendorSpec(t, "wazuh-5.1-dev.yaml").examples(t), "5.1", examples5)
}

// TestEveryFieldOfTheVendorsExamples runs each tool over the example that the
// vendor's API file has of its endpoint, and holds every value of it against
// the output: none is lost or changed but those that the table names.
func TestEveryFieldOfTheVendorsExamples(t *testing.T) {
	runExamples(t, withCounters(vendorSpec(t, "wazuh-4.14.7.yaml").examples(t)), "", examples4)
}

func runExamples(t *testing.T, bodies map[string]any, version string, table []example) {
	t.Helper()
	server := httptest.NewServer(serveExamples(t, bodies))
	t.Cleanup(server.Close)
	g := gatetest.New(t)
	c, err := wazuh.New(wazuh.Config{BaseURL: server.URL, Username: "vendor", Password: "example-password", Version: version, Guard: g.Guard})
	if err != nil {
		t.Fatal(err)
	}
	ops := map[string]gate.Op{}
	for _, op := range c.Ops() {
		ops[op.Name()] = op
	}
	for _, e := range table {
		t.Run(e.tool, func(t *testing.T) {
			res := evidence.Do(t, g, ops[e.tool], evidence.Call{Op: e.tool, Args: e.args})
			e.compare(t, bodies, output(t, res.Out))
		})
	}
}

// serveExamples serves the bodies, whatever the query.
func serveExamples(t *testing.T, bodies map[string]any) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	for path, body := range bodies {
		pattern := "GET " + path
		switch path {
		case "/":
			pattern += "{$}"
		case "/security/user/authenticate":
			pattern = "POST " + path
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			if err := json.NewEncoder(w).Encode(body); err != nil {
				t.Error(err)
			}
		})
	}
	return mux
}

func output(t *testing.T, v any) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// rows are the rows of a body; one without the usual envelope is a row itself.
func rows(t *testing.T, body any) []any {
	t.Helper()
	list := []any{body}
	if data, ok := body.(map[string]any)["data"].(map[string]any); ok {
		list = data["affected_items"].([]any)
	}
	if len(list) == 0 {
		t.Fatal("the example has no rows")
	}
	return list
}

func (e *example) compare(t *testing.T, bodies map[string]any, out map[string]any) {
	t.Helper()
	list := rows(t, bodies[e.path])
	if e.tool == "get_agent" {
		list = list[1:2]
	}
	want := maps.Clone(e.want)
	if want == nil {
		want = map[string]string{}
	}
	add := func(row any, at string, names map[string]string) {
		for path, v := range leaves(row) {
			name, kept := rename(names, path)
			if e.tool == "get_group_agents" && name == ".id" {
				v = "00" + v // the example has numbers there
			}
			key := strings.TrimPrefix(at+name, ".")
			if _, set := want[key]; kept && !set {
				want[key] = v
			}
		}
	}
	for i, r := range list {
		at := e.inner
		if e.list != "" {
			at = fmt.Sprintf("%s[%d]", e.list, i)
		}
		add(r, at, e.names)
	}
	for _, p := range e.more {
		add(rows(t, bodies[p.path])[0], p.at, p.names)
	}
	got := map[string]string{}
	for path, v := range leaves(out) {
		got[strings.TrimPrefix(path, ".")] = v
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s over the example of %s (-want +got):\n%s", e.tool, e.path, diff)
	}
	root := e.inner
	if e.list != "" {
		root = e.list + "[0]"
	}
	for name := range strings.FieldsSeq(e.has) {
		path := strings.TrimPrefix(root+"."+name, ".")
		if !absent[e.tool+" "+name] && !slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(p string) bool {
			rest, ok := strings.CutPrefix(p, path)
			return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
		}) {
			t.Errorf("%s: no %s", e.tool, name)
		}
	}
}

// absent are values that the first row of an example lacks or leaves empty.
var absent = map[string]bool{
	"get_agent_ports pid": true, "get_agent_ports process": true, "get_agent_ports state": true, "get_agent_ports remote.port": true, "get_agent_processes ppid": true,
	"list_decoders position": true,
}

// rename returns what the output calls path, and whether it has it at all.
func rename(names map[string]string, path string) (string, bool) {
	for from, to := range names {
		switch rest, ok := strings.CutPrefix(path, "."+from); {
		case !ok || rest != "" && rest[0] != '.' && rest[0] != '[':
		case to == ".":
			return rest, true
		default:
			return "." + to + rest, to != ""
		}
	}
	return path, true
}

// leaves are the values of v by path, as texts; a time with a zone is the
// instant, since servers write both Z and +00:00. What says nothing, such as
// an empty text or a 0, is as good as absent.
func leaves(v any) map[string]string {
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				walk(path+"."+k, e)
			}
		case []any:
			for i, e := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), e)
			}
		case float64:
			if v != 0 {
				out[path] = fmt.Sprintf("%.0f", v)
			}
		default:
			if s := strings.TrimSpace(fmt.Sprint(v)); s != "" && s != "0" && s != "false" && s != "<nil>" {
				if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
					s = at.UTC().Format(time.RFC3339Nano)
				}
				out[path] = s
			}
		}
	}
	walk("", v)
	return out
}
