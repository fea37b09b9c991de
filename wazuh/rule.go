package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A Rule is a detection rule of the manager.
type Rule struct {
	ID int `json:"id"` // its id
	// 0 (ignored) to 16 (severe).
	Level       int     `json:"level"`
	Description string  `json:"description"`      // what it finds
	Status      string  `json:"status,omitempty"` // its status
	Groups      Strings `json:"groups,omitempty"` // its groups
	// Ids of ATT&CK techniques.
	MITRE     Strings `json:"mitre,omitempty"`
	PCIDSS    Strings `json:"pci_dss,omitempty"`          // requirements of PCI DSS
	GDPR      Strings `json:"gdpr,omitempty"`             // articles of the GDPR
	GPG13     Strings `json:"gpg13,omitempty"`            // requirements of GPG 13
	HIPAA     Strings `json:"hipaa,omitempty"`            // requirements of HIPAA
	NIST80053 Strings `json:"nist_800_53,omitempty"`      // controls of NIST 800-53
	TSC       Strings `json:"tsc,omitempty"`              // trust services criteria
	Filename  string  `json:"filename,omitempty"`         // the file it stands in
	Dirname   string  `json:"relative_dirname,omitempty"` // the folder of that file
	// The rule's conditions, as Wazuh has them.
	Details json.RawMessage `json:"details,omitempty"`
	// Further files that define a rule of this number.
	AlsoIn []string `json:"also_defined_in,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-"`
}

// GetRuleInput is the input of [Client.GetRule].
type GetRuleInput struct {
	// Such as 5710.
	RuleID RuleID `json:"rule_id" alias:"id"`
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
	if err := c.only4(ctx, "rules"); err != nil {
		return nil, err
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

// RuleSort is an order of rules: ascending, or descending with - in front.
type RuleSort string

// Enum lists the values for schemas.
func (RuleSort) Enum() []any { return []any{"level", "-level", "+level", "id", "-id", "+id"} }

// ListRulesInput is the input of [Client.ListRules]. What is left out doesn't filter.
type ListRulesInput struct {
	// At least.
	Level int `json:"level,omitempty" minimum:"0" maximum:"16" alias:"min_level"`
	// At most.
	MaxLevel int `json:"max_level,omitempty" minimum:"1" maximum:"16"`
	// Such as authentication_failed.
	Group string `json:"group,omitempty" minLength:"1" maxLength:"128"`
	// Exactly this technique.
	MITREID string `json:"mitre_id,omitempty" pattern:"^[Tt][0-9]{4}([.][0-9]{3})?$"`
	Limit   int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"` // how many to return at most
	Offset  int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
	// - in front: descending. Default: by id.
	Sort RuleSort `json:"sort,omitempty"`
}

// A RulePage is one page of rules.
type RulePage struct {
	Rules []*Rule `json:"rules"` // the rules
	Paging
}

// ListRules returns one page of the manager's rules.
//
// Wazuh: GET /rules
func (c *Client) ListRules(ctx context.Context, in ListRulesInput) (*RulePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listRules(ctx, in)
}

func (c *Client) listRules(ctx context.Context, in ListRulesInput) (*RulePage, error) {
	params := wire.ListRulesParams{Offset: in.Offset, Limit: in.Limit, Sort: string(in.Sort), Group: in.Group, Mitre: strings.ToUpper(in.MITREID)}
	if in.Group != "" {
		if err := checkName("group", in.Group); err != nil {
			return nil, err
		}
	}
	if in.MITREID != "" && !techniqueID.MatchString(params.Mitre) {
		return nil, invalid("mitre_id %q is not a technique's id, such as T1110 or T1110.001", clip.Text(in.MITREID, shownBytes))
	}
	p, err := c.rules(ctx, params, in.Level, in.MaxLevel, nil)
	if err != nil || in.Group == "" || p.Total > 0 {
		return p, err
	}
	// Wazuh minds case, and says the same of a group that no rule has.
	having, err := c.rules(ctx, wire.ListRulesParams{Search: strings.TrimLeft(in.Group, "-"), Limit: maxRows}, 0, 0, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range having.Rules {
		for _, g := range r.Groups {
			if strings.EqualFold(g, in.Group) {
				params.Group = g
				return c.rules(ctx, params, in.Level, in.MaxLevel, nil)
			}
		}
	}
	return nil, fmt.Errorf("%w: there is no rule with the group %s, or this user may not see it", ErrNotFound, in.Group)
}

// Rules returns an iterator over every rule that in matches, from in.Offset on,
// each once: all are read before the first is handed out. in.Limit is how many it
// fetches at a time, 500 unless given.
func (c *Client) Rules(ctx context.Context, in ListRulesInput) iter.Seq2[*Rule, error] {
	return walkRows(ctx, in, pageRows, c.listRules, rulesOf, (*Rule).place)
}

func rulesOf(p *RulePage) ([]*Rule, Paging) { return p.Rules, p.Paging }

// A rulePlace tells rules apart: an id can stand in several files.
type rulePlace struct {
	id   int
	file string
}

func (r *Rule) place() rulePlace { return rulePlace{r.ID, r.Dirname + "/" + r.Filename} }

// SearchRulesInput is the input of [Client.SearchRules].
type SearchRulesInput struct {
	// Words that must all be in its description, groups, conditions, techniques or file name; "quotes" keep
	// words together.
	Description string `json:"description" alias:"query,search" minLength:"1" maxLength:"256"`
	// At least.
	Level int `json:"level,omitempty" minimum:"0" maximum:"16" alias:"min_level"`
	// At most.
	MaxLevel int `json:"max_level,omitempty" minimum:"1" maximum:"16"`
	Limit    int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"` // how many to return at most
	Offset   int `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
}

// SearchRules returns one page of the rules that have all words of a text, by id.
//
// Wazuh: GET /rules
func (c *Client) SearchRules(ctx context.Context, in SearchRulesInput) (*RulePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.searchRules(ctx, in)
}

// RulesMatching returns an iterator over every rule that has all words of a text, as [Client.Rules]
// does.
func (c *Client) RulesMatching(ctx context.Context, in SearchRulesInput) iter.Seq2[*Rule, error] {
	return walkRows(ctx, in, pageRows, c.searchRules, rulesOf, (*Rule).place)
}

func (c *Client) searchRules(ctx context.Context, in SearchRulesInput) (*RulePage, error) {
	if err := checkSearch(in.Description); err != nil {
		return nil, err
	}
	list := words(in.Description)
	if len(list) == 0 {
		return nil, invalid("description %q holds nothing to search for", clip.Text(in.Description, shownBytes))
	}
	params := wire.ListRulesParams{Offset: in.Offset, Limit: in.Limit, Search: list[0]}
	if len(list) == 1 {
		return c.rules(ctx, params, in.Level, in.MaxLevel, nil)
	}
	for i, w := range list { // Wazuh looks for one text: the longest word; here for the others
		list[i] = strings.ToLower(w)
		if w = strings.TrimLeft(w, "-"); len(w) > len(params.Search) {
			params.Search = w
		}
	}
	return c.rules(ctx, params, in.Level, in.MaxLevel, func(r *Rule) bool {
		text := strings.ToLower(r.text())
		return !slices.ContainsFunc(list, func(w string) bool {
			return !strings.Contains(text, w) && !strings.Contains(text, escaping.Replace(w)) // of the conditions it is JSON
		})
	})
}

// text is all that Wazuh searches of a rule, a line each.
func (r *Rule) text() string {
	return strings.Join(slices.Concat([]string{strconv.Itoa(r.ID), r.Description, r.Status, r.Filename, r.Dirname, string(r.Details)},
		r.Groups, r.MITRE, r.PCIDSS, r.GDPR, r.GPG13, r.HIPAA, r.NIST80053, r.TSC), "\n")
}

// rules asks for rules, and pages those that pass where, if it is given, itself.
func (c *Client) rules(ctx context.Context, params wire.ListRulesParams, low, high int, where func(*Rule) bool) (*RulePage, error) {
	if err := checkLevels(low, high); err != nil {
		return nil, err
	}
	if low > 0 || high > 0 {
		if high == 0 {
			high = maxLevel
		}
		params.Level = fmt.Sprintf("%d-%d", low, high) // one number alone would mean that level and no other
	}
	if err := c.only4(ctx, "rules"); err != nil {
		return nil, err
	}
	offset, limit := params.Offset, params.Limit
	if where != nil {
		params.Offset, params.Limit = 0, maxRows
	}
	r, err := list[*Rule](c.wire.ListRules(withSession(ctx), params))
	if err != nil {
		return nil, err
	}
	if where != nil {
		r.keep(where, offset, limit)
	}
	return &RulePage{Rules: r.items, Paging: r.paging(offset)}, nil
}

const maxLevel = 16 // of a rule

func checkLevels(low, high int) error {
	if low < 0 || high < 0 || low > maxLevel || high > maxLevel || high != 0 && high < low {
		return invalid("level %d to max_level %d: want 0 to %d, the lower first", low, high, maxLevel)
	}
	return nil
}
