package command

import "github.com/sallyport-soc/sallyport/mcpadapter"

// idSources are where the ids in the arguments of prompts come from. A server
// without the tool offers none.
var idSources = []mcpadapter.Completion{
	{Args: []string{"agent_id"}, Tool: "list_agents", In: map[string]any{"limit": 100}, List: "agents", ID: "id"},
	{Args: []string{"alert_id"}, Tool: "get_alerts", In: map[string]any{"limit": 20}, List: "alerts", ID: "id"},
	{Args: []string{"caseId"}, Tool: "thehive_list_cases", In: map[string]any{"limit": 50}, List: "cases", ID: "number"},
	{Args: []string{"alertId"}, Tool: "thehive_list_alerts", In: map[string]any{"limit": 50}, List: "alerts", ID: "_id"},
	{Args: []string{"eventId"}, Tool: "misp_search_events", In: map[string]any{"limit": 50}, List: "events", ID: "id"},
	{Args: []string{"techniques", "techniqueId"}, Tool: "mitre_search_techniques", In: map[string]any{"limit": 500, "isSubtechnique": false}, List: "items", ID: "id"},
	{Args: []string{"tacticId"}, Tool: "mitre_list_tactics", List: "tactics", ID: "id"},
	{Args: []string{"priorityGroups", "groupId"}, Tool: "mitre_list_groups", In: map[string]any{"limit": 500}, List: "items", ID: "id"},
}
