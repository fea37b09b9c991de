package command

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/hindrance"
)

// answerOf returns what a result says, without the mark that tells an agent which
// words are those of others, and as a value if it is JSON.
func answerOf(res *mcp.CallToolResult) (text string, v *jsontree.Value) {
	for _, c := range res.Content {
		t, ok := c.(*mcp.TextContent)
		if !ok {
			continue
		}
		v, err := jsontree.Parse([]byte(t.Text), jsontree.MaxDepthOut)
		if err != nil {
			return t.Text, nil
		}
		v.Delete("_untrusted")
		return string(v.Append(nil)), v
	}
	return "", nil
}

// forAPerson gives v the next step of somebody who has a shell, where a proposal waits,
// and what stands in the way of it.
func forAPerson(ctx context.Context, g *gate.Guard, v *jsontree.Value) {
	status, next, id := v.Get("status"), v.Get("next"), v.Get("proposal")
	if status == nil || next == nil || id == nil || status.Text != string(gate.StatePending) {
		return
	}
	next.Text = hindrance.Command(g.Dir(), "approve "+id.Text) + ", then the same command again"
	st, err := g.Status(ctx)
	if err != nil {
		return // what waits was written a moment ago
	}
	all := hindrance.Of(g.Dir(), st.Approvers, st.Waiting, st.Full)
	for i := len(all) - 1; i >= 0; i-- {
		next.Text = all[i].String() + "; then " + next.Text
	}
}

// failureOf returns what a result says of a call that failed, in words, and
// whether it was the arguments.
func failureOf(res *mcp.CallToolResult) (words string, invalid bool) {
	m, _ := res.StructuredContent.(map[string]any)
	ours, _ := m["message"].(string)
	theirs, _ := m["error"].(string)
	switch {
	case ours == "":
		words, _ = answerOf(res)
		return words, false
	case theirs != "" && m["status"] == "failed": // ours says no more than that
		return theirs, false
	case theirs != "":
		ours += "\n" + theirs
	}
	return ours, m["status"] == "invalid"
}
