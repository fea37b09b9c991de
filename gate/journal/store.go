package journal

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
)

// A Store keeps the lines of one journal in their order, for any number of
// processes, and a snapshot of what they add up to. What the lines say is none of its
// business: it is the journal that hashes, chains and judges them.
//
// Begin, Ahead and Snapshot are called by one goroutine at a time. All other methods
// are safe for concurrent use.
type Store interface {
	// Begin locks the journal against everybody else until the transaction ends.
	Begin() (Tx, error)
	// Ahead yields the lines behind the one of that number and hash which can't be
	// taken back any more, without the lock; none, if they are few. 0 is before the first.
	Ahead(seq uint64, hash string) iter.Seq2[[]byte, error]
	// Snapshot returns the snapshot that was saved last and behind which line that
	// was, if the line is still there; otherwise nil.
	Snapshot() (snapshot []byte, seq uint64, hash string)

	// Lines yields all lines that are kept, oldest first, without the lock. A line
	// is valid until the next one is asked for.
	Lines() iter.Seq2[[]byte, error]
	// Back yields them newest first.
	Back() iter.Seq2[[]byte, error]
	// Watch returns when there may be a line behind that of the number seq, or ctx ends.
	Watch(ctx context.Context, seq uint64)

	// Place tells this journal from a copy of it. "": there can be no copy.
	Place() (string, error)
	// Process returns a name by which all can find out whether this process is alive.
	Process() (string, error)
	// Alive reports whether that process is, or it can't be found out.
	Alive(process string) bool

	// Halt has every process that begins a transaction see why all writes are to be
	// stopped, at once, even while another holds the lock. A store in which nobody waits
	// for long does nothing, and says so.
	Halt(why []byte) (told bool, err error)
	// Halted returns what Halt was told last, nil if nothing.
	Halted() ([]byte, error)
	// Resume forgets it.
	Resume() error

	// String says where the journal is, for a person.
	String() string
	// Close lets go of all resources, and has this process count as dead.
	Close() error
}

// A Tx is one transaction of a [Store].
type Tx interface {
	// After yields the lines behind the one of that number and hash, which must
	// still be there, or else it yields an error. 0 is before the first that is kept.
	After(seq uint64, hash string) iter.Seq2[[]byte, error]
	// Append writes a line behind all others, all of which were read by After. kind
	// and id say what it is about: an event consumed is a spending, of which there can
	// be only one of that id.
	Append(line []byte, kind, id string) error
	// Save keeps a snapshot of the state behind the last line. It may be lost.
	Save(snapshot []byte) error
	// Commit returns when what was appended can't be lost any more. If it fails,
	// nobody knows what is kept. Only what is halted (see [Store.Halt]) or in files
	// (see [Rotator]) goes on in the same transaction.
	Commit() error
	// End lets others write again. What wasn't committed may be lost.
	End()
}

// An UnreachableError is why the lines of a store could not be read, which says nothing
// about what is in it.
type UnreachableError struct {
	Err error // what kept it from being reached
}

// Error says why.
func (e *UnreachableError) Error() string { return e.Err.Error() }

// A Looker is a [Store] that can be read without its lock, as it is at one moment.
type Looker interface {
	// Look returns a transaction that holds nobody up, and whose Append and Save fail
	// with [ErrLook].
	Look() (Tx, error)
}

// ErrLook means that something is to be appended in a transaction that only looks: it
// is to be done again under the lock.
var ErrLook = errors.New("it is only looked at")

// A Clock is a [Store] with a clock that all who share it go by, on whatever host they are.
type Clock interface {
	Now() time.Time
}

// A Rotator is a [Tx] whose lines are in files, of which a new one can be begun.
type Rotator interface {
	// Size is how many bytes the live file has.
	Size() int64
	// Rotate begins a new file with a line that is appended.
	Rotate(genesis []byte) error
	// Discard deletes the closed files that were written last before that time.
	Discard(before time.Time) error
}

// A Roll is a [Store] that keeps the list of approvers too, which whoever can only
// propose and spend should not be able to change.
type Roll interface {
	// Approvers returns who is listed.
	Approvers() ([]state.Approver, error)
	// AddApprover lists an approver. A name can be listed once.
	AddApprover(state.Approver) error
	// StrikeApprover takes one off the list. Signatures of theirs that weren't spent yet
	// count for nothing from then on.
	StrikeApprover(name string) error
}

// Notes are kept by a [Store] that isn't in a folder, where files do it: for all
// processes, when something was last the case.
type Notes interface {
	// Note says that it was so at that time.
	Note(name string, at time.Time) error
	// Noted returns the time that Note was told last, zero if none.
	Noted(name string) (time.Time, error)
}
