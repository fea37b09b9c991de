package cortex

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// Check proves the connection and each key: that it is taken, and that its
// roles suffice.
//
// Cortex: GET /api/status, GET /api/user/current
func (c *Client) Check(ctx context.Context) []connect.Finding {
	const of = "Cortex"
	_, err := httpx.JSON[wire.User](c.wire.GetCurrentUser(ctx))
	list := c.wire.HTTP.Findings(of, err)
	add := func(of string, leg connect.Leg, h connect.Health, message, advice string) {
		list = append(list, connect.Finding{Of: of, Leg: leg, Status: h, Message: message, Advice: advice})
	}
	if err == nil {
		switch st, err := c.GetStatus(ctx, GetStatusInput{}); {
		case err != nil:
			add(of, "version", connect.Broken, err.Error(), "check CORTEX_URL: what answers there may be something else")
		case !st.Healthy:
			add(of, connect.LegPermissions, connect.Broken, st.Problem, "give the user of CORTEX_API_KEY the roles read and analyze, in an organisation other than cortex")
		default:
			add(of, "version", connect.Healthy, "Cortex "+st.Version, "")
			add(of, connect.LegPermissions, connect.Healthy, fmt.Sprintf("%s of %s: %s", st.User, st.Organisation, strings.Join(st.Roles, ", ")), "")
		}
	}
	if c.super == nil {
		return list
	}
	const above = "Cortex superadmin"
	u, err := httpx.JSON[wire.User](c.super.GetCurrentUser(ctx))
	for _, f := range c.super.HTTP.Findings(above, err) {
		if f.Leg != connect.LegConnection && f.Leg != connect.LegTLS || f.Status == connect.Broken {
			if f.Leg == connect.LegCredentials && f.Status == connect.Broken {
				f.Message = "CORTEX_SUPERADMIN_KEY is refused: " + f.Message
			}
			list = append(list, f)
		}
	}
	if err == nil && !hasRole(u, wire.UserRolesSuperadmin) {
		add(above, connect.LegPermissions, connect.Broken, fmt.Sprintf("CORTEX_SUPERADMIN_KEY is of %s, who is not a superadmin", u.ID), "use the key of a superadmin, or leave it out")
	}
	return list
}

func hasRole(u *wire.User, role wire.UserRoles) bool { return slices.Contains(u.Roles, role) }
