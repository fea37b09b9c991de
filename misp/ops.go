package misp

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	return gate.On(c.guard, c.upstream,
		gate.Read("misp_get_event", c.GetEvent, "Fetch one event with its attributes, objects, tags and correlated events."),
		gate.Read("misp_search_attributes", c.SearchAttributes, "Search attributes (IOCs) over all events, newest first, a page at a time. Needs at least one filter."),
		gate.Read("misp_correlate", c.Correlate, "Find every event that has exactly this value, and what MISP correlates with it."),
		gate.Read("misp_get_related_events", c.GetRelatedEvents, "Find the events that share indicators with an event, or that have one value."),
		gate.Read("misp_check_warninglists", c.CheckWarninglists, "Say whether a value is on a warninglist of values that make poor indicators."),
		gate.Write("misp_add_attributes_bulk", c.AddAttributesBulk, "Add up to 100 attributes (IOCs) to an event and say what became of each. Unpublishes a published event.").
			Plan(c.planAddAttributesBulk),
		gate.Destructive("misp_publish_event", c.PublishEvent, "Publish an event to everybody whom its distribution allows, without e-mails. It can't be taken back.",
			gate.ConfirmOrEnv(envDestructive), gate.Leaves).Plan(c.planPublishEvent),
		gate.Destructive("misp_delete_event", c.DeleteEvent, "Delete an event and all that is in it for good; its UUID is blocked from then on.",
			gate.ConfirmOrEnv(envDestructive)).Plan(c.planDeleteEvent),
	)
}
