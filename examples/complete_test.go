package examples_test

import (
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestTheIDsInAPromptsArgumentsAreOffered types the beginning of an id into
// every argument that stands for one.
func TestTheIDsInAPromptsArgumentsAreOffered(t *testing.T) {
	t.Parallel()
	s := newSite(t, false)
	typed := map[string]string{"agent_id": "00", "alert_id": "", "caseId": "", "alertId": "~", "techniques": "T1078, T111", "priorityGroups": "G00"}
	offered := map[string]bool{}
	for _, server := range []string{"wazuh-mcp", "thehive-mcp", "mitre-mcp"} {
		cs := s.session(server)
		for p, err := range cs.Prompts(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range p.Arguments {
				begin, ok := typed[a.Name]
				if !ok || server == "mitre-mcp" && a.Name == "alertId" { // no tool of it lists alerts by their ids alone
					continue
				}
				res, err := cs.Complete(t.Context(), &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/prompt", Name: p.Name},
					Argument: mcp.CompleteParamsArgument{Name: a.Name, Value: begin}})
				if err != nil {
					t.Fatal(err)
				}
				if len(res.Completion.Values) == 0 {
					t.Errorf("%s: nothing is offered for %s of %s", server, a.Name, p.Name)
				}
				last := begin[strings.LastIndexByte(begin, ' ')+1:]
				for _, v := range res.Completion.Values {
					if v = v[strings.LastIndexByte(v, ',')+1:]; !strings.HasPrefix(v, last) {
						t.Errorf("%s: %q is offered for %q", server, v, begin)
					}
				}
				offered[a.Name] = true
			}
		}
	}
	for arg := range typed {
		if !offered[arg] {
			t.Errorf("no prompt has the argument %s", arg)
		}
	}
}
