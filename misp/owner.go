package misp

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// A permission is what a role allows, as MISP names it.
type permission string

const (
	mayAdd       permission = "perm_add"        // add events, attributes, objects and proposals
	mayModify    permission = "perm_modify"     // change and delete them
	mayPublish   permission = "perm_publish"    // publish events
	mayTag       permission = "perm_tagger"     // attach tags and clusters that exist
	mayMakeTags  permission = "perm_tag_editor" // make new tags
	maySight     permission = "perm_sighting"   // add sightings
	mayAdminSite permission = "perm_site_admin" // all of this, on the events of every organisation, and manage feeds
)

// An owner is whose key it is, and what its role allows.
type owner struct {
	User *struct {
		OrgID ID `json:"org_id"`
	} `json:"User"`
	Role         Map[any]      `json:"Role"`
	Organisation *Organisation `json:"Organisation"`
}

// lacks reports whether the role is known not to allow p.
func (o *owner) lacks(p permission) bool {
	switch v := o.Role[string(p)].(type) {
	case bool:
		return !v
	case string:
		return v == "0"
	case float64:
		return v == 0
	}
	return false
}

// owner says whose key it is, or nil if the key may not say so; MISP then decides.
func (c *Client) owner(ctx context.Context) (*owner, error) {
	o, err := httpx.JSON[owner](c.has("User")(c.wire.GetMe(ctx)))
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalid):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("misp: whose key it is must be known first: %w", err)
	}
	return o, nil
}

// checkMay refuses what MISP refuses to the key, by its role or because another
// organisation made the event: an approval of it would be spent on a refusal. e
// may be nil.
func (c *Client) checkMay(ctx context.Context, e *Event, needs ...permission) error {
	o, err := c.owner(ctx)
	if o == nil || err != nil {
		return err
	}
	if err := o.check(needs...); err != nil {
		return err
	}
	if e == nil {
		return nil
	}
	made := e.OrgcID
	if made == "" && e.Orgc != nil {
		made = e.Orgc.ID
	}
	if !o.lacks(mayAdminSite) && o.Role[string(mayAdminSite)] != nil || o.User == nil || o.User.OrgID == "" || made == "" || o.User.OrgID == made {
		return nil
	}
	ours := "organisation " + string(o.User.OrgID)
	if o.Organisation != nil && o.Organisation.Name != "" {
		ours = o.Organisation.Name
	}
	return fmt.Errorf("%w: event %s is by %s, and the key is of %s: MISP takes changes from the organisation that made an event only; propose an attribute with misp_propose_attribute, or make an event of your own", ErrForbidden, e.ID, e.maker(), ours)
}

// check refuses what the role doesn't allow.
func (o *owner) check(needs ...permission) error {
	for _, p := range needs {
		if o.lacks(p) {
			role, _ := o.Role["name"].(string)
			if role == "" {
				role = "of the key"
			}
			return fmt.Errorf("%w: the role %s lacks %s, without which MISP refuses this; an administrator of MISP can give it", ErrForbidden, clip.Text(role, 60), p)
		}
	}
	return nil
}
