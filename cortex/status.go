package cortex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// GetStatusInput is the input of [Client.GetStatus].
type GetStatusInput struct{}

// A Status says whether Cortex can be worked with.
type Status struct {
	// Whether the server answers, takes the key, and lets it list, run and read analyzers.
	Healthy bool `json:"healthy"`
	// Why it is not healthy.
	Problem      string            `json:"problem,omitempty"`
	Version      string            `json:"version,omitempty"` // the version of Cortex
	Versions     map[string]string `json:"versions"`          // the versions of its parts
	AuthTypes    []string          `json:"authTypes"`         // how users may log in
	Capabilities []string          `json:"capabilities"`      // what logging in allows
	// Whose key it is.
	User         string   `json:"user,omitempty"`
	Organisation string   `json:"organization,omitempty"` // the organization of the key
	Roles        []string `json:"roles"`                  // the roles of the key
	// What the roles allow; none implies another.
	Can []string `json:"can"`
}

// may is what each role of Cortex allows.
var may = map[wire.UserRoles]string{
	wire.UserRolesRead:       "list analyzers, responders and jobs, and read reports",
	wire.UserRolesAnalyze:    "run analyzers and responders, and delete jobs",
	wire.UserRolesOrgadmin:   "list definitions, enable and disable analyzers and responders",
	wire.UserRolesSuperadmin: "administer organisations and users",
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
		Capabilities: append([]string{}, st.Config.Capabilities...), Roles: []string{}, Can: []string{},
	}
	var one string
	if json.Unmarshal(st.Config.AuthType, &out.AuthTypes) != nil && json.Unmarshal(st.Config.AuthType, &one) == nil {
		out.AuthTypes = []string{one}
	}
	u, err := httpx.JSON[wire.User](c.wire.GetCurrentUser(ctx))
	switch {
	case errors.Is(err, ErrUnauthorized):
		out.Problem = "the key is not taken: it is wrong, or its user or organisation is locked"
		return out, nil
	case errors.Is(err, ErrForbidden):
		out.Problem = "the key may not even ask who it belongs to"
		return out, nil
	case err != nil:
		return nil, err
	}
	out.User, out.Organisation = u.ID, u.Organization
	lacks := map[wire.UserRoles]string{
		wire.UserRolesRead:    "without which analyzers and jobs can't be listed and no report be read",
		wire.UserRolesAnalyze: "without which no analyzer can be run",
	}
	for _, r := range u.Roles {
		out.Roles = append(out.Roles, string(r))
		if what, ok := may[r]; ok {
			out.Can = append(out.Can, what)
		}
		delete(lacks, r)
	}
	var problems []string
	for _, r := range slices.Sorted(maps.Keys(lacks)) {
		problems = append(problems, fmt.Sprintf("the key lacks the role %s, %s", r, lacks[r]))
	}
	out.Problem = strings.Join(problems, "; ")
	out.Healthy = out.Problem == ""
	return out, nil
}
