package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
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
			return typed[Out](o.run(ctx, &in))
		}
		res, err := o.propose(ctx, g, &in, nil)
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

// typed returns what run returned as what it is.
func typed[Out any](out any, err error) (Out, error) {
	o, _ := out.(Out)
	return o, err
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
	in, out := reflect.TypeFor[In](), reflect.TypeFor[Out]()
	var found *operation
	for _, op := range ops {
		var o *operation
		switch op := op.(type) {
		case *operation:
			o = op
		case *Operation[In, Out]:
			o = op.operation
		}
		switch {
		case o == nil || o.in != in || o.out != out:
		case found != nil:
			panic(fmt.Sprintf("gate: %s and %s both take %s: name the operation", found.name, o.name, in))
		default:
			found = o
		}
	}
	if found == nil {
		panic(fmt.Sprintf("gate: none of %d operations takes %s and returns %s", len(ops), in, out))
	}
	return &Operation[In, Out]{found}
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
