package thehive

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
)

// Check proves the connection, the key, the organisation and the version.
//
// TheHive: GET /api/v1/status/public, GET /api/v1/user/current
func (c *Client) Check(ctx context.Context) []connect.Finding {
	const of = "TheHive"
	u, err := c.GetCurrentUser(ctx, GetCurrentUserInput{})
	var version *VersionError
	if errors.As(err, &version) { // which was asked for on the way
		return append(c.wire.HTTP.Findings(of, nil)[:2], connect.Finding{Of: of, Leg: "version", Status: connect.Broken, Message: err.Error(), Advice: "use a TheHive 5"})
	}
	list := c.wire.HTTP.Findings(of, err)
	add := func(leg connect.Leg, h connect.Health, message, advice string) {
		list = append(list, connect.Finding{Of: of, Leg: leg, Status: h, Message: message, Advice: advice})
	}
	if v := c.version.Load(); v != nil && *v != "" {
		add("version", connect.Healthy, "TheHive "+*v, "")
	}
	switch {
	case errors.Is(err, ErrForbidden) && c.wanted != "":
		add("organisation", connect.Broken, fmt.Sprintf("the key may not act in the organisation %s: %v", c.wanted, err),
			"set THEHIVE_ORGANISATION to the name of one that the user is in, or leave it out for the user's default")
	case errors.Is(err, ErrForbidden):
		add(connect.LegPermissions, connect.Broken, err.Error(), "give the user of THEHIVE_API_KEY a profile")
	case err != nil:
	case c.wanted != "" && u.Organisation != "" && !strings.EqualFold(u.Organisation, c.wanted):
		add("organisation", connect.Broken, fmt.Sprintf("THEHIVE_ORGANISATION is %s, and the key acts in %s", c.wanted, u.Organisation), "set THEHIVE_ORGANISATION to the name of one that the user is in")
	case u.Organisation == "admin":
		add("organisation", connect.Warning, "the key acts in admin, which has no cases", "use the key of a user of another organisation, or set THEHIVE_ORGANISATION")
	default:
		add("organisation", connect.Healthy, fmt.Sprintf("%s in %s with the profile %s", u.Login, u.Organisation, u.Profile), "")
	}
	return list
}
