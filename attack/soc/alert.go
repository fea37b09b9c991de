package soc

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/internal/wazuhrules"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// MapWazuhAlertInput is the input of [Client.MapWazuhAlert]. At least one of the
// fields must be set.
type MapWazuhAlertInput struct {
	// Such as 5710.
	RuleID int `json:"ruleId,omitempty" minimum:"1" maximum:"999999"`
	// Its own ATT&CK ids are used.
	AlertID string `json:"alertId,omitempty" maxLength:"256"`
	// For a guess when no rule names a technique.
	RuleDescription string `json:"ruleDescription,omitempty" maxLength:"1000"`
	// Such as sshd; for a guess.
	RuleGroups []string `json:"ruleGroups,omitempty" maxItems:"50"`
	// Such as linux or windows.
	AgentPlatform string `json:"agentPlatform,omitempty" maxLength:"40"`
}

// Validate wants something to go by.
func (in MapWazuhAlertInput) Validate() error {
	if in.RuleID == 0 && in.AlertID == "" && strings.TrimSpace(in.RuleDescription) == "" && len(in.RuleGroups) == 0 {
		return errors.New("soc: give at least one of ruleId, alertId, ruleDescription, ruleGroups")
	}
	return nil
}

// MapWazuhAlertOutput is the output of [Client.MapWazuhAlert].
type MapWazuhAlertOutput struct {
	RuleID     int         `json:"ruleId,omitempty"` // the rule
	Techniques []Technique `json:"techniques"`       // the techniques
	// That the rule names itself.
	Tactics []attack.Ref `json:"tactics,omitempty"`
	// Ids that the rule names and this ATT&CK doesn't have.
	Unknown       []string         `json:"unknown,omitempty"`
	Note          string           `json:"note,omitempty"`          // what to know about the answer
	AttackVersion string           `json:"attackVersion,omitempty"` // the version of ATT&CK behind the answer
	Platforms     []PlatformStatus `json:"platforms"`               // which platforms answered
}

const maxGuesses = 5

// MapWazuhAlert says which techniques a Wazuh rule or alert points to. What the
// alert and the rule of the configured Wazuh say themselves comes first; then
// what the rule says as Wazuh ships it; and only if none of them names a
// technique, a guess from the words.
func (c *Client) MapWazuhAlert(ctx context.Context, in MapWazuhAlertInput) (*MapWazuhAlertOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	out := &MapWazuhAlertOutput{RuleID: in.RuleID, Techniques: []Technique{}, AttackVersion: kb.Version(kb.Domains()[0])}
	ids := mapped{kb: kb}
	var missing []string
	out.Platforms, _ = together(part{"wazuh", c.wazuh != nil, func() (err error) {
		missing, err = c.askWazuh(ctx, &in, ids.add)
		return err
	}})
	out.RuleID = in.RuleID
	if in.RuleID != 0 {
		_, shipped := wazuhrules.IDs(in.RuleID)
		rule := strconv.Itoa(in.RuleID)
		switch noRule := slices.Contains(missing, "rule "+rule); {
		case noRule && shipped:
			ids.why = append(ids.why, "what is known of rule "+rule+" is of the one that Wazuh ships")
		case noRule, !shipped && out.Platforms[0].Status != Answered:
			ids.why = append(ids.why, "Wazuh ships no rule "+rule)
		}
	}
	if len(ids.techniques) == 0 && len(ids.tactics) == 0 && in.RuleID != 0 {
		if stock, ok := wazuhrules.IDs(in.RuleID); ok {
			ids.add(stock, FromStock)
		}
	}
	out.Techniques, out.Tactics, out.Unknown = append(out.Techniques, ids.techniques...), ids.tactics, ids.unknown
	if len(out.Techniques) == 0 {
		guesses := guess(kb, in, out.Tactics)
		out.Techniques = append(out.Techniques, guesses...)
		switch {
		case len(guesses) > 0 && len(out.Tactics) > 0:
			out.Note = "the rule names a tactic; the techniques that are listed are guesses from words, not facts"
		case len(guesses) > 0:
			out.Note = "no rule names a technique for this; what is listed are guesses from words, not facts"
		case len(out.Tactics) > 0:
			out.Note = "the rule names a tactic and no technique"
		case strings.TrimSpace(in.RuleDescription)+attack.GroupWords(in.RuleGroups) == "":
			out.Note = "no rule names a technique for this, and there are no words to guess from"
		default:
			out.Note = "no rule names a technique for this, and no words fit one"
		}
	}
	out.Note = ids.note(out.Note)
	if len(missing) > 0 {
		out.Note = strings.TrimSuffix("this Wazuh has no "+strings.Join(missing, " and no ")+"; "+out.Note, "; ")
	}
	return out, nil
}

// askWazuh adds what the alert and the rule say in the configured Wazuh, and
// completes in from the alert. It returns which of the two this Wazuh doesn't have,
// which is no failure.
func (c *Client) askWazuh(ctx context.Context, in *MapWazuhAlertInput, add func([]string, Source)) (missing []string, err error) {
	if in.AlertID != "" {
		alert, err := c.wazuh.GetAlert(ctx, wazuh.GetAlertInput{AlertID: in.AlertID})
		switch {
		case errors.Is(err, wazuh.ErrNotFound):
			missing = append(missing, "alert "+clip.Text(in.AlertID, 80))
		case err != nil:
			return nil, err
		default:
			if alert.Rule.MITRE != nil {
				add(alert.Rule.MITRE.ID, FromAlert)
			}
			if id, err := strconv.Atoi(alert.Rule.ID); err == nil && in.RuleID == 0 {
				in.RuleID = id
			}
		}
	}
	if in.RuleID == 0 {
		return missing, nil
	}
	rule, err := c.wazuh.GetRule(ctx, wazuh.GetRuleInput{RuleID: wazuh.RuleID(strconv.Itoa(in.RuleID))})
	switch {
	case errors.Is(err, wazuh.ErrNotFound):
		return append(missing, "rule "+strconv.Itoa(in.RuleID)), nil
	case err != nil:
		return missing, err
	}
	add(rule.MITRE, FromRule)
	if in.RuleDescription == "" {
		in.RuleDescription = rule.Description
	}
	return missing, nil
}

// guess ranks techniques by the words of the rule. Those of the tactics that it names come first.
func guess(kb *attack.KB, in MapWazuhAlertInput, tactics []attack.Ref) []Technique {
	var list []Technique
	words := attack.GroupWords(in.RuleGroups)
	for _, t := range tactics {
		words += " " + t.ID
	}
	for _, g := range kb.Guess(in.RuleDescription, words, 10*maxGuesses) {
		if len(list) == maxGuesses {
			break
		}
		if !on(g.Technique, in.AgentPlatform) {
			continue
		}
		t := describe(g.Technique, "", FromGuess)
		t.Score, t.Confidence, t.Reason, t.Words = g.Score, g.Confidence, g.Reason, g.Words
		list = append(list, t)
	}
	return list
}

// platforms has ATT&CK's names for the platforms that Wazuh's agents report.
var platforms = map[string]string{
	"darwin": "macOS", "ubuntu": "Linux", "debian": "Linux", "centos": "Linux", "rhel": "Linux", "redhat": "Linux",
	"fedora": "Linux", "amzn": "Linux", "rocky": "Linux", "almalinux": "Linux", "ol": "Linux", "sles": "Linux", "suse": "Linux",
	"opensuse": "Linux", "arch": "Linux", "alpine": "Linux",
}

// on reports whether a technique works on the platform of an agent. One that
// ATT&CK doesn't know rules nothing out.
func on(t *attack.Technique, platform string) bool {
	platform = strings.ToLower(strings.TrimSpace(platform))
	if name, ok := platforms[platform]; ok {
		platform = name
	}
	switch strings.ToLower(platform) {
	case "linux", "windows", "macos":
		return t.On(platform)
	}
	return true
}
