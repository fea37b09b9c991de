package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sallyport-soc/sallyport/internal/extra"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A Rule is a detection rule of the manager.
type Rule struct {
	ID          int             `json:"id"`
	Level       int             `json:"level" jsonschema:"0 (ignored) to 16 (severe)."`
	Description string          `json:"description"`
	Status      string          `json:"status,omitempty"`
	Groups      Strings         `json:"groups,omitempty"`
	MITRE       Strings         `json:"mitre,omitempty" jsonschema:"Ids of ATT&CK techniques."`
	PCIDSS      Strings         `json:"pci_dss,omitempty"`
	GDPR        Strings         `json:"gdpr,omitempty"`
	GPG13       Strings         `json:"gpg13,omitempty"`
	HIPAA       Strings         `json:"hipaa,omitempty"`
	NIST80053   Strings         `json:"nist_800_53,omitempty"`
	TSC         Strings         `json:"tsc,omitempty"`
	Filename    string          `json:"filename,omitempty"`
	Dirname     string          `json:"relative_dirname,omitempty"`
	Details     json.RawMessage `json:"details,omitempty" jsonschema:"The rule's conditions, as Wazuh has them."`
	AlsoIn      []string        `json:"also_defined_in,omitempty" jsonschema:"Further files that define a rule of this number."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps unknown members in Extra.
func (r *Rule) UnmarshalJSON(b []byte) error {
	type plain Rule
	return extra.Decode(b, (*plain)(r), &r.Extra)
}

// MarshalJSON writes the known members, then those in Extra.
func (r Rule) MarshalJSON() ([]byte, error) {
	type plain Rule
	return extra.Encode(plain(r), r.Extra)
}

// GetRuleInput is the input of [Client.GetRule].
type GetRuleInput struct {
	RuleID RuleID `json:"rule_id" jsonschema:"The rule's number, such as 5710." alias:"id"`
}

// GetRule returns one rule. An unknown one is [ErrNotFound].
//
// Wazuh: GET /rules
func (c *Client) GetRule(ctx context.Context, in GetRuleInput) (*Rule, error) {
	id, err := in.RuleID.number()
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(id)
	if err != nil {
		return nil, invalid("rule_id %q: %v", id, err)
	}
	r, err := list[*Rule](c.wire.ListRules(withSession(ctx), wire.ListRulesParams{RuleIds: []int{n}}))
	if err != nil {
		return nil, err
	}
	var found *Rule
	for _, x := range r.items {
		switch {
		case x == nil || x.ID != n:
		case found == nil:
			found = x
		default:
			found.AlsoIn = append(found.AlsoIn, x.Dirname+"/"+x.Filename)
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%w: there is no rule %s", ErrNotFound, id)
	}
	return found, nil
}
