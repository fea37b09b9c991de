package wazuh

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A HostOS is the operating system that an inventory scan saw.
type HostOS struct {
	OS           *AgentOS `json:"os,omitempty"`                        // its system
	Hostname     string   `json:"hostname,omitempty" untrusted:"true"` // the host's name
	Architecture string   `json:"architecture,omitempty"`              // its architecture
	Sysname      string   `json:"sysname,omitempty"`                   // the name of the kernel
	// Of the kernel.
	Release string `json:"release,omitempty" untrusted:"true"`
	// Of the kernel.
	Version string `json:"version,omitempty" untrusted:"true"`
	Scan    Scan   `json:"scan,omitzero"` // when it was seen last

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetAgentOSInput is the input of [Client.GetAgentOS].
type GetAgentOSInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"` // the agent
}

// AgentHostOS is the operating system of an agent's host.
type AgentHostOS struct {
	AgentID string `json:"agent_id"` // the agent
	// Absent when no inventory scan has reported yet.
	OS *HostOS `json:"os,omitempty"`
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
	Name         string `json:"name" untrusted:"true"`              // its name
	Version      string `json:"version,omitempty" untrusted:"true"` // its version
	Architecture string `json:"architecture,omitempty"`             // its architecture
	// deb, rpm, win, pypi, …
	Format      string `json:"format,omitempty"`
	Vendor      string `json:"vendor,omitempty" untrusted:"true"`      // who makes it
	Description string `json:"description,omitempty" untrusted:"true"` // what it is for
	InstallTime string `json:"install_time,omitempty"`                 // when it was installed, as the host says
	// In kB.
	Size     Int    `json:"size,omitempty"`
	Location string `json:"location,omitempty" untrusted:"true"` // where it is installed
	Scan     Scan   `json:"scan,omitzero"`                       // when it was seen last

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetAgentPackagesInput is the input of [Client.GetAgentPackages].
type GetAgentPackagesInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"`                                    // the agent
	Limit   int     `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"` // how many to return at most
	Offset  int     `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
	// In any field.
	Search string `json:"search,omitempty" minLength:"1" maxLength:"256"`
}

// A PackagePage is one page of packages.
type PackagePage struct {
	AgentID  string     `json:"agent_id"` // the agent
	Packages []*Package `json:"packages"` // the packages
	Paging
}

// GetAgentPackages returns one page of the software that an agent's last
// inventory scan saw, by name.
//
// Wazuh: GET /syscollector/{agent_id}/packages
func (c *Client) GetAgentPackages(ctx context.Context, in GetAgentPackagesInput) (*PackagePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := checkRows(in.AgentID, in.Search)
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

// Packages returns an iterator over all software that an agent's last inventory
// scan saw and in matches, by name, from in.Offset on, each once: all is read before
// the first is handed out. in.Limit is how many it fetches at a time, 500 unless
// given.
func (c *Client) Packages(ctx context.Context, in GetAgentPackagesInput) iter.Seq2[*Package, error] {
	type which struct{ name, version, architecture, format, vendor, location string }
	return walkRows(ctx, in, pageRows, c.GetAgentPackages, func(p *PackagePage) ([]*Package, Paging) { return p.Packages, p.Paging },
		func(p *Package) which {
			return which{p.Name, p.Version, p.Architecture, p.Format, p.Vendor, p.Location}
		})
}

// GetAgentHotfixesInput is the input of [Client.GetAgentHotfixes].
type GetAgentHotfixesInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"`                                    // the agent
	Limit   int     `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"` // how many to return at most
	Offset  int     `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
}

// A HotfixPage is one page of Windows updates.
type HotfixPage struct {
	AgentID string `json:"agent_id"` // the agent
	// Their numbers, such as KB2978691.
	Hotfixes []string `json:"hotfixes" untrusted:"true"`
	Paging
}

// GetAgentHotfixes returns one page of the Windows updates that an agent's last
// inventory scan saw, by number. Other systems have none.
//
// Wazuh: GET /syscollector/{agent_id}/hotfixes
func (c *Client) GetAgentHotfixes(ctx context.Context, in GetAgentHotfixesInput) (*HotfixPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := in.AgentID.padded()
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

// Hotfixes returns an iterator over every Windows update that an agent's last
// inventory scan saw, by number, from in.Offset on, each once: all are read before
// the first is handed out. in.Limit is how many it fetches at a time, 500 unless
// given.
func (c *Client) Hotfixes(ctx context.Context, in GetAgentHotfixesInput) iter.Seq2[string, error] {
	return walkRows(ctx, in, pageRows, c.GetAgentHotfixes, func(p *HotfixPage) ([]string, Paging) { return p.Hotfixes, p.Paging },
		func(number string) string { return number })
}
