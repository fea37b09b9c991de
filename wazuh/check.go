package wazuh

import (
	"context"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
)

// Check proves each leg of the way to the server and to the indexer, as
// [Client.DiagnoseConnection] does.
func (c *Client) Check(ctx context.Context) []connect.Finding {
	d, err := c.DiagnoseConnection(ctx, DiagnoseConnectionInput{})
	if err != nil {
		return []connect.Finding{{Of: "Wazuh", Leg: connect.LegAnswer, Status: connect.Broken, Message: err.Error(), Advice: "try again"}}
	}
	var list []connect.Finding
	for _, check := range d.Checks {
		of, leg, _ := strings.Cut(check.Name, " ")
		list = append(list, connect.Finding{Of: "Wazuh " + of, Leg: connect.Leg(leg), Status: check.Status, Message: check.Message, Advice: check.Advice})
	}
	return list
}

// isPattern reports whether the address of an indexer has an index behind it,
// as people copy it from a search.
func isPattern(address string) bool {
	return strings.Contains(address, "*") || strings.Contains(address, "/wazuh-") || strings.Contains(address, "/_search")
}
