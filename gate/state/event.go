package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate/internal/chain"
)

// An EventKind says what an [Event] records.
type EventKind string

// The kinds of events.
const (
	EventProposed   EventKind = "proposed"
	EventApproved   EventKind = "approved"   // signed by an approver
	EventAuthorised EventKind = "authorised" // by the operator's standing choice: Detail says which
	EventDenied     EventKind = "denied"
	EventStale      EventKind = "stale"
	EventConsumed   EventKind = "consumed" // the approval is spent; the operation starts
	EventProgress   EventKind = "progress" // how far the operation is: Detail says the step that begins
	EventExecuted   EventKind = "executed"
	EventPartly     EventKind = "partly" // some of its requests were done before one failed: Detail says which
	EventFailed     EventKind = "failed"
	EventUnknown    EventKind = "unknown"
	EventFrozen     EventKind = "frozen"
	EventUnfrozen   EventKind = "unfrozen"   // signed by an approver
	EventTripped    EventKind = "tripped"    // the breaker opened: Detail says why
	EventReset      EventKind = "reset"      // the breaker was closed; signed by an approver
	EventResolved   EventKind = "resolved"   // how an unknown outcome was, in Detail; signed by an approver
	EventGranted    EventKind = "granted"    // a standing approval, signed by an approver
	EventRevoked    EventKind = "revoked"    // the end of a standing approval
	EventEnrolled   EventKind = "enrolled"   // Key counts as Approver's from here on; Detail says by whom it is listed
	EventStruck     EventKind = "struck"     // Approver's key doesn't count any more
	EventBound      EventKind = "bound"      // where the journal lies; signed by an approver, unless it is its first event
	EventClock      EventKind = "clock"      // the clock had been ahead; signed by an approver
	EventCheckpoint EventKind = "checkpoint" // an approver vouches for all before it
	EventSnapshot   EventKind = "snapshot"   // Detail is the digest of the state so far
	EventGenesis    EventKind = "genesis"    // the first event of a new segment, with the state so far
)

// Kinds are all kinds of events.
func Kinds() []EventKind {
	return []EventKind{EventProposed, EventApproved, EventAuthorised, EventDenied, EventStale, EventConsumed, EventProgress, EventExecuted, EventPartly, EventFailed,
		EventUnknown, EventFrozen, EventUnfrozen, EventTripped, EventReset, EventResolved, EventGranted, EventRevoked, EventEnrolled, EventStruck,
		EventBound, EventClock, EventCheckpoint, EventSnapshot, EventGenesis}
}

// An Event is one line of the journal. Hash is the SHA-256 of the line without
// it, which holds the hash of the line before: changing one breaks all later.
type Event struct {
	Seq      uint64          `json:"seq"`                // its number, from 1
	Time     time.Time       `json:"time"`               // when it was written
	Prev     string          `json:"prev"`               // the hash of the event before
	Kind     EventKind       `json:"kind"`               // what happened
	ID       string          `json:"id,omitempty"`       // the proposal
	Proposal *Proposal       `json:"proposal,omitempty"` // of a proposed event
	Grant    *Grant          `json:"grant,omitempty"`    // of a granted event
	Ref      string          `json:"ref,omitempty"`      // the grant that an authorised event used
	Approver string          `json:"approver,omitempty"` // who decided
	Sig      []byte          `json:"sig,omitempty"`      // the signature of the decision
	Key      []byte          `json:"key,omitempty"`      // the public key of an enrolled event
	Exec     string          `json:"exec,omitempty"`     // the process that consumed
	State    json.RawMessage `json:"state,omitempty"`    // the state before a genesis event
	Detail   string          `json:"detail,omitempty"`   // what else is to say
	Hash     string          `json:"hash"`               // the hash of the event
}

// Format is the form of the journal's lines.
var Format = &chain.Format{
	Members: []string{"seq", "time", "prev", "kind", "id", "proposal", "grant", "ref", "approver", "sig", "key", "exec", "state", "detail", "hash"},
	Kinds:   kindNames(),
	Genesis: string(EventGenesis),
}

func kindNames() (names []string) {
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	return names
}

// Encode returns e as a line, with its hash, and as whoever reads that line sees
// it: strings that aren't UTF-8 come back changed. A proposal is one that
// [Proposal.Canonical] made, with texts and times set since.
func Encode(e Event) ([]byte, Event, error) {
	e.Hash = ""
	b, err := json.Marshal(e)
	if err != nil {
		return nil, e, err
	}
	if !slices.Contains(Format.Kinds, string(e.Kind)) {
		return nil, e, fmt.Errorf("unknown kind of event %q", e.Kind)
	}
	line, hash, err := chain.Seal(b)
	if err != nil {
		return nil, e, err
	}
	if (e.Kind == EventProposed || e.plain()) && !bytes.Contains(line, mended) {
		e.Hash, e.Time = hash, e.Time.Round(0)
		return line, e, nil
	}
	return line, Decode(chain.Link{Seq: e.Seq, Time: e.Time, Prev: e.Prev, Hash: hash, Kind: string(e.Kind), Line: line}), nil
}

// plain reports whether e has texts alone, and so is what its encoding says.
func (e *Event) plain() bool {
	return e.Proposal == nil && e.Grant == nil && e.Sig == nil && e.Key == nil && e.State == nil && e.Time.Location() == time.UTC
}

// Decode returns the event of a line that the chain has checked. Content that
// can't be read is absent, and so has no effect.
func Decode(l chain.Link) Event {
	var e Event
	d := json.NewDecoder(bytes.NewReader(l.Line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		e = Event{Seq: l.Seq, Time: l.Time, Prev: l.Prev, Kind: EventKind(l.Kind)}
	}
	e.Hash = l.Hash
	return e
}
