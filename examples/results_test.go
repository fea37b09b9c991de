package examples_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// facts are calls of the tools of package attack.
var facts = []evidence.Call{
	{Op: "mitre_attack_path", Args: `{"startTechnique":"T1566.001","targetTactic":"execution"}`},
	{Op: "mitre_campaign_profile", Args: `{"techniques":["T1566.001","T1059.001"]}`},
	{Op: "mitre_data_version", Args: `{}`},
	{Op: "mitre_detection_coverage", Args: `{"availableDataSources":["Process"]}`},
	{Op: "mitre_get_campaign", Args: `{"campaignId":"C0024"}`},
	{Op: "mitre_get_datasource", Args: `{"dataSourceId":"DS0009"}`},
	{Op: "mitre_get_datasource", Args: `{"name":"Process Creation"}`},
	{Op: "mitre_get_group", Args: `{"groupId":"G0016"}`},
	{Op: "mitre_get_mitigation", Args: `{"mitigationId":"M1032"}`},
	{Op: "mitre_get_software", Args: `{"softwareId":"S0154"}`},
	{Op: "mitre_get_tactic", Args: `{"tacticId":"TA0006"}`},
	{Op: "mitre_get_technique", Args: `{"techniqueId":"T1110"}`},
	{Op: "mitre_list_campaigns", Args: `{}`},
	{Op: "mitre_list_groups", Args: `{"limit":500}`},
	{Op: "mitre_list_tactics", Args: `{}`},
	{Op: "mitre_map_alert_to_technique", Args: `{"alertType":"PowerShell encoded command","indicators":["powershell.exe -enc"],"platform":"Windows"}`},
	{Op: "mitre_mitigations_for_technique", Args: `{"techniqueId":"T1110"}`},
	{Op: "mitre_navigator_layer", Args: `{"mode":"diff","compareGroupIds":["G0007","G0016"]}`},
	{Op: "mitre_search_campaigns", Args: `{"query":"solar"}`},
	{Op: "mitre_search_groups", Args: `{"query":"bear","technique":"T1566.001"}`},
	{Op: "mitre_search_mitigations", Args: `{"query":"password"}`},
	{Op: "mitre_search_software", Args: `{"query":"cobalt"}`},
	{Op: "mitre_search_techniques", Args: `{"query":"brute"}`},
	{Op: "mitre_technique_overlap", Args: `{"groupIds":["G0007","G0016"]}`},
}

// across are calls of the tools of package soc.
var across = []evidence.Call{
	{Op: "mitre_wazuh_status", Args: `{}`},
	{Op: "mitre_wazuh_alerts", Args: `{"limit":3}`},
	{Op: "mitre_soc_coverage", Args: `{}`},
	{Op: "mitre_wazuh_rule_coverage", Args: `{"alerts":true,"cases":true}`},
	{Op: "mitre_thehive_list_cases", Args: `{"techniqueFilter":"T1110"}`},
	{Op: "mitre_cortex_analyzer_coverage", Args: `{}`},
	{Op: "mitre_cortex_run_analyzers", Args: `{"data":"198.51.100.23","dataType":"ip","analyzers":["Abuse_Finder_3_0"]}`}, // a dry run
	{Op: "mitre_cortex_run_analyzers", Args: `{"data":"198.51.100.23","dataType":"ip","analyzers":["Abuse_Finder_3_0"],"confirm":true}`},
	{Op: "mitre_misp_event_to_attack", Args: `{"eventId":"1"}`},
	{Op: "mitre_misp_search_indicators", Args: `{"techniqueId":"T1110"}`},
	{Op: "mitre_misp_list_events", Args: `{}`},
	{Op: "mitre_misp_create_event", Args: `{"info":"Results","techniques":["T1110"],"attributes":[{"type":"ip-src","value":"198.51.100.77"}],"confirm":true}`},
	{Op: "mitre_soc_coverage", Args: `{"groups":["APT29"],"form":"layer"}`},
	{Op: "mitre_soc_status", Args: `{}`},
	{Op: "soc_handover", Args: `{"page":"markdown"}`},
	{Op: "soc_evidence_bundle", Args: `{"alertId":"` + wazuhtest.AlertFailThenWin + `","caseId":"` + thehivetest.BruteForceCase + `"}`},
	{Op: "mitre_map_wazuh_alert", Args: `{"ruleId":5710}`},
	{Op: "mitre_cross_correlate", Args: `{"techniques":["T1110","T1078"]}`},
	{Op: "mitre_thehive_enrich", Args: `{"caseId":"` + thehivetest.BruteForceCase + `"}`}, // a read
	{Op: "mitre_thehive_enrich", Args: `{"caseId":"` + thehivetest.BruteForceCase + `","techniques":["T1078"],"addTags":true}`},
	{Op: "mitre_thehive_create_case", Args: `{"title":"Results","techniques":["T1110"],"observables":[{"dataType":"ip","data":"198.51.100.23"}],"confirm":true}`},
}

// A bundle has one tactic and one technique.
const bundle = `{"type":"bundle","id":"bundle--1","objects":[
{"type":"x-mitre-collection","id":"x-mitre-collection--1","name":"ICS ATT&CK","x_mitre_version":"17.1"},
{"type":"x-mitre-matrix","id":"x-mitre-matrix--1","name":"ICS","tactic_refs":["x-mitre-tactic--1"],
 "external_references":[{"source_name":"mitre-attack","external_id":"ics-attack"}]},
{"type":"x-mitre-tactic","id":"x-mitre-tactic--1","name":"Impact","x_mitre_shortname":"impact",
 "external_references":[{"source_name":"mitre-attack","external_id":"TA0105"}]},
{"type":"attack-pattern","id":"attack-pattern--1","name":"One","kill_chain_phases":[{"kill_chain_name":"mitre-ics-attack","phase_name":"impact"}],
 "external_references":[{"source_name":"mitre-attack","external_id":"T0801"}]}]}`

// maxAnswer is what an answer may have by default, about 8000 tokens, with what
// is said around it.
const maxAnswer = 24<<10 + 2<<10

// served are the calls of each server's tools, in an order in which all succeed.
func served() map[string][]evidence.Call {
	m := map[string][]evidence.Call{
		"wazuh-mcp": evidence.Wazuh(), "thehive-mcp": evidence.TheHive(), "cortex-mcp": evidence.Cortex(), "misp-mcp": evidence.MISP(),
		"mitre-mcp": slices.Concat(across, facts),
	}
	// What joins the platforms comes first: the others delete cases too.
	all := slices.Concat(m["mitre-mcp"], m["wazuh-mcp"], m["cortex-mcp"], m["misp-mcp"], m["thehive-mcp"])
	for i, c := range all {
		if c.Op == "cortex_run_responder" { // beside TheHive it takes no data of a case
			all[i].Args = `{"responderId":"Mailer_1_0","objectType":"case","objectId":"` + thehivetest.BruteForceCase + `","confirm":true}`
		}
	}
	m["soc-mcp"] = all
	for server := range m {
		m[server] = append(m[server], evidence.Call{Op: statusTool(server), Args: `{}`})
	}
	return m
}

// results is a server whose answers are checked.
type results struct {
	t      *testing.T
	server string
	site   *site
	signer *gate.Signer
	env    []string // of the site, without what opens a lock
	reads  map[string]bool
	schema map[string]*jsonschema.Resolved // of the output of each tool
	called map[string]bool
}

// unbounded is a policy with room for all calls.
const unbounded = `{"budgets":{"writes_per_hour":9999,"destructive_per_hour":9999,"proposals_per_hour":9999,"pending":9999},
"breaker":{"destructive_in_10s":9999,"denials":9999,"unknown_outcomes":9999},
` + evidence.ResponsesJSON + `}`

// newResults starts a lab for server, behind a gate without bounds.
func newResults(t *testing.T, server string) *results {
	t.Helper()
	s := newSite(t, false)
	policy := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(policy, []byte(unbounded), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &results{t: t, server: server, site: s, called: map[string]bool{}, env: append(s.env, "SALLYPORT_POLICY="+policy)}
	if server == "cortex-mcp" || server == "soc-mcp" {
		r.env = append(r.env, "CORTEX_API_KEY="+cortextest.AdminKey, "CORTEX_KEY_DIR="+t.TempDir())
	}
	var err error
	if r.signer, err = gate.NewSigner("second-operator"); err != nil {
		t.Fatal(err)
	}
	if err := gate.AddApprover(s.state, r.signer.Approver()); err != nil {
		t.Fatal(err)
	}
	return r
}

// connect starts the server with more in its environment.
func (r *results) connect(env []string, args ...string) *mcp.ClientSession {
	r.t.Helper()
	cmd := exec.Command(r.site.program(r.server), args...)
	cmd.Env = slices.Concat(r.env, env)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cs, err := mcp.NewClient(&mcp.Implementation{Name: "results", Version: "v1"}, nil).Connect(r.t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", r.server, err, stderr.String())
	}
	r.t.Cleanup(func() { _ = cs.Close() })
	return cs
}

// list reads the tools of a server and their schemas.
func (r *results) list(cs *mcp.ClientSession) {
	r.t.Helper()
	r.reads, r.schema = map[string]bool{}, map[string]*jsonschema.Resolved{}
	for tool, err := range cs.Tools(r.t.Context(), nil) {
		if err != nil {
			r.t.Fatal(err)
		}
		r.reads[tool.Name] = tool.Annotations.ReadOnlyHint
		if tool.Name == mcpadapter.CallTool {
			continue // it promises nothing of what it passes on
		}
		var s jsonschema.Schema
		b, err := json.Marshal(tool.OutputSchema)
		if err == nil {
			err = json.Unmarshal(b, &s)
		}
		if err == nil {
			r.schema[tool.Name], err = s.Resolve(nil)
		}
		if err != nil || s.Type != "object" || len(s.Properties) == 0 {
			r.t.Fatalf("%s: output schema %s: %v", tool.Name, b, err)
		}
	}
}

// once makes a call and holds the answer to the rules of the clients: that of a success
// has structured content, which keeps to the schema, as an error's does; the text is the
// same JSON.
func (r *results) once(cs *mcp.ClientSession, c evidence.Call) (res *mcp.CallToolResult, status, id string) {
	r.t.Helper()
	res, err := cs.CallTool(r.t.Context(), &mcp.CallToolParams{Name: c.Op, Arguments: json.RawMessage(c.Args)})
	if err != nil {
		r.t.Fatalf("%s(%s): %v", c.Op, c.Args, err)
	}
	switch schema := r.schema[c.Op]; {
	case res.StructuredContent == nil && !res.IsError:
		r.t.Errorf("%s: no structured content", c.Op)
	case res.StructuredContent == nil || schema == nil:
	default:
		if err := schema.Validate(res.StructuredContent); err != nil {
			r.t.Errorf("%s(%s) does not keep to its schema: %v\n%.2000s", c.Op, c.Args, err, text(res))
		}
	}
	if b, err := json.Marshal(res.StructuredContent); err != nil || len(b) > maxAnswer || len(text(res)) > maxAnswer {
		r.t.Errorf("%s(%s): an answer of %d bytes, in text %d; %v", c.Op, c.Args, len(b), len(text(res)), err)
	}
	m, _ := res.StructuredContent.(map[string]any)
	for _, at := range epochs("", m) {
		r.t.Errorf("%s(%s) has a time that nobody can read: %s", c.Op, c.Args, at)
	}
	var same map[string]any
	if err := json.Unmarshal([]byte(text(res)), &same); err != nil || len(res.Content) != 1 || !reflect.DeepEqual(same, m) {
		r.t.Errorf("%s(%s) says %d things, %v:\n%.2000s\n%v", c.Op, c.Args, len(res.Content), err, text(res), m)
	}
	status, _ = m["status"].(string)
	id, _ = m["proposal"].(string)
	return res, status, id
}

// succeeds makes a call, approves it if it waits, and makes it again.
func (r *results) succeeds(cs *mcp.ClientSession, c evidence.Call) {
	r.t.Helper()
	res, status, id := r.once(cs, c)
	if status == string(gate.StatePending) && id != "" {
		j, err := gate.OpenJournal(r.site.state)
		if err != nil {
			r.t.Fatal(err)
		}
		p, err := j.Proposal(id)
		if err == nil {
			err = j.Approve(id, p.Digest, r.signer)
		}
		_ = j.Close()
		if err != nil {
			r.t.Fatal(err)
		}
		if res, status, _ = r.once(cs, c); status != string(gate.StateExecuted) {
			r.t.Errorf("%s(%s) after approval: %s", c.Op, c.Args, text(res))
		}
	}
	if res.IsError {
		r.t.Errorf("%s(%s): %s", c.Op, c.Args, text(res))
	}
	r.called[c.Op] = true
}

// TestEveryToolsResultsKeepToItsOutputSchema calls every tool of every server
// and holds what comes to the schema in the server's list of tools: answers
// that wait, that were executed, that are cut as far as can be, refusals, what is said of
// wrong arguments, and of platforms that aren't there.
func TestEveryToolsResultsKeepToItsOutputSchema(t *testing.T) {
	t.Parallel()
	for server, calls := range served() {
		t.Run(server, func(t *testing.T) {
			r := newResults(t, server)
			open := map[string]string{}
			for _, c := range calls {
				maps.Copy(open, c.Env)
			}
			if _, ok := open["CORTEX_SUPERADMIN_KEY"]; ok {
				open["CORTEX_SUPERADMIN_KEY"] = cortextest.SuperadminKey
			}
			var env []string
			for name, value := range open {
				env = append(env, name+"="+value)
			}
			shut, small, cs := r.connect(nil), r.connect(env, "-max-response", "2048"), r.connect(env)
			lost := r.connect(append(nowhere(r.env), env...))
			r.list(cs)
			refused, cut, failed := 0, 0, 0
			for _, c := range calls {
				if !r.called[c.Op] {
					if res, status, _ := r.once(cs, evidence.Call{Op: c.Op, Args: `{"no_such_argument":1}`}); !res.IsError || status != "invalid" && c.Op != mcpadapter.CallTool {
						t.Errorf("%s takes an argument that it hasn't: %s", c.Op, text(res))
					}
					if _, status, _ := r.once(lost, c); status == "failed" {
						failed++
					}
				}
				if len(c.Env) > 0 && c.Env["CORTEX_SUPERADMIN_KEY"] == "" {
					if res, _, _ := r.once(shut, c); !res.IsError {
						t.Errorf("%s runs though its lock is shut: %s", c.Op, text(res))
					}
					refused++
				}
				if r.reads[c.Op] {
					res, _, _ := r.once(small, c)
					if strings.Contains(text(res), `"_truncated"`) {
						cut++
					}
				}
				r.succeeds(cs, c)
			}
			if r.reads["mitre_data_version"] {
				r.update()
			}
			for name := range r.reads {
				if !r.called[name] {
					t.Errorf("%s has no call: nothing is known of its results", name)
				}
			}
			t.Logf("%d tools, %d calls, %d refused first, %d cut, %d failed first", len(r.reads), len(calls), refused, cut, failed)
			if cut == 0 || failed == 0 {
				t.Errorf("%d answers were cut, %d calls failed: nothing is tested", cut, failed)
			}
		})
	}
}

// nowhere is env with every platform at an address that nobody is at.
func nowhere(env []string) (list []string) {
	for _, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); strings.HasSuffix(name, "_URL") {
			list = append(list, name+"=http://127.0.0.1:9", strings.TrimSuffix(name, "URL")+"RETRY=false")
		}
	}
	return list
}

// update calls the tool that needs bundles of its own.
func (r *results) update() {
	r.t.Helper()
	from, data := r.t.TempDir(), r.t.TempDir()
	for file, text := range map[string]string{
		filepath.Join(data, "ics-attack.json"):      bundle,
		filepath.Join(from, "ics-attack-99.0.json"): strings.ReplaceAll(bundle, "17.1", "99.0"),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	cs := r.connect([]string{"MITRE_DATA_DIR=" + data, "MITRE_UPDATE_FROM=" + from, "MITRE_MATRICES=ics"})
	r.succeeds(cs, evidence.Call{Op: "mitre_update_data", Args: `{}`})
}

// TestADynamicServersAnswersKeepToTheirSchemas calls the tools that find others,
// and through them one.
func TestADynamicServersAnswersKeepToTheirSchemas(t *testing.T) {
	t.Parallel()
	r := newResults(t, "soc-mcp")
	cs := r.connect(nil, "-dynamic")
	r.list(cs)
	for _, c := range []evidence.Call{
		{Op: mcpadapter.FindTool, Args: `{"query":"case"}`},
		{Op: mcpadapter.DescribeTool, Args: `{"name":"thehive_create_case"}`},
		{Op: mcpadapter.CallTool, Args: `{"name":"mitre_get_technique","arguments":{"techniqueId":"T1110"}}`},
		{Op: mcpadapter.StatusTool, Args: `{}`},
	} {
		r.succeeds(cs, c)
	}
	if len(r.called) != len(r.reads) {
		t.Errorf("called %v of %v", r.called, r.reads)
	}
}

// text returns the text of a result.
func text(res *mcp.CallToolResult) string {
	var b strings.Builder
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			b.WriteString(t.Text)
		}
	}
	return b.String()
}
