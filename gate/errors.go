package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/internal/input"
)

// Errors to test with errors.Is.
var (
	// ErrPending means that the operation waits for an approver. It didn't run.
	ErrPending = errors.New("gate: waiting for approval")
	// ErrDryRun means that the call only showed what it would do.
	ErrDryRun = errors.New("gate: dry run, nothing was changed")
	// ErrRepeated means that this very call was executed a moment ago, and wasn't again.
	ErrRepeated = errors.New("gate: executed already")
	// ErrOutcomeUnknown means that a write was sent and its answer lost. It may
	// or may not have happened; nothing repeats it without a human.
	ErrOutcomeUnknown = errors.New("outcome unknown: the request may have taken effect")
	// ErrInvalid means that an input was refused before anything was sent.
	ErrInvalid = input.ErrInvalid
	// ErrNotFound means that there is nothing of an id or name. The ErrNotFound of
	// each package matches it.
	ErrNotFound = errors.New("not found")
)

// An InvalidError says what an input has against itself, field by field. It
// matches [ErrInvalid].
type InvalidError = input.Error

// A PendingError carries the proposal that waits. It matches [ErrPending].
type PendingError struct {
	Proposal *Proposal // what waits
}

// Error names the proposal and until when it waits.
func (e *PendingError) Error() string {
	p := e.Proposal
	return fmt.Sprintf("gate: %s waits for approval as %s until %s", p.Op, p.ID, p.Expires.UTC().Format(time.RFC3339))
}

// Is reports whether target is [ErrPending].
func (e *PendingError) Is(target error) bool { return target == ErrPending }

// A RepeatedError says that this very call was executed a moment ago, as which
// proposal, and wasn't executed again. It matches [ErrRepeated].
type RepeatedError struct {
	Proposal *Proposal       // what was executed
	Out      any             // the first answer; nil: it is no longer at hand
	Kept     json.RawMessage // the ids that were in it, if it is no longer at hand
}

// Error names the proposal.
func (e *RepeatedError) Error() string {
	text := fmt.Sprintf("gate: %s was executed as %s a moment ago, and was not repeated", e.Proposal.Op, e.Proposal.ID)
	if e.Out == nil {
		text += "; its answer is no longer at hand"
		if len(e.Kept) > 0 {
			text += ", of which the journal keeps " + string(e.Kept)
		}
	}
	return text
}

// Is reports whether target is [ErrRepeated].
func (e *RepeatedError) Is(target error) bool { return target == ErrRepeated }

// A DryRunError carries the plan of a call that was only a dry run. It matches [ErrDryRun].
type DryRunError struct {
	Op   string // the operation
	Plan Plan   // what would have happened
}

// Error names the operation.
func (e *DryRunError) Error() string {
	return fmt.Sprintf("gate: %s: dry run, nothing was changed", e.Op)
}

// Is reports whether target is [ErrDryRun].
func (e *DryRunError) Is(target error) bool { return target == ErrDryRun }

// A PartlyError means that an operation of several requests failed after some of
// them had been done. Nothing repeats it without a human.
type PartlyError struct {
	Done string // the endpoints that did what they were asked for
	Err  error  // why the next one failed
}

// Error says what was done and what went wrong then.
func (e *PartlyError) Error() string { return "done in part (" + e.Done + "), then: " + e.Err.Error() }

// Unwrap returns why it failed.
func (e *PartlyError) Unwrap() error { return e.Err }
