package gate

import (
	"context"
	"fmt"
)

// Who says who attests a call of tier t that comes under p, and why, for a person.
func (p Policy) Who(t Tier) string {
	by, why := p.who(t)
	if by == "" {
		return why
	}
	return fmt.Sprintf("%s (%s)", by, why)
}

func (p Policy) who(t Tier) (by Approval, why string) {
	switch by = p.approval(t); {
	case p.Max < t:
		return "", "nobody: such operations don't run here"
	case t == TierDestructive && p.Approval == ApprovalClient:
		why = "a client's word is never enough for them"
	case p.said != "":
		why = p.said
	case p.Approval == "" && p.Destructive == "":
		why = "the default"
	case p.file != "":
		why = "the policy file"
	default:
		why = "as the program says"
	}
	return by, why
}

// approval says who attests a call of tier t.
func (p Policy) approval(t Tier) Approval {
	by := p.Approval
	if t == TierDestructive {
		by = p.Destructive
		if by == "" && p.Approval == ApprovalHost {
			by = ApprovalHost
		}
	}
	if by == "" {
		by = ApprovalOperator
	}
	return by
}

type remoteKey struct{}

// WithHTTP returns a context whose calls came over HTTP; known says whether from
// somebody with a token. Whoever can call there can answer a form or click a prompt as
// well, so that neither the word of a client nor that of a host stands for a human's,
// unless the caller is known and [Policy.OverHTTP] says so.
func WithHTTP(ctx context.Context, known bool) context.Context {
	return context.WithValue(ctx, remoteKey{}, known)
}

// Who says who attests a call of tier t that comes with ctx, and why; "" if such a
// call doesn't run.
func (g *Guard) Who(ctx context.Context, t Tier) (by Approval, why string) {
	by, why = g.policy.who(t)
	known, remote := ctx.Value(remoteKey{}).(bool)
	if remote && (by == ApprovalClient || by == ApprovalHost) && !(known && g.policy.OverHTTP) {
		return ApprovalOperator, fmt.Sprintf("over HTTP the word of the %s doesn't count: whoever calls could give it", by)
	}
	return by, why
}
