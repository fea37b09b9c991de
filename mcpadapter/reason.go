package mcpadapter

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
)

// reasonArg is the argument in which an agent may say why it asks for a call
// that isn't a read. The approver sees it apart from the facts, as a claim. It
// is no part of the input of the operation, nor of the digest of the call.
const reasonArg = "reason"

const maxReason = 500 // characters, and bytes of what is kept of it

// takeReason adds the argument to the shape of an input, unless the input has
// one of that name itself, and reports whether it did.
func (s *shape) takeReason() bool {
	for name := range s.names {
		if strings.EqualFold(name, reasonArg) {
			return false
		}
	}
	n := maxReason
	f := &field{name: reasonArg, doc: "Why: your words for the approver.", shape: &shape{what: isString, maxLength: &n}}
	s.fields = append(s.fields, f)
	s.names[reasonArg] = f
	return true
}

// withClaim takes the agent's reason out of the canonical args into the context.
func (t *tool) withClaim(ctx context.Context, args []byte) context.Context {
	var in struct {
		Reason string `json:"reason"`
	}
	if !t.claims || json.Unmarshal(args, &in) != nil || in.Reason == "" {
		return ctx
	}
	return gate.WithClaim(ctx, clip(in.Reason, maxReason-len("…")))
}
