package gate

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// A Proposal is one call that somebody wants to make, as an approver judges it.
type Proposal struct {
	ID        string          `json:"id"`
	Op        string          `json:"op"`
	Tier      Tier            `json:"tier"`
	Principal string          `json:"principal"` // who asks
	Upstream  string          `json:"upstream"`  // which platform, under which credential
	Policy    string          `json:"policy"`    // version of the policy that it was proposed under
	Input     json.RawMessage `json:"input"`     // the typed, validated, defaulted input
	Plan      Plan            `json:"plan"`
	Claim     string          `json:"claim,omitempty"`     // the agent's reason, unverified; not in the digest
	Call      string          `json:"call"`                // identifies the call whatever the state of its target
	Key       string          `json:"key,omitempty"`       // the thing that is made or done, whoever asks; see [Key]
	Needs     int             `json:"needs,omitempty"`     // how many approvers must sign, if more than one
	Untrusted []string        `json:"untrusted,omitempty"` // arguments that may come from untrusted text; not in the digest
	Budget    string          `json:"budget,omitempty"`    // what is used of the budget; not in the digest
	Replays   string          `json:"replays,omitempty"`   // the proposal that an operator put up again as this one
	Digest    string          `json:"digest"`              // what an approval signs
	Created   time.Time       `json:"created"`
	Expires   time.Time       `json:"expires"`

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
	return slices.ContainsFunc([]string{t.ID, t.Name, Escape(t.ID), Escape(t.Name)}, func(name string) bool {
		return strings.TrimSpace(name) == typed
	})
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
	StateFailed   State = "failed"   // the operation failed and says so
	StateUnknown  State = "unknown"  // the request was sent, its answer lost
	StateDryRun   State = "dry_run"  // only shown, never proposed
	StateRead     State = "read"     // a read: there was nothing to propose
)

// A Result is the outcome of [Op.Do].
type Result struct {
	State State
	// Proposal is set unless State is StateRead. For a dry run it has no ID.
	Proposal *Proposal
	// Out is the answer of the operation: set for StateRead and, unless it is no
	// longer at hand, for StateExecuted.
	Out any
	// Repeated says that the call had been executed before and was not repeated;
	// Out, if set, is the answer of that execution.
	Repeated bool
	// Note is a remark for whoever called, such as that an older approval went stale.
	Note string
}
