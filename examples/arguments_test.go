package examples_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
)

// A form is an argument of a kind that people write in several ways: %s in the
// arguments stands for it.
type form struct {
	tool, argument, args string
	address              bool // takes no other value
}

// values are the arguments for the value of an indicator.
var values = []form{
	{"get_alerts", "ip", `{"ip":"%s"}`, true},
	{"get_alerts", "source_ip", `{"source_ip":"%s"}`, true},
	{"get_alerts", "destination_ip", `{"destination_ip":"%s"}`, true},
	{"get_alerts", "domain", `{"domain":"%s"}`, false},
	{"get_alerts", "search", `{"search":"%s"}`, false},
	{"search_alerts", "query", `{"query":"%s"}`, false},
	{"wazuh_alert_stats", "ip", `{"ip":"%s"}`, true},
	{"wazuh_alert_stats", "source_ip", `{"source_ip":"%s"}`, true},
	{"wazuh_alert_stats", "destination_ip", `{"destination_ip":"%s"}`, true},
	{"wazuh_alert_stats", "domain", `{"domain":"%s"}`, false},
	{"wazuh_alert_stats", "search", `{"search":"%s"}`, false},
	{"wazuh_active_response", "value", `{"response":"block-address","agents":["007"],"value":"%s","reason":"it guesses passwords"}`, true},
	{"wazuh_undo_response", "value", `{"response":"block-address","agents":["007"],"value":"%s"}`, true},
	{"mitre_wazuh_alerts", "search", `{"search":"%s"}`, false},
	{"cortex_analyze_observable", "data", `{"data":"%s","analyzers":["Abuse_Finder_3_0"],"force":true}`, false},
	{"cortex_run_analyzer", "data", `{"analyzerId":"` + analyzer() + `","data":"%s","dataType":"ip","tlp":2,"pap":2}`, true},
	{"cortex_run_analyzer_by_name", "data", `{"analyzerName":"Abuse_Finder_3_0","data":"%s","dataType":"ip","tlp":2,"pap":2}`, true},
	{"cortex_list_jobs", "data", `{"data":"%s"}`, false},
	{"mitre_cortex_run_analyzers", "data", `{"data":"%s","dataType":"ip","analyzers":["Abuse_Finder_3_0"]}`, true},
	{"thehive_search_observables", "data", `{"data":"%s"}`, false},
	{"thehive_create_observable", "data", `{"caseId":"2","dataType":"ip","data":"%s"}`, true},
	{"thehive_create_observable_bulk", "data", `{"caseId":"2","dataType":"ip","data":["%s"]}`, true},
	{"thehive_create_alert", "observables[].data", `{"type":"test","source":"test","sourceRef":"1","title":"t","description":"d","observables":[{"dataType":"ip","data":"%s"}]}`, true},
	{"mitre_thehive_create_case", "observables[].data", `{"title":"t","techniques":["T1110"],"observables":[{"dataType":"ip","data":"%s"}],"confirm":true}`, true},
	{"misp_search_attributes", "value", `{"value":"%s"}`, false},
	{"misp_search_events", "value", `{"value":"%s"}`, false},
	{"misp_correlate", "value", `{"value":"%s"}`, false},
	{"misp_get_related_events", "value", `{"value":"%s"}`, false},
	{"misp_check_warninglists", "value", `{"value":"%s"}`, false},
	{"misp_export_iocs", "value", `{"format":"csv","value":"%s"}`, false},
	{"misp_add_attribute", "value", `{"eventId":"4","type":"ip-src","value":"%s"}`, true},
	{"misp_add_attributes_bulk", "attributes[].value", `{"eventId":"4","attributes":[{"type":"ip-src","value":"%s"}]}`, true},
	{"misp_add_object", "attributes[].value", `{"eventId":"4","templateName":"domain-ip","attributes":[{"object_relation":"ip","type":"ip-dst","value":"%s"}]}`, true},
	{"misp_propose_attribute", "value", `{"eventId":"1","type":"ip-dst","category":"Network activity","value":"%s"}`, true},
	{"misp_add_sighting", "value", `{"type":0,"value":"%s"}`, false},
	{"mitre_misp_create_event", "attributes[].value", `{"info":"i","techniques":["T1110"],"attributes":[{"type":"ip-src","value":"%s"}],"confirm":true}`, true},
}

// analyzer returns the id of one that takes addresses.
func analyzer() string {
	for _, c := range evidence.Cortex() {
		var in struct{ AnalyzerID string }
		if c.Op == "cortex_run_analyzer" && json.Unmarshal([]byte(c.Args), &in) == nil {
			return in.AnalyzerID
		}
	}
	panic("the evidence runs no analyzer")
}

// others have the name of such an argument and are something else.
var others = []string{"cortex_run_responder data", "mitre_detection_coverage domain", "mitre_navigator_layer domain", "mitre_search_techniques domain",
	"wazuh_apply_tuning conditions[].value", "wazuh_tune_preview conditions[].value"}

// arguments yields the path of every argument of a tool that is a text, or a list
// of them.
func arguments(tool *mcp.Tool) (list []string) {
	var walk func(schema any, path string)
	walk = func(schema any, path string) {
		m, _ := schema.(map[string]any)
		props, _ := m["properties"].(map[string]any)
		for name, p := range props {
			list = append(list, path+name)
			walk(p, path+name+".")
			about, _ := p.(map[string]any)
			walk(about["items"], path+name+"[].")
		}
	}
	walk(tool.InputSchema, "")
	return list
}

// TestAValueIsUnderstoodHoweverItIsDefanged gives every argument for a value one
// that nobody can click on by mistake, and wants the answer to tell what it was
// taken for, be it found, proposed or unknown.
func TestAValueIsUnderstoodHoweverItIsDefanged(t *testing.T) {
	t.Parallel()
	r := newResults(t, "soc-mcp")
	cs := r.connect([]string{"WAZUH_ALLOW_RESPONSE=true", "WAZUH_ALLOW_ACTIVE_RESPONSE=true"})
	tested := map[string]bool{}
	for _, v := range values {
		tested[v.tool+" "+v.argument] = true
	}
	for tool, err := range cs.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range arguments(tool) {
			name := a[strings.LastIndex(a, ".")+1:]
			if slices.Contains([]string{"value", "data", "ip", "source_ip", "destination_ip", "domain"}, name) && !tested[tool.Name+" "+a] && !slices.Contains(others, tool.Name+" "+a) {
				t.Errorf("%s: %s isn't tried", tool.Name, a)
			}
		}
	}
	for _, v := range values {
		for written, plain := range map[string]string{"198[.]51[.]100[.]23": "198.51.100.23", "198(dot)51[dot]100(.)23": "198.51.100.23", "hxxps://evil[.]example/x": "https://evil.example/x", "evil[.]example": "evil.example", "meow[:]//evil[.]example": "http://evil.example"} {
			if v.address && !strings.HasPrefix(plain, "198") || v.argument == "domain" && !strings.HasPrefix(plain, "evil") {
				continue // of another kind
			}
			args := strings.ReplaceAll(v.args, "%s", written)
			res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: v.tool, Arguments: json.RawMessage(args)})
			if err != nil {
				t.Fatal(err)
			}
			if said := text(res); !strings.Contains(said, plain) {
				t.Errorf("%s(%s) doesn't tell that it is %s: %.400s", v.tool, args, plain, said)
			}
		}
	}
}
