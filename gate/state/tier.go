package state

import (
	"fmt"
	"strconv"
)

// A Tier ranks operations by the harm they can do. The zero Tier is invalid,
// so that forgetting one is an error and never a default.
type Tier uint8

// The tiers, from harmless to harmful.
const (
	// TierRead observes and changes nothing.
	TierRead Tier = iota + 1
	// TierWrite changes state in a way that a person can undo.
	TierWrite
	// TierDestructive deletes, merges, publishes outside or acts on the real world.
	TierDestructive
)

var tierNames = [...]string{TierRead: "read", TierWrite: "write", TierDestructive: "destructive"}

// Valid reports whether t is one of the declared tiers.
func (t Tier) Valid() bool { return t >= TierRead && t <= TierDestructive }

// String returns "read", "write" or "destructive".
func (t Tier) String() string {
	if !t.Valid() {
		return "Tier(" + strconv.Itoa(int(t)) + ")"
	}
	return tierNames[t]
}

// MarshalText writes the name of a valid tier.
func (t Tier) MarshalText() ([]byte, error) {
	if !t.Valid() {
		return nil, fmt.Errorf("gate: %s is not a tier", t)
	}
	return []byte(t.String()), nil
}

// UnmarshalText accepts "read", "write" and "destructive".
func (t *Tier) UnmarshalText(b []byte) error {
	for v := TierRead; v <= TierDestructive; v++ {
		if tierNames[v] == string(b) {
			*t = v
			return nil
		}
	}
	return fmt.Errorf("gate: %q is not a tier: use read, write or destructive", b)
}
