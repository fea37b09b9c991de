package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A Policy is how a host fares under a policy of the configuration assessment.
type Policy struct {
	PolicyID    string `json:"policy_id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	References  string `json:"references,omitempty"`
	Score       Int    `json:"score" jsonschema:"Percent of the checks that passed, of those that could be made."`
	Pass        Int    `json:"pass"`
	Fail        Int    `json:"fail"`
	Invalid     Int    `json:"invalid" jsonschema:"Checks that don't apply."`
	TotalChecks Int    `json:"total_checks"`
	HashFile    string `json:"hash_file,omitempty"`
	StartScan   string `json:"start_scan,omitempty"`
	EndScan     string `json:"end_scan,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetSCAPoliciesInput is the input of [Client.GetSCAPolicies].
type GetSCAPoliciesInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"`
}

// PolicyList holds all policies that an agent was assessed by.
type PolicyList struct {
	AgentID  string    `json:"agent_id"`
	Policies []*Policy `json:"policies"`
	Total    int       `json:"total"`
	Failed   []Failure `json:"failed,omitempty" jsonschema:"What Wazuh would not tell."`
}

// GetSCAPolicies returns how an agent fares under each policy of the
// configuration assessment. An agent that never connected is [ErrNoInventory].
//
// Wazuh: GET /sca/{agent_id}
func (c *Client) GetSCAPolicies(ctx context.Context, in GetSCAPoliciesInput) (*PolicyList, error) {
	id, err := in.AgentID.padded()
	if err != nil {
		return nil, err
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		return c.statePolicies(ctx, id)
	}
	p := &PolicyList{AgentID: id}
	p.Policies, err = every(&p.Failed, func(offset int) (*rows[*Policy], error) {
		return list[*Policy](c.wire.ListPolicies(withSession(ctx), id, wire.ListPoliciesParams{Offset: offset, Limit: chunk, Sort: "+policy_id"}))
	})
	if err != nil {
		return nil, err
	}
	p.Total = len(p.Policies)
	return p, nil
}

// CheckResult is the outcome of a check.
type CheckResult string

// Enum lists the values for schemas.
func (CheckResult) Enum() []any { return []any{"passed", "failed", "not applicable"} }

// A Requirement is one that a check serves.
type Requirement struct {
	Key   string `json:"key" jsonschema:"The standard, such as cis or pci_dss."`
	Value string `json:"value"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A CheckRule is what a check looks at.
type CheckRule struct {
	Type string `json:"type"`
	Rule string `json:"rule"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Check is one of a policy's, with its outcome on a host.
type Check struct {
	ID          Int           `json:"id"`
	Title       string        `json:"title"`
	Result      CheckResult   `json:"result,omitempty"`
	Reason      string        `json:"reason,omitempty" jsonschema:"Why it doesn't apply." untrusted:"true"`
	Description string        `json:"description,omitempty"`
	Rationale   string        `json:"rationale,omitempty"`
	Remediation string        `json:"remediation,omitempty"`
	Condition   string        `json:"condition,omitempty" jsonschema:"How its rules combine: all, any or none."`
	Command     string        `json:"command,omitempty"`
	File        string        `json:"file,omitempty"`
	Directory   string        `json:"directory,omitempty"`
	Process     string        `json:"process,omitempty"`
	Registry    string        `json:"registry,omitempty"`
	References  string        `json:"references,omitempty"`
	Compliance  []Requirement `json:"compliance,omitempty"`
	Rules       []CheckRule   `json:"rules,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetSCAChecksInput is the input of [Client.GetSCAChecks].
type GetSCAChecksInput struct {
	AgentID  AgentID     `json:"agent_id" alias:"id"`
	PolicyID string      `json:"policy_id" jsonschema:"From get_sca_policies." pattern:"^[A-Za-z0-9._:-]{1,128}$"`
	Result   CheckResult `json:"result,omitempty"`
	Search   string      `json:"search,omitempty" jsonschema:"In any field." minLength:"1" maxLength:"256"`
	Limit    int         `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"`
	Offset   int         `json:"offset,omitempty" minimum:"0" maximum:"100000"`
}

// A CheckPage is one page of checks.
type CheckPage struct {
	AgentID  string   `json:"agent_id"`
	PolicyID string   `json:"policy_id"`
	Checks   []*Check `json:"checks"`
	Paging
}

var policyID = lazyregexp.New(`^[A-Za-z0-9._:-]{1,128}$`)

// GetSCAChecks returns one page of the checks of a policy on an agent, by id.
//
// Wazuh: GET /sca/{agent_id}/checks/{policy_id}
func (c *Client) GetSCAChecks(ctx context.Context, in GetSCAChecksInput) (*CheckPage, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := checkRows(in.AgentID, in.Limit, in.Offset, in.Search)
	if err != nil {
		return nil, err
	}
	if !policyID.MatchString(in.PolicyID) {
		return nil, invalid("policy_id %q is not a policy's id", clip.Text(in.PolicyID, shownBytes))
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		p, err := c.stateChecks(ctx, id, in)
		if err == nil && p.Total == 0 && len(p.Failed) == 0 {
			err = c.hasPolicy(ctx, AgentID(id), in.PolicyID)
		}
		if err != nil {
			return nil, err
		}
		return p, nil
	}
	r, err := list[*Check](c.wire.ListChecks(withSession(ctx), id, in.PolicyID, wire.ListChecksParams{
		Offset: in.Offset, Limit: in.Limit, Search: in.Search, Result: string(in.Result), Sort: "+id",
	}))
	if err != nil {
		return nil, err
	}
	if r.total == 0 { // Wazuh says the same of a policy that isn't there
		if err := c.hasPolicy(ctx, AgentID(id), in.PolicyID); err != nil {
			return nil, err
		}
	}
	return &CheckPage{AgentID: id, PolicyID: in.PolicyID, Checks: r.items, Paging: r.paging(in.Offset)}, nil
}

// hasPolicy returns [ErrNotFound] if an agent wasn't assessed by a policy.
func (c *Client) hasPolicy(ctx context.Context, agent AgentID, policy string) error {
	l, err := c.GetSCAPolicies(ctx, GetSCAPoliciesInput{AgentID: agent})
	if err != nil {
		return err
	}
	var ids []string
	for _, p := range l.Policies {
		if p.PolicyID == policy {
			return nil
		}
		ids = append(ids, p.PolicyID)
	}
	has := "it has none"
	if len(ids) > 0 {
		has = "it has " + strings.Join(ids, ", ")
	}
	return fmt.Errorf("%w: agent %s has no policy %s; %s", ErrNotFound, l.AgentID, policy, has)
}
