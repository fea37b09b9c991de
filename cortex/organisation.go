package cortex

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

// An OrganisationStatus says whether an organisation can work.
type OrganisationStatus string

// The statuses of an organisation.
const (
	OrganisationActive OrganisationStatus = "Active"
	OrganisationLocked OrganisationStatus = "Locked"
)

// Enum lists the values for schemas.
func (OrganisationStatus) Enum() []any { return []any{"Active", "Locked"} }

// ownOrganisation is Cortex's own, for superadmins. It can't be changed.
const ownOrganisation = "cortex"

// An Organisation has users, and its own analyzers and responders.
type Organisation struct {
	ID          string             `json:"id"`                                  // its id
	Name        string             `json:"name"`                                // its name
	Description string             `json:"description,omitempty"`               // what it is for
	Status      OrganisationStatus `json:"status"`                              // its status
	CreatedAt   time.Time          `json:"createdAt,omitzero,format:unixmilli"` // when it was made
	CreatedBy   string             `json:"createdBy,omitempty"`                 // the login of who made it
	UpdatedAt   time.Time          `json:"updatedAt,omitzero,format:unixmilli"` // when it was changed last
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`
}

func newOrganisation(o wire.Organization) *Organisation {
	return &Organisation{
		ID: o.ID, Name: o.Name, Description: o.Description, Status: OrganisationStatus(o.Status),
		CreatedAt: jsoncodec.OfMilli(o.CreatedAt), CreatedBy: o.CreatedBy, UpdatedAt: jsoncodec.OfMilli(o.UpdatedAt),
	}
}

// ListOrganisationsInput is the input of [Client.ListOrganisations].
type ListOrganisationsInput struct{}

// An OrganisationList is a whole list of organisations.
type OrganisationList struct {
	Organisations []*Organisation `json:"organizations"` // the organizations
	Total         int             `json:"total"`         // how many there are
}

// ListOrganisations returns every organisation of the server.
//
// Cortex: GET /api/organization, as the superadmin
func (c *Client) ListOrganisations(ctx context.Context, _ ListOrganisationsInput) (*OrganisationList, error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	all, err := everything[row[wire.Organization]](w.ListOrganizations(ctx, wire.ListOrganizationsParams{Range: allRows}))
	if err != nil {
		return nil, err
	}
	list := &OrganisationList{Organisations: []*Organisation{}, Total: len(all)}
	for _, o := range all {
		org := newOrganisation(o.it)
		org.Unread = o.unread
		list.Organisations = append(list.Organisations, org)
	}
	return list, nil
}

// GetOrganisationInput is the input of [Client.GetOrganisation].
type GetOrganisationInput struct {
	// Its name.
	OrgID string `json:"orgId" alias:"id,organizationId" minLength:"1" maxLength:"128"`
}

// GetOrganisation returns one organisation.
//
// Cortex: GET /api/organization/{id}, as the superadmin
func (c *Client) GetOrganisation(ctx context.Context, in GetOrganisationInput) (*Organisation, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	return organization(w.GetOrganization(ctx, in.OrgID))
}

func organization(res *httpx.Response, err error) (*Organisation, error) {
	o, err := httpx.JSON[wire.Organization](res, err)
	if err != nil {
		return nil, err
	}
	return newOrganisation(*o), nil
}

// CreateOrganisationInput is the input of [Client.CreateOrganisation].
type CreateOrganisationInput struct {
	// Becomes its id.
	Name        string `json:"name" minLength:"1" maxLength:"128"`
	Description string `json:"description" minLength:"1" maxLength:"1024"` // what it is for
}

// Validate checks what a schema can't.
func (in *CreateOrganisationInput) Validate() error {
	switch {
	case strings.TrimSpace(in.Name) != in.Name || httpx.CheckSegment(in.Name) != nil:
		return invalid("name %q: want a name without separators, or spaces around it", clip.Text(in.Name, 80))
	case strings.TrimSpace(in.Description) == "":
		return invalid("description is empty: Cortex wants one")
	}
	return nil
}

// CreateOrganisation creates an active organisation without users.
//
// Cortex: POST /api/organization, as the superadmin
func (c *Client) CreateOrganisation(ctx context.Context, in CreateOrganisationInput) (*Organisation, error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return organization(w.CreateOrganization(ctx, wire.CreateOrganization{Name: in.Name, Description: in.Description, Status: string(OrganisationActive)}))
}

func (c *Client) planCreateOrganisation(ctx context.Context, in CreateOrganisationInput) (gate.Plan, error) {
	switch _, err := c.GetOrganisation(ctx, GetOrganisationInput{OrgID: in.Name}); {
	case err == nil:
		return gate.Plan{}, invalid("name %q: there is such an organisation already", clip.Text(in.Name, 80))
	case !errors.Is(err, ErrNotFound):
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary: "Create an organisation in Cortex.",
		Targets: []gate.Target{{Kind: "organisation", ID: in.Name}},
		Changes: []gate.Change{gate.Set("description", in.Description)},
		Undo:    "Lock it (cortex_update_organization); Cortex deletes none.",
	}, nil
}

// UpdateOrganisationInput is the input of [Client.UpdateOrganisation]. What is
// absent stays as it is.
type UpdateOrganisationInput struct {
	// Its name.
	OrgID       string  `json:"orgId" alias:"id,organizationId" minLength:"1" maxLength:"128"`
	Description *string `json:"description,omitempty" maxLength:"1024"` // what it is for; nil stays
	// Locked: its users can't work.
	Status OrganisationStatus `json:"status,omitempty"`
}

// Validate checks what a schema can't.
func (in *UpdateOrganisationInput) Validate() error {
	switch {
	case in.Description == nil && in.Status == "":
		return invalid("description or status is needed: nothing would change")
	case in.Description != nil && strings.TrimSpace(*in.Description) == "":
		return invalid("description is empty: Cortex wants one")
	case in.OrgID == ownOrganisation:
		return invalid("orgId cortex: Cortex lets nobody change its own organisation")
	}
	return nil
}

// UpdateOrganisation describes an organisation anew, locks or unlocks it.
//
// Cortex: PATCH /api/organization/{id}, as the superadmin
func (c *Client) UpdateOrganisation(ctx context.Context, in UpdateOrganisationInput) (*Organisation, error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return organization(w.UpdateOrganization(ctx, in.OrgID, wire.UpdateOrganization{Description: in.Description, Status: string(in.Status)}))
}

func (c *Client) planUpdateOrganisation(ctx context.Context, in UpdateOrganisationInput) (gate.Plan, error) {
	o, err := c.GetOrganisation(ctx, GetOrganisationInput{OrgID: in.OrgID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Change an organisation in Cortex.",
		Targets: []gate.Target{{Kind: "organisation", ID: o.ID, Name: o.Name, Version: version(o)}},
		Undo:    "Set the former values again (cortex_update_organization).",
	}
	if in.Description != nil {
		p.Changes = append(p.Changes, gate.Changed("description", o.Description, *in.Description))
	}
	if in.Status != "" {
		p.Changes = append(p.Changes, gate.Changed("status", o.Status, in.Status))
		if in.Status == OrganisationLocked {
			p.Warnings = append(p.Warnings, "none of its users, and no key of theirs, can work while it is locked")
		}
	}
	return p, nil
}

// version is when an entity was last changed.
func version(o *Organisation) string {
	if o.UpdatedAt.After(o.CreatedAt) {
		return date(o.UpdatedAt)
	}
	return date(o.CreatedAt)
}
