package journal

import (
	"errors"
	"fmt"
)

// Errors to test with errors.Is.
var (
	// ErrRefused means that the gate said no. It didn't run.
	ErrRefused = errors.New("gate: refused")
	// ErrJournal means that the journal can't be trusted or written. No write runs.
	ErrJournal = errors.New("gate: journal")
)

// A Reason says in one fixed word why the gate refused. It never says how to
// open the gate: that is for the operator, not for the agent.
type Reason string

// The reasons for a refusal.
const (
	ReasonOff          Reason = "switched_off"      // the operator keeps this operation off
	ReasonUnconfirmed  Reason = "unconfirmed"       // the call doesn't confirm what it does
	ReasonTier         Reason = "above_tier"        // the policy stops below this tier
	ReasonFrozen       Reason = "frozen"            // all writes are stopped
	ReasonDenied       Reason = "denied"            // an approver said no
	ReasonInFlight     Reason = "in_flight"         // the same call is being executed
	ReasonNoPermit     Reason = "no_permit"         // a request left without the gate knowing
	ReasonFootprint    Reason = "outside_footprint" // an approved operation tried a request that isn't one of its own
	ReasonUnguarded    Reason = "unguarded"         // the client isn't behind this gate
	ReasonJournal      Reason = "journal_failure"   // the journal is unusable
	ReasonTooLarge     Reason = "too_large"         // the input doesn't fit into a proposal
	ReasonNotAvailable Reason = "not_available"     // what the operation needs isn't configured
	ReasonBudget       Reason = "over_budget"       // enough was done or asked for within the hour
	ReasonPending      Reason = "too_many_pending"  // as many proposals as may wait are waiting
	ReasonBreaker      Reason = "breaker_open"      // too much went wrong: all writes are stopped
	ReasonProtected    Reason = "protected_target"  // no operation may act on that target
	ReasonDuplicate    Reason = "duplicate"         // the same thing is asked for, being done or done by another call
)

var reasonTexts = map[Reason]string{
	ReasonOff:          "this operation is switched off here; only the operator can change that",
	ReasonUnconfirmed:  "the call does not confirm the action",
	ReasonTier:         "this server does not run operations of that tier",
	ReasonFrozen:       "the operator has frozen all writes; reads go on",
	ReasonDenied:       "an approver denied exactly this call",
	ReasonInFlight:     "the same call is being executed at this moment",
	ReasonNoPermit:     "the request is not covered by an approved proposal and was not sent; a program gets there by gate.Wrap(guard, gate.Of(client.Ops(), client.Method)), an agent by the tool",
	ReasonFootprint:    "the request is not one that the approved operation is for, and was not sent",
	ReasonUnguarded:    "the client behind this operation is not guarded by this gate",
	ReasonJournal:      "the gate's journal cannot be used, so nothing is written",
	ReasonTooLarge:     "the input is too large to be shown to an approver",
	ReasonNotAvailable: "what this operation needs is not configured here",
	ReasonBudget:       "the budget for such calls is used up; it refills within the hour",
	ReasonPending:      "as many proposals as may wait for the operator are waiting, over all servers that share this gate; an approver sees them with gate pending, and deciding one makes room, as does the end of its time",
	ReasonBreaker:      "too much went wrong, so all writes are stopped until the operator has looked",
	ReasonProtected:    "it would act on a target that is protected here, which no approval changes",
	ReasonDuplicate:    "the same thing is waiting, running or done already by another call",
}

// A RefusedError is a refusal by the gate. It matches [ErrRefused].
type RefusedError struct {
	Op     string // the operation, or the endpoint for a refusal on the wire
	Reason Reason // why, in one word
	Lock   string // the lock that is closed, for the operator's log; not in the text
	Detail string // a number that the agent may know, such as how many wait
	Err    error  // the cause, if there is one
}

// Error says that the operation was refused and why, in fixed words.
func (e *RefusedError) Error() string {
	text := fmt.Sprintf("%s refused (%s): %s", e.Op, e.Reason, reasonTexts[e.Reason])
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// Is reports whether target is [ErrRefused].
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.Err }
