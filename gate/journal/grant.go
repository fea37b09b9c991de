package journal

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// Grant signs a standing approval for calls like the proposal id: of the same
// operation, principal and target, that set no other fields, at most n of them, for a
// day at most.
func (j *Journal) Grant(id string, n int, d time.Duration, s *Signer) (*state.Grant, error) {
	if !s.Able() {
		return nil, errors.New("gate: grant: no key")
	}
	if n < 1 || n > state.MaxGrantCalls {
		return nil, fmt.Errorf("gate: a standing approval for %d calls: want 1 to %d", n, state.MaxGrantCalls)
	}
	if d < time.Minute || d > state.MaxGrant {
		return nil, fmt.Errorf("gate: a standing approval for %s: want a minute to %s", d, state.MaxGrant)
	}
	p, err := j.Proposal(id)
	if err != nil {
		return nil, err
	}
	if err := state.Coverable(p); err != nil {
		return nil, err
	}
	var out state.Grant
	err = j.update(func(u *update) error {
		if err := u.clock(); err != nil {
			return err
		}
		t := p.Plan.Targets[0]
		g := &state.Grant{ID: "G" + newID()[1:], Op: p.Op, Upstream: p.Upstream, Principal: p.Principal, Kind: t.Kind, Target: t.ID,
			Fields: p.Plan.Fields(), Max: n, Expires: u.now.UTC().Add(d).Truncate(time.Second)}
		sig, err := s.Sign(g.Message())
		if err != nil {
			return err
		}
		e := state.Event{Kind: state.EventGranted, ID: g.ID, Grant: g, Approver: s.Name, Sig: sig, Time: u.now}
		if err := u.m.Grantable(e); err != nil {
			return err
		}
		if err := u.append(e); err != nil {
			return err
		}
		out = view(u.m.Granted(g.ID))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// view returns a grant with how it stands.
func view(s *state.Standing) state.Grant {
	g := s.Grant
	g.Approver, g.Used, g.Revoked = s.Approver, s.Used, s.Revoked
	g.Fields = slices.Clone(g.Fields)
	return g
}

// Revoke ends a standing approval. Anybody may.
func (j *Journal) Revoke(id, by string) error {
	return j.update(func(u *update) error {
		g := u.m.Granted(id)
		if g == nil {
			return fmt.Errorf("gate: no standing approval %q", id)
		}
		if g.Revoked {
			return nil
		}
		return u.append(state.Event{Kind: state.EventRevoked, ID: id, Approver: by})
	})
}

// Grants returns the standing approvals that can still be used.
func (j *Journal) Grants() ([]state.Grant, error) {
	var list []state.Grant
	err := j.view(func(u *update) error { list = u.grants(); return nil })
	return list, err
}

func (u *update) grants() []state.Grant {
	var list []state.Grant
	for _, g := range u.m.Grants {
		if u.m.Live(g, u.now) {
			list = append(list, view(g))
		}
	}
	sorting.By(list, func(a, b state.Grant) int { return a.Expires.Compare(b.Expires) })
	return list
}
