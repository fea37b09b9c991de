package attack

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier.
func (c *Client) Ops() []gate.Op {
	return []gate.Op{
		gate.Read("mitre_get_technique", c.GetTechnique,
			"Describe one ATT&CK technique: tactics, platforms, groups, software, mitigations, detection, procedures."),
		gate.Read("mitre_navigator_layer", c.NavigatorLayer,
			"Make an ATT&CK Navigator layer of coverage, a group, a campaign, techniques, or the diff of two groups."),
	}
}
