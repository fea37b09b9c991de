package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A Policy is how a host fares under a policy of the configuration assessment.
type Policy struct {
	PolicyID    string `json:"policy_id"`             // the policy
	Name        string `json:"name"`                  // its name
	Description string `json:"description,omitempty"` // what it is about
	References  string `json:"references,omitempty"`  // where it comes from
	// Percent of the checks that passed, of those that could be made.
	Score Int `json:"score"`
	Pass  Int `json:"pass"` // how many checks passed
	Fail  Int `json:"fail"` // how many failed
	// Checks that don't apply.
	Invalid     Int       `json:"invalid"`
	TotalChecks Int       `json:"total_checks"`                                           // how many there are
	HashFile    string    `json:"hash_file,omitempty"`                                    // the digest of its file
	StartScan   time.Time `json:"start_scan,omitzero,format:'2006-01-02T15:04:05-07:00'"` // when the last scan began
	EndScan     time.Time `json:"end_scan,omitzero,format:'2006-01-02T15:04:05-07:00'"`   // when the last scan ended

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetSCAPoliciesInput is the input of [Client.GetSCAPolicies].
type GetSCAPoliciesInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"` // the agent
}

// PolicyList holds all policies that an agent was assessed by.
type PolicyList struct {
	AgentID  string    `json:"agent_id"` // the agent
	Policies []*Policy `json:"policies"` // the policies
	Total    int       `json:"total"`    // how many there are
	// What Wazuh would not tell.
	Failed []Failure `json:"failed,omitempty"`
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
	// The standard, such as cis or pci_dss.
	Key   string `json:"key"`
	Value string `json:"value"` // its value

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A CheckRule is what a check looks at.
type CheckRule struct {
	Type string `json:"type"` // its type
	Rule string `json:"rule"` // what must hold

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Check is one of a policy's, with its outcome on a host.
type Check struct {
	ID     Int         `json:"id"`               // its id
	Title  string      `json:"title"`            // its title
	Result CheckResult `json:"result,omitempty"` // what came of it
	// Why it doesn't apply.
	Reason      string `json:"reason,omitempty" untrusted:"true"`
	Description string `json:"description,omitempty"` // what it is about
	Rationale   string `json:"rationale,omitempty"`   // why it matters
	Remediation string `json:"remediation,omitempty"` // how to mend it
	// How its rules combine: all, any or none.
	Condition  string        `json:"condition,omitempty"`
	Command    string        `json:"command,omitempty"`    // the command that was looked at
	File       string        `json:"file,omitempty"`       // the file that was looked at
	Directory  string        `json:"directory,omitempty"`  // the folder that was looked at
	Process    string        `json:"process,omitempty"`    // the process that was looked at
	Registry   string        `json:"registry,omitempty"`   // the key that was looked at
	References string        `json:"references,omitempty"` // where it is written about
	Compliance []Requirement `json:"compliance,omitempty"` // the requirements it answers
	Rules      []CheckRule   `json:"rules,omitempty"`      // what was tested

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetSCAChecksInput is the input of [Client.GetSCAChecks].
type GetSCAChecksInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"` // the agent
	// From get_sca_policies.
	PolicyID string      `json:"policy_id" pattern:"^[A-Za-z0-9._:-]{1,128}$"`
	Result   CheckResult `json:"result,omitempty"` // only with this result
	// In any field.
	Search string `json:"search,omitempty" minLength:"1" maxLength:"256"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"` // how many to return at most
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
}

// A CheckPage is one page of checks.
type CheckPage struct {
	AgentID  string   `json:"agent_id"`  // the agent
	PolicyID string   `json:"policy_id"` // the policy
	Checks   []*Check `json:"checks"`    // what was checked
	Paging
}

var policyID = lazyregexp.New(`^[A-Za-z0-9._:-]{1,128}$`)

// GetSCAChecks returns one page of the checks of a policy on an agent, by id.
//
// Wazuh: GET /sca/{agent_id}/checks/{policy_id}
func (c *Client) GetSCAChecks(ctx context.Context, in GetSCAChecksInput) (*CheckPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := checkRows(in.AgentID, in.Search)
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

// Checks returns an iterator over every check of a policy on an agent, by id, from
// in.Offset on, each once: all are read before the first is handed out. in.Limit is
// how many it fetches at a time, 500 unless given.
func (c *Client) Checks(ctx context.Context, in GetSCAChecksInput) iter.Seq2[*Check, error] {
	return walkRows(ctx, in, pageRows, c.GetSCAChecks, func(p *CheckPage) ([]*Check, Paging) { return p.Checks, p.Paging },
		func(x *Check) Int { return x.ID })
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
