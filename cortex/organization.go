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

// An OrganizationStatus says whether an organisation can work.
type OrganizationStatus string

// The statuses of an organisation.
const (
	OrganizationActive OrganizationStatus = "Active"
	OrganizationLocked OrganizationStatus = "Locked"
)

// Enum lists the values for schemas.
func (OrganizationStatus) Enum() []any { return []any{"Active", "Locked"} }

// ownOrganization is Cortex's own, for superadmins. It can't be changed.
const ownOrganization = "cortex"

// An Organization has users, and its own analyzers and responders.
type Organization struct {
	ID          string             `json:"id"`                                  // its id
	Name        string             `json:"name"`                                // its name
	Description string             `json:"description,omitempty"`               // what it is for
	Status      OrganizationStatus `json:"status"`                              // its status
	CreatedAt   time.Time          `json:"createdAt,omitzero,format:unixmilli"` // when it was made
	CreatedBy   string             `json:"createdBy,omitempty"`                 // the login of who made it
	UpdatedAt   time.Time          `json:"updatedAt,omitzero,format:unixmilli"` // when it was changed last
}

func newOrganization(o wire.Organization) *Organization {
	return &Organization{
		ID: o.ID, Name: o.Name, Description: o.Description, Status: OrganizationStatus(o.Status),
		CreatedAt: jsoncodec.OfMilli(o.CreatedAt), CreatedBy: o.CreatedBy, UpdatedAt: jsoncodec.OfMilli(o.UpdatedAt),
	}
}

// ListOrganizationsInput is the input of [Client.ListOrganizations].
type ListOrganizationsInput struct{}

// An OrganizationList is a whole list of organisations.
type OrganizationList struct {
	Organizations []*Organization `json:"organizations"` // the organizations
	Total         int             `json:"total"`         // how many there are
}

// ListOrganizations returns every organisation of the server.
//
// Cortex: GET /api/organization, as the superadmin
func (c *Client) ListOrganizations(ctx context.Context, _ ListOrganizationsInput) (*OrganizationList, error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	all, err := everything[wire.Organization](w.ListOrganizations(ctx, wire.ListOrganizationsParams{Range: allRows}))
	if err != nil {
		return nil, err
	}
	list := &OrganizationList{Organizations: []*Organization{}, Total: len(all)}
	for _, o := range all {
		list.Organizations = append(list.Organizations, newOrganization(*o))
	}
	return list, nil
}

// GetOrganizationInput is the input of [Client.GetOrganization].
type GetOrganizationInput struct {
	// Its name.
	OrgID string `json:"orgId" alias:"id,organizationId" minLength:"1" maxLength:"128"`
}

// GetOrganization returns one organisation.
//
// Cortex: GET /api/organization/{id}, as the superadmin
func (c *Client) GetOrganization(ctx context.Context, in GetOrganizationInput) (*Organization, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	return organization(w.GetOrganization(ctx, in.OrgID))
}

func organization(res *httpx.Response, err error) (*Organization, error) {
	o, err := httpx.JSON[wire.Organization](res, err)
	if err != nil {
		return nil, err
	}
	return newOrganization(*o), nil
}

// CreateOrganizationInput is the input of [Client.CreateOrganization].
type CreateOrganizationInput struct {
	// Becomes its id.
	Name        string `json:"name" minLength:"1" maxLength:"128"`
	Description string `json:"description" minLength:"1" maxLength:"1024"` // what it is for
}

// Validate checks what a schema can't.
func (in *CreateOrganizationInput) Validate() error {
	switch {
	case strings.TrimSpace(in.Name) != in.Name || httpx.CheckSegment(in.Name) != nil:
		return invalid("name %q: want a name without separators, or spaces around it", clip.Text(in.Name, 80))
	case strings.TrimSpace(in.Description) == "":
		return invalid("description is empty: Cortex wants one")
	}
	return nil
}

// CreateOrganization creates an active organisation without users.
//
// Cortex: POST /api/organization, as the superadmin
func (c *Client) CreateOrganization(ctx context.Context, in CreateOrganizationInput) (*Organization, error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	return organization(w.CreateOrganization(ctx, wire.CreateOrganization{Name: in.Name, Description: in.Description, Status: string(OrganizationActive)}))
}

func (c *Client) planCreateOrganization(ctx context.Context, in CreateOrganizationInput) (gate.Plan, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return gate.Plan{}, err
	}
	switch _, err := c.GetOrganization(ctx, GetOrganizationInput{OrgID: in.Name}); {
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

// UpdateOrganizationInput is the input of [Client.UpdateOrganization]. What is
// absent stays as it is.
type UpdateOrganizationInput struct {
	// Its name.
	OrgID       string  `json:"orgId" alias:"id,organizationId" minLength:"1" maxLength:"128"`
	Description *string `json:"description,omitempty" maxLength:"1024"` // what it is for; nil stays
	// Locked: its users can't work.
	Status OrganizationStatus `json:"status,omitempty"`
}

// Validate checks what a schema can't.
func (in *UpdateOrganizationInput) Validate() error {
	switch {
	case in.Description == nil && in.Status == "":
		return invalid("description or status is needed: nothing would change")
	case in.Description != nil && strings.TrimSpace(*in.Description) == "":
		return invalid("description is empty: Cortex wants one")
	case in.OrgID == ownOrganization:
		return invalid("orgId cortex: Cortex lets nobody change its own organisation")
	}
	return nil
}

// UpdateOrganization describes an organisation anew, locks or unlocks it.
//
// Cortex: PATCH /api/organization/{id}, as the superadmin
func (c *Client) UpdateOrganization(ctx context.Context, in UpdateOrganizationInput) (*Organization, error) {
	w, err := c.superadmin()
	if err != nil {
		return nil, err
	}
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	return organization(w.UpdateOrganization(ctx, in.OrgID, wire.UpdateOrganization{Description: in.Description, Status: string(in.Status)}))
}

func (c *Client) planUpdateOrganization(ctx context.Context, in UpdateOrganizationInput) (gate.Plan, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return gate.Plan{}, err
	}
	o, err := c.GetOrganization(ctx, GetOrganizationInput{OrgID: in.OrgID})
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
		if in.Status == OrganizationLocked {
			p.Warnings = append(p.Warnings, "none of its users, and no key of theirs, can work while it is locked")
		}
	}
	return p, nil
}

// version is when an entity was last changed.
func version(o *Organization) string {
	if o.UpdatedAt.After(o.CreatedAt) {
		return date(o.UpdatedAt)
	}
	return date(o.CreatedAt)
}
