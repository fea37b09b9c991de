// Package clientword has what the adapter alone may ask of a guard: to put a question to a
// client and to take its answer for an approval, and to note what a client was shown.
package clientword

import (
	"context"
	"errors"

	"github.com/sallyport-soc/sallyport/gate/state"
)

// A Guard is a *gate.Guard, for the adapter.
type Guard interface {
	// Seal returns the state to send to a client together with the question about p, or
	// an error that says why a client's word isn't enough.
	Seal(p *state.Proposal) (sealed string, err error)
	// Attest records a client's word that the user approved p. What Seal returned for this
	// very proposal must come back, with the code of p as the user typed it; otherwise the
	// error is ErrUnsealed.
	Attest(ctx context.Context, p *state.Proposal, sealed, typed string) error
	// Saw notes that principal, or the guard's own if that is empty, was shown values,
	// strings that an attacker can write.
	Saw(principal string, values []string)
	// Tainted reports whether principal was shown such text within two hours, by any server
	// of the state directory. If that can't be found out, it was.
	Tainted(principal string) bool
}

// ErrUnsealed means that an answer doesn't come with the state of a question that was put,
// or not with the right code.
var ErrUnsealed = errors.New("gate: the answer does not belong to a question of this gate")

// Of returns what a *gate.Guard is for the adapter. Package gate sets it with the first
// guard.
var Of func(guard any) Guard

// A Listener hears of one call that was executed while the journal takes note of it.
type Listener struct {
	// Encode returns the JSON text of what the operation put out.
	Encode func(out any) ([]byte, error)
	// Executed is told the *gate.Result and that text, on a goroutine of its own. The result
	// counts only once the call returns it too.
	Executed func(result any, text []byte)
}

type listenerKey struct{}

// WithListener returns a context under which l hears of the call.
func WithListener(ctx context.Context, l *Listener) context.Context {
	return context.WithValue(ctx, listenerKey{}, l)
}

// ListenerOf returns who hears of the one call under ctx, or nil, and the context for what
// the call does.
func ListenerOf(ctx context.Context) (context.Context, *Listener) {
	l, _ := ctx.Value(listenerKey{}).(*Listener)
	if l == nil {
		return ctx, nil
	}
	return context.WithValue(ctx, listenerKey{}, (*Listener)(nil)), l
}
