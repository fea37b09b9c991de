package mcpadapter

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/clientword"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/answer"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/hindrance"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/untrusted"
)

const (
	maxErrorText = 4 << 10
	maxQuoted    = 3 << 10 // bytes of it that others may have written
)

// The states of a call that failed, beside those of the gate.
const (
	statusInvalid = "invalid" // its arguments
	statusRefused = "refused"
	statusFailed  = "failed"
	statusUnknown = "unknown"
)

// A failure is the answer to a call that failed.
type failure struct {
	Status  string      `json:"status"`
	Reason  gate.Reason `json:"reason,omitempty"`
	Message string      `json:"message"`
	Error   string      `json:"error,omitempty" untrusted:"true"` // of the operation, which may quote a platform and so whoever wrote there
}

var failureType = sync.OnceValue(func() *schema.Type { return schema.Output(reflect.TypeFor[failure]()) })

// replied returns the reply that says f.
func (s *Server) replied(ctx context.Context, f failure) reply {
	f.Message = bounded(f.Message)
	f.Error = untrusted.OneLine(jsontree.Clip(strings.ToValidUTF8(f.Error, "\ufffd"), maxQuoted))
	raw, err := jsontree.Encode(f)
	if err == nil {
		var a *answer.Answer
		if a, err = answer.New(raw, failureType()); err == nil {
			clientword.Of(s.guard).Saw(principalOf(ctx), a.Texts())
			raw = a.Whole()
			r := reply{result: said(raw), decision: f.Status, flags: len(a.Flags()), size: len(raw)}
			r.result.IsError = true
			if f.Reason != "" {
				r.decision += ": " + string(f.Reason)
			}
			return r
		}
	}
	panic(err) // strings always encode
}

// invalid replies that the arguments of the tool are wrong.
func (s *Server) invalid(ctx context.Context, tool string, err error) reply {
	return s.replied(ctx, failure{Status: statusInvalid, Message: "invalid arguments for " + tool + ":\n" + err.Error()})
}

// bounded returns s as valid UTF-8 of a size that an error may have.
func bounded(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	return jsontree.Clip(s, maxErrorText-len("…"))
}

// failure turns an error of the gate or of the operation into a reply. Of what
// stands in the gate's way an agent learns the fixed words only: an error of the
// journal holds its place, and the operator's log has it.
func (t *tool) failure(ctx context.Context, err error) reply {
	r := t.replied(ctx, t.failed(err))
	if errors.Is(err, context.Canceled) && r.decision == statusFailed {
		r.decision = "cancelled"
	}
	return r
}

// failed says what err means.
func (t *tool) failed(err error) failure {
	name := t.op.Name()
	var refused *gate.RefusedError
	var pending *gate.PendingError
	errors.As(err, &refused)
	switch {
	case refused != nil && refused.Reason == gate.ReasonJournal:
		return failure{Status: statusRefused, Reason: refused.Reason, Message: refused.Error()}
	case errors.Is(err, gate.ErrJournal):
		t.opts.Logger.Error("journal", "op", name, "err", err)
		if t.op.Tier() == gate.TierRead {
			return failure{Status: statusFailed, Reason: gate.ReasonJournal, Message: name + ": the gate's journal can't be used; tell the operator."}
		}
		return failure{Status: statusUnknown, Reason: gate.ReasonJournal, Message: name + ": the gate's journal failed, so what became of the call isn't recorded. " +
			"Do not repeat it; check at the platform, and tell the operator."}
	case errors.Is(err, gate.ErrOutcomeUnknown):
		return failure{Status: statusUnknown, Error: err.Error(), Message: name + ": the request was sent and its answer was lost, so it may or may not have taken effect. " +
			"Nothing repeats it automatically. First check at the platform whether it happened."}
	case refused != nil:
		text := err.Error()
		if cause := errors.Unwrap(refused); cause != nil && refused.Reason == gate.ReasonDenied {
			text += ". " + gate.Escape(jsontree.Clip(cause.Error(), 500))
		}
		if refused.Reason == gate.ReasonPending {
			text += ". Tell the operator: " + hindrance.Room(t.guard.Dir())
		}
		return failure{Status: statusRefused, Reason: refused.Reason, Message: text}
	case errors.As(err, &pending): // of an operation that calls a gated one
		return failure{Status: string(gate.StatePending), Message: err.Error() + ". " + t.nextPending()}
	case errors.As(err, new(*invalidError)):
		return failure{Status: statusInvalid, Message: "invalid arguments for " + name + ":\n" + err.Error()}
	case errors.Is(err, connect.ErrTooLarge) && t.inParts() != "":
		return failure{Status: statusFailed, Error: err.Error(), Message: name + " failed: what the platform answers is over the limit. Ask for it in smaller parts, with " + t.inParts() + "."}
	case !t.foreign():
		return failure{Status: statusFailed, Message: err.Error()}
	}
	return failure{Status: statusFailed, Message: name + " failed. " + whose(err) + " is in error.", Error: err.Error()}
}

// whose says what the text of an operation's error is: a platform's, or ours, which
// may name what a platform has.
func whose(err error) string {
	switch {
	case errors.As(err, new(*connect.Refusal)):
		return "What the platform said"
	case errors.Is(err, connect.ErrInvalid):
		return "It was refused here, not by the platform: why"
	}
	return "Why"
}

// invalidError is what an input has against itself.
type invalidError struct{ error }

func (e *invalidError) Unwrap() error { return e.error }

// foreign reports whether the operation asks a platform where others write.
func (t *tool) foreign() bool {
	_, wired := t.op.Guard()
	return wired || t.op.Name() != t.opts.StatusTool && t.described().foreign
}
