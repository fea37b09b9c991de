package mcpadapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clientword"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/screen"
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

// askClient lets the user of an MCP client approve what waits through the client's
// own form, where the policy lets that count. Exactly one answer executes:
// accepted, with the code of this very proposal, together with the state that the
// guard sealed for it. A wrong code is asked for again, a few times. After
// anything else the call stays as it is, pending, and why says what kept the form
// from deciding. If ask isn't nil, it is the question.
func (t *tool) askClient(ctx context.Context, req *mcp.CallToolRequest, args []byte, pending *gate.Result) (ask *mcp.CallToolResult, res *gate.Result, why string, err error) {
	p := pending.Proposal
	if t.guard.Approval() != gate.ApprovalClient {
		return nil, pending, "", nil
	}
	if by, why := t.guard.Who(ctx, gate.TierWrite); by != gate.ApprovalClient {
		return nil, pending, why, nil
	}
	if !formCapable(req) {
		return nil, pending, "this client can't show a form", nil
	}
	again := false
	if req.ProtocolVersion() >= multiRoundTrip && (len(req.Params.InputResponses) > 0 || req.Params.RequestState != "") {
		answer, _ := req.Params.InputResponses[approvalInput].(*mcp.ElicitResult)
		res, again, err = t.attest(ctx, args, pending, req.Params.RequestState, answer)
		if err != nil || !again {
			return nil, res, notYes, err
		}
	}
	for {
		state, err := clientword.Of(t.guard).Seal(p)
		switch {
		case err != nil:
			return nil, pending, err.Error(), nil
		case !t.patience.left(p.ID):
			return nil, pending, "the user was asked often enough", nil
		case req.ProtocolVersion() >= multiRoundTrip:
			return &mcp.CallToolResult{
				InputRequests: mcp.InputRequestMap{approvalInput: question(p, again)},
				RequestState:  state,
			}, nil, "", nil
		}
		answer, err := t.elicit(ctx, req, question(p, again))
		if err != nil {
			t.patience.lose(p.ID)
			t.opts.Logger.Info("no answer to the form", "op", t.op.Name(), "proposal", p.ID, "err", err)
			return nil, pending, "the form got no answer", nil
		}
		if res, again, err = t.attest(ctx, args, pending, state, answer); err != nil || !again {
			return nil, res, notYes, err
		}
	}
}

const notYes = "the form wasn't answered with a yes and the code"

func (t *tool) elicit(ctx context.Context, req *mcp.CallToolRequest, q *mcp.ElicitParams) (*mcp.ElicitResult, error) {
	wait, cancel := context.WithTimeout(ctx, t.opts.AskTimeout)
	defer cancel()
	return req.Session.Elicit(wait, q)
}

// attest records the answer, if it is a yes to this proposal, and makes the call
// again. A yes with a wrong code is worth asking again.
func (t *tool) attest(ctx context.Context, args []byte, pending *gate.Result, state string, answer *mcp.ElicitResult) (res *gate.Result, again bool, err error) {
	id := pending.Proposal.ID
	var code string
	if answer != nil && answer.Action == "accept" {
		code, _ = answer.Content["code"].(string)
	}
	if code == "" || state == "" {
		t.patience.lose(id)
		return pending, false, nil
	}
	if err := clientword.Of(t.guard).Attest(ctx, pending.Proposal, state, code); err != nil {
		t.patience.lose(id)
		if !errors.Is(err, clientword.ErrUnsealed) {
			t.opts.Logger.Error("attest", "op", t.op.Name(), "proposal", id, "err", err)
			return pending, false, nil
		}
		return pending, true, nil
	}
	res, err = t.do(ctx, args)
	return res, false, err
}

// formCapable reports whether the client has declared that it can show a form.
// Declaring elicitation without saying which kind means that.
func formCapable(req *mcp.CallToolRequest) bool {
	c := req.ClientCapabilities()
	return c != nil && c.Elicitation != nil && (c.Elicitation.Form != nil || c.Elicitation.URL == nil)
}

// question asks whether p may be executed. What would change, of what, and the
// code stand in the first three lines: there are hosts that show no more.
func question(p *gate.Proposal, again bool) *mcp.ElicitParams {
	say := "To approve exactly this, type the code " + strings.ToUpper(p.Code()) + ". Anything else leaves it waiting for the operator."
	if again {
		say = "That was another code. " + say
	}
	return &mcp.ElicitParams{
		Mode:    "form",
		Message: what(p) + "\n" + target(p) + "\n" + say + "\n\n" + gate.Render(p),
		RequestedSchema: &jsonschema.Schema{
			Type:     "object",
			Required: []string{"code"},
			Properties: map[string]*jsonschema.Schema{
				"code": {Type: "string", Title: "Code for: " + what(p), Description: target(p) + ". The code is the first six characters of the digest."},
			},
		},
	}
}

const maxFormLine = 160 // bytes

// what says on one line what p would change.
func what(p *gate.Proposal) string {
	line := screen.Shown(p.Plan.Summary)
	for _, c := range p.Plan.Changes {
		line += "; " + screen.Shown(c.Field) + ": "
		if c.Before != "" {
			line += screen.Shown(jsontree.Clip(c.Before, 60)) + " -> "
		}
		line += screen.Shown(jsontree.Clip(c.After, 60))
	}
	return jsontree.Clip(line, maxFormLine)
}

// target says on one line what p would act on.
func target(p *gate.Proposal) string {
	if len(p.Plan.Targets) == 0 {
		return jsontree.Clip("At "+screen.Shown(p.Upstream), maxFormLine)
	}
	t := p.Plan.Targets[0]
	line := "Target: " + screen.Shown(t.Kind) + " " + screen.Shown(t.ID)
	if t.Name != "" {
		line += " \"" + screen.Shown(jsontree.Clip(t.Name, 80)) + "\""
	}
	if n := len(p.Plan.Targets) - 1; n > 0 {
		line += fmt.Sprintf(" and %d more", n)
	}
	return jsontree.Clip(line+", at "+screen.Shown(p.Upstream), maxFormLine)
}
