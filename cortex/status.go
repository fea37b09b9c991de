package cortex

import (
	"context"
	"encoding/json"
	"errors"
	"maps"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// GetStatusInput is the input of [Client.GetStatus].
type GetStatusInput struct{}

// A Status says whether Cortex can be worked with.
type Status struct {
	Healthy      bool              `json:"healthy" jsonschema:"Whether the server answers, takes the key, and lets it analyze."`
	Problem      string            `json:"problem,omitempty" jsonschema:"Why it is not healthy."`
	Version      string            `json:"version,omitempty"`
	Versions     map[string]string `json:"versions"`
	AuthTypes    []string          `json:"authTypes"`
	Capabilities []string          `json:"capabilities"`
	User         string            `json:"user,omitempty" jsonschema:"Whose key it is."`
	Organization string            `json:"organization,omitempty"`
	Roles        []string          `json:"roles"`
}

// GetStatus tells the versions of the server and proves the key: who it belongs
// to and what it may do. A key that isn't taken is no error: see Healthy.
//
// Cortex: GET /api/status, GET /api/user/current
func (c *Client) GetStatus(ctx context.Context, _ GetStatusInput) (*Status, error) {
	st, err := httpx.JSON[wire.Status](c.wire.GetStatus(ctx))
	if err != nil {
		return nil, err
	}
	out := &Status{
		Version: st.Versions["Cortex"], Versions: maps.Clone(st.Versions), AuthTypes: []string{},
		Capabilities: append([]string{}, st.Config.Capabilities...), Roles: []string{},
	}
	var one string
	if json.Unmarshal(st.Config.AuthType, &out.AuthTypes) != nil && json.Unmarshal(st.Config.AuthType, &one) == nil {
		out.AuthTypes = []string{one}
	}
	u, err := httpx.JSON[wire.User](c.wire.GetCurrentUser(ctx))
	switch {
	case errors.Is(err, ErrUnauthorized):
		out.Problem = "the key is not taken"
		return out, nil
	case errors.Is(err, ErrForbidden):
		out.Problem = "the key may not even ask who it belongs to"
		return out, nil
	case err != nil:
		return nil, err
	}
	out.User, out.Organization = u.ID, u.Organization
	for _, r := range u.Roles {
		out.Roles = append(out.Roles, string(r))
		out.Healthy = out.Healthy || r == wire.UserRolesAnalyze
	}
	if !out.Healthy {
		out.Problem = "the key may not run analyzers: it lacks the role analyze"
	}
	if u.Status == wire.UserStatusLocked {
		out.Healthy, out.Problem = false, "the user of the key is locked"
	}
	return out, nil
}
