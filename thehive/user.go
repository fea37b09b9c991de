package thehive

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/sallyport-soc/sallyport/internal/input"
)

// A User is who acts in TheHive. What it holds beside this, such as a picture,
// is nothing for an agent.
type User struct {
	ID    string `json:"_id"`             // its id
	Login string `json:"login"`           // the name to log in with
	Name  string `json:"name"`            // the person's name
	Email string `json:"email,omitempty"` // the address of the person
	// Name of the set of permissions, such as analyst or read-only.
	Profile     string   `json:"profile"`
	Permissions []string `json:"permissions,omitempty"` // what the profile allows
	// The organisation that calls act in.
	Organisation        string       `json:"organisation"`
	DefaultOrganisation string       `json:"defaultOrganisation,omitempty"` // where requests go that name none
	Organisations       []Membership `json:"organisations,omitempty"`       // where the user is a member
	// Normal or Service.
	Type   string `json:"type,omitempty"`
	Locked bool   `json:"locked,omitempty"` // whether the account is locked
	HasMFA bool   `json:"hasMFA,omitempty"` // whether a second factor is set up
}

func (u *User) identity() string { return u.ID }

// A Membership is a user's place in an organisation.
type Membership struct {
	Organisation string `json:"organisation"` // the organisation
	Profile      string `json:"profile"`      // the profile there
}

// GetCurrentUserInput is the input of [Client.GetCurrentUser].
type GetCurrentUserInput struct{}

// GetCurrentUser returns the user behind the key.
//
// TheHive: GET /api/v1/user/current
func (c *Client) GetCurrentUser(ctx context.Context, _ GetCurrentUserInput) (*User, error) {
	return entity[User](c.wire.GetCurrentUser(ctx))
}

// ListUsersInput is the input of [Client.ListUsers].
type ListUsersInput struct {
	Offset int `json:"offset,omitempty" minimum:"0"`                            // how many to skip
	Limit  int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"100"` // how many to return at most
}

// A Colleague is a user as others see him: whom a case can be given to.
type Colleague struct {
	ID string `json:"_id"` // its id
	// What to give as owner or assignee.
	Login string `json:"login"`
	Name  string `json:"name"` // the person's name
	// Name of the set of permissions, such as analyst or read-only.
	Profile string `json:"profile"`
	// Normal or Service.
	Type   string `json:"type,omitempty"`
	Locked bool   `json:"locked,omitempty"` // whether the account is locked
}

// A UserPage is one page of users.
type UserPage struct {
	Users []*Colleague `json:"users"` // the users
	// How many users there are in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are users behind this page.
	More bool `json:"more"`
}

// ListUsers returns one page of the users of the organisation, by login. Who may
// do what, mail addresses and second factors stay out of it.
//
// TheHive: POST /api/v1/query, listUser
func (c *Client) ListUsers(ctx context.Context, in ListUsersInput) (*UserPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	got, total, err := paged[*Colleague](ctx, c, "users", order{"login", Asc}, in.Offset, in.Limit, All(KindUser))
	if err != nil {
		return nil, err
	}
	return &UserPage{Users: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// Users returns an iterator over every user of the organisation, the last made first, from
// in.Offset on; each is yielded once, also when some come or go on the way. A page of
// requests has in.Limit of them; left out: 500.
func (c *Client) Users(ctx context.Context, in ListUsersInput) iter.Seq2[*Colleague, error] {
	return unstamped(everything(ctx, c, "users", in, func(context.Context, ListUsersInput) (Query, func(*stamped[Colleague]) bool, error) {
		return All(KindUser), nil, nil
	}))
}

// adminOrganisation is TheHive's own organisation, which holds no cases.
const adminOrganisation = "admin"

var errAdmin = fmt.Errorf("%w: the key belongs to the organisation %q, which has no cases; take the key of a user in another organisation, or name that organisation", ErrForbidden, adminOrganisation)

// cannotHaveCases returns an error if the key is one of the organisation that
// has no cases. That is a fact of the setup, so it is asked for once.
func (c *Client) cannotHaveCases(ctx context.Context) error {
	org := c.organisation.Load()
	if org == nil {
		u, err := c.GetCurrentUser(ctx, GetCurrentUserInput{})
		if err != nil {
			return nil //nolint:nilerr // only an explanation is missing
		}
		org = &u.Organisation
		c.organisation.Store(org)
	}
	if *org == adminOrganisation {
		return errAdmin
	}
	return nil
}

// explain adds to a refusal what lies behind it, if that is the key itself.
func (c *Client) explain(ctx context.Context, err error) error {
	if !errors.Is(err, ErrForbidden) && !errors.Is(err, ErrNotFound) {
		return err
	}
	if why := c.cannotHaveCases(ctx); why != nil {
		return fmt.Errorf("%w: %w", why, err)
	}
	return err
}
