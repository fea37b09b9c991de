package mcpadapter

import (
	"context"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/hindrance"
)

// StatusTool is the usual name of the tool that tells how the gate stands; see
// [Options.StatusTool].
const StatusTool = "gate_status"

type statusInput struct {
	Proposal    string `json:"proposal,omitempty" alias:"id,proposal_id" jsonschema:"Its id; default: all that wait." maxLength:"64"`
	WaitSeconds int    `json:"wait_seconds,omitempty" alias:"wait" jsonschema:"For a decision." minimum:"0" maximum:"25"`
}

type statusOutput struct {
	Approval  gate.Approval     `json:"approval" jsonschema:"Who approves: operator, client or host."`
	Who       map[string]string `json:"who" jsonschema:"Who approves which tier, and why."`
	Tiers     []string          `json:"tiers" jsonschema:"The tiers that may run here."`
	Frozen    bool              `json:"frozen" jsonschema:"Whether the operator has stopped all writes."`
	Approvers int               `json:"approvers" jsonschema:"How many approvers are enrolled."`
	Pending   []proposal        `json:"pending" jsonschema:"What waits for a decision, oldest first."`
	Proposal  *proposal         `json:"proposal,omitempty" jsonschema:"The proposal that was asked for."`
}

type proposal struct {
	ID      string     `json:"id"`
	Op      string     `json:"op"`
	Tier    gate.Tier  `json:"tier"`
	Summary string     `json:"summary" untrusted:"true" jsonschema:"What would happen."`
	State   gate.State `json:"state"`
	Expires time.Time  `json:"expires"`
	Reason  string     `json:"reason,omitempty" jsonschema:"Why the approver said no."`
	Next    string     `json:"next,omitempty" jsonschema:"What to do now."`
}

var nextByState = map[gate.State]string{
	gate.StatePending:  "A human must approve it on the operator's own channel. Wait with wait_seconds.",
	gate.StateApproved: "Repeat exactly the same call now to execute it.",
	gate.StateDenied:   "Do not repeat the call. Ask the user how to go on.",
	gate.StateExpired:  "Nobody decided in time. Repeat the call to propose it again, if it is still wanted.",
	gate.StateStale:    "The target changed since. Repeat the call to propose it anew.",
	gate.StateRunning:  "It is being executed.",
	gate.StateExecuted: "It was executed. Repeating the same call shortly after returns its answer and changes nothing.",
	gate.StateFailed:   "The operation failed. Its approval is spent.",
	gate.StatePartly:   "Some of what it does was done, then it failed. Look at the platform before doing anything else.",
	gate.StateUnknown:  "Its answer was lost. Check at the platform whether it took effect before doing anything else.",
}

func asProposal(p *gate.Proposal) proposal {
	out := proposal{ID: p.ID, Op: p.Op, Tier: p.Tier, Summary: p.Plan.Summary, State: p.State,
		Expires: p.Expires.UTC(), Next: nextByState[p.State]}
	if p.State == gate.StateDenied {
		out.Reason = gate.Escape(p.Detail)
	}
	return out
}

// statusOp is the operation that tells how the gate stands.
func statusOp(g *gate.Guard, name string) gate.Op {
	status := func(ctx context.Context, in statusInput) (*statusOutput, error) {
		id := in.Proposal
		if id == "" && in.WaitSeconds > 0 {
			st, err := g.Status(ctx)
			if err != nil {
				return nil, err
			}
			if len(st.Pending) > 0 {
				id = st.Pending[0].ID
			}
		}
		var one *gate.Proposal
		if id != "" {
			wait, cancel := context.WithTimeout(ctx, time.Duration(in.WaitSeconds)*time.Second)
			defer cancel()
			var err error
			if one, err = g.Wait(wait, id); err != nil {
				return nil, err
			}
		}
		st, err := g.Status(ctx)
		if err != nil {
			return nil, err
		}
		out := &statusOutput{Approval: st.Approval, Who: map[string]string{}, Frozen: st.Frozen, Approvers: st.Approvers}
		for tier := gate.TierRead; tier <= st.Max; tier++ {
			out.Tiers = append(out.Tiers, tier.String())
		}
		for tier, who := range st.Who {
			out.Who[tier.String()] = who
		}
		shown := func(p *gate.Proposal) proposal {
			said := asProposal(p)
			if p.State == gate.StatePending {
				said.Next = hindered(hindrance.Of(g.Dir(), st.Approvers, st.Waiting, st.Full)) + said.Next
			}
			return said
		}
		for _, p := range st.Pending {
			out.Pending = append(out.Pending, shown(p))
		}
		if one != nil {
			p := shown(one)
			out.Proposal = &p
		}
		return out, nil
	}
	return gate.Read(name, status, "Gate status: which approvals, proposals or changes are pending, waiting or approved, and by whom; what became of a proposal. Can wait for a decision. Approves nothing.").Op()
}
