package cortex

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// A Role is what a user may do.
type Role string

// The roles.
const (
	RoleRead       Role = "read"
	RoleAnalyze    Role = "analyze"
	RoleOrgAdmin   Role = "orgadmin"
	RoleSuperadmin Role = "superadmin" // in the organisation cortex alone
)

// Enum lists the values for schemas.
func (Role) Enum() []any { return []any{"read", "analyze", "orgadmin", "superadmin"} }

// A User is somebody who can use Cortex, or a program that can.
type User struct {
	// The login.
	ID           string `json:"id"`
	Name         string `json:"name"`         // the person's name
	Organisation string `json:"organization"` // the organization it belongs to
	Roles        []Role `json:"roles"`        // the roles
	// Ok or Locked.
	Status      string `json:"status"`
	HasKey      bool   `json:"hasKey"`      // whether there is an API key
	HasPassword bool   `json:"hasPassword"` // whether there is a password
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`
}

func newUser(u wire.User) *User {
	out := &User{
		ID: u.ID, Name: u.Name, Organisation: u.Organization, Roles: []Role{}, Status: string(u.Status), HasKey: u.HasKey, HasPassword: u.HasPassword,
	}
	for _, r := range u.Roles {
		out.Roles = append(out.Roles, Role(r))
	}
	return out
}

// ListUsersInput is the input of [Client.ListUsers].
type ListUsersInput struct{}

// A UserList is a whole list of users.
type UserList struct {
	Users []*User `json:"users"` // the users
	Total int     `json:"total"` // how many there are
}

// ListUsers returns the users of all organisations.
//
// Cortex: GET /api/user, as the superadmin
func (c *Client) ListUsers(ctx context.Context, _ ListUsersInput) (*UserList, error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	all, err := everything[row[wire.User]](w.ListUsers(ctx, wire.ListUsersParams{Range: allRows}))
	if err != nil {
		return nil, err
	}
	list := &UserList{Users: []*User{}, Total: len(all)}
	for _, u := range all {
		user := newUser(u.it)
		user.Unread = u.unread
		list.Users = append(list.Users, user)
	}
	return list, nil
}

// GetUserInput is the input of [Client.GetUser].
type GetUserInput struct {
	// The login.
	UserID string `json:"userId" alias:"id,login" minLength:"1" maxLength:"128"`
}

// GetUser returns one user.
//
// Cortex: GET /api/user/{id}, as the superadmin
func (c *Client) GetUser(ctx context.Context, in GetUserInput) (*User, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	return oneUser(w.GetUser(ctx, in.UserID))
}

func oneUser(res *httpx.Response, err error) (*User, error) {
	u, err := httpx.JSON[wire.User](res, err)
	if err != nil {
		return nil, err
	}
	return newUser(*u), nil
}

// CreateUserInput is the input of [Client.CreateUser].
type CreateUserInput struct {
	// Becomes the id.
	Login string `json:"login" minLength:"1" maxLength:"128"`
	// The full name.
	Name string `json:"name" minLength:"1" maxLength:"256"`
	// Its id.
	Organisation string `json:"organization" minLength:"1" maxLength:"128"`
	Roles        []Role `json:"roles" minItems:"1" maxItems:"4"` // what the user may do
	// Refused: it is set in Cortex itself, or a key is made.
	Password string `json:"password,omitempty"`
}

// Validate checks what a schema can't.
func (in *CreateUserInput) Validate() error {
	var errs []error
	if in.Password != "" {
		errs = append(errs, invalid("password is not taken: whoever approves would see it and the journal would keep it. Create the user without, and let it be set in Cortex or make a key"))
	}
	if httpx.CheckSegment(in.Login) != nil || strings.ContainsAny(in.Login, " \t") {
		errs = append(errs, invalid("login %q: want one without spaces or separators", clip.Text(in.Login, 80)))
	}
	if strings.TrimSpace(in.Name) == "" {
		errs = append(errs, invalid("name is empty"))
	}
	if httpx.CheckSegment(in.Organisation) != nil {
		errs = append(errs, invalid("organization %q is not an id", clip.Text(in.Organisation, 80)))
	}
	return errors.Join(errs...)
}

// CreateUser creates a user who has neither a password nor a key.
//
// Cortex: POST /api/user, as the superadmin
func (c *Client) CreateUser(ctx context.Context, in CreateUserInput) (*User, error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	roles := make([]string, len(in.Roles))
	for i, r := range in.Roles {
		roles[i] = string(r)
	}
	return oneUser(w.CreateUser(ctx, wire.CreateUser{Login: in.Login, Name: in.Name, Organization: in.Organisation, Roles: roles}))
}

func (c *Client) planCreateUser(ctx context.Context, in CreateUserInput) (gate.Plan, error) {
	switch _, err := c.GetUser(ctx, GetUserInput{UserID: in.Login}); {
	case err == nil:
		return gate.Plan{}, invalid("login %q: there is such a user already", clip.Text(in.Login, 80))
	case !errors.Is(err, ErrNotFound):
		return gate.Plan{}, err
	}
	o, err := c.GetOrganisation(ctx, GetOrganisationInput{OrgID: in.Organisation})
	if err != nil {
		return gate.Plan{}, fmt.Errorf("cortex: organization %q: %w", clip.Text(in.Organisation, 80), err)
	}
	p := gate.Plan{
		Summary:  "Create a user in Cortex.",
		Targets:  []gate.Target{{Kind: "user", ID: in.Login, Name: in.Name}, {Kind: "organisation", ID: o.ID, Name: o.Name}},
		Changes:  []gate.Change{gate.Set("roles", in.Roles)},
		Warnings: []string{"no tool here locks a user or takes one away: that is done in Cortex itself"},
	}
	for _, r := range in.Roles {
		switch {
		case r == RoleSuperadmin && o.ID != superOrganisation:
			return gate.Plan{}, invalid("roles superadmin: only in the organisation %s; Cortex would take it here, and the user could not work", superOrganisation)
		case r == RoleSuperadmin:
			p.Warnings = append(p.Warnings, "a superadmin administers the whole server")
		case o.ID == superOrganisation:
			return gate.Plan{}, invalid("roles %s: the organisation %s has superadmins alone; Cortex would take it, and the user could do nothing", r, superOrganisation)
		case r == RoleOrgAdmin:
			p.Warnings = append(p.Warnings, "an orgadmin sees the keys of third parties in the configurations of the organisation")
		}
	}
	if o.Status == OrganisationLocked {
		p.Warnings = append(p.Warnings, "the organisation is locked")
	}
	return p, nil
}

// superOrganisation is where the superadmins are.
const superOrganisation = "cortex"

// RenewUserKeyInput is the input of [Client.RenewUserKey].
type RenewUserKeyInput struct {
	// The login.
	UserID string `json:"userId" alias:"id,login" minLength:"1" maxLength:"128"`
}

// GetUserKeyInput is the input of [Client.GetUserKey].
type GetUserKeyInput struct {
	// The login.
	UserID string `json:"userId" alias:"id,login" minLength:"1" maxLength:"128"`
}

// A StoredKey says where the key of a user was written to. The key itself is
// in nothing that this package returns.
type StoredKey struct {
	UserID string `json:"userId"` // whose key it is
	// The name of the file in the operator's directory for keys.
	File string `json:"file"`
	// Eight hex digits of the key's SHA-256.
	Fingerprint string `json:"fingerprint"`
	Note        string `json:"note"` // what to know about the answer
}

// RenewUserKey gives a user a new key and writes it to a file in
// [Config].KeyDir. The old key stops working.
//
// Cortex: POST /api/user/{id}/key/renew, as the superadmin
func (c *Client) RenewUserKey(ctx context.Context, in RenewUserKeyInput) (*StoredKey, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.storeKey(ctx, in.UserID, "the key was renewed and the old one no longer works; the operator has the new one in this file", func(w *wire.Client) (*httpx.Response, error) {
		return w.RenewUserKey(ctx, in.UserID)
	})
}

// GetUserKey writes the key of a user to a file in [Config].KeyDir.
//
// Cortex: GET /api/user/{id}/key, as the superadmin
func (c *Client) GetUserKey(ctx context.Context, in GetUserKeyInput) (*StoredKey, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.storeKey(ctx, in.UserID, "the operator has the key in this file", func(w *wire.Client) (*httpx.Response, error) {
		return w.GetUserKey(ctx, in.UserID)
	})
}

var (
	plainLogin = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9@._+-]{0,120}$`)
	keyForm    = lazyregexp.New(`^[!-~]{8,512}$`)
)

// keyFile is the name of the file for the key of a user.
func keyFile(login string) string {
	if !plainLogin.MatchString(login) {
		login = "user-" + httpx.Fingerprint(login)
	}
	return login + ".key"
}

// storeKey asks for a key and writes it to a file, which is made before: a new
// key that can't be kept must not be asked for.
func (c *Client) storeKey(ctx context.Context, login, note string, ask func(*wire.Client) (*httpx.Response, error)) (_ *StoredKey, err error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	dir, err := c.keys()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	c.storing.Lock() // of two new keys the later one is the one that works
	defer c.storing.Unlock()
	if err := gate.Progress(ctx, "make a file for the key"); err != nil { // and not before the approval is spent
		return nil, err
	}
	name := keyFile(login)
	draft := "." + name + "." + rand.Text()
	f, err := dir.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errUnwritable
	}
	defer func() {
		f.Close()
		_ = dir.Remove(draft) // gone already when all went well
	}()
	res, err := ask(w)
	if err != nil {
		return nil, err
	}
	key := strings.TrimSpace(string(res.Body))
	if !keyForm.MatchString(key) {
		return nil, fmt.Errorf("cortex: %s: the answer is no key; %w", res.Endpoint.ID, gate.ErrOutcomeUnknown)
	}
	if _, err = f.WriteString(key + "\n"); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = dir.Rename(draft, name)
	}
	if err != nil {
		return nil, fmt.Errorf("cortex: %s was answered, but the key could not be written and is lost; %w", res.Endpoint.ID, gate.ErrOutcomeUnknown)
	}
	return &StoredKey{UserID: login, File: filepath.Base(name), Fingerprint: httpx.Fingerprint(key), Note: note}, nil
}

var errUnwritable = fmt.Errorf("%w: the directory for keys can't be written to", ErrNotConfigured)

// keys opens the operator's directory for keys.
func (c *Client) keys() (*os.Root, error) {
	if c.keyDir == "" {
		return nil, fmt.Errorf("%w: a key is handed out to nobody but the operator, who has named no directory for keys", ErrNotConfigured)
	}
	dir, err := os.OpenRoot(c.keyDir)
	if err != nil {
		return nil, errUnwritable
	}
	return dir, nil
}

// planKey reads who the key belongs to.
func (c *Client) planKey(ctx context.Context, login string) (*User, gate.Plan, error) {
	dir, err := c.keys()
	if err != nil {
		return nil, gate.Plan{}, err
	}
	dir.Close()
	u, err := c.GetUser(ctx, GetUserInput{UserID: login})
	if err != nil {
		return nil, gate.Plan{}, err
	}
	return u, gate.Plan{
		Targets: []gate.Target{{Kind: "user", ID: u.ID, Name: fmt.Sprintf("%s of %s", u.Name, u.Organisation)}},
		Changes: []gate.Change{gate.Set("roles", u.Roles), gate.Set("file", keyFile(u.ID))},
	}, nil
}

func (c *Client) planRenewUserKey(ctx context.Context, in RenewUserKeyInput) (gate.Plan, error) {
	u, p, err := c.planKey(ctx, in.UserID)
	if err != nil {
		return p, err
	}
	p.Summary = "Give a user of Cortex a new API key and write it to the operator's directory."
	if u.HasKey {
		p.Warnings = append(p.Warnings, "the key that the user has stops working at once")
	}
	return p, nil
}

func (c *Client) planGetUserKey(ctx context.Context, in GetUserKeyInput) (gate.Plan, error) {
	u, p, err := c.planKey(ctx, in.UserID)
	if err != nil {
		return p, err
	}
	if !u.HasKey {
		return p, invalid("userId %q: the user has no key", clip.Text(in.UserID, 80))
	}
	p.Summary, p.Undo = "Write the API key of a user of Cortex to the operator's directory.", "Delete the file."
	return p, nil
}
