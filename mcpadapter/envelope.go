package mcpadapter

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clientword"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/hindrance"
)

// MetaTier is the key in a tool's _meta under which its tier stands.
const MetaTier = "sallyport/tier"

// envelope is the answer of every tool above the read tier. What a model needs
// most comes first: hosts cut answers at their end.
type envelope struct {
	Status   gate.State `json:"status"`
	Proposal string     `json:"proposal,omitempty"`
	Next     string     `json:"next,omitempty"`
	Note     string     `json:"note,omitempty"`
	Repeated bool       `json:"repeated,omitempty"`
	Digest   string     `json:"digest,omitempty"`
	Expires  string     `json:"expires,omitempty"`
	Plan     *gate.Plan `json:"plan,omitempty"`
	Result   any        `json:"result,omitempty"`
}

// wrapped is the answer of a read whose output isn't an object.
type wrapped struct {
	Result any `json:"result"`
}

const (
	nextDryRun = "Nothing was changed. Show the plan; to propose it, repeat the call with confirm set to true."
	nextKept   = "The call was executed before; of its answer only these ids are still at hand. Read the object by its id."
	nextFirst  = "This is the first answer: the same call is executed once, and again only 10 minutes after it, on a new approval."
	nextGone   = "The call was executed before; its answer is no longer at hand. Read the object to see its state."
)

// nextPending says how a proposal that waits is decided.
func (t *tool) nextPending() string {
	return "A human must approve this on the operator's own channel; nothing you can call approves it. " +
		"Then repeat exactly the same call to execute it, or wait for the decision with " + t.opts.StatusTool + "."
}

// waits says how what waits is decided, and what stands in the way of it.
func (t *tool) waits(res *gate.Result, noForm string) string {
	next := t.nextPending()
	if noForm != "" {
		next = "No form decided it: " + noForm + ". " + next
	}
	return hindered(hindrance.Of(t.guard.Dir(), res.Approvers, res.Waiting, res.Full)) + next
}

// hindered says what keeps an operator from approving.
func hindered(all []hindrance.Hindrance) (text string) {
	for _, h := range all {
		text += "TELL THE OPERATOR: " + h.String() + ". "
	}
	return text
}

// A reply is the answer to a call, and what is to be known of it.
type reply struct {
	result   *mcp.CallToolResult
	decision string // for the log
	flags    int
	size     int // bytes
}

// bound are the arguments of a call.
type bound struct {
	args       []byte   // canonical
	understood []string // which of them were read as others
	noForm     string   // why the client's form didn't decide
}

// outcome turns what the gate answered to in into a reply.
func (t *tool) outcome(ctx context.Context, in bound, res *gate.Result) (reply, error) {
	if t.op.Tier() == gate.TierRead {
		a, err := t.answerOf(in, res.Out)
		if err != nil {
			return reply{}, err
		}
		if a, err = t.page(ctx, in, res.Out, a).Complete(); err != nil {
			return reply{}, err
		}
		r := t.send(ctx, in, t.document(ctx, in, res.Out, a), string(res.State))
		if m := t.holds(res.Out); m != nil {
			r.result.Meta = m
		}
		if rows := paging.UnreadOf(res.Out); rows != nil {
			rows.Forget() // what is kept of the answer reads them again
		}
		return r, nil
	}
	a, err := t.enveloped(in, res, nil)
	if err != nil {
		return reply{}, err
	}
	return t.send(ctx, in, a, string(res.State)), nil
}

// enveloped makes the answer to a call that isn't of a read, with text for what was put out
// if that is encoded already. Nobody sees anything of it before it is sent.
func (t *tool) enveloped(in bound, res *gate.Result, text json.RawMessage) (*answer.Answer, error) {
	env := envelope{Status: res.State, Repeated: res.Repeated, Note: res.Note}
	if res.State == gate.StateRead || res.State == gate.StateExecuted {
		env.Result = res.Out
		if v := reflect.ValueOf(res.Out); v.Kind() == reflect.Pointer && v.IsNil() {
			env.Result = struct{}{}
		} else if text != nil {
			env.Result = text
		}
	}
	if p := res.Proposal; p != nil {
		env.Proposal = p.ID
		switch res.State {
		case gate.StatePending:
			env.Digest, env.Plan, env.Next = p.Digest, &p.Plan, t.waits(res, in.noForm)
			env.Expires = p.Expires.UTC().Format(time.RFC3339)
		case gate.StateDryRun:
			env.Plan, env.Next = &p.Plan, nextDryRun
		case gate.StateExecuted:
			switch {
			case !res.Repeated:
			case env.Result != nil:
				env.Next = nextFirst
			default:
				if env.Next = nextGone; len(res.Kept) > 0 {
					env.Result, env.Next = res.Kept, nextKept
				}
			}
		}
	}
	a, err := t.encoded(in, env)
	if err != nil && res.State == gate.StateExecuted {
		t.opts.Logger.Error("answer", "op", t.op.Name(), "proposal", env.Proposal, "err", err)
		env.Result, env.Note = nil, "it was executed, but its answer can't be shown"
		a, err = t.encoded(in, env)
	}
	return a, err
}

// answerOf returns the output of a read as an answer. Of rows that aren't read it
// has as many as don't fit any more, or all; how it is completed the answer knows.
func (t *tool) answerOf(in bound, out any) (*answer.Answer, error) {
	d := t.described()
	rows := paging.UnreadOf(out)
	if d.wrapped {
		out = wrapped{out}
	}
	if rows == nil {
		return t.encoded(in, out)
	}
	sent := rows.Sent()
	for n := 0; ; {
		for room := t.opts.MaxResponse * 3 / 2; n < len(sent) && (room > 0 || n < 2); n++ { // mostly an answer is shorter than what was sent
			room -= len(sent[n])
		}
		if err := rows.Read(n); err != nil {
			return nil, err
		}
		a, err := t.encoded(in, out)
		if err != nil || n == len(sent) {
			return a, err
		}
		if a.Size() > t.opts.MaxResponse {
			a.SetRest(sent, n, func() (*answer.Answer, error) {
				if err := rows.Read(len(sent)); err != nil {
					return nil, err
				}
				return t.encoded(in, out)
			})
			return a, nil
		}
	}
}

func (t *tool) encoded(in bound, v any) (*answer.Answer, error) {
	raw, err := jsoncodec.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: the answer can't be encoded: %w", t.op.Name(), err)
	}
	a, err := answer.New(raw, t.described().answer)
	if err != nil {
		return nil, fmt.Errorf("%s: the answer can't be read: %w", t.op.Name(), err)
	}
	a.Understood = in.understood
	return a, nil
}

// send makes the reply that says a. It is cut to the budget; then the whole is
// kept for a while, under an address that the answer names. The gate learns which
// texts of others the agent is shown, so that it can tell an approver where the
// arguments of a later call may come from.
func (t *tool) send(ctx context.Context, in bound, a *answer.Answer, decision string) reply {
	clientword.Of(t.guard).Saw(principalOf(ctx), without(a.Texts(), in.args))
	var raw []byte
	if a.Fits(t.opts.MaxResponse) {
		raw = a.Whole()
	} else {
		raw = a.Fit(t.opts.MaxResponse, t.described().how+t.keep(ctx, a))
	}
	return reply{result: said(raw), decision: decision, flags: len(a.Flags()), size: len(raw)}
}

// without returns the texts that aren't among the arguments of the call: what the
// agent said itself it wasn't told by others.
func without(texts []string, args []byte) []string {
	if len(texts) == 0 || len(args) <= len("{}") {
		return texts
	}
	v, err := jsontree.Parse(args, jsontree.MaxDepthIn)
	if err != nil {
		return texts
	}
	own := map[string]bool{}
	v.Strings(func(s string) { own[s] = true })
	return slices.DeleteFunc(texts, func(s string) bool { return own[s] })
}

// said returns a result that says raw, an object, to every host: there are those
// that show a model the text alone and those that show the structured content.
func said(raw []byte) *mcp.CallToolResult {
	return &mcp.CallToolResult{
		StructuredContent: json.RawMessage(raw),
		Content:           []mcp.Content{&mcp.TextContent{Text: string(raw)}},
	}
}

// What the schema of an answer says of the members that are ours: little, since
// no host shows it to a model, and nothing that a failure wouldn't keep to.
const (
	failureMembers = `"status":{},"message":{}`
	envelopeSchema = `{"type":"object","properties":{"_untrusted":{},"_flags":{},"status":{},"proposal":{},"next":{},"plan":{},"result":{}},"required":["status"]}`
)
