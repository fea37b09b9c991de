package mcpadapter

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

// reasonArg is the argument in which an agent may say why it asks for a call
// that isn't a read. The approver sees it apart from the facts, as a claim. It
// is no part of the input of the operation, nor of the digest of the call.
const reasonArg = "reason"

const maxReason = 500 // characters, and bytes of what is kept of it

// takeReason adds the argument to an input, unless the input has
// one of that name itself, and reports whether it did.
func takeReason(in *schema.Type) bool {
	for name := range in.Names {
		if strings.EqualFold(name, reasonArg) {
			return false
		}
	}
	f := schema.TextField(reasonArg, maxReason)
	in.Fields = append(in.Fields, f)
	in.Names[reasonArg] = f
	return true
}

var quotedReason = []byte(`"` + reasonArg + `"`)

// withClaim takes the agent's reason out of the canonical args into the context.
func (t *tool) withClaim(ctx context.Context, args []byte) context.Context {
	var in struct {
		Reason string `json:"reason"`
	}
	if !t.claims || !bytes.Contains(args, quotedReason) || json.Unmarshal(args, &in) != nil || in.Reason == "" {
		return ctx
	}
	return gate.WithClaim(ctx, jsontree.Clip(in.Reason, maxReason-len("…")))
}
