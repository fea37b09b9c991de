package attack

import (
	"context"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// UsedTechnique is a technique that a group, software or campaign uses.
type UsedTechnique struct {
	ID    string `json:"id"`              // its id
	Name  string `json:"name"`            // the technique's name
	Usage string `json:"usage,omitempty"` // how it was used; only bundles tell
	Via   []Ref  `json:"via,omitempty"`   // the campaigns, where only those attributed to the group used it
}

// Summary is a group, a campaign or software in a list.
type Summary struct {
	ID          string   `json:"id"`                    // its id
	Name        string   `json:"name"`                  // its name
	Aliases     []string `json:"aliases"`               // its other names
	Techniques  int      `json:"techniques"`            // how many techniques it has
	Description string   `json:"description,omitempty"` // what it is, in words of the platform
}

// SearchGroupsInput says which groups to find. All that is given must hold.
type SearchGroupsInput struct {
	// Words, name, alias or id.
	Query string `json:"query,omitempty" maxLength:"1000"`
	// Exactly this one, themselves or in a campaign of theirs.
	Technique string `json:"technique,omitempty"`
	Paging
}

// SearchGroups finds groups by words and by a technique they used. Those whose name or alias fits come first.
func (c *Client) SearchGroups(ctx context.Context, in SearchGroupsInput) (*Page[Summary], error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	pass, _, err := using(kb, in.Technique, (*Technique).Groups)
	if err != nil {
		return nil, err
	}
	all := ranked(filter(kb.Groups(), pass), in.Query, func(g *Group) []string { return g.Aliases })
	out := page(all, in.Paging, summariseGroup)
	out.Note = kb.namesOnly(in.Query)
	return out, nil
}

func summariseGroup(g *Group) Summary {
	return Summary{g.ID, g.Name, nonNil(g.Aliases), len(g.Techniques()), excerpt(g.Description)}
}

// ListGroupsInput says which part of the list of groups to return.
type ListGroupsInput struct{ Paging }

// ListGroups lists the groups in force, in order of their ids.
func (c *Client) ListGroups(ctx context.Context, in ListGroupsInput) (*Page[Summary], error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.SearchGroups(ctx, SearchGroupsInput{Paging: in.Paging})
}

// GetGroupInput says which group to describe.
type GetGroupInput struct {
	// Such as G0016.
	GroupID string `json:"groupId,omitempty" alias:"id"`
	// Or alias.
	Name string `json:"name,omitempty"`
	// Of each list.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"`
}

// GroupOutput describes a group.
type GroupOutput struct {
	ID             string              `json:"id"`                       // its id
	Name           string              `json:"name"`                     // its name
	Aliases        []string            `json:"aliases"`                  // its other names
	Domains        []Domain            `json:"domains"`                  // the domains of ATT&CK that have it
	URL            string              `json:"url"`                      // its page at MITRE
	AlsoNamed      []Ref               `json:"alsoNamed,omitempty"`      // others that have the name asked for as an alias
	RedirectedFrom string              `json:"redirectedFrom,omitempty"` // the id that was asked for, where another took its place
	Deprecated     bool                `json:"deprecated"`               // whether MITRE has deprecated it
	Description    string              `json:"description,omitempty"`    // what it is, in words of the platform
	Techniques     List[UsedTechnique] `json:"techniques"`               // with those of campaigns attributed to the group
	Software       List[Ref]           `json:"software"`                 // likewise
	Campaigns      List[Ref]           `json:"campaigns"`                // its campaigns
	References     *List[Reference]    `json:"references,omitempty"`     // where it is written about
}

// GetGroup describes a group. What a campaign used that is attributed to it counts, and says through which.
func (c *Client) GetGroup(ctx context.Context, in GetGroupInput) (*GroupOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, key, err := c.open1(ctx, "groupId", in.GroupID, in.Name)
	if err != nil {
		return nil, err
	}
	g, from, err := kb.ResolveGroup(key)
	if err != nil {
		return nil, err
	}
	campaigns := g.Campaigns()
	return &GroupOutput{
		ID: g.ID, Name: g.Name, Aliases: nonNil(g.Aliases), Domains: g.Domains(), URL: g.URL(), AlsoNamed: alsoNamed(kb, facts.Group, kb.groups, key), RedirectedFrom: from,
		Deprecated: g.Deprecated, Description: plain(g.Description),
		Techniques: first(g.Techniques(), in.Limit, func(t *Technique) UsedTechnique {
			u := UsedTechnique{ID: t.ID, Name: t.Name, Usage: plain(g.Usage(t))}
			if !g.Uses(t) {
				for _, c := range campaigns {
					if c.Uses(t) {
						u.Via = append(u.Via, ref(&c.Object))
					}
				}
			}
			return u
		}),
		Software: firstRefs(g.Software(), in.Limit), Campaigns: firstRefs(campaigns, in.Limit),
		References: references(kb, &g.Object, in.Limit),
	}, nil
}

// open1 checks the input of an operation on one object and returns the knowledge base and what to look up in it.
func (c *Client) open1(ctx context.Context, argument, id, name string) (*KB, string, error) {
	key, err := one(argument, id, "name", name)
	if err != nil {
		return nil, "", err
	}
	kb, err := c.KB(ctx)
	return kb, key, err
}

// references lists what an object cites, which only bundles tell.
func references(kb *KB, o *Object, limit int) *List[Reference] {
	if kb.source == FromTable {
		return nil
	}
	l := first(o.References, limit, func(r Reference) Reference { return r })
	return &l
}

// SearchSoftwareInput says which software to find. All that is given must hold.
type SearchSoftwareInput struct {
	// Words, name, alias or id.
	Query string `json:"query,omitempty" maxLength:"1000"`
	// Exactly this one.
	Technique string       `json:"technique,omitempty"`
	Type      SoftwareType `json:"type,omitempty"` // its type
	Paging
}

// SoftwareSummary is software in a list.
type SoftwareSummary struct {
	Summary
	Type SoftwareType `json:"type"` // its type
}

// SearchSoftware finds malware and tools by words and by a technique they implement. Those whose name or alias fits come
// first.
func (c *Client) SearchSoftware(ctx context.Context, in SearchSoftwareInput) (*Page[SoftwareSummary], error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if in.Type != "" && in.Type != Malware && in.Type != Tool {
		return nil, invalid("type %q, want malware or tool", clip.Text(string(in.Type), 40))
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	uses, _, err := using(kb, in.Technique, (*Technique).Software)
	if err != nil {
		return nil, err
	}
	pass := func(s *Software) bool { return (in.Type == "" || s.Type == in.Type) && uses(s) }
	all := ranked(filter(kb.Software(), pass), in.Query, func(s *Software) []string { return s.Aliases })
	out := page(all, in.Paging, func(s *Software) SoftwareSummary {
		return SoftwareSummary{Summary{s.ID, s.Name, nonNil(s.Aliases), len(s.Techniques()), excerpt(s.Description)}, s.Type}
	})
	out.Note = kb.namesOnly(in.Query)
	return out, nil
}

// GetSoftwareInput says which software to describe.
type GetSoftwareInput struct {
	// Such as S0154.
	SoftwareID string `json:"softwareId,omitempty" alias:"id"`
	// Or alias.
	Name string `json:"name,omitempty"`
	// Of each list.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"`
}

// SoftwareOutput describes malware or a tool.
type SoftwareOutput struct {
	ID             string              `json:"id"`                       // its id
	Name           string              `json:"name"`                     // its name
	Type           SoftwareType        `json:"type"`                     // its type
	Aliases        []string            `json:"aliases"`                  // its other names
	Platforms      []string            `json:"platforms"`                // the platforms it runs on
	Domains        []Domain            `json:"domains"`                  // the domains of ATT&CK that have it
	URL            string              `json:"url"`                      // its page at MITRE
	AlsoNamed      []Ref               `json:"alsoNamed,omitempty"`      // others that have the name asked for as an alias
	RedirectedFrom string              `json:"redirectedFrom,omitempty"` // the id that was asked for, where another took its place
	Deprecated     bool                `json:"deprecated"`               // whether MITRE has deprecated it
	Description    string              `json:"description,omitempty"`    // what it is, in words of the platform
	Techniques     List[UsedTechnique] `json:"techniques"`               // the techniques
	Groups         List[Ref]           `json:"groups"`                   // the groups that use it
	Campaigns      List[Ref]           `json:"campaigns"`                // its campaigns
	References     *List[Reference]    `json:"references,omitempty"`     // where it is written about
}

// GetSoftware describes malware or a tool.
func (c *Client) GetSoftware(ctx context.Context, in GetSoftwareInput) (*SoftwareOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, key, err := c.open1(ctx, "softwareId", in.SoftwareID, in.Name)
	if err != nil {
		return nil, err
	}
	s, from, err := kb.ResolveSoftware(key)
	if err != nil {
		return nil, err
	}
	return &SoftwareOutput{
		ID: s.ID, Name: s.Name, Type: s.Type, Aliases: nonNil(s.Aliases), Platforms: nonNil(s.Platforms), Domains: s.Domains(),
		URL: s.URL(), AlsoNamed: alsoNamed(kb, facts.Software, kb.software, key), RedirectedFrom: from, Deprecated: s.Deprecated, Description: plain(s.Description),
		Techniques: first(s.Techniques(), in.Limit, func(t *Technique) UsedTechnique {
			return UsedTechnique{ID: t.ID, Name: t.Name, Usage: plain(s.Usage(t))}
		}),
		Groups: firstRefs(s.Groups(), in.Limit), Campaigns: firstRefs(s.Campaigns(), in.Limit),
		References: references(kb, &s.Object, in.Limit),
	}, nil
}

// SearchCampaignsInput says which campaigns to find. All that is given must hold.
type SearchCampaignsInput struct {
	// Words, name, alias or id.
	Query string `json:"query,omitempty" maxLength:"1000"`
	// Exactly this one.
	Technique string `json:"technique,omitempty"`
	Paging
}

// CampaignSummary is a campaign in a list.
type CampaignSummary struct {
	Summary
	FirstSeen string `json:"firstSeen,omitempty"` // when it was first seen
	LastSeen  string `json:"lastSeen,omitempty"`  // when it was last seen
	Groups    []Ref  `json:"groups"`              // to which it is attributed
}

// SearchCampaigns finds campaigns by words and by a technique used in them. Those whose name or alias fits come first.
func (c *Client) SearchCampaigns(ctx context.Context, in SearchCampaignsInput) (*Page[CampaignSummary], error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	pass, _, err := using(kb, in.Technique, (*Technique).Campaigns)
	if err != nil {
		return nil, err
	}
	all := ranked(filter(kb.Campaigns(), pass), in.Query, func(c *Campaign) []string { return c.Aliases })
	out := page(all, in.Paging, func(c *Campaign) CampaignSummary {
		return CampaignSummary{
			Summary{c.ID, c.Name, nonNil(c.Aliases), len(c.Techniques()), excerpt(c.Description)},
			c.FirstSeen, c.LastSeen, refs(c.Groups()),
		}
	})
	out.Note = kb.namesOnly(in.Query)
	return out, nil
}

// ListCampaignsInput says which part of the list of campaigns to return.
type ListCampaignsInput struct{ Paging }

// ListCampaigns lists the campaigns in force, in order of their ids.
func (c *Client) ListCampaigns(ctx context.Context, in ListCampaignsInput) (*Page[CampaignSummary], error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.SearchCampaigns(ctx, SearchCampaignsInput{Paging: in.Paging})
}

// GetCampaignInput says which campaign to describe.
type GetCampaignInput struct {
	// Such as C0024.
	CampaignID string `json:"campaignId,omitempty" alias:"id"`
	// Or alias.
	Name string `json:"name,omitempty"`
	// Of each list.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"`
}

// CampaignOutput describes a campaign.
type CampaignOutput struct {
	ID             string              `json:"id"`                       // its id
	Name           string              `json:"name"`                     // its name
	Aliases        []string            `json:"aliases"`                  // its other names
	FirstSeen      string              `json:"firstSeen,omitempty"`      // when it was first seen
	LastSeen       string              `json:"lastSeen,omitempty"`       // when it was last seen
	Domains        []Domain            `json:"domains"`                  // the domains of ATT&CK that have it
	URL            string              `json:"url"`                      // its page at MITRE
	AlsoNamed      []Ref               `json:"alsoNamed,omitempty"`      // others that have the name asked for as an alias
	RedirectedFrom string              `json:"redirectedFrom,omitempty"` // the id that was asked for, where another took its place
	Deprecated     bool                `json:"deprecated"`               // whether MITRE has deprecated it
	Description    string              `json:"description,omitempty"`    // what it is, in words of the platform
	Groups         []Ref               `json:"groups"`                   // to which it is attributed
	Techniques     List[UsedTechnique] `json:"techniques"`               // the techniques
	Software       List[Ref]           `json:"software"`                 // the software that uses it
	References     *List[Reference]    `json:"references,omitempty"`     // where it is written about
}

// GetCampaign describes a campaign.
func (c *Client) GetCampaign(ctx context.Context, in GetCampaignInput) (*CampaignOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, key, err := c.open1(ctx, "campaignId", in.CampaignID, in.Name)
	if err != nil {
		return nil, err
	}
	a, from, err := kb.ResolveCampaign(key)
	if err != nil {
		return nil, err
	}
	return &CampaignOutput{
		ID: a.ID, Name: a.Name, Aliases: nonNil(a.Aliases), FirstSeen: a.FirstSeen, LastSeen: a.LastSeen, Domains: a.Domains(),
		URL: a.URL(), AlsoNamed: alsoNamed(kb, facts.Campaign, kb.campaigns, key), RedirectedFrom: from, Deprecated: a.Deprecated, Description: plain(a.Description),
		Groups: refs(a.Groups()),
		Techniques: first(a.Techniques(), in.Limit, func(t *Technique) UsedTechnique {
			return UsedTechnique{ID: t.ID, Name: t.Name, Usage: plain(a.Usage(t))}
		}),
		Software: firstRefs(a.Software(), in.Limit), References: references(kb, &a.Object, in.Limit),
	}, nil
}
