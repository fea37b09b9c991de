package mcpadapter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/untrusted"
)

// MetaFlags is the key in a result's _meta under which those texts are listed
// that look like instructions to an agent.
const MetaFlags = "sallyport/flags"

// MetaUntrusted is the key in a result's _meta under which the paths of those
// values are listed that others can write.
const MetaUntrusted = "sallyport/untrusted"

// MetaRefusal is the key in the _meta of a read's error under which a program
// finds status and reason, which of other tools are the structured content.
const MetaRefusal = "sallyport/refusal"

// MetaTier is the key in a tool's _meta under which its tier stands.
const MetaTier = "sallyport/tier"

// envelope is the answer of every tool above the read tier.
type envelope struct {
	Status   gate.State      `json:"status"`
	Proposal string          `json:"proposal,omitempty"`
	Digest   string          `json:"digest,omitempty"`
	Expires  string          `json:"expires,omitempty"`
	Plan     *gate.Plan      `json:"plan,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Repeated bool            `json:"repeated,omitempty"`
	Note     string          `json:"note,omitempty"`
	Next     string          `json:"next,omitempty"`
}

// envelopeNames are the keys of an envelope and of a plan.
var envelopeNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{"_truncated": true, "path": true, "how": true}
	schema.Output(reflect.TypeFor[envelope]()).AddKeys(names)
	return names
})

// envelopeSchema describes an envelope around a result.
func envelopeSchema(result []byte) []byte {
	return fmt.Appendf(nil, `{"type":"object","properties":{`+
		`"status":{"type":"string","enum":["executed","pending","dry_run","read","refused","failed","unknown"]},`+
		`"reason":{"type":"string","description":"Why it was refused."},`+
		`"proposal":{"type":"string","description":"For gate_status and the approver."},`+
		`"digest":{"type":"string"},"expires":{"type":"string"},`+
		`"plan":{"type":"object","description":"What the approver is shown."},`+
		`"result":%s,"repeated":{"type":"boolean"},"note":{"type":"string"},`+
		`"next":{"type":"string","description":"What to do now."},"_truncated":`+schema.TruncatedSchema+`},"required":["status"]}`, result)
}

const (
	nextPending = "A human must approve this on the operator's own channel; nothing you can call approves it. " +
		"Then repeat exactly the same call to execute it, or wait for the decision with gate_status."
	nextDryRun = "Nothing was changed. Show the plan; to propose it, repeat the call with confirm set to true."
	nextGone   = "The call was executed before; its answer is no longer at hand. Read the object to see its state."
)

// outcome turns what the gate answered into a result.
func (t *tool) outcome(ctx context.Context, res *gate.Result) (*mcp.CallToolResult, error) {
	d := t.described()
	var out json.RawMessage
	if res.State == gate.StateRead || res.State == gate.StateExecuted && res.Out != nil {
		var err error
		out, err = t.encode(res.Out)
		switch {
		case err != nil && res.State == gate.StateExecuted:
			t.opts.Logger.Error("answer", "op", t.op.Name(), "proposal", res.Proposal.ID, "err", err)
			res.Note = "it was executed, but its answer can't be shown"
		case err != nil:
			return nil, fmt.Errorf("%s: the answer can't be encoded: %w", t.op.Name(), err)
		}
	}
	t.remember(ctx, out)
	if t.op.Tier() == gate.TierRead {
		return t.answer(ctx, out, d.untrusted)
	}
	env := envelope{Status: res.State, Result: out, Repeated: res.Repeated, Note: res.Note}
	var marked []string
	if p := res.Proposal; p != nil {
		env.Proposal = p.ID
		switch res.State {
		case gate.StatePending:
			env.Digest, env.Plan, env.Next = p.Digest, &p.Plan, nextPending
			env.Expires = p.Expires.UTC().Format(time.RFC3339)
		case gate.StateDryRun:
			env.Plan, env.Next = &p.Plan, nextDryRun
		case gate.StateExecuted:
			env.Digest = p.Digest
			if out == nil && res.Repeated {
				env.Next = nextGone
			}
		}
		if env.Plan != nil {
			marked = planUntrusted(env.Plan)
			t.guard.Saw(principalOf(ctx), planTexts(env.Plan))
		}
	}
	if out != nil {
		marked = append(marked, d.untrusted...)
	}
	raw, err := jsontree.Encode(env)
	if err != nil {
		return nil, fmt.Errorf("%s: the answer can't be encoded: %w", t.op.Name(), err)
	}
	return t.answer(ctx, raw, marked)
}

// remember tells the gate which texts of others the agent is shown now, so that
// an approver learns where the arguments of a later call may come from.
func (t *tool) remember(ctx context.Context, out []byte) {
	d := t.described()
	if len(d.untrusted) == 0 || len(out) == 0 {
		return
	}
	v, err := jsontree.Parse(out, jsontree.MaxDepthOut)
	if err != nil {
		return
	}
	if d.wrapped && len(v.Elems) == 1 {
		v = v.Elems[0]
	}
	var values []string
	d.out.Texts(v, func(s string) { values = append(values, s) })
	t.guard.Saw(principalOf(ctx), values)
}

// planUntrusted lists what in a plan was read at a platform.
func planUntrusted(p *gate.Plan) []string {
	var list []string
	if slices.ContainsFunc(p.Targets, func(t gate.Target) bool { return t.Name != "" }) {
		list = append(list, "plan.targets[].name")
	}
	if slices.ContainsFunc(p.Changes, func(c gate.Change) bool { return c.Before != "" }) {
		list = append(list, "plan.changes[].before")
	}
	return list
}

// planTexts returns what planUntrusted lists.
func planTexts(p *gate.Plan) (list []string) {
	for _, t := range p.Targets {
		if t.Name != "" {
			list = append(list, t.Name)
		}
	}
	for _, c := range p.Changes {
		if c.Before != "" {
			list = append(list, c.Before)
		}
	}
	return list
}

// encode returns out as JSON that fits the schema of the tool's output.
func (t *tool) encode(out any) ([]byte, error) {
	raw, err := jsontree.Encode(out)
	if err != nil {
		return nil, err
	}
	d := t.described()
	if bytes.Contains(raw, []byte("null")) { // rarely is, so most answers aren't parsed
		v, err := jsontree.Parse(raw, jsontree.MaxDepthOut)
		if err != nil {
			return nil, err
		}
		d.out.WithoutNull(v)
		raw = v.Append(raw[:0:0])
	}
	switch {
	case d.wrapped && d.out.Kind != schema.Any && string(raw) == "null":
		raw = []byte("{}")
	case d.wrapped:
		raw = append(append([]byte(`{"result":`), raw...), '}')
	}
	return raw, nil
}

// answer makes a result of raw, cut to the budget. What is cut is kept whole
// for a while, under the address that the answer names.
func (t *tool) answer(ctx context.Context, raw []byte, theirs []string) (*mcp.CallToolResult, error) {
	var link *mcp.ResourceLink
	if !answer.Fits(raw, t.opts.MaxResponse) {
		whole := raw
		how := t.described().how
		uri, parts := t.kept.Keep(t.op.Name(), principalOf(ctx), whole, len(theirs) > 0, t.opts.MaxResponse)
		if uri != "" {
			how += fmt.Sprintf("; or read the resource %s (part 1 of %d)", uri, parts)
			link = &mcp.ResourceLink{URI: uri, Name: t.op.Name() + ", whole", MIMEType: "text/plain",
				Description: fmt.Sprintf("The whole answer in %d parts, kept for %s.", parts, answer.KeptFor)}
		}
		var err error
		if raw, err = answer.Fit(raw, t.opts.MaxResponse, how); err != nil {
			return nil, fmt.Errorf("%s: the answer can't be cut: %w", t.op.Name(), err)
		}
	}
	res := &mcp.CallToolResult{StructuredContent: json.RawMessage(raw)}
	text := string(raw)
	flags := untrusted.Suspicious(raw, t.described().ours)
	if len(theirs) > 0 || len(flags) > 0 {
		res.Meta = mcp.Meta{}
		if len(theirs) > 0 {
			res.Meta[MetaUntrusted] = theirs
		}
		if len(flags) > 0 {
			res.Meta[MetaFlags] = flags
		}
		text = untrusted.Between(text, untrusted.Notice(theirs, flags))
	}
	res.Content = []mcp.Content{&mcp.TextContent{Text: text}}
	if link != nil {
		res.Content = append(res.Content, link)
	}
	return res, nil
}
