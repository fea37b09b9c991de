package mcpadapter

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/progress"
)

// A Tracer is told when a call of a tool begins. The context it returns is that
// of the call, and the function it returns, if any, is told how the call ended.
// It is the place for spans, such as those of OpenTelemetry.
type Tracer func(ctx context.Context, tool string) (context.Context, func(Call))

// A Call is what is known of a call when it has ended.
type Call struct {
	Tool      string    // the tool
	Tier      gate.Tier // its tier
	Principal string    // the authenticated user, if the transport knows one
	// Decision is the state that the gate answered with, such as "read" or
	// "pending", or "invalid", "failed", "unknown" or "refused: " and the reason.
	Decision string
	Duration time.Duration // how long it took
	In, Out  int           // bytes of the arguments and of the answer
	Flags    int           // texts in the answer that look like instructions
}

// observe runs do, which is one call, and tells the log and the tracer of it. A
// panic in it is an answer too.
func (t *tool) observe(ctx context.Context, in int, do func(context.Context) reply) (r reply) {
	ctx, end := t.calls.Begin(ctx)
	defer afterAnswer(ctx, end) // and so behind the log: nobody who waits for the calls misses a line of it
	c := Call{Tool: t.op.Name(), Tier: t.op.Tier(), Principal: principalOf(ctx), In: in}
	began := time.Now()
	var ended func(Call)
	if t.opts.Trace != nil {
		ctx, ended = t.opts.Trace(ctx, c.Tool)
	}
	defer func() {
		if p := recover(); p != nil {
			t.opts.Logger.Error("panic", "op", t.op.Name(), "value", fmt.Sprint(p), "stack", string(debug.Stack()))
			r = t.replied(ctx, failure{Status: statusUnknown, Message: t.op.Name() + " failed inside the server. Check at the platform what it did before repeating it."})
			r.decision = statusFailed
		}
		c.Decision, c.Duration, c.Out, c.Flags = r.decision, time.Since(began), r.size, r.flags
		afterAnswer(ctx, func() {
			t.opts.Logger.Info("call", "tool", c.Tool, "tier", c.Tier.String(), "principal", c.Principal, "decision", c.Decision,
				"duration", c.Duration.Round(time.Microsecond), "in", c.In, "out", c.Out, "flags", c.Flags)
		})
		if ended != nil {
			ended(c)
		}
	}()
	return do(ctx)
}

// reportProgress tells a client that asked for it that the call still runs and, where
// it says so, how far it is, until stop is called. The call is to have the context
// that it returns.
func (t *tool) reportProgress(ctx context.Context, req *mcp.CallToolRequest) (of context.Context, stop func()) {
	token := req.Params.GetProgressToken()
	if token == nil || req.Session == nil {
		return ctx, func() {}
	}
	var last atomic.Pointer[progress.Step]
	of = progress.With(ctx, func(s progress.Step) { last.Store(&s) })
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		began := time.Now()
		tick := time.NewTicker(t.opts.Progress)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			p := &mcp.ProgressNotificationParams{ProgressToken: token, Progress: time.Since(began).Seconds(), // which must grow: steps may begin anew
				Message: t.op.Name() + " is running"}
			if s := last.Load(); s != nil {
				p.Message = t.op.Name() + ": " + s.String()
			}
			if req.Session.NotifyProgress(ctx, p) != nil {
				return
			}
		}
	}()
	return of, func() {
		cancel()
		<-done // nothing of a call may follow its answer
	}
}
