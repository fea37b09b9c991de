package state

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/escape"
)

// A Proposal is one call that somebody wants to make, as an approver judges it.
type Proposal struct {
	ID        string          `json:"id"`                  // its id
	Op        string          `json:"op"`                  // the operation
	Tier      Tier            `json:"tier"`                // how much it can harm
	Principal string          `json:"principal"`           // who asks
	Upstream  string          `json:"upstream"`            // which platform, under which credential
	Policy    string          `json:"policy"`              // version of the policy that it was proposed under
	Input     json.RawMessage `json:"input"`               // the typed, validated, defaulted input
	Plan      Plan            `json:"plan"`                // what would happen
	Claim     string          `json:"claim,omitempty"`     // the agent's reason, unverified; not in the digest
	Client    string          `json:"client,omitempty"`    // the program that asked, by its own word; not in the digest
	Call      string          `json:"call"`                // identifies the call whatever the state of its target
	Key       string          `json:"key,omitempty"`       // the thing that is made or done, whoever asks; see [Key]
	Needs     int             `json:"needs,omitempty"`     // how many approvers must sign, if more than one
	Untrusted []string        `json:"untrusted,omitempty"` // arguments that may come from untrusted text; not in the digest
	History   []string        `json:"history,omitempty"`   // what earlier calls of the kind mean for it; not in the digest
	Budget    string          `json:"budget,omitempty"`    // what is used of the budget; not in the digest
	Replays   string          `json:"replays,omitempty"`   // the proposal that an operator put up again as this one
	About     []string        `json:"about,omitempty"`     // what the call is about, if that isn't the plan's targets
	Digest    string          `json:"digest"`              // what an approval signs
	Created   time.Time       `json:"created"`             // when it was made
	Expires   time.Time       `json:"expires"`             // when it lapses

	State    State     `json:"-"` // computed from the journal
	Approver string    `json:"-"` // who decided; several, separated by commas
	Detail   string    `json:"-"` // why it was denied, how it failed
	Changed  time.Time `json:"-"` // when the state was reached
}

// Code returns the first six hex digits of the digest, which a person types to
// show that this very proposal was read.
func (p *Proposal) Code() string { return p.Digest[:min(6, len(p.Digest))] }

// ByTarget reports whether an approver shows that p was read by retyping the
// name or the id of its first target, as for a destructive operation that has
// one, rather than its [Proposal.Code].
func (p *Proposal) ByTarget() bool {
	return p.Tier == TierDestructive && len(p.Plan.Targets) > 0 && p.Plan.Targets[0].ID+p.Plan.Targets[0].Name != ""
}

// Retyped reports whether typed is what an approver is asked to retype: the
// target as it is or as the screen shows it, letter by letter, or the code in
// either case. Blanks around it don't matter, and nothing typed is never enough.
func (p *Proposal) Retyped(typed string) bool {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return false
	}
	if !p.ByTarget() {
		return strings.EqualFold(typed, p.Code())
	}
	t := p.Plan.Targets[0]
	return slices.ContainsFunc([]string{t.ID, t.Name, escape.Text(t.ID), escape.Text(t.Name)}, func(name string) bool {
		return strings.TrimSpace(name) == typed
	})
}

// Object names in a few words what p is about, so that a list tells proposals of one
// kind apart: the first target, and the first value that would be set.
func (p *Proposal) Object() string {
	var parts []string
	if n := len(p.Plan.Targets); n > 0 {
		t := p.Plan.Targets[0]
		name := t.Kind + " " + cmp.Or(t.Name, t.ID)
		if n > 1 {
			name += fmt.Sprintf(" and %d more", n-1)
		}
		parts = append(parts, name)
	}
	if len(p.Plan.Changes) > 0 {
		c := p.Plan.Changes[0]
		parts = append(parts, c.Field+": "+clip.Text(c.After, 80))
	}
	return strings.Join(parts, "; ")
}

// A State is where a proposal, or a call, stands.
type State string

// The states.
const (
	StatePending  State = "pending"  // waits for an approver
	StateApproved State = "approved" // approved, not yet spent
	StateDenied   State = "denied"   // an approver said no
	StateExpired  State = "expired"  // nobody decided in time
	StateStale    State = "stale"    // its target changed since
	StateRunning  State = "running"  // its approval is spent, the operation runs
	StateExecuted State = "executed" // done
	StatePartly   State = "partly"   // some of its requests were done, then one failed
	StateFailed   State = "failed"   // the operation failed and says so
	StateUnknown  State = "unknown"  // the request was sent, its answer lost
	StateDryRun   State = "dry_run"  // only shown, never proposed
	StateRead     State = "read"     // a read: there was nothing to propose
)

// Things is how many things p would change or make: what budgets count.
func (p *Proposal) Things() int { return max(1, p.Plan.Count, len(p.Plan.Targets)) }

// On names what p acts on, at which platform: what it is about, or else the
// targets of its plan.
func (p *Proposal) On() []string {
	list := make([]string, 0, len(p.About)+len(p.Plan.Targets))
	for _, a := range p.About {
		list = append(list, Digest(p.Upstream, a)[:16])
	}
	if len(list) == 0 {
		for _, t := range p.Plan.Targets {
			list = append(list, Digest(p.Upstream, t.Kind, t.ID)[:16])
		}
	}
	return list
}

// Content is what p asks for, whatever policy it was proposed under.
func (p *Proposal) Content() string {
	q := *p
	q.Policy = ""
	d, err := q.ComputeDigest()
	if err != nil {
		return ""
	}
	return d
}
