package soc

import (
	"context"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate/connect"
)

// Checkers returns the clients of all that is configured, to prove them.
func (c *Client) Checkers() []connect.Checker {
	list := []connect.Checker{data{c.attack}}
	if c.wazuh != nil {
		list = append(list, c.wazuh)
	}
	if c.hive != nil {
		list = append(list, c.hive)
	}
	if c.cortex != nil {
		list = append(list, c.cortex)
	}
	if c.misp != nil {
		list = append(list, c.misp)
	}
	return list
}

// data proves ATT&CK's.
type data struct{ client *attack.Client }

// Check says which ATT&CK is loaded, if it can be.
func (d data) Check(ctx context.Context) []connect.Finding {
	f := connect.Finding{Of: "ATT&CK", Leg: "data", Status: connect.Healthy}
	v, err := d.client.DataVersion(ctx, attack.DataVersionInput{})
	switch {
	case err != nil:
		f.Status, f.Message, f.Advice = connect.Broken, err.Error(), "mend the bundles in MITRE_DATA_DIR, or leave it out"
	case v.Fallback != "":
		f.Status, f.Message, f.Advice = connect.Warning, v.Fallback, "put MITRE's bundles into MITRE_DATA_DIR, or set MITRE_UPDATE_FROM and call mitre_update_data"
	default:
		var loaded []string
		for _, one := range v.Domains {
			loaded = append(loaded, strings.TrimSpace(string(one.Domain)+" "+one.Version))
		}
		f.Message = strings.Join(loaded, ", ") + ", " + string(v.Source)
	}
	return []connect.Finding{f}
}
