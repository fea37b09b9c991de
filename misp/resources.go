package misp

import "github.com/sallyport-soc/sallyport/gate"

// Resources lists what can be read under a fixed address.
func (c *Client) Resources() []gate.Resource {
	types := gate.Read("misp_types", c.DescribeTypes, "The attribute types and categories.").Op()
	counts := gate.Read("misp_statistics", c.statistics, "What the server holds, counted by itself.").Op()
	vocabularies := gate.Read("misp_taxonomies", c.taxonomies, "The taxonomies: those in use described, the others by name.").Op()
	gate.On(c.guard, c.upstream, types, counts, vocabularies)
	return []gate.Resource{
		{URI: "misp://types", Name: "Attribute types", Doc: "Which attribute types and categories there are, and what is usual for each type.", Op: types, In: &DescribeTypesInput{}},
		{URI: "misp://statistics", Name: "Statistics", Doc: "How many events, attributes, correlations and organisations the server holds.", Op: counts, In: &nothing{}},
		{URI: "misp://taxonomies", Name: "Taxonomies", Doc: "Which vocabularies of tags are in use, and which others there are.", Op: vocabularies, In: &nothing{}},
	}
}
