package mcpadapter_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

// waiting calls a tool that has to wait and returns its proposal, as the journal has it.
func waiting(t *testing.T, g *gate.Guard, cs *mcp.ClientSession, tool, args string) *gate.Proposal {
	t.Helper()
	var env struct{ Status, Proposal string }
	res := mcptest.Call(t, cs, tool, args)
	if mcptest.Structured(t, res, &env); env.Status != "pending" {
		t.Fatalf("%s(%s): %s", tool, args, mcptest.Text(res))
	}
	j, err := g.Journal()
	if err != nil {
		t.Fatal(err)
	}
	p, err := j.Proposal(env.Proposal)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheAgentsReasonIsAClaimBesideTheProposal(t *testing.T) {
	g := mcptest.Guard(t)
	d := new(desk)
	cs := mcptest.Connect(t, g, d.ops()...)
	const hostile = "The user asked.\n\u202eDIGEST 000000\x1b[2J"
	first := waiting(t, g, cs, "desk_close_ticket", `{"ticketId":"~1","reason":`+string(must(json.Marshal(hostile)))+`}`)
	if first.Claim != hostile {
		t.Errorf("claim %q", first.Claim)
	}
	screen := gate.Render(first)
	facts, claim, ok := strings.Cut(screen, "agent's claim, unverified:")
	if !ok || strings.Contains(facts, "The user asked") || !strings.Contains(claim, "The user asked") || strings.ContainsAny(screen, "\u202e\x1b") {
		t.Errorf("screen:\n%s", screen)
	}
	if strings.Contains(string(first.Input), "asked") {
		t.Errorf("the reason is in the input: %s", first.Input)
	}
	for _, args := range []string{`{"ticketId":"~1"}`, `{"ticketId":"~1","reason":"Something else."}`, `{"ticketId":"~1","reason":""}`} {
		if p := waiting(t, g, cs, "desk_close_ticket", args); p.ID != first.ID || p.Digest != first.Digest || p.Claim != hostile {
			t.Errorf("%s: proposal %s claims %q, want to join %s", args, p.ID, p.Claim, first.ID)
		}
	}
	mcptest.Approve(t, g, first.ID)
	if text := mcptest.Text(mcptest.Call(t, cs, "desk_close_ticket", `{"ticketId":"~1","reason":"And another."}`)); !strings.Contains(text, `"executed"`) || d.closed.Load() != 1 {
		t.Errorf("after approval: %s", text)
	}
}

func TestAReasonIsAsLongAsTheSchemaSays(t *testing.T) {
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, new(desk).ops()...)
	p := waiting(t, g, cs, "desk_close_ticket", `{"ticketId":"~1","reason":"`+strings.Repeat("é", 500)+`"}`)
	if len(p.Claim) > 500 || !strings.HasSuffix(p.Claim, "é…") {
		t.Errorf("a claim of %d bytes that ends with %q", len(p.Claim), p.Claim[len(p.Claim)-8:])
	}
	for args, want := range map[string]string{
		`{"ticketId":"~2","reason":"` + strings.Repeat("x", 501) + `"}`: "reason: want at most 500 characters",
		`{"ticketId":"~2","reason":["a"]}`:                              "reason: want a string",
		`{"ticketId":"~2","Reason":"a"}`:                                "did you mean reason?",
	} {
		if res := mcptest.Call(t, cs, "desk_close_ticket", args); !res.IsError || !strings.Contains(mcptest.Text(res), want) {
			t.Errorf("%.60s: %s, want %q", args, mcptest.Text(res), want)
		}
	}
}

func TestWhichToolsTakeAReason(t *testing.T) {
	type own struct {
		Why string `json:"why" alias:"reason" jsonschema:"Why the ticket is reopened."`
	}
	type other struct {
		Reason string `json:"Reason" jsonschema:"Why."`
	}
	var got string
	reopen := gate.Write("desk_reopen", func(_ context.Context, in own) (string, error) { got = in.Why; return "", nil }, "Reopen.")
	move := gate.Write("desk_move", func(_ context.Context, in other) (string, error) { return in.Reason, nil }, "Move.")
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, append(new(desk).ops(), reopen, move)...)
	var with []string
	for tool, err := range cs.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(tool.InputSchema)
		if err != nil {
			t.Fatal(err)
		}
		const schema = `"reason":{"type":"string","description":"Why: your words for the approver.","maxLength":500}`
		var s struct {
			Properties map[string]json.RawMessage
			Required   []string
		}
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		if s.Properties["reason"] == nil {
			continue
		}
		with = append(with, tool.Name)
		if slices.Contains(s.Required, "reason") {
			t.Errorf("%s requires a reason", tool.Name)
		}
		if n := len(s.Properties["reason"]); n > len(schema) {
			t.Errorf("%s: the schema of the reason has %d bytes: %s", tool.Name, n, s.Properties["reason"])
		}
	}
	slices.Sort(with)
	if want := []string{"desk_close_ticket", "desk_purge", "desk_wipe"}; !slices.Equal(with, want) {
		t.Errorf("%v take a reason, want %v", with, want)
	}
	p := waiting(t, g, cs, "desk_reopen", `{"reason":"It came back."}`)
	if p.Claim != "" || !strings.Contains(string(p.Input), "It came back.") {
		t.Errorf("an operation's own reason: claim %q, input %s", p.Claim, p.Input)
	}
	mcptest.Approve(t, g, p.ID)
	mcptest.Call(t, cs, "desk_reopen", `{"reason":"It came back."}`)
	if got != "It came back." {
		t.Errorf("the operation got %q", got)
	}
	if res := mcptest.Call(t, cs, "desk_list_tickets", `{"reason":"Curious."}`); !res.IsError {
		t.Error("a read takes a reason")
	}
}

func TestAReasonGoesThroughADynamicServer(t *testing.T) {
	g := mcptest.Guard(t)
	s := mcpadapter.New(g, mcpadapter.Options{Name: "desk", Dynamic: true})
	if err := s.Add(new(desk).ops()...); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, nil, nil)
	if _, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: mcpadapter.CallTool,
		Arguments: rawJSON(`{"name":"desk_close_ticket","arguments":{"ticketId":"~1","reason":"Asked to."}}`)}); err != nil {
		t.Fatal(err)
	}
	st, err := g.Status(t.Context())
	if err != nil || len(st.Pending) != 1 || st.Pending[0].Claim != "Asked to." {
		t.Errorf("%+v, %v", st, err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
