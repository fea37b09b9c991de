package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// An OrganisationScope says which organisations are meant.
type OrganisationScope string

// The scopes.
const (
	LocalOrganisations    OrganisationScope = "local"    // those with users on this server
	ExternalOrganisations OrganisationScope = "external" // those known from elsewhere
	AllOrganisations      OrganisationScope = "all"
)

// Enum lists what is allowed.
func (OrganisationScope) Enum() []any {
	return []any{LocalOrganisations, ExternalOrganisations, AllOrganisations}
}

// ListOrganisationsInput is the input of [Client.ListOrganisations].
type ListOrganisationsInput struct {
	// local: with users here; external: known from elsewhere.
	Scope OrganisationScope `json:"scope,omitempty" default:"all"`
	// In name, sector or nationality.
	Search string `json:"search,omitempty" maxLength:"255"`
	Paging
}

// An OrganisationDetail is what MISP knows of an organisation.
type OrganisationDetail struct {
	ID   ID     `json:"id"`                    // its id
	Name string `json:"name" untrusted:"true"` // its name
	UUID string `json:"uuid,omitempty"`        // its UUID
	// Whether it has users on this server.
	Local       Bool   `json:"local"`
	Type        string `json:"type,omitempty" untrusted:"true"`        // its type
	Nationality string `json:"nationality,omitempty" untrusted:"true"` // its country
	Sector      string `json:"sector,omitempty" untrusted:"true"`      // its line of business
	Description string `json:"description,omitempty" untrusted:"true"` // what it is, in words of the platform
	Users       *Int   `json:"user_count,omitempty"`                   // how many users it has

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An OrganisationPage is one page of organisations.
type OrganisationPage struct {
	// The organisations, by name.
	Organisations []*OrganisationDetail `json:"organisations"`
	// How many match in all.
	Total int  `json:"total"`
	Page  int  `json:"page"` // which page this is, from 1
	More  bool `json:"more"` // whether there are more behind these
}

// ListOrganisations returns one page of the organisations, by name.
//
// MISP: GET /organisations/index/scope:{scope}
func (c *Client) ListOrganisations(ctx context.Context, in ListOrganisationsInput) (*OrganisationPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listOrganisations(ctx, in)
}

// Organisations returns an iterator over every organisation that in matches, by name, from in.Page
// on, as they were when it began: MISP gives all in one answer.
func (c *Client) Organisations(ctx context.Context, in ListOrganisationsInput) iter.Seq2[*OrganisationDetail, error] {
	return walkWhole(ctx, in, c.listOrganisations, func(p *OrganisationPage) []*OrganisationDetail { return p.Organisations }, func(o *OrganisationDetail) ID { return o.ID })
}

func (c *Client) listOrganisations(ctx context.Context, in ListOrganisationsInput) (*OrganisationPage, error) {
	res, err := c.wire.ListOrganisations(ctx, "scope:"+string(in.Scope))
	list, err := rows[OrganisationDetail](c, "Organisation", res, err)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(o *OrganisationDetail) bool { return !mentions(in.Search, o.Name, o.Sector, o.Nationality) })
	slices.SortStableFunc(list, func(a, b *OrganisationDetail) int { return strings.Compare(a.Name, b.Name) })
	out := &OrganisationPage{Total: len(list), Page: in.Page}
	out.Organisations, out.More = cut(in.Paging, list)
	return out, nil
}

// GetOrganisationInput is the input of [Client.GetOrganisation].
type GetOrganisationInput struct {
	OrgID Ref `json:"orgId" alias:"id,organisationId"` // the organisation, by its id or UUID
}

// Validate refuses what isn't the name of an organisation.
func (in GetOrganisationInput) Validate() error { return in.OrgID.check("orgId") }

// GetOrganisation returns one organisation.
//
// MISP: GET /organisations/view/{organisationId}
func (c *Client) GetOrganisation(ctx context.Context, in GetOrganisationInput) (*OrganisationDetail, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	type answer struct {
		Organisation *OrganisationDetail `json:"Organisation"`
	}
	a, err := httpx.JSON[answer](c.has("Organisation")(c.wire.GetOrganisation(ctx, in.OrgID.path())))
	if err != nil {
		return nil, err
	}
	if o := a.Organisation; o == nil || !in.OrgID.is(o.ID, o.UUID) {
		return nil, fmt.Errorf("misp: getOrganisation: asked for organisation %s and was given another", in.OrgID)
	}
	return a.Organisation, nil
}

// ListSharingGroupsInput is the input of [Client.ListSharingGroups].
type ListSharingGroupsInput struct {
	// In name or releasability.
	Search string `json:"search,omitempty" maxLength:"255"`
	Paging
}

// A SharingGroupDetail is a sharing group with those who are in it.
type SharingGroupDetail struct {
	ID            ID     `json:"id"`                                       // its id
	Name          string `json:"name" untrusted:"true"`                    // its name
	UUID          string `json:"uuid,omitempty"`                           // its UUID
	Releasability string `json:"releasability,omitempty" untrusted:"true"` // to whom it may be passed on
	Description   string `json:"description,omitempty" untrusted:"true"`   // what it is, in words of the platform
	Active        *Bool  `json:"active,omitempty"`                         // whether it is in use
	// The names of its members.
	Organisations []string `json:"organisations,omitempty" untrusted:"true"`
	// How many members it has.
	OrgCount *Int  `json:"orgCount,omitempty"`
	Editable *Bool `json:"editable,omitempty"` // whether the key's user may change it
}

// A SharingGroupPage is one page of sharing groups.
type SharingGroupPage struct {
	// The groups that the key may use, by name. MISP lists the active ones.
	Groups []*SharingGroupDetail `json:"sharingGroups"`
	// How many match, of those MISP lists.
	Total int  `json:"total"`
	Page  int  `json:"page"` // which page this is, from 1
	More  bool `json:"more"` // whether there are more behind these
}

// ListSharingGroups returns one page of the sharing groups, by name.
//
// MISP: GET /sharing_groups, /sharing_groups/index/page:2 and on when there are more
func (c *Client) ListSharingGroups(ctx context.Context, in ListSharingGroupsInput) (*SharingGroupPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listSharingGroups(ctx, in)
}

// SharingGroups returns an iterator over every sharing group that in matches, by name,
// from in.Page on, as they were when it began.
func (c *Client) SharingGroups(ctx context.Context, in ListSharingGroupsInput) iter.Seq2[*SharingGroupDetail, error] {
	return walkWhole(ctx, in, c.listSharingGroups, func(p *SharingGroupPage) []*SharingGroupDetail { return p.Groups }, func(g *SharingGroupDetail) ID { return g.ID })
}

func (c *Client) listSharingGroups(ctx context.Context, in ListSharingGroupsInput) (*SharingGroupPage, error) {
	all, err := c.sharingGroups(ctx)
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(all, func(g *SharingGroupDetail) bool { return !mentions(in.Search, g.Name, g.Releasability) })
	slices.SortStableFunc(list, func(a, b *SharingGroupDetail) int { return strings.Compare(a.Name, b.Name) })
	out := &SharingGroupPage{Total: len(list), Page: in.Page}
	out.Groups, out.More = cut(in.Paging, list)
	return out, nil
}

// MISP lists sixty sharing groups at a time. More pages than these aren't read.
const (
	groupsPerPage = 60
	maxGroupPages = 50
)

// sharingGroups returns every sharing group that MISP lists.
func (c *Client) sharingGroups(ctx context.Context) ([]*SharingGroupDetail, error) {
	var all []*SharingGroupDetail
	seen := map[ID]bool{}
	for n := 1; n <= maxGroupPages; n++ {
		send := c.wire.ListSharingGroups
		if n > 1 {
			send = func(ctx context.Context) (*httpx.Response, error) {
				return c.wire.ListMoreSharingGroups(ctx, fmt.Sprintf("page:%d", n))
			}
		}
		list, err := groupPage(c.has("response")(send(ctx)))
		if n > 1 && errors.Is(err, ErrNotFound) { // the one before was the last
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for _, g := range list {
			if seen[g.ID] { // a server that doesn't page
				return all, nil
			}
			seen[g.ID] = true
			all = append(all, g)
		}
		if len(list) < groupsPerPage {
			return all, nil
		}
	}
	return nil, fmt.Errorf("misp: listSharingGroups: there are more than %d sharing groups; use search on the server itself", maxGroupPages*groupsPerPage)
}

// A groupMember is an organisation in a sharing group. MISP writes an empty list
// for one that it doesn't know itself.
type groupMember struct {
	Organisation List[Organisation] `json:"Organisation"`
}

// memberNames lists who is in a sharing group, in the order of the alphabet.
func memberNames(list []groupMember) (names []string) {
	for _, m := range list {
		name := "an organisation that this server does not know"
		if len(m.Organisation) > 0 {
			name = m.Organisation[0].Name
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// groupPage reads one page of sharing groups.
func groupPage(res *httpx.Response, err error) ([]*SharingGroupDetail, error) {
	type answer struct {
		Response List[struct {
			Group *struct {
				ID            ID     `json:"id"`
				Name          string `json:"name"`
				UUID          string `json:"uuid"`
				Releasability string `json:"releasability"`
				Description   string `json:"description"`
				Active        *Bool  `json:"active"`
				OrgCount      *Int   `json:"org_count"`
			} `json:"SharingGroup"`
			Orgs     List[groupMember] `json:"SharingGroupOrg"`
			Editable *Bool             `json:"editable"`
		}] `json:"response"`
	}
	a, err := httpx.JSON[answer](res, err)
	if err != nil {
		return nil, err
	}
	var list []*SharingGroupDetail
	for _, r := range a.Response {
		g := r.Group
		if g == nil {
			continue
		}
		d := &SharingGroupDetail{ID: g.ID, Name: g.Name, UUID: g.UUID, Releasability: g.Releasability, Description: g.Description,
			Active: g.Active, OrgCount: g.OrgCount, Editable: r.Editable}
		d.Organisations = memberNames(r.Orgs)
		list = append(list, d)
	}
	return list, nil
}
