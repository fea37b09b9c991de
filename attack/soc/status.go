package soc

import (
	"context"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// StatusInput is the input of [Client.Status].
type StatusInput struct{}

// StatusOutput is the output of [Client.Status].
type StatusOutput struct {
	// Of each platform, whether it answered, its version, and if it didn't answer, why.
	Platforms []PlatformStatus       `json:"platforms"`
	ATTACK    []attack.DomainVersion `json:"attack"`                  // the versions of the facts
	Source    attack.Source          `json:"attackSource,omitempty"`  // where the facts come from
	Problem   string                 `json:"attackProblem,omitempty"` // what is wrong
}

// Status asks all four platforms at once whether they answer and take the
// credentials, and says which ATT&CK is loaded.
//
// Wazuh: GET /. TheHive: GET /api/v1/user/current. Cortex: GET /api/status,
// GET /api/user/current. MISP: GET /servers/getVersion.
func (c *Client) Status(ctx context.Context, _ StatusInput) (*StatusOutput, error) {
	out := &StatusOutput{ATTACK: []attack.DomainVersion{}}
	details := make([]string, 4)
	ask := func(at int, platform string, configured bool, f func() (string, error)) part {
		return part{platform, configured, func() (err error) {
			details[at], err = f()
			return err
		}}
	}
	out.Platforms, _ = together(
		ask(0, "wazuh", c.wazuh != nil, func() (string, error) {
			v, err := c.wazuh.GetWazuhVersion(ctx, wazuh.GetWazuhVersionInput{})
			if err != nil {
				return "", err
			}
			return "version " + v.APIVersion, nil
		}),
		ask(1, "thehive", c.hive != nil, func() (string, error) {
			u, err := c.hive.GetCurrentUser(ctx, thehive.GetCurrentUserInput{})
			if err != nil {
				return "", err
			}
			return "as " + u.Login + " in " + u.Organisation, nil
		}),
		ask(2, "cortex", c.cortex != nil, func() (string, error) {
			s, err := c.cortex.GetStatus(ctx, cortex.GetStatusInput{})
			if err != nil {
				return "", err
			}
			if s.Problem != "" {
				return "version " + s.Version + "; " + s.Problem, nil
			}
			return "version " + s.Version + " as " + s.User, nil
		}),
		ask(3, "misp", c.misp != nil, func() (string, error) {
			s, err := c.misp.ServerStatus(ctx, misp.ServerStatusInput{})
			if err != nil {
				return "", err
			}
			return "version " + s.Version, nil
		}),
	)
	for i := range out.Platforms {
		out.Platforms[i].Detail = details[i]
	}
	kb, err := c.kb(ctx)
	if err != nil {
		out.Problem = err.Error()
		return out, nil
	}
	out.Source = kb.Source()
	for _, d := range kb.Domains() {
		out.ATTACK = append(out.ATTACK, attack.DomainVersion{Domain: d, Version: kb.Version(d)})
	}
	return out, nil
}
