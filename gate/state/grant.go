package state

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Grant is a standing approval: an approver's signed yes to a number of calls
// of one write on one target that set no other fields, for a day at most. It covers no
// call whose plan warns of something, sends data to a third party or touches anything
// else, and none that needs a second approver or may have happened already.
type Grant struct {
	ID        string    `json:"id"`               // its id
	Op        string    `json:"op"`               // the one operation
	Upstream  string    `json:"upstream"`         // the one platform
	Principal string    `json:"principal"`        // whose calls it covers
	Kind      string    `json:"kind"`             // of the target
	Target    string    `json:"target"`           // its id
	Fields    []string  `json:"fields,omitempty"` // the fields that a call may set, to any value
	Max       int       `json:"max"`              // how many calls
	Expires   time.Time `json:"expires"`          // when it ends

	Approver string `json:"-"` // who granted it
	Used     int    `json:"-"` // how many calls it has covered
	Revoked  bool   `json:"-"` // whether it was taken back
}

// The bounds of a grant.
const (
	MaxGrant      = 24 * time.Hour
	MaxGrantCalls = 100
)

// Message is what an approver signs who grants it.
func (g *Grant) Message() []byte {
	parts := []string{g.ID, g.Op, g.Upstream, g.Principal, g.Kind, g.Target, strconv.Itoa(g.Max), strconv.FormatInt(g.Expires.Unix(), 10)}
	return fmt.Appendf(nil, "sallyport/grant/v1\x00%s", Digest(append(parts, g.Fields...)...))
}

// Fields are the names of what a plan sets, sorted.
func (p Plan) Fields() []string {
	var list []string
	for _, c := range p.Changes {
		list = append(list, c.Field)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// covers reports whether g is for calls like p, which is coverable.
func (g *Grant) covers(p *Proposal) bool {
	t := p.Plan.Targets[0]
	return g.Op == p.Op && g.Upstream == p.Upstream && g.Principal == p.Principal && g.Kind == t.Kind && g.Target == t.ID &&
		!slices.ContainsFunc(p.Plan.Fields(), func(f string) bool { return !slices.Contains(g.Fields, f) })
}

// Coverable says why p can't be what a grant is modelled on, or covers, if so.
func Coverable(p *Proposal) error {
	switch {
	case p.Tier != TierWrite:
		return fmt.Errorf("gate: %s is %s: only a write can have a standing approval", p.Op, p.Tier)
	case len(p.Plan.Targets) != 1 || p.Plan.Targets[0].ID == "" || p.Things() > 1:
		return fmt.Errorf("gate: %s touches %d targets: a standing approval is for exactly one", p.ID, max(len(p.Plan.Targets), p.Things()))
	case len(p.Plan.Egress) > 0 || len(p.Plan.Warnings) > 0:
		return fmt.Errorf("gate: %s sends data away or warns of something: that is for a person each time", p.ID)
	case p.Needs > 1:
		return fmt.Errorf("gate: %s needs %d approvers each time", p.ID, p.Needs)
	}
	return nil
}

// String says what a grant covers, for a person.
func (g *Grant) String() string {
	fields := "that set no field"
	if len(g.Fields) > 0 {
		fields = "that set nothing but " + strings.Join(g.Fields, ", ")
	}
	return fmt.Sprintf("%s on %s %s, %d calls %s, until %s", g.Op, g.Kind, g.Target, g.Max, fields, g.Expires.UTC().Format(time.RFC3339))
}
