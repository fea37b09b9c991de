package gate

import (
	"crypto"
	"io"
	"iter"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/screen"
)

// What a proposal and its plan are made of; see package state.
type (
	// A Tier ranks operations by the harm they can do. The zero Tier is invalid.
	Tier = state.Tier
	// A Plan is what an approver sees before saying yes.
	Plan = state.Plan
	// A Target is one thing a plan touches.
	Target = state.Target
	// A Change is one value a plan sets.
	Change = state.Change
	// An Egress is one outside party that a plan sends data to.
	Egress = state.Egress
	// A Call is an operation with its input.
	Call = state.Call
	// A Proposal is one call that somebody wants to make, as an approver judges it.
	Proposal = state.Proposal
	// A State is where a proposal, or a call, stands.
	State = state.State
	// A Grant is a standing approval.
	Grant = state.Grant
	// An Approver is a person whose signature counts, by name and public key.
	Approver = state.Approver
	// An Event is one line of the journal.
	Event = state.Event
	// An EventKind says what an [Event] records.
	EventKind = state.EventKind
)

// The tiers, from harmless to harmful.
const (
	TierRead        = state.TierRead        // observes and changes nothing
	TierWrite       = state.TierWrite       // changes state in a way that a person can undo
	TierDestructive = state.TierDestructive // deletes, merges, publishes outside or acts on the real world
)

// The states.
const (
	StatePending  = state.StatePending  // waits for an approver
	StateApproved = state.StateApproved // approved, not yet spent
	StateDenied   = state.StateDenied   // an approver said no
	StateExpired  = state.StateExpired  // nobody decided in time
	StateStale    = state.StateStale    // its target changed since
	StateRunning  = state.StateRunning  // its approval is spent, the operation runs
	StateExecuted = state.StateExecuted // done
	StatePartly   = state.StatePartly   // some of its requests were done, then one failed
	StateFailed   = state.StateFailed   // the operation failed and says so
	StateUnknown  = state.StateUnknown  // the request was sent, its answer lost
	StateDryRun   = state.StateDryRun   // only shown, never proposed
	StateRead     = state.StateRead     // a read: there was nothing to propose
)

// The kinds of events.
const (
	EventProposed   = state.EventProposed
	EventApproved   = state.EventApproved
	EventAuthorised = state.EventAuthorised
	EventDenied     = state.EventDenied
	EventStale      = state.EventStale
	EventConsumed   = state.EventConsumed
	EventProgress   = state.EventProgress
	EventExecuted   = state.EventExecuted
	EventPartly     = state.EventPartly
	EventFailed     = state.EventFailed
	EventUnknown    = state.EventUnknown
	EventFrozen     = state.EventFrozen
	EventUnfrozen   = state.EventUnfrozen
	EventTripped    = state.EventTripped
	EventReset      = state.EventReset
	EventResolved   = state.EventResolved
	EventGranted    = state.EventGranted
	EventRevoked    = state.EventRevoked
	EventEnrolled   = state.EventEnrolled
	EventStruck     = state.EventStruck
	EventBound      = state.EventBound
	EventClock      = state.EventClock
	EventCheckpoint = state.EventCheckpoint
	EventSnapshot   = state.EventSnapshot
	EventGenesis    = state.EventGenesis
)

// Set returns the change that sets field to after, formatted by fmt.Sprint.
func Set(field string, after any) Change { return state.Set(field, after) }

// Changed returns the change of field from before to after, formatted by fmt.Sprint.
func Changed(field string, before, after any) Change { return state.Changed(field, before, after) }

// The journal and who signs in it; see package journal.
type (
	// A Journal is the store of proposals and the audit log in one.
	Journal = journal.Journal
	// A Store keeps the lines of a journal.
	Store = journal.Store
	// A Signer is an approver's private key. Servers never hold one.
	Signer = journal.Signer
	// A Standing is how the gate stands for everybody who shares the journal.
	Standing = journal.Standing
	// An InForce is what was done and stays until it is taken back.
	InForce = journal.InForce
	// Used is what one principal has done and asked for within the hour.
	Used = journal.Used
	// Anchors are what is known outside of a journal.
	Anchors = journal.Anchors
	// A Report is what verifying a journal found.
	Report = journal.Report
	// A Quorum is how many approvers must sign, by tier; 0 means 1.
	Quorum = journal.Quorum
	// A Budget bounds what one principal may do within an hour.
	Budget = journal.Budget
	// A Breaker stops all writes of all servers when more happens than this.
	Breaker = journal.Breaker
	// A Reason says in one fixed word why the gate refused.
	Reason = journal.Reason
	// A RefusedError is a refusal by the gate. It matches [ErrRefused].
	RefusedError = journal.RefusedError
	// A MovedError means that a state folder is a copy, or was moved.
	MovedError = journal.MovedError
)

// The reasons for a refusal.
const (
	ReasonOff          = journal.ReasonOff          // the operator keeps this operation off
	ReasonUnconfirmed  = journal.ReasonUnconfirmed  // the call doesn't confirm what it does
	ReasonTier         = journal.ReasonTier         // the policy stops below this tier
	ReasonFrozen       = journal.ReasonFrozen       // all writes are stopped
	ReasonDenied       = journal.ReasonDenied       // an approver said no
	ReasonInFlight     = journal.ReasonInFlight     // the same call is being executed
	ReasonNoPermit     = journal.ReasonNoPermit     // a request left without the gate knowing
	ReasonUnguarded    = journal.ReasonUnguarded    // the client isn't behind this gate
	ReasonJournal      = journal.ReasonJournal      // the journal is unusable
	ReasonTooLarge     = journal.ReasonTooLarge     // the input doesn't fit into a proposal
	ReasonNotAvailable = journal.ReasonNotAvailable // what the operation needs isn't configured
	ReasonFootprint    = journal.ReasonFootprint    // an approved operation tried a request that isn't one of its own
	ReasonBudget       = journal.ReasonBudget       // enough was done or asked for within the hour
	ReasonPending      = journal.ReasonPending      // as many proposals as may wait are waiting
	ReasonBreaker      = journal.ReasonBreaker      // too much went wrong: all writes are stopped
	ReasonProtected    = journal.ReasonProtected    // no operation may act on that target
	ReasonDuplicate    = journal.ReasonDuplicate    // the same thing is asked for, being done or done by another call
)

// Errors to test with errors.Is.
var (
	// ErrRefused means that the gate said no. It didn't run.
	ErrRefused = journal.ErrRefused
	// ErrJournal means that the journal can't be trusted or written. No write runs.
	ErrJournal = journal.ErrJournal
	// ErrNoProposal means that there is no proposal of that id.
	ErrNoProposal = journal.ErrNoProposal
)

// OpenJournal opens the journal in dir, making both if they aren't there. A
// directory or file that another user could write, or a link, is refused.
func OpenJournal(dir string) (*Journal, error) { return journal.Open(dir, journal.Options{}) }

// DefaultDir is where the journal and the approvers' public keys lie:
// $SALLYPORT_STATE, or sallyport below $XDG_STATE_HOME, or below ~/.local/state.
func DefaultDir() (string, error) { return journal.DefaultDir() }

// NewSigner makes a new key for an approver. The name is one word of letters,
// digits and any of ._@+-.
func NewSigner(name string) (*Signer, error) { return journal.NewSigner(name) }

// SignerFrom returns a signer whose Ed25519 key is held elsewhere: in memory, or
// by an agent that signs what it is given.
func SignerFrom(name string, key crypto.Signer) (*Signer, error) {
	return journal.SignerFrom(name, key)
}

// LoadSigner reads a key written by [Signer.Save], of this version or an earlier one, or
// by ssh-keygen with the approver's name for a comment and without a passphrase. A key
// that others could read is refused.
func LoadSigner(file string) (*Signer, error) { return journal.LoadSigner(file) }

// AddApprover enrols an approver in the state directory dir. A name can be
// enrolled once.
func AddApprover(dir string, a Approver) error { return journal.AddApprover(dir, a) }

// StrikeApprover takes an approver off the list of the state directory dir.
func StrikeApprover(dir, name string) error { return journal.StrikeApprover(dir, name) }

// Approvers reads who is enrolled in the state directory dir; nobody, if the
// file isn't there.
func Approvers(dir string) ([]Approver, error) { return journal.Approvers(dir) }

// Events returns the events of the journal in dir, oldest first, checking the
// chain on the way; it needs no lock and writes nothing. It ends after one error.
func Events(dir string) iter.Seq2[Event, error] { return journal.Events(dir) }

// Verify walks the chain of the journal in dir, checks the checkpoints of those
// who were enrolled, and compares it with what anchors say, if they aren't nil.
func Verify(dir string, anchors *Anchors) (*Report, error) { return journal.Verify(dir, anchors) }

// ReadAnchors reads every line of r that holds an exported event, whatever
// stands before it in the line, as in a system log.
func ReadAnchors(r io.Reader) (*Anchors, error) { return journal.ReadAnchors(r) }

// Render returns the text that an approver decides on.
func Render(p *Proposal) string { return screen.Render(p) }

// Escape makes every character visible that a person can't see, or that moves
// others about.
func Escape(s string) string { return screen.Escape(s) }
