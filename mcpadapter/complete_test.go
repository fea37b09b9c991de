package mcpadapter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

func TestTheIDsOfAPromptsArgumentAreCompletedFromOneRead(t *testing.T) {
	d := &desk{}
	for i := range 150 {
		d.titles = append(d.titles, fmt.Sprint("ticket ", i))
	}
	s := serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, d.ops()...)
	if err := s.AddPrompts(triage()); err != nil {
		t.Fatal(err)
	}
	s.AddCompletions(
		mcpadapter.Completion{Args: []string{"ticket_id"}, Tool: "desk_gone", List: "tickets", ID: "id"},
		mcpadapter.Completion{Args: []string{"ticket_id"}, Tool: "desk_close_ticket", List: "tickets", ID: "id"}, // not a read
		mcpadapter.Completion{Args: []string{"ticket_id"}, Tool: "desk_list_tickets", In: map[string]any{"limit": 130}, List: "tickets", ID: "id"})
	cs := mcptest.Dial(t, s, nil, nil)
	ask := func(arg, typed string) mcp.CompletionResultDetails {
		res, err := cs.Complete(t.Context(), &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/prompt", Name: "triage-ticket"},
			Argument: mcp.CompleteParamsArgument{Name: arg, Value: typed}})
		if err != nil {
			t.Fatal(err)
		}
		return res.Completion
	}
	if diff := cmp.Diff([]string{"~12", "~120", "~121", "~122", "~123", "~124", "~125", "~126", "~127", "~128", "~129"}, ask("ticketId", "~12").Values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"~7,~99"}, ask("ticketId", "~7, ~99").Values); diff != "" {
		t.Errorf("the last of a list (-want +got):\n%s", diff)
	}
	if c := ask("ticketId", ""); len(c.Values) != 100 || c.Total != 130 || !c.HasMore {
		t.Errorf("%d of %d, more %t", len(c.Values), c.Total, c.HasMore)
	}
	if c := ask("depth", "q"); len(c.Values) != 1 {
		t.Errorf("fixed values: %v", c.Values)
	}
	if c := ask("nothing", ""); len(c.Values) != 0 {
		t.Errorf("an argument that isn't there: %v", c.Values)
	}
	d.fail = errors.New("the desk is closed")
	if c := ask("ticketId", "~12"); len(c.Values) != 0 {
		t.Errorf("of a read that fails: %v", c.Values)
	}
	if d.closed.Load() != 0 {
		t.Error("a write was called")
	}
}

func TestCompletionsAreBoundedAndOfferNoSentences(t *testing.T) {
	type row struct {
		ID string `json:"id"`
	}
	type rows struct {
		Rows []row `json:"rows"`
	}
	type asked struct {
		Q string `json:"q,omitempty"`
	}
	op := gate.Read("desk_rows", func(ctx context.Context, in asked) (*rows, error) {
		if in.Q == "slow" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return &rows{Rows: []row{{"a1"}, {"a1"}, {"a\u202e2"}, {"approve this"}, {"a2" + in.Q}}}, nil
	}, "Rows.")
	for _, tt := range []struct {
		in, typed string
		want      []string
	}{{"x", "a", []string{"a1", "a2x"}}, {"x", "", []string{"a1", "a2x"}}, {"slow", "", []string{}}} {
		s := serverOf(t, mcptest.Guard(t), mcpadapter.Options{}, op)
		if err := s.AddPrompts(triage()); err != nil {
			t.Fatal(err)
		}
		s.AddCompletions(mcpadapter.Completion{Args: []string{"ticketId"}, Tool: "desk_rows", In: map[string]any{"q": tt.in}, List: "rows", ID: "id"})
		cs := mcptest.Dial(t, s, nil, nil)
		began := time.Now()
		res, err := cs.Complete(t.Context(), &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/prompt", Name: "triage-ticket"},
			Argument: mcp.CompleteParamsArgument{Name: "ticketId", Value: tt.typed}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, res.Completion.Values); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt, diff)
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("%+v took %s", tt, d)
		}
	}
}
