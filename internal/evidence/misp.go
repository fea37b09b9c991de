package evidence

// MISP returns a call of each operation of package misp, for a misptest.Server
// after SeedIncident, in an order in which all succeed.
func MISP() []Call {
	return []Call{
		{Op: "misp_get_event", Args: `{"eventId":"1"}`},
		{Op: "misp_search_attributes", Args: `{"value":"198.51.100.23","type":"ip-src"}`},
		{Op: "misp_correlate", Args: `{"value":"198.51.100.23"}`},
		{Op: "misp_get_related_events", Args: `{"value":"198.51.100.23"}`},
		{Op: "misp_check_warninglists", Args: `{"value":"198.51.100.23"}`},
		{Op: "misp_add_attributes_bulk", Args: `{"eventId":"4","attributes":[{"type":"ip-src","value":"198.51.100.23","category":"Network activity"}]}`},
		{Op: "misp_publish_event", Args: `{"eventId":"7","confirm":true}`},
		{Op: "misp_delete_event", Args: `{"eventId":"4","confirm":true}`},
	}
}
