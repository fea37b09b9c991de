package misp

import (
	"context"
	"fmt"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// Check proves the connection and the key, and says what its role may do.
//
// MISP: GET /servers/getVersion, GET /users/view/me
func (c *Client) Check(ctx context.Context) []connect.Finding {
	const of = "MISP"
	s, err := c.ServerStatus(ctx, ServerStatusInput{})
	list := c.wire.HTTP.Findings(of, err)
	if err != nil {
		return list
	}
	add := func(leg connect.Leg, h connect.Health, message, advice string) {
		list = append(list, connect.Finding{Of: of, Leg: leg, Status: h, Message: message, Advice: advice})
	}
	add("version", connect.Healthy, "MISP "+s.Version, "")
	type answer struct {
		User *struct {
			Email string `json:"email"`
		} `json:"User"`
		Role *struct {
			Name string `json:"name"`
			Add  Bool   `json:"perm_add"`
			Auth Bool   `json:"perm_auth"`
		} `json:"Role"`
	}
	me, err := httpx.JSON[answer](c.has("User")(c.wire.GetMe(ctx)))
	switch {
	case err != nil:
		add(connect.LegPermissions, connect.Warning, "what the key may do can't be told: "+err.Error(), "")
	case me.Role == nil:
	case !bool(me.Role.Add):
		add(connect.LegPermissions, connect.Warning, fmt.Sprintf("%s, with the role %s: it only reads", clip.Text(me.User.Email, 100), clip.Text(me.Role.Name, 60)), "for writes give the user of MISP_API_KEY a role that may add")
	default:
		add(connect.LegPermissions, connect.Healthy, fmt.Sprintf("%s, with the role %s", clip.Text(me.User.Email, 100), clip.Text(me.Role.Name, 60)), "")
	}
	return list
}
