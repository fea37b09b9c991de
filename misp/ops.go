package misp

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	return gate.InvalidAs(ErrInvalid, footprint.Limit(gate.On(c.guard, c.upstream,
		gate.Read("misp_search_events", briefly(c.SearchEvents), "Search threat events and reports, such as those of a campaign or malware family, newest first, without what is in them. Needs a filter.").Op(),
		gate.Read("misp_get_event", briefly(c.ShowEvent), "Fetch one event with its tags, indicators (attributes, objects) and correlated events.", gate.InParts("misp_search_attributes of the eventId")).Op(),
		gate.Write("misp_create_event", briefly(c.CreateEvent), "Create a MISP event (threat report, phishing campaign), unpublished, or find the one of that title and day.",
			gate.Idempotent).Plan(c.planCreateEvent).Op(),
		gate.Write("misp_update_event", c.UpdateEvent, "Change an event's title, threat level or analysis. Unpublishes the event.",
			gate.Idempotent).Plan(c.planUpdateEvent).Op(),
		gate.Destructive("misp_publish_event", c.PublishEvent, "Publish an event to all whom its distribution allows. It can't be taken back.",
			gate.ConfirmOrEnv(envDestructive), gate.Leaves).Plan(c.planPublishEvent).Op(),
		gate.Destructive("misp_delete_event", c.DeleteEvent, "Delete an event and all that is in it for good; its UUID is blocked from then on.",
			gate.ConfirmOrEnv(envDestructive)).Plan(c.planDeleteEvent).Op(),
		gate.Write("misp_tag_event", briefly(c.TagEvent), "Tag an event, or with remove and confirm remove a tag from it. Unpublishes the event.",
			gate.Idempotent, gate.ConfirmOrEnv(envDestructive)).Plan(c.planTagEvent).Op(),

		gate.Read("misp_search_attributes", briefly(c.SearchAttributes), "Search indicators: search attributes (IOCs: IP, hash, domain indicators) over all events, newest first. Needs a filter.").Op(),
		gate.Write("misp_add_attribute", c.AddAttribute, "Share an IOC: add an attribute (indicator) to an event, with tags. Unpublishes the event.",
			gate.Idempotent, gate.ActsOn(AddAttributeInput.actsOn)).Plan(c.planAddAttribute).Op(),
		gate.Write("misp_add_attributes_bulk", c.AddAttributesBulk, "Add up to 100 attributes (IOCs) to an event. Unpublishes the event.",
			gate.ActsOn(AddAttributesBulkInput.actsOn)).Plan(c.planAddAttributesBulk).Op(),
		gate.Destructive("misp_delete_attribute", c.DeleteAttribute, "Delete an attribute, or with hard and confirmHard for good. Unpublishes the event.",
			gate.ConfirmOrEnv(envDestructive), gate.ConfirmHard()).Plan(c.planDeleteAttribute).Op(),
		gate.Read("misp_correlate", briefly(c.Correlate), "Look up an IOC, a known bad indicator, in threat intelligence: lookup of every event that has (reported) this value: IP, domain, hash. What correlates with it.").Op(),
		gate.Read("misp_get_related_events", briefly(c.GetRelatedEvents), "Find the events that share indicators with an event, or that have one value.", gate.InParts("a smaller maxAttributes or perAttributeLimit")).Op(),
		gate.Read("misp_describe_types", c.DescribeTypes, "Say which attribute types and categories there are, and what is usual for each type.", gate.InParts("one category, or search")).Op(),

		gate.Read("misp_list_tags", c.ListTags, "List tags by name with how often each is used.").Op(),
		gate.Read("misp_search_by_tag", briefly(c.SearchByTag), "Find the events, or the attributes, that have a tag.").Op(),

		gate.Read("misp_export_iocs", c.ExportIOCs, "Export attributes (IOCs) for other tools: CSV, STIX 2.1, Suricata, Snort, text, RPZ, … Needs a filter.").Op(),
		gate.Read("misp_export_hashes", c.ExportHashes, "Export MD5, SHA-1 or SHA-256 hashes for detection, of published events.").Op(),

		gate.Read("misp_blocklist", c.Blocklist, "Blocklist: addresses, domains, URLs or hashes to block, without what is on a warninglist, with what came and went.").Op(),
		gate.Write("misp_import_stix", briefly(c.ImportSTIX), "Import a STIX 2 file (bundle) as an event, unpublished; says what is lost.",
			gate.ActsOn(c.imported)).Plan(c.planImportSTIX).Op(),

		gate.Read("misp_list_proposals", briefly(c.ListProposals), "List what others propose for our events, and what we proposed for theirs.").Op(),
		gate.Write("misp_propose_attribute", c.ProposeAttribute, "Propose an attribute (IOC), or a change of one, for an event of another organisation, which decides on it.",
			gate.Idempotent, gate.Leaves, gate.ActsOn(ProposeAttributeInput.actsOn)).Plan(c.planProposeAttribute).Op(),
		gate.Write("misp_accept_proposal", c.AcceptProposal, "Accept a proposal for an event of ours. Unpublishes the event.").Plan(c.planAcceptProposal).Op(),
		gate.Write("misp_discard_proposal", c.DiscardProposal, "Turn down a proposal for an event of ours.").Plan(c.planDiscardProposal).Op(),

		gate.Write("misp_add_sighting", c.AddSighting, "Report a sighting: an indicator (attribute, or every one with a value) was seen; or with confirm is a false positive or expired.",
			gate.Confirm()).Plan(c.planAddSighting).Op(),
		gate.Read("misp_check_warninglists", c.CheckWarninglists, "Check warning lists: whether a value (IP, domain) is known as benign, a false positive.").Op(),

		gate.Read("misp_list_object_templates", c.ListObjectTemplates, "List the templates of objects, by name.").Op(),
		gate.Read("misp_get_object_template", c.GetObjectTemplate, "Fetch an object template with the attributes that an object of it can have.").Op(),
		gate.Write("misp_add_object", briefly(c.AddObject), "Add an object to an event, checked against its template. Unpublishes the event.",
			gate.Idempotent, gate.ActsOn(AddObjectInput.actsOn)).Plan(c.planAddObject).Op(),
		gate.Destructive("misp_delete_object", c.DeleteObject, "Delete an object, or with hard and confirmHard for good. Unpublishes the event.",
			gate.ConfirmOrEnv(envDestructive), gate.ConfirmHard()).Plan(c.planDeleteObject).Op(),

		gate.Read("misp_list_galaxies", c.ListGalaxies, "List the galaxies, by name.").Op(),
		gate.Read("misp_get_galaxy", c.GetGalaxy, "Fetch a galaxy with its clusters.").Op(),
		gate.Read("misp_search_galaxy_clusters", c.SearchGalaxyClusters, "Find clusters such as ATT&CK techniques or groups by name, id or synonym.").Op(),
		gate.Write("misp_attach_galaxy_cluster", c.AttachGalaxyCluster, "Link a galaxy cluster, such as an ATT&CK technique or actor, to a MISP event or attribute. Unpublishes the event.",
			gate.Idempotent).Plan(c.planAttachGalaxyCluster).Op(),

		gate.Read("misp_list_feeds", c.ListFeeds, "List the feeds, by name, without their credentials.").Op(),
		gate.Write("misp_toggle_feed", c.ToggleFeed, "Enable or disable a feed (switch on or off).", gate.Idempotent).Plan(c.planToggleFeed).Op(),
		gate.Write("misp_fetch_feed", c.FetchFeed, "Bring what a feed has into MISP, as events.").Plan(c.planFetchFeed).Op(),
		gate.Write("misp_cache_feed", c.CacheFeed, "Copy what a feed has into MISP's cache, for comparison; no events are made.",
			gate.Idempotent).Plan(c.planCacheFeed).Op(),

		gate.Read("misp_list_organisations", c.ListOrganisations, "List the organisations, by name.").Op(),
		gate.Read("misp_get_organisation", c.GetOrganisation, "Fetch one organisation.").Op(),
		gate.Read("misp_list_sharing_groups", c.ListSharingGroups, "List the sharing groups that the key may use, with their members.").Op(),
		gate.Read("misp_server_status", c.ServerStatus, "Tell the version of the server, what the key may do, and on request its own checks.").Op(),
	))...)
}
