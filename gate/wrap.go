package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Wrap returns the function of o with g in front of it, under the same
// signature. Its errors match [ErrPending], [ErrRefused], [ErrDryRun],
// [ErrRepeated] and [ErrOutcomeUnknown], beside those of the function.
//
// The same call within ten minutes of its execution isn't executed again: its
// error is a [RepeatedError], and what is returned beside it is the first
// answer, or, where that is no longer at hand, as in another process, one with
// the ids alone that the journal keeps of it.
func Wrap[In, Out any](g *Guard, o *Operation[In, Out]) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		var zero Out
		if ctx, ok, err := o.read(ctx, g, &in); ok || err != nil {
			if err != nil {
				return zero, err
			}
			return o.fn(o.prepared(ctx), in)
		}
		res, err := o.propose(ctx, g, &in)
		if err != nil {
			return zero, err
		}
		switch res.State {
		case StatePending:
			return zero, &PendingError{Proposal: res.Proposal}
		case StateDryRun:
			return zero, &DryRunError{Op: o.name, Plan: res.Proposal.Plan}
		}
		out, _ := res.Out.(Out)
		if res.Repeated {
			if len(res.Kept) > 0 {
				_ = json.Unmarshal(res.Kept, &out) // what doesn't fit is in the error
			}
			return out, &RepeatedError{Proposal: res.Proposal, Out: res.Out, Kept: res.Kept}
		}
		return out, nil
	}
}

// Of returns the one operation of ops that has the types of method, which is
// not called:
//
//	comment := gate.Wrap(guard, gate.Of(hive.Ops(), hive.CreateComment))
//
// So a program gets the method with its plan and its locks under the gate. Of
// panics if there is no such operation, or if several have these types, as
// [Wrap] would be of no use then: it is for declarations.
func Of[In, Out any](ops []Op, method func(context.Context, In) (Out, error)) *Operation[In, Out] {
	_ = method // only its types count
	var found *Operation[In, Out]
	for _, op := range ops {
		o, ok := op.(*Operation[In, Out])
		switch {
		case !ok:
		case found != nil:
			panic(fmt.Sprintf("gate: %s and %s both take %T: name the operation", found.name, o.name, *new(In)))
		default:
			found = o
		}
	}
	if found == nil {
		panic(fmt.Sprintf("gate: none of %d operations takes %T and returns %T", len(ops), *new(In), *new(Out)))
	}
	return found
}

// Await calls fn, which [Wrap] made, and when its call waits for an approver,
// waits too and calls it again. It returns what came of that: the answer, an
// [ErrRefused] after a denial, or, when the proposal lapsed or ctx ended first,
// the [PendingError].
func Await[In, Out any](ctx context.Context, g *Guard, fn func(context.Context, In) (Out, error), in In) (Out, error) {
	out, err := fn(ctx, in)
	var pending *PendingError
	if !errors.As(err, &pending) {
		return out, err
	}
	p, werr := g.Wait(ctx, pending.Proposal.ID)
	switch {
	case werr != nil:
		return out, errors.Join(err, werr)
	case p.State == StatePending || p.State == StateExpired:
		return out, err
	}
	return fn(ctx, in)
}
