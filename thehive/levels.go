package thehive

import (
	"strconv"
)

// Severity is the impact of a case or an alert.
type Severity int

// The severities, from least to most severe.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

// Enum lists the values for schemas.
func (Severity) Enum() []any { return []any{1, 2, 3, 4} }

// String returns TheHive's label.
func (s Severity) String() string { return label(int(s)-1, "LOW", "MEDIUM", "HIGH", "CRITICAL") }

// TLP says to whom information may be passed on: the Traffic Light Protocol 2.0.
type TLP int

// The TLP levels, from open to closed.
const (
	TLPClear TLP = iota
	TLPGreen
	TLPAmber
	TLPAmberStrict
	TLPRed
)

// Enum lists the values for schemas.
func (TLP) Enum() []any { return []any{0, 1, 2, 3, 4} }

// String returns TheHive's label.
func (t TLP) String() string { return label(int(t), "CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED") }

// PAP says what may be done with information: the Permissible Actions Protocol.
type PAP int

// The PAP levels, from open to closed.
const (
	PAPClear PAP = iota
	PAPGreen
	PAPAmber
	PAPRed
)

// Enum lists the values for schemas.
func (PAP) Enum() []any { return []any{0, 1, 2, 3} }

// String returns TheHive's label.
func (p PAP) String() string { return label(int(p), "CLEAR", "GREEN", "AMBER", "RED") }

func label(i int, names ...string) string {
	if i < 0 || i >= len(names) {
		return "level " + strconv.Itoa(i)
	}
	return names[i]
}
