package cortex

import "github.com/sallyport-soc/sallyport/gate"

// Resources lists what can be read under a fixed address.
func (c *Client) Resources() []gate.Resource {
	ops := map[string]gate.Op{}
	for _, op := range c.Ops() {
		ops[op.Name()] = op
	}
	return []gate.Resource{
		{
			URI: "cortex://analyzers", Name: "Enabled analyzers", Doc: "Every analyzer that is enabled in the organisation.",
			Op: ops["cortex_list_analyzers"], In: &ListAnalyzersInput{},
		},
		{
			URI: "cortex://analyzer-definitions", Name: "Analyzer definitions", Doc: "The analyzers that the server has, enabled or not.",
			Op: ops["cortex_list_analyzer_definitions"], In: &ListAnalyzerDefinitionsInput{ListDefinitionsInput{Limit: 500}},
		},
		{
			URI: "cortex://responder-definitions", Name: "Responder definitions", Doc: "The responders that the server has, enabled or not.",
			Op: ops["cortex_list_responder_definitions"], In: &ListResponderDefinitionsInput{ListDefinitionsInput{Limit: 500}},
		},
		{
			URI: "cortex://jobs/recent", Name: "Recent jobs", Doc: "The 50 newest jobs of the organisation.",
			Op: ops["cortex_list_jobs"], In: &ListJobsInput{Limit: 50},
		},
	}
}
