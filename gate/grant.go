package gate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A Grant is a standing approval: an approver's signed yes to a number of calls
// of one write on one target, for a day at most. It covers no call whose plan
// warns of something, sends data to a third party or touches anything else, and
// none that needs a second approver or may have happened already.
type Grant struct {
	ID        string    `json:"id"`
	Op        string    `json:"op"`
	Upstream  string    `json:"upstream"`
	Principal string    `json:"principal"` // whose calls it covers
	Kind      string    `json:"kind"`      // of the target
	Target    string    `json:"target"`    // its id
	Max       int       `json:"max"`       // how many calls
	Expires   time.Time `json:"expires"`

	Approver string `json:"-"` // who granted it
	Used     int    `json:"-"`
	Revoked  bool   `json:"-"`
}

const (
	maxGrant      = 24 * time.Hour
	maxGrantCalls = 100
)

func (g *Grant) message() []byte {
	return fmt.Appendf(nil, "sallyport/grant/v1\x00%s", digest(g.ID, g.Op, g.Upstream, g.Principal, g.Kind, g.Target,
		strconv.Itoa(g.Max), strconv.FormatInt(g.Expires.Unix(), 10)))
}

// coverable says why p can't be what a grant is modelled on, or covers, if so.
func coverable(p *Proposal) error {
	switch {
	case p.Tier != TierWrite:
		return fmt.Errorf("gate: %s is %s: only a write can have a standing approval", p.Op, p.Tier)
	case len(p.Plan.Targets) != 1 || p.Plan.Targets[0].ID == "":
		return fmt.Errorf("gate: %s touches %d targets: a standing approval is for exactly one", p.ID, len(p.Plan.Targets))
	case len(p.Plan.Egress) > 0 || len(p.Plan.Warnings) > 0:
		return fmt.Errorf("gate: %s sends data away or warns of something: that is for a person each time", p.ID)
	case p.Needs > 1:
		return fmt.Errorf("gate: %s needs %d approvers each time", p.ID, p.Needs)
	}
	return nil
}

// Grant signs a standing approval for calls like the proposal id: of the same
// operation, principal and target, at most n of them, for a day at most.
func (j *Journal) Grant(id string, n int, d time.Duration, s *Signer) (*Grant, error) {
	if !s.able() {
		return nil, errors.New("gate: grant: no key")
	}
	if n < 1 || n > maxGrantCalls {
		return nil, fmt.Errorf("gate: a standing approval for %d calls: want 1 to %d", n, maxGrantCalls)
	}
	if d < time.Minute || d > maxGrant {
		return nil, fmt.Errorf("gate: a standing approval for %s: want a minute to %s", d, maxGrant)
	}
	var out Grant
	err := j.tx(func() error {
		if err := j.clock(); err != nil {
			return err
		}
		r := j.props[id]
		if r == nil {
			return fmt.Errorf("%w: %q", ErrNoProposal, id)
		}
		p, err := j.whole(r)
		if err != nil {
			return err
		}
		if err := coverable(p); err != nil {
			return err
		}
		t := p.Plan.Targets[0]
		g := &Grant{ID: "G" + newID()[1:], Op: p.Op, Upstream: p.Upstream, Principal: p.Principal, Kind: t.Kind, Target: t.ID,
			Max: n, Expires: j.now().UTC().Add(d).Truncate(time.Second)}
		sig, err := s.sign(g.message())
		if err != nil {
			return err
		}
		e := Event{Kind: EventGranted, ID: g.ID, Grant: g, Approver: s.Name, Sig: sig, Time: j.now()}
		if err := j.grants(e); err != nil {
			return err
		}
		if err := j.append(e); err != nil {
			return err
		}
		out = *j.granted[g.ID]
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// grants returns nil if e is a grant that counts.
func (j *Journal) grants(e Event) error {
	g := e.Grant
	switch {
	case g == nil || g.ID != e.ID || j.granted[g.ID] != nil:
		return errors.New("gate: not a new grant")
	case g.Max < 1 || g.Max > maxGrantCalls || g.Expires.Sub(e.Time) > maxGrant || g.Op == "" || g.Target == "":
		return errors.New("gate: a grant beyond its limits")
	case samePerson(e.Approver, g.Principal):
		return fmt.Errorf("gate: %s asks and can't approve", e.Approver)
	}
	return j.verify(e.Approver, g.message(), e.Sig)
}

func (j *Journal) applyGranted(e Event) {
	if j.grants(e) == nil {
		g := *e.Grant
		g.Approver, g.Used, g.Revoked = e.Approver, 0, false
		j.granted[g.ID], j.grantSigs[g.ID] = &g, e.Sig
	}
}

// Revoke ends a standing approval. Anybody may.
func (j *Journal) Revoke(id, by string) error {
	return j.tx(func() error {
		g := j.granted[id]
		if g == nil {
			return fmt.Errorf("gate: no standing approval %q", id)
		}
		if g.Revoked {
			return nil
		}
		return j.append(Event{Kind: EventRevoked, ID: id, Approver: by})
	})
}

// live reports whether g can still be used.
func (j *Journal) live(g *Grant) bool {
	return !g.Revoked && g.Used < g.Max && j.now().Before(g.Expires) &&
		j.verify(g.Approver, g.message(), j.grantSigs[g.ID]) == nil
}

// Grants returns the standing approvals that can still be used.
func (j *Journal) Grants() ([]Grant, error) {
	var list []Grant
	err := j.tx(func() error {
		for _, g := range j.granted {
			if j.live(g) {
				list = append(list, *g)
			}
		}
		return nil
	})
	slices.SortFunc(list, func(a, b Grant) int { return a.Expires.Compare(b.Expires) })
	return list, err
}

// standing returns a standing approval that covers p, the one that ends first.
func (j *Journal) standing(p *Proposal) *Grant {
	if coverable(p) != nil {
		return nil
	}
	var found *Grant
	t := p.Plan.Targets[0]
	for _, g := range j.granted {
		if g.Op == p.Op && g.Upstream == p.Upstream && g.Principal == p.Principal && g.Kind == t.Kind && g.Target == t.ID && j.live(g) &&
			(found == nil || g.Expires.Before(found.Expires)) {
			found = g
		}
	}
	return found
}
