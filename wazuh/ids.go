package wazuh

import (
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// shownBytes is how much of a value an error shows.
const shownBytes = 80

// An AgentID names an agent by its number. "7" and "007" are the same one, and
// "000" is the manager itself.
type AgentID string

// Pattern is the form of an id, for schemas.
func (AgentID) Pattern() string { return `^[0-9]{1,32}$` }

// padded returns the id as Wazuh writes it.
func (id AgentID) padded() (string, error) {
	s := string(id)
	if s == "" || len(s) > 32 || strings.Trim(s, "0123456789") != "" {
		return "", invalid("agent_id %q: want an agent's number, such as 007", clip.Text(s, shownBytes))
	}
	s = strings.TrimLeft(s, "0")
	if len(s) > 10 {
		return "", invalid("agent_id %q: no agent has so large a number", clip.Text(string(id), shownBytes))
	}
	return strings.Repeat("0", max(0, 3-len(s))) + s, nil
}

// A RuleID names a rule: by its number, or of Wazuh 5 by another name.
type RuleID string

var ruleID = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Pattern is the form of an id, for schemas.
func (RuleID) Pattern() string { return ruleID.String() }

// number returns the id without leading zeros.
func (id RuleID) number() (string, error) {
	s := strings.TrimLeft(string(id), "0")
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return "", invalid("rule_id %q: want a rule's number, such as 5710", clip.Text(string(id), shownBytes))
	}
	return s, nil
}

// text returns the id as alerts have it, those of Wazuh 5 under any name.
func (id RuleID) text(five bool) (string, error) {
	n, err := id.number()
	if err == nil || !five {
		return n, err
	}
	if !ruleID.MatchString(string(id)) {
		return "", invalid("rule_id %q: want a rule's id", clip.Text(string(id), shownBytes))
	}
	return string(id), nil
}
