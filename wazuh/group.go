package wazuh

import (
	"context"
	"iter"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A Group is a set of agents that share a configuration.
type Group struct {
	Name string `json:"name"` // its name
	// How many agents are in it.
	Count     int    `json:"count"`
	ConfigSum string `json:"config_sum,omitempty"` // the digest of its configuration
	MergedSum string `json:"merged_sum,omitempty"` // the digest of its shared files
}

// ListGroupsInput is the input of [Client.ListGroups].
type ListGroupsInput struct {
	Search string `json:"search,omitempty" minLength:"1" maxLength:"128"`         // only those that this is in
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"` // how many to return at most
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
}

// A GroupPage is one page of groups.
type GroupPage struct {
	Groups []*Group `json:"groups"` // its groups
	Paging
}

// ListGroups returns one page of the groups of agents, by name.
//
// Wazuh: GET /groups
func (c *Client) ListGroups(ctx context.Context, in ListGroupsInput) (*GroupPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listGroups(ctx, in)
}

func (c *Client) listGroups(ctx context.Context, in ListGroupsInput) (*GroupPage, error) {
	if err := checkSearch(in.Search); err != nil {
		return nil, err
	}
	r, err := list[wire.Group](c.wire.ListGroups(withSession(ctx), wire.ListGroupsParams{Offset: in.Offset, Limit: in.Limit, Search: in.Search, Sort: "+name"}))
	if err != nil {
		return nil, err
	}
	p := &GroupPage{Groups: make([]*Group, len(r.items)), Paging: r.paging(in.Offset)}
	for i, g := range r.items {
		p.Groups[i] = &Group{Name: g.Name, Count: g.Count, ConfigSum: g.ConfigSum, MergedSum: g.MergedSum}
	}
	return p, nil
}

// Groups returns an iterator over every group that in matches, by name, from
// in.Offset on, each once: all are read before the first is handed out. in.Limit is
// how many it fetches at a time, 500 unless given.
func (c *Client) Groups(ctx context.Context, in ListGroupsInput) iter.Seq2[*Group, error] {
	return walkRows(ctx, in, pageRows, c.listGroups, func(p *GroupPage) ([]*Group, Paging) { return p.Groups, p.Paging },
		func(g *Group) string { return g.Name })
}

// A GroupID names a group of agents.
type GroupID string

var groupName = lazyregexp.New(`^[A-Za-z0-9._-]{1,128}$`)

// Pattern is the form of an id, for schemas.
func (GroupID) Pattern() string { return groupName.String() }

// check refuses what Wazuh has no group for, the word that means all of them included.
func (g GroupID) check() error {
	if s := string(g); !groupName.MatchString(s) || strings.Trim(s, ".") == "" || s == "all" {
		return invalid("group_id %q: want letters, digits, . _ and -, and neither all nor dots alone", clip.Text(s, shownBytes))
	}
	return nil
}

// GetGroupAgentsInput is the input of [Client.GetGroupAgents].
type GetGroupAgentsInput struct {
	// Its name.
	GroupID   GroupID     `json:"group_id" alias:"id,group"`
	Status    AgentStatus `json:"status,omitempty"`                                       // only those with this status
	Limit     int         `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"` // how many to return at most
	Offset    int         `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
	IncludeIP bool        `json:"include_ip,omitempty"`                                   // with the addresses of agents
}

// GetGroupAgents returns one page of the agents in a group, by id. An unknown
// group is [ErrNotFound]. [Client.Agents] walks all of them.
//
// Wazuh: GET /groups/{group_id}/agents
func (c *Client) GetGroupAgents(ctx context.Context, in GetGroupAgentsInput) (*AgentPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := in.GroupID.check(); err != nil {
		return nil, err
	}
	members, err := c.agentSelect(ctx, in.IncludeIP)
	if err != nil {
		return nil, err
	}
	params := wire.ListGroupAgentsParams{Offset: in.Offset, Limit: in.Limit, Sort: "+id", Select: members}
	if in.Status != "" {
		params.Status = []string{string(in.Status)}
	}
	r, err := list[wire.Agent](c.wire.ListGroupAgents(withSession(ctx), string(in.GroupID), params))
	if err != nil {
		return nil, err
	}
	return agentPage(r, in.Offset, in.IncludeIP), nil
}
