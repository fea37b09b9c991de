package mcpadapter

import (
	"context"
	"errors"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
)

// multiRoundTrip is the protocol version since which a question to the user is
// part of the answer to a call.
const multiRoundTrip = "2026-07-28"

const approvalInput = "approval"

// maxQuestions is how often the user is asked about one proposal. After that it
// waits for the operator, however often the call is repeated.
const maxQuestions = 3

// patience counts, by proposal, the questions that got no yes.
type patience struct {
	mu  sync.Mutex
	not map[string]int
}

func (p *patience) left(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.not[id] < maxQuestions
}

func (p *patience) lose(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.not == nil || len(p.not) >= 1000 {
		p.not = map[string]int{}
	}
	p.not[id]++
}

// askClient lets the user of an MCP client approve p through the client's own
// form, where the policy lets that count. Exactly one answer executes: accepted,
// with the code of this very proposal, together with the state that the guard
// sealed for it. After any other the call stays as it is, pending. If ask isn't
// nil, it is the question.
func (t *tool) askClient(ctx context.Context, req *mcp.CallToolRequest, args []byte, pending *gate.Result) (ask *mcp.CallToolResult, res *gate.Result, err error) {
	if t.guard.Approval() != gate.ApprovalClient || !formCapable(req) {
		return nil, pending, nil
	}
	p := pending.Proposal
	if req.ProtocolVersion() >= multiRoundTrip {
		if len(req.Params.InputResponses) == 0 && req.Params.RequestState == "" {
			state, ok := t.guard.Seal(p)
			if !ok || !t.patience.left(p.ID) {
				return nil, pending, nil
			}
			return &mcp.CallToolResult{
				InputRequests: mcp.InputRequestMap{approvalInput: question(p)},
				RequestState:  state,
			}, nil, nil
		}
		answer, _ := req.Params.InputResponses[approvalInput].(*mcp.ElicitResult)
		res, err = t.attest(ctx, args, pending, req.Params.RequestState, answer)
		return nil, res, err
	}
	state, ok := t.guard.Seal(p)
	if !ok || !t.patience.left(p.ID) {
		return nil, pending, nil
	}
	wait, cancel := context.WithTimeout(ctx, t.opts.AskTimeout)
	defer cancel()
	answer, err := req.Session.Elicit(wait, question(p))
	if err != nil {
		t.patience.lose(p.ID)
		t.opts.Logger.Info("no answer to the form", "op", t.op.Name(), "proposal", p.ID, "err", err)
		return nil, pending, nil
	}
	res, err = t.attest(ctx, args, pending, state, answer)
	return nil, res, err
}

// attest records the answer, if it is a yes to this proposal, and makes the call again.
func (t *tool) attest(ctx context.Context, args []byte, pending *gate.Result, state string, answer *mcp.ElicitResult) (*gate.Result, error) {
	id := pending.Proposal.ID
	if answer == nil || answer.Action != "accept" {
		t.patience.lose(id)
		return pending, nil
	}
	code, ok := answer.Content["code"].(string)
	if !ok || state == "" {
		t.patience.lose(id)
		return pending, nil
	}
	if err := t.guard.Attest(ctx, pending.Proposal, state, code); err != nil {
		t.patience.lose(id)
		if !errors.Is(err, gate.ErrUnsealed) {
			t.opts.Logger.Error("attest", "op", t.op.Name(), "proposal", id, "err", err)
		}
		return pending, nil
	}
	return t.do(ctx, args)
}

// formCapable reports whether the client has declared that it can show a form.
// Declaring elicitation without saying which kind means that.
func formCapable(req *mcp.CallToolRequest) bool {
	c := req.ClientCapabilities()
	return c != nil && c.Elicitation != nil && (c.Elicitation.Form != nil || c.Elicitation.URL == nil)
}

func question(p *gate.Proposal) *mcp.ElicitParams {
	return &mcp.ElicitParams{
		Mode:    "form",
		Message: gate.Render(p) + "\nTo approve exactly this, type the first six characters of the DIGEST. Anything else leaves it waiting for the operator.",
		RequestedSchema: &jsonschema.Schema{
			Type:     "object",
			Required: []string{"code"},
			Properties: map[string]*jsonschema.Schema{
				"code": {Type: "string", Title: "Code", Description: "The first six characters of the digest."},
			},
		},
	}
}
