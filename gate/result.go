package gate

import "encoding/json"

// A Result is the outcome of [Op.Do].
type Result struct {
	State State // what became of the call
	// Proposal is set unless State is StateRead. For a dry run it has no ID.
	Proposal *Proposal
	// Out is the answer of the operation: set for StateRead and, unless it is no
	// longer at hand, for StateExecuted.
	Out any
	// Repeated says that the call had been executed before and was not repeated;
	// Out, if set, is the answer of that execution.
	Repeated bool
	// Kept are the ids in the answer of a repeated call that is no longer at
	// hand, as a JSON object: what the journal keeps of an answer.
	Kept json.RawMessage
	// Approvers is how many are enrolled, for StatePending: if it is 0, nobody can approve.
	Approvers int
	// Waiting is how many proposals of the principal wait, or are approved and not spent,
	// for StatePending.
	Waiting int
	// Full says that Waiting is as many as may: another is refused.
	Full bool
	// Note is a remark for whoever called, such as that an older approval went stale.
	Note string
}
