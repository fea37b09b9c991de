package state

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// An Approver is a person whose signature counts, by name and public key.
type Approver struct {
	Name string            // the name in the journal
	Key  ed25519.PublicKey // the public key that signs
}

// ClientName stands for a client's word in the journal. It can't be enrolled.
const ClientName = "(client)"

// CheckName returns an error unless name can be an approver's.
func CheckName(name string) error {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._@+-", r)
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, odd) {
		return fmt.Errorf("gate: approver name %q: want one word of at most 64 letters, digits and any of ._@+-", name)
	}
	return nil
}

// SamePerson reports whether an approver is who asks, however they are spelt.
func SamePerson(approver, principal string) bool {
	return strings.EqualFold(strings.TrimSpace(approver), strings.TrimSpace(principal))
}

// The messages that an approver signs. Each is for one thing, so that no
// signature can stand for another.

// ApprovalMessage is for this proposal, this digest, this expiry, and its place in
// the chain: whoever writes the proposal into the journal again, once it has ended, can't
// write its approval again.
func ApprovalMessage(p *Proposal, seq uint64) []byte {
	return fmt.Appendf(nil, "sallyport/approval/v2\x00%s\x00%s\x00%d\x00%d", p.ID, p.Digest, p.Expires.Unix(), seq)
}

// ResetMessage closes one particular opening of the breaker.
func ResetMessage(trippedBy string) []byte {
	return fmt.Appendf(nil, "sallyport/reset/v1\x00%s", trippedBy)
}

// ResolveMessage says how an execution ended.
func ResolveMessage(p *Proposal, outcome string) []byte {
	return fmt.Appendf(nil, "sallyport/resolve/v1\x00%s\x00%s\x00%s", p.ID, p.Digest, outcome)
}

// CheckpointMessage vouches for a journal so far of which no tree is known. All others
// are vouched for by [Tree.Checkpoint].
func CheckpointMessage(seq uint64, head string) []byte {
	return fmt.Appendf(nil, "sallyport/checkpoint/v1\x00%d\x00%s", seq, head)
}

// UnfreezeMessage ends one particular freeze.
func UnfreezeMessage(frozenBy string) []byte {
	return fmt.Appendf(nil, "sallyport/unfreeze/v1\x00%s", frozenBy)
}

// BindMessage takes the journal, which ends at head, over to another place.
func BindMessage(head, place string) []byte {
	return fmt.Appendf(nil, "sallyport/bind/v1\x00%s\x00%s", head, place)
}

// ClockMessage sets the clock of the journal, which ends at head, back to a time.
func ClockMessage(head string, at time.Time) []byte {
	return fmt.Appendf(nil, "sallyport/clock/v1\x00%s\x00%d", head, at.Unix())
}
