package mcpadapter_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

// form is how a client answers the question.
type form func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error)

// code reads the code off the form, as a person would.
func code(req *mcp.ElicitRequest) string {
	lines := strings.Split(req.Params.Message, "\n")
	_, rest, _ := strings.Cut(lines[2], "type the code ")
	return rest[:6]
}

func answered(action string, content func(*mcp.ElicitRequest) map[string]any) form {
	return func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
		return &mcp.ElicitResult{Action: action, Content: content(req)}, nil
	}
}

func right(req *mcp.ElicitRequest) map[string]any { return map[string]any{"code": code(req)} }

func clientGuard(t *testing.T, approval gate.Approval) *gate.Guard {
	t.Helper()
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Approval: approval, Dir: t.TempDir(),
		Getenv: func(string) string { return "1" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

var eras = []string{"2025-11-25", "2026-07-28"}

func TestAClientsForm(t *testing.T) {
	asked := 0
	counting := func(f form) form {
		return func(ctx context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			asked++
			return f(ctx, req)
		}
	}
	for _, tt := range []struct {
		name     string
		approval gate.Approval
		tool     string
		form     form
		asked    int
		executed bool
	}{
		{"with the right code executes", gate.ApprovalClient, "desk_close_ticket", answered("accept", right), 1, true},
		{"with the right code in capitals and space executes", gate.ApprovalClient, "desk_close_ticket",
			answered("accept", func(r *mcp.ElicitRequest) map[string]any {
				return map[string]any{"code": " " + strings.ToUpper(code(r)) + " "}
			}), 1, true},
		{"with a wrong code does not", gate.ApprovalClient, "desk_close_ticket",
			answered("accept", func(*mcp.ElicitRequest) map[string]any { return map[string]any{"code": "zzzzzz"} }), 3, false},
		{"with an empty code does not", gate.ApprovalClient, "desk_close_ticket",
			answered("accept", func(*mcp.ElicitRequest) map[string]any { return map[string]any{"code": ""} }), 1, false},
		{"accepted without content does not", gate.ApprovalClient, "desk_close_ticket",
			answered("accept", func(*mcp.ElicitRequest) map[string]any { return nil }), 1, false},
		{"declined does not", gate.ApprovalClient, "desk_close_ticket", answered("decline", right), 1, false},
		{"cancelled does not", gate.ApprovalClient, "desk_close_ticket", answered("cancel", right), 1, false},
		{"is not shown for a destructive operation", gate.ApprovalClient, "desk_wipe", answered("accept", right), 0, false},
		{"is not shown where an operator approves", gate.ApprovalOperator, "desk_close_ticket", answered("accept", right), 0, false},
	} {
		for _, era := range eras {
			t.Run(tt.name+"/"+era, func(t *testing.T) {
				asked = 0
				d, g := new(desk), clientGuard(t, tt.approval)
				s := mcpadapter.New(g, mcpadapter.Options{Name: "test"})
				if err := s.Add(d.ops()...); err != nil {
					t.Fatal(err)
				}
				cs := mcptest.Dial(t, s, &mcp.ClientOptions{ElicitationHandler: counting(tt.form)}, &mcp.ClientSessionOptions{ProtocolVersion: era})
				args := `{"id":"~7"}`
				if tt.tool == "desk_wipe" {
					args = `{"confirm":true}`
				}
				var a answer
				mcptest.Structured(t, mcptest.Call(t, cs, tt.tool, args), &a)
				want := map[bool]string{true: "executed", false: "pending"}[tt.executed]
				if a.Status != want || d.closed.Load() == 1 != tt.executed || asked != tt.asked {
					t.Errorf("status %s, executed %d times, asked %d times; want %s, asked %d", a.Status, d.closed.Load(), asked, want, tt.asked)
				}
			})
		}
	}
}

func TestACodeThatWasMistypedIsAskedForAgain(t *testing.T) {
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			var messages []string
			typo := func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
				messages = append(messages, req.Params.Message)
				typed := code(req)
				if len(messages) == 1 {
					typed = typed[1:] + typed[:1] + "0"
				}
				return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"code": typed}}, nil
			}
			d, g := new(desk), clientGuard(t, gate.ApprovalClient)
			cs := mcptest.Dial(t, serverOf(t, g, mcpadapter.Options{}, d.ops()...), &mcp.ClientOptions{ElicitationHandler: typo}, &mcp.ClientSessionOptions{ProtocolVersion: era})
			var a answer
			mcptest.Structured(t, mcptest.Call(t, cs, "desk_close_ticket", `{"id":"~7"}`), &a)
			if a.Status != "executed" || d.closed.Load() != 1 || len(messages) != 2 || strings.Contains(messages[0], "another code") || !strings.Contains(messages[1], "That was another code") {
				t.Errorf("%s, executed %d times, asked %q", a.Status, d.closed.Load(), messages)
			}
		})
	}
}

func TestAFormThatFailsOrHangsLeavesTheCallPending(t *testing.T) {
	for name, f := range map[string]form{
		"fails": func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return nil, errors.New("no screen")
		},
		"hangs": func(ctx context.Context, _ *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, g := new(desk), clientGuard(t, gate.ApprovalClient)
			s := mcpadapter.New(g, mcpadapter.Options{Name: "test", AskTimeout: 100 * time.Millisecond})
			if err := s.Add(d.ops()...); err != nil {
				t.Fatal(err)
			}
			cs := mcptest.Dial(t, s, &mcp.ClientOptions{ElicitationHandler: f}, &mcp.ClientSessionOptions{ProtocolVersion: eras[0]})
			var a answer
			mcptest.Structured(t, mcptest.Call(t, cs, "desk_close_ticket", `{"id":"~7"}`), &a)
			if a.Status != "pending" || d.closed.Load() != 0 {
				t.Errorf("status %s, executed %d times", a.Status, d.closed.Load())
			}
		})
	}
}

func TestAUserWhoSaysNoIsNotAskedForEver(t *testing.T) {
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			asked := 0
			no := func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
				asked++
				return &mcp.ElicitResult{Action: "decline"}, nil
			}
			// The plan that the agent is shown after a no counts as text of others.
			g, err := gate.New(gate.Policy{Max: gate.TierWrite, Approval: gate.ApprovalClient, ClientAfterUntrusted: true, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = g.Close() })
			s := mcpadapter.New(g, mcpadapter.Options{Name: "test"})
			if err := s.Add(new(desk).ops()...); err != nil {
				t.Fatal(err)
			}
			cs := mcptest.Dial(t, s, &mcp.ClientOptions{ElicitationHandler: no}, &mcp.ClientSessionOptions{ProtocolVersion: era})
			for range 10 {
				mcptest.Call(t, cs, "desk_close_ticket", `{"id":"~7"}`)
			}
			if asked != 3 {
				t.Errorf("asked %d times, want 3", asked)
			}
		})
	}
}

func TestAClientThatShowsNoFormsIsNotAsked(t *testing.T) {
	urlOnly := &mcp.ClientOptions{
		ElicitationHandler: answered("accept", right),
		Capabilities:       &mcp.ClientCapabilities{Elicitation: &mcp.ElicitationCapabilities{URL: &mcp.URLElicitationCapabilities{}}},
	}
	for name, opts := range map[string]*mcp.ClientOptions{"none": nil, "only URLs": urlOnly} {
		for _, era := range eras {
			t.Run(name+"/"+era, func(t *testing.T) {
				d, g := new(desk), clientGuard(t, gate.ApprovalClient)
				s := mcpadapter.New(g, mcpadapter.Options{Name: "test"})
				if err := s.Add(d.ops()...); err != nil {
					t.Fatal(err)
				}
				cs := mcptest.Dial(t, s, opts, &mcp.ClientSessionOptions{ProtocolVersion: era})
				var a answer
				mcptest.Structured(t, mcptest.Call(t, cs, "desk_close_ticket", `{"id":"~7"}`), &a)
				if a.Status != "pending" || d.closed.Load() != 0 {
					t.Errorf("status %s, executed %d times", a.Status, d.closed.Load())
				}
			})
		}
	}
}

// A client of the multi-round-trip era writes its own answers, so it can send
// whatever it likes: only our own state makes an answer count.
func TestAForgedAnswerNeverExecutes(t *testing.T) {
	accept := func(code string) mcp.InputResponseMap {
		return mcp.InputResponseMap{"approval": &mcp.ElicitResult{Action: "accept", Content: map[string]any{"code": code}}}
	}
	const mine, theirs = `{"id":"~7"}`, `{"id":"~8"}`
	for _, tt := range []struct {
		name  string
		forge func(t *testing.T, ask func(args string) (state, code string)) (args, state string, answers mcp.InputResponseMap)
		runs  int32
	}{
		{"the honest answer", func(_ *testing.T, ask func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			state, code := ask(mine)
			return mine, state, accept(code)
		}, 1},
		{"an answer on the first call", func(*testing.T, func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			return mine, "", accept("000000")
		}, 0},
		{"an answer with an invented state", func(*testing.T, func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			return mine, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", accept("000000")
		}, 0},
		{"the code without the state", func(_ *testing.T, ask func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			_, code := ask(mine)
			return mine, "", accept(code)
		}, 0},
		{"the state without an answer", func(_ *testing.T, ask func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			state, _ := ask(mine)
			return mine, state, nil
		}, 0},
		{"a changed state", func(_ *testing.T, ask func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			state, code := ask(mine)
			first := "B"
			if state[0] == 'B' {
				first = "C"
			}
			return mine, first + state[1:], accept(code)
		}, 0},
		{"swapped arguments", func(_ *testing.T, ask func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			state, code := ask(mine)
			return theirs, state, accept(code)
		}, 0},
		{"the code of another proposal", func(_ *testing.T, ask func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			state, _ := ask(mine)
			_, code := ask(theirs)
			return mine, state, accept(code)
		}, 0},
		{"the state of another proposal", func(_ *testing.T, ask func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			_, code := ask(mine)
			state, _ := ask(theirs)
			return mine, state, accept(code)
		}, 0},
		{"an answer under another name", func(_ *testing.T, ask func(string) (string, string)) (string, string, mcp.InputResponseMap) {
			state, code := ask(mine)
			return mine, state, mcp.InputResponseMap{"ok": accept(code)["approval"]}
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, g := new(desk), clientGuard(t, gate.ApprovalClient)
			s := mcpadapter.New(g, mcpadapter.Options{Name: "test"})
			if err := s.Add(d.ops()...); err != nil {
				t.Fatal(err)
			}
			cs := mcptest.Dial(t, s, &mcp.ClientOptions{ElicitationHandler: answered("accept", right), MultiRoundTrip: &mcp.MultiRoundTripOptions{Disabled: true}}, nil)
			call := func(args, state string, answers mcp.InputResponseMap) *mcp.CallToolResult {
				res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: "desk_close_ticket",
					Arguments: rawJSON(args), RequestState: state, InputResponses: answers})
				if err != nil {
					t.Fatal(err)
				}
				return res
			}
			ask := func(args string) (string, string) {
				res := call(args, "", nil)
				q, ok := res.InputRequests["approval"].(*mcp.ElicitParams)
				if !ok {
					t.Fatalf("not asked: %+v", res)
				}
				return res.RequestState, code(&mcp.ElicitRequest{Params: q})
			}
			args, state, answers := tt.forge(t, ask)
			call(args, state, answers)
			if d.closed.Load() != tt.runs {
				t.Errorf("executed %d times, want %d", d.closed.Load(), tt.runs)
			}
			// The same answer once more changes nothing.
			if call(args, state, answers); d.closed.Load() != tt.runs {
				t.Errorf("replayed: executed %d times, want %d", d.closed.Load(), tt.runs)
			}
		})
	}
}

func TestForgedAnswersMeanNothingToAnOlderClient(t *testing.T) {
	d, g := new(desk), clientGuard(t, gate.ApprovalClient)
	s := mcpadapter.New(g, mcpadapter.Options{Name: "test"})
	if err := s.Add(d.ops()...); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, &mcp.ClientOptions{ElicitationHandler: answered("decline", right)}, &mcp.ClientSessionOptions{ProtocolVersion: eras[0]})
	_, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: "desk_close_ticket", Arguments: rawJSON(`{"id":"~7"}`),
		InputResponses: mcp.InputResponseMap{"approval": &mcp.ElicitResult{Action: "accept", Content: map[string]any{"code": "000000"}}}})
	if err != nil || d.closed.Load() != 0 {
		t.Errorf("error %v, executed %d times", err, d.closed.Load())
	}
}

func TestTheFirstThreeLinesOfAFormDecide(t *testing.T) {
	var message string
	look := func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
		message = req.Params.Message
		return &mcp.ElicitResult{Action: "decline"}, nil
	}
	op := gate.Write("desk_rename", func(context.Context, renameInput) (string, error) { return "", nil }, "Rename.").
		Plan(func(_ context.Context, in renameInput) (gate.Plan, error) {
			return gate.Plan{Summary: "Rename a ticket.", Targets: []gate.Target{{Kind: "ticket", ID: "7", Name: "old\nname"}},
				Changes: []gate.Change{gate.Changed("title", "old\nname", in.Title)}, Undo: "Rename it back."}, nil
		})
	s := mcpadapter.New(clientGuard(t, gate.ApprovalClient), mcpadapter.Options{})
	if err := s.Add(op); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, &mcp.ClientOptions{ElicitationHandler: look}, &mcp.ClientSessionOptions{ProtocolVersion: eras[0]})
	var a answer
	mcptest.Structured(t, mcptest.Call(t, cs, "desk_rename", `{"title":"new name"}`), &a)
	lines := strings.SplitN(message, "\n", 4)
	for i, want := range []string{"-> new name", "ticket 7", strings.ToUpper(a.Digest[:6])} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %q, want %q in it", i+1, lines[i], want)
		}
	}
	if !strings.Contains(a.Next, "wasn't answered with a yes") {
		t.Errorf("next %q", a.Next)
	}
}

type renameInput struct {
	Title string `json:"title"`
}

func TestAFormIsShownForEachWriteAndWhenNotTheAnswerSaysWhy(t *testing.T) {
	d := &desk{titles: []string{"by somebody else"}}
	asked := 0
	yes := func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
		asked++
		return &mcp.ElicitResult{Action: "accept", Content: right(req)}, nil
	}
	say := gate.Write("desk_say", func(_ context.Context, in renameInput) (*ticket, error) {
		return &ticket{ID: "~1", Title: in.Title}, nil
	}, "Say.").
		Plan(func(context.Context, renameInput) (gate.Plan, error) {
			return gate.Plan{Summary: "Say.", Undo: "Unsay it."}, nil
		})
	s := mcpadapter.New(clientGuard(t, gate.ApprovalClient), mcpadapter.Options{})
	if err := s.Add(append(d.ops(), say)...); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, &mcp.ClientOptions{ElicitationHandler: yes}, nil)
	for i, title := range []string{"one comment", "two comments"} {
		var a answer
		mcptest.Structured(t, mcptest.Call(t, cs, "desk_say", `{"title":"`+title+`"}`), &a)
		if a.Status != "executed" || asked != i+1 {
			t.Errorf("%s: %s, asked %d times; %s", title, a.Status, asked, a.Next)
		}
	}
	mcptest.Call(t, cs, "desk_list_tickets", nil)
	var a answer
	mcptest.Structured(t, mcptest.Call(t, cs, "desk_say", `{"title":"three comments"}`), &a)
	if a.Status != "pending" || asked != 2 || !strings.Contains(a.Next, "text that others wrote was read") || !strings.Contains(a.Next, "operator's own channel") {
		t.Errorf("%s, asked %d times, next %q", a.Status, asked, a.Next)
	}
}

func enrol(t *testing.T, dir string) {
	t.Helper()
	s, err := gate.NewSigner("operator")
	if err == nil {
		err = gate.AddApprover(dir, s.Approver())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAPendingAnswerSaysWhatKeepsItFromBeingApproved(t *testing.T) {
	for name, tt := range map[string]struct {
		enrol func(dir, usual string)
		calls int
		want  []string // DIR and USUAL stand for folders; none: nothing stands in the way
	}{
		"nothing": {func(dir, _ string) { enrol(t, dir) }, 1, nil},
		"nobody is enrolled": {func(string, string) {}, 1,
			[]string{"no approver is enrolled in DIR", "gate init -state DIR", "set SALLYPORT_STATE here"}},
		"the operator's folder is another": {func(_, usual string) { enrol(t, usual) }, 1,
			[]string{"no approver is enrolled in DIR", "there are approvers in USUAL: if that is the folder", "otherwise run gate init -state DIR"}},
		"with it as many wait as may": {func(dir, _ string) { enrol(t, dir) }, 10,
			[]string{"10 proposals wait, which is as many as may", "gate pending -state DIR lists them"}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("XDG_STATE_HOME", home)
			t.Setenv("SALLYPORT_STATE", "")
			g := mcptest.Guard(t)
			usual := filepath.Join(home, "sallyport")
			tt.enrol(g.Dir(), usual)
			cs := mcptest.Connect(t, g, new(desk).ops()...)
			var a answer
			for n := range tt.calls {
				mcptest.Structured(t, mcptest.Call(t, cs, "desk_close_ticket", fmt.Sprintf(`{"id":"~%d"}`, n+1)), &a)
			}
			type waiting struct{ Next string }
			var s struct {
				Pending  []waiting
				Proposal waiting
			}
			mcptest.Structured(t, mcptest.Call(t, cs, "gate_status", map[string]any{"proposal": a.Proposal}), &s)
			for what, next := range map[string]string{"the answer": a.Next, "the status": s.Proposal.Next, "what waits": s.Pending[0].Next} {
				for _, w := range tt.want {
					if w = strings.NewReplacer("DIR", g.Dir(), "USUAL", usual).Replace(w); !strings.Contains(next, w) {
						t.Errorf("%s lacks %q: %s", what, w, next)
					}
				}
				if strings.Contains(next, "TELL THE OPERATOR") != (tt.want != nil) {
					t.Errorf("%s: %s", what, next)
				}
			}
		})
	}
}

func TestTheProposalThatIsOneTooManySaysHowRoomIsMade(t *testing.T) {
	g := mcptest.Guard(t)
	cs := mcptest.Connect(t, g, new(desk).ops()...)
	var last *mcp.CallToolResult
	for n := range 11 {
		last = mcptest.Call(t, cs, "desk_close_ticket", fmt.Sprintf(`{"id":"~%d"}`, n+1))
	}
	said := mcptest.Text(last)
	for _, want := range []string{"too_many_pending", "10 wait", "gate pending -state " + g.Dir()} {
		if !last.IsError || !strings.Contains(said, want) {
			t.Errorf("lacks %q: %s", want, said)
		}
	}
	sameEverywhere(t, "the refusal", last)
}

func TestWhenNoFormIsShownNextSaysWhy(t *testing.T) {
	planned := func(p gate.Plan) func(context.Context, renameInput) (gate.Plan, error) {
		return func(context.Context, renameInput) (gate.Plan, error) { return p, nil }
	}
	run := func(context.Context, renameInput) (string, error) { return "", nil }
	undone := gate.Plan{Summary: "Rename.", Undo: "Rename it back."}
	yes := answered("accept", right)
	for name, tt := range map[string]struct {
		op   gate.Op
		form form
		want string
	}{
		"a client without forms": {gate.Write("desk_rename", run, "Rename.").Plan(planned(undone)), nil, "this client can't show a form"},
		"a user who says no":     {gate.Write("desk_rename", run, "Rename.").Plan(planned(undone)), answered("decline", right), "the form wasn't answered with a yes and the code"},
		"a form without answer": {gate.Write("desk_rename", run, "Rename.").Plan(planned(undone)),
			func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
				return nil, errors.New("no screen")
			}, "the form got no answer"},
		"a destructive one":      {gate.Destructive("desk_rename", run, "Rename.").Plan(planned(undone)), yes, "only for what can be undone"},
		"one without an undo":    {gate.Write("desk_rename", run, "Rename.").Plan(planned(gate.Plan{Summary: "Rename."})), yes, "only for what can be undone"},
		"one that leaves":        {gate.Write("desk_rename", run, "Rename.").Plan(planned(gate.Plan{Summary: "Rename.", Undo: "U.", Egress: []gate.Egress{{To: "a third party"}}})), yes, "stays inside"},
		"one with warnings":      {gate.Write("desk_rename", run, "Rename.").Plan(planned(gate.Plan{Summary: "Rename.", Undo: "U.", Warnings: []string{"Careful."}})), yes, "not enough for what has warnings"},
		"one longer than a form": {gate.Write("desk_rename", run, "Rename.").Plan(planned(gate.Plan{Summary: "Rename.", Undo: strings.Repeat("Rename it back. ", 400)})), yes, "more to show than fits into a form"},
	} {
		t.Run(name, func(t *testing.T) {
			g := clientGuard(t, gate.ApprovalClient)
			enrol(t, g.Dir())
			opts := &mcp.ClientOptions{}
			if tt.form != nil {
				opts.ElicitationHandler = tt.form
			}
			cs := mcptest.Dial(t, serverOf(t, g, mcpadapter.Options{}, tt.op), opts, &mcp.ClientSessionOptions{ProtocolVersion: eras[0]})
			var a answer
			mcptest.Structured(t, mcptest.Call(t, cs, "desk_rename", `{"title":"new"}`), &a)
			if a.Status != "pending" || !strings.HasPrefix(a.Next, "No form decided it: ") || !strings.Contains(a.Next, tt.want) || !strings.Contains(a.Next, "operator's own channel") {
				t.Errorf("%s, next %q, want in it %q", a.Status, a.Next, tt.want)
			}
		})
	}
}

func TestWhereTheHostApprovesWritesAreMarkedSoThatItAsks(t *testing.T) {
	cs := mcptest.Connect(t, clientGuard(t, gate.ApprovalHost), new(desk).ops()...)
	for tool, err := range cs.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		a := tool.Annotations
		if asks := *a.DestructiveHint && *a.OpenWorldHint; asks == a.ReadOnlyHint {
			t.Errorf("%s: read %t, destructive %t, open world %t", tool.Name, a.ReadOnlyHint, *a.DestructiveHint, *a.OpenWorldHint)
		}
	}
}
