package misp

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// checkOwner refuses what MISP lets only the organisation do that made e, and
// site administrators: an approval of it would be spent on a refusal. A key that
// may not say whose it is passes; MISP then decides.
func (c *Client) checkOwner(ctx context.Context, e *Event) error {
	type answer struct {
		User *struct {
			OrgID ID `json:"org_id"`
		} `json:"User"`
		Role *struct {
			SiteAdmin Bool `json:"perm_site_admin"`
		} `json:"Role"`
		Organisation *Organisation `json:"Organisation"`
	}
	owner := e.OrgcID
	if owner == "" && e.Orgc != nil {
		owner = e.Orgc.ID
	}
	a, err := httpx.JSON[answer](c.has("User")(c.wire.GetMe(ctx)))
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalid):
		return nil
	case err != nil:
		return fmt.Errorf("misp: whose key it is must be known first: %w", err)
	case a.Role != nil && bool(a.Role.SiteAdmin), a.User == nil, a.User.OrgID == "", owner == "", a.User.OrgID == owner:
		return nil
	}
	ours := "organisation " + string(a.User.OrgID)
	if a.Organisation != nil && a.Organisation.Name != "" {
		ours = a.Organisation.Name
	}
	return fmt.Errorf("%w: event %s is by %s, and the key is of %s: MISP takes changes from the organisation that made an event only; make an event of your own", ErrForbidden, e.ID, e.maker(), ours)
}
