package wazuh

import (
	"context"
	"encoding/json"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A HostOS is the operating system that an inventory scan saw.
type HostOS struct {
	OS           *AgentOS `json:"os,omitempty"`
	Hostname     string   `json:"hostname,omitempty" untrusted:"true"`
	Architecture string   `json:"architecture,omitempty"`
	Sysname      string   `json:"sysname,omitempty"`
	Release      string   `json:"release,omitempty" jsonschema:"Of the kernel." untrusted:"true"`
	Version      string   `json:"version,omitempty" jsonschema:"Of the kernel." untrusted:"true"`
	Scan         Scan     `json:"scan,omitzero"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetAgentOSInput is the input of [Client.GetAgentOS].
type GetAgentOSInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"`
}

// AgentHostOS is the operating system of an agent's host.
type AgentHostOS struct {
	AgentID string  `json:"agent_id"`
	OS      *HostOS `json:"os,omitempty" jsonschema:"Absent when no inventory scan has reported yet."`
}

// GetAgentOS returns the operating system of an agent's host. An unknown agent
// is [ErrNotFound], one that never connected [ErrNoInventory].
//
// Wazuh: GET /syscollector/{agent_id}/os
func (c *Client) GetAgentOS(ctx context.Context, in GetAgentOSInput) (*AgentHostOS, error) {
	id, err := in.AgentID.padded()
	if err != nil {
		return nil, err
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		return c.stateOS(ctx, id)
	}
	r, err := list[*HostOS](c.wire.GetOS(withSession(ctx), id, wire.GetOSParams{}))
	if err != nil {
		return nil, err
	}
	o := &AgentHostOS{AgentID: id}
	if len(r.items) > 0 {
		o.OS = r.items[0]
		delete(o.OS.Extra, "agent_id") // is in o already
	}
	return o, nil
}

// A Package is a piece of software on a host.
type Package struct {
	Name         string `json:"name" untrusted:"true"`
	Version      string `json:"version,omitempty" untrusted:"true"`
	Architecture string `json:"architecture,omitempty"`
	Format       string `json:"format,omitempty" jsonschema:"deb, rpm, win, pypi, …"`
	Vendor       string `json:"vendor,omitempty" untrusted:"true"`
	Description  string `json:"description,omitempty" untrusted:"true"`
	InstallTime  string `json:"install_time,omitempty"`
	Size         Int    `json:"size,omitempty" jsonschema:"In kB."`
	Location     string `json:"location,omitempty" untrusted:"true"`
	Scan         Scan   `json:"scan,omitzero"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetAgentPackagesInput is the input of [Client.GetAgentPackages].
type GetAgentPackagesInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"`
	Limit   int     `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"`
	Offset  int     `json:"offset,omitempty" minimum:"0" maximum:"100000"`
	Search  string  `json:"search,omitempty" jsonschema:"In any field." minLength:"1" maxLength:"256"`
}

// A PackagePage is one page of packages.
type PackagePage struct {
	AgentID  string     `json:"agent_id"`
	Packages []*Package `json:"packages"`
	Paging
}

// GetAgentPackages returns one page of the software that an agent's last
// inventory scan saw, by name.
//
// Wazuh: GET /syscollector/{agent_id}/packages
func (c *Client) GetAgentPackages(ctx context.Context, in GetAgentPackagesInput) (*PackagePage, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := checkRows(in.AgentID, in.Limit, in.Offset, in.Search)
	if err != nil {
		return nil, err
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		return c.statePackages(ctx, id, in)
	}
	r, err := list[*Package](c.wire.ListPackages(withSession(ctx), id, wire.ListPackagesParams{
		Offset: in.Offset, Limit: in.Limit, Search: in.Search, Sort: "+name,version",
		Select: []string{"name", "version", "architecture", "format", "vendor", "description", "install_time", "size", "location", "scan.time"},
	}))
	if err != nil {
		return nil, err
	}
	return &PackagePage{AgentID: id, Packages: r.items, Paging: r.paging(in.Offset)}, nil
}

// GetAgentHotfixesInput is the input of [Client.GetAgentHotfixes].
type GetAgentHotfixesInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"`
	Limit   int     `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"`
	Offset  int     `json:"offset,omitempty" minimum:"0" maximum:"100000"`
}

// A HotfixPage is one page of Windows updates.
type HotfixPage struct {
	AgentID  string   `json:"agent_id"`
	Hotfixes []string `json:"hotfixes" jsonschema:"Their numbers, such as KB2978691." untrusted:"true"`
	Paging
}

// GetAgentHotfixes returns one page of the Windows updates that an agent's last
// inventory scan saw, by number. Other systems have none.
//
// Wazuh: GET /syscollector/{agent_id}/hotfixes
func (c *Client) GetAgentHotfixes(ctx context.Context, in GetAgentHotfixesInput) (*HotfixPage, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := checkRows(in.AgentID, in.Limit, in.Offset, "")
	if err != nil {
		return nil, err
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		return c.stateHotfixes(ctx, id, in)
	}
	r, err := list[wire.Hotfix](c.wire.ListHotfixes(withSession(ctx), id, wire.ListHotfixesParams{Offset: in.Offset, Limit: in.Limit, Sort: "+hotfix", Select: []string{"hotfix"}}))
	if err != nil {
		return nil, err
	}
	p := &HotfixPage{AgentID: id, Hotfixes: make([]string, len(r.items)), Paging: r.paging(in.Offset)}
	for i, h := range r.items {
		p.Hotfixes[i] = h.Hotfix
	}
	return p, nil
}
